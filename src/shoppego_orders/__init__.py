"""The orders of an online shop: what happened, where they came from, and what was sold.

The public names. Each is loaded when it is first used, so that the import costs nothing.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shoppego_orders.abandonment import (
        AbandonmentPolicy,
        NoOtherPurchase,
        RecoveryPlan,
        Rule,
        SweepResult,
        Unfulfilled,
        Verdict,
        VerdictStatus,
        next_due,
        remind,
        sweep,
    )
    from shoppego_orders.attribution import (
        Attribution,
        AttributionTable,
        IgnoredTouch,
        Journey,
        Source,
        Touch,
        default_table,
    )
    from shoppego_orders.customers import Address, Customer, Identify, customer_key, phone_digits
    from shoppego_orders.errors import OrdersError
    from shoppego_orders.export import (
        EXCEL,
        LINE_COLUMNS,
        ORDER_COLUMNS,
        PLAIN,
        RAW,
        Column,
        ColumnKind,
        ExportRequest,
        ExportSummary,
        Profile,
        read_export,
        request_export,
        write_csv,
        write_file,
    )
    from shoppego_orders.importing import ImportReport, import_checkouts, open_lines
    from shoppego_orders.money import Money
    from shoppego_orders.order import (
        Adjustment,
        AdjustmentKind,
        AttentionItem,
        AttentionKind,
        Blocker,
        CartItem,
        CartLink,
        Delivery,
        Fulfillment,
        LedgerEntry,
        Life,
        LineItem,
        LineRow,
        Order,
        OrderEvent,
        OrderRow,
        PaymentMethod,
        PaymentStatus,
        PaymentType,
        Topic,
        Tracking,
        parse_cart_link,
    )
    from shoppego_orders.page import OrderPage, SavedTabs, Tab, orders_page
    from shoppego_orders.periods import SHOP_TIME_ZONE, Period
    from shoppego_orders.ports import FileShelf, Mailer, OrderStore, Outcome, Task, TaskLog
    from shoppego_orders.query import Cursor, OrderQuery
    from shoppego_orders.serialization import (
        checkout_from_json,
        event_from_json,
        event_to_json,
        from_checkout_payload,
        order_from_json,
        order_to_json,
        query_from_json,
        query_to_json,
    )

__all__ = [
    "EXCEL",
    "LINE_COLUMNS",
    "ORDER_COLUMNS",
    "PLAIN",
    "RAW",
    "SHOP_TIME_ZONE",
    "AbandonmentPolicy",
    "Address",
    "Adjustment",
    "AdjustmentKind",
    "AttentionItem",
    "AttentionKind",
    "Attribution",
    "AttributionTable",
    "Blocker",
    "CartItem",
    "CartLink",
    "Column",
    "ColumnKind",
    "Cursor",
    "Customer",
    "Delivery",
    "ExportRequest",
    "ExportSummary",
    "FileShelf",
    "Fulfillment",
    "Identify",
    "IgnoredTouch",
    "ImportReport",
    "Journey",
    "LedgerEntry",
    "Life",
    "LineItem",
    "LineRow",
    "Mailer",
    "Money",
    "NoOtherPurchase",
    "Order",
    "OrderEvent",
    "OrderPage",
    "OrderQuery",
    "OrderRow",
    "OrderStore",
    "OrdersError",
    "Outcome",
    "PaymentMethod",
    "PaymentStatus",
    "PaymentType",
    "Period",
    "Profile",
    "RecoveryPlan",
    "Rule",
    "SavedTabs",
    "Source",
    "SweepResult",
    "Tab",
    "Task",
    "TaskLog",
    "Topic",
    "Touch",
    "Tracking",
    "Unfulfilled",
    "Verdict",
    "VerdictStatus",
    "checkout_from_json",
    "customer_key",
    "default_table",
    "event_from_json",
    "event_to_json",
    "from_checkout_payload",
    "import_checkouts",
    "next_due",
    "open_lines",
    "order_from_json",
    "order_to_json",
    "orders_page",
    "parse_cart_link",
    "phone_digits",
    "query_from_json",
    "query_to_json",
    "read_export",
    "remind",
    "request_export",
    "sweep",
    "write_csv",
    "write_file",
]

_NAMES = {
    "abandonment": (
        "AbandonmentPolicy",
        "NoOtherPurchase",
        "RecoveryPlan",
        "Rule",
        "SweepResult",
        "Unfulfilled",
        "Verdict",
        "VerdictStatus",
        "next_due",
        "remind",
        "sweep",
    ),
    "attribution": (
        "Attribution",
        "AttributionTable",
        "IgnoredTouch",
        "Journey",
        "Source",
        "Touch",
        "default_table",
    ),
    "customers": (
        "Address",
        "Customer",
        "Identify",
        "customer_key",
        "phone_digits",
    ),
    "errors": ("OrdersError",),
    "export": (
        "EXCEL",
        "LINE_COLUMNS",
        "ORDER_COLUMNS",
        "PLAIN",
        "RAW",
        "Column",
        "ColumnKind",
        "ExportRequest",
        "ExportSummary",
        "Profile",
        "read_export",
        "request_export",
        "write_csv",
        "write_file",
    ),
    "importing": (
        "ImportReport",
        "import_checkouts",
        "open_lines",
    ),
    "money": ("Money",),
    "order": (
        "Adjustment",
        "AdjustmentKind",
        "AttentionItem",
        "AttentionKind",
        "Blocker",
        "CartItem",
        "CartLink",
        "Delivery",
        "Fulfillment",
        "LedgerEntry",
        "Life",
        "LineItem",
        "LineRow",
        "Order",
        "OrderEvent",
        "OrderRow",
        "PaymentMethod",
        "PaymentStatus",
        "PaymentType",
        "Topic",
        "Tracking",
        "parse_cart_link",
    ),
    "page": (
        "OrderPage",
        "SavedTabs",
        "Tab",
        "orders_page",
    ),
    "periods": (
        "SHOP_TIME_ZONE",
        "Period",
    ),
    "ports": (
        "FileShelf",
        "Mailer",
        "OrderStore",
        "Outcome",
        "Task",
        "TaskLog",
    ),
    "query": (
        "Cursor",
        "OrderQuery",
    ),
    "serialization": (
        "checkout_from_json",
        "event_from_json",
        "event_to_json",
        "from_checkout_payload",
        "order_from_json",
        "order_to_json",
        "query_from_json",
        "query_to_json",
    ),
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names}


if not TYPE_CHECKING:  # a type checker should notice a name that does not exist

    def __getattr__(name: str) -> object:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(_import_module(f"{__name__}.{home}"), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
