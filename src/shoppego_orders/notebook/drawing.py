"""What all charts share: the figure that shows itself, its settings, how numbers are written."""

# matplotlib has types, but not for its keyword arguments.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import io
from contextlib import AbstractContextManager
from typing import Final

from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

WIDTH: Final = 11  # inches
BAR, GREY, LINE, LABEL = "#2a6f97", "#8a94a3", "#b8bfc9", "#3c4450"


class Plot(Figure):
    """A matplotlib figure that shows itself in a notebook; ``savefig`` writes it into a file."""

    def _repr_png_(self) -> bytes:
        picture = io.BytesIO()
        self.savefig(picture, format="png", dpi=144)
        return picture.getvalue()


def our_style() -> AbstractContextManager[None]:
    """Draw with our own settings, and none of the caller's: TeX would run what a name holds."""
    return style.context(["default", _SETTINGS])


def a_plot(height: float) -> Plot:
    """Make an empty figure, to be drawn on in our own style."""
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12, wspace=0.03)
    return Plot(figsize=(WIDTH, height), layout=layout)


def only_text(text: str) -> Plot:
    """Make a figure of what there is nothing to draw of."""
    plot = Plot(figsize=(WIDTH, 1.5))
    plot.text(0.5, 0.5, text, ha="center", va="center")
    return plot


def percent(share: float) -> str:
    """Write a share of one."""
    return "< 1 %" if 0 < share < 0.005 else f"{share * 100:.0f} %"


_SETTINGS: Final[dict[str, object]] = {
    "font.size": 9,
    "text.color": "#20242b",
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titlepad": 10,
    **{f"axes.spines.{side}": False for side in ("top", "right", "bottom", "left")},
    "axes.axisbelow": True,
    "grid.color": "#e4e7ec",
    "xtick.color": LINE,
    "xtick.labelcolor": LABEL,
    "ytick.major.size": 0,
    "ytick.labelcolor": LABEL,
}
