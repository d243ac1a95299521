"""A PostgreSQL server that goes away, says nothing, hangs up or is full, in midst of everything."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any

import attrs
import pytest
from sqlalchemy import URL, Connection, create_engine, event, make_url

import postgres
from full_disk import small_disk
from shoppego_orders.adapters.sql import Database, SqlExportLog, SqlOrderStore, SqlTaskLog
from shoppego_orders.adapters.sql import database as sql_database
from shoppego_orders.errors import (
    DuplicateExport,
    DuplicateOrder,
    OrdersError,
    StaleOrder,
    StoreUnusable,
)
from shoppego_orders.order import Order, OrderRow
from shoppego_orders.ports import save_many
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.samples import NOON, an_export, order_of
from tcp_proxy import TcpProxy, proxy_before

psycopg = pytest.importorskip("psycopg")
patience = pytest.importorskip("shoppego_orders.adapters.sql.patience")

EVERYTHING = OrderQuery()
COMMIT = b"COMMIT\x00"
LOST = r"server closed the connection|terminating connection|connection.* failed"


@pytest.fixture(scope="module")
def own() -> Iterator[postgres.Server]:
    """A server that a test may stop."""
    problem = postgres.missing()
    if problem is not None:
        pytest.skip(problem)
    with postgres.server() as server:
        yield server


@pytest.fixture(autouse=True)
def _few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a short stream come in several answers, too."""
    monkeypatch.setattr(sql_database, "_CHUNK", 10)


_schemas = count()


@pytest.fixture
def url(own: postgres.Server) -> URL:
    """Where a test may open a store of its own."""
    schema = f"faults_{next(_schemas)}"
    server = make_url(own.url)
    database = Database(server)
    with database.writing() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    database.close()
    # What is committed is to outlast the server, unlike in other tests.
    options = f"-csearch_path={schema} -csynchronous_commit=on"
    return server.update_query_dict({"options": options})


@pytest.fixture
def store(url: URL) -> Iterator[SqlOrderStore]:
    with SqlOrderStore.open(url) as store:
        yield store


@pytest.fixture
def proxy(own: postgres.Server) -> Iterator[TcpProxy]:
    with proxy_before("127.0.0.1", own.port) as proxy:
        yield proxy


@pytest.fixture
def far(store: SqlOrderStore, url: URL, proxy: TcpProxy) -> Iterator[SqlOrderStore]:
    """The same store, through the proxy; it has a connection already."""
    with SqlOrderStore(url.set(port=proxy.port)) as far:
        assert far.count(EVERYTHING) == 0
        yield far


def is_whole(store: SqlOrderStore) -> bool:
    """Whether it works, nothing in it is half, and no connection is kept from others."""
    saved = store.save(order_of(f"works again {store.count(EVERYTHING)}"))
    assert "Current Checked out connections: 0" in store.database.engine.pool.status()
    return saved.version == 1 and list(store.disagreements()) == []


def fill(store: SqlOrderStore, number: int = 30) -> None:
    save_many(store, [order_of(f"{each:04}") for each in range(number)])


def in_midst(store: SqlOrderStore, act: Callable[[], object]) -> None:
    """Have something happen, once, when the events of an order have been written."""
    done: list[bool] = []

    def happens(_c: Connection, _cursor: object, told: str, *_: object) -> None:
        if told.startswith("INSERT INTO shoppego_events") and not done:
            done.append(True)
            act()

    event.listen(store.database.engine, "after_cursor_execute", happens)


def before_commit(store: SqlOrderStore, act: Callable[[], object]) -> None:
    """Have something happen, once, when all is written and nothing committed."""
    done: list[bool] = []

    def happens(_: Connection) -> None:
        if not done:
            done.append(True)
            act()

    event.listen(store.database.engine, "commit", happens)


# The server goes away


@pytest.fixture
def stopped(own: postgres.Server) -> Iterator[Callable[[], None]]:
    """Stops the server as a power cut would; it runs again at the end."""
    yield own.stop
    own.stop()
    own.start()


def test_a_server_that_goes_away_in_mid_stream(
    own: postgres.Server, store: SqlOrderStore, stopped: Callable[[], None]
) -> None:
    fill(store)
    streams = [store.rows(EVERYTHING), store.lines(EVERYTHING), store.columns(EVERYTHING, ["id"])]
    for stream in streams:
        next(stream)
    stopped()
    for stream in streams:
        with pytest.raises(StoreUnusable, match=LOST) as told:
            list(stream)
        assert "***" in told.value.target
        assert (make_url(own.url).password or "-") not in str(told.value)
    for attempt in (partial(store.count, EVERYTHING), partial(store.save, order_of("away"))):
        with pytest.raises(StoreUnusable, match="refused"):
            attempt()
    own.start()
    assert store.count(EVERYTHING) == 30
    assert is_whole(store)


def test_a_server_that_goes_away_while_it_is_written_to(
    own: postgres.Server, store: SqlOrderStore, stopped: Callable[[], None]
) -> None:
    saved = store.save(order_of("1"))

    def batch() -> None:
        with store.batch():
            store.save(order_of("2"))
            store.save(order_of("3"))

    for write in (
        # Tags are written after the events; a commit that follows at once may have been heard.
        partial(store.save, saved.set_tags(["gift"], at=NOON)),
        batch,
        partial(save_many, store, [order_of("4"), saved.edit_note("y", at=NOON)]),
    ):
        in_midst(store, stopped)
        with pytest.raises(StoreUnusable, match=LOST) as told:
            write()
        assert not told.value.perhaps_written
        own.start()
        assert [row.id for row in store.rows(EVERYTHING)] == ["1"]
        assert store.get("1") == saved
    assert is_whole(store)


def test_a_batch_goes_on_in_vain_once_its_server_went_away(
    own: postgres.Server, store: SqlOrderStore, stopped: Callable[[], None]
) -> None:
    def worked() -> None:
        with store.batch():
            store.save(order_of("1"))
            stopped()
            with pytest.raises(StoreUnusable, match=LOST):
                store.save(order_of("2"))
            own.start()
            with pytest.raises(StoreUnusable, match="the whole batch was undone"):
                store.save(order_of("3"))

    with pytest.raises(StoreUnusable, match="the whole batch was undone"):
        worked()
    assert store.count(EVERYTHING) == 0
    assert is_whole(store)


# The connection is cut


def test_a_connection_that_was_cut_while_it_lay_idle_is_replaced(
    far: SqlOrderStore, proxy: TcpProxy
) -> None:
    proxy.hang_up()
    assert is_whole(far)


def test_a_connection_that_is_cut_in_mid_stream(
    store: SqlOrderStore, far: SqlOrderStore, proxy: TcpProxy
) -> None:
    fill(store)
    stream = far.rows(EVERYTHING)
    next(stream)
    proxy.hang_up()
    with pytest.raises(StoreUnusable, match=LOST):
        list(stream)
    assert is_whole(far)


@attrs.frozen
class Written:
    """Something that writes, and what it says when it is done again after it was kept."""

    write: Callable[[SqlOrderStore, Order], object]
    again: object


def in_a_batch(store: SqlOrderStore, _: Order) -> None:
    with store.batch():
        store.save(order_of("first"))
        store.save(order_of("second"))


WRITES = {
    "save": Written(lambda store, known: store.save(known.edit_note("x", at=NOON)), StaleOrder),
    "save of a new one": Written(lambda store, _: store.save(order_of("new")), DuplicateOrder),
    "batch": Written(in_a_batch, DuplicateOrder),
    "save_many": Written(
        lambda store, _: [type(each) for each in save_many(store, [order_of("new")])],
        [DuplicateOrder],
    ),
    "settle_kept": Written(lambda store, known: store.settle_kept([OrderRow.of(known)]), None),
    "claim": Written(lambda store, _: SqlTaskLog(store.database).claim("r", NOON), False),
    "export": Written(
        lambda store, _: SqlExportLog(store.database).save(an_export("e")), DuplicateExport
    ),
}


@pytest.fixture(params=WRITES)
def written(request: pytest.FixtureRequest) -> Written:
    return WRITES[request.param]


def outcome(write: Callable[[], object]) -> object:
    try:
        return write()
    except OrdersError as error:
        return type(error)


def test_a_commit_whose_answer_is_lost_is_neither_called_done_nor_undone(
    store: SqlOrderStore, far: SqlOrderStore, proxy: TcpProxy, written: Written
) -> None:
    """To do the same again is safe: it tells whether it was kept."""
    known = store.save(order_of("1"))
    proxy.hang_up_after(COMMIT)
    with pytest.raises(StoreUnusable, match="nobody knows whether") as told:
        written.write(far, known)
    assert told.value.perhaps_written
    before = sorted(store.rows(EVERYTHING))
    assert outcome(lambda: written.write(far, known)) == written.again
    assert sorted(store.rows(EVERYTHING)) == before
    assert is_whole(far)


def test_a_commit_that_never_arrived_can_be_done_again(
    store: SqlOrderStore, far: SqlOrderStore, proxy: TcpProxy, written: Written
) -> None:
    known = store.save(order_of("1"))
    before = list(store.rows(EVERYTHING))
    proxy.hang_up_before(COMMIT)
    with pytest.raises(StoreUnusable, match="nobody knows whether") as told:
        written.write(far, known)
    # It was not kept, which nobody on this side can know.
    assert told.value.perhaps_written
    assert list(store.rows(EVERYTHING)) == before
    done = outcome(lambda: written.write(far, known))
    assert written.again is None or done != written.again
    assert is_whole(far)


def test_tables_whose_commit_is_lost_are_there(url: URL, proxy: TcpProxy) -> None:
    with SqlOrderStore(url.set(port=proxy.port)) as far:
        far.database.check()
        proxy.hang_up_after(COMMIT)
        with pytest.raises(StoreUnusable, match="nobody knows whether"):
            far.create()
        far.create()
        assert is_whole(far)


def test_a_server_that_ends_the_connection_before_the_commit(
    store: SqlOrderStore, own: postgres.Server
) -> None:
    saved = store.save(order_of("1"))
    edited = saved.edit_note("x", at=NOON)
    host = Database(own.url)

    def ended() -> None:
        with host.writing() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )

    before_commit(store, ended)
    with pytest.raises(StoreUnusable, match=LOST) as told:
        store.save(edited)
    assert told.value.perhaps_written
    host.close()
    assert store.save(edited).version == 2
    assert is_whole(store)


# The server is slow


def test_a_server_that_is_slow_is_waited_for(far: SqlOrderStore, proxy: TcpProxy) -> None:
    proxy.hold()
    release = threading.Timer(0.2, proxy.release)
    release.start()
    assert far.count(EVERYTHING) == 0
    release.join()
    assert is_whole(far)


def test_a_server_that_falls_silent_is_given_up(
    store: SqlOrderStore, far: SqlOrderStore, proxy: TcpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store)
    stream = far.rows(EVERYTHING)
    next(stream)

    def silent(attempt: Callable[[], object]) -> StoreUnusable:
        monkeypatch.setattr(patience, "SILENCE_S", 0.3)
        with pytest.raises(StoreUnusable, match=r"has said nothing for 0\.3 seconds") as told:
            attempt()
        monkeypatch.setattr(patience, "SILENCE_S", 60)
        proxy.release()
        return told.value

    proxy.hold()
    assert not silent(lambda: list(stream)).perhaps_written
    in_midst(far, proxy.hold)
    assert not silent(lambda: far.save(order_of("silent"))).perhaps_written
    before_commit(far, proxy.hold)
    assert silent(lambda: far.save(order_of("silent at the commit"))).perhaps_written
    assert is_whole(far)


def test_a_server_that_takes_a_connection_and_says_nothing(url: URL, proxy: TcpProxy) -> None:
    hasty = url.set(port=proxy.port).update_query_dict({"connect_timeout": "2"})
    with SqlOrderStore(hasty) as far:
        proxy.hold()
        with pytest.raises(StoreUnusable, match="timeout expired"):
            far.create()
        proxy.release()
        far.create()
        assert is_whole(far)


def driver_of(store: SqlOrderStore) -> Any:  # Any: SQLAlchemy does not say which
    with store.database.reading() as connection:
        return connection.connection.dbapi_connection


def test_patience_is_the_urls_or_the_hosts_to_change(store: SqlOrderStore, url: URL) -> None:
    ours = driver_of(store)
    assert ours.info.get_parameters()["connect_timeout"] == "30"
    if hasattr(socket, "TCP_KEEPIDLE"):
        with socket.socket(fileno=os.dup(ours.fileno())) as line:
            assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30
    with SqlOrderStore(url.update_query_dict({"connect_timeout": "5"})) as other:
        assert driver_of(other).info.get_parameters()["connect_timeout"] == "5"
    engine = create_engine(url.set(drivername="postgresql+psycopg"))
    with SqlOrderStore(engine) as hosts:
        assert type(driver_of(hosts)) is psycopg.Connection
    engine.dispose()


# The server's disk is full


def test_a_server_whose_disk_is_full(own: postgres.Server, url: URL) -> None:
    name = f"small_{os.getpid()}"
    place = own.folder / "small"
    with small_disk(place, 3072) as disk:
        folder = disk.folder / "tables"
        folder.mkdir()
        own.give(folder)
        engine = create_engine(
            url.set(drivername="postgresql+psycopg", query={}), isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as host:
            host.exec_driver_sql(f"CREATE TABLESPACE {name} LOCATION '{folder}'")
        options = f"{url.query['options']} -cdefault_tablespace={name}"
        try:
            with SqlOrderStore(url.update_query_dict({"options": options})) as store:
                with disk.full(), pytest.raises(StoreUnusable, match="No space left"):
                    store.create()
                store.create()
                fill(store, 20)
                known = store.get("0000")
                stream = store.rows(EVERYTHING)
                next(stream)
                large = [order_of(f"{each}", note=os.urandom(9000).hex()) for each in range(3)]
                with disk.full():
                    for write in (
                        partial(store.save, large[0]),
                        partial(save_many, store, large),
                        partial(in_one_batch, store, large),
                    ):
                        with pytest.raises(StoreUnusable, match="No space left") as told:
                            write()
                        assert not told.value.perhaps_written
                    assert len(list(stream)) == 19
                    assert store.get("0000") == known
                assert store.count(EVERYTHING) == 20
                in_one_batch(store, large)
                assert is_whole(store)
                with store.database.writing() as connection:
                    schema = connection.exec_driver_sql("SELECT current_schema()").scalar_one()
                    connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
        finally:
            with engine.connect() as host:
                host.exec_driver_sql(f"DROP TABLESPACE {name}")
            engine.dispose()


def in_one_batch(store: SqlOrderStore, orders: list[Order]) -> None:
    with store.batch():
        for order in orders:
            store.save(order)
