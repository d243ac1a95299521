"""What a store promises of its answers: the rows that match, in order, to the last sen."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone

import attrs
import pytest

from shoppego_orders.errors import InvalidValue
from shoppego_orders.money import Money
from shoppego_orders.order import LineItem, Order, OrderRow
from shoppego_orders.page import TABS
from shoppego_orders.periods import time_zone
from shoppego_orders.ports import ColumnStore, OrderStore, count_up_to, save_many
from shoppego_orders.query import Cursor, OrderQuery
from shoppego_orders.testing.contracts.expected import EVERYTHING, Expected, plain, told
from shoppego_orders.testing.contracts.racing import SharedContract
from shoppego_orders.testing.samples import (
    NOON,
    OTHER_SHOP,
    SHOP,
    order_of,
    sample_orders,
    sample_queries,
)


class ReadingContract(SharedContract):
    """Rows, lines and counts; a part of
    :class:`~shoppego_orders.testing.contracts.OrderStoreContract`.
    """

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
        new_york, lord_howe = time_zone("America/New_York"), time_zone("Australia/Lord_Howe")
        moments = [
            datetime(2026, 3, 3, 22, 58, 17, 1, zone),
            datetime(2026, 3, 3, 22, 58, 17, 999_999, zone),
            datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC),
            datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC),
            datetime(1, 1, 1, tzinfo=UTC),
            # Shown twice by the clocks, and never; half an hour; an offset of seconds.
            *(datetime(2026, 11, 1, 1, 30, tzinfo=new_york, fold=n) for n in (0, 1)),
            *(datetime(2026, 3, 8, 2, 30, tzinfo=new_york, fold=n) for n in (0, 1)),
            *(datetime(2026, 4, 5, 1, 45, tzinfo=lord_howe, fold=n) for n in (0, 1)),
            datetime(2026, 3, 3, tzinfo=timezone(-timedelta(hours=23, minutes=59, seconds=59))),
        ]
        for index, moment in enumerate(moments):
            store.save(order_of(str(index), at=moment).cancel(reason="x", at=moment))
        for row in store.rows(EVERYTHING):
            moment = moments[int(row.id)].astimezone(UTC)
            for instant in (row.placed_at, row.cancelled_at, store.get(row.id).placed_at):
                assert instant == moment
                assert instant is not None
                assert instant.utcoffset() == timedelta(0)

    def test_amounts_are_exact(self, store: OrderStore) -> None:
        """To the last minor unit, of currencies with any number of digits, near zero and far."""
        smallest = [Money.from_minor(1, code) for code in ("JPY", "MYR", "KWD", "CLF")]
        largest = 10**18 - 1
        amounts = [
            *(unit * number for unit in smallest for number in (0, 1, 29, 57, 1005)),
            *(Money.from_minor(largest - n, unit.currency) for unit in smallest for n in (0, 1, 2)),
            # No float tells it from its neighbours.
            *(Money.from_minor(2**53 + n, "MYR") for n in (0, 1, 2)),
        ]
        for index, amount in enumerate(amounts):
            lines = [LineItem("Kopi", 1, amount)]
            store.save(
                Order.place(
                    id=str(index), at=NOON, shop=SHOP, currency=amount.currency, lines=lines
                )
            )
        assert {row.id: row.total for row in store.rows(EVERYTHING)} == {
            str(index): amount for index, amount in enumerate(amounts)
        }
        assert all(line.unit_price == line.order.total for line in store.lines(EVERYTHING))
        for bound in amounts:
            own = [amount for amount in amounts if amount.currency == bound.currency]
            least, most = OrderQuery(total_min=bound), OrderQuery(total_max=bound)
            assert store.count(least) == sum(amount >= bound for amount in own), bound
            assert store.count(most) == sum(amount <= bound for amount in own), bound

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
        expected = Expected(orders)
        for query in sample_queries(orders):
            expected.check(store, query)

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
        ids = [f"{index:04}" for index in range(600)]
        times = (NOON + timedelta(seconds=index // 3) for index in range(len(ids)))
        save_many(store, map(lambda order_id, at: order_of(order_id, at=at), ids, times))
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
        settled = {ids[-1 - index // 2] for index in range(0, 600, 100)}
        assert set(ids) - set(there) <= settled
        assert seen == sorted(there) + sorted(set(seen) - set(there))

    def test_rows_are_in_order_while_threads_write(self, store: OrderStore) -> None:
        """Whoever reads finds all that was there, once and in order, whatever is added."""
        self._needs_threads()
        for index in range(60):
            store.save(order_of(f"{index:02}", at=NOON + timedelta(seconds=index)))
        stopped = threading.Event()
        failures: list[Exception] = []

        def write() -> None:
            try:
                for index in range(60):
                    at = NOON + timedelta(seconds=59 - index, microseconds=1)
                    store.save(order_of(f"new-{index}", at=at))
                    store.save(store.get(f"{index:02}").edit_note("x", at=NOON))
            except Exception as error:  # a thread's failure must fail the test
                failures.append(error)
            finally:
                stopped.set()
                self.leave_thread()

        writer = threading.Thread(target=write)
        writer.start()
        last = False
        while not last:
            last = stopped.is_set()
            for newest_first in (False, True):
                rows = list(store.rows(OrderQuery(newest_first=newest_first)))
                places = [(row.placed_at, row.id) for row in rows]
                assert places == sorted(set(places), reverse=newest_first)
                assert len([row for row in rows if len(row.id) == 2]) == 60
        writer.join()
        assert failures == []

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
