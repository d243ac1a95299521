"""The SQL store of orders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from itertools import chain, groupby, islice
from typing import Any, Final, Self, final

import attrs
from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Executable,
    and_,
    bindparam,
    delete,
    false,
    insert,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError

from shoppego_orders.adapters.sql import queries
from shoppego_orders.adapters.sql.columns import (
    Values,
    line_of,
    line_values,
    plain_columns,
    row_of,
    values_of,
)
from shoppego_orders.adapters.sql.database import Opened
from shoppego_orders.adapters.sql.dialects import inserts_of_what_is_free
from shoppego_orders.adapters.sql.prepared import Prepared
from shoppego_orders.adapters.sql.queries import select_counts
from shoppego_orders.adapters.sql.schema import order_events, order_lines, order_tags, orders
from shoppego_orders.errors import (
    BrokenHistory,
    DuplicateOrder,
    InvalidValue,
    OrderNotFound,
    OrdersError,
    StaleOrder,
)
from shoppego_orders.order import LineRow, Order, OrderEvent, OrderRow
from shoppego_orders.order.events import LinesChanged, OfferAccepted, TagsSet
from shoppego_orders.periods import epoch_micros
from shoppego_orders.ports import saved_or_refused
from shoppego_orders.query import OrderQuery
from shoppego_orders.serialization import (
    event_from_json,
    event_to_json,
    order_from_json,
    order_to_json,
)
from shoppego_orders.texts import UNSTORABLE


@final
class SqlOrderStore(Opened):
    """An :class:`~shoppego_orders.ports.OrderStore` in a SQL database.

    ``SqlOrderStore.open("orders.sqlite")`` opens a file, and makes its tables where it has none.
    Besides what the methods say, each raises :exc:`~shoppego_orders.errors.StoreUnusable` where
    the database fails or is damaged, and nothing is then written, unless the error says
    ``perhaps_written``: saved again, it is never written twice.
    """

    def get(self, order_id: str) -> Order:
        """Load an order, with its version and no changes.

        :raises OrderNotFound: if there is none.
        :raises InvalidDocument: if what is stored of it is damaged.
        """
        if UNSTORABLE.search(order_id):
            raise OrderNotFound(order_id)
        with self.database.reading() as connection:
            found = connection.execute(_GET, {"id": order_id}).one_or_none()
        if found is None:
            raise OrderNotFound(order_id)
        document, version, decided = found
        with self.database.decoding():
            return attrs.evolve(order_from_json(document), version=version, decided=decided)

    def save(self, order: Order) -> Order:
        """Write an order's state and its new events, in one transaction.

        :returns: the order at its new version, without changes.
        :raises DuplicateOrder: if it is new, and its id, or its number in the shop, is taken.
        :raises StaleOrder: if someone saved it first; nothing is written.
        :raises OrderNotFound: if it was stored, and is no longer.
        """
        if not order.changes:
            with self.database.reading() as connection:
                return attrs.evolve(order, decided=_stored_decision(connection, order))
        # All that can be done before the lock is taken.
        written = _Written.of(order)
        with self.database.writing() as connection:
            if order.version == 0:
                _add_one(connection, written)
                decided = order.decided
            else:
                decided = _replace(connection, written)
        return written.saved(decided=decided)

    def save_many(self, orders: Iterable[Order]) -> Sequence[Order | OrdersError]:
        """Save several orders in one transaction; see :func:`~shoppego_orders.ports.save_many`.

        New orders that follow each other are written together, which is the fastest way in.

        :returns: what became of each, in the same sequence.
        :raises StoreUnusable: where the database fails; nothing is written.
        """
        # Taken whole before the lock is: they may come from a stream that is being written to.
        whole = list(orders)
        outcomes: list[Order | OrdersError] = []
        with self.database.batch():
            for new, run in groupby(whole, _is_new):
                if new:
                    while together := [*map(_Written.of, islice(run, _TOGETHER))]:
                        outcomes += self._added(together)
                else:
                    outcomes += (saved_or_refused(self, order) for order in run)
        return outcomes

    def _added(self, new: Sequence[_Written]) -> Sequence[Order | OrdersError]:
        try:
            with self.database.writing() as connection:
                return _add(connection, new)
        except InvalidValue as refused:
            if len(new) == 1:
                return [refused]
        # One of them can't be stored; nobody knows which.
        return [outcome for each in new for outcome in self._added([each])]

    def batch(self) -> AbstractContextManager[None]:
        """Write all that this thread saves within, in one transaction: ``with store.batch():``.

        Much faster for many orders. A save that raises an
        :exc:`~shoppego_orders.errors.OrdersError` is undone alone, and the batch may go on; an
        exception that leaves the block undoes all of it. So does a database that ends the
        transaction itself; whatever follows in the block, and its end, then raise. Within it this
        thread sees what it has written, others don't yet; and other writers wait.
        """
        return self.database.batch()

    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        """Yield the rows that match, by (placed_at, id) or the other way round.

        They are streamed, as they were when the first was asked for; writing meanwhile, to the
        same store too, neither disturbs nor waits.
        """
        return self.database.stream(queries.select_rows(query), row_of)

    def columns(
        self, query: OrderQuery, fields: Sequence[str]
    ) -> Iterator[Sequence[Sequence[Any]]]:  # Any: each column's values are of its kind
        """Yield some fields of the rows that match, in the same order, as plain values.

        Some hundreds of rows at a time, straight from the columns; see
        :class:`~shoppego_orders.ports.ColumnStore`.

        :param fields: of ``OrderRow``.
        :raises InvalidValue: for a name that is none of them.
        """
        for field in fields:
            if field not in OrderRow._fields:
                raise InvalidValue("fields", field, "fields of OrderRow")
        return self._columns(queries.select_fields(query, fields), fields)

    def _columns(
        self, question: Executable, fields: Sequence[str]
    ) -> Iterator[Sequence[Sequence[Any]]]:  # Any: each column's values are of its kind
        for rows in self.database.chunks(question):
            with self.database.decoding():
                yield plain_columns(fields, rows)

    def lines(self, query: OrderQuery) -> Iterator[LineRow]:
        """Yield the line items of the orders that match, in the same order, then by position."""
        order: OrderRow | None = None

        def decode(values: Values) -> LineRow:
            nonlocal order
            if order is None or order.id != values[0]:
                order = row_of(values[: queries.ROW_WIDTH])
            return line_of(order, values[queries.ROW_WIDTH :])

        return self.database.stream(queries.select_lines(query), decode)

    def count(self, query: OrderQuery) -> int:
        """Count the orders that match; ``limit`` is not looked at."""
        with self.database.reading() as connection:
            counted: int = connection.execute(queries.select_count(query)).scalar_one()
            return counted

    def count_up_to(self, queries: Sequence[OrderQuery], most: int) -> Sequence[int]:
        """Count the orders that match each query, as far as ``most``, in one question.

        What the tabs of the Orders page show is found through indexes, however much the store
        holds. Where few of many match something else, those many are read.

        :returns: for each query, in the same sequence, its count or ``most``, the smaller.
        """
        if not queries:
            return []
        with self.database.reading() as connection:
            return tuple(connection.execute(select_counts(queries, most)).one())

    def events(self, order_id: str) -> Sequence[OrderEvent]:
        """Return an order's whole history, oldest first.

        :raises OrderNotFound: if there is no such order.
        """
        if UNSTORABLE.search(order_id):
            raise OrderNotFound(order_id)
        with self.database.reading() as connection:
            found = connection.execute(_EVENTS, {"id": order_id}).scalars().all()
        # No order is without events.
        if not found:
            raise OrderNotFound(order_id)
        with self.database.decoding():
            return tuple(map(event_from_json, found))

    def settle_kept(self, judged: Iterable[OrderRow]) -> None:
        """Note that a sweep judged these orders; unknown and newer ones are passed over."""
        # Taken whole before the lock is: they may come from a stream that is being written to.
        # By id: two that wrote in different orders could wait for each other.
        rows = sorted((row for row in judged if not UNSTORABLE.search(row.id)), key=_id)
        known = [
            {
                "known_id": row.id,
                "known_completed_at": _micros_or_none(row.completed_at),
                "known_abandoned_at": _micros_or_none(row.abandoned_at),
            }
            for row in rows
        ]
        if known:
            with self.database.batch(), self.database.writing() as connection:
                _SETTLE.execute_many(connection, known)

    def rewrite(self, histories: Iterable[Sequence[OrderEvent]]) -> None:
        """Put other histories in the place of orders' own, all of them in one transaction.

        Of what was there the database may still keep bytes, until ``database.vacuum()``.

        :raises StaleOrder: if an order is stored at another version; nothing is written.
        :raises OrderNotFound: if there is no such order; nothing is written.
        :raises BrokenHistory: for what can't be replayed; nothing is written.
        """
        rewritten = [_Written.again(history) for history in histories]
        with self.database.batch(), self.database.writing() as connection:
            for each in rewritten:
                before = attrs.evolve(each.order, version=each.version - 1)
                _write_over(connection, before, each.values)
                for gone in (_DELETE_EVENTS, _DELETE_LINES, _DELETE_TAGS):
                    connection.execute(gone, {"id": before.id})
                _add_parts(connection, [each])

    def disagreements(self) -> Iterator[str]:
        """Prove that columns, lines, tags and events say what the documents say.

        And that a SQLite file is sound, page by page. Reads everything, so this is for tests and
        for doubts: a disk that failed, a copy that was made while the store was in use.

        :returns: one sentence for each that does not; none at all if all is well.
        :raises StoreUnusable: where it can't even be read.
        """
        yield from self.database.damage()
        for order, row in self.database.stream(_EVERYTHING, _order_and_row):
            for field, stored, derived in zip(
                OrderRow._fields, row, OrderRow.of(order), strict=True
            ):
                if stored != derived:
                    yield f"order {row.id}: column {field} is {stored!r}, and not {derived!r}"
            if self._stored_lines(row) != [
                LineRow.of(row, position, line) for position, line in enumerate(order.lines, 1)
            ]:
                yield f"order {row.id}: its lines are not those of its document"
            with self.database.reading() as connection:
                tags = connection.execute(_TAGS, {"id": row.id}).scalars().all()
            if set(tags) != set(order.tags):
                yield f"order {row.id}: its tags are not those of its document"
            if not self._makes(order):
                yield f"order {row.id}: its events do not make its document"

    def _makes(self, order: Order) -> bool:
        """Whether the stored events make the order, at its version."""
        try:
            events = self.events(order.id)
            return len(events) == order.version and Order.replay(events) == order
        except (BrokenHistory, OrderNotFound):
            return False

    def _stored_lines(self, row: OrderRow) -> Sequence[LineRow]:
        with self.database.reading() as connection:
            found: Sequence[Values] = connection.execute(_LINES, {"id": row.id}).all()
        with self.database.decoding():
            return [line_of(row, values) for values in found]


def _order_and_row(values: Values) -> tuple[Order, OrderRow]:
    document, version, row = values[0], values[1], row_of(values[2:])
    return attrs.evolve(order_from_json(document), version=version, decided=row.decided), row


@attrs.frozen
class _Written:
    """An order that is to be saved, and what will stand for it in the tables."""

    order: Order
    version: int
    values: dict[str, object]
    events: Sequence[dict[str, object]]

    @classmethod
    def of(cls, order: Order) -> Self:
        version = order.version + len(order.changes)
        values = values_of(OrderRow.of(order))
        values |= {"version": version, "document": order_to_json(order)}
        numbered = enumerate(order.changes, order.version + 1)
        return cls(
            order, version, values, [_event_values(each, number) for number, each in numbered]
        )

    def saved(self, *, decided: bool) -> Order:
        """The order as the store has it now."""
        return attrs.evolve(self.order, version=self.version, decided=decided, changes=())

    @classmethod
    def again(cls, history: Sequence[OrderEvent]) -> Self:
        """All of an order that is stored, as another history makes it."""
        # Undecided: what is stored stays so, and nothing else decides it.
        order = attrs.evolve(Order.replay(history), version=0, decided=False)
        return cls.of(attrs.evolve(order, changes=tuple(history)))


def _add_one(connection: Connection, new: _Written) -> None:
    # Of one alone the error tells as much as an answer would, and is a fifth faster to ask for.
    try:
        _ADD_ONE.execute(connection, new.values)
    except IntegrityError:
        raise DuplicateOrder(new.order.id, new.order.shop, new.order.number) from None
    _add_parts(connection, [new])


def _add(connection: Connection, new: Sequence[_Written]) -> Sequence[Order | DuplicateOrder]:
    """Add those whose id and number are free, and tell of each what became of it."""
    add = _ADD[connection.dialect.name]
    added = set(map(tuple, connection.execute(add, [each.values for each in new])))
    outcomes: list[Order | DuplicateOrder] = []
    written: list[_Written] = []
    for each in new:
        order = each.order
        key = order.id, order.shop, order.number
        # Of several with the same key the first was added, or none.
        if key in added:
            added.remove(key)
            written.append(each)
            outcomes.append(each.saved(decided=order.decided))
        else:
            outcomes.append(DuplicateOrder(*key))
    if written:
        _add_parts(connection, written)
    return outcomes


def _add_parts(connection: Connection, written: Sequence[_Written]) -> None:
    """Add the events, and the lines and tags of which none are there."""
    _ADD_EVENT.execute_many(connection, [event for each in written for event in each.events])
    _add_lines(connection, [each.order for each in written])
    _add_tags(connection, [each.order for each in written])


def _add_lines(connection: Connection, written: Iterable[Order]) -> None:
    lines = chain.from_iterable(map(line_values, written))
    _ADD_LINE.execute_many(connection, list(lines))


def _add_tags(connection: Connection, written: Iterable[Order]) -> None:
    tags = [{"order_id": order.id, "tag": tag} for order in written for tag in order.tags]
    _ADD_TAG.execute_many(connection, tags)


def _replace(connection: Connection, new: _Written) -> bool:
    """Write what an order has become, and tell whether it is decided."""
    order = new.order
    decided = _write_over(connection, order, new.values)
    _ADD_EVENT.execute_many(connection, new.events)
    happened = [event.data for event in order.changes]
    if any(isinstance(data, LinesChanged | OfferAccepted) for data in happened):
        connection.execute(_DELETE_LINES, {"id": order.id})
        _add_lines(connection, [order])
    if any(isinstance(data, TagsSet) for data in happened):
        connection.execute(_DELETE_TAGS, {"id": order.id})
        _add_tags(connection, [order])
    return decided


def _write_over(connection: Connection, order: Order, values: dict[str, object]) -> bool:
    """Write over the version that the order was loaded at, and tell whether it is decided.

    One guarded statement: to look first and write then would let two writers through.
    """
    known = {"known_id": order.id, "known_version": order.version}
    while True:
        decided = _REPLACE.execute(connection, values | known).scalar_one_or_none()
        if decided is not None:
            return bool(decided)
        # Raises; or else somebody has just written that very version, and it is to be replaced.
        _stored_decision(connection, order)


def _stored_decision(connection: Connection, order: Order) -> bool:
    """Tell whether the order is decided, if it is still stored at its version."""
    stored = connection.execute(_STORED, {"id": order.id}).one_or_none()
    if stored is None:
        raise OrderNotFound(order.id)
    version: int = stored.version
    decided: bool = stored.decided
    if version != order.version:
        raise StaleOrder(order.id, order.version, version)
    return decided


def _is_new(order: Order) -> bool:
    return order.version == 0 and bool(order.changes)


def _id(row: OrderRow) -> str:
    return row.id


def _micros_or_none(instant: datetime | None) -> int | None:
    return None if instant is None else epoch_micros(instant)


def _event_values(event: OrderEvent, number: int) -> dict[str, object]:
    return {
        "order_id": event.order_id,
        "number": number,
        "type": event.type,
        "occurred_at": epoch_micros(event.occurred_at),
        "recorded_at": epoch_micros(event.recorded_at),
        "document": event_to_json(event),
    }


_TOGETHER: Final = 500
"""How many new orders are written at once: what they are in the tables is held in memory."""
# Built once: what is built anew is compiled anew.
_FIXED: Final = frozenset({"id", "shop", "number", "placed_at"})
"""What no event changes; left out of an update, their indexes stay as they are."""
_BY_ID: Final = orders.c.id == bindparam("id")
_GET: Final = select(orders.c.document, orders.c.version, orders.c.decided).where(_BY_ID)
_STORED: Final = select(orders.c.version, orders.c.decided).where(_BY_ID)
_EVERYTHING: Final = select(
    orders.c.document, orders.c.version, *(orders.c[name] for name in OrderRow._fields)
).order_by(orders.c.placed_at, orders.c.id)
_ADD_ONE: Final = Prepared(insert(orders))
_ADD: Final = inserts_of_what_is_free(orders, orders.c.id, orders.c.shop, orders.c.number)
_CHANGED: Final[dict[str, ColumnElement[Any]]] = {  # Any: one column of each kind
    column.name: bindparam(column.name) for column in orders.c if column.name not in _FIXED
}
_CHANGED["decided"] = or_(
    bindparam("decided", type_=Boolean),
    and_(
        orders.c.decided,
        orders.c.completed_at.is_not_distinct_from(bindparam("completed_at", type_=BigInteger)),
        orders.c.abandoned_at.is_not_distinct_from(bindparam("abandoned_at", type_=BigInteger)),
    ),
)
_REPLACE: Final = Prepared(
    update(orders)
    .where(orders.c.id == bindparam("known_id"), orders.c.version == bindparam("known_version"))
    .values(_CHANGED)
    .returning(orders.c.decided)
)
_SETTLE: Final = Prepared(
    update(orders)
    .where(
        orders.c.id == bindparam("known_id"),
        orders.c.decided == false(),
        orders.c.completed_at.is_not_distinct_from(
            bindparam("known_completed_at", type_=BigInteger)
        ),
        orders.c.abandoned_at.is_not_distinct_from(
            bindparam("known_abandoned_at", type_=BigInteger)
        ),
    )
    .values(decided=true())
)
_ADD_EVENT: Final = Prepared(insert(order_events))
_EVENTS: Final = (
    select(order_events.c.document)
    .where(order_events.c.order_id == bindparam("id"))
    .order_by(order_events.c.number)
)
_DELETE_EVENTS: Final = delete(order_events).where(order_events.c.order_id == bindparam("id"))
_ADD_LINE: Final = Prepared(insert(order_lines))
_DELETE_LINES: Final = delete(order_lines).where(order_lines.c.order_id == bindparam("id"))
_LINES: Final = (
    select(*(column for column in order_lines.c if column.name != "order_id"))
    .where(order_lines.c.order_id == bindparam("id"))
    .order_by(order_lines.c.position)
)
_ADD_TAG: Final = Prepared(insert(order_tags))
_DELETE_TAGS: Final = delete(order_tags).where(order_tags.c.order_id == bindparam("id"))
_TAGS: Final = select(order_tags.c.tag).where(order_tags.c.order_id == bindparam("id"))
