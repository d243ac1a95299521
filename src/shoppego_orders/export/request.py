"""What is exported and for whom: a request, and the e-mail with the file attached."""

from __future__ import annotations

import re
import shutil
import tempfile
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from enum import StrEnum
from heapq import merge
from typing import IO, Final

import attrs

from shoppego_orders.errors import ExportTooLarge, InvalidValue
from shoppego_orders.export.column_sets import SHOPPEGO, column_set
from shoppego_orders.export.columns import ColumnSet
from shoppego_orders.export.csv_writer import CsvStream, write_columns, write_csv
from shoppego_orders.export.files import told_as_unwritten
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
from shoppego_orders.ports import ColumnStore, FileShelf, Mailer, OrderStore
from shoppego_orders.query import Cursor, OrderQuery
from shoppego_orders.texts import storable, word_of

MAIL_LIMIT: Final = 20_000_000
"""How many bytes an attachment may take in a mail, in base64: what most servers let pass."""


class Per(StrEnum):
    """What one record of the file is about."""

    ORDER = "order"
    LINE = "line"


class SentAs(StrEnum):
    """How a mail brought the file."""

    ATTACHED = "attached"
    ZIPPED = "zipped"
    LINKED = "linked"


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
        named = "".join(
            char if char.isprintable() else " " for char in self.shop_name or self.query.shop or ""
        )
        return " ".join(named.split())[:100] or "all shops"


@attrs.frozen(kw_only=True)
class ExportSummary:
    """What was exported and mailed.

    :ivar file_name: of the CSV file, also where it was zipped.
    :ivar orders: how many orders the file tells of.
    :ivar records: how many records it has; the header is none.
    :ivar replaced: how many characters became U+FFFD.
    :ivar size: of the CSV file, in bytes.
    :ivar sent_as: how the mail brought it.
    :ivar url: where it can be fetched, if it was too large to attach.
    """

    file_name: str
    orders: int
    records: int
    replaced: int
    size: int
    sent_as: SentAs
    url: str | None = None


def export_csv(store: OrderStore, request: ExportRequest) -> CsvStream:
    """Open the file that a request asks for, as a stream of bytes.

    A file of line items has one record more for each order without any (where only a total was
    declared): quantity 0, so that the orders' sums are those of the file of orders.

    :returns: chunks for ``write_file``, an HTTP response, or anything else; ``summary`` counts.
    """
    return _opened(store, request, _Tally())


def request_export(
    store: OrderStore,
    mailer: Mailer,
    request: ExportRequest,
    *,
    to: str | Iterable[str],
    now: datetime,
    sender: str | None = None,
    shelf: FileShelf | None = None,
    limit: int = MAIL_LIMIT,
) -> ExportSummary:
    """Export, and mail the file (Shoppego, Orders page, FAQ 4: an e-mail with the CSV attached).

    The attached bytes are the file's bytes. A file above the limit is attached as a ZIP; where
    that is above it too, it is put on the shelf, and the mail carries the link.

    :param to: one address, or several: ``name@host`` and no more.
    :param now: when it was asked for, aware; the mail's date, and the stamp in the file's name.
    :param sender: the address in From; None leaves it to the mailer.
    :param limit: how many bytes an attachment may take, in base64.
    :raises InvalidValue: for an address that is none, or nobody to mail to.
    :raises MailNotSent: if the mail was taken for no recipient.
    :raises ExportTooLarge: where it needs a shelf and there is none; nothing is mailed.
    :raises OutputNotWritten: when the temporary file, or the shelf, is full.
    """
    message = EmailMessage()
    if sender is not None:
        message["From"] = mail_address(sender, "sender")
    message["To"] = _addresses(to)
    message["Date"] = _local(utc(now, "now"), request.tz)
    tally = _Tally()
    stream = _opened(store, request, tally)
    with tempfile.TemporaryFile() as file:
        size = _spooled(stream, file)
        summary = ExportSummary(
            file_name=export_filename(request, now),
            orders=stream.summary.records if request.per is Per.ORDER else tally.orders,
            records=stream.summary.records,
            replaced=stream.summary.replaced,
            size=size,
            sent_as=SentAs.ATTACHED,
        )
        summary = _bring(
            file, message, request=request, summary=summary, now=now, shelf=shelf, limit=limit
        )
    mailer.send(message)
    return summary


def export_filename(request: ExportRequest, now: datetime) -> str:
    """Name a request's file: "orders-hartamas.myshoppegram.com-2026-01-01-2026-01-31-….csv".

    Letters of any script stay; whatever else could mean something to a file system, a shell or
    a mail program does not. Two requests at the same second differ in shop, period or ``per``.

    :param now: the stamp at its end, in the shop's zone, to the second.
    """
    stamp = _local(utc(now, "now"), request.tz).strftime("%Y%m%d-%H%M%S")
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
    first = _local(period.start, request.tz).date()
    last = _local(period.end, request.tz).date() - timedelta(days=1)
    return f"{first}" if last <= first else f"{first} to {last}"


def mail_address(text: str, field: str) -> Address:
    """Take one e-mail address, ``name@host``, of any script.

    :param field: what it is, for the error.
    :raises InvalidValue: for anything else: several, a name beside it, a line break in it.
    """
    if isinstance(text, str) and text.isprintable() and _ADDRESS.fullmatch(text):  # pyright: ignore[reportUnnecessaryIsInstance]  # untyped callers
        name, _, host = text.rpartition("@")
        return Address(username=name, domain=host)
    raise InvalidValue(field, text, "one e-mail address such as name@shop.example")


_ALWAYS: Final = Period(FIRST_INSTANT, LAST_INSTANT)
_ADDRESS: Final = re.compile(r"""[^\s@<>,;:"()\[\]\\]+@[^\s@<>,;:"()\[\]\\]+""")
_CHUNK: Final = 1 << 18


@attrs.define
class _Tally:
    """How many orders the lines that went by belong to."""

    orders: int = 0

    def counted(self, lines: Iterable[LineRow]) -> Iterator[LineRow]:
        for line in lines:
            self.orders += line.position == 1
            yield line


def _opened(store: OrderStore, request: ExportRequest, tally: _Tally) -> CsvStream:
    if request.per is Per.ORDER:
        return _of_orders(store, request)
    lines = tally.counted(_lines(store, request.query))
    return write_csv(lines, request.columns.per_line, tz=request.tz, profile=request.profile)


def _of_orders(store: OrderStore, request: ExportRequest) -> CsvStream:
    columns = request.columns.per_order
    fields = [column.value for column in columns if isinstance(column.value, str)]
    if isinstance(store, ColumnStore) and len(fields) == len(columns):
        batches = store.columns(request.query, fields)
        return write_columns(batches, columns, tz=request.tz, profile=request.profile)
    return write_csv(store.rows(request.query), columns, tz=request.tz, profile=request.profile)


def _lines(store: OrderStore, query: OrderQuery) -> Iterator[LineRow]:
    lineless = (_no_line(row) for row in store.rows(query) if not row.units)
    return merge(store.lines(query), lineless, key=_place, reverse=query.newest_first)


def _place(line: LineRow) -> Cursor:
    return Cursor(line.order.placed_at, line.order.id)


def _no_line(order: OrderRow) -> LineRow:
    nothing = Money.zero(order.currency)
    return LineRow(order, 1, "", "", "", 0, nothing, nothing, custom=False)


def _addresses(to: str | Iterable[str]) -> tuple[Address, ...]:
    given = (to,) if isinstance(to, str) else tuple(to)
    if not given:
        raise InvalidValue("to", given, "at least one e-mail address")
    return tuple(mail_address(address, "to") for address in given)


def _spooled(stream: CsvStream, file: IO[bytes]) -> int:
    for chunk in stream:
        with told_as_unwritten(_TEMPORARY):
            file.write(chunk)
    with told_as_unwritten(_TEMPORARY):
        file.flush()
        return file.tell()


_TEMPORARY: Final = "the export's temporary file"


def _bring(
    file: IO[bytes],
    message: EmailMessage,
    *,
    request: ExportRequest,
    summary: ExportSummary,
    now: datetime,
    shelf: FileShelf | None,
    limit: int,
) -> ExportSummary:
    """Put the file into the mail, by the first way that the limit allows."""
    name = summary.file_name
    file.seek(0)
    if _in_base64(summary.size) <= limit:
        _tell(message, request, summary, "The file is attached.")
        charset = {"charset": "utf-8"}
        message.add_attachment(file.read(), "text", "csv", filename=name, params=charset)
        return summary
    with tempfile.TemporaryFile() as archive:
        zipped = _in_base64(_zipped(file, archive, name, _local(now, request.tz)))
        if zipped <= limit:
            summary = attrs.evolve(summary, sent_as=SentAs.ZIPPED)
            _tell(message, request, summary, "The file is attached, in a ZIP archive.")
            archive_name = f"{name.removesuffix('.csv')}.zip"
            message.add_attachment(archive.read(), "application", "zip", filename=archive_name)
            return summary
    if shelf is None:
        raise ExportTooLarge(name, zipped, limit)
    file.seek(0)
    url = shelf.put(name, iter(lambda: file.read(_CHUNK), b""))
    _tell(message, request, summary, f"The file is too large for a mail. Fetch it here:\n{url}")
    return attrs.evolve(summary, sent_as=SentAs.LINKED, url=url)


def _tell(message: EmailMessage, request: ExportRequest, summary: ExportSummary, how: str) -> None:
    orders, period = _counted(summary.orders, "order"), period_text(request)
    message["Subject"] = f"Orders of {request.shop}, {period}: {orders}"
    text = [
        f"Shop: {request.shop}",
        f"Period: {period} ({request.tz})",
        f"Orders: {summary.orders}",
        f"Records in the file: {summary.records}",
        f"File: {summary.file_name}",
    ]
    if summary.replaced:
        text.append(f"Characters that no file can hold, now U+FFFD: {summary.replaced}")
    message.set_content("\n".join((*text, "", how, "")))


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _zipped(file: IO[bytes], archive: IO[bytes], name: str, now: datetime) -> int:
    # The format knows the years 1980 to 2107 only.
    year = min(max(now.year, 1980), 2107)
    info = zipfile.ZipInfo(name, (year, now.month, now.day, now.hour, now.minute, now.second))
    info.compress_type = zipfile.ZIP_DEFLATED
    info.file_size = file.seek(0, 2)
    file.seek(0)
    with told_as_unwritten(_TEMPORARY):
        with zipfile.ZipFile(archive, "w") as zipped, zipped.open(info, "w") as member:
            shutil.copyfileobj(file, member, _CHUNK)
        size = archive.tell()
        archive.seek(0)
    return size


def _in_base64(size: int) -> int:
    # 57 bytes make a line of 76 characters, and its line end two more.
    return -(-size // 57) * 78


def _moment(instant: datetime, tz: str) -> str:
    local = _local(instant, tz)
    return f"{local.date()}" if _is_day(instant, tz) else local.isoformat(" ", "minutes")


def _local(instant: datetime, tz: str) -> datetime:
    return in_zone(instant, time_zone(tz))


def _is_day(instant: datetime, tz: str) -> bool:
    """Tell whether a day of the zone begins at an instant."""
    try:
        return Period.of_day(_local(instant, tz).date(), tz).start == instant
    except InvalidValue:
        return False  # a day that the calendar ends before or after


def _file_name_part(text: str) -> str:
    kept = (
        char if char in "._" or unicodedata.category(char)[0] in "LNM" else "-"
        for char in unicodedata.normalize("NFC", text)
    )
    return re.sub("-{2,}", "-", "".join(kept)).strip("-._")
