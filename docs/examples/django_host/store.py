"""The orders, over Django's ORM: an ``OrderStore``.

Besides what a store has to do, it counts no further than a page shows, saves many in one
transaction, and can forget a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from typing import Any

import attrs
from django.db import DEFAULT_DB_ALIAS, IntegrityError, transaction
from django.db.models import QuerySet

from django_host.database import usable
from django_host.models import StoredEvent, StoredOrder
from django_host.queries import narrowed, says_all, sequence
from shoppego_orders import (
    Cursor,
    LineRow,
    Order,
    OrderEvent,
    OrderQuery,
    OrderRow,
    event_from_json,
    event_to_json,
    order_from_json,
    order_to_json,
    storable,
)
from shoppego_orders.errors import DuplicateOrder, OrderNotFound, OrdersError, StaleOrder
from shoppego_orders.ports import saved_or_refused

BATCH = 200
"""How many orders are read at once."""

_OF_THE_ROW = (
    *("id", "shop", "number", "placed_at", "completed_at", "abandoned_at", "life", "archived"),
    *("fulfillment", "payment_status", "decided", "recovery", "source", "customer_key", "currency"),
    *("search_text", "phone_digits"),
)


@attrs.frozen
class OrmOrderStore:
    """An ``OrderStore`` in a database of Django's.

    A save joins the transaction that the host has open, if it has one.

    :ivar using: the alias of the database.
    """

    using: str = DEFAULT_DB_ALIAS

    def get(self, order_id: str) -> Order:
        """Load an order."""
        with usable(self.using):
            found = self._one(order_id).values_list("document", "version", "decided").first()
        if found is None:
            raise OrderNotFound(order_id)
        return _read(*found)[0]

    def save(self, order: Order) -> Order:
        """Write the state and the new events: all of it, or nothing."""
        with usable(self.using):
            try:
                with transaction.atomic(using=self.using):
                    return self._saved(order)
            except IntegrityError:
                raise DuplicateOrder(order.id, order.shop, order.number) from None

    def save_many(self, orders: Iterable[Order]) -> Sequence[Order | OrdersError]:
        """Save several in one transaction; one that is refused leaves the others as they are."""
        whole = list(orders)  # they may be a stream of this very store
        with usable(self.using), transaction.atomic(using=self.using):
            return [saved_or_refused(self, order) for order in whole]

    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        """Stream the rows that match."""
        return (row for _, row in self._matching(query))

    def lines(self, query: OrderQuery) -> Iterator[LineRow]:
        """Stream the line items of the orders that match."""
        return (
            LineRow.of(row, position, line)
            for order, row in self._matching(query)
            for position, line in enumerate(order.lines, 1)
        )

    def count(self, query: OrderQuery) -> int:
        """Count the orders that match."""
        return self._count(query, None)

    def count_up_to(self, queries: Sequence[OrderQuery], most: int) -> Sequence[int]:
        """Count the orders that match each query, as far as a number."""
        return [self._count(query, most) for query in queries]

    def events(self, order_id: str) -> Sequence[OrderEvent]:
        """Return a whole history."""
        found = StoredEvent.objects.using(self.using).filter(order=storable(order_id))
        with usable(self.using):
            documents = list(found.order_by("number").values_list("document", flat=True))
        if not documents:
            raise OrderNotFound(order_id)
        return tuple(map(event_from_json, documents))

    def settle_kept(self, judged: Iterable[OrderRow]) -> None:
        """Note that a sweep has judged these, where nothing has changed that it judged by."""
        rows = list(judged)  # as in save_many
        with usable(self.using), transaction.atomic(using=self.using):
            for start in range(0, len(rows), BATCH):
                self._settle({row.id: row for row in rows[start : start + BATCH]})

    def rewrite(self, histories: Iterable[Sequence[OrderEvent]]) -> None:
        """Put other histories in the place of orders' own, to erase a person: all, or none."""
        rewritten = [(Order.replay(history), history) for history in histories]
        with usable(self.using), transaction.atomic(using=self.using):
            for order, history in rewritten:
                version, decided, *_ = self._known(order.id)
                if order.version != version + 1:
                    raise StaleOrder(order.id, order.version - 1, version)
                self._one(order.id).update(**_columns(attrs.evolve(order, decided=decided)))
                StoredEvent.objects.using(self.using).filter(order=order.id).delete()
                self._add_events(order.id, 0, history)

    # Called in a transaction

    def _saved(self, order: Order) -> Order:
        if order.version == 0 and order.changes:
            saved = _without_changes(order, decided=order.decided)
            self._orders.create(**_columns(saved))
        else:
            version, decided, *judged_by = self._known(order.id)
            if version != order.version:
                raise StaleOrder(order.id, order.version, version)
            if not order.changes:
                return attrs.evolve(order, decided=decided)
            still_decided = decided and judged_by == _judged_by(order)
            saved = _without_changes(order, decided=order.decided or still_decided)
            self._one(order.id).update(**_columns(saved))
        self._add_events(order.id, order.version, order.changes)
        return saved

    def _known(self, order_id: str) -> tuple[Any, ...]:  # Any: a value of each kind
        # Whoever saves it meanwhile waits here, and then sees the version that this leaves.
        locked = self._one(order_id).select_for_update()
        of_it = locked.values_list("version", "decided", "completed_at", "abandoned_at")
        found: tuple[Any, ...] | None = of_it.first()
        if found is None:
            raise OrderNotFound(order_id)
        return found

    def _add_events(self, order_id: str, after: int, events: Iterable[OrderEvent]) -> None:
        StoredEvent.objects.using(self.using).bulk_create(
            StoredEvent(order_id=order_id, number=number, document=event_to_json(event))
            for number, event in enumerate(events, after + 1)
        )

    def _settle(self, judged: dict[str, OrderRow]) -> None:
        undecided = self._orders.filter(id__in=judged, decided=False).select_for_update()
        kept = [
            order_id
            for order_id, *judged_by in undecided.values_list("id", "completed_at", "abandoned_at")
            if judged_by == _judged_by(judged[order_id])
        ]
        self._orders.filter(id__in=kept).update(decided=True)

    # Reading

    @property
    def _orders(self) -> QuerySet[StoredOrder]:
        return StoredOrder.objects.using(self.using)

    def _one(self, order_id: str) -> QuerySet[StoredOrder]:
        return self._orders.filter(id=storable(order_id))

    def _matching(self, query: OrderQuery) -> Iterator[tuple[Order, OrderRow]]:
        """Yield the orders that match, batch by batch, each from the last of the one before.

        So whatever is written meanwhile, none comes twice, and none that stays is left out; and
        nothing is kept open in the database while a stream is not read.
        """
        left, after = query.limit, query.after
        while True:
            size = BATCH if left is None else min(BATCH, left)
            batch = self._batch(attrs.evolve(query, after=after), size)
            for values in batch:
                order, row = _read(*values)
                after = Cursor(row.placed_at, row.id)
                if query.matches(row):
                    yield order, row
                    left = None if left is None else left - 1
            if len(batch) < size or left == 0:
                return

    def _batch(self, query: OrderQuery, size: int) -> list[Any]:  # Any: values of one order
        found = narrowed(self._orders, query).order_by(*sequence(query))
        with usable(self.using):
            return list(found.values_list("document", "version", "decided")[:size])

    def _count(self, query: OrderQuery, most: int | None) -> int:
        if not says_all(query):
            without_limit = attrs.evolve(query, limit=None)
            return sum(1 for _ in islice(self._matching(without_limit), most))
        with usable(self.using):
            return narrowed(self._orders, query)[:most].count()


@lru_cache(maxsize=1_000)  # orders are frozen: whoever reads one again may have the same
def _read(document: str, version: int, decided: bool) -> tuple[Order, OrderRow]:  # noqa: FBT001  # as it is stored
    order = attrs.evolve(order_from_json(document), version=version, decided=decided)
    return order, OrderRow.of(order)


def _columns(order: Order) -> dict[str, Any]:  # Any: one column of each kind
    row = OrderRow.of(order)
    columns = {name: getattr(row, name) for name in _OF_THE_ROW}
    # Plain texts, for drivers have ways of their own with enums.
    plain = {name: str(each) for name, each in columns.items() if isinstance(each, StrEnum)}
    own = {"total": row.total.minor, "version": order.version, "document": order_to_json(order)}
    return columns | plain | own


def _without_changes(order: Order, *, decided: bool) -> Order:
    version = order.version + len(order.changes)
    return attrs.evolve(order, version=version, decided=decided, changes=())


def _judged_by(order: Order | OrderRow) -> list[datetime | None]:
    """What a sweep judges an order by; where it changes, the order is looked at again."""
    return [order.completed_at, order.abandoned_at]
