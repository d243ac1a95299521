"""Rows, or what a database holds of them, as columns of plain values, a few hundred at a time.

What a column reads, and what it finds there, is Any: each column says of which kind, and values
that are of another are refused here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from operator import attrgetter, itemgetter
from types import NoneType
from typing import Any, Final

from shoppego_orders.errors import CurrencyMismatch, InvalidValue
from shoppego_orders.export.columns import Column, ColumnKind, currency_place
from shoppego_orders.money import Money
from shoppego_orders.order import OrderRow
from shoppego_orders.periods import epoch_micros, utc

Batch = Sequence[Sequence[Any]]
"""Some hundreds of records as columns of plain values: amounts and instants as whole numbers."""


def batches_of_rows(rows: Iterable[Any], columns: Sequence[Column[Any]]) -> Iterator[Batch]:
    """Read the columns off rows.

    :raises InvalidValue: for a value that is not of its column's kind; also ``NaiveDatetime``,
        and ``CurrencyMismatch`` for money in another currency than the record's.
    """
    read = _reading(columns)
    currency = currency_place(columns)
    taken = iter(rows)
    while batch := list(islice(taken, _AT_ONCE)):
        values = read(batch)
        currencies: Sequence[Any] = [] if currency is None else values[currency]
        yield [
            _plain(column, some, currencies) for column, some in zip(columns, values, strict=True)
        ]


def checked_batches(batches: Iterable[Batch], columns: Sequence[Column[Any]]) -> Iterator[Batch]:
    """See that columns of plain values are what they should be.

    :raises InvalidValue: for too few or too many of them, columns of different lengths, or a
        value that is not of its column's kind.
    """
    for batch in batches:
        lengths = set(map(len, batch))
        if len(batch) != len(columns) or len(lengths) > 1:
            expected = f"{len(columns)} columns of the same length"
            raise InvalidValue("batches", [*map(len, batch)], expected)
        if lengths != {0}:
            yield [
                _plain_already(column, values)
                for column, values in zip(columns, batch, strict=True)
            ]


_AT_ONCE: Final = 400


def _reading(columns: Sequence[Column[Any]]) -> Callable[[list[Any]], Sequence[Sequence[Any]]]:
    """What reads all columns off some rows."""
    readers = [column.reader for column in columns]
    fields = [column.value for column in columns]
    cut = None
    if len(fields) > 1 and set(fields) <= set(OrderRow._fields):
        cut = itemgetter(*(OrderRow._fields.index(str(field)) for field in fields))

    def read(batch: list[Any]) -> Sequence[Sequence[Any]]:
        if cut is not None and set(map(type, batch)) == {OrderRow}:
            # A tuple's places are found four times faster than its names.
            return list(zip(*map(cut, batch), strict=True))
        return [list(map(reader, batch)) for reader in readers]

    return read


_CELL_TYPES: Final[dict[ColumnKind, tuple[type, str]]] = {
    ColumnKind.MONEY: (int, "a whole number"),
    ColumnKind.INTEGER: (int, "a whole number"),
    ColumnKind.INSTANT: (int, "a whole number"),
    ColumnKind.BOOLEAN: (bool, "True or False"),
}
_ROW_TYPES: Final = _CELL_TYPES | {
    ColumnKind.MONEY: (Money, "Money"),
    ColumnKind.INSTANT: (datetime, "an aware datetime"),
}


def _plain(column: Column[Any], values: Sequence[Any], currencies: Sequence[Any]) -> Sequence[Any]:
    if column.kind.is_text:
        return _texts(column, values)
    found = _types(column, values, _ROW_TYPES[column.kind])
    if column.kind is ColumnKind.MONEY:
        return _minors(values, currencies, some_empty=NoneType in found)
    if column.kind is ColumnKind.INSTANT:
        return _micros(column.key, values, some_empty=NoneType in found)
    return values


def _plain_already(column: Column[Any], values: Sequence[Any]) -> Sequence[Any]:
    if column.kind.is_text:
        return _texts(column, values)
    _types(column, values, _CELL_TYPES[column.kind])
    return values


def _types(column: Column[Any], values: Sequence[Any], expected: tuple[type, str]) -> set[type]:
    """See that values are of their column's kind, and tell which types they have."""
    right, words = expected
    found = set(map(type, values))
    for other in found - {right, NoneType}:
        # A bool is an int to Python, and a flag is no number.
        if not issubclass(other, right) or other is bool:
            culprit = next(value for value in values if type(value) is other)
            raise InvalidValue(column.key, culprit, f"{words} or None")
    return found


def _texts(column: Column[Any], values: Sequence[Any]) -> Sequence[str]:
    """One text each: nothing for None, and "a, b" for several."""
    try:
        # The fastest way to see that all of them are texts, which is so most often.
        "".join(values)
    except TypeError:
        return [_text(column, value) for value in values]
    return values


def _text(column: Column[Any], value: str | tuple[Any, ...] | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return ", ".join(_text(column, each) for each in value)
    raise InvalidValue(column.key, value, "a text, a tuple of texts, or None")


def _minors(
    amounts: Sequence[Any], currencies: Sequence[Any], *, some_empty: bool
) -> Sequence[int | None]:
    if not some_empty and list(map(_CURRENCY, amounts)) == list(currencies):
        return list(map(_MINOR, amounts))
    for amount, currency in zip(amounts, currencies, strict=True):
        if amount is not None and amount.currency != currency:
            raise CurrencyMismatch(amount.currency, str(currency))
    return [None if amount is None else amount.minor for amount in amounts]


def _micros(key: str, instants: Sequence[Any], *, some_empty: bool) -> Sequence[int | None]:
    # Most often they are in UTC already, which is cheaper to see than to do.
    there = [at for at in instants if at is not None] if some_empty else instants
    if set(map(_ZONE, there)) <= {UTC}:
        return [None if at is None else epoch_micros(at) for at in instants]
    return [None if at is None else epoch_micros(utc(at, key)) for at in instants]


_CURRENCY, _MINOR, _ZONE = attrgetter("currency"), attrgetter("minor"), attrgetter("tzinfo")
