"""Exports that recur: "every Monday at 08:00, last week's orders".

A schedule is a value, which the host keeps as it likes. It says when it is due, and what is asked
for then; each of its runs has an id of its own, so that whoever asks for it, and however often,
there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, cast
from urllib.parse import quote

import attrs

from shoppego_orders.errors import DuplicateExport, InvalidValue
from shoppego_orders.export.delivery import mail_addresses
from shoppego_orders.export.documents import OwnColumns, request_converter
from shoppego_orders.export.exports import Exports
from shoppego_orders.export.recurrence import Recurrence
from shoppego_orders.export.request import ExportRequest
from shoppego_orders.periods import Period, PeriodName, utc
from shoppego_orders.ports import Export
from shoppego_orders.serialization import read_document, written_document
from shoppego_orders.texts import one_line, storable, word_of


class Missed(StrEnum):
    """What becomes of the runs that were due while nobody looked."""

    CATCH_UP = "catch_up"
    """All of them are run, each for its own period."""
    SKIP = "skip"
    """Those that are later than the grace are left out."""


def _name(value: str) -> str:
    name = storable(value)
    if not 1 <= len(name) <= 100 or one_line(name) != name:
        raise InvalidValue(
            "name", value, "1 to 100 characters in one line, without needless blanks"
        )
    return name


def _period(word: str | None) -> PeriodName | None:
    return None if word is None else word_of(PeriodName, word, "period")


def _missed(word: str) -> Missed:
    return word_of(Missed, word, "missed")


def _to(to: str | Iterable[str]) -> tuple[str, ...]:
    return mail_addresses(to) if to else ()


def _grace(_instance: object, _attribute: object, value: timedelta) -> None:
    if value < timedelta(0):
        raise InvalidValue("grace", value, "a length of time of zero or more")


@attrs.frozen
class ScheduledRun:
    """One run of a schedule.

    :ivar id: of its export: of the schedule's shop and name, and the run's time on the clocks.
    :ivar at: when it is due; UTC.
    :ivar request: what is exported, with its period as of then, whenever it is run.
    """

    id: str
    at: datetime
    request: ExportRequest


@attrs.frozen(kw_only=True)
class Schedule:
    """What is exported again and again, when, and for whom.

    Its zone is the request's, and its shop that of the request's query.

    :ivar name: unique among the shop's schedules. Another name makes other runs.
    :ivar rule: of RFC 5545, such as "FREQ=WEEKLY;BYDAY=MO"; see :class:`Recurrence`.
    :ivar start: no run is due before; aware. The time of day of a rule that states none.
    :ivar request: what is exported.
    :ivar period: the period that a run is about, such as "last_week", as of the run; None for
        what the request says.
    :ivar to: whom each is mailed to.
    :ivar missed: whether late runs are caught up, or skipped.
    :ivar grace: how late a run may be that is not skipped.
    :raises InvalidValue: for an unknown word, a rule that is none or never occurs, an address that
        is none, or a request with dates of its own beside a period.
    :raises NaiveDatetime: for a start without a zone.
    """

    name: str = attrs.field(converter=_name)
    rule: str
    start: datetime
    request: ExportRequest
    period: PeriodName | None = attrs.field(default=None, converter=_period)
    to: tuple[str, ...] = attrs.field(default=(), converter=_to)
    missed: Missed = attrs.field(default=Missed.CATCH_UP, converter=_missed)
    grace: timedelta = attrs.field(default=timedelta(hours=1), validator=_grace)
    _recurrence: Recurrence = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if self.period is not None and self.request.query.placed is not None:
            raise InvalidValue("request", self.request.query.placed, "no dates beside a period")
        recurrence = Recurrence(self.rule, self.start, self.request.tz)
        object.__setattr__(self, "start", recurrence.start)
        object.__setattr__(self, "_recurrence", recurrence)

    def next_run(self, now: datetime) -> datetime | None:
        """Say when it is due next, later than now; None for never again, or not for 50 years.

        :param now: aware.
        """
        found = next(self._recurrence.occurrences(utc(now, "now")), None)
        return None if found is None else found.at

    def due(self, since: datetime, now: datetime) -> Iterator[ScheduledRun]:
        """Yield the runs that have become due, the oldest first.

        :param since: up to when it was looked at before, aware. What was due by then is left out;
            a moment that is too early does no harm, for runs have ids.
        :param now: the present, aware; what is due at this moment is among them.
        """
        since, now = utc(since, "since"), utc(now, "now")
        for wall, at in self._recurrence.occurrences(since):
            if at > now:
                return
            if self.missed is Missed.CATCH_UP or now - at <= self.grace:
                yield ScheduledRun(f"{self._ids}{wall.isoformat()}", at, self._request(at))

    @property
    def _ids(self) -> str:
        # Quoted, so that different shops and names make different ids.
        parts = (self.request.query.shop or "", self.name)
        return "".join(f"{quote(part, safe='')}/" for part in ("schedule", *parts))

    def _request(self, at: datetime) -> ExportRequest:
        if self.period is None:
            return self.request
        placed = Period.named(self.period, at, self.request.tz)
        query = attrs.evolve(self.request.query, placed=placed)
        return attrs.evolve(self.request, query=query)


def ask_due(
    exports: Exports, schedule: Schedule, *, since: datetime, now: datetime
) -> tuple[Export, ...]:
    """Ask for the exports that a schedule has due; of several who do it at once, one asks.

    :param since: up to when this was done before, aware; see :meth:`Schedule.due`.
    :param now: the present, aware.
    :returns: those that were asked for here, the oldest first.
    :raises InvalidValue: as :meth:`Exports.ask`.
    """
    asked: list[Export] = []
    for run in schedule.due(since, now):
        try:
            asked.append(exports.ask(run.request, id=run.id, now=now, to=schedule.to))
        except DuplicateExport:
            continue
    return tuple(asked)


_KIND: Final = "export_schedule"


def schedule_to_json(schedule: Schedule) -> str:
    """Write a schedule as a JSON document, ASCII only."""
    return written_document(_KIND, request_converter().unstructure(schedule))


def schedule_from_json(text: str | bytes, own: OwnColumns = ()) -> Schedule:
    """Read a schedule's document.

    :param own: columns of the host's own that may stand in it.
    :raises InvalidDocument: for what is no such document, says where.
    :raises UnknownDocumentVersion: for one that a newer release wrote.
    """
    converter = request_converter(own)

    def structured(body: Any) -> Schedule:  # Any: whatever stands in the document
        return cast("Schedule", converter.structure(body, Schedule))

    return read_document(_KIND, text, structured)
