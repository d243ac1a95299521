"""SQL tables as older releases left them."""

from __future__ import annotations

from contextlib import closing

from sqlalchemy import Index, Table

from shoppego_orders.adapters.sql import Database
from shoppego_orders.adapters.sql.schema import ADDED_AFTER, SCHEMA_VERSION


def run(target: str, *statements: str) -> None:
    with closing(Database(target)) as database, database.writing() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def back_to(version: int) -> list[str]:
    """What makes tables as an older release left them, of those that are there."""
    drop = {Table: "DROP TABLE {}", Index: "DROP INDEX {}"}
    added = [each for step in range(version, SCHEMA_VERSION) for each in ADDED_AFTER[step]]
    dropped = [drop[type(each)].format(each.name) for each in added]
    return [*dropped, f"UPDATE shoppego_schema SET version = {version}"]
