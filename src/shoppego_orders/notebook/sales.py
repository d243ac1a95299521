"""Sales by time and by source."""

# matplotlib has types, but not for its keyword arguments and its dates.
# mypy: disable-error-code="no-untyped-call"
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date
from typing import Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, DayLocator, date2num, num2date
from matplotlib.font_manager import findfont, get_font
from matplotlib.ticker import FuncFormatter, MaxNLocator

from shoppego_orders.attribution import AttributionTable, default_table
from shoppego_orders.attribution.logos import LOGO_COLOURS
from shoppego_orders.export import By, SalesReport
from shoppego_orders.notebook.drawing import (
    BAR,
    GREY,
    LINE,
    Plot,
    a_plot,
    only_text,
    our_style,
    percent,
)
from shoppego_orders.texts import one_line


def plot_sales(report: SalesReport, *, table: AttributionTable | None = None) -> Plot:
    """Draw net sales by day, and which part of them came from which source; a row per currency.

    Where there are too many days to see, it is weeks or months. Sources have the colours of their
    logos, and grey where they have none of the Orders page's; the smallest ones are drawn
    together. Names are drawn as they are, whatever they hold, but for characters that
    matplotlib's own font lacks.

    :param report: whose :attr:`~shoppego_orders.export.Sales.net` is drawn; of the sources that
        its model credits.
    :param table: knows the names and logos of sources; the one that ships unless told.
    """
    sources = default_table() if table is None else table
    sold = [code for code, sales in report.totals().items() if sales.orders]
    with our_style():
        if not sold:
            return only_text("No sales")
        shares = {code: _shares(report, code, sources) for code in sold}
        heights = [max(2.6, 1.0 + 0.27 * len(shares[code])) for code in sold]
        plot = a_plot(sum(heights))
        grid = plot.add_gridspec(len(sold), 2, height_ratios=heights, width_ratios=(5, 3))
        for row, code in enumerate(sold):
            _draw_times(plot.add_subplot(grid[row, 0]), report, code)
            _draw_shares(plot.add_subplot(grid[row, 1]), shares[code])
    return plot


_MOST_BARS: Final = 130
_FEWEST_DAYS: Final = 7
_MOST_SOURCES: Final = 12
_LONGEST_NAME: Final = 24

# What is drawn for how many days at the most, the first day of one, and its days.
_TIMES: Final[tuple[tuple[By, Callable[[str], date], int], ...]] = (
    (By.DAY, date.fromisoformat, 1),
    (By.WEEK, lambda week: date.fromisocalendar(int(week[:4]), int(week[6:]), 1), 7),
    (By.MONTH, lambda month: date.fromisoformat(f"{month}-01"), 30),
)


def _draw_times(axes: Axes, report: SalesReport, currency: str) -> None:
    days = [
        date.fromisoformat(key)
        for key, sales in report.by(By.DAY)
        if sales.currency == currency and sales.orders
    ]
    first, last = days[0], days[-1]
    span = (last - first).days + 1
    by, begins, length = next(
        (each for each in _TIMES if span <= _MOST_BARS * each[-1]), _TIMES[-1]
    )
    nets = {
        _place(begins(key)) + (length - 1) / 2: float(sales.net.amount)
        for key, sales in report.by(by)
        if sales.currency == currency
    }
    axes.set_title(
        f"Net sales by {by}, {currency}, {first}{'' if first == last else f' to {last}'}"
    )
    axes.bar(
        list(nets),
        list(nets.values()),
        width=0.8 * length,
        color=BAR,
        edgecolor=BAR,
        linewidth=0.4,
    )
    axes.axhline(0, color=LINE, linewidth=0.8)
    # A single day is no wall, and no place lies outside the calendar.
    beside = max(0.6 * length, (_FEWEST_DAYS - span) / 2)
    axes.set_xlim(
        max(min(nets) - beside, _place(date.min)), min(max(nets) + beside, _place(date.max))
    )
    if span <= 2 * _FEWEST_DAYS:
        axes.xaxis.set_major_locator(DayLocator(interval=1 + span // 8, tz=UTC))
        axes.xaxis.set_major_formatter(FuncFormatter(_day_and_month))
    else:
        dates = AutoDateLocator(minticks=4, maxticks=8, tz=UTC)
        axes.xaxis.set_major_locator(dates)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(dates, tz=UTC, show_offset=False))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(_amount))
    axes.grid(axis="y")


class _Share(NamedTuple):
    """What came from one source, or from several that are drawn together."""

    label: str
    colour: str
    net: float


def _shares(report: SalesReport, currency: str, table: AttributionTable) -> list[_Share]:
    shares = [
        _Share(*_looks(key, table), float(sales.net.amount))
        for key, sales in report.by(By.SOURCE)
        if sales.currency == currency and sales.orders
    ]
    shares.sort(key=lambda share: share.net, reverse=True)
    if len(shares) <= _MOST_SOURCES:
        return shares
    others = shares[_MOST_SOURCES - 1 :]
    together = _Share(f"{len(others)} others", GREY, sum(share.net for share in others))
    return [*shares[: _MOST_SOURCES - 1], together]


def _draw_shares(axes: Axes, shares: Sequence[_Share]) -> None:
    axes.set_title("By source")
    places = range(len(shares), 0, -1)
    nets = [share.net for share in shares]
    axes.barh(places, nets, height=0.7, color=[share.colour for share in shares])
    # No mathematics, whatever a name holds between dollar signs.
    axes.set_yticks(places, [share.label for share in shares], parse_math=False)
    # From the top, and a single one is no wall either.
    axes.set_ylim(len(shares) + 0.5 - max(len(shares), 6), len(shares) + 0.5)
    axes.set_xticks([])
    total, widest = sum(nets), max(map(abs, nets)) or 1
    for place, net in zip(places, nets, strict=True):
        # Where refunds left nothing in all, there is nothing to have a part of.
        told = percent(net / total) if total > 0 else _amount(net)
        axes.text(max(net, 0) + widest * 0.02, place, told, va="center")
    axes.set_xlim(min(0, *nets, 0), widest * 1.18)


def _looks(source: str, table: AttributionTable) -> tuple[str, str]:
    """The name and the colour of a source."""
    try:
        row = table[source]
    except KeyError:
        return _drawable(source) or "(none)", GREY
    return _drawable(row.name), LOGO_COLOURS.get(row.logo, GREY)


def _drawable(name: str) -> str:
    """A name in characters that matplotlib's own font has, and not too long."""
    has = get_font(findfont("DejaVu Sans")).get_char_index
    shown = "".join(c if has(ord(c)) else "\N{REPLACEMENT CHARACTER}" for c in one_line(name))
    return shown if len(shown) <= _LONGEST_NAME else f"{shown[: _LONGEST_NAME - 1]}…"


def _place(day: date) -> float:
    return float(date2num(day))


def _day_and_month(place: float, _: object = None) -> str:
    day = num2date(place, tz=UTC)
    return f"{day.day} {day:%b}"


def _amount(amount: float, _: object = None) -> str:
    return f"{amount:,.15g}"
