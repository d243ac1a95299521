"""What the documentation says of the code is so: the layers, the tables, the tests it names."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import drawn_layers as layers
import drawn_tables as tables
import pytest

from shoppego_orders import Topic, default_table
from shoppego_orders.cli import command_group
from shoppego_orders.export import COLUMN_SETS
from shoppego_orders.order import FULFILLMENTS, TRANSITIONS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
SVG = "{http://www.w3.org/2000/svg}"


def test_the_picture_shows_every_layer_with_its_modules() -> None:
    shown = layers.contracts()
    root = ET.fromstring(layers.picture(shown))
    drawn = {
        int(group.attrib["data-layer"]): [text.text for text in group.iter(f"{SVG}text")]
        for group in root.iter(f"{SVG}g")
    }
    height = len(shown.layers)
    assert sorted(drawn, reverse=True) == list(range(height, 0, -1))
    for number, layer in enumerate(shown.layers):
        guests = [", ".join(shown.guests[each]) for each in layer.modules if each in shown.guests]
        assert sorted(drawn[height - number], key=str) == sorted([*layer.modules, *guests])


def test_the_picture_stays_in_its_frame_and_nothing_overlaps() -> None:
    root = ET.fromstring(layers.picture(layers.contracts()))
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    boxes = [
        tuple(float(box.attrib[side]) for side in ("x", "y", "width", "height"))
        for group in root.iter(f"{SVG}g")
        for box in group.iter(f"{SVG}rect")
    ]
    for place, (x, y, wide, high) in enumerate(boxes):
        assert x >= 0
        assert y >= 0
        assert x + wide <= width
        assert y + high <= height
        for other_x, other_y, *_ in boxes[place + 1 :]:
            assert other_y >= y + high or other_x >= x + wide - 0.2  # they are written to a tenth


def test_layers_that_change_change_the_picture(tmp_path: Path) -> None:
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text(
        '[tool.importlinter]\nroot_package = "shop"\n'
        '[[tool.importlinter.contracts]]\ntype = "layers"\n'
        'layers = ["(adapters) | (web)", "core : rules"]\n'
        '[[tool.importlinter.contracts]]\ntype = "protected"\n'
        'protected_modules = ["numpy"]\nallowed_importers = ["shop.core.sums"]\n',
        encoding="utf-8",
    )
    shown = layers.contracts(pyproject)
    assert shown.layers == (
        layers.Layer(("adapters", "web"), apart=True),
        layers.Layer(("core", "rules"), apart=False),
    )
    assert shown.guests == {"core": ("numpy",)}
    assert ">numpy<" in layers.picture(shown)


def test_the_tables_hold_every_row_of_the_code() -> None:
    drawn = tables.drawn()
    for name, rows in [
        ("transitions", [*TRANSITIONS, *FULFILLMENTS]),
        ("topics", [f"Topic.{each.name}" for each in Topic]),
        ("sources", [row.key for row in default_table().rows]),
        *(
            (f"columns_{each.name}", [col.key for col in each.columns])
            for each in COLUMN_SETS.values()
        ),
    ]:
        found = re.findall(r"^\| `([^`]+)` \|", drawn[name], re.MULTILINE)
        assert found == [str(row) for row in rows]
    for name in command_group().commands:
        assert f"## `shoppego-orders {name}`" in drawn["commands"]


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    for name, table in tables.drawn().items():
        if name == "commands":
            continue
        for block in re.findall(r"(?:^\|.*\n)+", table, re.MULTILINE):
            assert len({line.count("|") for line in block.splitlines()}) == 1, name


def test_every_table_that_a_page_includes_is_drawn_and_none_is_drawn_for_nothing() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in DOCS.glob("*.md"))
    included = re.findall(r"_generated/(\w+)\.md", pages)
    assert sorted(included) == sorted(tables.drawn())


def named_tests() -> list[tuple[str, str]]:
    pages = [page.read_text(encoding="utf-8") for page in DOCS.glob("*.md")]
    return sorted(
        {each for page in pages for each in re.findall(r"\[`(test_\w+)`\]\(\.\./(\S+\.py)\)", page)}
    )


@pytest.mark.parametrize(("name", "path"), named_tests())
def test_a_test_that_a_page_names_exists(name: str, path: str) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert name in {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}


def test_each_sentence_of_the_orders_page_names_a_test() -> None:
    page = (DOCS / "reading.md").read_text(encoding="utf-8")
    sentences = re.split(r"\n\n(?=\*\S)", page)[1:]
    assert len(sentences) == 19
    for sentence in sentences:
        assert re.search(r"^: Held by \[`test_", sentence, re.MULTILINE), sentence


def test_every_page_has_its_place_in_the_index() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    listed = re.findall(
        r"^[\w/]+$", "".join(re.findall(r"```\{toctree\}.*?```", index, re.DOTALL)), re.MULTILINE
    )
    assert len(listed) == len(set(listed))
    assert set(listed) == {page.stem for page in DOCS.glob("*.md")} - {"index"}


def test_what_is_said_of_other_systems_has_its_source() -> None:
    page = (DOCS / "comparison.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([A-Z]\w+) \| (.*) \|$", page, re.MULTILINE)
    systems = {"Shopify", "WooCommerce", "Medusa", "Saleor", "Vendure", "Solidus", "Oscar"}
    assert {name for name, _ in rows} == systems
    for name, cells in rows:
        linked = False
        for cell in cells.split(" | "):
            linked = linked or "](https://" in cell
            assert linked or re.match(r"not found|not compared|–$", cell), (name, cell)


def test_the_readme_compares_the_same_systems() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    page = (DOCS / "comparison.md").read_text(encoding="utf-8")
    _, _, table = readme.partition("## Beside other systems")
    short = re.findall(r"^\| (\w+) \|", table, re.MULTILINE)
    assert short == re.findall(r"^\| (\w+) \|", page, re.MULTILINE)[: len(short)]
    assert len(short) == 7


def test_the_pictures_of_the_readme_are_in_the_repository() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", readme)
    assert pictures
    for name in [*pictures, *re.findall(r"(?<!!)\[[^\]]+\]\((?!https?:)([^)#]+)\)", readme)]:
        assert (ROOT / name).exists(), name
