"""Orders for the tests of abandonment, and a store that is disturbed between any two steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.customers import Customer
from shoppego_orders.money import Money
from shoppego_orders.order import LineItem, LineRow, Order, OrderEvent, OrderRow
from shoppego_orders.ports import OrderStore
from shoppego_orders.query import OrderQuery

T = TypeVar("T")

SHOP = "hartamas.myshoppegram.com"
OTHER_SHOP = "mirfaith.myshoppegram.com"
BEGAN = datetime(2021, 3, 3, 14, 58, 17, tzinfo=UTC)
DUE = BEGAN + timedelta(minutes=60)
LATER = BEGAN + timedelta(days=3)
INSTANT = timedelta(microseconds=1)
AISYAH = "aisyah@example.com"
PRICE = Money("59.50", "MYR")


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def begun(
    id: str = "1262140",
    *,
    at: datetime = BEGAN,
    email: str | None = AISYAH,
    shop: str = SHOP,
    name: str = "",
) -> Order:
    """An order whose checkout has begun."""
    return Order.place(
        id=id,
        at=at,
        shop=shop,
        currency="MYR",
        lines=[LineItem("Tudung Bawal", 1, PRICE)],
        customer=Customer(first_name=name, email=email),
    )


def draft(id: str = "1262140", *, at: datetime = BEGAN, shop: str = SHOP) -> Order:
    """An order that the merchant enters by hand."""
    return Order.place_draft(
        id=id,
        at=at,
        shop=shop,
        currency="MYR",
        lines=[LineItem("Tudung Bawal", 1, PRICE)],
        customer=Customer(email=AISYAH),
    )


def bought(id: str, *, at: datetime, email: str | None = AISYAH, shop: str = SHOP) -> Order:
    """An order that began long before and was paid at a moment."""
    return paid(begun(id, at=BEGAN - timedelta(days=1), email=email, shop=shop), at)


def paid(order: Order, at: datetime) -> Order:
    return order.record_payment(f"billplz-{order.id}", PRICE, at=at)


def stored(orders: Iterable[Order]) -> MemoryOrderStore:
    store = MemoryOrderStore()
    for order in orders:
        store.save(order)
    return store


def abandonments(store: OrderStore) -> dict[str, datetime]:
    """When each abandoned order was, by id."""
    return {
        row.id: row.abandoned_at
        for row in store.rows(OrderQuery(abandoned=True))
        if row.abandoned_at is not None
    }


def marks(store: OrderStore, order_id: str) -> int:
    """How often an order's history says that it was abandoned."""
    return sum(event.type == "abandoned" for event in store.events(order_id))


class Crash(Exception):
    """The process dies here."""


class DisturbedStore:
    """A store at whose n-th call something happens: another worker comes along, or the end."""

    def __init__(
        self, store: OrderStore, step: int, disturb: Callable[[], None], *, after: bool
    ) -> None:
        self.store = store
        self.calls = 0
        self._step = step
        self._disturb = disturb
        self._after = after

    def get(self, order_id: str) -> Order:
        return self._called(lambda: self.store.get(order_id))

    def save(self, order: Order) -> Order:
        return self._called(lambda: self.store.save(order))

    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        return self._called(lambda: iter(list(self.store.rows(query))))

    def lines(self, query: OrderQuery) -> Iterator[LineRow]:
        return self.store.lines(query)

    def count(self, query: OrderQuery) -> int:
        return self._called(lambda: self.store.count(query))

    def events(self, order_id: str) -> Sequence[OrderEvent]:
        return self.store.events(order_id)

    def settle_kept(self, judged: Iterable[OrderRow]) -> None:
        return self._called(lambda: self.store.settle_kept(judged))

    def _called(self, call: Callable[[], T]) -> T:
        self.calls += 1
        now = self.calls == self._step
        if now and not self._after:
            self._disturb()
        answer = call()
        if now and self._after:
            self._disturb()
        return answer
