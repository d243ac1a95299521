"""The stores that ship keep every promise of the contract kit, and the kit notices broken ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from email.message import EmailMessage
from pathlib import Path

import pytest

from broken_stores import BROKEN_STORES
from shoppego_orders.adapters.memory import MemoryOrderStore, MemoryTaskLog, RecordingMailer
from shoppego_orders.adapters.sql import SqlOrderStore, SqlTaskLog
from shoppego_orders.errors import OrdersError
from shoppego_orders.ports import Mailer, OrderStore, TaskLog
from shoppego_orders.testing.contracts import (
    MailerContract,
    OrderStoreContract,
    TaskLogContract,
)


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


class TestRecordingMailer(MailerContract):
    @pytest.fixture
    def mailer(self) -> RecordingMailer:
        return RecordingMailer()

    def received(self, mailer: Mailer) -> Sequence[EmailMessage]:
        assert isinstance(mailer, RecordingMailer)
        return mailer.messages


@pytest.mark.parametrize(("broken", "noticed_by"), BROKEN_STORES)
def test_the_contract_notices(broken: Callable[[], OrderStore], noticed_by: str) -> None:
    contract = OrderStoreContract()
    check: Callable[[OrderStore], None] = getattr(contract, noticed_by)
    check(MemoryOrderStore())
    with pytest.raises((AssertionError, OrdersError, pytest.fail.Exception)):
        check(broken())
