"""Workers that sweep, remind and take reports until they are killed; for fresh processes.

A worker wraps its store, task log and mailer, so that there is a crash point before and after
each call, and around each statement of the database itself. At one of them it kills itself with
SIGKILL: nothing is caught, closed, rolled back or flushed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from functools import partial
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs
from sqlalchemy import event

from fresh_processes import fresh
from shoppego_orders.abandonment import (
    AbandonmentPolicy,
    NoOtherPurchase,
    RecoveryPlan,
    Unfulfilled,
    remind,
    settle_recoveries,
    sweep,
)
from shoppego_orders.abandonment.rules import Tagged
from shoppego_orders.adapters.sql import SqlOrderStore, SqlTaskLog
from shoppego_orders.errors import MailNotSent, Retry, StaleOrder
from shoppego_orders.order import LineRow, Order, OrderEvent, OrderRow
from shoppego_orders.ports import Mailer, OrderStore, Outcome, Task, TaskLog
from shoppego_orders.query import OrderQuery

T = TypeVar("T")

# A rule that reads edits, so that sweeps ask for histories too.
POLICY: Final = AbandonmentPolicy(rule=Unfulfilled() & NoOtherPurchase() & ~Tagged("vip"))
PLAN: Final = RecoveryPlan()
WORKERS: Final = 16
PATIENCE: Final = 300.0
"""Seconds after which a round has hung; one takes a few."""

CALLS: Final = (
    "store.get",
    "store.save",
    "store.rows",
    "store.count",
    "store.events",
    "store.settle_kept",
    "tasks.claim",
    "tasks.settle",
    "tasks.tasks",
    "mailer.send",
    "database.statement",
)
POINTS: Final = (
    *(f"{when} {call}" for call in CALLS for when in ("before", "after")),
    "before database.commit",
)
"""Every kind of crash point."""


@attrs.frozen
class Doom:
    """Where a worker dies: the n-th time that it comes to a kind of crash point."""

    point: str
    count: int


class Fate:
    """Counts crash points, and kills its process at the one that it is doomed to."""

    def __init__(self, doom: Doom | None) -> None:
        self._doom = doom
        self._left = 0 if doom is None else doom.count

    def around(self, call: str, do: Callable[[], T]) -> T:
        self.at(f"before {call}")
        answer = do()
        self.at(f"after {call}")
        return answer

    def at(self, point: str) -> None:
        if self._doom is None or point != self._doom.point:
            return
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, store: SqlOrderStore) -> None:
        """Put crash points around whatever the database is told."""
        engine = store.database.engine

        def before_statement(*_: Any) -> None:  # Any: what an event brings is not looked at
            self.at("before database.statement")

        def after_statement(*_: Any) -> None:  # Any: as above
            self.at("after database.statement")

        def before_commit(_: Any) -> None:  # Any: as above
            self.at("before database.commit")

        event.listen(engine, "before_cursor_execute", before_statement)
        event.listen(engine, "after_cursor_execute", after_statement)
        event.listen(engine, "commit", before_commit)


class DoomedStore:
    def __init__(self, store: OrderStore, fate: Fate) -> None:
        self._store, self._fate = store, fate

    def get(self, order_id: str) -> Order:
        return self._fate.around("store.get", lambda: self._store.get(order_id))

    def save(self, order: Order) -> Order:
        return self._fate.around("store.save", lambda: self._store.save(order))

    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        self._fate.at("before store.rows")
        yield from self._store.rows(query)
        self._fate.at("after store.rows")

    def lines(self, query: OrderQuery) -> Iterator[LineRow]:
        return self._store.lines(query)

    def count(self, query: OrderQuery) -> int:
        return self._fate.around("store.count", lambda: self._store.count(query))

    def events(self, order_id: str) -> Sequence[OrderEvent]:
        return self._fate.around("store.events", lambda: self._store.events(order_id))

    def settle_kept(self, judged: Iterable[OrderRow]) -> None:
        self._fate.around("store.settle_kept", lambda: self._store.settle_kept(judged))


class DoomedTaskLog:
    """Notes, besides, which reminder was claimed last: it is the next to be sent."""

    def __init__(self, tasks: TaskLog, fate: Fate) -> None:
        self._tasks, self._fate = tasks, fate
        self.claimed = ""

    def claim(self, key: str, at: datetime) -> bool:
        claimed = self._fate.around("tasks.claim", lambda: self._tasks.claim(key, at))
        if claimed and key.startswith("reminder/"):
            self.claimed = key
        return claimed

    def settle(self, key: str, outcome: Outcome, at: datetime, note: str = "") -> None:
        self._fate.around("tasks.settle", lambda: self._tasks.settle(key, outcome, at, note))

    def tasks(self, prefix: str = "") -> Iterator[Task]:
        self._fate.at("before tasks.tasks")
        yield from self._tasks.tasks(prefix)
        self._fate.at("after tasks.tasks")


@attrs.frozen
class Sent:
    """A mail that left, whatever anybody noted of it."""

    key: str
    message_id: str
    to: str
    at: datetime


class DoomedMailer:
    """Writes a line into a file for each mail; one write, so that a line is whole or not there."""

    def __init__(self, outbox: Path, fate: Fate, tasks: DoomedTaskLog) -> None:
        self._outbox, self._fate, self._tasks = outbox, fate, tasks

    def send(self, message: EmailMessage) -> None:
        self._fate.around("mailer.send", lambda: self._write(message))

    def _write(self, message: EmailMessage) -> None:
        (to,) = message["To"].addresses
        if to.addr_spec.startswith("bounces"):
            raise MailNotSent((to.addr_spec,), "mailbox unknown", Retry.NEVER)
        line = [
            self._tasks.claimed,
            str(message["Message-ID"]),
            to.addr_spec,
            message["Date"].datetime.isoformat(),
        ]
        file = os.open(self._outbox, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(file, json.dumps(line).encode() + b"\n")
        finally:
            os.close(file)


def what_was_sent(outbox: Path) -> list[Sent]:
    lines = outbox.read_bytes().splitlines()
    return [
        Sent(key, message_id, to, datetime.fromisoformat(at))
        for key, message_id, to, at in map(json.loads, lines)
    ]


@attrs.frozen
class Report:
    """A payment of which the shop is told late; told again until it is recorded."""

    order_id: str
    at: datetime

    def tell(self, store: OrderStore, now: datetime) -> None:
        while True:
            order = store.get(self.order_id)
            if order.completed_at is not None:
                return
            paid = order.record_payment("late", order.total, at=self.at, recorded_at=now)
            try:
                store.save(paid)
            except StaleOrder:
                continue
            return


@attrs.frozen
class Site:
    """Where workers work, when, and what they are told there."""

    target: str
    outbox: Path
    shops: tuple[str, ...]
    now: datetime
    reports: tuple[Report, ...]


def work(site: Site, doom: Doom, seed: int) -> None:
    """Do some of everything in any order, until death or the end."""
    chance = random.Random(seed)
    fate = Fate(doom)
    with SqlOrderStore(site.target) as kept:
        fate.watch(kept)
        store = DoomedStore(kept, fate)
        tasks = DoomedTaskLog(SqlTaskLog(kept.database), fate)
        mailer: Mailer = DoomedMailer(site.outbox, fate, tasks)
        reports = chance.sample(site.reports, min(len(site.reports), 4))
        for shop in chance.sample(site.shops, len(site.shops)):
            limit = chance.choice([3, 10, None])
            deeds: list[Callable[[], object]] = [
                partial(store.count, OrderQuery(shop=shop, decided=False)),
                partial(sweep, store, POLICY, site.now, shop=shop, limit=limit),
                partial(remind, store, tasks, mailer, PLAN, site.now, shop=shop),
                partial(settle_recoveries, store, PLAN.lost_after, site.now, shop=shop),
                *(partial(report.tell, store, site.now) for report in reports[:1]),
            ]
            del reports[:1]
            for deed in chance.sample(deeds, len(deeds)):
                deed()


def undisturbed(site: Site) -> None:
    """Do everything that is left to do; what one sweep marks and takes back, a second settles."""
    alive = Fate(None)
    with SqlOrderStore(site.target) as store:
        tasks = DoomedTaskLog(SqlTaskLog(store.database), alive)
        for report in site.reports:
            report.tell(store, site.now)
        sweep(store, POLICY, site.now)
        sweep(store, POLICY, site.now)
        remind(store, tasks, DoomedMailer(site.outbox, alive, tasks), PLAN, site.now)
        settle_recoveries(store, PLAN.lost_after, site.now)


def let_die(site: Site, points: Sequence[str], chance: random.Random) -> Counter[str]:
    """Let workers work at once, one for each crash point, and count where they were killed.

    As many as :data:`WORKERS` work at once; who is dead, or done, is replaced.
    """
    processes = fresh()
    waiting = [Doom(point, 1 + int(chance.expovariate(1 / 2))) for point in points]
    working: dict[int, tuple[Any, Doom]] = {}  # Any: multiprocessing's types differ by platform
    killed = Counter[str]()
    end = time.monotonic() + PATIENCE
    try:
        while waiting or working:
            while waiting and len(working) < WORKERS:
                doom = waiting.pop()
                worker = processes.Process(target=work, args=(site, doom, chance.getrandbits(32)))
                worker.start()
                working[worker.sentinel] = worker, doom
            ready = wait(list(working), timeout=end - time.monotonic())
            if not ready:
                raise TimeoutError(f"{len(working)} workers hang: {[*working.values()]}")
            for sentinel in ready:
                assert isinstance(sentinel, int)  # a process's, not a connection
                worker, doom = working.pop(sentinel)
                worker.join()
                if worker.exitcode == -signal.SIGKILL:
                    killed[doom.point] += 1
                elif worker.exitcode:
                    raise ChildProcessError(f"a worker failed with {worker.exitcode}; see above")
                worker.close()
    finally:
        for worker, _ in working.values():
            worker.kill()
            worker.join()
    return killed


def spread(rounds: int) -> timedelta:
    """How far apart rounds are: in the end the last step is due for those of the first one."""
    return timedelta(hours=80) / max(rounds - 1, 1)
