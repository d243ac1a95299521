"""The example of a host's own store, in the documentation, keeps every promise of the kit."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from shoppego_orders.ports import OrderStore
from shoppego_orders.testing.contracts import OrderStoreContract
from shoppego_orders.testing.store_machine import StoreMachine
from sqlite_store import SqliteStore


class TestSqliteStore(OrderStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[OrderStore]:
        store = SqliteStore(tmp_path / "orders.sqlite")
        yield store
        store.close()


class SqliteMachine(StoreMachine):
    def open_store(self) -> OrderStore:
        self.folder = tempfile.TemporaryDirectory()
        self.opened = SqliteStore(Path(self.folder.name) / "orders.sqlite")
        return self.opened

    def close_store(self) -> None:
        self.opened.close()
        self.folder.cleanup()


TestSqliteMachine = SqliteMachine.TestCase
TestSqliteMachine.settings = settings(max_examples=10, stateful_step_count=15)
