"""Promises about types: never run, only checked by mypy, pyright and pyrefly.

A line that no longer type-checks is a change that users notice.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from email.message import EmailMessage
from functools import partial
from secrets import token_hex
from typing import assert_type

import attrs

from async_sqlite import AsyncSqliteOrderStore, AsyncSqliteTaskLog, Outbox
from shoppego_orders import (
    AbandonmentPolicy,
    AsyncExportLog,
    AsyncFileShelf,
    AsyncMailer,
    AsyncOrderStore,
    AsyncTaskLog,
    Attribution,
    By,
    Context,
    Customer,
    Difference,
    Erasure,
    Export,
    ExportLog,
    ExportRequest,
    Exports,
    FileShelf,
    Journey,
    LineItem,
    Mailer,
    Money,
    Order,
    OrderLike,
    OrderPage,
    OrderQuery,
    OrderRow,
    OrderStore,
    PaymentStatus,
    PeriodName,
    Recovery,
    RecoveryPlan,
    RecoveryReport,
    RecoveryVisit,
    RemindResult,
    Rule,
    Sales,
    SalesReport,
    Schedule,
    SettleResult,
    SweepResult,
    TaskLog,
    Touch,
    Verdict,
    VerdictStatus,
    anonymise,
    ask_due,
    blocking,
    compare_policies,
    customer_orders,
    default_table,
    in_thread,
    judge_stream,
    orders_page,
    plain_reminder,
    policy_from_json,
    policy_to_json,
    read_recovery_link,
    recovery_report,
    remind,
    replay,
    sales_report,
    save_many,
    scale,
    settle_recoveries,
    storable,
    stream_in_thread,
    sweep,
    write_file,
)
from shoppego_orders.abandonment import rules
from shoppego_orders.adapters.maildir import EmlMailer, MaildirMailer
from shoppego_orders.adapters.memory import (
    MemoryExportLog,
    MemoryOrderStore,
    MemoryShelf,
    MemoryTaskLog,
    RecordingMailer,
)
from shoppego_orders.adapters.shelf import DirectoryShelf
from shoppego_orders.adapters.smtp import SmtpMailer
from shoppego_orders.adapters.sql import SqlExportLog, SqlOrderStore, SqlTaskLog
from shoppego_orders.attribution import Credit, linear
from shoppego_orders.errors import (
    CommandRefused,
    MailNotSent,
    OrdersError,
    RefusedRecipient,
    Retry,
)
from shoppego_orders.export.csv_writer import CsvStream
from shoppego_orders.notebook import Plot, plot_payment_times, plot_recovery, plot_sales
from shoppego_orders.ports import ErasingStore, ErasingTaskLog


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
    assert_type(storable("Siti"), str)
    assert_type(save_many(store, map(store.get, ["1"])), Sequence[Order | OrdersError])


def an_order_and_its_row_are_judged(order: Order, now: datetime) -> None:
    assert_type(AbandonmentPolicy().judge(order, [], now), Verdict)
    assert_type(AbandonmentPolicy().judge(OrderRow.of(order), [order], now), Verdict)
    assert_type(AbandonmentPolicy(windows_by_payment_method={"FPX": timedelta(hours=2)}).id, str)
    assert_type(replay(order.changes, [], AbandonmentPolicy(), as_of=now), Verdict)


def a_history_is_judged_in_one_pass(rows: Iterator[OrderRow], now: datetime) -> None:
    policy = AbandonmentPolicy(since="last_activity_at")
    assert_type(judge_stream(rows, policy, now), Iterator[Verdict])
    assert_type(judge_stream(rows, policy, now, only=VerdictStatus.KEPT), Iterator[Verdict])
    assert_type(compare_policies(rows, policy, policy, now), Iterator[Difference])
    assert_type(policy_from_json(policy_to_json(policy)), AbandonmentPolicy)


@attrs.frozen
class Weekend(Rule):
    wants = "It began on a Saturday or a Sunday."

    def holds(self, order: OrderLike, context: Context) -> bool:  # noqa: ARG002  # it needs the order alone
        return order.placed_at.weekday() >= 5


def a_hosts_own_rule_joins_the_others() -> None:
    assert_type(Weekend() & ~rules.Tagged("vip") | rules.Source(["tiktok"]), Rule)


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


def exports_are_asked_for_and_run(
    store: OrderStore, log: ExportLog, shelf: FileShelf, mailer: Mailer, now: datetime
) -> None:
    exports = Exports(store, log, shelf, mailer, stalled_after=timedelta(minutes=5))
    shown = orders_page(store).shown
    assert_type(exports.ask(ExportRequest(query=shown), id="1", now=now, to="a@b.my"), Export)
    assert_type(exports.run("1", lambda: now, lambda done, total: total - done), Export)
    assert_type(exports.downloads("hartamas.myshoppegram.com"), Iterator[Export])
    assert_type(exports.delete("1", now), Export)


def sales_are_reported(store: OrderStore, rows: list[OrderRow], orders: Iterator[Order]) -> None:
    def credits_of(order: Order) -> tuple[Credit, ...]:
        journey = Journey.of(order.touches, default_table(), ordered_at=order.placed_at)
        return journey.credits(linear)

    report = sales_report(store) + SalesReport.of(rows, history=rows)
    assert_type(report, SalesReport)
    assert_type(SalesReport.of(orders, credits=credits_of, model="linear"), SalesReport)
    assert_type(report.by(By.WEEK), list[tuple[str, Sales]])
    assert_type(report.totals()["MYR"].average, Money | None)
    write_file("sales.csv", report.to_csv("source", profile="excel"))
    assert_type(plot_sales(report), Plot)
    assert_type(report.plot(), Plot)
    assert_type(plot_payment_times(rows, window=timedelta(minutes=30)), Plot)
    assert_type(plot_recovery(recovery_report(store)), Plot)


def exports_recur(exports: Exports, now: datetime) -> None:
    request = ExportRequest(query=OrderQuery(shop="hartamas.myshoppegram.com"))
    schedule = Schedule(
        name="weekly",
        rule="FREQ=WEEKLY;BYDAY=MO",
        start=now,
        request=request,
        period=PeriodName.LAST_WEEK,
    )
    assert_type(schedule.next_run(now), datetime | None)
    assert_type(ask_due(exports, schedule, since=now, now=now), tuple[Export, ...])


def mail_is_refused(mailer: Mailer, smtp: SmtpMailer, message: EmailMessage) -> None:
    assert_type(smtp.send(message), tuple[RefusedRecipient, ...])
    try:
        for each in mailer.send(message) or ():
            assert_type((each.address, each.code, each.text), tuple[str, int, str])
            assert_type(each.retry, Retry)
    except MailNotSent as error:
        assert_type(error.retry, Retry)
        assert_type(error.refused, Sequence[RefusedRecipient])


def a_customer_is_erased(
    store: ErasingStore, tasks: ErasingTaskLog, log: ExportLog, now: datetime
) -> None:
    whom = Customer(email="aisyah@example.com")
    assert_type(customer_orders(store, whom, shop="s"), list[Order])
    erased = anonymise(store, whom, shop="s", at=now, pseudonym=token_hex, tasks=tasks, exports=log)
    assert_type(erased, Erasure)
    assert_type(erased.orders, tuple[str, ...])


async def async_ports_are_taken(
    *,
    store: AsyncOrderStore,
    tasks: AsyncTaskLog,
    log: AsyncExportLog,
    shelf: AsyncFileShelf,
    mailer: AsyncMailer,
    now: datetime,
) -> None:
    view = blocking(store)
    assert_type(view, OrderStore)
    assert_type(await in_thread(sweep, view, AbandonmentPolicy(), now, limit=9), SweepResult)
    plan = RecoveryPlan()
    result = await in_thread(remind, view, blocking(tasks), blocking(mailer), plan, now)
    assert_type(result, RemindResult)
    exports = Exports(view, blocking(log), blocking(shelf), blocking(mailer))
    assert_type(await in_thread(exports.run, "1", lambda: now), Export)
    assert_type(stream_in_thread(exports.downloads()), AsyncGenerator[Export])


def what_drivers_offer_is_what_the_async_ports_ask_for(
    store: AsyncSqliteOrderStore, tasks: AsyncSqliteTaskLog, mailer: Outbox
) -> None:
    assert_type(blocking(store), OrderStore)
    assert_type(blocking(tasks), TaskLog)
    assert_type(blocking(mailer), Mailer)


def frames_are_asked(page: OrderPage, rule: Rule, store: OrderStore) -> None:
    # PyArrow has no types: what comes out of it is anything.
    assert_type(rule.reads(), frozenset[str])
    assert_type(rule.prevented_by(), frozenset[str])
    assert_type(list(scale.rows_of(page)), list[OrderRow])
    assert_type(scale.export(page, per="line"), CsvStream)
    scale.judge(page, AbandonmentPolicy(), datetime.now(UTC)).read_all()
    scale.order_batches(store.rows(OrderQuery()))


def what_ships_is_what_the_ports_ask_for(
    stores: tuple[MemoryOrderStore, SqlOrderStore],
    logs: tuple[MemoryTaskLog, SqlTaskLog],
    mailers: tuple[SmtpMailer, MaildirMailer, EmlMailer, RecordingMailer],
    export_logs: tuple[MemoryExportLog, SqlExportLog],
    shelves: tuple[MemoryShelf, DirectoryShelf],
) -> None:
    all_stores: tuple[OrderStore, ...] = stores
    all_logs: tuple[TaskLog, ...] = logs
    erasing_stores: tuple[ErasingStore, ...] = stores
    erasing_logs: tuple[ErasingTaskLog, ...] = logs
    all_mailers: tuple[Mailer, ...] = mailers
    all_export_logs: tuple[ExportLog, ...] = export_logs
    all_shelves: tuple[FileShelf, ...] = shelves
    assert len(all_stores) + len(all_logs) + len(all_mailers)
    assert len(erasing_stores) + len(erasing_logs)
    assert len(all_export_logs) + len(all_shelves)
