"""Exports by example: the file, its request, its mail, and what goes wrong."""

from __future__ import annotations

import csv
import io
import os
import string
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import IntEnum
from functools import partial
from io import FileIO
from itertools import islice
from operator import itemgetter
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import attrs
import pytest

from shoppego_orders.adapters.memory import MemoryOrderStore, RecordingMailer
from shoppego_orders.adapters.shelf import DirectoryShelf
from shoppego_orders.adapters.sql import SqlOrderStore
from shoppego_orders.customers import Address, Customer
from shoppego_orders.errors import (
    ExportPartlyMailed,
    ExportTooLarge,
    InvalidDocument,
    InvalidValue,
    MailNotSent,
    NaiveDatetime,
    OutputNotWritten,
    Retry,
    StoreUnusable,
    UnknownCurrency,
)
from shoppego_orders.export import (
    EXCEL,
    PLAIN,
    SHOPPEGO,
    Column,
    ColumnKind,
    ExportRequest,
    InstantStyle,
    Profile,
    SentAs,
    Value,
    export_csv,
    export_filename,
    files,
    mail_address,
    period_text,
    read_export,
    request_export,
    write_columns,
    write_csv,
    write_file,
)
from shoppego_orders.export.column_sets import COLUMN_SETS
from shoppego_orders.export.columns import ColumnSet
from shoppego_orders.export.files import add_file
from shoppego_orders.export.spool import spooled
from shoppego_orders.money import Money
from shoppego_orders.order import Adjustment, LineItem, Order, OrderRow
from shoppego_orders.periods import Period
from shoppego_orders.query import OrderQuery
from wrong_calls import assert_told

SHOP = "hartamas.myshoppegram.com"
AT = datetime(2026, 1, 5, 2, 30, tzinfo=UTC)
NOW = datetime(2026, 2, 1, 0, 0, tzinfo=UTC)
JANUARY = Period.of_dates(date(2026, 1, 1), date(2026, 2, 1))


def an_order(id: str = "1", *, at: datetime = AT, name: str = "Aminah", note: str = "") -> Order:
    return Order.place(
        id=id,
        at=at,
        shop=SHOP,
        number=f"#SA{id}",
        currency="MYR",
        lines=[
            LineItem("Nasi lemak", 2, Money("5.50", "MYR"), sku="0012"),
            LineItem("Kopi", 1, Money("3.00", "MYR")),
        ],
        adjustments=[
            Adjustment("discount", Money("-1.00", "MYR")),
            Adjustment("shipping", Money("5.00", "MYR")),
        ],
        customer=Customer(first_name=name, email="aminah@example.my", phone="+60 12-345 6789"),
        shipping_address=Address(zip="01000", city="Kangar"),
        note=note,
        tags=["vip", "raya"],
    )


def stored(*orders: Order) -> MemoryOrderStore:
    store = MemoryOrderStore()
    for order in orders:
        store.save(order)
    return store


def text_of(chunks: Iterable[bytes]) -> str:
    return b"".join(chunks).decode()


def records(chunks: Iterable[bytes]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text_of(chunks), newline="")))


def one_column(kind: ColumnKind, *values: Value, profile: Profile | str = "plain") -> list[str]:
    """The cells of a file with the column and a currency."""
    columns = [
        Column[Value]("value", "Value", kind, lambda value: value),
        Column[Value]("currency", "Currency", ColumnKind.CURRENCY, lambda _: "MYR"),
    ]
    data = b"".join(write_csv(values, columns, profile=profile)).decode("utf-8-sig")
    return [cells[0] for cells in csv.reader(io.StringIO(data, newline=""))][1:]


# The file


def test_one_row_per_order() -> None:
    (record,) = records(export_csv(stored(an_order()), ExportRequest()))
    assert list(record) == [column.key for column in SHOPPEGO.per_order]
    assert record["number"] == "#SA1"
    assert record["placed_at"] == "2026-01-05T10:30:00+08:00"
    assert (record["currency"], record["subtotal"], record["total"]) == ("MYR", "14.00", "18.00")
    assert (record["discount"], record["shipping"], record["balance"]) == ("1.00", "5.00", "18.00")
    assert (record["units"], record["archived"], record["life"]) == ("3", "false", "open")
    assert (record["postcode"], record["tags"], record["completed_at"]) == (
        "01000",
        "vip, raya",
        "",
    )


def test_one_row_per_line_item_has_the_orders_money_on_its_first_line_only() -> None:
    first, second = records(export_csv(stored(an_order()), ExportRequest(per="line")))
    assert (first["number"], second["number"]) == ("#SA1", "#SA1")
    assert (first["total"], second["total"]) == ("18.00", "")
    assert (first["line"], first["product"], first["sku"], first["quantity"]) == (
        *("1", "Nasi lemak", "0012", "2"),
    )
    assert (first["unit_price"], first["line_total"], second["line_total"]) == (
        *("5.50", "11.00", "3.00"),
    )


def test_an_order_without_lines_keeps_its_place_and_its_sums_in_the_file_of_lines() -> None:
    declared = Order.place(
        id="2",
        at=AT + timedelta(minutes=1),
        shop=SHOP,
        currency="MYR",
        lines=[],
        adjustments=[Adjustment("declared", Money("7.00", "MYR"))],
    )
    last = an_order("3", at=AT + timedelta(minutes=2))
    request = ExportRequest(per="line")
    rows = records(export_csv(stored(an_order(), declared, last), request))
    assert [row["id"] for row in rows] == ["1", "1", "2", "3", "3"]
    assert (rows[2]["total"], rows[2]["quantity"], rows[2]["line_total"]) == ("7.00", "0", "0.00")


def test_the_header_comes_before_the_first_row_is_asked_for() -> None:
    def never() -> Iterator[OrderRow]:
        raise AssertionError("asked for a row")
        yield

    assert next(write_csv(never(), SHOPPEGO.per_order)).startswith(b"number,id,shop,placed_at")


def test_an_export_of_no_orders_is_a_header() -> None:
    stream = export_csv(stored(), ExportRequest())
    assert text_of(stream).count("\r\n") == 1
    assert stream.summary.records == 0


def test_a_merchants_own_selection_of_columns() -> None:
    request = ExportRequest(columns=SHOPPEGO.chosen(["phone", "number"]))
    assert text_of(export_csv(stored(an_order()), request)) == (
        "phone,number\r\n'+60 12-345 6789,#SA1\r\n"
    )


def test_excel_gets_a_byte_order_mark_and_keeps_phones_and_postcodes() -> None:
    columns = SHOPPEGO.chosen(["number", "phone", "postcode", "note"]).per_order
    order = an_order(note="two\r\nlines\rmore")
    data = b"".join(write_csv([OrderRow.of(order)], columns, profile="excel"))
    assert data.startswith(b"\xef\xbb\xbfnumber,")
    assert data.decode("utf-8-sig").split("\r\n")[1] == (
        "#SA1,'+60 12-345 6789,'01000,\"two\nlines\nmore\""
    )


def test_a_locale_with_a_decimal_comma_gets_semicolons() -> None:
    semicolons = attrs.evolve(EXCEL, delimiter=";")
    data = write_csv([("a,b", "c;d")], _pair(), profile=semicolons)
    assert b"".join(data) == '\ufeffleft;right\r\na,b;"c;d"\r\n'.encode()


def _pair() -> list[Column[tuple[str, str]]]:
    return [
        Column("left", "Left", ColumnKind.TEXT, itemgetter(0)),
        Column("right", "Right", ColumnKind.TEXT, itemgetter(1)),
    ]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("=1+1", "'=1+1"),
        ("+60 12", "'+60 12"),
        ("-5", "'-5"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("\nx", "'\nx"),
        ("＝1", "'＝1"),
        ("＠x", "'＠x"),
        ("  =1", "'  =1"),
        ("\ufeff=1", "'\ufeff=1"),
        ("\x00=1", "'\ufffd=1"),
        ("'=1", "''=1"),
        ("''", "''"),
        ("'quoted'", "'quoted'"),
        ("a=1", "a=1"),
        ("", ""),
        ('say "hi"', 'say "hi"'),
    ],
)
def test_text_gets_one_quote_where_it_would_be_a_formula(text: str, plain: str) -> None:
    assert one_column(ColumnKind.TEXT, text) == [plain]
    assert one_column(ColumnKind.TEXT, text, profile="raw") == [text.replace("\x00", "\ufffd")]


@pytest.mark.parametrize(
    ("text", "plain", "excel"),
    [
        ("60123456789", "60123456789", "'60123456789"),
        ("+60123456789", "+60123456789", "'+60123456789"),
        ("01000", "01000", "'01000"),
        ("+60 12-345 6789", "'+60 12-345 6789", "'+60 12-345 6789"),
        ("=1", "'=1", "'=1"),
        ("EP123MY", "EP123MY", "'EP123MY"),
        ("#SA123", "#SA123", "#SA123"),
        ("'#1", "'#1", "'#1"),
        ("'12", "'12", "''12"),
        ("n/a", "n/a", "n/a"),
    ],
)
def test_identifiers_stay_digits_in_plain_and_text_in_excel(
    text: str, plain: str, excel: str
) -> None:
    assert one_column(ColumnKind.IDENTIFIER, text) == [plain]
    assert one_column(ColumnKind.IDENTIFIER, text, profile="excel") == [excel]


def test_the_shopify_set_has_the_headers_and_the_blanks_of_shopifys_own_file() -> None:
    placed = an_order().record_payment("fpx-1", Money("18.00", "MYR"), at=AT)
    request = ExportRequest(per="line", columns="shopify")
    first, second = records(export_csv(stored(placed), request))
    assert list(first)[:4] == ["Name", "Email", "Financial Status", "Paid at"]
    assert list(first)[16:19] == ["Lineitem quantity", "Lineitem name", "Lineitem price"]
    assert len(first) == 79
    assert first["Created at"] == second["Created at"] == "2026-01-05 10:30:00 +0800"
    assert (first["Financial Status"], second["Financial Status"]) == ("paid", "")
    # Shopify's subtotal is after discounts.
    money = ("Subtotal", "Discount Amount", "Shipping", "Taxes", "Total", "Refunded Amount")
    assert [first[key] for key in money] == ["13.00", "1.00", "5.00", "0.00", "18.00", "0.00"]
    assert [second[key] for key in money] == [""] * 6
    lines = [(row["Lineitem quantity"], row["Lineitem name"]) for row in (first, second)]
    assert lines == [("2", "Nasi lemak"), ("1", "Kopi")]
    assert {row["Lineitem fulfillment status"] for row in (first, second)} == {"unfulfilled"}
    assert (first["Shipping Zip"], first["Discount Code"]) == ("01000", "")


def test_shopifys_words_for_what_became_of_an_order() -> None:
    paid = an_order("1").record_payment("fpx-1", Money("18.00", "MYR"), at=AT)
    sent = paid.set_fulfillment("shipped", at=AT)
    cancelled = an_order("3").cancel(reason="customer", at=AT)
    words = [
        (row["Financial Status"], row["Fulfillment Status"])
        for order in (paid, sent, cancelled)
        for row in records(export_csv(stored(order), ExportRequest(columns="shopify")))
    ]
    assert words == [("paid", "unfulfilled"), ("paid", "fulfilled"), ("voided", "unfulfilled")]


def test_the_accounting_set_says_how_a_total_is_made_up_and_what_is_left_of_it() -> None:
    order = an_order().record_payment("fpx-1", Money("18.00", "MYR"), at=AT)
    order = order.record_refund("fpx-1-r", Money("3.00", "MYR"), at=AT)
    (row,) = records(export_csv(stored(order), ExportRequest(columns="accounting")))
    keys = ("subtotal", "discount", "shipping", "tax", "total", "refunded", "net", "paid")
    amounts = [row[key] for key in keys]
    assert amounts == ["14.00", "1.00", "5.00", "0.00", "18.00", "3.00", "15.00", "18.00"]


def test_headers_of_your_own_and_labels_in_english_and_malay() -> None:
    columns = SHOPPEGO.chosen(["number", "customer"], titles={"number": "No.\nInvois"})
    for headers, expected in (
        ("keys", '"No.\nInvois",customer'),
        ("en", '"No.\nInvois",Customer'),
        ("ms", '"No.\nInvois",Pelanggan'),
    ):
        profile = attrs.evolve(PLAIN, headers=headers)
        request = ExportRequest(columns=columns, profile=profile)
        data = b"".join(export_csv(stored(an_order()), request))
        assert data.decode().split("\r\n")[0] == expected
        assert len(list(read_export([data], columns.per_order, profile=profile))) == 1
    with pytest.raises(InvalidValue, match="some of number, id"):
        SHOPPEGO.chosen(["number"], titles={"nmber": "No."})


def test_an_orders_money_on_every_line_if_that_is_asked_for() -> None:
    columns = SHOPPEGO.with_sums_on_every_line()
    request = ExportRequest(per="line", columns=columns)
    rows = records(export_csv(stored(an_order()), request))
    assert [(row["total"], row["units"]) for row in rows] == [("18.00", "3")] * 2


def test_dates_as_a_spreadsheet_reads_them() -> None:
    dates = attrs.evolve(EXCEL, instants="spreadsheet")
    assert one_column(ColumnKind.INSTANT, AT, None, profile=dates) == ["2026-01-05 10:30:00", ""]


def test_a_clock_that_is_put_back_is_told_by_its_offset() -> None:
    columns = [Column[datetime]("at", "", ColumnKind.INSTANT, lambda at: at)]
    first = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    written = text_of(
        write_csv([first, first + timedelta(hours=1)], columns, tz="America/New_York")
    )
    assert written.split() == ["at", "2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00"]


@pytest.mark.once
@pytest.mark.parametrize("tz", ["Asia/Kathmandu", "Asia/Kuala_Lumpur", "Africa/Monrovia"])
def test_a_history_longer_than_memory_keeps_days_for(tz: str) -> None:
    columns = [Column[datetime]("at", "", ColumnKind.INSTANT, lambda at: at)]
    some = [datetime(1890, 1, 1, tzinfo=UTC) + timedelta(hours=7 * n) for n in range(45_000)]
    written = text_of(write_csv(some, columns, tz=tz)).split()
    zone = ZoneInfo(tz)
    assert written[1:] == [at.astimezone(zone).isoformat() for at in some]


def test_several_texts_stand_in_one_cell() -> None:
    assert one_column(ColumnKind.TEXT, ("vip", "raya"), (), None) == ["vip, raya", "", ""]
    assert one_column(ColumnKind.TEXT, ("=1", "2")) == ["'=1, 2"]


def test_columns_of_plain_values_are_checked() -> None:
    columns = SHOPPEGO.chosen(["number", "placed_at", "archived", "currency", "total"]).per_order
    good = (["#1"], [0], [False], ["MYR"], [1800])
    assert text_of(write_columns([good, ([], [], [], [], [])], columns)) == (
        "number,placed_at,archived,currency,total\r\n"
        "#1,1970-01-01T07:30:00+07:30,false,MYR,18.00\r\n"
    )
    for place, wrong in (
        (0, [1]),
        (1, ["now"]),
        (2, [0]),
        (3, [None]),
        (4, ["18.00"]),
        (4, [True]),
    ):
        bad = [*good[:place], wrong, *good[place + 1 :]]
        with pytest.raises((InvalidValue, UnknownCurrency)):
            list(write_columns([bad], columns))
    for batch in (good[:4], (*good[:4], [1, 2])):
        with pytest.raises(InvalidValue, match="5 columns of the same length"):
            list(write_columns([batch], columns))


def test_a_column_may_look_into_a_field_whatever_the_store(tmp_path: Path) -> None:
    sen = Column[OrderRow]("sen", "Sen", ColumnKind.INTEGER, "total.minor")
    request = ExportRequest(columns=ColumnSet("mine", [*SHOPPEGO.chosen(["id"]).columns, sen]))
    with SqlOrderStore.open(tmp_path / "orders.sqlite") as store:
        store.save(an_order())
        written = text_of(export_csv(store, request))
    assert written == text_of(export_csv(stored(an_order()), request)) == "id,sen\r\n1,1800\r\n"


def test_records_without_money_need_no_currency() -> None:
    columns = [
        Column[str]("amount", "", ColumnKind.MONEY, lambda _: None),
        Column[str]("currency", "", ColumnKind.CURRENCY, lambda _: None),
        Column[str]("note", "", ColumnKind.TEXT, str),
    ]
    data = b"".join(write_csv(["one", "two"], columns))
    assert data.decode().split() == ["amount,currency,note", ",,one", ",,two"]
    assert list(read_export([data], columns)) == [(None, "", "one"), (None, "", "two")]


def test_a_file_of_several_currencies_has_each_ones_digits() -> None:
    columns = [
        Column[Money]("amount", "", ColumnKind.MONEY, lambda money: money),
        Column[Money]("currency", "", ColumnKind.CURRENCY, "currency"),
    ]
    some = [Money("1000", "JPY"), Money("-0.05", "MYR"), Money("1.5", "KWD")]
    written = text_of(write_csv(some, columns)).split()
    assert written == ["amount,currency", "1000,JPY", "-0.05,MYR", "1.500,KWD"]


def test_numbers_dates_booleans_and_words_are_written_as_they_are() -> None:
    minus = Money("-5", "MYR")
    assert one_column(ColumnKind.MONEY, minus, Money("0", "MYR"), None) == ["-5.00", "0.00", ""]
    assert one_column(ColumnKind.INTEGER, -3, 0, None) == ["-3", "0", ""]
    assert one_column(ColumnKind.BOOLEAN, True, False, None) == ["true", "false", ""]
    assert one_column(ColumnKind.INSTANT, AT, None) == ["2026-01-05T10:30:00+08:00", ""]
    assert one_column(ColumnKind.WORD, "ready_for_pickup", None) == ["ready_for_pickup", ""]


def test_a_value_of_a_finer_type_is_written_as_its_kind() -> None:
    class Size(IntEnum):
        SMALL = 1

    assert one_column(ColumnKind.INTEGER, Size.SMALL) == ["1"]


def test_what_no_file_can_hold_is_replaced_and_counted() -> None:
    stream = write_csv([("a\x00b\x00", "ok"), ("\ud83d", "é")], _pair())
    assert text_of(stream) == "left,right\r\na\ufffdb\ufffd,ok\r\n\ufffd,é\r\n"
    assert (stream.summary.records, stream.summary.replaced) == (2, 3)


def test_an_empty_cell_alone_is_quoted() -> None:
    columns = [Column[str]("note", "Note", ColumnKind.TEXT, str)]
    assert text_of(write_csv(["", "x"], columns)) == 'note\r\n""\r\nx\r\n'


def test_the_edges_of_the_calendar_are_written_in_utc() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    assert one_column(ColumnKind.INSTANT, last) == ["9999-12-31T23:59:59.999999+00:00"]


def test_many_amounts_take_no_more_memory() -> None:
    values = [Money.from_minor(minor, "MYR") for minor in range(50_900)]
    assert one_column(ColumnKind.MONEY, *values) == [value.text for value in values]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ColumnKind.TEXT, 1),
        (ColumnKind.IDENTIFIER, 60123456789),
        (ColumnKind.WORD, True),
        (ColumnKind.MONEY, "5.00"),
        (ColumnKind.INTEGER, True),
        (ColumnKind.INTEGER, "1"),
        (ColumnKind.INSTANT, "2026-01-05"),
        (ColumnKind.BOOLEAN, 1),
    ],
)
def test_a_value_of_another_kind_is_refused_by_name(kind: ColumnKind, value: Value) -> None:
    with pytest.raises(InvalidValue) as refused:
        one_column(kind, value)
    assert (refused.value.field, refused.value.value) == ("value", value)


@pytest.mark.parametrize("style", InstantStyle)
def test_a_date_is_read_as_the_clocks_of_the_zone_showed_it(style: InstantStyle) -> None:
    at = datetime(2026, 3, 3, 14, 58, 17, tzinfo=UTC)
    columns = [Column[datetime]("at", "", ColumnKind.INSTANT, lambda at: at, instants=style)]
    tz = "Asia/Kuala_Lumpur"
    assert list(read_export(write_csv([at], columns, tz=tz), columns, tz=tz)) == [(at,)]


@pytest.mark.parametrize("columns", COLUMN_SETS.values(), ids=COLUMN_SETS)
def test_every_column_has_a_label(columns: ColumnSet) -> None:
    assert all(column.label.strip() for column in columns.per_order)
    assert all(column.label.strip() for column in columns.per_line)


def test_columns_that_make_no_file_are_refused() -> None:
    number, currency, total = SHOPPEGO.chosen(["number", "currency", "total"]).per_order
    second = attrs.evolve(currency, key="currency2")
    for columns in ((), (total,), (number, number), (total, currency, second)):
        with pytest.raises(InvalidValue, match="columns"):
            write_csv([], columns)
        with pytest.raises(InvalidValue, match="columns"):
            write_columns([], columns)
        with pytest.raises(InvalidValue, match="columns"):
            read_export([], columns)
        with pytest.raises(InvalidValue, match="columns"):
            ColumnSet("mine", columns)


# Reading back

_READ = [
    Column[Value]("currency", "", ColumnKind.CURRENCY, lambda _: "MYR"),
    Column[Value]("total", "", ColumnKind.MONEY, lambda value: value),
]


@pytest.mark.parametrize(
    ("data", "path", "problem"),
    [
        (b"", "header", "the file is empty"),
        (b"currency\r\n", "header", "it is ['currency']; expected ['currency', 'total']"),
        (b'cur"ren"cy\r\n', "header", "cell 1 is not quoted as it must be"),
        (b"currency,total\r\nMYR\r\n", "record 1", "it has 1 cells; expected 2"),
        (
            b'currency,total\r\nMYR,"1.00"x\r\n',
            "record 1",
            "cell 2 is not quoted as it must be",
        ),
        (
            b"currency,total\r\nMYR,1.00\r\nMYR,abc\r\n",
            "record 2, total",
            "'abc' is no money in 'MYR'",
        ),
        (b"currency,total\r\nXXX,1.00\r\n", "record 1, total", "'1.00' is no money in 'XXX'"),
        (b"currency,total\r\nMYR,1.0", "the last record", "the file ends within it"),
        (b'currency,total\r\n"MYR,1.00\r\n', "the last record", "the file ends within it"),
        (b"currency,total\r\n\xff\r\n", "", "it is no UTF-8: invalid start byte"),
        (b"currency,total\r\n\xc3", "", "it is no UTF-8: unexpected end of data"),
    ],
)
def test_what_no_export_can_be_is_told_with_its_place(data: bytes, path: str, problem: str) -> None:
    assert_told(InvalidDocument(path, problem), lambda: list(read_export([data], _READ)))


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        (ColumnKind.INTEGER, "1.5"),
        (ColumnKind.BOOLEAN, "yes"),
        (ColumnKind.INSTANT, "2026-01-05T10:30:00"),
    ],
)
def test_a_cell_that_its_column_never_wrote_is_told(kind: ColumnKind, cell: str) -> None:
    columns = [Column[Value]("value", "", kind, lambda value: value)]
    error = InvalidDocument("record 1, value", f"'{cell}' is no {kind}")
    data = f"value\r\n{cell}\r\n".encode()
    assert_told(error, lambda: list(read_export([data], columns)))


def test_an_open_file_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    write_file(path, export_csv(stored(an_order(note="a\nb")), ExportRequest()))
    with path.open("rb") as file:
        ((*_, needs_attention),) = read_export(file, SHOPPEGO.per_order)
    assert needs_attention is False


def test_a_cell_longer_than_the_standard_librarys_limit_reads_back() -> None:
    note = '"=,\n' * 100_000
    columns = [Column[str]("note", "", ColumnKind.TEXT, str)]
    chunks = (bytes([byte]) for byte in b"".join(write_csv([note[:999]], columns)))
    assert list(read_export(chunks, columns)) == [(note[:999],)]
    assert list(read_export(write_csv([note], columns), columns)) == [(note,)]


# Never half a file


def test_a_file_is_written_and_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    assert write_file(path, [b"one", b"two"]) == 6
    assert write_file(str(path), [b"three"]) == 5
    assert path.read_bytes() == b"three"
    assert [file.name for file in tmp_path.iterdir()] == ["orders.csv"]


class FailingStore(MemoryOrderStore):
    """A store that fails in the middle of its rows."""

    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        yield from super().rows(query)
        raise StoreUnusable("orders.sqlite", "disk I/O error")


@pytest.mark.parametrize("before", [None, b"the last export"])
def test_a_store_that_fails_midway_leaves_nothing(tmp_path: Path, before: bytes | None) -> None:
    path = tmp_path / "orders.csv"
    if before is not None:
        path.write_bytes(before)
    store = FailingStore()
    store.save(an_order())
    with pytest.raises(StoreUnusable):
        write_file(path, export_csv(store, ExportRequest()))
    assert [file.read_bytes() for file in tmp_path.iterdir()] == ([before] if before else [])
    mailer = RecordingMailer()
    with pytest.raises(StoreUnusable):
        request_export(store, mailer, ExportRequest(), to="a@example.my", now=NOW)
    assert mailer.messages == []


def test_an_os_error_of_the_rows_is_not_the_files(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"begun"
        raise ConnectionResetError("the database went away")

    with pytest.raises(ConnectionResetError):
        write_file(tmp_path / "orders.csv", broken())
    assert list(tmp_path.iterdir()) == []


def test_places_that_take_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (
        tmp_path / "missing" / "orders.csv",
        tmp_path / "file" / "orders.csv",
        tmp_path,
        Path("/dev/null"),
        tmp_path / "a\x00b",
    ):
        with pytest.raises(OutputNotWritten):
            write_file(path, [b"x"])
    assert Path("/dev/null").is_char_device()
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputNotWritten, match="No space left on device"):
        write_file(tmp_path / "orders.csv", [b"x"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the kernel has no /dev/full")
def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(path: Path) -> tuple[Path, FileIO]:
        part = path.with_name("a.part")
        part.touch()
        return part, Path("/dev/full").open("wb", buffering=0)

    monkeypatch.setattr(files, "_opened_beside", opened)
    with pytest.raises(OutputNotWritten, match="No space left on device"):
        write_file(tmp_path / "orders.csv", [b"x"])
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "there.csv")
    write_file(tmp_path / "link.csv", [b"x"])
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "there.csv").read_bytes() == b"x"


def test_a_part_that_a_crash_left_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = iter((7, 8))
    monkeypatch.setattr(files, "_part_number", numbers)
    (tmp_path / f".{os.getpid()}-7.part").write_bytes(b"half")
    write_file(tmp_path / "orders.csv", [b"x"])
    assert (tmp_path / "orders.csv").read_bytes() == b"x"


def test_an_added_file_never_replaces_another(tmp_path: Path) -> None:
    paths = [add_file(tmp_path, "orders", ".csv", [text]) for text in (b"1", b"2", b"3")]
    assert [path.name for path in paths] == ["orders.csv", "orders-2.csv", "orders-3.csv"]
    assert [path.read_bytes() for path in paths] == [b"1", b"2", b"3"]
    assert len(list(tmp_path.iterdir())) == 3


# The request and its mail


FILE_NAME = "orders-hartamas.myshoppegram.com-2026-01-01-2026-01-31-20260201-080000.csv"


def a_request(**changes: object) -> ExportRequest:
    return attrs.evolve(
        ExportRequest(query=OrderQuery(shop=SHOP, placed=JANUARY)),
        **changes,  # type: ignore[arg-type]  # fields of the request
    )


def attachment_of(message: EmailMessage) -> EmailMessage:
    (attachment,) = message.iter_attachments()
    assert isinstance(attachment, EmailMessage)
    return attachment


def body_of(message: EmailMessage) -> str:
    body = message.get_body()
    assert body is not None
    text = body.get_content()
    assert isinstance(text, str)
    return text


def test_an_email_arrives_with_the_csv_attached() -> None:
    late = an_order("2", at=datetime(2026, 1, 31, 16, 0, tzinfo=UTC))  # 1 February in the shop
    store, mailer = stored(an_order(), late), RecordingMailer()
    summary = request_export(
        store, mailer, a_request(), to="owner@example.my", now=NOW, sender="shop@example.my"
    )
    (message,) = mailer.messages
    assert message["To"] == "owner@example.my"
    assert message["From"] == "shop@example.my"
    assert message["Subject"] == f"Orders of {SHOP}, 2026-01-01 to 2026-01-31: 1 order"
    assert message["Date"].datetime == NOW
    attachment = attachment_of(message)
    assert attachment.get_content_type() == "text/csv"
    assert attachment.get_filename() == summary.file_name
    assert summary.file_name == (FILE_NAME)
    data = attachment.get_payload(decode=True)
    assert data == b"".join(export_csv(store, a_request()))
    assert (summary.orders, summary.records, summary.sent_as) == (1, 1, SentAs.ATTACHED)
    assert summary.size == len(b"".join(export_csv(store, a_request())))
    body = body_of(message)
    assert SHOP in body
    assert "2026-01-01 to 2026-01-31 (Asia/Kuala_Lumpur)" in body
    assert "Orders: 1\n" in body


def test_selected_orders_and_line_items() -> None:
    store, mailer = stored(an_order("1"), an_order("2"), an_order("3")), RecordingMailer()
    request = ExportRequest(query=OrderQuery(ids=["1", "3"]), per="line")
    summary = request_export(store, mailer, request, to=["a@example.my", "b@example.my"], now=NOW)
    assert (summary.orders, summary.records) == (2, 4)
    assert mailer.messages[0]["To"] == "a@example.my, b@example.my"
    assert mailer.messages[0]["Subject"] == "Orders of all shops, all dates: 2 orders"
    assert summary.file_name.startswith("order-lines-all-shops-all-dates-")


def test_replaced_characters_are_told() -> None:
    columns = [Column[OrderRow]("note", "", ColumnKind.TEXT, lambda _: "\ud83d")]
    mailer = RecordingMailer()
    request = ExportRequest(columns=ColumnSet("mine", columns))
    summary = request_export(stored(an_order()), mailer, request, to="a@example.my", now=NOW)
    assert summary.replaced == 1
    assert "now U+FFFD: 1" in body_of(mailer.messages[0])


@pytest.mark.parametrize("now", [NOW, datetime(1970, 1, 1, tzinfo=UTC)])
def test_a_large_file_is_zipped_and_its_bytes_stay_the_same(now: datetime) -> None:
    store, mailer = stored(*(an_order(str(n)) for n in range(60))), RecordingMailer()
    request = a_request(shop_name="鲜花店")
    summary = request_export(store, mailer, request, to="a@example.my", now=now, limit=4_000)
    assert summary.sent_as is SentAs.ZIPPED
    attachment = attachment_of(mailer.messages[0])
    assert attachment.get_filename() == summary.file_name.replace(".csv", ".zip")
    assert attachment.get_content_type() == "application/zip"
    data = attachment.get_payload(decode=True)
    assert isinstance(data, bytes)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == [summary.file_name]
        assert archive.infolist()[0].flag_bits & 0x800, "the name is no UTF-8 to its reader"
        assert archive.read(summary.file_name) == b"".join(export_csv(store, a_request()))


def test_a_larger_one_goes_to_the_shelf_and_the_mail_carries_the_link(tmp_path: Path) -> None:
    store, mailer = stored(an_order()), RecordingMailer()
    shelf = DirectoryShelf(tmp_path / "downloads", "https://files.example.my/")
    summary = request_export(
        store, mailer, a_request(), to="a@example.my", now=NOW, limit=100, shelf=shelf
    )
    assert summary.sent_as is SentAs.LINKED
    assert summary.url == f"https://files.example.my/{summary.file_name}"
    assert list(mailer.messages[0].iter_attachments()) == []
    assert summary.url is not None
    assert summary.url in body_of(mailer.messages[0])
    kept = tmp_path / "downloads" / summary.file_name
    assert kept.read_bytes() == b"".join(export_csv(store, a_request()))


def test_a_record_that_no_mail_can_carry_is_refused_and_nothing_is_mailed() -> None:
    mailer = RecordingMailer()
    note = "".join(Random(1).choices(string.ascii_letters, k=3_000))  # no archive makes it small
    store = stored(an_order("1"), an_order("2", note=note))
    with pytest.raises(ExportTooLarge, match="give a file shelf") as refused:
        # The second part would be too large, and the first one is not sent either.
        request_export(store, mailer, a_request(), to="a@example.my", now=NOW, limit=1_500)
    assert (refused.value.file_name, refused.value.limit) == (FILE_NAME, 1_500)
    assert 4_000 < refused.value.size < 6_000
    assert mailer.messages == []
    for per in ("order", "line"):  # not even the header
        with pytest.raises(ExportTooLarge):
            request_export(
                stored(), mailer, a_request(per=per), to="a@example.my", now=NOW, limit=100
            )
    assert mailer.messages == []


def test_line_items_stay_together_where_they_just_fit() -> None:
    request = ExportRequest(per="line", profile="raw")
    teh, box = (LineItem(name, 1, Money("2", "MYR")) for name in ("Teh", "Set" * 99))
    small = an_order("0").change_lines([teh], at=AT)
    large = [an_order(each).change_lines([teh, box], at=AT) for each in "12"]
    with spooled(stored(small, *large), request, NOW) as spool:
        header, *lines = b"".join(spool.chunks()).splitlines(keepends=True)
        order = len(lines[1]) + len(lines[2])
        for most, expected in ((order, [1, 2, 2]), (len(lines[0]) + 2 * order, [5])):
            parts = list(spool.parts(most))
            assert [part.records for part in parts] == expected
            rest = iter(lines)
            for part in parts:
                assert spool.part(part) == header + b"".join(islice(rest, part.records))


def test_the_limit_is_counted_after_base64() -> None:
    store = stored(*(an_order(str(n)) for n in range(60)))
    mailer = RecordingMailer()
    request_export(store, mailer, a_request(), to="a@example.my", now=NOW)
    attached = attachment_of(mailer.messages[0])
    encoded = len(attached.as_bytes(policy=policy.SMTP).partition(b"\r\n\r\n")[2])
    for limit, sent_as in ((encoded + 80, SentAs.ATTACHED), (encoded - 80, SentAs.ZIPPED)):
        summary = request_export(
            store, mailer, a_request(), to="a@example.my", now=NOW, limit=limit
        )
        assert summary.sent_as is sent_as


def test_a_full_temporary_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("the kernel has no /dev/full")
    full = partial(Path("/dev/full").open, "r+b", buffering=0)
    monkeypatch.setattr("tempfile.TemporaryFile", full)
    with pytest.raises(OutputNotWritten, match="No space left on device"):
        request_export(
            stored(an_order()), RecordingMailer(), a_request(), to="a@example.my", now=NOW
        )


@pytest.mark.parametrize(
    "to",
    [
        *("", "owner", "@example.my", "a@b@c", "a b@example.my", "a@example.my, b@example.my"),
        *("a@example.my\r\nBcc: x@evil.example", "A <a@example.my>", "a@example.my\n", "\ud83d@x"),
    ],
)
def test_an_address_that_is_none_is_refused(to: str) -> None:
    mailer = RecordingMailer()
    for addresses in (to, [to], ["fine@example.my", to]):
        with pytest.raises(InvalidValue, match="to is"):
            request_export(stored(), mailer, ExportRequest(), to=addresses, now=NOW)
    with pytest.raises(InvalidValue, match="sender is"):
        mail_address(to, "sender")
    assert mailer.messages == []


def test_nobody_to_mail_to_and_a_naive_now_are_refused() -> None:
    mailer = RecordingMailer()
    with pytest.raises(InvalidValue, match="at least one e-mail address"):
        request_export(stored(), mailer, ExportRequest(), to=[], now=NOW)
    with pytest.raises(NaiveDatetime):
        request_export(
            stored(),
            mailer,
            ExportRequest(),
            to="a@example.my",
            now=NOW.replace(tzinfo=None),
        )
    assert mailer.messages == []


def test_a_mailer_that_refuses_is_heard() -> None:
    class Refusing:
        subject = ""

        def send(self, message: EmailMessage) -> None:
            self.subject = str(message["Subject"])
            raise MailNotSent((str(message["To"]),), "550 no", Retry.NEVER)

    store = stored(*(an_order(str(n)) for n in range(9)))
    for limit in (10_000, 1_000):  # one mail, and several of which it is the first
        refusing = Refusing()
        with pytest.raises(MailNotSent, match="550 no"):
            request_export(store, refusing, a_request(), to="a@example.my", now=NOW, limit=limit)
        assert refusing.subject.endswith("(1 of 9)") is (limit == 1_000)


def test_of_several_mails_those_that_were_sent_are_told() -> None:
    class Fills(RecordingMailer):
        def send(self, message: EmailMessage) -> None:
            if len(self.messages) == 2:
                raise MailNotSent(("a@example.my",), "452 mailbox full", Retry.AGAIN)
            super().send(message)

    store, mailer = stored(*(an_order(str(n)) for n in range(9))), Fills()
    assert_told(
        ExportPartlyMailed(FILE_NAME, 2, 9, "452 mailbox full", Retry.AGAIN),
        partial(
            request_export, store, mailer, a_request(), to="a@example.my", now=NOW, limit=1_000
        ),
    )
    subject = f"Orders of {SHOP}, 2026-01-01 to 2026-01-31: 9 orders"
    assert [each["Subject"] for each in mailer.messages] == [
        *(f"{subject} (1 of 9)", f"{subject} (2 of 9)"),
    ]


def test_where_the_first_of_several_mails_is_refused_nothing_was_mailed() -> None:
    class Refuses(RecordingMailer):
        def send(self, message: EmailMessage) -> None:
            raise MailNotSent((str(message["To"]),), "550 no", Retry.NEVER)

    store = stored(*(an_order(str(n)) for n in range(9)))
    with pytest.raises(MailNotSent, match="550 no"):
        request_export(store, Refuses(), a_request(), to="a@example.my", now=NOW, limit=1_000)


@pytest.mark.parametrize(
    "name",
    [
        "Kedai Bunga\r\nBcc: x@evil.example",
        "Warung \ud83d\x00\x1b[31m\u2028line",
        "鲜花店 " * 60,
        "كيداي بوڠا",
        "a\u202evsc.exe",
        "../../etc/passwd",
        'C:\\con|<>?*"',
    ],
)
def test_a_shops_name_is_right_in_the_mail_and_harmless_in_it(name: str) -> None:
    mailer = RecordingMailer()
    request = a_request(shop_name=name)
    summary = request_export(stored(), mailer, request, to="jürgen@exämple.my", now=NOW)
    read = message_from_bytes(
        mailer.messages[0].as_bytes(policy=policy.SMTPUTF8), policy=policy.default
    )
    assert isinstance(read, EmailMessage)
    assert read["Bcc"] is None
    assert read["To"] == "jürgen@exämple.my"
    # The standard library may fold right after "Subject:", and reads the blank as its content.
    assert (
        read["Subject"].strip() == f"Orders of {request.shop}, 2026-01-01 to 2026-01-31: 0 orders"
    )
    assert request.shop.isprintable()
    file_name = attachment_of(read).get_filename()
    assert file_name is not None
    assert file_name == summary.file_name
    assert file_name == Path(file_name).name
    assert len(file_name.encode()) < 255
    assert not set(file_name) & set('\\/:*?"<>| \u202e\r\n')


@pytest.mark.parametrize(
    ("placed", "expected"),
    [
        (None, "all dates"),
        (JANUARY, "2026-01-01 to 2026-01-31"),
        (Period.of_day(date(2026, 1, 5)), "2026-01-05"),
        (Period.since(JANUARY.start), "since 2026-01-01"),
        (Period.before(JANUARY.end), "before 2026-02-01"),
        (Period(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)), "all dates"),
        (Period(AT, AT + timedelta(hours=1)), "2026-01-05 10:30+08:00 to 2026-01-05 11:30+08:00"),
        (Period(JANUARY.start, AT), "2026-01-01 to 2026-01-05 10:30+08:00"),
        (Period(AT, JANUARY.end), "2026-01-05 10:30+08:00 to 2026-02-01"),
        (Period.since(datetime(9999, 12, 31, 20, tzinfo=UTC)), "since 9999-12-31 20:00+00:00"),
    ],
)
def test_the_period_in_words(placed: Period | None, expected: str) -> None:
    assert period_text(ExportRequest(query=OrderQuery(placed=placed))) == expected


def test_days_are_the_shops_even_where_a_clock_skips_midnight() -> None:
    tz = "America/Havana"  # 8 March 2026 begins at 01:00 there
    day = Period.of_day(date(2026, 3, 8), tz)
    assert period_text(ExportRequest(query=OrderQuery(placed=day), tz=tz)) == "2026-03-08"


def test_a_shop_whose_name_no_file_can_carry() -> None:
    request = ExportRequest(shop_name="***")
    assert export_filename(request, NOW) == "orders-shop-all-dates-20260201-080000.csv"


# The shelf


def test_a_shelf_keeps_files_apart_and_gives_their_addresses(tmp_path: Path) -> None:
    shelf = DirectoryShelf(tmp_path / "deep" / "er")
    first, second = (shelf.put("órders 1.csv", [b"x"]) for _ in range(2))
    assert first == (tmp_path / "deep" / "er" / "órders 1.csv").as_uri()
    assert second.endswith("%C3%B3rders%201-2.csv")


@pytest.mark.parametrize("name", ["", "a/b.csv", "..", "/etc/passwd", "a\\b.csv"])
def test_a_shelf_takes_no_folders(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidValue, match="without folders"):
        DirectoryShelf(tmp_path).put(name, [b"x"])


def test_a_shelf_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputNotWritten):
        DirectoryShelf(tmp_path / "file" / "shelf").put("a.csv", [b"x"])
