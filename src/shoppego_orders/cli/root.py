"""The group of commands, and what the commands share: options, and the store they name."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from shoppego_orders.cli.screen import printable
from shoppego_orders.errors import OrdersError
from shoppego_orders.periods import (
    SHOP_TIME_ZONE,
    Period,
    PeriodName,
    instant_from_iso,
    iso_date,
)

if TYPE_CHECKING:
    from shoppego_orders.adapters.sql import SqlOrderStore

Command = TypeVar("Command", bound=Callable[..., Any])  # Any: whatever options it takes

DEFAULT_DB = "orders.sqlite"
DB_KEY = "shoppego_orders.db"
"""Where the context keeps what --db said, before or after the command's name."""


class _Commands(click.Group):
    """Tells the errors of this library as click tells its own, with exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            result: object = super().invoke(ctx)
            sys.stdout.flush()
        except OrdersError as error:
            raise click.ClickException(printable(str(error))) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader has gone (| head): click ends in silence
                raise
            raise click.ClickException(f"{error.strerror or error}") from error
        return result


def _keep_db(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.meta[DB_KEY] = value


def db_option(command: Command) -> Command:
    """Let a command be told the database, after its name as well as before it."""
    return click.option(
        "--db",
        metavar="FILE",
        expose_value=False,
        callback=_keep_db,
        help=f"The SQLite file with the orders, or the URL of a PostgreSQL database; {DEFAULT_DB} "
        "in this folder unless told.",
    )(command)


def days_options(command: Command) -> Command:
    """Let a command be told which days count: ``first``, ``until``, ``named``, ``zone``.

    :func:`asked_period` reads them.
    """
    for option in (
        click.option(
            "--tz",
            "zone",
            metavar="ZONE",
            default=SHOP_TIME_ZONE,
            show_default=True,
            help="The shop's time zone, whose days and clocks are meant.",
        ),
        click.option(
            "--period",
            "named",
            type=click.Choice([each.value for each in PeriodName]),
            help="Days that have a name, as of now; weeks begin on Monday.",
        ),
        click.option(
            "--to",
            "until",
            metavar="DATE",
            help="The first day that no longer counts: --from 2026-03-01 --to 2026-03-08 is "
            "seven days, 1 to 7 March.",
        ),
        click.option("--from", "first", metavar="DATE", help="The first day that counts."),
    ):
        command = option(command)
    return command


def json_option(command: Command) -> Command:
    """Answer in JSON."""
    option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
    return option(command)


def shop_option(command: Command) -> Command:
    """Of one shop alone."""
    option = click.option("--shop", metavar="DOMAIN", help="The orders of this shop alone.")
    return option(command)


def now_option(command: Command) -> Command:
    """As of another moment than the present."""
    option = click.option(
        "--now",
        metavar="ISO",
        help="As of this moment, such as 2026-03-15T10:00:00+08:00, instead of the present.",
    )
    return option(command)


def moment_of(now: str | None) -> datetime:
    """The moment that ``now_option`` names, or else the present."""
    return datetime.now(UTC) if now is None else instant_from_iso(now, "--now")


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="shoppego-orders")
@db_option
def shoppego_orders() -> None:
    """The orders of an online shop: where they came from, whether their checkouts were
    abandoned, and what was sold.

    Begin with `shoppego-orders demo`, which brings its own checkouts.
    """


@contextmanager
def opened_store(*, create: bool = False) -> Generator[SqlOrderStore]:
    """Open the store that --db names; only an import makes one."""
    from shoppego_orders.adapters.sql import SqlOrderStore

    target = cast("str", click.get_current_context().meta.get(DB_KEY, DEFAULT_DB))
    with SqlOrderStore.open(target) if create else SqlOrderStore(target) as opened:
        yield opened


def asked_period(
    first: str | None, until: str | None, zone: str, *, named: str | None, now: datetime
) -> Period | None:
    """The period that ``days_options`` ask for; None for all times."""
    if named is not None:
        if first is not None or until is not None:
            raise click.UsageError("--period stands for --from and --to; give either.")
        return Period.named(named, now, zone)
    start = None if first is None else iso_date(first, "--from")
    end = None if until is None else iso_date(until, "--to")
    if start is not None and end is not None:
        return Period.of_dates(start, end, zone)
    if end is not None:
        return Period.before(Period.of_day(end, zone).start)
    return None if start is None else Period.since(Period.of_day(start, zone).start)
