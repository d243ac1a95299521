"""Payments and refunds, and what follows from them: the payment status, and who owes whom."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import attrs

from shoppego_orders.errors import CurrencyMismatch, InvalidValue
from shoppego_orders.money import Money
from shoppego_orders.order.statuses import PaymentStatus
from shoppego_orders.texts import storable


@attrs.frozen
class LedgerEntry:
    """A payment, or a refund, that someone reported.

    :ivar reference: the reporter's own name for it; the same reference is the same entry.
    :ivar amount: above zero, in whichever currency was reported.
    :ivar at: when the money moved, UTC.
    """

    reference: str
    amount: Money
    at: datetime


class AttentionKind(StrEnum):
    """In what a recorded fact contradicts its order."""

    PAID_AFTER_CANCELLED = "paid_after_cancelled"
    PAID_AS_DRAFT = "paid_as_draft"
    SHIPPED_AFTER_CANCELLED = "shipped_after_cancelled"
    SHIPPED_UNEXPECTEDLY = "shipped_unexpectedly"
    REFUNDED_MORE_THAN_CAPTURED = "refunded_more_than_captured"
    FOREIGN_CURRENCY = "foreign_currency"
    REPORTED_DIFFERENTLY = "reported_differently"


@attrs.frozen
class AttentionItem:
    """What the merchant should look at, because a fact and the order contradict each other.

    :ivar kind: for programs.
    :ivar message: for people: what was reported, and what to look at.
    :ivar reference: of the fact.
    :ivar at: when the fact occurred, UTC.
    """

    kind: AttentionKind
    message: str
    reference: str
    at: datetime


def checked_fact(reference: str, amount: Money) -> str:
    """Refuse what is no payment or refund at all, and return the reference.

    :raises InvalidValue: for an empty reference, or an amount that is not above zero.
    """
    reference = storable(reference)
    if not reference.strip():
        raise InvalidValue("reference", reference, "the gateway's reference of the payment")
    if not isinstance(amount, Money) or amount.minor <= 0:
        shown = str(amount) if isinstance(amount, Money) else amount
        raise InvalidValue("amount", shown, "Money above zero")
    return reference


def captured(entries: Iterable[LedgerEntry], currency: str) -> Money:
    """Sum up the entries in a currency; entries in another can't count towards an order."""
    return Money.sum_of(
        (entry.amount for entry in entries if entry.amount.currency == currency), currency
    )


def payment_status(paid: Money, refunded: Money, total: Money) -> PaymentStatus:
    """Derive the payment status from the ledger's sums and the order's total.

    Giving back only what was paid too much leaves an order paid. An order with nothing to pay
    is paid.
    """
    if refunded.minor and paid.minor:
        if refunded >= paid:
            return PaymentStatus.REFUNDED
        if paid - refunded < total:
            return PaymentStatus.PARTIALLY_REFUNDED
    if paid >= total:
        return PaymentStatus.PAID
    return PaymentStatus.PARTIALLY_PAID if paid.minor else PaymentStatus.PENDING


def balance(paid: Money, refunded: Money, total: Money, *, cancelled: bool) -> Money:
    """Derive what is still to be paid; below zero, what the merchant owes the customer.

    What was refunded after full payment is not asked for again. Of a cancelled order, everything
    that was paid and not refunded is owed to the customer.
    """
    nothing = Money.zero(total.currency)
    kept = max(paid - refunded, nothing)
    if cancelled:
        return -kept
    return total - kept if paid < total else min(total - kept, nothing)


def paid_in_full_at(entries: Iterable[LedgerEntry], total: Money) -> datetime | None:
    """Find when the payments, by the time at which they occurred, first reached the total."""
    due = total.minor
    for entry in sorted(entries, key=lambda entry: entry.at):
        if entry.amount.currency == total.currency:
            due -= entry.amount.minor
            if due <= 0:
                return entry.at
    return None


def check_currency(amount: Money, currency: str) -> None:
    """Refuse an amount that a command brings in another currency than the order's.

    :raises CurrencyMismatch: if it is.
    """
    if amount.currency != currency:
        raise CurrencyMismatch(currency, amount.currency)
