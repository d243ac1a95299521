"""What is particular to the SQL store: its file, its transactions, its indexes, its refusals."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import attrs
import pytest
from sqlalchemy import URL, create_engine, event

from other_processes import in_processes, opened_by_another_process, saved_by_another_process
from shoppego_orders.abandonment import AbandonmentPolicy, next_due, sweep
from shoppego_orders.adapters.sql import SqlExportLog, SqlOrderStore, SqlTaskLog, dialects
from shoppego_orders.errors import (
    DuplicateOrder,
    InvalidValue,
    OrderNotFound,
    StaleOrder,
    StoreUnusable,
)
from shoppego_orders.order import Fulfillment, LineItem, Order, OrderRow
from shoppego_orders.page import Tab, orders_page
from shoppego_orders.periods import Period
from shoppego_orders.ports import Outcome, save_many
from shoppego_orders.query import Cursor, OrderQuery
from shoppego_orders.testing.samples import NOON, SHOP, myr, order_of, sample_orders
from sql_plans import plan_of

EVERYTHING = OrderQuery()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[SqlOrderStore]:
    with SqlOrderStore.open(path) as store:
        yield store


# Opening


def test_a_file_is_opened_by_path_text_url_or_engine(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    for target in (path, str(path), f"sqlite:///{path}", URL.create("sqlite", database=str(path))):
        with SqlOrderStore.open(target) as store:
            store.save(order_of(f"{type(target).__name__}{target}"))
    with SqlOrderStore.open(engine) as store:
        assert store.count(EVERYTHING) == 4
    # The host's engine is the host's to close.
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM shoppego_orders").scalar() == 4
    engine.dispose()


def test_opening_again_changes_nothing(path: Path) -> None:
    with SqlOrderStore.open(path) as store:
        store.save(order_of("1"))
        store.create()
    with SqlOrderStore.open(path) as store:
        assert store.get("1") == order_of("1")


def test_a_closed_store_opens_again_when_it_is_used(path: Path) -> None:
    store = SqlOrderStore.open(path)
    store.close()
    store.save(order_of("1"))
    store.close()
    store.close()
    # The last connection folded the write-ahead log into the file.
    assert [each.name for each in path.parent.iterdir()] == ["orders.sqlite"]


def a_folder(path: Path) -> Path:
    path.mkdir()
    return path


def a_file_in_no_folder(path: Path) -> Path:
    return path / "missing" / "orders.sqlite"


def a_file_in_a_file(path: Path) -> Path:
    path.write_text("x")
    return path / "orders.sqlite"


def a_text_file(path: Path) -> Path:
    path.write_text("id,total\n1,5.90\n" * 100)
    return path


def a_cut_database(path: Path) -> Path:
    with SqlOrderStore.open(path) as store:
        for order in sample_orders():
            store.save(order)
    path.write_bytes(path.read_bytes()[:5000])
    return path


def a_scribbled_database(path: Path) -> Path:
    with SqlOrderStore.open(path) as store:
        store.save(order_of("1"))
    whole = path.read_bytes()
    path.write_bytes(whole[:200] + b"\xff" * 4000 + whole[4200:])
    return path


def somebody_elses_tables(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE shoppego_orders (id TEXT)")
    return path


def a_newer_schema(path: Path) -> Path:
    SqlOrderStore.open(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE shoppego_schema SET version = 99")
        connection.commit()
    return path


def an_older_schema(path: Path) -> Path:
    SqlOrderStore.open(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE shoppego_schema SET version = 1")
    return path


def a_schema_without_a_version(path: Path) -> Path:
    SqlOrderStore.open(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM shoppego_schema")
        connection.commit()
    return path


def an_empty_database_to_read(path: Path) -> str:
    sqlite3.connect(path).close()
    path.touch()
    return f"sqlite:///file:{path}?mode=ro&uri=true"


def use(target: Path | str) -> None:
    # What is broken inside shows when it is read.
    with SqlOrderStore.open(target) as store:
        store.save(order_of("new"))
        list(store.disagreements())


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (a_folder, "it is a folder"),
        (a_file_in_no_folder, "its folder does not exist"),
        (a_file_in_a_file, "its folder does not exist"),
        (a_text_file, "not a database"),
        (a_cut_database, "malformed"),
        (a_scribbled_database, "malformed"),
        (somebody_elses_tables, "was not made by shoppego_orders"),
        (a_newer_schema, "version 99.*a newer release"),
        (an_older_schema, "version 1,.*an older release"),
        (a_schema_without_a_version, "version None"),
        (an_empty_database_to_read, "readonly"),
    ],
)
def test_what_is_no_store_is_refused(
    path: Path, make: Callable[[Path], Path | str], told: str
) -> None:
    target = make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StoreUnusable, match=told) as refused:
        use(target)
    assert path.name in refused.value.target
    if make is not a_scribbled_database:
        assert (path.read_bytes() if path.is_file() else None) == before


@pytest.mark.parametrize(
    "target",
    [":memory:", "sqlite://", "sqlite:///:memory:", "sqlite:///file::memory:?uri=true", ""],
)
def test_a_database_in_memory_is_refused(target: str) -> None:
    with pytest.raises(StoreUnusable, match="in memory"):
        SqlOrderStore.open(target)


def test_another_database_is_refused_without_telling_its_password() -> None:
    with pytest.raises(StoreUnusable, match="neither SQLite nor PostgreSQL") as refused:
        SqlOrderStore.open("mysql://siti:secret@db.example/orders?password=secret")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["://", "no scheme://x", "sqlite:////x:y@z:port/a://"])
def test_a_malformed_url_is_refused(url: str) -> None:
    with pytest.raises((InvalidValue, StoreUnusable)):
        SqlOrderStore.open(url)


def test_an_old_sqlite_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(StoreUnusable, match=r"3\.35 or newer"):
        SqlOrderStore(path)


def test_a_store_without_tables_says_so(path: Path) -> None:
    with SqlOrderStore(path) as store:
        with pytest.raises(StoreUnusable, match=r"create\(\)"):
            store.get("1")
        with pytest.raises(StoreUnusable, match=r"create\(\)"):
            store.save(order_of("1"))


def test_a_file_that_may_not_be_read_is_refused(store: SqlOrderStore, path: Path) -> None:
    store.save(order_of("1"))
    store.close()
    path.chmod(0)
    code = (
        "import os, sys\n"
        "from shoppego_orders.adapters.sql import SqlOrderStore\n"
        "from shoppego_orders.errors import StoreUnusable\n"
        # Nothing is forbidden to root.
        "os.geteuid() or os.setuid(65534)\n"
        "try: SqlOrderStore.open(sys.argv[1])\n"
        "except StoreUnusable as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert "can't be used: unable to open database file (no permission?)" in done.stdout


def test_without_sqlalchemy_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['sqlalchemy'] = None\n"
        "from shoppego_orders.errors import MissingExtra\n"
        "try: import shoppego_orders.adapters.sql\n"
        "except MissingExtra as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'shoppego-orders[sql]'" in done.stdout


def test_connections_are_made_ready(store: SqlOrderStore) -> None:
    with store.database.reading() as connection:
        asked = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked]
    assert found == ["wal", 1, 1, 30_000]


def test_a_host_may_have_every_save_wait_for_the_disk(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    with SqlOrderStore.open(engine) as store:

        @event.listens_for(engine, "checkout")
        def _(driver: Any, *_: object) -> None:  # Any: SQLAlchemy does not say which driver
            driver.execute("PRAGMA synchronous = FULL")

        for connect in (store.database.reading, store.database.writing):
            with connect() as connection:
                assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    engine.dispose()


# Transactions


def test_a_save_that_fails_half_way_leaves_nothing(store: SqlOrderStore) -> None:
    saved = store.save(order_of("1"))
    with store.database.writing() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER fails BEFORE INSERT ON shoppego_lines WHEN NEW.product = 'bad' "
            "BEGIN SELECT RAISE(FAIL, 'the disk is on fire'); END"
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


def test_more_than_are_written_together_are_saved(store: SqlOrderStore) -> None:
    many = [order_of(f"{number:04}") for number in range(1201)]
    outcomes = save_many(store, [*many, many[0]])
    assert [each.version for each in outcomes[:-1] if isinstance(each, Order)] == [1] * 1201
    assert isinstance(outcomes[-1], DuplicateOrder)
    assert store.count(EVERYTHING) == 1201


def fill(store: SqlOrderStore, saved: list[str]) -> None:
    saved.extend(store.save(order_of(str(number), note="x" * 2000)).id for number in range(1000))


def test_a_full_disk_is_told_and_nothing_is_half_written(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def _(driver: Any, _: object) -> None:  # Any: SQLAlchemy does not say which driver
        driver.execute("PRAGMA max_page_count = 60")

    with SqlOrderStore.open(engine) as store:
        saved: list[str] = []
        with pytest.raises(StoreUnusable, match="full"):
            fill(store, saved)
        assert store.count(EVERYTHING) == len(saved) > 5
        assert list(store.disagreements()) == []
    engine.dispose()


def test_a_writer_that_waits_too_long_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialects, "_PATIENCE_MS", 1)
    with SqlOrderStore.open(path) as store, SqlOrderStore.open(path) as other:
        with store.batch():
            store.save(order_of("1"))
            with pytest.raises(StoreUnusable, match="locked"):
                other.save(order_of("2"))
            assert other.count(EVERYTHING) == 0
        assert other.save(order_of("2")).version == 1


def test_a_number_too_large_for_a_column_is_refused(store: SqlOrderStore) -> None:
    with pytest.raises(InvalidValue, match=r"2\*\*63"):
        store.save(attrs.evolve(order_of("1"), version=2**63))
    assert store.count(EVERYTHING) == 0


def test_a_batch_is_written_at_its_end(store: SqlOrderStore, path: Path) -> None:
    with SqlOrderStore.open(path) as other:
        with store.batch():
            saved = store.save(order_of("1"))
            assert store.save(saved.edit_note("x", at=NOON)).version == 2
            assert [row.note for row in store.rows(EVERYTHING)] == ["x"]
            assert store.count(EVERYTHING) == len(list(store.lines(EVERYTHING))) == 1
            assert len(store.events("1")) == 2
            assert other.count(EVERYTHING) == 0
        assert other.get("1").note == "x"


def test_a_refused_save_is_undone_alone(store: SqlOrderStore) -> None:
    first = store.save(order_of("1"))
    store.save(first.edit_note("newer", at=NOON))
    with store.batch():
        store.save(order_of("2"))
        with pytest.raises(DuplicateOrder):
            store.save(order_of("3", number="#2"))
        with pytest.raises(StaleOrder):
            store.save(first.edit_note("late", at=NOON))
        with store.batch():
            store.save(order_of("4"))
    assert [row.id for row in store.rows(EVERYTHING)] == ["1", "2", "4"]
    assert store.get("1").note == "newer"
    assert list(store.disagreements()) == []


def interrupted(store: SqlOrderStore, work: Callable[[], None]) -> None:
    with store.batch():
        work()
        _ = 1 / 0


def test_an_exception_undoes_the_batch(store: SqlOrderStore) -> None:
    with pytest.raises(ZeroDivisionError):
        interrupted(store, lambda: store.settle_kept([OrderRow.of(store.save(order_of("1")))]))
    assert store.count(EVERYTHING) == 0
    with pytest.raises(OrderNotFound):
        store.events("1")
    assert store.save(order_of("1")).version == 1


def test_tasks_share_the_batch_of_their_store(store: SqlOrderStore) -> None:
    tasks = SqlTaskLog(store.database)
    claims: list[bool] = []
    with pytest.raises(ZeroDivisionError):
        interrupted(store, lambda: claims.extend(tasks.claim("r", NOON) for _ in range(2)))
    assert claims == [True, False]
    assert list(tasks.tasks()) == []
    with store.batch():
        assert tasks.claim("reminder/1", NOON)
        tasks.settle("reminder/1", Outcome.DONE, NOON)
    assert [task.outcome for task in tasks.tasks()] == [Outcome.DONE]


# Processes


def test_of_two_processes_that_save_one_order_one_wins(store: SqlOrderStore, path: Path) -> None:
    store.save(order_of("1"))
    answers = in_processes(saved_by_another_process, str(path), ["a", "b", "c"])
    assert answers == ["StaleOrder", "StaleOrder", "saved"]
    assert len(store.events("1")) == store.get("1").version == 2


def test_processes_may_make_one_file_at_once(path: Path) -> None:
    assert in_processes(opened_by_another_process, str(path), ["a", "b", "c"]) == ["saved"] * 3
    with SqlOrderStore.open(path) as store:
        assert [row.id for row in store.rows(EVERYTHING)] == ["a", "b", "c"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_takes_connections_of_its_own(store: SqlOrderStore) -> None:
    store.save(order_of("parent"))
    stream = store.rows(EVERYTHING)
    next(stream)
    child = os.fork()
    if child == 0:
        try:
            before = store.count(EVERYTHING)
            store.save(order_of("child"))
            os._exit(0 if (before, store.count(EVERYTHING)) == (1, 2) else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert list(stream) == []
    assert store.save(order_of("later")).version == 1
    assert store.count(EVERYTHING) == 3
    assert list(store.disagreements()) == []


# Indexes


def plan_of_statement(store: SqlOrderStore, statement: str, values: Any) -> list[str]:
    with store.database.reading() as connection:
        found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        return [str(row[3]) for row in found]


@contextmanager
def sent_by(store: SqlOrderStore) -> Generator[list[tuple[str, Any]]]:
    """The statements that are sent meanwhile, with their parameters."""
    sent: list[tuple[str, Any]] = []  # Any: parameters as the driver takes them

    def listen(_: object, __: object, statement: str, values: Any, *___: object) -> None:
        # Of a statement that is sent with many rows, one tells the plan.
        many = isinstance(values, list)
        sent.append((statement, cast("list[Any]", values)[0] if many else values))

    event.listen(store.database.engine, "before_cursor_execute", listen)
    yield sent
    event.remove(store.database.engine, "before_cursor_execute", listen)


TABS_IN_FULFILLMENT = [Tab(status.value) for status in Fulfillment]
UNDECIDED = OrderQuery(decided=False, placed=Period.before(NOON))
PAGE = OrderQuery(newest_first=True, limit=50, after=Cursor(NOON, "7"), life=["open"])


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (UNDECIDED, "shoppego_undecided_by_time"),
        (OrderQuery(shop=SHOP, decided=False), "shoppego_undecided_by_shop"),
        (
            OrderQuery(shop=SHOP, decided=False, placed=Period.before(NOON), limit=5),
            "shoppego_undecided_by_shop",
        ),
        (PAGE, "shoppego_orders_by_time"),
        (OrderQuery(shop=SHOP, newest_first=True, limit=50), "shoppego_orders_by_shop_and_time"),
        (OrderQuery(shop=SHOP, placed=Period.since(NOON)), "shoppego_orders_by_shop_and_time"),
        (
            OrderQuery(shop=SHOP, customer_keys=["a", "b"], completed=Period.since(NOON)),
            "shoppego_orders_by_customer",
        ),
        (OrderQuery(shop=SHOP, ids=["a"]), "sqlite_autoindex_shoppego_orders_1"),
    ],
)
def test_a_question_is_answered_through_its_index(
    store: SqlOrderStore, query: OrderQuery, index: str
) -> None:
    plan = plan_of(store, query, "EXPLAIN QUERY PLAN")
    assert f"USING INDEX {index}" in plan
    by_place = "by_time" in index or "by_shop" in index
    # Already in order: a stream begins at once, however long it is.
    assert ("TEMP B-TREE" in plan) is not by_place


@pytest.mark.parametrize("by", ["time", "shop"])
@pytest.mark.parametrize(
    ("tab", "index"),
    [
        (Tab.ALL, "unarchived"),
        (Tab.UNPAID, "unpaid"),
        *((each, "in_fulfillment") for each in TABS_IN_FULFILLMENT),
        (Tab.CANCELLED, "cancelled"),
        (Tab.ABANDONED, "abandoned"),
        (Tab.DRAFTS, "drafts"),
        (Tab.ARCHIVED, "archived"),
    ],
)
def test_a_tab_is_read_and_counted_through_its_own_index(
    store: SqlOrderStore, tab: Tab, index: str, by: str
) -> None:
    """What a page costs depends on its size, and not on what else there is."""
    shown = orders_page(store, tab=tab, shop=SHOP if by == "shop" else None).query
    page = attrs.evolve(shown, newest_first=True, limit=51, after=Cursor(NOON, "7"))
    plan = plan_of(store, page, "EXPLAIN QUERY PLAN")
    assert f"USING INDEX shoppego_{index}_by_{by} " in plan
    assert "TEMP B-TREE" not in plan
    with sent_by(store) as sent:
        store.count_up_to([shown], 1_001)
    plan = "\n".join(plan_of_statement(store, *sent[0]))
    # Of all shops either of the two tells: both have the same orders.
    assert f"USING COVERING INDEX shoppego_{index}_by_{by if by == 'shop' else ''}" in plan


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ({}, "shoppego_exports_by_time"),
        ({"shop": SHOP}, "shoppego_exports_by_shop_and_time"),
        ({"open_only": True}, "shoppego_open_exports"),
    ],
)
def test_the_downloads_page_and_workers_read_through_an_index(
    store: SqlOrderStore, asked: dict[str, Any], index: str
) -> None:
    with sent_by(store) as sent:
        assert list(SqlExportLog(store.database).exports(**asked)) == []
    (plan,) = plan_of_statement(store, *sent[0])
    assert f"USING INDEX {index}" in plan


@pytest.mark.parametrize("shop", [None, SHOP])
def test_a_sweep_scans_no_table(store: SqlOrderStore, shop: str | None) -> None:
    """What it costs depends on what is due, and not on how long the history is."""
    for number in range(20):
        order = order_of(f"{number}", at=NOON + number * timedelta(minutes=1))
        if number < 5:
            order = order.record_payment("pay", order.total, at=NOON + timedelta(minutes=number))
        store.save(order)
    with sent_by(store) as sent:
        found = sweep(store, AbandonmentPolicy(), NOON + timedelta(days=1), shop=shop)
        next_due(store, AbandonmentPolicy(), NOON + timedelta(days=1), shop=shop)
    asked = dict(sent)
    # One customer, who bought up to 12:04.
    assert len(found.abandoned) == 15
    plans = [
        plan_of_statement(store, statement, values)
        for statement, values in asked.items()
        if statement.startswith(("SELECT", "UPDATE"))
    ]
    assert len(plans) >= 5
    for plan in plans:
        # The texts that are asked for go as one parameter, which is a table for SQLite.
        scanned = [step for step in plan if "SCAN" in step and "VIRTUAL TABLE" not in step]
        assert scanned == []


# The check


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE shoppego_orders SET total = total + 1", "column total"),
        ("UPDATE shoppego_orders SET placed_at = placed_at + 1", "column placed_at"),
        ("UPDATE shoppego_orders SET tags = '[]'", "column tags"),
        ("DELETE FROM shoppego_tags", "tags"),
        ("DELETE FROM shoppego_events", "events"),
        ("DELETE FROM shoppego_lines", "lines"),
        ("UPDATE shoppego_lines SET quantity = 2", "lines"),
        ("UPDATE shoppego_orders SET version = version + 1", "events"),
        (
            "UPDATE shoppego_orders SET note = 'y', document = replace(document, 'ring', 'y')",
            "events",
        ),
    ],
)
def test_disagreements_are_found(store: SqlOrderStore, statement: str, told: str) -> None:
    store.save(order_of("1", tags=["gift"], note="ring"))
    assert list(store.disagreements()) == []
    with store.database.writing() as connection:
        connection.exec_driver_sql(statement)
    (first, *_) = store.disagreements()
    assert told in first
