"""What a column of an export is, and how several of them make a set for orders and for lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar, final

import attrs

from shoppego_orders.errors import InvalidValue
from shoppego_orders.money import Money
from shoppego_orders.order import LineRow, OrderRow
from shoppego_orders.texts import word_of

Row = TypeVar("Row")

Value = str | tuple[str, ...] | Money | int | datetime | bool | None
"""What a column may give: a value of its kind, or None for an empty cell."""


class ColumnKind(StrEnum):
    """What a column holds; it decides how cells are written and guarded, never their content."""

    TEXT = "text"
    """What people typed: the one kind that can carry a formula in. Several stand as "a, b"."""
    IDENTIFIER = "identifier"
    """Text that looks like a number and is none: phone, postcode, tracking number, SKU."""
    MONEY = "money"
    """A plain decimal with the currency's digits; the currency stands in a column of its own."""
    CURRENCY = "currency"
    """The ISO 4217 code that says in which currency a record's money is."""
    INTEGER = "integer"
    INSTANT = "instant"
    """A date and time in the shop's zone."""
    BOOLEAN = "boolean"
    """``true`` or ``false``."""
    WORD = "word"
    """A word of a closed set, such as a status."""

    @property
    def is_text(self) -> bool:
        """Whether its values are texts."""
        return self in _OF_TEXT


_OF_TEXT: Final = frozenset(
    {ColumnKind.TEXT, ColumnKind.IDENTIFIER, ColumnKind.WORD, ColumnKind.CURRENCY}
)


class InstantStyle(StrEnum):
    """How a date and time is written, always as the clocks of the shop's zone showed it."""

    ISO = "iso"
    """ISO 8601 with its offset, exact: 2026-03-03T22:58:17+08:00."""
    SPREADSHEET = "spreadsheet"
    """What Excel and LibreOffice read as a date: 2026-03-03 22:58:17, to the second."""
    SHOPIFY = "shopify"
    """As in Shopify's own exports: 2026-03-03 22:58:17 +0800, to the second."""


def _kind(word: str) -> ColumnKind:
    return word_of(ColumnKind, word, "kind")


def _style(word: str | None) -> InstantStyle | None:
    return None if word is None else word_of(InstantStyle, word, "instants")


@attrs.frozen
class Column(Generic[Row]):
    """One column: its name in the file, and what it says of a row.

    :ivar key: the header in the file; stays the same for ever, so that programs may rely on it.
    :ivar label: for people, in English.
    :ivar kind: what its values are.
    :ivar value: the name of the row's field (of ``OrderRow``, ``LineRow``, or of whatever the
        rows are), or a function of the row for what has to be computed; None is an empty cell.
        Fields are read faster.
    :ivar malay: the label in Malay; the English one where it is empty.
    :ivar title: a header of your own, in place of the key and the labels.
    :ivar repeated: in a file of line items, whether an order's value stands on each of its lines
        (True) or on the first alone (False). None leaves it to the kind: what adds up, which
        is money and numbers, stands on the first, so that a file's sums stay right.
    :ivar instants: how its instants are written, whatever the profile says.
    :raises InvalidValue: for a key that is empty or not in one line, or an unknown word.
    """

    key: str
    label: str
    kind: ColumnKind = attrs.field(converter=_kind)
    value: str | Callable[[Row], Value]
    malay: str = ""
    title: str = attrs.field(default="", kw_only=True)
    repeated: bool | None = attrs.field(default=None, kw_only=True)
    instants: InstantStyle | None = attrs.field(default=None, converter=_style, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if type(self.key) is not str or not (self.key and self.key.isprintable()):
            raise InvalidValue("key", self.key, "a header in one line, such as 'total'")

    @property
    def reader(self) -> Callable[[Row], Value]:
        """What reads the value off a row."""
        return attrgetter(self.value) if isinstance(self.value, str) else self.value

    @property
    def adds_up(self) -> bool:
        """Whether the sum of its values means something."""
        return self.kind in (ColumnKind.MONEY, ColumnKind.INTEGER)


@final
@attrs.frozen
class LineColumn(Column[LineRow]):
    """A column that says something of a line item, and has no place in a file of orders."""


def per_line(column: Column[OrderRow]) -> Column[LineRow]:
    """Turn a column of orders into one of line items; see ``Column.repeated``."""
    repeated = not column.adds_up if column.repeated is None else column.repeated
    value = column.value
    if repeated and isinstance(value, str):
        lifted: str | Callable[[LineRow], Value] = f"order.{value}"
    else:
        read = column.reader

        def of_the_order(line: LineRow) -> Value:
            return read(line.order) if repeated or line.position == 1 else None

        lifted = of_the_order
    return Column(
        column.key,
        column.label,
        column.kind,
        lifted,
        column.malay,
        title=column.title,
        instants=column.instants,
    )


def _columns(
    columns: Iterable[Column[OrderRow] | LineColumn],
) -> tuple[Column[OrderRow] | LineColumn, ...]:
    return tuple(columns)


@attrs.frozen
class ColumnSet:
    """Columns that belong together, for files of orders and for files of line items.

    A merchant's own: ``SHOPPEGO.chosen(["number", "customer"], titles={"number": "No."})``, or
    ``ColumnSet("mine", (*SHOPPEGO.columns, Column("vip", "VIP", "boolean", is_vip)))``.

    :ivar name: for requests and messages.
    :ivar columns: of orders, and (:class:`LineColumn`) of line items, in the order of the file.
    :raises InvalidValue: for columns that make no readable file.
    """

    name: str
    columns: tuple[Column[OrderRow] | LineColumn, ...] = attrs.field(converter=_columns)

    def __attrs_post_init__(self) -> None:
        check_columns(self.columns)

    @property
    def per_order(self) -> tuple[Column[OrderRow], ...]:
        """The columns of a file with one record for each order."""
        return tuple(each for each in self.columns if not isinstance(each, LineColumn))

    @property
    def per_line(self) -> tuple[Column[LineRow], ...]:
        """The columns of a file with one record for each line item."""
        return tuple(
            each if isinstance(each, LineColumn) else per_line(each) for each in self.columns
        )

    def chosen(self, keys: Iterable[str], titles: Mapping[str, str] | None = None) -> ColumnSet:
        """Choose columns by their keys, in the order of the keys.

        :param titles: headers of your own, by key: ``{"number": "Invoice"}``.
        :raises InvalidValue: for a key that none of the columns has, or a choice that makes no
            readable file.
        """
        by_key = {column.key: column for column in self.columns}
        wanted, headers = tuple(keys), titles or {}
        for key in (*wanted, *headers):
            if key not in by_key:
                raise InvalidValue("columns", key, f"some of {', '.join(by_key)}")
        return ColumnSet(
            self.name,
            tuple(
                attrs.evolve(by_key[key], title=headers.get(key, by_key[key].title))
                for key in wanted
            ),
        )

    def with_sums_on_every_line(self) -> ColumnSet:
        """Repeat an order's money on each of its lines too: for readers of single lines.

        Adding such a column up counts an order once for each of its lines.
        """
        return ColumnSet(
            self.name,
            tuple(
                column if isinstance(column, LineColumn) else attrs.evolve(column, repeated=True)
                for column in self.columns
            ),
        )


def check_columns(columns: Iterable[Column[Row] | LineColumn]) -> None:
    """Refuse columns that make no readable file.

    :raises InvalidValue: for no columns, a key that comes twice, money without a column for its
        currency, or two of those.
    """
    checked = tuple(columns)
    if not checked:
        raise InvalidValue("columns", (), "at least one column")
    keys = [column.key for column in checked]
    for key in keys:
        if keys.count(key) > 1:
            raise InvalidValue("columns", key, "each key once")
    kinds = [column.kind for column in checked]
    currencies = kinds.count(ColumnKind.CURRENCY)
    if currencies > 1 or (currencies == 0 and ColumnKind.MONEY in kinds):
        raise InvalidValue(
            "columns",
            ", ".join(keys),
            "one column of the kind currency beside money, and never several",
        )


def currency_place(columns: Iterable[Column[Any]]) -> int | None:  # Any: nothing is read off a row
    """Which of the columns says the currency; where none does, there is no money."""
    places = (place for place, each in enumerate(columns) if each.kind is ColumnKind.CURRENCY)
    return next(places, None)
