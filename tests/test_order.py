"""The order, in the words of Shoppego's Orders page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import attrs
import pytest

from shoppego_orders.attribution import Journey, Touch, default_table
from shoppego_orders.customers import Address, Customer
from shoppego_orders.errors import (
    CommandRefused,
    CurrencyMismatch,
    InvalidValue,
    NaiveDatetime,
    UnknownCurrency,
)
from shoppego_orders.money import Money
from shoppego_orders.order import (
    Adjustment,
    AdjustmentKind,
    AttentionKind,
    Delivery,
    Fulfillment,
    Life,
    LineItem,
    Order,
    PaymentMethod,
    PaymentStatus,
    PaymentType,
    Recovery,
    Topic,
    Tracking,
)
from shoppego_orders.order.events import (
    Abandoned,
    AbandonmentRetracted,
    AddressEdited,
    Archived,
    Cancelled,
    Confirmed,
    CustomerEdited,
    CustomerReturned,
    EventData,
    FulfillmentSet,
    LinesChanged,
    MarkedPaid,
    MarkedPending,
    NoteEdited,
    OfferAccepted,
    OrderEvent,
    PaymentRecorded,
    Placed,
    RecoverySettled,
    RefundRecorded,
    ShipmentRecorded,
    TagsSet,
    TrackingAdded,
)
from shoppego_orders.order.evolution import evolve
from shoppego_orders.query import Cursor, OrderQuery

SHOP = "hartamas.myshoppegram.com"
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CASH = PaymentMethod("Cash on delivery", PaymentType.MANUAL)
GATEWAY = PaymentMethod("Billplz", PaymentType.ALTERNATIVE)


def myr(text: str) -> Money:
    return Money(text, "MYR")


KOPI = LineItem("Kopi", 2, myr("10.00"))
TEH = LineItem("Teh tarik", 1, myr("5.00"))


PLACED: dict[str, Any] = {
    "id": "1262140",
    "at": NOON,
    "shop": SHOP,
    "currency": "MYR",
    "lines": [KOPI],
}


def placed(**parts: Any) -> Order:
    """An open order of two coffees, MYR 20.00."""
    return Order.place(**PLACED | parts)


def draft(**parts: Any) -> Order:
    return Order.place_draft(**PLACED | parts)


def paid(**parts: Any) -> Order:
    return placed(**parts).record_payment("p1", myr("20.00"), at=NOON)


def topics(order: Order) -> tuple[Topic, ...]:
    return order.changes[-1].topics


def refused(attempt: Callable[[], object]) -> list[str]:
    """Keys of the reasons for which a command was refused."""
    with pytest.raises(CommandRefused) as error:
        attempt()
    return [blocker.key for blocker in error.value.blockers]


# Placing


def test_a_checkout_begins_an_open_order_that_waits_for_its_payment() -> None:
    order = placed(number="#SA123")
    assert (order.life, order.number, order.payment_status) == ("open", "#SA123", "pending")
    assert order.fulfillment is Fulfillment.AWAITING_PROCESSING
    assert order.delivery is Delivery.SHIP
    assert (order.total, order.amount_due, order.units) == (myr("20"), myr("20"), 2)
    assert order.changes[0].id == "1262140/1"


def test_an_order_without_a_number_is_called_by_its_id() -> None:
    assert placed().number == "#1262140"


def test_an_instant_in_the_shops_zone_is_kept_in_utc() -> None:
    local = datetime(2026, 3, 3, 20, tzinfo=timezone(timedelta(hours=8)))
    order = placed(at=local)
    assert order.placed_at == NOON
    assert order.placed_at.tzinfo is UTC


def test_the_total_is_the_lines_less_discounts_with_shipping_tax_and_what_was_declared() -> None:
    order = placed(
        adjustments=[
            Adjustment("discount", myr("-3.00"), "RAYA"),
            Adjustment(AdjustmentKind.SHIPPING, myr("8.00")),
            Adjustment(AdjustmentKind.TAX, myr("1.02")),
            Adjustment(AdjustmentKind.DECLARED, myr("-0.02")),
        ]
    )
    assert order.discount_total == myr("3.00")
    assert order.shipping_total == myr("8.00")
    assert order.tax_total == myr("1.02")
    assert order.declared_difference == myr("-0.02")
    assert order.total == myr("26.00")


def test_a_declared_total_stands_for_lines_that_were_not_told() -> None:
    order = placed(lines=[], adjustments=[Adjustment(AdjustmentKind.DECLARED, myr("10"))])
    assert order.total == myr("10")


def test_tags_are_stripped_and_kept_once() -> None:
    assert placed(tags=[" vip ", "vip", "", "raya"]).tags == ("vip", "raya")


def test_an_empty_draft_can_be_entered_and_filled_in_later() -> None:
    empty = draft(lines=[])
    assert refused(lambda: empty.mark_pending(at=NOON)) == ["empty"]
    filled = empty.change_lines([KOPI], at=NOON)
    assert topics(filled) == ()
    assert filled.change_lines([], at=NOON).lines == ()
    assert filled.mark_pending(at=NOON).life is Life.OPEN


def test_a_drafts_custom_item_has_a_name_of_at_most_50_letters() -> None:
    assert LineItem("x" * 50, 1, myr("1"), custom=True).custom
    for name in ("x" * 51, ""):
        with pytest.raises(InvalidValue, match="1 to 50 characters"):
            LineItem(name, 1, myr("1"), custom=True)
    assert LineItem("x" * 51, 1, myr("1")).product == "x" * 51


def test_a_draft_is_marked_as_pending_or_as_paid() -> None:
    pending = draft().mark_pending(at=NOON + HOUR)
    assert (pending.life, pending.payment_status) == ("open", "pending")
    at_once = draft().mark_paid(at=NOON + HOUR)
    assert (at_once.life, at_once.payment_status) == ("open", "paid")
    assert at_once.payments[0].reference == "manual:1262140/2"
    assert topics(at_once) == (Topic.ORDER_PAID, Topic.CHECKOUT_COMPLETED)


def test_a_draft_that_was_paid_before_is_completed_when_it_becomes_an_order() -> None:
    early = draft(payment_method=GATEWAY).record_payment("p1", myr("20"), at=NOON)
    assert early.completed_at is None
    assert [item.kind for item in early.attention] == [AttentionKind.PAID_AS_DRAFT]
    assert topics(early) == ()
    for order in (early.mark_pending(at=NOON + HOUR), early.mark_paid(at=NOON + HOUR)):
        assert order.completed_at == NOON + HOUR
        assert order.payments == early.payments


def test_an_order_is_not_completed_before_its_payment() -> None:
    later = draft().record_payment("p1", myr("20"), at=NOON + 2 * HOUR)
    assert later.mark_pending(at=NOON + HOUR).completed_at == NOON + 2 * HOUR


def test_a_free_draft_is_marked_as_paid_without_a_payment() -> None:
    free = draft(lines=[LineItem("Sample", 1, myr("0"))]).mark_paid(at=NOON)
    assert (free.payments, free.completed_at) == ((), NOON)
    assert topics(free) == (Topic.CHECKOUT_COMPLETED,)


# Payment and refunds


def test_a_payment_in_parts_completes_the_checkout_with_the_last() -> None:
    half = placed().record_payment("p1", myr("5"), at=NOON)
    assert (half.payment_status, half.balance) == (PaymentStatus.PARTIALLY_PAID, myr("15"))
    assert half.completed_at is None
    whole = half.record_payment("p2", myr("15"), at=NOON + HOUR)
    assert (whole.payment_status, whole.completed_at) == ("paid", NOON + HOUR)
    assert topics(whole) == (Topic.ORDER_PAID, Topic.CHECKOUT_COMPLETED)


def test_overpaid_shows_as_paid_with_a_balance() -> None:
    order = placed().record_payment("p1", myr("25"), at=NOON)
    assert (order.payment_status, order.balance) == ("paid", myr("-5"))
    assert (order.refund_due, order.amount_due) == (myr("5"), myr("0"))
    back = order.record_refund("r1", myr("5"), at=NOON)
    assert (back.payment_status, back.balance) == ("paid", myr("0"))


def test_refunds_are_recorded_by_hand() -> None:
    some = paid().record_refund("r1", myr("5"), at=NOON)
    assert (some.payment_status, some.balance) == ("partially_refunded", myr("0"))
    rest = some.record_refund("r2", myr("15"), at=NOON)
    assert (rest.payment_status, rest.attention) == ("refunded", ())


def test_refunded_more_than_captured_asks_for_attention() -> None:
    order = paid().record_refund("r1", myr("21"), at=NOON)
    assert [item.kind for item in order.attention] == [AttentionKind.REFUNDED_MORE_THAN_CAPTURED]
    assert "MYR 21.00 was refunded of MYR 20.00" in order.attention[0].message


def test_a_payment_counts_once_by_its_reference() -> None:
    order = paid()
    assert order.record_payment("p1", myr("20"), at=NOON + HOUR) is order


def test_a_payment_reported_again_with_another_amount_asks_for_attention_once() -> None:
    order = paid().record_payment("p1", myr("30"), at=NOON)
    assert order.paid_total == myr("20")
    assert [item.kind for item in order.attention] == [AttentionKind.REPORTED_DIFFERENTLY]
    assert order.record_payment("p1", myr("30"), at=NOON) is order
    twice = order.record_refund("r", myr("1"), at=NOON).record_refund("r", myr("2"), at=NOON)
    assert (twice.refunded_total, len(twice.attention)) == (myr("1"), 2)


def test_money_in_another_currency_is_kept_and_does_not_count() -> None:
    dollars = Money("20", "SGD")
    order = placed().record_payment("p1", dollars, at=NOON).record_refund("r", dollars, at=NOON)
    assert (order.payments[0].amount, order.paid_total) == (dollars, myr("0"))
    assert [item.kind for item in order.attention] == [AttentionKind.FOREIGN_CURRENCY] * 2
    assert order.payment_status is PaymentStatus.PENDING


def test_an_order_that_a_change_made_cheaper_is_paid_by_what_came_before() -> None:
    half = placed(payment_method=GATEWAY).record_payment("p1", myr("5"), at=NOON)
    less = half.change_lines([TEH], at=NOON + HOUR)
    assert (less.payment_status, less.completed_at) == ("paid", NOON + HOUR)
    assert Topic.ORDER_PAID in topics(less)


def test_cash_on_delivery_is_confirmed_and_paid_later() -> None:
    order = placed(payment_method=CASH).confirm(at=NOON)
    assert (order.completed_at, order.payment_status) == (NOON, "pending")
    assert topics(order) == (Topic.CHECKOUT_COMPLETED,)
    assert refused(lambda: order.confirm(at=NOON)) == ["checked_out"]
    later = order.mark_paid(at=NOON + HOUR)
    assert (later.completed_at, later.payment_status) == (NOON, "paid")
    assert refused(lambda: later.mark_paid(at=NOON)) == ["nothing_due"]


def test_a_gateways_order_is_confirmed_by_its_payment_alone() -> None:
    assert refused(lambda: placed(payment_method=GATEWAY).confirm(at=NOON)) == ["gateway_reports"]
    free = placed(payment_method=GATEWAY, lines=[LineItem("Sample", 1, myr("0"))])
    assert free.confirm(at=NOON).completed_at == NOON


# Cancelling and archiving


def test_cancelling_does_not_refund() -> None:
    order = paid().cancel(reason=" out of stock ", at=NOON + HOUR)
    assert (order.life, order.cancelled_at) == ("cancelled", NOON + HOUR)
    assert order.cancel_reason == "out of stock"
    assert (order.payment_status, order.refunds) == ("paid", ())
    assert order.refund_due == myr("20")
    assert order.record_refund("r1", myr("20"), at=NOON).refund_due == myr("0")


def test_an_order_is_not_cancelled_once_it_is_shipped() -> None:
    shipped = placed().add_tracking("J&T", "JT1", at=NOON)
    assert refused(lambda: shipped.cancel(reason="late", at=NOON)) == ["gone"]


def test_paid_after_cancelled_is_recorded_and_asks_for_attention() -> None:
    order = placed().cancel(reason="no answer", at=NOON).record_payment("p", myr("20"), at=NOON)
    assert (order.paid_total, order.refund_due) == (myr("20"), myr("20"))
    assert [item.kind for item in order.attention] == [AttentionKind.PAID_AFTER_CANCELLED]
    assert topics(order) == ()


def test_shipped_after_cancelled_is_recorded_and_asks_for_attention() -> None:
    order = placed().cancel(reason="no answer", at=NOON).record_shipment("J&T", "JT1", at=NOON)
    assert (order.fulfillment, order.tracking_numbers) == ("shipped", ("JT1",))
    assert [item.kind for item in order.attention] == [AttentionKind.SHIPPED_AFTER_CANCELLED]
    assert topics(order) == ()


def test_an_archived_order_can_not_be_unarchived() -> None:
    order = placed().archive(at=NOON)
    assert order.archived
    assert not [name for name in dir(Order) if "unarchive" in name]
    assert refused(lambda: order.archive(at=NOON)) == ["archived"]
    assert refused(lambda: order.cancel(reason="late", at=NOON)) == ["archived"]
    assert order.record_payment("p1", myr("20"), at=NOON).archived


def test_a_draft_is_not_archived() -> None:
    assert refused(lambda: draft().archive(at=NOON)) == ["draft"]


def test_every_reason_is_listed_and_not_only_the_first() -> None:
    order = placed().add_tracking("J&T", "JT1", at=NOON).archive(at=NOON)
    assert refused(lambda: order.cancel(reason="late", at=NOON)) == ["archived", "gone"]
    assert [str(reason) for reason in order.blockers("cancel")] == [
        "it is archived, and an archived order can't be unarchived or changed",
        "it is shipped or completed",
    ]


# Fulfillment


def test_any_fulfillment_status_may_be_set() -> None:
    order = placed().set_fulfillment("completed", at=NOON)
    assert topics(order) == (Topic.ORDER_STATUS_COMPLETED,)
    assert order.taken_up_at == NOON
    assert order.set_fulfillment("completed", at=NOON) is order


def test_moving_back_is_a_correction_and_needs_a_reason() -> None:
    packed = placed().set_fulfillment("packed", at=NOON)
    wanted = "awaiting_processing"
    assert packed.can("set_fulfillment", wanted)
    assert refused(lambda: packed.set_fulfillment(wanted, at=NOON)) == ["reason_missing"]
    assert refused(lambda: packed.set_fulfillment(wanted, at=NOON, reason=" ")) == [
        "reason_missing"
    ]
    back = packed.set_fulfillment(wanted, at=NOON, reason="mixed up")
    assert (back.fulfillment, topics(back)) == ("awaiting_processing", ())
    assert back.taken_up_at == NOON


def test_ready_for_pickup_is_for_pickup_orders_only() -> None:
    attempt = "ready_for_pickup"
    assert refused(lambda: placed().set_fulfillment(attempt, at=NOON)) == ["not_picked_up"]
    order = placed(delivery="pickup").set_fulfillment(attempt, at=NOON)
    assert topics(order) == (Topic.ORDER_READY_FOR_PICKUP,)
    assert refused(lambda: order.set_fulfillment("shipped", at=NOON)) == ["not_shipped"]


def test_shipped_fires_when_the_tracking_number_is_entered() -> None:
    by_hand = placed().set_fulfillment("shipped", at=NOON)
    assert topics(by_hand) == ()
    order = by_hand.add_tracking("J&T", " JT1 ", at=NOON + HOUR, url="https://jt.example/JT1")
    assert topics(order) == (Topic.ORDER_SHIPPED,)
    assert order.trackings == (Tracking("J&T", "JT1", "https://jt.example/JT1"),)
    assert order.shipped_at == NOON


def test_a_tracking_number_counts_once_for_each_carrier() -> None:
    order = placed().add_tracking("J&T", "JT1", at=NOON)
    assert order.add_tracking("J&T", "JT1", at=NOON) is order
    assert order.record_shipment("J&T", "JT1", at=NOON) is order
    other = order.add_tracking("Pos Laju", "JT1", at=NOON)
    assert other.tracking_numbers == ("JT1", "JT1")


def test_a_parcel_of_a_completed_order_leaves_it_completed() -> None:
    completed = placed().set_fulfillment("completed", at=NOON + HOUR)
    order = completed.record_shipment("J&T", "JT1", at=NOON)
    assert (order.fulfillment, order.shipped_at, order.taken_up_at) == ("completed", NOON, NOON)


def test_a_parcel_of_an_order_that_is_not_shipped_asks_for_attention() -> None:
    for order, what in ((draft(), "a draft"), (placed(delivery="pickup"), "with delivery pickup")):
        told = order.record_shipment("J&T", "JT1", at=NOON)
        assert (told.fulfillment, told.tracking_numbers) == ("awaiting_processing", ("JT1",))
        assert [item.kind for item in told.attention] == [AttentionKind.SHIPPED_UNEXPECTEDLY]
        assert what in told.attention[0].message


# Changes


def test_an_offer_of_the_thank_you_page_changes_lines_and_payment_together() -> None:
    order = paid().accept_offer([TEH], at=NOON, payment=("p2", myr("5")))
    assert (order.total, order.paid_total, order.payment_status) == (myr("25"), myr("25"), "paid")
    assert topics(order) == (Topic.ORDER_UPDATED,)
    assert order.accept_offer([TEH], at=NOON, payment=("p2", myr("5"))) is order


def test_an_offers_payment_that_the_gateway_reported_first_counts_once() -> None:
    first = paid().record_payment("p2", myr("5"), at=NOON)
    order = first.accept_offer([TEH], at=NOON, payment=("p2", myr("5")))
    assert (order.paid_total, order.attention) == (myr("25"), ())
    differing = first.accept_offer([TEH], at=NOON, payment=("p2", myr("6")))
    assert differing.paid_total == myr("25")
    assert [item.kind for item in differing.attention] == [AttentionKind.REPORTED_DIFFERENTLY]


def test_an_offer_may_be_paid_later() -> None:
    order = paid().accept_offer([TEH], at=NOON)
    assert (order.payment_status, order.amount_due) == ("partially_paid", myr("5"))


def test_changing_lines_announces_the_checkout_or_the_order() -> None:
    assert topics(placed().change_lines([TEH], at=NOON)) == (Topic.CHECKOUT_UPDATED,)
    order = paid().change_lines([TEH], at=NOON, adjustments=())
    assert topics(order) == (Topic.ORDER_UPDATED,)
    assert order.change_lines([TEH], at=NOON) is order


def test_who_bought_where_it_goes_and_the_note_can_be_corrected() -> None:
    order = placed(customer=Customer(email="aisyah@example.com"))
    other = order.edit_customer(Customer(phone="012-345 6789"), at=NOON)
    assert other.customer_key == "phone:60123456789"
    own = order.edit_customer(order.customer, at=NOON, identify=lambda _: "all one")
    assert own.customer_key == "all one"
    assert order.edit_customer(order.customer, at=NOON) is order
    moved = order.edit_address(at=NOON, shipping=Address(city="Ipoh"))
    assert (moved.shipping_city, moved.billing_address) == ("Ipoh", None)
    assert moved.edit_address(at=NOON) is moved
    billed = moved.edit_address(at=NOON, billing=Address(city="Kajang"))
    assert (billed.shipping_city, billed.billing_address) == ("Ipoh", Address(city="Kajang"))
    noted = order.edit_note("leave it at the door", at=NOON)
    assert noted.edit_note("leave it at the door", at=NOON) is noted
    tagged = order.set_tags(["vip"], at=NOON)
    assert tagged.set_tags(["vip "], at=NOON) is tagged


# Abandonment, as the sweep reports it


def abandoned(order: Order) -> Order:
    due = order.placed_at + HOUR
    return order.record_abandonment(
        policy="documented", reasons=["nobody paid"], at=due, recorded_at=due + HOUR
    )


def test_a_checkout_is_abandoned_once() -> None:
    order = abandoned(placed())
    assert (order.abandoned_at, order.decided) == (NOON + HOUR, True)
    assert topics(order) == (Topic.CHECKOUT_ABANDONED,)
    assert abandoned(order) is order


def test_paid_at_exactly_the_deadline_is_a_recovery() -> None:
    order = abandoned(placed()).record_payment("p", myr("20"), at=NOON + HOUR)
    assert (order.abandoned_at, order.recovered_at) == (NOON + HOUR, NOON + HOUR)


def test_a_late_report_of_a_payment_before_the_deadline_takes_the_abandonment_back() -> None:
    at = NOON + HOUR - timedelta(microseconds=1)
    order = abandoned(placed()).record_payment("p", myr("20"), at=at, recorded_at=NOON + 3 * HOUR)
    assert (order.abandoned_at, order.recovered_at, order.completed_at) == (None, None, at)
    assert order.changes[-1].recorded_at == NOON + 3 * HOUR
    assert abandoned(order) is order


def test_an_abandonment_is_taken_back_once_and_with_its_reasons() -> None:
    order = abandoned(placed())
    back = order.record_retraction(reasons=["bought elsewhere"], at=NOON + 3 * HOUR)
    assert (back.abandoned_at, back.abandoned_by, back.recovery) == (None, None, None)
    assert back.decided
    assert back.record_retraction(reasons=["again"], at=NOON + 3 * HOUR) is back
    assert placed().record_retraction(reasons=["never"], at=NOON).changes == placed().changes


def test_how_an_abandoned_checkout_ended_is_told_once() -> None:
    order = abandoned(placed())
    assert order.recovery is Recovery.OPEN
    lost = order.record_outcome("lost", purchase=None, at=NOON, recorded_at=NOON + HOUR)
    assert (lost.recovery, lost.recovered_by) == (Recovery.LOST, None)
    later = {"purchase": "2", "at": NOON, "recorded_at": NOON}
    assert lost.record_outcome("substituted", **later) is lost  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # the arguments are right
    whole = placed()
    assert whole.record_outcome("substituted", **later) is whole  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # as above


def test_the_first_return_counts() -> None:
    order = abandoned(placed()).record_return(1, at=NOON + 3 * HOUR)
    assert order.returned_at == NOON + 3 * HOUR
    assert order.record_return(2, at=NOON + 4 * HOUR) is order
    assert order.record_return(2, at=NOON + 2 * HOUR).returned_at == NOON + 2 * HOUR


@pytest.mark.parametrize("step", [0, -1, 1.0, True, "1"])
def test_a_step_is_a_number_from_1(step: int) -> None:
    with pytest.raises(InvalidValue, match="step"):
        placed().record_return(step, at=NOON)


@pytest.mark.parametrize(
    ("outcome", "purchase", "field"),
    [
        ("open", None, "outcome"),
        ("gone", None, "outcome"),
        ("lost", "2", "purchase"),
        ("recovered", None, "purchase"),
    ],
)
def test_an_outcome_that_is_none_is_refused(outcome: str, purchase: str | None, field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        abandoned(placed()).record_outcome(outcome, purchase=purchase, at=NOON, recorded_at=NOON)
    assert caught.value.field == field


# The history


KEK = LineItem("Kek lapis", 1, myr("35.00"))
SENT = Tracking("J&T", "JT1", "https://jt.example/JT1")
PARCEL = {"carrier": "J&T", "number": "JT1", "url": "https://jt.example/JT1"}
IPOH = Address(city="Ipoh")
LATE = NOON + 5 * HOUR
REPORT = {"reference": "p2", "amount": myr("7")}
VERDICT = {"policy": "p", "reasons": ["left"], "despite": ["paid"], "recorded_at": LATE + HOUR}
LOST = {"outcome": "lost", "purchase": None, "recorded_at": LATE + HOUR}
OFFER = {"lines": [TEH], "payment": ("o1", myr("5"))}

# What is done, to which order, by whom unless told, and what the history keeps of it.
DONE: list[tuple[str, dict[str, Any], Order, str, EventData]] = [
    ("mark_pending", {}, draft(), "merchant", MarkedPending()),
    ("mark_paid", {}, placed(), "merchant", MarkedPaid(myr("20"))),
    ("confirm", {}, placed(), "merchant", Confirmed()),
    (
        "set_fulfillment",
        {"status": "awaiting_processing", "reason": "mixed up"},
        placed().set_fulfillment("packed", at=NOON),
        "merchant",
        FulfillmentSet(Fulfillment.AWAITING_PROCESSING, "mixed up"),
    ),
    ("add_tracking", PARCEL, placed(), "merchant", TrackingAdded(SENT)),
    ("change_lines", {"lines": [KEK]}, placed(), "merchant", LinesChanged((KEK,), ())),
    ("accept_offer", OFFER, paid(), "customer", OfferAccepted((TEH,), "o1", myr("5"))),
    ("accept_offer", {"lines": [TEH]}, paid(), "customer", OfferAccepted((TEH,), None, None)),
    (
        "edit_customer",
        {"customer": Customer(id="c1")},
        placed(),
        "merchant",
        CustomerEdited(Customer(id="c1"), "id:c1"),
    ),
    ("edit_address", {"billing": IPOH}, placed(), "merchant", AddressEdited(None, IPOH)),
    ("edit_note", {"note": "hi"}, placed(), "merchant", NoteEdited("hi")),
    ("set_tags", {"tags": ["vip"]}, placed(), "merchant", TagsSet(("vip",))),
    ("cancel", {"reason": " late "}, placed(), "merchant", Cancelled("late")),
    ("archive", {}, placed(), "merchant", Archived()),
    ("record_payment", REPORT, placed(), "gateway", PaymentRecorded("p2", myr("7"))),
    ("record_refund", REPORT, placed(), "merchant", RefundRecorded("p2", myr("7"))),
    ("record_shipment", PARCEL, placed(), "courier", ShipmentRecorded(SENT)),
    ("record_abandonment", VERDICT, placed(), "sweep", Abandoned("p", ("left",), ("paid",))),
    (
        "record_retraction",
        {"reasons": ["paid"]},
        abandoned(placed()),
        "sweep",
        AbandonmentRetracted(("paid",)),
    ),
    ("record_return", {"step": 2}, abandoned(placed()), "customer", CustomerReturned(2)),
    ("record_outcome", LOST, abandoned(placed()), "sweep", RecoverySettled(Recovery.LOST, None)),
]


@pytest.mark.parametrize(("name", "arguments", "order", "actor", "data"), DONE)
def test_the_history_tells_what_was_done_by_whom_and_when(
    name: str, arguments: dict[str, Any], order: Order, actor: str, data: EventData
) -> None:
    done = getattr(order, name)(at=LATE, **arguments)
    *before, event = done.changes
    assert tuple(before) == order.changes
    number = len(order.changes) + 1
    learnt_at = arguments.get("recorded_at", LATE)
    assert event == OrderEvent(
        f"1262140/{number}", "1262140", LATE, learnt_at, actor, event.topics, data
    )
    told = getattr(order, name)(at=LATE, **arguments, actor="Aminah").changes[-1]
    assert told == attrs.evolve(event, actor="Aminah")


def test_the_history_begins_with_who_placed_or_entered_it() -> None:
    for begin, actor in ((placed, "customer"), (draft, "merchant")):
        (event,) = begin().changes
        assert (event.id, event.order_id) == ("1262140/1", "1262140")
        assert (event.occurred_at, event.recorded_at, event.actor) == (NOON, NOON, actor)
        assert begin(actor="Aminah").changes == (attrs.evolve(event, actor="Aminah"),)


def test_whose_late_report_takes_an_abandonment_back_takes_it_back() -> None:
    order = abandoned(placed())
    order = order.record_payment("p", myr("20"), at=NOON, recorded_at=LATE, actor="Billplz")
    report, back = order.changes[-2:]
    assert (report.occurred_at, report.recorded_at) == (NOON, LATE)
    assert back == OrderEvent(
        "1262140/4",
        "1262140",
        LATE,
        LATE,
        "Billplz",
        (),
        AbandonmentRetracted(
            (
                (
                    "It was completed and paid before its deadline at 2026-03-03 13:00:00 UTC; "
                    "that was reported at 2026-03-03 17:00:00 UTC."
                ),
            )
        ),
    )


# Bad input


PARTS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"currency": "RM"}, UnknownCurrency, "'RM' is not an ISO 4217"),
    ({"currency": None}, UnknownCurrency, "None"),
    ({"currency": "SGD"}, CurrencyMismatch, "SGD and MYR"),
    ({"at": datetime(2026, 3, 3)}, NaiveDatetime, "without a time zone"),  # noqa: DTZ001 - the point
    ({"at": "2026-03-03"}, InvalidValue, "an aware datetime"),
    ({"lines": []}, InvalidValue, "at least one line item"),
    ({"lines": ["Kopi"]}, InvalidValue, "of type LineItem"),
    ({"adjustments": [KOPI]}, InvalidValue, "of type Adjustment"),
    ({"id": ""}, InvalidValue, "id is ''"),
    ({"id": 7}, InvalidValue, "id is 7"),
    ({"shop": "a\0b"}, InvalidValue, "shop"),
    ({"shop": "\ud800"}, InvalidValue, "shop"),
    ({"delivery": "drone"}, InvalidValue, "one of ship, pickup, none"),
    ({"customer": "Aisyah"}, InvalidValue, "of type Customer"),
    ({"shipping_address": "Ipoh"}, InvalidValue, "of type Address"),
    ({"billing_address": Customer()}, InvalidValue, "of type Address"),
    ({"payment_method": "cash"}, InvalidValue, "of type PaymentMethod"),
    ({"attribution": "tiktok"}, InvalidValue, "of type Attribution"),
    ({"touches": ["https://t.me"]}, InvalidValue, "of type Touch"),
    ({"tags": "vip"}, InvalidValue, "a list of tags"),
    ({"note": None}, InvalidValue, "a str"),
    ({"actor": 1}, InvalidValue, "a str"),
    ({"adjustment": []}, TypeError, "an order has no adjustment"),
    (
        {"adjustments": [Adjustment(AdjustmentKind.DISCOUNT, myr("-20.01"))]},
        InvalidValue,
        "total is 'MYR -0.01'; expected zero or more",
    ),
    (
        {"adjustments": [Adjustment(AdjustmentKind.TAX, Money("1", "SGD"))]},
        CurrencyMismatch,
        "MYR and SGD",
    ),
    (
        # The total would do, the sum of the lines alone would not.
        {
            "lines": [LineItem("Palace", 1, Money.from_minor(10**18 - 1, "MYR"))] * 2,
            "adjustments": [
                Adjustment(AdjustmentKind.DISCOUNT, Money.from_minor(1 - 10**18, "MYR"))
            ],
        },
        InvalidValue,
        "below 10",
    ),
]


@pytest.mark.parametrize("begin", [placed, draft])
@pytest.mark.parametrize(("parts", "error", "message"), PARTS)
def test_bad_parts_are_refused(
    begin: Callable[..., Order], parts: dict[str, Any], error: type[Exception], message: str
) -> None:
    if begin is draft and parts == {"lines": []}:
        assert begin(**parts).lines == ()
    else:
        with pytest.raises(error, match=message):
            begin(**parts)


@pytest.mark.parametrize("quantity", [0, -1, True, 1.0, "1", None, 10**9])
def test_a_quantity_is_a_whole_number_from_1(quantity: Any) -> None:
    with pytest.raises(InvalidValue, match="a whole number from 1 to"):
        LineItem("Kopi", quantity, myr("1"))


@pytest.mark.parametrize("price", [myr("-0.01"), 10, "10.00", None])
def test_a_price_is_money_and_not_negative(price: Any) -> None:
    with pytest.raises(InvalidValue, match="unit_price"):
        LineItem("Kopi", 1, price)


@pytest.mark.parametrize(
    ("kind", "amount"),
    [("discount", myr("1")), ("shipping", myr("-1")), ("tax", myr("-1")), ("tax", 1), ("gift", 1)],
)
def test_an_adjustment_is_on_its_side_of_zero(kind: Any, amount: Any) -> None:
    with pytest.raises(InvalidValue):
        Adjustment(kind, amount)


BAD_CALLS: list[tuple[str, dict[str, Any], type[Exception]]] = [
    ("record_payment", {"reference": "", "amount": myr("1")}, InvalidValue),
    ("record_payment", {"reference": 7, "amount": myr("1")}, InvalidValue),
    ("record_payment", {"reference": "p", "amount": myr("0")}, InvalidValue),
    ("record_refund", {"reference": "r", "amount": myr("-1")}, InvalidValue),
    ("record_refund", {"reference": "r", "amount": 10}, InvalidValue),
    ("record_shipment", {"carrier": "J&T", "number": " "}, InvalidValue),
    ("add_tracking", {"carrier": None, "number": "JT1"}, InvalidValue),
    ("add_tracking", {"carrier": "J&T", "number": ""}, InvalidValue),
    ("change_lines", {"lines": []}, InvalidValue),
    ("change_lines", {"lines": [7]}, InvalidValue),
    ("change_lines", {"lines": [LineItem("Kopi", 1, Money("1", "SGD"))]}, CurrencyMismatch),
    ("accept_offer", {"lines": []}, InvalidValue),
    ("accept_offer", {"lines": [TEH], "payment": ("p", Money("5", "SGD"))}, CurrencyMismatch),
    ("accept_offer", {"lines": [TEH], "payment": ("p", None)}, InvalidValue),
    ("accept_offer", {"lines": [TEH], "payment": (None, myr("5"))}, InvalidValue),
    ("edit_customer", {"customer": None}, InvalidValue),
    ("edit_address", {"shipping": "Ipoh"}, InvalidValue),
    ("edit_address", {"billing": "Ipoh"}, InvalidValue),
    ("edit_note", {"note": None}, InvalidValue),
    ("set_tags", {"tags": "vip"}, InvalidValue),
    ("set_tags", {"tags": [1]}, InvalidValue),
    ("set_fulfillment", {"status": "packed", "reason": 1}, InvalidValue),
    ("cancel", {"reason": " "}, InvalidValue),
]


@pytest.mark.parametrize(("name", "arguments", "error"), BAD_CALLS)
def test_bad_arguments_are_refused_and_change_nothing(
    name: str, arguments: dict[str, Any], error: type[Exception]
) -> None:
    order = placed()
    with pytest.raises(error):
        getattr(order, name)(**arguments, at=NOON)
    assert order == placed()


GOOD_CALLS: list[tuple[str, dict[str, Any]]] = [
    ("mark_paid", {}),
    ("confirm", {}),
    ("set_fulfillment", {"status": "packed"}),
    ("add_tracking", {"carrier": "J&T", "number": "JT1"}),
    ("change_lines", {"lines": [TEH]}),
    ("accept_offer", {"lines": [TEH]}),
    ("edit_customer", {"customer": Customer(id="c1")}),
    ("edit_address", {"shipping": Address(city="Ipoh")}),
    ("edit_note", {"note": "hi"}),
    ("set_tags", {"tags": ["vip"]}),
    ("cancel", {"reason": "late"}),
    ("archive", {}),
    ("record_payment", {"reference": "p", "amount": myr("1")}),
    ("record_refund", {"reference": "p", "amount": myr("1")}),
    ("record_shipment", {"carrier": "J&T", "number": "JT1"}),
]


@pytest.mark.parametrize(("name", "arguments"), GOOD_CALLS)
def test_a_naive_datetime_is_refused(name: str, arguments: dict[str, Any]) -> None:
    naive = datetime(2026, 3, 3)  # noqa: DTZ001 - the point
    with pytest.raises(NaiveDatetime, match="at is 2026-03-03T00:00:00 without a time zone"):
        getattr(placed(), name)(**arguments, at=naive)
    if name.startswith("record_"):
        with pytest.raises(NaiveDatetime, match="recorded_at"):
            getattr(placed(), name)(**arguments, at=NOON, recorded_at=naive)


def nul_key(customer: Customer) -> str:
    return f"{customer.id}\0"


def test_hostile_texts_are_kept_as_typed_but_for_what_nothing_can_store() -> None:
    order = placed(note="=1+1 \0 \ud83d <b>", customer=Customer(first_name="a\r\nb"))
    assert order.note == "=1+1 \ufffd \ufffd <b>"
    assert order.customer_name == "a\r\nb"
    assert placed(identify=nul_key).customer_key == "None\ufffd"


def test_an_order_has_the_parts_that_it_has() -> None:
    with pytest.raises(TypeError, match=r"^an order has no colour, size$"):
        placed(size="L", colour="red")


def test_an_order_is_placed_once() -> None:
    data = placed().changes[0].data
    assert isinstance(data, Placed)
    with pytest.raises(ValueError, match=r"^an order is placed once$"):
        evolve(placed(), data, NOON, "1262140/2")


# Queries that can't be


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("life", "closed"),
        ("fulfillment", ["packed", "lost"]),
        ("payment_status", "free"),
        ("limit", 0),
        ("limit", True),
        ("limit", 2.5),
        ("ids", [7]),
        ("search", 7),
        ("shop", 7),
        ("after", Cursor("yesterday", "1")),  # type: ignore[arg-type]  # the point
    ],
)
def test_a_bad_filter_is_refused(field: str, value: Any) -> None:
    with pytest.raises(InvalidValue):
        OrderQuery(**{field: value})


def test_one_word_or_several_may_be_asked_for() -> None:
    assert OrderQuery(life="open").life == frozenset({Life.OPEN})
    assert OrderQuery(ids="12").ids == frozenset({"12"})
    assert OrderQuery(tag="a\0").tag == "a\ufffd"
    assert OrderQuery(search=" \t").search is None
    assert OrderQuery(search="Aisyah 1234").search_phones == ()
    assert OrderQuery(search="123").search_phones == ()
    assert OrderQuery(search="012-345 6789").search_phones == ("0123456789", "60123456789")


def test_what_was_refunded_before_full_payment_is_asked_for_again() -> None:
    order = placed().record_payment("A", myr("4"), at=NOON).record_refund("R", myr("4"), at=NOON)

    assert order.amount_due == order.total


def test_an_order_keeps_its_journey_first_and_last_touch_and_days_to_conversion() -> None:
    tiktok = Touch(
        "https://hartamas.myshoppegram.com/?utm_source=tiktok", None, NOON - timedelta(days=3)
    )
    google = Touch(
        "https://hartamas.myshoppegram.com/", "https://www.google.com/", NOON - timedelta(days=1)
    )
    gateway = Touch("https://hartamas.myshoppegram.com/", "https://www.billplz.com/x", NOON)
    journey = Journey.of([gateway, google, tiktok], default_table(), ordered_at=NOON)
    order = placed(
        touches=[step.touch for step in reversed(journey.steps)],
        ignored_touches=journey.ignored,
        attribution=journey.attribution,
    )

    assert (order.first_touch, order.last_touch) == (tiktok, google)
    assert (order.source, order.days_to_conversion) == ("google", 3)
    assert [(each.touch, each.reason) for each in order.ignored_touches] == [(gateway, "payment")]


def test_an_order_without_a_visit_has_no_journey() -> None:
    order = placed()

    assert (order.first_touch, order.last_touch, order.days_to_conversion) == (None, None, None)
