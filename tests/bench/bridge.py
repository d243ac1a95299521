"""What the bridge to an async port costs: a call, and a row of a stream.

Run it with the package installed, and ``sql`` among its extras::

    python tests/bench/bridge.py

Each store is asked directly, and in turn through the bridge by way of ``async def`` methods that
wait for nothing; so what is more is the bridge's. Medians of processor time, for a machine may
have other work to do.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from pathlib import Path

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


def calls(store: OrderStore) -> int:
    for _ in range(CALLS):
        store.get("7")
    return CALLS


def rows(store: OrderStore) -> int:
    return sum(1 for _ in store.rows(EVERYTHING))


def micros(job: Callable[[OrderStore], int], store: OrderStore) -> float:
    begun = time.process_time()
    number = job(store)
    return (time.process_time() - begun) / number * 1e6


async def compare(name: str, store: OrderStore) -> None:
    view = blocking(Awaited(store))
    for what, job in (("a call of get", calls), ("a row", rows)):
        pairs = [(micros(job, store), await in_thread(micros, job, view)) for _ in range(ROUNDS)]
        alone, bridged = (statistics.median(times) for times in zip(*pairs, strict=True))
        more = f"{bridged - alone:+10.1f}"
        print(f"{name:8}{what:16}{alone:10.1f}{bridged:10.1f}{more}{bridged / alone:8.2f}")


def main() -> None:
    orders = [order_of(str(n), at=NOON + timedelta(seconds=n)) for n in range(ORDERS)]
    print(f"{'store':8}{'microseconds':16}{'directly':>10}{'bridged':>10}{'more':>10}{'ratio':>8}")
    with (
        tempfile.TemporaryDirectory() as folder,
        SqlOrderStore.open(Path(folder) / "orders.sqlite") as sql,
    ):
        for name, store in (("memory", MemoryOrderStore()), ("SQLite", sql)):
            save_many(store, orders)
            asyncio.run(compare(name, store))


if __name__ == "__main__":
    main()
