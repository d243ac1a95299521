"""The decision itself: from the few facts that decide to a source and a channel."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import attrs

from shoppego_orders.attribution.address import canonical_host
from shoppego_orders.attribution.channels import CHANNELS, DIRECT, REFERRAL, UNASSIGNED, channel_of
from shoppego_orders.attribution.rules import Rule
from shoppego_orders.attribution.source import (
    Attribution,
    ClickKind,
    Source,
    host_and_path,
)
from shoppego_orders.attribution.text import clean, fold, slug
from shoppego_orders.attribution.touch import UTM_PARAMETERS


class Facts(NamedTuple):
    """What a decision looks at; touches with equal facts get equal verdicts.

    :ivar utm_source: as it came, "" for none; so are medium and campaign.
    :ivar campaign: "" also where neither a rule nor a channel looks at it.
    :ivar tagged: whether there is any UTM tag.
    :ivar clicks: names of the click ids, in the table's order.
    :ivar search_ad: the ad network says that the ad stood beside search results.
    :ivar host: the referrer's, canonical; an app's package; "" where no referrer counts.
    :ivar path: the referrer's, where the host has rows that look at it.
    :ivar app: ``host`` is an app's package.
    :ivar own: the referrer is the shop itself.
    :ivar page: the landing page's path, where a rule looks at it.
    """

    utm_source: str = ""
    medium: str = ""
    campaign: str = ""
    tagged: bool = False
    clicks: tuple[str, ...] = ()
    search_ad: bool = False
    host: str = ""
    path: str = ""
    app: bool = False
    own: bool = False
    page: str = ""


@attrs.frozen
class Index:
    """The rows of a table, arranged so that a look-up takes one step."""

    by_key: dict[str, Source]
    by_name: dict[str, Source]
    by_host: dict[str, tuple[tuple[str, Source], ...]]
    by_app: dict[str, Source]
    clicks: dict[str, tuple[tuple[ClickKind, Source], ...]]
    click_names: frozenset[str]
    names: frozenset[str]
    wild: bool
    pathed: tuple[str, ...]

    @classmethod
    def of(cls, rows: Iterable[Source]) -> Index:
        """Arrange rows; where two claim the same, the earlier has it."""
        by_key: dict[str, Source] = {}
        by_name: dict[str, Source] = {}
        by_host: dict[str, dict[str, Source]] = {}
        by_app: dict[str, Source] = {}
        clicks: dict[str, list[tuple[ClickKind, Source]]] = {}
        for row in rows:
            by_key.setdefault(row.key, row)
            for name in (row.key, *map(clean, row.utm)):
                by_name.setdefault(fold(name), row)
            for text in row.hosts:
                host, path = host_and_path(text)
                by_host.setdefault(host, {}).setdefault(path, row)
            for app in row.apps:
                by_app.setdefault(app.lower(), row)
            for click in row.click_ids:
                clicks.setdefault(click.name, []).append((click.kind, row))
        return cls(
            by_key,
            by_name,
            {
                # The longest path is asked first.
                host: tuple(sorted(paths.items(), key=lambda item: -len(item[0])))
                for host, paths in by_host.items()
            },
            by_app,
            {name: tuple(claims) for name, claims in clicks.items()},
            frozenset(clicks),
            frozenset((*UTM_PARAMETERS, "gad_source", *clicks)),
            any("{}" in host for host in by_host),
            tuple(host.strip("{}.") for host, paths in by_host.items() if any(paths)),
        )

    def in_order(self, click_ids: Iterable[str]) -> tuple[str, ...]:
        """The names of click ids in the table's order."""
        found = tuple(click_ids)
        return found if len(found) < 2 else tuple(sorted(found, key=list(self.clicks).index))

    def of_referrer(self, host: str, path: str, *, app: bool) -> Source | None:
        """The row of a referrer, which may be an app."""
        return self.by_app.get(host) if app else self.of_host(host, path)

    def of_host(self, host: str, path: str) -> Source | None:
        """The row of a referrer: the most specific host, then the longest path."""
        while host:
            for name in (host, *_wildcards(host)) if self.wild else (host,):
                for prefix, row in self.by_host.get(name, ()):
                    if not prefix or path == prefix or path.startswith(f"{prefix}/"):
                        return row
            host = host.partition(".")[2]
        return None

    def of_utm_source(self, tag: str) -> Source | None:
        """The row that a ``utm_source`` means: by key, by alias, or by a host or URL of it."""
        name = fold(tag)
        row = self.by_name.get(name) if name else None
        if row is None and "." in name:
            host, slash, path = name.rpartition("//")[2].partition("/")
            row = self.of_host(canonical_host(host)[0], slash + path)
        return row


def decide(
    facts: Facts, index: Index, rules: tuple[Rule, ...], referrer: Source | None
) -> Attribution:
    """Own rules, then ``utm_source``, then a click id, then the referrer; else the globe.

    The answer holds the decision alone: its tags, referrer and flags are for others to add.

    :param referrer: the row of the referrer; None also where that is the shop itself.
    """
    return (
        _by_rule(facts, index, rules, referrer)
        or _by_utm_source(facts, index, referrer)
        or _by_click(facts, index, referrer)
        or _by_referrer(facts, index, referrer)
        or _by_nothing(facts, index)
    )


def _by_rule(
    facts: Facts, index: Index, rules: tuple[Rule, ...], referrer: Source | None
) -> Attribution | None:
    if not rules:
        return None
    fields = {
        "source": fold(facts.utm_source),
        "medium": fold(facts.medium),
        "campaign": fold(facts.campaign),
        "host": facts.host,
        "path": facts.page,
    }
    for rule in rules:
        if rule.fits(fields):
            row = index.by_key[rule.source]
            channel = rule.channel or _channel(facts, index, row, referrer)
            evidence = f"{rule.name!r} ({rule.field} {rule.match} {', '.join(rule.values)})"
            return Attribution(row.key, row.name, row.logo, channel, "merchant-rule", evidence)
    return None


def _by_utm_source(facts: Facts, index: Index, referrer: Source | None) -> Attribution | None:
    tag = facts.utm_source
    if not tag:
        return None
    row = index.of_utm_source(tag)
    if row is not None:
        channel = _channel(facts, index, row, referrer)
        return Attribution(row.key, row.name, row.logo, channel, "utm-source", tag)
    row = index.by_key.get("unknown", UNKNOWN)
    channel = _channel(facts, index, row, referrer)
    return Attribution(slug(tag) or row.key, tag, row.logo, channel, "utm-source", tag)


def _by_click(facts: Facts, index: Index, referrer: Source | None) -> Attribution | None:
    if not facts.clicks:
        return None
    name = min(facts.clicks, key=lambda name: _STRENGTH[index.clicks[name][0][0]])
    rows = [row for _, row in index.clicks[name]]
    # Instagram's links carry Facebook's click id: the referrer tells which of the two it is.
    row = referrer if referrer is not None and referrer in rows else rows[0]
    channel = _channel(facts, index, row, referrer)
    return Attribution(row.key, row.name, row.logo, channel, "click-id", name)


def _by_referrer(facts: Facts, index: Index, referrer: Source | None) -> Attribution | None:
    if not facts.host:
        return None
    ignored = "own-shop" if facts.own else None if referrer is None else referrer.ignored
    if ignored is not None and facts.tagged:
        return None  # the tags tell of a visit, and neither the shop nor a gateway sent it
    if facts.own:
        row = index.by_key.get("direct", GLOBE)
        return Attribution(
            row.key, row.name, row.logo, row.channel, "referrer", facts.host, ignored=ignored
        )
    row = index.by_key.get("referral", UNLISTED) if referrer is None else referrer
    channel = _channel(facts, index, row, referrer)
    return Attribution(
        row.key, row.name, row.logo, channel, "referrer", facts.host, ignored=ignored
    )


def _by_nothing(facts: Facts, index: Index) -> Attribution:
    if facts.tagged:
        row = index.by_key.get("unknown", UNKNOWN)
        channel = _channel(facts, index, row, None)
        return Attribution(row.key, row.name, row.logo, channel, "utm-tags")
    row = index.by_key.get("direct", GLOBE)
    return Attribution(row.key, row.name, row.logo, row.channel, "none")


def _channel(facts: Facts, index: Index, row: Source, referrer: Source | None) -> str:
    if row.channel not in CHANNELS:
        return row.channel
    medium = fold(facts.medium)
    if medium in _NO_MEDIUM:
        medium = ""
    if not medium and row.channel in _PAID_CHANNELS:
        engine = referrer is not None and referrer.channel == "Organic Search"
        beside_search = facts.search_ad or engine
        return "Paid Search" if row.category == "search" and beside_search else row.channel
    return channel_of(
        category=row.category,
        medium=medium,
        campaign=fold(facts.campaign),
        paid_click=any(index.clicks[name][0][0] == "paid" for name in facts.clicks),
        otherwise=row.channel,
    )


def _wildcards(host: str) -> list[str]:
    """The forms in which a row may leave the country of this host open."""
    forms: list[str] = []
    country = _COUNTRY.search(host)
    if country is not None:
        forms.append(f"{host[: country.start()]}.{{}}")
    head, _, rest = host.partition(".")
    if len(head) == 2 and rest:
        forms.append(f"{{}}.{rest}")
    return forms


GLOBE = Source("direct", "Direct", DIRECT, "globe")
UNLISTED = Source("referral", "Referral", REFERRAL, "link")
UNKNOWN = Source("unknown", "Unknown source", UNASSIGNED, "tag")

_COUNTRY = re.compile(r"(?:\.(?:com|org|net|co|it|edu))?\.[a-z]{2}\Z")
_STRENGTH = {"paid": 0, "either": 1, "organic": 2}
_NO_MEDIUM = frozenset({"(none)", "(not-set)"})
_PAID_CHANNELS = frozenset(channel for channel in CHANNELS if channel.startswith("Paid ")) | {
    "Display",
    "Cross-network",
}
