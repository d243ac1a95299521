"""Never half a file: what a full disk, a limit or the end of a process leaves of an export."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

# An export of many orders, in a process that the test can let die or run out of room.
EXPORT = """
import os, resource, signal, sys
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

from shoppego_orders import ExportRequest, LineItem, Money, Order, request_export, write_file
from shoppego_orders.adapters.memory import MemoryOrderStore, RecordingMailer
from shoppego_orders.adapters.shelf import DirectoryShelf
from shoppego_orders.errors import OrdersError
from shoppego_orders.export import export_csv

NOW = datetime(2026, 2, 1, tzinfo=UTC)
store = MemoryOrderStore()
for number in range(900):
    items = [LineItem("Kopi", 1, Money("3.00", "MYR"))]
    at = NOW + timedelta(seconds=number)
    store.save(Order.place(id=str(number), at=at, shop="s", currency="MYR", lines=items))
request, mailer = ExportRequest(), RecordingMailer()


def limit_files(size):
    # Then a write fails as on a full disk: midway, and told by the system.
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def dying(chunks, after):
    for number, chunk in enumerate(chunks):
        if number == after:
            os.kill(os.getpid(), signal.SIGKILL)
        yield chunk

"""


def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", EXPORT + code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(sys.platform == "win32", reason="it has no such signals and limits"),
]

FULL = """
limit_files(100_000)
try:
    {what}
except OrdersError as error:
    print(type(error).__name__, error)
print(len(mailer.messages))
"""


@pytest.mark.parametrize("before", [None, b"the last export"])
@pytest.mark.parametrize(
    "what",
    [
        "write_file('orders.csv', export_csv(store, request))",
        "DirectoryShelf('.').put('orders.csv', export_csv(store, request))",
        "request_export(store, mailer, request, to='a@example.my', now=NOW)",
    ],
)
def test_a_disk_that_becomes_full_is_told_and_leaves_what_was_there(
    tmp_path: Path, what: str, before: bytes | None
) -> None:
    if before is not None:
        (tmp_path / "orders.csv").write_bytes(before)
    done = run(FULL.format(what=what), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    told, mailed = done.stdout.splitlines()
    assert told.startswith("OutputNotWritten")
    assert told.endswith("was not written: File too large")
    assert mailed == "0"
    left = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert left == ({} if before is None else {"orders.csv": before})


@pytest.mark.parametrize(("before", "after"), [(None, 2), (b"the last export", 0)])
@pytest.mark.parametrize(
    "write",
    [
        "write_file('orders.csv', dying(export_csv(store, request), {after}))",
        "DirectoryShelf('.').put('orders.csv', dying(export_csv(store, request), {after}))",
    ],
)
def test_what_a_killed_process_leaves_never_passes_for_an_export(
    tmp_path: Path, write: str, after: int, before: bytes | None
) -> None:
    if before is not None:
        (tmp_path / "orders.csv").write_bytes(before)
    done = run(write.format(after=after), tmp_path)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "orders.csv").exists() is (before is not None)
    left = [file for file in tmp_path.iterdir() if file.name != "orders.csv"]
    assert len(left) == 1
    assert left[0].name.startswith(".")
    assert left[0].suffix == ".part"
    # It starts again, and what was left changes nothing.
    assert run("write_file('orders.csv', export_csv(store, request))", tmp_path).returncode == 0
    assert (tmp_path / "orders.csv").read_bytes().count(b"\r\n") == 901
