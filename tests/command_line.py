"""The command line run in the tests' own process, and what came of it."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from shoppego_orders.cli import main


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # Any: what each command prints is the test's to know
        return json.loads(self.out)


Run = Callable[..., Ran]


def runner(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Make what runs a command line; ``given`` is its standard input."""

    def ran(*args: str | Path, given: str | bytes = b"") -> Ran:
        content = given.encode() if isinstance(given, str) else given
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        capsys.readouterr()
        code = main([str(arg) for arg in args])
        told = capsys.readouterr()
        return Ran(code, told.out, told.err)

    return ran
