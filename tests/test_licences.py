"""What an installation brings is under licences that we accept, and the page names all of it."""

from __future__ import annotations

import re
from importlib.metadata import Distribution
from pathlib import Path

import licences
import pytest

# Their names as SPDX has them, and as older metadata does.
ACCEPTED = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "MIT", "MIT-CMU"),
    *("PSF-2.0", "Zlib", "Apache Software License", "BSD License", "MIT License"),
    *("Python Software Foundation License", "Apache 2.0"),
}
# Installed beside us and used as they are; not to be copied from.
WEAK_COPYLEFT = {
    "hypothesis": "MPL-2.0",
    "psycopg": "LGPL-3.0-only",
    "psycopg-binary": "LGPL-3.0-only",
}


def accepted(name: str, told: str) -> bool:
    parts = re.split(r" AND | OR |, ", told.replace("(", "").replace(")", ""))
    return set(parts) <= ACCEPTED or WEAK_COPYLEFT.get(name) == told


@pytest.mark.parametrize(
    ("name", "told", "may"),
    [
        ("attrs", "MIT", True),
        ("numpy", "BSD-3-Clause AND (MIT OR Zlib)", True),
        ("psycopg", "LGPL-3.0-only", True),
        ("other", "LGPL-3.0-only", False),
        ("other", "MIT AND GPL-3.0-only", False),
        ("other", "not told", False),
    ],
)
def test_which_licences_are_accepted(name: str, told: str, *, may: bool) -> None:
    assert accepted(name, told) is may


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ("License-Expression: MIT\nLicense: other", "MIT"),
        ("Classifier: License :: OSI Approved :: BSD License", "BSD License"),
        ("License: Apache-2.0", "Apache-2.0"),
        ("Classifier: Private :: Do Not Upload", "not told"),
    ],
)
def test_a_licence_is_what_the_metadata_says(tmp_path: Path, metadata: str, told: str) -> None:
    folder = tmp_path / "some-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: some\nVersion: 1\n{metadata}\n")
    assert licences.licence(Distribution.at(folder)) == told


@pytest.mark.once
def test_every_dependency_of_the_package_and_its_extras_is_accepted() -> None:
    brought = licences.needed()
    assert {"attrs", "cattrs", "sqlalchemy", "psycopg", "pyarrow", "numpy"} <= {*brought}
    assert {name: told for name, told in brought.items() if not accepted(name, told)} == {}


@pytest.mark.once
def test_the_page_lists_what_an_installation_brings() -> None:
    # If this fails: python docs/licences.py, with all that uv.lock names installed.
    page = licences.PAGE.read_text(encoding="utf-8").splitlines()
    rows = {name: f"| {name} | {told} |" for name, told in licences.needed().items()}
    assert [name for name, row in rows.items() if row not in page] == []
