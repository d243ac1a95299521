"""A state machine: an order lives beside a model made of numbers and words, and they agree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from shoppego_orders.errors import CommandRefused
from shoppego_orders.money import Money
from shoppego_orders.order import (
    Adjustment,
    AdjustmentKind,
    LineItem,
    Order,
    PaymentMethod,
    PaymentType,
)

START: Final = datetime(2026, 3, 3, 14, 58, 17, tzinfo=UTC)
REFERENCES: Final = st.sampled_from(("a", "b", "c"))
SEN: Final = st.sampled_from((1, 500, 1000, 2500))
STEPS: Final = {
    "awaiting_processing": 0,
    "processing": 1,
    "packed": 2,
    "ready_for_pickup": 3,
    "shipped": 3,
    "completed": 4,
}
PARCELS: Final = st.sampled_from(("JT1", "JT2"))


def myr(sen: int) -> Money:
    return Money.from_minor(sen, "MYR")


class OrderMachine(RuleBasedStateMachine):
    """The model knows what DRAFT, a ledger and a status are; it knows no event and no guard."""

    order: Order

    @initialize(
        draft=st.booleans(),
        delivery=st.sampled_from(("ship", "pickup", "none")),
        gateway=st.booleans(),
        prices=st.lists(SEN, min_size=1, max_size=2),
        shipping=st.sampled_from((0, 700)),
    )
    def begin(
        self, draft: bool, delivery: str, gateway: bool, prices: list[int], shipping: int
    ) -> None:
        kind = PaymentType.ALTERNATIVE if gateway else PaymentType.MANUAL
        begin = Order.place_draft if draft else Order.place
        self.order = begin(
            id="1",
            at=START,
            shop="hartamas.myshoppegram.com",
            currency="MYR",
            lines=[LineItem("Kopi", 1, myr(sen)) for sen in prices],
            adjustments=[Adjustment(AdjustmentKind.SHIPPING, myr(shipping))],
            delivery=delivery,  # type: ignore[arg-type]  # a word is taken as well
            payment_method=PaymentMethod("Billplz", kind),
        )
        self.life = "draft" if draft else "open"
        self.archived = False
        self.step = "awaiting_processing"
        self.delivery, self.gateway = delivery, gateway
        self.prices, self.shipping = list(prices), shipping
        self.paid: dict[str, int] = {}
        self.refunded: dict[str, int] = {}
        self.parcels: list[str] = []
        self.told: set[tuple[str, str, int]] = set()
        self.offers: set[str] = set()
        self.completed = False
        self.events = 1
        self.clock = START

    # What the model says

    @property
    def total(self) -> int:
        return sum(self.prices) + self.shipping

    @property
    def free(self) -> bool:
        """Whether a merchant may still change something."""
        return self.life != "cancelled" and not self.archived

    @property
    def gone(self) -> bool:
        return self.step in ("shipped", "completed")

    @property
    def due(self) -> int:
        if self.life == "cancelled":
            return 0
        paid, refunded = sum(self.paid.values()), sum(self.refunded.values())
        return self.total - max(paid - refunded, 0) if paid < self.total else 0

    def now(self) -> datetime:
        self.clock += timedelta(minutes=1)
        return self.clock

    def expect(self, allowed: bool, attempt: Callable[[], Order], *, changes: bool = True) -> bool:
        """Try a command, and see whether it was taken as the model says."""
        before = self.order
        try:
            self.order = attempt()
        except CommandRefused:
            assert not allowed
            assert self.order is before
            return False
        assert allowed
        assert (self.order is not before) == changes
        self.events += changes
        return True

    def complete(self) -> None:
        if self.life != "draft" and self.paid and sum(self.paid.values()) >= self.total:
            self.completed = True

    # What the merchant wishes

    @rule()
    def mark_pending(self) -> None:
        at = self.now()
        if self.expect(self.life == "draft", lambda: self.order.mark_pending(at=at)):
            self.life = "open"
            self.complete()

    @rule()
    def mark_paid(self) -> None:
        at, due = self.now(), self.due
        allowed = self.free and (self.life == "draft" or due > 0)
        if self.expect(allowed, lambda: self.order.mark_paid(at=at)):
            self.life, self.completed = "open", True
            if due:
                self.paid[f"by hand {self.events}"] = due

    @rule()
    def confirm(self) -> None:
        at = self.now()
        allowed = (
            self.free
            and self.life == "open"
            and not self.completed
            and not (self.gateway and self.total)
        )
        if self.expect(allowed, lambda: self.order.confirm(at=at)):
            self.completed = True

    @rule(step=st.sampled_from(tuple(STEPS)), reason=st.sampled_from((None, " ", "mixed up")))
    def set_fulfillment(self, step: str, reason: str | None) -> None:
        at = self.now()
        back = STEPS[step] < STEPS[self.step]
        fits = {"shipped": "ship", "ready_for_pickup": "pickup"}.get(step, self.delivery)
        allowed = (
            self.free
            and self.life == "open"
            and fits == self.delivery
            and (not back or reason == "mixed up")
        )
        if self.expect(
            allowed,
            lambda: self.order.set_fulfillment(step, at=at, reason=reason),
            changes=step != self.step,
        ):
            self.step = step

    @rule(number=PARCELS)
    def add_tracking(self, number: str) -> None:
        at, known = self.now(), number in self.parcels
        allowed = known or (self.free and self.life == "open" and self.delivery == "ship")
        if self.expect(
            allowed, lambda: self.order.add_tracking("J&T", number, at=at), changes=not known
        ) and (not known):
            self.parcels.append(number)
            self.told.add(("parcel", number, 0))
            self.step = "completed" if self.step == "completed" else "shipped"

    @rule(prices=st.lists(SEN, min_size=1, max_size=2))
    def change_lines(self, prices: list[int]) -> None:
        at = self.now()
        lines = [LineItem("Kopi", 1, myr(sen)) for sen in prices]
        if self.expect(
            self.free and not self.gone,
            lambda: self.order.change_lines(lines, at=at),
            changes=prices != self.prices,
        ):
            changed = prices != self.prices
            self.prices = list(prices)
            if changed:
                self.complete()

    @rule(reference=REFERENCES, sen=SEN)
    def accept_offer(self, reference: str, sen: int) -> None:
        at, repeated = self.now(), reference in self.offers
        line = LineItem("Kopi", 1, myr(sen))
        allowed = repeated or (self.free and self.life == "open" and not self.gone)
        if self.expect(
            allowed,
            lambda: self.order.accept_offer([line], at=at, payment=(reference, myr(sen))),
            changes=not repeated,
        ) and (not repeated):
            self.offers.add(reference)
            self.told.add(("payment", reference, sen))
            self.prices.append(sen)
            if reference not in self.paid:
                self.paid[reference] = sen
                self.complete()

    @rule()
    def cancel(self) -> None:
        at = self.now()
        if self.expect(
            self.free and not self.gone, lambda: self.order.cancel(reason="no stock", at=at)
        ):
            self.life = "cancelled"

    @precondition(lambda self: self.events > 5)
    @rule()
    def archive(self) -> None:
        at = self.now()
        allowed = self.life != "draft" and not self.archived
        if self.expect(allowed, lambda: self.order.archive(at=at)):
            self.archived = True

    # What others report

    @rule(reference=REFERENCES, sen=SEN)
    def pay(self, reference: str, sen: int) -> None:
        at, order = self.now(), self.order
        self.learn(("payment", reference, sen), order.record_payment(reference, myr(sen), at=at))
        if reference not in self.paid:
            self.paid[reference] = sen
            self.complete()

    @rule(reference=REFERENCES, sen=SEN)
    def refund(self, reference: str, sen: int) -> None:
        at, order = self.now(), self.order
        self.learn(("refund", reference, sen), order.record_refund(reference, myr(sen), at=at))
        self.refunded.setdefault(reference, sen)

    @rule(number=PARCELS)
    def ship(self, number: str) -> None:
        at, order = self.now(), self.order
        self.learn(("parcel", number, 0), order.record_shipment("J&T", number, at=at))
        if number not in self.parcels:
            self.parcels.append(number)
            if self.life == "cancelled" or (self.life == "open" and self.delivery == "ship"):
                self.step = "completed" if self.step == "completed" else "shipped"

    def learn(self, report: tuple[str, str, int], after: Order) -> None:
        """A report is news once, also one that differs from an earlier one."""
        assert (after is self.order) == (report in self.told)
        self.events += report not in self.told
        self.told.add(report)
        self.order = after

    # What is compared after every step

    @invariant()
    def the_order_is_what_the_model_says(self) -> None:
        order = self.order
        assert (order.life, order.archived, order.fulfillment) == (
            self.life,
            self.archived,
            self.step,
        )
        assert order.total.minor == self.total
        assert order.tracking_numbers == tuple(self.parcels)
        assert (order.completed_at is not None) == self.completed
        assert sorted(e.amount.minor for e in order.payments) == sorted(self.paid.values())
        assert sorted(e.amount.minor for e in order.refunds) == sorted(self.refunded.values())

    @invariant()
    def the_money_is_what_the_model_says(self) -> None:
        paid, back = sum(self.paid.values()), sum(self.refunded.values())
        kept = paid - back
        if self.life == "cancelled":
            assert self.order.refund_due.minor == max(kept, 0)
        elif paid < self.total:
            assert self.order.refund_due.minor == 0
        else:
            assert self.order.refund_due.minor == max(kept - self.total, 0)
        assert self.order.amount_due.minor == self.due

    @invariant()
    def the_history_tells_it_all(self) -> None:
        assert len(self.order.changes) == self.events
        assert Order.replay(self.order.changes) == self.order


# Hypothesis makes the class when it is asked for, so nobody knows its type.
TestOrderMachine = OrderMachine.TestCase  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
