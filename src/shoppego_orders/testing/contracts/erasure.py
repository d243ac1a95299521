"""What stores and task logs promise that can take a person out, as tests that a host runs.

Used as those of :mod:`shoppego_orders.testing.contracts`: a subclass, and a fixture that gives an
adapter which is empty at first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import attrs
import pytest

from shoppego_orders.errors import (
    BrokenHistory,
    OrderNotFound,
    OrdersError,
    StaleOrder,
    TaskNotClaimed,
)
from shoppego_orders.order import LineRow, Order, OrderEvent, OrderRow
from shoppego_orders.order.anonymity import anonymised_history
from shoppego_orders.ports import ErasingStore, ErasingTaskLog, Outcome, Task
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.contracts.racing import SharedContract, kind_of
from shoppego_orders.testing.samples import NOON, order_of, sample_orders

LATER = NOON + timedelta(days=30)


class ErasingStoreContract(SharedContract):
    """What :class:`~shoppego_orders.ports.ErasingStore` promises. Give it a ``store`` fixture.

    :cvar shared_by_threads: several threads may use one store at once; else that test is skipped.
    """

    def test_a_rewritten_order_is_what_its_history_says(self, store: ErasingStore) -> None:
        """State, rows, lines, tags and events are the new ones, of orders in any state."""
        saved = [store.save(order) for order in sample_orders()]
        histories = {order.id: without_person(store, order.id) for order in saved}
        store.rewrite(histories.values())
        for order in saved:
            replayed = Order.replay(histories[order.id])
            loaded = store.get(order.id)
            assert loaded == replayed
            assert loaded.version == order.version + 1
            assert loaded.changes == ()
            assert tuple(store.events(order.id)) == histories[order.id]
            row = OrderRow.of(loaded)
            assert list(store.rows(OrderQuery(ids=[order.id]))) == [row]
            assert list(store.lines(OrderQuery(ids=[order.id]))) == [
                LineRow.of(row, position, line) for position, line in enumerate(loaded.lines, 1)
            ]
            for tag in order.tags:
                assert store.count(OrderQuery(ids=[order.id], tag=tag)) == 1

    def test_who_it_was_is_not_found_any_more(self, store: ErasingStore) -> None:
        """Neither by key nor by search; the other orders are as they were."""
        store.save(order_of("1"))
        other = store.save(order_of("2"))
        store.rewrite([without_person(store, "1")])
        assert [row.id for row in store.rows(OrderQuery(search="siti"))] == ["2"]
        key = other.customer_key or ""
        assert [row.id for row in store.rows(OrderQuery(customer_keys=[key]))] == ["2"]
        assert (store.get("2"), store.get("2").version) == (other, other.version)

    def test_what_is_decided_stays_so(self, store: ErasingStore) -> None:
        """A sweep looks again at what it had to look at, and at nothing else."""
        for order in sample_orders():
            store.save(order)
        store.settle_kept(list(store.rows(OrderQuery()))[::2])
        decided = [row.id for row in store.rows(OrderQuery(decided=True))]
        store.rewrite([without_person(store, order.id) for order in sample_orders()])
        assert [row.id for row in store.rows(OrderQuery(decided=True))] == decided

    def test_who_loaded_the_order_before_is_stale(self, store: ErasingStore) -> None:
        """Nobody writes the person back."""
        loaded = store.save(order_of("1"))
        store.rewrite([without_person(store, "1")])
        for stale in (loaded, loaded.edit_note("for Siti", at=NOON)):
            with pytest.raises(StaleOrder):
                store.save(stale)
        assert store.get("1").customer_name == store.get("1").note == ""
        paid = store.get("1").record_payment("pay-1", loaded.total, at=LATER)
        assert store.save(paid).version == loaded.version + 2
        assert Order.replay(store.events("1")) == store.get("1")

    def test_one_that_is_refused_leaves_all_as_they_were(self, store: ErasingStore) -> None:
        """Stale, unknown or broken: no order of the same call is written."""
        store.save(order_of("1"))
        store.save(order_of("2"))
        good, stale = without_person(store, "1"), without_person(store, "2")
        store.save(store.get("2").edit_note("x", at=NOON))
        before = [(store.get(id_), store.events(id_)) for id_ in "12"]
        unknown = anonymised_history(order_of("3").changes, pseudonym=str, at=LATER)
        refused: list[tuple[Sequence[OrderEvent], type[OrdersError]]] = [
            (stale, StaleOrder),
            (store.events("2"), StaleOrder),
            (unknown, OrderNotFound),
            (good[1:], BrokenHistory),
            ((), BrokenHistory),
        ]
        for history, error in refused:
            with pytest.raises(error):
                store.rewrite([good, history])
            assert [(store.get(id_), store.events(id_)) for id_ in "12"] == before
        store.rewrite([])
        assert [store.get(id_).version for id_ in "12"] == [1, 2]

    def test_a_stale_history_says_which_version_is_stored(self, store: ErasingStore) -> None:
        """The error names the version that the history was made from."""
        store.save(order_of("1"))
        history = without_person(store, "1")
        store.save(store.get("1").edit_note("x", at=NOON))
        with pytest.raises(StaleOrder) as refused:
            store.rewrite([history])
        told = refused.value
        assert (told.order_id, told.version, told.stored_version) == ("1", 1, 2)

    def test_of_several_threads_that_rewrite_one_wins(self, store: ErasingStore) -> None:
        """The event that tells of it is written once."""
        store.save(order_of("1"))
        history = without_person(store, "1")
        told = self._raced([partial(store.rewrite, [history])] * 6)
        assert sorted(map(kind_of, told)) == ["NoneType"] + 5 * ["StaleOrder"]
        assert [event.type for event in store.events("1")] == ["placed", "anonymised"]


class ErasingTaskLogContract:
    """What :class:`~shoppego_orders.ports.ErasingTaskLog` promises.

    Give it a ``task_log`` fixture.
    """

    def test_a_forgotten_task_is_gone(self, task_log: ErasingTaskLog) -> None:
        """Settled or not; it can't be settled any more, and the others are as they were."""
        for key in ("a", "a/1", "b", "c%"):
            task_log.claim(key, NOON)
        task_log.settle("a", Outcome.DONE, NOON, "x")
        task_log.forget(task.key for task in task_log.tasks("c"))
        task_log.forget(["a", "unknown"])
        task_log.forget([])
        assert [task.key for task in task_log.tasks()] == ["a/1", "b"]
        with pytest.raises(TaskNotClaimed):
            task_log.settle("c%", Outcome.DONE, NOON)

    def test_an_emptied_note_is_gone_and_nothing_else(self, task_log: ErasingTaskLog) -> None:
        """What was claimed, and how it ended, stays."""
        for key in ("a", "b", "c"):
            task_log.claim(key, NOON)
        for key in ("a", "b"):
            task_log.settle(key, Outcome.FAILED, LATER, "mail to siti@example.my was not sent")
        before = list(task_log.tasks())
        task_log.empty_notes(task.key for task in task_log.tasks("a"))
        task_log.empty_notes(["c", "unknown"])
        task_log.empty_notes([])
        emptied: list[Task] = [attrs.evolve(before[0], note=""), *before[1:]]
        assert list(task_log.tasks()) == emptied
        task_log.settle("c", Outcome.DONE, LATER)


def without_person(store: ErasingStore, order_id: str) -> tuple[OrderEvent, ...]:
    """The history of a stored order, rewritten."""
    return anonymised_history(
        store.events(order_id), pseudonym="anonymous:{}".format, at=LATER, actor="owner"
    )
