"""What people see: tables and texts that are safe for a terminal, and progress bars."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, tzinfo
from typing import Protocol

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from shoppego_orders.order import Fulfillment, Life, OrderRow
from shoppego_orders.page import Count

# Control characters, which could move the cursor or colour the screen; line separators; and the
# marks that turn the reading direction of what follows.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

ABANDONED = "✗"
RECOVERED = "↺"
_SHORT: dict[str, str] = {
    Fulfillment.AWAITING_PROCESSING: "awaiting",
    Fulfillment.READY_FOR_PICKUP: "pickup",
}


def printable(text: str) -> str:
    """Take what could act on a terminal out of a text that a customer typed."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def say(text: str = "", *, err: bool = False) -> None:
    """Print a text, made printable line by line."""
    click.echo("\n".join(printable(line) for line in text.split("\n")), err=err)


def say_json(value: object) -> None:
    """Print a value for a program: one line of JSON, ASCII only."""
    click.echo(json.dumps(value))


def local(instant: datetime | None, zone: tzinfo) -> str:
    """An instant as a clock of the zone shows it, to the second; "" for none."""
    return "" if instant is None else f"{instant.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def tab_line(counts: Mapping[str, Count], chosen: str) -> str:
    """The tabs with their counts, the chosen one in brackets."""
    tabs = [
        template.format(f"{words(tab).capitalize()} {count}")
        for tab, count in counts.items()
        for template in ("[{}]" if tab == chosen else "{}",)
    ]
    # Lines break between tabs only.
    unbroken = "  ".join(tab.replace(" ", "\xa0") for tab in tabs)
    return textwrap.fill(unbroken, _width()).replace("\xa0", " ")


def orders_table(rows: Sequence[OrderRow], zone: tzinfo, zone_name: str) -> None:
    """Print orders as the Orders page lists them; names give way where the terminal is narrow."""
    placed = [row.placed_at.astimezone(zone) for row in rows]
    years = {moment.year for moment in placed}
    currencies = {row.currency for row in rows}
    columns = {
        "Source": [row.source or "" for row in rows],
        "Number": [row.number for row in rows],
        # What all rows share goes into the heading: so it fits into 80 columns.
        f"{min(years)}" if len(years) == 1 else "Placed": [
            f"{moment:%d %b %H:%M}" if len(years) == 1 else f"{moment:%Y-%m-%d %H:%M}"
            for moment in placed
        ],
        "Customer": [row.customer_name or row.email or row.phone for row in rows],
        f">{min(currencies)}" if len(currencies) == 1 else ">Total": [
            row.total.text if len(currencies) == 1 else str(row.total) for row in rows
        ],
        "Payment": [words(row.payment_status) for row in rows],
        "Status": [_status(row) for row in rows],
        "": [_mark(row) for row in rows],
    }
    _print(columns, narrow="Customer")
    say(f"Times are of {zone_name}.  {ABANDONED} abandoned  {RECOVERED} abandoned, then completed.")


def _status(row: OrderRow) -> str:
    status = row.fulfillment if row.life is Life.OPEN else row.life
    return _SHORT.get(status, words(status))


def _mark(row: OrderRow) -> str:
    if row.abandoned_at is None:
        return ""
    return ABANDONED if row.completed_at is None else RECOVERED


def plain_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print texts in columns; one whose heading begins with ">" is set to the right."""
    columns: dict[str, list[str]] = {heading: [] for heading in headings}
    for row in rows:
        for column, cell in zip(columns.values(), row, strict=True):
            column.append(cell)
    _print(columns)


def counted(number: int, noun: str) -> str:
    """A number of things, in words: "1 order", "8,135 orders"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def a_few(ids: Sequence[str]) -> str:
    """The first ten of many, and how many more there are."""
    more = f" and {len(ids) - 10:,} more" if len(ids) > 10 else ""
    return f"{', '.join(ids[:10])}{more}"


def words(status: str) -> str:
    """A status as people write it."""
    return status.replace("_", " ")


class Tell(Protocol):
    """Is told how far something is, and how far there is to go where that is known by now."""

    def __call__(self, done: int, total: int | None = None, /) -> None:
        """Move the bar."""
        ...


class Rate(ProgressColumn):
    """How many are done, and how many a second once that can be said."""

    def __init__(self, unit: str) -> None:
        super().__init__(Column(no_wrap=True))
        self._unit = unit

    def render(self, task: Task) -> Text:
        """Write the cell of a bar."""
        speed = task.finished_speed or task.speed
        return Text(
            f"{task.completed:,.0f} {self._unit}{'' if speed is None else f', {speed:,.0f}/s'}"
        )


@contextmanager
def progress(what: str, unit: str, total: int | None = None) -> Generator[Tell]:
    """A progress bar on standard error while a person is watching there; else nothing.

    It shows the rate, and the time that is left.

    :param unit: what is counted: "orders".
    :returns: a context manager, which gives a function to be told how far it is.
    """
    if not sys.stderr.isatty():
        yield lambda _done, _total=None: None
        return
    bar = Progress(
        # A long name gives way to the numbers, not they to it.
        TextColumn("{task.description}", table_column=Column(overflow="fold")),
        BarColumn(20),
        Rate(unit),
        TimeRemainingColumn(table_column=Column(no_wrap=True)),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task(what, total=total)
        yield lambda done, total=None: bar.update(task, completed=done, total=total)


def _width() -> int:
    """Of the terminal; in a pipe, which has none, 100."""
    if sys.stdout.isatty() or "COLUMNS" in os.environ:
        return shutil.get_terminal_size().columns
    return 100


def _print(columns: Mapping[str, Sequence[str]], narrow: str | None = None) -> None:
    """Print columns of equal length, no wider than the terminal.

    :param narrow: the column that is cut short where there is no room for all of it.
    """
    width = _width()
    texts = {
        heading: [Text(printable(cell)) for cell in cells] for heading, cells in columns.items()
    }
    natural = {
        heading: max(cell.cell_len for cell in [Text(heading.removeprefix(">")), *cells])
        for heading, cells in texts.items()
    }
    gap = 2 if sum(natural.values()) + 2 * len(natural) <= width else 1
    others = sum(natural.values()) - natural.get(narrow or "", 0) + gap * len(natural)
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, gap - 1, 0, 0))
    for heading in columns:
        table.add_column(
            Text(heading.removeprefix(">")),
            justify="right" if heading.startswith(">") else "left",
            no_wrap=heading == narrow,
            overflow="ellipsis" if heading == narrow else "fold",
            max_width=max(width - others, 8) if heading == narrow else None,
        )
    # Text, not str: square brackets in a customer's name are no markup.
    for row in zip(*texts.values(), strict=True):
        table.add_row(*row)
    Console(width=width, emoji=False, markup=False, highlight=False).print(table)
