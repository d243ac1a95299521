"""Several work on one store at once: nothing is lost, nothing doubled, and who was late is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import attrs
import pytest

import _load as load
from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.adapters.sql import SqlOrderStore

pytestmark = pytest.mark.once

STINT = load.Stint(workers=3, deeds=80)


def check_work(works: Sequence[load.Work]) -> None:
    done = Counter(kind for work in works for kind, took in work.took.items() for _ in took)
    assert done.total() == STINT.workers * STINT.deeds
    assert done.keys() == load.KINDS.keys()
    assert all(work.saved for work in works)
    # What all of them place, one places.
    assert sum(work.conflicts["place"] for work in works) > 0


def test_processes_lose_and_double_nothing(target: str) -> None:
    with SqlOrderStore.open(target) as store:
        works = load.in_processes(target, STINT)
        assert list(load.problems(store, works)) == []
    check_work(works)


def test_threads_lose_and_double_nothing() -> None:
    store = MemoryOrderStore()
    works = load.in_threads(store, STINT)
    assert list(load.problems(store, works)) == []
    check_work(works)


def test_what_was_lost_or_doubled_is_told() -> None:
    store = MemoryOrderStore()
    (work,) = load.in_threads(store, load.Stint(workers=1, deeds=60))
    assert list(load.problems(store, [work])) == []
    first, *others = work.saved
    changed = attrs.evolve(first, events=(1,))
    for saved in (others, [*work.saved, first], [changed, *others], work.saved[:-1]):
        assert list(load.problems(store, [attrs.evolve(work, saved=saved)]))
