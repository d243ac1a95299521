"""Schedules by example: "every Monday at 08:00, last week's orders", and the odd days of clocks."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from other_processes import asked_by_another_process, in_processes
from shoppego_orders.adapters.memory import (
    MemoryExportLog,
    MemoryOrderStore,
    MemoryShelf,
    RecordingMailer,
)
from shoppego_orders.adapters.sql import SqlExportLog, SqlOrderStore
from shoppego_orders.errors import InvalidDocument, InvalidValue
from shoppego_orders.export import (
    ExportRequest,
    Exports,
    Schedule,
    ask_due,
    period_text,
    schedule_from_json,
    schedule_to_json,
)
from shoppego_orders.export.recurrence import Recurrence
from shoppego_orders.periods import MICROSECOND, Period
from shoppego_orders.ports import ExportStatus
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.samples import SHOP, order_of
from wrong_calls import assert_told

KL = ZoneInfo("Asia/Kuala_Lumpur")
FIRST = datetime(2026, 3, 1, 8, tzinfo=KL)
DAY = timedelta(days=1)


def weekly(**changes: object) -> Schedule:
    fields: dict[str, object] = {
        "name": "Jualan mingguan",
        "rule": "FREQ=WEEKLY;BYDAY=MO",
        "start": FIRST,
        "request": ExportRequest(query=OrderQuery(shop=SHOP)),
        "period": "last_week",
        "to": "owner@example.my",
    }
    return Schedule(**fields | changes)  # type: ignore[arg-type]  # fields of it


def times(rule: str, start: str, zone: str, most: int = 9) -> list[str]:
    begins = datetime.fromisoformat(start)
    found = Recurrence(rule, begins, zone).occurrences(begins - MICROSECOND)
    clock = ZoneInfo(zone)
    return [
        each.at.astimezone(clock).isoformat(" ", "minutes")
        for each, _ in zip(found, range(most), strict=False)
    ]


def test_every_monday_at_eight_last_weeks_orders() -> None:
    schedule = weekly()
    assert schedule.next_run(FIRST) == datetime(2026, 3, 2, 8, tzinfo=KL)
    assert schedule.next_run(datetime(2026, 3, 2, 8, tzinfo=KL)) == datetime(
        2026, 3, 9, 8, tzinfo=KL
    )
    runs = list(schedule.due(FIRST, datetime(2026, 3, 9, 8, tzinfo=KL)))
    assert [period_text(run.request) for run in runs] == [
        *("2026-02-23 to 2026-03-01", "2026-03-02 to 2026-03-08"),
    ]
    assert [run.id for run in runs] == [
        f"schedule/{SHOP}/Jualan%20mingguan/2026-03-02T08:00:00",
        f"schedule/{SHOP}/Jualan%20mingguan/2026-03-09T08:00:00",
    ]
    assert list(schedule.due(runs[0].at, runs[0].at)) == []


@pytest.mark.parametrize(
    ("rule", "start", "zone", "expected"),
    [
        # Eight o'clock stays eight o'clock when summer time begins, and when it ends.
        (
            "FREQ=DAILY;COUNT=3",
            "2026-03-28T08:00+00:00",
            "Europe/London",
            ["2026-03-28 08:00+00:00", "2026-03-29 08:00+01:00", "2026-03-30 08:00+01:00"],
        ),
        (
            "FREQ=DAILY;COUNT=3",
            "2026-10-24T08:00+01:00",
            "Europe/London",
            ["2026-10-24 08:00+01:00", "2026-10-25 08:00+00:00", "2026-10-26 08:00+00:00"],
        ),
        # Half past one is skipped, and comes at two; or is there twice, and comes once.
        (
            "FREQ=DAILY;COUNT=3",
            "2026-03-28T01:30+00:00",
            "Europe/London",
            ["2026-03-28 01:30+00:00", "2026-03-29 02:00+01:00", "2026-03-30 01:30+01:00"],
        ),
        (
            "FREQ=DAILY;COUNT=3",
            "2026-10-24T01:30+01:00",
            "Europe/London",
            ["2026-10-24 01:30+01:00", "2026-10-25 01:30+01:00", "2026-10-26 01:30+00:00"],
        ),
        # By the hour: the skipped ones come together, once; the hour that is there twice, once.
        (
            "FREQ=HOURLY;UNTIL=20260329T040000",
            "2026-03-29T00:00+00:00",
            "Europe/London",
            [
                *("2026-03-29 00:00+00:00", "2026-03-29 02:00+01:00", "2026-03-29 03:00+01:00"),
                "2026-03-29 04:00+01:00",
            ],
        ),
        (
            "FREQ=HOURLY;COUNT=4",
            "2026-10-25T00:00+01:00",
            "Europe/London",
            [
                *("2026-10-25 00:00+01:00", "2026-10-25 01:00+01:00", "2026-10-25 02:00+00:00"),
                "2026-10-25 03:00+00:00",
            ],
        ),
        # Half an hour, a midnight, a whole day.
        (
            "FREQ=DAILY;COUNT=2",
            "2026-10-03T02:15+10:30",
            "Australia/Lord_Howe",
            ["2026-10-03 02:15+10:30", "2026-10-04 02:30+11:00"],
        ),
        (
            "FREQ=DAILY;COUNT=2",
            "2026-03-07T00:00-05:00",
            "America/Havana",
            ["2026-03-07 00:00-05:00", "2026-03-08 01:00-04:00"],
        ),
        (
            "FREQ=DAILY;COUNT=3",
            "2011-12-29T08:00-10:00",
            "Pacific/Apia",
            ["2011-12-29 08:00-10:00", "2011-12-31 00:00+14:00", "2011-12-31 08:00+14:00"],
        ),
        # It begins in the second of two half past ones, and the first is not waited for again.
        (
            "FREQ=DAILY;COUNT=2",
            "2026-10-25T01:30+00:00",
            "Europe/London",
            ["2026-10-26 01:30+00:00"],
        ),
        # What the rule leaves open is as at the start.
        (
            "RRULE:FREQ=MONTHLY;COUNT=3",
            "2026-01-31T08:00+08:00",
            "Asia/Kuala_Lumpur",
            ["2026-01-31 08:00+08:00", "2026-03-31 08:00+08:00", "2026-05-31 08:00+08:00"],
        ),
        (
            "freq=monthly;bymonthday=-1;byhour=8;byminute=0;count=2",
            "2026-01-31T12:00+08:00",
            "Asia/Kuala_Lumpur",
            ["2026-02-28 08:00+08:00", "2026-03-31 08:00+08:00"],
        ),
        (
            "FREQ=MONTHLY;BYDAY=+1MO,-1FR;UNTIL=20260202",
            "2026-01-01T08:00+08:00",
            "Asia/Kuala_Lumpur",
            ["2026-01-05 08:00+08:00", "2026-01-30 08:00+08:00", "2026-02-02 08:00+08:00"],
        ),
        (
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;COUNT=1",
            "2026-01-01T08:00+08:00",
            "Asia/Kuala_Lumpur",
            ["2044-02-29 08:00+08:00"],
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SU,MO;COUNT=3",
            "2026-03-02T08:00+08:00",
            "Asia/Kuala_Lumpur",
            ["2026-03-02 08:00+08:00", "2026-03-15 08:00+08:00", "2026-03-16 08:00+08:00"],
        ),
        # Midnight in London is 08:00 in the shop.
        (
            "FREQ=DAILY;UNTIL=20260302T000000Z",
            "2026-03-01T08:00+08:00",
            "Asia/Kuala_Lumpur",
            ["2026-03-01 08:00+08:00", "2026-03-02 08:00+08:00"],
        ),
    ],
)
def test_the_clocks_decide(rule: str, start: str, zone: str, expected: list[str]) -> None:
    assert times(rule, start, zone) == expected


def test_a_rule_that_ends_is_never_due_again() -> None:
    schedule = weekly(rule="FREQ=WEEKLY;BYDAY=MO;COUNT=2")
    assert schedule.next_run(datetime(2026, 3, 9, 8, tzinfo=KL)) is None
    assert len(list(schedule.due(FIRST, FIRST + 365 * DAY))) == 2
    for edge in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        assert (schedule.next_run(edge) is None) is (edge.year > 1)
    assert weekly().next_run(datetime.max.replace(tzinfo=UTC)) is None


@pytest.mark.parametrize(
    "rule",
    [
        *("", "every Monday", "FREQ=WEEKLY;", "FREQ", "FREQ=FORTNIGHTLY", "BYDAY=MO", ";;;"),
        *("FREQ=SECONDLY", "FREQ=MINUTELY", "FREQ=DAILY;BYSECOND=1", "FREQ=DAILY;BYEASTER=1"),
        *("FREQ=DAILY;FREQ=WEEKLY", "FREQ=DAILY\nDTSTART:20260101", "FREQ=DAILY;DTSTART=20260101"),
        *("FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=-1", "FREQ=DAILY;INTERVAL=9999999999"),
        *("FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=x", "FREQ=DAILY;COUNT=١", "FREQ=DAILY;COUNT="),
        *("FREQ=DAILY;BYHOUR=24", "FREQ=DAILY;BYHOUR=8,", "FREQ=DAILY;BYMINUTE=-1"),
        *("FREQ=DAILY;BYMONTHDAY=31", "FREQ=MONTHLY;BYMONTHDAY=0", "FREQ=MONTHLY;BYMONTHDAY=32"),
        *("FREQ=WEEKLY;BYDAY=1MO", "FREQ=MONTHLY;BYDAY=0MO", "FREQ=MONTHLY;BYDAY=+-1MO"),
        *("FREQ=WEEKLY;BYDAY=MON", "FREQ=WEEKLY;WKST=XX", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0"),
        *("FREQ=DAILY;UNTIL=tomorrow", "FREQ=DAILY;UNTIL=20260230"),
        "FREQ=DAILY;UNTIL=20260301T0800",
        # They can never occur, or not before long.
        *("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=31"),
        *("FREQ=DAILY;UNTIL=20260101", "FREQ=HOURLY;INTERVAL=24;BYHOUR=9"),
        "FREQ=YEARLY;BYDAY=53MO;BYMONTH=1",
        f"FREQ=WEEKLY;BYDAY={','.join(['MO'] * 300)}",
    ],
)
def test_what_is_no_rule_is_refused(rule: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        weekly(rule=rule)
    assert refused.value.field == "rule"


def test_a_number_with_a_sign_too_many_is_told_as_that_parts() -> None:
    with pytest.raises(InvalidValue) as refused:
        weekly(rule="FREQ=DAILY;COUNT=1=2")
    assert refused.value.expected == "COUNT from 1 to 100000"


def test_a_request_has_dates_of_its_own_where_there_is_no_period() -> None:
    dated = ExportRequest(query=OrderQuery(placed=Period.of_day(date(2026, 3, 1))))
    (run,) = weekly(request=dated, period=None).due(FIRST, FIRST + 7 * DAY)
    assert run.request == dated


# Missed runs

WEDNESDAY = datetime(2026, 3, 18, 10, tzinfo=KL)


def test_missed_runs_are_caught_up_each_for_its_own_week() -> None:
    runs = list(weekly().due(FIRST, WEDNESDAY))
    assert [period_text(run.request) for run in runs] == [
        "2026-02-23 to 2026-03-01",
        "2026-03-02 to 2026-03-08",
        "2026-03-09 to 2026-03-15",
    ]


def test_missed_runs_are_skipped_where_that_is_asked_for() -> None:
    skipping = weekly(missed="skip")
    assert list(skipping.due(FIRST, WEDNESDAY)) == []
    monday = datetime(2026, 3, 16, 8, tzinfo=KL)
    for seconds, runs in ((0, 1), (3_600, 1), (3_601, 0)):
        late = timedelta(seconds=seconds)
        assert len(list(skipping.due(FIRST, monday + late))) == runs
    assert len(list(weekly(missed="skip", grace=3 * DAY).due(FIRST, WEDNESDAY))) == 1


# Asking


def test_what_is_due_is_asked_for_once_and_mailed() -> None:
    store, log, mailer = MemoryOrderStore(), MemoryExportLog(), RecordingMailer()
    store.save(order_of("1", at=datetime(2026, 3, 3, 9, tzinfo=KL)))
    store.save(order_of("2", at=datetime(2026, 3, 9, 7, tzinfo=KL)))
    exports = Exports(store, log, MemoryShelf(), mailer)
    now = datetime(2026, 3, 9, 8, 0, 5, tzinfo=KL)
    asked = ask_due(exports, weekly(), since=now - 7 * DAY, now=now)
    assert [each.id for each in asked] == [f"schedule/{SHOP}/Jualan%20mingguan/2026-03-09T08:00:00"]
    assert ask_due(exports, weekly(), since=now - 6 * DAY, now=now + DAY) == ()
    done = exports.run(asked[0].id, lambda: now)
    assert done.status is ExportStatus.COMPLETED
    (message,) = mailer.messages
    assert message["Subject"] == f"Orders of {SHOP}, 2026-03-02 to 2026-03-08: 1 order"
    # Whatever becomes of it, it is not asked for again.
    exports.delete(done.id, now)
    assert ask_due(exports, weekly(), since=now - 6 * DAY, now=now + DAY) == ()


def test_of_several_processes_that_look_at_once_one_asks(tmp_path: Path) -> None:
    target = str(tmp_path / "orders.sqlite")
    SqlOrderStore.open(target).close()
    answers = in_processes(asked_by_another_process, target, ["1", "2", "3"])
    assert sum(map(int, answers)) == 2
    with SqlExportLog(target) as log:
        assert len(list(log.exports())) == 2


# Documents

FREQUENCIES = "one with FREQ, of YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY"
AN_INSTANT = "an ISO 8601 date and time with a zone, such as 2021-03-03T22:58:32+08:00"


def test_what_is_no_schedule_is_told_with_its_place() -> None:
    text = schedule_to_json(weekly())
    for old, new, path, problem in (
        (
            "FREQ=WEEKLY",
            "FREQ=SECONDLY",
            "body",
            f"rule is 'FREQ=SECONDLY;BYDAY=MO'; expected {FREQUENCIES}",
        ),
        (
            '"catch_up"',
            '"sometimes"',
            "body.missed",
            "word is 'sometimes'; expected one of catch_up, skip",
        ),
        (
            '"2026-03-01T00:00:00+00:00"',
            '"Monday"',
            "body.start",
            f"instant is 'Monday'; expected {AN_INSTANT}",
        ),
        (
            '"PT3600S"',
            '"1h"',
            "body.grace",
            "duration is '1h'; expected elapsed time such as PT60M or P3D",
        ),
        (
            '"shoppego"',
            '"nix"',
            "body.request.columns",
            "columns is 'nix'; expected one of shoppego, shopify, accounting",
        ),
        ("export_schedule", "policy", "kind", "'policy'; expected 'export_schedule'"),
    ):
        error = InvalidDocument(path, problem)
        assert_told(error, partial(schedule_from_json, text.replace(old, new, 1)))


def test_dateutil_is_loaded_when_a_rule_is_read_and_not_before() -> None:
    code = (
        "import sys; from shoppego_orders.export import Schedule; "
        "assert not any(name.partition('.')[0] == 'dateutil' for name in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
