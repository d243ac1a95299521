"""A writer that places, pays and cancels orders until it is killed; for fresh processes.

It tells each transaction before it tries it, and once more when the store has said that it was
saved. Whoever kills it knows so what must be there, and what may be.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Final

import attrs

from fresh_processes import fresh
from shoppego_orders.adapters.sql import SqlOrderStore
from shoppego_orders.errors import StoreUnusable
from shoppego_orders.order import LineItem, LineRow, Order, OrderRow
from shoppego_orders.ports import save_many
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.samples import NOON, myr, order_of

PATIENCE: Final = 60.0
"""Seconds after which a writer hangs; it is killed after some milliseconds."""

Transaction = Mapping[str, int]
"""What is saved together: the version that each order then has, by id."""

_NEWEST: Final = OrderQuery(newest_first=True, limit=20)
_KINDS: Final = ("place", "pay", "cancel", "several")


def write(target: str, name: str, seed: int, there: Any) -> None:
    # Any: multiprocessing's connection types differ by platform
    """Write until death, or until the server is gone."""
    chance = random.Random(seed)
    with SqlOrderStore(target) as store:
        known = [store.get(row.id) for row in store.rows(_NEWEST)]
        for number in count():
            orders = _changed(known, f"{name}-{number}", chance)
            tried = {order.id: order.version + len(order.changes) for order in orders}
            there.send((tried, False))
            try:
                if len(orders) == 1:
                    saved = [store.save(orders[0])]
                else:
                    outcomes = save_many(store, orders)
                    saved = [each for each in outcomes if isinstance(each, Order)]
                    assert len(saved) == len(orders), outcomes
            except StoreUnusable:
                return
            there.send((tried, True))
            known = [order for order in known if order.id not in tried][-20:] + saved


def _changed(known: list[Order], name: str, chance: random.Random) -> list[Order]:
    """What is saved next, in one transaction."""
    kind = chance.choice(_KINDS)
    some = chance.sample(known, min(len(known), 3))
    if kind == "several":
        return [_placed(name, chance), *(_paid(order, name) for order in some)]
    for order in some:
        if kind == "pay":
            return [_paid(order, name)]
        if kind == "cancel" and order.can("cancel"):
            return [order.cancel(reason=name, at=NOON)]
    return [_placed(name, chance)]


def _placed(name: str, chance: random.Random) -> Order:
    # Some fill several pages of a database, so that there is more of them to lose.
    note = "Tolong hantar sebelum Jumaat. " * chance.choice([0, 1, 300])
    lines = [LineItem(f"Kopi {kind}", 1, myr("5.90")) for kind in "OCK"[: chance.randint(1, 3)]]
    return order_of(name, lines=lines, note=note, tags=chance.sample(["gift", "vip", "new"], 2))


def _paid(order: Order, reference: str) -> Order:
    return order.record_payment(reference, myr("0.10"), at=NOON)


@attrs.frozen
class End:
    """How a writer ended.

    :ivar saved: the transactions that the store said it had saved.
    :ivar doubtful: one that it was in; nobody knows whether it was saved.
    """

    saved: tuple[Transaction, ...]
    doubtful: Transaction


def until_killed(
    target: str,
    name: str,
    chance: random.Random,
    kill: Callable[[int], None] = lambda process: os.kill(process, signal.SIGKILL),
) -> End:
    """Let a writer write, and have it killed at a random point of a random transaction.

    :param kill: takes the writer's process; may kill something else that makes it end.
    """
    processes = fresh()
    here, there = processes.Pipe(duplex=False)
    writer = processes.Process(target=write, args=(target, name, chance.getrandbits(32), there))
    writer.start()
    there.close()
    told: list[tuple[Transaction, bool]] = []
    try:
        for _ in range(chance.randint(1, 12)):
            assert here.poll(PATIENCE), "the writer hangs"
            told.append(here.recv())
        # From right now to the middle of a later transaction.
        time.sleep(chance.choice([0, 10 ** -chance.uniform(2, 6)]))
        assert writer.pid is not None
        kill(writer.pid)
        try:
            while here.poll(PATIENCE):
                told.append(here.recv())
            raise TimeoutError("the writer was not killed")
        except EOFError:
            pass
        writer.join(PATIENCE)
        assert writer.exitcode in {0, -signal.SIGKILL}, writer.exitcode
    finally:
        writer.kill()
        writer.join()
        here.close()
    saved = tuple(tried for tried, done in told if done)
    last, done = told[-1]
    return End(saved, {} if done else last)


class Shop:
    """What a store must hold, and what became of what was doubtful."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._versions: dict[str, int] = {}
        self.became = Counter[str]()
        SqlOrderStore.open(target).close()

    def check(self, end: End) -> None:
        """Open the store again, as if the program had started anew, and look at what it holds."""
        for transaction in end.saved:
            self._versions.update(transaction)
        touched = set[str]().union(*end.saved, end.doubtful)
        with SqlOrderStore.open(self._target) as store:
            rows = list(store.rows(OrderQuery(ids=touched)))
            orders = {row.id: store.get(row.id) for row in rows}
            found = {order.id: order.version for order in orders.values()}
            before = {name: self._versions.get(name, 0) for name in end.doubtful}
            if not end.doubtful:
                self.became["nothing was doubtful"] += 1
            elif {name: found.get(name, 0) for name in end.doubtful} == before:
                self.became["the doubtful transaction is not there"] += 1
            else:
                self.became["the doubtful transaction is there"] += 1
                self._versions.update(end.doubtful)
            self.became["transactions saved"] += len(end.saved)
            # Every acknowledged save, and of a transaction all or nothing.
            assert found == {
                name: self._versions[name] for name in touched if name in self._versions
            }
            assert rows == [OrderRow.of(orders[row.id]) for row in rows]
            assert list(store.lines(OrderQuery(ids=touched))) == [
                LineRow.of(row, position, line)
                for row in rows
                for position, line in enumerate(orders[row.id].lines, 1)
            ]
            for order in orders.values():
                events = store.events(order.id)
                assert len(events) == order.version
                assert Order.replay(events) == order
            assert store.count(OrderQuery()) == len(self._versions)

    def check_all(self) -> None:
        with SqlOrderStore.open(self._target) as store:
            assert list(store.disagreements()) == []
            rows = store.rows(OrderQuery())
            assert {row.id: store.get(row.id).version for row in rows} == self._versions
