"""Checked columns as Python's values: those of a row, or the plain ones of an export."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from shoppego_orders.errors import InvalidFrame
from shoppego_orders.money import Money
from shoppego_orders.scale.extra import Array, pa, pc
from shoppego_orders.scale.fields import Field, Kind

Values = Sequence[Any]  # Any: each column's are of its kind
Arrays = Mapping[str, Array]
"""Checked columns, by our names."""


def values_of(field: Field, arrays: Arrays) -> Values:
    """A column as a row holds it.

    :raises InvalidFrame: for a field that is not among the columns.
    """
    array = arrays.get(field.name)
    if array is None:
        problem = "is read, and was not said to be: a rule's reads() names what the rule reads"
        raise InvalidFrame({field.name: problem})
    match field.kind:
        case Kind.WORD:
            assert field.words is not None
            return _decoded(array, field.words)
        case Kind.CURRENCY:
            return _decoded(array, str)
        case Kind.MONEY:
            return _money(array, arrays["currency"])
        case Kind.INSTANT:
            return instants(array)
        case Kind.TEXTS:
            return list(map(tuple, array.to_pylist()))
        case Kind.INSTANTS:
            return _split(instants(array.flatten()), array)
        case Kind.TEXT | Kind.INTEGER | Kind.BOOLEAN:
            return _listed(array)


def plain_values_of(field: Field, arrays: Arrays) -> Values:
    """A column as an export takes it: amounts and instants as whole numbers.

    :raises InvalidFrame: as :func:`values_of` does.
    """
    if field.kind in (Kind.MONEY, Kind.INSTANT) and field.name in arrays:
        return _listed(arrays[field.name].cast(pa.int64()))
    return values_of(field, arrays)


def _listed(array: Array) -> Values:
    values: Values = array.to_pylist()
    return values


def _money(minors: Array, currencies: Array) -> Values:
    if len(currencies.dictionary) == 1:
        # Most often it is one currency, and the same few amounts: nothing, or one delivery's price.
        (code,) = currencies.dictionary.to_pylist()
        return _decoded(minors.dictionary_encode(), lambda minor: Money.from_minor(minor, code))
    return list(map(Money.from_minor, minors.to_pylist(), _decoded(currencies, str)))


# Any: words as they are stored
def _decoded(words: Array, type_: Callable[[Any], object]) -> Values:
    values = [*map(type_, words.dictionary.to_pylist()), None]
    places = words.indices.fill_null(len(values) - 1).to_pylist()
    return list(map(values.__getitem__, places))


def instants(array: Array) -> list[Any]:  # Any: datetimes or None, as the column may be empty
    """A column of instants, as datetimes in UTC."""
    # A fifth of the time that to_pylist() takes for each: as text, which Python reads fastest.
    texts = pc.binary_join_element_wise(array.cast(_NAIVE).cast(pa.string()), "Z", "").to_pylist()
    if array.null_count:
        return [None if text is None else _read(text) for text in texts]
    return list(map(_read, texts))


_NAIVE: Final = pa.timestamp("us")
_read = datetime.fromisoformat


def _split(values: Sequence[object], lists: Array) -> list[tuple[object, ...]]:
    """Values put into their lists again."""
    ends = pc.cumulative_sum(lists.value_lengths()).to_pylist()
    return [tuple(values[start:end]) for start, end in zip([0, *ends], ends, strict=False)]
