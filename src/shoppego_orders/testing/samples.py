"""Some orders and exports in many states, and queries that tell them apart: for the contracts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from typing import Final

import attrs

from shoppego_orders.attribution import Touch, default_table
from shoppego_orders.customers import Address, Customer
from shoppego_orders.money import Money
from shoppego_orders.order import (
    Adjustment,
    AdjustmentKind,
    Delivery,
    Fulfillment,
    Life,
    LineItem,
    Order,
    PaymentMethod,
    PaymentStatus,
    PaymentType,
    Recovery,
)
from shoppego_orders.periods import Period
from shoppego_orders.ports import Export, ExportStatus, MailStatus
from shoppego_orders.query import Cursor, OrderQuery

SHOP: Final = "hartamas.myshoppegram.com"
OTHER_SHOP: Final = "mirfaith.myshoppegram.com"
NOON: Final = datetime(2026, 3, 3, 12, tzinfo=UTC)

_HOUR: Final = timedelta(hours=1)
_GATEWAY: Final = PaymentMethod("Billplz", PaymentType.ALTERNATIVE)
_ON_DELIVERY: Final = PaymentMethod("Cash on delivery", PaymentType.MANUAL)


def myr(amount: str) -> Money:
    """So many ringgit."""
    return Money(amount, "MYR")


def order_of(
    id: str,
    *,
    at: datetime = NOON,
    shop: str = SHOP,
    number: str | None = None,
    lines: Iterable[LineItem] | None = None,
    note: str = "",
    tags: Iterable[str] = (),
) -> Order:
    """Place an order; what is not told is Siti's plain coffee."""
    return Order.place(
        id=id,
        at=at,
        shop=shop,
        number=number,
        currency="MYR",
        lines=[LineItem("Kopi O", 1, myr("5.90"), sku="KO")] if lines is None else lines,
        customer=Customer(first_name="Siti", email="siti@example.my"),
        note=note,
        tags=tags,
    )


def sample_orders() -> list[Order]:
    """Make orders of two shops, in every kind of state; they differ in id and number."""
    return [
        order_of("plain"),
        order_of("other-shop", shop=OTHER_SHOP, number="#plain"),
        _paid("paid", NOON + _HOUR),
        _paid("refunded", NOON + _HOUR)
        .record_refund("ref-1", myr("27.80"), at=NOON + 5 * _HOUR)
        .edit_note("sent back", at=NOON + 5 * _HOUR),
        _paid("partly-refunded", NOON + 2 * _HOUR).record_refund(
            "ref-1", myr("0.01"), at=NOON + 6 * _HOUR
        ),
        order_of("part-paid", at=NOON - _HOUR).record_payment("p", myr("5.89"), at=NOON),
        order_of("shipped", at=NOON + 3 * _HOUR, tags=["gift", "Gift", "100%", "a_b"])
        .add_tracking("Pos Laju", "EH1", at=NOON + 4 * _HOUR)
        .add_tracking("J&T", 'J"2', at=NOON + 4 * _HOUR),
        order_of("cancelled", tags=["gift"])
        .cancel(reason="out of stock", at=NOON)
        .record_payment("late", myr("5.90"), at=NOON + _HOUR),
        order_of("archived").cancel(reason="test", at=NOON).archive(at=NOON + _HOUR),
        order_of("abandoned", at=NOON + timedelta(microseconds=1)).record_abandonment(
            policy="unfulfilled for 60 minutes",
            reasons=["not paid"],
            at=NOON + _HOUR,
            recorded_at=NOON + 9 * _HOUR,
        ),
        order_of("recovered", at=NOON + timedelta(microseconds=2))
        .record_abandonment(policy="p", reasons=[], at=NOON + _HOUR, recorded_at=NOON + _HOUR)
        .record_payment("p", myr("5.90"), at=NOON + 2 * _HOUR)
        .record_outcome("recovered", purchase="recovered", at=NOON, recorded_at=NOON),
        order_of("returned", at=NOON + timedelta(microseconds=3))
        .record_abandonment(policy="p", reasons=[], at=NOON + _HOUR, recorded_at=NOON + _HOUR)
        .record_return(2, at=NOON + 2 * _HOUR)
        .record_outcome("returned", purchase="paid", at=NOON, recorded_at=NOON),
        order_of("late-report", at=NOON + timedelta(microseconds=4))
        .edit_address(shipping=Address(city="Ipoh"), at=NOON + timedelta(minutes=9))
        .record_abandonment(policy="p", reasons=[], at=NOON + _HOUR, recorded_at=NOON + _HOUR)
        .record_payment("p", myr("5.90"), at=NOON + _HOUR / 2, recorded_at=NOON + 2 * _HOUR),
        Order.place_draft(
            id="draft", at=NOON - 9 * _HOUR, shop=SHOP, currency="MYR", lines=[], note="call back"
        ),
        _pickup("pickup"),
        _attributed("tiktok"),
        _rich("rich"),
        _foreign("yen", "JPY", "1200"),
        _foreign("dinar", "KWD", "1.234"),
        _foreign("big", "MYR", "9999999999999999.99"),
    ]


def sample_queries(orders: Sequence[Order]) -> list[OrderQuery]:
    """Make queries that ask of one field each, and some that ask of several.

    :param orders: stored ones, whose values are asked for.
    """
    asked = OrderQuery
    later, much_later = NOON + _HOUR, NOON + 2 * _HOUR
    cursors = [Cursor(order.placed_at, order.id) for order in orders]
    odd_cursors = [Cursor(NOON, ""), Cursor(NOON, "\U0010ffff"), Cursor(NOON - 99 * _HOUR, "x")]
    texts = {
        text
        for order in orders
        for text in (order.number, order.customer_name, order.email, order.phone)
    }
    searches = [
        *texts,
        *(text[1:5] for text in texts),
        *(text.upper() for text in texts),
        *(
            "%",
            "_",
            "a%b",
            "'",
            "#plain",
            "siti@",
            "1234",
            "0123456789",
            "+60 12-345 6789",
            "99999",
        ),
    ]
    tags = {tag for order in orders for tag in order.tags}
    keys = {order.customer_key for order in orders if order.customer_key is not None}
    sources = {order.source for order in orders if order.source is not None}
    totals = [order.total for order in orders]
    return [
        asked(),
        asked(newest_first=True),
        *(asked(limit=limit, newest_first=limit == 2) for limit in (1, 2, 5, 10**30)),
        *(asked(shop=shop) for shop in (SHOP, OTHER_SHOP, SHOP.upper(), "", "\ud800")),
        *(asked(ids=[order.id]) for order in orders),
        *(
            asked(ids=ids)
            for ids in ([], ["plain", "rich"], ["PLAIN"], ["x\x00", "\udfff", "rich"])
        ),
        *(
            each
            for period in (
                Period(NOON, later),
                Period(NOON, NOON + timedelta(microseconds=1)),
                Period(NOON + timedelta(microseconds=1), NOON + timedelta(microseconds=2)),
                Period(later, much_later),
                Period.before(NOON),
                Period.since(NOON),
            )
            for each in (asked(placed=period), asked(completed=period))
        ),
        *(asked(life=[life]) for life in Life),
        asked(life=list(Life)),
        asked(life=[]),
        *(asked(fulfillment=[status]) for status in Fulfillment),
        asked(fulfillment=[Fulfillment.SHIPPED, Fulfillment.READY_FOR_PICKUP]),
        *(asked(payment_status=[status]) for status in PaymentStatus),
        *(
            each
            for flag in (True, False)
            for each in (asked(archived=flag), asked(abandoned=flag), asked(decided=flag))
        ),
        *(asked(recovery=[outcome]) for outcome in Recovery),
        asked(recovery=list(Recovery)),
        asked(recovery=[]),
        asked(shop=SHOP, recovery=["open"], placed=Period.before(later)),
        *(asked(source=[source]) for source in (*sources, "TIKTOK", "\ud800")),
        asked(source=[]),
        *(asked(customer_keys=[key]) for key in (*keys, "email:SITI@example.my", "id:\ud800")),
        asked(customer_keys=keys),
        asked(customer_keys=[]),
        *(asked(total_min=total) for total in totals),
        *(asked(total_max=total) for total in totals),
        asked(total_min=myr("5.90"), total_max=myr("27.80")),
        asked(total_min=myr("5.90"), total_max=myr("5.90")),
        *(asked(tag=tag) for tag in (*tags, "GIFT", "gif", "%", "", "\ud800", '"')),
        *(asked(search=text) for text in searches),
        *(
            asked(after=after, newest_first=newest_first)
            for after in (*cursors, *odd_cursors)
            for newest_first in (False, True)
        ),
        asked(shop=SHOP, archived=False, newest_first=True, limit=3, after=cursors[0]),
        asked(shop=SHOP, decided=False, placed=Period.before(later), life=["open"]),
        asked(shop=SHOP, customer_keys=keys, completed=Period(NOON, much_later), limit=1),
        asked(search="siti", tag="gift", payment_status=["pending"]),
    ]


def _paid(id: str, at: datetime) -> Order:
    order = Order.place(
        id=id,
        at=at,
        shop=SHOP,
        currency="MYR",
        lines=[
            LineItem("Nasi lemak", 2, myr("9.90"), variant="pedas", sku="NL"),
            LineItem("Teh tarik", 1, myr("4.00")),
        ],
        adjustments=[
            Adjustment(AdjustmentKind.SHIPPING, myr("5.00"), "Pos Laju"),
            Adjustment(AdjustmentKind.DISCOUNT, myr("-2.00"), "RAYA"),
            Adjustment(AdjustmentKind.TAX, myr("1.00"), "SST"),
        ],
        customer=Customer(id="c1", first_name="Ali", last_name="bin Abu", phone="0123456789"),
        payment_method=_GATEWAY,
    )
    return order.record_payment("pay-1", myr("27.80"), at=at + timedelta(seconds=1, microseconds=7))


def _pickup(id: str) -> Order:
    order = Order.place(
        id=id,
        at=NOON,
        shop=SHOP,
        currency="MYR",
        lines=[LineItem("Kek", 1, myr("80"))],
        delivery=Delivery.PICKUP,
        payment_method=_ON_DELIVERY,
        customer=Customer(first_name="Ravi", phone="+60 12-345 6789", email="Ravi@Example.MY"),
    )
    return order.confirm(at=NOON + _HOUR).set_fulfillment("ready_for_pickup", at=NOON + 2 * _HOUR)


def _attributed(id: str) -> Order:
    url = f"https://{SHOP}/cart/2648:1?utm_source=tiktok&utm_medium=video&utm_campaign=raya%2026"
    touch = Touch(url, None, NOON)
    return Order.place(
        id=id,
        at=NOON,
        shop=SHOP,
        currency="MYR",
        lines=[LineItem("Baju", 1, myr("59.50"))],
        touches=[touch],
        attribution=default_table().classify(touch),
    )


def _rich(id: str) -> Order:
    address = Address(
        first_name="Nur \U0001f338",
        last_name="O'Brien %_\\",
        phone="60 3-1234 5678",
        email="nur@example.my",
        address1="Jalan 1\nTaman 'Ria'",
        address2="=1+1",
        zip="05000",
        city="Alor Setar",
        state="Kedah",
        country="MY",
    )
    return Order.place(
        id=id,
        at=NOON.astimezone(timezone(timedelta(hours=8))),
        shop=SHOP,
        number="\u202e#SA%_'",
        currency="MYR",
        lines=[LineItem("Barang", 1, myr("1")), LineItem("Hadiah", 3, myr("0"), custom=True)],
        adjustments=[Adjustment(AdjustmentKind.DECLARED, myr("0.01"))],
        shipping_address=address,
        billing_address=address,
        note="Ring\ttwice\r\n",
        tags=['["json"]', "\u4f60\u597d", "gift"],
    )


def _foreign(id: str, currency: str, price: str) -> Order:
    return Order.place(
        id=id,
        at=NOON - _HOUR,
        shop=OTHER_SHOP,
        currency=currency,
        lines=[LineItem("Kopi", 1, Money(price, currency))],
    )


def an_export(id: str, *, at: datetime = NOON, shop: str | None = SHOP) -> Export:
    """Ask for an export; to a log, its request is just a text."""
    return Export(id=id, shop=shop, request="{}", asked_at=at)


def sample_exports() -> Sequence[Export]:
    """Exports in every state, of two shops and of all, asked for at times that coincide."""
    some: list[Export] = []
    for number, (status, mail) in enumerate(product(ExportStatus, MailStatus)):
        export = an_export(
            f"schedule/é-\U0001f600/{number:02}",
            at=NOON + timedelta(microseconds=number // 4),
            shop=(SHOP, OTHER_SHOP, None)[number % 3],
        )
        some.append(
            attrs.evolve(
                export,
                request='{"query": "\U0001f4dd \\u0000"}',
                to=("siti@example.my", "jürgen@exämple.my"),
                status=status,
                mail=mail,
                started_at=NOON + timedelta(seconds=1),
                seen_at=NOON + timedelta(seconds=2, microseconds=1),
                ended_at=None if export.open else NOON + timedelta(days=1),
                orders=number,
                total=None if number % 2 else 2**40,
                records=number,
                replaced=1,
                file_name="órders, 鲜花.csv",
                size=2**40,
                url=None if number % 2 else "https://files.example.my/%C3%B3rders.csv",
                problem="x" * 100_000 if number == 1 else "",
            )
        )
    return some
