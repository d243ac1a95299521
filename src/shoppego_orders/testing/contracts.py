"""What a port promises, as tests that a host runs on its own adapter.

Subclass a contract in a test module of yours, and give it a fixture::

    class TestMyStore(OrderStoreContract):
        @pytest.fixture
        def store(self) -> Iterator[OrderStore]:
            with MyStore.empty() as store:
                yield store

Every test gets a store of its own, empty at first. What an adapter does not claim to do is told
by a flag of the class; all of them are listed in its docstring.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from email.message import EmailMessage
from functools import partial
from typing import TypeVar, cast

import attrs
import pytest

from shoppego_orders.errors import (
    DuplicateOrder,
    InvalidValue,
    MailNotSent,
    NaiveDatetime,
    OrderNotFound,
    OrdersError,
    Retry,
    StaleOrder,
    TaskNotClaimed,
    TaskSettled,
)
from shoppego_orders.money import Money
from shoppego_orders.order import LineItem, LineRow, Order, OrderRow
from shoppego_orders.page import TABS
from shoppego_orders.periods import epoch_micros
from shoppego_orders.ports import (
    ColumnStore,
    Mailer,
    OrderStore,
    Outcome,
    Task,
    TaskLog,
    count_up_to,
    save_many,
)
from shoppego_orders.query import Cursor, OrderQuery
from shoppego_orders.testing.samples import (
    NOON,
    OTHER_SHOP,
    SHOP,
    myr,
    order_of,
    sample_orders,
    sample_queries,
)

T = TypeVar("T")

EVERYTHING = OrderQuery()


class OrderStoreContract:
    """What :class:`~shoppego_orders.ports.OrderStore` promises. Give it a ``store`` fixture.

    :cvar shared_by_threads: several threads may use one store at once; else those tests are
        skipped.
    """

    shared_by_threads = True

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
        store.save(order_of("3", shop=OTHER_SHOP, number="#7"))
        assert [row.id for row in store.rows(EVERYTHING)] == ["1", "3"]

    def test_of_several_threads_that_save_one_wins(self, store: OrderStore) -> None:
        """Of those who start from one version, one is saved; the others are told."""
        self._needs_threads()
        loaded = store.save(order_of("1"))
        changed = [loaded.edit_note(f"by {n}", at=NOON) for n in range(6)]
        outcomes = raced([partial(store.save, each) for each in changed])
        assert sorted(map(kind_of, outcomes)) == ["Order"] + 5 * ["StaleOrder"]
        (winner,) = (outcome for outcome in outcomes if isinstance(outcome, Order))
        assert store.get("1") == winner
        assert len(store.events("1")) == 2

    def test_of_several_threads_that_add_one_wins(self, store: OrderStore) -> None:
        """A new order is stored once, however many bring it."""
        self._needs_threads()
        new = [order_of("1", note=f"by {n}") for n in range(6)]
        outcomes = raced([partial(store.save, each) for each in new])
        assert sorted(map(kind_of, outcomes)) == 5 * ["DuplicateOrder"] + ["Order"]
        assert store.count(EVERYTHING) == len(store.events("1")) == 1

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

    # Decisions

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

    # Rows

    def test_rows_are_those_of_the_orders(self, store: OrderStore) -> None:
        """Every field of a row says what the order says, to the microsecond and the sen."""
        saved = [store.save(order) for order in sample_orders()]
        stored = {row.id: row for row in store.rows(EVERYTHING)}
        assert len(stored) == len(saved)
        for order in saved:
            assert told(stored[order.id]) == told(OrderRow.of(order))

    def test_columns_are_those_of_the_rows(self, store: OrderStore) -> None:
        """A store that offers columns gives every field of the same rows, in their order."""
        if not isinstance(store, ColumnStore):
            pytest.skip("the store offers no columns")
        saved = [store.save(order) for order in sample_orders()]
        for query in (EVERYTHING, OrderQuery(newest_first=True), *sample_queries(saved)):
            batches = [*store.columns(query, OrderRow._fields)]
            found = [values for batch in batches for values in zip(*batch, strict=True)]
            assert found == [tuple(map(plain, row)) for row in store.rows(query)], query
        with pytest.raises(InvalidValue):
            list(store.columns(EVERYTHING, ["totl"]))

    def test_counts_stop_where_they_are_told_to(self, store: OrderStore) -> None:
        """Counted as far as a number, each query's count is that number or the true one."""
        saved = [store.save(order) for order in sample_orders()]
        asked = [EVERYTHING, *TABS.values(), *sample_queries(saved)]
        true = list(map(store.count, asked))
        for most in (1, 2, len(saved), 2**62):
            assert list(count_up_to(store, asked, most)) == [min(each, most) for each in true]
        assert list(count_up_to(store, [], 1)) == []

    def test_instants_keep_their_microseconds_and_are_utc(self, store: OrderStore) -> None:
        """An instant in any zone comes back as the same instant, in UTC."""
        zone = timezone(timedelta(hours=5, minutes=45))
        moments = [
            datetime(2026, 3, 3, 22, 58, 17, 1, zone),
            datetime(2026, 3, 3, 22, 58, 17, 999_999, zone),
            datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC),
            datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC),
            datetime(1, 1, 1, tzinfo=UTC),
        ]
        for index, moment in enumerate(moments):
            store.save(order_of(str(index), at=moment).cancel(reason="x", at=moment))
        for row in store.rows(EVERYTHING):
            moment = moments[int(row.id)]
            for instant in (row.placed_at, row.cancelled_at, store.get(row.id).placed_at):
                assert instant == moment
                assert instant is not None
                assert instant.utcoffset() == timedelta(0)

    def test_rows_come_by_time_then_by_id(self, store: OrderStore) -> None:
        """Ids sort by code point, whatever the language; the newest first is the reverse."""
        ids = ["10", "9", "a", "B", "_", "é", "z", "Ａ", "\uffff", "\U0001f600", " x"]
        for order_id in ids:
            store.save(order_of(order_id))
        store.save(order_of("early", at=NOON - timedelta(microseconds=1)))
        store.save(order_of("0", at=NOON + timedelta(microseconds=1)))
        expected = ["early", *sorted(ids), "0"]
        assert [row.id for row in store.rows(EVERYTHING)] == expected
        newest = [row.id for row in store.rows(OrderQuery(newest_first=True))]
        assert newest == expected[::-1]

    def test_pages_by_cursor_miss_nothing_and_repeat_nothing(self, store: OrderStore) -> None:
        """Each page goes on after the last row of the one before, both ways."""
        for index in range(10):
            # Several at one time, so that the id decides too.
            store.save(order_of(f"{index:02}", at=NOON + timedelta(minutes=index // 4)))
        for newest_first in (False, True):
            whole = list(store.rows(OrderQuery(newest_first=newest_first)))
            paged: list[OrderRow] = []
            after: Cursor | None = None
            # Bounded: a store that repeats rows must not repeat them for ever.
            for _ in range(len(whole)):
                query = OrderQuery(newest_first=newest_first, limit=3, after=after)
                page = list(store.rows(query))
                paged += page
                after = Cursor(page[-1].placed_at, page[-1].id) if page else after
            assert paged == whole
            assert len(whole) == 10

    def test_every_field_of_a_query_means_what_matches_says(self, store: OrderStore) -> None:
        """Rows, lines and counts are those that ``OrderQuery.matches`` picks, in order."""
        saved = [store.save(order) for order in sample_orders()]
        kept = [order.id for order in saved[::4]]
        store.settle_kept(map(OrderRow.of, saved[::4]))
        orders = [attrs.evolve(order, decided=order.decided or order.id in kept) for order in saved]
        for query in sample_queries(orders):
            matching = expected_orders(orders, query)
            rows = [OrderRow.of(order) for order in matching]
            assert [row.id for row in store.rows(query)] == [row.id for row in rows], query
            assert list(store.rows(query)) == rows, query
            assert list(store.lines(query)) == [
                LineRow.of(row, position, line)
                for row, order in zip(rows, matching, strict=True)
                for position, line in enumerate(order.lines, 1)
            ], query
            unlimited = attrs.evolve(query, limit=None)
            assert store.count(query) == len(expected_orders(orders, unlimited)), query

    def test_a_query_may_name_very_many(self, store: OrderStore) -> None:
        """A selection is not limited by how many parameters a database takes."""
        store.save(order_of("1"))
        store.save(order_of("2"))
        many = frozenset(f"unknown-{n}" for n in range(40_000))
        assert [row.id for row in store.rows(OrderQuery(ids=many | {"2"}))] == ["2"]
        key = store.get("1").customer_key or ""
        assert store.count(OrderQuery(customer_keys=many | {key})) == 2
        assert store.count(OrderQuery(ids=many)) == 0
        two = OrderRow.of(store.get("2"))
        store.settle_kept([*(two._replace(id=name) for name in many), two])
        assert [row.id for row in store.rows(OrderQuery(decided=True))] == ["2"]

    def test_a_shop_sees_nothing_of_another(self, store: OrderStore) -> None:
        """Whatever is asked of one shop, the other's orders are not in the answer."""
        for shop, name in ((SHOP, "1"), (OTHER_SHOP, "2"), (SHOP.upper(), "3"), (SHOP + " ", "4")):
            order = store.save(order_of(name, shop=shop, number="#1", tags=["gift"]))
            store.save(order.record_payment("pay", order.total, at=NOON))
        for narrowed in sample_queries([store.get(name) for name in "1234"]):
            query = attrs.evolve(narrowed, shop=SHOP)
            assert {row.id for row in store.rows(query)} <= {"1"}, query
            assert {line.order.id for line in store.lines(query)} <= {"1"}, query
            assert store.count(query) <= 1, query
        assert [row.id for row in store.rows(OrderQuery(shop=SHOP))] == ["1"]
        assert [row.id for row in store.rows(OrderQuery(shop=OTHER_SHOP))] == ["2"]

    def test_rows_are_stable_while_others_write(self, store: OrderStore) -> None:
        """A sweep saves what it reads: nothing is missed, repeated or out of order."""
        ids = [f"{index:04}" for index in range(1200)]
        for index, order_id in enumerate(ids):
            store.save(order_of(order_id, at=NOON + timedelta(seconds=index // 3)))
        seen: list[str] = []
        for index, row in enumerate(store.rows(OrderQuery(decided=False))):
            seen.append(row.id)
            if index % 100 == 0:
                order = store.get(row.id)
                store.save(
                    order.record_abandonment(policy="p", reasons=["r"], at=NOON, recorded_at=NOON)
                )
                store.settle_kept([OrderRow.of(store.get(ids[-1 - index // 2]))])
                store.save(order_of(f"new-{index}", at=NOON + timedelta(days=1)))
        there = [order_id for order_id in seen if order_id in set(ids)]
        assert len(set(there)) == len(there)
        settled = {ids[-1 - index // 2] for index in range(0, 1200, 100)}
        assert set(ids) - set(there) <= settled
        assert seen == sorted(there) + sorted(set(seen) - set(there))

    def test_streams_may_be_left_and_nested(self, store: OrderStore) -> None:
        """A stream that is not read to its end holds up nobody."""
        for order_id in "123":
            store.save(order_of(order_id))
        left = [store.rows(EVERYTHING) for _ in range(20)]
        assert [next(stream).id for stream in left] == ["1"] * 20
        store.save(store.get("1").edit_note("x", at=NOON))
        pairs = [
            (row.id, line.order.id)
            for row in store.rows(EVERYTHING)
            for line in store.lines(EVERYTHING)
        ]
        assert len(pairs) == 9
        assert [row.id for row in left[0]] == ["2", "3"]

    def test_any_text_is_kept(self, store: OrderStore) -> None:
        """Long texts, odd characters and what looks like a command are just text."""
        texts = ["x" * 1_000_000, "'; DROP TABLE orders; --", "100%_\\", "\U0001f375\u0000\r\n"]
        for index, text in enumerate(texts):
            store.save(order_of(str(index), note=text, tags=[text[:100]]))
        for index, text in enumerate(texts):
            order = store.get(str(index))
            assert order.note == text.replace("\x00", "\ufffd")
            rows = [row for row in store.rows(EVERYTHING) if row.id == str(index)]
            assert [row.note for row in rows] == [order.note]
            assert store.count(OrderQuery(tag=order.tags[0])) == 1

    def _needs_threads(self) -> None:
        if not self.shared_by_threads:
            pytest.skip("this store does not claim to be shared by threads")


class TaskLogContract:
    """What :class:`~shoppego_orders.ports.TaskLog` promises. Give it a ``task_log`` fixture.

    :cvar shared_by_threads: several threads may use one log at once; else that test is skipped.
    """

    shared_by_threads = True

    def test_a_task_is_claimed_once(self, task_log: TaskLog) -> None:
        """Nobody gets a claimed task, even after it has ended."""
        assert task_log.claim("a", NOON)
        assert not task_log.claim("a", NOON + timedelta(days=1))
        task_log.settle("a", Outcome.FAILED, NOON)
        assert not task_log.claim("a", NOON)
        assert task_log.claim("A", NOON)
        assert [task.claimed_at for task in task_log.tasks()] == [NOON, NOON]

    def test_an_outcome_is_told_once(self, task_log: TaskLog) -> None:
        """The same outcome again changes nothing; another is refused."""
        task_log.claim("a", NOON)
        with pytest.raises(TaskNotClaimed):
            task_log.settle("b", Outcome.DONE, NOON)
        later = NOON + timedelta(seconds=1)
        task_log.settle("a", Outcome.DONE, later, "sent \u2615")
        task_log.settle("a", Outcome.DONE, later + timedelta(days=1), "again")
        with pytest.raises(TaskSettled) as refused:
            task_log.settle("a", Outcome.SKIPPED, later)
        assert (refused.value.key, refused.value.outcome) == ("a", "done")
        assert list(task_log.tasks()) == [Task("a", NOON, Outcome.DONE, later, "sent \u2615")]

    def test_tasks_come_by_key(self, task_log: TaskLog) -> None:
        """A prefix is text and no pattern; what never ended is among them."""
        keys = ["r/1", "r/10", "r/2", "R/1", "r", "s", "r%1", "r_1", "é", "\U0001f600", "\uffff"]
        for key in keys:
            task_log.claim(key, NOON)
        task_log.settle("s", Outcome.DONE, NOON)
        assert [task.key for task in task_log.tasks()] == sorted(keys)
        for prefix in ("r/", "r/1", "r", "r%", "_", "é", "no"):
            expected = sorted(key for key in keys if key.startswith(prefix))
            assert [task.key for task in task_log.tasks(prefix)] == expected, prefix

    def test_times_are_instants(self, task_log: TaskLog) -> None:
        """To the microsecond, in UTC; without a zone they are refused."""
        at = datetime(2026, 3, 3, 22, 58, 17, 123_457, timezone(timedelta(hours=8)))
        naive = at.replace(tzinfo=None)
        with pytest.raises(NaiveDatetime):
            task_log.claim("a", naive)
        task_log.claim("a", at)
        with pytest.raises(NaiveDatetime):
            task_log.settle("a", Outcome.DONE, naive)
        task_log.settle("a", Outcome.DONE, at)
        (task,) = task_log.tasks()
        assert task.claimed_at == task.settled_at == at
        assert task.claimed_at.utcoffset() == timedelta(0)

    def test_of_several_threads_that_claim_one_wins(self, task_log: TaskLog) -> None:
        """However many try at once, one gets it."""
        if not self.shared_by_threads:
            pytest.skip("this log does not claim to be shared by threads")
        for key in ("a", "b", "c"):
            claims = raced([partial(task_log.claim, key, NOON)] * 8)
            assert sorted(map(str, claims)) == ["False"] * 7 + ["True"]


class MailerContract:
    """What :class:`~shoppego_orders.ports.Mailer` promises. Give it a ``mailer`` fixture.

    :meth:`received` says how to look at what arrived. What can't be checked from here: a mailer
    that never heard whether its message was taken says ``Retry.UNKNOWN``, and does not send it
    again.
    """

    def received(self, mailer: Mailer) -> Sequence[EmailMessage]:
        """What has arrived through this mailer, oldest first."""
        raise NotImplementedError

    def test_a_message_arrives_whole(self, mailer: Mailer) -> None:
        """Headers, text and attachment arrive as they were sent."""
        sent = _message("Pesanan anda \u2615", "Terima kasih, \u4f60\u597d")
        data = bytes(range(256)) * 300
        sent.add_attachment(data, maintype="text", subtype="csv", filename="pesanan é.csv")
        assert not mailer.send(sent)  # nobody was refused
        (message,) = self.received(mailer)
        for header in ("Subject", "From", "To", "Cc"):
            assert message[header] == sent[header]
        body = message.get_body()
        assert body is not None
        assert body.get_content().strip() == "Terima kasih, \u4f60\u597d"
        (attachment,) = message.iter_attachments()
        assert attachment.get_filename() == "pesanan é.csv"
        assert attachment.get_payload(decode=True) == data

    def test_messages_arrive_once_each(self, mailer: Mailer) -> None:
        """As many arrive as were sent, and what is done to a message later changes nothing."""
        message = _message("one", "first")
        mailer.send(message)
        message.replace_header("Subject", "two")
        mailer.send(message)
        assert [str(each["Subject"]) for each in self.received(mailer)] == ["one", "two"]

    def test_a_message_to_nobody_is_not_sent(self, mailer: Mailer) -> None:
        """A message that names no recipient is refused, and to try again is no use."""
        message = EmailMessage()
        message["Subject"], message["From"] = "x", "shop@example.my"
        message.set_content("x")
        with pytest.raises(MailNotSent) as told:
            mailer.send(message)
        assert told.value.retry is Retry.NEVER
        assert list(self.received(mailer)) == []


def _message(subject: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = "Kedai <shop@example.my>"
    message["To"] = "Siti <siti@example.my>, ali@example.my"
    message["Cc"] = "boss@example.my"
    message.set_content(text)
    return message


def marked(order: Order) -> Order:
    """Mark an order as a sweep does that will decide it later."""
    abandoned = order.record_abandonment(policy="p", reasons=["r"], at=NOON, recorded_at=NOON)
    return attrs.evolve(abandoned, decided=False)


def expected_orders(orders: Iterable[Order], query: OrderQuery) -> list[Order]:
    """Pick and sort as ``OrderQuery`` says; what a store answers must be equal."""
    matching = [order for order in orders if query.matches(OrderRow.of(order))]
    matching.sort(key=lambda order: (order.placed_at, order.id), reverse=query.newest_first)
    return matching[: query.limit]


def raced(actions: Sequence[Callable[[], T]]) -> list[T | OrdersError]:
    """Do everything at once, each in a thread, and return what came of it."""
    outcomes: list[T | OrdersError] = []
    failures: list[Exception] = []
    together = threading.Barrier(len(actions))

    def attempt(action: Callable[[], T]) -> None:
        together.wait()
        try:
            outcomes.append(action())
        except OrdersError as error:
            outcomes.append(error)
        except Exception as error:  # a thread's failure must fail the test
            failures.append(error)

    threads = [threading.Thread(target=attempt, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise ExceptionGroup("in threads", failures)
    return outcomes


def kind_of(outcome: object) -> str:
    """The name of what came of something."""
    return type(outcome).__name__


def plain(value: object) -> object:
    """A field of a row as the plain value that stands for it in columns."""
    if isinstance(value, Money):
        return value.minor
    if isinstance(value, datetime):
        return epoch_micros(value)
    if isinstance(value, tuple):
        return tuple(map(plain, cast("tuple[object, ...]", value)))
    return value


def told(row: OrderRow) -> list[tuple[str, str, object]]:
    """The fields of a row with their types: 1 is not True, and a text is no status."""
    return [
        (name, kind_of(value), value) for name, value in zip(OrderRow._fields, row, strict=True)
    ]
