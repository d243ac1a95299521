"""Orders and tasks in a SQL database: the extra ``sql`` brings SQLAlchemy.

SQLite, for now: one file that several threads and processes may use at once. It is kept in WAL
mode, so readers never wait for a writer nor a writer for readers; writers wait for each other,
up to half a minute. With ``synchronous=NORMAL`` a crash of the program loses nothing that was
saved, and a power cut may lose the last saves, but never leaves half of one.
"""

from __future__ import annotations

from importlib.util import find_spec

from shoppego_orders.errors import MissingExtra

if find_spec("sqlalchemy") is None:
    raise MissingExtra("sqlalchemy", "sql")

from shoppego_orders.adapters.sql.database import Database
from shoppego_orders.adapters.sql.store import SqlOrderStore
from shoppego_orders.adapters.sql.tasks import SqlTaskLog

__all__ = ["Database", "SqlOrderStore", "SqlTaskLog"]
