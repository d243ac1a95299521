"""The sweep: it finds what is due, judges it, and marks each abandoned order once."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from abandonment_examples import (
    BEGAN,
    DUE,
    INSTANT,
    LATER,
    OTHER_SHOP,
    PRICE,
    SHOP,
    Crash,
    DisturbedStore,
    abandonments,
    begun,
    bought,
    draft,
    marks,
    minutes,
    paid,
    stored,
)
from recovery_examples import Turns, WatchedStore
from shoppego_orders.abandonment import (
    AbandonmentPolicy,
    Context,
    NoOtherPurchase,
    OrderLike,
    Rule,
    SweepResult,
    Unfulfilled,
    next_due,
    sweep,
)
from shoppego_orders.abandonment.rules import FirstOrder, Tagged, TotalAtLeast, Unpaid
from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.customers import Customer
from shoppego_orders.errors import InvalidDocument, InvalidValue, NaiveDatetime
from shoppego_orders.money import Money
from shoppego_orders.order import (
    LineItem,
    Order,
    OrderEvent,
    OrderRow,
    PaymentMethod,
    PaymentType,
    Topic,
)
from shoppego_orders.order.events import Abandoned
from shoppego_orders.query import OrderQuery

POLICY = AbandonmentPolicy()


def undecided(store: MemoryOrderStore) -> list[str]:
    return [row.id for row in store.rows(OrderQuery(decided=False))]


# What it does


def test_it_marks_what_is_abandoned_and_settles_what_is_kept() -> None:
    store = stored(
        [
            begun("left"),
            paid(begun("paid", email="a@example.com"), BEGAN + minutes(5)),
            begun("returning", email="b@example.com"),
            bought("earlier", at=BEGAN + minutes(10), email="b@example.com"),
            begun("too-early", at=BEGAN + INSTANT, email="c@example.com"),
        ]
    )
    result = sweep(store, POLICY, DUE)
    assert result.abandoned == ("earlier", "left")
    assert result.judged == 4
    assert result.kept == 2
    assert result.skipped == ()
    assert result.reasons["left"] == (
        "Before its deadline it was neither completed, nor taken up, nor cancelled.",
        "The customer made no other purchase in this shop meanwhile.",
    )
    assert undecided(store) == ["too-early"]
    assert abandonments(store)["left"] == DUE


def test_the_history_tells_who_found_it_abandoned_when_and_why() -> None:
    store = stored([begun()])
    result = sweep(store, AbandonmentPolicy(name="checkout"), LATER)
    event = store.events("1262140")[-1]
    assert (event.type, event.occurred_at, event.recorded_at) == ("abandoned", DUE, LATER)
    assert event.topics == (Topic.CHECKOUT_ABANDONED,)
    policy = AbandonmentPolicy(name="checkout").id
    assert event.data == Abandoned(policy, result.reasons["1262140"])
    order = store.get("1262140")
    assert (order.abandoned_at, order.decided, order.recovered_at) == (DUE, True, None)


def test_what_it_decided_it_does_not_look_at_again() -> None:
    store = stored([begun(), paid(begun("paid"), BEGAN)])
    assert sweep(store, POLICY, DUE).judged == 2
    again = sweep(store, POLICY, LATER)
    assert (again.judged, again.abandoned, again.skipped) == (0, (), ())


def test_paid_after_60_minutes_and_before_the_sweep_is_abandoned_and_recovered() -> None:
    store = stored([paid(begun(), DUE + minutes(1))])
    assert sweep(store, POLICY, LATER).abandoned == ("1262140",)
    order = store.get("1262140")
    assert (order.abandoned_at, order.recovered_at) == (DUE, DUE + minutes(1))


def test_a_payment_that_is_reported_late_takes_the_mark_back() -> None:
    store = stored([begun()])
    sweep(store, POLICY, LATER)
    store.save(store.get("1262140").record_payment("r", PRICE, at=DUE - INSTANT, recorded_at=LATER))
    assert abandonments(store) == {}
    told = store.events("1262140")[-1]
    assert (told.type, told.recorded_at) == ("abandonment_retracted", LATER)
    # As a purchase it is looked at once more, and then no more.
    assert sweep(store, POLICY, LATER).kept == 1
    assert sweep(store, POLICY, LATER).judged == 0


def test_what_was_reported_late_and_does_not_count_for_the_policy_leaves_the_mark() -> None:
    """An order takes its mark back without knowing the policy; the next sweep knows it."""
    store, policy = stored([begun()]), AbandonmentPolicy(rule=Unpaid())
    sweep(store, policy, LATER)
    order = store.get("1262140").record_shipment("J&T", "JT1", at=BEGAN, recorded_at=LATER)
    store.save(order)
    assert undecided(store) == ["1262140"]
    assert sweep(store, policy, LATER).abandoned == ("1262140",)
    assert abandonments(store) == {"1262140": DUE}
    assert sweep(store, policy, LATER).judged == 0


@pytest.mark.parametrize(
    ("earlier", "kept"),
    [(INSTANT, True), (timedelta(days=30), True), (timedelta(days=30) + INSTANT, False)],
)
def test_a_purchase_that_a_rule_looks_back_on_may_be_reported_late(
    earlier: timedelta, *, kept: bool
) -> None:
    store = stored([begun("first", at=BEGAN - timedelta(days=60)), begun("second")])
    policy = AbandonmentPolicy(rule=Unfulfilled() & FirstOrder(timedelta(days=30)))
    assert sweep(store, policy, LATER).abandoned == ("first", "second")
    first = store.get("first").record_payment("r", PRICE, at=BEGAN - earlier, recorded_at=LATER)
    store.save(first)
    assert ("second" in sweep(store, policy, LATER).retracted) is kept
    assert ("second" not in abandonments(store)) is kept


def test_nothing_is_missed_when_the_scheduler_stood_still_for_years() -> None:
    store = stored([begun()])
    assert sweep(store, POLICY, BEGAN + timedelta(days=3650)).abandoned == ("1262140",)
    assert abandonments(store) == {"1262140": DUE}


def test_cancelled_and_archived_orders_are_judged_and_drafts_are_not() -> None:
    store = stored(
        [
            begun("cancelled").cancel(reason="out of stock", at=DUE),
            begun("archived").archive(at=BEGAN + minutes(1)),
            draft("draft"),
            draft("pending").mark_pending(at=LATER),
        ]
    )
    result = sweep(store, POLICY, LATER)
    assert set(result.abandoned) == {"cancelled", "archived"}
    assert result.kept == 1
    assert undecided(store) == ["draft"]


def test_one_shop_says_nothing_of_another() -> None:
    store = stored(
        [
            begun("here"),
            begun("there", shop=OTHER_SHOP),
            bought("bought-there", at=BEGAN + minutes(1), shop=OTHER_SHOP),
        ]
    )
    assert sweep(store, POLICY, DUE, shop=SHOP).abandoned == ("here",)
    assert next_due(store, POLICY, DUE, shop=SHOP) is None
    assert sweep(store, POLICY, DUE).abandoned == ("bought-there",)


@pytest.mark.parametrize(
    ("at", "kept"),
    [(BEGAN - INSTANT, 0), (BEGAN, 1), (DUE - INSTANT, 1), (DUE, 0)],
)
def test_the_customers_other_purchases_are_those_of_the_period(at: datetime, kept: int) -> None:
    # The others were completed long after they began, so they are abandoned themselves.
    store = stored([begun(), bought("other", at=at), bought("far", at=LATER)])
    assert sweep(store, POLICY, DUE).kept == kept


def test_what_a_customer_bought_in_other_periods_is_not_read() -> None:
    read: list[str] = []

    class Reading(MemoryOrderStore):
        def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
            for row in super().rows(query):
                read.append(row.id)
                yield row

    store = Reading()
    for year in range(4):
        at = BEGAN - minutes(61) - timedelta(days=365 * year)
        store.save(paid(begun(f"of {at:%Y}", at=at), at + minutes(59)))
    assert sweep(store, POLICY, BEGAN).kept == 4
    store.save(begun("left"))
    store.save(paid(begun("meanwhile", at=BEGAN + minutes(30)), BEGAN + minutes(31)))
    read.clear()
    assert sweep(store, POLICY, DUE).kept == 1
    assert set(read) == {"left", "meanwhile"}


def test_purchases_are_found_in_whichever_order_they_began() -> None:
    def slow(id: str, began: int, completed: int) -> Order:
        return paid(begun(id, at=BEGAN + minutes(began)), BEGAN + minutes(completed))

    # The later it began, the earlier it was completed: the last one within all their periods.
    last = begun("last", at=BEGAN + minutes(150), email=None)
    store = stored([begun(), slow("1", 1, 180), slow("2", 2, 170), slow("3", 55, 59), last])
    assert sweep(store, POLICY, LATER).abandoned == ("last",)


def test_the_oldest_are_judged_first_where_there_is_a_limit() -> None:
    orders = [begun(f"{n}", at=BEGAN + minutes(n), email=None) for n in range(5)]
    store = stored(reversed(orders))
    assert sweep(store, POLICY, LATER, limit=2).abandoned == ("0", "1")
    assert sweep(store, POLICY, LATER, limit=3).abandoned == ("2", "3", "4")
    assert sweep(store, POLICY, LATER, limit=1).judged == 0


def test_more_orders_than_a_batch_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("shoppego_orders.abandonment.sweep")
    monkeypatch.setattr(module, "BATCH", 3)
    orders = [begun(f"{n}", email=f"{n % 2}@example.com") for n in range(7)]
    orders.append(bought("b", at=DUE - INSTANT, email="0@example.com"))
    for limit, expected in ((None, 7), (3, 3), (4, 4), (6, 6), (8, 8)):
        result = sweep(stored(orders), POLICY, LATER, limit=limit)
        assert result.judged == expected + (limit is None)
    assert set(sweep(stored(orders), POLICY, LATER).abandoned) == {"1", "3", "5", "b"}


def test_an_empty_store_has_nothing_to_judge() -> None:
    result = sweep(MemoryOrderStore(), POLICY, LATER)
    assert (result.judged, result.abandoned, result.skipped) == (0, (), ())


# What is reported late


def test_a_purchase_that_is_reported_late_takes_the_mark_of_another_order_back() -> None:
    store = stored([begun("left"), begun("other", at=BEGAN + INSTANT)])
    assert sweep(store, POLICY, DUE + INSTANT).abandoned == ("left", "other")
    paid_for = store.get("other").record_payment(
        "r", PRICE, at=BEGAN + minutes(5), recorded_at=LATER
    )
    store.save(paid_for)  # this takes back its own mark
    assert set(abandonments(store)) == {"left"}
    result = sweep(store, POLICY, LATER)
    assert (result.abandoned, result.kept) == ((), 1)
    assert result.retracted == {
        "left": ("The customer bought order other at 2021-03-03 15:03:17 UTC.",)
    }
    assert abandonments(store) == {}
    told = store.events("left")[-1]
    assert (told.type, told.occurred_at) == ("abandonment_retracted", LATER)
    assert sweep(store, POLICY, LATER).judged == 0


def test_a_mark_of_another_policy_is_not_taken_back() -> None:
    older = AbandonmentPolicy(name="older")
    store = stored([begun("left"), begun("other", at=BEGAN + INSTANT)])
    sweep(store, older, DUE + INSTANT)
    paid_for = store.get("other").record_payment("r", PRICE, at=BEGAN + minutes(5))
    store.save(paid_for)
    assert sweep(store, AbandonmentPolicy(window=minutes(30)), LATER).retracted == {}
    assert abandonments(store) == {"left": DUE}
    # Its own policy does, whatever it is called.
    store.save(store.get("other").edit_note("x", at=LATER))
    assert store.get("left").abandoned_by == older.id


def test_a_purchase_of_somebody_else_takes_no_mark_back() -> None:
    store = stored([begun("left"), begun("other", email="b@example.com")])
    sweep(store, POLICY, DUE)
    store.save(paid(store.get("other"), BEGAN + minutes(5)))
    assert sweep(store, POLICY, LATER).retracted == {}
    assert abandonments(store) == {"left": DUE}


def test_what_a_purchase_marks_before_its_turn_is_counted_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = importlib.import_module("shoppego_orders.abandonment.sweep")
    monkeypatch.setattr(module, "BATCH", 1)
    policy = AbandonmentPolicy(rule=Unfulfilled() & ~NoOtherPurchase())
    first = paid(begun("first"), BEGAN + minutes(5))
    store = stored([first, begun("left", at=BEGAN + INSTANT)])
    result = sweep(store, policy, LATER)
    assert (result.abandoned, result.kept, result.judged) == (("left",), 1, 2)
    assert undecided(store) == []


def test_an_unreadable_order_that_a_late_report_touches_is_skipped() -> None:
    store = stored([begun("left"), begun("other", at=BEGAN + INSTANT)])
    sweep(store, POLICY, LATER)
    store.save(paid(store.get("other"), BEGAN + minutes(5)))
    store.save(paid(begun("calm", at=BEGAN + minutes(1), email=None), BEGAN + minutes(2)))

    class TornStore(DisturbedStore):
        def get(self, order_id: str) -> Order:
            raise InvalidDocument("lines[0]", f"{order_id} is cut off")

    result = sweep(TornStore(store, 0, _dead, after=False), POLICY, LATER)
    assert result.kept == 1
    assert [(skip.order_id, skip.why) for skip in result.skipped] == [
        ("left", "lines[0]: left is cut off"),
        ("other", "an order of the same customer could not be judged again"),
    ]
    # What was bought is looked at until the other order can be.
    assert undecided(store) == ["other"]
    assert set(sweep(store, POLICY, LATER).retracted) == {"left"}
    assert undecided(store) == []


def test_what_is_bought_while_it_is_judged_waits_for_an_unreadable_order() -> None:
    store = stored([begun("left"), begun("other", at=BEGAN + minutes(1))])
    sweep(store, POLICY, DUE)

    class TornStore(DisturbedStore):
        def get(self, order_id: str) -> Order:
            if order_id == "left":
                raise InvalidDocument("lines[0]", "it is cut off")
            return super().get(order_id)

    def pay() -> None:
        store.save(paid(store.get("other"), BEGAN + minutes(5)))

    result = sweep(TornStore(store, GET, pay, after=False), POLICY, LATER)
    assert [skip.order_id for skip in result.skipped] == ["left", "other"]
    assert undecided(store) == ["other"]
    assert set(sweep(store, POLICY, LATER).retracted) == {"left"}


def test_what_an_unreadable_order_was_judged_by_is_not_settled_while_it_is_judged() -> None:
    """Reported when the orders were read: neither the purchase nor the order is decided."""
    store = stored([begun("left"), begun("other", at=BEGAN - timedelta(days=1))])
    sweep(store, POLICY, BEGAN)

    def report() -> None:
        within = BEGAN + minutes(10)
        order = store.get("other")
        store.save(order.record_payment("r", PRICE, at=within, recorded_at=LATER))

    class TornLater(DisturbedStore):
        def get(self, order_id: str) -> Order:
            if self.calls > SAVE:
                raise InvalidDocument("lines[0]", "it is cut off")
            return super().get(order_id)

    result = sweep(TornLater(store, SAVE, report, after=True), POLICY, LATER)
    assert result.abandoned == ("left",)
    assert undecided(store) == ["other", "left"]
    assert set(sweep(store, POLICY, LATER).retracted) == {"left"}


def test_a_rule_that_asks_for_another_purchase_marks_what_it_had_kept() -> None:
    """The contrary of the documented rule: a report that comes late counts both ways."""
    policy = AbandonmentPolicy(rule=Unfulfilled() & ~NoOtherPurchase())
    store = stored([begun("left"), begun("other", at=BEGAN + INSTANT)])
    assert sweep(store, policy, DUE + INSTANT).kept == 2
    store.save(paid(store.get("other"), BEGAN + minutes(5)))
    result = sweep(store, policy, LATER)
    assert (result.abandoned, result.kept) == (("left",), 1)
    assert abandonments(store) == {"left": DUE}


def test_what_becomes_a_purchase_while_it_is_settled_is_not_overlooked() -> None:
    """Paid between the moment at which it was read and the moment at which it was settled."""
    for step in range(1, 12):
        store = stored(
            [begun("left"), begun("other", at=BEGAN + INSTANT).set_fulfillment("packed", at=BEGAN)]
        )
        sweep(store, POLICY, DUE)

        def pay(store: MemoryOrderStore = store) -> None:
            store.save(paid(store.get("other"), BEGAN + minutes(5)))

        disturbed = DisturbedStore(store, step, pay, after=False)
        sweep(disturbed, POLICY, LATER)
        sweep(store, POLICY, LATER)
        if disturbed.calls >= step:
            assert abandonments(store) == {}, step


# As it was at its deadline


def test_an_order_is_judged_as_it_was_at_its_deadline() -> None:
    policy = AbandonmentPolicy(rule=POLICY.rule & TotalAtLeast(Money("100", "MYR")))
    lines = [LineItem("Tudung Bawal", 9, PRICE)]
    order = begun()
    store = stored([order.change_lines(lines, at=DUE), begun("2").change_lines(lines, at=BEGAN)])
    result = sweep(store, policy, LATER)
    assert (result.abandoned, result.kept) == (("2",), 1)


def test_a_torn_history_does_not_hold_up_the_others() -> None:
    class TornStore(DisturbedStore):
        def events(self, order_id: str) -> Sequence[OrderEvent]:
            found = self.store.events(order_id)
            return found if order_id == "2" else found[1:]

    policy = AbandonmentPolicy(rule=Tagged("vip"))
    orders = [begun(n).set_tags(["vip"], at=BEGAN).edit_note("x", at=DUE) for n in "12"]
    result = sweep(TornStore(stored(orders), 0, _dead, after=False), policy, LATER)
    assert result.abandoned == ("2",)
    assert [skipped.order_id for skipped in result.skipped] == ["1"]


# Switching it on, and trying it out


def test_a_shop_that_switches_it_on_is_not_flooded() -> None:
    store = stored([begun(f"{n}", at=BEGAN + minutes(n), email=None) for n in range(5)])
    active_from = BEGAN + minutes(3)
    assert next_due(store, POLICY, BEGAN, active_from=active_from) == active_from + minutes(60)
    result = sweep(store, POLICY, LATER, active_from=active_from)
    assert result.abandoned == ("3", "4")
    assert undecided(store) == ["0", "1", "2"]
    assert next_due(store, POLICY, LATER, active_from=active_from) is None
    assert sweep(store, POLICY, LATER, active_from=LATER).judged == 0
    with pytest.raises(NaiveDatetime):
        sweep(store, POLICY, LATER, active_from=LATER.replace(tzinfo=None))
    far = datetime.max.replace(tzinfo=UTC)
    assert next_due(store, POLICY, LATER, active_from=far) is None


def test_a_dry_run_says_what_it_would_do_and_does_nothing() -> None:
    store = stored([*crowd(), begun("other", email=None)])
    sweep(store, POLICY, DUE, limit=1)
    store.save(paid(store.get("left-too"), BEGAN + minutes(5)))
    before = {row.id: (row, store.events(row.id)) for row in store.rows(OrderQuery())}
    tried = sweep(store, POLICY, LATER, dry_run=True)
    assert {row.id: (row, store.events(row.id)) for row in store.rows(OrderQuery())} == before
    assert sweep(store, POLICY, LATER) == tried
    assert tried.judged == 5


def test_a_dry_run_tells_what_it_would_take_back() -> None:
    store = stored([begun("left"), begun("other", at=BEGAN + INSTANT)])
    sweep(store, POLICY, DUE + INSTANT)
    store.save(paid(store.get("other"), BEGAN + minutes(5)))
    tried = sweep(store, POLICY, LATER, dry_run=True)
    assert set(tried.retracted) == {"left"}
    assert set(abandonments(store)) == {"left"}


# Several windows

TRANSFER = PaymentMethod("Bank transfer", PaymentType.MANUAL)


def transfer(id: str, at: datetime) -> Order:
    lines = [LineItem("Tudung Bawal", 1, PRICE)]
    parts = {"shop": SHOP, "currency": "MYR", "lines": lines, "payment_method": TRANSFER}
    return Order.place(id=id, at=at, **parts)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # the parts are right


def test_what_is_not_due_yet_does_not_stand_in_the_way_of_what_is() -> None:
    policy = AbandonmentPolicy(windows_by_payment_method={"Bank transfer": timedelta(days=3)})
    store = stored(
        [
            *(transfer(f"t{n}", BEGAN + minutes(n)) for n in range(4)),
            *(begun(f"b{n}", at=BEGAN + minutes(10 + n), email=None) for n in range(3)),
        ]
    )
    assert next_due(store, policy, BEGAN) == BEGAN + minutes(70)
    now = BEGAN + minutes(300)
    assert sweep(store, policy, now, limit=2).abandoned == ("b0", "b1")
    assert next_due(store, policy, now) == now
    assert sweep(store, policy, now, limit=2).abandoned == ("b2",)
    assert sweep(store, policy, now).judged == 0
    assert next_due(store, policy, now) == BEGAN + timedelta(days=3)
    assert sweep(store, policy, BEGAN + timedelta(days=3)).abandoned == ("t0",)


# When to run again


def test_when_to_run_again() -> None:
    store = stored([begun("1"), begun("2", at=BEGAN + minutes(7)), draft("3", at=BEGAN)])
    assert next_due(store, POLICY, BEGAN) == DUE
    assert next_due(store, POLICY, DUE) == DUE
    assert next_due(store, POLICY, LATER) == LATER
    sweep(store, POLICY, DUE)
    assert next_due(store, POLICY, DUE) == DUE + minutes(7)
    sweep(store, POLICY, LATER)
    assert next_due(store, POLICY, LATER) is None


def test_a_mistyped_year_does_not_stop_the_scheduler() -> None:
    store = stored([begun(at=datetime.max.replace(tzinfo=UTC))])
    assert next_due(store, POLICY, LATER) is None
    assert sweep(store, POLICY, LATER).judged == 0


# Several workers, and the end of one


def crowd() -> list[Order]:
    return [
        begun("left"),
        begun("left-too", email="a@example.com"),
        paid(begun("paid", email="d@example.com"), DUE - INSTANT),
        begun("late", email="b@example.com", at=BEGAN + minutes(2)),
        begun("kept", email="c@example.com").set_fulfillment("packed", at=BEGAN),
    ]


WHOLE = {"left": DUE, "left-too": DUE, "late": DUE + minutes(2)}
# Find the due ones, whom their purchases touch, and their customers' purchases; load and save
# each that is abandoned; see whether another purchase was reported meanwhile, and settle them.
CALLS = 3 + 2 * len(WHOLE) + 2


@pytest.mark.parametrize("after", [False, True])
def test_two_workers_at_once_mark_each_order_once(*, after: bool) -> None:
    steps = 0
    disturbed = True
    while disturbed:
        steps += 1
        store = stored(crowd())
        second: list[SweepResult] = []
        first_store = DisturbedStore(store, steps, partial(_swept, store, second), after=after)
        first = sweep(first_store, POLICY, LATER)
        disturbed = bool(second)
        found = [*first.abandoned, *(each for result in second for each in result.abandoned)]
        assert sorted(found) == sorted(WHOLE)
        assert abandonments(store) == WHOLE
        assert all(marks(store, each) == 1 for each in WHOLE)
        assert undecided(store) == []
    assert steps == CALLS + 1


def _swept(store: MemoryOrderStore, results: list[SweepResult]) -> None:
    results.append(sweep(store, POLICY, LATER))


def _dead() -> None:
    raise Crash


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_between_any_two_steps_loses_nothing_and_marks_nothing_twice(
    *, after: bool
) -> None:
    steps = 0
    crashed = True
    while crashed:
        steps += 1
        store = stored(crowd())
        try:
            sweep(DisturbedStore(store, steps, _dead, after=after), POLICY, LATER)
            crashed = False
        except Crash:
            pass
        sweep(store, POLICY, LATER)
        assert abandonments(store) == WHOLE
        assert all(marks(store, each) == 1 for each in WHOLE)
        assert undecided(store) == []
    assert steps == CALLS + 1


def others_of_the_customer() -> list[Order]:
    """Orders of one customer whose payment, within the period of "left", is reported late."""
    return [
        begun("decided-long-ago", at=BEGAN - timedelta(days=1)),
        begun("left"),
        begun("to-be-kept").set_fulfillment("packed", at=BEGAN),
        begun("to-be-marked", at=BEGAN + minutes(1)),
    ]


@pytest.mark.parametrize("other", ["decided-long-ago", "to-be-kept", "to-be-marked"])
@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("swept_too", [0, 1, 100])
@pytest.mark.parametrize("dies_after", [None, 0, 1, 2])
def test_a_purchase_that_is_reported_at_any_step_is_not_overlooked(
    other: str, *, keeps: bool, swept_too: int, dies_after: int | None
) -> None:
    """Not even when another worker sweeps at once, and this one dies at any step after that.

    :param swept_too: how many orders the other worker judges, at most.
    :param keeps: whether the purchase keeps the order, or is what the rule asks for.
    """
    policy = AbandonmentPolicy(
        rule=Unfulfilled() & (NoOtherPurchase() if keeps else ~NoOtherPurchase())
    )
    for step, after in ((step, after) for step in itertools.count(1) for after in (False, True)):
        store = stored(others_of_the_customer())
        sweep(store, policy, BEGAN)
        told: list[int] = []

        def report(store: MemoryOrderStore = store, told: list[int] = told) -> None:
            told.append(1)
            within = BEGAN + minutes(10)
            order = store.get(other).record_payment("r", PRICE, at=within, recorded_at=LATER)
            store.save(order)
            if swept_too:
                sweep(store, policy, LATER, limit=swept_too)

        dies_at = 0 if dies_after is None else step + dies_after
        reported = DisturbedStore(store, step, report, after=after)
        with contextlib.suppress(Crash):
            sweep(DisturbedStore(reported, dies_at, _dead, after=True), policy, LATER)
        if not told:
            break
        for _ in range(2):  # what was marked and taken back at once is settled by the next one
            sweep(store, policy, LATER)
        assert ("left" in abandonments(store)) is not keeps
        assert marks(store, "left") <= 1
        assert undecided(store) == []


@pytest.mark.parametrize("limit", [None, 1])
@pytest.mark.parametrize("keeps", [True, False])
def test_two_sweeps_and_a_report_that_meet_at_any_steps(keeps: bool, limit: int | None) -> None:
    rule = Unfulfilled() & (NoOtherPurchase() if keeps else ~NoOtherPurchase())
    policy = AbandonmentPolicy(rule=rule)
    for steps, others in itertools.product(range(1, CALLS), range(CALLS)):
        store = stored(others_of_the_customer())
        sweep(store, policy, BEGAN)
        # One comes so far; the report is told; another comes so far; the first takes a step.
        turns = Turns([0] * steps + [2] * 2 + [1] * others + [0] + [1] * CALLS)
        watched = WatchedStore(store, turns)

        def report(watched: WatchedStore = watched) -> None:
            order, within = watched.get("decided-long-ago"), BEGAN + minutes(10)
            watched.save(order.record_payment("r", PRICE, at=within, recorded_at=LATER))

        turns.play(
            [
                partial(sweep, watched, policy, LATER),
                partial(sweep, watched, policy, LATER, limit=limit),
                report,
            ]
        )
        for _ in range(2):
            sweep(store, policy, LATER)
        assert ("left" in abandonments(store)) is not keeps, (steps, others)
        assert marks(store, "left") <= 1
        assert undecided(store) == []


def test_threads_on_one_store() -> None:
    store = stored(begun(f"{n}", email=None) for n in range(60))
    start = threading.Barrier(4)
    found: list[str] = []

    def work() -> None:
        start.wait()
        found.extend(sweep(store, POLICY, LATER).abandoned)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(found) == sorted(f"{n}" for n in range(60))
    assert all(marks(store, f"{n}") == 1 for n in range(60))


def disturbed_by(
    change: Callable[[Order], Order], step: int, *, others: tuple[Order, ...] = ()
) -> DisturbedStore:
    """A store of one order, which someone changes right before a call."""
    store = stored([begun(), *others])

    def disturb() -> None:
        store.save(change(store.get("1262140")))

    return DisturbedStore(store, step, disturb, after=False)


# The calls: the due ones, their purchases, get, save, settle.
GET, SAVE = 3, 4


@pytest.mark.parametrize("step", [GET, SAVE])
def test_an_order_that_is_paid_in_time_while_it_is_judged_is_kept(step: int) -> None:
    store = disturbed_by(lambda order: paid(order, DUE - INSTANT), step)
    result = sweep(store, POLICY, DUE)
    assert (result.abandoned, result.kept, result.skipped) == ((), 1, ())
    assert marks(store, "1262140") == 0
    assert store.get("1262140").decided


@pytest.mark.parametrize("step", [GET, SAVE])
def test_an_order_that_changes_in_passing_is_marked_once(step: int) -> None:
    store = disturbed_by(lambda order: order.edit_note("call first", at=DUE), step)
    result = sweep(store, POLICY, DUE)
    assert result.abandoned == ("1262140",)
    assert marks(store, "1262140") == 1
    assert store.get("1262140").note == "call first"


@pytest.mark.parametrize("step", [GET + 2, SAVE + 2])
def test_the_purchases_of_whom_the_order_turns_out_to_be_count(step: int) -> None:
    other = bought("1262139", at=BEGAN + minutes(5), email="nurul@example.com")
    theirs = Customer(email="nurul@example.com")
    store = disturbed_by(lambda order: order.edit_customer(theirs, at=DUE), step, others=(other,))
    # The other order is marked before: it was paid a day after it began.
    result = sweep(store, POLICY, DUE)
    assert (result.abandoned, result.kept) == (("1262139",), 1)
    assert marks(store, "1262140") == 0


def test_an_order_that_never_rests_is_left_for_the_next_sweep() -> None:
    store = stored([begun("busy"), begun("calm", at=BEGAN + INSTANT, email=None)])

    class BusyStore(DisturbedStore):
        def save(self, order: Order) -> Order:
            if order.id == "busy":
                current = store.get("busy")
                store.save(current.edit_note(f"note {current.version}", at=DUE))
            return store.save(order)

    busy = BusyStore(store, 0, _dead, after=False)
    result = sweep(busy, POLICY, LATER)
    assert result.abandoned == ("calm",)
    assert [(skip.order_id, skip.why) for skip in result.skipped] == [
        ("busy", "others saved it 5 times while it was being judged")
    ]
    assert sweep(store, POLICY, LATER).abandoned == ("busy",)


def test_an_order_that_another_sweep_decides_meanwhile_is_not_marked() -> None:
    store = stored([begun()])
    disturbed = DisturbedStore(
        store, GET, lambda: store.settle_kept(store.rows(OrderQuery())), after=False
    )
    result = sweep(disturbed, POLICY, LATER)
    assert (result.judged, abandonments(store)) == (0, {})
    assert [skip.why for skip in result.skipped] == ["another sweep decided it first"]


def test_an_order_that_another_sweep_marks_and_has_not_decided_is_left_to_it() -> None:
    store = stored([begun()])

    def another_dies_after_its_mark() -> None:
        with contextlib.suppress(Crash):
            sweep(DisturbedStore(store, SAVE, _dead, after=True), POLICY, LATER)

    disturbed = DisturbedStore(store, GET, another_dies_after_its_mark, after=False)
    result = sweep(disturbed, POLICY, LATER)
    assert (result.judged, marks(store, "1262140")) == (0, 1)
    assert [skip.why for skip in result.skipped] == ["another sweep marked it first"]
    assert undecided(store) == ["1262140"]
    assert sweep(store, POLICY, LATER).judged == 1
    assert (undecided(store), marks(store, "1262140")) == ([], 1)


def test_one_unreadable_order_does_not_hold_up_the_others() -> None:
    store = stored([begun("broken"), begun("whole", at=BEGAN + INSTANT, email=None)])

    class TornStore(DisturbedStore):
        def get(self, order_id: str) -> Order:
            if order_id == "broken":
                raise InvalidDocument("lines[0]", "it is cut off")
            return store.get(order_id)

        def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
            return store.rows(query)

    result = sweep(TornStore(store, 0, _dead, after=False), POLICY, LATER)
    assert result.abandoned == ("whole",)
    assert [(skip.order_id, skip.why) for skip in result.skipped] == [
        ("broken", "lines[0]: it is cut off")
    ]


# A host's rule


class Weekend(Rule):
    """Only checkouts that began on a Saturday or Sunday, in UTC."""

    def holds(self, order: OrderLike, context: Context) -> bool:  # noqa: ARG002  # it needs none
        return f"{context.period.start:%A}" in {"Saturday", "Sunday"}

    def saw(self, order: OrderLike, context: Context) -> str:  # noqa: ARG002  # as above
        return f"It began on a {context.began:%A}."


def test_a_hosts_rule_works_in_the_sweep() -> None:
    store = stored([begun("wednesday"), begun("saturday", at=BEGAN + timedelta(days=3))])
    policy = AbandonmentPolicy(rule=POLICY.rule & Weekend(), name="weekends")
    result = sweep(store, policy, BEGAN + timedelta(days=9))
    assert result.abandoned == ("saturday",)
    assert result.reasons["saturday"][-1] == "It began on a Saturday."


# Bad input


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_is_at_least_one(limit: int) -> None:
    with pytest.raises(InvalidValue) as caught:
        sweep(MemoryOrderStore(), POLICY, LATER, limit=limit)
    assert caught.value.field == "limit"


def test_a_time_without_a_zone_is_refused() -> None:
    store = stored([begun()])
    with pytest.raises(NaiveDatetime):
        sweep(store, POLICY, LATER.replace(tzinfo=None))
    with pytest.raises(NaiveDatetime):
        next_due(store, POLICY, LATER.replace(tzinfo=None))
    assert undecided(store) == ["1262140"]


def test_a_time_before_the_first_deadline_of_the_calendar_is_refused() -> None:
    first = datetime.min.replace(tzinfo=UTC)
    assert sweep(MemoryOrderStore(), POLICY, first + minutes(60)).judged == 0
    with pytest.raises(InvalidValue) as caught:
        sweep(MemoryOrderStore(), POLICY, first)
    assert caught.value.field == "now"
