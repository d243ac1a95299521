"""Money by example: the currencies of a Malaysian shop, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs
import pytest

from shoppego_orders.errors import InvalidValue, UnknownCurrency
from shoppego_orders.money import CURRENCY_DIGITS, Money


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("59.50", "MYR", "59.50"),
        ("59.5", "MYR", "59.50"),
        ("10", "MYR", "10.00"),
        (10, "MYR", "10.00"),
        ("-0.05", "MYR", "-0.05"),
        ("-0.00", "MYR", "0.00"),
        ("0099.9", "MYR", "99.90"),
        ("10.5000000", "MYR", "10.50"),
        (Decimal("1E+3"), "MYR", "1000.00"),
        (Decimal("0E+999999"), "MYR", "0.00"),
        (Decimal("-0"), "MYR", "0.00"),
        ("1200", "JPY", "1200"),
        ("1200.00", "JPY", "1200"),
        ("-7", "JPY", "-7"),
        ("1.234", "KWD", "1.234"),
        ("0.0001", "CLF", "0.0001"),
        ("9999999999999999.99", "MYR", "9999999999999999.99"),
    ],
)
def test_an_amount_is_written_with_the_currencys_digits(
    amount: Decimal | int | str, currency: str, text: str
) -> None:
    assert Money(amount, currency).text == text


def test_a_price_in_words_and_in_code() -> None:
    price = Money("59.50", "MYR")
    assert str(price) == "MYR 59.50"
    assert repr(price) == "Money('59.50', 'MYR')"
    assert price.minor == 5950
    assert price.digits == 2
    assert price.amount == Decimal("59.50")


def test_the_display_currencies_of_shoppego_are_known() -> None:
    assert {code: CURRENCY_DIGITS[code] for code in ("MYR", "BND", "IDR", "GBP", "USD", "SGD")} == {
        "MYR": 2, "BND": 2, "IDR": 2, "GBP": 2, "USD": 2, "SGD": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "digits"),
    [("JPY", 0), ("KRW", 0), ("VND", 0), ("CLP", 0), ("KWD", 3), ("BHD", 3), ("OMR", 3),
     ("JOD", 3), ("IQD", 3), ("LYD", 3), ("TND", 3), ("CLF", 4), ("UYW", 4), ("XCG", 2),
     ("ZWG", 2), ("XAD", 2), ("BGN", 2)],
)  # fmt: skip
def test_iso_4217_digits(code: str, digits: int) -> None:
    assert CURRENCY_DIGITS[code] == digits


def test_every_code_stands_in_the_table_once() -> None:
    # 165 codes with a minor unit in table A.1 of 17 September 2026, and 6 withdrawn since 2020.
    assert len(CURRENCY_DIGITS) == 165 + 6
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in CURRENCY_DIGITS)


@pytest.mark.parametrize("code", ["myr", "RM", "", " MYR", "MYR ", "XAU", "XXX", "XTS", "BTC"])
def test_codes_that_price_nothing_are_unknown(code: str) -> None:
    with pytest.raises(UnknownCurrency, match="ISO 4217"):
        Money("1", code)
    with pytest.raises(UnknownCurrency):
        Money.zero(code)
    with pytest.raises(UnknownCurrency):
        Money.sum_of([], code)


@pytest.mark.parametrize(
    "amount",
    ["", " ", " 1 ", "1_000", "1,000.00", "1e3", "1E999999", "RM10", "+1", ".5", "5.", "--1",
     "NaN", "inf", "Infinity", "١٢", "1\n", "0x10", "1" * 41, "0." + "0" * 41,
     Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"), True, None, b"1", Fraction(1, 2)],
)  # fmt: skip
def test_what_is_no_amount_is_refused(amount: object) -> None:
    for take in (Money, Money.rounded):
        with pytest.raises(InvalidValue, match=r"text like '59\.50'"):
            take(amount, "MYR")  # type: ignore[arg-type]  # what untyped callers do


def test_a_float_is_refused_and_told_what_to_give() -> None:
    with pytest.raises(InvalidValue, match="a str or Decimal"):
        Money(59.5, "MYR")  # type: ignore[arg-type]  # what untyped callers do


@pytest.mark.parametrize(
    "amount",
    [Decimal("1E999999"), Decimal("-1E+999999999999999999"), 10**16, -(10**16), 10**4000,
     "9" * 40, "10000000000000000", Decimal("9999999999999999.995")],
)  # fmt: skip
def test_amounts_of_ten_to_the_eighteenth_minor_units_are_refused(
    amount: Decimal | int | str,
) -> None:
    with pytest.raises(InvalidValue, match=r"below 10\*\*18"):
        Money.rounded(amount, "MYR")


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("10.005", "MYR"), ("0.5", "JPY"), ("1.2345", "KWD"),
     (Decimal("1E-999999999999999999"), "MYR"), ("0." + "0" * 39 + "1", "MYR")],
)  # fmt: skip
def test_a_part_of_a_minor_unit_is_refused(amount: Decimal | str, currency: str) -> None:
    with pytest.raises(InvalidValue, match=r"digits after the point \(or Money.rounded\)"):
        Money(amount, currency)


@pytest.mark.parametrize(
    ("amount", "text"),
    [("10.005", "10.00"), ("10.015", "10.02"), ("-10.005", "-10.00"), ("10.0051", "10.01"),
     (Decimal("0.005" + "0" * 70 + "1"), "0.01"), ("0.004", "0.00"), ("-0.004", "0.00"),
     (7, "7.00"), (Decimal("1E-999999999999999999"), "0.00")],
)  # fmt: skip
def test_rounded_goes_half_to_even(amount: Decimal | str, text: str) -> None:
    assert Money.rounded(amount, "MYR").text == text


@pytest.mark.parametrize("minor", [10**18, -(10**18), True, 1.0, "1", None, Decimal(1)])
def test_minor_units_are_whole_numbers(minor: object) -> None:
    with pytest.raises(InvalidValue, match="minor"):
        Money.from_minor(minor, "MYR")  # type: ignore[arg-type]  # what untyped callers do


def test_a_sum_that_grows_too_large_is_refused() -> None:
    most = Money.from_minor(10**18 - 1, "MYR")
    for take in (most.__add__, Money.from_minor(-1, "MYR").__sub__):
        with pytest.raises(InvalidValue):
            take(most)
    with pytest.raises(InvalidValue):
        _ = most * 2
    with pytest.raises(InvalidValue):
        Money.sum_of([most, most], "MYR")


def test_money_is_frozen_and_a_key() -> None:
    money = Money("1.00", "MYR")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        money.minor = 2  # type: ignore[misc]  # what is tested
    assert {money, Money(1, "MYR"), Money(1, "USD")} == {money, Money("1", "USD")}


@pytest.mark.parametrize("other", [1, Decimal(1), 1.0, None, "1.00"])
def test_money_is_no_number(other: Any) -> None:  # Any: what untyped callers give
    money = Money("1.00", "MYR")
    assert money != other
    meetings: list[Callable[[], object]] = [
        lambda: money + other,
        lambda: money - other,
        lambda: money < other,
        lambda: money <= other,
        lambda: money > other,
        lambda: money >= other,
    ]
    for meeting in meetings:
        with pytest.raises(TypeError):
            meeting()


@pytest.mark.parametrize("times", [1.5, Decimal(2), True, Money("1.00", "MYR"), None])
def test_money_is_multiplied_by_whole_numbers(times: Any) -> None:  # Any: as above
    with pytest.raises(TypeError):
        _ = Money("1.00", "MYR") * times
    with pytest.raises(TypeError):
        _ = times * Money("1.00", "MYR")


def test_a_discount_spread_over_three_lines_loses_no_sen() -> None:
    parts = Money("10.00", "MYR").allocate([1, 1, 1])
    assert [part.text for part in parts] == ["3.34", "3.33", "3.33"]


def test_the_largest_remainder_gets_what_is_left() -> None:
    # Shares of 0.05: 0.5 sen, 1.25 sen, 3.25 sen; the one sen that is left is the first's.
    parts = Money("0.05", "MYR").allocate([Decimal("0.2"), Fraction(1, 2), Decimal("1.3")])
    assert [part.minor for part in parts] == [1, 1, 3]


@pytest.mark.parametrize(
    "weights",
    [[], [0, 0], [Decimal(0)], [-1, 2], [Fraction(-1, 2)], [Decimal(-1)], [1.5], [True], ["1"],
     [None], [Decimal("NaN")], [Decimal("sNaN")], [Decimal("Infinity")], [Decimal("1E999999")],
     [Decimal("1E-999999")], "12"],
)  # fmt: skip
def test_weights_that_say_no_proportion_are_refused(weights: list[int]) -> None:
    with pytest.raises(InvalidValue, match="weights"):
        Money("10.00", "MYR").allocate(weights)
