"""A state machine that drives any store beside the one in memory: both must answer the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, multiple, rule

from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.errors import OrdersError
from shoppego_orders.order import Order, OrderRow
from shoppego_orders.ports import OrderStore, count_up_to
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.strategies import keys, orders, queries, run, steps

T = TypeVar("T")


class StoreMachine(RuleBasedStateMachine):
    """Saves, changes, settles and asks in any sequence, with versions old and new.

    Say which store in a subclass, and give its ``TestCase`` to pytest::

        class MyMachine(StoreMachine):
            def open_store(self) -> OrderStore:
                return MyStore.empty()


        TestMyMachine = MyMachine.TestCase
    """

    known: Bundle[Order] = Bundle("known")

    def __init__(self) -> None:
        super().__init__()
        self.store = self.open_store()
        self.reference = MemoryOrderStore()

    def open_store(self) -> OrderStore:
        """A store with nothing in it."""
        raise NotImplementedError

    def close_store(self) -> None:
        """Let go of the store, after its last use."""

    @rule(target=known, order=orders())
    def place(self, order: Order) -> Order | MultipleResults[Order]:
        """Save an order that may be new."""
        return self._saved(order)

    @rule(target=known, order=known, data=st.data())
    def change(self, order: Order, data: st.DataObject) -> Order | MultipleResults[Order]:
        """Give an order what it may take, and save it; it may be stale."""
        taken = data.draw(st.lists(steps(order.currency), min_size=1, max_size=3))
        return self._saved(run(order, taken))

    @rule(target=known, order=known)
    def load(self, order: Order) -> Order:
        """Load an order again."""
        loaded = self.store.get(order.id)
        assert _told(loaded) == _told(self.reference.get(order.id))
        return loaded

    @rule(order_id=keys())
    def look_for(self, order_id: str) -> None:
        """Ask for an order that may not be there."""
        found = _outcome(lambda: self.store.get(order_id))
        assert _told(found) == _told(_outcome(lambda: self.reference.get(order_id)))
        history = _outcome(lambda: tuple(self.store.events(order_id)))
        assert _told(history) == _told(_outcome(lambda: tuple(self.reference.events(order_id))))

    @rule(settled=st.lists(known, max_size=3), unknown=keys())
    def settle(self, settled: list[Order], unknown: str) -> None:
        """Note that a sweep kept some orders."""
        rows = [OrderRow.of(order) for order in settled]
        rows += [row._replace(id=unknown) for row in rows[:1]]
        self.store.settle_kept(rows)
        self.reference.settle_kept(rows)

    @rule(data=st.data())
    def ask(self, data: st.DataObject) -> None:
        """Compare what a query finds."""
        stored = [self.reference.get(row.id) for row in self.reference.rows(OrderQuery())]
        self._compare(data.draw(queries(among=stored)))

    def teardown(self) -> None:
        """Compare everything, once more."""
        try:
            self._compare(OrderQuery())
            for row in self.reference.rows(OrderQuery()):
                assert tuple(self.store.events(row.id)) == self.reference.events(row.id)
                assert _told(self.store.get(row.id)) == _told(self.reference.get(row.id))
        finally:
            self.close_store()

    def _saved(self, order: Order) -> Order | MultipleResults[Order]:
        saved = _outcome(lambda: self.store.save(order))
        assert _told(saved) == _told(_outcome(lambda: self.reference.save(order)))
        return saved if isinstance(saved, Order) else multiple()

    def _compare(self, query: OrderQuery) -> None:
        assert list(self.store.rows(query)) == list(self.reference.rows(query))
        assert list(self.store.lines(query)) == list(self.reference.lines(query))
        counted = self.reference.count(query)
        assert self.store.count(query) == counted
        assert list(count_up_to(self.store, [query, query], 2)) == [min(counted, 2)] * 2


def _outcome(action: Callable[[], T]) -> T | OrdersError:
    try:
        return action()
    except OrdersError as error:
        return error


def _told(outcome: object) -> object:
    """What two stores must agree on: of an order also what its equality leaves out."""
    if isinstance(outcome, Order):
        return outcome, outcome.version, outcome.decided, outcome.changes
    if isinstance(outcome, OrdersError):
        return type(outcome), str(outcome)
    return outcome
