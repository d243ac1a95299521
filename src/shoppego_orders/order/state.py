"""The state of an order, and what follows from it."""

from __future__ import annotations

from datetime import datetime

import attrs

from shoppego_orders.attribution import Attribution, IgnoredTouch, Touch
from shoppego_orders.customers import Address, Customer, phone_digits
from shoppego_orders.money import Money
from shoppego_orders.order import ledger
from shoppego_orders.order.events import OrderEvent, PaymentMethod, Tracking
from shoppego_orders.order.ledger import AttentionItem, LedgerEntry
from shoppego_orders.order.lines import Adjustment, AdjustmentKind, LineItem, adjusted, subtotal
from shoppego_orders.order.statuses import (
    Delivery,
    Fulfillment,
    Life,
    PaymentStatus,
    PaymentType,
    Recovery,
)
from shoppego_orders.texts import folded, one_line


@attrs.frozen(kw_only=True, repr=False)
class OrderState:
    """What an order is; :class:`~shoppego_orders.Order` adds what can happen to it.

    Instants are aware, and kept in UTC. ``version`` counts the events that the store holds, and
    ``decided`` tells whether a sweep has judged the order: both belong to the store, and like
    the unsaved ``changes`` they take no part in equality. What follows from other fields is a
    property, so the two can't disagree.

    :ivar placed_at: when the checkout began.
    :ivar customer_key: who counts as the same customer within the shop; None for nobody known.
    :ivar touches: the visits that led here, oldest first.
    :ivar ignored_touches: visits that earn nothing, and why.
    :ivar offers: the payment references of the offers that were accepted.
    :ivar completed_at: when the checkout was first completed: paid in full, or confirmed.
    :ivar confirmed_at: when it was first confirmed without a payment (cash on delivery, a bank
        transfer to come).
    :ivar taken_up_at: when the merchant first took it up (a draft: when it was entered).
    :ivar activity: when the open checkout was changed (what is ordered, by whom, whereto)
        before it was completed; oldest first.
    :ivar changed_at: when the latest thing happened to it; None where an old document does not
        tell.
    :ivar abandoned_at: the deadline that it missed, if a sweep found it abandoned.
    :ivar abandoned_by: the policy that said so.
    :ivar abandoned_despite: what had happened before the deadline and did not count for it.
    :ivar returned_at: when the customer first came back to it through a recovery link.
    :ivar outcome: how it ended, once somebody has recorded that.
    :ivar recovered_by: id of the order that was bought in the end: this one or another.
    """

    id: str
    shop: str
    number: str
    currency: str
    placed_at: datetime
    life: Life
    archived: bool = False
    fulfillment: Fulfillment = Fulfillment.AWAITING_PROCESSING
    delivery: Delivery
    lines: tuple[LineItem, ...]
    adjustments: tuple[Adjustment, ...]
    payments: tuple[LedgerEntry, ...] = ()
    refunds: tuple[LedgerEntry, ...] = ()
    customer: Customer
    customer_key: str | None
    shipping_address: Address | None
    billing_address: Address | None
    payment_method: PaymentMethod | None
    touches: tuple[Touch, ...]
    ignored_touches: tuple[IgnoredTouch, ...]
    attribution: Attribution | None
    note: str
    tags: tuple[str, ...]
    trackings: tuple[Tracking, ...] = ()
    attention: tuple[AttentionItem, ...] = ()
    offers: tuple[str, ...] = ()
    completed_at: datetime | None = None
    confirmed_at: datetime | None = None
    taken_up_at: datetime | None = None
    shipped_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    activity: tuple[datetime, ...] = ()
    changed_at: datetime | None = None
    abandoned_at: datetime | None = None
    abandoned_by: str | None = None
    abandoned_despite: tuple[str, ...] = ()
    returned_at: datetime | None = None
    outcome: Recovery | None = None
    recovered_by: str | None = None
    version: int = attrs.field(default=0, eq=False)
    decided: bool = attrs.field(default=False, eq=False)
    changes: tuple[OrderEvent, ...] = attrs.field(default=(), eq=False)

    @property
    def subtotal(self) -> Money:
        """The sum of the lines, before adjustments."""
        return subtotal(self.lines, self.currency)

    @property
    def discount_total(self) -> Money:
        """What was taken off, zero or more."""
        return -adjusted(self.adjustments, AdjustmentKind.DISCOUNT, self.currency)

    @property
    def shipping_total(self) -> Money:
        """What shipping costs the customer."""
        return adjusted(self.adjustments, AdjustmentKind.SHIPPING, self.currency)

    @property
    def tax_total(self) -> Money:
        """Taxes on top of the prices."""
        return adjusted(self.adjustments, AdjustmentKind.TAX, self.currency)

    @property
    def declared_difference(self) -> Money:
        """How far a declared total is from the sum of the parts that were told."""
        return adjusted(self.adjustments, AdjustmentKind.DECLARED, self.currency)

    @property
    def total(self) -> Money:
        """Subtotal − discounts + shipping + tax + declared difference."""
        return self.subtotal + Money.sum_of(
            (item.amount for item in self.adjustments), self.currency
        )

    @property
    def paid_total(self) -> Money:
        """What was paid in the order's currency, refunds not counted."""
        return ledger.captured(self.payments, self.currency)

    @property
    def refunded_total(self) -> Money:
        """What was refunded in the order's currency."""
        return ledger.captured(self.refunds, self.currency)

    @property
    def payment_status(self) -> PaymentStatus:
        """What the ledger says against the total."""
        return ledger.payment_status(self.paid_total, self.refunded_total, self.total)

    @property
    def balance(self) -> Money:
        """What is still to be paid; below zero, what the merchant owes the customer."""
        return ledger.balance(
            self.paid_total,
            self.refunded_total,
            self.total,
            cancelled=self.life is Life.CANCELLED,
        )

    @property
    def amount_due(self) -> Money:
        """What the customer still has to pay, zero or more."""
        return max(self.balance, Money.zero(self.currency))

    @property
    def refund_due(self) -> Money:
        """What the merchant still owes the customer, zero or more.

        Cancelling does not refund: the merchant does, by hand or in the gateway's dashboard
        (Shoppego, Orders page, FAQ 1).
        """
        return max(-self.balance, Money.zero(self.currency))

    @property
    def units(self) -> int:
        """How many pieces were ordered, over all lines."""
        return sum(line.quantity for line in self.lines)

    @property
    def customer_name(self) -> str:
        """The customer's name, or the addressee's where the customer left none."""
        named = self.customer.name
        if named or self.shipping_address is None:
            return named
        return self.shipping_address.name

    @property
    def email(self) -> str:
        """The customer's e-mail address, or the addressee's; "" for none."""
        if self.customer.email or self.shipping_address is None:
            return self.customer.email or ""
        return self.shipping_address.email

    @property
    def phone(self) -> str:
        """The customer's phone number as it was typed, or the addressee's; "" for none."""
        if self.customer.phone or self.shipping_address is None:
            return self.customer.phone or ""
        return self.shipping_address.phone

    @property
    def phone_digits(self) -> str:
        """The phone number in the form that a search compares: 60123456789; "" for none."""
        return phone_digits(self.phone) or ""

    @property
    def search_text(self) -> str:
        """Number, name and e-mail address, folded: what a search looks into."""
        return folded(f"{self.number}\n{self.customer_name}\n{self.email}")

    @property
    def shipping_address1(self) -> str:
        """First line of the shipping address; "" for none, as in the other parts of it."""
        return self._shipping_address.address1

    @property
    def shipping_address2(self) -> str:
        """Second line of the shipping address."""
        return self._shipping_address.address2

    @property
    def shipping_zip(self) -> str:
        """Postcode of the shipping address."""
        return self._shipping_address.zip

    @property
    def shipping_city(self) -> str:
        """City of the shipping address."""
        return self._shipping_address.city

    @property
    def shipping_state(self) -> str:
        """State of the shipping address."""
        return self._shipping_address.state

    @property
    def shipping_country(self) -> str:
        """Country of the shipping address."""
        return self._shipping_address.country

    @property
    def payment_method_name(self) -> str:
        """The payment method's name; "" where none was chosen."""
        return "" if self.payment_method is None else self.payment_method.name

    @property
    def payment_type(self) -> PaymentType | None:
        """The payment method's type."""
        return None if self.payment_method is None else self.payment_method.type

    @property
    def source(self) -> str | None:
        """Key of the source that the order is attributed to; None if it was not attributed."""
        return None if self.attribution is None else self.attribution.source

    @property
    def logo(self) -> str | None:
        """The logo that the Orders page shows for the source."""
        return None if self.attribution is None else self.attribution.logo

    @property
    def channel(self) -> str | None:
        """The source's channel."""
        return None if self.attribution is None else self.attribution.channel

    @property
    def medium(self) -> str | None:
        """``utm_medium``, as it came."""
        return None if self.attribution is None else self.attribution.medium

    @property
    def campaign(self) -> str | None:
        """``utm_campaign``, as it came."""
        return None if self.attribution is None else self.attribution.campaign

    @property
    def first_touch(self) -> Touch | None:
        """The oldest visit that led to the order."""
        return self.touches[0] if self.touches else None

    @property
    def last_touch(self) -> Touch | None:
        """The newest visit that led to the order."""
        return self.touches[-1] if self.touches else None

    @property
    def days_to_conversion(self) -> int | None:
        """Whole days of 24 hours from the first visit to the order; None without visits."""
        return (self.placed_at - self.touches[0].at).days if self.touches else None

    @property
    def tracking_numbers(self) -> tuple[str, ...]:
        """The tracking numbers, in the order in which they were entered."""
        return tuple(tracking.number for tracking in self.trackings)

    @property
    def needs_attention(self) -> bool:
        """Tell whether a fact contradicts the order; see :attr:`attention`."""
        return bool(self.attention)

    @property
    def products(self) -> tuple[str, ...]:
        """The names of the products ordered, each once."""
        return tuple(dict.fromkeys(line.product for line in self.lines))

    @property
    def paid_at(self) -> datetime | None:
        """When what was paid first reached the total; None while it has not."""
        return ledger.paid_in_full_at(self.payments, self.total)

    @property
    def recovered_at(self) -> datetime | None:
        """When an abandoned checkout was completed after all: at its deadline or later."""
        deadline = self.abandoned_at
        if deadline is None:
            return None
        return min(
            (at for at in (self.completed_at, self.paid_at) if at is not None and at >= deadline),
            default=None,
        )

    @property
    def recovery(self) -> Recovery | None:
        """How an abandoned checkout ended; None where it was not abandoned."""
        return None if self.abandoned_at is None else self.outcome or Recovery.OPEN

    def __repr__(self) -> str:
        which = one_line(f"{self.id} ({self.number}) of {self.shop}")[:_LONGEST_REPR]
        states = (self.life, *(["archived"] if self.archived else []), self.payment_status)
        return f"<Order {which}: {', '.join(states)}, {self.fulfillment}, {self.total}>"

    def _repr_html_(self) -> str:
        """The order as a notebook shows it, with its timeline; times are UTC."""
        from shoppego_orders.order.view import order_html

        return order_html(self)

    @property
    def _shipping_address(self) -> Address:
        return self.shipping_address or _NO_ADDRESS


_NO_ADDRESS = Address()
_LONGEST_REPR = 100
