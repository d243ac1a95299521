"""Text that strangers send: cleaned before it is kept, folded before it is compared."""

from __future__ import annotations

import re
import unicodedata

FIELD_LIMIT = 256
"""The most characters that one field of an answer holds."""


def clean(text: str) -> str:
    """Remove what can't be shown: control characters and marks that turn the writing direction.

    Runs of white space become one space, none at the ends; a lone surrogate, which no encoding
    can write, becomes U+FFFD. Everything else stays as it came, letter case included.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split()) if " " in text else text
    return " ".join(_SURROGATE.sub("\ufffd", _UNSEEN.sub("", text)).split())


def fold(text: str) -> str:
    """The form in which two spellings of one name are equal.

    Case, full-width letters, zero-width characters, and the choice between space, hyphen and
    underscore make no difference; slashes at the ends neither.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _ZERO_WIDTH.sub("", text)).casefold()
    else:
        text = text.lower()
        if not text or text.isalnum():
            return text
    return _SEPARATORS.sub("-", text).strip("-/")


def slug(text: str) -> str:
    """A kebab-case key for a name that no row of the table knows ("" where no letter is left)."""
    return _NOT_IN_KEY.sub("-", fold(text))[:FIELD_LIMIT].strip("-")


# C0 and C1 controls, and the marks that reorder what a reader sees.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ZERO_WIDTH = re.compile("[\u00ad\u200b-\u200d\u2060]")
_SEPARATORS = re.compile(r"[\s_-]+")
_NOT_IN_KEY = re.compile(r"[\W_]+")
