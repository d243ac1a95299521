"""The worked host in a real browser; as a script, it takes the pictures of its page here."""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

import screenshots
from clicking import Browser, browsing
from werkzeug.serving import make_server

from shoppego_orders import AbandonmentPolicy, import_checkouts, sweep

sys.path.insert(0, str(Path(__file__).parent / "examples"))  # where the host is, for the script
from shop_host.host import Host, Settings
from shop_host.site import create_site

if TYPE_CHECKING:
    from flask import Flask

FOLDER: Final = Path(__file__).parent / "host-pictures"
NOW: Final = datetime(2026, 3, 15, 2, tzinfo=UTC)


@contextmanager
def served(site: Flask) -> Generator[str]:
    """The site on a port of this machine, and its address."""
    server = make_server("127.0.0.1", 0, site, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def fill(host: Host) -> None:
    """Import the checkouts that ship with the package."""
    sample = (files("shoppego_orders") / "sample_checkouts.jsonl").read_text(encoding="utf-8")
    import_checkouts(host.store, sample.splitlines(), batch=host.store.batch)


def _orders(browser: Browser, url: str) -> None:
    browser.open(f"{url}/orders?first=2026-03-01&last=2026-03-10")
    browser.click("Export")
    browser.click("All orders")


def _cancel(browser: Browser, url: str) -> None:
    browser.open(f"{url}/order/cancel?id=1262192")


def _order(browser: Browser, url: str) -> None:
    browser.open(f"{url}/order?id=1262192")


PAGES: Final[Mapping[str, Callable[[Browser, str], None]]] = {
    "orders": _orders,
    "order": _order,
    "cancel": _cancel,
}
"""What is clicked for each picture."""


if __name__ == "__main__":
    if screenshots.browser() is None:
        sys.exit(f"no browser: none of {', '.join(screenshots.NAMES)}")
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        Host.opened(Settings(folder=Path(folder))) as host,
        served(create_site(host, lambda: NOW)) as url,
    ):
        fill(host)
        sweep(host.store, AbandonmentPolicy(), NOW)
        for theme in ("light", "dark"):
            with browsing(dark=theme == "dark", width=1000, height=700) as browser:
                for name, go in PAGES.items():
                    go(browser, url)
                    (FOLDER / f"{name}-{theme}.png").write_bytes(browser.picture())
