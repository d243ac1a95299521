"""A platform's night on Spark: what was abandoned since the last one, and what was sold."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812  # as everybody calls it

from shoppego_orders import AbandonmentPolicy
from shoppego_orders.scale import spark


def abandoned_since(
    orders: DataFrame, policy: AbandonmentPolicy, last: datetime, now: datetime
) -> DataFrame:
    """Find the orders that were abandoned after the last night's moment, and up to this one's.

    :param orders: of all shops, with all their history.
    :param policy: one whose windows begin when an order is placed.
    """
    longest = policy.longest_window
    assert longest is not None  # what begins with an order's last activity has no bound
    # What was placed and bought before that is no part of any verdict of this night.
    before = F.lit(last - longest - policy.rule.looks_back())
    recent = orders.where(F.greatest("placed_at", "completed_at") >= before)
    return spark.abandoned(recent, policy, now).where(F.col("due") > F.lit(last))


def sales_of_shop(orders: DataFrame, shop: str) -> Any:  # a pyarrow.Table, which has no types
    """Report on one shop, day by day."""
    return spark.report(orders.where(F.col("shop") == shop), "day")


def export_shop(orders: DataFrame, shop: str, folder: str) -> int:
    """Write all of a shop's orders, and tell how many there are."""
    its = orders.where(F.col("shop") == shop)
    return spark.export(its.orderBy("placed_at", "id"), folder).records
