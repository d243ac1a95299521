"""What a touch is compared with (a source), and the answer (an attribution)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal, cast, get_args

import attrs

from shoppego_orders.attribution.address import canonical_host
from shoppego_orders.attribution.channels import category_of
from shoppego_orders.attribution.text import clean
from shoppego_orders.errors import InvalidValue

ClickKind = Literal["paid", "organic", "either"]


def _lower(text: str) -> str:
    return str(text).strip().lower()


@attrs.frozen
class ClickParameter:
    """A URL parameter that a platform adds to the links people click.

    :ivar name: in lower case.
    :ivar kind: ``paid`` where only its ads carry it, ``organic`` where its ads never do.
    :raises InvalidValue: where the name is empty or the kind is another word.
    """

    name: str = attrs.field(converter=_lower)
    kind: ClickKind

    def __attrs_post_init__(self) -> None:
        if not self.name:
            raise InvalidValue("click_ids", self.name, "the name of a URL parameter")
        if self.kind not in get_args(ClickKind):
            raise InvalidValue(f"click_ids.{self.name}", self.kind, "paid, organic or either")


@attrs.frozen
class ClickId:
    """A click id that a landing URL carried.

    :ivar name: of the parameter, in lower case.
    :ivar value: as it came.
    """

    name: str
    value: str


def words(value: str | Iterable[str], field: str) -> tuple[str, ...]:
    """Take ``["a", "b"]``, or ``"a b"`` as the table's file writes it.

    :param field: what it is, for the error.
    """
    if isinstance(value, str):
        return tuple(value.split())
    given: object = value
    if not isinstance(given, Iterable):
        raise InvalidValue(field, given, "a list of texts, or texts between spaces")
    return tuple(value)


def _utm(value: str | Iterable[str]) -> tuple[str, ...]:
    return words(value, "utm")


def _hosts(value: str | Iterable[str]) -> tuple[str, ...]:
    return words(value, "hosts")


def _apps(value: str | Iterable[str]) -> tuple[str, ...]:
    return words(value, "apps")


def _search(value: str | Iterable[str]) -> tuple[str, ...]:
    return words(value, "search")


def _click_parameters(
    value: Mapping[str, ClickKind] | Iterable[ClickParameter],
) -> tuple[ClickParameter, ...]:
    """Take ``{"gclid": "paid"}``, or the parameters themselves."""
    if isinstance(value, Mapping):
        pairs = cast("Mapping[str, ClickKind]", value)
        return tuple(ClickParameter(name, kind) for name, kind in pairs.items())
    given: object = value
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise InvalidValue("click_ids", given, "a mapping of parameter names to their kinds")
    return tuple(value)


@attrs.frozen
class Source:
    """One row of the table: a place that customers come from, and how it is recognised.

    :ivar key: kebab-case, unique in a table; what orders and reports carry.
    :ivar name: for people.
    :ivar logo: slug of the icon; the key where none is given.
    :ivar channel: of a touch from here whose tags say nothing else; one of
        :data:`~shoppego_orders.attribution.CHANNELS`, or the merchant's own word, which then is
        the channel of every touch from here.
    :ivar utm: what links say in ``utm_source`` to mean this source, besides its key and hosts.
        Case, and the choice of space, hyphen or underscore, make no difference.
    :ivar hosts: referrers. A host covers its subdomains (``facebook.com`` covers
        ``l.facebook.com``); ``host/path`` covers that path and what lies under it. The most
        specific host of a table wins.
    :ivar apps: packages of ``android-app://`` and ``ios-app://`` referrers.
    :ivar click_ids: parameters that the platform adds.
    :ivar search: parameters of the referrer that hold what was searched for. One that begins
        and ends with ``/`` is a regular expression over path and query whose first group holds
        it, and as trusted as the code: a slow one makes every answer slow.
    :ivar ignored: why a visit from here is no touch (``payment``, ``login``); None where it is.
    :ivar category: what the source counts as in paid channels (search, social, video,
        shopping); follows from the channel where none is given.
    :raises InvalidValue: where a field can't be used.
    """

    key: str
    name: str
    channel: str = "Referral"
    logo: str = attrs.field(default=attrs.Factory(lambda self: self.key, takes_self=True))
    utm: tuple[str, ...] = attrs.field(default=(), converter=_utm)
    hosts: tuple[str, ...] = attrs.field(default=(), converter=_hosts)
    apps: tuple[str, ...] = attrs.field(default=(), converter=_apps)
    click_ids: tuple[ClickParameter, ...] = attrs.field(default=(), converter=_click_parameters)
    search: tuple[str, ...] = attrs.field(default=(), converter=_search)
    ignored: str | None = None
    category: str = attrs.field(
        default=attrs.Factory(lambda self: category_of(self.channel), takes_self=True)
    )

    def __attrs_post_init__(self) -> None:
        for field in ("key", "name", "channel", "logo"):
            value = getattr(self, field)
            if not isinstance(value, str) or not value or clean(value) != value:
                expected = "a text that is not empty, on one line without needless blanks"
                raise InvalidValue(field, value, expected)
        if _KEY.fullmatch(self.key) is None:
            raise InvalidValue("key", self.key, "kebab-case of at most 64 characters: 'my-source'")
        category: object = self.category
        if not isinstance(category, str):
            raise InvalidValue("category", category, "a text")
        ignored: object = self.ignored
        if ignored is not None and (not isinstance(ignored, str) or not clean(ignored)):
            raise InvalidValue("ignored", ignored, "a reason such as 'payment', or None")
        lists = (("utm", self.utm), ("hosts", self.hosts), ("apps", self.apps))
        for field, items in (*lists, ("search", self.search)):
            item: object
            for item in items:
                if not isinstance(item, str) or not item.strip():
                    raise InvalidValue(field, item, "a text that is not empty")
        for host in self.hosts:
            host_and_path(host)
        for pattern in self.search:
            if pattern.startswith("/"):
                search_pattern(pattern)
        for click in self.click_ids:
            given: object = click
            if not isinstance(given, ClickParameter):
                raise InvalidValue("click_ids", given, "of type ClickParameter")


# Without slots, because attrs then fills a frozen instance in half the time.
@attrs.frozen(slots=False)
class Attribution:
    """Where a touch came from, and why.

    Plain data: texts, ``None`` and tuples. Texts that came from outside are kept as they came,
    apart from control characters, and hold at most 256 characters each.

    :ivar source: key of a row; ``direct`` where nothing tells, ``referral`` for a referrer that
        no row knows, ``unknown`` for tags without a source, and the kebab-case form of a
        ``utm_source`` that no row knows.
    :ivar name: of the source, for people.
    :ivar logo: slug of its icon.
    :ivar channel: one of :data:`~shoppego_orders.attribution.CHANNELS`, or the row's own word.
    :ivar rule: what decided: ``merchant-rule``, ``utm-source``, ``click-id``, ``referrer``,
        ``utm-tags`` (tags without a source) or ``none``.
    :ivar evidence: the value that decided, with its name where it has one.
    :ivar utm_source: the tag as it came; so are the tags below.
    :ivar click_ids: every click id of the landing URL, by the table's order of parameters.
    :ivar referrer_host: the referrer's host in its canonical form, or an app's package.
    :ivar search_term: what was searched for, where the referrer still says it.
    :ivar ignored: why this visit is no touch (``own-shop``, ``payment``, ``login``) and leaves
        the credit where it was; None where it is one.
    :ivar flags: ``repeated:PARAMETER`` (the first value that is not empty counts),
        ``truncated:FIELD``, ``repaired`` (wrong separators), ``fragment`` (tags read from
        there), ``invalid-referrer:REASON``.
    """

    source: str
    name: str
    logo: str
    channel: str
    rule: str
    evidence: str = ""
    utm_source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    id: str | None = None
    term: str | None = None
    content: str | None = None
    source_platform: str | None = None
    click_ids: tuple[ClickId, ...] = ()
    referrer_host: str | None = None
    search_term: str | None = None
    ignored: str | None = None
    flags: tuple[str, ...] = ()

    def with_click_ids(self, click_ids: tuple[ClickId, ...]) -> Attribution:
        """The same answer for a landing URL with other click ids."""
        # Three times as quick as attrs.evolve: nothing in an answer is converted or checked.
        answer = object.__new__(Attribution)
        answer.__dict__.update(self.__dict__, click_ids=click_ids)
        return answer

    @property
    def reason(self) -> str:
        """A sentence that says which rule decided, and on which value."""
        return f"{_REASON[self.rule].format(it=self)}{_aside(self)}."


def merged(first: Source, second: Source) -> Source:
    """The first row, recognised also by whatever the second is recognised by."""
    return attrs.evolve(
        first,
        utm=tuple(dict.fromkeys((*first.utm, *second.utm))),
        hosts=tuple(dict.fromkeys((*first.hosts, *second.hosts))),
        apps=tuple(dict.fromkeys((*first.apps, *second.apps))),
        click_ids=tuple(dict.fromkeys((*first.click_ids, *second.click_ids))),
        search=tuple(dict.fromkeys((*first.search, *second.search))),
    )


def host_and_path(text: str) -> tuple[str, str]:
    """Take a row's host apart.

    ``{}`` at the beginning or the end stands for a country: ``google.{}`` is ``google.de`` and
    ``google.com.my``.

    :returns: the host in its canonical form, and the path prefix without its last slash.
    :raises InvalidValue: where it is no host, or one that would cover a whole country.
    """
    if _PLAIN_HOST.fullmatch(text) is not None:
        return text, ""
    host, slash, path = text.partition("/")
    before, after = "{}." * host.startswith("{}."), ".{}" * host.endswith(".{}")
    canonical, problem = canonical_host(host.removeprefix(before).removesuffix(after))
    if problem or "." not in canonical + after:
        raise InvalidValue("hosts", text, "a host such as 'example.com' or 'example.com/path'")
    return f"{before}{canonical}{after}", (slash + path).rstrip("/").lower()


def search_pattern(text: str) -> re.Pattern[str]:
    """A search parameter that is written as a regular expression between slashes.

    :raises InvalidValue: where it is none, or has no group.
    """
    try:
        pattern = re.compile(text.removeprefix("/").removesuffix("/"))
        if not pattern.groups:
            raise ValueError
    except (re.error, ValueError, OverflowError, RecursionError):
        raise InvalidValue("search", text, "a regular expression with a group") from None
    return pattern


def _aside(answer: Attribution) -> str:
    if answer.ignored is not None:
        return f"; this is no touch ({answer.ignored}), the earlier one keeps the credit"
    for flag in answer.flags:
        if flag.startswith("invalid-referrer:"):
            return f"; the referrer can't be credited ({flag.partition(':')[2]})"
    return ""


_PLAIN_HOST = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9-]{1,63}\.)+[a-z0-9-]{2,63}")
_KEY = re.compile(r"(?=.{1,64}\Z)[a-z0-9]+(?:-[a-z0-9]+)*")
_REASON = {
    "merchant-rule": "{it.name}: the shop's own rule {it.evidence}",
    "utm-source": "{it.name}: utm_source is {it.evidence!r}",
    "click-id": "{it.name}: the landing URL carries {it.evidence}",
    "referrer": "{it.name}: the visitor came from {it.evidence}",
    "utm-tags": "{it.name}: the landing URL has campaign tags and no utm_source",
    "none": "{it.name}: no campaign tag, no click id and no referrer that counts",
}
