"""What a store must answer, worked out from the orders that it holds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import cast

from shoppego_orders.money import Money
from shoppego_orders.order import LineRow, Order, OrderRow
from shoppego_orders.periods import epoch_micros
from shoppego_orders.ports import OrderStore
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.contracts.racing import kind_of

EVERYTHING = OrderQuery()


class Expected:
    """What a store must answer of some orders; their rows are made once for all questions.

    :param orders: all that it holds.
    """

    def __init__(self, orders: Iterable[Order]) -> None:
        held = sorted(orders, key=lambda order: (order.placed_at, order.id))
        self._held = [(OrderRow.of(order), order) for order in held]

    def check(self, store: OrderStore, query: OrderQuery) -> None:
        """Rows, lines and count must be those that ``OrderQuery.matches`` picks, in order."""
        matching = [(row, order) for row, order in self._held if query.matches(row)]
        if query.newest_first:
            matching.reverse()
        shown = matching[: query.limit]
        expected, found = [row for row, _ in shown], list(store.rows(query))
        assert [row.id for row in found] == [row.id for row in expected], query
        assert found == expected, query
        assert list(store.lines(query)) == [
            LineRow.of(row, position, line)
            for row, order in shown
            for position, line in enumerate(order.lines, 1)
        ], query
        assert store.count(query) == len(matching), query


def plain(value: object) -> object:
    """A field of a row as the plain value that stands for it in columns."""
    if isinstance(value, Money):
        return value.minor
    if isinstance(value, datetime):
        return epoch_micros(value)
    if isinstance(value, tuple):
        return tuple(map(plain, cast("tuple[object, ...]", value)))
    return value


def told(row: OrderRow) -> list[tuple[str, str, object]]:
    """The fields of a row with their types: 1 is not True, and a text is no status."""
    return [
        (name, kind_of(value), value) for name, value in zip(OrderRow._fields, row, strict=True)
    ]
