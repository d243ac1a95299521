"""Who counts as the same customer: keys are stable, and never meet across kinds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shoppego_orders.customers import Customer, customer_key, phone_digits

maybe_text = st.none() | st.text()
customers = st.builds(
    Customer, id=maybe_text, first_name=st.text(), last_name=st.text(), email=maybe_text,
    phone=maybe_text,
)  # fmt: skip
# A Malaysian number without its trunk zero: 12-345 6789, 3-2345 6789.
national = st.integers(10_000_000, 9_999_999_999).map(str)
fillers = st.lists(st.sampled_from([" ", "-", "(", ")", ".", "/", "\u00a0"]), max_size=3).map(
    "".join
)
scripts = st.sampled_from(["0123456789", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "０１２３４５６７８９"])


@given(national, st.data())
def test_every_way_to_write_a_number_is_one_number(number: str, data: st.DataObject) -> None:
    prefix = data.draw(st.sampled_from(["0", "60", "+60", "0060", "+60 0", "+60 (0)", "+0060"]))
    script = data.draw(scripts)
    spaced = "".join(char + data.draw(fillers) for char in prefix + number)
    written = data.draw(fillers) + "".join(
        script[int(char)] if char.isascii() and char.isdigit() else char for char in spaced
    )
    assert phone_digits(written) == f"60{number}"


@given(st.sampled_from(["55", "65", "44", "1", "971"]), national)
def test_a_number_keeps_the_country_that_it_states(country: str, number: str) -> None:
    for prefix in ("+", "00", "+00", ""):
        assert phone_digits(f"{prefix}{country} {number}") == f"{country}{number}"


@given(national, st.sampled_from(["60", "55", "65", "1", "971"]))
def test_a_leading_zero_stands_for_the_shops_own_country(number: str, country: str) -> None:
    assert phone_digits(f"0{number}", country) == f"{country}{number}"


@given(st.text() | st.from_regex(r"[+0-9 ()-]{0,30}", fullmatch=True))
def test_any_text_is_digits_or_nothing_and_reading_them_again_changes_nothing(text: str) -> None:
    digits = phone_digits(text)
    if digits is not None:
        assert digits.isascii()
        assert digits.isdigit()
        assert 7 <= len(digits) <= 15
        assert phone_digits(digits) == phone_digits(f"+{digits}") == digits


@given(customers)
def test_a_key_has_the_prefix_of_what_it_was_made_from(customer: Customer) -> None:
    key = customer_key(customer)
    if key is None:
        assert not (customer.id or "").strip()
        assert phone_digits(customer.phone or "") is None
    else:
        kind, _, value = key.partition(":")
        assert kind in {"id", "email", "phone"}
        assert value
        assert value == value.strip()


@given(customers, customers)
def test_only_id_email_and_phone_decide(customer: Customer, other: Customer) -> None:
    twin = Customer(customer.id, other.first_name, other.last_name, customer.email, customer.phone)
    assert customer_key(twin) == customer_key(customer)


@given(st.text(min_size=1).filter(lambda text: text.strip() != ""))
def test_kinds_never_meet(text: str) -> None:
    keys = [
        customer_key(Customer(id=text)),
        customer_key(Customer(email=f"{text}@example.com")),
        customer_key(Customer(phone="60123456789")),
    ]
    assert None not in keys
    assert len(set(keys)) == 3


@given(st.emails(), st.sampled_from(["", " ", "\t", "\u00a0"]))
def test_case_and_blanks_around_an_email_make_no_difference(email: str, blank: str) -> None:
    key = customer_key(Customer(email=email))
    assert key == customer_key(Customer(email=f"{blank}{email.upper()}{blank}"))
    assert key == customer_key(Customer(email=email.lower(), phone="0123456789"))
    assert key == f"email:{email.casefold()}"
