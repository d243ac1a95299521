"""One order with its history, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from typing import cast

import attrs

from shoppego_orders.cli.screen import local, plain_table, say, words
from shoppego_orders.customers import Address
from shoppego_orders.money import Money
from shoppego_orders.order import Order, OrderEvent


def show_order(order: Order, events: Sequence[OrderEvent], zone: tzinfo, zone_name: str) -> None:
    """Print an order and its history; times are those of the zone's clocks."""
    state = [order.life, *(["archived"] if order.archived else [])]
    say(f"Order {order.number} (id {order.id}) of {order.shop}")
    say(f"{words(', '.join(state))}; {words(order.payment_status)}; {words(order.fulfillment)}")
    say()
    for label, value in _facts(order, zone):
        if value:
            say(f"{label:<13} {value}")
    say()
    plain_table(
        ("Item", "Variant", "SKU", ">Quantity", ">Price", ">Total"),
        [
            (
                line.product,
                line.variant,
                line.sku,
                str(line.quantity),
                line.unit_price.text,
                line.total.text,
            )
            for line in order.lines
        ],
    )
    for label, amount in _sums(order):
        say(f"{label:<40} {order.currency} {amount.text:>12}")
    for item in order.attention:
        say(f"! {item.message}")
    say()
    plain_table(
        (f"When ({zone_name})", "What", "By", "Announced", "Details"),
        [
            (
                local(event.occurred_at, zone),
                words(event.type),
                event.actor,
                ", ".join(event.topics),
                _details(event),
            )
            for event in events
        ],
    )


def _facts(order: Order, zone: tzinfo) -> Iterator[tuple[str, str]]:
    yield "Placed", local(order.placed_at, zone)
    yield "Completed", local(order.completed_at, zone)
    yield "Abandoned", local(order.abandoned_at, zone)
    yield (
        "Cancelled",
        " ".join((local(order.cancelled_at, zone), order.cancel_reason or "")).strip(),
    )
    yield "Customer", ", ".join(filter(None, (order.customer_name, order.email, order.phone)))
    yield "Ship to", _address(order.shipping_address)
    yield "Bill to", _address(order.billing_address)
    yield (
        "Payment by",
        " ".join((order.payment_method_name, f"({order.payment_type})"))
        if (order.payment_type)
        else "",
    )
    yield "Source", "" if order.attribution is None else order.attribution.reason
    yield "Channel", order.channel or ""
    yield "Campaign", order.campaign or ""
    for touch in order.touches:
        yield "Landed on", touch.landing_url
        yield "Came from", touch.referrer or ""
    for ignored in order.ignored_touches:
        came = ignored.touch.referrer or ignored.touch.landing_url
        yield "Not counted", f"{came} ({ignored.reason})"
    for tracking in order.trackings:
        yield "Parcel", " ".join(filter(None, (tracking.carrier, tracking.number, tracking.url)))
    yield "Tags", ", ".join(order.tags)
    yield "Note", order.note


def _address(address: Address | None) -> str:
    if address is None:
        return ""
    town = f"{address.zip} {address.city}".strip()
    parts = (address.name, address.address1, address.address2, town, address.state, address.country)
    return ", ".join(filter(None, parts))


def _sums(order: Order) -> Iterator[tuple[str, Money]]:
    yield "Subtotal", order.subtotal
    for adjustment in order.adjustments:
        label = f" ({adjustment.label})" if adjustment.label else ""
        yield f"{adjustment.kind.capitalize()}{label}", adjustment.amount
    yield "Total", order.total
    if order.paid_total:
        yield "Paid", order.paid_total
    if order.refunded_total:
        yield "Refunded", order.refunded_total
    if order.refund_due:
        yield "Owed to the customer", order.refund_due
    elif order.amount_due:
        yield "Still to be paid", order.amount_due


def _details(event: OrderEvent) -> str:
    """The event's short data; what an order begins with stands above the history."""
    return ", ".join(
        f"{field.name} {_short(value)}"
        for field in attrs.fields(type(event.data))
        if event.type != "placed" and (value := getattr(event.data, field.name)) not in (None, ())
    )


def _short(value: object) -> str:
    if isinstance(value, tuple):
        return "; ".join(map(_short, cast("tuple[object, ...]", value)))
    return str(value)
