"""Laws of many orders at once: over Arrow the answers are those of plain Python and of the store.

However a frame is cut into batches, order for order and cent for cent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

pytest.importorskip("pyarrow")

from abandonment_examples import BEGAN, minutes
from scale_examples import COLUMN_SETS, histories, judged, line_items, table
from shoppego_orders import scale
from shoppego_orders.abandonment import AbandonmentPolicy, Context, Rule
from shoppego_orders.adapters.sql import SqlOrderStore
from shoppego_orders.adapters.sql.schema import metadata, schema_version
from shoppego_orders.attribution import (
    AttributionTable,
    ClickParameter,
    Source,
    Touch,
    default_table,
    linear,
    time_decay,
)
from shoppego_orders.attribution import Rule as SourceRule
from shoppego_orders.attribution.credit import Journey, Model
from shoppego_orders.export import (
    By,
    ColumnSet,
    ExportRequest,
    SalesReport,
    export_csv,
    sales_report,
    write_csv,
)
from shoppego_orders.money import Money
from shoppego_orders.order import Order, OrderRow
from shoppego_orders.query import OrderQuery
from shoppego_orders.scale.attribution import ANSWERS
from shoppego_orders.scale.extra import pa
from shoppego_orders.testing import strategies as our
from shoppego_orders.texts import storable_or_none

EVERYTHING = OrderQuery()
NOW = BEGAN + timedelta(hours=3)
LATER = BEGAN + timedelta(days=9)
Frame = Any  # what PyArrow makes


def cut(frame: Frame, size: int) -> list[Any]:
    """The same rows in batches of so many; an empty frame stays one."""
    return frame.to_batches(max_chunksize=size) or [frame]


@given(st.lists(our.order_rows(), max_size=3), st.integers(1, 3))
def test_rows_survive_arrow(rows: list[OrderRow], size: int) -> None:
    frame = table(rows)
    assert frame.schema == scale.order_schema()
    assert list(scale.rows_of(cut(frame, size))) == rows


@given(our.order_lists(max_size=3), st.integers(1, 4))
def test_line_items_survive_arrow(orders: list[Order], size: int) -> None:
    lines = line_items(orders)
    frame = scale.line_batches(lines).read_all()
    assert frame.schema == scale.line_schema()
    assert list(scale.lines_of(cut(frame, size))) == lines


# Abandonment


@given(histories(), our.policies(), st.integers(1, 6), st.sampled_from((NOW, LATER)))
def test_verdicts_are_those_of_a_stream(
    rows: list[OrderRow], policy: AbandonmentPolicy, size: int, now: datetime
) -> None:
    batches = cut(table(rows), size)
    expected = judged(rows, policy, now)
    assert scale.judge(batches, policy, now, reasons=True).read_all().to_pylist() == expected
    found = scale.judge(batches, policy, now).read_all().to_pylist()
    assert [each | {"reasons": None} for each in found] == [
        each | {"reasons": None} for each in expected
    ]


class Reading:
    """A row that notes which of its fields are read."""

    def __init__(self, row: OrderRow) -> None:
        self.row = row
        self.read: set[str] = set()

    def __getattr__(self, name: str) -> object:
        self.read.add(name)
        return getattr(self.row, name)


@given(our.order_rows(), our.rules(), our.delays(), our.order_rows())
def test_a_rule_reads_what_it_says(
    row: OrderRow, rule: Rule, window: timedelta, other: OrderRow
) -> None:
    spy: Any = Reading(row)
    purchase = other._replace(completed_at=row.placed_at)
    context = Context(row.placed_at, row.placed_at + abs(window), (purchase,), (purchase,))
    rule.holds(spy, context)
    rule.holds_regardless(spy, context.due)
    rule.check(spy, context)
    assert spy.read <= AbandonmentPolicy(rule=rule).reads()


@given(histories(), our.rules())
def test_what_prevents_a_rule_makes_it_fail(rows: list[OrderRow], rule: Rule) -> None:
    for row in rows:
        due = row.placed_at + minutes(60)
        before = [
            at
            for name in rule.prevented_by()
            if (at := getattr(row, name)) is not None and at < due
        ]
        if before:
            assert not rule.holds(row, Context(row.placed_at, due))
            assert rule.holds_regardless(row, due) is not True
    assert rule.prevented_by() <= rule.reads()


# Sales and exports


@given(our.order_lists(max_size=4), st.sampled_from(By), st.integers(1, 4))
def test_sales_are_those_of_the_report(orders: list[Order], by: By, size: int) -> None:
    if by is By.PRODUCT:
        frame = scale.line_batches(line_items(orders)).read_all()
    else:
        frame = table(map(OrderRow.of, orders))
    expected = SalesReport.of(orders).to_arrow(by)
    assert scale.report(cut(frame, size), by).equals(expected)


@given(
    our.order_lists(max_size=3),
    st.sampled_from(COLUMN_SETS),
    st.sampled_from(("plain", "excel", "raw")),
    st.integers(1, 4),
)
def test_files_have_the_same_bytes(
    orders: list[Order], columns: ColumnSet, profile: str, size: int
) -> None:
    lines = line_items(orders)
    frame = cut(scale.line_batches(lines).read_all(), size)
    rows = [line.order for line in lines]
    assert b"".join(scale.export(frame, columns, profile=profile)) == b"".join(
        write_csv(rows, columns.per_order, profile=profile)
    )
    assert b"".join(scale.export(frame, columns, per="line", profile=profile)) == b"".join(
        write_csv(lines, columns.per_line, profile=profile)
    )


# Visits


def as_held(touch: Touch) -> Touch:
    """A visit as a frame can hold it: its texts are UTF-8."""
    return Touch(storable_or_none(touch.landing_url), storable_or_none(touch.referrer), touch.at)


@given(st.lists(our.touches().map(as_held), min_size=1, max_size=6), st.integers(1, 4))
def test_visits_are_attributed_as_one_by_one(touches: list[Touch], size: int) -> None:
    frame = visits(touches, "1", Money("5", "MYR"), None).select(["landing_url", "referrer"])
    found = scale.attribute(cut(frame, size), default_table()).read_all()
    assert found.column_names[:2] == ["landing_url", "referrer"]
    for answer, touch in zip(found.to_pylist(), touches, strict=True):
        assert {name: answer[name] for name in ANSWERS} == columns_of(touch, default_table())


def columns_of(touch: Touch, sources: AttributionTable) -> dict[str, str | None]:
    found = sources.classify(touch)
    return {name: getattr(found, name) for name in ANSWERS}


A_TABLE = default_table()
NAMES = ["utm_source", "a(b"]
SOURCES = [
    A_TABLE,
    A_TABLE.with_rules([SourceRule("the page", "tiktok", "path", "contains", "Ab-9")]),
    A_TABLE.extended(
        [Source("ours", "Ours", click_ids=[ClickParameter(name, "paid") for name in NAMES])]
    ),
    A_TABLE.without(*(row.key for row in A_TABLE.rows if row.click_ids)),
]
pieces = st.sampled_from(
    [
        *("https://kedai.my/p", "?", "&", ";", "#", "=", "+", "%3F", "amp;", "x" * 8100),
        *("utm_source=", "utm_campaign=", "gclid=", "fbclid=", "tiktok", "Ab-9", "1"),
    ]
)
ends = st.sampled_from(
    [
        *("", "?gclid=Ab-9", "&fbclid=Ab-9", "?utm_source=Ab-9", "?a(b=Ab-9"),
        *("?utm_campaign=gclid=Ab-9", f"&utm_source=tiktok&gclid={'A' * 200}"),
    ]
)
urls = st.builds("{}{}".format, st.lists(pieces, max_size=6).map("".join), ends)


@given(st.lists(urls, min_size=1, max_size=30), st.sampled_from(SOURCES))
@example(["?utm_source=Ab-9"], SOURCES[2])
def test_visits_that_differ_in_a_click_ids_value_are_attributed_as_one_by_one(
    landings: list[str], sources: AttributionTable
) -> None:
    frame = pa.table({"landing_url": landings, "referrer": pa.nulls(len(landings))})
    assert scale.attribute(frame, sources).read_all().select(ANSWERS).to_pylist() == [
        columns_of(Touch(landing, None, BEGAN), sources) for landing in landings
    ]


ages = st.timedeltas(timedelta(days=-2), timedelta(days=40))
landings = st.sampled_from(["", "/?utm_source=tiktok", "/?gclid=1", "/?utm_medium=email"])
journeys = st.lists(
    st.tuples(
        st.lists(
            st.builds(Touch, landings, st.none(), ages.map(lambda age: BEGAN - age)), max_size=4
        ),
        our.money(least=0),
        st.none() | ages.map(lambda age: BEGAN - abs(age)),
    ),
    min_size=1,
    max_size=4,
)


@given(journeys, st.sampled_from((linear, time_decay())), st.integers(1, 4))
def test_credit_is_that_of_the_journeys(
    drawn: list[tuple[list[Touch], Money, datetime | None]], model: Model, size: int
) -> None:
    expected: list[dict[str, object]] = []
    frames: list[Frame] = []
    for number, (touches, total, previous) in enumerate(drawn):
        journey = Journey.of(touches, default_table(), ordered_at=BEGAN, previous_order_at=previous)
        answers: list[dict[str, object]] = [
            {
                "order_id": f"{number}",
                "at": credit.at,
                "source": credit.attribution.source,
                "channel": credit.attribution.channel,
                "medium": credit.attribution.medium,
                "campaign": credit.attribution.campaign,
                "currency": total.currency,
                "amount": amount.amount,
            }
            for credit, amount in journey.split(total, model)
        ]
        expected += answers
        frames.append(visits(touches, f"{number}", total, previous))
    found = scale.credit([part for each in frames for part in cut(each, size)], model).read_all()
    shares = found.column("share").to_pylist()
    assert found.drop_columns(["share"]).to_pylist() == expected
    for number in range(len(drawn)):
        its = zip(found.column("order_id").to_pylist(), shares, strict=True)
        assert sum(share for order_id, share in its if order_id == f"{number}") == 1


def visits(
    touches: Sequence[Touch], order_id: str, total: Money, previous: datetime | None
) -> Frame:
    """The visits before an order; a row without any, where there are none."""
    rows: list[tuple[str | None, str | None, datetime | None]] = [
        (each.landing_url, each.referrer, each.at) for each in touches
    ] or [(None, None, None)]
    urls, referrers, ats = zip(*rows, strict=True)
    return pa.table(
        {
            "order_id": [order_id] * len(rows),
            "ordered_at": pa.array([BEGAN] * len(rows), ZONE),
            "previous_order_at": pa.array([previous] * len(rows), ZONE),
            "currency": [total.currency] * len(rows),
            "total": pa.array([total.amount] * len(rows), pa.decimal128(22, 4)),
            "landing_url": pa.array(urls, pa.string()),
            "referrer": pa.array(referrers, pa.string()),
            "at": pa.array(ats, ZONE),
        }
    )


ZONE = pa.timestamp("us", "UTC")


# The SQL store


@pytest.fixture(scope="module")
def sql_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlOrderStore]:
    """One for all examples: to make the tables anew for each would take longer than the rest."""
    with SqlOrderStore.open(str(tmp_path_factory.mktemp("scale") / "orders.sqlite")) as store:
        yield store


@given(orders=our.order_lists(max_size=3))
def test_answers_are_those_of_the_sql_store(sql_store: SqlOrderStore, orders: list[Order]) -> None:
    with sql_store.database.writing() as connection:
        for each in reversed(metadata.sorted_tables):
            if each is not schema_version:
                connection.execute(each.delete())
    for order in orders:
        sql_store.save(order)
    frame = table(sql_store.rows(EVERYTHING))
    exported = b"".join(export_csv(sql_store, ExportRequest()))
    assert b"".join(scale.export(frame)) == exported
    assert scale.report(frame).equals(sales_report(sql_store).to_arrow())
    in_groups = sorted(
        sql_store.rows(EVERYTHING),
        key=lambda row: (row.shop, row.customer_key or "", row.placed_at),
    )
    last = max((row.placed_at for row in in_groups), default=BEGAN)
    found = scale.judge(table(in_groups), AbandonmentPolicy(), last, reasons=True)
    assert found.read_all().to_pylist() == judged(in_groups, AbandonmentPolicy(), last)
