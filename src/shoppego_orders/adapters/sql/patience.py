"""Connections to PostgreSQL that wait for nothing for ever.

libpq does: for a server that takes a connection and says nothing, and for one that falls silent.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from typing import Any, Final, Self, TypeVar, final

import psycopg

Result = TypeVar("Result")

SILENCE_S: Final = 600
"""How long a server may say nothing: far longer than any question takes, locks included."""
_CONNECTING: Final[Mapping[str, Any]] = {  # Any: as the connection's other arguments
    # Seconds, as long as for a lock.
    "connect_timeout": 30,
    # A machine that is gone, or a network that is cut, is noticed within a minute; and what
    # stands between is kept from forgetting a connection that is silent with good reason.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,  # milliseconds
}
"""Settings of libpq; what a URL says of them counts more."""


@final
class PatientConnection(psycopg.Connection[Any]):  # Any: rows, which SQLAlchemy reads
    """A connection that is given up where its server says nothing for too long."""

    @classmethod
    # Any: psycopg's arguments
    def to(cls, _: object, __: object, where: Any, how: Mapping[str, Any]) -> Self:
        """Connect as SQLAlchemy would, in its event ``do_connect``."""
        return cls.connect(*where, **{**_CONNECTING, **how})

    def wait(
        self,
        gen: Generator[Any, Any, Result],  # Any: psycopg's to know, here and below
        *how: Any,
        **named: Any,
    ) -> Result:
        """Wait for an answer, as psycopg does whenever it waits."""
        return super().wait(self._heard(gen), *how, **named)

    # Any: as above
    def _heard(self, answer: Generator[Any, Any, Result]) -> Generator[Any, Any, Result]:
        heard = time.monotonic()
        ready: Any = None  # Any: as above
        while True:
            try:
                wanted = answer.send(ready)
            except StopIteration as done:
                result: Result = done.value
                return result
            # psycopg looks ten times a second; nothing is ready where nothing came.
            ready = yield wanted
            if ready:
                heard = time.monotonic()
            elif time.monotonic() - heard > SILENCE_S:
                self.pgconn.finish()
                problem = f"the server has said nothing for {SILENCE_S} seconds"
                raise psycopg.OperationalError(problem)
