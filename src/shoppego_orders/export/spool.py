"""An export in a temporary file: whole, before anything is done with it; and cut into parts."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import IO, Final

import attrs

from shoppego_orders.export.files import told_as_unwritten
from shoppego_orders.export.request import ExportRequest, Per, Progress, Reading, export_filename
from shoppego_orders.ports import OrderStore

TEMPORARY: Final = "the export's temporary file"
"""What a full disk is told of."""

_CHUNK: Final = 1 << 18


@attrs.frozen(kw_only=True)
class ExportedFile:
    """What was exported.

    :ivar file_name: of the CSV file, also where it was zipped or cut into parts.
    :ivar orders: how many orders the file tells of.
    :ivar records: how many records it has; the header is none.
    :ivar replaced: how many characters became U+FFFD.
    :ivar size: of the CSV file, in bytes.
    """

    file_name: str
    orders: int
    records: int
    replaced: int
    size: int


@attrs.frozen
class Part:
    """A stretch of a file's records, that makes a whole file behind the header.

    :ivar start: where it begins, in bytes.
    :ivar size: of its records, in bytes.
    :ivar records: how many they are.
    """

    start: int
    size: int
    records: int


@attrs.frozen
class Spool:
    """A request's file, while it lies on this machine's disk."""

    request: ExportRequest
    exported: ExportedFile
    _file: IO[bytes]
    _begins: bytes | None

    def chunks(self) -> Iterator[bytes]:
        """The file's bytes, again and again."""
        self._file.seek(0)
        return iter(lambda: self._file.read(_CHUNK), b"")

    def header(self) -> bytes:
        """The first line, with the byte order mark where there is one."""
        self._file.seek(0)
        return next(self._records(), b"")

    def part(self, part: Part) -> bytes:
        """A file of its own: the header, and the part's records."""
        header = self.header()
        self._file.seek(part.start)
        return header + self._file.read(part.size)

    def parts(self, most: int) -> Iterator[Part]:
        """Cut the records into as few stretches as can be made in their order.

        An order's line items stay together, unless they alone are too many.

        :param most: how many bytes a part may have behind the header. A record that has more is
            a part alone.
        """
        start = len(self.header())
        size = records = 0
        for unit in self._units(most):
            if records and size + sum(unit) > most:
                yield Part(start, size, records)
                start, size, records = start + size, 0, 0
            size, records = size + sum(unit), records + len(unit)
        yield Part(start, size, records)

    def _units(self, most: int) -> Iterator[list[int]]:
        """The sizes of the records that stay together."""
        for unit in self._orders():
            if sum(unit) <= most:
                yield unit
            else:
                yield from ([size] for size in unit)

    def _orders(self) -> Iterator[list[int]]:
        self._file.seek(0)
        records = map(len, self._records())
        next(records, None)  # the header
        if self._begins is None:
            yield from ([size] for size in records)
            return
        order: list[int] = []
        for begins, size in zip(self._begins, records, strict=True):
            if begins and order:
                yield order
                order = []
            order.append(size)
        if order:
            yield order

    def _records(self) -> Iterator[bytes]:
        """The bytes of each record, header first: a line end within quotes ends none."""
        lines: list[bytes] = []
        within_quotes = False
        for line in self._file:
            lines.append(line)
            within_quotes ^= line.count(b'"') % 2 == 1
            if not within_quotes:
                yield b"".join(lines)
                lines.clear()


@contextmanager
def temporary_file() -> Generator[IO[bytes]]:
    """Open a file without a name, which is gone afterwards.

    :raises OutputNotWritten: where there is no place for one.
    """
    with told_as_unwritten(TEMPORARY):
        file = tempfile.TemporaryFile()  # noqa: SIM115  # closed below, in its own way
    try:
        yield file
    finally:
        # What a full disk did not take was told when it was written, and is told again here.
        with suppress(OSError):
            file.close()


@contextmanager
def spooled(
    store: OrderStore, request: ExportRequest, now: datetime, progress: Progress | None = None
) -> Generator[Spool]:
    """Write a request's file into a temporary one, which is gone afterwards.

    :param now: when it was asked for, aware; the stamp in the file's name.
    :raises OutputNotWritten: when the disk is full.
    """
    begins = bytearray() if request.per is Per.LINE else None
    reading = Reading(store, request, progress, begins=begins)
    name = export_filename(request, now)
    with temporary_file() as file:
        stream = reading.stream()
        for chunk in stream:
            with told_as_unwritten(TEMPORARY):
                file.write(chunk)
        with told_as_unwritten(TEMPORARY):
            file.flush()
            size = file.tell()
        exported = ExportedFile(
            file_name=name,
            orders=reading.orders,
            records=stream.summary.records,
            replaced=stream.summary.replaced,
            size=size,
        )
        yield Spool(request, exported, file, None if begins is None else bytes(begins))
