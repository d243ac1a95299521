"""The stores that ship can take a person out, and the contracts notice those that do it badly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import attrs
import pytest

from broken_stores import time_to_be_overtaken
from shoppego_orders.adapters.memory import MemoryOrderStore, MemoryTaskLog
from shoppego_orders.adapters.sql import SqlOrderStore, SqlTaskLog
from shoppego_orders.errors import OrdersError, StaleOrder
from shoppego_orders.order import Order, OrderEvent
from shoppego_orders.ports import ErasingStore, ErasingTaskLog, Outcome
from shoppego_orders.testing.contracts import ErasingStoreContract, ErasingTaskLogContract


class TestMemoryOrderStore(ErasingStoreContract):
    @pytest.fixture
    def store(self) -> ErasingStore:
        return MemoryOrderStore()


class TestSqlOrderStore(ErasingStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[ErasingStore]:
        with SqlOrderStore.open(tmp_path / "orders.sqlite") as store:
            yield store
            assert list(store.disagreements()) == []


class TestSqlOrderStoreInABatch(ErasingStoreContract):
    # The batch is its thread's own: others would wait for its end.
    shared_by_threads = False

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[ErasingStore]:
        with SqlOrderStore.open(tmp_path / "orders.sqlite") as store:
            with store.batch():
                yield store
            assert list(store.disagreements()) == []


class TestPostgresOrderStore(ErasingStoreContract):
    @pytest.fixture
    def store(self, postgres_url: str) -> Iterator[ErasingStore]:
        with SqlOrderStore.open(postgres_url) as store:
            yield store
            assert list(store.disagreements()) == []


class TestMemoryTaskLog(ErasingTaskLogContract):
    @pytest.fixture
    def task_log(self) -> ErasingTaskLog:
        return MemoryTaskLog()


class TestSqlTaskLog(ErasingTaskLogContract):
    @pytest.fixture
    def task_log(self, tmp_path: Path) -> Iterator[ErasingTaskLog]:
        with SqlTaskLog.open(tmp_path / "tasks.sqlite") as task_log:
            yield task_log


class TestPostgresTaskLog(ErasingTaskLogContract):
    @pytest.fixture
    def task_log(self, postgres_url: str) -> Iterator[ErasingTaskLog]:
        with SqlTaskLog.open(postgres_url) as task_log:
            yield task_log


# Broken ones: each is wrong in one way


class KeepsTheVersion(MemoryOrderStore):
    def rewrite(self, histories: Iterable[Sequence[OrderEvent]]) -> None:
        whole = list(histories)
        super().rewrite(whole)
        for events in whole:
            kept = self._kept[events[0].order_id]
            order = attrs.evolve(kept.order, version=kept.order.version - 1)
            self._kept[order.id] = type(kept).of(order, kept.events)


class KeepsTheOldEvents(MemoryOrderStore):
    def rewrite(self, histories: Iterable[Sequence[OrderEvent]]) -> None:
        for events in histories:
            old = self.events(events[0].order_id)
            super().rewrite([events])
            kept = self._kept[events[0].order_id]
            self._kept[kept.order.id] = type(kept).of(kept.order, (*old, events[-1]))


class KeepsTheState(MemoryOrderStore):
    def rewrite(self, histories: Iterable[Sequence[OrderEvent]]) -> None:
        for events in histories:
            old = self.get(events[0].order_id)
            super().rewrite([events])
            kept = self._kept[old.id]
            order = attrs.evolve(old, version=kept.order.version)
            self._kept[old.id] = type(kept).of(order, kept.events)


class WritesOneByOne(MemoryOrderStore):
    def rewrite(self, histories: Iterable[Sequence[OrderEvent]]) -> None:
        for history in histories:
            super().rewrite([history])


class DecidesByTheHistory(MemoryOrderStore):
    def rewrite(self, histories: Iterable[Sequence[OrderEvent]]) -> None:
        whole = [tuple(history) for history in histories]
        super().rewrite(whole)
        for events in whole:
            kept = self._kept[events[0].order_id]
            decided = Order.replay(events).decided
            order = attrs.evolve(kept.order, decided=decided)
            self._kept[order.id] = type(kept).of(order, kept.events)


class LooksBeforeItWrites(MemoryOrderStore):
    def rewrite(self, histories: Iterable[Sequence[OrderEvent]]) -> None:
        for history in histories:
            order = Order.replay(history)
            if self.get(order.id).version + 1 == order.version:
                time_to_be_overtaken()
                with self._lock:
                    self._kept[order.id] = type(self._kept[order.id]).of(order, tuple(history))
            else:
                super().rewrite([history])


class TakesWhatIsUnknown(MemoryOrderStore):
    def rewrite(self, histories: Iterable[Sequence[OrderEvent]]) -> None:
        super().rewrite(
            each for each in map(tuple, histories) if not each or each[0].order_id in self._kept
        )


class NamesTheNewVersion(MemoryOrderStore):
    def rewrite(self, histories: Iterable[Sequence[OrderEvent]]) -> None:
        try:
            super().rewrite(histories)
        except StaleOrder as stale:
            stale.version += 1
            raise


@pytest.mark.parametrize(
    ("broken", "noticed_by"),
    [
        (KeepsTheVersion, "test_a_rewritten_order_is_what_its_history_says"),
        (KeepsTheVersion, "test_who_loaded_the_order_before_is_stale"),
        (KeepsTheOldEvents, "test_a_rewritten_order_is_what_its_history_says"),
        (KeepsTheState, "test_who_it_was_is_not_found_any_more"),
        (WritesOneByOne, "test_one_that_is_refused_leaves_all_as_they_were"),
        (TakesWhatIsUnknown, "test_one_that_is_refused_leaves_all_as_they_were"),
        (DecidesByTheHistory, "test_what_is_decided_stays_so"),
        (LooksBeforeItWrites, "test_of_several_threads_that_rewrite_one_wins"),
        (NamesTheNewVersion, "test_a_stale_history_says_which_version_is_stored"),
    ],
)
def test_the_contract_notices(broken: Callable[[], ErasingStore], noticed_by: str) -> None:
    check: Callable[[ErasingStore], None] = getattr(ErasingStoreContract(), noticed_by)
    check(MemoryOrderStore())
    with pytest.raises((AssertionError, OrdersError, pytest.fail.Exception)):
        check(broken())


class ForgetsByPrefix(MemoryTaskLog):
    def forget(self, keys: Iterable[str]) -> None:
        super().forget(task.key for key in list(keys) for task in list(self.tasks(key)))


class ForgetsTheSettled(MemoryTaskLog):
    def forget(self, keys: Iterable[str]) -> None:
        open_ = {task.key for task in self.tasks() if task.outcome is None}
        super().forget(key for key in keys if key not in open_)


class EmptiesTheOutcome(MemoryTaskLog):
    def empty_notes(self, keys: Iterable[str]) -> None:
        for key in keys:
            if key in self._tasks:
                self._tasks[key] = attrs.evolve(
                    self._tasks[key], note="", outcome=None, settled_at=None
                )


class SettlesTheOpen(MemoryTaskLog):
    def empty_notes(self, keys: Iterable[str]) -> None:
        for key in keys:
            if key in self._tasks:
                task = attrs.evolve(self._tasks[key], note="")
                self._tasks[key] = attrs.evolve(task, outcome=task.outcome or Outcome.FAILED)


class EmptiesNothing(MemoryTaskLog):
    def empty_notes(self, keys: Iterable[str]) -> None:
        """As if it were done."""


@pytest.mark.parametrize(
    ("broken", "noticed_by"),
    [
        (ForgetsByPrefix, "test_a_forgotten_task_is_gone"),
        (ForgetsTheSettled, "test_a_forgotten_task_is_gone"),
        (EmptiesTheOutcome, "test_an_emptied_note_is_gone_and_nothing_else"),
        (SettlesTheOpen, "test_an_emptied_note_is_gone_and_nothing_else"),
        (EmptiesNothing, "test_an_emptied_note_is_gone_and_nothing_else"),
    ],
)
def test_the_contract_of_task_logs_notices(
    broken: Callable[[], ErasingTaskLog], noticed_by: str
) -> None:
    check: Callable[[ErasingTaskLog], None] = getattr(ErasingTaskLogContract(), noticed_by)
    check(MemoryTaskLog())
    with pytest.raises((AssertionError, OrdersError, pytest.fail.Exception)):
        check(broken())
