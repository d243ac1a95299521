"""Mail into files: a maildir that mail programs read, or one ``.eml`` file per message."""

from __future__ import annotations

import mailbox
import re
import time
import uuid
from email.message import EmailMessage
from pathlib import Path
from typing import Final

import attrs

from shoppego_orders.adapters.outgoing import message_bytes, outgoing, recipients_of
from shoppego_orders.errors import MailNotSent, OutputNotWritten, Retry
from shoppego_orders.export.files import add_file, write_file


@attrs.frozen
class MaildirMailer:
    """A :class:`~shoppego_orders.ports.Mailer` that delivers into a maildir.

    A message is written to ``tmp`` and moved to ``new`` when it is whole. It keeps its Bcc: the
    file is the only one who knows for whom it was.

    :ivar path: of the maildir; made on first use, if its folder is not there.
    :ivar sender: From of messages that state none.
    """

    path: Path = attrs.field(converter=Path)
    sender: str = attrs.field(default="orders@localhost", kw_only=True)

    def send(self, message: EmailMessage) -> None:
        """Deliver one message.

        :raises MailNotSent: if it can't be written, or is addressed to nobody.
        """
        recipients = recipients_of(message)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            mailbox.Maildir(self.path)
            # Not its add(), which leaves half of a message in tmp when the disk is full.
            written = self.path / "tmp" / _unique_name()
            write_file(written, (message_bytes(outgoing(message, self.sender)),))
            try:
                written.rename(self.path / "new" / written.name)
            except OSError:
                written.unlink()
                raise
        except (OSError, ValueError, OutputNotWritten) as failure:
            raise MailNotSent(recipients, f"{self.path}: {failure}", _retry(failure)) from failure


@attrs.frozen
class EmlMailer:
    """A :class:`~shoppego_orders.ports.Mailer` that writes each message as an ``.eml`` file.

    The file is named after the message's date and subject, has a number where that name is
    taken, and is whole or not there. It keeps its Bcc.

    :ivar directory: made on first use.
    :ivar sender: From of messages that state none.
    """

    directory: Path = attrs.field(converter=Path)
    sender: str = attrs.field(default="orders@localhost", kw_only=True)

    def send(self, message: EmailMessage) -> None:
        """Write one message.

        :raises MailNotSent: if it can't be written, or is addressed to nobody.
        """
        recipients = recipients_of(message)
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            data = message_bytes(outgoing(message, self.sender))
            add_file(self.directory, _stem(message), ".eml", (data,))
        except (OSError, ValueError, OutputNotWritten) as failure:
            problem = f"{self.directory}: {failure}"
            raise MailNotSent(recipients, problem, _retry(failure)) from failure


def _retry(failure: Exception) -> Retry:
    # ValueError: a header that no file can hold. A folder may be writable another time.
    return Retry.NEVER if isinstance(failure, ValueError) else Retry.AGAIN


_UNSAFE: Final = re.compile(r"[^A-Za-z0-9]+")


def _unique_name() -> str:
    """A name that no other message has, on this machine or another; mail programs sort by it."""
    return f"{int(time.time())}.{uuid.uuid4().hex}"


def _stem(message: EmailMessage) -> str:
    date = getattr(message["Date"], "datetime", None)
    stamp = "" if date is None else date.strftime("%Y%m%d-%H%M%S-")
    subject = _UNSAFE.sub("-", str(message["Subject"] or ""))[:60].strip("-").lower()
    return f"{stamp}{subject or 'message'}"
