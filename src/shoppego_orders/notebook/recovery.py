"""What became of abandoned checkouts, as a funnel."""

# matplotlib has types, but not for its keyword arguments.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shoppego_orders.abandonment import RecoveryReport
from shoppego_orders.notebook.drawing import BAR, GREY, Plot, a_plot, only_text, our_style, percent
from shoppego_orders.order import Recovery


def plot_recovery(report: RecoveryReport) -> Plot:
    """Draw how many checkouts were abandoned, and how many of them came how far back.

    Each bar is a part of the one above it: whose customers bought in the end; whose own checkout
    was completed, or whose customer came back through a recovery link and bought; and the latter
    alone. What was earned, what is open and what became of reminders is written below.

    :param report: of a period whose recoveries have been settled.
    """
    with our_style():
        if not report.abandoned:
            return only_text("No abandoned checkouts")
        plot = a_plot(2.9)
        axes = plot.add_subplot()
        axes.set_title(f"What became of {report.abandoned:,} abandoned checkouts")
        counts = [sum(report.outcomes.get(end, 0) for end in ends) for ends in _FUNNEL.values()]
        places = range(len(counts), 0, -1)
        axes.barh(places, counts, height=0.7, color=_SHADES)
        axes.set_yticks(places, [*_FUNNEL])
        axes.set_xticks([])
        for place, count in zip(places, counts, strict=True):
            told = f"{count:,}  ({percent(count / report.abandoned)})"
            axes.text(count + report.abandoned * 0.01, place, told, va="center")
        axes.set_xlim(0, report.abandoned * 1.15)
        axes.set_xlabel("; ".join(_below(report)), loc="left")
    return plot


_BOUGHT: Final = (Recovery.SUBSTITUTED, Recovery.RECOVERED, Recovery.RETURNED)
_FUNNEL: Final = {
    "abandoned": tuple(Recovery),
    "bought something in the end": _BOUGHT,
    "won back": _BOUGHT[1:],
    "by a recovery link": _BOUGHT[2:],
}
_SHADES: Final = (GREY, "#6aa6c8", BAR, "#174a68")


def _below(report: RecoveryReport) -> Iterator[str]:
    earned = " and ".join(f"{won.currency} {won.amount:,}" for won in report.recovered.values())
    yield f"Won back {earned or 'nothing'}"
    yield f"{report.outcomes.get(Recovery.OPEN, 0):,} still open"
    yield f"{report.outcomes.get(Recovery.LOST, 0):,} lost"
    reminders = report.reminders
    if reminders is not None:
        skipped = sum(reminders.skipped.values())
        yield f"{reminders.sent:,} reminders sent, {skipped:,} skipped, {reminders.failed:,} failed"
