"""Find the orders that are due, judge them, and mark each abandoned one once.

The store narrows, the policy decides. A sweep reads the orders that no sweep has decided and
whose deadline has passed, however long ago, and settles each either way; so it doesn't matter
when, or how often, it runs, and nothing is missed when a scheduler stands still. ``decided`` is
one flag: the first policy that sweeps a store settles its orders, so give each shop one policy.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs

from shoppego_orders.abandonment.policy import AbandonmentPolicy, Verdict, VerdictStatus
from shoppego_orders.errors import (
    InvalidDocument,
    InvalidValue,
    OrderNotFound,
    StaleOrder,
    UnknownDocumentVersion,
)
from shoppego_orders.order import Life, OrderRow
from shoppego_orders.periods import Period, utc
from shoppego_orders.ports import OrderStore
from shoppego_orders.query import Cursor, OrderQuery

BATCH: Final = 500
"""How many orders are read at a time; nothing is written while a store is being read."""

TRIES: Final = 5
"""How often an order that others save meanwhile is loaded and judged again."""


UNREADABLE: Final = (OrderNotFound, InvalidDocument, UnknownDocumentVersion)
"""One order that is gone, or that can't be read, must not hold up the others."""


@attrs.frozen
class Skipped:
    """An order that a sweep left undecided; the next one looks at it again.

    :ivar why: for people.
    """

    order_id: str
    why: str


@attrs.frozen(kw_only=True)
class SweepResult:
    """What a sweep did.

    :ivar reasons: of each order that it marked as abandoned, by id, why; in the order in which
        the checkouts began.
    :ivar kept: how many it judged and kept.
    :ivar skipped: those that it could not judge.
    """

    reasons: Mapping[str, tuple[str, ...]]
    kept: int
    skipped: tuple[Skipped, ...]

    @property
    def abandoned(self) -> tuple[str, ...]:
        """The ids of the orders that it marked as abandoned."""
        return tuple(self.reasons)

    @property
    def judged(self) -> int:
        """How many orders it decided, either way."""
        return len(self.reasons) + self.kept


def sweep(
    store: OrderStore,
    policy: AbandonmentPolicy,
    now: datetime,
    *,
    shop: str | None = None,
    limit: int | None = None,
) -> SweepResult:
    """Judge every undecided order whose deadline has passed, and settle it.

    Each abandoned order is marked by one save, with ``abandoned_at`` at its deadline. Several
    sweeps may run at once, and one may die at any step: each order is marked once, and what was
    not settled is found by the next sweep. An order that was paid after its deadline, and before
    the sweep, is still marked, and thereby recovered. Drafts are not looked at.

    :param now: the present, aware.
    :param shop: only this shop's orders; all shops' unless told.
    :param limit: at most so many orders, those whose checkouts began first.
    :raises NaiveDatetime: for a time without a zone.
    :raises InvalidValue: for a limit below 1, or a time before the calendar's first deadline.
    """
    now = utc(now, "now")
    placed = Period.before(before(now, policy.window) + _INSTANT)
    reasons: dict[str, tuple[str, ...]] = {}
    skipped: list[Skipped] = []
    kept = 0
    for rows in batches(store, attrs.evolve(_undecided(shop), placed=placed), limit):
        purchases = _purchases(store, policy, rows, shop)
        settled: list[str] = []
        for row in rows:
            verdict = policy.judge(row, _those_of(row, purchases, policy), now)
            if verdict.status is VerdictStatus.ABANDONED:
                marked = _mark(store, policy, row, verdict, now)
                if isinstance(marked, Skipped):
                    skipped.append(marked)
                    continue
                verdict = marked
            if verdict.status is VerdictStatus.ABANDONED:
                reasons[row.id] = verdict.reasons
            else:
                settled.append(row.id)
        if settled:
            store.settle_kept(settled)
            kept += len(settled)
    return SweepResult(reasons=reasons, kept=kept, skipped=tuple(skipped))


def next_due(
    store: OrderStore, policy: AbandonmentPolicy, now: datetime, *, shop: str | None = None
) -> datetime | None:
    """When the next sweep will find something, as far as is known now.

    An order that arrives later is due later than ``now`` plus the policy's window, so a scheduler
    sleeps until the earlier of the two.

    :param now: the present, aware.
    :returns: ``now`` when something is due already; None when every order is decided.
    :raises NaiveDatetime: for a time without a zone.
    """
    now = utc(now, "now")
    # What is placed at the very end of the calendar (a mistyped year) is never due.
    reachable = Period.before(datetime.max.replace(tzinfo=UTC) - policy.window)
    first = attrs.evolve(_undecided(shop), placed=reachable, limit=1)
    return min((max(policy.due(row), now) for row in list(store.rows(first))), default=None)


def batches(
    store: OrderStore, query: OrderQuery, limit: int | None = None
) -> Iterator[Sequence[OrderRow]]:
    """Read rows in batches, each read to its end before it is given out.

    So the caller may write to the store between them, and what that changes is neither read
    twice nor left out.
    """
    if limit is not None and limit < 1:
        raise InvalidValue("limit", limit, "at least 1")
    while limit is None or limit > 0:
        size = BATCH if limit is None else min(BATCH, limit)
        rows = list(store.rows(attrs.evolve(query, limit=size)))
        if rows:
            yield rows
        if len(rows) < size:
            return
        limit = None if limit is None else limit - size
        query = attrs.evolve(query, after=Cursor(rows[-1].placed_at, rows[-1].id))


def before(now: datetime, elapsed: timedelta) -> datetime:
    """The instant so long before.

    :raises InvalidValue: when the calendar does not reach back so far.
    """
    try:
        return now - elapsed
    except OverflowError:
        raise InvalidValue("now", now, f"a moment at least {elapsed} after the year 1") from None


_INSTANT: Final = timedelta(microseconds=1)
_Purchases = Mapping[tuple[str, str | None], Sequence[tuple[datetime, OrderRow]]]


def _undecided(shop: str | None) -> OrderQuery:
    return OrderQuery(shop=shop, decided=False, life=frozenset((Life.OPEN, Life.CANCELLED)))


def _mark(
    store: OrderStore, policy: AbandonmentPolicy, row: OrderRow, verdict: Verdict, now: datetime
) -> Verdict | Skipped:
    """Mark an order; if it has changed since it was judged, judge it again.

    :returns: the verdict that stands in the end, and that is saved if it is *abandoned*.
    """
    try:
        for _ in range(TRIES):
            order = store.get(row.id)
            if order.decided:
                return Skipped(row.id, "another sweep decided it first")
            if (fresh := OrderRow.of(order)) != row:
                row = fresh
                purchases = _purchases(store, policy, [row], row.shop)
                verdict = policy.judge(row, _those_of(row, purchases, policy), now)
            if verdict.status is not VerdictStatus.ABANDONED:
                return verdict
            marked = order.record_abandonment(
                policy=policy.name, reasons=verdict.reasons, at=verdict.due, recorded_at=now
            )
            try:
                store.save(marked)
            except StaleOrder:
                continue
            return verdict
    except UNREADABLE as error:
        return Skipped(row.id, str(error))
    return Skipped(row.id, f"others saved it {TRIES} times while it was being judged")


def _purchases(
    store: OrderStore, policy: AbandonmentPolicy, rows: Sequence[OrderRow], shop: str | None
) -> _Purchases:
    """What the customers of these orders bought in their periods, by customer and time."""
    keys = frozenset(row.customer_key for row in rows if row.customer_key is not None)
    if not keys:
        return {}
    period = Period(rows[0].placed_at, policy.due(rows[-1]))
    found: dict[tuple[str, str | None], list[tuple[datetime, OrderRow]]] = {}
    for row in store.rows(OrderQuery(shop=shop, customer_keys=keys, completed=period)):
        assert row.completed_at is not None  # they were asked for
        found.setdefault((row.shop, row.customer_key), []).append((row.completed_at, row))
    for purchases in found.values():
        purchases.sort(key=_time)
    return found


def _those_of(
    row: OrderRow, purchases: _Purchases, policy: AbandonmentPolicy
) -> Iterator[OrderRow]:
    """One customer's purchases while one order was open; never a scan of all their orders."""
    theirs = purchases.get((row.shop, row.customer_key), ())
    first = bisect_left(theirs, row.placed_at, key=_time)
    last = bisect_left(theirs, policy.due(row), key=_time)
    return (purchase for _, purchase in theirs[first:last])


def _time(entry: tuple[datetime, OrderRow]) -> datetime:
    return entry[0]
