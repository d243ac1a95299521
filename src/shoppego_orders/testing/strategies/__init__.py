"""Hypothesis strategies for the values of this library.

Hypothesis finds :func:`register` through its entry point, so ``st.from_type(Order)`` works as
soon as both are installed, and so it does for every other value that has a public name. Values
are drawn from small pools wherever collisions matter (the same customer, the same reference, the
same moment), and hostile texts are among them. Examples shrink to what a person can read: one
order, one coffee, paid once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from typing import Final

from shoppego_orders.errors import MissingExtra

if find_spec("hypothesis") is None:
    raise MissingExtra("Hypothesis", "testing")

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
from shoppego_orders.testing.strategies.abandonment import (
    contexts,
    differences,
    findings,
    plans,
    policies,
    recovery_reports,
    recovery_visits,
    remind_results,
    rules,
    settle_results,
    sweep_results,
    verdicts,
)
from shoppego_orders.testing.strategies.jobs import (
    column_sets,
    columns,
    export_requests,
    export_summaries,
    exports,
    import_reports,
    line_columns,
    order_pages,
    profiles,
    sales,
    sales_reports,
    saved_tabs,
    schedules,
    stores,
    tasks,
)
from shoppego_orders.testing.strategies.lines import (
    PARCELS,
    adjustments,
    cart_items,
    cart_links,
    charges,
    line_items,
    payment_methods,
    tags,
    trackings,
)
from shoppego_orders.testing.strategies.orders import (
    attention_items,
    blockers,
    histories,
    ledger_entries,
    line_rows,
    order_events,
    order_lists,
    order_rows,
    orders,
)
from shoppego_orders.testing.strategies.people import (
    LANDING_URLS,
    REFERRERS,
    addresses,
    attribution_tables,
    attributions,
    customers,
    emails,
    ignored_touches,
    journeys,
    phone_notations,
    phones,
    sources,
    touches,
)
from shoppego_orders.testing.strategies.queries import (
    cursors,
    filters,
    queries,
)
from shoppego_orders.testing.strategies.steps import (
    REFERENCES,
    Step,
    commands,
    facts,
    recovery_steps,
    references,
    run,
    steps,
)
from shoppego_orders.testing.strategies.values import (
    HOSTILE_TEXTS,
    SHOPS,
    currencies,
    delays,
    instants,
    keys,
    money,
    periods,
    texts,
    time_zones,
    utc_instants,
)

__all__ = [
    "HOSTILE_TEXTS",
    "LANDING_URLS",
    "PARCELS",
    "REFERENCES",
    "REFERRERS",
    "SHOPS",
    "Step",
    "addresses",
    "adjustments",
    "attention_items",
    "attribution_tables",
    "attributions",
    "blockers",
    "cart_items",
    "cart_links",
    "charges",
    "column_sets",
    "columns",
    "commands",
    "contexts",
    "currencies",
    "cursors",
    "customers",
    "delays",
    "differences",
    "emails",
    "export_requests",
    "export_summaries",
    "exports",
    "facts",
    "filters",
    "findings",
    "histories",
    "ignored_touches",
    "import_reports",
    "instants",
    "journeys",
    "keys",
    "ledger_entries",
    "line_columns",
    "line_items",
    "line_rows",
    "money",
    "order_events",
    "order_lists",
    "order_pages",
    "order_rows",
    "orders",
    "payment_methods",
    "periods",
    "phone_notations",
    "phones",
    "plans",
    "policies",
    "profiles",
    "queries",
    "recovery_reports",
    "recovery_steps",
    "recovery_visits",
    "references",
    "register",
    "remind_results",
    "rules",
    "run",
    "sales",
    "sales_reports",
    "saved_tabs",
    "schedules",
    "settle_results",
    "sources",
    "steps",
    "stores",
    "sweep_results",
    "tags",
    "tasks",
    "texts",
    "time_zones",
    "touches",
    "trackings",
    "utc_instants",
    "verdicts",
]


def register() -> None:
    """Tell Hypothesis which strategy makes which type; its entry point calls this."""
    for made, strategy in _MADE_BY.items():
        # On first use: nothing may be made while Hypothesis itself is being imported.
        st.register_type_strategy(made, partial(_strategy, strategy))


def _strategy(
    make: Callable[[], st.SearchStrategy[object]],
    _made: type,
) -> st.SearchStrategy[object]:
    return make()


_MADE_BY: Final[Mapping[type, Callable[[], st.SearchStrategy[object]]]] = {
    Money: money,
    Period: periods,
    Customer: customers,
    Address: addresses,
    Touch: touches,
    IgnoredTouch: ignored_touches,
    Journey: journeys,
    Attribution: attributions,
    Source: sources,
    AttributionTable: attribution_tables,
    PaymentMethod: payment_methods,
    LineItem: line_items,
    Adjustment: adjustments,
    Tracking: trackings,
    CartItem: cart_items,
    CartLink: cart_links,
    LedgerEntry: ledger_entries,
    AttentionItem: attention_items,
    Blocker: blockers,
    Order: orders,
    OrderEvent: order_events,
    OrderRow: order_rows,
    LineRow: line_rows,
    OrderQuery: queries,
    Cursor: cursors,
    AbandonmentPolicy: policies,
    Context: contexts,
    Verdict: verdicts,
    Finding: findings,
    Difference: differences,
    RecoveryPlan: plans,
    SweepResult: sweep_results,
    RemindResult: remind_results,
    SettleResult: settle_results,
    RecoveryReport: recovery_reports,
    RecoveryVisit: recovery_visits,
    SavedTabs: saved_tabs,
    OrderPage: order_pages,
    Column: columns,
    LineColumn: line_columns,
    ColumnSet: column_sets,
    Profile: profiles,
    ExportRequest: export_requests,
    Schedule: schedules,
    Export: exports,
    ExportSummary: export_summaries,
    Task: tasks,
    Sales: sales,
    SalesReport: sales_reports,
    ImportReport: import_reports,
    Rule: rules,
}
