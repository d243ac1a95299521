"""All benchmarks that have peers, in one command: their ratios, beside those of the last table.

Run it with the package and the dependency group ``bench`` installed::

    python tests/bench
    python tests/bench imports export --orders 20000

A ratio is our time beside a peer's, so it depends on the machine far less than a time does. The
table that ``docs/performance.md`` shows is written anew where all were measured; of some, named as
arguments, it is only told what changed.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

import _ratios as ratios

HERE: Final = Path(__file__).parent
TABLE: Final = HERE / "ratios.md"
PEERS: Final = (
    *("attrs", "sqlalchemy", "psycopg", "pandas", "polars", "pyarrow", "duckdb"),
    *("django-import-export", "referer-parser"),
)


def parts() -> Iterator[tuple[str, Callable[[Path, int], Iterator[ratios.Comparison]]]]:
    """The benchmarks that compare, by name."""
    for path in sorted(HERE.glob("[!_]*.py")):
        module = importlib.import_module(path.stem)
        if hasattr(module, "comparisons"):
            yield path.stem, module.comparisons


def conditions(orders: int) -> str:
    """What was measured with; nothing that names the machine."""
    packages = ", ".join(f"{name} {version(name)}" for name in PEERS)
    return (
        f"Measured with {orders:,} orders on {platform.python_implementation()}"
        f" {platform.python_version()}, {platform.system()} ({platform.machine()}),"
        f" {os.cpu_count()} processors; SQLite {sqlite3.sqlite_version}, {packages}.\n"
    )


def told(found: Sequence[ratios.Ratio], last: ratios.Last) -> None:
    """Print what changed."""
    changes = [
        (each, changed)
        for each in found
        if (changed := ratios.change(last.get((each.question, each.peer)), each.ratio))
    ]
    print(f"\n{len(found)} ratios, {len(changes)} of them new or changed by more than 20 %")
    for each, changed in changes:
        print(f"  {changed}: now {each.ratio:.3g}  {each.question} / {each.peer}")


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure ratios beside the last table.")
    known = dict(parts())
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(known)}")
    parser.add_argument("--orders", type=int, default=100_000, help="that are judged or stored")
    asked = parser.parse_args(None if arguments is None else list(arguments))
    for strange in set(asked.parts) - set(known):
        parser.error(f"there is no part {strange!r}; there are {', '.join(known)}")
    last = ratios.read(TABLE.read_text(encoding="utf-8"))
    found: list[ratios.Ratio] = []
    for part in asked.parts or known:
        with tempfile.TemporaryDirectory() as folder:
            found += ratios.told(known[part](Path(folder), asked.orders))
    told(found, last)
    if not asked.parts:
        for question, peer in ratios.gone(last, found):
            print(f"  gone: {question} / {peer}")
        text = f"{conditions(asked.orders)}\n{ratios.table(found, last)}"
        TABLE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
