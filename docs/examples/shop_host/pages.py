"""What the site does: a method for each address, which only asks the library and shows its answer.

A form that was taken is answered by a redirect, so that loading the page again repeats nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import unquote

import attrs
from flask import (
    Response,
    abort,
    flash,
    redirect,
    render_template,
    request,
    send_from_directory,
    url_for,
)
from werkzeug.wrappers import Response as Redirect

from shop_host.asked import Asked
from shop_host.host import Host
from shoppego_orders import Export, ExportRequest, Fulfillment, Order, Tab
from shoppego_orders.errors import (
    DuplicateExport,
    ExportNotFound,
    InvalidValue,
    OrderNotFound,
    OrdersError,
    StaleOrder,
    StoreUnusable,
)
from shoppego_orders.export import Clock

ARCHIVE = "archive"
"""What can be done in bulk besides setting a fulfillment status."""


@attrs.frozen
class Pages:
    """The pages of one shop's site.

    :ivar clock: tells the present.
    """

    host: Host
    clock: Clock

    def home(self) -> Redirect:
        """Lead to the Orders page."""
        return redirect(url_for("orders"))

    def orders(self) -> str:
        """The Orders page: tabs, filter, search, and what can be done with what they show."""
        asked = Asked.of(request.args)
        page = asked.page(self.host)
        return render_template(
            "orders.html",
            page=page,
            asked=asked,
            tabs=[(name, _label(name), count) for name, count in page.counts.items()],
            saved=page.tab not in tuple(Tab),
            statuses=list(Fulfillment),
            # One form asks for one export, however often it is sent.
            export_id=uuid.uuid4(),
        )

    def save_tab(self) -> Redirect:
        """Save what is shown as one more tab."""
        asked = Asked.of(request.form)
        page, name = asked.page(self.host), request.form.get("name", "")
        tabs = self.host.tabs.change(self._shop, lambda tabs: tabs.saved(name, page.query))
        kept = tabs.tabs[-1]
        flash(f"Saved as the tab “{kept.name}”.")
        return redirect(url_for("orders", tab=kept.name))

    def remove_tab(self) -> Redirect:
        """Remove a saved tab; no order is touched."""
        name = request.form.get("tab", "")
        self.host.tabs.change(self._shop, lambda tabs: tabs.without(name))
        flash(f"The tab “{name}” is removed.")
        return redirect(url_for("orders"))

    def bulk(self) -> Redirect:
        """Set the status of the orders that are ticked, or archive them; each on its own."""
        to, reason = request.form.get("to", ""), request.form.get("reason", "")

        def change(order: Order) -> Order:
            if to == ARCHIVE:
                return order.archive(at=self.clock())
            return order.set_fulfillment(to, at=self.clock(), reason=reason)

        done = 0
        for order_id in dict.fromkeys(request.form.getlist("id")):
            try:
                self.host.store.save(change(self._order(order_id)))
                done += 1
            except StoreUnusable:
                raise
            except OrdersError as refused:
                flash(str(refused), "problem")
        flash(f"{done} {'order is' if done == 1 else 'orders are'} {_label(to or 'nothing')} now.")
        return redirect(url_for("orders", **Asked.of(request.form).filter))

    def order(self) -> str:
        """An order, with its timeline and what can be done with it."""
        order = self._order(request.args.get("id", ""))
        return render_template("order.html", order=order, statuses=list(Fulfillment))

    def ask_cancel(self) -> str:
        """Say what cancelling does, and what it does not, before it is done."""
        order = self._order(request.args.get("id", ""))
        # A command changes nothing until it is saved.
        cancelled = order.cancel(reason="to be told", at=self.clock())
        return render_template("cancel.html", order=order, due=cancelled.refund_due)

    def cancel(self) -> Redirect:
        """Cancel an order; what was paid stays paid, until the merchant refunds it."""
        reason = request.form.get("reason", "")
        order = self._change(lambda order: order.cancel(reason=reason, at=self.clock()))
        flash(f"Order {order.number} is cancelled.")
        return redirect(url_for("order", id=order.id))

    def archive(self) -> Redirect:
        """Archive an order, for good."""
        order = self._change(lambda order: order.archive(at=self.clock()))
        flash(f"Order {order.number} is archived. A search finds it, and the tab Archived.")
        return redirect(url_for("order", id=order.id))

    def export(self) -> Redirect:
        """Ask for an export, of the orders on the page, or of all that the filter lets through."""
        asked, settings = Asked.of(request.form), self.host.settings
        page = asked.page(self.host)
        shown = page.selected(request.form.getlist("shown"))
        query = page.query if request.form.get("all") else shown
        with suppress(DuplicateExport):  # the form was sent twice
            self.host.exports.ask(
                ExportRequest(query=query, profile="excel", tz=settings.tz),
                id=_uuid(request.form.get("export_id", "")),
                now=self.clock(),
                to=settings.merchant,
            )
        flash(f"The file is being made, and will be mailed to {settings.merchant}.")
        return redirect(url_for("downloads"))

    def downloads(self) -> str:
        """The exports, the newest first; it loads itself again while one is under way."""
        listed = list(self.host.exports.downloads(self._shop))
        return render_template("downloads.html", exports=listed, file_name=_file_name)

    def file(self, name: str) -> Response:
        """A file on the shelf, if an export of this shop names it."""
        url = self.host.file_url(name)
        if all(export.url != url for export in self.host.exports.downloads(self._shop)):
            abort(404)
        folder = (self.host.settings.folder / "downloads").resolve()
        return send_from_directory(folder, name, mimetype="text/csv", as_attachment=True)

    def delete(self) -> Redirect:
        """Delete an export, and its file."""
        export_id = request.form.get("id", "")
        if self.host.exports.log.get(export_id).shop != self._shop:
            raise ExportNotFound(export_id)
        self.host.exports.delete(export_id, self.clock())
        flash("The export is deleted.")
        return redirect(url_for("downloads"))

    @property
    def _shop(self) -> str:
        return self.host.settings.shop

    def _order(self, order_id: str) -> Order:
        order = self.host.store.get(order_id)
        if order.shop != self._shop:
            raise OrderNotFound(order_id)
        return order

    def _change(self, change: Callable[[Order], Order]) -> Order:
        """Change the order of a form, if it is still the one that the form was shown with."""
        order = self._order(request.form.get("id", ""))
        seen = request.form.get("version", 0, type=int)
        if seen != order.version:
            raise StaleOrder(order.id, seen, order.version)
        return self.host.store.save(change(order))


def _label(name: str) -> str:
    return Tab(name).label if name in tuple(Tab) else name.replace("_", " ")


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise InvalidValue("export_id", text, "the id of the form") from None


def _file_name(export: Export) -> str:
    return unquote((export.url or "").rpartition("/")[2])
