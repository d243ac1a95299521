"""Journeys of several touches: which of them count for an order, and how credit is shared.

Shares are exact fractions that sum to one, and money is split to the last sen.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from fractions import Fraction
from typing import TypeAlias

import attrs

from shoppego_orders.attribution.source import Attribution
from shoppego_orders.attribution.table import AttributionTable
from shoppego_orders.attribution.touch import Touch
from shoppego_orders.errors import InvalidValue
from shoppego_orders.money import Money
from shoppego_orders.periods import utc

LOOK_BACK = timedelta(days=30)
"""How long before an order a touch still counts, unless a shop says otherwise."""


@attrs.frozen
class Step:
    """A touch of a journey, and where it came from."""

    touch: Touch
    attribution: Attribution


@attrs.frozen
class IgnoredTouch:
    """A touch that earns nothing, and why.

    :ivar reason: ``after-order``, ``too-old``, ``before-previous-order``, or the attribution's
        own (``own-shop``, ``payment``, ``login``).
    """

    touch: Touch
    reason: str


@attrs.frozen
class Credit:
    """One touch's share of an order.

    :ivar at: when the touch was; None where the order has none, and is credited to ``direct``.
    """

    attribution: Attribution
    at: datetime | None
    share: Fraction


@attrs.frozen
class Journey:
    """The touches that led to one order, oldest first.

    :ivar steps: those that count.
    :ivar ignored: those that don't, oldest first.
    :ivar globe: what the order came from where no touch counts.
    """

    ordered_at: datetime
    steps: tuple[Step, ...]
    ignored: tuple[IgnoredTouch, ...]
    globe: Attribution

    @classmethod
    def of(
        cls,
        touches: Iterable[Touch],
        table: AttributionTable,
        *,
        ordered_at: datetime,
        look_back: timedelta = LOOK_BACK,
        previous_order_at: datetime | None = None,
    ) -> Journey:
        """Classify touches, and keep those that count for an order.

        :param touches: of one customer in one shop, in any order.
        :param ordered_at: when the order was placed; a touch at this moment still counts.
        :param look_back: a touch exactly this long before the order still counts.
        :param previous_order_at: the customer's order before this one, in the same shop: what
            came until then has had its credit.
        :raises NaiveDatetime: where a time has no zone.
        :raises InvalidValue: where ``look_back`` is negative.
        """
        ordered_at = utc(ordered_at, "ordered_at")
        if previous_order_at is not None:
            previous_order_at = utc(previous_order_at, "previous_order_at")
        if look_back < timedelta(0):
            raise InvalidValue("look_back", look_back, "a length of time that is not negative")
        steps: list[Step] = []
        ignored: list[IgnoredTouch] = []
        for touch in sorted(touches, key=lambda touch: touch.at):
            attribution = table.classify(touch)
            age = ordered_at - touch.at
            if age < timedelta(0):
                reason: str | None = "after-order"
            elif age > look_back:
                reason = "too-old"
            elif previous_order_at is not None and touch.at <= previous_order_at:
                reason = "before-previous-order"
            else:
                reason = attribution.ignored
            if reason is None:
                steps.append(Step(touch, attribution))
            else:
                ignored.append(IgnoredTouch(touch, reason))
        globe = table.classify(Touch("", None, ordered_at))
        return cls(ordered_at, tuple(steps), tuple(ignored), globe)

    @property
    def first(self) -> Step | None:
        """The oldest touch that counts."""
        return self.steps[0] if self.steps else None

    @property
    def last(self) -> Step | None:
        """The newest touch that counts."""
        return self.steps[-1] if self.steps else None

    @property
    def attribution(self) -> Attribution:
        """What the Orders page shows: the last touch that is not direct, else the globe."""
        return self.steps[_last_non_direct(self)].attribution if self.steps else self.globe

    @property
    def days_to_conversion(self) -> int | None:
        """Whole days (24 hours each) from the first touch to the order; None without touches."""
        return (self.ordered_at - self.steps[0].touch.at).days if self.steps else None

    def credits(self, model: Model) -> tuple[Credit, ...]:
        """Share the order among its touches; the shares sum to one.

        :param model: such as :func:`linear`, or a caller's own.
        :returns: one for each step, in order; where there is none, the globe with all of it.
        :raises InvalidValue: where the model's weights are not one for each step, or can't be
            shared out.
        """
        if not self.steps:
            return (Credit(self.globe, None, Fraction(1)),)
        weights = model(self)
        total = sum(weights, Fraction(0))
        if len(weights) != len(self.steps) or total <= 0 or min(weights) < 0:
            raise InvalidValue("weights", weights, "one for each step, none negative, not all 0")
        return tuple(
            Credit(step.attribution, step.touch.at, weight / total)
            for step, weight in zip(self.steps, weights, strict=True)
        )

    def split(self, money: Money, model: Model) -> tuple[tuple[Credit, Money], ...]:
        """Share an amount among the touches by largest remainder; the parts sum to it exactly."""
        shared = self.credits(model)
        parts = money.allocate([credit.share for credit in shared])
        return tuple(zip(shared, parts, strict=True))


Model: TypeAlias = Callable[[Journey], tuple[Fraction, ...]]
"""Gives each step of a journey its weight; only their proportions matter."""


def first_touch(journey: Journey) -> tuple[Fraction, ...]:
    """All credit to the oldest touch."""
    return _only(0, journey)


def last_touch(journey: Journey) -> tuple[Fraction, ...]:
    """All credit to the newest touch, direct or not."""
    return _only(len(journey.steps) - 1, journey)


def last_non_direct(journey: Journey) -> tuple[Fraction, ...]:
    """All credit to the newest touch that is not direct; the newest where all are."""
    return _only(_last_non_direct(journey), journey)


def linear(journey: Journey) -> tuple[Fraction, ...]:
    """The same credit to every touch."""
    return (Fraction(1),) * len(journey.steps)


def position_based(first: Fraction = Fraction(2, 5), last: Fraction = Fraction(2, 5)) -> Model:
    """Most credit to the ends, the rest evenly to what lies between (40/20/40 by default).

    Two touches share in the proportion of ``first`` to ``last``.

    :raises InvalidValue: where the two are negative, both zero, or exceed one together.
    """
    if min(first, last) < 0 or not 0 < first + last <= 1:
        expected = "two shares, neither below 0, together above 0 and at most 1"
        raise InvalidValue("first + last", first + last, expected)

    def weights(journey: Journey) -> tuple[Fraction, ...]:
        between = len(journey.steps) - 2
        if between < 0:
            return (Fraction(1),)
        if between == 0:
            return (Fraction(first), Fraction(last))
        middle = (1 - Fraction(first) - Fraction(last)) / between
        return (Fraction(first), *(middle,) * between, Fraction(last))

    return weights


def time_decay(half_life: timedelta = timedelta(days=7)) -> Model:
    """A touch counts half as much as one that is younger by a half-life.

    Powers of two are rounded to thirty decimals, the same on every machine; a touch so old that
    nothing is left of it gets nothing.

    :raises InvalidValue: where ``half_life`` is not above zero.
    """
    if half_life <= timedelta(0):
        raise InvalidValue("half_life", half_life, "a length of time above zero")

    def weights(journey: Journey) -> tuple[Fraction, ...]:
        newest = journey.steps[-1].touch.at
        return tuple(_decayed(newest - step.touch.at, half_life) for step in journey.steps)

    return weights


def _decayed(age: timedelta, half_life: timedelta) -> Fraction:
    tick = timedelta(microseconds=1)
    if age // half_life >= 100:  # 2 ** -100 is below the thirtieth decimal
        return Fraction(0)
    halves = _EXACT.divide(decimal.Decimal(age // tick), decimal.Decimal(half_life // tick))
    weight = _EXACT.power(decimal.Decimal(2), -halves)
    return Fraction(weight.quantize(decimal.Decimal("1e-30"), context=_EXACT))


def _only(index: int, journey: Journey) -> tuple[Fraction, ...]:
    return tuple(Fraction(int(position == index)) for position in range(len(journey.steps)))


def _last_non_direct(journey: Journey) -> int:
    last = len(journey.steps) - 1
    for index in range(last, -1, -1):
        if journey.steps[index].attribution.source != "direct":
            return index
    return last


_EXACT = decimal.Context(prec=50)
