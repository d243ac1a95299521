"""What is done on the workers: how it gets there, and what is seen to before it begins."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from threading import Lock
from typing import TYPE_CHECKING, Final, TypeAlias

from shoppego_orders.scale.extra import Batch
from shoppego_orders.scale.fields import Field
from shoppego_orders.scale.frames import open_frame
from shoppego_orders.scale.spark.extra import DataFrame, StructType, blank, cloudpickle

if TYPE_CHECKING:
    from pyspark import SparkContext

Work: TypeAlias = Callable[[Iterator[Batch]], Iterator[Batch]]
"""What is done with the batches of one partition; there is one batch at least."""


def with_our_names(
    frame: DataFrame, fields: Iterable[Field], names: Mapping[str, str] | None
) -> DataFrame:
    """Take the columns that are needed, under our names, and no others.

    :param names: the frame's own, by ours, where they differ.
    :raises InvalidValue: for a name of ours that none of the fields has.
    :raises InvalidFrame: for columns that are missing or of the wrong type.
    """
    opened = open_frame(blank(frame), fields, names)
    there = set(opened.schema.names)
    return frame.select(
        [
            frame[f"`{theirs.replace('`', '``')}`"].alias(ours)
            for ours, theirs in opened.names.items()
            if theirs in there
        ]
    )


def mapped(frame: DataFrame, work: Work, schema: StructType | str) -> DataFrame:
    """Let workers do something with each partition, once, and from its first row to its last.

    :param work: travels as a value, with all that it holds.
    :param schema: of what it makes.
    """
    with _drivers_python(frame.sparkSession.sparkContext):
        return frame.mapInArrow(task_of(work), schema)  # pyright: ignore[reportUnknownMemberType]  # PyArrow has no types


def task_of(work: Work) -> Work:
    """Make what is sent: it sees to the version before it does the work."""
    ours, payload = version("shoppego-orders"), cloudpickle.dumps(work)

    # It is sent as code, not by name, and so runs where the package is missing or another one.
    def task(batches: Iterator[Batch]) -> Iterator[Batch]:
        import pickle
        from importlib.metadata import PackageNotFoundError, version
        from itertools import chain

        try:
            theirs = version("shoppego-orders")
        except PackageNotFoundError:
            theirs = "missing"
        if theirs != ours:
            raise ImportError(
                f"shoppego-orders is {theirs} on a worker; expected {ours}, which the driver has"
            )
        first = next(batches, None)
        if first is not None:
            yield from pickle.loads(payload)(chain([first], batches))  # noqa: S301  # the driver's own

    return task


@contextmanager
def _drivers_python(context: SparkContext) -> Generator[None]:
    """Have workers run the driver's Python, unless ``PYSPARK_PYTHON`` says which.

    PySpark's own choice is whatever ``python3`` there is, which may lack this package.
    """
    if "PYSPARK_PYTHON" in os.environ:
        yield
        return
    with _CHOICE:
        chosen, context.pythonExec = context.pythonExec, sys.executable
        try:
            yield
        finally:
            context.pythonExec = chosen


_CHOICE: Final = Lock()
