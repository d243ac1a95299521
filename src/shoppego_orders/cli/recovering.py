"""Reminders of abandoned checkouts, and the report on what they came to."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

import attrs
import click

from shoppego_orders.cli.mailing import mail_options, mailer_of
from shoppego_orders.cli.root import (
    asked_period,
    days_options,
    db_option,
    json_option,
    moment_of,
    now_option,
    opened_store,
    shop_option,
)
from shoppego_orders.cli.screen import counted, local, say, say_json
from shoppego_orders.order import Recovery
from shoppego_orders.periods import SHOP_TIME_ZONE, time_zone
from shoppego_orders.ports import Mailer

if TYPE_CHECKING:
    from shoppego_orders.abandonment import RecoveryReport, RemindResult, SettleResult
    from shoppego_orders.adapters.sql import SqlOrderStore
    from shoppego_orders.ports import Task

_AT_ONCE = 500


def _quiet_hours(
    _context: click.Context, _parameter: click.Parameter, value: str
) -> tuple[time, time] | None:
    if value == "none":
        return None
    start, _, end = value.partition("-")
    try:
        hours = time.fromisoformat(start), time.fromisoformat(end)
    except ValueError:
        raise click.BadParameter(f"{value!r} is neither HH:MM-HH:MM nor none") from None
    return hours


@click.command()
@mail_options
@now_option
@click.option(
    "--quiet-hours",
    metavar="HH:MM-HH:MM",
    default="22:00-08:00",
    show_default=True,
    callback=_quiet_hours,
    help="By the clocks of the shop's zone, when nothing is sent; none for no such hours.",
)
@click.option(
    "--tz",
    "zone",
    metavar="ZONE",
    default=SHOP_TIME_ZONE,
    show_default=True,
    help="The shop's time zone, whose clocks are meant.",
)
@click.option(
    "--cooldown",
    metavar="HOURS",
    type=click.IntRange(min=0),
    default=12,
    show_default=True,
    help="How long a customer who was reminded is left in peace.",
)
@shop_option
@json_option
@db_option
def remind(
    *,
    outbox: str | None,
    smtp: Mailer | None,
    now: str | None,
    quiet_hours: tuple[time, time] | None,
    zone: str,
    cooldown: int,
    shop: str | None,
    as_json: bool,
) -> None:
    """Remind customers of abandoned checkouts: after 1, 24 and 72 hours, each at most once.

    The mails go to your customers, so this needs --outbox or --smtp. Run `sweep` first: it finds
    the abandoned ones.
    """
    from shoppego_orders import abandonment
    from shoppego_orders.adapters.sql import SqlTaskLog

    mailer = mailer_of(outbox, smtp)
    if mailer is None or (outbox is not None and smtp is not None):
        raise click.UsageError("It needs either --outbox or --smtp.")
    plan = abandonment.RecoveryPlan(
        quiet_hours=quiet_hours, tz=zone, cooldown=timedelta(hours=cooldown)
    )
    moment = moment_of(now)
    with opened_store() as store:
        tasks = SqlTaskLog(store.database)
        result = abandonment.remind(store, tasks, mailer, plan, moment, shop=shop)
    if as_json:
        say_json(
            {
                "sent": result.sent,
                "skipped": result.skipped,
                "failed": result.failed,
                "unknown": result.unknown,
                "held": result.held,
            }
        )
    else:
        _say_reminded(result)
    for key, problem in result.failed.items():
        say(f"{key} was not sent: {problem}", err=True)
    for key, problem in result.unknown.items():
        say(f"{key} is unknown, and not sent again: {problem}", err=True)


def _say_reminded(result: RemindResult) -> None:
    say(
        f"{counted(len(result.sent), 'reminder')} sent, {len(result.skipped)} skipped, "
        f"{len(result.failed)} failed, {len(result.held)} wait, {len(result.unknown)} unknown."
    )
    for what, reasons in (("Skipped", result.skipped), ("Wait", result.held)):
        for reason, number in Counter(reasons.values()).items():
            say(f"{what}: {number:,} because {reason}")


@click.command()
@days_options
@now_option
@click.option(
    "--lost-after",
    metavar="DAYS",
    type=click.IntRange(min=1),
    default=14,
    show_default=True,
    help="When a checkout that nothing came of counts as lost.",
)
@shop_option
@json_option
@db_option
def recovery(
    *,
    first: str | None,
    until: str | None,
    named: str | None,
    zone: str,
    now: str | None,
    lost_after: int,
    shop: str | None,
    as_json: bool,
) -> None:
    """Report what became of abandoned checkouts, by the time at which they began.

    Records first how they ended, where that can be told by now. Last come the reminders of which
    nobody knows whether they were sent: look into the mail server's log.
    """
    from shoppego_orders import abandonment
    from shoppego_orders.adapters.sql import SqlTaskLog

    clock, moment = time_zone(zone), moment_of(now)
    period = asked_period(first, until, zone, named=named, now=moment)
    with opened_store() as store:
        settled = _settled(store, timedelta(days=lost_after), moment, shop)
        tasks = SqlTaskLog(store.database)
        report = abandonment.recovery_report(store, period, shop=shop, tasks=tasks)
        unknown = list(abandonment.unknown_reminders(tasks, shop=shop))
    if as_json:
        say_json(_as_json(report, settled, unknown))
    else:
        _say_report(report)
        if unknown:
            say()
            say(f"Claimed ({zone}), and nobody knows whether they were sent; not sent again:")
            for task in unknown:  # in no table, which would break the keys
                say(f"  {local(task.claimed_at, clock)}  {task.key}")
    for skipped in settled.skipped:
        say(f"{skipped.order_id} was not settled: {skipped.why}", err=True)


def _settled(
    store: SqlOrderStore, lost_after: timedelta, moment: datetime, shop: str | None
) -> SettleResult:
    """Settle a few hundred orders at a time, each time in one transaction."""
    from shoppego_orders import abandonment

    outcomes: dict[str, Recovery] = {}
    while True:
        with store.batch():
            part = abandonment.settle_recoveries(
                store, lost_after, moment, shop=shop, limit=_AT_ONCE
            )
        outcomes |= part.outcomes
        if len(part.outcomes) < _AT_ONCE:
            return abandonment.SettleResult(outcomes=outcomes, open=part.open, skipped=part.skipped)


def _say_report(report: RecoveryReport) -> None:
    say(f"{counted(report.abandoned, 'abandoned checkout')}.")
    for outcome, number in report.outcomes.items():
        say(f"  {outcome.capitalize():<12} {number:>8,}")
    for what, revenue in (
        ("Recovered revenue", report.recovered),
        ("Bought instead", report.substituted),
    ):
        for amount in revenue.values():
            say(f"{what}: {amount}")
    reminders = report.reminders
    assert reminders is not None  # the log was given
    say(
        f"{counted(reminders.sent, 'reminder')} sent, {sum(reminders.skipped.values()):,} "
        f"skipped, {reminders.failed:,} failed, {reminders.unknown:,} unknown."
    )
    for reason, number in reminders.skipped.items():
        say(f"Skipped: {number:,} because {reason}")


def _as_json(
    report: RecoveryReport, settled: SettleResult, unknown: list[Task]
) -> dict[str, object]:
    reminders = report.reminders
    assert reminders is not None  # the log was given
    return {
        "abandoned": report.abandoned,
        "outcomes": {outcome.value: number for outcome, number in report.outcomes.items()},
        "recovered": {currency: money.text for currency, money in report.recovered.items()},
        "substituted": {currency: money.text for currency, money in report.substituted.items()},
        "reminders": attrs.asdict(reminders),
        "settled_now": {order_id: ended.value for order_id, ended in settled.outcomes.items()},
        "unknown": [
            {"key": task.key, "claimed_at": task.claimed_at.isoformat()} for task in unknown
        ],
    }
