"""Queries that find some of the orders they are about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import attrs
from hypothesis import strategies as st

from shoppego_orders.money import Money
from shoppego_orders.order import Fulfillment, Life, Order, PaymentStatus, Recovery
from shoppego_orders.query import Cursor, OrderQuery
from shoppego_orders.testing.strategies.people import phones
from shoppego_orders.testing.strategies.values import SHOPS, instants, keys, money, periods, texts

T = TypeVar("T")


@st.composite
def queries(draw: st.DrawFn, among: Sequence[Order] = ()) -> OrderQuery:
    """Make queries, of which most fields ask for nothing.

    :param among: orders of which the query should find some; its values are taken from them.
    """

    def maybe(values: Callable[[], st.SearchStrategy[T]]) -> T | None:
        # Nine times of ten: a query that asks for everything at once finds nothing.
        return draw(values()) if draw(st.integers(0, 9)) == 9 else None

    def of(known: Iterable[T], others: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
        values = list(known)
        return st.sampled_from(values) | others if values else others

    def some(known: Iterable[T], others: st.SearchStrategy[T]) -> st.SearchStrategy[frozenset[T]]:
        return st.frozensets(of(known, others), max_size=3)

    def total() -> st.SearchStrategy[Money]:
        return of((order.total for order in among), money())

    def searched() -> Iterator[str]:
        for order in among:
            for text in (order.number, order.customer_name, order.email, order.phone):
                yield from (text, text[1:5])

    keys_known = [order.customer_key for order in among if order.customer_key is not None]
    sources_known = [order.source for order in among if order.source is not None]
    cursors_known = [Cursor(order.placed_at, order.id) for order in among]
    least, most = maybe(total), maybe(total)
    if least is not None and most is not None and (least.currency != most.currency or most < least):
        most = least
    return OrderQuery(
        shop=maybe(lambda: st.sampled_from(SHOPS)),
        ids=maybe(lambda: some((order.id for order in among), keys())),
        placed=maybe(periods),
        completed=maybe(periods),
        life=maybe(lambda: some((), st.sampled_from(Life))),
        archived=maybe(st.booleans),
        fulfillment=maybe(lambda: some((), st.sampled_from(Fulfillment))),
        payment_status=maybe(lambda: some((), st.sampled_from(PaymentStatus))),
        abandoned=maybe(st.booleans),
        decided=maybe(st.booleans),
        recovery=maybe(lambda: some((), st.sampled_from(Recovery))),
        source=maybe(lambda: some(sources_known, st.sampled_from(("direct", "tiktok")))),
        customer_keys=maybe(lambda: some(keys_known, st.just("id:c1"))),
        total_min=least,
        total_max=most,
        tag=maybe(lambda: of((tag for order in among for tag in order.tags), texts())),
        search=maybe(lambda: of(searched(), phones())),
        after=maybe(lambda: of(cursors_known, cursors())),
        newest_first=draw(st.booleans()),
        limit=maybe(lambda: st.integers(1, 4)),
    )


def cursors() -> st.SearchStrategy[Cursor]:
    """Make places in the order in which stores yield."""
    return st.builds(Cursor, instants(), keys())


def filters() -> st.SearchStrategy[OrderQuery]:
    """Make queries without a place and a limit, as they are saved and exported."""
    return queries().map(lambda query: attrs.evolve(query, after=None, limit=None))
