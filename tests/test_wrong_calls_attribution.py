"""Where orders come from: a wrong call is told which value, and what would be right."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from functools import partial

import pytest

from shoppego_orders.attribution import (
    AttributionTable,
    ClickParameter,
    Journey,
    Rule,
    Source,
    Touch,
    default_table,
)
from shoppego_orders.attribution.credit import Credit, position_based, time_decay
from shoppego_orders.errors import InvalidTable, InvalidValue, OrdersError
from shoppego_orders.testing.samples import NOON
from wrong_calls import NAIVE, Call, WrongCall, assert_told, untyped, without_a_zone

TABLE = default_table()
HOUR, ONE = timedelta(hours=1), Fraction(1)

ON_ONE_LINE = "a text that is not empty, on one line without needless blanks"
NOT_EMPTY = "a text that is not empty"
KEBAB = "kebab-case of at most 64 characters: 'my-source'"
REASON = "a reason such as 'payment', or None"
A_LIST = "a list of texts, or texts between spaces"
HOST = "a host such as 'example.com' or 'example.com/path'"
OWN_HOST = "a host such as 'shop.example.com'"
PATTERN = "a regular expression with a group"
CLICK_IDS = "a mapping of parameter names to their kinds"
ROW_KEY = "the key of a row of this table"
RULE_VALUES = "one value, or several where match is not exact"
WEIGHTS = "one for each step, none negative, not all 0"
SHARES = "two shares, neither below 0, together above 0 and at most 1"


def source(**fields: object) -> Source:
    return Source(**untyped({"key": "a", "name": "A"} | fields))


def rule(**fields: object) -> Rule:
    whole = {"name": "r", "source": "x", "field": "source", "match": "exact", "values": "a"}
    return Rule(**untyped(whole | fields))


def shared(weights: tuple[Fraction, ...]) -> tuple[Credit, ...]:
    """Share an order between two touches by these weights."""
    touches = [Touch(f"/?utm_source={name}", None, NOON) for name in ("tiktok", "google")]
    journey = Journey.of(touches, TABLE, ordered_at=NOON)
    return journey.credits(lambda _: weights)


ROWS: list[WrongCall] = [
    (InvalidValue("key", "Not Kebab", KEBAB), lambda: source(key="Not Kebab")),
    (InvalidValue("key", "x" * 65, KEBAB), lambda: source(key="x" * 65)),
    (InvalidValue("key", "", ON_ONE_LINE), lambda: source(key="")),
    (InvalidValue("name", "", ON_ONE_LINE), lambda: source(name="")),
    (InvalidValue("name", "a\nb", ON_ONE_LINE), lambda: source(name="a\nb")),
    (InvalidValue("name", " A", ON_ONE_LINE), lambda: source(name=" A")),
    (InvalidValue("name", 7, ON_ONE_LINE), lambda: source(name=7)),
    (InvalidValue("channel", "", ON_ONE_LINE), lambda: source(channel="")),
    (InvalidValue("logo", "", ON_ONE_LINE), lambda: source(logo="")),
    (InvalidValue("category", None, "a text"), lambda: source(category=None)),
    (InvalidValue("ignored", "", REASON), lambda: source(ignored="")),
    (InvalidValue("ignored", 7, REASON), lambda: source(ignored=7)),
    (InvalidValue("utm", 7, A_LIST), lambda: source(utm=7)),
    (InvalidValue("hosts", 7, A_LIST), lambda: source(hosts=7)),
    (InvalidValue("apps", 7, A_LIST), lambda: source(apps=7)),
    (InvalidValue("search", 7, A_LIST), lambda: source(search=7)),
    (InvalidValue("utm", "", NOT_EMPTY), lambda: source(utm=[""])),
    (InvalidValue("utm", 7, NOT_EMPTY), lambda: source(utm=[7])),
    (InvalidValue("hosts", "", NOT_EMPTY), lambda: source(hosts=[""])),
    (InvalidValue("apps", " ", NOT_EMPTY), lambda: source(apps=[" "])),
    (InvalidValue("search", "", NOT_EMPTY), lambda: source(search=[""])),
    (InvalidValue("hosts", "my", HOST), lambda: source(hosts=["my"])),
    (InvalidValue("hosts", "a b.example", HOST), lambda: source(hosts=["a b.example"])),
    (InvalidValue("hosts", "/path", HOST), lambda: source(hosts=["/path"])),
    (InvalidValue("hosts", "{}", HOST), lambda: source(hosts=["{}"])),
    (InvalidValue("search", "/(/", PATTERN), lambda: source(search=["/(/"])),
    (InvalidValue("search", "/q/", PATTERN), lambda: source(search=["/q/"])),
    (InvalidValue("click_ids", "gclid", CLICK_IDS), lambda: source(click_ids="gclid")),
    (InvalidValue("click_ids", 7, CLICK_IDS), lambda: source(click_ids=7)),
    (
        InvalidValue("click_ids.gclid", "free", "paid, organic or either"),
        lambda: source(click_ids={"gclid": "free"}),
    ),
    (
        InvalidValue("click_ids", "", "the name of a URL parameter"),
        lambda: source(click_ids={" ": "paid"}),
    ),
    (
        InvalidValue("click_ids", "gclid", "of type ClickParameter"),
        lambda: source(click_ids=["gclid"]),
    ),
    (
        InvalidValue("click_ids.gclid", "free", "paid, organic or either"),
        lambda: ClickParameter("gclid", untyped("free")),
    ),
]

RULES: list[WrongCall] = [
    (InvalidValue("rule.name", "", ON_ONE_LINE), lambda: rule(name="")),
    (InvalidValue("rule.source", 7, ON_ONE_LINE), lambda: rule(source=7)),
    (InvalidValue("rule.channel", "", ON_ONE_LINE), lambda: rule(channel="")),
    (
        InvalidValue("rule.field", "colour", "one of source, medium, campaign, host, path"),
        lambda: rule(field="colour"),
    ),
    (
        InvalidValue("rule.match", "regex", "one of exact, prefix, set, contains"),
        lambda: rule(match="regex"),
    ),
    (InvalidValue("rule.values", 7, A_LIST), lambda: rule(values=7)),
    (InvalidValue("rule.values", (), RULE_VALUES), lambda: rule(values=[])),
    (InvalidValue("rule.values", ("a", "b"), RULE_VALUES), lambda: rule(values="a b")),
    (InvalidValue("rule.values", " ", NOT_EMPTY), lambda: rule(values=[" "], match="set")),
    (InvalidValue("rule.values", 7, NOT_EMPTY), lambda: rule(values=[7], match="set")),
]

TABLES: list[WrongCall] = [
    (
        InvalidTable("the table", "a", None, "two rows have this key"),
        lambda: AttributionTable([Source("a", "A"), Source("a", "B")]),
    ),
    (
        InvalidTable("the rules", "r", None, "gives 'tiada', which is no row's key"),
        lambda: TABLE.with_rules([rule(source="tiada")]),
    ),
    (InvalidValue("key", "tiada", ROW_KEY), lambda: TABLE.without("tiktok", "tiada")),
    (InvalidValue("key", "tiada", ROW_KEY), lambda: TABLE.reordered("tiada")),
    (InvalidValue("own_hosts", "not a host", OWN_HOST), lambda: TABLE.for_shop("not a host")),
    (InvalidValue("answers", -1, "a number of zero or more"), lambda: TABLE.remembering(-1)),
]

TOUCHES: list[WrongCall] = [
    (
        InvalidValue("touch.landing_url", b"", "a text or None"),
        lambda: Touch(untyped(b""), None, NOON),
    ),
    (InvalidValue("touch.referrer", 7, "a text or None"), lambda: Touch("", untyped(7), NOON)),
    (
        InvalidValue("touch.at", "2026-03-14", "an aware datetime"),
        lambda: Touch("", None, untyped("2026-03-14")),
    ),
    (without_a_zone("touch.at"), lambda: Touch("", None, NAIVE)),
    (without_a_zone("ordered_at"), lambda: Journey.of([], TABLE, ordered_at=NAIVE)),
    (
        without_a_zone("previous_order_at"),
        lambda: Journey.of([], TABLE, ordered_at=NOON, previous_order_at=NAIVE),
    ),
    (
        InvalidValue("look_back", -HOUR, "a length of time that is not negative"),
        lambda: Journey.of([], TABLE, ordered_at=NOON, look_back=-HOUR),
    ),
]

CREDIT: list[WrongCall] = [
    *(
        (InvalidValue("weights", weights, WEIGHTS), partial(shared, weights))
        for weights in ((ONE,), (0 * ONE, 0 * ONE), (2 * ONE, -ONE), (-ONE, -ONE))
    ),
    (
        InvalidValue("first + last", Fraction(2), SHARES),
        lambda: position_based(Fraction(1), Fraction(1)),
    ),
    (
        InvalidValue("first + last", Fraction(0), SHARES),
        lambda: position_based(Fraction(0), Fraction(0)),
    ),
    (
        InvalidValue("first + last", Fraction(2, 5), SHARES),
        lambda: position_based(Fraction(-1, 5), Fraction(3, 5)),
    ),
    (
        InvalidValue("first + last", Fraction(2, 5), SHARES),
        lambda: position_based(Fraction(3, 5), Fraction(-1, 5)),
    ),
    (
        InvalidValue("half_life", 0 * HOUR, "a length of time above zero"),
        lambda: time_decay(0 * HOUR),
    ),
]


@pytest.mark.parametrize(("error", "call"), [*ROWS, *RULES, *TABLES, *TOUCHES, *CREDIT])
def test_a_wrong_call_is_told(error: OrdersError, call: Call) -> None:
    assert_told(error, call)
