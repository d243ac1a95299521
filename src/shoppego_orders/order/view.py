"""One order for people: what is known of it, what it comes to, and what happened when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from shoppego_orders.attribution.view import sourced
from shoppego_orders.markup import (
    Markup,
    Tone,
    badge,
    beside,
    element,
    facts,
    moment,
    table,
    typed,
    view,
)
from shoppego_orders.order.statuses import Fulfillment, Life, PaymentStatus, Recovery

if TYPE_CHECKING:
    from shoppego_orders.attribution import Touch
    from shoppego_orders.customers import Address
    from shoppego_orders.money import Money
    from shoppego_orders.order.row import OrderRow
    from shoppego_orders.order.state import OrderState


def order_html(order: OrderState) -> str:
    """Show an order with its timeline; times are UTC."""
    attention = (
        element("p", beside((badge("look at this", Tone.BAD), typed(item.message))))
        for item in order.attention
    )
    return view(
        beside(("Order", typed(order.number), "of", typed(order.shop))),
        element("p", beside(badges(order))),
        *attention,
        facts(
            (name, sourced(value, order.logo) if name == "Source" and value else value)
            for name, value in known_of(order)
        ),
        table(
            ITEMS,
            items_of(order),
            foot=((name, "", "", "", order.currency, money.text) for name, money in sums_of(order)),
        ),
        table(
            ("When (UTC)", "What", "Details"),
            ((moment(at), what, details) for at, what, details in timeline(order)),
            caption="Timeline",
        ),
        *(
            [element("p", f"{len(order.changes)} of its events are not saved yet.")]
            if order.changes
            else ()
        ),
    )


def badges(order: OrderState | OrderRow) -> Iterator[Markup]:
    """Show an order's statuses: those of payment and fulfillment, and what is out of the common."""
    if order.life is not Life.OPEN:
        yield badge(order.life, Tone.BAD if order.life is Life.CANCELLED else Tone.OPEN)
    yield badge(order.payment_status, _OF_PAYMENT[order.payment_status])
    yield badge(order.fulfillment, _OF_FULFILLMENT.get(order.fulfillment, Tone.PLAIN))
    if order.archived:
        yield badge("archived")
    if order.recovery is not None:
        yield badge("abandoned", Tone.BAD)
        if order.recovery is not Recovery.OPEN:
            yield recovery_badge(order.recovery)
    if order.needs_attention:
        yield badge("look at this", Tone.BAD)


def recovery_badge(end: Recovery) -> Markup:
    """Show how an abandoned checkout ended."""
    return badge(end, _OF_RECOVERY[end])


def known_of(order: OrderState) -> Iterator[tuple[str, str]]:
    """Tell what is known of an order besides its statuses and times; "" for what is not."""
    yield "Customer", ", ".join(filter(None, (order.customer_name, order.email, order.phone)))
    yield "Ship to", _address(order.shipping_address)
    yield "Bill to", _address(order.billing_address)
    method = order.payment_method
    yield "Payment by", "" if method is None else f"{method.name} ({method.type})".strip()
    yield "Source", "" if order.attribution is None else order.attribution.reason
    yield "Channel", order.channel or ""
    yield "Campaign", order.campaign or ""
    for tracking in order.trackings:
        yield "Parcel", " ".join(filter(None, (tracking.carrier, tracking.number, tracking.url)))
    yield "Tags", ", ".join(order.tags)
    yield "Note", order.note


ITEMS: Final = ("Item", "Variant", "SKU", ">Quantity", ">Price", ">Total")


def items_of(order: OrderState) -> list[tuple[str, ...]]:
    """Tell what was ordered, under the names of :data:`ITEMS`."""
    return [
        (
            line.product,
            line.variant,
            line.sku,
            str(line.quantity),
            line.unit_price.text,
            line.total.text,
        )
        for line in order.lines
    ]


def sums_of(order: OrderState) -> Iterator[tuple[str, Money]]:
    """Tell how an order's total comes about, and what of it is paid."""
    yield "Subtotal", order.subtotal
    for adjustment in order.adjustments:
        label = f" ({adjustment.label})" if adjustment.label else ""
        yield f"{adjustment.kind.capitalize()}{label}", adjustment.amount
    yield "Total", order.total
    if order.paid_total:
        yield "Paid", order.paid_total
    if order.refunded_total:
        yield "Refunded", order.refunded_total
    if order.refund_due:
        yield "Owed to the customer", order.refund_due
    elif order.amount_due:
        yield "Still to be paid", order.amount_due


def timeline(order: OrderState) -> list[tuple[datetime, str, str]]:
    """Tell what happened when, as far as the state tells; who did it, the store's events say."""
    return sorted(_happened(order), key=itemgetter(0))


_OF_PAYMENT: Final = {
    PaymentStatus.PENDING: Tone.OPEN,
    PaymentStatus.PARTIALLY_PAID: Tone.OPEN,
    PaymentStatus.PAID: Tone.GOOD,
    PaymentStatus.PARTIALLY_REFUNDED: Tone.BAD,
    PaymentStatus.REFUNDED: Tone.BAD,
}
_OF_RECOVERY: Final = {
    Recovery.OPEN: Tone.OPEN,
    Recovery.RECOVERED: Tone.GOOD,
    Recovery.RETURNED: Tone.GOOD,
    Recovery.SUBSTITUTED: Tone.GOOD,
    Recovery.LOST: Tone.BAD,
}
_OF_FULFILLMENT: Final = {
    Fulfillment.AWAITING_PROCESSING: Tone.OPEN,
    Fulfillment.SHIPPED: Tone.GOOD,
    Fulfillment.COMPLETED: Tone.GOOD,
}


def _happened(order: OrderState) -> Iterator[tuple[datetime, str, str]]:
    for touch in order.touches:
        yield touch.at, "visited", _visit(touch)
    for ignored in order.ignored_touches:
        yield ignored.touch.at, f"visited, not counted ({ignored.reason})", _visit(ignored.touch)
    draft = order.taken_up_at == order.placed_at
    yield order.placed_at, "entered by the merchant" if draft else "checkout began", ""
    for changed_at in order.activity:
        yield changed_at, "checkout changed", ""
    for payment in order.payments:
        yield payment.at, "paid", f"{payment.amount}, {payment.reference}"
    for refund in order.refunds:
        yield refund.at, "refunded", f"{refund.amount}, {refund.reference}"
    # At one instant, a checkout is completed by what comes above.
    once = (
        (order.confirmed_at, "confirmed without a payment", ""),
        (order.completed_at, "checkout completed", ""),
        (None if draft else order.taken_up_at, "taken up by the merchant", ""),
        (order.shipped_at, "shipped", ""),
        (order.cancelled_at, "cancelled", order.cancel_reason or ""),
        (order.abandoned_at, "abandoned", f"by policy {order.abandoned_by}"),
        (order.returned_at, "came back through a recovery link", ""),
        (order.recovered_at, "completed after all", ""),
    )
    yield from ((at, what, details) for at, what, details in once if at is not None)
    for item in order.attention:
        yield item.at, "contradicts the order", item.reference


def _visit(touch: Touch) -> str:
    return f"{touch.landing_url}, from {touch.referrer}" if touch.referrer else touch.landing_url


def _address(address: Address | None) -> str:
    if address is None:
        return ""
    town = f"{address.zip} {address.city}".strip()
    parts = (address.name, address.address1, address.address2, town, address.state, address.country)
    return ", ".join(filter(None, parts))
