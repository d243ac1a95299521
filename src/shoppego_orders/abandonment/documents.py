"""Policies as JSON, both ways: a version, the policy, and its fingerprint.

A rule is written by its class: ``{"TotalAtLeast": {"least": "100.00 MYR"}}``; joined rules hold
the others. A policy with rules of the host's own is read by naming their classes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import Any, Final, cast

import attrs

from shoppego_orders.abandonment import rules as shipped
from shoppego_orders.abandonment.policy import AbandonmentPolicy
from shoppego_orders.abandonment.rule import AllOf, AnyOf, Not, Rule
from shoppego_orders.errors import InvalidDocument, InvalidValue, shown
from shoppego_orders.serialization import new_converter, read_document, written_document

_KIND: Final = "abandonment_policy"
_SHIPPED: Final[tuple[type[Rule], ...]] = (
    *(AllOf, AnyOf, Not),
    *(shipped.Unfulfilled, shipped.Unpaid, shipped.Unconfirmed),
    *(shipped.NoOtherPurchase, shipped.FirstOrder),
    *(shipped.PaymentMethod, shipped.PaymentType, shipped.TotalAtLeast),
    *(shipped.Source, shipped.Channel, shipped.HasContact, shipped.Tagged, shipped.DeliveryIs),
)


def policy_to_json(policy: AbandonmentPolicy) -> str:
    """Write a policy as a JSON document, ASCII only, with its fingerprint.

    :raises InvalidValue: for a rule of the host's own that is no attrs class, so that nobody
        knows its fields.
    """
    for rule in _all_rules(policy.rule):
        if not attrs.has(type(rule)):
            raise InvalidValue("rule", rule, "a rule that is an attrs class")
    return written_document(_KIND, policy_body(policy) | {"fingerprint": policy.fingerprint})


def policy_from_json(text: str | bytes, rules: Iterable[type[Rule]] = ()) -> AbandonmentPolicy:
    """Read a policy's document.

    :param rules: classes of the host's own rules that may stand in it.
    :raises InvalidDocument: for what is no such document, says where; for a rule that nobody
        named; and for a fingerprint that is not the policy's, because somebody changed it.
    :raises UnknownDocumentVersion: for one that a newer release wrote.
    """
    converter = _converter((*_SHIPPED, *rules))

    # Any: whatever stands in the document
    def structured(body: Any) -> tuple[AbandonmentPolicy, object]:
        fields = dict(body)
        fingerprint = fields.pop("fingerprint", None)
        return converter.structure(fields, AbandonmentPolicy), fingerprint

    policy, fingerprint = read_document(_KIND, text, structured)
    if fingerprint not in (None, policy.fingerprint):
        problem = f"{shown(fingerprint)}; this policy's is {policy.fingerprint!r}"
        raise InvalidDocument("body.fingerprint", problem)
    return policy


def policy_body(policy: AbandonmentPolicy) -> dict[str, Any]:  # Any: JSON values
    """What a document says of a policy, in values that JSON has."""
    written: dict[str, Any] = _converter(_SHIPPED).unstructure(policy)  # Any: JSON values
    return written


@lru_cache(4)  # a host has one set of its own, and compiling takes long
def _converter(rules: tuple[type[Rule], ...]) -> Any:  # Any: cattrs stays in serialization
    converter = new_converter()
    known = {rule.__name__: rule for rule in rules}

    def writer(kind: type[Rule]) -> Callable[[Rule], dict[str, object]]:
        if inspect.isabstract(kind):  # a field of this type holds a rule of any kind
            return lambda rule: converter.unstructure(rule, unstructure_as=type(rule))
        fields: Callable[[Rule], dict[str, object]] = lambda _: {}  # noqa: E731  # or else as below
        if attrs.has(kind):
            fields = converter.gen_unstructure_attrs_fromdict(cast("type[Any]", kind))
        return lambda rule: {kind.__name__: fields(rule)}

    # Each is compiled when it is made: once for a kind of rule, not for each rule.
    structurer = cache(converter.gen_structure_attrs_fromdict)

    def read(value: object, _: object) -> Rule:
        given = shown(value)
        named = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        if len(named) != 1:
            raise InvalidDocument("", f'{given}; expected a rule such as {{"Unpaid": {{}}}}')
        ((name, fields),) = named.items()
        kind = known.get(name)
        if kind is None:
            raise InvalidDocument("", f"rule {shown(name)}; expected one of {', '.join(known)}")
        made: Rule = structurer(kind)(fields, kind)
        return made

    converter.register_unstructure_hook_factory(_is_rule, writer)
    converter.register_structure_hook_func(_is_rule, read)
    return converter


def _is_rule(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Rule)


def _all_rules(rule: Rule) -> Iterable[Rule]:
    yield rule
    if isinstance(rule, (AllOf, AnyOf, Not)):
        for part in rule.parts():
            yield from _all_rules(part)
