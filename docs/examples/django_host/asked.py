"""What an address or a form asks of the Orders page, checked as Django checks forms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from django import forms
from django.conf import settings

from django_host.host import orders
from django_host.tabs import tabs_of
from shoppego_orders import OrderPage, OrderQuery, Period, orders_page
from shoppego_orders.errors import InvalidValue


class Asked(forms.Form):
    """A tab, days, a search, and the place to go on from; all of them optional."""

    tab = forms.CharField(required=False)
    first = forms.DateField(required=False)
    last = forms.DateField(required=False)
    search = forms.CharField(required=False)
    after = forms.CharField(required=False)

    def page(self) -> OrderPage:
        """Make the page.

        :raises OrdersError: for whatever an Orders page refuses.
        """
        if not self.is_valid():
            field, problems = next(iter(self.errors.items()))
            raise InvalidValue(field, self.data.get(field), " ".join(map(str, problems)))
        told = self.cleaned_data
        return orders_page(
            orders,
            shop=settings.SHOP,
            tab=told["tab"] or "all",
            filters=OrderQuery(placed=_placed(told["first"], told["last"])),
            search=told["search"] or None,
            after=told["after"] or None,
            saved=tabs_of(settings.SHOP),
        )

    def carried(self) -> Mapping[str, str]:
        """What links and forms carry on, so that what is exported is what was filtered."""
        names = ("tab", "first", "last", "search")
        return {name: str(self.cleaned_data[name]) for name in names if self.cleaned_data[name]}


def _placed(first: date | None, last: date | None) -> Period | None:
    since = None if first is None else Period.of_day(first, settings.TIME_ZONE)
    until = None if last is None else Period.of_day(last, settings.TIME_ZONE)
    if since is not None and until is not None:
        return Period(since.start, until.end)
    if until is not None:
        return Period.before(until.end)
    return None if since is None else Period.since(since.start)
