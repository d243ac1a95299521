"""Many orders at once: which frames are taken, what is said of bad ones, and how little is held."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest

pytest.importorskip("pyarrow")

from abandonment_examples import BEGAN, LATER, OTHER_SHOP, begun, minutes, paid, stored
from shoppego_orders import scale
from shoppego_orders.abandonment import (
    AbandonmentPolicy,
    Context,
    NoOtherPurchase,
    OrderLike,
    RecoveryReport,
    Rule,
    Unfulfilled,
    sweep,
)
from shoppego_orders.abandonment.rules import FirstOrder, TotalAtLeast
from shoppego_orders.attribution import Journey, Touch, default_table, linear
from shoppego_orders.errors import InvalidFrame, InvalidValue, NaiveDatetime
from shoppego_orders.export import By, SalesReport
from shoppego_orders.money import Money
from shoppego_orders.order import OrderRow, Recovery
from shoppego_orders.page import orders_page
from shoppego_orders.query import OrderQuery
from shoppego_orders.scale import frames
from shoppego_orders.scale.extra import pa
from shoppego_orders.testing.samples import sample_orders

POLICY = AbandonmentPolicy()
ROW = OrderRow.of(begun())
ZONE = pa.timestamp("us", "UTC")
Frame = Any  # what PyArrow makes


def table(*rows: OrderRow) -> Frame:
    return scale.order_batches(rows).read_all()


def changed(frame: Frame, **columns: Any) -> Frame:
    """The frame with other columns in place of some."""
    for name, column in columns.items():
        values = pa.array(column) if isinstance(column, list) else column
        frame = frame.set_column(frame.column_names.index(name), name, values)
    return frame


def problems(frame: Frame, policy: AbandonmentPolicy = POLICY) -> dict[str, str]:
    with pytest.raises(InvalidFrame) as caught:
        scale.judge(frame, policy, LATER).read_all()
    return dict(caught.value.problems)


# What is wrong with a frame


def test_all_columns_that_are_missing_are_named_before_anything_is_read() -> None:
    def never() -> Iterator[Any]:
        yield pa.RecordBatchReader.from_batches(pa.schema([("id", pa.string())]), unread())

    def unread() -> Iterator[Any]:
        raise AssertionError("read")
        yield

    with pytest.raises(InvalidFrame) as caught:
        scale.judge(never(), POLICY, LATER)
    assert set(caught.value.problems) == POLICY.reads() - {"id"}
    assert set(caught.value.problems.values()) >= {"is missing; expected texts"}


def test_a_column_that_is_there_twice_is_named() -> None:
    frame = table(ROW)
    assert problems(frame.append_column("id", frame["id"])) == {
        "id": "is there more than once; expected texts"
    }


@pytest.mark.parametrize(
    ("name", "column", "problem"),
    [
        ("id", [5], "holds int64; expected texts"),
        ("shop", pa.array([b"a"]), "holds binary; expected texts"),
        (
            "placed_at",
            pa.array([BEGAN.replace(tzinfo=None)], pa.timestamp("us")),
            "holds timestamp[us]; expected timestamps with a time zone",
        ),
        ("placed_at", ["2026-03-03"], "holds string; expected timestamps with a time zone"),
        ("total", [59.5], "holds double; expected decimals, such as decimal128(22, 4)"),
        ("total", [5950], "holds int64; expected decimals, such as decimal128(22, 4)"),
        ("tags", ["vip"], "holds string; expected lists of texts"),
        ("placed_at", pa.nulls(1, ZONE), "is null in 1 of 1 rows; expected a value in each"),
        ("life", ["opne"], "holds 'opne'; expected draft, open, cancelled"),
        ("currency", ["RM"], "holds 'RM'; expected ISO 4217 codes such as MYR"),
        ("tags", [["vip", None]], "holds a list with nulls in it; expected values alone"),
        (
            "total",
            pa.array([Decimal("59.505")]),
            "holds an amount that is none of MYR; expected decimals of at most 2 digits",
        ),
        (
            "total",
            pa.array([Decimal(10**16)]),
            "holds an amount that is none of MYR; expected decimals of at most 2 digits",
        ),
        ("placed_at", pa.array([2**55], ZONE), None),
        ("completed_at", pa.array([2**58], ZONE), "holds an instant outside the years 1 to 9999"),
        ("completed_at", pa.array([2**55], pa.timestamp("s", "UTC")), "can't be read: Casting"),
    ],
)
def test_what_a_column_can_not_be_is_named(name: str, column: Any, problem: str | None) -> None:
    policy = AbandonmentPolicy(rule=Unfulfilled() & TotalAtLeast(Money("5", "MYR")) & NoTag())
    frame = changed(table(ROW), **{name: column})
    if problem is None:
        assert scale.judge(frame, policy, LATER).read_all().num_rows == 1
        return
    found = problems(frame, policy)
    assert set(found) == {name}
    assert found[name].startswith(problem)


@attrs.frozen
class NoTag(Rule):
    """A host's own rule, which says what it reads."""

    wants = "It has no tag."

    def holds(self, order: OrderLike, context: Context) -> bool:  # noqa: ARG002 - a rule's
        return not order.tags

    def reads(self) -> frozenset[str]:
        return frozenset({"tags"})


def test_what_is_wrong_with_several_columns_is_said_at_once() -> None:
    frame = changed(table(ROW), shop=pa.nulls(1, pa.string()), life=["x"])
    assert list(problems(frame)) == ["shop", "life"]


def test_a_later_part_may_hold_other_types_but_not_wrong_ones() -> None:
    good, other = table(ROW), changed(table(ROW), shop=pa.array(["x"]).dictionary_encode())
    assert scale.judge([good, other], POLICY, LATER).read_all().num_rows == 2
    found = problems([good, changed(table(ROW), shop=[5])])
    assert found == {"shop": "holds int64; expected texts"}


@pytest.mark.parametrize("frame", [5, "orders", b"x", None, [5], []])
def test_what_is_no_frame_is_refused(frame: object) -> None:
    with pytest.raises(InvalidValue, match="frame is"):
        scale.judge(frame, POLICY, LATER)


def test_an_empty_frame_has_no_verdicts() -> None:
    assert scale.judge(table(), POLICY, LATER).read_all().num_rows == 0


def test_now_has_a_zone() -> None:
    with pytest.raises(NaiveDatetime):
        scale.judge(table(ROW), POLICY, datetime(2026, 3, 3))  # noqa: DTZ001 - the point


# What is taken


def test_columns_have_the_names_that_a_frame_gives_them() -> None:
    frame = table(ROW)
    names = {"id": "order_no", "placed_at": "created"}
    renamed = frame.rename_columns([names.get(name, name) for name in frame.column_names])
    assert list(scale.rows_of(renamed, names=names)) == [ROW]
    assert scale.judge(renamed, POLICY, LATER, names=names).read_all().num_rows == 1
    assert set(problems(renamed)) == {"id", "placed_at"}
    with pytest.raises(InvalidValue, match="names is 'idd'"):
        scale.judge(frame, POLICY, LATER, names={"idd": "id"})


@pytest.mark.parametrize("text", [pa.large_string(), pa.string_view(), pa.string()])
@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_columns_come_in_many_types(text: Any, unit: str) -> None:
    row = ROW._replace(tags=("a", "b"), activity=(BEGAN, LATER), placed_at=BEGAN, units=3)
    kinds = {
        pa.string(): text,
        ZONE: pa.timestamp(unit, "Asia/Kuala_Lumpur"),
        scale.order_schema().field("total").type: pa.decimal256(60, 6),
        pa.int64(): pa.uint8(),
        scale.order_schema().field("tags").type: pa.large_list(text),
        scale.order_schema().field("activity").type: pa.large_list(pa.timestamp(unit, "UTC")),
    }
    frame = table(row, row)
    columns = [column.cast(kinds.get(column.type, column.type)) for column in frame.columns]
    assert list(scale.rows_of(pa.table(columns, names=frame.column_names))) == [row, row]


class OneBatch:
    """What speaks the interface of single batches alone."""

    def __init__(self, batch: Any) -> None:
        self.batch = batch

    def __arrow_c_array__(self, requested_schema: object = None) -> object:
        return self.batch.__arrow_c_array__(requested_schema)


def test_a_single_batch_is_a_frame() -> None:
    (batch,) = table(ROW).to_batches()
    assert list(scale.rows_of(batch)) == list(scale.rows_of(OneBatch(batch))) == [ROW]


def test_lists_that_are_all_empty_hold_nothing() -> None:
    frame = changed(table(ROW), tags=[[]], activity=[[]])
    assert frame["tags"].type == pa.list_(pa.null())
    assert list(scale.rows_of(frame)) == [ROW]


def test_instants_finer_than_pythons_are_cut_off() -> None:
    frame = changed(table(ROW), placed_at=pa.array([1_999], pa.timestamp("ns", "UTC")))
    (row,) = scale.rows_of(frame)
    assert row.placed_at == datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC)


def test_amounts_of_several_currencies_keep_their_digits() -> None:
    rows = [
        ROW._replace(currency=code, total=Money(amount, code), **zeros(code))
        for code, amount in (("MYR", "-5.05"), ("JPY", "5"), ("BHD", "0.005"), ("MYR", "7"))
    ]
    assert list(scale.rows_of(table(*rows))) == rows
    assert problems(changed(table(*rows), total=table(*rows[::-1])["total"]), READS_TOTAL) == {
        "total": "holds an amount that is none of JPY; expected decimals of at most 0 digits, "
        "below 10**18"
    }


READS_TOTAL = AbandonmentPolicy(rule=TotalAtLeast(Money("5", "MYR")))


def zeros(code: str) -> dict[str, Any]:
    return {
        name: Money.zero(code)
        for name, value in ROW._asdict().items()
        if isinstance(value, Money) and name != "total"
    }


def test_large_batches_are_taken_a_few_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "AT_ONCE", 2)
    rows = [
        ROW._replace(id=f"{number}", tags=("t",) * number, activity=(BEGAN,) * number)
        for number in range(5)
    ]
    assert list(scale.rows_of(table(*rows).combine_chunks())) == rows
    assert [batch.num_rows for batch in scale.judge(table(*rows), POLICY, LATER)] == [2, 2, 1]


def test_a_frame_is_read_as_the_answers_are() -> None:
    read = 0

    def batches() -> Iterator[Any]:
        nonlocal read
        for number in range(10):
            read += 1
            yield table(ROW._replace(id=f"{number}", customer_key=f"id:{number}"))

    answers = scale.judge(batches(), POLICY, LATER)
    assert read == 1  # for its schema
    answers.read_next_batch()
    assert read == 2  # whose customer is another
    answers.read_next_batch()
    assert read == 3


# Abandonment


def test_an_order_waits_for_the_rows_of_its_customer() -> None:
    rows = [
        ROW._replace(id="1"),
        ROW._replace(id="2", placed_at=BEGAN + minutes(5), completed_at=BEGAN + minutes(59)),
        ROW._replace(id="3", placed_at=BEGAN + minutes(70)),
        ROW._replace(id="4", shop=OTHER_SHOP),
    ]
    for size in (1, 2, 3, 4):
        found = scale.judge(table(*rows).to_batches(size), POLICY, LATER).read_all()
        assert found["status"].to_pylist() == ["kept", "kept", "abandoned", "abandoned"]


@pytest.mark.once
def test_long_histories_of_one_customer_do_not_stay() -> None:
    """Five thousand purchases, of which those of one window are held."""
    held: list[int] = []

    def batches() -> Iterator[Any]:
        for number in range(10):
            rows = (
                ROW._replace(
                    id=f"{number}/{each}",
                    placed_at=(at := BEGAN + minutes(500 * number + each)),
                    completed_at=at + minutes(70),
                )
                for each in range(500)
            )
            yield table(*rows)
            held.append(sum(type(each).__name__ == "FrameRow" for each in gc.get_objects()))

    found = scale.judge(batches(), POLICY, BEGAN + timedelta(days=99)).read_all()
    assert set(found["status"].to_pylist()) == {"abandoned", "kept"}
    assert 0 < max(held) < 2_500


@pytest.mark.parametrize("size", [1, 2])
def test_rows_out_of_time_are_refused(size: int) -> None:
    frame = table(ROW, ROW._replace(id="2", placed_at=BEGAN - minutes(1)))
    with pytest.raises(InvalidValue, match=r"frame is '2'; expected a customer's rows sorted"):
        scale.judge(frame.to_batches(size), POLICY, LATER).read_all()


def test_a_customer_who_comes_again_is_refused() -> None:
    other = ROW._replace(id="2", customer_key="id:2")
    with pytest.raises(InvalidValue, match="expected rows grouped by shop and customer"):
        scale.judge(table(ROW, other, ROW._replace(id="3")), POLICY, LATER).read_all()


def test_orders_of_nobody_known_may_stand_anywhere() -> None:
    nobody = ROW._replace(id="2", customer_key=None, completed_at=BEGAN + minutes(5))
    frame = table(nobody, ROW, nobody._replace(id="3", placed_at=BEGAN - minutes(5)), nobody)
    found = scale.judge(frame, POLICY, LATER).read_all()
    assert found["status"].to_pylist() == ["kept", "abandoned", "kept", "kept"]


def test_a_deadline_beyond_the_calendar_is_refused() -> None:
    frame = table(ROW._replace(placed_at=datetime.max.replace(tzinfo=UTC)))
    with pytest.raises(InvalidValue, match="a moment whose deadline the calendar holds"):
        scale.judge(frame, POLICY, LATER).read_all()


class SlowToSay(Rule):
    """A host's own rule, which doesn't say what it reads."""

    wants = "It is from Kuala Lumpur, or has a note."

    def holds(self, order: OrderLike, context: Context) -> bool:  # noqa: ARG002 - a rule's
        return order.shipping_city == "Kuala Lumpur" or bool(order.note)


def test_a_rule_that_does_not_say_what_it_reads_needs_every_column() -> None:
    policy = AbandonmentPolicy(rule=Unfulfilled() & SlowToSay(), name="kl")
    assert policy.reads() == set(OrderRow._fields)
    judging = attrs.evolve(policy)
    frame = table(ROW, ROW._replace(id="2", note="cepat"))
    assert set(problems(frame.drop_columns(["note"]), judging)) == {"note"}


def test_a_rule_that_reads_what_it_did_not_say_is_told() -> None:
    class Wrong(NoTag):
        def holds(self, order: OrderLike, context: Context) -> bool:  # noqa: ARG002 - a rule's
            return not order.note

    frame = table(ROW)
    with pytest.raises(InvalidFrame, match="note is read, and was not said to be"):
        scale.judge(frame, AbandonmentPolicy(rule=Wrong()), LATER).read_all()


def test_a_rule_that_names_what_is_no_field_is_refused() -> None:
    class Misspelt(NoTag):
        def reads(self) -> frozenset[str]:
            return frozenset({"tag"})

    class Mistaken(NoTag):
        def prevented_by(self) -> frozenset[str]:
            return frozenset({"total"})

    for rule, message in ((Misspelt(), "is 'tag'; expected fields"), (Mistaken(), "is 'total'")):
        with pytest.raises(InvalidValue, match=message):
            scale.judge(table(ROW), AbandonmentPolicy(rule=rule), LATER)


def test_a_rule_of_the_hosts_may_say_what_prevents_it() -> None:
    class NotShipped(NoTag):
        def holds(self, order: OrderLike, context: Context) -> bool:
            return order.shipped_at is None or order.shipped_at >= context.due

        def prevented_by(self) -> frozenset[str]:
            return frozenset({"shipped_at"})

    rows = [
        ROW._replace(id=f"{number}", customer_key=None, shipped_at=at)
        for number, at in enumerate((None, BEGAN + minutes(59), BEGAN + minutes(60)))
    ]
    found = scale.judge(table(*rows), AbandonmentPolicy(rule=NotShipped()), LATER).read_all()
    assert found["status"].to_pylist() == ["abandoned", "kept", "abandoned"]


def test_what_is_no_field_is_no_field_of_a_row_either() -> None:
    class Wrong(NoTag):
        def holds(self, order: OrderLike, context: Context) -> bool:  # noqa: ARG002 - a rule's
            return hasattr(order, "nothing")

    policy = AbandonmentPolicy(rule=Wrong())
    assert scale.judge(table(ROW), policy, LATER).read_all()["status"].to_pylist() == ["kept"]


def test_a_sweep_of_a_store_finds_the_same() -> None:
    orders = [
        begun("1"),
        paid(begun("2", email="a@example.com"), BEGAN + minutes(59)),
        paid(begun("3", email="a@example.com"), BEGAN + minutes(61)),
        begun("4", email="a@example.com", at=BEGAN + minutes(30)),
        begun("5", email="a@example.com", at=BEGAN + minutes(62)),
        begun("6", email=None),
        paid(begun("7", shop=OTHER_SHOP), BEGAN + minutes(1)),
    ]
    store = stored(orders)
    rows = sorted(
        store.rows(OrderQuery()), key=lambda row: (row.shop, row.customer_key or "", row.placed_at)
    )
    found = scale.judge(table(*rows), POLICY, LATER).read_all().to_pylist()
    sweep(store, POLICY, now=LATER)
    assert {each["order_id"]: each["abandoned_at"] for each in found} == {
        row.id: row.abandoned_at for row in store.rows(OrderQuery())
    }
    assert {each["order_id"] for each in found if each["status"] == "abandoned"} == {"1", "5", "6"}


def test_who_bought_before_is_known_across_batches() -> None:
    rule = Unfulfilled() & NoOtherPurchase() & FirstOrder(timedelta(days=2))
    rows = [
        ROW._replace(id="1", completed_at=BEGAN + minutes(2)),
        ROW._replace(id="2", placed_at=BEGAN + timedelta(days=1)),
        ROW._replace(id="3", placed_at=BEGAN + timedelta(days=3)),
    ]
    for size in (1, 2, 3):
        batches = table(*rows).to_batches(size)
        found = scale.judge(batches, AbandonmentPolicy(rule=rule), LATER + timedelta(days=9))
        assert found.read_all()["status"].to_pylist() == ["kept", "kept", "abandoned"]


# Visits


def test_the_answers_stand_beside_the_frames_own_columns() -> None:
    frame = pa.table(
        {
            "page": ["https://kedai.my/?utm_source=tiktok&utm_campaign=raya", None],
            "referrer": [None, "https://www.google.com/"],
            "source": ["old", "old"],
            "visit": [1, 2],
        }
    )
    found = scale.attribute(frame, default_table(), names={"landing_url": "page"}).read_all()
    assert found.column_names == [
        *("page", "referrer", "visit", "source", "logo", "channel", "medium", "campaign"),
        *("rule", "evidence", "ignored"),
    ]
    assert found["source"].to_pylist() == ["tiktok", "google"]
    assert found["campaign"].to_pylist() == ["raya", None]


def journey(*order_ids: str, total: str = "10") -> Frame:
    rows = len(order_ids)
    return pa.table(
        {
            "order_id": list(order_ids),
            "ordered_at": pa.array([BEGAN] * rows, ZONE),
            "currency": ["MYR"] * rows,
            "total": pa.array([Decimal(total)] * rows, pa.decimal128(22, 4)),
            "landing_url": ["https://kedai.my/?utm_source=tiktok"] * rows,
            "referrer": pa.nulls(rows),
            "at": pa.array([BEGAN - timedelta(days=1)] * rows, ZONE),
        }
    )


def test_an_order_is_shared_to_the_last_sen() -> None:
    found = scale.credit(journey("1", "1", "1"), linear).read_all()
    assert found["amount"].to_pylist() == [Decimal("3.34"), Decimal("3.33"), Decimal("3.33")]
    shares = found["share"].to_pylist()
    assert shares == [Decimal("0.333334"), Decimal("0.333333"), Decimal("0.333333")]


@pytest.mark.parametrize(
    "frame", [journey("1", "2", "1"), [journey("1"), journey("1", total="11")]]
)
def test_an_order_whose_rows_are_not_one_is_refused(frame: Frame) -> None:
    with pytest.raises(InvalidValue, match="frame is '1'"):
        scale.credit(frame, linear).read_all()


# Sales


def test_products_are_sold_by_line_items() -> None:
    store = stored([paid(begun(), BEGAN)])
    lines = scale.line_batches(store.lines(OrderQuery())).read_all()
    (sold,) = scale.report(lines, "product").to_pylist()
    assert (sold["product"], sold["lines"], sold["gross"]) == ("Tudung Bawal", 1, Decimal("59.50"))
    with pytest.raises(InvalidFrame, match="product is missing; expected texts"):
        scale.report(table(ROW), By.PRODUCT)
    with pytest.raises(InvalidValue, match="by is 'hour'"):
        scale.report(table(ROW), "hour")


# Pages and reports


def test_a_page_and_a_report_are_frames() -> None:
    store = stored(sample_orders())
    page, report = orders_page(store), SalesReport.of(store.rows(OrderQuery()))
    assert list(scale.rows_of(page)) == list(page.rows)
    assert pa.table(page).equals(page.to_arrow())
    assert pa.table(report).equals(report.to_arrow(By.DAY))


def test_a_reports_table_holds_dates_decimals_and_exact_shares() -> None:
    row = ROW._replace(completed_at=BEGAN, source="tiktok", channel="Organic Social")
    report = SalesReport.of([row]).to_arrow()
    assert report["day"].to_pylist() == [BEGAN.date()]
    assert report["total"].to_pylist() == [Decimal("59.50")]
    assert report["average"].to_pylist() == [Decimal("59.50")]
    touches = [Touch(f"/?utm_source={name}", None, BEGAN) for name in ("a", "b", "c")]
    shared = Journey.of(touches, default_table(), ordered_at=BEGAN)
    credited = SalesReport.of([row], credits=lambda _: shared.credits(linear), model="linear")
    orders = credited.to_arrow(By.SOURCE)["orders"].to_pylist()
    assert sorted(orders) == [Decimal("0.333333"), Decimal("0.333333"), Decimal("0.333334")]


def test_a_recovery_report_is_a_frame_of_outcomes_and_one_of_money() -> None:
    report = RecoveryReport(
        abandoned=3,
        outcomes=dict.fromkeys(Recovery, 0) | {Recovery.RECOVERED: 2, Recovery.LOST: 1},
        recovered={"MYR": Money("59.50", "MYR")},
        substituted={"SGD": Money("5", "SGD"), "MYR": Money("1", "MYR")},
    )
    assert {each["outcome"]: each["checkouts"] for each in report.to_arrow().to_pylist()} == {
        str(each): report.outcomes[each] for each in Recovery
    }
    assert pa.table(report).equals(report.to_arrow("outcome"))
    assert report.to_arrow("currency").to_pylist() == [
        {"currency": "MYR", "recovered": Decimal("59.50"), "substituted": Decimal(1)},
        {"currency": "SGD", "recovered": None, "substituted": Decimal(5)},
    ]
    by: Any = "day"
    with pytest.raises(InvalidValue, match="by is 'day'; expected outcome or currency"):
        report.to_arrow(by)


def test_without_pyarrow_the_extra_is_named() -> None:
    code = """
import sys
sys.modules["pyarrow"] = None
from importlib import util
find, util.find_spec = util.find_spec, lambda name: None if name == "pyarrow" else find(name)
from shoppego_orders.errors import MissingExtra
from shoppego_orders.export import SalesReport
try:
    SalesReport.of([]).to_arrow()
except MissingExtra as missing:
    print(missing)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "pip install 'shoppego-orders[arrow]'" in done.stdout
