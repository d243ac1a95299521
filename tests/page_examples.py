"""The Python examples of a Markdown file: found, and run one after the other.

Also a script, so that the wheel's own environment, which has no pytest, can run the README's.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

_FENCED = re.compile(r"^```(?P<language>[^`\n]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


class Example(NamedTuple):
    """A ``python`` block, and what the ``text`` block right below it says that it prints."""

    line: int
    code: str
    printed: str | None


def examples(markdown: str) -> Iterator[Example]:
    """The ``python`` blocks of a page, from the top."""
    blocks = list(_FENCED.finditer(markdown))
    for block, following in zip_longest(blocks, blocks[1:]):
        if block["language"] != "python":
            continue
        printed = None
        if following is not None and following["language"] == "text":
            between = markdown[block.end() : following.start()]
            printed = following["text"] if not between.strip() else None
        yield Example(markdown.count("\n", 0, block.start()) + 1, block["text"], printed)


def run(page: Path) -> int:
    """Run every example of a page in one namespace, as a reader would, and count them.

    :raises AssertionError: an example prints something else than the page says.
    """
    namespace: dict[str, object] = {"__name__": "__main__"}
    found = list(examples(page.read_text(encoding="utf-8")))
    for example in found:
        output = io.StringIO()
        # As many empty lines above it as in the page: a traceback names the page's own line.
        code = compile("\n" * example.line + example.code, str(page), "exec")
        with contextlib.redirect_stdout(output):
            exec(code, namespace)
        if example.printed is not None and output.getvalue().rstrip() != example.printed.rstrip():
            raise AssertionError(
                f"{page.name}, line {example.line}, prints\n{output.getvalue()}\n"
                f"and not\n{example.printed}"
            )
    return len(found)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(f"{name}: {run(Path(name))} examples ran")
