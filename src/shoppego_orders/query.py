"""One filter for page, export, sweep and store."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import attrs

from shoppego_orders.customers import phone_digits
from shoppego_orders.errors import InvalidValue
from shoppego_orders.money import Money
from shoppego_orders.order.row import OrderRow
from shoppego_orders.order.statuses import Fulfillment, Life, PaymentStatus, Recovery
from shoppego_orders.periods import Period, utc
from shoppego_orders.texts import Word, folded, storable, storable_or_none, word_of


class Cursor(NamedTuple):
    """A place in the order in which stores yield: by the time of placing, then by id."""

    placed_at: datetime
    id: str


def _texts(values: Iterable[str] | None) -> frozenset[str] | None:
    if isinstance(values, str):
        return frozenset((values,))
    return None if values is None else frozenset(values)


def _storables(values: Iterable[str] | None) -> frozenset[str] | None:
    texts = _texts(values)
    return None if texts is None else frozenset(storable(text) for text in texts)


def _words(words: type[Word], values: Iterable[str] | None, field: str) -> frozenset[Word] | None:
    texts = _texts(values)
    return None if texts is None else frozenset(word_of(words, text, field) for text in texts)


def _lives(values: Iterable[str] | None) -> frozenset[Life] | None:
    return _words(Life, values, "life")


def _fulfillments(values: Iterable[str] | None) -> frozenset[Fulfillment] | None:
    return _words(Fulfillment, values, "fulfillment")


def _payment_statuses(values: Iterable[str] | None) -> frozenset[PaymentStatus] | None:
    return _words(PaymentStatus, values, "payment_status")


def _recoveries(values: Iterable[str] | None) -> frozenset[Recovery] | None:
    return _words(Recovery, values, "recovery")


def _search_term(value: str | None) -> str | None:
    text = storable_or_none(value)
    return (folded(text).strip() or None) if text is not None else None


def _cursor(value: Cursor | None) -> Cursor | None:
    return None if value is None else Cursor(utc(value.placed_at, "after"), storable(value.id))


@attrs.frozen(kw_only=True)
class OrderQuery:
    """Which orders, in which order. None asks for nothing; several fields are joined by *and*.

    :meth:`matches` is the meaning of a query: a store yields exactly the rows that match, by
    (placed_at, id).

    :ivar shop: one shop's domain.
    :ivar ids: exactly these orders, as selected on a page.
    :ivar placed: when the checkout began.
    :ivar completed: when the checkout was completed.
    :ivar life: one status, or several of which one must hold; so for the other statuses.
    :ivar archived: True for the archived alone, False for the others.
    :ivar abandoned: whether a sweep found it abandoned.
    :ivar decided: whether a sweep has judged it, and nothing made it a purchase since.
    :ivar recovery: how an abandoned one ended; ``open`` for those of which nobody knows yet.
    :ivar source: source keys, of which one must hold.
    :ivar customer_keys: of any of these customers.
    :ivar total_min: at least so much, in this currency.
    :ivar total_max: at most so much, in this currency.
    :ivar tag: carries this tag.
    :ivar search: part of the number, the name or the e-mail address in any case, or of the
        phone number in any notation (Shoppego: searching by phone number finds the customer's
        orders).
    :ivar after: only what comes after this place.
    :ivar newest_first: the other way round; ``after`` then means what is older.
    :ivar limit: at most so many.
    :raises InvalidValue: for an unknown status word, a limit below 1, or a minimum above the
        maximum.
    """

    shop: str | None = attrs.field(default=None, converter=storable_or_none)
    ids: frozenset[str] | None = attrs.field(default=None, converter=_storables)
    placed: Period | None = None
    completed: Period | None = None
    life: frozenset[Life] | None = attrs.field(default=None, converter=_lives)
    archived: bool | None = None
    fulfillment: frozenset[Fulfillment] | None = attrs.field(default=None, converter=_fulfillments)
    payment_status: frozenset[PaymentStatus] | None = attrs.field(
        default=None, converter=_payment_statuses
    )
    abandoned: bool | None = None
    decided: bool | None = None
    recovery: frozenset[Recovery] | None = attrs.field(default=None, converter=_recoveries)
    source: frozenset[str] | None = attrs.field(default=None, converter=_storables)
    customer_keys: frozenset[str] | None = attrs.field(default=None, converter=_storables)
    total_min: Money | None = None
    total_max: Money | None = None
    tag: str | None = attrs.field(default=None, converter=storable_or_none)
    search: str | None = attrs.field(default=None, converter=_search_term)
    after: Cursor | None = attrs.field(default=None, converter=_cursor)
    newest_first: bool = False
    limit: int | None = None

    def __attrs_post_init__(self) -> None:
        if self.limit is not None and (type(self.limit) is not int or self.limit < 1):
            raise InvalidValue("limit", self.limit, "a whole number of at least 1")
        if (
            self.total_min is not None
            and self.total_max is not None
            and self.total_max < self.total_min
        ):
            raise InvalidValue("total_max", str(self.total_max), f"at least {self.total_min}")

    @property
    def search_phones(self) -> tuple[str, ...]:
        """The forms in which the search term, read as a phone number, may stand in one.

        Empty where the term is no phone number: too short, or with letters in it.
        """
        term = self.search
        if term is None or any(char.isalpha() or char in "@#" for char in term):
            return ()
        digits = "".join(char for char in term if char.isdecimal())
        if len(digits) < 4:
            return ()
        return tuple(dict.fromkeys((digits, phone_digits(term) or digits)))

    def matches(self, row: OrderRow) -> bool:
        """Tell whether a row is among those asked for; ``limit`` is not looked at."""
        return (
            (self.shop is None or row.shop == self.shop)
            and (self.ids is None or row.id in self.ids)
            and (self.placed is None or row.placed_at in self.placed)
            and (
                self.completed is None
                or (row.completed_at is not None and row.completed_at in self.completed)
            )
            and (self.life is None or row.life in self.life)
            and (self.archived is None or row.archived is self.archived)
            and (self.fulfillment is None or row.fulfillment in self.fulfillment)
            and (self.payment_status is None or row.payment_status in self.payment_status)
            and (self.abandoned is None or (row.abandoned_at is not None) is self.abandoned)
            and (self.decided is None or row.decided is self.decided)
            and (self.recovery is None or row.recovery in self.recovery)
            and (self.source is None or row.source in self.source)
            and (self.customer_keys is None or row.customer_key in self.customer_keys)
            and (self.tag is None or self.tag in row.tags)
            and self._in_totals(row.total)
            and self._found(row)
            and self._beyond(row)
        )

    def _in_totals(self, total: Money) -> bool:
        least, most = self.total_min, self.total_max
        return (
            least is None or (total.currency == least.currency and total.minor >= least.minor)
        ) and (most is None or (total.currency == most.currency and total.minor <= most.minor))

    def _found(self, row: OrderRow) -> bool:
        return (
            self.search is None
            or self.search in row.search_text
            or any(digits in row.phone_digits for digits in self.search_phones)
        )

    def _beyond(self, row: OrderRow) -> bool:
        if self.after is None:
            return True
        place = (row.placed_at, row.id)
        return place < self.after if self.newest_first else place > self.after
