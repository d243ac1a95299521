"""When customers are reminded: how soon, at which hours, how often, and until when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import cast

import attrs

from shoppego_orders.errors import InvalidValue
from shoppego_orders.periods import SHOP_TIME_ZONE, in_zone, time_zone, utc

QuietHours = tuple[time, time]
"""From a time of day up to, and not including, another; over midnight where it is earlier."""


def _steps(steps: Iterable[timedelta]) -> tuple[timedelta, ...]:
    return tuple(steps)


def _hours(hours: Iterable[time] | None) -> QuietHours | None:
    return None if hours is None else cast("QuietHours", tuple(hours))


@attrs.frozen(kw_only=True)
class RecoveryPlan:
    """When to remind, and when to give an abandoned checkout up.

    :ivar steps: elapsed time after ``abandoned_at``, ascending. Only the last step that is due
        is sent: after a standstill nobody gets several mails at once.
    :ivar quiet_hours: while the zone's clocks show a time within these, nothing is sent:
        ``(time(22), time(8))`` is from ten in the evening until, and not at, eight in the
        morning. None: any hour will do.
    :ivar tz: the IANA name of the zone whose clocks count.
    :ivar cooldown: elapsed time for which a customer who was reminded is left in peace, whichever
        order it was about; zero for none.
    :ivar maximum_age: orders whose checkout began longer ago are left in peace.
    :ivar lost_after: elapsed time after ``abandoned_at`` after which the checkout is lost.
    :raises InvalidValue: for no steps, or steps that don't ascend from above zero; for a maximum
        age, or a time after which it is lost, that the last step does not lie within; for a
        cooldown below zero; for quiet hours that are not two different times without a zone.
    :raises UnknownTimeZone: when IANA lists no such zone.
    """

    steps: tuple[timedelta, ...] = attrs.field(
        default=(timedelta(hours=1), timedelta(hours=24), timedelta(hours=72)), converter=_steps
    )
    quiet_hours: QuietHours | None = attrs.field(default=None, converter=_hours)
    tz: str = SHOP_TIME_ZONE
    cooldown: timedelta = timedelta(hours=12)
    maximum_age: timedelta = timedelta(days=7)
    lost_after: timedelta = timedelta(days=14)

    def __attrs_post_init__(self) -> None:
        ascending = all(a < b for a, b in pairwise((timedelta(0), *self.steps)))
        if not self.steps or not ascending:
            raise InvalidValue(
                "steps", self.steps, "one or more lengths of time, ascending, above zero"
            )
        beyond = f"more than the last step, which is {self.steps[-1]}"
        if self.maximum_age <= self.steps[-1]:
            raise InvalidValue("maximum_age", self.maximum_age, beyond)
        if self.lost_after <= self.steps[-1]:
            raise InvalidValue("lost_after", self.lost_after, beyond)
        if self.cooldown < timedelta(0):
            raise InvalidValue("cooldown", self.cooldown, "a length of time of zero or more")
        if self.quiet_hours is not None:
            _check_hours(self.quiet_hours)
        time_zone(self.tz)

    def step(self, abandoned_at: datetime, now: datetime) -> int:
        """The last step that is due, counted from 1; 0 before the first.

        :param abandoned_at: aware, as is ``now``.
        :raises NaiveDatetime: for a time without a zone.
        """
        passed = utc(now, "now") - utc(abandoned_at, "abandoned_at")
        return sum(passed >= after for after in self.steps)

    def is_quiet(self, now: datetime) -> bool:
        """Tell whether nothing is to be sent at this hour.

        The zone's clocks decide, also in a night in which they are put forward or back.

        :param now: aware.
        :raises NaiveDatetime: for a time without a zone.
        """
        now = utc(now, "now")
        if self.quiet_hours is None:
            return False
        start, end = self.quiet_hours
        clock = in_zone(now, time_zone(self.tz)).time()
        if start < end:
            return start <= clock < end
        return clock >= start or clock < end


def _check_hours(hours: tuple[object, ...]) -> None:
    times = [each for each in hours if isinstance(each, time) and each.tzinfo is None]
    if len(hours) != 2 or len(set(times)) != 2:
        expected = "two different times of day without a zone, such as (time(22), time(8))"
        raise InvalidValue("quiet_hours", hours, expected)
