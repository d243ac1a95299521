"""The Downloads page by example: asked for, run, mailed, deleted; and workers that fail or die."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import attrs
import pytest

from shoppego_orders.adapters.memory import (
    MemoryExportLog,
    MemoryOrderStore,
    MemoryShelf,
    RecordingMailer,
)
from shoppego_orders.adapters.shelf import DirectoryShelf
from shoppego_orders.adapters.sql import SqlExportLog, SqlOrderStore
from shoppego_orders.errors import (
    DuplicateExport,
    ExportNotDue,
    ExportNotFound,
    FileNotRemoved,
    InvalidDocument,
    InvalidValue,
    MailNotSent,
    NaiveDatetime,
    OutputNotWritten,
    Retry,
    StoreUnusable,
)
from shoppego_orders.export import (
    EXCEL,
    SHOPPEGO,
    Column,
    ColumnKind,
    ColumnSet,
    ExportRequest,
    Exports,
    export_csv,
    exports,
    request_from_json,
    request_to_json,
)
from shoppego_orders.export.column_sets import COLUMN_SETS
from shoppego_orders.export.delivery import Letter, attached_mail
from shoppego_orders.export.spool import Spool
from shoppego_orders.order import OrderRow
from shoppego_orders.periods import Period
from shoppego_orders.ports import Export, ExportStatus, MailStatus
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.contracts import raced
from shoppego_orders.testing.samples import NOON, OTHER_SHOP, SHOP, order_of
from wrong_calls import assert_told

MINUTE = timedelta(minutes=1)
OF_SHOP = ExportRequest(query=OrderQuery(shop=SHOP), profile="excel")
TO = "owner@example.my"


class Clock:
    """A clock that goes on by a second with each look."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@attrs.define
class Desk:
    """The service with everything that it works with."""

    store: MemoryOrderStore = attrs.field(factory=MemoryOrderStore)
    log: MemoryExportLog = attrs.field(factory=MemoryExportLog)
    shelf: MemoryShelf = attrs.field(factory=MemoryShelf)
    mailer: RecordingMailer = attrs.field(factory=RecordingMailer)
    clock: Clock = attrs.field(factory=Clock)

    @property
    def exports(self) -> Exports:
        return Exports(self.store, self.log, self.shelf, self.mailer, stalled_after=5 * MINUTE)

    def asked(
        self, request: ExportRequest = OF_SHOP, *, id: str = "e1", to: Iterable[str] = ()
    ) -> Export:
        return self.exports.ask(request, id=id, now=self.clock(), to=to)

    def run(self, id: str = "e1") -> Export:
        return self.exports.run(id, self.clock)


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    for number in range(3):
        desk.store.save(order_of(f"{number}", at=NOON + number * MINUTE))
    desk.store.save(order_of("other", shop=OTHER_SHOP))
    return desk


# From asking to the file


def test_an_export_is_asked_for_run_and_listed(desk: Desk) -> None:
    asked = desk.asked()
    request = request_to_json(OF_SHOP)
    assert asked == Export(id="e1", shop=SHOP, request=request, asked_at=desk.clock.now, version=1)
    assert list(desk.exports.downloads(SHOP)) == [asked]
    seen: list[Export] = []

    def progress(done: int, total: int) -> None:
        told.append((done, total))
        seen.append(desk.log.get("e1"))

    told: list[tuple[int, int]] = []
    done = desk.exports.run("e1", desk.clock, progress)
    assert told[0] == (0, 3)
    assert told[-1] == (3, 3)
    assert {each.status for each in seen} == {ExportStatus.RUNNING}
    whole = b"".join(export_csv(desk.store, OF_SHOP))
    assert done == desk.log.get("e1")
    assert done.started_at is not None
    assert asked.asked_at < done.started_at < desk.clock.now
    (url,) = desk.shelf.files
    assert done == attrs.evolve(
        asked,
        status=ExportStatus.COMPLETED,
        started_at=done.started_at,
        seen_at=desk.clock.now,
        ended_at=desk.clock.now,
        orders=3,
        total=3,
        records=3,
        size=len(whole),
        file_name=f"orders-{SHOP}-all-dates-20260303-200001.csv",
        url=url,
        version=done.version,
    )
    assert desk.shelf.files[url] == whole
    assert list(desk.exports.due(desk.clock() + timedelta(days=1))) == []
    assert desk.mailer.messages == []


def test_the_page_sees_how_far_a_long_one_is(desk: Desk) -> None:
    for number in range(1_000):
        desk.store.save(order_of(f"more-{number}"))
    desk.asked(ExportRequest())
    seen: list[tuple[int, int | None]] = []

    def progress(_done: int, _total: int) -> None:
        export = desk.log.get("e1")
        seen.append((export.orders, export.total))

    desk.exports.run("e1", desk.clock, progress)
    # As of the call before; each call is a second later, and every other one is written down.
    assert seen[:4] == [(0, None), (0, 1_004), (0, 1_004), (799, 1_004)]
    assert desk.log.get("e1").orders == 1_004


def test_shops_see_their_own_downloads(desk: Desk) -> None:
    desk.asked(id="a")
    desk.asked(ExportRequest(query=OrderQuery(shop=OTHER_SHOP)), id="b")
    desk.asked(ExportRequest(), id="c")
    assert [each.id for each in desk.exports.downloads()] == ["c", "b", "a"]
    assert [each.id for each in desk.exports.downloads(SHOP)] == ["a"]
    assert [each.id for each in desk.exports.due(NOON, OTHER_SHOP)] == ["b"]
    assert [each.id for each in desk.exports.due(NOON)] == ["a", "b", "c"]


def test_a_worker_reads_no_history_to_find_what_is_left_to_do(desk: Desk) -> None:
    read: list[str] = []

    class Counting(MemoryExportLog):
        def exports(self, *, shop: str | None = None, open_only: bool = False) -> Iterator[Export]:
            for export in super().exports(shop=shop, open_only=open_only):
                read.append(export.id)
                yield export

    desk.log = Counting()
    for number in range(5):
        desk.asked(id=f"e{number}")
    for number in range(4):
        desk.run(f"e{number}")
    assert [each.id for each in desk.exports.due(desk.clock())] == ["e4"]
    assert list(desk.exports.unknown_mails()) == []
    assert read == ["e4"] * 2


def test_an_id_is_asked_for_once(desk: Desk) -> None:
    desk.asked()
    with pytest.raises(DuplicateExport):
        desk.asked(ExportRequest())
    assert desk.run().shop == SHOP
    with pytest.raises(DuplicateExport):
        desk.asked()


def test_what_can_not_be_asked_for(desk: Desk) -> None:
    for to in ("owner", [TO, "a@b@c"], [TO, "x@example.my\nBcc: y@evil.example"]):
        with pytest.raises(InvalidValue, match="to is"):
            desk.asked(to=to)
    with pytest.raises(InvalidValue, match="id is"):
        desk.asked(id="")
    with pytest.raises(NaiveDatetime):
        desk.exports.ask(OF_SHOP, id="e1", now=NOON.replace(tzinfo=None))
    with pytest.raises(InvalidValue, match="sender is"):
        attrs.evolve(desk.exports, sender="nobody")
    with pytest.raises(InvalidValue, match="stalled_after"):
        attrs.evolve(desk.exports, stalled_after=timedelta(seconds=4))
    assert list(desk.log.exports()) == []


# By mail


def test_the_file_arrives_by_mail_and_lies_on_the_shelf(desk: Desk) -> None:
    desk.asked(to=[TO, "jürgen@exämple.my"])
    done = attrs.evolve(desk.exports, sender="shop@example.my").run("e1", desk.clock)
    assert done.mail is MailStatus.SENT
    (message,) = desk.mailer.messages
    assert message["To"] == f"{TO}, jürgen@exämple.my"
    assert message["From"] == "shop@example.my"
    assert message["Subject"] == f"Orders of {SHOP}, all dates: 3 orders"
    (attachment,) = message.iter_attachments()
    assert attachment.get_filename() == done.file_name
    assert attachment.get_payload(decode=True) == desk.shelf.files[done.url or ""]
    with pytest.raises(ExportNotDue, match="e1 is completed"):
        desk.run()
    assert len(desk.mailer.messages) == 1


def test_what_no_mail_can_carry_is_linked(desk: Desk) -> None:
    desk.asked(to=TO)
    done = attrs.evolve(desk.exports, limit=100).run("e1", desk.clock)
    (message,) = desk.mailer.messages
    assert list(message.iter_attachments()) == []
    assert done.url is not None
    assert done.url in message.get_content()


def test_a_mail_that_fails_is_told_and_the_file_is_there(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(message: EmailMessage) -> None:
        raise MailNotSent((str(message["To"]),), "550 no", Retry.NEVER)

    monkeypatch.setattr(desk.mailer, "send", refuse)
    desk.asked(to=TO)
    done = desk.run()
    assert (done.status, done.mail) == (ExportStatus.COMPLETED, MailStatus.FAILED)
    assert done.problem == f"mail to {TO} was not sent: 550 no"
    assert done.url in desk.shelf.files
    with pytest.raises(ExportNotDue):
        desk.run()


def test_a_mail_that_can_not_be_written_is_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OutputNotWritten("the export's temporary file", "No space left on device")

    monkeypatch.setattr(exports, "attached_mail", full)
    desk.asked(to=TO)
    done = desk.run()
    assert (done.status, done.mail) == (ExportStatus.COMPLETED, MailStatus.FAILED)
    assert "No space left" in done.problem
    assert desk.mailer.messages == []


def test_a_mail_waits_for_a_worker_who_has_a_mailer(desk: Desk) -> None:
    mailless = attrs.evolve(desk.exports, mailer=None)
    mailless.ask(OF_SHOP, id="e1", now=NOON, to=TO)
    done = mailless.run("e1", desk.clock)
    assert (done.status, done.mail) == (ExportStatus.COMPLETED, MailStatus.DUE)
    assert list(mailless.due(desk.clock())) == []
    assert desk.run().mail is MailStatus.SENT
    (message,) = desk.mailer.messages
    assert done.url is not None
    assert done.url in message.get_content()


class Dies(BaseException):
    """The end of a process."""


def test_a_worker_that_dies_before_the_mail_is_followed_by_one_that_mails(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.asked(to=TO)
    with monkeypatch.context() as patched:
        patched.setattr(exports, "attached_mail", dying)
        with pytest.raises(Dies):
            desk.run()
    left = desk.log.get("e1")
    assert (left.status, left.mail) == (ExportStatus.RUNNING, MailStatus.DUE)
    desk.clock.now += desk.exports.stalled_after
    done = desk.run()
    assert (done.status, done.mail) == (ExportStatus.COMPLETED, MailStatus.SENT)
    (message,) = desk.mailer.messages
    assert [each.get_filename() for each in message.iter_attachments()] == [done.file_name]


def test_a_worker_without_a_mailer_leaves_a_link_to_be_mailed(desk: Desk) -> None:
    desk.asked(to=TO)
    mute = attrs.evolve(desk.exports, mailer=None)
    left = mute.run("e1", desk.clock)
    assert (left.status, left.mail) == (ExportStatus.COMPLETED, MailStatus.DUE)
    assert [each.id for each in desk.exports.due(desk.clock())] == ["e1"]
    assert list(mute.due(desk.clock())) == []
    assert desk.run().mail is MailStatus.SENT
    (message,) = desk.mailer.messages
    assert left.url is not None
    assert left.url in message.get_content()
    assert "Orders: 3\n" in message.get_content()


def test_of_workers_who_mail_it_at_once_one_does(desk: Desk) -> None:
    desk.asked(to=TO)
    attrs.evolve(desk.exports, mailer=None).run("e1", desk.clock)
    raced([partial(desk.exports.run, "e1", Clock())] * 6)
    assert len(desk.mailer.messages) == 1
    assert desk.log.get("e1").mail is MailStatus.SENT


def test_what_became_of_a_mail_is_written_down_whoever_writes_meanwhile(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.asked(to=TO)
    saved, saves = desk.log.save, list[Export]()

    def contended(export: Export) -> Export:
        if export.mail is MailStatus.SENT and not saves:
            saves.append(saved(attrs.evolve(desk.log.get("e1"), problem="somebody's note")))
        return saved(export)

    monkeypatch.setattr(desk.log, "save", contended)
    assert desk.run().mail is MailStatus.SENT
    assert saves


def test_a_mail_that_another_worker_has_claimed_is_left_to_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.asked(to=TO)
    attrs.evolve(desk.exports, mailer=None).run("e1", desk.clock)
    saved = desk.log.save

    def beaten(export: Export) -> Export:
        saved(attrs.evolve(desk.log.get("e1"), mail=MailStatus.SENDING))
        return saved(export)

    monkeypatch.setattr(desk.log, "save", beaten)
    assert desk.run().mail is MailStatus.SENDING
    assert desk.mailer.messages == []


def dying(*_: object) -> None:
    raise Dies


def test_a_worker_that_dies_while_it_mails_leaves_it_unknown_and_nobody_is_mailed_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.asked(to=TO)
    monkeypatch.setattr(desk.mailer, "send", dying)
    with pytest.raises(Dies):
        desk.run()
    monkeypatch.undo()
    (unknown,) = desk.exports.unknown_mails(SHOP)
    assert (unknown.id, unknown.mail) == ("e1", MailStatus.SENDING)
    assert list(desk.exports.due(desk.clock() + timedelta(days=9))) == []
    with pytest.raises(ExportNotDue):
        desk.run()
    # Somebody has looked into the mail server's log.
    desk.log.save(attrs.evolve(unknown, mail=MailStatus.SENT))
    assert list(desk.exports.unknown_mails()) == []
    assert desk.mailer.messages == []


def test_what_happens_while_it_mails_is_not_lost(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def send(_: EmailMessage) -> None:
        desk.exports.delete("e1", NOON)

    monkeypatch.setattr(desk.mailer, "send", send)
    desk.asked(to=TO)
    done = desk.run()
    assert (done.status, done.mail, done.url) == (ExportStatus.DELETED, MailStatus.SENT, None)


def test_what_was_deleted_before_its_mail_is_not_mailed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deleted_meanwhile(letter: Letter, spool: Spool, limit: int) -> object:
        desk.exports.delete("e1", NOON)
        return attached_mail(letter, spool, limit)

    monkeypatch.setattr(exports, "attached_mail", deleted_meanwhile)
    desk.asked(to=TO)
    assert desk.run().status is ExportStatus.DELETED
    assert desk.mailer.messages == []
    assert desk.shelf.files == {}


# What goes wrong


class FailingStore(MemoryOrderStore):
    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        yield from super().rows(query)
        raise StoreUnusable("orders.sqlite", "disk I/O error")


def test_a_store_that_fails_midway_is_told_and_leaves_no_file(desk: Desk) -> None:
    desk.store = FailingStore()
    desk.store.save(order_of("1"))
    desk.asked(to=TO)
    failed = desk.run()
    assert (failed.status, failed.url) == (ExportStatus.FAILED, None)
    assert failed.problem == "the orders in orders.sqlite can't be used: disk I/O error"
    assert failed.ended_at is not None
    assert desk.shelf.files == {}
    assert desk.mailer.messages == []
    assert list(desk.exports.due(desk.clock() + timedelta(days=1))) == []
    with pytest.raises(ExportNotDue, match="is failed"):
        desk.run()


@pytest.mark.parametrize("perhaps_written", [False, True])
def test_a_log_that_fails_at_the_end_leaves_no_file_that_nobody_finds(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, *, perhaps_written: bool
) -> None:
    save = desk.log.save

    def failing(export: Export) -> Export:
        if export.status is not ExportStatus.COMPLETED:
            return save(export)
        if perhaps_written:
            save(export)
        raise StoreUnusable("orders", "it is away", perhaps_written)

    monkeypatch.setattr(desk.log, "save", failing)
    desk.asked(to=TO)
    with pytest.raises(StoreUnusable):
        desk.run()
    assert desk.mailer.messages == []
    # Where it is completed after all, its link leads to the file.
    assert len(desk.shelf.files) == perhaps_written
    monkeypatch.undo()
    unknown = [export.mail for export in desk.exports.unknown_mails()]
    assert unknown == [MailStatus.SENDING] * perhaps_written


def test_a_full_shelf_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(name: str, _chunks: Iterable[bytes]) -> str:
        raise OutputNotWritten(name, "No space left on device")

    monkeypatch.setattr(desk.shelf, "put", full)
    desk.asked()
    failed = desk.run()
    assert failed.status is ExportStatus.FAILED
    assert "No space left on device" in failed.problem


def test_what_is_not_ours_is_written_down_and_raised(desk: Desk) -> None:
    def broken(_: OrderRow) -> str:
        raise ZeroDivisionError("of the host")

    column = Column[OrderRow]("broken", "", ColumnKind.TEXT, broken)
    service = attrs.evolve(desk.exports, own=(column,))
    service.ask(ExportRequest(columns=ColumnSet("mine", [column])), id="e1", now=NOON)
    with pytest.raises(ZeroDivisionError):
        service.run("e1", desk.clock)
    failed = desk.log.get("e1")
    assert (failed.status, failed.problem) == (
        ExportStatus.FAILED,
        "ZeroDivisionError: of the host",
    )


def test_a_request_that_nobody_can_read_any_more_has_failed(desk: Desk) -> None:
    desk.log.save(Export(id="e1", shop=SHOP, request='{"kind": "x"}', asked_at=NOON))
    assert "no document of kind" in desk.run().problem


# Workers that overtake each other


def test_a_worker_that_stands_still_is_overtaken_and_finds_out(desk: Desk) -> None:
    desk.asked(to=TO)
    seen: list[Export] = []

    def slow(done: int, _total: int) -> None:
        if done == 0 and not seen:
            with pytest.raises(ExportNotDue, match="e1 is running"):
                desk.run()
            desk.clock.now += 5 * MINUTE
            seen.append(desk.run())

    left = desk.exports.run("e1", desk.clock, slow)
    assert left == seen[0] == desk.log.get("e1")
    assert left.status is ExportStatus.COMPLETED
    assert list(desk.shelf.files) == [left.url]
    assert len(desk.mailer.messages) == 1


def test_a_worker_that_is_overtaken_at_the_shelf_takes_its_file_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = desk.shelf.put

    def slow(name: str, chunks: Iterable[bytes]) -> str:
        url = put(name, chunks)
        monkeypatch.undo()
        desk.clock.now += 5 * MINUTE
        desk.run()
        return url

    monkeypatch.setattr(desk.shelf, "put", slow)
    desk.asked()
    left = desk.run()
    assert left == desk.log.get("e1")
    assert list(desk.shelf.files) == [left.url]


def test_a_worker_whose_failure_comes_too_late_changes_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(name: str, _chunks: Iterable[bytes]) -> str:
        monkeypatch.undo()
        desk.clock.now += 5 * MINUTE
        desk.run()
        raise OutputNotWritten(name, "No space left on device")

    monkeypatch.setattr(desk.shelf, "put", slow)
    desk.asked()
    assert desk.run().status is ExportStatus.COMPLETED
    assert len(desk.shelf.files) == 1


def test_of_workers_who_take_it_at_once_one_runs_it(desk: Desk) -> None:
    desk.asked(to=TO)
    outcomes = raced([partial(desk.exports.run, "e1", Clock())] * 6)
    assert sorted(type(each).__name__ for each in outcomes) == ["Export"] + ["ExportNotDue"] * 5
    assert len(desk.shelf.files) == len(desk.mailer.messages) == 1


def answer_first(desk: Desk, old: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the log be as if it had been asked before the last change."""
    answers, get = iter([old]), desk.log.get

    def answer(export_id: str) -> Export:
        return next(answers, None) or get(export_id)

    monkeypatch.setattr(desk.log, "get", answer)


def test_a_worker_who_comes_too_late_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = desk.asked()
    desk.run()
    answer_first(desk, asked, monkeypatch)
    with pytest.raises(ExportNotDue, match="e1 is completed"):
        desk.run()


# Deleting


def test_a_deleted_export_is_gone_from_shelf_and_page(desk: Desk) -> None:
    desk.asked()
    assert desk.run().url is not None
    deleted = desk.exports.delete("e1", desk.clock())
    assert (deleted.status, deleted.url) == (ExportStatus.DELETED, None)
    assert desk.shelf.files == {}
    assert list(desk.exports.downloads()) == []
    assert list(desk.log.exports()) == [deleted]
    assert desk.exports.delete("e1", desk.clock()) == deleted
    with pytest.raises(ExportNotDue, match="is deleted"):
        desk.run()
    with pytest.raises(DuplicateExport):
        desk.asked()


def test_one_that_waits_is_deleted_too(desk: Desk) -> None:
    desk.asked(to=TO)
    assert desk.exports.delete("e1", desk.clock()).status is ExportStatus.DELETED
    assert list(desk.exports.due(desk.clock())) == []


def test_deleting_one_that_runs_stops_its_worker(desk: Desk) -> None:
    desk.asked(to=TO)

    def progress(_done: int, _total: int) -> None:
        desk.exports.delete("e1", desk.clock())

    left = desk.exports.run("e1", desk.clock, progress)
    assert left.status is ExportStatus.DELETED
    assert desk.shelf.files == {}
    assert desk.mailer.messages == []


def test_deleting_one_that_completes_at_this_moment(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = desk.asked()
    desk.run()
    answer_first(desk, asked, monkeypatch)
    assert desk.exports.delete("e1", desk.clock()).status is ExportStatus.DELETED
    assert desk.shelf.files == {}


def test_unknown_exports(desk: Desk) -> None:
    for attempt in (desk.run, partial(desk.exports.delete, "e1", NOON)):
        with pytest.raises(ExportNotFound):
            attempt()
    with pytest.raises(NaiveDatetime):
        desk.exports.delete("e1", NOON.replace(tzinfo=None))


def test_a_file_that_can_not_be_removed_stays_listed(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Exports(desk.store, desk.log, DirectoryShelf(tmp_path))
    service.ask(OF_SHOP, id="e1", now=NOON)
    done = service.run("e1", desk.clock)
    file = tmp_path / done.file_name
    content = file.read_bytes()
    file.unlink()
    file.mkdir()  # where unlink fails for whoever runs the tests
    with pytest.raises(FileNotRemoved, match="was not removed"):
        service.delete("e1", NOON)
    assert desk.log.get("e1") == done
    file.rmdir()
    file.write_bytes(content)
    assert service.delete("e1", NOON).status is ExportStatus.DELETED
    assert list(tmp_path.iterdir()) == []


# Requests as documents


def test_a_request_is_written_and_read_back() -> None:
    for request in (
        ExportRequest(),
        ExportRequest(columns="shopify", per="line"),
        ExportRequest(columns=SHOPPEGO.with_sums_on_every_line()),
        ExportRequest(
            query=OrderQuery(
                shop=SHOP, ids=["1", "é\U0001f600"], placed=Period.since(NOON), search="sambal"
            ),
            per="line",
            columns=SHOPPEGO.chosen(["number", "phone", "sku"], titles={"sku": "Kod"}),
            profile=attrs.evolve(EXCEL, delimiter=";"),
            tz="Europe/London",
            shop_name="Kedai Bunga 鲜花",
        ),
    ):
        text = request_to_json(request)
        assert text.isascii()
        assert request_from_json(text) == request


@pytest.mark.parametrize(
    ("body", "path", "problem"),
    [
        (
            '{"columns":"nix"}',
            "body.columns",
            "columns is 'nix'; expected one of shoppego, shopify, accounting",
        ),
        ('{"columns":[1]}', "body.columns", "expected an object"),
        (
            '{"profile":"exel"}',
            "body.profile",
            "profile is 'exel'; expected one of excel, plain, raw",
        ),
        (
            '{"profile":{"name":"x","delimiter":"::"}}',
            "body.profile",
            "delimiter is '::'; expected one of , ; | or TAB",
        ),
        (
            '{"tz":"MYT-8"}',
            "body",
            "'MYT-8' is not an IANA time zone such as 'Asia/Kuala_Lumpur'",
        ),
        ('{"per":"parcel"}', "body.per", "word is 'parcel'; expected one of order, line"),
        ('{"surprise":1}', "body", "extra fields found (surprise)"),
    ],
)
def test_what_is_no_request_is_told_with_its_place(body: str, path: str, problem: str) -> None:
    text = f'{{"kind":"export_request","version":1,"body":{body}}}'
    assert_told(InvalidDocument(path, problem), lambda: request_from_json(text))


def test_a_column_that_nobody_knows_is_told_with_those_that_there_are() -> None:
    columns = '{"name":"mine","columns":[{"key":"nix","title":""}]}'
    known = dict.fromkeys(each.key for set_ in COLUMN_SETS.values() for each in set_.columns)
    error = InvalidDocument("body.columns", f"'nix'; expected one of {', '.join(known)}")
    text = f'{{"kind":"export_request","version":1,"body":{{"columns":{columns}}}}}'
    assert_told(error, lambda: request_from_json(text))


def test_the_hosts_own_columns_are_found_by_their_keys(desk: Desk) -> None:
    first = Column[OrderRow]("first", "First letter", ColumnKind.TEXT, lambda row: row.email[:1])
    request = ExportRequest(columns=ColumnSet("mine", [*SHOPPEGO.chosen(["id"]).columns, first]))
    with pytest.raises(InvalidDocument, match="'first'; expected one of"):
        desk.exports.ask(request, id="e1", now=NOON)
    service = attrs.evolve(desk.exports, own=(first,))
    service.ask(request, id="e1", now=NOON)
    done = service.run("e1", desk.clock)
    assert desk.shelf.files[done.url or ""].startswith(b"id,first\r\n0,s\r\n")
    # One of another meaning under a key that ships would come out as that one.
    other = attrs.evolve(first, key="note")
    with pytest.raises(InvalidValue, match="columns that ship, or that own names"):
        desk.exports.ask(ExportRequest(columns=ColumnSet("mine", [other])), id="e2", now=NOON)


# In a database, by other processes

WORKER = """
import os, signal, sys
from datetime import UTC, datetime

from shoppego_orders.adapters.shelf import DirectoryShelf
from shoppego_orders.adapters.sql import SqlExportLog, SqlOrderStore
from shoppego_orders.export import Exports

with SqlOrderStore("orders.sqlite") as store:
    die_at = sys.argv[1]

    class Shelf(DirectoryShelf):
        def put(self, name, chunks):
            if die_at == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            url = super().put(name, self.dying(chunks))
            if die_at == "after":
                os.kill(os.getpid(), signal.SIGKILL)
            return url

        def dying(self, chunks):
            for chunk in chunks:
                yield chunk
                if die_at == "within":
                    os.kill(os.getpid(), signal.SIGKILL)

    exports = Exports(store, SqlExportLog(store.database), Shelf("shelf"))
    exports.run("e1", lambda: datetime(2026, 3, 3, 12, 1, tzinfo=UTC))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such signal")
@pytest.mark.parametrize("die_at", ["before", "within", "after"])
def test_a_killed_worker_leaves_a_running_export_that_another_runs(
    tmp_path: Path, die_at: str
) -> None:
    with SqlOrderStore.open(tmp_path / "orders.sqlite") as store:
        for number in range(3):
            store.save(order_of(f"{number}"))
        shelf = DirectoryShelf(tmp_path / "shelf")
        service = Exports(store, SqlExportLog(store.database), shelf)
        service.ask(ExportRequest(), id="e1", now=NOON)
        done = subprocess.run([sys.executable, "-c", WORKER, die_at], cwd=tmp_path, check=False)
        assert done.returncode == -signal.SIGKILL
        (left,) = service.downloads()
        assert (left.status, left.url) == (ExportStatus.RUNNING, None)
        assert list(service.due(NOON + 5 * MINUTE)) == []
        later = datetime(2026, 3, 3, 12, 16, tzinfo=UTC)
        assert [each.id for each in service.due(later)] == ["e1"]
        again = service.run("e1", Clock(later))
        whole = b"".join(export_csv(store, ExportRequest()))
        assert again.status is ExportStatus.COMPLETED
        assert again.url is not None
        files = {
            file.as_uri(): file.read_bytes()
            for file in (tmp_path / "shelf").iterdir()
            if not file.name.startswith(".")
        }
        assert files.pop(again.url) == whole
        # Between the shelf and the log a death leaves a file of nobody's, which is whole.
        assert list(files.values()) == ([whole] if die_at == "after" else [])
        assert service.delete("e1", later).status is ExportStatus.DELETED
