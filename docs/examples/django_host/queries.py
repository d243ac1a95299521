"""An ``OrderQuery`` as conditions of the ORM.

The database is asked for all but tags, and selections that are too long for a statement. On each
order that comes back ``OrderQuery.matches`` has the last word, so what is left out here is slower,
and not wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import StrIndex
from django.db.models.lookups import GreaterThan

from django_host.models import StoredOrder
from shoppego_orders import OrderQuery

MOST_VALUES = 10_000
"""How many values of a selection a statement may name: SQLite takes 32,766 parameters in all."""


def narrowed(orders: QuerySet[StoredOrder], query: OrderQuery) -> QuerySet[StoredOrder]:
    """At least the orders that match, in no sequence; exactly those, where :func:`says_all`."""
    return orders.filter(*_conditions(query))


def says_all(query: OrderQuery) -> bool:
    """Whether :func:`narrowed` leaves nothing of a query to be asked."""
    selections = (query.ids, query.customer_keys, query.source)
    return query.tag is None and not any(each and _too_long(each) for each in selections)


def sequence(query: OrderQuery) -> tuple[str, str]:
    """How a store's answers are ordered."""
    return ("-placed_at", "-id") if query.newest_first else ("placed_at", "id")


def _conditions(query: OrderQuery) -> Iterator[Q]:
    if query.shop is not None:
        yield Q(shop=query.shop)
    selections: dict[str, Collection[str] | None] = {
        "id": query.ids,
        "customer_key": query.customer_keys,
        "source": query.source,
        "life": query.life,
        "fulfillment": query.fulfillment,
        "payment_status": query.payment_status,
        "recovery": query.recovery,
    }
    for name, values in selections.items():
        if values is not None and not _too_long(values):
            # Plain texts, for drivers have ways of their own with enums.
            yield Q((f"{name}__in", sorted(map(str, values))))
    for name, period in (("placed_at", query.placed), ("completed_at", query.completed)):
        if period is not None:
            yield Q((f"{name}__gte", period.start), (f"{name}__lt", period.end))
    for name, flag in (("archived", query.archived), ("decided", query.decided)):
        if flag is not None:
            yield Q((name, flag))
    if query.abandoned is not None:
        yield Q(abandoned_at__isnull=not query.abandoned)
    if query.total_min is not None:
        yield Q(currency=query.total_min.currency, total__gte=query.total_min.minor)
    if query.total_max is not None:
        yield Q(currency=query.total_max.currency, total__lte=query.total_max.minor)
    if query.search is not None:
        found = _within("search_text", query.search)
        for digits in query.search_phones:
            found |= _within("phone_digits", digits)
        yield found
    if query.after is not None:
        at, last_id = query.after
        # The first half alone is what an index is asked; the second tells apart what is left.
        if query.newest_first:
            yield Q(placed_at__lte=at) & (Q(placed_at__lt=at) | Q(id__lt=last_id))
        else:
            yield Q(placed_at__gte=at) & (Q(placed_at__gt=at) | Q(id__gt=last_id))


def _within(column: str, text: str) -> Q:
    # Not `contains`, which is LIKE: SQLite's takes capitals and small letters for the same.
    return Q(GreaterThan(StrIndex(column, Value(text)), 0))


def _too_long(values: Collection[str]) -> bool:
    return len(values) > MOST_VALUES
