"""What a column of an export is, and the column sets that ship."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import Final, Generic, TypeVar

import attrs

from shoppego_orders.errors import InvalidValue
from shoppego_orders.money import Money
from shoppego_orders.order import LineRow, OrderRow
from shoppego_orders.texts import word_of

Row = TypeVar("Row")

Value = str | Money | int | datetime | bool | None
"""What a column may give: a value of its kind, or None for an empty cell."""

CURRENCY: Final = "currency"
"""The key of the column that says in which currency a record's money is."""


class ColumnKind(StrEnum):
    """What a column holds; it decides how cells are written and guarded, never their content."""

    TEXT = "text"
    """What people typed: the one kind that can carry a formula in."""
    IDENTIFIER = "identifier"
    """Text that looks like a number and is none: phone, postcode, tracking number, SKU."""
    MONEY = "money"
    """A plain decimal with the currency's digits; the currency stands in a column of its own."""
    INTEGER = "integer"
    INSTANT = "instant"
    """A date and time in the shop's zone, ISO 8601 with its offset."""
    BOOLEAN = "boolean"
    """``true`` or ``false``."""
    WORD = "word"
    """A word of a closed set: a status, a currency."""


def _kind(word: str) -> ColumnKind:
    return word_of(ColumnKind, word, "kind")


@attrs.frozen
class Column(Generic[Row]):
    """One column: its name in the file, and how to read its value from a row.

    :ivar key: the header in the file; stays the same for ever, so that programs may rely on it.
    :ivar label: for people.
    :ivar kind: what its values are.
    :ivar value: reads the value: of an ``OrderRow`` (an ``Order`` does as well, its names are the
        same) or of a ``LineRow``; None is an empty cell.
    :raises InvalidValue: for a key that is empty or not in one line, or an unknown kind.
    """

    key: str
    label: str
    kind: ColumnKind = attrs.field(converter=_kind)
    value: Callable[[Row], Value]

    def __attrs_post_init__(self) -> None:
        if type(self.key) is not str or not (self.key and self.key.isprintable()):
            raise InvalidValue("key", self.key, "a header in one line, such as 'total'")


def per_line(column: Column[OrderRow]) -> Column[LineRow]:
    """Turn a column of orders into one of line items.

    Money of the whole order stands on the order's first line only, so that a file's sums stay
    right; everything else is repeated on each line.
    """
    value = column.value

    def on_first_line(line: LineRow) -> Value:
        return value(line.order) if line.position == 1 else None

    def on_each_line(line: LineRow) -> Value:
        return value(line.order)

    once = column.kind is ColumnKind.MONEY
    return Column(column.key, column.label, column.kind, on_first_line if once else on_each_line)


def chosen(columns: Iterable[Column[Row]], keys: Iterable[str]) -> tuple[Column[Row], ...]:
    """Choose columns by their keys, in the order of the keys.

    :raises InvalidValue: for a key that none of the columns has.
    """
    by_key = {column.key: column for column in columns}
    wanted = tuple(keys)
    for key in wanted:
        if key not in by_key:
            raise InvalidValue("columns", key, f"some of {', '.join(by_key)}")
    return tuple(by_key[key] for key in wanted)


def check_columns(columns: tuple[Column[Row], ...]) -> None:
    """Refuse columns that make no readable file.

    :raises InvalidValue: for no columns, a key that comes twice, or money without the column
        ``currency``.
    """
    if not columns:
        raise InvalidValue("columns", (), "at least one column")
    keys = [column.key for column in columns]
    for key in keys:
        if keys.count(key) > 1:
            raise InvalidValue("columns", key, "each key once")
    if CURRENCY not in keys and any(column.kind is ColumnKind.MONEY for column in columns):
        raise InvalidValue("columns", ", ".join(keys), f"a column {CURRENCY!r} beside money")


def _joined(name: str) -> Callable[[OrderRow], Value]:
    texts: Callable[[OrderRow], tuple[str, ...]] = attrgetter(name)
    return lambda row: ", ".join(texts(row))


def _order(key: str, label: str, kind: ColumnKind, name: str = "") -> Column[OrderRow]:
    return Column(key, label, kind, attrgetter(name or key))


def _line(key: str, label: str, kind: ColumnKind) -> Column[LineRow]:
    return Column(key, label, kind, attrgetter(key))


_TEXT, _ID, _MONEY = ColumnKind.TEXT, ColumnKind.IDENTIFIER, ColumnKind.MONEY
_INTEGER, _INSTANT = ColumnKind.INTEGER, ColumnKind.INSTANT
_BOOLEAN, _WORD = ColumnKind.BOOLEAN, ColumnKind.WORD

ORDER_COLUMNS: Final[tuple[Column[OrderRow], ...]] = (
    _order("number", "Order", _ID),
    _order("id", "Id", _ID),
    _order("shop", "Shop", _TEXT),
    _order("placed_at", "Date", _INSTANT),
    _order("life", "Status", _WORD),
    _order("payment_status", "Payment status", _WORD),
    _order("fulfillment", "Fulfillment status", _WORD),
    _order("archived", "Archived", _BOOLEAN),
    _order(CURRENCY, "Currency", _WORD),
    _order("subtotal", "Subtotal", _MONEY),
    _order("discount", "Discount", _MONEY, "discount_total"),
    _order("shipping", "Shipping", _MONEY, "shipping_total"),
    _order("tax", "Tax", _MONEY, "tax_total"),
    _order("declared_difference", "Unexplained difference", _MONEY),
    _order("total", "Total", _MONEY),
    _order("paid", "Paid", _MONEY, "paid_total"),
    _order("refunded", "Refunded", _MONEY, "refunded_total"),
    _order("balance", "Balance", _MONEY),
    _order("units", "Units", _INTEGER),
    _order("customer", "Customer", _TEXT, "customer_name"),
    _order("email", "E-mail", _TEXT),
    _order("phone", "Phone", _ID),
    _order("address1", "Address", _TEXT, "shipping_address1"),
    _order("address2", "Address, second line", _TEXT, "shipping_address2"),
    _order("postcode", "Postcode", _ID, "shipping_zip"),
    _order("city", "City", _TEXT, "shipping_city"),
    _order("state", "State", _TEXT, "shipping_state"),
    _order("country", "Country", _TEXT, "shipping_country"),
    _order("delivery", "Delivery", _WORD),
    _order("payment_method", "Payment method", _TEXT, "payment_method_name"),
    _order("payment_type", "Payment type", _WORD),
    # Keys of the merchant's own source table, so text: no closed set of ours.
    _order("source", "Source", _TEXT),
    _order("channel", "Channel", _TEXT),
    _order("medium", "Medium", _TEXT),
    _order("campaign", "Campaign", _TEXT),
    Column("tags", "Tags", _TEXT, _joined("tags")),
    _order("note", "Note", _TEXT),
    Column("tracking_numbers", "Tracking numbers", _ID, _joined("tracking_numbers")),
    _order("completed_at", "Checkout completed", _INSTANT),
    _order("shipped_at", "Shipped", _INSTANT),
    _order("cancelled_at", "Cancelled", _INSTANT),
    _order("cancel_reason", "Reason of cancelling", _TEXT),
    _order("abandoned_at", "Abandoned", _INSTANT),
    _order("recovered_at", "Recovered", _INSTANT),
    _order("needs_attention", "Needs attention", _BOOLEAN),
)
"""One record per order: Shoppego's own set. Tags, and tracking numbers, share a cell: "a, b"."""

LINE_COLUMNS: Final[tuple[Column[LineRow], ...]] = (
    *(
        per_line(column)
        for column in chosen(
            ORDER_COLUMNS,
            (
                *("number", "id", "shop", "placed_at", "life", "payment_status", "fulfillment"),
                *(CURRENCY, "subtotal", "discount", "shipping", "tax", "declared_difference"),
                *("total", "paid", "refunded", "balance", "customer", "email", "phone"),
                *("postcode", "state", "delivery", "payment_method", "source", "channel"),
                *("campaign", "tags", "completed_at", "cancelled_at", "abandoned_at"),
            ),
        )
    ),
    Column("line", "Line", _INTEGER, attrgetter("position")),
    _line("product", "Product", _TEXT),
    _line("variant", "Variant", _TEXT),
    _line("sku", "SKU", _ID),
    _line("quantity", "Quantity", _INTEGER),
    _line("unit_price", "Unit price", _MONEY),
    _line("line_total", "Line total", _MONEY),
    _line("custom", "Custom item", _BOOLEAN),
)
"""One record per line item; money of the whole order stands on its first line only."""
