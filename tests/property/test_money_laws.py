"""Money: exact, closed within a currency, and split without losing a minor unit."""

from __future__ import annotations

import copy
import decimal
import pickle
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shoppego_orders.errors import (
    CurrencyMismatch,
    InvalidValue,
    UnknownCurrency,
)
from shoppego_orders.money import CURRENCY_DIGITS, Money

Weights = Sequence[int | Fraction | Decimal]

currencies = st.sampled_from(sorted(CURRENCY_DIGITS))
minors = st.integers(-(10**16), 10**16)
moneys = st.builds(Money.from_minor, minors, currencies)
ringgit = minors.map(lambda minor: Money.from_minor(minor, "MYR"))
weight = st.one_of(
    st.integers(0, 10**6),
    st.fractions(0, 10**6),
    st.decimals(0, 10**6, allow_nan=False, allow_infinity=False, places=4),
)
weights = st.lists(weight, min_size=1, max_size=12).filter(any)
contexts = st.builds(
    decimal.Context,
    prec=st.integers(1, 6),
    rounding=st.sampled_from([decimal.ROUND_UP, decimal.ROUND_FLOOR]),
)


@given(moneys)
def test_text_amount_and_minor_units_say_the_same(money: Money) -> None:
    assert Money(money.text, money.currency) == money
    assert Money(money.amount, money.currency) == money
    assert Money.from_minor(money.minor, money.currency) == money
    assert money.amount == Decimal(money.text)
    assert Fraction(money.amount) == Fraction(money.minor, 10**money.digits)
    assert money.amount.as_tuple().exponent == -money.digits
    assert eval(repr(money), {"Money": Money}) == money
    assert str(money) == f"{money.currency} {money.text}"


@given(moneys)
def test_text_is_plain(money: Money) -> None:
    assert "E" not in money.text.upper()
    assert not (money.minor == 0 and "-" in money.text)


@given(moneys)
def test_a_copy_is_equal_and_hashes_alike(money: Money) -> None:
    for twin in (copy.copy(money), copy.deepcopy(money), pickle.loads(pickle.dumps(money))):
        assert twin == money
        assert hash(twin) == hash(money)


@given(ringgit, ringgit, ringgit)
def test_addition_is_that_of_whole_numbers(a: Money, b: Money, c: Money) -> None:
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a - b == a + -b
    assert a + Money.zero("MYR") == a
    assert not a - a
    assert (a + b).minor == a.minor + b.minor
    assert Money.sum_of([a, b, c], "MYR") == a + b + c


@given(st.integers(-(10**8), 10**8), st.integers(-(10**8), 10**8))
def test_multiplication_is_repeated_addition(minor: int, times: int) -> None:
    money = Money.from_minor(minor, "MYR")
    assert money * (times + 1) == money * times + money
    assert times * money == money * times


@given(ringgit, ringgit)
def test_order_is_that_of_the_amounts(a: Money, b: Money) -> None:
    assert (a < b) == (a.amount < b.amount)
    assert (a <= b) == (a.amount <= b.amount)
    assert (a > b) == (a.amount > b.amount)
    assert (a >= b) == (a.amount >= b.amount)
    assert abs(a) >= Money.zero("MYR")
    assert abs(a) == max(a, -a)
    assert bool(a) == (a != Money.zero("MYR"))


@given(moneys, moneys)
def test_currencies_never_meet(a: Money, b: Money) -> None:
    assume(a.currency != b.currency)
    assert a != b
    for meeting in (
        lambda: a + b,
        lambda: a - b,
        lambda: a < b,
        lambda: a <= b,
        lambda: a > b,
        lambda: a >= b,
        lambda: Money.sum_of([a, b], a.currency),
    ):
        with pytest.raises(CurrencyMismatch):
            meeting()


@given(moneys, contexts)
def test_the_callers_decimal_context_changes_nothing(
    money: Money, context: decimal.Context
) -> None:
    with decimal.localcontext(context):
        amount, split = money.amount, money.allocate([1, Decimal("2.5"), Fraction(1, 3)])
        again, rounded = Money(amount, money.currency), Money.rounded(amount, money.currency)
    assert amount == money.amount
    assert again == rounded == money
    assert split == money.allocate([1, Decimal("2.5"), Fraction(1, 3)])


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12))
def test_rounding_is_half_to_even_and_exact_where_it_can_be(amount: Decimal) -> None:
    money = Money.rounded(amount, "MYR")
    with decimal.localcontext(prec=100):
        assert money.amount == amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)
    if money.amount == amount:
        assert Money(amount, "MYR") == money
    else:
        with pytest.raises(InvalidValue):
            Money(amount, "MYR")


@given(moneys, weights)
def test_parts_add_up_and_are_within_one_minor_unit_of_their_share(
    money: Money, shares: Weights
) -> None:
    parts = money.allocate(shares)
    assert len(parts) == len(shares)
    assert Money.sum_of(parts, money.currency) == money
    total = sum(Fraction(share) for share in shares)
    for part, share in zip(parts, shares, strict=True):
        assert abs(part.minor - money.minor * Fraction(share) / total) < 1
        assert share or not part


@given(moneys, weights)
def test_a_negative_amount_splits_as_the_positive_one(money: Money, shares: Weights) -> None:
    assert (-money).allocate(shares) == tuple(-part for part in money.allocate(shares))


@given(moneys, weights, st.integers(1, 1000))
def test_only_the_proportion_of_weights_counts(money: Money, shares: Weights, times: int) -> None:
    assert money.allocate([Fraction(share) * times for share in shares]) == money.allocate(shares)


@given(ringgit, st.integers(1, 20))
def test_equal_weights_favour_the_earlier_parts(money: Money, count: int) -> None:
    parts = [abs(part) for part in money.allocate([1] * count)]
    assert parts == sorted(parts, reverse=True)
    assert parts[0].minor - parts[-1].minor <= 1


@given(st.one_of(st.text(), st.floats(), st.decimals(), st.booleans(), st.none(), st.integers()))
def test_whatever_is_given_is_taken_exactly_or_refused(value: object) -> None:
    try:
        money = Money(value, "MYR")  # type: ignore[arg-type]  # what untyped callers do
    except InvalidValue as refusal:
        assert str(refusal)  # noqa: PT017  # most values are refused, not all
    else:
        assert isinstance(value, str | int | Decimal)
        assert Fraction(money.amount) == Fraction(value)


@given(st.one_of(st.text(), st.none(), st.integers(), st.lists(st.text())))
def test_a_currency_that_iso_does_not_list_is_refused(code: object) -> None:
    assume(code not in list(CURRENCY_DIGITS))
    with pytest.raises(UnknownCurrency):
        Money.from_minor(1, code)  # type: ignore[arg-type]  # what untyped callers do
    with pytest.raises(UnknownCurrency):
        Money(1, code)  # type: ignore[arg-type]  # what untyped callers do
