"""How fast a history is judged, beside pandas, SQLite and DuckDB; and what a sweep costs.

Run it with the package installed (pandas and DuckDB from PyPI are optional)::

    python tests/bench/abandonment.py --orders 1000000 --stored 3000000

Time: the contenders take turns in this process, so that a busy machine slows all of them, and the
median counts. All hold what they ask about in memory, in their own form; all give the same ids.
A million rows as tuples are a burden on Python's garbage collector, which looks at them again
and again: they are frozen (``gc.freeze()``) once they are made, for everybody's sake.

Memory: each contender in a process of its own, above what it needs once its modules are imported.
Each reads the same CSV file and answers once; the ids are counted, and kept by nobody.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import _judging as judging
import _traffic as traffic
from _sweeping import compare

OURS = "ours, rows ready"
ROUNDS = 5
# With one customer a join by customer pairs every checkout with every purchase: nine million
# pairs of 10,000 orders, and nine hundred million of 100,000, which take minutes or do not fit.
MOST = {"pandas merge,": 10_000, "DuckDB": 10_000}


def memory(path: Path, orders: int) -> None:
    """One process for each, while this one is still small."""
    answers = set[tuple[float, float]]()
    for name in filter(judging.available, judging.CONTENDERS):
        command = [sys.executable, judging.__file__, name, str(path)]
        told = subprocess.run(command, capture_output=True, check=True, text=True).stdout
        found: dict[str, float] = json.loads(told)
        answers.add((found["count"], found["checksum"]))
        print(
            f"  {found['ready']:8.1f} MB ready, {found['peak']:8.1f} MB at the most;"
            f"  {found['cpu'] / orders * 1e6:5.2f} µs CPU an order from the file to the answer"
            f"  {name}"
        )
    assert len(answers) == 1, f"the contenders disagree: {answers}"


def times(path: Path, orders: int, rounds: int, left_out: Iterable[str] = ()) -> None:
    """All in this process, in turn."""
    names = [
        name
        for name in filter(judging.available, judging.CONTENDERS)
        if not name.startswith(("ours, read from the file", *left_out))
    ]
    questions = {name: judging.CONTENDERS[name](path) for name in names}
    gc.collect()
    gc.freeze()
    cpu: dict[str, list[float]] = {name: [] for name in names}
    wall: dict[str, list[float]] = {name: [] for name in names}
    expected: set[str] | None = None
    for _ in range(rounds):
        for name, question in questions.items():
            start, start_cpu = time.perf_counter(), time.process_time()
            found = list(question())
            cpu[name].append(time.process_time() - start_cpu)
            wall[name].append(time.perf_counter() - start)
            expected = set(found) if expected is None else expected
            assert len(found) == len(expected), name
            assert set(found) == expected, name
    gc.unfreeze()
    print(f"  {len(expected or ()):,} abandoned, said by all")
    middle = {name: statistics.median(cpu[name]) for name in names}
    for name in names:
        took, passed = middle[name], statistics.median(wall[name])
        print(
            f"  {orders / took:10,.0f} orders a second of CPU, {orders / passed:10,.0f} of wall;"
            f" {took / middle[OURS]:6.2f} of our time  {name}"
        )


def judge(folder: Path, orders: int) -> None:
    path = folder / "orders.csv"
    judging.write(traffic.ordinary(orders), path)
    print(f"{orders:,} orders of a month, memory in a process of its own")
    memory(path, orders)
    print(f"\n{orders:,} orders of a month, time in turn (medians of {ROUNDS})")
    times(path, orders, ROUNDS)
    for count in (10_000, 100_000):
        judging.write(traffic.one_customer(count), path)
        left_out = [name for name, bound in MOST.items() if bound < count]
        print(f"\n{count:,} orders of one customer within an hour, time of one run")
        for name in left_out:
            print(f"  too many for {name.strip(',')}, which is asked about {MOST[name]:,}")
        times(path, count, 1, left_out)


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure judging and sweeping.")
    parser.add_argument("--orders", type=int, default=1_000_000, help="judged in one pass")
    parser.add_argument("--stored", type=int, default=200_000, help="in the store that is swept")
    asked = parser.parse_args(None if arguments is None else list(arguments))
    with tempfile.TemporaryDirectory() as folder:
        if asked.orders:
            judge(Path(folder), asked.orders)
        if asked.stored:
            print("\na sweep that finds 1,000 due orders in a SQLite store")
            compare(Path(folder), 10_000, asked.stored)


if __name__ == "__main__":
    main()
