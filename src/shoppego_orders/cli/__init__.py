"""The command line, ``shoppego-orders``: the extra ``cli`` brings click and rich.

Exit codes: 0 done; 1 an error, told on standard error; 2 a wrong command line.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from shoppego_orders.errors import MissingExtra

if TYPE_CHECKING:
    import click


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line.

    :param args: without the program's name; those of the process unless told.
    :returns: the exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        # What the terminal's encoding lacks becomes a question mark, not a crash.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        command_group().main(args=args, prog_name="shoppego-orders")
    except MissingExtra as missing:
        sys.stderr.write(f"Error: {missing}\n")
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 1
    return 1


def command_group() -> click.Group:
    """The group of all commands, for those who add to it or test it.

    :raises MissingExtra: if click or rich is not installed.
    """
    try:
        from shoppego_orders.cli.commands import shoppego_orders
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in ("click", "rich"):
            raise
        raise MissingExtra(package, "cli") from None
    return shoppego_orders
