"""What a store promises of what is saved: whole, once, and not over what others saved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import cast

import attrs
import pytest

from shoppego_orders.errors import DuplicateOrder, InvalidValue, OrderNotFound, StaleOrder
from shoppego_orders.order import LineItem, LineRow, Order, OrderEvent, OrderRow
from shoppego_orders.ports import OrderStore, save_many
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.contracts.expected import EVERYTHING
from shoppego_orders.testing.contracts.racing import SharedContract, kind_of
from shoppego_orders.testing.samples import NOON, OTHER_SHOP, myr, order_of, sample_orders


class SavingContract(SharedContract):
    """Saving and loading; a part of
    :class:`~shoppego_orders.testing.contracts.OrderStoreContract`.
    """

    # State

    def test_what_was_saved_is_loaded(self, store: OrderStore) -> None:
        """Every order comes back as it was, in any state."""
        for order in sample_orders():
            saved = store.save(order)
            loaded = store.get(order.id)
            assert loaded == saved == order
            assert loaded.version == saved.version == len(order.changes)
            assert loaded.decided is saved.decided is order.decided
            assert loaded.changes == saved.changes == ()

    def test_a_later_save_replaces_the_state(self, store: OrderStore) -> None:
        """What is loaded is what was saved last, with the version counting the events."""
        saved = store.save(order_of("1"))
        paid = saved.record_payment("pay-1", saved.total, at=NOON)
        noted = paid.edit_note("ring twice", at=NOON).set_tags(["gift"], at=NOON)
        again = store.save(noted)
        assert again.version == saved.version + 3
        assert store.get("1") == again == noted
        assert store.get("1").version == again.version

    def test_an_order_can_lose_lines_and_tags(self, store: OrderStore) -> None:
        """What an order no longer holds is no longer found."""
        two = [LineItem("Kopi", 1, myr("5.00")), LineItem("Teh", 1, myr("4.00"))]
        saved = store.save(order_of("1", lines=two, tags=["gift", "rush"]))
        changed = saved.change_lines(two[1:], at=NOON).set_tags(["rush"], at=NOON)
        store.save(changed)
        assert [line.product for line in store.lines(EVERYTHING)] == ["Teh"]
        assert store.count(OrderQuery(tag="gift")) == 0
        assert store.count(OrderQuery(tag="rush")) == 1

    def test_saving_without_changes_writes_nothing(self, store: OrderStore) -> None:
        """An order that was not changed keeps its version and its history."""
        saved = store.save(order_of("1"))
        again = store.save(saved)
        assert (again, again.version) == (saved, saved.version)
        assert store.get("1").version == saved.version
        assert len(store.events("1")) == 1

    def test_an_unknown_order_is_not_found(self, store: OrderStore) -> None:
        """Neither loaded, nor with a history, nor saved as if it were there."""
        store.save(order_of("1"))
        # Stored once, elsewhere: here it is gone.
        gone = attrs.evolve(order_of("2"), version=1, changes=())
        changed = gone.edit_note("x", at=NOON)
        attempts: list[Callable[[], object]] = [
            lambda: store.get("2"),
            lambda: store.get(""),
            lambda: store.get("\ud800\x00"),
            lambda: store.events("2"),
            lambda: store.save(gone),
            lambda: store.save(changed),
        ]
        for attempt in attempts:
            with pytest.raises(OrderNotFound):
                attempt()
        assert store.count(EVERYTHING) == 1

    # Versions

    def test_a_stale_save_is_refused_and_writes_nothing(self, store: OrderStore) -> None:
        """Who loaded an older version is told so; what was saved first stays."""
        loaded = store.save(order_of("1"))
        first = store.save(loaded.edit_note("first", at=NOON))
        late = loaded.edit_note("late", at=NOON).record_payment("pay-1", myr("1.00"), at=NOON)
        for stale in (late, loaded):
            with pytest.raises(StaleOrder) as refused:
                store.save(stale)
            told = refused.value
            assert (told.order_id, told.version, told.stored_version) == ("1", 1, 2)
        assert store.get("1") == first
        assert len(store.events("1")) == first.version == 2
        assert [row.note for row in store.rows(EVERYTHING)] == ["first"]

    def test_a_taken_id_is_refused_and_writes_nothing(self, store: OrderStore) -> None:
        """A new order does not replace one that has its id."""
        saved = store.save(order_of("1", note="mine"))
        twin = order_of("1", shop=OTHER_SHOP, number="#2", note="other").cancel(reason="x", at=NOON)
        with pytest.raises(DuplicateOrder) as refused:
            store.save(twin)
        assert refused.value.order_id == "1"
        assert store.get("1") == saved
        assert len(store.events("1")) == 1

    def test_a_number_is_taken_within_its_shop_only(self, store: OrderStore) -> None:
        """Two orders of one shop never share a number; two shops' orders may."""
        store.save(order_of("1", number="#7"))
        with pytest.raises(DuplicateOrder):
            store.save(order_of("2", number="#7", at=NOON + timedelta(hours=1)))
        with pytest.raises(OrderNotFound):
            store.get("2")
        with pytest.raises(OrderNotFound):
            store.events("2")
        assert store.count(EVERYTHING) == len(list(store.lines(EVERYTHING))) == 1
        store.save(order_of("3", shop=OTHER_SHOP, number="#7"))
        assert [row.id for row in store.rows(EVERYTHING)] == ["1", "3"]

    def test_of_several_threads_that_save_one_wins(self, store: OrderStore) -> None:
        """Of those who start from one version, one is saved; the others are told."""
        loaded = store.save(order_of("1"))
        changed = [loaded.edit_note(f"by {n}", at=NOON) for n in range(6)]
        outcomes = self._raced([partial(store.save, each) for each in changed])
        assert sorted(map(kind_of, outcomes)) == ["Order"] + 5 * ["StaleOrder"]
        (winner,) = (outcome for outcome in outcomes if isinstance(outcome, Order))
        assert store.get("1") == winner
        assert len(store.events("1")) == 2

    def test_of_several_threads_that_add_one_wins(self, store: OrderStore) -> None:
        """A new order is stored once, however many bring it."""
        new = [order_of("1", note=f"by {n}") for n in range(6)]
        outcomes = self._raced([partial(store.save, each) for each in new])
        assert sorted(map(kind_of, outcomes)) == 5 * ["DuplicateOrder"] + ["Order"]
        assert store.count(EVERYTHING) == len(store.events("1")) == 1

    # All of it, or nothing

    def test_a_save_that_fails_midway_leaves_nothing_half_written(self, store: OrderStore) -> None:
        """State and events are written together: both are there, or neither."""
        before = store.save(order_of("1"))
        noted = before.edit_note("noted", at=NOON)
        # What no store can write comes last, when all that goes before may be written already.
        unwritable = cast("OrderEvent", object())
        events = attrs.evolve(noted, changes=(*noted.changes, unwritable))
        new = attrs.evolve(order_of("2"), changes=(*order_of("2").changes, unwritable))
        state = attrs.evolve(noted)
        object.__setattr__(state, "cancel_reason", object())
        for broken in (events, new, state):
            try:
                store.save(broken)
            except Exception:  # whatever the store, or its database, raises
                self._check_untouched(store, before)
            else:
                # One that keeps objects as they are has written all of it.
                assert len(store.events(broken.id)) == store.get(broken.id).version
                return
        # And the store goes on.
        assert store.save(before.edit_note("x", at=NOON)).version == before.version + 1

    def _check_untouched(self, store: OrderStore, before: Order) -> None:
        assert (store.get("1"), store.get("1").version) == (before, before.version)
        assert len(store.events("1")) == before.version
        row = OrderRow.of(before)
        assert list(store.rows(EVERYTHING)) == [row]
        assert list(store.lines(EVERYTHING)) == [LineRow.of(row, 1, before.lines[0])]
        for attempt in (store.get, store.events):
            with pytest.raises(OrderNotFound):
                attempt("2")

    # Many at once

    def test_many_are_saved_as_one_by_one(self, store: OrderStore) -> None:
        """Each order is told what became of it; what is refused leaves the others as they are."""
        old = store.save(order_of("1"))
        newer = store.save(old.edit_note("first", at=NOON))
        gone = attrs.evolve(order_of("gone"), version=1, changes=())
        noted = newer.edit_note("second", at=NOON).set_tags(["gift"], at=NOON)
        many = [
            order_of("2", lines=[LineItem("Teh", 2, myr("4.00"))], tags=["rush"]),
            order_of("1", number="#9"),  # a taken id
            order_of("3"),
            order_of("3", number="#9", note="the second of this id"),
            order_of("4", number="#2"),  # the number of the first
            old.edit_note("late", at=NOON),
            noted,
            noted,
            newer,
            gone.edit_note("x", at=NOON),
            order_of("4", number="#9"),  # free, for what had it was refused
        ]
        outcomes = save_many(store, iter(many))
        expected = ["Order", "DuplicateOrder", "Order", "DuplicateOrder", "DuplicateOrder"]
        expected += ["StaleOrder", "Order", "StaleOrder", "StaleOrder", "OrderNotFound", "Order"]
        assert list(map(kind_of, outcomes)) == expected
        for order, outcome in zip(many, outcomes, strict=True):
            if isinstance(outcome, Order):
                assert (outcome, outcome.version) == (order, order.version + len(order.changes))
                assert outcome.changes == ()
                assert store.get(order.id) == outcome
                assert len(store.events(order.id)) == outcome.version
        assert [row.id for row in store.rows(EVERYTHING)] == ["1", "2", "3", "4"]
        assert [line.product for line in store.lines(OrderQuery(tag="rush"))] == ["Teh"]
        assert store.count(OrderQuery(tag="gift")) == 1
        assert list(save_many(store, [])) == []

    def test_many_may_come_from_a_stream_of_the_store(self, store: OrderStore) -> None:
        """Nothing is written before the last of them has come."""
        saved = save_many(store, map(order_of, "abcd"))
        rows = store.rows(EVERYTHING)
        again = save_many(store, (store.get(row.id).edit_note("x", at=NOON) for row in rows))
        assert len(again) == len(saved) == store.count(EVERYTHING)
        assert {row.note for row in store.rows(EVERYTHING)} == {"x"}
        with pytest.raises(InvalidValue):
            save_many(store, (order_of(each) for each in ("new", "")))
        assert store.count(EVERYTHING) == len(saved)

    # History

    def test_the_whole_history_is_kept(self, store: OrderStore) -> None:
        """Events come back in their sequence, and make the order again."""
        for order in sample_orders():
            saved = store.save(order)
            store.save(saved.record_payment("late", myr("1.23"), at=NOON + timedelta(days=9)))
            events = store.events(order.id)
            assert tuple(events[:-1]) == order.changes
            assert [event.id for event in events] == [
                f"{order.id}/{number}" for number in range(1, len(events) + 1)
            ]
            replayed = Order.replay(events)
            assert (replayed, replayed.version) == (store.get(order.id), len(events))
