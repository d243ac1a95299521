"""Reads what a notebook shows: strictly, and nothing but our own elements and attributes."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from operator import methodcaller

from shoppego_orders.markup import view

_OF_TABLES = {"table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"}
_OF_TEXT = {"div", "style", "p", "span", "bdi", "time", "strong", "dl", "dt", "dd", "ul", "li"}
_OF_LOGOS = {"svg", "title", "circle", "ellipse", "path", "rect"}
ELEMENTS = _OF_TABLES | _OF_TEXT | _OF_LOGOS
ATTRIBUTES = {"class": _OF_TABLES | _OF_TEXT, "scope": {"th"}, "datetime": {"time"}}
_BADGES = {"badge", *(f"badge {tone}" for tone in ("good", "open", "bad", "plain"))}
CLASSES = {"shoppego-orders", "title", "figure", "source", *_BADGES}


def shown(value: object) -> str:
    """What a notebook asks a value for."""
    html = methodcaller("_repr_html_")(value)
    assert isinstance(html, str)
    return html


class Page(HTMLParser):
    """A view that was read.

    :ivar typed: each text that somebody typed.
    :ivar text: all of it, but for the style.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.typed: list[str] = []
        self.text = ""
        self.style = ""
        self.count: dict[str, int] = {}
        self._open: list[str] = []
        html.encode()  # a notebook is a file
        self.feed(html)
        self.close()
        assert self._open == []
        assert self.count["style"] == self.count["div"] == 1
        assert self.style == STYLE

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ELEMENTS, tag
        assert (self.get_starttag_text() or "").startswith(f"<{tag}")  # in lower case
        for name, value in attrs:
            if tag not in _OF_LOGOS:
                assert tag in ATTRIBUTES[name], (tag, name)
            assert not name.startswith("on")
            assert name != "class" or value in CLASSES, value
        if tag == "th":  # what it is above, or beside, is read out with each cell
            assert ("scope", "col" if "thead" in self._open else "row") in attrs
        if tag == "bdi":
            self.typed.append("")
        self._open.append(tag)
        self.count[tag] = self.count.get(tag, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1] == "style":
            self.style += data
            return
        self.text += data
        if self._open[-1] == "bdi":
            self.typed[-1] += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)


_found = re.search(r"<style>(.*)</style>", view(""), re.DOTALL)
assert _found is not None
STYLE = _found[1]
