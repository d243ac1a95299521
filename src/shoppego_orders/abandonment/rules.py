"""The rules that ship; ``Unfulfilled() & NoOtherPurchase()`` is the documented one.

Several share a name with a part of an order, so say ``rules.PaymentMethod(...)`` after
``from shoppego_orders.abandonment import rules``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import ClassVar, Final, Literal, get_args

import attrs

from shoppego_orders.abandonment.rule import Context, Occurrence, OrderLike, Purchase, Rule
from shoppego_orders.errors import InvalidValue
from shoppego_orders.money import Money
from shoppego_orders.order import Delivery
from shoppego_orders.order import PaymentType as PaymentTypeWord
from shoppego_orders.periods import instant_text
from shoppego_orders.texts import folded, storable, word_of


def _texts(values: str | Iterable[str], field: str) -> frozenset[str]:
    texts = frozenset((values,)) if isinstance(values, str) else frozenset(values)
    if not texts:
        raise InvalidValue(field, values, "at least one")
    return frozenset(storable(text) for text in texts)


def _names(values: str | Iterable[str]) -> frozenset[str]:
    return _texts(values, "names")


def _keys(values: str | Iterable[str]) -> frozenset[str]:
    return _texts(values, "keys")


def _payment_type(word: str) -> PaymentTypeWord:
    return word_of(PaymentTypeWord, word, "type")


def _deliveries(words: str | Iterable[str]) -> frozenset[Delivery]:
    listed = [words] if isinstance(words, str) else list(words)
    if not listed:
        raise InvalidValue("deliveries", words, "at least one")
    return frozenset(word_of(Delivery, word, "delivery") for word in listed)


class _Fixed(Rule):
    """Reads nothing that can be edited once the order is placed."""

    __slots__ = ()

    def reads_edits(self) -> bool:
        """Nothing of it."""
        return False


class _OfTheOrder(Rule):
    """Reads the order alone, and no other purchase."""

    __slots__ = ()

    @abstractmethod
    def holds_regardless(self, order: OrderLike, due: datetime) -> bool:
        """Tell whether the order is as this rule asks."""

    def holds(self, order: OrderLike, context: Context) -> bool:
        """Ask without the context, of which only the deadline counts."""
        return self.holds_regardless(order, context.due)


@attrs.frozen
class Unfulfilled(_OfTheOrder, _Fixed):
    """Before the deadline the checkout was neither completed, nor taken up, nor cancelled.

    Completed is paid, or confirmed in another way (cash on delivery, bank transfer); taken up is
    a fulfillment status that the merchant set, or a draft that the merchant entered (Shoppego,
    Orders page, FAQ 2: "the order has remained unfulfilled").
    """

    wants = "Before its deadline it was neither completed, nor taken up, nor cancelled."

    def reads(self) -> frozenset[str]:
        """The three instants."""
        return frozenset({"completed_at", "taken_up_at", "cancelled_at"})

    def prevented_by(self) -> frozenset[str]:
        """Each of the three."""
        return self.reads()

    def holds_regardless(self, order: OrderLike, due: datetime) -> bool:
        """Compare the three instants with the deadline."""
        return (
            ((at := order.completed_at) is None or at >= due)
            and ((at := order.taken_up_at) is None or at >= due)
            and ((at := order.cancelled_at) is None or at >= due)
        )

    def saw(self, order: OrderLike, context: Context) -> str:
        """What happened before the deadline."""
        happened = [
            f"{occurrence.what} at {instant_text(occurrence.at)}"
            for occurrence in self._happened(order, context)
        ]
        if not happened:
            return self.wanted()
        return f"Before its deadline it was {' and '.join(happened)}."

    def decided_by(self, order: OrderLike, context: Context) -> Occurrence | None:
        """The first thing that fulfilled it."""
        happened = list(self._happened(order, context))
        return min(happened, key=lambda each: each.at) if happened else None

    @staticmethod
    def _happened(order: OrderLike, context: Context) -> Iterator[Occurrence]:
        for what, at in (
            ("completed", order.completed_at),
            ("taken up by the merchant", order.taken_up_at),
            ("cancelled", order.cancelled_at),
        ):
            if at is not None and at < context.due:
                yield Occurrence(what, order.id, at)


class _NotYet(_OfTheOrder):
    """Something had not happened to the order before its deadline."""

    __slots__ = ()

    what: ClassVar[str]

    @staticmethod
    @abstractmethod
    def _at(order: OrderLike) -> datetime | None:
        """When it happened, if it did."""

    def prevented_by(self) -> frozenset[str]:
        """The one instant that it reads."""
        return self.reads()

    def holds_regardless(self, order: OrderLike, due: datetime) -> bool:
        """Compare the instant with the deadline."""
        at = self._at(order)
        return at is None or at >= due

    def saw(self, order: OrderLike, context: Context) -> str:
        """When it happened, if it did."""
        at = self._at(order)
        if at is None:
            return f"It was never {self.what}."
        when = "after" if at >= context.due else "before"
        return f"It was {self.what} at {instant_text(at)}, {when} its deadline."

    def decided_by(self, order: OrderLike, context: Context) -> Occurrence | None:
        """What happened in time."""
        at = self._at(order)
        return None if at is None or at >= context.due else Occurrence(self.what, order.id, at)


@attrs.frozen
class Unpaid(_NotYet):
    """Before the deadline it was not paid in full, whether or not it was confirmed.

    The total is the one that it had at its deadline.
    """

    wants = "Before its deadline it was not paid in full."
    what = "paid in full"

    def reads(self) -> frozenset[str]:
        """When it was paid."""
        return frozenset({"paid_at"})

    @staticmethod
    def _at(order: OrderLike) -> datetime | None:
        return order.paid_at


@attrs.frozen
class Unconfirmed(_NotYet, _Fixed):
    """Before the deadline it was not confirmed without a payment (cash on delivery, transfer)."""

    wants = "Before its deadline it was not confirmed without a payment."
    what = "confirmed without a payment"

    def reads(self) -> frozenset[str]:
        """When it was confirmed."""
        return frozenset({"confirmed_at"})

    @staticmethod
    def _at(order: OrderLike) -> datetime | None:
        return order.confirmed_at


@attrs.frozen
class NoOtherPurchase(Rule):
    """The customer made no other purchase in this shop before the deadline.

    An order of nobody known has no other purchases (Shoppego, Orders page, FAQ 2: "the customer
    has made no other purchase on that website during this period").

    :ivar shared_product: count only purchases of a product that this order holds too.
    """

    shared_product: bool = False

    def wanted(self) -> str:
        """No purchase, or none of the same product."""
        what = "purchase of one of its products" if self.shared_product else "purchase"
        return f"The customer made no other {what} in this shop meanwhile."

    def reads_edits(self) -> bool:
        """Only where it compares products."""
        return self.shared_product

    def reads(self) -> frozenset[str]:
        """Who the customer is; and the products, where they count."""
        return frozenset({"customer_key", "products"} if self.shared_product else {"customer_key"})

    def holds(self, order: OrderLike, context: Context) -> bool:
        """Look for a purchase within the period."""
        return not context.purchases or next(self._found(order, context), None) is None

    def saw(self, order: OrderLike, context: Context) -> str:
        """The first other purchase."""
        found = self.decided_by(order, context)
        if found is not None:
            return f"The customer bought order {found.order_id} at {instant_text(found.at)}."
        if order.customer_key is None:
            return "Nobody knows the customer, so no other purchase is theirs."
        return self.wanted()

    def decided_by(self, order: OrderLike, context: Context) -> Occurrence | None:
        """The first other purchase."""
        for purchase in self._found(order, context):
            assert purchase.completed_at is not None  # else it is not found
            return Occurrence("bought", purchase.id, purchase.completed_at)
        return None

    def _found(self, order: OrderLike, context: Context) -> Iterator[Purchase]:
        products = set(order.products) if self.shared_product else None
        for purchase in context.purchases:
            if purchase.completed_at is not None and (
                products is None or not products.isdisjoint(purchase.products)
            ):
                yield purchase


@attrs.frozen
class FirstOrder(_Fixed):
    """The customer had bought nothing in this shop before; an order of nobody known is a first.

    :ivar lookback: how long before the checkout counts: above zero, at most ten years.
    """

    lookback: timedelta = timedelta(days=365)

    def __attrs_post_init__(self) -> None:
        if not timedelta(0) < self.lookback <= _LONGEST_LOOKBACK:
            expected = f"a length of time above zero, of at most {_LONGEST_LOOKBACK.days} days"
            raise InvalidValue("lookback", self.lookback, expected)

    def wanted(self) -> str:
        """No purchase so long before."""
        return f"The customer bought nothing in this shop in the {_long(self.lookback)} before."

    def reads(self) -> frozenset[str]:
        """Nothing of the order itself."""
        return frozenset()

    def looks_back(self) -> timedelta:
        """As far as it was told."""
        return self.lookback

    def holds(self, order: OrderLike, context: Context) -> bool:
        """Look for an earlier purchase."""
        return self.decided_by(order, context) is None

    def saw(self, order: OrderLike, context: Context) -> str:
        """The latest earlier purchase."""
        found = self.decided_by(order, context)
        if found is None:
            return self.wanted()
        return f"The customer had bought order {found.order_id} at {instant_text(found.at)}."

    def decided_by(self, order: OrderLike, context: Context) -> Occurrence | None:  # noqa: ARG002  # it needs the context alone
        """The latest earlier purchase."""
        earliest = context.began - self.lookback
        for purchase in reversed(context.earlier):
            at = purchase.completed_at
            if at is not None and at >= earliest:
                return Occurrence("bought", purchase.id, at)
        return None


_LONGEST_LOOKBACK: Final = timedelta(days=3660)


class _OneOf(_OfTheOrder, _Fixed):
    """A word of the order is one of those that are asked for."""

    __slots__ = ()

    what: ClassVar[str]

    @abstractmethod
    def _asked(self) -> frozenset[str]:
        """The words that are asked for."""

    @staticmethod
    @abstractmethod
    def _of(order: OrderLike) -> str | None:
        """The order's word; None or "" where it has none."""

    def wanted(self) -> str:
        """The words."""
        return f"The {self.what} is {' or '.join(sorted(self._asked()))}."

    def holds_regardless(self, order: OrderLike, due: datetime) -> bool:  # noqa: ARG002  # it needs the order alone
        """Look for the order's word among them."""
        return self._of(order) in self._asked()

    def saw(self, order: OrderLike, context: Context) -> str:  # noqa: ARG002  # it needs the order alone
        """The order's word."""
        return f"The {self.what} is {self._of(order) or 'not known'}."


@attrs.frozen
class PaymentMethod(_OneOf):
    """It was to be paid by one of these methods, by name; case makes no difference.

    :ivar names: one, or several.
    """

    what = "payment method"

    names: frozenset[str] = attrs.field(converter=_names)

    def _asked(self) -> frozenset[str]:
        return self.names

    def reads(self) -> frozenset[str]:
        """The method's name."""
        return frozenset({"payment_method_name"})

    @staticmethod
    def _of(order: OrderLike) -> str:
        return order.payment_method_name

    def holds_regardless(self, order: OrderLike, due: datetime) -> bool:  # noqa: ARG002  # it needs the order alone
        """Compare the names, whatever their case."""
        return folded(order.payment_method_name) in {folded(name) for name in self.names}


@attrs.frozen
class PaymentType(_OneOf):
    """It was to be paid by a method of this type.

    :ivar type: ``manual`` or ``alternative`` (a gateway).
    """

    what = "payment method's type"

    type: PaymentTypeWord = attrs.field(converter=_payment_type)

    def _asked(self) -> frozenset[str]:
        return frozenset((self.type,))

    def reads(self) -> frozenset[str]:
        """The method's type."""
        return frozenset({"payment_type"})

    @staticmethod
    def _of(order: OrderLike) -> str | None:
        return order.payment_type


@attrs.frozen
class TotalAtLeast(_OfTheOrder):
    """The total is at least so much; one in another currency is not.

    :ivar least: the smallest total that counts.
    """

    least: Money

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.least, Money):  # pyright: ignore[reportUnnecessaryIsInstance]  # untyped callers
            raise InvalidValue("least", self.least, "Money")

    def wanted(self) -> str:
        """The smallest total."""
        return f"The total is at least {self.least}."

    def reads(self) -> frozenset[str]:
        """The total."""
        return frozenset({"total"})

    def holds_regardless(self, order: OrderLike, due: datetime) -> bool:  # noqa: ARG002  # it needs the order alone
        """Compare within one currency."""
        total = order.total
        return total.currency == self.least.currency and total.minor >= self.least.minor

    def saw(self, order: OrderLike, context: Context) -> str:  # noqa: ARG002  # it needs the order alone
        """The total."""
        return f"The total is {order.total}."


@attrs.frozen
class Source(_OneOf):
    """It came from one of these sources.

    :ivar keys: of the attribution table, such as "tiktok"; one, or several.
    """

    what = "source"

    keys: frozenset[str] = attrs.field(converter=_keys)

    def _asked(self) -> frozenset[str]:
        return self.keys

    def reads(self) -> frozenset[str]:
        """The source."""
        return frozenset({"source"})

    @staticmethod
    def _of(order: OrderLike) -> str | None:
        return order.source


@attrs.frozen
class Channel(_OneOf):
    """It came through one of these channels.

    :ivar names: of the attribution table, such as "Organic Social"; one, or several.
    """

    what = "channel"

    names: frozenset[str] = attrs.field(converter=_names)

    def _asked(self) -> frozenset[str]:
        return self.names

    def reads(self) -> frozenset[str]:
        """The channel."""
        return frozenset({"channel"})

    @staticmethod
    def _of(order: OrderLike) -> str | None:
        return order.channel


Contact = Literal["email", "phone", "any"]


@attrs.frozen
class HasContact(_OfTheOrder):
    """The customer, or the addressee, left something to be reached by.

    :ivar by: ``email``, ``phone``, or ``any`` of them. A phone number is one that a search
        would find; whether an e-mail address works is not asked.
    """

    by: Contact = "any"

    def __attrs_post_init__(self) -> None:
        if self.by not in get_args(Contact):
            raise InvalidValue("by", self.by, f"one of {', '.join(get_args(Contact))}")

    def wanted(self) -> str:
        """What is left."""
        what = {"email": "an e-mail address", "phone": "a phone number"}
        return f"There is {what.get(self.by, 'an e-mail address or a phone number')}."

    def reads(self) -> frozenset[str]:
        """The address and the number."""
        return frozenset({"email", "phone_digits"})

    def holds_regardless(self, order: OrderLike, due: datetime) -> bool:  # noqa: ARG002  # it needs the order alone
        """Look at both."""
        email, phone = bool(order.email.strip()), bool(order.phone_digits)
        return {"email": email, "phone": phone}.get(self.by, email or phone)


@attrs.frozen
class Tagged(_OfTheOrder):
    """It carries this tag.

    :ivar tag: as it is kept, without outer blanks.
    """

    tag: str = attrs.field(converter=storable)

    def wanted(self) -> str:
        """The tag."""
        return f"It is tagged {self.tag}."

    def reads(self) -> frozenset[str]:
        """The tags."""
        return frozenset({"tags"})

    def holds_regardless(self, order: OrderLike, due: datetime) -> bool:  # noqa: ARG002  # it needs the order alone
        """Look for the tag."""
        return self.tag in order.tags

    def saw(self, order: OrderLike, context: Context) -> str:  # noqa: ARG002  # it needs the order alone
        """The tags."""
        return f"It is tagged {', '.join(order.tags)}." if order.tags else "It has no tags."


@attrs.frozen
class DeliveryIs(_OneOf):
    """The goods are to be delivered so.

    :ivar deliveries: ``ship``, ``pickup``, ``none``; one, or several.
    """

    what = "delivery"

    deliveries: frozenset[Delivery] = attrs.field(converter=_deliveries)

    def _asked(self) -> frozenset[str]:
        return frozenset(self.deliveries)

    def reads(self) -> frozenset[str]:
        """The delivery."""
        return frozenset({"delivery"})

    @staticmethod
    def _of(order: OrderLike) -> str:
        return order.delivery


def _long(length: timedelta) -> str:
    return f"{length.days} days" if length == timedelta(days=length.days) else str(length)
