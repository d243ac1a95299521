"""What notebooks show, in a real browser: nothing runs, and nothing breaks the layout."""

from __future__ import annotations

import json
import re
import struct
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import screenshots

from shoppego_orders import (
    AbandonmentPolicy,
    OrderQuery,
    default_table,
    orders_page,
    recovery_report,
    replay_stored,
    sales_report,
)
from shoppego_orders.abandonment import rules
from shoppego_orders.attribution import Source
from shoppego_orders.attribution.rules import Rule
from shoppego_orders.page import SavedTabs
from shoppego_orders.testing.strategies import HOSTILE_TEXTS

pytestmark = pytest.mark.once

needs_a_browser = pytest.mark.skipif(
    screenshots.browser() is None,
    reason=f"no browser: none of {', '.join(screenshots.NAMES)}",
)

RUNS = 'document.documentElement.dataset.ran = "yes"'
NAMES = (
    *filter(str.strip, HOSTILE_TEXTS),
    *screenshots.HOSTILE,
    f"<script>{RUNS}</script>",
    f"<svg onload='{RUNS}'>",
    f"javascript:{RUNS}",
    "</style><style>* { display: none !important }</style>",
    "<!-- ",
    "<plaintext>",
    "&lt;b&gt;",
    "🧕🏽👨‍👩‍👧‍👦" * 40,
    "ﷺ" * 60,
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞",
)

# A notebook with a theme and with tables of its own style, as they have.
THEMED = """<style>
body { background: #111; color: #eee }
table { table-layout: fixed; margin: 0 auto; border: none }
tbody tr:nth-child(odd) { background: #222 }
td, th { text-align: right; max-width: none; white-space: pre }
p { margin: 2em } ul { list-style: disc }
</style>"""

# What is beside the views, and must look the same with them and without.
OTHERS = """<aside><p class="title figure badge good">p</p><ul><li>li</li></ul>
<dl><dt>dt</dt><dd>dd</dd></dl><table><caption>c</caption><tr><th>th</th><td>td</td></tr></table>
<time>now</time><strong>s</strong><bdi>b</bdi><svg></svg></aside>"""

TELL = """<script>
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const looks = () => all("aside *").map((each) => {
  const style = getComputedStyle(each);
  return [...style].map((name) => name + style.getPropertyValue(name)).join();
}).join();
const views = all("section > div");
const box = (each) => each.getBoundingClientRect();
const inside = (inner, outer) =>
  box(inner).left >= box(outer).left - 1 && box(inner).right <= box(outer).right + 1;
const told = {
  ran: document.documentElement.dataset.ran ?? "no",
  views: views.length,
  strangers: all("section :is(script, img, iframe, h1, a, object, form, input, base, meta, link)")
    .map((each) => each.outerHTML),
  acting: all("section *").filter((each) => [...each.attributes].some(
    ({ name }) => name.startsWith("on") || ["href", "src", "style", "action"].includes(name)
  )).length,
  pageIsWider: document.documentElement.scrollWidth > document.documentElement.clientWidth,
  sticksOut: views.filter((view) => !inside(view, view.parentElement)).length,
  shifted: all("section tr").filter((row) => {
    const head = all("thead th", row.closest("table"));
    return row.cells.length !== head.length || [...row.cells].some(
      (cell, place) => Math.abs(box(cell).left - box(head[place]).left) > 1
    );
  }).length,
  spilled: all("section bdi").filter(
    (text) => !inside(text, text.closest("td, th, dd, li, p, span.badge"))
  ).map((text) => text.textContent),
  hidden: all("section bdi").filter((text) => text.textContent.trim() && !box(text).height).length,
  colours: [...new Set(all("section :not(style, svg *)").map((each) => {
    const { color, backgroundColor } = getComputedStyle(each);
    return color + (each.tagName === "TR" ? "" : backgroundColor);
  }))],
  body: getComputedStyle(document.body).color,
  highest: Math.max(...all("section tbody tr").map((row) => box(row).height)),
};
const before = looks();
all("section style").forEach((style) => { style.sheet.disabled = true; });
told.othersChanged = looks() !== before;
all("script").forEach((script) => script.remove());
document.body.innerHTML = "<pre></pre>";
document.querySelector("pre").textContent = JSON.stringify(told);
</script>"""


def views() -> list[object]:
    store, policy = (
        screenshots.hostile_store(NAMES),
        AbandonmentPolicy(name='<b onclick="x">عمر</b>'),
    )
    later = datetime(2026, 6, 1, tzinfo=UTC)
    for row in list(store.rows(OrderQuery(payment_status="pending"))):
        order = store.get(row.id).record_abandonment(
            policy=NAMES[3], reasons=NAMES, at=later, recorded_at=later
        )
        store.save(order)
    sources = [Source(f"s{n}", " ".join(name.split())[:200]) for n, name in enumerate(NAMES[9:12])]
    table = default_table().extended(sources)
    table = table.with_rules([Rule("<img src=x>", "s1", "path", "prefix", ["<script>"])])
    tagged = AbandonmentPolicy(rule=rules.Tagged(NAMES[-6]) | policy.rule, name=policy.name)
    saved = SavedTabs().saved("عمر <b>", OrderQuery())
    return [
        orders_page(store, size=100, saved=saved),
        *(store.get(f"{number}") for number in range(len(NAMES))),
        replay_stored(store, "7", tagged, as_of=later),
        sales_report(store),
        recovery_report(store),
        table,
    ]


def told_by(html: str, **how: Any) -> dict[str, Any]:  # Any: a script's own answers
    dom = screenshots.look(html, "--dump-dom", **how)
    found = re.search(r"<pre>(.*)</pre>", dom, re.DOTALL)
    assert found is not None, dom[-2000:]
    told: dict[str, Any] = json.loads(unescape(found[1]))
    return told


@needs_a_browser
@pytest.mark.parametrize(
    ("head", "dark", "width", "colour"),
    [
        ("", False, 500, "rgb(0, 0, 0)"),
        ("", True, 1200, "rgb(255, 255, 255)"),
        (THEMED, False, 900, "rgb(238, 238, 238)"),
    ],
    ids=["light, narrow", "dark by preference", "dark by theme"],
)
def test_nothing_runs_and_nothing_breaks_the_layout(
    head: str, dark: bool, width: int, colour: str
) -> None:
    shown = views()
    html = screenshots.page(shown, head=head, after=OTHERS + TELL)
    told = told_by(html, dark=dark, width=width)
    assert told.pop("highest") < 400
    assert told == {
        "ran": "no",
        "views": len(shown),
        "strangers": [],
        "acting": 0,
        "pageIsWider": False,
        "sticksOut": 0,
        "shifted": 0,
        "spilled": [],
        "hidden": 0,
        "colours": [f"{colour}rgba(0, 0, 0, 0)", colour],
        "body": colour,
        "othersChanged": False,
    }


@needs_a_browser
def test_what_does_run_and_does_break_the_layout_is_noticed() -> None:
    class Careless:
        def _repr_html_(self) -> str:
            return (
                f"<div onclick='x'><script>{RUNS}</script><style>p {{ color: red }}</style>"
                "<table><thead><tr><th>a</th></tr></thead><tbody>"
                f"<tr><td>a</td><td style='max-width: 9em'><bdi>{'x' * 900}</bdi></td></tr>"
                "</tbody></table></div>"
            )

    told = told_by(screenshots.page([Careless()], after=OTHERS + TELL))
    assert told["ran"] == "yes"
    assert told["strangers"]
    assert told["acting"] == 2
    assert told["pageIsWider"]
    assert told["shifted"] == 1
    assert told["spilled"]
    assert told["othersChanged"]


@needs_a_browser
def test_a_picture_is_taken_in_light_and_in_dark(tmp_path: Path) -> None:
    html = screenshots.page([default_table()])
    taken: list[bytes] = []
    for dark in (False, True):
        path = tmp_path / f"{dark}.png"
        screenshots.look(html, f"--screenshot={path}", dark=dark, width=600, height=300)
        taken.append(path.read_bytes())
    assert [struct.unpack(">II", picture[16:24]) for picture in taken] == [(600, 300)] * 2
    assert taken[0] != taken[1]


def test_the_pictures_of_the_documentation_are_those_that_the_script_takes() -> None:
    kept = sorted(path.name for path in screenshots.FOLDER.glob("*"))
    wanted = [
        f"{name}-{theme}.png" for name in screenshots.pictures() for theme in ("light", "dark")
    ]
    assert kept == sorted(wanted)
    page = (screenshots.FOLDER.parent / "notebooks.md").read_text(encoding="utf-8")
    for name in wanted:
        assert f"screenshots/{name}" in page
        assert (screenshots.FOLDER / name).stat().st_size < 150_000
