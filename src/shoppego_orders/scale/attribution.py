"""Where the visits of a frame came from, and which of them are credited with an order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, Final, NamedTuple

from shoppego_orders.attribution import AttributionTable, Journey, Touch, default_table
from shoppego_orders.attribution.credit import LOOK_BACK, Credit, Model
from shoppego_orders.attribution.touch import PLAIN_PARAMETERS
from shoppego_orders.errors import InvalidValue
from shoppego_orders.money import Money, apportion
from shoppego_orders.scale.extra import Array, Batch, Reader, pa, pc
from shoppego_orders.scale.fields import INSTANT_TYPE, JOURNEY_FIELDS, MONEY_TYPE, TOUCH_FIELDS
from shoppego_orders.scale.frames import Checked, Frame, open_frame
from shoppego_orders.scale.values import Arrays, values_of
from shoppego_orders.scale.writing import chunks, decimal_array, money_array


def attribute(
    frame: Frame, table: AttributionTable, *, names: Mapping[str, str] | None = None
) -> Reader:
    """Say where each visit of a frame came from, as ``table.classify`` does.

    :param frame: visits, with the texts ``landing_url`` and ``referrer``; null is nothing.
    :param names: the frame's own, by ours, where they differ: ``{"landing_url": "page"}``.
    :returns: a ``pyarrow.RecordBatchReader`` with all columns of the frame, and the texts
        ``source``, ``logo``, ``channel``, ``medium``, ``campaign``, ``rule``, ``evidence`` and
        ``ignored``: the attributes of :class:`~shoppego_orders.Attribution`. A column that has
        one of these names already is left out.
    :raises InvalidFrame: for columns that are missing or of the wrong type.
    """
    opened = open_frame(frame, TOUCH_FIELDS, names)
    kept = [place for place, name in enumerate(opened.schema.names) if name not in ANSWERS]
    schema = pa.schema([*(opened.schema.field(place) for place in kept), *_ANSWER_FIELDS])
    values = _click_values(table)
    batches = (
        pa.record_batch(
            [
                *(checked.whole.column(place) for place in kept),
                *_answers(checked.columns, table, values),
            ],
            schema=schema,
        )
        for checked in opened
    )
    return pa.RecordBatchReader.from_batches(schema, batches)


ANSWERS: Final = (
    *("source", "logo", "channel", "medium", "campaign"),
    *("rule", "evidence", "ignored"),
)
"""The columns that say where a visit came from."""
_ANSWER_FIELDS: Final = [
    pa.field(name, pa.string(), nullable=name in ("medium", "campaign", "ignored"))
    for name in ANSWERS
]


def _answers(arrays: Arrays, table: AttributionTable, click_values: str) -> list[Array]:
    landing, came_from = (arrays[field.name] for field in TOUCH_FIELDS)
    urls, referrers = _encoded(_alike(landing, click_values)), _encoded(came_from)
    width = len(referrers.dictionary)
    # Many visits come to a few pages from a few others: each pair of them is asked about once.
    first = pc.multiply(urls.indices.cast(pa.int64()), width)
    pairs = pc.add(first, referrers.indices).dictionary_encode()
    url_of, referrer_of = urls.dictionary.to_pylist(), referrers.dictionary.to_pylist()
    # Of thousands of answers whole, the garbage collector would make a third more work.
    found = [
        _answer(table.classify(Touch(url_of[pair // width], referrer_of[pair % width], _ANY_TIME)))
        for pair in pairs.dictionary.to_pylist()
    ]
    columns = zip(*found, strict=True) if found else [()] * len(ANSWERS)
    return [pa.array(column, pa.string()).take(pairs.indices) for column in columns]


def _click_values(table: AttributionTable) -> str:
    """What finds the value of the click id at a URL's end: platforms append it, each is unique."""
    found = {click.name for row in table.rows for click in row.click_ids} - {*PLAIN_PARAMETERS}
    names = "|".join(map(re.escape, sorted(found)))
    return rf"([?&](?:{names})=)[A-Za-z0-9._~*|:-]+$"


def _alike(urls: Array, click_values: str) -> Array:
    """The same value for each click id: only its name decides, and most visits are alike then."""
    # In a path it may be looked at.
    has_query = pc.match_substring(urls, "?")
    return pc.if_else(has_query, pc.replace_substring_regex(urls, click_values, r"\1x"), urls)


def _encoded(texts: Array) -> Array:
    return texts.dictionary_encode(null_encoding="encode")


_answer = attrgetter(*ANSWERS)
_ANY_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Where a visit came from does not depend on when it was."""


def credit(
    frame: Frame,
    model: Model,
    *,
    table: AttributionTable | None = None,
    look_back: timedelta = LOOK_BACK,
    names: Mapping[str, str] | None = None,
) -> Reader:
    """Credit orders to the visits that led to them, as ``Journey.split`` does.

    :param frame: the visits of each order, with the orders' rows together: ``order_id``,
        ``ordered_at``, ``currency``, ``total``, ``at`` (of the visit), ``landing_url`` and
        ``referrer``; and, if it is there, ``previous_order_at``. A row without ``at`` is no
        visit: an order with no other row is credited to what has no source.
    :param model: such as :func:`~shoppego_orders.attribution.linear`.
    :param table: of sources; the one that ships unless told.
    :param look_back: a visit exactly this long before the order still counts.
    :param names: the frame's own, by ours, where they differ.
    :returns: a ``pyarrow.RecordBatchReader`` with a row for each credit: ``order_id``, ``at``
        (null for what has no source), ``source``, ``channel``, ``medium``, ``campaign``, ``share``
        (a decimal of six digits; an order's sum to 1), ``currency`` and ``amount`` (an order's sum
        to its total).
    :raises InvalidFrame: for columns that are missing or of the wrong type.
    :raises InvalidValue: when it is read, for an order whose rows are not together, or differ in
        what they say of it, and where the model's weights can't be shared out.
    """
    opened = open_frame(frame, JOURNEY_FIELDS, names)
    sources = default_table() if table is None else table
    credited = _credits(opened, model, sources, look_back)
    batches = (_credit_batch(some) for some in chunks(credited))
    return pa.RecordBatchReader.from_batches(_CREDIT_SCHEMA, batches)


class _Credited(NamedTuple):
    """One credit, and what it is worth."""

    order_id: str
    credit: Credit
    millionths: int
    amount: Money


def _credits(
    batches: Iterable[Checked], model: Model, table: AttributionTable, look_back: timedelta
) -> Iterator[_Credited]:
    told: tuple[Any, ...] | None = None  # Any: a row of columns, each of its kind
    for order, visits in groupby(_visits(batches), key=itemgetter(slice(0, _OF_THE_ORDER))):
        order_id, ordered_at, previous, _, total = order
        if told is not None and told[0] == order_id:
            raise InvalidValue("frame", order_id, "rows that say the same of their order")
        told = order
        journey = Journey.of(
            [Touch(url, referrer, at) for *_, url, referrer, at in visits if at is not None],
            table,
            ordered_at=ordered_at,
            look_back=look_back,
            previous_order_at=previous,
        )
        shared = journey.split(total, model)
        shares = apportion(_WHOLE, [credit.share for credit, _ in shared])
        for (credit, amount), share in zip(shared, shares, strict=True):
            yield _Credited(order_id, credit, share, amount)


# Any: rows of columns, each of its kind
def _visits(batches: Iterable[Checked]) -> Iterator[tuple[Any, ...]]:
    for checked in batches:
        columns = [values_of(field, checked.columns) for field in JOURNEY_FIELDS]
        _check_once(columns[0])
        yield from zip(*columns, strict=True)


def _check_once(order_ids: Iterable[str]) -> None:
    """See that an order's rows are together, as far as a batch can tell."""
    seen: set[str] = set()
    for order_id, _ in groupby(order_ids):
        if order_id in seen:
            raise InvalidValue("frame", order_id, "rows grouped by order_id")
        seen.add(order_id)


_OF_THE_ORDER: Final = 5
"""So many of a journey's columns are about the order."""
_WHOLE: Final = 10**6
_SHARE_TYPE: Final = pa.decimal128(7, 6)
_CREDIT_SCHEMA: Final = pa.schema(
    [
        pa.field("order_id", pa.string(), nullable=False),
        pa.field("at", INSTANT_TYPE),
        pa.field("source", pa.string(), nullable=False),
        pa.field("channel", pa.string(), nullable=False),
        pa.field("medium", pa.string()),
        pa.field("campaign", pa.string()),
        pa.field("share", _SHARE_TYPE, nullable=False),
        pa.field("currency", pa.string(), nullable=False),
        pa.field("amount", MONEY_TYPE, nullable=False),
    ]
)


def _credit_batch(credits: Sequence[_Credited]) -> Batch:
    attributions = [each.credit.attribution for each in credits]
    return pa.record_batch(
        [
            pa.array([each.order_id for each in credits], pa.string()),
            pa.array([each.credit.at for each in credits], INSTANT_TYPE),
            *(
                pa.array([getattr(each, name) for each in attributions], pa.string())
                for name in ("source", "channel", "medium", "campaign")
            ),
            decimal_array([each.millionths for each in credits], _SHARE_TYPE),
            pa.array([each.amount.currency for each in credits], pa.string()),
            money_array([each.amount for each in credits]),
        ],
        schema=_CREDIT_SCHEMA,
    )
