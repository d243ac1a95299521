"""Whoever waits for a service is cancelled: it ends soon, and nothing is left half done."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from abandonment_examples import DUE, begun, bought
from awaited import (
    AwaitedExportLog,
    AwaitedMailer,
    AwaitedOrderStore,
    AwaitedShelf,
    AwaitedTaskLog,
)
from recovery_examples import (
    FIRST,
    PLAN,
    Disturbance,
    Watch,
    WatchedMailer,
    WatchedStore,
    WatchedTasks,
    left,
    store_of,
)
from shoppego_orders.abandonment import AbandonmentPolicy, remind, sweep, unknown_reminders
from shoppego_orders.adapters.memory import (
    MemoryExportLog,
    MemoryOrderStore,
    MemoryShelf,
    MemoryTaskLog,
    RecordingMailer,
)
from shoppego_orders.async_views import blocking
from shoppego_orders.bridge import in_thread
from shoppego_orders.errors import StoreUnusable
from shoppego_orders.export import ExportRequest, Exports
from shoppego_orders.order import Order
from shoppego_orders.ports import Export, ExportStatus, MailStatus, OrderStore
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.samples import NOON, SHOP, order_of

T = TypeVar("T")

EVERYTHING = OrderQuery()
SWEPT = AbandonmentPolicy()
STEPS = range(1, 60)


class Cancel:
    """Cancels the task that waits for a service, in the loop's own thread."""

    task: asyncio.Task[Any] | None = None

    def __call__(self) -> None:
        assert self.task is not None
        self.task.cancel()


async def cancelled_at(step: int, after: bool, run: Callable[[Watch], Callable[[], T]]) -> bool:
    """Run a service whose caller is cancelled at its n-th call; tell whether it came to that."""
    cancel = Cancel()
    watch = Disturbance(step, cancel, after=after)
    cancel.task = asyncio.ensure_future(in_thread(run(watch)))
    try:
        await cancel.task
    except asyncio.CancelledError:
        return True
    assert watch.calls < step
    return False


async def every_step(attempt: Callable[[int, bool], Any]) -> None:
    """Cancel before and after each call of a service, until there are no more of them."""
    for after in (False, True):
        for step in STEPS:
            if not await attempt(step, after):
                assert step > 5, "hardly a call was made"
                break
        else:
            raise AssertionError("more calls than steps")


def test_a_sweep_is_taken_up_where_it_ended() -> None:
    orders = [begun(f"{n}", email=f"{n}@example.my") for n in range(3)]
    orders += [bought("late", at=DUE)]
    alone = store_of(*orders)
    sweep(alone, SWEPT, DUE)

    async def attempt(step: int, after: bool) -> bool:
        store = store_of(*orders)

        def run(watch: Watch) -> Callable[[], object]:
            view = blocking(AwaitedOrderStore(WatchedStore(store, watch)))
            return lambda: sweep(view, SWEPT, DUE)

        cancelled = await cancelled_at(step, after, run)
        sweep(store, SWEPT, DUE)
        assert list(store.rows(EVERYTHING)) == list(alone.rows(EVERYTHING))
        for row in alone.rows(EVERYTHING):
            assert store.events(row.id) == alone.events(row.id)
        return cancelled

    asyncio.run(every_step(attempt))


def test_a_reminder_is_sent_and_settled_or_not_begun() -> None:
    orders = [left(begun(f"{n}", email=f"{n}@example.my")) for n in range(2)]

    async def attempt(step: int, after: bool) -> bool:
        store, tasks, mailer = store_of(*orders), MemoryTaskLog(), RecordingMailer()

        def run(watch: Watch) -> Callable[[], object]:
            views = (
                blocking(AwaitedOrderStore(WatchedStore(store, watch))),
                blocking(AwaitedTaskLog(WatchedTasks(tasks, watch))),
                blocking(AwaitedMailer(WatchedMailer(mailer, watch))),
            )
            return lambda: remind(*views, PLAN, FIRST)

        cancelled = await cancelled_at(step, after, run)
        assert list(unknown_reminders(tasks)) == []
        remind(store, tasks, mailer, PLAN, FIRST)
        assert list(unknown_reminders(tasks)) == []
        assert sorted(str(each["To"]) for each in mailer.messages) == [
            f"{n}@example.my" for n in range(2)
        ]
        return cancelled

    asyncio.run(every_step(attempt))


def test_an_export_is_completed_and_mailed_or_left_to_another_worker() -> None:
    async def attempt(step: int, after: bool) -> bool:
        store, log = store_of(order_of("1"), order_of("2")), MemoryExportLog()
        shelf, mailer = MemoryShelf(), RecordingMailer()
        alone = Exports(store, log, shelf, mailer)
        alone.ask(ExportRequest(query=OrderQuery(shop=SHOP)), id="1", now=NOON, to="a@example.my")

        def run(watch: Watch) -> Callable[[], Export]:
            exports = Exports(
                blocking(AwaitedOrderStore(WatchedStore(store, watch))),
                blocking(AwaitedExportLog(WatchedExportLog(log, watch))),
                blocking(AwaitedShelf(WatchedShelf(shelf, watch))),
                blocking(AwaitedMailer(WatchedMailer(mailer, watch))),
            )
            return lambda: exports.run("1", lambda: NOON)

        cancelled = await cancelled_at(step, after, run)
        export = log.get("1")
        if export.status is ExportStatus.COMPLETED:
            assert (export.mail, list(shelf.files)) == (MailStatus.SENT, [export.url])
        else:
            assert (len(shelf.files), mailer.messages) == (0, [])
            later = NOON + timedelta(hours=1)
            assert alone.run("1", lambda: later).status is ExportStatus.COMPLETED
        assert len(mailer.messages) == len(shelf.files) == 1
        return cancelled

    asyncio.run(every_step(attempt))


class WatchedExportLog(MemoryExportLog):
    def __init__(self, log: MemoryExportLog, watch: Watch) -> None:
        self._log, self._watch = log, watch

    def get(self, export_id: str) -> Export:
        return self._watch.around(lambda: self._log.get(export_id))

    def save(self, export: Export) -> Export:
        return self._watch.around(lambda: self._log.save(export))


class WatchedShelf(MemoryShelf):
    def __init__(self, shelf: MemoryShelf, watch: Watch) -> None:
        self._shelf, self._watch = shelf, watch

    def put(self, name: str, chunks: Any) -> str:
        return self._watch.around(lambda: self._shelf.put(name, chunks))


# How it is told


class Gated(AwaitedOrderStore):
    """A store whose saves are under way until they are let go."""

    def __init__(self) -> None:
        super().__init__(MemoryOrderStore())
        self.here, self.go = asyncio.Event(), asyncio.Event()

    async def save(self, order: Order) -> Order:
        self.here.set()
        await self.go.wait()
        return await super().save(order)


class Full(Gated):
    """One that has no room in the end."""

    async def save(self, order: Order) -> Order:
        await super().save(order)
        raise StoreUnusable("db", "there is no room")


def save_twice(view: OrderStore, caught: list[BaseException]) -> None:
    try:
        view.save(order_of("1"))
        view.save(order_of("2"))
    except BaseException as error:
        caught.append(error)
        raise


def test_a_call_that_has_begun_is_finished_and_waited_for() -> None:
    caught: list[BaseException] = []

    async def host() -> None:
        store = Gated()
        task = asyncio.create_task(in_thread(save_twice, blocking(store), caught))
        await store.here.wait()
        for _ in range(3):  # a host that is in a hurry waits too
            task.cancel()
            await asyncio.sleep(0)
            assert not task.done()
        store.go.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()
        assert [row.id for row in store.store.rows(EVERYTHING)] == ["1"]

    asyncio.run(host())
    # Not an Exception: no service takes it for an order's fault.
    assert [type(error) for error in caught] == [asyncio.CancelledError]


def test_a_timeout_is_told_as_one() -> None:
    async def host() -> None:
        store = Gated()
        asyncio.get_running_loop().call_later(0.02, store.go.set)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(in_thread(save_twice, blocking(store), []), 0.01)

    asyncio.run(host())


def test_a_service_that_asks_no_store_is_not_ended() -> None:
    done: list[str] = []

    async def host() -> None:
        go = threading.Event()

        def service() -> None:
            go.wait()
            done.append("all of it")

        task = asyncio.create_task(in_thread(service))
        await asyncio.sleep(0)
        task.cancel()
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(host())
    assert done == ["all of it"]


def test_what_a_service_raised_then_is_the_cause() -> None:
    async def host() -> None:
        store = Full()
        task = asyncio.create_task(in_thread(blocking(store).save, order_of("1")))
        await store.here.wait()
        task.cancel()
        store.go.set()
        with pytest.raises(asyncio.CancelledError) as told:
            await task
        assert isinstance(told.value.__cause__, StoreUnusable)

    asyncio.run(host())


def test_a_loop_that_ends_ends_its_services() -> None:
    """Nobody waits for the task: the loop cancels the call that is under way, too."""
    caught: list[BaseException] = []
    stores: list[Gated] = []

    async def host() -> None:
        store = Gated()
        stores.append(store)
        tasks.append(asyncio.create_task(in_thread(save_twice, blocking(store), caught)))
        await store.here.wait()

    tasks: list[asyncio.Task[None]] = []
    asyncio.run(host())
    assert tasks[0].cancelled()
    assert [type(error) for error in caught] == [asyncio.CancelledError]
    assert stores[0].store.count(EVERYTHING) == 0
