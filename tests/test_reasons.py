"""What switches a check off says why: each ``Any`` in the package has its reason beside it."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

import shoppego_orders

PACKAGE = Path(shoppego_orders.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))


def unexplained(source: str) -> Iterator[int]:
    """The lines of statements with ``Any`` that no comment in them, or right above, explains.

    The docstring of a module that is all about what has no type may do it for all of them.
    """
    if re.search(r"\bis Any\b", ast.get_docstring(ast.parse(source)) or ""):
        return
    above = told = False
    first: int | None = None
    inside: list[tokenize.TokenInfo] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        match token.type:
            case tokenize.COMMENT:
                told = told or "Any: " in token.string
            case tokenize.NL if not inside:
                above, told = told, False
            case tokenize.NEWLINE:
                imported = inside[0].string in {"from", "import"}
                if first is not None and not (imported or above or told):
                    yield first
                above = told = False
                first, inside = None, []
            case tokenize.NL | tokenize.INDENT | tokenize.DEDENT | tokenize.ENDMARKER:
                pass
            case _:
                inside.append(token)
                if token.type == tokenize.NAME and token.string == "Any" and first is None:
                    first = token.start[0]


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("from typing import Any\n", []),
        ("x: Any = 1\n", [1]),
        ("x: Any = 1  # Any: who knows\n", []),
        ("x: Any = 1  # who knows\n", [1]),
        ("# Any: who knows\nx: Any = 1\n", []),
        ("# Any: who knows\n\nx: Any = 1\n", [3]),
        ("# Any: who knows\nx: Any = 1\ny: Any = 1\n", [3]),
        ('"""What is read is Any."""\nx: Any = 1\n', []),
        ('"""Anything is read."""\nx: Any = 1\n', [2]),
        ("def f(\n    x: Any,  # Any: who knows\n) -> Any: ...\n", []),
        ("def f(\n    x: int,\n    y: Any,\n) -> None:\n    z: Any = x  # Any: who knows\n", [3]),
    ],
)
def test_an_any_without_a_reason_is_found(source: str, lines: list[int]) -> None:
    assert list(unexplained(source)) == lines


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_each_any_has_its_reason_beside_it(path: Path) -> None:
    assert list(unexplained(path.read_text(encoding="utf-8"))) == []
