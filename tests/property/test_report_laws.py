"""Laws of the sales report: parts add up to the whole, and every axis and file says the same."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from notebook_html import Page, shown
from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.attribution import (
    Journey,
    default_table,
    first_touch,
    last_touch,
    linear,
    position_based,
    time_decay,
)
from shoppego_orders.attribution.credit import Model
from shoppego_orders.export import (
    By,
    ExportRequest,
    Sales,
    SalesReport,
    export_csv,
    sales_report,
)
from shoppego_orders.export.sales import AMOUNTS, COUNTS, Credits
from shoppego_orders.money import Money
from shoppego_orders.order import Life, LineItem, LineRow, Order, OrderRow
from shoppego_orders.periods import time_zone
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.strategies import (
    HOSTILE_TEXTS,
    order_lists,
    orders,
    queries,
    texts,
)
from shoppego_orders.texts import storable

ZONES = ("Asia/Kuala_Lumpur", "America/New_York", "Australia/Lord_Howe", "UTC")
MODELS: dict[str, Model] = {
    "first": first_touch,
    "last": last_touch,
    "linear": linear,
    "position": position_based(),
    "decay": time_decay(),
}


@st.composite
def sold(draw: st.DrawFn) -> Order:
    """An order that is a sale, by few customers; some were abandoned first, or given back."""
    order = draw(orders(currency=draw(st.sampled_from(("MYR", "JPY")))))
    at = order.placed_at
    if order.abandoned_at is None and draw(st.booleans()):
        order = order.record_abandonment(policy="p", reasons=[], at=at, recorded_at=at)
    if order.can("mark_paid"):
        order = order.mark_paid(at=at)
    return order


def histories_of_shops() -> st.SearchStrategy[list[Order]]:
    """Many orders, of which some are the same customer's; ids may come twice, as in two shops."""
    return st.lists(orders() | sold(), max_size=8)


def lines_of(order: Order) -> list[LineRow]:
    row = OrderRow.of(order)
    return [LineRow.of(row, position, line) for position, line in enumerate(order.lines, 1)]


def rows_of(some: Sequence[Order]) -> list[OrderRow | LineRow]:
    rows: list[OrderRow | LineRow] = []
    for order in some:
        rows += [OrderRow.of(order), *lines_of(order)]
    return rows


def stored(some: Sequence[Order]) -> MemoryOrderStore:
    store = MemoryOrderStore()
    for order in some:
        store.save(order)
    return store


def credits_by(model: Model) -> Credits:
    return lambda order: Journey.of(
        order.touches, default_table(), ordered_at=order.placed_at
    ).credits(model)


def summed(report: SalesReport, by: By) -> dict[str, Sales]:
    sums: dict[str, Sales] = {}
    for _, sales in report.by(by):
        known = sums.get(sales.currency)
        sums[sales.currency] = sales if known is None else known + sales
    return sums


# Merging


@given(histories_of_shops(), st.data())
def test_parts_add_up_to_the_whole_however_they_were_parted(
    some: list[Order], data: st.DataObject
) -> None:
    rows = rows_of(some)
    whole = SalesReport.of(rows)
    count = data.draw(st.integers(1, 4))
    parts: list[list[OrderRow | LineRow]] = [[] for _ in range(count)]
    for row in data.draw(st.permutations(rows)):
        parts[data.draw(st.integers(0, count - 1))].append(row)
    reports = [SalesReport.of(part) for part in parts]
    assert SalesReport.sum_of(reports) == whole
    one_by_one = SalesReport.of(())
    for report in reports:
        one_by_one += report
    assert one_by_one == whole
    assert [one_by_one.by(by) for by in By] == [whole.by(by) for by in By]


@given(histories_of_shops(), histories_of_shops(), st.integers(0, 8), st.integers(0, 8))
def test_a_history_may_come_with_any_part(
    some: list[Order], others: list[Order], place: int, cut: int
) -> None:
    history = [OrderRow.of(order) for order in others]
    whole = SalesReport.of(some, history=history)
    first = SalesReport.of(some[:place], history=history[cut:])
    assert first + SalesReport.of(some[place:], history=history[:cut]) == whole
    assert SalesReport.of(some, history=[*history, *some, *history]) == whole


@given(histories_of_shops())
def test_an_order_says_what_its_row_and_lines_say(some: list[Order]) -> None:
    assert SalesReport.of(some) == SalesReport.of(rows_of(some))


@given(histories_of_shops(), st.sampled_from(sorted(MODELS)), st.integers(0, 8))
def test_credits_add_up_to_the_totals(some: list[Order], model: str, place: int) -> None:
    def report(part: Sequence[Order]) -> SalesReport:
        return SalesReport.of(part, credits=credits_by(MODELS[model]), model=model)

    whole = report(some)
    assert report(some[place:]) + report(some[:place]) == whole
    plain = SalesReport.of(some).totals()
    assert summed(whole, By.SOURCE) == summed(whole, By.CHANNEL) == whole.totals() == plain
    assert whole.by("product") == SalesReport.of(some).by("product")


# What it says


@given(histories_of_shops(), st.sampled_from(ZONES))
def test_every_axis_adds_up_to_the_totals(some: list[Order], zone: str) -> None:
    report = SalesReport.of(some, tz=zone)
    for by in set(By) - {By.PRODUCT}:
        assert summed(report, by) == report.totals(), by
    products = summed(report, By.PRODUCT)
    for currency, sales in report.totals().items():
        of_products = products.get(currency)
        assert (of_products.gross.minor if of_products else 0) == sales.gross.minor
        assert (of_products.units if of_products else 0) == sales.units


@given(histories_of_shops(), st.sampled_from(ZONES))
def test_it_says_what_a_naive_sum_says(some: list[Order], zone: str) -> None:
    expected: dict[tuple[str, str], Counter[str]] = {}
    bought: set[tuple[str, str]] = set()
    for order in sorted(some, key=lambda order: (order.placed_at, order.id)):
        sale = order.completed_at is not None and order.life is Life.OPEN
        if not sale and order.abandoned_at is None:
            continue
        day = order.placed_at.astimezone(time_zone(zone)).date().isoformat()
        sums = expected.setdefault((day, order.currency), Counter())
        if order.abandoned_at is not None:
            sums.update(abandoned=1, abandoned_value=order.total.minor)
        if not sale:
            continue
        if order.abandoned_at is not None:
            sums.update(recovered=1, recovered_value=order.total.minor)
        sums.update(
            orders=1,
            units=sum(line.quantity for line in order.lines),
            gross=sum(line.total.minor for line in order.lines),
            refunds=sum(
                refund.amount.minor
                for refund in order.refunds
                if refund.amount.currency == order.currency
            ),
            total=order.total.minor,
        )
        for adjustment in order.adjustments:
            sign = -1 if adjustment.kind == "discount" else 1
            name = {"discount": "discounts"}.get(adjustment.kind, str(adjustment.kind))
            sums[name] += sign * adjustment.amount.minor
        who = (order.shop, order.customer_key or f"nobody {len(bought)}")
        sums["first_time"] += who not in bought
        bought.add(who)
    found = SalesReport.of(some, tz=zone).by("day")
    assert [(day, sales.currency) for day, sales in found] == sorted(expected)
    for day, sales in found:
        sums = expected[day, sales.currency]
        for name in (*COUNTS, *AMOUNTS, "total"):
            value = getattr(sales, name)
            assert sums[name] == (value.minor if isinstance(value, Money) else value), name
        assert sales.net.minor == sums["total"] - sums["refunds"]
        assert sales.returning == sums["orders"] - sums["first_time"]
        assert (sales.average is None) is (sums["orders"] == 0)
        if sales.average is not None:
            exact = Fraction(sums["total"], sums["orders"])
            assert abs(sales.average.minor - exact) <= Fraction(1, 2)


@given(histories_of_shops())
def test_of_a_product_it_says_how_often_how_many_and_for_how_much(some: list[Order]) -> None:
    expected: dict[tuple[str, str], Counter[str]] = {}
    for order in some:
        if order.completed_at is not None and order.life is Life.OPEN:
            for line in order.lines:
                sums = expected.setdefault((line.product, order.currency), Counter())
                sums.update(orders=1, units=line.quantity, gross=line.total.minor)
    found = SalesReport.of(some).by("product")
    assert {(product, sales.currency) for product, sales in found} == expected.keys()
    for product, sales in found:
        sums = expected[product, sales.currency]
        assert [getattr(sales, name) for name in COUNTS] == [sums[name] for name in COUNTS]
        assert [getattr(sales, name).minor for name in AMOUNTS] == [sums[n] for n in AMOUNTS]


@given(histories_of_shops())
def test_what_came_back_was_abandoned_and_is_sold(some: list[Order]) -> None:
    for by in set(By) - {By.PRODUCT}:
        for _, sales in SalesReport.of(some).by(by):
            assert 0 <= sales.recovered <= min(sales.abandoned, sales.orders)
            assert sales.recovered_value.minor <= sales.abandoned_value.minor
            assert 0 <= sales.first_time <= sales.orders


@given(st.lists(orders() | sold(), max_size=5))
def test_weeks_are_those_of_iso_and_hold_their_days(some: list[Order]) -> None:
    report = SalesReport.of(some)
    weeks: dict[tuple[str, str], Sales] = {}
    for day, sales in report.by("day"):
        year, week, _ = date.fromisoformat(day).isocalendar()
        key = (f"{year:04}-W{week:02}", sales.currency)
        weeks[key] = weeks[key] + sales if key in weeks else sales
    assert {(key, sales.currency): sales for key, sales in report.by("week")} == weeks


# Stores and files


@given(order_lists(), queries())
def test_a_store_is_reported_on_as_its_rows_are(some: list[Order], query: OrderQuery) -> None:
    store = stored(some)
    assert sales_report(store) == SalesReport.of(some)
    asked = sales_report(store, query)
    rows: list[OrderRow | LineRow] = [*store.rows(query), *store.lines(query)]
    assert asked.by("product") == SalesReport.of(rows).by("product")
    told = SalesReport.of(rows, history=store.rows(OrderQuery()))
    assert [asked.by(by) for by in By] == [told.by(by) for by in By]


@given(order_lists())
def test_totals_in_the_file_are_the_reports(some: list[Order]) -> None:
    store = stored(some)
    sold = frozenset(
        order.id for order in some if order.completed_at is not None and order.life is Life.OPEN
    )
    query = OrderQuery(ids=sold)
    sums: dict[str, Counter[str]] = {}
    for record in csv_records(export_csv(store, ExportRequest(query=query))):
        here = sums.setdefault(record["currency"], Counter())
        for key, name in _IN_THE_FILE.items():
            here[name] += Money(record[key], record["currency"]).minor
    found = sales_report(store, query).totals()
    assert sums == {
        currency: {name: getattr(sales, name).minor for name in _IN_THE_FILE.values()}
        for currency, sales in found.items()
    }


_IN_THE_FILE = {
    "subtotal": "gross",
    "discount": "discounts",
    "shipping": "shipping",
    "tax": "tax",
    "declared_difference": "declared",
    "total": "total",
    "refunded": "refunds",
}


def csv_records(chunks: Iterable[bytes]) -> list[dict[str, str]]:
    file = io.StringIO(b"".join(chunks).decode("utf-8-sig"), newline="")
    return list(csv.DictReader(file, strict=True))


@given(histories_of_shops(), st.sampled_from(By), st.sampled_from(("plain", "raw")))
def test_its_own_file_says_what_it_says(some: list[Order], by: By, profile: str) -> None:
    report = SalesReport.of(some)
    records = csv_records(report.to_csv(by, profile=profile))
    assert len(records) == len(report.by(by))
    for record, (_, sales) in zip(records, report.by(by), strict=True):
        assert record["currency"] == sales.currency
        for name in ("units", "gross") if by is By.PRODUCT else (*COUNTS, *AMOUNTS, "net"):
            value = getattr(sales, name)
            assert record[name] == (value.text if isinstance(value, Money) else str(value)), name


# Names that people typed

names = texts() | st.sampled_from(HOSTILE_TEXTS) | st.text("=+-@\t\r\n ＝'\x00,\";<>&$", max_size=6)


@st.composite
def hostile_rows(draw: st.DrawFn) -> list[OrderRow | LineRow]:
    row = OrderRow.of(draw(sold().filter(lambda order: order.life is Life.OPEN and order.lines)))
    named = [
        row._replace(
            source=storable(draw(names)),
            channel=storable(draw(names)),
            payment_method_name=storable(draw(names)),
        )
        for _ in range(draw(st.integers(1, 3)))
    ]
    line = LineItem(draw(names), 1, row.subtotal)
    return [*named, LineRow.of(row, 1, line)]


@given(hostile_rows(), st.sampled_from(By))
def test_no_name_breaks_a_table(rows: list[OrderRow | LineRow], by: By) -> None:
    report = SalesReport.of(rows)
    blocks = report.text(by).split("\n\n")
    lines = report.by(by)
    of_totals = 0 if by is By.CURRENCY else len({sales.currency for _, sales in lines})
    for block in blocks:
        assert len(block.strip("\n").split("\n")) == 1 + len(lines) + of_totals
    assert all(char.isprintable() or char == "\n" for char in report.text(by))
    Page(shown(report))


@given(hostile_rows(), st.sampled_from(By), st.sampled_from(("excel", "plain")))
def test_no_name_is_a_formula_in_the_file(
    rows: list[OrderRow | LineRow], by: By, profile: str
) -> None:
    report = SalesReport.of(rows)
    for record in csv_records(report.to_csv(by, profile=profile)):
        named = record[by.value]
        assert not named.lstrip(" \t\r\n\ufeff\ufffd").startswith(tuple("=+-@＝＋－＠")), named
        for name in record.keys() - {by.value, "currency"}:
            assert re.fullmatch(r"-?[0-9]+(\.[0-9]+)?|", record[name])
