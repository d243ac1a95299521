"""The table that ships, read at first use.

``sources.toml`` is ours, and written in a small part of TOML: texts, and one-line tables of
texts. So one pattern reads it, in a tenth of the time that a TOML parser takes; a test holds that
both read the same.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from shoppego_orders.attribution.source import Source
from shoppego_orders.attribution.table import AttributionTable


@functools.cache
def default_table() -> AttributionTable:
    """The table that ships, read at the first call."""
    return AttributionTable(_rows(shipped_text()))


def shipped_text() -> str:
    """The table that ships, as TOML."""
    import pkgutil

    # Lighter than importlib.resources, and as good for a package in a zip file.
    data = pkgutil.get_data("shoppego_orders.attribution", "sources.toml")
    assert data is not None  # the loader of every wheel and checkout gives it
    return data.decode("utf-8").replace("\r\n", "\n")


def _rows(text: str) -> list[Source]:
    rows: list[Source] = []
    for block in text.split("\n[[source]]\n")[1:]:
        fields: dict[str, Any] = {}  # Any: of whatever types Source takes
        for name, words, long_words, pairs in _FIELD.findall(block):
            fields[name] = dict(_PAIR.findall(pairs)) if pairs else words or long_words
        rows.append(Source(**fields))
    return rows


_FIELD = re.compile(r'^(\w+) = (?:"([^"\n]+)"|"""\n([^"]+)"""|\{ ([^}\n]+) \})$', re.MULTILINE)
_PAIR = re.compile(r'(\w+) = "(\w+)"')
