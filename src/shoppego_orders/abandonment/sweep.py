"""Find the orders that are due, judge them, and mark each abandoned one once.

The store narrows, the policy decides. A sweep reads the orders that no sweep has decided and
whose deadline has passed, however long ago, and settles each either way; so it doesn't matter
when, or how often, it runs, and nothing is missed when a scheduler stands still. ``decided`` is
one flag: the first policy that sweeps a store settles its orders, so give each shop one policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import attrs

from shoppego_orders.abandonment.policy import LONGEST_WINDOW, AbandonmentPolicy
from shoppego_orders.abandonment.purchases import Purchases, back
from shoppego_orders.abandonment.replay import at_deadline
from shoppego_orders.abandonment.rule import OrderLike
from shoppego_orders.abandonment.verdict import Verdict, VerdictStatus
from shoppego_orders.errors import (
    BrokenHistory,
    InvalidDocument,
    InvalidValue,
    OrderNotFound,
    StaleOrder,
    UnknownDocumentVersion,
)
from shoppego_orders.order import Life, Order, OrderRow
from shoppego_orders.order.evolution import met_before
from shoppego_orders.periods import FIRST_INSTANT, LAST_INSTANT, MICROSECOND, Period, utc
from shoppego_orders.ports import OrderStore
from shoppego_orders.query import Cursor, OrderQuery

BATCH: Final = 500
"""How many orders are read at a time; nothing is written while a store is being read."""

TRIES: Final = 5
"""How often an order that others save meanwhile is loaded and judged again."""


UNREADABLE: Final = (OrderNotFound, InvalidDocument, UnknownDocumentVersion, BrokenHistory)
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
    """What a sweep did, or would have done.

    :ivar reasons: of each order that it marked as abandoned, by id, why; in the order in which
        the checkouts began.
    :ivar kept: how many it judged and did not mark.
    :ivar retracted: of each order whose mark it took back, by id, why.
    :ivar skipped: those that it could not judge.
    """

    reasons: Mapping[str, tuple[str, ...]]
    kept: int
    retracted: Mapping[str, tuple[str, ...]]
    skipped: tuple[Skipped, ...]

    @property
    def abandoned(self) -> tuple[str, ...]:
        """The ids of the orders that it marked as abandoned."""
        return tuple(self.reasons)

    @property
    def judged(self) -> int:
        """How many undecided orders it decided, either way."""
        return len(self.reasons) + self.kept


def sweep(
    store: OrderStore,
    policy: AbandonmentPolicy,
    now: datetime,
    *,
    shop: str | None = None,
    limit: int | None = None,
    active_from: datetime | None = None,
    dry_run: bool = False,
) -> SweepResult:
    """Judge every undecided order whose deadline has passed, and settle it.

    Each abandoned order is marked by one save, with ``abandoned_at`` at its deadline. Several
    sweeps may run at once, and one may die at any step: each order is marked once, and what was
    not settled is found by the next sweep. An order that was paid after its deadline, and before
    the sweep, is still marked, and thereby recovered. Drafts are not looked at.

    An order is judged as it was at its deadline, whenever the sweep comes. One that has become a
    purchase since it was decided is looked at once more, and so are the orders of its customer
    in whose period it was bought: a purchase that is reported late takes their mark back.

    :param now: the present, aware.
    :param shop: only this shop's orders; all shops' unless told.
    :param limit: decide at most so many orders, those whose checkouts began first.
    :param active_from: orders whose checkout began earlier are left alone, aware: so that a shop
        that switches this on does not find years of abandoned orders at once.
    :param dry_run: write nothing, and say what would have been done.
    :raises NaiveDatetime: for a time without a zone.
    :raises InvalidValue: for a limit below 1, or a time before the calendar's first deadline.
    """
    if limit is not None and limit < 1:
        raise InvalidValue("limit", limit, "at least 1")
    now = utc(now, "now")
    judge = _Judge(store, policy, now, dry_run=dry_run)
    query = _undecided(shop, active_from, before(now, policy.shortest_window) + MICROSECOND)
    if query is not None:
        for rows in batches(store, query):
            judge.batch(rows, shop, limit)
            if limit is not None and judge.judged >= limit:
                break
    return SweepResult(
        reasons=judge.reasons,
        kept=judge.kept,
        retracted=judge.retracted,
        skipped=tuple(judge.skipped),
    )


def next_due(
    store: OrderStore,
    policy: AbandonmentPolicy,
    now: datetime,
    *,
    shop: str | None = None,
    active_from: datetime | None = None,
) -> datetime | None:
    """When the next sweep will find something, as far as is known now.

    An order that arrives later is due later than ``now`` plus the policy's shortest window, so a
    scheduler sleeps until the earlier of the two.

    :param now: the present, aware.
    :param active_from: as for :func:`sweep`.
    :returns: ``now`` when something is due already; None when every order is decided.
    :raises NaiveDatetime: for a time without a zone.
    """
    now = utc(now, "now")
    # What is placed at the very end of the calendar (a mistyped year) is never due.
    query = _undecided(shop, active_from, LAST_INSTANT - LONGEST_WINDOW)
    if query is None:
        return None
    first: datetime | None = None
    for row in store.rows(query):
        if first is not None and row.placed_at + policy.shortest_window >= first:
            break
        due = max(policy.due(row), now)
        first = due if first is None else min(first, due)
        if first == now:
            break
    return first


def batches(store: OrderStore, query: OrderQuery) -> Iterator[Sequence[OrderRow]]:
    """Read rows in batches, each read to its end before it is given out.

    So the caller may write to the store between them, and what that changes is neither read
    twice nor left out.
    """
    while True:
        rows = list(store.rows(attrs.evolve(query, limit=BATCH)))
        if rows:
            yield rows
        if len(rows) < BATCH:
            return
        query = attrs.evolve(query, after=Cursor(rows[-1].placed_at, rows[-1].id))


def before(now: datetime, elapsed: timedelta) -> datetime:
    """The instant so long before.

    :raises InvalidValue: when the calendar does not reach back so far.
    """
    try:
        return now - elapsed
    except OverflowError:
        raise InvalidValue(
            "now", now, f"a moment at least {elapsed} after the calendar begins"
        ) from None


_LAST: Final = LAST_INSTANT - MICROSECOND


def _undecided(shop: str | None, active_from: datetime | None, end: datetime) -> OrderQuery | None:
    """The undecided orders that began before an instant; None where there can be none."""
    start = FIRST_INSTANT if active_from is None else utc(active_from, "active_from")
    if start >= end:
        return None
    lives = frozenset((Life.OPEN, Life.CANCELLED))
    return OrderQuery(shop=shop, decided=False, life=lives, placed=Period(start, end))


_HELD: Final = "an order of the same customer could not be judged again"


def _customer(row: OrderRow) -> tuple[str, str | None]:
    return row.shop, row.customer_key


class _Judge:
    """Judges batches of rows, settles them, and keeps count."""

    def __init__(
        self, store: OrderStore, policy: AbandonmentPolicy, now: datetime, *, dry_run: bool
    ) -> None:
        self._store, self._policy, self._now, self._dry_run = store, policy, now, dry_run
        self._policy_id = policy.id
        self._lookback = policy.rule.looks_back()
        self._reads_edits = policy.rule.reads_edits()
        self.reasons: dict[str, tuple[str, ...]] = {}
        self.retracted: dict[str, tuple[str, ...]] = {}
        self.skipped: list[Skipped] = []
        self.kept = 0

    @property
    def judged(self) -> int:
        """How many orders were decided."""
        return len(self.reasons) + self.kept

    def batch(self, rows: Sequence[OrderRow], shop: str | None, limit: int | None) -> None:
        """Decide the rows that are due, at most as many as the limit leaves."""
        due = [row for row in rows if self._policy.due(row) <= self._now]
        if limit is not None:
            due = due[: limit - self.judged]
        # First: who dies here looks at these again, and then at the others again.
        held = self._reconsider(due, shop)
        bought = self._bought(due, shop)
        purchases = Purchases.among(bought)
        judged: list[OrderRow] = []
        for row in due:
            if row.completed_at is not None and _customer(row) in held:
                self.skipped.append(Skipped(row.id, _HELD))
                continue
            answer, seen = self._decided(row, purchases)
            if isinstance(answer, Skipped):
                self.skipped.append(answer)
                continue
            judged.append(seen)
            if row.id not in self.reasons:
                self.kept += 1
        if judged and not self._dry_run:
            self._settle(judged, {row.id: row.completed_at for row in bought}, shop)

    def _settle(
        self, judged: Sequence[OrderRow], known: Mapping[str, datetime | None], shop: str | None
    ) -> None:
        """Decide what was judged; until then a mark is one that the next sweep looks at again.

        Whoever is told of another purchase from now on finds these marked, and judges them again;
        and what becomes a purchase itself from now on, the store leaves undecided.

        :param known: the purchases by which they were judged, and when each was bought.
        """
        told = self._bought(judged, shop)
        new = [row for row in told if row.completed_at != known.get(row.id)]
        held = self._reconsider(new, shop)
        self._store.settle_kept([row for row in judged if _customer(row) not in held])

    def _decided(
        self, row: OrderRow, purchases: Purchases, *, again: bool = False
    ) -> tuple[Verdict | Skipped, OrderRow]:
        """Judge an order and write the answer, if it is to be marked or its mark taken back.

        If the order has changed since it was read, it is judged again.

        :param again: whatever another sweep says of it meanwhile; it may not know what we know.
        :returns: the answer, and the row as it was left.
        """
        store = self._store
        try:
            verdict = self._verdict(row, purchases)
            if self._stands(row, verdict) or self._dry_run:
                return self._told(row, verdict), row
            for _ in range(TRIES):
                order = store.get(row.id)
                if (fresh := OrderRow.of(order)) != row:
                    if fresh.decided and not (row.decided or again):
                        return Skipped(row.id, "another sweep decided it first"), fresh
                    theirs = fresh.abandoned_at is not None and row.abandoned_at is None
                    if theirs and not (again or row.id in self.reasons):
                        return Skipped(row.id, "another sweep marked it first"), fresh
                    bought = fresh.completed_at != row.completed_at
                    if bought and self._reconsider([fresh], row.shop):
                        return Skipped(row.id, _HELD), fresh
                    row = fresh
                    verdict = self._verdict(row, self._purchases([row], row.shop))
                if self._stands(row, verdict):
                    return verdict, row
                try:
                    saved = store.save(self._marked(order, verdict))
                except StaleOrder:
                    continue
                return self._told(row, verdict), OrderRow.of(saved)
        except UNREADABLE as error:
            return Skipped(row.id, str(error)), row
        return Skipped(row.id, f"others saved it {TRIES} times while it was being judged"), row

    def _stands(self, row: OrderRow, verdict: Verdict) -> bool:
        """Tell whether the order says already what the verdict says."""
        if row.abandoned_at is None:
            return verdict.status is not VerdictStatus.ABANDONED
        # A mark of another policy is not this one's to take back.
        return verdict.status is VerdictStatus.ABANDONED or row.abandoned_by != self._policy_id

    def _told(self, row: OrderRow, verdict: Verdict) -> Verdict:
        if not self._stands(row, verdict):
            told = self.reasons if row.abandoned_at is None else self.retracted
            told[row.id] = verdict.reasons
        return verdict

    def _marked(self, order: Order, verdict: Verdict) -> Order:
        if order.abandoned_at is not None:
            return order.record_retraction(reasons=verdict.reasons, at=self._now)
        marked = order.record_abandonment(
            policy=self._policy_id,
            reasons=verdict.reasons,
            at=verdict.due,
            recorded_at=self._now,
            despite=met_before(order, verdict.due),
        )
        # Decided once it is known that no other purchase was reported meanwhile.
        return attrs.evolve(marked, decided=order.decided)

    def _verdict(self, row: OrderRow, purchases: Purchases) -> Verdict:
        order: OrderLike = row
        due = self._policy.due(row)
        if self._reads_edits and (row.changed_at is None or row.changed_at >= due):
            order = at_deadline(self._store.events(row.id), self._policy)
        context = purchases.context(order, row.placed_at, due, self._lookback)
        return self._policy.decide(order, context, self._now, self._policy_id)

    def _purchases(self, rows: Sequence[OrderRow], shop: str | None) -> Purchases:
        return Purchases.among(self._bought(rows, shop))

    def _bought(self, rows: Sequence[OrderRow], shop: str | None) -> list[OrderRow]:
        """What the customers of these orders bought in their periods, and as rules look back."""
        keys = frozenset(row.customer_key for row in rows if row.customer_key is not None)
        if not keys:
            return []
        start = min(back(row.placed_at, self._lookback) for row in rows)
        period = Period(start, max(self._policy.due(row) for row in rows))
        query = OrderQuery(shop=shop, customer_keys=keys, completed=period)
        return list(self._store.rows(query))

    def _reconsider(
        self, rows: Sequence[OrderRow], shop: str | None
    ) -> frozenset[tuple[str, str | None]]:
        """Judge the orders again in whose period one of these was bought.

        They were judged when it was not known yet, or another worker is judging them this moment.

        :returns: the customers of whose orders one could not be judged: what they bought must not
            be decided, or it would not be looked at again.
        """
        bought = Purchases.among(rows)
        keys = frozenset(row.customer_key for row in rows if row.customer_key is not None)
        times = [row.completed_at for row in rows if row.completed_at is not None]
        if not keys or not bought.held:
            return frozenset()
        held: set[tuple[str, str | None]] = set()
        longest = self._policy.longest_window
        # Of those that began before a purchase it is in the period, of those after in what rules
        # look back over.
        start = FIRST_INSTANT if longest is None else back(min(times), longest)
        last = min(max(times), _LAST)
        end = last + min(self._lookback, _LAST - last) + MICROSECOND
        query = OrderQuery(shop=shop, customer_keys=keys, placed=Period(start, end))
        for others in batches(self._store, query):
            touched = [
                other
                for other in others
                if self._policy.due(other) <= self._now and self._touches(bought, other)
            ]
            purchases = self._purchases(touched, shop)
            for other in touched:
                answer, _ = self._decided(other, purchases, again=True)
                if isinstance(answer, Skipped):
                    self.skipped.append(answer)
                    held.add(_customer(other))
        return frozenset(held)

    def _touches(self, bought: Purchases, row: OrderRow) -> bool:
        context = bought.context(row, row.placed_at, self._policy.due(row), self._lookback)
        return bool(context.purchases or context.earlier)
