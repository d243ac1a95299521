"""Who is asked which checkouts were abandoned: ours, pandas, SQLite and DuckDB.

Each contender first makes itself ready from one CSV file, and then answers as often as it is
asked, with ids. The question is the documented one: not completed before 60 minutes had passed,
and no other order of the same customer in the same shop completed meanwhile.
"""

from __future__ import annotations

import csv
import gc
import importlib
import json
import sqlite3
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from _traffic import BEGAN, NOW, Cells, rows
from shoppego_orders.abandonment import AbandonmentPolicy, VerdictStatus, judge_stream
from shoppego_orders.order import OrderRow

Question = Callable[[], Iterable[str]]
Contender = Callable[[Path], Question]

MICROSECOND: Final = timedelta(microseconds=1)
HOUR: Final = timedelta(hours=1) // MICROSECOND


def write(orders: Iterable[Cells], path: Path) -> None:
    """Instants as microseconds after the first: as cheap to read as can be, for everybody."""
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        for order, shop, customer, placed, completed in orders:
            out.writerow((order, shop, customer, micros(placed), micros(completed)))


def micros(at: datetime | None) -> int | None:
    return None if at is None else (at - BEGAN) // MICROSECOND


def read(path: Path) -> Iterator[Cells]:
    with path.open(newline="") as file:
        for order, shop, customer, placed, completed in csv.reader(file):
            yield Cells(
                order,
                shop,
                customer or None,
                BEGAN + timedelta(microseconds=int(placed)),
                BEGAN + timedelta(microseconds=int(completed)) if completed else None,
            )


# Ours


def abandoned(history: Iterable[OrderRow]) -> Iterator[str]:
    verdicts = judge_stream(history, AbandonmentPolicy(), NOW, only=VerdictStatus.ABANDONED)
    return map(attrgetter("order_id"), verdicts)


def ours(path: Path) -> Question:
    history = list(rows(read(path)))
    return lambda: abandoned(history)


def ours_on_the_way(path: Path) -> Question:
    cells = list(read(path))
    return lambda: abandoned(rows(cells))


def ours_from_the_file(path: Path) -> Question:
    return lambda: abandoned(rows(read(path)))


# pandas

COLUMNS: Final = ["id", "shop", "customer_key", "placed_at", "completed_at"]


def frame(path: Path) -> Any:
    pandas: Any = importlib.import_module("pandas")  # without types, as all that comes of it
    kinds = {"id": "str", "shop": "str", "customer_key": "str", "placed_at": "int64"}
    read_csv = pandas.read_csv(
        path, names=COLUMNS, dtype=kinds | {"completed_at": "Int64"}, keep_default_na=True
    )
    for name in ("placed_at", "completed_at"):
        read_csv[name] = pandas.to_datetime(read_csv[name], unit="us", origin=BEGAN_NAIVE, utc=True)
    return read_csv


BEGAN_NAIVE: Final = BEGAN.replace(tzinfo=None)


def merged(orders: Any) -> Iterable[str]:
    hour = timedelta(hours=1)
    unfulfilled = orders[~(orders.completed_at < orders.placed_at + hour)]
    known = unfulfilled.loc[unfulfilled.customer_key.notna(), COLUMNS[:-1]]
    bought = orders.loc[
        orders.completed_at.notna() & orders.customer_key.notna(),
        ["id", "shop", "customer_key", "completed_at"],
    ]
    pairs = known.merge(bought, on=["shop", "customer_key"], suffixes=("", "_other"))
    others = pairs[
        (pairs.id != pairs.id_other)
        & (pairs.completed_at >= pairs.placed_at)
        & (pairs.completed_at < pairs.placed_at + hour)
    ]
    found: Iterable[str] = unfulfilled.loc[~unfulfilled.id.isin(others.id), "id"]
    return found


def merged_asof(orders: Any) -> Iterable[str]:
    """Only the first purchase at or after the checkout; the order's own comes after the hour."""
    pandas: Any = importlib.import_module("pandas")
    hour = timedelta(hours=1)
    unfulfilled = orders[~(orders.completed_at < orders.placed_at + hour)]
    bought = orders.loc[
        orders.completed_at.notna() & orders.customer_key.notna(),
        ["shop", "customer_key", "completed_at"],
    ]
    nearest = pandas.merge_asof(
        unfulfilled,
        bought.rename(columns={"completed_at": "bought_at"}).sort_values("bought_at"),
        left_on="placed_at",
        right_on="bought_at",
        by=["shop", "customer_key"],
        direction="forward",
        tolerance=hour - MICROSECOND,
    )
    found: Iterable[str] = nearest.loc[nearest.bought_at.isna(), "id"]
    return found


def pandas_merge(path: Path) -> Question:
    orders = frame(path)
    return lambda: merged(orders)


def pandas_asof(path: Path) -> Question:
    orders = frame(path)
    return lambda: merged_asof(orders)


def pandas_from_rows(path: Path) -> Question:
    pandas: Any = importlib.import_module("pandas")
    history, cells = list(rows(read(path))), attrgetter(*COLUMNS)
    return lambda: merged(pandas.DataFrame.from_records(map(cells, history), columns=COLUMNS))


# Databases

TABLE: Final = "CREATE TABLE orders (id TEXT, shop TEXT, customer TEXT, placed INT, completed INT)"
ABANDONED: Final = f"""
    SELECT id FROM orders AS o
    WHERE (completed IS NULL OR completed >= placed + {HOUR})
    AND NOT EXISTS (
        SELECT 1 FROM orders AS other
        WHERE other.customer = o.customer AND other.shop = o.shop AND other.id <> o.id
        AND other.completed >= o.placed AND other.completed < o.placed + {HOUR}
    )
"""


def sqlite(path: Path) -> Question:
    database = sqlite3.connect(":memory:")
    database.execute(TABLE)
    with path.open(newline="") as file:
        cells = ([cell or None for cell in row] for row in csv.reader(file))
        database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", cells)
    database.execute("CREATE INDEX bought ON orders (customer, shop, completed, id)")
    database.execute("ANALYZE")
    return lambda: (order for (order,) in database.execute(ABANDONED))


def duckdb(path: Path) -> Question:
    module: Any = importlib.import_module("duckdb")  # without types
    database = module.connect()
    database.execute("SET enable_progress_bar = false")
    database.execute(TABLE.replace("INT", "BIGINT"))
    database.execute(f"COPY orders FROM '{path}' (FORMAT csv, HEADER false, NULLSTR '')")
    return lambda: (order for (order,) in database.execute(ABANDONED).fetchall())


CONTENDERS: Final[dict[str, Contender]] = {
    "ours, rows ready": ours,
    "ours, each row made on the way": ours_on_the_way,
    "pandas merge, frame made of the rows": pandas_from_rows,
    "pandas merge, frame ready": pandas_merge,
    "pandas merge_asof, frame ready": pandas_asof,
    "SQLite NOT EXISTS, indexed": sqlite,
    "DuckDB NOT EXISTS": duckdb,
    "ours, read from the file row by row": ours_from_the_file,
}
NEEDS: Final = {"pandas": "pandas", "DuckDB": "duckdb"}


def available(name: str) -> bool:
    try:
        importlib.import_module(NEEDS.get(name.split(maxsplit=1)[0], "sqlite3"))
    except ImportError:
        return False
    return True


# Memory: one process for each


def peak() -> float:
    """The most memory that this process has had, in MB."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / (1e6 if sys.platform == "darwin" else 1e3)
    # Not ru_maxrss, which begins with what the parent process had.
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def measure(name: str, path: Path) -> dict[str, float]:
    """Make one contender ready and ask it once; the answers are counted and not kept."""
    available(name)
    start, bare = (time.perf_counter(), time.process_time()), peak()
    question = CONTENDERS[name](path)
    gc.freeze()
    ready = peak()
    count = checksum = 0
    for order in question():
        count += 1
        checksum ^= zlib.crc32(order.encode())
    return {
        "ready": ready - bare,
        "peak": peak() - bare,
        "wall": time.perf_counter() - start[0],
        "cpu": time.process_time() - start[1],
        "count": count,
        "checksum": checksum,
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]))))
