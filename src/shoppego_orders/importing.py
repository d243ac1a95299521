"""Reading checkouts in: a file of payloads, one JSON object a line, becomes orders in a store."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, NamedTuple, Self, cast

import attrs

from shoppego_orders.attribution import AttributionTable
from shoppego_orders.errors import (
    CommandRefused,
    DuplicateOrder,
    InputNotRead,
    InvalidDocument,
    LineNotImported,
    OrderNotFound,
    StaleOrder,
)
from shoppego_orders.order.events import Confirmed, PaymentRecorded
from shoppego_orders.order.order import Order
from shoppego_orders.ports import OrderStore
from shoppego_orders.serialization import checkout_from_json

BATCH = 500
"""How many lines are saved together, in one transaction where the store has them."""

LINE_LIMIT = 16_000_000
"""How many bytes a line of a file may have; more is no checkout, and must not fill the memory."""


class BadLine(NamedTuple):
    """A line that was not imported, by its number from 1, and why."""

    line: int
    problem: str


@attrs.frozen
class ImportReport:
    """What an import did; ``read`` is the sum of imported, updated, unchanged and bad lines.

    :ivar read: lines with something on them.
    :ivar imported: new orders.
    :ivar updated: stored orders whose open checkout a line completed.
    :ivar unchanged: stored orders that a line told nothing new about.
    :ivar declared: ids of the new orders whose declared total differs from the sum of their
        parts; the difference is kept as an adjustment of the kind ``declared``.
    :ivar bad: the lines that were left out.
    """

    read: int
    imported: int
    updated: int
    unchanged: int
    declared: tuple[str, ...]
    bad: tuple[BadLine, ...]


def import_checkouts(
    store: OrderStore,
    lines: Iterable[str | bytes],
    *,
    table: AttributionTable | None = None,
    skip_bad: bool = False,
    batch: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> ImportReport:
    """Import checkouts in the shape of Shoppego's webhook payload, one JSON object a line.

    An order that is stored already stays as it is, unless the line completes its checkout while
    it is still open: then the completion is recorded. So importing the same lines twice changes
    nothing. Blank lines don't count; a byte order mark is ignored.

    :param table: what attributes the orders; the table that ships unless told.
    :param skip_bad: leave bad lines out, and report them; else the import stops at the first.
    :param batch: makes the context manager that saves what is done in it together, for example
        the ``batch`` of the SQL store. It is left without an error before one is raised, so
        what was good is kept.
    :raises LineNotImported: at a bad line, unless ``skip_bad``; the lines before it are kept.
    :raises InputNotRead: where ``lines`` raises it; the lines before are kept.
    :raises StoreUnusable: where the store can't be written; earlier batches are kept.
    """
    tally = _Tally()
    for group in _groups(lines):
        with batch():
            stop = _import_group(store, group, table, tally, skip_bad=skip_bad)
        if stop is not None:
            raise LineNotImported(stop.line, stop.problem)
    return ImportReport(
        sum(tally.counts.values()) + len(tally.bad),
        tally.counts["imported"],
        tally.counts["updated"],
        tally.counts["unchanged"],
        tuple(tally.declared),
        tuple(tally.bad),
    )


def open_lines(path: str | Path) -> LineFile:
    """Open a file of lines, plain or gzip as its first bytes tell; "-" is standard input.

    :returns: a context manager, which yields the lines as bytes.
    :raises InputNotRead: if there is no such file, or it can't be opened.
    """
    if str(path) == "-":
        if sys.stdin is None:
            raise InputNotRead("standard input", 0, "it is closed")
        # The stream below the buffer, where there is one, gives what has come so far at once.
        below = cast("io.RawIOBase", getattr(sys.stdin.buffer, "raw", sys.stdin.buffer))
        return LineFile("standard input", io.BufferedReader(below), closes=False)
    try:
        stream = Path(path).open("rb")  # noqa: SIM115 - LineFile closes it
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputNotRead(str(path), 0, _said(error)) from None
    return LineFile(str(path), stream)


class LineFile:
    """An open file of lines: iterate over it once, within ``with``.

    :ivar name: for messages.
    :ivar size: bytes in the file, compressed or not; None where nobody knows (a pipe).
    """

    def __init__(self, name: str, stream: io.BufferedReader, *, closes: bool = True) -> None:
        self.name = name
        self._stream = stream
        self._closes = closes
        self.size: int | None = _size(stream)

    @property
    def position(self) -> int:
        """How many bytes of the file were read."""
        return self._stream.tell() if self.size is not None else 0

    def __iter__(self) -> Iterator[bytes]:
        """Yield the lines.

        :raises InputNotRead: if the file can't be read further, ends before its compressed
            content does, or has a line above :data:`LINE_LIMIT`.
        """
        number = 0
        try:
            packed = self._stream.peek(2)[:2] == b"\x1f\x8b"
            source = gzip.GzipFile(fileobj=self._stream) if packed else self._stream
            while line := source.readline(LINE_LIMIT + 1):
                if len(line) > LINE_LIMIT:
                    problem = f"the next line has more than {LINE_LIMIT:,} bytes"
                    raise InputNotRead(self.name, number, problem)
                number += 1
                yield line
        except (OSError, EOFError, zlib.error) as error:
            raise InputNotRead(self.name, number, _said(error)) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._closes:
            self._stream.close()
        else:
            self._stream.detach()


_Fate = Literal["imported", "updated", "unchanged"]


class _Tally:
    """What is counted while the import runs."""

    def __init__(self) -> None:
        self.counts: dict[_Fate, int] = {"imported": 0, "updated": 0, "unchanged": 0}
        self.declared: list[str] = []
        self.bad: list[BadLine] = []


def _groups(lines: Iterable[str | bytes]) -> Iterator[list[tuple[int, str | bytes]]]:
    group: list[tuple[int, str | bytes]] = []
    try:
        for numbered in enumerate(lines, 1):
            group.append(numbered)
            if len(group) == BATCH:
                yield group
                group = []
    except InputNotRead:
        yield group  # what was read before is kept
        raise
    yield group


def _import_group(
    store: OrderStore,
    group: list[tuple[int, str | bytes]],
    table: AttributionTable | None,
    tally: _Tally,
    *,
    skip_bad: bool,
) -> BadLine | None:
    """Import lines until one is bad and must not be skipped; give that one back."""
    for number, line in group:
        try:
            text = _text(line, first=number == 1)
            if not text:
                continue
            order = checkout_from_json(text, table=table)
            fate = _take(store, order)
        except (InvalidDocument, DuplicateOrder, StaleOrder, CommandRefused) as error:
            bad = BadLine(number, str(error))
            if not skip_bad:
                return bad
            tally.bad.append(bad)
        else:
            tally.counts[fate] += 1
            if fate == "imported" and order.declared_difference:
                tally.declared.append(order.id)
    return None


def _text(line: str | bytes, *, first: bool) -> str:
    if isinstance(line, bytes):
        try:
            line = line.decode("utf-8")
        except UnicodeDecodeError as error:
            byte = line[error.start]
            problem = f"byte {error.start + 1} (0x{byte:02x}) is not UTF-8, which JSON lines are in"
            raise InvalidDocument("", problem) from None
    return (line.removeprefix("\ufeff") if first else line).strip()


def _take(store: OrderStore, order: Order) -> _Fate:
    try:
        stored = store.get(order.id)
    except OrderNotFound:
        store.save(order)
        return "imported"
    if stored.shop != order.shop:
        raise DuplicateOrder(order.id, stored.shop, stored.number)
    completed = _completed(stored, order)
    if completed is stored:
        return "unchanged"
    store.save(completed)
    return "updated"


def _completed(stored: Order, told: Order) -> Order:
    """The stored order with the completion that a payload tells of, if it is still open."""
    if stored.completed_at is not None:
        return stored
    for event in told.changes:
        match event.data:
            case PaymentRecorded(reference, amount):
                stored = stored.record_payment(
                    reference, amount, at=event.occurred_at, actor=event.actor
                )
            case Confirmed():
                stored = stored.confirm(at=event.occurred_at, actor=event.actor)
            case _:
                pass
    return stored


def _size(stream: BinaryIO) -> int | None:
    try:
        size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
    except OSError:
        return None
    return size


def _said(error: Exception) -> str:
    """What the operating system or the decompressor said, without the file's name again."""
    if isinstance(error, EOFError):
        return "it ends in the middle of its compressed content"
    return getattr(error, "strerror", None) or str(error)
