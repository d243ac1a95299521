"""Mail through an SMTP server, with the standard library."""

from __future__ import annotations

import logging
import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from typing import Literal, get_args

import attrs

from shoppego_orders.adapters.outgoing import outgoing, recipients_of
from shoppego_orders.errors import InvalidValue, MailNotSent

Tls = Literal["none", "starttls", "implicit"]
"""How the connection is encrypted: not at all, from a plain start on, or from the first byte."""

_log = logging.getLogger(__name__)


def _tls(_instance: object, _attribute: object, value: object) -> None:
    if value not in get_args(Tls):
        raise InvalidValue("tls", value, f"one of {', '.join(get_args(Tls))}")


def _port(_instance: object, _attribute: object, value: int) -> None:
    if type(value) is not int or not 1 <= value <= 65_535:
        raise InvalidValue("port", value, "1 to 65535")


@attrs.frozen
class SmtpMailer:
    """A :class:`~shoppego_orders.ports.Mailer` that hands each message to an SMTP server.

    A connection is made for each message. Recipients in Bcc get the message, and their header
    is not in it. Where the server refuses some recipients and takes others, the message is
    sent, and each refusal is logged as a warning.

    :ivar host: of the server.
    :ivar port: 587 for ``starttls``, 465 for ``implicit``, 25 for ``none``, as a rule.
    :ivar sender: From, and the envelope's sender, of messages that state none.
    :ivar username: to log in with; no log-in where it is None.
    :ivar tls: certificates are checked against the machine's authorities.
    :ivar timeout: seconds for each answer of the server.
    :raises InvalidValue: for an unknown ``tls`` or an impossible port.
    """

    host: str
    port: int = attrs.field(validator=_port)
    sender: str = attrs.field(default="orders@localhost", kw_only=True)
    username: str | None = attrs.field(default=None, kw_only=True)
    password: str = attrs.field(default="", kw_only=True, repr=False)
    tls: Tls = attrs.field(default="starttls", validator=_tls, kw_only=True)
    timeout: float = attrs.field(default=30.0, kw_only=True)

    def send(self, message: EmailMessage) -> None:
        """Send one message to the addresses in its headers.

        :raises MailNotSent: if it was taken for no recipient, or the server did not say that it
            took it (where an answer got lost, it may have been sent all the same).
        """
        recipients = recipients_of(message)
        try:
            refused = self._sent(outgoing(message, self.sender), recipients)
        # ValueError: a header or a password that the protocol can't carry.
        except (smtplib.SMTPException, OSError, ValueError) as failure:
            raise MailNotSent(recipients, _problem(failure)) from failure
        for recipient, answer in refused.items():
            _log.warning("%s was refused: %s", recipient, _answer(*answer))

    def _sent(
        self, message: EmailMessage, recipients: tuple[str, ...]
    ) -> dict[str, tuple[int, bytes]]:
        server = self._connected()
        try:
            if self.tls == "starttls":
                server.starttls(context=ssl.create_default_context())
            if self.username is not None:
                server.login(self.username, self.password)
            refused = server.send_message(message, to_addrs=recipients)
            # It is sent; a server that is rude on leaving doesn't change that.
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
        finally:
            server.close()
        return refused

    def _connected(self) -> smtplib.SMTP:
        if self.tls == "implicit":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout, context=context)
        return smtplib.SMTP(self.host, self.port, timeout=self.timeout)


def _problem(failure: Exception) -> str:
    if isinstance(failure, smtplib.SMTPRecipientsRefused):
        refused = (f"{who} ({_answer(*answer)})" for who, answer in failure.recipients.items())
        return f"every recipient was refused: {', '.join(refused)}"
    if isinstance(failure, smtplib.SMTPResponseException):
        return _answer(failure.smtp_code, failure.smtp_error)
    return str(failure) or type(failure).__name__


def _answer(code: int, text: bytes | str) -> str:
    words = text.decode(errors="replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(words.split())}"
