"""The sales report by example."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.errors import InvalidValue, UnknownTimeZone
from shoppego_orders.export import By, Sales, SalesReport, sales_report
from shoppego_orders.money import Money
from shoppego_orders.order import Adjustment, LineItem, Order
from shoppego_orders.query import OrderQuery

LATE = datetime(2026, 1, 4, 16, 30, tzinfo=UTC)  # half past midnight of 5 January in the shop


def an_order(
    id: str, *, at: datetime = LATE, currency: str = "MYR", product: str = "Kopi"
) -> Order:
    return Order.place(
        id=id,
        at=at,
        shop="hartamas.myshoppegram.com",
        currency=currency,
        lines=[LineItem(product, 2, Money("5.50", currency))],
        adjustments=[
            Adjustment("discount", Money("-1.00", currency)),
            Adjustment("shipping", Money("4.00", currency)),
            Adjustment("tax", Money("0.66", currency)),
        ],
    )


def store_of_sales() -> MemoryOrderStore:
    store = MemoryOrderStore()
    later = LATE + timedelta(days=1)
    refunded = an_order("2").mark_paid(at=later)
    refunded = refunded.record_refund("r1", Money("3.00", "MYR"), at=later)
    for order in (
        an_order("1").mark_paid(at=LATE),
        refunded,
        an_order("3", at=later, currency="SGD", product="Teh\x1b[2J\ntarik").confirm(at=later),
        an_order("unpaid"),
        an_order("cancelled").mark_paid(at=LATE).cancel(reason="out of stock", at=LATE),
        Order.place_draft(id="draft", at=LATE, shop="s", currency="MYR", lines=[]),
    ):
        store.save(order)
    return store


def test_what_was_completed_and_not_cancelled_counts_by_day_of_the_shop() -> None:
    report = sales_report(store_of_sales())
    assert report.by("day") == [
        ("2026-01-05", "MYR", Sales(2, 4, 2200, 200, 800, 132, 2932, 300)),
        ("2026-01-06", "SGD", Sales(1, 2, 1100, 100, 400, 66, 1466, 0)),
    ]
    assert report.totals()["MYR"].net == 2632
    assert report.by(By.PRODUCT) == [
        ("Kopi", "MYR", Sales(orders=2, units=4, gross=2200, total=2200)),
        ("Teh\x1b[2J\ntarik", "SGD", Sales(orders=1, units=2, gross=1100, total=1100)),
    ]
    assert [line[:2] for line in report.by(By.SOURCE)] == [("", "MYR"), ("", "SGD")]


def test_days_are_those_of_the_zone() -> None:
    report = sales_report(store_of_sales(), OrderQuery(ids="1"), tz="UTC")
    assert [day for day, _, _ in report.by(By.DAY)] == ["2026-01-04"]


def test_a_plain_table() -> None:
    report = sales_report(store_of_sales())
    assert report.text() == (
        "day         currency  orders  units  gross  discounts  shipping   tax  refunds    net\n"
        "2026-01-05       MYR       2      4  22.00       2.00      8.00  1.32     3.00  26.32\n"
        "2026-01-06       SGD       1      2  11.00       1.00      4.00  0.66     0.00  14.66\n"
    )
    assert "\nTeh [2J tarik  " in report.text("product")
    assert "\n(none)  " in report.text(By.SOURCE)


def test_what_does_not_add_is_refused() -> None:
    here, there = SalesReport.of_orders([]), SalesReport.of_orders([], tz="UTC")
    with pytest.raises(InvalidValue, match="tz"):
        _ = here + there
    with pytest.raises(TypeError):
        _ = here + 1  # type: ignore[operator]  # what is refused
    with pytest.raises(TypeError):
        _ = Sales() + 1  # type: ignore[operator]  # what is refused
    with pytest.raises(InvalidValue, match="one of day, source, product"):
        here.by("week")
    for build in (SalesReport.of_orders, SalesReport.of_lines):
        with pytest.raises(UnknownTimeZone):
            build([], tz="Mars/Olympus")
