"""Writing rows that are ready, beside ``csv.writer`` on the same data as ready-made texts."""

from __future__ import annotations

import csv
import io
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from operator import itemgetter
from typing import Final
from zoneinfo import ZoneInfo

from _orders import COLUMNS, orders
from shoppego_orders.export import Batch, Column, Value, write_columns, write_csv
from shoppego_orders.money import Money
from shoppego_orders.order import OrderRow
from shoppego_orders.periods import SHOP_TIME_ZONE, epoch_micros

CHUNKS: Final = 21
AT_ONCE: Final = 4_000
HISTORY: Final = 1_000_000
READERS: Final = [column.reader for column in COLUMNS]
TEXT_COLUMNS: Final = [
    Column[Sequence[str]](column.key, "", "text", itemgetter(place))
    for place, column in enumerate(COLUMNS)
]
DIRTY: Final = [
    tuple(f'=Kedai "Maju" {row},\n no {column}' for column in range(len(COLUMNS)))
    for row in range(AT_ONCE)
]


def plain(value: Value) -> object:
    if isinstance(value, Money):
        return value.minor
    return epoch_micros(value) if isinstance(value, datetime) else value


def turned(rows: Sequence[Sequence[object]]) -> Iterator[Batch]:
    """As columns, as many at once as the writer itself takes."""
    for start in range(0, len(rows), 400):
        yield list(zip(*rows[start : start + 400], strict=True))


def drained(chunks: Iterable[bytes]) -> bytes:
    out = io.BytesIO()
    out.writelines(chunks)
    return out.getvalue()


def csv_writer(texts: Iterable[Sequence[str]]) -> bytes:
    out = io.BytesIO()
    with io.TextIOWrapper(out, encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(texts)
        file.flush()
        return out.getvalue()


def naive(rows: Iterable[OrderRow]) -> bytes:
    """What one writes first: each value turned into text, one after the other."""
    out, zone = io.BytesIO(), ZoneInfo(SHOP_TIME_ZONE)
    with io.TextIOWrapper(out, encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for row in rows:
            cells: list[object] = []
            for reader in READERS:
                value = reader(row)
                if isinstance(value, datetime):
                    value = value.astimezone(zone).isoformat()
                elif isinstance(value, Money):
                    value = f"{value.amount:.2f}"
                elif isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
                    value = f"'{value}"
                cells.append(value)
            writer.writerow(cells)
        file.flush()
        return out.getvalue()


def compare() -> None:
    """In turn, chunk by chunk; the median of the ratios counts."""
    rows = list(islice(orders(HISTORY), CHUNKS * AT_ONCE))
    cells = [tuple(plain(reader(row)) for reader in READERS) for row in rows]
    written = drained(write_csv(rows, COLUMNS)).decode()
    texts = list(map(tuple, csv.reader(io.StringIO(written, newline=""))))[1:]
    assert drained(write_columns(turned(cells), COLUMNS)).decode() == written
    contenders: dict[str, tuple[str, Callable[[slice], object]]] = {
        "C": ("C", lambda part: csv_writer(texts[part])),
        "order rows": ("C", lambda part: drained(write_csv(rows[part], COLUMNS))),
        "plain cells": ("C", lambda part: drained(write_columns(turned(cells[part]), COLUMNS))),
        "texts": ("C", lambda part: drained(write_columns(turned(texts[part]), TEXT_COLUMNS))),
        "naive, from order rows": ("C", lambda part: naive(rows[part])),
        "C, all dirty": ("C, all dirty", lambda _: csv_writer(DIRTY)),
        "texts, all dirty": (
            "C, all dirty",
            lambda _: drained(write_columns(turned(DIRTY), TEXT_COLUMNS)),
        ),
    }
    took: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(CHUNKS):
        part = slice(number * AT_ONCE, (number + 1) * AT_ONCE)
        for name, (_, write) in contenders.items():
            start = time.process_time()
            write(part)
            took[name].append(time.process_time() - start)
    for name, (against, _) in contenders.items():
        ratios = [them / us for them, us in zip(took[against], took[name], strict=True)]
        each = statistics.median(took[name]) / AT_ONCE
        print(
            f"  {1 / each:9,.0f} rows/s, {each * 1e6:5.2f} µs a row,"
            f" {statistics.median(ratios):4.2f} {against:12}  {name}"
        )
