"""What an order consists of: line items, and adjustments of their sum."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import attrs

from shoppego_orders.errors import CurrencyMismatch, InvalidValue
from shoppego_orders.money import Money
from shoppego_orders.texts import storable, word_of

CUSTOM_NAME_LIMIT = 50
"""Longest name of a custom item, in characters (Shoppego, Orders page, drafts)."""

LARGEST_QUANTITY = 999_999_999
"""More pieces in one line are taken for a mistake; sums of them fit every store."""


@attrs.frozen
class LineItem:
    """One product, in one variant, so many times.

    :ivar product: the product's name; of a custom item, its name.
    :ivar quantity: 1 to :data:`LARGEST_QUANTITY`.
    :ivar unit_price: for one; zero or more.
    :ivar variant: the variant's name, "" where a product has only one.
    :ivar sku: the stock keeping unit, "" for none.
    :ivar custom: an item that the merchant typed into a draft instead of choosing a product;
        its name has 1 to 50 characters.
    :raises InvalidValue: for a quantity out of that range, a negative price, or a custom
        item's bad name.
    """

    product: str = attrs.field(converter=storable)
    quantity: int
    unit_price: Money
    variant: str = attrs.field(default="", converter=storable)
    sku: str = attrs.field(default="", converter=storable)
    custom: bool = False

    def __attrs_post_init__(self) -> None:
        if type(self.quantity) is not int or not 1 <= self.quantity <= LARGEST_QUANTITY:
            right = f"a whole number from 1 to {LARGEST_QUANTITY}"
            raise InvalidValue("quantity", self.quantity, right)
        if not isinstance(self.unit_price, Money):
            raise InvalidValue("unit_price", self.unit_price, "Money")
        if self.unit_price.minor < 0:
            raise InvalidValue("unit_price", str(self.unit_price), "zero or more")
        if self.custom and not 1 <= len(self.product) <= CUSTOM_NAME_LIMIT:
            raise InvalidValue(
                "product",
                self.product,
                f"a custom item's name of 1 to {CUSTOM_NAME_LIMIT} characters",
            )

    @property
    def total(self) -> Money:
        """Unit price times quantity."""
        return self.unit_price * self.quantity


class AdjustmentKind(StrEnum):
    """What moves an order's total away from the sum of its lines."""

    DISCOUNT = "discount"
    SHIPPING = "shipping"
    TAX = "tax"
    DECLARED = "declared"
    """The difference to a total that the source of the order declared, and did not explain."""


def _kind(word: str) -> AdjustmentKind:
    return word_of(AdjustmentKind, word, "kind")


@attrs.frozen
class Adjustment:
    """An amount that is added to the sum of the lines; a discount is negative.

    :ivar kind: what it is.
    :ivar amount: zero or less for a discount, zero or more for shipping and tax.
    :ivar label: as the customer reads it, for example the shipping rate's name.
    :raises InvalidValue: for an amount on the wrong side of zero.
    """

    kind: AdjustmentKind = attrs.field(converter=_kind)
    amount: Money
    label: str = attrs.field(default="", converter=storable)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.amount, Money):
            raise InvalidValue("amount", self.amount, "Money")
        if self.kind is AdjustmentKind.DISCOUNT and self.amount.minor > 0:
            raise InvalidValue("amount", str(self.amount), "zero or less for a discount")
        if self.kind in (AdjustmentKind.SHIPPING, AdjustmentKind.TAX) and self.amount.minor < 0:
            raise InvalidValue("amount", str(self.amount), f"zero or more for {self.kind}")


def subtotal(lines: Iterable[LineItem], currency: str) -> Money:
    """Sum up the lines, before adjustments."""
    minor = 0
    for line in lines:
        # As in Money.sum_of, with no Money for each line: every row of an order asks five times.
        if line.unit_price.currency != currency:
            raise CurrencyMismatch(currency, line.unit_price.currency)
        minor += line.unit_price.minor * line.quantity
    return Money.from_minor(minor, currency)


def adjusted(adjustments: Iterable[Adjustment], kind: AdjustmentKind, currency: str) -> Money:
    """Sum up the adjustments of one kind."""
    return Money.sum_of((item.amount for item in adjustments if item.kind is kind), currency)


def check_composition(
    lines: tuple[LineItem, ...], adjustments: tuple[Adjustment, ...], currency: str
) -> None:
    """Refuse a composition that no order can have.

    :raises CurrencyMismatch: where an amount is not in the order's currency.
    :raises InvalidValue: where something is no line item or no adjustment, where the total would
        be below zero, or where amounts are too large to be added.
    """
    check_types("lines", LineItem, lines)
    check_types("adjustments", Adjustment, adjustments)
    amounts = (*(line.total for line in lines), *(item.amount for item in adjustments))
    # If even the sum of all sizes is an amount, so is the sum of any part of them.
    Money.sum_of((abs(amount) for amount in amounts), currency)
    total = Money.sum_of(amounts, currency)
    if total.minor < 0:
        raise InvalidValue("total", str(total), "zero or more, after adjustments")


def check_types(field: str, kind: type, values: Iterable[object]) -> None:
    """Refuse what is of another type, before it gets into an order's history.

    :raises InvalidValue: if one is.
    """
    for value in values:
        if not isinstance(value, kind):
            raise InvalidValue(field, value, f"of type {kind.__name__}")


def holds_something(lines: tuple[LineItem, ...], adjustments: tuple[Adjustment, ...]) -> bool:
    """Tell whether there is anything to sell; a declared total stands for lines not told."""
    return bool(lines) or any(item.kind is AdjustmentKind.DECLARED for item in adjustments)
