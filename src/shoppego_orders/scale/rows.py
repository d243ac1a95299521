"""Rows of a frame, looked at where they lie: only the columns that are read become values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import repeat
from operator import itemgetter
from typing import Any, cast

import attrs

from shoppego_orders.order import LineRow, OrderRow
from shoppego_orders.scale.extra import Array
from shoppego_orders.scale.fields import LINE_FIELDS, ORDER_FIELDS
from shoppego_orders.scale.frames import Frame, open_frame
from shoppego_orders.scale.values import Arrays, Values, values_of


def rows_of(frame: Frame, *, names: Mapping[str, str] | None = None) -> Iterator[OrderRow]:
    """Read the rows of a frame that has every column of :func:`order_schema`.

    :param names: the frame's own, by ours, where they differ: ``{"id": "order_no"}``.
    :raises InvalidFrame: for columns that are missing or of the wrong type; iterating raises it
        for a batch that holds what no row can.
    """
    opened = open_frame(frame, ORDER_FIELDS.values(), names)
    return (row for checked in opened for row in _rows(checked.columns))


def lines_of(frame: Frame, *, names: Mapping[str, str] | None = None) -> Iterator[LineRow]:
    """Read the line items of a frame that has every column of :func:`line_schema`.

    :param names: as for :func:`rows_of`.
    :raises InvalidFrame: as :func:`rows_of` does.
    """
    opened = open_frame(frame, (*ORDER_FIELDS.values(), *LINE_FIELDS.values()), names)
    return (
        line for checked in opened for line in line_rows(_rows(checked.columns), checked.columns)
    )


def line_rows(orders: Iterable[OrderRow], arrays: Arrays) -> Iterator[LineRow]:
    """Put the line items of some rows beside the orders of the same rows."""
    its = [values_of(field, arrays) for field in LINE_FIELDS.values()]
    return (LineRow(*values) for values in zip(orders, *its, strict=True))


def _rows(arrays: Arrays) -> Iterator[OrderRow]:
    columns = [values_of(field, arrays) for field in ORDER_FIELDS.values()]
    return map(OrderRow._make, zip(*columns, strict=True))


class Columns:
    """The columns of some rows of orders as lists, each made when it is first read."""

    __slots__ = ("_arrays", "_made", "_places")

    def __init__(self, arrays: Arrays, places: Array | None = None) -> None:
        self._arrays = arrays
        self._places = places
        self._made: dict[str, Values] = {}

    def __getitem__(self, name: str) -> Values:
        values = self._made.get(name)
        if values is None:
            arrays = self._arrays
            if self._places is not None:
                needed = {name, "currency"} & arrays.keys()
                arrays = {each: arrays[each].take(self._places) for each in needed}
            values = self._made[name] = values_of(ORDER_FIELDS[name], arrays)
        return values

    def __len__(self) -> int:
        if self._places is not None:
            return len(self._places)
        return len(next(iter(self._arrays.values())))


@attrs.frozen
class RowView:
    """Makes rows that have the attributes of ``OrderRow``, and are taken for such rows.

    Those that are surely read are in the row itself, which is found soonest; any other column is
    made when a row is first asked for it.

    :ivar names: what is surely read.
    """

    names: tuple[str, ...]
    _type: type[tuple[Any, ...]] = attrs.field(  # Any: fields as the columns have them
        init=False, default=attrs.Factory(lambda self: _row_type(self.names), takes_self=True)
    )

    def rows(self, columns: Columns) -> Iterator[OrderRow]:
        """Look at all rows of some columns, in their order."""
        values = zip(*(columns[name] for name in self.names), repeat(columns), range(len(columns)))
        new = partial(tuple.__new__, self._type)  # pyright: ignore[reportUnknownMemberType]  # of a bare tuple
        return cast("Iterator[OrderRow]", map(new, values))


# Any: fields as the columns have them
def _row_type(names: tuple[str, ...]) -> type[tuple[Any, ...]]:
    def made(row: tuple[Any, ...], name: str) -> object:  # Any: as above
        if name not in ORDER_FIELDS:
            raise AttributeError(name, name=name, obj=row)
        columns, place = row[-2:]
        return columns[name][place]

    found = {name: property(itemgetter(place)) for place, name in enumerate(names)}
    return type("FrameRow", (tuple,), {"__slots__": (), "__getattr__": made, **found})
