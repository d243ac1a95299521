"""Rows from the lists that other projects maintain, in their own formats.

Snowplow's ``referers.yml`` or ``.json``, Matomo's ``SearchEngines.yml``, ``Socials.yml`` and
``AIAssistants.yml``, and the source categories of Google Analytics 4 as CSV. YAML needs the extra
``yaml``. A list is taken whole or not at all; ``default_table().completed_with(rows)`` then asks
it for what the table that ships does not know.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import attrs

from shoppego_orders.attribution.lists import csv_records, line_of_text, load_json, text_of
from shoppego_orders.attribution.source import Source, merged
from shoppego_orders.errors import InvalidTable, InvalidValue, MissingExtra, shown

if TYPE_CHECKING:
    import yaml

_SNOWPLOW_CHANNELS = {
    "unknown": "Referral",
    "email": "Email",
    "social": "Organic Social",
    "search": "Organic Search",
    "chatbot": "AI Assistant",
    "paid": "Paid Other",
}
_GA4_CHANNELS = {
    "SOURCE_CATEGORY_SEARCH": "Organic Search",
    "SOURCE_CATEGORY_SOCIAL": "Organic Social",
    "SOURCE_CATEGORY_VIDEO": "Organic Video",
    "SOURCE_CATEGORY_SHOPPING": "Organic Shopping",
}


def read_snowplow(given: str | Path) -> tuple[Source, ...]:
    """Read Snowplow's referers: ``{medium: {name: {domains: […], parameters: […]}}}``.

    :param given: the text, YAML or JSON, or the path of a file.
    :raises InvalidTable: where it is malformed; says which entry, and its line.
    :raises InputNotRead: where the file can't be read.
    :raises MissingExtra: for YAML without PyYAML.
    """
    rows = _Rows(_Tree.of(given, "Snowplow's list"))
    tree = rows.tree
    # Pages whose medium is unknown come last: a search engine is called by its plain name.
    for medium in sorted(tree.keys(()), key=lambda medium: medium == "unknown"):
        if medium not in _SNOWPLOW_CHANNELS:
            raise tree.invalid((medium,), f"is none of {', '.join(_SNOWPLOW_CHANNELS)}")
        for name in tree.keys((medium,)):
            path = (medium, name)
            rows.add(
                path,
                name,
                _SNOWPLOW_CHANNELS[medium],
                [_snowplow_host(text) for text in tree.texts((*path, "domains"))],
                tree.texts((*path, "parameters"), missing=True),
            )
    return rows.made()


def read_matomo_search_engines(given: str | Path) -> tuple[Source, ...]:
    """Read Matomo's search engines: ``name: [{urls: […], params: […]}, …]``.

    :param given: the text, YAML or JSON, or the path of a file.
    :raises InvalidTable: where it is malformed; says which entry, and its line.
    :raises InputNotRead: where the file can't be read.
    :raises MissingExtra: for YAML without PyYAML.
    """
    rows = _Rows(_Tree.of(given, "Matomo's search engines"))
    tree = rows.tree
    for name in tree.keys(()):
        for number in tree.numbers((name,)):
            path = (name, number)
            urls = tree.texts((*path, "urls"))
            params = tree.texts((*path, "params"), missing=True)
            rows.add(path, name, "Organic Search", urls, params, by_search=True)
    return rows.made()


def read_matomo_socials(given: str | Path) -> tuple[Source, ...]:
    """Read Matomo's social networks: ``name: [host, …]``.

    Takes and raises what :func:`read_matomo_search_engines` does.
    """
    return _read_names(given, "Matomo's socials", "Organic Social")


def read_matomo_ai_assistants(given: str | Path) -> tuple[Source, ...]:
    """Read Matomo's AI assistants: ``name: [host, …]``.

    Takes and raises what :func:`read_matomo_search_engines` does.
    """
    return _read_names(given, "Matomo's AI assistants", "AI Assistant")


def read_ga4_categories(given: str | Path) -> tuple[Source, ...]:
    """Read Google Analytics 4's source categories: CSV of a source and its category.

    :param given: the text, or the path of a file.
    :raises InvalidTable: where it is malformed; says which entry, and its line.
    :raises InputNotRead: where the file can't be read.
    """
    origin, text = text_of(given, "GA4's source categories")
    rows = _Rows(_Tree(origin, text, None, {}))
    for line, cells in csv_records(origin, text):
        columns = {name.replace(" ", "_"): cell for name, cell in cells.items()}
        if not {"source", "source_category"} <= columns.keys():
            problem = "has no columns called source and source_category"
            raise InvalidTable(origin, "the first line", 1, problem)
        source, category = columns["source"], columns["source_category"]
        if category not in _GA4_CHANNELS:
            problem = f"has the category {shown(category)}, none of {', '.join(_GA4_CHANNELS)}"
            raise InvalidTable(origin, source, line, problem)
        rows.tree.lines[(source,)] = line
        hosts = [source] if "." in source and " " not in source else []
        rows.add((source,), source, _GA4_CHANNELS[category], hosts, (), utm=(source,))
    return rows.made()


def _read_names(given: str | Path, origin: str, channel: str) -> tuple[Source, ...]:
    rows = _Rows(_Tree.of(given, origin))
    for name in rows.tree.keys(()):
        rows.add((name,), name, channel, rows.tree.texts((name,)), ())
    return rows.made()


_Path = tuple[str | int, ...]


@attrs.define
class _Tree:
    """A document of mappings, lists and texts, with the line of each part where it is known."""

    origin: str
    text: str
    root: object
    lines: dict[_Path, int]

    @classmethod
    def of(cls, given: str | Path, name: str) -> _Tree:
        origin, text = text_of(given, name)
        if text.lstrip().startswith("{"):
            return cls(origin, text, load_json(origin, text), {})
        lines: dict[_Path, int] = {}
        return cls(origin, text, _plain(origin, text, lines), lines)

    def keys(self, path: _Path) -> Iterable[str]:
        found = self._at(path)
        if not isinstance(found, Mapping):
            raise self.invalid(path, "is no mapping of names")
        return cast("Mapping[str, object]", found)

    def numbers(self, path: _Path) -> range:
        found = self._at(path)
        if not isinstance(found, list):
            raise self.invalid(path, "is no list")
        return range(len(cast("list[object]", found)))

    def texts(self, path: _Path, *, missing: bool = False) -> list[str]:
        found = self._at(path)
        if found is None and missing:
            return []
        if not isinstance(found, list):
            raise self.invalid(path, "is no list of texts")
        for text in cast("list[object]", found):
            if not isinstance(text, str) or not text:
                raise self.invalid(path, f"holds {shown(text)}, which is no text")
        return cast("list[str]", found)

    def invalid(self, path: _Path, problem: str) -> InvalidTable:
        line = None
        for length in range(len(path), 0, -1):
            line = self.lines.get(path[:length])
            if line is None and isinstance(path[length - 1], str) and not self.lines:
                line = line_of_text(self.text, json.dumps(path[length - 1], ensure_ascii=False))
            if line is not None:
                break
        return InvalidTable(self.origin, ".".join(map(str, path)) or "the file", line, problem)

    def _at(self, path: _Path) -> object:
        found = self.root
        for step in path:
            if isinstance(found, list) and isinstance(step, int):
                found = cast("list[object]", found)[step]
            elif isinstance(found, Mapping):
                found = cast("Mapping[object, object]", found).get(step)
            else:
                raise self.invalid(path[:-1], "is no mapping")
        return found


def _no_rows() -> dict[tuple[str, str, tuple[str, ...]], Source]:
    return {}


@attrs.define
class _Rows:
    """Rows that are being made; those of one name and channel become one."""

    tree: _Tree
    _made: dict[tuple[str, str, tuple[str, ...]], Source] = attrs.field(
        init=False, default=attrs.Factory(_no_rows)
    )

    def add(
        self,
        path: _Path,
        name: str,
        channel: str,
        urls: Sequence[str],
        params: Sequence[str],
        *,
        utm: tuple[str, ...] = (),
        by_search: bool = False,
    ) -> None:
        apps = [_app(url) for url in urls if url.startswith("android-app")]
        hosts = [url for url in urls if not url.startswith("android-app")]
        # An engine's blocks differ in where the term is: each with its own, a row of its own.
        search = tuple(params)
        group = (_key(name, hosts), channel, search if by_search else ())
        try:
            row = Source(group[0], name, channel, utm=utm, hosts=hosts, apps=apps, search=search)
        except InvalidValue as problem:
            raise self.tree.invalid(path, str(problem)) from None
        known = self._made.get(group)
        self._made[group] = row if known is None else merged(known, row)

    def made(self) -> tuple[Source, ...]:
        rows: dict[str, Source] = {}
        for row in self._made.values():
            key, number = row.key, 1
            while key in rows:
                number += 1
                key = f"{row.key[:60]}-{number}"
            rows[key] = attrs.evolve(row, key=key, logo=row.key)
        return tuple(rows.values())


def _key(name: str, hosts: Sequence[str]) -> str:
    for text in (name, *hosts):
        plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
        key = _NOT_IN_KEY.sub("-", plain.lower())[:60].strip("-")
        if key:
            return key
    return "source"


def _snowplow_host(text: str) -> str:
    """``*.site.com`` covers what our ``site.com`` does; ``site.*`` leaves the country open."""
    host = text.removeprefix("*.")
    return f"{host[:-1]}{{}}" if host.endswith(".*") else host


def _app(url: str) -> str:
    return url.removeprefix("android-app").lstrip(":/").partition("/")[0]


def _plain(origin: str, text: str, lines: dict[_Path, int]) -> object:
    """A YAML text as plain data, where the line of each part is noted."""
    try:
        import yaml
    except ModuleNotFoundError:
        raise MissingExtra("PyYAML", "yaml") from None
    try:
        # types-PyYAML leaves open what compose gives.
        composed: object = yaml.compose(text, Loader=yaml.SafeLoader)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    except yaml.YAMLError as problem:
        mark = problem.problem_mark if isinstance(problem, yaml.MarkedYAMLError) else None
        line = None if mark is None else mark.line + 1
        raise InvalidTable(origin, "the file", line, f"is no YAML: {problem}") from None
    except RecursionError:
        raise InvalidTable(origin, "the file", None, "is nested too deeply") from None
    seen: set[int] = set()

    def plain(node: yaml.Node | None, path: _Path) -> object:
        if node is None or node.tag == "tag:yaml.org,2002:null":
            return None
        line = node.start_mark.line + 1
        if isinstance(node, yaml.ScalarNode):
            return node.value
        # A part that stands in two places can make a short text grow without end.
        if id(node) in seen or len(path) > 8:
            raise InvalidTable(
                origin, ".".join(map(str, path)), line, "is an alias, or nested too deeply"
            )
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            found: list[object] = []
            for number, item in enumerate(node.value):
                lines[(*path, number)] = item.start_mark.line + 1
                found.append(plain(item, (*path, number)))
            return found
        made: dict[object, object] = {}
        for key_node, value_node in node.value:
            key = plain(key_node, path)
            if not isinstance(key, str):
                raise InvalidTable(origin, str(key), line, "is no name")
            lines[(*path, key)] = key_node.start_mark.line + 1
            made[key] = plain(value_node, (*path, key))
        return made

    return plain(composed if isinstance(composed, yaml.Node) else None, ())


_NOT_IN_KEY = re.compile(r"[^a-z0-9]+")
