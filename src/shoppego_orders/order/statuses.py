"""The axes of an order's state, and which command is possible when: one table.

``Order.blockers``, the commands themselves, the documentation and the tests all draw on
:data:`TRANSITIONS` and :data:`FULFILLMENTS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

import attrs

from shoppego_orders.errors import InvalidValue
from shoppego_orders.order.lines import holds_something

if TYPE_CHECKING:
    from shoppego_orders.order.order import Order


class Life(StrEnum):
    """Whether the order is one yet, is one, or is one no longer. Archived is apart from it."""

    DRAFT = "draft"
    OPEN = "open"
    CANCELLED = "cancelled"


class Fulfillment(StrEnum):
    """How far the merchant has got with the goods (Shoppego, Orders page, statuses)."""

    AWAITING_PROCESSING = "awaiting_processing"
    PROCESSING = "processing"
    PACKED = "packed"
    READY_FOR_PICKUP = "ready_for_pickup"
    SHIPPED = "shipped"
    COMPLETED = "completed"


class PaymentStatus(StrEnum):
    """What the ledger of payments and refunds says, against the total."""

    PENDING = "pending"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"


class Delivery(StrEnum):
    """How the goods reach the customer; ``none`` for what needs no delivery."""

    SHIP = "ship"
    PICKUP = "pickup"
    NONE = "none"


class PaymentType(StrEnum):
    """Shoppego's two types of payment method."""

    MANUAL = "manual"
    """Cash on delivery, bank transfer: the merchant sees the money, no gateway reports it."""
    ALTERNATIVE = "alternative"
    """A payment gateway, which reports payments."""


class Recovery(StrEnum):
    """How an abandoned checkout ended."""

    OPEN = "open"
    """Nobody has recorded an end yet."""
    RECOVERED = "recovered"
    """The same checkout was completed later."""
    RETURNED = "returned"
    """The customer came back through a recovery link, and bought."""
    SUBSTITUTED = "substituted"
    """The customer bought something else after the deadline."""
    LOST = "lost"
    """None of these happened within the time that was set for it."""


class Topic(StrEnum):
    """Shoppego's webhook topics."""

    ORDER_PAID = "Order Paid"
    ORDER_SHIPPED = "Order Shipped"
    ORDER_UPDATED = "Order Updated"
    ORDER_STATUS_PROCESSING = "Order Status Processing"
    ORDER_STATUS_COMPLETED = "Order Status Completed"
    ORDER_READY_FOR_PICKUP = "Order Ready For Pickup"
    ORDER_PACKED = "Order Packed"
    CHECKOUT_COMPLETED = "Checkout Completed"
    CHECKOUT_UPDATED = "Checkout Updated"
    CHECKOUT_ABANDONED = "Checkout Abandoned"


@attrs.frozen
class Blocker:
    """One reason why a command is not possible now.

    :ivar key: stable, for programs.
    :ivar reason: for people.
    """

    key: str
    reason: str

    def __str__(self) -> str:
        return self.reason


@attrs.frozen
class Guard:
    """A blocker, and the states of an order in which it stands."""

    blocker: Blocker
    stands: Callable[[Order], bool]


def _guard(key: str, reason: str, stands: Callable[[Order], bool]) -> Guard:
    return Guard(Blocker(key, reason), stands)


_GONE = frozenset({Fulfillment.SHIPPED, Fulfillment.COMPLETED})

DRAFT = _guard(
    "draft",
    "it is a draft; mark it as pending or as paid first",
    lambda order: order.life is Life.DRAFT,
)
NOT_DRAFT = _guard("not_draft", "it is not a draft", lambda order: order.life is not Life.DRAFT)
CANCELLED = _guard(
    "cancelled",
    "it is cancelled; only payments, refunds and shipments are still recorded",
    lambda order: order.life is Life.CANCELLED,
)
ARCHIVED = _guard(
    "archived",
    "it is archived, and an archived order can't be unarchived or changed",
    lambda order: order.archived,
)
EMPTY = _guard(
    "empty",
    "it has no line items",
    lambda order: not holds_something(order.lines, order.adjustments),
)
GONE = _guard("gone", "it is shipped or completed", lambda order: order.fulfillment in _GONE)
CHECKED_OUT = _guard(
    "checked_out",
    "its checkout is completed already",
    lambda order: order.completed_at is not None,
)
GATEWAY_REPORTS = _guard(
    "gateway_reports",
    "it is paid through a gateway, whose report of the payment completes the checkout",
    lambda order: (
        order.payment_method is not None
        and order.payment_method.type is PaymentType.ALTERNATIVE
        and order.total.minor > 0
    ),
)
NOTHING_DUE = _guard(
    "nothing_due",
    "nothing is left to be paid",
    lambda order: order.life is not Life.DRAFT and order.amount_due.minor == 0,
)
NOT_SHIPPED = _guard(
    "not_shipped",
    "its delivery is not by shipping",
    lambda order: order.delivery is not Delivery.SHIP,
)
NOT_PICKED_UP = _guard(
    "not_picked_up",
    "its delivery is not pickup",
    lambda order: order.delivery is not Delivery.PICKUP,
)

TRANSITIONS: Mapping[str, tuple[Guard, ...]] = MappingProxyType(
    {
        "mark_pending": (NOT_DRAFT, EMPTY),
        "mark_paid": (CANCELLED, ARCHIVED, EMPTY, NOTHING_DUE),
        "confirm": (DRAFT, CANCELLED, ARCHIVED, CHECKED_OUT, GATEWAY_REPORTS),
        "set_fulfillment": (DRAFT, CANCELLED, ARCHIVED),
        "add_tracking": (DRAFT, CANCELLED, ARCHIVED, NOT_SHIPPED),
        "change_lines": (CANCELLED, ARCHIVED, GONE),
        "accept_offer": (DRAFT, CANCELLED, ARCHIVED, GONE),
        "edit_customer": (CANCELLED, ARCHIVED),
        "edit_address": (CANCELLED, ARCHIVED),
        "edit_note": (CANCELLED, ARCHIVED),
        "set_tags": (CANCELLED, ARCHIVED),
        "cancel": (CANCELLED, ARCHIVED, GONE),
        "archive": (DRAFT, ARCHIVED),
    }
)
"""Every command, and what blocks it. Facts are not here: nothing blocks a fact."""


@attrs.frozen
class FulfillmentMove:
    """What moving to a fulfillment status means.

    :ivar rank: moving to a lower rank is a step back: it needs a reason and announces nothing.
    :ivar topic: what a step forward announces. Order Shipped is announced by the tracking number
        and not by the status (Shoppego, Orders page, *Add tracking*).
    :ivar guards: what blocks it, besides the guards of ``set_fulfillment``.
    """

    rank: int
    topic: Topic | None = None
    guards: tuple[Guard, ...] = ()


FULFILLMENTS: Mapping[Fulfillment, FulfillmentMove] = MappingProxyType(
    {
        Fulfillment.AWAITING_PROCESSING: FulfillmentMove(0),
        Fulfillment.PROCESSING: FulfillmentMove(1, Topic.ORDER_STATUS_PROCESSING),
        Fulfillment.PACKED: FulfillmentMove(2, Topic.ORDER_PACKED),
        Fulfillment.READY_FOR_PICKUP: FulfillmentMove(
            3, Topic.ORDER_READY_FOR_PICKUP, (NOT_PICKED_UP,)
        ),
        Fulfillment.SHIPPED: FulfillmentMove(3, None, (NOT_SHIPPED,)),
        Fulfillment.COMPLETED: FulfillmentMove(4, Topic.ORDER_STATUS_COMPLETED),
    }
)


def blockers_of(
    order: Order, command: str, status: Fulfillment | None = None
) -> tuple[Blocker, ...]:
    """List every reason why an order does not allow a command now.

    :param command: a key of :data:`TRANSITIONS`.
    :param status: for ``set_fulfillment``, where to.
    :raises InvalidValue: for a word that is no command, or a status with another command.
    """
    guards = TRANSITIONS.get(command)
    if guards is None:
        raise InvalidValue("command", command, f"one of {', '.join(TRANSITIONS)}")
    if status is not None:
        if command != "set_fulfillment":
            raise InvalidValue("status", status, "none, except for set_fulfillment")
        guards += FULFILLMENTS[status].guards
    return tuple(guard.blocker for guard in guards if guard.stands(order))
