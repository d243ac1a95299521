"""What a notebook shows of a verdict, and of what abandoned checkouts came to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from shoppego_orders.abandonment.verdict import Verdict, VerdictStatus, heading_of, line_of
from shoppego_orders.markup import Markup, Tone, badge, element, table, typed, view
from shoppego_orders.order import Recovery
from shoppego_orders.order.view import recovery_badge

if TYPE_CHECKING:
    from shoppego_orders.abandonment.report import RecoveryReport, ReminderCounts
    from shoppego_orders.abandonment.rule import Finding


def verdict_html(verdict: Verdict) -> str:
    """Show a verdict as the tree of its findings; those that decided are bold."""
    answer, judged = heading_of(verdict)
    finding = verdict.finding
    # By identity: equal findings may stand in branches that decided and in others.
    decided = {id(each) for each in finding.decisive()}
    return view(
        typed(answer),
        element("p", badge(verdict.status, _OF_VERDICT[verdict.status])),
        element("p", typed(judged)),
        _tree([finding], decided),
    )


def recovery_html(report: RecoveryReport) -> str:
    """Show how abandoned checkouts ended, what was earned, and what became of the reminders."""
    reminders = report.reminders
    return view(
        f"{report.abandoned} abandoned checkouts",
        table(("Ended", ">Checkouts", ">Of all"), _ends(report)),
        *([_earned(report)] if report.recovered or report.substituted else ()),
        *([_reminders(reminders)] if reminders is not None else ()),
    )


_OF_VERDICT: Final = {
    VerdictStatus.NOT_DUE: Tone.OPEN,
    VerdictStatus.ABANDONED: Tone.BAD,
    VerdictStatus.KEPT: Tone.GOOD,
}


def _tree(findings: Sequence[Finding], decided: Collection[int]) -> Markup:
    return element("ul", *(element("li", *_branch(finding, decided)) for finding in findings))


def _branch(finding: Finding, decided: Collection[int]) -> Iterator[Markup]:
    line = typed(f"{_YES if finding.holds else _NO} {line_of(finding)}")
    yield element("strong", line) if id(finding) in decided else line
    if finding.parts:
        yield _tree(finding.parts, decided)


_YES, _NO = "\N{CHECK MARK}", "\N{BALLOT X}"


def _ends(report: RecoveryReport) -> Iterator[tuple[str, ...]]:
    for end in Recovery:
        count = report.outcomes.get(end, 0)
        share = f"{100 * count / report.abandoned:.0f} %" if report.abandoned else ""
        yield recovery_badge(end), str(count), share


def _earned(report: RecoveryReport) -> Markup:
    kinds = (("won back", report.recovered), ("bought instead", report.substituted))
    sums = ((what, money.currency, money.text) for what, of in kinds for money in of.values())
    return table(("Earned, less refunds", "Currency", ">Amount"), sums)


def _reminders(counts: ReminderCounts) -> Markup:
    became = [
        ("sent", counts.sent),
        ("failed", counts.failed),
        ("unknown", counts.unknown),
        *((f"skipped: {why}", count) for why, count in sorted(counts.skipped.items())),
    ]
    return table(("Reminders", ">How many"), ((what, str(count)) for what, count in became))
