"""The Orders page, and one order with its history."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

import click

from shoppego_orders.cli.root import (
    asked_period,
    days_options,
    db_option,
    json_option,
    opened_store,
    shop_option,
)
from shoppego_orders.cli.screen import orders_table, say, say_json, tab_line
from shoppego_orders.errors import InvalidValue, OrderNotFound
from shoppego_orders.money import Money
from shoppego_orders.order import Fulfillment, Life, Order, PaymentStatus
from shoppego_orders.page import PAGE_SIZE, Count, Tab, orders_page
from shoppego_orders.periods import SHOP_TIME_ZONE, time_zone
from shoppego_orders.ports import OrderStore
from shoppego_orders.query import OrderQuery

Status = TypeVar("Status", bound=StrEnum)
_STATUSES = (*PaymentStatus, *Fulfillment, *Life)


@click.command()
@click.option(
    "--tab",
    type=click.Choice([each.value for each in Tab]),
    default=Tab.ALL.value,
    show_default=True,
)
@click.option("--search", metavar="TEXT", help="Part of number, name, e-mail or phone.")
@days_options
@click.option("--source", "sources", metavar="KEY", multiple=True, help="Such as tiktok.")
@click.option(
    "--status",
    "statuses",
    type=click.Choice([each.value for each in _STATUSES]),
    multiple=True,
    help="Of the payment, the fulfillment or the order's life; several of one kind mean any.",
)
@click.option("--tag", metavar="TAG", help="Carries this tag.")
@click.option("--size", type=int, default=PAGE_SIZE, show_default=True, help="Rows on a page.")
@click.option("--after", metavar="PLACE", help="Where the page before ended; it says so.")
@shop_option
@json_option
@db_option
def page(
    *,
    tab: str,
    search: str | None,
    first: str | None,
    until: str | None,
    named: str | None,
    zone: str,
    sources: tuple[str, ...],
    statuses: tuple[str, ...],
    tag: str | None,
    size: int,
    after: str | None,
    shop: str | None,
    as_json: bool,
) -> None:
    """Show the Orders page: tabs with counts, and a page of orders, newest first.

    Counts stop at 1,000, and say so: "1,000+"; with --json, "at_least" names them.
    """
    from shoppego_orders.export.request import ExportRequest, period_text

    clock = time_zone(zone)
    filters = OrderQuery(
        placed=asked_period(first, until, zone, named=named, now=datetime.now(UTC)),
        source=sources or None,
        life=_of(Life, statuses),
        fulfillment=_of(Fulfillment, statuses),
        payment_status=_of(PaymentStatus, statuses),
        tag=tag,
    )
    with opened_store() as store:
        shown = orders_page(
            store, shop=shop, tab=tab, filters=filters, search=search, size=size, after=after
        )
    if as_json:
        say_json(
            {
                "tab": shown.tab,
                "counts": {tab: count.number for tab, count in shown.counts.items()},
                "total": shown.total.number,
                "at_least": [
                    name
                    for name, count in (("total", shown.total), *shown.counts.items())
                    if not count.exact
                ],
                "rows": [
                    {name: _plain(value) for name, value in row._asdict().items()}
                    for row in shown.rows
                ],
                "next": shown.next,
            }
        )
        return
    say(tab_line(shown.counts, shown.tab))
    say()
    orders_table(shown.rows, clock, zone)
    days = period_text(ExportRequest(query=filters, tz=zone))
    noun = "order" if shown.total == Count(1) else "orders"
    say(f"{len(shown.rows):,} of {shown.total} {noun}; {days}.")
    if shown.next is not None:
        say(f"More with --after {shown.next}")


@click.command()
@click.argument("order", metavar="ID")
@click.option("--tz", "zone", metavar="ZONE", default=SHOP_TIME_ZONE, show_default=True)
@json_option
@db_option
def show(*, order: str, zone: str, as_json: bool) -> None:
    """Show one order with its history. ID is its id, or its number in the shop."""
    from shoppego_orders.cli.detail import show_order
    from shoppego_orders.serialization import event_to_json, order_to_json

    clock = time_zone(zone)
    with opened_store() as store:
        found = found_order(store, order)
        events = store.events(found.id)
    if as_json:
        say_json(
            {
                "order": json.loads(order_to_json(found)),
                "history": [json.loads(event_to_json(event)) for event in events],
            }
        )
    else:
        show_order(found, events, clock, zone)


def found_order(store: OrderStore, word: str) -> Order:
    """The order of an id, or else of a number that only one has."""
    try:
        return store.get(word)
    except OrderNotFound:
        numbered = [row.id for row in store.rows(OrderQuery(search=word)) if row.number == word]
        if len(numbered) > 1:
            problem = f"the id of one order; these have the number: {', '.join(numbered)}"
            raise InvalidValue("ID", word, problem) from None
        if not numbered:
            raise
    return store.get(numbered[0])


def _of(words: type[Status], statuses: Iterable[str]) -> frozenset[Status] | None:
    """Those of the statuses that are of one kind; None for none."""
    return frozenset(map(words, set(statuses) & set(words))) or None


def _plain(value: object) -> object:
    """A field of a row, as JSON writes it: amounts as decimal text, instants in ISO 8601."""
    if isinstance(value, Money):
        return value.text
    return value.isoformat() if isinstance(value, datetime) else value
