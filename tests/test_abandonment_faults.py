"""Sixteen processes sweep and remind on one store, and are killed at every step there is."""

from __future__ import annotations

import logging
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import attrs
import pytest

from abandonment_examples import BEGAN, begun, minutes, paid
from dying_workers import (
    PLAN,
    POINTS,
    POLICY,
    Report,
    Sent,
    Site,
    let_die,
    spread,
    undisturbed,
    what_was_sent,
)
from shoppego_orders.abandonment import sweep, unknown_reminders
from shoppego_orders.adapters.sql import SqlOrderStore, SqlTaskLog
from shoppego_orders.customers import Customer
from shoppego_orders.order import Order, Recovery
from shoppego_orders.ports import Outcome, Task
from shoppego_orders.query import OrderQuery

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system knows no SIGKILL"),
]

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
ROUNDS = int(os.environ.get("SHOPPEGO_TEST_CRASH_ROUNDS") or (16 if DEEP else 2))
ORDERS = 500
SHOPS = tuple(f"kedai-{number}.myshoppegram.com" for number in range(5))
HOUR = timedelta(hours=1)


# What happens, and what must come of it


@attrs.frozen
class Story:
    """Some orders, and what must become of them.

    :ivar abandoned: those that must be abandoned in the end.
    :ivar reminded: those that their customers are to be reminded of.
    :ivar reports: what the shop is told late.
    :ivar ended: how those ended that are not open any more.
    """

    orders: tuple[Order, ...]
    abandoned: frozenset[str] = frozenset()
    reminded: frozenset[str] = frozenset()
    reports: tuple[Report, ...] = ()
    ended: Mapping[str, Recovery] = attrs.field(factory=dict[str, Recovery])


class Teller:
    """Tells stories of one customer each, in one shop, from a moment on."""

    def __init__(self, number: int, began: datetime) -> None:
        self.began = began
        self.shop = SHOPS[number % len(SHOPS)]
        self.other_shop = SHOPS[(number + 1) % len(SHOPS)]
        self.email = f"customer-{number}@example.com"
        self._number = number

    def order(self, name: str = "", *, after: float = 0, shop: str = "", email: str = "") -> Order:
        """An order that begins so many minutes after the story does."""
        return begun(
            f"{self._number}{name}",
            at=self.at(after),
            shop=shop or self.shop,
            email=email or self.email,
        )

    def at(self, after: float) -> datetime:
        return self.began + minutes(after)


def ids(*orders: Order) -> frozenset[str]:
    return frozenset(order.id for order in orders)


def left(tell: Teller) -> Story:
    order = tell.order()
    return Story((order,), ids(order), ids(order))


def left_thrice(tell: Teller) -> Story:
    orders = tell.order("a"), tell.order("b", after=5), tell.order("c", after=59)
    return Story(orders, ids(*orders), ids(*orders))


def left_but_edited_since(tell: Teller) -> Story:
    order = tell.order().set_tags(["vip"], at=tell.at(61))
    return Story((order,), ids(order), ids(order))


def left_while_buying_in_another_shop(tell: Teller) -> Story:
    order = tell.order("a")
    there = paid(tell.order("b", after=1, shop=tell.other_shop), tell.at(10))
    return Story((order, there), ids(order), ids(order))


def left_by_somebody_without_an_address(tell: Teller) -> Story:
    order = tell.order().edit_customer(Customer(phone=f"01{tell.began:%d%H%M%S}"), at=tell.at(1))
    return Story((order,), ids(order))


def left_by_somebody_whose_mail_bounces(tell: Teller) -> Story:
    order = tell.order(email=f"bounces-{tell.email}")
    return Story((order,), ids(order))


def paid_in_time(tell: Teller) -> Story:
    return Story((paid(tell.order(), tell.at(59)),))


def paid_at_the_deadline(tell: Teller) -> Story:
    order = paid(tell.order(), tell.at(60))
    return Story((order,), ids(order), ended={order.id: Recovery.RECOVERED})


def another_bought_meanwhile(tell: Teller) -> Story:
    return Story((tell.order("a"), paid(tell.order("b", after=1), tell.at(10))))


def another_bought_since(tell: Teller) -> Story:
    order, other = tell.order("a"), paid(tell.order("b", after=65), tell.at(70))
    return Story((order, other), ids(order), ended={order.id: Recovery.SUBSTITUTED})


def cancelled_in_time(tell: Teller) -> Story:
    return Story((tell.order().cancel(reason="sold out", at=tell.at(30)),))


def cancelled_since(tell: Teller) -> Story:
    order = tell.order().cancel(reason="sold out", at=tell.at(90))
    return Story((order,), ids(order))


def taken_up(tell: Teller) -> Story:
    return Story((tell.order().set_fulfillment("packed", at=tell.at(30)),))


def tagged_in_time(tell: Teller) -> Story:
    order = tell.order().set_tags(["vip"], at=tell.at(1)).set_tags([], at=tell.at(90))
    return Story((order,))


def paid_in_time_as_is_reported_late(tell: Teller) -> Story:
    order = tell.order()
    return Story((order,), reports=(Report(order.id, tell.at(30)),))


def another_bought_as_is_reported_late(tell: Teller) -> Story:
    order, other = tell.order("a"), tell.order("b", after=1)
    return Story((order, other), reports=(Report(other.id, tell.at(20)),))


def another_left_long_before_and_bought_as_is_reported_late(tell: Teller) -> Story:
    order, other = tell.order("a"), tell.order("b", after=-90)
    return Story(
        (order, other),
        ids(other),
        reports=(Report(other.id, tell.at(20)),),
        ended={other.id: Recovery.RECOVERED},
    )


STORIES: list[Callable[[Teller], Story]] = [
    left,
    left_thrice,
    left_but_edited_since,
    left_while_buying_in_another_shop,
    left_by_somebody_without_an_address,
    left_by_somebody_whose_mail_bounces,
    left,
    paid_in_time,
    paid_at_the_deadline,
    another_bought_meanwhile,
    another_bought_since,
    cancelled_in_time,
    cancelled_since,
    taken_up,
    tagged_in_time,
    paid_in_time_as_is_reported_late,
    another_bought_as_is_reported_late,
    another_left_long_before_and_bought_as_is_reported_late,
]


def stories() -> list[tuple[int, Story]]:
    """Stories about all the orders, and the round at which each is due."""
    told: list[tuple[int, Story]] = []
    orders = 0
    while orders < ORDERS:
        number = len(told)
        begins_in = number // len(STORIES) % ROUNDS
        began = BEGAN + begins_in * spread(ROUNDS) + timedelta(seconds=number)
        story = STORIES[number % len(STORIES)](Teller(number, began))
        if orders + len(story.orders) > ORDERS:
            story = left(Teller(number, began))
        told.append((begins_in, story))
        orders += len(story.orders)
    return told


def now_of(round_: int) -> datetime:
    """When a round is: the first step is due for those whose checkouts began last."""
    return BEGAN + round_ * spread(ROUNDS) + 3 * HOUR + minutes(10)


# The test


def test_whoever_dies_wherever_nothing_is_lost_and_nothing_is_done_twice(
    target: str, tmp_path: Path
) -> None:
    chance = random.Random(ROUNDS)
    told = stories()
    site = Site(target, tmp_path / "outbox", SHOPS, BEGAN, ())
    site.outbox.touch()
    with SqlOrderStore.open(site.target) as store, store.batch():
        for _, story in told:
            for order in story.orders:
                store.save(order)

    killed = Counter[str]()
    for round_ in range(ROUNDS):
        # The reports about a story come in its round, or in the one after.
        reports = tuple(
            report
            for number, (begins_in, story) in enumerate(told)
            for report in story.reports
            if round_ in {begins_in, begins_in + number % 2}
        )
        site = attrs.evolve(site, now=now_of(round_), reports=reports)
        killed += let_die(site, chance.sample(POINTS, len(POINTS)), chance)
    for _ in range(9):
        killed += let_die(site, [point for point in POINTS if not killed[point]], chance)
    logging.getLogger(__name__).info("killed %d: %s", killed.total(), dict(killed))
    assert sorted(killed) == sorted(POINTS)

    reports = tuple(report for _, story in told for report in story.reports)
    site = attrs.evolve(site, reports=reports)
    undisturbed(site)
    sent = what_was_sent(site.outbox)
    undisturbed(site)
    assert what_was_sent(site.outbox) == sent
    with SqlOrderStore.open(site.target) as store:
        check_marks(store, [story for _, story in told], site.now)
        tasks = list(SqlTaskLog(store.database).tasks("reminder/"))
        check_mails(sent, tasks, deaths=killed.total())
        unknown = [task for task in tasks if task.outcome is None]
        assert list(unknown_reminders(SqlTaskLog(store.database))) == unknown
        check_reminders(store, [story for _, story in told], tasks, sent, site.now)
        assert list(store.disagreements()) == []


def check_marks(store: SqlOrderStore, told: Sequence[Story], now: datetime) -> None:
    """Each is marked that must be, once, and none that must not be; all are decided."""
    expected = {
        order.id: POLICY.due(order) if order.id in story.abandoned else None
        for story in told
        for order in story.orders
    }
    assert len(expected) == ORDERS
    rows = list(store.rows(OrderQuery()))
    assert {row.id: row.abandoned_at for row in rows} == expected
    assert [row.id for row in rows if not row.decided] == []
    assert sweep(store, POLICY, now).judged == 0
    reported_late = {order.id for story in told if story.reports for order in story.orders}
    for order_id, abandoned_at in expected.items():
        types = Counter(event.type for event in store.events(order_id))
        marks, taken_back = types["abandoned"], types["abandonment_retracted"]
        assert marks - taken_back == (abandoned_at is not None), order_id
        assert marks <= 1, order_id
        assert taken_back == 0 or order_id in reported_late, order_id
    ended = {order_id: how for story in told for order_id, how in story.ended.items()}
    assert ended == {row.id: row.recovery for row in rows if row.recovery in set(ended.values())}
    for order_id in ended:
        ends = [each for each in store.events(order_id) if each.type == "recovery_settled"]
        assert len(ends) == 1, order_id


def check_mails(sent: Sequence[Sent], tasks: Sequence[Task], *, deaths: int) -> None:
    """Each reminder left at most once, and what the log says of each is true."""
    assert len({each.key for each in sent}) == len(sent)
    assert len({each.message_id for each in sent}) == len(sent)
    left_ = {each.key for each in sent}
    by_outcome: dict[Outcome | None, set[str]] = {outcome: set() for outcome in (*Outcome, None)}
    for task in tasks:
        by_outcome[task.outcome].add(task.key)
    assert all(task.note for task in tasks if task.outcome in {Outcome.SKIPPED, Outcome.FAILED})
    # Whoever died between claiming and settling left one of which nobody knows.
    assert len(by_outcome[None]) <= deaths
    assert by_outcome[Outcome.DONE] <= left_ <= by_outcome[Outcome.DONE] | by_outcome[None]
    mails: dict[str, list[datetime]] = {}
    for each in sent:
        mails.setdefault(each.to, []).append(each.at)
    for to, times in mails.items():
        assert all(b - a >= PLAN.cooldown for a, b in pairwise(sorted(times))), to


def check_reminders(
    store: SqlOrderStore,
    told: Sequence[Story],
    tasks: Sequence[Task],
    sent: Sequence[Sent],
    now: datetime,
) -> None:
    """Every reminder that is due is sent, skipped, failed or known as unknown: none is lost."""
    by_reminder = {reminder_of(task.key): task for task in tasks}
    assert len(by_reminder) == len(tasks)
    last_mail = {each.to: each.at for each in sorted(sent, key=lambda each: each.at)}
    for story in told:
        for order in story.orders:
            step = PLAN.step(POLICY.due(order), now)
            if order.id in story.reminded:
                task = by_reminder.get((order.shop, order.id, step))
                if task is None:
                    # Left in peace for a while, with a reason that the next run asks again.
                    assert now - last_mail[order.email] < PLAN.cooldown, order.id
                elif len(story.reminded) == 1:
                    assert task.outcome in {Outcome.DONE, None}, order.id
            elif not story.reports:
                mine = [task for (_, id_, _), task in by_reminder.items() if id_ == order.id]
                assert not any(task.outcome is Outcome.DONE for task in mine), order.id
            if order.email.startswith("bounces"):
                task = by_reminder[order.shop, order.id, step]
                assert task.outcome in {Outcome.FAILED, None}, order.id
    assert any(task.outcome is Outcome.SKIPPED for task in tasks)


def reminder_of(key: str) -> tuple[str, str, int]:
    """The shop, the order and the step of a reminder, from its key."""
    _, shop, order_id, *_, step = key.split("/")
    return unquote(shop), unquote(order_id), int(step)
