"""Laws of the stores: they answer what ``OrderQuery.matches`` says, and lose nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import delete

from broken_stores import IgnoresTheVersion, LosesAnEvent, UndecidesOnSave
from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.adapters.sql import SqlOrderStore
from shoppego_orders.adapters.sql.columns import row_of, values_of
from shoppego_orders.adapters.sql.schema import metadata, schema_version
from shoppego_orders.errors import OrdersError
from shoppego_orders.order import Order, OrderRow
from shoppego_orders.periods import epoch_micros, instant_of_micros
from shoppego_orders.ports import OrderStore, save_many
from shoppego_orders.query import Cursor, OrderQuery
from shoppego_orders.testing.contracts import Expected
from shoppego_orders.testing.samples import order_of
from shoppego_orders.testing.store_machine import StoreMachine
from shoppego_orders.testing.strategies import order_lists, order_rows, queries


@pytest.fixture(scope="module", params=["SQLite", "PostgreSQL"])
def sql_store(request: pytest.FixtureRequest) -> Iterator[SqlOrderStore]:
    """One for all examples: to make the tables anew for each would take longer than the rest."""
    if request.param == "SQLite":
        folders: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
        target = str(folders.mktemp("laws") / "orders.sqlite")
    else:
        target = request.getfixturevalue("new_postgres")()
    with SqlOrderStore.open(target) as store:
        yield store


def emptied(store: SqlOrderStore) -> SqlOrderStore:
    with store.database.writing() as connection:
        for table in reversed(metadata.sorted_tables):
            if table is not schema_version:
                connection.execute(delete(table))
    return store


def stored(store: OrderStore, orders: Sequence[Order], *, settled: Sequence[int]) -> list[Order]:
    """Save orders, settle some, and return them as they must be in the store."""
    saved = [store.save(order) for order in orders]
    kept = {saved[index % len(saved)].id for index in settled if saved}
    store.settle_kept(OrderRow.of(order) for order in saved if order.id in kept)
    return [attrs.evolve(order, decided=order.decided or order.id in kept) for order in saved]


@given(data=st.data(), orders=order_lists(max_size=5))
def test_a_store_answers_what_matches_says(
    sql_store: SqlOrderStore, data: st.DataObject, orders: list[Order]
) -> None:
    settled = data.draw(st.lists(st.integers(0, 4), max_size=2))
    stores: tuple[OrderStore, ...] = (MemoryOrderStore(), emptied(sql_store))
    asked = data.draw(st.lists(queries(among=orders), min_size=1, max_size=4))
    for store in stores:
        held = stored(store, orders, settled=settled)
        expected = Expected(held)
        for query in asked:
            expected.check(store, query)


@given(orders=order_lists(max_size=4))
def test_what_was_saved_is_loaded_and_its_history_makes_it(
    sql_store: SqlOrderStore, orders: list[Order]
) -> None:
    store = emptied(sql_store)
    for order in orders:
        store.save(order)
    for order in orders:
        loaded = store.get(order.id)
        assert (loaded, loaded.version) == (order, len(order.changes))
        assert loaded.decided is order.decided
        assert store.events(order.id) == order.changes
        assert Order.replay(store.events(order.id)) == order


@given(orders=order_lists(max_size=4), more=order_lists(max_size=4))
def test_columns_lines_tags_and_events_agree_with_the_documents(
    sql_store: SqlOrderStore, orders: list[Order], more: list[Order]
) -> None:
    store = emptied(sql_store)
    with store.batch():
        saved = stored(store, orders, settled=[0])
        for order, other in zip(saved, more, strict=False):
            store.save(order.record_shipment("J&T", other.id, at=other.placed_at))
    assert list(store.disagreements()) == []


@given(data=st.data(), orders=order_lists(min_size=1, max_size=5))
def test_many_are_saved_as_one_by_one(
    sql_store: SqlOrderStore, data: st.DataObject, orders: list[Order]
) -> None:
    twins = [order_of(f"{each.id}'", shop=each.shop, number=each.number) for each in orders]
    stored_before = data.draw(st.lists(st.sampled_from(orders), unique_by=id))
    memory, store = MemoryOrderStore(), emptied(sql_store)
    loaded = [memory.save(order) for order in stored_before]
    assert save_many(store, stored_before) == loaded
    newer = [order.record_shipment("J&T", "1", at=order.placed_at) for order in loaded]
    newest = [order.record_shipment("J&T", "2", at=order.placed_at) for order in newer]
    gone = [attrs.evolve(order, id=f"{order.id}!") for order in newer]
    anything = st.sampled_from([*orders, *twins, *loaded, *newer, *newest, *gone])
    many = data.draw(st.lists(anything, max_size=12))
    expected = save_many(memory, many)
    assert list(map(whole, save_many(store, many))) == list(map(whole, expected))
    assert list(store.rows(OrderQuery())) == list(memory.rows(OrderQuery()))
    for row in memory.rows(OrderQuery()):
        assert whole(store.get(row.id)) == whole(memory.get(row.id))
        assert store.events(row.id) == memory.events(row.id)
    assert list(store.disagreements()) == []


def whole(outcome: Order | OrdersError) -> object:
    """What equality leaves out of an order too; of a refusal its kind and its words."""
    if isinstance(outcome, Order):
        return outcome, outcome.version, outcome.decided, outcome.changes
    return type(outcome), str(outcome)


@given(order_rows())
def test_a_row_survives_its_columns(row: OrderRow) -> None:
    values = values_of(row)
    assert tuple(values) == OrderRow._fields
    assert all(type(value) in {str, int, bool, type(None)} for value in values.values())
    assert row_of(list(values.values())) == row


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_survives_its_column(moment: datetime) -> None:
    assert instant_of_micros(epoch_micros(moment)) == moment


@given(data=st.data(), orders=order_lists(min_size=1))
def test_pages_by_cursor_make_up_the_whole(
    sql_store: SqlOrderStore, data: st.DataObject, orders: list[Order]
) -> None:
    store = emptied(sql_store)
    stored(store, orders, settled=[])
    newest_first = data.draw(st.booleans())
    whole = list(store.rows(OrderQuery(newest_first=newest_first)))
    cut = data.draw(st.integers(0, len(whole) - 1))
    after = Cursor(whole[cut].placed_at, whole[cut].id)
    rest = list(store.rows(OrderQuery(newest_first=newest_first, after=after)))
    assert whole[: cut + 1] + rest == whole


class SqlMachine(StoreMachine):
    def open_store(self) -> OrderStore:
        self.folder = Path(tempfile.mkdtemp())
        self.sql_store = SqlOrderStore.open(self.folder / "orders.sqlite")
        return self.sql_store

    def close_store(self) -> None:
        disagreements = list(self.sql_store.disagreements())
        self.sql_store.close()
        shutil.rmtree(self.folder)
        assert disagreements == []


TestSqlMachine = SqlMachine.TestCase
# A step draws whole orders, and an example has many: as many as the profile says would take
# most of the suite's time.
FEWER = settings(max_examples=max(10, settings().max_examples // 4), stateful_step_count=20)
TestSqlMachine.settings = FEWER


def test_the_machine_drives_postgresql(new_postgres: Callable[[], str]) -> None:
    class PostgresMachine(StoreMachine):
        def open_store(self) -> OrderStore:
            self.sql_store = SqlOrderStore.open(new_postgres())
            return self.sql_store

        def close_store(self) -> None:
            with self.sql_store as store:
                assert list(store.disagreements()) == []

    run_state_machine_as_test(PostgresMachine, settings=FEWER)


@pytest.mark.once
@pytest.mark.parametrize("broken", [IgnoresTheVersion, LosesAnEvent, UndecidesOnSave])
def test_the_machine_notices(broken: Callable[[], OrderStore]) -> None:
    class BrokenMachine(StoreMachine):
        def open_store(self) -> OrderStore:
            return broken()

    # As many as it takes: that it finds the fault is the test, and it stops where it does.
    searching = settings(
        max_examples=1_000, stateful_step_count=15, database=None, phases=[Phase.generate]
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(BrokenMachine, settings=searching)
