"""Orders, tasks and exports in a SQL database: the extra ``sql`` brings SQLAlchemy.

**SQLite**: one file that several threads and processes may use at once. It is kept in WAL mode,
so readers never wait for a writer nor a writer for readers; writers wait for each other. With
``synchronous=NORMAL`` a crash of the program loses nothing that was saved, and a power cut may
lose the last saves, but never leaves half of one. A file of which a part is missing is refused
when it is opened, and what is damaged within when it is read; ``disagreements`` looks at all.

**PostgreSQL**: the extra ``postgresql`` brings psycopg 3. The tables are made in the first schema
of the search path, of a database whose encoding is UTF8, and belong to the role that made them;
another role needs to select, insert, update and delete in all of them. Transactions are READ
COMMITTED, in a host's engine too, and are right in it: what a save depends on is in the one
statement that writes it, and a unique index decides about what is new. So a save waits for
another save of the same order or number and for nothing else, and is then told. Those that write
many orders, a batch and ``settle_kept``, take their turns, so that no two wait for each other.

The tables have a version. ``create`` (and ``open``) makes them where there are none, and changes
none that are there. ``Database(target).check()`` tells their version, and whether this release
can use it, and writes nothing; ``Database(target).upgrade()`` brings an older version to this
release's, in one transaction, and is never done unasked. A version that is newer than the
release is refused by all of them: its rows may mean something else.

Whoever waits for another is told after half a minute, with nothing written; so is who waits for a
server to let him in, and after ten minutes who waits for one that says nothing. With PostgreSQL a
host's own engine decides all that. A connection that is lost at the commit leaves nobody the
wiser: then the error says ``perhaps_written``, and to do the same again is safe. A stream keeps a
connection until it is read to its end, closed or forgotten. A forked process leaves its parent's
connections alone.
"""

from __future__ import annotations

from importlib.util import find_spec

from shoppego_orders.errors import MissingExtra

if find_spec("sqlalchemy") is None:
    raise MissingExtra("sqlalchemy", "sql")

from shoppego_orders.adapters.sql.database import Database, SchemaCheck
from shoppego_orders.adapters.sql.exports import SqlExportLog
from shoppego_orders.adapters.sql.store import SqlOrderStore
from shoppego_orders.adapters.sql.tasks import SqlTaskLog

__all__ = ["Database", "SchemaCheck", "SqlExportLog", "SqlOrderStore", "SqlTaskLog"]
