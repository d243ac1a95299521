"""Rules of abandonment: small predicates over a closed stretch of time, each of which says why.

A rule is a frozen value. It is asked about one order and its context, and answers with a
:class:`Finding`; rules are joined by ``&``, ``|`` and ``~``. A host's own takes five lines::

    @attrs.frozen
    class TotalAtLeast(Rule):
        least: Money

        def check(self, order: OrderLike, context: Context) -> Finding:
            return Finding(order.total >= self.least, f"The total is {order.total}.")

A rule that looks at what has a time (``completed_at``, ``cancelled_at`` ...) and compares it with
``context.period`` gives the same answer whenever it is asked. One that reads what can be edited
later (tags, the total) answers as of the moment at which it is asked.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Protocol, final

import attrs

from shoppego_orders.errors import InvalidValue
from shoppego_orders.order import Order, OrderRow
from shoppego_orders.periods import Period, utc

OrderLike = Order | OrderRow
"""An order, or its row: a rule reads only what both carry, and type checkers see to it."""


class Purchase(Protocol):
    """What must be known of another order to tell whether it was a purchase.

    Every ``Order`` and every ``OrderRow`` is one; a host may give less.
    """

    @property
    def id(self) -> str:
        """The other order's id."""
        ...

    @property
    def shop(self) -> str:
        """The shop's domain."""
        ...

    @property
    def customer_key(self) -> str | None:
        """Who bought; None for nobody known."""
        ...

    @property
    def completed_at(self) -> datetime | None:
        """When it was paid or confirmed; None: it is no purchase."""
        ...


@attrs.frozen
class Context:
    """What a rule knows besides the order.

    :ivar period: from the moment at which the checkout began up to, and not including, its
        deadline.
    :ivar purchases: the customer's *other* purchases in the same shop within the period, oldest
        first.
    """

    period: Period
    purchases: Sequence[Purchase] = ()


@attrs.frozen
class Finding:
    """What a rule found.

    :ivar holds: whether the order is as the rule asks.
    :ivar why: what was seen, as a sentence; true whether or not the rule holds.
    :ivar parts: what the rules that this one is made of found.
    """

    holds: bool
    why: str
    parts: tuple[Finding, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sentences that decided, each once: of the rules that are not made of others."""
        return tuple(dict.fromkeys(_decisive(self)))


class Rule(ABC):
    """A predicate over an order and its context; see the module's text for a rule of your own."""

    __slots__ = ()

    @abstractmethod
    def check(self, order: OrderLike, context: Context) -> Finding:
        """Look at an order, and say what was found."""

    def holds(self, order: OrderLike, context: Context) -> bool:
        """Tell whether the order is as this rule asks."""
        return self.check(order, context).holds

    def __and__(self, other: Rule) -> Rule:
        if not isinstance(other, Rule):  # pyright: ignore[reportUnnecessaryIsInstance]  # untyped callers
            return NotImplemented
        return AllOf((*_operands(AllOf, self), *_operands(AllOf, other)))

    def __or__(self, other: Rule) -> Rule:
        if not isinstance(other, Rule):  # pyright: ignore[reportUnnecessaryIsInstance]  # untyped callers
            return NotImplemented
        return AnyOf((*_operands(AnyOf, self), *_operands(AnyOf, other)))

    def __invert__(self) -> Rule:
        return self.rule if isinstance(self, Not) else Not(self)


def _checked(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    checked = tuple(rules)
    if not checked or not all(isinstance(rule, Rule) for rule in checked):  # pyright: ignore[reportUnnecessaryIsInstance]  # untyped callers
        raise InvalidValue("rules", checked, "at least one rule, and nothing but rules")
    return checked


@final
@attrs.frozen
class Unfulfilled(Rule):
    """Before the deadline the checkout was neither completed, nor taken up, nor cancelled.

    Completed is paid, or confirmed in another way (cash on delivery, bank transfer); taken up is
    a fulfillment status that the merchant set, or a draft that the merchant entered (Shoppego,
    Orders page, FAQ 2: "the order has remained unfulfilled").
    """

    def check(self, order: OrderLike, context: Context) -> Finding:
        """Compare the three instants with the deadline."""
        happened = [
            f"{what} at {shown(at)}"
            for what, at in (
                ("completed", order.completed_at),
                ("taken up by the merchant", order.taken_up_at),
                ("cancelled", order.cancelled_at),
            )
            if at is not None and utc(at, what) < context.period.end
        ]
        if happened:
            return Finding(False, f"Before its deadline it was {' and '.join(happened)}.")
        return Finding(
            True, "Before its deadline it was neither completed, nor taken up, nor cancelled."
        )


@final
@attrs.frozen
class NoOtherPurchase(Rule):
    """The customer made no other purchase in this shop before the deadline.

    An order of nobody known has no other purchases (Shoppego, Orders page, FAQ 2: "the customer
    has made no other purchase on that website during this period").
    """

    def check(self, order: OrderLike, context: Context) -> Finding:
        """Look for the first other purchase within the period."""
        for purchase in context.purchases:
            if purchase.completed_at is not None:
                at = shown(purchase.completed_at)
                return Finding(False, f"The customer bought order {purchase.id} at {at}.")
        if order.customer_key is None:
            return Finding(True, "Nobody knows the customer, so no other purchase is theirs.")
        return Finding(True, "The customer made no other purchase in this shop meanwhile.")


@final
@attrs.frozen
class AllOf(Rule):
    """Every one of several rules holds; written ``a & b``."""

    rules: tuple[Rule, ...] = attrs.field(converter=_checked)

    def check(self, order: OrderLike, context: Context) -> Finding:
        """Ask every rule, also after one that does not hold: the answer shows them all."""
        parts = tuple(rule.check(order, context) for rule in self.rules)
        failed = sum(not part.holds for part in parts)
        why = f"{failed} of {len(parts)} conditions fail." if failed else "All conditions hold."
        return Finding(not failed, why, parts)


@final
@attrs.frozen
class AnyOf(Rule):
    """At least one of several rules holds; written ``a | b``."""

    rules: tuple[Rule, ...] = attrs.field(converter=_checked)

    def check(self, order: OrderLike, context: Context) -> Finding:
        """Ask every rule, also after one that holds: the answer shows them all."""
        parts = tuple(rule.check(order, context) for rule in self.rules)
        held = sum(part.holds for part in parts)
        why = f"{held} of {len(parts)} conditions hold." if held else "No condition holds."
        return Finding(held > 0, why, parts)


@final
@attrs.frozen
class Not(Rule):
    """A rule does not hold; written ``~a``."""

    rule: Rule

    def __attrs_post_init__(self) -> None:
        _checked((self.rule,))

    def check(self, order: OrderLike, context: Context) -> Finding:
        """Turn the answer round."""
        part = self.rule.check(order, context)
        return Finding(not part.holds, "The contrary is asked for.", (part,))


def shown(at: datetime) -> str:
    """An instant as people read it, to the microsecond where it has any: UTC."""
    return utc(at, "at").isoformat(" ").replace("+00:00", " UTC")


def _operands(kind: type[AllOf | AnyOf], rule: Rule) -> tuple[Rule, ...]:
    return rule.rules if isinstance(rule, kind) else (rule,)


def _decisive(finding: Finding) -> Iterator[str]:
    if not finding.parts:
        yield finding.why
    # What agrees with the answer decided it; where nothing does, the answer was turned round.
    agreeing = [part for part in finding.parts if part.holds is finding.holds]
    for part in agreeing or finding.parts:
        yield from _decisive(part)
