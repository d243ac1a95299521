"""Writing rows that are ready, beside ``csv.writer`` on the same data as ready-made texts.

Each is a row's time, of 25 columns.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from operator import itemgetter
from typing import Final
from zoneinfo import ZoneInfo

from _orders import COLUMNS, orders
from _ratios import Ask, Comparison, timed
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


def comparisons() -> Iterator[Comparison]:
    """Chunk by chunk; each chunk is another."""
    rows = list(islice(orders(HISTORY), CHUNKS * AT_ONCE))
    cells = [tuple(plain(reader(row)) for reader in READERS) for row in rows]
    written = drained(write_csv(rows, COLUMNS)).decode()
    texts = list(map(tuple, csv.reader(io.StringIO(written, newline=""))))[1:]
    assert drained(write_columns(turned(cells), COLUMNS)).decode() == written

    def asking(write: Callable[[slice], object]) -> Ask:
        starts = iter(range(0, CHUNKS * AT_ONCE, AT_ONCE))

        def ask() -> float:
            start = next(starts)
            return timed(lambda: write(slice(start, start + AT_ONCE)), AT_ONCE)

        return ask

    c: dict[str, Callable[[slice], object]] = {
        "csv.writer, ready-made text": lambda part: csv_writer(texts[part])
    }
    questions: dict[str, dict[str, Callable[[slice], object]]] = {
        "order rows to CSV": {
            "write_csv": lambda part: drained(write_csv(rows[part], COLUMNS)),
            **c,
            "the same rows, as one writes it first": lambda part: naive(rows[part]),
        },
        "integers of a database to CSV": {
            "write_columns": lambda part: drained(write_columns(turned(cells[part]), COLUMNS)),
            **c,
        },
        "ready-made text to CSV": {
            "write_columns": lambda part: drained(write_columns(turned(texts[part]), TEXT_COLUMNS)),
            **c,
        },
        "ready-made text to CSV, every cell needs quotes and a guard": {
            "write_columns": lambda _: drained(write_columns(turned(DIRTY), TEXT_COLUMNS)),
            "csv.writer, with quotes alone": lambda _: csv_writer(DIRTY),
        },
    }
    for question, contenders in questions.items():
        asked = {name: asking(write) for name, write in contenders.items()}
        yield Comparison(question, asked, CHUNKS, CHUNKS)
