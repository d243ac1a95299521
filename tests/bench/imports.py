"""What it costs to import the package, beside attrs, on which all of it stands.

Run it with the package installed::

    python tests/bench/imports.py

Each import runs in an interpreter of its own, which has done nothing else: it tells the processor
time between the line before and the line after, so that its own start is not counted. What was
compiled once is read from where Python keeps it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from _ratios import Ask, Comparison, told

ROUNDS = 41
PEER = "import attrs"
OURS = (
    "import shoppego_orders",
    "from shoppego_orders import Order",  # for information: it loads what an order is made of
)


def importing(statement: str) -> Ask:
    code = (
        f"import time; start = time.process_time(); {statement}; print(time.process_time() - start)"
    )
    # Where it is set, nothing would be kept.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def ask() -> float:
        command = [sys.executable, "-c", code]
        run = subprocess.run(command, capture_output=True, check=True, text=True, env=environment)
        return float(run.stdout)

    ask()  # compiles
    return ask


def comparisons(_folder: Path, _orders: int) -> Iterator[Comparison]:
    for statement in OURS:
        contenders = {statement: importing(statement), PEER: importing(PEER)}
        yield Comparison(f"`{statement}`", contenders, ROUNDS)


if __name__ == "__main__":
    told(comparisons(Path(), 0))
