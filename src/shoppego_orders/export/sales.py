"""What a sales report adds up, and how: sums in small cells, which merge without a remainder.

A cell is one day, source, channel, payment method and currency. Every question is answered by
adding cells, so the answers agree with each other. All numbers inside are whole: amounts are
minor units, and where orders are shared among sources, counts are millionths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, tzinfo
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final, NamedTuple, Self, TypeAlias

import attrs

from shoppego_orders.attribution import Credit
from shoppego_orders.money import Money, apportion
from shoppego_orders.order import Life, LineRow, Order, OrderRow
from shoppego_orders.periods import in_zone

Count: TypeAlias = int | Fraction
"""How many; a fraction, of whole millionths, only where a model shares orders among sources."""

Credits: TypeAlias = Callable[[Any], Sequence[Credit]]  # Any: of the rows that the caller gives
"""Who is credited with an order: takes an ``Order`` or an ``OrderRow``, whichever is reported on.

For example ``Journey.of(order.touches, table, ordered_at=order.placed_at).credits(linear)``.
"""


class By(StrEnum):
    """What a report's sums are told apart by, besides the currency."""

    DAY = "day"
    """On which the order was placed, in the shop's zone: 2026-03-29."""
    WEEK = "week"
    """Of ISO 8601, from Monday to Sunday: 2026-W13."""
    MONTH = "month"
    """2026-03."""
    SOURCE = "source"
    CHANNEL = "channel"
    PRODUCT = "product"
    """By its name, whichever the variant."""
    PAYMENT_METHOD = "payment_method"
    CURRENCY = "currency"


MILLIONTHS: Final = 10**6

COUNTS: Final = ("orders", "units", "first_time", "abandoned", "recovered")
AMOUNTS: Final = (
    "gross",
    "discounts",
    "shipping",
    "tax",
    "declared",
    "refunds",
    "abandoned_value",
    "recovered_value",
)
_FIRST_TIME: Final = COUNTS.index("first_time")


@attrs.frozen(kw_only=True)
class Sales:
    """The sums of one line of a report, all in one currency.

    An order is a sale once its checkout was completed (paid, or confirmed), unless it is a draft
    or was cancelled. So an order that is cancelled later is taken out of its day again, archived
    orders stay, and what is not paid yet counts as soon as it is confirmed.

    Of a product only ``units`` and ``gross`` are known, and ``orders`` counts line items: what
    was taken off, added or given back belongs to orders, and is not shared out among products.

    :ivar orders: how many sales.
    :ivar units: pieces sold.
    :ivar gross: prices times quantities, before anything is taken off or added.
    :ivar discounts: taken off, zero or more.
    :ivar shipping: charged.
    :ivar tax: charged on top.
    :ivar declared: what declared totals differed by from all that, and nobody explained.
    :ivar refunds: given back for these orders, whenever that was: an order's refund counts on
        the day of the order.
    :ivar first_time: of the sales, those that were the first of their customer; so many customers
        bought for the first time. An order of nobody known is one.
    :ivar abandoned: orders that a sweep found abandoned, whatever became of them.
    :ivar abandoned_value: what those would have come to.
    :ivar recovered: of the abandoned, those that are sales after all; they count there too.
    :ivar recovered_value: what those came to.
    """

    orders: Count
    units: Count
    gross: Money
    discounts: Money
    shipping: Money
    tax: Money
    declared: Money
    refunds: Money
    first_time: Count
    abandoned: Count
    abandoned_value: Money
    recovered: Count
    recovered_value: Money

    @classmethod
    def of_numbers(cls, numbers: Sequence[int], currency: str, parts: int) -> Self:
        """Take the numbers of a :class:`Tally`.

        :param parts: of how many parts a count of one is made.
        :raises InvalidValue: where an amount reaches 10**18 minor units, which no Money holds.
        """
        values: dict[str, Any] = {  # Any: counts, and then amounts
            **{
                name: _whole(Fraction(number, parts))
                for name, number in zip(COUNTS, numbers, strict=False)
            },
            **{
                name: Money.from_minor(minor, currency)
                for name, minor in zip(AMOUNTS, numbers[len(COUNTS) :], strict=True)
            },
        }
        return cls(**values)

    def __add__(self, other: Sales) -> Sales:
        if type(other) is not Sales:
            return NotImplemented
        values: dict[str, Any] = {  # Any: counts, and then amounts
            **{name: _whole(getattr(self, name) + getattr(other, name)) for name in COUNTS},
            **{name: getattr(self, name) + getattr(other, name) for name in AMOUNTS},
        }
        return Sales(**values)

    @property
    def currency(self) -> str:
        """The ISO 4217 code of all amounts."""
        return self.gross.currency

    @property
    def total(self) -> Money:
        """What the orders came to: gross − discounts + shipping + tax + declared."""
        return self.gross - self.discounts + self.shipping + self.tax + self.declared

    @property
    def net(self) -> Money:
        """The total less refunds, so with shipping and tax: a refund doesn't say of what it is."""
        return self.total - self.refunds

    @property
    def average(self) -> Money | None:
        """The total of an order on average, rounded half to even; None where there is none."""
        if not self.orders:
            return None
        return Money.from_minor(round(Fraction(self.total.minor) / self.orders), self.currency)

    @property
    def returning(self) -> Count:
        """Of the sales, those of customers who had bought before."""
        return _whole(self.orders - self.first_time)


class Cell(NamedTuple):
    """What is added into one sum; texts are "" where there is nothing."""

    day: date
    source: str
    channel: str
    payment_method: str
    currency: str


Who: TypeAlias = tuple[str, str]
"""A customer: the shop, and their key in it."""

First: TypeAlias = tuple[datetime, str, bool, tuple[tuple[Cell, int], ...]]
"""A customer's first sale: when, its id, whether it only tells of the past, and where it counts.

Of two the smaller one is the first, so a sale that counts comes before itself as a mere memory.
"""


@attrs.define
class Tally:
    """Sums while they grow; two tallies of parts make the tally of the whole, however parted.

    Memory is bounded by cells and customers, not by orders.

    :ivar parts: of how many parts a count of one is made: 1, or where orders are shared
        :data:`MILLIONTHS`. (Exact shares would be fractions whose sum takes the more digits, the
        more orders there are.)
    :ivar cells: the numbers of each cell, counts before amounts.
    :ivar products: the numbers of each product and currency.
    :ivar firsts: each customer's first sale: who is a returning customer depends on all rows, and
        the part that holds the first one is not known beforehand.
    """

    parts: int
    cells: dict[Cell, list[int]] = attrs.field(factory=dict[Cell, list[int]])
    products: dict[tuple[str, str], list[int]] = attrs.field(
        factory=dict[tuple[str, str], list[int]]
    )
    firsts: dict[Who, First] = attrs.field(factory=dict[Who, First])

    def take(
        self, rows: Iterable[OrderRow | LineRow | Order], zone: tzinfo, credits: Credits | None
    ) -> None:
        """Add orders and line items up, in any order."""
        for row in rows:
            if isinstance(row, LineRow):
                if _is_sale(row.order):
                    self._sell(row.product, row.quantity, row.line_total)
                continue
            self._take_order(row, zone, credits)
            if isinstance(row, Order) and _is_sale(row):
                for line in row.lines:
                    self._sell(line.product, line.quantity, line.total)

    def remember(self, rows: Iterable[OrderRow | Order]) -> None:
        """Learn who bought when, without adding anything up."""
        for row in rows:
            if row.customer_key is not None and _is_sale(row):
                self._meet((row.shop, row.customer_key), (row.placed_at, row.id, True, ()))

    def merge(self, other: Tally) -> None:
        """Add another tally, which stays as it is."""
        for cell, numbers in other.cells.items():
            _add_into(self.cells, cell, numbers)
        for product, numbers in other.products.items():
            _add_into(self.products, product, numbers)
        for who, first in other.firsts.items():
            self._meet(who, first)

    def by(self, by: By) -> list[tuple[str, Sales]]:
        """Add the cells up; in order of time, or the largest first in each currency."""
        sums: dict[tuple[str, str], list[int]] = {}
        if by is By.PRODUCT:
            sums = self.products
        else:
            name_of = _NAMES[by]
            for cell, numbers in self.cells.items():
                _add_into(sums, (name_of(cell), cell.currency), numbers)
        lines = [
            (key, Sales.of_numbers(sums[key, code], code, self.parts)) for key, code in sorted(sums)
        ]
        if by not in _TIMES:
            lines.sort(key=lambda line: (line[1].currency, -line[1].total.minor))
        return lines

    def _take_order(self, row: OrderRow | Order, zone: tzinfo, credits: Credits | None) -> None:
        sold = _is_sale(row)
        if not sold and row.abandoned_at is None:
            return
        cell = Cell(
            in_zone(row.placed_at, zone).date(),
            row.source or "",
            row.channel or "",
            row.payment_method_name,
            row.currency,
        )
        numbers = _numbers(row, self.parts, sold=sold)
        shares = ((cell, numbers),) if credits is None else _shared(cell, numbers, credits(row))
        for share, its_numbers in shares:
            _add_into(self.cells, share, its_numbers)
        if sold and row.customer_key is not None:
            first = tuple([(share, its_numbers[_FIRST_TIME]) for share, its_numbers in shares])
            self._meet((row.shop, row.customer_key), (row.placed_at, row.id, False, first))

    def _meet(self, who: Who, first: First) -> None:
        """Keep the first of two sales; the other one is a returning customer's."""
        known = self.firsts.get(who)
        if known is None:
            self.firsts[who] = first
            return
        self.firsts[who], later = (first, known) if first < known else (known, first)
        for cell, share in later[-1]:
            self.cells[cell][_FIRST_TIME] -= share

    def _sell(self, product: str, quantity: int, line_total: Money) -> None:
        one, units = self.parts, quantity * self.parts
        numbers = (one, units, 0, 0, 0, line_total.minor, 0, 0, 0, 0, 0, 0, 0)
        _add_into(self.products, (product, line_total.currency), numbers)


def _is_sale(row: OrderRow | Order) -> bool:
    return row.completed_at is not None and row.life is Life.OPEN


def _numbers(row: OrderRow | Order, parts: int, *, sold: bool) -> tuple[int, ...]:
    """The counts and the amounts of one order, in the order of COUNTS and AMOUNTS."""
    total = row.total.minor
    if not sold:
        return (0, 0, 0, parts, 0, 0, 0, 0, 0, 0, 0, total, 0)
    lost = row.abandoned_at is not None
    return (
        parts,
        row.units * parts,
        parts,
        lost * parts,
        lost * parts,
        row.subtotal.minor,
        row.discount_total.minor,
        row.shipping_total.minor,
        row.tax_total.minor,
        row.declared_difference.minor,
        row.refunded_total.minor,
        lost * total,
        lost * total,
    )


def _shared(
    cell: Cell, numbers: Sequence[int], credits: Sequence[Credit]
) -> tuple[tuple[Cell, Sequence[int]], ...]:
    """Share an order among those who are credited, to the last minor unit and millionth."""
    weights = [credit.share for credit in credits]
    # Most numbers of an order are the same few.
    shares = {number: apportion(number, weights) for number in set(numbers)}
    columns = [shares[number] for number in numbers]
    return tuple(
        (
            cell._replace(source=credit.attribution.source, channel=credit.attribution.channel),
            its_numbers,
        )
        for credit, *its_numbers in zip(credits, *columns, strict=True)
        if any(its_numbers)
    )


# Any: whatever the sums are told apart by
def _add_into(sums: dict[Any, list[int]], key: object, numbers: Sequence[int]) -> None:
    found = sums.get(key)
    if found is None:
        sums[key] = list(numbers)
        return
    for place, number in enumerate(numbers):
        if number:
            found[place] += number


def _whole(count: Count) -> Count:
    return count.numerator if count.denominator == 1 else count


def _week(cell: Cell) -> str:
    week = cell.day.isocalendar()
    return f"{week.year:04}-W{week.week:02}"


_TIMES: Final = (By.DAY, By.WEEK, By.MONTH)
_NAMES: Final[dict[By, Callable[[Cell], str]]] = {
    By.DAY: lambda cell: cell.day.isoformat(),
    By.WEEK: _week,
    By.MONTH: lambda cell: cell.day.isoformat()[:7],
    By.SOURCE: lambda cell: cell.source,
    By.CHANNEL: lambda cell: cell.channel,
    By.PAYMENT_METHOD: lambda cell: cell.payment_method,
    By.CURRENCY: lambda cell: cell.currency,
}
