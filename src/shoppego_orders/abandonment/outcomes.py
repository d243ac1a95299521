"""How abandoned checkouts ended: recorded once, from what was bought when, and never guessed.

The earliest purchase of the same customer in the same shop decides, if it was made at the
deadline or later, and before the time after which the checkout counts as lost. A purchase is an
order whose checkout was completed: paid, or confirmed. An order that merely began is none.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import NamedTuple

import attrs

from shoppego_orders.abandonment.saving import saved
from shoppego_orders.abandonment.sweep import UNREADABLE, Skipped, batches
from shoppego_orders.errors import InvalidValue, StaleOrder
from shoppego_orders.order import Order, OrderRow, Recovery
from shoppego_orders.periods import Period, utc
from shoppego_orders.ports import OrderStore
from shoppego_orders.query import OrderQuery


@attrs.frozen(kw_only=True)
class SettleResult:
    """What a run of :func:`settle_recoveries` recorded.

    :ivar outcomes: how each order ended whose end it recorded, by id; in the order in which the
        checkouts began.
    :ivar open: how many it looked at that may still end one way or another.
    :ivar skipped: those that it could not settle; the next run looks at them again.
    """

    outcomes: Mapping[str, Recovery] = attrs.field(factory=dict[str, Recovery])
    open: int = 0
    skipped: tuple[Skipped, ...] = ()


def settle_recoveries(
    store: OrderStore,
    lost_after: timedelta,
    now: datetime,
    *,
    shop: str | None = None,
    limit: int | None = None,
) -> SettleResult:
    """Record how abandoned checkouts ended, of those of which that can be told by now.

    *Returned*: the customer had come back through a recovery link when they bought, this order or
    another. Else *recovered*: they completed this very checkout; *substituted*: they bought
    something else. *Lost*: none of it in time.

    It reads the orders whose end nobody has recorded yet, and nothing of the history. Several may
    run at once, and one may die at any step: each end is recorded once, and the next run finds
    what is left. When, and how often, it runs changes no answer, provided that what happened is
    reported before the next run; a purchase that is reported after the order was given up does
    not bring it back.

    :param lost_after: elapsed time after ``abandoned_at``; a plan's ``lost_after``.
    :param now: the present, aware.
    :param shop: only this shop's orders; all shops' unless told.
    :param limit: at most so many ends are recorded, of the checkouts that began first.
    :raises NaiveDatetime: for a time without a zone.
    :raises InvalidValue: for a limit below 1, or a time that is not above zero.
    """
    now = utc(now, "now")
    if lost_after <= timedelta(0):
        raise InvalidValue("lost_after", lost_after, "a length of time above zero")
    if limit is not None and limit < 1:
        raise InvalidValue("limit", limit, "at least 1")
    outcomes: dict[str, Recovery] = {}
    skipped: list[Skipped] = []
    still_open = 0
    for row, bought in _open_ones(store, shop, lost_after):
        if len(outcomes) == limit:
            break
        ended = _settled(store, row, bought, lost_after, now)
        if isinstance(ended, Skipped):
            skipped.append(ended)
        elif ended is None:
            still_open += 1
        else:
            outcomes[row.id] = ended
    return SettleResult(outcomes=outcomes, open=still_open, skipped=tuple(skipped))


class _End(NamedTuple):
    """How a checkout ended, by which purchase, and when."""

    outcome: Recovery
    purchase: str | None
    at: datetime


_Who = tuple[str, str | None]
"""A customer: the shop, and their key in it."""

_Bought = Mapping[_Who, Sequence[tuple[datetime, str]]]
"""Each customer's purchases in a shop, oldest first: when, and the order's id."""


def _open_ones(
    store: OrderStore, shop: str | None, lost_after: timedelta
) -> Iterator[tuple[OrderRow, _Bought]]:
    purchases = _Purchases(store, lost_after)
    for rows in batches(store, OrderQuery(shop=shop, recovery=(Recovery.OPEN,))):
        bought = purchases.of(rows)
        for row in rows:
            yield row, bought


def _settled(
    store: OrderStore, row: OrderRow, bought: _Bought, lost_after: timedelta, now: datetime
) -> Recovery | Skipped | None:
    """Record how an order ended; None while that can't be told, or where another worker did."""
    if _end(row, bought, lost_after, now) is None:
        return None
    end: _End | None = None

    def ended(order: Order) -> Order:
        nonlocal end
        fresh = OrderRow.of(order)
        theirs = bought if fresh == row else _Purchases(store, lost_after).of([fresh])
        end = _end(fresh, theirs, lost_after, now)
        if end is None:
            return order
        return order.record_outcome(end.outcome, purchase=end.purchase, at=end.at, recorded_at=now)

    try:
        saved(store, row.id, ended)
    except (*UNREADABLE, StaleOrder) as error:
        return Skipped(row.id, str(error))
    return None if end is None else end.outcome


def _end(row: OrderRow, bought: _Bought, lost_after: timedelta, now: datetime) -> _End | None:
    """Decide how an order ended, as far as that is certain by now."""
    deadline = row.abandoned_at
    if deadline is None or row.recovery is not Recovery.OPEN:
        return None
    purchase = _first_purchase(row, deadline, bought)
    if purchase is not None and purchase[0] - deadline < lost_after:
        at, order_id = purchase
        if at > now:
            return None
        if row.returned_at is not None and row.returned_at <= at:
            return _End(Recovery.RETURNED, order_id, at)
        own = order_id == row.id
        return _End(Recovery.RECOVERED if own else Recovery.SUBSTITUTED, order_id, at)
    if now - deadline < lost_after:
        return None
    return _End(Recovery.LOST, None, deadline + lost_after)


def _first_purchase(
    row: OrderRow, deadline: datetime, bought: _Bought
) -> tuple[datetime, str] | None:
    """The first that the customer bought at the deadline or later; at one instant, this order."""
    theirs = bought.get((row.shop, row.customer_key), ())
    place = bisect_left(theirs, (deadline, ""))
    # What was bought may be this order: it comes first, and again, no earlier, among theirs.
    found = [] if row.recovered_at is None else [(row.recovered_at, row.id)]
    return min((*found, *theirs[place : place + 1]), key=itemgetter(0), default=None)


class _Purchases:
    """What customers bought while their orders were open, read for a batch of orders at a time.

    Of those who have orders in the next batch too, only what is later is read then: else all the
    purchases of one customer would be read again for every batch of their orders.
    """

    def __init__(self, store: OrderStore, lost_after: timedelta) -> None:
        self._store = store
        self._lost_after = lost_after
        self._found: dict[_Who, list[tuple[datetime, str]]] = {}
        self._read: Period | None = None

    def of(self, rows: Sequence[OrderRow]) -> _Bought:
        """The purchases of these orders' customers, oldest first."""
        who: set[_Who] = {
            (row.shop, row.customer_key) for row in rows if row.customer_key is not None
        }
        deadlines = [row.abandoned_at for row in rows if row.abandoned_at is not None]
        if not who or not deadlines:
            return {}
        period = _span(min(deadlines), max(deadlines), self._lost_after)
        read = self._read
        known: set[_Who] = set()
        if read is not None and read.start <= period.start:
            known = who & self._found.keys()
            period = Period(period.start, max(read.end, period.end))
        self._found = {each: self._found[each] if each in known else [] for each in who}
        self._add(who - known, period)
        if read is not None and read.end < period.end:
            self._add(known, Period(read.end, period.end))
        self._read = period
        return self._found

    def _add(self, who: set[_Who], period: Period) -> None:
        if not who:
            return
        shops = {shop for shop, _ in who}
        query = OrderQuery(
            shop=min(shops) if len(shops) == 1 else None,
            customer_keys=(key for _, key in who if key is not None),
            completed=period,
        )
        for row in self._store.rows(query):
            assert row.completed_at is not None  # they were asked for
            # One key in two shops is two customers, of whom perhaps one is asked about.
            if (row.shop, row.customer_key) in who:
                self._found[row.shop, row.customer_key].append((row.completed_at, row.id))
        for each in who:
            self._found[each].sort()


def _span(first: datetime, last: datetime, lost_after: timedelta) -> Period:
    try:
        return Period(first, last + lost_after)
    except OverflowError:  # a mistyped year at the calendar's end
        return Period.since(first)
