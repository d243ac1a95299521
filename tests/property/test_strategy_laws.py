"""The strategies that ship: every public value has one, and they reach what they say."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import HealthCheck, Phase, find, given, seed, settings
from hypothesis import strategies as st

import shoppego_orders
from shoppego_orders.customers import Customer
from shoppego_orders.money import Money
from shoppego_orders.order import (
    AttentionKind,
    Delivery,
    Fulfillment,
    Life,
    LineItem,
    Order,
    PaymentStatus,
    Recovery,
    Topic,
)
from shoppego_orders.order.events import Anonymised, EventData
from shoppego_orders.periods import Period, time_zone
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.strategies import instants, orders, periods, queries

# The same in every run: whether something is found must not be luck.
LOOKING = settings(
    max_examples=1_000,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    phases=[Phase.generate],
)
SHRINKING = settings(LOOKING, phases=[Phase.generate, Phase.shrink])

# What a public name stands for that is no value.
NO_VALUES = {
    "AsyncExportLog": "a port",
    "AsyncFileShelf": "a port",
    "AsyncMailer": "a port",
    "AsyncOrderStore": "a port",
    "AsyncTaskLog": "a port",
    "Exports": "does the work of exports; made of a store, a log and a shelf",
    "ExportLog": "a port",
    "FileShelf": "a port",
    "Mailer": "a port",
    "OrderStore": "a port",
    "TaskLog": "a port",
    "OrdersError": "the root of what is raised",
}
TYPES: dict[str, type[object]] = {
    name: value
    for name in shoppego_orders.__all__
    if isinstance(value := getattr(shoppego_orders, name), type) and name not in NO_VALUES
}


class AllSeen(Exception):
    """Nothing is left to look for."""


def test_what_has_no_strategy_is_public() -> None:
    assert set(NO_VALUES) <= set(shoppego_orders.__all__)


@pytest.mark.parametrize("made", TYPES.values(), ids=TYPES)
def test_every_public_value_has_a_strategy(made: type[object]) -> None:
    seen: set[str] = set()
    kinds = 1 if made.__name__ == "Unfulfilled" else 2  # this rule has no fields

    @settings(LOOKING, max_examples=100)
    @given(st.from_type(made))
    def draw(value: object) -> None:
        assert isinstance(value, made)
        seen.add(repr(value))
        if len(seen) == kinds:
            raise AllSeen

    with pytest.raises(AllSeen):
        draw()


# What orders reach


@pytest.mark.once
def test_orders_reach_every_state_event_attention_and_topic() -> None:
    wanted = {
        *((axis, word) for axis in (Life, Fulfillment, PaymentStatus, Recovery) for word in axis),
        # An erasure writes its event into a history itself: no command leads to it.
        *(("event", data.type) for data in get_args(EventData) if data is not Anonymised),
        *(("attention", kind) for kind in AttentionKind),
        *(("topic", topic) for topic in Topic),
        ("archived", "yes"),
    }

    def look(order: Order) -> None:
        wanted.difference_update(
            [
                (Life, order.life),
                (Fulfillment, order.fulfillment),
                (PaymentStatus, order.payment_status),
                (Recovery, order.recovery or ""),
                ("archived", "yes" if order.archived else "no"),
                *(("event", event.type) for event in order.changes),
                *(("topic", topic) for event in order.changes for topic in event.topics),
                *(("attention", item.kind) for item in order.attention),
            ]
        )

    # Many short runs: within a long one Hypothesis varies what it has, and finds less that is new.
    for number in range(100):
        seed(number)(settings(LOOKING, derandomize=False, max_examples=12)(given(orders())(look)))()
        if not wanted:
            break
    assert wanted == set()


def spans(period: Period, zone: str, change: timedelta) -> bool:
    """Tell whether the zone's clocks are put on, or back, within a period of a month or less."""
    if period.end - period.start > timedelta(days=32):
        return False
    start, end = (at.astimezone(time_zone(zone)) for at in (period.start, period.end))
    shown = end.replace(tzinfo=None) - start.replace(tzinfo=None)
    return shown - (period.end - period.start) == change


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("Europe/London", timedelta(hours=1)),  # a gap
        ("America/New_York", timedelta(hours=-1)),  # a fold
        ("Asia/Beirut", timedelta(hours=1)),  # a gap at midnight
        ("Pacific/Apia", timedelta(days=1)),  # a day that never was
    ],
)
def test_periods_span_clock_changes(zone: str, change: timedelta) -> None:
    def found(period: Period) -> bool:
        return spans(period, zone, change)

    assert found(find(periods(), found, settings=LOOKING))


def test_instants_are_shown_twice_and_in_many_zones() -> None:
    assert find(instants(), lambda at: at.fold == 1, settings=LOOKING).fold == 1
    odd = timedelta(hours=5, minutes=45, seconds=1)
    assert find(instants(), lambda at: at.utcoffset() == odd, settings=LOOKING).tzinfo is not None


# What a person reads where a test fails


def plainest(order: Order) -> bool:
    """Tell whether nothing but what happened to an order is worth reading."""
    return (
        order.id == "1"
        and order.number == "#1"
        and order.placed_at == datetime(2026, 3, 3, 14, 58, 17, tzinfo=UTC)
        and order.lines == (LineItem("Kopi", 1, Money("10.00", "MYR")),)
        and order.customer == Customer()
        and order.delivery is Delivery.SHIP
        and not (order.adjustments or order.touches or order.note or order.tags)
        and order.shipping_address is None
        and order.billing_address is None
        and order.payment_method is None
    )


PREDICATES: dict[str, tuple[Callable[[Order], bool], list[str]]] = {
    "cancelled": (lambda order: order.life is Life.CANCELLED, ["placed", "cancelled"]),
    "paid": (
        lambda order: order.payment_status is PaymentStatus.PAID and order.total.minor > 0,
        ["placed", "payment_recorded"],
    ),
    "shipped": (
        lambda order: order.fulfillment is Fulfillment.SHIPPED,
        ["placed", "tracking_added"],
    ),
    "recovered": (
        lambda order: order.recovery is Recovery.RECOVERED,
        ["placed", "abandoned", "payment_recorded", "recovery_settled"],
    ),
}
# It takes a second or more each, and once is enough to see that nothing stands in the way.
SHRUNK = list(PREDICATES) if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else ["cancelled"]


@pytest.mark.once
@pytest.mark.parametrize("state", SHRUNK)
def test_orders_shrink_to_what_a_person_can_read(state: str) -> None:
    predicate, told = PREDICATES[state]
    order = find(orders(), predicate, settings=SHRINKING)
    assert plainest(order), order
    assert [event.type for event in order.changes] == told


def test_queries_shrink_to_what_they_ask() -> None:
    query = find(queries(), lambda query: query.tag is not None, settings=SHRINKING)
    assert query == OrderQuery(tag="Kopi")


@pytest.mark.parametrize("first", ["hypothesis", "shoppego_orders.testing.strategies"])
def test_whichever_is_imported_first_types_have_strategies(first: str) -> None:
    code = f"import {first}, hypothesis.strategies as st, shoppego_orders as s; "
    code += "assert 'orders' in repr(st.from_type(s.Order)), st.from_type(s.Order)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("module", "package"),
    [("contracts", "pytest"), ("contracts", "hypothesis"), ("strategies", "hypothesis")],
)
def test_without_its_packages_the_extra_is_named(module: str, package: str) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from shoppego_orders.errors import MissingExtra\n"
        f"try: import shoppego_orders.testing.{module}\n"
        "except MissingExtra as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'shoppego-orders[testing]'" in done.stdout
