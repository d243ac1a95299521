"""The table of sources: rows that can be added, replaced and removed, and ``classify``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias, TypeVar

import attrs

from shoppego_orders.attribution.address import (
    ADDRESS_LIMIT,
    Address,
    canonical_host,
    landing_host,
    read_address,
)
from shoppego_orders.attribution.decision import Facts, Index, decide
from shoppego_orders.attribution.rules import Rule
from shoppego_orders.attribution.source import Attribution, ClickId, Source, merged, search_pattern
from shoppego_orders.attribution.text import clean
from shoppego_orders.attribution.touch import (
    PLAIN_PARAMETERS,
    Touch,
    read_landing,
    read_parameter,
    read_plain,
)
from shoppego_orders.errors import InvalidTable, InvalidValue


def _rows(rows: Iterable[Source]) -> tuple[Source, ...]:
    return tuple(rows)


def _rules(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    return tuple(rules)


def _own_hosts(hosts: Iterable[str]) -> tuple[str, ...]:
    return tuple(_own_host(host) for host in hosts)


@attrs.frozen(repr=False)
class AttributionTable:
    """Rows of sources, and a shop's own rules and hosts. A value: every change is a new table.

    Where two rows claim the same tag, host, package or click id, the earlier row has it; a more
    specific host wins over a less specific one wherever it stands.

    :ivar rows: in order.
    :ivar rules: the merchant's own, asked first, in order.
    :ivar own_hosts: the shop's hosts. A landing URL's own host is always one of them.
    :ivar own_subdomains: whether what lies under ``own_hosts`` is the shop's too; not so where
        many shops share a domain.
    :ivar remembered: how many answers, decisions and addresses are kept to be given again, 0 for
        none. They are kept under what decides: URLs that differ in a click id share an answer.
    :raises InvalidTable: where two rows have one key, or a rule gives a source without a row.
    :raises InvalidValue: where an own host is no host.
    """

    rows: tuple[Source, ...] = attrs.field(converter=_rows)
    rules: tuple[Rule, ...] = attrs.field(default=(), converter=_rules)
    own_hosts: tuple[str, ...] = attrs.field(default=(), converter=_own_hosts)
    own_subdomains: bool = False
    remembered: int = 10_000
    _index: Index = attrs.field(
        init=False,
        eq=False,
        default=attrs.Factory(lambda self: Index.of(self.rows), takes_self=True),
    )
    _referrers: dict[str | None, _Referrer] = attrs.field(
        init=False, eq=False, factory=dict["str | None", "_Referrer"]
    )
    _origins: dict[str, str] = attrs.field(init=False, eq=False, factory=dict[str, str])
    _answers: dict[tuple[str | None, ...], Attribution] = attrs.field(
        init=False, eq=False, factory=dict["tuple[str | None, ...]", Attribution]
    )
    # Hashes of what was seen once, each at its own place or the place of one that it drove out.
    _seen: list[int] = attrs.field(
        init=False,
        eq=False,
        default=attrs.Factory(lambda self: [0] * min(self.remembered, _PLACES), takes_self=True),
    )
    _verdicts: dict[_Key, Attribution] = attrs.field(
        init=False, eq=False, factory=dict["_Key", Attribution]
    )

    def __attrs_post_init__(self) -> None:
        seen: set[str] = set()
        for row in self.rows:
            if row.key in seen:
                raise InvalidTable("the table", row.key, None, "two rows have this key")
            seen.add(row.key)
        for rule in self.rules:
            if rule.source not in seen:
                problem = f"gives {rule.source!r}, which is no row's key"
                raise InvalidTable("the rules", rule.name, None, problem)

    @classmethod
    def from_toml(cls, toml: str | Path) -> AttributionTable:
        """Read rows and rules from TOML, in the form of the table that ships.

        :param toml: the text, or the path of a file.
        :raises InvalidTable: where it is malformed; says which entry, and its line.
        :raises InputNotRead: where the file can't be read.
        """
        from shoppego_orders.attribution.lists import read_toml

        return read_toml(toml)

    def __getitem__(self, key: str) -> Source:
        """The row of a key.

        :raises KeyError: where there is none.
        """
        return self._index.by_key[key]

    def extended(self, rows: Iterable[Source]) -> AttributionTable:
        """Put rows before the others, so that they win; a row replaces one of the same key."""
        rows = tuple(rows)
        replaced = {row.key for row in rows}
        kept = (row for row in self.rows if row.key not in replaced)
        return attrs.evolve(self, rows=(*rows, *kept))

    def completed_with(self, rows: Iterable[Source]) -> AttributionTable:
        """Put rows after the others, for what those don't know; equal keys become one row."""
        behind = {row.key: row for row in rows}
        known = (
            merged(row, behind.pop(row.key)) if row.key in behind else row for row in self.rows
        )
        return attrs.evolve(self, rows=(*known, *behind.values()))

    def without(self, *keys: str) -> AttributionTable:
        """Remove rows.

        :raises InvalidValue: where there is no such row.
        """
        self._check(keys)
        return attrs.evolve(self, rows=[row for row in self.rows if row.key not in keys])

    def reordered(self, *keys: str) -> AttributionTable:
        """Put rows first, in the order given.

        :raises InvalidValue: where there is no such row.
        """
        self._check(keys)
        first = [self[key] for key in dict.fromkeys(keys)]
        return attrs.evolve(self, rows=[*first, *(row for row in self.rows if row.key not in keys)])

    def with_rules(self, rules: Iterable[Rule]) -> AttributionTable:
        """Ask these rules first, in their order, instead of those that the table had."""
        return attrs.evolve(self, rules=rules)

    def for_shop(self, *hosts: str, subdomains: bool = False) -> AttributionTable:
        """Say which hosts are the shop's own: coming from them is no touch.

        :param subdomains: whether everything under these hosts is the shop's as well.
        :raises InvalidValue: where one is no host.
        """
        return attrs.evolve(self, own_hosts=hosts, own_subdomains=subdomains)

    def remembering(self, answers: int) -> AttributionTable:
        """Keep at most so many answers to give again; 0 for none.

        :raises InvalidValue: where the number is negative.
        """
        if answers < 0:
            raise InvalidValue("answers", answers, "a number of zero or more")
        return attrs.evolve(self, remembered=answers)

    def __repr__(self) -> str:
        shop = f" for {', '.join(self.own_hosts)}" if self.own_hosts else ""
        return f"<AttributionTable: {len(self.rows)} sources, {len(self.rules)} rules{shop}>"

    def _repr_html_(self) -> str:
        """The table as a notebook shows it: its first rows, what they are recognised by, rules."""
        from shoppego_orders.attribution.view import table_html

        return table_html(self)

    def __reduce__(self) -> tuple[object, ...]:
        """Leave out what can be made again: a table is sent to every worker of a cluster."""
        fields = (self.rows, self.rules, self.own_hosts, self.own_subdomains, self.remembered)
        return (AttributionTable, fields)

    def classify(self, touch: Touch) -> Attribution:
        """Say where a touch came from, and why. Never raises, whatever the texts.

        The merchant's rules decide first, then ``utm_source``, then a click id, then the
        referrer; where nothing tells, the source is ``direct``, the globe.
        """
        url, referrer = touch.landing_url, touch.referrer
        page, ids = url, _NO_IDS
        long = len(url) + len(referrer or "") > _LONG
        if url[url.rfind("&") + 1 : url.rfind("=")] in self._index.click_names and not long:
            page, ids = self._without_click_ids(url)
        if long or not self._seen:
            return self._classified(url, page, ids, referrer, remember=False)
        shape = (page, referrer, *ids) if ids else (page, referrer)
        known = self._answers.get(shape)
        if known is None:
            answer = self._classified(url, page, ids, referrer, remember=True)
            # Most URLs never come again: an answer is kept when its URL is seen a second time.
            seen = hash(page)
            place = seen % len(self._seen)
            if self._seen[place] != seen:
                self._seen[place] = seen
            elif not any(f"repeated:{name}" in answer.flags for name in ids):
                self._remember(self._answers, shape, answer)
            return answer
        if not ids:
            return known
        clicks = [
            ClickId(click.name, ids.get(click.name, click.value)) for click in known.click_ids
        ]
        return known.with_click_ids(tuple(clicks))

    def _without_click_ids(self, url: str) -> tuple[str, Mapping[str, str]]:
        """Take off the click ids at a URL's end: platforms append them, and each is unique."""
        ids: dict[str, str] = {}
        while True:
            page, _, last = url.rpartition("&")
            name, _, value = last.partition("=")
            if name not in self._index.click_names or name in ids:
                return url, ids
            if "?" not in page or "#" in page or _CLICK_VALUE.fullmatch(value) is None:
                return url, ids
            url, ids[name] = page, value

    def _classified(
        self, url: str, page: str, ids: Mapping[str, str], came_from: str | None, *, remember: bool
    ) -> Attribution:
        index = self._index
        flags: tuple[str, ...] = ()
        tags = read_plain(page)
        if tags is None:
            found, flags = read_landing(url, index.names)
            tags = tuple(map(found.get, PLAIN_PARAMETERS))
            ids = {name: found[name] for name in found if name in index.click_names}
        utm_source, medium, campaign, utm_id, term, content, platform, gad_source = tags
        referrer = self._referrers.get(came_from)
        if referrer is None:
            referrer = self._referrer(came_from)
            if remember:
                self._remember(self._referrers, came_from, referrer)
        host, path, app, site, own, row, search_term, referrer_flags = referrer
        if site and not own:
            # Most touches of a shop land on one origin.
            origin = url[: url.find("/", 8) + 1]
            own = (self._origins.get(origin) or self._landing_site(url, origin)) == site
        clicks = index.in_order(ids) if ids else ()
        decisive = campaign or ""
        if decisive.isascii() and not self.rules:
            # The campaign only where a channel looks at it: the others share their decisions.
            folded = decisive.lower()
            if "shop" not in folded and "cross" not in folded:
                decisive = ""
        # A plain tuple of the facts is quicker to make and to look up.
        facts = (
            utm_source or "",
            medium or "",
            decisive,
            bool(utm_source or medium or campaign or utm_id or term or content or platform),
            clicks,
            bool(clicks) and gad_source == "1",
            host,
            path,
            app,
            own,
            _page(url) if self.rules else "",
        )
        verdict = self._verdicts.get(facts)
        if verdict is None:
            verdict = decide(Facts._make(facts), index, self.rules, None if own else row)
            if remember:
                self._remember(self._verdicts, facts, verdict)
        # attrs would take twice as long, and has nothing here to convert or to check.
        fields = verdict.__dict__.copy()
        fields["utm_source"] = utm_source
        fields["medium"] = medium
        fields["campaign"] = campaign
        fields["id"] = utm_id
        fields["term"] = term
        fields["content"] = content
        fields["source_platform"] = platform
        fields["referrer_host"] = host or None
        fields["search_term"] = search_term
        if clicks:
            fields["click_ids"] = tuple([ClickId(name, ids[name]) for name in clicks])
        if flags or referrer_flags:
            fields["flags"] = flags + referrer_flags
        answer = object.__new__(Attribution)
        object.__setattr__(answer, "__dict__", fields)
        return answer

    def _referrer(self, text: str | None) -> _Referrer:
        address, flags = _read_referrer(text)
        host, index = address.host, self._index
        app = address.scheme.endswith("-app")
        looks_at_path = index.wild or host.endswith(index.pathed)
        path = address.path.lower() if looks_at_path else ""
        row = index.of_referrer(host, path, app=app)
        term = _search_term(row.search, address) if row is not None and row.search else None
        site = host.removeprefix("www.")
        own = site in self.own_hosts or (
            self.own_subdomains and site.endswith(tuple(f".{own}" for own in self.own_hosts))
        )
        return _Referrer(host, path, app, site, own, row, term, flags)

    def _landing_site(self, url: str, origin: str) -> str:
        site = landing_host(url).removeprefix("www.")
        if self.remembered and _ORIGIN.fullmatch(origin) is not None:
            self._remember(self._origins, origin, site)
        return site

    def _remember(self, memory: dict[_K, _V], key: _K, value: _V) -> None:
        if len(memory) >= self.remembered:
            memory.clear()
        memory[key] = value

    def _check(self, keys: Iterable[str]) -> None:
        for key in keys:
            if key not in self._index.by_key:
                raise InvalidValue("key", key, "the key of a row of this table")


class _Referrer(NamedTuple):
    """A referrer that has been read; :class:`Facts` says what its first fields are.

    :ivar site: the host without ``www.``.
    :ivar own: it is one of the table's own hosts.
    :ivar row: of the table, that it belongs to.
    """

    host: str
    path: str
    app: bool
    site: str
    own: bool
    row: Source | None
    search_term: str | None
    flags: tuple[str, ...]


def _read_referrer(text: str | None) -> tuple[Address, tuple[str, ...]]:
    if text is None:
        return _NOWHERE, ()
    flags: tuple[str, ...] = ()
    if len(text) > ADDRESS_LIMIT:
        text, flags = text[:ADDRESS_LIMIT], ("truncated:referrer",)
    text = clean(text)
    if text in ("", "-"):  # a server's log writes a hyphen for no referrer
        return _NOWHERE, flags
    address = read_address(text)
    if address.problem:
        return _NOWHERE, (*flags, f"invalid-referrer:{address.problem}")
    return address, flags


def _search_term(search: tuple[str, ...], address: Address) -> str | None:
    for name in search:
        query = address.query
        if name.startswith("/"):
            found = search_pattern(name).search(f"{address.path}?{query}")
            term = read_parameter(f"term={found[1]}", "term") if found and found[1] else None
        else:
            term = read_parameter(query, name) if query else None
        if term is not None:
            return term
    return None


def _page(landing_url: str) -> str:
    url = clean(landing_url[:ADDRESS_LIMIT]).partition("#")[0].partition("?")[0]
    _, slashes, rest = url.partition("://")
    return (f"/{rest.partition('/')[2]}" if slashes else url).lower()


def _own_host(text: str) -> str:
    host, problem = canonical_host(text)
    if problem:
        raise InvalidValue("own_hosts", text, "a host such as 'shop.example.com'")
    return host.removeprefix("www.")


_Key: TypeAlias = tuple[str, str, str, bool, tuple[str, ...], bool, str, str, bool, bool, str]
_K = TypeVar("_K")
_V = TypeVar("_V")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]{1,253}/")
# The characters of a URL and its referrer that may be remembered: memory stays bounded.
_LONG = 2048
_PLACES = 65_536
# What needs no decoding and no cleaning, and is not cut.
_CLICK_VALUE = re.compile(r"[A-Za-z0-9._~*|:-]{1,256}")
_NO_IDS: Mapping[str, str] = {}
_NOWHERE = Address("", "")
