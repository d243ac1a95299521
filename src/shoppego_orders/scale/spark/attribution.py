"""Where visits came from, said by all the workers of a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from shoppego_orders.attribution import AttributionTable
from shoppego_orders.scale.attribution import ANSWERS
from shoppego_orders.scale.attribution import attribute as attribute_batches
from shoppego_orders.scale.extra import Batch
from shoppego_orders.scale.fields import TOUCH_FIELDS
from shoppego_orders.scale.frames import open_frame
from shoppego_orders.scale.spark.extra import DataFrame, StructType, blank
from shoppego_orders.scale.spark.tasks import mapped


def attribute(
    frame: DataFrame, table: AttributionTable, *, names: Mapping[str, str] | None = None
) -> DataFrame:
    """Say where each visit of a frame came from, as :func:`~shoppego_orders.scale.attribute` does.

    Nothing is moved between workers.

    :param frame: visits, with the texts ``landing_url`` and ``referrer``; null is nothing.
    :param names: the frame's own, by ours, where they differ: ``{"landing_url": "page"}``.
    :returns: all columns of the frame, and those that ``scale.attribute`` adds. A column that has
        one of their names already is left out.
    :raises InvalidFrame: for columns that are missing or of the wrong type.
    """
    open_frame(blank(frame), TOUCH_FIELDS, names)
    schema = StructType([field for field in frame.schema.fields if field.name not in ANSWERS])
    for name in ANSWERS:
        schema.add(name, "string")
    return mapped(frame, partial(_attributed, table=table, names=names), schema)


def _attributed(
    batches: Iterator[Batch], *, table: AttributionTable, names: Mapping[str, str] | None
) -> Iterator[Batch]:
    return iter(attribute_batches(batches, table, names=names))
