"""What the jobs take and answer: pages, exports, schedules, reports, imports."""

from __future__ import annotations

import functools
from datetime import timedelta
from importlib.resources import files

from hypothesis import strategies as st

from shoppego_orders.adapters.memory import MemoryOrderStore, RecordingMailer
from shoppego_orders.export import (
    COLUMN_SETS,
    SHOPPEGO,
    Column,
    ColumnSet,
    ExportRequest,
    ExportSummary,
    Headers,
    InstantStyle,
    LineColumn,
    Missed,
    Per,
    Profile,
    Sales,
    SalesReport,
    Schedule,
    request_export,
    request_to_json,
)
from shoppego_orders.export.profiles import PROFILES
from shoppego_orders.importing import ImportReport, import_checkouts
from shoppego_orders.order import Order, OrderRow
from shoppego_orders.page import SAVED_TABS, OrderPage, SavedTab, SavedTabs, Tab, orders_page
from shoppego_orders.periods import SHOP_TIME_ZONE, PeriodName
from shoppego_orders.ports import Export, ExportStatus, MailStatus, Outcome, Task
from shoppego_orders.testing.strategies.orders import order_lists
from shoppego_orders.testing.strategies.queries import filters, queries
from shoppego_orders.testing.strategies.values import (
    SHOPS,
    currencies,
    keys,
    money,
    texts,
    utc_instants,
)

ZONES = (SHOP_TIME_ZONE, "America/New_York", "Australia/Lord_Howe", "UTC")
MAILBOXES = ("siti@example.my", "jürgen@exämple.my")
RULES = (
    "FREQ=WEEKLY;BYDAY=MO",
    "FREQ=DAILY;BYHOUR=8;BYMINUTE=0",
    "FREQ=MONTHLY;BYMONTHDAY=1,-1",
    "FREQ=HOURLY;INTERVAL=6",
    "FREQ=YEARLY;COUNT=3",
)


def stores(*, min_size: int = 0, max_size: int = 4) -> st.SearchStrategy[MemoryOrderStore]:
    """Make stores in memory with some orders in them."""
    return order_lists(min_size=min_size, max_size=max_size).map(stored)


def stored(orders: list[Order]) -> MemoryOrderStore:
    """Save orders in a store of their own."""
    store = MemoryOrderStore()
    for order in orders:
        store.save(order)
    return store


# The Orders page


@functools.cache
def saved_tabs() -> st.SearchStrategy[SavedTabs]:
    """Make saved filters, at most as many as may be."""
    tab = st.builds(SavedTab, st.integers(1, 99).map("Raya {}".format), filters())
    tabs = st.lists(tab, max_size=SAVED_TABS, unique_by=lambda each: each.name)
    return tabs.map(lambda some: SavedTabs(tuple(some)))


@st.composite
def order_pages(draw: st.DrawFn) -> OrderPage:
    """Make pages as they are shown, with and without others after them."""
    return orders_page(
        draw(stores()),
        shop=draw(st.none() | st.sampled_from(SHOPS)),
        tab=draw(st.sampled_from(Tab)),
        size=draw(st.integers(1, 3)),
    )


# Files and mails


@functools.cache
def columns() -> st.SearchStrategy[Column[OrderRow]]:
    """Make columns of orders, of every kind: those that ship, and a merchant's own."""
    of_kinds = (
        ("text", "note"),
        ("text", "tags"),
        ("identifier", "phone"),
        ("money", "total"),
        ("currency", "currency"),
        ("integer", "units"),
        ("instant", "paid_at"),
        ("boolean", "needs_attention"),
        ("word", "life"),
    )
    own = st.sampled_from(of_kinds).flatmap(_column)
    shipped = {column.key: column for column in SHOPPEGO.per_order}
    return st.sampled_from(list(shipped)).map(shipped.__getitem__) | own


@functools.cache
def line_columns() -> st.SearchStrategy[LineColumn]:
    """Make columns of line items: those that ship, and a merchant's own."""
    shipped = {each.key: each for each in SHOPPEGO.columns if isinstance(each, LineColumn)}
    fields = (("text", "variant"), ("money", "unit_price"), ("boolean", "custom"))
    own = st.sampled_from(fields).flatmap(_line_column)
    return st.sampled_from(list(shipped)).map(shipped.__getitem__) | own


@functools.cache
def column_sets() -> st.SearchStrategy[ColumnSet]:
    """Make sets that ship, and choices of their columns in another order, with other titles."""
    shipped = st.sampled_from(sorted(COLUMN_SETS)).map(COLUMN_SETS.__getitem__)
    return shipped | _choices()


@functools.cache
def profiles() -> st.SearchStrategy[Profile]:
    """Make profiles of files: those that ship, and others."""
    other = st.builds(
        Profile,
        name=texts(),
        bom=st.booleans(),
        delimiter=st.sampled_from((",", ";", "\t", "|")),
        guarded=st.booleans(),
        for_people=st.booleans(),
        headers=st.sampled_from(Headers),
        instants=st.sampled_from(InstantStyle),
    )
    return st.sampled_from(sorted(PROFILES)).map(PROFILES.__getitem__) | other


@functools.cache
def export_requests() -> st.SearchStrategy[ExportRequest]:
    """Make requests for exports of orders and of line items."""
    return st.builds(
        ExportRequest,
        query=filters() | queries(),
        per=st.sampled_from(Per),
        columns=column_sets(),
        profile=profiles(),
        tz=st.sampled_from(ZONES),
        shop_name=st.just("") | texts(),
    )


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """Make schedules of exports, with periods of their own and without."""
    request = draw(export_requests())
    periods = st.none() if request.query.placed is not None else st.sampled_from(PeriodName)
    return Schedule(
        name=draw(st.integers(1, 99).map("Laporan {}".format)),
        rule=draw(st.sampled_from(RULES)),
        start=draw(utc_instants()),
        request=request,
        period=draw(st.none() | periods),
        to=draw(_mailboxes()),
        missed=draw(st.sampled_from(Missed)),
        grace=draw(st.sampled_from((timedelta(hours=1), timedelta(0)))),
    )


@st.composite
def exports(draw: st.DrawFn) -> Export:
    """Make exports that were asked for, in any state: what is told of each fits its status."""
    status = draw(st.sampled_from(ExportStatus))
    asked_at = draw(utc_instants())
    later = st.timedeltas(timedelta(0), timedelta(hours=2))
    begun = status is not ExportStatus.QUEUED
    ended = begun and status is not ExportStatus.RUNNING
    file = status is ExportStatus.COMPLETED
    started_at = asked_at + draw(later) if begun else None
    seen_at = None if started_at is None else started_at + draw(later)
    orders = draw(st.integers(0, 10**6)) if begun else 0
    to = tuple(draw(_mailboxes()))
    mailed: list[MailStatus] = [
        MailStatus.DUE,
        MailStatus.SENDING,
        MailStatus.SENT,
        MailStatus.FAILED,
    ]
    return Export(
        id=draw(keys()),
        shop=draw(st.none() | st.sampled_from(SHOPS)),
        request=draw(st.builds(ExportRequest, query=filters()).map(request_to_json)),
        to=to,
        asked_at=asked_at,
        status=status,
        mail=draw(st.sampled_from(mailed if file else mailed[:1])) if to else MailStatus.NONE,
        started_at=started_at,
        seen_at=seen_at,
        ended_at=seen_at if ended else None,
        orders=orders,
        total=draw(st.sampled_from((orders, orders + 1))) if begun else None,
        records=orders if file else 0,
        file_name="orders.csv" if file else "",
        size=draw(st.integers(0, 2**40)) if file else 0,
        url=draw(st.none() | st.just("memory:1/orders.csv")) if file else None,
        problem=draw(texts()) if status is ExportStatus.FAILED else "",
        version=draw(st.integers(0, 5)),
    )


@st.composite
def export_summaries(draw: st.DrawFn) -> ExportSummary:
    """Make what is told of an export that was mailed."""
    return request_export(
        draw(stores(max_size=2)),
        RecordingMailer(),
        draw(export_requests()),
        to=draw(st.sampled_from(MAILBOXES)),
        now=draw(utc_instants()),
    )


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    """Make tasks that are under way, and tasks that have ended."""
    key, claimed_at = draw(keys()), draw(utc_instants())
    outcome = draw(st.none() | st.sampled_from(Outcome))
    if outcome is None:
        return Task(key, claimed_at)
    settled_at = claimed_at + draw(st.timedeltas(timedelta(0), timedelta(hours=2)))
    return Task(key, claimed_at, outcome, settled_at, draw(st.just("") | texts()))


# Reports


@st.composite
def sales(draw: st.DrawFn) -> Sales:
    """Make the sums of a line of a report."""
    currency = draw(currencies())
    amount = money(currency, least=0)
    orders, abandoned = draw(st.integers(0, 1000)), draw(st.integers(0, 1000))
    return Sales(
        orders=orders,
        units=orders + draw(st.integers(0, 1000)),
        gross=draw(amount),
        discounts=draw(amount),
        shipping=draw(amount),
        tax=draw(amount),
        declared=draw(money(currency)),
        refunds=draw(amount),
        first_time=draw(st.integers(0, orders)),
        abandoned=abandoned,
        abandoned_value=draw(amount),
        recovered=draw(st.integers(0, abandoned)),
        recovered_value=draw(amount),
    )


@st.composite
def sales_reports(draw: st.DrawFn) -> SalesReport:
    """Make reports on some orders, in several zones."""
    return SalesReport.of(draw(order_lists()), tz=draw(st.sampled_from(ZONES)))


@functools.cache
def import_reports() -> st.SearchStrategy[ImportReport]:
    """Make what is told of imports, with new lines, old ones and bad ones."""
    sample = files("shoppego_orders").joinpath("sample_checkouts.jsonl").read_text("utf-8")
    lines = st.lists(st.sampled_from(sample.splitlines()[:6]) | texts(), max_size=6)
    return lines.map(lambda some: import_checkouts(MemoryOrderStore(), some, skip_bad=True))


def _column(of_kind: tuple[str, str]) -> st.SearchStrategy[Column[OrderRow]]:
    kind, field = map(st.just, of_kind)
    return st.builds(
        Column[OrderRow],
        _headers(),
        texts(),
        kind,
        field,
        title=st.just("") | texts(),
        repeated=st.none() | st.booleans(),
        instants=st.none() | st.sampled_from(InstantStyle),
    )


def _line_column(of_kind: tuple[str, str]) -> st.SearchStrategy[LineColumn]:
    kind, field = map(st.just, of_kind)
    return st.builds(LineColumn, _headers(), texts(), kind, field)


@st.composite
def _choices(draw: st.DrawFn) -> ColumnSet:
    others = [column.key for column in SHOPPEGO.columns if column.key != "currency"]
    chosen = draw(st.lists(st.sampled_from(others), max_size=5, unique=True))
    titles = draw(st.dictionaries(st.just("currency"), texts(), max_size=1))
    return SHOPPEGO.chosen(["currency", *chosen], titles)


def _headers() -> st.SearchStrategy[str]:
    return st.sampled_from(("vip", "Jumlah (RM)")) | texts().filter(_is_header)


def _is_header(text: str) -> bool:
    return bool(text) and text.isprintable()


def _mailboxes() -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(MAILBOXES), max_size=2, unique=True)
