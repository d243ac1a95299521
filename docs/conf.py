"""Sphinx's settings for the documentation."""

from __future__ import annotations

from importlib.metadata import version as installed_version

project = "shoppego-orders"
author = "shoppego_orders developers"
project_copyright = "2026, shoppego_orders developers"
version = release = installed_version("shoppego-orders")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
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
