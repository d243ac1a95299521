"""The SQL task log: what must not happen twice is claimed here before it is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, final

from sqlalchemy import delete, func, select, text, update

from shoppego_orders.adapters.sql.columns import Values
from shoppego_orders.adapters.sql.database import Opened
from shoppego_orders.adapters.sql.dialects import one_of
from shoppego_orders.adapters.sql.schema import tasks
from shoppego_orders.errors import InvalidValue, TaskNotClaimed, TaskSettled
from shoppego_orders.periods import epoch_micros, instant_of_micros, utc
from shoppego_orders.ports import Outcome, Task
from shoppego_orders.texts import UNSTORABLE, storable

# Written out, for SQLAlchemy has one for each dialect. An error would end a transaction.
_CLAIM: Final = text(
    "INSERT INTO shoppego_tasks (key, claimed_at) VALUES (:key, :claimed_at) ON CONFLICT DO NOTHING"
)


@final
class SqlTaskLog(Opened):
    """A :class:`~shoppego_orders.ports.TaskLog` in a SQL database.

    ``SqlTaskLog(store.database)`` keeps the tasks beside the orders: what is claimed or settled
    in a batch of the store is written with the batch, or not at all.
    """

    def claim(self, key: str, at: datetime) -> bool:
        """Claim a task; of several who try, one gets True, and nobody ever again.

        :raises NaiveDatetime: for a time without a zone.
        :raises InvalidValue: for a key that can't be stored.
        """
        claimed_at = epoch_micros(utc(at, "at"))
        if UNSTORABLE.search(key):
            raise InvalidValue("key", key, "a text without NUL and lone surrogates")
        with self.database.writing() as connection:
            claimed = connection.execute(_CLAIM, {"key": key, "claimed_at": claimed_at})
            return claimed.rowcount == 1

    def settle(self, key: str, outcome: Outcome, at: datetime, note: str = "") -> None:
        """Say how a claimed task ended; repeating the same outcome changes nothing.

        :raises TaskNotClaimed: if nobody claimed it.
        :raises TaskSettled: if it ended otherwise before.
        :raises NaiveDatetime: for a time without a zone.
        """
        settled_at = epoch_micros(utc(at, "at"))
        if UNSTORABLE.search(key):
            raise TaskNotClaimed(key)
        ended = {"outcome": outcome.value, "settled_at": settled_at, "note": storable(note)}
        unsettled = (tasks.c.key == key, tasks.c.outcome.is_(None))
        with self.database.writing() as connection:
            if connection.execute(update(tasks).where(*unsettled).values(ended)).rowcount:
                return
            before = connection.execute(
                select(tasks.c.outcome).where(tasks.c.key == key)
            ).scalar_one_or_none()
        if before is None:
            raise TaskNotClaimed(key)
        if before != outcome:
            raise TaskSettled(key, before)

    def tasks(self, prefix: str = "") -> Iterator[Task]:
        """Yield the tasks whose key begins so, by key; with those never settled."""
        if UNSTORABLE.search(prefix):
            return
        begins = func.substr(tasks.c.key, 1, len(prefix)) == prefix
        # The other conditions let the database begin, and end, where the prefix does.
        found = select(tasks).where(begins, tasks.c.key >= prefix).order_by(tasks.c.key)
        beyond = _beyond(prefix)
        if beyond is not None:
            found = found.where(tasks.c.key < beyond)
        yield from self.database.stream(found, _task)

    def forget(self, keys: Iterable[str]) -> None:
        """Remove tasks, settled or not; unknown keys are passed over."""
        with self.database.writing() as connection:
            connection.execute(delete(tasks).where(one_of(tasks.c.key, list(keys))))

    def empty_notes(self, keys: Iterable[str]) -> None:
        """Take the notes of tasks away, and leave all else; unknown keys are passed over."""
        noted = update(tasks).where(one_of(tasks.c.key, list(keys)))
        with self.database.writing() as connection:
            connection.execute(noted.values(note=""))


def _task(values: Values) -> Task:
    key, claimed_at, outcome, settled_at, note = values
    return Task(
        key,
        instant_of_micros(claimed_at),
        None if outcome is None else Outcome(outcome),
        None if settled_at is None else instant_of_micros(settled_at),
        note,
    )


def _beyond(prefix: str) -> str | None:
    """A text after all that begin so, as code points sort; None where none is known."""
    if not prefix or prefix[-1] >= "\ud7ff":  # what follows it is a surrogate, or nothing
        return None
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)
