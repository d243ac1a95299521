"""The worked host: a merchant's clicks, by plain HTTP and in a browser, and the worker's turns."""

from __future__ import annotations

import html
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import clicking
import host_pictures
import pytest
import screenshots
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import mail_servers
from shop_host.host import Host, Settings
from shop_host.site import create_site
from shop_host.worker import Stopped, Worker
from shoppego_orders import (
    Customer,
    ExportRequest,
    ExportStatus,
    LineItem,
    MailStatus,
    Money,
    Order,
    OrderQuery,
    Schedule,
    schedule_to_json,
)
from shoppego_orders.errors import StoreUnusable
from shoppego_orders.testing.strategies import HOSTILE_TEXTS

SHOP = "hartamas.myshoppegram.com"
NOW = datetime(2026, 3, 15, 2, tzinfo=UTC)
EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with Host.opened(Settings(folder=tmp_path)) as host:
        yield host


@pytest.fixture
def client(host: Host) -> FlaskClient:
    return create_site(host, lambda: NOW).test_client()


def placed(id: str, **parts: Any) -> Order:  # Any: an order's parts
    lines = [LineItem("Sambal", 1, Money("12.90", "MYR"))]
    given: dict[str, Any] = {"at": NOW - timedelta(days=1), "shop": SHOP, "currency": "MYR"}
    return Order.place(id=id, lines=lines, **(given | parts))


def worker(host: Host, now: datetime = NOW) -> Worker:
    return Worker(host, threading.Event(), lambda: now)


def fields(page: TestResponse, action: str) -> dict[str, Any]:
    """What the form with this action sends as it is shown."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', page.text, re.DOTALL)
    assert form is not None, page.text
    sent: dict[str, Any] = {}
    for name, value in re.findall(r'name="([^"]*)" value="([^"]*)"', form[0]):
        if 'type="checkbox"' not in form[0].partition(f'name="{name}"')[0].rpartition("<")[2]:
            sent.setdefault(name, []).append(html.unescape(value))
    return sent


def sent(client: FlaskClient, path: str, action: str, **more: Any) -> TestResponse:
    """Open a page, and send one of its forms."""
    page = client.get(path)
    assert page.status_code == 200, page.text
    return client.post(action, data=fields(page, action) | more)


def told(client: FlaskClient, answer: TestResponse) -> str:
    assert answer.status_code == 302, answer.text
    return html.unescape(client.get(answer.location).text)


def to_merchant(inbox: mail_servers.Inbox) -> list[Any]:  # Any: aiosmtpd's own
    """The mails to the shop; the others are reminders to its customers."""
    return [each for each in inbox.envelopes if each.rcpt_tos == ["merchant@hartamas.example"]]


def attachment(envelope: Any) -> tuple[str, list[str]]:  # Any: aiosmtpd's own
    message = message_from_bytes(envelope.content, policy=default)
    (attached,) = message.iter_attachments()
    content = attached.get_content()
    assert isinstance(content, str)
    return str(message["Subject"]).strip(), content.splitlines()


# FAQ 4: Orders, tab All, Filter, dates, Apply filter, Export, "All orders", "Export to files";
# then an e-mail with the CSV attached, and Files, Downloads, until it says Completed.


def test_the_clicks_of_the_faq_end_in_a_mail_with_the_csv_attached(tmp_path: Path) -> None:
    inbox = mail_servers.Inbox()
    with (
        mail_servers.serving(inbox) as port,
        Host.opened(Settings(folder=tmp_path, smtp=f"127.0.0.1:{port}")) as host,
    ):
        host_pictures.fill(host)
        client = create_site(host, lambda: NOW).test_client()
        orders = client.get("/orders?tab=all").text
        assert ">All</bdi> <small>61<" in orders
        path = "/orders?tab=all&search=&first=2026-03-01&last=2026-03-10"
        assert "40 orders from 2026-03-01 to 2026-03-10." in client.get(path).text
        asked = sent(client, path, "/orders/export", all="yes")
        page = told(client, asked)
        assert "Queued" in page
        assert 'http-equiv="refresh"' in page
        worker(host).turn()
        page = client.get("/downloads").text
        assert "Completed" in page
        assert 'http-equiv="refresh"' not in page
        (envelope,) = to_merchant(inbox)
        subject, lines = attachment(envelope)
        assert subject == f"Orders of {SHOP}, 2026-03-01 to 2026-03-10: 40 orders"
        assert len(lines) == 41
        link = re.search(r'href="(/downloads/files/[^"]*)"', page)
        assert link is not None
        with closing(client.get(link[1])) as fetched:
            assert fetched.text.splitlines() == lines
            assert fetched.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.skipif(
    screenshots.browser() is None,
    reason=f"no browser: none of {', '.join(screenshots.NAMES)}",
)
def test_the_very_clicks_of_the_faq_in_a_browser(tmp_path: Path) -> None:
    inbox = mail_servers.Inbox()
    with (
        mail_servers.serving(inbox) as port,
        Host.opened(Settings(folder=tmp_path, smtp=f"127.0.0.1:{port}")) as host,
        host_pictures.served(create_site(host, lambda: NOW)) as url,
        clicking.browsing(width=520) as browser,  # as on a telephone
    ):
        host_pictures.fill(host)
        browser.open(url)
        browser.follow("Orders")
        browser.follow("All 61")
        browser.click("Filter")
        browser.fill("From", "2026-03-01")
        browser.fill("To", "2026-03-10")
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not browser.run(wide)
        browser.follow("Apply filter")
        browser.see("40 orders from 2026-03-01 to 2026-03-10.")
        browser.click("Export")
        browser.click("All orders")
        browser.follow("Export to files")
        browser.follow("Downloads")
        browser.see("Queued")
        worker(host).turn()
        browser.see("Completed")  # by itself
        (envelope,) = to_merchant(inbox)
        _, lines = attachment(envelope)
        assert len(lines) == 41

        # What customers typed stays text, whatever the browser makes of it.
        runs = "<img src=x onerror='document.documentElement.dataset.ran = 1'>"
        host.store.save(placed("x", number=runs, customer=Customer(first_name=runs), note=runs))
        browser.follow("Orders")
        browser.follow(runs)
        browser.follow("Cancel order")
        browser.see("Cancelling does not refund.")
        browser.fill("Reason", runs)
        browser.follow("Cancel this order")
        browser.see("is cancelled.")
        assert browser.run("document.documentElement.dataset.ran ?? 'no'") == "no"
        assert host.store.get("x").cancel_reason == runs

        browser.follow("Downloads")
        browser.follow("Delete")
        browser.see("The export is deleted.")
        assert list((tmp_path / "downloads").iterdir()) == []


def test_the_pictures_of_the_documentation_are_those_that_the_script_takes() -> None:
    kept = sorted(path.name for path in host_pictures.FOLDER.glob("*"))
    wanted = [f"{name}-{theme}.png" for name in host_pictures.PAGES for theme in ("light", "dark")]
    assert kept == sorted(wanted)
    page = (host_pictures.FOLDER.parent / "hosts.md").read_text(encoding="utf-8")
    for name in wanted:
        assert f"host-pictures/{name}" in page
        assert (host_pictures.FOLDER / name).stat().st_size < 150_000


# The Orders page


def test_without_all_orders_the_page_is_exported_as_it_was_seen(
    host: Host, client: FlaskClient
) -> None:
    host_pictures.fill(host)
    page = client.get("/orders")
    host.store.save(placed("new", at=NOW))
    asked = client.post("/orders/export", data=fields(page, "/orders/export"))
    assert asked.status_code == 302
    (export,) = host.exports.due(NOW)
    done = host.exports.run(export.id, lambda: NOW)
    assert done.orders == 50
    assert "#new" not in (host.settings.folder / "downloads" / done.file_name).read_text("utf-8")


def test_a_form_that_is_sent_twice_asks_for_one_export(host: Host, client: FlaskClient) -> None:
    data = fields(client.get("/orders"), "/orders/export")
    for _ in range(2):
        assert client.post("/orders/export", data=data).location == "/downloads"
    assert len(list(host.exports.downloads())) == 1
    assert client.post("/orders/export", data=data | {"export_id": "mine"}).status_code == 400


def test_pages_lead_to_older_orders_and_keep_the_filter(host: Host, client: FlaskClient) -> None:
    host_pictures.fill(host)
    first = client.get("/orders?first=2026-03-01").text
    older = re.search(r'href="([^"]*)">Older orders', first)
    assert older is not None
    second = client.get(html.unescape(older[1])).text
    numbers = [set(re.findall(r"<bdi>(#\d+)</bdi>", page)) for page in (first, second)]
    assert [len(each) for each in numbers] == [50, 11]
    assert not numbers[0] & numbers[1]
    assert 'name="first" value="2026-03-01"' in second


def test_filters_are_saved_as_tabs_five_at_most(host: Host, client: FlaskClient) -> None:
    host_pictures.fill(host)
    path = "/orders?tab=unpaid&first=2026-03-01&last=2026-03-02"
    shown = told(client, sent(client, path, "/tabs", name="  March <b>  "))
    assert "Saved as the tab “March <b>”." in shown
    assert 'aria-current="page"><bdi>March <b></bdi> <small>2<' in shown
    for name in "bcde":
        told(client, sent(client, path, "/tabs", name=name))
    sixth = sent(client, path, "/tabs", name="f")
    assert (sixth.status_code, "at most 5" in sixth.text) == (400, True)
    assert sent(client, path, "/tabs", name="ALL").status_code == 400
    told(client, sent(client, "/orders?tab=b", "/tabs/remove"))
    assert [tab.name for tab in host.tabs.of(SHOP).tabs] == ["March <b>", "c", "d", "e"]
    assert client.get("/orders?tab=b").status_code == 400


def test_threads_that_save_tabs_at_once_wait_for_each_other(host: Host) -> None:
    def save(name: str) -> None:
        host.tabs.change(SHOP, lambda tabs: tabs.saved(name, OrderQuery()))

    threads = [threading.Thread(target=save, args=(name,)) for name in "abcde"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {tab.name for tab in host.tabs.of(SHOP).tabs} == set("abcde")


def test_a_search_finds_a_phone_however_it_is_written_and_the_archived(
    host: Host, client: FlaskClient
) -> None:
    customer = Customer(first_name="Aisyah", phone="+60 12-345 6789")
    host.store.save(placed("1", customer=customer).archive(at=NOW))
    assert "Aisyah" not in client.get("/orders").text
    for phone in ("0123456789", "60123456789", "%2B60+12-345+6789"):
        assert "Aisyah" in client.get(f"/orders?search={phone}").text
    assert "Aisyah" in client.get("/orders?tab=archived").text


def test_logos_tell_where_orders_came_from(host: Host, client: FlaskClient) -> None:
    host_pictures.fill(host)
    page = client.get("/orders").text
    for logo in ("TikTok", "YouTube", "Google Ads", "Telegram", "WhatsApp", "WordPress", "Direct"):
        assert f"<title>{logo}</title>" in page


def test_bulk_sets_what_it_may_and_says_what_it_may_not(host: Host, client: FlaskClient) -> None:
    for order in (
        placed("1"),
        placed("2").cancel(reason="no stock", at=NOW),
        placed("3", shop="other.example"),
    ):
        host.store.save(order)
    ids = ["1", "2", "3", "none", "1"]
    shown = told(client, sent(client, "/orders", "/orders/bulk", id=ids, to="packed"))
    assert "1 order is Packed now." in shown
    assert shown.count('class="told problem"') == 3
    assert "it is cancelled" in shown
    back = {"id": "1", "to": "awaiting_processing"}
    assert "needs a reason" in told(client, sent(client, "/orders", "/orders/bulk", **back))
    told(client, sent(client, "/orders", "/orders/bulk", **back, reason="packed by mistake"))
    assert host.store.get("1").fulfillment == "awaiting_processing"
    told(client, sent(client, "/orders", "/orders/bulk", id=["1", "2"], to="archive"))
    assert [host.store.get(each).archived for each in "123"] == [True, True, False]
    assert "one of" in told(client, sent(client, "/orders", "/orders/bulk", id="1", to="lost"))


# An order


def test_cancelling_says_that_it_does_not_refund_and_what_is_due(
    host: Host, client: FlaskClient
) -> None:
    host.store.save(placed("a/1?").mark_paid(at=NOW))
    host.store.save(placed("2"))
    order = client.get("/order", query_string={"id": "a/1?"}).text
    assert "Timeline" in order
    assert "paid" in order
    asked = client.get("/order/cancel", query_string={"id": "a/1?"})
    assert "Cancelling does not refund." in asked.text
    assert "MYR 12.90</strong> will be due" in asked.text
    assert "nothing will be due" in client.get("/order/cancel?id=2").text
    assert host.store.get("a/1?").cancelled_at is None
    form = fields(asked, "/order/cancel")
    assert client.post("/order/cancel", data=form | {"reason": " "}).status_code == 400
    cancelled = told(client, client.post("/order/cancel", data=form | {"reason": "no stock"}))
    assert "MYR 12.90</strong> is due to the customer" in cancelled
    assert "Cancel order" not in cancelled
    assert host.store.get("a/1?").refunded_total == Money.zero("MYR")
    # The form is about an order that has changed since.
    assert client.post("/order/cancel", data=form | {"reason": "again"}).status_code == 409
    assert client.get("/order/cancel", query_string={"id": "a/1?"}).status_code == 409


def test_an_archived_order_stays_so(host: Host, client: FlaskClient) -> None:
    host.store.save(placed("1"))
    shown = told(client, sent(client, "/order?id=1", "/order/archive"))
    assert "Order #1 is archived." in shown
    assert "<button" not in shown
    assert host.store.get("1").archived


# Safety


def test_a_form_without_the_sessions_token_changes_nothing(host: Host, client: FlaskClient) -> None:
    host.store.save(placed("1"))
    page = client.get("/order?id=1")
    form = fields(page, "/order/archive")
    stranger = create_site(host, lambda: NOW).test_client()
    for who, token in ((client, ""), (client, "é"), (stranger, form["csrf"]), (stranger, "")):
        assert who.post("/order/archive", data=form | {"csrf": token}).status_code == 403
    rules = client.application.url_map.iter_rules()
    posting = [rule for rule in rules if "POST" in (rule.methods or ())]
    assert len(posting) == 7
    for rule in posting:
        assert client.post(rule.rule, data={"id": "1"}).status_code == 403
        if rule.rule != "/order/cancel":  # which asks first
            assert client.get(rule.rule).status_code == 405
    assert not host.store.get("1").archived
    cookie = page.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_behind_https_the_cookie_stays_there(tmp_path: Path) -> None:
    with Host.opened(Settings(folder=tmp_path, url="https://orders.example")) as host:
        client = create_site(host).test_client()
        assert "Secure" in client.get("/orders").headers["Set-Cookie"]


def test_what_customers_typed_is_text_wherever_it_is_shown(host: Host, client: FlaskClient) -> None:
    texts = [*HOSTILE_TEXTS, *screenshots.HOSTILE, '"><script>alert(1)</script>']
    for number, text in enumerate(texts):
        customer = Customer(first_name=text, email=text)
        order = placed(f"{number}", number=f"{number} {text}", customer=customer, note=text)
        host.store.save(order.mark_paid(at=NOW))
        told(client, sent(client, f"/order/cancel?id={number}", "/order/cancel", reason="no stock"))
        paths = [f"/order?id={number}", "/orders?tab=cancelled"]
        for path in paths:
            page = client.get(path)
            assert page.status_code == 200
            assert not re.search(r"<(script|h1>Free|img|iframe)", page.text)
        sendable = text.encode(errors="replace").decode()
        searched = client.get("/orders", query_string={"search": sendable, "tab": "all"})
        assert searched.status_code == 200
        assert not re.search(r"<(script|h1>Free|img|iframe)", searched.text)
        odd = client.get("/orders", query_string={"tab": sendable})
        assert (odd.status_code, "<script" in odd.text) == (400 if sendable.strip() else 200, False)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/orders?first=yesterday", 400),
        ("/orders?first=2026-03-02&last=2026-03-01", 400),
        ("/orders?last=9999-12-31", 400),
        ("/orders?after=nowhere", 400),
        ("/orders?tab=none", 400),
        ("/orders?search=%00%ff", 200),
        ("/order", 404),
        ("/order?id=%00", 404),
        ("/order?id=other", 404),
        ("/order/cancel?id=other", 404),
        ("/downloads/files/..%2Forders.sqlite", 404),
        ("/downloads/files/orders.sqlite", 404),
        ("/nowhere", 404),
    ],
)
def test_a_strange_address_is_told_so(
    host: Host, client: FlaskClient, path: str, status: int
) -> None:
    host.store.save(placed("other", shop="other.example"))
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    assert "<header>" in answer.text


def test_an_export_of_another_shop_is_not_here(host: Host, client: FlaskClient) -> None:
    request = ExportRequest(query=OrderQuery(shop="other.example"))
    host.exports.ask(request, id="1", now=NOW)
    done = host.exports.run("1", lambda: NOW)
    assert done.url is not None
    assert client.get(urlsplit(done.url).path).status_code == 404
    csrf = fields(client.get("/orders"), "/orders/export")["csrf"]
    assert client.post("/downloads/delete", data={"csrf": csrf, "id": "1"}).status_code == 404
    assert host.exports.log.get("1").status is ExportStatus.COMPLETED


def test_a_database_that_is_gone_is_told_without_its_whereabouts(
    host: Host, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise StoreUnusable("/secret/place", "it is gone")

    page = client.get("/orders")
    monkeypatch.setattr("shop_host.asked.orders_page", gone)
    answer = client.get("/orders")
    assert (answer.status_code, "secret" in answer.text) == (503, False)
    monkeypatch.setattr(type(host.store), "get", gone)
    data = fields(page, "/orders/bulk") | {"id": "1", "to": "packed"}
    assert client.post("/orders/bulk", data=data).status_code == 503


def test_the_settings_come_from_the_environment() -> None:
    told = Settings.of({"SHOP": "a.example", "SHOP_SMTP": "", "SHOP_SECRET_KEY": "s", "HOME": "/"})
    assert told == Settings(folder=Path("demo"), shop="a.example", secret_key="s")
    assert "secret" not in repr(told)
    assert Settings(folder=Path()).secret_key != Settings(folder=Path()).secret_key


# The worker


def test_a_turn_does_all_that_is_due_and_the_next_one_nothing_more(host: Host) -> None:
    customer = Customer(first_name="Aisyah", email="aisyah@example.com")
    host.store.save(placed("1", customer=customer, at=NOW - timedelta(hours=3)))
    schedule = Schedule(
        name="daily",
        rule="FREQ=DAILY",
        start=NOW - timedelta(days=2),
        request=ExportRequest(query=OrderQuery(shop=SHOP)),
        period="yesterday",
        to="owner@hartamas.example",
    )
    (host.settings.folder / "schedules").mkdir()
    (host.settings.folder / "schedules" / "daily.json").write_text(schedule_to_json(schedule))
    working = worker(host)
    for _ in range(2):
        working.turn()
        worker(host).turn()  # one that is started anew
        assert host.store.get("1").recovery == "open"
        mails = [path.name for path in (host.settings.folder / "outbox").iterdir()]
        assert len(mails) == 4  # one reminder, and three days' files
        exports = list(host.exports.downloads(SHOP))
        assert [(each.status, each.mail) for each in exports] == [
            (ExportStatus.COMPLETED, MailStatus.SENT)
        ] * 3
    worker(host, NOW + timedelta(days=20)).turn()
    assert host.store.get("1").recovery == "lost"


def test_what_fails_leaves_the_rest_to_be_done(
    host: Host, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise StoreUnusable("orders.sqlite", "it is locked")

    monkeypatch.setattr("shop_host.worker.sweep", gone)
    daily = Schedule(
        name="daily",
        rule="FREQ=DAILY",
        start=NOW,
        request=ExportRequest(query=OrderQuery(shop=SHOP)),
    )
    (host.settings.folder / "schedules").mkdir()
    (host.settings.folder / "schedules" / "broken.json").write_text("{")
    (host.settings.folder / "schedules" / "daily.json").write_text(schedule_to_json(daily))
    worker(host).turn()
    assert "sweep failed" in caplog.text
    assert "broken.json" in caplog.text
    (export,) = host.exports.downloads(SHOP)
    assert export.status is ExportStatus.COMPLETED


def test_a_schedule_that_comes_later_is_run_from_its_start(host: Host) -> None:
    working = worker(host)
    working.turn()
    daily = Schedule(
        name="daily",
        rule="FREQ=DAILY",
        start=NOW - timedelta(days=1),
        request=ExportRequest(query=OrderQuery(shop=SHOP)),
    )
    (host.settings.folder / "schedules").mkdir()
    (host.settings.folder / "schedules" / "daily.json").write_text(schedule_to_json(daily))
    working.turn()
    assert len(list(host.exports.downloads(SHOP))) == 2


def test_told_to_stop_it_leaves_a_file_that_nobody_has_seen_and_queues_it_again(
    host: Host,
) -> None:
    for number in range(3):
        host.store.save(placed(f"{number}"))
    host.exports.ask(ExportRequest(query=OrderQuery(shop=SHOP)), id="1", now=NOW)
    stopped = worker(host)
    calls = 0

    def clock() -> datetime:
        nonlocal calls
        calls += 1
        if host.exports.log.get("1").status is ExportStatus.RUNNING:
            stopped.stop.set()
        return NOW

    stopped.clock = clock
    with pytest.raises(Stopped):
        stopped.turn()
    assert calls
    assert host.exports.log.get("1").status is ExportStatus.QUEUED
    assert not list(host.settings.folder.glob("downloads/*"))
    worker(host).turn()
    assert host.exports.log.get("1").orders == 3


def test_an_export_that_was_deleted_is_not_queued_again(host: Host) -> None:
    host.store.save(placed("1"))
    host.exports.ask(ExportRequest(query=OrderQuery(shop=SHOP)), id="1", now=NOW)

    class Stop(threading.Event):
        def is_set(self) -> bool:
            if host.exports.log.get("1").total is None:
                return False
            host.exports.delete("1", NOW)
            return True

    with pytest.raises(Stopped):
        Worker(host, Stop(), lambda: NOW).turn()
    assert host.exports.log.get("1").status is ExportStatus.DELETED


def test_told_to_stop_it_claims_no_further_reminder(host: Host) -> None:
    for number in range(3):
        customer = Customer(first_name="A", email=f"a{number}@example.com")
        at = NOW - timedelta(hours=3, minutes=number)
        host.store.save(placed(f"{number}", customer=customer, at=at))
    stopped = worker(host)

    @attrs.frozen
    class Stopping:
        stop: Callable[[], None]
        sent: list[str] = attrs.field(factory=list[str])

        def send(self, message: Any) -> None:  # Any: a mail
            self.sent.append(str(message["To"]))
            self.stop()

    mailer = Stopping(stopped.stop.set)
    stopped.host = attrs.evolve(host, mailer=mailer)
    stopped.run()
    assert len(mailer.sent) == 1
    assert all(task.outcome is not None for task in host.tasks.tasks())
    again = worker(attrs.evolve(host, mailer=mailer))
    again.turn()
    assert len(set(mailer.sent)) == 3


def test_sigterm_ends_it_cleanly_and_it_can_be_started_again(tmp_path: Path) -> None:
    environ = {
        "SHOP_FOLDER": str(tmp_path),
        "SHOP_URL": f"http://127.0.0.1:{mail_servers.free_port()}",
        "PYTHONPATH": str(EXAMPLES),
    }
    with Host.opened(Settings(folder=tmp_path)) as host:
        log, shelf = host.exports.log, tmp_path / "downloads"
        for turn, module in enumerate(("shop_host.worker", "shop_host")):
            host.exports.ask(ExportRequest(query=OrderQuery(shop=SHOP)), id=f"{turn}", now=NOW)
            running = subprocess.Popen(
                [sys.executable, "-m", module], env=environ, stderr=subprocess.PIPE, text=True
            )
            try:
                while log.get(f"{turn}").status is not ExportStatus.COMPLETED:
                    with pytest.raises(subprocess.TimeoutExpired):
                        running.wait(0.1)
            finally:
                running.send_signal(signal.SIGTERM)
                _, errors = running.communicate(timeout=60)
            assert running.returncode == 0, errors
            assert "Traceback" not in errors
            assert len(list(shelf.iterdir())) == turn + 1
