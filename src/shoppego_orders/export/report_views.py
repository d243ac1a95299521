"""A table of sales as plain text, as CSV and as HTML, whatever names people gave to things."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

from shoppego_orders.export.columns import Column, ColumnKind
from shoppego_orders.export.csv_writer import CsvStream, write_csv
from shoppego_orders.export.profiles import Profile
from shoppego_orders.export.sales import COUNTS, By, Count, Sales
from shoppego_orders.markup import Markup, view
from shoppego_orders.markup import table as table_of
from shoppego_orders.money import Money
from shoppego_orders.texts import one_line

Line = tuple[str, Sales]


class Table(NamedTuple):
    """The lines of a report of one kind.

    :ivar model: by which sources and channels are credited; "" for none.
    """

    by: By
    lines: Sequence[Line]
    model: str


def text_of(table: Table) -> str:
    """Write a table as plain text: what was sold, and below it, who bought and who left."""
    return "\n".join(_text(grid) for grid in _grids(table, _SOLD, _CUSTOMERS))


def html_of(title: str, tables: Iterable[Table]) -> str:
    """Write tables below each other, for a notebook of any colours."""
    grids = (grid for table in tables for grid in _grids(table, (*_SOLD, *_CUSTOMERS)))
    return view(title, *map(_html, grids))


def csv_of(table: Table, profile: Profile | str) -> CsvStream:
    """Write a table as CSV, with every column that its kind has."""
    return write_csv(table.lines, columns_of(table), profile=profile)


class _Figure(NamedTuple):
    """An attribute of Sales, and what people call it."""

    name: str
    label: str


_SOLD: Final = (
    _Figure("orders", "orders"),
    _Figure("units", "units"),
    _Figure("gross", "gross"),
    _Figure("discounts", "discounts"),
    _Figure("shipping", "shipping"),
    _Figure("tax", "tax"),
    _Figure("declared", "unexplained"),
    _Figure("total", "total"),
    _Figure("refunds", "refunds"),
    _Figure("net", "net"),
    _Figure("average", "average"),
)
_CUSTOMERS: Final = (
    _Figure("first_time", "first-time"),
    _Figure("returning", "returning"),
    _Figure("abandoned", "abandoned"),
    _Figure("abandoned_value", "worth"),
    _Figure("recovered", "recovered"),
    _Figure("recovered_value", "worth"),
)
_OF_PRODUCTS: Final = (
    _Figure("orders", "lines"),
    _Figure("units", "units"),
    _Figure("gross", "gross"),
)
_ALWAYS: Final = ("orders", "total")
_WIDEST_NAME: Final = 40
_MOST_LINES: Final = 31


class _Grid(NamedTuple):
    """What is shown of a table: texts, of which the first columns are names."""

    names: int
    head: Sequence[str]
    body: Sequence[Sequence[str]]
    foot: Sequence[Sequence[str]]


def _grids(table: Table, *groups: Sequence[_Figure]) -> Iterator[_Grid]:
    """One for each group of figures in which there is something; the first one in any case."""
    if table.by is By.PRODUCT:
        groups = (_OF_PRODUCTS,)
    for group in groups:
        figures = [
            figure
            for figure in group
            if figure.name in _ALWAYS
            or any(getattr(sales, figure.name) for _, sales in table.lines)
        ]
        if figures:
            yield _grid(table, figures)


def _grid(table: Table, figures: Sequence[_Figure]) -> _Grid:
    def row(key: str, sales: Sales) -> list[str]:
        names = [key] if table.by is By.CURRENCY else [key, sales.currency]
        return names + [_shown(getattr(sales, figure.name)) for figure in figures]

    head = [_title(table), *([] if table.by is By.CURRENCY else ["currency"])]
    totals = [] if table.by is By.CURRENCY else [row("(total)", sales) for sales in _sums(table)]
    body = [row(one_line(key) or "(none)", sales) for key, sales in table.lines]
    return _Grid(len(head), head + [figure.label for figure in figures], body, totals)


def _sums(table: Table) -> list[Sales]:
    """The sums of all lines, by currency."""
    by_currency: dict[str, Sales] = {}
    for _, sales in table.lines:
        known = by_currency.get(sales.currency)
        by_currency[sales.currency] = sales if known is None else known + sales
    return [by_currency[code] for code in sorted(by_currency)]


def _title(table: Table) -> str:
    title = table.by.replace("_", " ")
    return f"{title} ({table.model})" if _is_shared(table) else title


def _is_shared(table: Table) -> bool:
    """Tell whether counts may be fractions: those of orders that several sources share."""
    return bool(table.model) and table.by in (By.SOURCE, By.CHANNEL)


def _shown(value: Money | Count | None) -> str:
    if value is None:
        return ""
    if isinstance(value, Money):
        return value.text
    if isinstance(value, int):
        return str(value)
    hundredths = round(value * 100)
    return f"{hundredths // 100}.{hundredths % 100:02}"


# Plain text


def _text(grid: _Grid) -> str:
    rows = [[_cut(cell) for cell in row] for row in (grid.head, *grid.body, *grid.foot)]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return "".join(f"{_line(row, widths, grid.names)}\n" for row in rows)


def _line(row: Sequence[str], widths: Sequence[int], names: int) -> str:
    padded = [
        cell + blank if column < names else blank + cell
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        for blank in (" " * (width - _width(cell)),)
    ]
    return "  ".join(padded).rstrip()


def _width(text: str) -> int:
    """How many columns a terminal gives a text, as far as Unicode tells."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )


def _cut(text: str) -> str:
    if _width(text) <= _WIDEST_NAME:
        return text
    while _width(text) >= _WIDEST_NAME:
        text = text[:-1]
    return f"{text}…"


# HTML


def _html(grid: _Grid) -> Markup:
    head = [f"{'' if place < grid.names else '>'}{name}" for place, name in enumerate(grid.head)]
    return table_of(head, grid.body, foot=grid.foot, most=_MOST_LINES)


# CSV


def columns_of(table: Table) -> list[Column[Line]]:
    """What a file says of each line: every column that the table's kind has."""
    named = table.by in _NAMED_BY_PEOPLE
    kind = ColumnKind.TEXT if named else ColumnKind.WORD
    columns: list[Column[Line]] = []
    if table.by is not By.CURRENCY:
        columns.append(Column(table.by.value, _label(table.by), kind, itemgetter(0)))
    columns.append(Column("currency", "Currency", ColumnKind.CURRENCY, _value_of("currency")))
    if table.by is By.PRODUCT:
        columns.append(Column("lines", "Lines", ColumnKind.INTEGER, _value_of("orders")))
        columns += [_column(figure.name, table) for figure in _OF_PRODUCTS[1:]]
    else:
        columns += [_column(figure.name, table) for figure in (*_SOLD, *_CUSTOMERS)]
    return columns


def _column(name: str, table: Table) -> Column[Line]:
    value = _value_of(name)
    if name not in COUNTED:
        return Column(name, _label(name), ColumnKind.MONEY, value)
    if not _is_shared(table):
        return Column(name, _label(name), ColumnKind.INTEGER, value)
    return Column(name, _label(name), ColumnKind.WORD, lambda line: _shown(value(line)))


def _value_of(name: str) -> Callable[[Line], Any]:  # Any: whatever Sales has under the name
    return lambda line: getattr(line[1], name)


def _label(key: str) -> str:
    return key.replace("_", " ").capitalize()


COUNTED: Final = (*COUNTS, "returning")
"""What a report counts; all else that it says of a line are amounts."""
_NAMED_BY_PEOPLE: Final = (By.SOURCE, By.CHANNEL, By.PRODUCT, By.PAYMENT_METHOD)
