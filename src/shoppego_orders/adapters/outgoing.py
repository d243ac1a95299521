"""What mailers have in common: who gets a message, who it is from, and its bytes."""

from __future__ import annotations

from copy import copy
from email import policy
from email.headerregistry import AddressHeader
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Final

from shoppego_orders.errors import MailNotSent, Retry

_RECIPIENTS: Final = ("To", "Cc", "Bcc")


def recipients_of(message: EmailMessage) -> tuple[str, ...]:
    """List everyone whom a message's headers name, each once.

    :raises MailNotSent: if they name nobody.
    """
    recipients = tuple(dict.fromkeys(_addresses(message, *_RECIPIENTS)))
    if not recipients:
        raise MailNotSent((), "it is addressed to nobody", Retry.NEVER)
    return recipients


def outgoing(message: EmailMessage, sender: str) -> EmailMessage:
    """Copy a message and complete it: with a sender where it has none, and an id of its own.

    The caller's message stays as it was; its content is shared.

    :param sender: the address of one who states no other.
    """
    complete = copy(message)
    # Deleting makes the copy a list of headers of its own, which setting alone would not.
    del complete["Message-ID"]
    host = sender.rpartition("@")[2]
    own_id = make_msgid(domain=host if host.isascii() else "localhost")
    complete["Message-ID"] = message["Message-ID"] or own_id
    if complete["From"] is None:
        complete["From"] = sender
    return complete


def message_bytes(message: EmailMessage) -> bytes:
    """Write a message as a file: lines end with LF, and addresses of any script stay whole."""
    addresses = _addresses(message, "From", "Reply-To", *_RECIPIENTS)
    utf8 = not all(map(str.isascii, addresses))
    return message.as_bytes(policy=policy.default.clone(utf8=utf8))


def _addresses(message: EmailMessage, *names: str) -> list[str]:
    headers = [header for name in names for header in message.get_all(name, [])]
    return [
        address.addr_spec
        for header in headers
        if isinstance(header, AddressHeader)
        for address in header.addresses
        if address.addr_spec not in _NOBODY
    ]


_NOBODY: Final = ("", "<>")
