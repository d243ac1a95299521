"""How an event changes an order, and which webhook topics that announces.

``evolve`` decides nothing that a command should have refused; it takes what happened. The same
event on the same state gives the same state, so replaying a history gives the order.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, assert_never

import attrs

from shoppego_orders.order.events import (
    Abandoned,
    AbandonmentRetracted,
    AddressEdited,
    Anonymised,
    Archived,
    Cancelled,
    Confirmed,
    CustomerEdited,
    CustomerReturned,
    EventData,
    FulfillmentSet,
    LinesChanged,
    MarkedPaid,
    MarkedPending,
    NoteEdited,
    OfferAccepted,
    PaymentRecorded,
    Placed,
    RecoverySettled,
    RefundRecorded,
    ShipmentRecorded,
    TagsSet,
    Tracking,
    TrackingAdded,
)
from shoppego_orders.order.ledger import (
    AttentionItem,
    AttentionKind,
    LedgerEntry,
    paid_in_full_at,
)
from shoppego_orders.order.statuses import (
    FULFILLMENTS,
    Delivery,
    Fulfillment,
    Life,
    PaymentStatus,
    Topic,
)

if TYPE_CHECKING:
    from shoppego_orders.order.order import Order


def evolve(order: Order, data: EventData, at: datetime, event_id: str) -> Order:
    """Return the order as it is after an event.

    :param at: when it occurred, UTC.
    :param event_id: of the event; names a payment that the merchant marked by hand.
    """
    after = _unabandoned(_evolved(order, data, at, event_id))
    if order.changed_at is None or at <= order.changed_at:
        return after
    return attrs.evolve(after, changed_at=at)


def _evolved(  # noqa: C901, PLR0912  # one short case an event; apart they would be harder to read
    order: Order, data: EventData, at: datetime, event_id: str
) -> Order:
    match data:
        case Placed():
            raise ValueError("an order is placed once")
        case MarkedPending():
            return _covered(attrs.evolve(order, life=Life.OPEN), at)
        case MarkedPaid(amount):
            opened = attrs.evolve(order, life=Life.OPEN)
            if amount.minor == 0:
                return _completed(opened, at)
            return _paid(opened, LedgerEntry(f"manual:{event_id}", amount, at))
        case Confirmed():
            return _completed(attrs.evolve(order, confirmed_at=at), at)
        case FulfillmentSet(status, _):
            return _fulfilled(order, status, at)
        case TrackingAdded(tracking):
            return _shipped(order, tracking, at)
        case LinesChanged(lines, adjustments):
            changed = attrs.evolve(_active(order, at), lines=lines, adjustments=adjustments)
            return changed if order.life is Life.DRAFT else _covered(changed, at)
        case OfferAccepted(lines, reference, amount):
            extended = attrs.evolve(order, lines=order.lines + lines)
            if reference is None or amount is None:
                return extended
            extended = attrs.evolve(extended, offers=(*order.offers, reference))
            payment = LedgerEntry(reference, amount, at)
            known = find_entry(order.payments, reference)
            if known is None:
                return _paid(extended, payment)
            if known.amount == amount:
                return extended
            return _with_attention(extended, reported_differently("payment", known, payment))
        case CustomerEdited(customer, key):
            return attrs.evolve(_active(order, at), customer=customer, customer_key=key)
        case AddressEdited(shipping, billing):
            return attrs.evolve(
                _active(order, at), shipping_address=shipping, billing_address=billing
            )
        case NoteEdited(note):
            return attrs.evolve(order, note=note)
        case TagsSet(tags):
            return attrs.evolve(order, tags=tags)
        case Cancelled(reason):
            return attrs.evolve(order, life=Life.CANCELLED, cancelled_at=at, cancel_reason=reason)
        case Archived():
            return attrs.evolve(order, archived=True)
        case PaymentRecorded(reference, amount):
            return _payment_reported(order, LedgerEntry(reference, amount, at))
        case RefundRecorded(reference, amount):
            return _refund_reported(order, LedgerEntry(reference, amount, at))
        case ShipmentRecorded(tracking):
            return _shipment_reported(order, tracking, at)
        case Abandoned(policy, _, despite):
            return attrs.evolve(
                order,
                abandoned_at=at,
                abandoned_by=policy,
                abandoned_despite=despite,
                decided=True,
            )
        case AbandonmentRetracted():
            return _retracted(order)
        case CustomerReturned():
            earliest = at if order.returned_at is None else min(order.returned_at, at)
            return attrs.evolve(order, returned_at=earliest)
        case RecoverySettled(outcome, purchase):
            return attrs.evolve(order, outcome=outcome, recovered_by=purchase)
        case Anonymised():
            return order
        case _:
            assert_never(data)


def topics_of(before: Order, after: Order, data: EventData) -> tuple[Topic, ...]:
    """List what an event announces, in Shoppego's webhook topics."""
    topics: list[Topic] = []
    match data:
        case FulfillmentSet(status, _):
            move = FULFILLMENTS[status]
            if move.topic is not None and move.rank >= FULFILLMENTS[before.fulfillment].rank:
                topics.append(move.topic)
        case TrackingAdded():
            topics.append(Topic.ORDER_SHIPPED)
        case ShipmentRecorded():
            if len(after.trackings) > len(before.trackings) and before.life is Life.OPEN:
                topics.append(Topic.ORDER_SHIPPED)
        case OfferAccepted():
            topics.append(Topic.ORDER_UPDATED)
        case LinesChanged() | CustomerEdited() | AddressEdited() | NoteEdited() | TagsSet():
            if before.life is Life.OPEN:
                begun = before.completed_at is None
                topics.append(Topic.CHECKOUT_UPDATED if begun else Topic.ORDER_UPDATED)
        case Abandoned():
            topics.append(Topic.CHECKOUT_ABANDONED)
        case _:
            pass
    if _paid_for(after) and not _paid_for(before):
        topics.append(Topic.ORDER_PAID)
    if before.completed_at is None and after.completed_at is not None and after.life is Life.OPEN:
        topics.append(Topic.CHECKOUT_COMPLETED)
    return tuple(topics)


def _paid_for(order: Order) -> bool:
    # Of a draft or a cancelled order nobody should be told that it is paid, and goes ahead.
    return (
        order.life is Life.OPEN
        and order.payment_status is PaymentStatus.PAID
        and order.paid_total.minor > 0
    )


def _completed(order: Order, at: datetime) -> Order:
    # A gateway's slow clock completes no checkout before it began.
    at = max(at, order.placed_at)
    if order.completed_at is not None and order.completed_at <= at:
        return order
    # Undecided again: it may be the other purchase of an order that was found abandoned.
    return attrs.evolve(order, completed_at=at, decided=False)


def _taken_up(order: Order, at: datetime) -> Order:
    earliest = at if order.taken_up_at is None else min(order.taken_up_at, at)
    return attrs.evolve(order, taken_up_at=earliest)


def _active(order: Order, at: datetime) -> Order:
    """Note that the customer is still at it, while the checkout is open."""
    if order.life is not Life.OPEN or order.completed_at is not None or at <= order.placed_at:
        return order
    return attrs.evolve(order, activity=tuple(sorted({*order.activity, at})))


def met_before(order: Order, deadline: datetime) -> tuple[str, ...]:
    """List what had happened before a deadline, of what an abandoned checkout lacks."""
    return tuple(
        what
        for what, at in (
            ("completed", order.completed_at),
            ("paid", order.paid_at),
            ("taken_up", order.taken_up_at),
        )
        if at is not None and at < deadline
    )


def _unabandoned(order: Order) -> Order:
    """Take an abandonment back when a late report shows that the deadline was met."""
    if order.abandoned_at is None:
        return order
    met = set(met_before(order, order.abandoned_at)) - set(order.abandoned_despite)
    if not met:
        return order
    # Undecided again: for the policy, what was reported may not count.
    return attrs.evolve(_retracted(order), decided=False)


def _retracted(order: Order) -> Order:
    return attrs.evolve(
        order,
        abandoned_at=None,
        abandoned_by=None,
        abandoned_despite=(),
        outcome=None,
        recovered_by=None,
    )


def _paid(order: Order, payment: LedgerEntry) -> Order:
    paid = attrs.evolve(order, payments=(*order.payments, payment))
    in_full = paid_in_full_at(paid.payments, paid.total)
    if in_full is None or paid.life is Life.DRAFT:
        return paid
    return _completed(paid, in_full)


def _covered(order: Order, at: datetime) -> Order:
    """Complete an order that a change made cost no more than what was paid before."""
    in_full = paid_in_full_at(order.payments, order.total)
    return order if in_full is None else _completed(order, max(in_full, at))


def _fulfilled(order: Order, status: Fulfillment, at: datetime) -> Order:
    moved = attrs.evolve(order, fulfillment=status)
    if status is Fulfillment.SHIPPED:
        moved = _handed_over(moved, at)
    return moved if status is Fulfillment.AWAITING_PROCESSING else _taken_up(moved, at)


def _shipped(order: Order, tracking: Tracking, at: datetime) -> Order:
    tracked = attrs.evolve(order, trackings=(*order.trackings, tracking))
    if order.fulfillment is Fulfillment.COMPLETED:
        return _taken_up(_handed_over(tracked, at), at)
    return _fulfilled(tracked, Fulfillment.SHIPPED, at)


def _handed_over(order: Order, at: datetime) -> Order:
    earliest = at if order.shipped_at is None else min(order.shipped_at, at)
    return attrs.evolve(order, shipped_at=earliest)


def _payment_reported(order: Order, payment: LedgerEntry) -> Order:
    known = find_entry(order.payments, payment.reference)
    if known is not None:
        return _with_attention(order, reported_differently("payment", known, payment))
    order = _paid(order, payment)
    if payment.amount.currency != order.currency:
        return _with_attention(order, _foreign("payment", payment, order.currency))
    if order.life is Life.CANCELLED:
        return _with_attention(
            order,
            AttentionItem(
                AttentionKind.PAID_AFTER_CANCELLED,
                f"{payment.amount} was paid for a cancelled order; refund it, or place it again",
                payment.reference,
                payment.at,
            ),
        )
    if order.life is Life.DRAFT:
        return _with_attention(
            order,
            AttentionItem(
                AttentionKind.PAID_AS_DRAFT,
                f"{payment.amount} was paid for a draft; mark it as pending or as paid",
                payment.reference,
                payment.at,
            ),
        )
    return order


def _refund_reported(order: Order, refund: LedgerEntry) -> Order:
    known = find_entry(order.refunds, refund.reference)
    if known is not None:
        return _with_attention(order, reported_differently("refund", known, refund))
    order = attrs.evolve(order, refunds=(*order.refunds, refund))
    if refund.amount.currency != order.currency:
        return _with_attention(order, _foreign("refund", refund, order.currency))
    if order.refunded_total > order.paid_total:
        return _with_attention(
            order,
            AttentionItem(
                AttentionKind.REFUNDED_MORE_THAN_CAPTURED,
                f"{order.refunded_total} was refunded of {order.paid_total} that was paid; "
                "look for a payment that was not reported, or a refund made twice",
                refund.reference,
                refund.at,
            ),
        )
    return order


def _shipment_reported(order: Order, tracking: Tracking, at: datetime) -> Order:
    parcel = f"{tracking.carrier} {tracking.number}".strip()
    if order.life is Life.CANCELLED:
        return _with_attention(
            _shipped(order, tracking, at),
            AttentionItem(
                AttentionKind.SHIPPED_AFTER_CANCELLED,
                f"parcel {parcel} of a cancelled order was handed over; ask for it back",
                tracking.number,
                at,
            ),
        )
    if order.life is Life.DRAFT or order.delivery is not Delivery.SHIP:
        what = "a draft" if order.life is Life.DRAFT else f"an order with delivery {order.delivery}"
        return _with_attention(
            _taken_up(attrs.evolve(order, trackings=(*order.trackings, tracking)), at),
            AttentionItem(
                AttentionKind.SHIPPED_UNEXPECTEDLY,
                f"parcel {parcel} of {what} was handed over; look whether it is the right order",
                tracking.number,
                at,
            ),
        )
    return _shipped(order, tracking, at)


def find_entry(entries: tuple[LedgerEntry, ...], reference: str) -> LedgerEntry | None:
    """Find the payment, or the refund, of a reference."""
    return next((entry for entry in entries if entry.reference == reference), None)


def reported_differently(kind: str, known: LedgerEntry, reported: LedgerEntry) -> AttentionItem:
    """Say that a known reference came again with another amount; the first one counts."""
    return AttentionItem(
        AttentionKind.REPORTED_DIFFERENTLY,
        f"{kind} {known.reference} of {known.amount} was reported again as {reported.amount}; "
        "the first report counts; compare with the gateway",
        reported.reference,
        reported.at,
    )


def _foreign(kind: str, entry: LedgerEntry, currency: str) -> AttentionItem:
    return AttentionItem(
        AttentionKind.FOREIGN_CURRENCY,
        f"a {kind} of {entry.amount} does not count towards an order in {currency}; "
        "find out what it was worth, and record the rest by hand",
        entry.reference,
        entry.at,
    )


def _with_attention(order: Order, item: AttentionItem) -> Order:
    return attrs.evolve(order, attention=(*order.attention, item))
