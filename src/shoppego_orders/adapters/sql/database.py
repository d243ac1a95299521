"""The database itself: opened, made ready, written in one transaction, read as a stream."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, Self, final

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Executable,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError

from shoppego_orders.adapters.sql.columns import Values
from shoppego_orders.adapters.sql.schema import (
    SCHEMA_VERSION,
    SQLITE_STATISTICS,
    metadata,
    schema_version,
)
from shoppego_orders.errors import InvalidValue, StoreUnusable

_PATIENCE_MS: Final = 30_000
_CHUNK: Final = 500
_OLDEST_SQLITE: Final = (3, 35)

Target = str | Path | URL | Engine
"""Where a database is: a file, a SQLAlchemy URL, or an engine that the host made."""


@final
class Database:
    """A SQLite file with orders and tasks in it. Threads and processes may share it.

    Nothing is opened before it is used. An engine of the host's own is left open by
    :meth:`close`.

    :param target: a file's path; a URL such as ``sqlite:///orders.sqlite``; or an engine.
    :ivar name: the file, or the URL without its password, for messages.
    :raises InvalidValue: for a URL that is none.
    :raises StoreUnusable: for a database in memory, which each connection would have its own
        of, and for anything but SQLite.
    """

    def __init__(self, target: Target) -> None:
        self._owns_engine = not isinstance(target, Engine)
        url = target.url if isinstance(target, Engine) else _url(target)
        self.name: Final = url.database or url.render_as_string(hide_password=True)
        if url.get_backend_name() != "sqlite":
            raise StoreUnusable(url.render_as_string(hide_password=True), "it is not SQLite")
        if _in_memory(url):
            problem = "a SQLite database in memory can't be shared; name a file"
            raise StoreUnusable(self.name, f"{problem}, or use MemoryOrderStore")
        if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
            problem = f"SQLite 3.35 or newer is needed, and {sqlite3.sqlite_version} is here"
            raise StoreUnusable(self.name, problem)
        # As many connections as streams are open; a stream must never wait for another's end.
        self.engine: Final = (
            target if isinstance(target, Engine) else create_engine(url, max_overflow=-1)
        )
        if not event.contains(self.engine, "checkout", _prepare):
            event.listen(self.engine, "checkout", _prepare)
        self._batch = threading.local()

    def create(self) -> None:
        """Make the tables where there are none yet; repeating it changes nothing.

        :raises StoreUnusable: where the file is no database, can't be written, belongs to
            somebody else, or was made by a newer release.
        """
        with self._told(), self.engine.connect() as connection:
            if self._version(connection) is None:
                _use_wal(connection)
                _begin(connection)
                # Again, now that no other process can be making them.
                if self._version(connection) is None:
                    metadata.create_all(connection)
                    _tell_statistics(connection)
                    connection.execute(insert(schema_version).values(version=SCHEMA_VERSION))
                connection.commit()
                # This connection has read no statistics; the next one does.
                connection.invalidate()

    def close(self) -> None:
        """Close the connections; using the database again opens new ones."""
        if self._owns_engine:
            with self._told():
                self.engine.dispose()

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """A connection for one question; within a batch, the batch's."""
        with self._told():
            batch = self._of_this_thread()
            if batch is not None:
                yield batch
            else:
                with self.engine.connect() as connection:
                    yield connection

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """A transaction, all or nothing; within a batch, a part of it that can be undone alone."""
        with self._told():
            batch = self._of_this_thread()
            if batch is not None:
                yield from _undoable(batch)
            else:
                with self.engine.connect() as connection:
                    _begin(connection)
                    yield connection
                    connection.commit()

    @contextmanager
    def batch(self) -> Generator[None]:
        """One transaction for everything that this thread writes within."""
        if self._of_this_thread() is not None:
            yield
            return
        with ExitStack() as opened:
            with self._told():
                connection = opened.enter_context(self.engine.connect())
                _begin(connection)
            self._batch.connection = connection
            try:
                yield
            finally:
                del self._batch.connection
            with self._told():
                connection.commit()

    def stream(self, question: Executable) -> Iterator[Values]:
        """Yield rows as the driver gives them, few at a time.

        They are those of the moment when the first was asked for, whatever is written since. In
        a batch they are read at once: a transaction sees its own writes, even in mid-stream.
        """
        batch = self._of_this_thread()
        with self.reading() as connection:
            if batch is not None:
                yield from connection.execute(question).all()
                return
            answer = connection.execute(question, execution_options={"yield_per": _CHUNK})
            for chunk in answer.partitions():
                yield from chunk

    def _of_this_thread(self) -> Connection | None:
        connection: Connection | None = getattr(self._batch, "connection", None)
        return connection

    def _version(self, connection: Connection) -> int | None:
        """The version of the tables that are there, None for no tables at all."""
        found = set(inspect(connection).get_table_names())
        if schema_version.name not in found:
            foreign = found & set(metadata.tables)
            if foreign:
                problem = f"its table {min(foreign)} was not made by shoppego_orders"
                raise StoreUnusable(self.name, problem)
            return None
        version = connection.execute(select(schema_version.c.version)).scalar()
        if version != SCHEMA_VERSION:
            raise StoreUnusable(
                self.name,
                f"its tables are of version {version}, and this release of shoppego_orders "
                f"knows version {SCHEMA_VERSION}; a newer release may have made them",
            )
        return SCHEMA_VERSION

    @contextmanager
    def _told(self) -> Generator[None]:
        """Tell in our words what the driver raises."""
        try:
            yield
        except (UnicodeEncodeError, OverflowError) as error:
            expected = "text without lone surrogates, and whole numbers below 2**63"
            raise InvalidValue("a value for the database", str(error), expected) from error
        except DBAPIError as error:
            raise StoreUnusable(self.name, self._problem(str(error.orig))) from error
        except sqlite3.Error as error:  # from _prepare, which SQLAlchemy does not watch
            raise StoreUnusable(self.name, self._problem(str(error))) from error

    def _problem(self, told: str) -> str:
        if told.startswith("no such table: shoppego_"):
            return "it has no tables for orders yet; importing, or create(), makes them"
        # SQLite's only words for three different things.
        if told == "unable to open database file":
            path = Path(self.name)
            try:
                if path.is_dir():
                    return "it is a folder"
                if not path.parent.is_dir():
                    return "its folder does not exist"
            except OSError:
                pass
            return f"{told} (no permission?)"
        return told


class Opened:
    """What lives in a database: opened and closed with it.

    :ivar database: where; two that are given the same share its transactions.
    """

    def __init__(self, target: Target | Database) -> None:
        self.database: Final = target if isinstance(target, Database) else Database(target)

    @classmethod
    def open(cls, target: Target) -> Self:
        """Open a database, and make its tables if it has none yet.

        :param target: a file's path; a URL such as ``sqlite:///orders.sqlite``; or an engine.
        :raises InvalidValue: for a URL that is none.
        :raises StoreUnusable: where the file is no database, can't be written, or was made by
            a newer release.
        """
        opened = cls(target)
        try:
            opened.create()
        except BaseException:
            opened.close()
            raise
        return opened

    def create(self) -> None:
        """Make the tables where there are none yet; see :meth:`Database.create`."""
        self.database.create()

    def close(self) -> None:
        """Close the database's connections."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _url(target: str | Path | URL) -> URL:
    if isinstance(target, URL):
        return target
    if isinstance(target, str) and "://" in target:
        try:
            return make_url(target)
        except ArgumentError:
            expected = "a file, or a URL such as sqlite:///orders.sqlite"
            raise InvalidValue("target", target, expected) from None
    return URL.create("sqlite", database=str(target))


def _in_memory(url: URL) -> bool:
    name = url.database or ":memory:"
    return name in {":memory:", "file::memory:"} or url.query.get("mode") == "memory"


def _begin(connection: Connection) -> None:
    """Take the right to write at once: to read first and ask for it later may fail."""
    driver: Any = connection.connection.dbapi_connection  # Any: SQLAlchemy does not say which
    # A host's engine may begin on its own.
    if not driver.in_transaction:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _undoable(connection: Connection) -> Iterator[Connection]:
    # Not begin_nested(), which compiles its statements anew for every order of an import.
    connection.exec_driver_sql("SAVEPOINT shoppego_orders")
    try:
        yield connection
    except BaseException:
        connection.exec_driver_sql("ROLLBACK TO shoppego_orders")
        raise
    finally:
        connection.exec_driver_sql("RELEASE shoppego_orders")


def _use_wal(connection: Connection) -> None:
    for attempt in range(100):
        try:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        except DBAPIError as error:
            # SQLite does not wait here while another process does the same.
            if "locked" not in str(error.orig) or attempt == 99:
                raise
            time.sleep(0.01)
        else:
            return


def _tell_statistics(connection: Connection) -> None:
    # Analysing any table makes the one that statistics stand in.
    connection.exec_driver_sql(f"ANALYZE {schema_version.name}")
    connection.exec_driver_sql(
        "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", list(SQLITE_STATISTICS)
    )


def _prepare(driver: Any, record: Any, _: object) -> None:  # Any: SQLAlchemy does not say which
    """Make a connection ready when it is first taken from the pool.

    A forked process must not use its parent's connections: it drops them, and gets new ones.
    """
    here = os.getpid()
    prepared = record.info.setdefault("shoppego_orders", None)
    if prepared == here:
        return
    if prepared is not None:
        record.dbapi_connection = None
        raise DisconnectionError("this connection belongs to the parent process")
    # In this order, so that the next two wait too.
    driver.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
    driver.execute("PRAGMA foreign_keys = ON")
    driver.execute("PRAGMA synchronous = NORMAL")
    record.info["shoppego_orders"] = here
