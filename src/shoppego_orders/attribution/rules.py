"""A merchant's own rules, asked before the table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

import attrs

from shoppego_orders.attribution.address import canonical_host
from shoppego_orders.attribution.source import words
from shoppego_orders.attribution.text import clean, fold
from shoppego_orders.errors import InvalidValue

RuleField = Literal["source", "medium", "campaign", "host", "path"]
RuleMatch = Literal["exact", "prefix", "set", "contains"]


def _values(value: str | Iterable[str]) -> tuple[str, ...]:
    return words(value, "rule.values")


@attrs.frozen
class Rule:
    """Gives a touch to a source of the table where one field of it fits.

    :ivar name: for people; the answer's evidence says it.
    :ivar source: key of the row that gets the touch.
    :ivar field: ``source``, ``medium`` and ``campaign`` are the UTM tags, compared without
        regard to case and to the choice of space, hyphen or underscore; ``host`` is the
        referrer's, in its canonical form; ``path`` is the landing page's.
    :ivar match: ``exact`` and ``set`` want the whole field, ``prefix`` its beginning,
        ``contains`` a part of it.
    :ivar values: one of them must fit; ``exact`` takes a single one.
    :ivar channel: of such a touch; where none is given, it follows from the tags.
    :raises InvalidValue: where a field can't be used.
    """

    name: str
    source: str
    field: RuleField
    match: RuleMatch
    values: tuple[str, ...] = attrs.field(converter=_values)
    channel: str | None = None

    def __attrs_post_init__(self) -> None:
        for field in ("name", "source", "channel"):
            value = getattr(self, field)
            if value is None and field == "channel":
                continue
            if not isinstance(value, str) or not value or clean(value) != value:
                expected = "a text that is not empty, on one line without needless blanks"
                raise InvalidValue(f"rule.{field}", value, expected)
        if self.field not in get_args(RuleField):
            raise InvalidValue("rule.field", self.field, "one of " + ", ".join(get_args(RuleField)))
        if self.match not in get_args(RuleMatch):
            raise InvalidValue("rule.match", self.match, "one of " + ", ".join(get_args(RuleMatch)))
        if not self.values or (self.match == "exact" and len(self.values) > 1):
            raise InvalidValue(
                "rule.values", self.values, "one value, or several where match is not exact"
            )
        for value in self.values:
            given: object = value
            if not isinstance(given, str) or not self._folded(given):
                raise InvalidValue("rule.values", value, "a text that is not empty")

    def fits(self, fields: Mapping[str, str]) -> bool:
        """Say whether a touch is one of these.

        :param fields: the touch's fields by name, folded; "" for what it lacks.
        """
        found = fields[self.field]
        if not found:
            return False
        values = [self._folded(value) for value in self.values]
        if self.match == "prefix":
            return found.startswith(tuple(values))
        if self.match == "contains":
            return any(value in found for value in values)
        return found in values

    def _folded(self, value: str) -> str:
        if self.field == "path":
            return value.lower()
        if self.field == "host":
            # A part of a host is no host: keep it as it is written.
            return canonical_host(value)[0] or value.lower()
        return fold(clean(value))
