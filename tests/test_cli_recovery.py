"""The commands `remind` and `recovery`."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from pathlib import Path

import pytest

from abandonment_examples import BEGAN, DUE, OTHER_SHOP, SHOP, begun, paid
from command_line import Run, runner
from mail_servers import Inbox, serving
from recovery_examples import FIRST, HOUR, key_of, left
from shoppego_orders.adapters.sql import SqlOrderStore, SqlTaskLog

MORNING = "2021-03-04T08:00:00+08:00"
NIGHT = "2021-03-04T00:58:17+08:00"
LATER = "2021-03-31T08:00:00+08:00"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in a folder with four abandoned orders, of which one was paid late."""
    monkeypatch.chdir(tmp_path)
    with SqlOrderStore.open("orders.sqlite") as store:
        store.save(left(begun("1")))
        store.save(left(begun("2", email=None)))
        store.save(paid(left(begun("3", email="c@example.com")), FIRST))
        store.save(left(begun("4", shop=OTHER_SHOP)))

    return runner(monkeypatch, capsys)


def test_reminders_leave_in_the_morning_once(run: Run) -> None:
    options = ("remind", "--outbox", "out", "--shop", SHOP)
    held = run(*options, "--now", NIGHT)
    assert held.code == 0
    assert "0 reminders sent, 0 skipped, 0 failed, 3 wait" in held.out
    assert "Wait: 3 because these are the shop's quiet hours" in held.out
    assert not Path("out").exists()
    sent = run(*options, "--now", MORNING)
    assert "1 reminder sent, 2 skipped, 0 failed, 0 wait" in sent.out
    assert "Skipped: 1 because there is no e-mail address to write to" in sent.out
    (mail,) = Path("out").glob("*.eml")
    message = email.message_from_bytes(mail.read_bytes(), policy=email.policy.default)
    assert message["To"] == "aisyah@example.com"
    assert run(*options, "--now", MORNING, "--json").json == {
        "sent": [],
        "skipped": {},
        "failed": {},
        "unknown": {},
        "held": {},
    }


def test_hours_zone_and_cooldown_are_the_shops(run: Run) -> None:
    options = ("remind", "--outbox", "out", "--now", NIGHT, "--json")
    assert len(run(*options, "--tz", "UTC", "--quiet-hours", "16:00-17:00").json["held"]) == 4
    assert len(run(*options, "--tz", "UTC", "--quiet-hours", "17:00-18:00").json["sent"]) == 2
    with SqlOrderStore("orders.sqlite") as store:
        store.save(left(begun("5", at=BEGAN - HOUR)))
        store.save(left(begun("6", at=BEGAN - HOUR, email="c@example.com")))
    held = run(*options, "--quiet-hours", "none", "--cooldown", "1").json
    assert held["skipped"] == {
        key_of("5"): "the customer is reminded of a newer order",
        key_of("6"): "the customer has bought something else since",
    }


def test_what_a_server_refuses_is_told_on_standard_error(run: Run) -> None:
    Path("out").write_text("no folder")
    ran = run("remind", "--outbox", "out", "--now", MORNING)
    assert ran.code == 0
    assert "0 reminders sent, 2 skipped, 2 failed" in ran.out
    assert f"{key_of('1')} was not sent: mail to aisyah@example.com" in ran.err


def test_a_mail_that_was_perhaps_sent_is_told_and_listed(run: Run) -> None:
    inbox = Inbox("cut")
    with serving(inbox) as port:
        options = ("remind", "--smtp", f"127.0.0.1:{port}", "--now", MORNING)
        ran, again = run(*options), run(*options)
    assert (ran.code, len(inbox.envelopes)) == (0, 2)
    assert "0 reminders sent, 2 skipped, 0 failed, 0 wait, 2 unknown." in ran.out
    assert f"{key_of('1')} is unknown, and not sent again: nobody knows" in ran.err
    assert "0 failed, 0 wait, 0 unknown." in again.out
    assert key_of("1") in run("recovery", "--now", MORNING).out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "--outbox or --smtp"),
        (("--outbox", "out", "--smtp", "localhost:25"), "--outbox or --smtp"),
        (("--outbox", "out", "--quiet-hours", "night"), "HH:MM-HH:MM"),
        (("--outbox", "out", "--cooldown", "-1"), "--cooldown"),
        (("--smtp", "localhost"), "HOST:PORT"),
    ],
)
def test_a_wrong_command_line_sends_nothing(run: Run, options: tuple[str, ...], said: str) -> None:
    ran = run("remind", *options)
    assert ran.code == 2
    assert said in ran.err
    assert not Path("out").exists()


@pytest.mark.parametrize(
    "options", [("--quiet-hours", "08:00-08:00"), ("--tz", "Mars/X"), ("--now", "tomorrow")]
)
def test_a_plan_that_is_none_is_told(run: Run, options: tuple[str, ...]) -> None:
    ran = run("remind", "--outbox", "out", *options)
    assert ran.code == 1
    assert ran.err.startswith("Error: ")
    assert not Path("out").exists()


def test_the_report_settles_first_and_lists_what_is_unknown(run: Run) -> None:
    run("remind", "--outbox", "out", "--now", MORNING)
    with SqlTaskLog("orders.sqlite") as tasks:
        tasks.claim(key_of("9"), FIRST)
    early = run("recovery", "--json", "--now", MORNING).json
    assert early["settled_now"] == {"3": "recovered"}
    assert early["outcomes"]["open"] == 3
    told = run("recovery", "--now", LATER)
    assert told.code == 0
    for line in (
        "4 abandoned checkouts.",
        "Recovered revenue: MYR 59.50",
        "2 reminders sent, 2 skipped, 0 failed, 1 unknown.",
        "Skipped: 1 because it was completed after all",
        f"  2021-03-04 00:58:17  {key_of('9')}\n",
    ):
        assert line in told.out, line
    assert "Lost                3" in told.out
    as_json = run("recovery", "--json", "--now", LATER, "--shop", SHOP).json
    assert as_json == {
        "abandoned": 3,
        "outcomes": {"open": 0, "recovered": 1, "returned": 0, "substituted": 0, "lost": 2},
        "recovered": {"MYR": "59.50"},
        "substituted": {},
        "reminders": {
            "sent": 1,
            "skipped": {
                "there is no e-mail address to write to": 1,
                "it was completed after all": 1,
            },
            "failed": 0,
            "unknown": 1,
        },
        "settled_now": {},
        "unknown": [{"key": key_of("9"), "claimed_at": FIRST.isoformat()}],
    }
    assert "nobody knows" not in run("recovery", "--shop", OTHER_SHOP, "--now", LATER).out


def test_the_report_is_of_days_of_the_shop(run: Run) -> None:
    # The checkouts began at 22:58 on 3 March in Malaysia.
    for days, found in (
        (("--from", "2021-03-03", "--to", "2021-03-04"), 4),
        (("--from", "2021-03-04"), 0),
        (("--to", "2021-03-04"), 4),
        (("--from", "2021-03-04", "--tz", "Pacific/Auckland"), 4),
    ):
        assert run("recovery", "--json", "--now", LATER, *days).json["abandoned"] == found, days


def test_other_orders_count_with_another_end(run: Run) -> None:
    with SqlOrderStore("orders.sqlite") as store:
        bought = paid(begun("b", at=BEGAN - 24 * HOUR), DUE + HOUR)
        store.save(bought)
    told = run("recovery", "--now", "2021-03-05T00:00:00Z", "--lost-after", "1")
    assert "Substituted         1" in told.out
    assert "Bought instead: MYR 59.50" in told.out
    assert "Lost                2" in told.out


def test_more_ends_than_are_settled_at_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shoppego_orders.cli.recovering._AT_ONCE", 2)
    assert len(run("recovery", "--json", "--now", LATER).json["settled_now"]) == 4


def test_what_can_t_be_read_is_told_and_the_present_is_taken_unless_told(run: Run) -> None:
    with SqlOrderStore("orders.sqlite") as store, store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE shoppego_orders SET document = '{' WHERE id = '1'")
    ran = run("recovery")
    assert "1 was not settled: " in ran.err
    assert "Open                1" in ran.out
    assert datetime.now(UTC) > FIRST
