"""The rules that ship: what each asks, what it saw, and what happened that decided."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import attrs
import pytest

from abandonment_examples import (
    BEGAN,
    DUE,
    INSTANT,
    LATER,
    PRICE,
    SHOP,
    bought,
    minutes,
    paid,
)
from shoppego_orders.abandonment import (
    AbandonmentPolicy,
    Context,
    Finding,
    NoOtherPurchase,
    Occurrence,
    Rule,
    Unfulfilled,
    VerdictStatus,
    rules,
)
from shoppego_orders.attribution import Touch, default_table
from shoppego_orders.customers import Address, Customer
from shoppego_orders.money import Money
from shoppego_orders.order import (
    Delivery,
    LineItem,
    Order,
    OrderRow,
    PaymentMethod,
    PaymentType,
)

CONTEXT = Context(BEGAN, DUE)
GATEWAY = PaymentMethod("Billplz", PaymentType.ALTERNATIVE)
CASH = PaymentMethod("Cash on delivery", PaymentType.MANUAL)
TIKTOK = "http://hartamas.myshoppegram.com/cart/2648:1?utm_source=tiktok"


def an_order(
    *,
    product: str = "Tudung Bawal",
    method: PaymentMethod | None = GATEWAY,
    email: str | None = "aisyah@example.com",
    phone: str | None = None,
    delivery: Delivery = Delivery.SHIP,
) -> Order:
    return Order.place(
        id="1262140",
        at=BEGAN,
        shop=SHOP,
        currency="MYR",
        lines=[LineItem(product, 1, PRICE)],
        customer=Customer(email=email, phone=phone),
        payment_method=method,
        delivery=delivery,
        tags=["raya"],
        attribution=default_table().classify(Touch(TIKTOK, None, BEGAN)),
    )


def both(rule: Rule, order: Order, context: Context = CONTEXT) -> Finding:
    """What a rule finds of an order; of its row it finds the same."""
    found = rule.check(order, context)
    assert rule.check(OrderRow.of(order), context) == found
    assert rule.holds(order, context) is found.holds
    return found


ON_TIME = "2021-03-03 14:59:17 UTC"
ASKED: list[tuple[Rule, bool, str]] = [
    (rules.PaymentMethod("billplz"), True, "The payment method is Billplz."),
    (rules.PaymentMethod(["Stripe", "FPX"]), False, "The payment method is Billplz."),
    (rules.PaymentType("alternative"), True, "The payment method's type is alternative."),
    (rules.PaymentType(PaymentType.MANUAL), False, "The payment method's type is alternative."),
    (rules.TotalAtLeast(Money("59.50", "MYR")), True, "The total is MYR 59.50."),
    (rules.TotalAtLeast(Money("59.51", "MYR")), False, "The total is MYR 59.50."),
    (rules.TotalAtLeast(Money("1.00", "SGD")), False, "The total is MYR 59.50."),
    (rules.Source("tiktok"), True, "The source is tiktok."),
    (rules.Source(["google", "direct"]), False, "The source is tiktok."),
    (rules.Channel("Organic Social"), True, "The channel is Organic Social."),
    (rules.Channel(["Email", "Direct"]), False, "The channel is Organic Social."),
    (rules.HasContact(), True, "There is an e-mail address or a phone number."),
    (rules.HasContact("email"), True, "There is an e-mail address."),
    (rules.HasContact("phone"), False, "Not so: There is a phone number."),
    (rules.Tagged("raya"), True, "It is tagged raya."),
    (rules.Tagged("vip"), False, "It is tagged raya."),
    (rules.DeliveryIs("ship"), True, "The delivery is ship."),
    (rules.DeliveryIs([Delivery.PICKUP, Delivery.NONE]), False, "The delivery is ship."),
]


@pytest.mark.parametrize(("rule", "holds", "saw"), ASKED)
def test_what_a_rule_saw(rule: Rule, holds: bool, saw: str) -> None:  # a parameter
    found = both(rule, an_order())
    assert (found.holds, found.saw) == (holds, saw)
    assert found.rule == type(rule).__name__
    assert found.wanted.endswith(".")
    assert found.decided_by is None


def test_what_is_not_known_is_said_so() -> None:
    bare = attrs.evolve(an_order(method=None, email=None), attribution=None, tags=())
    assert both(rules.PaymentMethod("Billplz"), bare).saw == "The payment method is not known."
    assert both(rules.PaymentType("manual"), bare).saw == "The payment method's type is not known."
    assert both(rules.Source("tiktok"), bare).saw == "The source is not known."
    assert both(rules.Channel("social"), bare).saw == "The channel is not known."
    assert both(rules.Tagged("vip"), bare).saw == "It has no tags."
    assert not both(rules.HasContact(), bare).holds
    reached = attrs.evolve(bare, shipping_address=Address(phone="012-3456789"))
    assert both(rules.HasContact(), reached).holds
    assert both(rules.HasContact("phone"), reached).holds


def test_unfulfilled_tells_what_came_first() -> None:
    order = paid(an_order(), BEGAN + minutes(2)).set_fulfillment("packed", at=BEGAN + minutes(1))
    found = both(Unfulfilled(), order)
    assert found.decided_by == Occurrence("taken up by the merchant", "1262140", BEGAN + minutes(1))
    assert both(Unfulfilled(), an_order()).decided_by is None


def confirmed(order: Order, at: datetime) -> Order:
    return order.confirm(at=at)


@pytest.mark.parametrize(
    ("rule", "change", "what"),
    [
        (rules.Unpaid(), paid, "paid in full"),
        (
            rules.Unconfirmed(),
            confirmed,
            "confirmed without a payment",
        ),
    ],
)
def test_not_yet_paid_or_confirmed(
    rule: Rule, change: Callable[[Order, datetime], Order], what: str
) -> None:
    order = an_order(method=CASH)
    never = both(rule, order)
    assert (never.holds, never.saw, never.decided_by) == (True, f"It was never {what}.", None)
    late = both(rule, change(order, DUE))
    assert (late.holds, late.decided_by) == (True, None)
    assert late.saw == f"It was {what} at 2021-03-03 15:58:17 UTC, after its deadline."
    early = both(rule, change(order, BEGAN + minutes(1)))
    assert not early.holds
    assert early.saw == f"It was {what} at {ON_TIME}, before its deadline."
    assert early.decided_by == Occurrence(what, "1262140", BEGAN + minutes(1))


def test_a_transfer_that_was_promised_and_never_came() -> None:
    """Confirmed is completed, and yet unpaid: the mark stands, and a payment is its recovery."""
    policy = AbandonmentPolicy(window=timedelta(days=3), rule=rules.Unpaid(), name="unpaid")
    order = an_order(method=CASH).confirm(at=BEGAN + minutes(5))
    due = BEGAN + timedelta(days=3)
    verdict = policy.judge(order, [], due)
    assert verdict.status is VerdictStatus.ABANDONED
    marked = order.record_abandonment(
        policy=policy.id, reasons=verdict.reasons, at=due, recorded_at=due, despite=["completed"]
    )
    assert (marked.abandoned_at, marked.recovered_at) == (due, None)
    assert paid(marked, due + minutes(1)).recovered_at == due + minutes(1)
    in_time = marked.record_payment(
        "r", marked.total, at=due - INSTANT, recorded_at=due + minutes(9)
    )
    assert in_time.abandoned_at is None
    assert in_time.changes[-1].type == "abandonment_retracted"


def test_no_other_purchase_of_the_same_product() -> None:
    context = Context(BEGAN, DUE, (bought("1262139", at=BEGAN + minutes(1)),))
    shared = NoOtherPurchase(shared_product=True)
    assert not both(shared, an_order(), context).holds
    assert both(shared, an_order(product="Kopi"), context).holds
    assert not both(NoOtherPurchase(), an_order(product="Kopi"), context).holds
    assert both(shared, an_order(), context).wanted == (
        "The customer made no other purchase of one of its products in this shop meanwhile."
    )
    nobody = both(NoOtherPurchase(), an_order(email=None))
    assert nobody.saw == "Nobody knows the customer, so no other purchase is theirs."


def test_the_first_order_of_a_customer() -> None:
    policy = AbandonmentPolicy(rule=Unfulfilled() & rules.FirstOrder(timedelta(days=30)))
    earlier = bought("1262139", at=BEGAN)
    for ago, first in (
        (timedelta(days=30), False),
        (timedelta(days=30) + INSTANT, True),
        (INSTANT, False),
        (timedelta(0), True),  # within the period, and not before it
    ):
        earlier = attrs.evolve(earlier, placed_at=BEGAN - ago, completed_at=BEGAN - ago)
        verdict = policy.judge(an_order(), [earlier], LATER)
        assert (verdict.status is VerdictStatus.ABANDONED) is first
    nothing = policy.judge(an_order(), [earlier], LATER).finding.parts[1]
    assert nothing.saw == "The customer bought nothing in this shop in the 30 days before."
    further = AbandonmentPolicy(rule=policy.rule | rules.FirstOrder(timedelta(days=90)))
    long_ago = attrs.evolve(earlier, completed_at=BEGAN - timedelta(days=60))
    answers = further.judge(an_order(), [long_ago], LATER).finding
    assert [part.holds for part in answers.parts] == [True, False]
    latest = bought("1262138", at=BEGAN - minutes(1))
    found = policy.judge(an_order(), [earlier, latest], LATER).finding.parts[1]
    assert found.saw == "The customer had bought order 1262138 at 2021-03-03 14:57:17 UTC."
    assert found.decided_by == Occurrence("bought", "1262138", BEGAN - minutes(1))
    assert "36:00:00" in rules.FirstOrder(timedelta(hours=36)).wanted().replace("1 day, 12", "36")


def test_the_window_of_a_payment_method() -> None:
    policy = AbandonmentPolicy(windows_by_payment_method={"Cash on delivery": timedelta(days=2)})
    assert policy.due(an_order()) == DUE
    assert policy.due(an_order(method=CASH)) == BEGAN + timedelta(days=2)
    assert (policy.shortest_window, policy.longest_window) == (minutes(60), timedelta(days=2))


def test_a_window_since_the_last_activity() -> None:
    policy = AbandonmentPolicy(since="last_activity_at")
    order = an_order()
    for after in (50, 100, 161, 170):  # the third comes a minute after the deadline
        order = order.edit_address(shipping=Address(city=f"{after}"), at=BEGAN + minutes(after))
    assert policy.due(order) == BEGAN + minutes(160)
    assert policy.longest_window is None
    assert AbandonmentPolicy().due(order) == DUE
    done = paid(order, BEGAN + minutes(5)).edit_address(
        shipping=Address(city="x"), at=BEGAN + minutes(6)
    )
    assert done.activity == order.activity  # what is completed is edited, not left


@pytest.mark.parametrize(
    ("rule", "read"),
    [
        (Unfulfilled(), {"completed_at", "taken_up_at", "cancelled_at"}),
        (rules.Unpaid(), {"paid_at"}),
        (rules.Unconfirmed(), {"confirmed_at"}),
        (NoOtherPurchase(), {"customer_key"}),
        (NoOtherPurchase(shared_product=True), {"customer_key", "products"}),
        (rules.FirstOrder(), set[str]()),
        (rules.PaymentMethod("Billplz"), {"payment_method_name"}),
        (rules.PaymentType("manual"), {"payment_type"}),
        (rules.TotalAtLeast(PRICE), {"total"}),
        (rules.Source("tiktok"), {"source"}),
        (rules.Channel("Paid Social"), {"channel"}),
        (rules.HasContact(), {"email", "phone_digits"}),
        (rules.Tagged("gift"), {"tags"}),
        (rules.DeliveryIs("pickup"), {"delivery"}),
    ],
)
def test_a_rule_names_the_fields_that_it_reads(rule: Rule, read: set[str]) -> None:
    assert rule.reads() == read
    assert (~rule & Unfulfilled()).reads() == read | Unfulfilled().reads()


@pytest.mark.parametrize("rule", [Unfulfilled(), rules.Unpaid(), rules.Unconfirmed()])
def test_what_must_not_have_happened_prevents_a_rule(rule: Rule) -> None:
    assert rule.prevented_by() == rule.reads()
