"""Abandonment at a terminal: sweep a store, and explain the verdict on one order."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from shoppego_orders.cli.looking import found_order
from shoppego_orders.cli.root import (
    Command,
    db_option,
    json_option,
    moment_of,
    now_option,
    opened_store,
    shop_option,
)
from shoppego_orders.cli.screen import a_few, counted, progress, say, say_json
from shoppego_orders.errors import InputNotRead
from shoppego_orders.periods import instant_from_iso
from shoppego_orders.query import OrderQuery

if TYPE_CHECKING:
    from shoppego_orders.abandonment import AbandonmentPolicy, Finding, SweepResult
    from shoppego_orders.adapters.sql import SqlOrderStore

_AT_ONCE = 500


def policy_option(command: Command) -> Command:
    """Judge by another policy than the documented one."""
    option = click.option(
        "--policy",
        "policy_file",
        metavar="FILE",
        help="Judge by the policy in this JSON document, instead of the documented 60 minutes.",
    )
    return option(command)


@click.command()
@now_option
@policy_option
@click.option(
    "--active-from",
    metavar="ISO",
    help="Leave alone what was begun before this moment, so that a shop that switches this on "
    "does not find years of abandoned orders at once.",
)
@click.option("--dry-run", is_flag=True, help="Write nothing, and say what would be done.")
@shop_option
@json_option
@db_option
def sweep(
    *,
    now: str | None,
    policy_file: str | None,
    active_from: str | None,
    dry_run: bool,
    shop: str | None,
    as_json: bool,
) -> None:
    """Find abandoned checkouts: not completed within 60 minutes, and nothing else bought."""
    moment = moment_of(now)
    since = None if active_from is None else instant_from_iso(active_from, "--active-from")
    policy = _policy(policy_file)
    with opened_store() as store:
        result = _swept(store, policy, moment, shop, since, dry_run=dry_run)
    if as_json:
        say_json(
            {
                "policy": policy.id,
                "dry_run": dry_run,
                "abandoned": len(result.abandoned),
                "order_ids": result.abandoned,
                "kept": result.kept,
                "retracted": result.retracted,
                "skipped": [attrs.asdict(skipped) for skipped in result.skipped],
            }
        )
    else:
        say(
            f"{'Would judge' if dry_run else 'Judged'} {counted(result.judged, 'order')}: "
            f"{len(result.abandoned)} abandoned, {result.kept} not."
        )
        for reasons in dict.fromkeys(result.reasons.values()):
            alike = tuple(each for each, why in result.reasons.items() if why == reasons)
            say(f"{a_few(alike)}: {' '.join(reasons)}")
        for order_id, reasons in result.retracted.items():
            say(f"{order_id} is not abandoned any more: {' '.join(reasons)}")
    for skipped in result.skipped:
        say(f"{skipped.order_id} was not judged: {skipped.why}", err=True)


@click.command()
@click.argument("order", metavar="ID")
@now_option
@click.option(
    "--known-at",
    metavar="ISO",
    help="By what was known at this moment: reports that came later are not looked at.",
)
@policy_option
@json_option
@db_option
def explain(
    *, order: str, now: str | None, known_at: str | None, policy_file: str | None, as_json: bool
) -> None:
    """Explain whether an order was abandoned: every rule, what it wanted, and what it saw.

    ID is its id, or its number in the shop. It is judged as it was at its deadline.
    """
    from shoppego_orders.abandonment import replay_stored

    known = None if known_at is None else instant_from_iso(known_at, "--known-at")
    policy, moment = _policy(policy_file), moment_of(now)
    with opened_store() as store:
        found = found_order(store, order)
        verdict = replay_stored(store, found.id, policy, as_of=moment, known_at=known)
    if as_json:
        say_json(
            {
                "order_id": verdict.order_id,
                "policy": verdict.policy,
                "began": verdict.began.isoformat(),
                "due": verdict.due.isoformat(),
                "status": verdict.status,
                "reasons": verdict.reasons,
                "finding": _plain(verdict.finding),
            }
        )
        return
    say(verdict.explain())
    if found.abandoned_at is None:
        say("It is not marked as abandoned.")
    else:
        say(f"It is marked as abandoned, by policy {found.abandoned_by or '(not told)'}.")


def _policy(path: str | None) -> AbandonmentPolicy:
    from shoppego_orders.abandonment import AbandonmentPolicy, policy_from_json

    if path is None:
        return AbandonmentPolicy()
    try:
        text = Path(path).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        problem = getattr(error, "strerror", None) or str(error)
        raise InputNotRead(path, 0, problem) from None
    return policy_from_json(text)


def _swept(
    store: SqlOrderStore,
    policy: AbandonmentPolicy,
    moment: datetime,
    shop: str | None,
    active_from: datetime | None,
    *,
    dry_run: bool,
) -> SweepResult:
    """Sweep a few hundred orders at a time, each time in one transaction."""
    from shoppego_orders import abandonment

    if dry_run:
        return abandonment.sweep(
            store, policy, moment, shop=shop, active_from=active_from, dry_run=True
        )
    reasons: dict[str, tuple[str, ...]] = {}
    retracted: dict[str, tuple[str, ...]] = {}
    skipped: dict[str, abandonment.Skipped] = {}
    kept = 0
    undecided = store.count(OrderQuery(shop=shop, decided=False))
    with progress("Looking for abandoned checkouts", "orders", undecided) as tell:
        judged = -1
        while judged:
            with store.batch():
                part = abandonment.sweep(
                    store, policy, moment, shop=shop, limit=_AT_ONCE, active_from=active_from
                )
            reasons |= part.reasons
            retracted |= part.retracted
            skipped |= {each.order_id: each for each in part.skipped}
            kept += part.kept
            judged = part.judged
            tell(len(reasons) + kept)
    return abandonment.SweepResult(
        reasons=reasons, kept=kept, retracted=retracted, skipped=tuple(skipped.values())
    )


def _plain(finding: Finding) -> dict[str, object]:
    decided_by = finding.decided_by
    return {
        "rule": finding.rule,
        "holds": finding.holds,
        "wanted": finding.wanted,
        "saw": finding.saw,
        "decided_by": None
        if decided_by is None
        else {
            "what": decided_by.what,
            "order_id": decided_by.order_id,
            "at": decided_by.at.isoformat(),
        },
        "parts": [_plain(part) for part in finding.parts],
    }
