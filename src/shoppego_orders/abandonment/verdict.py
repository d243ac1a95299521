"""What a policy answers about an order, and why: for programs, for people, for notebooks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

import attrs

from shoppego_orders.abandonment.rule import Context, Finding, OrderLike, Rule
from shoppego_orders.periods import Period, instant_text
from shoppego_orders.texts import one_line


class VerdictStatus(StrEnum):
    """What a policy answers about an order."""

    NOT_DUE = "not_due"
    """Its deadline has not passed; there is no answer yet."""
    ABANDONED = "abandoned"
    KEPT = "kept"


@attrs.define(eq=False, repr=False)  # made in a third of the time that a frozen one takes
class Verdict:
    """A policy's answer about one order, as of a moment.

    Once the deadline has passed, the same facts give the same verdict for ever. Why is found out
    when it is asked for, from what was looked at; two verdicts that say the same are equal. None
    can be changed.
    """

    _policy: str
    _status: VerdictStatus
    _order: OrderLike
    _context: Context
    _found: Rule | Finding

    @property
    def order_id(self) -> str:
        """The id of the order that was judged."""
        return self._order.id

    @property
    def policy(self) -> str:
        """The id of the policy that gave it: its name and fingerprint."""
        return self._policy

    @property
    def began(self) -> datetime:
        """When the checkout began, UTC."""
        return self._context.began

    @property
    def due(self) -> datetime:
        """The deadline, UTC: what happens at this very instant comes too late for it."""
        return self._context.due

    @property
    def status(self) -> VerdictStatus:
        """The answer."""
        return self._status

    @property
    def finding(self) -> Finding:
        """Every rule that was asked, what it wanted, and what it saw."""
        if isinstance(self._found, Finding):
            return self._found
        return self._found.check(self._order, self._context)

    @property
    def period(self) -> Period:
        """From the moment at which the checkout began up to its deadline, half-open."""
        return Period(self.began, self.due)

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
        return "\n".join((*heading_of(self), *_outline(self.finding)))

    def _repr_html_(self) -> str:
        """The verdict as a notebook shows it: a tree of what was asked; what decided is bold."""
        from shoppego_orders.abandonment.view import verdict_html

        return verdict_html(self)

    def __repr__(self) -> str:
        heading, judged = heading_of(self)
        return f"<Verdict: {heading}. {judged}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Verdict):
            return NotImplemented
        return self._told() == other._told() and self.finding == other.finding

    def __hash__(self) -> int:
        return hash(self._told())

    def _told(self) -> tuple[object, ...]:
        return self.order_id, self.policy, self.began, self.due, self.status


def heading_of(verdict: Verdict) -> tuple[str, str]:
    """Tell the answer, and what it is an answer to: two lines."""
    began, due = instant_text(verdict.began), instant_text(verdict.due)
    answer = {
        VerdictStatus.NOT_DUE: f"not due until {due}",
        VerdictStatus.ABANDONED: f"abandoned at {due}",
        VerdictStatus.KEPT: "kept",
    }[verdict.status]
    judged = f"It began at {began}, with its deadline at {due} (policy {verdict.policy})."
    return f"Order {one_line(verdict.order_id)}: {answer}", judged


def _outline(finding: Finding, depth: int = 0) -> Iterator[str]:
    yield f"{'  ' * depth}{line_of(finding)}"
    for part in finding.parts:
        yield from _outline(part, depth + 1)


def line_of(finding: Finding) -> str:
    """Tell on one line what a rule found."""
    line = f"{'yes' if finding.holds else 'no'}: {finding.saw}"
    if not (finding.holds or finding.parts or finding.saw.endswith(finding.wanted)):
        line += f" (Asked for: {finding.wanted})"
    # What a customer or a merchant typed stays on its line.
    return one_line(line)
