"""The notebooks of the documentation run, and show what they promise."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

from notebook_pages import NOTEBOOKS, run, write_page

from notebook_html import Page
from shoppego_orders.abandonment import RecoveryReport, Verdict
from shoppego_orders.attribution import AttributionTable
from shoppego_orders.export import SalesReport
from shoppego_orders.notebook import Plot
from shoppego_orders.order import Order
from shoppego_orders.page import OrderPage

SHOWN = {
    "month": [OrderPage, Verdict, Order, RecoveryReport, Plot, SalesReport, Plot],
    "sources": [AttributionTable, AttributionTable, Plot],
    "window": [Plot, Verdict],
}


def test_every_notebook_is_tested() -> None:
    assert [notebook.stem for notebook in NOTEBOOKS] == sorted(SHOWN)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_a_notebook_runs_and_becomes_a_page(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = list(run(notebook))
    values = [output.value for _, output in shown if output.value is not None]
    assert list(map(type, values)) == SHOWN[notebook.stem]
    assert any(output.printed for _, output in shown)
    write_page(notebook.stem, shown, tmp_path)
    page = (tmp_path / f"{notebook.stem}.md").read_text(encoding="utf-8")
    views = [part.partition("\n``````")[0] for part in page.split("``````{raw} html\n")[1:]]
    for view in views:
        Page(view)
    pictures = [path.name for path in tmp_path.glob("*.png")]
    assert len(views) + len(pictures) == len(values)
    for name in pictures:
        assert re.search(rf"^!\[[^\]]+\]\({name}\)$", page, re.MULTILINE), "no words for it"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_a_notebook_is_kept_without_what_it_showed(notebook: Path) -> None:
    document = json.loads(notebook.read_text(encoding="utf-8"))
    assert (document["nbformat"], document["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in document["cells"]]
    assert len(ids) == len(set(ids))
    for cell in document["cells"]:
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)


def test_a_cell_that_fails_is_named(tmp_path: Path) -> None:
    notebook = tmp_path / "bad.ipynb"
    cell = '{"cell_type": "code", "metadata": {}, "source": ["x = 1\\n", "x / 0"]}'
    notebook.write_text(f'{{"cells": [{cell}]}}', encoding="utf-8")
    with pytest.raises(ZeroDivisionError) as raised:
        list(run(notebook))
    # Counted from 0.
    assert str(raised.traceback[-1].path) == "bad.ipynb, cell 1"
    assert raised.traceback[-1].lineno == 1
