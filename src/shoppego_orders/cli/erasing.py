"""Erase a customer, at a terminal."""

from __future__ import annotations

import secrets

import click

from shoppego_orders.cli.root import db_option, json_option, moment_of, now_option, opened_store
from shoppego_orders.cli.screen import a_few, counted, printable, say, say_json
from shoppego_orders.customers import Customer


@click.command()
@click.option("--shop", metavar="DOMAIN", required=True, help="The shop whose customer it is.")
@click.option("--id", "own_id", metavar="ID", help="The shop's own id of a customer's account.")
@click.option("--email", metavar="ADDRESS", help="The customer's e-mail address, in any case.")
@click.option("--phone", metavar="NUMBER", help="The customer's phone number, in any notation.")
@click.option("--yes", is_flag=True, help="Don't ask whether it is really to be done.")
@now_option
@json_option
@db_option
def anonymise(
    *,
    shop: str,
    own_id: str | None,
    email: str | None,
    phone: str | None,
    yes: bool,
    now: str | None,
    as_json: bool,
) -> None:
    """Take a customer out of all their orders in a shop, for good: who it was, nothing tells then.

    What was bought and paid, and every report, stays as it is. Give all that the customer is
    known by, and nothing that somebody else has too. Files that were exported before, and mails,
    are yours to delete.
    """
    from shoppego_orders import erasure
    from shoppego_orders.adapters.sql import SqlExportLog, SqlTaskLog

    customer, moment = Customer(id=own_id, email=email, phone=phone), moment_of(now)
    with opened_store() as store:
        theirs = erasure.customer_orders(store, customer, shop=shop)
        if theirs and not yes:
            numbers = a_few([order.number for order in theirs])
            question = f"{counted(len(theirs), 'order')} of {shop}: {numbers}.\nErase who it was?"
            click.confirm("\n".join(map(printable, question.split("\n"))), abort=True, err=True)
        with store.batch():
            erased = erasure.anonymise(
                store,
                customer,
                shop=shop,
                at=moment,
                pseudonym=secrets.token_hex,
                tasks=SqlTaskLog(store.database),
                exports=SqlExportLog(store.database),
            )
        store.database.vacuum()
    if as_json:
        say_json({"orders": erased.orders, "tasks": len(erased.tasks), "exports": erased.exports})
    else:
        say(
            f"Took the customer out of {counted(len(erased.orders), 'order')}, "
            f"{counted(len(erased.tasks), 'task')} and {counted(len(erased.exports), 'export')}."
        )
