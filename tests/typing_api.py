"""Promises about types: never run, only checked by mypy and pyright.

A line that no longer type-checks is a change that users notice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time
from functools import partial
from typing import assert_type

from shoppego_orders import (
    AbandonmentPolicy,
    Attribution,
    LineItem,
    Mailer,
    Money,
    Order,
    OrderPage,
    OrderQuery,
    OrderRow,
    OrderStore,
    PaymentStatus,
    Recovery,
    RecoveryPlan,
    RecoveryReport,
    RecoveryVisit,
    RemindResult,
    SettleResult,
    SweepResult,
    TaskLog,
    Touch,
    Verdict,
    default_table,
    orders_page,
    plain_reminder,
    read_recovery_link,
    recovery_report,
    remind,
    settle_recoveries,
    sweep,
)
from shoppego_orders.adapters.maildir import EmlMailer, MaildirMailer
from shoppego_orders.adapters.memory import MemoryOrderStore, MemoryTaskLog, RecordingMailer
from shoppego_orders.adapters.smtp import SmtpMailer
from shoppego_orders.adapters.sql import SqlOrderStore, SqlTaskLog
from shoppego_orders.errors import CommandRefused, OrdersError


def an_error_has_typed_fields(error: CommandRefused) -> None:
    assert_type(error.order_id, str)
    assert_type(str(error), str)
    caught: OrdersError = error
    assert isinstance(caught, Exception)


def commands_and_facts_return_orders(line: LineItem, at: datetime) -> None:
    order = Order.place(id="1", shop="s", currency="MYR", lines=[line], at=at)
    assert_type(order, Order)
    assert_type(order.record_payment("p", order.total, at=at), Order)
    assert_type(order.cancel(reason="asked", at=at), Order)
    assert_type(order.total, Money)
    assert_type(order.payment_status, PaymentStatus)


def a_row_is_typed(row: OrderRow) -> None:
    assert_type(row.total, Money)
    assert_type(row.completed_at, datetime | None)


def a_touch_is_classified(touch: Touch) -> None:
    assert_type(default_table().classify(touch), Attribution)


def services_take_any_store(store: OrderStore, now: datetime) -> None:
    assert_type(sweep(store, AbandonmentPolicy(), now), SweepResult)
    assert_type(orders_page(store), OrderPage)
    assert_type(store.rows(OrderQuery()), Iterator[OrderRow])


def an_order_and_its_row_are_judged(order: Order, now: datetime) -> None:
    assert_type(AbandonmentPolicy().judge(order, [], now), Verdict)
    assert_type(AbandonmentPolicy().judge(OrderRow.of(order), [order], now), Verdict)


def customers_are_won_back(
    store: OrderStore, tasks: TaskLog, mailer: Mailer, now: datetime
) -> None:
    def link(order: Order, step: int) -> str:
        return f"https://shop.example/cart/{order.id}:{step}"

    def objection(order: Order) -> str | None:
        return None if order.email else "no address"

    plan = RecoveryPlan(quiet_hours=(time(22), time(8)))
    compose = partial(plain_reminder, link=link)
    result = remind(store, tasks, mailer, plan, now, compose=compose, objection=objection)
    assert_type(result, RemindResult)
    assert_type(settle_recoveries(store, plan.lost_after, now), SettleResult)
    assert_type(recovery_report(store), RecoveryReport)
    assert_type(recovery_report(store).outcomes[Recovery.LOST], int)
    assert_type(recovery_report(store).recovered["MYR"], Money)
    assert_type(read_recovery_link("", [b"k" * 32], now), RecoveryVisit)


def what_ships_is_what_the_ports_ask_for(
    stores: tuple[MemoryOrderStore, SqlOrderStore],
    logs: tuple[MemoryTaskLog, SqlTaskLog],
    mailers: tuple[SmtpMailer, MaildirMailer, EmlMailer, RecordingMailer],
) -> None:
    all_stores: tuple[OrderStore, ...] = stores
    all_logs: tuple[TaskLog, ...] = logs
    all_mailers: tuple[Mailer, ...] = mailers
    assert len(all_stores) + len(all_logs) + len(all_mailers)
