"""What was sold: as tables, as JSON or as a CSV file."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from shoppego_orders.cli.root import (
    asked_period,
    days_options,
    db_option,
    json_option,
    opened_store,
    shop_option,
)
from shoppego_orders.cli.screen import counted, say, say_json
from shoppego_orders.export.sales import AMOUNTS, COUNTS, By, Sales
from shoppego_orders.money import Money
from shoppego_orders.query import OrderQuery


@click.command("report")
@click.option(
    "--by",
    type=click.Choice([each.value for each in By]),
    default=By.DAY.value,
    show_default=True,
    help="What the sums are told apart by, besides the currency.",
)
@days_options
@click.option("--csv", "out", metavar="FILE", help="Write a CSV file, or replace one, as well.")
@shop_option
@json_option
@db_option
def report_sales(
    *,
    by: str,
    first: str | None,
    until: str | None,
    named: str | None,
    zone: str,
    out: str | None,
    shop: str | None,
    as_json: bool,
) -> None:
    """Report what was sold, by the time at which orders were placed.

    A sale is an order whose checkout was completed and that was not cancelled; refunds count on
    the day of their order. Whether a customer had bought before is asked of all orders.
    """
    from shoppego_orders.export.files import write_file
    from shoppego_orders.export.profiles import EXCEL
    from shoppego_orders.export.report import sales_report
    from shoppego_orders.export.request import ExportRequest, period_text

    period = asked_period(first, until, zone, named=named, now=datetime.now(UTC))
    query = OrderQuery(shop=shop, placed=period)
    with opened_store() as store:
        found = sales_report(store, query, tz=zone)
    if out is not None:
        write_file(out, found.to_csv(by, profile=EXCEL))
    if as_json:
        say_json([{by: key, **_figures(sales, by)} for key, sales in found.by(by)])
        return
    say(found.text(by))
    sold = sum(sales.orders for sales in found.totals().values())
    days = period_text(ExportRequest(query=query, tz=zone))
    say(f"{counted(int(sold), 'sale')}; {days} ({zone}).")
    if out is not None:
        say(f"Wrote {out}.")


def _figures(sales: Sales, by: str) -> dict[str, object]:
    """All that is known of a line, amounts as decimal text; of a product that is less."""
    if by == By.PRODUCT:
        names = {"lines": "orders", "units": "units", "gross": "gross"}
    else:
        every = (*COUNTS, "returning", *AMOUNTS, "total", "net", "average")
        names = {name: name for name in every}
    figures = {told: getattr(sales, name) for told, name in names.items()}
    return {
        "currency": sales.currency,
        **{name: each.text if isinstance(each, Money) else each for name, each in figures.items()},
    }
