"""Express-checkout links, both ways: ``/cart/57085:1,12345:2`` (Shoppego, express checkout).

Such a link puts variants straight into the cart; Shoppego reads at most the first three valid
ones. Reading never raises, since links come from outside; building refuses what nobody can read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote, urlencode

import attrs

from shoppego_orders.errors import InvalidValue

MOST_VARIANTS: Final = 3
"""How many variants a link can carry (Shoppego, express checkout)."""

LARGEST_QUANTITY: Final = 999_999
"""More of one variant than this is taken for a mistake."""

_VARIANT: Final = re.compile(r"[1-9][0-9]{0,18}")
_ORIGIN: Final = re.compile(r"\A([A-Za-z][A-Za-z0-9+.-]*:)?//[^/]*")
_CART: Final = re.compile(r"(?:^|/)cart/(.*)", re.DOTALL)
_BASE: Final = re.compile(r"(https?://[^/?#@\\\s]+)/?", re.IGNORECASE)


@attrs.frozen
class CartItem:
    """One variant, and how many of it.

    :ivar variant: the variant's number in the shop, as digits without leading zeros.
    :ivar quantity: 1 to :data:`LARGEST_QUANTITY`.
    :raises InvalidValue: when one of them is not so.
    """

    variant: str
    quantity: int

    def __attrs_post_init__(self) -> None:
        if type(self.variant) is not str or not _VARIANT.fullmatch(self.variant):
            raise InvalidValue("variant", self.variant, "a variant's number, such as '57085'")
        if type(self.quantity) is not int or not 1 <= self.quantity <= LARGEST_QUANTITY:
            raise InvalidValue(
                "quantity", self.quantity, f"a whole number from 1 to {LARGEST_QUANTITY}"
            )


@attrs.frozen
class RejectedPart:
    """A part of a link that was not read.

    :ivar part: as it stands in the link, percent-encoding resolved; or the whole link.
    :ivar why: for people.
    """

    part: str
    why: str


def _items(items: Iterable[CartItem]) -> tuple[CartItem, ...]:
    return tuple(items)


@attrs.frozen
class CartLink:
    """An express-checkout link: what it puts into the cart.

    :ivar items: at most :data:`MOST_VARIANTS`, in the link's order.
    :ivar rejected: what :func:`parse_cart_link` could not read.
    :raises InvalidValue: for more items than a link can carry.
    """

    items: tuple[CartItem, ...] = attrs.field(converter=_items)
    rejected: tuple[RejectedPart, ...] = ()

    def __attrs_post_init__(self) -> None:
        if len(self.items) > MOST_VARIANTS:
            raise InvalidValue("items", self.items, f"at most {MOST_VARIANTS} variants")

    @property
    def path(self) -> str:
        """The link within the shop, such as "/cart/57085:1,12345:2".

        :raises InvalidValue: when there are no items.
        """
        if not self.items:
            raise InvalidValue("items", self.items, f"1 to {MOST_VARIANTS} variants")
        return "/cart/" + ",".join(f"{item.variant}:{item.quantity}" for item in self.items)

    def url(self, base: str, **utm: str) -> str:
        """The whole link, with the campaign that its customers come from.

        :param base: the shop's address, such as "http://hartamas.myshoppegram.com".
        :param utm: ``utm_source="tiktok"`` and its like.
        :raises InvalidValue: when there are no items, when the base is more or less than scheme
            and host, or when a parameter's name does not begin with ``utm_``.
        """
        origin = _BASE.fullmatch(base)
        if origin is None:
            raise InvalidValue("base", base, "scheme and host, such as https://shop.example")
        for name in utm:
            if not name.startswith("utm_"):
                raise InvalidValue("utm", name, "a parameter such as utm_source")
        url = origin[1] + self.path
        return f"{url}?{urlencode(utm, errors='replace')}" if utm else url


def parse_cart_link(link: str) -> CartLink:
    """Read a link, or the path of one; what can't be read is reported in ``rejected``.

    :param link: any text; scheme, host, query and fragment are passed over.
    :returns: the first three valid variants, and each other part with the reason.
    """
    path = re.split(r"[?#]", link.strip(), maxsplit=1)[0]
    found = _CART.search(_ORIGIN.sub("", path))
    if found is None:
        return CartLink((), (RejectedPart(link, "not a link to /cart/VARIANT:QUANTITY"),))
    items: list[CartItem] = []
    rejected: list[RejectedPart] = []
    for part in unquote(found[1]).rstrip("/").split(","):
        item = _item_or_reason(part)
        if isinstance(item, str):
            rejected.append(RejectedPart(part, item))
        elif len(items) == MOST_VARIANTS:
            rejected.append(RejectedPart(part, f"a link carries at most {MOST_VARIANTS} variants"))
        else:
            items.append(item)
    return CartLink(tuple(items), tuple(rejected))


def _item_or_reason(part: str) -> CartItem | str:
    variant, colon, quantity = part.strip().partition(":")
    if not colon:
        return "no colon between variant and quantity"
    if not _VARIANT.fullmatch(variant):
        return "the variant is not a number from 1"
    if not (quantity.isascii() and quantity.isdigit()):
        return "the quantity is not a whole number from 1"
    quantity = quantity.lstrip("0")
    if not quantity:
        return "the quantity is zero"
    if len(quantity) > len(str(LARGEST_QUANTITY)):
        return f"the quantity is above {LARGEST_QUANTITY}"
    return CartItem(variant, int(quantity))
