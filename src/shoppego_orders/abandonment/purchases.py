"""Who bought what when: the customers' purchases, found by time and never by scanning."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, Self, overload

from shoppego_orders.abandonment.rule import Context, OrderLike, Purchase
from shoppego_orders.periods import FIRST_INSTANT, utc

_FEW: Final = 1_024
"""A small table is let go of before it has left the processor's cache."""

_Entry = tuple[datetime, str, Purchase]


class Purchases:
    """Purchases by customer and shop.

    A customer's only purchase, which is most of them, stands alone; several stand in a list,
    sorted by time. What a context has shown stays true: a list that is let go of, or in part, is
    left as it is to those who look at it.

    :ivar held: how many there are.
    :ivar room: for how many: twice as many as the last time that any were let go. When so many
        are held, it is time to.
    """

    def __init__(self) -> None:
        self._by_customer: dict[tuple[str, str], _Entry | list[_Entry]] = {}
        self.held: int = 0
        self.room: int = _FEW

    @classmethod
    def among(cls, orders: Iterable[Purchase]) -> Self:
        """Take those that are purchases of somebody known."""
        found = cls()
        for order in orders:
            if order.completed_at is not None:
                found.add(order, utc(order.completed_at, "completed_at"))
        return found

    def add(self, purchase: Purchase, at: datetime) -> None:
        """Take one purchase; of nobody known, it is nobody's other purchase.

        :param at: when it was bought, UTC.
        """
        key = purchase.customer_key
        if key is None:
            return
        self.held += 1
        customer = purchase.shop, key
        entry = (at, purchase.id, purchase)
        found = self._by_customer.setdefault(customer, entry)
        if found is entry:
            return
        entries = self._by_customer[customer] = [found] if isinstance(found, tuple) else found
        if _place(entry) < _place(entries[-1]):
            insort(entries, entry, key=_place)
        else:
            entries.append(entry)

    def forget(self, horizon: datetime) -> None:
        """Let go of those before an instant."""
        # A new table: one that has grown stays large however much is taken out of it.
        kept: dict[tuple[str, str], _Entry | list[_Entry]] = {}
        held = 0
        for customer, found in self._by_customer.items():
            if isinstance(found, tuple):
                if found[0] >= horizon:
                    kept[customer] = found
                    held += 1
            # A new list: who looks at the old one still sees what it did.
            elif left := found[bisect_left(found, (horizon,)) :]:
                kept[customer] = left
                held += len(left)
        self._by_customer, self.held, self.room = kept, held, max(_FEW, 2 * held)

    def context(
        self, order: OrderLike, began: datetime, due: datetime, lookback: timedelta
    ) -> Context:
        """What a rule is told about an order: its customer's other purchases in its period.

        :param lookback: how far before ``began`` rules look.
        """
        key = order.customer_key
        found = None if key is None else self._by_customer.get((order.shop, key))
        if found is None:
            # As Context(began, due), which takes twice as long, for every order.
            # pyrefly: ignore[bad-specialization]  # it does not know a named tuple for a tuple
            return tuple.__new__(Context, (began, due, (), ()))  # pyright: ignore[reportUnknownMemberType]  # of a bare tuple
        others = _others(found, began, due, order)
        if not lookback:
            return Context(began, due, others)
        return Context(began, due, others, _others(found, back(began, lookback), began, order))


def back(instant: datetime, lookback: timedelta) -> datetime:
    """So long before, or the beginning of the calendar."""
    return instant - min(lookback, instant - FIRST_INSTANT)


def _place(entry: _Entry) -> tuple[datetime, str]:
    return entry[0], entry[1]


def _others(
    found: _Entry | list[_Entry], start: datetime, end: datetime, order: OrderLike
) -> Sequence[Purchase]:
    """What a customer bought in a stretch of time, without the order itself."""
    if isinstance(found, list):
        return _Others(found, start, end, order)
    at, id_, purchase = found
    return (purchase,) if start <= at < end and id_ != order.id else ()


class _Others(Sequence[Purchase]):
    """Looks at a stretch of a customer's purchases, without the order itself, when it is asked.

    Purchases that come later never belong to the stretch of an order that was due before them.
    """

    __slots__ = ("_end", "_entries", "_order", "_start")

    def __init__(
        self, entries: list[_Entry], start: datetime, end: datetime, order: OrderLike
    ) -> None:
        self._entries, self._start, self._end, self._order = entries, start, end, order

    def _places(self) -> tuple[int, int, int]:
        """Where the stretch begins and ends, and the order's own place; the end for none."""
        entries, order = self._entries, self._order
        start, end = bisect_left(entries, (self._start,)), bisect_left(entries, (self._end,))
        if start < end and order.completed_at is not None:
            # Whoever says that it was completed before it began bought when it began.
            at = max(order.completed_at, self._start)
            own = bisect_left(entries, (at, order.id), start, end)
            if own < end and entries[own][1] == order.id:
                return start, end, own
        return start, end, end

    def __len__(self) -> int:
        start, end, own = self._places()
        return end - start - (own < end)

    def __iter__(self) -> Iterator[Purchase]:
        start, end, own = self._places()
        for place in range(start, end):
            if place != own:
                yield self._entries[place][2]

    @overload
    def __getitem__(self, index: int) -> Purchase: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Purchase]: ...
    def __getitem__(self, index: int | slice) -> Purchase | Sequence[Purchase]:
        if isinstance(index, slice):
            return tuple(self)[index]
        start, end, own = self._places()
        place = range(start, end - (own < end))[index]
        return self._entries[place + (place >= own)][2]

    def __reduce__(self) -> tuple[type[tuple[Purchase, ...]], tuple[tuple[Purchase, ...]]]:
        return tuple, (tuple(self),)
