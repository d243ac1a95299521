"""Laws of an erasure: the person is gone, and every sum and every verdict is what it was."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import count

import attrs
from hypothesis import given
from hypothesis import strategies as st

from erasure_examples import NOW, SHOP, TAN, ZQX, placed, shops_orders, tells
from shoppego_orders import (
    AbandonmentPolicy,
    By,
    Order,
    OrderQuery,
    Rule,
    anonymise,
    customer_orders,
    order_to_json,
    recovery_report,
    replay_stored,
    sales_report,
    settle_recoveries,
    sweep,
)
from shoppego_orders.abandonment.rules import FirstOrder, HasContact
from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.customers import Address
from shoppego_orders.erasure import Erasure
from shoppego_orders.order import OrderEvent, OrderRow
from shoppego_orders.order.anonymity import anonymised_history
from shoppego_orders.order.events import Anonymised
from shoppego_orders.serialization import event_to_json
from shoppego_orders.testing.strategies import histories, policies

PERSONAL = {
    *("customer", "customer_key", "shipping_address", "billing_address", "note"),
    *("touches", "ignored_touches", "attribution", "cancel_reason", "trackings", "changed_at"),
}
"""What of an order an erasure may change; all else stays as it was."""


def erased(store: MemoryOrderStore) -> Erasure:
    numbers = count()
    return anonymise(store, ZQX, shop=SHOP, at=NOW, pseudonym=lambda: f"p{next(numbers)}")


def stored(orders: Sequence[Order]) -> MemoryOrderStore:
    store = MemoryOrderStore()
    for order in orders:
        store.save(order)
    return store


@given(histories())
def test_a_history_without_the_person_makes_the_order_without_them(
    history: tuple[OrderEvent, ...],
) -> None:
    order = Order.replay(history)
    again = anonymised_history(history, pseudonym="anonymous:{}".format, at=NOW)
    left = Order.replay(again)

    assert left.version == order.version + 1
    event_id = f"{order.id}/{left.version}"
    assert again[-1] == OrderEvent(event_id, order.id, NOW, NOW, "merchant", (), Anonymised())
    for field in attrs.fields(Order):
        if field.eq and field.name not in PERSONAL:
            assert getattr(left, field.name) == getattr(order, field.name), field.name
    assert (left.customer_name, left.email, left.phone, left.note) == ("", "", "", "")
    assert (left.customer_key is None) is (order.customer_key is None)
    assert left.shipping_address == region_of(order.shipping_address)
    assert left.billing_address == region_of(order.billing_address)
    assert left.tracking_numbers == order.tracking_numbers
    known = {*texts_in(history), "", "customer"}
    assert {text for text in texts_in(again[:-1]) if text[:10] != "anonymous:"} <= known
    assert (left.source, left.channel, left.medium, left.campaign, left.logo) == (
        (order.source, order.channel, order.medium, order.campaign, order.logo)
    )
    assert [(event.type, event.occurred_at, event.recorded_at) for event in again[:-1]] == [
        (event.type, event.occurred_at, event.recorded_at) for event in history
    ]


def region_of(address: Address | None) -> Address | None:
    return None if address is None else Address(state=address.state, country=address.country)


def texts_in(events: Sequence[OrderEvent]) -> set[str]:
    """Every text of a history but the addresses of pages, of which an erasure leaves a part."""
    found: set[str] = set()

    def take(part: dict[str, object]) -> dict[str, object]:
        pages = ("landing_url", "referrer")
        found.update(
            each for key, each in part.items() if isinstance(each, str) and key not in pages
        )
        return part

    for event in events:
        json.loads(event_to_json(event), object_hook=take)
    return found


@given(histories())
def test_what_was_taken_out_once_is_out(history: tuple[OrderEvent, ...]) -> None:
    def once(events: Sequence[OrderEvent]) -> tuple[OrderEvent, ...]:
        return anonymised_history(events, pseudonym=lambda _: "anonymous:p", at=NOW)

    assert once(once(history))[: len(history) + 1] == once(history)


@given(shops_orders())
def test_nothing_tells_of_the_person_any_more(orders: list[Order]) -> None:
    store = stored(orders)
    theirs = [order.id for order in orders if order.customer != TAN]
    outcome = erased(store)

    assert list(outcome.orders) == theirs
    for row in store.rows(OrderQuery()):
        order, events = store.get(row.id), store.events(row.id)
        assert Order.replay(events) == order
        assert order.version == len(events)
        assert OrderRow.of(order) == row
        documents = (order_to_json(order), *map(event_to_json, events), str(row), repr(events))
        assert not any(map(tells, documents))
    again = [(store.get(order.id), store.events(order.id)) for order in orders]
    assert erased(store) == Erasure()
    assert [(store.get(order.id), store.events(order.id)) for order in orders] == again


@given(shops_orders())
def test_every_report_says_what_it_said(orders: list[Order]) -> None:
    store = stored(orders)
    settle_recoveries(store, NOW - orders[0].placed_at, NOW)

    def reports() -> list[object]:
        sales, part = sales_report(store), sales_report(store, OrderQuery(source=("tiktok",)))
        return [
            *(sales.by(by) for by in By),
            *(part.by(by) for by in By),
            len(sales.customers),
            recovery_report(store),
            [(row.total, row.paid_total, row.balance) for row in store.rows(OrderQuery())],
        ]

    before = reports()
    erased(store)

    assert reports() == before


@given(shops_orders(), policies(), st.booleans())
def test_every_verdict_is_what_it_was(
    orders: list[Order], policy: AbandonmentPolicy, swept: bool
) -> None:
    policy = policy if not _asks_for_contact(policy.rule) else AbandonmentPolicy(rule=FirstOrder())
    store = stored(orders)
    if swept:
        sweep(store, policy, NOW)

    def verdicts() -> list[object]:
        return [replay_stored(store, order.id, policy, as_of=NOW) for order in orders]

    before = verdicts()
    dry = sweep(store, policy, NOW, dry_run=True)
    erased(store)

    assert verdicts() == before
    assert sweep(store, policy, NOW, dry_run=True) == dry


def _asks_for_contact(rule: Rule) -> bool:
    # Whom nobody can reach any more is not asked: the one rule that erasing may change.
    return HasContact.__name__ in repr(rule)


@given(shops_orders())
def test_who_orders_again_is_a_new_customer(orders: list[Order]) -> None:
    store = stored(orders)
    erased(store)
    kept = {row.customer_key for row in store.rows(OrderQuery())}
    new = store.save(placed("new", at=NOW))

    assert new.customer_key not in kept
    assert [order.id for order in customer_orders(store, ZQX, shop=SHOP)] == ["new"]
    assert erased(store).orders == ("new",)
