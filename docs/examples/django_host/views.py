"""The pages, which only ask the library and show its answer.

They show whoever may see them one shop's orders; who that is, is your project's to say, such as
with Django's ``LoginRequiredMiddleware``.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlencode

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_POST, require_safe

from django_host import host
from django_host.asked import Asked
from django_host.tabs import change_tabs
from shoppego_orders import Export, ExportRequest, Tab
from shoppego_orders.attribution.logos import LOGOS
from shoppego_orders.errors import DuplicateExport, InvalidValue, OrderNotFound


@require_safe
def orders(request: HttpRequest) -> HttpResponse:
    """The Orders page: tabs, filter, search, and what can be done with what they show."""
    asked = Asked(request.GET)
    page = asked.page()
    carried = asked.carried()
    older = None if page.next is None else urlencode({**carried, "after": page.next})
    shown = {
        "page": page,
        "asked": asked.cleaned_data,
        "carried": carried,
        "older": older,
        "tabs": [(name, _label(name), count) for name, count in page.counts.items()],
        "saved": page.tab not in tuple(Tab),
        # The logos are the library's own markup.
        "rows": [(row, mark_safe(LOGOS.get(row.logo or "", ""))) for row in page.rows],  # noqa: S308
        # One form asks for one export, however often it is sent.
        "export_id": uuid.uuid4(),
    }
    return render(request, "django_host/orders.html", shown)


@require_safe
def order(request: HttpRequest) -> HttpResponse:
    """An order with its timeline."""
    # An id is any text, so it is no part of a path.
    order_id = request.GET.get("id", "")
    found = host.orders.get(order_id)
    if found.shop != settings.SHOP:
        raise OrderNotFound(order_id)
    # The library's own view, as notebooks show it: what is in it is escaped there.
    view = mark_safe(found._repr_html_())  # noqa: S308  # pyright: ignore[reportPrivateUsage]
    return render(request, "django_host/order.html", {"order": found, "view": view})


@require_POST
def export(request: HttpRequest) -> HttpResponse:
    """Ask for an export, of the orders on the page, or of all that the filter lets through."""
    page = Asked(request.POST).page()
    shown = page.selected(request.POST.getlist("shown"))
    with suppress(DuplicateExport):  # the form was sent twice
        host.exports.ask(
            ExportRequest(
                query=page.query if request.POST.get("all") else shown,
                profile="excel",
                tz=settings.TIME_ZONE,
            ),
            id=_uuid(request.POST.get("export_id", "")),
            now=timezone.now(),
            to=settings.SHOP_MERCHANT,
        )
    return redirect("downloads")


@require_safe
def downloads(request: HttpRequest) -> HttpResponse:
    """The exports, the newest first."""
    listed = [(each, _file_name(each)) for each in host.exports.downloads(settings.SHOP)]
    return render(request, "django_host/downloads.html", {"exports": listed})


@require_safe
def file(_request: HttpRequest, name: str) -> FileResponse:
    """A file on the shelf, if an export of this shop names it."""
    if all(_file_name(each) != name for each in host.exports.downloads(settings.SHOP)):
        raise Http404
    kept = Path(settings.SHOP_DOWNLOADS) / name
    return FileResponse(kept.open("rb"), as_attachment=True, content_type="text/csv")


@require_POST
def save_tab(request: HttpRequest) -> HttpResponse:
    """Save what is shown as one more tab."""
    page, name = Asked(request.POST).page(), request.POST.get("name", "")
    tabs = change_tabs(settings.SHOP, lambda tabs: tabs.saved(name, page.query))
    return redirect(f"/orders?{urlencode({'tab': tabs.tabs[-1].name})}")


@require_POST
def remove_tab(request: HttpRequest) -> HttpResponse:
    """Remove a saved tab; no order is touched."""
    change_tabs(settings.SHOP, lambda tabs: tabs.without(request.POST.get("tab", "")))
    return redirect("orders")


def _label(name: str) -> str:
    return Tab(name).label if name in tuple(Tab) else name


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise InvalidValue("export_id", text, "the id of the form") from None


def _file_name(export: Export) -> str:
    return unquote((export.url or "").rpartition("/")[2])
