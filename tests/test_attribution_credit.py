"""Journeys of several touches, and how credit and money are shared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

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
SHOP = "https://hartamas.myshoppegram.com"


def touch(days_before: float, source: str | None = None, referrer: str | None = None) -> Touch:
    landing = SHOP if source is None else f"{SHOP}/?utm_source={source}"
    return Touch(landing, referrer, ORDERED - timedelta(days=days_before))


def journey(*touches: Touch) -> Journey:
    return Journey.of(touches, default_table(), ordered_at=ORDERED)


def shares(model: Model, *touches: Touch) -> list[tuple[str, Fraction | int]]:
    found = journey(*touches).credits(model)
    return [(credit.attribution.source, credit.share) for credit in found]


def test_first_last_and_last_non_direct() -> None:
    touches = (touch(9, "tiktok"), touch(5, "google"), touch(1))
    assert shares(first_touch, *touches) == [("tiktok", 1), ("google", 0), ("direct", 0)]
    assert shares(last_touch, *touches) == [("tiktok", 0), ("google", 0), ("direct", 1)]
    assert shares(last_non_direct, *touches) == [("tiktok", 0), ("google", 1), ("direct", 0)]


def test_where_every_touch_is_direct_the_last_is_credited() -> None:
    assert shares(last_non_direct, touch(2), touch(1)) == [("direct", 0), ("direct", 1)]


def test_linear() -> None:
    touches = (touch(3, "tiktok"), touch(2, "google"), touch(1, "telegram"))
    assert [share for _, share in shares(linear, *touches)] == [Fraction(1, 3)] * 3


def test_position_based_is_forty_twenty_forty() -> None:
    touches = [touch(4 - day, "tiktok") for day in range(4)]
    assert [share for _, share in shares(position_based(), *touches)] == [
        *(Fraction(2, 5), Fraction(1, 10), Fraction(1, 10), Fraction(2, 5)),
    ]
    assert [share for _, share in shares(position_based(), *touches[:2])] == [Fraction(1, 2)] * 2
    assert [share for _, share in shares(position_based(), touches[0])] == [1]


def test_position_based_with_other_shares() -> None:
    model = position_based(Fraction(1, 2), Fraction(1, 4))
    touches = [touch(3 - day, "tiktok") for day in range(3)]
    assert [share for _, share in shares(model, *touches)] == [
        *(Fraction(1, 2), Fraction(1, 4), Fraction(1, 4)),
    ]
    assert [share for _, share in shares(model, *touches[:2])] == [Fraction(2, 3), Fraction(1, 3)]


def test_position_based_may_leave_nothing_for_what_lies_between() -> None:
    touches = [touch(3 - day, "tiktok") for day in range(3)]
    ends = position_based(Fraction(1, 2), Fraction(1, 2))
    assert [share for _, share in shares(ends, *touches)] == [Fraction(1, 2), 0, Fraction(1, 2)]


def test_time_decay_halves_with_each_half_life() -> None:
    touches = (touch(14, "tiktok"), touch(7, "google"), touch(0, "telegram"))
    assert [share for _, share in shares(time_decay(), *touches)] == [
        *(Fraction(1, 7), Fraction(2, 7), Fraction(4, 7)),
    ]


def test_time_decay_leaves_nothing_of_what_is_very_old() -> None:
    model = time_decay(timedelta(minutes=1))
    assert [share for _, share in shares(model, touch(20, "tiktok"), touch(0, "google"))] == [0, 1]


def test_a_callers_own_model() -> None:
    def weights(_: Journey) -> tuple[Fraction, ...]:
        return (Fraction(1), Fraction(3))

    found = shares(weights, touch(2, "tiktok"), touch(1, "google"))
    assert found == [("tiktok", Fraction(1, 4)), ("google", Fraction(3, 4))]


def test_money_is_split_to_the_sen() -> None:
    touches = (touch(3, "tiktok"), touch(2, "google"), touch(1, "telegram"))
    parts = journey(*touches).split(Money("100.00", "MYR"), linear)
    assert [str(money.amount) for _, money in parts] == ["33.34", "33.33", "33.33"]
    assert [credit.attribution.source for credit, _ in parts] == ["tiktok", "google", "telegram"]


def test_an_order_without_touches_belongs_to_the_globe() -> None:
    empty = journey()
    assert shares(linear) == [("direct", 1)]
    assert empty.attribution.logo == "globe"
    assert (empty.first, empty.last, empty.days_to_conversion) == (None, None, None)
    assert [str(money.amount) for _, money in empty.split(Money("9.90", "MYR"), linear)] == ["9.90"]


def test_the_icon_is_the_last_touch_that_is_not_direct() -> None:
    assert journey(touch(3, "tiktok"), touch(1)).attribution.logo == "tiktok"
    assert journey(touch(3), touch(1)).attribution.logo == "globe"


def test_a_gateway_leaves_the_credit_where_it_was() -> None:
    found = journey(touch(1, "tiktok"), touch(0, referrer="https://www.billplz.com/"))
    assert found.attribution.source == "tiktok"
    assert [(ignored.touch.at, ignored.reason) for ignored in found.ignored] == [
        (ORDERED, "payment")
    ]


def test_which_touches_count() -> None:
    found = Journey.of(
        [
            touch(-0.01, "whatsapp"),
            touch(0, "telegram"),
            touch(30, "google"),
            touch(30.01, "tiktok"),
        ],
        default_table(),
        ordered_at=ORDERED,
    )
    assert [step.attribution.source for step in found.steps] == ["google", "telegram"]
    assert [(ignored.reason) for ignored in found.ignored] == ["too-old", "after-order"]
    assert found.first is found.steps[0]
    assert found.last is found.steps[1]
    assert found.days_to_conversion == 30


def test_a_journey_starts_again_after_the_previous_order() -> None:
    found = Journey.of(
        [touch(5, "tiktok"), touch(3, "google"), touch(2.99, "telegram")],
        default_table(),
        ordered_at=ORDERED,
        look_back=timedelta(days=7),
        previous_order_at=ORDERED - timedelta(days=3),
    )
    assert [step.attribution.source for step in found.steps] == ["telegram"]
    assert {ignored.reason for ignored in found.ignored} == {"before-previous-order"}


def test_time_is_elapsed_time_across_a_change_of_clocks() -> None:
    zone = ZoneInfo("Europe/Berlin")
    # 01:30 UTC is 02:30 in winter time, after 00:45 UTC, which is 02:45 in summer time.
    later = Touch(
        f"{SHOP}/?utm_source=google", None, datetime(2026, 10, 25, 2, 30, tzinfo=zone, fold=1)
    )
    earlier = Touch(f"{SHOP}/?utm_source=tiktok", None, datetime(2026, 10, 25, 2, 45, tzinfo=zone))
    found = Journey.of(
        [later, earlier], default_table(), ordered_at=datetime(2026, 10, 26, tzinfo=UTC)
    )
    assert [step.attribution.source for step in found.steps] == ["tiktok", "google"]
