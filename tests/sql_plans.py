"""How a database means to answer a question, for tests."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event

from shoppego_orders.adapters.sql import SqlOrderStore, queries
from shoppego_orders.query import OrderQuery


def plan_of(store: SqlOrderStore, query: OrderQuery, explain: str) -> str:
    """The plan for a query's rows, exactly as it is sent; one step a line."""
    sent: list[tuple[str, Any]] = []  # Any: parameters as the driver takes them

    with store.database.reading() as connection:

        @event.listens_for(connection, "before_cursor_execute")
        def _(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
            sent.append((statement, parameters))

        connection.execute(queries.select_rows(query)).all()
        statement, parameters = sent[0]
        found = connection.exec_driver_sql(f"{explain} {statement}", parameters)
        return "\n".join(str(row[-1]) for row in found)
