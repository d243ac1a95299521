"""What the SQL stores cost beside the driver alone, and beside SQLAlchemy's ORM.

Run it with the package installed; where PostgreSQL is installed too, it is measured as well, on a
private server::

    python tests/bench/stores.py --orders 10000 300000 3000000

The contenders take turns at short runs on the same database. Times are wall clock on PostgreSQL,
whose work is done in another process; on SQLite, processor time. The server of the tests waits for
no disk, and nor do commits to SQLite in WAL mode: so all that is measured is work.

Three million orders take some 13 GB for a while, in ``TMPDIR``.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import Any

import _storing as storing
from _ratios import Comparison, timed, told
from shoppego_orders.adapters.sql import SqlOrderStore
from shoppego_orders.order import Order
from shoppego_orders.page import Tab, orders_page
from shoppego_orders.query import OrderQuery

sys.path.append(str(Path(__file__).parents[1]))

import postgres  # the tests' own, above this folder

SMALL = 10_000
RUNS = 11
RUN = 50
STREAMED = 5_000
PAGES = 21


Clock = Callable[[], float]


def one_by_one(store: SqlOrderStore, clock: Clock, where: str) -> Iterator[Comparison]:
    """Orders that are added, loaded and saved, each in a transaction of its own."""
    contenders = storing.contenders(store)
    began = storing.BEGAN + timedelta(days=9)
    numbers = count()

    def new() -> Order:
        number = next(numbers)
        return storing.begun(f"new-{number}", number, began + timedelta(seconds=number))

    def waiting() -> list[Order]:
        saved = store.save_many(new() for _ in range(RUN))
        return [each for each in saved if isinstance(each, Order)]

    def asking(questions: Sequence[Callable[[], object]]) -> float:
        assert len(questions) == RUN
        return timed(lambda: [question() for question in questions], RUN, clock)

    def add(contender: storing.Contender) -> float:
        return asking([contender.adding(new()) for _ in range(RUN)])

    def load(contender: storing.Contender) -> float:
        return asking([partial(contender.load, each.id) for each in waiting()])

    def save(contender: storing.Contender) -> float:
        orders = waiting()
        took = asking([contender.saving(storing.paid(each)) for each in orders])
        paid = OrderQuery(ids=[each.id for each in orders], payment_status="paid")
        assert store.count(paid) == RUN
        return took

    def rows(contender: storing.Contender) -> float:
        return timed(lambda: contender.rows(STREAMED), STREAMED, clock)

    questions: dict[str, Callable[[storing.Contender], float]] = {
        "a new order": add,
        "an order loaded": load,
        "an order saved again": save,
        "a row of a stream": rows,
    }
    for what, ask in questions.items():
        asked = {who: partial(ask, contender) for who, contender in contenders.items()}
        yield Comparison(f"{what}, {where}", asked, RUNS)


def pages(stores: dict[int, SqlOrderStore], clock: Clock, where: str) -> Iterator[Comparison]:
    """The same page of the largest store, and of the others in turn."""
    shop = storing.shop(1)
    tenth = {store: place(store, shop) for store in stores.values()}

    def page(store: SqlOrderStore, **asked: Any) -> object:
        return orders_page(store, shop=shop, **asked)

    questions: dict[str, Callable[[SqlOrderStore], object]] = {
        f"a page, {tab.label}": partial(page, tab=tab)
        for tab in (Tab.ALL, Tab.UNPAID, Tab.COMPLETED, Tab.DRAFTS, Tab.ARCHIVED)
    }
    questions |= {
        "a page, All, of all shops": orders_page,
        "a page, the tenth": lambda store: page(store, after=tenth[store]),
        "a page, from one source": partial(page, filters=OrderQuery(source="tiktok")),
    }
    slow: dict[str, Callable[[SqlOrderStore], object]] = {
        "a search that finds many": partial(page, search="yusof 1"),
        "a search that finds none": partial(page, search="nobody"),
        "count(query), exact": lambda store: store.count(OrderQuery(shop=shop)),
    }
    for what, question in (questions | slow).items():
        asked = {
            f"of {size:,} stored": partial(timed, partial(question, store), 1, clock)
            for size, store in sorted(stores.items(), reverse=True)
        }
        rounds = PAGES if what in questions else 3
        yield Comparison(f"{what}, of {max(stores):,} stored, {where}", asked, rounds)


def place(store: SqlOrderStore, shop: str) -> str | None:
    after = None
    for _ in range(9):
        after = orders_page(store, shop=shop, after=after).next
    return after


def beside_others(store: SqlOrderStore, clock: Clock, where: str) -> Comparison:
    """The first page of a shop, beside what one writes by hand."""
    asked = {
        who: partial(timed, partial(contender.page, storing.shop(1)), 1, clock)
        for who, contender in storing.contenders(store).items()
    }
    return Comparison(f"a page beside others, {where}", asked)


def of_kind(targets: dict[int, str], clock: Clock, where: str) -> Iterator[Comparison]:
    """All questions of one kind of database."""
    with ExitStack() as opened:
        stores: dict[int, SqlOrderStore] = {}
        for size, target in targets.items():
            stores[size] = opened.enter_context(SqlOrderStore.open(target))
            start = time.perf_counter()
            storing.fill(stores[size], size)
            print(f"  {size:,} orders made in {time.perf_counter() - start:.0f} s, {where}")
        yield from pages(stores, clock, where)
        largest = stores[max(stores)]
        yield beside_others(largest, clock, f"of {max(stores):,} stored, {where}")
        yield from one_by_one(largest, clock, where)


def in_sqlite(folder: Path, sizes: Iterable[int]) -> Iterator[Comparison]:
    files = {size: str(folder / f"{size}.sqlite") for size in sorted(sizes)}
    return of_kind(files, time.process_time, "SQLite")


def in_postgresql(sizes: Iterable[int]) -> Iterator[Comparison]:
    problem = None if postgres.VARIABLE in os.environ else postgres.missing()
    if problem is not None:
        print(problem, file=sys.stderr)
        return
    with postgres.server() as server, postgres.database(server.url) as new:
        databases = {size: new() for size in sorted(sizes)}
        yield from of_kind(databases, time.perf_counter, "PostgreSQL")


def comparisons(folder: Path, orders: int) -> Iterator[Comparison]:
    sizes = (SMALL, orders)
    return chain(in_sqlite(folder, sizes), in_postgresql(sizes))


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure the SQL stores.")
    parser.add_argument("--orders", type=int, nargs="+", default=[SMALL, 100_000], help="stored")
    parser.add_argument("--only", choices=("sqlite", "postgresql"), help="one kind of database")
    asked = parser.parse_args(None if arguments is None else list(arguments))
    if asked.only != "postgresql":
        with tempfile.TemporaryDirectory() as folder:
            told(in_sqlite(Path(folder), asked.orders))
    if asked.only != "sqlite":
        told(in_postgresql(asked.orders))


if __name__ == "__main__":
    main()
