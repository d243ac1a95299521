"""Rules and policies: when an order is abandoned, and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import attrs
import pytest

from abandonment_examples import (
    BEGAN,
    DUE,
    INSTANT,
    LATER,
    OTHER_SHOP,
    SHOP,
    begun,
    bought,
    draft,
    minutes,
    paid,
)
from shoppego_orders.abandonment import (
    AbandonmentPolicy,
    AllOf,
    AnyOf,
    Context,
    Finding,
    NoOtherPurchase,
    Not,
    OrderLike,
    Rule,
    Unfulfilled,
    Verdict,
    VerdictStatus,
)
from shoppego_orders.abandonment.rules import TotalAtLeast
from shoppego_orders.errors import InvalidValue
from shoppego_orders.money import Money
from shoppego_orders.order import Order, OrderRow

POLICY = AbandonmentPolicy()


def judged(order: Order, *others: Order) -> Verdict:
    """The documented rule's verdict, asked long after."""
    return POLICY.judge(order, [order, *others], LATER)


# The documented rule


def test_the_order_has_remained_unfulfilled_for_60_minutes() -> None:
    verdict = judged(begun())
    assert verdict.status is VerdictStatus.ABANDONED
    assert verdict.abandoned_at == verdict.due == DUE == POLICY.due(begun())
    assert verdict.reasons == (
        "Before its deadline it was neither completed, nor taken up, nor cancelled.",
        "The customer made no other purchase in this shop meanwhile.",
    )


@pytest.mark.parametrize("early", [DUE - INSTANT, BEGAN])
def test_it_is_not_due_before_60_minutes_have_passed(early: datetime) -> None:
    verdict = POLICY.judge(begun(), [], early)
    assert verdict.status is VerdictStatus.NOT_DUE
    assert verdict.abandoned_at is None
    assert verdict.policy == POLICY.id
    assert verdict.due == DUE
    assert verdict.reasons == ("It is not due until 2021-03-03 15:58:17 UTC.",)


def test_at_60_minutes_it_is_due() -> None:
    assert POLICY.judge(begun(), [], DUE).status is VerdictStatus.ABANDONED


def test_paid_at_exactly_60_minutes_is_a_recovery() -> None:
    order = paid(begun(), DUE)
    assert judged(order).abandoned_at == DUE
    marked = order.record_abandonment(policy=POLICY.name, reasons=(), at=DUE, recorded_at=LATER)
    assert marked.recovered_at == DUE


def test_paid_a_moment_before_60_minutes_is_kept() -> None:
    verdict = judged(paid(begun(), DUE - INSTANT))
    assert verdict.status is VerdictStatus.KEPT
    assert verdict.abandoned_at is None
    assert verdict.reasons == (
        "Before its deadline it was completed at 2021-03-03 15:58:16.999999 UTC.",
    )


def test_paid_at_the_moment_at_which_it_began_is_kept() -> None:
    assert judged(paid(begun(), BEGAN)).status is VerdictStatus.KEPT


def test_a_payment_stamped_before_the_checkout_by_a_slow_clock_keeps_it() -> None:
    assert judged(paid(begun(), BEGAN - minutes(2))).status is VerdictStatus.KEPT


def test_part_of_the_money_completes_nothing() -> None:
    order = begun().record_payment("billplz-1", Money("10", "MYR"), at=BEGAN + minutes(5))
    assert judged(order).status is VerdictStatus.ABANDONED


def test_confirmed_for_cash_on_delivery_is_kept() -> None:
    assert judged(begun().confirm(at=BEGAN + minutes(1))).status is VerdictStatus.KEPT


def test_taken_up_by_the_merchant_is_kept() -> None:
    order = begun().set_fulfillment("processing", at=BEGAN + minutes(1))
    verdict = judged(order)
    assert verdict.status is VerdictStatus.KEPT
    assert verdict.reasons == (
        "Before its deadline it was taken up by the merchant at 2021-03-03 14:59:17 UTC.",
    )


def test_taken_up_after_60_minutes_is_abandoned() -> None:
    order = begun().set_fulfillment("processing", at=DUE)
    assert judged(order).status is VerdictStatus.ABANDONED


@pytest.mark.parametrize(
    ("at", "status"),
    [(DUE - INSTANT, VerdictStatus.KEPT), (DUE, VerdictStatus.ABANDONED)],
)
def test_cancelled_within_60_minutes_is_kept(at: datetime, status: VerdictStatus) -> None:
    assert judged(begun().cancel(reason="out of stock", at=at)).status is status


def test_every_way_in_which_it_was_kept_is_told() -> None:
    order = paid(begun(), BEGAN + minutes(1)).cancel(reason="sold out", at=BEGAN + minutes(2))
    assert judged(order).reasons == (
        (
            "Before its deadline it was completed at 2021-03-03 14:59:17 UTC "
            "and cancelled at 2021-03-03 15:00:17 UTC."
        ),
    )


def test_a_draft_is_not_judged_by_its_rule() -> None:
    verdict = AbandonmentPolicy(rule=NoOtherPurchase()).judge(draft(), [], LATER)
    assert verdict.status is VerdictStatus.KEPT
    assert verdict.reasons == ("It is a draft, which no customer can leave.",)
    assert verdict.finding == Finding("NoDraft", False, "It is no draft.", verdict.reasons[0])


def test_a_draft_marked_as_pending_was_taken_up_by_the_merchant() -> None:
    order = draft().mark_pending(at=DUE + minutes(60))
    assert judged(order).status is VerdictStatus.KEPT


# The customer's other purchases


@pytest.mark.parametrize("at", [BEGAN, BEGAN + minutes(30), DUE - INSTANT])
def test_the_customer_has_made_another_purchase_during_this_period(at: datetime) -> None:
    verdict = judged(begun(), bought("1262139", at=at))
    assert verdict.status is VerdictStatus.KEPT
    assert len(verdict.reasons) == 1
    assert verdict.reasons[0].startswith("The customer bought order 1262139 at 2021-03-03 1")


@pytest.mark.parametrize("at", [BEGAN - INSTANT, DUE, DUE + minutes(1)])
def test_a_purchase_outside_this_period_says_nothing(at: datetime) -> None:
    assert judged(begun(), bought("1262139", at=at)).status is VerdictStatus.ABANDONED


def test_a_later_order_that_was_not_paid_is_no_purchase() -> None:
    later = begun("1262141", at=BEGAN + minutes(10))
    assert judged(begun(), later).status is VerdictStatus.ABANDONED
    assert judged(later, begun()).status is VerdictStatus.ABANDONED


def test_a_purchase_in_another_shop_says_nothing() -> None:
    elsewhere = bought("1262139", at=BEGAN + minutes(30), shop=OTHER_SHOP)
    assert judged(begun(), elsewhere).status is VerdictStatus.ABANDONED


def test_another_customers_purchase_says_nothing() -> None:
    theirs = bought("1262139", at=BEGAN + minutes(30), email="nurul@example.com")
    assert judged(begun(), theirs).status is VerdictStatus.ABANDONED


def test_orders_of_nobody_known_have_no_other_purchases() -> None:
    verdict = judged(begun(email=None), bought("1262139", at=BEGAN + minutes(30), email=None))
    assert verdict.status is VerdictStatus.ABANDONED
    assert "Nobody knows the customer, so no other purchase is theirs." in verdict.reasons


def test_the_order_itself_is_no_other_purchase() -> None:
    order = paid(begun(), BEGAN + minutes(30))
    policy = AbandonmentPolicy(rule=NoOtherPurchase())
    assert policy.judge(order, [order], LATER).status is VerdictStatus.ABANDONED
    # Nor is it one of itself as it was, before that was known.
    assert policy.judge(begun(), [order], LATER).status is VerdictStatus.ABANDONED


def test_a_purchase_that_was_cancelled_afterwards_was_one() -> None:
    other = bought("1262139", at=BEGAN + minutes(30)).cancel(reason="wrong size", at=LATER)
    assert judged(begun(), other).status is VerdictStatus.KEPT


def test_the_first_of_several_purchases_is_told() -> None:
    others = [bought(f"b{number}", at=BEGAN + minutes(40 - number)) for number in (10, 30, 20)]
    assert judged(begun(), *others).reasons == (
        "The customer bought order b30 at 2021-03-03 15:08:17 UTC.",
    )


def test_a_host_may_give_purchases_of_its_own() -> None:
    class Bought(NamedTuple):
        id: str
        shop: str
        customer_key: str | None
        completed_at: datetime | None
        products: tuple[str, ...] = ()

    given = [
        Bought("1262138", SHOP, "email:aisyah@example.com", None),
        Bought("1262139", SHOP, "email:aisyah@example.com", BEGAN + minutes(1)),
    ]
    assert POLICY.judge(begun(), given[:1], LATER).status is VerdictStatus.ABANDONED
    assert POLICY.judge(begun(), given, LATER).status is VerdictStatus.KEPT
    # A rule asked without a policy gets what it is given.
    context = Context(BEGAN, DUE, tuple(given[:1]))
    assert NoOtherPurchase().holds(begun(), context)


# Time


@pytest.mark.parametrize(
    ("zone", "local"),
    [
        ("Europe/London", "2021-03-28T00:30"),
        ("Europe/London", "2021-10-31T01:30"),
        ("America/New_York", "2021-03-14T01:59:59"),
        ("Asia/Kuala_Lumpur", "2021-03-31T23:30"),
        ("Asia/Kuala_Lumpur", "2021-12-31T23:59"),
    ],
)
def test_60_minutes_are_elapsed_time_whatever_the_clocks_do(zone: str, local: str) -> None:
    began = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone))
    order = begun(at=began)
    due = began.astimezone(UTC) + minutes(60)
    assert POLICY.due(order) == POLICY.due(OrderRow.of(order)._replace(placed_at=began)) == due
    assert POLICY.judge(order, [], due.astimezone(ZoneInfo(zone))).abandoned_at == due
    assert POLICY.judge(order, [], due - INSTANT).status is VerdictStatus.NOT_DUE
    assert judged(paid(order, due - INSTANT)).abandoned_at is None


def test_a_window_of_another_length() -> None:
    policy = AbandonmentPolicy(window=minutes(30), name="half an hour")
    verdict = policy.judge(paid(begun(), BEGAN + minutes(45)), [], LATER)
    assert verdict.abandoned_at == BEGAN + minutes(30)
    assert verdict.policy == policy.id == f"half an hour@{policy.fingerprint}"
    assert verdict.policy != POLICY.id


# Rules


@attrs.frozen
class Weekend(Rule):
    wants = "It began on a Saturday or a Sunday."

    def holds(self, order: OrderLike, context: Context) -> bool:  # noqa: ARG002  # it needs none
        return order.placed_at.weekday() >= 5


def test_a_hosts_own_rule_in_five_lines() -> None:
    weekends = AbandonmentPolicy(rule=POLICY.rule & Weekend())
    for order in (begun(), OrderRow.of(begun())):
        verdict = weekends.judge(order, [], LATER)
        assert verdict.status is VerdictStatus.KEPT
        assert verdict.reasons == ("Not so: It began on a Saturday or a Sunday.",)
    saturday = begun(at=BEGAN + timedelta(days=3))
    verdict = weekends.judge(saturday, [], LATER + timedelta(days=3))
    assert verdict.reasons[-1] == "It began on a Saturday or a Sunday."


def test_joined_rules_are_values() -> None:
    rule = Unfulfilled() & NoOtherPurchase() & TotalAtLeast(Money("1", "MYR"))
    assert rule == AllOf((Unfulfilled(), NoOtherPurchase(), TotalAtLeast(Money("1", "MYR"))))
    assert hash(rule) == hash(Unfulfilled() & (NoOtherPurchase() & TotalAtLeast(Money("1", "MYR"))))
    either = Unfulfilled() | NoOtherPurchase() | Unfulfilled()
    assert either == AnyOf((Unfulfilled(), NoOtherPurchase(), Unfulfilled()))
    assert ~Unfulfilled() == Not(Unfulfilled())
    assert ~~Unfulfilled() == Unfulfilled()
    assert AbandonmentPolicy() == POLICY


def test_reasons_are_those_that_decided() -> None:
    order = begun()
    context = Context(BEGAN, DUE)
    yes, no = Unfulfilled(), TotalAtLeast(Money("100", "MYR"))
    seen = yes.check(order, context).saw
    missed = "The total is MYR 59.50."
    assert (yes & no).check(order, context).reasons == (missed,)
    assert (yes | no).check(order, context).reasons == (seen,)
    assert (no | no).check(order, context).reasons == (missed,)
    assert (~no).check(order, context).reasons == (missed,)
    assert (~(yes & no)).check(order, context).reasons == (missed,)
    assert (yes & ~no).check(order, context).reasons == (seen, missed)


# Told to a person


def test_a_verdict_explains_itself() -> None:
    assert judged(begun()).explain() == (
        "Order 1262140: abandoned at 2021-03-03 15:58:17 UTC\n"
        "It began at 2021-03-03 14:58:17 UTC, with its deadline at 2021-03-03 15:58:17 UTC "
        f"(policy {POLICY.id}).\n"
        "yes: All conditions hold.\n"
        "  yes: Before its deadline it was neither completed, nor taken up, nor cancelled.\n"
        "  yes: The customer made no other purchase in this shop meanwhile."
    )


def test_a_kept_order_explains_what_kept_it() -> None:
    rule = Unfulfilled() & ~(NoOtherPurchase() | TotalAtLeast(Money("100", "MYR")))
    policy = AbandonmentPolicy(rule=rule, name="odd")
    verdict = policy.judge(begun(), [], LATER)
    assert verdict.explain() == (
        "Order 1262140: kept\n"
        "It began at 2021-03-03 14:58:17 UTC, with its deadline at 2021-03-03 15:58:17 UTC "
        f"(policy {policy.id}).\n"
        "no: 1 of 2 conditions fail.\n"
        "  yes: Before its deadline it was neither completed, nor taken up, nor cancelled.\n"
        "  no: The contrary is asked for.\n"
        "    yes: 1 of 2 conditions hold.\n"
        "      yes: The customer made no other purchase in this shop meanwhile.\n"
        "      no: The total is MYR 59.50. (Asked for: The total is at least MYR 100.00.)"
    )


def test_what_is_not_due_says_when() -> None:
    text = POLICY.judge(begun(), [], BEGAN).explain()
    assert text.startswith("Order 1262140: not due until 2021-03-03 15:58:17 UTC\n")


# Bad input


@pytest.mark.parametrize(
    "window",
    [timedelta(0), -minutes(60), timedelta(days=366) + INSTANT, timedelta.max, timedelta.min, 60],
)
def test_a_window_that_is_none_is_refused(window: timedelta) -> None:
    with pytest.raises(InvalidValue) as caught:
        AbandonmentPolicy(window=window)
    assert caught.value.field == "window"


@pytest.mark.parametrize("window", [INSTANT, timedelta(days=366)])
def test_the_shortest_and_the_longest_window(window: timedelta) -> None:
    assert AbandonmentPolicy(window=window).due(begun()) == BEGAN + window


@pytest.mark.parametrize("rule", [None, "Unfulfilled", Unfulfilled])
def test_a_policys_rule_is_a_rule(rule: Rule) -> None:
    with pytest.raises(InvalidValue) as caught:
        AbandonmentPolicy(rule=rule)
    assert caught.value.field == "rule"


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "\x1b[31m"])
def test_a_policy_has_a_name(name: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        AbandonmentPolicy(name=name)
    assert caught.value.field == "name"


def test_rules_are_joined_with_rules_only() -> None:
    with pytest.raises(TypeError):
        Unfulfilled() & True  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]  # on purpose
    with pytest.raises(TypeError):
        Unfulfilled() | None  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]  # on purpose


def test_a_deadline_beyond_the_calendar_is_refused() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    assert POLICY.due(begun(at=last - minutes(60))) == last
    with pytest.raises(InvalidValue) as caught:
        POLICY.due(begun(at=last - minutes(60) + INSTANT))
    assert caught.value.field == "placed_at"
