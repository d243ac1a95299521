"""How fast a history is judged as a data frame, beside pandas, Polars and DuckDB doing it by hand.

Run it with the package installed with its extra ``arrow`` (pandas, Polars and DuckDB are
optional)::

    python tests/bench/scale.py --orders 1000000 5000000

All begin with the same Arrow table in memory, sorted by shop, customer and time, each in its own
form, and answer with a column of ids: nobody makes Python's texts of them. They take turns, so
that a busy machine slows all of them, and the median of processor time counts. All say the same
ids. What each of our other functions costs a row is told too.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

import _orders as priced
import _traffic as traffic
from _judging import merged
from _ratios import Comparison, timed
from shoppego_orders import scale
from shoppego_orders.abandonment import (
    AbandonmentPolicy,
    Context,
    NoOtherPurchase,
    OrderLike,
    Rule,
    Unfulfilled,
)
from shoppego_orders.attribution import default_table, linear
from shoppego_orders.scale.extra import pa, pc

Question = Callable[[], Any]  # a column of ids, in the contender's own form
ROUNDS: Final = 3
PART: Final = 1_000_000
ZONE: Final = pa.timestamp("us", "UTC")
POLICY: Final = AbandonmentPolicy()


def history(count: int) -> Any:
    """The orders of a month, customer by customer: each million of twelve other shops.

    So an order costs the same, however many there are: more in the same shops would be more of the
    same customers within an hour.
    """
    batches = [
        batch
        for part in range(-(-count // PART))
        for batch in _batches(traffic.ordinary(min(PART, count - part * PART)), part)
    ]
    orders = [(name, "ascending") for name in ("shop", "customer_key", "placed_at")]
    return pa.Table.from_batches(batches).sort_by(orders).combine_chunks()


def _batches(cells: Iterator[traffic.Cells], part: int) -> Iterator[Any]:
    while some := list(islice(cells, 100_000)):
        ids, shops, customers, placed, completed = zip(*some, strict=True)
        nothing = pa.nulls(len(some), ZONE)
        yield pa.record_batch(
            {
                "id": pa.array([f"{part}-{each}" for each in ids]),
                "shop": pa.array([f"{part}-{shop}" for shop in shops]),
                "customer_key": pa.array(customers, pa.string()),
                "placed_at": pa.array(placed, ZONE),
                "completed_at": pa.array(completed, ZONE),
                "taken_up_at": nothing,
                "cancelled_at": nothing,
                "life": pa.array(["open"] * len(some)),
                "note": pa.array([""] * len(some)),
            }
        )


# Who is asked for the ids of the abandoned


def ours(orders: Any) -> Question:
    return lambda: _abandoned(orders, POLICY)


def ours_with_a_hosts_rule(orders: Any) -> Question:
    policy = AbandonmentPolicy(rule=Unfulfilled() & NoOtherPurchase() & NoNote())
    return lambda: _abandoned(orders, policy)


class NoNote(Rule):
    """A host's own rule, which holds for every order here."""

    wants = "It has no note."

    def holds(self, order: OrderLike, context: Context) -> bool:  # noqa: ARG002  # it needs the order alone
        return not order.note

    def reads(self) -> frozenset[str]:
        return frozenset({"note"})


def _abandoned(orders: Any, policy: AbandonmentPolicy) -> Any:
    return pa.chunked_array(
        batch.column("order_id").filter(pc.is_valid(batch.column("abandoned_at")))
        for batch in scale.judge(orders, policy, traffic.NOW)
    )


def pandas_merge(orders: Any) -> Question:
    importlib.import_module("pandas")
    frame = orders.to_pandas()
    return lambda: merged(frame)


def polars_join(orders: Any) -> Question:
    pl: Any = importlib.import_module("polars")  # its own types say more than this needs
    frame = pl.DataFrame(orders)
    hour = timedelta(hours=1)

    def question() -> Any:
        unfulfilled = frame.filter(
            ~(pl.col("completed_at") < pl.col("placed_at") + hour).fill_null(value=False)
        )
        bought = frame.filter(pl.col("completed_at").is_not_null()).select(
            "shop", "customer_key", other="id", bought_at="completed_at"
        )
        others = (
            unfulfilled.join(bought, on=["shop", "customer_key"])
            .filter(
                (pl.col("id") != pl.col("other"))
                & (pl.col("bought_at") >= pl.col("placed_at"))
                & (pl.col("bought_at") < pl.col("placed_at") + hour)
            )
            .select("id")
        )
        return unfulfilled.join(others, on="id", how="anti")["id"]

    return question


def duckdb_not_exists(orders: Any) -> Question:
    database: Any = importlib.import_module("duckdb").connect()  # without types
    database.execute("SET enable_progress_bar = false")
    database.register("given", orders)
    database.execute("CREATE TABLE orders AS FROM given")
    hour = "INTERVAL 1 HOUR"
    asked = f"""
        SELECT id FROM orders AS o
        WHERE (completed_at IS NULL OR completed_at >= placed_at + {hour})
        AND NOT EXISTS (
            SELECT 1 FROM orders AS other
            WHERE other.customer_key = o.customer_key AND other.shop = o.shop
            AND other.id <> o.id AND other.completed_at >= o.placed_at
            AND other.completed_at < o.placed_at + {hour}
        )
    """
    return lambda: database.sql(asked).to_arrow_table()["id"]


CONTENDERS: Final[dict[str, Callable[[Any], Question]]] = {
    "ours, the documented rule": ours,
    "ours, with a rule of the host's": ours_with_a_hosts_rule,
    "pandas merge": pandas_merge,
    "Polars join": polars_join,
    "DuckDB NOT EXISTS": duckdb_not_exists,
}


def judge(count: int) -> None:
    orders = history(count)
    questions: dict[str, Question] = {}
    for name, contender in CONTENDERS.items():
        try:
            questions[name] = contender(orders)
        except ImportError as missing:
            print(f"  {name}: not installed ({missing.name})")
    gc.collect()
    gc.freeze()
    cpu: dict[str, list[float]] = {name: [] for name in questions}
    wall: dict[str, list[float]] = {name: [] for name in questions}
    expected: Any = None
    for _ in range(ROUNDS):
        for name, question in questions.items():
            start, start_cpu = time.perf_counter(), time.process_time()
            found = question()
            cpu[name].append(time.process_time() - start_cpu)
            wall[name].append(time.perf_counter() - start)
            if len(cpu[name]) == 1:
                ids = pa.chunked_array(found).cast(pa.large_string()).sort()
                expected = ids if expected is None else expected
                assert ids.equals(expected), name
    gc.unfreeze()
    print(f"  {len(expected):,} abandoned, said by all")
    for name in questions:
        took, passed = statistics.median(cpu[name]), statistics.median(wall[name])
        print(
            f"  {count / took:10,.0f} orders a second of CPU, {count / passed:10,.0f} of wall;"
            f" {took / count * 1e6:6.2f} µs an order  {name}"
        )


def comparisons(_folder: Path, orders: int) -> Iterator[Comparison]:
    """All contenders in turn; that they agree, :func:`judge` makes sure of."""
    frame = history(orders)
    asked = {
        name: partial(timed, contender(frame), orders) for name, contender in CONTENDERS.items()
    }
    yield Comparison(f"the abandoned of {orders:,} orders of a frame", asked)


# The other functions


def others(count: int) -> None:
    """What each costs a row."""
    rows = list(priced.orders(count))
    orders = scale.order_batches(rows).read_all()
    at = pa.array([datetime(2026, 1, 1, tzinfo=UTC)] * count, ZONE)
    visits = pa.table(
        {
            "order_id": [f"{number // 3}" for number in range(count)],
            "ordered_at": at,
            "currency": ["MYR"] * count,
            "total": pa.array([priced_total(number // 3) for number in range(count)]),
            "landing_url": [
                f"https://kedai.my/p/{number % 500}?utm_source=tiktok&utm_campaign=c{number % 90}"
                for number in range(count)
            ],
            "referrer": ["https://www.tiktok.com/", None, "https://www.google.com/"] * (count // 3)
            + [None] * (count % 3),
            "at": at,
        }
    )
    asked: dict[str, Callable[[], object]] = {
        "order_batches, rows ready": lambda: scale.order_batches(rows).read_all(),
        "rows_of": lambda: sum(1 for _ in scale.rows_of(orders)),
        "attribute": lambda: scale.attribute(visits, default_table()).read_all(),
        "credit, three visits an order": lambda: scale.credit(visits, linear).read_all(),
        "report": lambda: scale.report(orders, "day"),
        "export, 25 columns": lambda: sum(map(len, scale.export(orders, priced.CHOSEN))),
    }
    for name, question in asked.items():
        took: list[float] = []
        for _ in range(3):
            start = time.process_time()
            question()
            took.append(time.process_time() - start)
        middle = statistics.median(took)
        print(f"  {count / middle:10,.0f} rows a second of CPU  {name}")


def priced_total(number: int) -> Any:
    return pa.scalar(number % 500, pa.decimal128(12, 2)).as_py()


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure the answers over Arrow.")
    parser.add_argument("--orders", type=int, nargs="+", default=[1_000_000], help="judged")
    parser.add_argument("--rows", type=int, default=100_000, help="of the other functions")
    asked = parser.parse_args(None if arguments is None else list(arguments))
    for count in asked.orders:
        print(f"{count:,} orders of a month as a frame, in turn (medians of {ROUNDS})")
        judge(count)
    if asked.rows:
        print(f"\nthe other functions, {asked.rows:,} rows (medians of 3)")
        others(asked.rows)


if __name__ == "__main__":
    main()
