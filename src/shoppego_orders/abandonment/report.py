"""What abandoned checkouts came to: how they ended, and what was earned by winning them back.

Revenue is what was paid for a purchase, less what was refunded, as the store knows it now; each
purchase counts once, however many abandoned orders name it. What was confirmed and never paid,
such as cash on delivery that nobody recorded, adds nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, Literal

import attrs

from shoppego_orders.abandonment.claims import reminders_of
from shoppego_orders.errors import InvalidValue
from shoppego_orders.money import Money
from shoppego_orders.order import OrderRow, Recovery
from shoppego_orders.periods import Period
from shoppego_orders.ports import OrderStore, Outcome, TaskLog
from shoppego_orders.query import OrderQuery

WON_BACK: Final = (Recovery.RECOVERED, Recovery.RETURNED)
"""The ends whose purchases count as recovered revenue."""

_AT_ONCE: Final = 500


@attrs.frozen(kw_only=True)
class ReminderCounts:
    """How many reminders became what.

    :ivar sent: the mailer took them.
    :ivar skipped: they were not to be sent any more; how many for each reason.
    :ivar failed: the mailer refused them.
    :ivar unknown: nobody knows; see :func:`unknown_reminders`.
    """

    sent: int
    skipped: Mapping[str, int]
    failed: int
    unknown: int


@attrs.frozen(kw_only=True, repr=False)
class RecoveryReport:
    """What became of the abandoned checkouts of a period.

    :ivar abandoned: how many there are.
    :ivar outcomes: how many of them ended how; each end is a key, and ``open`` is those of which
        nobody has recorded one.
    :ivar recovered: by currency, what was paid, less refunds, for the purchases of the recovered
        and the returned.
    :ivar substituted: by currency, the same for what was bought instead; a purchase that counts
        as recovered does not count here again.
    :ivar reminders: None where no task log was given.
    """

    abandoned: int
    outcomes: Mapping[Recovery, int]
    recovered: Mapping[str, Money]
    substituted: Mapping[str, Money]
    reminders: ReminderCounts | None = None

    # Any: PyArrow has no types
    def to_arrow(self, by: Literal["outcome", "currency"] = "outcome") -> Any:
        """The report as a ``pyarrow.Table``, for data frames.

        :param by: ``outcome`` for how many checkouts ended how; ``currency`` for what was won back
            and what was bought instead. A report passed on as it is, is that of outcomes.
        :raises InvalidValue: for another word.
        :raises MissingExtra: without PyArrow, which the extra ``arrow`` brings.
        """
        from shoppego_orders.scale.recovery import outcomes_table, revenue_table

        if by == "outcome":
            return outcomes_table(self.outcomes)
        if by == "currency":
            return revenue_table(self.recovered, self.substituted)
        raise InvalidValue("by", by, "outcome or currency")

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """What data frames ask for: the table of :meth:`to_arrow`."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        ends = ", ".join(f"{count} {end}" for end, count in self.outcomes.items() if count)
        earned = ", ".join(map(str, self.recovered.values()))
        told = f"{ends or 'none'}; won back: {earned or 'nothing'}"
        return f"<RecoveryReport: {self.abandoned} abandoned: {told}>"

    def _repr_html_(self) -> str:
        """The report as a notebook shows it."""
        from shoppego_orders.abandonment.view import recovery_html

        return recovery_html(self)


def recovery_report(
    store: OrderStore,
    period: Period | None = None,
    *,
    shop: str | None = None,
    tasks: TaskLog | None = None,
) -> RecoveryReport:
    """Report on the abandoned checkouts of a period, as far as their ends are recorded.

    :func:`settle_recoveries` records the ends; run it first. Orders are streamed: memory holds
    only the ids of the purchases that other orders name.

    :param period: when the checkouts *began*, as on the Orders page and in exports; None for all.
        Of reminders, when they were claimed.
    :param shop: only this shop's; all shops' unless told.
    :param tasks: where the reminders were claimed, to count them too.
    """
    query = OrderQuery(shop=shop, abandoned=True, placed=period)
    outcomes = dict.fromkeys(Recovery, 0)
    recovered, substituted = _Sums(), _Sums()
    won: set[str] = set()
    instead: set[str] = set()
    for row in store.rows(query):
        assert row.recovery is not None  # abandoned ones were asked for
        outcomes[row.recovery] += 1
        if _won_back_by_itself(row):
            recovered.add(row)
        elif row.recovered_by is not None:
            (won if row.recovery in WON_BACK else instead).add(row.recovered_by)
    for ids, sums in ((won, recovered), (instead - won, substituted)):
        for row in _orders(store, ids):
            # Those that were streamed above have been counted there.
            if not (query.matches(row) and _won_back_by_itself(row)):
                sums.add(row)
    return RecoveryReport(
        abandoned=sum(outcomes.values()),
        outcomes=outcomes,
        recovered=recovered.money(),
        substituted=substituted.money(),
        reminders=None if tasks is None else _reminders(tasks, period, shop),
    )


class _Sums:
    """Exact sums, by currency."""

    def __init__(self) -> None:
        self._minor: Counter[str] = Counter()

    def add(self, row: OrderRow) -> None:
        self._minor[row.currency] += row.paid_total.minor - row.refunded_total.minor

    def money(self) -> dict[str, Money]:
        return {
            currency: Money.from_minor(minor, currency)
            for currency, minor in sorted(self._minor.items())
        }


def _won_back_by_itself(row: OrderRow) -> bool:
    return row.recovery in WON_BACK and row.recovered_by == row.id


def _orders(store: OrderStore, ids: Iterable[str]) -> Iterator[OrderRow]:
    left = iter(sorted(ids))
    while chunk := frozenset(islice(left, _AT_ONCE)):
        yield from store.rows(OrderQuery(ids=chunk))


def _reminders(tasks: TaskLog, period: Period | None, shop: str | None) -> ReminderCounts:
    ends: Counter[Outcome | None] = Counter()
    skipped: Counter[str] = Counter()
    for task in tasks.tasks(reminders_of(shop)):
        if period is None or task.claimed_at in period:
            ends[task.outcome] += 1
            if task.outcome is Outcome.SKIPPED:
                skipped[task.note] += 1
    return ReminderCounts(
        sent=ends[Outcome.DONE], skipped=skipped, failed=ends[Outcome.FAILED], unknown=ends[None]
    )
