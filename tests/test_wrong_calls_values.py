"""Money, times, texts and customers: a wrong call is told which value, and what would be right."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum

import pytest

from shoppego_orders import Period
from shoppego_orders.customers import Address, Customer, customer_key, phone_digits
from shoppego_orders.errors import (
    CurrencyMismatch,
    InvalidPeriod,
    InvalidValue,
    OrdersError,
    UnknownCurrency,
    UnknownTimeZone,
)
from shoppego_orders.money import Money
from shoppego_orders.periods import (
    duration_from_text,
    instant_from_iso,
    instant_text,
    iso_date,
    time_zone,
    utc,
)
from shoppego_orders.testing.samples import NOON, myr
from shoppego_orders.texts import storable, storable_or_none, word_of
from wrong_calls import NAIVE, Call, WrongCall, assert_told, untyped, without_a_zone

SGD = Money("1.00", "SGD")
KL = timezone(timedelta(hours=8))
HOUR = timedelta(hours=1)
DAY = date(2026, 3, 3)
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


A_NUMBER = "a finite Decimal, a whole number or text like '59.50'"
IN_SIZE = "an amount below 10**18 minor units in size"
MINOR = "a whole number of minor units, below 10**18 in size"
WEIGHTS = "whole numbers, Fractions or Decimals (1E-40 to 1E+40), zero or more"
A_DAY = "a date from 0001-01-03 to 9999-12-30"
A_MONTH = "a month such as 2026, 1"
ISO_INSTANT = "an ISO 8601 date and time with a zone, such as 2021-03-03T22:58:32+08:00"
ISO_DATE = "an ISO 8601 date such as 2021-03-03"
ISO_DURATION = "elapsed time such as PT60M or P3D"
IN_UTC = "a moment in the years 1 to 9999 of UTC"
FURTHER_IN = "a moment further from the calendar's ends"
COUNTRY = "one to three digits, such as '60'"
NAMES = (
    "one of today, yesterday, this_week, last_week, this_month, last_month, this_quarter, "
    "last_quarter, this_year, last_year"
)

OF_MONEY: list[WrongCall] = [
    (
        InvalidValue("amount", 5.9, "a str or Decimal; a float is not exact"),
        lambda: Money(untyped(5.9), "MYR"),
    ),
    (InvalidValue("amount", "a", A_NUMBER), lambda: myr("a")),
    (InvalidValue("amount", True, A_NUMBER), lambda: Money(True, "MYR")),
    (
        InvalidValue(
            "amount",
            "10.005",
            "an amount with at most 2 digits after the point (or Money.rounded)",
        ),
        lambda: myr("10.005"),
    ),
    (InvalidValue("amount", 10**16, IN_SIZE), lambda: Money(10**16, "MYR")),
    (InvalidValue("amount", "9" * 30, IN_SIZE), lambda: Money.rounded("9" * 30, "MYR")),
    (InvalidValue("minor", 10**18, MINOR), lambda: Money.from_minor(10**18, "MYR")),
    (InvalidValue("minor", -(10**18), MINOR), lambda: Money.from_minor(-(10**18), "MYR")),
    (InvalidValue("minor", "5", MINOR), lambda: Money.from_minor(untyped("5"), "MYR")),
    (InvalidValue("weights", -1, WEIGHTS), lambda: myr("1").allocate([1, -1])),
    (
        InvalidValue("weights", Decimal("1E+41"), WEIGHTS),
        lambda: myr("1").allocate([Decimal("1E+41")]),
    ),
    (
        InvalidValue("weights", [0, 0], "at least one weight above zero"),
        lambda: myr("1").allocate([0, 0]),
    ),
    (UnknownCurrency("RM"), lambda: Money("1", "RM")),
    (UnknownCurrency("RM"), lambda: Money.from_minor(1, "RM")),
    (CurrencyMismatch("MYR", "SGD"), lambda: myr("1") + SGD),
    (CurrencyMismatch("MYR", "SGD"), lambda: myr("1") - SGD),
    (CurrencyMismatch("MYR", "SGD"), lambda: myr("1") < SGD),
    (CurrencyMismatch("MYR", "SGD"), lambda: myr("1") <= SGD),
    (CurrencyMismatch("MYR", "SGD"), lambda: myr("1") > SGD),
    (CurrencyMismatch("MYR", "SGD"), lambda: myr("1") >= SGD),
    (CurrencyMismatch("MYR", "SGD"), lambda: Money.sum_of([myr("1"), SGD], "MYR")),
]

OF_TIMES: list[WrongCall] = [
    (InvalidValue("at", DAY, "an aware datetime"), lambda: utc(untyped(DAY), "at")),
    (without_a_zone("at"), lambda: utc(NAIVE, "at")),
    (
        InvalidValue("at", FIRST.replace(tzinfo=KL), IN_UTC),
        lambda: utc(FIRST.replace(tzinfo=KL), "at"),
    ),
    (without_a_zone("at"), lambda: instant_text(NAIVE)),
    (without_a_zone("start"), lambda: Period(NAIVE, NOON)),
    (without_a_zone("end"), lambda: Period(NOON, NAIVE)),
    (without_a_zone("instant"), lambda: NAIVE in Period(NOON, NOON + HOUR)),
    (without_a_zone("now"), lambda: Period.named("today", NAIVE)),
    (InvalidPeriod(NOON, NOON), lambda: Period(NOON, NOON)),
    (InvalidPeriod(DAY, DAY), lambda: Period.of_dates(DAY, DAY)),
    (
        InvalidValue("first", "3 March", "a date (without a time)"),
        lambda: Period.of_dates(untyped("3 March"), DAY),
    ),
    (
        InvalidValue("until", NOON, "a date (without a time)"),
        lambda: Period.of_dates(DAY, NOON),
    ),
    (InvalidValue("day", NOON, "a date (without a time)"), lambda: Period.of_day(NOON)),
    (InvalidValue("day", date.max, A_DAY), lambda: Period.of_day(date.max)),
    (InvalidValue("day", date.min, A_DAY), lambda: Period.of_day(date.min)),
    (InvalidValue("month", "2026-13", A_MONTH), lambda: Period.of_month(2026, 13)),
    (InvalidValue("period", "next_week", NAMES), lambda: Period.named("next_week", NOON)),
    (InvalidValue("now", FIRST, FURTHER_IN), lambda: Period.named("today", FIRST)),
    (InvalidValue("now", LAST, FURTHER_IN), lambda: Period.named("this_year", LAST)),
    (UnknownTimeZone("KL"), lambda: time_zone("KL")),
    (UnknownTimeZone("Mars/Olympus"), lambda: time_zone("Mars/Olympus")),
    (UnknownTimeZone(8), lambda: time_zone(untyped(8))),
    (UnknownTimeZone("MYT-8"), lambda: Period.of_day(DAY, "MYT-8")),
    (UnknownTimeZone("MYT-8"), lambda: Period.of_month(2026, 1, "MYT-8")),
    (UnknownTimeZone("MYT-8"), lambda: Period.named("today", NOON, "MYT-8")),
    (InvalidValue("at", "noon", ISO_INSTANT), lambda: instant_from_iso("noon", "at")),
    (without_a_zone("at"), lambda: instant_from_iso("2026-03-03", "at")),
    (InvalidValue("from", "3/3", ISO_DATE), lambda: iso_date("3/3", "from")),
    (InvalidValue("wait", "1h", ISO_DURATION), lambda: duration_from_text("1h", "wait")),
    (InvalidValue("wait", "PT", ISO_DURATION), lambda: duration_from_text("PT", "wait")),
    (InvalidValue("wait", 60, ISO_DURATION), lambda: duration_from_text(untyped(60), "wait")),
    (
        InvalidValue("wait", "P9999999999D", "less than a billion days"),
        lambda: duration_from_text("P9999999999D", "wait"),
    ),
]

OF_TEXTS: list[WrongCall] = [
    (InvalidValue("text", 7, "a str"), lambda: storable(untyped(7))),
    (InvalidValue("text", 7, "a str"), lambda: storable_or_none(untyped(7))),
    (InvalidValue("size", "huge", "one of small, large"), lambda: word_of(Size, "huge", "size")),
    (InvalidValue("text", 7, "a str"), lambda: Customer(email=untyped(7))),
    (InvalidValue("text", None, "a str"), lambda: Address(city=untyped(None))),
    (InvalidValue("country_code", "MY", COUNTRY), lambda: phone_digits("0123456789", "MY")),
    (
        InvalidValue("country_code", "MY", COUNTRY),
        lambda: customer_key(Customer(phone="0123456789"), country_code="MY"),
    ),
]


@pytest.mark.parametrize(("error", "call"), [*OF_MONEY, *OF_TIMES, *OF_TEXTS])
def test_a_wrong_call_is_told(error: OrdersError, call: Call) -> None:
    assert_told(error, call)
