"""PyArrow, which the extra ``arrow`` brings.

It ships no types: to the checkers all that comes of it is Any, and what a name means is said here.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeAlias

from shoppego_orders.errors import MissingExtra

__all__ = ["Array", "Batch", "DataType", "Reader", "Schema", "Table", "pa", "pa_fs", "pc"]

if find_spec("pyarrow") is None:
    raise MissingExtra("PyArrow", "arrow")

if TYPE_CHECKING:
    pa: Any
    pa_fs: Any
    pc: Any
else:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.fs as pa_fs

Array: TypeAlias = Any
"""A ``pyarrow.Array``."""
Batch: TypeAlias = Any
"""A ``pyarrow.RecordBatch``."""
DataType: TypeAlias = Any
"""A ``pyarrow.DataType``."""
Reader: TypeAlias = Any
"""A ``pyarrow.RecordBatchReader``: batches that come as they are asked for."""
Schema: TypeAlias = Any
"""A ``pyarrow.Schema``."""
Table: TypeAlias = Any
"""A ``pyarrow.Table``."""
