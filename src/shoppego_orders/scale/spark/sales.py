"""What was sold, added up by all the workers of a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from shoppego_orders.export import By, SalesReport
from shoppego_orders.export.sales import AMOUNTS, COUNTS, Cell, Tally
from shoppego_orders.periods import SHOP_TIME_ZONE, time_zone
from shoppego_orders.scale.extra import Batch, Table, pa
from shoppego_orders.scale.sales import reported_fields, reported_rows
from shoppego_orders.scale.spark.extra import DataFrame, F, collected
from shoppego_orders.scale.spark.tasks import mapped, with_our_names
from shoppego_orders.scale.writing import chunks
from shoppego_orders.texts import word_of


def report(
    frame: DataFrame,
    by: By | str = By.DAY,
    *,
    tz: str = SHOP_TIME_ZONE,
    names: Mapping[str, str] | None = None,
) -> Table:
    """Add a frame's orders up, as :func:`~shoppego_orders.scale.report` does.

    Each customer's orders are brought together, since one of them is the first; a worker holds its
    sums and the first sale of each of its customers. The sums of the workers are added by Spark.

    :param frame: orders; or, by product, line items with all the columns of their own.
    :param by: what the sums are told apart by, besides the currency.
    :param tz: the shop's IANA time zone, in which days begin.
    :param names: the frame's own, by ours, where they differ.
    :returns: a ``pyarrow.Table``, as ``SalesReport.to_arrow`` gives it.
    :raises InvalidFrame: for columns that are missing or of the wrong type. What is wrong with
        rows is told by Spark when they are read.
    :raises UnknownTimeZone: when IANA lists no such zone.
    """
    kind = word_of(By, by, "by")
    time_zone(tz)
    orders = with_our_names(frame, reported_fields(kind), names)
    if kind is not By.PRODUCT:
        orders = orders.repartition("shop", F.coalesce("customer_key", "id"))
    keys = _PRODUCT if kind is By.PRODUCT else _CELL
    columns = [f"{name} {type_}" for name, type_ in keys.items()]
    columns += [f"{name} {_NUMBER}" for name in _NUMBERS]
    parts = mapped(orders, partial(_sums, kind=kind, tz=tz), ", ".join(columns))
    sums = [F.sum(name).cast(_NUMBER).alias(name) for name in _NUMBERS]
    tally = _tally(collected(parts.groupBy(*keys).agg(*sums)), kind)
    return SalesReport(tz, "", tally).to_arrow(kind)


_CELL: Final = dict.fromkeys(Cell._fields, "string") | {"day": "date"}
_PRODUCT: Final = {"product": "string", "currency": "string"}
_NUMBER: Final = "decimal(38, 0)"
_NUMBERS: Final = (*COUNTS, *AMOUNTS)


def _sums(batches: Iterator[Batch], *, kind: By, tz: str) -> Iterator[Batch]:
    tally = Tally(1)
    tally.take(reported_rows(batches, kind), time_zone(tz), None)
    sums = tally.products if kind is By.PRODUCT else tally.cells
    schema = _schema(kind)
    for some in chunks(sums.items()):
        columns = zip(*((*key, *numbers) for key, numbers in some), strict=True)
        yield pa.RecordBatch.from_pydict(
            dict(zip(schema.names, columns, strict=True)), schema=schema
        )


def _schema(kind: By) -> Any:  # Any: PyArrow has no types
    keys = _PRODUCT if kind is By.PRODUCT else _CELL
    types = {"string": pa.string(), "date": pa.date32()}
    fields = [(name, types[type_]) for name, type_ in keys.items()]
    return pa.schema([*fields, *((name, pa.decimal128(38, 0)) for name in _NUMBERS)])


def _tally(sums: Table, kind: By) -> Tally:
    tally = Tally(1)
    columns = [column.to_pylist() for column in sums.itercolumns()]
    for row in zip(*columns, strict=True):
        key, numbers = row[: -len(_NUMBERS)], list(map(int, row[-len(_NUMBERS) :]))
        if kind is By.PRODUCT:
            tally.products[key] = numbers
        else:
            tally.cells[Cell(*key)] = numbers
    return tally
