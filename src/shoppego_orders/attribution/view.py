"""What a notebook shows of a table of sources; and the logos, for whatever else shows a source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from shoppego_orders.attribution.logos import LOGOS
from shoppego_orders.markup import Markup, element, facts, table, typed, view

if TYPE_CHECKING:
    from shoppego_orders.attribution.source import Source
    from shoppego_orders.attribution.table import AttributionTable


def table_html(sources: AttributionTable) -> str:
    """Show the rows of a table in their order, the shop's own rules and hosts."""
    rules = [
        (rule.name, rule.source, rule.channel or "", rule.field, rule.match, _few(rule.values))
        for rule in sources.rules
    ]
    return view(
        f"{len(sources.rows)} sources",
        facts([("The shop's hosts", _few(sources.own_hosts))]),
        *([table(_RULE, rules)] if rules else ()),
        table(("Source", "Key", "Channel", "Recognised by"), map(_row, sources.rows), most=_MOST),
    )


def sourced(name: str | None, logo: str | None) -> Markup:
    """Show a source: the logo, where one ships, and the name beside it."""
    drawing = Markup(LOGOS.get(logo or "", ""))
    return element("span", drawing, typed(name or ""), class_="source")


_RULE: Final = ("The shop's rule", "Source", "Channel", "Field", "Match", "Values")
_MOST: Final = 40
_FEW: Final = 4


def _row(source: Source) -> Sequence[str]:
    told = "; ".join(f"{name} {_few(values)}" for name, values in _signs(source) if values)
    return sourced(source.name, source.logo), source.key, source.channel, told


def _signs(source: Source) -> Iterator[tuple[str, Sequence[str]]]:
    yield "utm_source", source.utm
    yield "referrer", source.hosts
    yield "app", source.apps
    yield "click id", [click.name for click in source.click_ids]


def _few(values: Sequence[str]) -> str:
    more = len(values) - _FEW
    return ", ".join(values[:_FEW]) + (f" and {more} more" if more > 0 else "")
