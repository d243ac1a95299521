"""A sweep that finds a thousand due orders in a small history, and in a large one."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event

from _ratios import Comparison, timed
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
SMALL: Final = 10_000
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


class Swept:
    """A store at a moment at which a thousand orders are due."""

    def __init__(self, path: Path, size: int) -> None:
        start = time.perf_counter()
        self.store = build(path, size)
        self.now = BEGAN + timedelta(days=1)
        took, mb = time.perf_counter() - start, path.stat().st_size / 1e6
        print(f"  {size:,} orders: made in {took:.0f} s, {mb:,.0f} MB on disk")
        begin(self.store, self.now)

    def begin_again(self) -> None:
        """The same half a day later, once those that were due are swept."""
        self.now += timedelta(hours=6)
        begin(self.store, self.now)

    def sweep(self, one: str | None = None, *, dry_run: bool) -> None:
        found = sweep(self.store, POLICY, self.now, shop=one, dry_run=dry_run)
        assert found.judged >= (DUE // SHOPS // 2 if one else DUE)
        assert not found.skipped

    def of_one_shop(self) -> float:
        return timed(lambda: self.sweep(shop(1), dry_run=True))

    def of_all(self) -> float:
        return timed(lambda: self.sweep(dry_run=True))

    def due_next(self) -> float:
        return timed(lambda: next_due(self.store, POLICY, self.now))

    def marking(self) -> float:
        took = timed(lambda: self.sweep(dry_run=False))
        self.begin_again()
        return took


QUESTIONS: Final[dict[str, Callable[[Swept], float]]] = {
    "dry run, one shop": Swept.of_one_shop,
    "dry run, all shops": Swept.of_all,
    "next_due": Swept.due_next,
    "marking, all shops": Swept.marking,
}


def comparisons(folder: Path, orders: int) -> Iterator[Comparison]:
    """Sweep a large store, and a small one in turn; then say what the large one read."""
    sizes = (orders, SMALL)
    stores = {size: Swept(folder / f"{size}.sqlite", size) for size in sizes}
    for what, ask in QUESTIONS.items():
        asked = {f"of {size:,} stored": partial(ask, stored) for size, stored in stores.items()}
        yield Comparison(f"a sweep of 1,100 due of {orders:,} stored, {what}", asked)
    large = stores[orders]
    for one in (None, shop(1)):
        with statements(large.store) as asked_of_it:
            found = sweep(large.store, POLICY, large.now, shop=one)
            next_due(large.store, POLICY, large.now, shop=one)
        steps = {step for each in asked_of_it for step in plan(large.store, *each)}
        # The texts that were asked for go as one parameter, which is a table for SQLite.
        scans = [step for step in steps if "SCAN" in step and "VIRTUAL TABLE" not in step]
        print(f"  {one or 'all shops'}: {len(found.abandoned):,} marked, {found.kept:,} kept;")
        print(f"    tables scanned: {', '.join(sorted(scans)) or 'none'}")
        large.begin_again()
    for each in stores.values():
        each.store.close()


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
