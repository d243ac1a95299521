"""One pass over a long history: what it holds, what it lets go of, and what it refuses."""

from __future__ import annotations

import gc
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest

from abandonment_examples import BEGAN, DUE, INSTANT, begun, bought, minutes
from shoppego_orders.abandonment import (
    AbandonmentPolicy,
    NoOtherPurchase,
    Rule,
    Unfulfilled,
    VerdictStatus,
    judge_stream,
)
from shoppego_orders.abandonment.purchases import Purchases
from shoppego_orders.abandonment.rules import FirstOrder, Unconfirmed
from shoppego_orders.errors import InvalidValue
from shoppego_orders.order import OrderRow

MANY = 15_000
HOUR = minutes(60)
NOTHING = timedelta(0)
LATER = BEGAN + timedelta(days=99)
KUALA_LUMPUR = timezone(timedelta(hours=8))


def history(count: int) -> Iterator[OrderRow]:
    """One order every few seconds; customers come again, and half of the orders are completed."""
    rng = random.Random(20210303)
    row, at = OrderRow.of(begun()), BEGAN
    for number in range(count):
        at += timedelta(seconds=rng.randrange(20))
        yield row._replace(
            id=f"{number}",
            placed_at=at,
            customer_key=rng.choice([None, f"{rng.randrange(3000)}"]),
            completed_at=at + minutes(rng.randrange(200)) if rng.random() < 0.5 else None,
        )


def expected(rows: list[OrderRow], lookback: timedelta = NOTHING) -> set[str]:
    """The ids of the abandoned, found by looking at all that a customer ever bought."""
    bought_by = defaultdict[str | None, list[tuple[str, datetime]]](list)
    for row in rows:
        if row.completed_at is not None:
            bought_by[row.customer_key].append((row.id, row.completed_at))
    return {
        row.id
        for row in rows
        if (row.completed_at is None or row.completed_at >= row.placed_at + HOUR)
        and not any(
            row.placed_at - lookback <= at < row.placed_at + HOUR and id_ != row.id
            for id_, at in (bought_by[row.customer_key] if row.customer_key else ())
        )
    }


@pytest.mark.once
@pytest.mark.parametrize(
    ("rule", "lookback"),
    [
        (Unfulfilled() & NoOtherPurchase(), NOTHING),
        (Unfulfilled() & NoOtherPurchase() & FirstOrder(2 * HOUR), 2 * HOUR),
    ],
)
def test_a_long_history_is_judged_as_if_all_of_it_were_held(
    rule: Rule, lookback: timedelta
) -> None:
    rows = list(history(MANY))
    verdicts = list(judge_stream(rows, AbandonmentPolicy(rule=rule), LATER))
    assert [verdict.order_id for verdict in verdicts] == [row.id for row in rows]
    abandoned = {verdict.order_id for verdict in verdicts if verdict.abandoned_at is not None}
    assert abandoned == expected(rows, lookback)
    for status in VerdictStatus:
        found = judge_stream(rows, AbandonmentPolicy(rule=rule), LATER, only=status)
        assert [verdict.order_id for verdict in found] == [
            verdict.order_id for verdict in verdicts if verdict.status is status
        ]
    # What a verdict was given upon is let go of by the stream, and not by the verdict.
    for verdict in verdicts:
        assert verdict.finding.holds is (verdict.order_id in abandoned)


def held() -> int:
    return sum(isinstance(each, OrderRow) for each in gc.get_objects())


@pytest.mark.once
def test_rows_are_let_go_of_when_their_time_has_passed() -> None:
    before, most = held(), 0
    for number, _ in enumerate(judge_stream(history(MANY), AbandonmentPolicy(), LATER)):
        if number % 2000 == 0:
            most = max(most, held() - before)
    assert 0 < most < MANY / 3


@pytest.mark.once
def test_rows_that_can_not_be_abandoned_are_let_go_of_at_once() -> None:
    before, most = held(), 0

    def completed() -> Iterator[OrderRow]:
        nonlocal most
        for number, row in enumerate(history(MANY)):
            if number % 2000 == 0:
                most = max(most, held() - before)
            yield row._replace(customer_key=None, completed_at=row.placed_at + HOUR - INSTANT)

    found = judge_stream(completed(), AbandonmentPolicy(), LATER, only=VerdictStatus.ABANDONED)
    assert list(found) == []
    assert 0 < most < 10


COMPLETED, UNCONFIRMED, OTHERS = ~Unfulfilled(), Unconfirmed(), NoOtherPurchase()


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        (Unfulfilled(), False),
        (COMPLETED, True),
        (OTHERS, None),
        (~OTHERS, None),
        (COMPLETED & UNCONFIRMED, True),
        (COMPLETED & OTHERS & UNCONFIRMED, None),
        (OTHERS & Unfulfilled(), False),
        (Unfulfilled() | ~UNCONFIRMED, False),
        (Unfulfilled() | OTHERS | ~UNCONFIRMED, None),
        (OTHERS | UNCONFIRMED, True),
        (~(OTHERS | UNCONFIRMED), False),
    ],
)
def test_what_an_order_says_itself_can_decide(rule: Rule, answer: bool | None) -> None:
    row = OrderRow.of(bought("1", at=BEGAN))
    assert rule.holds_regardless(row, DUE) is answer


def test_a_verdict_shows_its_answer_and_cannot_be_changed() -> None:
    (verdict,) = judge_stream([OrderRow.of(begun())], AbandonmentPolicy(), LATER)
    assert repr(verdict).startswith("<Verdict: Order 1262140: abandoned at 2021-")
    for field in ("status", "due", "note"):
        with pytest.raises(AttributeError):
            setattr(verdict, field, None)


def test_only_a_status_can_be_asked_for() -> None:
    rows = [OrderRow.of(begun())]
    found = judge_stream(rows, AbandonmentPolicy(), LATER, only="abandoned")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # an untyped caller
    assert [verdict.order_id for verdict in found] == [rows[0].id]
    with pytest.raises(InvalidValue, match="not_due, abandoned, kept"):
        list(judge_stream(rows, AbandonmentPolicy(), LATER, only="lost"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # the same


def test_rows_that_are_not_sorted_are_refused() -> None:
    rows = [OrderRow.of(begun("1", at=DUE)), OrderRow.of(begun("2", at=BEGAN))]
    with pytest.raises(InvalidValue, match="rows sorted by placed_at"):
        list(judge_stream(rows, AbandonmentPolicy(), LATER))


def test_instants_of_another_zone_are_the_same_instants() -> None:
    rows = list(history(200))
    elsewhere = [
        row._replace(
            placed_at=row.placed_at.astimezone(KUALA_LUMPUR),
            completed_at=row.completed_at and row.completed_at.astimezone(KUALA_LUMPUR),
        )
        for row in rows
    ]
    here, there = (
        [(verdict.order_id, verdict.abandoned_at) for verdict in verdicts]
        for verdicts in (
            judge_stream(rows, AbandonmentPolicy(), LATER),
            judge_stream(elsewhere, AbandonmentPolicy(), LATER),
        )
    )
    assert here == there


@pytest.mark.parametrize("count", [1, 2, 3])
def test_what_a_context_has_shown_stays_when_purchases_are_forgotten(count: int) -> None:
    theirs = [bought(f"{number}", at=BEGAN + minutes(number)) for number in range(count)]
    held = Purchases.among([*theirs, bought("another's", at=BEGAN, email="b@example.com")])
    context = held.context(begun(), BEGAN, DUE, NOTHING)
    assert list(context.purchases) == theirs
    assert held.held == count + 1

    held.forget(BEGAN + minutes(count - 1) + INSTANT)
    assert list(context.purchases) == theirs
    assert held.held == 0
    held.add(bought("new", at=BEGAN + minutes(count)), BEGAN + minutes(count))
    held.forget(BEGAN + minutes(count))
    assert list(context.purchases) == theirs
    assert [each.id for each in held.context(begun(), BEGAN, DUE, NOTHING).purchases] == ["new"]


@pytest.mark.parametrize("others", [[], ["1"], ["1", "3"]])
def test_an_order_completed_before_it_began_is_not_its_own_other_purchase(
    others: list[str],
) -> None:
    row = OrderRow.of(bought("2", at=BEGAN))._replace(placed_at=BEGAN + minutes(1))
    rows = [row._replace(id=id_, completed_at=row.placed_at, products=("Teh",)) for id_ in others]
    rows.append(row)
    policy = AbandonmentPolicy(rule=NoOtherPurchase(shared_product=True))
    for verdict in judge_stream(rows, policy, LATER):
        assert verdict == policy.judge(
            next(each for each in rows if each.id == verdict.order_id), rows, LATER
        )
        if verdict.order_id == row.id:
            assert verdict.status is VerdictStatus.ABANDONED


def test_several_purchases_are_forgotten_one_by_one() -> None:
    theirs = [bought(f"{number}", at=BEGAN + minutes(number)) for number in range(4)]
    held = Purchases.among(reversed(theirs))
    for number in range(1, 4):
        held.forget(BEGAN + minutes(number))
        assert held.held == 4 - number
        assert list(held.context(begun(), BEGAN, DUE, NOTHING).purchases) == theirs[number:]


def test_several_purchases_are_a_sequence() -> None:
    theirs = [bought(f"{number}", at=BEGAN + minutes(number)) for number in range(4)]
    shown = Purchases.among(theirs).context(theirs[1], BEGAN, DUE, NOTHING).purchases
    others = (theirs[0], theirs[2], theirs[3])
    assert tuple(shown) == others
    assert len(shown) == 3
    assert (shown[0], shown[1], shown[-1]) == others
    assert shown[1:] == others[1:]
    assert tuple(reversed(shown)) == others[::-1]


def test_an_only_purchase_is_no_other_than_its_own_order() -> None:
    order = bought("1", at=BEGAN + minutes(5))
    same = OrderRow.of(order)
    for own in (order, same):
        context = Purchases.among([own]).context(order, BEGAN, DUE, HOUR)
        assert not context.purchases
        assert not context.earlier
    another = Purchases.among([same._replace(id="2")])
    assert [each.id for each in another.context(order, BEGAN, DUE, HOUR).purchases] == ["2"]
    earlier = another.context(order, DUE, DUE + HOUR, 2 * HOUR)
    assert [each.id for each in earlier.earlier] == ["2"]
    assert not earlier.purchases
