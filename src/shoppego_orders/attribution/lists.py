"""Tables from files that a merchant writes: TOML, JSON and CSV.

All three hold the fields of :class:`~shoppego_orders.attribution.Source` under their names, and
TOML and JSON the merchant's rules as well. A file is taken whole or not at all.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar, cast

import attrs

from shoppego_orders.attribution.rules import Rule
from shoppego_orders.attribution.source import Source
from shoppego_orders.attribution.table import AttributionTable
from shoppego_orders.errors import InputNotRead, InvalidTable, InvalidValue

_T = TypeVar("_T", Source, Rule)


def read_table(path: Path) -> AttributionTable:
    """Read a table from a file, by its suffix: ``.toml``, ``.json`` or ``.csv``.

    :raises InvalidTable: where it is malformed, or of another suffix.
    :raises InputNotRead: where the file can't be read.
    """
    readers: dict[str, Callable[[Path], AttributionTable]] = {
        ".toml": read_toml,
        ".json": read_json,
        ".csv": read_csv,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InvalidTable(str(path), "the file", None, "is none of .toml, .json and .csv")
    return reader(path)


def read_toml(toml: str | Path) -> AttributionTable:
    """Read rows (``[[source]]``) and rules (``[[rule]]``) from TOML.

    :param toml: the text, or the path of a file.
    :raises InvalidTable: where it is malformed; says which entry, and its line.
    :raises InputNotRead: where the file can't be read.
    """
    origin, text = text_of(toml, "TOML")
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as problem:  # ValueError: a number of very many digits too
        line = re.search(r"line (\d+)", str(problem))
        raise InvalidTable(
            origin, "the file", int(line[1]) if line else None, f"is no TOML: {problem}"
        ) from None

    def line_of(heading: str, number: int) -> int | None:
        headings = re.finditer(rf"^[ \t]*\[\[[ \t]*{heading}[ \t]*\]\]", text, re.MULTILINE)
        starts = [heading.start() for heading in headings]
        return text.count("\n", 0, starts[number]) + 1 if number < len(starts) else None

    return _table(origin, document, line_of)


def read_json(document: str | Path) -> AttributionTable:
    """Read rows (``"source": [...]``) and rules (``"rule": [...]``) from a JSON object.

    :param document: the text, or the path of a file.
    :raises InvalidTable: where it is malformed; says which entry, and its line.
    :raises InputNotRead: where the file can't be read.
    """
    origin, text = text_of(document, "JSON")
    loaded = load_json(origin, text)

    def line_of(heading: str, number: int) -> int | None:
        entry = cast("Mapping[str, Sequence[object]]", loaded)[heading][number]
        name = _name_of(entry)
        return None if name is None else line_of_text(text, json.dumps(name))

    return _table(origin, loaded, line_of)


def read_csv(table: str | Path) -> AttributionTable:
    """Read rows from CSV whose first line names the fields.

    Cells that hold several things have spaces between them; click ids are ``gclid:paid``. An
    empty cell is the field's default.

    :param table: the text, or the path of a file.
    :raises InvalidTable: where it is malformed; says which entry, and its line.
    :raises InputNotRead: where the file can't be read.
    """
    origin, text = text_of(table, "CSV")
    entries: list[Mapping[str, object]] = []
    lines: list[int] = []
    for line, cells in csv_records(origin, text):
        entry: dict[str, object] = {name: cell for name, cell in cells.items() if cell}
        if "click_ids" in entry:
            pairs = (pair.partition(":") for pair in cells["click_ids"].split())
            entry["click_ids"] = {name: kind for name, _, kind in pairs}
        entries.append(entry)
        lines.append(line)
    return _table(origin, {"source": entries}, lambda _, number: lines[number])


def text_of(given: str | Path, name: str) -> tuple[str, str]:
    """A list's name and its text.

    :raises InputNotRead: where the file can't be read.
    """
    if isinstance(given, str):
        return name, given.removeprefix("\ufeff")
    try:
        return str(given), given.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        said = getattr(problem, "strerror", None) or str(problem)  # the path is told already
        raise InputNotRead(str(given), 0, said) from None


def load_json(origin: str, text: str) -> object:
    """Whatever a JSON text holds.

    :raises InvalidTable: where it is no JSON.
    """
    try:
        return cast("object", json.loads(text))
    except json.JSONDecodeError as problem:
        raise InvalidTable(origin, "the file", problem.lineno, f"is no JSON: {problem}") from None
    except RecursionError:
        raise InvalidTable(origin, "the file", None, "is nested too deeply") from None
    except ValueError as problem:  # a number of very many digits
        raise InvalidTable(origin, "the file", None, f"can't be read: {problem}") from None


def csv_records(origin: str, text: str) -> Iterable[tuple[int, dict[str, str]]]:
    """The records of a CSV text by column, each with the number of its last line.

    :raises InvalidTable: where a record has more or fewer cells than the first line.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns: list[str] | None = None
    try:
        for cells in reader:
            if not cells:
                continue
            if columns is None:
                columns = [cell.strip().lower() for cell in cells]
                if len(set(columns)) < len(columns):
                    raise InvalidTable(origin, "the first line", 1, "names a column twice")
                continue
            if len(cells) != len(columns):
                problem = f"has {len(cells)} cells; expected {len(columns)}"
                raise InvalidTable(origin, cells[0], reader.line_num, problem)
            yield (
                reader.line_num,
                dict(zip(columns, (cell.strip() for cell in cells), strict=True)),
            )
    except csv.Error as problem:
        raise InvalidTable(origin, "the file", reader.line_num, f"is no CSV: {problem}") from None


def line_of_text(text: str, wanted: str) -> int | None:
    """The line on which a text stands first."""
    at = text.find(wanted)
    return None if at < 0 else text.count("\n", 0, at) + 1


def _table(
    origin: str, document: object, line_of: Callable[[str, int], int | None]
) -> AttributionTable:
    if not isinstance(document, Mapping):
        raise InvalidTable(origin, "the file", None, "is no object with a list called source")
    lists = cast("Mapping[str, object]", document)
    for heading in lists:
        if heading not in ("source", "rule"):
            raise InvalidTable(origin, heading, None, "is neither source nor rule")
    rows = _entries(origin, lists, "source", Source, line_of)
    rules = _entries(origin, lists, "rule", Rule, line_of)
    try:
        return AttributionTable(rows, rules)
    except InvalidTable as problem:
        entries = [*(row.key for row in rows), *(rule.name for rule in rules)]
        at = len(entries) - 1 - entries[::-1].index(problem.entry)
        heading, number = ("source", at) if at < len(rows) else ("rule", at - len(rows))
        line = line_of(heading, number)
        raise InvalidTable(origin, problem.entry, line, problem.problem) from None


def _entries(
    origin: str,
    lists: Mapping[str, object],
    heading: str,
    kind: type[_T],
    line_of: Callable[[str, int], int | None],
) -> list[_T]:
    entries = lists.get(heading, [])
    if not isinstance(entries, list):
        raise InvalidTable(origin, heading, None, "is no list of entries")
    known = {field.name for field in attrs.fields(kind)}
    made: list[_T] = []
    for number, entry in enumerate(cast("list[object]", entries)):
        name = _name_of(entry) or f"{heading} {number + 1}"
        try:
            if not isinstance(entry, Mapping):
                raise InvalidValue("the entry", entry, "an object")
            fields = cast("Mapping[str, object]", entry)
            for field in fields:
                if field not in known:
                    raise InvalidValue("a field", field, "one of " + ", ".join(sorted(known)))
            made.append(_made(kind, fields))
        except InvalidValue as problem:
            raise InvalidTable(origin, name, line_of(heading, number), str(problem)) from None
    return made


def _made(kind: type[_T], fields: Mapping[str, object]) -> _T:
    for field in attrs.fields(kind):
        if field.default is attrs.NOTHING and field.name not in fields:
            raise InvalidValue(field.name, None, "a value; the entry has none")
    return kind(**fields)  # type: ignore[arg-type] # the class checks what a file may hold


def _name_of(entry: object) -> str | None:
    if not isinstance(entry, Mapping):
        return None
    fields = cast("Mapping[str, object]", entry)
    name = fields.get("key", fields.get("name"))
    return name if isinstance(name, str) and name else None
