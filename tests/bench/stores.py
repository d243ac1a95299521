"""What the SQL stores cost beside the driver alone, and beside SQLAlchemy's ORM.

Run it with the package installed; where PostgreSQL is installed too, it is measured as well, on a
private server::

    python tests/bench/stores.py --orders 10000 300000 3000000

The contenders take turns at short runs on the same database, so that a busy machine slows all of
them, and the median of the runs counts. Times are wall clock on PostgreSQL, whose work is done in
another process; on SQLite, processor time. The server of the tests waits for no disk, and nor do
commits to SQLite in WAL mode: so all that is measured is work.

Three million orders take some 13 GB for a while, in ``TMPDIR``.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import _storing as storing
from shoppego_orders.adapters.sql import SqlOrderStore
from shoppego_orders.order import Order
from shoppego_orders.page import Tab, orders_page
from shoppego_orders.query import OrderQuery

sys.path.append(str(Path(__file__).parents[1]))

import postgres  # the tests' own, above this folder

RUNS = 11
RUN = 50
STREAMED = 5_000
PAGES = 21


class Timed:
    """Seconds that each contender took, by what it was asked."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._taken: dict[tuple[str, str], list[float]] = {}

    def ask(self, what: str, who: str, questions: Sequence[Callable[[], object]]) -> None:
        """Ask a few questions of one contender; what it takes is divided by their number."""
        gc.collect()
        start = self._clock()
        for question in questions:
            question()
        taken = (self._clock() - start) / len(questions)
        self._taken.setdefault((what, who), []).append(taken)

    def median(self, what: str, who: str) -> float:
        return statistics.median(self._taken[what, who])

    def report(self, what: str, unit: str, each: int = 1) -> None:
        ours = self.median(what, storing.OURS)
        print(f"  {what}")
        for asked, who in self._taken:
            if asked == what:
                taken = self.median(what, who)
                print(
                    f"    {each / taken:11,.0f} {unit} a second, {taken / each * 1e6:9.1f} µs each,"
                    f" {taken / ours:5.2f} of our time  {who}"
                )


def one_by_one(store: SqlOrderStore, timed: Timed) -> None:
    """Orders that are added, loaded and saved, each in a transaction of its own."""
    contenders = storing.contenders(store)
    began = storing.BEGAN + timedelta(days=9)
    made = iter(range(10**9))

    def new() -> Order:
        number = next(made)
        return storing.begun(f"new-{number}", number, began + timedelta(seconds=number))

    for _ in range(RUNS):
        for who, contender in contenders.items():
            timed.ask("add", who, [contender.adding(new()) for _ in range(RUN)])
            waiting = store.save_many(new() for _ in range(RUN))
            orders = [each for each in waiting if isinstance(each, Order)]
            assert len(orders) == RUN
            timed.ask("load", who, [partial(contender.load, each.id) for each in orders])
            timed.ask("save", who, [contender.saving(storing.paid(each)) for each in orders])
            saved = store.count(OrderQuery(ids=[each.id for each in orders], payment_status="paid"))
            assert saved == RUN, who
    for _ in range(RUNS):
        for who, contender in contenders.items():
            timed.ask("rows", who, [partial(contender.rows, STREAMED)])
    for what in ("add", "load", "save"):
        timed.report(what, "orders")
    timed.report("rows", "rows", STREAMED)


def pages(stores: dict[int, SqlOrderStore], timed: Timed) -> None:
    """The same page of stores of all sizes, in turn."""
    shop = storing.shop(1)
    tenth = {store: place(store, shop) for store in stores.values()}

    def page(store: SqlOrderStore, **asked: Any) -> object:
        return orders_page(store, shop=shop, **asked)

    def after_nine(store: SqlOrderStore) -> object:
        return page(store, after=tenth[store])

    asked: dict[str, Callable[[SqlOrderStore], object]] = {
        f"page, {tab.label}": partial(page, tab=tab)
        for tab in (Tab.ALL, Tab.UNPAID, Tab.COMPLETED, Tab.DRAFTS, Tab.ARCHIVED)
    }
    asked |= {
        "page, All, of all shops": orders_page,
        "page, the tenth": after_nine,
        "page, from one source": partial(page, filters=OrderQuery(source="tiktok")),
    }
    for _ in range(PAGES):
        for what, question in asked.items():
            for size, store in stores.items():
                timed.ask(what, f"{size}", [partial(question, store)])
    slow: dict[str, Callable[[SqlOrderStore], object]] = {
        "search that finds many": partial(page, search="yusof 1"),
        "search that finds none": partial(page, search="nobody"),
        "count(query), exact": lambda store: store.count(OrderQuery(shop=shop)),
    }
    for _ in range(3):
        for what, question in slow.items():
            for size, store in stores.items():
                timed.ask(what, f"{size}", [partial(question, store)])
    for what in (*asked, *slow):
        taken = [timed.median(what, f"{size}") for size in stores]
        told = ", ".join(f"{each * 1e3:10.2f} ms ({each / taken[0]:6.2f})" for each in taken)
        print(f"    {told}  {what}")


def place(store: SqlOrderStore, shop: str) -> str | None:
    after = None
    for _ in range(9):
        after = orders_page(store, shop=shop, after=after).next
    return after


def beside_others(stores: dict[int, SqlOrderStore], timed: Timed) -> None:
    """The first page of a shop, beside what one writes by hand."""
    shop = storing.shop(1)
    for size, store in stores.items():
        contenders = storing.contenders(store)
        for _ in range(5):
            for who, contender in contenders.items():
                timed.ask(f"a page at {size:,}", who, [partial(contender.page, shop)])
        timed.report(f"a page at {size:,}", "pages")


def measure(targets: dict[int, str], clock: Callable[[], float]) -> None:
    stores: dict[int, SqlOrderStore] = {}
    try:
        for size, target in targets.items():
            stores[size] = SqlOrderStore.open(target)
            start = time.perf_counter()
            storing.fill(stores[size], size)
            print(f"  {size:,} orders made in {time.perf_counter() - start:.0f} s")
        timed = Timed(clock)
        gc.freeze()
        print(f"  pages of 50 with counts; in brackets beside {min(stores):,} orders")
        pages(stores, timed)
        beside_others(stores, timed)
        print(f"  in the store of {max(stores):,}")
        one_by_one(stores[max(stores)], timed)
    finally:
        for store in stores.values():
            store.close()


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure the SQL stores.")
    parser.add_argument("--orders", type=int, nargs="+", default=[10_000, 100_000], help="stored")
    parser.add_argument("--only", choices=("sqlite", "postgresql"), help="one kind of database")
    asked = parser.parse_args(None if arguments is None else list(arguments))
    if asked.only != "postgresql":
        print("SQLite, processor time")
        with tempfile.TemporaryDirectory() as folder:
            files = {size: str(Path(folder) / f"{size}.sqlite") for size in sorted(asked.orders)}
            measure(files, time.process_time)
    if asked.only != "sqlite":
        problem = None if postgres.VARIABLE in os.environ else postgres.missing()
        if problem is not None:
            print(problem, file=sys.stderr)
            return
        print("\nPostgreSQL, wall clock")
        with postgres.server() as server, postgres.database(server.url) as new:
            measure({size: new() for size in sorted(asked.orders)}, time.perf_counter)


if __name__ == "__main__":
    main()
