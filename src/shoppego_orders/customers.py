"""Who orders: the customer, an address, and who counts as the same customer.

Shoppego's abandonment rule asks whether "the customer" has bought again (Orders page, FAQ 2),
and its search finds a customer's orders by phone number; both need one answer to who is who.
It holds within one shop: the same person in another shop is another customer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

import attrs

from shoppego_orders.errors import InvalidValue
from shoppego_orders.texts import storable, storable_or_none

COUNTRY_CODE: Final = "60"
"""The calling code of phone numbers that state none: Malaysia's."""

_NOT_DIGITS: Final = re.compile(r"\D+")
_COUNTRY_CODE: Final = re.compile(r"[1-9][0-9]{0,2}")


@attrs.frozen
class Customer:
    """The customer as the checkout knows them; whatever was not given is empty.

    :ivar id: the shop's own id of a customer with an account.
    :ivar phone: as written by the customer.
    """

    id: str | None = attrs.field(default=None, converter=storable_or_none)
    first_name: str = attrs.field(default="", converter=storable)
    last_name: str = attrs.field(default="", converter=storable)
    email: str | None = attrs.field(default=None, converter=storable_or_none)
    phone: str | None = attrs.field(default=None, converter=storable_or_none)

    @property
    def name(self) -> str:
        """First and last name, as far as they are known."""
        return _full_name(self.first_name, self.last_name)


@attrs.frozen
class Address:
    """Where to ship or bill; whatever was not given is empty."""

    first_name: str = attrs.field(default="", converter=storable)
    last_name: str = attrs.field(default="", converter=storable)
    phone: str = attrs.field(default="", converter=storable)
    email: str = attrs.field(default="", converter=storable)
    address1: str = attrs.field(default="", converter=storable)
    address2: str = attrs.field(default="", converter=storable)
    zip: str = attrs.field(default="", converter=storable)
    city: str = attrs.field(default="", converter=storable)
    state: str = attrs.field(default="", converter=storable)
    country: str = attrs.field(default="", converter=storable)

    @property
    def name(self) -> str:
        """First and last name, as far as they are known."""
        return _full_name(self.first_name, self.last_name)


Identify = Callable[[Customer], str | None]
"""Who counts as the same customer: equal keys do, and ``None`` is nobody's key.

:func:`customer_key` is the one that ships; a host passes its own in its place.
"""


def customer_key(customer: Customer, *, country_code: str = COUNTRY_CODE) -> str | None:
    """The key that all orders of one customer share within a shop.

    The customer's id; else the e-mail address, its case and outer blanks aside; else the phone
    number as :func:`phone_digits` reads it. Each kind has its prefix, so kinds never meet.

    :param country_code: the calling code of phone numbers that state none.
    :returns: "id:…", "email:…" or "phone:…"; ``None`` when nothing tells who it is.
    :raises InvalidValue: when the country code is not one to three digits.
    """
    if customer.id and (own_id := customer.id.strip()):
        return f"id:{own_id}"
    # Without name and host it is a filler such as "-" or "n/a", and would make many people one.
    if customer.email and all(part.strip() for part in customer.email.rpartition("@")):
        return f"email:{customer.email.strip().casefold()}"
    if customer.phone and (digits := phone_digits(customer.phone, country_code)):
        return f"phone:{digits}"
    return None


def phone_digits(phone: str, country_code: str = COUNTRY_CODE) -> str | None:
    """A phone number reduced to its digits, with its country.

    0123456789, 60123456789, +60 12-345 6789 and 0060 12 345 6789 are all "60123456789". A single
    leading zero stands for the shop's country; any other number, with or without "+" or "00",
    is taken to state its country already.

    :param phone: as written; digits of any script.
    :param country_code: the calling code that a single leading zero stands for.
    :returns: 7 to 15 digits (15 is the most of ITU E.164), or ``None`` when the text holds
        no phone number.
    :raises InvalidValue: when the country code is not one to three digits.
    """
    if not _COUNTRY_CODE.fullmatch(country_code):
        raise InvalidValue("country_code", country_code, "one to three digits, such as '60'")
    digits = _NOT_DIGITS.sub("", phone)
    if not digits.isascii():
        digits = "".join(str(unicodedata.decimal(digit)) for digit in digits)
    national = digits.lstrip("0")
    if len(digits) - len(national) == 1:
        national = country_code + national
    # "+60 (0)12-345 6789": the zero is dialled within the country only.
    if national.startswith(f"{country_code}0"):
        national = country_code + national[len(country_code) :].lstrip("0")
    return national if 7 <= len(national) <= 15 else None


def _full_name(first: str, last: str) -> str:
    return f"{first.strip()} {last.strip()}".strip()
