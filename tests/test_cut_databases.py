"""A SQLite file or its log is cut, zeroed or scrambled anywhere: it opens as it once was, or not.

What a power cut leaves is a log that ends early, or whose end was never written: that opens, as
it was after one of its transactions. What a bad disk or a careless copy leaves is refused, or else
found by ``disagreements``.
"""

from __future__ import annotations

import logging
import os
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
from sqlalchemy import create_engine, event

from shoppego_orders.adapters.sql import Database, SqlExportLog, SqlOrderStore, SqlTaskLog
from shoppego_orders.errors import InvalidDocument, StoreUnusable, UnknownDocumentVersion
from shoppego_orders.order import LineItem, LineRow, Order, OrderRow
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.samples import NOON, an_export, myr, order_of

pytestmark = pytest.mark.once

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
ROUNDS = int(os.environ.get("SHOPPEGO_TEST_CUTS") or (40 if DEEP else 3))
"""Of each fault, on each database."""
EVERYTHING: Final = OrderQuery()
SAVES: Final = 120


# Databases


@attrs.frozen
class History:
    """A database that was copied while it was in use, and what it had been until then.

    :ivar states: each state of each order, by id and version.
    :ivar moments: which versions there were, after each transaction.
    """

    folder: Path
    states: Mapping[tuple[str, int], Order]
    moments: frozenset[frozenset[tuple[str, int]]]


def fold(store: SqlOrderStore) -> None:
    """Write into the file what is in the log, as far as no reader needs the log."""
    with store.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")


def saves(chance: random.Random) -> Iterator[Callable[[SqlOrderStore], Order]]:
    """Orders placed, edited and paid, small and large."""
    known: list[str] = []

    def placed(store: SqlOrderStore) -> Order:
        name = f"{len(known):04}"
        known.append(name)
        lines = [LineItem(f"Kopi {kind}", 1, myr("5.90")) for kind in "OCK"[: chance.randint(1, 3)]]
        return store.save(order_of(name, lines=lines, note=note(), tags=["gift", "vip"]))

    def edited(store: SqlOrderStore) -> Order:
        order = store.get(chance.choice(known))
        return store.save(order.edit_note(f"{order.version}{note()}", at=NOON))

    def paid(store: SqlOrderStore) -> Order:
        order = store.get(chance.choice(known))
        return store.save(order.record_payment(f"{order.version}", myr("0.10"), at=NOON))

    def note() -> str:
        return "Tolong hantar. " * chance.choice([0, 1, 200, 600])

    yield placed
    while True:
        yield chance.choice([placed, edited, paid])


@pytest.fixture(scope="module", params=["closed", "in use", "read meanwhile", "folded"])
def history(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> History:
    folder: Path = tmp_path_factory.mktemp("history")
    copy = folder / "copy"
    path = folder / "orders.sqlite"
    states: dict[tuple[str, int], Order] = {}
    moments = [frozenset[tuple[str, int]]()]
    with (
        SqlOrderStore.open(path) as store,
        closing(sqlite3.connect(path)) as reader,
    ):
        for number, save in zip(range(SAVES), saves(random.Random(1)), strict=False):
            if number == SAVES // 3:
                # From here on the log begins anew, over what is left of the old one.
                fold(store)
            if number == SAVES // 2 and request.param == "read meanwhile":
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM shoppego_orders").fetchone()
            saved = save(store)
            states[saved.id, saved.version] = saved
            moments.append(
                moments[-1] - {(saved.id, saved.version - 1)} | {(saved.id, saved.version)}
            )
        if request.param in {"read meanwhile", "folded"}:
            fold(store)
        if request.param == "closed":
            reader.close()
            store.close()
        copy.mkdir()
        for file in folder.glob("orders.sqlite*"):
            # The third file is an index of the log, which SQLite makes anew after a crash.
            if file.suffix != ".sqlite-shm":
                shutil.copy(file, copy)
    assert (copy / "orders.sqlite-wal").exists() is (request.param != "closed")
    return History(copy, states, frozenset(moments))


# Faults


def cut(file: Path, chance: random.Random) -> None:
    size = file.stat().st_size
    # Some near the end, where a page is cut in two.
    with file.open("r+b") as opened:
        opened.truncate(max(0, size - chance.randrange(chance.choice([100, 4096, size])) - 1))


def zeroed(file: Path, chance: random.Random) -> None:
    """Lose pages that were never written."""
    content = bytearray(file.read_bytes())
    start = chance.randrange(len(content) // 4096) * 4096
    content[start:] = bytes(len(content) - start)
    file.write_bytes(content)


def scrambled(file: Path, chance: random.Random) -> None:
    content = bytearray(file.read_bytes())
    start = chance.randrange(len(content))
    end = min(start + chance.choice([1, 100, 40_000]), len(content))
    content[start:end] = chance.randbytes(end - start)
    file.write_bytes(content)


Fault = Callable[[Path, random.Random], None]
FILE, LOG = "orders.sqlite", "orders.sqlite-wal"
FAULTS: Final[Mapping[str, Sequence[tuple[str, Fault]]]] = {
    "file cut": [(FILE, cut)],
    "log cut": [(LOG, cut)],
    "both cut": [(FILE, cut), (LOG, cut)],
    "log zeroed": [(LOG, zeroed)],
    "log scrambled": [(LOG, scrambled)],
}


# What is found


def found_in(path: Path, history: History) -> str:
    """What becomes of whoever opens it, reads all of it, and asks whether it is right."""
    try:
        store = SqlOrderStore.open(path)
    except (InvalidDocument, StoreUnusable):
        return "refused when opened"
    with store:
        try:
            rows = list(store.rows(EVERYTHING))
            orders = [store.get(row.id) for row in rows]
            lines = list(store.lines(EVERYTHING))
            events = [store.events(order.id) for order in orders]
            counted = store.count(EVERYTHING)
        except (InvalidDocument, StoreUnusable):
            return "refused when read"
        try:
            if list(store.disagreements()):
                return "found by disagreements"
        except (InvalidDocument, StoreUnusable):
            return "found by disagreements"
        # Now nothing may be wrong any more.
        assert frozenset((order.id, order.version) for order in orders) in history.moments
        assert orders == [history.states[order.id, order.version] for order in orders]
        assert rows == [OrderRow.of(order) for order in orders]
        assert lines == [
            LineRow.of(row, position, line)
            for row, order in zip(rows, orders, strict=True)
            for position, line in enumerate(order.lines, 1)
        ]
        assert [Order.replay(each) for each in events] == orders
        assert counted == len(orders)
        assert store.save(order_of("new")).version == 1
        return "as it once was"


@pytest.mark.parametrize("kind", FAULTS)
def test_a_database_that_lost_something_is_as_it_once_was_or_refused(
    history: History, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    faults = FAULTS[kind]
    if not all((history.folder / name).exists() for name, _ in faults):
        pytest.skip("a database that was closed has no log")
    state = request.node.callspec.params["history"]
    chance = random.Random(f"{kind} {state}")
    became = Counter[str]()
    for round_ in range(ROUNDS):
        damaged = tmp_path / f"{round_}"
        shutil.copytree(history.folder, damaged)
        for name, fault in faults:
            fault(damaged / name, chance)
        became[found_in(damaged / FILE, history)] += 1
        shutil.rmtree(damaged)
    logging.getLogger(__name__).info("%s, %s: %s", state, kind, dict(became))
    if state == "in use" and FILE not in dict(faults):
        # This is what a power cut may leave.
        assert became == {"as it once was": ROUNDS}
    elif state == "closed":
        assert became == {"refused when opened": ROUNDS}
    elif kind == "file cut":
        assert became.keys() <= {"refused when opened", "as it once was"}


# Examples


def test_a_file_whose_last_page_is_cut_in_two_is_refused(tmp_path: Path) -> None:
    path = tmp_path / FILE
    with SqlOrderStore.open(path) as store:
        # So long that the last page is of it, and none that every connection has to read first.
        store.save(order_of("1", note="x" * 20_000))
    pages = path.stat().st_size // 4096
    os.truncate(path, path.stat().st_size - 1)
    before = path.read_bytes()
    for look in (Database(path).check, Database(path).create, Database(path).upgrade):
        with pytest.raises(StoreUnusable, match=f"cut off: its page {pages} is missing"):
            look()
    assert path.read_bytes() == before


def test_a_file_may_end_early_where_the_log_has_the_rest(tmp_path: Path) -> None:
    """As it does whenever others have written since it was folded."""
    path = tmp_path / FILE
    with SqlOrderStore.open(path) as store:
        for number in range(20):
            store.save(order_of(f"{number}", note="x" * 4000))
        assert path.stat().st_size < path.with_name(LOG).stat().st_size
        with SqlOrderStore.open(path) as other:
            assert other.database.check().usable
            assert other.count(EVERYTHING) == 20


def test_a_host_may_have_attached_another_database(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / FILE}")

    @event.listens_for(engine, "connect")
    def _(driver: Any, _: object) -> None:  # Any: SQLAlchemy does not say which driver
        driver.execute("ATTACH ':memory:' AS other")

    with SqlOrderStore.open(engine) as store:
        assert store.save(order_of("1")).version == 1
        assert store.database.check().usable
    engine.dispose()


def test_parts_without_their_order_are_found(tmp_path: Path) -> None:
    with SqlOrderStore.open(tmp_path / FILE) as store:
        store.save(order_of("1", tags=["gift"]))
        with closing(sqlite3.connect(tmp_path / FILE)) as stranger, stranger:
            stranger.execute("DELETE FROM shoppego_orders")
        assert sorted(store.disagreements()) == [
            f"a row of shoppego_{table} belongs to no order"
            for table in ("events", "lines", "tags")
        ]


@pytest.mark.parametrize(
    ("table", "change", "refused"),
    [
        ("orders", "document = 'x'", {"get"}),
        ("orders", "document = replace(document, 'currency', 'c')", {"get"}),
        ("orders", "document = CAST(x'00' AS TEXT)", {"get"}),
        ("orders", "tags = ''", {"rows", "lines", "columns"}),
        ("orders", "life = 'x'", {"rows", "lines"}),
        ("orders", "currency = 'X'", {"rows", "lines"}),
        ("orders", "total = 'x'", {"rows", "lines"}),
        ("orders", "total = 1000000000000000000", {"rows", "lines"}),
        ("orders", "placed_at = 'x'", {"rows", "lines"}),
        ("orders", "placed_at = 9223372036854775807", {"rows", "lines"}),
        ("lines", "line_total = 'x'", {"lines"}),
        ("events", "document = '{}'", {"events"}),
        ("tasks", "outcome = 'x'", {"tasks"}),
        ("tasks", "claimed_at = ''", {"tasks"}),
        ("exports", "document = '[]'", {"export of", "exports"}),
    ],
)
def test_what_was_never_saved_is_told(
    tmp_path: Path, table: str, change: str, refused: set[str]
) -> None:
    with SqlOrderStore.open(tmp_path / FILE) as store:
        tasks, exports = SqlTaskLog(store.database), SqlExportLog(store.database)
        store.save(order_of("1", tags=["gift"]))
        tasks.claim("r", NOON)
        exports.save(an_export("e"))
        questions: dict[str, Callable[[], object]] = {
            "get": lambda: store.get("1"),
            "rows": lambda: list(store.rows(EVERYTHING)),
            "lines": lambda: list(store.lines(EVERYTHING)),
            "events": lambda: store.events("1"),
            "columns": lambda: list(store.columns(EVERYTHING, ["tags"])),
            "tasks": lambda: list(tasks.tasks()),
            "export of": lambda: exports.get("e"),
            "exports": lambda: list(exports.exports()),
        }
        for ask in questions.values():
            ask()
        with store.database.writing() as connection:
            connection.exec_driver_sql(f"UPDATE shoppego_{table} SET {change}")
        problems: dict[str, InvalidDocument | StoreUnusable] = {}
        for name, ask in questions.items():
            try:
                ask()
            except (InvalidDocument, StoreUnusable) as error:
                problems[name] = error
        assert problems.keys() == refused
        unusable = [error for error in problems.values() if isinstance(error, StoreUnusable)]
        assert all("what is stored is damaged" in error.problem for error in unusable)


def test_a_document_of_a_newer_release_is_not_called_damaged(tmp_path: Path) -> None:
    with SqlOrderStore.open(tmp_path / FILE) as store:
        store.save(order_of("1"))
        with store.database.writing() as connection:
            changed = """replace(document, '"version":', '"version":9')"""
            connection.exec_driver_sql(f"UPDATE shoppego_orders SET document = {changed}")
        with pytest.raises(UnknownDocumentVersion):
            store.get("1")
