"""What is written into the task log, so that no reminder is sent twice and nobody gets two.

A reminder is claimed under a key of its own before it is sent, and settled after. Beside it, the
customer's *turn* is claimed: turn n+1 can be claimed once, and only after the n-th; so of two
workers that would write to one customer about two orders, one does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from shoppego_orders.ports import Outcome, Task, TaskLog

NOT_SENT: Final = (Outcome.SKIPPED, Outcome.FAILED)
"""How a task ends that brought nobody a mail."""


def reminder_key(shop: str, order_id: str, policy: str, step: int) -> str:
    """The key of a reminder; its parts are quoted, so different parts make different keys."""
    return f"{reminders_about(shop, order_id)}{_quoted(policy)}/{step}"


def reminders_about(shop: str, order_id: str) -> str:
    """What the keys of an order's reminders begin with."""
    return f"{reminders_of(shop)}{_quoted(order_id)}/"


def reminders_of(shop: str | None) -> str:
    """What the keys of a shop's reminders begin with; of all shops' unless told."""
    return "reminder/" if shop is None else f"reminder/{_quoted(shop)}/"


def turns_of(shop: str, customer: str) -> str:
    """What the keys of a customer's turns begin with; who it is can't be read from them."""
    return f"reminded/{_quoted(shop)}/{hashlib.sha256(customer.encode()).hexdigest()}/"


def task_of(tasks: TaskLog, key: str) -> Task | None:
    """Find a task by its key."""
    # The prefix finds step 10 beside step 1. Read to its end: no stream is left open.
    return next((task for task in list(tasks.tasks(key)) if task.key == key), None)


def next_turn(tasks: TaskLog, turns: str, cooldown: timedelta, now: datetime) -> str | None:
    """The customer's next turn, to be claimed; None while they are to be left in peace.

    A turn of which nobody said how it ended counts: perhaps the mail was sent.
    """
    taken = list(tasks.tasks(turns))
    written = [task.claimed_at for task in taken if task.outcome not in NOT_SENT]
    if written and now - max(written) < cooldown:
        return None
    return f"{turns}{len(taken) + 1}"


def unknown_reminders(tasks: TaskLog, *, shop: str | None = None) -> Iterator[Task]:
    """Yield the reminders of which nobody knows whether they were sent, by key.

    They were claimed and never settled: their worker is at work this moment, or it died, before
    the mail left or after, or the mail server's answer got lost. They are never sent again by
    themselves. Whoever has found out, in the mail server's log for instance, settles the task:
    ``tasks.settle(key, Outcome.DONE, now)``.

    :param shop: only this shop's; all shops' unless told.
    """
    return (task for task in tasks.tasks(reminders_of(shop)) if task.outcome is None)


def _quoted(part: str) -> str:
    return quote(part, safe="")
