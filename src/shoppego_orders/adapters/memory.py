"""Stores that live and die with the process; the reference for what a port promises.

:class:`MemoryOrderStore` is for tests, notebooks and small tools. It keeps every promise of
:class:`~shoppego_orders.ports.OrderStore` but one: it holds all its orders in memory.
"""

from __future__ import annotations

import threading
from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from datetime import datetime
from email.message import EmailMessage
from email.utils import getaddresses
from itertools import count, islice
from typing import Final
from urllib.parse import quote

import attrs

from shoppego_orders.errors import (
    DuplicateExport,
    DuplicateOrder,
    ExportNotFound,
    InvalidValue,
    MailNotSent,
    OrderNotFound,
    Retry,
    StaleExport,
    StaleOrder,
    TaskNotClaimed,
    TaskSettled,
)
from shoppego_orders.order import LineRow, Order, OrderEvent, OrderRow
from shoppego_orders.periods import utc
from shoppego_orders.ports import Export, Outcome, Task
from shoppego_orders.query import Cursor, OrderQuery
from shoppego_orders.texts import storable


class MemoryOrderStore:
    """An :class:`~shoppego_orders.ports.OrderStore` of dictionaries. Threads may share it.

    What an iterator yields is the store as it was when its first row was asked for.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._kept: dict[str, _Kept] = {}
        self._numbers: set[tuple[str, str]] = set()
        self._places: list[Cursor] = []

    def get(self, order_id: str) -> Order:
        """Load an order, with its version and no changes.

        :raises OrderNotFound: if there is none.
        """
        with self._lock:
            return self._found(order_id).order

    def save(self, order: Order) -> Order:
        """Write an order's state and its new events.

        :returns: the order at its new version, without changes.
        :raises DuplicateOrder: if it is new, and its id, or its number in the shop, is taken.
        :raises StaleOrder: if someone saved it first; nothing is written.
        :raises OrderNotFound: if it was stored, and is no longer.
        """
        with self._lock:
            if order.version == 0 and order.changes:
                return self._added(order)
            kept = self._found(order.id)
            if order.version != kept.order.version:
                raise StaleOrder(order.id, order.version, kept.order.version)
            if not order.changes:
                return attrs.evolve(order, decided=kept.order.decided)
            saved = attrs.evolve(
                order,
                version=order.version + len(order.changes),
                # A purchase is looked at again: it may be the other purchase of an abandoned order.
                decided=order.decided
                or (
                    kept.order.decided
                    and order.completed_at == kept.order.completed_at
                    and order.abandoned_at == kept.order.abandoned_at
                ),
                changes=(),
            )
            self._kept[order.id] = _Kept.of(saved, (*kept.events, *order.changes))
            return saved

    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        """Yield the rows that match, by (placed_at, id) or the other way round."""
        for kept in self._matching(query):
            yield kept.row

    def lines(self, query: OrderQuery) -> Iterator[LineRow]:
        """Yield the line items of the orders that match, in the same order, then by position."""
        for kept in self._matching(query):
            for position, line in enumerate(kept.order.lines, 1):
                yield LineRow.of(kept.row, position, line)

    def count(self, query: OrderQuery) -> int:
        """Count the orders that match; ``limit`` is not looked at."""
        return sum(1 for _ in self._matching(attrs.evolve(query, limit=None)))

    def events(self, order_id: str) -> Sequence[OrderEvent]:
        """Return an order's whole history, oldest first.

        :raises OrderNotFound: if there is no such order.
        """
        with self._lock:
            return self._found(order_id).events

    def settle_kept(self, judged: Iterable[OrderRow]) -> None:
        """Note that a sweep judged these orders; unknown and newer ones are passed over."""
        rows = list(judged)
        with self._lock:
            for row in rows:
                kept = self._kept.get(row.id)
                if kept is None or kept.order.decided:
                    continue
                order = kept.order
                if (order.completed_at, order.abandoned_at) == (row.completed_at, row.abandoned_at):
                    decided = attrs.evolve(order, decided=True)
                    self._kept[row.id] = _Kept.of(decided, kept.events)

    def rewrite(self, histories: Iterable[Sequence[OrderEvent]]) -> None:
        """Put other histories in the place of orders' own, all or none.

        :raises StaleOrder: if an order is stored at another version; nothing is written.
        :raises OrderNotFound: if there is no such order; nothing is written.
        :raises BrokenHistory: for what can't be replayed; nothing is written.
        """
        rewritten = [(Order.replay(history), tuple(history)) for history in histories]
        with self._lock:
            for order, _ in rewritten:
                stored = self._found(order.id).order.version
                if order.version != stored + 1:
                    raise StaleOrder(order.id, order.version - 1, stored)
            for order, events in rewritten:
                decided = self._kept[order.id].order.decided
                self._kept[order.id] = _Kept.of(attrs.evolve(order, decided=decided), events)

    def _added(self, order: Order) -> Order:
        if order.id in self._kept or (order.shop, order.number) in self._numbers:
            raise DuplicateOrder(order.id, order.shop, order.number)
        saved = attrs.evolve(order, version=len(order.changes), changes=())
        self._kept[order.id] = _Kept.of(saved, order.changes)
        self._numbers.add((order.shop, order.number))
        insort(self._places, Cursor(order.placed_at, order.id))
        return saved

    def _found(self, order_id: str) -> _Kept:
        try:
            return self._kept[order_id]
        except KeyError:
            raise OrderNotFound(order_id) from None

    def _matching(self, query: OrderQuery) -> Iterator[_Kept]:
        with self._lock:
            snapshot = [self._kept[place.id] for place in self._places]
        if query.newest_first:
            snapshot.reverse()
        most = min(query.limit or len(snapshot), len(snapshot))
        return islice((kept for kept in snapshot if query.matches(kept.row)), most)


@attrs.frozen
class _Kept:
    """What the store holds of one order; replaced as a whole, so readers need no lock."""

    order: Order
    row: OrderRow
    events: tuple[OrderEvent, ...]

    @classmethod
    def of(cls, order: Order, events: tuple[OrderEvent, ...]) -> _Kept:
        return cls(order, OrderRow.of(order), events)


class MemoryTaskLog:
    """A :class:`~shoppego_orders.ports.TaskLog` that lasts as long as the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tasks: dict[str, Task] = {}

    def claim(self, key: str, at: datetime) -> bool:
        """Claim a task; of several who try, one gets True, and nobody ever again.

        :raises NaiveDatetime: for a time without a zone.
        """
        task = Task(key, utc(at, "at"))
        with self._lock:
            return self._tasks.setdefault(key, task) is task

    def settle(self, key: str, outcome: Outcome, at: datetime, note: str = "") -> None:
        """Say how a claimed task ended; repeating the same outcome changes nothing.

        :raises TaskNotClaimed: if nobody claimed it.
        :raises TaskSettled: if it ended otherwise before.
        :raises NaiveDatetime: for a time without a zone.
        """
        instant = utc(at, "at")
        with self._lock:
            task = self._tasks.get(key)
            if task is None:
                raise TaskNotClaimed(key)
            if task.outcome is None:
                self._tasks[key] = attrs.evolve(
                    task, outcome=outcome, settled_at=instant, note=storable(note)
                )
            elif task.outcome is not outcome:
                raise TaskSettled(key, task.outcome)

    def tasks(self, prefix: str = "") -> Iterator[Task]:
        """Yield the tasks whose key begins so, by key; with those never settled."""
        with self._lock:
            snapshot = sorted(self._tasks.items())
        return (task for key, task in snapshot if key.startswith(prefix))

    def forget(self, keys: Iterable[str]) -> None:
        """Remove tasks, settled or not; unknown keys are passed over."""
        whole = list(keys)  # before the lock is taken: they may come from this log
        with self._lock:
            for key in whole:
                self._tasks.pop(key, None)

    def empty_notes(self, keys: Iterable[str]) -> None:
        """Take the notes of tasks away, and leave all else; unknown keys are passed over."""
        whole = list(keys)  # as above
        with self._lock:
            for key in whole:
                if key in self._tasks:
                    self._tasks[key] = attrs.evolve(self._tasks[key], note="")


class RecordingMailer:
    """A :class:`~shoppego_orders.ports.Mailer` that sends nothing and keeps every message.

    :ivar messages: copies of the messages, as they were when they were sent, oldest first.
    """

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []

    def send(self, message: EmailMessage) -> None:
        """Keep one message.

        :raises MailNotSent: if it is addressed to nobody.
        """
        headers = [
            str(value) for name in ("To", "Cc", "Bcc") for value in message.get_all(name, [])
        ]
        if not any(address for _, address in getaddresses(headers)):
            raise MailNotSent((), "it is addressed to nobody", Retry.NEVER)
        self.messages.append(deepcopy(message))


class MemoryExportLog:
    """An :class:`~shoppego_orders.ports.ExportLog` that lasts as long as the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._exports: dict[str, Export] = {}

    def get(self, export_id: str) -> Export:
        """Load an export.

        :raises ExportNotFound: if there is none.
        """
        try:
            return self._exports[export_id]
        except KeyError:
            raise ExportNotFound(export_id) from None

    def save(self, export: Export) -> Export:
        """Write an export, whole.

        :returns: the export at its new version.
        :raises DuplicateExport: if it is new, and its id is taken.
        :raises StaleExport: if someone saved it first; nothing is written.
        :raises ExportNotFound: if it was stored, and is no longer.
        """
        saved = attrs.evolve(export, version=export.version + 1)
        with self._lock:
            kept = self._exports.get(export.id)
            if not export.version and kept is not None:
                raise DuplicateExport(export.id)
            if export.version:
                if kept is None:
                    raise ExportNotFound(export.id)
                if kept.version != export.version:
                    raise StaleExport(export.id, export.version, kept.version)
            self._exports[export.id] = saved
        return saved

    def exports(self, *, shop: str | None = None, open_only: bool = False) -> Iterator[Export]:
        """Yield the exports, by (asked_at, id), the newest first."""
        with self._lock:
            snapshot = list(self._exports.values())
        snapshot.sort(key=lambda export: (export.asked_at, export.id), reverse=True)
        return (
            export
            for export in snapshot
            if shop in (None, export.shop) and (export.open or not open_only)
        )


class MemoryShelf:
    """A :class:`~shoppego_orders.ports.FileShelf` that lasts as long as the process.

    :ivar files: the bytes of each file, by its address.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self._numbers = count(1)

    def put(self, name: str, chunks: Iterable[bytes]) -> str:
        """Keep a file, whole or not at all.

        :returns: its address, which names this object's files and no place.
        :raises InvalidValue: for a name with folders in it.
        """
        if not name or "/" in name:
            raise InvalidValue("name", name, "a file's name without folders")
        content = b"".join(chunks)
        url = f"{_SHELF}{next(self._numbers)}/{quote(name)}"
        self.files[url] = content
        return url

    def remove(self, url: str) -> None:
        """Remove a file; repeating it changes nothing.

        :raises InvalidValue: for an address that no such shelf gives.
        """
        if not url.startswith(_SHELF):
            raise InvalidValue("url", url, f"an address that begins with {_SHELF}")
        self.files.pop(url, None)


_SHELF: Final = "memory:"
