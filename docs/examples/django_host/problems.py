"""What goes wrong becomes a page that says why; nothing has changed then."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from shoppego_orders.errors import ExportNotFound, OrderNotFound, OrdersError, StoreUnusable

_log = logging.getLogger(__name__)


class ProblemMiddleware:
    """Answers a view's ``OrdersError``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Show the error; those of others are Django's to show."""
        match error:
            case StoreUnusable():
                _log.error("the store can't be used", exc_info=error)
                problem, status = "The orders can't be reached at the moment. Try again later.", 503
            case OrderNotFound() | ExportNotFound():
                problem, status = "There is no such thing in this shop.", 404
            case OrdersError():
                problem, status = str(error), 400
            case _:
                return None
        return render(request, "django_host/problem.html", {"problem": problem}, status=status)
