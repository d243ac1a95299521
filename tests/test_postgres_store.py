"""What is particular to the SQL store on a PostgreSQL server: who waits, what is lost or told."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import attrs
import pytest
from sqlalchemy import URL, Connection, create_engine, event, make_url

from other_processes import (
    claimed_by_another_process,
    in_processes,
    saved_by_another_process,
)
from shoppego_orders.adapters.sql import SqlOrderStore, SqlTaskLog, dialects
from shoppego_orders.errors import (
    DuplicateOrder,
    InvalidValue,
    OrderNotFound,
    OrdersError,
    StaleOrder,
    StoreUnusable,
    TaskNotClaimed,
)
from shoppego_orders.order import LineItem, Order, OrderRow
from shoppego_orders.page import TABS, Tab
from shoppego_orders.periods import Period
from shoppego_orders.ports import Outcome, save_many
from shoppego_orders.query import Cursor, OrderQuery
from shoppego_orders.testing.contracts import raced
from shoppego_orders.testing.samples import NOON, SHOP, myr, order_of
from sql_plans import plan_of

EVERYTHING = OrderQuery()


@pytest.fixture
def store(postgres_url: str) -> Iterator[SqlOrderStore]:
    with SqlOrderStore.open(postgres_url) as store:
        yield store


@pytest.fixture
def other(store: SqlOrderStore, postgres_url: str) -> Iterator[SqlOrderStore]:
    """Somebody else's view of the same store."""
    with SqlOrderStore(postgres_url) as other:
        yield other


def run(store: SqlOrderStore, statement: str) -> None:
    with store.database.writing() as connection:
        connection.exec_driver_sql(statement)


# Opening


def test_a_database_is_opened_by_text_or_url(postgres_url: str) -> None:
    url = make_url(postgres_url)
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    targets: list[str | URL] = [postgres_url, plain, plain.replace("postgresql", "postgres"), url]
    for number, target in enumerate(targets):
        with SqlOrderStore.open(target) as store:
            store.save(order_of(str(number)))
            assert store.count(EVERYTHING) == number + 1


@pytest.mark.parametrize("level", ["AUTOCOMMIT", "SERIALIZABLE", "REPEATABLE READ"])
def test_an_engine_of_the_hosts_keeps_its_ways(postgres_url: str, level: str) -> None:
    engine = create_engine(postgres_url, isolation_level=level)
    with SqlOrderStore.open(engine) as store:
        store.save(order_of("1"))
        with pytest.raises(ZeroDivisionError):
            interrupted(store)
        assert [row.id for row in store.rows(EVERYTHING)] == ["1"]
    # The host's engine is the host's to close.
    with engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection  # Any: SQLAlchemy does not say which
        assert driver.autocommit is (level == "AUTOCOMMIT")
        assert driver.autocommit or connection.get_isolation_level() == level
        assert connection.exec_driver_sql("SELECT count(*) FROM shoppego_orders").scalar() == 1
    engine.dispose()


def interrupted(store: SqlOrderStore) -> None:
    with store.batch():
        store.save(order_of("never"))
        _ = 1 / 0


def test_opening_again_changes_nothing(store: SqlOrderStore, other: SqlOrderStore) -> None:
    store.save(order_of("1"))
    store.create()
    other.create()
    assert other.get("1") == order_of("1")
    store.close()
    store.close()
    assert store.get("1") == order_of("1")


def test_a_store_without_tables_says_so(postgres_url: str) -> None:
    with SqlOrderStore(postgres_url) as store:
        for attempt in (
            lambda: store.get("1"),
            lambda: store.save(order_of("1")),
            lambda: list(store.rows(EVERYTHING)),
            lambda: store.settle_kept([OrderRow.of(order_of("1"))]),
        ):
            with pytest.raises(StoreUnusable, match=r"create\(\)"):
                attempt()


def test_tables_of_others_and_of_newer_releases_are_refused(
    store: SqlOrderStore, new_postgres: Callable[[], str]
) -> None:
    run(store, "UPDATE shoppego_schema SET version = 99")
    with pytest.raises(StoreUnusable, match="version 99"):
        store.create()
    with SqlOrderStore(new_postgres()) as foreign:
        run(foreign, "CREATE TABLE shoppego_tags (id text)")
        with pytest.raises(StoreUnusable, match="shoppego_tags was not made by"):
            foreign.create()


def test_an_encoding_that_can_not_hold_every_text_is_refused(postgres_url: str) -> None:
    url = make_url(postgres_url)
    host = create_engine(url.set(query={}), isolation_level="AUTOCOMMIT")
    name = f"{url.database}_latin1"
    with host.connect() as connection:
        connection.exec_driver_sql(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'"
        )
        try:
            with pytest.raises(StoreUnusable, match="encoding is LATIN1"):
                SqlOrderStore.open(url.set(database=name, query={}))
        finally:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    host.dispose()


@pytest.mark.parametrize("driver", ["postgresql+psycopg2", "postgresql+asyncpg"])
def test_another_driver_is_refused(driver: str) -> None:
    with pytest.raises(StoreUnusable, match="psycopg is needed"):
        SqlOrderStore.open(f"{driver}://siti:secret@127.0.0.1/orders")


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    server = f"127.0.0.1:{closed_port()}"
    with pytest.raises(StoreUnusable, match="refused") as refused:
        SqlOrderStore.open(f"postgresql://siti:secret@{server}/orders?password=secret")
    told = str(refused.value)
    assert f"postgresql+psycopg://siti:***@{server}/orders" in told
    assert "secret" not in told
    assert "\n" not in told


def test_a_server_that_refuses_is_told_without_the_password(postgres_url: str) -> None:
    url = make_url(postgres_url)
    for wrong in (url.set(password="secret"), url.set(database="no_such_database")):
        with pytest.raises(StoreUnusable, match=r"password|does not exist") as refused:
            SqlOrderStore.open(wrong)
        assert "secret" not in str(refused.value)
        assert (url.password or "no password") not in str(refused.value)


def test_a_malformed_url_is_told_without_the_password() -> None:
    with pytest.raises(InvalidValue) as refused:
        SqlOrderStore.open("postgresql://siti:sec@ret@127.0.0.1:port/orders")
    assert "sec" not in str(refused.value).replace("such", "")


def test_without_psycopg_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from shoppego_orders.adapters.sql import SqlOrderStore\n"
        "from shoppego_orders.errors import MissingExtra\n"
        "try: SqlOrderStore.open('postgresql://127.0.0.1/orders')\n"
        "except MissingExtra as error: print(error, error.package)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'shoppego-orders[postgresql]' psycopg" in done.stdout


# Texts


def test_what_can_not_be_stored_is_not_asked_for(store: SqlOrderStore) -> None:
    tasks = SqlTaskLog(store.database)
    for text in ("a\x00", "\ud800"):
        with pytest.raises(InvalidValue):
            tasks.claim(text, NOON)
        with pytest.raises(TaskNotClaimed):
            tasks.settle(text, Outcome.DONE, NOON)
        assert list(tasks.tasks(text)) == []
        with pytest.raises(OrderNotFound):
            store.get(text)
        store.settle_kept([OrderRow.of(order_of("1"))._replace(id=text)])
        assert store.count(OrderQuery(ids=[text], shop=text, tag=text, search=text)) == 0


def test_what_is_too_large_is_refused_and_leaves_a_batch_whole(store: SqlOrderStore) -> None:
    long = "".join(map(chr, range(0x4E00, 0x4E00 + 3000)))
    with store.batch():
        store.save(order_of("1"))
        with pytest.raises(InvalidValue, match=r"2\*\*63"):
            store.save(attrs.evolve(order_of("2"), version=2**63))
        with pytest.raises(InvalidValue, match="zero"), store.database.reading() as connection:
            connection.exec_driver_sql("SELECT 1 / 0")
        with pytest.raises(InvalidValue, match="index"):
            store.save(order_of("3", tags=[long]))
        store.save(order_of("4", note=long))
        many = [order_of("5"), order_of("6", tags=[long]), order_of("7")]
        kinds = [type(outcome) for outcome in save_many(store, many)]
        assert kinds == [Order, InvalidValue, Order]
    assert [row.id for row in store.rows(EVERYTHING)] == ["1", "4", "5", "7"]
    assert list(store.disagreements()) == []


# Transactions


def test_a_save_that_fails_half_way_leaves_nothing(store: SqlOrderStore) -> None:
    saved = store.save(order_of("1"))
    run(
        store,
        "ALTER TABLE shoppego_lines ADD CONSTRAINT fire CHECK (product <> 'bad') NOT VALID;"
        "CREATE FUNCTION burn() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE 'the disk is on fire'; END $$;"
        "CREATE TRIGGER fails BEFORE INSERT ON shoppego_lines FOR EACH ROW "
        "WHEN (NEW.product = 'bad') EXECUTE FUNCTION burn()",
    )
    bad = [LineItem("bad", 1, myr("1.00"))]
    for order in (order_of("2", lines=bad), saved.change_lines(bad, at=NOON)):
        with pytest.raises(StoreUnusable, match="the disk is on fire"):
            store.save(order)
        with pytest.raises(StoreUnusable, match="the disk is on fire"):
            save_many(store, [order_of("3"), order, order_of("4")])
    assert [row.id for row in store.rows(EVERYTHING)] == ["1"]
    assert store.get("1") == saved
    assert list(store.disagreements()) == []
    assert store.save(saved.edit_note("works again", at=NOON)).version == 2


def test_a_batch_is_written_at_its_end(store: SqlOrderStore, other: SqlOrderStore) -> None:
    with store.batch():
        saved = store.save(order_of("1"))
        stream = store.rows(EVERYTHING)
        assert next(stream).id == "1"
        assert store.save(saved.edit_note("x", at=NOON)).version == 2
        assert [row.note for row in store.rows(EVERYTHING)] == ["x"]
        assert list(stream) == []
        assert len(store.events("1")) == 2
        assert other.count(EVERYTHING) == 0
        # Who writes one other order waits for nobody.
        other.save(order_of("2"))
    assert other.get("1").note == "x"
    assert store.count(EVERYTHING) == 2


def test_a_refused_save_is_undone_alone(store: SqlOrderStore) -> None:
    tasks = SqlTaskLog(store.database)
    first = store.save(order_of("1"))
    store.save(first.edit_note("newer", at=NOON))
    with store.batch():
        store.save(order_of("2"))
        with pytest.raises(DuplicateOrder):
            store.save(order_of("3", number="#2"))
        with pytest.raises(StaleOrder):
            store.save(first.edit_note("late", at=NOON))
        assert [tasks.claim("r", NOON), tasks.claim("r", NOON)] == [True, False]
        with store.batch():
            store.save(order_of("4"))
        store.settle_kept(store.rows(OrderQuery(ids={"2"})))
    assert [row.id for row in store.rows(EVERYTHING)] == ["1", "2", "4"]
    assert [row.id for row in store.rows(OrderQuery(decided=True))] == ["2"]
    assert store.get("1").note == "newer"
    assert list(store.disagreements()) == []


def test_batches_in_any_sequence_never_wait_for_each_other_for_ever(
    store: SqlOrderStore, other: SqlOrderStore
) -> None:
    known = [store.save(order_of(name)) for name in "123456"]
    ids = [order.id for order in known]

    def noted(by: SqlOrderStore, sequence: list[str]) -> None:
        with by.batch():
            for name in sequence:
                by.save(by.get(name).edit_note(f"from {sequence[0]}", at=NOON))

    outcomes = raced(
        [
            partial(noted, store, ids),
            partial(noted, other, ids[::-1]),
            partial(store.settle_kept, [OrderRow.of(order) for order in known]),
            partial(other.settle_kept, [OrderRow.of(order) for order in known[::-1]]),
        ]
    )
    assert outcomes == [None] * 4
    assert {store.get(name).version for name in ids} == {3}
    assert store.count(OrderQuery(decided=True)) == 6


def test_who_waits_too_long_is_told(
    postgres_url: str, store: SqlOrderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialects, "_PATIENCE_MS", 1)
    with SqlOrderStore(postgres_url) as hasty:
        saved = store.save(order_of("1"))
        with store.batch():
            store.save(saved.edit_note("first", at=NOON))
            for attempt in (
                lambda: hasty.save(saved.edit_note("second", at=NOON)),
                lambda: hasty.settle_kept([OrderRow.of(saved)]),
            ):
                with pytest.raises(StoreUnusable, match="lock timeout"):
                    attempt()
        with pytest.raises(StaleOrder):
            hasty.save(saved.edit_note("second", at=NOON))


# Overtaken between two statements


def between(store: SqlOrderStore, statement: str, act: Callable[[], object]) -> Callable[[], None]:
    """Have something done by others, once, right after a statement of this store's."""
    done: list[bool] = []

    def overtake(_c: Connection, _cursor: object, told: str, *_: object) -> None:
        if told.startswith(statement) and not done:
            done.append(True)
            act()

    event.listen(store.database.engine, "after_cursor_execute", overtake)
    return lambda: event.remove(store.database.engine, "after_cursor_execute", overtake)


def test_a_version_that_appears_while_it_is_missed_is_replaced(
    store: SqlOrderStore, other: SqlOrderStore
) -> None:
    saved = store.save(order_of("1"))
    noted = store.save(saved.edit_note("x", at=NOON))
    later = noted.edit_note("y", at=NOON)
    # As if it had been restored from a copy of yesterday, and the event arrived again.
    for table in ("tags", "lines", "events", "orders"):
        run(store, f"DELETE FROM shoppego_{table}")
    other.save(order_of("1"))

    def arrives() -> None:
        other.save(other.get("1").edit_note("x", at=NOON))

    stop = between(store, "UPDATE shoppego_orders", arrives)
    assert store.save(later).version == 3
    stop()
    assert (store.get("1"), len(store.events("1"))) == (later, 3)
    assert list(store.disagreements()) == []


def test_an_order_that_is_gone_or_newer_by_then_is_told(
    store: SqlOrderStore, other: SqlOrderStore
) -> None:
    saved = store.save(order_of("1"))
    store.save(saved.edit_note("x", at=NOON))
    late = saved.edit_note("late", at=NOON)

    def goes() -> None:
        for table in ("tags", "lines", "events", "orders"):
            run(other, f"DELETE FROM shoppego_{table}")

    stop = between(store, "UPDATE shoppego_orders", goes)
    with pytest.raises(OrderNotFound):
        store.save(late)
    stop()
    stop = between(store, "UPDATE shoppego_orders", lambda: other.save(order_of("1", note="new")))
    with pytest.raises(OrderNotFound):
        store.save(attrs.evolve(order_of("2"), version=1).edit_note("x", at=NOON))
    stop()


def test_a_save_waits_for_one_that_may_not_be_kept(
    store: SqlOrderStore, other: SqlOrderStore
) -> None:
    """Who comes second is told what came of the first, and gets through where it was undone."""
    saved = store.save(order_of("1"))
    claims = SqlTaskLog(other.database)

    def attempts() -> list[Callable[[], object]]:
        return [
            lambda: other.save(saved.edit_note("second", at=NOON)),
            lambda: other.save(order_of("2", note="second")),
            lambda: other.save(order_of("3", number="#2")),
            lambda: claims.claim("r", NOON),
        ]

    def first(*, undone: bool) -> list[object]:
        with ThreadPoolExecutor(4) as threads:
            waiting: list[Callable[[], object]] = []
            try:
                with store.batch():
                    store.save(saved.edit_note("first", at=NOON))
                    store.save(order_of("2"))
                    SqlTaskLog(store.database).claim("r", NOON)
                    waiting += [threads.submit(outcome, each).result for each in attempts()]
                    wait_for_locks(store, 4)
                    if undone:
                        raise KeyError
            except KeyError:
                pass
            return [each() for each in waiting]

    assert first(undone=False) == ["StaleOrder", "DuplicateOrder", "DuplicateOrder", False]
    for table in ("tags", "lines", "events", "orders", "tasks"):
        run(store, f"DELETE FROM shoppego_{table}")
    store.save(order_of("1"))
    noted, *others, claimed = first(undone=True)
    assert (noted, claimed) == ("Order", True)
    # Number 2 is for one of the two.
    assert sorted(map(str, others)) == ["DuplicateOrder", "Order"]
    assert list(store.disagreements()) == []


def outcome(attempt: Callable[[], object]) -> object:
    try:
        result = attempt()
    except OrdersError as error:
        return type(error).__name__
    return result if isinstance(result, bool) else type(result).__name__


def wait_for_locks(store: SqlOrderStore, number: int) -> None:
    """Wait until so many others wait; bounded by the test run's own patience alone."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND wait_event_type = 'Lock'"
    )
    with store.database.engine.connect() as connection:
        while connection.exec_driver_sql(waiting).scalar_one() < number:
            connection.rollback()
            threading.Event().wait(0.005)


# Processes


def test_of_several_processes_that_save_one_order_one_wins(
    store: SqlOrderStore, postgres_url: str
) -> None:
    store.save(order_of("1"))
    answers = in_processes(saved_by_another_process, postgres_url, ["a", "b", "c"])
    assert answers == ["StaleOrder", "StaleOrder", "saved"]
    assert len(store.events("1")) == store.get("1").version == 2


def test_processes_may_make_one_store_and_claim_one_task_at_once(postgres_url: str) -> None:
    answers = in_processes(claimed_by_another_process, postgres_url, ["a", "b", "c"])
    assert answers == ["claimed", "saved", "saved"]
    with SqlOrderStore.open(postgres_url) as store:
        assert [row.id for row in store.rows(EVERYTHING)] == ["a", "b", "c"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_takes_connections_of_its_own(store: SqlOrderStore) -> None:
    for number in range(1000):
        store.save(order_of(f"{number:04}"))
    stream = store.rows(EVERYTHING)
    next(stream)
    with store.batch():
        store.save(order_of("parent"))
        child = os.fork()
        if child == 0:
            try:
                before = store.count(EVERYTHING)
                store.save(order_of("child"))
                os._exit(0 if (before, store.count(EVERYTHING)) == (1000, 1001) else 1)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        store.save(order_of("parent 2"))
    assert len(list(stream)) == 999
    assert store.count(EVERYTHING) == 1003
    assert list(store.disagreements()) == []


# Streams


def test_a_stream_shows_one_moment(store: SqlOrderStore, other: SqlOrderStore) -> None:
    for number in range(1100):
        store.save(order_of(f"{number:04}"))
    rows, lines = store.rows(EVERYTHING), store.lines(EVERYTHING)
    next(rows)
    next(lines)
    for by, number in ((store, 700), (other, 800), (store, 1050)):
        by.save(by.get(f"{number:04}").edit_note("changed", at=NOON))
        by.save(order_of(f"new {number}"))
    store.settle_kept(store.rows(EVERYTHING))  # the new ones too
    seen = list(rows)
    assert [row.id for row in seen] == [f"{number:04}" for number in range(1, 1100)]
    assert {row.note for row in seen} == {""}
    assert not any(row.decided for row in seen)
    assert {line.order.note for line in lines} == {""}
    assert store.count(OrderQuery(decided=True)) == 1103


def test_a_stream_holds_few_rows_at_a_time(store: SqlOrderStore, other: SqlOrderStore) -> None:
    store.save(order_of("1", note="x" * 10_000))
    multiply(store, 3000)
    rows = store.rows(EVERYTHING)
    next(rows)
    # What libpq holds is not Python's to count, so the server is asked what it sent.
    sent = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'FETCH FORWARD %%'"
    with other.database.reading() as connection:
        assert connection.exec_driver_sql(sent).scalar_one() >= 1
    tracemalloc.start()
    try:
        assert sum(1 for _ in rows) == 3000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 15_000_000  # bytes, of 30 million that were read


def multiply(store: SqlOrderStore, number: int) -> None:
    """Make many rows of one, without documents that fit."""
    run(
        store,
        "INSERT INTO shoppego_orders SELECT (jsonb_populate_record(o, jsonb_build_object("
        "'id', 'copy ' || n, 'number', '#copy ' || n, 'placed_at', o.placed_at + n, "
        "'customer_key', 'email:' || n, 'decided', n %% 100 <> 0))).* "
        f"FROM shoppego_orders o, generate_series(1, {number}) n WHERE o.id = '1'",
    )


# A lost server


def lose_connections(store: SqlOrderStore, other: SqlOrderStore) -> None:
    """End all connections to this database but this one."""
    run(
        other,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND query NOT LIKE 'CREATE SCHEMA%%'",
    )


def test_a_lost_connection_is_told_and_replaced(store: SqlOrderStore, other: SqlOrderStore) -> None:
    store.save(order_of("1"))
    multiply(store, 2000)
    stream = store.rows(EVERYTHING)
    next(stream)
    lose_connections(store, other)
    with pytest.raises(StoreUnusable):
        list(stream)
    # Those that lay in the pool were lost too, and nobody notices.
    assert store.count(EVERYTHING) == 2001
    assert store.save(order_of("after")).version == 1


def test_a_batch_that_loses_its_connection_is_not_written(
    store: SqlOrderStore, other: SqlOrderStore
) -> None:
    def worked() -> None:
        with store.batch():
            store.save(order_of("1"))
            lose_connections(store, other)
            for attempt in (lambda: store.save(order_of("2")), lambda: store.count(EVERYTHING)):
                with pytest.raises(StoreUnusable):
                    attempt()

    with pytest.raises(StoreUnusable):
        worked()
    assert store.count(EVERYTHING) == 0
    assert store.save(order_of("1")).version == 1


def test_a_server_that_lets_nobody_in_is_told(postgres_url: str) -> None:
    url = make_url(postgres_url)
    host = create_engine(url.set(query={}), isolation_level="AUTOCOMMIT")
    role = f"{url.database}_one"
    with host.connect() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN PASSWORD 'x' CONNECTION LIMIT 1")
        try:
            with SqlOrderStore(url.set(username=role, password="x")) as narrow:
                with pytest.raises(StoreUnusable, match="no schema has been selected"):
                    narrow.create()
                with narrow.database.writing(), pytest.raises(StoreUnusable, match="too many"):
                    narrow.count(EVERYTHING)
        finally:
            connection.exec_driver_sql(f"DROP ROLE {role}")
    host.dispose()


def test_a_pool_of_the_hosts_that_is_used_up_is_told(postgres_url: str) -> None:
    engine = create_engine(postgres_url, pool_size=1, max_overflow=0, pool_timeout=0)
    with SqlOrderStore.open(engine) as store:
        with store.batch():
            store.save(order_of("1"))
            with ThreadPoolExecutor(1) as thread, pytest.raises(StoreUnusable, match="QueuePool"):
                thread.submit(store.count, EVERYTHING).result()
        assert store.count(OrderQuery(limit=2**70)) == len(
            list(store.rows(OrderQuery(limit=2**70)))
        )
    engine.dispose()


# Indexes


UNDECIDED = OrderQuery(decided=False, placed=Period.since(NOON))
NEWEST: dict[str, Any] = {"newest_first": True, "limit": 51}
PAGE = OrderQuery(newest_first=True, limit=50, after=Cursor(NOON, "7"), life=["open"])


@pytest.fixture(scope="module")
def large(new_postgres: Callable[[], str]) -> Iterator[SqlOrderStore]:
    with SqlOrderStore.open(new_postgres()) as store:
        store.save(order_of("1"))
        multiply(store, 5_000)
        run(store, "ANALYZE shoppego_orders")
        yield store


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (UNDECIDED, "shoppego_undecided_by_"),
        (OrderQuery(shop=SHOP, decided=False), "shoppego_undecided_by_"),
        (OrderQuery(recovery="open"), "shoppego_open_recoveries"),
        (PAGE, "shoppego_orders_by_"),
        (OrderQuery(shop=SHOP, newest_first=True, limit=50), "shoppego_orders_by_"),
        (
            OrderQuery(shop=SHOP, customer_keys=["email:1", "b"], completed=Period.since(NOON)),
            "shoppego_orders_by_customer",
        ),
        (OrderQuery(ids=["copy 7", "b"]), "shoppego_orders_pkey"),
        (attrs.evolve(TABS[Tab.ARCHIVED], **NEWEST), "shoppego_archived_by_"),
        (attrs.evolve(TABS[Tab.DRAFTS], archived=False, **NEWEST), "shoppego_drafts_by_"),
        (attrs.evolve(TABS[Tab.PACKED], **NEWEST), "shoppego_in_fulfillment_by_"),
        (attrs.evolve(TABS[Tab.ABANDONED], shop=SHOP, **NEWEST), "shoppego_abandoned_by_"),
    ],
)
def test_a_question_is_answered_through_its_index(
    large: SqlOrderStore, query: OrderQuery, index: str
) -> None:
    plan = plan_of(large, query, "EXPLAIN")
    assert f"using {index}" in plan or f"on {index}" in plan
    assert "Seq Scan" not in plan
