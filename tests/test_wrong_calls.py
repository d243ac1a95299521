"""A call that is wrong says which of its arguments is, and with which value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from fractions import Fraction

import pytest

from shoppego_orders import (
    AbandonmentPolicy,
    Adjustment,
    CartItem,
    CartLink,
    Exports,
    LineItem,
    Order,
    OrderQuery,
    Period,
    RecoveryPlan,
    SavedTabs,
    anonymise,
    judge_stream,
    next_due,
    orders_page,
    phone_digits,
    read_recovery_link,
    recovery_link,
    replay,
    settle_recoveries,
    sweep,
)
from shoppego_orders.abandonment.rules import FirstOrder, HasContact
from shoppego_orders.adapters.memory import MemoryExportLog, MemoryOrderStore, MemoryShelf
from shoppego_orders.attribution.credit import position_based, time_decay
from shoppego_orders.errors import InvalidValue, NaiveDatetime
from shoppego_orders.money import Money
from shoppego_orders.testing.samples import NOON, SHOP, myr, order_of

NAIVE = datetime(2026, 3, 3)  # noqa: DTZ001 - the point
ORDER = order_of("1")
STORE = MemoryOrderStore()
EXPORTS = Exports(STORE, MemoryExportLog(), MemoryShelf())
POLICY = AbandonmentPolicy()
KEY = b"0123456789abcdef"
HOUR = timedelta(hours=1)
LINES = [LineItem("Kopi O", 1, myr("5.90"))]
DISCOUNT = Adjustment("discount", myr("-900.00"))
LINK = CartLink([CartItem("57085", 1)])


def placed(**parts: object) -> Order:
    whole = {"shop": SHOP, "currency": "MYR", "lines": LINES, "id": "1", "at": NOON} | parts
    return Order.place(**whole)  # type: ignore[arg-type] # the point


def linked(**parts: object) -> str:
    whole = {"base": f"https://{SHOP}", "keys": KEY, "expires_at": NOON, "step": 1} | parts
    return recovery_link(ORDER, LINK.items, **whole)  # type: ignore[arg-type] # the point


WRONG: list[tuple[str, object, Callable[[], object]]] = [
    ("id", " ", lambda: placed(id=" ")),
    ("shop", "", lambda: placed(shop="")),
    ("lines", (), lambda: placed(lines=[])),
    ("lines", "tea", lambda: placed(lines=["tea"])),
    ("adjustments", "less", lambda: placed(adjustments=["less"])),
    ("total", "MYR -894.10", lambda: placed(adjustments=[DISCOUNT])),
    ("customer", "Siti", lambda: placed(customer="Siti")),
    ("delivery", "boat", lambda: placed(delivery="boat")),
    ("payment_method", "cash", lambda: placed(payment_method="cash")),
    ("shipping_address", "Jalan 1", lambda: placed(shipping_address="Jalan 1")),
    ("billing_address", "Jalan 1", lambda: placed(billing_address="Jalan 1")),
    ("attribution", "tiktok", lambda: placed(attribution="tiktok")),
    ("touches", "tiktok", lambda: placed(touches=["tiktok"])),
    ("ignored_touches", "tiktok", lambda: placed(ignored_touches=["tiktok"])),
    ("tags", "vip", lambda: placed(tags="vip")),
    ("command", "sell", lambda: ORDER.blockers("sell")),
    ("status", "packed", lambda: ORDER.blockers("cancel", "packed")),
    ("status", "lost", lambda: ORDER.set_fulfillment("lost", at=NOON)),
    ("number", " ", lambda: ORDER.add_tracking("Pos Laju", " ", at=NOON)),
    ("number", " ", lambda: ORDER.record_shipment("Pos Laju", " ", at=NOON)),
    ("lines", (), lambda: ORDER.change_lines([], at=NOON)),
    ("lines", (), lambda: ORDER.accept_offer([], at=NOON)),
    ("customer", "Siti", lambda: ORDER.edit_customer("Siti", at=NOON)),  # type: ignore[arg-type] # the point
    ("shipping", "J", lambda: ORDER.edit_address(shipping="J", at=NOON)),  # type: ignore[arg-type] # as above
    ("billing", "J", lambda: ORDER.edit_address(billing="J", at=NOON)),  # type: ignore[arg-type] # as above
    ("reason", " ", lambda: ORDER.cancel(reason=" ", at=NOON)),
    ("reference", "", lambda: ORDER.record_payment("", myr("1"), at=NOON)),
    ("amount", "MYR 0.00", lambda: ORDER.record_refund("r", myr("0"), at=NOON)),
    ("step", 0, lambda: ORDER.record_return(0, at=NOON)),
    (
        "outcome",
        "open",
        lambda: ORDER.record_outcome("open", purchase=None, at=NOON, recorded_at=NOON),
    ),
    (
        "purchase",
        "2",
        lambda: ORDER.record_outcome("lost", purchase="2", at=NOON, recorded_at=NOON),
    ),
    ("quantity", 0, lambda: LineItem("Kopi O", 0, myr("5.90"))),
    ("unit_price", "5.90", lambda: LineItem("Kopi O", 1, "5.90")),  # type: ignore[arg-type] # as above
    ("unit_price", "MYR -5.90", lambda: LineItem("Kopi O", 1, myr("-5.90"))),
    ("amount", "5", lambda: Adjustment("tax", "5")),  # type: ignore[arg-type] # as above
    ("amount", "MYR 5.00", lambda: Adjustment("discount", myr("5"))),
    ("amount", "MYR -5.00", lambda: Adjustment("shipping", myr("-5"))),
    ("amount", 5.9, lambda: Money(5.9, "MYR")),  # type: ignore[arg-type] # as above
    ("amount", "a", lambda: myr("a")),
    ("minor", 10**18, lambda: Money.from_minor(10**18, "MYR")),
    ("variant", "a", lambda: CartItem("a", 1)),
    ("quantity", 0, lambda: CartItem("57085", 0)),
    ("items", (), lambda: CartLink([]).path),
    ("items", LINK.items * 4, lambda: CartLink(LINK.items * 4)),
    ("base", SHOP, lambda: LINK.url(SHOP)),
    ("utm", "source", lambda: LINK.url(f"https://{SHOP}", source="tiktok")),
    ("base", "ftp://x", lambda: linked(base="ftp://x")),
    ("keys", "a key", lambda: linked(keys=b"short")),
    ("keys", (), lambda: linked(keys=())),
    ("step", 0, lambda: linked(step=0)),
    ("limit", 0, lambda: OrderQuery(limit=0)),
    ("total_max", "MYR 1.00", lambda: OrderQuery(total_min=myr("2"), total_max=myr("1"))),
    ("size", 0, lambda: orders_page(STORE, size=0)),
    ("after", "there", lambda: orders_page(STORE, after="there")),
    ("tab", "mine", lambda: orders_page(STORE, tab="mine")),
    ("name", "All", lambda: SavedTabs().saved("All", OrderQuery())),
    ("name", "", lambda: SavedTabs().saved(" ", OrderQuery())),
    ("tab", "mine", lambda: SavedTabs().without("mine")),
    ("limit", 0, lambda: sweep(STORE, POLICY, NOON, limit=0)),
    ("limit", 0, lambda: settle_recoveries(STORE, HOUR, NOON, limit=0)),
    ("lost_after", 0 * HOUR, lambda: settle_recoveries(STORE, 0 * HOUR, NOON)),
    ("steps", (), lambda: RecoveryPlan(steps=())),
    ("steps", (HOUR, HOUR), lambda: RecoveryPlan(steps=(HOUR, HOUR))),
    ("maximum_age", HOUR, lambda: RecoveryPlan(steps=[HOUR], maximum_age=HOUR)),
    ("lost_after", HOUR, lambda: RecoveryPlan(steps=[HOUR], lost_after=HOUR)),
    ("cooldown", -HOUR, lambda: RecoveryPlan(cooldown=-HOUR)),
    ("quiet_hours", (time(9), time(9)), lambda: RecoveryPlan(quiet_hours=(time(9), time(9)))),
    ("window", 0 * HOUR, lambda: AbandonmentPolicy(window=0 * HOUR)),
    ("lookback", 0 * HOUR, lambda: FirstOrder(0 * HOUR)),
    ("by", "fax", lambda: HasContact("fax")),  # type: ignore[arg-type] # as above
    ("country_code", "MY", lambda: phone_digits("0123456789", "MY")),
    ("month", "2026-13", lambda: Period.of_month(2026, 13)),
    ("first + last", Fraction(2), lambda: position_based(Fraction(1), Fraction(1))),
    ("half_life", 0 * HOUR, lambda: time_decay(0 * HOUR)),
    (
        "shop",
        " ",
        lambda: anonymise(STORE, ORDER.customer, shop=" ", at=NOON, pseudonym=lambda: "x"),
    ),
]

WITHOUT_A_ZONE: list[tuple[str, Callable[[], object]]] = [
    ("at", lambda: placed(at=NAIVE)),
    ("at", lambda: ORDER.confirm(at=NAIVE)),
    ("at", lambda: ORDER.record_payment("r", myr("1"), at=NAIVE, recorded_at=NOON)),
    ("recorded_at", lambda: ORDER.record_payment("r", myr("1"), at=NOON, recorded_at=NAIVE)),
    ("at", lambda: ORDER.record_return(1, at=NAIVE)),
    ("at", lambda: ORDER.record_return(1, at=NOON).record_return(1, at=NAIVE)),
    (
        "at",
        lambda: ORDER.record_abandonment(policy="p", reasons=(), at=NAIVE, recorded_at=NOON),
    ),
    ("as_of", lambda: Order.replay(ORDER.changes, as_of=NAIVE)),
    ("known_at", lambda: Order.replay(ORDER.changes, known_at=NAIVE)),
    ("start", lambda: Period(NAIVE, NOON)),
    ("end", lambda: Period(NOON, NAIVE)),
    ("instant", lambda: NAIVE in Period(NOON, NOON + HOUR)),
    ("now", lambda: sweep(STORE, POLICY, NAIVE)),
    ("active_from", lambda: sweep(STORE, POLICY, NOON, active_from=NAIVE)),
    ("now", lambda: next_due(STORE, POLICY, NAIVE)),
    ("now", lambda: list(judge_stream([], POLICY, NAIVE))),
    ("now", lambda: settle_recoveries(STORE, HOUR, NAIVE)),
    ("now", lambda: RecoveryPlan().step(NOON, NAIVE)),
    ("abandoned_at", lambda: RecoveryPlan().step(NAIVE, NOON)),
    ("now", lambda: RecoveryPlan().is_quiet(NAIVE)),
    ("now", lambda: Period.named("today", NAIVE)),
    ("at", lambda: anonymise(STORE, ORDER.customer, shop=SHOP, at=NAIVE, pseudonym=str)),
    ("expires_at", lambda: linked(expires_at=NAIVE)),
    ("now", lambda: read_recovery_link(linked(), KEY, NAIVE)),
    ("now", lambda: EXPORTS.due(NAIVE)),
    ("now", lambda: EXPORTS.delete("e1", NAIVE)),
    ("as_of", lambda: replay(ORDER.changes, [], POLICY, as_of=NAIVE)),
]


@pytest.mark.parametrize(("field", "value", "call"), WRONG)
def test_a_wrong_call_names_the_argument_and_its_value(
    field: str, value: object, call: Callable[[], object]
) -> None:
    with pytest.raises(InvalidValue) as caught:
        call()
    assert (caught.value.field, caught.value.value) == (field, value)


@pytest.mark.parametrize(("field", "call"), WITHOUT_A_ZONE)
def test_a_time_without_a_zone_is_named(field: str, call: Callable[[], object]) -> None:
    with pytest.raises(NaiveDatetime) as caught:
        call()
    assert (caught.value.field, caught.value.value) == (field, NAIVE)
