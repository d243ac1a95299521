"""Remind customers of what they left behind: each step at most once, and only while it helps.

A reminder is claimed under a key made of shop, order, policy and step before it is sent, and
settled after. A worker that dies between the two, or whose mailer can't tell, leaves a task that
nobody settled: whether the mail left is then unknown, a person may look, and it is never sent
again. No more than that can be promised of mail: one that a server took may still be lost, or
reach the customer twice.

One customer gets one mail: of several abandoned orders the newest is written about, and whoever
was written to is left in peace for the plan's cooldown, whichever order it was about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Final

import attrs

from shoppego_orders.abandonment.claims import (
    NOT_SENT,
    next_turn,
    reminder_key,
    task_of,
    turns_of,
)
from shoppego_orders.abandonment.plan import RecoveryPlan
from shoppego_orders.abandonment.reminder_mail import (
    Compose,
    address_of,
    addressed,
    plain_reminder,
)
from shoppego_orders.abandonment.sweep import UNREADABLE, batches, before
from shoppego_orders.errors import InvalidValue, MailNotSent, Retry, TaskNotClaimed
from shoppego_orders.order import Life, Order, OrderRow, Recovery
from shoppego_orders.periods import Period, utc
from shoppego_orders.ports import Mailer, OrderStore, Outcome, TaskLog
from shoppego_orders.query import OrderQuery

Objection = Callable[[Order], str | None]
"""The host's word against a reminder: why the customer is not to be written to, or None.

No consent, unsubscribed, an address that bounced: whatever the host knows and an order does not.
"""


@attrs.frozen(kw_only=True)
class RemindResult:
    """What became of the reminders that were due; each by its key in the task log.

    :ivar sent: those that the mailer took.
    :ivar skipped: those that were not to be sent any more, and why; settled so in the log.
    :ivar failed: those that the mailer refused, and why; they are not sent again.
    :ivar unknown: those that were perhaps sent, and what went wrong; they are not sent again, and
        :func:`unknown_reminders` lists them.
    :ivar held: those that wait, and why; nothing was claimed, and the next run asks again.
    """

    sent: tuple[str, ...] = ()
    skipped: Mapping[str, str] = attrs.field(factory=dict[str, str])
    failed: Mapping[str, str] = attrs.field(factory=dict[str, str])
    unknown: Mapping[str, str] = attrs.field(factory=dict[str, str])
    held: Mapping[str, str] = attrs.field(factory=dict[str, str])


def remind(
    store: OrderStore,
    tasks: TaskLog,
    mailer: Mailer,
    plan: RecoveryPlan,
    now: datetime,
    *,
    compose: Compose = plain_reminder,
    objection: Objection | None = None,
    shop: str | None = None,
) -> RemindResult:
    """Send the reminders that are due, each at most once, whoever else sends at the same time.

    Whether an order is still to be reminded of is asked again right before sending, of the order
    as it is stored then. Among a customer's orders those whose checkout began later come first,
    and the older ones' reminders are skipped.

    :param now: the present, aware.
    :param compose: writes the mail; what it raises is not caught, and claims nothing.
    :param objection: asked last, and of each reminder that would be sent; what it raises is not
        caught, and claims nothing.
    :param shop: only this shop's orders; all shops' unless told.
    :raises NaiveDatetime: for a time without a zone.
    :raises InvalidValue: for an objection that is neither a text nor None.
    """
    now = utc(now, "now")
    desk = _Desk(store, tasks, mailer, plan, now, compose, objection, plan.is_quiet(now))
    query = OrderQuery(
        shop=shop,
        recovery=(Recovery.OPEN,),
        placed=Period(before(now, plan.maximum_age), now),
        newest_first=True,
    )
    # The customers who are written to, or were, about an order that was looked at already.
    reminded: set[tuple[str, str]] = set()
    for rows in batches(store, query):
        for row in rows:
            customer = (row.shop, reminded_customer(row))
            if desk.look_at(row, superseded=customer in reminded):
                reminded.add(customer)
    return RemindResult(
        sent=tuple(desk.sent),
        skipped=desk.skipped,
        failed=desk.failed,
        unknown=desk.unknown,
        held=desk.held,
    )


QUIET: Final = "these are the shop's quiet hours"
COOLDOWN: Final = "the customer was written to a short time ago"
SUPERSEDED: Final = "the customer is reminded of a newer order"
OTHER_WORKER: Final = "the customer was being written to about another order at that moment"


@attrs.define
class _Desk:
    """Where the reminders of one run are worked off, and what became of them."""

    store: OrderStore
    tasks: TaskLog
    mailer: Mailer
    plan: RecoveryPlan
    now: datetime
    compose: Compose
    objection: Objection | None
    quiet: bool
    sent: list[str] = attrs.field(factory=list[str])
    skipped: dict[str, str] = attrs.field(factory=dict[str, str])
    failed: dict[str, str] = attrs.field(factory=dict[str, str])
    unknown: dict[str, str] = attrs.field(factory=dict[str, str])
    held: dict[str, str] = attrs.field(factory=dict[str, str])
    bought: dict[tuple[str, str], tuple[str, ...]] = attrs.field(
        factory=dict[tuple[str, str], tuple[str, ...]]
    )

    def look_at(self, row: OrderRow, *, superseded: bool) -> bool:
        """Send an order's reminder, if one is due.

        :param superseded: whether the customer is reminded of a newer order.
        :returns: whether it is the one that its customer is reminded of, now or at another time.
        """
        assert row.abandoned_at is not None  # they were asked for
        step = self.plan.step(row.abandoned_at, self.now)
        if not step:
            return not _against(row)
        key = reminder_key(row.shop, row.id, row.abandoned_by or "", step)
        task = task_of(self.tasks, key)
        if task is not None:
            return task.outcome not in NOT_SENT and not _against(row)
        if self.quiet:
            self.held[key] = QUIET
            return not _against(row)
        if superseded:
            self._skip(key, SUPERSEDED)
            return True
        try:
            order = self.store.get(row.id)
        except UNREADABLE as error:
            self.held[key] = str(error)
            return False
        why = self._why_not(order, row)
        if why:
            self._skip(key, why)
            return False
        return self._write(order, step, key)

    def _why_not(self, order: Order, row: OrderRow) -> str:
        why = _against(order) or _judged_anew(order, row) or self._bought_since(order)
        if why or self.objection is None:
            return why
        objection = self.objection(order)
        if objection is None:
            return ""
        if type(objection) is not str:
            raise InvalidValue("objection", objection, "why not, as a text; or None")
        return objection.strip() or "the shop objects"

    def _bought_since(self, order: Order) -> str:
        if order.customer_key is None:
            return ""
        # What was bought since a newer order began was bought since this one did: asking again
        # and again would read all the purchases of one customer for each of their orders.
        customer = (order.shop, order.customer_key)
        if not _others(self.bought.get(customer, ()), order):
            query = OrderQuery(
                shop=order.shop,
                customer_keys=(order.customer_key,),
                completed=Period.since(order.placed_at),
                limit=2,  # one may be the order itself
            )
            self.bought[customer] = tuple(row.id for row in self.store.rows(query))
        others = _others(self.bought[customer], order)
        return "the customer has bought something else since" if others else ""

    def _write(self, order: Order, step: int, key: str) -> bool:
        """Claim, send, settle."""
        turn = None
        if self.plan.cooldown:
            turns = turns_of(order.shop, reminded_customer(order))
            turn = next_turn(self.tasks, turns, self.plan.cooldown, self.now)
            if turn is None:
                self.held[key] = COOLDOWN
                return True
        message = addressed(self.compose(order, step), order, key, self.now)
        # The reminder before the turn: whatever a crash leaves is listed with its order.
        if not self.tasks.claim(key, self.now):
            return True
        if turn is not None and not self.tasks.claim(turn, self.now):
            self._settle_skipped(key, OTHER_WORKER)
            return False
        try:
            self.mailer.send(message)
        except MailNotSent as error:
            if error.retry is Retry.UNKNOWN:
                # It stays as a crash leaves it.
                self.unknown[key] = str(error)
                return True
            self._end(turn, Outcome.FAILED, key)
            self._end(key, Outcome.FAILED, str(error))
            self.failed[key] = str(error)
            return False
        self._end(key, Outcome.DONE, "")
        self._end(turn, Outcome.DONE, key)
        self.sent.append(key)
        return True

    def _skip(self, key: str, why: str) -> None:
        if self.tasks.claim(key, self.now):
            self._settle_skipped(key, why)

    def _settle_skipped(self, key: str, why: str) -> None:
        self._end(key, Outcome.SKIPPED, why)
        self.skipped[key] = why

    def _end(self, key: str | None, outcome: Outcome, note: str) -> None:
        if key is not None:
            # Gone where the customer was erased this moment: there is nothing left to say of it.
            with suppress(TaskNotClaimed):
                self.tasks.settle(key, outcome, self.now, note)


def _against(order: Order | OrderRow) -> str:
    """Why an order is not to be reminded of; "" if nothing in it speaks against it."""
    deadline = order.abandoned_at
    if order.recovered_at is not None or (deadline is None and order.completed_at is not None):
        return "it was completed after all"
    if deadline is None:
        return "it is not abandoned any more"
    if order.recovery is not Recovery.OPEN:
        return "how it ended is settled"
    if order.life is Life.CANCELLED:
        return "it is cancelled"
    if order.archived:
        return "it is archived"
    # Before the deadline it does not count for the policy: else it would not be abandoned.
    if order.taken_up_at is not None and order.taken_up_at >= deadline:
        return "the merchant has taken it up"
    if not order.total:
        return "there is nothing to pay"
    if not address_of(order):
        return "there is no e-mail address to write to"
    return ""


def _others(ids: tuple[str, ...], order: Order) -> bool:
    return any(each != order.id for each in ids)


def _judged_anew(order: Order, row: OrderRow) -> str:
    same = (order.abandoned_at, order.abandoned_by) == (row.abandoned_at, row.abandoned_by)
    return "" if same else "it was judged anew"


def reminded_customer(order: Order | OrderRow) -> str:
    """Who is written to: the customer, or of nobody known whoever has the address."""
    if order.customer_key is not None:
        return order.customer_key
    return f"email:{address_of(order).casefold()}"  # as customer_key() writes it
