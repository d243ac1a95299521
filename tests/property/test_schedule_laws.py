"""The laws of schedules: wall time in every zone, nothing twice, nothing left out."""

from __future__ import annotations

import zoneinfo
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from hypothesis import assume, example, given
from hypothesis import strategies as st

from shoppego_orders.adapters.memory import MemoryExportLog, MemoryOrderStore, MemoryShelf
from shoppego_orders.errors import InvalidValue
from shoppego_orders.export import (
    ExportRequest,
    Exports,
    Schedule,
    ask_due,
    request_from_json,
    schedule_from_json,
    schedule_to_json,
)
from shoppego_orders.export.recurrence import Recurrence
from shoppego_orders.periods import MICROSECOND, Period, PeriodName
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.strategies import SHOPS

DAY = timedelta(days=1)

# With hours, half hours, midnights and a whole day that clocks skipped or showed twice.
zones = st.sampled_from(
    ["Asia/Kuala_Lumpur", "Europe/London", "America/New_York", "Australia/Lord_Howe",
     "America/Sao_Paulo", "America/Havana", "Pacific/Apia", "Africa/Cairo", "UTC"]
)  # fmt: skip
minutes = st.sampled_from([time(8), time(0), time(1, 30), time(2), time(2, 30), time(23, 59)])
starts = st.datetimes(datetime(2008, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  # bounds are naive by contract
days = st.lists(
    st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), min_size=1, max_size=3, unique=True
)


@st.composite
def rules(draw: st.DrawFn) -> str:
    parts = [
        draw(
            st.sampled_from(
                [
                    "FREQ=DAILY", "FREQ=HOURLY", "FREQ=WEEKLY", "FREQ=MONTHLY;BYMONTHDAY=1,-1",
                    "FREQ=MONTHLY;BYDAY=1MO,-1FR", "FREQ=YEARLY;BYMONTH=1,7;BYMONTHDAY=15",
                    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "FREQ=YEARLY;BYYEARDAY=1",
                ]
            )
        )
    ]  # fmt: skip
    if "BY" not in parts[0] and draw(st.booleans()):
        parts.append(f"BYDAY={','.join(draw(days))}")
    if draw(st.booleans()):
        parts.append(f"BYHOUR={draw(st.integers(0, 23))};BYMINUTE=0,30")
    if draw(st.booleans()):
        parts.append(f"INTERVAL={draw(st.integers(1, 3))}")
    if draw(st.integers(0, 4)) == 4:
        parts.append(f"COUNT={draw(st.integers(1, 9))}")
    return ";".join(parts)


def recurrence(rule: str, start: datetime, zone: str) -> Recurrence:
    try:
        return Recurrence(rule, start, zone)
    except InvalidValue:  # such as every third hour, at an hour that it never meets
        assume(False)  # Hypothesis's own word for "not this one"
        raise


@given(rules(), starts, zones)
def test_an_occurrence_is_when_clocks_show_it_or_first_show_a_later_time(
    rule: str, start: datetime, zone: str
) -> None:
    clock = zoneinfo.ZoneInfo(zone)
    found = recurrence(rule, start, zone).occurrences(start - MICROSECOND)
    some = [occurrence for occurrence, _ in zip(found, range(40), strict=False)]
    for wall, at in some:
        assert at >= start.replace(microsecond=0)
        shown = at.astimezone(clock).replace(tzinfo=None)
        assert shown >= wall
        if shown != wall:
            # A moment before it was earlier than the rule says: clocks jumped over that time.
            before = (at - timedelta(seconds=1)).astimezone(clock).replace(tzinfo=None)
            assert before < wall
    for (wall, at), (next_wall, next_at) in pairwise(some):
        assert (wall, at) < (next_wall, next_at)
        assert at < next_at


@example("Europe/London", datetime(2026, 3, 28, tzinfo=UTC), time(1, 30), ["SU"])
@example("Europe/London", datetime(2026, 10, 24, tzinfo=UTC), time(1, 30), ["SU"])
@given(zones, starts, minutes, days)
def test_some_days_of_the_week_at_a_time_of_day_are_those_of_a_calendar(
    zone: str, start: datetime, clock_time: time, weekdays: list[str]
) -> None:
    clock, begins = zoneinfo.ZoneInfo(zone), start.replace(microsecond=0)
    numbers = {["MO", "TU", "WE", "TH", "FR", "SA", "SU"].index(day) for day in weekdays}
    rule = (
        f"FREQ=WEEKLY;BYDAY={','.join(weekdays)};"
        f"BYHOUR={clock_time.hour};BYMINUTE={clock_time.minute}"
    )
    seconds = begins.astimezone(clock).second
    expected: set[datetime] = set()
    for number in range(-1, 60):
        day: date = begins.astimezone(clock).date() + number * DAY
        if day.weekday() in numbers:
            wall = datetime.combine(day, clock_time.replace(second=seconds))
            there = wall.replace(tzinfo=clock).astimezone(UTC)
            # What the standard library makes of a time that clocks skip is not asked for here.
            if there.astimezone(clock).replace(tzinfo=None) == wall and there >= begins:
                expected.add(there)
    until = begins + 50 * DAY
    told = {
        occurrence.at
        for occurrence, _ in zip(
            Recurrence(rule, start, zone).occurrences(begins - MICROSECOND), range(50), strict=False
        )
    }
    assert {at for at in expected if at <= until} <= told
    for at in told - expected:
        if at <= until:
            before = (at - timedelta(seconds=1)).astimezone(clock).replace(tzinfo=None)
            shown = at.astimezone(clock).replace(tzinfo=None)
            assert shown - before > timedelta(seconds=1), "no clock jumped"


def a_schedule(rule: str, start: datetime, zone: str, **changes: object) -> Schedule:
    recurrence(rule, start, zone)
    request = ExportRequest(query=OrderQuery(shop=SHOPS[0]), tz=zone)
    return Schedule(name="weekly", rule=rule, start=start, request=request, **changes)  # type: ignore[arg-type]  # fields of it


@given(rules(), starts, zones, st.lists(st.floats(0, 60), min_size=3, max_size=3))
def test_what_is_due_does_not_depend_on_when_one_looks(
    rule: str, start: datetime, zone: str, places: list[float]
) -> None:
    schedule = a_schedule(rule, start, zone, period="last_week")
    first, middle, last = (start + place * DAY for place in sorted(places))
    whole = list(schedule.due(first, last))
    assert whole == [*schedule.due(first, middle), *schedule.due(middle, last)]
    assert len({run.id for run in whole}) == len(whole)
    assert all(first < run.at <= last for run in whole)
    coming = schedule.next_run(first)
    if whole:
        assert coming == whole[0].at
    else:
        assert coming is None or coming > last
    for run in whole:
        assert run.request.query.placed == Period.named("last_week", run.at, zone)


@given(
    rules(),
    starts,
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=6),
)
def test_workers_who_look_at_any_times_ask_for_each_run_once(
    rule: str, start: datetime, looks: list[tuple[int, int]]
) -> None:
    zone = "Europe/London"
    schedule = a_schedule(rule, start, zone, period="yesterday")
    log = MemoryExportLog()
    exports = Exports(MemoryOrderStore(), log, MemoryShelf())
    asked: list[str] = []
    latest = max(until for _, until in looks)
    # Each has seen to it that nothing before its own last look is left.
    for since, until in [*looks, (0, latest)]:
        moments = start + since * DAY, start + until * DAY
        asked += [each.id for each in ask_due(exports, schedule, since=moments[0], now=moments[1])]
    expected = [run.id for run in schedule.due(start, start + latest * DAY)]
    assert sorted(asked) == sorted(expected)
    assert {export.id for export in log.exports()} == set(expected)
    for run in schedule.due(start, start + latest * DAY):
        assert request_from_json(log.get(run.id).request) == run.request


@given(rules(), starts, zones, st.timedeltas(timedelta(0), 3 * DAY), st.integers(0, 30))
def test_what_is_skipped_is_what_is_too_late(
    rule: str, start: datetime, zone: str, grace: timedelta, late: int
) -> None:
    now = start + late * DAY
    every = list(a_schedule(rule, start, zone).due(start, now))
    skipping = a_schedule(rule, start, zone, missed="skip", grace=grace)
    assert list(skipping.due(start, now)) == [run for run in every if now - run.at <= grace]


@given(
    rules(),
    starts,
    zones,
    st.tuples(st.none() | st.sampled_from(PeriodName), st.sampled_from(["skip", "catch_up"])),
    st.text(min_size=1, max_size=20).filter(lambda name: name.isprintable() and name.strip()),
)
def test_a_schedule_is_written_and_read_back(
    rule: str, start: datetime, zone: str, words: tuple[PeriodName | None, str], name: str
) -> None:
    period, missed = words
    assume(" ".join(name.split()) == name)
    recurrence(rule, start, zone)
    schedule = Schedule(
        name=name,
        rule=rule,
        start=start,
        request=ExportRequest(tz=zone),
        period=period,
        to=["a@example.my"],
        missed=missed,
    )
    text = schedule_to_json(schedule)
    assert text.isascii()
    read = schedule_from_json(text)
    assert read == schedule
    assert read.next_run(start) == schedule.next_run(start)


@given(
    st.one_of(
        st.text(max_size=30),
        st.from_regex(
            r"(RRULE:)?FREQ=(DAILY|YEARLY|SECONDLY|MINUTELY|weekly)"
            r"(;(BYDAY|BYHOUR|UNTIL|COUNT|INTERVAL|WKST|BYSECOND|X)=[-+0-9MOTUZ,]{0,6}){0,3}",
            fullmatch=True,
        ),
    )
)
def test_any_text_is_a_rule_or_is_refused(text: str) -> None:
    with suppress(InvalidValue):
        found = Recurrence(text, datetime(2026, 3, 2, 8, tzinfo=UTC), "Asia/Kuala_Lumpur")
        assert next(found.occurrences(found.start - MICROSECOND)).at >= found.start
