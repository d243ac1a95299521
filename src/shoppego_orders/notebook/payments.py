"""How long customers take to pay, and how many of them a deadline would find too late."""

# matplotlib has types, but not for its keyword arguments.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import timedelta
from math import ceil, floor, log2
from typing import Final

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator

from shoppego_orders.errors import InvalidValue
from shoppego_orders.notebook.drawing import BAR, GREY, Plot, a_plot, only_text, our_style, percent
from shoppego_orders.order import Order, OrderRow


def plot_payment_times(
    rows: Iterable[OrderRow | Order], *, window: timedelta = timedelta(minutes=60)
) -> Plot:
    """Draw how long orders took from checkout to payment, and the deadline after which it is late.

    Above, how many orders took how long; below, how many of those that were paid at all were paid
    within that time: where the curve is flat, a later deadline would find no more of them. Time
    doubles with every second bar, and a bar ends at the line.

    :param rows: those that were paid are drawn; so narrow them first, for example to one payment
        method.
    :param window: elapsed time; where the line is.
    :raises InvalidValue: for a window that is not above zero.
    """
    if window <= timedelta(0):
        raise InvalidValue("window", window, "elapsed time above zero")
    # A payment that was reported as of before the checkout took no time.
    taken = sorted(
        max((row.paid_at - row.placed_at).total_seconds(), _LEAST)
        for row in rows
        if row.paid_at is not None
    )
    limit = window.total_seconds()
    with our_style():
        if not taken:
            return only_text("No payments")
        plot = a_plot(4.6)
        grid = plot.add_gridspec(2, 1, height_ratios=(3, 2))
        above = plot.add_subplot(grid[0])
        below = plot.add_subplot(grid[1], sharex=above)
        _draw_counts(above, taken, limit)
        _draw_shares(below, taken, limit)
    return plot


_LEAST: Final = 1.0
_TIMES: Final = {
    "1 s": 1,
    "10 s": 10,
    "1 min": 60,
    "5 min": 300,
    "15 min": 900,
    "1 h": 3600,
    "3 h": 3 * 3600,
    "12 h": 12 * 3600,
    "1 day": 86_400,
    "3 days": 3 * 86_400,
    "10 days": 10 * 86_400,
    "30 days": 30 * 86_400,
    "100 days": 100 * 86_400,
    "1 year": 365 * 86_400,
    "10 years": 3650 * 86_400,
}


def _draw_counts(axes: Axes, taken: Sequence[float], limit: float) -> None:
    axes.set_title(f"Time from checkout to payment, {len(taken):,} paid orders")
    edges = _steps(taken, limit, 2)
    axes.set_xscale("log")
    axes.hist(taken, bins=edges, color=BAR, edgecolor="white", linewidth=0.8)
    axes.set_xlim(edges[0], edges[-1])
    shown = {label: at for label, at in _TIMES.items() if edges[0] <= at <= edges[-1]}
    axes.set_xticks([*shown.values()], [*shown])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_ylabel("orders")
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.grid(axis="y")
    axes.axvline(limit, color=_LIMIT, linewidth=1.2)


def _draw_shares(axes: Axes, taken: Sequence[float], limit: float) -> None:
    def within(time: float) -> float:
        # At the deadline itself is too late, as it is for a policy.
        return bisect_left(taken, time) / len(taken)

    times = _steps(taken, limit, 16)
    shares = [100 * within(time) for time in times]
    axes.plot(times, shares, color=BAR, linewidth=1.6, drawstyle="steps-post")
    axes.set_ylim(0, 105)
    axes.set_yticks([0, 50, 100])
    axes.set_ylabel("% of them within")
    axes.grid(color=GREY, alpha=0.3)
    axes.axvline(limit, color=_LIMIT, linewidth=1.2)
    axes.annotate(
        f"{percent(within(limit))} within {_told(limit)}",
        (limit, 100 * within(limit)),
        xytext=(8, -14),
        textcoords="offset points",
        va="top",
        color=_LIMIT,
        fontweight="bold",
    )


_LIMIT: Final = "#b3261e"


def _steps(taken: Sequence[float], limit: float, a_doubling: int) -> list[float]:
    """Times that grow evenly, so many for each doubling: the limit is one, and all lie between."""
    first = floor(log2(min(taken[0], limit) / limit)) - 1
    last = ceil(log2(max(taken[-1], limit) / limit)) + 1
    return [
        limit * 2 ** (step / a_doubling)
        for step in range(first * a_doubling, last * a_doubling + 1)
    ]


def _told(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:,.15g} minutes" if minutes >= 1 else f"{seconds:,.15g} seconds"
