"""The order: its state, the merchant's commands, and the facts that others report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Required, TypedDict, Unpack

import attrs

from shoppego_orders.attribution import Attribution, IgnoredTouch, Touch
from shoppego_orders.customers import Address, Customer, Identify, customer_key
from shoppego_orders.errors import BrokenHistory, CommandRefused, InvalidValue
from shoppego_orders.money import Money
from shoppego_orders.order import ledger
from shoppego_orders.order.events import (
    Abandoned,
    AbandonmentRetracted,
    AddressEdited,
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
    OrderEvent,
    PaymentMethod,
    PaymentRecorded,
    Placed,
    RecoverySettled,
    RefundRecorded,
    ShipmentRecorded,
    TagsSet,
    Tracking,
    TrackingAdded,
)
from shoppego_orders.order.evolution import (
    evolve,
    find_entry,
    met_before,
    reported_differently,
    topics_of,
)
from shoppego_orders.order.ledger import LedgerEntry
from shoppego_orders.order.lines import (
    Adjustment,
    LineItem,
    check_composition,
    check_types,
    holds_something,
)
from shoppego_orders.order.state import OrderState
from shoppego_orders.order.statuses import (
    FULFILLMENTS,
    Blocker,
    Delivery,
    Fulfillment,
    Life,
    Recovery,
    blockers_of,
)
from shoppego_orders.periods import LAST_INSTANT, instant_text, utc
from shoppego_orders.texts import storable, storable_or_none, word_of


class OrderParts(TypedDict, total=False):
    """What an order is placed with, besides its id and time; see :meth:`Order.place`."""

    shop: Required[str]
    currency: Required[str]
    lines: Required[Iterable[LineItem]]
    number: str | None
    adjustments: Iterable[Adjustment]
    customer: Customer
    shipping_address: Address | None
    billing_address: Address | None
    delivery: Delivery
    payment_method: PaymentMethod | None
    touches: Iterable[Touch]
    ignored_touches: Iterable[IgnoredTouch]
    attribution: Attribution | None
    note: str
    tags: Iterable[str]
    identify: Identify


@attrs.frozen(kw_only=True, repr=False)
class Order(OrderState):
    """One order of one shop. Frozen: every command and every fact returns a new order.

    Begin one with :meth:`place`, :meth:`place_draft` or :meth:`replay`. *Commands* are the
    merchant's wishes: guarded, they raise :exc:`~shoppego_orders.errors.CommandRefused` and
    change nothing. *Facts* (``record_…``) are what gateways and couriers report: they are never
    refused, count once by their reference, and leave an ``attention`` item where they contradict
    the order. Each that is accepted appends one event to :attr:`changes`, and a second one where
    it takes an abandonment back; one that would change nothing returns the order itself.
    """

    # How an order begins

    @classmethod
    def place(
        cls, *, id: str, at: datetime, actor: str = "customer", **parts: Unpack[OrderParts]
    ) -> Order:
        """Begin an order by a customer's checkout: it is open, and waits for its payment.

        :param id: unique in the store; Shoppego's checkout id.
        :param at: when the checkout began, aware.
        :param shop: the shop's domain; orders of different shops have nothing to do with each
            other.
        :param currency: ISO 4217 code; every amount of the order is in it.
        :param lines: at least one, unless a declared total stands for them.
        :param number: as people call it (``#SA123``), unique in the shop; where none is given,
            ``#`` and the id.
        :param adjustments: discounts, shipping, taxes.
        :param customer: who buys; nobody known where left out.
        :param delivery: ``ship`` unless told.
        :param touches: the visits that led here, in any order; a
            :class:`~shoppego_orders.Journey` tells which count.
        :param ignored_touches: visits that earn nothing, and why, as a journey tells.
        :param attribution: where the order came from, as a table or a journey answered.
        :param identify: tells who counts as the same customer within the shop.
        :raises InvalidValue: for an order with nothing in it, or a total below zero.
        :raises UnknownCurrency: for a currency that ISO 4217 does not list.
        :raises CurrencyMismatch: for an amount in another currency.
        :raises NaiveDatetime: for a time without a zone.
        """
        data = _placed(Life.OPEN, id, parts)
        if not holds_something(data.lines, data.adjustments):
            raise InvalidValue("lines", data.lines, "at least one line item")
        return cls._begin(id, data, utc(at, "at"), actor)

    @classmethod
    def place_draft(
        cls, *, id: str, at: datetime, actor: str = "merchant", **parts: Unpack[OrderParts]
    ) -> Order:
        """Begin a draft, which the merchant enters by hand; it may still be empty.

        :param at: the date of the draft, aware.
        :raises InvalidValue: and others, as :meth:`place` does.
        """
        return cls._begin(id, _placed(Life.DRAFT, id, parts), utc(at, "at"), actor)

    @classmethod
    def replay(
        cls,
        events: Iterable[OrderEvent],
        *,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
    ) -> Order:
        """Make an order from its whole history, oldest event first.

        :param as_of: as it was then, aware: without what occurred later.
        :param known_at: as far as it was known then, aware: without what was recorded later.
        :returns: the order, equal to the one whose history it is, at the version that a store
            which holds these events has.
        :raises BrokenHistory: for no events, a gap, or events of several orders; and for an
            order that had not been placed, or was not known, at the time asked for.
        """
        until = LAST_INSTANT if as_of is None else utc(as_of, "as_of")
        told = LAST_INSTANT if known_at is None else utc(known_at, "known_at")
        order: Order | None = None
        count = 0
        for count, event in enumerate(events, 1):
            order_id = event.order_id if order is None else order.id
            if event.id != f"{order_id}/{count}":
                raise BrokenHistory(event.id, f"expected event {order_id}/{count}")
            past = event.occurred_at <= until and event.recorded_at <= told
            if order is None:
                if not isinstance(event.data, Placed):
                    raise BrokenHistory(event.id, "a history begins with 'placed'")
                if not past:
                    raise BrokenHistory(event.id, "there was no such order yet")
                order = cls._born(event.order_id, event.data, event.occurred_at)
            elif isinstance(event.data, Placed):
                raise BrokenHistory(event.id, "an order is placed only once")
            elif past:
                order = evolve(order, event.data, event.occurred_at, event.id)
        if order is None:
            raise BrokenHistory(None, "it has no events")
        return attrs.evolve(order, version=count)

    def blockers(
        self, command: str, status: Fulfillment | str | None = None
    ) -> tuple[Blocker, ...]:
        """List every reason why a command is not possible now; none means that it is.

        :param command: the method's name, for example "cancel".
        :param status: for "set_fulfillment", where to.
        :raises InvalidValue: for a word that is no command, or no status.
        """
        wanted = None if status is None else word_of(Fulfillment, status, "status")
        return blockers_of(self, command, wanted)

    def can(self, command: str, status: Fulfillment | str | None = None) -> bool:
        """Tell whether a command is possible now."""
        return not self.blockers(command, status)

    # Commands: the merchant's wishes

    def mark_pending(self, *, at: datetime, actor: str = "merchant") -> Order:
        """Turn a draft into an open order that waits for its payment.

        :raises CommandRefused: if it is not a draft, or empty.
        """
        return self._command("mark_pending", MarkedPending(), at, actor)

    def mark_paid(self, *, at: datetime, actor: str = "merchant") -> Order:
        """Say that what was due is paid; of a draft, make an open order at once.

        :raises CommandRefused: if nothing is due, and for cancelled, archived or empty orders.
        """
        return self._command("mark_paid", MarkedPaid(self.amount_due), at, actor)

    def confirm(self, *, at: datetime, actor: str = "merchant") -> Order:
        """Complete the checkout without a payment: cash on delivery, a bank transfer to come.

        :raises CommandRefused: if the checkout is completed already, or waits for a gateway.
        """
        return self._command("confirm", Confirmed(), at, actor)

    def set_fulfillment(
        self,
        status: Fulfillment | str,
        *,
        at: datetime,
        reason: str | None = None,
        actor: str = "merchant",
    ) -> Order:
        """Set any fulfillment status; moving back is a correction, and needs a reason.

        :param reason: why; kept in the history.
        :raises InvalidValue: for a word that is no fulfillment status.
        :raises CommandRefused: unless open and not archived; for ready for pickup unless the
            delivery is ``pickup``, for shipped unless it is ``ship``; for a step back without
            a reason.
        """
        wanted = word_of(Fulfillment, status, "status")
        told = storable_or_none(reason)
        blockers = blockers_of(self, "set_fulfillment", wanted)
        back = FULFILLMENTS[wanted].rank < FULFILLMENTS[self.fulfillment].rank
        if back and not (told and told.strip()):
            blockers += (Blocker("reason_missing", "a step back needs a reason"),)
        if blockers:
            raise CommandRefused("set_fulfillment", self.id, blockers)
        if wanted is self.fulfillment:
            return self
        return self._record(FulfillmentSet(wanted, told), at, at, actor)

    def add_tracking(
        self, carrier: str, number: str, *, at: datetime, url: str = "", actor: str = "merchant"
    ) -> Order:
        """Enter a tracking number: the order is shipped, and Order Shipped is announced.

        The same number of the same carrier counts once.

        :param url: the carrier's page about the parcel.
        :raises InvalidValue: for an empty number.
        :raises CommandRefused: unless open, not archived, and delivered by shipping.
        """
        tracking = _tracking(carrier, number, url)
        if self._tracked(tracking):
            return self
        return self._command("add_tracking", TrackingAdded(tracking), at, actor)

    def change_lines(
        self,
        lines: Iterable[LineItem],
        *,
        at: datetime,
        adjustments: Iterable[Adjustment] | None = None,
        actor: str = "merchant",
    ) -> Order:
        """Replace what is ordered.

        :param adjustments: the new ones; left out, they stay as they are.
        :raises InvalidValue: if nothing would be left, or a total below zero.
        :raises CurrencyMismatch: for an amount in another currency.
        :raises CommandRefused: if cancelled, archived, shipped or completed.
        """
        kept = self.adjustments if adjustments is None else tuple(adjustments)
        data = LinesChanged(tuple(lines), kept)
        check_composition(data.lines, data.adjustments, self.currency)
        if self.life is not Life.DRAFT and not holds_something(data.lines, data.adjustments):
            raise InvalidValue("lines", data.lines, "at least one line item")
        same = data.lines == self.lines and data.adjustments == self.adjustments
        return self._command("change_lines", data, at, actor, same=same)

    def accept_offer(
        self,
        lines: Iterable[LineItem],
        *,
        at: datetime,
        payment: tuple[str, Money] | None = None,
        actor: str = "customer",
    ) -> Order:
        """Take an offer of the thank-you page: lines and payment change together.

        :param lines: what is added.
        :param payment: the gateway's reference and amount, where the offer is paid at once. An
            offer is accepted once by this reference; a payment that the gateway has reported
            already counts once, too.
        :raises InvalidValue: for no lines, or an amount not above zero.
        :raises CurrencyMismatch: for an amount in another currency.
        :raises CommandRefused: if a draft, cancelled, archived, shipped or completed.
        """
        added = tuple(lines)
        if not added:
            raise InvalidValue("lines", added, "at least one line item")
        check_composition(self.lines + added, self.adjustments, self.currency)
        reference, amount = (None, None) if payment is None else payment
        if payment is not None:
            reference = ledger.checked_fact(*payment)
            ledger.check_currency(payment[1], self.currency)
            if reference in self.offers:
                return self
        return self._command("accept_offer", OfferAccepted(added, reference, amount), at, actor)

    def edit_customer(
        self,
        customer: Customer,
        *,
        at: datetime,
        identify: Identify = customer_key,
        actor: str = "merchant",
    ) -> Order:
        """Correct who bought.

        :param identify: the same function that the order was placed with.
        :raises CommandRefused: if cancelled or archived.
        """
        check_types("customer", Customer, [customer])
        data = CustomerEdited(customer, storable_or_none(identify(customer)))
        same = customer == self.customer and data.customer_key == self.customer_key
        return self._command("edit_customer", data, at, actor, same=same)

    def edit_address(
        self,
        *,
        at: datetime,
        shipping: Address | None = None,
        billing: Address | None = None,
        actor: str = "merchant",
    ) -> Order:
        """Correct the shipping address, the billing address, or both; None leaves one as it is.

        :raises CommandRefused: if cancelled or archived.
        """
        check_types("shipping", Address, () if shipping is None else [shipping])
        check_types("billing", Address, () if billing is None else [billing])
        data = AddressEdited(shipping or self.shipping_address, billing or self.billing_address)
        same = data == AddressEdited(self.shipping_address, self.billing_address)
        return self._command("edit_address", data, at, actor, same=same)

    def edit_note(self, note: str, *, at: datetime, actor: str = "merchant") -> Order:
        """Replace the note.

        :raises CommandRefused: if cancelled or archived.
        """
        data = NoteEdited(storable(note))
        return self._command("edit_note", data, at, actor, same=data.note == self.note)

    def set_tags(self, tags: Iterable[str], *, at: datetime, actor: str = "merchant") -> Order:
        """Replace the tags.

        :raises CommandRefused: if cancelled or archived.
        """
        data = TagsSet(_tags(tags))
        return self._command("set_tags", data, at, actor, same=data.tags == self.tags)

    def cancel(self, *, reason: str, at: datetime, actor: str = "merchant") -> Order:
        """Cancel. This never refunds; :attr:`refund_due` says what is owed to the customer.

        :param reason: why, for the history; not empty.
        :raises InvalidValue: for an empty reason.
        :raises CommandRefused: once cancelled, archived, shipped or completed.
        """
        why = storable(reason).strip()
        if not why:
            raise InvalidValue("reason", reason, "why it is cancelled")
        return self._command("cancel", Cancelled(why), at, actor)

    def archive(self, *, at: datetime, actor: str = "merchant") -> Order:
        """Take the order out of the All view, for good.

        :raises CommandRefused: for a draft, and for an archived order.
        """
        return self._command("archive", Archived(), at, actor)

    # Facts: what gateways, couriers and sweeps report

    def record_payment(
        self,
        reference: str,
        amount: Money,
        *,
        at: datetime,
        recorded_at: datetime | None = None,
        actor: str = "gateway",
    ) -> Order:
        """Take a report of a payment, whatever the order's state.

        :param reference: the gateway's own; the same reference is the same payment.
        :param amount: above zero; in a currency that is not the order's, it is kept and does
            not count.
        :param at: when it was paid, aware.
        :param recorded_at: when the report came, aware; ``at`` unless told.
        :raises InvalidValue: for an empty reference, or an amount that is not above zero.
        """
        reference = ledger.checked_fact(reference, amount)
        if self._reported("payment", self.payments, reference, amount):
            return self
        return self._record(PaymentRecorded(reference, amount), at, recorded_at or at, actor)

    def record_refund(
        self,
        reference: str,
        amount: Money,
        *,
        at: datetime,
        recorded_at: datetime | None = None,
        actor: str = "merchant",
    ) -> Order:
        """Take a report of a refund, whatever the order's state; as :meth:`record_payment`.

        :raises InvalidValue: for an empty reference, or an amount that is not above zero.
        """
        reference = ledger.checked_fact(reference, amount)
        if self._reported("refund", self.refunds, reference, amount):
            return self
        return self._record(RefundRecorded(reference, amount), at, recorded_at or at, actor)

    def record_shipment(
        self,
        carrier: str,
        number: str,
        *,
        at: datetime,
        url: str = "",
        recorded_at: datetime | None = None,
        actor: str = "courier",
    ) -> Order:
        """Take a courier's report that a parcel was handed over, whatever the order's state.

        The same number of the same carrier counts once.

        :param at: when it was handed over, aware.
        :raises InvalidValue: for an empty number.
        """
        tracking = _tracking(carrier, number, url)
        if self._tracked(tracking):
            return self
        return self._record(ShipmentRecorded(tracking), at, recorded_at or at, actor)

    def record_abandonment(
        self,
        *,
        policy: str,
        reasons: Sequence[str],
        at: datetime,
        recorded_at: datetime,
        despite: Iterable[str] = (),
        actor: str = "sweep",
    ) -> Order:
        """Take a sweep's verdict that the checkout was abandoned; it counts once.

        A verdict that what was reported since contradicts changes nothing.

        :param policy: which policy said so.
        :param reasons: why, in words.
        :param at: the deadline that was missed, aware.
        :param recorded_at: when the sweep ran, aware.
        :param despite: what had happened before the deadline and does not count for the policy,
            of "completed", "paid", "taken_up".
        """
        data = Abandoned(storable(policy), _storables(reasons), _storables(despite))
        if self.abandoned_at is not None:
            return self
        if evolve(self, data, utc(at, "at"), "").abandoned_at is None:
            return self
        return self._record(data, at, recorded_at, actor)

    def record_retraction(
        self, *, reasons: Sequence[str], at: datetime, actor: str = "sweep"
    ) -> Order:
        """Take an abandonment back, because something that happened before was reported since.

        :param reasons: why, in words.
        :param at: when that was found out, aware.
        """
        if self.abandoned_at is None:
            return self
        return self._record(AbandonmentRetracted(_storables(reasons)), at, at, actor)

    def record_return(self, step: int, *, at: datetime, actor: str = "customer") -> Order:
        """Take note that the customer came back through a recovery link; the first time counts.

        :param step: of the reminder that carried the link, from 1.
        :param at: when, aware.
        :raises InvalidValue: for a step that is no number from 1.
        """
        if type(step) is not int or step < 1:
            raise InvalidValue("step", step, "a whole number of at least 1")
        if self.returned_at is not None and self.returned_at <= utc(at, "at"):
            return self
        return self._record(CustomerReturned(step), at, at, actor)

    def record_outcome(
        self,
        outcome: Recovery | str,
        *,
        purchase: str | None,
        at: datetime,
        recorded_at: datetime,
        actor: str = "sweep",
    ) -> Order:
        """Take note of how an abandoned checkout ended; the first that is told counts.

        Of an order that is not abandoned there is nothing to note.

        :param outcome: any but ``open``.
        :param purchase: id of the order that was bought in the end; None if it was lost.
        :param at: when it was bought, or lost, aware.
        :param recorded_at: when that was found out, aware.
        :raises InvalidValue: for another word, or a purchase where there is none.
        """
        ended = word_of(Recovery, outcome, "outcome")
        if ended is Recovery.OPEN:
            ends = ", ".join(word for word in Recovery if word is not Recovery.OPEN)
            raise InvalidValue("outcome", outcome, f"how it ended: one of {ends}")
        if (purchase is None) is not (ended is Recovery.LOST):
            raise InvalidValue("purchase", purchase, "the id of what was bought; None for lost")
        if self.recovery is not Recovery.OPEN:
            return self
        data = RecoverySettled(ended, storable_or_none(purchase))
        return self._record(data, at, recorded_at, actor)

    # How the above is done

    @classmethod
    def _begin(cls, id: str, data: Placed, at: datetime, actor: str) -> Order:
        order = cls._born(id, data, at)
        event = OrderEvent(f"{id}/1", id, at, at, actor, (), data)
        return attrs.evolve(order, changes=(event,))

    @classmethod
    def _born(cls, id: str, data: Placed, at: datetime) -> Order:
        return cls(
            id=id,
            placed_at=at,
            changed_at=at,
            taken_up_at=at if data.life is Life.DRAFT else None,
            **{name: getattr(data, name) for name in _PLACED},
        )

    def _command(
        self, name: str, data: EventData, at: datetime, actor: str, *, same: bool = False
    ) -> Order:
        blockers = blockers_of(self, name)
        if blockers:
            raise CommandRefused(name, self.id, blockers)
        return self if same else self._record(data, at, at, actor)

    def _record(self, data: EventData, at: datetime, recorded_at: datetime, actor: str) -> Order:
        occurred = utc(at, "at")
        event_id = f"{self.id}/{self.version + len(self.changes) + 1}"
        after = evolve(self, data, occurred, event_id)
        event = OrderEvent(
            event_id,
            self.id,
            occurred,
            utc(recorded_at, "recorded_at"),
            actor,
            topics_of(self, after, data),
            data,
        )
        after = attrs.evolve(after, changes=(*self.changes, event))
        if self.abandoned_at is None or after.abandoned_at is not None:
            return after
        if isinstance(data, AbandonmentRetracted):
            return after
        return after._retraction(self.abandoned_at, event)

    def _retraction(self, deadline: datetime, report: OrderEvent) -> Order:
        """Say why an abandonment was taken back; the state has changed with the report already."""
        told = instant_text(report.recorded_at)
        what = " and ".join(met_before(self, deadline)).replace("_", " ")
        reason = (
            f"It was {what} before its deadline at {instant_text(deadline)}; "
            f"that was reported at {told}."
        )
        data = AbandonmentRetracted((reason,))
        return self._record(data, report.recorded_at, report.recorded_at, report.actor)

    def _reported(
        self, kind: str, entries: tuple[LedgerEntry, ...], reference: str, amount: Money
    ) -> bool:
        known = find_entry(entries, reference)
        if known is None:
            return False
        again = reported_differently(kind, known, attrs.evolve(known, amount=amount))
        return amount == known.amount or any(
            (item.kind, item.message) == (again.kind, again.message) for item in self.attention
        )

    def _tracked(self, tracking: Tracking) -> bool:
        return any(
            (known.carrier, known.number) == (tracking.carrier, tracking.number)
            for known in self.trackings
        )


_PLACED = tuple(field.name for field in attrs.fields(Placed))
_OPTIONAL_PARTS: Sequence[tuple[str, type]] = (
    ("shipping_address", Address),
    ("billing_address", Address),
    ("payment_method", PaymentMethod),
    ("attribution", Attribution),
)


def _placed(life: Life, id: str, parts: OrderParts) -> Placed:
    unknown = parts.keys() - OrderParts.__annotations__.keys()
    if unknown:
        raise TypeError(f"an order has no {', '.join(sorted(unknown))}")
    for field, value in (("id", id), ("shop", parts["shop"])):
        if type(value) is not str or not value.strip() or storable(value) != value:
            expected = "a text that is not empty, without NUL and lone surrogates"
            raise InvalidValue(field, value, expected)
    currency = Money.zero(parts["currency"]).currency
    customer = parts.get("customer") or Customer()
    check_types("customer", Customer, [customer])
    data = Placed(
        life=life,
        shop=parts["shop"],
        number=storable(parts.get("number") or f"#{id}"),
        currency=currency,
        lines=tuple(parts["lines"]),
        adjustments=tuple(parts.get("adjustments", ())),
        customer=customer,
        customer_key=storable_or_none(parts.get("identify", customer_key)(customer)),
        shipping_address=parts.get("shipping_address"),
        billing_address=parts.get("billing_address"),
        delivery=word_of(Delivery, parts.get("delivery", Delivery.SHIP), "delivery"),
        payment_method=parts.get("payment_method"),
        touches=_by_time(parts.get("touches", ())),
        ignored_touches=tuple(parts.get("ignored_touches", ())),
        attribution=parts.get("attribution"),
        note=storable(parts.get("note", "")),
        tags=_tags(parts.get("tags", ())),
    )
    check_types("ignored_touches", IgnoredTouch, data.ignored_touches)
    for field, kind in _OPTIONAL_PARTS:
        value = getattr(data, field)
        check_types(field, kind, () if value is None else [value])
    check_composition(data.lines, data.adjustments, currency)
    return data


def _by_time(touches: Iterable[Touch]) -> tuple[Touch, ...]:
    given = tuple(touches)
    check_types("touches", Touch, given)
    return tuple(sorted(given, key=lambda touch: touch.at))


def _storables(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(storable(text) for text in texts)


def _tags(tags: Iterable[str]) -> tuple[str, ...]:
    if isinstance(tags, str):
        raise InvalidValue("tags", tags, "a list of tags")
    return tuple(dict.fromkeys(tag for tag in (storable(tag).strip() for tag in tags) if tag))


def _tracking(carrier: str, number: str, url: str) -> Tracking:
    tracking = Tracking(storable(carrier).strip(), storable(number).strip(), url)
    if not tracking.number:
        raise InvalidValue("number", number, "the parcel's tracking number")
    return tracking
