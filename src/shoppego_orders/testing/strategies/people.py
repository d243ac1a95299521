"""Who bought, and where they came from."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import timedelta

from hypothesis import strategies as st

from shoppego_orders.attribution import (
    CHANNELS,
    Attribution,
    AttributionTable,
    IgnoredTouch,
    Journey,
    Source,
    Touch,
    default_table,
)
from shoppego_orders.attribution.source import ClickKind
from shoppego_orders.customers import Address, Customer
from shoppego_orders.testing.strategies.values import instants, texts

LANDING_URLS: Sequence[str] = (
    "",
    "http://hartamas.myshoppegram.com/cart/2648:1?utm_source=tiktok",
    "https://hartamas.myshoppegram.com/?utm_source=youtube&utm_medium=video&utm_campaign=raya",
    "https://hartamas.myshoppegram.com/?gclid=Cj0&utm_term=kopi%20o",
    "https://mirfaith.myshoppegram.com/?utm_source=%3D1%2B1&utm_campaign=%E2%98%95%00",
    "https://[::1",
)
REFERRERS: Sequence[str] = (
    "https://www.google.com/",
    "https://t.me/kedai",
    "https://blog.example/resepi?q=1",
    "https://hartamas.myshoppegram.com/products",
    "android-app://com.google.android.gm",
)


@functools.cache
def phones() -> st.SearchStrategy[str]:
    """Make phone numbers of few people in many notations, and texts that are none."""
    return phone_notations("123456789") | phone_notations("1123456780") | texts()


def phone_notations(national: str) -> st.SearchStrategy[str]:
    """Make the notations of one Malaysian number.

    :param national: its digits, without the leading zero.
    """
    first, rest = national[:2], national[2:]
    return st.sampled_from(
        (
            f"0{national}",
            f"60{national}",
            f"+60 {first}-{rest[:3]} {rest[3:]}",
            f"0060{national}",
            f"+60 (0){first} {rest}",
        )
    )


@functools.cache
def emails() -> st.SearchStrategy[str]:
    """Make e-mail addresses of few people, and texts that are none."""
    known = ("aisyah@example.com", "AISYAH@example.com ", "tan@example.com")
    return st.sampled_from(known) | texts()


@functools.cache
def customers() -> st.SearchStrategy[Customer]:
    """Make customers; they return, under another spelling or another phone notation."""
    return st.builds(
        Customer,
        id=st.none() | st.sampled_from(("c1", "c2")),
        first_name=st.just("") | texts(),
        last_name=st.just("") | texts(),
        email=st.none() | emails(),
        phone=st.none() | phones(),
    )


@functools.cache
def addresses() -> st.SearchStrategy[Address]:
    """Make addresses, whole or with parts missing."""
    part = st.just("") | texts()
    return st.builds(
        Address,
        first_name=part,
        last_name=part,
        phone=st.just("") | phones(),
        email=st.just("") | emails(),
        address1=part,
        address2=part,
        zip=st.sampled_from(("", "50480", "00100")),
        city=part,
        state=part,
        country=st.sampled_from(("", "MY", "Malaysia")),
    )


@functools.cache
def touches() -> st.SearchStrategy[Touch]:
    """Make visits, by links that work and links that don't."""
    return st.builds(
        Touch,
        st.sampled_from(LANDING_URLS) | texts(),
        st.none() | st.sampled_from(REFERRERS) | texts(),
        instants(),
    )


@functools.cache
def attributions() -> st.SearchStrategy[Attribution]:
    """Make answers of the table that ships."""
    return touches().map(lambda touch: default_table().classify(touch))


@functools.cache
def ignored_touches() -> st.SearchStrategy[IgnoredTouch]:
    """Make visits that earn nothing, with the reason."""
    reasons = st.sampled_from(("too-old", "payment", "after-order"))
    return st.builds(IgnoredTouch, touches(), reasons)


@st.composite
def journeys(draw: st.DrawFn) -> Journey:
    """Make the visits before an order, those that count and those that don't."""
    look_back = st.sampled_from((timedelta(days=30), timedelta(days=1), timedelta(0)))
    return Journey.of(
        draw(st.lists(touches(), max_size=4)),
        default_table(),
        ordered_at=draw(instants()),
        look_back=draw(look_back),
    )


@functools.cache
def sources() -> st.SearchStrategy[Source]:
    """Make rows of a table of sources: those that ship, and a merchant's own."""
    word = st.from_regex(r"[a-z][a-z0-9]{0,7}", fullmatch=True)
    host = st.builds("{}.example".format, word)
    kinds: st.SearchStrategy[ClickKind] = st.sampled_from(("paid", "organic", "either"))
    own = st.builds(
        Source,
        st.builds("{}-{}".format, word, word),
        st.sampled_from(("Kedai Kopi", "Buletin \N{HOT BEVERAGE}")) | word,
        st.sampled_from(CHANNELS) | st.just("Newsletter"),
        utm=st.lists(word, max_size=2),
        hosts=st.lists(host | st.builds("{}/{}".format, host, word), max_size=2),
        apps=st.lists(st.builds("my.example.{}".format, word), max_size=1),
        click_ids=st.dictionaries(word, kinds, max_size=2),
        ignored=st.none() | st.sampled_from(("payment", "login")),
    )
    return (
        st.sampled_from(("tiktok", "youtube", "google", "direct")).map(default_table().__getitem__)
        | own
    )


@functools.cache
def attribution_tables() -> st.SearchStrategy[AttributionTable]:
    """Make tables of sources: the one that ships, that one with rows more, and small ones."""
    rows = st.lists(sources(), max_size=3, unique_by=lambda row: row.key)
    longer = rows.map(lambda some: default_table().extended(some))
    return st.builds(default_table) | longer | rows.map(AttributionTable)
