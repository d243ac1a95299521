"""What holds for every order, whatever happened to it."""

from __future__ import annotations

import copy
import itertools
import pickle
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoppego_orders.customers import Address, Customer
from shoppego_orders.errors import BrokenHistory, CommandRefused
from shoppego_orders.money import Money
from shoppego_orders.order import (
    TRANSITIONS,
    AdjustmentKind,
    AttentionKind,
    Fulfillment,
    Life,
    LineItem,
    Order,
    OrderEvent,
    PaymentStatus,
    Topic,
)
from shoppego_orders.order.ledger import payment_status
from shoppego_orders.testing.strategies import (
    Step,
    commands,
    delays,
    facts,
    histories,
    orders,
    run,
    steps,
)

CUR = "MYR"
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
FACTS = {
    *("payment_recorded", "refund_recorded", "shipment_recorded", "abandoned"),
    *("abandonment_retracted", "customer_returned", "recovery_settled"),
}
# What a merchant decides; facts never touch it.
DECIDED = (
    "lines",
    "adjustments",
    "customer",
    "customer_key",
    "shipping_address",
    "billing_address",
    "note",
    "tags",
    "offers",
    "life",
    "cancelled_at",
    "cancel_reason",
)


def taken(order: Order, step: Callable[[Order], Order]) -> Order | CommandRefused:
    """The order after a step, or why not."""
    try:
        return step(order)
    except CommandRefused as refused:
        return refused


def decided(order: Order) -> list[object]:
    return [getattr(order, name) for name in DECIDED]


def stored(order: Order) -> Order:
    """The order as a store gives it back."""
    return attrs.evolve(order, version=order.version + len(order.changes), changes=())


# History


@given(orders())
def test_replaying_the_history_gives_the_order(order: Order) -> None:
    again = Order.replay(order.changes)
    assert again == order
    assert again.version == len(order.changes)
    assert again.changes == ()


@given(orders(currency=CUR), st.lists(steps(CUR), max_size=5))
def test_a_history_goes_on_after_the_order_was_stored(order: Order, more: list[Step]) -> None:
    kept = stored(order)
    assert kept == order
    at_once, later = run(order, more), run(kept, more)
    assert later == at_once
    assert (*order.changes, *later.changes) == at_once.changes
    assert later.version == len(order.changes)
    assert Order.replay((*order.changes, *later.changes)) == later


@given(histories())
def test_events_are_numbered_and_their_times_are_utc(history: Sequence[OrderEvent]) -> None:
    order_id = history[0].order_id
    assert [event.id for event in history] == [f"{order_id}/{n + 1}" for n in range(len(history))]
    for event in history:
        assert event.order_id == order_id
        assert event.type == event.data.type
        assert event.occurred_at.tzinfo is UTC
        assert event.recorded_at.tzinfo is UTC


@given(orders().filter(lambda order: len(order.changes) > 1), st.data())
def test_a_history_with_a_gap_can_not_be_replayed(order: Order, data: st.DataObject) -> None:
    events = list(order.changes)
    del events[data.draw(st.integers(0, len(events) - 2))]
    with pytest.raises(BrokenHistory):
        Order.replay(events)


@given(orders(), orders())
def test_the_history_of_two_orders_can_not_be_replayed(one: Order, other: Order) -> None:
    with pytest.raises(BrokenHistory):
        Order.replay((*one.changes, *other.changes))
    if one.id != other.id and len(other.changes) > 1:
        with pytest.raises(BrokenHistory):
            Order.replay((one.changes[0], *other.changes[1:]))


@given(orders(currency=CUR), steps(CUR))
def test_what_is_accepted_appends_one_event_or_returns_the_order_itself(
    order: Order, step: Step
) -> None:
    after = taken(order, step)
    if isinstance(after, Order) and after is not order:
        told = after.changes[len(order.changes)]
        assert (*order.changes, told) == after.changes[: len(order.changes) + 1]
        assert after.version == order.version
        assert told.actor == step.arguments.get("actor", told.actor)
        assert told.occurred_at == order.placed_at + step.after
        # What takes an abandonment back says so by an event of its own.
        retracted = order.abandoned_at is not None and after.abandoned_at is None
        types = [event.type for event in after.changes[len(order.changes) :]]
        assert types.count("abandonment_retracted") == retracted
        assert len(types) == 1 + (retracted and step.name != "record_retraction")


@given(orders(currency=CUR), delays(), delays())
def test_an_order_of_the_past_is_made_of_what_had_occurred_and_was_known(
    order: Order, occurred: timedelta, known: timedelta
) -> None:
    as_of, known_at = order.placed_at + occurred, order.placed_at + known
    if as_of < order.placed_at or known_at < order.placed_at:
        with pytest.raises(BrokenHistory):
            Order.replay(order.changes, as_of=as_of, known_at=known_at)
        return
    past = Order.replay(order.changes, as_of=as_of, known_at=known_at)
    assert all(entry.at <= as_of for entry in past.payments + past.refunds)
    assert past.changed_at is not None
    assert past.changed_at <= as_of
    seen = [e for e in order.changes if e.occurred_at <= as_of and e.recorded_at <= known_at]
    renumbered = [attrs.evolve(e, id=f"{order.id}/{n}") for n, e in enumerate(seen, 1)]
    by_hand = Order.replay(renumbered)
    assert past.completed_at == by_hand.completed_at
    assert past.abandoned_at == by_hand.abandoned_at
    assert past.total == by_hand.total
    # With nothing left out, it is the order itself.
    end = datetime.max.replace(tzinfo=UTC)
    assert Order.replay(order.changes, as_of=end, known_at=end) == order


@given(orders(currency=CUR), steps(CUR))
def test_repeating_a_fact_or_an_edit_changes_nothing(order: Order, step: Step) -> None:
    once = taken(order, step)
    if isinstance(once, Order) and step.name != "accept_offer":
        again = taken(once, step)
        if isinstance(again, Order):
            assert again is once
        else:
            assert step.name in ("mark_pending", "mark_paid", "confirm", "cancel", "archive")
    elif isinstance(once, Order) and step.arguments["payment"] is not None:
        assert taken(once, step) is once


# Commands


@given(orders(currency=CUR), commands(CUR))
def test_a_refused_command_changes_nothing_and_says_every_reason(order: Order, step: Step) -> None:
    before, hash_before = copy.deepcopy(order), hash(order)
    after = taken(order, step)
    assert order == before
    assert order.changes == before.changes
    assert hash(order) == hash_before
    if isinstance(after, CommandRefused):
        assert (after.command, after.order_id) == (step.name, order.id)
        assert after.blockers == order.blockers(step.name, step.arguments.get("status"))
        assert len({blocker.key for blocker in after.blockers}) == len(after.blockers) > 0


def attempts(order: Order) -> dict[str, Callable[[], Order]]:
    """Every command with arguments that change something in any state that allows it."""
    at = order.placed_at
    line = LineItem("Kek lapis", 7, Money("3.50", CUR))
    return {
        "mark_pending": lambda: order.mark_pending(at=at),
        "mark_paid": lambda: order.mark_paid(at=at),
        "confirm": lambda: order.confirm(at=at),
        "set_fulfillment": lambda: order.set_fulfillment("packed", at=at, reason="counted again"),
        "add_tracking": lambda: order.add_tracking("Ninja Van", "never seen before", at=at),
        "change_lines": lambda: order.change_lines([*order.lines, line], at=at),
        "accept_offer": lambda: order.accept_offer([line], at=at),
        "edit_customer": lambda: order.edit_customer(Customer(id="someone else"), at=at),
        "edit_address": lambda: order.edit_address(shipping=Address(city="Ipoh"), at=at),
        "edit_note": lambda: order.edit_note("another note", at=at),
        "set_tags": lambda: order.set_tags(["another tag"], at=at),
        "cancel": lambda: order.cancel(reason="out of stock", at=at),
        "archive": lambda: order.archive(at=at),
    }


@given(orders(currency=CUR))
def test_can_says_what_really_happens(order: Order) -> None:
    tried = attempts(order)
    assert tried.keys() == TRANSITIONS.keys()
    for command, attempt in tried.items():
        blockers = order.blockers(command)
        assert order.can(command) == (not blockers)
        if blockers:
            with pytest.raises(CommandRefused) as refused:
                attempt()
            assert refused.value.blockers == blockers
        else:
            attempt()


@given(orders(), st.sampled_from(Fulfillment))
def test_can_says_which_fulfillment_status_may_be_set(order: Order, status: Fulfillment) -> None:
    blockers = order.blockers("set_fulfillment", status)
    at, reason = order.placed_at, "counted again"
    after = taken(order, lambda order: order.set_fulfillment(status, at=at, reason=reason))
    if isinstance(after, CommandRefused):
        assert after.blockers == blockers != ()
    else:
        assert blockers == ()
        assert after.fulfillment is status


@given(orders(currency=CUR), st.lists(steps(CUR), max_size=6))
def test_archived_stays_archived_and_accepts_facts_only(order: Order, more: list[Step]) -> None:
    if order.can("archive"):
        order = order.archive(at=order.placed_at)
    if order.archived:
        after = run(order, more)
        assert after.archived
        assert decided(after) == decided(order)
        assert {event.type for event in after.changes[len(order.changes) :]} <= FACTS


@given(orders(currency=CUR), st.lists(steps(CUR), max_size=6))
def test_a_cancelled_order_accepts_facts_and_filing_away_only(
    order: Order, more: list[Step]
) -> None:
    if order.can("cancel"):
        order = order.cancel(reason="out of stock", at=order.placed_at)
    if order.life is Life.CANCELLED:
        after = run(order, more)
        assert decided(after) == decided(order)
        later = {event.type for event in after.changes[len(order.changes) :]}
        assert later <= FACTS | {"archived"}


@given(orders().filter(lambda order: order.can("cancel")))
def test_cancelling_never_refunds(order: Order) -> None:
    cancelled = order.cancel(reason="out of stock", at=order.placed_at)
    assert (cancelled.payments, cancelled.refunds) == (order.payments, order.refunds)
    assert cancelled.payment_status is order.payment_status
    owed = max(order.paid_total.minor - order.refunded_total.minor, 0)
    assert cancelled.refund_due.minor == owed
    assert cancelled.amount_due.minor == 0


@given(orders())
def test_a_step_back_announces_nothing(order: Order) -> None:
    if order.can("set_fulfillment"):
        back = order.set_fulfillment("awaiting_processing", at=order.placed_at, reason="mixed up")
        assert back is order or back.changes[-1].topics == ()


@given(histories())
def test_order_shipped_is_announced_by_a_tracking_number_alone(
    history: Sequence[OrderEvent],
) -> None:
    for event in history:
        if Topic.ORDER_SHIPPED in event.topics:
            assert event.type in ("tracking_added", "shipment_recorded")
        if event.type == "tracking_added":
            assert event.topics[0] is Topic.ORDER_SHIPPED


# Money


@given(orders())
def test_lines_adjustments_and_total_agree_to_the_last_sen(order: Order) -> None:
    lines = sum(line.unit_price.minor * line.quantity for line in order.lines)
    by_kind = dict.fromkeys(AdjustmentKind, 0)
    for item in order.adjustments:
        by_kind[item.kind] += item.amount.minor
    assert order.subtotal.minor == lines == sum(line.total.minor for line in order.lines)
    assert order.discount_total.minor == -by_kind[AdjustmentKind.DISCOUNT]
    assert order.shipping_total.minor == by_kind[AdjustmentKind.SHIPPING]
    assert order.tax_total.minor == by_kind[AdjustmentKind.TAX]
    assert order.declared_difference.minor == by_kind[AdjustmentKind.DECLARED]
    assert order.total.minor == lines + sum(by_kind.values()) >= 0
    assert {order.total.currency, order.balance.currency} == {order.currency}
    assert order.units == sum(line.quantity for line in order.lines)


def word_for(paid: int, refunded: int, total: int) -> str:
    """The payment status, told another way than the kernel tells it."""
    if paid == 0:
        return "pending" if total > 0 else "paid"
    if refunded >= paid:
        return "refunded"
    if refunded and paid - refunded < total:
        return "partially_refunded"
    return "partially_paid" if paid < total else "paid"


@given(orders())
def test_payment_status_is_a_function_of_ledger_and_total(order: Order) -> None:
    paid = sum(e.amount.minor for e in order.payments if e.amount.currency == order.currency)
    refunded = sum(e.amount.minor for e in order.refunds if e.amount.currency == order.currency)
    assert (order.paid_total.minor, order.refunded_total.minor) == (paid, refunded)
    assert order.payment_status == word_for(paid, refunded, order.total.minor)


@given(orders())
def test_either_the_customer_owes_or_the_merchant(order: Order) -> None:
    due, owed = order.amount_due.minor, order.refund_due.minor
    assert min(due, owed) == 0
    assert order.balance.minor == due - owed
    if not order.refunded_total and order.life is not Life.CANCELLED:
        assert order.balance.minor == order.total.minor - order.paid_total.minor


@given(orders())
def test_who_paid_in_full_has_completed_the_checkout(order: Order) -> None:
    if order.life is Life.OPEN and order.paid_total and order.paid_total >= order.total:
        assert order.completed_at is not None


# Facts


@given(orders(currency=CUR), facts(CUR), st.lists(steps(CUR), max_size=3))
def test_no_fact_is_ever_refused_or_lost(order: Order, fact: Step, more: list[Step]) -> None:
    told = fact.arguments
    later = run(fact(order), more)
    if fact.name == "record_shipment":
        parcel = (told["carrier"].strip(), told["number"].strip())
        assert parcel in [(known.carrier, known.number) for known in later.trackings]
    if fact.name in ("record_payment", "record_refund"):
        reference = own_text(told["reference"])
        entries = later.payments if fact.name == "record_payment" else later.refunds
        known = [entry for entry in entries if entry.reference == reference]
        assert len(known) == 1
        if known[0].amount != told["amount"]:
            assert any(
                item.kind is AttentionKind.REPORTED_DIFFERENTLY
                and item.reference == reference
                and str(told["amount"]) in item.message
                for item in later.attention
            )


def own_text(text: str) -> str:
    """A reference as it is kept."""
    return "".join(
        "\ufffd" if char == "\0" or "\ud800" <= char <= "\udfff" else char for char in text
    )


@given(orders(currency=CUR), facts(CUR))
def test_a_fact_that_contradicts_the_order_asks_for_attention(order: Order, fact: Step) -> None:
    after = fact(order)
    if after is order or fact.name == "record_abandonment":
        return
    new = [item.kind for item in after.attention[len(order.attention) :]]
    foreign = "amount" in fact.arguments and fact.arguments["amount"].currency != CUR
    more_refunded = after.refunded_total > after.paid_total
    contradicts = {
        "record_payment": order.life is not Life.OPEN or foreign,
        "record_refund": foreign or more_refunded,
        "record_shipment": order.life is not Life.OPEN or order.delivery != "ship",
    }[fact.name]
    if len(after.payments + after.refunds) == len(order.payments + order.refunds) and (
        fact.name != "record_shipment"
    ):
        assert new == [AttentionKind.REPORTED_DIFFERENTLY]
    else:
        assert len(new) == contradicts
    assert after.needs_attention == bool(after.attention)


def fact_key(fact: Step) -> tuple[object, ...]:
    told = fact.arguments
    if fact.name == "record_abandonment":
        return (fact.name,)
    return (fact.name, *(told.get(name) for name in ("carrier", "number", "reference")))


@given(
    orders(currency=CUR),
    st.lists(facts(CUR), min_size=2, max_size=5, unique_by=fact_key).flatmap(
        lambda told: st.tuples(st.just(told), st.permutations(told))
    ),
)
def test_the_order_in_which_facts_arrive_makes_no_difference(
    order: Order, told: tuple[list[Step], list[Step]]
) -> None:
    one, other = run(order, told[0]), run(order, told[1])
    same = (
        "payment_status",
        "total",
        "paid_total",
        "refunded_total",
        "balance",
        "fulfillment",
        "completed_at",
        "taken_up_at",
        "shipped_at",
        "abandoned_at",
    )
    assert [getattr(one, name) for name in same] == [getattr(other, name) for name in same]
    for name in ("payments", "refunds", "trackings"):
        assert set(getattr(one, name)) == set(getattr(other, name))


@given(orders(currency=CUR))
def test_a_deadline_that_was_met_was_never_missed(order: Order) -> None:
    for met in (order.completed_at, order.taken_up_at):
        if met is not None and order.abandoned_at is not None:
            assert met >= order.abandoned_at
    assert order.recovered_at == (order.completed_at if order.abandoned_at else None)


# Values


@given(orders())
def test_orders_are_values(order: Order) -> None:
    again = pickle.loads(pickle.dumps(order))
    assert again == order
    assert again.changes == order.changes
    assert hash(again) == hash(order)
    assert attrs.evolve(order, version=7, decided=True, changes=()) == order
    assert attrs.evolve(order, note=f"{order.note}!") != order


@given(orders())
def test_the_times_of_an_order_are_kept_in_utc(order: Order) -> None:
    times = [getattr(order, name) for name in attrs.fields_dict(Order) if name.endswith("_at")]
    times += [entry.at for entry in order.payments + order.refunds]
    times += [item.at for item in order.attention]
    assert {time.utcoffset() for time in times if time is not None} <= {timedelta(0)}


@given(orders(shop="hartamas.myshoppegram.com", currency="JPY", placed_at=st.just(NOON)))
def test_orders_of_one_shop_in_one_currency_at_one_time(order: Order) -> None:
    assert order.placed_at == NOON
    assert (order.shop, order.total.currency) == ("hartamas.myshoppegram.com", "JPY")


def test_the_payment_status_of_every_small_ledger() -> None:
    seen = set[str]()
    for paid, refunded, total in itertools.product(range(5), repeat=3):
        amounts = (Money.from_minor(minor, CUR) for minor in (paid, refunded, total))
        status = payment_status(*amounts)
        assert status == word_for(paid, refunded, total)
        seen.add(status)
    assert seen == set(PaymentStatus)
