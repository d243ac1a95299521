"""Erasing a customer, through what a host and a merchant call; and that nothing of them is left."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from email.message import EmailMessage
from itertools import count
from pathlib import Path

import attrs
import pytest
from sqlalchemy import MetaData, select

from command_line import Run, runner
from erasure_examples import (
    ALL_OF_ZQX,
    BEGAN,
    BY_EMAIL,
    BY_PHONE,
    HOUR,
    KOPI,
    NOW,
    OTHER_SHOP,
    SHOP,
    TAN,
    ZQX,
    after,
    everything,
    of_tan,
    placed,
    tells,
)
from shoppego_orders import (
    Customer,
    Export,
    ExportRequest,
    Order,
    OrderQuery,
    Outcome,
    RecoveryPlan,
    anonymise,
    customer_key,
    customer_orders,
    recovery_report,
    remind,
    unknown_reminders,
)
from shoppego_orders.abandonment.claims import reminder_key, turns_of
from shoppego_orders.adapters.memory import (
    MemoryExportLog,
    MemoryOrderStore,
    MemoryTaskLog,
    RecordingMailer,
)
from shoppego_orders.adapters.sql import SqlExportLog, SqlOrderStore, SqlTaskLog, dialects
from shoppego_orders.adapters.sql.schema import metadata
from shoppego_orders.customers import Address
from shoppego_orders.erasure import TRIES, Erasure
from shoppego_orders.errors import InvalidValue, StaleOrder, StoreUnusable
from shoppego_orders.export.documents import request_from_json, request_to_json
from shoppego_orders.order import OrderEvent
from shoppego_orders.ports import ErasingStore, ErasingTaskLog, MailStatus
from wrong_calls import assert_told

ASKED = ExportRequest(query=OrderQuery(shop=SHOP))


def erase(store: ErasingStore, customer: Customer = ZQX, shop: str = SHOP) -> Erasure:
    return anonymise(store, customer, shop=shop, at=NOW, pseudonym=secrets.token_hex)


@pytest.fixture
def store() -> MemoryOrderStore:
    return MemoryOrderStore()


# Whose orders


@pytest.mark.parametrize("given", ALL_OF_ZQX)
def test_orders_are_found_by_whatever_is_known(store: MemoryOrderStore, given: Customer) -> None:
    for number, who in enumerate(ALL_OF_ZQX):
        store.save(placed(f"z{number}", who))
    store.save(of_tan("tan"))
    store.save(placed("elsewhere", shop=OTHER_SHOP))
    # Who is known by the number alone left it on one order, under no address.
    found = {ZQX: ["z0", "z1", "z2"], BY_EMAIL: ["z0", "z1", "z2"], BY_PHONE: ["z0", "z1", "z2"]}
    assert [order.id for order in customer_orders(store, given, shop=SHOP)] == found[given]
    assert erase(store, given).orders == tuple(found[given])
    assert store.get("elsewhere").customer == ZQX
    assert store.get("tan").customer == TAN


def test_what_they_left_on_an_order_of_another_id_finds_it(store: MemoryOrderStore) -> None:
    mail, phone = Customer(email=ZQX.email), Customer(phone=ZQX.phone)
    for who, name in ((mail, "mail"), (phone, "phone")):
        of_another_id = attrs.evolve(who, id="zqx-at-work")
        store.save(of_tan(f"{name}-1").edit_customer(of_another_id, at=BEGAN))
        to = Address(email=who.email or "", phone=who.phone or "")
        store.save(
            Order.place(
                id=f"{name}-2",
                at=BEGAN,
                shop=SHOP,
                currency="MYR",
                lines=[KOPI],
                shipping_address=to,
            )
        )

    def found(customer: Customer) -> list[str]:
        return [order.id for order in customer_orders(store, customer, shop=SHOP)]

    assert found(mail) == ["mail-1", "mail-2"]
    assert found(phone) == ["phone-1", "phone-2"]
    assert found(ZQX) == [*found(mail), *found(phone)]
    assert found(Customer(id=ZQX.id)) == []


def test_an_id_alone_finds_what_is_kept_under_it(store: MemoryOrderStore) -> None:
    for number, who in enumerate(ALL_OF_ZQX):
        store.save(placed(f"z{number}", who))
    assert erase(store, Customer(id="zqx-7")).orders == ("z0",)


def test_a_number_in_an_address_is_not_the_customers_own(store: MemoryOrderStore) -> None:
    gift = Address(first_name="Zqx", email="zqx.aisyah@example.com", phone="0125550101")
    store.save(of_tan("gift").edit_address(shipping=gift, at=BEGAN))
    nobodys = Order.place(
        id="nobody", at=BEGAN, shop=SHOP, currency="MYR", lines=of_tan("x").lines,
        shipping_address=gift,
    )  # fmt: skip  # as it is read
    store.save(nobodys)
    assert erase(store).orders == ("nobody",)
    assert store.get("nobody").customer_key is None
    assert store.get("gift").customer == TAN


def test_a_filler_is_nobodys_address(store: MemoryOrderStore) -> None:
    for number, email in enumerate(("-", "n/a", "@", "")):
        store.save(placed(str(number), Customer(first_name="Zqx", email=email)))
        with pytest.raises(InvalidValue):
            erase(store, Customer(first_name="Zqx", last_name="x", email=email))


@pytest.mark.parametrize("shop", ["", " "])
def test_a_shop_is_named(store: MemoryOrderStore, shop: str) -> None:
    store.save(placed())
    with pytest.raises(InvalidValue):
        erase(store, shop=shop)
    assert store.get("1").customer == ZQX


def test_the_hosts_own_keys_are_the_hosts(store: MemoryOrderStore) -> None:
    def identify(who: Customer) -> str | None:
        return f"host/{who.phone[-4:]}" if who.phone else None

    order = Order.place(
        id="1", at=BEGAN, shop=SHOP, currency="MYR", lines=of_tan("x").lines, customer=ZQX,
        identify=identify,
    )  # fmt: skip  # as it is read
    store.save(order)
    assert customer_orders(store, Customer(phone="0101"), shop=SHOP, identify=identify)
    anonymise(store, ZQX, at=NOW, pseudonym=secrets.token_hex, shop=SHOP, identify=identify)
    assert not customer_orders(store, ZQX, shop=SHOP, identify=identify)


def test_the_history_tells_who_erased(store: MemoryOrderStore) -> None:
    store.save(placed("1"))
    erase(store)
    assert store.events("1")[-1].actor == "merchant"
    store.save(placed("2"))
    anonymise(store, ZQX, shop=SHOP, at=NOW, pseudonym=secrets.token_hex, actor="the shop's owner")
    assert store.events("2")[-1].actor == "the shop's owner"


def test_an_unknown_customer_is_no_error(store: MemoryOrderStore) -> None:
    store.save(of_tan("tan"))
    tasks, exports = MemoryTaskLog(), MemoryExportLog()
    done = anonymise(store, ZQX, shop=SHOP, at=NOW, pseudonym=str, tasks=tasks, exports=exports)
    assert done == Erasure()


# What stands for the customer


def test_orders_of_one_customer_stay_one_customers(store: MemoryOrderStore) -> None:
    for number, who in enumerate((*ALL_OF_ZQX, *ALL_OF_ZQX)):
        store.save(placed(str(number), who))
    erase(store)
    keys = [store.get(str(number)).customer_key or "" for number in range(6)]
    assert keys[:3] == keys[3:]
    assert len(set(keys)) == 3
    assert all(key.startswith("anonymous:") and len(key) == 74 for key in keys)


@pytest.mark.parametrize("drawn", ["", "always the same", 7])
def test_a_pseudonym_is_another_one_each_time(store: MemoryOrderStore, drawn: str) -> None:
    store.save(placed("1", ZQX))
    store.save(placed("2", BY_EMAIL))
    error = InvalidValue("pseudonym", drawn, "a random text, another one each time")
    assert_told(error, lambda: anonymise(store, ZQX, shop=SHOP, at=NOW, pseudonym=lambda: drawn))
    assert store.get("1").customer == ZQX


# Others who write meanwhile


class Overtaken(MemoryOrderStore):
    """Somebody saves an order right before it is rewritten, so many times."""

    times = 0

    def rewrite(self, histories: Iterable[Sequence[OrderEvent]]) -> None:
        if self.times:
            self.times -= 1
            self.save(self.get("1").edit_note(f"zqx {self.times}", at=NOW))
        super().rewrite(histories)


def test_what_is_saved_meanwhile_is_looked_at_again() -> None:
    store = Overtaken()
    store.save(placed())
    store.times = TRIES - 1
    assert erase(store).orders == ("1",)
    assert not tells(str(store.events("1")))
    assert len({event.id for event in store.events("1")}) == TRIES + 1


def test_who_is_overtaken_for_ever_is_told_and_nothing_is_written() -> None:
    store = Overtaken()
    store.save(placed())
    store.times = TRIES
    with pytest.raises(StaleOrder):
        erase(store)
    assert store.get("1").customer == ZQX


def test_who_holds_the_order_can_not_write_the_person_back(store: MemoryOrderStore) -> None:
    held = store.save(placed())
    erase(store)
    with pytest.raises(StaleOrder):
        store.save(held.record_payment("pay", held.total, at=NOW))
    assert not tells(str(store.get("1")))


# Tasks


def reminded(store: MemoryOrderStore, tasks: ErasingTaskLog) -> None:
    """One customer is reminded, one refused by the server, one objected to; and Tan."""
    for id_, who in (("1", ZQX), ("2", BY_EMAIL), ("3", BY_PHONE), ("tan", TAN)):
        begun = of_tan("tan") if who is TAN else placed(id_, who)
        store.save(
            begun.record_abandonment(
                policy="p@1", reasons=["It was."], at=BEGAN + HOUR, recorded_at=BEGAN + HOUR
            )
        )
    objections = {"1": None, "2": "zqx.aisyah@example.com bounced", "3": "no consent"}
    remind(
        store, tasks, RecordingMailer(), RecoveryPlan(quiet_hours=None), BEGAN + 2 * HOUR,
        objection=lambda order: objections.get(order.id),
    )  # fmt: skip  # as it is read
    tasks.claim(reminder_key(SHOP, "1", "p@1", 2), NOW)
    refused = "mail to zqx.aisyah@example.com was not sent"
    tasks.settle(reminder_key(SHOP, "1", "p@1", 2), Outcome.FAILED, NOW, refused)


def test_tasks_tell_nothing_and_count_as_before(store: MemoryOrderStore) -> None:
    tasks = MemoryTaskLog()
    reminded(store, tasks)
    assert list(tasks.tasks(turns_of(SHOP, customer_key(ZQX) or "")))
    before = recovery_report(store, tasks=tasks).reminders
    done = anonymise(store, ZQX, shop=SHOP, at=NOW, pseudonym=secrets.token_hex, tasks=tasks)
    for who in ALL_OF_ZQX:
        assert not list(tasks.tasks(turns_of(SHOP, customer_key(who) or "")))
    assert list(tasks.tasks(turns_of(SHOP, customer_key(TAN) or "")))
    assert not any(tells(str(task)) for task in tasks.tasks())
    notes = [task.note for task in tasks.tasks("reminder/") if task.outcome is Outcome.SKIPPED]
    assert sorted(notes) == ["", "no consent"]
    after_it = recovery_report(store, tasks=tasks).reminders
    assert before is not None
    assert after_it is not None
    assert (after_it.sent, after_it.failed) == (before.sent, before.failed)
    assert len(done.tasks) == 3
    again = anonymise(store, ZQX, shop=SHOP, at=NOW, pseudonym=secrets.token_hex, tasks=tasks)
    assert again == Erasure()


def test_a_reminder_that_is_being_sent_meanwhile_ends_well(store: MemoryOrderStore) -> None:
    tasks = MemoryTaskLog()
    store.save(
        placed().record_abandonment(
            policy="p@1", reasons=["It was."], at=BEGAN + HOUR, recorded_at=BEGAN + HOUR
        )
    )

    class Erasing(RecordingMailer):
        def send(self, message: EmailMessage) -> None:
            super().send(message)
            anonymise(store, ZQX, shop=SHOP, at=NOW, pseudonym=secrets.token_hex, tasks=tasks)

    plan = RecoveryPlan(quiet_hours=None)
    result = remind(store, tasks, Erasing(), plan, BEGAN + 2 * HOUR)
    assert len(result.sent) == 1
    assert not list(unknown_reminders(tasks))
    assert not any(tells(str(task)) for task in tasks.tasks())
    assert not list(tasks.tasks("reminded/"))


# Exports


def asked(id: str, **changed: object) -> Export:
    fields: dict[str, object] = {"shop": SHOP, "request": request_to_json(ASKED)}
    return Export(id=id, asked_at=NOW, **(fields | changed))  # type: ignore[arg-type]  # each is its own


def request(**query: object) -> str:
    return request_to_json(ExportRequest(query=OrderQuery(**query)))  # type: ignore[arg-type]  # as above


def test_records_of_exports_name_them_no_more(store: MemoryOrderStore) -> None:
    store.save(placed())
    log = MemoryExportLog()
    both = ("owner@example.com", "ZQX.aisyah@example.com")
    for export in (
        asked("plain", to=both[:1]),
        asked("mailed", to=both, mail=MailStatus.DUE, problem="550 zqx.aisyah@example.com"),
        asked("to-them", to=both[1:], mail=MailStatus.DUE),
        asked("sent", to=both[1:], mail=MailStatus.SENT),
        asked("searched", request=request(shop=SHOP, search="Zqx.Aisyah@example.com")),
        asked("number", shop=None, request=request(search="+6012 555 0101")),
        asked("name", request=request(search="zqxAISYAH binti zqx")),
        asked("keys", request=request(customer_keys=["id:zqx-7", "email:tan@example.com"])),
        asked("elsewhere", shop=OTHER_SHOP, to=both),
        asked("of-tan", request=request(search="tan@example.com", customer_keys=["id:tan"])),
    ):
        log.save(export)
    numbers = count()
    done = anonymise(
        store, ZQX, shop=SHOP, at=NOW, pseudonym=lambda: f"p{next(numbers)}", exports=log
    )
    named = {"mailed", "to-them", "sent", "searched", "number", "name", "keys"}
    assert set(done.exports) == named
    kept = {export.id: export for export in log.exports()}
    assert not any(tells(str(export)) for export in kept.values() if export.id in named)
    assert {export.id for export in kept.values() if export.version == 1} == kept.keys() - named
    assert (kept["mailed"].to, kept["mailed"].mail) == (both[:1], MailStatus.DUE)
    assert (kept["to-them"].to, kept["to-them"].mail) == ((), MailStatus.NONE)
    assert kept["sent"].mail is MailStatus.SENT
    for id_ in ("searched", "number", "name"):
        query = request_from_json(kept[id_].request).query
        assert (query.ids, query.search) == (frozenset(), None)
    query = request_from_json(kept["keys"].request).query
    pseudonym = store.get("1").customer_key or ""
    assert query.customer_keys == frozenset({pseudonym, "email:tan@example.com"})


def test_an_export_that_is_saved_meanwhile_is_looked_at_again(store: MemoryOrderStore) -> None:
    class Busy(MemoryExportLog):
        busy = True

        def save(self, export: Export) -> Export:
            if export.version and self.busy:
                self.busy = False
                super().save(attrs.evolve(self.get(export.id), orders=7))
            return super().save(export)

    store.save(placed())
    log = Busy()
    log.save(asked("1", to=("zqx.aisyah@example.com", "owner@example.com")))
    anonymise(store, ZQX, shop=SHOP, at=NOW, pseudonym=secrets.token_hex, exports=log)
    assert (log.get("1").to, log.get("1").orders) == (("owner@example.com",), 7)


# What a database still holds


def columns_of(store: SqlOrderStore) -> Iterator[str]:
    """Every value of every table, statistics and all."""
    every = MetaData()
    with store.database.reading() as connection:
        every.reflect(connection)
        assert set(metadata.tables) <= set(every.tables)
        for table in every.tables.values():
            for row in connection.execute(select(table)):
                yield from map(str, row)


def erased_there(store: SqlOrderStore) -> None:
    """Put all that may tell of the person into a database, and erase them."""
    for order in everything():
        store.save(order)
        if order.customer != TAN and order.can("edit_note"):
            store.save(store.get(order.id).edit_note("Zqx, once more", at=BEGAN + HOUR))
    tasks, log = SqlTaskLog(store.database), SqlExportLog(store.database)
    tasks.claim(turns_of(SHOP, customer_key(ZQX) or "") + "1", NOW)
    tasks.claim(reminder_key(SHOP, "0-1", "p@1", 1), NOW)
    tasks.settle(reminder_key(SHOP, "0-1", "p@1", 1), Outcome.FAILED, NOW, "zqx.aisyah@example.com")
    log.save(asked("1", to=("zqx.aisyah@example.com",)))
    assert any(map(tells, columns_of(store)))
    with store.batch():
        done = anonymise(
            store, ZQX, shop=SHOP, at=NOW, pseudonym=secrets.token_hex, tasks=tasks, exports=log
        )
    assert len(done.orders) == store.count(OrderQuery()) - 2
    assert (len(done.tasks), done.exports) == (2, ("1",))
    assert [text for text in columns_of(store) if tells(text)] == []
    assert list(store.disagreements()) == []
    store.database.vacuum()


def test_no_byte_of_them_is_left_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "orders.sqlite"

    def left() -> list[Path]:
        return [
            each
            for each in tmp_path.iterdir()
            if b"zqx" in each.read_bytes().lower() or b"5550101" in each.read_bytes()
        ]

    with SqlOrderStore.open(file) as store:
        store.save(placed("first"))
        assert left()
        erased_there(store)
        assert left() == []
        assert store.get("0-1").total == placed().total
    assert left() == []


def test_a_postgres_database_holds_nothing_of_them_either(postgres_url: str) -> None:
    with SqlOrderStore.open(postgres_url) as store:
        erased_there(store)


def test_a_reader_keeps_the_old_bytes_and_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialects, "_PATIENCE_MS", 10)
    with SqlOrderStore.open(tmp_path / "orders.sqlite") as store:
        with store.batch():
            for number in range(1_000):
                store.save(of_tan(str(number)))
        stream = store.rows(OrderQuery())
        next(stream)
        with pytest.raises(StoreUnusable, match="reading"):
            store.database.vacuum()
        assert sum(1 for _ in stream) == 999
        store.database.vacuum()


# The command


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    with SqlOrderStore.open("orders.sqlite") as store:
        store.save(after(placed(), []))
        store.save(placed("2", BY_PHONE))
        store.save(of_tan("tan"))
    return runner(monkeypatch, capsys)


WHOM = ("anonymise", "--shop", SHOP, "--email", "zqx.aisyah@example.com", "--phone", "0125550101")


def names() -> list[str]:
    with SqlOrderStore("orders.sqlite") as store:
        return [row.customer_name for row in store.rows(OrderQuery())]


def test_the_command_asks_first(run: Run) -> None:
    refused = run(*WHOM, given="n\n")
    assert refused.code == 1
    assert f"2 orders of {SHOP}: #1, #2." in refused.err
    assert names() == ["Zqxaisyah binti Zqx", "Zqx", "Tan"]
    done = run(*WHOM, given="y\n")
    assert (done.code, names()) == (0, ["", "", "Tan"])
    assert "Took the customer out of 2 orders, 0 tasks and 0 exports." in done.out


def test_the_command_does_it_unasked_and_says_so_to_programs(run: Run) -> None:
    done = run(*WHOM, "--yes", "--json", "--now", "2026-04-02T12:00:00Z")
    assert (done.code, done.json) == (0, {"orders": ["1", "2"], "tasks": 0, "exports": []})
    with SqlOrderStore("orders.sqlite") as store:
        assert store.events("1")[-1].occurred_at == NOW
    again = run(*WHOM, "--json")
    assert (again.code, again.json) == (0, {"orders": [], "tasks": 0, "exports": []})
    shown = run("show", "1")
    assert "anonymised" in shown.out
    assert not tells(shown.out)
    for file in Path().iterdir():
        assert b"zqx" not in file.read_bytes().lower()


@pytest.mark.parametrize(
    ("options", "code"),
    [(("--email", "a@example.com"), 2), (("--shop", SHOP), 1), (("--shop", " ", "--id", "1"), 1)],
)
def test_the_command_wants_a_shop_and_a_customer(
    run: Run, options: tuple[str, ...], code: int
) -> None:
    assert run("anonymise", "--yes", *options).code == code
    assert names() == ["Zqxaisyah binti Zqx", "Zqx", "Tan"]
