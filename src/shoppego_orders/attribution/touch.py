"""One visit to the shop, and what its landing URL says about where it came from."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import NamedTuple
from urllib.parse import unquote

import attrs

from shoppego_orders.attribution.address import ADDRESS_LIMIT
from shoppego_orders.attribution.text import FIELD_LIMIT, clean
from shoppego_orders.errors import InvalidValue
from shoppego_orders.periods import utc

UTM_PARAMETERS = (
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_id",
    "utm_term",
    "utm_content",
    "utm_source_platform",
)
"""The campaign tags that are read, as Google Analytics 4 names them."""

PLAIN_PARAMETERS = (*UTM_PARAMETERS, "gad_source")
"""What is read of a landing URL, apart from click ids."""


def _some(text: str | None) -> str:
    return "" if text is None else text


def _instant(at: datetime) -> datetime:
    return utc(at, "touch.at")


@attrs.frozen
class Touch:
    """A visit: the page it landed on, the page it came from, and when.

    No text is refused; what can't be read is attributed as well as it can be.

    :ivar landing_url: the first page of the visit, with its query; ``None`` is taken as "".
    :ivar referrer: what the browser gave as the page before, or ``None``.
    :ivar at: an aware datetime; kept in UTC.
    :raises InvalidValue: where a field has another type.
    :raises NaiveDatetime: where ``at`` has no zone.
    """

    landing_url: str = attrs.field(converter=_some)
    referrer: str | None
    at: datetime = attrs.field(converter=_instant)

    def __attrs_post_init__(self) -> None:
        # Callers without a type checker give anything.
        texts: tuple[tuple[str, object], ...] = (
            ("landing_url", self.landing_url),
            ("referrer", "" if self.referrer is None else self.referrer),
        )
        for field, text in texts:
            if not isinstance(text, str):
                raise InvalidValue(f"touch.{field}", text, "a text or None")

    def anonymised(self) -> Touch:
        """What may be kept of a visitor who agreed to statistics but not to being followed.

        Of the landing URL the page and its UTM tags stay: click ids, and whatever else the
        query carries, go. Of the referrer the page stays: its query and user name go.
        """
        referrer = self.referrer
        if referrer is not None:
            referrer = _without_user(referrer[:ADDRESS_LIMIT].partition("#")[0].partition("?")[0])
        url = self.landing_url[:ADDRESS_LIMIT]
        page = _without_user(url.partition("#")[0].partition("?")[0])
        landing = read_landing(url, frozenset(UTM_PARAMETERS))
        tags = "&".join(f"{key}={_escaped(value)}" for key, value in landing.parameters.items())
        return attrs.evolve(self, landing_url=f"{page}?{tags}" if tags else page, referrer=referrer)


class Landing(NamedTuple):
    """The parameters of a landing URL that a table asked for.

    :ivar parameters: by name in lower case; the first value that is not empty, decoded once,
        cleaned, and at most 256 characters long.
    :ivar flags: what had to be done to read them, see :class:`Attribution`.
    """

    parameters: dict[str, str]
    flags: tuple[str, ...]


def read_landing(url: str, names: frozenset[str]) -> Landing:
    """Read the named parameters of a landing URL; never raises, whatever the text.

    Values are decoded once, as HTML forms are (WHATWG URL Standard,
    application/x-www-form-urlencoded): a bad escape stays as it is, bad UTF-8 becomes U+FFFD.
    Separators that were escaped or typed wrongly are repaired where a known name follows.
    The fragment counts where the query holds no UTM tag and the fragment is made of ``k=v``.

    :param names: in lower case.
    """
    flags: list[str] = []
    if len(url) > ADDRESS_LIMIT:
        url = url[:ADDRESS_LIMIT]
        flags.append("truncated:landing_url")
    before, hash_sign, fragment = url.partition("#")
    page, question, query = before.partition("?")
    found: dict[str, str] = {}
    if question:
        _collect(query, names, found, flags)
    elif "&" in page:
        # The first question mark was forgotten: /page&utm_source=tiktok
        tail = page.partition("&")[2]
        if _key(tail.partition("=")[0]) in names:
            flags.append("repaired")
            _collect(tail, names, found, flags)
    if hash_sign and "=" in fragment and not any(name.startswith("utm_") for name in found):
        fragment = fragment.removeprefix("?")
        if _is_name(fragment.partition("=")[0]):
            in_fragment: dict[str, str] = {}
            _collect(fragment, names, in_fragment, flags)
            if in_fragment:
                flags.append("fragment")
                found = in_fragment | found
    return Landing(found, tuple(dict.fromkeys(flags)) if flags else ())


def read_plain(url: str) -> tuple[str | None, ...] | None:
    """Read at once a landing URL that needs no care.

    :returns: the values of :data:`PLAIN_PARAMETERS`, as :func:`read_landing` would read them
        without a flag; or None where the URL holds other parameters, or one of these twice, or
        anything to decode but spaces.
    """
    # One pattern takes half the time of splitting, and checks as much.
    found = _PLAIN.match(url.replace("+", " ").replace("%20", " "))
    if found is None:
        return None if "?" in url or "&" in url or "#" in url else _NO_TAGS
    tags = found.groups()
    if len(url) > FIELD_LIMIT and (
        len(url) > ADDRESS_LIMIT or max([len(tag) for tag in tags if tag]) > FIELD_LIMIT
    ):
        return None
    return tags


def read_parameter(query: str, name: str) -> str | None:
    """One parameter of a query, read like those of a landing URL; None where it is empty."""
    found: dict[str, str] = {}
    _collect(query, (name,), found, [])
    return found.get(name)


def _collect(query: str, names: Collection[str], found: dict[str, str], flags: list[str]) -> None:
    empty: set[str] = set()
    plain = "?" not in query and ("&" in query or ";" not in query)
    for piece in query.split("&") if plain else _pieces(query, names, flags):
        key, _, raw = piece.partition("=")
        if key not in names:
            if key.islower() and key.isidentifier():
                continue  # what most other parameters look like: not ours, however it is read
            key = _key(key)
            if key not in names:
                if not key.startswith("amp;"):
                    continue
                key = key.replace("amp;", "")
                if key not in names:
                    continue
                flags.append("repaired")
        if key in found or key in empty:
            flags.append(f"repeated:{key}")
            if key in found:
                continue
        value = _decoded(raw) if "%" in raw or "+" in raw else raw
        if " " in value or not (value.isascii() and value.isprintable()):
            value = clean(value)
        if len(value) > FIELD_LIMIT:
            value = value[:FIELD_LIMIT].rstrip()
            flags.append(f"truncated:{key}")
        if value:
            found[key] = value
        else:
            empty.add(key)


def _pieces(query: str, names: Collection[str], flags: list[str]) -> Iterator[str]:
    """Split at ``&``; at ``;`` where there is no ``&``; and at ``?`` before a known name."""
    if "&" in query or ";" not in query:
        pieces = query.split("&")
    else:
        pieces = _at_semicolons(query)
        if len(pieces) > 1 and any(_key(piece.partition("=")[0]) in names for piece in pieces):
            flags.append("repaired")
    if "?" not in query:
        yield from pieces
        return
    for piece in pieces:
        first, *rest = piece.split("?")
        whole = [first]
        for part in rest:
            if _key(part.partition("=")[0]) in names:
                flags.append("repaired")
                yield "?".join(whole)
                whole = [part]
            else:
                whole.append(part)
        yield "?".join(whole)


def _at_semicolons(query: str) -> list[str]:
    """A piece without an equals sign belongs to the value before it."""
    pieces: list[list[str]] = []
    for piece in query.split(";"):
        if "=" in piece or not pieces:
            pieces.append([piece])
        else:
            pieces[-1].append(piece)
    return [";".join(parts).rstrip(";") for parts in pieces]


def _key(raw: str) -> str:
    if len(raw) > FIELD_LIMIT:
        return ""
    return clean(_decoded(raw)).lower()


def _decoded(raw: str) -> str:
    # Spaces are nearly all that is escaped, and this is much faster.
    raw = raw.replace("+", " ").replace("%20", " ")
    return unquote(raw, errors="replace") if "%" in raw else raw


def _is_name(text: str) -> bool:
    return text.replace("-", "_").replace("%", "_").replace(".", "_").isidentifier()


def _without_user(url: str) -> str:
    scheme, slashes, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{slashes}{authority.rpartition('@')[2]}{slash}{path}"


def _escaped(value: str) -> str:
    for sign, escape in (("%", "%25"), ("&", "%26"), ("+", "%2B"), ("#", "%23"), (";", "%3B")):
        value = value.replace(sign, escape)
    return value


_NO_TAGS = (None,) * len(PLAIN_PARAMETERS)
# ASCII but controls, escapes and separators; no space beside another or at an end.
_WORD = r"[!\"$'-:<>@-~]++"
_VALUE = f"({_WORD}(?: {_WORD})*+)"
# What was found before is not found again; the beginning that most names share is matched once.
_TAGS = [
    rf"{name.removeprefix('utm_')}=(?({number})(?!)){_VALUE}"
    for number, name in enumerate(PLAIN_PARAMETERS, 1)
]
_PLAIN = re.compile(rf"[^?#]*\?(?:(?:utm_(?:{'|'.join(_TAGS[:-1])})|{_TAGS[-1]})(?:&|\Z))+\Z")
