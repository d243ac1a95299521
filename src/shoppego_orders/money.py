"""Exact amounts of money: a whole number of minor units, and an ISO 4217 currency.

The currencies and their digits are those of ISO 4217, table A.1 (current currencies and funds,
kept by SIX Financial Information for ISO), as published on 17 September 2026. Codes without
a minor unit (gold, special drawing rights, testing) price nothing and are left out. Codes that
were withdrawn since 2020 stay, so that old orders can still be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal, Inexact
from fractions import Fraction
from math import lcm
from types import MappingProxyType
from typing import Final, Self, final

import attrs

from shoppego_orders.errors import CurrencyMismatch, InvalidValue, UnknownCurrency

_CODES_BY_DIGITS: Final = {
    0: """
        BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF
    """,
    2: """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD
        CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP
        GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK
        LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO
        NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS
        SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST
        XAD XCD XCG YER ZAR ZMW ZWG
        ANG BGN CUC HRK SLL ZWL
    """,  # the last line: withdrawn since 2020
    3: """
        BHD IQD JOD KWD LYD OMR TND
    """,
    4: """
        CLF UYW
    """,
}
_DIGITS: Final = {code: n for n, codes in _CODES_BY_DIGITS.items() for code in codes.split()}

CURRENCY_DIGITS: Final[Mapping[str, int]] = MappingProxyType(_DIGITS)
"""Every known currency code, and how many digits its amounts have after the point."""

# Room for any sum of real orders, and small enough for a 64-bit column.
_LIMIT: Final = 10**18
_PLAIN: Final = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")
# Contexts of our own: the caller's decimal context never changes a result.
_EXACT: Final = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[Inexact])
_HALF_EVEN: Final = Context(
    prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN, rounding=ROUND_HALF_EVEN, traps=[]
)


@final
@attrs.frozen(init=False, order=False, repr=False)
class Money:
    """An amount in one currency, exact to the last minor unit.

    Amounts of one currency add and compare; two currencies raise
    :class:`~shoppego_orders.errors.CurrencyMismatch` (``==`` just says no).

    :ivar minor: the amount in minor units (sen, cents; yen for JPY).
    :ivar currency: the ISO 4217 code, in capitals.
    """

    minor: int
    currency: str

    def __init__(self, amount: Decimal | int | str, currency: str) -> None:
        """Take an amount that the currency can hold exactly; :meth:`rounded` takes any.

        :param amount: in the currency's main unit: ``Decimal``, whole number or plain decimal
            text ("59.50": a point, no thousands separators, no blanks, no exponent). Zeros
            beyond the currency's digits are fine ("59.500").
        :param currency: an ISO 4217 code in capitals.
        :raises InvalidValue: for a float, a bool, NaN, infinity, malformed text, a part of
            a minor unit, or an amount of 10**18 minor units or more.
        :raises UnknownCurrency: for a code that ISO 4217 does not list.
        """
        minor = _minor_units(amount, _digits_of(currency), _EXACT)
        _set_minor(self, minor)
        _set_currency(self, currency)

    @classmethod
    def from_minor(cls, minor: int, currency: str) -> Self:
        """Take a whole number of minor units: ``from_minor(5950, "MYR")`` is MYR 59.50.

        :raises InvalidValue: for anything but an ``int`` below 10**18 in size.
        :raises UnknownCurrency: for a code that ISO 4217 does not list.
        """
        try:
            _DIGITS[currency]
        except (KeyError, TypeError):
            raise UnknownCurrency(currency) from None
        if type(minor) is not int or not -_LIMIT < minor < _LIMIT:
            raise InvalidValue(
                "minor", minor, "a whole number of minor units, below 10**18 in size"
            )
        money = cls.__new__(cls)
        _set_minor(money, minor)
        _set_currency(money, currency)
        return money

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, in this currency.

        :raises UnknownCurrency: for a code that ISO 4217 does not list.
        """
        return cls.from_minor(0, currency)

    @classmethod
    def rounded(cls, amount: Decimal | int | str, currency: str) -> Self:
        """Round an amount half to even to the currency's digits: 10.005 MYR is MYR 10.00.

        :param amount: as in ``Money(...)``, with any number of digits after the point.
        :raises InvalidValue: as ``Money(...)`` does, but for the part of a minor unit.
        :raises UnknownCurrency: for a code that ISO 4217 does not list.
        """
        return cls.from_minor(_minor_units(amount, _digits_of(currency), _HALF_EVEN), currency)

    @classmethod
    def sum_of(cls, amounts: Iterable[Money], currency: str) -> Self:
        """Add amounts of one currency; none at all make zero.

        :raises CurrencyMismatch: when one of them is in another currency.
        :raises InvalidValue: when the sum reaches 10**18 minor units.
        """
        total = 0
        for amount in amounts:
            if amount.currency != currency:
                raise CurrencyMismatch(currency, amount.currency)
            total += amount.minor
        return cls.from_minor(total, currency)

    @property
    def digits(self) -> int:
        """How many digits the currency has after the point."""
        return _DIGITS[self.currency]

    @property
    def amount(self) -> Decimal:
        """The amount in the main unit, with exactly the currency's digits."""
        return Decimal(self.minor).scaleb(-self.digits, _EXACT)

    @property
    def text(self) -> str:
        """The amount as plain decimal text: "59.50", "-0.05", "1200" (JPY)."""
        return decimal_text(self.minor, self.digits)

    def allocate(self, weights: Sequence[int | Fraction | Decimal]) -> tuple[Money, ...]:
        """Split the amount in proportion to weights, losing no minor unit.

        By largest remainder: each part gets its share rounded toward zero, and what is left goes,
        one minor unit each, to the parts that were cut by most; of equals, to the earlier one.
        A negative amount splits as the positive one does, with the sign turned.

        :param weights: one for each part, zero or more, not all zero.
        :returns: the parts, in the order of the weights; they add up to this amount.
        :raises InvalidValue: for no weights, a negative, non-exact or endless one (float, NaN),
            or when all are zero.
        """
        return tuple(
            Money.from_minor(part, self.currency) for part in apportion(self.minor, weights)
        )

    def __add__(self, other: Money) -> Money:
        if type(other) is not Money:
            return NotImplemented
        return Money.from_minor(self.minor + _minor_in(self.currency, other), self.currency)

    def __sub__(self, other: Money) -> Money:
        if type(other) is not Money:
            return NotImplemented
        return Money.from_minor(self.minor - _minor_in(self.currency, other), self.currency)

    def __mul__(self, times: int) -> Money:
        if type(times) is not int:
            return NotImplemented
        return Money.from_minor(self.minor * times, self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> Money:
        return Money.from_minor(-self.minor, self.currency)

    def __abs__(self) -> Money:
        return Money.from_minor(abs(self.minor), self.currency)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __lt__(self, other: Money) -> bool:
        if type(other) is not Money:
            return NotImplemented
        return self.minor < _minor_in(self.currency, other)

    def __le__(self, other: Money) -> bool:
        if type(other) is not Money:
            return NotImplemented
        return self.minor <= _minor_in(self.currency, other)

    def __gt__(self, other: Money) -> bool:
        if type(other) is not Money:
            return NotImplemented
        return self.minor > _minor_in(self.currency, other)

    def __ge__(self, other: Money) -> bool:
        if type(other) is not Money:
            return NotImplemented
        return self.minor >= _minor_in(self.currency, other)

    def __str__(self) -> str:
        return f"{self.currency} {self.text}"

    def __repr__(self) -> str:
        return f"Money({self.text!r}, {self.currency!r})"


def decimal_text(minor: int, digits: int) -> str:
    """Write an amount of minor units as plain decimal text: never 1E+3, never -0.00."""
    if digits == 0:
        return str(minor)
    whole, part = divmod(abs(minor), 10**digits)
    return f"{'-' if minor < 0 else ''}{whole}.{part:0{digits}}"


def apportion(number: int, weights: Sequence[int | Fraction | Decimal]) -> list[int]:
    """Split a whole number in proportion to weights: the rule of :meth:`Money.allocate`.

    :raises InvalidValue: as it does.
    """
    shares = _whole_weights(weights)
    total = sum(shares)
    if total == 0:
        raise InvalidValue("weights", weights, "at least one weight above zero")
    parts: list[int] = []
    remainders: list[int] = []
    for share in shares:
        part, remainder = divmod(abs(number) * share, total)
        parts.append(part)
        remainders.append(remainder)
    left = abs(number) - sum(parts)
    by_remainder = sorted(range(len(parts)), key=remainders.__getitem__, reverse=True)
    for index in by_remainder[:left]:
        parts[index] += 1
    return parts if number >= 0 else [-part for part in parts]


# The slots' own setters: a frozen instance is filled in half the time of object.__setattr__.
_set_minor = Money.__dict__["minor"].__set__
_set_currency = Money.__dict__["currency"].__set__


def _digits_of(currency: object) -> int:
    if isinstance(currency, str) and currency in _DIGITS:
        return _DIGITS[currency]
    raise UnknownCurrency(currency)


def _minor_in(currency: str, other: Money) -> int:
    if other.currency != currency:
        raise CurrencyMismatch(currency, other.currency)
    return other.minor


def _minor_units(amount: object, digits: int, context: Context) -> int:
    """The one door for amounts; ``context`` says whether a lost digit rounds or raises."""
    exact = _decimal(amount)
    if not exact:
        return 0
    # Before any arithmetic: 1E999999 must not become a million digits.
    if exact.adjusted() + digits < 18:
        try:
            cut = exact.quantize(Decimal((0, (1,), -digits)), context=context)
        except Inexact:
            expected = f"an amount with at most {digits} digits after the point (or Money.rounded)"
            raise InvalidValue("amount", amount, expected) from None
        minor = int(cut.scaleb(digits, context))
        if -_LIMIT < minor < _LIMIT:
            return minor
    raise InvalidValue("amount", amount, "an amount below 10**18 minor units in size")


def _decimal(amount: object) -> Decimal:
    if isinstance(amount, Decimal) and amount.is_finite():
        return amount
    if isinstance(amount, int) and not isinstance(amount, bool):
        return Decimal(amount)
    if isinstance(amount, str) and _PLAIN.fullmatch(amount):
        return Decimal(amount)
    if isinstance(amount, float):
        raise InvalidValue("amount", amount, "a str or Decimal; a float is not exact")
    raise InvalidValue("amount", amount, "a finite Decimal, a whole number or text like '59.50'")


def _whole_weights(weights: Sequence[object]) -> list[int]:
    """The weights in the same proportion, as whole numbers."""
    exact = [_weight(weight) for weight in weights]
    scale = lcm(*(weight.denominator for weight in exact))
    return [weight.numerator * (scale // weight.denominator) for weight in exact]


def _weight(weight: object) -> Fraction:
    if isinstance(weight, Decimal) and weight.is_finite():
        # A bound on the exponent: 1E999999 must not become a million digits.
        if weight >= 0 and abs(weight.adjusted()) <= 40:
            return Fraction(weight)
    elif isinstance(weight, int | Fraction) and not isinstance(weight, bool) and weight >= 0:
        return Fraction(weight)
    expected = "whole numbers, Fractions or Decimals (1E-40 to 1E+40), zero or more"
    raise InvalidValue("weights", weight, expected)
