"""Laws of the JSON documents: writing, then reading, is the identity."""

from __future__ import annotations

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st

from shoppego_orders.errors import OrdersError
from shoppego_orders.order import Order
from shoppego_orders.query import OrderQuery
from shoppego_orders.serialization import (
    event_from_json,
    event_to_json,
    from_checkout_payload,
    order_from_json,
    order_to_json,
    query_from_json,
    query_to_json,
)
from shoppego_orders.testing.strategies import orders, queries

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        "id",
        "domain",
        "currency",
        "total",
        "shipping",
        "rate",
        "created_at",
        "completed_at",
        "items",
        "customer",
        "shipping_address",
        "landing_url",
        "referrer",
        "gateway_name",
        "gateway_type",
    ]
)


@given(orders())
def test_an_order_survives_its_document(order: Order) -> None:
    text = order_to_json(order)

    assert text.isascii()
    assert order_from_json(text) == order
    assert order_to_json(order_from_json(text)) == text


@given(orders())
def test_a_history_survives_its_documents_and_replays(order: Order) -> None:
    history = [event_from_json(event_to_json(event)) for event in order.changes]

    assert tuple(history) == order.changes
    assert Order.replay(history) == order


@given(queries())
def test_a_query_survives_its_document(query: OrderQuery) -> None:
    assert query_from_json(query_to_json(query)) == query


@given(orders(), st.data())
def test_a_damaged_document_raises_nothing_but_orders_errors(
    order: Order, data: st.DataObject
) -> None:
    document = json.loads(order_to_json(order))
    part = data.draw(st.sampled_from([document, document["body"]]))
    part[data.draw(st.sampled_from(sorted(part)))] = data.draw(
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers())
    )

    with contextlib.suppress(OrdersError):
        assert isinstance(order_from_json(json.dumps(document)), Order)


@given(st.dictionaries(KEYS, JSON), st.booleans())
def test_any_payload_is_an_order_or_an_orders_error(
    changes: dict[str, object], with_basics: bool
) -> None:
    basics: dict[str, object] = {
        "id": 1262140,
        "domain": "mirfaith.myshoppegram.com",
        "currency": "MYR",
        "total": 10,
        "created_at": "2021-03-03T22:58:17+08:00",
    }
    with contextlib.suppress(OrdersError):
        order = from_checkout_payload({"checkout": {**(basics if with_basics else {}), **changes}})
        assert order_from_json(order_to_json(order)) == order
