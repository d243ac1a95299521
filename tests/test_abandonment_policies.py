"""Policies as documents, verdicts for people, histories in one pass, and judged again."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import attrs
import pytest

from abandonment_examples import (
    BEGAN,
    DUE,
    INSTANT,
    LATER,
    PRICE,
    begun,
    bought,
    minutes,
    paid,
    stored,
)
from shoppego_orders.abandonment import (
    AbandonmentPolicy,
    Context,
    Finding,
    OrderLike,
    Rule,
    VerdictStatus,
    compare_policies,
    judge_stream,
    policy_from_json,
    policy_to_json,
    replay,
    rules,
)
from shoppego_orders.abandonment.purchases import Purchases
from shoppego_orders.errors import (
    InvalidDocument,
    InvalidValue,
    UnknownDocumentVersion,
)
from shoppego_orders.money import Money
from shoppego_orders.order import OrderRow
from wrong_calls import assert_told

POLICY = AbandonmentPolicy()
OLD = Path(__file__).parent / "data" / "documents" / "abandonment-policy-v1.json"


@attrs.frozen
class Longer(Rule):
    """A host's own rule, with a field."""

    than: timedelta

    def wanted(self) -> str:
        return f"Its window is longer than {self.than}."

    def holds(self, order: OrderLike, context: Context) -> bool:  # noqa: ARG002  # it needs the context alone
        return context.due - context.began > self.than


class Odd(Rule):
    """A host's own rule that is no attrs class."""

    wants = "Its id is odd."

    def holds(self, order: OrderLike, context: Context) -> bool:  # noqa: ARG002  # it needs the order alone
        return int(order.id) % 2 == 1


# Documents


def test_the_document_of_the_documented_rule() -> None:
    document = json.loads(policy_to_json(POLICY))
    fingerprint = document["body"].pop("fingerprint")
    assert document == {
        "kind": "abandonment_policy",
        "version": 1,
        "body": {
            "window": "PT3600S",
            "rule": {
                "AllOf": {
                    "rules": [{"Unfulfilled": {}}, {"NoOtherPurchase": {"shared_product": False}}]
                }
            },
            "since": "placed_at",
            "windows_by_payment_method": [],
            "name": "checkout-abandoned",
        },
    }
    assert POLICY.id == f"checkout-abandoned@{fingerprint}"
    # The same in every process and release: reminders are claimed under it.
    assert fingerprint == "61794beebe01a2f8"


def test_a_policy_may_be_written_by_hand() -> None:
    text = """{"kind": "abandonment_policy", "version": 1, "body": {
        "window": "P1DT2H", "name": "large",
        "rule": {"AllOf": {"rules": [{"Unpaid": {}}, {"TotalAtLeast": {"least": "100 MYR"}}]}}}}"""
    assert policy_from_json(text) == AbandonmentPolicy(
        window=timedelta(hours=26),
        rule=rules.Unpaid() & rules.TotalAtLeast(Money("100", "MYR")),
        name="large",
    )


def test_old_policy_documents_can_be_read_for_ever() -> None:
    for text in OLD.read_text(encoding="utf-8").splitlines():
        assert policy_to_json(policy_from_json(text)) == text


def test_a_hosts_own_rules_stand_in_a_document() -> None:
    policy = AbandonmentPolicy(rule=~Longer(minutes(30)) | Longer(minutes(5)))
    text = policy_to_json(policy)
    assert policy_from_json(text, [Longer]) == policy
    error = InvalidDocument("body.rule.rules[0].rule", f"rule 'Longer'; {RULES}")
    assert_told(error, lambda: policy_from_json(text))


def test_a_rule_whose_fields_nobody_knows_is_not_written() -> None:
    odd = Odd()
    policy = AbandonmentPolicy(rule=~odd)
    assert policy.fingerprint == AbandonmentPolicy(rule=~Odd()).fingerprint != POLICY.fingerprint
    error = InvalidValue("rule", odd, "a rule that is an attrs class")
    assert_told(error, lambda: policy_to_json(policy))


ELAPSED = "expected elapsed time such as PT60M or P3D"
A_RULE = 'expected a rule such as {"Unpaid": {}}'
RULES = (
    "expected one of AllOf, AnyOf, Not, Unfulfilled, Unpaid, Unconfirmed, NoOtherPurchase, "
    "FirstOrder, PaymentMethod, PaymentType, TotalAtLeast, Source, Channel, HasContact, Tagged, "
    "DeliveryIs"
)


def body(**changed: object) -> str:
    document = json.loads(policy_to_json(POLICY))
    document["body"] |= changed
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "path", "problem"),
    [
        ("[]", "", "no document of kind 'abandonment_policy', but '[]'"),
        (body(window="60"), "body.window", f"duration is '60'; {ELAPSED}"),
        (body(window="P"), "body.window", f"duration is 'P'; {ELAPSED}"),
        (body(window="PT"), "body.window", f"duration is 'PT'; {ELAPSED}"),
        (
            body(window="P999999999999D"),
            "body.window",
            "duration is 'P999999999999D'; expected less than a billion days",
        ),
        (
            body(window="PT0S"),
            "body",
            "window is datetime.timedelta(0); expected a timedelta above zero, of at most 366 days",
        ),
        (body(window=3600), "body.window", f"duration is 3600; {ELAPSED}"),
        (body(rule="Unpaid"), "body.rule", f"'Unpaid'; {A_RULE}"),
        (body(rule={}), "body.rule", f"{{}}; {A_RULE}"),
        (
            body(rule={"Unpaid": {}, "Unconfirmed": {}}),
            "body.rule",
            f"{{'Unpaid': {{}}, 'Unconfirmed': {{}}}}; {A_RULE}",
        ),
        (body(rule={"eval": {"code": "1"}}), "body.rule", f"rule 'eval'; {RULES}"),
        (body(rule={"Unpaid": {"least": 1}}), "body.rule", "extra fields found (least)"),
        (body(rule={"TotalAtLeast": {}}), "body.rule.least", "required field missing"),
        (
            body(rule={"AllOf": {"rules": []}}),
            "body.rule",
            "rules is (); expected at least one rule, and nothing but rules",
        ),
        (
            body(since="yesterday"),
            "body.since",
            "word is 'yesterday'; expected one of placed_at, last_activity_at",
        ),
        (body(name=""), "body", "name is ''; expected a name of one line that is not empty"),
        (body(color="red"), "body", "extra fields found (color)"),
        (
            body(fingerprint="0" * 16),
            "body.fingerprint",
            "'0000000000000000'; this policy's is '61794beebe01a2f8'",
        ),
        (
            body(window="PT1800S"),
            "body.fingerprint",
            "'61794beebe01a2f8'; this policy's is 'df9a2f7826b21bde'",
        ),
        (
            body(fingerprint=["0"]),
            "body.fingerprint",
            "['0']; this policy's is '61794beebe01a2f8'",
        ),
    ],
)
def test_what_is_no_policy_is_refused(text: str, path: str, problem: str) -> None:
    assert_told(InvalidDocument(path, problem), lambda: policy_from_json(text))


def test_a_policy_of_a_newer_release_is_refused() -> None:
    with pytest.raises(UnknownDocumentVersion):
        policy_from_json(policy_to_json(POLICY).replace('"version":1', '"version":2'))


# Verdicts for people


def test_a_verdict_for_a_notebook_is_escaped() -> None:
    policy = AbandonmentPolicy(rule=rules.Tagged("<b>"), name="<script>")
    order = begun().set_tags(["<img src=x>", "two\nlines"], at=BEGAN)
    page = policy.judge(order, [], LATER)._repr_html_()  # pyright: ignore[reportPrivateUsage]  # what a notebook calls
    assert "<script>" not in page
    assert "<img" not in page
    assert "no: It is tagged &lt;img src=x&gt;, two lines." in page
    assert "(Asked for: It is tagged &lt;b&gt;.)" in page


def test_verdicts_that_say_the_same_are_equal() -> None:
    verdict = POLICY.judge(begun(), [], LATER)
    assert verdict == POLICY.judge(OrderRow.of(begun()), [begun("other")], LATER)
    assert verdict != POLICY.judge(begun(), [], BEGAN)
    assert verdict != "abandoned"
    assert (verdict.period.start, verdict.period.end) == (BEGAN, DUE)
    assert verdict.finding == Finding(
        "AllOf", True, "All of these hold.", "All conditions hold.", None, verdict.finding.parts
    )


# One pass


def test_a_stream_answers_as_soon_as_it_can() -> None:
    rows = iter([OrderRow.of(begun(f"{n}", at=BEGAN + minutes(n), email=None)) for n in range(200)])
    verdicts = judge_stream(rows, POLICY, LATER)
    assert next(verdicts).order_id == "0"
    assert next(rows).id == "61"  # it has read as far as the first deadline, and no further


def test_rows_that_are_not_sorted_are_refused() -> None:
    rows = [OrderRow.of(begun("1")), OrderRow.of(begun("2", at=BEGAN - INSTANT))]
    error = InvalidValue("rows", "2", "rows sorted by placed_at")
    assert_told(error, lambda: list(judge_stream(rows, POLICY, LATER)))


def test_rows_in_any_zone_and_from_slow_clocks() -> None:
    zone = ZoneInfo("Asia/Kuala_Lumpur")
    row = OrderRow.of(begun())._replace(placed_at=BEGAN.astimezone(zone))
    early = OrderRow.of(begun("2", at=BEGAN + minutes(1)))._replace(
        completed_at=(BEGAN - minutes(9)).astimezone(zone)
    )
    verdicts = {verdict.order_id: verdict for verdict in judge_stream([row, early], POLICY, LATER)}
    assert verdicts["1262140"].due == DUE
    # Whoever says that it was completed before it began is taken to have bought at once.
    assert verdicts["1262140"].status is VerdictStatus.KEPT


def test_a_deadline_beyond_the_calendar_is_refused_in_a_stream() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    near = OrderRow.of(begun("1", at=last - timedelta(days=3)))
    assert len(list(judge_stream([near], POLICY, LATER))) == 1
    with pytest.raises(InvalidValue):
        list(judge_stream([near, OrderRow.of(begun("2", at=last))], POLICY, LATER))


@pytest.mark.once
def test_a_long_stream_forgets_what_can_not_count_any_more() -> None:
    """Three thousand purchases an hour, whose customers come back; all are judged alike."""
    orders = [
        paid(begun(f"{n}", at=BEGAN + timedelta(seconds=1.2 * n), email=f"{n % 700}@example.com"),
             BEGAN + timedelta(seconds=1.2 * n + (7200 if n % 3 else 5)))
        for n in range(8_000)
    ]  # fmt: skip
    rows = [OrderRow.of(order) for order in orders]
    found = {verdict.order_id: verdict for verdict in judge_stream(rows, POLICY, LATER)}
    for row in islice(rows, 0, None, 799):
        assert found[row.id] == POLICY.judge(row, rows, LATER)
    assert len(found) == 8_000


def test_purchases_are_looked_at_like_a_tuple() -> None:
    others = [bought(f"{n}", at=BEGAN + minutes(n)) for n in range(4)]
    purchases = Purchases.among([*others, begun("open"), bought("far", at=LATER)])
    assert purchases.held == 5
    order = others[2]
    seen = purchases.context(order, BEGAN, DUE, minutes(0)).purchases
    assert [each.id for each in seen] == ["0", "1", "3"]
    assert (len(seen), seen[0].id, seen[-1].id) == (3, "0", "3")
    assert [each.id for each in seen[1:]] == ["1", "3"]
    with pytest.raises(IndexError):
        seen[3]
    assert [each.id for each in reversed(seen)] == ["3", "1", "0"]
    # What is sent to another process is what was seen.
    assert pickle.loads(pickle.dumps(seen)) == tuple(seen)
    purchases.forget(BEGAN + minutes(2))
    assert (purchases.held, len(seen)) == (3, 3)
    purchases.forget(LATER + INSTANT)
    assert (purchases.held, len(seen)) == (0, 3)


# The shadow


def test_the_shadow_of_another_policy() -> None:
    rows = [
        OrderRow.of(order)
        for order in (
            begun("both", email=None),
            paid(begun("after-40", email="b@example.com"), BEGAN + minutes(40)),
            paid(begun("at-once", email="c@example.com"), BEGAN),
        )
    ]
    shorter = AbandonmentPolicy(window=minutes(30))
    found = {each.order_id: each for each in compare_policies(rows, POLICY, shorter, LATER)}
    # One is abandoned under both, at another moment.
    assert set(found) == {"both", "after-40"}
    assert found["after-40"].current.status is VerdictStatus.KEPT
    assert found["after-40"].candidate.abandoned_at == BEGAN + minutes(30)
    assert list(compare_policies(rows, POLICY, attrs.evolve(POLICY, name="same"), LATER)) == []


# Replay


def test_what_was_known_when() -> None:
    known = DUE + minutes(5)
    late = begun().record_payment("r", PRICE, at=DUE - INSTANT, recorded_at=known)
    then = replay(late.changes, [], POLICY, as_of=DUE, known_at=known - INSTANT)
    assert then.abandoned_at == DUE
    assert replay(late.changes, [], POLICY, as_of=DUE, known_at=known).abandoned_at is None
    assert replay(late.changes, [], POLICY, as_of=DUE).status is VerdictStatus.KEPT
    assert replay(late.changes, [], POLICY, as_of=DUE - INSTANT).status is VerdictStatus.NOT_DUE


def test_another_order_counts_once_it_was_known() -> None:
    other = begun("1262139").record_payment(
        "r", PRICE, at=BEGAN + minutes(1), recorded_at=DUE + minutes(5)
    )
    histories = [other.changes, begun("later", at=LATER).changes, ()]
    then = replay(begun().changes, histories, POLICY, as_of=LATER, known_at=DUE)
    assert then.status is VerdictStatus.ABANDONED
    now = replay(begun().changes, histories[:2], POLICY, as_of=LATER)
    assert now.reasons == ("The customer bought order 1262139 at 2021-03-03 14:59:17 UTC.",)


def test_an_order_is_judged_as_it_was_at_its_deadline() -> None:
    large = AbandonmentPolicy(rule=POLICY.rule & rules.TotalAtLeast(Money("100", "MYR")))
    lines = [attrs.evolve(begun().lines[0], quantity=9)]
    order = begun().change_lines(lines, at=DUE)
    assert large.judge(order, [], LATER).status is VerdictStatus.ABANDONED
    assert replay(order.changes, [], large, as_of=LATER).status is VerdictStatus.KEPT
    assert stored([order]).get(order.id).total.minor > 10_000
