"""For whom a CSV file is: a spreadsheet, a program, or someone who wants it as it is.

Also what keeps a spreadsheet from running a cell: the guard, one ``'`` in front. Which columns
may need it is decided by their kind and never by looking for something that seems harmless; the
rule is the same on the way back, so reading takes off exactly what writing put there.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, Final

import attrs

from shoppego_orders.errors import InvalidValue
from shoppego_orders.export.columns import Column, ColumnKind, InstantStyle
from shoppego_orders.texts import word_of

_DELIMITERS: Final = (",", ";", "\t", "|")


class Headers(StrEnum):
    """What the first record of a file calls its columns."""

    KEYS = "keys"
    """Their keys, which stay the same for ever: for programs."""
    ENGLISH = "en"
    MALAY = "ms"


def _delimiter(_instance: object, _attribute: object, value: str) -> None:
    if value not in _DELIMITERS:
        raise InvalidValue("delimiter", value, "one of , ; | or TAB")


def _headers(word: str) -> Headers:
    return word_of(Headers, word, "headers")


def _instants(word: str) -> InstantStyle:
    return word_of(InstantStyle, word, "instants")


@attrs.frozen(kw_only=True)
class Profile:
    """How a CSV file is written, beyond what is always so: UTF-8, CRLF, RFC 4180 quoting.

    Begin from :data:`EXCEL`, :data:`PLAIN` or :data:`RAW`;
    ``attrs.evolve(EXCEL, delimiter=";")`` suits a locale with a decimal comma.

    :ivar name: for messages.
    :ivar bom: whether the file begins with a byte order mark, which tells Excel that it is UTF-8.
    :ivar delimiter: between cells: ``,`` ``;`` ``|`` or TAB.
    :ivar guarded: whether text that a spreadsheet would take for a formula gets a ``'``.
    :ivar for_people: whether a spreadsheet shows the file to people: identifiers with a digit get
        the ``'`` too (60123456789 would become 6.01E+10, and 01000 lose its zero), unless they
        begin with ``#``; and line breaks within a cell are LF.
    :ivar headers: the columns' ``keys``, or their labels in English (``en``) or Malay (``ms``).
    :ivar instants: how dates and times are written, where a column does not say; see
        :class:`~shoppego_orders.export.columns.InstantStyle`.
    :raises InvalidValue: for another delimiter, or a word that is none of those.
    """

    name: str
    bom: bool = False
    delimiter: str = attrs.field(default=",", validator=_delimiter)
    guarded: bool = True
    for_people: bool = False
    headers: Headers = attrs.field(default=Headers.KEYS, converter=_headers)
    instants: InstantStyle = attrs.field(default=InstantStyle.ISO, converter=_instants)

    def header(self, column: Column[Any]) -> str:  # Any: nothing is read off a row
        """What the first record of a file calls a column."""
        if column.title or self.headers is Headers.KEYS:
            return column.title or column.key
        return (column.malay if self.headers is Headers.MALAY else "") or column.label or column.key

    def line_ends(self, text: str) -> str:
        """A text with the line breaks that a cell of this profile has."""
        return text.replace("\r\n", "\n").replace("\r", "\n") if self.for_people else text

    def guard(self, kind: ColumnKind) -> re.Pattern[str] | None:
        """The test whether a cell of this kind gets the ``'``, by ``match`` from its start.

        It passes over leading ``'``, so a cell with the guard answers as one without it.

        :returns: None for kinds that never get one.
        """
        if not self.guarded:
            return None
        if kind is ColumnKind.TEXT:
            return FORMULA
        if kind is ColumnKind.IDENTIFIER:
            return _CHANGED_BY_SPREADSHEETS if self.for_people else _FORMULA_BUT_NO_NUMBER
        return None


FORMULA_SIGNS: Final = "=+-@\t\r\n＝＋－＠"
"""What a formula begins with, in some spreadsheet; a cell without any of them is none."""

# What hides nothing is passed over: blanks, a byte order mark, and U+FFFD, which was a NUL.
_BEGINS_FORMULA: Final = rf"[\s\ufeff\ufffd]*[{re.escape(FORMULA_SIGNS)}]"
# None of them looks beyond a NUL, so that cells may be tried together, with NULs between.
FORMULA: Final = re.compile(rf"'*+{_BEGINS_FORMULA}")
_FORMULA_BUT_NO_NUMBER: Final = re.compile(rf"'*+(?!\+?[0-9]+(?![^\0])){_BEGINS_FORMULA}")
_CHANGED_BY_SPREADSHEETS: Final = re.compile(rf"'*+(?:{_BEGINS_FORMULA}|(?!\#)[^\d\0]*\d)")

EXCEL: Final = Profile(name="excel", bom=True, for_people=True)
"""For spreadsheets: byte order mark, guard, identifiers kept, line breaks in a cell as LF."""

PLAIN: Final = Profile(name="plain")
"""For programs: exact, and still guarded, because someone will open it in a spreadsheet."""

RAW: Final = Profile(name="raw", guarded=False)
"""Exact and unguarded: only for readers that are no spreadsheet. Ask for it by name."""

PROFILES: Final = {profile.name: profile for profile in (EXCEL, PLAIN, RAW)}
"""The profiles that ship, by name."""


def profile_of(profile: Profile | str) -> Profile:
    """Take a profile, or the name of one that ships.

    :raises InvalidValue: for another name.
    """
    if isinstance(profile, Profile):
        return profile
    if profile not in PROFILES:
        raise InvalidValue("profile", profile, f"one of {', '.join(PROFILES)}")
    return PROFILES[profile]
