"""The mail of a reminder: what the default writes, and what no composer decides."""

from __future__ import annotations

import re
from copy import deepcopy
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from abandonment_examples import AISYAH, BEGAN, DUE, SHOP, begun
from recovery_examples import FIRST, HOUR, PLAN, Desk, key_of, left
from shoppego_orders.abandonment import plain_reminder, remind
from shoppego_orders.adapters.maildir import EmlMailer
from shoppego_orders.customers import Customer
from shoppego_orders.errors import InvalidValue
from shoppego_orders.money import Money
from shoppego_orders.order import LineItem, Order

LINK = f"https://{SHOP}/cart/57085:1,12345:2?recovery=abc.def&utm_source=abandoned-checkout"


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    body = message.get_body((kind,))
    assert body is not None
    content = body.get_content()
    assert isinstance(content, str)
    return content


class Page(HTMLParser):
    """What a mail program makes of the HTML: its tags, its text, and where its links lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.links: list[str | None] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href"]
        assert not [name for name, _ in attrs if name.startswith("on") or name == "src"]

    def handle_data(self, data: str) -> None:
        self.texts += [data.strip()] if data.strip() else []


def test_the_plain_reminder() -> None:
    desk = Desk(left(begun(name="Aïsyah")))
    desk.remind(FIRST)
    (message,) = desk.mailer.messages
    assert message["From"] == f'"{SHOP}" <no-reply@{SHOP}>'
    assert message["To"] == f"Aïsyah <{AISYAH}>"
    assert message["Subject"] == "Your order #1262140 waits for you"
    assert message["Date"].datetime == FIRST
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"] is None
    assert message.get_content_type() == "multipart/alternative"
    assert text_of(message) == (
        "Hello Aïsyah,\n"
        "\n"
        f"you began an order at {SHOP} and did not complete it:\n"
        "\n"
        "  1 x Tudung Bawal\n"
        "  Total: MYR 59.50\n"
        "\n"
        "If you still want it, go on here:\n"
        f"  https://{SHOP}/\n"
        "If not, just ignore this mail.\n"
    )
    page = Page(text_of(message, "html"))
    assert page.texts == [
        SHOP,
        "Hello Aïsyah,",
        f"you began an order at {SHOP} and did not complete it:",
        "1 ×",
        "Tudung Bawal",
        "Total",
        "MYR 59.50",
        "If you still want it:",
        "Complete your order",
        "If not, just ignore this mail.",
    ]
    assert page.links == [f"https://{SHOP}/"]


def test_later_reminders_say_so() -> None:
    assert plain_reminder(begun(), 2)["Subject"] == "Reminder: your order #1262140 waits for you"
    assert text_of(plain_reminder(begun(), 1)).startswith("Hello,\n")


def test_a_shop_whose_name_is_no_host() -> None:
    message = plain_reminder(begun(shop="Kedai <Aisyah>"), 1)
    assert message["From"] == "Kedai Aisyah <no-reply@shop.invalid>"
    assert "go to Kedai <Aisyah>." in text_of(message)
    page = Page(text_of(message, "html"))
    assert page.links == []
    assert "If you still want it, go to Kedai <Aisyah>." in page.texts


def test_it_leads_where_the_caller_says() -> None:
    asked: list[tuple[str, int]] = []

    def link(order: Order, step: int) -> str:
        asked.append((order.id, step))
        return LINK

    message = plain_reminder(begun(), 2, link=link, sender="kedai@example.my")
    assert asked == [("1262140", 2)]
    assert f"  {LINK}\n" in text_of(message)
    assert Page(text_of(message, "html")).links == [LINK]
    assert message["From"] == f'"{SHOP}" <kedai@example.my>'


def test_it_has_no_pictures_no_scripts_and_no_colours_but_the_links() -> None:
    html = text_of(plain_reminder(begun(), 1), "html")
    assert set(Page(html).tags) == {
        *("html", "head", "meta", "title", "body", "p", "table", "tr", "td", "b", "a"),
    }
    assert re.findall(r"[a-z-]*color: ?[^;\"]*", html) == [
        "background-color:#1d5fbf",
        "color:#ffffff",
    ]
    assert '<meta name="color-scheme" content="light dark">' in html
    assert not re.search(r"url\(|@import|http-equiv", html)


def test_the_links_colours_are_told_apart_by_weak_eyes() -> None:
    def luminance(colour: str) -> float:
        channels = (int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4))
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    contrast = (luminance("ffffff") + 0.05) / (luminance("1d5fbf") + 0.05)
    assert contrast > 4.5  # WCAG 2.2, 1.4.3


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "javascript:alert(1)",
        "/cart/1:1",
        "https://",
        "https://a.example/ b",
        'https://a.example/"onclick=',
        "https://a.example/<b>",
        "https://a.example/\nBcc: b@example.com",
        "https://a.example/é",
        f"https://a.example/{'a' * 1000}",
        None,
    ],
)
def test_a_link_that_is_none_is_refused(bad: str) -> None:
    def link(order: Order, step: int) -> str:
        return bad

    with pytest.raises(InvalidValue) as caught:
        plain_reminder(begun(), 1, link=link)
    assert caught.value.field == "link"
    with pytest.raises(InvalidValue) as caught:
        plain_reminder(begun(), 1, unsubscribe=lambda _: bad)
    assert caught.value.field == "unsubscribe"


@pytest.mark.parametrize("bad", ["", "a@b", "a@example.com, b@example.com", "A <a@example.com>"])
def test_a_sender_that_is_none_is_refused(bad: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        plain_reminder(begun(), 1, sender=bad)
    assert caught.value.field == "sender"


def test_an_address_has_at_most_254_characters() -> None:
    longest = f"{'a' * 242}@example.com"
    assert plain_reminder(begun(), 1, sender=longest)["From"].addresses[0].addr_spec == longest
    with pytest.raises(InvalidValue):
        plain_reminder(begun(), 1, sender=f"a{longest}")


@pytest.mark.parametrize(
    "address",
    [f"https://{SHOP}/unsubscribe?token={'a' * 300}", "mailto:off@example.com?subject=off"],
)
def test_how_to_unsubscribe_stands_in_one_header_however_long(address: str, tmp_path: Path) -> None:
    compose = partial(plain_reminder, unsubscribe=lambda _: address)
    desk = Desk(left(begun()))
    remind(desk.store, desk.tasks, EmlMailer(tmp_path), PLAN, FIRST, compose=compose)
    (file,) = tmp_path.glob("*.eml")
    header = f"List-Unsubscribe: <{address}>"
    assert header in file.read_text("ascii").splitlines()
    smtp = deepcopy(compose(begun(), 1)).as_bytes(policy=policy.SMTP)
    assert header.encode() in smtp.split(b"\r\n")


def test_the_message_id_is_that_of_the_reminder() -> None:
    first, again = Desk(left(begun())), Desk(left(begun()))
    for desk in (first, again):
        desk.remind(FIRST)
        desk.remind(DUE + 24 * HOUR)
    ids = [message["Message-ID"] for message in first.mailer.messages]
    assert ids == [message["Message-ID"] for message in again.mailer.messages]
    assert len(set(ids)) == 2
    assert all(each.endswith(f"@{SHOP}>") for each in ids)


def test_a_hosts_own_composer_decides_neither_recipient_nor_identity() -> None:
    def malay(order: Order, step: int) -> EmailMessage:
        message = plain_reminder(order, step)
        message.replace_header("Subject", f"Pesanan anda menunggu ({step})")
        for header in ("To", "Cc", "Bcc"):
            message[header] = "someone-else@example.com"
        message["Message-ID"] = "<always-the-same@example.com>"
        return message

    desk = Desk(left(begun()))
    result = remind(desk.store, desk.tasks, desk.mailer, PLAN, FIRST, compose=malay)
    assert result.sent == (key_of(),)
    (message,) = desk.mailer.messages
    assert message["Subject"] == "Pesanan anda menunggu (1)"
    assert (message["To"], message["Cc"], message["Bcc"]) == (AISYAH, None, None)
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
        "<script>alert(1)</script>",
        "</td></table><img src=x onerror=alert(1)>",
        "&lt;b&gt; & <!--",
        '" onmouseover="alert(1)',
    ]
)


LOCALS = st.just("aisyah") | st.from_regex(r"\A[^@\s]{1,9}\Z")


@example(*["<script>alert(1)</script>"] * 4, "aisyah")
@example(*["x\r\nBcc: b@example.com"] * 4, "aisyah")
@given(name=TEXTS, number=TEXTS, product=TEXTS, shop=TEXTS, local=LOCALS)
def test_nothing_that_a_customer_types_makes_a_header_or_a_tag(
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
    desk = Desk(left(order))
    result = desk.remind(FIRST)
    assert len(result.sent) + len(result.skipped) == 1
    for sent in desk.mailer.messages:
        message = message_from_bytes(sent.as_bytes(policy=policy.SMTP), policy=policy.default)
        assert isinstance(message, EmailMessage)
        assert set(message.keys()) == {
            *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"),
            *("MIME-Version", "Content-Type"),
        }
        assert all(str(value).isprintable() for value in message.values())
        (to,) = message["To"].addresses
        assert to.addr_spec == f"{local}@example.com"
        assert len(message["From"].addresses) == 1
        shown = " ".join(product.split()) if product.isprintable() else None
        text = text_of(message)
        assert len(text.splitlines()) in {9, 10}
        page = Page(text_of(message, "html"))
        assert page.tags.count("tr") == 2
        assert set(page.tags) <= {
            *("html", "head", "meta", "title", "body", "p", "table", "tr", "td", "b", "a"),
        }
        if shown is not None:
            assert f"  2 x {shown}" in text.splitlines()
            assert not shown or shown in page.texts
