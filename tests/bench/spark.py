"""How fast Spark answers with the kernel, beside questions that are written in its own language.

Run it with the package installed with its extra ``spark``, where there is Java 17::

    python tests/bench/spark.py --orders 1000000 5000000

All read the same Parquet files, of orders in no order, on two cores, and count what they find;
they take turns after a first time that does not count, and the median of the wall clock counts.
All find the same orders. Attribution stands beside a plain loop over the same files; what our other
functions cost is told for a million rows and a core, for the sizing in ``docs/spark.md``.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812  # as everybody calls it

import _orders as priced
import _traffic as traffic
from _ratios import Ask, Comparison, timed, told
from attribution import TRAFFIC, counted, frame_of, touches
from scale import history
from shoppego_orders import scale
from shoppego_orders.abandonment import AbandonmentPolicy
from shoppego_orders.attribution import default_table
from shoppego_orders.scale import spark
from shoppego_orders.scale.extra import pa

CORES: Final = 2
ROUNDS: Final = 3
FILES: Final = 8
HOUR: Final = 3_600_000_000
POLICY: Final = AbandonmentPolicy()
Question = Callable[[DataFrame], DataFrame]


@contextmanager
def session(folder: Path) -> Generator[SparkSession]:
    """Two cores of this machine."""
    found = (
        SparkSession.builder.master(f"local[{CORES}]")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.memory", "6g")
        .config("spark.local.dir", str(folder / "local"))
        .config("spark.log.level", "OFF")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    try:
        yield found
    finally:
        found.stop()


def stored(session: SparkSession, orders: Any, folder: Path) -> DataFrame:
    """Orders as Parquet files, mixed up as a platform's days are."""
    parquet: Any = importlib.import_module("pyarrow.parquet")  # it has no types
    folder.mkdir()
    places = [*range(orders.num_rows)]
    Random(1).shuffle(places)
    mixed = orders.take(pa.array(places))
    size = -(-len(mixed) // FILES)
    for number in range(FILES):
        parquet.write_table(mixed.slice(number * size, size), folder / f"{number}.parquet")
    return session.read.parquet(str(folder))


# Who is asked for the abandoned


def ours(orders: DataFrame) -> DataFrame:
    return spark.abandoned(orders, POLICY, traffic.NOW).select(F.col("order_id").alias("id"))


def window(orders: DataFrame) -> DataFrame:
    """Each order and each purchase in time, and how many purchases are in the next hour."""
    each = _in_micros(orders).withColumn("key", F.coalesce("customer_key", "id"))
    bought = F.greatest("completed", "placed")
    events = each.select("*", F.col("placed").alias("at"), F.lit(0).alias("purchases")).unionAll(
        each.where("completed IS NOT NULL").select("*", bought.alias("at"), F.lit(1))
    )
    next_hour = Window.partitionBy("shop", "key").orderBy("at").rangeBetween(0, HOUR - 1)
    counted = events.withColumn("found", F.sum("purchases").over(next_hour))
    return counted.where("purchases = 0 AND found = 0").select("id")


def anti_join(orders: DataFrame) -> DataFrame:
    """Those that were not completed, without those whose customer bought another."""
    each = _in_micros(orders)
    asked = each.where(f"completed IS NULL OR completed >= placed + {HOUR}").alias("o")
    bought = each.where("completed IS NOT NULL").alias("other")
    same = (
        "o.shop = other.shop AND o.customer_key = other.customer_key AND o.id <> other.id"
        f" AND other.completed >= o.placed AND other.completed < o.placed + {HOUR}"
    )
    return asked.join(bought, F.expr(same), "left_anti").select("id")


def _in_micros(orders: DataFrame) -> DataFrame:
    return orders.select(
        *("id", "shop", "customer_key"),
        F.unix_micros("placed_at").alias("placed"),
        F.unix_micros("completed_at").alias("completed"),
    )


CONTENDERS: Final[dict[str, Question]] = {
    "ours on Spark": ours,
    "Spark window": window,
    "Spark anti-join": anti_join,
}


def found_by(question: Question, orders: DataFrame) -> tuple[int, int]:
    """How many, and a sum that is another one for others."""
    (row,) = question(orders).select(F.count("id"), F.sum(F.hash("id"))).collect()
    return row[0], row[1]


def comparisons(folder: Path, orders: int) -> Iterator[Comparison]:
    with session(folder) as running:
        yield judging(running, folder, orders)
        yield from attributing(running, folder, orders)


def judging(running: SparkSession, folder: Path, orders: int) -> Comparison:
    """All contenders, after a first time in which they must agree."""
    frame = stored(running, history(orders), folder / "orders")
    found = {name: found_by(question, frame) for name, question in CONTENDERS.items()}
    assert len(set(found.values())) == 1, found
    asked = {
        name: partial(timed, partial(found_by, question, frame), orders, time.perf_counter)
        for name, question in CONTENDERS.items()
    }
    return Comparison(
        f"the abandoned of {orders:,} orders on Spark, the wall clock", asked, ROUNDS, ROUNDS
    )


def attributing(running: SparkSession, folder: Path, visits: int) -> Iterator[Comparison]:
    """How many visits came from each source, on Spark and in a loop: seconds of a core."""
    for number, (name, kind) in enumerate(TRAFFIC.items()):
        at = folder / f"visits{number}"
        frame = stored(running, frame_of(touches(kind, visits)), at)
        on_spark, in_a_loop = partial(counted_on_spark, frame), partial(counted_in_files, at)
        assert on_spark() == in_a_loop()
        asked: dict[str, Ask] = {
            "on Spark": partial(timed, on_spark, visits // CORES, time.perf_counter),
            "a loop on one core": partial(timed, in_a_loop, visits, time.perf_counter),
        }
        question = f"the sources of {visits:,} visits, {name}, seconds of a core"
        yield Comparison(question, asked, ROUNDS, ROUNDS)


def counted_on_spark(visits: DataFrame) -> dict[str, int]:
    found = spark.attribute(visits, default_table()).groupBy("source").count().collect()
    return {row["source"]: row["count"] for row in found}


def counted_in_files(folder: Path) -> dict[str, int]:
    dataset: Any = importlib.import_module("pyarrow.dataset")  # it has no types
    return counted(dataset.dataset(folder).to_batches())


# The other functions


def others(running: SparkSession, count: int, folder: Path) -> None:
    """What each costs."""
    rows = priced.orders(count)
    orders = stored(running, scale.order_batches(rows).read_all(), folder / "rows").cache()
    orders.count()
    asked: dict[str, Callable[[], object]] = {
        "report": lambda: spark.report(orders, "day"),
        "export, 25 columns": lambda: spark.export(
            orders, str(folder / f"export{time.perf_counter_ns()}"), priced.CHOSEN
        ),
    }
    for name, question in asked.items():
        question()
        took = [timed(question, 1, time.perf_counter) for _ in range(ROUNDS)]
        _tell(name, statistics.median(took) * CORES, count)


def _tell(name: str, seconds: float, count: int) -> None:
    print(
        f"  {seconds / count * 1e6:6.2f} s of a core for a million,"
        f" {count / seconds:10,.0f} rows a second and core  {name}"
    )


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure the answers on Spark.")
    parser.add_argument("--orders", type=int, nargs="+", default=[1_000_000], help="judged")
    parser.add_argument("--visits", type=int, default=1_000_000, help="attributed")
    parser.add_argument("--rows", type=int, default=300_000, help="of the other functions")
    asked = parser.parse_args(None if arguments is None else list(arguments))
    for count in asked.orders:
        with tempfile.TemporaryDirectory() as name, session(Path(name)) as running:
            told([judging(running, Path(name), count)])
    if asked.visits:
        with tempfile.TemporaryDirectory() as name, session(Path(name)) as running:
            told(attributing(running, Path(name), asked.visits))
    if asked.rows:
        print(f"\nthe other functions, {asked.rows:,} rows (medians of {ROUNDS})")
        with tempfile.TemporaryDirectory() as name, session(Path(name)) as running:
            others(running, asked.rows, Path(name))


if __name__ == "__main__":
    main()
