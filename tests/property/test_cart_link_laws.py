"""Express-checkout links: what is built reads back, and what is read never raises."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from shoppego_orders.order.cart_link import (
    LARGEST_QUANTITY,
    MOST_VARIANTS,
    CartItem,
    CartLink,
    parse_cart_link,
)

items = st.builds(CartItem, st.integers(1, 10**19 - 1).map(str), st.integers(1, LARGEST_QUANTITY))
links = st.lists(items, min_size=1, max_size=MOST_VARIANTS).map(lambda some: CartLink(tuple(some)))
bases = st.sampled_from(
    ["http://hartamas.myshoppegram.com", "https://shop.example/", "HTTPS://cart:8443"]
)
utms = st.dictionaries(st.sampled_from(["utm_source", "utm_medium", "utm_campaign"]), st.text())
bad_parts = st.sampled_from(["", "12345", "1:0", "1:-1", "x:1", "1:x", ":", "1:9999999", "0:1"])


@given(links, bases, utms)
def test_what_is_built_reads_back(link: CartLink, base: str, utm: dict[str, str]) -> None:
    assert parse_cart_link(link.path) == link
    url = link.url(base, **utm)
    assert parse_cart_link(url) == link
    assert parse_cart_link(f" {url}#top\n") == link


@given(links, utms)
def test_the_campaign_reads_back(link: CartLink, utm: dict[str, str]) -> None:
    query = urlsplit(link.url("https://shop.example", **utm)).query
    kept = {name: text.encode(errors="replace").decode() for name, text in utm.items()}
    assert dict(parse_qsl(query, keep_blank_values=True)) == kept


@given(links)
def test_percent_encoding_makes_no_difference(link: CartLink) -> None:
    assert parse_cart_link("/cart/" + quote(link.path.removeprefix("/cart/"), safe="")) == link


@given(st.lists(st.one_of(items, bad_parts), min_size=1, max_size=8))
def test_the_first_three_valid_variants_are_read_and_all_else_is_reported(
    parts: list[CartItem | str],
) -> None:
    texts = [p if isinstance(p, str) else f"{p.variant}:{p.quantity}" for p in parts]
    link = parse_cart_link("/cart/" + ",".join(texts))
    valid = [part for part in parts if isinstance(part, CartItem)]
    assert list(link.items) == valid[:MOST_VARIANTS]
    assert len(link.items) + len(link.rejected) == len(parts)
    too_many = [f"{item.variant}:{item.quantity}" for item in valid[MOST_VARIANTS:]]
    bad = [part for part in parts if isinstance(part, str)]
    assert sorted(part.part for part in link.rejected) == sorted(bad + too_many)
    assert all(part.why for part in link.rejected)


@given(st.one_of(st.text(), st.text().map("/cart/".__add__), st.from_regex(r"[/cart:0-9,%?#]*")))
def test_no_text_raises(text: str) -> None:
    link = parse_cart_link(text)
    assert link.items or link.rejected
    if link.items:
        assert parse_cart_link(link.path).items == link.items
