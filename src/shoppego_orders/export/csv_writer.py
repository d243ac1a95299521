"""The CSV stream: rows in, chunks of bytes out, in constant memory.

Rows are taken a few hundred at a time and turned into columns, and each column is formatted at
once; see :mod:`shoppego_orders.export.cells`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import tzinfo
from typing import Any, Final, TypeVar

import attrs

from shoppego_orders.export.batches import Batch, batches_of_rows, checked_batches
from shoppego_orders.export.cells import Amounts, Instants, Texts
from shoppego_orders.export.columns import (
    Column,
    ColumnKind,
    InstantStyle,
    check_columns,
    currency_place,
)
from shoppego_orders.export.profiles import PLAIN, Profile, profile_of
from shoppego_orders.periods import SHOP_TIME_ZONE, time_zone

Row = TypeVar("Row")


def write_csv(
    rows: Iterable[Row],
    columns: Iterable[Column[Row]],
    *,
    tz: str = SHOP_TIME_ZONE,
    profile: Profile | str = PLAIN,
) -> CsvStream:
    """Write rows as CSV: UTF-8, a header, CRLF, RFC 4180 quoting.

    Texts are written whatever they hold; only NUL and lone surrogates become U+FFFD, and are
    counted. The same rows give the same bytes.

    :param rows: taken as they are needed, and in their order; ``store.rows`` or ``store.lines``.
    :param columns: such as ``SHOPPEGO.per_order`` for orders, ``SHOPPEGO.per_line`` for lines.
    :param tz: the IANA name of the zone in which instants are written.
    :param profile: for whom; see :mod:`shoppego_orders.export.profiles`.
    :returns: an iterator over the file's bytes, whose ``summary`` counts. What iterating raises
        comes from the rows, or is :exc:`~shoppego_orders.errors.InvalidValue` (or
        ``NaiveDatetime``, ``CurrencyMismatch``) for a value that is not of its column's kind.
    :raises InvalidValue: for an unknown profile, or columns that make no readable file.
    :raises UnknownTimeZone: when IANA lists no such zone.
    """
    whole = tuple(columns)
    check_columns(whole)
    return CsvStream(batches_of_rows(rows, whole), whole, time_zone(tz), profile_of(profile))


def write_columns(
    batches: Iterable[Batch],
    columns: Iterable[Column[Any]],  # Any: nothing is read off a row
    *,
    tz: str = SHOP_TIME_ZONE,
    profile: Profile | str = PLAIN,
) -> CsvStream:
    """Write plain values as CSV: the very bytes of :func:`write_csv`, from what databases hold.

    :param batches: some hundreds of records each, as columns of the same length: instants as
        whole microseconds since 1970 in UTC, money as whole minor units, several texts as
        a tuple, everything else as it is. Rows of such values become columns by ``zip(*rows)``.
    :param columns: what they are; their ``value`` is not looked at.
    :returns: as :func:`write_csv`. Iterating raises ``InvalidValue`` for columns of different
        lengths, too few or too many, or a value that is not of its column's kind.
    """
    whole = tuple(columns)
    check_columns(whole)
    return CsvStream(checked_batches(batches, whole), whole, time_zone(tz), profile_of(profile))


@attrs.frozen
class CsvSummary:
    """What a stream has written so far.

    :ivar records: one for each row; the header is none.
    :ivar replaced: how many characters became U+FFFD, because no file in UTF-8 can hold them
        (lone surrogates), or few readers would take them (NUL).
    """

    records: int
    replaced: int


class CsvStream(Iterator[bytes]):
    """A CSV file on its way, made by :func:`write_csv`: iterate once, for its bytes in chunks."""

    def __init__(
        self,
        batches: Iterator[Batch],
        columns: tuple[Column[Any], ...],  # Any: the batches are read already
        zone: tzinfo,
        profile: Profile,
    ) -> None:
        self._batches = batches
        self._columns = columns
        self._currency = currency_place(columns)
        self._profile = profile
        self._texts = Texts(profile)
        self._amounts = Amounts()
        self._instants = {style: Instants(zone, style) for style in _styles(columns, profile)}
        self._records = 0
        self._chunks = self._written()

    def __next__(self) -> bytes:
        return next(self._chunks)

    @property
    def summary(self) -> CsvSummary:
        """Tell what was written so far; all of it, once the stream has ended."""
        return CsvSummary(self._records, self._texts.replaced)

    def _written(self) -> Iterator[bytes]:
        titles = map(self._profile.header, self._columns)
        first = [self._texts.cells([title], ColumnKind.TEXT) for title in titles]
        # Before the first row is asked for, so that a download begins at once.
        yield ("\ufeff" if self._profile.bom else "").encode() + self._lines(first)
        for batch in self._batches:
            currencies = self._currencies(batch)
            cells = [
                self._cells(column, values, currencies)
                for column, values in zip(self._columns, batch, strict=True)
            ]
            self._records += len(batch[0])
            yield self._lines(cells)

    def _currencies(self, batch: Batch) -> str | Sequence[str]:
        """The currency of all records, or of each; without such a column there is no money."""
        if self._currency is None:
            return ""
        values = batch[self._currency]
        # Where records state none they have no money either, which is seen one by one.
        return values[0] if values[0] and len(set(values)) == 1 else values

    def _lines(self, columns: Sequence[Sequence[str]]) -> bytes:
        if len(columns) == 1:
            # An empty line would be no record at all.
            rows: Iterable[str] = [cell or '""' for cell in columns[0]]
        else:
            rows = map(self._profile.delimiter.join, zip(*columns, strict=True))
        return ("\r\n".join(rows) + "\r\n").encode()

    def _cells(
        # Any: values of the column's kind
        self,
        column: Column[Any],
        values: Sequence[Any],
        currencies: str | Sequence[str],
    ) -> Sequence[str]:
        match column.kind:
            case ColumnKind.MONEY:
                return self._amounts.cells(values, currencies)
            case ColumnKind.INSTANT:
                return self._instants[column.instants or self._profile.instants].cells(values)
            case ColumnKind.INTEGER:
                return ["" if number is None else str(number) for number in values]
            case ColumnKind.BOOLEAN:
                return list(map(_BOOLEANS.__getitem__, values))
            case kind:
                return self._texts.cells(values, kind)


_BOOLEANS: Final = {True: "true", False: "false", None: ""}


# Any: nothing is read off a row
def _styles(columns: Iterable[Column[Any]], profile: Profile) -> set[InstantStyle]:
    return {
        column.instants or profile.instants
        for column in columns
        if column.kind is ColumnKind.INSTANT
    }
