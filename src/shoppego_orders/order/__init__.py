"""The order aggregate: what happened to this order?"""

from shoppego_orders.order.cart_link import CartItem, CartLink, RejectedPart, parse_cart_link
from shoppego_orders.order.events import OrderEvent, PaymentMethod, Tracking
from shoppego_orders.order.ledger import AttentionItem, AttentionKind, LedgerEntry
from shoppego_orders.order.lines import Adjustment, AdjustmentKind, LineItem
from shoppego_orders.order.order import Order
from shoppego_orders.order.row import LineRow, OrderRow
from shoppego_orders.order.statuses import (
    FULFILLMENTS,
    TRANSITIONS,
    Blocker,
    Delivery,
    Fulfillment,
    Life,
    PaymentStatus,
    PaymentType,
    Recovery,
    Topic,
)

__all__ = [
    "FULFILLMENTS",
    "TRANSITIONS",
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
    "Recovery",
    "RejectedPart",
    "Topic",
    "Tracking",
    "parse_cart_link",
]
