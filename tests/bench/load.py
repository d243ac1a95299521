"""How much several processes get done on one store at once; and that nothing is lost by it.

Run it with the package installed::

    python tests/bench/load.py --seconds 60
    python tests/postgres.py --durable python tests/bench/load.py --seconds 60

Eight workers place, pay and cancel the same few orders, sweep and export: threads of one process
on the store in memory, processes on SQLite and PostgreSQL. A save that came second is refused, and
its deed is done again with the order as it is by then. At the end what every worker was told is
compared with what is stored; where anything was lost or doubled, this says so and exits with 1.

PostgreSQL is measured where ``SHOPPEGO_TEST_POSTGRES`` is the URL of a database without orders.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import _load as load
from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.adapters.sql import SqlOrderStore
from shoppego_orders.ports import OrderStore
from shoppego_orders.query import OrderQuery


def report(name: str, works: Sequence[load.Work]) -> None:
    seconds = max(work.seconds for work in works)
    total = sum(len(took) for work in works for took in work.took.values())
    saves = sum(len(work.saved) for work in works)
    print(
        f"\n{name}: {total / seconds:,.0f} operations and {saves / seconds:,.0f} saves a second,"
        f" by {len(works)} at once"
    )
    print("             a second     median     of 100, 99 within     longest  conflicts  retried")
    conflicts, retried = Counter[str](), Counter[str]()
    for work in works:
        conflicts += work.conflicts
        retried += work.retried
    for kind in load.KINDS:
        took = sorted(took for work in works for took in work.took[kind])
        if took:
            print(
                f"  {kind:8}  {len(took) / seconds:9,.1f}  {_ms(statistics.median(took))}"
                f"  {_ms(took[len(took) * 99 // 100]):>16}  {_ms(took[-1]):>12}"
                f"  {conflicts[kind]:9,}  {retried[kind]:7,}"
            )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:7,.1f} ms"


def measure(name: str, store: OrderStore, start: Callable[[], list[load.Work]]) -> bool:
    """Measure one store, and tell whether all is well."""
    works = start()
    report(name, works)
    found = list(load.problems(store, works))
    for problem in found:
        print(f"  WRONG: {problem}")
    if not found:
        saves = sum(len(work.saved) for work in works)
        print(
            f"  {store.count(OrderQuery()):,} orders, {saves:,} saves acknowledged:"
            " each is there, once"
        )
    return not found


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Measure a mixed load on each store.")
    parser.add_argument("--seconds", type=float, default=10, help="for each store")
    parser.add_argument("--workers", type=int, default=8, help="that work at once")
    asked = parser.parse_args(None if arguments is None else list(arguments))
    stint = load.Stint(asked.workers, seconds=asked.seconds)
    memory = MemoryOrderStore()
    well = measure("memory, threads", memory, lambda: load.in_threads(memory, stint))
    with tempfile.TemporaryDirectory() as folder:
        target = str(Path(folder) / "orders.sqlite")
        with SqlOrderStore.open(target) as store:
            well &= measure("SQLite, processes", store, lambda: load.in_processes(target, stint))
    url = os.environ.get("SHOPPEGO_TEST_POSTGRES")
    if url is None:
        print("\nPostgreSQL: SHOPPEGO_TEST_POSTGRES names none")
    else:
        with SqlOrderStore.open(url) as store:
            if store.count(OrderQuery()):
                print(f"\n{store.database.name} has orders in it, and is left alone")
                return 1
            well &= measure("PostgreSQL, processes", store, lambda: load.in_processes(url, stint))
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
