"""Sphinx's settings for the documentation."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from importlib.metadata import version as installed_version
from importlib.resources import files
from pathlib import Path

from shoppego_orders import SalesReport, import_checkouts, sales_report
from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.export import SHOPPEGO, LineColumn
from shoppego_orders.notebook import plot_sales
from shoppego_orders.order import FULFILLMENTS, TRANSITIONS

sys.path.insert(0, str(Path(__file__).parent))  # Sphinx runs this file, and imports nothing beside
from notebook_pages import NOTEBOOKS, run, write_page

project = "shoppego-orders"
author = "shoppego_orders developers"
project_copyright = "2026, shoppego_orders developers"
version = release = installed_version("shoppego-orders")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
exclude_patterns = ["_build", "_generated/*.md"]  # but not the pages of notebooks, a folder below
html_theme = "furo"
html_title = f"shoppego-orders {release}"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# In the order of __all__, which goes by subject.
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80


def transitions() -> str:
    """The tables that the code itself draws on, as Markdown."""
    commands = [
        f"| `{command}` | {'; '.join(guard.blocker.reason for guard in guards)} |"
        for command, guards in TRANSITIONS.items()
    ]
    moves = [
        f"| `{status}` | {move.rank} | {move.topic or '–'} "
        f"| {'; '.join(guard.blocker.reason for guard in move.guards) or '–'} |"
        for status, move in FULFILLMENTS.items()
    ]
    return "\n".join(
        [
            "| command | is not possible when |",
            "| --- | --- |",
            *commands,
            "",
            "A fulfillment status of a lower rank than the present one is a step back.",
            "",
            "| fulfillment status | rank | a step forward announces | is not possible when |",
            "| --- | --- | --- | --- |",
            *moves,
            "",
        ]
    )


def columns() -> str:
    """The columns that ship, as Markdown."""
    of_lines = {column.key for column in SHOPPEGO.columns if isinstance(column, LineColumn)}
    listed = [
        f"| `{column.key}` | {column.kind} | {column.label} | {column.malay} "
        f"| {'line' if column.key in of_lines else 'order'} |"
        for column in SHOPPEGO.columns
    ]
    head = ["| key | kind | label | label in Malay | of |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*head, *listed, ""])


def sample_sales() -> SalesReport:
    """The sales of the checkouts that ship with the package."""
    store = MemoryOrderStore()
    sample = files("shoppego_orders") / "sample_checkouts.jsonl"
    import_checkouts(store, sample.read_text(encoding="utf-8").splitlines())
    return sales_report(store)


generated = Path(__file__).parent / "_generated"
generated.mkdir(exist_ok=True)
plot = plot_sales(sample_sales())
plot.savefig(generated / "sales.png", dpi=144)  # pyright: ignore[reportUnknownMemberType]  # **kwargs
(generated / "transitions.md").write_text(transitions(), encoding="utf-8")
(generated / "columns.md").write_text(columns(), encoding="utf-8")
pages = generated / "notebooks"
pages.mkdir(exist_ok=True)
# What a notebook writes goes elsewhere.
with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
    for notebook in NOTEBOOKS:
        write_page(notebook.stem, run(notebook), pages)
