"""Spark: the same answers, on a machine and on a cluster that loses a worker; and bad input."""

from __future__ import annotations

import gzip
import importlib.metadata
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

pytest.importorskip("pyarrow")
pytest.importorskip("pyspark")

from pyspark.errors import PythonException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812  # as everybody calls it

import nightly_spark
import scale_examples
import spark_sessions
from abandonment_examples import BEGAN, minutes
from scale_examples import COLUMN_SETS, histories, judged, line_items, table
from shoppego_orders import scale
from shoppego_orders.abandonment import (
    AbandonmentPolicy,
    Context,
    OrderLike,
    Rule,
    VerdictStatus,
    judge_stream,
    sweep,
)
from shoppego_orders.adapters.sql import SqlOrderStore
from shoppego_orders.attribution import Touch, default_table
from shoppego_orders.errors import (
    InvalidFrame,
    InvalidParts,
    InvalidValue,
    NaiveDatetime,
    OutputNotWritten,
    UnknownTimeZone,
)
from shoppego_orders.export import By, ColumnSet, SalesReport, export_csv, write_csv
from shoppego_orders.export.request import ExportRequest
from shoppego_orders.importing import import_checkouts
from shoppego_orders.order import Order, OrderRow
from shoppego_orders.query import OrderQuery
from shoppego_orders.scale import read_manifest, read_parts, spark
from shoppego_orders.scale.extra import pa
from shoppego_orders.scale.spark import tasks
from shoppego_orders.scale.spark.extra import cloudpickle
from shoppego_orders.testing import strategies as our
from spark_sessions import begun_row, framed, said, spark_table

pytestmark = spark_sessions.MARKS
# Workers have none of the tests' modules.
cloudpickle.register_pickle_by_value(scale_examples)
POLICY = AbandonmentPolicy()
NOW = BEGAN + timedelta(hours=3)
EVERYTHING = OrderQuery()
REAL = Path(__file__).parents[2] / "shared" / "data" / "real-checkouts.jsonl.gz"
# Each is some jobs of a second, so what fails is told as it was found.
few = settings(max_examples=4, phases=(Phase.explicit, Phase.reuse, Phase.generate))


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Two cores of this process."""
    with spark_sessions.session("local[2]", tmp_path_factory.mktemp("spark")) as session:
        yield session


def abandoned_of(verdicts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of all verdicts those that Spark tells."""
    found = [dict(each) for each in verdicts if each["status"] is VerdictStatus.ABANDONED]
    for each in found:
        del each["status"]
    return sorted(found, key=lambda row: row["order_id"])


# The same answers


@few
@given(histories(), our.policies(), st.integers(1, 4))
def test_the_abandoned_are_those_of_a_stream(
    here: SparkSession, rows: list[OrderRow], policy: AbandonmentPolicy, parts: int
) -> None:
    found = spark.abandoned(framed(here, table(rows), parts), policy, NOW, reasons=True)
    assert said(found) == abandoned_of(judged(rows, policy, NOW))


@few
@given(our.order_lists(max_size=6), st.sampled_from(By), st.integers(1, 4))
def test_sales_are_those_of_the_report(
    here: SparkSession, orders: list[Order], by: By, parts: int
) -> None:
    if by is By.PRODUCT:
        frame = scale.line_batches(line_items(orders)).read_all()
    else:
        frame = table(map(OrderRow.of, orders))
    assert spark.report(framed(here, frame, parts), by).equals(SalesReport.of(orders).to_arrow(by))


@few
@given(
    our.order_lists(max_size=6), st.sampled_from(COLUMN_SETS), st.sampled_from(("plain", "excel"))
)
def test_parts_join_to_the_bytes_of_a_single_file(
    here: SparkSession,
    tmp_path_factory: pytest.TempPathFactory,
    orders: list[Order],
    columns: ColumnSet,
    profile: str,
) -> None:
    lines = line_items(orders)
    frame = framed(here, scale.line_batches(lines).read_all())
    in_order = frame.orderBy("id", "position")
    lines.sort(key=lambda line: (line.order.id.encode(), line.position))
    for per in ("order", "line"):
        folder = str(tmp_path_factory.mktemp("parts") / "export")
        manifest = spark.export(in_order, folder, columns, per=per, profile=profile)
        rows: Any = lines if per == "line" else [line.order for line in lines]
        expected = write_csv(
            rows, columns.per_line if per == "line" else columns.per_order, profile=profile
        )
        whole = b"".join(expected)
        assert b"".join(read_parts(folder)) == whole
        assert manifest == read_manifest(folder)
        assert (manifest.records, manifest.size) == (len(lines), len(whole))
        assert manifest.replaced == expected.summary.replaced


@few
@given(st.lists(our.touches(), max_size=8))
def test_visits_are_attributed_as_over_arrow(here: SparkSession, touches: list[Touch]) -> None:
    visits = pa.table(
        {
            "number": pa.array(range(len(touches)), pa.int64()),
            "page url": pa.array([utf8(each.landing_url) for each in touches], pa.string()),
            "referrer": pa.array([utf8(each.referrer) for each in touches], pa.string()),
            "source": pa.array(["mine"] * len(touches), pa.string()),
        }
    )
    names = {"landing_url": "page url"}
    found = spark.attribute(framed(here, visits), default_table(), names=names)
    expected = scale.attribute(visits, default_table(), names=names).read_all()
    assert found.columns == expected.column_names
    assert spark_table(found.orderBy("number")).to_pylist() == expected.to_pylist()


def utf8(text: str | None) -> str | None:
    return None if text is None else text.encode(errors="replace").decode()


@pytest.mark.skipif(not REAL.exists(), reason="the real orders are not part of the project")
def test_real_orders_of_many_shops_agree_everywhere(here: SparkSession, tmp_path: Path) -> None:
    now = datetime(2018, 12, 1, tzinfo=UTC)
    with SqlOrderStore(tmp_path / "orders.sqlite") as store:
        store.create()
        import_checkouts(store, of_many_shops())
        swept = set(sweep(store, POLICY, now).abandoned)
        rows = list(store.rows(EVERYTHING))
        exported = b"".join(export_csv(store, ExportRequest()))
        lines = list(store.lines(EVERYTHING))
    assert len(rows) == 8135
    assert len({row.shop for row in rows}) == 12
    in_arrow, lines_in_arrow = table(rows), scale.line_batches(lines).read_all()
    orders, items = (framed(here, frame, 5).cache() for frame in (in_arrow, lines_in_arrow))
    assert {each["order_id"] for each in said(spark.abandoned(orders, POLICY, now))} == swept
    streamed = judge_stream(sorted(rows, key=lambda row: row.placed_at), POLICY, now)
    assert swept == {each.order_id for each in streamed if each.abandoned_at is not None}
    in_groups = in_arrow.sort_by(
        [(name, "ascending") for name in ("shop", "customer_key", "placed_at")]
    )
    over_arrow = scale.judge(in_groups, POLICY, now).read_all().to_pylist()
    assert swept == {each["order_id"] for each in over_arrow if each["abandoned_at"] is not None}
    of_orders, of_lines = SalesReport.of(rows), SalesReport.of(lines)
    for by in By:
        products = by is By.PRODUCT
        plain = (of_lines if products else of_orders).to_arrow(by)
        assert scale.report(lines_in_arrow if products else in_arrow, by).equals(plain)
        assert spark.report(items if products else orders, by).equals(plain)
    spark.export(orders.orderBy("placed_at", "id"), str(tmp_path / "parts"))
    assert b"".join(read_parts(str(tmp_path / "parts"))) == exported


def of_many_shops() -> Iterator[str]:
    with gzip.open(REAL, "rt", encoding="utf-8") as file:
        for number, line in enumerate(file):
            payload = json.loads(line)
            payload["checkout"]["domain"] = f"shop-{number % 12}.myshoppegram.com"
            yield json.dumps(payload)


# The worked example


@few
@given(histories(), st.lists(st.integers(0, 20), max_size=2))
def test_nights_add_up_to_the_whole_history(
    here: SparkSession, rows: list[OrderRow], quarters: list[int]
) -> None:
    nights = [BEGAN - minutes(1), *(BEGAN + minutes(15 * each) for each in sorted(quarters)), NOW]
    orders = framed(here, table(rows)).cache()
    found = [
        each
        for last, now in pairwise(nights)
        for each in said(nightly_spark.abandoned_since(orders, POLICY, last, now))
    ]
    assert sorted(found, key=lambda row: row["order_id"]) == said(
        spark.abandoned(orders, POLICY, NOW)
    )


def test_a_shop_is_reported_and_exported_alone(here: SparkSession, tmp_path: Path) -> None:
    rows = [begun_row(id=f"{each}", shop="ab"[each % 2]) for each in range(5)]
    orders, its = framed(here, table(rows)), [row for row in rows if row.shop == "a"]
    assert nightly_spark.sales_of_shop(orders, "a").equals(SalesReport.of(its).to_arrow())
    folder = str(tmp_path / "parts")
    assert nightly_spark.export_shop(orders, "a", folder) == 3
    assert b"".join(read_parts(folder)) == b"".join(scale.export(table(its)))


# Who is together, and how much is held


def test_a_rule_of_the_hosts_travels_as_a_value(here: SparkSession) -> None:
    class NoNote(Rule):
        wants = "It has no note."

        def holds(self, order: OrderLike, context: Context) -> bool:  # noqa: ARG002  # needs the order alone
            return not order.note

    rows = [begun_row(id="1"), begun_row(id="2", note="later")]
    found = spark.abandoned(framed(here, table(rows)), AbandonmentPolicy(rule=NoNote()), NOW)
    assert [each["order_id"] for each in said(found)] == ["1"]


def test_orders_of_nobody_known_are_each_their_own_customer_and_on_all_workers(
    here: SparkSession,
) -> None:
    here.conf.set("spark.sql.adaptive.coalescePartitions.enabled", "false")  # few as they are
    rows = [
        begun_row(id=f"{number}", customer_key=None, completed_at=BEGAN if number % 2 else None)
        for number in range(40)
    ]
    found = spark.abandoned(framed(here, table(rows)), POLICY, NOW)
    assert {each["order_id"] for each in said(found)} == {f"{each}" for each in range(0, 40, 2)}
    places = found.select(F.spark_partition_id().alias("order_id")).distinct()
    assert len(said(places)) > 1


def test_nothing_is_computed_before_it_is_asked_for(here: SparkSession) -> None:
    broken = framed(here, table([begun_row()])).withColumn(
        "shop", F.raise_error(F.lit("computed")).cast("string")
    )
    found = spark.abandoned(broken, POLICY, NOW)
    with pytest.raises(Exception, match="computed"):
        found.count()


# Workers


def test_workers_run_the_drivers_python(here: SparkSession) -> None:
    chosen = here.sparkContext.pythonExec

    def told(batches: Iterator[Any]) -> Iterator[Any]:
        for _ in batches:
            yield pa.record_batch({"python": [sys.executable]})

    found = tasks.mapped(here.range(1).toDF("n"), told, "python string")
    assert spark_table(found)["python"].to_pylist() == [sys.executable]
    assert here.sparkContext.pythonExec == chosen != sys.executable


def test_workers_run_another_python_where_they_are_told_to(
    here: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYSPARK_PYTHON", "none-such")
    monkeypatch.setattr(here.sparkContext, "pythonExec", "none-such")
    with pytest.raises(Exception, match="none-such"):
        spark.abandoned(framed(here, table([begun_row()])), POLICY, NOW).count()


def test_another_version_on_a_worker_is_told(
    here: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def another(_: str) -> str:
        return "0.0.9"

    monkeypatch.setattr(tasks, "version", another)
    found = spark.abandoned(framed(here, table([begun_row()])), POLICY, NOW)
    with pytest.raises(
        PythonException, match=r"on a worker; expected 0\.0\.9, which the driver has"
    ):
        found.count()


def test_a_worker_without_the_package_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = cloudpickle.loads(cloudpickle.dumps(tasks.task_of(iter)))

    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(ImportError, match="shoppego-orders is missing on a worker"):
        list(sent(iter([])))


# What is refused


def test_columns_are_told_before_anything_is_computed(here: SparkSession) -> None:
    frame = framed(
        here, pa.table({"id": ["1"], "shop": [5], "placed_at": ["2026-03-03"], "life": ["open"]})
    )
    with pytest.raises(InvalidFrame) as caught:
        spark.abandoned(frame, POLICY, NOW, names={"placed_at": "created"})
    told = caught.value.problems
    assert told["created"] == "is missing; expected timestamps with a time zone"
    assert told["shop"] == "holds int64; expected texts"
    for ask in (
        lambda: spark.attribute(frame, default_table()),
        lambda: spark.report(frame),
        lambda: spark.export(frame, "never"),
    ):
        with pytest.raises(InvalidFrame):
            ask()
    assert not Path("never").exists()


def test_a_local_time_is_no_instant(here: SparkSession) -> None:
    frame = framed(here, table([begun_row()]))
    local = frame.withColumn("placed_at", F.col("placed_at").cast("timestamp_ntz"))
    with pytest.raises(InvalidFrame, match="expected timestamps with a time zone"):
        spark.abandoned(local, POLICY, NOW)


def test_wrong_arguments_are_told_at_once(here: SparkSession, tmp_path: Path) -> None:
    orders = framed(here, table([begun_row()]))
    with pytest.raises(NaiveDatetime):
        spark.abandoned(orders, POLICY, NOW.replace(tzinfo=None))
    with pytest.raises(InvalidValue, match="by"):
        spark.report(orders, "colour")
    with pytest.raises(UnknownTimeZone):
        spark.report(orders, tz="Asia/Shah_Alam")
    with pytest.raises(InvalidValue, match="columns"):
        spark.export(orders, str(tmp_path / "parts"), "none")
    with pytest.raises(InvalidValue, match="names"):
        spark.attribute(orders, default_table(), names={"url": "page"})
    assert list(tmp_path.iterdir()) == []


def test_a_row_that_none_can_be_is_told_by_spark(here: SparkSession) -> None:
    rows = framed(here, table([begun_row()])).withColumn("life", F.lit("opne"))
    with pytest.raises(PythonException, match="holds 'opne'; expected draft, open, cancelled"):
        spark.abandoned(rows, POLICY, NOW).count()


def test_an_export_that_fails_leaves_nothing(here: SparkSession, tmp_path: Path) -> None:
    rows = framed(here, table([begun_row(id=f"{each}") for each in range(9)]))
    spoilt = rows.withColumn("life", F.when(F.col("id") == "5", "opne").otherwise("open"))
    with pytest.raises(PythonException, match="opne"):
        spark.export(spoilt.repartition(3), str(tmp_path / "parts"))
    # A task may end after the job has failed, and what it writes is no part of anything.
    with pytest.raises(InvalidParts):
        read_manifest(str(tmp_path / "parts"))
    spark.export(rows, str(tmp_path / "parts"))  # so it may be tried again
    with pytest.raises(OutputNotWritten, match="expected a new or empty folder"):
        spark.export(rows, str(tmp_path / "parts"))
    assert read_manifest(str(tmp_path / "parts")).records == 9


def test_no_rows_are_a_file_with_a_header(here: SparkSession, tmp_path: Path) -> None:
    nothing = framed(here, scale.order_schema().empty_table())
    manifest = spark.export(nothing, str(tmp_path / "parts"))
    assert manifest.records == 0
    assert b"".join(read_parts(str(tmp_path / "parts"))) == b"".join(scale.export(table([])))
    assert spark.abandoned(nothing, POLICY, NOW).count() == 0
    assert spark.report(nothing).equals(scale.report(table([])))
