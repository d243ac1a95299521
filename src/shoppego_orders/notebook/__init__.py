"""Charts for people who look rather than read: the extra ``notebook`` brings matplotlib.

What a notebook shows of a value without being asked, its HTML, needs no extra; these are the
pictures beside it.
"""

from importlib.util import find_spec

from shoppego_orders.errors import MissingExtra

if find_spec("matplotlib") is None:
    raise MissingExtra("matplotlib", "notebook")

from shoppego_orders.notebook.drawing import Plot
from shoppego_orders.notebook.payments import plot_payment_times
from shoppego_orders.notebook.recovery import plot_recovery
from shoppego_orders.notebook.sales import plot_sales

__all__ = ["Plot", "plot_payment_times", "plot_recovery", "plot_sales"]
