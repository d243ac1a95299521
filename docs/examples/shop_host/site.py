"""The site: which address is answered by what, and what holds for every answer.

There is no script on it. What customers typed is escaped by the templates, or by the library's
own view of an order; and a policy tells the browser to run nothing, whatever stands there.
A form is taken only with the token of the session that it was shown in. Who may see the site at
all is left to the host: put it behind its login.
"""

from __future__ import annotations

import hmac
import logging
import secrets
from datetime import datetime

from flask import Flask, Response, abort, render_template, request, session
from werkzeug.exceptions import HTTPException

from shop_host.host import Host, present
from shop_host.pages import Pages
from shoppego_orders.attribution.logos import LOGOS
from shoppego_orders.errors import (
    CommandRefused,
    ExportNotFound,
    OrderNotFound,
    OrdersError,
    StaleOrder,
    StoreUnusable,
)
from shoppego_orders.export import Clock

_log = logging.getLogger(__name__)


def create_site(host: Host, clock: Clock = present) -> Flask:
    """Make the WSGI application."""
    site = Flask(__name__)
    site.secret_key = host.settings.secret_key
    site.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    site.config["SESSION_COOKIE_SECURE"] = host.settings.url.startswith("https:")
    site.config["MAX_CONTENT_LENGTH"] = 1_000_000
    pages = Pages(host, clock)
    site.add_url_rule("/", "home", pages.home)
    site.add_url_rule("/orders", "orders", pages.orders)
    site.add_url_rule("/orders/bulk", "bulk", pages.bulk, methods=["POST"])
    site.add_url_rule("/orders/export", "export", pages.export, methods=["POST"])
    site.add_url_rule("/tabs", "save_tab", pages.save_tab, methods=["POST"])
    site.add_url_rule("/tabs/remove", "remove_tab", pages.remove_tab, methods=["POST"])
    # An id is any text, so it is no part of a path.
    site.add_url_rule("/order", "order", pages.order)
    site.add_url_rule("/order/cancel", "ask_cancel", pages.ask_cancel)
    site.add_url_rule("/order/cancel", "cancel", pages.cancel, methods=["POST"])
    site.add_url_rule("/order/archive", "archive", pages.archive, methods=["POST"])
    site.add_url_rule("/downloads", "downloads", pages.downloads)
    site.add_url_rule("/downloads/files/<name>", "file", pages.file)
    site.add_url_rule("/downloads/delete", "delete", pages.delete, methods=["POST"])

    def local(at: datetime) -> str:
        return at.astimezone(host.zone).strftime("%d %b %Y, %H:%M")

    site.jinja_env.filters["local"] = local
    shown = {"csrf": _csrf, "logos": LOGOS, "shop": host.settings.shop}
    site.context_processor(lambda: shown)
    site.before_request(_refuse_forged)
    site.after_request(_guarded)
    site.register_error_handler(OrdersError, _told)
    site.register_error_handler(HTTPException, _refused)
    return site


def _csrf() -> str:
    """The token of the session, which every form carries."""
    token: str = session.setdefault("csrf", secrets.token_urlsafe(32))
    return token


def _refuse_forged() -> None:
    if request.method == "POST":
        kept, given = session.get("csrf", ""), request.form.get("csrf", "")
        if not kept or not hmac.compare_digest(kept.encode(), given.encode(errors="replace")):
            abort(403, "This form is not from here, or too old. Go back, load the page again.")


def _guarded(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = (
        # The view of an order brings its style with it.
        "default-src 'none'; style-src 'self' 'unsafe-inline'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _told(error: OrdersError) -> tuple[str, int]:
    """Show why something was not done; nothing has changed then."""
    match error:
        case StoreUnusable():
            _log.error("the store can't be used", exc_info=error)
            return _problem("The orders can't be reached at the moment. Try again later.", 503)
        case OrderNotFound() | ExportNotFound():
            return _problem("There is no such thing in this shop.", 404)
        case StaleOrder():
            return _problem("Somebody changed the order meanwhile. Look at it again.", 409)
        case CommandRefused():
            return _problem(str(error), 409)
        case _:
            return _problem(str(error), 400)


def _refused(error: HTTPException) -> tuple[str, int]:
    return _problem(error.description or error.name, error.code or 500)


def _problem(problem: str, status: int) -> tuple[str, int]:
    return render_template("problem.html", problem=problem), status
