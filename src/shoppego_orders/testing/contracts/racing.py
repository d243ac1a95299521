"""Doing everything at once, and looking at what came of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from shoppego_orders.errors import OrdersError

T = TypeVar("T")


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
