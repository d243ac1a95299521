"""The Orders page by example."""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime, timedelta
from operator import methodcaller

import attrs
import pytest

from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.attribution import Touch, default_table
from shoppego_orders.customers import Customer
from shoppego_orders.errors import InvalidValue, TooManySavedTabs
from shoppego_orders.money import Money
from shoppego_orders.order import Delivery, LineItem, Order, PaymentMethod
from shoppego_orders.page import (
    Count,
    OrderPage,
    SavedTab,
    SavedTabs,
    Tab,
    both,
    cursor_text,
    orders_page,
)
from shoppego_orders.periods import Period
from shoppego_orders.query import Cursor, OrderQuery

SHOP = "hartamas.myshoppegram.com"
AT = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def an_order(
    number: int, *, name: str = "Aminah", phone: str = "0123456789", price: str = "10"
) -> Order:
    url = f"http://{SHOP}/cart/2648:1?utm_source=tiktok"
    touch = Touch(landing_url=url, referrer=None, at=AT)
    return Order.place(
        id=str(number),
        at=AT + number * MINUTE,
        shop=SHOP,
        number=f"#SA{number}",
        currency="MYR",
        lines=[LineItem("Kopi", 1, Money(price, "MYR"))],
        customer=Customer(first_name=name, email=f"{name.lower()}@example.my", phone=phone),
        payment_method=PaymentMethod("Cash on delivery", "manual"),
        delivery=Delivery.PICKUP if number == 5 else Delivery.SHIP,
        attribution=default_table().classify(touch) if number == 1 else None,
        tags=["vip"] if number == 2 else [],
    )


def a_store() -> MemoryOrderStore:
    """One order for each tab, placed a minute apart; number 12 is archived."""
    end = AT + 100 * MINUTE
    store = MemoryOrderStore()
    draft = Order.place_draft(
        id="11", at=AT + 11 * MINUTE, shop=SHOP, number="#SA11", currency="MYR", lines=[]
    )
    for order in (
        an_order(1),
        an_order(2).mark_paid(at=end),
        an_order(3, price="25").set_fulfillment("processing", at=end),
        an_order(4).set_fulfillment("packed", at=end),
        an_order(5).set_fulfillment("ready_for_pickup", at=end),
        an_order(6, name="Siti", phone="+60 19-876 5432").add_tracking("J&T", "1", at=end),
        an_order(7).set_fulfillment("completed", at=end),
        an_order(8).cancel(reason="asked", at=end),
        an_order(9).record_abandonment(
            policy="documented", reasons=["no payment"], at=end, recorded_at=end
        ),
        draft,
        an_order(12, name="Zainab").archive(at=end),
    ):
        store.save(order)
    return store


def numbers(page: OrderPage) -> list[int]:
    return [int(row.id) for row in page.rows]


@pytest.mark.parametrize(
    ("tab", "expected"),
    [
        (Tab.ALL, [11, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        (Tab.UNPAID, [9, 7, 6, 5, 4, 3, 1]),
        (Tab.AWAITING_PROCESSING, [9, 2, 1]),
        (Tab.PROCESSING, [3]),
        (Tab.PACKED, [4]),
        (Tab.READY_FOR_PICKUP, [5]),
        (Tab.SHIPPED, [6]),
        (Tab.COMPLETED, [7]),
        (Tab.CANCELLED, [8]),
        (Tab.ABANDONED, [9]),
        (Tab.DRAFTS, [11]),
        (Tab.ARCHIVED, [12]),
    ],
)
def test_the_tabs(tab: Tab, expected: list[int]) -> None:
    store = a_store()
    page = orders_page(store, shop=SHOP, tab=tab)
    assert numbers(page) == expected
    assert list(store.rows(attrs.evolve(tab.query, newest_first=True))) == list(page.rows)
    assert (page.tab, page.total, page.next) == (tab.value, Count(len(expected)), None)
    assert page.counts[tab] == Count(len(expected))
    assert list(page.counts) == list(Tab)


def test_the_tabs_names() -> None:
    assert [tab.label for tab in Tab] == [
        *("All", "Unpaid", "Awaiting processing", "Processing", "Packed", "Ready for pickup"),
        *("Shipped", "Completed", "Cancelled", "Abandoned", "Drafts", "Archived"),
    ]
    assert Tab.ARCHIVED.query == OrderQuery(archived=True)


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("#sa12", [12]),
        ("zainab", [12]),
        ("ZAINAB@example", [12]),
        ("0198765432", [6]),
        ("60198765432", [6]),
        ("nobody", []),
    ],
)
def test_a_search_by_number_name_email_or_phone_finds_archived_orders_too(
    search: str, expected: list[int]
) -> None:
    assert numbers(orders_page(a_store(), search=search)) == expected


def test_filters_may_keep_archived_orders_out_of_a_search_or_ask_for_them() -> None:
    store = a_store()
    assert numbers(orders_page(store, search="zainab", filters=OrderQuery(archived=False))) == []
    assert numbers(orders_page(store, filters=OrderQuery(archived=True))) == [12]
    assert numbers(orders_page(store, tab="archived", search="aminah")) == []


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (OrderQuery(placed=Period(AT + 3 * MINUTE, AT + 5 * MINUTE)), [4, 3]),
        (OrderQuery(payment_status="paid"), [11, 2]),  # a draft with nothing in it owes nothing
        (OrderQuery(fulfillment=["packed", "shipped"]), [6, 4]),
        (OrderQuery(source="tiktok"), [1]),
        (OrderQuery(total_min=Money("20", "MYR")), [3]),
        (OrderQuery(tag="vip"), [2]),
        (OrderQuery(shop="other.myshoppegram.com"), []),
    ],
)
def test_filters_by_date_statuses_source_total_and_tag(
    filters: OrderQuery, expected: list[int]
) -> None:
    page = orders_page(a_store(), shop=SHOP, filters=filters)
    assert numbers(page) == expected
    assert page.total == Count(len(expected))
    assert page.counts["all"] == Count(10), "the tabs count whatever the filters say"


def test_pages_go_on_from_the_last_order_shown() -> None:
    store = a_store()
    first = orders_page(store, size=4)
    assert (numbers(first), first.total) == ([11, 9, 8, 7], Count(10))
    store.save(an_order(13))
    second = orders_page(store, size=4, after=first.next)
    assert numbers(second) == [6, 5, 4, 3]
    third = orders_page(store, size=4, after=Cursor(second.rows[-1].placed_at, "3"))
    assert (numbers(third), third.next) == ([2, 1], None)


def test_a_page_says_what_an_export_of_everything_that_matches_takes() -> None:
    store = a_store()
    page = orders_page(store, shop=SHOP, tab="unpaid", search="aminah", size=2)
    assert store.count(page.query) == page.total.number == len(list(store.rows(page.query))) > 2


@pytest.mark.parametrize(
    ("there", "shown"), [(0, "0"), (1, "1"), (1_000, "1,000"), (1_001, "1,000+"), (1_234, "1,000+")]
)
def test_a_page_counts_as_far_as_a_thousand(there: int, shown: str) -> None:
    store = MemoryOrderStore()
    for number in range(there):
        store.save(an_order(number))
    first = orders_page(store, shop=SHOP)
    assert {str(first.total), str(first.counts["all"]), str(first.counts["unpaid"])} == {shown}
    assert first.total == Count(min(there, 1_000), exact=there <= 1_000)
    if first.next is not None:
        assert orders_page(store, shop=SHOP, after=first.next).total == first.total
    found = orders_page(store, search="AMINAH", size=500)
    assert (str(found.total), store.count(found.query)) == (shown, there)


# Saved tabs


def test_a_saved_filter_is_a_tab_of_its_own() -> None:
    saved = SavedTabs().saved("  Big   spenders ", OrderQuery(total_min=Money("20", "MYR")))
    page = orders_page(a_store(), tab="big SPENDERS", saved=saved)
    assert (page.tab, numbers(page)) == ("Big spenders", [3])
    assert page.counts["Big spenders"] == Count(1)
    assert list(page.counts)[-1] == "Big spenders"
    assert numbers(orders_page(a_store(), tab="Big spenders", saved=saved, search="siti")) == []


def test_a_saved_tab_shows_archived_orders_only_if_it_asks_for_them() -> None:
    saved = (
        SavedTabs()
        .saved("Zainab's", OrderQuery(search="zainab"))
        .saved("Old", OrderQuery(archived=True))
        .saved("Mine", OrderQuery(life="open"))
    )
    for name, expected in (("Zainab's", [12]), ("Old", [12]), ("Mine", [9, 7, 6, 5, 4, 3, 2, 1])):
        page = orders_page(a_store(), tab=name, saved=saved)
        assert numbers(page) == expected
        assert page.counts[name] == Count(len(expected))


def test_at_most_five_filters_are_saved() -> None:
    saved = SavedTabs()
    for number in range(5):
        saved = saved.saved(f"tab {number}", OrderQuery(tag=str(number)))
    with pytest.raises(TooManySavedTabs) as refused:
        saved.saved("one more", OrderQuery())
    assert refused.value.limit == 5
    fewer = saved.without("TAB 3")
    assert [tab.name for tab in fewer.tabs] == ["tab 0", "tab 1", "tab 2", "tab 4"]
    assert len(fewer.saved("one more", OrderQuery()).tabs) == 5
    with pytest.raises(TooManySavedTabs):
        SavedTabs(tuple(SavedTab(str(number), OrderQuery()) for number in range(6)))


@pytest.mark.parametrize(
    "name", ["", "  ", "x" * 51, "All", "READY for pickup", "ready_for_pickup"]
)
def test_a_name_that_can_not_be_saved(name: str) -> None:
    with pytest.raises(InvalidValue, match="name is"):
        SavedTabs().saved(name, OrderQuery())


# Bad input


@pytest.mark.parametrize("size", [0, -1, 501, True, "50"])
def test_a_size_that_is_none(size: int) -> None:
    with pytest.raises(InvalidValue, match="size"):
        orders_page(a_store(), size=size)


def encoded(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [
        *("", "!", "a", "AAAA", "é", "\ud83d", encoded({}), encoded([]), encoded(1)),
        *(encoded(["2026-01-05T02:00:00", "1"]), encoded(["2026-01-05T02:00:00+00:00", 1])),
        *(encoded(["yesterday", "1"]), encoded([None, "1"]), encoded(["a", "b", "c"])),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        cursor_text(Cursor(AT, "1"))[:-3],
    ],
)
def test_a_place_that_no_page_gave(text: str) -> None:
    with pytest.raises(InvalidValue, match="after"):
        orders_page(a_store(), after=text)


def test_filters_that_can_not_be_joined() -> None:
    store = a_store()
    with pytest.raises(InvalidValue, match="without a place and a limit"):
        orders_page(store, filters=OrderQuery(after=Cursor(AT, "1")))
    with pytest.raises(InvalidValue, match="none beside 'siti'"):
        orders_page(store, filters=OrderQuery(search="siti"), search="aminah")


def test_filters_that_contradict_each_other_match_nothing() -> None:
    ringgit, dollars = Money("20", "MYR"), Money("20", "SGD")
    day = Period.of_day(date(2026, 1, 5))
    for one, other in (
        (OrderQuery(shop="a"), OrderQuery(shop="b")),
        (OrderQuery(archived=True), OrderQuery(archived=False)),
        (OrderQuery(placed=day), OrderQuery(placed=Period.of_day(date(2026, 1, 6)))),
        (OrderQuery(total_min=ringgit), OrderQuery(total_max=Money("10", "MYR"))),
        (OrderQuery(total_min=ringgit), OrderQuery(total_min=dollars)),
        (OrderQuery(total_max=ringgit), OrderQuery(total_min=dollars)),
    ):
        assert both(one, other) == OrderQuery(ids=())


def test_of_two_least_totals_the_higher_counts_and_of_two_greatest_the_lower() -> None:
    few, many = Money("5", "MYR"), Money("20", "MYR")
    for one, other in ((few, many), (many, few)):
        least = both(OrderQuery(total_min=one), OrderQuery(total_min=other))
        assert least == OrderQuery(total_min=many)
        most = both(OrderQuery(total_max=one), OrderQuery(total_max=other))
        assert most == OrderQuery(total_max=few)


def test_filters_that_ask_for_the_same_leave_what_they_have_in_common() -> None:
    week = Period.of_dates(date(2026, 1, 5), date(2026, 1, 12))
    one = OrderQuery(life=("open", "draft"), placed=week, tag="vip", search="SITI")
    other = OrderQuery(
        life=("open", "cancelled"),
        placed=Period.since(AT),
        tag="vip",
        search="siti",
        total_min=Money("5", "MYR"),
    )
    assert both(one, other) == OrderQuery(
        life="open",
        placed=Period(AT, week.end),
        tag="vip",
        search="siti",
        total_min=Money("5", "MYR"),
    )


def test_a_notebook_shows_logos_and_nothing_that_a_customer_typed_runs() -> None:
    store = MemoryOrderStore()
    store.save(an_order(1))
    store.save(an_order(2, name="<script>alert(1)</script>"))
    shown: str = methodcaller("_repr_html_")(orders_page(store))

    assert "<title>TikTok</title>" in shown
    assert "&lt;script&gt;alert(1)" in shown
    assert "<script" not in shown
    assert "2 of 2 orders" in shown
