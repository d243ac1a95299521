"""The benchmarks' judge: which ratios are marked beside the last table. Nothing is timed here."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import _ratios as ratios
from _ratios import Comparison, Ratio


def test_a_change_of_more_than_a_fifth_is_marked_in_words_and_sign() -> None:
    assert ratios.change(1.0, 1.25) == "+25%: slower, was 1"
    assert ratios.change(2.0, 1.5) == "-25%: faster, was 2"


@pytest.mark.parametrize("now", [0.8, 0.95, 1.0, 1.1, 1.2])
def test_a_change_of_a_fifth_or_less_is_not(now: float) -> None:
    assert ratios.change(1.0, now) == ""


def test_a_new_ratio_is_called_new() -> None:
    assert ratios.change(None, 1.0) == "new"


@given(
    before=st.floats(0.001, 1000),
    factor=st.floats(0.01, 100).filter(lambda f: abs(abs(f - 1) - ratios.CHANGED) > 1e-9),
)
def test_whether_it_is_marked_depends_on_the_change_alone(before: float, factor: float) -> None:
    marked = ratios.change(before, before * factor)
    assert bool(marked) == (abs(factor - 1) > ratios.CHANGED)
    if marked:
        assert ("slower" in marked, marked[0]) in {(True, "+"), (False, "-")}


def ratio(question: str, peer: str, found: float) -> Ratio:
    return Ratio(question, peer, found * 1e-3, 1e-3, found, 0.05)


def test_what_is_measured_no_more_is_told() -> None:
    last = {("save", "sqlite3"): 1.5, ("save", "ORM"): 0.5, ("load", "sqlite3"): 2.0}
    now = [ratio("save", "sqlite3", 1.5), ratio("load", "JSON", 9.0)]
    assert ratios.gone(last, now) == [("save", "ORM"), ("load", "sqlite3")]
    assert ratios.gone(last, [ratio(*each, last[each]) for each in last]) == []


def test_a_table_says_what_changed_and_is_read_again() -> None:
    found = [ratio("save", "sqlite3", 1.5), ratio("save", "ORM", 0.5), ratio("load", "ORM", 0.3)]
    text = "Measured with care.\n\n" + ratios.table(found, {("save", "sqlite3"): 1.0})
    assert "| save | sqlite3 | 1.5 ms | 1 ms | 1.5 | 5% | +50%: slower, was 1 |" in text
    assert text.count("| new |") == 2
    again = ratios.read(text)
    assert again == {(each.question, each.peer): each.ratio for each in found}
    assert "new" not in ratios.table(found, again)
    assert "was" not in ratios.table(found, again)


def scripted(*times: float) -> tuple[ratios.Ask, list[float]]:
    left = list(times)
    return lambda: left.pop(0), left


def test_contenders_take_turns_and_the_median_of_the_rounds_counts() -> None:
    # A busy second round slows both alike.
    ours, _ = scripted(2.0, 20.0, 2.0)
    theirs, _ = scripted(1.0, 10.0, 1.0)
    (found,) = ratios.measured(Comparison("save", {"ours": ours, "theirs": theirs}, 3))
    assert found == Ratio("save", "theirs", 2.0, 1.0, 2.0, 0.0)


def test_rounds_that_lie_far_apart_are_followed_by_more_until_there_were_enough() -> None:
    agreeing, left = scripted(1.0, 3.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    ratios.measured(Comparison("save", {"ours": agreeing, "theirs": lambda: 1.0}, 3))
    assert len(left) == 3  # after the fourth, half of the rounds agree
    never, left = scripted(*(float(number) for number in range(1, 10)))
    (found,) = ratios.measured(Comparison("save", {"ours": never, "theirs": lambda: 1.0}, 2, 5))
    assert len(left) == 4
    assert found.ratio == 3.0
    assert found.apart > ratios.APART


def test_the_table_that_the_documentation_shows_can_be_read() -> None:
    page = Path(__file__).parents[1] / "docs" / "performance.md"
    assert "{include} ../tests/bench/ratios.md" in page.read_text(encoding="utf-8")
    table = Path(__file__).parent / "bench" / "ratios.md"
    last = ratios.read(table.read_text(encoding="utf-8"))
    assert last[("`import shoppego_orders`", "import attrs")] <= 1.3
    assert len({question for question, _ in last}) > 20
