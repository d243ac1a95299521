"""The laws of an export by mail: the parts are whole files, and together they are the file."""

from __future__ import annotations

import csv
import io
import re
import string
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoppego_orders.adapters.memory import MemoryOrderStore, RecordingMailer
from shoppego_orders.errors import ExportTooLarge
from shoppego_orders.export import (
    PROFILES,
    SHOPPEGO,
    Column,
    ColumnKind,
    ColumnSet,
    ExportRequest,
    ExportSummary,
    Per,
    SentAs,
    export_csv,
    request_export,
)
from shoppego_orders.money import Money
from shoppego_orders.order import LineItem, Order, OrderRow
from shoppego_orders.periods import Period, epoch_micros
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.strategies import order_lists, periods, queries

NOW = datetime(2026, 2, 1, tzinfo=UTC)


def stored(some: Iterable[Order]) -> MemoryOrderStore:
    store = MemoryOrderStore()
    for order in some:
        store.save(order)
    return store


def attached(message: EmailMessage) -> bytes:
    (attachment,) = message.iter_attachments()
    data = attachment.get_payload(decode=True)
    assert isinstance(data, bytes)
    return data


def _noise(row: OrderRow) -> str:
    return "".join(Random(row.id).choices(string.ascii_letters + string.digits + '",\n', k=900))


NOISE = Column[OrderRow]("noise", "", ColumnKind.TEXT, _noise)
"""What no archive makes much smaller, so that a ZIP does not fit either."""


def a_request(per: Per, profile: str) -> ExportRequest:
    return ExportRequest(
        per=per,
        profile=profile,
        columns=ColumnSet("noisy", (*SHOPPEGO.columns, NOISE)),
    )


def header_of(data: bytes) -> bytes:
    return data[: data.index(b"\r\n") + 2]  # no key of ours has a line end


def mailed(
    store: MemoryOrderStore, request: ExportRequest, limit: int
) -> tuple[list[EmailMessage], ExportSummary | None]:
    mailer = RecordingMailer()
    try:
        summary = request_export(
            store, mailer, request, to="owner@example.my", now=NOW, limit=limit
        )
    except ExportTooLarge:
        return mailer.messages, None
    return mailer.messages, summary


@given(
    order_lists(min_size=3, max_size=8),
    st.sampled_from(Per),
    st.sampled_from(tuple(PROFILES)),
    st.integers(2_500, 5_000),
)
def test_parts_without_their_headers_are_the_file(
    some: list[Order], per: Per, profile: str, limit: int
) -> None:
    store, request = stored(some), a_request(per, profile)
    whole = b"".join(export_csv(store, request))
    messages, summary = mailed(store, request, limit)
    if summary is None:
        assert messages == []
        return
    for message in messages:
        (attachment,) = message.iter_attachments()
        assert len(attachment.as_bytes().partition(b"\n\n")[2].replace(b"\n", b"\r\n")) <= limit
    if summary.sent_as is not SentAs.SPLIT:
        return
    parts = [attached(message) for message in messages]
    header = header_of(whole)
    assert all(part.startswith(header) for part in parts)
    assert header + b"".join(part.removeprefix(header) for part in parts) == whole
    assert summary.mails == len(parts)
    for number, message in enumerate(messages, 1):
        name = next(message.iter_attachments()).get_filename() or ""
        assert str(message["Subject"]).endswith(f"({number} of {len(parts)})")
        assert name == f"{summary.file_name[:-4]}-{number}-of-{len(parts)}.csv"
    # Each is a whole file, which the standard library reads as so many records.
    records = [
        len(list(csv.reader(io.StringIO(part.decode("utf-8-sig"), newline="")))) - 1
        for part in parts
    ]
    assert sum(records) == summary.records
    for message, count in zip(messages, records, strict=True):
        body = message.get_body()
        assert body is not None
        assert re.search(rf"\bwith {count} records?\.", " ".join(body.get_content().split()))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(900, 3_000))
def test_the_line_items_of_an_order_stay_together_unless_they_are_too_many(
    sizes: list[int], limit: int
) -> None:
    store = MemoryOrderStore()
    for number, lines in enumerate(sizes):
        items = [LineItem(f"Kopi {each}", 1, Money("4", "MYR")) for each in range(lines)]
        shop = "s.example.my"
        store.save(Order.place(id=f"{number}", at=NOW, shop=shop, currency="MYR", lines=items))
    request = ExportRequest(per="line", profile="raw")
    messages, summary = mailed(store, request, limit)
    if summary is None or summary.sent_as is not SentAs.SPLIT:
        return
    most = limit // 78 * 57
    parts = [
        [record["id"] for record in csv.DictReader(io.StringIO(attached(each).decode()))]
        for each in messages
    ]
    whole = b"".join(export_csv(store, request))
    header = len(header_of(whole))
    length: Counter[str] = Counter()
    for record in whole.splitlines(keepends=True)[1:]:
        length[record.split(b",")[1].decode()] += len(record)
    for part, following in pairwise(parts):
        if part[-1] == following[0]:
            assert header + length[part[-1]] > most, "split though it would have fitted"


class ColumnedStore(MemoryOrderStore):
    """A ``ColumnStore`` that gives one order at a time."""

    def columns(self, query: OrderQuery, fields: Sequence[str]) -> Iterator[list[list[object]]]:
        for row in self.rows(query):
            yield [[_plain(getattr(row, field))] for field in fields]


def _plain(value: object) -> object:
    if isinstance(value, Money):
        return value.minor
    return epoch_micros(value) if isinstance(value, datetime) else value


@pytest.mark.parametrize("kind", [MemoryOrderStore, ColumnedStore])
@pytest.mark.parametrize("per", Per)
@given(order_lists(max_size=8), st.data())
def test_progress_rises_to_what_was_counted(
    per: Per, kind: type[MemoryOrderStore], some: list[Order], data: st.DataObject
) -> None:
    store = kind()
    for order in some:
        store.save(order)
    query = data.draw(st.just(OrderQuery()) | queries(some))
    told: list[tuple[int, int]] = []
    stream = export_csv(
        store,
        ExportRequest(query=query, per=per),
        lambda done, total: told.append((done, total)),
    )
    records = len(b"".join(stream)) and stream.summary.records
    expected = min(store.count(query), query.limit or 10**9)
    assert told[-1] == (expected, expected)
    assert {total for _, total in told} == {expected}
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert records >= expected
    if per is Per.ORDER:
        assert records == expected


@given(order_lists(max_size=8), periods(), st.lists(st.floats(0, 1), max_size=3))
def test_exports_of_parts_of_a_period_are_the_export_of_the_whole(
    some: list[Order], period: Period, cuts: list[float]
) -> None:
    store = stored(some)
    places = {period.start + period.duration * cut for cut in cuts}
    bounds = sorted({period.start, period.end, *places})

    def exported(part: Period) -> bytes:
        return b"".join(export_csv(store, ExportRequest(query=OrderQuery(placed=part))))

    whole = exported(period)
    header = header_of(whole)
    parts = [exported(Period(start, end)) for start, end in pairwise(bounds)]
    assert header + b"".join(part.removeprefix(header) for part in parts) == whole
