"""HTML for notebooks: escaped, without script or link, in the colours of the page around it.

Text and background are the page's own, so what is shown here is light where the notebook is light
and dark where it is dark, whether a theme says so or ``prefers-color-scheme``. Colours of our own
only repeat what a word and a sign say, and are seen on white and on black. Every style is bound to
a class that is ours alone; without any style it is plain tables and lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from html import escape
from itertools import islice
from typing import Final

from shoppego_orders.periods import utc
from shoppego_orders.texts import UNSTORABLE


class Markup(str):
    """HTML that stands as it is; every other text is escaped where it is put into an element."""

    __slots__ = ()


class Tone(StrEnum):
    """What a badge tells besides its word: by a sign, and by a colour that repeats it."""

    GOOD = "good"
    OPEN = "open"
    BAD = "bad"
    PLAIN = "plain"


def element(tag: str, *content: str, **attributes: str) -> Markup:
    """Make an element; an attribute that is a word of Python's has an underscore behind it."""
    told = "".join(
        f' {name.rstrip("_")}="{escape(value)}"' for name, value in attributes.items() if value
    )
    return Markup(f"<{tag}{told}>{''.join(map(_escaped, content))}</{tag}>")


def view(title: str, *content: str) -> str:
    """Make what a notebook shows of a value: a title, and elements below each other."""
    heading = element("p", title, class_="title")
    return str(element("div", _STYLE_ELEMENT, heading, *content, class_=_CLASS))


def typed(text: str) -> Markup:
    """Show what somebody typed: as it is, cut where it is long, turning nothing around but itself.

    Text from right to left would else take the numbers beside it along.
    """
    shown = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return element("bdi", shown)


def badge(word: str, tone: Tone = Tone.PLAIN) -> Markup:
    """Show a word of a closed set, such as a status."""
    text = f"{_SIGNS[tone]} {word.replace('_', ' ')}".strip()
    return element("span", text, class_=f"badge {tone}")


def moment(at: datetime) -> Markup:
    """Show an instant to the second, by the clocks of UTC, as its column should say."""
    instant = utc(at, "at")
    shown = instant.replace(tzinfo=None).isoformat(" ", "seconds")
    return element("time", shown, datetime=instant.isoformat())


def beside(parts: Iterable[str]) -> Markup:
    """Put parts on a line, with spaces between them."""
    return Markup(" ".join(map(_escaped, parts)))


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    foot: Iterable[Sequence[str]] = (),
    caption: str = "",
    most: int = 100,
) -> Markup:
    """Make a table; the first cell of a row says what the row is of.

    :param head: of each column; one that begins with ``>`` is above figures.
    :param rows: the cells; a text is what somebody typed.
    :param caption: what it is; where rows are left out, it says so besides.
    :param most: so many rows are shown.
    """
    figures = [name.startswith(">") for name in head]
    all_rows = list(rows)
    left_out = f"the first {most} of {len(all_rows)} lines" if len(all_rows) > most else ""
    above = "; ".join(filter(None, (caption, left_out)))
    names = (
        element("th", name.removeprefix(">"), scope="col", class_=_class_of(figure))
        for name, figure in zip(head, figures, strict=True)
    )
    parts = [
        *([element("caption", above)] if above else []),
        element("thead", element("tr", *names)),
        element("tbody", *(_row(row, figures) for row in islice(all_rows, most))),
    ]
    below = [_row(row, figures) for row in foot]
    return element("table", *parts, *([element("tfoot", *below)] if below else []))


def facts(pairs: Iterable[tuple[str, str]]) -> Markup:
    """Make a list of what is known under which name; what is "" is left out."""
    known = [(name, value) for name, value in pairs if value]
    parts = (part for name, value in known for part in (element("dt", name), _told(value)))
    return element("dl", *parts) if known else Markup()


def _told(value: str) -> Markup:
    return element("dd", _shown(value))


def _row(cells: Sequence[str], figures: Sequence[bool]) -> Markup:
    shown: list[Markup] = []
    for place, (text, figure) in enumerate(zip(cells, figures, strict=True)):
        content = text if figure else _shown(text)
        if place == 0:
            shown.append(element("th", content, scope="row", class_=_class_of(figure)))
        else:
            shown.append(element("td", content, class_=_class_of(figure)))
    return element("tr", *shown)


def _shown(text: str) -> str:
    return text if isinstance(text, Markup) or not text else typed(text)


def _class_of(figure: bool) -> str:  # noqa: FBT001 - a column's own nature, told by its head
    return "figure" if figure else ""


def _escaped(text: str) -> str:
    if isinstance(text, Markup):
        return text
    return escape(UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text))


_LONGEST: Final = 240
_SIGNS: Final = {Tone.GOOD: "\u2713", Tone.OPEN: "\u25cb", Tone.BAD: "\u2717", Tone.PLAIN: ""}
_CLASS: Final = "shoppego-orders"

# Contrasts of 3 to 1 with white and with #111 (WCAG 2.2, 1.4.11); what is written is the page's.
_RULES: Final = {
    "": "max-width: 100%; overflow-x: auto; line-height: 1.4",
    " :is(p, dl, table, ul)": "margin: 0 0 .6em",
    " .title": "font-weight: bold; overflow-wrap: anywhere",
    " table": "border-collapse: collapse; font-size: 1em; font-variant-numeric: tabular-nums",
    " caption": "caption-side: top; text-align: left; opacity: .8; color: inherit",
    " :is(th, td)": "padding: .2em .6em; text-align: left; vertical-align: top; "
    "border: 0 solid #8886; border-bottom-width: 1px; max-width: 20em; "
    "white-space: normal; overflow-wrap: break-word",
    " :is(th, td).figure": "text-align: right; white-space: nowrap",
    " tbody th": "min-width: 6em; font-weight: normal",
    " tfoot :is(th, td)": "border-bottom: 0; font-weight: bold",
    " time": "white-space: nowrap",
    " dl": "display: grid; grid-template-columns: max-content 1fr; gap: .1em 1em",
    " dt": "margin: 0; opacity: .8; font-weight: normal",
    " dd": "margin: 0; min-width: 0; overflow-wrap: anywhere",
    " ul": "padding-left: 1.2em; list-style: none; overflow-wrap: anywhere",
    " .badge": "display: inline-block; padding: 0 .5em; border: 1px solid #888; "
    "border-radius: .8em; white-space: nowrap",
    " .good": "border-color: #1f9d55",
    " .open": "border-color: #c77d0a; border-style: dashed",
    " .bad": "border-color: #e0483e; border-width: 2px",
    " .source": "display: inline-flex; gap: .4em",
    " svg": "flex: none",
}
_STYLE_ELEMENT: Final = element(
    "style", Markup("".join(f".{_CLASS}{where} {{ {what} }}\n" for where, what in _RULES.items()))
)
