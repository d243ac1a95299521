"""Was it abandoned, and did it come back? Rules, policies, sweeps and reminders."""

from shoppego_orders.abandonment import rules
from shoppego_orders.abandonment.claims import unknown_reminders
from shoppego_orders.abandonment.documents import policy_from_json, policy_to_json
from shoppego_orders.abandonment.links import (
    RecoveryVisit,
    read_recovery_link,
    record_visit,
    recovery_link,
)
from shoppego_orders.abandonment.outcomes import SettleResult, settle_recoveries
from shoppego_orders.abandonment.plan import RecoveryPlan
from shoppego_orders.abandonment.policy import AbandonmentPolicy, Since
from shoppego_orders.abandonment.recovery import Objection, RemindResult, remind
from shoppego_orders.abandonment.reminder_mail import Compose, Link, plain_reminder
from shoppego_orders.abandonment.replay import replay, replay_stored
from shoppego_orders.abandonment.report import RecoveryReport, ReminderCounts, recovery_report
from shoppego_orders.abandonment.rule import (
    AllOf,
    AnyOf,
    Context,
    Finding,
    Not,
    Occurrence,
    OrderLike,
    Purchase,
    Rule,
)
from shoppego_orders.abandonment.rules import NoOtherPurchase, Unfulfilled
from shoppego_orders.abandonment.stream import Difference, compare_policies, judge_stream
from shoppego_orders.abandonment.sweep import Skipped, SweepResult, next_due, sweep
from shoppego_orders.abandonment.verdict import Verdict, VerdictStatus

__all__ = [
    "AbandonmentPolicy",
    "AllOf",
    "AnyOf",
    "Compose",
    "Context",
    "Difference",
    "Finding",
    "Link",
    "NoOtherPurchase",
    "Not",
    "Objection",
    "Occurrence",
    "OrderLike",
    "Purchase",
    "RecoveryPlan",
    "RecoveryReport",
    "RecoveryVisit",
    "RemindResult",
    "ReminderCounts",
    "Rule",
    "SettleResult",
    "Since",
    "Skipped",
    "SweepResult",
    "Unfulfilled",
    "Verdict",
    "VerdictStatus",
    "compare_policies",
    "judge_stream",
    "next_due",
    "plain_reminder",
    "policy_from_json",
    "policy_to_json",
    "read_recovery_link",
    "record_visit",
    "recovery_link",
    "recovery_report",
    "remind",
    "replay",
    "replay_stored",
    "rules",
    "settle_recoveries",
    "sweep",
    "unknown_reminders",
]
