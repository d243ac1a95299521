"""Made-up orders for the benchmark of abandonment: drawn one by one, held only by who asks."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from shoppego_orders.customers import Customer
from shoppego_orders.money import Money
from shoppego_orders.order import LineItem, Order, OrderRow

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
NOW = datetime(2027, 1, 1, tzinfo=UTC)
SHOPS = 12
_MONTH = timedelta(days=30)


class Cells(NamedTuple):
    """The five fields of an order that the question is about."""

    id: str
    shop: str
    customer: str | None
    placed: datetime
    completed: datetime | None


def ordinary(count: int) -> Iterator[Cells]:
    """A month of twelve shops: orders come at random, and some customers come again.

    Seven in ten are completed, after 20 minutes on average and often later. One in ten has a
    guest whom nobody knows, one in seven a customer of a while ago, three in ten a former one.
    """
    rng = random.Random(20260301)
    gap = _MONTH.total_seconds() / count
    at, known, recent = BEGAN, 0, [0]
    for number in range(count):
        at += timedelta(seconds=rng.expovariate(1 / gap))
        drawn = rng.random()
        who: int | None = None
        if drawn > 0.9:
            shop = rng.randrange(SHOPS)
        else:
            if drawn < 0.15:
                who = rng.choice(recent)
            elif drawn < 0.45 and known:
                who = rng.randrange(known)
            else:
                who, known = known, known + 1
            shop = who % SHOPS
            recent = [*recent[-150:], who] if len(recent) > 300 else recent
            recent.append(who)
        late = timedelta(seconds=rng.expovariate(1 / 1200))
        yield Cells(
            f"{1262140 + number}",
            f"kedai-{shop}.myshoppegram.com",
            None if who is None else f"email:pelanggan{who}@example.my",
            at,
            at + late if rng.random() < 0.7 else None,
        )


def one_customer(count: int) -> Iterator[Cells]:
    """One customer who begins so many orders within an hour, and pays some of the earlier half.

    Of those every fifth, some minutes later: 40 % of the orders have no purchase after them.
    """
    gap = timedelta(hours=1) / count
    for number in range(count):
        at = BEGAN + gap * number
        paid = (
            at + timedelta(minutes=number % 6) if number % 5 == 0 and 2 * number < count else None
        )
        shop = "kedai-0.myshoppegram.com"
        yield Cells(f"{number}", shop, "email:robot@example.my", at, paid)


def rows(orders: Iterable[Cells]) -> Iterator[OrderRow]:
    """The flat row of each, all of its sixty fields; what is not told is as in any order."""
    order = Order.place(
        id="1",
        at=BEGAN,
        shop="kedai-0.myshoppegram.com",
        currency="MYR",
        lines=[LineItem("Tudung Bawal", 1, Money("59.50", "MYR"))],
        customer=Customer(email="pelanggan@example.my"),
    )
    usual = list(OrderRow.of(order))
    places = [
        OrderRow._fields.index(name)
        for name in (
            *("id", "number", "shop", "customer_key", "placed_at"),
            *("completed_at", "paid_at"),
        )
    ]
    for each in orders:
        values = usual.copy()
        number, shop, customer, placed, completed = each
        told = (number, number, shop, customer, placed, completed, completed)
        for place, value in zip(places, told, strict=True):
            values[place] = value
        yield OrderRow._make(values)
