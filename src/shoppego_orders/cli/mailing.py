"""Where a command's mail goes: into a folder, or to a server."""

from __future__ import annotations

from pathlib import Path

import click

from shoppego_orders.cli.root import Command
from shoppego_orders.ports import Mailer


def mail_options(command: Command) -> Command:
    """Let a command be told how its mail leaves: ``outbox``, ``smtp``."""
    for option in (
        click.option(
            "--smtp",
            metavar="HOST:PORT",
            callback=_smtp_mailer,
            help="Send the mail through this server: encrypted on port 465, encrypted after a "
            "plain start (STARTTLS) on port 587, and not encrypted on any other.",
        ),
        click.option(
            "--outbox", metavar="DIR", help="Put the mail into this folder, as an .eml file."
        ),
    ):
        command = option(command)
    return command


def mailer_of(outbox: str | None, smtp: Mailer | None) -> Mailer | None:
    """The mailer that ``mail_options`` ask for; None where they ask for none."""
    from shoppego_orders.adapters.maildir import EmlMailer

    return smtp if outbox is None else EmlMailer(Path(outbox))


def _smtp_mailer(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> Mailer | None:
    from shoppego_orders.adapters.smtp import SmtpMailer, Tls

    if value is None:
        return None
    host, _, port = value.rpartition(":")
    if not host or not (port.isascii() and port.isdecimal() and 1 <= int(port) <= 65_535):
        raise click.BadParameter(f"{value!r} is not HOST:PORT, such as localhost:25")
    tls: dict[int, Tls] = {465: "implicit", 587: "starttls"}
    return SmtpMailer(host.strip("[]"), int(port), tls=tls.get(int(port), "none"))
