"""What the tables of wrong calls are made of: a call, and the error that it is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import attrs
import pytest

from shoppego_orders.errors import NaiveDatetime, OrdersError

Call = Callable[[], object]
WrongCall = tuple[OrdersError, Call]

NAIVE = datetime(2026, 3, 3)  # noqa: DTZ001 - the point


def untyped(value: object) -> Any:  # Any: what callers without a type checker give
    return value


def without_a_zone(field: str) -> NaiveDatetime:
    """What is told where :data:`NAIVE` is given."""
    return NaiveDatetime(field, NAIVE)


def facts(error: OrdersError) -> tuple[object, ...]:
    """All that an error says: its class, its fields, and its message."""
    kind = type(error)
    assert attrs.has(kind)
    return kind, *(getattr(error, field.name) for field in attrs.fields(kind)), str(error)


def assert_told(error: OrdersError, call: Call) -> None:
    """A call raises this error, and no other one of its class."""
    with pytest.raises(type(error)) as caught:
        call()
    assert facts(caught.value) == facts(error), f"told: {caught.value}"
