"""What the bridge to an async port costs: a call, and a row of a stream.

Run it with the package installed, and ``sql`` among its extras::

    python tests/bench/bridge.py

Each store is asked directly, and in turn through the bridge by way of ``async def`` methods that
wait for nothing; so what is more is the bridge's. Processor time.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

from _ratios import Comparison, timed, told
from shoppego_orders import OrderQuery, OrderStore, blocking, in_thread, save_many
from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.adapters.sql import SqlOrderStore
from shoppego_orders.order import LineRow, Order, OrderEvent, OrderRow
from shoppego_orders.testing.samples import NOON, order_of

ROUNDS = 9
CALLS = 2_000
ORDERS = 20_000
EVERYTHING = OrderQuery()


class Awaited:
    """Any store as an ``AsyncOrderStore``."""

    def __init__(self, store: OrderStore) -> None:
        self._store = store

    async def get(self, order_id: str) -> Order:
        return self._store.get(order_id)

    async def save(self, order: Order) -> Order:
        return self._store.save(order)

    async def rows(self, query: OrderQuery) -> AsyncIterator[OrderRow]:
        for row in self._store.rows(query):
            yield row

    async def lines(self, query: OrderQuery) -> AsyncIterator[LineRow]:
        for line in self._store.lines(query):
            yield line

    async def count(self, query: OrderQuery) -> int:
        return self._store.count(query)

    async def events(self, order_id: str) -> Sequence[OrderEvent]:
        return self._store.events(order_id)

    async def settle_kept(self, judged: Sequence[OrderRow]) -> None:
        self._store.settle_kept(judged)


def calls(store: OrderStore) -> None:
    for _ in range(CALLS):
        store.get("7")


def rows(store: OrderStore) -> None:
    assert sum(1 for _ in store.rows(EVERYTHING)) == ORDERS


JOBS: Final = {"a call of get": (calls, CALLS), "a row": (rows, ORDERS)}


def over_the_bridge(job: Callable[[OrderStore], None], store: OrderStore, count: int) -> float:
    async def timed_in_thread() -> float:
        return await in_thread(timed, partial(job, blocking(Awaited(store))), count)

    return asyncio.run(timed_in_thread())


def comparisons(folder: Path, _orders: int) -> Iterator[Comparison]:
    orders = [order_of(str(n), at=NOON + timedelta(seconds=n)) for n in range(ORDERS)]
    with SqlOrderStore.open(folder / "bridge.sqlite") as sql:
        for name, store in (("memory", MemoryOrderStore()), ("SQLite", sql)):
            save_many(store, orders)
            for what, (job, count) in JOBS.items():
                contenders = {
                    "over the bridge": partial(over_the_bridge, job, store, count),
                    "directly": partial(timed, partial(job, store), count),
                }
                yield Comparison(f"{what} over the bridge, {name}", contenders, ROUNDS)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        told(comparisons(Path(place), 0))
