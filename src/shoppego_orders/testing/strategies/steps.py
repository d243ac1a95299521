"""What happens to an order: commands and facts, for whichever order they are given to."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from datetime import UTC, timedelta, tzinfo
from typing import Any

import attrs
from hypothesis import strategies as st

from shoppego_orders.errors import CommandRefused
from shoppego_orders.order import Fulfillment, Order, Recovery
from shoppego_orders.testing.strategies.lines import charges, line_items, tags, trackings
from shoppego_orders.testing.strategies.people import addresses, customers
from shoppego_orders.testing.strategies.values import delays, money, texts, time_zones

REFERENCES: Sequence[str] = ("pay-1", "pay-2", "pay-3", "ref-1", "0")


@attrs.frozen
class Step:
    """A command or a fact, for whichever order it is given to.

    :ivar name: of the order's method.
    :ivar arguments: of the method, besides its times.
    :ivar after: how long after the order was placed it happened.
    :ivar learned_after: as long after that it was learned of; None where the method isn't told.
    :ivar zone: in which its times are told.
    """

    name: str
    arguments: dict[str, Any]  # Any: of whichever method it is
    after: timedelta
    learned_after: timedelta | None = None
    zone: tzinfo = UTC

    def __call__(self, order: Order) -> Order:
        """Give the command or the fact to an order; raises what the order raises."""
        at = order.placed_at + self.after
        times = {"at": at.astimezone(self.zone)}
        if self.learned_after is not None:
            times["recorded_at"] = (at + self.learned_after).astimezone(self.zone)
        taken: Order = getattr(order, self.name)(**self.arguments, **times)
        return taken


def run(order: Order, steps: Iterable[Step]) -> Order:
    """Take an order through steps; those that it refuses are skipped."""
    for step in steps:
        try:
            order = step(order)
        except CommandRefused:
            continue
    return order


@functools.cache
def commands(currency: str) -> st.SearchStrategy[Step]:
    """Make the merchant's commands, with arguments that are right."""
    lines = st.lists(line_items(currency), min_size=1, max_size=3)
    charged = st.lists(charges(currency), max_size=2)
    reason = st.sampled_from(("out of stock", "=1+1", "a\nb"))
    offered = st.tuples(references(), money(currency, least=1, most=10**6))
    address = st.none() | addresses()
    return st.one_of(
        _commands("mark_pending"),
        _commands("mark_paid"),
        _commands("confirm"),
        _commands("set_fulfillment", status=st.sampled_from(Fulfillment), reason=reason),
        _commands("add_tracking", tracking=trackings()),
        _commands("change_lines", lines=lines, adjustments=charged),
        _commands("accept_offer", lines=lines, payment=st.none() | offered),
        _commands("edit_customer", customer=customers()),
        _commands("edit_address", shipping=address, billing=address),
        _commands("edit_note", note=texts()),
        _commands("set_tags", tags=st.lists(tags(), max_size=3)),
        _commands("cancel", reason=reason),
        _commands("archive"),
    )


@functools.cache
def facts(currency: str) -> st.SearchStrategy[Step]:
    """Make what gateways, couriers and sweeps report; some of it twice, or in other money."""
    amount = money(currency, least=1, most=2 * 10**6)
    foreign = money(least=1, most=100)
    abandonment = st.lists(texts(), max_size=2)
    return st.one_of(
        _facts("record_payment", reference=references(), amount=amount),
        _facts("record_payment", reference=references(), amount=amount | foreign),
        _facts("record_refund", reference=references(), amount=amount | foreign),
        _facts("record_shipment", tracking=trackings()),
        _facts("record_abandonment", policy=st.just("documented"), reasons=abandonment),
    )


@functools.cache
def recovery_steps() -> st.SearchStrategy[Step]:
    """Make what is found out about an order that was abandoned; of any other it changes nothing."""
    bought = (Recovery.RECOVERED, Recovery.RETURNED, Recovery.SUBSTITUTED)
    outcome = st.sampled_from(bought).map(lambda word: {"outcome": word, "purchase": "2"})
    lost = st.just({"outcome": Recovery.LOST, "purchase": None})
    return st.one_of(
        _commands("record_retraction", reasons=st.lists(texts(), max_size=2)),
        _commands("record_return", step=st.integers(1, 3)),
        (outcome | lost).flatmap(
            lambda told: _facts(
                "record_outcome", **{name: st.just(value) for name, value in told.items()}
            )
        ),
    )


@functools.cache
def steps(currency: str) -> st.SearchStrategy[Step]:
    """Make commands and facts, about as many of both, and some of what follows an abandonment."""
    reported = facts(currency)
    return st.one_of(commands(currency), reported, reported, recovery_steps())


def references() -> st.SearchStrategy[str]:
    """Make references of payments and refunds, from a small pool and any others."""
    return st.sampled_from(REFERENCES) | texts().filter(str.strip)


# Any: of whichever method it is
def _commands(name: str, **arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    actor = st.sampled_from(("merchant", "aina"))
    return _steps(name, {**arguments, "actor": actor}, st.none())


# Any: as above
def _facts(name: str, **arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    required = name in {"record_abandonment", "record_outcome"}
    told = delays() if required else st.none() | delays()
    return _steps(name, arguments, told)


def _steps(
    name: str,
    arguments: dict[str, st.SearchStrategy[Any]],  # Any: as above
    learned_after: st.SearchStrategy[timedelta | None],
) -> st.SearchStrategy[Step]:
    drawn = st.fixed_dictionaries(arguments).map(_told)
    zones = st.just(UTC) | time_zones()
    return st.builds(Step, st.just(name), drawn, delays(), learned_after, zones)


def _told(arguments: dict[str, Any]) -> dict[str, Any]:  # Any: as above
    """Tell a parcel by the arguments that the methods take."""
    parcel = arguments.pop("tracking", None)
    return arguments if parcel is None else arguments | attrs.asdict(parcel)
