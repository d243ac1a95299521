"""Links that bring a customer back to what they left behind: signed, and with an expiry.

A recovery link is an express-checkout link (``/cart/57085:1``), so it works for whoever follows
it. What it carries besides tells, to those who have the key, of which reminder it was::

    https://hartamas.myshoppegram.com/cart/57085:1?recovery=TOKEN&utm_source=abandoned-checkout…

The token states shop, order, step and expiry, and is signed, together with the cart, by
HMAC-SHA256. It hides nothing: whoever has the link can read what it states. The ``utm``
parameters stand outside, because mail programs add some and strip others.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs

from shoppego_orders.abandonment.saving import saved
from shoppego_orders.errors import InvalidValue, OrderNotFound, RecoveryLinkRefused
from shoppego_orders.order import CartItem, CartLink, Order, OrderRow
from shoppego_orders.periods import epoch_micros, instant_of_micros, utc
from shoppego_orders.ports import OrderStore

PARAMETER: Final = "recovery"
"""Name of the parameter that carries the token."""

SHORTEST_KEY: Final = 16
"""Bytes that a key has at least; take 32 random ones (``secrets.token_bytes(32)``)."""

Keys = bytes | Sequence[bytes]
"""One key, or several while they are being changed: the first writes, all of them read."""


@attrs.frozen
class RecoveryVisit:
    """What a recovery link tells of the customer who followed it.

    :ivar shop: the shop's domain.
    :ivar order_id: of the order that they were reminded of.
    :ivar step: of the reminder that carried the link, from 1.
    :ivar expires_at: from when on the link is refused, UTC.
    """

    shop: str
    order_id: str
    step: int
    expires_at: datetime


def recovery_link(
    order: Order | OrderRow,
    items: Iterable[CartItem],
    *,
    base: str,
    keys: Keys,
    expires_at: datetime,
    step: int,
    utm_source: str = "abandoned-checkout",
    utm_medium: str = "email",
    utm_campaign: str | None = None,
) -> str:
    """Write the link of a reminder.

    The same arguments make the same link.

    :param order: the order, or its row, that the customer is reminded of.
    :param items: what the link puts into the cart: 1 to 3 variants by their numbers in the shop,
        which an order does not know.
    :param base: the shop's address, such as "https://hartamas.myshoppegram.com".
    :param keys: of at least 16 bytes each, and secret; the first one signs.
    :param expires_at: from when on the link is refused, aware.
    :param step: of the reminder, from 1.
    :raises InvalidValue: for a short key or none, a step that is no number from 1, items that no
        link can carry, or a base that is more or less than scheme and host.
    :raises NaiveDatetime: for a time without a zone.
    """
    key = _checked(keys)[0]
    expires = utc(expires_at, "expires_at")
    if type(step) is not int or step < 1:
        raise InvalidValue("step", step, "a whole number of at least 1")
    link = CartLink(items)
    facts = [order.shop, order.id, step, epoch_micros(expires)]
    told = json.dumps(facts, separators=(",", ":"))
    stated = urlsafe_b64encode(told.encode()).decode().rstrip("=")
    utm = {"utm_source": utm_source, "utm_medium": utm_medium}
    if utm_campaign is not None:
        utm["utm_campaign"] = utm_campaign
    address, _, campaign = link.url(base, **utm).partition("?")
    # The token first: it outlives a mail program that cuts the end off, or writes &amp; for &.
    token = f"{stated}.{_signature(key, stated, link.path)}"
    return f"{address}?{PARAMETER}={token}&{campaign}"


def read_recovery_link(url: str, keys: Keys, now: datetime) -> RecoveryVisit:
    """Read a recovery link that somebody followed.

    :param url: the whole address, or path and query of it; any text.
    :param keys: those that links may have been signed with.
    :param now: the present, aware.
    :raises RecoveryLinkRefused: for whatever is not, as it stands, a link that was written with
        one of the keys; and for one that has expired.
    :raises InvalidValue: for a short key or none.
    :raises NaiveDatetime: for a time without a zone.
    """
    accepted = _checked(keys)
    now = utc(now, "now")
    path, token = _path_and_token(url)
    stated, _, signature = token.rpartition(".")
    signed = [
        hmac.compare_digest(_signature(key, stated, path).encode(), _bytes(signature))
        for key in accepted
    ]
    if not any(signed):
        raise RecoveryLinkRefused("altered")
    # Nobody but us wrote what follows, so it is as it was written.
    told = json.loads(urlsafe_b64decode(f"{stated}{'=' * (-len(stated) % 4)}"))
    shop, order_id, step, micros = cast("tuple[str, str, int, int]", tuple(told))
    expires_at = instant_of_micros(micros)
    if now >= expires_at:
        raise RecoveryLinkRefused("expired")
    return RecoveryVisit(shop, order_id, step, expires_at)


def record_visit(store: OrderStore, visit: RecoveryVisit, now: datetime) -> Order:
    """Note on the order that its customer came back; only the first time changes anything.

    :param now: when they came, aware.
    :returns: the order as it is stored now.
    :raises OrderNotFound: if the shop has no such order any more.
    :raises StaleOrder: if others saved it first again and again; nothing is written.
    :raises NaiveDatetime: for a time without a zone.
    """

    def returned(order: Order) -> Order:
        if order.shop != visit.shop:
            raise OrderNotFound(visit.order_id)
        return order.record_return(visit.step, at=now)

    return saved(store, visit.order_id, returned)


_PURPOSE: Final = "shoppego_orders recovery link 1"
"""Stands in what is signed: no other use of the key, and no other form of link, signs the same."""


def _checked(keys: Keys) -> tuple[bytes, ...]:
    checked = (keys,) if isinstance(keys, bytes) else tuple(keys)
    for key in checked:
        if not isinstance(key, bytes) or len(key) < SHORTEST_KEY:  # pyright: ignore[reportUnnecessaryIsInstance]  # untyped callers
            # The value is left out: a key, even a bad one, belongs in no message.
            raise InvalidValue("keys", "a key", f"bytes, at least {SHORTEST_KEY} of them")
    if not checked:
        raise InvalidValue("keys", checked, "at least one key")
    return checked


def _signature(key: bytes, stated: str, path: str) -> str:
    # No token holds a line break, and the path comes last: the parts can't be read otherwise.
    message = _bytes(f"{_PURPOSE}\n{stated}\n{path}")
    return urlsafe_b64encode(hmac.digest(key, message, "sha256")).decode().rstrip("=")


def _path_and_token(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:  # a host that is none
        raise RecoveryLinkRefused("altered") from None
    tokens = [value for name, value in parse_qsl(parts.query) if name == PARAMETER]
    if not tokens:
        raise RecoveryLinkRefused("missing")
    if len(tokens) > 1:
        raise RecoveryLinkRefused("altered")
    return unquote(parts.path), tokens[0]


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")
