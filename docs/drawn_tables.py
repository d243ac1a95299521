"""The tables of the reference, drawn as Markdown from the data that the code itself uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import click

from shoppego_orders import Topic, default_table
from shoppego_orders.attribution import CHANNELS, Source
from shoppego_orders.cli import command_group
from shoppego_orders.export import COLUMN_SETS, SHOPPEGO, ColumnSet, LineColumn
from shoppego_orders.order import FULFILLMENTS, TRANSITIONS

SHOWN_HOSTS = 3
"""How many of a source's referrers the table names."""


def transitions() -> str:
    """Which command is possible when, and where the fulfillment statuses stand."""
    commands = [
        (f"`{command}`", "; ".join(guard.blocker.reason for guard in guards))
        for command, guards in TRANSITIONS.items()
    ]
    moves = [
        (
            f"`{status}`",
            str(move.rank),
            move.topic or "–",
            "; ".join(guard.blocker.reason for guard in move.guards) or "–",
        )
        for status, move in FULFILLMENTS.items()
    ]
    return "\n".join(
        [
            _table(("command", "is not possible when"), commands),
            "A fulfillment status of a lower rank than the present one is a step back.",
            "",
            _table(
                ("fulfillment status", "rank", "a step forward announces", "is not possible when"),
                moves,
            ),
        ]
    )


def topics() -> str:
    """Shoppego's webhook topics."""
    return _table(("name", "topic"), [(f"`Topic.{each.name}`", each.value) for each in Topic])


def sources() -> str:
    """The sources that ship."""
    head = ("key", "name", "logo", "channel", "`utm_source`, besides the key", "click ids")
    return _table(
        (*head, "referrers"),
        [
            (
                f"`{row.key}`",
                row.name,
                f"`{row.logo}`",
                row.channel,
                _words(row.utm),
                ", ".join(f"`{click.name}` ({click.kind})" for click in row.click_ids),
                _referrers(row),
            )
            for row in default_table().rows
        ],
    )


def channels() -> str:
    """The channels of touches."""
    return "\n".join([*(f"- {channel}" for channel in CHANNELS), ""])


def columns(shown: ColumnSet) -> str:
    """The columns of a set that ships."""
    of = {
        column.key: "line" if isinstance(column, LineColumn) else "order"
        for column in shown.columns
    }
    if shown is not SHOPPEGO:
        return _table(
            ("header", "kind", "of"),
            [(f"`{each.key}`", each.kind, of[each.key]) for each in shown.columns],
        )
    return _table(
        ("key", "kind", "label", "label in Malay", "of"),
        [
            (f"`{each.key}`", each.kind, each.label, each.malay, of[each.key])
            for each in shown.columns
        ],
    )


def commands() -> str:
    """The help of every command."""
    return "\n".join(
        f"## `{name}`\n\n```text\n{text}\n```\n"
        for name, text in _helps(command_group(), "shoppego-orders")
    )


def drawn() -> dict[str, str]:
    """Every table, by the name of its file."""
    return {
        "commands": commands(),
        "transitions": transitions(),
        "topics": topics(),
        "channels": channels(),
        "sources": sources(),
        **{f"columns_{name}": columns(each) for name, each in COLUMN_SETS.items()},
    }


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(
        f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines
    )


def _helps(command: click.Command, name: str) -> Iterator[tuple[str, str]]:
    context = click.Context(command, info_name=name, terminal_width=80)
    yield name, command.get_help(context)
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            yield from _helps(command.commands[each], f"{name} {each}")


def _words(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _referrers(row: Source) -> str:
    named = (*row.hosts, *row.apps)
    more = len(named) - SHOWN_HOSTS
    return _words(named[:SHOWN_HOSTS]) + (f" and {more} more" if more > 0 else "")
