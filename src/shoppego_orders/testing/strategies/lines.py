"""What an order consists of."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from hypothesis import strategies as st

from shoppego_orders.order import (
    Adjustment,
    AdjustmentKind,
    CartItem,
    CartLink,
    LineItem,
    PaymentMethod,
    PaymentType,
    Tracking,
    parse_cart_link,
)
from shoppego_orders.testing.strategies.values import currencies, money, texts

PARCELS: Sequence[tuple[str, str]] = (("J&T", "JT1"), ("J&T", "JT2"), ("Pos Laju", "JT1"))


@functools.cache
def payment_methods() -> st.SearchStrategy[PaymentMethod]:
    """Make payment methods of both types."""
    known = (
        PaymentMethod("Cash on delivery", PaymentType.MANUAL),
        PaymentMethod("Billplz", PaymentType.ALTERNATIVE),
    )
    return st.sampled_from(known) | st.builds(PaymentMethod, texts(), st.sampled_from(PaymentType))


def line_items(currency: str | None = None) -> st.SearchStrategy[LineItem]:
    """Make line items of one currency, custom items among them."""
    if currency is None:
        return currencies().flatmap(line_items)
    price = money(currency, least=0, most=10**6)
    product = st.builds(
        LineItem,
        st.sampled_from(("Kopi", "Teh tarik")) | texts(),
        st.integers(1, 5),
        price,
        variant=st.just("") | texts(),
        sku=st.sampled_from(("", "KOPI-1")) | texts(),
    )
    name = st.text(st.characters(exclude_categories=()), min_size=1, max_size=50)
    custom = st.builds(LineItem, name, st.integers(1, 5), price, custom=st.just(True))
    return product | custom


def adjustments(currency: str | None = None) -> st.SearchStrategy[Adjustment]:
    """Make adjustments of one currency, each on its right side of zero."""
    if currency is None:
        return currencies().flatmap(adjustments)
    discount = st.builds(
        Adjustment, st.just(AdjustmentKind.DISCOUNT), money(currency, least=-(10**4), most=0)
    )
    declared = st.builds(
        Adjustment, st.just(AdjustmentKind.DECLARED), money(currency, least=-(10**4), most=10**4)
    )
    return charges(currency) | discount | declared


@functools.cache
def trackings() -> st.SearchStrategy[Tracking]:
    """Make parcels, from a small pool and with hostile carriers."""
    known = st.sampled_from(PARCELS).map(lambda parcel: Tracking(*parcel))
    return known | st.builds(Tracking, texts(), st.just("JT1"), texts())


def tags() -> st.SearchStrategy[str]:
    """Make tags, as typed."""
    return st.sampled_from(("vip", "raya", " vip ")) | texts()


def charges(currency: str) -> st.SearchStrategy[Adjustment]:
    """Make what is charged besides the lines: shipping and tax."""
    return st.builds(
        Adjustment,
        st.sampled_from((AdjustmentKind.SHIPPING, AdjustmentKind.TAX)),
        money(currency, least=0, most=10**5),
        label=st.just("") | texts(),
    )


@functools.cache
def cart_items() -> st.SearchStrategy[CartItem]:
    """Make variants of an express-checkout link, each with a quantity."""
    variants = st.sampled_from((2648, 57085)) | st.integers(1, 10**19 - 1)
    return st.builds(CartItem, variants.map(str), st.integers(1, 3) | st.integers(1, 999_999))


@functools.cache
def cart_links() -> st.SearchStrategy[CartLink]:
    """Make express-checkout links, as built and as read; some with parts that can't be read."""
    built = st.lists(cart_items(), min_size=1, max_size=3).map(CartLink)
    part = cart_items().map(lambda item: f"{item.variant}:{item.quantity}") | texts()
    parts = st.lists(part, min_size=1, max_size=5)
    return built | parts.map(lambda read: parse_cart_link(f"/cart/{','.join(read)}"))
