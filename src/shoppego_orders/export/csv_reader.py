"""Reading an export back: the values as they were, with the guard taken off again."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import TypeVar

from shoppego_orders.errors import InvalidDocument, OrdersError
from shoppego_orders.export.columns import CURRENCY, Column, ColumnKind, Value, check_columns
from shoppego_orders.export.profiles import PLAIN, Profile, profile_of
from shoppego_orders.money import Money
from shoppego_orders.periods import instant_from_iso

Row = TypeVar("Row")


def read_export(
    chunks: Iterable[bytes],
    columns: Iterable[Column[Row]],
    *,
    profile: Profile | str = PLAIN,
) -> Iterator[tuple[Value, ...]]:
    """Read a file that ``write_csv`` wrote: the values of one record after the other.

    They are what the columns gave, with three exceptions: instants are in UTC, an empty text is
    "" and not None, and in ``excel`` line breaks within a text are LF.

    :param chunks: the file's bytes, cut anywhere; an open binary file will do.
    :param columns: those that the file was written with.
    :param profile: the one that it was written with.
    :raises InvalidValue: for an unknown profile, or columns that make no readable file.
    :raises InvalidDocument: while reading: for another header, a record with too few or too many
        cells, a cell that its column can't have written, bytes that are no UTF-8, or a file that
        ends within a record.
    """
    whole = tuple(columns)
    check_columns(whole)
    return _values(chunks, whole, profile_of(profile))


def _values(
    chunks: Iterable[bytes], columns: tuple[Column[Row], ...], profile: Profile
) -> Iterator[tuple[Value, ...]]:
    keys = [column.key for column in columns]
    # Where there is no such column there is no money either.
    currency = keys.index(CURRENCY) if CURRENCY in keys else 0
    guards = [profile.guard(column.kind) for column in columns]
    header_guard = profile.guard(ColumnKind.TEXT)
    for number, cells in enumerate(_records(chunks, profile)):
        if number == 0:
            if [_unguarded(cell, header_guard) for cell in cells] != keys:
                raise InvalidDocument("header", f"it is {cells}; expected {keys}")
            continue
        if len(cells) != len(columns):
            problem = f"it has {len(cells)} cells; expected {len(columns)}"
            raise InvalidDocument(f"record {number}", problem)
        texts = [_unguarded(cell, guard) for cell, guard in zip(cells, guards, strict=True)]
        yield tuple(
            _value(column, text, texts[currency], number)
            for column, text in zip(columns, texts, strict=True)
        )


def _unguarded(cell: str, guard: re.Pattern[str] | None) -> str:
    if guard is not None and cell.startswith("'") and guard.match(cell):
        return cell[1:]
    return cell


def _value(column: Column[Row], text: str, currency: str, number: int) -> Value:
    kind = column.kind
    if kind in (ColumnKind.TEXT, ColumnKind.IDENTIFIER, ColumnKind.WORD):
        return text
    if not text:
        return None
    try:
        if kind is ColumnKind.MONEY:
            return Money(text, currency)
        if kind is ColumnKind.INTEGER:
            return int(text)
        if kind is ColumnKind.INSTANT:
            return instant_from_iso(text, column.key)
        return {"true": True, "false": False}[text]
    except (OrdersError, ValueError, KeyError):
        raise InvalidDocument(
            f"record {number}, {column.key}", f"{text!r} is no {kind.value}"
        ) from None


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
