"""What is exported and for whom: a request, its file as a stream, and what both are called."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from heapq import merge
from typing import Final, TypeVar

import attrs

from shoppego_orders.errors import InvalidValue
from shoppego_orders.export.batches import Batch
from shoppego_orders.export.column_sets import SHOPPEGO, column_set
from shoppego_orders.export.columns import ColumnSet
from shoppego_orders.export.csv_writer import CsvStream, write_columns, write_csv
from shoppego_orders.export.profiles import PLAIN, Profile, profile_of
from shoppego_orders.money import Money
from shoppego_orders.order import LineRow, OrderRow
from shoppego_orders.periods import (
    FIRST_INSTANT,
    LAST_INSTANT,
    SHOP_TIME_ZONE,
    Period,
    in_zone,
    time_zone,
    utc,
)
from shoppego_orders.ports import ColumnStore, OrderStore
from shoppego_orders.query import Cursor, OrderQuery
from shoppego_orders.texts import one_line, storable, word_of

Progress = Callable[[int, int], object]
"""Told how many orders have been read, and how many there are; in the end both are equal.

It is asked every few hundred orders, and what it raises ends the export.
"""


Row = TypeVar("Row", OrderRow, LineRow)


class Per(StrEnum):
    """What one record of the file is about."""

    ORDER = "order"
    LINE = "line"


def _per(word: str) -> Per:
    return word_of(Per, word, "per")


@attrs.frozen(kw_only=True)
class ExportRequest:
    """What to export, and how it is written.

    :ivar query: all orders, where it asks for nothing; those that match; or ``OrderQuery(ids=…)``
        for selected ones. By dates of the shop:
        ``OrderQuery(placed=Period.of_dates(first, until, tz))``, the day ``until`` not included.
    :ivar per: a record for each ``order``, or for each ``line`` item.
    :ivar columns: ``shoppego``, ``shopify`` or ``accounting``, or a set of your own.
    :ivar profile: ``excel``, ``plain`` or ``raw``, or a profile of your own.
    :ivar tz: the shop's IANA time zone, in which instants are written and days begin.
    :ivar shop_name: for subject, text and file name; the query's shop where it is empty.
    :raises InvalidValue: for an unknown word, or columns that make no readable file.
    :raises UnknownTimeZone: when IANA lists no such zone.
    """

    query: OrderQuery = attrs.field(factory=OrderQuery)
    per: Per = attrs.field(default=Per.ORDER, converter=_per)
    columns: ColumnSet = attrs.field(default=SHOPPEGO, converter=column_set)
    profile: Profile = attrs.field(default=PLAIN, converter=profile_of)
    tz: str = SHOP_TIME_ZONE
    shop_name: str = attrs.field(default="", converter=storable)

    def __attrs_post_init__(self) -> None:
        time_zone(self.tz)

    @property
    def shop(self) -> str:
        """What the export calls the shop, in one line."""
        return one_line(self.shop_name or self.query.shop or "")[:100] or "all shops"


def export_csv(
    store: OrderStore, request: ExportRequest, progress: Progress | None = None
) -> CsvStream:
    """Open the file that a request asks for, as a stream of bytes.

    A file of line items has one record more for each order without any (where only a total was
    declared): quantity 0, so that the orders' sums are those of the file of orders.

    :param progress: told how far it is, while the stream is read.
    :returns: chunks for ``write_file``, an HTTP response, or anything else; ``summary`` counts.
    """
    return Reading(store, request, progress).stream()


def export_filename(request: ExportRequest, now: datetime) -> str:
    """Name a request's file: "orders-hartamas.myshoppegram.com-2026-01-01-2026-01-31-….csv".

    Letters of any script stay; whatever else could mean something to a file system, a shell or
    a mail program does not. Two requests at the same second differ in shop, period or ``per``.

    :param now: the stamp at its end, in the shop's zone, to the second.
    """
    stamp = local_time(now, request.tz).strftime("%Y%m%d-%H%M%S")
    kind = "orders" if request.per is Per.ORDER else "order-lines"
    period = period_text(request).replace(" to ", "-")
    shop = _file_name_part(request.shop)[:40].rstrip("-._") or "shop"
    return f"{kind}-{shop}-{_file_name_part(period)}-{stamp}.csv"


def period_text(request: ExportRequest) -> str:
    """Say which period a request asks for, by days of the shop where it is whole days.

    :returns: "2026-01-01 to 2026-01-31" (both included), "2026-01-05", "since 2026-01-05",
        "before 2026-02-01", or "all dates".
    """
    period = request.query.placed
    if period is None or period == _ALWAYS:
        return "all dates"
    if period.start == _ALWAYS.start:
        return f"before {_moment(period.end, request.tz)}"
    if period.end == _ALWAYS.end:
        return f"since {_moment(period.start, request.tz)}"
    if not _is_day(period.start, request.tz) or not _is_day(period.end, request.tz):
        return f"{_moment(period.start, request.tz)} to {_moment(period.end, request.tz)}"
    first = local_time(period.start, request.tz).date()
    last = local_time(period.end, request.tz).date() - timedelta(days=1)
    return f"{first}" if last <= first else f"{first} to {last}"


@attrs.define
class Reading:
    """A request's orders on their way into the file, counted as they go by.

    :ivar orders: how many went by.
    :ivar begins: where it is given: one byte a record, 1 where an order begins.
    """

    _store: OrderStore
    _request: ExportRequest
    _progress: Progress | None = None
    orders: int = 0
    begins: bytearray | None = None

    def stream(self) -> CsvStream:
        """The file, which is read once."""
        store, request = self._store, self._request
        tz, profile = request.tz, request.profile
        if request.per is Per.LINE:
            lines = self._watched(_lines(store, request.query))
            return write_csv(lines, request.columns.per_line, tz=tz, profile=profile)
        columns = request.columns.per_order
        # A column may name more than a field, as "total.minor" does, which rows alone can answer.
        named = [column.value for column in columns if isinstance(column.value, str)]
        fields = [name for name in named if name in OrderRow._fields]
        if isinstance(store, ColumnStore) and len(fields) == len(columns):
            batches = self._watched_batches(store.columns(request.query, fields))
            return write_columns(batches, columns, tz=tz, profile=profile)
        rows = self._watched(store.rows(request.query))
        return write_csv(rows, columns, tz=tz, profile=profile)

    def _watched(self, rows: Iterable[Row]) -> Iterator[Row]:
        total, told = self._total(), -1
        for row in self._counted(rows):
            if self.orders // _ORDERS_AT_ONCE != told:
                told = self.orders // _ORDERS_AT_ONCE
                self._tell(self.orders - 1, total)  # the row at hand is not written yet
            yield row
        self._tell(self.orders, self.orders)

    def _watched_batches(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        total = self._total()
        for batch in batches:
            self._tell(self.orders, total)
            self.orders += len(batch[0])
            yield batch
        self._tell(self.orders, self.orders)

    def _total(self) -> int:
        query = self._request.query
        total = 0 if self._progress is None else self._store.count(query)
        return total if query.limit is None else min(total, query.limit)

    def _tell(self, read: int, total: int) -> None:
        if self._progress is not None:
            # More may have come than were counted.
            self._progress(read, max(total, self.orders))

    def _counted(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            begins = not isinstance(row, LineRow) or row.position == 1
            self.orders += begins
            if self.begins is not None:
                self.begins.append(begins)
            yield row


_ALWAYS: Final = Period(FIRST_INSTANT, LAST_INSTANT)
_ORDERS_AT_ONCE: Final = 400


def _lines(store: OrderStore, query: OrderQuery) -> Iterator[LineRow]:
    lineless = (_no_line(row) for row in store.rows(query) if not row.units)
    return merge(store.lines(query), lineless, key=_place, reverse=query.newest_first)


def _place(line: LineRow) -> Cursor:
    return Cursor(line.order.placed_at, line.order.id)


def _no_line(order: OrderRow) -> LineRow:
    nothing = Money.zero(order.currency)
    return LineRow(order, 1, "", "", "", 0, nothing, nothing, custom=False)


def _moment(instant: datetime, tz: str) -> str:
    local = local_time(instant, tz)
    return f"{local.date()}" if _is_day(instant, tz) else local.isoformat(" ", "minutes")


def local_time(instant: datetime, tz: str) -> datetime:
    """What the clocks of a zone show at an aware moment."""
    return in_zone(utc(instant, "now"), time_zone(tz))


def _is_day(instant: datetime, tz: str) -> bool:
    """Tell whether a day of the zone begins at an instant."""
    try:
        return Period.of_day(local_time(instant, tz).date(), tz).start == instant
    except InvalidValue:
        return False  # a day that the calendar ends before or after


def _file_name_part(text: str) -> str:
    kept = (
        char if char in "._" or unicodedata.category(char)[0] in "LNM" else "-"
        for char in unicodedata.normalize("NFC", text)
    )
    return re.sub("-{2,}", "-", "".join(kept)).strip("-._")
