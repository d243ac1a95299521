"""Rows as Arrow: what a store holds, for data frames, Parquet files and clusters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from shoppego_orders.money import CURRENCY_DIGITS, Money
from shoppego_orders.order import LineRow, OrderRow
from shoppego_orders.scale.extra import Array, DataType, Reader, pa
from shoppego_orders.scale.fields import (
    ARROW_TYPES,
    LINE_FIELDS,
    MONEY_TYPE,
    ORDER_FIELDS,
    Field,
    Kind,
    line_schema,
    order_schema,
)
from shoppego_orders.scale.frames import AT_ONCE

T = TypeVar("T")


def order_batches(rows: Iterable[OrderRow]) -> Reader:
    """Write orders as Arrow, a few thousand at a time: ``order_batches(store.rows(query))``.

    :returns: a ``pyarrow.RecordBatchReader`` of :func:`order_schema`, which takes the rows as it
        is read; its ``read_all()`` makes a table.
    """
    schema = order_schema()
    batches = (pa.record_batch(_orders(some), schema=schema) for some in chunks(rows))
    return pa.RecordBatchReader.from_batches(schema, batches)


def line_batches(lines: Iterable[LineRow]) -> Reader:
    """Write line items as Arrow: ``line_batches(store.lines(query))``.

    :returns: a ``pyarrow.RecordBatchReader`` of :func:`line_schema`.
    """
    schema = line_schema()
    batches = (pa.record_batch(_lines(some), schema=schema) for some in chunks(lines))
    return pa.RecordBatchReader.from_batches(schema, batches)


def array_of(field: Field, values: Sequence[Any]) -> Array:  # Any: values of the field's kind
    """A column of values as it is written."""
    type_ = ARROW_TYPES[field.kind]
    if field.kind is Kind.MONEY:
        return money_array(values)
    if field.words is not None:
        codes = {word: code for code, word in enumerate(field.words)}
        places = pa.array([codes.get(each) for each in values], type_.index_type)
        return pa.DictionaryArray.from_arrays(places, pa.array([*codes], type_.value_type))
    return pa.array(values, type_)


def money_array(amounts: Iterable[Money | None]) -> Array:
    """Amounts of any currencies as decimals of their main units."""
    return decimal_array(
        [None if each is None else each.minor * _PARTS[each.currency] for each in amounts],
        MONEY_TYPE,
    )


def decimal_array(parts: Sequence[int | None], type_: DataType) -> Array:
    """Decimals, from how many of their last digit they are."""
    whole = pa.array(parts, pa.decimal128(type_.precision, 0))
    # The same numbers, with their point.
    return pa.Array.from_buffers(type_, len(whole), whole.buffers())


_PARTS: Final = {
    code: 10 ** (MONEY_TYPE.scale - digits) for code, digits in CURRENCY_DIGITS.items()
}
"""How many of the last digit of a column of money are a minor unit."""


def _orders(rows: Sequence[OrderRow]) -> list[Array]:
    columns = zip(*rows, strict=True)
    return [array_of(*each) for each in zip(ORDER_FIELDS.values(), columns, strict=True)]


def _lines(lines: Sequence[LineRow]) -> list[Array]:
    orders, *its = zip(*lines, strict=True)
    columns = [array_of(*each) for each in zip(LINE_FIELDS.values(), its, strict=True)]
    return columns + _orders(orders)


def chunks(rows: Iterable[T]) -> Iterator[list[T]]:
    """As many of something as are in Python's hands at a time."""
    left = iter(rows)
    while some := list(islice(left, AT_ONCE)):
        yield some
