"""What SQLite and PostgreSQL do differently, all of it."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, Self, final

from sqlalchemy import (
    URL,
    Column,
    ColumnElement,
    Connection,
    Engine,
    ExceptionContext,
    Executable,
    Table,
    Text,
    TypeDecorator,
    bindparam,
    create_engine,
    event,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine.interfaces import Dialect as Compiled
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from shoppego_orders.adapters.sql.schema import SQLITE_STATISTICS, schema_version
from shoppego_orders.adapters.sql.sqlite_files import first_missing_page
from shoppego_orders.errors import MissingExtra, StoreUnusable
from shoppego_orders.texts import UNSTORABLE

_PATIENCE_MS: Final = 30_000
_OLDEST_SQLITE: Final = (3, 35)
_MAKING_TABLES: Final = 0x5348_4F50  # ours among a database's advisory locks
NO_TABLES: Final = (
    "it has no tables for orders yet; `shoppego-orders import FILE`, or create(), makes them"
)
_NO_FILE: Final = "there is no such file; `shoppego-orders import FILE`, or create(), makes it"
_MOVED: Final = "the file was removed, or another one put in its place, while it was written to"
_HINTS: Final = {
    "unable to open database file": "no permission?",
    "attempt to write a readonly database": "no permission, for the file or its folder?",
    "database is locked": "somebody else has been writing to it for too long",
    "disk I/O error": "is the disk out of order, or a quota used up?",
}
"""What SQLite's own words leave open."""


class Dialect(Protocol):
    """How one kind of database is opened and written to, and what its complaints mean.

    :ivar asking: execution options for single questions.
    :ivar writing: execution options for transactions, and for streams.
    """

    asking: Mapping[str, str]
    writing: Mapping[str, str]

    def name(self, url: URL) -> str:
        """What to call a database in messages; without a password."""
        ...

    def check(self, url: URL) -> None:
        """Refuse what can't hold a store.

        :raises StoreUnusable: saying why.
        :raises MissingExtra: without the driver.
        """
        ...

    def engine(self, target: URL | Engine) -> Engine:
        """Make an engine, or make a host's ready."""
        ...

    def begin(self, connection: Connection) -> None:
        """Begin to write one order or task."""
        ...

    def begin_batch(self, connection: Connection) -> None:
        """Begin to write many in one transaction: one such transaction at a time."""
        ...

    def begin_making(self, connection: Connection) -> None:
        """Begin to make the tables: one process at a time."""
        ...

    def made(self, connection: Connection, names: Collection[str]) -> None:
        """End making some tables, or some indexes, before it is committed."""
        ...

    def before_commit(self, connection: Connection) -> None:
        """Refuse to commit where nobody would find it.

        :raises StoreUnusable: saying why.
        """
        ...

    def vacuum(self, connection: Connection, tables: Collection[str]) -> bool:
        """Give up what was deleted, and tell whether somebody still needs some of it."""
        ...

    def check_length(self, connection: Connection, name: str) -> None:
        """Refuse a database whose end is missing, where that can be told at a glance.

        :raises StoreUnusable: saying what is missing.
        """
        ...

    def damage(self, connection: Connection) -> Sequence[str]:
        """Look at every page, and tell what is wrong with them."""
        ...

    def problem(self, error: BaseException | None, name: str) -> str:
        """Tell in our words what the driver raised."""
        ...


@final
class _Sqlite:
    asking: Mapping[str, str] = {}
    writing: Mapping[str, str] = {}

    def name(self, url: URL) -> str:
        return url.database or url.render_as_string(hide_password=True)

    def check(self, url: URL) -> None:
        named = url.database or ":memory:"
        if named in {":memory:", "file::memory:"} or url.query.get("mode") == "memory":
            problem = "a SQLite database in memory can't be shared; name a file"
            raise StoreUnusable(self.name(url), f"{problem}, or use MemoryOrderStore")
        if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
            problem = f"SQLite 3.35 or newer is needed, and {sqlite3.sqlite_version} is here"
            raise StoreUnusable(self.name(url), problem)

    def engine(self, target: URL | Engine) -> Engine:
        # As many connections as streams are open; a stream must never wait for another's end.
        if isinstance(target, Engine):
            engine = target
        else:
            engine = create_engine(target, max_overflow=-1)
            if "uri" not in target.query:  # a URI says itself whether it makes a file
                event.listen(engine, "do_connect", _making_no_file(self.name(target)))
        if not event.contains(engine, "checkout", _prepare):
            event.listen(engine, "checkout", _prepare)
            event.listen(engine, "handle_error", _leave_read_only)
        return engine

    def begin(self, connection: Connection) -> None:
        # Take the right to write at once: to read first and ask for it later may fail.
        driver: Any = connection.connection.dbapi_connection  # Any: SQLAlchemy does not say which
        # A host's engine may begin on its own.
        if not driver.in_transaction:
            try:
                driver.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                name = self.name(connection.engine.url)
                raise StoreUnusable(name, self.problem(error, name)) from error

    def begin_batch(self, connection: Connection) -> None:
        self.begin(connection)

    def begin_making(self, connection: Connection) -> None:
        _use_wal(connection)
        self.begin(connection)

    def made(self, connection: Connection, names: Collection[str]) -> None:
        # Analysing any table makes the one that statistics stand in.
        connection.exec_driver_sql(f"ANALYZE {schema_version.name}")
        connection.exec_driver_sql(
            "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)",
            [told for told in SQLITE_STATISTICS if not {*told[:2]}.isdisjoint(names)],
        )

    def before_commit(self, connection: Connection) -> None:
        if connection.info[_FILE].moved():
            raise StoreUnusable(self.name(connection.engine.url), _MOVED)

    def vacuum(self, connection: Connection, tables: Collection[str]) -> bool:  # noqa: ARG002  # PostgreSQL's
        connection.exec_driver_sql("VACUUM")
        # What was there stands in the log too, until it is emptied.
        busy, _, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        return bool(busy)

    def check_length(self, connection: Connection, name: str) -> None:
        driver: Any = connection.connection.dbapi_connection  # Any: as above
        if not driver.in_transaction:
            connection.exec_driver_sql("BEGIN")
        missing = first_missing_page(connection)
        connection.rollback()
        if missing is not None:
            raise StoreUnusable(name, f"the file was cut off: its page {missing} is missing")

    def damage(self, connection: Connection) -> Sequence[str]:
        found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
        parts = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        return [
            *(told for told in found if told != "ok"),
            *(f"a row of {part[0]} belongs to no order" for part in parts),
        ]

    def problem(self, error: BaseException | None, name: str) -> str:
        told = str(error)
        if told.startswith("no such table: shoppego_"):
            return NO_TABLES
        # SQLite's only words for three different things.
        if told == "unable to open database file":
            path = Path(name)
            try:
                if path.is_dir():
                    return "it is a folder"
                if not path.parent.is_dir():
                    return "its folder does not exist"
            except OSError:
                pass
        return f"{told} ({_HINTS[told]})" if told in _HINTS else told


@final
class _Postgresql:
    # A statement alone is a transaction, with nothing to be sent around it.
    asking: Mapping[str, str] = {"isolation_level": "AUTOCOMMIT"}
    # Whatever a host's engine uses for its own work.
    writing: Mapping[str, str] = {"isolation_level": "READ COMMITTED"}

    def name(self, url: URL) -> str:
        # A password may stand in the query too.
        shown = url.difference_update_query(set(url.query) - {"host", "port"})
        return shown.render_as_string(hide_password=True)

    def check(self, url: URL) -> None:
        driver = url.get_driver_name()
        if driver != "psycopg":
            problem = f"its driver is {driver}, and psycopg is needed: postgresql+psycopg://"
            raise StoreUnusable(self.name(url), problem)
        try:
            # Nothing is used of it here: SQLAlchemy would import it too, and raise otherwise.
            import psycopg  # noqa: F401  # pyright: ignore[reportUnusedImport]
        except ImportError as error:
            raise MissingExtra("psycopg", "postgresql") from error

    def engine(self, target: URL | Engine) -> Engine:
        if isinstance(target, Engine):
            return target
        # Later, for psycopg may not be installed.
        from shoppego_orders.adapters.sql.patience import PatientConnection

        engine = create_engine(
            target,
            max_overflow=-1,  # as above
            pool_pre_ping=True,  # the server may have restarted, or a firewall lost patience
            connect_args={"client_encoding": "utf-8"},
        )
        event.listen(engine, "do_connect", PatientConnection.to)
        event.listen(engine, "connect", _set_patience)
        return engine

    def begin(self, connection: Connection) -> None:
        pass  # the driver does, with the first statement

    def begin_batch(self, connection: Connection) -> None:
        # Two that write the same orders in another sequence would wait for each other for ever.
        connection.execute(select(schema_version).with_for_update())

    def begin_making(self, connection: Connection) -> None:
        connection.execute(select(func.pg_advisory_xact_lock(_MAKING_TABLES)))
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
        if encoding != "UTF8":
            problem = f"its encoding is {encoding}, and only UTF8 holds every text, in its order"
            raise StoreUnusable(self.name(connection.engine.url), problem)

    def made(self, connection: Connection, names: Collection[str]) -> None:
        pass

    def before_commit(self, connection: Connection) -> None:
        pass

    def vacuum(self, connection: Connection, tables: Collection[str]) -> bool:
        connection.exec_driver_sql(f"VACUUM {', '.join(tables)}")
        return False

    def check_length(self, connection: Connection, name: str) -> None:
        pass  # the server looks after its files

    def damage(self, connection: Connection) -> Sequence[str]:  # noqa: ARG002  # SQLite's
        return ()  # as above

    def problem(self, error: BaseException | None, name: str) -> str:  # noqa: ARG002  # SQLite's
        diagnosis: Any = getattr(error, "diag", None)  # Any: psycopg may not be installed
        told: str = getattr(diagnosis, "message_primary", None) or " ".join(str(error).split())
        if told.startswith('relation "shoppego_') and told.endswith("does not exist"):
            return NO_TABLES
        return told


DIALECTS: Final[Mapping[str, Dialect]] = {"sqlite": _Sqlite(), "postgresql": _Postgresql()}
"""By SQLAlchemy's name of them."""


_FILE: Final = "shoppego_orders"
"""Under which a connection to SQLite that was made ready keeps its file."""


@final
class _File(NamedTuple):
    """The file that a connection to SQLite has open: it keeps it, whatever becomes of its name.

    :ivar opened: tells it from others; None where there is none by its name.
    """

    path: str
    opened: tuple[int, int] | None

    @classmethod
    def of(cls, driver: Any) -> Self:  # Any: SQLAlchemy does not say which
        path = next(row[2] for row in driver.execute("PRAGMA database_list") if row[1] == "main")
        return cls(path, _identity(path))

    def moved(self) -> bool:
        return _identity(self.path) != self.opened


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  # for each save, and Path costs as much again
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _prepare(driver: Any, record: Any, _: object) -> None:  # Any: SQLAlchemy does not say which
    """Make a connection to SQLite ready when it is first taken from the pool, a host's too."""
    file: _File | None = record.info.get(_FILE)
    if file is None:
        # In this order, so that the next two wait too.
        driver.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
        driver.execute("PRAGMA foreign_keys = ON")
        driver.execute("PRAGMA synchronous = NORMAL")
        record.info[_FILE] = _File.of(driver)
    elif file.moved():
        # What it wrote, nobody would find. SQLAlchemy makes another.
        raise DisconnectionError(_MOVED)


def _leave_read_only(failed: ExceptionContext) -> None:
    """Give up a connection that may only read: SQLite would keep it so when permission is given."""
    code = getattr(failed.original_exception, "sqlite_errorcode", 0)
    if code & 0xFF == sqlite3.SQLITE_READONLY:
        failed.is_disconnect = True
        # SQLAlchemy leaves the cursor open then, and SQLite the file, for others to share.
        if failed.execution_context is not None:
            failed.execution_context.cursor.close()


def _making_no_file(name: str) -> Callable[..., None]:
    """Keep SQLite from making an empty file where one is only looked for."""

    # Any: as SQLite gives them
    def look(_: object, __: object, where: Sequence[Any], ___: object) -> None:
        path = Path(where[0])
        with suppress(OSError):  # which SQLite will have too, and tells
            effective = os.access in os.supports_effective_ids
            may = os.access(path.parent, os.W_OK | os.X_OK, effective_ids=effective)
            if may and path.parent.is_dir() and not path.exists():
                raise StoreUnusable(name, _NO_FILE)

    return look


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


def _set_patience(driver: Any, _: object) -> None:  # Any: SQLAlchemy does not say which
    driver.execute(f"SET lock_timeout = {_PATIENCE_MS}")
    driver.commit()


# Any: columns of any kind
def inserts_of_what_is_free(table: Table, *told: Column[Any]) -> Mapping[str, Executable]:
    """What adds rows but those that a unique index has already, by SQLAlchemy's name of each kind.

    :param told: what to return of the rows that were added.
    """
    return {
        "sqlite": sqlite.insert(table).on_conflict_do_nothing().returning(*told),
        "postgresql": postgresql.insert(table).on_conflict_do_nothing().returning(*told),
    }


# Any: a column of texts, or of statuses
def one_of(searched: ColumnElement[Any], texts: Collection[str]) -> ColumnElement[bool]:
    """Whether a column holds one of any number of texts.

    They go as one parameter: databases limit how many a statement may have.
    """
    # What can't be stored is not asked for: a driver would refuse it.
    findable = sorted(text for text in texts if not UNSTORABLE.search(text))
    return _OneOf(searched, bindparam(None, findable, type_=_Texts()))


def contains(searched: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Whether a column's text has another within it: as it is, not as a pattern."""
    return _Contains(searched, bindparam(None, text, type_=Text()))


class _Texts(TypeDecorator[list[str]]):
    """A list of texts as one parameter."""

    impl = Text
    cache_ok = True

    # Any: as in SQLAlchemy's own class
    def load_dialect_impl(self, dialect: Compiled) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(ARRAY(Text()))
        return dialect.type_descriptor(Text())

    # Any: an array or a text, as the driver takes it
    def process_bind_param(self, value: list[str] | None, dialect: Compiled) -> Any:
        return value if dialect.name == "postgresql" else json.dumps(value)


class _OneOf(FunctionElement[bool]):
    inherit_cache: bool | None = True


class _Contains(FunctionElement[bool]):
    inherit_cache: bool | None = True


# Any: the compiler's own arguments, passed on
def _written(element: FunctionElement[bool], compiler: SQLCompiler, **how: Any) -> list[str]:
    return [compiler.process(clause, **how) for clause in element.clauses]


@compiles(_OneOf, "sqlite")
def _(element: _OneOf, compiler: SQLCompiler, **how: Any) -> str:  # Any: as in _written()
    searched, listed = _written(element, compiler, **how)
    return f"{searched} IN (SELECT value FROM json_each({listed}))"  # noqa: S608  # SQLAlchemy's


@compiles(_OneOf, "postgresql")
def _(element: _OneOf, compiler: SQLCompiler, **how: Any) -> str:  # Any: as in _written()
    searched, listed = _written(element, compiler, **how)
    return f"{searched} = ANY ({listed})"


@compiles(_Contains, "sqlite")
def _(element: _Contains, compiler: SQLCompiler, **how: Any) -> str:  # Any: as in _written()
    searched, text = _written(element, compiler, **how)
    return f"instr({searched}, {text}) > 0"


@compiles(_Contains, "postgresql")
def _(element: _Contains, compiler: SQLCompiler, **how: Any) -> str:  # Any: as in _written()
    searched, text = _written(element, compiler, **how)
    return f"strpos({searched}, {text}) > 0"
