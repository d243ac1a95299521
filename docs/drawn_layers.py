"""The picture of the layers, drawn from the contracts that import-linter checks."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final, NamedTuple

PYPROJECT: Final = Path(__file__).parent.parent / "pyproject.toml"
WIDTH: Final = 960
HIGH: Final = 44
GAP: Final = 12
LEFT: Final = 140


class Layer(NamedTuple):
    """Modules of one height.

    :ivar modules: from left to right.
    :ivar apart: they may not import each other.
    """

    modules: tuple[str, ...]
    apart: bool


class Contracts(NamedTuple):
    """What the picture shows.

    :ivar layers: from the top down.
    :ivar guests: the packages of other people that a module alone may import.
    """

    layers: tuple[Layer, ...]
    guests: Mapping[str, tuple[str, ...]]


def contracts(pyproject: Path = PYPROJECT) -> Contracts:
    """Read the layers, and who may import whom of other people's packages."""
    settings = tomllib.loads(pyproject.read_text(encoding="utf-8"))["tool"]["importlinter"]
    package = settings["root_package"]
    layers: list[Layer] = []
    guests: dict[str, list[str]] = {}
    each: Mapping[str, Any]
    for each in settings["contracts"]:
        if each["type"] == "layers":
            layers += [
                Layer(tuple(re.findall(r"\w+", line)), apart="|" in line) for line in each["layers"]
            ]
        else:
            for importer in each["allowed_importers"]:
                module = importer.removeprefix(f"{package}.").partition(".")[0]
                guests.setdefault(module, []).extend(each["protected_modules"])
    return Contracts(tuple(layers), {module: tuple(names) for module, names in guests.items()})


def picture(shown: Contracts) -> str:
    """Draw them as SVG: the highest layer on top, what may not import each other with a gap."""
    layers, step = shown.layers, HIGH + GAP
    height = len(layers) * step + GAP
    # The kernel is all that stands below the ports' implementations.
    border = next(n for n, layer in enumerate(layers) if "adapters" in layer.modules) + 1
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
            'font-family="sans-serif" font-size="14" text-anchor="middle">'
        ),
        "<title>The layers: a module may import what stands below it</title>",
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#ffffff"/>',
        (
            f'<rect y="{border * step + GAP / 2:g}" width="{WIDTH}" rx="8" fill="#eef4fb" '
            f'height="{height - border * step - GAP / 2:g}"/>'
        ),
        _side("around it", border * step / 2),
        _side("the kernel", (border * step + height) / 2),
    ]
    for number, layer in enumerate(layers):
        parts += [f'<g data-layer="{len(layers) - number}">', *_boxes(layer, shown.guests, number)]
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def _boxes(layer: Layer, guests: Mapping[str, Sequence[str]], number: int) -> Iterator[str]:
    gap = GAP if layer.apart else 0
    room = WIDTH - LEFT - GAP + gap
    wide = room / len(layer.modules) - gap
    top = number * (HIGH + GAP) + GAP
    for place, module in enumerate(layer.modules):
        left = LEFT + place * (wide + gap)
        middle = left + wide / 2
        brought = ", ".join(guests.get(module, ()))
        yield (
            f'<rect x="{left:.1f}" y="{top}" width="{wide:.1f}" height="{HIGH}" '
            'fill="#ffffff" stroke="#33689c"/>'
        )
        name_at = top + (19 if brought else 27)
        yield f'<text x="{middle:.1f}" y="{name_at}" fill="#16324f">{escape(module)}</text>'
        if brought:
            yield (
                f'<text x="{middle:.1f}" y="{top + 36}" fill="#5a6b7b" font-size="11">'
                f"{escape(brought)}</text>"
            )


def _side(text: str, middle: float) -> str:
    return f'<text x="{LEFT / 2:g}" y="{middle + 5:g}" fill="#16324f">{escape(text)}</text>'
