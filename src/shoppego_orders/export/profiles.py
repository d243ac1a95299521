"""For whom a CSV file is: a spreadsheet, a program, or someone who wants it as it is.

Also what keeps a spreadsheet from running a cell: the guard, one ``'`` in front. Which columns
may need it is decided by their kind and never by looking for something that seems harmless; the
rule is the same on the way back, so reading takes off exactly what writing put there.
"""

from __future__ import annotations

import re
from typing import Final

import attrs

from shoppego_orders.errors import InvalidValue
from shoppego_orders.export.columns import ColumnKind

_DELIMITERS: Final = (",", ";", "\t", "|")


def _delimiter(_instance: object, _attribute: object, value: str) -> None:
    if value not in _DELIMITERS:
        raise InvalidValue("delimiter", value, "one of , ; | or TAB")


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
    :raises InvalidValue: for another delimiter.
    """

    name: str
    bom: bool = False
    delimiter: str = attrs.field(default=",", validator=_delimiter)
    guarded: bool = True
    for_people: bool = False

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


# What hides nothing is passed over: blanks, a byte order mark, and U+FFFD, which was a NUL.
_BEGINS_FORMULA: Final = r"[\s\ufeff\ufffd]*[=+\-@\t\r\n＝＋－＠]"
FORMULA: Final = re.compile(rf"'*+{_BEGINS_FORMULA}")
_FORMULA_BUT_NO_NUMBER: Final = re.compile(rf"'*+(?!\+?[0-9]+\Z){_BEGINS_FORMULA}")
_CHANGED_BY_SPREADSHEETS: Final = re.compile(rf"'*+(?:{_BEGINS_FORMULA}|(?!\#)\D*\d)")

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
