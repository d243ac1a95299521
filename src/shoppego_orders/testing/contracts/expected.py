"""What a store must answer, worked out from the orders that it holds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import cast

from shoppego_orders.money import Money
from shoppego_orders.order import Order, OrderRow
from shoppego_orders.periods import epoch_micros
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.contracts.racing import kind_of

EVERYTHING = OrderQuery()


def expected_orders(orders: Iterable[Order], query: OrderQuery) -> list[Order]:
    """Pick and sort as ``OrderQuery`` says; what a store answers must be equal."""
    matching = [order for order in orders if query.matches(OrderRow.of(order))]
    matching.sort(key=lambda order: (order.placed_at, order.id), reverse=query.newest_first)
    return matching[: query.limit]


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
