"""Mail leaves: through a real SMTP server, into a maildir, and as ``.eml`` files."""

from __future__ import annotations

import mailbox
import ssl
import string
from collections.abc import Generator, Sequence
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from mail_servers import Inbox, serving
from shoppego_orders.adapters.maildir import EmlMailer, MaildirMailer
from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.adapters.smtp import SmtpMailer
from shoppego_orders.errors import InvalidValue, MailNotSent, Retry
from shoppego_orders.export import ExportRequest, export_csv, request_export
from shoppego_orders.money import Money
from shoppego_orders.order import LineItem, Order
from shoppego_orders.ports import Mailer
from shoppego_orders.testing.contracts import MailerContract

NOW = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
CERTIFICATE = Path(__file__).parent / "data" / "smtp_localhost.pem"


def a_message(**headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "shop@example.my"
    message["To"] = "aminah@example.my"
    message["Subject"] = "Pesanan anda"
    message["Date"] = NOW
    for name, value in headers.items():
        del message[name]
        message[name] = value
    message.set_content("Terima kasih.\n.\nSatu baris lagi.\n")
    return message


def parsed(data: bytes) -> EmailMessage:
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def only_message(inbox: Inbox) -> EmailMessage:
    (envelope,) = inbox.envelopes
    assert isinstance(envelope.content, bytes)
    return parsed(envelope.content)


def attached(message: EmailMessage) -> bytes:
    (attachment,) = message.iter_attachments()
    data = attachment.get_payload(decode=True)
    assert isinstance(data, bytes)
    return data


def server_context() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    return context


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


def a_store() -> MemoryOrderStore:
    store = MemoryOrderStore()
    line = LineItem("Nasi lemak, =1+1\r\n鲜花", 1, Money("5.50", "MYR"))
    store.save(Order.place(id="1", at=NOW, shop="s.example.my", currency="MYR", lines=[line]))
    return store


# Through SMTP


class TestSmtpMailer(MailerContract):
    inbox: Inbox

    @pytest.fixture
    def mailer(self, inbox: Inbox) -> Generator[SmtpMailer]:
        self.inbox = inbox
        with serving(inbox) as port:
            yield SmtpMailer("127.0.0.1", port, tls="none")

    def received(self, mailer: Mailer) -> Sequence[EmailMessage]:
        assert isinstance(mailer, SmtpMailer)
        contents = (envelope.content for envelope in self.inbox.envelopes)
        return [parsed(content) for content in contents if isinstance(content, bytes)]


def test_an_export_arrives_with_the_same_bytes(inbox: Inbox) -> None:
    request = ExportRequest(per="line", profile="excel", shop_name="Kedai Bunga 鲜花")
    with serving(inbox) as port:
        mailer = SmtpMailer("127.0.0.1", port, tls="none", sender="shop@example.my")
        summary = request_export(a_store(), mailer, request, to="owner@example.my", now=NOW)
    (envelope,) = inbox.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("shop@example.my", ["owner@example.my"])
    message = only_message(inbox)
    assert attached(message) == b"".join(export_csv(a_store(), request))
    assert message["From"] == "shop@example.my"
    assert str(message["Subject"]).strip() == "Orders of Kedai Bunga 鲜花, all dates: 1 order"
    assert message["Message-ID"].endswith("@example.my>")
    (attachment,) = message.iter_attachments()
    assert attachment.get_filename() == summary.file_name
    assert "鲜花" in summary.file_name


def test_an_export_in_parts_arrives_with_the_same_bytes(inbox: Inbox) -> None:
    store = a_store()
    for number in range(2, 9):
        # No archive makes it small.
        note = "".join(Random(number).choices(string.ascii_letters + "☕,\n", k=900))
        line = LineItem("Kek lapis", 1, Money("9.90", "MYR"))
        shop = "s.example.my"
        order = Order.place(
            id=f"{number}", at=NOW, shop=shop, currency="MYR", lines=[line], note=note
        )
        store.save(order)
    request = ExportRequest(profile="excel", shop_name="Kedai Bunga 鲜花")
    with serving(inbox) as port:
        mailer = SmtpMailer("127.0.0.1", port, tls="none", sender="shop@example.my")
        summary = request_export(
            store, mailer, request, to="owner@example.my", now=NOW, limit=3_000
        )
    assert summary.sent_as == "split"
    assert len(inbox.envelopes) == summary.mails > 1
    messages: list[EmailMessage] = []
    for envelope in inbox.envelopes:
        assert isinstance(envelope.content, bytes)
        messages.append(parsed(envelope.content))
    whole = b"".join(export_csv(store, request))
    header = whole[: whole.index(b"\r\n") + 2]
    assert all(attached(message).startswith(header) for message in messages)
    bodies = [attached(message).removeprefix(header) for message in messages]
    assert header + b"".join(bodies) == whole
    (last,) = messages[-1].iter_attachments()
    assert last.get_filename() == (
        f"{summary.file_name.removesuffix('.csv')}-{len(messages)}-of-{len(messages)}.csv"
    )


def test_bcc_gets_the_message_and_stands_nowhere_in_it(inbox: Inbox) -> None:
    message = a_message(Cc="siti@example.my", Bcc="accountant@example.my, aminah@example.my")
    with serving(inbox) as port:
        SmtpMailer("127.0.0.1", port, tls="none").send(message)
    (envelope,) = inbox.envelopes
    assert envelope.rcpt_tos == ["aminah@example.my", "siti@example.my", "accountant@example.my"]
    assert isinstance(envelope.content, bytes)
    assert b"accountant" not in envelope.content
    assert only_message(inbox).get_content().splitlines() == [
        *("Terima kasih.", ".", "Satu baris lagi."),
    ]
    assert message["Bcc"] is not None, "the caller's message stays as it was"
    assert message["Message-ID"] is None


def test_addresses_of_any_script(inbox: Inbox) -> None:
    with serving(inbox) as port:
        SmtpMailer("127.0.0.1", port, tls="none").send(a_message(To="jürgen@exämple.my"))
    assert inbox.envelopes[0].rcpt_tos == ["jürgen@exämple.my"]
    assert only_message(inbox)["To"] == "jürgen@exämple.my"


def test_a_server_that_is_rude_on_leaving_has_sent_it(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def rude(*_: object) -> str:
        return "421 enough"

    monkeypatch.setattr(inbox, "handle_QUIT", rude, raising=False)
    with serving(inbox) as port:
        SmtpMailer("127.0.0.1", port, tls="none").send(a_message())
    assert len(inbox.envelopes) == 1


def test_starttls_with_a_log_in(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[LoginPassword] = []

    def authenticator(
        _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        seen.append(data)
        return AuthResult(success=data.password == b"rahsia", handled=False)

    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    options = {
        "tls_context": server_context(),
        "require_starttls": True,
        "authenticator": authenticator,
        "auth_required": True,
    }
    with serving(inbox, **options) as port:
        mailer = SmtpMailer("127.0.0.1", port, username="shop", password="rahsia")
        mailer.send(a_message())
        for username, password in (("shop", "salah"), ("shöp", "é")):
            wrong = SmtpMailer("127.0.0.1", port, username=username, password=password)
            with pytest.raises(MailNotSent) as told:
                wrong.send(a_message())
            assert told.value.retry is Retry.NEVER
    assert len(inbox.envelopes) == 1
    assert seen[0] == LoginPassword(b"shop", b"rahsia")
    assert "rahsia" not in repr(mailer)


def test_implicit_tls(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with serving(inbox, ssl_context=server_context()) as port:
        SmtpMailer("127.0.0.1", port, tls="implicit").send(a_message())
    assert len(inbox.envelopes) == 1


def test_a_certificate_that_nobody_vouches_for(inbox: Inbox) -> None:
    with (
        serving(inbox, tls_context=server_context()) as port,
        pytest.raises(MailNotSent, match="CERTIFICATE_VERIFY_FAILED") as told,
    ):
        SmtpMailer("127.0.0.1", port).send(a_message())
    assert told.value.retry is Retry.NEVER
    assert inbox.envelopes == []


def test_a_server_without_tls_gets_nothing_in_the_clear(inbox: Inbox) -> None:
    with serving(inbox) as port:
        for tls in ("starttls", "implicit"):
            with pytest.raises(MailNotSent) as told:
                SmtpMailer("127.0.0.1", port, tls=tls, timeout=5).send(a_message())
            assert told.value.retry is Retry.NEVER
    assert inbox.envelopes == []


def test_settings_that_can_not_be() -> None:
    with pytest.raises(InvalidValue, match="one of none, starttls, implicit"):
        SmtpMailer("mail.example.my", 587, tls="ssl")  # type: ignore[arg-type]  # what is refused
    for port in (0, 65_536, "25"):
        with pytest.raises(InvalidValue, match="port"):
            SmtpMailer("mail.example.my", port)  # type: ignore[arg-type]  # what is refused


# Into files


def test_an_export_lies_in_the_maildir(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "Maildir"
    mailer = MaildirMailer(path)
    request_export(a_store(), mailer, ExportRequest(), to="owner@example.my", now=NOW)
    mailer.send(a_message(To="jürgen@exämple.my", Bcc="accountant@example.my"))
    box = mailbox.Maildir(path, factory=None, create=False)
    found = (parsed(box.get_bytes(key)) for key, _ in box.iteritems())
    messages = sorted(found, key=lambda message: str(message["To"]))
    assert [str(message["To"]) for message in messages] == ["jürgen@exämple.my", "owner@example.my"]
    assert messages[0]["Bcc"] == "accountant@example.my"
    assert messages[1]["From"] == "orders@localhost"
    assert attached(messages[1]) == b"".join(export_csv(a_store(), ExportRequest()))
    assert len(list((path / "new").iterdir())) == 2
    assert list((path / "tmp").iterdir()) == []


def test_an_eml_file_for_each_message(tmp_path: Path) -> None:
    mailer = EmlMailer(tmp_path / "out" / "box")
    request_export(a_store(), mailer, ExportRequest(), to="owner@example.my", now=NOW)
    mailer.send(a_message(Subject="../../etc/passwd é"))
    mailer.send(a_message(Subject="../../etc/passwd ü"))
    bare = EmailMessage()
    bare["To"] = "aminah@example.my"
    mailer.send(bare)
    names = sorted(file.name for file in (tmp_path / "out" / "box").iterdir())
    assert names == [
        "20260105-010000-etc-passwd-2.eml",
        "20260105-010000-etc-passwd.eml",
        "20260105-090000-orders-of-all-shops-all-dates-1-order.eml",
        "message.eml",
    ]
    message = parsed((tmp_path / "out" / "box" / names[2]).read_bytes())
    assert attached(message) == b"".join(export_csv(a_store(), ExportRequest()))


def test_an_id_that_the_message_has_stays_its_own(tmp_path: Path) -> None:
    message = a_message()
    message["Message-ID"] = "<reminder/1262140/1@example.my>"
    EmlMailer(tmp_path, sender="shop@exämple.my").send(message)
    (file,) = tmp_path.iterdir()
    assert parsed(file.read_bytes())["Message-ID"] == "<reminder/1262140/1@example.my>"


@pytest.mark.parametrize("mailer", [MaildirMailer, EmlMailer])
def test_a_folder_that_can_not_be_written(tmp_path: Path, mailer: type[Any]) -> None:
    (tmp_path / "file").write_bytes(b"")
    to_nowhere: Mailer = mailer(tmp_path / "file" / "box")
    with pytest.raises(MailNotSent) as told:
        to_nowhere.send(a_message())
    assert told.value.recipients == ("aminah@example.my",)
    assert told.value.retry is Retry.AGAIN


def test_a_message_that_no_file_can_hold(tmp_path: Path) -> None:
    message = a_message()
    message.set_payload("\ud83d")
    for mailer in (MaildirMailer(tmp_path / "a" / "box"), EmlMailer(tmp_path / "b")):
        with pytest.raises(MailNotSent) as told:
            mailer.send(message)
        assert told.value.retry is Retry.NEVER


def test_a_message_to_nobody(tmp_path: Path) -> None:
    nobody = EmailMessage()
    nobody["Subject"] = "?"
    empty = a_message(To="")
    for mailer in (MaildirMailer(tmp_path / "a"), EmlMailer(tmp_path / "b"), SmtpMailer("x", 25)):
        for message in (nobody, empty):
            with pytest.raises(MailNotSent, match="addressed to nobody"):
                mailer.send(message)
    assert list(tmp_path.iterdir()) == []
