"""Async ports over those that do not wait: each call lets the loop go round before it is done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from datetime import datetime
from email.message import EmailMessage
from typing import Any, TypeVar

from shoppego_orders.adapters.sql import SqlOrderStore
from shoppego_orders.errors import OrdersError, RefusedRecipient
from shoppego_orders.order import LineRow, Order, OrderEvent, OrderRow
from shoppego_orders.ports import (
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

T = TypeVar("T")


class AwaitedOrderStore:
    """An ``AsyncOrderStore`` that counts the streams which are open.

    :ivar begun: how many streams have begun.
    :ivar open: how many of them were not closed.
    """

    def __init__(self, store: OrderStore) -> None:
        self.store = store
        self.begun = self.open = 0

    async def get(self, order_id: str) -> Order:
        await asyncio.sleep(0)
        return self.store.get(order_id)

    async def save(self, order: Order) -> Order:
        await asyncio.sleep(0)
        return self.store.save(order)

    def rows(self, query: OrderQuery) -> AsyncIterator[OrderRow]:
        return self.counted(self.store.rows(query))

    def lines(self, query: OrderQuery) -> AsyncIterator[LineRow]:
        return self.counted(self.store.lines(query))

    async def count(self, query: OrderQuery) -> int:
        await asyncio.sleep(0)
        return self.store.count(query)

    async def events(self, order_id: str) -> Sequence[OrderEvent]:
        await asyncio.sleep(0)
        return self.store.events(order_id)

    async def settle_kept(self, judged: Sequence[OrderRow]) -> None:
        await asyncio.sleep(0)
        self.store.settle_kept(judged)

    async def counted(self, items: Iterable[T]) -> AsyncGenerator[T]:
        self.begun += 1
        self.open += 1
        try:
            await asyncio.sleep(0)
            for item in items:
                yield item
        finally:
            await asyncio.sleep(0)
            self.open -= 1


class FullOrderStore(AwaitedOrderStore):
    """One that offers all that a store may offer besides."""

    store: SqlOrderStore

    def columns(
        self, query: OrderQuery, fields: Sequence[str]
    ) -> AsyncIterator[Sequence[Sequence[Any]]]:
        return self.counted(self.store.columns(query, fields))

    async def save_many(self, orders: Sequence[Order]) -> Sequence[Order | OrdersError]:
        await asyncio.sleep(0)
        return self.store.save_many(orders)

    async def count_up_to(self, queries: Sequence[OrderQuery], most: int) -> Sequence[int]:
        await asyncio.sleep(0)
        return self.store.count_up_to(queries, most)

    async def rewrite(self, histories: Sequence[Sequence[OrderEvent]]) -> None:
        await asyncio.sleep(0)
        self.store.rewrite(histories)


class AwaitedTaskLog:
    """An ``AsyncTaskLog``."""

    def __init__(self, log: TaskLog) -> None:
        self._log = log

    async def claim(self, key: str, at: datetime) -> bool:
        await asyncio.sleep(0)
        return self._log.claim(key, at)

    async def settle(self, key: str, outcome: Outcome, at: datetime, note: str = "") -> None:
        await asyncio.sleep(0)
        self._log.settle(key, outcome, at, note)

    async def tasks(self, prefix: str = "") -> AsyncIterator[Task]:
        await asyncio.sleep(0)
        for task in self._log.tasks(prefix):
            yield task


class ErasingAwaitedTaskLog(AwaitedTaskLog):
    """An ``AsyncErasingTaskLog``."""

    _log: ErasingTaskLog

    async def forget(self, keys: Sequence[str]) -> None:
        await asyncio.sleep(0)
        self._log.forget(keys)

    async def empty_notes(self, keys: Sequence[str]) -> None:
        await asyncio.sleep(0)
        self._log.empty_notes(keys)


class AwaitedExportLog:
    """An ``AsyncExportLog``."""

    def __init__(self, log: ExportLog) -> None:
        self._log = log

    async def get(self, export_id: str) -> Export:
        await asyncio.sleep(0)
        return self._log.get(export_id)

    async def save(self, export: Export) -> Export:
        await asyncio.sleep(0)
        return self._log.save(export)

    async def exports(
        self, *, shop: str | None = None, open_only: bool = False
    ) -> AsyncIterator[Export]:
        await asyncio.sleep(0)
        for export in self._log.exports(shop=shop, open_only=open_only):
            yield export


class AwaitedShelf:
    """An ``AsyncFileShelf``."""

    def __init__(self, shelf: FileShelf) -> None:
        self._shelf = shelf

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> str:
        return self._shelf.put(name, [chunk async for chunk in chunks])

    async def remove(self, url: str) -> None:
        await asyncio.sleep(0)
        self._shelf.remove(url)


class AwaitedMailer:
    """An ``AsyncMailer``."""

    def __init__(self, mailer: Mailer) -> None:
        self._mailer = mailer

    async def send(self, message: EmailMessage) -> Sequence[RefusedRecipient] | None:
        await asyncio.sleep(0)
        return self._mailer.send(message)
