"""An order store of a host's own: two tables in SQLite, by the standard library alone.

Each order is kept as the document that ``order_to_json`` writes, beside the few columns that the
database itself must look at. What a query means is left to ``OrderQuery.matches``: SQL narrows by
shop and place, and sorts. That is slower than a store with a column for every filter, and cannot
be wrong about what a filter means.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path

import attrs

from shoppego_orders import (
    LineRow,
    Order,
    OrderEvent,
    OrderQuery,
    OrderRow,
    event_from_json,
    event_to_json,
    order_from_json,
    order_to_json,
)
from shoppego_orders.errors import DuplicateOrder, OrderNotFound, StaleOrder

TABLES = """
CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY,
    shop TEXT NOT NULL,
    number TEXT NOT NULL,
    placed_at TEXT NOT NULL,
    version INTEGER NOT NULL,
    decided INTEGER NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (shop, number)
);
CREATE INDEX IF NOT EXISTS orders_by_place ON orders (placed_at, id);
CREATE TABLE IF NOT EXISTS events (
    order_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (order_id, number)
);
"""
OLDEST_FIRST = """
SELECT placed_at, id, document, version, decided FROM orders
WHERE (placed_at, id) > (?, ?) AND (? IS NULL OR shop = ?)
ORDER BY placed_at ASC, id ASC LIMIT ?
"""
NEWEST_FIRST = OLDEST_FIRST.replace(">", "<").replace("ASC", "DESC")
BATCH = 200


class SqliteStore:
    """An ``OrderStore`` in one SQLite file. Threads may share it: one at a time uses it."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        # No transactions but our own, and no thread of its own.
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.executescript(f"PRAGMA journal_mode = WAL; {TABLES}")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def get(self, order_id: str) -> Order:
        """Load an order."""
        return self._kept(order_id)

    def save(self, order: Order) -> Order:
        """Write the state and the new events: all of it, or nothing."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                saved = self._saved(order)
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
            return saved

    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        """Stream the rows that match."""
        return (OrderRow.of(order) for order in self._matching(query))

    def lines(self, query: OrderQuery) -> Iterator[LineRow]:
        """Stream the line items of the orders that match."""
        for order in self._matching(query):
            row = OrderRow.of(order)
            for position, line in enumerate(order.lines, 1):
                yield LineRow.of(row, position, line)

    def count(self, query: OrderQuery) -> int:
        """Count the orders that match."""
        return sum(1 for _ in self._matching(attrs.evolve(query, limit=None)))

    def events(self, order_id: str) -> Sequence[OrderEvent]:
        """Return a whole history."""
        with self._lock:
            self._kept(order_id)
            found = self._connection.execute(
                "SELECT document FROM events WHERE order_id = ? ORDER BY number", (order_id,)
            ).fetchall()
        return tuple(event_from_json(document) for (document,) in found)

    def settle_kept(self, judged: Iterable[OrderRow]) -> None:
        """Note that a sweep has judged these, where nothing has changed that it judged by."""
        rows = list(judged)  # they may be a stream of this very store
        with self._lock:
            for row in rows:
                try:
                    kept = self._kept(row.id)
                except OrderNotFound:
                    continue
                if _purchase(kept) == (row.completed_at, row.abandoned_at):
                    self._connection.execute(
                        "UPDATE orders SET decided = 1 WHERE id = ?", (row.id,)
                    )

    # Called with the lock held, inside a transaction

    def _saved(self, order: Order) -> Order:
        if order.version == 0 and order.changes:
            return self._added(order)
        kept = self._kept(order.id)
        if kept.version != order.version:
            raise StaleOrder(order.id, order.version, kept.version)
        if not order.changes:
            return attrs.evolve(order, decided=kept.decided)
        still_decided = kept.decided and _purchase(kept) == _purchase(order)
        saved = _without_changes(order, decided=order.decided or still_decided)
        self._connection.execute(
            "UPDATE orders SET version = ?, decided = ?, document = ? WHERE id = ?",
            (saved.version, saved.decided, order_to_json(saved), saved.id),
        )
        self._add_events(order)
        return saved

    def _added(self, order: Order) -> Order:
        saved = _without_changes(order, decided=order.decided)
        place = _sortable(saved.placed_at)
        try:
            self._connection.execute(
                "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)",
                (saved.id, saved.shop, saved.number, place, saved.version, saved.decided,
                 order_to_json(saved)),
            )  # fmt: skip
        except sqlite3.IntegrityError:
            raise DuplicateOrder(order.id, order.shop, order.number) from None
        self._add_events(order)
        return saved

    def _add_events(self, order: Order) -> None:
        for number, event in enumerate(order.changes, order.version + 1):
            self._connection.execute(
                "INSERT INTO events VALUES (?, ?, ?)", (order.id, number, event_to_json(event))
            )

    # Reading

    def _kept(self, order_id: str) -> Order:
        with self._lock:
            try:
                found = self._connection.execute(
                    "SELECT document, version, decided FROM orders WHERE id = ?", (order_id,)
                ).fetchone()
            except UnicodeEncodeError:  # a lone surrogate: nothing has such an id
                found = None
        if found is None:
            raise OrderNotFound(order_id)
        return _loaded(*found)

    def _matching(self, query: OrderQuery) -> Iterator[Order]:
        found = (each for each in self._of_shop(query) if query.matches(OrderRow.of(each)))
        return found if query.limit is None else islice(found, min(query.limit, 2**31))

    def _of_shop(self, query: OrderQuery) -> Iterator[Order]:
        """Yield the orders of the query's shop in its order, from its place on.

        Batch by batch, each from the last order of the one before: whatever is written meanwhile,
        none comes twice, and none that was there is left out.
        """
        place = ("9999-12-32", "") if query.newest_first else ("", "")
        if query.after is not None:
            place = (_sortable(query.after.placed_at), query.after.id)
        while True:
            with self._lock:
                batch = self._connection.execute(
                    NEWEST_FIRST if query.newest_first else OLDEST_FIRST,
                    (*place, query.shop, query.shop, BATCH),
                ).fetchall()
            for placed_at, order_id, *kept in batch:
                place = (placed_at, order_id)
                yield _loaded(*kept)
            if len(batch) < BATCH:
                return


@lru_cache(maxsize=10_000)  # an order never changes, so what was read once need not be read again
def _loaded(document: str, version: int, decided: int) -> Order:
    return attrs.evolve(order_from_json(document), version=version, decided=bool(decided))


def _without_changes(order: Order, *, decided: bool) -> Order:
    version = order.version + len(order.changes)
    return attrs.evolve(order, version=version, decided=decided, changes=())


def _purchase(order: Order) -> tuple[datetime | None, datetime | None]:
    """What a sweep judges an order by; where it changes, the order is looked at again."""
    return order.completed_at, order.abandoned_at


def _sortable(instant: datetime) -> str:
    """Text that sorts as instants do: always UTC, always with microseconds."""
    return instant.isoformat(timespec="microseconds")
