"""What it costs when workers race for the same work on PostgreSQL: ours, and SKIP LOCKED.

Run it with the package and PostgreSQL installed::

    python tests/bench/claims.py

Eight processes begin at once; told are the processor time of all together, and the wall clock until
the last is done. Ours are guarded writes: who comes second is told by the write itself. Beside
them stands a queue of rows that each worker locks with ``FOR UPDATE SKIP LOCKED`` and
takes, written by hand with psycopg.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, Final

import attrs
import psycopg
from sqlalchemy import make_url

import _storing as storing
from _ratios import Comparison
from shoppego_orders.abandonment import AbandonmentPolicy, sweep
from shoppego_orders.adapters.sql import SqlExportLog, SqlOrderStore, SqlTaskLog
from shoppego_orders.errors import StaleExport
from shoppego_orders.ports import Export, ExportStatus
from shoppego_orders.query import OrderQuery

sys.path.append(str(Path(__file__).parents[1]))

import postgres  # the tests' own, above this folder

WORKERS: Final = 8
KEYS: Final = 500
ORDERS: Final = 400
EXPORTS: Final = 200
ROUNDS: Final = 3
NOW: Final = datetime(2026, 9, 1, tzinfo=UTC)

Worker = Callable[[str, int], int]


def claims(target: str, _: int) -> int:
    """Everybody claims every task."""
    with SqlOrderStore(target) as store:
        tasks = SqlTaskLog(store.database)
        return sum(tasks.claim(f"task/{number}", NOW) for number in range(KEYS))


def claims_apart(target: str, worker: int) -> int:
    """Everybody claims as many tasks, of which nobody else knows."""
    with SqlOrderStore(target) as store:
        tasks = SqlTaskLog(store.database)
        return sum(tasks.claim(f"task/{worker}/{number}", NOW) for number in range(KEYS))


def sweeps(target: str, _: int) -> int:
    """Everybody sweeps everything."""
    with SqlOrderStore(target) as store:
        return len(sweep(store, AbandonmentPolicy(), NOW).abandoned)


def sweeps_apart(target: str, worker: int) -> int:
    """Everybody sweeps shops of their own."""
    with SqlOrderStore(target) as store:
        return len(sweep(store, AbandonmentPolicy(), NOW, shop=storing.shop(worker)).abandoned)


def takes(target: str, _: int) -> int:
    """Everybody takes what is queued, the oldest first, until there is nothing left."""
    taken = 0
    with SqlOrderStore(target) as store:
        log = SqlExportLog(store.database)
        while queued := [e for e in log.exports(open_only=True) if e.status == "queued"]:
            for export in reversed(queued):
                try:
                    log.save(attrs.evolve(export, status=ExportStatus.RUNNING))
                except StaleExport:
                    continue
                taken += 1
    return taken


def skips_locked(target: str, _: int) -> int:
    """A queue of rows: everybody takes the oldest that nobody has locked."""
    url = make_url(target).set(drivername="postgresql")
    take = (
        "UPDATE queue SET taken = true WHERE id = (SELECT id FROM queue WHERE NOT taken "
        "ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id"
    )
    taken = 0
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        while connection.execute(take).fetchone() is not None:
            connection.commit()
            taken += 1
    return taken


def with_tasks(_: SqlOrderStore) -> None:
    """Nothing is there before it is claimed."""


def with_orders(store: SqlOrderStore) -> None:
    store.save_many(
        storing.begun(f"{number}", number, storing.BEGAN + timedelta(seconds=number))
        for number in range(ORDERS)
    )


def with_exports(store: SqlOrderStore) -> None:
    log = SqlExportLog(store.database)
    for number in range(EXPORTS):
        asked_at = NOW + timedelta(seconds=number)
        log.save(Export(id=f"{number}", shop=None, request="{}", asked_at=asked_at))


def with_queue(store: SqlOrderStore) -> None:
    with store.database.writing() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE queue (id bigint PRIMARY KEY, taken boolean NOT NULL)"
        )
        connection.exec_driver_sql("CREATE INDEX waiting ON queue (id) WHERE NOT taken")
        connection.exec_driver_sql(
            f"INSERT INTO queue SELECT n, false FROM generate_series(1, {EXPORTS}) AS n"
        )


def work(worker: Worker, target: str, number: int, together: Barrier, answers: Any) -> None:
    together.wait(60)
    start, start_cpu = time.perf_counter(), time.process_time()
    done = worker(target, number)
    answers.put((done, time.perf_counter() - start, time.process_time() - start_cpu))


def raced(worker: Worker, target: str, workers: int) -> tuple[int, float, float]:
    """How many were done by all workers together, how long the last took, and all their CPU."""
    context = multiprocessing.get_context("spawn")
    together, answers = context.Barrier(workers), context.Queue()
    racing = [
        context.Process(target=work, args=(worker, target, number, together, answers))
        for number in range(workers)
    ]
    for each in racing:
        each.start()
    told = [answers.get(timeout=300) for _ in racing]
    for each in racing:
        each.join()
    done, wall, cpu = zip(*told, strict=True)
    return sum(done), max(wall), sum(cpu)


RACES: Final[tuple[tuple[str, Callable[[SqlOrderStore], None], Worker, int], ...]] = (
    ("claim the same tasks", with_tasks, claims, 1),
    ("claim the same tasks", with_tasks, claims, WORKERS),
    ("claim tasks of their own, eight times as many", with_tasks, claims_apart, WORKERS),
    ("sweep the same orders", with_orders, sweeps, 1),
    ("sweep the same orders", with_orders, sweeps, WORKERS),
    ("sweep a shop each", with_orders, sweeps_apart, storing.SHOPS),
    ("take queued exports", with_exports, takes, 1),
    ("take queued exports", with_exports, takes, WORKERS),
    ("SKIP LOCKED, by hand", with_queue, skips_locked, 1),
    ("SKIP LOCKED, by hand", with_queue, skips_locked, WORKERS),
)


def comparisons(_folder: Path, _orders: int) -> Iterator[Comparison]:
    """Taking from a queue by eight: processor time of all, divided by what they took."""
    if postgres.VARIABLE not in os.environ and postgres.missing() is not None:
        print(postgres.missing(), file=sys.stderr)
        return
    with postgres.server() as server, postgres.database(server.url) as new:

        def ask(fill: Callable[[SqlOrderStore], None], worker: Worker) -> float:
            target = new()
            with SqlOrderStore.open(target) as store:
                fill(store)
            done, _, cpu = raced(worker, target, WORKERS)
            assert done == EXPORTS
            return cpu / done

        asked = {
            "queued exports, each a guarded save": partial(ask, with_exports, takes),
            "a queue by hand, SKIP LOCKED": partial(ask, with_queue, skips_locked),
        }
        yield Comparison(f"{WORKERS} workers take {EXPORTS} tasks", asked, ROUNDS)


def main() -> None:
    if postgres.VARIABLE not in os.environ and postgres.missing() is not None:
        print(postgres.missing(), file=sys.stderr)
        return
    taken: dict[int, list[tuple[float, float]]] = {}
    done: dict[int, int] = {}
    with postgres.server() as server, postgres.database(server.url) as new:
        for _ in range(ROUNDS):
            for number, (_, fill, worker, workers) in enumerate(RACES):
                target = new()
                with SqlOrderStore.open(target) as store:
                    fill(store)
                done[number], *seconds = raced(worker, target, workers)
                taken.setdefault(number, []).append((seconds[0], seconds[1]))
                with SqlOrderStore(target) as store:
                    assert worker is not sweeps or not store.count(OrderQuery(decided=False))
    for number, (what, _, _, workers) in enumerate(RACES):
        wall, cpu = (statistics.median(each) * 1e3 for each in zip(*taken[number], strict=True))
        print(
            f"  {workers} workers: {done[number]:6,} done in {cpu:8,.0f} ms CPU of all,"
            f" {wall:8,.0f} ms wall  {what}"
        )


if __name__ == "__main__":
    main()
