"""A state machine that drives any store beside the one in memory: both must answer the same."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TypeVar

from shoppego_orders.errors import MissingExtra, OrdersError

if find_spec("hypothesis") is None:
    raise MissingExtra("Hypothesis", "testing")

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, multiple, rule

from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.order import Order, OrderRow
from shoppego_orders.ports import ColumnStore, OrderStore, count_up_to, save_many
from shoppego_orders.query import Cursor, OrderQuery
from shoppego_orders.testing.contracts.expected import plain
from shoppego_orders.testing.strategies import keys, orders, queries, run, steps

T = TypeVar("T")


class StoreMachine(RuleBasedStateMachine):
    """Saves, changes, settles and asks in any sequence, with versions old and new.

    One by one and many at once; rows, lines, counts, pages by cursor and histories are compared
    with the reference, and so is the error that refuses something. What a store may offer besides
    (``columns``, ``save_many``) is driven where it has the method.

    Say which store in a subclass, and give its ``TestCase`` to pytest::

        class MyMachine(StoreMachine):
            def open_store(self) -> OrderStore:
                return MyStore.empty()


        TestMyMachine = MyMachine.TestCase
    """

    known: Bundle[Order] = Bundle("known")

    def __init__(self) -> None:
        super().__init__()
        self.store: OrderStore = self.open_store()
        self.reference: MemoryOrderStore = MemoryOrderStore()

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

    @rule(target=known, new=st.lists(orders(), max_size=2), old=st.lists(known, max_size=2))
    def save_several(self, new: list[Order], old: list[Order]) -> MultipleResults[Order]:
        """Save several at once, some of which may be refused, or come twice."""
        several = [*old, *new, *old]
        outcomes = save_many(self.store, several)
        assert list(map(_told, outcomes)) == list(map(_told, save_many(self.reference, several)))
        return multiple(*(outcome for outcome in outcomes if isinstance(outcome, Order)))

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

    @rule(size=st.integers(1, 3), newest_first=st.booleans())
    def page(self, size: int, newest_first: bool) -> None:  # noqa: FBT001  # drawn by name
        """Walk through all orders by pages, each from the last of the one before."""
        whole = list(self.reference.rows(OrderQuery(newest_first=newest_first)))
        after: Cursor | None = None
        for start in range(0, len(whole), size):
            query = OrderQuery(newest_first=newest_first, after=after, limit=size)
            rows = list(self.store.rows(query))
            assert rows == whole[start : start + size]
            after = Cursor(rows[-1].placed_at, rows[-1].id)

    @rule(order=known)
    def look_back(self, order: Order) -> None:
        """Compare a history."""
        assert tuple(self.store.events(order.id)) == self.reference.events(order.id)

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
        if isinstance(self.store, ColumnStore):
            batches = self.store.columns(query, OrderRow._fields)
            found = [values for batch in batches for values in zip(*batch, strict=True)]
            assert found == [tuple(map(plain, row)) for row in self.reference.rows(query)]


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
