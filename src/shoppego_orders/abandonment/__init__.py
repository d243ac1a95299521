"""Was it abandoned, and did it come back? Rules, policies, sweeps and reminders."""

from shoppego_orders.abandonment.claims import unknown_reminders
from shoppego_orders.abandonment.links import (
    RecoveryVisit,
    read_recovery_link,
    record_visit,
    recovery_link,
)
from shoppego_orders.abandonment.outcomes import SettleResult, settle_recoveries
from shoppego_orders.abandonment.plan import RecoveryPlan
from shoppego_orders.abandonment.policy import AbandonmentPolicy, Verdict, VerdictStatus
from shoppego_orders.abandonment.recovery import Objection, RemindResult, remind
from shoppego_orders.abandonment.reminder_mail import Compose, Link, plain_reminder
from shoppego_orders.abandonment.report import RecoveryReport, ReminderCounts, recovery_report
from shoppego_orders.abandonment.rules import (
    AllOf,
    AnyOf,
    Context,
    Finding,
    NoOtherPurchase,
    Not,
    OrderLike,
    Purchase,
    Rule,
    Unfulfilled,
)
from shoppego_orders.abandonment.sweep import Skipped, SweepResult, next_due, sweep

__all__ = [
    "AbandonmentPolicy",
    "AllOf",
    "AnyOf",
    "Compose",
    "Context",
    "Finding",
    "Link",
    "NoOtherPurchase",
    "Not",
    "Objection",
    "OrderLike",
    "Purchase",
    "RecoveryPlan",
    "RecoveryReport",
    "RecoveryVisit",
    "RemindResult",
    "ReminderCounts",
    "Rule",
    "SettleResult",
    "Skipped",
    "SweepResult",
    "Unfulfilled",
    "Verdict",
    "VerdictStatus",
    "next_due",
    "plain_reminder",
    "read_recovery_link",
    "record_visit",
    "recovery_link",
    "recovery_report",
    "remind",
    "settle_recoveries",
    "sweep",
    "unknown_reminders",
]
