"""A person whom nothing may tell of once they are erased, and all that a shop knows of them.

Every text of theirs holds ``zqx`` in some case, and every number of theirs ``5550101``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import attrs
from hypothesis import strategies as st

from shoppego_orders.attribution import IgnoredTouch, Touch, default_table
from shoppego_orders.customers import Address, Customer
from shoppego_orders.errors import CommandRefused
from shoppego_orders.money import Money
from shoppego_orders.order import LineItem, Order, PaymentMethod
from shoppego_orders.order.statuses import PaymentType

SHOP = "hartamas.myshoppegram.com"
OTHER_SHOP = "mirfaith.myshoppegram.com"
BEGAN = datetime(2026, 3, 3, 12, tzinfo=UTC)
NOW = BEGAN + timedelta(days=30)
HOUR = timedelta(hours=1)

ZQX = Customer(
    id="zqx-7",
    first_name="Zqxaisyah",
    last_name="binti Zqx",
    email="Zqx.Aisyah@example.com",
    phone="+60 12-555 0101",
)
BY_EMAIL = attrs.evolve(ZQX, id=None, email=" zqx.aisyah@EXAMPLE.com")
BY_PHONE = Customer(first_name="Zqx", phone="0125550101")
ALL_OF_ZQX = (ZQX, BY_EMAIL, BY_PHONE)
TAN = Customer(first_name="Tan", email="tan@example.com", phone="0187654321")
HOME = Address(
    first_name="Zqxaisyah",
    last_name="Zqx",
    phone="0060125550101",
    email="zqx.aisyah@example.com",
    address1="1 Jalan Zqx",
    address2="Zqx Court",
    zip="zqx50480",
    city="Zqx Baru",
    state="Selangor",
    country="MY",
)
VISIT = Touch(
    "https://zqx@hartamas.myshoppegram.com/cart/2648:1"
    "?utm_source=tiktok&utm_campaign=raya&gclid=zqxclick&email=zqx.aisyah@example.com#zqx",
    "https://www.google.com/search?q=zqx+aisyah",
    BEGAN - HOUR,
)
KOPI = LineItem("Kopi O", 2, Money("5.90", "MYR"), sku="KO")


def placed(
    id: str = "1", customer: Customer = ZQX, *, at: datetime = BEGAN, shop: str = SHOP
) -> Order:
    """An order that tells all that an order can tell of its customer."""
    attribution = attrs.evolve(default_table().classify(VISIT), search_term="zqx aisyah")
    return Order.place(
        id=id,
        at=at,
        shop=shop,
        currency="MYR",
        lines=[KOPI],
        customer=customer,
        shipping_address=HOME,
        billing_address=HOME,
        payment_method=PaymentMethod("Billplz", PaymentType.ALTERNATIVE),
        touches=[VISIT],
        ignored_touches=[IgnoredTouch(VISIT, "too-old")],
        attribution=attribution,
        note="Zqx rings twice",
        tags=["vip"],
        actor=customer.name,
    )


def of_tan(id: str, *, at: datetime = BEGAN, shop: str = SHOP) -> Order:
    """Somebody else's order."""
    return Order.place(id=id, at=at, shop=shop, currency="MYR", lines=[KOPI], customer=TAN)


Happening = Callable[[Order, datetime], Order]
HAPPENINGS: tuple[Happening, ...] = (
    lambda order, at: order.record_payment(f"pay-{order.id}", order.total, at=at),
    lambda order, at: order.record_payment("late", Money("1.00", "MYR"), at=at, recorded_at=NOW),
    lambda order, at: order.record_refund("ref", Money("2.00", "MYR"), at=at),
    lambda order, at: order.record_payment("odd", Money("3.00", "SGD"), at=at),
    lambda order, at: order.set_fulfillment("packed", at=at, reason="Zqx called"),
    lambda order, at: order.set_fulfillment("processing", at=at, reason="Zqx called again"),
    lambda order, at: order.add_tracking("J&T", "JT1", at=at, url="https://jt.example/?to=zqx"),
    lambda order, at: order.record_shipment("J&T", "JT2", at=at, url="https://jt.example/zqx"),
    lambda order, at: order.edit_note("0125550101 is Zqx", at=at),
    lambda order, at: order.edit_note("", at=at),
    lambda order, at: order.edit_address(shipping=attrs.evolve(HOME, city="Zqx Lama"), at=at),
    lambda order, at: order.edit_customer(attrs.evolve(order.customer, last_name="Zqx"), at=at),
    lambda order, at: order.change_lines([KOPI, KOPI], at=at),
    lambda order, at: order.cancel(reason="Zqx changed her mind", at=at),
    lambda order, at: order.archive(at=at),
    lambda order, at: order.record_abandonment(
        policy="p@1", reasons=["It was."], at=at, recorded_at=at
    ),
    lambda order, at: order.record_return(1, at=at),
)
"""What may become of an order; some of it tells more of the customer."""


def after(order: Order, happenings: Iterable[tuple[Happening, timedelta]]) -> Order:
    """An order after all of it that it took."""
    for happen, elapsed in happenings:
        try:
            order = happen(order, order.placed_at + elapsed)
        except CommandRefused:
            continue
    return order


def everything() -> list[Order]:
    """The person's orders after each happening, under every key, and somebody else's."""
    of_zqx = [
        after(placed(f"{n}-{m}", who), [(happen, HOUR / 2)])
        for n, who in enumerate(ALL_OF_ZQX)
        for m, happen in enumerate(HAPPENINGS)
    ]
    return [*of_zqx, of_tan("tan"), of_tan("tan-2", at=BEGAN + HOUR)]


@st.composite
def shops_orders(draw: st.DrawFn) -> list[Order]:
    """A shop's orders, by the time of placing: the person's, under every key, and Tan's."""
    times = st.integers(0, 8).map(lambda n: n * HOUR / 4)
    orders: list[Order] = []
    for number in range(draw(st.integers(1, 6))):
        who, at = draw(st.sampled_from((*ALL_OF_ZQX, TAN))), BEGAN + draw(times)
        id_ = str(number)
        order = of_tan(id_, at=at) if who is TAN else placed(id_, who, at=at)
        happened = draw(st.lists(st.tuples(st.sampled_from(HAPPENINGS), times), max_size=5))
        if who is TAN:  # whose history tells nothing of the other
            happened = [(happen, elapsed) for happen, elapsed in happened if happen in OF_ANYBODY]
        orders.append(after(order, happened))
    return sorted(orders, key=lambda order: (order.placed_at, order.id))


OF_ANYBODY = (*HAPPENINGS[:4], HAPPENINGS[12], HAPPENINGS[15])


def tells(text: str) -> bool:
    """Whether a text tells of the person."""
    digits = "".join(filter(str.isdigit, text))
    return "zqx" in text.casefold() or "5550101" in digits
