"""Charts: what is drawn, under which names, in which colours."""

# matplotlib has types, but not for its keyword arguments.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import rc_context, rcParams
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import Rectangle
from numpy import asarray
from numpy.typing import ArrayLike

from shoppego_orders.abandonment import RecoveryReport, ReminderCounts
from shoppego_orders.attribution import AttributionTable, Source, default_table
from shoppego_orders.attribution.logos import LOGO_COLOURS, LOGOS
from shoppego_orders.errors import InvalidValue
from shoppego_orders.export import SalesReport
from shoppego_orders.money import Money
from shoppego_orders.notebook import Plot, plot_payment_times, plot_recovery, plot_sales
from shoppego_orders.order import LineItem, Order, OrderRow, Recovery
from shoppego_orders.testing.strategies import HOSTILE_TEXTS, delays, order_lists, texts
from shoppego_orders.texts import storable

AT = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
PNG = b"\x89PNG\r\n"


def a_sale(
    *, days: int = 0, source: str | None = "tiktok", amount: str = "10", currency: str = "MYR"
) -> OrderRow:
    lines = [LineItem("Kopi", 1, Money(amount, currency))]
    order = Order.place(id="1", at=AT, shop="s", currency=currency, lines=lines)
    row = OrderRow.of(order.mark_paid(at=AT))
    return row._replace(placed_at=AT + days * DAY, source=source)


def drawn(plot: Plot) -> Plot:
    """Draw a plot whole: what can't be drawn is told then."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert picture(plot).startswith(PNG)
    return plot


def plotted(*rows: OrderRow) -> Plot:
    return drawn(plot_sales(SalesReport.of(rows)))


def told_without_axes(plot: Plot) -> list[str]:
    assert not plot.axes
    return [text.get_text() for text in plot.texts]


def picture(plot: Plot) -> bytes:
    return plot._repr_png_()  # pyright: ignore[reportPrivateUsage]  # as a notebook calls it


def axes_of(plot: Plot) -> Sequence[Axes]:
    return plot.axes


def names(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def told(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def heights(axes: Axes) -> list[float]:
    return [bar.get_height() for bar in axes.patches if isinstance(bar, Rectangle)]


def test_days_and_sources_of_each_currency() -> None:
    plot = plotted(
        a_sale(amount="30"),
        a_sale(days=2, source="youtube", amount="60"),
        a_sale(days=2, source=None, amount="9.50"),
        a_sale(days=2, source="a-blog", amount="0.10"),
        a_sale(currency="JPY"),
    )
    yen, yen_sources, ringgit, sources = axes_of(plot)
    assert yen.get_title(loc="left") == "Net sales by day, JPY, 2026-03-01"
    assert ringgit.get_title(loc="left") == "Net sales by day, MYR, 2026-03-01 to 2026-03-03"
    assert heights(ringgit) == [30, 69.6]
    assert names(sources) == ["YouTube", "TikTok", "(none)", "a-blog"]
    assert told(sources) == ["60 %", "30 %", "10 %", "< 1 %"]
    assert (names(yen_sources), told(yen_sources)) == (["TikTok"], ["100 %"])


def test_a_report_draws_itself() -> None:
    report = SalesReport.of([a_sale(), a_sale(days=1, source="google")])
    assert picture(report.plot()) == picture(plot_sales(report))


def test_sources_have_the_colours_of_their_logos() -> None:
    table = default_table().extended([Source("our-blog", "Our blog", logo="wordpress")])
    report = SalesReport.of(
        a_sale(source=key, amount=str(50 - place))
        for place, key in enumerate(("google-ads", "our-blog", "facebook", "elsewhere"))
    )

    def colours(table: AttributionTable | None) -> list[str]:
        (_, axes) = axes_of(plot_sales(report, table=table))
        return [to_hex(patch.get_facecolor()) for patch in axes.patches]

    grey = "#8a94a3"
    known = [LOGO_COLOURS["google-plus"], LOGO_COLOURS["wordpress"], grey, grey]
    assert colours(table) == known
    assert colours(None) == [known[0], grey, grey, grey]


def test_every_logo_has_a_colour_that_is_seen_on_white_and_told_apart() -> None:
    assert LOGO_COLOURS.keys() == LOGOS.keys()
    for colour in LOGO_COLOURS.values():
        assert 1.05 / (luminance(colour) + 0.05) >= 3, colour
    for one, other in combinations(LOGO_COLOURS.values(), 2):
        pairs = zip(to_rgb(one), to_rgb(other), strict=True)
        assert sum(abs(a - b) for a, b in pairs) > 0.25, (one, other)


def luminance(colour: str) -> float:
    """As WCAG 2.2 defines it."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in to_rgb(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_smallest_sources_are_drawn_together() -> None:
    twelve = [a_sale(source=f"s{n}", amount=str(100 - n)) for n in range(12)]
    (_, axes) = axes_of(plotted(*twelve))
    assert len(names(axes)) == 12
    (_, axes) = axes_of(plotted(*twelve, a_sale(source="last", amount="1")))
    assert names(axes)[-2:] == ["s10", "2 others"]


@pytest.mark.parametrize(
    ("last", "by"), [(0, "day"), (129, "day"), (130, "week"), (909, "week"), (910, "month")]
)
def test_what_is_too_many_days_is_weeks_or_months(last: int, by: str) -> None:
    (axes, _) = axes_of(plotted(a_sale(), a_sale(days=last)))
    assert axes.get_title(loc="left").startswith(f"Net sales by {by}, MYR, 2026-03-01")


def test_the_ends_of_the_calendar_are_drawn() -> None:
    first = a_sale()._replace(placed_at=datetime(1, 1, 1, tzinfo=UTC))
    last = a_sale()._replace(placed_at=datetime(9999, 12, 31, 23, tzinfo=UTC))
    for rows in ([first], [last], [first, last]):
        plotted(*rows)


def test_refunds_and_nothing_at_all_are_drawn() -> None:
    given_back = a_sale()._replace(refunded_total=Money("25", "MYR"))
    days, sources = axes_of(plotted(given_back, a_sale(source="google")))
    assert heights(days) == [-5]
    assert told(sources) == ["10", "-15"]
    plotted(a_sale()._replace(subtotal=Money("0", "MYR")))
    assert told_without_axes(plotted()) == ["No sales"]


def test_an_abandoned_order_is_no_sale() -> None:
    row = a_sale()._replace(completed_at=None, abandoned_at=AT)
    assert told_without_axes(plotted(row)) == ["No sales"]


HOSTILE_NAMES = (
    *HOSTILE_TEXTS,
    "$x^2$",
    "$\\frac{1}{0}$",
    "$\\undefined",
    "100 $ or $",
    "月饼",
    "\\n",
)


def test_names_are_drawn_as_they_are() -> None:
    rows = [a_sale(source=storable(name)) for name in HOSTILE_NAMES]
    for place in range(0, len(rows), 12):
        plotted(*rows[place : place + 12])
    (_, axes) = axes_of(plotted(a_sale(source="$x^2$ or $")))
    assert names(axes) == ["$x^2$ or $"]
    assert not any(label.get_parse_math() for label in axes.get_yticklabels())
    (_, axes) = axes_of(plotted(a_sale(source="y" * 90)))
    assert names(axes) == ["y" * 23 + "…"]


def test_the_callers_settings_change_nothing_and_stay() -> None:
    before = picture(plot_sales(SalesReport.of([a_sale()])))
    with rc_context({"text.usetex": True, "font.size": 40, "axes.facecolor": "black"}):
        settings = dict(rcParams)
        assert picture(plot_sales(SalesReport.of([a_sale()]))) == before
        assert dict(rcParams) == settings


@given(order_lists(max_size=4), texts())
def test_whatever_was_ordered_can_be_drawn(some: list[Order], name: str) -> None:
    rows = [OrderRow.of(order)._replace(source=storable(name)) for order in some]
    plot_sales(SalesReport.of(rows)).draw_without_rendering()


# How long customers take to pay


def a_payment(minutes: float) -> OrderRow:
    return a_sale()._replace(paid_at=AT + timedelta(minutes=minutes))


def counted(axes: Axes) -> dict[float, float]:
    """How many of each bar that has any, by where in minutes it begins."""
    bars = [bar for bar in axes.patches if isinstance(bar, Rectangle) and bar.get_height()]
    return {round(bar.get_x() / 60, 6): bar.get_height() for bar in bars}


def test_a_payment_at_the_deadline_is_too_late() -> None:
    times = (30, 59.9, 60, 60.1, 15)
    rows = [*map(a_payment, times), a_sale()._replace(paid_at=None)]
    above, below = axes_of(drawn(plot_payment_times(rows)))
    assert above.get_title(loc="left") == "Time from checkout to payment, 5 paid orders"
    assert counted(above) == {15: 1, 30: 1, round(60 / 2**0.5, 6): 1, 60: 2}
    assert told(below) == ["60 % within 60 minutes"]
    _, below = axes_of(drawn(plot_payment_times(rows, window=timedelta(seconds=45))))
    assert told(below) == ["0 % within 45 seconds"]
    ends = [a_payment(-5), a_sale()._replace(paid_at=datetime(9999, 12, 31, tzinfo=UTC))]
    drawn(plot_payment_times(ends, window=timedelta(microseconds=1)))


def test_the_line_is_at_the_window_and_the_curve_ends_at_all() -> None:
    window = timedelta(minutes=20)
    above, below = axes_of(plot_payment_times(map(a_payment, (1, 300)), window=window))
    (line,) = above.lines
    curve, again = below.lines
    assert numbers(line.get_xdata()) == numbers(again.get_xdata()) == [1200, 1200]
    assert {0, 50, 100} == set(numbers(curve.get_ydata()))


def numbers(given: ArrayLike) -> list[float]:
    return [float(number) for number in asarray(given)]


@settings(max_examples=max(10, settings().max_examples // 4))  # each is drawn
@given(st.lists(delays(), max_size=8), delays().filter(lambda window: window > timedelta(0)))
def test_every_payment_is_in_a_bar(times: list[timedelta], window: timedelta) -> None:
    rows = [a_sale()._replace(paid_at=AT + time) for time in times]
    plot = plot_payment_times(rows, window=window)
    if times:
        assert sum(counted(axes_of(plot)[0]).values()) == len(times)
    else:
        assert told_without_axes(plot) == ["No payments"]


def test_a_window_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidValue, match="elapsed time above zero"):
        plot_payment_times([], window=timedelta(0))


# What became of abandoned checkouts


def a_recovery(reminders: ReminderCounts | None = None, **ends: int) -> RecoveryReport:
    return RecoveryReport(
        abandoned=sum(ends.values()),
        outcomes={Recovery(end): count for end, count in ends.items()},
        recovered={"MYR": Money("1234.5", "MYR"), "SGD": Money("7", "SGD")} if ends else {},
        substituted={},
        reminders=reminders,
    )


def test_a_funnel_narrows_to_what_links_brought_back() -> None:
    ends = {"open": 1, "recovered": 2, "returned": 3, "substituted": 4, "lost": 991}
    reminders = ReminderCounts(sent=5, skipped={"a": 1, "b": 2}, failed=0, unknown=0)
    (axes,) = axes_of(drawn(plot_recovery(a_recovery(reminders, **ends))))
    assert axes.get_title(loc="left") == "What became of 1,001 abandoned checkouts"
    assert told(axes) == ["1,001  (100 %)", "9  (1 %)", "5  (< 1 %)", "3  (< 1 %)"]
    assert axes.get_xlabel() == (
        "Won back MYR 1,234.50 and SGD 7.00; 1 still open; 991 lost; "
        "5 reminders sent, 3 skipped, 0 failed"
    )
    (axes,) = axes_of(drawn(plot_recovery(a_recovery(lost=1))))
    assert axes.get_xlabel().endswith("0 still open; 1 lost")


def test_nothing_abandoned_is_drawn() -> None:
    assert told_without_axes(drawn(plot_recovery(a_recovery()))) == ["No abandoned checkouts"]


def test_it_is_written_into_a_file(tmp_path: Path) -> None:
    plot_sales(SalesReport.of([a_sale()])).savefig(tmp_path / "sales.svg")
    assert b"<svg" in (tmp_path / "sales.svg").read_bytes()


def test_without_matplotlib_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from shoppego_orders.errors import MissingExtra\n"
        "try: import shoppego_orders.notebook\n"
        "except MissingExtra as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'shoppego-orders[notebook]'" in done.stdout


def test_a_report_needs_no_matplotlib() -> None:
    code = (
        "import sys; from shoppego_orders.export import SalesReport\n"
        "SalesReport.of([]).text(); SalesReport.of([])._repr_html_()\n"
        "print([name for name in sys.modules if name.startswith('matplotlib')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
