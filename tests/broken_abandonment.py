"""Sweeps and reminders that break one promise each, as shop systems shipped them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import attrs

from abandonment_contract import Reminds, Sweeps
from shoppego_orders.abandonment import AbandonmentPolicy, RecoveryPlan, plain_reminder
from shoppego_orders.errors import StaleOrder
from shoppego_orders.order import Life, Order, OrderRow
from shoppego_orders.ports import Mailer, OrderStore, Outcome, TaskLog
from shoppego_orders.query import OrderQuery

HOUR = timedelta(hours=1)


class PlainSweep:
    """A sweep as one writes it first: it reads everything, and breaks none of these promises."""

    def __call__(self, store: OrderStore, policy: AbandonmentPolicy, now: datetime, /) -> object:
        rows = list(store.rows(OrderQuery()))
        for row in self.candidates(rows, now):
            if self.is_due(row, now):
                self.settle(store, policy, row, rows)
        return None

    def candidates(self, rows: Iterable[OrderRow], now: datetime) -> list[OrderRow]:  # noqa: ARG002  # for the look-back window
        return [row for row in rows if not row.decided]

    def is_due(self, row: OrderRow, now: datetime) -> bool:
        return now - row.placed_at >= HOUR

    def is_left(self, row: OrderRow, rows: Iterable[OrderRow]) -> bool:
        met = (row.completed_at, row.taken_up_at, row.cancelled_at)
        if any(at is not None and self.is_within(row, at) for at in met):
            return False
        return not any(
            self.is_theirs(row, other) and other.id != row.id and self.counts(row, other)
            for other in rows
        )

    def is_within(self, row: OrderRow, at: datetime) -> bool:
        return row.placed_at <= at < row.placed_at + HOUR

    def is_theirs(self, row: OrderRow, other: OrderRow) -> bool:
        return (row.shop, row.customer_key) == (other.shop, other.customer_key)

    def counts(self, row: OrderRow, other: OrderRow) -> bool:
        return other.completed_at is not None and self.is_within(row, other.completed_at)

    def settle(
        self, store: OrderStore, policy: AbandonmentPolicy, row: OrderRow, rows: list[OrderRow]
    ) -> None:
        while True:
            order = store.get(row.id)
            if order.decided:
                return
            fresh = OrderRow.of(order)
            if not self.is_left(fresh, rows):
                store.settle_kept([fresh])
                return
            try:
                store.save(marked(order, policy))
            except StaleOrder:
                continue
            return


def marked(order: Order, policy: AbandonmentPolicy, *, despite: Sequence[str] = ()) -> Order:
    """Mark an order, whether or not it is marked already."""
    due = order.placed_at + HOUR
    return attrs.evolve(order, abandoned_at=None).record_abandonment(
        policy=policy.id, reasons=["left"], at=due, recorded_at=due, despite=despite
    )


class CountsMinutesOnTheClock(PlainSweep):
    """Minutes made of the fields of local clocks: day*24*60 + hour*60 + minute."""

    zone = ZoneInfo("Asia/Kuala_Lumpur")

    def is_due(self, row: OrderRow, now: datetime) -> bool:
        return self.minutes(now) - self.minutes(row.placed_at) >= 60

    def minutes(self, at: datetime) -> int:
        local = at.astimezone(self.zone)
        return local.day * 24 * 60 + local.hour * 60 + local.minute


class CountsMinutesWithoutTheDate(CountsMinutesOnTheClock):
    """As shipped: day*24 + hour*60 + minute, in which a day is 24 minutes."""

    def minutes(self, at: datetime) -> int:
        local = at.astimezone(self.zone)
        return local.day * 24 + local.hour * 60 + local.minute


class LooksBackTwoHours(PlainSweep):
    """It finds what came due since the last run, if the last run was on time."""

    def candidates(self, rows: Iterable[OrderRow], now: datetime) -> list[OrderRow]:
        return [row for row in super().candidates(rows, now) if now - row.placed_at <= 2 * HOUR]


class CountsAnyLaterOrder(PlainSweep):
    def counts(self, row: OrderRow, other: OrderRow) -> bool:
        return super().counts(row, other) or self.is_within(row, other.placed_at)


class CountsPurchasesMadeLater(PlainSweep):
    """No end to the period: what is bought days later keeps it too."""

    def counts(self, row: OrderRow, other: OrderRow) -> bool:
        return other.completed_at is not None and other.completed_at >= row.placed_at


class CountsFailedOrders(PlainSweep):
    """Whatever is not open any more counts for a purchase."""

    def counts(self, row: OrderRow, other: OrderRow) -> bool:
        return super().counts(row, other) or (
            other.life is Life.CANCELLED
            and other.cancelled_at is not None
            and self.is_within(row, other.cancelled_at)
        )


class CountsUnpaidOrders(PlainSweep):
    """Whatever any money came in for counts for a purchase."""

    def counts(self, row: OrderRow, other: OrderRow) -> bool:
        return super().counts(row, other) or (
            other.paid_total.minor > 0 and self.is_within(row, other.placed_at)
        )


class ClosesTheWindow(PlainSweep):
    """Up to 60 minutes, and that very instant too."""

    def is_within(self, row: OrderRow, at: datetime) -> bool:
        return row.placed_at <= at <= row.placed_at + HOUR


class WaitsForMoreThanAnHour(PlainSweep):
    """What is due at this very instant is left for the next run."""

    def is_due(self, row: OrderRow, now: datetime) -> bool:
        return now - row.placed_at > HOUR


class CountsOtherShops(PlainSweep):
    def is_theirs(self, row: OrderRow, other: OrderRow) -> bool:
        return row.customer_key == other.customer_key


class SelectsThenUpdates(PlainSweep):
    """What was found is marked, whatever has become of it: an update without a guard."""

    def settle(
        self, store: OrderStore, policy: AbandonmentPolicy, row: OrderRow, rows: list[OrderRow]
    ) -> None:
        if not self.is_left(row, rows):
            store.settle_kept([row])
            return
        while True:
            try:
                store.save(marked(store.get(row.id), policy))
            except StaleOrder:
                continue
            return


class MarksInEveryRun(PlainSweep):
    """Nothing says what was decided, so every run decides it anew."""

    def candidates(self, rows: Iterable[OrderRow], now: datetime) -> list[OrderRow]:  # noqa: ARG002  # as above
        return list(rows)

    def settle(
        self, store: OrderStore, policy: AbandonmentPolicy, row: OrderRow, rows: list[OrderRow]
    ) -> None:
        if self.is_left(row, rows):
            store.save(marked(store.get(row.id), policy))
        else:
            store.settle_kept([row])


class SettlesBeforeItMarks(PlainSweep):
    """Decided first, so that nobody else does it: who dies in between loses the mark."""

    def settle(
        self, store: OrderStore, policy: AbandonmentPolicy, row: OrderRow, rows: list[OrderRow]
    ) -> None:
        store.settle_kept([row])
        if self.is_left(row, rows):
            store.save(marked(store.get(row.id), policy))


class DoesNotAskAgain(PlainSweep):
    """It marks what it read: a payment that comes in between does not count."""

    def settle(
        self, store: OrderStore, policy: AbandonmentPolicy, row: OrderRow, rows: list[OrderRow]
    ) -> None:
        if not self.is_left(row, rows):
            store.settle_kept([row])
            return
        while not (order := store.get(row.id)).decided:
            with suppress(StaleOrder):
                store.save(marked(order, policy, despite=("completed", "paid")))


BROKEN_SWEEPS: list[tuple[Sweeps, str]] = [
    (CountsMinutesOnTheClock(), "check_the_window_is_elapsed_time"),
    (CountsMinutesWithoutTheDate(), "check_the_window_is_elapsed_time"),
    (LooksBackTwoHours(), "check_nothing_is_missed_when_the_scheduler_stands_still"),
    (CountsAnyLaterOrder(), "check_only_purchases_count"),
    (CountsPurchasesMadeLater(), "check_only_purchases_count"),
    (CountsFailedOrders(), "check_only_purchases_count"),
    (CountsUnpaidOrders(), "check_only_purchases_count"),
    (ClosesTheWindow(), "check_the_period_is_half_open"),
    (WaitsForMoreThanAnHour(), "check_the_period_is_half_open"),
    (CountsOtherShops(), "check_another_shops_purchases_do_not_count"),
    (SelectsThenUpdates(), "check_two_at_once_mark_each_order_once"),
    (MarksInEveryRun(), "check_what_is_decided_is_left_alone"),
    (SettlesBeforeItMarks(), "check_a_crash_at_any_step_loses_nothing"),
    (DoesNotAskAgain(), "check_what_is_paid_in_time_while_it_is_judged_is_kept"),
]


@attrs.frozen
class Run:
    """What a run of reminders works with."""

    store: OrderStore
    tasks: TaskLog
    mailer: Mailer
    now: datetime


class PlainReminder:
    """Claim, send, settle, and ask right before: as one writes it when one has been burnt."""

    def __call__(
        self,
        store: OrderStore,
        tasks: TaskLog,
        mailer: Mailer,
        plan: RecoveryPlan,
        now: datetime,
        /,
    ) -> object:
        for row in list(store.rows(OrderQuery(abandoned=True))):
            assert row.abandoned_at is not None  # they were asked for
            step = plan.step(row.abandoned_at, now)
            if step:
                self.once(Run(store, tasks, mailer, now), row, step)
        return None

    def once(self, run: Run, row: OrderRow, step: int) -> None:
        key = f"reminder/{row.id}/{step}"
        if run.store.get(row.id).completed_at is None and run.tasks.claim(key, run.now):
            self.send(run, row, step)
            run.tasks.settle(key, Outcome.DONE, run.now)

    def send(self, run: Run, row: OrderRow, step: int) -> None:
        message = plain_reminder(run.store.get(row.id), step)
        message["To"] = row.email
        run.mailer.send(message)


class ClaimsAfterSending(PlainReminder):
    """The flag is set when the mail has left: who dies in between sends it again."""

    def once(self, run: Run, row: OrderRow, step: int) -> None:
        key = f"reminder/{row.id}/{step}"
        if run.store.get(row.id).completed_at is None and not list(run.tasks.tasks(key)):
            self.send(run, row, step)
            if run.tasks.claim(key, run.now):
                run.tasks.settle(key, Outcome.DONE, run.now)


class LooksBeforeItClaims(PlainReminder):
    """Two workers look, nobody has claimed it, and both go on whatever the claim says."""

    def once(self, run: Run, row: OrderRow, step: int) -> None:
        key = f"reminder/{row.id}/{step}"
        if run.store.get(row.id).completed_at is None and not list(run.tasks.tasks(key)):
            run.tasks.claim(key, run.now)
            self.send(run, row, step)
            run.tasks.settle(key, Outcome.DONE, run.now)


class ClaimsNothing(PlainReminder):
    """It remembers what it has sent itself; another worker remembers something else."""

    def __init__(self) -> None:
        self._sent = set[tuple[int, str]]()

    def once(self, run: Run, row: OrderRow, step: int) -> None:
        key = f"reminder/{row.id}/{step}"
        if (id(run.mailer), key) not in self._sent:
            self.send(run, row, step)
            self._sent.add((id(run.mailer), key))


class SettlesBeforeItSends(PlainReminder):
    """Done, says the log of a mail that never left."""

    def once(self, run: Run, row: OrderRow, step: int) -> None:
        key = f"reminder/{row.id}/{step}"
        if run.store.get(row.id).completed_at is None and run.tasks.claim(key, run.now):
            run.tasks.settle(key, Outcome.DONE, run.now)
            self.send(run, row, step)


class ClaimsTheHour(PlainReminder):
    """Claimed for an hour, not for a step: the next hour it is sent again."""

    def once(self, run: Run, row: OrderRow, step: int) -> None:
        key = f"reminder/{row.id}/{run.now:%Y-%m-%dT%H}"
        if run.store.get(row.id).completed_at is None and run.tasks.claim(key, run.now):
            self.send(run, row, step)
            run.tasks.settle(key, Outcome.DONE, run.now)


class AsksTooEarly(PlainReminder):
    """The list of those who have not paid is made first, and worked off later."""

    def once(self, run: Run, row: OrderRow, step: int) -> None:
        key = f"reminder/{row.id}/{step}"
        if row.completed_at is None and run.tasks.claim(key, run.now):
            self.send(run, row, step)
            run.tasks.settle(key, Outcome.DONE, run.now)


BROKEN_REMINDERS: list[tuple[Callable[[], Reminds], str]] = [
    (ClaimsAfterSending, "check_a_crash_at_any_step_sends_nothing_twice"),
    (ClaimsAfterSending, "check_two_at_once_send_each_reminder_once"),
    (LooksBeforeItClaims, "check_two_at_once_send_each_reminder_once"),
    (ClaimsTheHour, "check_each_step_is_sent_once"),
    (ClaimsNothing, "check_two_at_once_send_each_reminder_once"),
    (SettlesBeforeItSends, "check_a_crash_at_any_step_hides_nothing"),
    (AsksTooEarly, "check_who_has_paid_meanwhile_is_left_in_peace"),
]
