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
from shoppego_orders.notebook import plot_sales

sys.path.insert(0, str(Path(__file__).parent))  # Sphinx runs this file, and imports nothing beside
import drawn_layers
import drawn_tables
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
picture = drawn_layers.picture(drawn_layers.contracts())
(generated / "layers.svg").write_text(picture, encoding="utf-8")
for name, table in drawn_tables.drawn().items():
    (generated / f"{name}.md").write_text(table, encoding="utf-8")
pages = generated / "notebooks"
pages.mkdir(exist_ok=True)
# What a notebook writes goes elsewhere.
with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
    for notebook in NOTEBOOKS:
        write_page(notebook.stem, run(notebook), pages)
