"""What notebooks show, and what ``repr`` tells: by example."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import attrs

from notebook_html import STYLE, Page, shown
from shoppego_orders.abandonment import AbandonmentPolicy, RecoveryReport, ReminderCounts
from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.attribution import (
    AttributionTable,
    ClickParameter,
    IgnoredTouch,
    Source,
    Touch,
    default_table,
)
from shoppego_orders.attribution.rules import Rule
from shoppego_orders.customers import Address, Customer
from shoppego_orders.export import SalesReport
from shoppego_orders.markup import Tone, badge, element, typed, view
from shoppego_orders.money import Money
from shoppego_orders.order import Adjustment, LineItem, Order, OrderRow, PaymentMethod, Recovery
from shoppego_orders.page import orders_page

AT = datetime(2026, 3, 3, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SHOP = "hartamas.myshoppegram.com"


def an_order(id: str = "1262140", *, price: str = "59.50", source: str = "tiktok") -> Order:
    visit = Touch(f"https://{SHOP}/?utm_source={source}", "https://t.me/kedai", AT - HOUR)
    return Order.place(
        id=id,
        number=f"#SA{id[-3:]}",
        shop=SHOP,
        currency="MYR",
        at=AT,
        lines=[LineItem("Tudung Bawal", 1, Money(price, "MYR"))],
        touches=[visit],
        attribution=default_table().classify(visit),
    )


TAGS = re.compile(r"<title>.*?</title>|<[^>]+>")


def cells(value: object) -> list[list[str]]:
    """The rows of all tables, as text."""
    rows = re.findall(r"<tr>(.*?)</tr>", shown(value), re.DOTALL)
    return [[TAGS.sub("", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in rows]


def told(value: object) -> list[tuple[str, str]]:
    """What is known of it under which name, as text."""
    pairs = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", shown(value), re.DOTALL)
    return [(TAGS.sub("", name), TAGS.sub("", fact)) for name, fact in pairs]


def test_an_order_has_its_timeline() -> None:
    order = (
        an_order()
        .record_abandonment(policy="p", reasons=["late"], at=AT + HOUR, recorded_at=AT + 2 * HOUR)
        .record_return(1, at=AT + 3 * HOUR)
        .record_payment("pay-1", Money("59.50", "MYR"), at=AT + 4 * HOUR)
        .add_tracking("J&T", "JT1", at=AT + 5 * HOUR)
        .record_refund("ref-1", Money("9.50", "MYR"), at=AT + 6 * HOUR)
    )
    rows = cells(order)
    begins = rows.index(["When (UTC)", "What", "Details"])
    sums = [(row[0], row[-1]) for row in rows[2:begins]]
    assert sums == [
        ("Subtotal", "59.50"),
        ("Total", "59.50"),
        ("Paid", "59.50"),
        ("Refunded", "9.50"),
    ]
    assert rows[begins + 1 :] == [
        [
            "2026-03-03 03:00:00",
            "visited",
            f"https://{SHOP}/?utm_source=tiktok, from https://t.me/kedai",
        ],
        ["2026-03-03 04:00:00", "checkout began", ""],
        ["2026-03-03 05:00:00", "abandoned", "by policy p"],
        ["2026-03-03 07:00:00", "came back through a recovery link", ""],
        ["2026-03-03 08:00:00", "paid", "MYR 59.50, pay-1"],
        ["2026-03-03 08:00:00", "checkout completed", ""],
        ["2026-03-03 08:00:00", "completed after all", ""],
        ["2026-03-03 09:00:00", "taken up by the merchant", ""],
        ["2026-03-03 09:00:00", "shipped", ""],
        ["2026-03-03 10:00:00", "refunded", "MYR 9.50, ref-1"],
    ]
    page = Page(shown(order))
    assert "✗ partially refunded ✓ shipped ✗ abandonedSource" in page.text
    assert "6 of its events are not saved yet." in page.text
    assert repr(order) == (
        f"<Order 1262140 (#SA140) of {SHOP}: open, partially_refunded, shipped, MYR 59.50>"
    )


def test_an_order_tells_what_to_look_at() -> None:
    order = an_order().cancel(reason="out of stock", at=AT)
    order = order.record_payment("late", Money("59.50", "MYR"), at=AT + HOUR).archive(at=AT + HOUR)
    text = Page(shown(order)).text
    assert text.startswith(
        f"Order #SA140 of {SHOP}"
        "✗ cancelled ✓ paid ○ awaiting processing archived ✗ look at this"
        f"✗ look at this {order.attention[0].message}"
        "SourceTikTokTikTok: utm_source is 'tiktok'.Channel"  # the logo says its name too
    )
    assert "TimelineWhen (UTC)WhatDetails" in text
    assert ["Owed to the customer", "", "", "", "MYR", "59.50"] in cells(order)
    assert cells(order)[-1] == ["2026-03-03 05:00:00", "contradicts the order", "late"]
    assert "cancelledout of stock" in text
    forgotten = attrs.evolve(order, cancel_reason="")  # as an erasure leaves it
    assert ["2026-03-03 04:00:00", "cancelled", ""] in cells(forgotten)
    assert repr(order) == (
        f"<Order 1262140 (#SA140) of {SHOP}: "
        "cancelled, archived, paid, awaiting_processing, MYR 59.50>"
    )


def test_an_order_tells_how_it_ended_and_which_visits_did_not_count() -> None:
    visit = Touch(f"https://{SHOP}/thanks", None, AT + HOUR)
    order = Order.place(
        id="1",
        shop=SHOP,
        currency="MYR",
        at=AT,
        lines=[LineItem("Kopi", 2, Money("5", "MYR"))],
        adjustments=[Adjustment("shipping", Money("8", "MYR"), "J&T")],
        ignored_touches=[IgnoredTouch(visit, "after-order")],
        shipping_address=Address(first_name="Tan", zip="68000", city="Ampang"),
        payment_method=PaymentMethod("Billplz", "alternative"),
    )
    order = order.change_lines([LineItem("Kopi", 2, Money("5", "MYR"), "Ais")], at=AT + HOUR / 2)
    order = order.record_abandonment(policy="p", reasons=[], at=AT + HOUR, recorded_at=AT + HOUR)
    lost = order.record_outcome("lost", purchase=None, at=AT + HOUR, recorded_at=AT + HOUR)
    text = Page(shown(lost)).text
    assert "✗ abandoned ✗ lost" in text
    assert "Ship toTan, 68000 AmpangPayment byBillplz (alternative)" in text
    rows = cells(lost)
    assert ["2026-03-03 05:00:00", "visited, not counted (after-order)", visit.landing_url] in rows
    assert ["2026-03-03 04:30:00", "checkout changed", ""] in rows
    assert ["Shipping (J&amp;T)", "", "", "", "MYR", "8.00"] in rows
    assert ["Still to be paid", "", "", "", "MYR", "18.00"] in rows


def test_an_order_tells_what_is_known_of_it_and_not_what_is_unknown() -> None:
    url = f"https://{SHOP}/?utm_source=tiktok&utm_medium=cpc&utm_campaign=raya"
    home = Address("Tan", "Siew Ling", address1="1 Jalan Ampang", address2="Unit 5", zip="68000")
    order = (
        Order.place(
            id="1",
            shop=SHOP,
            currency="MYR",
            at=AT,
            lines=[LineItem("Kopi", 2, Money("5", "MYR"), "Ais", "K-1")],
            adjustments=[Adjustment("discount", Money("-1", "MYR"))],
            customer=Customer("7", "Tan", "Siew Ling", "tan@example.my", "0123456789"),
            shipping_address=attrs.evolve(home, city="Ampang", state="Selangor", country="MY"),
            billing_address=home,
            payment_method=PaymentMethod("Billplz", "alternative"),
            attribution=default_table().classify(Touch(url, None, AT)),
            tags=["vip", "raya"],
            note="after 5",
        )
        .add_tracking("J&T", "JT1", url="https://jt.example/JT1", at=AT)
        .add_tracking("", "JT2", at=AT)
    )
    assert told(order) == [
        ("Customer", "Tan Siew Ling, tan@example.my, 0123456789"),
        ("Ship to", "Tan Siew Ling, 1 Jalan Ampang, Unit 5, 68000 Ampang, Selangor, MY"),
        ("Bill to", "Tan Siew Ling, 1 Jalan Ampang, Unit 5, 68000"),
        ("Payment by", "Billplz (alternative)"),
        ("Source", "TikTok: utm_source is &#x27;tiktok&#x27;."),
        ("Channel", "Paid Social"),
        ("Campaign", "raya"),
        ("Parcel", "J&amp;T JT1 https://jt.example/JT1"),
        ("Parcel", "JT2"),
        ("Tags", "vip, raya"),
        ("Note", "after 5"),
    ]
    assert cells(order)[:6] == [
        ["Item", "Variant", "SKU", "Quantity", "Price", "Total"],
        ["Kopi", "Ais", "K-1", "2", "5.00", "10.00"],
        ["Subtotal", "", "", "", "MYR", "10.00"],
        ["Discount", "", "", "", "MYR", "-1.00"],
        ["Total", "", "", "", "MYR", "9.00"],
        ["Still to be paid", "", "", "", "MYR", "9.00"],
    ]
    bare = Order.place(
        id="1", shop=SHOP, currency="MYR", at=AT, lines=[LineItem("Kopi", 1, Money("5", "MYR"))]
    )
    assert told(bare) == []


def test_a_long_timeline_says_how_much_of_it_is_shown() -> None:
    order = an_order()
    for number in range(105):
        order = order.record_payment(f"r{number}", Money("0.10", "MYR"), at=AT + HOUR)
    assert "Timeline; the first 100 of 107 lines" in Page(shown(order)).text


def test_a_draft_and_an_order_that_was_taken_up() -> None:
    draft = Order.place_draft(id="1", at=AT, shop=SHOP, currency="MYR", lines=[])
    assert [row[1] for row in cells(draft)[-1:]] == ["entered by the merchant"]
    assert "○ draft" in Page(shown(draft)).text
    cash = attrs.evolve(an_order(), payment_method=PaymentMethod("Cash on delivery", "manual"))
    assert cells(cash.confirm(at=AT + HOUR))[-3:] == [
        ["2026-03-03 04:00:00", "checkout began", ""],
        ["2026-03-03 05:00:00", "confirmed without a payment", ""],
        ["2026-03-03 05:00:00", "checkout completed", ""],
    ]
    taken = an_order().set_fulfillment("processing", at=AT + HOUR)
    assert cells(taken)[-1][1] == "taken up by the merchant"
    assert "not saved" not in shown(MemoryOrderStore().save(taken))


def test_a_page_has_logos_badges_tabs_and_totals() -> None:
    store = MemoryOrderStore()
    store.save(an_order("1", price="10").mark_paid(at=AT))
    store.save(an_order("2", price="9.90", source="bing"))
    page = orders_page(store, size=1)
    assert repr(page) == "<OrderPage all of all shops: 1 of 2>"
    page = orders_page(store, shop=SHOP)
    assert repr(page) == f"<OrderPage all of {SHOP}: 2 of 2>"
    assert "<title>TikTok</title>" in shown(page)
    title, tabs = "all (2 of 2 orders)", "all 2 unpaid 1 awaiting_processing 2"
    assert Page(shown(page)).text.startswith(f"{title}{tabs}SourceNumber")
    assert shown(page).count('<span class="badge"><bdi>') == 3
    when = "2026-03-03 04:00:00"
    assert cells(page) == [
        ["Source", "Number", "Placed (UTC)", "Customer", "Status", "Total"],
        ["bing", "#SA2", when, "", "○ pending ○ awaiting processing", "MYR 9.90"],
        ["tiktok", "#SA1", when, "", "✓ paid ○ awaiting processing", "MYR 10.00"],
        ["Total", "", "", "", "", "MYR 19.90"],
    ]


def test_the_longest_page_is_shown_whole() -> None:
    store = MemoryOrderStore()
    for number in range(101):
        store.save(an_order(f"{number}"))
    page = orders_page(store, size=500)
    assert [row[1] for row in cells(page)[1:-1]] == [row.number for row in page.rows]


def test_a_page_of_more_than_money_can_hold_is_shown() -> None:
    store = MemoryOrderStore()
    for each in "12":
        store.save(an_order(each, price="6000000000000000"))
    assert cells(orders_page(store))[-1][-1] == "MYR 12000000000000000.00"
    report = SalesReport.of(OrderRow.of(store.get(each).mark_paid(at=AT)) for each in "12")
    assert repr(report) == "<SalesReport: more than money can hold; days of Asia/Kuala_Lumpur>"


def test_a_table_shows_its_first_rows_and_the_shops_own() -> None:
    table = default_table().with_rules([Rule("Raya", "tiktok", "campaign", "prefix", ["raya"])])
    table = table.for_shop(SHOP)
    rows = cells(table)
    assert ["Raya", "tiktok", "", "campaign", "prefix", "raya"] in rows
    tiktok = next(row for row in rows if row[:2] == ["TikTok", "tiktok"])
    assert tiktok[3].startswith("utm_source ")
    assert tiktok[3].endswith("click id ttclid")
    assert f"the first 40 of {len(table.rows)} lines" in Page(shown(table)).text
    assert repr(table) == f"<AttributionTable: {len(table.rows)} sources, 1 rules for {SHOP}>"
    assert repr(default_table()).endswith("sources, 0 rules>")


def test_a_table_tells_by_what_each_source_is_recognised() -> None:
    rows = [
        Source("kawan", "Kawan", "Email", "x", "k w", "a.my b.my c.my d.my e.my f.my", "app.kawan"),
        Source("iklan", "Iklan", click_ids=[ClickParameter("iklanclid", "paid")]),
    ]
    table = AttributionTable(rows).for_shop("kedai.my", "hartamas.com")
    assert Page(shown(table)).text.startswith("2 sourcesThe shop's hosts")
    assert told(table) == [("The shop&#x27;s hosts", "kedai.my, hartamas.com")]
    assert repr(table) == "<AttributionTable: 2 sources, 0 rules for kedai.my, hartamas.com>"
    recognised = "utm_source k, w; referrer a.my, b.my, c.my, d.my and 2 more; app app.kawan"
    assert cells(table) == [
        ["Source", "Key", "Channel", "Recognised by"],
        ["Kawan", "kawan", "Email", recognised],
        ["Iklan", "iklan", "Referral", "click id iklanclid"],
    ]
    rules = [Rule("Raya", "kawan", "medium", "set", list("vwxyz"), "Siaran")]
    assert cells(table.with_rules(rules))[:2] == [
        ["The shop&#x27;s rule", "Source", "Channel", "Field", "Match", "Values"],
        ["Raya", "kawan", "Siaran", "medium", "set", "v, w, x, y and 1 more"],
    ]


def test_a_verdict_is_a_tree_in_which_what_decided_is_bold() -> None:
    verdict = AbandonmentPolicy().judge(an_order(), [], AT + 2 * HOUR)
    html = shown(verdict)
    assert Page(html).text.startswith(f"{verdict.explain().splitlines()[0]}✗ abandonedIt began at ")
    assert html.count("<strong><bdi>✓ yes: ") == 2
    kept = AbandonmentPolicy().judge(an_order().mark_paid(at=AT), [], AT + 2 * HOUR)
    assert "✓ keptIt began at " in Page(shown(kept)).text
    assert shown(kept).count("<strong><bdi>✗ no: ") == 1
    assert "<li><bdi>✗ no: " in shown(kept)  # what it is made of did not decide by itself
    assert (
        "○ not dueIt began at " in Page(shown(AbandonmentPolicy().judge(an_order(), [], AT))).text
    )


def test_a_recovery_report_tells_ends_earnings_and_reminders() -> None:
    report = RecoveryReport(
        abandoned=4,
        outcomes={**dict.fromkeys(Recovery, 0), Recovery.RETURNED: 1, Recovery.LOST: 3},
        recovered={"MYR": Money("50", "MYR")},
        substituted={"SGD": Money("7", "SGD")},
        reminders=ReminderCounts(sent=4, skipped={"cooldown": 2}, failed=0, unknown=1),
    )
    assert cells(report) == [
        ["Ended", "Checkouts", "Of all"],
        ["○ open", "0", "0 %"],
        ["✓ recovered", "0", "0 %"],
        ["✓ returned", "1", "25 %"],
        ["✓ substituted", "0", "0 %"],
        ["✗ lost", "3", "75 %"],
        ["Earned, less refunds", "Currency", "Amount"],
        ["won back", "MYR", "50.00"],
        ["bought instead", "SGD", "7.00"],
        ["Reminders", "How many"],
        ["sent", "4"],
        ["failed", "0"],
        ["unknown", "1"],
        ["skipped: cooldown", "2"],
    ]
    assert Page(shown(report)).text.startswith("4 abandoned checkoutsEndedCheckouts")
    assert repr(report) == "<RecoveryReport: 4 abandoned: 1 returned, 3 lost; won back: MYR 50.00>"
    nothing = RecoveryReport(abandoned=0, outcomes={}, recovered={}, substituted={})
    assert repr(nothing) == "<RecoveryReport: 0 abandoned: none; won back: nothing>"
    assert len(cells(nothing)) == 1 + len(Recovery)


def test_a_sales_report_tells_what_it_is_in_a_line() -> None:
    report = SalesReport.of([an_order().mark_paid(at=AT)])
    assert repr(report) == "<SalesReport: MYR 59.50 from 1 orders; days of Asia/Kuala_Lumpur>"
    assert repr(SalesReport.of([])) == "<SalesReport: no orders; days of Asia/Kuala_Lumpur>"


# The building blocks


def test_every_style_is_bound_to_our_own_class() -> None:
    rules = STYLE.strip().splitlines()
    assert rules
    part = r"( [.a-z]+| :is\([a-z, ]+\)(\.[a-z]+)?)"
    for rule in rules:
        assert re.fullmatch(rf"\.shoppego-orders{part}* \{{ [^{{}}]+ \}}", rule), rule
    assert not re.search(r"url|@import|expression|position|z-index", STYLE)


def luminance(colour: str) -> float:
    """As WCAG 2.2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_colours_are_seen_on_light_and_dark_and_text_has_the_pages_own() -> None:
    colours = re.findall(r"border-color: (#[0-9a-f]{6})", STYLE)
    assert len(colours) == len(Tone) - 1
    for colour in colours:
        for ground in ("#ffffff", "#111111", "#1e1e1e"):
            light, dark = sorted((luminance(colour), luminance(ground)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 3, (colour, ground)
    assert set(re.findall(r"(?<!-)color: ([^;}]+)", STYLE)) == {"inherit "}
    assert "background" not in STYLE


def test_every_tone_but_the_plain_one_has_a_sign_of_its_own() -> None:
    signs = {badge("paid", tone).partition(">")[2][0] for tone in Tone}
    assert len(signs) == len(Tone)
    assert badge("paid") == '<span class="badge plain">paid</span>'


def test_markup_stands_and_text_is_escaped() -> None:
    assert element("p", "<b>", element("b", "&"), title="\"'<>") == (
        '<p title="&quot;&#x27;&lt;&gt;">&lt;b&gt;<b>&amp;</b></p>'
    )
    assert typed("x" * 240) == f"<bdi>{'x' * 240}</bdi>"
    assert typed("x" * 241) == f"<bdi>{'x' * 239}…</bdi>"
    assert typed("a\x00\ud800") == "<bdi>a\ufffd\ufffd</bdi>"
    assert view("<i>", typed("a")).endswith('<p class="title">&lt;i&gt;</p><bdi>a</bdi></div>')


def test_html_is_made_only_when_a_notebook_asks() -> None:
    code = (
        "import sys, shoppego_orders as s\n"
        "from shoppego_orders.page import orders_page\n"
        "s.Order, s.AttributionTable, s.Verdict, s.RecoveryReport\n"
        "print([name for name in sys.modules if name.endswith('view')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
