"""Periods by example: days of Malaysian shops, and the odd days of others."""

from __future__ import annotations

import subprocess
import sys
import zoneinfo
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from shoppego_orders.errors import InvalidPeriod, InvalidValue, NaiveDatetime, UnknownTimeZone
from shoppego_orders.periods import (
    SHOP_TIME_ZONE,
    Period,
    PeriodName,
    instant_from_iso,
    iso_date,
    time_zone,
    utc,
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_day_of_a_malaysian_shop() -> None:
    day = Period.of_day(date(2021, 3, 3))
    assert SHOP_TIME_ZONE == "Asia/Kuala_Lumpur"
    assert day == Period(at("2021-03-03T00:00:00+08:00"), at("2021-03-04T00:00:00+08:00"))
    assert at("2021-03-03T22:58:32+08:00") in day
    assert at("2021-03-03T23:59:59.999999+08:00") in day
    assert at("2021-03-04T00:00:00+08:00") not in day
    assert day.start.tzinfo is UTC


@pytest.mark.parametrize(
    ("name", "first", "until"),
    [
        ("today", "2026-03-02", "2026-03-03"),
        ("yesterday", "2026-03-01", "2026-03-02"),
        ("this_week", "2026-03-02", "2026-03-09"),
        ("last_week", "2026-02-23", "2026-03-02"),
        ("this_month", "2026-03-01", "2026-04-01"),
        ("last_month", "2026-02-01", "2026-03-01"),
        ("this_quarter", "2026-01-01", "2026-04-01"),
        ("last_quarter", "2025-10-01", "2026-01-01"),
        ("this_year", "2026-01-01", "2027-01-01"),
        ("last_year", "2025-01-01", "2026-01-01"),
    ],
)
def test_what_a_malaysian_shop_calls_its_days(name: str, first: str, until: str) -> None:
    # Monday in the shop, Sunday still in UTC.
    named = Period.named(name, at("2026-03-02T01:00:00+08:00"))
    assert named == Period.of_dates(iso_date(first, ""), iso_date(until, ""))


def test_weeks_and_days_are_as_long_as_the_zones_clocks_make_them() -> None:
    monday = at("2021-03-29T09:00:00+01:00")
    assert Period.named("last_week", monday, "Europe/London").duration == timedelta(hours=167)
    assert Period.named("yesterday", monday, "Europe/London").duration == timedelta(hours=23)
    # Samoa had no 30 December 2011, so on the 31st yesterday was the 29th.
    yesterday = Period.named("yesterday", at("2011-12-31T09:00:00+14:00"), "Pacific/Apia")
    assert yesterday == Period.of_day(date(2011, 12, 29), "Pacific/Apia")


def test_a_period_that_has_no_name_is_refused() -> None:
    now = at("2026-03-02T01:00:00+08:00")
    with pytest.raises(InvalidValue, match="one of today, yesterday, this_week"):
        Period.named("next_week", now)
    for name in PeriodName:
        for edge in ("0001-01-01T00:00:00+00:00", "9999-12-31T23:00:00+00:00"):
            with pytest.raises(InvalidValue, match="further from the calendar's ends"):
                Period.named(name, at(edge))
    with pytest.raises(UnknownTimeZone):
        Period.named("today", now, "MYT-8")
    with pytest.raises(NaiveDatetime):
        Period.named("today", now.replace(tzinfo=None))


def test_a_month_over_the_turn_of_the_year() -> None:
    december = Period.of_month(2025, 12)
    assert december.start == at("2025-12-01T00:00:00+08:00")
    assert december.end == at("2026-01-01T00:00:00+08:00")
    assert december.duration == timedelta(days=31)


@pytest.mark.parametrize(
    ("day", "zone", "start", "hours"),
    [
        # An ordinary day, and the two on which summer time begins and ends.
        (date(2021, 6, 1), "Europe/London", "2021-05-31T23:00:00Z", 24),
        (date(2021, 3, 28), "Europe/London", "2021-03-28T00:00:00Z", 23),
        (date(2021, 10, 31), "Europe/London", "2021-10-30T23:00:00Z", 25),
        (date(2021, 4, 4), "Australia/Lord_Howe", "2021-04-03T13:00:00Z", 24.5),
        # No midnight: clocks went from 00:00 to 01:00.
        (date(2017, 10, 15), "America/Sao_Paulo", "2017-10-15T03:00:00Z", 23),
        (date(2021, 3, 28), "Asia/Beirut", "2021-03-27T22:00:00Z", 23),
        # No midnight: clocks went from 23:30 to 00:30.
        (date(1919, 3, 31), "America/Toronto", "1919-03-31T04:30:00Z", 23.5),
        # Midnight twice: at 01:00 clocks went back to 00:00, and the first one counts.
        (date(2018, 11, 4), "America/Havana", "2018-11-04T04:00:00Z", 25),
        # Midnight twice: at 00:01 clocks went back to 23:01 of the day before.
        (date(2006, 10, 29), "America/St_Johns", "2006-10-29T02:30:00Z", 25),
        # The last day before, and the first after, the day that was skipped.
        (date(2011, 12, 29), "Pacific/Apia", "2011-12-29T10:00:00Z", 24),
        (date(2011, 12, 31), "Pacific/Apia", "2011-12-30T10:00:00Z", 24),
    ],
)
def test_days_that_are_not_as_others(day: date, zone: str, start: str, hours: float) -> None:
    period = Period.of_day(day, zone)
    assert period.start == at(start)
    assert period.duration == timedelta(hours=hours)


def test_a_day_that_was_skipped_holds_no_time() -> None:
    with pytest.raises(InvalidPeriod, match="2011-12-30 until 2011-12-31"):
        Period.of_day(date(2011, 12, 30), "Pacific/Apia")
    around = Period.of_dates(date(2011, 12, 29), date(2012, 1, 1), "Pacific/Apia")
    assert around.duration == timedelta(days=2)


@pytest.mark.parametrize("until", [date(2021, 3, 3), date(2021, 3, 2)])
def test_a_filter_whose_end_is_not_after_its_start(until: date) -> None:
    with pytest.raises(InvalidPeriod, match="2021-03-03 until"):
        Period.of_dates(date(2021, 3, 3), until)


def test_open_ends() -> None:
    moment = at("2021-03-03T22:58:32+08:00")
    assert moment not in Period.before(moment)
    assert datetime.min.replace(tzinfo=UTC) in Period.before(moment)
    assert moment in Period.since(moment)
    with pytest.raises(InvalidPeriod):
        Period.before(datetime.min.replace(tzinfo=UTC))
    with pytest.raises(InvalidPeriod):
        Period.since(datetime.max.replace(tzinfo=UTC))


def test_a_period_is_a_value() -> None:
    period = Period.of_day(date(2021, 3, 3))
    assert {period} == {Period.of_day(date(2021, 3, 3), "Asia/Singapore")}
    with pytest.raises(NaiveDatetime, match="instant"):
        assert datetime(2021, 3, 3) in period  # noqa: DTZ001  # what is tested
    with pytest.raises(NaiveDatetime, match="start"):
        Period(datetime(2021, 3, 3), at("2021-03-04T00:00Z"))  # noqa: DTZ001  # what is tested
    with pytest.raises(InvalidValue, match="end"):
        Period(at("2021-03-04T00:00Z"), "2021-03-05")  # type: ignore[arg-type]  # what is tested


@pytest.mark.parametrize("day", [datetime(2021, 3, 3, tzinfo=UTC), "2021-03-03", None, 20210303,
                                 date.min, date.max])  # fmt: skip
def test_what_is_no_day_is_refused(day: object) -> None:
    with pytest.raises(InvalidValue, match="day"):
        Period.of_day(day)  # type: ignore[arg-type]  # what untyped callers do
    with pytest.raises(InvalidValue, match="first"):
        Period.of_dates(day, date(2021, 3, 4))  # type: ignore[arg-type]  # as above
    with pytest.raises(InvalidValue, match="until"):
        Period.of_dates(date(2021, 3, 3), day)  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    ("year", "month"),
    [
        (2021, 0),
        (2021, 13),
        (0, 1),
        (9999, 12),
        (10**20, 1),
        ("2021", 1),
        (2021, None),
        (2021, 1.5),
    ],
)
def test_what_is_no_month_is_refused(year: object, month: object) -> None:
    with pytest.raises(InvalidValue, match="month"):
        Period.of_month(year, month)  # type: ignore[arg-type]  # what untyped callers do


def test_the_first_and_last_days_of_the_calendar_are_taken_or_refused() -> None:
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
        assert Period.of_day(date(1, 1, 3), zone).duration == timedelta(days=1)
        assert Period.of_day(date(9999, 12, 29), zone).duration == timedelta(days=1)
        with pytest.raises(InvalidValue):
            Period.of_day(date(9999, 12, 30), zone)


@pytest.mark.parametrize(
    "name",
    ["", " ", "Asia", "Asia/", "Asia/Atlantis", "asia/kuala_lumpur", "Asia/Kuala Lumpur",
     "/etc/passwd", "/usr/share/zoneinfo/UTC", "../../../../etc/localtime", "Asia/../UTC",
     "posix/UTC", "right/UTC", "localtime", "posixrules", "zone.tab", ":UTC", "file:UTC",
     "MYT-8", "MYT-8MYST,M3.2.0,M11.1.0", "UTC+3", "UTC\x00", "UTC\n", "A" * 5000,
     "Asia/" * 50 + "X", None, 8, b"UTC"],
)  # fmt: skip
def test_only_iana_names_are_time_zones(name: object) -> None:
    with pytest.raises(UnknownTimeZone, match="IANA"):
        time_zone(name)  # type: ignore[arg-type]  # what untyped callers do


@pytest.mark.parametrize(
    "name",
    ["Asia/Kuala_Lumpur", "UTC", "Etc/GMT+8", "America/Argentina/Buenos_Aires", "EST5EDT",
     "America/Port-au-Prince", "GB-Eire"],
)  # fmt: skip
def test_iana_names_of_every_form(name: str) -> None:
    assert at("2021-03-03T00:00Z").astimezone(time_zone(name)) == at("2021-03-03T00:00Z")


def no_database(key: str) -> zoneinfo.ZoneInfo:
    raise zoneinfo.ZoneInfoNotFoundError(key)


def test_without_a_zone_database_dateutil_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = {
        (day, zone): Period.of_day(day, zone)
        for day, zone in [
            (date(2021, 3, 3), "Asia/Kuala_Lumpur"),
            (date(2021, 10, 31), "Europe/London"),
            (date(2017, 10, 15), "America/Sao_Paulo"),
            (date(2018, 11, 4), "America/Havana"),
            (date(2006, 10, 29), "America/St_Johns"),
            (date(2011, 12, 31), "Pacific/Apia"),
        ]
    }
    from_a_database = zoneinfo.ZoneInfo
    monkeypatch.setattr("shoppego_orders.periods.zoneinfo.ZoneInfo", no_database)
    assert not isinstance(time_zone("Asia/Kuala_Lumpur"), from_a_database)
    assert {(day, zone): Period.of_day(day, zone) for day, zone in expected} == expected
    for name in ("MYT-8", "Asia/Atlantis"):
        with pytest.raises(UnknownTimeZone):
            time_zone(name)


def test_importing_periods_loads_no_dateutil() -> None:
    code = (
        "import sys; from shoppego_orders.periods import utc; from datetime import *; "
        "utc(datetime(2021, 3, 3, tzinfo=timezone.utc), 'at'); "
        "sys.exit(any(name.startswith('dateutil') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("value", [None, "2021-03-03", date(2021, 3, 3), 1614783512, 1.5])
def test_what_is_no_datetime_is_no_instant(value: object) -> None:
    with pytest.raises(InvalidValue, match="placed_at"):
        utc(value, "placed_at")  # type: ignore[arg-type]  # what untyped callers do


def test_an_instant_outside_the_calendar_of_utc() -> None:
    for value in (
        datetime.min.replace(tzinfo=timezone(timedelta(hours=8))),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-8))),
    ):
        with pytest.raises(InvalidValue, match="years 1 to 9999"):
            utc(value, "at")


def test_the_times_of_a_checkout_payload() -> None:
    completed = instant_from_iso("2021-03-03T22:58:32+08:00", "checkout.completed_at")
    assert completed == datetime(2021, 3, 3, 14, 58, 32, tzinfo=UTC)
    assert completed.tzinfo is UTC
    assert instant_from_iso("2021-03-03T14:58:32Z", "at") == completed
    assert iso_date("2021-03-03", "from") == date(2021, 3, 3)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2021-13-03T00:00Z", "2021-02-29T00:00Z", "2021-03-03T25:00Z", "1614783512",
     "0001-01-01T00:00+08:00", "\ud800", None, 5, b"2021-03-03T00:00Z"],
)  # fmt: skip
def test_what_is_no_iso_time_is_refused(text: object) -> None:
    with pytest.raises(InvalidValue, match="completed_at"):
        instant_from_iso(text, "completed_at")  # type: ignore[arg-type]  # what untyped callers do


@pytest.mark.parametrize("text", ["2021-03-03", "2021-03-03T22:58:32"])
def test_an_iso_time_without_a_zone_is_naive(text: str) -> None:
    with pytest.raises(NaiveDatetime, match="completed_at"):
        instant_from_iso(text, "completed_at")


@pytest.mark.parametrize("text", ["", "03/03/2021", "2021-02-29", "2021-03-03T00:00Z", None, 5])
def test_what_is_no_iso_date_is_refused(text: object) -> None:
    with pytest.raises(InvalidValue, match="from"):
        iso_date(text, "from")  # type: ignore[arg-type]  # what untyped callers do
