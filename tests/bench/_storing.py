"""Stores of any size to measure, and what a host would otherwise write: plain SQL, and an ORM.

All work on the same tables, in one database, by the same driver and at the same durability: a
SQLite file in WAL mode with ``synchronous=NORMAL``, or one PostgreSQL server.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

import attrs
import psycopg
from sqlalchemy import URL, create_engine, event, false, func, select, true
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, defer, relationship, sessionmaker

from shoppego_orders.adapters.sql import SqlOrderStore
from shoppego_orders.adapters.sql.columns import line_values, row_of, values_of
from shoppego_orders.adapters.sql.queries import conditions
from shoppego_orders.adapters.sql.schema import metadata as schema_tables
from shoppego_orders.adapters.sql.schema import order_events, order_lines, order_tags, orders
from shoppego_orders.attribution import Touch, default_table
from shoppego_orders.customers import Customer
from shoppego_orders.money import Money
from shoppego_orders.order import Fulfillment, LineItem, Order, OrderRow
from shoppego_orders.page import COUNTED, PAGE_SIZE, orders_page
from shoppego_orders.page import TABS as PAGE_TABS
from shoppego_orders.periods import epoch_micros
from shoppego_orders.query import OrderQuery
from shoppego_orders.serialization import event_to_json, order_from_json, order_to_json

SEED: Final = 2_000
SHOPS: Final = 4
BEGAN: Final = datetime(2026, 6, 1, tzinfo=UTC)
FEW: Final = ("draft", "packed", "ready_for_pickup")
"""What only the newest orders are, so that some tabs hold a few of very many."""
_INSTANTS: Final = [
    *("placed_at", "completed_at", "paid_at", "confirmed_at", "taken_up_at", "shipped_at"),
    *("cancelled_at", "changed_at", "abandoned_at", "returned_at", "recovered_at"),
]
_SOURCES: Final = ("tiktok", "google", "whatsapp", "youtube", "")


def shop(number: int) -> str:
    return f"kedai-{number % SHOPS}.myshoppegram.com"


def begun(id: str, number: int, at: datetime) -> Order:
    """An order of two lines that waits for its payment."""
    domain, source = shop(number), _SOURCES[number % len(_SOURCES)]
    touch = Touch(f"https://{domain}/cart/2648:1?utm_source={source}", None, at)
    return Order.place(
        id=id,
        at=at,
        shop=domain,
        currency="MYR",
        lines=[
            LineItem("Tudung Bawal", 1, Money("59.50", "MYR"), variant="Merah", sku="TB-1"),
            LineItem("Kopi O", 2, Money("12.90", "MYR")),
        ],
        customer=Customer(
            first_name="Nur Aisyah",
            last_name=f"binti Yusof {number}",
            email=f"pelanggan{number}@example.my",
            phone=f"01{number:08}",
        ),
        touches=[touch],
        attribution=default_table().classify(touch),
        tags=["vip"] if number % 50 == 0 else (),
    )


def paid(order: Order) -> Order:
    return order.record_payment("pay", order.total, at=order.placed_at + timedelta(minutes=9))


def seed(number: int) -> Order:
    """One of the orders that the history is made of: more than half are completed."""
    order = begun(f"{number}", number, BEGAN + timedelta(seconds=10 * number))
    at = order.placed_at + timedelta(hours=2)
    match number % 20:
        case 13 | 14 | 15:
            due = order.placed_at + timedelta(hours=1)
            return order.record_abandonment(
                policy="documented", reasons=["no payment"], at=due, recorded_at=at
            )
        case 16:
            return order.cancel(reason="asked", at=at)
        case 17:
            return paid(order)
        case 18:
            return paid(order).set_fulfillment("processing", at=at)
        case 19 if number % 200 == 19:
            return Order.place_draft(
                id=order.id,
                at=order.placed_at,
                shop=order.shop,
                currency="MYR",
                lines=order.lines,
                customer=order.customer,
            )
        case 19 if number % 200 == 39:
            return paid(order).set_fulfillment("packed", at=at)
        case 12:
            return paid(order).set_fulfillment("completed", at=at).archive(at=at)
        case _:
            return paid(order).add_tracking("J&T", f"60012{number}", at=at)


def fill(store: SqlOrderStore, size: int) -> None:
    """Make a history of so many orders: some through the store, multiplied in the database.

    Each copy begins six hours before the next, has an id, a number and a customer of its own,
    and shares the document. Lines, tags and events of the copies are left out: no page reads
    them.
    """
    outcomes = store.save_many(map(seed, range(SEED)))
    assert all(isinstance(each, Order) for each in outcomes)
    store.settle_kept(store.rows(OrderQuery(decided=False)))
    copies = size // SEED - 1
    names = [column.name for column in orders.c]
    made = {name: f"copy || '-' || {name}" for name in ("id", "number", "customer_key")}
    made |= {name: f"{name} + (copy - {copies + 1}) * {6 * 3600 * 10**6}" for name in _INSTANTS}
    wanted = ", ".join(made.get(name, name) for name in names)
    few = ", ".join(f"'{word}'" for word in FEW)
    with store.database.engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE TEMP TABLE seed AS SELECT * FROM {orders.name}")
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            # Nothing of it is written twice, until it is there.
            for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1000000"):
                connection.exec_driver_sql(f"PRAGMA {pragma}")
        for first in range(1, copies + 1, 50):
            numbers = " UNION ALL ".join(
                f"SELECT {number} AS copy" for number in range(first, min(first + 50, copies + 1))
            )
            connection.exec_driver_sql(
                f"INSERT INTO {orders.name} ({', '.join(names)}) SELECT {wanted} "
                f"FROM ({numbers}) AS copies CROSS JOIN seed "
                f"WHERE life NOT IN ({few}) AND fulfillment NOT IN ({few})"
            )
            connection.commit()
        if sqlite:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        connection.invalidate()
    if not sqlite:
        # As its autovacuum does sooner or later.
        engine = store.database.engine.execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


Save = Callable[[], object]
"""The saving of one order, with everything ready that the contender needs before."""


class Contender(Protocol):
    """Who does the work; ``None`` instead of a question is one that it is not asked."""

    def load(self, order_id: str) -> object:
        """Make an order of what is stored of it."""
        ...

    def saving(self, order: Order) -> Save:
        """Write an order over the version that it was loaded at."""
        ...

    def adding(self, order: Order) -> Save:
        """Write a new order, with its event and its lines."""
        ...

    def rows(self, count: int) -> int:
        """Go through the rows of the first orders, by time."""
        ...

    def page(self, domain: str) -> object:
        """The first page of what is not archived in a shop, with the counts of twelve tabs."""
        ...


@attrs.frozen
class Ours:
    """The store."""

    store: SqlOrderStore

    def load(self, order_id: str) -> object:
        return self.store.get(order_id)

    def saving(self, order: Order) -> Save:
        return lambda: self.store.save(order)

    adding = saving

    def rows(self, count: int) -> int:
        return sum(1 for _ in self.store.rows(OrderQuery(limit=count)))

    def page(self, domain: str) -> object:
        return orders_page(self.store, shop=domain)


class Work(StrEnum):
    """What of the making of values is part of the floor's work."""

    NOTHING = "nothing made"
    JSON = "JSON made"
    VALUES = "all values made"


_ROW: Final = ", ".join(OrderRow._fields)
_EVENT: Final = ("order_id", "number", "type", "occurred_at", "recorded_at", "document")
_KEPT: Final = {"id", "shop", "number", "placed_at"}
"""What no event changes."""
_OPEN: Final = "life = 'open' AND archived = {false}"
TABS: Final = (
    "archived = {false}",
    f"{_OPEN} AND payment_status IN ('partially_paid', 'pending')",
    *(f"{_OPEN} AND fulfillment = '{status}'" for status in Fulfillment),
    "life = 'cancelled' AND archived = {false}",
    "abandoned_at IS NOT NULL AND archived = {false}",
    "life = 'draft' AND archived = {false}",
    "archived = {true}",
)


@attrs.define
class Floor:
    """The driver alone, as one writes it by hand: the same statements, and nothing around them.

    :ivar url: of the database.
    :ivar work: what it makes besides: nothing, so that what is written is ready, and what is read
        is left as it came; JSON, by :mod:`json` alone, of and to dictionaries; or all values, by
        the functions that the store uses.
    """

    url: URL
    work: Work
    driver: Any = None  # a connection of sqlite3 or psycopg, as far as they are alike
    _mark: str = "%s"

    def __attrs_post_init__(self) -> None:
        if self.url.get_backend_name() == "sqlite":
            self.driver = sqlite3.connect(str(self.url.database), isolation_level=None)
            self.driver.execute("PRAGMA synchronous = NORMAL")
            self.driver.execute("PRAGMA foreign_keys = ON")
            self._mark = "?"
        else:
            self.driver = psycopg.connect(
                self.url.set(drivername="postgresql").render_as_string(hide_password=False)
            )

    def load(self, order_id: str) -> object:
        question = f"SELECT document, version, decided FROM shoppego_orders WHERE id = {self._mark}"
        document, version, decided = self.driver.execute(question, (order_id,)).fetchone()
        self.driver.commit()
        if self.work is Work.NOTHING:
            return document
        if self.work is Work.JSON:
            return json.loads(document)
        return attrs.evolve(order_from_json(document), version=version, decided=bool(decided))

    def saving(self, order: Order) -> Save:
        names = [name for name in self._values(order) if name not in _KEPT]
        assigned = ", ".join(f"{name} = {self._mark}" for name in names)
        update = (
            f"UPDATE shoppego_orders SET {assigned} "
            f"WHERE id = {self._mark} AND version = {self._mark} RETURNING decided"
        )
        add_event = self._insert("shoppego_events", _EVENT)
        values_of_it, events_of_it = self._made(order)

        def save() -> None:
            values, events = values_of_it(), events_of_it()
            given = [values[name] for name in names]
            self._begin()
            found = self.driver.execute(update, [*given, order.id, order.version])
            assert found.fetchone() is not None
            self.driver.cursor().executemany(add_event, events)
            self.driver.commit()

        return save

    def adding(self, order: Order) -> Save:
        add = self._insert("shoppego_orders", [*self._values(order)])
        add_event = self._insert("shoppego_events", _EVENT)
        add_line = self._insert("shoppego_lines", [*next(line_values(order))])
        add_tag = self._insert("shoppego_tags", ("order_id", "tag"))
        lines = [list(each.values()) for each in line_values(order)]
        tags = [(order.id, tag) for tag in order.tags]
        values_of_it, events_of_it = self._made(order)

        def save() -> None:
            values, events = values_of_it(), events_of_it()
            self._begin()
            self.driver.execute(add, list(values.values()))
            cursor = self.driver.cursor()
            cursor.executemany(add_event, events)
            cursor.executemany(add_line, lines)
            if tags:
                cursor.executemany(add_tag, tags)
            self.driver.commit()

        return save

    def rows(self, count: int) -> int:
        question = f"SELECT {_ROW} FROM shoppego_orders ORDER BY placed_at, id LIMIT {self._mark}"
        # A cursor of PostgreSQL's own; else psycopg fetches everything at once.
        cursor = self.driver.cursor(*(() if self._sqlite else ("stream",)))
        cursor.execute(question, (count,))
        found = 0
        while some := cursor.fetchmany(500):
            found += len(some if self.work is not Work.VALUES else [*map(row_of, some)])
        cursor.close()
        self.driver.commit()
        return found

    def page(self, domain: str) -> object:
        """Counted as far as ours; where nothing is made, to the end, as one writes it first."""
        words = {"false": "0", "true": "1"} if self._sqlite else {"false": "false", "true": "true"}
        whole = self.work is Work.NOTHING
        counted = "shop = {mark} AND {tab}"
        question = (
            f"SELECT {_ROW} FROM shoppego_orders WHERE shop = {self._mark} AND archived = "
            f"{words['false']} ORDER BY placed_at DESC, id DESC LIMIT {PAGE_SIZE + 1}"
        )
        rows = [*map(row_of, self.driver.execute(question, (domain,)).fetchall())]
        counts = ", ".join(
            "(SELECT count(*) FROM (SELECT 1 FROM shoppego_orders WHERE "
            f"{counted.format(mark=self._mark, tab=tab.format(**words))}"
            f"{'' if whole else f' LIMIT {COUNTED + 1}'}) AS found)"
            for tab in TABS
        )
        found = self.driver.execute(f"SELECT {counts}", (domain,) * len(TABS)).fetchone()
        self.driver.commit()
        return rows, found

    @property
    def _sqlite(self) -> bool:
        return self._mark == "?"

    def _begin(self) -> None:
        if self._sqlite:
            self.driver.execute("BEGIN IMMEDIATE")

    def _insert(self, table: str, names: Sequence[str]) -> str:
        marks = ", ".join([self._mark] * len(names))
        return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"

    def _made(
        self, order: Order
    ) -> tuple[Callable[[], dict[str, Any]], Callable[[], list[list[Any]]]]:
        """What makes the columns of an order, and of its events."""
        if self.work is Work.VALUES:
            return lambda: self._values(order), lambda: self._events(order)
        values, events = self._values(order), self._events(order)
        if self.work is Work.NOTHING:
            return lambda: values, lambda: events
        plain, plain_events = json.loads(values["document"]), [json.loads(e[-1]) for e in events]
        written = json.JSONEncoder(separators=(",", ":")).encode
        return (
            lambda: values | {"document": written(plain)},
            lambda: [
                [*event[:-1], written(body)]
                for event, body in zip(events, plain_events, strict=True)
            ],
        )

    def _values(self, order: Order) -> dict[str, Any]:
        version = order.version + len(order.changes)
        values = values_of(OrderRow.of(order))
        return values | {"version": version, "document": order_to_json(order)}

    def _events(self, order: Order) -> list[list[Any]]:
        return [
            [
                order.id,
                number,
                event.type,
                epoch_micros(event.occurred_at),
                epoch_micros(event.recorded_at),
                event_to_json(event),
            ]
            for number, event in enumerate(order.changes, order.version + 1)
        ]


class Tables(DeclarativeBase):
    """What the ORM knows of the tables."""

    metadata = schema_tables


class MappedLine(Tables):
    __table__ = order_lines


class MappedTag(Tables):
    __table__ = order_tags


class MappedEvent(Tables):
    __table__ = order_events


class MappedOrder(Tables):
    __table__ = orders
    # Guards every update, as the store does.
    __mapper_args__ = {  # noqa: RUF012  # as SQLAlchemy's base declares it
        "version_id_col": orders.c.version,
        "version_id_generator": False,
    }
    document: Mapped[str]
    lines = relationship(MappedLine)
    tagged = relationship(MappedTag)
    events = relationship(MappedEvent)


@attrs.frozen
class Orm:
    """SQLAlchemy's ORM, as its tutorial has it: objects in a session of one unit of work.

    It reads an order before it changes it, since that is how it knows what to write. What is
    written is ready; what is read becomes its own objects, which hold integers for amounts and
    instants.
    """

    sessions: sessionmaker[Session]

    def load(self, order_id: str) -> object:
        with self.sessions() as session:
            return json.loads(session.get_one(MappedOrder, order_id).document)

    def saving(self, order: Order) -> Save:
        values, events = _mapped(order)
        values = {name: value for name, value in values.items() if name not in _KEPT}

        def save() -> None:
            with self.sessions.begin() as session:
                stored = session.get_one(MappedOrder, order.id)
                for name, value in values.items():
                    setattr(stored, name, value)
                session.add_all(MappedEvent(**event) for event in events)

        return save

    def adding(self, order: Order) -> Save:
        values, events = _mapped(order)
        lines = list(line_values(order))

        def save() -> None:
            with self.sessions.begin() as session:
                added = MappedOrder(**values)
                added.lines = [MappedLine(**line) for line in lines]
                added.tagged = [MappedTag(order_id=order.id, tag=tag) for tag in order.tags]
                added.events = [MappedEvent(**event) for event in events]
                session.add(added)

        return save

    def rows(self, count: int) -> int:
        asked = (
            select(MappedOrder)
            .options(defer(MappedOrder.document))
            .order_by(orders.c.placed_at, orders.c.id)
            .limit(count)
        )
        with self.sessions() as session:
            return sum(1 for _ in session.scalars(asked.execution_options(yield_per=500)))

    def page(self, domain: str) -> object:
        """Counted to the end, as one writes it first."""
        newest = (orders.c.placed_at.desc(), orders.c.id.desc())
        with self.sessions() as session:
            shown = select(MappedOrder).options(defer(MappedOrder.document))
            of_shop = shown.where(orders.c.shop == domain, orders.c.archived == false())
            rows = session.scalars(of_shop.order_by(*newest).limit(PAGE_SIZE + 1)).all()
            counts = [
                session.scalar(
                    select(func.count())
                    .select_from(MappedOrder)
                    .where(orders.c.shop == domain, *conditions(attrs.evolve(tab, archived=None)))
                    .where(orders.c.archived == (true() if tab.archived else false()))
                )
                for tab in PAGE_TABS.values()
            ]
        return rows, counts


def _mapped(order: Order) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    version = order.version + len(order.changes)
    values: dict[str, Any] = values_of(OrderRow.of(order))
    values |= {"version": version, "document": order_to_json(order)}
    events = [
        {
            "order_id": order.id,
            "number": number,
            "type": event.type,
            "occurred_at": epoch_micros(event.occurred_at),
            "recorded_at": epoch_micros(event.recorded_at),
            "document": event_to_json(event),
        }
        for number, event in enumerate(order.changes, order.version + 1)
    ]
    return values, events


def contenders(store: SqlOrderStore) -> dict[str, Contender]:
    """All who take turns, on the database of a store."""
    url = store.database.engine.url
    engine = create_engine(url)
    if url.get_backend_name() == "sqlite":

        @event.listens_for(engine, "connect")
        def _(driver: Any, _: object) -> None:
            driver.execute("PRAGMA synchronous = NORMAL")
            driver.execute("PRAGMA foreign_keys = ON")

    return {
        OURS: Ours(store),
        **{f"the driver, {work}": Floor(url, work) for work in Work},
        "SQLAlchemy ORM": Orm(sessionmaker(engine)),
    }


OURS: Final = "the store"
