"""Laws of recovery: the same ends on every schedule, and no customer written to twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from email.message import EmailMessage
from itertools import pairwise

import attrs
from hypothesis import given, note
from hypothesis import strategies as st

from abandonment_examples import AISYAH, BEGAN, DUE, INSTANT, OTHER_SHOP, PRICE, SHOP, Crash, begun
from recovery_examples import (
    HOUR,
    PLAN,
    Disturbance,
    Turns,
    WatchedMailer,
    WatchedStore,
    WatchedTasks,
    crash,
    left,
    store_of,
)
from shoppego_orders.abandonment import (
    RecoveryPlan,
    recovery_report,
    remind,
    settle_recoveries,
    unknown_reminders,
)
from shoppego_orders.abandonment.claims import NOT_SENT
from shoppego_orders.adapters.memory import MemoryOrderStore, MemoryTaskLog, RecordingMailer
from shoppego_orders.errors import CommandRefused, MailNotSent, Retry
from shoppego_orders.money import Money
from shoppego_orders.order import Order, Recovery
from shoppego_orders.ports import Outcome
from shoppego_orders.query import OrderQuery

DAY = timedelta(days=1)
LOST_AFTER = 5 * DAY
EMAILS = [AISYAH, AISYAH, AISYAH.upper(), "b@example.com", None]
DELAYS = st.sampled_from(
    [timedelta(0), INSTANT, HOUR - INSTANT, HOUR, HOUR + INSTANT, LOST_AFTER, LOST_AFTER + HOUR]
) | st.timedeltas(timedelta(0), LOST_AFTER + 2 * DAY)


# How it ended


@attrs.frozen
class Fact:
    """Something that happens to an order at a moment; ``move`` None is its beginning."""

    at: datetime
    order: Order
    move: Callable[[Order, datetime], Order] | None = None

    def happen(self, store: MemoryOrderStore) -> None:
        """It is reported when it happens; what the order refuses changes nothing."""
        if self.move is None:
            store.save(self.order)
            return
        with suppress(CommandRefused):
            store.save(self.move(store.get(self.order.id), self.at))


def _abandoned(order: Order, at: datetime) -> Order:
    return left(order, at=at)


def _paid(order: Order, at: datetime) -> Order:
    return order.record_payment(f"billplz-{at.isoformat()}", PRICE, at=at)


def _returned(order: Order, at: datetime) -> Order:
    return order.record_return(1, at=at)


# What customers and shops do that is no purchase: it must change no end.
NOISE: list[Callable[[Order, datetime], Order]] = [
    lambda order, at: order.record_payment(f"part-{at}", Money("1", "MYR"), at=at),
    lambda order, at: order.record_payment(f"usd-{at}", Money("999", "USD"), at=at),
    lambda order, at: order.cancel(reason="payment failed", at=at),
    lambda order, at: order.set_fulfillment("packed", at=at),
    lambda order, at: order.edit_note(f"{at}", at=at),
    lambda order, at: order.archive(at=at),
]


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    """What happens in two shops within some days, in the order in which it does."""
    facts: list[Fact] = []
    for number in range(draw(st.integers(1, 6))):
        placed = BEGAN + draw(DELAYS)
        email, shop = draw(st.sampled_from(EMAILS)), draw(st.sampled_from([SHOP, SHOP, OTHER_SHOP]))
        order = begun(f"{number}", at=placed, email=email, shop=shop)
        facts += [Fact(placed, order), Fact(placed + HOUR, order, _abandoned)]
        for _ in range(draw(st.integers(0, 3))):
            move = draw(st.sampled_from([_paid, _paid, _returned, *NOISE]))
            facts.append(Fact(placed + draw(DELAYS), order, move))
    return sorted(facts, key=lambda fact: fact.at)


def ends_of(store: MemoryOrderStore) -> dict[str, tuple[Recovery | None, str | None]]:
    return {row.id: (row.recovery, row.recovered_by) for row in store.rows(OrderQuery())}


def settled_at(facts: Sequence[Fact], runs: Sequence[datetime]) -> MemoryOrderStore:
    """Let everything happen, and settle at each of these moments what had happened by then."""
    store = MemoryOrderStore()
    left_over = list(facts)
    for now in sorted(runs):
        while left_over and left_over[0].at <= now:
            left_over.pop(0).happen(store)
        settle_recoveries(store, LOST_AFTER, now)
    return store


def after_all(facts: Sequence[Fact]) -> datetime:
    return facts[-1].at + LOST_AFTER + DAY


def expected_end(order: Order, orders: Sequence[Order]) -> tuple[Recovery | None, str | None]:
    """The five ends in plain words, of a history that is over; every order is looked at."""
    deadline = order.abandoned_at
    if deadline is None:
        return None, None
    purchases: list[tuple[datetime, int, str]] = []
    for each in orders:
        known = order.customer_key is not None and each.customer_key == order.customer_key
        same = each.id == order.id
        if each.shop == order.shop and (same or known) and each.completed_at is not None:
            in_time = deadline <= each.completed_at < deadline + LOST_AFTER
            purchases += [(each.completed_at, 0 if same else 1, each.id)] if in_time else []
    if not purchases:
        return Recovery.LOST, None
    at, other, bought = min(purchases)
    if order.returned_at is not None and order.returned_at <= at:
        return Recovery.RETURNED, bought
    return (Recovery.SUBSTITUTED if other else Recovery.RECOVERED), bought


@given(histories())
def test_every_end_is_the_one_that_the_words_say(facts: list[Fact]) -> None:
    store = settled_at(facts, [after_all(facts)])
    orders = [store.get(row.id) for row in store.rows(OrderQuery())]
    assert ends_of(store) == {order.id: expected_end(order, orders) for order in orders}


@given(histories(), st.lists(DELAYS, max_size=12))
def test_every_schedule_records_the_same_ends(facts: list[Fact], delays: list[timedelta]) -> None:
    once = settled_at(facts, [after_all(facts)])
    often = settled_at(facts, [*(BEGAN + delay for delay in delays), after_all(facts)])
    at_every_fact = settled_at(facts, [*(fact.at for fact in facts), after_all(facts)])
    assert ends_of(once) == ends_of(often) == ends_of(at_every_fact)
    assert recovery_report(once) == recovery_report(often)


@given(histories())
def test_a_report_counts_every_order_and_every_purchase_once(facts: list[Fact]) -> None:
    store = settled_at(facts, [after_all(facts)])
    orders = {row.id: store.get(row.id) for row in store.rows(OrderQuery())}
    told = recovery_report(store)
    left_behind = [order for order in orders.values() if order.abandoned_at is not None]
    assert told.abandoned == len(left_behind) == sum(told.outcomes.values())
    won = {
        order.recovered_by
        for order in left_behind
        if order.recovery in {Recovery.RECOVERED, Recovery.RETURNED}
    }
    instead = {o.recovered_by for o in left_behind if o.recovery is Recovery.SUBSTITUTED} - won
    for ids, revenue in ((won, told.recovered), (instead, told.substituted)):
        paid = Money.sum_of((orders[each].paid_total for each in ids if each is not None), "MYR")
        assert revenue.get("MYR", Money.zero("MYR")) == paid


# Reminders


class Server(RecordingMailer):
    """A mail server that refuses some addresses, and knows when each mail came."""

    def __init__(self, refusing: str = "") -> None:
        super().__init__()
        self._refusing = refusing

    def send(self, message: EmailMessage) -> None:
        if self._refusing and self._refusing in str(message["To"]):
            raise MailNotSent((str(message["To"]),), "mailbox full", Retry.AGAIN)
        super().send(message)


@st.composite
def abandoned_orders(draw: st.DrawFn) -> list[Order]:
    """Orders of few customers, so that most have several."""
    orders: list[Order] = []
    for number in range(draw(st.integers(1, 4))):
        email = draw(st.sampled_from([AISYAH, AISYAH, AISYAH.upper(), "b@example.com", "nobody"]))
        at = BEGAN + draw(st.sampled_from([timedelta(0), INSTANT, 5 * INSTANT, HOUR]))
        orders.append(left(begun(f"{number}", at=at, email=email)))
    return orders


def turns_of(log: MemoryTaskLog) -> dict[str, list[datetime]]:
    """When each customer was written to, or perhaps was."""
    written: defaultdict[str, list[datetime]] = defaultdict(list)
    for task in log.tasks("reminded/"):
        if task.outcome not in NOT_SENT:
            written[task.key.rpartition("/")[0]].append(task.claimed_at)
    return written


def mails_of(mailer: RecordingMailer) -> dict[str, list[datetime]]:
    """When each customer got a mail."""
    got: defaultdict[str, list[datetime]] = defaultdict(list)
    for message in mailer.messages:
        got[str(message["To"]).casefold()].append(message["Date"].datetime)
    return got


def spaced(moments: Sequence[datetime], cooldown: timedelta) -> bool:
    ordered = sorted(moments)
    return all(b - a >= cooldown for a, b in pairwise(ordered))


NOWS = st.sampled_from([DUE + HOUR, DUE + HOUR + 5 * INSTANT, DUE + 2 * HOUR, DUE + 3 * HOUR])


@given(
    orders=abandoned_orders(),
    nows=st.lists(NOWS, min_size=2, max_size=3),
    schedule=st.lists(st.integers(0, 2), max_size=120),
    new=st.booleans(),
    refusing=st.sampled_from(["", "", "aisyah"]),
)
def test_workers_who_meet_anywhere_write_to_each_customer_once(
    orders: list[Order],
    nows: list[datetime],
    schedule: list[int],
    new: bool,
    refusing: str,
) -> None:
    store, log, server = store_of(*orders), MemoryTaskLog(), Server(refusing)
    watch = Turns(schedule)
    plan = RecoveryPlan(cooldown=12 * HOUR)

    def worker(now: datetime, number: int) -> Callable[[], object]:
        def work() -> None:
            if new and number:  # an order is found abandoned while another worker is on its way
                fresh = begun(f"new{number}", at=BEGAN + HOUR - 7 * INSTANT)
                WatchedStore(store, watch).save(left(fresh))
            remind(
                WatchedStore(store, watch),
                WatchedTasks(log, watch),
                WatchedMailer(server, watch),
                plan,
                now,
            )

        return work

    watch.play([worker(now, number) for number, now in enumerate(nows)])
    note(f"{list(log.tasks())}")
    # Twelve hours lie between no two of these moments.
    assert all(len(got) == 1 for got in mails_of(server).values())
    assert all(spaced(moments, plan.cooldown) for moments in turns_of(log).values())
    ids = [message["Message-ID"] for message in server.messages]
    assert len(ids) == len(set(ids))
    # Nobody falls between two workers: once the first step of all is due, each has a mail.
    remind(store, log, server, plan, DUE + 3 * HOUR)
    reachable = {
        order.email.casefold()
        for order in orders
        if "@" in order.email and not (refusing and refusing in order.email.casefold())
    }
    assert reachable <= set(mails_of(server))
    assert list(unknown_reminders(log)) == []


@given(
    orders=abandoned_orders(),
    step=st.integers(1, 45),
    after=st.booleans(),
    newer=st.booleans(),
    later=st.lists(st.integers(0, 100), max_size=4),
)
def test_a_crash_at_any_step_sends_nothing_twice_and_loses_only_what_is_listed(
    orders: list[Order], step: int, after: bool, newer: bool, later: list[int]
) -> None:
    store, log, server = store_of(*orders), MemoryTaskLog(), Server()
    watch = Disturbance(step, crash, after=after)
    first = DUE + 2 * HOUR
    with suppress(Crash):
        remind(
            WatchedStore(store, watch),
            WatchedTasks(log, watch),
            WatchedMailer(server, watch),
            PLAN,
            first,
        )
    unknown = {task.key for task in unknown_reminders(log)}
    assert len(unknown) <= 1
    if newer:  # what is unknown was perhaps sent, also in the eyes of whoever writes about this
        orders = [*orders, left(begun("newer", at=BEGAN + HOUR))]
        store.save(orders[-1])
    for hours in sorted(later):
        remind(store, log, server, PLAN, first + hours * HOUR)
    remind(store, log, server, PLAN, first)
    assert {task.key for task in unknown_reminders(log)} == unknown
    # No reminder twice, no customer twice within the cooldown.
    ids = [message["Message-ID"] for message in server.messages]
    assert len(ids) == len(set(ids))
    assert all(spaced(got, PLAN.cooldown) for got in mails_of(server).values())
    # Every mail is in the log, as sent or as unknown; each order's step is settled or unknown.
    sent = [task for task in log.tasks("reminder/") if task.outcome is Outcome.DONE]
    assert len(sent) <= len(ids) <= len(sent) + len(unknown)
    if not later:
        keys = {task.key.split("/")[2] for task in log.tasks("reminder/")}
        customers = {order.email.casefold() for order in orders if order.id in keys}
        assert customers == {order.email.casefold() for order in orders}


@given(
    orders=abandoned_orders(),
    hours=st.lists(st.integers(0, 200), min_size=1, max_size=10),
    cooldown=st.sampled_from([timedelta(0), HOUR, 12 * HOUR, 30 * HOUR, 10 * DAY]),
)
def test_however_often_one_reminds_nobody_is_written_to_more_often_than_planned(
    orders: list[Order], hours: list[int], cooldown: timedelta
) -> None:
    store, log, server = store_of(*orders), MemoryTaskLog(), Server()
    plan = RecoveryPlan(cooldown=cooldown)
    for hour in hours:  # clocks may go back
        remind(store, log, server, plan, DUE + hour * HOUR)
    for address, got in mails_of(server).items():
        assert spaced(got, cooldown), address
        assert len(got) <= len(plan.steps) * len(orders)
    assert list(unknown_reminders(log)) == []


@given(orders=abandoned_orders())
def test_who_has_bought_is_not_reminded(orders: list[Order]) -> None:
    store, log, server = store_of(*orders), MemoryTaskLog(), Server()
    for number, email in enumerate(sorted({order.email.casefold() for order in orders})):
        store.save(_paid(begun(f"bought{number}", email=email), DUE + 2 * HOUR))
    result = remind(store, log, server, PLAN, DUE + 3 * HOUR)
    assert server.messages == []
    assert set(result.skipped.values()) <= {
        "the customer has bought something else since",
        "there is no e-mail address to write to",
    }
    assert len(result.skipped) == len(orders)
