"""Statements that are compiled once, for each kind of database, and then sent as they are.

To look a compiled statement up again, and to put the sixty values of an order into their places,
takes SQLAlchemy longer than it takes SQLite to write them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, final

from sqlalchemy import Connection, CursorResult
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.sql import ClauseElement

Values = Mapping[str, object]

# The drivers write flags and texts as they are; so there is nothing to convert either.
_SQLITE: Final = sqlite.dialect(paramstyle="qmark")
_POSTGRESQL: Final = psycopg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's, untyped


@final
class Prepared:
    """A statement of at least two parameters: texts, whole numbers, flags or None, by name."""

    def __init__(self, statement: ClauseElement) -> None:
        in_sqlite: Any = statement.compile(dialect=_SQLITE)  # Any: only SQL has these places
        self._in_sqlite: Final = str(in_sqlite)
        self._places: Final = itemgetter(*in_sqlite.positiontup)
        self._in_postgresql: Final = str(statement.compile(dialect=_POSTGRESQL))

    # Any: whatever columns were asked for
    def execute(self, connection: Connection, values: Values) -> CursorResult[Any]:
        """Send it; it may answer with rows, whose flags are as the driver gives them."""
        if connection.dialect.name == "sqlite":
            return connection.exec_driver_sql(self._in_sqlite, self._places(values))
        return connection.exec_driver_sql(self._in_postgresql, values)

    def execute_many(self, connection: Connection, many: Sequence[Values]) -> None:
        """Send it with each of some values; with none, nothing is sent."""
        if not many:
            return
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(self._in_sqlite, list(map(self._places, many)))
        else:
            connection.exec_driver_sql(self._in_postgresql, many)
