"""Everything that this library raises on purpose: one root, leaves with typed fields.

The message of an error is built from its fields and is not part of the public interface;
the class and the fields are. Fields are positional, so errors survive pickling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

import attrs

if TYPE_CHECKING:
    from shoppego_orders.order.statuses import Blocker

_error = attrs.define(eq=False, repr=False)


class OrdersError(Exception):
    """The root: ``except OrdersError`` catches whatever this library raises on purpose."""


@_error
class InvalidValue(OrdersError, ValueError):
    """An argument, or a field of an input, that can't be taken as it is.

    :ivar field: which one, as a path where it is inside something (``items[2].price``).
    :ivar value: what was given.
    :ivar expected: what would be right, as the rest of a sentence ("an amount above zero").
    """

    field: str
    value: object
    expected: str

    def __str__(self) -> str:
        return f"{self.field} is {shown(self.value)}; expected {self.expected}"


@_error
class NaiveDatetime(OrdersError, ValueError):
    """A date and time without a zone, where an instant is needed."""

    field: str
    value: datetime

    def __str__(self) -> str:
        return (
            f"{self.field} is {self.value.isoformat()} without a time zone; "
            "give an aware datetime, for example datetime.now(UTC)"
        )


@_error
class UnknownCurrency(OrdersError, ValueError):
    """A currency code that ISO 4217 does not list."""

    code: object

    def __str__(self) -> str:
        return f"{shown(self.code)} is not an ISO 4217 currency code such as 'MYR'"


@_error
class CurrencyMismatch(OrdersError, ValueError):
    """Two currencies in one sum or comparison."""

    left: str
    right: str

    def __str__(self) -> str:
        return f"{self.left} and {self.right} can't be added or compared; convert first"


@_error
class UnknownTimeZone(OrdersError, ValueError):
    """A time zone name that the IANA database does not list."""

    name: object

    def __str__(self) -> str:
        return f"{shown(self.name)} is not an IANA time zone such as 'Asia/Kuala_Lumpur'"


@_error
class InvalidPeriod(OrdersError, ValueError):
    """A period whose end is not after its start."""

    start: object
    end: object

    def __str__(self) -> str:
        return (
            f"a period from {self.start} until {self.end} holds no time: its end is the first "
            "moment (or day) that no longer counts, and must be later than its start"
        )


@_error
class CommandRefused(OrdersError):
    """A command that the order's state does not allow; the order is as it was.

    :ivar command: the command's name, as in ``Order.blockers``.
    :ivar order_id: of the order that refused it.
    :ivar blockers: every reason, not only the first.
    """

    command: str
    order_id: str
    blockers: Sequence[Blocker]

    def __str__(self) -> str:
        reasons = "; ".join(str(blocker) for blocker in self.blockers)
        return f"order {self.order_id} refuses {self.command}: {reasons}"


@_error
class BrokenHistory(OrdersError):
    """Events that are not one order's whole history in its own sequence."""

    event_id: str | None
    problem: str

    def __str__(self) -> str:
        at = "the history" if self.event_id is None else f"event {self.event_id}"
        return f"{at} can't be replayed: {self.problem}"


@_error
class OrderNotFound(OrdersError, LookupError):
    """No order of this id is stored."""

    order_id: str

    def __str__(self) -> str:
        return f"no order {shown(self.order_id)} is stored"


@_error
class StaleOrder(OrdersError):
    """Someone saved the order first; nothing was written. Load it again and repeat.

    :ivar version: the version that the caller's order was loaded at.
    :ivar stored_version: the version that the store holds.
    """

    order_id: str
    version: int
    stored_version: int

    def __str__(self) -> str:
        return (
            f"order {self.order_id} was loaded at version {self.version}, "
            f"and version {self.stored_version} is stored; load it again"
        )


@_error
class DuplicateOrder(OrdersError):
    """A new order whose id, or whose number in the same shop, is taken; nothing was written."""

    order_id: str
    shop: str
    number: str

    def __str__(self) -> str:
        return f"order {self.order_id} ({self.number} of {self.shop}) is stored already"


@_error
class StoreUnusable(OrdersError):
    """The store can't be opened, read or written: a wrong file, no permission, a full disk.

    :ivar target: the file or address, without credentials.
    :ivar problem: what the store's driver said.
    :ivar perhaps_written: whether what was to be written may have been. Nothing was, unless this
        is True: the connection was lost after the database had been told to commit. To write the
        same again is safe: what was written is then refused as stale, as a duplicate or as
        claimed.
    """

    target: str
    problem: str
    perhaps_written: bool = False

    def __str__(self) -> str:
        if self.perhaps_written:
            return f"nobody knows whether {self.target} has kept what was saved: {self.problem}"
        return f"the orders in {self.target} can't be used: {self.problem}"


@_error
class PortUnreachable(OrdersError, RuntimeError):
    """An async port that can't be called from here: see ``blocking``.

    :ivar call: the port's method.
    :ivar problem: why not.
    """

    call: str
    problem: str

    def __str__(self) -> str:
        return f"{self.call} can't be called: {self.problem}"


class Retry(StrEnum):
    """Whether sending a mail again may help. Nothing here does so by itself: the host chooses."""

    AGAIN = "again"
    """It was not taken, for a reason that may pass."""
    NEVER = "never"
    """It was not taken, and will not be unless the mail, an address or a setting is changed."""
    UNKNOWN = "unknown"
    """It may have been taken, and the answer got lost: sent again, it may arrive twice."""


@attrs.frozen
class RefusedRecipient:
    """One whom a mail server refused.

    :ivar code: the server's reply code, such as 550.
    :ivar text: what it said besides, on one line.
    """

    address: str
    code: int
    text: str

    @property
    def retry(self) -> Retry:
        """Whether it may be taken another time: codes from 400 to 499 say so."""
        return Retry.AGAIN if 400 <= self.code < 500 else Retry.NEVER

    def __str__(self) -> str:
        return f"{self.address} ({self.code} {self.text})"


@_error
class MailNotSent(OrdersError):
    """A message was taken for no recipient; or nobody knows, where ``retry`` is unknown.

    :ivar recipients: all whom it was for.
    :ivar retry: whether to send it again may help.
    :ivar refused: those whom the server refused by name.
    """

    recipients: Sequence[str]
    problem: str
    retry: Retry
    refused: Sequence[RefusedRecipient] = ()

    def __str__(self) -> str:
        mail = f"mail to {', '.join(self.recipients)}"
        if self.retry is Retry.UNKNOWN:
            return f"nobody knows whether {mail} was sent: {self.problem}"
        again = ", and may be tried again" if self.retry is Retry.AGAIN else ""
        return f"{mail} was not sent{again}: {self.problem}"


@_error
class InvalidDocument(OrdersError, ValueError):
    """A stored document, or a payload, that can't be read.

    :ivar path: where in the document ("checkout.items[0].price"; "" is the whole).
    :ivar problem: what is wrong there, with the value, and what would be right.
    """

    path: str
    problem: str

    def __str__(self) -> str:
        return f"{self.path or 'the document'}: {self.problem}"


@_error
class UnknownDocumentVersion(OrdersError, ValueError):
    """A document written by a newer release, or by none."""

    found: object
    newest_known: int

    def __str__(self) -> str:
        return (
            f"document version {shown(self.found)} is unknown here (1 to {self.newest_known} "
            "are known); a newer shoppego_orders may have written it"
        )


@_error
class InvalidTable(OrdersError, ValueError):
    """A source table, or someone's list of sources, that can't be taken; nothing was loaded.

    :ivar origin: the file or list.
    :ivar entry: which entry, by its key or number.
    :ivar line: its line in the file, where the format gives one.
    :ivar problem: what is wrong with it.
    """

    origin: str
    entry: str
    line: int | None
    problem: str

    def __str__(self) -> str:
        where = "" if self.line is None else f", line {self.line}"
        return f"{self.origin}{where}: {self.entry}: {self.problem}"


@_error
class OutputNotWritten(OrdersError):
    """A file that can't be written; nothing that looks finished was left."""

    path: str
    problem: str

    def __str__(self) -> str:
        return f"{self.path} was not written: {self.problem}"


@_error
class ExportTooLarge(OrdersError):
    """An export with a record that no mail can carry, where there is no shelf for the file.

    :ivar size: in bytes, as a mail with this record alone would carry it (in base64).
    :ivar limit: what a mail may carry.
    """

    file_name: str
    size: int
    limit: int

    def __str__(self) -> str:
        return (
            f"a single record of {self.file_name} would take {self.size} bytes of a mail, and "
            f"{self.limit} are the limit; give a file shelf, or fewer columns"
        )


@_error
class ExportPartlyMailed(OrdersError):
    """An export in several mails, of which the first ones were sent, and the others were not.

    :ivar sent: how many were sent: the mails 1 to this number.
    :ivar mails: how many there are.
    :ivar problem: why the next one was not.
    :ivar retry: whether to send that one again may help; where it is unknown, it may have been
        sent too.
    :ivar refused: recipients who were refused those that were sent.
    """

    file_name: str
    sent: int
    mails: int
    problem: str
    retry: Retry
    refused: Sequence[RefusedRecipient] = ()

    def __str__(self) -> str:
        perhaps = " and perhaps the next" if self.retry is Retry.UNKNOWN else ""
        return (
            f"of {self.file_name}, the mails 1 to {self.sent} of {self.mails}{perhaps} were sent, "
            f"and the others were not: {self.problem}"
        )


@_error
class FileNotRemoved(OrdersError):
    """A file on the shelf that can't be removed: it is still there."""

    url: str
    problem: str

    def __str__(self) -> str:
        return f"{self.url} was not removed: {self.problem}"


@_error
class ExportNotFound(OrdersError, LookupError):
    """No export of this id was asked for."""

    export_id: str

    def __str__(self) -> str:
        return f"no export {shown(self.export_id)} was asked for"


@_error
class DuplicateExport(OrdersError):
    """An export whose id is taken; nothing was written."""

    export_id: str

    def __str__(self) -> str:
        return f"export {shown(self.export_id)} was asked for already"


@_error
class StaleExport(OrdersError):
    """Someone saved the export first; nothing was written.

    :ivar version: the version that the caller's export was loaded at.
    :ivar stored_version: the version that the log holds.
    """

    export_id: str
    version: int
    stored_version: int

    def __str__(self) -> str:
        return (
            f"export {self.export_id} was loaded at version {self.version}, "
            f"and version {self.stored_version} is stored; load it again"
        )


@_error
class ExportNotDue(OrdersError):
    """An export with nothing for a worker to do: it has ended, or another worker has it.

    :ivar status: how it stands.
    """

    export_id: str
    status: str

    def __str__(self) -> str:
        return (
            f"export {self.export_id} is {self.status}; only one that is queued, or whose worker "
            "has given no sign of life for long, is run"
        )


@_error
class InputNotRead(OrdersError):
    """A file that can't be read, or that ends in the middle.

    :ivar line: the last line that was read whole, 0 for none.
    """

    path: str
    line: int
    problem: str

    def __str__(self) -> str:
        return f"{self.path} can't be read after line {self.line}: {self.problem}"


@_error
class LineNotImported(OrdersError):
    """A bad line in a file of many, where bad lines stop the run; the lines before it are kept.

    :ivar line: its number, from 1.
    :ivar problem: what is wrong with it.
    """

    line: int
    problem: str

    def __str__(self) -> str:
        return f"line {self.line} was not imported: {self.problem}; the lines before it were"


@_error
class TooManySavedTabs(OrdersError):
    """A sixth saved tab; Shoppego keeps at most five (Shoppego, Orders page, saved filters)."""

    limit: int

    def __str__(self) -> str:
        return f"at most {self.limit} filters can be saved as tabs; remove one first"


@_error
class TaskNotClaimed(OrdersError, LookupError):
    """A task to be settled that nobody claimed."""

    key: str

    def __str__(self) -> str:
        return f"task {self.key} was not claimed, so it can't be settled"


@_error
class TaskSettled(OrdersError):
    """A task to be settled that ended otherwise before."""

    key: str
    outcome: str

    def __str__(self) -> str:
        return f"task {self.key} ended before, as {self.outcome}"


@_error
class RecoveryLinkRefused(OrdersError):
    """A recovery link that is not taken: whoever followed it sees the shop, and nothing more.

    :ivar reason: ``missing`` where the link carries no token; ``altered`` where it was not
        written with one of the keys, or was changed since; ``expired``.
    """

    reason: Literal["missing", "altered", "expired"]

    def __str__(self) -> str:
        what = {
            "missing": "it carries no token",
            "altered": "it was not written with one of our keys, or was changed since",
            "expired": "it has expired",
        }[self.reason]
        return f"the recovery link is refused: {what}"


@_error
class InvalidFrame(OrdersError, ValueError):
    """A data frame with columns that can't be taken; nothing of the batch was worked on.

    :ivar problems: by column, in the frame's own names: what is wrong, and what would be right.
    """

    problems: Mapping[str, str]

    def __str__(self) -> str:
        told = "; ".join(f"{column} {problem}" for column, problem in self.problems.items())
        return f"the data frame can't be taken: {told}"


@_error
class InvalidParts(OrdersError, ValueError):
    """A folder whose files don't make the file that they are the parts of."""

    folder: str
    problem: str

    def __str__(self) -> str:
        return f"the parts in {self.folder} can't be joined: {self.problem}"


@_error
class MissingExtra(OrdersError, ImportError):
    """A part that needs a package which is not installed."""

    package: str
    extra: str

    def __str__(self) -> str:
        return (
            f"{self.package} is not installed; install it with "
            f"pip install 'shoppego-orders[{self.extra}]'"
        )


def shown(value: object) -> str:
    """Write a value that was given for a message, and no more than 80 characters of it."""
    try:
        text = repr(value)
    except ValueError:  # an int of more digits than Python turns into text
        return "a number of very many digits"
    return text if len(text) <= 80 else f"{text[:77]}..."
