"""Exports, schedules and reports: a wrong call is told which value, and what would be right."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from shoppego_orders import OrderQuery, Period
from shoppego_orders.adapters.memory import (
    MemoryExportLog,
    MemoryOrderStore,
    MemoryShelf,
    RecordingMailer,
)
from shoppego_orders.attribution.credit import Credit
from shoppego_orders.errors import (
    CurrencyMismatch,
    DuplicateExport,
    ExportNotDue,
    ExportNotFound,
    InvalidValue,
    OrdersError,
    OutputNotWritten,
    UnknownCurrency,
    UnknownTimeZone,
)
from shoppego_orders.export import (
    PLAIN,
    SHOPPEGO,
    Column,
    ColumnKind,
    ColumnSet,
    ExportRequest,
    Exports,
    SalesReport,
    Schedule,
    ask_due,
    column_set,
    export_filename,
    mail_address,
    read_export,
    request_export,
    write_columns,
    write_csv,
    write_file,
)
from shoppego_orders.export.recurrence import Recurrence
from shoppego_orders.money import Money
from shoppego_orders.order import Order, OrderRow
from shoppego_orders.ports import Export
from shoppego_orders.testing.samples import NOON, order_of
from wrong_calls import NAIVE, Call, WrongCall, assert_told, untyped, without_a_zone

STORE = MemoryOrderStore()
EXPORTS = Exports(STORE, MemoryExportLog(), MemoryShelf())
DONE = EXPORTS.ask(ExportRequest(), id="done", now=NOON)
EXPORTS.run("done", lambda: NOON)
ID, CURRENCY, TOTAL = SHOPPEGO.chosen(["id", "currency", "total"]).per_order
COLUMNS = (ID, *SHOPPEGO.chosen(["placed_at", "archived", "currency", "total"]).per_order)
GOOD = (["1"], [0], [False], ["MYR"], [590])
OWN = Column[OrderRow]("note", "Note", ColumnKind.TEXT, lambda _: "none")
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
MARCH_3 = Period.of_day(date(2026, 3, 3))

AN_ADDRESS = "one e-mail address such as name@shop.example"
AN_ID = "a text that is not empty, without NUL and lone surrogates"
ONE_CURRENCY = "one column of the kind currency beside money, and never several"
KINDS = "one of text, identifier, money, currency, integer, instant, boolean, word"
STYLES = "one of iso, spreadsheet, shopify"
PERIODS = (
    "one of today, yesterday, this_week, last_week, this_month, last_month, this_quarter, "
    "last_quarter, this_year, last_year"
)
BYS = "one of day, week, month, source, channel, product, payment_method, currency"
A_RULE = "a rule of RFC 5545 such as FREQ=WEEKLY;BYDAY=MO"
UNTIL = "UNTIL such as 20261231, 20261231T080000 or 20261231T000000Z"
DAYS = "of MO, TU, WE, TH, FR, SA, SU"
WEEKLY_PARTS = "BYDAY, BYHOUR, BYMINUTE, BYMONTH, COUNT, INTERVAL, UNTIL, WKST"
NAME = "1 to 100 characters in one line, without needless blanks"
MODEL = "a name where there are credits, and only there"


def cell(kind: ColumnKind, value: object) -> bytes:
    """A file with one value beside a currency."""
    columns: list[Column[Any]] = [  # Any: whatever a row is
        Column("value", "", kind, lambda row: row),
        Column("currency", "", ColumnKind.CURRENCY, lambda _: "MYR"),
    ]
    return b"".join(write_csv([value], columns))


def plain(place: int, *values: object) -> list[bytes]:
    """A file of columns of plain values, one of which is another one."""
    return list(write_columns([(*GOOD[:place], values, *GOOD[place + 1 :])], COLUMNS))


def asked(**parts: object) -> Export:
    return EXPORTS.ask(**untyped({"request": ExportRequest(), "id": "e1", "now": NOON} | parts))


def requested(**parts: object) -> object:
    whole = {"request": ExportRequest(), "to": "owner@shop.example", "now": NOON} | parts
    return request_export(STORE, RecordingMailer(), **untyped(whole))


def scheduled(**parts: object) -> Schedule:
    whole = {"name": "weekly", "rule": "FREQ=WEEKLY", "start": NOON, "request": ExportRequest()}
    return Schedule(**untyped(whole | parts))


def recurring(rule: object) -> Recurrence:
    return Recurrence(untyped(rule), NOON, "Asia/Kuala_Lumpur")


def to_nobody(_: Order) -> Sequence[Credit]:
    return ()


REPORT = SalesReport.of([])

FILES: list[WrongCall] = [
    (
        InvalidValue("value", 1, "a text, a tuple of texts, or None"),
        lambda: cell(ColumnKind.TEXT, 1),
    ),
    (
        InvalidValue("value", 1, "a text, a tuple of texts, or None"),
        lambda: cell(ColumnKind.TEXT, ("vip", 1)),
    ),
    (InvalidValue("value", "5.00", "Money or None"), lambda: cell(ColumnKind.MONEY, "5.00")),
    (InvalidValue("value", True, "a whole number or None"), lambda: cell(ColumnKind.INTEGER, True)),
    (
        InvalidValue("value", "today", "an aware datetime or None"),
        lambda: cell(ColumnKind.INSTANT, "today"),
    ),
    (InvalidValue("value", 1, "True or False or None"), lambda: cell(ColumnKind.BOOLEAN, 1)),
    (without_a_zone("value"), lambda: cell(ColumnKind.INSTANT, NAIVE)),
    (
        CurrencyMismatch("SGD", "MYR"),
        lambda: cell(ColumnKind.MONEY, Money("1.00", "SGD")),
    ),
    (InvalidValue("id", 1, "a text, a tuple of texts, or None"), lambda: plain(0, 1)),
    (InvalidValue("placed_at", "now", "a whole number or None"), lambda: plain(1, "now")),
    (InvalidValue("archived", 0, "True or False or None"), lambda: plain(2, 0)),
    (UnknownCurrency("RM"), lambda: plain(3, "RM")),
    (InvalidValue("total", "5.90", "a whole number or None"), lambda: plain(4, "5.90")),
    (
        InvalidValue("batches", [1, 1, 1, 1, 2], "5 columns of the same length"),
        lambda: plain(4, 590, 590),
    ),
    (
        InvalidValue("batches", [1, 1, 1, 1], "5 columns of the same length"),
        lambda: list(write_columns([GOOD[:4]], COLUMNS)),
    ),
    (UnknownTimeZone("MYT-8"), lambda: write_csv([], COLUMNS, tz="MYT-8")),
    (UnknownTimeZone("MYT-8"), lambda: write_columns([], COLUMNS, tz="MYT-8")),
    (UnknownTimeZone("MYT-8"), lambda: read_export([], COLUMNS, tz="MYT-8")),
    (
        InvalidValue("profile", "exel", "one of excel, plain, raw"),
        lambda: write_csv([], COLUMNS, profile="exel"),
    ),
    (
        InvalidValue("profile", "exel", "one of excel, plain, raw"),
        lambda: read_export([], COLUMNS, profile="exel"),
    ),
    (
        OutputNotWritten("/dev/null", "something that is no regular file is there"),
        lambda: write_file("/dev/null", [b"x"]),
    ),
    (
        OutputNotWritten("/nowhere/orders.csv", "No such file or directory"),
        lambda: write_file(Path("/nowhere/orders.csv"), [b"x"]),
    ),
]

COLUMNS_AND_REQUESTS: list[WrongCall] = [
    (
        InvalidValue("key", "two\nlines", "a header in one line, such as 'total'"),
        lambda: Column[str]("two\nlines", "", ColumnKind.TEXT, str),
    ),
    (
        InvalidValue("key", "", "a header in one line, such as 'total'"),
        lambda: Column[str]("", "", ColumnKind.TEXT, str),
    ),
    (InvalidValue("kind", "float", KINDS), lambda: Column[str]("a", "", "float", str)),
    (
        InvalidValue("instants", "american", STYLES),
        lambda: Column[str]("a", "", "instant", str, instants="american"),
    ),
    (InvalidValue("columns", (), "at least one column"), lambda: write_columns([], ())),
    (InvalidValue("columns", (), "at least one column"), lambda: read_export([], ())),
    (InvalidValue("columns", (), "at least one column"), lambda: ColumnSet("mine", ())),
    (InvalidValue("columns", "id", "each key once"), lambda: write_columns([], (TOTAL, ID, ID))),
    (InvalidValue("columns", "id, total", ONE_CURRENCY), lambda: write_csv([], (ID, TOTAL))),
    (
        InvalidValue("columns", "total, currency, second", ONE_CURRENCY),
        lambda: write_csv([], (TOTAL, CURRENCY, attrs.evolve(CURRENCY, key="second"))),
    ),
    (
        InvalidValue("columns", "nmber", "some of id, total, currency"),
        lambda: ColumnSet("mine", (ID, TOTAL, CURRENCY)).chosen(["id", "nmber"]),
    ),
    (
        InvalidValue("columns", "nmber", "some of id"),
        lambda: ColumnSet("mine", (ID,)).chosen(["id"], titles={"nmber": "No."}),
    ),
    (
        InvalidValue("columns", "nix", "one of shoppego, shopify, accounting"),
        lambda: column_set("nix"),
    ),
    (
        InvalidValue("columns", "nix", "one of shoppego, shopify, accounting"),
        lambda: ExportRequest(columns="nix"),
    ),
    (
        InvalidValue("profile", "exel", "one of excel, plain, raw"),
        lambda: ExportRequest(profile="exel"),
    ),
    (InvalidValue("per", "parcel", "one of order, line"), lambda: ExportRequest(per="parcel")),
    (UnknownTimeZone("MYT-8"), lambda: ExportRequest(tz="MYT-8")),
    (
        InvalidValue("headers", "de", "one of keys, en, ms"),
        lambda: attrs.evolve(PLAIN, headers="de"),
    ),
    (
        InvalidValue("instants", "american", STYLES),
        lambda: attrs.evolve(PLAIN, instants="american"),
    ),
    (
        InvalidValue("delimiter", "::", "one of , ; | or TAB"),
        lambda: attrs.evolve(PLAIN, delimiter="::"),
    ),
    (without_a_zone("now"), lambda: export_filename(ExportRequest(), NAIVE)),
]

DELIVERY: list[WrongCall] = [
    (InvalidValue("sender", "a@b@c", AN_ADDRESS), lambda: mail_address("a@b@c", "sender")),
    (InvalidValue("sender", None, AN_ADDRESS), lambda: mail_address(untyped(None), "sender")),
    (InvalidValue("to", "nobody", AN_ADDRESS), lambda: requested(to=["a@b.example", "nobody"])),
    (InvalidValue("to", (), "at least one e-mail address"), lambda: requested(to=[])),
    (InvalidValue("sender", "nobody", AN_ADDRESS), lambda: requested(sender="nobody")),
    (without_a_zone("now"), lambda: requested(now=NAIVE)),
    (InvalidValue("to", "nobody", AN_ADDRESS), lambda: asked(to="nobody")),
    (InvalidValue("id", "", AN_ID), lambda: asked(id="")),
    (InvalidValue("id", "a\0", AN_ID), lambda: asked(id="a\0")),
    (without_a_zone("asked_at"), lambda: asked(now=NAIVE)),
    (DuplicateExport("done"), lambda: asked(id="done")),
    (
        InvalidValue("columns", ("note",), "columns that ship, or that own names"),
        lambda: asked(request=ExportRequest(columns=ColumnSet("mine", (OWN,)))),
    ),
    (
        InvalidValue("sender", "nobody", AN_ADDRESS),
        lambda: attrs.evolve(EXPORTS, sender="nobody"),
    ),
    (
        InvalidValue("stalled_after", 4 * SECOND, "more than 0:00:04"),
        lambda: attrs.evolve(EXPORTS, stalled_after=4 * SECOND),
    ),
    (without_a_zone("now"), lambda: EXPORTS.due(NAIVE)),
    (without_a_zone("now"), lambda: EXPORTS.delete("e1", NAIVE)),
    (without_a_zone("clock"), lambda: EXPORTS.run("done", lambda: NAIVE)),
    (ExportNotDue("done", "completed"), lambda: EXPORTS.run("done", lambda: NOON)),
    (ExportNotFound("e9"), lambda: EXPORTS.run("e9", lambda: NOON)),
    (
        InvalidValue("status", "lost", "one of queued, running, completed, failed, deleted"),
        lambda: attrs.evolve(DONE, status="lost"),
    ),
    (
        InvalidValue("mail", "lost", "one of none, due, sending, sent, failed"),
        lambda: attrs.evolve(DONE, mail="lost"),
    ),
    (without_a_zone("a time of the export"), lambda: attrs.evolve(DONE, started_at=NAIVE)),
]

SCHEDULES: list[WrongCall] = [
    (InvalidValue("name", "", NAME), lambda: scheduled(name="")),
    (InvalidValue("name", "two\nlines", NAME), lambda: scheduled(name="two\nlines")),
    (InvalidValue("name", "x" * 101, NAME), lambda: scheduled(name="x" * 101)),
    (InvalidValue("period", "next_week", PERIODS), lambda: scheduled(period="next_week")),
    (
        InvalidValue("missed", "sometimes", "one of catch_up, skip"),
        lambda: scheduled(missed="sometimes"),
    ),
    (
        InvalidValue("grace", -SECOND, "a length of time of zero or more"),
        lambda: scheduled(grace=-SECOND),
    ),
    (InvalidValue("to", "nobody", AN_ADDRESS), lambda: scheduled(to="nobody")),
    (
        InvalidValue("request", MARCH_3, "no dates beside a period"),
        lambda: scheduled(period="today", request=ExportRequest(query=OrderQuery(placed=MARCH_3))),
    ),
    (
        InvalidValue("start", datetime(1, 1, 9, tzinfo=UTC), "a moment in the years 2 to 9900"),
        lambda: scheduled(start=datetime(1, 1, 9, tzinfo=UTC)),
    ),
    (without_a_zone("start"), lambda: scheduled(start=NAIVE)),
    (UnknownTimeZone("MYT-8"), lambda: Recurrence("FREQ=DAILY", NOON, "MYT-8")),
    (without_a_zone("now"), lambda: scheduled().next_run(NAIVE)),
    (without_a_zone("now"), lambda: list(scheduled().due(NOON, NAIVE))),
    (without_a_zone("since"), lambda: list(scheduled().due(NAIVE, NOON))),
    (without_a_zone("now"), lambda: ask_due(EXPORTS, scheduled(), since=NOON, now=NAIVE)),
]

RULES: list[WrongCall] = [
    *(
        (InvalidValue("rule", rule, expected), lambda rule=rule: recurring(rule))
        for rule, expected in (
            (7, A_RULE),
            ("every Monday", A_RULE),
            ("FREQ=DAILY;FREQ=DAILY", A_RULE),
            ("BYDAY=MO", "one with FREQ, of YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY"),
            (
                "FREQ=WEEKLY;BYSECOND=1",
                f"one that is WEEKLY without 'BYSECOND', which may have {WEEKLY_PARTS}",
            ),
            ("FREQ=DAILY;INTERVAL=0", "INTERVAL from 1 to 100000"),
            ("FREQ=DAILY;COUNT=100001", "COUNT from 1 to 100000"),
            ("FREQ=DAILY;BYHOUR=24", "BYHOUR from 0 to 23"),
            ("FREQ=DAILY;BYMINUTE=-1", "BYMINUTE from 0 to 59"),
            ("FREQ=MONTHLY;BYMONTHDAY=-32", "BYMONTHDAY from 1 to 31"),
            ("FREQ=WEEKLY;WKST=XX", f"WKST, {DAYS}"),
            ("FREQ=WEEKLY;BYDAY=1MO", f"BYDAY, {DAYS}"),
            ("FREQ=MONTHLY;BYDAY=-54MO", "BYDAY from 1 to 53"),
            ("FREQ=DAILY;UNTIL=tomorrow", UNTIL),
            ("FREQ=DAILY;UNTIL=20260230", UNTIL),
            ("FREQ=DAILY;UNTIL=20260101", "a rule that occurs within 50 years of its start"),
        )
    ),
]

REPORTS: list[WrongCall] = [
    (InvalidValue("model", "linear", MODEL), lambda: SalesReport.of([], model="linear")),
    (InvalidValue("model", "", MODEL), lambda: SalesReport.of([], credits=to_nobody)),
    (
        InvalidValue("weights", [], "at least one weight above zero"),
        lambda: SalesReport.of([order_of("1").mark_paid(at=NOON)], credits=to_nobody, model="n"),
    ),
    (
        InvalidValue("tz", "UTC", "Asia/Kuala_Lumpur: days of other zones don't add"),
        lambda: REPORT + SalesReport.of([], tz="UTC"),
    ),
    (
        InvalidValue("model", "nobody", "'': credits of others don't add"),
        lambda: REPORT + SalesReport.of([], credits=to_nobody, model="nobody"),
    ),
    (InvalidValue("reports", (), "at least one report"), lambda: SalesReport.sum_of([])),
    (InvalidValue("by", "year", BYS), lambda: REPORT.by("year")),
    (InvalidValue("by", "year", BYS), lambda: REPORT.text("year")),
    (InvalidValue("by", "year", BYS), lambda: REPORT.to_csv("year")),
    (UnknownTimeZone("MYT-8"), lambda: SalesReport.of([], tz="MYT-8")),
]


@pytest.mark.parametrize(
    ("error", "call"),
    [*FILES, *COLUMNS_AND_REQUESTS, *DELIVERY, *SCHEDULES, *RULES, *REPORTS],
)
def test_a_wrong_call_is_told(error: OrdersError, call: Call) -> None:
    assert_told(error, call)


def test_a_rule_that_can_never_occur_is_told_with_the_reason() -> None:
    with pytest.raises(InvalidValue) as caught:
        recurring("FREQ=HOURLY;INTERVAL=24;BYHOUR=9")
    assert caught.value.field == "rule"
    assert caught.value.value == "FREQ=HOURLY;INTERVAL=24;BYHOUR=9"
    assert caught.value.expected.startswith("a rule that can occur (")
