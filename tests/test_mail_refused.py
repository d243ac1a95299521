"""Mail that was refused, or perhaps was not: who is told what, and that nothing is sent twice."""

from __future__ import annotations

import socket
import string
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from email.message import EmailMessage
from random import Random

import attrs
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from abandonment_examples import begun
from mail_servers import Inbox, answering, free_port, serving
from recovery_examples import FIRST, HOUR, PLAN, Desk, key_of, left
from shoppego_orders.abandonment import RemindResult, remind, unknown_reminders
from shoppego_orders.adapters.memory import (
    MemoryExportLog,
    MemoryOrderStore,
    MemoryShelf,
    RecordingMailer,
)
from shoppego_orders.adapters.smtp import SmtpMailer
from shoppego_orders.errors import ExportPartlyMailed, MailNotSent, RefusedRecipient, Retry
from shoppego_orders.export import ExportRequest, Exports, request_export
from shoppego_orders.ports import ExportStatus, MailStatus, Outcome, Task
from shoppego_orders.testing.samples import NOON, order_of

TO = "aminah@example.my"
REFUSED = RefusedRecipient("refused@example.my", 550, "no such customer")
LATER = RefusedRecipient("later@example.my", 450, "come again")
CLOSING = RefusedRecipient("closing@example.my", 421, "we close")


def mailer_at(port: int, said: str = "") -> SmtpMailer:
    """A mailer that waits long enough on any machine; not so long where nothing will come."""
    timeout = 1.5 if said == "timed out" else 20.0
    return SmtpMailer("127.0.0.1", port, tls="none", timeout=timeout)


def a_mail(*to: str) -> EmailMessage:
    message = EmailMessage()
    message["To"] = ", ".join(to)
    message["Subject"] = "Pesanan anda"
    message.set_content("Terima kasih.\n")
    return message


@contextmanager
def nobody() -> Generator[int]:
    yield free_port()


@contextmanager
def silent() -> Generator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


Server = Callable[[], AbstractContextManager[int]]
HELLO = ("220 hello", "250 hello")
TAKES = (*HELLO, "250 from", "250 to")
SENT = (*TAKES, "354 go ahead")

TO_EACH: dict[str, tuple[Server, str, Retry, str]] = {
    "4xx at RCPT": (lambda: serving(Inbox()), "later@example.my", Retry.AGAIN, "450 come again"),
    "421 at RCPT": (lambda: serving(Inbox()), "closing@example.my", Retry.AGAIN, "421 we close"),
    "5xx at RCPT": (lambda: serving(Inbox()), "refused@example.my", Retry.NEVER, "550 no such"),
    "4xx at DATA": (lambda: serving(Inbox("452 full")), TO, Retry.AGAIN, "452 full"),
    "5xx at DATA": (lambda: serving(Inbox("554 spam")), TO, Retry.NEVER, "554 spam"),
    "cut after the dot": (lambda: serving(Inbox("cut")), TO, Retry.UNKNOWN, "closed"),
    "silence after the dot": (lambda: serving(Inbox("silence")), TO, Retry.UNKNOWN, "timed out"),
    "nobody listens": (nobody, TO, Retry.AGAIN, "refused"),
    "says nothing": (silent, TO, Retry.AGAIN, "timed out"),
    "closes at once": (answering, TO, Retry.AGAIN, "closed"),
}
EACH = pytest.mark.parametrize(
    ("server", "to", "retry", "said"), TO_EACH.values(), ids=TO_EACH.keys()
)


# What the mailer says


@EACH
def test_the_mailer_says_whether_to_try_again(
    server: Server, to: str, retry: Retry, said: str
) -> None:
    with server() as port, pytest.raises(MailNotSent, match=said) as told:
        mailer_at(port, said).send(a_mail(to))
    assert told.value.recipients == (to,)
    assert told.value.retry is retry
    by_name = [each for each in (REFUSED, LATER, CLOSING) if each.address == to]
    assert list(told.value.refused) == by_name


@pytest.mark.parametrize(
    ("answers", "retry"),
    [
        (("554 go away",), Retry.NEVER),
        (("421 too many of you",), Retry.AGAIN),
        (("HTTP/1.1 400 Bad Request",), Retry.NEVER),
        (HELLO, Retry.AGAIN),
        ((*HELLO, "451 not now"), Retry.AGAIN),
        ((*HELLO, "550 who are you"), Retry.NEVER),
        (TAKES, Retry.AGAIN),  # it hangs up when it is told DATA
        ((*TAKES, "451 no room"), Retry.AGAIN),
        ((*TAKES, "554 no"), Retry.NEVER),
        (SENT, Retry.UNKNOWN),
        ((*SENT, "what?"), Retry.UNKNOWN),
        ((*SENT, "252 perhaps"), Retry.UNKNOWN),
        ((*SENT, f"250 {'x' * 9_000}"), Retry.UNKNOWN),  # an answer too long to be read
        ((*SENT, "421 not taken"), Retry.AGAIN),
        ((*SENT, "550 not taken"), Retry.NEVER),
    ],
)
def test_only_a_lost_answer_to_the_message_itself_is_unknown(
    answers: tuple[str, ...], retry: Retry
) -> None:
    with answering(*answers) as port, pytest.raises(MailNotSent) as told:
        mailer_at(port).send(a_mail(TO))
    assert told.value.retry is retry


@pytest.mark.parametrize(
    ("answers", "retry"),
    [
        (("454 no TLS at the moment",), Retry.AGAIN),
        (("501 no",), Retry.NEVER),
        ((), Retry.AGAIN),
        (("220 go ahead",), Retry.AGAIN),  # and it hangs up
        (("220 go ahead", "this is no TLS"), Retry.NEVER),
    ],
)
def test_encryption_that_does_not_come_about(answers: tuple[str, ...], retry: Retry) -> None:
    hello = ("220 hello", "250-hello\r\n250 STARTTLS")
    with answering(*hello, *answers) as port, pytest.raises(MailNotSent) as told:
        SmtpMailer("127.0.0.1", port).send(a_mail(TO))
    assert told.value.retry is retry


@pytest.mark.parametrize(
    ("answer", "retry"),
    [("535 wrong", Retry.NEVER), ("454 not now", Retry.AGAIN), ("421 closing", Retry.AGAIN)],
)
def test_a_log_in_that_is_refused(answer: str, retry: Retry) -> None:
    mailer = attrs.evolve(mailer_at(25), username="shop", password="rahsia")
    with (
        answering("220 hello", "250-hello\r\n250 AUTH PLAIN", answer) as port,
        pytest.raises(MailNotSent, match=answer) as told,
    ):
        attrs.evolve(mailer, port=port).send(a_mail(TO))
    assert told.value.retry is retry


def test_where_some_are_refused_the_others_get_it_and_each_refusal_is_returned() -> None:
    inbox = Inbox()
    with serving(inbox) as port:
        refused = mailer_at(port).send(a_mail(REFUSED.address, TO, LATER.address))
        assert mailer_at(port).send(a_mail(TO)) == ()
    assert refused == (REFUSED, LATER)
    assert [each.retry for each in refused] == [Retry.NEVER, Retry.AGAIN]
    assert [envelope.rcpt_tos for envelope in inbox.envelopes] == [[TO], [TO]]


def test_where_all_are_refused_one_who_may_be_taken_later_is_reason_to_try_again() -> None:
    too = attrs.evolve(REFUSED, address="refused.too@example.my")
    for some, retry in (((REFUSED, too), Retry.NEVER), ((REFUSED, LATER), Retry.AGAIN)):
        with serving(Inbox()) as port, pytest.raises(MailNotSent) as told:
            mailer_at(port).send(a_mail(*(each.address for each in some)))
        assert told.value.refused == some
        assert told.value.retry is retry
        assert "refused@example.my (550 no such customer)" in told.value.problem


def test_a_server_that_closes_while_it_is_told_to_whom_has_taken_it_for_nobody() -> None:
    inbox = Inbox()
    with serving(inbox) as port, pytest.raises(MailNotSent) as told:
        mailer_at(port).send(a_mail(TO, CLOSING.address, REFUSED.address))
    assert (told.value.retry, told.value.refused) == (Retry.AGAIN, (CLOSING,))
    assert inbox.envelopes == []


# What becomes of a reminder


@EACH
def test_a_reminder_is_failed_or_unknown_and_never_sent_again(
    server: Server, to: str, retry: Retry, said: str
) -> None:
    desk = Desk(left(begun(email=to)))
    with server() as port:
        result = remind(desk.store, desk.tasks, mailer_at(port, said), PLAN, FIRST)
    if retry is Retry.UNKNOWN:
        assert result == RemindResult(unknown=result.unknown)
        assert said in result.unknown[key_of()]
        assert list(unknown_reminders(desk.tasks)) == [Task(key_of(), FIRST)]
    else:
        assert result == RemindResult(failed=result.failed)
        assert said in result.failed[key_of()]
        assert desk.reminders() == {key_of(): (Outcome.FAILED, result.failed[key_of()])}
        assert list(unknown_reminders(desk.tasks)) == []
    assert desk.remind(FIRST + HOUR) == RemindResult()
    assert desk.mailer.messages == []
    # About a newer order they are written to, unless they have perhaps got a mail just now.
    desk.store.save(left(begun("2", at=FIRST - HOUR, email=to)))
    assert desk.remind(FIRST + HOUR).sent == (() if retry is Retry.UNKNOWN else (key_of("2"),))


# What becomes of the mail about an export


@EACH
def test_the_mail_of_an_export_is_failed_or_unknown_and_sent_again_only_when_told(
    server: Server, to: str, retry: Retry, said: str
) -> None:
    log, mailer = MemoryExportLog(), RecordingMailer()
    exports = Exports(MemoryOrderStore(), log, MemoryShelf())
    exports.ask(ExportRequest(), id="e1", now=NOON, to=to)
    with server() as port:
        done = attrs.evolve(exports, mailer=mailer_at(port, said)).run("e1", lambda: NOON)
    unknown = retry is Retry.UNKNOWN
    assert done.status is ExportStatus.COMPLETED
    assert done.mail is (MailStatus.SENDING if unknown else MailStatus.FAILED)
    assert said in done.problem
    assert list(exports.unknown_mails()) == ([done] if unknown else [])
    healthy = attrs.evolve(exports, mailer=mailer)
    assert list(healthy.due(NOON)) == []
    log.save(attrs.evolve(done, mail=MailStatus.DUE))  # the host's choice
    again = healthy.run("e1", lambda: NOON)
    assert (again.mail, again.problem) == (MailStatus.SENT, "")
    assert [message["To"] for message in mailer.messages] == [to]


def test_whom_the_mail_of_an_export_did_not_reach_is_told() -> None:
    exports = Exports(MemoryOrderStore(), MemoryExportLog(), MemoryShelf())
    exports.ask(ExportRequest(), id="e1", now=NOON, to=(TO, REFUSED.address, LATER.address))
    with serving(Inbox()) as port:
        done = attrs.evolve(exports, mailer=mailer_at(port)).run("e1", lambda: NOON)
    assert (done.status, done.mail) == (ExportStatus.COMPLETED, MailStatus.SENT)
    assert done.problem == (
        "its mail was refused for refused@example.my (550 no such customer), "
        "later@example.my (450 come again)"
    )


def orders() -> MemoryOrderStore:
    """Several, with notes that no archive makes small."""
    store = MemoryOrderStore()
    for number in range(6):
        note = "".join(Random(number).choices(string.ascii_letters + "☕,\n", k=900))
        store.save(order_of(f"{number}", note=note))
    return store


@pytest.mark.parametrize(
    ("limit", "shelf", "several"),
    [(100_000, None, False), (78, MemoryShelf(), False), (3_000, None, True)],
)
def test_an_export_by_mail_tells_who_was_refused(
    limit: int, shelf: MemoryShelf | None, several: bool
) -> None:
    inbox, to = Inbox(), (TO, REFUSED.address)
    with serving(inbox) as port:
        summary = request_export(
            orders(), mailer_at(port), ExportRequest(), to=to, now=NOON, shelf=shelf, limit=limit
        )
    assert len(inbox.envelopes) == summary.mails
    assert (summary.mails > 1) is several
    assert summary.refused == (REFUSED,) * summary.mails


def test_an_export_in_several_mails_tells_whether_the_next_was_perhaps_sent() -> None:
    class ThenCut(Inbox):
        async def handle_DATA(  # noqa: N802  # aiosmtpd's own name
            self, server: SMTP, session: Session, envelope: Envelope
        ) -> str:
            if len(self.envelopes) == 1:
                self.answer = "cut"
            return await super().handle_DATA(server, session, envelope)

    inbox, to = ThenCut(), (TO, REFUSED.address)
    with serving(inbox) as port, pytest.raises(ExportPartlyMailed) as told:
        request_export(orders(), mailer_at(port), ExportRequest(), to=to, now=NOON, limit=3_000)
    assert (told.value.sent, told.value.retry) == (1, Retry.UNKNOWN)
    assert told.value.mails > 2
    assert told.value.refused == (REFUSED,)
    assert len(inbox.envelopes) == 2
