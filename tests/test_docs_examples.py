"""Every Python example of the README and of the documentation runs, and prints what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

import page_examples

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_of_a_page_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = len(list(page_examples.examples(page.read_text(encoding="utf-8"))))
    assert page_examples.run(page) == found


def test_the_readme_has_an_example() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert list(page_examples.examples(readme))


def test_an_example_that_prints_something_else_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A page\n\n```python\nprint(1 + 1)\n```\n\n```text\n3\n```\n", "utf-8")
    with pytest.raises(AssertionError, match=r"page\.md, line 3, prints\n2\n"):
        page_examples.run(page)
