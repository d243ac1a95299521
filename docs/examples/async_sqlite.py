"""An async order store and task log over aiosqlite, as a host might write them.

An order is kept as its document, beside the few columns that narrow a question down. What a query
means is left to ``OrderQuery.matches``.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import aiosqlite
import attrs

from shoppego_orders import (
    LineRow,
    Order,
    OrderEvent,
    OrderQuery,
    OrderRow,
    Outcome,
    Task,
    event_from_json,
    event_to_json,
    order_from_json,
    order_to_json,
)
from shoppego_orders.adapters.memory import RecordingMailer
from shoppego_orders.errors import (
    DuplicateOrder,
    NaiveDatetime,
    OrderNotFound,
    StaleOrder,
    StoreUnusable,
    TaskNotClaimed,
    TaskSettled,
)

TABLES = """
CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY, shop TEXT, number TEXT, placed_at TEXT, customer_key TEXT,
    completed_at TEXT, abandoned_at TEXT, decided INTEGER, version INTEGER, document TEXT,
    UNIQUE (shop, number)
);
CREATE INDEX IF NOT EXISTS orders_by_time ON orders (placed_at, id);
CREATE INDEX IF NOT EXISTS orders_by_customer ON orders (customer_key);
CREATE INDEX IF NOT EXISTS undecided_orders ON orders (placed_at, id) WHERE NOT decided;
CREATE TABLE IF NOT EXISTS events (
    order_id TEXT, number INTEGER, document TEXT, PRIMARY KEY (order_id, number)
);
CREATE TABLE IF NOT EXISTS tasks (
    key TEXT PRIMARY KEY, claimed_at TEXT, outcome TEXT, settled_at TEXT, note TEXT
);
"""

Values = tuple[Any, ...]


class Database:
    """An SQLite file: one connection that is used in turns, and one more for each open stream."""

    def __init__(self, path: Path | str, connection: aiosqlite.Connection) -> None:
        self._path, self._connection = path, connection
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, path: Path | str) -> Self:
        """Open a file, and make its tables if it has none."""
        connection = await aiosqlite.connect(path, isolation_level=None)
        # Streams go on reading what was there when they began, whatever is written meanwhile.
        await connection.executescript(f"PRAGMA journal_mode = WAL; {TABLES}")
        return cls(path, connection)

    async def close(self) -> None:
        """Close the file."""
        await self._connection.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[aiosqlite.Connection]:
        """All that is done with the connection is written, or nothing, also where it is cancelled.

        :raises StoreUnusable: where the database fails.
        """
        async with self._turn:
            with self._told():
                await self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                except BaseException:
                    await self._connection.rollback()
                    raise
                await self._connection.commit()

    async def found(self, question: str, *parameters: object) -> list[Values]:
        """Ask for a few rows; what changes rows is written at once, and tells of each."""
        async with self._turn:
            with self._told():
                found = await self._connection.execute_fetchall(question, parameters)
        return [tuple(row) for row in found]

    async def stream(self, question: str, *parameters: object) -> AsyncGenerator[Values]:
        """Ask for any number of rows."""
        with self._told():
            async with (
                aiosqlite.connect(self._path) as connection,
                connection.execute(question, parameters) as cursor,
            ):
                async for row in cursor:
                    yield tuple(row)

    @contextmanager
    def _told(self) -> Generator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreUnusable(str(self._path), str(error)) from error


@attrs.frozen
class AsyncSqliteOrderStore:
    """An ``AsyncOrderStore``."""

    database: Database

    async def get(self, order_id: str) -> Order:
        """Load an order, with its version and no changes."""
        question = "SELECT document, version, decided FROM orders WHERE id = ?"
        for values in await self.database.found(question, _stored(order_id)):
            return _read(*values)[0]
        raise OrderNotFound(order_id)

    async def save(self, order: Order) -> Order:
        """Write an order's state and its new events, in one transaction."""
        async with self.database.transaction() as connection:
            known = await connection.execute_fetchall(
                "SELECT version, decided, completed_at, abandoned_at FROM orders WHERE id = ?",
                (order.id,),
            )
            decided = order.decided
            if order.version or not order.changes:
                decided = _checked(order, known)
                if not order.changes:
                    return attrs.evolve(order, decided=decided)
            number = order.version + len(order.changes)
            saved = attrs.evolve(order, version=number, decided=decided, changes=())
            fixed = (order.id, order.shop, order.number, _text(order.placed_at))
            try:
                if order.version:
                    await connection.execute(_REPLACE, (*_changing(saved), order.id))
                else:
                    await connection.execute(_ADD, (*fixed, *_changing(saved)))
            except sqlite3.IntegrityError:
                raise DuplicateOrder(order.id, order.shop, order.number) from None
            await connection.executemany(
                "INSERT INTO events VALUES (?, ?, ?)",
                [
                    (order.id, place, event_to_json(event))
                    for place, event in enumerate(order.changes, order.version + 1)
                ],
            )
        return saved

    async def rows(self, query: OrderQuery) -> AsyncIterator[OrderRow]:
        """Yield the rows that match, by (placed_at, id) or the other way round."""
        async with aclosing(self._matching(query)) as matching:
            async for _, row in matching:
                yield row

    async def lines(self, query: OrderQuery) -> AsyncIterator[LineRow]:
        """Yield the line items of the orders that match, in the same order, then by position."""
        async with aclosing(self._matching(query)) as matching:
            async for order, row in matching:
                for position, line in enumerate(order.lines, 1):
                    yield LineRow.of(row, position, line)

    async def count(self, query: OrderQuery) -> int:
        """Count the orders that match; ``limit`` is not looked at."""
        number = 0
        async for _ in self._matching(attrs.evolve(query, limit=None)):
            number += 1
        return number

    async def events(self, order_id: str) -> Sequence[OrderEvent]:
        """Return an order's whole history, oldest first."""
        question = "SELECT document FROM events WHERE order_id = ? ORDER BY number"
        found = await self.database.found(question, _stored(order_id))
        if not found:
            raise OrderNotFound(order_id)
        return [event_from_json(document) for (document,) in found]

    async def settle_kept(self, judged: Sequence[OrderRow]) -> None:
        """Note that a sweep judged these orders; unknown and newer ones are passed over."""
        known = [
            (_stored(row.id), _text(row.completed_at), _text(row.abandoned_at)) for row in judged
        ]
        async with self.database.transaction() as connection:
            await connection.executemany(
                "UPDATE orders SET decided = 1 WHERE id = ? AND completed_at IS ?"
                " AND abandoned_at IS ?",
                known,
            )

    async def _matching(self, query: OrderQuery) -> AsyncGenerator[tuple[Order, OrderRow]]:
        left = query.limit
        question, parameters = _narrowed(query)
        # Closed here and now where the limit ends it, and not when its garbage is collected.
        async with aclosing(self.database.stream(question, *parameters)) as found:
            async for values in found:
                order, row = _read(*values)
                if query.matches(row):
                    yield order, row
                    left = None if left is None else left - 1
                    if left == 0:
                        return


_ADD = "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_REPLACE = (
    "UPDATE orders SET customer_key = ?, completed_at = ?, abandoned_at = ?, decided = ?,"
    " version = ?, document = ? WHERE id = ?"
)


def _checked(order: Order, known: Iterable[Any]) -> bool:
    """Tell whether a stored order is decided once this is saved; refuse one that is stale."""
    for version, decided, completed_at, abandoned_at in known:
        if version != order.version:
            raise StaleOrder(order.id, order.version, version)
        # What has become a purchase since, or was marked, is looked at again.
        same = (completed_at, abandoned_at) == (
            _text(order.completed_at),
            _text(order.abandoned_at),
        )
        return order.decided or (bool(decided) and same)
    raise OrderNotFound(order.id)


def _changing(order: Order) -> Values:
    return (
        order.customer_key,
        _text(order.completed_at),
        _text(order.abandoned_at),
        order.decided,
        order.version,
        order_to_json(order),
    )


@lru_cache(maxsize=1000)  # orders are frozen: whoever reads one again may have the same
def _read(document: str, version: int, decided: int) -> tuple[Order, OrderRow]:
    order = attrs.evolve(order_from_json(document), version=version, decided=bool(decided))
    return order, OrderRow.of(order)


def _narrowed(query: OrderQuery) -> tuple[str, list[object]]:
    """At least the orders that match, in their sequence, and their parameters."""
    conditions: list[str] = []
    parameters: list[object] = []
    if query.shop is not None:
        conditions.append("shop = ?")
        parameters.append(query.shop)
    for name, texts in (("id", query.ids), ("customer_key", query.customer_keys)):
        if texts is not None:
            # One parameter, for a database limits their number.
            conditions.append(f"{name} IN (SELECT value FROM json_each(?))")  # noqa: S608  # a name of ours
            parameters.append(json.dumps(sorted(texts)))
    if query.placed is not None:
        conditions.append("placed_at >= ? AND placed_at < ?")
        parameters += [_text(query.placed.start), _text(query.placed.end)]
    if query.decided is not None:
        conditions.append("decided" if query.decided else "NOT decided")
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    way = "DESC" if query.newest_first else "ASC"
    ordered = f"ORDER BY placed_at {way}, id {way}"
    question = f"SELECT document, version, decided FROM orders {where} {ordered}"  # noqa: S608  # what is asked for is in the parameters
    return question, parameters


@attrs.frozen
class AsyncSqliteTaskLog:
    """An ``AsyncTaskLog``."""

    database: Database

    async def claim(self, key: str, at: datetime) -> bool:
        """Claim a task; of several who try, one gets True, and nobody ever again."""
        add = "INSERT INTO tasks VALUES (?, ?, NULL, NULL, '') ON CONFLICT DO NOTHING RETURNING 1"
        return bool(await self.database.found(add, key, _text(at)))

    async def settle(self, key: str, outcome: Outcome, at: datetime, note: str = "") -> None:
        """Say how a claimed task ended; repeating the same outcome changes nothing."""
        settle = (
            "UPDATE tasks SET outcome = ?, settled_at = ?, note = ?"
            " WHERE key = ? AND outcome IS NULL RETURNING 1"
        )
        if await self.database.found(settle, outcome.value, _text(at), _readable(note), key):
            return
        before = await self.database.found("SELECT outcome FROM tasks WHERE key = ?", key)
        if not before:
            raise TaskNotClaimed(key)
        if before[0][0] != outcome:
            raise TaskSettled(key, before[0][0])

    async def tasks(self, prefix: str = "") -> AsyncIterator[Task]:
        """Yield the tasks whose key begins so, by key; with those never settled."""
        question = (
            "SELECT key, claimed_at, outcome, settled_at, note FROM tasks"
            " WHERE substr(key, 1, ?) = ? ORDER BY key"
        )
        async with aclosing(self.database.stream(question, len(prefix), prefix)) as found:
            async for key, claimed_at, outcome, settled_at, note in found:
                yield Task(
                    key,
                    datetime.fromisoformat(claimed_at),
                    None if outcome is None else Outcome(outcome),
                    None if settled_at is None else datetime.fromisoformat(settled_at),
                    note,
                )


class Outbox:
    """An ``AsyncMailer`` that sends nothing, and keeps every message."""

    def __init__(self) -> None:
        self._kept = RecordingMailer()

    @property
    def messages(self) -> Sequence[EmailMessage]:
        """What was sent, oldest first."""
        return self._kept.messages

    async def send(self, message: EmailMessage) -> None:
        """Keep one message; a client of a mail server would be awaited here."""
        await asyncio.sleep(0)
        self._kept.send(message)


def _text(instant: datetime | None) -> str | None:
    """An instant as a text that sorts as instants do."""
    if instant is None:
        return None
    if instant.utcoffset() is None:
        raise NaiveDatetime("at", instant)
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def _readable(text: str) -> str:
    """A text with U+FFFD for NUL and lone surrogates, as orders have it already."""
    return "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text)


def _stored(text: str) -> str:
    """A text as SQLite takes it: a lone surrogate, which no stored order has in its id, is "?"."""
    return text.encode("utf-8", "replace").decode()
