"""What a log of tasks promises, as tests that a host runs on its own."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import partial

import pytest

from shoppego_orders.errors import NaiveDatetime, OrdersError, TaskNotClaimed, TaskSettled
from shoppego_orders.ports import Outcome, Task, TaskLog
from shoppego_orders.testing.contracts.racing import SharedContract
from shoppego_orders.testing.samples import NOON
from shoppego_orders.texts import storable


class TaskLogContract(SharedContract):
    """What :class:`~shoppego_orders.ports.TaskLog` promises. Give it a ``task_log`` fixture.

    :cvar shared_by_threads: several threads may use one log at once; else that test is skipped.
    """

    def test_a_task_is_claimed_once(self, task_log: TaskLog) -> None:
        """Nobody gets a claimed task, even after it has ended."""
        assert task_log.claim("a", NOON)
        assert not task_log.claim("a", NOON + timedelta(days=1))
        task_log.settle("a", Outcome.FAILED, NOON)
        assert not task_log.claim("a", NOON)
        assert task_log.claim("A", NOON)
        assert [task.claimed_at for task in task_log.tasks()] == [NOON, NOON]

    def test_an_outcome_is_told_once(self, task_log: TaskLog) -> None:
        """The same outcome again changes nothing; another is refused."""
        task_log.claim("a", NOON)
        with pytest.raises(TaskNotClaimed):
            task_log.settle("b", Outcome.DONE, NOON)
        later = NOON + timedelta(seconds=1)
        task_log.settle("a", Outcome.DONE, later, "sent \u2615")
        task_log.settle("a", Outcome.DONE, later + timedelta(days=1), "again")
        with pytest.raises(TaskSettled) as refused:
            task_log.settle("a", Outcome.SKIPPED, later)
        assert (refused.value.key, refused.value.outcome) == ("a", "done")
        assert list(task_log.tasks()) == [Task("a", NOON, Outcome.DONE, later, "sent \u2615")]

    def test_tasks_come_by_key(self, task_log: TaskLog) -> None:
        """A prefix is text and no pattern; what never ended is among them."""
        keys = ["r/1", "r/10", "r/2", "R/1", "r", "s", "r%1", "r_1", "é", "\U0001f600", "\uffff"]
        for key in keys:
            task_log.claim(key, NOON)
        task_log.settle("s", Outcome.DONE, NOON)
        assert [task.key for task in task_log.tasks()] == sorted(keys)
        for prefix in ("r/", "r/1", "r", "r%", "_", "é", "no"):
            expected = sorted(key for key in keys if key.startswith(prefix))
            assert [task.key for task in task_log.tasks(prefix)] == expected, prefix

    def test_times_are_instants(self, task_log: TaskLog) -> None:
        """To the microsecond, in UTC; without a zone they are refused."""
        at = datetime(2026, 3, 3, 22, 58, 17, 123_457, timezone(timedelta(hours=8)))
        naive = at.replace(tzinfo=None)
        with pytest.raises(NaiveDatetime):
            task_log.claim("a", naive)
        task_log.claim("a", at)
        with pytest.raises(NaiveDatetime):
            task_log.settle("a", Outcome.DONE, naive)
        task_log.settle("a", Outcome.DONE, at)
        (task,) = task_log.tasks()
        assert task.claimed_at == task.settled_at == at
        assert task.claimed_at.utcoffset() == timedelta(0)

    def test_any_note_is_kept(self, task_log: TaskLog) -> None:
        """Long ones, odd characters and what looks like a command are just text."""
        notes = ["x" * 1_000_000, "'; DROP TABLE tasks; --", "\U0001f375\u0000\ud800\r\n"]
        for index, note in enumerate(notes):
            task_log.claim(str(index), NOON)
            task_log.settle(str(index), Outcome.DONE, NOON, note)
        kept = [task.note for task in task_log.tasks()]
        assert kept == [storable(note) for note in notes]

    def test_of_several_threads_that_settle_one_wins(self, task_log: TaskLog) -> None:
        """One outcome is kept; who told another is told so."""
        task_log.claim("a", NOON)
        told = [outcome for outcome in Outcome for _ in range(2)]
        answers = self._raced([partial(task_log.settle, "a", outcome, NOON) for outcome in told])
        (task,) = task_log.tasks()
        assert task.outcome in told
        refused = [answer for answer in answers if isinstance(answer, OrdersError)]
        assert {type(answer) for answer in refused} == {TaskSettled}
        assert len(refused) == sum(outcome is not task.outcome for outcome in told)

    def test_of_several_threads_that_claim_one_wins(self, task_log: TaskLog) -> None:
        """However many try at once, one gets it."""
        for key in ("a", "b", "c"):
            claims = self._raced([partial(task_log.claim, key, NOON)] * 8)
            assert sorted(map(str, claims)) == ["False"] * 7 + ["True"]
