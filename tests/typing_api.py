"""Promises about types: never run, only checked by mypy and pyright.

A line that no longer type-checks is a change that users notice.
"""

from __future__ import annotations

from typing import assert_type

from shoppego_orders.errors import CommandRefused, OrdersError


def an_error_has_typed_fields(error: CommandRefused) -> None:
    assert_type(error.order_id, str)
    assert_type(str(error), str)
    caught: OrdersError = error
    assert isinstance(caught, Exception)
