"""Where an order came from: landing URL and referrer in; source, logo, channel and reason out.

``default_table().classify(Touch(landing_url, referrer, at))`` is the whole of it for one visit;
a :class:`Journey` shares an order among several. Tables are read from files, and from the lists
of other projects, by the modules ``lists`` and ``other_lists``.
"""

from __future__ import annotations

from shoppego_orders.attribution.channels import CHANNELS
from shoppego_orders.attribution.credit import (
    Credit,
    IgnoredTouch,
    Journey,
    Step,
    first_touch,
    last_non_direct,
    last_touch,
    linear,
    position_based,
    time_decay,
)
from shoppego_orders.attribution.rules import Rule
from shoppego_orders.attribution.shipped import default_table
from shoppego_orders.attribution.source import Attribution, ClickId, ClickParameter, Source
from shoppego_orders.attribution.table import AttributionTable
from shoppego_orders.attribution.touch import UTM_PARAMETERS, Touch

__all__ = [
    "CHANNELS",
    "UTM_PARAMETERS",
    "Attribution",
    "AttributionTable",
    "ClickId",
    "ClickParameter",
    "Credit",
    "IgnoredTouch",
    "Journey",
    "Rule",
    "Source",
    "Step",
    "Touch",
    "default_table",
    "first_touch",
    "last_non_direct",
    "last_touch",
    "linear",
    "position_based",
    "time_decay",
]
