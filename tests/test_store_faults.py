"""What goes wrong around a store in a file, and around other files: told, undone, got over."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event

from full_disk import NOBODY, Quota, SmallDisk, as_nobody, small_disk
from shoppego_orders.adapters.maildir import EmlMailer, MaildirMailer
from shoppego_orders.adapters.memory import MemoryExportLog, MemoryOrderStore, MemoryShelf
from shoppego_orders.adapters.shelf import DirectoryShelf
from shoppego_orders.adapters.sql import (
    SchemaCheck,
    SqlExportLog,
    SqlOrderStore,
    SqlTaskLog,
    dialects,
)
from shoppego_orders.adapters.sql import database as sql_database
from shoppego_orders.errors import MailNotSent, OutputNotWritten, Retry, StoreUnusable
from shoppego_orders.export import ExportRequest, Exports
from shoppego_orders.export.files import write_file
from shoppego_orders.order import Order, OrderRow
from shoppego_orders.ports import ExportStatus, save_many
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.samples import NOON, an_export, order_of

EVERYTHING = OrderQuery()
Disk = SmallDisk | Quota
FULL = r"disk is full|I/O error \(is the disk out of order, or a quota used up\?\)"


@pytest.fixture(params=["small disk", "quota"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    if request.param == "quota":
        yield Quota(tmp_path)
        return
    with small_disk(tmp_path / "disk", 2048) as disk:
        yield disk


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that anybody may use."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    folder.chmod(0o777)
    shutil.rmtree(folder)


def is_whole(store: SqlOrderStore) -> bool:
    """Whether it works, nothing in it is half, and no connection is kept from others."""
    name = f"works again {store.count(EVERYTHING)}"
    saved = store.save(order_of(name))
    status = store.database.engine.pool.status()
    assert "Current Checked out connections: 0" in status
    return saved.version == 1 and list(store.disagreements()) == []


def held_in(folder: Path) -> list[str]:
    """The files in a folder that this process has open, where the system tells."""
    there = Path("/proc/self/fd")
    held = [os.path.realpath(each) for each in there.iterdir()] if there.exists() else []
    return [each for each in held if each.startswith(f"{folder}/")]


def writes(store: SqlOrderStore, known: Order) -> list[Callable[[], object]]:
    """Everything that writes."""
    database = store.database

    def batch() -> None:
        with store.batch():
            store.save(order_of("in a batch"))

    return [
        lambda: store.save(order_of("new")),
        lambda: store.save(known.edit_note("edited", at=NOON)),
        batch,
        lambda: save_many(store, [order_of("many 1"), order_of("many 2")]),
        lambda: store.settle_kept([OrderRow.of(known)]),
        lambda: SqlTaskLog(database).claim("reminder/1", NOON),
        lambda: SqlExportLog(database).save(an_export("e")),
    ]


# The disk is full


def test_a_full_disk_is_told_and_what_was_saved_stays(disk: Disk) -> None:
    with SqlOrderStore.open(disk.folder / "orders.sqlite") as store:
        known, *_ = [store.save(order_of(f"{number}")) for number in range(20)]
        stream = store.rows(EVERYTHING)
        next(stream)
        with disk.full():
            for write in writes(store, known):
                with pytest.raises(StoreUnusable, match=FULL) as told:
                    write()
                assert told.value.target == str(disk.folder / "orders.sqlite")
                assert not told.value.perhaps_written
            # Reading goes on, also what had begun.
            assert len(list(stream)) == 19
            assert store.get("0") == known
        assert store.count(EVERYTHING) == 20
        for write in writes(store, known):
            write()
        assert is_whole(store)


def test_tables_that_do_not_fit_are_made_another_time(disk: Disk) -> None:
    with SqlOrderStore(disk.folder / "orders.sqlite") as store:
        with disk.full():
            with pytest.raises(StoreUnusable, match=FULL):
                store.create()
            assert store.database.check() == SchemaCheck(None, usable=False)
        store.create()
        assert is_whole(store)


def fill(store: SqlOrderStore) -> None:
    for number in range(1000):
        store.save(order_of(f"filling {number}", note="x" * 2000))


def test_a_batch_that_the_disk_has_no_room_for_is_undone_as_a_whole(disk: Disk) -> None:
    """SQLite itself ends the transaction: what came next would be kept without what came first."""
    engine = create_engine(f"sqlite:///{disk.folder / 'orders.sqlite'}")

    @event.listens_for(engine, "connect")
    def _(driver: Any, _: object) -> None:  # Any: SQLAlchemy does not say which driver
        driver.execute("PRAGMA cache_size = 10")

    def worked(store: SqlOrderStore) -> None:
        with store.batch():
            store.save(order_of("first"))
            with disk.full(), pytest.raises(StoreUnusable, match=FULL):
                fill(store)
            # There is room again.
            for attempt in (
                lambda: store.save(order_of("later")),
                lambda: SqlTaskLog(store.database).claim("later", NOON),
                lambda: store.count(EVERYTHING),
                lambda: store.batch().__enter__() or store.get("first"),
            ):
                with pytest.raises(StoreUnusable, match="the whole batch was undone"):
                    attempt()

    with SqlOrderStore.open(engine) as store:
        with pytest.raises(StoreUnusable, match="the whole batch was undone") as told:
            worked(store)
        assert not told.value.perhaps_written
        assert store.count(EVERYTHING) == 0
        assert list(SqlTaskLog(store.database).tasks()) == []
        assert is_whole(store)
    engine.dispose()


# No permission


def test_a_file_that_may_only_be_read_is_read(open_folder: Path) -> None:
    path = open_folder / "orders.sqlite"
    with as_nobody(), SqlOrderStore.open(path) as store:
        known = store.save(order_of("1"))
        store.close()
        path.chmod(0o444)
        assert store.get("1") == known
        assert [row.id for row in store.rows(EVERYTHING)] == ["1"]
        store.create()
        for write in writes(store, known):
            with pytest.raises(StoreUnusable, match=r"readonly database \(no permission"):
                write()
        # SQLite makes the two files beside with the permissions of the first.
        for each in open_folder.iterdir():
            each.chmod(0o644)
        assert is_whole(store)
    assert held_in(open_folder) == []


def test_a_folder_that_may_only_be_read_is_told(open_folder: Path) -> None:
    """SQLite needs two files beside, to read too."""
    path = open_folder / "orders.sqlite"
    with as_nobody(), SqlOrderStore.open(path) as store:
        known = store.save(order_of("1"))
        store.close()
    open_folder.chmod(0o555)
    with as_nobody(), store:
        reads: list[Callable[[], object]] = [
            store.create,
            store.database.check,
            lambda: store.get("1"),
            lambda: list(store.rows(EVERYTHING)),
        ]
        for attempt in (*writes(store, known), *reads):
            with pytest.raises(StoreUnusable, match="no permission, for the file or its folder"):
                attempt()
        # A file that is not there can't be made either.
        with SqlOrderStore(open_folder / "new.sqlite") as new:
            with pytest.raises(StoreUnusable, match="no permission"):
                new.create()
            with pytest.raises(StoreUnusable, match="no permission"):
                new.get("1")
    open_folder.chmod(0o777)
    with as_nobody(), store:
        assert is_whole(store)


def test_a_folder_that_may_not_be_looked_into_is_told(open_folder: Path) -> None:
    with SqlOrderStore.open(open_folder / "orders.sqlite") as store:
        store.close()
        if os.geteuid() == 0:
            os.chown(open_folder / "orders.sqlite", NOBODY, NOBODY)
        open_folder.chmod(0)
        with as_nobody():
            for attempt in (store.create, store.database.check, lambda: store.get("1")):
                with pytest.raises(StoreUnusable, match="no permission"):
                    attempt()
        open_folder.chmod(0o777)
        with as_nobody():
            assert is_whole(store)
            store.close()


# Another file, or none


def test_a_file_that_is_not_there_is_told_and_not_made(tmp_path: Path) -> None:
    path = tmp_path / "orders.sqlite"
    with SqlOrderStore(path) as store:
        for attempt in (partial(store.get, "1"), partial(store.save, order_of("1"))):
            with pytest.raises(StoreUnusable, match="there is no such file"):
                attempt()
        assert not path.exists()
        store.create()
        assert is_whole(store)


def test_an_empty_file_or_one_that_is_no_database_is_got_over(tmp_path: Path) -> None:
    path = tmp_path / "orders.sqlite"
    with SqlOrderStore(path) as store:
        for content, told in (
            (b"", r"no tables.*create\(\)"),
            (b"id,total\n" * 9, "not a database"),
        ):
            path.write_bytes(content)
            for attempt in (partial(store.get, "1"), partial(store.save, order_of("1"))):
                with pytest.raises(StoreUnusable, match=told):
                    attempt()
            assert path.read_bytes() == content
        path.unlink()
        store.create()
        assert is_whole(store)


def remove(path: Path) -> None:
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlOrderStore]:
    # A short stream comes in several answers, too.
    monkeypatch.setattr(sql_database, "_CHUNK", 10)
    with SqlOrderStore.open(tmp_path / "orders.sqlite") as store:
        save_many(store, [order_of(f"{number:04}") for number in range(30)])
        yield store


needs_posix = pytest.mark.skipif(os.name != "posix", reason="an open file can't be removed")


@needs_posix
def test_a_file_that_is_removed_while_it_is_read(store: SqlOrderStore, tmp_path: Path) -> None:
    path = tmp_path / "orders.sqlite"
    stream, lines = store.rows(EVERYTHING), store.lines(EVERYTHING)
    columns = store.columns(EVERYTHING, ["id"])
    for begun in (stream, lines, columns):
        next(begun)
    remove(path)
    # What had begun shows its moment to the end.
    assert len(list(stream)) == len(list(lines)) == 29
    assert sum(len(ids) for (ids,) in columns) == 20
    for attempt in (lambda: store.save(order_of("lost")), lambda: store.count(EVERYTHING)):
        with pytest.raises(StoreUnusable, match="there is no such file"):
            attempt()
    assert list(tmp_path.iterdir()) == []
    store.create()
    assert store.count(EVERYTHING) == 0
    assert is_whole(store)


@needs_posix
def test_a_file_that_is_replaced_is_used_from_then_on(store: SqlOrderStore, tmp_path: Path) -> None:
    path, copy = tmp_path / "orders.sqlite", tmp_path / "copy.sqlite"
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    store.save(order_of("since the copy"))
    stream = store.rows(EVERYTHING)
    next(stream)
    remove(path)
    copy.replace(path)
    assert store.count(EVERYTHING) == 30
    store.save(order_of("since the copy was put back"))
    assert len(list(stream)) == 30
    with SqlOrderStore(path) as other:
        assert other.get("since the copy was put back").version == 1
    assert is_whole(store)


@needs_posix
def test_what_is_written_to_a_file_that_is_gone_is_not_called_saved(
    store: SqlOrderStore, tmp_path: Path
) -> None:
    path, away = tmp_path / "orders.sqlite", tmp_path / "away"

    def removed_midway() -> None:
        with store.batch():
            store.save(order_of("lost"))
            path.rename(away)

    with pytest.raises(StoreUnusable, match="the file was removed, or another one put") as told:
        removed_midway()
    assert not told.value.perhaps_written
    with pytest.raises(StoreUnusable, match="there is no such file"):
        store.get("lost")
    away.rename(path)
    assert store.count(EVERYTHING) == 30
    assert is_whole(store)


def test_a_database_that_somebody_keeps_to_himself_is_told(
    store: SqlOrderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "orders.sqlite"
    store.close()
    monkeypatch.setattr(dialects, "_PATIENCE_MS", 1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN IMMEDIATE")
        for attempt in (
            lambda: store.get("0001"),
            lambda: store.save(order_of("1")),
            lambda: list(store.rows(EVERYTHING)),
            store.database.check,
        ):
            with pytest.raises(StoreUnusable, match=r"locked.*for too long"):
                attempt()
    assert is_whole(store)


# Other files


def mail() -> EmailMessage:
    message = EmailMessage()
    message["To"], message["Subject"] = "siti@example.my", "Your export"
    message.set_content("Here it is.")
    message.add_attachment(b"x" * 100_000, maintype="text", subtype="csv", filename="orders.csv")
    return message


def small_mail() -> EmailMessage:
    message = EmailMessage()
    message["To"] = "siti@example.my"
    message.set_content("It fits into a buffer.")
    return message


def files_below(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def sends(folder: Path) -> list[Callable[[], object]]:
    mailers = MaildirMailer(folder / "maildir"), EmlMailer(folder / "outbox")
    return [partial(each.send, made()) for each in mailers for made in (mail, small_mail)]


def test_a_mail_that_does_not_fit_leaves_nothing(disk: Disk) -> None:
    for send in sends(disk.folder):
        send()
    before = files_below(disk.folder)
    with disk.full():
        for send in sends(disk.folder):
            with pytest.raises(MailNotSent, match=r"No space left|File too large") as told:
                send()
            assert told.value.retry is Retry.AGAIN
            assert str(disk.folder) in told.value.problem
    assert files_below(disk.folder) == before
    for send in sends(disk.folder):
        send()
    assert len(files_below(disk.folder)) == 8


def test_a_mail_that_can_not_be_moved_to_its_place_leaves_nothing(open_folder: Path) -> None:
    mailer = MaildirMailer(open_folder / "maildir")
    with as_nobody():
        mailer.send(mail())
    before = files_below(open_folder)
    (open_folder / "maildir" / "new").chmod(0o555)
    with as_nobody(), pytest.raises(MailNotSent, match="Permission denied"):
        mailer.send(mail())
    assert files_below(open_folder) == before


def test_a_file_that_does_not_fit_leaves_the_old_one(disk: Disk) -> None:
    out, shelf = disk.folder / "orders.csv", DirectoryShelf(disk.folder / "shelf")
    write_file(out, [b"old"])
    shelf.put("orders.csv", [b"old"])
    before = files_below(disk.folder)
    with disk.full():
        for attempt in (
            lambda: write_file(out, [b"n" * 10_000]),
            lambda: shelf.put("orders.csv", [b"n" * 10_000]),
            lambda: shelf.put("new.csv", [b"n" * 10_000]),
        ):
            with pytest.raises(OutputNotWritten, match=r"No space left|File too large"):
                attempt()
    assert files_below(disk.folder) == before
    write_file(out, [b"new"])
    assert out.read_bytes() == b"new"
    assert shelf.put("orders.csv", [b"new"]).endswith("/orders-2.csv")


def test_an_export_whose_temporary_file_does_not_fit_has_failed(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(disk.folder))
    orders, shelf = MemoryOrderStore(), MemoryShelf()
    save_many(orders, [order_of(f"{number}") for number in range(100)])
    exports = Exports(orders, MemoryExportLog(), shelf)
    for name in ("full", "later"):
        exports.ask(ExportRequest(), id=name, now=NOON)
    with disk.full():
        failed = exports.run("full", lambda: datetime.now(UTC))
    assert failed.status is ExportStatus.FAILED
    assert "the export's temporary file was not written: " in failed.problem
    assert (shelf.files, files_below(disk.folder)) == ({}, {})
    assert exports.run("later", lambda: datetime.now(UTC)).status is ExportStatus.COMPLETED


def test_a_folder_that_may_not_be_written_to_is_told(open_folder: Path) -> None:
    shelf = DirectoryShelf(open_folder / "shelf")
    with as_nobody():
        for send in sends(open_folder):
            send()
        shelf.put("orders.csv", [b"old"])
    folders = [open_folder, *(path for path in open_folder.rglob("*") if path.is_dir())]
    before = files_below(open_folder)
    for folder in folders:
        folder.chmod(0o555)
    with as_nobody():
        for send in sends(open_folder):
            with pytest.raises(MailNotSent, match="Permission denied"):
                send()
        for attempt in (
            lambda: shelf.put("new.csv", [b"new"]),
            lambda: write_file(open_folder / "orders.csv", [b"new"]),
        ):
            with pytest.raises(OutputNotWritten, match="Permission denied"):
                attempt()
    assert files_below(open_folder) == before
    for folder in folders:
        folder.chmod(0o777)
    with as_nobody():
        for send in sends(open_folder):
            send()
        shelf.put("new.csv", [b"new"])
