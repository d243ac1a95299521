"""The jobs as commands: each reads its options, calls the library, and prints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from shoppego_orders.cli.attributing import attribute
from shoppego_orders.cli.downloads import exports
from shoppego_orders.cli.erasing import anonymise
from shoppego_orders.cli.exporting import export
from shoppego_orders.cli.judging import explain, sweep
from shoppego_orders.cli.looking import page, show
from shoppego_orders.cli.recovering import recovery, remind
from shoppego_orders.cli.reporting import report_sales
from shoppego_orders.cli.root import (
    DB_KEY,
    DEFAULT_DB,
    db_option,
    json_option,
    opened_store,
    shoppego_orders,
)
from shoppego_orders.cli.screen import (
    a_few,
    counted,
    printable,
    progress,
    say,
    say_json,
)
from shoppego_orders.cli.upgrading import upgrade

__all__ = ["shoppego_orders"]

# What a single command needs is imported in it: --help must not load a database.


@shoppego_orders.command("import")
@click.argument("file")
@click.option(
    "--skip-bad",
    is_flag=True,
    help="Leave bad lines out, and report each with its number on standard error, with exit code "
    "0; else the first one stops the import, and the lines before it are kept.",
)
@json_option
@db_option
def import_(*, file: str, skip_bad: bool, as_json: bool) -> None:
    """Import checkouts: FILE holds one JSON object a line, as Shoppego's webhooks send them.

    FILE may be compressed with gzip; - is standard input. Importing the same file twice changes
    nothing.
    """
    from shoppego_orders.importing import import_checkouts, open_lines

    with (
        open_lines(file) as lines,
        opened_store(create=True) as store,
        progress(f"Importing {printable(file)}", "bytes", lines.size) as tell,
    ):

        def watched() -> Iterator[bytes]:
            for number, line in enumerate(lines):
                if number % 100 == 0:
                    tell(lines.position)
                yield line

        report = import_checkouts(store, watched(), skip_bad=skip_bad, batch=store.batch)
    if as_json:
        say_json(
            {
                "read": report.read,
                "imported": report.imported,
                "updated": report.updated,
                "unchanged": report.unchanged,
                "declared_totals": report.declared,
                "bad": [bad._asdict() for bad in report.bad],
            }
        )
    else:
        say(
            f"Read {counted(report.read, 'checkout')} from {file}: {report.imported} new, "
            f"{report.updated} completed since, {report.unchanged} known already, "
            f"{len(report.bad)} bad."
        )
        if report.declared:
            say(
                f"{counted(len(report.declared), 'declared total')} differed from items and "
                "shipping; the difference is kept as an adjustment named declared: "
                f"{a_few(report.declared)}."
            )
    for bad in report.bad:
        say(f"{file}, line {bad.line}: {bad.problem}", err=True)


@shoppego_orders.command()
@click.option(
    "--out", metavar="DIR", default="demo", show_default=True, help="Where to put it all."
)
@db_option
def demo(*, out: str) -> None:
    """Run the whole job once on the checkouts that ship with the package."""
    from shoppego_orders.cli.demo import run_demo
    from shoppego_orders.export.files import told_as_unwritten

    folder = Path(out)
    with told_as_unwritten(folder):
        folder.mkdir(parents=True, exist_ok=True)
    click.get_current_context().meta.setdefault(DB_KEY, str(folder / DEFAULT_DB))
    with opened_store(create=True) as store:
        run_demo(store, folder)


for _command in (
    page,
    show,
    attribute,
    sweep,
    explain,
    remind,
    recovery,
    report_sales,
    export,
    exports,
    anonymise,
    upgrade,
):
    shoppego_orders.add_command(_command)
