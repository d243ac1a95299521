"""What happened to an order: one event for every command that was accepted and every fact.

``Order.replay`` makes the order from its events again, so an event's data say everything that
the command or the fact was told, and nothing that follows from it.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import attrs

from shoppego_orders.attribution import Attribution, IgnoredTouch, Touch
from shoppego_orders.customers import Address, Customer
from shoppego_orders.money import Money
from shoppego_orders.order.lines import Adjustment, LineItem
from shoppego_orders.order.statuses import (
    Delivery,
    Fulfillment,
    Life,
    PaymentType,
    Recovery,
    Topic,
)
from shoppego_orders.texts import storable, word_of


def _payment_type(word: str) -> PaymentType:
    return word_of(PaymentType, word, "type")


@attrs.frozen
class PaymentMethod:
    """How the customer chose to pay.

    :ivar name: as the shop calls it, for example "Billplz" or "Cash on delivery".
    :ivar type: ``manual`` or ``alternative`` (a gateway).
    """

    name: str = attrs.field(converter=storable)
    type: PaymentType = attrs.field(converter=_payment_type)


@attrs.frozen
class Tracking:
    """A parcel: carrier, tracking number, and the carrier's page about it ("" for none)."""

    carrier: str = attrs.field(converter=storable)
    number: str = attrs.field(converter=storable)
    url: str = attrs.field(default="", converter=storable)


@attrs.frozen
class Placed:
    """The order begins: a customer's checkout (open), or a merchant's draft."""

    type: ClassVar[str] = "placed"

    life: Life
    shop: str
    number: str
    currency: str
    lines: tuple[LineItem, ...]
    adjustments: tuple[Adjustment, ...]
    customer: Customer
    customer_key: str | None
    shipping_address: Address | None
    billing_address: Address | None
    delivery: Delivery
    payment_method: PaymentMethod | None
    touches: tuple[Touch, ...]
    ignored_touches: tuple[IgnoredTouch, ...]
    attribution: Attribution | None
    note: str
    tags: tuple[str, ...]


@attrs.frozen
class MarkedPending:
    """The merchant turns a draft into an order that waits for its payment."""

    type: ClassVar[str] = "marked_pending"


@attrs.frozen
class MarkedPaid:
    """The merchant says that the rest was paid."""

    type: ClassVar[str] = "marked_paid"

    amount: Money


@attrs.frozen
class Confirmed:
    """The checkout is completed without a payment: cash on delivery, a bank transfer to come."""

    type: ClassVar[str] = "confirmed"


@attrs.frozen
class FulfillmentSet:
    """The merchant sets a fulfillment status; a step back has a reason."""

    type: ClassVar[str] = "fulfillment_set"

    status: Fulfillment
    reason: str | None


@attrs.frozen
class TrackingAdded:
    """The merchant enters a tracking number."""

    type: ClassVar[str] = "tracking_added"

    tracking: Tracking


@attrs.frozen
class LinesChanged:
    """The merchant changes what is ordered, or its adjustments."""

    type: ClassVar[str] = "lines_changed"

    lines: tuple[LineItem, ...]
    adjustments: tuple[Adjustment, ...]


@attrs.frozen
class OfferAccepted:
    """The customer takes an offer of the thank-you page; lines and payment change together."""

    type: ClassVar[str] = "offer_accepted"

    lines: tuple[LineItem, ...]
    payment_reference: str | None
    payment_amount: Money | None


@attrs.frozen
class CustomerEdited:
    """Who bought is corrected."""

    type: ClassVar[str] = "customer_edited"

    customer: Customer
    customer_key: str | None


@attrs.frozen
class AddressEdited:
    """Where the goods, or the bill, go is corrected."""

    type: ClassVar[str] = "address_edited"

    shipping_address: Address | None
    billing_address: Address | None


@attrs.frozen
class NoteEdited:
    """The note is replaced."""

    type: ClassVar[str] = "note_edited"

    note: str


@attrs.frozen
class TagsSet:
    """The tags are replaced."""

    type: ClassVar[str] = "tags_set"

    tags: tuple[str, ...]


@attrs.frozen
class Cancelled:
    """The merchant cancels; nothing is refunded by that."""

    type: ClassVar[str] = "cancelled"

    reason: str


@attrs.frozen
class Archived:
    """The order leaves the All view for good."""

    type: ClassVar[str] = "archived"


@attrs.frozen
class PaymentRecorded:
    """A gateway reports a payment."""

    type: ClassVar[str] = "payment_recorded"

    reference: str
    amount: Money


@attrs.frozen
class RefundRecorded:
    """A gateway, or the merchant, reports a refund."""

    type: ClassVar[str] = "refund_recorded"

    reference: str
    amount: Money


@attrs.frozen
class ShipmentRecorded:
    """A courier reports that a parcel was handed over."""

    type: ClassVar[str] = "shipment_recorded"

    tracking: Tracking


@attrs.frozen
class Abandoned:
    """A sweep found the checkout abandoned; ``occurred_at`` of the event is its deadline.

    :ivar policy: which policy said so: its name and fingerprint.
    :ivar reasons: why, in words.
    :ivar despite: what had happened before the deadline, and does not count for this policy:
        "completed", "paid", "taken_up".
    """

    type: ClassVar[str] = "abandoned"

    policy: str
    reasons: tuple[str, ...]
    despite: tuple[str, ...] = ()


@attrs.frozen
class AbandonmentRetracted:
    """It turned out that the checkout was not abandoned: a report of something earlier came late.

    :ivar reasons: why, in words.
    """

    type: ClassVar[str] = "abandonment_retracted"

    reasons: tuple[str, ...]


@attrs.frozen
class CustomerReturned:
    """The customer came back to an abandoned checkout through a recovery link.

    :ivar step: of the reminder that carried the link, from 1.
    """

    type: ClassVar[str] = "customer_returned"

    step: int


@attrs.frozen
class RecoverySettled:
    """How the abandoned checkout ended.

    :ivar outcome: any but ``open``.
    :ivar purchase: id of the order that was bought: this one or another; None if it was lost.
    """

    type: ClassVar[str] = "recovery_settled"

    outcome: Recovery
    purchase: str | None


@attrs.frozen
class Anonymised:
    """The person was taken out of the order, and out of every event before this one."""

    type: ClassVar[str] = "anonymised"


EventData = (
    Placed
    | MarkedPending
    | MarkedPaid
    | Confirmed
    | FulfillmentSet
    | TrackingAdded
    | LinesChanged
    | OfferAccepted
    | CustomerEdited
    | AddressEdited
    | NoteEdited
    | TagsSet
    | Cancelled
    | Archived
    | PaymentRecorded
    | RefundRecorded
    | ShipmentRecorded
    | Abandoned
    | AbandonmentRetracted
    | CustomerReturned
    | RecoverySettled
    | Anonymised
)


@attrs.frozen
class OrderEvent:
    """One thing that happened.

    :ivar id: the order's id and the event's number in the history, from 1: ``1262140/3``.
        Two writers that start from the same version make the same id, so a store keeps one.
    :ivar order_id: whose.
    :ivar occurred_at: when it happened, UTC.
    :ivar recorded_at: when we learned of it, UTC; later than ``occurred_at`` for late reports.
    :ivar actor: who did or said it: "merchant", "customer", "gateway", a user's name.
    :ivar topics: Shoppego's webhook topics that it announces, if any.
    :ivar data: the details; their class is the type.
    """

    id: str
    order_id: str
    occurred_at: datetime
    recorded_at: datetime
    actor: str = attrs.field(converter=storable)
    topics: tuple[Topic, ...]
    data: EventData

    @property
    def type(self) -> str:
        """The type's name, as it stands in documents."""
        return self.data.type
