"""Cases with their right answers, each with the reason why it is right."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict, cast

import attrs
import pytest

from shoppego_orders.attribution import Touch, default_table


class Case(TypedDict):
    why: str
    landing_url: str
    referrer: str | None
    expected: dict[str, object]


CORPUS = Path(__file__).parent / "data" / "attribution-corpus.json"
CASES = cast("list[Case]", json.loads(CORPUS.read_text(encoding="utf-8")))
AT = datetime(2026, 3, 14, 12, tzinfo=UTC)
TABLE = default_table()


def answer(case: Case) -> dict[str, object]:
    attribution = TABLE.classify(Touch(case["landing_url"], case["referrer"], AT))
    found = attrs.asdict(attribution, recurse=False)
    found["click_ids"] = [[click.name, click.value] for click in attribution.click_ids]
    found["flags"] = list(attribution.flags)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_the_answer_is_right(case: Case) -> None:
    found = answer(case)
    assert {field: found[field] for field in case["expected"]} == case["expected"]


def test_every_row_of_the_table_that_ships_has_a_case() -> None:
    rows = {row.key for row in TABLE.rows}
    assert rows <= {case["expected"].get("source") for case in CASES}


def test_every_click_id_of_the_table_that_ships_has_a_case() -> None:
    names = {click.name for row in TABLE.rows for click in row.click_ids}
    written = {case["landing_url"].lower() for case in CASES}
    assert {name for name in names if not any(f"{name}=" in url for url in written)} == set()


def test_ad_clicks_are_well_represented() -> None:
    assert sum(case["why"].startswith("ad click") for case in CASES) >= 30
