"""What a mailer promises, as tests that a host runs on its own."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import EmailMessage

import pytest

from shoppego_orders.errors import MailNotSent, Retry
from shoppego_orders.ports import Mailer


class MailerContract:
    """What :class:`~shoppego_orders.ports.Mailer` promises. Give it a ``mailer`` fixture.

    :meth:`received` says how to look at what arrived. What can't be checked from here: a mailer
    that never heard whether its message was taken says ``Retry.UNKNOWN``, and does not send it
    again.
    """

    def received(self, mailer: Mailer) -> Sequence[EmailMessage]:
        """What has arrived through this mailer, oldest first."""
        raise NotImplementedError

    def test_a_message_arrives_whole(self, mailer: Mailer) -> None:
        """Headers, text and attachment arrive as they were sent."""
        sent = _message("Pesanan anda \u2615", "Terima kasih, \u4f60\u597d")
        data = bytes(range(256)) * 300
        sent.add_attachment(data, maintype="text", subtype="csv", filename="pesanan é.csv")
        assert not mailer.send(sent)  # nobody was refused
        (message,) = self.received(mailer)
        for header in ("Subject", "From", "To", "Cc"):
            assert message[header] == sent[header]
        body = message.get_body()
        assert body is not None
        assert body.get_content().strip() == "Terima kasih, \u4f60\u597d"
        attachments = list(message.iter_attachments())
        assert len(attachments) == 1
        attachment = attachments[0]
        assert attachment.get_filename() == "pesanan é.csv"
        assert attachment.get_payload(decode=True) == data

    def test_messages_arrive_once_each(self, mailer: Mailer) -> None:
        """As many arrive as were sent, and what is done to a message later changes nothing."""
        message = _message("one", "first")
        mailer.send(message)
        message.replace_header("Subject", "two")
        mailer.send(message)
        assert [str(each["Subject"]) for each in self.received(mailer)] == ["one", "two"]

    def test_a_message_to_nobody_is_not_sent(self, mailer: Mailer) -> None:
        """A message that names no recipient is refused, and to try again is no use."""
        message = EmailMessage()
        message["Subject"], message["From"] = "x", "shop@example.my"
        message.set_content("x")
        with pytest.raises(MailNotSent) as told:
            mailer.send(message)
        assert told.value.retry is Retry.NEVER
        assert list(self.received(mailer)) == []


def _message(subject: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = "Kedai <shop@example.my>"
    message["To"] = "Siti <siti@example.my>, ali@example.my"
    message["Cc"] = "boss@example.my"
    message.set_content(text)
    return message
