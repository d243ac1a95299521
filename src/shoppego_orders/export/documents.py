"""Requests as JSON, both ways: what was asked for is kept until a worker runs it.

A column is written by its key, and a profile that ships by its name; so the columns of the host's
own are named to whoever reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final, cast

import attrs

from shoppego_orders.errors import InvalidDocument, shown
from shoppego_orders.export.column_sets import COLUMN_SETS, column_set
from shoppego_orders.export.columns import Column, ColumnSet, LineColumn
from shoppego_orders.export.profiles import PROFILES, Profile, profile_of
from shoppego_orders.export.request import ExportRequest
from shoppego_orders.order import OrderRow
from shoppego_orders.serialization import new_converter, read_document, written_document

_KIND: Final = "export_request"


OwnColumns = tuple[Column[OrderRow] | LineColumn, ...]
"""The host's own columns, which requests name by their keys."""


def request_to_json(request: ExportRequest) -> str:
    """Write a request as a JSON document, ASCII only."""
    return written_document(_KIND, request_converter().unstructure(request))


def request_from_json(text: str | bytes, own: OwnColumns = ()) -> ExportRequest:
    """Read a request's document.

    :param own: columns of the host's own that may stand in it.
    :raises InvalidDocument: for what is no such document, says where; and for a column that
        nobody named.
    :raises UnknownDocumentVersion: for one that a newer release wrote.
    """
    converter = request_converter(own)

    def structured(body: Any) -> ExportRequest:  # Any: whatever stands in the document
        return cast("ExportRequest", converter.structure(body, ExportRequest))

    return read_document(_KIND, text, structured)


def request_without(
    text: str, *, key_of: Callable[[str], str | None], names: Callable[[str], bool]
) -> str:
    """Take a customer out of a request's document, whatever columns stand in it.

    :param key_of: the key in place of a customer's key; None where it may stay.
    :param names: tells whether what is searched for names them: the request then finds nothing.
    """
    document: dict[str, Any] = json.loads(text)  # Any: JSON values
    query: dict[str, Any] = document["body"]["query"]  # Any: JSON values
    keys: list[str] | None = query["customer_keys"]
    if keys is not None:
        query["customer_keys"] = sorted(key_of(key) or key for key in keys)
    if query["search"] is not None and names(query["search"]):
        query |= {"search": None, "ids": []}
    return json.dumps(document, separators=(",", ":"))


@lru_cache(4)  # a host has one set of its own, and compiling takes long
def request_converter(own: OwnColumns = ()) -> Any:  # Any: cattrs stays in serialization
    """Make a converter for values that hold a request."""
    converter = new_converter()
    write_fields = converter.gen_unstructure_attrs_fromdict(Profile)
    read_fields = converter.gen_structure_attrs_fromdict(Profile)

    def write_profile(profile: Profile) -> object:
        ships = PROFILES.get(profile.name) == profile
        return profile.name if ships else write_fields(profile)

    def read_profile(value: Any, _: object) -> Profile:  # Any: whatever stands there
        return profile_of(value) if isinstance(value, str) else read_fields(value, Profile)

    known = {column.key: column for column in (*_shipped(), *own)}

    def read_columns(value: Any, _: object) -> ColumnSet:  # Any: whatever stands there
        if isinstance(value, str):
            return column_set(value)
        written = converter.structure(value, _WrittenSet)
        return ColumnSet(written.name, tuple(map(read_column, written.columns)))

    def read_column(written: _WrittenColumn) -> Column[OrderRow] | LineColumn:
        if written.key not in known:
            raise InvalidDocument("", f"{shown(written.key)}; expected one of {', '.join(known)}")
        column = known[written.key]
        return attrs.evolve(column, title=written.title, repeated=written.repeated)

    converter.register_unstructure_hook(Profile, write_profile)
    converter.register_structure_hook(Profile, read_profile)
    converter.register_unstructure_hook(ColumnSet, _written_set)
    converter.register_structure_hook(ColumnSet, read_columns)
    return converter


@attrs.frozen
class _WrittenColumn:
    key: str
    title: str = ""
    repeated: bool | None = None


@attrs.frozen
class _WrittenSet:
    name: str
    columns: list[_WrittenColumn]


def _written_set(columns: ColumnSet) -> object:
    """A set that ships by its name; else what may differ of its columns."""
    if COLUMN_SETS.get(columns.name) == columns:
        return columns.name
    written = [
        {"key": column.key, "title": column.title, "repeated": column.repeated}
        for column in columns.columns
    ]
    return {"name": columns.name, "columns": written}


def _shipped() -> Iterator[Column[OrderRow] | LineColumn]:
    for each in COLUMN_SETS.values():
        yield from each.columns
