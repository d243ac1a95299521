"""Remind customers of what they left behind: each step at most once, and only while it helps.

A reminder is claimed under a key made of shop, order and step before it is sent, and settled
after. A worker that dies between the two leaves a task that nobody settled: whether the mail left
is then unknown, a person may look, and it is never sent again. No more than that can be
promised of mail: one that a server took may still be lost, or reach the customer twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from email.message import EmailMessage
from itertools import pairwise
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import attrs

from shoppego_orders.abandonment.sweep import UNREADABLE, batches, before
from shoppego_orders.errors import InvalidValue, MailNotSent
from shoppego_orders.order import Life, Order
from shoppego_orders.periods import Period, utc
from shoppego_orders.ports import Mailer, OrderStore, Outcome, TaskLog
from shoppego_orders.query import OrderQuery

if TYPE_CHECKING:
    from email.headerregistry import Address

Compose = Callable[[Order, int], EmailMessage]
"""Writes the reminder of an order for a step, counted from 1: sender, subject and content.

Recipient and Message-ID are set by :func:`remind`.
"""


def _steps(steps: Iterable[timedelta]) -> tuple[timedelta, ...]:
    return tuple(steps)


@attrs.frozen(kw_only=True)
class RecoveryPlan:
    """When to remind.

    :ivar steps: elapsed time after ``abandoned_at``, ascending. Only the last step that is due
        is sent: after a standstill nobody gets several mails at once.
    :ivar maximum_age: orders whose checkout began longer ago are left in peace.
    :raises InvalidValue: for no steps, steps that don't ascend from above zero, or a maximum
        age that the last step does not lie within.
    """

    steps: tuple[timedelta, ...] = attrs.field(
        default=(timedelta(hours=1), timedelta(hours=24), timedelta(hours=72)), converter=_steps
    )
    maximum_age: timedelta = timedelta(days=7)

    def __attrs_post_init__(self) -> None:
        ascending = all(a < b for a, b in pairwise((timedelta(0), *self.steps)))
        if not self.steps or not ascending:
            raise InvalidValue("steps", self.steps, "one or more, ascending, above zero")
        if self.maximum_age <= self.steps[-1]:
            raise InvalidValue("maximum_age", self.maximum_age, f"more than {self.steps[-1]}")

    def step(self, abandoned_at: datetime, now: datetime) -> int:
        """The last step that is due, counted from 1; 0 before the first."""
        return sum(now - abandoned_at >= after for after in self.steps)


@attrs.frozen(kw_only=True)
class RemindResult:
    """What became of the reminders that were due; each by its key in the task log.

    :ivar sent: those that the mailer took.
    :ivar skipped: those that were not to be sent any more, and why.
    :ivar failed: those that the mailer refused, and why; they are not sent again.
    """

    sent: tuple[str, ...]
    skipped: Mapping[str, str]
    failed: Mapping[str, str]


def plain_reminder(order: Order, step: int) -> EmailMessage:
    """Write a plain-text reminder from ``no-reply@`` the shop's domain."""
    host = _host(order.shop)
    shop = _one_line(order.shop)
    message = EmailMessage()
    message["From"] = _mailbox(shop, f"no-reply@{host or 'shop.invalid'}")
    message["Subject"] = (
        f"{'Reminder: your' if step > 1 else 'Your'} order {_one_line(order.number)} waits for you"
    )
    message["Auto-Submitted"] = "auto-generated"
    text = (
        f"Hello {_one_line(order.customer_name)}".rstrip() + ",",
        "",
        f"you began an order at {shop} and did not complete it:",
        "",
        *(f"  {line.quantity} x {_one_line(line.product)}" for line in order.lines),
        f"  Total: {order.total}",
        "",
        f"If you still want it, go to {f'https://{host}/' if host else shop}.",
        "If not, just ignore this mail.",
    )
    message.set_content("\n".join(text) + "\n")
    return message


def remind(
    store: OrderStore,
    tasks: TaskLog,
    mailer: Mailer,
    plan: RecoveryPlan,
    now: datetime,
    *,
    compose: Compose = plain_reminder,
    shop: str | None = None,
) -> RemindResult:
    """Send the reminders that are due, each at most once, whoever else sends at the same time.

    Whether an order is still to be reminded of is asked again right before sending.

    :param now: the present, aware.
    :param compose: writes the mail; what it raises is not caught, and claims nothing.
    :param shop: only this shop's orders; all shops' unless told.
    :raises NaiveDatetime: for a time without a zone.
    """
    now = utc(now, "now")
    sent: list[str] = []
    skipped: dict[str, str] = {}
    failed: dict[str, str] = {}
    period = Period(before(now, plan.maximum_age), before(now, plan.steps[0]))
    for rows in batches(store, OrderQuery(shop=shop, abandoned=True, placed=period)):
        for row in rows:
            assert row.abandoned_at is not None  # they were asked for
            step = plan.step(row.abandoned_at, now)
            key = f"reminder/{quote(row.shop, safe='')}/{quote(row.id, safe='')}/{step}"
            if not step or any(task.key == key for task in tasks.tasks(key)):
                continue
            try:
                order = store.get(row.id)
            except UNREADABLE as error:
                skipped[key] = str(error)
                continue
            against = _against(order, store)
            message = None if against else _addressed(compose(order, step), order, key, now)
            if not tasks.claim(key, now):
                continue
            if message is None:
                tasks.settle(key, Outcome.SKIPPED, now)
                skipped[key] = against
                continue
            try:
                mailer.send(message)
            except MailNotSent as error:
                tasks.settle(key, Outcome.FAILED, now)
                failed[key] = str(error)
            else:
                tasks.settle(key, Outcome.DONE, now)
                sent.append(key)
    return RemindResult(sent=tuple(sent), skipped=skipped, failed=failed)


# One address and nothing else: what a header would read as several, or as a comment, is none.
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_HOST: Final = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_ADDRESS: Final = re.compile(rf"{_ATOM}(\.{_ATOM})*@{_HOST.pattern}")


def _against(order: Order, store: OrderStore) -> str:
    """Why an order is not to be reminded of; "" if nothing speaks against it."""
    if order.completed_at is not None:
        return "it was completed after all"
    if order.abandoned_at is None:
        return "it is not abandoned any more"
    if order.life is Life.CANCELLED:
        return "it is cancelled"
    if order.archived:
        return "it is archived"
    if order.taken_up_at is not None:
        return "the merchant has taken it up"
    if not _address(order):
        return "there is no e-mail address to write to"
    if order.customer_key is not None and store.count(
        OrderQuery(
            shop=order.shop,
            customer_keys=frozenset((order.customer_key,)),
            completed=Period.since(order.placed_at),
        )
    ):
        return "the customer has bought something else since"
    return ""


def _addressed(message: EmailMessage, order: Order, key: str, now: datetime) -> EmailMessage:
    """Set what a reminder must not leave to its composer: the recipient and its identity."""
    import hashlib

    for header in ("To", "Date", "Message-ID"):
        del message[header]
    message["To"] = _mailbox(_one_line(order.customer_name), _address(order))
    message["Date"] = now
    digest = hashlib.sha256(key.encode()).hexdigest()[:32]
    message["Message-ID"] = f"<{digest}@{_host(order.shop) or 'shop.invalid'}>"
    return message


def _mailbox(name: str, address: str) -> Address:
    from email.headerregistry import Address

    return Address(name, addr_spec=address)


def _address(order: Order) -> str:
    email = order.email.strip()
    return email if len(email) <= 254 and _ADDRESS.fullmatch(email) else ""


def _host(shop: str) -> str:
    return shop if len(shop) <= 253 and _HOST.fullmatch(shop) else ""


def _one_line(text: str) -> str:
    """Take line breaks and control characters out, so that a text stays where it is put."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
