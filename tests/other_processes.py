"""What other processes do to a store, for tests; a module that a fresh process can import."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from typing import Any

from fresh_processes import fresh
from shoppego_orders.adapters.memory import MemoryShelf
from shoppego_orders.adapters.sql import Database, SqlExportLog, SqlOrderStore, SqlTaskLog
from shoppego_orders.errors import OrdersError
from shoppego_orders.export import ExportRequest, Exports, Schedule, ask_due
from shoppego_orders.testing.samples import NOON, order_of


def saved_by_another_process(target: str, note: str, together: Barrier) -> str:
    with SqlOrderStore.open(target) as store:
        order = store.get("1").edit_note(note, at=NOON)
        together.wait(60)
        try:
            store.save(order)
        except OrdersError as error:
            return type(error).__name__
        return "saved"


def opened_by_another_process(target: str, order_id: str, together: Barrier) -> str:
    together.wait(60)
    with SqlOrderStore.open(target) as store:
        store.save(order_of(order_id))
    return "saved"


def claimed_by_another_process(target: str, order_id: str, together: Barrier) -> str:
    together.wait(60)
    with SqlOrderStore.open(target) as store:
        store.save(order_of(order_id))
        return "claimed" if SqlTaskLog(store.database).claim("r", NOON) else "saved"


def upgraded_by_another_process(target: str, _name: str, together: Barrier) -> str:
    with closing(Database(target)) as database:
        together.wait(60)
        database.upgrade()
        return f"{database.check().version}"


def asked_by_another_process(target: str, _name: str, together: Barrier) -> str:
    start = datetime(2026, 3, 2, tzinfo=UTC)
    schedule = Schedule(name="daily", rule="FREQ=DAILY", start=start, request=ExportRequest())
    with SqlOrderStore.open(target) as store:
        exports = Exports(store, SqlExportLog(store.database), MemoryShelf())
        together.wait(60)
        now = start + timedelta(days=2)
        return f"{len(ask_due(exports, schedule, since=start, now=now))}"


def answer(work: Callable[..., str], connection: Any, *arguments: object) -> None:
    # Any: multiprocessing's connection types differ by platform
    connection.send(work(*arguments))


def in_processes(work: Callable[..., str], target: str, names: list[str]) -> list[str]:
    context = fresh()
    together = context.Barrier(len(names))
    processes: list[tuple[Any, Any]] = []  # Any: as above
    for name in names:
        here, there = context.Pipe()
        process = context.Process(target=answer, args=(work, there, target, name, together))
        process.start()
        processes.append((process, here))
    answers: list[str] = []
    for process, here in processes:
        answers.append(here.recv() if here.poll(60) else "no answer")
        process.join(60)
        process.close()
        here.close()
    return sorted(answers)
