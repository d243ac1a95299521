"""Reading an export back: the values as they were, with the guard taken off again."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, tzinfo
from typing import Any

from shoppego_orders.errors import InvalidDocument, OrdersError, shown
from shoppego_orders.export.columns import (
    Column,
    ColumnKind,
    InstantStyle,
    Value,
    check_columns,
    currency_place,
)
from shoppego_orders.export.profiles import PLAIN, Profile, profile_of
from shoppego_orders.money import Money
from shoppego_orders.periods import SHOP_TIME_ZONE, instant_from_iso, time_zone, utc
from shoppego_orders.texts import storable


def read_export(
    chunks: Iterable[bytes],
    columns: Iterable[Column[Any]],  # Any: nothing is read off a row
    *,
    tz: str = SHOP_TIME_ZONE,
    profile: Profile | str = PLAIN,
) -> Iterator[tuple[Value, ...]]:
    """Read a file that ``write_csv`` wrote: the values of one record after the other.

    They are what the columns gave, with these exceptions: instants are in UTC; an empty text is
    "" and not None, and several texts are one; in ``excel`` line breaks within a text are LF;
    and in other styles than ISO 8601 an instant is to the second, and of two at which the clocks
    showed the same (``spreadsheet``) it is the earlier.

    :param chunks: the file's bytes, cut anywhere; an open binary file will do.
    :param columns: those that the file was written with.
    :param tz: the zone that it was written in; looked at for instants without an offset alone.
    :param profile: the one that it was written with.
    :raises UnknownTimeZone: when IANA lists no such zone.
    :raises InvalidValue: for an unknown profile, or columns that make no readable file.
    :raises InvalidDocument: while reading: for another header, a record with too few or too many
        cells, a cell that its column can't have written, bytes that are no UTF-8, or a file that
        ends within a record.
    """
    whole = tuple(columns)
    check_columns(whole)
    return _values(chunks, whole, time_zone(tz), profile_of(profile))


def _values(
    # Any: nothing is read off a row
    chunks: Iterable[bytes],
    columns: tuple[Column[Any], ...],
    zone: tzinfo,
    profile: Profile,
) -> Iterator[tuple[Value, ...]]:
    # A title is a text like any other.
    titles = [profile.line_ends(storable(profile.header(column))) for column in columns]
    currency = currency_place(columns)
    readers = [_reader(column, zone, profile) for column in columns]
    guards = [profile.guard(column.kind) for column in columns]
    header_guard = profile.guard(ColumnKind.TEXT)
    for number, cells in enumerate(_records(chunks, profile)):
        if number == 0:
            if [_unguarded(cell, header_guard) for cell in cells] != titles:
                raise InvalidDocument("header", f"it is {shown(cells)}; expected {titles}")
            continue
        if len(cells) != len(columns):
            problem = f"it has {len(cells)} cells; expected {len(columns)}"
            raise InvalidDocument(f"record {number}", problem)
        texts = [_unguarded(cell, guard) for cell, guard in zip(cells, guards, strict=True)]
        code = "" if currency is None else texts[currency]
        values: list[Value] = []
        for column, reader, text in zip(columns, readers, texts, strict=True):
            try:
                values.append(reader(text, code))
            except (OrdersError, ValueError, KeyError):
                place = f"record {number}, {column.key}"
                what = column.kind.value + f" in {shown(code)}" * (column.kind is ColumnKind.MONEY)
                raise InvalidDocument(place, f"{shown(text)} is no {what}") from None
        yield tuple(values)


def _unguarded(cell: str, guard: re.Pattern[str] | None) -> str:
    if guard is not None and cell.startswith("'") and guard.match(cell):
        return cell[1:]
    return cell


# Any: nothing is read off a row
def _reader(column: Column[Any], zone: tzinfo, profile: Profile) -> Callable[[str, str], Value]:
    """What reads a cell of the column, and is told the record's currency."""
    style = column.instants or profile.instants

    def value(text: str, currency: str) -> Value:
        if not text:
            return None
        if column.kind is ColumnKind.MONEY:
            return Money(text, currency)
        if column.kind is ColumnKind.INTEGER:
            return int(text)
        if column.kind is ColumnKind.INSTANT:
            return _instant(text, column.key, style, zone)
        return {"true": True, "false": False}[text]

    return _text if column.kind.is_text else value


def _text(text: str, _currency: str) -> str:
    return text


def _instant(text: str, field: str, style: InstantStyle, zone: tzinfo) -> datetime:
    if style is InstantStyle.SPREADSHEET:
        return utc(datetime.fromisoformat(text).replace(tzinfo=zone), field)
    return instant_from_iso(text.replace(" +", "+").replace(" -", "-"), field)


def _records(chunks: Iterable[bytes], profile: Profile) -> Iterator[list[str]]:
    """The cells of each record, header first, quotes resolved."""
    cell = re.compile(
        rf'(?:"((?:[^"]++|"")*+)"|([^"\r\n{re.escape(profile.delimiter)}]*+))'
        rf"({re.escape(profile.delimiter)}|\Z)"
    )
    number = 0
    for number, record in enumerate(_record_texts(chunks, profile), 1):
        cells: list[str] = []
        end, more = 0, True
        while more:
            found = cell.match(record, end)
            if found is None:
                where = "header" if number == 1 else f"record {number - 1}"
                raise InvalidDocument(where, f"cell {len(cells) + 1} is not quoted as it must be")
            quoted, bare, delimiter = found.groups()
            cells.append(bare if quoted is None else quoted.replace('""', '"'))
            end, more = found.end(), bool(delimiter)
        yield cells
    if number == 0:
        raise InvalidDocument("header", "the file is empty")


def _record_texts(chunks: Iterable[bytes], profile: Profile) -> Iterator[str]:
    """The text of each record, without its line end; quoted line ends stay within it."""
    parts: list[str] = []
    within_quotes = False
    for line in _lines(chunks, profile):
        parts.append(line)
        within_quotes ^= line.count('"') % 2 == 1
        if not within_quotes and line.endswith("\n"):
            yield "".join(parts).removesuffix("\n").removesuffix("\r")
            parts.clear()
    if parts:
        raise InvalidDocument("the last record", "the file ends within it")


def _lines(chunks: Iterable[bytes], profile: Profile) -> Iterator[str]:
    """The file's text in pieces that end with LF, or with the file."""
    decoder = codecs.getincrementaldecoder("utf-8-sig" if profile.bom else "utf-8")()
    rest: list[str] = []
    try:
        for chunk in chunks:
            *whole, last = decoder.decode(chunk).split("\n")
            for line in whole:
                yield f"{''.join(rest)}{line}\n"
                rest.clear()
            rest.append(last)
        rest.append(decoder.decode(b"", final=True))
    except UnicodeDecodeError as failure:
        raise InvalidDocument("", f"it is no UTF-8: {failure.reason}") from None
    if last := "".join(rest):
        yield last
