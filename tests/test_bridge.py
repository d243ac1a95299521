"""The bridge by example: calls, errors and streams cross it, and misuse is told."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from contextvars import ContextVar
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from awaited import (
    AwaitedExportLog,
    AwaitedOrderStore,
    AwaitedShelf,
    ErasingAwaitedTaskLog,
    FullOrderStore,
)
from shoppego_orders import bridge
from shoppego_orders.abandonment import AbandonmentPolicy, next_due, sweep
from shoppego_orders.adapters.memory import (
    MemoryExportLog,
    MemoryOrderStore,
    MemoryShelf,
    MemoryTaskLog,
)
from shoppego_orders.adapters.sql import SqlOrderStore
from shoppego_orders.async_views import blocking
from shoppego_orders.bridge import in_thread, stream_in_thread
from shoppego_orders.errors import InvalidValue, OrderNotFound, PortUnreachable, StoreUnusable
from shoppego_orders.export import ExportRequest, export_csv
from shoppego_orders.order import Order, OrderRow
from shoppego_orders.ports import (
    BulkStore,
    CountingStore,
    ErasingStore,
    ErasingTaskLog,
    OrderStore,
    Outcome,
    Task,
    TaskLog,
    save_many,
)
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.loops import loop_in_thread
from shoppego_orders.testing.samples import NOON, order_of
from wrong_calls import assert_told

EVERYTHING = OrderQuery()
HOUR = timedelta(hours=1)
REQUEST_ID: ContextVar[str] = ContextVar("REQUEST_ID", default="none")


def store_of(number: int) -> AwaitedOrderStore:
    store = MemoryOrderStore()
    for index in range(number):
        store.save(order_of(f"{index:04}", at=NOON + timedelta(seconds=index)))
    return AwaitedOrderStore(store)


class FailingStore(AwaitedOrderStore):
    """One whose reading fails, after so many rows."""

    def __init__(self, error: BaseException, after: int = 0) -> None:
        super().__init__(store_of(after).store)
        self.error = error

    async def get(self, order_id: str) -> Order:  # noqa: ARG002  # whichever it is
        raise self.error

    async def rows(self, query: OrderQuery) -> AsyncIterator[OrderRow]:
        for row in self.store.rows(query):
            yield row
        raise self.error


# Calls


def test_a_service_returns_what_it_returns() -> None:
    async def host() -> None:
        store = store_of(3)
        view = blocking(store)
        assert await in_thread(view.count, EVERYTHING) == 3
        assert await in_thread(divmod, 7, 2) == (3, 1)
        assert await in_thread(sorted, [2, 1], reverse=True) == [2, 1]
        assert await in_thread(threading.get_ident) != threading.get_ident()
        result = await in_thread(sweep, view, AbandonmentPolicy(), NOON + timedelta(days=1))
        assert result.abandoned == ("0000", "0001", "0002")
        assert store.store.get("0002").abandoned_at is not None

    asyncio.run(host())


@pytest.mark.parametrize(
    "error",
    [
        OrderNotFound("1"),
        StoreUnusable("db", "it is full"),
        TimeoutError("the driver's own"),
        RuntimeError("the driver's own"),
        asyncio.InvalidStateError("the driver's own"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_crosses_as_it_is(error: Exception) -> None:
    async def host() -> None:
        view = blocking(FailingStore(error))
        with pytest.raises(type(error)) as told:
            await in_thread(view.get, "1")
        assert told.value is error

    asyncio.run(host())


def test_an_error_of_the_service_crosses_too() -> None:
    def service() -> None:
        raise KeyError("no")

    async def host() -> None:
        with pytest.raises(KeyError, match="no"):
            await in_thread(service)
        with pytest.raises(RuntimeError, match="StopIteration"):
            await in_thread(partial(next, iter([])))

    asyncio.run(host())


def test_context_variables_reach_the_service_and_its_port() -> None:
    seen: list[str] = []

    class Seeing(AwaitedOrderStore):
        async def count(self, query: OrderQuery) -> int:
            seen.append(REQUEST_ID.get())
            return await super().count(query)

    async def host() -> None:
        view = blocking(Seeing(MemoryOrderStore()))
        REQUEST_ID.set("r-1")
        assert await in_thread(REQUEST_ID.get) == "r-1"
        await in_thread(view.count, EVERYTHING)
        await in_thread(REQUEST_ID.set, "r-2")
        assert REQUEST_ID.get() == "r-1"

    asyncio.run(host())
    assert seen == ["r-1"]


def test_ports_that_wait_and_ports_that_do_not_are_mixed() -> None:
    async def host() -> None:
        shelf, log = MemoryShelf(), MemoryExportLog()
        put = blocking(AwaitedShelf(shelf)).put
        # The chunks are made by a service that calls other ports.
        view = blocking(store_of(1000))
        request = ExportRequest(query=EVERYTHING)
        url = await in_thread(lambda: put("all.csv", export_csv(view, request)))
        alone = b"".join(export_csv(store_of(1000).store, request))
        assert shelf.files == {url: alone}
        assert await in_thread(list, blocking(AwaitedExportLog(log)).exports(shop="s")) == []

    asyncio.run(host())


# Misuse


def everything_of(view: OrderStore) -> list[Callable[[], object]]:
    return [
        lambda: view.get("1"),
        lambda: view.save(order_of("1")),
        lambda: view.count(EVERYTHING),
        lambda: view.events("1"),
        lambda: view.settle_kept([]),
        lambda: next(view.rows(EVERYTHING)),
        lambda: next(view.lines(EVERYTHING)),
        lambda: save_many(view, [order_of("1")]),
        lambda: sweep(view, AbandonmentPolicy(), NOON),
    ]


def test_the_thread_of_a_loop_is_refused() -> None:
    async def host(view: OrderStore) -> None:
        for call in everything_of(view):
            with pytest.raises(PortUnreachable) as caught:
                call()
            assert caught.value.call.startswith("AwaitedOrderStore.")
            assert caught.value.problem == (
                "this is an event loop's own thread, which it would stop; use in_thread()"
            )

    async def own() -> None:
        await host(blocking(store_of(1)))

    asyncio.run(own())
    with loop_in_thread() as loop:
        view = blocking(store_of(1), loop)
        assert view.count(EVERYTHING) == 1  # another thread, of no loop
        asyncio.run(host(view))  # nor is another loop's: it would stand still meanwhile


def test_a_closed_loop_is_told() -> None:
    async def host() -> OrderStore:
        return blocking(store_of(1))

    view = asyncio.run(host())
    for call in everything_of(view):
        with pytest.raises(PortUnreachable) as caught:
            call()
        assert caught.value.call.startswith("AwaitedOrderStore.")
        assert caught.value.problem == "its event loop is closed"

    async def another() -> None:
        with pytest.raises(PortUnreachable, match="is closed"):
            await in_thread(view.get, "0000")

    asyncio.run(another())


def test_a_loop_that_stands_still_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "_PATIENCE", 0.01)
    store = store_of(1)
    loop = asyncio.new_event_loop()
    try:
        view = blocking(store, loop)
        error = PortUnreachable("AwaitedOrderStore.save", "its event loop stands still")
        assert_told(error, lambda: view.save(order_of("1")))
        # Nor is it done when the loop goes on.
        loop.run_until_complete(asyncio.sleep(0.01))
        assert store.store.count(EVERYTHING) == 1
    finally:
        loop.close()


def test_a_loop_that_stops_in_mid_call_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "_PATIENCE", 0.01)
    asked = asyncio.Event()
    outcomes: list[BaseException] = []

    class Hanging(AwaitedOrderStore):
        async def get(self, order_id: str) -> Order:  # noqa: ARG002  # as above
            asked.set()
            await asyncio.Event().wait()
            raise AssertionError

    def service(view: OrderStore) -> None:
        try:
            view.get("1")
        except BaseException as error:
            outcomes.append(error)

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=service, args=(blocking(Hanging(MemoryOrderStore()), loop),))
    try:
        thread.start()
        loop.run_until_complete(asked.wait())
        thread.join()
        loop.run_until_complete(settled(lambda: len(asyncio.all_tasks()) == 1))  # it was cancelled
    finally:
        loop.close()
    (told,) = outcomes
    assert isinstance(told, PortUnreachable)
    assert str(told).endswith("Hanging.get can't be called: its event loop stands still")


def test_a_service_that_outlives_its_loop_ends_in_peace() -> None:
    here, go = threading.Event(), threading.Event()
    workers: list[threading.Thread] = []

    def service() -> None:
        workers.append(threading.current_thread())
        here.set()
        go.wait()

    loop = asyncio.new_event_loop()
    waiting = loop.create_task(in_thread(service))
    loop.run_until_complete(asyncio.sleep(0))
    here.wait()
    loop.close()
    go.set()
    workers[0].join()  # what it raises would be a warning, which is an error here
    assert not waiting.done()


def test_a_call_may_take_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "_PATIENCE", 0.001)

    class Slow(AwaitedOrderStore):
        async def count(self, query: OrderQuery) -> int:
            await asyncio.sleep(0.02)
            return await super().count(query)

    async def host() -> None:
        assert await in_thread(blocking(Slow(store_of(3).store)).count, EVERYTHING) == 3

    asyncio.run(host())


def test_what_is_no_async_port_is_refused() -> None:
    async def host() -> None:
        nothing: Any = object()
        error = InvalidValue("port", nothing, "an object with the methods of an async port")
        assert_told(error, partial(blocking, nothing))

    asyncio.run(host())
    with pytest.raises(RuntimeError, match="no running event loop"):
        blocking(store_of(0))


# Streams


def test_a_stream_is_read_only_a_little_ahead() -> None:
    taken: list[str] = []

    class Counting(AwaitedOrderStore):
        async def rows(self, query: OrderQuery) -> AsyncIterator[OrderRow]:
            for row in self.store.rows(query):
                taken.append(row.id)
                yield row

    def service(view: OrderStore) -> None:
        rows = view.rows(EVERYTHING)
        assert taken == []
        assert next(rows).id == taken[0] == taken[-1]
        ahead = [len(taken)]
        for _ in rows:
            ahead += [len(taken)] if len(taken) > ahead[-1] else []
        assert ahead == [1, 3, 7, 15, 31, 63, 127, *range(255, 1000, 128), 1000]
        assert list(rows) == []

    async def host() -> None:
        await in_thread(service, blocking(Counting(store_of(1000).store)))

    asyncio.run(host())


def test_rows_before_an_error_come_before_it() -> None:
    def service(view: OrderStore) -> tuple[int, object]:
        number, rows = 0, view.rows(EVERYTHING)
        try:
            for _ in rows:
                number += 1
        except StoreUnusable as error:
            assert list(rows) == []  # as with any generator
            return number, error
        return number, None

    async def host() -> None:
        for after in (0, 1, 2, 3, 200):
            error = StoreUnusable("db", "it is gone")
            view = blocking(FailingStore(error, after))
            assert await in_thread(service, view) == (after, error)

    asyncio.run(host())


def leave_by_break(view: OrderStore) -> None:
    for _ in view.rows(EVERYTHING):
        break


def leave_by_name(view: OrderStore) -> None:
    with closing(cast("Generator[OrderRow]", view.rows(EVERYTHING))) as rows:
        next(rows)


def leave_by_error(view: OrderStore) -> None:
    for _ in view.rows(EVERYTHING):
        raise KeyError


def leave_as_garbage(view: OrderStore) -> None:
    rows = begun(view)
    cycle: list[object] = [rows]
    cycle.append(cycle)
    del rows, cycle
    gc.collect()


def leave_nested(view: OrderStore) -> None:
    for _ in view.rows(EVERYTHING):
        for _ in view.lines(EVERYTHING):
            next(view.rows(EVERYTHING))
            break


def leave_many(view: OrderStore) -> None:
    left = [view.rows(EVERYTHING) for _ in range(20)]
    assert [next(rows).id for rows in left] == ["0000"] * 20


def leave_at_once(view: OrderStore) -> None:
    view.rows(EVERYTHING)


def ask_for_the_first(view: OrderStore) -> None:
    next_due(view, AbandonmentPolicy(), NOON + timedelta(days=1))


@pytest.mark.parametrize(
    "leave",
    [
        leave_by_break,
        leave_by_name,
        leave_by_error,
        leave_as_garbage,
        leave_nested,
        leave_many,
        leave_at_once,
        ask_for_the_first,
    ],
)
def test_a_stream_that_is_left_is_closed_before_the_service_has_ended(
    leave: Callable[[OrderStore], None],
) -> None:
    async def host() -> None:
        store = store_of(1000)
        with suppress(KeyError):
            await in_thread(leave, blocking(store))
        if leave is leave_by_error:  # whose traceback held the stream
            await settled(lambda: store.open == 0)
        assert store.open == 0
        assert (store.begun == 0) is (leave is leave_at_once)

    asyncio.run(host())


async def settled(holds: Callable[[], bool]) -> None:
    """Let the loop go round until something holds."""
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never held")


def test_a_stream_that_another_thread_forgets_is_closed() -> None:
    async def host() -> None:
        store = store_of(1000)
        view = blocking(store)
        rows = [await in_thread(begun, view)]
        assert store.open == 1
        rows.clear()  # in the loop's own thread, which must not wait for itself
        await settled(lambda: store.open == 0)

    asyncio.run(host())
    with loop_in_thread() as loop:
        store = store_of(1000)
        rows = [begun(blocking(store, loop))]
        assert store.open == 1
        rows.clear()
        asyncio.run_coroutine_threadsafe(settled(lambda: store.open == 0), loop).result()


def begun(view: OrderStore) -> Iterator[OrderRow]:
    rows = view.rows(EVERYTHING)
    next(rows)
    return rows


def test_a_stream_of_another_loop_is_closed_there() -> None:
    with loop_in_thread() as loop:
        store = store_of(1000)
        asyncio.run(in_thread(leave_by_break, blocking(store, loop)))
        assert store.begun == 1
        asyncio.run_coroutine_threadsafe(settled(lambda: store.open == 0), loop).result()


def test_a_stream_that_outlives_its_loop_is_forgotten() -> None:
    async def host() -> Iterator[OrderRow]:
        return await in_thread(begun, blocking(store_of(1000)))

    rows = asyncio.run(host())
    with pytest.raises(PortUnreachable, match="rows can't be called: its event loop is closed"):
        next(rows)
    left = asyncio.run(host())
    del left


class Plain:
    """An async iterator that is no generator."""

    def __init__(self, rows: Iterator[OrderRow]) -> None:
        self._rows = rows

    def __aiter__(self) -> Plain:
        return self

    async def __anext__(self) -> OrderRow:
        for row in self._rows:
            return row
        raise StopAsyncIteration


class PlainStore(AwaitedOrderStore):
    def rows(self, query: OrderQuery) -> AsyncIterator[OrderRow]:
        return Plain(self.store.rows(query))


class Unclosable(Plain):
    async def aclose(self) -> None:
        raise StoreUnusable("db", "it can't be closed")


class UnclosableStore(AwaitedOrderStore):
    def rows(self, query: OrderQuery) -> AsyncIterator[OrderRow]:
        return Unclosable(self.store.rows(query))


def test_a_stream_may_be_any_async_iterator() -> None:
    async def host() -> None:
        view = blocking(PlainStore(store_of(300).store))
        await in_thread(leave_by_break, view)
        assert len(await in_thread(lambda: list(view.rows(EVERYTHING)))) == 300

    asyncio.run(host())


def test_a_stream_that_can_not_be_closed_is_told_to_the_loop() -> None:
    told: list[dict[str, Any]] = []

    async def host() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        await in_thread(leave_by_break, blocking(UnclosableStore(store_of(9).store)))

    asyncio.run(host())
    assert [str(each["exception"]) for each in told] == [
        "the orders in db can't be used: it can't be closed"
    ]


# Several services


def test_services_go_on_while_others_wait() -> None:
    """Each waits for what the next one's call tells, all the way round."""
    number = 40

    class Waiting(AwaitedOrderStore):
        def __init__(self) -> None:
            super().__init__(MemoryOrderStore())
            self.here = [asyncio.Event() for _ in range(number)]

        async def get(self, order_id: str) -> Order:
            self.here[int(order_id)].set()
            await self.here[(int(order_id) + 1) % number].wait()
            # A driver that needs one of the loop's few threads gets one.
            return await asyncio.to_thread(order_of, order_id)

    async def host() -> list[Order]:
        view = blocking(Waiting())
        return await asyncio.gather(*(in_thread(view.get, str(n)) for n in range(number)))

    assert [order.id for order in asyncio.run(host())] == [str(n) for n in range(number)]


def test_sweeps_at_once_mark_each_order_once() -> None:
    async def host() -> None:
        store = store_of(100)
        policy, now = AbandonmentPolicy(), NOON + timedelta(days=1)
        sweeps = [in_thread(sweep, blocking(store), policy, now) for _ in range(8)]
        marked = [name for result in await asyncio.gather(*sweeps) for name in result.abandoned]
        assert sorted(marked) == [row.id for row in store.store.rows(EVERYTHING)]
        assert {len(store.store.events(name)) for name in marked} == {2}

    asyncio.run(host())


# Streams of the services


def test_a_csv_is_read_in_threads() -> None:
    request = ExportRequest(query=EVERYTHING)

    async def host() -> bytes:
        view = blocking(store_of(1000))
        return b"".join([chunk async for chunk in stream_in_thread(export_csv(view, request))])

    assert asyncio.run(host()) == b"".join(export_csv(store_of(1000).store, request))


def test_a_stream_of_a_service_is_closed_when_it_is_left() -> None:
    closed: list[bool] = []

    def numbers() -> Iterator[int]:
        try:
            yield from range(10)
        finally:
            closed.append(True)

    async def host() -> None:
        stream = stream_in_thread(numbers())
        assert await anext(stream) == 0
        await stream.aclose()
        assert closed == [True]
        assert [each async for each in stream_in_thread([1, 2])] == [1, 2]

    asyncio.run(host())


# The other way round


def test_a_store_that_waits_is_used_from_a_loop(tmp_path: Path) -> None:
    async def host(store: SqlOrderStore) -> Sequence[str]:
        await asyncio.gather(*(asyncio.to_thread(store.save, order_of(str(n))) for n in range(9)))
        now = NOON + timedelta(days=1)
        result = await asyncio.to_thread(sweep, store, AbandonmentPolicy(), now)
        return result.abandoned

    with SqlOrderStore.open(tmp_path / "orders.sqlite") as store:
        assert asyncio.run(host(store)) == tuple("012345678")


def test_a_view_does_what_its_store_can_do_besides(tmp_path: Path) -> None:
    orders = [order_of(str(number)) for number in range(3)]
    erased = orders[0].edit_note("erased", at=NOON)

    def service(view: OrderStore) -> None:
        assert isinstance(view, BulkStore)
        assert list(view.save_many(orders)) == orders
        assert isinstance(view, CountingStore)
        assert list(view.count_up_to([EVERYTHING, OrderQuery(shop="another")], 2)) == [2, 0]
        assert isinstance(view, ErasingStore)
        view.rewrite([erased.changes])

    async def host(store: SqlOrderStore) -> None:
        await in_thread(service, blocking(FullOrderStore(store)))

    with SqlOrderStore.open(tmp_path / "orders.sqlite") as store:
        asyncio.run(host(store))
        assert [store.get(order.id) for order in orders] == [erased, *orders[1:]]


def test_a_view_forgets_what_its_log_can_forget() -> None:
    log = MemoryTaskLog()

    def service(view: TaskLog) -> None:
        assert isinstance(view, ErasingTaskLog)
        for key in ("a", "b", "c"):
            assert view.claim(key, NOON)
        view.settle("a", Outcome.SKIPPED, NOON + HOUR, "Siti's own wish")
        view.settle("b", Outcome.DONE, NOON)
        view.forget(["c"])
        view.empty_notes(["a"])
        assert [task.key for task in view.tasks("b")] == ["b"]

    async def host() -> None:
        await in_thread(service, blocking(ErasingAwaitedTaskLog(log)))

    asyncio.run(host())
    assert list(log.tasks()) == [
        Task("a", NOON, Outcome.SKIPPED, NOON + HOUR),
        Task("b", NOON, Outcome.DONE, NOON),
    ]


def test_a_store_is_asked_by_the_quickest_way_that_it_offers(tmp_path: Path) -> None:
    class ByColumns(FullOrderStore):
        def rows(self, query: OrderQuery) -> AsyncIterator[OrderRow]:
            raise AssertionError(f"{query} is not answered by rows")

    def written(store: OrderStore) -> bytes:
        return b"".join(export_csv(store, ExportRequest(query=EVERYTHING)))

    async def host(sql: SqlOrderStore) -> bytes:
        return await in_thread(written, blocking(ByColumns(sql)))

    with SqlOrderStore.open(tmp_path / "orders.sqlite") as sql:
        save_many(sql, [order_of(str(n)) for n in range(9)])
        assert asyncio.run(host(sql)) == written(sql)
