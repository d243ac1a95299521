"""A frame's orders as CSV: the very bytes that an export of the same orders has."""

from __future__ import annotations

from collections.abc import Mapping

from shoppego_orders.export import PLAIN, SHOPPEGO, ColumnSet, LineColumn, Profile
from shoppego_orders.export.csv_writer import CsvStream, write_columns, write_csv
from shoppego_orders.export.request import ExportRequest, Per
from shoppego_orders.periods import SHOP_TIME_ZONE
from shoppego_orders.scale.fields import LINE_FIELDS, ORDER_FIELDS, Field
from shoppego_orders.scale.frames import Frame, open_frame
from shoppego_orders.scale.rows import Columns, RowView, line_rows
from shoppego_orders.scale.values import plain_values_of


def export(
    frame: Frame,
    columns: ColumnSet | str = SHOPPEGO,
    *,
    per: Per | str = Per.ORDER,
    tz: str = SHOP_TIME_ZONE,
    profile: Profile | str = PLAIN,
    names: Mapping[str, str] | None = None,
) -> CsvStream:
    """Write a frame as CSV, as an :class:`~shoppego_orders.ExportRequest` is written.

    The frame is read as the file is. It needs the columns whose fields the file's columns name;
    one that is computed by a function may read any, so then it needs all.

    :param frame: orders; or line items, where ``per`` is ``line``.
    :param columns: of the file: ``shoppego``, ``shopify`` or ``accounting``, or a set of your own.
    :param per: a record for each ``order``, or for each ``line`` item.
    :param tz: the shop's IANA time zone, in which instants are written.
    :param profile: for whom; see :mod:`shoppego_orders.export.profiles`.
    :param names: the frame's own, by ours, where they differ.
    :returns: chunks for ``write_file``, an HTTP response, or anything else; ``summary`` counts.
    :raises InvalidValue: for an unknown word, or columns that make no readable file.
    :raises InvalidFrame: for columns that are missing or of the wrong type; reading raises it for
        a batch that holds what no row can.
    :raises UnknownTimeZone: when IANA lists no such zone.
    """
    asked = ExportRequest(columns=columns, per=per, tz=tz, profile=profile)
    return exported(frame, asked, names)


def exported(
    frame: Frame, asked: ExportRequest, names: Mapping[str, str] | None = None
) -> CsvStream:
    """Write a frame as a request says; its query is not looked at.

    :raises InvalidFrame: as :func:`export` does.
    """
    opened = open_frame(frame, exported_fields(asked), names)
    chosen = asked.columns.per_order
    view = RowView(tuple(_read(asked) or ()))
    if asked.per is Per.LINE:
        lines = (
            line
            for checked in opened
            for line in line_rows(view.rows(Columns(checked.columns)), checked.columns)
        )
        return write_csv(lines, asked.columns.per_line, tz=asked.tz, profile=asked.profile)
    named = [each.value for each in chosen if isinstance(each.value, str)]
    if len(named) == len(chosen) and ORDER_FIELDS.keys() >= set(named):
        batches = (
            [plain_values_of(ORDER_FIELDS[name], checked.columns) for name in named]
            for checked in opened
        )
        return write_columns(batches, chosen, tz=asked.tz, profile=asked.profile)
    rows = (row for checked in opened for row in view.rows(Columns(checked.columns)))
    return write_csv(rows, chosen, tz=asked.tz, profile=asked.profile)


def exported_fields(asked: ExportRequest) -> list[Field]:
    """Which columns a request needs of a frame."""
    read = _read(asked)
    fields = [field for name, field in ORDER_FIELDS.items() if read is None or name in read]
    return [*fields, *LINE_FIELDS.values()] if asked.per is Per.LINE else fields


def _read(asked: ExportRequest) -> set[str] | None:
    """Which fields of an order a file's columns read; None where a function may read any."""
    per_line = asked.per is Per.LINE
    columns = asked.columns.columns if per_line else asked.columns.per_order
    read: set[str] = set()
    for column in columns:
        if not isinstance(column.value, str):
            return None
        first, *more = column.value.split(".")
        if isinstance(column, LineColumn):
            first = more[0] if first == "order" and more else ""
        read |= {first} & ORDER_FIELDS.keys()
    return read
