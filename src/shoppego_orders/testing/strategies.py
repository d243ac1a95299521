"""Hypothesis strategies for the values of this library.

Hypothesis finds :func:`register` through its entry point, so ``st.from_type(Order)`` works as
soon as both are installed. Values are drawn from small pools wherever collisions matter (the
same customer, the same reference, the same moment), and hostile texts are among them. Examples
shrink to what a person can read: one order, one coffee, paid once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any, TypeVar

import attrs
from hypothesis import strategies as st

from shoppego_orders.abandonment import (
    AbandonmentPolicy,
    NoOtherPurchase,
    Rule,
    Since,
    Unfulfilled,
)
from shoppego_orders.abandonment import rules as every
from shoppego_orders.attribution import Attribution, IgnoredTouch, Touch, default_table
from shoppego_orders.customers import Address, Customer
from shoppego_orders.errors import CommandRefused
from shoppego_orders.money import Money
from shoppego_orders.order import (
    Adjustment,
    AdjustmentKind,
    Delivery,
    Fulfillment,
    Life,
    LineItem,
    LineRow,
    Order,
    OrderEvent,
    OrderRow,
    PaymentMethod,
    PaymentStatus,
    PaymentType,
    Recovery,
    Tracking,
)
from shoppego_orders.periods import SHOP_TIME_ZONE, Period, time_zone
from shoppego_orders.query import Cursor, OrderQuery

T = TypeVar("T")

HOSTILE_TEXTS: Sequence[str] = (
    "",
    " ",
    "nasi\x00lemak",
    "\ud83d alone",
    "kopi \N{HOT BEVERAGE}\ufe0f \N{FAMILY}",
    '=HYPERLINK("http://evil.example","klik")',
    "+60 12",
    "-1+1",
    "@SUM(A1:A9)",
    "\t=1+1",
    "<script>alert(1)</script> & co",
    "'; DROP TABLE orders; --",
    "100%_\\",
    'say "hi", she said',
    "two\r\nlines",
    "line\u2028separator",
    "\u202eسلام\u202c abc",
    "عمر",
    "e\u0301 ﬁ İ ß",
    "x" * 300,
)
"""What breaks files, pages and databases that trust their texts."""

SHOPS: Sequence[str] = ("hartamas.myshoppegram.com", "mirfaith.myshoppegram.com")
REFERENCES: Sequence[str] = ("pay-1", "pay-2", "pay-3", "ref-1", "0")
PARCELS: Sequence[tuple[str, str]] = (("J&T", "JT1"), ("J&T", "JT2"), ("Pos Laju", "JT1"))
LANDING_URLS: Sequence[str] = (
    "",
    "http://hartamas.myshoppegram.com/cart/2648:1?utm_source=tiktok",
    "https://hartamas.myshoppegram.com/?utm_source=youtube&utm_medium=video&utm_campaign=raya",
    "https://hartamas.myshoppegram.com/?gclid=Cj0&utm_term=kopi%20o",
    "https://mirfaith.myshoppegram.com/?utm_source=%3D1%2B1&utm_campaign=%E2%98%95%00",
    "https://[::1",
)
REFERRERS: Sequence[str] = (
    "https://www.google.com/",
    "https://t.me/kedai",
    "https://blog.example/resepi?q=1",
    "https://hartamas.myshoppegram.com/products",
    "android-app://com.google.android.gm",
)
_MOMENT = datetime(2026, 3, 3, 14, 58, 17, tzinfo=UTC)


# Texts, money and time. Strategies are slow to make and quick to draw from: made once, where
# they take no arguments.


@functools.cache
def texts() -> st.SearchStrategy[str]:
    """Make any text, the hostile ones among them; lone surrogates and NUL too."""
    return (
        st.sampled_from(("Kopi", "Aisyah", "Kuala Lumpur"))
        | st.sampled_from(HOSTILE_TEXTS)
        | st.text(st.characters(exclude_categories=()), max_size=12)
    )


@functools.cache
def keys() -> st.SearchStrategy[str]:
    """Make texts that may name an order: not blank, no NUL, no lone surrogate."""
    return st.integers(1, 9999).map(str) | st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=8
    ).filter(str.strip)


def currencies() -> st.SearchStrategy[str]:
    """Make currency codes with 2, 0 and 3 digits."""
    return st.sampled_from(("MYR", "SGD", "JPY", "KWD"))


def money(
    currency: str | None = None, *, least: int = -(10**7), most: int = 10**7
) -> st.SearchStrategy[Money]:
    """Make amounts, in one currency or in any.

    :param least: in minor units; so is ``most``.
    """
    codes = currencies() if currency is None else st.just(currency)
    minor = st.integers(least, most)
    even = st.sampled_from([n for n in (0, 1, 1000, 5000, 9999) if least <= n <= most] or [least])
    return st.builds(Money.from_minor, even | minor, codes)


def time_zones() -> st.SearchStrategy[tzinfo]:
    """Make time zones: UTC, the shop's, those with clock changes, and odd offsets."""
    names = (SHOP_TIME_ZONE, "America/New_York", "Europe/London", "Australia/Lord_Howe")
    odd = timezone(timedelta(hours=5, minutes=45, seconds=1))
    return st.sampled_from([UTC, *(time_zone(name) for name in names), odd])


@functools.cache
def instants() -> st.SearchStrategy[datetime]:
    """Make aware datetimes in several zones, to the microsecond; some of them often."""
    anywhere = st.datetimes(
        datetime(2021, 1, 1),  # noqa: DTZ001 - Hypothesis takes bounds without a zone
        datetime(2028, 1, 1),  # noqa: DTZ001 - as above
        timezones=time_zones(),
    )
    often = st.builds(_moment, delays(), time_zones())
    return often | anywhere


@functools.cache
def utc_instants() -> st.SearchStrategy[datetime]:
    """Make instants as the kernel keeps them: in UTC."""
    return instants().map(lambda instant: instant.astimezone(UTC))


@functools.cache
def delays() -> st.SearchStrategy[timedelta]:
    """Make stretches of time: none, just below an hour, an hour, just above it, backwards."""
    hour, tick = timedelta(hours=1), timedelta(microseconds=1)
    known = (timedelta(0), tick, hour - tick, hour, hour + tick, timedelta(days=3), -hour)
    return st.sampled_from(known) | st.timedeltas(timedelta(hours=-2), timedelta(days=40))


@functools.cache
def periods() -> st.SearchStrategy[Period]:
    """Make periods: days over clock changes and a skipped day, and any two instants."""
    changes = (
        (SHOP_TIME_ZONE, date(2026, 3, 3)),
        ("Europe/London", date(2026, 3, 29)),
        ("America/New_York", date(2026, 11, 1)),
        ("Asia/Beirut", date(2026, 3, 29)),  # begins at 01:00
        ("Pacific/Apia", date(2011, 12, 29)),  # is followed by the 31st
    )
    days = st.builds(_days, st.sampled_from(changes), st.integers(1, 31))
    lengths = st.timedeltas(timedelta(microseconds=1), timedelta(days=400))
    spans = st.builds(_span, utc_instants(), lengths)
    open_ended = utc_instants().map(Period.since) | utc_instants().map(Period.before)
    return days | spans | open_ended


# Who bought, and where they came from


@functools.cache
def phones() -> st.SearchStrategy[str]:
    """Make phone numbers of few people in many notations, and texts that are none."""
    return phone_notations("123456789") | phone_notations("1123456780") | texts()


def phone_notations(national: str) -> st.SearchStrategy[str]:
    """Make the notations of one Malaysian number.

    :param national: its digits, without the leading zero.
    """
    first, rest = national[:2], national[2:]
    return st.sampled_from(
        (
            f"0{national}",
            f"60{national}",
            f"+60 {first}-{rest[:3]} {rest[3:]}",
            f"0060{national}",
            f"+60 (0){first} {rest}",
        )
    )


@functools.cache
def emails() -> st.SearchStrategy[str]:
    """Make e-mail addresses of few people, and texts that are none."""
    known = ("aisyah@example.com", "AISYAH@example.com ", "tan@example.com")
    return st.sampled_from(known) | texts()


@functools.cache
def customers() -> st.SearchStrategy[Customer]:
    """Make customers; they return, under another spelling or another phone notation."""
    return st.builds(
        Customer,
        id=st.none() | st.sampled_from(("c1", "c2")),
        first_name=st.just("") | texts(),
        last_name=st.just("") | texts(),
        email=st.none() | emails(),
        phone=st.none() | phones(),
    )


@functools.cache
def addresses() -> st.SearchStrategy[Address]:
    """Make addresses, whole or with parts missing."""
    part = st.just("") | texts()
    return st.builds(
        Address,
        first_name=part,
        last_name=part,
        phone=st.just("") | phones(),
        email=st.just("") | emails(),
        address1=part,
        address2=part,
        zip=st.sampled_from(("", "50480", "00100")),
        city=part,
        state=part,
        country=st.sampled_from(("", "MY", "Malaysia")),
    )


@functools.cache
def touches() -> st.SearchStrategy[Touch]:
    """Make visits, by links that work and links that don't."""
    return st.builds(
        Touch,
        st.sampled_from(LANDING_URLS) | texts(),
        st.none() | st.sampled_from(REFERRERS) | texts(),
        instants(),
    )


@functools.cache
def attributions() -> st.SearchStrategy[Attribution]:
    """Make answers of the table that ships."""
    return touches().map(lambda touch: default_table().classify(touch))


@functools.cache
def payment_methods() -> st.SearchStrategy[PaymentMethod]:
    """Make payment methods of both types."""
    known = (
        PaymentMethod("Cash on delivery", PaymentType.MANUAL),
        PaymentMethod("Billplz", PaymentType.ALTERNATIVE),
    )
    return st.sampled_from(known) | st.builds(PaymentMethod, texts(), st.sampled_from(PaymentType))


# What an order consists of


def line_items(currency: str | None = None) -> st.SearchStrategy[LineItem]:
    """Make line items of one currency, custom items among them."""
    if currency is None:
        return currencies().flatmap(line_items)
    price = money(currency, least=0, most=10**6)
    product = st.builds(
        LineItem,
        st.sampled_from(("Kopi", "Teh tarik")) | texts(),
        st.integers(1, 5),
        price,
        variant=st.just("") | texts(),
        sku=st.sampled_from(("", "KOPI-1")) | texts(),
    )
    name = st.text(st.characters(exclude_categories=()), min_size=1, max_size=50)
    custom = st.builds(LineItem, name, st.integers(1, 5), price, custom=st.just(True))
    return product | custom


def adjustments(currency: str | None = None) -> st.SearchStrategy[Adjustment]:
    """Make adjustments of one currency, each on its right side of zero."""
    if currency is None:
        return currencies().flatmap(adjustments)
    discount = st.builds(
        Adjustment, st.just(AdjustmentKind.DISCOUNT), money(currency, least=-(10**4), most=0)
    )
    declared = st.builds(
        Adjustment, st.just(AdjustmentKind.DECLARED), money(currency, least=-(10**4), most=10**4)
    )
    return _charges(currency) | discount | declared


@functools.cache
def trackings() -> st.SearchStrategy[Tracking]:
    """Make parcels, from a small pool and with hostile carriers."""
    known = st.sampled_from(PARCELS).map(lambda parcel: Tracking(*parcel))
    return known | st.builds(Tracking, texts(), st.just("JT1"), texts())


# What happens to an order


@attrs.frozen
class Step:
    """A command or a fact, for whichever order it is given to.

    :ivar name: of the order's method.
    :ivar arguments: of the method, besides its times.
    :ivar after: how long after the order was placed it happened.
    :ivar learned_after: as long after that it was learned of; None where the method isn't told.
    :ivar zone: in which its times are told.
    """

    name: str
    arguments: dict[str, Any]  # of whichever method it is
    after: timedelta
    learned_after: timedelta | None = None
    zone: tzinfo = UTC

    def __call__(self, order: Order) -> Order:
        """Give the command or the fact to an order; raises what the order raises."""
        at = order.placed_at + self.after
        times = {"at": at.astimezone(self.zone)}
        if self.learned_after is not None:
            times["recorded_at"] = (at + self.learned_after).astimezone(self.zone)
        taken: Order = getattr(order, self.name)(**self.arguments, **times)
        return taken


def run(order: Order, steps: Iterable[Step]) -> Order:
    """Take an order through steps; those that it refuses are skipped."""
    for step in steps:
        try:
            order = step(order)
        except CommandRefused:
            continue
    return order


@functools.cache
def commands(currency: str) -> st.SearchStrategy[Step]:
    """Make the merchant's commands, with arguments that are right."""
    lines = st.lists(line_items(currency), min_size=1, max_size=3)
    charges = st.lists(_charges(currency), max_size=2)
    reason = st.sampled_from(("out of stock", "=1+1", "a\nb"))
    offered = st.tuples(_references(), money(currency, least=1, most=10**6))
    address = st.none() | addresses()
    return st.one_of(
        _commands("mark_pending"),
        _commands("mark_paid"),
        _commands("confirm"),
        _commands("set_fulfillment", status=st.sampled_from(Fulfillment), reason=reason),
        _commands("add_tracking", tracking=trackings()),
        _commands("change_lines", lines=lines, adjustments=charges),
        _commands("accept_offer", lines=lines, payment=st.none() | offered),
        _commands("edit_customer", customer=customers()),
        _commands("edit_address", shipping=address, billing=address),
        _commands("edit_note", note=texts()),
        _commands("set_tags", tags=st.lists(tags(), max_size=3)),
        _commands("cancel", reason=reason),
        _commands("archive"),
    )


@functools.cache
def facts(currency: str) -> st.SearchStrategy[Step]:
    """Make what gateways, couriers and sweeps report; some of it twice, or in other money."""
    amount = money(currency, least=1, most=2 * 10**6)
    foreign = money(least=1, most=100)
    abandonment = st.lists(texts(), max_size=2)
    return st.one_of(
        _facts("record_payment", reference=_references(), amount=amount),
        _facts("record_payment", reference=_references(), amount=amount | foreign),
        _facts("record_refund", reference=_references(), amount=amount | foreign),
        _facts("record_shipment", tracking=trackings()),
        _facts("record_abandonment", policy=st.just("documented"), reasons=abandonment),
    )


@functools.cache
def recovery_steps() -> st.SearchStrategy[Step]:
    """Make what is found out about an order that was abandoned; of any other it changes nothing."""
    bought = (Recovery.RECOVERED, Recovery.RETURNED, Recovery.SUBSTITUTED)
    outcome = st.sampled_from(bought).map(lambda word: {"outcome": word, "purchase": "2"})
    lost = st.just({"outcome": Recovery.LOST, "purchase": None})
    return st.one_of(
        _commands("record_retraction", reasons=st.lists(texts(), max_size=2)),
        _commands("record_return", step=st.integers(1, 3)),
        (outcome | lost).flatmap(
            lambda told: _facts(
                "record_outcome", **{name: st.just(value) for name, value in told.items()}
            )
        ),
    )


@functools.cache
def steps(currency: str) -> st.SearchStrategy[Step]:
    """Make commands and facts, about as many of both, and some of what follows an abandonment."""
    reported = facts(currency)
    return st.one_of(commands(currency), reported, reported, recovery_steps())


def tags() -> st.SearchStrategy[str]:
    """Make tags, as typed."""
    return st.sampled_from(("vip", "raya", " vip ")) | texts()


@st.composite
def orders(
    draw: st.DrawFn,
    *,
    shop: str | None = None,
    currency: str | None = None,
    placed_at: st.SearchStrategy[datetime] | None = None,
) -> Order:
    """Make orders in any state that can be reached, with their whole history in ``changes``.

    :param shop: of this shop alone.
    :param currency: in this currency alone.
    :param placed_at: when the checkout began.
    """
    code = currency or draw(currencies())
    parts = draw(_parts(code))
    parts["at"] = draw(instants() if placed_at is None else placed_at)
    if shop is not None:
        parts["shop"] = shop
    draft = parts.pop("draft")
    if not (parts["lines"] or draft):
        parts["lines"] = [LineItem("Kopi", 1, Money.from_minor(1000, code))]
    order = Order.place_draft(**parts) if draft else Order.place(**parts)
    return run(order, draw(st.lists(steps(code), max_size=10)))


def order_lists(*, min_size: int = 0, max_size: int = 6) -> st.SearchStrategy[list[Order]]:
    """Make the orders of a store: ids differ, and so do the numbers in one shop."""
    return st.lists(
        orders(),
        min_size=min_size,
        max_size=max_size,
        unique_by=(lambda order: order.id, lambda order: (order.shop, order.number)),
    )


def histories() -> st.SearchStrategy[tuple[OrderEvent, ...]]:
    """Make whole histories, oldest event first."""
    return orders().map(lambda order: order.changes)


@st.composite
def queries(draw: st.DrawFn, among: Sequence[Order] = ()) -> OrderQuery:
    """Make queries, of which most fields ask for nothing.

    :param among: orders of which the query should find some; its values are taken from them.
    """

    def maybe(values: Callable[[], st.SearchStrategy[T]]) -> T | None:
        # Nine times of ten: a query that asks for everything at once finds nothing.
        return draw(values()) if draw(st.integers(0, 9)) == 9 else None

    def of(known: Iterable[T], others: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
        values = list(known)
        return st.sampled_from(values) | others if values else others

    def some(known: Iterable[T], others: st.SearchStrategy[T]) -> st.SearchStrategy[frozenset[T]]:
        return st.frozensets(of(known, others), max_size=3)

    def total() -> st.SearchStrategy[Money]:
        return of((order.total for order in among), money())

    def searched() -> Iterator[str]:
        for order in among:
            for text in (order.number, order.customer_name, order.email, order.phone):
                yield from (text, text[1:5])

    keys_known = [order.customer_key for order in among if order.customer_key is not None]
    sources_known = [order.source for order in among if order.source is not None]
    cursors_known = [Cursor(order.placed_at, order.id) for order in among]
    cursors = st.builds(Cursor, instants(), keys())
    least, most = maybe(total), maybe(total)
    if least is not None and most is not None and (least.currency != most.currency or most < least):
        most = least
    return OrderQuery(
        shop=maybe(lambda: st.sampled_from(SHOPS)),
        ids=maybe(lambda: some((order.id for order in among), keys())),
        placed=maybe(periods),
        completed=maybe(periods),
        life=maybe(lambda: some((), st.sampled_from(Life))),
        archived=maybe(st.booleans),
        fulfillment=maybe(lambda: some((), st.sampled_from(Fulfillment))),
        payment_status=maybe(lambda: some((), st.sampled_from(PaymentStatus))),
        abandoned=maybe(st.booleans),
        decided=maybe(st.booleans),
        recovery=maybe(lambda: some((), st.sampled_from(Recovery))),
        source=maybe(lambda: some(sources_known, st.sampled_from(("direct", "tiktok")))),
        customer_keys=maybe(lambda: some(keys_known, st.just("id:c1"))),
        total_min=least,
        total_max=most,
        tag=maybe(lambda: of((tag for order in among for tag in order.tags), texts())),
        search=maybe(lambda: of(searched(), phones())),
        after=maybe(lambda: of(cursors_known, cursors)),
        newest_first=draw(st.booleans()),
        limit=maybe(lambda: st.integers(1, 4)),
    )


@functools.cache
def rules() -> st.SearchStrategy[Rule]:
    """Make rules of abandonment, those that ship and joins of them."""
    few = st.sampled_from
    simple = st.one_of(
        st.just(Unfulfilled()),
        st.builds(NoOtherPurchase, st.booleans()),
        few((every.Unpaid(), every.Unconfirmed())),
        st.builds(every.FirstOrder, few((timedelta(hours=2), timedelta(days=365)))),
        st.builds(every.PaymentMethod, few(("billplz", "Cash on delivery"))),
        st.builds(every.PaymentType, st.sampled_from(PaymentType)),
        st.builds(every.TotalAtLeast, money(least=0, most=10**4)),
        st.builds(every.Source, st.frozensets(few(("direct", "tiktok")), min_size=1)),
        st.builds(every.Channel, few(("Direct", "Organic Social"))),
        st.builds(every.HasContact, few(("email", "phone", "any"))),
        st.builds(every.Tagged, few(("vip", "raya"))),
        st.builds(every.DeliveryIs, st.frozensets(st.sampled_from(Delivery), min_size=1)),
    )
    return st.recursive(simple, _joined_rules, max_leaves=5)


@functools.cache
def policies() -> st.SearchStrategy[AbandonmentPolicy]:
    """Make policies: the documented one often, and others with windows around an hour."""
    windows = st.sampled_from((timedelta(minutes=30), timedelta(hours=1), timedelta(hours=3)))
    other = st.builds(
        AbandonmentPolicy,
        window=windows,
        rule=st.just(AbandonmentPolicy().rule) | rules(),
        since=st.sampled_from(Since),
        windows_by_payment_method=st.dictionaries(
            st.sampled_from(("Billplz", "Cash on delivery")), windows
        ),
        name=texts().filter(lambda text: bool(text.strip()) and text.isprintable()),
    )
    return st.just(AbandonmentPolicy()) | other


def register() -> None:
    """Tell Hypothesis which strategy makes which type; its entry point calls this."""

    def made_by(strategy: Callable[[], st.SearchStrategy[T]], made: type[T]) -> None:
        # On first use: nothing may be made while Hypothesis itself is being imported.
        st.register_type_strategy(made, lambda _: strategy())

    made_by(money, Money)
    made_by(periods, Period)
    made_by(customers, Customer)
    made_by(addresses, Address)
    made_by(touches, Touch)
    made_by(attributions, Attribution)
    made_by(payment_methods, PaymentMethod)
    made_by(line_items, LineItem)
    made_by(adjustments, Adjustment)
    made_by(trackings, Tracking)
    made_by(orders, Order)
    made_by(order_events, OrderEvent)
    made_by(order_rows, OrderRow)
    made_by(line_rows, LineRow)
    made_by(queries, OrderQuery)
    st.register_type_strategy(Rule, lambda _: rules())
    made_by(policies, AbandonmentPolicy)


def order_events() -> st.SearchStrategy[OrderEvent]:
    """Make events of any type."""
    return histories().flatmap(st.sampled_from)


def order_rows() -> st.SearchStrategy[OrderRow]:
    """Make the rows of orders."""
    return orders().map(OrderRow.of)


def line_rows() -> st.SearchStrategy[LineRow]:
    """Make the rows of line items."""
    return st.builds(LineRow.of, order_rows(), st.just(1), line_items())


def _joined_rules(parts: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    both = st.tuples(parts, parts)
    return st.one_of(
        both.map(lambda pair: pair[0] & pair[1]),
        both.map(lambda pair: pair[0] | pair[1]),
        parts.map(lambda rule: ~rule),
    )


def _moment(delay: timedelta, zone: tzinfo) -> datetime:
    return (_MOMENT + delay).astimezone(zone)


def _days(start: tuple[str, date], days: int) -> Period:
    zone, first = start
    return Period.of_dates(first, first + timedelta(days=days), zone)


def _span(start: datetime, length: timedelta) -> Period:
    return Period(start, start + length)


def _references() -> st.SearchStrategy[str]:
    return st.sampled_from(REFERENCES) | texts().filter(str.strip)


def _charges(currency: str) -> st.SearchStrategy[Adjustment]:
    return st.builds(
        Adjustment,
        st.sampled_from((AdjustmentKind.SHIPPING, AdjustmentKind.TAX)),
        money(currency, least=0, most=10**5),
        label=st.just("") | texts(),
    )


def _commands(name: str, **arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    actor = st.sampled_from(("merchant", "aina"))
    return _steps(name, {**arguments, "actor": actor}, st.none())


def _facts(name: str, **arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    required = name in {"record_abandonment", "record_outcome"}
    told = delays() if required else st.none() | delays()
    return _steps(name, arguments, told)


def _steps(
    name: str,
    arguments: dict[str, st.SearchStrategy[Any]],
    learned_after: st.SearchStrategy[timedelta | None],
) -> st.SearchStrategy[Step]:
    drawn = st.fixed_dictionaries(arguments).map(_told)
    zones = st.just(UTC) | time_zones()
    return st.builds(Step, st.just(name), drawn, delays(), learned_after, zones)


def _told(arguments: dict[str, Any]) -> dict[str, Any]:
    """Tell a parcel by the arguments that the methods take."""
    parcel = arguments.pop("tracking", None)
    return arguments if parcel is None else arguments | attrs.asdict(parcel)


@functools.cache
def _parts(currency: str) -> st.SearchStrategy[dict[str, Any]]:
    """What ``Order.place`` is told, besides the time."""
    return st.fixed_dictionaries(
        {
            "draft": st.integers(0, 3).map(lambda n: n == 3),
            "id": keys(),
            "shop": st.sampled_from(SHOPS),
            "number": st.none() | st.integers(1, 999).map("#SA{}".format) | texts(),
            "currency": st.just(currency),
            "lines": st.lists(line_items(currency), max_size=3),
            "adjustments": st.lists(adjustments(currency), max_size=3).map(_bearable),
            "customer": customers(),
            "shipping_address": st.none() | addresses(),
            "billing_address": st.none() | addresses(),
            "delivery": st.sampled_from(Delivery),
            "payment_method": st.none() | payment_methods(),
            "touches": st.lists(touches(), max_size=2),
            "ignored_touches": st.lists(
                st.builds(IgnoredTouch, touches(), st.sampled_from(["too-old", "payment"])),
                max_size=1,
            ),
            "attribution": st.none() | attributions(),
            "note": st.just("") | texts(),
            "tags": st.lists(tags(), max_size=3),
        }
    )


def _bearable(drawn: list[Adjustment]) -> list[Adjustment]:
    """Drop the adjustments that take the total below zero, whatever the lines are."""
    kept: list[Adjustment] = []
    for each in drawn:
        if each.amount.minor + sum(item.amount.minor for item in kept) >= 0:
            kept.append(each)
    return kept
