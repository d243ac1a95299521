"""Exports as a state machine: workers die at any step, overtake each other, and lose nothing.

Whatever happens, a completed export has its whole file, a deleted or failed one has none, nobody
is mailed twice, and in the end every export that was not deleted is completed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from email.message import EmailMessage

import attrs
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shoppego_orders.adapters.memory import (
    MemoryExportLog,
    MemoryOrderStore,
    MemoryShelf,
    RecordingMailer,
)
from shoppego_orders.errors import ExportNotDue, MailNotSent, Retry, StoreUnusable
from shoppego_orders.export import ExportRequest, Exports, export_csv
from shoppego_orders.order import OrderRow
from shoppego_orders.ports import Export, ExportStatus, MailStatus
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.samples import NOON, SHOP, order_of

STALLED = timedelta(minutes=5)
REFUSED = "refused@example.my"
LOST = "{id}@lost.example.my"
"""Their mail server takes it, and its answer gets lost."""


class Dies(BaseException):
    """A worker's process ends at this step."""


@attrs.define
class Step:
    """What happens at a worker's n-th call of a port, instead of it or right after it."""

    number: int
    after: bool
    act: Callable[[], None]


@attrs.define
class Stage:
    """Counts the calls of the ports, and lets something happen at one of them."""

    step: Step | None = None
    calls: int = 0

    def set(self, step: Step | None) -> None:
        self.step, self.calls = step, 0

    def enter(self) -> Step | None:
        """Count a call; what is to happen after it is returned."""
        self.calls += 1
        step = self.step
        if step is None or self.calls != step.number:
            return None
        self.step = None
        if step.after:
            return step
        step.act()
        return None


class Log(MemoryExportLog):
    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage

    def save(self, export: Export) -> Export:
        late = self.stage.enter()
        saved = super().save(export)
        if late is not None:
            late.act()
        return saved


class Shelf(MemoryShelf):
    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage

    def put(self, name: str, chunks: Iterable[bytes]) -> str:
        late = self.stage.enter()
        url = super().put(name, chunks)
        if late is not None:
            late.act()
        return url

    def remove(self, url: str) -> None:
        late = self.stage.enter()
        super().remove(url)
        if late is not None:
            late.act()


class Mailer(RecordingMailer):
    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage

    def send(self, message: EmailMessage) -> None:
        late = self.stage.enter()
        if REFUSED in str(message["To"]):
            raise MailNotSent((REFUSED,), "550 no", Retry.NEVER)
        super().send(message)
        if late is not None:
            late.act()
        if "@lost" in str(message["To"]):
            raise MailNotSent((str(message["To"]),), "timed out", Retry.UNKNOWN)


def is_lost(export: Export) -> bool:
    return export.to == (LOST.format(id=export.id),)


class Store(MemoryOrderStore):
    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage

    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        for row in super().rows(query):
            late = self.stage.enter()
            yield row
            if late is not None:
                late.act()


class ExportsMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.stage = Stage()
        self.store, self.log = Store(self.stage), Log(self.stage)
        self.shelf, self.mailer = Shelf(self.stage), Mailer(self.stage)
        self.exports = Exports(
            *(self.store, self.log, self.shelf, self.mailer), stalled_after=STALLED
        )
        self.deaths = 0
        self.storms = 0
        self.after = False
        """Whether what fails was done before, so that nobody knows."""
        self.asked: list[str] = []

    @initialize(orders=st.integers(0, 3), deadly=st.booleans())
    def orders_are_stored(self, orders: int, deadly: bool) -> None:
        self.deadly = deadly
        for number in range(orders):
            self.store.save(order_of(f"{number}"))
        self.stage.set(None)
        self.content = b"".join(export_csv(self.store, ExportRequest()))

    def clock(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    # Acts that may happen within a worker's step

    def die(self) -> None:
        self.deaths += 1
        raise Dies

    def fail(self) -> None:
        self.storms += 1
        raise StoreUnusable("orders.sqlite", "disk I/O error", self.after)

    def stand_still(self) -> None:
        """Another worker finds this one's export stalled, and runs whatever is due."""
        self.now += STALLED
        self.work()

    def others_delete(self) -> None:
        for export_id in self.asked:
            self.exports.delete(export_id, self.now)

    def work(self) -> None:
        for export in list(self.exports.due(self.now)):
            with suppress(ExportNotDue):
                self.exports.run(export.id, self.clock)

    # Rules

    @rule(to=st.sampled_from(["", "{id}@example.my", REFUSED, LOST]))
    def ask(self, to: str) -> None:
        name = f"e{len(self.asked)}"
        self.exports.ask(
            ExportRequest(query=OrderQuery(shop=SHOP)), id=name, now=self.now, to=to.format(id=name)
        )
        self.asked.append(name)

    @precondition(lambda self: self.asked)
    @rule(
        data=st.data(),
        number=st.integers(1, 12),
        after=st.booleans(),
        act=st.sampled_from(["die", "fail", "stand_still", "others_delete"]),
    )
    def run(self, data: st.DataObject, number: int, after: bool, act: str) -> None:
        export_id = data.draw(st.sampled_from(self.asked))
        # Half of the histories are without deaths: in these nothing at all may be left over.
        happens = act if self.deadly or act not in {"die", "fail"} else "stand_still"
        self.stage.set(Step(number, after, getattr(self, happens)))
        self.after = after
        with suppress(ExportNotDue, Dies, StoreUnusable):
            self.exports.run(export_id, self.clock)
        self.stage.set(None)

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), number=st.integers(1, 3), after=st.booleans(), dies=st.booleans())
    def delete(self, data: st.DataObject, number: int, after: bool, dies: bool) -> None:
        export_id = data.draw(st.sampled_from(self.asked))
        self.stage.set(Step(number, after, self.die) if dies and self.deadly else None)
        with suppress(Dies):
            assert self.exports.delete(export_id, self.now).status is ExportStatus.DELETED
        self.stage.set(None)

    @rule(seconds=st.sampled_from([1, 60, 300]))
    def time_goes_by(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    # What holds between the rules

    @invariant()
    def files_are_whole_and_belong_to_completed_exports(self) -> None:
        records = list(self.log.exports())
        assert {export.id for export in records} == set(self.asked)
        assert all(content == self.content for content in self.shelf.files.values())
        urls = Counter(export.url for export in records if export.url is not None)
        assert set(urls.values()) <= {1}
        for export in records:
            completed = export.status is ExportStatus.COMPLETED
            assert (export.url is not None) is completed
            if completed:
                # Only a delete that died midway has removed it already.
                assert export.url in self.shelf.files or self.deaths
                assert export.size == len(self.content)
                assert export.orders == export.total == self.store.count(OrderQuery())
            if export.status is ExportStatus.FAILED:
                assert export.problem
        # A death, or a failing log, between the shelf and the record leaves a file of nobody's.
        assert len(set(self.shelf.files) - set(urls)) <= self.deaths + self.storms

    @invariant()
    def nobody_is_mailed_twice(self) -> None:
        sent = Counter(str(message["To"]) for message in self.mailer.messages)
        assert set(sent.values()) <= {1}
        for export in self.log.exports():
            mailed = sent[f"{export.id}@example.my"]
            match export.mail:
                case MailStatus.SENT:
                    assert mailed == 1
                case MailStatus.NONE | MailStatus.DUE | MailStatus.FAILED:
                    assert mailed == 0
                case MailStatus.SENDING:
                    assert self.deaths or self.storms or is_lost(export)

    def teardown(self) -> None:
        """In the end, somebody's worker comes through."""
        self.now += STALLED
        self.work()
        unknown = set(self.exports.unknown_mails())
        assert all(map(is_lost, unknown)) or self.deaths or self.storms
        for export in self.log.exports():
            assert export.status not in {ExportStatus.QUEUED, ExportStatus.RUNNING}
            assert export.status is not ExportStatus.FAILED or self.storms
            assert export.mail is not MailStatus.DUE or export.status is not ExportStatus.COMPLETED
        self.files_are_whole_and_belong_to_completed_exports()
        self.nobody_is_mailed_twice()
        assert list(self.exports.due(self.now + 2 * STALLED)) == []


TestExports = ExportsMachine.TestCase
