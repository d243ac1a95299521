"""The Orders page: tabs, filters, saved tabs, search, counts, and pages of rows."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, TypeVar

import attrs

from shoppego_orders.errors import InvalidValue, OrdersError, TooManySavedTabs
from shoppego_orders.money import Money
from shoppego_orders.order import Fulfillment, Life, OrderRow, PaymentStatus
from shoppego_orders.periods import Period, instant_from_iso
from shoppego_orders.ports import OrderStore, count_up_to
from shoppego_orders.query import Cursor, OrderQuery
from shoppego_orders.texts import folded, one_line, storable

PAGE_SIZE: Final = 50
LARGEST_PAGE: Final = 500

COUNTED: Final = 1_000
"""How far a page counts; what there is beyond is "1,000+", and costs nothing to show."""

SAVED_TABS: Final = 5
"""How many filters can be saved as tabs (Shoppego, Orders page, saved filters)."""

T = TypeVar("T")


class Tab(StrEnum):
    """The tabs that every Orders page has; :attr:`query` says what each shows.

    No tab but Archived shows archived orders (Shoppego, Orders page: they show up only in a
    search or in the archived view). All shows everything else, drafts and cancelled orders too,
    and these have their own tabs besides.
    """

    ALL = "all"
    UNPAID = "unpaid"
    AWAITING_PROCESSING = "awaiting_processing"
    PROCESSING = "processing"
    PACKED = "packed"
    READY_FOR_PICKUP = "ready_for_pickup"
    SHIPPED = "shipped"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"
    DRAFTS = "drafts"
    ARCHIVED = "archived"

    @property
    def label(self) -> str:
        """The tab's name for people, such as "Ready for pickup"."""
        return self.value.replace("_", " ").capitalize()

    @property
    def query(self) -> OrderQuery:
        """What the tab shows."""
        return TABS[self]


def _in_fulfillment(status: Fulfillment) -> OrderQuery:
    return OrderQuery(life=Life.OPEN, archived=False, fulfillment=status)


TABS: Final[Mapping[Tab, OrderQuery]] = MappingProxyType(
    {
        Tab.ALL: OrderQuery(archived=False),
        Tab.UNPAID: OrderQuery(
            life=Life.OPEN,
            archived=False,
            payment_status=(PaymentStatus.PENDING, PaymentStatus.PARTIALLY_PAID),
        ),
        Tab.AWAITING_PROCESSING: _in_fulfillment(Fulfillment.AWAITING_PROCESSING),
        Tab.PROCESSING: _in_fulfillment(Fulfillment.PROCESSING),
        Tab.PACKED: _in_fulfillment(Fulfillment.PACKED),
        Tab.READY_FOR_PICKUP: _in_fulfillment(Fulfillment.READY_FOR_PICKUP),
        Tab.SHIPPED: _in_fulfillment(Fulfillment.SHIPPED),
        Tab.COMPLETED: _in_fulfillment(Fulfillment.COMPLETED),
        Tab.CANCELLED: OrderQuery(life=Life.CANCELLED, archived=False),
        Tab.ABANDONED: OrderQuery(abandoned=True, archived=False),
        Tab.DRAFTS: OrderQuery(life=Life.DRAFT),
        Tab.ARCHIVED: OrderQuery(archived=True),
    }
)
"""What each tab shows: one table for page, counts and documentation."""


def _tidy(name: str) -> str:
    return " ".join(storable(name).split())


def _filter(_instance: object, _attribute: object, query: OrderQuery) -> None:
    _check_filter(query, "query")


@attrs.frozen
class SavedTab:
    """A filter under a name.

    :ivar name: 1 to 50 characters, and not the name of a tab that every page has.
    :ivar query: what it shows; archived orders only if it asks for them or searches.
    :raises InvalidValue: for another name, or a query with a place or a limit of its own.
    """

    name: str = attrs.field(converter=_tidy)
    query: OrderQuery = attrs.field(validator=_filter)

    def __attrs_post_init__(self) -> None:
        if not 1 <= len(self.name) <= 50:
            raise InvalidValue("name", self.name, "1 to 50 characters")
        taken = {folded(name) for tab in Tab for name in (tab.value, tab.label)}
        if folded(self.name) in taken:
            raise InvalidValue("name", self.name, "a name that is not one of the page's own tabs")


def _tabs(tabs: tuple[SavedTab, ...]) -> tuple[SavedTab, ...]:
    return tuple(tabs)


@attrs.frozen
class SavedTabs:
    """The filters that a merchant saved, at most five, in the order of saving.

    :raises TooManySavedTabs: for a sixth.
    :raises InvalidValue: for a name that comes twice, case aside.
    """

    tabs: tuple[SavedTab, ...] = attrs.field(default=(), converter=_tabs)

    def __attrs_post_init__(self) -> None:
        if len(self.tabs) > SAVED_TABS:
            raise TooManySavedTabs(SAVED_TABS)
        names: set[str] = set()
        for tab in self.tabs:
            if folded(tab.name) in names:
                raise InvalidValue("name", tab.name, "a name that no saved tab has yet")
            names.add(folded(tab.name))

    def saved(self, name: str, query: OrderQuery) -> SavedTabs:
        """Save a filter as one more tab.

        :raises TooManySavedTabs: if there are five already.
        :raises InvalidValue: for a name that is taken, empty, or too long.
        """
        return SavedTabs((*self.tabs, SavedTab(name, query)))

    def without(self, name: str) -> SavedTabs:
        """Remove a tab.

        :raises InvalidValue: if none has this name.
        """
        tab = self[name]
        return SavedTabs(tuple(other for other in self.tabs if other is not tab))

    def __getitem__(self, name: str) -> SavedTab:
        for tab in self.tabs:
            if folded(tab.name) == folded(name):
                return tab
        raise InvalidValue("tab", name, self._names())

    def _names(self) -> str:
        return f"one of {', '.join((*Tab, *(tab.name for tab in self.tabs)))}"


@attrs.frozen
class Count:
    """How many orders there are: so many, or more than that.

    ``str`` tells it as a page shows it: "12", "1,000+". ``store.count(page.query)`` counts on.

    :ivar number: up to :data:`COUNTED`.
    :ivar exact: False where there are more.
    """

    number: int
    exact: bool = True

    def __str__(self) -> str:
        return f"{self.number:,}{'' if self.exact else '+'}"


def _count(found: int) -> Count:
    """What a count tells that stopped right after :data:`COUNTED`."""
    return Count(min(found, COUNTED), exact=found <= COUNTED)


@attrs.frozen(kw_only=True, repr=False)
class OrderPage:
    """One page of orders, newest first; and what can be exported from it.

    Each is an :class:`~shoppego_orders.OrderQuery` for an ``ExportRequest``: the current page is
    :attr:`shown`, selected orders are :meth:`selected`, everything that matches the filter is
    :attr:`query`, and all orders are :attr:`everything`.

    :ivar shop: whose page it is; None for all shops of the store.
    :ivar tab: the tab's word, or the saved tab's name.
    :ivar query: what is shown, without place and limit: everything that matches.
    :ivar rows: at most ``size``.
    :ivar total: how many orders match, on all pages.
    :ivar counts: how many orders each tab has, whatever the filters; saved tabs by their names.
    :ivar next: the place to go on from, as text for a URL; None on the last page.
    """

    shop: str | None
    tab: str
    query: OrderQuery
    rows: tuple[OrderRow, ...]
    total: Count
    counts: Mapping[str, Count]
    next: str | None

    @property
    def shown(self) -> OrderQuery:
        """Exactly the orders of this page, in its order, whatever becomes of them meanwhile."""
        return self.selected(row.id for row in self.rows)

    def selected(self, ids: Iterable[str]) -> OrderQuery:
        """Orders that somebody ticked, on this page or on others; none of another shop."""
        return OrderQuery(shop=self.shop, ids=ids, newest_first=True)

    @property
    def everything(self) -> OrderQuery:
        """All the shop's orders, those in no tab but Archived among them."""
        return OrderQuery(shop=self.shop)

    def __repr__(self) -> str:
        shop = "all shops" if self.shop is None else self.shop
        return f"<OrderPage {one_line(f'{self.tab} of {shop}')}: {len(self.rows)} of {self.total}>"

    def to_arrow(self) -> Any:  # Any: PyArrow has no types
        """The page's rows as a ``pyarrow.Table``, for data frames: ``polars.DataFrame(page)``.

        :raises MissingExtra: without PyArrow, which the extra ``arrow`` brings.
        """
        from shoppego_orders.scale.writing import order_batches

        return order_batches(self.rows).read_all()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """What data frames ask for: the table of :meth:`to_arrow`."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def _repr_html_(self) -> str:
        """The page as a notebook shows it: logos, badges and totals; times are UTC."""
        from shoppego_orders.page_view import page_html

        return page_html(self)


def orders_page(
    store: OrderStore,
    *,
    shop: str | None = None,
    tab: Tab | str = Tab.ALL,
    filters: OrderQuery | None = None,
    search: str | None = None,
    size: int = PAGE_SIZE,
    after: str | Cursor | None = None,
    saved: SavedTabs | None = None,
) -> OrderPage:
    """Show a page of orders, newest first.

    Pages go on from the last order that was shown and not from a number of rows, so walking
    them shows every order once, while new ones arrive on the first page. Nothing is counted
    beyond :data:`COUNTED`, so that a page takes no longer where there are millions.

    :param shop: one shop's domain; None for all shops of the store.
    :param tab: one of :class:`Tab`, or the name of a saved tab.
    :param filters: what else must hold: dates, statuses, source, total, tag.
    :param search: part of number, name, e-mail or phone. A search finds archived orders too,
        unless the filters say otherwise.
    :param size: rows on a page, 1 to 500.
    :param after: ``OrderPage.next`` of the page before.
    :raises InvalidValue: for an unknown tab, a size or a place that is none, or filters that
        can't be joined with the tab's.
    """
    saved = SavedTabs() if saved is None else saved
    if type(size) is not int or not 1 <= size <= LARGEST_PAGE:
        raise InvalidValue("size", size, f"a whole number from 1 to {LARGEST_PAGE}")
    place = cursor_from_text(after) if isinstance(after, str) else after
    wanted = both(filters or OrderQuery(), OrderQuery(shop=shop, search=search))
    name, of_tab = _tab_query(tab, saved)
    query = _shown(of_tab, wanted)
    rows = tuple(store.rows(attrs.evolve(query, after=place, newest_first=True, limit=size + 1)))
    in_shop = OrderQuery(shop=shop)
    queries: dict[str, OrderQuery] = {each.value: TABS[each] for each in Tab}
    queries |= {each.name: each.query for each in saved.tabs}
    asked = [_shown(each, in_shop) for each in queries.values()]
    # Of a first page that holds them all the number is known.
    if place is not None or len(rows) > size:
        asked.append(query)
    counted = list(map(_count, count_up_to(store, asked, COUNTED + 1)))
    total = counted.pop() if len(counted) > len(queries) else Count(len(rows))
    last = rows[size - 1] if len(rows) > size else None
    return OrderPage(
        shop=in_shop.shop,
        tab=name,
        query=query,
        rows=rows[:size],
        total=total,
        counts=MappingProxyType(dict(zip(queries, counted, strict=True))),
        next=None if last is None else cursor_text(Cursor(last.placed_at, last.id)),
    )


def cursor_text(cursor: Cursor) -> str:
    """Write a place as text that a URL takes as it is."""
    document = json.dumps([cursor.placed_at.isoformat(), cursor.id])
    return base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")


def cursor_from_text(text: str) -> Cursor:
    """Read a place back.

    :raises InvalidValue: for text that :func:`cursor_text` did not write.
    """
    try:
        document = base64.b64decode(
            f"{text}{'=' * (-len(text) % 4)}", altchars=b"-_", validate=True
        )
        placed_at, order_id = json.loads(document)
        if isinstance(order_id, str):
            return Cursor(instant_from_iso(placed_at, "after"), order_id)
    except (OrdersError, ValueError, TypeError, RecursionError):
        pass
    raise InvalidValue("after", text, "the place that an Orders page gave as its next")


def both(one: OrderQuery, other: OrderQuery) -> OrderQuery:
    """Join two filters by *and*: what matches the result matches both.

    Where both restrict the same thing, what they have in common is left, and nothing at all
    (``ids`` is empty) where they contradict each other.

    :raises InvalidValue: for a filter with a place or a limit of its own, and for two tags or
        two different searches, since a query has one of each.
    """
    _check_filter(one, "one")
    _check_filter(other, "other")
    joined: dict[str, Any] = {}  # Any: a field's type is its own, and joining keeps it
    try:
        for field, join in _JOINED_BY.items():
            left, right = getattr(one, field), getattr(other, field)
            if left is not None and right is not None:
                joined[field] = join(left, right)
            else:
                joined[field] = right if left is None else left
        _check_bounds(joined["total_min"], joined["total_max"])
    except _Contradiction:
        return OrderQuery(ids=())
    return OrderQuery(**joined)


class _Contradiction(Exception):
    """Two filters that nothing can match at once."""


def _same(left: T, right: T) -> T:
    if left != right:
        raise _Contradiction
    return left


def _common(left: frozenset[str], right: frozenset[str]) -> frozenset[str]:
    return left & right


def _overlap(left: Period, right: Period) -> Period:
    start, end = max(left.start, right.start), min(left.end, right.end)
    if end <= start:
        raise _Contradiction
    return Period(start, end)


def _higher(left: Money, right: Money) -> Money:
    return max(left, _same_currency(left, right))


def _lower(left: Money, right: Money) -> Money:
    return min(left, _same_currency(left, right))


def _same_currency(left: Money, right: Money) -> Money:
    _same(left.currency, right.currency)
    return right


def _check_bounds(least: Money | None, most: Money | None) -> None:
    if least is not None and most is not None and _same_currency(least, most) < least:
        raise _Contradiction


def _only_one(field: str) -> Callable[[str, str], str]:
    def join(left: str, right: str) -> str:
        if left != right:
            raise InvalidValue(field, right, f"none beside {left!r}, which is asked for already")
        return left

    return join


_JOINED_BY: Final[Mapping[str, Callable[[Any, Any], object]]] = {  # Any: as in both()
    # First: whether two are refused does not depend on what else contradicts.
    "tag": _only_one("tag"),
    "search": _only_one("search"),
    "shop": _same,
    "ids": _common,
    "placed": _overlap,
    "completed": _overlap,
    "life": _common,
    "archived": _same,
    "fulfillment": _common,
    "payment_status": _common,
    "abandoned": _same,
    "decided": _same,
    "recovery": _common,
    "source": _common,
    "customer_keys": _common,
    "total_min": _higher,
    "total_max": _lower,
}


def _check_filter(query: OrderQuery, field: str) -> None:
    if query.after is not None or query.limit is not None:
        raise InvalidValue(field, query, "a filter without a place and a limit")


def _tab_query(tab: str, saved: SavedTabs) -> tuple[str, OrderQuery]:
    if tab in tuple(Tab):
        return Tab(tab).value, TABS[Tab(tab)]
    named = saved[tab]
    return named.name, named.query


def _shown(of_tab: OrderQuery, wanted: OrderQuery) -> OrderQuery:
    """What a tab shows of what is wanted: archived orders only where something asks for them."""
    if of_tab.archived is True:
        return both(of_tab, wanted)
    searching = of_tab.search is not None or wanted.search is not None
    hidden = None if searching or wanted.archived is not None else False
    return both(attrs.evolve(of_tab, archived=hidden), wanted)
