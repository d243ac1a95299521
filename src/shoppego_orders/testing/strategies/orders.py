"""Orders in any state that can be reached, with their histories and their rows."""

from __future__ import annotations

import functools
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from shoppego_orders.money import Money
from shoppego_orders.order import (
    TRANSITIONS,
    Adjustment,
    AttentionItem,
    AttentionKind,
    Blocker,
    Delivery,
    LedgerEntry,
    LineItem,
    LineRow,
    Order,
    OrderEvent,
    OrderRow,
)
from shoppego_orders.testing.strategies.lines import (
    adjustments,
    line_items,
    payment_methods,
    tags,
)
from shoppego_orders.testing.strategies.people import (
    addresses,
    attributions,
    customers,
    ignored_touches,
    touches,
)
from shoppego_orders.testing.strategies.steps import references, run, steps
from shoppego_orders.testing.strategies.stories import stories
from shoppego_orders.testing.strategies.values import (
    SHOPS,
    currencies,
    instants,
    keys,
    money,
    texts,
    utc_instants,
)
from shoppego_orders.texts import storable


@st.composite
def orders(
    draw: st.DrawFn,
    *,
    shop: str | None = None,
    currency: str | None = None,
    placed_at: st.SearchStrategy[datetime] | None = None,
) -> Order:
    """Make orders in any state that can be reached, with their whole history in ``changes``.

    :param shop: of this shop alone.
    :param currency: in this currency alone.
    :param placed_at: when the checkout began.
    """
    code = currency or draw(currencies())
    parts = draw(_parts(code))
    parts["at"] = draw(instants() if placed_at is None else placed_at)
    if shop is not None:
        parts["shop"] = shop
    draft = parts.pop("draft")
    if not (parts["lines"] or draft):
        parts["lines"] = [LineItem("Kopi", 1, Money.from_minor(1000, code))]
    order = Order.place_draft(**parts) if draft else Order.place(**parts)
    told = run(order, draw(stories())(order))
    return run(told, draw(st.lists(steps(code), max_size=6)))


def order_lists(*, min_size: int = 0, max_size: int = 6) -> st.SearchStrategy[list[Order]]:
    """Make the orders of a store: ids differ, and so do the numbers in one shop."""
    return st.lists(
        orders(),
        min_size=min_size,
        max_size=max_size,
        unique_by=(lambda order: order.id, lambda order: (order.shop, order.number)),
    )


def histories() -> st.SearchStrategy[tuple[OrderEvent, ...]]:
    """Make whole histories, oldest event first."""
    return orders().map(lambda order: order.changes)


def order_events() -> st.SearchStrategy[OrderEvent]:
    """Make events of any type."""
    return histories().flatmap(st.sampled_from)


def order_rows() -> st.SearchStrategy[OrderRow]:
    """Make the rows of orders."""
    return orders().map(OrderRow.of)


def line_rows() -> st.SearchStrategy[LineRow]:
    """Make the rows of line items."""
    return st.builds(LineRow.of, order_rows(), st.just(1), line_items())


@functools.cache
def ledger_entries() -> st.SearchStrategy[LedgerEntry]:
    """Make payments and refunds, as they are kept."""
    return st.builds(LedgerEntry, references().map(storable), money(least=1), utc_instants())


@functools.cache
def attention_items() -> st.SearchStrategy[AttentionItem]:
    """Make what a merchant should look at."""
    return st.builds(
        AttentionItem,
        st.sampled_from(AttentionKind),
        texts().map(storable),
        references().map(storable),
        utc_instants(),
    )


@functools.cache
def blockers() -> st.SearchStrategy[Blocker]:
    """Make the reasons for which a command is not possible."""
    guards = dict.fromkeys(guard for some in TRANSITIONS.values() for guard in some)
    return st.sampled_from([guard.blocker for guard in guards])


@functools.cache
# Any: arguments of Order.place, each of its kind
def _parts(currency: str) -> st.SearchStrategy[dict[str, Any]]:
    """What ``Order.place`` is told, besides the time."""
    return st.fixed_dictionaries(
        {
            "draft": st.integers(0, 3).map(lambda n: n == 3),
            "id": keys(),
            "shop": st.sampled_from(SHOPS),
            "number": st.none() | st.integers(1, 999).map("#SA{}".format) | texts(),
            "currency": st.just(currency),
            "lines": st.lists(line_items(currency), max_size=3),
            "adjustments": st.lists(adjustments(currency), max_size=3).map(_bearable),
            "customer": customers(),
            "shipping_address": st.none() | addresses(),
            "billing_address": st.none() | addresses(),
            "delivery": st.sampled_from(Delivery),
            "payment_method": st.none() | payment_methods(),
            "touches": st.lists(touches(), max_size=2),
            "ignored_touches": st.lists(ignored_touches(), max_size=1),
            "attribution": st.none() | attributions(),
            "note": st.just("") | texts(),
            "tags": st.lists(tags(), max_size=3),
        }
    )


def _bearable(drawn: list[Adjustment]) -> list[Adjustment]:
    """Drop the adjustments that take the total below zero, whatever the lines are."""
    kept: list[Adjustment] = []
    for each in drawn:
        if each.amount.minor + sum(item.amount.minor for item in kept) >= 0:
            kept.append(each)
    return kept
