"""Texts from outside: what is kept as typed, what is not, and which words are known."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given

from shoppego_orders.errors import InvalidValue
from shoppego_orders.testing.strategies import texts
from shoppego_orders.texts import folded, header_text, storable, storable_or_none, word_of


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


@given(texts())
def test_a_storable_text_can_be_written_and_is_otherwise_as_typed(text: str) -> None:
    kept = storable(text)
    assert kept.encode().decode() == kept
    assert "\0" not in kept
    assert len(kept) == len(text)
    assert all(new in (old, "\ufffd") for new, old in zip(kept, text, strict=True))
    assert storable(kept) is kept or storable(kept) == kept


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("", ""),
        ("=1+1\r\n\t<b>", "=1+1\r\n\t<b>"),
        ("nasi\0lemak", "nasi\ufffdlemak"),
        ("\udc00é", "\ufffdé"),
        ("\U0001f35c", "\U0001f35c"),
    ],
)
def test_nul_and_lone_surrogates_alone_are_replaced(typed: str, kept: str) -> None:
    assert storable(typed) == kept
    assert storable_or_none(typed) == kept


@pytest.mark.parametrize("value", [None, 7, b"kopi", Size.SMALL, ["kopi"]])
def test_what_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(InvalidValue, match="expected a str"):
        storable(value)


def test_a_text_may_be_missing() -> None:
    assert storable_or_none(None) is None


@given(texts(), texts())
def test_folding_is_done_once_and_line_by_line(one: str, other: str) -> None:
    assert folded(folded(one)) == folded(one)
    assert folded(f"{one}\n{other}") == f"{folded(one)}\n{folded(other)}"


@pytest.mark.parametrize(
    ("one", "other"),
    [("AISYAH", "aisyah"), ("STRASSE", "straße"), ("ＫＯＰＩ", "kopi"), ("ﬁ", "fi")],
)
def test_case_and_compatibility_forms_make_no_difference(one: str, other: str) -> None:
    assert folded(one) == folded(other)


def test_a_word_is_read_from_its_text_or_taken_as_it_is() -> None:
    assert word_of(Size, "small", "size") is Size.SMALL
    assert word_of(Size, Size.LARGE, "size") is Size.LARGE


@pytest.mark.parametrize("value", ["Small", "", None, 1, ["small"]])
def test_another_word_is_refused_with_those_that_are_right(value: Any) -> None:
    with pytest.raises(InvalidValue, match=r"size is .*; expected one of small, large") as error:
        word_of(Size, value, "size")
    assert error.value.value is value


def test_no_header_holds_an_encoded_word() -> None:
    typed = "=?utf-8?q?=0ABcc:_evil=40example.com?=\r\nX: 1 ==??"
    assert header_text(typed) == "= ?utf-8?q?=0ABcc:_evil=40example.com?= X: 1 == ??"
    assert "=?" not in header_text(typed)
