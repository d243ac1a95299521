"""Was it abandoned, and did it come back? Rules, policies, sweeps and reminders."""

from shoppego_orders.abandonment.claims import unknown_reminders
from shoppego_orders.abandonment.links import (
    RecoveryVisit,
    read_recovery_link,
    record_visit,
    recovery_link,
)
from shoppego_orders.abandonment.plan import RecoveryPlan
from shoppego_orders.abandonment.policy import AbandonmentPolicy, Verdict, VerdictStatus
from shoppego_orders.abandonment.recovery import Objection, RemindResult, remind
from shoppego_orders.abandonment.reminder_mail import Compose, Link, plain_reminder
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
    "RecoveryVisit",
    "RemindResult",
    "Rule",
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
    "remind",
    "sweep",
    "unknown_reminders",
]
