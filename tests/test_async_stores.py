"""Async adapters keep every promise of the contract kit, seen through their blocking views."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings

from async_sqlite import AsyncSqliteOrderStore, AsyncSqliteTaskLog, Database, Outbox
from awaited import (
    AwaitedExportLog,
    AwaitedMailer,
    AwaitedOrderStore,
    AwaitedShelf,
    AwaitedTaskLog,
    ErasingAwaitedTaskLog,
    FullOrderStore,
)
from shoppego_orders.adapters.memory import (
    MemoryExportLog,
    MemoryOrderStore,
    MemoryShelf,
    MemoryTaskLog,
    RecordingMailer,
)
from shoppego_orders.adapters.sql import SqlOrderStore
from shoppego_orders.async_views import blocking
from shoppego_orders.bridge import in_thread
from shoppego_orders.ports import (
    BulkStore,
    ColumnStore,
    CountingStore,
    ErasingStore,
    ErasingTaskLog,
    ExportLog,
    FileShelf,
    Mailer,
    OrderStore,
    TaskLog,
)
from shoppego_orders.testing.contracts import (
    ErasingStoreContract,
    ErasingTaskLogContract,
    ExportLogContract,
    FileShelfContract,
    MailerContract,
    OrderStoreContract,
    TaskLogContract,
)
from shoppego_orders.testing.loops import loop_in_thread
from shoppego_orders.testing.store_machine import StoreMachine

T = TypeVar("T")


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    with loop_in_thread() as loop:
        yield loop


@contextmanager
def database_on(loop: asyncio.AbstractEventLoop, path: Path) -> Generator[Database]:
    def done(coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result()

    database = done(Database.open(path))
    try:
        yield database
    finally:
        done(database.close())


# A real driver


class TestAsyncSqliteOrderStore(OrderStoreContract):
    @pytest.fixture
    def store(self, loop: asyncio.AbstractEventLoop, tmp_path: Path) -> Iterator[OrderStore]:
        with database_on(loop, tmp_path / "orders.sqlite") as database:
            yield blocking(AsyncSqliteOrderStore(database), loop)


class TestAsyncSqliteTaskLog(TaskLogContract):
    @pytest.fixture
    def task_log(self, loop: asyncio.AbstractEventLoop, tmp_path: Path) -> Iterator[TaskLog]:
        with database_on(loop, tmp_path / "tasks.sqlite") as database:
            yield blocking(AsyncSqliteTaskLog(database), loop)


class TestOutbox(MailerContract):
    @pytest.fixture
    def mailer(self, loop: asyncio.AbstractEventLoop) -> Mailer:
        self.outbox = Outbox()
        return blocking(self.outbox, loop)

    def received(self, mailer: Mailer) -> Sequence[EmailMessage]:  # noqa: ARG002  # it is a view
        return self.outbox.messages


class AsyncSqliteMachine(StoreMachine):
    def open_store(self) -> OrderStore:
        self.opened = ExitStack()
        folder = self.opened.enter_context(tempfile.TemporaryDirectory())
        loop = self.opened.enter_context(loop_in_thread())
        path = Path(folder) / "orders.sqlite"
        database = self.opened.enter_context(database_on(loop, path))
        return blocking(AsyncSqliteOrderStore(database), loop)

    def close_store(self) -> None:
        self.opened.close()


TestAsyncSqliteMachine = AsyncSqliteMachine.TestCase
# A few steps show what the contract leaves out; each takes a trip to two threads.
TestAsyncSqliteMachine.settings = settings(
    max_examples=settings().max_examples // 5, stateful_step_count=20
)


# The other ports, over the adapters that wait for nothing


class TestAwaitedTaskLog(TaskLogContract):
    @pytest.fixture
    def task_log(self, loop: asyncio.AbstractEventLoop) -> TaskLog:
        return blocking(AwaitedTaskLog(MemoryTaskLog()), loop)


class TestErasingAwaitedTaskLog(ErasingTaskLogContract):
    @pytest.fixture
    def task_log(self, loop: asyncio.AbstractEventLoop) -> ErasingTaskLog:
        return blocking(ErasingAwaitedTaskLog(MemoryTaskLog()), loop)


class TestAwaitedExportLog(ExportLogContract):
    @pytest.fixture
    def export_log(self, loop: asyncio.AbstractEventLoop) -> ExportLog:
        return blocking(AwaitedExportLog(MemoryExportLog()), loop)


class TestAwaitedShelf(FileShelfContract):
    @pytest.fixture
    def shelf(self, loop: asyncio.AbstractEventLoop) -> FileShelf:
        self.kept_by = MemoryShelf()
        return blocking(AwaitedShelf(self.kept_by), loop)

    def kept(self, shelf: FileShelf, url: str) -> bytes | None:  # noqa: ARG002  # it is a view
        return self.kept_by.files.get(url)

    def files(self, shelf: FileShelf) -> int:  # noqa: ARG002  # it is a view
        return len(self.kept_by.files)


class TestAwaitedMailer(MailerContract):
    @pytest.fixture
    def mailer(self, loop: asyncio.AbstractEventLoop) -> Mailer:
        self.sent_by = RecordingMailer()
        return blocking(AwaitedMailer(self.sent_by), loop)

    def received(self, mailer: Mailer) -> Sequence[EmailMessage]:  # noqa: ARG002  # it is a view
        return self.sent_by.messages


# What a store may offer besides


class TestErasingAwaitedStore(ErasingStoreContract):
    @pytest.fixture
    def store(self, loop: asyncio.AbstractEventLoop, tmp_path: Path) -> Iterator[ErasingStore]:
        with SqlOrderStore.open(tmp_path / "orders.sqlite") as store:
            yield blocking(FullOrderStore(store), loop)


@pytest.mark.parametrize(("kind", "offers"), [(AwaitedOrderStore, False), (FullOrderStore, True)])
def test_a_view_offers_what_its_store_offers(
    kind: Callable[[Any], AwaitedOrderStore],
    offers: bool,
    loop: asyncio.AbstractEventLoop,
) -> None:
    view = blocking(kind(MemoryOrderStore()), loop)
    assert isinstance(view, ColumnStore) is offers
    assert isinstance(view, BulkStore) is offers
    assert isinstance(view, CountingStore) is offers
    assert isinstance(view, ErasingStore) is offers


@pytest.mark.parametrize(
    "promise",
    [
        OrderStoreContract.test_columns_are_those_of_the_rows,
        OrderStoreContract.test_many_are_saved_as_one_by_one,
        OrderStoreContract.test_many_may_come_from_a_stream_of_the_store,
        OrderStoreContract.test_streams_may_be_left_and_nested,
        OrderStoreContract.test_counts_stop_where_they_are_told_to,
    ],
)
def test_what_it_offers_keeps_its_promises(
    promise: Callable[[OrderStoreContract, OrderStore], None], tmp_path: Path
) -> None:
    async def host(store: SqlOrderStore) -> None:
        # Which waits until the streams that are left are closed, before the database is.
        await in_thread(promise, OrderStoreContract(), blocking(FullOrderStore(store)))

    with SqlOrderStore.open(tmp_path / "orders.sqlite") as store:
        asyncio.run(host(store))
