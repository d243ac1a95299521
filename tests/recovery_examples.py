"""Abandoned orders and all that reminding needs; and workers who meet between any two calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import TypeVar

from abandonment_examples import DUE, SHOP, Crash
from shoppego_orders.abandonment import RecoveryPlan, RemindResult, remind
from shoppego_orders.abandonment.claims import reminder_key
from shoppego_orders.adapters.memory import MemoryOrderStore, MemoryTaskLog, RecordingMailer
from shoppego_orders.errors import RefusedRecipient
from shoppego_orders.order import LineRow, Order, OrderEvent, OrderRow
from shoppego_orders.ports import Mailer, OrderStore, Outcome, Task, TaskLog
from shoppego_orders.query import OrderQuery

T = TypeVar("T")

POLICY = "checkout-abandoned@9f86d081884c7d65"
HOUR = timedelta(hours=1)
FIRST = DUE + HOUR
PLAN = RecoveryPlan()


def key_of(id: str = "1262140", step: int = 1, shop: str = SHOP) -> str:
    return reminder_key(shop, id, POLICY, step)


def left(order: Order, *, at: datetime | None = None, policy: str = POLICY) -> Order:
    """An order that a sweep has found abandoned, unless it was completed in time."""
    due = order.placed_at + HOUR if at is None else at
    return order.record_abandonment(policy=policy, reasons=("It was.",), at=due, recorded_at=due)


def store_of(*orders: Order) -> MemoryOrderStore:
    store = MemoryOrderStore()
    for order in orders:
        store.save(order)
    return store


class Desk:
    """A store, and everything that reminding needs."""

    def __init__(self, *orders: Order, plan: RecoveryPlan = PLAN) -> None:
        self.store = store_of(*orders)
        self.tasks = MemoryTaskLog()
        self.mailer = RecordingMailer()
        self.plan = plan

    def remind(self, now: datetime) -> RemindResult:
        return remind(self.store, self.tasks, self.mailer, self.plan, now)

    def change(self, change: Callable[[Order], Order], id: str = "1262140") -> None:
        self.store.save(change(self.store.get(id)))

    def reminders(self) -> dict[str, tuple[Outcome | None, str]]:
        return {task.key: (task.outcome, task.note) for task in self.tasks.tasks("reminder/")}

    def recipients(self) -> list[str]:
        return [str(message["To"]) for message in self.mailer.messages]


# Calls that are watched


class Watch:
    """Lets every call through; others do something before or after it."""

    def around(self, call: Callable[[], T]) -> T:
        return call()


class Disturbance(Watch):
    """At the n-th call of all, whatever it is to, something happens: before it, or after it."""

    def __init__(self, step: int, disturb: Callable[[], None], *, after: bool) -> None:
        self.calls = 0
        self._step = step
        self._disturb = disturb
        self._after = after

    def around(self, call: Callable[[], T]) -> T:
        self.calls += 1
        now = self.calls == self._step
        if now and not self._after:
            self._disturb()
        answer = call()
        if now and self._after:
            self._disturb()
        return answer


class WatchedStore:
    def __init__(self, store: OrderStore, watch: Watch) -> None:
        self._store = store
        self._watch = watch

    def get(self, order_id: str) -> Order:
        return self._watch.around(lambda: self._store.get(order_id))

    def save(self, order: Order) -> Order:
        return self._watch.around(lambda: self._store.save(order))

    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        return self._watch.around(lambda: iter(list(self._store.rows(query))))

    def lines(self, query: OrderQuery) -> Iterator[LineRow]:
        return self._watch.around(lambda: iter(list(self._store.lines(query))))

    def count(self, query: OrderQuery) -> int:
        return self._watch.around(lambda: self._store.count(query))

    def events(self, order_id: str) -> Sequence[OrderEvent]:
        return self._watch.around(lambda: self._store.events(order_id))

    def settle_kept(self, judged: Iterable[OrderRow]) -> None:
        return self._watch.around(lambda: self._store.settle_kept(judged))


class WatchedTasks:
    def __init__(self, tasks: TaskLog, watch: Watch) -> None:
        self._tasks = tasks
        self._watch = watch

    def claim(self, key: str, at: datetime) -> bool:
        return self._watch.around(lambda: self._tasks.claim(key, at))

    def settle(self, key: str, outcome: Outcome, at: datetime, note: str = "") -> None:
        return self._watch.around(lambda: self._tasks.settle(key, outcome, at, note))

    def tasks(self, prefix: str = "") -> Iterator[Task]:
        return self._watch.around(lambda: iter(list(self._tasks.tasks(prefix))))


class WatchedMailer:
    def __init__(self, mailer: Mailer, watch: Watch) -> None:
        self._mailer = mailer
        self._watch = watch

    def send(self, message: EmailMessage) -> Sequence[RefusedRecipient] | None:
        return self._watch.around(lambda: self._mailer.send(message))


def crash() -> None:
    """The process dies here."""
    raise Crash


class Turns(Watch):
    """Two workers or more, of whom each goes on to its next call only when it is called up.

    :param schedule: whose turn it is, again and again: the numbers of workers, of which those
        that have ended are passed over. When it is used up, they go on one after the other.
    """

    def __init__(self, schedule: Iterable[int]) -> None:
        self._schedule = list(schedule)
        self._doors: list[threading.Semaphore] = []
        self._waiting = threading.Semaphore(0)
        self._alive: list[bool] = []
        self._mine = threading.local()
        self._failures: list[BaseException] = []

    def around(self, call: Callable[[], T]) -> T:
        self._waiting.release()
        number: int = self._mine.number
        self._doors[number].acquire()
        return call()

    def play(self, workers: Sequence[Callable[[], object]]) -> None:
        """Let them work until all have ended; what one raises, but a crash, is raised."""
        self._doors = [threading.Semaphore(0) for _ in workers]
        self._alive = [True for _ in workers]
        threads = [
            threading.Thread(target=self._work, args=(number, worker), daemon=True)
            for number, worker in enumerate(workers)
        ]
        for thread in threads:
            thread.start()
            self._waiting.acquire()
        order = iter(self._schedule)
        while any(self._alive):
            number = next(order, self._alive.index(True))
            if self._alive[number % len(workers)]:
                self._doors[number % len(workers)].release()
                self._waiting.acquire()
        for thread in threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def _work(self, number: int, worker: Callable[[], object]) -> None:
        self._mine.number = number
        try:
            worker()
        except Crash:
            pass
        except BaseException as failure:  # a thread's failure must fail the test
            self._failures.append(failure)
        finally:
            self._alive[number] = False
            self._waiting.release()
