"""What a policy answers about an order, and why: for programs, for people, for notebooks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from html import escape

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
        return "\n".join((*self._heading(), *_outline(self.finding)))

    def _heading(self) -> tuple[str, str]:
        answer = {
            VerdictStatus.NOT_DUE: f"not due until {instant_text(self.due)}",
            VerdictStatus.ABANDONED: f"abandoned at {instant_text(self.due)}",
            VerdictStatus.KEPT: "kept",
        }[self.status]
        began, due = instant_text(self.began), instant_text(self.due)
        judged = f"It began at {began}, with its deadline at {due} (policy {self.policy})."
        return f"Order {one_line(self.order_id)}: {answer}", judged

    def _repr_html_(self) -> str:
        answer, judged = map(escape, self._heading())
        return (
            f'<div class="shoppego-verdict"><strong>{answer}</strong><br>'
            f"<small>{judged}</small>{_list([self.finding])}</div>"
        )

    def __repr__(self) -> str:
        heading, judged = self._heading()
        return f"<Verdict: {heading}. {judged}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Verdict):
            return NotImplemented
        return self._told() == other._told() and self.finding == other.finding

    def __hash__(self) -> int:
        return hash(self._told())

    def _told(self) -> tuple[object, ...]:
        return self.order_id, self.policy, self.began, self.due, self.status


def _outline(finding: Finding, depth: int = 0) -> Iterator[str]:
    yield f"{'  ' * depth}{_line(finding)}"
    for part in finding.parts:
        yield from _outline(part, depth + 1)


def _line(finding: Finding) -> str:
    line = f"{'yes' if finding.holds else 'no'}: {finding.saw}"
    if not (finding.holds or finding.parts or finding.saw.endswith(finding.wanted)):
        line += f" (Asked for: {finding.wanted})"
    # What a customer or a merchant typed stays on its line.
    return one_line(line)


def _list(findings: list[Finding]) -> str:
    items = "".join(
        f"<li>{'&#x2713;' if finding.holds else '&#x2717;'} {escape(_line(finding))}"
        f"{_list([*finding.parts]) if finding.parts else ''}</li>"
        for finding in findings
    )
    return f"<ul>{items}</ul>"
