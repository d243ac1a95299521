"""What a store promises to sweeps: what was judged stays so, until something new happens."""

from __future__ import annotations

from datetime import timedelta

import attrs

from shoppego_orders.order import Order, OrderRow
from shoppego_orders.ports import OrderStore
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.contracts.expected import EVERYTHING
from shoppego_orders.testing.samples import NOON, myr, order_of


class DecidingContract:
    """Decisions; a part of :class:`~shoppego_orders.testing.contracts.OrderStoreContract`."""

    def test_what_a_sweep_decided_stays_decided(self, store: OrderStore) -> None:
        """Settling changes neither state nor version, and no later save undoes it."""
        before = store.save(order_of("1"))
        store.save(order_of("2"))
        rows = [OrderRow.of(order_of(name)) for name in ("1", "unknown", "1")]
        store.settle_kept(rows)
        store.settle_kept(row for row in rows if row.id == "1")
        store.settle_kept([])
        assert store.get("1").decided
        assert (store.get("1"), store.get("1").version) == (before, before.version)
        assert len(store.events("1")) == 1
        assert [row.id for row in store.rows(OrderQuery(decided=True))] == ["1"]
        assert [row.id for row in store.rows(OrderQuery(decided=False))] == ["2"]
        # Loaded before the sweep, so it does not know.
        assert not before.decided
        assert store.save(before).decided
        assert store.save(before.edit_note("later", at=NOON)).decided
        assert store.get("1").decided
        assert [row.id for row in store.rows(OrderQuery(decided=True))] == ["1"]

    def test_an_abandoned_order_is_decided(self, store: OrderStore) -> None:
        """Marking an order as abandoned decides it by the same save."""
        saved = store.save(order_of("1"))
        marked = saved.record_abandonment(policy="p", reasons=["r"], at=NOON, recorded_at=NOON)
        assert store.save(marked).decided
        assert store.get("1").decided
        assert store.count(OrderQuery(decided=True, abandoned=True)) == 1

    def test_what_becomes_a_purchase_is_undecided_again(self, store: OrderStore) -> None:
        """It may be the other purchase of an abandoned order; what is marked with it is decided."""
        for name in "123":
            store.save(order_of(name))
        store.settle_kept(store.rows(EVERYTHING))
        paid = store.get("1").record_payment("pay-1", myr("5.90"), at=NOON)
        assert not store.save(paid).decided
        part = store.get("2").record_payment("pay-1", myr("1.00"), at=NOON)
        assert store.save(part).decided
        both = store.get("3").record_payment("pay-1", myr("5.90"), at=NOON + timedelta(hours=2))
        marked = both.record_abandonment(policy="p", reasons=["r"], at=NOON, recorded_at=NOON)
        assert store.save(marked).decided
        assert [row.id for row in store.rows(OrderQuery(decided=False))] == ["1"]
        store.settle_kept(store.rows(OrderQuery(ids={"1"})))
        assert store.get("1").decided
        # What changes nothing about the purchase leaves it decided.
        again = store.get("1").record_payment("pay-2", myr("1.00"), at=NOON + timedelta(days=1))
        assert store.save(again).decided

    def test_what_has_become_a_purchase_since_it_was_judged_is_not_settled(
        self, store: OrderStore
    ) -> None:
        """Nor what was marked, or whose mark was taken back: it is looked at once more."""
        judged = [OrderRow.of(store.save(order_of(name))) for name in "1234"]
        store.save(store.get("1").record_payment("pay-1", myr("5.90"), at=NOON))
        store.save(marked(store.get("2")))
        taken_back = store.save(marked(store.get("3")))
        store.save(taken_back.record_retraction(reasons=["r"], at=NOON))
        store.save(store.get("4").edit_note("later", at=NOON))
        store.settle_kept([judged[0], judged[1], OrderRow.of(taken_back), judged[3]])
        assert [row.id for row in store.rows(OrderQuery(decided=True))] == ["4"]
        store.settle_kept(store.rows(EVERYTHING))
        assert store.count(OrderQuery(decided=True)) == 4

    def test_a_mark_may_leave_an_order_undecided(self, store: OrderStore) -> None:
        """Even one that another sweep has settled since it was loaded."""
        loaded = store.save(order_of("1"))
        store.settle_kept([OrderRow.of(loaded)])
        assert not store.save(marked(loaded)).decided
        assert [row.id for row in store.rows(OrderQuery(decided=False, abandoned=True))] == ["1"]
        assert not store.save(store.get("1").edit_note("later", at=NOON)).decided


def marked(order: Order) -> Order:
    """Mark an order as a sweep does that will decide it later."""
    abandoned = order.record_abandonment(policy="p", reasons=["r"], at=NOON, recorded_at=NOON)
    return attrs.evolve(abandoned, decided=False)
