"""The reminder itself: a plain and decent mail, and what no composer may decide.

Whatever a customer or a shop typed stands on one line of its own, and escaped where it is HTML.
The mail has no pictures, no scripts and no colours of its own but those of the one link, so it
reads well on a dark screen and tells nobody that it was opened.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from html import escape
from typing import Final

from shoppego_orders.errors import InvalidValue
from shoppego_orders.order import Order, OrderRow
from shoppego_orders.texts import header_text, one_line

Compose = Callable[[Order, int], EmailMessage]
"""Writes the reminder of an order for a step, counted from 1: sender, subject and content.

Recipient, date and Message-ID are set by :func:`remind`.
"""

Link = Callable[[Order, int], str]
"""Gives the address that a reminder of an order leads to, for a step: a recovery link."""


def plain_reminder(
    order: Order,
    step: int,
    *,
    link: Link | None = None,
    sender: str | None = None,
    unsubscribe: Callable[[Order], str] | None = None,
) -> EmailMessage:
    """Write a reminder as text and as HTML, in English.

    With ``functools.partial`` it is a composer that knows a shop's links::

        remind(store, tasks, mailer, plan, now, compose=partial(plain_reminder, link=my_link))

    :param link: gives the address that the mail leads to; else it is the shop's front page.
    :param sender: the address in From; ``no-reply@`` the shop's domain unless told.
    :param unsubscribe: gives the address that takes whoever follows it off the list
        (``List-Unsubscribe``, RFC 2369); without it the header is left out.
    :raises InvalidValue: for a link that is not ``http(s)://…``, an unsubscribing address that is
        neither that nor ``mailto:…``, or a sender that is not one address.
    """
    host = _host(order.shop)
    shop = one_line(order.shop)
    message = EmailMessage()
    if sender is not None and not _is_address(sender):
        raise InvalidValue("sender", sender, "one e-mail address such as shop@example.com")
    message["From"] = _mailbox(shop, sender or f"no-reply@{host or 'shop.invalid'}")
    number = header_text(order.number)
    message["Subject"] = f"{'Reminder: your' if step > 1 else 'Your'} order {number} waits for you"
    message["Auto-Submitted"] = "auto-generated"
    if unsubscribe is not None:
        message["List-Unsubscribe"] = _Unsubscribe.of(unsubscribe(order))
    target = f"https://{host}/" if host else None
    if link is not None:
        target = _checked(link(order, step), "link", _WEB, "")
    message.set_content(_text(order, shop, target))
    message.add_alternative(_html(order, shop, target), subtype="html")
    return message


def addressed(message: EmailMessage, order: Order, key: str, now: datetime) -> EmailMessage:
    """Set what a reminder must not leave to its composer: the recipient and its identity.

    :param key: of the reminder in the task log; the Message-ID follows from it.
    """
    for header in ("To", "Cc", "Bcc", "Date", "Message-ID"):
        del message[header]
    message["To"] = _mailbox(order.customer_name, address_of(order))
    message["Date"] = now
    digest = hashlib.sha256(key.encode()).hexdigest()[:32]
    message["Message-ID"] = f"<{digest}@{_host(order.shop) or 'shop.invalid'}>"
    return message


def address_of(order: Order | OrderRow) -> str:
    """The one address that a customer can be written to; "" where there is none."""
    email = order.email.strip()
    return email if _is_address(email) else ""


def _text(order: Order, shop: str, target: str | None) -> str:
    onwards = f"go to {shop}." if target is None else f"go on here:\n  {target}"
    lines = (
        _greeting(order),
        "",
        f"you began an order at {shop} and did not complete it:",
        "",
        *(f"  {line.quantity} x {one_line(line.product)}" for line in order.lines),
        f"  Total: {order.total}",
        "",
        f"If you still want it, {onwards}",
        "If not, just ignore this mail.",
    )
    return "\n".join(lines) + "\n"


def _html(order: Order, shop: str, target: str | None) -> str:
    rows = (
        f"<tr><td {_NARROW}>{line.quantity} ×</td><td {_CELL}>{escape(one_line(line.product))}</td>"
        "</tr>"
        for line in order.lines
    )
    if target is None:
        onwards = f"<p>If you still want it, go to {escape(shop)}.</p>"
    else:
        onwards = (
            "<p>If you still want it:</p>\n"
            f'<p><a href="{escape(target)}" style="{_BUTTON}">Complete your order</a></p>'
        )
    parts = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        '<meta name="color-scheme" content="light dark">',
        '<meta name="supported-color-schemes" content="light dark">',
        f"<title>{escape(shop)}</title></head>",
        f'<body style="{_BODY}">',
        f"<p>{escape(_greeting(order))}</p>",
        f"<p>you began an order at {escape(shop)} and did not complete it:</p>",
        '<table role="presentation" style="border-collapse:collapse">',
        *rows,
        f"<tr><td {_NARROW}>Total</td><td {_CELL}><b>{order.total}</b></td></tr>",
        "</table>",
        onwards,
        "<p>If not, just ignore this mail.</p>",
        "</body></html>",
    )
    return "\n".join(parts) + "\n"


_CELL: Final = 'style="padding:2px 0;vertical-align:top"'
_NARROW: Final = 'style="padding:2px 12px 2px 0;vertical-align:top;white-space:nowrap"'
_BODY: Final = (
    "max-width:36em;margin:0 auto;padding:16px;overflow-wrap:anywhere;"
    "font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif"
)
# White on blue, 6.1 : 1; it stays so whatever colours the mail program gives the rest.
_BUTTON: Final = (
    "display:inline-block;padding:10px 20px;border-radius:6px;"
    "background-color:#1d5fbf;color:#ffffff;text-decoration:none;font-weight:600"
)


def _greeting(order: Order) -> str:
    return f"Hello {one_line(order.customer_name)}".rstrip() + ","


class _Unsubscribe(str):
    """A header that is one address, which no fold may encode or break.

    The standard library would write a long one as encoded words, in which no mail program looks
    for an address.
    """

    __slots__ = ()
    name = "List-Unsubscribe"

    @classmethod
    def of(cls, address: str) -> _Unsubscribe:
        return cls(f"<{_checked(address, 'unsubscribe', _WEB_OR_MAIL, ' or mailto:…')}>")

    def fold(self, *, policy: EmailPolicy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


# One address and nothing else: what a header would read as several, or as a comment, is none.
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_SPECIALS: Final = re.compile(r'[()<>\[\]:;@\\,"]')
_HOST: Final = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_ADDRESS: Final = re.compile(rf"{_ATOM}(\.{_ATOM})*@{_HOST.pattern}")
# What RFC 3986 lets a URL hold, and within the longest line that a mail may have (RFC 5322).
_URL: Final = r"[!#-;=?-Z\[\]_a-z~]{1,900}"
_WEB: Final = re.compile(rf"https?://{_URL}")
_WEB_OR_MAIL: Final = re.compile(rf"(https?://|mailto:){_URL}")


def _checked(url: str, field: str, form: re.Pattern[str], other: str) -> str:
    if not isinstance(url, str) or not form.fullmatch(url):  # pyright: ignore[reportUnnecessaryIsInstance]  # untyped callers
        expected = f"https://shop.example/…{other}, in at most 900 characters that a URL may have"
        raise InvalidValue(field, url, expected)
    return url


def _is_address(text: str) -> bool:
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def _mailbox(name: str, address: str) -> Address:
    # Python writes a long name anew, and forgets the quotes that keep these from being read.
    return Address(header_text(_SPECIALS.sub(" ", name)), addr_spec=address)


def _host(shop: str) -> str:
    return shop if len(shop) <= 253 and _HOST.fullmatch(shop) else ""
