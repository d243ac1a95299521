"""Every field of an ``OrderQuery`` as SQL; nothing is left to be filtered in Python."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Integer,
    ScalarSelect,
    Select,
    Text,
    UnaryExpression,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
    tuple_,
)

from shoppego_orders.adapters.sql.dialects import contains, one_of
from shoppego_orders.adapters.sql.schema import order_lines, order_tags, orders
from shoppego_orders.order import OrderRow
from shoppego_orders.periods import Period, epoch_micros
from shoppego_orders.query import OrderQuery
from shoppego_orders.texts import UNSTORABLE

ROW_WIDTH: Final = len(OrderRow._fields)
"""How many columns of a statement are the row's; those of a line follow."""

_ROW: Final = [orders.c[name] for name in OrderRow._fields]
_LINE: Final = [each for each in order_lines.c if each.name != "order_id"]
_MOST_ROWS: Final = 2**63 - 1

Condition = ColumnElement[bool]
Some = Select[*tuple[Any, ...]]  # Any: so many columns, each of its kind


def select_rows(query: OrderQuery) -> Some:
    """The columns of the rows that match, in their order."""
    return _limited(select(*_ROW).where(*conditions(query)).order_by(*_ordered(query)), query)


def select_fields(query: OrderQuery, fields: Sequence[str]) -> Some:
    """Some columns of the rows that match, in their order."""
    wanted = [orders.c[name] for name in fields]
    return _limited(select(*wanted).where(*conditions(query)).order_by(*_ordered(query)), query)


def select_lines(query: OrderQuery) -> Some:
    """The columns of the row and of each of its line items, in their order."""
    lines = select(*_ROW, *_LINE).join_from(
        orders, order_lines, order_lines.c.order_id == orders.c.id
    )
    if query.limit is None:
        lines = lines.where(*conditions(query))
    else:
        # The limit counts orders, not lines.
        chosen = select(orders.c.id).where(*conditions(query)).order_by(*_ordered(query))
        limited = chosen.limit(min(query.limit, _MOST_ROWS)).subquery()
        lines = lines.where(orders.c.id.in_(select(limited.c.id)))
    return lines.order_by(*_ordered(query), order_lines.c.position)


def select_count(query: OrderQuery) -> Select[int]:
    """How many orders match."""
    return select(func.count()).select_from(orders).where(*conditions(query))


def select_counts(counted: Iterable[OrderQuery], most: int) -> Some:
    """How many orders match each query, counted as far as ``most``: one row."""
    # Any: as many columns as there are counts
    counts: list[Any] = [_counted(query, most) for query in counted]
    return select(*counts)


def _counted(query: OrderQuery, most: int) -> ScalarSelect[int]:
    one = literal_column("1", Integer)
    found = select(one).select_from(orders).where(*conditions(query)).limit(most)
    return select(func.count()).select_from(found.subquery()).scalar_subquery()


def _limited(rows: Some, query: OrderQuery) -> Some:
    return rows if query.limit is None else rows.limit(min(query.limit, _MOST_ROWS))


def conditions(query: OrderQuery) -> Iterator[Condition]:
    """What must hold of an order, field by field as in ``OrderQuery.matches``."""
    columns = orders.c
    if query.shop is not None:
        yield _is(columns.shop, query.shop)
    if query.ids is not None:
        yield one_of(columns.id, query.ids)
    if query.placed is not None:
        yield from _within(columns.placed_at, query.placed)
    if query.completed is not None:
        yield from _within(columns.completed_at, query.completed)
    yield from _of_statuses(query)
    if query.source is not None:
        yield one_of(columns.source, query.source)
    if query.customer_keys is not None:
        yield one_of(columns.customer_key, query.customer_keys)
    yield from _in_totals(query)
    if query.tag is not None:
        tagged = order_tags.c.order_id == columns.id
        yield exists().where(tagged, _is(order_tags.c.tag, query.tag))
    if query.search is not None:
        yield _found(query.search, query.search_phones)
    if query.after is not None:
        place = tuple_(columns.placed_at, columns.id)
        after = tuple_(epoch_micros(query.after.placed_at), query.after.id)
        yield place < after if query.newest_first else place > after


def _of_statuses(query: OrderQuery) -> Iterator[Condition]:
    columns = orders.c
    for status, words in (
        (columns.life, query.life),
        (columns.fulfillment, query.fulfillment),
        (columns.payment_status, query.payment_status),
    ):
        if words is not None:
            yield _one_word(status, words)
    if query.archived is not None:
        yield _flag(columns.archived, query.archived)
    if query.abandoned is not None:
        missed = columns.abandoned_at
        yield missed.is_not(None) if query.abandoned else missed.is_(None)
    if query.decided is not None:
        yield _flag(columns.decided, query.decided)
    if query.recovery is not None:
        yield _one_word(columns.recovery, query.recovery)


# Any: columns of two kinds
def _ordered(query: OrderQuery) -> tuple[UnaryExpression[Any], UnaryExpression[Any]]:
    if query.newest_first:
        return orders.c.placed_at.desc(), orders.c.id.desc()
    return orders.c.placed_at.asc(), orders.c.id.asc()


def _is(searched: ColumnElement[str], text: str) -> Condition:
    # What can't be stored is not asked for: a driver would refuse it.
    return false() if UNSTORABLE.search(text) else searched == text


def _flag(flag: ColumnElement[bool], wanted: bool) -> Condition:  # noqa: FBT001  # the value itself
    # Written out, not as a parameter: else no partial index is taken.
    return flag == (true() if wanted else false())


def _one_word(status: ColumnElement[str], words: Collection[StrEnum]) -> Condition:
    # Written out, not as parameters: else no partial index is taken.
    written = [literal_column(f"'{word}'", Text) for word in sorted(words)]
    return status == written[0] if len(written) == 1 else status.in_(written)


def _within(instant: ColumnElement[int], period: Period) -> tuple[Condition, Condition]:
    return instant >= epoch_micros(period.start), instant < epoch_micros(period.end)


def _in_totals(query: OrderQuery) -> Iterator[Condition]:
    if query.total_min is not None:
        yield orders.c.currency == query.total_min.currency
        yield orders.c.total >= query.total_min.minor
    if query.total_max is not None:
        yield orders.c.currency == query.total_max.currency
        yield orders.c.total <= query.total_max.minor


def _found(term: str, phones: Collection[str]) -> Condition:
    # Not LIKE: % and _ are ordinary characters in a name, and case is folded already.
    return or_(
        contains(orders.c.search_text, term),
        *(contains(orders.c.phone_digits, digits) for digits in phones),
    )
