"""Doing everything at once, and looking at what came of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import pytest

from shoppego_orders.errors import OrdersError

T = TypeVar("T")


class SharedContract:
    """What threads do at once with one adapter; a part of every contract but the mailer's.

    :cvar shared_by_threads: several threads may use one adapter at once; else those tests are
        skipped.
    """

    shared_by_threads = True

    def leave_thread(self) -> None:
        """Called at the end of each thread that a test starts, in that thread.

        An adapter that keeps something for each thread, as ORMs do with connections, closes it
        here.
        """

    def _needs_threads(self) -> None:
        if not self.shared_by_threads:
            pytest.skip("this adapter does not claim to be shared by threads")

    def _raced(self, actions: Sequence[Callable[[], T]]) -> list[T | OrdersError]:
        self._needs_threads()
        return raced([partial(self._then_leave, action) for action in actions])

    def _then_leave(self, action: Callable[[], T]) -> T:
        try:
            return action()
        finally:
            self.leave_thread()


def raced(actions: Sequence[Callable[[], T]]) -> list[T | OrdersError]:
    """Do everything at once, each in a thread, and return what came of it."""
    outcomes: list[T | OrdersError] = []
    failures: list[Exception] = []
    together = threading.Barrier(len(actions))

    def attempt(action: Callable[[], T]) -> None:
        together.wait()
        try:
            outcomes.append(action())
        except OrdersError as error:
            outcomes.append(error)
        except Exception as error:  # a thread's failure must fail the test
            failures.append(error)

    threads = [threading.Thread(target=attempt, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise ExceptionGroup("in threads", failures)
    return outcomes


def kind_of(outcome: object) -> str:
    """The name of what came of something."""
    return type(outcome).__name__
