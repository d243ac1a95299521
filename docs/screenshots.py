"""What notebooks show, looked at in a real browser; as a script, it takes the pictures here.

It needs Chromium (Debian's package ``chromium``), and no network.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from operator import methodcaller
from pathlib import Path
from typing import Final

from shoppego_orders import (
    AbandonmentPolicy,
    Customer,
    LineItem,
    Money,
    Order,
    Touch,
    default_table,
    import_checkouts,
    orders_page,
    replay_stored,
    settle_recoveries,
    sweep,
)
from shoppego_orders.adapters.memory import MemoryOrderStore

FOLDER: Final = Path(__file__).parent / "screenshots"
NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
HOSTILE: Final = (
    "<script>document.body.remove()</script>",
    '<img src=x onerror="document.body.remove()">',
    "</bdi></td></table></div><h1>Free!</h1>",
    "عمر بن الخطاب",
    "\u202eyltnereffid daer\u202c",
    "Wan " + "long" * 60,
)


def browser() -> str | None:
    """The path of a browser; None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def page(views: Iterable[object], *, head: str = "", after: str = "") -> str:
    """A page of views, which is light or dark as the reader prefers.

    :param head: more of its head.
    :param after: what comes below the views.
    """
    shown = "".join(f"<section>{methodcaller('_repr_html_')(view)}</section>" for view in views)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Views</title>'
        '<meta name="color-scheme" content="light dark">'
        "<style>body { margin: 0; padding: 1em; font: 14px/1.4 sans-serif }"
        f" section {{ margin-bottom: 1em }}</style>{head}<body>{shown}{after}</body></html>"
    )


def started(program: str, folder: str, *, dark: bool, width: int, height: int) -> list[str]:
    """How a browser is started.

    :param folder: keeps its profile.
    """
    # Its sandbox needs rights that containers don't give; the pages are our own.
    quiet = [f"--disable-{what}" for what in ("gpu", "quic", "component-update", "sync")]
    return [
        *(program, "--headless", "--no-sandbox", "--no-first-run", *quiet),
        *("--disable-background-networking", "--hide-scrollbars"),
        f"--blink-settings=preferredColorScheme={0 if dark else 1}",
        f"--user-data-dir={folder}/profile",
        f"--window-size={width},{height}",
    ]


def look(html: str, *options: str, dark: bool = False, width: int = 960, height: int = 600) -> str:
    """Open a page in a window of this size, in pixels, and return what the browser writes.

    :param options: what the browser is asked for, as ``--dump-dom``.
    :param dark: whether the reader prefers it.
    """
    program = browser()
    assert program is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "page.html"
        path.write_text(html, encoding="utf-8")
        done = subprocess.run(
            [
                *started(program, folder, dark=dark, width=width, height=height),
                *options,
                path.as_uri(),
            ],
            capture_output=True,
            check=True,
            encoding="utf-8",
            timeout=120,
        )
    return done.stdout


def pictures() -> dict[str, list[object]]:
    """What is shown on each picture."""
    store, policy = MemoryOrderStore(), AbandonmentPolicy()
    sample = (files("shoppego_orders") / "sample_checkouts.jsonl").read_text(encoding="utf-8")
    import_checkouts(store, sample.splitlines())
    end = datetime(2026, 3, 31, 16, tzinfo=UTC)
    swept = sweep(store, policy, end)
    settle_recoveries(store, timedelta(days=7), end)
    back = next(each for each in swept.abandoned if store.get(each).recovered_by == each)
    return {
        "page": [orders_page(store, size=4)],
        "order": [store.get(back), replay_stored(store, back, policy, as_of=end)],
        "hostile": [orders_page(hostile_store())],
    }


def hostile_store(names: Iterable[str] = HOSTILE) -> MemoryOrderStore:
    """A store with an order for each name, which is typed wherever a text can be."""
    store = MemoryOrderStore()
    began = datetime(2026, 3, 3, 4, tzinfo=UTC)
    for number, name in enumerate(names):
        at = began + number * timedelta(hours=1)
        visit = Touch(f"https://shop.example/?utm_source=tiktok&utm_campaign={name}", name, at)
        order = Order.place(
            id=f"{number}",
            number=f"#{number} {name[:12]}",
            at=at,
            shop="shop.example",
            currency="MYR",
            lines=[LineItem(name, 2, Money("9.90", "MYR"), variant=name, sku=name)],
            customer=Customer(first_name=name, email=name),
            touches=[visit],
            attribution=default_table().classify(visit),
            note=name,
            tags=[name],
        )
        store.save(order.mark_paid(at=at) if number % 2 else order)
    return store


if __name__ == "__main__":
    if browser() is None:
        sys.exit(f"no browser: none of {', '.join(NAMES)}")
    FOLDER.mkdir(exist_ok=True)
    for name, views in pictures().items():
        html = page(views)
        # How high it is, only the browser knows.
        tell = "<script>document.title = document.body.scrollHeight</script>"
        dom = look(page(views, after=tell), "--dump-dom")
        high = int(dom.partition("<title>")[2].partition("</title>")[0])
        for theme in ("light", "dark"):
            path = FOLDER / f"{name}-{theme}.png"
            look(html, f"--screenshot={path}", dark=theme == "dark", height=high)
