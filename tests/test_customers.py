"""Customers by example: Malaysian phone numbers, and who is the same person."""

from __future__ import annotations

import attrs
import pytest

from shoppego_orders.customers import Address, Customer, Identify, customer_key, phone_digits
from shoppego_orders.errors import InvalidValue


@pytest.mark.parametrize(
    "written",
    ["0123456789", "60123456789", "+60 12-345 6789", "0060 12 345 6789", "+60 (0)12-345 6789",
     "tel:+60123456789", " 012 345 6789 ", "٠١٢٣٤٥٦٧٨٩", "＋６０１２３４５６７８９",
     "(012) 3456789", "+012-345 6789", "60 012-3456789"],
)  # fmt: skip
def test_one_malaysian_number_however_it_is_written(written: str) -> None:
    assert phone_digits(written) == "60123456789"


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("+55 11 98765-4321", "5511987654321"),
        ("0055 11 98765 4321", "5511987654321"),
        ("+65 9123 4567", "6591234567"),
        ("+1 (604) 555-0100", "16045550100"),
        # Written without "+" or zero, a number is taken to state its country.
        ("6591234567", "6591234567"),
        ("03-2345 6789", "60323456789"),
    ],
)
def test_numbers_of_other_places(written: str, digits: str) -> None:
    assert phone_digits(written) == digits


@pytest.mark.parametrize(
    "text",
    ["", " ", "-", "+", "n/a", "none", "0", "00", "000000000000", "999", "+60", "0060", "12345",
     "²³", "1234567890123456", "0123456789 / 0198765432", "\ud800", "\x00"],
)  # fmt: skip
def test_text_that_is_no_phone_number(text: str) -> None:
    assert phone_digits(text) is None


def test_a_shop_elsewhere_reads_its_own_trunk_zero() -> None:
    assert phone_digits("011 98765-4321", "55") == "5511987654321"
    assert customer_key(Customer(phone="0912345678"), country_code="886") == "phone:886912345678"


@pytest.mark.parametrize("country_code", ["", "0", "060", "+60", "MY", "1234", "６０", "60\n"])
def test_a_country_code_is_one_to_three_digits(country_code: str) -> None:
    with pytest.raises(InvalidValue, match="country_code"):
        phone_digits("0123456789", country_code)


def test_the_id_comes_first_then_the_email_then_the_phone() -> None:
    customer = Customer(id=" C-7 ", email=" Siti@Example.COM ", phone="012-345 6789")
    assert customer_key(customer) == "id:C-7"
    assert customer_key(attrs.evolve(customer, id=None)) == "email:siti@example.com"
    assert customer_key(attrs.evolve(customer, id=" ", email=None)) == "phone:60123456789"
    assert customer_key(attrs.evolve(customer, id="", email="", phone=None)) is None
    assert customer_key(Customer(first_name="Siti", last_name="Aminah")) is None
    assert customer_key(Customer(phone="n/a")) is None


@pytest.mark.parametrize("email", ["-", "n/a", "@", "siti@", "@example.com", " @ ", "none"])
def test_a_filler_in_the_email_field_makes_nobody_the_same(email: str) -> None:
    assert customer_key(Customer(email=email)) is None
    assert customer_key(Customer(email=email, phone="0123456789")) == "phone:60123456789"


def test_kinds_do_not_meet() -> None:
    assert customer_key(Customer(id="60123456789")) != customer_key(Customer(phone="60123456789"))
    assert customer_key(Customer(id="a@b.my")) != customer_key(Customer(email="a@b.my"))


def test_a_host_says_itself_who_is_the_same() -> None:
    def by_name(customer: Customer) -> str | None:
        return customer.name or None

    def keys(identify: Identify, *customers: Customer) -> list[str | None]:
        return [identify(customer) for customer in customers]

    siti = Customer(first_name="Siti", phone="0123456789")
    assert keys(by_name, siti, Customer()) == ["Siti", None]
    assert keys(customer_key, siti, Customer()) == ["phone:60123456789", None]


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [("Siti", "Aminah", "Siti Aminah"), (" Siti ", "", "Siti"), ("", "Aminah", "Aminah"),
     (" ", " ", ""), ("", "", "")],
)  # fmt: skip
def test_a_name_is_what_is_known_of_it(first: str, last: str, name: str) -> None:
    assert Customer(first_name=first, last_name=last).name == name
    assert Address(first_name=first, last_name=last).name == name


def test_text_from_a_form_can_be_stored() -> None:
    customer = Customer(id="\x00", first_name="Si\ud800ti", phone="\x00")
    assert customer == Customer(id="\ufffd", first_name="Si\ufffdti", phone="\ufffd")
    assert Address(city="\x00").city == "\ufffd"


@pytest.mark.parametrize("field", [field.name for field in attrs.fields(Address)])
def test_an_address_is_text(field: str) -> None:
    assert getattr(Address(), field) == ""
    with pytest.raises(InvalidValue):
        Address(**{field: None})  # type: ignore[arg-type]  # what untyped callers do


def test_customers_are_frozen() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Customer().phone = "0123456789"  # type: ignore[misc]  # what is tested
