"""Laws of abandonment: verdicts against the documented sentence, and sweeps against the clock."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import attrs
from hypothesis import event, given
from hypothesis import strategies as st

from abandonment_examples import (
    AISYAH,
    INSTANT,
    OTHER_SHOP,
    PRICE,
    SHOP,
    abandonments,
    begun,
    draft,
    marks,
)
from shoppego_orders.abandonment import (
    AbandonmentPolicy,
    Context,
    Finding,
    NoOtherPurchase,
    OrderLike,
    Rule,
    Unfulfilled,
    VerdictStatus,
    next_due,
    sweep,
)
from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.errors import CommandRefused
from shoppego_orders.order import Life, Order, OrderRow
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.strategies.abandonment import joined_rules

WINDOW = timedelta(minutes=60)
POLICY = AbandonmentPolicy()
# Summer time begins and ends, a day, a month and a year end, and nothing happens at all.
BASES = [
    datetime(2021, 3, 28, 0, 30, tzinfo=ZoneInfo("Europe/London")),
    datetime(2021, 10, 31, 1, 30, tzinfo=ZoneInfo("Europe/London")),
    datetime(2021, 11, 7, 1, 30, tzinfo=ZoneInfo("America/New_York"), fold=1),
    datetime(2021, 12, 31, 23, 30, tzinfo=ZoneInfo("Asia/Kuala_Lumpur")),
    datetime(2021, 3, 3, 14, 58, 17, tzinfo=UTC),
]
OFFSETS = st.sampled_from(
    [
        timedelta(0),
        INSTANT,
        timedelta(minutes=30),
        WINDOW - INSTANT,
        WINDOW,
        WINDOW + INSTANT,
        timedelta(minutes=90),
        2 * WINDOW,
    ]
) | st.timedeltas(timedelta(0), 3 * WINDOW)


def after_all(orders: Sequence[Order]) -> datetime:
    return max((order.placed_at for order in orders), default=BASES[0]) + 4 * WINDOW


# Histories


def _paid(order: Order, at: datetime) -> Order:
    return order.record_payment(f"billplz-{at.isoformat()}", PRICE, at=at)


def _cancelled(order: Order, at: datetime) -> Order:
    return order.cancel(reason="the customer asked", at=at)


MOVES: list[Callable[[Order, datetime], Order]] = [
    _paid,
    lambda order, at: order.confirm(at=at),
    lambda order, at: order.set_fulfillment("processing", at=at),
    _cancelled,
    lambda order, at: order.mark_pending(at=at),
    lambda order, at: order.mark_paid(at=at),
    lambda order, at: order.archive(at=at),
]


@attrs.frozen
class Happening:
    """Something that befalls an order at a moment; ``move`` None is its beginning."""

    at: datetime
    order_id: str
    start: Order
    move: Callable[[Order, datetime], Order] | None

    def befall(self, store: MemoryOrderStore) -> None:
        """Let it happen; a command that the order refuses changes nothing."""
        if self.move is None:
            store.save(self.start)
            return
        with suppress(CommandRefused):
            store.save(self.move(store.get(self.order_id), self.at))


@st.composite
def histories(draw: st.DrawFn) -> list[Happening]:
    """What happens in two shops within some hours, in the order in which it does."""
    base = draw(st.sampled_from(BASES))
    happenings: list[Happening] = []
    beginnings: list[datetime] = []
    for number in range(draw(st.integers(1, 6))):
        placed = base.astimezone(UTC) + draw(OFFSETS)
        at = placed.astimezone(base.tzinfo)
        shop = draw(st.sampled_from([SHOP, SHOP, OTHER_SHOP]))
        if draw(st.integers(0, 6)) == 0:
            start = draft(f"{number}", at=at, shop=shop)
        else:
            email = draw(st.sampled_from([AISYAH, AISYAH.upper(), "b@example.com", None]))
            start = begun(f"{number}", at=at, shop=shop, email=email)
        happenings.append(Happening(placed, start.id, start, None))
        beginnings.append(placed)
        for _ in range(draw(st.integers(0, 2))):
            move = draw(st.sampled_from([_paid, *MOVES]))
            # At a telling moment of this order, or of an earlier one.
            moment = draw(st.sampled_from(beginnings)) + draw(OFFSETS)
            happenings.append(Happening(max(placed, moment), start.id, start, move))
    return sorted(happenings, key=lambda each: each.at)


def happened(happenings: Sequence[Happening]) -> MemoryOrderStore:
    store = MemoryOrderStore()
    for each in happenings:
        each.befall(store)
    return store


def orders_of(store: MemoryOrderStore) -> list[Order]:
    return [store.get(row.id) for row in store.rows(OrderQuery())]


# The documented sentence, in plain Python


def left(order: Order, orders: Sequence[Order]) -> bool:
    """The order has remained unfulfilled for 60 minutes, and the customer has made no other
    purchase on that website during this period."""
    begin = microseconds(order.placed_at)
    end = begin + 3_600_000_000
    fulfilled = [
        at
        for at in (order.completed_at, order.taken_up_at, order.cancelled_at)
        if at is not None and microseconds(at) < end
    ]
    elsewhere = [
        other
        for other in orders
        if order.customer_key is not None
        and (other.shop, other.customer_key) == (order.shop, order.customer_key)
        and other.id != order.id
        and other.completed_at is not None
        and begin <= microseconds(other.completed_at) < end
    ]
    return not fulfilled and not elsewhere


def microseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // INSTANT


@given(histories(), st.randoms(use_true_random=False))
def test_verdicts_are_those_of_the_documented_sentence(
    happenings: list[Happening], random_: random.Random
) -> None:
    orders = orders_of(happened(happenings))
    now = after_all(orders)
    for order in orders:
        if order.life is not Life.DRAFT:
            others = random_.sample(orders, len(orders))
            verdict = POLICY.judge(order, others, now)
            expected = order.placed_at + WINDOW if left(order, orders) else None
            assert verdict.abandoned_at == expected
            event(verdict.status)


@given(histories())
def test_an_order_and_its_row_are_judged_alike(happenings: list[Happening]) -> None:
    orders = orders_of(happened(happenings))
    rows = [OrderRow.of(order) for order in orders]
    now = after_all(orders)
    for order, row in zip(orders, rows, strict=True):
        verdict = POLICY.judge(order, orders, now)
        assert POLICY.judge(row, rows, now) == verdict
        assert POLICY.judge(row, orders, now) == verdict


@given(histories(), OFFSETS)
def test_a_verdict_once_due_is_the_verdict_for_ever(
    happenings: list[Happening], offset: timedelta
) -> None:
    orders = orders_of(happened(happenings))
    now = after_all(orders)
    for order in orders:
        as_of = order.placed_at + offset
        verdict = POLICY.judge(order, orders, as_of)
        if as_of < order.placed_at + WINDOW:
            assert verdict.status is VerdictStatus.NOT_DUE
        else:
            assert verdict == POLICY.judge(order, orders, now)


@given(histories())
def test_the_explanation_says_what_the_verdict_says(happenings: list[Happening]) -> None:
    orders = orders_of(happened(happenings))
    for order in orders:
        verdict = POLICY.judge(order, orders, after_all(orders))
        first, _, found, *_ = verdict.explain().splitlines()
        assert first.startswith(f"Order {order.id}: {verdict.status}")
        assert found.startswith("yes: ") is (verdict.abandoned_at is not None)
        assert verdict.reasons
        assert all(reason in verdict.explain() for reason in verdict.reasons)


# Sweeps

SCHEDULES = st.lists(
    st.tuples(st.timedeltas(timedelta(0), 6 * WINDOW), st.none() | st.integers(1, 3)), max_size=6
)


@given(histories(), SCHEDULES, st.booleans())
def test_the_answers_do_not_depend_on_when_or_how_often_it_runs(
    happenings: list[Happening],
    schedule: list[tuple[timedelta, int | None]],
    sweep_first: bool,
) -> None:
    once = happened(happenings)
    end = after_all(orders_of(once))
    sweep(once, POLICY, end)

    often = MemoryOrderStore()
    runs = [(happenings[0].at + offset, limit) for offset, limit in schedule]
    # At one and the same instant, the sweep may come first or last.
    steps: list[tuple[datetime, bool, Happening | int | None]] = [
        *((each.at, sweep_first, each) for each in happenings),
        *((at, not sweep_first, limit) for at, limit in runs),
    ]
    found: list[str] = []
    for at, _, step in sorted(steps, key=lambda step: step[:2]):
        if isinstance(step, Happening):
            step.befall(often)
        else:
            found += sweep(often, POLICY, at, limit=step).abandoned
    found += sweep(often, POLICY, end).abandoned

    assert abandonments(often) == abandonments(once)
    assert sorted(found) == sorted(abandonments(once))
    assert all(marks(often, order_id) == 1 for order_id in found)
    assert sweep(often, POLICY, end).judged == 0


@given(histories(), st.randoms(use_true_random=False))
def test_the_answers_do_not_depend_on_the_order_of_arrival(
    happenings: list[Happening], random_: random.Random
) -> None:
    first = happened(happenings)
    orders = orders_of(first)
    histories_ = [first.events(order.id) for order in orders]
    random_.shuffle(histories_)
    second = MemoryOrderStore()
    for events in histories_:
        second.save(attrs.evolve(Order.replay(events), version=0, changes=tuple(events)))
    end = after_all(orders)
    assert sweep(first, POLICY, end) == sweep(second, POLICY, end)
    assert abandonments(first) == abandonments(second)


@given(histories())
def test_a_sweep_marks_what_the_documented_sentence_says(happenings: list[Happening]) -> None:
    store = happened(happenings)
    orders = [order for order in orders_of(store) if order.life is not Life.DRAFT]
    result = sweep(store, POLICY, after_all(orders))
    assert abandonments(store) == {
        order.id: order.placed_at + WINDOW for order in orders if left(order, orders)
    }
    assert set(result.abandoned) == set(abandonments(store))
    assert result.judged == len(orders)


@given(histories())
def test_sweeping_whenever_something_is_due_leaves_nothing(happenings: list[Happening]) -> None:
    store = happened(happenings)
    now = happenings[0].at
    while (due := next_due(store, POLICY, now)) is not None:
        assert due >= now
        assert sweep(store, POLICY, due - INSTANT).judged == 0
        assert sweep(store, POLICY, due).judged > 0
        now = due
    assert all(row.decided for row in store.rows(OrderQuery()) if row.life is not Life.DRAFT)


# Rules


@attrs.frozen
class Says(Rule):
    """A rule that always says the same."""

    answer: bool

    def holds(self, order: OrderLike, context: Context) -> bool:  # noqa: ARG002  # it needs none
        return self.answer

    def saw(self, order: OrderLike, context: Context) -> str:  # noqa: ARG002  # as above
        return f"it says {self.answer}"


SIMPLE: st.SearchStrategy[Rule] = st.sampled_from(
    [Says(True), Says(False), Unfulfilled(), NoOtherPurchase()]
)
RULES = st.recursive(SIMPLE, joined_rules, max_leaves=6)


@st.composite
def questions(draw: st.DrawFn) -> tuple[Order, Context]:
    """An order and its context."""
    order = begun()
    if draw(st.booleans()):
        order = _paid(order, order.placed_at + draw(OFFSETS))
    others = (_paid(begun("other"), order.placed_at),) if draw(st.booleans()) else ()
    return order, Context(order.placed_at, order.placed_at + WINDOW, others)


@given(RULES, RULES, RULES, questions())
def test_boolean_laws(a: Rule, b: Rule, c: Rule, question: tuple[Order, Context]) -> None:
    def ask(rule: Rule) -> bool:
        return rule.holds(*question)

    assert ask(a & b) is (ask(a) and ask(b))
    assert ask(a | b) is (ask(a) or ask(b))
    assert ask(~a) is not ask(a)
    assert ask(~(a & b)) is ask(~a | ~b)
    assert ask(~(a | b)) is ask(~a & ~b)
    assert ask(a & (b | c)) is ask((a & b) | (a & c))
    assert (a & b) & c == a & (b & c)
    assert (a | b) | c == a | (b | c)
    assert ~~a == a
    assert ask(a & Says(True)) is ask(a) is ask(a | Says(False))
    assert ask(a | ~a)
    assert not ask(a & ~a)


@given(RULES, questions())
def test_every_answer_has_its_reasons(rule: Rule, question: tuple[Order, Context]) -> None:
    finding = rule.check(*question)
    assert finding.holds is rule.holds(*question)

    def leaves(each: Finding) -> list[str]:
        return [leaf for part in each.parts for leaf in leaves(part)] or [each.saw]

    assert finding.reasons
    assert set(finding.reasons) <= set(leaves(finding))
    assert len(set(finding.reasons)) == len(finding.reasons)
