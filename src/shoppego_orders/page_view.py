"""What a notebook shows of a page of orders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from shoppego_orders.attribution.view import sourced
from shoppego_orders.markup import beside, element, moment, table, typed, view
from shoppego_orders.money import decimal_text
from shoppego_orders.order.view import badges

if TYPE_CHECKING:
    from shoppego_orders.order import OrderRow
    from shoppego_orders.page import OrderPage


def page_html(page: OrderPage) -> str:
    """Show a page: its tabs and how many orders each has, its orders, and what those come to."""
    tabs = (
        element("span", typed(name), f" {count}", class_="badge")
        for name, count in page.counts.items()
        if count.number
    )
    return view(
        beside((typed(page.tab), f"({len(page.rows)} of {page.total} orders)")),
        element("p", beside(tabs)),
        table(
            ("Source", "Number", "Placed (UTC)", "Customer", "Status", ">Total"),
            map(_row, page.rows),
            foot=((total, "", "", "", "", amount) for total, amount in _sums(page)),
            most=len(page.rows),
        ),
    )


def _row(row: OrderRow) -> tuple[str, ...]:
    return (
        sourced(row.source, row.logo),
        row.number,
        moment(row.placed_at),
        row.customer_name,
        beside(badges(row)),
        str(row.total),
    )


def _sums(page: OrderPage) -> Iterator[tuple[str, str]]:
    """What the orders shown come to; drafts and cancelled ones among them, as on the page."""
    minor: Counter[str] = Counter()
    for row in page.rows:
        minor[row.currency] += row.total.minor
    digits = {row.currency: row.total.digits for row in page.rows}
    # No Money, which might not hold so much.
    for currency, amount in sorted(minor.items()):
        yield "Total", f"{currency} {decimal_text(amount, digits[currency])}"
