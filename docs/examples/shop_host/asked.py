"""What the address of an Orders page asks for: a tab, days, a search, and the place to go on from.

Every link and form of the page carries it on, so that what is exported is what was filtered.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Self

import attrs

from shop_host.host import Host
from shoppego_orders import OrderPage, OrderQuery, Period, orders_page
from shoppego_orders.errors import InvalidValue


@attrs.frozen(kw_only=True)
class Asked:
    """As it was typed: a day or a tab that is none is refused when the page is made.

    :ivar tab: the word of a tab, or the name of a saved one.
    :ivar first: the first day that counts, such as "2026-03-01"; "" for all days before.
    :ivar last: the last day that counts.
    """

    tab: str = "all"
    first: str = ""
    last: str = ""
    search: str = ""
    after: str = ""

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Self:
        """Read it from an address, or from a form."""
        told = {field.name: values.get(field.name, "").strip() for field in attrs.fields(cls)}
        return cls(**{name: value for name, value in told.items() if value})

    @property
    def filter(self) -> dict[str, Any]:  # Any: url_for has keywords of its own
        """What links and forms carry on: all but the place."""
        told = {"tab": self.tab, "first": self.first, "last": self.last, "search": self.search}
        return {name: value for name, value in told.items() if value}

    def page(self, host: Host) -> OrderPage:
        """Make the page.

        :raises OrdersError: for whatever an Orders page refuses.
        """
        settings = host.settings
        return orders_page(
            host.store,
            shop=settings.shop,
            tab=self.tab,
            filters=OrderQuery(placed=self._placed(settings.tz)),
            search=self.search or None,
            after=self.after or None,
            saved=host.tabs.of(settings.shop),
        )

    def _placed(self, tz: str) -> Period | None:
        first = Period.of_day(_day(self.first, "first"), tz) if self.first else None
        last = Period.of_day(_day(self.last, "last"), tz) if self.last else None
        if first is not None and last is not None:
            return Period(first.start, last.end)
        if last is not None:
            return Period.before(last.end)
        return None if first is None else Period.since(first.start)


def _day(text: str, field: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidValue(field, text, "a day such as 2026-03-31") from None
