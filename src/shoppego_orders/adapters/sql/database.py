"""The database itself: opened, made ready, written in one transaction, read as a stream."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple, Self, TypeVar, final
from weakref import WeakSet

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Executable,
    Pool,
    insert,
    inspect,
    make_url,
    select,
    update,
)
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from shoppego_orders.adapters.sql.columns import Values
from shoppego_orders.adapters.sql.dialects import DIALECTS, NO_TABLES
from shoppego_orders.adapters.sql.schema import (
    ADDED_AFTER,
    SCHEMA_VERSION,
    metadata,
    schema_version,
)
from shoppego_orders.errors import (
    BrokenHistory,
    InvalidDocument,
    InvalidValue,
    StoreUnusable,
    UnknownDocumentVersion,
)

T = TypeVar("T")

_CHUNK: Final = 500
_INDEX_LIMIT: Final = "54000"  # PostgreSQL's code
_UPGRADE: Final = "`shoppego-orders upgrade`, or Database.upgrade(), brings them there"
_STORABLE: Final = (
    "text without lone surrogates, and whole numbers below 2**63; in PostgreSQL also ids, "
    "numbers, tags and customer keys of no more than some 2,600 bytes"
)

Target = str | Path | URL | Engine
"""Where a database is: a file, a SQLAlchemy URL, or an engine that the host made."""


class SchemaCheck(NamedTuple):
    """What a database has in it.

    :ivar version: of its tables; None where it has none yet, and ``create`` makes them.
    :ivar usable: whether this release can use them as they are; an older version that it can't
        use, ``upgrade`` brings to its own.
    """

    version: int | None
    usable: bool


@final
class Database:
    """A database with orders, tasks and exports in it. Threads and processes may share it.

    Nothing is opened before it is used. An engine of the host's own is left open by
    :meth:`close`.

    :param target: a file's path; a URL such as ``sqlite:///orders.sqlite`` or
        ``postgresql://siti@db.example/orders``; or an engine.
    :ivar name: the file, or the URL without its password, for messages.
    :ivar file: the file of an SQLite database; else None.
    :raises InvalidValue: for a URL that is none.
    :raises MissingExtra: for PostgreSQL, without psycopg.
    :raises StoreUnusable: for a database in memory, which each connection would have its own
        of, and for anything but SQLite and PostgreSQL.
    """

    def __init__(self, target: Target) -> None:
        self._owns_engine = not isinstance(target, Engine)
        url = target.url if isinstance(target, Engine) else _url(target)
        kind = url.get_backend_name()
        if kind not in DIALECTS:
            name = url.set(query={}).render_as_string(hide_password=True)
            raise StoreUnusable(name, "it is neither SQLite nor PostgreSQL")
        self._dialect: Final = DIALECTS[kind]
        self._dialect.check(url)
        self.name: Final = self._dialect.name(url)
        self.file: Final = Path(url.database or "") if kind == "sqlite" else None
        self.engine: Final = self._dialect.engine(target if isinstance(target, Engine) else url)
        self._asking = self.engine.execution_options(**self._dialect.asking)
        self._writing = self.engine.execution_options(**self._dialect.writing)
        # Outside of transactions, which is where vacuuming is possible.
        self._alone = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._batch = threading.local()
        _OPENED.add(self)

    def create(self) -> None:
        """Make the tables where there are none yet; repeating it changes nothing.

        :raises StoreUnusable: where the database is none, lacks a part, can't be written, belongs
            to somebody else, was made by a newer release, or has to be upgraded.
        """
        missing = self._missing_file()
        if missing is not None:
            with suppress(OSError):  # which SQLite will have too, and tells
                missing.touch()
        with self._told(), self._writing.connect() as connection:
            self._dialect.check_length(connection, self.name)
            version = self._version(connection)
            if version is None:
                self._dialect.begin_making(connection)
                # Again, now that no other process can be making them.
                version = self._version(connection)
                if version is None:
                    metadata.create_all(connection, checkfirst=False)
                    self._dialect.made(connection, metadata.tables)
                    connection.execute(insert(schema_version).values(version=SCHEMA_VERSION))
                    version = SCHEMA_VERSION
                self._commit(connection)
                # What this connection has read of the database is old; the next one reads anew.
                connection.invalidate()
            if version != SCHEMA_VERSION:
                raise self._refused(version, _UPGRADE)

    def check(self) -> SchemaCheck:
        """Tell which version the tables are of, and whether this release can use them.

        Writes nothing.

        :raises StoreUnusable: where the database is none, lacks a part, can't be read, or belongs
            to somebody else, and for a version that this release can't upgrade: a newer one too.
        """
        if self._missing_file() is not None:
            return SchemaCheck(None, usable=False)
        with self._told(), self._writing.connect() as connection:
            self._dialect.check_length(connection, self.name)
            version = self._version(connection)
        return SchemaCheck(version, usable=version == SCHEMA_VERSION)

    def upgrade(self) -> None:
        """Bring the tables of an older release to this one's version, in one transaction.

        Repeating it changes nothing; of several processes that do it at once, one does. Make a
        copy of the database first: there is no way back.

        :raises StoreUnusable: as :meth:`check` does, and where there are no tables, or they
            can't be written; nothing is changed.
        """
        found = self.check()
        if found.version is None:
            raise StoreUnusable(self.name, NO_TABLES)
        if found.usable:
            return
        with self._told(), self._writing.connect() as connection:
            self._dialect.begin_making(connection)
            # Again, now that no other process can be upgrading them.
            for step in range(self._version(connection) or found.version, SCHEMA_VERSION):
                added = ADDED_AFTER[step]
                for each in added:
                    each.create(connection)
                self._dialect.made(connection, {str(each.name) for each in added})
            connection.execute(update(schema_version).values(version=SCHEMA_VERSION))
            self._commit(connection)
            connection.invalidate()  # as above

    def vacuum(self) -> None:
        """Give up the bytes of what was deleted or written over, as after an erasure.

        An SQLite file is written anew, which takes a while and as much space again, and then
        holds nothing but what is stored. PostgreSQL frees the dead rows of our tables, where the
        role owns them, and writes over their bytes as it needs the space; copies of a database,
        and its archived log, are nobody's but yours to clear.

        :raises StoreUnusable: where that fails; and where somebody still reads what was there.
        """
        with self._told(), self._alone.connect() as connection:
            busy = self._dialect.vacuum(connection, sorted(metadata.tables))
        if busy:
            raise StoreUnusable(self.name, "others are reading it: vacuum it again later")

    def close(self) -> None:
        """Close the connections; using the database again opens new ones."""
        if self._owns_engine:
            with self._told():
                self.engine.dispose()

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """A connection for questions, each about what is there now; within a batch, the batch's."""
        with self._told():
            batch = self._of_this_thread()
            if batch is not None:
                with self._undone_where_it_fails(batch):
                    yield batch
            else:
                with self._asking.connect() as connection:
                    yield connection

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """A transaction, all or nothing; within a batch, a part of it that can be undone alone."""
        with self._told():
            batch = self._of_this_thread()
            if batch is not None:
                with self._undone_where_it_fails(batch):
                    yield batch
                    _keep(batch)
            else:
                with self._writing.connect() as connection:
                    self._dialect.begin(connection)
                    yield connection
                    self._commit(connection)

    @contextmanager
    def batch(self) -> Generator[None]:
        """One transaction for everything that this thread writes within."""
        if self._of_this_thread() is not None:
            yield
            return
        with ExitStack() as opened:
            with self._told():
                connection = opened.enter_context(self._writing.connect())
                self._dialect.begin_batch(connection)
                connection.exec_driver_sql(f"SAVEPOINT {_SAVEPOINT}")
            self._batch.connection = connection
            self._batch.undone = None
            try:
                yield
            finally:
                self._batch.connection = None
            self._refuse_if_undone()
            with self._told():
                self._commit(connection)

    def stream(self, question: Executable, decode: Callable[[Values], T]) -> Iterator[T]:
        """Yield what is made of each row, few at a time; see :meth:`chunks`.

        :raises StoreUnusable: for a row of which nothing can be made, too.
        """
        for chunk in self.chunks(question):
            with self.decoding():
                yield from map(decode, chunk)

    def chunks(self, question: Executable) -> Iterator[Sequence[Values]]:
        """Yield some hundreds of rows at a time, as the driver gives them.

        They are those of the moment when the first was asked for, whatever is written since. In
        a batch they are read at once: a transaction sees its own writes, even in mid-stream.
        """
        if self._of_this_thread() is not None:
            with self.reading() as batch:
                found = batch.execute(question).all()
            yield from (found[at : at + _CHUNK] for at in range(0, len(found), _CHUNK))
            return
        few = {"yield_per": _CHUNK}
        with (
            self._told(),
            self._writing.connect() as connection,
            connection.execute(question, execution_options=few) as answer,
        ):
            yield from answer.partitions()

    @contextmanager
    def decoding(self) -> Generator[None]:
        """Tell in our words of what is stored and is nothing that was ever saved."""
        try:
            yield
        except (BrokenHistory, InvalidDocument, UnknownDocumentVersion):
            raise  # about one order, which is passed over where many are worked off
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise StoreUnusable(self.name, f"what is stored is damaged: {error}") from error

    def damage(self) -> Sequence[str]:
        """What the database itself finds wrong when it looks at every page of it."""
        with self.reading() as connection:
            return self._dialect.damage(connection)

    def forked(self) -> None:
        """Leave the connections to the parent process, neither used nor ended; open new ones."""
        _OF_THE_PARENT.append(self.engine.pool)
        self.engine.dispose(close=False)
        self._batch = threading.local()

    def _missing_file(self) -> Path | None:
        """The file, where there is none; a URI names it in its own way, and may make it."""
        if self.file is not None and "uri" not in self.engine.url.query:
            with suppress(OSError):  # as above
                if not self.file.exists():
                    return self.file
        return None

    def _of_this_thread(self) -> Connection | None:
        connection: Connection | None = getattr(self._batch, "connection", None)
        return connection

    @contextmanager
    def _undone_where_it_fails(self, batch: Connection) -> Generator[None]:
        self._refuse_if_undone()
        try:
            yield
        except BaseException as error:
            # A question that failed too: PostgreSQL would answer no other one.
            if not _undone_alone(batch):
                self._batch.undone = error
            raise

    def _refuse_if_undone(self) -> None:
        """Refuse to go on with a batch whose transaction the database has ended.

        What came next would be written without what came before.
        """
        undone: BaseException | None = self._batch.undone
        if undone is not None:
            problem = f"the whole batch was undone, since {self._problem(undone)}"
            raise StoreUnusable(self.name, problem) from undone

    def _commit(self, connection: Connection) -> None:
        """Commit, and tell where nobody knows whether it was."""
        self._dialect.before_commit(connection)
        try:
            connection.commit()
        except DBAPIError as error:
            # The server had been told; whether it heard, and did, is not known.
            if error.connection_invalidated:
                perhaps_written = True
                raise StoreUnusable(self.name, self._problem(error), perhaps_written) from error
            raise

    def _problem(self, error: BaseException) -> str:
        if isinstance(error, DBAPIError):
            return self._dialect.problem(error.orig, self.name)
        return f"{error}"

    def _version(self, connection: Connection) -> int | None:
        """The version of the tables that are there, None for no tables at all.

        :raises StoreUnusable: for one that this release can neither use nor upgrade.
        """
        found = set(inspect(connection).get_table_names())
        if schema_version.name not in found:
            foreign = found & set(metadata.tables)
            if foreign:
                problem = f"its table {min(foreign)} was not made by shoppego_orders"
                raise StoreUnusable(self.name, problem)
            return None
        version: int | None = connection.execute(select(schema_version.c.version)).scalar()
        if version != SCHEMA_VERSION and version not in ADDED_AFTER:
            age = "an older" if version in range(1, SCHEMA_VERSION) else "a newer"
            raise self._refused(version, f"{age} release may have made them")
        return version

    def _missing_tables(self) -> str:
        """Say why a table is missing: there are none, they are older, or somebody dropped it."""
        version, usable = self.check()
        if version is None:
            return NO_TABLES
        return "one of its tables is gone" if usable else self._refused(version, _UPGRADE).problem

    def _refused(self, version: int | None, reason: str) -> StoreUnusable:
        found = f"its tables are of version {version}"
        known = f"this release of shoppego_orders knows version {SCHEMA_VERSION}"
        return StoreUnusable(self.name, f"{found}, and {known}; {reason}")

    @contextmanager
    def _told(self) -> Generator[None]:
        """Tell in our words what the driver raises."""
        try:
            yield
        except (UnicodeEncodeError, OverflowError) as error:
            raise InvalidValue("a value for the database", str(error), _STORABLE) from error
        except DBAPIError as error:
            problem = self._problem(error)
            if problem == NO_TABLES:
                problem = self._missing_tables()
            too_long = getattr(error.orig, "sqlstate", None) == _INDEX_LIMIT
            if too_long or isinstance(error, DataError):
                raise InvalidValue("a value for the database", problem, _STORABLE) from error
            raise StoreUnusable(self.name, problem) from error
        except NoConnectionFree as error:
            raise StoreUnusable(self.name, str(error)) from error


class Opened:
    """What lives in a database: opened and closed with it.

    :ivar database: where; two that are given the same share its transactions.
    """

    def __init__(self, target: Target | Database) -> None:
        self.database: Final = target if isinstance(target, Database) else Database(target)

    @classmethod
    def open(cls, target: Target) -> Self:
        """Open a database, and make its tables if it has none yet.

        :param target: a file's path; a URL such as ``sqlite:///orders.sqlite`` or
            ``postgresql://siti@db.example/orders``; or an engine.
        :raises InvalidValue: for a URL that is none.
        :raises MissingExtra: for PostgreSQL, without psycopg.
        :raises StoreUnusable: where it is no database, can't be reached or written, or was made
            by a newer release; and by an older one, until it is upgraded.
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
        url = target
    elif isinstance(target, str) and "://" in target:
        try:
            url = make_url(target)
        except (ArgumentError, ValueError):  # the second for a port that is no number
            shown = re.sub(r"://.*@", "://***@", target, flags=re.DOTALL)
            expected = "a file, or a URL such as sqlite:///orders.sqlite"
            raise InvalidValue("target", shown, expected) from None
    else:
        return URL.create("sqlite", database=str(target))
    # The database's name alone; the second is how libpq writes it too.
    if url.drivername in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    return url


# Not begin_nested(), which compiles its statements anew for every order of an import.
_SAVEPOINT: Final = "shoppego_orders"


def _undone_alone(batch: Connection) -> bool:
    """Undo what was written since the last save, and tell whether the batch still stands.

    A lost connection ends the transaction; SQLite does where its disk is full.
    """
    if batch.invalidated:
        return False
    try:
        batch.exec_driver_sql(f"ROLLBACK TO {_SAVEPOINT}")
    except DBAPIError:
        return False
    return True


def _keep(batch: Connection) -> None:
    """Let what comes next be undone without what was written so far."""
    batch.exec_driver_sql(f"RELEASE {_SAVEPOINT}")
    batch.exec_driver_sql(f"SAVEPOINT {_SAVEPOINT}")


_OPENED: Final = WeakSet[Database]()
_OF_THE_PARENT: Final[list[Pool]] = []


def _leave_parents() -> None:
    for database in list(_OPENED):
        database.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_parents)
