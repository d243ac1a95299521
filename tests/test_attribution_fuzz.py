"""Texts that a coverage-guided fuzzer (atheris) found worth keeping: each takes its own way.

Together they take every way through the classifier that more than a million inputs took. Each is
a landing URL and, after a line feed, its referrer.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import attrs
import pytest

from shoppego_orders.attribution import CHANNELS, Rule, Touch, default_table

KEPT = Path(__file__).parent / "data" / "attribution-fuzz.json"
TEXTS = cast("list[str]", json.loads(KEPT.read_text(encoding="utf-8")))
AT = datetime(2026, 3, 14, 12, tzinfo=UTC)
TABLE = default_table()
FORGETFUL = TABLE.remembering(0)
# A merchant's rule that fits nothing: the campaign and the page are then looked at as well.
RULED = TABLE.with_rules(
    [Rule("tiada", "telegram", "campaign", "exact", "\N{LATIN SMALL LETTER ETH}")]
)


def touch(text: str) -> Touch:
    landing, line_feed, referrer = text.partition("\n")
    return Touch(landing, referrer if line_feed else None, AT)


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_that_a_fuzzer_kept_has_one_bounded_answer(text: str) -> None:
    answer = FORGETFUL.classify(touch(text))
    assert [TABLE.classify(touch(text)) for _ in range(3)] == [answer] * 3
    assert RULED.classify(touch(text)) == answer
    assert answer.channel in CHANNELS
    json.dumps(attrs.asdict(answer), ensure_ascii=False).encode("utf-8")
    for field in attrs.astuple(answer, recurse=False):
        assert not isinstance(field, str) or len(field) <= 256
