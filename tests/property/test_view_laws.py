"""The laws of what notebooks show: whatever somebody typed is text, and all of it is there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from notebook_html import Page, shown
from shoppego_orders.abandonment import AbandonmentPolicy, RecoveryReport, ReminderCounts
from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.attribution import AttributionTable, Source
from shoppego_orders.attribution.rules import Rule
from shoppego_orders.attribution.text import clean
from shoppego_orders.export import SalesReport
from shoppego_orders.money import Money
from shoppego_orders.order import Order, Recovery
from shoppego_orders.page import SavedTabs, Tab, orders_page
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.strategies import (
    HOSTILE_TEXTS,
    order_lists,
    orders,
    policies,
    texts,
)
from shoppego_orders.texts import storable

NAMES = texts() | st.sampled_from(
    [*HOSTILE_TEXTS, "javascript:alert(1)", "</style>", "<!--", "]]>"]
)
ONE_LINE = NAMES.map(clean).filter(bool)


def all_are_told(page: Page, typed: Iterable[str]) -> None:
    told = set(page.typed)
    for text in filter(None, typed):
        assert as_told(text) in told, text


def as_told(text: str) -> str:
    return storable(text if len(text) <= 240 else f"{text[:239]}…")


def is_short(value: object) -> None:
    told = repr(value)
    assert len(told) < 500
    assert told.isprintable()
    assert told.startswith(f"<{type(value).__name__}")
    assert told.endswith(">")


@given(orders())
def test_an_order_is_shown_with_all_that_was_typed(order: Order) -> None:
    page = Page(shown(order))
    lines = ((line.product, line.variant, line.sku) for line in order.lines)
    all_are_told(
        page, [order.number, order.shop, order.note, *(text for line in lines for text in line)]
    )
    assert page.count["time"] >= 1 + len(order.payments) + len(order.refunds) + len(order.touches)
    assert str(order.total.text) in page.text
    is_short(order)


@given(order_lists(), st.integers(1, 5), st.sampled_from(Tab), NAMES)
def test_a_page_is_shown_with_all_its_orders(
    some: list[Order], size: int, tab: Tab, name: str
) -> None:
    store = MemoryOrderStore()
    for order in some:
        store.save(order)
    saved = SavedTabs()
    if " ".join(storable(name).split())[:50].strip():
        saved = saved.saved(f"{storable(name)[:40]} mine", OrderQuery())
    shown_page = orders_page(store, tab=tab, size=size, saved=saved)
    page = Page(shown(shown_page))
    all_are_told(
        page, (text for row in shown_page.rows for text in (row.number, row.customer_name))
    )
    assert page.count["time"] if shown_page.rows else "time" not in page.count
    assert f"({len(shown_page.rows)} of {shown_page.total} orders)" in page.text
    is_short(shown_page)


@given(st.lists(st.tuples(ONE_LINE, NAMES, NAMES), max_size=5))
def test_a_table_of_sources_is_shown_with_its_rules(rows: list[tuple[str, str, str]]) -> None:
    sources = [
        Source(
            f"s{place}",
            name,
            channel=clean(channel) or "Referral",
            utm=tuple(filter(str.strip, [tag])),
        )
        for place, (name, channel, tag) in enumerate(rows)
    ]
    rules = [
        Rule(name, f"s{place}", "path", "prefix", ["/<b>"])
        for place, (name, _, _) in enumerate(rows)
    ]
    table = AttributionTable(sources, rules)
    page = Page(shown(table))
    all_are_told(page, (text for row in sources for text in (row.name, row.key, row.channel)))
    all_are_told(page, (rule.name for rule in rules))
    is_short(table)


@given(orders(), policies(), st.sampled_from([0, 1, 90, 60 * 24 * 90]))
def test_a_verdict_is_shown_as_a_tree(order: Order, policy: AbandonmentPolicy, later: int) -> None:
    verdict = policy.judge(order, [], order.placed_at + timedelta(minutes=later))
    page = Page(shown(verdict))
    heading, judged, *lines = (line.lstrip(" ") for line in verdict.explain().split("\n"))
    findings = [f"{'✓' if line.startswith('yes: ') else '✗'} {line}" for line in lines]
    assert page.typed == [as_told(text) for text in (heading, judged, *findings)]
    assert page.count["li"] == len(findings)
    assert page.count["strong"] == len(list(verdict.finding.decisive()))
    is_short(verdict)


@given(order_lists(), NAMES)
def test_a_sales_report_is_shown(some: list[Order], model: str) -> None:
    plain = SalesReport.of(some)
    Page(shown(plain))
    is_short(plain)


AMOUNTS = st.dictionaries(
    st.sampled_from(["MYR", "JPY"]), st.integers(-500, 10**6), max_size=2
).map(lambda sums: {code: Money.from_minor(minor, code) for code, minor in sums.items()})
REMINDERS = st.builds(
    ReminderCounts,
    sent=st.integers(0, 9),
    skipped=st.dictionaries(NAMES.map(storable), st.integers(1, 9), max_size=3),
    failed=st.integers(0, 9),
    unknown=st.integers(0, 9),
)


@given(
    st.fixed_dictionaries({end: st.integers(0, 99) for end in Recovery}),
    AMOUNTS,
    AMOUNTS,
    st.none() | REMINDERS,
)
def test_a_recovery_report_is_shown(
    outcomes: dict[Recovery, int],
    recovered: dict[str, Money],
    substituted: dict[str, Money],
    reminders: ReminderCounts | None,
) -> None:
    report = RecoveryReport(
        abandoned=sum(outcomes.values()),
        outcomes=outcomes,
        recovered=recovered,
        substituted=substituted,
        reminders=reminders,
    )
    page = Page(shown(report))
    assert all(end in page.text for end in Recovery)
    assert all(money.text in page.text for money in (*recovered.values(), *substituted.values()))
    all_are_told(page, (f"skipped: {why}" for why in (reminders.skipped if reminders else ())))
    is_short(report)
