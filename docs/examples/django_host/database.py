"""What goes wrong with the database, as the errors that the ports promise."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from django.db import DataError, Error

from shoppego_orders.errors import InvalidValue, StoreUnusable

TOO_LONG_FOR_AN_INDEX = "54000"
"""What PostgreSQL says of a text of some thousand characters in a column that has an index."""


@contextmanager
def usable(using: str) -> Generator[None]:
    """Tell what the database says in the words of the ports.

    :param using: the alias of the database, which is what the error names.
    :raises InvalidValue: for a value that the database can't hold.
    :raises StoreUnusable: where the database fails.
    """
    try:
        yield
    except Error as error:
        too_long = getattr(error.__cause__, "sqlstate", None) == TOO_LONG_FOR_AN_INDEX
        if too_long or isinstance(error, DataError):
            raise InvalidValue("a value", str(error), "one that the database can hold") from error
        raise StoreUnusable(f"the database {using!r}", str(error)) from error
