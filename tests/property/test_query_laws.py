"""What a query means, told once more and otherwise."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import attrs
from hypothesis import assume, given
from hypothesis import strategies as st

from shoppego_orders.customers import Customer
from shoppego_orders.money import Money
from shoppego_orders.order import LineItem, Order, OrderRow
from shoppego_orders.periods import Period
from shoppego_orders.query import Cursor, OrderQuery
from shoppego_orders.testing.strategies import money, order_lists, orders, phone_notations, queries

FIELDS = tuple(attrs.fields_dict(OrderQuery))
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
Asked = tuple[list[Order], OrderQuery]


def asked(orders_: list[Order]) -> st.SearchStrategy[Asked]:
    return st.tuples(st.just(orders_), queries(orders_))


def wanted(order: Order, query: OrderQuery) -> bool:
    """The meaning of a query, from the order itself and without its row."""
    answers: dict[str, Callable[[], bool]] = {
        "shop": lambda: order.shop == query.shop,
        "ids": lambda: order.id in (query.ids or ()),
        "life": lambda: order.life in (query.life or ()),
        "archived": lambda: order.archived == query.archived,
        "fulfillment": lambda: order.fulfillment in (query.fulfillment or ()),
        "payment_status": lambda: order.payment_status in (query.payment_status or ()),
        "abandoned": lambda: bool(order.abandoned_at) == query.abandoned,
        "decided": lambda: order.decided == query.decided,
        "recovery": lambda: order.recovery in (query.recovery or ()),
        "source": lambda: order.source in (query.source or ()),
        "customer_keys": lambda: order.customer_key in (query.customer_keys or ()),
        "tag": lambda: query.tag in order.tags,
    }
    answered = all(answer() for name, answer in answers.items() if getattr(query, name) is not None)
    if query.placed is not None:
        answered &= query.placed.start <= order.placed_at < query.placed.end
    if query.completed is not None:
        at = order.completed_at
        answered &= at is not None and query.completed.start <= at < query.completed.end
    for limit, sign in ((query.total_min, 1), (query.total_max, -1)):
        if limit is not None:
            same = limit.currency == order.currency
            answered &= same and (order.total.minor - limit.minor) * sign >= 0
    if query.search is not None:
        answered &= query.search in order.search_text or any(
            form in order.phone_digits for form in query.search_phones
        )
    if query.after is not None:
        ahead = (order.placed_at, order.id) > (query.after.placed_at, query.after.id)
        same_place = (order.placed_at, order.id) == (query.after.placed_at, query.after.id)
        answered &= not same_place and ahead is not query.newest_first
    return answered


@given(order_lists(max_size=4).flatmap(asked))
def test_a_row_matches_when_every_field_is_answered(example: Asked) -> None:
    orders_, query = example
    for order in orders_:
        assert query.matches(OrderRow.of(order)) == wanted(order, query)


@given(order_lists(max_size=4).flatmap(asked))
def test_fields_are_joined_by_and(example: Asked) -> None:
    orders_, query = example
    nothing = OrderQuery(newest_first=query.newest_first)
    alone = [
        attrs.evolve(nothing, **{name: getattr(query, name)})
        for name in FIELDS
        if name != "newest_first"
    ]
    for row in map(OrderRow.of, orders_):
        assert query.matches(row) == all(each.matches(row) for each in alone)


@given(orders())
def test_a_query_that_asks_for_nothing_matches_everything(order: Order) -> None:
    assert OrderQuery().matches(OrderRow.of(order))


@given(queries())
def test_queries_are_values(query: OrderQuery) -> None:
    assert attrs.evolve(query) == query
    assert hash(attrs.evolve(query)) == hash(query)
    assert pickle.loads(pickle.dumps(query)) == query


def rows_of(orders_: Sequence[Order], *, newest_first: bool) -> list[OrderRow]:
    rows = [OrderRow.of(order) for order in orders_]
    return sorted(rows, key=lambda row: (row.placed_at, row.id), reverse=newest_first)


@given(order_lists(), st.booleans(), st.integers(1, 3))
def test_pages_by_cursor_hold_every_row_once(
    orders_: list[Order], newest_first: bool, size: int
) -> None:
    rows = rows_of(orders_, newest_first=newest_first)
    query = OrderQuery(newest_first=newest_first, limit=size)
    pages: list[OrderRow] = []
    while page := [row for row in rows if query.matches(row)][:size]:
        pages += page
        query = attrs.evolve(query, after=Cursor(page[-1].placed_at, page[-1].id))
    assert pages == rows


@given(orders())
def test_a_period_holds_its_first_instant_and_not_its_end(order: Order) -> None:
    row, at, tick = OrderRow.of(order), order.placed_at, timedelta(microseconds=1)
    assert OrderQuery(placed=Period(at, at + tick)).matches(row)
    assert not OrderQuery(placed=Period(at - tick, at)).matches(row)


@given(orders(), st.data())
def test_a_search_finds_any_part_of_number_name_and_email_in_any_case(
    order: Order, data: st.DataObject
) -> None:
    text = data.draw(st.sampled_from((order.number, order.customer_name, order.email)))
    term = data.draw(st.sampled_from((text, text.upper(), text.lower(), text.swapcase())))
    assume(term.casefold() == text.casefold())
    assert OrderQuery(search=term).matches(OrderRow.of(order))


@given(phone_notations("123456789"), phone_notations("123456789"), st.data())
def test_a_search_finds_a_phone_number_in_any_notation(
    typed: str, searched: str, data: st.DataObject
) -> None:
    order = Order.place(
        id="1",
        at=NOON,
        shop="hartamas.myshoppegram.com",
        currency="MYR",
        lines=[LineItem("Kopi", 1, Money("10.00", "MYR"))],
        customer=Customer(phone=typed),
    )
    assert OrderQuery(search=searched).matches(OrderRow.of(order))
    start = data.draw(st.integers(0, 7))
    part = "60123456789"[start : start + 4]
    assert OrderQuery(search=part).matches(OrderRow.of(order))
    assert not OrderQuery(search="013-345 6789").matches(OrderRow.of(order))


@given(orders(), money())
def test_bounds_of_the_total_include_it_and_count_in_their_own_currency_only(
    order: Order, bound: Money
) -> None:
    row = OrderRow.of(order)
    assert OrderQuery(total_min=row.total, total_max=row.total).matches(row)
    within = [OrderQuery(total_min=bound).matches(row), OrderQuery(total_max=bound).matches(row)]
    if bound.currency != order.currency:
        assert within == [False, False]
    else:
        assert within == [row.total >= bound, row.total <= bound]
