"""The Downloads page: exports that are asked for now, and run by a worker."""

from __future__ import annotations

import uuid
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from shoppego_orders.cli.exporting import request_of, request_options
from shoppego_orders.cli.mailing import mail_options, mailer_of
from shoppego_orders.cli.root import (
    Command,
    db_option,
    json_option,
    moment_of,
    now_option,
    opened_store,
    shop_option,
)
from shoppego_orders.cli.screen import counted, local, plain_table, progress, say, say_json
from shoppego_orders.errors import ExportNotDue, InputNotRead
from shoppego_orders.periods import MICROSECOND, SHOP_TIME_ZONE, time_zone
from shoppego_orders.ports import Export, ExportStatus, Mailer, MailStatus

if TYPE_CHECKING:
    from shoppego_orders.export.exports import Exports

SHELF: Final = "downloads"


@click.group()
def exports() -> None:
    """Exports that are asked for, run by a worker, listed, mailed and deleted."""


def _shelf_options(command: Command) -> Command:
    for option in (
        click.option("--url", default="", help="Where a web server serves that folder."),
        click.option(
            "--shelf",
            metavar="DIR",
            default=SHELF,
            show_default=True,
            help="The folder with the files.",
        ),
    ):
        command = option(command)
    return command


@contextmanager
def _opened(shelf: str = SHELF, url: str = "", mailer: Mailer | None = None) -> Generator[Exports]:
    from shoppego_orders.adapters.shelf import DirectoryShelf
    from shoppego_orders.adapters.sql import SqlExportLog
    from shoppego_orders.export.exports import Exports

    with opened_store() as store:
        yield Exports(store, SqlExportLog(store.database), DirectoryShelf(Path(shelf), url), mailer)


@exports.command()
@request_options
@click.option("--mail", "recipients", metavar="TO", multiple=True, help="Mail it when it is done.")
@json_option
@db_option
def ask(*, recipients: tuple[str, ...], as_json: bool, **asked: str | None) -> None:
    """Ask for an export; `shoppego-orders exports run` makes it."""
    request = request_of(**asked)  # type: ignore[arg-type]  # by the names of the options
    with _opened() as service:
        export = service.ask(request, id=str(uuid.uuid4()), now=datetime.now(UTC), to=recipients)
    _say_each([export], as_json=as_json)


@exports.command("list")
@shop_option
@click.option("--tz", "zone", metavar="ZONE", default=SHOP_TIME_ZONE, show_default=True)
@json_option
@db_option
def list_(*, shop: str | None, zone: str, as_json: bool) -> None:
    """List the exports, the newest first; deleted ones are left out."""
    clock = time_zone(zone)
    with _opened() as service:
        listed = list(service.downloads(shop))
    if as_json:
        say_json([_as_json(export) for export in listed])
        return
    plain_table(
        ["Asked", "Id", "Status", ">Orders", "Mail", "File, or what went wrong"],
        [
            (
                local(export.asked_at, clock),
                export.id,
                export.status,
                _far(export),
                "" if export.mail is MailStatus.NONE else export.mail,
                export.url or export.problem,
            )
            for export in listed
        ],
    )
    if any(export.mail is MailStatus.SENDING for export in listed):
        say(
            "A mail that stays at sending: its worker died, or the mail server's answer got lost; "
            "nobody knows whether it was sent."
        )


@exports.command()
@shop_option
@_shelf_options
@mail_options
@json_option
@db_option
def run(
    *,
    shop: str | None,
    shelf: str,
    url: str,
    outbox: str | None,
    smtp: Mailer | None,
    as_json: bool,
) -> None:
    """Run what was asked for and is not done, the oldest first; and mail what is to be mailed."""
    if smtp is not None and outbox is not None:
        raise click.UsageError("Either --outbox or --smtp.")
    done: list[Export] = []
    with _opened(shelf, url, mailer_of(outbox, smtp)) as service:
        for export in service.due(datetime.now(UTC), shop):
            with progress(f"Running {export.id}", "orders") as tell:
                try:
                    done.append(service.run(export.id, lambda: datetime.now(UTC), tell))
                except ExportNotDue:
                    continue  # another worker was faster
    _say_each(done, as_json=as_json)


@exports.command()
@click.argument("export_id", metavar="ID")
@_shelf_options
@json_option
@db_option
def delete(*, export_id: str, shelf: str, url: str, as_json: bool) -> None:
    """Delete an export, and its file; one that is running stops."""
    with _opened(shelf, url) as service:
        export = service.delete(export_id, datetime.now(UTC))
    _say_each([export], as_json=as_json)


@exports.command()
@click.argument("file", type=click.Path())
@now_option
@json_option
@db_option
def schedule(*, file: str, now: str | None, as_json: bool) -> None:
    """Ask for what a schedule has due, each run once; FILE holds it, as schedule_to_json wrote it.

    Run it as often as you like: what was asked for already is not asked for again.
    """
    from shoppego_orders.export.schedule import ask_due, schedule_from_json

    moment = moment_of(now)
    try:
        found = schedule_from_json(Path(file).read_bytes())
    except OSError as error:
        raise InputNotRead(file, 0, error.strerror or str(error)) from error
    with _opened() as service:
        asked = ask_due(service, found, since=found.start - MICROSECOND, now=moment)
    coming = found.next_run(moment)
    if as_json:
        when = None if coming is None else coming.isoformat()
        say_json({"asked": [_as_json(export) for export in asked], "next": when})
        return
    _say_each(asked, as_json=False)
    when = local(coming, time_zone(found.request.tz)) or "never"
    say(f"{counted(len(asked), 'export')} asked for. The next one is due: {when}.")


def _say_each(some: list[Export] | tuple[Export, ...], *, as_json: bool) -> None:
    if as_json:
        say_json([_as_json(export) for export in some])
        return
    for export in some:
        told = [f"{export.id}: {export.status}"]
        if export.status is ExportStatus.COMPLETED:
            told.append(counted(export.orders, "order"))
        if export.mail is not MailStatus.NONE:
            told.append(f"mail {export.mail}")
        said = "; ".join((*told, *filter(None, (export.url, export.problem))))
        say(said, err=export.status is ExportStatus.FAILED)


def _far(export: Export) -> str:
    if export.status is ExportStatus.RUNNING and export.total is not None:
        return f"{export.orders:,} of {export.total:,}"
    return f"{export.orders:,}" if export.status is ExportStatus.COMPLETED else ""


def _as_json(export: Export) -> dict[str, object]:
    return {
        "id": export.id,
        "shop": export.shop,
        "asked_at": export.asked_at.isoformat(),
        "status": export.status,
        "orders": export.orders,
        "total": export.total,
        "file": export.file_name,
        "bytes": export.size,
        "url": export.url,
        "mail": export.mail,
        "problem": export.problem,
    }
