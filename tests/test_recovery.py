"""Reminders: each at most once, one customer one mail, and only while it helps."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from email.message import EmailMessage
from pathlib import Path

import attrs
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
    WatchedMailer,
    WatchedStore,
    WatchedTasks,
    crash,
    key_of,
    left,
    store_of,
)
from shoppego_orders.abandonment import (
    AbandonmentPolicy,
    RecoveryPlan,
    RemindResult,
    plain_reminder,
    remind,
    sweep,
    unknown_reminders,
)
from shoppego_orders.adapters.memory import RecordingMailer
from shoppego_orders.adapters.sql import SqlOrderStore, SqlTaskLog
from shoppego_orders.customers import Address, Customer
from shoppego_orders.errors import (
    InvalidDocument,
    InvalidValue,
    MailNotSent,
    NaiveDatetime,
    Retry,
)
from shoppego_orders.order import LineItem, Order, OrderRow
from shoppego_orders.ports import Outcome, Task
from shoppego_orders.query import OrderQuery

NURUL = "nurul@example.com"


# When


def test_an_abandoned_order_is_reminded_of_after_1_24_and_72_hours() -> None:
    desk = Desk(left(begun()))
    assert desk.remind(FIRST - INSTANT) == RemindResult()
    assert desk.remind(FIRST).sent == (key_of(),)
    assert desk.remind(FIRST + HOUR).sent == ()
    assert desk.remind(DUE + 24 * HOUR).sent == (key_of(step=2),)
    assert desk.remind(DUE + 72 * HOUR).sent == (key_of(step=3),)
    assert desk.remind(DUE + 100 * HOUR).sent == ()
    assert desk.recipients() == [AISYAH] * 3
    assert set(desk.reminders().values()) == {(Outcome.DONE, "")}


def test_what_a_sweep_found_is_reminded_of_under_its_policy() -> None:
    desk = Desk(begun())
    sweep(desk.store, AbandonmentPolicy(), FIRST)
    (sent,) = desk.remind(FIRST).sent
    assert sent.startswith(f"reminder/{SHOP}/1262140/checkout-abandoned")
    assert sent.endswith("/1")


def test_after_a_standstill_nobody_gets_several_mails_at_once() -> None:
    desk = Desk(left(begun()))
    assert desk.remind(DUE + 80 * HOUR).sent == (key_of(step=3),)
    assert desk.remind(DUE + 80 * HOUR) == RemindResult()


def test_old_orders_are_left_in_peace() -> None:
    last = BEGAN + PLAN.maximum_age
    assert Desk(left(begun())).remind(last).sent == (key_of(step=3),)
    assert Desk(left(begun())).remind(last + INSTANT) == RemindResult()


def test_an_order_that_no_sweep_has_found_abandoned_is_not_reminded_of() -> None:
    assert Desk(begun()).remind(FIRST) == RemindResult()


def test_one_shop_alone() -> None:
    desk = Desk(left(begun("1")), left(begun("2", shop=OTHER_SHOP)))
    result = remind(desk.store, desk.tasks, desk.mailer, PLAN, FIRST, shop=OTHER_SHOP)
    assert result.sent == (key_of("2", shop=OTHER_SHOP),)


def test_more_orders_than_a_batch_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("shoppego_orders.abandonment.sweep")
    monkeypatch.setattr(module, "BATCH", 2)
    desk = Desk(*(left(begun(f"{n}", email=f"{n}@example.com")) for n in range(5)))
    assert len(desk.remind(FIRST).sent) == 5


# In the shop's night


NIGHT = attrs.evolve(PLAN, quiet_hours=(time(22), time(8)))
# Midnight in Malaysia is 16:00 UTC; the first reminder is due at 00:58:17 there.
MORNING = datetime(2021, 3, 4, 0, 0, tzinfo=UTC)


def test_nothing_is_sent_or_claimed_in_quiet_hours() -> None:
    desk = Desk(left(begun()), left(begun("2", email=NURUL)), plan=NIGHT)
    for now in (FIRST, MORNING - INSTANT):
        held = "these are the shop's quiet hours"
        assert desk.remind(now) == RemindResult(held={key_of("2"): held, key_of(): held})
    assert list(desk.tasks.tasks()) == []
    assert desk.recipients() == []
    assert desk.remind(MORNING).sent == (key_of("2"), key_of())


@pytest.mark.parametrize(
    ("hours", "quiet", "loud"),
    [
        ((time(22), time(8)), ["22:00:00", "00:00:00", "07:59:59.999999"], ["08:00", "21:59:59"]),
        ((time(1), time(5, 30)), ["01:00", "05:29:59"], ["00:59:59", "05:30", "13:00"]),
        ((time(12), time(0)), ["12:00", "23:59:59"], ["00:00", "11:59:59"]),
        (None, [], ["00:00", "12:00"]),
    ],
)
def test_quiet_hours_are_half_open_and_may_go_over_midnight(
    hours: tuple[time, time] | None, quiet: list[str], loud: list[str]
) -> None:
    plan = RecoveryPlan(quiet_hours=hours, tz="Asia/Kuala_Lumpur")
    for clock in (*quiet, *loud):
        local = datetime.fromisoformat(f"2021-03-04T{clock}+08:00")
        assert plan.is_quiet(local) is (clock in quiet), clock


def test_in_the_night_when_clocks_change_the_clock_decides() -> None:
    # London puts its clocks forward at 01:00 UTC on 28 March, and back at 01:00 UTC on 31 October.
    plan = RecoveryPlan(quiet_hours=(time(1, 15), time(2, 15)), tz="Europe/London")
    spring, autumn = datetime(2021, 3, 28, tzinfo=UTC), datetime(2021, 10, 31, tzinfo=UTC)
    quiet = [minutes(each) for each in range(0, 240, 5)]
    assert [each for each in quiet if plan.is_quiet(spring + each)] == [
        minutes(each)
        for each in (60, 65, 70)  # 02:00 to 02:15; 01:15 to 02:00 did not exist
    ]
    assert [each for each in quiet if plan.is_quiet(autumn + each)] == [
        # 01:15 to 02:00 came twice, 02:00 to 02:15 once.
        *(minutes(each) for each in range(15, 60, 5)),
        *(minutes(each) for each in range(75, 135, 5)),
    ]


# Whether


CHANGES: list[tuple[Callable[[Order], Order], str]] = [
    (lambda order: paid(order, DUE + minutes(5)), "it was completed after all"),
    (lambda order: order.confirm(at=DUE), "it was completed after all"),
    (lambda order: order.cancel(reason="sold out", at=DUE), "it is cancelled"),
    (lambda order: order.archive(at=DUE), "it is archived"),
    (
        lambda order: order.set_fulfillment("processing", at=DUE),
        "the merchant has taken it up",
    ),
    (
        lambda order: order.edit_customer(Customer(phone="0123456789"), at=DUE),
        "there is no e-mail address to write to",
    ),
    (
        lambda order: order.change_lines([LineItem("Tudung", 1, PRICE - PRICE)], at=DUE),
        "there is nothing to pay",
    ),
]


class Meanwhile(WatchedStore):
    """A store in which something changes right before an order is loaded."""

    def __init__(self, desk: Desk, change: Callable[[], None]) -> None:
        super().__init__(desk.store, Watch())
        self._change = change

    def get(self, order_id: str) -> Order:
        self._change()
        return super().get(order_id)


@pytest.mark.parametrize(("change", "why"), CHANGES)
def test_what_speaks_against_it_is_asked_at_the_moment_of_sending(
    change: Callable[[Order], Order], why: str
) -> None:
    desk = Desk(left(begun()))
    desk.change(change)
    assert desk.remind(FIRST).skipped == {key_of(): why}
    # The reason is kept, and it is told once, not in every run.
    assert desk.reminders() == {key_of(): (Outcome.SKIPPED, why)}
    assert desk.remind(FIRST) == RemindResult()

    # The same, when it happens after the order was found and before it is loaded.
    desk = Desk(left(begun()))
    late = Meanwhile(desk, lambda: desk.change(change))
    assert remind(late, desk.tasks, desk.mailer, PLAN, FIRST).skipped == {key_of(): why}
    assert desk.recipients() == []


def test_an_order_of_which_the_end_is_settled_is_over() -> None:
    def lost(order: Order) -> Order:
        return order.record_outcome("lost", purchase=None, at=FIRST, recorded_at=FIRST)

    desk = Desk(left(begun()))
    late = Meanwhile(desk, lambda: desk.change(lost))
    result = remind(late, desk.tasks, desk.mailer, PLAN, FIRST)
    assert result.skipped == {key_of(): "how it ended is settled"}

    desk = Desk(lost(left(begun())))
    assert desk.remind(FIRST) == RemindResult()


def test_a_payment_reported_late_takes_the_reminder_back() -> None:
    desk = Desk(left(begun()))
    early = DUE - INSTANT

    def reported() -> None:
        desk.change(lambda order: order.record_payment("r", PRICE, at=early, recorded_at=FIRST))

    late = Meanwhile(desk, reported)
    result = remind(late, desk.tasks, desk.mailer, PLAN, FIRST)
    assert result.skipped == {key_of(): "it was completed after all"}


def test_taken_up_in_time_and_reported_late_it_is_not_abandoned_any_more() -> None:
    desk = Desk(left(begun()))

    def reported() -> None:
        desk.change(lambda order: order.set_fulfillment("packed", at=DUE - INSTANT))

    late = Meanwhile(desk, reported)
    result = remind(late, desk.tasks, desk.mailer, PLAN, FIRST)
    assert result.skipped == {key_of(): "it is not abandoned any more"}


def test_what_another_policy_judged_meanwhile_is_reminded_of_under_its_own_name() -> None:
    desk = Desk(left(begun()))

    def judged_anew() -> None:
        desk.change(
            lambda order: left(
                order.record_retraction(reasons=["a mistake"], at=FIRST), at=DUE, policy="other"
            )
        )

    late = Meanwhile(desk, judged_anew)
    result = remind(late, desk.tasks, desk.mailer, PLAN, FIRST)
    assert result.skipped == {key_of(): "it was judged anew"}
    assert desk.remind(FIRST).sent == (f"reminder/{SHOP}/1262140/other/1",)


def test_what_happened_before_the_deadline_and_does_not_count_speaks_against_nothing() -> None:
    order = begun().confirm(at=BEGAN + minutes(5)).set_fulfillment("packed", at=BEGAN + minutes(6))
    despite = order.record_abandonment(
        policy=POLICY,
        reasons=["It is unpaid."],
        at=DUE,
        recorded_at=DUE,
        despite=["completed", "taken_up"],
    )
    desk = Desk(despite)
    assert desk.remind(FIRST).sent == (key_of(),)
    desk.change(lambda order: paid(order, FIRST))
    assert desk.remind(DUE + 24 * HOUR).skipped == {key_of(step=2): "it was completed after all"}


@pytest.mark.parametrize(
    ("other", "sent"),
    [
        (bought("2", at=DUE), False),
        (bought("2", at=DUE, shop=OTHER_SHOP), True),
        (bought("2", at=DUE, email=NURUL), True),
        (bought("2", at=BEGAN - INSTANT), True),
        (begun("2", at=BEGAN + minutes(1)), True),
        (begun("2", at=BEGAN + minutes(1)).cancel(reason="no", at=DUE), True),
        (begun("2").record_payment("part", PRICE.allocate([1, 1])[0], at=DUE), True),
    ],
)
def test_who_has_bought_something_else_since_is_left_in_peace(other: Order, *, sent: bool) -> None:
    result = Desk(left(begun()), other).remind(FIRST)
    assert (key_of() in result.sent) is sent
    if not sent:
        assert result.skipped == {key_of(): "the customer has bought something else since"}


def test_what_a_customer_bought_is_asked_once_for_all_their_orders() -> None:
    asked: list[str] = []

    class Asked(WatchedStore):
        def rows(self, query: OrderQuery) -> itertools.chain[OrderRow]:
            asked.extend(query.customer_keys or ())
            return itertools.chain(super().rows(query))

    orders = [left(begun(f"{n}", at=BEGAN - minutes(n))) for n in range(5)]
    desk = Desk(*orders, bought("b", at=DUE))
    result = remind(Asked(desk.store, Watch()), desk.tasks, desk.mailer, PLAN, FIRST)
    assert list(result.skipped.values()) == ["the customer has bought something else since"] * 5
    assert asked == [f"email:{AISYAH}"]
    # The newest of them bought itself is another purchase for those before it, and none for it.
    desk = Desk(*orders)
    desk.change(lambda order: paid(order, FIRST), "0")
    result = remind(desk.store, desk.tasks, desk.mailer, PLAN, FIRST)
    assert list(result.skipped.values()) == [
        "it was completed after all",
        *["the customer has bought something else since"] * 4,
    ]


def test_whoever_is_nobody_known_is_written_to_where_there_is_an_address() -> None:
    order = nobodys()
    desk = Desk(left(order), bought("2", at=DUE, email=None))
    assert order.customer_key is None
    assert desk.remind(FIRST).sent == (key_of(),)
    assert desk.recipients() == [f"Aisyah <{AISYAH}>"]


def nobodys(id: str = "1262140", email: str = AISYAH) -> Order:
    """An order whose customer left no more than an address to ship to."""
    return Order.place(
        id=id,
        at=BEGAN,
        shop=SHOP,
        currency="MYR",
        lines=[LineItem("Tudung Bawal", 1, PRICE)],
        shipping_address=Address(first_name="Aisyah", email=email),
    )


@pytest.mark.parametrize(
    "email",
    [
        "aisyah",
        "aisyah@localhost",
        "a@example.com, b@example.com",
        "a@example.com\nBcc: b@example.com",
        "a@example.com\r\n\r\nBody",
        "Aisyah <a@example.com>",
        "a..b@example.com",
        "\u202ea@example.com",
        f"{'a' * 250}@example.com",
    ],
)
def test_what_is_not_one_address_is_none(email: str) -> None:
    desk = Desk(left(begun(email=email)))
    why = "there is no e-mail address to write to"
    assert desk.remind(FIRST).skipped == {key_of(): why}
    assert desk.recipients() == []


def test_the_host_has_its_say_last_and_its_reason_is_kept() -> None:
    desk = Desk(left(begun()), left(begun("2", email=NURUL)), left(begun("3", email=None)))
    asked: list[str] = []

    def unsubscribed(order: Order) -> str | None:
        asked.append(order.id)
        return "unsubscribed on 1 March" if order.email == NURUL else None

    result = remind(desk.store, desk.tasks, desk.mailer, PLAN, FIRST, objection=unsubscribed)
    assert result.sent == (key_of(),)
    assert result.skipped[key_of("2")] == "unsubscribed on 1 March"
    assert desk.reminders()[key_of("2")] == (Outcome.SKIPPED, "unsubscribed on 1 March")
    assert asked == ["2", "1262140"]


@pytest.mark.parametrize("said", ["", "  "])
def test_an_objection_without_words_is_one(said: str) -> None:
    desk = Desk(left(begun()))
    result = remind(desk.store, desk.tasks, desk.mailer, PLAN, FIRST, objection=lambda _: said)
    assert result.skipped == {key_of(): "the shop objects"}


@pytest.mark.parametrize("said", [False, True, 0])
def test_an_objection_that_is_no_text_is_refused_and_claims_nothing(said: object) -> None:
    desk = Desk(left(begun()))
    objection: Callable[[Order], str | None] = lambda _: said  # type: ignore[assignment,return-value]  # noqa: E731  # untyped callers  # pyright: ignore[reportAssignmentType, reportUnknownLambdaType]
    with pytest.raises(InvalidValue) as caught:
        remind(desk.store, desk.tasks, desk.mailer, PLAN, FIRST, objection=objection)
    assert caught.value.field == "objection"
    assert desk.reminders() == {}


# One customer, one mail


def test_of_a_customers_orders_the_newest_is_written_about() -> None:
    older, newer = begun("1"), begun("2", at=BEGAN + minutes(5))
    desk = Desk(left(older), left(newer), left(begun("3", email=NURUL)))
    result = desk.remind(FIRST + minutes(5))
    assert result.sent == (key_of("2"), key_of("3"))
    assert result.skipped == {key_of("1"): "the customer is reminded of a newer order"}
    # At the next step too, and also while the newer one's is not due yet.
    result = desk.remind(DUE + 24 * HOUR)
    assert result.sent == (key_of("3", 2),)
    assert result.skipped == {key_of("1", 2): "the customer is reminded of a newer order"}
    assert desk.remind(DUE + 24 * HOUR + minutes(5)).sent == (key_of("2", 2),)


def test_a_newer_order_that_nobody_is_reminded_of_stands_in_no_ones_way() -> None:
    newer = left(begun("2", at=BEGAN + minutes(5))).cancel(reason="sold out", at=DUE)
    desk = Desk(left(begun("1")), newer)
    result = desk.remind(FIRST)
    assert result.sent == (key_of("1"),)
    assert result.skipped == {}
    # Nor once its own reminder was skipped.
    result = desk.remind(DUE + 24 * HOUR + minutes(5))
    assert result.sent == (key_of("1", 2),)
    assert result.skipped == {key_of("2", 2): "it is cancelled"}
    assert desk.remind(DUE + 24 * HOUR + minutes(5)) == RemindResult()


def test_a_newer_order_in_another_shop_is_another_matter() -> None:
    desk = Desk(left(begun("1")), left(begun("2", at=BEGAN + minutes(5), shop=OTHER_SHOP)))
    result = desk.remind(FIRST + minutes(5))
    assert set(result.sent) == {key_of("1"), key_of("2", shop=OTHER_SHOP)}


def test_after_a_mail_the_customer_is_left_in_peace_for_the_cooldown() -> None:
    desk = Desk(left(begun("1")))
    assert desk.remind(FIRST).sent == (key_of("1"),)
    desk.store.save(left(begun("2", at=BEGAN + 2 * HOUR)))
    result = desk.remind(FIRST + PLAN.cooldown - INSTANT)
    assert result == RemindResult(
        held={key_of("2"): "the customer was written to a short time ago"}
    )
    assert key_of("2") not in desk.reminders()
    assert desk.remind(FIRST + PLAN.cooldown).sent == (key_of("2"),)


def test_nobody_known_is_one_customer_by_the_address() -> None:
    desk = Desk(left(nobodys("1")), left(nobodys("2", AISYAH.upper())), left(begun("3")))
    result = desk.remind(FIRST)
    assert result.sent == (key_of("3"),)
    assert set(result.skipped) == {key_of("1"), key_of("2")}


def test_a_mail_that_was_refused_leaves_the_customers_turn_to_another_order() -> None:
    desk = Desk(left(begun("1")), left(begun("2", at=BEGAN + INSTANT)))
    refusing = RefusingMailer()
    result = remind(desk.store, desk.tasks, refusing, PLAN, FIRST + INSTANT)
    assert set(result.failed) == {key_of("1"), key_of("2")}
    assert [task.outcome for task in desk.tasks.tasks("reminded/")] == [Outcome.FAILED] * 2
    desk.store.save(left(begun("3", at=BEGAN + 2 * INSTANT)))
    assert desk.remind(FIRST + 2 * INSTANT).sent == (key_of("3"),)


def test_without_a_cooldown_turns_are_not_counted() -> None:
    desk = Desk(left(begun()), plan=RecoveryPlan(cooldown=timedelta(0)))
    assert desk.remind(FIRST).sent == (key_of(),)
    assert list(desk.tasks.tasks("reminded/")) == []


@pytest.mark.parametrize("after", [False, True])
def test_two_workers_do_not_write_to_one_customer_about_two_orders(*, after: bool) -> None:
    """The one finds nothing against it; before it claims, or right after, the other comes."""
    desk = Desk(left(begun("1")))
    others: list[RemindResult] = []

    def another_worker() -> None:
        desk.store.save(left(begun("2", at=BEGAN + minutes(5))))
        others.append(desk.remind(FIRST + minutes(5)))

    # Its own reminder, the customer's turns; then it claims.
    tasks = WatchedTasks(desk.tasks, Disturbance(3, another_worker, after=after))
    mine = remind(desk.store, tasks, desk.mailer, PLAN, FIRST)
    assert [each.sent for each in others] == [(key_of("2"),)]
    assert len(desk.recipients()) == 1
    assert mine.sent == ()
    reason = {
        False: "the customer is reminded of a newer order",
        True: "the customer was being written to about another order at that moment",
    }[after]
    assert desk.reminders()[key_of("1")] == (Outcome.SKIPPED, reason)
    assert mine.skipped == ({key_of("1"): reason} if after else {})


def test_who_it_was_written_to_can_t_be_read_from_the_log() -> None:
    desk = Desk(left(begun()))
    desk.remind(FIRST)
    assert not [task for task in desk.tasks.tasks() if "aisyah" in f"{task}".lower()]
    (turn,) = desk.tasks.tasks("reminded/")
    assert (turn.outcome, turn.note) == (Outcome.DONE, key_of())


# Once


@pytest.mark.parametrize("after", [False, True])
def test_two_workers_send_each_reminder_once(*, after: bool) -> None:
    step = 0
    for step in itertools.count(1):
        cancelled = left(begun("3", email="c@example.com")).cancel(reason="no", at=DUE)
        desk = Desk(left(begun("1")), left(begun("2", email=NURUL)), cancelled)
        results: list[RemindResult] = []

        def second(desk: Desk = desk, results: list[RemindResult] = results) -> None:
            results.append(desk.remind(FIRST))

        disturbance = Disturbance(step, second, after=after)
        results.append(
            remind(
                WatchedStore(desk.store, disturbance),
                WatchedTasks(desk.tasks, disturbance),
                WatchedMailer(desk.mailer, disturbance),
                PLAN,
                FIRST,
            )
        )
        assert sorted(key for result in results for key in result.sent) == [
            key_of("1"),
            key_of("2"),
        ]
        assert len({message["Message-ID"] for message in desk.mailer.messages}) == 2
        assert len(desk.mailer.messages) == 2
        assert [key for result in results for key in result.skipped] == [key_of("3")]
        if len(results) == 1:
            break
    assert step > 15


def test_what_a_crash_leaves_unknown_is_listed_and_never_sent_again() -> None:
    for after in (False, True):
        desk = Desk(left(begun()))
        mailer = WatchedMailer(desk.mailer, Disturbance(1, crash, after=after))
        with pytest.raises(Crash):
            remind(desk.store, desk.tasks, mailer, PLAN, FIRST)
        assert len(desk.recipients()) == after
        unknown = [Task(key_of(), FIRST)]
        assert list(unknown_reminders(desk.tasks)) == unknown
        assert list(unknown_reminders(desk.tasks, shop=SHOP)) == unknown
        assert list(unknown_reminders(desk.tasks, shop=OTHER_SHOP)) == []
        assert desk.remind(FIRST + HOUR) == RemindResult()
        # Perhaps they got it: so about a newer order they are not written to either, for a while.
        desk.store.save(left(begun("2", at=BEGAN + HOUR)))
        assert list(desk.remind(FIRST + HOUR).held) == [key_of("2")]
        desk.change(lambda order: order.cancel(reason="no", at=FIRST), "2")
        assert len(desk.recipients()) == after
        # The next step is another mail.
        assert desk.remind(DUE + 24 * HOUR).sent == (key_of(step=2),)
        # An operator who has found out settles it.
        desk.tasks.settle(key_of(), Outcome.DONE, FIRST + HOUR)
        assert list(unknown_reminders(desk.tasks)) == []


class RefusingMailer:
    def send(self, message: EmailMessage) -> None:
        raise MailNotSent((str(message["To"]),), "mailbox unknown", Retry.NEVER)


def test_what_the_mailer_refuses_is_told_and_not_sent_again() -> None:
    desk = Desk(left(begun()))
    result = remind(desk.store, desk.tasks, RefusingMailer(), PLAN, FIRST)
    problem = f"mail to {AISYAH} was not sent: mailbox unknown"
    assert result == RemindResult(failed={key_of(): problem})
    assert desk.reminders() == {key_of(): (Outcome.FAILED, problem)}
    assert desk.remind(FIRST + HOUR) == RemindResult()


def test_a_composer_that_fails_claims_nothing() -> None:
    desk = Desk(left(begun()))

    def broken(order: Order, step: int) -> EmailMessage:
        raise Crash(order.id, step)

    with pytest.raises(Crash):
        remind(desk.store, desk.tasks, desk.mailer, PLAN, FIRST, compose=broken)
    assert list(desk.tasks.tasks()) == []
    assert desk.remind(FIRST).sent == (key_of(),)


def test_what_was_decided_is_not_composed_again() -> None:
    desk = Desk(left(begun()))
    composed: list[int] = []

    def counted(order: Order, step: int) -> EmailMessage:
        composed.append(step)
        return plain_reminder(order, step)

    for now in (FIRST, FIRST, FIRST + HOUR, DUE + 24 * HOUR):
        remind(desk.store, desk.tasks, desk.mailer, PLAN, now, compose=counted)
    assert composed == [1, 2]


def test_one_unreadable_order_does_not_hold_up_the_others() -> None:
    class TornStore(WatchedStore):
        def get(self, order_id: str) -> Order:
            if order_id == "1":
                raise InvalidDocument("lines[0]", "it is cut off")
            return super().get(order_id)

    desk = Desk(left(begun("1")), left(begun("2", email=NURUL)))
    result = remind(TornStore(desk.store, Watch()), desk.tasks, desk.mailer, PLAN, FIRST)
    assert result == RemindResult(
        sent=(key_of("2"),), held={key_of("1"): "lines[0]: it is cut off"}
    )
    assert desk.remind(FIRST).sent == (key_of("1"),)


def test_step_1_and_step_10_are_different_reminders() -> None:
    plan = RecoveryPlan(steps=[HOUR * n for n in range(1, 12)], cooldown=timedelta(0))
    desk = Desk(left(begun()), plan=plan)
    assert desk.remind(DUE + 10 * HOUR).sent == (key_of(step=10),)
    assert desk.remind(FIRST).sent == (key_of(step=1),)


def test_names_with_slashes_make_different_keys() -> None:
    desk = Desk(
        left(begun("b/c", shop="a", email="x@example.com")),
        left(begun("c", shop="a/b", email="y@example.com")),
    )
    sent = desk.remind(FIRST).sent
    assert set(sent) == {key_of("b/c", shop="a"), key_of("c", shop="a/b")}
    assert all(key.count("/") == 4 for key in sent)


def test_the_log_is_looked_into_by_whole_prefixes_alone() -> None:
    asked: list[str] = []

    class Asked(WatchedTasks):
        def tasks(self, prefix: str = "") -> itertools.chain[Task]:
            asked.append(prefix)
            return itertools.chain(super().tasks(prefix))

    desk = Desk(left(begun()))
    remind(desk.store, Asked(desk.tasks, Watch()), desk.mailer, PLAN, FIRST)
    assert asked[0] == key_of()
    assert asked[1].startswith(f"reminded/{SHOP}/")
    assert len(asked[1]) == len(f"reminded/{SHOP}//") + 64
    assert len(asked) == 2


def test_orders_and_reminders_in_one_database(tmp_path: Path) -> None:
    with SqlOrderStore.open(tmp_path / "orders.sqlite") as store:
        store.save(left(begun()))
        store.save(left(begun("2", email=NURUL)).cancel(reason="no", at=DUE))
        tasks, mailer = SqlTaskLog(store.database), RecordingMailer()
        result = remind(store, tasks, mailer, PLAN, FIRST)
        assert result.sent == (key_of(),)
        assert remind(store, tasks, mailer, PLAN, FIRST, shop=SHOP) == RemindResult()
        assert {task.key: task.note for task in tasks.tasks("reminder/")} == {
            key_of(): "",
            key_of("2"): "it is cancelled",
        }


# Bad input


@pytest.mark.parametrize(
    "steps",
    [(), (timedelta(0),), (-HOUR,), (HOUR, HOUR), (2 * HOUR, HOUR)],
)
def test_steps_ascend(steps: tuple[timedelta, ...]) -> None:
    with pytest.raises(InvalidValue) as caught:
        RecoveryPlan(steps=steps)
    assert caught.value.field == "steps"


@pytest.mark.parametrize("age", [timedelta(0), 72 * HOUR, -HOUR])
def test_what_ends_a_plan_lies_beyond_its_last_step(age: timedelta) -> None:
    with pytest.raises(InvalidValue) as caught:
        RecoveryPlan(maximum_age=age)
    assert caught.value.field == "maximum_age"
    with pytest.raises(InvalidValue) as caught:
        RecoveryPlan(lost_after=age)
    assert caught.value.field == "lost_after"


@pytest.mark.parametrize(
    "hours",
    [
        (),
        (time(8),),
        (time(8), time(8)),
        (time(22), time(8), time(9)),
        (22, 8),
        (time(22, tzinfo=UTC), time(8, tzinfo=UTC)),
        ("22:00", "08:00"),
    ],
)
def test_quiet_hours_are_two_times_of_a_clock(hours: tuple[time, time]) -> None:
    with pytest.raises(InvalidValue) as caught:
        RecoveryPlan(quiet_hours=hours)
    assert caught.value.field == "quiet_hours"


def test_a_time_that_is_none_is_refused() -> None:
    desk = Desk(left(begun()))
    with pytest.raises(NaiveDatetime):
        desk.remind(FIRST.replace(tzinfo=None))
    with pytest.raises(InvalidValue) as caught:
        desk.remind(datetime.min.replace(tzinfo=UTC))
    assert caught.value.field == "now"
    with pytest.raises(NaiveDatetime):
        PLAN.is_quiet(FIRST.replace(tzinfo=None))
    assert store_of(begun()).get("1262140").abandoned_at is None
