"""A writer is killed at any point, or its server is: what was acknowledged is there, and whole."""

from __future__ import annotations

import logging
import os
import random
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

import postgres
from killed_writers import Shop, until_killed

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system knows no SIGKILL"),
]

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
ROUNDS = int(os.environ.get("SHOPPEGO_TEST_KILLS") or (500 if DEEP else 8))
SERVER_ROUNDS = max(ROUNDS // 5, 3)
"""Fewer: a server takes a second to start again."""
THE_WRITERS = (
    "SELECT pid FROM pg_stat_activity "
    "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() "
    "ORDER BY backend_start DESC LIMIT 1"
)


def test_a_killed_writer_loses_nothing_that_was_acknowledged(target: str) -> None:
    chance = random.Random(ROUNDS)
    shop = Shop(target)
    for round_ in range(ROUNDS):
        shop.check(until_killed(target, f"{round_}", chance))
    shop.check_all()
    logging.getLogger(__name__).info("%d writers killed: %s", ROUNDS, dict(shop.became))
    assert shop.became["transactions saved"] > ROUNDS


@pytest.fixture(scope="module")
def crashing() -> Iterator[postgres.Server]:
    """A server that waits for its disk, as it is installed."""
    pytest.importorskip("psycopg")
    problem = postgres.missing()
    if problem is not None:
        pytest.skip(problem)
    with postgres.server(settings=()) as server:
        yield server


def test_a_killed_server_loses_nothing_that_was_acknowledged(crashing: postgres.Server) -> None:
    chance = random.Random(ROUNDS)
    url = make_url(crashing.url).set(drivername="postgresql+psycopg")
    asking = create_engine(url, poolclass=NullPool)

    def kill_what_serves_it(_: int) -> None:
        # The server then ends all the others, and reads its log again.
        with asking.connect() as connection:
            process: int = connection.exec_driver_sql(THE_WRITERS).scalar_one()
        os.kill(process, signal.SIGKILL)

    def stop_at_once(_: int) -> None:
        crashing.stop()

    def kill_first_process(_: int) -> None:
        crashing.kill()

    ways: list[Callable[[int], None]] = [kill_what_serves_it, stop_at_once, kill_first_process]
    shop = Shop(crashing.url)
    for round_ in range(SERVER_ROUNDS):
        way = ways[round_ % len(ways)]
        end = until_killed(crashing.url, f"{round_}", chance, way)
        if way is kill_what_serves_it:
            wait_until_it_answers(asking)
        else:
            crashing.start()
        shop.check(end)
    shop.check_all()
    logging.getLogger(__name__).info("%d servers killed: %s", SERVER_ROUNDS, dict(shop.became))


def wait_until_it_answers(asking: Engine) -> None:
    for tries_left in reversed(range(1000)):
        try:
            asking.connect().close()
        except OperationalError:
            if not tries_left:
                raise
            time.sleep(0.01)
        else:
            return
