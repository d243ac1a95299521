"""Which orders of a frame were abandoned: the policy's own verdicts, batch by batch."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final, NamedTuple

import attrs

from shoppego_orders.abandonment import AbandonmentPolicy, Since, VerdictStatus
from shoppego_orders.abandonment.policy import ALWAYS_READ
from shoppego_orders.abandonment.purchases import Purchases, back
from shoppego_orders.abandonment.rule import EVERY_FIELD
from shoppego_orders.errors import InvalidValue
from shoppego_orders.order import OrderRow
from shoppego_orders.periods import LAST_INSTANT, utc
from shoppego_orders.scale.customers import Customers, Grouping
from shoppego_orders.scale.extra import Array, Batch, Reader, Schema, pa, pc
from shoppego_orders.scale.fields import INSTANT_TYPE, ORDER_FIELDS, WORD_TYPE, Field, Kind
from shoppego_orders.scale.frames import Frame, open_frame
from shoppego_orders.scale.rows import Columns, RowView
from shoppego_orders.scale.values import Arrays, instants


def judge(
    frame: Frame,
    policy: AbandonmentPolicy,
    now: datetime,
    *,
    reasons: bool = False,
    names: Mapping[str, str] | None = None,
) -> Reader:
    """Judge every order of a frame, as :func:`~shoppego_orders.judge_stream` would.

    The frame is read as the verdicts are. Memory holds what is in a few thousand rows, and what is
    open of one customer.

    :param frame: orders grouped by shop and customer, and sorted by ``placed_at`` within each
        group. It needs the columns that ``policy.reads()`` names, and no others.
    :param now: the moment at which it is asked, aware.
    :param reasons: whether to say why, which takes several times as long.
    :param names: the frame's own, by ours, where they differ: ``{"id": "order_no"}``.
    :returns: a ``pyarrow.RecordBatchReader`` with a row for each order, in the frame's order:
        ``order_id``, ``shop``, ``policy``, ``began``, ``due``, ``status`` and ``abandoned_at``;
        and ``reasons``, a list of sentences.
    :raises NaiveDatetime: for a moment without a zone.
    :raises InvalidFrame: for columns that are missing or of the wrong type; reading raises it
        for a batch that holds what no row can.
    :raises InvalidValue: for a rule that says it reads what is no field, or is prevented by what
        is no instant; when it is read, for rows in another order and for a deadline beyond the
        year 9999.
    """
    opened = open_frame(frame, fields_read(policy), names)
    judging = _Judging(policy, utc(now, "now"), reasons)
    batches = judging.verdicts(checked.columns for checked in opened)
    return pa.RecordBatchReader.from_batches(_schema(reasons=reasons), batches)


def fields_read(policy: AbandonmentPolicy) -> list[Field]:
    """Which columns a policy needs of a frame.

    :raises InvalidValue: for a rule that says it reads what is no field, or is prevented by what
        is no instant.
    """
    for name in sorted(policy.rule.prevented_by()):
        if name not in ORDER_FIELDS or ORDER_FIELDS[name].kind is not Kind.INSTANT:
            raise InvalidValue("prevented_by()", name, "instants of an order, such as paid_at")
    for name in sorted(policy.reads()):
        if name not in ORDER_FIELDS:
            raise InvalidValue("reads()", name, "fields of an order, such as total")
    return [field for name, field in ORDER_FIELDS.items() if name in policy.reads()]


def _schema(*, reasons: bool) -> Schema:
    fields = [
        pa.field("order_id", pa.string(), nullable=False),
        pa.field("shop", pa.string(), nullable=False),
        pa.field("policy", pa.dictionary(pa.int8(), pa.string()), nullable=False),
        pa.field("began", INSTANT_TYPE, nullable=False),
        pa.field("due", INSTANT_TYPE, nullable=False),
        pa.field("status", WORD_TYPE, nullable=False),
        pa.field("abandoned_at", INSTANT_TYPE),
    ]
    if reasons:
        fields.append(pa.field("reasons", pa.list_(pa.string()), nullable=False))
    return pa.schema(fields)


@attrs.define
class _Answers:
    """The answers of some rows, as far as they are known.

    :ivar codes: one a row: the place of its status among those that there are.
    :ivar open: how many are not known yet.
    """

    arrays: Arrays
    due: Array
    codes: bytearray
    reasons: list[tuple[str, ...]] | None
    open: int = 0


class _Waiting(NamedTuple):
    """An order whose customer may go on buying before its deadline."""

    row: OrderRow
    due: datetime
    answers: _Answers
    place: int


@attrs.define(slots=False)
class _Judging:
    """The verdicts of a frame, and what is carried over from batch to batch.

    Whole columns tell which rows are kept by what they say themselves; the others are made, and
    asked about with all that their customers bought. Only the last customer of a batch may go on
    in the next: what they bought is kept, and their orders wait until a row of theirs has passed
    the deadline, or somebody else comes.
    """

    policy: AbandonmentPolicy
    now: datetime
    reasons: bool
    _grouping: Grouping = attrs.field(init=False, factory=Grouping)
    _bought: Purchases = attrs.field(init=False, factory=Purchases)
    _waiting: list[_Waiting] = attrs.field(init=False, factory=list[_Waiting])

    def verdicts(self, batches: Iterable[Arrays]) -> Iterator[Batch]:
        """Judge batches; each comes out once all its rows are decided."""
        held: deque[_Answers] = deque()
        for arrays in batches:
            held.append(self._taken(arrays))
            while held and not held[0].open:
                yield self._written(held.popleft())
        self._settle(LAST_INSTANT)
        yield from map(self._written, held)

    def _taken(self, arrays: Arrays) -> _Answers:
        customers = self._grouping.of(arrays)
        if not customers.first_goes_on:
            self._settle(LAST_INSTANT)
            self._bought = Purchases()
        due = self._due(arrays)
        is_due = pc.less_equal(due, pa.scalar(self.now, INSTANT_TYPE))
        codes = pc.if_else(is_due, *_KEPT_OR_NOT_DUE)
        reasons: list[tuple[str, ...]] | None = [()] * len(due) if self.reasons else None
        answers = _Answers(arrays, due, bytearray(codes.buffers()[1]), reasons)
        asked = self._asked(arrays, due, is_due)
        places = pc.indices_nonzero(pc.or_(asked, self._counts(arrays, due, asked, customers)))
        rows = list(self._view.rows(Columns(arrays, places)))
        _buy(self._bought, rows)
        last_from = bisect_left(places.to_pylist(), customers.last_from)
        if customers.last_from:
            self._settle(LAST_INSTANT)
        self._decide(answers, rows, places, asked, customers.open_from)
        if customers.last_from:
            self._bought = Purchases()
            _buy(self._bought, rows[last_from:])
        self._settle(customers.passed)
        if self._bought.held >= self._bought.room:
            began = (each.row.placed_at for each in self._waiting)
            self._bought.forget(back(min(began, default=customers.passed), self._lookback))
        return answers

    def _decide(
        self,
        answers: _Answers,
        rows: Sequence[OrderRow],
        places: Array,
        asked: Array,
        open_from: int,
    ) -> None:
        """Ask about some rows of a batch.

        :param places: where each stands in the batch.
        :param asked: of the whole batch: which are to be judged.
        :param open_from: where the customer begins whose orders may have to wait.
        """
        # What the loop needs a million times is looked up once.
        abandons, context_of, lookback = self.policy.abandons, self._bought.context, self._lookback
        codes, reasons, abandoned = answers.codes, answers.reasons, _ABANDONED
        for row, place, due, is_asked in zip(
            rows,
            places.to_pylist(),
            instants(answers.due.take(places)),
            asked.take(places).to_pylist(),
            strict=True,
        ):
            if not is_asked:
                continue
            if place >= open_from:
                answers.open += 1
                self._waiting.append(_Waiting(row, due, answers, place))
            elif reasons is not None:
                self._answer(answers, place, row, due)
            elif abandons(row, context_of(row, row.placed_at, due, lookback)):
                codes[place] = abandoned

    def _answer(self, answers: _Answers, place: int, row: OrderRow, due: datetime) -> None:
        context = self._bought.context(row, row.placed_at, due, self._lookback)
        if answers.reasons is not None:
            verdict = self.policy.decide(row, context, self.now, self.policy.id)
            answers.codes[place] = _CODES[verdict.status]
            answers.reasons[place] = verdict.reasons
        elif self.policy.abandons(row, context):
            answers.codes[place] = _ABANDONED

    def _counts(self, arrays: Arrays, due: Array, asked: Array, customers: Customers) -> Array:
        """Tell which rows are purchases that may count for an order that is asked about.

        Whatever the last customer of a batch bought may; the same goes for one who goes on.
        """
        placed, completed, numbers = arrays["placed_at"], arrays["completed_at"], customers.numbers
        orders = pa.table({"number": numbers, "placed": placed, "due": due}).filter(asked)
        spans = orders.group_by("number", use_threads=False).aggregate(
            [("placed", "min"), ("due", "max")]
        )
        lookback = pa.scalar(self._lookback, pa.duration("us"))
        which = pc.index_in(numbers, spans["number"])
        start = pc.subtract(spans["placed_min"].combine_chunks(), lookback).take(which)
        end = spans["due_max"].combine_chunks().take(which)
        at = pc.if_else(pc.less(completed, placed), placed, completed)
        within = pc.fill_null(pc.and_(pc.less_equal(start, at), pc.less(at, end)), False)
        at_the_ends = pc.is_in(numbers, pa.concat_arrays([numbers[:1], numbers[-1:]]))
        return pc.and_(pc.is_valid(completed), pc.or_(within, at_the_ends))

    def _due(self, arrays: Arrays) -> Array:
        policy = self.policy
        if policy.windows_by_payment_method or policy.since is not Since.PLACED_AT:
            dues = list(map(policy.due, self._view.rows(Columns(arrays))))
            return pa.array(dues, INSTANT_TYPE)
        placed = arrays["placed_at"]
        latest = pc.max(placed)
        try:
            _ = latest.as_py() + policy.window
        except OverflowError:
            place = pc.index(placed, latest).as_py()
            policy.due(next(self._view.rows(Columns(arrays, pa.array([place])))))  # which says so
        return pc.add(placed, pa.scalar(policy.window, pa.duration("us")))

    def _asked(self, arrays: Arrays, due: Array, is_due: Array) -> Array:
        """Tell which rows have to be asked about: all of them, where it is to be said why."""
        if self.reasons:
            return pc.is_valid(due)
        asked = is_due
        for name in self.policy.rule.prevented_by():
            before = pc.fill_null(pc.less(arrays[name], due), False)
            asked = pc.and_not(asked, before)
        return asked

    @cached_property
    def _view(self) -> RowView:
        reads = self.policy.reads()
        # A rule that doesn't say what it reads won't read all of it.
        return RowView(tuple(sorted(reads if reads != EVERY_FIELD else ALWAYS_READ)))

    @cached_property
    def _lookback(self) -> timedelta:
        return self.policy.rule.looks_back()

    def _settle(self, until: datetime) -> None:
        """Decide the orders that were due by then."""
        left: list[_Waiting] = []
        for each in self._waiting:
            if each.due <= until:
                self._answer(each.answers, each.place, each.row, each.due)
                each.answers.open -= 1
            else:
                left.append(each)
        self._waiting = left

    def _written(self, answers: _Answers) -> Batch:
        arrays, due, count = answers.arrays, answers.due, len(answers.due)
        codes = pa.Array.from_buffers(pa.int8(), count, [None, pa.py_buffer(answers.codes)])
        written = [
            arrays["id"],
            arrays["shop"],
            pa.DictionaryArray.from_arrays(
                pa.repeat(pa.scalar(0, pa.int8()), count), pa.array([self.policy.id])
            ),
            arrays["placed_at"],
            due,
            pa.DictionaryArray.from_arrays(codes, pa.array([*VerdictStatus], pa.string())),
            pc.if_else(pc.equal(codes, _ABANDONED), due, None),
        ]
        if answers.reasons is not None:
            written.append(pa.array(answers.reasons, pa.list_(pa.string())))
        return pa.record_batch(written, schema=_schema(reasons=self.reasons))


def _buy(bought: Purchases, rows: Iterable[OrderRow]) -> None:
    """Take what was bought by some rows, as a stream does: not before it was placed."""
    for row in rows:
        at = row.completed_at
        if at is not None:
            placed = row.placed_at
            bought.add(row, placed if at < placed else at)  # noqa: FURB136  # max() is slower


_CODES: Final[dict[str, int]] = {status: code for code, status in enumerate(VerdictStatus)}
_ABANDONED: Final = _CODES[VerdictStatus.ABANDONED]
_KEPT_OR_NOT_DUE: Final = [
    pa.scalar(_CODES[status], pa.int8()) for status in (VerdictStatus.KEPT, VerdictStatus.NOT_DUE)
]
