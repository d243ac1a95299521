"""Express-checkout links by example."""

from __future__ import annotations

import pytest

from shoppego_orders.errors import InvalidValue
from shoppego_orders.order.cart_link import CartItem, CartLink, RejectedPart, parse_cart_link

THREE = (CartItem("57085", 1), CartItem("12345", 2), CartItem("57779", 3))


@pytest.mark.parametrize(
    "link",
    ["/cart/57085:1,12345:2,57779:3", "cart/57085:1,12345:2,57779:3/",
     "/cart/57085%3A1%2C12345:2,57779:3",
     "https://hartamas.myshoppegram.com/cart/57085:1,12345:2,57779:3?utm_source=tiktok#buy",
     "hartamas.myshoppegram.com/cart/57085:1,12345:2,57779:3",
     "//cart/cart/57085:1,12345:2,57779:3", "/ms/cart/57085:1, 12345:02 ,57779:003"],
)  # fmt: skip
def test_a_link_with_three_variants(link: str) -> None:
    assert parse_cart_link(link) == CartLink(THREE)


def test_a_link_from_tiktok() -> None:
    link = CartLink((CartItem("2648", 1),))
    url = "http://hartamas.myshoppegram.com/cart/2648:1?utm_source=tiktok"
    assert parse_cart_link(url) == link
    assert link.url("http://hartamas.myshoppegram.com", utm_source="tiktok") == url
    assert link.url("http://hartamas.myshoppegram.com/") == url.removesuffix("?utm_source=tiktok")


def test_a_campaign_that_no_url_can_hold_is_written_as_far_as_it_can_be() -> None:
    link = CartLink((CartItem("2648", 1),))
    url = link.url("https://shop.example", utm_campaign="raya\ud800 2026")
    assert url == "https://shop.example/cart/2648:1?utm_campaign=raya%3F+2026"


def test_bad_parts_are_reported_and_do_not_count() -> None:
    link = parse_cart_link("/cart/57085,57085:0,57085:1,12345:-2,12345:2,x:1,57779:3,9:1,8:1000000")
    assert link.items == THREE
    assert link.rejected == (
        RejectedPart("57085", "no colon between variant and quantity"),
        RejectedPart("57085:0", "the quantity is zero"),
        RejectedPart("12345:-2", "the quantity is not a whole number from 1"),
        RejectedPart("x:1", "the variant is not a number from 1"),
        RejectedPart("9:1", "a link carries at most 3 variants"),
        RejectedPart("8:1000000", "the quantity is above 999999"),
    )
    assert link.path == "/cart/57085:1,12345:2,57779:3"


@pytest.mark.parametrize(
    "part",
    ["", "1", ":", "1:", ":1", "0:1", "01:1", "-1:1", "1.5:1", "12345678901234567890:1", "1:1.5",
     "1:+1", "1:1:1", "1:1/2", "１:1", "1:１", "1:²", "1:" + "9" * 10_000, "1:" + "0" * 10_000],
)  # fmt: skip
def test_a_part_that_is_no_variant_and_quantity(part: str) -> None:
    link = parse_cart_link(f"/cart/{part}")
    assert link.items == ()
    assert [rejected.part for rejected in link.rejected] == [part]


@pytest.mark.parametrize(
    "link",
    ["", "/", "/cart", "/products/57085:1", "https://cart/57085:1", "//cart/57085:1",
     "/search?next=/cart/57085:1", "#/cart/57085:1", "http://[", "/carts/57085:1"],
)  # fmt: skip
def test_what_is_no_cart_link(link: str) -> None:
    parsed = parse_cart_link(link)
    assert parsed.items == ()
    assert parsed.rejected == (RejectedPart(link, "not a link to /cart/VARIANT:QUANTITY"),)
    with pytest.raises(InvalidValue, match="1 to 3 variants"):
        _ = parsed.path


@pytest.mark.parametrize("variant", ["", "0", "01", "-1", "x", "1 ", "１", "1" * 20, 57085, None])
def test_a_variant_is_a_number(variant: object) -> None:
    with pytest.raises(InvalidValue, match="variant"):
        CartItem(variant, 1)  # type: ignore[arg-type]  # what untyped callers do


@pytest.mark.parametrize("quantity", [0, -1, 1_000_000, 1.0, True, "1", None])
def test_a_quantity_is_one_or_more(quantity: object) -> None:
    with pytest.raises(InvalidValue, match="quantity"):
        CartItem("57085", quantity)  # type: ignore[arg-type]  # what untyped callers do


def test_a_link_carries_one_to_three_variants() -> None:
    with pytest.raises(InvalidValue, match="at most 3"):
        CartLink((*THREE, CartItem("9", 1)))
    with pytest.raises(InvalidValue, match="1 to 3"):
        CartLink(()).url("https://shop.example")


@pytest.mark.parametrize(
    "base",
    ["", "shop.example", "//shop.example", "ftp://shop.example", "https://", "https:///",
     "https://shop.example/en", "https://shop.example?x=1", "https://shop.example#x",
     "https://user@shop.example", "https://shop\n.example", "https://shop.example\n",
     "javascript:alert(1)"],
)  # fmt: skip
def test_a_base_is_scheme_and_host(base: str) -> None:
    with pytest.raises(InvalidValue, match="base"):
        CartLink(THREE).url(base)


def test_only_utm_parameters_are_added() -> None:
    with pytest.raises(InvalidValue, match="utm_source"):
        CartLink(THREE).url("https://shop.example", ref="1")
    url = CartLink(THREE[:1]).url("https://shop.example", utm_campaign="Raya & more")
    assert url == "https://shop.example/cart/57085:1?utm_campaign=Raya+%26+more"
