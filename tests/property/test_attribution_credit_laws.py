"""Laws of credit: shares sum to one, and money to what was split."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from shoppego_orders.attribution import Touch, default_table
from shoppego_orders.attribution.credit import (
    Journey,
    Model,
    first_touch,
    last_non_direct,
    last_touch,
    linear,
    position_based,
    time_decay,
)
from shoppego_orders.money import Money

ORDERED = datetime(2026, 3, 14, 12, tzinfo=UTC)

ages = st.timedeltas(timedelta(days=-2), timedelta(days=40))
landings = st.sampled_from(["", "/?utm_source=tiktok", "/?gclid=1", "/?utm_medium=email"])
referrers = st.sampled_from([None, "https://www.google.com/", "https://www.billplz.com/", "x"])
touches = st.builds(Touch, landings, referrers, ages.map(lambda age: ORDERED - age))
shares = st.fractions(Fraction(0), Fraction(1, 2)).filter(bool)
models = st.one_of(
    st.sampled_from([first_touch, last_touch, last_non_direct, linear]),
    st.builds(position_based, shares, shares),
    st.builds(time_decay, st.timedeltas(timedelta(microseconds=1), timedelta(days=400))),
)
amounts = st.integers(0, 10**9).map(lambda minor: Money.from_minor(minor, "MYR"))


def journey_of(given_touches: list[Touch]) -> Journey:
    return Journey.of(given_touches, default_table(), ordered_at=ORDERED)


@given(st.lists(touches, max_size=12), models)
def test_shares_sum_to_one_exactly(given_touches: list[Touch], model: Model) -> None:
    found = journey_of(given_touches).credits(model)
    assert sum(credit.share for credit in found) == 1
    assert all(0 <= credit.share <= 1 for credit in found)


@given(st.lists(touches, max_size=12), models, amounts)
def test_split_money_sums_to_what_was_split(
    given_touches: list[Touch], model: Model, money: Money
) -> None:
    parts = journey_of(given_touches).split(money, model)
    assert sum(part.minor for _, part in parts) == money.minor
    assert {part.currency for _, part in parts} == {"MYR"}


@given(st.lists(touches, max_size=12))
def test_no_touch_is_lost(given_touches: list[Touch]) -> None:
    found = journey_of(given_touches)
    kept = [step.touch for step in found.steps] + [ignored.touch for ignored in found.ignored]
    assert sorted(map(repr, kept)) == sorted(map(repr, given_touches))


@given(st.lists(touches, max_size=12, unique_by=lambda touch: touch.at))
def test_the_order_in_which_touches_are_given_does_not_count(
    given_touches: list[Touch],
) -> None:
    backwards = given_touches[::-1]
    assert journey_of(backwards) == journey_of(given_touches)


@given(st.lists(touches, min_size=1, max_size=12), st.timedeltas(timedelta(hours=1)))
def test_a_younger_touch_never_decays_more(
    given_touches: list[Touch], half_life: timedelta
) -> None:
    found = journey_of(given_touches).credits(time_decay(half_life))
    decayed = [credit.share for credit in found]
    assert decayed == sorted(decayed)
