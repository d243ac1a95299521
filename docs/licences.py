"""The licences of what the package needs, by the metadata of what is installed.

``python docs/licences.py`` writes ``docs/licences.md`` anew, in an environment that ``uv sync
--all-extras --all-groups`` made.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PAGE: Final = Path(__file__).parent / "licences.md"
PACKAGE: Final = "shoppego-orders"


def licence(found: Distribution) -> str:
    """What a distribution says: an SPDX expression, or else classifiers, or else a line of text."""
    told = found.metadata
    if "License-Expression" in told:
        return told["License-Expression"]
    classified = [
        each.rpartition(" :: ")[2]
        for each in told.get_all("Classifier") or ()
        if each.startswith("License :: ") and not each.endswith(":: OSI Approved")
    ]
    text = told["License"] if "License" in told else ""  # noqa: SIM401  # no get() before 3.12
    return ", ".join(classified) or next(iter(text.splitlines()), "") or "not told"


def needed() -> dict[str, str]:
    """The licences of all that the package and its extras bring, by name."""
    found: dict[str, str] = {}
    waiting = [(PACKAGE, extra) for extra in ("", *_extras(distribution(PACKAGE)))]
    seen = set(waiting)
    while waiting:
        name, extra = waiting.pop()
        installed = distribution(name)
        if name != PACKAGE:
            found[name] = licence(installed)
        for more in _requirements(installed, extra):
            if more not in seen:
                seen.add(more)
                waiting.append(more)
    return dict(sorted(found.items()))


def _extras(installed: Distribution) -> list[str]:
    return installed.metadata.get_all("Provides-Extra") or []


def _requirements(installed: Distribution, extra: str) -> Iterator[tuple[str, str]]:
    for line in installed.requires or ():
        asked = Requirement(line)
        if asked.marker is None or asked.marker.evaluate({"extra": extra}):
            for each in ("", *asked.extras):
                yield canonicalize_name(asked.name), each


def table(rows: dict[str, str]) -> str:
    """The packages with their licences, as Markdown."""
    lines = [f"| {name} | {told} |\n" for name, told in rows.items()]
    return "".join(["| package | licence |\n", "| --- | --- |\n", *lines])


def page() -> str:
    """What a user installs, and what developers and CI do besides."""
    brought = needed()
    others: dict[str, str] = {
        canonicalize_name(each.name): licence(each) for each in distributions()
    }
    tools = {name: others[name] for name in sorted(others) if name not in {*brought, PACKAGE}}
    return f"""# Licences

`shoppego-orders` is under the MIT licence, and holds nothing of what it uses. `docs/licences.py`
writes these lists from the metadata of what `uv.lock` names; a test refuses a dependency of the
package or of an extra whose licence is not one that we accept.

## What an installation brings

With all extras; without any it is attrs, cattrs and python-dateutil, and what these need. psycopg
(LGPL) is installed beside us by whoever asks for the extra `postgresql`, and used as it is; so is
Hypothesis (MPL) by the extra `testing`. Both may be replaced by another version, which is all that
their licences ask of those who use them.

{table(brought)}
## What developers use besides

{table(tools)}"""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
