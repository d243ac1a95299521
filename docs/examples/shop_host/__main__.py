"""Serve the site, with a worker beside it, until a signal comes: ``python -m shop_host``.

The server is the one that Werkzeug brings, for trying this out; behind a real one, ``create_site``
makes the application, and the worker is a process of its own.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from urllib.parse import urlsplit

from werkzeug.serving import make_server

from shop_host.host import Host, Settings
from shop_host.site import create_site
from shop_host.worker import leave_on_signals, working

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
leave_on_signals()
with suppress(KeyboardInterrupt), Host.opened(Settings.of(os.environ)) as host:
    address = urlsplit(host.settings.url)
    server = make_server(
        address.hostname or "127.0.0.1", address.port or 8000, create_site(host), threaded=True
    )
    with working(host):
        logging.info("The Orders page: %s", host.settings.url)  # noqa: LOG015 # a script
        server.serve_forever()
