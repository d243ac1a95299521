"""The CSV stream: rows in, chunks of bytes out, in constant memory.

Rows are taken a few hundred at a time and turned into columns, and each column is formatted at
once: most need one look at their joined text to know that no cell needs a guard or quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, tzinfo
from itertools import islice
from typing import Any, Final, TypeVar

import attrs

from shoppego_orders.errors import CurrencyMismatch, InvalidValue
from shoppego_orders.export.columns import CURRENCY, Column, ColumnKind, check_columns
from shoppego_orders.export.profiles import FORMULA, PLAIN, Profile, profile_of
from shoppego_orders.money import Money
from shoppego_orders.periods import SHOP_TIME_ZONE, in_zone, time_zone, utc
from shoppego_orders.texts import UNSTORABLE

Row = TypeVar("Row")

_ROWS_AT_ONCE: Final = 400


def write_csv(
    rows: Iterable[Row],
    columns: Iterable[Column[Row]],
    *,
    tz: str = SHOP_TIME_ZONE,
    profile: Profile | str = PLAIN,
) -> CsvStream:
    """Write rows as CSV: UTF-8, a header with the columns' keys, CRLF, RFC 4180 quoting.

    Texts are written whatever they hold; only NUL and lone surrogates become U+FFFD, and are
    counted. The same rows give the same bytes.

    :param rows: taken as they are needed, and in their order; ``store.rows`` or ``store.lines``.
    :param columns: such as ``ORDER_COLUMNS`` for orders, or ``LINE_COLUMNS`` for line items.
    :param tz: the IANA name of the zone in which instants are written.
    :param profile: for whom; see :mod:`shoppego_orders.export.profiles`.
    :returns: an iterator over the file's bytes, whose ``summary`` counts. What iterating raises
        comes from the rows, or is :exc:`~shoppego_orders.errors.InvalidValue` (or
        ``NaiveDatetime``, ``CurrencyMismatch``) for a value that is not of its column's kind.
    :raises InvalidValue: for an unknown profile, or columns that make no readable file.
    :raises UnknownTimeZone: when IANA lists no such zone.
    """
    whole = tuple(columns)
    check_columns(whole)
    return CsvStream(rows, whole, time_zone(tz), profile_of(profile))


@attrs.frozen
class CsvSummary:
    """What a stream has written so far.

    :ivar records: one for each row; the header is none.
    :ivar replaced: how many characters became U+FFFD, because no file in UTF-8 can hold them
        (lone surrogates), or few readers would take them (NUL).
    """

    records: int
    replaced: int


class CsvStream(Iterator[bytes]):
    """A CSV file on its way, made by :func:`write_csv`: iterate once, for its bytes in chunks."""

    def __init__(
        self,
        rows: Iterable[Any],  # Any: write_csv saw to it that the columns can read them
        columns: tuple[Column[Any], ...],
        zone: tzinfo,
        profile: Profile,
    ) -> None:
        self._rows = iter(rows)
        self._columns = columns
        self._currency = next((column for column in columns if column.key == CURRENCY), None)
        self._zone = zone
        self._profile = profile
        self._needs_quotes = re.compile(f'["\r\n{re.escape(profile.delimiter)}]')
        self._money_texts: dict[tuple[int, str], str] = {}
        self._records = 0
        self._replaced = 0
        self._chunks = self._written()

    def __next__(self) -> bytes:
        return next(self._chunks)

    @property
    def summary(self) -> CsvSummary:
        """Tell what was written so far; all of it, once the stream has ended."""
        return CsvSummary(self._records, self._replaced)

    def _written(self) -> Iterator[bytes]:
        header = [self._texts([column.key], ColumnKind.TEXT) for column in self._columns]
        # Before the first row is asked for, so that a download begins at once.
        yield ("\ufeff" if self._profile.bom else "").encode() + self._lines(header)
        while batch := list(islice(self._rows, _ROWS_AT_ONCE)):
            cells = [self._cells(column, batch) for column in self._columns]
            self._records += len(batch)
            yield self._lines(cells)

    def _lines(self, columns: list[list[str]]) -> bytes:
        if len(columns) == 1:
            # An empty line would be no record at all.
            rows: Iterable[str] = [cell or '""' for cell in columns[0]]
        else:
            rows = map(self._profile.delimiter.join, zip(*columns, strict=True))
        return ("\r\n".join(rows) + "\r\n").encode()

    def _cells(self, column: Column[Any], batch: list[Any]) -> list[str]:
        values: list[Any] = list(map(column.value, batch))  # Any: the next line looks
        _check_types(column, values)
        match column.kind:
            case ColumnKind.MONEY:
                return self._amounts(values, batch)
            case ColumnKind.INTEGER:
                return ["" if value is None else str(value) for value in values]
            case ColumnKind.INSTANT:
                return [self._instant(value, column.key) for value in values]
            case ColumnKind.BOOLEAN:
                return [_BOOLEANS[value] for value in values]
            case _:
                return self._texts(values, column.kind)

    def _texts(self, values: Sequence[str | None], kind: ColumnKind) -> list[str]:
        cells = ["" if value is None else value for value in values]
        # NUL parts the cells here, so one that a cell holds would be one too many.
        joined = _together(cells)
        if joined.count("\x00") > len(cells) or not (
            joined.isascii() or _SURROGATE.search(joined) is None
        ):
            cells = [self._storable(cell) for cell in cells]
            joined = _together(cells)
        if self._profile.for_people and "\r" in joined:
            cells = [cell.replace("\r\n", "\n").replace("\r", "\n") for cell in cells]
            joined = _together(cells)
        guard = self._profile.guard(kind)
        if guard is not None and (kind is not ColumnKind.TEXT or _ANY_FORMULA.search(joined)):
            cells = [f"'{cell}" if guard.match(cell) else cell for cell in cells]
        if self._needs_quotes.search(joined):
            cells = [self._quoted(cell) for cell in cells]
        return cells

    def _storable(self, text: str) -> str:
        replaced, times = UNSTORABLE.subn("\N{REPLACEMENT CHARACTER}", text)
        self._replaced += times
        return replaced

    def _quoted(self, cell: str) -> str:
        if self._needs_quotes.search(cell):
            return '"' + cell.replace('"', '""') + '"'
        return cell

    def _amounts(self, values: Sequence[Money | None], batch: list[Any]) -> list[str]:
        assert self._currency is not None  # check_columns asks for it
        texts = self._money_texts
        if len(texts) > _MONEY_TEXTS_KEPT:
            texts.clear()
        cells: list[str] = []
        for value, currency in zip(values, map(self._currency.value, batch), strict=True):
            if value is None:
                cells.append("")
                continue
            if value.currency != currency:
                raise CurrencyMismatch(value.currency, str(currency))
            cell = texts.get((value.minor, value.currency))
            if cell is None:
                cell = texts[value.minor, value.currency] = value.text
            cells.append(cell)
        return cells

    def _instant(self, value: datetime | None, key: str) -> str:
        return "" if value is None else in_zone(utc(value, key), self._zone).isoformat()


_BOOLEANS: Final = {True: "true", False: "false", None: ""}
_MONEY_TEXTS_KEPT: Final = 50_000
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ANY_FORMULA: Final = re.compile(rf"\x00{FORMULA.pattern}")

_TYPES: Final[dict[ColumnKind, tuple[type, str]]] = {
    ColumnKind.TEXT: (str, "text"),
    ColumnKind.IDENTIFIER: (str, "text"),
    ColumnKind.WORD: (str, "text"),
    ColumnKind.MONEY: (Money, "Money"),
    ColumnKind.INTEGER: (int, "a whole number"),
    ColumnKind.INSTANT: (datetime, "an aware datetime"),
    ColumnKind.BOOLEAN: (bool, "True or False"),
}


def _together(cells: list[str]) -> str:
    return "\x00" + "\x00".join(cells)


def _check_types(column: Column[Any], values: list[object]) -> None:
    right, expected = _TYPES[column.kind]
    for found in set(map(type, values)):
        # A bool is an int to Python, and a flag is no number.
        if found is type(None) or (issubclass(found, right) and (found is bool) is (right is bool)):
            continue
        culprit = next(value for value in values if type(value) is found)
        raise InvalidValue(column.key, culprit, f"{expected} or None")
