"""The notebooks: run cell by cell, and written as pages with what each cell shows.

They are kept without outputs, so what a page shows was made when the page was.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, cast

NOTEBOOKS = sorted((Path(__file__).parent / "notebooks").glob("*.ipynb"))


class Cell(NamedTuple):
    """A cell of a notebook.

    :ivar alt: what the picture that it shows would tell somebody who can't see it.
    """

    is_code: bool
    text: str
    alt: str


class Output(NamedTuple):
    """What a cell printed, and the value of its last line; None for none."""

    printed: str
    value: object


def cells_of(notebook: Path) -> list[Cell]:
    """The cells of a notebook, from the top."""
    document = json.loads(notebook.read_text(encoding="utf-8"))
    return [
        Cell(cell["cell_type"] == "code", "".join(cell["source"]), cell["metadata"].get("alt", ""))
        for cell in document["cells"]
    ]


def run(notebook: Path) -> Iterator[tuple[Cell, Output]]:
    """Run the cells of a notebook, as a reader would; those of text have no output."""
    namespace: dict[str, object] = {"__name__": "__main__"}
    for number, cell in enumerate(cells_of(notebook), 1):
        if not cell.is_code:
            yield cell, Output("", None)
            continue
        body = ast.parse(cell.text).body
        last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
        name = f"{notebook.name}, cell {number}"
        printed = io.StringIO()
        value: object = None
        with contextlib.redirect_stdout(printed):
            exec(compile(ast.Module(body, []), name, "exec"), namespace)
            if isinstance(last, ast.Expr):
                value = eval(compile(ast.Expression(last.value), name, "eval"), namespace)
        yield cell, Output(printed.getvalue(), value)


def write_page(name: str, shown: Iterable[tuple[Cell, Output]], folder: Path) -> None:
    """Write what running a notebook gave as a page, with its pictures, into a folder."""
    parts: list[str] = []
    for cell, output in shown:
        parts.append(f"```python\n{cell.text}\n```" if cell.is_code else cell.text)
        if output.printed:
            parts.append(f"```text\n{output.printed}```")
        if output.value is not None:
            parts.append(_shown(output.value, cell.alt, folder / f"{name}-{len(parts)}"))
    (folder / f"{name}.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _shown(value: object, alt: str, place: Path) -> str:
    """What a notebook shows of a value, as Markdown."""
    picture = getattr(value, "_repr_png_", None)
    if picture is not None:
        path = place.with_suffix(".png")
        path.write_bytes(cast("bytes", picture()))
        return f"![{alt}]({path.name})"
    html = getattr(value, "_repr_html_", None)
    if html is not None:
        return f"``````{{raw}} html\n{html()}\n``````"
    return f"```text\n{value!r}\n```"
