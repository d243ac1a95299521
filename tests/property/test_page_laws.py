"""The laws of the Orders page: a walk shows every order once, and joined filters mean *and*."""

from __future__ import annotations

from unittest import mock

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoppego_orders import page as page_module
from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.errors import InvalidValue
from shoppego_orders.money import Money
from shoppego_orders.order import Order, OrderRow
from shoppego_orders.page import (
    TABS,
    Count,
    SavedTabs,
    Tab,
    both,
    cursor_from_text,
    cursor_text,
    orders_page,
)
from shoppego_orders.query import Cursor, OrderQuery
from shoppego_orders.testing.strategies import SHOPS, keys, order_lists, queries, utc_instants


def stored(orders: list[Order]) -> MemoryOrderStore:
    store = MemoryOrderStore()
    for order in orders:
        store.save(order)
    return store


def as_filter(query: OrderQuery) -> OrderQuery:
    return attrs.evolve(query, after=None, limit=None)


@given(order_lists(max_size=8), st.data(), st.integers(1, 3), st.sampled_from(Tab))
def test_a_walk_by_pages_shows_every_order_once_while_orders_arrive(
    orders: list[Order], data: st.DataObject, size: int, tab: Tab
) -> None:
    there = data.draw(st.integers(0, len(orders)))
    store, arriving = stored(orders[:there]), orders[there:]
    expected = {row.id for row in store.rows(orders_page(store, tab=tab).query)}
    seen: list[OrderRow] = []
    after: str | None = None
    while True:
        page = orders_page(store, tab=tab, size=size, after=after)
        assert len(page.rows) <= size
        seen.extend(page.rows)
        if page.next is None:
            break
        assert len(page.rows) == size
        after = page.next
        if arriving:
            store.save(arriving.pop())
    ids = [row.id for row in seen]
    assert len(set(ids)) == len(ids)
    assert expected <= set(ids)
    places = [(row.placed_at, row.id) for row in seen]
    assert places == sorted(places, reverse=True)


@given(order_lists(max_size=8), st.data(), st.integers(1, 3), st.none() | st.sampled_from(SHOPS))
def test_what_a_page_offers_to_export_is_what_it_says(
    orders: list[Order], data: st.DataObject, size: int, shop: str | None
) -> None:
    store = stored(orders)
    tab = data.draw(st.sampled_from(Tab))
    page = orders_page(store, shop=shop, tab=tab, size=size)
    while page.next is not None and data.draw(st.booleans()):
        page = orders_page(store, shop=shop, tab=tab, size=size, after=page.next)
    assert Count(store.count(page.query)) == page.total
    # What happens between the page and the export changes neither which orders nor their order.
    for row in page.rows:
        paid = Money.from_minor(1, row.currency)
        store.save(store.get(row.id).record_payment("later", paid, at=row.placed_at))
    assert [row.id for row in store.rows(page.shown)] == [row.id for row in page.rows]
    ticked = data.draw(st.frozensets(st.sampled_from([order.id for order in orders] or ["1"])))
    own = {order.id for order in orders if shop in (None, order.shop)}
    assert {row.id for row in store.rows(page.selected(ticked))} == ticked & own
    assert {row.id for row in store.rows(page.everything)} == own


@given(order_lists(), st.data())
def test_joined_filters_match_what_both_match(orders: list[Order], data: st.DataObject) -> None:
    one = as_filter(data.draw(queries(orders)))
    other = as_filter(data.draw(queries(orders)))
    if len({one.tag, other.tag} - {None}) == 2:
        with pytest.raises(InvalidValue, match="tag"):
            both(one, attrs.evolve(other, search=None))
        other = attrs.evolve(other, tag=None)
    if len({one.search, other.search} - {None}) == 2:
        with pytest.raises(InvalidValue, match="search"):
            both(one, other)
        other = attrs.evolve(other, search=None)
    joined = both(one, other)
    for row in map(OrderRow.of, orders):
        assert joined.matches(row) is (one.matches(row) and other.matches(row))


@given(order_lists(), st.data())
def test_a_filter_joined_with_itself_or_with_nothing_is_itself(
    orders: list[Order], data: st.DataObject
) -> None:
    query = attrs.evolve(as_filter(data.draw(queries(orders))), newest_first=False)
    assert both(query, query) == both(query, OrderQuery()) == both(OrderQuery(), query) == query


@given(order_lists())
def test_counts_are_those_of_the_tabs_pages(orders: list[Order]) -> None:
    store = stored(orders)
    counts = orders_page(store).counts
    for tab in Tab:
        page = orders_page(store, tab=tab)
        assert counts[tab] == page.total == Count(len(page.rows))
    assert counts["all"].number + counts["archived"].number == len(orders)


@given(order_lists(max_size=8), st.data(), st.integers(1, 4), st.integers(0, 9))
def test_what_a_page_counts_is_true_however_far_it_counts(
    orders: list[Order], data: st.DataObject, size: int, counted: int
) -> None:
    store = stored(orders)
    tab = data.draw(st.sampled_from(Tab))
    filters = attrs.evolve(as_filter(data.draw(queries(orders))), shop=None)
    with mock.patch.object(page_module, "COUNTED", counted):
        shown = orders_page(store, tab=tab, filters=filters, size=size)
        if shown.next is not None:
            shown = orders_page(store, tab=tab, filters=filters, size=size, after=shown.next)
    everything = {name: orders_page(store, tab=name, size=500).rows for name in Tab}
    told = [(shown.total, store.count(shown.query))]
    told += [(shown.counts[name], len(rows)) for name, rows in everything.items()]
    for count, there in told:
        if count.exact:
            assert count.number == there
        else:
            assert count.number == counted < there


@given(order_lists(), st.data())
def test_no_tab_but_archived_shows_archived_orders_unless_searching(
    orders: list[Order], data: st.DataObject
) -> None:
    store = stored(orders)
    filters = attrs.evolve(as_filter(data.draw(queries(orders))), archived=None, search=None)
    for tab in Tab:
        shown = orders_page(store, tab=tab, filters=filters).rows
        assert {row.archived for row in shown} <= {tab is Tab.ARCHIVED}
    saved = SavedTabs().saved("mine", filters)
    mine = orders_page(store, tab="mine", saved=saved)
    assert mine.rows == orders_page(store, filters=filters).rows
    assert mine.counts["mine"] == mine.total


@given(order_lists(min_size=1), st.data())
def test_a_search_finds_an_order_by_its_number_archived_or_not(
    orders: list[Order], data: st.DataObject
) -> None:
    wanted = data.draw(st.sampled_from(orders))
    if wanted.number.strip():
        page = orders_page(stored(orders), search=wanted.number)
        assert wanted.id in {row.id for row in page.rows}


@given(utc_instants(), keys() | st.text())
def test_a_place_survives_as_text_for_a_url(placed_at: object, order_id: str) -> None:
    cursor = Cursor(placed_at, order_id)  # type: ignore[arg-type]  # a datetime, by its strategy
    text = cursor_text(cursor)
    assert cursor_from_text(text) == cursor
    assert all(char.isascii() and (char.isalnum() or char in "-_") for char in text)


@given(st.text())
def test_other_text_is_no_place(text: str) -> None:
    with pytest.raises(InvalidValue, match="after"):
        cursor_from_text(text)


def test_every_tab_has_its_query() -> None:
    assert set(TABS) == set(Tab)


def test_joining_knows_every_field_of_a_query() -> None:
    known = {field.name for field in attrs.fields(OrderQuery)}
    everything = OrderQuery(shop="a", ids="1", life="open", archived=True, tag="t", search="s")
    assert both(everything, OrderQuery()) == everything
    assert known == {
        *("shop", "ids", "placed", "completed", "life", "archived", "fulfillment"),
        *("payment_status", "abandoned", "decided", "recovery", "source", "customer_keys"),
        *("total_min", "total_max", "tag", "search", "after", "newest_first", "limit"),
    }, "a new field: say in page.both how two of it are joined"


@pytest.mark.parametrize("query", [OrderQuery(limit=1), OrderQuery(newest_first=True, limit=2)])
def test_a_limit_is_not_a_filters(query: OrderQuery) -> None:
    with pytest.raises(InvalidValue):
        both(OrderQuery(), query)
