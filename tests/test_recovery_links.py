"""Recovery links: what one states, and that nothing else is ever taken for one."""

from __future__ import annotations

import string
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abandonment_examples import BEGAN, DUE, INSTANT, OTHER_SHOP, PRICE, SHOP, begun
from recovery_examples import FIRST, HOUR, Disturbance, WatchedStore, left, store_of
from shoppego_orders.abandonment import (
    RecoveryVisit,
    read_recovery_link,
    record_visit,
    recovery_link,
)
from shoppego_orders.adapters.sql import SqlOrderStore
from shoppego_orders.errors import (
    InvalidValue,
    OrderNotFound,
    RecoveryLinkRefused,
    StaleOrder,
)
from shoppego_orders.order import CartItem, LineItem, Order, OrderRow, parse_cart_link

KEY = b"sixteen bytes or more, and secret"
OLD_KEY = b"the key of last year's links"
BASE = f"https://{SHOP}"
ITEMS = [CartItem("57085", 1), CartItem("12345", 20)]
EXPIRES = FIRST + timedelta(days=7)
LINK = recovery_link(begun(), ITEMS, base=BASE, keys=KEY, expires_at=EXPIRES, step=2)
VISIT = RecoveryVisit(SHOP, "1262140", 2, EXPIRES)


def refused(url: str, reason: str | None = None, now: datetime = FIRST) -> None:
    with pytest.raises(RecoveryLinkRefused, match="is refused: it ") as caught:
        read_recovery_link(url, [KEY, OLD_KEY], now)
    if reason is not None:
        assert caught.value.reason == reason


# What a link states


def test_a_link_fills_the_cart_and_says_where_it_comes_from() -> None:
    assert parse_cart_link(LINK).items == tuple(ITEMS)
    parts = urlsplit(LINK)
    assert (parts.scheme, parts.netloc) == ("https", SHOP)
    assert parts.path == "/cart/57085:1,12345:20"
    told = parse_qs(parts.query)
    assert told.pop("recovery")
    assert told == {"utm_source": ["abandoned-checkout"], "utm_medium": ["email"]}


def test_the_utm_parameters_are_the_callers() -> None:
    link = recovery_link(
        OrderRow.of(begun()),
        ITEMS,
        base=BASE,
        keys=KEY,
        expires_at=EXPIRES,
        step=2,
        utm_source="edaran",
        utm_medium="e-mel",
        utm_campaign="troli & beg",
    )
    assert link.endswith("&utm_source=edaran&utm_medium=e-mel&utm_campaign=troli+%26+beg")
    assert read_recovery_link(link, KEY, FIRST) == VISIT


def test_a_link_says_who_came_back() -> None:
    assert read_recovery_link(LINK, KEY, FIRST) == VISIT
    assert read_recovery_link(LINK, [OLD_KEY, KEY], FIRST) == VISIT
    assert read_recovery_link(
        urlsplit(LINK)._replace(scheme="", netloc="").geturl(), KEY, FIRST
    ) == (VISIT)


def test_the_first_of_several_keys_writes() -> None:
    link = recovery_link(begun(), ITEMS, base=BASE, keys=(OLD_KEY, KEY), expires_at=EXPIRES, step=2)
    assert read_recovery_link(link, OLD_KEY, FIRST) == VISIT
    with pytest.raises(RecoveryLinkRefused):
        read_recovery_link(link, KEY, FIRST)


@pytest.mark.parametrize(
    "url",
    [
        LINK.replace("utm_source=abandoned-checkout", "utm_source=mailchimp"),
        LINK.partition("&")[0],
        f"{LINK}&fbclid=abc&mc_eid=1#top",
        LINK.replace("&", "&amp;"),
        LINK.replace("?", "?gclid=1&"),
        LINK.replace("https://", "http://www."),
        LINK.replace(":1,", "%3A1%2C"),
        f"  {LINK}\n",
    ],
)
def test_what_mail_programs_do_to_a_link_does_no_harm(url: str) -> None:
    assert read_recovery_link(url, KEY, FIRST) == VISIT


@given(
    shop=st.text(min_size=1).filter(lambda text: text.strip() and "\0" not in text),
    order_id=st.text(min_size=1).filter(lambda text: text.strip() and "\0" not in text)
    | st.sampled_from(["a/b", "100%", "50%25", "x&recovery=y#z?", "订单 1", "\u202e1"]),
    step=st.integers(1, 10**6),
    expires=st.datetimes(timezones=st.just(UTC)),
)
def test_every_order_gets_its_link(shop: str, order_id: str, step: int, expires: datetime) -> None:
    order = Order.place(
        id=order_id, at=BEGAN, shop=shop, currency="MYR", lines=[LineItem("Tudung", 1, PRICE)]
    )
    link = recovery_link(order, ITEMS, base=BASE, keys=KEY, expires_at=expires, step=step)
    assert link.isascii()
    visit = RecoveryVisit(shop, order_id, step, expires)
    if expires > datetime.min.replace(tzinfo=UTC):
        assert read_recovery_link(link, KEY, expires - INSTANT) == visit
    refused(link, "expired", expires)


# What is none


def test_a_link_expires_at_its_instant() -> None:
    assert read_recovery_link(LINK, KEY, EXPIRES - INSTANT) == VISIT
    refused(LINK, "expired", EXPIRES)
    refused(LINK, "expired", EXPIRES + timedelta(days=1))


SIGNED = range(LINK.index("/cart/"), LINK.index("&utm_source"))
PARTS = [
    place
    for place in SIGNED
    if not LINK.index("?") <= place < LINK.index("=") + 1  # the name of the parameter
]


@given(
    place=st.sampled_from(PARTS), char=st.characters(codec="utf-8") | st.sampled_from("%&#?/+\n")
)
def test_no_character_of_path_or_token_can_be_changed(place: int, char: str) -> None:
    if char == LINK[place]:
        return
    refused(f"{LINK[:place]}{char}{LINK[place + 1 :]}")


def test_no_character_can_be_changed_into_a_likely_one() -> None:
    likely = string.ascii_letters + string.digits + "-_.~=%+&?#/:,; \t\n\0"
    for place in PARTS:
        for char in likely:
            if char != LINK[place]:
                refused(f"{LINK[:place]}{char}{LINK[place + 1 :]}")


def test_no_end_can_be_cut_off() -> None:
    for end in range(LINK.index("&utm_source")):
        refused(LINK[:end])


def test_no_part_of_another_link_fits() -> None:
    def link(order: Order, items: list[CartItem], step: int, expires: datetime) -> str:
        return recovery_link(order, items, base=BASE, keys=KEY, expires_at=expires, step=step)

    token = LINK.partition("recovery=")[2].partition("&")[0]
    stated, signature = token.split(".")
    for other in (
        link(begun("1262141"), ITEMS, 2, EXPIRES),
        link(begun(shop=OTHER_SHOP), ITEMS, 2, EXPIRES),
        link(begun(), ITEMS, 3, EXPIRES),
        link(begun(), ITEMS, 2, EXPIRES + INSTANT),
        link(begun(), ITEMS[::-1], 2, EXPIRES),
        link(begun(), ITEMS[:1], 2, EXPIRES),
    ):
        theirs = other.partition("recovery=")[2].partition("&")[0]
        assert theirs != token
        refused(other.replace(theirs, f"{theirs.split('.')[0]}.{signature}"), "altered")
        refused(LINK.replace(token, f"{stated}.{theirs.split('.')[1]}"), "altered")
        if urlsplit(other).path != urlsplit(LINK).path:
            refused(other.replace(theirs, token), "altered")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "missing"),
        (f"{BASE}/", "missing"),
        (f"{BASE}/cart/57085:1?utm_source=tiktok", "missing"),
        (f"{BASE}/cart/57085:1?recovery=", "missing"),
        (f"{BASE}/cart/57085:1?recovery=.", "altered"),
        (f"{BASE}/cart/57085:1?recovery=abc", "altered"),
        (f"{BASE}/cart/57085:1?recovery=W10.AAAA", "altered"),
        (f"{BASE}/cart/57085:1#recovery=abc", "missing"),
        ("http://[::1/cart/1:1?recovery=a", "altered"),
        ("http://a\u2100b/cart/1:1?recovery=a", "altered"),
        (f"{LINK}&recovery=abc", "altered"),
        (LINK.replace("recovery=", "recovery=%00"), "altered"),
    ],
)
def test_what_is_no_link_of_ours_is_refused(url: str, reason: str) -> None:
    refused(url, reason)


@given(
    st.text(st.characters())
    | st.text(st.characters()).map(lambda text: f"{BASE}/cart/1:1?recovery={text}")
    | st.text(st.characters()).map(
        lambda text: f"{BASE}/cart/1:1?recovery={quote(text, errors='replace')}"
    )
    | st.text("/:?#[]@!$&'()*+,;=.%0aé\ud800\n").map(lambda text: f"http://{text}")
    | st.tuples(st.integers(0, len(LINK)), st.text(st.characters(), min_size=1)).map(
        lambda drawn: LINK[: drawn[0]] + drawn[1] + LINK[drawn[0] :]
    )
)
def test_whatever_text_is_given_it_is_refused_or_read_as_it_was_written(text: str) -> None:
    with suppress(RecoveryLinkRefused):
        # If it is read, then what was put in stands outside of what is signed.
        assert read_recovery_link(text, KEY, FIRST) == VISIT


# Bad input


@pytest.mark.parametrize(
    "keys", [b"", b"fifteen bytes !", [], [KEY, b"short"], "a text", ["a" * 20]]
)
def test_a_key_is_at_least_16_bytes(keys: bytes) -> None:
    for call in (
        lambda: recovery_link(begun(), ITEMS, base=BASE, keys=keys, expires_at=EXPIRES, step=1),
        lambda: read_recovery_link(LINK, keys, FIRST),
    ):
        with pytest.raises(InvalidValue) as caught:
            call()
        assert caught.value.field == "keys"
        assert "short" not in str(caught.value)
        assert "fifteen" not in str(caught.value)


@pytest.mark.parametrize("step", [0, -1, True, 1.0, "1"])
def test_a_step_is_a_number_from_1(step: int) -> None:
    with pytest.raises(InvalidValue) as caught:
        recovery_link(begun(), ITEMS, base=BASE, keys=KEY, expires_at=EXPIRES, step=step)
    assert caught.value.field == "step"


# The visit is recorded


def test_a_visit_is_noted_once(tmp_path: Path) -> None:
    with SqlOrderStore.open(tmp_path / "orders.sqlite") as store:
        store.save(left(begun()))
        order = record_visit(store, VISIT, FIRST)
        assert order.returned_at == FIRST
        again = record_visit(store, VISIT, FIRST + HOUR)
        assert again == order == store.get("1262140")
        assert again.version == order.version
        (event,) = [each for each in store.events("1262140") if each.type == "customer_returned"]
        assert (event.occurred_at, event.actor) == (FIRST, "customer")


def test_a_visit_to_an_order_that_the_shop_does_not_have() -> None:
    store = store_of(left(begun()))
    for visit in (
        RecoveryVisit(OTHER_SHOP, "1262140", 1, EXPIRES),
        RecoveryVisit(SHOP, "1", 1, EXPIRES),
    ):
        with pytest.raises(OrderNotFound):
            record_visit(store, visit, FIRST)
    assert store.get("1262140").returned_at is None


def test_a_visit_is_noted_whoever_saves_the_order_meanwhile() -> None:
    store = store_of(left(begun()))

    def noted() -> None:
        store.save(store.get("1262140").edit_note("ring twice", at=DUE))

    disturbance = Disturbance(1, noted, after=True)
    order = record_visit(WatchedStore(store, disturbance), VISIT, FIRST)
    assert (order.returned_at, order.note) == (FIRST, "ring twice")


def test_who_is_always_late_gives_up() -> None:
    store = store_of(left(begun()))

    class Busy(WatchedStore):
        def get(self, order_id: str) -> Order:
            order = super().get(order_id)
            store.save(order.edit_note(f"{order.version}", at=DUE))
            return order

    with pytest.raises(StaleOrder):
        record_visit(Busy(store, Disturbance(0, lambda: None, after=True)), VISIT, FIRST)
    assert store.get("1262140").returned_at is None
