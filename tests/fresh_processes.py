"""Processes that share nothing with the tests' own, and begin at once."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

_NEEDED: Final = (
    *("pytest", "psycopg", "sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql.psycopg"),
    *("shoppego_orders.abandonment", "shoppego_orders.adapters.sql", "shoppego_orders.export"),
    *("shoppego_orders.serialization", "shoppego_orders.testing.samples"),
)


def fresh() -> ForkServerContext | SpawnContext:
    """Makes processes: each is a copy of a clean server, which has imported what they need.

    One server serves all tests, so the first who asks says what it imports for all.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_NEEDED))
    return context
