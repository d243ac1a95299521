"""Orders into a CSV file, and what the commands about exports share: what is asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import attrs
import click

from shoppego_orders.cli.mailing import mail_options, mailer_of
from shoppego_orders.cli.root import (
    Command,
    asked_period,
    days_options,
    db_option,
    json_option,
    opened_store,
    shop_option,
)
from shoppego_orders.cli.screen import counted, printable, progress, say, say_json
from shoppego_orders.ports import Mailer
from shoppego_orders.query import OrderQuery

if TYPE_CHECKING:
    from shoppego_orders.export.request import ExportRequest


_DELIMITERS: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}


def request_options(command: Command) -> Command:
    """Let a command be told what to export; :func:`request_of` reads it."""
    for option in (
        click.option(
            "--profile",
            type=click.Choice(["excel", "plain", "raw"]),
            default="excel",
            show_default=True,
            help="For spreadsheets, for programs, or unguarded against formulas.",
        ),
        click.option(
            "--headers",
            type=click.Choice(["keys", "en", "ms"]),
            default="keys",
            show_default=True,
            help="The columns' keys, or their labels in English or Malay.",
        ),
        click.option(
            "--dates",
            type=click.Choice(["iso", "spreadsheet", "shopify"]),
            default="iso",
            show_default=True,
            help="How dates are written; spreadsheets read theirs as dates.",
        ),
        click.option(
            "--delimiter",
            type=click.Choice(_DELIMITERS),
            default="comma",
            show_default=True,
            help="A semicolon where a comma stands in decimals.",
        ),
        click.option(
            "--columns",
            default="shoppego",
            show_default=True,
            metavar="SET|KEY,…",
            help="shoppego, shopify, accounting; or keys of columns: number,total,currency.",
        ),
        click.option(
            "--per", type=click.Choice(["order", "line"]), default="order", show_default=True
        ),
        shop_option,
        days_options,
    ):
        command = option(command)
    return command


def request_of(
    *,
    first: str | None,
    until: str | None,
    named: str | None,
    zone: str,
    shop: str | None,
    per: str,
    columns: str,
    profile: str,
    headers: str,
    dates: str,
    delimiter: str,
) -> ExportRequest:
    """What ``request_options`` ask for."""
    from shoppego_orders.export.column_sets import COLUMN_SETS, SHOPPEGO
    from shoppego_orders.export.profiles import PROFILES
    from shoppego_orders.export.request import ExportRequest, Per

    period = asked_period(first, until, zone, named=named, now=datetime.now(UTC))
    return ExportRequest(
        query=OrderQuery(shop=shop, placed=period),
        per=Per(per),
        columns=COLUMN_SETS.get(columns) or SHOPPEGO.chosen(columns.split(",")),
        profile=attrs.evolve(
            PROFILES[profile],
            headers=headers,
            instants=dates,
            delimiter=_DELIMITERS[delimiter],
        ),
        tz=zone,
    )


@click.command()
@click.option("--out", metavar="FILE", required=True, help="The CSV file to write, or replace.")
@request_options
@click.option("--mail", "recipients", metavar="TO", multiple=True, help="Mail the file as well.")
@mail_options
@json_option
@db_option
def export(
    *,
    out: str,
    recipients: tuple[str, ...],
    outbox: str | None,
    smtp: Mailer | None,
    as_json: bool,
    **asked: str | None,
) -> None:
    """Write orders into a CSV file, by the time at which they were placed; and mail it."""
    from shoppego_orders.export.delivery import request_export
    from shoppego_orders.export.files import write_file
    from shoppego_orders.export.request import export_csv, period_text

    if (smtp is not None) + (outbox is not None) != bool(recipients):
        raise click.UsageError("--mail needs either --outbox or --smtp, and they need --mail.")
    mailer = mailer_of(outbox, smtp)
    request = request_of(**asked)  # type: ignore[arg-type]  # by the names of the options
    with opened_store() as store:
        with progress(f"Writing {printable(out)}", "orders") as tell:
            stream = export_csv(store, request, tell)
            size = write_file(out, stream)
        records = stream.summary.records
        if not as_json:
            period = f"{period_text(request)} ({request.tz})"
            say(f"Wrote {counted(records, 'record')} to {out}; {period}.")
        if mailer is not None:
            mailed = request_export(store, mailer, request, to=recipients, now=datetime.now(UTC))
            for refused in mailed.refused:
                say(f"The mail was refused for {refused}", err=True)
            missed = {refused.address for refused in mailed.refused}
            recipients = tuple(each for each in recipients if each not in missed)
            if not as_json:
                say(f"Mailed it to {', '.join(recipients)}{f': {outbox}' if outbox else ''}.")
    if as_json:
        say_json(
            {
                "file": out,
                "records": records,
                "bytes": size,
                "replaced": stream.summary.replaced,
                "period": period_text(request),
                "mailed_to": recipients,
            }
        )
