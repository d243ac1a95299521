"""The same answers over Arrow: for reports over every shop's history, and for data frames.

Whatever speaks Arrow's PyCapsule interface goes in (pandas, Polars, DuckDB, PyArrow, the tables of
Spark's ``toArrow``), batch by batch, and Arrow comes out. The kernel itself answers, so rules,
tables of sources, models and columns of your own work here as they do anywhere else. The extra
``arrow`` brings PyArrow.
"""

from shoppego_orders.scale.abandonment import judge
from shoppego_orders.scale.attribution import attribute, credit
from shoppego_orders.scale.export import export
from shoppego_orders.scale.fields import line_schema, order_schema
from shoppego_orders.scale.parts import Manifest, Part, read_manifest, read_parts
from shoppego_orders.scale.rows import lines_of, rows_of
from shoppego_orders.scale.sales import report
from shoppego_orders.scale.writing import line_batches, order_batches

__all__ = [
    "Manifest",
    "Part",
    "attribute",
    "credit",
    "export",
    "judge",
    "line_batches",
    "line_schema",
    "lines_of",
    "order_batches",
    "order_schema",
    "read_manifest",
    "read_parts",
    "report",
    "rows_of",
]
