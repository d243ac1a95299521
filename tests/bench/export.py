"""How fast orders become CSV, beside the standard library, data frames and Django.

Run it with the package installed (the peers from PyPI are optional)::

    python tests/bench/export.py --orders 1000000

C is ``csv.writer.writerows`` on ready-made tuples of text, the fastest that the standard library
can do. Rows that are ready are written chunk by chunk, in turn; processor time.

From SQLite to a file each contender has a process of its own, in turn too; what it needs before
it begins (its modules) is not counted. The slow ones are asked for a tenth of the orders.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import _exporting as exporting
import _writing as writing
from _orders import CHOSEN
from _ratios import Comparison, told
from shoppego_orders.adapters.sql import SqlOrderStore
from shoppego_orders.export import ExportRequest, export_csv

ROUNDS = 3
OURS = "ours, straight from columns"
SLOW = {"pandas", "django-import-export", "csv.writer, the usual loop", "ours, from order rows"}


def measured(name: str, path: Path, folder: Path) -> dict[str, float]:
    out = folder / "orders.csv"
    command = [sys.executable, exporting.__file__, name, str(path), str(out)]
    told = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    out.unlink()
    found: dict[str, float] = json.loads(told)
    return found


def comparisons(folder: Path, orders: int) -> Iterator[Comparison]:
    yield from writing.comparisons()
    yield from from_sqlite(folder, orders)


def from_sqlite(folder: Path, orders: int) -> Iterator[Comparison]:
    sizes = {"all": orders, "tenth": orders // 10, "few": 10_000}
    paths = {size: folder / f"{size}.sqlite" for size in sizes}
    for size, count in sizes.items():
        exporting.fill(paths[size], count)
    memory: dict[str, float] = {}

    def ask(name: str) -> float:
        size = "tenth" if name in SLOW else "all"
        found = measured(name, paths[size], folder)
        memory[name] = found["memory"]
        return found["cpu"] / sizes[size]

    names = list(filter(exporting.available, exporting.CONTENDERS))
    contenders = {name: partial(ask, name) for name in names}
    yield Comparison(f"{orders:,} orders from SQLite to a CSV file", contenders, ROUNDS)
    for name in names:
        print(f"  {memory[name]:6.1f} MB at the most  {name}{' (a tenth)' if name in SLOW else ''}")
    few = measured(OURS, paths["few"], folder)["memory"]
    grown = memory[OURS] - few
    print(f"  ours, memory: {few:.1f} MB for 10,000 orders, {grown:+.1f} MB for all of them")
    with SqlOrderStore.open(paths["all"]) as store:
        start = time.perf_counter()
        next(export_csv(store, ExportRequest(columns=CHOSEN)))
        header = time.perf_counter() - start
        stream = export_csv(store, ExportRequest(columns=CHOSEN))
        next(stream)
        next(stream)
        records = time.perf_counter() - start - header
    print(f"  first byte after {header * 1e3:.1f} ms, first records after {records * 1e3:.1f} ms")


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure exports.")
    parser.add_argument("--orders", type=int, default=100_000, help="in the store")
    asked = parser.parse_args(None if arguments is None else list(arguments))
    with tempfile.TemporaryDirectory() as folder:
        told(comparisons(Path(folder), asked.orders))


if __name__ == "__main__":
    main()
