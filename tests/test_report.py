"""The sales report by example."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import attrs
import pytest

from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.attribution import (
    Journey,
    Touch,
    default_table,
    first_touch,
    linear,
    time_decay,
)
from shoppego_orders.attribution.credit import Model
from shoppego_orders.customers import Customer
from shoppego_orders.errors import InvalidValue
from shoppego_orders.export import By, Sales, SalesReport, sales_report
from shoppego_orders.export.sales import Credits
from shoppego_orders.money import Money
from shoppego_orders.order import Adjustment, LineItem, LineRow, Order, OrderRow, PaymentMethod
from shoppego_orders.periods import Period
from shoppego_orders.query import OrderQuery

SHOP = "hartamas.myshoppegram.com"
LATE = datetime(2026, 1, 4, 16, 30, tzinfo=UTC)  # half past midnight of 5 January in the shop
DAY = timedelta(days=1)


def myr(amount: str) -> Money:
    return Money(amount, "MYR")


def an_order(
    id: str,
    *,
    at: datetime = LATE,
    currency: str = "MYR",
    product: str = "Kopi",
    email: str | None = None,
    shop: str = SHOP,
    touches: tuple[Touch, ...] = (),
) -> Order:
    """Two pieces, of 14.66 with everything."""
    return Order.place(
        id=id,
        at=at,
        shop=shop,
        currency=currency,
        lines=[LineItem(product, 2, Money("5.50", currency))],
        adjustments=[
            Adjustment("discount", Money("-1.00", currency)),
            Adjustment("shipping", Money("4.00", currency)),
            Adjustment("tax", Money("0.66", currency)),
        ],
        customer=Customer(email=email),
        payment_method=PaymentMethod("FPX", "alternative"),
        touches=touches,
        attribution=default_table().classify(touches[-1]) if touches else None,
    )


def abandoned(order: Order) -> Order:
    at = order.placed_at + timedelta(hours=1)
    return order.record_abandonment(policy="p", reasons=[], at=at, recorded_at=at)


def store_of(*orders: Order) -> MemoryOrderStore:
    store = MemoryOrderStore()
    for order in orders:
        store.save(order)
    return store


def store_of_sales() -> MemoryOrderStore:
    later = LATE + DAY
    refunded = an_order("2").mark_paid(at=later).record_refund("r1", myr("3.00"), at=later)
    return store_of(
        an_order("1").mark_paid(at=LATE),
        refunded.archive(at=later),
        an_order("3", at=later, currency="SGD", product="Teh\x1b[2J\ntarik").mark_paid(at=later),
        an_order("unpaid"),
        an_order("cancelled").mark_paid(at=LATE).cancel(reason="out of stock", at=LATE),
        Order.place_draft(
            id="draft", at=LATE, shop=SHOP, currency="MYR", lines=[LineItem("Kopi", 1, myr("1"))]
        ),
    )


def in_notebook(report: SalesReport) -> str:
    return report._repr_html_()  # pyright: ignore[reportPrivateUsage]  # as a notebook calls it


def keys(report: SalesReport, by: By | str) -> list[str]:
    return [key for key, _ in report.by(by)]


# What counts, and where


def test_what_was_completed_and_not_cancelled_counts_by_day_of_the_shop() -> None:
    report = sales_report(store_of_sales())
    assert keys(report, "day") == ["2026-01-05", "2026-01-06"]
    assert report.by("day")[0][1] == Sales(
        orders=2,
        units=4,
        gross=myr("22.00"),
        discounts=myr("2.00"),
        shipping=myr("8.00"),
        tax=myr("1.32"),
        declared=myr("0"),
        refunds=myr("3.00"),
        first_time=2,
        abandoned=0,
        abandoned_value=myr("0"),
        recovered=0,
        recovered_value=myr("0"),
    )
    ringgit = report.totals()["MYR"]
    assert (ringgit.total, ringgit.net) == (myr("29.32"), myr("26.32"))
    assert (ringgit.average, ringgit.returning, ringgit.currency) == (myr("14.66"), 0, "MYR")
    assert list(report.totals()) == ["MYR", "SGD"]


def test_each_axis_tells_the_same_sales_apart() -> None:
    store = store_of(
        *(
            an_order(str(number), at=at, product=product).mark_paid(at=at)
            for number, (at, product) in enumerate(
                [(LATE, "Kopi"), (LATE + 7 * DAY, "Teh"), (LATE + 40 * DAY, "Teh")]
            )
        )
    )
    report = sales_report(store)
    assert keys(report, By.WEEK) == ["2026-W02", "2026-W03", "2026-W07"]
    assert keys(report, By.MONTH) == ["2026-01", "2026-02"]
    assert keys(report, By.PAYMENT_METHOD) == ["FPX"]
    assert keys(report, By.CURRENCY) == ["MYR"]
    assert keys(report, By.SOURCE) == keys(report, By.CHANNEL) == [""]
    assert keys(report, By.PRODUCT) == ["Teh", "Kopi"]  # the largest first


def test_a_year_has_the_weeks_of_iso() -> None:
    at = datetime(2027, 1, 1, 12, tzinfo=UTC)
    report = SalesReport.of([an_order("1", at=at).mark_paid(at=at)])
    assert keys(report, "week") == ["2026-W53"]


@pytest.mark.parametrize(
    ("instant", "zone", "day"),
    [
        ("2026-01-04T15:59:59+00:00", "Asia/Kuala_Lumpur", "2026-01-04"),
        ("2026-01-04T16:00:00+00:00", "Asia/Kuala_Lumpur", "2026-01-05"),
        ("2026-01-04T16:00:00+00:00", "UTC", "2026-01-04"),
        ("2026-10-25T00:59:00+00:00", "Europe/London", "2026-10-25"),  # the hour that comes twice
        ("2026-03-29T00:30:00+02:00", "Asia/Beirut", "2026-03-29"),  # begins at 01:00
        ("2011-12-30T10:30:00+00:00", "Pacific/Apia", "2011-12-31"),  # had no 30 December
        ("0001-01-01T00:00:00+00:00", "America/New_York", "0001-01-01"),
        ("9999-12-31T23:00:00+00:00", "Asia/Kuala_Lumpur", "9999-12-31"),
    ],
)
def test_days_are_those_of_the_zone(instant: str, zone: str, day: str) -> None:
    at = datetime.fromisoformat(instant)
    row = OrderRow.of(an_order("1").mark_paid(at=LATE))._replace(placed_at=at.astimezone(UTC))
    report = SalesReport.of([row], tz=zone)
    assert keys(report, "day") == [day]
    assert keys(report, "month") == [day[:7]]
    assert "-W" in keys(report, "week")[0]


def test_what_is_not_paid_counts_once_it_is_confirmed_and_nothing_else() -> None:
    confirmed = an_order("1", currency="SGD")
    confirmed = attrs.evolve(confirmed, payment_method=PaymentMethod("Cash on delivery", "manual"))
    report = SalesReport.of([confirmed.confirm(at=LATE), an_order("2")])
    assert report.totals()["SGD"].net == Money("14.66", "SGD")
    assert list(report.totals()) == ["SGD"]


def test_the_difference_to_a_declared_total_is_told_apart() -> None:
    order = Order.place(
        id="1",
        at=LATE,
        shop=SHOP,
        currency="MYR",
        lines=[LineItem("Kopi", 1, myr("5.00"))],
        adjustments=[Adjustment("declared", myr("-0.50"))],
    ).mark_paid(at=LATE)
    report = SalesReport.of([order])
    assert report.totals()["MYR"].declared == myr("-0.50")
    assert report.totals()["MYR"].total == myr("4.50")
    assert "unexplained" in report.text()


def test_abandoned_orders_count_and_so_do_those_that_came_back() -> None:
    back = abandoned(an_order("back")).record_payment("p", myr("14.66"), at=LATE + DAY)
    gone = abandoned(an_order("gone", at=LATE + DAY))
    dropped = abandoned(an_order("dropped", at=LATE + DAY)).cancel(reason="old", at=LATE + 2 * DAY)
    report = SalesReport.of([back, gone, dropped])
    first, second = (sales for _, sales in report.by("day"))
    assert (first.orders, first.abandoned, first.recovered) == (1, 1, 1)
    assert first.abandoned_value == first.recovered_value == first.net == myr("14.66")
    assert (second.orders, second.abandoned, second.recovered) == (0, 2, 0)
    assert (second.abandoned_value, second.recovered_value) == (myr("29.32"), myr("0"))
    assert second.average is None
    assert keys(report, "product") == ["Kopi"]
    assert "recovered" in report.text("month")
    assert "2026-01-06  MYR            0      0   0.00" in report.text("day")


def test_an_average_is_rounded_half_to_even() -> None:
    row = OrderRow.of(an_order("1").mark_paid(at=LATE))
    row = row._replace(discount_total=myr("0"), shipping_total=myr("0"), tax_total=myr("0"))
    for minor, average in ((1, "0.00"), (3, "0.02"), (5, "0.02")):
        odd = row._replace(subtotal=Money.from_minor(minor, "MYR"))
        even = row._replace(subtotal=myr("0"))
        assert SalesReport.of([odd, even]).totals()["MYR"].average == myr(average)


# Customers


def test_a_customer_is_new_once_in_each_shop() -> None:
    orders = [
        an_order(str(number), at=LATE + days * DAY, email=email, shop=shop).mark_paid(at=LATE)
        for number, (days, email, shop) in enumerate(
            [
                (2, "a@x.my", SHOP),
                (0, "A@x.my ", SHOP),
                (1, "a@x.my", "other"),
                (3, None, SHOP),
                (4, None, SHOP),
            ]
        )
    ]
    report = SalesReport.of(orders)
    found = [(day[-2:], sales.first_time, sales.returning) for day, sales in report.by("day")]
    assert found == [("05", 1, 0), ("06", 1, 0), ("07", 0, 1), ("08", 1, 0), ("09", 1, 0)]
    assert report.customers == [(SHOP, "email:a@x.my"), ("other", "email:a@x.my")]


def test_a_store_knows_who_bought_before_the_period_and_by_another_source() -> None:
    touch = Touch("/?utm_source=tiktok", None, LATE)
    store = store_of(
        an_order("old", email="a@x.my").mark_paid(at=LATE),
        an_order("not-bought", email="c@x.my"),
        *(
            an_order(name, at=LATE + DAY, email=f"{name[0]}@x.my", touches=(touch,)).mark_paid(
                at=LATE + DAY
            )
            for name in ("a-again", "b-new", "c-new")
        ),
    )
    sixth = Period.of_day(date(2026, 1, 6))
    for query in (OrderQuery(placed=sixth), OrderQuery(source="tiktok"), OrderQuery(shop=SHOP)):
        ((_, sales),) = sales_report(store, query).by("day")[-1:]
        assert (sales.orders, sales.first_time, sales.returning) == (3, 2, 1)
    alone = SalesReport.of(store.rows(OrderQuery(placed=sixth)))
    assert alone.totals()["MYR"].returning == 0
    again = SalesReport.of(store.rows(OrderQuery(placed=sixth)), history=store.rows(OrderQuery()))
    assert again.totals()["MYR"].returning == 1


@pytest.mark.parametrize(
    ("query", "times"),
    [
        (OrderQuery(), 1),
        (OrderQuery(shop=SHOP, newest_first=True), 1),
        (OrderQuery(placed=Period.since(LATE)), 2),
    ],
)
def test_who_bought_before_is_asked_only_where_the_query_leaves_it_open(
    query: OrderQuery, times: int
) -> None:
    asked: list[OrderQuery] = []

    class Asked(MemoryOrderStore):
        def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
            asked.append(query)
            return super().rows(query)

    store = Asked()
    store.save(an_order("1", email="a@x.my").mark_paid(at=LATE))
    assert sales_report(store, query).totals()["MYR"].first_time == 1
    assert len(asked) == times


def test_many_customers_are_asked_about_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shoppego_orders.export.report._AT_ONCE", 2)
    orders = [
        an_order(f"{day}{who}", at=LATE + day * DAY, email=f"{who}@x.my").mark_paid(at=LATE)
        for day in (0, 1)
        for who in "abcde"
    ]
    later = OrderQuery(placed=Period.since(LATE + DAY))
    assert sales_report(store_of(*orders), later).totals()["MYR"].returning == 5


# Credits


def credits_by(model: Model) -> Credits:
    return lambda order: Journey.of(
        order.touches, default_table(), ordered_at=order.placed_at
    ).credits(model)


def three_visits() -> Order:
    pages = ("/?utm_source=tiktok", "/?utm_source=youtube", "/?utm_source=tiktok&utm_medium=cpc")
    touches = tuple(Touch(page, None, LATE - (9 - n) * DAY) for n, page in enumerate(pages))
    return an_order("1", touches=touches, email="a@x.my").mark_paid(at=LATE)


def test_an_order_is_shared_among_its_sources_to_the_last_sen() -> None:
    report = SalesReport.of([three_visits()], credits=credits_by(linear), model="linear")
    (tiktok, first), (youtube, second) = report.by(By.SOURCE)
    assert (tiktok, youtube) == ("tiktok", "youtube")
    assert first.orders + second.orders == 1
    assert second.orders == Fraction(333_333, 10**6)
    assert (first.total + second.total, second.gross) == (myr("14.66"), myr("3.67"))
    assert first + second == report.totals()["MYR"]
    assert "\n(total)          MYR            1      2" in report.text("source")
    assert sorted(keys(report, By.CHANNEL)) == ["Organic Social", "Organic Video", "Paid Social"]
    assert report.text("source").startswith("source (linear)  currency  orders  units")
    assert "\ntiktok           MYR         0.67   1.33" in report.text("source")
    assert b"\r\ntiktok,MYR,0.67,1.33,7.33," in b"".join(report.to_csv("source"))
    assert report.totals()["MYR"].orders == 1
    assert report.text("day").startswith("day ")


def test_all_credit_to_one_is_a_whole_order() -> None:
    report = SalesReport.of([three_visits()], credits=credits_by(first_touch), model="first")
    assert [(key, sales.orders) for key, sales in report.by("source")] == [("tiktok", 1)]
    plain = SalesReport.of([three_visits()])
    assert plain.by("source") == report.by("source")


def test_credits_stay_small_numbers_however_many_orders_there_are() -> None:
    orders = [
        attrs.evolve(three_visits(), id=str(n), placed_at=LATE + timedelta(minutes=n * n))
        for n in range(50)
    ]
    report = SalesReport.of(orders, credits=credits_by(time_decay()), model="decay")
    counts = [sales.orders for _, sales in report.by("source")]
    assert sum(counts) == 50
    assert all(10**6 % count.denominator == 0 for count in counts)


def test_the_first_sale_of_a_customer_is_shared_as_the_order_is() -> None:
    again = attrs.evolve(three_visits(), id="0", placed_at=LATE - timedelta(minutes=1))
    for orders in ([three_visits(), again], [again, three_visits()]):
        report = SalesReport.of(orders, credits=credits_by(linear), model="linear")
        for _, sales in report.by("source"):
            assert sales.first_time == sales.returning
        assert report.totals()["MYR"].first_time == 1


# Adding reports


def test_a_report_travels_between_processes() -> None:
    report = sales_report(store_of_sales())
    assert pickle.loads(pickle.dumps(report)) == report
    assert report + report == SalesReport.sum_of([report, report])
    assert (report + report).totals()["MYR"].orders == 4


def test_what_does_not_add_is_refused() -> None:
    with pytest.raises(TypeError):
        _ = SalesReport.of([]) + 1  # type: ignore[operator]  # what is refused
    (sales,) = SalesReport.of([three_visits()]).totals().values()
    with pytest.raises(TypeError):
        _ = sales + 1  # type: ignore[operator]  # what is refused


def test_a_sum_that_no_money_holds_is_told() -> None:
    row = OrderRow.of(an_order("1").mark_paid(at=LATE))
    report = SalesReport.of([row._replace(subtotal=Money.from_minor(10**18 - 1, "MYR"))] * 2)
    with pytest.raises(InvalidValue, match=r"below 10\*\*18"):
        report.text()


# Views


def test_a_plain_table() -> None:
    report = sales_report(store_of_sales())
    assert report.text() == (
        "day         currency  orders  units  gross  discounts  shipping   tax  total  refunds"
        "    net  average\n"
        "2026-01-05  MYR            2      4  22.00       2.00      8.00  1.32  29.32     3.00"
        "  26.32    14.66\n"
        "2026-01-06  SGD            1      2  11.00       1.00      4.00  0.66  14.66     0.00"
        "  14.66    14.66\n"
        "(total)     MYR            2      4  22.00       2.00      8.00  1.32  29.32     3.00"
        "  26.32    14.66\n"
        "(total)     SGD            1      2  11.00       1.00      4.00  0.66  14.66     0.00"
        "  14.66    14.66\n"
        "\n"
        "day         currency  first-time\n"
        "2026-01-05  MYR                2\n"
        "2026-01-06  SGD                1\n"
        "(total)     MYR                2\n"
        "(total)     SGD                1\n"
    )
    assert report.text("product") == (
        "product        currency  lines  units  gross\n"
        "Kopi           MYR           2      4  22.00\n"
        "Teh [2J tarik  SGD           1      2  11.00\n"
        "(total)        MYR           2      4  22.00\n"
        "(total)        SGD           1      2  11.00\n"
    )
    assert "\n(none)   MYR" in report.text(By.SOURCE)
    assert report.text(By.PAYMENT_METHOD).startswith("payment method  currency")
    assert SalesReport.of([]).text() == "day  currency  orders  total\n"


def test_no_line_of_a_plain_table_ends_in_blanks() -> None:
    left = abandoned(an_order("left"))
    sold = an_order("sold", at=LATE + DAY).mark_paid(at=LATE + DAY)
    text = SalesReport.of([left, sold]).text()
    assert "2026-01-06" in text
    assert [line for line in text.splitlines() if line != line.rstrip()] == []


def test_wide_and_combining_characters_keep_the_columns() -> None:
    names = ("月饼礼盒", "e\u0301clair", "x" * 90, "plain")
    orders = [an_order(str(n), product=name).mark_paid(at=LATE) for n, name in enumerate(names)]
    head, *lines = SalesReport.of(orders).text("product").splitlines()
    by_name = {line.split()[0]: line for line in lines}
    assert by_name["plain"].index("MYR") == head.index("currency")
    assert by_name["月饼礼盒"].index("MYR") == head.index("currency") - 4
    assert by_name["e\u0301clair"].index("MYR") == head.index("currency") + 1
    assert by_name["x" * 39 + "…"].index("MYR") == head.index("currency")


def test_a_notebook_shows_tables_without_anything_that_acts() -> None:
    hostile = '<script>alert("1")</script>\u202e & co'
    row = OrderRow.of(an_order("1").mark_paid(at=LATE))._replace(source=hostile)
    html = in_notebook(SalesReport.of([row]))
    assert "<script" not in html
    assert "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; co" in html
    assert html.count("<table") == html.count("</table>") == 3
    assert "Sales; days of Asia/Kuala_Lumpur" in html


def test_a_notebook_shows_as_many_lines_as_can_be_read() -> None:
    row = OrderRow.of(an_order("1").mark_paid(at=LATE))

    def shown(days: int) -> str:
        rows = [row._replace(placed_at=LATE + n * DAY, source=f"s{n}") for n in range(days)]
        return in_notebook(SalesReport.of(rows))

    assert ">day<" in shown(31)
    assert ">week<" in shown(32)
    assert ">month<" in shown(250)
    assert "<caption>the first 31 of 40 lines</caption>" in shown(40)
    assert ">month<" in shown(1200)


def test_a_csv_holds_every_column_of_its_kind() -> None:
    report = sales_report(store_of_sales())
    columns = (
        "currency,orders,units,gross,discounts,shipping,tax,declared,total,refunds,net,average,"
        "first_time,returning,abandoned,abandoned_value,recovered,recovered_value"
    )
    assert b"".join(report.to_csv("currency")).decode() == (
        f"{columns}\r\n"
        "MYR,2,4,22.00,2.00,8.00,1.32,0.00,29.32,3.00,26.32,14.66,2,0,0,0.00,0,0.00\r\n"
        "SGD,1,2,11.00,1.00,4.00,0.66,0.00,14.66,0.00,14.66,14.66,1,0,0,0.00,0,0.00\r\n"
    )
    assert next(iter(report.to_csv())).decode() == f"day,{columns}\r\n"
    assert b"".join(report.to_csv("product", profile="raw")).startswith(
        b"product,currency,lines,units,gross\r\nKopi,MYR,2,4,22.00\r\n"
    )


def test_line_items_alone_make_the_sums_of_products() -> None:
    order = an_order("1").mark_paid(at=LATE)
    row = OrderRow.of(order)
    lines = [LineRow.of(row, 1, order.lines[0])]
    unsold = LineRow.of(OrderRow.of(an_order("2")), 1, order.lines[0])
    report = SalesReport.of([*lines, unsold])
    assert report.totals() == {}
    ((product, sales),) = report.by("product")
    assert (product, sales.orders, sales.units, sales.gross) == ("Kopi", 1, 2, myr("11.00"))
    assert report + SalesReport.of([row]) == SalesReport.of([order])
