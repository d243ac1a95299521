"""How fast a history is judged, beside pandas, SQLite and DuckDB; and what a sweep costs.

Run it with the package installed (pandas and DuckDB from PyPI are optional)::

    python tests/bench/abandonment.py --orders 1000000 --stored 3000000

Time: the contenders take turns in this process. All hold what they ask about in memory, in their
own form; all give the same ids. A million rows as tuples are a burden on Python's garbage
collector, which looks at them again and again: they are frozen (``gc.freeze()``) once they are
made, for everybody's sake.

Memory: each contender in a process of its own, above what it needs once its modules are imported.
Each reads the same CSV file and answers once; the ids are counted, and kept by nobody.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import _judging as judging
import _sweeping as sweeping
import _traffic as traffic
from _ratios import ROUNDS, Ask, Comparison, timed, told

# With one customer a join by customer pairs every checkout with every purchase: a million pairs of
# 3,000 orders, and nine hundred million of 100,000, which take minutes or do not fit.
MOST = {"pandas merge,": 3_000, "DuckDB": 3_000}


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


def times(
    path: Path, orders: int, question: str, rounds: int = ROUNDS, left_out: Iterable[str] = ()
) -> Comparison:
    """All in this process; each time all must say the same."""
    expected = set[str]()

    def asking(question: judging.Question) -> Ask:
        def ask() -> float:
            found: list[str] = []
            took = timed(lambda: found.extend(question()), orders)
            expected.update(found if not expected else ())
            assert len(found) == len(expected)
            assert set(found) == expected
            return took

        return ask

    names = [
        name
        for name in filter(judging.available, judging.CONTENDERS)
        if not name.startswith(("ours, read from the file", *left_out))
    ]
    asked = {name: asking(judging.CONTENDERS[name](path)) for name in names}
    return Comparison(f"the abandoned of {orders:,} orders of {question}", asked, rounds)


def comparisons(folder: Path, orders: int) -> Iterator[Comparison]:
    yield from judged(folder, orders)
    yield from sweeping.comparisons(folder, orders)


def judged(folder: Path, orders: int) -> Iterator[Comparison]:
    path = folder / "orders.csv"
    judging.write(traffic.ordinary(orders), path)
    yield times(path, orders, "a month")
    for count in (3_000, 100_000):
        judging.write(traffic.one_customer(count), path)
        left_out = [name for name, bound in MOST.items() if bound < count]
        yield times(path, count, "one customer within an hour", 3, left_out)


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure judging and sweeping.")
    parser.add_argument("--orders", type=int, default=100_000, help="judged in one pass")
    parser.add_argument("--stored", type=int, default=100_000, help="in the store that is swept")
    asked = parser.parse_args(None if arguments is None else list(arguments))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.csv"
        judging.write(traffic.ordinary(asked.orders), path)
        print(f"{asked.orders:,} orders of a month, memory in a process of its own")
        memory(path, asked.orders)
        told(judged(Path(folder), asked.orders))
        told(sweeping.comparisons(Path(folder), asked.stored))


if __name__ == "__main__":
    main()
