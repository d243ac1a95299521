"""How abandoned checkouts ended: recorded from what was bought when, and what that earned."""

from __future__ import annotations

import importlib
import itertools
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from abandonment_examples import (
    AISYAH,
    BEGAN,
    DUE,
    INSTANT,
    OTHER_SHOP,
    PRICE,
    SHOP,
    Crash,
    begun,
    bought,
    draft,
    minutes,
    paid,
)
from recovery_examples import (
    FIRST,
    HOUR,
    PLAN,
    POLICY,
    Desk,
    Disturbance,
    Watch,
    WatchedStore,
    crash,
    key_of,
    left,
    store_of,
)
from shoppego_orders.abandonment import (
    RecoveryReport,
    ReminderCounts,
    SettleResult,
    Skipped,
    recovery_report,
    remind,
    settle_recoveries,
)
from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.adapters.sql import SqlOrderStore
from shoppego_orders.customers import Customer
from shoppego_orders.errors import (
    InvalidDocument,
    InvalidValue,
    MailNotSent,
    Retry,
)
from shoppego_orders.money import Money
from shoppego_orders.order import LineItem, Order, OrderRow, Recovery
from shoppego_orders.periods import Period
from shoppego_orders.ports import OrderStore, Outcome
from shoppego_orders.query import OrderQuery

DAYS = timedelta(days=1)
LOST_AFTER = PLAN.lost_after
GIVEN_UP = DUE + LOST_AFTER
NOW = GIVEN_UP + DAYS


def settled(*orders: Order, now: datetime = NOW) -> tuple[Recovery | None, str | None]:
    """How the order 1262140 ended, and by which purchase."""
    store = store_of(*orders)
    settle_recoveries(store, LOST_AFTER, now)
    order = store.get("1262140")
    return order.recovery, order.recovered_by


def returned(order: Order, at: datetime) -> Order:
    return order.record_return(1, at=at)


# The five ends


def test_the_same_checkout_completed_later_is_recovered() -> None:
    for at in (DUE, DUE + 3 * DAYS, GIVEN_UP - INSTANT):
        assert settled(paid(left(begun()), at)) == (Recovery.RECOVERED, "1262140")
    assert settled(left(begun()).confirm(at=DUE + HOUR)) == (Recovery.RECOVERED, "1262140")


def test_through_a_recovery_link_it_is_returned() -> None:
    back = returned(left(begun()), FIRST)
    for at in (FIRST, FIRST + HOUR):
        assert settled(paid(back, at)) == (Recovery.RETURNED, "1262140")
        assert settled(back, bought("2", at=at)) == (Recovery.RETURNED, "2")
    assert settled(paid(back, FIRST - INSTANT)) == (Recovery.RECOVERED, "1262140")
    assert settled(back, bought("2", at=FIRST - INSTANT)) == (Recovery.SUBSTITUTED, "2")
    assert settled(back) == (Recovery.LOST, None)


def test_another_purchase_from_the_deadline_on_is_a_substitute() -> None:
    for at in (DUE, DUE + 3 * DAYS, GIVEN_UP - INSTANT):
        assert settled(left(begun()), bought("2", at=at)) == (Recovery.SUBSTITUTED, "2")


@pytest.mark.parametrize(
    "other",
    [
        bought("2", at=DUE - INSTANT),
        bought("2", at=GIVEN_UP),
        bought("2", at=DUE, shop=OTHER_SHOP),
        bought("2", at=DUE, email="nurul@example.com"),
        bought("2", at=DUE, email=None),
        begun("2", at=DUE + HOUR),
        begun("2", at=DUE + HOUR).record_payment("part", Money("1", "MYR"), at=FIRST),
        begun("2", at=DUE + HOUR).record_payment("usd", Money("99", "USD"), at=FIRST),
        begun("2", at=DUE + HOUR).cancel(reason="payment failed", at=FIRST),
        begun("2", at=DUE + HOUR).set_fulfillment("packed", at=FIRST),
        draft("2", at=DUE + HOUR),
    ],
)
def test_what_is_no_purchase_in_time_is_no_substitute(other: Order) -> None:
    assert settled(left(begun()), other) == (Recovery.LOST, None)


def test_it_is_lost_when_the_time_for_it_is_over() -> None:
    assert settled(left(begun()), now=GIVEN_UP - INSTANT) == (Recovery.OPEN, None)
    assert settled(left(begun()), now=GIVEN_UP) == (Recovery.LOST, None)
    assert settled(paid(left(begun()), GIVEN_UP)) == (Recovery.LOST, None)
    store = store_of(left(begun()))
    settle_recoveries(store, LOST_AFTER, NOW)
    (event,) = [each for each in store.events("1262140") if each.type == "recovery_settled"]
    assert (event.occurred_at, event.recorded_at, event.actor) == (GIVEN_UP, NOW, "sweep")


def test_the_earliest_purchase_decides() -> None:
    order = paid(left(begun()), DUE + 2 * HOUR)
    assert settled(order, bought("2", at=DUE + HOUR)) == (Recovery.SUBSTITUTED, "2")
    assert settled(order, bought("2", at=DUE + 3 * HOUR)) == (Recovery.RECOVERED, "1262140")
    # At one instant, the checkout itself.
    assert settled(order, bought("2", at=DUE + 2 * HOUR)) == (Recovery.RECOVERED, "1262140")
    assert settled(order, bought("0", at=DUE + 2 * HOUR)) == (Recovery.RECOVERED, "1262140")
    first, second = bought("3", at=DUE + HOUR), bought("2", at=DUE + HOUR)
    assert settled(order, first, second) == (Recovery.SUBSTITUTED, "2")


def test_what_was_confirmed_in_time_and_paid_late_is_recovered_when_paid() -> None:
    order = begun().confirm(at=BEGAN + minutes(5))
    unpaid = order.record_abandonment(
        policy=POLICY, reasons=["unpaid"], at=DUE, recorded_at=DUE, despite=["completed"]
    )
    assert settled(unpaid, now=GIVEN_UP - INSTANT) == (Recovery.OPEN, None)
    assert settled(unpaid) == (Recovery.LOST, None)
    assert settled(paid(unpaid, FIRST)) == (Recovery.RECOVERED, "1262140")


def test_of_nobody_known_only_the_checkout_itself_is_known() -> None:
    order = left(begun(email=None))
    assert settled(order, bought("2", at=DUE, email=None)) == (Recovery.LOST, None)
    assert settled(paid(order, FIRST)) == (Recovery.RECOVERED, "1262140")


def test_what_has_not_happened_yet_decides_nothing() -> None:
    # A gateway's clock may be ahead of ours.
    order = paid(left(begun()), FIRST)
    assert settled(order, now=FIRST - INSTANT) == (Recovery.OPEN, None)
    assert settled(order, now=FIRST) == (Recovery.RECOVERED, "1262140")
    assert settled(left(begun(at=DUE + DAYS)), now=DUE) == (Recovery.OPEN, None)


def test_what_was_cancelled_after_it_was_bought_was_bought() -> None:
    order = paid(left(begun()), FIRST).cancel(reason="sold out", at=FIRST + HOUR)
    assert settled(order, now=FIRST + 2 * HOUR) == (Recovery.RECOVERED, "1262140")


def test_an_order_at_the_end_of_the_calendar() -> None:
    last = datetime.max.replace(tzinfo=UTC) - DAYS
    order = left(begun(at=last - 2 * HOUR))
    assert settled(order, now=last) == (Recovery.OPEN, None)
    assert settled(paid(order, last), now=last) == (Recovery.RECOVERED, "1262140")


# The run


def test_a_run_tells_what_it_recorded() -> None:
    store = store_of(
        left(begun("1")),
        left(begun("2", at=BEGAN + 10 * DAYS, email="b@example.com")),
        paid(left(begun("3", at=BEGAN + 11 * DAYS, email="c@example.com")), NOW - HOUR),
        begun("4"),
        bought("5", at=DUE - INSTANT),
    )
    first = settle_recoveries(store, LOST_AFTER, NOW)
    assert first == SettleResult(outcomes={"1": Recovery.LOST, "3": Recovery.RECOVERED}, open=1)
    assert list(first.outcomes) == ["1", "3"]
    assert settle_recoveries(store, LOST_AFTER, NOW) == SettleResult(open=1)


def test_one_shop_alone_and_no_more_than_the_limit() -> None:
    orders = [left(begun(f"{n}", at=BEGAN + minutes(n))) for n in range(5)]
    store = store_of(*orders, left(begun("other", shop=OTHER_SHOP)))
    assert list(settle_recoveries(store, LOST_AFTER, NOW, shop=OTHER_SHOP).outcomes) == ["other"]
    assert list(settle_recoveries(store, LOST_AFTER, NOW, limit=2).outcomes) == ["0", "1"]
    # What may still end one way or another is in nobody's way.
    late = left(begun("late", at=BEGAN + minutes(2), email="late@example.com"))
    store.save(late)
    assert list(settle_recoveries(store, LOST_AFTER, NOW, limit=9).outcomes) == [
        *("2", "late", "3", "4"),
    ]


def test_several_workers_record_each_end_once() -> None:
    for step in itertools.count(1):
        store = store_of(left(begun("1")), paid(left(begun("2", email="b@example.com")), FIRST))
        results: list[SettleResult] = []

        def second(store: MemoryOrderStore = store, results: list[SettleResult] = results) -> None:
            results.append(settle_recoveries(store, LOST_AFTER, NOW))

        watched = WatchedStore(store, Disturbance(step, second, after=True))
        results.append(settle_recoveries(watched, LOST_AFTER, NOW))
        assert Counter(key for each in results for key in each.outcomes) == {"1": 1, "2": 1}
        assert ends(store) == {"1": ["lost"], "2": ["recovered"]}
        if len(results) == 1:
            break


def ends(store: OrderStore) -> dict[str, list[str]]:
    """Every end that is recorded of each abandoned order."""
    return {
        row.id: [
            getattr(event.data, "outcome").value  # noqa: B009  # of this type alone
            for event in store.events(row.id)
            if event.type == "recovery_settled"
        ]
        for row in store.rows(OrderQuery(abandoned=True))
    }


def test_a_crash_at_any_step_loses_nothing() -> None:
    for step, after in itertools.product(range(1, 12), (False, True)):
        store = store_of(left(begun("1")), paid(left(begun("2", email="b@example.com")), FIRST))
        watched = WatchedStore(store, Disturbance(step, crash, after=after))
        try:
            settle_recoveries(watched, LOST_AFTER, NOW)
        except Crash:
            settle_recoveries(store, LOST_AFTER, NOW)
        assert ends(store) == {"1": ["lost"], "2": ["recovered"]}


class Meanwhile(WatchedStore):
    """A store in which something happens between finding an order and loading it."""

    def __init__(self, store: OrderStore, happen: Callable[[], object]) -> None:
        super().__init__(store, Watch())
        self._happen = happen

    def get(self, order_id: str) -> Order:
        self._happen()
        return super().get(order_id)


def test_what_changes_before_it_is_saved_is_decided_anew() -> None:
    store = store_of(left(begun()))

    def bought_late() -> None:
        if store.get("1262140").completed_at is None:
            store.save(paid(store.get("1262140"), FIRST))

    result = settle_recoveries(Meanwhile(store, bought_late), LOST_AFTER, NOW)
    assert result.outcomes == {"1262140": Recovery.RECOVERED}

    # Of another customer, as it turns out: who bought something.
    store = store_of(left(begun()), bought("2", at=FIRST, email="nurul@example.com"))

    def corrected() -> None:
        nurul = Customer(email="nurul@example.com")
        store.save(store.get("1262140").edit_customer(nurul, at=FIRST))

    result = settle_recoveries(Meanwhile(store, corrected), LOST_AFTER, NOW)
    assert result.outcomes == {"1262140": Recovery.SUBSTITUTED}

    store = store_of(left(begun()))
    early = DUE - INSTANT

    def taken_back() -> None:
        store.save(store.get("1262140").record_payment("r", PRICE, at=early, recorded_at=NOW))

    result = settle_recoveries(Meanwhile(store, taken_back), LOST_AFTER, NOW)
    assert result == SettleResult(open=1)
    assert store.get("1262140").recovery is None


def test_what_can_t_be_settled_is_told_and_holds_nothing_up() -> None:
    store = store_of(left(begun("1")), left(begun("2")))

    class Torn(WatchedStore):
        def get(self, order_id: str) -> Order:
            if order_id == "1":
                raise InvalidDocument("lines[0]", "it is cut off")
            return super().get(order_id)

    result = settle_recoveries(Torn(store, Watch()), LOST_AFTER, NOW)
    assert result.outcomes == {"2": Recovery.LOST}
    assert result.skipped == (Skipped("1", "lines[0]: it is cut off"),)

    def edited() -> None:
        store.save(store.get("1").edit_note(f"{store.get('1').version}", at=DUE))

    class Busy(WatchedStore):
        def save(self, order: Order) -> Order:
            edited()
            return super().save(order)

    result = settle_recoveries(Busy(store, Watch()), LOST_AFTER, NOW)
    assert [each.order_id for each in result.skipped] == ["1"]
    assert store.get("1").recovery is Recovery.OPEN


def test_the_purchases_of_many_are_found_with_one_question() -> None:
    asked: list[OrderQuery] = []
    looked: Counter[str] = Counter()

    class Asked(WatchedStore):
        def rows(self, query: OrderQuery) -> itertools.chain[OrderRow]:
            asked.append(query)
            rows = list(super().rows(query))
            looked["rows"] += len(rows)
            return itertools.chain(rows)

    many = [left(begun(f"{n}", at=BEGAN + minutes(n))) for n in range(400)]
    store = store_of(*many, *(bought(f"b{n}", at=DUE + minutes(n)) for n in range(400)))
    settle_recoveries(Asked(store, Watch()), LOST_AFTER, NOW)
    assert len(asked) == 2
    assert asked[0].recovery == frozenset({Recovery.OPEN})
    assert asked[1].shop == SHOP
    assert looked["rows"] == 800
    assert ends(store)["399"] == ["substituted"]


def test_of_whoever_has_orders_in_many_batches_each_purchase_is_read_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.import_module("shoppego_orders.abandonment.sweep"), "BATCH", 3)
    read: Counter[str] = Counter()

    class Read(WatchedStore):
        def rows(self, query: OrderQuery) -> itertools.chain[OrderRow]:
            rows = list(super().rows(query))
            read.update(row.id for row in rows if query.recovery is None)
            return itertools.chain(rows)

    many = [left(begun(f"{n}", at=BEGAN + n * DAYS)) for n in range(30)]
    others = [
        left(begun(f"o{n}", at=BEGAN + n * DAYS, email=f"{n % 4}@example.com")) for n in range(30)
    ]
    abroad = [left(begun(f"a{n}", at=BEGAN + n * DAYS, shop=OTHER_SHOP)) for n in range(0, 30, 7)]
    purchases = [bought(f"b{n}", at=DUE + n * DAYS + HOUR) for n in range(40)]
    purchases += [bought(f"c{n}", at=DUE + n * DAYS, email="2@example.com") for n in range(9)]
    purchases += [bought(f"d{n}", at=DUE + n * DAYS, shop=OTHER_SHOP) for n in range(9)]
    # A deadline that lies before those of the batches before it, as other policies may give.
    early = left(begun("z", at=BEGAN + 20 * DAYS, email="2@example.com"), at=DUE + INSTANT)
    orders = [*many, *others, *abroad, *purchases, early]
    store, whole = store_of(*orders), store_of(*orders)
    settle_recoveries(Read(store, Watch()), LOST_AFTER, NOW + 60 * DAYS)
    # Not in each of two dozen batches; where shops meet in one, a few rows are read in vain.
    assert max(read[f"b{n}"] for n in range(40)) <= 5
    monkeypatch.undo()
    settle_recoveries(whole, LOST_AFTER, NOW + 60 * DAYS)
    assert [store.get(order.id) for order in orders] == [whole.get(order.id) for order in orders]
    assert store.get("29").recovered_by == "b29"
    assert store.get("z").recovered_by == "c1"


def test_in_a_database(tmp_path: Path) -> None:
    with SqlOrderStore.open(tmp_path / "orders.sqlite") as store:
        for order in (
            left(begun("1")),
            paid(left(begun("2", email="b@example.com")), FIRST),
            left(begun("3", shop=OTHER_SHOP)),
            bought("4", at=DUE, shop=OTHER_SHOP),
        ):
            store.save(order)
        assert settle_recoveries(store, LOST_AFTER, NOW).outcomes == {
            "1": Recovery.LOST,
            "2": Recovery.RECOVERED,
            "3": Recovery.SUBSTITUTED,
        }
        assert recovery_report(store).substituted == myr("59.50")
        assert list(store.disagreements()) == []


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_is_at_least_1(limit: int) -> None:
    with pytest.raises(InvalidValue) as caught:
        settle_recoveries(store_of(), LOST_AFTER, NOW, limit=limit)
    assert caught.value.field == "limit"


# The report


def myr(amount: str) -> dict[str, Money]:
    return {"MYR": Money(amount, "MYR")}


def report(*orders: Order, period: Period | None = None, shop: str | None = None) -> RecoveryReport:
    store = store_of(*orders)
    settle_recoveries(store, LOST_AFTER, NOW)
    return recovery_report(store, period, shop=shop)


def counts(**ended: int) -> dict[Recovery, int]:
    return dict.fromkeys(Recovery, 0) | {Recovery(word): count for word, count in ended.items()}


def test_revenue_recovered_is_what_was_paid_less_refunds() -> None:
    refunded = paid(left(begun("1")), FIRST).record_refund("r", Money("9.50", "MYR"), at=NOW)
    back = paid(returned(left(begun("2", email="b@example.com")), FIRST), FIRST + HOUR)
    cod = left(begun("3", email="c@example.com")).confirm(at=FIRST)
    lost = left(begun("4", email="d@example.com"))
    young = left(begun("5", email="e@example.com", at=NOW - 2 * HOUR))
    assert report(refunded, back, cod, lost, young) == RecoveryReport(
        abandoned=5,
        outcomes=counts(recovered=2, returned=1, lost=1, open=1),
        recovered=myr("109.50"),
        substituted={},
    )


def test_a_purchase_counts_once_however_many_orders_name_it() -> None:
    purchase = bought("9", at=FIRST + HOUR)
    first, second = left(begun("1")), left(begun("2", at=BEGAN + minutes(1)))
    told = report(first, second, purchase)
    assert told.outcomes == counts(substituted=2)
    assert (told.recovered, told.substituted) == ({}, myr("59.50"))
    # Won back for the one, it is no substitute for the other.
    told = report(returned(first, FIRST), second, purchase)
    assert told.outcomes == counts(substituted=1, returned=1)
    assert (told.recovered, told.substituted) == (myr("59.50"), {})
    # Nor where it is an abandoned checkout itself, that was completed later.
    itself = paid(left(begun("3", at=BEGAN - HOUR)), FIRST + HOUR)
    for back in (first, returned(first, FIRST)):
        told = report(back, second, itself)
        assert told.outcomes[Recovery.RECOVERED] == 1
        assert told.abandoned == 3
        assert (told.recovered, told.substituted) == (myr("59.50"), {})


def test_a_purchase_of_another_period_still_counts_once() -> None:
    itself = paid(left(begun("3", at=BEGAN - 2 * DAYS)), FIRST + HOUR)
    period = Period.since(BEGAN)
    told = report(left(begun("1")), itself, period=period)
    assert (told.abandoned, told.recovered, told.substituted) == (1, {}, myr("59.50"))
    told = report(returned(left(begun("1")), FIRST), itself, period=period)
    assert (told.abandoned, told.recovered, told.substituted) == (1, myr("59.50"), {})
    told = report(left(begun("1")), itself, period=Period.before(BEGAN))
    assert (told.abandoned, told.recovered, told.substituted) == (1, myr("59.50"), {})


def test_currencies_stay_apart() -> None:
    def abroad(id: str, currency: str, amount: str) -> Order:
        price = Money(amount, currency)
        order = Order.place(
            id=id, at=BEGAN, shop=SHOP, currency=currency, lines=[LineItem("T", 1, price)]
        )
        return left(order).record_payment(f"p{id}", price, at=FIRST)

    told = report(abroad("1", "SGD", "20"), abroad("2", "MYR", "30"), abroad("3", "SGD", "1.50"))
    assert told.recovered == {"MYR": Money("30", "MYR"), "SGD": Money("21.50", "SGD")}
    assert list(told.recovered) == ["MYR", "SGD"]


def test_a_report_of_one_shop_in_one_period() -> None:
    orders = [
        paid(left(begun("1")), FIRST),
        paid(left(begun("2", shop=OTHER_SHOP)), FIRST),
        paid(left(begun("3", at=BEGAN + DAYS, email="c@example.com")), FIRST + DAYS),
    ]
    assert report(*orders).abandoned == 3
    assert report(*orders, shop=SHOP).abandoned == 2
    assert report(*orders, shop=SHOP, period=Period(BEGAN, BEGAN + DAYS)).abandoned == 1
    assert report(*orders, period=Period.since(BEGAN + INSTANT)).abandoned == 1


def test_more_purchases_than_are_asked_for_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shoppego_orders.abandonment.report._AT_ONCE", 2)
    orders = [left(begun(f"{n}", email=f"{n}@example.com")) for n in range(5)]
    others = [bought(f"b{n}", at=FIRST, email=f"{n}@example.com") for n in range(5)]
    assert report(*orders, *others).substituted == myr("297.50")


def test_a_purchase_that_is_gone_earned_nothing() -> None:
    store = store_of(
        left(begun()).record_outcome("returned", purchase="gone", at=FIRST, recorded_at=FIRST)
    )
    assert recovery_report(store).recovered == {}


def test_reminders_are_counted_by_what_became_of_them() -> None:
    desk = Desk(
        left(begun("1")),
        left(begun("2", email="b@example.com")),
        left(begun("3", email=None)),
        left(begun("4", email="x")),
        left(begun("5", email="e@example.com")).cancel(reason="no", at=DUE),
        left(begun("6", email="f@example.com", shop=OTHER_SHOP)),
    )

    class Picky:
        def send(self, message: object) -> None:
            if AISYAH in str(message):
                raise MailNotSent((AISYAH,), "full", Retry.NEVER)

    remind(desk.store, desk.tasks, Picky(), PLAN, FIRST)
    desk.tasks.claim(key_of("7"), FIRST)
    expected = ReminderCounts(
        sent=1,
        skipped={"there is no e-mail address to write to": 2, "it is cancelled": 1},
        failed=1,
        unknown=1,
    )
    told = recovery_report(desk.store, shop=SHOP, tasks=desk.tasks).reminders
    assert told == expected
    everywhere = recovery_report(desk.store, tasks=desk.tasks).reminders
    assert everywhere is not None
    assert everywhere.sent == 2
    claimed = recovery_report(desk.store, Period(FIRST, FIRST + INSTANT), tasks=desk.tasks)
    assert claimed.reminders == everywhere
    before = recovery_report(desk.store, Period.before(FIRST), tasks=desk.tasks).reminders
    assert before == ReminderCounts(sent=0, skipped={}, failed=0, unknown=0)
    assert desk.reminders()[key_of("1")] == (Outcome.FAILED, f"mail to {AISYAH} was not sent: full")
