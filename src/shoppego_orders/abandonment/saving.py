"""Change a stored order, whoever else saves it meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from shoppego_orders.abandonment.sweep import TRIES
from shoppego_orders.errors import StaleOrder
from shoppego_orders.order import Order
from shoppego_orders.ports import OrderStore


def saved(store: OrderStore, order_id: str, change: Callable[[Order], Order]) -> Order:
    """Load an order, change it and save it; where someone saved it first, do all of it again.

    :param change: takes the order as it is now; asked again each time.
    :returns: the order as it was saved.
    :raises OrderNotFound: if there is none.
    :raises StaleOrder: if others saved it first again and again; nothing is written.
    """
    for _ in range(TRIES - 1):
        with suppress(StaleOrder):
            return store.save(change(store.get(order_id)))
    return store.save(change(store.get(order_id)))
