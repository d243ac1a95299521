"""The commands `exports`, and the periods that have a name."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest

from command_line import Run, runner
from shoppego_orders.adapters.sql import SqlExportLog, SqlOrderStore
from shoppego_orders.export import ExportRequest, Schedule, export_csv, schedule_to_json
from shoppego_orders.ports import Export, ExportStatus, MailStatus
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.samples import OTHER_SHOP, SHOP, order_of

MONDAY = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
NOW = datetime.now(UTC)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in a folder with orders of two shops, the last of today."""
    monkeypatch.chdir(tmp_path)
    with SqlOrderStore.open("orders.sqlite") as store:
        store.save(order_of("1", at=MONDAY))
        store.save(order_of("2", at=MONDAY + timedelta(days=8)))
        store.save(order_of("3", shop=OTHER_SHOP, at=MONDAY))
        store.save(order_of("4", at=NOW))
    return runner(monkeypatch, capsys)


def whole(request: ExportRequest) -> bytes:
    with SqlOrderStore("orders.sqlite") as store:
        return b"".join(export_csv(store, request))


def test_an_export_is_asked_for_run_mailed_listed_and_deleted(run: Run) -> None:
    options = ("--shop", SHOP, "--profile", "plain", "--mail", "boss@shop.my")
    (asked,) = run("exports", "ask", *options, "--json").json
    assert (asked["status"], asked["mail"], asked["shop"]) == ("queued", "due", SHOP)
    listed = run("exports", "list").out
    assert asked["id"] in listed
    assert "queued" in listed
    done = run("exports", "run", "--shelf", "shelf", "--outbox", "out")
    assert (done.code, done.err) == (0, "")
    assert f"{asked['id']}: completed; 3 orders; mail sent; file:" in done.out
    (file,) = Path("shelf").glob("*.csv")
    assert file.read_bytes() == whole(ExportRequest(query=OrderQuery(shop=SHOP)))
    (mail,) = Path("out").glob("*.eml")
    message = email.message_from_bytes(mail.read_bytes(), policy=email.policy.default)
    assert message["To"] == "boss@shop.my"
    assert run("exports", "run", "--shelf", "shelf", "--outbox", "out").out == ""
    (row,) = run("exports", "list", "--json").json
    assert (row["status"], row["orders"], row["bytes"], row["url"]) == (
        *("completed", 3, file.stat().st_size, file.resolve().as_uri()),
    )
    assert run("exports", "list", "--shop", OTHER_SHOP, "--json").json == []
    assert run("exports", "delete", asked["id"], "--shelf", "shelf").out == (
        f"{asked['id']}: deleted; mail sent\n"
    )
    assert list(Path("shelf").iterdir()) == []
    assert run("exports", "list", "--json").json == []


def test_a_file_that_a_server_serves_has_its_address(run: Run) -> None:
    run("exports", "ask", "--shop", OTHER_SHOP)
    run("exports", "ask", "--shop", SHOP)
    served = ("--shelf", "shelf", "--url", "https://files.example.my")
    (done,) = run("exports", "run", "--shop", SHOP, *served, "--json").json
    assert done["url"] == f"https://files.example.my/{done['file']}"
    (deleted,) = run("exports", "delete", done["id"], *served, "--json").json
    assert deleted["url"] is None
    assert list(Path("shelf").iterdir()) == []


def test_what_fails_is_told_on_standard_error(run: Run) -> None:
    run("exports", "ask")
    Path("downloads").write_text("no folder")
    ran = run("exports", "run")
    assert (ran.code, ran.out) == (0, "")
    assert ": failed; " in ran.err
    assert "downloads was not written" in ran.err
    assert "was not written" in run("exports", "list").out


def test_a_running_one_and_an_unknown_mail_are_listed_so(run: Run) -> None:
    with SqlExportLog("orders.sqlite") as log:
        export = Export(id="e1", shop=SHOP, request="{}", asked_at=NOW)
        running = attrs.evolve(
            export, status=ExportStatus.RUNNING, seen_at=NOW, orders=4_000, total=9_000
        )
        log.save(running)
        log.save(
            attrs.evolve(
                export, id="e2", status=ExportStatus.COMPLETED, mail=MailStatus.SENDING, url="u"
            )
        )
    listed = run("exports", "list").out
    assert "4,000 of 9,000" in listed
    assert "nobody knows whether it was sent" in listed
    # Another worker is at it.
    assert run("exports", "run").out == ""


def test_a_worker_that_is_slower_passes_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("exports", "ask")
    from shoppego_orders.export import Exports

    due = Exports.due

    def taken_meanwhile(service: Exports, now: datetime, shop: str | None = None) -> list[Export]:
        found = list(due(service, now, shop))
        for export in found:
            service.delete(export.id, now)
        return found

    monkeypatch.setattr(Exports, "due", taken_meanwhile)
    ran = run("exports", "run")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_a_schedule_is_asked_for_as_often_as_one_likes(run: Run) -> None:
    request = ExportRequest(query=OrderQuery(shop=SHOP))
    weekly = Schedule(
        name="weekly",
        rule="FREQ=WEEKLY;BYDAY=MO;COUNT=2",
        start=MONDAY,
        request=request,
        period="last_week",
    )
    Path("weekly.json").write_text(schedule_to_json(weekly))
    now = (MONDAY + timedelta(days=1)).isoformat()
    first = run("exports", "schedule", "weekly.json", "--now", now)
    assert first.out == (
        f"schedule/{SHOP}/weekly/2026-03-02T08:00:00: queued\n"
        "1 export asked for. The next one is due: 2026-03-09 08:00:00.\n"
    )
    again = run("exports", "schedule", "weekly.json", "--now", now, "--json").json
    assert again == {"asked": [], "next": "2026-03-09T00:00:00+00:00"}
    later = (MONDAY + timedelta(days=30)).isoformat()
    last = run("exports", "schedule", "weekly.json", "--now", later)
    assert "1 export asked for. The next one is due: never." in last.out
    run("exports", "run")
    rows = {row["id"][-19:]: row["orders"] for row in run("exports", "list", "--json").json}
    assert rows == {"2026-03-02T08:00:00": 0, "2026-03-09T08:00:00": 1}
    assert run("exports", "schedule", "weekly.json", "--now", later, "--json").json["next"] is None


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (["delete", "e1"], 1, "no export 'e1' was asked for"),
        (["ask", "--mail", "nobody"], 1, "one e-mail address"),
        (["run", "--outbox", "o", "--smtp", "h:25"], 2, "Either --outbox or --smtp"),
        (["schedule", "missing.json"], 1, "missing.json can't be read"),
        (["schedule", "orders.sqlite"], 1, "no JSON"),
        (["ask", "--period", "last_week", "--from", "2026-03-01"], 2, "give either"),
        (["ask", "--period", "next_week"], 2, "last_week"),
    ],
)
def test_what_is_wrong_is_told(run: Run, command: list[str], code: int, said: str) -> None:
    ran = run("exports", *command)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert run("exports", "list", "--json").json == []


def test_days_that_have_a_name(run: Run) -> None:
    exported = run("export", "--out", "o.csv", "--period", "this_year", "--shop", SHOP, "--json")
    year = (NOW + timedelta(hours=8)).year  # in the shop
    assert exported.json["records"] == (3 if year == MONDAY.year else 1)
    assert run("export", "--out", "o.csv", "--period", "last_year", "--json").json["records"] == (
        3 if year == MONDAY.year + 1 else 0
    )
    assert run("page", "--period", "last_month", "--json").code == 0
    week = run("recovery", "--period", "this_week", "--now", MONDAY.isoformat(), "--json")
    assert week.code == 0
