"""What was sold: exact sums by day, source and product, in each currency."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import tzinfo
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import attrs

from shoppego_orders.errors import InvalidValue
from shoppego_orders.money import Money
from shoppego_orders.order import Life, LineRow, OrderRow
from shoppego_orders.periods import SHOP_TIME_ZONE, in_zone, time_zone
from shoppego_orders.ports import OrderStore
from shoppego_orders.query import OrderQuery
from shoppego_orders.texts import one_line, word_of


class By(StrEnum):
    """What a report's sums are told apart by, besides the currency."""

    DAY = "day"
    """The day on which the order was placed, in the shop's zone."""
    SOURCE = "source"
    PRODUCT = "product"


@attrs.frozen
class Sales:
    """Sums in one currency, in minor units; two of them add.

    :ivar orders: how many orders; of a product, how many line items.
    :ivar units: pieces sold.
    :ivar gross: prices times quantities, before adjustments.
    :ivar discounts: taken off.
    :ivar shipping: charged.
    :ivar tax: charged on top.
    :ivar total: what the orders came to; of a product, its gross.
    :ivar refunds: given back.
    """

    orders: int = 0
    units: int = 0
    gross: int = 0
    discounts: int = 0
    shipping: int = 0
    tax: int = 0
    total: int = 0
    refunds: int = 0

    @property
    def net(self) -> int:
        """What the orders came to, less refunds."""
        return self.total - self.refunds

    def __add__(self, other: Sales) -> Sales:
        if type(other) is not Sales:
            return NotImplemented
        return Sales(*map(sum, zip(attrs.astuple(self), attrs.astuple(other), strict=True)))


Cell = tuple[By, str, str]
"""What a sum is about: by what, which of it, and the currency."""


@attrs.frozen
class SalesReport:
    """Exact sums per currency. Reports of parts add up to the report of the whole.

    An order counts as a sale once its checkout was completed (paid, or confirmed), and unless it
    is a draft or was cancelled.

    :ivar tz: the IANA name of the zone whose days are meant.
    :ivar cells: the sums.
    """

    tz: str
    cells: Mapping[Cell, Sales]

    @classmethod
    def of_orders(cls, rows: Iterable[OrderRow], *, tz: str = SHOP_TIME_ZONE) -> SalesReport:
        """Add orders up, by day and by source.

        :raises UnknownTimeZone: when IANA lists no such zone.
        """
        return cls(tz, _added(_cells_of_orders(rows, time_zone(tz))))

    @classmethod
    def of_lines(cls, lines: Iterable[LineRow], *, tz: str = SHOP_TIME_ZONE) -> SalesReport:
        """Add line items up, by product.

        :raises UnknownTimeZone: when IANA lists no such zone.
        """
        time_zone(tz)
        return cls(tz, _added(_cells_of_lines(lines)))

    def __add__(self, other: SalesReport) -> SalesReport:
        if type(other) is not SalesReport:
            return NotImplemented
        if other.tz != self.tz:
            raise InvalidValue("tz", other.tz, f"{self.tz}: days of other zones don't add")
        return SalesReport(self.tz, _added((*self.cells.items(), *other.cells.items())))

    def by(self, by: By | str) -> list[tuple[str, str, Sales]]:
        """List the sums of a kind: which, currency, sums. Days in order, else the largest first.

        :raises InvalidValue: for a word that is no :class:`By`.
        """
        wanted = word_of(By, by, "by")
        found = [
            (key, currency, sums)
            for (of, key, currency), sums in self.cells.items()
            if of is wanted
        ]
        if wanted is By.DAY:
            return sorted(found, key=lambda line: line[:2])
        return sorted(found, key=lambda line: (line[1], -line[2].total, line[0]))

    def totals(self) -> dict[str, Sales]:
        """Sum all orders up, by currency."""
        sums: dict[str, Sales] = {}
        for _, currency, sales in self.by(By.DAY):
            sums[currency] = sums.get(currency, Sales()) + sales
        return sums

    def text(self, by: By | str = By.DAY) -> str:
        """Write the sums of a kind as a plain table."""
        table: list[tuple[str, ...]] = [(str(by), "currency", *_COLUMNS)]
        for key, currency, sums in self.by(by):
            amounts = (
                Money.from_minor(getattr(sums, name), currency).text for name in _COLUMNS[2:]
            )
            table.append(
                (one_line(key) or "(none)", currency, str(sums.orders), str(sums.units), *amounts)
            )
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = (
            (line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])) for line in table
        )
        return "".join(f"{'  '.join(line)}\n" for line in lines)


def sales_report(
    store: OrderStore, query: OrderQuery | None = None, *, tz: str = SHOP_TIME_ZONE
) -> SalesReport:
    """Report on a store's orders, by day, source and product.

    :param query: which orders; None for all.
    """
    wanted = query or OrderQuery()
    return SalesReport.of_orders(store.rows(wanted), tz=tz) + SalesReport.of_lines(
        store.lines(wanted), tz=tz
    )


_COLUMNS: Final = ("orders", "units", "gross", "discounts", "shipping", "tax", "refunds", "net")


def _is_sale(row: OrderRow) -> bool:
    return row.completed_at is not None and row.life is Life.OPEN


def _cells_of_orders(rows: Iterable[OrderRow], zone: tzinfo) -> Iterator[tuple[Cell, Sales]]:
    for row in filter(_is_sale, rows):
        sales = Sales(
            orders=1,
            units=row.units,
            gross=row.subtotal.minor,
            discounts=row.discount_total.minor,
            shipping=row.shipping_total.minor,
            tax=row.tax_total.minor,
            total=row.total.minor,
            refunds=row.refunded_total.minor,
        )
        day = in_zone(row.placed_at, zone).date().isoformat()
        yield (By.DAY, day, row.currency), sales
        yield (By.SOURCE, row.source or "", row.currency), sales


def _cells_of_lines(lines: Iterable[LineRow]) -> Iterator[tuple[Cell, Sales]]:
    for line in lines:
        if _is_sale(line.order):
            minor = line.line_total.minor
            sales = Sales(orders=1, units=line.quantity, gross=minor, total=minor)
            yield (By.PRODUCT, line.product, line.order.currency), sales


def _added(cells: Iterable[tuple[Cell, Sales]]) -> Mapping[Cell, Sales]:
    sums: dict[Cell, Sales] = {}
    for cell, sales in cells:
        sums[cell] = sums[cell] + sales if cell in sums else sales
    return MappingProxyType(sums)
