"""Reminders: each at most once, and only while it helps."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abandonment_examples import (
    AISYAH,
    BEGAN,
    DUE,
    INSTANT,
    OTHER_SHOP,
    PRICE,
    SHOP,
    Crash,
    DisturbedStore,
    begun,
    bought,
    minutes,
    paid,
    stored,
)
from shoppego_orders.abandonment import (
    AbandonmentPolicy,
    RecoveryPlan,
    RemindResult,
    plain_reminder,
    remind,
    sweep,
)
from shoppego_orders.adapters.memory import MemoryOrderStore, MemoryTaskLog, RecordingMailer
from shoppego_orders.customers import Address, Customer
from shoppego_orders.errors import InvalidDocument, InvalidValue, MailNotSent, NaiveDatetime
from shoppego_orders.money import Money
from shoppego_orders.order import LineItem, Order
from shoppego_orders.ports import Outcome, Task

PLAN = RecoveryPlan()
HOUR = timedelta(hours=1)
FIRST = DUE + HOUR
KEY = f"reminder/{SHOP}/1262140"


def abandoned(*orders: Order) -> MemoryOrderStore:
    """A store that was swept when the last of these orders was due."""
    store = stored(orders or [begun()])
    sweep(store, AbandonmentPolicy(), FIRST)
    return store


class Desk:
    """A store, and everything that reminding needs."""

    def __init__(self, store: MemoryOrderStore) -> None:
        self.store = store
        self.tasks = MemoryTaskLog()
        self.mailer = RecordingMailer()

    def remind(self, now: datetime) -> RemindResult:
        return remind(self.store, self.tasks, self.mailer, PLAN, now)

    def change(self, change: Callable[[Order], Order], id: str = "1262140") -> None:
        self.store.save(change(self.store.get(id)))

    def outcomes(self) -> dict[str, Outcome | None]:
        return {task.key: task.outcome for task in self.tasks.tasks()}


# When


def test_an_abandoned_order_is_reminded_of_after_1_24_and_72_hours() -> None:
    desk = Desk(abandoned())
    assert desk.remind(FIRST - INSTANT) == RemindResult(sent=(), skipped={}, failed={})
    assert desk.remind(FIRST).sent == (f"{KEY}/1",)
    assert desk.remind(FIRST + HOUR).sent == ()
    assert desk.remind(DUE + 24 * HOUR).sent == (f"{KEY}/2",)
    assert desk.remind(DUE + 72 * HOUR).sent == (f"{KEY}/3",)
    assert desk.remind(DUE + 100 * HOUR).sent == ()
    assert [message["To"] for message in desk.mailer.messages] == [AISYAH] * 3
    assert set(desk.outcomes().values()) == {Outcome.DONE}


def test_after_a_standstill_nobody_gets_several_mails_at_once() -> None:
    desk = Desk(abandoned())
    assert desk.remind(DUE + 80 * HOUR).sent == (f"{KEY}/3",)
    assert desk.remind(DUE + 80 * HOUR).sent == ()


def test_old_orders_are_left_in_peace() -> None:
    last = BEGAN + PLAN.maximum_age
    assert Desk(abandoned()).remind(last).sent == (f"{KEY}/3",)
    assert Desk(abandoned()).remind(last + INSTANT).sent == ()


def test_an_order_that_no_sweep_has_found_abandoned_is_not_reminded_of() -> None:
    assert Desk(stored([begun()])).remind(FIRST).sent == ()


def test_one_shop_alone() -> None:
    store = abandoned(begun("1"), begun("2", shop=OTHER_SHOP))
    result = remind(store, MemoryTaskLog(), RecordingMailer(), PLAN, FIRST, shop=OTHER_SHOP)
    assert result.sent == (f"reminder/{OTHER_SHOP}/2/1",)


def test_more_orders_than_a_batch_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    module = importlib.import_module("shoppego_orders.abandonment.sweep")
    monkeypatch.setattr(module, "BATCH", 2)
    store = abandoned(*(begun(f"{n}", email=f"{n}@example.com") for n in range(5)))
    assert len(Desk(store).remind(FIRST).sent) == 5


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
]


@pytest.mark.parametrize(("change", "why"), CHANGES)
def test_what_speaks_against_it_is_asked_at_the_moment_of_sending(
    change: Callable[[Order], Order], why: str
) -> None:
    desk = Desk(abandoned())
    desk.change(change)
    assert desk.remind(FIRST).skipped == {f"{KEY}/1": why}
    assert desk.outcomes() == {f"{KEY}/1": Outcome.SKIPPED}
    # It is told once, not in every run.
    assert desk.remind(FIRST).skipped == {}

    # The same, when it happens after the order was found and before it is loaded.
    desk = Desk(abandoned())
    late = DisturbedStore(desk.store, 2, lambda: desk.change(change), after=False)
    assert remind(late, desk.tasks, desk.mailer, PLAN, FIRST).skipped == {f"{KEY}/1": why}
    assert desk.mailer.messages == []


def test_a_payment_reported_late_takes_the_reminder_back() -> None:
    desk = Desk(abandoned())
    early = DUE - INSTANT

    def reported() -> None:
        desk.change(lambda order: order.record_payment("r", PRICE, at=early, recorded_at=FIRST))

    late = DisturbedStore(desk.store, 2, reported, after=False)
    result = remind(late, desk.tasks, desk.mailer, PLAN, FIRST)
    assert result.skipped == {f"{KEY}/1": "it was completed after all"}


def test_taken_up_in_time_and_reported_late_it_is_not_abandoned_any_more() -> None:
    desk = Desk(abandoned())

    def reported() -> None:
        desk.change(lambda order: order.set_fulfillment("packed", at=DUE - INSTANT))

    late = DisturbedStore(desk.store, 2, reported, after=False)
    result = remind(late, desk.tasks, desk.mailer, PLAN, FIRST)
    assert result.skipped == {f"{KEY}/1": "it is not abandoned any more"}


@pytest.mark.parametrize(
    ("other", "sent"),
    [
        (bought("2", at=DUE), False),
        (bought("2", at=DUE, shop=OTHER_SHOP), True),
        (bought("2", at=DUE, email="nurul@example.com"), True),
        (bought("2", at=BEGAN - INSTANT), True),
        (begun("2", at=BEGAN + minutes(1)), True),
    ],
)
def test_who_has_bought_something_else_since_is_left_in_peace(other: Order, *, sent: bool) -> None:
    result = Desk(abandoned(begun(), other)).remind(FIRST)
    assert (f"{KEY}/1" in result.sent) is sent
    if not sent:
        assert result.skipped[f"{KEY}/1"] == "the customer has bought something else since"


def test_whoever_is_nobody_known_is_written_to_where_there_is_an_address() -> None:
    order = Order.place(
        id="1262140",
        at=BEGAN,
        shop=SHOP,
        currency="MYR",
        lines=[LineItem("Tudung Bawal", 1, PRICE)],
        shipping_address=Address(first_name="Aisyah", email=AISYAH),
    )
    desk = Desk(abandoned(order, bought("2", at=DUE, email=None)))
    assert order.customer_key is None
    assert f"{KEY}/1" in desk.remind(FIRST).sent
    assert desk.mailer.messages[-1]["To"] == f"Aisyah <{AISYAH}>"


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
    desk = Desk(abandoned(begun(email=email)))
    assert list(desk.remind(FIRST).skipped.values()) == ["there is no e-mail address to write to"]
    assert desk.mailer.messages == []


# Once


def test_two_workers_send_each_reminder_once() -> None:
    for step in itertools.count(1):
        desk = Desk(abandoned(begun("1"), begun("2", email="b@example.com")))
        results: list[RemindResult] = []

        def second(desk: Desk = desk, results: list[RemindResult] = results) -> None:
            results.append(desk.remind(FIRST))

        disturbed = DisturbedStore(desk.store, step, second, after=True)
        results.append(remind(disturbed, desk.tasks, desk.mailer, PLAN, FIRST))
        assert sorted(key for result in results for key in result.sent) == [
            f"reminder/{SHOP}/1/1",
            f"reminder/{SHOP}/2/1",
        ]
        assert len({message["Message-ID"] for message in desk.mailer.messages}) == 2
        assert len(desk.mailer.messages) == 2
        if len(results) == 1:
            break
    else:
        pytest.fail("the store was never left alone")


class CrashingMailer(RecordingMailer):
    """The process dies in the middle of sending: before the server took the mail, or after."""

    def __init__(self, *, taken: bool) -> None:
        super().__init__()
        self._taken = taken

    def send(self, message: EmailMessage) -> None:
        if self._taken:
            super().send(message)
        raise Crash


@pytest.mark.parametrize("taken", [False, True])
def test_what_a_crash_leaves_unknown_is_never_sent_again(*, taken: bool) -> None:
    store, tasks = abandoned(), MemoryTaskLog()
    with pytest.raises(Crash):
        remind(store, tasks, CrashingMailer(taken=taken), PLAN, FIRST)
    assert list(tasks.tasks()) == [Task(f"{KEY}/1", FIRST)]
    mailer = RecordingMailer()
    assert remind(store, tasks, mailer, PLAN, FIRST + HOUR).sent == ()
    assert mailer.messages == []
    # The next step is another mail.
    assert remind(store, tasks, mailer, PLAN, DUE + 24 * HOUR).sent == (f"{KEY}/2",)


def test_what_the_mailer_refuses_is_told_and_not_sent_again() -> None:
    class RefusingMailer:
        def send(self, message: EmailMessage) -> None:
            raise MailNotSent((str(message["To"]),), "mailbox unknown")

    desk = Desk(abandoned())
    result = remind(desk.store, desk.tasks, RefusingMailer(), PLAN, FIRST)
    assert result.failed == {f"{KEY}/1": f"mail to {AISYAH} was not sent: mailbox unknown"}
    assert desk.outcomes() == {f"{KEY}/1": Outcome.FAILED}
    assert desk.remind(FIRST + HOUR).sent == ()


def test_a_composer_that_fails_claims_nothing() -> None:
    desk = Desk(abandoned())

    def broken(order: Order, step: int) -> EmailMessage:
        raise Crash(order.id, step)

    with pytest.raises(Crash):
        remind(desk.store, desk.tasks, desk.mailer, PLAN, FIRST, compose=broken)
    assert desk.outcomes() == {}
    assert desk.remind(FIRST).sent == (f"{KEY}/1",)


def test_what_was_decided_is_not_composed_again() -> None:
    desk = Desk(abandoned())
    composed: list[int] = []

    def counted(order: Order, step: int) -> EmailMessage:
        composed.append(step)
        return plain_reminder(order, step)

    for now in (FIRST, FIRST, FIRST + HOUR, DUE + 24 * HOUR):
        remind(desk.store, desk.tasks, desk.mailer, PLAN, now, compose=counted)
    assert composed == [1, 2]


def test_one_unreadable_order_does_not_hold_up_the_others() -> None:
    store = abandoned(begun("1"), begun("2", email="b@example.com"))

    class TornStore(DisturbedStore):
        def get(self, order_id: str) -> Order:
            if order_id == "1":
                raise InvalidDocument("lines[0]", "it is cut off")
            return super().get(order_id)

    tasks = MemoryTaskLog()
    torn = TornStore(store, 0, lambda: None, after=False)
    result = remind(torn, tasks, RecordingMailer(), PLAN, FIRST)
    assert result.skipped == {f"reminder/{SHOP}/1/1": "lines[0]: it is cut off"}
    assert result.sent == (f"reminder/{SHOP}/2/1",)
    assert remind(store, tasks, RecordingMailer(), PLAN, FIRST).sent == (f"reminder/{SHOP}/1/1",)


def test_step_1_and_step_10_are_different_reminders() -> None:
    plan = RecoveryPlan(steps=[HOUR * n for n in range(1, 12)])
    desk = Desk(abandoned())
    assert remind(desk.store, desk.tasks, desk.mailer, plan, DUE + 10 * HOUR).sent == (f"{KEY}/10",)
    assert remind(desk.store, desk.tasks, desk.mailer, plan, FIRST).sent == (f"{KEY}/1",)


def test_names_with_slashes_make_different_keys() -> None:
    store = abandoned(
        begun("b/c", shop="a", email="x@example.com"), begun("c", shop="a/b", email="y@example.com")
    )
    assert Desk(store).remind(FIRST).sent == ("reminder/a/b%2Fc/1", "reminder/a%2Fb/c/1")


# What is written


def test_the_plain_reminder() -> None:
    desk = Desk(abandoned(begun(name="Aïsyah")))
    desk.remind(FIRST)
    (message,) = desk.mailer.messages
    assert message["From"] == f'"{SHOP}" <no-reply@{SHOP}>'
    assert message["To"] == f"Aïsyah <{AISYAH}>"
    assert message["Subject"] == "Your order #1262140 waits for you"
    assert message["Date"].datetime == FIRST
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content() == (
        "Hello Aïsyah,\n"
        "\n"
        f"you began an order at {SHOP} and did not complete it:\n"
        "\n"
        "  1 x Tudung Bawal\n"
        "  Total: MYR 59.50\n"
        "\n"
        f"If you still want it, go to https://{SHOP}/.\n"
        "If not, just ignore this mail.\n"
    )


def test_later_reminders_say_so() -> None:
    assert plain_reminder(begun(), 2)["Subject"] == "Reminder: your order #1262140 waits for you"
    assert plain_reminder(begun(), 1).get_content().startswith("Hello,\n")


def test_a_shop_whose_name_is_no_host() -> None:
    message = plain_reminder(begun(shop="Kedai Aisyah"), 1)
    assert message["From"] == "Kedai Aisyah <no-reply@shop.invalid>"
    assert "go to Kedai Aisyah." in message.get_content()


def test_the_message_id_is_that_of_the_reminder() -> None:
    first, again = Desk(abandoned()), Desk(abandoned())
    for desk in (first, again):
        desk.remind(FIRST)
        desk.remind(DUE + 24 * HOUR)
    ids = [message["Message-ID"] for message in first.mailer.messages]
    assert ids == [message["Message-ID"] for message in again.mailer.messages]
    assert len(set(ids)) == 2
    assert all(each.endswith(f"@{SHOP}>") for each in ids)


def test_a_hosts_own_composer() -> None:
    def malay(order: Order, step: int) -> EmailMessage:
        message = plain_reminder(order, step)
        message.replace_header("Subject", f"Pesanan anda menunggu ({step})")
        message["To"] = "someone-else@example.com"
        message["Message-ID"] = "<always-the-same@example.com>"
        return message

    desk = Desk(abandoned())
    remind(desk.store, desk.tasks, desk.mailer, PLAN, FIRST, compose=malay)
    (message,) = desk.mailer.messages
    assert message["Subject"] == "Pesanan anda menunggu (1)"
    assert message["To"] == AISYAH
    assert message.get_all("Message-ID") != ["<always-the-same@example.com>"]
    assert len(message.get_all("Message-ID", [])) == 1


TEXTS = st.text(max_size=40) | st.sampled_from(
    [
        "x\r\nBcc: b@example.com",
        "\r\n\r\nbody",
        "a\x0bb",
        "\x85Cc: c@example.com",
        "\x1b[31mred",
        '"<>,;@',
        "=?",
    ]
)


@given(name=TEXTS, number=TEXTS, product=TEXTS, shop=TEXTS, local=st.from_regex(r"\A[^@\s]{1,9}\Z"))
def test_nothing_that_a_customer_types_makes_a_header(
    name: str, number: str, product: str, shop: str, local: str
) -> None:
    order = Order.place(
        id="1",
        at=BEGAN,
        shop=f"s{shop.replace(chr(0), '')}".encode(errors="replace").decode(),
        number=number,
        currency="MYR",
        lines=[LineItem(product, 2, Money("1", "MYR"))],
        customer=Customer(first_name=name, email=f"{local}@example.com"),
    )
    desk = Desk(abandoned(order))
    result = desk.remind(FIRST)
    assert len(result.sent) + len(result.skipped) == 1
    for sent in desk.mailer.messages:
        message = message_from_bytes(sent.as_bytes(policy=policy.SMTP), policy=policy.default)
        assert set(message.keys()) == {
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "Auto-Submitted",
            "MIME-Version",
            "Content-Type",
            "Content-Transfer-Encoding",
        }
        assert all(str(value).isprintable() for value in message.values())
        (to,) = message["To"].addresses
        assert to.addr_spec == f"{local}@example.com"
        assert len(message["From"].addresses) == 1
        assert "  2 x " in message.get_content()


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
def test_the_maximum_age_lies_beyond_the_last_step(age: timedelta) -> None:
    with pytest.raises(InvalidValue) as caught:
        RecoveryPlan(maximum_age=age)
    assert caught.value.field == "maximum_age"


def test_a_time_that_is_none_is_refused() -> None:
    desk = Desk(abandoned())
    with pytest.raises(NaiveDatetime):
        desk.remind(FIRST.replace(tzinfo=None))
    with pytest.raises(InvalidValue) as caught:
        desk.remind(datetime.min.replace(tzinfo=UTC))
    assert caught.value.field == "now"
