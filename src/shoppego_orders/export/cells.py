"""The values of one column, some hundreds at a time, as cells of text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta, timezone, tzinfo
from typing import Final, final

from shoppego_orders.errors import UnknownCurrency
from shoppego_orders.export.columns import ColumnKind, InstantStyle
from shoppego_orders.export.profiles import FORMULA_SIGNS, Profile
from shoppego_orders.money import CURRENCY_DIGITS, decimal_text
from shoppego_orders.periods import (
    FIRST_INSTANT,
    LAST_INSTANT,
    epoch_micros,
    in_zone,
    instant_of_micros,
)
from shoppego_orders.texts import UNSTORABLE


@final
class Texts:
    """Writes texts: storable, guarded as the profile says, quoted as RFC 4180 does.

    Most columns need one look at their joined text to know that no cell needs anything.

    :ivar replaced: how many characters became U+FFFD so far.
    """

    def __init__(self, profile: Profile) -> None:
        self.replaced: int = 0
        self._profile = profile
        self._special = ('"', "\n", "\r", profile.delimiter)
        self._guards = {kind: _before_each(profile.guard(kind)) for kind in ColumnKind}

    def cells(self, texts: Sequence[str], kind: ColumnKind) -> Sequence[str]:
        """Write the texts of a column of that kind.

        :param texts: without None.
        """
        # NUL parts the cells here, so one that a cell holds would be one too many.
        joined = "\0" + "\0".join(texts)
        if joined.count("\0") > len(texts) or not _encodable(joined):
            joined = "\0" + "\0".join(map(self._storable, texts))
            texts = _parted(joined)
        if self._profile.for_people and "\r" in joined:
            joined = self._profile.line_ends(joined)
            texts = _parted(joined)
        guard = self._guards[kind]
        if guard is not None and (kind is not ColumnKind.TEXT or _any(FORMULA_SIGNS, joined)):
            joined, guarded = guard.subn("\0'", joined)
            if guarded:
                texts = _parted(joined)
        if _any(self._special, joined):
            if '"' in joined:
                texts = _parted(joined.replace('"', '""'))
            mark = self._profile.delimiter
            return [
                f'"{text}"' if mark in text or '"' in text or "\n" in text or "\r" in text else text
                for text in texts
            ]
        return texts

    def _storable(self, text: str) -> str:
        replaced, times = UNSTORABLE.subn("\N{REPLACEMENT CHARACTER}", text)
        self.replaced += times
        return replaced


def _before_each(guard: re.Pattern[str] | None) -> re.Pattern[str] | None:
    return None if guard is None else re.compile(rf"\0(?={guard.pattern})")


def _any(signs: Iterable[str], text: str) -> bool:
    # One search each, at the speed of memory; a pattern of all of them takes many times longer.
    return any(map(text.__contains__, signs))


def _parted(joined: str) -> list[str]:
    return joined[1:].split("\0")


def _encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@final
class Amounts:
    """Writes amounts of minor units as plain decimals with their currency's digits."""

    def __init__(self) -> None:
        self._texts: dict[int, _AmountTexts] = {}

    def cells(self, minors: Sequence[int | None], currencies: str | Sequence[str]) -> list[str]:
        """Write amounts, None for an empty cell.

        :param currencies: the one of all of them, or that of each.
        """
        if isinstance(currencies, str):
            return list(map(self._of(currencies).__getitem__, minors))
        return [
            "" if minor is None else self._of(currency)[minor]
            for minor, currency in zip(minors, currencies, strict=True)
        ]

    def _of(self, currency: str) -> _AmountTexts:
        digits = CURRENCY_DIGITS.get(currency)
        if digits is None:
            raise UnknownCurrency(currency)
        texts = self._texts.get(digits)
        if texts is None or len(texts) > _AMOUNTS_KEPT:
            texts = self._texts[digits] = _AmountTexts(digits)
        return texts


class _AmountTexts(dict[int | None, str]):
    """Each amount is written once: prices, fees and zeros come again and again."""

    def __init__(self, digits: int) -> None:
        super().__init__({None: ""})
        self._digits = digits

    def __missing__(self, minor: int) -> str:
        text = self[minor] = decimal_text(minor, self._digits)
        return text


_AMOUNTS_KEPT: Final = 20_000


@final
class Instants:
    """Writes instants as the clocks of a zone showed them, in one style.

    A zone is asked once a day what its offset is. Where it is not the same on all the days of
    a column, as when clocks are put back, each instant is turned by itself.
    """

    def __init__(self, zone: tzinfo, style: InstantStyle) -> None:
        self._zone = zone
        self._style = style
        self._days = _Days(zone)
        self._hours = _Hours("T" if style is InstantStyle.ISO else " ")
        self._minutes: dict[timedelta, list[str]] = {}

    def cells(self, micros: Sequence[int | None]) -> list[str]:
        """Write instants: microseconds since 1970 in UTC, None for an empty cell."""
        there = [instant for instant in micros if instant is not None]
        offset = self._offset(there)
        if offset is None:
            return ["" if instant is None else self._one(instant) for instant in micros]
        ahead, hours = offset // _SECOND, self._hours
        if self._style is InstantStyle.ISO and any([at % 1_000_000 for at in there]):  # noqa: C419  # a list takes half the time
            ending = _offset_text(offset, self._style)
            return ["" if at is None else _exactly(at, hours, ahead, ending) for at in micros]
        minutes = self._minutes_of(offset)
        local = [None if at is None else at // 1_000_000 + ahead for at in micros]
        return [
            "" if second is None else hours[second // 3600] + minutes[second % 3600]
            for second in local
        ]

    def _offset(self, instants: list[int]) -> timedelta | None:
        """The offset at all these instants; None where there is no such one."""
        if len(self._hours) > _HOURS_KEPT:
            self._hours.clear()
            self._days.clear()
        if not instants:
            return None
        first, last = min(instants) // _DAY, max(instants) // _DAY
        if last - first > _DAYS_ALIKE:
            return None
        days = {self._days[number] for number in range(first, last + 1)}
        return days.pop() if len(days) == 1 else None

    def _minutes_of(self, offset: timedelta) -> list[str]:
        if offset not in self._minutes:
            ending = _offset_text(offset, self._style)
            self._minutes[offset] = [f"{text}{ending}" for text in _MINUTES]
        return self._minutes[offset]

    def _one(self, micros: int) -> str:
        local = in_zone(instant_of_micros(micros), self._zone)
        if self._style is InstantStyle.ISO:
            return local.isoformat()
        offset = local.utcoffset()
        assert offset is not None
        shown = local.replace(tzinfo=None).isoformat(" ", "seconds")
        return f"{shown}{_offset_text(offset, self._style)}"


def _exactly(at: int, hours: _Hours, ahead: int, ending: str) -> str:
    seconds, part = divmod(at, 1_000_000)
    local = seconds + ahead
    fraction = f".{part:06}" if part else ""
    return f"{hours[local // 3600]}{_MINUTES[local % 3600]}{fraction}{ending}"


class _Days(dict[int, timedelta | None]):
    """How far ahead of UTC a zone is, by days since 1970 in UTC.

    None where that changes within the day, is no whole second, or the calendar ends.
    """

    def __init__(self, zone: tzinfo) -> None:
        super().__init__()
        self._zone = zone

    def __missing__(self, number: int) -> timedelta | None:
        offset = self[number] = self._found(number)
        return offset

    def _found(self, number: int) -> timedelta | None:
        if not _FIRST_DAY < number < _LAST_DAY:
            return None
        # Every half hour and the last moment: no zone has ever changed twice within one.
        moments = (*range(0, _DAY, _HALF_AN_HOUR), _DAY - 1)
        offsets = {
            in_zone(instant_of_micros(number * _DAY + at), self._zone).utcoffset() for at in moments
        }
        offset = offsets.pop()
        return None if offsets or offset is None or offset.microseconds else offset


class _Hours(dict[int, str]):
    """What the text of an instant begins with, up to its minutes, by hours since 1970."""

    def __init__(self, separator: str) -> None:
        super().__init__()
        self._separator = separator

    def __missing__(self, number: int) -> str:
        day, hour = divmod(number, 24)
        date = (_FIRST_DATE + timedelta(day)).isoformat()
        text = self[number] = f"{date}{self._separator}{hour:02}:"
        return text


def _offset_text(offset: timedelta, style: InstantStyle) -> str:
    if style is InstantStyle.SPREADSHEET:
        return ""
    # Any moment will do: the standard library knows how an offset is written.
    text = datetime(2000, 1, 1, tzinfo=timezone(offset)).isoformat()[19:]
    return text if style is InstantStyle.ISO else f" {text.replace(':', '')}"


_SECOND: Final = timedelta(seconds=1)
_DAY: Final = 86_400_000_000
_HALF_AN_HOUR: Final = 1_800_000_000
_DAYS_ALIKE: Final = 400
_HOURS_KEPT: Final = 10_000
_MINUTES: Final = [f"{minute:02}:{second:02}" for minute in range(60) for second in range(60)]
_FIRST_DATE: Final = date(1970, 1, 1)
_FIRST_DAY: Final = epoch_micros(FIRST_INSTANT) // _DAY
_LAST_DAY: Final = epoch_micros(LAST_INSTANT) // _DAY
