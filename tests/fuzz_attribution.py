"""Fuzz ``classify`` with atheris, guided by the branches that each text takes.

Run it where atheris is installed; a million inputs take about five minutes::

    python tests/fuzz_attribution.py -runs=1000000 -max_len=700 FOLDER

FOLDER gets the corpus and the kept texts to begin with, and whatever takes a new way; then
``--keep FOLDER`` writes those that together take all of the ways to
``data/attribution-fuzz.json``, which ``test_attribution_fuzz.py`` replays.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

DATA = Path(__file__).parent / "data"
KEPT = DATA / "attribution-fuzz.json"
AT = datetime(2026, 3, 14, 12, tzinfo=UTC)


def seed(folder: Path) -> None:
    """Write the known texts as files: a landing URL and, after a line feed, its referrer."""
    cases = json.loads((DATA / "attribution-corpus.json").read_text(encoding="utf-8"))
    texts = [
        "\n".join(filter(None, (case["landing_url"], case["referrer"])))
        for case in cases
        if len(case["landing_url"]) < 2000  # the fuzzer works with short texts
    ]
    folder.mkdir(parents=True, exist_ok=True)
    for text in (*texts, *json.loads(KEPT.read_text(encoding="utf-8"))):
        data = text.encode("utf-8", "surrogateescape")
        (folder / hashlib.sha256(data).hexdigest()).write_bytes(data)


def keep(folder: Path) -> None:
    from shoppego_orders.attribution import Touch, default_table

    table = default_table().remembering(0)
    steps: set[tuple[str, int, int]] = set()

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        last = frame.f_lineno

        def step(frame: FrameType, event: str, argument: object) -> Any:
            nonlocal last
            steps.add((frame.f_code.co_qualname, last, frame.f_lineno))
            last = frame.f_lineno
            return step

        return step

    files = [file.read_bytes() for file in folder.iterdir() if file.is_file()]
    kept: list[str] = []
    for data in sorted(files, key=lambda data: (len(data), data)):
        text = data.decode("utf-8", "surrogateescape")
        landing, line_feed, referrer = text.partition("\n")
        before = len(steps)
        sys.settrace(trace)
        answer = table.classify(Touch(landing, referrer if line_feed else None, AT))
        sys.settrace(None)
        # Answers of another kind are another way, too.
        steps.add((f"{answer.rule} {answer.channel} {answer.ignored} {answer.flags}", 0, 0))
        if len(steps) > before:
            kept.append(text)
    KEPT.write_text(json.dumps(kept, indent=0) + "\n", encoding="utf-8")


def fuzz() -> None:
    atheris: Any = importlib.import_module("atheris")  # untyped, and optional
    with atheris.instrument_imports(include=["shoppego_orders.attribution"]):
        from shoppego_orders.attribution import Touch, default_table
    table = default_table()
    forgetful = table.remembering(0)

    def one(data: bytes) -> None:
        landing, line_feed, referrer = data.decode("utf-8", "surrogateescape").partition("\n")
        touch = Touch(landing, referrer if line_feed else None, AT)
        answer = forgetful.classify(touch)
        # Whatever the table saw before.
        assert table.classify(touch) == answer, (table.classify(touch), answer)
        assert answer.reason.encode("utf-8")

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--keep"]:
        keep(Path(sys.argv[2]))
    else:
        seed(Path(sys.argv[-1]))
        fuzz()
