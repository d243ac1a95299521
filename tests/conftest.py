"""What all tests share: Hypothesis's profiles, and PostgreSQL databases.

The name in ``HYPOTHESIS_PROFILE`` chooses the profile, else whether this is CI.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import postgres

# Slow machines and coverage make single examples slow; a time is never what a test asserts.
_COMMON = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

settings.register_profile("dev", _COMMON, max_examples=50)
# The same examples in every run, and a line to paste where one fails.
settings.register_profile(
    "ci", _COMMON, max_examples=25, derandomize=True, print_blob=True, database=None
)
# For what is not about our laws: whether another Python, or what we depend on, will do.
settings.register_profile("few", settings.get_profile("ci"), max_examples=12)
settings.register_profile("deep", _COMMON, max_examples=5_000, print_blob=True)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev")
)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a server."""
    pytest.importorskip("psycopg")
    if postgres.VARIABLE in os.environ:
        yield os.environ[postgres.VARIABLE]
        return
    problem = postgres.missing()
    if problem is not None:
        pytest.skip(problem)
    with postgres.server() as private:
        yield private.url


@pytest.fixture(scope="session")
def new_postgres(postgres_server: str) -> Iterator[Callable[[], str]]:
    """Makes a place for a store of its own in a database, and returns its URL."""
    with postgres.database(postgres_server) as new:
        yield new


@pytest.fixture
def postgres_url(new_postgres: Callable[[], str]) -> str:
    """Where this test may open a store of its own."""
    return new_postgres()


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a database is that has nothing in it."""
    if request.param == "sqlite":
        return str(tmp_path / "orders.sqlite")
    url: str = request.getfixturevalue("postgres_url")
    return url
