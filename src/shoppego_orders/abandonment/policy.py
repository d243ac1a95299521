"""When an order counts as abandoned: a window of time, and a rule over it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Final

import attrs

from shoppego_orders.abandonment.purchases import Purchases
from shoppego_orders.abandonment.rule import Context, Finding, OrderLike, Purchase, Rule
from shoppego_orders.abandonment.rules import NoOtherPurchase, Unfulfilled
from shoppego_orders.abandonment.verdict import Verdict, VerdictStatus
from shoppego_orders.errors import InvalidValue
from shoppego_orders.order import Life
from shoppego_orders.periods import instant_text, utc
from shoppego_orders.texts import storable, word_of

LONGEST_WINDOW: Final = timedelta(days=366)
"""More than this is taken for a mistake."""

ALWAYS_READ: Final = frozenset({"id", "shop", "customer_key", "placed_at", "completed_at", "life"})
"""What every verdict depends on, whatever the rule reads."""


class Since(StrEnum):
    """From when a policy's window is counted."""

    PLACED_AT = "placed_at"
    """The moment at which the checkout began."""
    LAST_ACTIVITY_AT = "last_activity_at"
    """The last moment at which the open checkout was changed, or else began."""


def _since(word: str) -> Since:
    return word_of(Since, word, "since")


def _by_method(
    windows: Mapping[str, timedelta] | tuple[tuple[str, timedelta], ...],
) -> tuple[tuple[str, timedelta], ...]:
    pairs = windows if isinstance(windows, tuple) else tuple(windows.items())
    return tuple(sorted((storable(name), window) for name, window in pairs))


@attrs.frozen(kw_only=True)
class AbandonmentPolicy:
    """When an order counts as abandoned; ``AbandonmentPolicy()`` is the documented rule.

    That is (Shoppego, Orders page, FAQ 2): the order has remained unfulfilled for 60 minutes, and
    the customer has made no other purchase on that website during this period. The period is
    elapsed time from the moment at which the checkout began, half-open: paid at exactly 60
    minutes is a recovery.

    :ivar window: from the beginning of the checkout to its deadline, elapsed time; above zero
        and at most 366 days.
    :ivar rule: what must hold over that period.
    :ivar since: from when the window is counted: ``placed_at``, or ``last_activity_at``, which
        puts the deadline off whenever the open checkout is changed before it.
    :ivar windows_by_payment_method: other windows for orders to be paid by these methods, by
        name: ``{"Bank transfer": timedelta(days=3)}``.
    :ivar name: for people.
    :raises InvalidValue: for another window, something that is no rule, or a name that is empty
        or has control characters.
    """

    window: timedelta = timedelta(minutes=60)
    rule: Rule = Unfulfilled() & NoOtherPurchase()
    since: Since = attrs.field(default=Since.PLACED_AT, converter=_since)
    windows_by_payment_method: tuple[tuple[str, timedelta], ...] = attrs.field(
        default=(), converter=_by_method
    )
    name: str = attrs.field(default="checkout-abandoned", converter=storable)

    def __attrs_post_init__(self) -> None:
        for window in self._windows:
            if not (
                isinstance(window, timedelta)  # pyright: ignore[reportUnnecessaryIsInstance]  # untyped callers
                and timedelta(0) < window <= LONGEST_WINDOW
            ):
                expected = f"a timedelta above zero, of at most {LONGEST_WINDOW.days} days"
                raise InvalidValue("window", window, expected)
        names = [name for name, _ in self.windows_by_payment_method]
        if len(set(names)) < len(names):
            raise InvalidValue("windows_by_payment_method", names, "each method once")
        if not isinstance(self.rule, Rule):  # pyright: ignore[reportUnnecessaryIsInstance]  # untyped callers
            raise InvalidValue("rule", self.rule, "a Rule, such as Unfulfilled()")
        if not (self.name.strip() and self.name.isprintable()):
            raise InvalidValue("name", self.name, "a name of one line that is not empty")

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that differ where a policy decides differently.

        They are made of all that decides, the name apart, and are the same in every process.
        """
        # On first use: it writes the policy as its document does.
        from shoppego_orders.abandonment.documents import policy_body

        body = policy_body(self)
        del body["name"]
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]

    @cached_property
    def id(self) -> str:
        """Name and fingerprint: how a stored verdict names the policy that gave it."""
        return f"{self.name}@{self.fingerprint}"

    @property
    def shortest_window(self) -> timedelta:
        """No deadline is earlier than this after the checkout began."""
        return min(self._windows)

    @property
    def longest_window(self) -> timedelta | None:
        """No deadline is later than this after the checkout began; None where activity moves it."""
        if self.since is Since.LAST_ACTIVITY_AT:
            return None
        return max(self._windows)

    @property
    def _windows(self) -> list[timedelta]:
        return [self.window, *(window for _, window in self.windows_by_payment_method)]

    def reads(self) -> frozenset[str]:
        """Which fields of an order, and of a purchase, its verdicts depend on."""
        fields = set(ALWAYS_READ)
        if self.windows_by_payment_method:
            fields.add("payment_method_name")
        if self.since is Since.LAST_ACTIVITY_AT:
            fields.add("activity")
        return self.rule.reads() | self.rule.prevented_by() | fields

    def due(self, order: OrderLike) -> datetime:
        """An order's deadline, UTC.

        :raises InvalidValue: when it lies beyond the year 9999.
        """
        began = utc(order.placed_at, "placed_at")
        window = self.window
        if self.windows_by_payment_method:
            window = dict(self.windows_by_payment_method).get(order.payment_method_name, window)
        try:
            due = began + window
            if self.since is Since.LAST_ACTIVITY_AT:
                for at in order.activity:
                    if at >= due:
                        break
                    due = max(due, at + window)
        except OverflowError:
            expected = "a moment whose deadline the calendar holds"
            raise InvalidValue("placed_at", began, expected) from None
        return due

    def judge(self, order: OrderLike, purchases: Iterable[Purchase], as_of: datetime) -> Verdict:
        """Judge one order.

        A draft is kept: the merchant enters it by hand, so no customer can leave it. An order,
        or a row, is judged as it stands; :func:`~shoppego_orders.abandonment.replay` judges it
        as it was.

        :param order: the order, or its row; both give the same verdict.
        :param purchases: orders among which the customer's other purchases are, if there are
            any: orders or rows of any customers and shops, in any order. What is not a purchase
            of the same customer in the same shop within the period does not count, nor does the
            order itself.
        :param as_of: the moment at which it is asked, aware.
        :raises NaiveDatetime: for a moment without a zone.
        :raises InvalidValue: for an order whose deadline lies beyond the year 9999.
        """
        began, due = utc(order.placed_at, "placed_at"), self.due(order)
        for field in _INSTANTS:
            if (at := getattr(order, field)) is not None:
                utc(at, field)
        theirs = Purchases.among(
            purchase
            for purchase in purchases
            if purchase.customer_key == order.customer_key and purchase.id != order.id
        )
        context = theirs.context(order, began, due, self.rule.looks_back())
        return self.decide(order, context, utc(as_of, "as_of"), self.id)

    def abandons(self, order: OrderLike, context: Context) -> bool:
        """Tell whether an order is abandoned, whose deadline has passed and purchases are known.

        It is what :meth:`decide` says, without saying why: in half the time.
        """
        return order.life is not _DRAFT and self.rule.holds(order, context)

    def decide(self, order: OrderLike, context: Context, now: datetime, id: str) -> Verdict:
        """Judge one order whose deadline and purchases are known.

        :param now: the moment at which it is asked, UTC.
        :param id: this policy's own, which takes time to make.
        """
        if now < context.due:
            said = f"It is not due until {instant_text(context.due)}."
            found = Finding("Deadline", False, "Its deadline has passed.", said)
            return Verdict(id, VerdictStatus.NOT_DUE, order, context, found)
        if order.life is _DRAFT:
            found = Finding(
                "NoDraft", False, "It is no draft.", "It is a draft, which no customer can leave."
            )
            return Verdict(id, VerdictStatus.KEPT, order, context, found)
        rule = self.rule
        status = _ABANDONED if rule.holds(order, context) else _KEPT
        return Verdict(id, status, order, context, rule)


# Looking a member up takes longer than all else that a verdict needs of it.
_ABANDONED, _KEPT, _DRAFT = VerdictStatus.ABANDONED, VerdictStatus.KEPT, Life.DRAFT
_INSTANTS: Final = ("completed_at", "paid_at", "confirmed_at", "taken_up_at", "cancelled_at")
