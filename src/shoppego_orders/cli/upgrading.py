"""The version of the tables: told, and brought to this release's."""

from __future__ import annotations

import click

from shoppego_orders.cli.root import db_option, json_option, opened_store
from shoppego_orders.cli.screen import say, say_json


@click.command()
@click.option("--dry-run", is_flag=True, help="Write nothing, and say which version is there.")
@json_option
@db_option
def upgrade(*, dry_run: bool, as_json: bool) -> None:
    """Bring tables that an older release made to this release's version.

    Make a copy of the database first: there is no way back. Repeating it changes nothing.
    """
    with opened_store() as store:
        found = store.database.check()
        if not dry_run:
            store.database.upgrade()
        left = store.database.check()
        name = store.database.name
    if as_json:
        say_json({"found": found.version, "version": left.version, "usable": left.usable})
    elif left.version is None:
        say(f"{name} has no tables for orders yet.")
    elif not left.usable:
        say(f"{name} has tables of version {left.version}, which has to be upgraded.")
    elif found.usable:
        say(f"{name} has tables of version {left.version}, which this release uses.")
    else:
        say(f"{name} had tables of version {found.version}, and has version {left.version} now.")
