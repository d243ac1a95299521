"""The tables: each order once as a document, beside it the columns that questions are asked of.

Instants are whole microseconds since 1970 in UTC, amounts are whole minor units of the order's
currency, statuses are their words. The columns follow from the order and are written with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, cast, get_args, get_origin, get_type_hints

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    and_,
    false,
    literal_column,
    true,
)
from sqlalchemy.types import TypeEngine

from shoppego_orders.money import Money
from shoppego_orders.order import OrderRow

if TYPE_CHECKING:
    from sqlalchemy import BinaryExpression

SCHEMA_VERSION: Final = 4
"""Of the tables below; a database with a higher one was made by a newer release."""

# Texts sort by code point, as Python sorts them. PostgreSQL would ask the locale, whose next
# version may sort otherwise and then find nothing in an index.
_TEXT: Final = Text().with_variant(Text(collation="C"), "postgresql")
_TYPES: Final[dict[type, TypeEngine[Any]]] = {  # Any: one type of column for each kind
    str: _TEXT,
    tuple: _TEXT,
    bool: Boolean(),
    int: BigInteger(),
    datetime: BigInteger(),
    Money: BigInteger(),
}

metadata: MetaData = MetaData()

schema_version: Table = Table(
    "shoppego_schema", metadata, Column("version", Integer, nullable=False)
)


def kind_of(hint: Any) -> type:  # Any: a type hint
    """The one type that a field of a row has, where it has a value."""
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    if get_origin(hint) is tuple:
        return tuple
    kind: type[object] = kinds[0] if kinds else hint
    return str if issubclass(kind, StrEnum) else kind


def _column(name: str, hint: Any) -> Column[Any]:  # Any: a type hint, and whatever it says
    if name == "id":
        return Column(name, _TEXT, primary_key=True)
    return Column(name, _TYPES[kind_of(hint)], nullable=NoneType in get_args(hint))


orders: Table = Table(
    "shoppego_orders",
    metadata,
    *(_column(name, hint) for name, hint in get_type_hints(OrderRow).items()),
    Column("version", BigInteger, nullable=False),
    # Last, so that reading the columns before it never touches the pages it spills onto.
    Column("document", _TEXT, nullable=False),
)
# The number first: nobody should read a shop through this one.
Index("shoppego_orders_by_number", orders.c.number, orders.c.shop, unique=True)
# Unique, as the id is: it tells the database that rows come in one order only.
Index("shoppego_orders_by_time", orders.c.placed_at, orders.c.id, unique=True)
Index(
    "shoppego_orders_by_shop_and_time",
    orders.c.shop,
    orders.c.placed_at,
    orders.c.id,
    unique=True,
)
# Who bought what else, in the period that a sweep asks about.
Index(
    "shoppego_orders_by_customer",
    # The customer first, so that it serves a sweep of all shops too.
    orders.c.customer_key,
    orders.c.shop,
    orders.c.completed_at,
)
# What a sweep reads: as small as what is still undecided, whatever the history holds.
for _name, _columns in (
    ("shoppego_undecided_by_time", (orders.c.placed_at, orders.c.id)),
    ("shoppego_undecided_by_shop", (orders.c.shop, orders.c.placed_at, orders.c.id)),
):
    Index(
        _name,
        *_columns,
        unique=True,
        sqlite_where=orders.c.decided == false(),
        postgresql_where=orders.c.decided == false(),
    )

# Each tab of the Orders page in its order, so that no tab is looked for among the others' orders.
# Written as queries write it, word by word: else no partial index is taken.
_UNARCHIVED: Final = orders.c.archived == false()
_OPEN: Final = orders.c.life == literal_column("'open'")
# Any: columns of each kind
_TABS: Final[Mapping[str, tuple[Sequence[Column[Any]], Sequence[ColumnElement[bool]]]]] = {
    "shoppego_unarchived": ((), (_UNARCHIVED,)),
    "shoppego_archived": ((), (orders.c.archived == true(),)),
    "shoppego_drafts": ((), (orders.c.life == literal_column("'draft'"), _UNARCHIVED)),
    "shoppego_cancelled": ((), (orders.c.life == literal_column("'cancelled'"), _UNARCHIVED)),
    "shoppego_abandoned": ((), (orders.c.abandoned_at.is_not(None), _UNARCHIVED)),
    "shoppego_unpaid": (
        (),
        (
            _OPEN,
            _UNARCHIVED,
            orders.c.payment_status.in_(map(literal_column, ("'partially_paid'", "'pending'"))),
        ),
    ),
    "shoppego_in_fulfillment": ((orders.c.fulfillment,), (_OPEN, _UNARCHIVED)),
}
_TAB_INDEXES: Final = [
    Index(
        f"{_name}{_by}",
        *_shop,
        *_status,
        orders.c.placed_at,
        orders.c.id,
        # Last what the condition is about: SQLite would look it up in the table to count.
        *(cast("BinaryExpression[bool]", _condition).left for _condition in _conditions),
        sqlite_where=and_(*_conditions),
        postgresql_where=and_(*_conditions),
    )
    for _name, (_status, _conditions) in _TABS.items()
    for _by, _shop in (("_by_time", ()), ("_by_shop", (orders.c.shop,)))
]

# Abandoned, and nobody knows yet how it ended: what reminders and outcomes read.
for _name, _columns in (
    ("shoppego_open_recoveries", (orders.c.placed_at, orders.c.id)),
    ("shoppego_open_recoveries_by_shop", (orders.c.shop, orders.c.placed_at, orders.c.id)),
):
    Index(
        _name,
        *_columns,
        unique=True,
        sqlite_where=orders.c.recovery == literal_column("'open'"),
        postgresql_where=orders.c.recovery == literal_column("'open'"),
    )

order_lines: Table = Table(
    "shoppego_lines",
    metadata,
    Column("order_id", _TEXT, ForeignKey(orders.c.id), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("product", _TEXT, nullable=False),
    Column("variant", _TEXT, nullable=False),
    Column("sku", _TEXT, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("unit_price", BigInteger, nullable=False),
    Column("line_total", BigInteger, nullable=False),
    Column("custom", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

order_tags: Table = Table(
    "shoppego_tags",
    metadata,
    Column("tag", _TEXT, primary_key=True),
    Column("order_id", _TEXT, ForeignKey(orders.c.id), primary_key=True),
    Index("shoppego_tags_by_order", "order_id"),
    sqlite_with_rowid=False,
)

order_events: Table = Table(
    "shoppego_events",
    metadata,
    Column("order_id", _TEXT, ForeignKey(orders.c.id), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("type", _TEXT, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("document", _TEXT, nullable=False),
)

tasks: Table = Table(
    "shoppego_tasks",
    metadata,
    Column("key", _TEXT, primary_key=True),
    Column("claimed_at", BigInteger, nullable=False),
    Column("outcome", _TEXT),
    Column("settled_at", BigInteger),
    Column("note", _TEXT, nullable=False, server_default=""),
    sqlite_with_rowid=False,
)

exports: Table = Table(
    "shoppego_exports",
    metadata,
    Column("id", _TEXT, primary_key=True),
    Column("shop", _TEXT),
    Column("asked_at", BigInteger, nullable=False),
    # Whether somebody has still to do something about it: what workers read.
    Column("open", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("document", _TEXT, nullable=False),
)
Index("shoppego_exports_by_time", exports.c.asked_at, exports.c.id, unique=True)
Index(
    "shoppego_exports_by_shop_and_time",
    exports.c.shop,
    exports.c.asked_at,
    exports.c.id,
    unique=True,
)
Index(
    "shoppego_open_exports",
    exports.c.asked_at,
    exports.c.id,
    unique=True,
    sqlite_where=exports.c.open == true(),
    postgresql_where=exports.c.open == true(),
)

ADDED_AFTER: Final[Mapping[int, Sequence[Table | Index]]] = {2: (exports,), 3: _TAB_INDEXES}
"""What an upgrade adds to the tables of a version; those of version 1 are too different."""

SQLITE_STATISTICS: Final = (
    (orders.name, "sqlite_autoindex_shoppego_orders_1", "1000000 1"),
    (orders.name, "shoppego_orders_by_number", "1000000 2 1"),
    (orders.name, "shoppego_orders_by_time", "1000000 1 1"),
    (orders.name, "shoppego_orders_by_shop_and_time", "1000000 100000 1 1"),
    (orders.name, "shoppego_orders_by_customer", "1000000 4 3 1"),
    (orders.name, "shoppego_undecided_by_time", "1000 1 1"),
    (orders.name, "shoppego_undecided_by_shop", "1000 100 1 1"),
    (orders.name, "shoppego_unarchived_by_time", "500000 1 1 1"),
    (orders.name, "shoppego_unarchived_by_shop", "500000 50000 1 1 1"),
    (orders.name, "shoppego_archived_by_time", "100000 1 1 1"),
    (orders.name, "shoppego_archived_by_shop", "100000 10000 1 1 1"),
    (orders.name, "shoppego_drafts_by_time", "1000 1 1 1 1"),
    (orders.name, "shoppego_drafts_by_shop", "1000 100 1 1 1 1"),
    (orders.name, "shoppego_cancelled_by_time", "10000 1 1 1 1"),
    (orders.name, "shoppego_cancelled_by_shop", "10000 1000 1 1 1 1"),
    (orders.name, "shoppego_abandoned_by_time", "100000 1 1 1 1"),
    (orders.name, "shoppego_abandoned_by_shop", "100000 10000 1 1 1 1"),
    (orders.name, "shoppego_unpaid_by_time", "100000 1 1 1 1 1"),
    (orders.name, "shoppego_unpaid_by_shop", "100000 10000 1 1 1 1 1"),
    (orders.name, "shoppego_in_fulfillment_by_time", "500000 100000 1 1 1 1"),
    (orders.name, "shoppego_in_fulfillment_by_shop", "500000 50000 10000 1 1 1 1"),
    (orders.name, "shoppego_open_recoveries", "1000 1 1"),
    (orders.name, "shoppego_open_recoveries_by_shop", "1000 100 1 1"),
    (order_lines.name, order_lines.name, "3000000 3 1"),
    (order_tags.name, order_tags.name, "1000000 10000 1"),
    (order_tags.name, "shoppego_tags_by_order", "1000000 1 1"),
    (exports.name, "shoppego_exports_by_time", "10000 1 1"),
    (exports.name, "shoppego_exports_by_shop_and_time", "10000 100 1 1"),
    (exports.name, "shoppego_open_exports", "10 1 1"),
)
"""What SQLite is told of each index: entries, and how many share its first columns.

Left to guess, it reads a shop's whole history to find the few undecided orders in it.
"""
