"""Was it abandoned, and did it come back? Rules, policies, sweeps and reminders."""

from shoppego_orders.abandonment.policy import AbandonmentPolicy, Verdict, VerdictStatus
from shoppego_orders.abandonment.recovery import (
    Compose,
    RecoveryPlan,
    RemindResult,
    plain_reminder,
    remind,
)
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
    "NoOtherPurchase",
    "Not",
    "OrderLike",
    "Purchase",
    "RecoveryPlan",
    "RemindResult",
    "Rule",
    "Skipped",
    "SweepResult",
    "Unfulfilled",
    "Verdict",
    "VerdictStatus",
    "next_due",
    "plain_reminder",
    "remind",
    "sweep",
]
