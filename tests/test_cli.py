"""The command line: its commands, what it does with bad input, and its exit codes."""

from __future__ import annotations

import contextlib
import csv
import email
import email.policy
import gzip
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.progress import Task, TaskID

from command_line import Ran, Run, runner
from mail_servers import Inbox, serving
from older_tables import back_to
from older_tables import run as run_sql
from shoppego_orders.abandonment import (
    AbandonmentPolicy,
    VerdictStatus,
    judge_stream,
    policy_to_json,
    replay_stored,
)
from shoppego_orders.adapters.sql import SqlOrderStore
from shoppego_orders.adapters.sql.schema import SCHEMA_VERSION
from shoppego_orders.cli import main
from shoppego_orders.cli.screen import Rate
from shoppego_orders.money import Money
from shoppego_orders.order import LineItem, Order
from shoppego_orders.query import OrderQuery

ROOT = Path(__file__).parent.parent
REAL = ROOT.parent / "shared" / "data" / "real-checkouts.jsonl.gz"
SAMPLE = ROOT / "src" / "shoppego_orders" / "sample_checkouts.jsonl"
AFTER_THE_SAMPLE = "2026-03-15T00:00:00+08:00"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in an empty folder; ``given`` is its standard input."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)

    return runner(monkeypatch, capsys)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the sample imported and swept."""
    path = tmp_path_factory.mktemp("sample") / "orders.sqlite"
    assert main(["--db", str(path), "import", str(SAMPLE)]) == 0
    assert main(["--db", str(path), "sweep", "--now", AFTER_THE_SAMPLE]) == 0
    return path


@pytest.fixture
def sample(run: Run, swept: Path) -> Run:
    """As ``run``, with the swept sample in the folder."""
    Path("orders.sqlite").write_bytes(swept.read_bytes())
    return run


def checkout(id: int = 1, **changed: object) -> str:
    payload: dict[str, object] = {
        "id": id,
        "domain": "hartamas.myshoppegram.com",
        "currency": "MYR",
        "total": 10,
        "created_at": "2026-03-01T10:00:00+08:00",
        "completed_at": None,
        "items": [{"product": {"name": "Sambal", "sku": "S"}, "price": 10, "quantity": 1}],
        "customer": {"first_name": "Nurul", "email": "nurul@example.com"},
    }
    return json.dumps({"checkout": payload | changed})


def refused(ran: Ran, *said: str) -> None:
    """It ended with one error on standard error, and nothing else."""
    assert ran.code == 1
    assert ran.out == ""
    assert ran.err.startswith("Error: ")
    assert ran.err.count("\n") == 1
    for word in said:
        assert word in ran.err


# --- import ------------------------------------------------------------------------------------


def test_importing_twice_changes_nothing(run: Run) -> None:
    first = run("import", SAMPLE)
    assert first.code == 0
    assert "61 checkouts" in first.out
    assert "61 new" in first.out
    assert "1 declared total differed" in first.out
    before = Path("orders.sqlite").read_bytes()
    assert run("import", SAMPLE, "--json").json == {
        "read": 61,
        "imported": 0,
        "updated": 0,
        "unchanged": 61,
        "declared_totals": [],
        "bad": [],
    }
    assert Path("orders.sqlite").read_bytes() == before


def test_import_reads_gzip_and_standard_input(run: Run) -> None:
    Path("a.gz").write_bytes(gzip.compress(checkout(1).encode()))
    assert run("import", "a.gz", "--json").json["imported"] == 1
    assert run("import", "-", "--json", given=f"{checkout(1)}\n{checkout(2)}").json == {
        "read": 2,
        "imported": 1,
        "updated": 0,
        "unchanged": 1,
        "declared_totals": [],
        "bad": [],
    }


def test_a_bad_line_stops_the_import_and_what_came_before_is_kept(run: Run) -> None:
    Path("a.jsonl").write_text(f"{checkout(1)}\n{{\n{checkout(2)}\n")
    refused(run("import", "a.jsonl"), "line 2")
    assert run("page", "--json").json["total"] == 1


def test_bad_lines_can_be_skipped_and_each_is_told(run: Run) -> None:
    lines = [checkout(1).encode(), b"{", b"\xff", b"", checkout(2, items=[], total=None).encode()]
    Path("a.jsonl").write_bytes(b"\n".join(lines))
    told = run("import", "a.jsonl", "--skip-bad")
    assert told.code == 0
    assert "1 new" in told.out
    assert "3 bad" in told.out
    assert [line.partition(":")[0] for line in told.err.splitlines()] == [
        "a.jsonl, line 2",
        "a.jsonl, line 3",
        "a.jsonl, line 5",
    ]
    report = run("import", "a.jsonl", "--skip-bad", "--json").json
    assert [bad["line"] for bad in report["bad"]] == [2, 3, 5]


def test_a_truncated_gz_keeps_its_whole_lines_and_says_where_it_ends(run: Run) -> None:
    lines = "".join(f"{checkout(n, note=os.urandom(40).hex())}\n" for n in range(2_000))
    packed = gzip.compress(lines.encode())
    Path("a.gz").write_bytes(packed[: len(packed) // 2])
    ran = run("import", "a.gz", "--skip-bad")
    refused(ran, "a.gz", "ends in the middle")
    read = int(ran.err.partition("after line ")[2].partition(":")[0])
    assert 100 < read < 2_000
    assert run("page", "--json").json["total"] == read


@pytest.mark.parametrize(("name", "said"), [("missing.jsonl", "No such file"), (".", "directory")])
def test_a_file_that_can_t_be_read_leaves_no_database(run: Run, name: str, said: str) -> None:
    refused(run("import", name), name, said)
    assert not Path("orders.sqlite").exists()


def test_an_empty_file_has_no_checkouts(run: Run) -> None:
    Path("empty").touch()
    assert "Read 0 checkouts" in run("import", "empty").out


# --- the database ------------------------------------------------------------------------------


def test_the_database_is_named_before_or_after_the_command(run: Run) -> None:
    assert run("--db", "a.sqlite", "import", SAMPLE).code == 0
    assert run("page", "--json", "--db", "a.sqlite").json["total"] == 61
    assert run("--db", "missing.sqlite", "page", "--json", "--db", "a.sqlite").code == 0
    assert not Path("orders.sqlite").exists()
    assert not Path("missing.sqlite").exists()


def test_the_database_may_be_on_a_server(run: Run, postgres_url: str) -> None:
    refused(run("--db", postgres_url, "page"), "it has no tables for orders yet")
    assert run("--db", postgres_url, "import", SAMPLE).code == 0
    assert run("page", "--json", "--db", postgres_url).json["total"] == 61


READING = [
    *(("page",), ("show", "1"), ("explain", "1"), ("sweep",), ("export", "--out", "o.csv")),
    *(("exports", "list"), ("exports", "run"), ("exports", "ask"), ("exports", "delete", "1")),
]


@pytest.mark.parametrize("command", READING, ids=lambda command: command[0])
def test_what_only_reads_makes_no_database(run: Run, command: tuple[str, ...]) -> None:
    for db in ("orders.sqlite", "sqlite:///orders.sqlite"):
        refused(run("--db", db, *command), "orders.sqlite", "shoppego-orders import")
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("command", READING, ids=lambda command: command[0])
def test_a_file_that_is_no_database_of_ours_is_left_alone(
    run: Run, command: tuple[str, ...]
) -> None:
    with sqlite3.connect("foreign.sqlite") as connection:
        connection.execute("CREATE TABLE t (a)")
    connection.close()
    Path("notes.txt").write_text("no database at all " * 100)
    Path("empty.sqlite").touch()
    for name in ("foreign.sqlite", "notes.txt", "empty.sqlite", "."):
        before = None if name == "." else Path(name).read_bytes()
        refused(run("--db", name, *command), "can't be used")
        assert before is None or Path(name).read_bytes() == before
    assert not Path("o.csv").exists()


# --- page and show -----------------------------------------------------------------------------


def test_the_page_lists_orders_newest_first_with_the_counts_of_the_tabs(sample: Run) -> None:
    page = sample("page", "--size", "3").out
    assert "[All 61]" in page
    assert "Unpaid 21" in page
    assert "Abandoned 7" in page
    rows = [line for line in page.splitlines() if "#12" in line]
    assert [row.split()[0] for row in rows] == ["whatsapp", "tiktok", "telegram"]
    assert "14 Mar 21:37" in rows[0]
    assert "31.80" in rows[0]


def test_the_page_fits_into_80_columns(sample: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = sample("page", "--size", "100").out.splitlines()
    numbers = [line.split()[1] for line in lines if "#12" in line]
    assert len(numbers) == 61
    assert all(len(number) == 8 for number in numbers)
    # A Chinese character takes two cells of the terminal, a Tamil vowel sign none.
    assert max(map(cell_len, lines)) <= 80


def test_pages_go_on_where_the_last_one_ended(sample: Run) -> None:
    ids: list[str] = []
    page = sample("page", "--json", "--size", "20").json
    while page["next"] is not None:
        ids += [row["id"] for row in page["rows"]]
        page = sample("page", "--json", "--size", "20", "--after", page["next"]).json
    ids += [row["id"] for row in page["rows"]]
    assert len(ids) == len(set(ids)) == 61


@pytest.mark.parametrize(
    ("options", "total"),
    [
        (["--tab", "abandoned"], 7),
        (["--tab", "unpaid"], 21),
        (["--source", "tiktok", "--source", "youtube"], 12),
        (["--status", "paid"], 40),
        (["--status", "paid", "--status", "pending", "--status", "open", "--size", "99"], 61),
        (["--status", "cancelled"], 0),
        (["--search", "017-2233445"], 4),
        (["--search", "MEI LING"], 3),
        (["--tag", "vip"], 0),
        (["--shop", "another.myshoppegram.com"], 0),
        (["--from", "2026-03-01", "--to", "2026-03-02"], 4),
        (["--from", "2026-03-14"], 4),
        (["--to", "2026-03-02"], 4),
        (["--from", "2026-03-10", "--to", "2026-03-11"], 4),
        (["--from", "2026-03-10", "--to", "2026-03-11", "--tz", "UTC"], 3),
    ],
)
def test_the_page_is_filtered(sample: Run, options: list[str], total: int) -> None:
    page = sample("page", "--json", *options).json
    assert page["total"] == len(page["rows"]) == total


def test_what_a_page_does_not_count_to_its_end_is_at_least_so_many(
    sample: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sample("page", "--json").json["at_least"] == []
    monkeypatch.setattr("shoppego_orders.page.COUNTED", 40)
    page = sample("page", "--json", "--status", "paid", "--size", "5").json
    assert (page["total"], page["counts"]["all"], page["counts"]["unpaid"]) == (40, 40, 21)
    assert "all" in page["at_least"]
    assert {"total", "unpaid"}.isdisjoint(page["at_least"])
    shown = sample("page", "--size", "5").out
    assert "5 of 40+ orders" in shown
    assert "[All 40+]" in shown


def test_the_page_says_which_days_are_in(sample: Run) -> None:
    page = sample("page", "--from", "2026-03-01", "--to", "2026-03-08").out
    assert "2026-03-01 to 2026-03-07" in page


def test_a_row_in_json_is_exact(sample: Run) -> None:
    row = sample("page", "--json", "--search", "#1262192").json["rows"][0]
    assert row["total"] == "139.00"
    assert row["currency"] == "MYR"
    assert row["declared_difference"] == "-15.00"
    assert row["placed_at"] == "2026-03-02T03:31:50+00:00"
    assert row["payment_status"] == "paid"
    assert row["tags"] == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--tz", "Mars/Olympus"], "Mars/Olympus"),
        (["--from", "2026-03-08", "--to", "2026-03-01"], "2026-03-08"),
        (["--from", "yesterday"], "--from"),
        (["--to", "2026-13-01"], "--to"),
        (["--size", "0"], "size"),
        (["--after", "nowhere"], "nowhere"),
    ],
)
def test_a_filter_that_means_nothing_is_told(sample: Run, options: list[str], said: str) -> None:
    refused(sample("page", *options), said)


def test_an_order_is_shown_with_its_history(sample: Run) -> None:
    for word in ("1262192", "#1262192"):
        shown = sample("show", word).out
        for text in (
            *("#1262192", "Siti Nurhaliza Abdullah", "Lot 221", "Facebook", "Billplz"),
            *("Baju Kurung Moden Saloma", "declared total", "-15.00", "139.00"),
            *("payment recorded", "2026-03-02 11:31:50"),
        ):
            assert text in shown, text


def test_an_abandoned_order_tells_why(sample: Run) -> None:
    shown = sample("show", "1262205").out
    assert "Abandoned     2026-03-02 15:07:12" in shown
    assert "checkout-abandoned" in shown
    assert "Still to be paid" in shown


def test_an_order_that_contradicts_itself_says_what_to_look_at(sample: Run) -> None:
    with SqlOrderStore.open("orders.sqlite") as store:
        at = datetime(2026, 3, 20, tzinfo=UTC)
        order = store.get("1262205").cancel(reason="out of stock", at=at)
        store.save(
            order.record_payment("late", order.total, at=at)
            .record_refund("part", Money("100", "MYR"), at=at)
            .record_shipment("J&T", "JT123", at=at)
        )
    shown = sample("show", "1262205").out
    for text in (
        *("cancelled", "out of stock", "Owed to the customer", "208.90", "Refunded", "100.00"),
        *("Parcel        J&T JT123", "! "),
    ):
        assert text in shown, text


def test_an_order_in_json_is_its_documents(sample: Run) -> None:
    shown = sample("show", "1262192", "--json").json
    assert shown["order"]["kind"] == "order"
    assert [event["body"]["data"]["type"] for event in shown["history"]] == [
        "placed",
        "payment_recorded",
    ]


def test_an_order_that_is_not_there_is_told(sample: Run) -> None:
    refused(sample("show", "99"), "99")
    refused(sample("show", "#99"), "#99")
    refused(sample("show", "1262192", "--tz", "Nowhere"), "Nowhere")


def test_a_number_that_two_shops_use_needs_an_id(run: Run) -> None:
    with SqlOrderStore.open("orders.sqlite") as store:
        for name in ("a", "b"):
            store.save(
                Order.place(
                    id=name,
                    at=datetime(2026, 3, 1, tzinfo=UTC),
                    shop=f"{name}.example",
                    number="#SA1",
                    currency="MYR",
                    lines=[LineItem("Sambal", 1, Money("5", "MYR"))],
                )
            )
    refused(run("show", "#SA1"), "a, b")
    assert "a.example" in run("show", "a").out


def test_what_a_customer_typed_neither_acts_on_the_terminal_nor_is_markup(run: Run) -> None:
    hostile = "\x1b[31mRed\x1b]0;title\x07 [bold]Bold[/bold] \x9b2J\u202eevil\nline [/nothing]"
    line = checkout(
        customer={"first_name": hostile, "email": "a@example.com"},
        landing_url=f"https://x.my/?utm_source={hostile}",
        items=[{"product": {"name": hostile}, "price": 10, "quantity": 1}],
        gateway_name=hostile,
    )
    run("import", "-", given=line)
    for command in (("page",), ("show", "1")):
        ran = run(*command)
        assert ran.code == 0
        assert not set(ran.out) & set("\x1b\x07\x9b\u202e")
    assert "[bold]" in run("show", "1").out
    raw = run("page", "--json")
    assert raw.out.isascii()
    assert raw.json["rows"][0]["customer_name"] == hostile


def test_an_error_that_quotes_such_text_does_not_act_either(run: Run) -> None:
    Path("a\x1b[2J.jsonl").write_text("{")
    assert "\x1b" not in run("import", "a\x1b[2J.jsonl").err
    assert "\x1b" not in run("import", "b\x1b[2J.jsonl").err
    assert "\x1b" not in run("import", "a\x1b[2J.jsonl", "--skip-bad").err


# --- sweep -------------------------------------------------------------------------------------

ABANDONED = ["1262205", "1262329", "1262367", "1262416", "1262534", "1262605", "1262665"]
"""Of the sample. 1262367 was paid at exactly 60 minutes, 1262416 three hours later; the other
checkouts that were never completed are of customers who bought something else within the hour."""


def test_a_sweep_finds_what_was_abandoned_once(run: Run) -> None:
    run("import", SAMPLE)
    swept = run("sweep", "--now", AFTER_THE_SAMPLE, "--json").json
    assert (swept["abandoned"], swept["order_ids"]) == (7, ABANDONED)
    assert (swept["kept"], swept["skipped"]) == (54, [])
    again = run("sweep", "--now", AFTER_THE_SAMPLE, "--json").json
    nothing: dict[str, object] = {
        "abandoned": 0,
        "order_ids": [],
        "kept": 0,
        "retracted": {},
        "skipped": [],
    }
    assert again == {"policy": AbandonmentPolicy().id, "dry_run": False} | nothing
    page = run("page", "--tab", "abandoned", "--json").json
    assert [row["id"] for row in page["rows"]] == ABANDONED[::-1]
    recovered = [row["id"] for row in page["rows"] if row["recovered_at"]]
    assert recovered == ["1262416", "1262367"]


def test_a_sweep_is_told_in_words(run: Run) -> None:
    run("import", SAMPLE)
    told = run("sweep", "--now", AFTER_THE_SAMPLE).out
    assert "7 abandoned" in told
    assert ", ".join(ABANDONED) in told


def test_a_sweep_takes_the_present_unless_told(run: Run) -> None:
    run("import", SAMPLE)
    early = run("sweep", "--now", "2026-03-01T09:00:00+08:00", "--json").json
    assert early["kept"] == 0
    # The sample was written before this test could run.
    assert run("sweep", "--json").json["kept"] + 7 <= 61


def test_a_sweep_of_one_shop_leaves_the_others(run: Run) -> None:
    run("import", SAMPLE)
    other = run("sweep", "--shop", "x.my", "--now", AFTER_THE_SAMPLE, "--json").json
    assert other["kept"] == 0


def test_a_dry_run_writes_nothing(run: Run) -> None:
    run("import", SAMPLE)
    before = Path("orders.sqlite").read_bytes()
    tried = run("sweep", "--now", AFTER_THE_SAMPLE, "--dry-run")
    assert tried.out.startswith("Would judge 61 orders: 7 abandoned, 54 not.\n")
    assert run("page", "--tab", "abandoned", "--json").json["total"] == 0
    told = run("sweep", "--now", AFTER_THE_SAMPLE, "--dry-run", "--json").json
    assert (told["dry_run"], told["order_ids"]) == (True, ABANDONED)
    assert Path("orders.sqlite").read_bytes() == before


def test_a_shop_that_switches_it_on_is_not_flooded(run: Run) -> None:
    run("import", SAMPLE)
    swept = run(
        *("sweep", "--now", AFTER_THE_SAMPLE, "--active-from", "2026-03-10T00:00:00+08:00"),
        "--json",
    ).json
    assert 0 < swept["abandoned"] < 7
    assert set(swept["order_ids"]) < set(ABANDONED)
    refused(run("sweep", "--active-from", "monday"), "monday")


def test_a_policy_of_ones_own(run: Run) -> None:
    run("import", SAMPLE)
    policy = AbandonmentPolicy(window=timedelta(hours=4), name="four hours")
    Path("policy.json").write_text(policy_to_json(policy), encoding="utf-8")
    swept = run("sweep", "--now", AFTER_THE_SAMPLE, "--policy", "policy.json", "--json").json
    assert swept["policy"] == policy.id
    assert set(swept["order_ids"]) < set(ABANDONED)  # paid within four hours is kept
    Path("bad.json").write_text('{"kind": "order"}', encoding="utf-8")
    refused(run("sweep", "--policy", "bad.json"), "abandonment_policy")
    refused(run("sweep", "--policy", "none.json"), "none.json", "No such file")
    refused(run("sweep", "--policy", "nul\0.json"), "null byte")


def test_a_purchase_that_is_imported_late_takes_a_mark_back(run: Run) -> None:
    two = "\n".join(
        checkout(n, created_at=f"2026-03-01T10:0{n}:00+08:00", completed_at=None) for n in (1, 2)
    )
    run("import", "-", given=two)
    assert run("sweep", "--now", "2026-03-01T12:00:00+08:00", "--json").json["abandoned"] == 2
    bought = checkout(
        2,
        created_at="2026-03-01T10:02:00+08:00",
        completed_at="2026-03-01T10:20:00+08:00",
    )
    assert run("import", "-", "--json", given=bought).json["updated"] == 1
    told = run("sweep", "--now", "2026-03-01T13:00:00+08:00").out
    assert "1 is not abandoned any more: The customer bought order 2 at 2026-03-01 02:20" in told
    assert run("page", "--tab", "abandoned", "--json").json["total"] == 0
    again = run("explain", "1", "--now", "2026-03-01T13:00:00+08:00", "--json").json
    assert (again["status"], again["finding"]["parts"][1]["decided_by"]["order_id"]) == (
        "kept",
        "2",
    )


# --- explain -----------------------------------------------------------------------------------


def test_an_order_is_explained(sample: Run) -> None:
    told = sample("explain", ABANDONED[0], "--now", AFTER_THE_SAMPLE).out.splitlines()
    assert told[0].startswith(f"Order {ABANDONED[0]}: abandoned at 2026-03-")
    assert told[2] == "yes: All conditions hold."
    assert told[-1] == f"It is marked as abandoned, by policy {AbandonmentPolicy().id}."
    number = sample("show", "1262140", "--json").json["order"]["body"]["number"]
    kept = sample("explain", number, "--now", AFTER_THE_SAMPLE).out
    assert kept.splitlines()[0] == "Order 1262140: kept"
    assert "  no: Before its deadline it was completed at " in kept
    assert kept.endswith("It is not marked as abandoned.\n")


def test_an_explanation_for_a_program(sample: Run) -> None:
    told = sample("explain", ABANDONED[0], "--now", AFTER_THE_SAMPLE, "--json").json
    assert told["status"] == "abandoned"
    assert [part["rule"] for part in told["finding"]["parts"]] == ["Unfulfilled", "NoOtherPurchase"]
    assert all(part["holds"] and part["wanted"] for part in told["finding"]["parts"])
    early = sample("explain", ABANDONED[0], "--now", told["began"], "--json").json
    assert (early["status"], early["due"]) == ("not_due", told["due"])


def test_an_explanation_by_what_was_known(sample: Run) -> None:
    order = sample("show", "1262140", "--json").json["order"]["body"]
    known = order["completed_at"]
    args = ("explain", "1262140", "--now", AFTER_THE_SAMPLE, "--json", "--known-at")
    assert sample(*args, known).json["status"] == "kept"
    assert sample(*args, order["placed_at"]).json["status"] == "abandoned"
    refused(sample(*args, "2020-01-01T00:00:00Z"), "no such order yet")


def test_what_can_not_be_explained_is_said(sample: Run) -> None:
    refused(sample("explain", "unknown"), "unknown")
    refused(sample("explain", "1262140", "--now", "soon"), "soon")


@pytest.mark.parametrize("now", ["tomorrow", "2026-03-15T00:00:00", "2026-03-15"])
def test_a_moment_that_is_none_is_told(sample: Run, now: str) -> None:
    refused(sample("sweep", "--now", now), now)


# --- export ------------------------------------------------------------------------------------


def records(path: str | Path) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_an_export_is_a_record_for_each_order(sample: Run) -> None:
    said = sample("export", "--out", "o.csv").out
    assert "61 records" in said
    assert [record["id"].lstrip("'") for record in records("o.csv")] == [
        row["id"] for row in reversed(sample("page", "--json", "--size", "100").json["rows"])
    ]


def test_an_export_by_line_and_dates_in_the_shop_s_zone(sample: Run) -> None:
    options = ["--from", "2026-03-01", "--to", "2026-03-03", "--profile", "plain", "--json"]
    orders = sample("export", "--out", "o.csv", *options).json
    assert (orders["records"], orders["period"]) == (8, "2026-03-01 to 2026-03-02")
    assert orders["bytes"] == Path("o.csv").stat().st_size
    lines = sample("export", "--out", "l.csv", "--per", "line", *options).json
    assert lines["records"] == len(records("l.csv")) == 11
    assert {record["id"] for record in records("l.csv")} == {
        record["id"] for record in records("o.csv")
    }


def test_an_export_with_shopifys_headers_or_columns_of_ones_own(sample: Run) -> None:
    assert sample("export", "--out", "a.csv", "--columns", "shopify", "--per", "line").code == 0
    assert Path("a.csv").read_text(encoding="utf-8-sig").startswith("Name,Email,Financial")
    asked = ["--columns", "number,total,currency,placed_at", "--headers", "ms"]
    asked += ["--dates", "spreadsheet", "--delimiter", "semicolon"]
    assert sample("export", "--out", "b.csv", *asked).code == 0
    lines = Path("b.csv").read_text(encoding="utf-8-sig").splitlines()
    assert lines[:2] == [
        "Pesanan;Jumlah;Mata wang;Tarikh",
        "#1262140;83.00;MYR;2026-03-01 09:12:44",
    ]
    for columns, told in (
        ("nix", "'nix'; expected some of"),
        ("total", "one column of the kind currency beside money"),
    ):
        refused = sample("export", "--out", "c.csv", "--columns", columns)
        assert refused.code != 0
        assert told in refused.err
        assert not Path("c.csv").exists()


def test_an_export_of_nothing_is_a_header(sample: Run) -> None:
    assert "0 records" in sample("export", "--out", "o.csv", "--from", "2027-01-01").out
    assert records("o.csv") == []
    assert Path("o.csv").stat().st_size > 0


def test_a_formula_is_disarmed_unless_asked_for_raw(sample: Run) -> None:
    for profile, guard in (("excel", "'"), ("plain", "'"), ("raw", "")):
        sample("export", "--out", "l.csv", "--per", "line", "--profile", profile)
        products = [record["product"] for record in records("l.csv")]
        assert f"{guard}=1+1 Combo Raya Set" in products


def test_an_export_is_mailed_into_a_folder(sample: Run) -> None:
    said = sample("export", "--out", "o.csv", "--mail", "boss@shop.my", "--outbox", "out/box").out
    assert "boss@shop.my" in said
    (mail,) = Path("out/box").glob("*.eml")
    message = email.message_from_bytes(mail.read_bytes(), policy=email.policy.default)
    assert message["To"] == "boss@shop.my"
    (attached,) = message.iter_attachments()
    assert attached.get_content_type() == "text/csv"
    assert attached.get_payload(decode=True) == Path("o.csv").read_bytes()


def test_a_mail_server_that_refuses_is_told_and_the_file_is_kept(sample: Run) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    ran = sample("export", "--out", "o.csv", "--mail", "boss@shop.my", "--smtp", address)
    assert ran.code == 1
    assert "61 records" in ran.out
    assert "boss@shop.my was not sent" in ran.err
    assert len(records("o.csv")) == 61


def test_recipients_that_a_mail_server_refuses_are_told(sample: Run) -> None:
    to = ("--mail", "boss@shop.my", "--mail", "refused@shop.my")
    with serving(Inbox()) as port:
        ran = sample("export", "--out", "o.csv", *to, "--smtp", f"127.0.0.1:{port}")
    assert ran.code == 0
    assert "The mail was refused for refused@shop.my (550 no such customer)" in ran.err
    assert "Mailed it to boss@shop.my." in ran.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--out", "missing/o.csv"], "missing/o.csv was not written"),
        (["--out", "."], "not written"),
        (["--out", "o.csv", "--tz", "Mars/X"], "Mars/X"),
        (["--out", "o.csv", "--from", "2026-03-02", "--to", "2026-03-02"], "2026-03-02"),
        (["--out", "o.csv", "--from", "2026-03-01", "--to", "Monday"], "Monday"),
    ],
)
def test_an_export_that_can_t_be_is_told_and_leaves_nothing(
    sample: Run, options: list[str], said: str
) -> None:
    before = sorted(path for path in Path().iterdir() if "sqlite" not in path.name)
    refused(sample("export", *options), said)
    assert sorted(path for path in Path().iterdir() if "sqlite" not in path.name) == before


def test_a_mail_address_that_is_none_is_told(sample: Run) -> None:
    ran = sample("export", "--out", "o.csv", "--mail", "two@a.my, b@b.my", "--outbox", "out")
    assert ran.code == 1
    assert "two@a.my, b@b.my" in ran.err
    assert not Path("out").exists()


# --- older tables ------------------------------------------------------------------------------


def test_tables_of_an_older_release_are_upgraded_when_asked(sample: Run) -> None:
    run_sql("orders.sqlite", *back_to(2))
    told = sample("exports", "list")
    assert told.code == 1
    assert "tables are of version 2" in told.err
    assert "`shoppego-orders upgrade`" in told.err
    assert sample("upgrade", "--dry-run").out == (
        "orders.sqlite has tables of version 2, which has to be upgraded.\n"
    )
    assert sample("upgrade", "--dry-run", "--json").json == {
        "found": 2,
        "version": 2,
        "usable": False,
    }
    assert sample("upgrade").out == (
        f"orders.sqlite had tables of version 2, and has version {SCHEMA_VERSION} now.\n"
    )
    assert sample("exports", "list").code == 0
    assert sample("page", "--json").json["total"] > 0
    again = sample("upgrade")
    assert (again.code, again.out) == (
        0,
        f"orders.sqlite has tables of version {SCHEMA_VERSION}, which this release uses.\n",
    )
    assert sample("upgrade", "--json").json["usable"] is True


def test_what_can_not_be_upgraded_is_told(run: Run) -> None:
    missing = run("upgrade")
    assert (missing.code, missing.out) == (1, "")
    assert "no tables for orders yet" in missing.err
    Path("orders.sqlite").touch()
    assert run("upgrade", "--dry-run").out == "orders.sqlite has no tables for orders yet.\n"


# --- usage -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "args",
    [
        ["import"],
        ["nonsense"],
        ["page", "--tab", "nonsense"],
        ["page", "--status", "nonsense"],
        ["page", "--size", "many"],
        ["export"],
        ["export", "--out", "o.csv", "--per", "week"],
        ["export", "--out", "o.csv", "--mail", "a@b.my"],
        ["export", "--out", "o.csv", "--outbox", "out"],
        ["export", "--out", "o.csv", "--smtp", "localhost:25"],
        ["export", "--out", "o.csv", "--mail", "a@b.my", "--outbox", "o", "--smtp", "h:25"],
        ["export", "--out", "o.csv", "--mail", "a@b.my", "--smtp", "localhost"],
        ["export", "--out", "o.csv", "--mail", "a@b.my", "--smtp", ":25"],
        ["export", "--out", "o.csv", "--mail", "a@b.my", "--smtp", "localhost:99999"],
    ],
)
def test_a_wrong_command_line_is_exit_code_2(run: Run, args: list[str]) -> None:
    ran = run(*args)
    assert (ran.code, ran.out) == (2, "")
    assert "Usage: shoppego-orders" in ran.err


@pytest.mark.parametrize(
    "command",
    ["import", "page", "show", "sweep", "explain", "export", "demo", "attribute", "upgrade"],
)
def test_every_command_has_help_and_takes_the_database(run: Run, command: str) -> None:
    ran = run(command, "--help")
    assert ran.code == 0
    assert "--db FILE" in ran.out


def test_help_says_that_the_end_is_not_included(run: Run) -> None:
    assert "no longer counts" in run("export", "--help").out


# --- attribute ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "source", "logo"),
    [
        ("https://x.my/", "direct", "globe"),
        ("http://hartamas.myshoppegram.com/cart/2648:1?utm_source=youtube", "youtube", "youtube"),
        ("http://hartamas.myshoppegram.com/cart/2648:1?utm_source=tiktok", "tiktok", "tiktok"),
        ("https://x.my/?utm_source=google", "google", "google"),
        ("https://x.my/?utm_source=googleads.g.doubleclick.net", "google-ads", "google-plus"),
        ("https://x.my/?utm_source=telegram", "telegram", "telegram"),
        ("https://x.my/?utm_source=whatsapp", "whatsapp", "whatsapp"),
        ("https://x.my/?utm_source=wordpress", "wordpress", "wordpress"),
    ],
)
def test_a_visit_is_attributed(run: Run, url: str, source: str, logo: str) -> None:
    answer = run("attribute", url, "--json").json
    assert (answer["source"], answer["logo"]) == (source, logo)
    assert answer["channel"]
    assert answer["reason"]
    told = run("attribute", url).out
    assert source in told
    assert answer["reason"] in told


def test_a_referrer_that_no_row_knows_is_a_referral(run: Run) -> None:
    answer = run("attribute", "https://x.my/", "--referrer", "https://blog.example/", "--json").json
    assert answer["source"] == "referral"


def test_visits_are_read_a_line_each_and_none_is_lost(run: Run) -> None:
    lines = [
        '{"landing_url": "https://x.my/?utm_source=tiktok", "other": 1}',
        "{",
        "",
        '{"landing_url": "https://x.my/", "referrer": "https://t.me/kedai"}',
        "[]",
        '{"landing_url": 5}',
        '{"referrer": ["https://t.me/"]}',
        '{"landing_url": null, "referrer": null}',
        "{}",
        '{"landing_url": "\\ud800"}',
    ]
    ran = run("attribute", "-", given="\n".join(lines))
    answers = [json.loads(line) for line in ran.out.splitlines()]
    assert [answer.get("source", answer.get("line")) for answer in answers] == [
        *("tiktok", 2, "telegram", 5, 6, 7, "direct", "direct", "direct"),
    ]
    assert all(answer["error"] for answer in answers if "line" in answer)
    assert (ran.code, ran.err) == (1, "Error: 4 of 9 lines could not be read\n")


def test_good_visits_alone_are_exit_code_0(run: Run) -> None:
    ran = run("attribute", "-", given="\ufeff{}\n")
    assert (ran.code, ran.err, ran.out.count("\n")) == (0, "", 1)


def test_a_visit_that_is_no_utf_8_is_a_bad_line(run: Run) -> None:
    ran = run("attribute", "-", given=b'{"landing_url": "\xff"}\n{}\n')
    assert (ran.code, ran.out.count("\n")) == (1, 2)


# --- demo --------------------------------------------------------------------------------------


def test_the_demo_leaves_a_page_a_csv_and_a_mail_and_changes_nothing_when_run_again(
    run: Run,
) -> None:
    first = run("demo")
    assert (first.code, first.err) == (0, "")
    assert "[All 61]" in first.out
    assert "Abandoned 7" in first.out
    assert len(records("demo/orders.csv")) == 61
    (mail,) = Path("demo/outbox").glob("*.eml")
    message = email.message_from_bytes(mail.read_bytes(), policy=email.policy.default)
    (attached,) = message.iter_attachments()
    assert attached.get_payload(decode=True) == Path("demo/orders.csv").read_bytes()
    before = {path: path.read_bytes() for path in Path("demo").rglob("*") if path.is_file()}
    second = run("demo")
    assert "0 of them new" in second.out
    assert {path: path.read_bytes() for path in Path("demo").rglob("*") if path.is_file()} == before


def test_what_the_demo_says_to_look_at_works(run: Run) -> None:
    said = run("demo", "--out", "elsewhere/demo").out
    commands = [line.split()[1:] for line in said.splitlines() if "shoppego-orders --db" in line]
    assert len(commands) == 4
    for command in commands:
        ran = run(*command)
        assert ran.code == 0
        assert ran.out


def test_a_demo_without_a_place_is_told(run: Run) -> None:
    Path("file").touch()
    refused(run("demo", "--out", "file"), "file was not written")
    refused(run("demo", "--out", "file/demo"), "file/demo was not written")


# --- a process of its own ----------------------------------------------------------------------


def process(
    *args: str | Path, cwd: Path, stderr: int = subprocess.PIPE
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "shoppego_orders", *map(str, args)]
    return subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=stderr, check=False)


def test_the_module_is_the_command(tmp_path: Path) -> None:
    done = process("import", SAMPLE, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    done = process("show", "99", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"Error: ")
    assert process("nonsense", cwd=tmp_path).returncode == 2


def test_a_reader_that_has_enough_is_no_error(tmp_path: Path, swept: Path) -> None:
    shutil.copy(swept, tmp_path / "orders.sqlite")
    for command in (["page", "--size", "100"], ["attribute", "-"]):
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(
            [sys.executable, "-m", "shoppego_orders", *command],
            cwd=tmp_path,
            input=b"{}\n" * 10_000,
            stdout=write,
            stderr=subprocess.PIPE,
            check=False,
        )
        os.close(write)
        assert done.stderr == b"", command


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_disk_behind_standard_output_is_told(tmp_path: Path, swept: Path) -> None:
    shutil.copy(swept, tmp_path / "orders.sqlite")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "shoppego_orders", "page", "--json"],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == b"Error: No space left on device\n"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_progress_bar_is_for_people_alone(tmp_path: Path) -> None:
    for command, what, unit in (
        (["import", SAMPLE], b"Importing", b" bytes"),
        (["sweep", "--now", AFTER_THE_SAMPLE], b"Looking for", b" orders"),
        (["export", "--out", "o.csv"], b"Writing", b" orders"),
    ):
        terminal, watched = os.openpty()
        shown = bytearray()
        reader = threading.Thread(target=read_all, args=(terminal, shown))
        reader.start()
        done = process(*command, cwd=tmp_path, stderr=watched)
        os.close(watched)
        reader.join()
        os.close(terminal)
        assert done.returncode == 0
        assert what in shown
        assert unit in shown
        assert b":--" in shown or b"0:00" in shown, "no time left"
        assert b"\x1b[" not in done.stdout


def test_a_rate_is_shown_once_it_is_known() -> None:
    task = Task(TaskID(0), "Writing", total=9_000, completed=4_500, _get_time=lambda: 0.0)
    assert str(Rate("orders").render(task)) == "4,500 orders"
    task.finished_speed = 1_234.5
    assert str(Rate("orders").render(task)) == "4,500 orders, 1,234/s"


def read_all(terminal: int, into: bytearray) -> None:
    with contextlib.suppress(OSError):  # how a terminal says that its other side is closed
        while chunk := os.read(terminal, 65_536):
            into += chunk


def test_a_terminal_of_another_encoding_gets_question_marks(tmp_path: Path, swept: Path) -> None:
    shutil.copy(swept, tmp_path / "orders.sqlite")
    done = subprocess.run(
        [sys.executable, "-m", "shoppego_orders", "page", "--size", "100"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"?? ?" in done.stdout


@pytest.mark.parametrize("package", ["click", "rich", "sqlalchemy"])
def test_a_missing_extra_is_told(tmp_path: Path, package: str) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from shoppego_orders.cli import main\n"
        "sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "import", SAMPLE],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"Error: {package} is not installed")
    assert "pip install 'shoppego-orders[" in done.stderr


# --- real orders -------------------------------------------------------------------------------


@pytest.mark.once
@pytest.mark.skipif(not REAL.exists(), reason="the real orders are not part of the project")
def test_real_orders_agree_with_an_independent_computation(run: Run) -> None:
    report = run("import", REAL, "--json").json
    assert (report["read"], report["imported"], report["bad"]) == (8135, 8135, [])
    now = "2018-12-01T00:00:00Z"
    swept = run("sweep", "--now", now, "--json").json
    assert swept["abandoned"] == len(swept["order_ids"]) == len(set(swept["order_ids"]))
    assert set(swept["order_ids"]) == abandoned_by_sql()
    assert swept["abandoned"] + swept["kept"] == 8135
    assert run("sweep", "--now", now, "--json").json["kept"] == 0

    # One pass over the rows, and a replay of each history, say the same.
    with SqlOrderStore("orders.sqlite") as store:
        at = datetime.fromisoformat(now)
        streamed = judge_stream(store.rows(OrderQuery()), AbandonmentPolicy(), at)
        left = {each.order_id for each in streamed if each.status is VerdictStatus.ABANDONED}
        assert left == abandoned_by_sql()
        for row in store.rows(OrderQuery(limit=500)):
            verdict = replay_stored(store, row.id, AbandonmentPolicy(), as_of=at)
            assert verdict.abandoned_at == row.abandoned_at

    exported = run("export", "--out", "o.csv", "--profile", "plain", "--json").json
    reread = records("o.csv")
    assert exported["records"] == len(reread) == 8135
    assert {record["id"] for record in reread if record["abandoned_at"]} == abandoned_by_sql()
    # A page counts no further than people read.
    shown = run("page", "--tab", "abandoned", "--json").json
    assert shown["total"] == 1_000 < swept["abandoned"]
    assert "total" in shown["at_least"]


def abandoned_by_sql() -> set[str]:
    """The documented rule in plain SQL over the raw file, with nothing of this library."""

    def micros(text: str | None) -> int | None:
        if text is None:
            return None
        moment = datetime.fromisoformat(text)
        epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
        elapsed = moment - epoch
        return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds

    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE raw (id, email, began, completed)")
    with gzip.open(REAL, "rt", encoding="utf-8") as file:
        database.executemany(
            "INSERT INTO raw VALUES (?, ?, ?, ?)",
            (
                (
                    raw["id"],
                    raw["customer"]["email"].strip().lower(),
                    micros(raw["created_at"]),
                    micros(raw["completed_at"]),
                )
                for raw in (json.loads(line)["checkout"] for line in file)
            ),
        )
    database.execute("CREATE INDEX by_customer ON raw (email, completed)")
    found = database.execute(
        """
        SELECT id FROM raw AS this
        WHERE (completed IS NULL OR completed >= began + 3600000000)
        AND NOT EXISTS (
            SELECT 1 FROM raw AS other
            WHERE other.email = this.email AND other.id <> this.id
            AND other.completed >= this.began AND other.completed < this.began + 3600000000
        )
        """
    ).fetchall()
    database.close()
    return {row[0] for row in found}
