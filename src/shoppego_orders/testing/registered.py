"""Which strategy makes which type; Hypothesis's entry point asks for it.

The strategies are loaded when the first value is made: Hypothesis may be imported by them, and
asks before either is complete.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any, Final

from hypothesis import strategies as st

from shoppego_orders.abandonment import (
    AbandonmentPolicy,
    Context,
    Difference,
    Finding,
    RecoveryPlan,
    RecoveryReport,
    RecoveryVisit,
    RemindResult,
    Rule,
    SettleResult,
    SweepResult,
    Verdict,
)
from shoppego_orders.attribution import (
    Attribution,
    AttributionTable,
    IgnoredTouch,
    Journey,
    Source,
    Touch,
)
from shoppego_orders.customers import Address, Customer
from shoppego_orders.export import (
    Column,
    ColumnSet,
    ExportRequest,
    ExportSummary,
    LineColumn,
    Profile,
    Sales,
    SalesReport,
    Schedule,
)
from shoppego_orders.importing import ImportReport
from shoppego_orders.money import Money
from shoppego_orders.order import (
    Adjustment,
    AttentionItem,
    Blocker,
    CartItem,
    CartLink,
    LedgerEntry,
    LineItem,
    LineRow,
    Order,
    OrderEvent,
    OrderRow,
    PaymentMethod,
    Tracking,
)
from shoppego_orders.page import OrderPage, SavedTabs
from shoppego_orders.periods import Period
from shoppego_orders.ports import Export, Task
from shoppego_orders.query import Cursor, OrderQuery


def register() -> None:
    """Tell Hypothesis which strategy makes which type; its entry point calls this."""
    for made, name in MADE_BY.items():
        st.register_type_strategy(made, partial(_strategy, name))


def _strategy(name: str, _made: type) -> st.SearchStrategy[Any]:  # Any: of whichever type
    # Any: of whichever type
    made: st.SearchStrategy[Any] = getattr(import_module(_STRATEGIES), name)()
    return made


_STRATEGIES: Final = "shoppego_orders.testing.strategies"

MADE_BY: Final[Mapping[type, str]] = {
    Money: "money",
    Period: "periods",
    Customer: "customers",
    Address: "addresses",
    Touch: "touches",
    IgnoredTouch: "ignored_touches",
    Journey: "journeys",
    Attribution: "attributions",
    Source: "sources",
    AttributionTable: "attribution_tables",
    PaymentMethod: "payment_methods",
    LineItem: "line_items",
    Adjustment: "adjustments",
    Tracking: "trackings",
    CartItem: "cart_items",
    CartLink: "cart_links",
    LedgerEntry: "ledger_entries",
    AttentionItem: "attention_items",
    Blocker: "blockers",
    Order: "orders",
    OrderEvent: "order_events",
    OrderRow: "order_rows",
    LineRow: "line_rows",
    OrderQuery: "queries",
    Cursor: "cursors",
    AbandonmentPolicy: "policies",
    Context: "contexts",
    Verdict: "verdicts",
    Finding: "findings",
    Difference: "differences",
    RecoveryPlan: "plans",
    SweepResult: "sweep_results",
    RemindResult: "remind_results",
    SettleResult: "settle_results",
    RecoveryReport: "recovery_reports",
    RecoveryVisit: "recovery_visits",
    SavedTabs: "saved_tabs",
    OrderPage: "order_pages",
    Column: "columns",
    LineColumn: "line_columns",
    ColumnSet: "column_sets",
    Profile: "profiles",
    ExportRequest: "export_requests",
    Schedule: "schedules",
    Export: "exports",
    ExportSummary: "export_summaries",
    Task: "tasks",
    Sales: "sales",
    SalesReport: "sales_reports",
    ImportReport: "import_reports",
    Rule: "rules",
}
"""The types, and the names of the strategies."""
