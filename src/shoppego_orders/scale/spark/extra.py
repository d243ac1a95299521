"""PySpark, which the extra ``spark`` brings."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from shoppego_orders.errors import MissingExtra
from shoppego_orders.scale.extra import Table

__all__ = ["DataFrame", "F", "StructType", "TaskContext", "blank", "cloudpickle", "collected"]

if find_spec("pyspark") is None:
    raise MissingExtra("PySpark", "spark")

from pyspark import TaskContext
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812  # as everybody calls it
from pyspark.sql.types import StructType

if TYPE_CHECKING:
    cloudpickle: Any  # Any: it has no types
else:
    from pyspark import cloudpickle


def collected(frame: DataFrame) -> Table:
    """Bring a frame to the driver."""
    untyped: Any = frame  # Any: PyArrow has no types
    return untyped.toArrow()


def blank(frame: DataFrame) -> Table:
    """A table with a frame's columns and no rows, for which nothing of the frame is computed."""
    session: Any = frame.sparkSession  # Any: its own are partly unknown
    return collected(session.createDataFrame([], frame.schema))
