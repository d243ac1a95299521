"""What was sold: exact sums in each currency, by time, by where it came from, by what it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, Self

import attrs

from shoppego_orders.errors import InvalidValue
from shoppego_orders.export.csv_writer import CsvStream
from shoppego_orders.export.profiles import PLAIN, Profile
from shoppego_orders.export.report_views import Table, csv_of, html_of, text_of
from shoppego_orders.export.sales import MILLIONTHS, By, Credits, Sales, Tally
from shoppego_orders.order import Life, LineRow, Order, OrderRow
from shoppego_orders.periods import FIRST_INSTANT, SHOP_TIME_ZONE, Period, time_zone
from shoppego_orders.ports import OrderStore
from shoppego_orders.query import OrderQuery
from shoppego_orders.texts import one_line, word_of

if TYPE_CHECKING:
    from shoppego_orders.notebook import Plot


@attrs.frozen(repr=False)
class SalesReport:
    """Sums of orders, which can be asked in many ways; what counts as a sale, :class:`Sales` says.

    Reports of parts add up to the report of the whole, however the orders were parted: so parts
    may be read in several processes, or month by month, and added. A report keeps its sums and
    each customer's first sale, and no orders.

    :ivar tz: the IANA name of the zone whose days are meant.
    :ivar model: the name of the model by which sources and channels are credited; "" for the one
        source that the Orders page shows.
    """

    tz: str
    model: str
    _tally: Tally

    @classmethod
    def of(
        cls,
        rows: Iterable[OrderRow | LineRow | Order],
        *,
        history: Iterable[OrderRow | Order] = (),
        tz: str = SHOP_TIME_ZONE,
        credits: Credits | None = None,
        model: str = "",
    ) -> Self:
        """Add orders up, in one pass and in any order.

        :param rows: orders, as rows or whole; line items, from which the sums of products are;
            or both, mixed. A whole ``Order`` brings its line items along, a row does not.
        :param history: what customers bought besides; of these orders nothing is added up, but
            whoever bought before is a returning customer. Orders of ``rows`` may be among them.
            Without it, a customer's first sale is the first among ``rows``.
        :param tz: the shop's IANA time zone, in which days begin.
        :param credits: shares an order among the touches that led to it, as a journey's
            ``credits`` does; sources and channels are then those of the touches.
        :param model: the name of what ``credits`` follows, so that reports by different models
            are not added.
        :raises UnknownTimeZone: when IANA lists no such zone.
        :raises InvalidValue: for credits without a name or a name without credits; and for
            credits that can't be shared out.
        """
        if (credits is None) is not (model == ""):
            raise InvalidValue("model", model, "a name where there are credits, and only there")
        zone, tally = time_zone(tz), Tally(1 if credits is None else MILLIONTHS)
        tally.take(rows, zone, credits)
        tally.remember(history)
        return cls(tz, model, tally)

    @classmethod
    def sum_of(cls, reports: Iterable[SalesReport]) -> Self:
        """Add many reports, in one pass over each; as ``+`` does for two.

        :raises InvalidValue: for none at all, or reports of different zones or models.
        """
        tally: Tally | None = None
        tz = model = ""
        for report in reports:
            if tally is None:
                tz, model = report.tz, report.model
                tally = Tally(report._tally.parts)
            if report.tz != tz:
                raise InvalidValue("tz", report.tz, f"{tz}: days of other zones don't add")
            if report.model != model:
                raise InvalidValue("model", report.model, f"{model!r}: credits of others don't add")
            tally.merge(report._tally)
        if tally is None:
            raise InvalidValue("reports", (), "at least one report")
        return cls(tz, model, tally)

    def __add__(self, other: SalesReport) -> SalesReport:
        if type(other) is not SalesReport:
            return NotImplemented
        return SalesReport.sum_of((self, other))

    def by(self, by: By | str) -> list[tuple[str, Sales]]:
        """List the sums of a kind: of what, and the sums; one line for each currency of it.

        Times come in their order, and whatever else the largest first, currency by currency.
        "" is what has no source, no channel or no payment method. A line may hold abandoned
        orders alone, and no sale.

        :raises InvalidValue: for a word that is no :class:`By`, and where an amount reaches
            10**18 minor units.
        """
        return self._tally.by(word_of(By, by, "by"))

    def totals(self) -> dict[str, Sales]:
        """Sum all orders up, by currency."""
        return dict(self.by(By.CURRENCY))

    @property
    def customers(self) -> list[tuple[str, str]]:
        """Those whose sales are in the report or its history: the shop, and their key in it."""
        return sorted(self._tally.firsts)

    def text(self, by: By | str = By.DAY) -> str:
        """Write the sums of a kind as plain tables, of sales and of customers; totals come last.

        Columns in which there is nothing are left out, and long names are cut.
        """
        return text_of(self._table(by))

    def to_csv(self, by: By | str = By.DAY, *, profile: Profile | str = PLAIN) -> CsvStream:
        """Write the sums of a kind as CSV, for ``write_file`` or a download.

        All columns are there, whatever they hold, and no line of totals: a file's sums are right.

        :param profile: for whom; see :mod:`shoppego_orders.export.profiles`.
        :raises InvalidValue: for an unknown profile.
        """
        return csv_of(self._table(by), profile)

    def to_arrow(self, by: By | str = By.DAY) -> Any:  # Any: PyArrow has no types
        """The sums of a kind as a ``pyarrow.Table``, for data frames: all columns, no totals.

        Days are dates, amounts are decimals, and counts that several sources share are decimals
        of six digits. A report passed on as it is, such as to ``polars.DataFrame(report)``, is
        that of days.

        :raises MissingExtra: without PyArrow, which the extra ``arrow`` brings.
        """
        from shoppego_orders.scale.sales import sales_table

        return sales_table(self._table(by))

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """What data frames ask for: the table of :meth:`to_arrow`."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def plot(self) -> Plot:
        """Draw net sales by day, and which part came from which source.

        :func:`~shoppego_orders.notebook.plot_sales` says more, and takes a table of your own.

        :raises MissingExtra: without matplotlib, which the extra ``notebook`` brings.
        """
        from shoppego_orders.notebook import plot_sales

        return plot_sales(self)

    def __repr__(self) -> str:
        try:
            totals = [f"{sales.net} from {sales.orders} orders" for sales in self.totals().values()]
        except InvalidValue:
            totals = ["more than money can hold"]
        model = f", credited by {one_line(self.model)}" if self.model else ""
        return f"<SalesReport: {', '.join(totals) or 'no orders'}; days of {self.tz}{model}>"

    def _repr_html_(self) -> str:
        """Show totals, times and sources in a notebook.

        Times are days, or else the weeks or the months, where there would be too many.
        """
        times = (self._table(by) for by in (By.DAY, By.WEEK, By.MONTH))
        readable = next((table for table in times if len(table.lines) <= _AT_A_GLANCE), None)
        return html_of(
            f"Sales; days of {self.tz}",
            (
                self._table(By.CURRENCY),
                readable or self._table(By.MONTH),
                self._table(By.SOURCE),
            ),
        )

    def _table(self, by: By | str) -> Table:
        kind = word_of(By, by, "by")
        return Table(kind, self.by(kind), one_line(self.model))


def sales_report(
    store: OrderStore, query: OrderQuery | None = None, *, tz: str = SHOP_TIME_ZONE
) -> SalesReport:
    """Report on a store's orders.

    Who is a returning customer is asked of the whole store: also where the query is about one
    week, or one source, a customer of years ago is not new.

    :param query: which orders; None for all.
    :raises UnknownTimeZone: when IANA lists no such zone.
    """
    wanted = query or OrderQuery()
    report = SalesReport.of(chain(store.rows(wanted), store.lines(wanted)), tz=tz)
    if attrs.evolve(wanted, shop=None, newest_first=False) == OrderQuery():
        return report  # all that its customers ever bought is in it
    return report + SalesReport.of((), history=_history(store, wanted.shop, report), tz=tz)


_AT_A_GLANCE: Final = 31
_AT_ONCE: Final = 500


def _history(store: OrderStore, shop: str | None, report: SalesReport) -> Iterator[OrderRow]:
    keys = iter(sorted({key for _, key in report.customers}))
    while chunk := frozenset(islice(keys, _AT_ONCE)):
        yield from store.rows(
            OrderQuery(
                shop=shop,
                customer_keys=chunk,
                life=(Life.OPEN,),
                completed=Period.since(FIRST_INSTANT),
            )
        )
