"""Reading the address of another site: strict about the host, because a host earns credit.

Follows the WHATWG URL Standard where browsers agree, and calls invalid whatever two programs
could read as two different hosts.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from shoppego_orders.attribution.text import clean

ADDRESS_LIMIT = 8192
"""The most characters of a URL that are read; the rest is cut off and flagged."""


class Address(NamedTuple):
    """A URL taken apart.

    :ivar scheme: ``http``, ``https``, ``android-app`` or ``ios-app``; "" where it is another.
    :ivar host: lower case, A-labels, no port, no trailing dot; an app's package for the app
        schemes. "" where there is a problem.
    :ivar path: from the first slash, as it came.
    :ivar query: without its question mark, as it came.
    :ivar problem: why the address can't be credited, in one or two words; "" when it can.
    """

    scheme: str
    host: str
    path: str = ""
    query: str = ""
    problem: str = ""


def read_address(text: str) -> Address:
    """Take a URL apart; never raises.

    :param text: of at most :data:`ADDRESS_LIMIT` characters, cleaned of control characters.
    """
    plain = _PLAIN.match(text)
    if plain is not None and len(plain[2]) <= _HOST_LIMIT:
        return Address(plain[1], plain[2], plain[3] or "", plain[4] or "")
    scheme, colon, rest = text.partition(":")
    if not colon or _SCHEME.fullmatch(scheme) is None:
        return Address("", "", problem="no scheme")
    scheme = scheme.lower()
    if scheme not in ("http", "https", "android-app", "ios-app"):
        return Address("", "", problem=f"{scheme[:32]} address")
    if not rest.startswith("//"):
        return Address(scheme, "", problem="no host")
    authority, path, query = _AFTER_SCHEME.fullmatch(rest[2:]).groups("")  # type: ignore[union-attr] # the pattern matches every text
    if scheme.endswith("-app"):
        package = authority.lower()
        good = len(package) <= _HOST_LIMIT and _PACKAGE.fullmatch(package) is not None
        return Address(scheme, package if good else "", path, query, "" if good else "bad package")
    host, problem = _host_of(authority)
    return Address(scheme, host, path, query, problem)


def landing_host(url: str) -> str:
    """The canonical host of a landing URL; "" where it has none."""
    plain = _PLAIN_HOST.match(url)
    if plain is not None and len(plain[1]) <= _HOST_LIMIT:
        return plain[1]
    return read_address(clean(url[:ADDRESS_LIMIT])).host


def canonical_host(text: str) -> tuple[str, str]:
    """One form for one host, however it is written.

    :param text: a host without userinfo and port; IPv6 in brackets.
    :returns: the host and ""; or "" and what is wrong with it.
    """
    if text.startswith("["):
        return _ipv6(text)
    if not text.isascii():
        text = _a_labels(text)
    host = text.lower().removesuffix(".")
    if not host:
        return "", "no host"
    if _HOST_CHARACTERS.fullmatch(host) is None:
        return "", "white space in host" if " " in host else "bad character in host"
    if len(host) > _HOST_LIMIT or any(not 0 < len(label) < 64 for label in host.split(".")):
        return "", "bad label in host"
    return host, ""


def _host_of(authority: str) -> tuple[str, str]:
    if "\\" in authority:
        return "", "backslash in host"
    host = authority.rpartition("@")[2]
    bracket = host.rfind("]")
    if host.startswith("[") and bracket < 0:
        return canonical_host(host)
    colon = host.find(":", bracket + 1)
    if colon >= 0:
        port = host[colon + 1 :]
        if port and (not (port.isascii() and port.isdigit()) or int(port[:6]) > 65535):
            return "", "bad port"
        host = host[:colon]
    return canonical_host(host)


def _ipv6(text: str) -> tuple[str, str]:
    import ipaddress  # of no use to nearly every process

    try:
        if not text.endswith("]") or "%" in text:
            raise ValueError
        return f"[{ipaddress.IPv6Address(text[1:-1]).compressed}]", ""
    except ValueError:
        return "", "broken address in brackets"


def _a_labels(host: str) -> str:
    """The ASCII form of an international name, as browsers write it (UTS 46, nontransitional)."""
    if len(host) > _HOST_LIMIT:
        return host
    host = unicodedata.normalize("NFKC", _IGNORED.sub("", host)).lower().replace("\u3002", ".")
    host = unicodedata.normalize("NFC", host)
    return ".".join(
        label if label.isascii() else "xn--" + label.encode("punycode", "replace").decode("ascii")
        for label in host.split(".")
    )


_HOST_LIMIT = 253
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*")
# What nearly every address looks like, in one step; everything else takes the careful way.
_PLAIN_HOST = re.compile(
    r"https?://((?:[a-z0-9_][a-z0-9_-]{0,62}\.)+[a-z0-9][a-z0-9-]{0,62})(?:[/?#]|\Z)"
)
_PLAIN = re.compile(
    r"(https?)://((?:[a-z0-9_][a-z0-9_-]{0,62}\.)+[a-z0-9][a-z0-9-]{0,62})"
    r"(/[^?#]*)?(?:\?([^#]*))?(?:#.*)?\Z",
    re.DOTALL,
)
_AFTER_SCHEME = re.compile(r"([^/?#]*)(/[^?#]*)?(?:\?([^#]*))?(?:#.*)?", re.DOTALL)
_HOST_CHARACTERS = re.compile(r"[a-z0-9._-]+")
_PACKAGE = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
# Soft hyphen, zero-width space, word joiner, byte order mark, variation selectors: UTS 46 drops.
_IGNORED = re.compile("[\u00ad\u200b\u2060\ufeff\ufe00-\ufe0f]")
