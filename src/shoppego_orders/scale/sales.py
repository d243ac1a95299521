"""What a frame's orders sold: the report's own sums, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from shoppego_orders.export import By, SalesReport
from shoppego_orders.export.columns import Column, ColumnKind
from shoppego_orders.export.report_views import COUNTED, Line, columns_of
from shoppego_orders.export.report_views import Table as Lines
from shoppego_orders.export.sales import MILLIONTHS
from shoppego_orders.order import LineRow, OrderRow
from shoppego_orders.periods import SHOP_TIME_ZONE
from shoppego_orders.scale.extra import Array, Table, pa
from shoppego_orders.scale.fields import LINE_FIELDS, ORDER_FIELDS, Field
from shoppego_orders.scale.frames import Frame, open_frame
from shoppego_orders.scale.rows import Columns, RowView, line_rows
from shoppego_orders.scale.writing import decimal_array, money_array
from shoppego_orders.texts import word_of


def report(
    frame: Frame,
    by: By | str = By.DAY,
    *,
    tz: str = SHOP_TIME_ZONE,
    names: Mapping[str, str] | None = None,
) -> Table:
    """Add a frame's orders up, as :class:`~shoppego_orders.SalesReport` does.

    The frame is read once, in any order; memory holds the sums and each customer's first sale.

    :param frame: orders; or, by product, line items with all the columns of their own.
    :param by: what the sums are told apart by, besides the currency.
    :param tz: the shop's IANA time zone, in which days begin.
    :param names: the frame's own, by ours, where they differ.
    :returns: a ``pyarrow.Table``, as ``SalesReport.to_arrow`` gives it.
    :raises InvalidFrame: for columns that are missing or of the wrong type, and for a batch that
        holds what no row can.
    :raises UnknownTimeZone: when IANA lists no such zone.
    """
    kind = word_of(By, by, "by")
    return SalesReport.of(reported_rows(frame, kind, names), tz=tz).to_arrow(kind)


def reported_rows(
    frame: Frame, kind: By, names: Mapping[str, str] | None = None
) -> Iterator[OrderRow | LineRow]:
    """Read what a report of a kind adds up, of frames with no more than it needs.

    :raises InvalidFrame: as :func:`report` does.
    """
    opened = open_frame(frame, reported_fields(kind), names)
    view = RowView(_read_of_orders(kind))

    def rows() -> Iterator[OrderRow | LineRow]:
        for checked in opened:
            orders = view.rows(Columns(checked.columns))
            yield from line_rows(orders, checked.columns) if kind is By.PRODUCT else orders

    return rows()


def reported_fields(kind: By) -> list[Field]:
    """Which columns a report of a kind needs of a frame."""
    fields = [ORDER_FIELDS[name] for name in _read_of_orders(kind)]
    return [*fields, *LINE_FIELDS.values()] if kind is By.PRODUCT else fields


def _read_of_orders(kind: By) -> tuple[str, ...]:
    return _SOLD if kind is By.PRODUCT else _READ


_SOLD: Final = ("completed_at", "life")
_READ: Final = (
    *("id", "shop", "placed_at", "life", "currency", "subtotal", "discount_total"),
    *("shipping_total", "tax_total", "declared_difference", "total", "refunded_total", "units"),
    *("customer_key", "payment_method_name", "source", "channel", "completed_at", "abandoned_at"),
)
"""What a report reads of an order; by product, what is above."""


def sales_table(lines: Lines) -> Table:
    """A report's lines of one kind, with every column that a file of them has."""
    columns = {column.key: _column(column, lines) for column in columns_of(lines)}
    return pa.table(columns)


def _column(column: Column[Line], lines: Lines) -> Array:
    if column.kind is ColumnKind.WORD and column.key in COUNTED:
        # A file rounds what several sources share; here all of its six digits are.
        counts = (getattr(sales, column.key) for _, sales in lines.lines)
        return decimal_array([int(count * MILLIONTHS) for count in counts], _COUNT_TYPE)
    values: list[Any] = [column.reader(line) for line in lines.lines]  # Any: of the column's kind
    if column.kind is ColumnKind.MONEY:
        return money_array(values)
    if column.key == By.DAY:
        return pa.array(map(date.fromisoformat, values), pa.date32())
    return pa.array(values, pa.int64() if column.kind is ColumnKind.INTEGER else pa.string())


_COUNT_TYPE: Final = pa.decimal128(24, 6)
