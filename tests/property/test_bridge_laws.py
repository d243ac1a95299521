"""A service over an async port answers and does what it does over the port that blocks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from importlib.resources import files

import attrs
from hypothesis import given, settings

from awaited import AwaitedMailer, AwaitedOrderStore, AwaitedTaskLog
from shoppego_orders import (
    AbandonmentPolicy,
    ExportRequest,
    Mailer,
    Order,
    OrderQuery,
    OrderStore,
    RecoveryPlan,
    TaskLog,
    blocking,
    import_checkouts,
    in_thread,
    next_due,
    orders_page,
    recovery_report,
    remind,
    request_export,
    sales_report,
    save_many,
    settle_recoveries,
    sweep,
)
from shoppego_orders.adapters.memory import MemoryOrderStore, MemoryTaskLog, RecordingMailer
from shoppego_orders.testing.strategies import instants, order_lists

PLAN = RecoveryPlan()
CHECKOUTS = (files("shoppego_orders") / "sample_checkouts.jsonl").read_text("utf-8").splitlines()


@attrs.frozen
class Shop:
    """All that services work with, and what can be seen of it afterwards."""

    store: MemoryOrderStore = attrs.field(factory=MemoryOrderStore)
    tasks: MemoryTaskLog = attrs.field(factory=MemoryTaskLog)
    mailer: RecordingMailer = attrs.field(factory=RecordingMailer)

    def seen(self) -> object:
        rows = list(self.store.rows(OrderQuery()))
        events = [self.store.events(row.id) for row in rows]
        # Part by part: what stands between them is random.
        mails = [
            (str(mail["To"]), [part.get_payload(decode=True) for part in mail.walk()])
            for mail in self.mailer.messages
        ]
        return rows, events, list(self.tasks.tasks()), mails


def day(
    store: OrderStore, tasks: TaskLog, mailer: Mailer, orders: Sequence[Order], now: datetime
) -> list[object]:
    """What a shop does, one after the other; and what came of it."""
    policy = AbandonmentPolicy()
    export = ExportRequest(query=OrderQuery(), per="line")
    steps: list[Callable[[], object]] = [
        lambda: save_many(store, orders),
        lambda: import_checkouts(store, CHECKOUTS),
        lambda: next_due(store, policy, now),
        lambda: sweep(store, policy, now),
        lambda: remind(store, tasks, mailer, PLAN, now),
        lambda: settle_recoveries(store, PLAN.lost_after, now),
        lambda: orders_page(store, size=3),
        lambda: recovery_report(store),
        lambda: b"".join(sales_report(store).to_csv("source")),
        lambda: request_export(store, mailer, export, to="owner@example.my", now=now),
    ]
    return [step() for step in steps]


@settings(max_examples=settings().max_examples // 8)
@given(order_lists(), instants())
def test_a_day_of_a_shop_is_the_same_over_async_ports(orders: list[Order], now: datetime) -> None:
    alone, awaited = Shop(), Shop()

    async def host() -> list[object]:
        store = blocking(AwaitedOrderStore(awaited.store))
        tasks = blocking(AwaitedTaskLog(awaited.tasks))
        mailer = blocking(AwaitedMailer(awaited.mailer))
        return await in_thread(day, store, tasks, mailer, orders, now)

    expected = day(alone.store, alone.tasks, alone.mailer, orders, now)
    assert asyncio.run(host()) == expected
    assert awaited.seen() == alone.seen()
