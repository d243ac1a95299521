"""Mail through an SMTP server, with the standard library."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from typing import Literal, get_args

import attrs

from shoppego_orders.adapters.outgoing import outgoing, recipients_of
from shoppego_orders.errors import InvalidValue, MailNotSent, RefusedRecipient, Retry

Tls = Literal["none", "starttls", "implicit"]
"""How the connection is encrypted: not at all, from a plain start on, or from the first byte."""


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
    sent. Nothing is tried twice.

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

    def send(self, message: EmailMessage) -> tuple[RefusedRecipient, ...]:
        """Send one message to the addresses in its headers.

        :returns: the recipients whom the server refused, where it took others.
        :raises MailNotSent: if it was taken for no recipient. To try again may help after a reply
            from 400 to 499, and where there was no connection, or it broke early; not after
            another refusal, of the log-in too, nor without the encryption that was asked for.
            Once the message has left, and no answer to it came, it is unknown.
        """
        recipients = recipients_of(message)
        session: _Session | None = None
        try:
            session = self._connected()
            return self._sent(session, outgoing(message, self.sender), recipients)
        # ValueError: a header or a password that the protocol can't carry.
        except (smtplib.SMTPException, OSError, ValueError) as failure:
            left = session is not None and session.message_left
            retry = Retry.UNKNOWN if left else _retry(failure)
            refused = _refused_in(failure)
            raise MailNotSent(recipients, _problem(failure), retry, refused) from failure

    def _sent(
        self, session: _Session, message: EmailMessage, recipients: tuple[str, ...]
    ) -> tuple[RefusedRecipient, ...]:
        try:
            if self.tls == "starttls":
                session.starttls(context=ssl.create_default_context())
            if self.username is not None:
                session.login(self.username, self.password)
            refused = session.send_message(message, to_addrs=recipients)
            # It is sent; a server that is rude on leaving doesn't change that.
            with suppress(smtplib.SMTPException, OSError):
                session.quit()
        finally:
            session.close()
        return _refused(refused)

    def _connected(self) -> _Session:
        if self.tls == "implicit":
            context = ssl.create_default_context()
            return _EncryptedSession(self.host, self.port, timeout=self.timeout, context=context)
        return _Session(self.host, self.port, timeout=self.timeout)


class _Session(smtplib.SMTP):
    """A session that knows whether the server may have the message.

    :ivar message_left: whether the server has asked for it, and has not refused it since.
    """

    message_left = False

    def getreply(self) -> tuple[int, bytes]:
        code, text = super().getreply()
        # 354 asks for it. After that, gibberish is no refusal, nor is a line too long to be read.
        self.message_left = code == 354 or (self.message_left and not 400 <= code < 600)
        return code, text


class _EncryptedSession(_Session, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""


def _retry(failure: Exception) -> Retry:
    """Whether to try again may help, where the message has not left."""
    match failure:
        case smtplib.SMTPRecipientsRefused():
            again = any(each.retry is Retry.AGAIN for each in _refused_in(failure))
        case smtplib.SMTPResponseException():
            again = 400 <= failure.smtp_code < 500
        case smtplib.SMTPServerDisconnected() | ssl.SSLEOFError():
            again = True
        case _:
            # What the server or the protocol can't do, a certificate, a password; or no network.
            again = not isinstance(failure, smtplib.SMTPException | ssl.SSLError | ValueError)
    return Retry.AGAIN if again else Retry.NEVER


def _problem(failure: Exception) -> str:
    if isinstance(failure, smtplib.SMTPRecipientsRefused):
        return f"refused were {', '.join(map(str, _refused_in(failure)))}"
    if isinstance(failure, smtplib.SMTPResponseException):
        return f"{failure.smtp_code} {_line(failure.smtp_error)}"
    return str(failure) or type(failure).__name__


def _refused_in(failure: Exception) -> tuple[RefusedRecipient, ...]:
    if isinstance(failure, smtplib.SMTPRecipientsRefused):
        return _refused(failure.recipients)
    return ()


def _refused(answers: dict[str, tuple[int, bytes]]) -> tuple[RefusedRecipient, ...]:
    return tuple(RefusedRecipient(who, code, _line(text)) for who, (code, text) in answers.items())


def _line(text: bytes | str) -> str:
    words = text.decode(errors="replace") if isinstance(text, bytes) else text
    return " ".join(words.split())
