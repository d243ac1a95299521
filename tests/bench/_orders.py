"""Orders with honest data, for the benchmark of exports.

Names of several scripts, notes with commas, quotes and line breaks, a phone written as people
write it, times at all hours, amounts to the sen; 25 of their columns are exported.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from shoppego_orders.customers import Customer
from shoppego_orders.export import SHOPPEGO, Column
from shoppego_orders.money import Money
from shoppego_orders.order import Fulfillment, LineItem, Order, OrderRow, PaymentStatus

BEGAN: Final = datetime(2026, 1, 1, tzinfo=UTC)
CHOSEN: Final = SHOPPEGO.chosen(
    (
        *("number", "placed_at", "payment_status", "fulfillment", "currency", "subtotal"),
        *("discount", "shipping", "tax", "total", "paid", "refunded", "units", "customer"),
        *("email", "phone", "address1", "postcode", "city", "state", "payment_method"),
        *("source", "note", "completed_at", "shipped_at"),
    )
)
COLUMNS: Final[tuple[Column[OrderRow], ...]] = CHOSEN.per_order
FIELDS: Final = [str(column.value) for column in COLUMNS]

_FIRST: Final = (
    *("Aminah", "Siti Nurhaliza", "Muhammad Danish", "Nur Aisyah", "Ravi", "Kavitha"),
    *("陈伟明", "林美玲", "José", "Zoë", "Łukasz", "محمد"),
)
_LAST: Final = ("binti Yusof", "bin Abdullah", "a/l Subramaniam", "Tan", "García", "D'Cruz", "王")
_NOTES: Final = (
    *([""] * 12),
    "Tolong hantar sebelum Jumaat, terima kasih",
    'Tulis "Selamat Hari Lahir" pada kad',
    "Tinggalkan dengan pengawal,\nblok B",
    "Jangan tekan loceng: bayi tidur",
    "=) terima kasih!",
    "- tanpa cili",
)
_TOWNS: Final = (
    ("Shah Alam", "Selangor", "40000"),
    ("Kota Bharu", "Kelantan", "15000"),
    ("Seremban", "Negeri Sembilan", "70000"),
    ("Kangar", "Perlis", "01000"),
    ("Kuching", "Sarawak", "93000"),
)
_METHODS: Final = ("FPX", "Cash on delivery", "Bank transfer", "Credit card")
_SOURCES: Final = ("tiktok", "organic", "google", "whatsapp", "youtube")


def orders(count: int, seed: int = 1) -> Iterator[OrderRow]:
    """So many rows of one shop, all of their sixty fields, over a year."""
    rng = random.Random(seed)
    usual = OrderRow.of(
        Order.place(
            id="1",
            at=BEGAN,
            shop="hartamas.myshoppegram.com",
            currency="MYR",
            lines=[LineItem("Tudung Bawal", 1, Money("59.50", "MYR"))],
            customer=Customer(email="pelanggan@example.my"),
        )
    )
    gap = 365 * 86_400 / count
    for number in range(count):
        yield usual._replace(**_drawn(rng, number, gap))


def _drawn(rng: random.Random, number: int, gap: float) -> dict[str, Any]:
    at = BEGAN + timedelta(seconds=int(number * gap))
    paid = rng.random() < 0.7
    units = rng.choice((1, 1, 1, 2, 3))
    subtotal = units * rng.choice((1990, 2500, 3990, 5950, 12900, rng.randrange(500, 40_000)))
    discount = subtotal // 10 if rng.random() < 0.2 else 0
    shipping = rng.choice((0, 500, 800, 1200))
    total = subtotal - discount + shipping
    first, last = rng.choice(_FIRST), rng.choice(_LAST)
    city, state, postcode = rng.choice(_TOWNS)
    done = at + timedelta(seconds=rng.randrange(20, 4000)) if paid else None
    return {
        "id": f"{1262140 + number}",
        "number": f"#SA{number}",
        "placed_at": at,
        "payment_status": PaymentStatus.PAID if paid else PaymentStatus.PENDING,
        "fulfillment": rng.choice((Fulfillment.AWAITING_PROCESSING, Fulfillment.SHIPPED)),
        "subtotal": _myr(subtotal),
        "discount_total": _myr(discount),
        "shipping_total": _myr(shipping),
        "tax_total": _myr(0),
        "total": _myr(total),
        "paid_total": _myr(total if paid else 0),
        "refunded_total": _myr(0),
        "units": units,
        "customer_name": f"{first} {last}",
        "email": f"pelanggan{rng.randrange(10**6)}@example.my",
        "phone": f"+60 1{rng.randrange(10)}-{rng.randrange(100, 1000)} {rng.randrange(1000, 9999)}",
        "shipping_address1": f"No. {rng.randrange(1, 99)}, Jalan {rng.choice(_LAST)} {number % 40}",
        "shipping_zip": postcode,
        "shipping_city": city,
        "shipping_state": state,
        "payment_method_name": rng.choice(_METHODS),
        "source": rng.choice(_SOURCES),
        "note": rng.choice(_NOTES),
        "completed_at": done,
        "shipped_at": None if done is None else done + timedelta(days=1, seconds=number % 997),
    }


def _myr(minor: int) -> Money:
    return Money.from_minor(minor, "MYR")
