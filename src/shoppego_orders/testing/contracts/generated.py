"""What a store promises of orders and queries that nobody thought of: drawn by Hypothesis."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from hypothesis import HealthCheck, Phase, given, settings

from shoppego_orders.order import Order, OrderRow
from shoppego_orders.ports import OrderStore
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.contracts.expected import Expected, told
from shoppego_orders.testing.strategies import orders, queries


class GeneratedContract:
    """Orders in any state; a part of
    :class:`~shoppego_orders.testing.contracts.OrderStoreContract`.
    """

    def test_orders_in_any_state_are_kept(self, store: OrderStore) -> None:
        """State, history and row of each are those that were saved."""
        for order in generated_orders():
            store.save(order)
        for order in generated_orders():
            loaded = store.get(order.id)
            assert (loaded, loaded.version) == (order, len(order.changes)), order.id
            assert tuple(store.events(order.id)) == order.changes, order.id
            (row,) = store.rows(OrderQuery(ids=[order.id]))
            assert told(row) == told(OrderRow.of(order))

    def test_any_query_means_what_matches_says(self, store: OrderStore) -> None:
        """Hypothesis looks for a query that is answered otherwise, and shows the simplest."""
        held = [store.save(order) for order in generated_orders()]
        expected = Expected(held)

        # Nothing is written meanwhile, so every example is told by the same store.
        @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(queries(among=held))
        def check(query: OrderQuery) -> None:
            expected.check(store, query)

        check()


@functools.cache
def generated_orders() -> Sequence[Order]:
    """Some dozens of orders, the same in every run; they differ in id and number."""
    by_id: dict[str, Order] = {}
    numbers: set[tuple[str, str]] = set()

    # Reproducible, so that what a store gets wrong once it gets wrong again.
    @settings(
        max_examples=60,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(orders())
    def draw(order: Order) -> None:
        if order.id not in by_id and (order.shop, order.number) not in numbers:
            by_id[order.id] = order
            numbers.add((order.shop, order.number))

    draw()
    return tuple(by_id.values())
