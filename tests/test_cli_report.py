"""The sales report at a terminal."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from command_line import Run, runner
from shoppego_orders.adapters.sql import SqlOrderStore
from shoppego_orders.cli import main
from shoppego_orders.money import Money
from shoppego_orders.order import LineItem, Order

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "src" / "shoppego_orders" / "sample_checkouts.jsonl"
REAL = ROOT.parent / "shared" / "data" / "real-checkouts.jsonl.gz"


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the sample."""
    path = tmp_path_factory.mktemp("sample") / "orders.sqlite"
    assert main(["--db", str(path), "import", str(SAMPLE)]) == 0
    return path


@pytest.fixture
def run(
    tmp_path: Path,
    imported: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Run a command line in a folder that holds the sample's orders."""
    monkeypatch.chdir(tmp_path)
    Path("orders.sqlite").write_bytes(imported.read_bytes())
    return runner(monkeypatch, capsys)


def test_it_shows_what_was_sold_and_who_bought(run: Run) -> None:
    ran = run("report", "--by", "week")
    assert ran.code == 0
    for line in (
        "2026-W10  MYR           24     61  2169.20    179.00       -15.00  2333.20",
        "(total)   MYR           52    140  4514.10    361.00       -15.00  4860.10",
        "2026-W10  MYR               15          9",
        "52 sales; all dates (Asia/Kuala_Lumpur).",
    ):
        assert line in ran.out, line


def test_days_are_asked_for_and_who_is_new_is_known_from_before(run: Run) -> None:
    days = ("--from", "2026-03-09", "--to", "2026-03-16")
    (week,) = run("report", "--by", "week", "--json", *days).json
    assert (week["week"], week["orders"], week["first_time"], week["returning"]) == (
        "2026-W11",
        24,
        1,
        23,
    )
    assert (week["net"], week["average"], week["currency"]) == ("2203.60", "91.82", "MYR")
    assert "24 sales; 2026-03-09 to 2026-03-15 (" in run("report", *days).out
    assert run("report", "--json", "--from", "2030-01-01").json == []
    assert run("report", "--json", "--shop", "another.example").json == []
    assert "0 sales" in run("report", "--shop", "another.example").out


def test_products_have_the_sums_that_are_known_of_them(run: Run) -> None:
    first, *_ = run("report", "--by", "product", "--json").json
    assert first == {
        "product": "Baju Kurung Moden Saloma",
        "currency": "MYR",
        "lines": 7,
        "units": 7,
        "gross": "903.00",
    }


def test_it_writes_a_csv_for_a_spreadsheet(run: Run) -> None:
    ran = run("report", "--by", "product", "--csv", "sales.csv")
    assert "Wrote sales.csv." in ran.out
    assert Path("sales.csv").read_bytes().startswith(b"\xef\xbb\xbfproduct,currency,lines,")
    with Path("sales.csv").open(encoding="utf-8-sig", newline="") as file:
        records = list(csv.DictReader(file))
    assert sum(Decimal(record["gross"]) for record in records) == Decimal("4514.10")
    assert [record["product"] for record in records if "=" in record["product"]] == [
        "'=1+1 Combo Raya Set"
    ]


def test_what_a_customer_typed_does_nothing_to_the_terminal(run: Run) -> None:
    at = datetime(2026, 3, 1, tzinfo=ZoneInfo("UTC"))
    name = "Kopi\x1b[2J\r\n\u202eO"
    order = Order.place(
        id="x", at=at, shop="s", currency="SGD", lines=[LineItem(name, 1, Money("5", "SGD"))]
    )
    with SqlOrderStore("orders.sqlite") as store:
        store.save(order.mark_paid(at=at))
    out = run("report", "--by", "product", "--shop", "s").out
    assert "\nKopi [2J O  SGD" in out
    assert "\x1b" not in out
    assert "\u202e" not in out


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--by", "year"), 2),
        (("--from", "tomorrow"), 1),
        (("--from", "2026-03-08", "--to", "2026-03-01"), 1),
        (("--tz", "Mars/X"), 1),
        (("--csv", "no/such/folder.csv"), 1),
        (("--db", "nothing.sqlite"), 1),
    ],
)
def test_a_wrong_wish_is_told(run: Run, options: tuple[str, ...], code: int) -> None:
    ran = run("report", *options)
    assert (ran.code, ran.out) == (code, "")
    assert "Error: " in ran.err


@pytest.mark.once
@pytest.mark.skipif(not REAL.exists(), reason="the real orders are not part of the project")
def test_real_orders_agree_with_an_independent_computation(run: Run) -> None:
    assert run("import", REAL, "--db", "real.sqlite").code == 0
    zone = "America/Sao_Paulo"
    found = run("report", "--db", "real.sqlite", "--by", "month", "--tz", zone, "--json").json
    months = {month["month"]: {name: Decimal(month[name]) for name in NAMES} for month in found}
    assert months == by_month(ZoneInfo(zone))


NAMES = ("orders", "units", "gross", "shipping", "total", "first_time")


def by_month(zone: ZoneInfo) -> dict[str, dict[str, Decimal]]:
    """The same sums over the raw file, with nothing of this library."""
    with gzip.open(REAL, "rt", encoding="utf-8") as file:
        checkouts: list[dict[str, Any]] = [json.loads(line)["checkout"] for line in file]
    known: set[str] = set()
    months: dict[str, dict[str, Decimal]] = {}
    for each in sorted(checkouts, key=lambda each: (each["created_at"], each["id"])):
        if each["completed_at"] is None:
            continue
        began = datetime.fromisoformat(each["created_at"]).astimezone(zone)
        sums = months.setdefault(f"{began:%Y-%m}", dict.fromkeys(NAMES, Decimal(0)))
        sums["orders"] += 1
        for item in each["items"]:
            sums["units"] += item["quantity"]
            sums["gross"] += Decimal(item["price"]) * item["quantity"]
        sums["shipping"] += Decimal(each["shipping"] or 0)
        sums["total"] += Decimal(each["total"])
        sums["first_time"] += each["customer"]["email"] not in known
        known.add(each["customer"]["email"])
    return months
