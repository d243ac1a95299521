"""Any data frame as checked batches: what is wrong with its columns is said before they are used.

A frame is whatever speaks Arrow's PyCapsule interface, or an iterable of such things. It is taken
a few thousand rows at a time, however large the batches are that it comes in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

import attrs

from shoppego_orders.errors import InvalidFrame, InvalidValue
from shoppego_orders.money import CURRENCY_DIGITS, Money
from shoppego_orders.periods import FIRST_INSTANT, LAST_INSTANT, epoch_micros
from shoppego_orders.scale.extra import Array, Batch, DataType, Reader, Schema, pa, pc
from shoppego_orders.scale.fields import ARROW_TYPES, INSTANT_TYPE, ORDER_FIELDS, Field, Kind

Frame: TypeAlias = Any  # Any: of whichever library the caller has
"""A data frame of pandas, Polars, PyArrow or DuckDB, a batch, or an iterable of such things."""

AT_ONCE: Final = 16_384
"""So many rows are in Python's hands at a time."""


class Checked(NamedTuple):
    """Some rows of a frame.

    :ivar whole: as they came, with all columns and under the frame's own names.
    :ivar columns: those that were asked for, under our names: texts as strings, words as
        dictionaries, instants in UTC to the microsecond, money as whole minor units.
    """

    whole: Batch
    columns: Mapping[str, Array]


@attrs.frozen
class OpenFrame:
    """A frame whose columns are known to be there; iterate once, for its checked batches.

    :ivar schema: the frame's own.
    :ivar names: of all columns that are needed: the frame's own, by ours.
    """

    schema: Schema
    names: Mapping[str, str]
    _readers: Iterator[Reader]
    _fields: tuple[Field, ...]

    def __iter__(self) -> Iterator[Checked]:
        for reader in self._readers:
            if reader.schema != self.schema:
                _check_schema(reader.schema, self._fields, self.names)
            for batch in reader:
                for start in range(0, batch.num_rows, AT_ONCE):
                    some = batch.slice(start, AT_ONCE)
                    yield Checked(some, _checked(some, self._fields, self.names))


def open_frame(frame: Frame, fields: Iterable[Field], names: Mapping[str, str] | None) -> OpenFrame:
    """Open a frame for the columns that are needed.

    :param names: the frame's own, by ours, where they differ.
    :raises InvalidValue: for what is no frame, and a name of ours that none of the fields has.
    :raises InvalidFrame: for columns that are missing or of the wrong type; iterating raises it
        for a batch that holds what no row can.
    """
    wanted = {each.name: each for each in fields}
    if any(each.kind is Kind.MONEY for each in wanted.values()):
        wanted["currency"] = ORDER_FIELDS["currency"]
    renamed = {} if names is None else dict(names)
    for name in renamed:
        if name not in wanted and name not in ORDER_FIELDS:
            raise InvalidValue("names", name, f"some of {', '.join(wanted)}")
    theirs = {name: renamed.get(name, name) for name in wanted}
    readers = _readers(frame)
    first = next(readers, None)
    if first is None:
        raise InvalidValue("frame", frame, "at least one batch, which may hold no rows")
    _check_schema(first.schema, wanted.values(), theirs)
    return OpenFrame(first.schema, theirs, _chained(first, readers), tuple(wanted.values()))


def _chained(first: Reader, others: Iterator[Reader]) -> Iterator[Reader]:
    yield first
    yield from others


def _readers(frame: Frame) -> Iterator[Reader]:
    if isinstance(frame, pa.Table):
        # Not through the interface: what PyArrow below 25 makes of its own views crashes there.
        yield frame.to_reader()
    elif hasattr(frame, "__arrow_c_stream__"):
        yield pa.RecordBatchReader.from_stream(frame)
    elif hasattr(frame, "__arrow_c_array__"):
        batch = pa.record_batch(frame)
        yield pa.RecordBatchReader.from_batches(batch.schema, [batch])
    elif isinstance(frame, Iterable) and not isinstance(frame, (str, bytes)):
        for part in frame:  # pyright: ignore[reportUnknownVariableType]  # whatever it holds
            yield from _readers(part)
    else:
        expected = "a data frame that speaks Arrow's PyCapsule interface, or several of them"
        raise InvalidValue("frame", frame, expected)


def _check_schema(schema: Schema, fields: Iterable[Field], names: Mapping[str, str]) -> None:
    problems: dict[str, str] = {}
    for field in fields:
        name = names[field.name]
        places = schema.get_all_field_indices(name)
        if not places and field.optional:
            continue
        if len(places) != 1:
            found = "is there more than once" if places else "is missing"
            problems[name] = f"{found}; expected {field.expected}"
            continue
        type_ = schema.field(places[0]).type
        if not field.taken(type_):
            problems[name] = f"holds {type_}; expected {field.expected}"
    if problems:
        raise InvalidFrame(problems)


class _Problem(Exception):
    """What is wrong with a column, as the rest of a sentence."""


def _checked(
    batch: Batch, fields: Iterable[Field], names: Mapping[str, str]
) -> Mapping[str, Array]:
    taken: dict[str, Array] = {}
    problems: dict[str, str] = {}
    # The currency first: money can't be read without it.
    for field in sorted(fields, key=lambda each: each.kind is not Kind.CURRENCY):
        name = names[field.name]
        if field.kind is Kind.MONEY and "currency" not in taken:
            continue
        try:
            is_there = name in batch.schema.names
            column = batch.column(name) if is_there else pa.nulls(batch.num_rows)
            taken[field.name] = _column(field, column, taken)
        except _Problem as problem:
            problems[name] = str(problem)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as problem:
            problems[name] = f"can't be read: {problem}"
    if problems:
        raise InvalidFrame(problems)
    return taken


def _column(field: Field, column: Array, taken: Mapping[str, Array]) -> Array:
    if column.null_count and not field.nullable:
        found = f"is null in {column.null_count} of {len(column)} rows"
        raise _Problem(f"{found}; expected a value in each")
    match field.kind:
        case Kind.TEXT:
            return _texts(column)
        case Kind.WORD:
            assert field.words is not None
            return _words(column, [*field.words], ", ".join(field.words))
        case Kind.CURRENCY:
            return _words(column, CURRENCY_DIGITS, "ISO 4217 codes such as MYR")
        case Kind.MONEY:
            return _minors(column, taken["currency"])
        case Kind.INSTANT:
            return _instants(column)
        case Kind.INTEGER:
            return column.cast(pa.int64())
        case Kind.BOOLEAN:
            return column.cast(pa.bool_())
        case Kind.TEXTS | Kind.INSTANTS:
            return _lists(column, field.kind)


def _texts(column: Array) -> Array:
    if pa.types.is_dictionary(column.type):
        # PyArrow decodes no dictionary of string views, as Polars has them.
        texts = column.dictionary.cast(pa.string())
        return pa.DictionaryArray.from_arrays(column.indices, texts).dictionary_decode()
    return column.cast(pa.string())


def _words(column: Array, words: Iterable[str], expected: str) -> Array:
    found = _texts(column).dictionary_encode()
    for word in found.dictionary.to_pylist():
        if word not in words:
            raise _Problem(f"holds {word!r}; expected {expected}")
    return found


def _instants(column: Array) -> Array:
    instants = column.cast(INSTANT_TYPE, safe=not _is_finer(column.type))
    bounds = pc.min_max(instants.cast(pa.int64()))
    first, last = bounds["min"].as_py(), bounds["max"].as_py()
    if first is not None and (first < _FIRST or last > _LAST):
        raise _Problem("holds an instant outside the years 1 to 9999")
    return instants


def _is_finer(type_: DataType) -> bool:
    """Tell whether instants hold more than Python's, of which the rest is cut off."""
    return bool(pa.types.is_timestamp(type_) and type_.unit == "ns")


_FIRST: Final = epoch_micros(FIRST_INSTANT)
_LAST: Final = epoch_micros(LAST_INSTANT)


def _lists(column: Array, kind: Kind) -> Array:
    values = column.flatten()
    if values.null_count:
        raise _Problem("holds a list with nulls in it; expected values alone")
    if kind is Kind.TEXTS:
        return column.cast(ARROW_TYPES[kind])
    _instants(values)
    return column.cast(ARROW_TYPES[kind], safe=not _is_finer(values.type))


# Money


def _minors(column: Array, currencies: Array) -> Array:
    """Whole minor units, each of its own currency."""
    codes = currencies.dictionary.to_pylist()
    if len(codes) == 1:
        return _minors_of_one(column, codes[0])
    minors = pa.nulls(len(column), pa.int64())
    for number, code in enumerate(codes):
        mask = pc.equal(currencies.indices, number)
        minors = pc.replace_with_mask(minors, mask, _minors_of_one(column.filter(mask), code))
    return minors


def _minors_of_one(column: Array, code: str) -> Array:
    digits = CURRENCY_DIGITS[code]
    try:
        exact = column.cast(pa.decimal128(38, digits))
        # The same numbers without their point.
        whole = pa.Array.from_buffers(
            pa.decimal128(38, 0), len(exact), exact.buffers(), offset=exact.offset
        )
        minors = whole.cast(pa.int64())
        # Money itself says what is too large.
        for bound in pc.min_max(minors).values():
            if bound.is_valid:
                Money.from_minor(bound.as_py(), code)
    except (pa.ArrowInvalid, InvalidValue):
        expected = f"decimals of at most {digits} digits, below 10**{18 - digits}"
        raise _Problem(f"holds an amount that is none of {code}; expected {expected}") from None
    return minors
