"""A CSV written in parts by all the workers of a cluster, and what puts them together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

import attrs

from shoppego_orders.export import PLAIN, SHOPPEGO, ColumnSet, Profile
from shoppego_orders.export.request import ExportRequest, Per
from shoppego_orders.periods import SHOP_TIME_ZONE
from shoppego_orders.scale.export import exported, exported_fields
from shoppego_orders.scale.extra import Batch, pa
from shoppego_orders.scale.parts import Manifest, Part, filled, name_of_try, write_part
from shoppego_orders.scale.spark.extra import DataFrame, TaskContext, blank, collected
from shoppego_orders.scale.spark.tasks import mapped, with_our_names


def export(
    frame: DataFrame,
    folder: str,
    columns: ColumnSet | str = SHOPPEGO,
    *,
    per: Per | str = Per.ORDER,
    tz: str = SHOP_TIME_ZONE,
    profile: Profile | str = PLAIN,
    names: Mapping[str, str] | None = None,
) -> Manifest:
    """Write a frame as CSV, a part for each partition, as :func:`~shoppego_orders.scale.export`.

    Joined in the manifest's order, the parts are the very bytes that one export of the same rows
    has. Sort the frame before, for a file whose records are sorted: ``frame.orderBy("placed_at")``.

    What is not in the manifest is no part: a worker that died, or did the same twice, leaves
    nothing that counts. The manifest is written last.

    :param frame: orders; or line items, where ``per`` is ``line``.
    :param folder: a new or empty one, that all workers and the driver share: a path, or an address
        such as ``s3://bucket/exports/2026-11`` that PyArrow's file systems know.
    :param columns: of the file: ``shoppego``, ``shopify`` or ``accounting``, or a set of your own.
    :param per: a record for each ``order``, or for each ``line`` item.
    :param tz: the shop's IANA time zone, in which instants are written.
    :param profile: for whom; see :mod:`shoppego_orders.export.profiles`.
    :param names: the frame's own, by ours, where they differ.
    :returns: what was written, as it stands in the folder's ``manifest.json``;
        :func:`~shoppego_orders.scale.read_parts` reads the whole file.
    :raises InvalidValue: for an unknown word, or columns that make no readable file.
    :raises InvalidFrame: for columns that are missing or of the wrong type. What is wrong with
        rows is told by Spark when they are read.
    :raises UnknownTimeZone: when IANA lists no such zone.
    :raises OutputNotWritten: for a folder that holds something, can't be written to, or is not
        the workers' too. Nothing that looks finished is left.
    """
    asked = ExportRequest(columns=columns, per=per, tz=tz, profile=profile)
    orders = with_our_names(frame, exported_fields(asked), names)
    header = exported(blank(orders), asked)
    with filled(folder) as fill:
        parts = [write_part(folder, name_of_try(0), header)]
        work = partial(_part, asked=asked, folder=folder)
        written = collected(mapped(orders, work, _COLUMNS)).sort_by("place").drop_columns("place")
        parts += [Part(**part) for part in written.to_pylist()]
        return fill(parts)


_COLUMNS: Final = (
    "place bigint, name string, size bigint, digest string, records bigint, replaced bigint"
)


def _part(batches: Iterator[Batch], *, asked: ExportRequest, folder: str) -> Iterator[Batch]:
    task = TaskContext.get()
    assert task is not None  # it is Spark that calls
    place = task.partitionId()
    stream = exported(batches, asked)
    next(stream)  # the header, of which there is one already
    # Who does the same again, after a worker that died or beside one that is slow, writes another.
    part = write_part(folder, name_of_try(place + 1), stream)
    yield pa.RecordBatch.from_pylist([{"place": place, **attrs.asdict(part)}])
