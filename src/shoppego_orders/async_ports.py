"""The ports of a host that awaits: each of :mod:`~shoppego_orders.ports`, with ``async def``.

What a method returns, raises and promises is what the port of the same name without ``Async``
says; streams are async iterators. The services, and the contract kit, take a view of them, which
:func:`~shoppego_orders.async_views.blocking` makes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from email.message import EmailMessage
from typing import Any, Protocol, runtime_checkable

from shoppego_orders.errors import OrdersError, RefusedRecipient
from shoppego_orders.order import LineRow, Order, OrderEvent, OrderRow
from shoppego_orders.ports import Export, Outcome, Task
from shoppego_orders.query import OrderQuery


@runtime_checkable
class AsyncOrderStore(Protocol):
    """An :class:`~shoppego_orders.ports.OrderStore` that is awaited."""

    async def get(self, order_id: str) -> Order:
        """Load an order, with its version and no changes."""
        ...

    async def save(self, order: Order) -> Order:
        """Write an order's state and its new events, in one transaction."""
        ...

    def rows(self, query: OrderQuery) -> AsyncIterator[OrderRow]:
        """Yield the rows that match; most often an async generator, which is closed when left."""
        ...

    def lines(self, query: OrderQuery) -> AsyncIterator[LineRow]:
        """Yield the line items of the orders that match."""
        ...

    async def count(self, query: OrderQuery) -> int:
        """Count the orders that match."""
        ...

    async def events(self, order_id: str) -> Sequence[OrderEvent]:
        """Return an order's whole history, oldest first."""
        ...

    async def settle_kept(self, judged: Sequence[OrderRow]) -> None:
        """Note that a sweep judged these orders."""
        ...


@runtime_checkable
class AsyncColumnStore(Protocol):
    """A :class:`~shoppego_orders.ports.ColumnStore` that is awaited. Optional."""

    def columns(
        self, query: OrderQuery, fields: Sequence[str]
    ) -> AsyncIterator[Sequence[Sequence[Any]]]:  # Any: each column's values are of its kind
        """Yield some fields of the rows that match, some hundreds of rows at a time."""
        ...


@runtime_checkable
class AsyncBulkStore(Protocol):
    """A :class:`~shoppego_orders.ports.BulkStore` that is awaited. Optional."""

    async def save_many(self, orders: Sequence[Order]) -> Sequence[Order | OrdersError]:
        """Save all in one transaction, or nothing where the store fails."""
        ...


@runtime_checkable
class AsyncCountingStore(Protocol):
    """A :class:`~shoppego_orders.ports.CountingStore` that is awaited. Optional."""

    async def count_up_to(self, queries: Sequence[OrderQuery], most: int) -> Sequence[int]:
        """Count the orders that match each query, as far as ``most``."""
        ...


@runtime_checkable
class AsyncErasingStore(AsyncOrderStore, Protocol):
    """An :class:`~shoppego_orders.ports.ErasingStore` that is awaited. Optional."""

    async def rewrite(self, histories: Sequence[Sequence[OrderEvent]]) -> None:
        """Put other histories in the place of orders' own, all of them in one transaction."""
        ...


@runtime_checkable
class AsyncMailer(Protocol):
    """A :class:`~shoppego_orders.ports.Mailer` that is awaited."""

    async def send(self, message: EmailMessage) -> Sequence[RefusedRecipient] | None:
        """Send one message to the addresses in its headers."""
        ...


@runtime_checkable
class AsyncTaskLog(Protocol):
    """A :class:`~shoppego_orders.ports.TaskLog` that is awaited."""

    async def claim(self, key: str, at: datetime) -> bool:
        """Claim a task; of several who try, one gets True, and nobody ever again."""
        ...

    async def settle(self, key: str, outcome: Outcome, at: datetime, note: str = "") -> None:
        """Say how a claimed task ended."""
        ...

    def tasks(self, prefix: str = "") -> AsyncIterator[Task]:
        """Yield the tasks whose key begins so, by key."""
        ...


@runtime_checkable
class AsyncErasingTaskLog(AsyncTaskLog, Protocol):
    """An :class:`~shoppego_orders.ports.ErasingTaskLog` that is awaited. Optional."""

    async def forget(self, keys: Sequence[str]) -> None:
        """Remove tasks, settled or not."""
        ...

    async def empty_notes(self, keys: Sequence[str]) -> None:
        """Take the notes of tasks away, and leave all else."""
        ...


@runtime_checkable
class AsyncExportLog(Protocol):
    """An :class:`~shoppego_orders.ports.ExportLog` that is awaited."""

    async def get(self, export_id: str) -> Export:
        """Load an export."""
        ...

    async def save(self, export: Export) -> Export:
        """Write an export, whole."""
        ...

    def exports(self, *, shop: str | None = None, open_only: bool = False) -> AsyncIterator[Export]:
        """Yield the exports, the newest first."""
        ...


@runtime_checkable
class AsyncFileShelf(Protocol):
    """A :class:`~shoppego_orders.ports.FileShelf` that is awaited."""

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> str:
        """Keep a file, whole or not at all."""
        ...

    async def remove(self, url: str) -> None:
        """Remove a file."""
        ...
