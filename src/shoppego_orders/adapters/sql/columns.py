"""Rows as columns, both ways."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, get_type_hints

from shoppego_orders.adapters.sql.schema import kind_of
from shoppego_orders.money import Money
from shoppego_orders.order import (
    Delivery,
    Fulfillment,
    Life,
    LineItem,
    LineRow,
    Order,
    OrderRow,
    PaymentStatus,
    PaymentType,
    Recovery,
)
from shoppego_orders.periods import epoch_micros, instant_of_micros

Values = Sequence[Any]  # Any: each column's value is of its kind
"""One row as the driver gives it; what stands where is the statement's business."""


def values_of(row: OrderRow) -> dict[str, object]:
    """What is written for a row, by column."""
    return {
        name: value if value is None or encode is None else encode(value)
        for (name, encode), value in zip(_ENCODERS, row, strict=True)
    }


def row_of(values: Values) -> OrderRow:
    """The row that stands in the columns, in the order of its fields."""
    # By hand, since pages and exports spend their time here.
    (
        order_id, shop, number, placed_at, life, archived, fulfillment, payment_status, delivery,
        currency, subtotal, discount_total, shipping_total, tax_total, declared_difference, total,
        paid_total, refunded_total, balance, units, products, customer_key, customer_name, email,
        phone, phone_digits, search_text, shipping_address1, shipping_address2, shipping_zip,
        shipping_city, shipping_state, shipping_country, payment_method_name, payment_type, source,
        logo, channel, medium, campaign, note, tags, tracking_numbers, completed_at, paid_at,
        confirmed_at, taken_up_at, shipped_at, cancelled_at, cancel_reason, activity, changed_at,
        abandoned_at, abandoned_by, returned_at, recovery, recovered_by, recovered_at,
        needs_attention, decided,
    ) = values  # fmt: skip  # one name a line would fill a page
    money = Money.from_minor
    return OrderRow(
        order_id,
        shop,
        number,
        instant_of_micros(placed_at),
        _LIVES[life],
        bool(archived),
        _FULFILLMENTS[fulfillment],
        _PAYMENT_STATUSES[payment_status],
        _DELIVERIES[delivery],
        currency,
        money(subtotal, currency),
        money(discount_total, currency),
        money(shipping_total, currency),
        money(tax_total, currency),
        money(declared_difference, currency),
        money(total, currency),
        money(paid_total, currency),
        money(refunded_total, currency),
        money(balance, currency),
        units,
        () if products == "[]" else tuple(json.loads(products)),
        customer_key,
        customer_name,
        email,
        phone,
        phone_digits,
        search_text,
        shipping_address1,
        shipping_address2,
        shipping_zip,
        shipping_city,
        shipping_state,
        shipping_country,
        payment_method_name,
        None if payment_type is None else _PAYMENT_TYPES[payment_type],
        source,
        logo,
        channel,
        medium,
        campaign,
        note,
        () if tags == "[]" else tuple(json.loads(tags)),
        () if tracking_numbers == "[]" else tuple(json.loads(tracking_numbers)),
        None if completed_at is None else instant_of_micros(completed_at),
        None if paid_at is None else instant_of_micros(paid_at),
        None if confirmed_at is None else instant_of_micros(confirmed_at),
        None if taken_up_at is None else instant_of_micros(taken_up_at),
        None if shipped_at is None else instant_of_micros(shipped_at),
        None if cancelled_at is None else instant_of_micros(cancelled_at),
        cancel_reason,
        () if activity == "[]" else tuple(map(instant_of_micros, json.loads(activity))),
        None if changed_at is None else instant_of_micros(changed_at),
        None if abandoned_at is None else instant_of_micros(abandoned_at),
        abandoned_by,
        None if returned_at is None else instant_of_micros(returned_at),
        None if recovery is None else _RECOVERIES[recovery],
        recovered_by,
        None if recovered_at is None else instant_of_micros(recovered_at),
        bool(needs_attention),
        bool(decided),
    )


# Any: each column's values are of its kind
def plain_columns(fields: Sequence[str], rows: Sequence[Values]) -> list[Sequence[Any]]:
    """The values of those columns, column by column, as plain values."""
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))  # Any: as above
    for place, name in enumerate(fields):
        if _KINDS[name] is bool:
            columns[place] = list(map(bool, columns[place]))
        elif _KINDS[name] is tuple:
            columns[place] = [
                () if text == "[]" else tuple(json.loads(text)) for text in columns[place]
            ]
    return columns


def line_values(order: Order) -> Iterator[dict[str, object]]:
    """What is written for each line item of an order, by column."""
    for position, line in enumerate(order.lines, 1):
        yield {"order_id": order.id, "position": position} | _values_of_line(line)


def line_of(order: OrderRow, values: Values) -> LineRow:
    """The line item that stands in the columns, in the order of its fields."""
    position, product, variant, sku, quantity, unit_price, line_total, custom = values
    return LineRow(
        order,
        position,
        product,
        variant,
        sku,
        quantity,
        Money.from_minor(unit_price, order.currency),
        Money.from_minor(line_total, order.currency),
        bool(custom),
    )


def _values_of_line(line: LineItem) -> dict[str, object]:
    return {
        "product": line.product,
        "variant": line.variant,
        "sku": line.sku,
        "quantity": line.quantity,
        "unit_price": line.unit_price.minor,
        "line_total": line.total.minor,
        "custom": line.custom,
    }


def _minor(amount: Money) -> int:
    return amount.minor


def _json(values: tuple[str | datetime, ...]) -> str:
    if not values:
        return "[]"
    plain = [value if isinstance(value, str) else epoch_micros(value) for value in values]
    return json.dumps(plain, ensure_ascii=False)


_LIVES: Final = {word.value: word for word in Life}
_FULFILLMENTS: Final = {word.value: word for word in Fulfillment}
_PAYMENT_STATUSES: Final = {word.value: word for word in PaymentStatus}
_DELIVERIES: Final = {word.value: word for word in Delivery}
_PAYMENT_TYPES: Final = {word.value: word for word in PaymentType}
_RECOVERIES: Final = {word.value: word for word in Recovery}
# str: a status becomes a plain text, which the driver takes faster than a subclass of it.
_BY_KIND: Final[dict[type, Callable[[Any], object]]] = {  # Any: each takes values of its kind
    str: str,
    datetime: epoch_micros,
    Money: _minor,
    tuple: _json,
}
_KINDS: Final = {name: kind_of(hint) for name, hint in get_type_hints(OrderRow).items()}
_ENCODERS: Final = [(name, _BY_KIND.get(kind)) for name, kind in _KINDS.items()]
