"""Who bought what when: the customers' purchases, found by time and never by scanning."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Self, overload

from shoppego_orders.abandonment.rule import Context, OrderLike, Purchase
from shoppego_orders.periods import utc

_FEW: Final = 16_384
_FIRST: Final = datetime.min.replace(tzinfo=UTC)

_Entry = tuple[datetime, str, Purchase]


class Purchases:
    """Purchases by customer and shop, each customer's sorted by time.

    :ivar held: how many there are.
    """

    def __init__(self) -> None:
        self._by_customer: dict[tuple[str, str], list[_Entry]] = {}
        self.held = 0
        self._most = _FEW

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
        entry = (at, purchase.id, purchase)
        self.held += 1
        customer = purchase.shop, key
        entries = self._by_customer.get(customer)
        if entries is None:
            self._by_customer[customer] = [entry]
        elif _place(entry) < _place(entries[-1]):
            insort(entries, entry, key=_place)
        else:
            entries.append(entry)

    @property
    def crowded(self) -> bool:
        """Tell whether twice as many are held as the last time that any were let go."""
        return self.held >= self._most

    def forget(self, horizon: datetime) -> None:
        """Let go of those before an instant."""
        self.held = 0
        for customer, entries in list(self._by_customer.items()):
            kept = bisect_left(entries, (horizon,))
            # A new list: who looks at the old one still sees what it did.
            left = entries[kept:] if kept else entries
            if left:
                self._by_customer[customer] = left
                self.held += len(left)
            else:
                del self._by_customer[customer]
        self._most = max(_FEW, 2 * self.held)

    def context(
        self, order: OrderLike, began: datetime, due: datetime, lookback: timedelta
    ) -> Context:
        """What a rule is told about an order: its customer's other purchases in its period.

        :param lookback: how far before ``began`` rules look.
        """
        if order.customer_key is None:
            return Context(began, due)
        entries = self._by_customer.get((order.shop, order.customer_key))
        if entries is None:
            return Context(began, due)
        others = _Others(entries, began, due, order)
        if not lookback:
            return Context(began, due, others)
        return Context(began, due, others, _Others(entries, back(began, lookback), began, order))


def back(instant: datetime, lookback: timedelta) -> datetime:
    """So long before, or the beginning of the calendar."""
    return instant - min(lookback, instant - _FIRST)


def _place(entry: _Entry) -> tuple[datetime, str]:
    return entry[0], entry[1]


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
            own = bisect_left(entries, (order.completed_at, order.id), start, end)
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
