"""The laws of exports: what was written is read back, nothing is a formula, sums stay right."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise
from operator import itemgetter
from zoneinfo import ZoneInfo

import attrs
from hypothesis import given
from hypothesis import strategies as st

from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.export import (
    ACCOUNTING,
    EXCEL,
    PLAIN,
    PROFILES,
    RAW,
    SHOPIFY,
    SHOPPEGO,
    Column,
    ColumnKind,
    ColumnSet,
    ExportRequest,
    Headers,
    InstantStyle,
    Per,
    Profile,
    Value,
    export_csv,
    read_export,
    write_columns,
    write_csv,
)
from shoppego_orders.money import Money
from shoppego_orders.order import LineRow, Order, OrderRow
from shoppego_orders.periods import epoch_micros, in_zone, time_zone
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.strategies import (
    currencies,
    instants,
    money,
    order_lists,
    orders,
    phones,
    queries,
    texts,
)
from shoppego_orders.texts import storable

Values = tuple[Value, ...]

_ZONES = ("Asia/Kuala_Lumpur", "America/New_York", "Australia/Lord_Howe", "UTC")

# Written again here, in another way, so that the rule is checked and not repeated.
_DANGEROUS = tuple("=+-@\t\r\n＝＋－＠")

hostile = st.one_of(
    texts(),
    st.text(alphabet="'=+-@\t\r\n ＝＋－＠\x00\ufeff\ufffd\",;1a", max_size=8),
    st.text(),
    phones(),
)


def varied(profile: Profile, delimiter: str, headers: Headers, instants: InstantStyle) -> Profile:
    return attrs.evolve(profile, delimiter=delimiter, headers=headers, instants=instants)


profiles = st.builds(
    varied,
    st.sampled_from(tuple(PROFILES.values())),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(Headers),
    st.sampled_from(InstantStyle),
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[tuple[Column[Values], ...], list[Values]]:
    """Columns of any kinds, and rows for them; the first column is the currency."""
    kinds = draw(st.lists(st.sampled_from([*of_kind]), max_size=5))
    keys = draw(
        st.lists(
            hostile.filter(lambda key: key.isprintable() and key != ""),
            min_size=len(kinds),
            max_size=len(kinds),
            unique=True,
        )
    )
    columns = [Column[Values]("currency", "", ColumnKind.CURRENCY, itemgetter(0))]
    for index, (kind, key) in enumerate(zip(kinds, keys, strict=True), 1):
        columns.append(Column[Values](f"{key}{index}", "", kind, itemgetter(index)))
    rows: list[Values] = []
    for _ in range(draw(st.integers(0, 8))):
        currency = draw(currencies())
        values = {**of_kind, ColumnKind.MONEY: money(currency)}
        rows.append((currency, *(draw(st.none() | values[kind]) for kind in kinds)))
    return tuple(columns), rows


of_kind: dict[ColumnKind, st.SearchStrategy[Value]] = {
    ColumnKind.TEXT: hostile | st.lists(hostile, max_size=3).map(tuple),
    ColumnKind.IDENTIFIER: hostile | st.lists(hostile, max_size=3).map(tuple),
    ColumnKind.WORD: st.sampled_from(["open", "paid"]),
    ColumnKind.MONEY: money(),
    ColumnKind.INTEGER: st.integers(),
    ColumnKind.INSTANT: instants(),
    ColumnKind.BOOLEAN: st.booleans(),
}


def as_read(column: Column[Values], value: Value, profile: Profile, tz: str = "UTC") -> Value:
    if column.kind in (ColumnKind.TEXT, ColumnKind.IDENTIFIER, ColumnKind.WORD):
        several = value if isinstance(value, tuple) else (value if isinstance(value, str) else "",)
        text = storable(", ".join(several))
        return text.replace("\r\n", "\n").replace("\r", "\n") if profile.for_people else text
    if isinstance(value, datetime):
        return instant_as_read(value, profile, tz)
    return value


def instant_as_read(value: datetime, profile: Profile, tz: str) -> datetime:
    if profile.instants is InstantStyle.ISO:
        return value.astimezone(UTC)
    local = value.astimezone(ZoneInfo(tz)).replace(microsecond=0)
    if profile.instants is InstantStyle.SPREADSHEET:
        # A clock that was put back shows an hour twice.
        local = local.replace(fold=0)
    return local.astimezone(UTC)


def cut(data: bytes, at: Iterable[int]) -> list[bytes]:
    places = sorted({0, len(data), *(place % (len(data) + 1) for place in at)})
    return [data[start:end] for start, end in pairwise(places)]


def cells_of(data: bytes, profile: Profile) -> list[list[str]]:
    """What the standard library reads: the header and the records."""
    text = data.decode("utf-8-sig" if profile.bom else "utf-8")
    delimiter = profile.delimiter
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))


def stored(some: Iterable[Order]) -> MemoryOrderStore:
    store = MemoryOrderStore()
    for order in some:
        store.save(order)
    return store


@given(tables(), profiles, st.sampled_from(_ZONES), st.lists(st.integers(0, 10**6), max_size=5))
def test_what_is_written_is_read_back(
    table: tuple[tuple[Column[Values], ...], list[Values]],
    profile: Profile,
    tz: str,
    places: list[int],
) -> None:
    columns, rows = table
    data = b"".join(write_csv(rows, columns, tz=tz, profile=profile))
    expected = [
        tuple(
            as_read(column, value, profile, tz) for column, value in zip(columns, row, strict=True)
        )
        for row in rows
    ]
    assert list(read_export(cut(data, places), columns, tz=tz, profile=profile)) == expected


@given(tables(), profiles)
def test_the_standard_library_reads_the_same_cells(
    table: tuple[tuple[Column[Values], ...], list[Values]], profile: Profile
) -> None:
    columns, rows = table
    stream = write_csv(rows, columns, profile=profile)
    header, *records = cells_of(b"".join(stream), profile)
    assert len(records) == len(rows) == stream.summary.records
    assert len(header) == len(columns)
    for row, cells in zip(rows, records, strict=True):
        for column, value, cell in zip(columns, row, cells, strict=True):
            if column.kind in (ColumnKind.TEXT, ColumnKind.IDENTIFIER):
                text = as_read(column, value, profile)
                assert cell in ((text, f"'{text}") if profile.guarded else (text,))


@given(st.lists(st.tuples(hostile, hostile)))
def test_raw_bytes_are_those_of_the_standard_librarys_writer(rows: list[tuple[str, str]]) -> None:
    columns = [
        Column[tuple[str, str]]("a", "", ColumnKind.TEXT, itemgetter(0)),
        Column[tuple[str, str]]("b", "", ColumnKind.IDENTIFIER, itemgetter(1)),
    ]
    file = io.StringIO(newline="")
    csv.writer(file).writerows([("a", "b"), *(map(storable, row) for row in rows)])
    assert b"".join(write_csv(rows, columns, profile=RAW)) == file.getvalue().encode()


@given(st.lists(hostile), profiles, st.sampled_from([ColumnKind.TEXT, ColumnKind.IDENTIFIER]))
def test_a_single_column_keeps_every_record(
    rows: list[str], profile: Profile, kind: ColumnKind
) -> None:
    columns = [Column[str]("only", "", kind, str)]
    records = cells_of(b"".join(write_csv(rows, columns, profile=profile)), profile)[1:]
    assert [len(cells) for cells in records] == [1] * len(rows)


@given(st.lists(hostile, min_size=1), st.sampled_from([EXCEL, PLAIN]))
def test_no_text_is_a_formula(rows: list[str], profile: Profile) -> None:
    columns = [Column[str]("only", "", ColumnKind.TEXT, str)]
    for (cell,) in cells_of(b"".join(write_csv(rows, columns, profile=profile)), profile)[1:]:
        assert not cell.lstrip(" \x00\ufeff").startswith(_DANGEROUS)


@given(st.lists(hostile, min_size=1))
def test_an_identifier_is_text_or_digits_in_plain_and_never_a_number_in_excel(
    rows: list[str],
) -> None:
    columns = [Column[str]("only", "", ColumnKind.IDENTIFIER, str)]
    for (cell,) in cells_of(b"".join(write_csv(rows, columns, profile=PLAIN)), PLAIN)[1:]:
        digits = cell.removeprefix("+")
        if not (digits.isascii() and digits.isdecimal()):
            assert not cell.lstrip(" \x00\ufeff").startswith(_DANGEROUS)
    for (cell,) in cells_of(b"".join(write_csv(rows, columns, profile=EXCEL)), EXCEL)[1:]:
        assert not cell.lstrip(" \x00\ufeff").startswith(_DANGEROUS)
        assert not any(char.isdecimal() for char in cell) or cell.startswith(("'", "#"))


@given(hostile, st.sampled_from([EXCEL, PLAIN]), st.sampled_from(ColumnKind))
def test_the_guard_is_one_quote_and_answers_the_same_with_it(
    text: str, profile: Profile, kind: ColumnKind
) -> None:
    guard = profile.guard(kind)
    if guard is not None:
        assert bool(guard.match(text)) is bool(guard.match(f"'{text}"))


@given(orders())
def test_columns_read_an_order_as_they_read_its_row(order: Order) -> None:
    row = OrderRow.of(order)
    for column in SHOPPEGO.per_order:
        # An Order carries the names of its row, which is all that a column asks for.
        assert column.reader(order) == column.reader(row)  # type: ignore[arg-type]


@given(order_lists(), st.data(), st.sampled_from(tuple(PROFILES)))
def test_a_file_has_as_many_records_as_orders_match_and_they_read_back(
    some: list[Order], data: st.DataObject, profile: str
) -> None:
    store, query = stored(some), attrs.evolve(data.draw(queries(some)), limit=None)
    request = ExportRequest(query=query, profile=profile)
    stream = export_csv(store, request)
    chunks = list(stream)
    assert stream.summary.records == store.count(query)
    assert b"".join(chunks) == b"".join(export_csv(store, request))
    records = list(read_export(chunks, SHOPPEGO.per_order, profile=profile))
    assert len(records) == store.count(query)
    exact = [
        column.kind not in (ColumnKind.TEXT, ColumnKind.IDENTIFIER) for column in SHOPPEGO.per_order
    ]
    for row, record in zip(store.rows(query), records, strict=True):
        for column, value, same in zip(SHOPPEGO.per_order, record, exact, strict=True):
            if same:
                assert value == (column.reader(row) or value)


@given(order_lists(), st.booleans(), st.sampled_from(tuple(PROFILES)))
def test_sums_of_orders_are_the_same_in_both_files(
    some: list[Order], newest_first: bool, profile: str
) -> None:
    store = stored(some)
    sums: list[Counter[tuple[str, str]]] = []
    ids: list[list[str]] = []
    for per, keys in (
        (Per.ORDER, [column.key for column in SHOPPEGO.per_order]),
        (Per.LINE, [column.key for column in SHOPPEGO.per_line]),
    ):
        request = ExportRequest(
            query=OrderQuery(newest_first=newest_first), per=per, profile=profile
        )
        chunks = export_csv(store, request)
        records = (
            read_export(chunks, SHOPPEGO.per_order, profile=profile)
            if per is Per.ORDER
            else read_export(chunks, SHOPPEGO.per_line, profile=profile)
        )
        found: Counter[tuple[str, str]] = Counter()
        seen: list[str] = []
        for record in records:
            cells = dict(zip(keys, record, strict=True))
            seen.append(str(cells["id"]))
            for key in ("subtotal", "discount", "shipping", "tax", "total", "paid", "balance"):
                amount = cells[key]
                if isinstance(amount, Money):
                    found[key, amount.currency] += amount.minor
        sums.append(found)
        ids.append(list(dict.fromkeys(seen)))
    assert sums[0] == sums[1]
    assert ids[0] == ids[1]


@given(order_lists(max_size=4))
def test_line_totals_add_up_to_the_subtotals(some: list[Order]) -> None:
    store = stored(some)
    request = ExportRequest(per="line")
    keys = [column.key for column in SHOPPEGO.per_line]
    lines: Counter[str] = Counter()
    subtotals: Counter[str] = Counter()
    for record in read_export(export_csv(store, request), SHOPPEGO.per_line):
        cells = dict(zip(keys, record, strict=True))
        line_total, subtotal = cells["line_total"], cells["subtotal"]
        assert isinstance(line_total, Money)
        lines[str(cells["currency"])] += line_total.minor
        if isinstance(subtotal, Money):
            subtotals[str(cells["currency"])] += subtotal.minor
    assert lines == subtotals


@given(instants(), st.sampled_from(_ZONES))
def test_an_instant_survives_the_zone(instant: datetime, tz: str) -> None:
    columns = [Column[Values]("at", "", ColumnKind.INSTANT, itemgetter(0))]
    ((read,),) = read_export(write_csv([(instant,)], columns, tz=tz), columns)
    # In UTC: Python calls a local time that does not exist unequal to itself in another zone.
    assert read == instant.astimezone(UTC)


@given(
    st.lists(st.datetimes(timezones=st.just(UTC)), min_size=1),
    st.sampled_from(
        [*_ZONES, "Asia/Kathmandu", "Africa/Monrovia", "Pacific/Apia", "Europe/Dublin"]
    ),
    st.sampled_from(InstantStyle),
)
def test_many_instants_are_written_as_python_writes_each(
    some: list[datetime], tz: str, style: InstantStyle
) -> None:
    columns = [Column[datetime]("at", "", ColumnKind.INSTANT, lambda at: at)]
    profile = attrs.evolve(PLAIN, instants=style)
    expected = [as_python_writes(in_zone(at, time_zone(tz)), style) for at in some]
    written = b"".join(write_csv(some, columns, tz=tz, profile=profile)).decode()
    assert written.splitlines() == ["at", *expected]


def as_python_writes(shown: datetime, style: InstantStyle) -> str:
    if style is InstantStyle.ISO:
        return shown.isoformat()
    text = shown.replace(tzinfo=None).isoformat(" ", "seconds")
    return text if style is InstantStyle.SPREADSHEET else f"{text} {shown:%z}"


@given(tables(), profiles, st.sampled_from(_ZONES))
def test_plain_values_give_the_same_bytes_as_rows(
    table: tuple[tuple[Column[Values], ...], list[Values]], profile: Profile, tz: str
) -> None:
    columns, rows = table
    halves = (rows[: len(rows) // 2], rows[len(rows) // 2 :])
    batches = [
        [[plain(row[place]) for row in half] for place in range(len(columns))] for half in halves
    ]
    of_rows = write_csv(rows, columns, tz=tz, profile=profile)
    of_columns = write_columns(batches, columns, tz=tz, profile=profile)
    assert b"".join(of_columns) == b"".join(of_rows)
    assert of_columns.summary == of_rows.summary


def plain(value: Value) -> str | tuple[str, ...] | int | None:
    if isinstance(value, Money):
        return value.minor
    return epoch_micros(value) if isinstance(value, datetime) else value


@given(orders(), st.sampled_from([SHOPPEGO, SHOPIFY, ACCOUNTING]), st.sampled_from(Headers))
def test_every_set_reads_back_by_order_and_by_line(
    order: Order, columns: ColumnSet, headers: Headers
) -> None:
    store, profile = stored([order]), attrs.evolve(PLAIN, headers=headers)
    for per, theirs in (("order", columns.per_order), ("line", columns.per_line)):
        request = ExportRequest(per=per, columns=columns, profile=profile)
        data = b"".join(export_csv(store, request))
        assert len(list(read_export([data], theirs, profile=profile))) == (
            1 if per == "order" else max(1, len(order.lines))
        )


@given(order_lists(), st.sampled_from([SHOPPEGO, SHOPIFY, ACCOUNTING]))
def test_layouts_agree_on_what_is_said_of_an_order(some: list[Order], columns: ColumnSet) -> None:
    rows = [OrderRow.of(order) for order in some]
    for row, order in zip(rows, some, strict=True):
        lines = [LineRow.of(row, position, line) for position, line in enumerate(order.lines, 1)]
        repeating = columns.with_sums_on_every_line().per_line
        by_key = {column.key: column.reader for column in columns.per_line}
        always = {column.key: column.reader for column in repeating}
        for column in columns.per_order:
            value = column.reader(row)
            for line in lines:
                found = by_key[column.key](line)
                assert found == value or (found is None and line.position > 1)
                assert always[column.key](line) == value
