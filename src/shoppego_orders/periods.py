"""Instants in UTC, and half-open periods of them made from dates in the shop's time zone.

The thin typed door to time zones: nothing else in the kernel asks for one. Zones come from the
standard library where it finds a time zone database (the system's, or the tzdata package that
python-dateutil 4 brings along), and else from the copy that python-dateutil 2.9 carries.
"""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Final, Self

import attrs

from shoppego_orders.errors import (
    InvalidPeriod,
    InvalidValue,
    NaiveDatetime,
    UnknownTimeZone,
)
from shoppego_orders.texts import word_of

SHOP_TIME_ZONE: Final = "Asia/Kuala_Lumpur"
"""The time zone of a shop that states no other: Shoppego's shops are Malaysian first."""

# As IANA writes them. Nothing else reaches the file system: no path, no "posix/" or "localtime".
_ZONE_NAME: Final = re.compile(r"[A-Z][A-Za-z0-9_+-]{0,31}(/[A-Z][A-Za-z0-9_+-]{0,31}){0,2}")
FIRST_INSTANT: Final = datetime.min.replace(tzinfo=UTC)
LAST_INSTANT: Final = datetime.max.replace(tzinfo=UTC)
"""The ends of the calendar."""

MICROSECOND: Final = timedelta(microseconds=1)
"""From an instant to the next one."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = timedelta(days=1)
_DURATION: Final = re.compile(
    r"P(?:([0-9]{1,18})D)?(?:T(?:([0-9]{1,18})H)?(?:([0-9]{1,18})M)?(?:([0-9]{1,18})(?:\.([0-9]{1,6}))?S)?)?"
)


def utc(value: datetime, field: str) -> datetime:
    """The one door for instants: an aware datetime, turned to UTC.

    :param value: any aware datetime.
    :param field: what it is, for the error.
    :raises NaiveDatetime: when it has no zone.
    :raises InvalidValue: when it is no datetime, or lies outside the years 1 to 9999 in UTC.
    """
    if not isinstance(value, datetime):  # pyright: ignore[reportUnnecessaryIsInstance]  # untyped callers
        raise InvalidValue(field, value, "an aware datetime")
    if value.tzinfo is UTC:
        return value
    if value.utcoffset() is None:
        raise NaiveDatetime(field, value)
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise InvalidValue(field, value, "a moment in the years 1 to 9999 of UTC") from None


def _utc_start(value: datetime) -> datetime:
    return utc(value, "start")


def _utc_end(value: datetime) -> datetime:
    return utc(value, "end")


class PeriodName(StrEnum):
    """The periods that have a name; which days they are depends on the moment and the zone."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    THIS_WEEK = "this_week"
    LAST_WEEK = "last_week"
    THIS_MONTH = "this_month"
    LAST_MONTH = "last_month"
    THIS_QUARTER = "this_quarter"
    LAST_QUARTER = "last_quarter"
    THIS_YEAR = "this_year"
    LAST_YEAR = "last_year"


@attrs.frozen
class Period:
    """The instants from ``start`` up to, and not including, ``end``; both in UTC.

    :ivar start: the first instant that counts.
    :ivar end: the first instant that no longer counts, later than ``start``.
    """

    start: datetime = attrs.field(converter=_utc_start)
    end: datetime = attrs.field(converter=_utc_end)

    def __attrs_post_init__(self) -> None:
        if self.end <= self.start:
            raise InvalidPeriod(self.start, self.end)

    @classmethod
    def of_dates(cls, first: date, until: date, tz: str = SHOP_TIME_ZONE) -> Self:
        """From the first instant of one day up to the first instant of another, in a zone.

        :param first: the first day that counts.
        :param until: the first day that no longer counts.
        :param tz: the IANA name of the zone whose days are meant.
        :raises InvalidPeriod: when ``until`` is not after ``first``, or when the zone skipped
            all the days between (Pacific/Apia had no 30 December 2011).
        :raises UnknownTimeZone: when IANA lists no such zone.
        :raises InvalidValue: when one of them is no date, or at the very edge of the calendar.
        """
        zone = time_zone(tz)
        start, end = _first_instant(first, zone, "first"), _first_instant(until, zone, "until")
        if end <= start:
            raise InvalidPeriod(first, until)
        return cls(start, end)

    @classmethod
    def of_day(cls, day: date, tz: str = SHOP_TIME_ZONE) -> Self:
        """One day of a zone, whether it has 23, 24 or 25 hours; raises as :meth:`of_dates`."""
        _check_date(day, "day")
        return cls.of_dates(day, day + _DAY, tz)

    @classmethod
    def of_month(cls, year: int, month: int, tz: str = SHOP_TIME_ZONE) -> Self:
        """One calendar month of a zone; raises as :meth:`of_dates`.

        :raises InvalidValue: when there is no such month.
        """
        try:
            first = date(year, month, 1)
            until = date(year + month // 12, month % 12 + 1, 1)
        except (TypeError, ValueError, OverflowError):
            raise InvalidValue("month", f"{year}-{month}", "a month such as 2026, 1") from None
        return cls.of_dates(first, until, tz)

    @classmethod
    def named(cls, name: str, now: datetime, tz: str = SHOP_TIME_ZONE) -> Self:
        """The whole days that a name means: "today", "last_week", "this_quarter".

        Weeks begin on Monday. What is *last*, and yesterday, ended when this one began; so a day
        that the zone skipped was nobody's yesterday.

        :param name: one of :class:`PeriodName`.
        :param now: the moment at which it is said, aware.
        :param tz: the IANA name of the zone whose calendar is meant.
        :raises InvalidValue: for another name, or at the very edge of the calendar.
        :raises NaiveDatetime: for a time without a zone.
        :raises UnknownTimeZone: when IANA lists no such zone.
        """
        unit, last = _NAMED[word_of(PeriodName, name, "period")]
        zone, now = time_zone(tz), utc(now, "now")
        try:
            this = cls._around(now, unit, zone, tz)
            return cls._around(this.start - MICROSECOND, unit, zone, tz) if last else this
        except (ValueError, OverflowError):
            raise InvalidValue("now", now, "a moment further from the calendar's ends") from None

    @classmethod
    def _around(cls, instant: datetime, unit: str, zone: tzinfo, tz: str) -> Self:
        """The unit of a zone's calendar that an instant lies in."""
        period = cls.of_dates(*_days_around(in_zone(instant, zone).date(), unit), tz)
        if period.end <= instant:  # it was midnight already, and clocks went back over it
            period = cls.of_dates(*_days_around(in_zone(period.end, zone).date(), unit), tz)
        return period

    @classmethod
    def before(cls, instant: datetime) -> Self:
        """Every instant earlier than this one."""
        return cls(FIRST_INSTANT, instant)

    @classmethod
    def since(cls, instant: datetime) -> Self:
        """This instant, and every later one."""
        return cls(instant, LAST_INSTANT)

    @property
    def duration(self) -> timedelta:
        """Elapsed time, on the UTC line."""
        return self.end - self.start

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= utc(instant, "instant") < self.end


def time_zone(name: str) -> tzinfo:
    """The zone of an IANA name.

    A name that is not of IANA's form is refused before anything is opened: no path, no ``TZ``
    rule such as "MYT-8", no abbreviation of the machine's own zone.

    :param name: for example "Asia/Kuala_Lumpur".
    :raises UnknownTimeZone: when IANA lists no such zone.
    """
    if type(name) is not str or not _ZONE_NAME.fullmatch(name):
        raise UnknownTimeZone(name)
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return _dateutil_zone(name)


def in_zone(instant: datetime, zone: tzinfo) -> datetime:
    """Tell what a zone's clocks show at an instant.

    In the first or last hours of the calendar, which they leave, it is the instant in UTC.
    """
    try:
        return instant.astimezone(zone)
    except OverflowError:
        return instant


def instant_from_iso(text: str, field: str) -> datetime:
    """Read ISO 8601 text with a zone, such as "2021-03-03T22:58:32+08:00", as an instant in UTC.

    :param text: what :meth:`datetime.datetime.fromisoformat` reads.
    :param field: what it is, for the error.
    :raises NaiveDatetime: when the text states no zone.
    :raises InvalidValue: when it is no such text.
    """
    try:
        value = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        expected = "an ISO 8601 date and time with a zone, such as 2021-03-03T22:58:32+08:00"
        raise InvalidValue(field, text, expected) from None
    return utc(value, field)


def epoch_micros(at: datetime) -> int:
    """An instant as whole microseconds since 1970 in UTC."""
    return (at - _EPOCH) // MICROSECOND


def instant_of_micros(micros: int) -> datetime:
    """The instant of so many microseconds since 1970 in UTC."""
    return _EPOCH + timedelta(0, 0, micros)


def instant_text(at: datetime) -> str:
    """An instant as people read it, to the microsecond where it has any: UTC."""
    return utc(at, "at").isoformat(" ").replace("+00:00", " UTC")


def iso_date(text: str, field: str) -> date:
    """Read an ISO 8601 date, such as "2021-03-03".

    :param field: what it is, for the error.
    :raises InvalidValue: when it is no such text.
    """
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        raise InvalidValue(field, text, "an ISO 8601 date such as 2021-03-03") from None


def duration_text(duration: timedelta) -> str:
    """Write elapsed time as ISO 8601 does, in seconds: "PT3600S"."""
    seconds, rest = divmod(duration // MICROSECOND, 1_000_000)
    return f"PT{seconds}{f'.{rest:06}'.rstrip('0') if rest else ''}S"


def duration_from_text(text: str, field: str) -> timedelta:
    """Read elapsed time of ISO 8601 in days, hours, minutes and seconds: "PT60M", "P3D", "PT0.5S".

    :param field: what it is, for the error.
    :raises InvalidValue: when it is no such text.
    """
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None  # pyright: ignore[reportUnnecessaryIsInstance]  # untyped callers
    if found is None or not any(found.groups()):
        raise InvalidValue(field, text, "elapsed time such as PT60M or P3D")
    days, hours, minutes, seconds, fraction = (part or "0" for part in found.groups())
    micros = int(f"{fraction:0<6}")
    try:
        return timedelta(int(days), int(seconds), micros, 0, int(minutes), int(hours))
    except OverflowError:
        raise InvalidValue(field, text, "less than a billion days") from None


_NAMED: Final = {
    PeriodName.TODAY: ("days", False),
    PeriodName.YESTERDAY: ("days", True),
    PeriodName.THIS_WEEK: ("weeks", False),
    PeriodName.LAST_WEEK: ("weeks", True),
    PeriodName.THIS_MONTH: ("months", False),
    PeriodName.LAST_MONTH: ("months", True),
    PeriodName.THIS_QUARTER: ("quarters", False),
    PeriodName.LAST_QUARTER: ("quarters", True),
    PeriodName.THIS_YEAR: ("years", False),
    PeriodName.LAST_YEAR: ("years", True),
}
"""Of which unit of the calendar each is one, and whether the last one."""


def _days_around(day: date, unit: str) -> tuple[date, date]:
    """The first day of the unit that a day lies in, and the first of the next one."""
    # On first use: importing shoppego_orders must not load dateutil.
    from dateutil.relativedelta import relativedelta  # type: ignore[import-untyped]  # as below

    match unit:
        case "weeks":
            first, step = day - timedelta(day.weekday()), relativedelta(weeks=1)
        case "months":
            first, step = day.replace(day=1), relativedelta(months=1)
        case "quarters":
            month = (day.month - 1) // 3 * 3 + 1
            first, step = day.replace(month=month, day=1), relativedelta(months=3)
        case "years":
            first, step = day.replace(month=1, day=1), relativedelta(years=1)
        case _:
            first, step = day, relativedelta(days=1)
    return first, first + step


def _check_date(day: date, field: str) -> None:
    # A datetime is a date to Python, and its time would be dropped in silence.
    if isinstance(day, datetime) or not isinstance(day, date):  # pyright: ignore[reportUnnecessaryIsInstance]  # untyped callers
        raise InvalidValue(field, day, "a date (without a time)")
    if not date(1, 1, 3) <= day <= date(9999, 12, 30):
        raise InvalidValue(field, day, "a date from 0001-01-03 to 9999-12-30")


def _first_instant(day: date, zone: tzinfo, field: str) -> datetime:
    """The first instant whose local time is on ``day`` (or later, when the day was skipped)."""
    _check_date(day, field)
    return first_instant_at(datetime.combine(day, time.min), zone)


def first_instant_at(wall: datetime, zone: tzinfo) -> datetime:
    """The first instant at which a zone's clocks show a time, or a later one if they skip it.

    Asks the zone only what time it is at an instant: what it says of local times that do not
    exist differs between the libraries.

    :param wall: date and time as clocks show them, without a zone; not within two days of the
        calendar's ends.
    """
    shown = wall.replace(tzinfo=UTC, fold=0)
    offsets = {_local(shown + step, zone) - (shown + step) for step in (-_DAY, timedelta(0), _DAY)}
    candidates = [shown - offset for offset in sorted(offsets, reverse=True)]
    for candidate in candidates:
        if _local(candidate, zone) == shown:
            return candidate
    # Clocks jumped over it: the instant of the jump, to the second, lies between.
    before, after = candidates[0], candidates[-1]
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if _local(middle, zone) < shown:
            before = middle
        else:
            after = middle
    return after


def _local(instant: datetime, zone: tzinfo) -> datetime:
    """What clocks show at an instant, written as if it were UTC, so that it subtracts."""
    return instant.astimezone(zone).replace(tzinfo=UTC, fold=0)


def _dateutil_zone(name: str) -> tzinfo:
    # On first use: importing shoppego_orders must not load dateutil.
    from dateutil import tz  # type: ignore[import-untyped]  # dateutil has no type information

    zone: tzinfo | None = tz.gettz(name)
    # gettz also makes zones of rules ("MYT-8") and of the machine's abbreviations.
    if zone is None or not isinstance(zone, tz.tzfile):
        raise UnknownTimeZone(name)
    return zone
