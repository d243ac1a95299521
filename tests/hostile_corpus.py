"""Bad payloads, thousands of them: made from good ones by mutations, the same in every run.

A payload is what stands in a file, in a column or in a link: a text, or bytes. Each kind begins
with good ones, so that what is wrong lies deep within something that is right.
"""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from random import Random
from typing import Any, Final, cast

from shoppego_orders.abandonment import AbandonmentPolicy, recovery_link, rules
from shoppego_orders.abandonment.documents import policy_to_json
from shoppego_orders.export import PLAIN, SHOPPEGO, Schedule, schedule_to_json, write_csv
from shoppego_orders.export.documents import request_to_json
from shoppego_orders.export.request import ExportRequest
from shoppego_orders.order import CartItem, OrderRow
from shoppego_orders.page import cursor_text
from shoppego_orders.periods import Period
from shoppego_orders.query import Cursor, OrderQuery
from shoppego_orders.serialization import (
    event_to_json,
    export_to_json,
    order_to_json,
    query_to_json,
)
from shoppego_orders.testing.samples import NOON, SHOP, myr, sample_exports, sample_orders

Payload = str | bytes
KEYS: Final = [b"0123456789abcdef0123456789abcdef"]
EXPIRES: Final = NOON + timedelta(days=14)

HEADERS: Final = (
    "x\r\nBcc: evil@example.com",
    "x\nX-Evil: 1\n\n<b>body</b>",
    "a@example.com, evil@example.com",
    "a@example.com\r\nBcc: evil@example.com",
    "<evil@example.com>",
    '"x" <evil@example.com>',
    "a@example.com (evil@example.com)",
    "=?utf-8?q?=0ABcc:_evil=40example.com?=",
    "a\x0b\x0c\x1c\x85\u2028Bcc: evil@example.com",
)
FORMULAS: Final = (
    '=HYPERLINK("http://evil.example","klik")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\uff1d1+1",
    '"\n=1+1',
)
SQL: Final = (
    "'; DROP TABLE shoppego_orders; --",
    '" OR 1=1 --',
    "x' UNION SELECT document FROM shoppego_orders --",
    "%' OR '%'='",
    "\\'; DELETE FROM shoppego_events; --",
    ":id",
    "%(id)s",
    "?",
    "{0}",
)
HTML: Final = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title></td></table><iframe src=//evil.example>",
    "javascript:alert(1)",
    "&lt;script&gt;",
    "<!--",
)
TEXTS: Final = (
    "",
    " ",
    "\x00",
    "\ud800",
    "\udfff\ud800",
    "x\x00y",
    "\ufeff",
    "\u202egnp.exe",
    "\x1b[31m\x1b]0;evil\x07",
    "../../etc/passwd",
    "CON",
    "e\u0301" * 300,
    "x" * 3_000,
    "\N{FAMILY}" * 200,
    *HEADERS,
    *FORMULAS,
    *SQL,
    *HTML,
)
NUMBERS: Final = (
    *("0", "-1", "-0", "1.5", "0.001", "999999999", "1000000000", "9007199254740993"),
    *("99999999999999999", "1e5", "1e400", "-1e400", "1E+999999999", "1e-999999999", "0e0"),
    *("9" * 5_000, "-" + "9" * 5_000, "0." + "0" * 4_000 + "1", "NaN", "Infinity", "-Infinity"),
)
"""As they stand in JSON; Python's own reader takes most of them."""
OTHERS: Final = (
    *("null", "true", "false", "[]", "{}", "[[]]", '{"":{}}', '[null,"x",{}]'),
    *("[" * 3_000 + "]" * 3_000, '{"a":' * 3_000 + "1" + "}" * 3_000),
)
NUMBERS_AS_TEXT: Final = (
    *("1_000", "0x10", " 7 ", "+7", "\u0667", "\u00bd", "7.", ".7", "1,000.00", "NaN", "sNaN"),
    *("Infinity", "1e9999999999", "9" * 5_000, "MYR 5.90", "--1"),
)
INSTANTS: Final = (
    *("2021-02-30T00:00:00Z", "2021-03-03", "2021-03-03T22:58:17", "0000-01-01T00:00:00Z"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-23:59", "2021-03-03T25:00:00Z"),
    *("2021-03-03T22:58:17+99:99", "2016-12-31T23:59:60Z", "1614783497", "now"),
    *("2021-W09-3", "2021-03-03t22:58:17z", "20210303T225817Z", "2021-03-03T22:58:17.1234567Z"),
)
WORDS: Final = ("MYR", "myr", "XXX", "JPY", "KWD", "RM", "open", "OPEN", "paid", "lost", "ship")

RAW: Final = (
    *map(json.dumps, (*TEXTS, *NUMBERS_AS_TEXT, *INSTANTS, *WORDS)),
    *NUMBERS,
    *OTHERS,
)
"""What a part of a JSON document is replaced by, as it stands in the text."""


def mutated_json(good: str, random: Random) -> Payload:
    """One bad document from a good one: mostly a wrong part, else a wrong text."""
    roll = random.random()
    if roll < 0.8:
        document = json.loads(good)
        for _ in range(random.choice((1, 1, 1, 2, 4))):
            _spoil(document, random)
        text = json.dumps(document, ensure_ascii=random.random() < 0.5)
        return _filled_in(text, random)
    return mutated_text(good, random)


_HOLE: Final = "\N{REPLACEMENT CHARACTER}hole\N{REPLACEMENT CHARACTER}"


def _spoil(document: Any, random: Random) -> None:  # Any: JSON values
    """Replace, remove, add or double one part, anywhere in a document."""
    places = list(_places(document))
    if not places:
        return
    holder, key = random.choice(places)
    what = random.randrange(10)
    if what < 7:
        holder[key] = _HOLE
    elif what == 7:
        del holder[key]
    elif what == 8:
        holder[key] = [holder[key]] * random.choice((1, 3, 200))
    else:
        holder[key] = {random.choice(("evil", "", "__class__", "\x00", "kind")): holder[key]}


def _places(value: Any) -> Iterator[tuple[Any, Any]]:  # Any: JSON values
    """Every part of a document, as what holds it and its key there."""
    parts: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        parts = list(cast("dict[str, Any]", value).items())
    elif isinstance(value, list):
        items: list[Any] = value  # pyright: ignore[reportUnknownVariableType]  # of JSON values
        parts = list(enumerate(items))
    for key, part in parts:
        yield value, key
        yield from _places(part)


def _filled_in(text: str, random: Random) -> str:
    for hole in (json.dumps(_HOLE), json.dumps(_HOLE, ensure_ascii=False)):
        while hole in text:
            text = text.replace(hole, random.choice(RAW), 1)
    return text


def mutated_text(good: str, random: Random) -> Payload:
    """One bad text from a good one, of any format: cut, doubled, spoiled, or in no encoding."""
    what = random.randrange(9)
    place = random.randrange(len(good) + 1)
    other = random.randrange(len(good) + 1)
    start, end = min(place, other), max(place, other)
    if what == 0:
        return good[:place]
    if what == 1:
        return good[:start] + good[end:]
    if what == 2:
        return good[:end] + good[start:]
    if what == 3:
        return good[:place] + random.choice(TEXTS) + good[place:]
    if what == 4:
        return good[:start] + random.choice((*NUMBERS, *OTHERS)) + good[start + 3 :]
    if what == 5:
        return good.replace(random.choice(good or " "), random.choice("\"'{}[],:=\\\n\x00;"), 3)
    data = bytearray(good.encode("utf-8", "surrogatepass"))
    if what == 6:
        return good.encode(random.choice(("utf-16", "utf-32", "utf-8-sig")), "surrogatepass")
    for _ in range(random.choice((1, 2, 20))):
        data[random.randrange(len(data))] = random.randrange(256)
    return bytes(data)


def _checkouts() -> list[str]:
    sample = importlib.resources.files("shoppego_orders") / "sample_checkouts.jsonl"
    return sample.read_text(encoding="utf-8").splitlines()


def _policies() -> list[AbandonmentPolicy]:
    every = rules.Unpaid() & (rules.FirstOrder(timedelta(days=3)) | ~rules.Tagged("vip"))
    return [
        AbandonmentPolicy(),
        AbandonmentPolicy(rule=every & rules.TotalAtLeast(myr("5.00")), name="large"),
        AbandonmentPolicy(
            rule=rules.Source(["tiktok"]) | rules.HasContact("email"),
            windows_by_payment_method={"Billplz": timedelta(hours=3)},
        ),
    ]


def _queries() -> list[OrderQuery]:
    return [
        OrderQuery(shop=SHOP, search="siti", placed=Period.since(NOON), life="open"),
        OrderQuery(total_min=myr("1.00"), total_max=myr("9.00"), tag="vip", archived=False),
        OrderQuery(ids=["1", "2"], after=Cursor(NOON, "1"), customer_keys=["id:1"], limit=3),
    ]


def _schedules() -> list[str]:
    schedule = Schedule(
        name="weekly",
        request=ExportRequest(query=OrderQuery(shop=SHOP)),
        rule="FREQ=WEEKLY;BYDAY=MO;BYHOUR=8;BYMINUTE=0",
        start=NOON,
        to="owner@example.my",
    )
    return [schedule_to_json(schedule)]


TABLE: Final = """\
[[source]]
key = "kedai"
name = "Kedai"
channel = "Referral"
utm = ["kedai", "kd"]
hosts = ["kedai.example", "kedai.example/blog"]
click_ids = { kdclid = "paid" }
search = ["q"]

[[rule]]
name = "raya"
source = "kedai"
field = "campaign"
match = "prefix"
values = ["raya"]
"""
TABLE_AS_CSV: Final = (
    "key,name,channel,utm,hosts,click_ids\n"
    "kedai,Kedai,Referral,kd k,kedai.example,kdclid:paid\n"
    '"two","Two, or 2",Organic Search,,two.example,\n'
)
TABLE_AS_JSON: Final = json.dumps(
    {"source": [{"key": "kedai", "name": "Kedai", "hosts": ["kedai.example"], "utm": ["kd"]}]}
)
SNOWPLOW: Final = json.dumps(
    {"search": {"Google": {"parameters": ["q"], "domains": ["google.com", "google.my"]}}}
)
MATOMO: Final = json.dumps({"Facebook": ["facebook.com", "fb.me"], "TikTok": ["tiktok.com"]})
GA4: Final = "google,SOURCE_CATEGORY_SEARCH\nfacebook,SOURCE_CATEGORY_SOCIAL\n"


def _links() -> list[str]:
    orders = sample_orders()[:4]
    return [
        recovery_link(
            order,
            [CartItem("57085", 1), CartItem("12345", 2)],
            base=f"https://{SHOP}",
            keys=KEYS,
            expires_at=EXPIRES,
            step=1,
        )
        for order in orders
    ]


def _files() -> list[str]:
    rows = [OrderRow.of(order) for order in sample_orders()[:6]]
    whole = b"".join(write_csv(rows, SHOPPEGO.per_order, profile=PLAIN))
    return [whole.decode("utf-8")]


Mutation = Callable[[str, Random], Payload]


def _seeds() -> dict[str, tuple[Sequence[str], Mutation, int]]:
    """The good ones of each kind, how they are spoiled, and how many are made."""
    orders = sample_orders()
    events = [event_to_json(event) for order in orders for event in order.changes]
    requests = [request_to_json(ExportRequest(query=query)) for query in _queries()[:2]]
    cursors = [cursor_text(Cursor(NOON, id_)) for id_ in ("1", "\u00e9\u2615")]
    carts = ["/cart/57085:1,12345:2,57779:3", f"http://{SHOP}/cart/2648:1?utm_source=tiktok"]
    return {
        "checkout": (_checkouts(), mutated_json, 900),
        "order": ([order_to_json(order) for order in orders], mutated_json, 250),
        "event": (events, mutated_json, 250),
        "query": ([query_to_json(query) for query in _queries()], mutated_json, 200),
        "export": ([export_to_json(each) for each in sample_exports()], mutated_json, 150),
        "request": (requests, mutated_json, 200),
        "schedule": (_schedules(), mutated_json, 150),
        "policy": ([policy_to_json(policy) for policy in _policies()], mutated_json, 80),
        "recovery-link": (_links(), mutated_text, 150),
        "cart-link": (carts, mutated_text, 100),
        "cursor": (cursors, mutated_text, 100),
        "export-file": (_files(), mutated_text, 100),
        "table-toml": ([TABLE], mutated_text, 150),
        "table-csv": ([TABLE_AS_CSV], mutated_text, 100),
        "table-json": ([TABLE_AS_JSON], mutated_json, 150),
        "list-snowplow": ([SNOWPLOW], mutated_json, 100),
        "list-matomo": ([MATOMO], mutated_json, 100),
        "list-ga4": ([GA4], mutated_text, 60),
    }


def corpus(rounds: int = 1) -> dict[str, list[Payload]]:
    """Make the payloads of each kind, each once.

    :param rounds: so many times as many; the first are the same whatever it is.
    """
    made: dict[str, list[Payload]] = {}
    for kind, (good, mutation, number) in _seeds().items():
        random = Random(f"shoppego {kind}")
        found: dict[Payload, None] = {}
        while len(found) < number * rounds:
            found[mutation(random.choice(good), random)] = None
        for each in good:
            found.pop(each, None)
        made[kind] = list(found)
    return made
