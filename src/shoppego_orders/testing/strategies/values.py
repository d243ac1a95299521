"""Texts, money and time: small pools where collisions matter, and what breaks programs."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

from hypothesis import strategies as st

from shoppego_orders.money import Money
from shoppego_orders.periods import SHOP_TIME_ZONE, Period, time_zone

HOSTILE_TEXTS: Sequence[str] = (
    "",
    " ",
    "nasi\x00lemak",
    "\ud83d alone",
    "kopi \N{HOT BEVERAGE}\ufe0f \N{FAMILY}",
    '=HYPERLINK("http://evil.example","klik")',
    "+60 12",
    "-1+1",
    "@SUM(A1:A9)",
    "\t=1+1",
    "<script>alert(1)</script> & co",
    "'; DROP TABLE orders; --",
    "100%_\\",
    'say "hi", she said',
    "two\r\nlines",
    "line\u2028separator",
    "\u202eسلام\u202c abc",
    "عمر",
    "e\u0301 ﬁ İ ß",
    "x" * 300,
)
"""What breaks files, pages and databases that trust their texts."""

SHOPS: Sequence[str] = ("hartamas.myshoppegram.com", "mirfaith.myshoppegram.com")
MOMENT = datetime(2026, 3, 3, 14, 58, 17, tzinfo=UTC)
"""When many an order was placed."""


# Strategies are slow to make and quick to draw from: made once, where they take no arguments.


@functools.cache
def texts() -> st.SearchStrategy[str]:
    """Make any text, the hostile ones among them; lone surrogates and NUL too."""
    return (
        st.sampled_from(("Kopi", "Aisyah", "Kuala Lumpur"))
        | st.sampled_from(HOSTILE_TEXTS)
        | st.text(st.characters(exclude_categories=()), max_size=12)
    )


@functools.cache
def keys() -> st.SearchStrategy[str]:
    """Make texts that may name an order: not blank, no NUL, no lone surrogate."""
    return st.integers(1, 9999).map(str) | st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=8
    ).filter(str.strip)


def currencies() -> st.SearchStrategy[str]:
    """Make currency codes with 2, 0 and 3 digits."""
    return st.sampled_from(("MYR", "SGD", "JPY", "KWD"))


def money(
    currency: str | None = None, *, least: int = -(10**7), most: int = 10**7
) -> st.SearchStrategy[Money]:
    """Make amounts, in one currency or in any.

    :param least: in minor units; so is ``most``.
    """
    codes = currencies() if currency is None else st.just(currency)
    minor = st.integers(least, most)
    even = st.sampled_from([n for n in (0, 1, 1000, 5000, 9999) if least <= n <= most] or [least])
    return st.builds(Money.from_minor, even | minor, codes)


def time_zones() -> st.SearchStrategy[tzinfo]:
    """Make time zones: UTC, the shop's, those with clock changes, and odd offsets."""
    names = (SHOP_TIME_ZONE, "America/New_York", "Europe/London", "Australia/Lord_Howe")
    odd = timezone(timedelta(hours=5, minutes=45, seconds=1))
    return st.sampled_from([UTC, *(time_zone(name) for name in names), odd])


@functools.cache
def instants() -> st.SearchStrategy[datetime]:
    """Make aware datetimes in several zones, to the microsecond; some of them often."""
    anywhere = st.datetimes(
        datetime(2021, 1, 1),  # noqa: DTZ001 - Hypothesis takes bounds without a zone
        datetime(2028, 1, 1),  # noqa: DTZ001 - as above
        timezones=time_zones(),
    )
    often = st.builds(_moment, delays(), time_zones())
    return often | anywhere


@functools.cache
def utc_instants() -> st.SearchStrategy[datetime]:
    """Make instants as the kernel keeps them: in UTC."""
    return instants().map(lambda instant: instant.astimezone(UTC))


@functools.cache
def delays() -> st.SearchStrategy[timedelta]:
    """Make stretches of time: none, just below an hour, an hour, just above it, backwards."""
    hour, tick = timedelta(hours=1), timedelta(microseconds=1)
    known = (timedelta(0), tick, hour - tick, hour, hour + tick, timedelta(days=3), -hour)
    return st.sampled_from(known) | st.timedeltas(timedelta(hours=-2), timedelta(days=40))


@functools.cache
def periods() -> st.SearchStrategy[Period]:
    """Make periods: days over clock changes and a skipped day, and any two instants."""
    changes = (
        (SHOP_TIME_ZONE, date(2026, 3, 3)),
        ("Europe/London", date(2026, 3, 29)),
        ("America/New_York", date(2026, 11, 1)),
        ("Asia/Beirut", date(2026, 3, 29)),  # begins at 01:00
        ("Pacific/Apia", date(2011, 12, 29)),  # is followed by the 31st
    )
    days = st.builds(_days, st.sampled_from(changes), st.integers(1, 31))
    lengths = st.timedeltas(timedelta(microseconds=1), timedelta(days=400))
    spans = st.builds(_span, utc_instants(), lengths)
    open_ended = utc_instants().map(Period.since) | utc_instants().map(Period.before)
    return days | spans | open_ended


def _moment(delay: timedelta, zone: tzinfo) -> datetime:
    return (MOMENT + delay).astimezone(zone)


def _days(start: tuple[str, date], days: int) -> Period:
    zone, first = start
    return Period.of_dates(first, first + timedelta(days=days), zone)


def _span(start: datetime, length: timedelta) -> Period:
    return Period(start, start + length)
