"""Mail through whichever backend the Django project is set to: a ``Mailer``."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from email.headerregistry import AddressHeader
from email.message import EmailMessage

from django.core.mail import EmailMultiAlternatives

from shoppego_orders.errors import MailNotSent, Retry

_OWN_HEADERS = frozenset(
    ("subject", "from", "to", "cc", "bcc", "reply-to", "mime-version", "content-type")
) | {"content-transfer-encoding"}


class DjangoMailer:
    """A ``Mailer`` over Django's own mail."""

    def send(self, message: EmailMessage) -> None:
        """Send one message through the backend.

        :raises MailNotSent: if it was not taken. Where a backend does not say by an answer of the
            mail server, or by having found none, whether it was, that is unknown.
        """
        to, cc, bcc = (_addresses(message, name) for name in ("To", "Cc", "Bcc"))
        recipients = (*to, *cc, *bcc)
        if not recipients:
            raise MailNotSent((), "it is addressed to nobody", Retry.NEVER)
        try:
            sent = _of_django(message, to, cc, bcc).send()
        except Exception as failure:  # a backend raises what it likes
            raise MailNotSent(recipients, _problem(failure), _retry(failure)) from failure
        if not sent:
            raise MailNotSent(recipients, "the backend sent nothing", Retry.NEVER)


def _of_django(
    message: EmailMessage, to: Sequence[str], cc: Sequence[str], bcc: Sequence[str]
) -> EmailMultiAlternatives:
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    mail = EmailMultiAlternatives(
        subject=str(message["Subject"] or ""),
        body="" if text is None else text.get_content(),
        # None is the project's own sender.
        from_email=None if message["From"] is None else str(message["From"]),
        to=to,
        cc=cc,
        bcc=bcc,
        reply_to=_addresses(message, "Reply-To"),
        headers={
            name: str(value) for name, value in message.items() if name.lower() not in _OWN_HEADERS
        },
    )
    if html is not None:
        mail.attach_alternative(html.get_content(), "text/html")
    for part in message.iter_attachments():
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)  # it was decoded
        # As bytes, a text too: Django would make it a text of its own, with other line ends.
        text_or_other = part.get_content_maintype() == "text"
        kind = "application/octet-stream" if text_or_other else part.get_content_type()
        mail.attach(part.get_filename(), data, kind)
    return mail


def _addresses(message: EmailMessage, name: str) -> list[str]:
    headers = message.get_all(name, [])
    return [
        str(address)
        for header in headers
        if isinstance(header, AddressHeader)
        for address in header.addresses
        if address.addr_spec not in ("", "<>")
    ]


def _retry(failure: Exception) -> Retry:
    match failure:
        case smtplib.SMTPRecipientsRefused(recipients=refused):
            again = any(400 <= code < 500 for code, _ in refused.values())
        case smtplib.SMTPResponseException(smtp_code=code):
            again = 400 <= code < 500
        case ConnectionRefusedError():
            again = True
        case ValueError():  # a header that no mail can have
            again = False
        case _:
            return Retry.UNKNOWN
    return Retry.AGAIN if again else Retry.NEVER


def _problem(failure: Exception) -> str:
    return f"{type(failure).__name__}: {failure}"
