"""Importing checkouts: what is kept, what is reported, and that twice is once."""

from __future__ import annotations

import gzip
import importlib.resources
import io
import json
import os
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.attribution import Source, default_table
from shoppego_orders.errors import InputNotRead, LineNotImported, StoreUnusable
from shoppego_orders.importing import (
    BATCH,
    LINE_LIMIT,
    BadLine,
    ImportReport,
    import_checkouts,
    open_lines,
)
from shoppego_orders.order import AdjustmentKind, Order, PaymentStatus
from shoppego_orders.query import OrderQuery
from wrong_calls import assert_told, facts

SHOP = "hartamas.myshoppegram.com"


def checkout(id: object = 1262140, **changed: object) -> str:
    """A payload as the webhook page documents it, one line of JSON."""
    payload: dict[str, object] = {
        "id": id,
        "domain": SHOP,
        "url": f"https://{SHOP}/checkout/{id}",
        "currency": "MYR",
        "total": 10,
        "shipping": 0,
        "rate": "FREE SHIPPING COD",
        "completed_at": None,
        "created_at": "2021-03-03T22:58:17+08:00",
        "items": [
            {
                "product": {"name": "Sambal", "sku": "S1"},
                "name": "Pedas",
                "currency": "MYR",
                "price": 5,
                "quantity": 2,
                "subtotal": 10,
            }
        ],
        "customer": {
            "first_name": "Nurul",
            "last_name": "Aisyah",
            "phone": "60123456789",
            "email": "nurul@example.com",
        },
        "gateway_name": "Billplz",
        "gateway_type": "alternative",
    }
    return json.dumps({"checkout": payload | changed})


COMPLETED_AT = "2021-03-03T23:10:00+08:00"


def stored(store: MemoryOrderStore) -> list[Order]:
    return [store.get(row.id) for row in store.rows(OrderQuery())]


def test_checkouts_become_orders() -> None:
    store = MemoryOrderStore()
    report = import_checkouts(
        store, [checkout(1, completed_at=COMPLETED_AT), checkout(2, landing_url="https://x.my/")]
    )
    assert report == ImportReport(read=2, imported=2, updated=0, unchanged=0, declared=(), bad=())
    paid, pending = stored(store)
    assert paid.payment_status is PaymentStatus.PAID
    assert paid.completed_at == datetime(2021, 3, 3, 15, 10, tzinfo=UTC)
    assert pending.payment_status is PaymentStatus.PENDING
    assert pending.source == "direct"


def test_the_table_attributes() -> None:
    store = MemoryOrderStore()
    table = default_table().extended([Source("kedai", "Kedai", hosts="kedai.example")])
    line = checkout(landing_url="https://x.my/", referrer="https://kedai.example/a")
    import_checkouts(store, [line], table=table)
    assert store.get("1262140").source == "kedai"


def test_the_same_lines_twice_change_nothing() -> None:
    store = MemoryOrderStore()
    lines = [checkout(1), checkout(2, completed_at=COMPLETED_AT), checkout(3, total=99)]
    import_checkouts(store, lines)
    before = [(order, order.version, store.events(order.id)) for order in stored(store)]
    report = import_checkouts(store, lines)
    assert (report.read, report.imported, report.updated, report.unchanged) == (3, 0, 0, 3)
    assert report.declared == ()
    assert [(order, order.version, store.events(order.id)) for order in stored(store)] == before


@pytest.mark.parametrize(
    ("gateway", "status"),
    [("alternative", PaymentStatus.PAID), ("manual", PaymentStatus.PENDING)],
)
def test_a_later_line_completes_an_open_checkout_once(gateway: str, status: PaymentStatus) -> None:
    store = MemoryOrderStore()
    import_checkouts(store, [checkout(gateway_type=gateway)])
    completed = checkout(gateway_type=gateway, completed_at=COMPLETED_AT)
    report = import_checkouts(store, [completed, completed])
    assert (report.imported, report.updated, report.unchanged) == (0, 1, 1)
    order = store.get("1262140")
    assert order.completed_at == datetime(2021, 3, 3, 15, 10, tzinfo=UTC)
    assert order.payment_status is status
    assert order.version == 2
    assert Order.replay(store.events(order.id)) == order


def test_an_older_line_takes_nothing_back() -> None:
    store = MemoryOrderStore()
    import_checkouts(store, [checkout(completed_at=COMPLETED_AT)])
    report = import_checkouts(store, [checkout()])
    assert report.unchanged == 1
    assert store.get("1262140").completed_at is not None


def test_a_total_that_differs_from_its_parts_is_kept_and_told() -> None:
    store = MemoryOrderStore()
    report = import_checkouts(store, [checkout(1, total="7.50"), checkout(2, items=[])])
    assert report.declared == ("1", "2")
    voucher, itemless = stored(store)
    assert str(voucher.total) == "MYR 7.50"
    assert [
        str(item.amount) for item in voucher.adjustments if item.kind is AdjustmentKind.DECLARED
    ] == ["MYR -2.50"]
    assert str(itemless.total) == "MYR 10.00"


BAD = {
    "malformed": "{",
    "no object": "5",
    "no checkout": '{"order": 1}',
    "no JSON number": '{"checkout": NaN}',
    "deep": "[" * 100_000,
    "no UTF-8": b'{"checkout": "\xff"}',
    "UTF-16": checkout().encode("utf-16"),
    "no id": checkout(id=None),
    "unknown currency": checkout(currency="XXQ"),
    "naive": checkout(created_at="2021-03-03T22:58:17"),
    "quantity of zero": checkout(items=[{"price": 1, "quantity": 0}]),
    "negative price": checkout(items=[{"price": -1, "quantity": 1}]),
    "nothing in it": checkout(items=[], total=None),
    "unknown word": checkout(gateway_type="barter"),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_bad_line_stops_the_import_and_what_was_before_it_is_kept(bad: str | bytes) -> None:
    store = MemoryOrderStore()
    with pytest.raises(LineNotImported) as caught:
        import_checkouts(store, [checkout(1), "", bad, checkout(2)])
    bad_line = import_checkouts(MemoryOrderStore(), ["", "", bad], skip_bad=True).bad[0]
    assert facts(caught.value) == facts(LineNotImported(3, bad_line.problem))
    assert [order.id for order in stored(store)] == ["1"]


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_bad_lines_can_be_skipped_and_each_is_reported(bad: str | bytes) -> None:
    store = MemoryOrderStore()
    report = import_checkouts(store, [bad, checkout(1), bad, checkout(2)], skip_bad=True)
    assert [line.line for line in report.bad] == [1, 3]
    assert len({line.problem for line in report.bad}) == 1
    assert (report.read, report.imported) == (4, 2)
    assert [order.id for order in stored(store)] == ["1", "2"]


def test_a_byte_that_is_not_utf8_is_told_with_its_place() -> None:
    report = import_checkouts(MemoryOrderStore(), [b'{"checkout": "\xff"}'], skip_bad=True)
    problem = "the document: byte 15 (0xff) is not UTF-8, which JSON lines are in"
    assert report.bad == (BadLine(1, problem),)


def test_an_id_of_another_shop_and_a_number_that_is_taken_are_bad() -> None:
    store = MemoryOrderStore()
    import_checkouts(store, [checkout(1)])
    first = store.get("1")
    # The number "#2" is another order's already.
    store.save(
        Order.place(
            id="x", at=first.placed_at, shop=SHOP, currency="MYR", lines=first.lines, number="#2"
        )
    )
    report = import_checkouts(
        store,
        [checkout(1, domain="another.myshoppegram.com", completed_at=COMPLETED_AT), checkout(2)],
        skip_bad=True,
    )
    assert [line.line for line in report.bad] == [1, 2]
    assert [line.problem for line in report.bad] == [
        f"order 1 (#1 of {SHOP}) is stored already",
        f"order 2 (#2 of {SHOP}) is stored already",
    ]
    assert store.get("1") == first


def test_a_completion_that_the_order_refuses_is_bad() -> None:
    store = MemoryOrderStore()
    import_checkouts(store, [checkout(gateway_type="manual")])
    cancelled = store.save(
        store.get("1262140").cancel(reason="out of stock", at=datetime(2021, 3, 4, tzinfo=UTC))
    )
    line = checkout(gateway_type="manual", completed_at=COMPLETED_AT)
    report = import_checkouts(store, [line], skip_bad=True)
    assert report.bad[0].line == 1
    assert "cancelled" in report.bad[0].problem
    assert store.get("1262140") == cancelled


def test_a_payment_of_a_cancelled_order_is_never_lost() -> None:
    store = MemoryOrderStore()
    import_checkouts(store, [checkout()])
    store.save(store.get("1262140").cancel(reason="mistake", at=datetime(2021, 3, 4, tzinfo=UTC)))
    report = import_checkouts(store, [checkout(completed_at=COMPLETED_AT)])
    assert report.updated == 1
    assert str(store.get("1262140").refund_due) == "MYR 10.00"


def test_blank_lines_and_a_byte_order_mark_don_t_matter() -> None:
    for mark in ("\ufeff", "\ufeff".encode()):
        store = MemoryOrderStore()
        lines: list[str | bytes] = [
            mark + checkout(1) if isinstance(mark, str) else mark + checkout(1).encode(),
            " \r\n",
            b"\n",
            checkout(2) + "\r\n",
        ]
        report = import_checkouts(store, lines)
        assert (report.read, report.imported) == (2, 2)


def test_no_lines_at_all() -> None:
    assert import_checkouts(MemoryOrderStore(), []).read == 0


@given(st.lists(st.sampled_from([*BAD.values(), "", *map(checkout, "1234")]), max_size=12))
def test_every_line_is_accounted_for(lines: list[str | bytes]) -> None:
    store = MemoryOrderStore()
    report = import_checkouts(store, lines, skip_bad=True)
    assert report.read == sum(1 for line in lines if line)
    assert report.read == (report.imported + report.updated + report.unchanged + len(report.bad))
    assert len(stored(store)) == report.imported
    again = import_checkouts(store, lines, skip_bad=True)
    assert (again.imported, again.updated, again.bad) == (0, 0, report.bad)


class Transactions:
    """Counts batches, and takes note of an error that leaves one."""

    def __init__(self) -> None:
        self.begun = 0
        self.kept = 0

    @contextmanager
    def batch(self) -> Generator[None]:
        self.begun += 1
        yield
        self.kept += 1


def test_lines_are_saved_in_batches() -> None:
    transactions = Transactions()
    lines = [checkout(n) for n in range(1, BATCH * 2 + 2)]
    import_checkouts(MemoryOrderStore(), lines, batch=transactions.batch)
    assert (transactions.begun, transactions.kept) == (3, 3)


def test_a_bad_line_does_not_undo_its_batch() -> None:
    transactions = Transactions()
    with pytest.raises(LineNotImported):
        import_checkouts(MemoryOrderStore(), [checkout(1), "{"], batch=transactions.batch)
    assert (transactions.begun, transactions.kept) == (1, 1)


def test_a_file_that_ends_in_the_middle_does_not_undo_its_batch() -> None:
    def lines() -> Iterator[str]:
        yield checkout(1)
        raise InputNotRead("file", 1, "it ends")

    transactions = Transactions()
    store = MemoryOrderStore()
    with pytest.raises(InputNotRead):
        import_checkouts(store, lines(), batch=transactions.batch)
    assert (transactions.begun, transactions.kept) == (1, 1)
    assert [order.id for order in stored(store)] == ["1"]


def test_a_store_that_fails_undoes_its_batch() -> None:
    class Full(MemoryOrderStore):
        def save(self, order: Order) -> Order:
            raise StoreUnusable("orders.sqlite", f"disk full at {order.id}")

    transactions = Transactions()
    with pytest.raises(StoreUnusable):
        import_checkouts(Full(), [checkout(1)], batch=transactions.batch, skip_bad=True)
    assert (transactions.begun, transactions.kept) == (1, 0)


# --- files --------------------------------------------------------------------------------------


def read(path: Path | str) -> list[bytes]:
    with open_lines(path) as lines:
        return list(lines)


LINES = [b"one\n", b"two\n", b"three"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", b"".join(LINES)),
        ("a.jsonl.gz", gzip.compress(b"".join(LINES))),
        ("named-wrongly.gz", b"".join(LINES)),
        ("named-wrongly.jsonl", gzip.compress(b"".join(LINES))),
        ("in-two-parts.gz", gzip.compress(b"one\ntw") + gzip.compress(b"o\nthree")),
    ],
)
def test_a_file_is_plain_or_gzip_by_its_content(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert read(tmp_path / name) == LINES


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert read(tmp_path / "empty") == []


def test_progress_is_in_bytes_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(LINES))
    with open_lines(path) as lines:
        assert (lines.size, lines.position) == (13, 0)
        assert list(lines) == LINES
        assert lines.position == lines.size


def many_lines() -> bytes:
    return b"".join(b"%d %d\n" % (n, n * 7919**3 % 1_000_003) for n in range(50_000))


def test_a_truncated_gzip_gives_its_whole_lines_and_says_where_it_ends(tmp_path: Path) -> None:
    whole = many_lines()
    packed = gzip.compress(whole)
    path = tmp_path / "truncated.gz"
    path.write_bytes(packed[: len(packed) // 2])
    got: list[bytes] = []
    with open_lines(path) as lines, pytest.raises(InputNotRead) as caught:
        got.extend(lines)
    assert got == whole.splitlines(keepends=True)[: len(got)]
    assert len(got) > 1_000
    problem = "it ends in the middle of its compressed content"
    assert facts(caught.value) == facts(InputNotRead(str(path), len(got), problem))


@pytest.mark.parametrize("kept", [2, 5, 12])
def test_a_gzip_cut_in_its_header_has_no_line(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(b"one\n")[:kept])
    problem = "it ends in the middle of its compressed content"
    assert_told(InputNotRead(str(path), 0, problem), lambda: read(path))


def test_a_damaged_gzip_is_told(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(many_lines()))
    packed[len(packed) // 2] ^= 0xFF
    path = tmp_path / "damaged.gz"
    path.write_bytes(packed)
    with pytest.raises(InputNotRead):
        read(path)
    packed = bytearray(gzip.compress(b"one\n"))
    packed[-6] ^= 0xFF  # the checksum
    path.write_bytes(packed)
    got: list[bytes] = []
    with open_lines(path) as lines, pytest.raises(InputNotRead, match="after line 1"):
        got.extend(lines)
    assert got == [b"one\n"]


@pytest.mark.parametrize(
    ("name", "problem"),
    [("missing", "No such file"), (".", "directory"), ("a\0b", "null")],
)
def test_what_is_no_file_is_told(tmp_path: Path, name: str, problem: str) -> None:
    with pytest.raises(InputNotRead, match=problem) as caught:
        open_lines(tmp_path / name)
    assert (caught.value.path, caught.value.line) == (str(tmp_path / name), 0)
    assert name not in caught.value.problem.split()  # the path is told already
    assert "[Errno" not in caught.value.problem


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_hyphen_is_standard_input(
    monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]
) -> None:
    given = io.TextIOWrapper(io.BytesIO(pack(b"".join(LINES))))
    monkeypatch.setattr(sys, "stdin", given)
    with open_lines("-") as lines:
        assert list(lines) == LINES
    assert not given.buffer.closed


def test_lines_of_a_pipe_are_read_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    come: list[bytes] = []

    class Pipe(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:  # Any: a buffer, which 3.11 has no type for
            if len(come) == len(LINES):
                return 0
            line = LINES[len(come)]
            come.append(line)
            buffer[: len(line)] = line
            return len(line)

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Pipe())))
    with open_lines("-") as lines:
        for number, line in enumerate(lines, 1):
            assert come[-1] == line
            assert len(come) == number


def test_a_closed_standard_input_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    error = InputNotRead("standard input", 0, "it is closed")
    assert_told(error, lambda: open_lines("-"))


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_line_that_never_ends_does_not_fill_the_memory(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "endless"
    path.write_bytes(pack(b"one\n" + b"x" * (LINE_LIMIT + 1)))
    got: list[bytes] = []
    error = InputNotRead(str(path), 1, "the next line has more than 16,000,000 bytes")
    with open_lines(path) as lines:
        assert_told(error, lambda: got.extend(lines))
    assert got == [b"one\n"]


def test_a_pipe_has_no_size(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes(gzip.compress(b"".join(LINES))))
    writer.start()
    with open_lines(path) as lines:
        assert lines.size is None
        assert list(lines) == LINES
        assert lines.position == 0
    writer.join()


def test_the_sample_is_good_and_varied() -> None:
    sample = importlib.resources.files("shoppego_orders") / "sample_checkouts.jsonl"
    store = MemoryOrderStore()
    report = import_checkouts(store, sample.read_text(encoding="utf-8").splitlines())
    assert report.imported == report.read >= 60
    assert len(report.declared) == 1
    sources = {order.source for order in stored(store)}
    assert sources >= {
        *("direct", "youtube", "tiktok", "google", "google-ads"),
        *("telegram", "whatsapp", "wordpress", "referral"),
    }
