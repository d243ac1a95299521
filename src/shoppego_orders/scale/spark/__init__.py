"""The same answers on a cluster: the kernel itself, once over each partition of a Spark frame.

A Spark ``DataFrame`` goes in, with the columns of :mod:`shoppego_orders.scale`. Policies, tables of
sources and columns travel as values, rules of your own included, and the package must be of one
version everywhere. The extra ``spark`` brings PySpark.
"""

from shoppego_orders.scale.spark.abandonment import abandoned
from shoppego_orders.scale.spark.attribution import attribute
from shoppego_orders.scale.spark.export import export
from shoppego_orders.scale.spark.sales import report

__all__ = ["abandoned", "attribute", "export", "report"]
