"""Views of async ports, which the services call like any other port."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import aclosing
from datetime import datetime
from email.message import EmailMessage
from functools import partial
from typing import Any, Final, overload

import attrs

from shoppego_orders.async_ports import (
    AsyncBulkStore,
    AsyncColumnStore,
    AsyncCountingStore,
    AsyncErasingStore,
    AsyncErasingTaskLog,
    AsyncExportLog,
    AsyncFileShelf,
    AsyncMailer,
    AsyncOrderStore,
    AsyncTaskLog,
)
from shoppego_orders.bridge import Line, Loop, stream_in_thread
from shoppego_orders.errors import InvalidValue, OrdersError, RefusedRecipient
from shoppego_orders.order import LineRow, Order, OrderEvent, OrderRow
from shoppego_orders.ports import (
    ErasingStore,
    ErasingTaskLog,
    Export,
    ExportLog,
    FileShelf,
    Mailer,
    OrderStore,
    Outcome,
    Task,
    TaskLog,
)
from shoppego_orders.query import OrderQuery


@overload
def blocking(port: AsyncErasingStore, loop: Loop | None = None) -> ErasingStore: ...
@overload
def blocking(port: AsyncOrderStore, loop: Loop | None = None) -> OrderStore: ...
@overload
def blocking(port: AsyncErasingTaskLog, loop: Loop | None = None) -> ErasingTaskLog: ...
@overload
def blocking(port: AsyncTaskLog, loop: Loop | None = None) -> TaskLog: ...
@overload
def blocking(port: AsyncExportLog, loop: Loop | None = None) -> ExportLog: ...
@overload
def blocking(port: AsyncFileShelf, loop: Loop | None = None) -> FileShelf: ...
@overload
def blocking(port: AsyncMailer, loop: Loop | None = None) -> Mailer: ...
def blocking(
    port: AsyncOrderStore | AsyncTaskLog | AsyncExportLog | AsyncFileShelf | AsyncMailer,
    loop: Loop | None = None,
) -> OrderStore | TaskLog | ExportLog | FileShelf | Mailer:
    """Make a view of an async port, which the services call like any other port.

    The view is called in any thread but an event loop's: services are run by :func:`in_thread`.
    Threads may share it. Streams are read a few items ahead, and closed when they are left. What
    a store or log may offer besides is there where the async one has it.

    Each call raises :exc:`~shoppego_orders.errors.PortUnreachable` in the thread of an event loop,
    or where the port's loop is closed or stands still.

    :param port: one that is several of them is taken as the first, in the order of the overloads.
    :param loop: the one that the port lives on; the running one unless told.
    :raises InvalidValue: for what is none of the async ports.
    :raises RuntimeError: where no loop is running, and none is told.
    """
    loop = asyncio.get_running_loop() if loop is None else loop
    if isinstance(port, AsyncOrderStore):
        return _OrderStore(port, loop)
    if isinstance(port, AsyncErasingTaskLog):
        return _ErasingTaskLog(Line(loop), port)
    if isinstance(port, AsyncTaskLog):
        return _TaskLog(Line(loop), port)
    if isinstance(port, AsyncExportLog):
        return _ExportLog(port, Line(loop))
    if isinstance(port, AsyncFileShelf):
        return _FileShelf(port, Line(loop))
    if isinstance(port, AsyncMailer):
        return _Mailer(port, Line(loop))
    raise InvalidValue("port", port, "an object with the methods of an async port")


_AHEAD: Final = 128
"""How many items of a stream are read at once: few enough not to keep the loop for long."""


class _OrderStore:
    def __init__(self, store: AsyncOrderStore, loop: Loop) -> None:
        self._store, self._line = store, Line(loop, ends_cancelled=True)
        # In the object: whether a store has them is asked of the object.
        if isinstance(store, AsyncColumnStore):
            self.columns = partial(_columns, self._line, store)
        if isinstance(store, AsyncBulkStore):
            self.save_many = partial(_save_many, self._line, store)
        if isinstance(store, AsyncCountingStore):
            self.count_up_to = partial(_count_up_to, self._line, store)
        if isinstance(store, AsyncErasingStore):
            self.rewrite = partial(_rewrite, self._line, store)

    def get(self, order_id: str) -> Order:
        return self._line.call(self._store.get, order_id)

    def save(self, order: Order) -> Order:
        return self._line.call(self._store.save, order)

    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        return self._line.stream(_AHEAD, self._store.rows, query)

    def lines(self, query: OrderQuery) -> Iterator[LineRow]:
        return self._line.stream(_AHEAD, self._store.lines, query)

    def count(self, query: OrderQuery) -> int:
        return self._line.call(self._store.count, query)

    def events(self, order_id: str) -> Sequence[OrderEvent]:
        return self._line.call(self._store.events, order_id)

    def settle_kept(self, judged: Iterable[OrderRow]) -> None:
        # Read here: they may come from a stream, which can't be read on the loop.
        self._line.call(self._store.settle_kept, list(judged))


def _columns(
    line: Line, store: AsyncColumnStore, query: OrderQuery, fields: Sequence[str]
) -> Iterator[Sequence[Sequence[Any]]]:  # Any: each column's values are of its kind
    # Not ahead: each of them is many rows.
    return line.stream(1, store.columns, query, fields)


def _save_many(
    line: Line, store: AsyncBulkStore, orders: Iterable[Order]
) -> Sequence[Order | OrdersError]:
    return line.call(store.save_many, list(orders))  # as above


def _count_up_to(
    line: Line, store: AsyncCountingStore, queries: Sequence[OrderQuery], most: int
) -> Sequence[int]:
    return line.call(store.count_up_to, queries, most)


def _rewrite(
    line: Line, store: AsyncErasingStore, histories: Iterable[Sequence[OrderEvent]]
) -> None:
    line.call(store.rewrite, list(histories))  # as above


@attrs.frozen
class _TaskLog:
    _line: Line
    _log: AsyncTaskLog

    def claim(self, key: str, at: datetime) -> bool:
        return self._line.call(self._log.claim, key, at)

    def settle(self, key: str, outcome: Outcome, at: datetime, note: str = "") -> None:
        self._line.call(self._log.settle, key, outcome, at, note)

    def tasks(self, prefix: str = "") -> Iterator[Task]:
        return self._line.stream(_AHEAD, self._log.tasks, prefix)


@attrs.frozen
class _ErasingTaskLog(_TaskLog):
    _log: AsyncErasingTaskLog

    def forget(self, keys: Iterable[str]) -> None:
        self._line.call(self._log.forget, list(keys))  # as above

    def empty_notes(self, keys: Iterable[str]) -> None:
        self._line.call(self._log.empty_notes, list(keys))  # as above


@attrs.frozen
class _ExportLog:
    _log: AsyncExportLog
    _line: Line

    def get(self, export_id: str) -> Export:
        return self._line.call(self._log.get, export_id)

    def save(self, export: Export) -> Export:
        return self._line.call(self._log.save, export)

    def exports(self, *, shop: str | None = None, open_only: bool = False) -> Iterator[Export]:
        return self._line.stream(_AHEAD, self._log.exports, shop=shop, open_only=open_only)


@attrs.frozen
class _FileShelf:
    _shelf: AsyncFileShelf
    _line: Line

    def put(self, name: str, chunks: Iterable[bytes]) -> str:
        return self._line.call(self._put, name, chunks)

    def remove(self, url: str) -> None:
        self._line.call(self._shelf.remove, url)

    async def _put(self, name: str, chunks: Iterable[bytes]) -> str:
        # To make a chunk may take a call of another port, so that is done in a thread again.
        async with aclosing(stream_in_thread(chunks)) as stream:
            return await self._shelf.put(name, stream)


@attrs.frozen
class _Mailer:
    _mailer: AsyncMailer
    _line: Line

    def send(self, message: EmailMessage) -> Sequence[RefusedRecipient] | None:
        return self._line.call(self._mailer.send, message)
