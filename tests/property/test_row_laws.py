"""Rows say what their orders say, field by field."""

from __future__ import annotations

import inspect
import typing

import pytest
from hypothesis import given

from shoppego_orders.order import LineItem, LineRow, Order, OrderRow
from shoppego_orders.order.state import OrderState
from shoppego_orders.testing.strategies import line_items, order_rows, orders


@given(orders())
def test_a_row_has_the_value_of_each_property_of_its_order(order: Order) -> None:
    row = OrderRow.of(order)
    for name in OrderRow._fields:
        assert getattr(row, name) == getattr(order, name), name
        assert type(getattr(row, name)) is type(getattr(order, name)), name
    assert row._asdict().keys() == OrderRow.__annotations__.keys()


@pytest.mark.parametrize("name", OrderRow._fields)
def test_a_field_has_the_type_of_the_orders_property(name: str) -> None:
    found = inspect.getattr_static(Order, name)
    if isinstance(found, property):
        wanted = typing.get_type_hints(found.fget)["return"]
    else:
        wanted = typing.get_type_hints(OrderState)[name]
    assert typing.get_type_hints(OrderRow)[name] == wanted


@given(orders())
def test_equal_orders_have_equal_rows(order: Order) -> None:
    again = Order.replay(order.changes)
    assert OrderRow.of(again) == OrderRow.of(order)
    assert hash(OrderRow.of(again)) == hash(OrderRow.of(order))


@given(orders())
def test_a_row_has_no_none_where_a_text_is_missing(order: Order) -> None:
    row = OrderRow.of(order)
    missing = {name for name, value in row._asdict().items() if value is None}
    assert missing <= {
        "customer_key",
        "payment_type",
        "source",
        "logo",
        "channel",
        "medium",
        "campaign",
        "completed_at",
        "paid_at",
        "confirmed_at",
        "taken_up_at",
        "shipped_at",
        "cancelled_at",
        "cancel_reason",
        "abandoned_at",
        "abandoned_by",
        "returned_at",
        "recovery",
        "recovered_by",
        "recovered_at",
    }


@given(orders())
def test_the_contact_is_the_customers_or_else_the_addressees(order: Order) -> None:
    address, customer = order.shipping_address, order.customer
    for name, own in (
        ("name", customer.name),
        ("email", customer.email),
        ("phone", customer.phone),
    ):
        shown = getattr(order, "customer_name" if name == "name" else name)
        assert shown == (own or ("" if address is None else getattr(address, name)))


@given(order_rows(), line_items())
def test_a_line_row_has_the_values_of_its_line(row: OrderRow, line: LineItem) -> None:
    line_row = LineRow.of(row, 3, line)
    assert line_row.order is row
    assert line_row.position == 3
    assert line_row.line_total == line.total
    for name in ("product", "variant", "sku", "quantity", "unit_price", "custom"):
        assert getattr(line_row, name) == getattr(line, name)
