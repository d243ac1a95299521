"""The Downloads page: exports that are asked for, run by a worker, listed, mailed and deleted.

An export changes nothing but its own file, so one whose worker died is run again from the
beginning. Each step is a guarded save of its record: of two workers who take one export one is let
through, and a worker that was thought dead, or whose export was deleted meanwhile, is told by its
next save and takes back what it has put on the shelf.

Mail is another matter: it can't be taken back. It is noted as being sent before it is, and as sent
after; a worker that dies between the two leaves it so, and it is never sent again by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any, Final

import attrs

from shoppego_orders.errors import (
    ExportNotDue,
    InvalidValue,
    MailNotSent,
    OrdersError,
    Retry,
    StaleExport,
    StoreUnusable,
)
from shoppego_orders.export.delivery import (
    MAIL_LIMIT,
    Letter,
    attached_mail,
    linked_mail,
    mail_address,
    mail_addresses,
)
from shoppego_orders.export.documents import OwnColumns, request_from_json, request_to_json
from shoppego_orders.export.request import ExportRequest, Progress
from shoppego_orders.export.spool import ExportedFile, Spool, spooled
from shoppego_orders.periods import utc
from shoppego_orders.ports import (
    Export,
    ExportLog,
    ExportStatus,
    FileShelf,
    Mailer,
    MailStatus,
    OrderStore,
)

Clock = Callable[[], datetime]
"""What a worker asks for the present, aware: a run is too long for one moment to be all of it."""

SIGN_OF_LIFE: Final = timedelta(seconds=2)
"""How often a worker writes down how far it is."""


def _sender(sender: str | None) -> str | None:
    if sender is not None:
        mail_address(sender, "sender")
    return sender


def _stall(_instance: object, _attribute: object, value: timedelta) -> None:
    if value <= 2 * SIGN_OF_LIFE:
        raise InvalidValue("stalled_after", value, f"more than {2 * SIGN_OF_LIFE}")


@attrs.frozen
class Exports:
    """Exports over a store, a log in which they are written down, and a shelf for their files.

    :ivar store: whose orders are exported.
    :ivar log: where the exports are written down.
    :ivar shelf: where the files are put.
    :ivar mailer: for workers. What is to be mailed waits until one who has a mailer runs it.
    :ivar sender: the address in From; None leaves it to the mailer.
    :ivar limit: how many bytes an attachment may take, in base64; a larger file is linked.
    :ivar stalled_after: a running export that gave no sign of life for so long is taken over.
        Longer than the store ever takes for its first row, or the shelf for its last byte.
    :ivar own: the host's own columns, which may be asked for.
    """

    store: OrderStore
    log: ExportLog
    shelf: FileShelf
    mailer: Mailer | None = None
    sender: str | None = attrs.field(default=None, kw_only=True, converter=_sender)
    limit: int = attrs.field(default=MAIL_LIMIT, kw_only=True)
    stalled_after: timedelta = attrs.field(
        default=timedelta(minutes=15), kw_only=True, validator=_stall
    )
    own: OwnColumns = attrs.field(default=(), kw_only=True)

    def ask(
        self,
        request: ExportRequest,
        *,
        id: str,
        now: datetime,
        to: str | Iterable[str] = (),
    ) -> Export:
        """Ask for an export; it is queued until a worker runs it.

        :param id: new, such as ``str(uuid.uuid4())``. Asked twice under one id, there is one.
        :param now: when it was asked for, aware; the stamp in the file's name.
        :param to: whom to mail it to: nobody, one address, or several.
        :raises DuplicateExport: if the id is taken.
        :raises InvalidValue: for an address that is none, or a column that is neither one that
            ships nor one of :attr:`own`.
        :raises NaiveDatetime: for a time without a zone.
        """
        document = request_to_json(request)
        if self._read(document) != request:
            known = "columns that ship, or that own names"
            raise InvalidValue(
                "columns", tuple(each.key for each in request.columns.columns), known
            )
        addresses = mail_addresses(to) if to else ()
        return self.log.save(
            Export(
                id=id,
                shop=request.query.shop,
                request=document,
                to=addresses,
                asked_at=now,
                mail=MailStatus.DUE if addresses else MailStatus.NONE,
            )
        )

    def downloads(self, shop: str | None = None) -> Iterator[Export]:
        """Yield what the Downloads page lists, the newest first: all but the deleted.

        :param shop: only this shop's; all shops' unless told.
        """
        listed = self.log.exports(shop=shop)
        return (each for each in listed if each.status is not ExportStatus.DELETED)

    def due(self, now: datetime, shop: str | None = None) -> Iterator[Export]:
        """Yield what a worker has to :meth:`run`, the oldest first.

        They are queued, or their worker is gone, or their mail is left to be sent.

        :param now: the present, aware.
        :param shop: only this shop's; all shops' unless told.
        """
        now = utc(now, "now")
        left = list(self.log.exports(shop=shop, open_only=True))
        return (export for export in reversed(left) if self._is_due(export, now))

    def unknown_mails(self, shop: str | None = None) -> Iterator[Export]:
        """Yield the exports of which nobody knows whether their mail was sent, newest first.

        Their worker is at it this moment, or it died, or the mail server's answer got lost; then
        ``problem`` says so. Whoever has found out says so too:
        ``log.save(attrs.evolve(export, mail=MailStatus.SENT))``; or FAILED, or DUE to send it.

        :param shop: only this shop's; all shops' unless told.
        """
        left = self.log.exports(shop=shop, open_only=True)
        return (export for export in left if export.mail is MailStatus.SENDING)

    def run(self, export_id: str, clock: Clock, progress: Progress | None = None) -> Export:
        """Run an export: write its file, put it on the shelf, and mail it.

        What goes wrong with it is written down, and not raised: the export has failed then, and
        nothing lies on the shelf. So it is where the mail fails; the export is completed.

        :param clock: tells the present, such as ``lambda: datetime.now(UTC)``.
        :param progress: told how far it is, besides the log.
        :returns: the export as it stands then: completed or failed; or else as others have left
            it, where it was deleted meanwhile, or taken over because it seemed to stand still.
        :raises ExportNotFound: if there is none.
        :raises ExportNotDue: if there is nothing to do, or another worker is at it.
        """
        export, now = self.log.get(export_id), utc(clock(), "clock")
        if not self._is_due(export, now):
            raise ExportNotDue(export.id, export.status)
        if export.status is ExportStatus.COMPLETED:
            return self._mailed(export)
        try:
            taken = self.log.save(
                attrs.evolve(
                    export,
                    status=ExportStatus.RUNNING,
                    started_at=now,
                    seen_at=now,
                    orders=0,
                    total=None,
                )
            )
        except StaleExport:
            raise ExportNotDue(export.id, self.log.get(export.id).status) from None
        return self._made(_Run(self.log, taken, clock, progress))

    def delete(self, export_id: str, now: datetime) -> Export:
        """Delete an export, in whatever state: its file is removed, its record stays as deleted.

        Deleting it again changes nothing; a worker that is at it stops.

        :param now: the present, aware.
        :raises ExportNotFound: if there is none.
        :raises FileNotRemoved: if the file is still there; then nothing has changed.
        """
        now = utc(now, "now")
        while True:
            export = self.log.get(export_id)
            if export.status is ExportStatus.DELETED:
                return export
            # The file first: a crash in between leaves an export that is deleted once more.
            if export.url is not None:
                self.shelf.remove(export.url)
            gone = attrs.evolve(export, status=ExportStatus.DELETED, url=None, ended_at=now)
            try:
                return self.log.save(gone)
            except StaleExport:
                continue

    def _is_due(self, export: Export, now: datetime) -> bool:
        match export.status:
            case ExportStatus.QUEUED:
                return True
            case ExportStatus.RUNNING:
                return export.seen_at is None or now - export.seen_at >= self.stalled_after
            case ExportStatus.COMPLETED:
                return export.mail is MailStatus.DUE and self.mailer is not None
            case _:
                return False

    def _made(self, run: _Run) -> Export:
        with ExitStack() as opened:
            try:
                request = self._read(run.export.request)
                spool = opened.enter_context(
                    spooled(self.store, request, run.export.asked_at, run.told)
                )
                url = self.shelf.put(spool.exported.file_name, run.watched(spool.chunks()))
            except StaleExport:
                return self.log.get(run.export.id)
            except OrdersError as error:
                return self._failed(run, str(error))
            except Exception as error:
                # Not ours: written down, so that it is not run again for ever, and raised.
                self._failed(run, f"{type(error).__name__}: {error}")
                raise
            # Any: each field's value is of its kind
            exported: dict[str, Any] = attrs.asdict(spool.exported)
            run.export = attrs.evolve(run.export, url=url, **exported, total=spool.exported.orders)
            # Its mail is claimed by the same save: else another worker could come between.
            mail, message, problem = self._claim(run.export, spool)
            try:
                export = run.ended(ExportStatus.COMPLETED, mail=mail, problem=problem)
            except StaleExport:
                self.shelf.remove(url)
                return self.log.get(run.export.id)
            except StoreUnusable as away:
                # It is run again, and would lie there twice; unless it is completed after all.
                if not away.perhaps_written:
                    self.shelf.remove(url)
                raise
        return self._sent(export, message)

    def _failed(self, run: _Run, problem: str) -> Export:
        try:
            return run.ended(ExportStatus.FAILED, problem=problem)
        except StaleExport:
            return self.log.get(run.export.id)

    def _mailed(self, export: Export) -> Export:
        """Send the mail of an export that was completed before."""
        mail, message, problem = self._claim(export, None)
        try:
            export = self.log.save(attrs.evolve(export, mail=mail, problem=problem))
        except StaleExport:
            return self.log.get(export.id)
        return self._sent(export, message)

    def _claim(
        self, export: Export, spool: Spool | None
    ) -> tuple[MailStatus, EmailMessage | None, str]:
        """What is to be written down before the mail is sent, and the mail."""
        if export.mail is not MailStatus.DUE or self.mailer is None:
            return export.mail, None, export.problem
        try:
            return MailStatus.SENDING, self._message(export, spool), ""
        except OrdersError as error:
            return MailStatus.FAILED, None, str(error)

    def _sent(self, export: Export, message: EmailMessage | None) -> Export:
        """Send what was claimed, and settle it."""
        if message is None or self.mailer is None:
            return export
        try:
            refused = self.mailer.send(message)
        except MailNotSent as error:
            unknown = error.retry is Retry.UNKNOWN
            mail = MailStatus.SENDING if unknown else MailStatus.FAILED
            return self._settled(export.id, mail, str(error))
        told = f"its mail was refused for {', '.join(map(str, refused))}" if refused else ""
        return self._settled(export.id, MailStatus.SENT, told)

    def _message(self, export: Export, spool: Spool | None) -> EmailMessage:
        request = self._read(export.request)
        letter = Letter.to(export.to, request, export.asked_at, sender=self.sender)
        if spool is not None:
            attached = attached_mail(letter, spool, self.limit)
            if attached is not None:
                message, _ = attached
                return message
        assert export.url is not None  # it is completed
        return linked_mail(letter, _file_of(export), export.url)

    def _settled(self, export_id: str, mail: MailStatus, problem: str) -> Export:
        """Say what became of the mail, whatever became of the export meanwhile."""
        while True:
            export = self.log.get(export_id)
            try:
                return self.log.save(attrs.evolve(export, mail=mail, problem=problem))
            except StaleExport:
                continue

    def _read(self, document: str) -> ExportRequest:
        return request_from_json(document, self.own)


@attrs.define
class _Run:
    """One worker at one export; every save tells whether it is still this worker's."""

    log: ExportLog
    export: Export
    clock: Clock
    progress: Progress | None

    def told(self, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(done, total)
        now = utc(self.clock(), "clock")
        assert self.export.seen_at is not None  # since it was taken
        # The first time at once, so that the page knows how many there are.
        if self.export.total is None or now - self.export.seen_at >= SIGN_OF_LIFE:
            seen = attrs.evolve(self.export, orders=done, total=total, seen_at=now)
            self.export = self.log.save(seen)

    def watched(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The finished file on its way to the shelf."""
        total = self.export.total or 0
        for chunk in chunks:
            self.told(total, total)
            yield chunk

    # Any: fields of an export, each of its kind
    def ended(self, status: ExportStatus, **changes: Any) -> Export:
        now = utc(self.clock(), "clock")
        return self.log.save(
            attrs.evolve(self.export, status=status, seen_at=now, ended_at=now, **changes)
        )


def _file_of(export: Export) -> ExportedFile:
    return ExportedFile(
        file_name=export.file_name,
        orders=export.orders,
        records=export.records,
        replaced=export.replaced,
        size=export.size,
    )
