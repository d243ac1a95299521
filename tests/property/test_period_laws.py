"""Periods: half-open, in UTC, and days that follow each other without gap or overlap."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shoppego_orders.errors import (
    InvalidPeriod,
    InvalidValue,
    NaiveDatetime,
    OrdersError,
    UnknownTimeZone,
)
from shoppego_orders.periods import (
    Period,
    PeriodName,
    instant_from_iso,
    iso_date,
    time_zone,
    utc,
)

# Zones that moved their clocks at midnight, skipped days, or use odd offsets.
zones = st.sampled_from(
    [
        "Asia/Kuala_Lumpur", "America/Sao_Paulo", "Asia/Beirut", "Pacific/Apia", "America/Havana",
        "America/St_Johns", "America/Toronto", "Europe/London", "Australia/Lord_Howe",
        "Asia/Tehran", "Africa/Cairo", "Pacific/Kiritimati", "Asia/Manila", "Asia/Gaza",
        "America/Santiago", "Atlantic/Azores", "America/Scoresbysund", "UTC", "Etc/GMT+12",
    ]
)  # fmt: skip
days = st.dates(date(1850, 1, 1), date(2100, 1, 1))
offsets = st.integers(-24 * 60 + 1, 24 * 60 - 1).map(lambda m: timezone(timedelta(minutes=m)))
instants = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=offsets)  # noqa: DTZ001  # bounds are naive by contract


def shown(instant: datetime, zone: str) -> datetime:
    """What the standard library's clock shows."""
    return instant.astimezone(zoneinfo.ZoneInfo(zone))


@given(instants)
def test_utc_keeps_the_instant(instant: datetime) -> None:
    value = utc(instant, "at")
    assert value == instant
    assert value.tzinfo is UTC


@given(st.datetimes())
def test_a_naive_datetime_is_no_instant(value: datetime) -> None:
    with pytest.raises(NaiveDatetime):
        utc(value, "at")
    with pytest.raises(NaiveDatetime):
        Period.since(value)
    with pytest.raises(NaiveDatetime):
        instant_from_iso(value.isoformat(), "at")


@given(instants, instants, instants)
def test_a_period_holds_its_start_and_not_its_end(
    one: datetime, other: datetime, instant: datetime
) -> None:
    start, end = min(one, other), max(one, other)
    if start == end:
        with pytest.raises(InvalidPeriod):
            Period(start, end)
        return
    period = Period(start, end)
    assert start in period
    assert end not in period
    assert (instant in period) == (start <= instant < end)
    assert period.duration == end - start
    with pytest.raises(InvalidPeriod):
        Period(end, start)


@given(instants, instants)
def test_an_instant_lies_before_another_or_since_it(instant: datetime, other: datetime) -> None:
    assert (instant in Period.before(other)) != (instant in Period.since(other))


@given(days, zones, st.integers(1, 2 * 86_400))
def test_a_day_starts_at_its_first_instant(day: date, zone: str, earlier: int) -> None:
    start = Period.of_dates(day, day + timedelta(days=3), zone).start
    assert shown(start, zone).date() >= day
    assert shown(start - timedelta(seconds=earlier), zone).date() < day
    assert shown(start - timedelta(microseconds=1), zone).date() < day


@given(days, zones)
def test_days_follow_each_other(day: date, zone: str) -> None:
    after = day + timedelta(days=1)
    both = Period.of_dates(day, after + timedelta(days=1), zone)
    try:
        first, second = Period.of_day(day, zone), Period.of_day(after, zone)
    except InvalidPeriod:
        # One of the two was skipped; the other is all there is.
        assert both.duration <= timedelta(hours=25)
    else:
        assert first.end == second.start
        assert (first.start, second.end) == (both.start, both.end)


@given(st.integers(1850, 2100), st.integers(1, 12), zones)
def test_a_month_is_its_days(year: int, month: int, zone: str) -> None:
    first = date(year, month, 1)
    until = (first + timedelta(days=31)).replace(day=1)
    assert Period.of_month(year, month, zone) == Period.of_dates(first, until, zone)


named_ones = st.sampled_from(["day", "week", "month", "quarter", "year"])
since_then = st.datetimes(datetime(1850, 1, 3), datetime(2100, 1, 1), timezones=offsets)  # noqa: DTZ001  # as above


def this_and_last(unit: str, now: datetime, zone: str) -> tuple[Period, Period]:
    names = ("today", "yesterday") if unit == "day" else (f"this_{unit}", f"last_{unit}")
    this, last = (Period.named(name, now, zone) for name in names)
    return this, last


# In the hour that clocks repeat after a midnight, which both days could claim.
@example("day", datetime(2006, 10, 29, 3, 0, tzinfo=UTC), "America/St_Johns")
@given(named_ones, since_then, zones)
def test_what_is_last_ends_where_this_one_begins_and_now_is_in_it(
    unit: str, now: datetime, zone: str
) -> None:
    this, last = this_and_last(unit, now, zone)
    assert now in this
    assert last.end == this.start
    # Whoever asks at any moment of the last one is told the same days.
    for moment in (last.start, last.end - timedelta(microseconds=1)):
        assert this_and_last(unit, moment, zone)[0] == last


@given(named_ones, since_then, zones)
def test_a_named_period_is_its_days(unit: str, now: datetime, zone: str) -> None:
    for period in this_and_last(unit, now, zone):
        first, until = (shown(end, zone).date() for end in (period.start, period.end))
        assert Period.of_dates(first, until, zone) == period
        # Written in another way than the library does.
        assert {
            "day": True,
            "week": first.isocalendar().weekday == 1 and (until - first).days == 7,
            "month": first.day == 1 and until.day == 1 and 28 <= (until - first).days <= 31,
            "quarter": (first.day, first.month % 3) == (1, 1) == (until.day, until.month % 3)
            and 90 <= (until - first).days <= 92,
            "year": f"{first:%m-%d}" == "01-01" and until.year == first.year + 1,
        }[unit]


@given(st.sampled_from(PeriodName), st.datetimes(timezones=offsets), zones)
def test_a_named_period_is_a_period_or_refused_at_the_ends_of_the_calendar(
    name: PeriodName, now: datetime, zone: str
) -> None:
    try:
        period = Period.named(name, now, zone)
    except InvalidValue:
        assert not 3 < now.year < 9998  # nearly all are periods
    else:
        assert period.duration >= timedelta(hours=20)


@given(days, days, zones)
def test_until_must_come_after_first(first: date, until: date, zone: str) -> None:
    if until <= first:
        with pytest.raises(InvalidPeriod):
            Period.of_dates(first, until, zone)


@given(st.one_of(st.text(), st.from_regex(r"[A-Z][a-z]{0,3}(-8|/\.\.|\+)?", fullmatch=True)))
def test_a_name_is_a_zone_or_is_unknown(name: str) -> None:
    try:
        zone = time_zone(name)
    except UnknownTimeZone as error:
        assert error.name == name  # noqa: PT017  # no zone has a wrong name to compare
    else:
        assert zone.utcoffset(datetime(2021, 3, 3)) is not None  # noqa: DTZ001  # wall time


@given(instants)
def test_iso_text_reads_back(instant: datetime) -> None:
    assert instant_from_iso(instant.isoformat(), "at") == instant
    assert instant_from_iso(utc(instant, "at").isoformat(), "at") == instant


@given(st.dates())
def test_iso_dates_read_back(day: date) -> None:
    assert iso_date(day.isoformat(), "day") == day


@given(st.text())
def test_text_is_read_or_refused(text: str) -> None:
    for read in (instant_from_iso, iso_date):
        try:
            read(text, "at")
        except OrdersError as error:
            assert "at" in str(error)  # noqa: PT017  # most texts are refused, not all
