"""The jobs of a shop in one loop, without a task queue: ``python -m shop_host.worker``.

SIGTERM stops it at the next safe point: between two batches of orders that are judged, before the
next reminder is claimed, in the middle of a file that nobody has seen. Started again, it takes up
what was left. It may also be killed: what that leaves is told in the documentation of each job.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import datetime, time, timedelta

import attrs

from shop_host.host import Host, Settings, present
from shoppego_orders import (
    AbandonmentPolicy,
    ExportStatus,
    Order,
    RecoveryPlan,
    ask_due,
    remind,
    schedule_from_json,
    settle_recoveries,
    sweep,
)
from shoppego_orders.errors import ExportNotDue, OrdersError, StaleExport
from shoppego_orders.export import Clock

AT_ONCE = 200
"""How many orders are judged in one transaction, after which the worker may stop."""

_log = logging.getLogger(__name__)


class Stopped(BaseException):
    """The worker was told to stop: nobody's error, so no job writes it down as one."""


def _quiet_at_night(worker: Worker) -> RecoveryPlan:
    return RecoveryPlan(quiet_hours=(time(22), time(8)), tz=worker.host.settings.tz)


@attrs.define
class Worker:
    """Does what is due, job after job, until it is told to stop.

    :ivar stop: set by whoever tells it to.
    :ivar clock: tells the present.
    :ivar policy: judges the checkouts.
    :ivar plan: when customers are reminded.
    """

    host: Host
    stop: threading.Event
    clock: Clock = present
    policy: AbandonmentPolicy = attrs.field(factory=AbandonmentPolicy)
    plan: RecoveryPlan = attrs.Factory(_quiet_at_night, takes_self=True)
    _asked_until: dict[bytes, datetime] = attrs.field(factory=dict[bytes, datetime], init=False)

    def run(self, pause: timedelta = timedelta(seconds=2)) -> None:
        """Work until told to stop.

        :param pause: between two turns.
        """
        with suppress(Stopped):
            while True:
                self.turn()
                self.stop.wait(pause.total_seconds())
                self._go_on()

    def turn(self) -> None:
        """Do what is due by now. A job that fails leaves the others to be done.

        :raises Stopped: at a safe point, if it was told to.
        """
        for job in (self._sweep, self._settle, self._remind, self._schedule, self._export):
            self._go_on()
            try:
                job()
            except Exception:
                _log.exception("%s failed, and is tried again", job.__name__.strip("_"))

    def _sweep(self) -> None:
        judged = AT_ONCE
        while judged:
            self._go_on()
            with self.host.store.batch():
                swept = sweep(self.host.store, self.policy, self.clock(), limit=AT_ONCE)
            judged = swept.judged

    def _settle(self) -> None:
        settled = AT_ONCE
        while settled == AT_ONCE:
            self._go_on()
            with self.host.store.batch():
                ended = settle_recoveries(
                    self.host.store, self.plan.lost_after, self.clock(), limit=AT_ONCE
                )
            settled = len(ended.outcomes)

    def _remind(self) -> None:
        def objection(_order: Order) -> None:
            # Asked before each reminder is claimed. A host's own word against one belongs here.
            self._go_on()

        host = self.host
        reminded = remind(
            host.store,
            host.tasks,
            host.mailer,
            self.plan,
            self.clock(),
            objection=objection,
        )
        for key, problem in {**reminded.failed, **reminded.unknown}.items():
            _log.warning("%s: %s", key, problem)

    def _schedule(self) -> None:
        now = self.clock()
        for path in sorted((self.host.settings.folder / "schedules").glob("*.json")):
            document = path.read_bytes()
            try:
                schedule = schedule_from_json(document)
            except OrdersError as problem:  # which must not hold up the other files
                _log.error("%s: %s", path, problem)
                continue
            # From its start once, which does no harm: what was asked for is not asked for again.
            start = schedule.start - timedelta(microseconds=1)
            since = self._asked_until.get(document, start)
            ask_due(self.host.exports, schedule, since=since, now=now)
            self._asked_until[document] = now

    def _export(self) -> None:
        exports = self.host.exports
        for export in exports.due(self.clock()):
            self._go_on()
            try:
                done = exports.run(export.id, self.clock, lambda _done, _total: self._go_on())
            except ExportNotDue:
                continue  # another worker was faster
            except Stopped:
                self._put_back(export.id)
                raise
            _log.info("export %s: %s; mail %s %s", done.id, done.status, done.mail, done.problem)

    def _put_back(self, export_id: str) -> None:
        """Queue an export again that was being read, so that nobody waits until it seems dead."""
        log = self.host.exports.log
        left = log.get(export_id)
        if left.status is ExportStatus.RUNNING:
            with suppress(StaleExport):  # deleted this moment
                log.save(attrs.evolve(left, status=ExportStatus.QUEUED, orders=0, total=None))

    def _go_on(self) -> None:
        if self.stop.is_set():
            raise Stopped


@contextmanager
def working(host: Host) -> Generator[threading.Thread]:
    """Run a worker in a thread; it has stopped when this is left."""
    stop = threading.Event()
    thread = threading.Thread(target=Worker(host, stop).run, name="worker")
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join()


def leave_on_signals() -> None:
    """Let SIGTERM do what Ctrl-C does: leave by an exception, through every ``finally``."""

    def leave(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, leave)


def main() -> None:
    """Work in this process until a signal comes."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    leave_on_signals()
    with (
        suppress(KeyboardInterrupt),
        Host.opened(Settings.of(os.environ)) as host,
        working(host) as thread,
    ):
        _log.info("working in %s", host.settings.folder)
        thread.join()


if __name__ == "__main__":
    main()
