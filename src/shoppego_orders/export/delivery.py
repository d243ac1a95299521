"""An export by e-mail: attached, zipped, as a link, or in parts."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from enum import StrEnum
from typing import IO, Final, Self

import attrs

from shoppego_orders.errors import (
    ExportPartlyMailed,
    ExportTooLarge,
    InvalidValue,
    MailNotSent,
    RefusedRecipient,
)
from shoppego_orders.export.files import told_as_unwritten
from shoppego_orders.export.request import ExportRequest, Progress, local_time, period_text
from shoppego_orders.export.spool import (
    TEMPORARY,
    ExportedFile,
    Spool,
    spooled,
    temporary_file,
)
from shoppego_orders.ports import FileShelf, Mailer, OrderStore
from shoppego_orders.texts import header_text

MAIL_LIMIT: Final = 20_000_000
"""How many bytes an attachment may take in a mail, in base64: what most servers let pass."""


class SentAs(StrEnum):
    """How a mail brought the file."""

    ATTACHED = "attached"
    ZIPPED = "zipped"
    LINKED = "linked"
    SPLIT = "split"


@attrs.frozen(kw_only=True)
class ExportSummary(ExportedFile):
    """What was exported and mailed.

    :ivar sent_as: how the mail brought it.
    :ivar url: where it can be fetched, if it was too large to attach.
    :ivar mails: how many mails it took.
    :ivar refused: the recipients who were refused a mail that others got, each time it happened.
    """

    sent_as: SentAs
    url: str | None = None
    mails: int = 1
    refused: tuple[RefusedRecipient, ...] = ()


def request_export(
    store: OrderStore,
    mailer: Mailer,
    request: ExportRequest,
    *,
    to: str | Iterable[str],
    now: datetime,
    sender: str | None = None,
    shelf: FileShelf | None = None,
    limit: int = MAIL_LIMIT,
    progress: Progress | None = None,
) -> ExportSummary:
    """Export, and mail the file (Shoppego, Orders page, FAQ 4: an e-mail with the CSV attached).

    The attached bytes are the file's bytes. A file above the limit is attached as a ZIP; where
    that is above it too, it is put on the shelf, and the mail carries the link. Where there is no
    shelf, it is cut into numbered mails, each with a whole CSV file: its header, and the records
    that come next. An order's line items stay in one mail, unless they alone are too many.

    :param to: one address, or several: ``name@host`` and no more.
    :param now: when it was asked for, aware; the mail's date, and the stamp in the file's name.
    :param sender: the address in From; None leaves it to the mailer.
    :param limit: how many bytes an attachment may take, in base64.
    :param progress: told how far the export is.
    :raises InvalidValue: for an address that is none, or nobody to mail to.
    :raises MailNotSent: if the mail was taken for no recipient: nothing was mailed; or, with
        ``Retry.UNKNOWN``, if nobody can tell.
    :raises ExportPartlyMailed: if that happened to one of several mails; says which were sent.
    :raises ExportTooLarge: where there is no shelf, and no mail can carry even one record of it;
        nothing is mailed.
    :raises OutputNotWritten: when the temporary file, or the shelf, is full.
    """
    letter = Letter.to(to, request, now, sender=sender)
    with spooled(store, request, now, progress) as spool:
        exported = attrs.asdict(spool.exported)
        attached = attached_mail(letter, spool, limit)
        if attached is not None:
            message, sent_as = attached
            refused = tuple(mailer.send(message) or ())
            return ExportSummary(**exported, sent_as=sent_as, refused=refused)
        if shelf is not None:
            url = shelf.put(spool.exported.file_name, spool.chunks())
            refused = tuple(mailer.send(linked_mail(letter, spool.exported, url)) or ())
            return ExportSummary(**exported, sent_as=SentAs.LINKED, url=url, refused=refused)
        mails, refused = _mail_parts(mailer, letter, spool, limit)
    return ExportSummary(**exported, sent_as=SentAs.SPLIT, mails=mails, refused=refused)


def mail_address(text: str, field: str) -> Address:
    """Take one e-mail address, ``name@host``, of any script.

    :param field: what it is, for the error.
    :raises InvalidValue: for anything else: several, a name beside it, a line break in it.
    """
    if isinstance(text, str) and text.isprintable() and _ADDRESS.fullmatch(text):  # pyright: ignore[reportUnnecessaryIsInstance]  # untyped callers
        name, _, host = text.rpartition("@")
        return Address(username=name, domain=host)
    raise InvalidValue(field, text, "one e-mail address such as name@shop.example")


def mail_addresses(to: str | Iterable[str]) -> tuple[str, ...]:
    """Take the addresses to mail to: one, or several.

    :raises InvalidValue: for one that is none, or nobody at all.
    """
    given = (to,) if isinstance(to, str) else tuple(to)
    if not given:
        raise InvalidValue("to", given, "at least one e-mail address")
    for address in given:
        mail_address(address, "to")
    return given


@attrs.frozen
class Letter:
    """What all mails about an export have in common: from whom to whom, when, and about what."""

    request: ExportRequest
    _to: tuple[Address, ...]
    _sender: Address | None
    _date: datetime

    @classmethod
    def to(
        cls, to: str | Iterable[str], request: ExportRequest, now: datetime, *, sender: str | None
    ) -> Self:
        """Address a letter; raises as :func:`request_export` does."""
        return cls(
            request,
            tuple(mail_address(address, "to") for address in mail_addresses(to)),
            None if sender is None else mail_address(sender, "sender"),
            local_time(now, request.tz),
        )

    @property
    def date(self) -> datetime:
        """When it was asked for, as the shop's clocks show it."""
        return self._date

    def about(self, exported: ExportedFile, how: str, number: str = "") -> EmailMessage:
        """Begin a mail: its headers, and its text.

        :param how: the file comes with it, as sentences.
        :param number: which one of several mails it is.
        """
        request, period = self.request, period_text(self.request)
        message = EmailMessage()
        if self._sender is not None:
            message["From"] = self._sender
        message["To"] = self._to
        message["Date"] = self._date
        orders = _counted(exported.orders, "order")
        message["Subject"] = header_text(f"Orders of {request.shop}, {period}: {orders}{number}")
        text = [
            f"Shop: {request.shop}",
            f"Period: {period} ({request.tz})",
            f"Orders: {exported.orders}",
            f"Records in the file: {exported.records}",
            f"File: {exported.file_name}",
        ]
        if exported.replaced:
            text.append(f"Characters that no file can hold, now U+FFFD: {exported.replaced}")
        message.set_content("\n".join((*text, "", how, "")))
        return message


def attached_mail(letter: Letter, spool: Spool, limit: int) -> tuple[EmailMessage, SentAs] | None:
    """Attach a file, or a ZIP archive of it; None where the limit allows neither.

    :raises OutputNotWritten: when the disk is full.
    """
    exported = spool.exported
    if exported.size <= _raw(limit):
        message = letter.about(exported, "The file is attached.")
        _attach_csv(message, b"".join(spool.chunks()), exported.file_name)
        return message, SentAs.ATTACHED
    with temporary_file() as archive:
        if _zipped(spool, archive, letter.date) > _raw(limit):
            return None
        message = letter.about(exported, "The file is attached, in a ZIP archive.")
        archive_name = f"{exported.file_name.removesuffix('.csv')}.zip"
        message.add_attachment(archive.read(), "application", "zip", filename=archive_name)
    return message, SentAs.ZIPPED


def linked_mail(letter: Letter, exported: ExportedFile, url: str) -> EmailMessage:
    """Write where the file can be fetched."""
    return letter.about(exported, f"The file is not attached. Fetch it here:\n{url}")


_ADDRESS: Final = re.compile(r"""[^\s@<>,;:"()\[\]\\]+@[^\s@<>,;:"()\[\]\\]+""")


def _mail_parts(
    mailer: Mailer, letter: Letter, spool: Spool, limit: int
) -> tuple[int, tuple[RefusedRecipient, ...]]:
    exported, header = spool.exported, len(spool.header())
    # All are cut before the first is sent: a record that no mail can carry is found in time.
    parts = tuple(spool.parts(_raw(limit) - header))
    largest = header + max(part.size for part in parts)
    if largest > _raw(limit):
        raise ExportTooLarge(exported.file_name, _in_base64(largest), limit)
    stem = exported.file_name.removesuffix(".csv")
    refused: list[RefusedRecipient] = []
    for number, part in enumerate(parts, 1):
        how = (
            f"This is part {number} of {len(parts)}, with {_counted(part.records, 'record')}. Each "
            "part is attached to a mail of its own, as a whole file with its header."
        )
        message = letter.about(exported, how, f" ({number} of {len(parts)})")
        _attach_csv(message, spool.part(part), f"{stem}-{number}-of-{len(parts)}.csv")
        try:
            refused += mailer.send(message) or ()
        except MailNotSent as error:
            if number == 1:
                raise
            raise ExportPartlyMailed(
                exported.file_name,
                number - 1,
                len(parts),
                error.problem,
                error.retry,
                tuple(refused),
            ) from error
    return len(parts), tuple(refused)


def _attach_csv(message: EmailMessage, data: bytes, name: str) -> None:
    message.add_attachment(data, "text", "csv", filename=name, params={"charset": "utf-8"})


def _zipped(spool: Spool, archive: IO[bytes], date: datetime) -> int:
    # The format knows the years 1980 to 2107 only.
    year = min(max(date.year, 1980), 2107)
    info = zipfile.ZipInfo(spool.exported.file_name, (year, *date.timetuple()[1:6]))
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3  # whatever machine writes it: the same bytes
    info.file_size = spool.exported.size
    with told_as_unwritten(TEMPORARY):
        with zipfile.ZipFile(archive, "w") as zipped, zipped.open(info, "w") as member:
            for chunk in spool.chunks():
                member.write(chunk)
        size = archive.tell()
        archive.seek(0)
    return size


def _in_base64(size: int) -> int:
    # 57 bytes make a line of 76 characters, and its line end two more.
    return -(-size // 57) * 78


def _raw(limit: int) -> int:
    """How many bytes at most take no more than the limit, in base64."""
    return limit // 78 * 57


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
