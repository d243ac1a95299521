"""Workers that place, pay, cancel, sweep and export on one store at once, and what came of it.

Each notes every save of its own, the sweep's too: from which version to which, and which events
were added. Afterwards the notes of all must make every history without a gap, an overlap or a
rest, and the histories the orders.
"""

from __future__ import annotations

import csv
import io
import math
import multiprocessing
import random
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs

from shoppego_orders.abandonment import AbandonmentPolicy, sweep
from shoppego_orders.adapters.sql import SqlOrderStore
from shoppego_orders.customers import Customer
from shoppego_orders.errors import DuplicateOrder, StaleOrder
from shoppego_orders.export import ExportRequest, export_csv
from shoppego_orders.money import Money
from shoppego_orders.order import LineItem, LineRow, Order, OrderEvent, OrderRow
from shoppego_orders.ports import OrderStore
from shoppego_orders.query import OrderQuery
from shoppego_orders.serialization import event_to_json

KINDS: Final[Mapping[str, float]] = {
    "place": 0.3,
    "pay": 0.4,
    "cancel": 0.15,
    "sweep": 0.1,
    "export": 0.05,
}
"""What is done, and how often."""
POLICY: Final = AbandonmentPolicy()
BEGAN: Final = datetime(2026, 3, 3, tzinfo=UTC)
SHOPS: Final = 8
HOT: Final = 30
"""So many of the newest orders are what everybody pays and cancels."""
FOR_ALL: Final = 8
"""Every so manieth order is placed by all workers: a webhook that arrives again."""
_NEEDED: Final = (
    *("shoppego_orders.abandonment", "shoppego_orders.export", "shoppego_orders.adapters.sql"),
    *("psycopg", "sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql.psycopg"),
)
_PRICE: Final = Money("59.50", "MYR")
_MOMENT: Final = timedelta(seconds=5)


@attrs.frozen
class Stint:
    """How long each of several workers works: whichever ends first."""

    workers: int = 8
    deeds: int = sys.maxsize
    seconds: float = math.inf


@attrs.frozen
class Saved:
    """One save that a store acknowledged.

    :ivar events: a checksum of each event that it added.
    """

    order_id: str
    before: int
    after: int
    events: tuple[int, ...]


@attrs.frozen
class Work:
    """What one worker did.

    :ivar took: seconds that each deed took, by its kind.
    :ivar conflicts: how many saves were refused since another worker was first, by the deed.
    :ivar retried: how many deeds were done again, for that reason, until they were through.
    :ivar seconds: how long it worked.
    """

    saved: list[Saved] = attrs.field(factory=list[Saved])
    took: dict[str, list[float]] = attrs.field(factory=lambda: {kind: [] for kind in KINDS})
    conflicts: Counter[str] = attrs.field(factory=Counter[str])
    retried: Counter[str] = attrs.field(factory=Counter[str])
    seconds: float = 0.0


class NotingStore:
    """A store as it is, but for the notes that are taken of what it saves and refuses."""

    def __init__(self, store: OrderStore, work: Work) -> None:
        self._store, self._work = store, work
        self.deed = ""

    def get(self, order_id: str) -> Order:
        return self._store.get(order_id)

    def save(self, order: Order) -> Order:
        try:
            saved = self._store.save(order)
        except (StaleOrder, DuplicateOrder):
            self._work.conflicts[self.deed] += 1
            raise
        if order.changes:
            events = tuple(map(checksum, order.changes))
            self._work.saved.append(Saved(order.id, order.version, saved.version, events))
        return saved

    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        return self._store.rows(query)

    def lines(self, query: OrderQuery) -> Iterator[LineRow]:
        return self._store.lines(query)

    def count(self, query: OrderQuery) -> int:
        return self._store.count(query)

    def events(self, order_id: str) -> Sequence[OrderEvent]:
        return self._store.events(order_id)

    def settle_kept(self, judged: Iterable[OrderRow]) -> None:
        self._store.settle_kept(judged)


def checksum(event: OrderEvent) -> int:
    return zlib.crc32(event_to_json(event).encode())


def work(store: OrderStore, name: int, stint: Stint) -> Work:
    """Do what one worker does."""
    done = Work()
    worker = _Worker(store, name, done)
    began = time.perf_counter()
    end = began + stint.seconds
    for number in range(stint.deeds):
        start = time.perf_counter()
        if start >= end:
            break
        kind = worker.deed(number)
        done.took[kind].append(time.perf_counter() - start)
    return attrs.evolve(done, seconds=time.perf_counter() - began)


class _Worker:
    def __init__(self, store: OrderStore, name: int, done: Work) -> None:
        self._name, self._done = name, done
        self._plain = store
        self._store = NotingStore(store, done)
        self._chance = random.Random(name)
        self._placed = 0

    def deed(self, number: int) -> str:
        """Do something, and return what."""
        (kind,) = self._chance.choices([*KINDS], [*KINDS.values()])
        self._store.deed = kind
        now = BEGAN + number * _MOMENT
        match kind:
            case "place":
                self._place(now)
            case "pay":
                reference = f"{self._name}-{number}"
                self._change(
                    lambda order: order.record_payment(reference, Money("0.50", "MYR"), at=now)
                )
            case "cancel":
                self._change(
                    lambda order: (
                        order.cancel(reason="sold out", at=now) if order.can("cancel") else order
                    )
                )
            case "sweep":
                sweep(self._store, POLICY, now, limit=10)
            case _:
                self._export(now)
        return kind

    def _place(self, now: datetime) -> None:
        self._placed += 1
        number = self._placed // FOR_ALL
        ours = self._placed % FOR_ALL
        order_id = f"{self._name}-{self._placed}" if ours else f"all-{number}"
        # Some began long ago, so that there is something to sweep. Those for all are the same.
        age = timedelta(minutes=self._chance.choice([0, 0, 70])) if ours else timedelta()
        order = Order.place(
            id=order_id,
            at=now - age if ours else BEGAN + number * FOR_ALL * _MOMENT,
            shop=_shop(self._chance.randrange(SHOPS) if ours else number),
            currency="MYR",
            lines=[LineItem("Tudung Bawal", 1, _PRICE), LineItem("Anak tudung", 2, _PRICE)],
            customer=Customer(email=f"pelanggan{self._chance.randrange(500)}@example.my"),
            tags=["raya"],
        )
        try:
            self._store.save(order)
        except DuplicateOrder:
            # Another worker was first: then it is there, and that is what counts.
            assert self._store.get(order_id).version

    def _change(self, change: Callable[[Order], Order]) -> None:
        newest = [row.id for row in self._store.rows(OrderQuery(newest_first=True, limit=HOT))]
        if not newest:
            return
        order_id = self._chance.choice(newest)
        again = False
        while True:
            order = change(self._store.get(order_id))
            try:
                self._store.save(order)
            except StaleOrder:
                again = True
            else:
                self._done.retried[self._store.deed] += again
                return

    def _export(self, now: datetime) -> None:
        # Past the notes: an export asks for columns where a store has them.
        query = OrderQuery(shop=_shop(self._chance.randrange(SHOPS)), newest_first=True, limit=1000)
        stream = export_csv(self._plain, ExportRequest(query=query))
        text = b"".join(stream).decode()
        numbers = [record[0] for record in csv.reader(io.StringIO(text))][1:]
        assert len(numbers) == stream.summary.records == len(set(numbers)), now


def _shop(number: int) -> str:
    return f"kedai-{number % SHOPS}.myshoppegram.com"


# Several at once


def in_threads(store: OrderStore, stint: Stint) -> list[Work]:
    """Let threads work on one store."""
    with ThreadPoolExecutor(stint.workers) as threads:
        working = [threads.submit(work, store, name, stint) for name in range(stint.workers)]
        return [each.result() for each in working]


def in_processes(target: str, stint: Stint) -> list[Work]:
    """Let processes work on one database, each with a store of its own."""
    # Each begins as a copy of a clean server that has imported what it needs, and nothing else.
    fresh = multiprocessing.get_context("forkserver")
    fresh.set_forkserver_preload(list(_NEEDED))
    together = fresh.Barrier(stint.workers)
    processes: list[tuple[Any, Any]] = []  # Any: multiprocessing's types differ by platform
    for name in range(stint.workers):
        here, there = fresh.Pipe(duplex=False)
        given = (there, together, target, name, stint)
        process = fresh.Process(target=_work_in_process, args=given)
        process.start()
        there.close()
        processes.append((process, here))
    try:
        return [here.recv() for _, here in processes]
    finally:
        for process, here in processes:
            here.close()
            process.join()
            process.close()


def _work_in_process(there: Any, together: Any, target: str, name: int, stint: Stint) -> None:
    with SqlOrderStore(target) as store:
        together.wait(60)
        there.send(work(store, name, stint))


# The proof


def problems(store: OrderStore, works: Iterable[Work]) -> Iterator[str]:
    """Say what was lost or doubled; nothing, if all is well."""
    by_order: dict[str, list[Saved]] = {}
    for each in works:
        for saved in each.saved:
            by_order.setdefault(saved.order_id, []).append(saved)
    rows = {row.id: row for row in store.rows(OrderQuery())}
    if rows.keys() != by_order.keys():
        yield f"orders lost or never saved: {sorted(rows.keys() ^ by_order.keys())}"
    if store.count(OrderQuery()) != len(rows):
        yield f"{store.count(OrderQuery())} are counted, and {len(rows)} are there"
    for order_id in rows.keys() & by_order.keys():
        saves = sorted(by_order[order_id], key=lambda saved: saved.before)
        version = 0
        for saved in saves:
            if saved.before != version:
                yield f"order {order_id}: saved from version {saved.before}, and not {version}"
            version = saved.after
        order, events = store.get(order_id), store.events(order_id)
        if order.version != version:
            yield f"order {order_id}: version {order.version}, and {version} was acknowledged"
        if [*map(checksum, events)] != [each for saved in saves for each in saved.events]:
            yield f"order {order_id}: its events are not those that were acknowledged"
        if Order.replay(events) != order or OrderRow.of(order) != rows[order_id]:
            yield f"order {order_id}: its history, its state and its row disagree"
    if isinstance(store, SqlOrderStore):
        yield from store.disagreements()
    undecided = store.count(OrderQuery(decided=False))
    judged = sweep(store, POLICY, BEGAN + timedelta(days=1000), dry_run=True).judged
    if judged != undecided:
        yield f"{undecided} orders are undecided, and a sweep finds {judged}"
