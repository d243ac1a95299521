"""The flat face of an order, which pages, files, rules and data frames all speak."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from shoppego_orders.money import Money
from shoppego_orders.order.lines import LineItem
from shoppego_orders.order.order import Order
from shoppego_orders.order.statuses import (
    Delivery,
    Fulfillment,
    Life,
    PaymentStatus,
    PaymentType,
    Recovery,
)


class OrderRow(NamedTuple):
    """One order in one row; every field carries the name, type and value of an ``Order``'s.

    So a rule or a column that is written once works on an order, on a row from a database, and
    on a row in a data frame. Instants are UTC; texts are "" where there is nothing.
    """

    id: str
    shop: str
    number: str
    placed_at: datetime
    life: Life
    archived: bool
    fulfillment: Fulfillment
    payment_status: PaymentStatus
    delivery: Delivery
    currency: str
    subtotal: Money
    discount_total: Money
    shipping_total: Money
    tax_total: Money
    declared_difference: Money
    total: Money
    paid_total: Money
    refunded_total: Money
    balance: Money
    units: int
    products: tuple[str, ...]
    customer_key: str | None
    customer_name: str
    email: str
    phone: str
    phone_digits: str
    search_text: str
    shipping_address1: str
    shipping_address2: str
    shipping_zip: str
    shipping_city: str
    shipping_state: str
    shipping_country: str
    payment_method_name: str
    payment_type: PaymentType | None
    source: str | None
    logo: str | None
    channel: str | None
    medium: str | None
    campaign: str | None
    note: str
    tags: tuple[str, ...]
    tracking_numbers: tuple[str, ...]
    completed_at: datetime | None
    paid_at: datetime | None
    confirmed_at: datetime | None
    taken_up_at: datetime | None
    shipped_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: str | None
    activity: tuple[datetime, ...]
    changed_at: datetime | None
    abandoned_at: datetime | None
    abandoned_by: str | None
    returned_at: datetime | None
    recovery: Recovery | None
    recovered_by: str | None
    recovered_at: datetime | None
    needs_attention: bool
    decided: bool

    @classmethod
    def of(cls, order: Order) -> OrderRow:
        """Take the row of an order."""
        return cls(*_values(order))


_values = attrgetter(*OrderRow._fields)


class LineRow(NamedTuple):
    """One line item, with the row of its order.

    :ivar position: of the line in its order, from 1.
    """

    order: OrderRow
    position: int
    product: str
    variant: str
    sku: str
    quantity: int
    unit_price: Money
    line_total: Money
    custom: bool

    @classmethod
    def of(cls, order: OrderRow, position: int, line: LineItem) -> LineRow:
        """Take the row of a line item."""
        return cls(
            order,
            position,
            line.product,
            line.variant,
            line.sku,
            line.quantity,
            line.unit_price,
            line.total,
            line.custom,
        )
