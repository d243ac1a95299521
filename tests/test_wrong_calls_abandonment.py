"""Abandonment and recovery: a wrong call is told which value, and what would be right."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from abandonment_examples import AISYAH, BEGAN, INSTANT, LATER, SHOP, begun
from recovery_examples import Desk, left
from shoppego_orders.abandonment import (
    AbandonmentPolicy,
    AllOf,
    AnyOf,
    Not,
    RecoveryPlan,
    RecoveryVisit,
    judge_stream,
    next_due,
    plain_reminder,
    read_recovery_link,
    record_visit,
    recovery_link,
    remind,
    replay,
    rules,
    settle_recoveries,
    sweep,
)
from shoppego_orders.errors import (
    BrokenHistory,
    InvalidValue,
    OrderNotFound,
    OrdersError,
    RecoveryLinkRefused,
    UnknownTimeZone,
)
from shoppego_orders.order import CartItem, OrderRow
from wrong_calls import NAIVE, Call, WrongCall, assert_told, untyped, without_a_zone

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
ORDER = begun()
ROW = OrderRow.of(ORDER)
BOUGHT = OrderRow.of(begun("2").confirm(at=BEGAN))
DESK = Desk(left(ORDER))
STORE = DESK.store
POLICY = AbandonmentPolicy()
PLAN = RecoveryPlan()
KEY = b"sixteen bytes or more, and secret"
ITEMS = [CartItem("57085", 1)]

A_WINDOW = "a timedelta above zero, of at most 366 days"
A_NAME = "a name of one line that is not empty"
A_DEADLINE = "a moment whose deadline the calendar holds"
RULES = "at least one rule, and nothing but rules"
LOOKBACK = "a length of time above zero, of at most 3660 days"
STEPS = "one or more lengths of time, ascending, above zero"
BEYOND = "more than the last step, which is 3 days, 0:00:00"
QUIET = "two different times of day without a zone, such as (time(22), time(8))"
IN_900 = "in at most 900 characters that a URL may have"
SHORT_KEY = InvalidValue("keys", "a key", "bytes, at least 16 of them")
NO_KEY = InvalidValue("keys", (), "at least one key")


def linked(**parts: object) -> str:
    whole = {"base": f"https://{SHOP}", "keys": KEY, "expires_at": LATER, "step": 1} | parts
    return recovery_link(ORDER, **untyped({"items": ITEMS} | whole))


def reminded(objection: object, now: datetime = BEGAN + 3 * HOUR) -> object:
    parts = (DESK.store, DESK.tasks, DESK.mailer, PLAN, now)
    return remind(*parts, objection=lambda _: untyped(objection))


POLICIES: list[WrongCall] = [
    (InvalidValue("window", 0 * HOUR, A_WINDOW), lambda: AbandonmentPolicy(window=0 * HOUR)),
    (InvalidValue("window", 367 * DAY, A_WINDOW), lambda: AbandonmentPolicy(window=367 * DAY)),
    (InvalidValue("window", 60, A_WINDOW), lambda: AbandonmentPolicy(window=untyped(60))),
    (
        InvalidValue("window", 0 * HOUR, A_WINDOW),
        lambda: AbandonmentPolicy(windows_by_payment_method={"Cash": 0 * HOUR}),
    ),
    (
        InvalidValue("windows_by_payment_method", ["Cash", "Cash"], "each method once"),
        lambda: AbandonmentPolicy(windows_by_payment_method=(("Cash", HOUR),) * 2),
    ),
    (
        InvalidValue("since", "paid_at", "one of placed_at, last_activity_at"),
        lambda: AbandonmentPolicy(since="paid_at"),
    ),
    (
        InvalidValue("rule", "Unpaid", "a Rule, such as Unfulfilled()"),
        lambda: AbandonmentPolicy(rule=untyped("Unpaid")),
    ),
    (InvalidValue("name", " ", A_NAME), lambda: AbandonmentPolicy(name=" ")),
    (InvalidValue("name", "a\nb", A_NAME), lambda: AbandonmentPolicy(name="a\nb")),
    (InvalidValue("placed_at", LAST, A_DEADLINE), lambda: POLICY.due(begun(at=LAST))),
    (without_a_zone("as_of"), lambda: POLICY.judge(ORDER, [], NAIVE)),
    (without_a_zone("placed_at"), lambda: POLICY.due(ROW._replace(placed_at=NAIVE))),
    (
        without_a_zone("placed_at"),
        lambda: POLICY.judge(ROW._replace(placed_at=NAIVE), [], LATER),
    ),
    (
        without_a_zone("completed_at"),
        lambda: POLICY.judge(ROW._replace(completed_at=NAIVE), [], LATER),
    ),
    (without_a_zone("paid_at"), lambda: POLICY.judge(ROW._replace(paid_at=NAIVE), [], LATER)),
    (
        without_a_zone("completed_at"),
        lambda: POLICY.judge(ROW, [BOUGHT._replace(completed_at=NAIVE)], LATER),
    ),
    (without_a_zone("as_of"), lambda: replay(ORDER.changes, [], POLICY, as_of=NAIVE)),
    (
        without_a_zone("known_at"),
        lambda: replay(ORDER.changes, [], POLICY, as_of=LATER, known_at=NAIVE),
    ),
    (
        BrokenHistory("1262140/1", "there was no such order yet"),
        lambda: replay(ORDER.changes, [], POLICY, as_of=LATER, known_at=BEGAN - INSTANT),
    ),
]

OF_RULES: list[WrongCall] = [
    (InvalidValue("rules", (), RULES), lambda: AllOf(())),
    (InvalidValue("rules", (), RULES), lambda: AnyOf(())),
    (InvalidValue("rules", (None,), RULES), lambda: AllOf(untyped((None,)))),
    (InvalidValue("rules", ("Unpaid",), RULES), lambda: AnyOf(untyped(("Unpaid",)))),
    (InvalidValue("rule", "Unpaid", "a rule"), lambda: Not(untyped("Unpaid"))),
    (InvalidValue("names", [], "at least one"), lambda: rules.PaymentMethod([])),
    (InvalidValue("names", (), "at least one"), lambda: rules.Channel(())),
    (InvalidValue("keys", (), "at least one"), lambda: rules.Source(())),
    (InvalidValue("type", "cash", "one of manual, alternative"), lambda: rules.PaymentType("cash")),
    (InvalidValue("least", 100, "Money"), lambda: rules.TotalAtLeast(untyped(100))),
    (
        InvalidValue("by", "fax", "one of email, phone, any"),
        lambda: rules.HasContact(untyped("fax")),
    ),
    (
        InvalidValue("delivery", "drone", "one of ship, pickup, none"),
        lambda: rules.DeliveryIs("drone"),
    ),
    (InvalidValue("deliveries", [], "at least one"), lambda: rules.DeliveryIs([])),
    (InvalidValue("lookback", 0 * DAY, LOOKBACK), lambda: rules.FirstOrder(0 * DAY)),
    (InvalidValue("lookback", 3661 * DAY, LOOKBACK), lambda: rules.FirstOrder(3661 * DAY)),
    (InvalidValue("text", 7, "a str"), lambda: rules.Tagged(untyped(7))),
]

STREAMS_AND_SWEEPS: list[WrongCall] = [
    (without_a_zone("now"), lambda: list(judge_stream([], POLICY, NAIVE))),
    (
        InvalidValue("only", "lost", "one of not_due, abandoned, kept"),
        lambda: list(judge_stream([], POLICY, LATER, only=untyped("lost"))),
    ),
    (
        InvalidValue("rows", "1262140", "rows sorted by placed_at"),
        lambda: list(judge_stream([ROW._replace(placed_at=LATER, id="9"), ROW], POLICY, LATER)),
    ),
    (
        without_a_zone("placed_at"),
        lambda: list(judge_stream([ROW._replace(placed_at=NAIVE)], POLICY, LATER)),
    ),
    (
        without_a_zone("completed_at"),
        lambda: list(judge_stream([ROW._replace(completed_at=NAIVE)], POLICY, LATER)),
    ),
    (InvalidValue("limit", 0, "at least 1"), lambda: sweep(STORE, POLICY, LATER, limit=0)),
    (without_a_zone("now"), lambda: sweep(STORE, POLICY, NAIVE)),
    (
        without_a_zone("active_from"),
        lambda: sweep(STORE, POLICY, LATER, active_from=NAIVE),
    ),
    (
        InvalidValue("now", FIRST, "a moment at least 1:00:00 after the calendar begins"),
        lambda: sweep(STORE, POLICY, FIRST),
    ),
    (without_a_zone("now"), lambda: next_due(STORE, POLICY, NAIVE)),
    (
        without_a_zone("active_from"),
        lambda: next_due(STORE, POLICY, LATER, active_from=NAIVE),
    ),
]

RECOVERY: list[WrongCall] = [
    (InvalidValue("steps", (), STEPS), lambda: RecoveryPlan(steps=())),
    (InvalidValue("steps", (HOUR, HOUR), STEPS), lambda: RecoveryPlan(steps=(HOUR, HOUR))),
    (InvalidValue("maximum_age", 3 * DAY, BEYOND), lambda: RecoveryPlan(maximum_age=3 * DAY)),
    (InvalidValue("lost_after", 3 * DAY, BEYOND), lambda: RecoveryPlan(lost_after=3 * DAY)),
    (
        InvalidValue("cooldown", -HOUR, "a length of time of zero or more"),
        lambda: RecoveryPlan(cooldown=-HOUR),
    ),
    (
        InvalidValue("quiet_hours", (time(9), time(9)), QUIET),
        lambda: RecoveryPlan(quiet_hours=(time(9), time(9))),
    ),
    (UnknownTimeZone("MYT-8"), lambda: RecoveryPlan(tz="MYT-8")),
    (without_a_zone("now"), lambda: PLAN.step(BEGAN, NAIVE)),
    (without_a_zone("abandoned_at"), lambda: PLAN.step(NAIVE, LATER)),
    (without_a_zone("now"), lambda: PLAN.is_quiet(NAIVE)),
    (without_a_zone("now"), lambda: reminded(None, NAIVE)),
    (
        InvalidValue("objection", False, "why not, as a text; or None"),
        lambda: reminded(False),
    ),
    (
        InvalidValue("lost_after", 0 * HOUR, "a length of time above zero"),
        lambda: settle_recoveries(STORE, 0 * HOUR, LATER),
    ),
    (
        InvalidValue("limit", 0, "at least 1"),
        lambda: settle_recoveries(STORE, HOUR, LATER, limit=0),
    ),
    (without_a_zone("now"), lambda: settle_recoveries(STORE, HOUR, NAIVE)),
    (
        InvalidValue("sender", "shop", "one e-mail address such as shop@example.com"),
        lambda: plain_reminder(ORDER, 1, sender="shop"),
    ),
    (
        InvalidValue("link", "ftp://x", f"https://shop.example/…, {IN_900}"),
        lambda: plain_reminder(ORDER, 1, link=lambda _order, _step: "ftp://x"),
    ),
    (
        InvalidValue("unsubscribe", AISYAH, f"https://shop.example/… or mailto:…, {IN_900}"),
        lambda: plain_reminder(ORDER, 1, unsubscribe=lambda _: AISYAH),
    ),
]

LINKS: list[WrongCall] = [
    (SHORT_KEY, lambda: linked(keys=b"short")),
    (SHORT_KEY, lambda: read_recovery_link(linked(), [KEY, b"short"], LATER)),
    (NO_KEY, lambda: linked(keys=())),
    (NO_KEY, lambda: read_recovery_link(linked(), [], LATER)),
    (InvalidValue("step", 0, "a whole number of at least 1"), lambda: linked(step=0)),
    (InvalidValue("items", (), "1 to 3 variants"), lambda: linked(items=[])),
    (
        InvalidValue("base", SHOP, "scheme and host, such as https://shop.example"),
        lambda: linked(base=SHOP),
    ),
    (without_a_zone("expires_at"), lambda: linked(expires_at=NAIVE)),
    (without_a_zone("now"), lambda: read_recovery_link(linked(), KEY, NAIVE)),
    (RecoveryLinkRefused("missing"), lambda: read_recovery_link(f"https://{SHOP}/", KEY, BEGAN)),
    (RecoveryLinkRefused("altered"), lambda: read_recovery_link("https://[/", KEY, BEGAN)),
    (
        RecoveryLinkRefused("altered"),
        lambda: read_recovery_link(linked().replace("/57085:1", "/57085:9"), KEY, BEGAN),
    ),
    (
        RecoveryLinkRefused("altered"),
        lambda: read_recovery_link(f"{linked()}&recovery=again", KEY, BEGAN),
    ),
    (RecoveryLinkRefused("expired"), lambda: read_recovery_link(linked(), KEY, LATER)),
    (
        OrderNotFound("1262140"),
        lambda: record_visit(STORE, RecoveryVisit("other.example", "1262140", 1, LATER), BEGAN),
    ),
]


@pytest.mark.parametrize(
    ("error", "call"),
    [*POLICIES, *OF_RULES, *STREAMS_AND_SWEEPS, *RECOVERY, *LINKS],
)
def test_a_wrong_call_is_told(error: OrdersError, call: Call) -> None:
    assert_told(error, call)
