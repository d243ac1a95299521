"""What a rule of abandonment is: a small predicate over a closed stretch of time that says why.

A rule is a frozen value. It answers ``holds(order, context)``, has a sentence for what it asks
(``wants``), and may say what it saw; rules are joined by ``&``, ``|`` and ``~``. A host's own
takes five lines, and works in a sweep, in a notebook and wherever rows come from::

    @attrs.frozen
    class Weekend(Rule):
        wants = "It began on a Saturday or a Sunday."
        def holds(self, order: OrderLike, context: Context) -> bool:
            return order.placed_at.weekday() >= 5

It reads only what an order and its row both carry, and the context; it reads no clock. Those that
ship are in :mod:`shoppego_orders.abandonment.rules`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Final, NamedTuple, Protocol, final

import attrs

from shoppego_orders.errors import InvalidValue
from shoppego_orders.order import Order, OrderRow
from shoppego_orders.periods import Period

OrderLike = Order | OrderRow
"""An order, or its row: a rule reads only what both carry, and type checkers see to it."""

EVERY_FIELD: Final = frozenset(OrderRow._fields)
"""What a rule may read that does not say it."""


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

    @property
    def products(self) -> tuple[str, ...]:
        """The names of the products bought."""
        ...


class Context(NamedTuple):
    """What a rule knows besides the order.

    :ivar began: when the checkout began, UTC.
    :ivar due: its deadline, UTC: what happens at this very instant comes too late for it.
    :ivar purchases: the customer's *other* purchases in the same shop from ``began`` up to, and
        not including, ``due``; oldest first.
    :ivar earlier: those before ``began``, as far back as the policy's rules look; oldest first.
    """

    began: datetime
    due: datetime
    purchases: Sequence[Purchase] = ()
    earlier: Sequence[Purchase] = ()

    @property
    def period(self) -> Period:
        """From the beginning up to the deadline, half-open."""
        return Period(self.began, self.due)


class Occurrence(NamedTuple):
    """What happened to an order, and when: the thing that decided."""

    what: str
    order_id: str
    at: datetime


@attrs.frozen
class Finding:
    """What a rule found.

    :ivar rule: its name.
    :ivar holds: whether the order is as the rule asks.
    :ivar wanted: what it asks for, as a sentence.
    :ivar saw: what it saw, as a sentence; true whether or not the rule holds.
    :ivar decided_by: what happened that decided, where something did.
    :ivar parts: what the rules that this one is made of found.
    """

    rule: str
    holds: bool
    wanted: str
    saw: str
    decided_by: Occurrence | None = None
    parts: tuple[Finding, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sentences that decided, each once: of the rules that are not made of others."""
        return tuple(dict.fromkeys(part.saw for part in self.decisive()))

    def decisive(self) -> Iterator[Finding]:
        """Yield the findings that decided: of the rules that are not made of others."""
        if not self.parts:
            yield self
        # What agrees with the answer decided it; where nothing does, the answer was turned round.
        agreeing = [part for part in self.parts if part.holds is self.holds]
        for part in agreeing or self.parts:
            yield from part.decisive()


class Rule(ABC):
    """A predicate over an order and its context; see the module's text for a rule of your own.

    :cvar wants: what it asks for, as a sentence.
    """

    __slots__ = ()

    wants: ClassVar[str] = ""

    @abstractmethod
    def holds(self, order: OrderLike, context: Context) -> bool:
        """Tell whether the order is as this rule asks."""

    def holds_regardless(self, order: OrderLike, due: datetime) -> bool | None:  # noqa: ARG002  # for rules that look at the order alone
        """Whether it holds, whatever else the customer bought; None where that may matter.

        A rule that says it here need not be asked with its context: a stream that looks for the
        abandoned drops at once an order that can be none.

        :param due: the order's deadline, UTC.
        """
        return None

    def wanted(self) -> str:
        """What it asks for, where that depends on its fields; else :attr:`wants`."""
        return self.wants

    def saw(self, order: OrderLike, context: Context) -> str:
        """What there was to see, as a sentence; unless told, whether it is as the rule asks."""
        return self.wanted() if self.holds(order, context) else f"Not so: {self.wanted()}"

    def decided_by(self, order: OrderLike, context: Context) -> Occurrence | None:  # noqa: ARG002  # for rules that look at what happened
        """What happened that decided, if something did."""
        return None

    def reads_edits(self) -> bool:
        """Whether it reads what can be edited after the order was placed: lines, tags, addresses.

        Then a sweep that comes late asks it about the order as it was at its deadline; a rule
        that says False spares the sweep that.
        """
        return True

    def reads(self) -> frozenset[str]:
        """Which fields of the order it reads, besides those that every verdict needs.

        A data frame needs no other columns; unless told, it needs all of them.
        """
        return EVERY_FIELD

    def prevented_by(self) -> frozenset[str]:
        """Which instants of the order prevent it: where one is before the deadline, it fails.

        By these a data frame is narrowed, column by column, before any row is looked at.
        """
        return frozenset()

    def looks_back(self) -> timedelta:
        """How far before the checkout it asks for purchases; unless told, not at all."""
        return timedelta(0)

    def check(self, order: OrderLike, context: Context) -> Finding:
        """Look at an order, and say all that was found."""
        return Finding(
            type(self).__name__,
            self.holds(order, context),
            self.wanted(),
            self.saw(order, context),
            self.decided_by(order, context),
        )

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


class _Joined(Rule):
    """Several rules, asked together."""

    __slots__ = ()

    @abstractmethod
    def parts(self) -> tuple[Rule, ...]:
        """The rules that this one is made of."""

    def reads_edits(self) -> bool:
        """Whether one of the rules does."""
        return any(rule.reads_edits() for rule in self.parts())

    def reads(self) -> frozenset[str]:
        """What any of them reads."""
        return frozenset[str]().union(*(rule.reads() for rule in self.parts()))

    def looks_back(self) -> timedelta:
        """As far as the one that looks back furthest."""
        return max(rule.looks_back() for rule in self.parts())

    def _found(self, order: OrderLike, context: Context) -> tuple[Finding, ...]:
        return tuple(rule.check(order, context) for rule in self.parts())


@final
@attrs.frozen
class AllOf(_Joined):
    """Every one of several rules holds; written ``a & b``."""

    wants = "All of these hold."

    rules: tuple[Rule, ...] = attrs.field(converter=_checked)

    def parts(self) -> tuple[Rule, ...]:
        """The rules that are joined."""
        return self.rules

    def prevented_by(self) -> frozenset[str]:
        """One that fails is enough."""
        return frozenset[str]().union(*(rule.prevented_by() for rule in self.rules))

    def holds(self, order: OrderLike, context: Context) -> bool:
        """Ask until one does not hold."""
        for rule in self.rules:  # noqa: SIM110  # all() is half as fast, a million times over
            if not rule.holds(order, context):
                return False
        return True

    def holds_regardless(self, order: OrderLike, due: datetime) -> bool | None:
        """One that fails is enough."""
        all_hold: bool | None = True
        for rule in self.rules:
            holds = rule.holds_regardless(order, due)
            if holds is False:
                return False
            if holds is None:
                all_hold = None
        return all_hold

    def check(self, order: OrderLike, context: Context) -> Finding:
        """Ask every rule, also after one that does not hold: the answer shows them all."""
        parts = self._found(order, context)
        failed = sum(not part.holds for part in parts)
        saw = f"{failed} of {len(parts)} conditions fail." if failed else "All conditions hold."
        return Finding("AllOf", not failed, self.wants, saw, None, parts)


@final
@attrs.frozen
class AnyOf(_Joined):
    """At least one of several rules holds; written ``a | b``."""

    wants = "One of these holds."

    rules: tuple[Rule, ...] = attrs.field(converter=_checked)

    def parts(self) -> tuple[Rule, ...]:
        """The rules that are joined."""
        return self.rules

    def prevented_by(self) -> frozenset[str]:
        """What makes each of them fail."""
        first, *others = (rule.prevented_by() for rule in self.rules)
        return first.intersection(*others)

    def holds(self, order: OrderLike, context: Context) -> bool:
        """Ask until one holds."""
        return any(rule.holds(order, context) for rule in self.rules)

    def holds_regardless(self, order: OrderLike, due: datetime) -> bool | None:
        """One that holds is enough."""
        one_holds: bool | None = False
        for rule in self.rules:
            holds = rule.holds_regardless(order, due)
            if holds is True:
                return True
            if holds is None:
                one_holds = None
        return one_holds

    def check(self, order: OrderLike, context: Context) -> Finding:
        """Ask every rule, also after one that holds: the answer shows them all."""
        parts = self._found(order, context)
        held = sum(part.holds for part in parts)
        saw = f"{held} of {len(parts)} conditions hold." if held else "No condition holds."
        return Finding("AnyOf", held > 0, self.wants, saw, None, parts)


@final
@attrs.frozen
class Not(_Joined):
    """A rule does not hold; written ``~a``."""

    wants = "This does not hold."

    rule: Rule

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.rule, Rule):  # pyright: ignore[reportUnnecessaryIsInstance]  # untyped callers
            raise InvalidValue("rule", self.rule, "a rule")

    def parts(self) -> tuple[Rule, ...]:
        """The rule that is turned round."""
        return (self.rule,)

    def holds(self, order: OrderLike, context: Context) -> bool:
        """Turn the answer round."""
        return not self.rule.holds(order, context)

    def holds_regardless(self, order: OrderLike, due: datetime) -> bool | None:
        """Turn the answer round, if there is one."""
        holds = self.rule.holds_regardless(order, due)
        return None if holds is None else not holds

    def check(self, order: OrderLike, context: Context) -> Finding:
        """Turn the answer round, and show it."""
        parts = self._found(order, context)
        return Finding(
            "Not", not parts[0].holds, self.wants, "The contrary is asked for.", None, parts
        )


def _operands(kind: type[AllOf | AnyOf], rule: Rule) -> tuple[Rule, ...]:
    return rule.rules if isinstance(rule, kind) else (rule,)
