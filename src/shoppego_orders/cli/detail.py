"""One order with its history, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from typing import cast

import attrs

from shoppego_orders.cli.screen import local, plain_table, say, words
from shoppego_orders.order import Order, OrderEvent
from shoppego_orders.order.view import ITEMS, items_of, known_of, sums_of


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
    plain_table(ITEMS, items_of(order))
    for label, amount in sums_of(order):
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
    yield from known_of(order)
    for touch in order.touches:
        yield "Landed on", touch.landing_url
        yield "Came from", touch.referrer or ""
    for ignored in order.ignored_touches:
        came = ignored.touch.referrer or ignored.touch.landing_url
        yield "Not counted", f"{came} ({ignored.reason})"


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
