"""What every sweep and every way of reminding must do: facts with known answers, disturbed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from email.message import EmailMessage
from functools import partial
from typing import Protocol
from zoneinfo import ZoneInfo

import attrs

from abandonment_examples import (
    BEGAN,
    DUE,
    INSTANT,
    LATER,
    OTHER_SHOP,
    PRICE,
    Crash,
    abandonments,
    begun,
    bought,
    marks,
    minutes,
    paid,
    stored,
)
from dying_workers import DoomedStore, DoomedTaskLog, Fate
from shoppego_orders.abandonment import AbandonmentPolicy, RecoveryPlan, sweep
from shoppego_orders.adapters.memory import MemoryOrderStore, MemoryTaskLog, RecordingMailer
from shoppego_orders.money import Money
from shoppego_orders.order import Order
from shoppego_orders.ports import Mailer, OrderStore, Outcome, TaskLog
from shoppego_orders.query import OrderQuery


class Sweeps(Protocol):
    """Marks what is abandoned by the documented rule."""

    def __call__(self, store: OrderStore, policy: AbandonmentPolicy, now: datetime, /) -> object:
        """Judge what is due, and settle it."""
        ...


class Reminds(Protocol):
    """Sends the reminders that are due."""

    def __call__(
        self,
        store: OrderStore,
        tasks: TaskLog,
        mailer: Mailer,
        plan: RecoveryPlan,
        now: datetime,
        /,
    ) -> object:
        """Send each at most once."""
        ...


POLICY = AbandonmentPolicy()
PLAN = RecoveryPlan()
FIRST = DUE + PLAN.steps[0]


class Steps(Fate):
    """At the n-th step, before or after any call, something happens once."""

    def __init__(self, step: int, disturb: Callable[[], object]) -> None:
        super().__init__(None)
        self.disturbed = False
        self._left = step
        self._disturb = disturb

    def at(self, point: str) -> None:  # noqa: ARG002  # all are alike
        self._left -= 1
        if not self._left:
            self.disturbed = True
            self._disturb()


def dead() -> None:
    raise Crash


# Sweeps


class SweepContract:
    """What a sweep must do; each check takes one, and fails by an AssertionError."""

    def check_the_period_is_half_open(self, sweeps: Sweeps) -> None:
        store = stored(
            [
                begun("left", email="1@example.com"),
                paid(begun("just-in-time", email="2@example.com"), DUE - INSTANT),
                paid(begun("at-the-deadline", email="3@example.com"), DUE),
                begun("not-yet", at=BEGAN + INSTANT, email="4@example.com"),
            ]
        )
        sweeps(store, POLICY, DUE)
        assert abandonments(store) == {"left": DUE, "at-the-deadline": DUE}
        sweeps(store, POLICY, DUE + INSTANT)
        assert abandonments(store)["not-yet"] == DUE + INSTANT

    def check_the_window_is_elapsed_time(self, sweeps: Sweeps) -> None:
        home = ZoneInfo("Asia/Kuala_Lumpur")
        summer = ZoneInfo("Europe/London")
        for began in (
            datetime(2021, 3, 3, 9, 15, tzinfo=home),
            datetime(2021, 3, 3, 23, 59, tzinfo=home),
            datetime(2021, 1, 31, 23, 30, tzinfo=home),
            datetime(2021, 12, 31, 23, 59, 59, tzinfo=home),
            datetime(2021, 3, 28, 0, 30, tzinfo=summer),
            datetime(2021, 10, 31, 1, 30, tzinfo=summer),
        ):
            due = POLICY.due(begun(at=began))
            for elapsed, found in ((1, 0), (31, 0), (59, 0), (60, 1), (61, 1), (1441, 1)):
                store = stored([begun(at=began)])
                sweeps(store, POLICY, (due + minutes(elapsed - 60)).astimezone(began.tzinfo))
                assert len(abandonments(store)) == found, (began, elapsed)

    def check_only_purchases_count(self, sweeps: Sweeps) -> None:
        for other, kept in (
            (bought("other", at=BEGAN), True),
            (bought("other", at=DUE - INSTANT), True),
            (bought("other", at=BEGAN - INSTANT), False),
            (bought("other", at=DUE), False),
            (begun("other", at=BEGAN + minutes(5)), False),
            (begun("other").cancel(reason="it failed", at=BEGAN + minutes(5)), False),
            (
                begun("other").record_payment("part", Money("1", "MYR"), at=BEGAN + minutes(5)),
                False,
            ),
        ):
            store = stored([begun("left"), other])
            sweeps(store, POLICY, LATER)
            assert ("left" not in abandonments(store)) is kept, other

    def check_another_shops_purchases_do_not_count(self, sweeps: Sweeps) -> None:
        there = bought("there", at=BEGAN + minutes(5), shop=OTHER_SHOP)
        store = stored([begun("left"), there])
        sweeps(store, POLICY, LATER)
        assert abandonments(store).get("left") == DUE

    def check_nothing_is_missed_when_the_scheduler_stands_still(self, sweeps: Sweeps) -> None:
        for late in (timedelta(hours=3), timedelta(days=2), timedelta(days=400)):
            store = stored([begun("left"), paid(begun("paid", email="2@example.com"), BEGAN)])
            sweeps(store, POLICY, BEGAN)
            sweeps(store, POLICY, DUE + late)
            assert abandonments(store) == {"left": DUE}

    def check_what_is_decided_is_left_alone(self, sweeps: Sweeps) -> None:
        store = stored(_crowd())
        sweeps(store, POLICY, LATER)
        before = [store.get(row.id) for row in store.rows(OrderQuery())]
        assert all(order.decided for order in before)
        for hours in range(3):
            sweeps(store, POLICY, LATER + timedelta(hours=hours))
        _check_crowd(store)
        after = [store.get(row.id) for row in store.rows(OrderQuery())]
        assert [order.version for order in after] == [order.version for order in before]

    def check_two_at_once_mark_each_order_once(self, sweeps: Sweeps) -> None:
        for step in itertools.count(1):
            store = stored(_crowd())
            steps = Steps(step, partial(sweeps, store, POLICY, LATER))
            sweeps(DoomedStore(store, steps), POLICY, LATER)
            _check_crowd(store)
            if not steps.disturbed:
                return

    def check_a_crash_at_any_step_loses_nothing(self, sweeps: Sweeps) -> None:
        for step in itertools.count(1):
            store = stored(_crowd())
            steps = Steps(step, dead)
            with suppress(Crash):
                sweeps(DoomedStore(store, steps), POLICY, LATER)
            sweeps(store, POLICY, LATER)
            _check_crowd(store)
            if not steps.disturbed:
                return

    def check_what_is_paid_in_time_while_it_is_judged_is_kept(self, sweeps: Sweeps) -> None:
        for step in itertools.count(1):
            store = stored([begun("left")])

            def report(store: MemoryOrderStore = store) -> None:
                store.save(
                    store.get("left").record_payment("r", PRICE, at=BEGAN, recorded_at=LATER)
                )

            steps = Steps(step, report)
            sweeps(DoomedStore(store, steps), POLICY, LATER)
            sweeps(store, POLICY, LATER)
            if not steps.disturbed:
                return
            assert abandonments(store) == {}
            assert store.get("left").decided

    def check_a_purchase_that_is_reported_late_counts(self, sweeps: Sweeps) -> None:
        store = stored([begun("left"), begun("other", at=BEGAN - timedelta(hours=5))])
        sweeps(store, POLICY, LATER)
        assert abandonments(store)["left"] == DUE
        other = store.get("other").record_payment("r", PRICE, at=BEGAN, recorded_at=LATER)
        store.save(other)
        sweeps(store, POLICY, LATER)
        assert "left" not in abandonments(store)


def _crowd() -> list[Order]:
    return [
        begun("left", email="1@example.com"),
        begun("left-too", email="2@example.com", at=BEGAN + minutes(1)),
        paid(begun("paid", email="3@example.com"), DUE - INSTANT),
        begun("taken-up", email="4@example.com").set_fulfillment("packed", at=BEGAN),
    ]


def _check_crowd(store: MemoryOrderStore) -> None:
    assert abandonments(store) == {"left": DUE, "left-too": DUE + minutes(1)}
    for order_id in ("left", "left-too"):
        assert marks(store, order_id) == 1
    assert [row.id for row in store.rows(OrderQuery(decided=False))] == []


# Reminders


@attrs.frozen
class DisturbedMailer:
    mailer: Mailer
    fate: Fate

    def send(self, message: EmailMessage) -> None:
        self.fate.around("mailer.send", lambda: self.mailer.send(message))


CUSTOMERS = ["1@example.com", "2@example.com"]


def _abandoned() -> MemoryOrderStore:
    store = stored(begun(email[0], email=email) for email in CUSTOMERS)
    sweep(store, POLICY, DUE)
    return store


@attrs.define
class Desk:
    """A store with two abandoned orders, and everything that reminding needs."""

    reminds: Reminds
    store: MemoryOrderStore = attrs.field(factory=_abandoned)
    tasks: MemoryTaskLog = attrs.field(factory=MemoryTaskLog)
    mailer: RecordingMailer = attrs.field(factory=RecordingMailer)

    def remind(self, now: datetime = FIRST, *, fate: Fate | None = None) -> None:
        """Remind; with a fate, through a store, a log and a mailer that are disturbed."""
        if fate is None:
            self.reminds(self.store, self.tasks, self.mailer, PLAN, now)
            return
        self.reminds(
            DoomedStore(self.store, fate),
            DoomedTaskLog(self.tasks, fate),
            DisturbedMailer(self.mailer, fate),
            PLAN,
            now,
        )

    def recipients(self) -> Sequence[str]:
        return sorted(str(message["To"]) for message in self.mailer.messages)

    def outcomes(self) -> list[Outcome | None]:
        return [task.outcome for task in self.tasks.tasks("reminder/")]


class RemindContract:
    """What reminding must do; each check takes one way, and fails by an AssertionError."""

    def check_each_step_is_sent_once(self, reminds: Reminds) -> None:
        desk = Desk(reminds)
        desk.remind(DUE)
        assert desk.recipients() == []
        for late in (0, 0, 1, 2):
            desk.remind(FIRST + timedelta(hours=late))
            assert desk.recipients() == CUSTOMERS
        for after, mails in zip(PLAN.steps[1:], (4, 6), strict=True):
            desk.remind(DUE + after)
            desk.remind(DUE + after)
            assert len(desk.mailer.messages) == mails
        assert desk.outcomes() == [Outcome.DONE] * 6

    def check_two_at_once_send_each_reminder_once(self, reminds: Reminds) -> None:
        for step in itertools.count(1):
            desk = Desk(reminds)
            steps = Steps(step, desk.remind)
            desk.remind(fate=steps)
            assert desk.recipients() == CUSTOMERS
            if not steps.disturbed:
                return

    def check_a_crash_at_any_step_sends_nothing_twice(self, reminds: Reminds) -> None:
        for step in itertools.count(1):
            desk = Desk(reminds)
            steps = Steps(step, dead)
            with suppress(Crash):
                desk.remind(fate=steps)
            desk.remind()
            desk.remind(FIRST + timedelta(hours=1))
            assert len(set(desk.recipients())) == len(desk.recipients())
            if not steps.disturbed:
                return

    def check_a_crash_at_any_step_hides_nothing(self, reminds: Reminds) -> None:
        """What was not sent is sent by the next worker, or listed as unknown."""
        for step in itertools.count(1):
            desk = Desk(reminds)
            steps = Steps(step, dead)
            with suppress(Crash):
                desk.remind(fate=steps)
            desk.remind()
            outcomes = desk.outcomes()
            assert len(outcomes) == len(CUSTOMERS)
            done, unknown = outcomes.count(Outcome.DONE), outcomes.count(None)
            assert done + unknown == len(CUSTOMERS)
            assert done <= len(desk.recipients()) <= done + unknown
            if not steps.disturbed:
                assert unknown == 0
                return

    def check_who_has_paid_meanwhile_is_left_in_peace(self, reminds: Reminds) -> None:
        """While the mail to one customer leaves, the other one pays."""
        desk = Desk(reminds)

        def pay() -> None:
            (first,) = desk.recipients()
            other = "2" if first == CUSTOMERS[0] else "1"
            desk.store.save(paid(desk.store.get(other), FIRST))

        desk.remind(fate=_AfterTheFirstMail(1, pay))
        assert len(desk.mailer.messages) == 1
        desk.remind()
        assert len(desk.mailer.messages) == 1


class _AfterTheFirstMail(Steps):
    def at(self, point: str) -> None:
        if point == "after mailer.send":
            super().at(point)
