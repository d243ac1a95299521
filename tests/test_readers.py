"""What others see in our files: data frames, a database, and a spreadsheet.

``nox -s readers`` brings the readers; those that are missing are skipped.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import zipfile
from datetime import UTC, datetime
from email import message_from_bytes, policy
from operator import itemgetter
from pathlib import Path
from typing import Any

import attrs
import pytest

from shoppego_orders.adapters.memory import MemoryOrderStore, RecordingMailer
from shoppego_orders.export import (
    EXCEL,
    PLAIN,
    SHOPPEGO,
    Column,
    ExportRequest,
    Profile,
    export_csv,
    request_export,
    write_csv,
    write_file,
)
from shoppego_orders.testing.samples import sample_orders

# Only where they are asked for: it takes half a minute.
SOFFICE = shutil.which("soffice") if os.environ.get("READERS") else None
HOSTILE = [
    ("=1+1", "60123456789"),
    ("+60 12-345 6789", "01000"),
    ("  =HYPERLINK(A1)", "EP1"),
    ("dua\nbaris; titik", "1E5"),
    ("'=9", "'5"),
    ("@SUM(A1:A9)", "=A1"),
    ('kata "dia", ya', "3-4"),
    ("陈伟明 \U0001f600 محمد", "00-00"),
    ("-", "+1"),
    ("", "''"),
]
PAIR = [
    Column[tuple[str, str]]("text", "Text", "text", itemgetter(0)),
    Column[tuple[str, str]]("identifier", "Identifier", "identifier", itemgetter(1)),
]


def stored() -> MemoryOrderStore:
    store = MemoryOrderStore()
    for order in sample_orders():
        store.save(order)
    return store


def files(folder: Path, profile: Profile) -> list[Path]:
    """One of orders in every state, and one of what customers type."""
    orders, hostile = folder / "orders.csv", folder / "hostile.csv"
    write_file(orders, export_csv(stored(), ExportRequest(profile=profile)))
    write_file(hostile, write_csv(HOSTILE, PAIR, profile=profile))
    return [orders, hostile]


def cells(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.reader(file, strict=True))


@pytest.mark.parametrize("profile", [PLAIN, EXCEL], ids=["plain", "excel"])
def test_pandas_reads_the_same_cells(profile: Profile, tmp_path: Path) -> None:
    pandas: Any = pytest.importorskip("pandas")
    for path in files(tmp_path, profile):
        frame = pandas.read_csv(path, dtype=str, keep_default_na=False)
        assert [list(frame.columns), *frame.to_numpy().tolist()] == cells(path)


@pytest.mark.parametrize("profile", [PLAIN, EXCEL], ids=["plain", "excel"])
def test_polars_reads_the_same_cells(profile: Profile, tmp_path: Path) -> None:
    polars: Any = pytest.importorskip("polars")
    for path in files(tmp_path, profile):
        frame = polars.read_csv(path, infer_schema=False)
        rows = [["" if cell is None else cell for cell in row] for row in frame.rows()]
        assert [frame.columns, *rows] == cells(path)


@pytest.mark.parametrize("profile", [PLAIN, EXCEL], ids=["plain", "excel"])
def test_duckdb_reads_the_same_cells(profile: Profile, tmp_path: Path) -> None:
    duckdb: Any = pytest.importorskip("duckdb")
    for path in files(tmp_path, profile):
        # DuckDB has no option for records that end with CRLF while cells hold LF.
        options = "all_varchar = true, header = true, quote = '\"', escape = '\"', delim = ','"
        found = duckdb.connect().execute(f"FROM read_csv('{path}', {options})")
        names = [name for name, *_ in found.description]
        rows = [["" if cell is None else cell for cell in row] for row in found.fetchall()]
        assert [names, *rows] == cells(path)


@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is asked by nox -s readers")
def test_libreoffice_opens_the_file_and_writes_the_same_cells(tmp_path: Path) -> None:
    profile = attrs.evolve(EXCEL, instants="spreadsheet")
    for path in files(tmp_path, profile):
        opened = converted(path, "fods")
        assert "table:formula" not in opened.read_text(encoding="utf-8")
        back = cells(converted(opened, f"csv:{LIKE_OURS}"))
        for ours, theirs in zip(cells(path), back, strict=True):
            assert list(map(as_a_spreadsheet_shows, ours)) == [
                as_a_spreadsheet_shows(cell) for cell in theirs
            ]


@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is asked by nox -s readers")
def test_libreoffice_takes_numbers_and_dates_for_what_they_are(tmp_path: Path) -> None:
    path, _ = files(tmp_path, attrs.evolve(EXCEL, instants="spreadsheet"))
    opened = converted(path, "fods").read_text(encoding="utf-8")
    assert 'office:value-type="date" office:date-value="2026-03-03T19:00:00"' in opened
    assert 'office:value-type="float" office:value="5.9"' in opened


def test_a_zip_from_a_mail_opens_and_holds_the_very_file(tmp_path: Path) -> None:
    mailer = RecordingMailer()
    request = ExportRequest(shop_name="Kedai Aminah ☕", columns=SHOPPEGO)
    now = datetime(2026, 3, 4, tzinfo=UTC)
    summary = request_export(stored(), mailer, request, to="a@example.my", now=now, limit=5_000)
    # As a server passes it on.
    message = message_from_bytes(mailer.messages[0].as_bytes(), policy=policy.default)
    (attached,) = message.iter_attachments()
    content = attached.get_content()
    assert isinstance(content, bytes)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [summary.file_name]
        assert archive.read(summary.file_name) == b"".join(export_csv(stored(), request))
    if (unzip := shutil.which("unzip")) is not None:
        (tmp_path / "orders.zip").write_bytes(content)
        subprocess.run([unzip, "-tq", tmp_path / "orders.zip"], check=True)


# Commas, double quotes, UTF-8; cells as they are shown, text quoted where it must be.
LIKE_OURS = "Text - txt - csv (StarCalc):44,34,76,1,,1033,false,true"


def converted(path: Path, to: str) -> Path:
    assert SOFFICE is not None
    out = path.parent / "out"
    profile = f"-env:UserInstallation={(path.parent / 'profile').as_uri()}"
    filters: list[str] = [f"--infilter={LIKE_OURS}"] if path.suffix == ".csv" else []
    asked = [SOFFICE, profile, "--headless", *filters, "--convert-to", to]
    asked += ["--outdir", str(out), str(path)]
    subprocess.run(asked, check=True, capture_output=True, timeout=120)
    return out / f"{path.stem}.{to.partition(':')[0]}"


def as_a_spreadsheet_shows(cell: str) -> str | float:
    """5.50 is shown as 5.5, false as FALSE, a date as its locale has it, a TAB not at all."""
    if cell.upper() in {"TRUE", "FALSE"}:
        return cell.upper()
    for form in ("%Y-%m-%d %H:%M:%S", "%m/%d/%y %I:%M %p", "%m/%d/%Y %H:%M:%S"):
        try:
            return datetime.strptime(cell, form).replace(second=0, tzinfo=UTC).timestamp()
        except ValueError:
            pass
    try:
        # A number has fifteen digits there.
        return float(f"{float(cell):.14g}")
    except ValueError:
        return cell.replace("\t", "")
