"""The stores that ship keep every promise of the contract kit, and the kit notices broken ones."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import unquote

import pytest

from broken_exports import BROKEN_EXPORT_LOGS, BROKEN_SHELVES
from broken_ports import BROKEN_MAILERS, BROKEN_TASK_LOGS
from broken_stores import BROKEN_STORES
from shoppego_orders.adapters.memory import (
    MemoryExportLog,
    MemoryOrderStore,
    MemoryShelf,
    MemoryTaskLog,
    RecordingMailer,
)
from shoppego_orders.adapters.shelf import DirectoryShelf
from shoppego_orders.adapters.sql import SqlExportLog, SqlOrderStore, SqlTaskLog
from shoppego_orders.errors import OrdersError, StoreUnusable
from shoppego_orders.order import Order
from shoppego_orders.ports import ExportLog, FileShelf, Mailer, OrderStore, TaskLog, save_many
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.contracts import (
    ExportLogContract,
    FileShelfContract,
    MailerContract,
    OrderStoreContract,
    TaskLogContract,
)
from shoppego_orders.testing.samples import order_of


class TestMemoryOrderStore(OrderStoreContract):
    @pytest.fixture
    def store(self) -> OrderStore:
        return MemoryOrderStore()


class TestSqlOrderStore(OrderStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[OrderStore]:
        with SqlOrderStore.open(tmp_path / "orders.sqlite") as store:
            yield store
            assert list(store.disagreements()) == []


class TestSqlOrderStoreInABatch(OrderStoreContract):
    # The batch is its thread's own: others would wait for its end.
    shared_by_threads = False

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[OrderStore]:
        with SqlOrderStore.open(tmp_path / "orders.sqlite") as store:
            with store.batch():
                yield store
            assert list(store.disagreements()) == []


class TestPostgresOrderStore(OrderStoreContract):
    @pytest.fixture
    def store(self, postgres_url: str) -> Iterator[OrderStore]:
        with SqlOrderStore.open(postgres_url) as store:
            yield store
            assert list(store.disagreements()) == []


class TestPostgresOrderStoreInABatch(OrderStoreContract):
    # As above.
    shared_by_threads = False

    @pytest.fixture
    def store(self, postgres_url: str) -> Iterator[OrderStore]:
        with SqlOrderStore.open(postgres_url) as store:
            with store.batch():
                yield store
            assert list(store.disagreements()) == []


def test_each_thread_of_a_contract_says_that_it_ends() -> None:
    left: list[int] = []

    class Leaving(OrderStoreContract, TaskLogContract):
        def leave_thread(self) -> None:
            left.append(threading.get_ident())

    contract = Leaving()
    contract.test_of_several_threads_that_add_one_wins(MemoryOrderStore())
    assert len(left) == 6  # those that were refused too
    contract.test_rows_are_in_order_while_threads_write(MemoryOrderStore())
    contract.test_of_several_threads_that_settle_one_wins(MemoryTaskLog())
    assert len(left) == 6 + 1 + 6
    assert threading.get_ident() not in left


class TestMemoryTaskLog(TaskLogContract):
    @pytest.fixture
    def task_log(self) -> TaskLog:
        return MemoryTaskLog()


class TestSqlTaskLog(TaskLogContract):
    @pytest.fixture
    def task_log(self, tmp_path: Path) -> Iterator[TaskLog]:
        with SqlTaskLog.open(tmp_path / "tasks.sqlite") as task_log:
            yield task_log


class TestPostgresTaskLog(TaskLogContract):
    @pytest.fixture
    def task_log(self, postgres_url: str) -> Iterator[TaskLog]:
        with SqlTaskLog.open(postgres_url) as task_log:
            yield task_log


class TestMemoryExportLog(ExportLogContract):
    @pytest.fixture
    def export_log(self) -> ExportLog:
        return MemoryExportLog()


class TestSqlExportLog(ExportLogContract):
    @pytest.fixture
    def export_log(self, tmp_path: Path) -> Iterator[ExportLog]:
        with SqlExportLog.open(tmp_path / "exports.sqlite") as export_log:
            yield export_log


class TestSqlExportLogInABatch(ExportLogContract):
    # As above.
    shared_by_threads = False

    @pytest.fixture
    def export_log(self, tmp_path: Path) -> Iterator[ExportLog]:
        with SqlOrderStore.open(tmp_path / "exports.sqlite") as store, store.batch():
            yield SqlExportLog(store.database)


class TestPostgresExportLog(ExportLogContract):
    @pytest.fixture
    def export_log(self, postgres_url: str) -> Iterator[ExportLog]:
        with SqlExportLog.open(postgres_url) as export_log:
            yield export_log


class TestPostgresExportLogInABatch(ExportLogContract):
    # As above.
    shared_by_threads = False

    @pytest.fixture
    def export_log(self, postgres_url: str) -> Iterator[ExportLog]:
        with SqlOrderStore.open(postgres_url) as store, store.batch():
            yield SqlExportLog(store.database)


class TestMemoryShelf(FileShelfContract):
    @pytest.fixture
    def shelf(self) -> MemoryShelf:
        return MemoryShelf()

    def kept(self, shelf: FileShelf, url: str) -> bytes | None:
        assert isinstance(shelf, MemoryShelf)
        return shelf.files.get(url)

    def files(self, shelf: FileShelf) -> int:
        assert isinstance(shelf, MemoryShelf)
        return len(shelf.files)


class TestDirectoryShelf(FileShelfContract):
    url = ""

    @pytest.fixture
    def shelf(self, tmp_path: Path) -> DirectoryShelf:
        return DirectoryShelf(tmp_path / "shelf", self.url)

    def kept(self, shelf: FileShelf, url: str) -> bytes | None:
        assert isinstance(shelf, DirectoryShelf)
        file = shelf.directory / unquote(url.rpartition("/")[2])
        return file.read_bytes() if file.exists() else None

    def files(self, shelf: FileShelf) -> int:
        assert isinstance(shelf, DirectoryShelf)
        return len(list(shelf.directory.iterdir()))


class TestDirectoryShelfBehindAServer(TestDirectoryShelf):
    url = "https://files.example.my/exports/"


class TestRecordingMailer(MailerContract):
    @pytest.fixture
    def mailer(self) -> RecordingMailer:
        return RecordingMailer()

    def received(self, mailer: Mailer) -> Sequence[EmailMessage]:
        assert isinstance(mailer, RecordingMailer)
        return mailer.messages


class FailsAtTheSecond(MemoryOrderStore):
    def save(self, order: Order) -> Order:
        if order.id == "2":
            raise StoreUnusable("memory", "it is full")
        return super().save(order)


def test_a_store_that_fails_is_no_refusal() -> None:
    store = FailsAtTheSecond()
    with pytest.raises(StoreUnusable):
        save_many(store, map(order_of, "1123"))
    assert [row.id for row in store.rows(OrderQuery())] == ["1"]


def check_noticed(contract: object, noticed_by: str, broken: object) -> None:
    check: Callable[[object], None] = getattr(contract, noticed_by)
    with pytest.raises((AssertionError, OrdersError, pytest.fail.Exception)):
        check(broken)


@pytest.mark.once
@pytest.mark.parametrize(("broken", "noticed_by"), BROKEN_STORES)
def test_the_contract_notices(broken: Callable[[], OrderStore], noticed_by: str) -> None:
    check_noticed(OrderStoreContract(), noticed_by, broken())


@pytest.mark.once
@pytest.mark.parametrize(("broken", "noticed_by"), BROKEN_EXPORT_LOGS)
def test_the_contract_of_export_logs_notices(
    broken: Callable[[], ExportLog], noticed_by: str
) -> None:
    check_noticed(ExportLogContract(), noticed_by, broken())


@pytest.mark.once
@pytest.mark.parametrize(("broken", "noticed_by"), BROKEN_SHELVES)
def test_the_contract_of_shelves_notices(broken: Callable[[], FileShelf], noticed_by: str) -> None:
    check_noticed(TestMemoryShelf(), noticed_by, broken())


@pytest.mark.once
@pytest.mark.parametrize(("broken", "noticed_by"), BROKEN_TASK_LOGS)
def test_the_contract_of_task_logs_notices(broken: Callable[[], TaskLog], noticed_by: str) -> None:
    check_noticed(TaskLogContract(), noticed_by, broken())


@pytest.mark.once
@pytest.mark.parametrize(("broken", "noticed_by"), BROKEN_MAILERS)
def test_the_contract_of_mailers_notices(broken: Callable[[], Mailer], noticed_by: str) -> None:
    check_noticed(TestRecordingMailer(), noticed_by, broken())
