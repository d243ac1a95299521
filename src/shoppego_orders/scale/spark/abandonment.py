"""Which orders were abandoned, customer by customer on all the workers of a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Final

from shoppego_orders.abandonment import AbandonmentPolicy
from shoppego_orders.periods import utc
from shoppego_orders.scale.abandonment import fields_read, judge
from shoppego_orders.scale.extra import Batch, pa, pc
from shoppego_orders.scale.spark.extra import DataFrame, F
from shoppego_orders.scale.spark.tasks import mapped, with_our_names


def abandoned(
    frame: DataFrame,
    policy: AbandonmentPolicy,
    now: datetime,
    *,
    reasons: bool = False,
    names: Mapping[str, str] | None = None,
) -> DataFrame:
    """Find the abandoned orders, as :func:`~shoppego_orders.scale.judge` does.

    Each customer's orders are brought together and sorted by time; orders of nobody known are
    spread over all workers. The rows of a customer are read one after the other, so a worker holds
    what is open of one customer, however many orders that is.

    :param frame: orders, in any order, with the columns that ``policy.reads()`` names.
    :param now: the moment at which it is asked, aware.
    :param reasons: whether to say why, which takes several times as long.
    :param names: the frame's own, by ours, where they differ: ``{"id": "order_no"}``.
    :returns: a row for each abandoned order: ``order_id``, ``shop``, ``policy``, ``began``, ``due``
        and ``abandoned_at``; and ``reasons``, a list of sentences.
    :raises NaiveDatetime: for a moment without a zone.
    :raises InvalidFrame: for columns that are missing or of the wrong type. What is wrong with
        rows is told by Spark when they are read.
    :raises InvalidValue: for a rule that says it reads what is no field, or is prevented by what
        is no instant.
    """
    orders = with_our_names(frame, fields_read(policy), names)
    # Sorted by a number first, which Spark compares several times as fast as texts.
    place = F.xxhash64("shop", F.coalesce("customer_key", "id"))
    in_groups = (
        orders.withColumn(_PLACE, place)
        .repartition(_PLACE)
        .sortWithinPartitions(_PLACE, "shop", "customer_key", "placed_at")
        .drop(_PLACE)
    )
    work = partial(_abandoned, policy=policy, now=utc(now, "now"), reasons=reasons)
    return mapped(in_groups, work, f"{_COLUMNS}, reasons array<string>" if reasons else _COLUMNS)


_PLACE: Final = "_place"
_COLUMNS: Final = (
    "order_id string, shop string, policy string, began timestamp, due timestamp,"
    " abandoned_at timestamp"
)


def _abandoned(
    batches: Iterator[Batch], *, policy: AbandonmentPolicy, now: datetime, reasons: bool
) -> Iterator[Batch]:
    for verdicts in judge(batches, policy, now, reasons=reasons):
        found = verdicts.filter(pc.is_valid(verdicts.column("abandoned_at")))
        found = found.drop_columns("status")
        place = found.schema.get_field_index("policy")
        # Spark takes no dictionaries.
        yield found.set_column(place, "policy", found.column(place).cast(pa.string()))
