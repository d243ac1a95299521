"""A recovery report as tables."""

from __future__ import annotations

from collections.abc import Mapping

from shoppego_orders.money import Money
from shoppego_orders.order import Recovery
from shoppego_orders.scale.extra import Table, pa
from shoppego_orders.scale.writing import money_array


def outcomes_table(outcomes: Mapping[Recovery, int]) -> Table:
    """How many checkouts ended how."""
    return pa.table(
        {
            "outcome": pa.array([*outcomes], pa.string()),
            "checkouts": pa.array([*outcomes.values()], pa.int64()),
        }
    )


def revenue_table(recovered: Mapping[str, Money], substituted: Mapping[str, Money]) -> Table:
    """What was won back, and what was bought instead; null where there is nothing of a currency."""
    currencies = sorted({*recovered, *substituted})
    return pa.table(
        {
            "currency": pa.array(currencies, pa.string()),
            "recovered": money_array(map(recovered.get, currencies)),
            "substituted": money_array(map(substituted.get, currencies)),
        }
    )
