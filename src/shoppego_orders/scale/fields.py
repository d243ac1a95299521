"""Which columns a frame of orders, or of line items, has: their names, and what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum, StrEnum, auto
from types import MappingProxyType, NoneType
from typing import Any, Final, get_args, get_origin, get_type_hints

import attrs

from shoppego_orders.money import Money
from shoppego_orders.order import LineRow, OrderRow
from shoppego_orders.scale.extra import DataType, Schema, pa


class Kind(Enum):
    """What a column holds."""

    TEXT = auto()
    WORD = auto()
    """A text out of a closed set."""
    CURRENCY = auto()
    """The ISO 4217 code that the money of the same row is in."""
    MONEY = auto()
    INSTANT = auto()
    INTEGER = auto()
    BOOLEAN = auto()
    TEXTS = auto()
    INSTANTS = auto()


@attrs.frozen
class Field:
    """One column.

    :ivar nullable: whether a row may hold nothing.
    :ivar words: the closed set, where there is one.
    :ivar optional: whether a frame may lack it, as if it held nothing.
    """

    name: str
    kind: Kind
    nullable: bool = False
    words: type[StrEnum] | None = None
    optional: bool = False

    @classmethod
    def of(cls, name: str, hint: Any) -> Field:  # Any: a type hint
        """Read off what a field of a row holds."""
        nullable = NoneType in get_args(hint)
        if get_origin(hint) is tuple:
            return cls(name, Kind.INSTANTS if datetime in get_args(hint) else Kind.TEXTS)
        type_ = next((each for each in get_args(hint) if each is not NoneType), hint)
        if issubclass(type_, StrEnum):
            return cls(name, Kind.WORD, nullable, type_)
        return cls(name, Kind.CURRENCY if name == "currency" else _KINDS[type_], nullable)

    def taken(self, type_: DataType) -> bool:
        """Tell whether an Arrow type may hold it."""
        return (self.nullable and pa.types.is_null(type_)) or _takes(self.kind, type_)

    @property
    def expected(self) -> str:
        """Which Arrow types may hold it, as the rest of a sentence."""
        return _EXPECTED[self.kind]


_KINDS: Final = {
    str: Kind.TEXT,
    Money: Kind.MONEY,
    datetime: Kind.INSTANT,
    int: Kind.INTEGER,
    bool: Kind.BOOLEAN,
}

ORDER_FIELDS: Final[Mapping[str, Field]] = MappingProxyType(
    {name: Field.of(name, hint) for name, hint in get_type_hints(OrderRow).items()}
)
"""The columns of a frame of orders, in the order of ``OrderRow``."""

LINE_FIELDS: Final[Mapping[str, Field]] = MappingProxyType(
    {
        name: Field.of(name, hint)
        for name, hint in get_type_hints(LineRow).items()
        if hint is not OrderRow
    }
)
"""What a frame of line items has besides the columns of their orders."""

TOUCH_FIELDS: Final = (
    Field("landing_url", Kind.TEXT, nullable=True),
    Field("referrer", Kind.TEXT, nullable=True),
)
"""The columns of a frame of visits."""

JOURNEY_FIELDS: Final = (
    Field("order_id", Kind.TEXT),
    Field("ordered_at", Kind.INSTANT),
    Field("previous_order_at", Kind.INSTANT, nullable=True, optional=True),
    Field("currency", Kind.CURRENCY),
    Field("total", Kind.MONEY),
    *TOUCH_FIELDS,
    Field("at", Kind.INSTANT, nullable=True),
)
"""The columns of a frame of visits that led to orders."""


def order_schema() -> Schema:
    """The Arrow schema of a frame of orders: the fields of ``OrderRow``.

    Instants are UTC to the microsecond; amounts are decimals of the currency's main unit, with
    four digits behind the point, whatever the currency; words are dictionary-encoded.
    """
    return _schema(ORDER_FIELDS.values())


def line_schema() -> Schema:
    """The Arrow schema of a frame of line items: those of ``LineRow``, and then their order's."""
    return _schema((*LINE_FIELDS.values(), *ORDER_FIELDS.values()))


MONEY_TYPE: Final = pa.decimal128(22, 4)
"""Holds every amount that there may be, of every currency."""
INSTANT_TYPE: Final = pa.timestamp("us", "UTC")
WORD_TYPE: Final = pa.dictionary(pa.int8(), pa.string())

ARROW_TYPES: Final[Mapping[Kind, DataType]] = MappingProxyType(
    {
        Kind.TEXT: pa.string(),
        Kind.WORD: WORD_TYPE,
        Kind.CURRENCY: pa.string(),
        Kind.MONEY: MONEY_TYPE,
        Kind.INSTANT: INSTANT_TYPE,
        Kind.INTEGER: pa.int64(),
        Kind.BOOLEAN: pa.bool_(),
        Kind.TEXTS: pa.list_(pa.string()),
        Kind.INSTANTS: pa.list_(INSTANT_TYPE),
    }
)
"""As which columns are written."""


def _schema(fields: Iterable[Field]) -> Schema:
    return pa.schema(
        [pa.field(each.name, ARROW_TYPES[each.kind], nullable=each.nullable) for each in fields]
    )


_EXPECTED: Final = {
    Kind.TEXT: "texts",
    Kind.WORD: "texts",
    Kind.CURRENCY: "texts",
    Kind.MONEY: "decimals, such as decimal128(22, 4)",
    Kind.INSTANT: "timestamps with a time zone",
    Kind.INTEGER: "whole numbers",
    Kind.BOOLEAN: "booleans",
    Kind.TEXTS: "lists of texts",
    Kind.INSTANTS: "lists of timestamps with a time zone",
}


def _takes(kind: Kind, type_: DataType) -> bool:
    is_: Any = pa.types  # Any: PyArrow has no types
    held = type_
    if kind in (Kind.TEXTS, Kind.INSTANTS):
        if not (is_.is_list(type_) or is_.is_large_list(type_)):
            return False
        kind, held = Kind.TEXT if kind is Kind.TEXTS else Kind.INSTANT, type_.value_type
        if is_.is_null(held):  # of lists that are all empty
            return True
    elif kind in (Kind.TEXT, Kind.WORD, Kind.CURRENCY) and is_.is_dictionary(type_):
        held = type_.value_type
    match kind:
        case Kind.MONEY:
            found = is_.is_decimal(held)
        case Kind.INSTANT:
            found = is_.is_timestamp(held) and held.tz is not None
        case Kind.INTEGER:
            found = is_.is_integer(held)
        case Kind.BOOLEAN:
            found = is_.is_boolean(held)
        case _:
            found = is_.is_string(held) or is_.is_large_string(held) or is_.is_string_view(held)
    return bool(found)
