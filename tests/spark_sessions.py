"""Spark on this machine: in one process, or as a cluster of a master and two workers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import which
from typing import Any

import pyspark
import pytest
from pyspark.sql import DataFrame, SparkSession

from abandonment_examples import begun
from shoppego_orders.order import OrderRow

LOOPBACK = "127.0.0.1"
ANOTHER_ZONE = "Asia/Kuala_Lumpur"
"""Spark shows and hands out instants in the zone of its session; no answer depends on it."""


MARKS = [
    pytest.mark.once,
    pytest.mark.skipif(which("java") is None, reason="there is no Java here"),
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
    # The gateway to Java keeps its connections until the process ends.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
"""Of every file with such tests."""


@contextmanager
def session(master: str, folder: Path, **settings: str) -> Generator[SparkSession]:
    """Run a session, whose files are in a folder of the test's."""
    builder = SparkSession.builder.master(master).config("spark.driver.host", LOOPBACK)
    fixed = {
        "spark.driver.bindAddress": LOOPBACK,
        "spark.local.dir": str(folder / "local"),
        "spark.log.level": "OFF",
        "spark.sql.session.timeZone": ANOTHER_ZONE,
        "spark.sql.shuffle.partitions": "3",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    for name, value in {**fixed, **settings}.items():
        builder = builder.config(name, value)
    found = builder.getOrCreate()
    try:
        yield found
    finally:
        found.stop()


@contextmanager
def cluster(folder: Path, cores: int = 1) -> Generator[str]:
    """Run a master and two workers.

    :returns: the master's address.
    """
    with ExitStack() as running:
        log = running.enter_context(_daemon(folder, "master", "--port", "0"))
        address = _found(log, r"Starting Spark master at (\S+)")
        for number in ("1", "2"):
            arguments = ("--cores", str(cores), "--memory", "1g", address)
            log = running.enter_context(_daemon(folder, "worker", *arguments, number=number))
            _found(log, "Successfully registered with master")
        yield address


@contextmanager
def _daemon(folder: Path, role: str, *arguments: str, number: str = "") -> Generator[Path]:
    home, log = Path(pyspark.__file__).parent, folder / f"{role}{number}.log"
    work = folder / f"{role}{number}"
    work.mkdir(parents=True)
    command = [
        str(home / "bin" / "spark-class"),
        f"org.apache.spark.deploy.{role}.{role.capitalize()}",
        *("--host", LOOPBACK, "--webui-port", "0", *arguments),
    ]
    if role == "worker":
        command += ["--work-dir", str(work)]
    environment = os.environ | {
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": LOOPBACK,
    }
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env=environment, cwd=work)
    try:
        yield log
    finally:
        process.terminate()
        process.wait(30)


def _found(log: Path, pattern: str) -> str:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if found := re.search(pattern, log.read_text("utf-8", "replace")):
            return found[found.lastindex or 0]
        time.sleep(0.1)
    sys.stderr.write(log.read_text("utf-8", "replace"))
    raise AssertionError(f"{pattern} is not in {log.name}")


def framed(session: SparkSession, frame: Any, parts: int = 2) -> DataFrame:
    """A frame in some partitions, in no order."""
    # PySpark takes no columns without chunks.
    some = frame if frame.num_rows else frame.schema.empty_table()
    untyped: Any = session  # as PyArrow is
    made: DataFrame = untyped.createDataFrame(some)
    return made.repartition(parts)


def said(frame: DataFrame) -> list[dict[str, Any]]:
    """What an answer says, order by order."""
    rows = spark_table(frame).to_pylist()
    return sorted(rows, key=lambda row: row["order_id"])


def spark_table(frame: DataFrame) -> Any:
    untyped: Any = frame  # as PyArrow is
    return untyped.toArrow()


def begun_row(**values: Any) -> OrderRow:
    return OrderRow.of(begun())._replace(**values)
