"""Was it abandoned? A window of time, a rule over it, and a verdict that explains itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

import attrs

from shoppego_orders.abandonment.rules import (
    Context,
    Finding,
    NoOtherPurchase,
    OrderLike,
    Purchase,
    Rule,
    Unfulfilled,
    shown,
)
from shoppego_orders.errors import InvalidValue
from shoppego_orders.order import Life
from shoppego_orders.periods import Period, utc
from shoppego_orders.texts import storable

LONGEST_WINDOW: Final = timedelta(days=366)
"""More than this is taken for a mistake."""


class VerdictStatus(StrEnum):
    """What a policy answers about an order."""

    NOT_DUE = "not_due"
    """Its deadline has not passed; there is no answer yet."""
    ABANDONED = "abandoned"
    KEPT = "kept"


@attrs.frozen(kw_only=True)
class Verdict:
    """A policy's answer about one order, as of a moment.

    Once the deadline has passed, the same facts give the same verdict for ever.

    :ivar order_id: of the order that was judged.
    :ivar policy: name of the policy that gave it.
    :ivar period: from the moment at which the checkout began up to its deadline, half-open.
    :ivar status: the answer.
    :ivar finding: every rule that was asked, and what it saw.
    """

    order_id: str
    policy: str
    period: Period
    status: VerdictStatus
    finding: Finding

    @property
    def due(self) -> datetime:
        """The deadline, UTC: what happens at this very instant comes too late for it."""
        return self.period.end

    @property
    def abandoned_at(self) -> datetime | None:
        """The deadline, if the order was abandoned at it."""
        return self.due if self.status is VerdictStatus.ABANDONED else None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, in sentences: those that decided."""
        return self.finding.reasons

    def explain(self) -> str:
        """The whole verdict for a person: several lines of text, times in UTC."""
        answer = {
            VerdictStatus.NOT_DUE: f"not due until {shown(self.due)}",
            VerdictStatus.ABANDONED: f"abandoned at {shown(self.due)}",
            VerdictStatus.KEPT: "kept",
        }[self.status]
        began, due = shown(self.period.start), shown(self.due)
        judged = f"It began at {began}, with its deadline at {due} (policy {self.policy})."
        return "\n".join((f"Order {self.order_id}: {answer}", judged, *_outline(self.finding)))


@attrs.frozen(kw_only=True)
class AbandonmentPolicy:
    """When an order counts as abandoned; ``AbandonmentPolicy()`` is the documented rule.

    That is (Shoppego, Orders page, FAQ 2): the order has remained unfulfilled for 60 minutes, and
    the customer has made no other purchase on that website during this period. The period is
    elapsed time from the moment at which the checkout began, half-open: paid at exactly 60
    minutes is a recovery.

    :ivar window: from the beginning of the checkout to its deadline, elapsed time; above zero
        and at most 366 days.
    :ivar rule: what must hold over that period.
    :ivar name: goes into the history of the orders that it finds abandoned.
    :raises InvalidValue: for another window, something that is no rule, or an empty name.
    """

    window: timedelta = timedelta(minutes=60)
    rule: Rule = Unfulfilled() & NoOtherPurchase()
    name: str = attrs.field(default="checkout-abandoned", converter=storable)

    def __attrs_post_init__(self) -> None:
        if not (
            isinstance(self.window, timedelta)  # pyright: ignore[reportUnnecessaryIsInstance]  # untyped callers
            and timedelta(0) < self.window <= LONGEST_WINDOW
        ):
            raise InvalidValue(
                "window",
                self.window,
                f"a timedelta above zero, of at most {LONGEST_WINDOW.days} days",
            )
        if not isinstance(self.rule, Rule):  # pyright: ignore[reportUnnecessaryIsInstance]  # untyped callers
            raise InvalidValue("rule", self.rule, "a Rule, such as Unfulfilled()")
        if not self.name.strip():
            raise InvalidValue("name", self.name, "a name that is not empty")

    def due(self, order: OrderLike) -> datetime:
        """An order's deadline, UTC.

        :raises InvalidValue: when it lies beyond the year 9999.
        """
        began = utc(order.placed_at, "placed_at")
        if began > _LAST - self.window:
            raise InvalidValue("placed_at", began, "a moment whose deadline the calendar holds")
        return began + self.window

    def judge(self, order: OrderLike, purchases: Iterable[Purchase], as_of: datetime) -> Verdict:
        """Judge one order.

        A draft is kept: the merchant enters it by hand, so no customer can leave it.

        :param order: the order, or its row; both give the same verdict.
        :param purchases: orders among which the customer's other purchases are, if there are
            any: orders or rows of any customers and shops, in any order. What is not a purchase
            of the same customer in the same shop within the period does not count, nor does the
            order itself.
        :param as_of: the moment at which it is asked, aware.
        :raises NaiveDatetime: for a moment without a zone.
        :raises InvalidValue: for an order whose deadline lies beyond the year 9999.
        """
        period = Period(order.placed_at, self.due(order))
        if utc(as_of, "as_of") < period.end:
            status = VerdictStatus.NOT_DUE
            finding = Finding(False, f"It is not due until {shown(period.end)}.")
        elif order.life is Life.DRAFT:
            status = VerdictStatus.KEPT
            finding = Finding(False, "It is a draft, which no customer can leave.")
        else:
            context = Context(period, _others(order, purchases, period))
            finding = self.rule.check(order, context)
            status = VerdictStatus.ABANDONED if finding.holds else VerdictStatus.KEPT
        return Verdict(
            order_id=order.id, policy=self.name, period=period, status=status, finding=finding
        )


_LAST: Final = datetime.max.replace(tzinfo=UTC)


def _others(
    order: OrderLike, purchases: Iterable[Purchase], period: Period
) -> tuple[Purchase, ...]:
    """The customer's other purchases in the shop within the period, oldest first."""
    if order.customer_key is None:
        return ()
    found = [
        (purchase.completed_at, purchase.id, purchase)
        for purchase in purchases
        if purchase.completed_at is not None
        and purchase.customer_key == order.customer_key
        and purchase.shop == order.shop
        and purchase.id != order.id
        and purchase.completed_at in period
    ]
    return tuple(purchase for _, _, purchase in sorted(found, key=lambda each: each[:2]))


def _outline(finding: Finding, depth: int = 0) -> Iterable[str]:
    yield f"{'  ' * depth}{'yes' if finding.holds else 'no'}: {finding.why}"
    for part in finding.parts:
        yield from _outline(part, depth + 1)
