"""The tables have a version: told, upgraded when asked, and refused where it is another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from older_tables import back_to, run
from other_processes import in_processes, upgraded_by_another_process
from shoppego_orders.adapters.sql import Database, SchemaCheck, SqlExportLog, SqlOrderStore
from shoppego_orders.adapters.sql.schema import ADDED_AFTER, SCHEMA_VERSION
from shoppego_orders.errors import StoreUnusable
from shoppego_orders.testing.samples import an_export, order_of


@pytest.fixture
def database(target: str) -> Iterator[Database]:
    with closing(Database(target)) as database:
        yield database


def of_version_2(target: str) -> None:
    """What a release left that knew no exports, with an order in it."""
    with SqlOrderStore.open(target) as store:
        store.save(order_of("1"))
    run(target, *back_to(2))


SHAPES = {
    "sqlite": (
        "SELECT name, tbl_name, sql FROM sqlite_master ORDER BY name",
        "SELECT tbl, idx, stat FROM sqlite_stat1 WHERE idx IS NOT NULL ORDER BY tbl, idx",
    ),
    "postgresql": (
        (
            "SELECT table_name, column_name, data_type, collation_name, is_nullable "
            "FROM information_schema.columns WHERE table_schema = current_schema() "
            "ORDER BY table_name, ordinal_position"
        ),
        (
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() "
            "ORDER BY indexname"
        ),
    ),
}
"""What tells of all tables with their columns and indexes, and what SQLite is told of them."""


def shape(target: str) -> object:
    with closing(Database(target)) as database, database.reading() as connection:
        questions = SHAPES[connection.dialect.name]
        return [connection.exec_driver_sql(each).all() for each in questions]


def test_an_upgrade_brings_what_is_missing_and_keeps_what_is_there(
    target: str, database: Database
) -> None:
    of_version_2(target)
    assert database.check() == SchemaCheck(2, usable=False)
    with pytest.raises(StoreUnusable, match=r"version 2,.*upgrade\(\)"):
        SqlOrderStore.open(target)
    assert database.check().version == 2
    database.upgrade()
    assert database.check() == SchemaCheck(SCHEMA_VERSION, usable=True)
    with SqlOrderStore.open(target) as store:
        assert store.get("1") == order_of("1")
        assert list(store.disagreements()) == []
        exports = SqlExportLog(store.database)
        assert list(exports.exports()) == []
        assert exports.save(an_export("e")).version == 1


def test_older_tables_are_not_called_missing(target: str, database: Database) -> None:
    of_version_2(target)
    exports = SqlExportLog(database)
    for ask in (lambda: list(exports.exports()), lambda: exports.save(an_export("e"))):
        with pytest.raises(StoreUnusable, match=r"version 2,.*upgrade\(\)"):
            ask()
    # What this release asks of them that is there, it gets.
    assert SqlOrderStore(database).get("1") == order_of("1")
    database.upgrade()
    assert list(exports.exports()) == []
    run(target, "DROP TABLE shoppego_exports")
    with pytest.raises(StoreUnusable, match="one of its tables is gone"):
        list(exports.exports())


@pytest.mark.parametrize("version", ADDED_AFTER)
def test_what_was_upgraded_is_as_what_was_made(
    target: str, database: Database, version: int
) -> None:
    SqlOrderStore.open(target).close()
    made = shape(target)
    run(target, *back_to(version))
    assert shape(target) != made
    database.upgrade()
    assert shape(target) == made


def test_upgrading_again_changes_nothing(target: str, database: Database) -> None:
    of_version_2(target)
    for _ in range(2):
        database.upgrade()
        with SqlOrderStore.open(target) as store:
            assert store.get("1") == order_of("1")
    before = shape(target)
    database.upgrade()
    assert shape(target) == before


def test_processes_may_upgrade_at_once(target: str, database: Database) -> None:
    of_version_2(target)
    answers = in_processes(upgraded_by_another_process, target, ["a", "b", "c"])
    assert answers == [f"{SCHEMA_VERSION}"] * 3
    assert database.check().usable


def test_an_upgrade_that_fails_changes_nothing(target: str, database: Database) -> None:
    of_version_2(target)
    # Somebody else's, by the same name: the upgrade can't make its own.
    run(target, "CREATE TABLE shoppego_exports (id TEXT)")
    before = shape(target)
    with pytest.raises(StoreUnusable, match="already exists"):
        database.upgrade()
    assert shape(target) == before
    assert database.check() == SchemaCheck(2, usable=False)


def test_looking_makes_nothing(database: Database) -> None:
    assert database.check() == SchemaCheck(None, usable=False)
    with pytest.raises(StoreUnusable, match=r"no tables.*create\(\)"):
        database.upgrade()
    if database.file is not None:
        assert not database.file.exists()
    database.create()
    assert database.check() == SchemaCheck(SCHEMA_VERSION, usable=True)


@pytest.mark.parametrize(
    ("version", "told"),
    [
        (1, "version 1,.*an older release"),
        (SCHEMA_VERSION + 1, f"version {SCHEMA_VERSION + 1},.*a newer release"),
        (99, "version 99,.*a newer release"),
    ],
)
@pytest.mark.parametrize("ask", [Database.create, Database.check, Database.upgrade])
def test_what_can_not_be_used_or_upgraded_is_refused(
    target: str,
    database: Database,
    ask: Callable[[Database], object],
    version: int,
    told: str,
) -> None:
    SqlOrderStore.open(target).close()
    run(target, f"UPDATE shoppego_schema SET version = {version}")
    before = shape(target)
    with pytest.raises(StoreUnusable, match=told):
        ask(database)
    assert shape(target) == before


def test_tables_of_others_are_refused(target: str, database: Database) -> None:
    if database.file is not None:
        database.file.touch()
    run(target, "CREATE TABLE shoppego_tags (id TEXT)")
    for ask in (Database.create, Database.check, Database.upgrade):
        with pytest.raises(StoreUnusable, match="was not made by shoppego_orders"):
            ask(database)
