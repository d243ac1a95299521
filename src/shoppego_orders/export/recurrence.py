"""When something recurs: a rule of RFC 5545, on the clocks of a zone.

Where clocks skip the time of an occurrence, it comes at the next instant that they show; where
they show it twice, it comes once, the first time. So "every day at 08:00" is at 08:00 all year.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import dropwhile, islice
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import attrs

from shoppego_orders.errors import InvalidValue, shown
from shoppego_orders.periods import (
    FIRST_INSTANT,
    LAST_INSTANT,
    MICROSECOND,
    first_instant_at,
    in_zone,
    time_zone,
    utc,
)


class Occurrence(NamedTuple):
    """One time of a recurrence.

    :ivar wall: as the rule says it: date and time on the zone's clocks, without a zone.
    :ivar at: the instant; UTC.
    """

    wall: datetime
    at: datetime


def _start(value: datetime) -> datetime:
    start = utc(value, "start").replace(microsecond=0)
    if not 2 <= start.year <= 9900:
        raise InvalidValue("start", value, "a moment in the years 2 to 9900")
    return start


@attrs.frozen
class Recurrence:
    """A rule such as "FREQ=WEEKLY;BYDAY=MO", from a start on.

    Of RFC 5545, hourly to yearly rules are read, with the parts that :data:`PARTS` lists. The
    start is an occurrence only if the rule says so; what the rule leaves open is as at the start:
    its time of day, and its day of the week, month or year. UNTIL is a day of the zone, or a time
    on its clocks, or an instant where it ends with Z.

    :ivar rule: the parts, with or without "RRULE:" before them.
    :ivar start: aware; no occurrence comes before it.
    :ivar tz: the IANA name of the zone whose clocks are meant.
    :raises InvalidValue: for what is no such rule, or never occurs within 50 years of the start.
    :raises NaiveDatetime: for a start without a zone.
    :raises UnknownTimeZone: when IANA lists no such zone.
    """

    rule: str
    start: datetime = attrs.field(converter=_start)
    tz: str

    def __attrs_post_init__(self) -> None:
        if next(self.occurrences(self.start - MICROSECOND), None) is None:
            raise InvalidValue("rule", self.rule, "a rule that occurs within 50 years of its start")

    def occurrences(self, since: datetime) -> Iterator[Occurrence]:
        """Yield what comes later than an instant, and within 50 years of it or of the start."""
        zone = time_zone(self.tz)
        last = max(since, self.start - MICROSECOND)
        for wall in self._walls(since):
            at = first_instant_at(wall, zone)
            # Two that clocks skip come at the same instant, and one of them is enough.
            if at > last:
                last = at
                yield Occurrence(wall, at)

    def _walls(self, since: datetime) -> Iterator[datetime]:
        begin, parts = self._wall(self.start), _parts(self.rule)
        near = max(self._wall(max(since, _FIRST)) - _LOOK_BACK, begin)
        end = min(near, _LAST - _HORIZON) + _HORIZON
        if "until" in parts:
            end = min(end, _until(parts.pop("until"), self.rule, self.tz))
        count = parts.pop("count", None)
        # On first use: importing shoppego_orders must not load dateutil.
        from dateutil.rrule import rrule  # type: ignore[import-untyped]  # as in periods

        try:
            walls: Iterator[datetime] = iter(rrule(dtstart=begin, until=end, **parts))
        except ValueError as error:
            raise InvalidValue("rule", self.rule, f"a rule that can occur ({error})") from None
        return dropwhile(lambda wall: wall < near, islice(walls, count))

    def _wall(self, instant: datetime) -> datetime:
        return in_zone(instant, time_zone(self.tz)).replace(tzinfo=None, microsecond=0, fold=0)


_ALWAYS: Final = frozenset(("INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYHOUR", "BYMINUTE"))
_OF_MONTHS: Final = _ALWAYS | {"BYMONTH", "BYMONTHDAY", "BYSETPOS"}

# Not all that RFC 5545 allows: a rule is searched for its next occurrence, and one that looks at
# each day for what no day is (30 February) would be searched to the end of the calendar.
PARTS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "YEARLY": _OF_MONTHS | {"BYYEARDAY", "BYWEEKNO"},
        "MONTHLY": _OF_MONTHS,
        "WEEKLY": _ALWAYS | {"BYMONTH"},
        "DAILY": _ALWAYS | {"BYMONTH"},
        "HOURLY": _ALWAYS,
    }
)
"""The frequencies, and the parts that a rule of each may have."""

_FREQUENCIES: Final = {name: number for number, name in enumerate(PARTS)}
"""As dateutil numbers them."""

_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_NTH_DAY: Final = re.compile(rf"(?P<number>(?:[+-]?[0-9]{{1,2}})?)(?P<day>{'|'.join(_DAYS)})")
_NUMBERS: Final = {
    "BYMONTH": (1, 12, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYSETPOS": (1, 366, True),
    "BYHOUR": (0, 23, False),
    "BYMINUTE": (0, 59, False),
}
"""The least and the highest number of a list, and whether they may be counted from the end."""

_HORIZON: Final = timedelta(days=50 * 366)
_LAST: Final = LAST_INSTANT.replace(tzinfo=None) - timedelta(days=3)
_LOOK_BACK: Final = timedelta(days=2)  # no zone's clocks were ever put on or back by so much
_FIRST: Final = FIRST_INSTANT + 2 * _LOOK_BACK


def _parts(rule: str) -> dict[str, Any]:  # Any: dateutil's arguments
    """Read a rule as the arguments that dateutil takes, with ``count`` and ``until`` as texts."""
    texts: dict[str, str] = {}
    if type(rule) is not str or len(rule) > 500:
        raise InvalidValue("rule", rule, _EXAMPLE)
    for part in rule.upper().removeprefix("RRULE:").split(";"):
        name, equals, text = part.partition("=")
        if not equals or name in texts:
            raise InvalidValue("rule", rule, _EXAMPLE)
        texts[name] = text
    frequency = texts.pop("FREQ", "")
    if frequency not in PARTS:
        raise InvalidValue("rule", rule, f"one with FREQ, of {', '.join(PARTS)}")
    for name in texts:
        if name not in PARTS[frequency]:
            known = ", ".join(sorted(PARTS[frequency]))
            expected = f"one that is {frequency} without {shown(name)}, which may have {known}"
            raise InvalidValue("rule", rule, expected)
    # Any: dateutil's arguments
    parts: dict[str, Any] = {"freq": _FREQUENCIES[frequency], "wkst": 0}
    for name, text in texts.items():
        parts[name.lower().replace("byday", "byweekday")] = _part(name, text, rule, frequency)
    return parts


def _part(name: str, text: str, rule: str, frequency: str) -> object:
    if name == "UNTIL":
        return text
    if name in {"INTERVAL", "COUNT"}:
        return _number(name, text, rule, 1, 100_000)
    if name == "WKST":
        if text not in _DAYS:
            raise InvalidValue("rule", rule, f"WKST, of {', '.join(_DAYS)}")
        return _DAYS.index(text)
    if name == "BYDAY":
        numbered = frequency in {"YEARLY", "MONTHLY"}
        return [_day(each, rule, numbered=numbered) for each in text.split(",")]
    least, most, from_the_end = _NUMBERS[name]
    return [
        -_number(name, each[1:], rule, least, most)
        if from_the_end and each.startswith("-")
        else _number(name, each, rule, least, most)
        for each in text.split(",")
    ]


def _day(text: str, rule: str, *, numbered: bool) -> object:
    from dateutil.rrule import weekday  # as above

    found = _NTH_DAY.fullmatch(text)
    if found is None or (found["number"] and not numbered):
        raise InvalidValue("rule", rule, f"BYDAY, of {', '.join(_DAYS)}")
    day = _DAYS.index(found["day"])
    if not found["number"]:
        return day
    nth = _number("BYDAY", found["number"].lstrip("+-"), rule, 1, 53)
    return weekday(day, -nth if found["number"].startswith("-") else nth)


def _number(name: str, text: str, rule: str, least: int, most: int) -> int:
    if text.isascii() and text.isdecimal() and len(text) < 7 and least <= int(text) <= most:
        return int(text)
    raise InvalidValue("rule", rule, f"{name} from {least} to {most}")


def _until(text: str, rule: str, tz: str) -> datetime:
    """The last moment on the zone's clocks that counts."""
    date, _, clock = text.removesuffix("Z").partition("T")
    try:
        if not _UNTIL.fullmatch(text):
            raise ValueError
        wall = datetime.fromisoformat(f"{date}T{clock or '235959'}")
    except ValueError:
        expected = "UNTIL such as 20261231, 20261231T080000 or 20261231T000000Z"
        raise InvalidValue("rule", rule, expected) from None
    if text.endswith("Z"):
        return in_zone(wall.replace(tzinfo=UTC), time_zone(tz)).replace(tzinfo=None)
    return wall


_UNTIL: Final = re.compile(r"[0-9]{8}(T[0-9]{6}Z?)?")
_EXAMPLE: Final = "a rule of RFC 5545 such as FREQ=WEEKLY;BYDAY=MO"
