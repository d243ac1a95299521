"""Text from outside: made storable, or recognised as one of a closed set of words."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import TypeVar

from shoppego_orders.errors import InvalidValue

Word = TypeVar("Word", bound=StrEnum)

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(value: str) -> str:
    """Take a text that a customer or a merchant typed; used as an attrs converter.

    NUL and lone surrogates, which PostgreSQL and UTF-8 refuse, become U+FFFD. Nothing else is
    changed, so whatever can be stored is stored as it was typed.

    :raises InvalidValue: for anything but a :class:`str`.
    """
    if type(value) is not str:
        raise InvalidValue("text", value, "a str")
    if value.isascii() and "\x00" not in value:
        return value
    return UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", value)


def storable_or_none(value: str | None) -> str | None:
    """Like :func:`storable`, where a text may be missing."""
    return None if value is None else storable(value)


def folded(text: str) -> str:
    """Fold a text for searching: compatibility forms and case make no difference."""
    return unicodedata.normalize("NFKC", text).casefold()


def one_line(text: str) -> str:
    """Take line breaks and control characters out, so that a text stays where it is put."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def header_text(text: str) -> str:
    """Make a text one for a mail header: on one line, and read as it was typed.

    An encoded word (RFC 2047) within it would be read as what it stands for, which may be a line
    break and a header of the customer's own; so none is left one.
    """
    return one_line(text).replace("=?", "= ?")


def word_of(words: type[Word], value: str, field: str) -> Word:
    """Read a word of a closed set, such as a status.

    :raises InvalidValue: for any other word, naming those that are right.
    """
    try:
        return words(value)
    except ValueError:
        raise InvalidValue(field, value, f"one of {', '.join(words)}") from None
