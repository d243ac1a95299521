"""Requests as JSON, both ways: what was asked for is kept until a worker runs it.

A column is written by its key, and a profile that ships by its name; so the columns of the host's
own are named to whoever reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, cast, get_args, get_origin

import attrs

from shoppego_orders.errors import InvalidDocument, shown
from shoppego_orders.export.columns import LINE_COLUMNS, ORDER_COLUMNS, Column
from shoppego_orders.export.profiles import PROFILES, Profile, profile_of
from shoppego_orders.export.request import ExportRequest
from shoppego_orders.order import LineRow, OrderRow
from shoppego_orders.serialization import new_converter, read_document, written_document

_KIND: Final = "export_request"


def _of_orders(columns: Iterable[Column[OrderRow]]) -> tuple[Column[OrderRow], ...]:
    return tuple(columns)


def _of_lines(columns: Iterable[Column[LineRow]]) -> tuple[Column[LineRow], ...]:
    return tuple(columns)


@attrs.frozen
class OwnColumns:
    """The host's own columns, which requests name by their keys.

    :ivar columns: of orders.
    :ivar line_columns: of line items.
    """

    columns: tuple[Column[OrderRow], ...] = attrs.field(default=(), converter=_of_orders)
    line_columns: tuple[Column[LineRow], ...] = attrs.field(default=(), converter=_of_lines)

    def known(self, row: type) -> dict[str, Column[Any]]:
        """Every column of such rows, by its key; the host's before those that ship."""
        of_lines = row is LineRow
        shipped: Iterable[Column[Any]] = LINE_COLUMNS if of_lines else ORDER_COLUMNS
        own: Iterable[Column[Any]] = self.line_columns if of_lines else self.columns
        return {column.key: column for column in (*shipped, *own)}


def request_to_json(request: ExportRequest) -> str:
    """Write a request as a JSON document, ASCII only."""
    return written_document(_KIND, request_converter(OwnColumns()).unstructure(request))


def request_from_json(text: str | bytes, own: OwnColumns | None = None) -> ExportRequest:
    """Read a request's document.

    :param own: columns of the host's own that may stand in it.
    :raises InvalidDocument: for what is no such document, says where; and for a column that
        nobody named.
    :raises UnknownDocumentVersion: for one that a newer release wrote.
    """
    converter = request_converter(own or OwnColumns())

    def structured(body: Any) -> ExportRequest:  # Any: whatever stands in the document
        return cast("ExportRequest", converter.structure(body, ExportRequest))

    return read_document(_KIND, text, structured)


@lru_cache(4)  # a host has one set of its own, and compiling takes long
def request_converter(own: OwnColumns) -> Any:  # Any: cattrs stays in serialization
    """Make a converter for values that hold a request."""
    converter = new_converter()
    write_fields = converter.gen_unstructure_attrs_fromdict(Profile)
    read_fields = converter.gen_structure_attrs_fromdict(Profile)

    def write_profile(profile: Profile) -> object:
        ships = PROFILES.get(profile.name) == profile
        return profile.name if ships else write_fields(profile)

    def read_profile(value: Any, _: object) -> Profile:  # Any: whatever stands there
        return profile_of(value) if isinstance(value, str) else read_fields(value, Profile)

    def read_column(key: object, kind: Any) -> object:  # Any: Column[OrderRow], or of lines
        known = own.known(get_args(kind)[0])
        if not isinstance(key, str) or key not in known:
            raise InvalidDocument("", f"{shown(key)}; expected one of {', '.join(known)}")
        return known[key]

    converter.register_unstructure_hook(Profile, write_profile)
    converter.register_structure_hook(Profile, read_profile)
    converter.register_unstructure_hook_func(_is_column, lambda column: column.key)
    converter.register_structure_hook_func(_is_column, read_column)
    return converter


def _is_column(kind: object) -> bool:
    return Column in {kind, get_origin(kind)}
