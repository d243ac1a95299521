"""Who writes orders out of SQLite into a CSV file: ours, and what else a shop might take.

Every contender asks the same table the same question, and writes what ours writes: times in the
shop's zone with their offset, amounts with two decimals, text guarded against formulas. Those
that hold data in columns take it a few ten thousand rows at a time, as ours takes hundreds.
"""

from __future__ import annotations

import csv
import importlib
import json
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from _judging import peak
from _orders import CHOSEN, COLUMNS, FIELDS, orders
from shoppego_orders.adapters.sql import SqlOrderStore
from shoppego_orders.adapters.sql.columns import values_of
from shoppego_orders.export import ColumnKind, ExportRequest, export_csv, write_csv
from shoppego_orders.periods import SHOP_TIME_ZONE
from shoppego_orders.query import OrderQuery

Contender = Callable[[Path, Path], None]

QUESTION: Final = f"SELECT {', '.join(FIELDS)} FROM shoppego_orders ORDER BY placed_at, id"
AT_ONCE: Final = 50_000
HEADER: Final = [column.key for column in COLUMNS]
FORMULA: Final = r"^'*\s*[=+\-@\t\r\n＝＋－＠]"
ZONE: Final = SHOP_TIME_ZONE


def fill(path: Path, count: int) -> None:
    """A store of so many orders, each with a document of usual size; written past the store."""
    SqlOrderStore.open(path).close()
    names = [*values_of(next(orders(1))), "version", "document"]
    document = "x" * 1200
    database = sqlite3.connect(path)
    database.execute("PRAGMA synchronous = off")
    database.executemany(
        f"INSERT INTO shoppego_orders ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
        ((*values_of(row).values(), 1, document) for row in orders(count)),
    )
    database.commit()
    database.close()


def of_kind(*kinds: ColumnKind) -> list[str]:
    return [field for field, column in zip(FIELDS, COLUMNS, strict=True) if column.kind in kinds]


MONEY: Final = of_kind(ColumnKind.MONEY)
INSTANTS: Final = of_kind(ColumnKind.INSTANT)
TEXTS: Final = of_kind(ColumnKind.TEXT, ColumnKind.IDENTIFIER)


def answers(path: Path) -> Iterator[list[tuple[Any, ...]]]:
    found = sqlite3.connect(path).execute(QUESTION)
    while some := found.fetchmany(AT_ONCE):
        yield some


# Ours


def ours(path: Path, out: Path) -> None:
    """Rows straight from columns."""
    with SqlOrderStore.open(path) as store, out.open("wb") as file:
        request = ExportRequest(columns=CHOSEN)
        for chunk in export_csv(store, request):
            file.write(chunk)


def ours_of_rows(path: Path, out: Path) -> None:
    """Any store's way: each row an OrderRow with money and instants."""
    with SqlOrderStore.open(path) as store, out.open("wb") as file:
        for chunk in write_csv(store.rows(OrderQuery()), COLUMNS):
            file.write(chunk)


# The floor, and the standard library


def reading_alone(path: Path, out: Path) -> None:
    """What nobody can be faster than in Python: the driver's rows, and nothing done to them."""
    found = sqlite3.connect(path).execute(QUESTION)
    while found.fetchmany(1000):
        pass
    out.touch()


def csv_writer_alone(path: Path, out: Path) -> None:
    """The rows as the driver gives them: unreadable times, amounts in sen, no guard."""
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(sqlite3.connect(path).execute(QUESTION))


def csv_writer(path: Path, out: Path) -> None:
    """The usual loop."""
    zone, places = ZoneInfo(ZONE), {name: place for place, name in enumerate(FIELDS)}
    money, instants, texts = (
        [places[name] for name in names] for names in (MONEY, INSTANTS, TEXTS)
    )
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for found in sqlite3.connect(path).execute(QUESTION):
            row = list(found)
            for place in money:
                row[place] = f"{row[place] / 100:.2f}"
            for place in instants:
                if row[place] is not None:
                    at = epoch + timedelta(microseconds=row[place])
                    row[place] = at.astimezone(zone).isoformat()
            for place in texts:
                if row[place] and row[place].lstrip().startswith(("=", "+", "-", "@")):
                    row[place] = f"'{row[place]}"
            writer.writerow(row)


def two_decimals(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"


# Others. Without types, as all that comes of them.


def pandas_to_csv(path: Path, out: Path) -> None:
    pandas: Any = importlib.import_module("pandas")
    connection = sqlite3.connect(path)
    mode = "w"
    for frame in pandas.read_sql_query(QUESTION, connection, chunksize=AT_ONCE):
        for name in MONEY:
            frame[name] = frame[name].map(two_decimals)
        for name in INSTANTS:
            at = pandas.to_datetime(frame[name], unit="us", utc=True).dt.tz_convert(ZONE)
            texts = at.dt.strftime("%Y-%m-%dT%H:%M:%S%z")
            frame[name] = texts.str.slice(0, 22) + ":" + texts.str.slice(22)
        for name in TEXTS:
            formula = frame[name].str.contains(FORMULA, regex=True)
            frame.loc[formula, name] = "'" + frame.loc[formula, name]
        frame.to_csv(
            out,
            mode=mode,
            index=False,
            header=HEADER if mode == "w" else False,
            lineterminator="\r\n",
        )
        mode = "a"


def polars_write_csv(path: Path, out: Path) -> None:
    polars: Any = importlib.import_module("polars")
    kinds = dict.fromkeys(FIELDS, polars.Utf8)
    kinds |= dict.fromkeys((*MONEY, *INSTANTS, "units"), polars.Int64)
    cell = polars.col

    def told(name: str) -> Any:
        if name in MONEY:
            whole, part = cell(name) // 100, cell(name) % 100
            return (whole.cast(polars.Utf8) + "." + part.cast(polars.Utf8).str.zfill(2)).alias(name)
        if name in INSTANTS:
            at = polars.from_epoch(cell(name), time_unit="us").dt.replace_time_zone("UTC")
            return at.dt.convert_time_zone(ZONE).dt.strftime("%Y-%m-%dT%H:%M:%S%:z").alias(name)
        if name in TEXTS:
            formula = cell(name).str.contains(FORMULA)
            return polars.when(formula).then("'" + cell(name)).otherwise(cell(name)).alias(name)
        return cell(name)

    wanted = [told(name) for name in FIELDS]
    with out.open("wb") as file:
        file.write((",".join(HEADER) + "\r\n").encode())
        for some in answers(path):
            frame = polars.DataFrame(some, schema=kinds, orient="row")
            frame.select(wanted).write_csv(file, include_header=False, line_terminator="\r\n")


def arrow_table(arrow: Any, some: list[tuple[Any, ...]]) -> Any:
    numbers = {*MONEY, *INSTANTS, "units"}
    return arrow.table(
        {
            name: arrow.array(values, arrow.int64() if name in numbers else arrow.string())
            for name, values in zip(FIELDS, zip(*some, strict=True), strict=True)
        }
    )


def arrow_write_csv(path: Path, out: Path) -> None:
    arrow: Any = importlib.import_module("pyarrow")
    compute: Any = importlib.import_module("pyarrow.compute")
    arrow_csv: Any = importlib.import_module("pyarrow.csv")
    text = arrow.string()

    def told(name: str, cells: Any) -> Any:
        if name in MONEY:
            decimal = cells.cast(arrow.decimal128(20, 0))
            scaled = compute.multiply(decimal, arrow.scalar(1, arrow.decimal128(1, 0)))
            return (
                compute.divide(
                    scaled.cast(arrow.decimal128(24, 2)), arrow.scalar(100, arrow.decimal128(3, 0))
                )
                .cast(arrow.decimal128(24, 2))
                .cast(text)
            )
        if name in INSTANTS:
            at = cells.cast(arrow.timestamp("us", "UTC")).cast(
                arrow.timestamp("s", ZONE), safe=False
            )
            return compute.replace_substring_regex(
                compute.strftime(at, "%Y-%m-%dT%H:%M:%S%z"), r"(\d\d)$", r":\1"
            )
        if name in TEXTS:
            formula = compute.match_substring_regex(cells, FORMULA)
            guarded = compute.binary_join_element_wise("'", cells, "")
            return compute.if_else(formula, guarded, cells)
        return cells

    kinds = [arrow.int64() if name == "units" else text for name in FIELDS]
    schema = arrow.schema(list(zip(HEADER, kinds, strict=True)))
    options = arrow_csv.WriteOptions(quoting_style="needed")
    with arrow_csv.CSVWriter(out, schema, write_options=options) as writer:
        for some in answers(path):
            table = arrow_table(arrow, some)
            columns = [told(name, table[name]) for name in FIELDS]
            writer.write_table(arrow.table(columns, schema=schema))


def duckdb_copy(path: Path, out: Path) -> None:
    arrow: Any = importlib.import_module("pyarrow")
    duckdb: Any = importlib.import_module("duckdb")
    database = duckdb.connect()
    database.execute(f"SET TimeZone = '{ZONE}'")
    database.execute("SET enable_progress_bar = false")

    def told(name: str) -> str:
        if name in MONEY:
            return f"({name} // 100)::VARCHAR || '.' || lpad(({name} % 100)::VARCHAR, 2, '0')"
        if name in INSTANTS:
            at = f"timezone('{ZONE}', make_timestamptz({name}))"
            return f"strftime({at}, '%Y-%m-%dT%H:%M:%S') || '+08:00'"
        if name in TEXTS:
            pattern = FORMULA.replace("'", "''")
            return (
                f"CASE WHEN regexp_matches({name}, '{pattern}') THEN '''' || {name} ELSE {name} END"
            )
        return name

    wanted = ", ".join(f"{told(name)} AS {key}" for name, key in zip(FIELDS, HEADER, strict=True))
    question, part = f"SELECT {wanted} FROM chunk", out.with_suffix(".part")
    with out.open("wb") as file:
        file.write((",".join(HEADER) + "\r\n").encode())
        for some in answers(path):
            database.register("chunk", arrow_table(arrow, some))
            database.execute(f"COPY ({question}) TO '{part}' (FORMAT csv, HEADER false)")
            file.write(part.read_bytes())
    part.unlink()


def django_import_export(path: Path, out: Path) -> None:
    """As an admin's export action does it: a queryset, a resource, a data set, its text."""
    settings: Any = importlib.import_module("django.conf").settings
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}},
        INSTALLED_APPS=["import_export"],
        USE_TZ=True,
        TIME_ZONE=ZONE,
    )
    importlib.import_module("django").setup()
    models: Any = importlib.import_module("django.db.models")
    resources: Any = importlib.import_module("import_export.resources")
    fields: Any = importlib.import_module("import_export.fields")
    zone = ZoneInfo(ZONE)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    numbers = {*MONEY, *INSTANTS, "units"}
    columns: dict[str, Any] = {
        name: models.BigIntegerField(null=True) if name in numbers else models.TextField(null=True)
        for name in FIELDS
    }
    meta = type("Meta", (), {"db_table": "shoppego_orders", "managed": False, "app_label": "shop"})
    key = models.TextField(primary_key=True)
    model: Any = type(
        "Order", (models.Model,), {"__module__": __name__, "Meta": meta, "id": key, **columns}
    )

    def told(name: str) -> Callable[[Any, Any], str]:
        def text(_resource: Any, order: Any) -> str:
            value = getattr(order, name)
            if value is None:
                return ""
            if name in MONEY:
                return f"{value / 100:.2f}"
            at = epoch + timedelta(microseconds=value)
            return at.astimezone(zone).isoformat()

        return text

    shown: dict[str, Any] = {name: fields.Field(attribute=name) for name in FIELDS}
    methods = {f"dehydrate_{name}": told(name) for name in (*MONEY, *INSTANTS)}
    meta = type("Meta", (), {"model": model, "fields": FIELDS, "export_order": FIELDS})
    resource: Any = type("Orders", (resources.ModelResource,), {"Meta": meta, **shown, **methods})
    data = resource().export(queryset=model.objects.order_by("placed_at", "id"))
    out.write_text(data.csv, encoding="utf-8", newline="")


CONTENDERS: Final[dict[str, Contender]] = {
    "ours, straight from columns": ours,
    "ours, from order rows": ours_of_rows,
    "reading alone (the floor)": reading_alone,
    "csv.writer, nothing formatted": csv_writer_alone,
    "csv.writer, the usual loop": csv_writer,
    "Polars": polars_write_csv,
    "PyArrow": arrow_write_csv,
    "DuckDB": duckdb_copy,
    "pandas": pandas_to_csv,
    "django-import-export": django_import_export,
}


NEEDS: Final = {
    "Polars": ["polars"],
    "PyArrow": ["pyarrow", "pyarrow.compute", "pyarrow.csv"],
    "DuckDB": ["pyarrow", "duckdb"],
    "pandas": ["pandas"],
    "django-import-export": ["django", "import_export", "tablib"],
}


def available(name: str) -> bool:
    try:
        for module in NEEDS.get(name, []):
            importlib.import_module(module)
    except ImportError:
        return False
    return True


def measure(name: str, path: Path, out: Path) -> dict[str, float]:
    """Let one contender write its file, and say what that cost."""
    available(name)
    bare, start = peak(), (time.perf_counter(), time.process_time())
    CONTENDERS[name](path, out)
    return {
        "wall": time.perf_counter() - start[0],
        "cpu": time.process_time() - start[1],
        "memory": peak() - bare,
        "bytes": out.stat().st_size,
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
