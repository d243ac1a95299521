"""The Django host: its ports keep every promise of the kit, its pages and its command work."""

from __future__ import annotations

import html
import os
import re
import shutil
import smtplib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import django
import pytest
from django.conf import settings
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import settings as settings_of_hypothesis

import django_host.settings
from shoppego_orders import (
    Customer,
    ExportStatus,
    LineItem,
    MailStatus,
    Money,
    Order,
    OrderQuery,
)
from shoppego_orders.errors import InvalidValue, MailNotSent, OrdersError, Retry, StoreUnusable
from shoppego_orders.ports import ErasingStore, ErasingTaskLog, ExportLog, Mailer, OrderStore
from shoppego_orders.testing.contracts import (
    ErasingStoreContract,
    ErasingTaskLogContract,
    ExportLogContract,
    MailerContract,
    OrderStoreContract,
    SharedContract,
    TaskLogContract,
)
from shoppego_orders.testing.samples import order_of
from shoppego_orders.testing.store_machine import StoreMachine
from shoppego_orders.testing.strategies import HOSTILE_TEXTS

FOLDER = Path(tempfile.gettempdir()) / f"shoppego-django-{os.getpid()}"
BACKEND = "django.core.mail.backends.locmem.EmailBackend"
SHOP = django_host.settings.SHOP
NOW = datetime(2026, 3, 15, 2, tzinfo=UTC)  # ten in the morning in the shop

# Not by DJANGO_SETTINGS_MODULE, which would set the time zone of this whole process too.
of_the_example = {
    name: value for name, value in vars(django_host.settings).items() if name.isupper()
}
settings.configure(
    **of_the_example
    | {"ALLOWED_HOSTS": ["testserver"], "SHOP_DOWNLOADS": FOLDER / "downloads"}
    | (
        {"MAILERS": {"default": {"BACKEND": BACKEND}}}
        if django.VERSION >= (6, 1)
        else {"EMAIL_BACKEND": BACKEND}
    )
)
django.setup()

from django_host import host
from django_host.logs import OrmExportLog, OrmTaskLog
from django_host.mail import DjangoMailer
from django_host.models import StoredExport, StoredOrder, StoredTabs, StoredTask
from django_host.store import OrmOrderStore


@pytest.fixture(scope="module")
def sqlite() -> Iterator[str]:
    FOLDER.mkdir()
    own = connections.settings["default"]
    own["NAME"] = FOLDER / "orders.sqlite"
    own["OPTIONS"]["init_command"] += "; PRAGMA synchronous = OFF"
    call_command("migrate", verbosity=0)
    yield "default"
    connections.close_all()
    shutil.rmtree(FOLDER)


@pytest.fixture
def using(sqlite: str) -> str:
    """A database of Django's with nothing in it."""
    return emptied(sqlite)


@pytest.fixture(scope="module")
def postgres(sqlite: str, new_postgres: Callable[[], str]) -> Iterator[str]:
    url = urlsplit(new_postgres())
    own = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.path[1:],
        "USER": url.username,
        "PASSWORD": url.password,
        "HOST": url.hostname,
        "PORT": url.port,
        "OPTIONS": dict(part.split("=", 1) for part in unquote(url.query).split("&")),
    }
    filled = connections.configure_settings({"default": {}, "postgres": own})
    connections.settings["postgres"] = filled["postgres"]
    call_command("migrate", database="postgres", verbosity=0)
    yield "postgres"
    connections["postgres"].close()
    del connections["postgres"], connections.settings["postgres"]


def emptied(using: str) -> str:
    for table in (StoredOrder, StoredTask, StoredExport, StoredTabs):
        table.objects.using(using).all().delete()
    return using


class Threaded(SharedContract):
    """Django's connections are their thread's own."""

    def leave_thread(self) -> None:
        connections.close_all()


class TestOrmOrderStore(Threaded, OrderStoreContract):
    @pytest.fixture
    def store(self, using: str) -> OrderStore:
        return OrmOrderStore(using)


class TestErasingOrmOrderStore(Threaded, ErasingStoreContract):
    @pytest.fixture
    def store(self, using: str) -> ErasingStore:
        return OrmOrderStore(using)


class TestOrmTaskLog(Threaded, TaskLogContract, ErasingTaskLogContract):
    @pytest.fixture
    def task_log(self, using: str) -> ErasingTaskLog:
        return OrmTaskLog(using)


class TestOrmExportLog(Threaded, ExportLogContract):
    @pytest.fixture
    def export_log(self, using: str) -> ExportLog:
        return OrmExportLog(using)


@pytest.mark.once
class TestPostgresOrmOrderStore(Threaded, OrderStoreContract):
    @pytest.fixture
    def store(self, postgres: str) -> OrderStore:
        return OrmOrderStore(emptied(postgres))


@pytest.mark.once
class TestErasingPostgresOrmOrderStore(Threaded, ErasingStoreContract):
    @pytest.fixture
    def store(self, postgres: str) -> ErasingStore:
        return OrmOrderStore(emptied(postgres))


class TestPostgresOrmTaskLog(Threaded, TaskLogContract, ErasingTaskLogContract):
    @pytest.fixture
    def task_log(self, postgres: str) -> ErasingTaskLog:
        return OrmTaskLog(emptied(postgres))


class TestPostgresOrmExportLog(Threaded, ExportLogContract):
    @pytest.fixture
    def export_log(self, postgres: str) -> ExportLog:
        return OrmExportLog(emptied(postgres))


class TestDjangoMailer(MailerContract):
    @pytest.fixture
    def mailer(self) -> Mailer:
        mail.outbox = []
        return DjangoMailer()

    def received(self, mailer: Mailer) -> Sequence[EmailMessage]:  # noqa: ARG002  # it keeps none
        return outbox()


def outbox() -> list[EmailMessage]:
    """What Django has sent, read as a mail program would."""
    sent = (
        message_from_bytes(each.message().as_bytes(), policy=policy.default) for each in mail.outbox
    )
    return list(sent)


class OrmMachine(StoreMachine):
    def open_store(self) -> OrderStore:
        return OrmOrderStore(emptied("default"))


TestOrmMachine = pytest.mark.usefixtures("sqlite")(OrmMachine.TestCase)
TestOrmMachine.settings = settings_of_hypothesis(max_examples=5, stateful_step_count=15)


# The store in a host's hands


def test_the_migrations_are_those_of_the_models(sqlite: str) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    call_command("check", "--fail-level=WARNING")


def test_a_save_joins_the_transaction_that_the_host_has_open(using: str) -> None:
    store = OrmOrderStore(using)
    with transaction.atomic(using=using):
        store.save(order_of("1"))
        refused = store.save_many([order_of("1"), order_of("2")])
        assert [isinstance(each, OrdersError) for each in refused] == [True, False]
        assert store.count(OrderQuery()) == 2
        transaction.set_rollback(True, using=using)
    assert store.count(OrderQuery()) == 0


def test_a_database_that_fails_is_told_as_the_ports_promise(
    using: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute("ALTER TABLE django_host_storedorder RENAME TO away")
    try:
        store = OrmOrderStore(using)
        attempts: list[Callable[[], object]] = [
            lambda: store.get("1"),
            lambda: store.save(order_of("1")),
            lambda: store.save_many([order_of("1")]),
            lambda: list(store.rows(OrderQuery())),
            lambda: store.count(OrderQuery()),
        ]
        for attempt in attempts:
            with pytest.raises(StoreUnusable, match="no such table"):
                attempt()
        answer = client.get("/orders")
        assert (answer.status_code, "table" in answer.text) == (503, False)
        with pytest.raises(CommandError, match="sweep: the orders in the database 'default'"):
            call_command("run_order_jobs", stdout=StringIO())
    finally:
        with connections[using].cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO django_host_storedorder")


def test_what_no_index_of_postgresql_holds_is_refused(postgres: str) -> None:
    store = OrmOrderStore(emptied(postgres))
    number = "".join(map(chr, range(0x4E00, 0x4E00 + 9_000)))
    with pytest.raises(InvalidValue, match="can hold"):
        store.save(order_of("1", number=number))
    assert store.count(OrderQuery()) == 0


# Mail


@pytest.mark.parametrize(
    ("failure", "retry"),
    [
        (smtplib.SMTPRecipientsRefused({"a@example.my": (550, b"no")}), Retry.NEVER),
        (smtplib.SMTPRecipientsRefused({"a@example.my": (450, b"later")}), Retry.AGAIN),
        (smtplib.SMTPDataError(451, b"later"), Retry.AGAIN),
        (smtplib.SMTPAuthenticationError(535, b"no"), Retry.NEVER),
        (smtplib.SMTPServerDisconnected("gone"), Retry.UNKNOWN),
        (ConnectionRefusedError("no"), Retry.AGAIN),
        (TimeoutError("slow"), Retry.UNKNOWN),
        (ValueError("a header of two lines"), Retry.NEVER),
        (RuntimeError("a backend's own"), Retry.UNKNOWN),
        (None, Retry.NEVER),
    ],
)
def test_what_a_backend_raises_says_whether_to_send_again(
    failure: Exception | None, retry: Retry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def send_messages(*_: object) -> int:
        if failure is not None:
            raise failure
        return 0

    monkeypatch.setattr(EmailBackend, "send_messages", send_messages)
    message = EmailMessage()
    message["To"] = "a@example.my"
    message.set_content("x")
    with pytest.raises(MailNotSent) as told:
        DjangoMailer().send(message)
    assert (told.value.retry, told.value.recipients) == (retry, ("a@example.my",))


def test_all_that_a_message_has_is_sent() -> None:
    mail.outbox = []
    message = EmailMessage()
    message["To"], message["Bcc"] = "a@example.my", "boss@example.my"
    message["Reply-To"], message["X-Shop"] = "Kedai <shop@example.my>", "1"
    message.set_content("plain")
    message.add_alternative("<p>html</p>", subtype="html")
    message.add_attachment("\ufeffa,b\r\n1,2\r\n".encode(), "text", "csv", filename="o.csv")
    message.add_attachment(b"PK", "application", "zip", filename="o.zip")
    DjangoMailer().send(message)
    (sent,) = outbox()
    assert mail.outbox[0].recipients() == ["a@example.my", "boss@example.my"]
    assert sent["Bcc"] is None
    assert (sent["From"], sent["Reply-To"]) == ("orders@hartamas.example", message["Reply-To"])
    assert sent["X-Shop"] == "1"
    bodies = [sent.get_body((kind,)) for kind in ("plain", "html")]
    assert [body and body.get_content().strip() for body in bodies] == ["plain", "<p>html</p>"]
    files = {each.get_filename(): each.get_payload(decode=True) for each in sent.iter_attachments()}
    assert files == {"o.csv": "\ufeffa,b\r\n1,2\r\n".encode(), "o.zip": b"PK"}


# Pages


@pytest.fixture
def client(using: str, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    mail.outbox = []
    return Client()


def placed(id: str, **parts: Any) -> Order:  # Any: an order's parts
    lines = [LineItem("Sambal", 1, Money("12.90", "MYR"))]
    given: dict[str, Any] = {"at": NOW - timedelta(days=1), "shop": SHOP, "currency": "MYR"}
    return host.orders.save(Order.place(id=id, lines=lines, **(given | parts)))


def fields(page: Any, action: str) -> dict[str, Any]:  # Any: of Django's, with more in tests
    """What the form with this action sends as it is shown."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', page.text, re.DOTALL)
    assert form is not None, page.text
    sent: dict[str, Any] = {}
    for name, value in re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', form[0]):
        sent.setdefault(name, []).append(html.unescape(value))
    return sent


def jobs() -> list[str]:
    said = StringIO()
    call_command("run_order_jobs", stdout=said)
    return said.getvalue().splitlines()


def test_the_clicks_of_the_faq_end_in_a_mail_with_the_csv_attached(client: Client) -> None:
    for day in range(1, 15):
        placed(f"{day}", at=datetime(2026, 3, day, 2, tzinfo=UTC))
    placed("other", shop="other.example")
    path = "/orders?tab=all&first=2026-03-01&last=2026-03-10"
    page = client.get(path)
    assert "All orders: 10," in page.text
    form = fields(page, "/orders/export")
    for _ in range(2):  # sent twice, it asks for one
        asked = client.post("/orders/export", form | {"all": "yes"})
        assert (asked.status_code, asked["Location"]) == (302, "/downloads")
    assert "Queued" in client.get("/downloads").text
    assert jobs()[-1] == "exported: 1"
    page = client.get("/downloads")
    assert "Completed" in page.text
    assert "Sent: merchant@hartamas.example" in page.text
    (message,) = (each for each in outbox() if each["To"] == "merchant@hartamas.example")
    # Pythons that fold a long subject leave a space before it.
    assert message["Subject"].strip() == f"Orders of {SHOP}, 2026-03-01 to 2026-03-10: 10 orders"
    (attached,) = message.iter_attachments()
    data = attached.get_payload(decode=True)
    assert isinstance(data, bytes)
    assert len(data.splitlines()) == 11
    link = re.search(r'href="(/downloads/files/[^"]*)"', page.text)
    assert link is not None
    file: Any = client.get(html.unescape(link[1]))  # Any: a stream
    assert b"".join(file.streaming_content) == data
    assert file["Content-Disposition"].startswith("attachment")
    assert client.get("/downloads/files/orders.sqlite").status_code == 404


def test_without_all_orders_the_page_is_exported_as_it_was_seen(client: Client) -> None:
    placed("1")
    form = fields(client.get("/orders"), "/orders/export")
    placed("2")
    client.post("/orders/export", form)
    jobs()
    (export,) = host.exports.downloads(SHOP)
    assert (export.status, export.mail, export.orders) == (
        ExportStatus.COMPLETED,
        MailStatus.SENT,
        1,
    )
    assert client.post("/orders/export", form | {"export_id": "mine"}).status_code == 400


def test_pages_lead_to_older_orders_and_filters_become_tabs(client: Client) -> None:
    for number in range(53):
        placed(f"{number:02}", at=NOW - timedelta(minutes=number))
    first = client.get("/orders?search=%23")
    older = re.search(r'href="([^"]*)">Older orders', first.text)
    assert older is not None
    second = client.get(html.unescape(older[1])).text
    shown = [set(re.findall(r"<bdi>(#\d+)</bdi>", page)) for page in (first.text, second)]
    assert [len(each) for each in shown] == [50, 3]
    form = fields(first, "/tabs")
    kept = client.post("/tabs", form | {"name": "March <b>"})
    assert "<bdi>March &lt;b&gt;</bdi> 53" in client.get(kept["Location"]).text
    assert client.post("/tabs", form | {"name": "all"}).status_code == 400
    gone = client.post("/tabs/remove", fields(client.get(kept["Location"]), "/tabs/remove"))
    assert "March" not in client.get(gone["Location"]).text


def test_what_customers_typed_is_text_wherever_it_is_shown(client: Client) -> None:
    texts = [*HOSTILE_TEXTS, '"><script>alert(1)</script>', "<img src=x>", "{{ 1 }}{% now %}"]
    for number, text in enumerate(texts):
        customer = Customer(first_name=text, email=text)
        placed(f"{number}&<i>", number=f"{number} {text}", customer=customer, note=text)
    answers: list[Any] = [client.get("/orders")]  # Any: of Django's, with more in tests
    assert answers[0].text.count("/order?id=") == len(texts)
    for number, text in enumerate(texts):
        answers.append(client.get("/order", {"id": f"{number}&<i>"}))
        assert "Timeline" in answers[-1].text
        sendable = text.encode(errors="replace").decode()
        answers.append(client.get("/orders", {"search": sendable}))
    answers.append(client.get("/orders", {"tab": texts[-2]}))
    for answer in answers:
        assert answer.status_code in {200, 400}
        assert not re.search(r"<(script|h1>Free|img|iframe|i>)", answer.text)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/orders?first=yesterday", 400),
        ("/orders?first=2026-03-02&last=2026-03-01", 400),
        ("/orders?last=2026-03-31", 200),
        ("/orders?last=9999-12-31", 400),
        ("/orders?after=nowhere", 400),
        ("/orders?tab=none", 400),
        ("/orders?search=%00", 400),
        ("/order", 404),
        ("/order?id=%00", 404),
        ("/order?id=other", 404),
        ("/tabs", 405),
    ],
)
def test_a_strange_address_is_told_so(client: Client, path: str, status: int) -> None:
    placed("other", shop="other.example")
    assert client.get(path).status_code == status


def test_a_form_without_its_token_changes_nothing(using: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    for path in ("/orders/export", "/tabs", "/tabs/remove"):
        assert strict.post(path, {"name": "x"}).status_code == 403
    page = strict.get("/orders")
    assert strict.post("/tabs", fields(page, "/tabs") | {"name": "x"}).status_code == 302


# The command


def test_the_jobs_do_what_is_due_and_the_next_time_nothing_more(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = Customer(first_name="Aisyah", email="aisyah@example.com")
    placed("1", customer=customer, at=NOW - timedelta(hours=3))
    assert jobs() == ["abandoned: 1", "ended: 0", "reminded: 1", "exported: 0"]
    assert jobs() == ["abandoned: 0", "ended: 0", "reminded: 0", "exported: 0"]
    (reminder,) = outbox()
    assert reminder["To"] == "Aisyah <aisyah@example.com>"
    assert "abandoned" in client.get("/orders").text
    monkeypatch.setattr(timezone, "now", lambda: NOW + timedelta(days=20))
    assert jobs()[1] == "ended: 1"
    assert host.orders.get("1").recovery == "lost"
