"""Judge a whole history in one pass, and compare two policies over it.

Rows come sorted by the time at which they were placed. An order waits until the stream has passed
its deadline: then all that could still count is known. So memory holds what is open, and the
purchases of one window (and of as long before as rules look back), however long the history is.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import tee
from typing import Final, NamedTuple

from shoppego_orders.abandonment.policy import LONGEST_WINDOW, AbandonmentPolicy, Since
from shoppego_orders.abandonment.purchases import Purchases, back
from shoppego_orders.abandonment.verdict import Verdict
from shoppego_orders.errors import InvalidValue
from shoppego_orders.order import OrderRow
from shoppego_orders.periods import FIRST_INSTANT, LAST_INSTANT, utc

_NEAR_THE_END: Final = LAST_INSTANT - LONGEST_WINDOW


def judge_stream(
    rows: Iterable[OrderRow], policy: AbandonmentPolicy, now: datetime
) -> Iterator[Verdict]:
    """Judge every row of a history, each as :meth:`AbandonmentPolicy.judge` would.

    The verdicts come in the order of the deadlines; a row is judged as it stands. A row that
    says that it was completed before it was placed counts as bought when it was placed.

    :param rows: of any shops and customers, sorted by ``placed_at``.
    :param now: the moment at which it is asked, aware.
    :raises NaiveDatetime: for a moment without a zone.
    :raises InvalidValue: for rows that are not sorted, and for a deadline beyond the year 9999.
    """
    now = utc(now, "now")
    # What the loop needs a million times is looked up once.
    policy_id, decide, due_of, window = policy.id, policy.decide, policy.due, policy.window
    lookback = policy.rule.looks_back()
    bought = Purchases()
    context_of, add = bought.context, bought.add
    # With one window deadlines come in the order of the rows; else they have to be sorted.
    in_order = not policy.windows_by_payment_method and policy.since is Since.PLACED_AT
    queue: deque[_Waiting] = deque()
    heap: list[_Waiting] = []
    waiting = queue if in_order else heap
    last = next_due = FIRST_INSTANT
    for number, row in enumerate(rows):
        at = row.placed_at
        if at.tzinfo is not UTC:
            at = utc(at, "placed_at")
        if at < last:
            raise InvalidValue("rows", row.id, "rows sorted by placed_at")
        last = at
        if next_due <= at:
            while waiting and waiting[0][0] <= at:
                due, _, began, open_row = queue.popleft() if in_order else heapq.heappop(heap)
                yield decide(open_row, context_of(open_row, began, due, lookback), now, policy_id)
        completed = row.completed_at
        if completed is not None and row.customer_key is not None:
            if completed.tzinfo is not UTC:
                completed = utc(completed, "completed_at")
            add(row, at if completed < at else completed)  # noqa: FURB136  # max() is slower
            if bought.crowded:
                oldest = min((began for _, _, began, _ in waiting), default=at)
                bought.forget(back(oldest, lookback))
        if in_order and at < _NEAR_THE_END:
            queue.append((at + window, number, at, row))
        else:
            entry = (due_of(row), number, at, row)
            queue.append(entry) if in_order else heapq.heappush(heap, entry)
        next_due = waiting[0][0]
    for due, _, began, open_row in sorted(waiting):
        yield decide(open_row, context_of(open_row, began, due, lookback), now, policy_id)


_Waiting = tuple[datetime, int, datetime, OrderRow]
"""When it is due, its number (which decides between equals), when it began, and the row."""


class Difference(NamedTuple):
    """An order on which two policies disagree."""

    order_id: str
    current: Verdict
    candidate: Verdict


def compare_policies(
    rows: Iterable[OrderRow],
    current: AbandonmentPolicy,
    candidate: AbandonmentPolicy,
    now: datetime,
) -> Iterator[Difference]:
    """Run a policy in the shadow of another over a history, and tell where they differ.

    One pass, with memory for what the longer window holds open. Nothing is marked.

    :param rows: sorted by ``placed_at``, as for :func:`judge_stream`; ids differ.
    :param now: the moment at which it is asked, aware.
    :returns: the orders of which one policy says that they were abandoned and the other does not
        (yet), or says that they were at another moment.
    """
    ours, theirs = tee(rows)
    one_sided: dict[str, tuple[bool, Verdict]] = {}
    # Each yields one verdict a row, so they keep step; only the order differs.
    for pair in zip(
        judge_stream(ours, current, now), judge_stream(theirs, candidate, now), strict=True
    ):
        for is_candidate, verdict in enumerate(pair):
            _, other = one_sided.pop(verdict.order_id, (None, None))
            if other is None:
                one_sided[verdict.order_id] = bool(is_candidate), verdict
            elif other.abandoned_at != verdict.abandoned_at:
                both = (other, verdict) if is_candidate else (verdict, other)
                yield Difference(verdict.order_id, *both)
