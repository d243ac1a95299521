"""What a host application implements: where orders live, and how mail and files leave.

Nothing here is inherited from: any object with these methods will do. What a method may raise,
in which order it yields and what may be repeated is part of its contract, and
``shoppego_orders.testing`` checks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from email.message import EmailMessage
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

import attrs

from shoppego_orders.errors import (
    InvalidValue,
    OrdersError,
    PortUnreachable,
    RefusedRecipient,
    StoreUnusable,
)
from shoppego_orders.order import LineRow, Order, OrderEvent, OrderRow
from shoppego_orders.periods import utc
from shoppego_orders.query import OrderQuery
from shoppego_orders.texts import UNSTORABLE, storable, storable_or_none, word_of


class OrderStore(Protocol):
    """Where orders live. Many shops may share a store; a query without a shop is about all."""

    def get(self, order_id: str) -> Order:
        """Load an order, with its version and no changes.

        :raises OrderNotFound: if there is none.
        """
        ...

    def save(self, order: Order) -> Order:
        """Write an order's state and its new events, in one transaction.

        Saving an order without changes writes nothing. A stored ``decided`` stays True, whatever
        the order says, unless the save changes ``completed_at`` or ``abandoned_at``: what becomes
        a purchase, or is marked by a sweep that has not decided it, is looked at again.

        :returns: the order at its new version, without changes.
        :raises DuplicateOrder: if it is new, and its id, or its number in the shop, is taken.
        :raises StaleOrder: if someone saved it first; nothing is written.
        :raises OrderNotFound: if it was stored, and is no longer.
        """
        ...

    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        """Yield the rows that match, by (placed_at, id) or the other way round.

        A store streams: memory does not grow with the number of rows.
        """
        ...

    def lines(self, query: OrderQuery) -> Iterator[LineRow]:
        """Yield the line items of the orders that match, in the same order, then by position.

        ``query.limit`` limits the orders.
        """
        ...

    def count(self, query: OrderQuery) -> int:
        """Count the orders that match; ``limit`` is not looked at."""
        ...

    def events(self, order_id: str) -> Sequence[OrderEvent]:
        """Return an order's whole history, oldest first.

        :raises OrderNotFound: if there is no such order.
        """
        ...

    def settle_kept(self, judged: Iterable[OrderRow]) -> None:
        """Note that a sweep judged these orders, and has nothing left to mark: they are decided.

        Changes neither state nor version; repeating it, or naming an order that is gone,
        changes nothing. Nor does it decide an order whose ``completed_at`` or ``abandoned_at``
        is another than it was judged by: it is found again. That is asked and written at once.

        :param judged: the rows as they were judged.
        """
        ...


@runtime_checkable
class ColumnStore(Protocol):
    """What a store may offer besides: an export's way past the objects, three times as fast."""

    def columns(
        self, query: OrderQuery, fields: Sequence[str]
    ) -> Iterator[Sequence[Sequence[Any]]]:  # Any: each column's values are of its kind
        """Yield some fields of the rows that match, in the order of ``rows``, as plain values.

        Some hundreds of rows at a time, each field a sequence of as many values: instants are
        whole microseconds since 1970 in UTC, amounts whole minor units, statuses their words,
        several texts a tuple; texts, numbers, flags and None as they are.

        :param fields: of ``OrderRow``.
        :raises InvalidValue: for a name that is none of them.
        """
        ...


@runtime_checkable
class CountingStore(Protocol):
    """What a store may offer besides: counts that stop, for a page of very many orders."""

    def count_up_to(self, queries: Sequence[OrderQuery], most: int) -> Sequence[int]:
        """Count the orders that match each query, as far as ``most``; see :func:`count_up_to`."""
        ...


def count_up_to(store: OrderStore, queries: Sequence[OrderQuery], most: int) -> Sequence[int]:
    """Count the orders that match each of several queries, and stop each at ``most``.

    :param most: at least 1.
    :returns: for each query, in the same sequence, ``store.count(query)`` or ``most``, whichever
        is smaller; a :class:`CountingStore` does not read on to find out.
    """
    if isinstance(store, CountingStore):
        return store.count_up_to(queries, most)
    return [min(store.count(query), most) for query in queries]


@runtime_checkable
class BulkStore(Protocol):
    """What a store may offer besides: many orders saved in one transaction."""

    def save_many(self, orders: Iterable[Order]) -> Sequence[Order | OrdersError]:
        """Save all, or nothing where the store fails; see :func:`save_many`."""
        ...


def save_many(store: OrderStore, orders: Iterable[Order]) -> Sequence[Order | OrdersError]:
    """Save several orders, in one transaction where the store has them.

    An order that is refused leaves the others as they are. The orders are read to their end
    first, and may come from a stream of the same store.

    :returns: what became of each, in the same sequence: the order at its new version, without
        changes, or the error that ``save`` refuses it with.
    :raises StoreUnusable: where the store fails; a :class:`BulkStore` has then written nothing,
        and another what came before.
    """
    whole = list(orders)
    if isinstance(store, BulkStore):
        return store.save_many(whole)
    return [saved_or_refused(store, order) for order in whole]


def saved_or_refused(store: OrderStore, order: Order) -> Order | OrdersError:
    """Save an order, and return the error that refuses it instead of raising it.

    :raises StoreUnusable: where the store fails.
    """
    try:
        return store.save(order)
    except (StoreUnusable, PortUnreachable):
        raise
    except OrdersError as refused:
        return refused


@runtime_checkable
class ErasingStore(OrderStore, Protocol):
    """What a store may offer besides: a person can be taken out of what it keeps."""

    def rewrite(self, histories: Iterable[Sequence[OrderEvent]]) -> None:
        """Put other histories in the place of orders' own, all of them in one transaction.

        This is for erasing a person, and for nothing else: histories only grow. Nothing of the
        old events and state can be asked for afterwards. What is decided stays so.

        :param histories: each one order's whole history, oldest first: as many events as are
            stored, and one that is new. The order becomes what they replay to.
        :raises StaleOrder: if an order is stored at another version; nothing is written.
        :raises OrderNotFound: if there is no such order; nothing is written.
        :raises BrokenHistory: for what can't be replayed; nothing is written.
        """
        ...


class Mailer(Protocol):
    """How mail leaves. Whether to try again is decided here, or by whoever called it."""

    def send(self, message: EmailMessage) -> Sequence[RefusedRecipient] | None:
        """Send one message to the addresses in its headers.

        :returns: the recipients who were refused, where others were not; none, or None, if it
            was taken for all.
        :raises MailNotSent: if it was taken for no recipient; or, with ``Retry.UNKNOWN``, if
            nobody can tell whether it was.
        """
        ...


class FileShelf(Protocol):
    """Where an export that is too large to attach is put. Optional."""

    def put(self, name: str, chunks: Iterable[bytes]) -> str:
        """Keep a file, whole or not at all.

        :param name: the file's name, without folders.
        :returns: the URL to mail, which is of this file alone.
        :raises OutputNotWritten: if it can't be kept.
        """
        ...

    def remove(self, url: str) -> None:
        """Remove a file; repeating it changes nothing.

        :param url: as :meth:`put` returned it.
        :raises InvalidValue: for an address that this shelf never gave.
        :raises FileNotRemoved: if it is still there.
        """
        ...


class Outcome(StrEnum):
    """How a claimed task ended."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


@attrs.frozen
class Task:
    """What was claimed: at most once, by a key that says what it is.

    :ivar key: for example ``export/hartamas.myshoppegram.com/2026-03``.
    :ivar claimed_at: UTC.
    :ivar outcome: None while nobody has said how it ended: it may be under way, or its worker
        died, and then nobody knows whether it was done.
    :ivar settled_at: UTC.
    :ivar note: why it ended so, for people; "" where there is nothing to say.
    """

    key: str
    claimed_at: datetime
    outcome: Outcome | None = None
    settled_at: datetime | None = None
    note: str = ""


class TaskLog(Protocol):
    """What must not happen twice is claimed here before it is done. Optional."""

    def claim(self, key: str, at: datetime) -> bool:
        """Claim a task; of several who try, one gets True, and nobody ever again.

        :returns: False if someone else has it, or had it.
        """
        ...

    def settle(self, key: str, outcome: Outcome, at: datetime, note: str = "") -> None:
        """Say how a claimed task ended; repeating the same outcome changes nothing.

        :param note: why, for people; NUL and lone surrogates in it become U+FFFD.
        :raises TaskNotClaimed: if nobody claimed it.
        :raises TaskSettled: if it ended otherwise before.
        """
        ...

    def tasks(self, prefix: str = "") -> Iterator[Task]:
        """Yield the tasks whose key begins so, by key; with those never settled."""
        ...


@runtime_checkable
class ErasingTaskLog(TaskLog, Protocol):
    """What a task log may offer besides: what tells of a person can be taken out of it."""

    def forget(self, keys: Iterable[str]) -> None:
        """Remove tasks, settled or not; unknown keys are passed over."""
        ...

    def empty_notes(self, keys: Iterable[str]) -> None:
        """Take the notes of tasks away, and leave all else; unknown keys are passed over."""
        ...


class ExportStatus(StrEnum):
    """Where an export stands."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    DELETED = "deleted"


class MailStatus(StrEnum):
    """Where the mail about an export stands."""

    NONE = "none"
    """Nobody is to be mailed."""
    DUE = "due"
    SENDING = "sending"
    """It is being sent this moment; or nobody knows whether it was, for its worker died, or the
    mail server's answer got lost."""
    SENT = "sent"
    FAILED = "failed"


def _asked_at(value: datetime) -> datetime:
    return utc(value, "asked_at")


def _instant(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value, "a time of the export")


def _export_status(word: str) -> ExportStatus:
    return word_of(ExportStatus, word, "status")


def _mail_status(word: str) -> MailStatus:
    return word_of(MailStatus, word, "mail")


@attrs.frozen(kw_only=True)
class Export:
    """An export that somebody asked for, as the Downloads page lists it.

    :ivar id: which one.
    :ivar shop: whose orders; None for all shops.
    :ivar request: what was asked for, as a JSON document.
    :ivar to: whom to mail it to.
    :ivar asked_at: UTC, as all times here.
    :ivar status: queued, running, completed, failed or deleted.
    :ivar mail: where the mail about it stands.
    :ivar started_at: when its worker began; of several, the last.
    :ivar seen_at: when that worker last gave a sign of life.
    :ivar ended_at: when it was completed, failed or deleted.
    :ivar orders: how many orders have been read; all of them, once it is completed.
    :ivar total: how many there are; None while nobody has counted.
    :ivar records: how many records the file has.
    :ivar replaced: how many characters became U+FFFD.
    :ivar file_name: of the file.
    :ivar size: of the file, in bytes.
    :ivar url: where the file lies; None for none.
    :ivar problem: why it failed, or its mail did, or whom that did not reach, for people; ""
        where there is nothing to say.
    :ivar version: counts the saves; 0 where it was never saved.
    :raises InvalidValue: for an id that is empty or can't be stored, or an unknown word.
    :raises NaiveDatetime: for a time without a zone.
    """

    id: str
    shop: str | None = attrs.field(converter=storable_or_none)
    request: str
    to: tuple[str, ...] = ()
    asked_at: datetime = attrs.field(converter=_asked_at)
    status: ExportStatus = attrs.field(default=ExportStatus.QUEUED, converter=_export_status)
    mail: MailStatus = attrs.field(default=MailStatus.NONE, converter=_mail_status)
    started_at: datetime | None = attrs.field(default=None, converter=_instant)
    seen_at: datetime | None = attrs.field(default=None, converter=_instant)
    ended_at: datetime | None = attrs.field(default=None, converter=_instant)
    orders: int = 0
    total: int | None = None
    records: int = 0
    replaced: int = 0
    file_name: str = ""
    size: int = 0
    url: str | None = None
    problem: str = attrs.field(default="", converter=storable)
    version: int = 0

    def __attrs_post_init__(self) -> None:
        if not self.id or UNSTORABLE.search(self.id):
            expected = "a text that is not empty, without NUL and lone surrogates"
            raise InvalidValue("id", self.id, expected)

    @property
    def open(self) -> bool:
        """Whether somebody has still to do something: run it, mail it, or look for its mail."""
        return (
            self.status in {ExportStatus.QUEUED, ExportStatus.RUNNING}
            or self.mail is MailStatus.SENDING
            or (self.status is ExportStatus.COMPLETED and self.mail is MailStatus.DUE)
        )


class ExportLog(Protocol):
    """Where the exports that were asked for are written down. Optional."""

    def get(self, export_id: str) -> Export:
        """Load an export.

        :raises ExportNotFound: if there is none.
        """
        ...

    def save(self, export: Export) -> Export:
        """Write an export, whole.

        Of several who save one version, one is let through.

        :returns: the export at its new version.
        :raises DuplicateExport: if it is new (version 0), and its id is taken.
        :raises StaleExport: if someone saved it first; nothing is written.
        :raises ExportNotFound: if it was stored, and is no longer.
        """
        ...

    def exports(self, *, shop: str | None = None, open_only: bool = False) -> Iterator[Export]:
        """Yield the exports, by (asked_at, id), the newest first.

        :param shop: only this shop's; all, those of all shops too, unless told.
        :param open_only: only those that are :attr:`~Export.open`.
        """
        ...
