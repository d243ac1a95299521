"""A sweep that finds a thousand due orders in a small history, and in a large one."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event

from _traffic import BEGAN
from shoppego_orders.abandonment import AbandonmentPolicy, next_due, sweep
from shoppego_orders.adapters.sql import SqlOrderStore
from shoppego_orders.adapters.sql.schema import orders
from shoppego_orders.customers import Customer
from shoppego_orders.money import Money
from shoppego_orders.order import LineItem, Order

DUE: Final = 1_000
SEED: Final = 2_000
SHOPS: Final = 4
ROUNDS: Final = 5
PRICE: Final = Money("59.50", "MYR")
POLICY: Final = AbandonmentPolicy()
_INSTANTS: Final = (
    *("placed_at", "completed_at", "paid_at", "changed_at", "abandoned_at"),
    *("returned_at", "recovered_at"),
)


def shop(number: int) -> str:
    return f"kedai-{number % SHOPS}.myshoppegram.com"


def begun(id: str, number: int, customer: str, at: datetime) -> Order:
    return Order.place(
        id=id,
        at=at,
        shop=shop(number),
        currency="MYR",
        lines=[LineItem("Tudung Bawal", 1, PRICE)],
        customer=Customer(email=f"{customer}@example.my"),
    )


def build(path: Path, size: int) -> SqlOrderStore:
    """A history of so many decided orders: some through the store, multiplied in the database.

    Each copy begins six hours before the next, has an id, a number and a customer of its own, and
    shares the document. Lines, tags and events of the copies are left out: a sweep reads none.
    """
    store = SqlOrderStore.open(path)
    with store.batch():
        for number in range(SEED):
            order = begun(f"{number}", number, f"pelanggan{number}", at=BEGAN + gap(number))
            if number % 10 < 7:
                order = order.record_payment(f"pay-{number}", PRICE, at=BEGAN + gap(number + 5))
            store.save(order)
    sweep(store, POLICY, BEGAN + timedelta(hours=12))
    copies = size // SEED - 1
    names = [column.name for column in orders.c]
    made = {name: f"printf('%06d-', copy) || {name}" for name in ("id", "number", "customer_key")}
    made |= {name: f"{name} + (copy - {copies + 1}) * {6 * 3600 * 10**6}" for name in _INSTANTS}
    multiply = (
        "WITH RECURSIVE copies (copy) AS "
        "(SELECT ? UNION ALL SELECT copy + 1 FROM copies WHERE copy < ?) "
        f"INSERT INTO {orders.name} ({', '.join(names)}) "
        f"SELECT {', '.join(made.get(name, name) for name in names)} FROM copies CROSS JOIN seed"
    )
    with store.database.engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE TEMP TABLE seed AS SELECT * FROM {orders.name}")
        connection.exec_driver_sql("PRAGMA cache_size = -500000")
        for first in range(1, copies + 1, 50):
            connection.exec_driver_sql(multiply, (first, min(first + 49, copies)))
            connection.commit()
        connection.invalidate()
    return store


def gap(number: int) -> timedelta:
    return timedelta(seconds=10 * number)


def begin(store: SqlOrderStore, now: datetime) -> None:
    """A thousand orders that will be due at a moment, and a hundred that won't be yet.

    About half are of customers who bought before; every tenth is paid in time, and one more of
    its customer is due.
    """
    at = now - timedelta(hours=3)
    with store.batch():
        for number in range(DUE):
            # The sixth is of the fifth one's customer, in the same shop.
            whose = number - 1 if number % 10 == 5 else number
            who = f"pelanggan{whose}" if whose % 2 else f"baru{whose}"
            began_at = at + gap(number) / 10
            order = begun(f"{now:%m%d%H}-{number}", whose, who, began_at)
            if number % 10 == 4:
                order = order.record_payment("pay", PRICE, at=began_at + timedelta(minutes=5))
            store.save(order)
        for number in range(100):
            later = now - timedelta(minutes=30)
            order = begun(f"{now:%m%d%H}-later-{number}", number, f"baru{number * 5}", later)
            store.save(order)


class Timed:
    """Median seconds of what was asked of several stores in turn."""

    def __init__(self) -> None:
        self._wall: dict[tuple[str, int], list[float]] = {}
        self._cpu: dict[tuple[str, int], list[float]] = {}

    def ask(self, what: str, size: int, question: Callable[[], object]) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        question()
        self._cpu.setdefault((what, size), []).append(time.process_time() - cpu)
        self._wall.setdefault((what, size), []).append(time.perf_counter() - wall)

    def report(self, small: int, large: int) -> None:
        for what in dict.fromkeys(what for what, _ in self._cpu):
            (cpu, more_cpu), (wall, more_wall) = (
                [statistics.median(times[what, size]) * 1e3 for size in (small, large)]
                for times in (self._cpu, self._wall)
            )
            print(
                f"  {cpu:8.1f} → {more_cpu:8.1f} ms CPU, {more_cpu / cpu:5.2f} times;"
                f"  {wall:8.1f} → {more_wall:8.1f} ms wall, {more_wall / wall:5.2f} times  {what}"
            )


def compare(folder: Path, small: int, large: int) -> None:
    """Sweep both stores in turn, and print what it took."""
    stores: dict[int, SqlOrderStore] = {}
    for size in (small, large):
        start = time.perf_counter()
        path = folder / f"{size}.sqlite"
        stores[size] = build(path, size)
        taken, mb = time.perf_counter() - start, path.stat().st_size / 1e6
        print(f"  {size:,} orders: made in {taken:.0f} s, {mb:,.0f} MB on disk")
    timed = Timed()
    now = BEGAN + timedelta(days=1)
    for _ in range(ROUNDS):
        now += timedelta(hours=6)
        for store in stores.values():
            begin(store, now)
        for size, store in stores.items():
            _sweep(timed, size, store, now)
    timed.report(small, large)
    for one in (None, shop(1)):
        now += timedelta(hours=6)
        begin(stores[large], now)
        with statements(stores[large]) as asked:
            found = sweep(stores[large], POLICY, now, shop=one)
            next_due(stores[large], POLICY, now, shop=one)
        steps = {step for each in asked for step in plan(stores[large], *each)}
        # The texts that were asked for go as one parameter, which is a table for SQLite.
        scans = [step for step in steps if "SCAN" in step and "VIRTUAL TABLE" not in step]
        print(f"  {one or 'all shops'}: {found.judged:,} judged, {len(asked):,} questions;")
        print(f"    tables scanned: {', '.join(sorted(scans)) or 'none'}")
    for store in stores.values():
        store.close()


def _sweep(timed: Timed, size: int, store: SqlOrderStore, now: datetime) -> None:
    def swept(*, one: str | None = None, dry_run: bool = False) -> None:
        found = sweep(store, POLICY, now, shop=one, dry_run=dry_run)
        assert found.judged >= (DUE // SHOPS // 2 if one else DUE)
        assert not found.skipped

    timed.ask("sweep, dry run, one shop", size, lambda: swept(one=shop(1), dry_run=True))
    timed.ask("sweep, dry run, all shops", size, lambda: swept(dry_run=True))
    timed.ask("sweep, marking, all shops", size, swept)
    timed.ask("next_due, all shops", size, lambda: next_due(store, POLICY, now))


@contextmanager
def statements(store: SqlOrderStore) -> Generator[list[tuple[str, Any]]]:
    """What is asked of the database meanwhile, each statement once."""
    asked: dict[str, Any] = {}

    def listen(_: object, __: object, statement: str, values: Any, *___: object) -> None:
        asked.setdefault(statement, values)

    found: list[tuple[str, Any]] = []
    event.listen(store.database.engine, "before_cursor_execute", listen)
    try:
        yield found
    finally:
        event.remove(store.database.engine, "before_cursor_execute", listen)
    found += [(text, asked[text]) for text in asked if text.startswith(("SELECT", "UPDATE"))]


def plan(store: SqlOrderStore, statement: str, values: Any) -> list[str]:
    with store.database.reading() as connection:
        found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        return [str(row[3]) for row in found]
