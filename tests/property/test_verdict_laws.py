"""Laws of verdicts: one pass, a replay, a sweep and a single judgement say the same."""

from __future__ import annotations

import json
import pickle
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import attrs
from hypothesis import event, given, settings
from hypothesis import strategies as st

from abandonment_examples import AISYAH, INSTANT, OTHER_SHOP, PRICE, SHOP
from recovery_examples import Disturbance, Turns, WatchedStore, crash
from shoppego_orders.abandonment import (
    AbandonmentPolicy,
    Context,
    NoOtherPurchase,
    Rule,
    Unfulfilled,
    Verdict,
    VerdictStatus,
    compare_policies,
    judge_stream,
    policy_from_json,
    policy_to_json,
    replay,
    replay_stored,
    sweep,
)
from shoppego_orders.abandonment import rules as every
from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.attribution import Touch, default_table
from shoppego_orders.customers import Address, Customer
from shoppego_orders.errors import CommandRefused, StaleOrder
from shoppego_orders.money import Money
from shoppego_orders.order import LineItem, Order, OrderRow, PaymentMethod
from shoppego_orders.ports import OrderStore
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.strategies import policies, rules

BEGAN = datetime(2021, 12, 31, 23, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
DELAYS = st.sampled_from(
    [timedelta(0), INSTANT, HOUR / 2, HOUR - INSTANT, HOUR, HOUR + INSTANT, 2 * HOUR, 3 * HOUR]
) | st.timedeltas(timedelta(0), 4 * HOUR)
GATEWAY = PaymentMethod("Billplz", "alternative")
ON_DELIVERY = PaymentMethod("Cash on delivery", "manual")
TOUCH = Touch("http://hartamas.myshoppegram.com/?utm_source=tiktok", None, BEGAN)

Move = Callable[[Order, datetime, datetime], Order]


def _paid(order: Order, at: datetime, told: datetime) -> Order:
    return order.record_payment(f"pay-{at.isoformat()}", order.total, at=at, recorded_at=told)


def _shipped(order: Order, at: datetime, told: datetime) -> Order:
    return order.record_shipment("J&T", f"JT-{at.isoformat()}", at=at, recorded_at=told)


def _edited(order: Order, at: datetime, told: datetime) -> Order:  # a command is known at once
    return order.change_lines([LineItem("Teh", 3, PRICE)], at=at)


# Facts may be told of later than they occur; commands are known when they are given.
FACTS: list[Move] = [_paid, _paid, _shipped]
COMMANDS: list[Move] = [
    lambda order, at, told: order.confirm(at=at),  # noqa: ARG005  # a command is known at once
    lambda order, at, told: order.set_fulfillment("processing", at=at),  # noqa: ARG005  # as above
    lambda order, at, told: order.cancel(reason="asked", at=at),  # noqa: ARG005  # as above
    lambda order, at, told: order.set_tags(["vip"], at=at),  # noqa: ARG005  # as above
    lambda order, at, told: order.edit_address(shipping=Address(phone="0123456789"), at=at),  # noqa: ARG005  # as above
    _edited,
]


@attrs.frozen
class Happening:
    """What befalls an order, and when it is told; ``move`` None is its beginning."""

    told: datetime
    order: Order
    at: datetime
    move: Move | None = None

    def befall(self, store: OrderStore) -> None:
        if self.move is None:
            store.save(self.order)
            return
        while True:
            with suppress(StaleOrder):
                with suppress(CommandRefused):
                    store.save(self.move(store.get(self.order.id), self.at, self.told))
                return


@st.composite
def histories(draw: st.DrawFn) -> list[Happening]:
    """What happens in two shops within some hours, in the order in which it is told."""
    happenings: list[Happening] = []
    for number in range(draw(st.integers(1, 5))):
        placed = BEGAN + draw(DELAYS)
        order = Order.place(
            id=f"{number}",
            at=placed,
            shop=draw(st.sampled_from([SHOP, SHOP, SHOP, OTHER_SHOP])),
            currency="MYR",
            lines=[LineItem(draw(st.sampled_from(["Kopi", "Teh"])), 1, PRICE)],
            customer=Customer(email=draw(st.sampled_from([AISYAH, AISYAH, "b@example.com", None]))),
            payment_method=draw(st.sampled_from([None, GATEWAY, ON_DELIVERY])),
            attribution=draw(st.sampled_from([None, default_table().classify(TOUCH)])),
        )
        happenings.append(Happening(placed, order, placed))
        for _ in range(draw(st.integers(0, 3))):
            at = placed + draw(DELAYS)
            if draw(st.booleans()):
                told = at + draw(st.sampled_from([timedelta(0), HOUR]) | DELAYS)
                happenings.append(Happening(told, order, at, draw(st.sampled_from(FACTS))))
            else:
                happenings.append(Happening(at, order, at, draw(st.sampled_from(COMMANDS))))
    return sorted(happenings, key=lambda each: each.told)


def happened(happenings: Sequence[Happening]) -> MemoryOrderStore:
    store = MemoryOrderStore()
    for each in happenings:
        each.befall(store)
    return store


def rows_of(store: MemoryOrderStore) -> list[OrderRow]:
    return list(store.rows(OrderQuery()))


def end_of(happenings: Sequence[Happening]) -> datetime:
    return max(each.told for each in happenings) + 40 * HOUR


MOMENTS = st.sampled_from([HOUR, 2 * HOUR, 99 * HOUR]) | DELAYS


@given(histories(), policies(), MOMENTS)
def test_one_pass_says_what_judging_one_by_one_says(
    happenings: list[Happening], policy: AbandonmentPolicy, after: timedelta
) -> None:
    rows, now = rows_of(happened(happenings)), BEGAN + after
    streamed = list(judge_stream(rows, policy, now))
    assert sorted(each.due for each in streamed) == [each.due for each in streamed]
    by_id = {verdict.order_id: verdict for verdict in streamed}
    assert len(by_id) == len(rows) == len(streamed)
    for row in rows:
        verdict = policy.judge(row, rows, now)
        assert by_id[row.id] == verdict
        assert hash(by_id[row.id]) == hash(verdict)
        assert pickle.loads(pickle.dumps(by_id[row.id])) == verdict
        event(verdict.status)


@given(histories(), policies(), MOMENTS)
def test_the_explanation_of_every_rule_says_what_the_verdict_says(
    happenings: list[Happening], policy: AbandonmentPolicy, after: timedelta
) -> None:
    rows, now = rows_of(happened(happenings)), BEGAN + after
    for row in rows:
        verdict = policy.judge(row, rows, now)
        finding = verdict.finding
        if verdict.status is VerdictStatus.NOT_DUE:
            assert now < verdict.due
        else:
            assert finding.holds is (verdict.status is VerdictStatus.ABANDONED)
        text = verdict.explain()
        assert all(reason in text for reason in verdict.reasons)
        assert all(part.saw and part.wanted and part.rule for part in finding.decisive())
        for part in finding.decisive():
            if part.decided_by is not None:
                assert part.decided_by.at <= now or policy.rule.looks_back()
        page = verdict._repr_html_()  # pyright: ignore[reportPrivateUsage]  # what a notebook calls
        assert page.count("<li>") == page.count("</li>") == text.count("\n") - 1
        assert "<script" not in page


@given(histories(), policies(), MOMENTS, st.sampled_from(VerdictStatus))
def test_only_one_status_is_what_the_whole_stream_says_of_it(
    happenings: list[Happening],
    policy: AbandonmentPolicy,
    after: timedelta,
    status: VerdictStatus,
) -> None:
    rows, now = rows_of(happened(happenings)), BEGAN + after
    every_one = list(judge_stream(rows, policy, now))
    found = list(judge_stream(rows, policy, now, only=status))
    assert found == [each for each in every_one if each.status is status]
    event(f"{status}: {'some' if found else 'none'}")


@given(histories(), rules(), st.data(), DELAYS)
def test_an_answer_regardless_of_other_purchases_is_the_answer_whatever_they_are(
    happenings: list[Happening], rule: Rule, data: st.DataObject, window: timedelta
) -> None:
    """Also of purchases that never were: any of the rows may stand for one."""
    rows = rows_of(happened(happenings))
    for row in rows:
        due = row.placed_at + window
        purchases, earlier = (data.draw(st.lists(st.sampled_from(rows))) for _ in range(2))
        context = Context(row.placed_at, due, purchases, earlier)
        regardless = rule.holds_regardless(row, due)
        assert regardless in (None, rule.holds(row, context))
        event(f"{regardless}")


# Replay


# The documented rule, and rules of other kinds whose answers a late report only turns to "kept".
STEADY: st.SearchStrategy[AbandonmentPolicy] = st.sampled_from(
    [
        AbandonmentPolicy(),
        AbandonmentPolicy(rule=Unfulfilled() & NoOtherPurchase(shared_product=True)),
        AbandonmentPolicy(rule=every.Unpaid() & NoOtherPurchase(), window=2 * HOUR),
        AbandonmentPolicy(
            rule=Unfulfilled() & every.TotalAtLeast(Money("100", "MYR")),
            since="last_activity_at",
        ),
        AbandonmentPolicy(
            rule=Unfulfilled() & NoOtherPurchase() & ~every.Tagged("vip"),
            windows_by_payment_method={"Billplz": 3 * HOUR, "Cash on delivery": HOUR / 2},
        ),
        AbandonmentPolicy(rule=Unfulfilled() & every.FirstOrder(HOUR)),
        AbandonmentPolicy(rule=Unfulfilled() & every.HasContact("phone") & NoOtherPurchase()),
    ]
)
SCHEDULES = st.lists(
    st.tuples(st.timedeltas(timedelta(0), 9 * HOUR), st.none() | st.integers(1, 3)), max_size=6
)


def marked(store: MemoryOrderStore) -> dict[str, datetime | None]:
    return {row.id: row.abandoned_at for row in rows_of(store)}


def replayed(
    store: MemoryOrderStore, policy: AbandonmentPolicy, now: datetime
) -> dict[str, Verdict]:
    histories_ = {row.id: store.events(row.id) for row in rows_of(store)}
    return {
        order_id: replay(events, histories_.values(), policy, as_of=now)
        for order_id, events in histories_.items()
    }


@settings(max_examples=2 * settings().max_examples)  # 10,000 histories in the deep profile
@given(histories(), STEADY, SCHEDULES, st.booleans())
def test_sweeps_at_any_times_end_where_a_replay_of_the_whole_history_does(
    happenings: list[Happening],
    policy: AbandonmentPolicy,
    schedule: list[tuple[timedelta, int | None]],
    sweep_first: bool,
) -> None:
    """Late reports included: a mark that they contradict is taken back, and says why."""
    store, end = MemoryOrderStore(), end_of(happenings)
    steps: list[tuple[datetime, bool, Happening | int | None]] = [
        *((each.told, sweep_first, each) for each in happenings),
        *((BEGAN + after, not sweep_first, limit) for after, limit in schedule),
    ]
    for at, _, step in sorted(steps, key=lambda step: step[:2]):
        if isinstance(step, Happening):
            step.befall(store)
        else:
            sweep(store, policy, at, limit=step)
    sweep(store, policy, end)
    answers = replayed(happened(happenings), policy, end)
    assert marked(store) == {order_id: each.abandoned_at for order_id, each in answers.items()}
    assert sweep(store, policy, end).judged == 0
    for row in rows_of(store):
        types = [each.type for each in store.events(row.id)]
        marks, taken_back = types.count("abandoned"), types.count("abandonment_retracted")
        assert marks - taken_back == (row.abandoned_at is not None)
        event(f"marked {marks} times, taken back {taken_back} times")
        for each in store.events(row.id):
            assert getattr(each.data, "reasons", ["none asked for"])


CONTRARY = AbandonmentPolicy(rule=Unfulfilled() & ~NoOtherPurchase())
SWEEPERS = st.lists(
    st.tuples(st.none() | st.integers(1, 2), st.none() | st.integers(1, 12)),
    min_size=1,
    max_size=3,
)


@given(
    happenings=histories(),
    policy=STEADY | st.just(CONTRARY),
    swept_before=st.booleans(),
    sweepers=SWEEPERS,
    schedule=st.lists(st.integers(0, 3), max_size=60),
)
def test_sweeps_that_meet_and_die_anywhere_end_where_a_replay_does(
    happenings: list[Happening],
    policy: AbandonmentPolicy,
    swept_before: bool,
    sweepers: list[tuple[int | None, int | None]],
    schedule: list[int],
) -> None:
    """Between any two calls of one, others sweep, and what befell an order is reported."""
    facts = [each for each in happenings if each.move in FACTS]
    store = happened([each for each in happenings if each.move not in FACTS])
    end, turns = end_of(happenings), Turns(schedule)
    if swept_before:
        sweep(store, policy, end)

    def report() -> None:
        for each in facts:
            each.befall(WatchedStore(store, turns))

    def sweeper(limit: int | None, dies_at: int | None) -> Callable[[], object]:
        watched = WatchedStore(store, turns)
        death = Disturbance(dies_at or 0, crash, after=False)
        return lambda: sweep(WatchedStore(watched, death), policy, end, limit=limit)

    turns.play([report, *(sweeper(*each) for each in sweepers)])
    for _ in range(2):
        sweep(store, policy, end)
    answers = replayed(store, policy, end)
    assert marked(store) == {order_id: each.abandoned_at for order_id, each in answers.items()}
    assert sweep(store, policy, end).judged == 0


@given(histories(), STEADY, DELAYS)
def test_a_replay_by_what_was_known_says_what_a_sweep_said_then(
    happenings: list[Happening], policy: AbandonmentPolicy, after: timedelta
) -> None:
    known = BEGAN + after
    then = happened([each for each in happenings if each.told <= known])
    sweep(then, policy, known)
    whole = happened(happenings)
    histories_ = {row.id: whole.events(row.id) for row in rows_of(whole)}
    for row in rows_of(then):
        verdict = replay(
            histories_[row.id], histories_.values(), policy, as_of=known, known_at=known
        )
        assert verdict.abandoned_at == row.abandoned_at
        stored = replay_stored(whole, row.id, policy, as_of=known, known_at=known)
        assert stored == verdict


@given(histories(), STEADY, st.randoms(use_true_random=False))
def test_the_verdict_does_not_depend_on_the_order_in_which_facts_arrive(
    happenings: list[Happening], policy: AbandonmentPolicy, random_: random.Random
) -> None:
    facts = [each for each in happenings if each.move in FACTS]
    others = [each for each in happenings if each.move not in FACTS]
    end = end_of(happenings)
    one = happened([*others, *facts])
    random_.shuffle(facts)
    other = happened([*others, *facts])
    sweep(one, policy, end)
    sweep(other, policy, end)
    assert marked(one) == marked(other)


# Policies


@given(histories(), policies(), policies(), MOMENTS)
def test_the_shadow_tells_exactly_where_two_policies_differ(
    happenings: list[Happening],
    current: AbandonmentPolicy,
    candidate: AbandonmentPolicy,
    after: timedelta,
) -> None:
    rows, now = rows_of(happened(happenings)), BEGAN + after
    expected = set[str]()
    for row in rows:
        one, other = current.judge(row, rows, now), candidate.judge(row, rows, now)
        if one.abandoned_at != other.abandoned_at:
            expected.add(row.id)
    found = list(compare_policies(iter(rows), current, candidate, now))
    assert sorted(each.order_id for each in found) == sorted(expected)
    for each in found:
        assert (each.current.policy, each.candidate.policy) == (current.id, candidate.id)


@given(policies())
def test_a_policy_survives_its_document(policy: AbandonmentPolicy) -> None:
    text = policy_to_json(policy)
    assert text.isascii()
    again = policy_from_json(text)
    assert again == policy
    assert hash(again) == hash(policy)
    assert again.fingerprint == policy.fingerprint == json.loads(text)["body"]["fingerprint"]
    assert policy_to_json(again) == text


@given(policies(), policies())
def test_policies_that_decide_alike_have_one_fingerprint(
    one: AbandonmentPolicy, other: AbandonmentPolicy
) -> None:
    assert (one.fingerprint == other.fingerprint) is (attrs.evolve(other, name=one.name) == one)


@given(rules())
def test_a_rule_looks_back_as_far_as_its_parts(rule: Rule) -> None:
    def parts(each: Rule) -> list[Rule]:
        inner = getattr(each, "parts", None)
        return [each] if inner is None else [leaf for part in inner() for leaf in parts(part)]

    assert rule.looks_back() == max(part.looks_back() for part in parts(rule))
    assert rule.reads_edits() is any(part.reads_edits() for part in parts(rule))
