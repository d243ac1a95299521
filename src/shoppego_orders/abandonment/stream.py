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
from typing import NamedTuple

from shoppego_orders.abandonment.policy import AbandonmentPolicy, Since
from shoppego_orders.abandonment.purchases import Purchases, back
from shoppego_orders.abandonment.verdict import Verdict, VerdictStatus
from shoppego_orders.errors import InvalidValue
from shoppego_orders.order import OrderRow
from shoppego_orders.periods import FIRST_INSTANT, utc
from shoppego_orders.texts import word_of


def judge_stream(
    rows: Iterable[OrderRow],
    policy: AbandonmentPolicy,
    now: datetime,
    *,
    only: VerdictStatus | None = None,
) -> Iterator[Verdict]:
    """Judge every row of a history, each as :meth:`AbandonmentPolicy.judge` would.

    The verdicts come in the order of the deadlines; a row is judged as it stands. A row that
    says that it was completed before it was placed counts as bought when it was placed.

    :param rows: of any shops and customers, sorted by ``placed_at``.
    :param now: the moment at which it is asked, aware.
    :param only: yield only the verdicts of this status. Those of the abandoned alone come sooner:
        most orders are kept by what they say themselves, and need not wait.
    :raises NaiveDatetime: for a moment without a zone.
    :raises InvalidValue: for rows that are not sorted, for a deadline beyond the year 9999, and
        for no status.
    """
    now = utc(now, "now")
    only = None if only is None else word_of(VerdictStatus, only, "only")
    # What the loop needs a million times is looked up once.
    policy_id, decide, due_of, window = policy.id, policy.decide, policy.due, policy.window
    lookback, holds_regardless = policy.rule.looks_back(), policy.rule.holds_regardless
    abandoned_only = only is VerdictStatus.ABANDONED
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
                context = context_of(open_row, began, due, lookback)
                verdict = decide(open_row, context, now, policy_id)
                if only is None or verdict.status is only:
                    yield verdict
        completed = row.completed_at
        if completed is not None:
            if completed.tzinfo is not UTC:
                completed = utc(completed, "completed_at")
            add(row, at if completed < at else completed)  # noqa: FURB136  # max() is slower
            if bought.held >= bought.room:
                oldest = min((began for _, _, began, _ in waiting), default=at)
                bought.forget(back(oldest, lookback))
        try:
            due = at + window if in_order else due_of(row)
        except OverflowError:
            due = due_of(row)  # which says so
        if abandoned_only and holds_regardless(row, due) is False:
            continue
        if in_order:
            queue.append((due, number, at, row))
        else:
            heapq.heappush(heap, (due, number, at, row))
        next_due = waiting[0][0]
    for due, _, began, open_row in sorted(waiting):
        verdict = decide(open_row, context_of(open_row, began, due, lookback), now, policy_id)
        if only is None or verdict.status is only:
            yield verdict


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
