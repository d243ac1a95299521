"""The axes of an order's state, and the one table of what is possible when."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime

import pytest

from shoppego_orders.order import (
    FULFILLMENTS,
    TRANSITIONS,
    Blocker,
    Delivery,
    Fulfillment,
    Life,
    Order,
    PaymentStatus,
    PaymentType,
    Topic,
)
from shoppego_orders.ports import Outcome, Task


def test_the_axes_have_the_words_of_the_orders_page() -> None:
    assert list(PaymentStatus) == [
        "pending",
        "partially_paid",
        "paid",
        "partially_refunded",
        "refunded",
    ]
    assert list(Fulfillment) == [
        "awaiting_processing",
        "processing",
        "packed",
        "ready_for_pickup",
        "shipped",
        "completed",
    ]
    assert list(Life) == ["draft", "open", "cancelled"]
    assert list(Delivery) == ["ship", "pickup", "none"]
    assert list(PaymentType) == ["manual", "alternative"]
    assert list(Topic) == [
        "Order Paid",
        "Order Shipped",
        "Order Updated",
        "Order Status Processing",
        "Order Status Completed",
        "Order Ready For Pickup",
        "Order Packed",
        "Checkout Completed",
        "Checkout Updated",
        "Checkout Abandoned",
    ]


def test_every_command_is_in_the_table_and_no_fact_is() -> None:
    public = {
        name
        for name, method in inspect.getmembers(Order, inspect.isfunction)
        if not name.startswith("_") and "at" in inspect.signature(method).parameters
    }
    facts = {name for name in public if name.startswith("record_")}
    assert public - facts == set(TRANSITIONS)
    assert facts == {
        "record_payment",
        "record_refund",
        "record_shipment",
        "record_abandonment",
        "record_retraction",
        "record_return",
        "record_outcome",
    }


BLOCKED_BY = {
    "mark_pending": "not_draft empty",
    "mark_paid": "cancelled archived empty nothing_due",
    "confirm": "draft cancelled archived checked_out gateway_reports",
    "set_fulfillment": "draft cancelled archived",
    "add_tracking": "draft cancelled archived not_shipped",
    "change_lines": "cancelled archived gone",
    "accept_offer": "draft cancelled archived gone",
    "edit_customer": "cancelled archived",
    "edit_address": "cancelled archived",
    "edit_note": "cancelled archived",
    "set_tags": "cancelled archived",
    "cancel": "cancelled archived gone",
    "archive": "draft archived",
}


@pytest.mark.parametrize(("command", "keys"), BLOCKED_BY.items())
def test_what_blocks_a_command(command: str, keys: str) -> None:
    assert [guard.blocker.key for guard in TRANSITIONS[command]] == keys.split()


def test_every_fulfillment_status_has_its_rank_and_what_it_announces() -> None:
    assert {status: (move.rank, move.topic) for status, move in FULFILLMENTS.items()} == {
        "awaiting_processing": (0, None),
        "processing": (1, "Order Status Processing"),
        "packed": (2, "Order Packed"),
        "ready_for_pickup": (3, "Order Ready For Pickup"),
        "shipped": (3, None),
        "completed": (4, "Order Status Completed"),
    }
    assert set(FULFILLMENTS) == set(Fulfillment)


def test_a_key_has_one_reason_wherever_it_stands() -> None:
    guards = [
        guard
        for each in (*TRANSITIONS.values(), *(move.guards for move in FULFILLMENTS.values()))
        for guard in each
    ]
    by_key = {guard.blocker.key: guard.blocker for guard in guards}
    assert all(by_key[guard.blocker.key] == guard.blocker for guard in guards)
    assert len({str(blocker) for blocker in by_key.values()}) == len(by_key)


def test_the_tables_are_read_only() -> None:
    with pytest.raises(TypeError):
        TRANSITIONS["cancel"] = ()  # type: ignore[index]  # the point
    with pytest.raises(TypeError):
        del FULFILLMENTS[Fulfillment.PACKED]  # type: ignore[attr-defined]  # the point


def test_a_task_is_open_until_somebody_says_how_it_ended() -> None:
    claimed = datetime(2026, 3, 3, 12, tzinfo=UTC)
    assert (Task("k", claimed).outcome, Task("k", claimed).settled_at) == (None, None)
    assert list(Outcome) == ["done", "skipped", "failed"]


def test_a_blocker_reads_as_its_reason() -> None:
    assert str(Blocker("draft", "it is a draft")) == "it is a draft"
