"""A cluster of Spark: little memory, workers that are killed, and what they did twice."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("pyspark")

from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812  # as everybody calls it

import spark_sessions
from abandonment_examples import BEGAN
from scale_examples import table
from shoppego_orders.abandonment import (
    AbandonmentPolicy,
    Context,
    OrderLike,
    Rule,
    Unfulfilled,
)
from shoppego_orders.export import Column, ColumnSet, write_csv
from shoppego_orders.order import OrderRow
from shoppego_orders.scale import read_parts, spark
from spark_sessions import begun_row, framed, said

pytestmark = spark_sessions.MARKS
POLICY = AbandonmentPolicy()
NOW = BEGAN + timedelta(hours=3)
MANY = 1_000_000 if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 200_000


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A master and two workers, each of one core and with little memory for Python."""
    folder = tmp_path_factory.mktemp("cluster")
    limits = {"spark.executor.memory": "512m", "spark.executor.pyspark.memory": "700m"}
    with (
        spark_sessions.cluster(folder) as master,
        spark_sessions.session(master, folder, **limits) as session,
    ):
        yield session


@pytest.mark.parametrize(("customer", "count"), [("id:1", MANY), (None, MANY // 10)])
def test_one_customer_with_very_many_orders_fits_into_a_worker(
    cluster: SparkSession, customer: str | None, count: int
) -> None:
    placed = F.timestamp_micros(F.lit(int(BEGAN.timestamp() * 10**6)) + F.col("id") * 10_000_000)
    orders = cluster.range(count).select(
        F.col("id").cast("string").alias("id"),
        F.lit("a").alias("shop"),
        F.lit(customer).cast("string").alias("customer_key"),
        placed.alias("placed_at"),
        # Every tenth hour all is bought, so that whoever is known abandons nothing then.
        F.when(F.col("id") % 3600 < 360, placed).alias("completed_at"),
        F.lit(None).cast("timestamp").alias("taken_up_at"),
        F.lit(None).cast("timestamp").alias("cancelled_at"),
        F.lit("open").alias("life"),
    )
    found = spark.abandoned(orders, POLICY, BEGAN + timedelta(days=3650)).count()
    bought = [number % 3600 < 360 for number in range(count)]
    # Who is known and buys something in the next hour abandons nothing in this one.
    soon = [customer is not None and number % 3600 > 3240 for number in range(count)]
    assert found == sum(not (now or then) for now, then in zip(bought, soon, strict=True))


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found as Linux lists them")
@pytest.mark.parametrize("killed", ["the Python that asks the rule", "its executor", "its worker"])
def test_a_worker_that_is_killed_in_the_middle_changes_no_answer(
    cluster: SparkSession, tmp_path: Path, killed: str
) -> None:
    above = {"the Python that asks the rule": 0, "its executor": 2, "its worker": 3}[killed]
    done = tmp_path / "killed"

    class Deadly(Rule):
        wants = "Somebody is killed once."

        def holds(self, order: OrderLike, context: Context) -> bool:  # noqa: ARG002  # needs the order alone
            if order.id == "77" and not done.exists():
                done.touch()
                process = os.getpid()
                for _ in range(above):
                    stat = Path(f"/proc/{process}/stat").read_text("ascii")
                    process = int(stat.rpartition(")")[2].split()[1])
                os.kill(process, signal.SIGKILL)
                os.kill(os.getpid(), signal.SIGSTOP)  # it dies with whom it works for
            return True

    rows = [begun_row(id=f"{number}", customer_key=f"id:{number % 9}") for number in range(200)]
    policy = AbandonmentPolicy(rule=Unfulfilled() & Deadly())
    found = said(spark.abandoned(framed(cluster, table(rows)), policy, NOW))
    assert done.exists()
    assert sorted(int(each["order_id"]) for each in found) == [*range(200)]


def test_a_part_that_was_written_twice_counts_once(cluster: SparkSession, tmp_path: Path) -> None:
    died = tmp_path / "died"

    def once(row: OrderRow) -> str:
        if row.id == "077" and not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return row.number

    columns = ColumnSet(
        "own",
        (
            Column[OrderRow]("id", "Order", "text", "id"),
            Column[OrderRow]("number", "Number", "text", once),
        ),
    )
    rows = [begun_row(id=f"{number:03}") for number in range(200)]
    frame = framed(cluster, table(rows)).orderBy("id")
    manifest = spark.export(frame, str(tmp_path / "parts"), columns)
    assert died.exists()
    assert b"".join(read_parts(str(tmp_path / "parts"))) == b"".join(
        write_csv(rows, columns.per_order)
    )
    named = {part.name for part in manifest.parts} | {"manifest.json"}
    assert {path.name for path in (tmp_path / "parts").iterdir()} == named
