"""Thousands of bad payloads through every public entry: told as OrdersErrors, and harmless.

``SHOPPEGO_TEST_HOSTILE_ROUNDS`` says how many times as many are tried (1).
"""

from __future__ import annotations

import ast
import csv
import hmac
import io
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final, NamedTuple

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import inspect

import shoppego_orders
from command_line import runner
from hostile_corpus import EXPIRES, KEYS, TEXTS, Payload, corpus
from shoppego_orders.abandonment import (
    RecoveryPlan,
    RecoveryVisit,
    policy_from_json,
    policy_to_json,
    read_recovery_link,
    recovery_link,
    remind,
)
from shoppego_orders.adapters.memory import MemoryOrderStore, MemoryTaskLog, RecordingMailer
from shoppego_orders.adapters.sql import SqlOrderStore
from shoppego_orders.attribution import Touch, default_table, lists, other_lists
from shoppego_orders.attribution.logos import LOGOS
from shoppego_orders.customers import Address, Customer
from shoppego_orders.errors import (
    InvalidValue,
    OrdersError,
    RecoveryLinkRefused,
    TooManySavedTabs,
)
from shoppego_orders.export import (
    PLAIN,
    SHOPPEGO,
    ExportRequest,
    export_csv,
    read_export,
    request_export,
    schedule_from_json,
    schedule_to_json,
)
from shoppego_orders.export.documents import request_from_json, request_to_json
from shoppego_orders.importing import import_checkouts
from shoppego_orders.order import (
    Adjustment,
    AdjustmentKind,
    CartItem,
    LineItem,
    Order,
    OrderRow,
    PaymentMethod,
    PaymentType,
    parse_cart_link,
)
from shoppego_orders.page import Count, SavedTabs, cursor_from_text, orders_page
from shoppego_orders.ports import OrderStore
from shoppego_orders.query import OrderQuery
from shoppego_orders.serialization import (
    checkout_from_json,
    event_from_json,
    event_to_json,
    export_from_json,
    export_to_json,
    order_from_json,
    order_to_json,
    query_from_json,
    query_to_json,
)
from shoppego_orders.testing.samples import NOON, OTHER_SHOP, SHOP, myr

HOUR: Final = timedelta(hours=1)
ROUNDS: Final = int(os.environ.get("SHOPPEGO_TEST_HOSTILE_ROUNDS", "1"))
CORPUS: Final = corpus(ROUNDS)


def as_text(payload: Payload) -> str:
    """As a web framework gives it, which knows no bytes."""
    return payload if isinstance(payload, str) else payload.decode("utf-8", "surrogateescape")


def test_the_corpus_is_large_and_of_every_kind_and_always_the_same() -> None:
    assert sum(map(len, CORPUS.values())) >= 2_000
    assert min(map(len, CORPUS.values())) >= 50
    assert len({payload for kind in CORPUS.values() for payload in kind}) >= 2_000
    assert corpus(ROUNDS) == CORPUS


def _read_export(payload: Payload) -> object:
    data = payload if isinstance(payload, bytes) else payload.encode("utf-8", "surrogatepass")
    return list(read_export([data], SHOPPEGO.per_order, profile=PLAIN))


READERS: Final[dict[str, Callable[[Payload], object]]] = {
    "checkout": checkout_from_json,
    "order": order_from_json,
    "event": event_from_json,
    "query": query_from_json,
    "export": export_from_json,
    "request": request_from_json,
    "schedule": schedule_from_json,
    "policy": policy_from_json,
    "recovery-link": lambda payload: read_recovery_link(as_text(payload), KEYS, NOON),
    "cart-link": lambda payload: parse_cart_link(as_text(payload)),
    "cursor": lambda payload: cursor_from_text(as_text(payload)),
    "export-file": _read_export,
    "table-toml": lambda payload: lists.read_toml(as_text(payload)),
    "table-csv": lambda payload: lists.read_csv(as_text(payload)),
    "table-json": lambda payload: lists.read_json(as_text(payload)),
    "list-snowplow": lambda payload: other_lists.read_snowplow(as_text(payload)),
    "list-matomo": lambda payload: other_lists.read_matomo_socials(as_text(payload)),
    "list-ga4": lambda payload: other_lists.read_ga4_categories(as_text(payload)),
}


@pytest.mark.parametrize("kind", CORPUS)
def test_whatever_is_read_is_read_or_refused_in_our_words(kind: str) -> None:
    told: list[str] = []
    crashed: list[tuple[Exception, Payload]] = []
    for payload in CORPUS[kind]:
        try:
            READERS[kind](payload)
        except OrdersError as error:
            told.append(str(error))
        except Exception as error:  # each is listed below
            crashed.append((error, payload[:300]))
    assert crashed == []
    assert all(len(message) < 2_000 for message in told), max(told, key=len)[:5_000]
    # Nothing is proved by payloads that are all well.
    assert told or kind == "cart-link"


# Import


class Home(NamedTuple):
    """A store with what its tables hold besides, and how to look at all of it."""

    store: OrderStore
    batch: Callable[[], AbstractContextManager[object]]
    whole: Callable[[], list[str]]


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    if request.param == "memory":
        yield Home(MemoryOrderStore(), nullcontext, list)
        return
    target = tmp_path / "orders.sqlite"
    if request.param == "postgresql":
        target = request.getfixturevalue("postgres_url")
    with SqlOrderStore.open(target) as store:
        tables = inspect(store.database.engine).get_table_names()
        yield Home(store, store.batch, lambda: list(store.disagreements()))
        assert inspect(store.database.engine).get_table_names() == tables


def test_an_import_stores_what_was_valid_and_nothing_else(home: Home) -> None:
    store = home.store
    lines = CORPUS["checkout"]
    report = import_checkouts(store, lines, skip_bad=True, batch=home.batch)
    rows = list(store.rows(OrderQuery()))

    assert report.read == len([line for line in lines if line.strip()])
    assert len(report.bad) >= 300
    assert report.imported == len(rows) == store.count(OrderQuery()) >= 20
    assert all(bad.problem and len(bad.problem) < 2_000 for bad in report.bad)
    assert home.whole() == []
    accepted = {order.id for order in _accepted(lines)}
    assert {row.id for row in rows} == accepted
    for row in rows:
        order = store.get(row.id)
        assert OrderRow.of(order) == row
        assert Order.replay(store.events(row.id)) == order
        assert order_from_json(order_to_json(order)) == order
    again = import_checkouts(store, lines, skip_bad=True, batch=home.batch)
    assert (again.imported, len(again.bad)) == (0, len(report.bad))
    assert list(store.rows(OrderQuery())) == rows


def _accepted(lines: Iterable[Payload]) -> Iterator[Order]:
    """The orders that lines tell of, each read alone."""
    for line in lines:
        with suppress(OrdersError, UnicodeDecodeError):
            text = line.decode("utf-8") if isinstance(line, bytes) else line
            yield checkout_from_json(text)


def test_the_command_imports_what_was_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [
        line if isinstance(line, bytes) else line.encode("utf-8", "surrogatepass")
        for line in CORPUS["checkout"][:300]
    ]
    whole = b"\n".join(line.replace(b"\n", b" ").replace(b"\r", b" ") for line in lines)
    run = runner(monkeypatch, capsys)
    ran = run("import", "-", "--skip-bad", "--json", given=whole)
    assert ran.code == 0
    assert (
        ran.json["imported"] + len(ran.json["bad"]) + ran.json["unchanged"] + ran.json["updated"]
        == ran.json["read"]
    )
    assert not set(ran.err) & set("\x00\x1b\x07\u202e")
    with SqlOrderStore("orders.sqlite") as store:
        assert store.count(OrderQuery()) == ran.json["imported"] > 5
        assert list(store.disagreements()) == []
    stopped = run("import", "-", given=whole)
    assert stopped.code == 1
    shown = run("page")
    assert shown.code == 0
    assert not set(shown.out) & set("\x00\x1b\x07\u202e")


# Orders with everything in them that ever harmed a shop


def hostile_orders() -> Iterator[Order]:
    """Each bad text wherever a customer or a merchant may type it."""
    for number, text in enumerate(TEXTS):
        who = Customer(first_name=text, last_name=text, email=text, phone=text)
        home = Address(**dict.fromkeys((each.name for each in attrs.fields(Address)), text))
        order = Order.place(
            id=f"{number}",
            number=text and f"{text[:40]}{number}",
            at=NOON + timedelta(seconds=number),
            shop=SHOP,
            currency="MYR",
            lines=[LineItem(text, 1, myr("5.90"), variant=text, sku=text)],
            adjustments=[Adjustment(AdjustmentKind.SHIPPING, myr("1.00"), text)],
            customer=attrs.evolve(who, email=f"siti{number}@example.my") if number % 2 else who,
            shipping_address=home,
            billing_address=home,
            payment_method=PaymentMethod(text, PaymentType.ALTERNATIVE),
            touches=[Touch(f"https://{SHOP}/?utm_source={text}&utm_campaign={text}", text, NOON)],
            attribution=default_table().classify(
                Touch(f"https://{SHOP}/?utm_source={text}&utm_campaign={text}", text, NOON)
            ),
            note=text,
            tags=[text],
        )
        yield order.record_abandonment(
            policy="p", reasons=[text], at=NOON + HOUR, recorded_at=NOON + HOUR
        )


HOSTILE: Final = list(hostile_orders())


def test_the_page_finds_them_and_runs_none_of_them(home: Home) -> None:
    store = home.store
    for order in HOSTILE:
        store.save(order)
    saved = SavedTabs()
    for number, text in enumerate(TEXTS):
        page = orders_page(store, search=text, saved=saved, size=10)
        expected = OrderQuery(search=text, newest_first=True)
        found = [order for order in HOSTILE if expected.matches(OrderRow.of(order))]
        assert page.total == Count(len(found))
        asked = OrderQuery(shop=text, tag=text, source=text, ids=[text], customer_keys=[text])
        assert store.count(asked) == 0
        with suppress(InvalidValue, TooManySavedTabs):
            saved = saved.saved(f"{text}{number}", OrderQuery(search=text, tag=text))
        with suppress(InvalidValue):
            orders_page(store, tab=text)
        with suppress(InvalidValue):
            orders_page(store, after=text)
        for each in saved.tabs:
            assert query_from_json(query_to_json(each.query)) == each.query
    assert saved.tabs
    shown: list[OrderRow] = []
    place: str | None = None
    while True:
        page = orders_page(store, size=20, after=place)
        shown += page.rows
        assert_plain_html(page._repr_html_())  # pyright: ignore[reportPrivateUsage]  # as a notebook calls it
        place = page.next
        if place is None:
            break
    assert [row.id for row in shown] == [order.id for order in reversed(HOSTILE)]
    assert home.whole() == []


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]


def _tags_of(page: str) -> _Tags:
    tags = _Tags()
    tags.feed(page)
    return tags


OUR_TAGS: Final = {
    *("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "p", "a", "b"),
    *("html", "head", "meta", "title", "body"),
    *("style", "div", "span", "bdi", "time"),
    *_tags_of("".join(LOGOS.values())).found,
}


def assert_plain_html(page: str) -> None:
    """Only tags of ours: none that a customer typed, no script, nothing that is loaded."""
    tags = _tags_of(page)
    assert tags.found <= OUR_TAGS
    assert not any(name.startswith("on") for name in tags.attributes)
    assert all(link.startswith("https://hartamas.") for link in tags.links)


@pytest.mark.parametrize("per", ["order", "line"])
@pytest.mark.parametrize("profile", ["excel", "plain"])
@pytest.mark.parametrize("columns", ["shoppego", "shopify", "accounting"])
def test_no_cell_of_an_export_is_a_formula(columns: str, profile: str, per: str) -> None:
    store = MemoryOrderStore()
    for order in HOSTILE:
        store.save(order)
    request = ExportRequest(columns=columns, profile=profile, per=per)
    whole = b"".join(export_csv(store, request)).decode("utf-8-sig")
    records = list(csv.reader(io.StringIO(whole, newline=""), strict=True))
    assert len(records) == len(HOSTILE) + 1
    assert {len(record) for record in records} == {len(records[0])}
    for record in records[1:]:
        for cell in record:
            number = re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", cell)
            bare = cell.lstrip(" \ufeff\x00")
            assert number or not bare.startswith(tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")), cell


@pytest.mark.parametrize("text", TEXTS)
def test_an_export_is_mailed_to_whom_it_is_for_alone(text: str) -> None:
    store, mailer = MemoryOrderStore(), RecordingMailer()
    for order in HOSTILE[:3]:
        store.save(order)
    request = ExportRequest(query=OrderQuery(shop=text or None), shop_name=text)
    summary = request_export(store, mailer, request, to="owner@example.my", now=NOON)
    (message,) = mailer.messages
    sent = as_sent(message)
    assert set(sent.keys()) <= EXPORT_HEADERS
    assert [each.addr_spec for each in sent["To"].addresses] == ["owner@example.my"]
    (attachment,) = sent.iter_attachments()
    name = summary.file_name
    assert attachment.get_filename() == name
    assert not set(name) & set("/\\:\r\n\x00\"'<>|*?")
    assert name[0] not in ".-_"
    with pytest.raises(OrdersError):
        request_export(store, mailer, request, to=f"a@example.my{text}\r\nBcc: x@y.z", now=NOON)
    assert len(mailer.messages) == 1


EXPORT_HEADERS: Final = {
    *("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"),
    *("Auto-Submitted", "Content-Transfer-Encoding"),
}


def as_sent(message: EmailMessage) -> EmailMessage:
    """The message as a server gets it, read again."""
    data = message.as_bytes(policy=policy.SMTP)
    read = message_from_bytes(data, policy=policy.default)
    assert isinstance(read, EmailMessage)
    assert not read.defects
    return read


def test_a_reminder_has_the_headers_that_it_should_and_one_recipient() -> None:
    store, mailer = MemoryOrderStore(), RecordingMailer()
    for order in HOSTILE:
        store.save(order)
    plan = RecoveryPlan(quiet_hours=None, cooldown=timedelta(0))
    remind(store, MemoryTaskLog(), mailer, plan, NOON + 3 * HOUR)
    recipients: list[str] = []
    for message in mailer.messages:
        sent = as_sent(message)
        assert set(sent.keys()) <= EXPORT_HEADERS
        assert all(len(sent.get_all(name) or []) == 1 for name in sent.keys())  # noqa: SIM118  # a message has a header twice
        (recipient,) = sent["To"].addresses
        recipients.append(recipient.addr_spec)
        text, html = sent.get_body(("plain",)), sent.get_body(("html",))
        assert text is not None
        assert html is not None
        assert_plain_html(html.get_content())
        assert sum(1 for part in sent.walk() if not part.is_multipart()) == 2
    assert sorted(recipients) == sorted(
        f"siti{number}@example.my" for number in range(1, len(TEXTS), 2)
    )


# Signed links


def test_no_link_but_our_own_is_taken() -> None:
    with pytest.raises(RecoveryLinkRefused):
        read_recovery_link(f"/cart/1:1?recovery={'A' * 40}", KEYS, NOON)
    ours = {visit for link in CORPUS["recovery-link"] for visit in _visits(link)}
    # What is changed outside of cart and token, as mail programs do, does no harm.
    assert {visit.step for visit in ours} <= {1}
    assert {visit.shop for visit in ours} <= {SHOP, OTHER_SHOP}
    assert {visit.expires_at for visit in ours} <= {EXPIRES}


def _visits(link: Payload) -> Iterator[RecoveryVisit]:
    with suppress(RecoveryLinkRefused):
        yield read_recovery_link(as_text(link), KEYS, NOON)


def test_a_signature_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever answers for ``compare_digest`` decides: there is no other comparison."""
    order = HOSTILE[0]
    link = recovery_link(
        order, [CartItem("1", 1)], base=f"https://{SHOP}", keys=KEYS, expires_at=EXPIRES, step=1
    )
    other_keys = [b"x" * 32, b"y" * 32]
    compared: list[tuple[bytes, bytes]] = []

    def never(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return False

    monkeypatch.setattr(hmac, "compare_digest", never)
    with pytest.raises(RecoveryLinkRefused):
        read_recovery_link(link, [*KEYS, *other_keys], NOON)
    # Each key is asked, also after one has fitted: how long it takes tells nothing of which.
    assert len(compared) == 3
    assert compared[0][0] == compared[0][1]

    def always(_: bytes, _other: bytes) -> bool:
        return True

    monkeypatch.setattr(hmac, "compare_digest", always)
    assert read_recovery_link(link, other_keys, NOON).order_id == order.id


def test_whoever_makes_a_digest_compares_it_in_constant_time() -> None:
    """No module makes an HMAC and compares it by ``==``: those that make one name both."""
    makers: dict[str, set[str]] = {}
    for path in sorted(Path(shoppego_orders.__file__).parent.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if "hmac" not in source:
            continue
        tree = ast.parse(source)
        used = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "hmac"
        }
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert "hmac" not in imported, path
        if used:
            makers[path.name] = used
            compares = [node for node in ast.walk(tree) if isinstance(node, ast.Compare)]
            told = " ".join(ast.unparse(node) for node in compares).lower()
            assert "signature" not in told
            assert "digest" not in told
    assert makers == {"links.py": {"digest", "compare_digest"}}


# Whatever JSON there is

KINDS: Final[Sequence[type[attrs.AttrsInstance]]] = (Order, OrderQuery, Customer, LineItem)
FIELDS: Final = {field.name for kind in KINDS for field in attrs.fields(kind)}
NAMES: Final = sorted(
    FIELDS | {"kind", "version", "body", "checkout", "type", "data", "source", ""}
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(TEXTS)
    | st.text(st.characters(codec=None), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)
    ),
    max_leaves=12,
)
DOCUMENTS: Final = ("checkout", "order", "event", "query", "export", "request", "table-json")


@given(st.sampled_from(DOCUMENTS), JSON, st.booleans())
def test_any_json_is_read_or_refused_in_our_words(kind: str, value: object, headed: bool) -> None:
    if headed and kind == "checkout":
        value = {"checkout": value}
    elif headed:
        name = {"request": "export_request"}.get(kind, kind)
        value = {"kind": name, "version": 1, "body": value}
    with suppress(OrdersError):
        READERS[kind](json.dumps(value))


WRITERS: Final[dict[str, tuple[Callable[[Payload], Any], Callable[[Any], str]]]] = {
    "order": (order_from_json, order_to_json),
    "event": (event_from_json, event_to_json),
    "query": (query_from_json, query_to_json),
    "export": (export_from_json, export_to_json),
    "request": (request_from_json, request_to_json),
    "schedule": (schedule_from_json, schedule_to_json),
    "policy": (policy_from_json, policy_to_json),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_what_is_taken_can_be_written_and_taken_again(kind: str) -> None:
    read, write = WRITERS[kind]
    taken: list[object] = []
    for payload in CORPUS[kind]:
        with suppress(OrdersError):
            value = read(payload)
            taken.append(value)
            assert read(write(value)) == value
    assert taken
