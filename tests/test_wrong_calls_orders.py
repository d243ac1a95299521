"""Orders, their page and links: a wrong call is told which value, and what would be right."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from shoppego_orders import (
    Adjustment,
    CartItem,
    CartLink,
    LineItem,
    Order,
    OrderQuery,
    SavedTabs,
    anonymise,
    orders_page,
)
from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.customers import Customer
from shoppego_orders.erasure import customer_orders
from shoppego_orders.errors import (
    BrokenHistory,
    CommandRefused,
    CurrencyMismatch,
    InvalidValue,
    OrdersError,
    TooManySavedTabs,
    UnknownCurrency,
)
from shoppego_orders.markup import moment
from shoppego_orders.money import Money
from shoppego_orders.order import Blocker, Fulfillment, PaymentMethod
from shoppego_orders.order.anonymity import anonymised_history
from shoppego_orders.page import SavedTab, both, cursor_from_text
from shoppego_orders.query import Cursor
from shoppego_orders.testing.samples import NOON, SHOP, myr, order_of
from wrong_calls import NAIVE, Call, WrongCall, assert_told, untyped, without_a_zone

ORDER = order_of("1")
STORE = MemoryOrderStore()
LINES = [LineItem("Kopi O", 1, myr("5.90"))]
DISCOUNT = Adjustment("discount", myr("-900.00"))
IN_DOLLARS = Money("1.00", "SGD")
FOREIGN = LineItem("Kopi O", 1, IN_DOLLARS)
TEN = OrderQuery(limit=10)
LINK = CartLink([CartItem("57085", 1)])
RAYA = SavedTabs().saved("Raya", OrderQuery(tag="raya"))
FIVE_TABS = SavedTabs(tuple(SavedTab(name, OrderQuery()) for name in "abcde"))
(PLACED,) = ORDER.changes
(_, NOTED) = ORDER.edit_note("call", at=NOON).changes

A_TEXT = "a text that is not empty, without NUL and lone surrogates"
A_LINE = "at least one line item"
OF_A_LINE = "a whole number from 1 to 999999999"
OF_A_LINK = "a whole number from 1 to 999999"
FROM_1 = "a whole number of at least 1"
FULFILLMENTS = (
    "one of awaiting_processing, processing, packed, ready_for_pickup, shipped, completed"
)
COMMANDS = (
    "one of mark_pending, mark_paid, confirm, set_fulfillment, add_tracking, change_lines, "
    "accept_offer, edit_customer, edit_address, edit_note, set_tags, cancel, archive"
)
PAYMENT_STATUSES = "one of pending, partially_paid, paid, partially_refunded, refunded"
RECOVERIES = "one of open, recovered, returned, substituted, lost"
ENDS = "how it ended: one of recovered, returned, substituted, lost"
TABS = (
    "one of all, unpaid, awaiting_processing, processing, packed, ready_for_pickup, shipped, "
    "completed, cancelled, abandoned, drafts, archived"
)
A_FILTER = "a filter without a place and a limit"
A_PLACE = "the place that an Orders page gave as its next"
KNOWN_BY = "an id, an e-mail address or a phone number"
STEP_BACK = Blocker("reason_missing", "a step back needs a reason")
CANCELLED = Blocker(
    "cancelled", "it is cancelled; only payments, refunds and shipments are still recorded"
)


def placed(**parts: object) -> Order:
    whole = {"shop": SHOP, "currency": "MYR", "lines": LINES, "id": "1", "at": NOON} | parts
    return Order.place(**untyped(whole))


PLACING: list[WrongCall] = [
    (InvalidValue("id", " ", A_TEXT), lambda: placed(id=" ")),
    (InvalidValue("id", "a\0", A_TEXT), lambda: placed(id="a\0")),
    (InvalidValue("shop", "", A_TEXT), lambda: placed(shop="")),
    (InvalidValue("lines", (), A_LINE), lambda: placed(lines=[])),
    (InvalidValue("lines", "tea", "of type LineItem"), lambda: placed(lines=["tea"])),
    (
        InvalidValue("adjustments", "less", "of type Adjustment"),
        lambda: placed(adjustments=["less"]),
    ),
    (
        InvalidValue("total", "MYR -894.10", "zero or more, after adjustments"),
        lambda: placed(adjustments=[DISCOUNT]),
    ),
    (InvalidValue("customer", "Siti", "of type Customer"), lambda: placed(customer="Siti")),
    (
        InvalidValue("delivery", "boat", "one of ship, pickup, none"),
        lambda: placed(delivery="boat"),
    ),
    (
        InvalidValue("payment_method", "cash", "of type PaymentMethod"),
        lambda: placed(payment_method="cash"),
    ),
    (
        InvalidValue("shipping_address", "Jalan 1", "of type Address"),
        lambda: placed(shipping_address="Jalan 1"),
    ),
    (
        InvalidValue("billing_address", "Jalan 1", "of type Address"),
        lambda: placed(billing_address="Jalan 1"),
    ),
    (
        InvalidValue("attribution", "tiktok", "of type Attribution"),
        lambda: placed(attribution="tiktok"),
    ),
    (InvalidValue("touches", "tiktok", "of type Touch"), lambda: placed(touches=["tiktok"])),
    (
        InvalidValue("ignored_touches", "tiktok", "of type IgnoredTouch"),
        lambda: placed(ignored_touches=["tiktok"]),
    ),
    (InvalidValue("tags", "vip", "a list of tags"), lambda: placed(tags="vip")),
    (UnknownCurrency("RM"), lambda: placed(currency="RM")),
    (CurrencyMismatch("MYR", "SGD"), lambda: placed(lines=[FOREIGN])),
    (CurrencyMismatch("MYR", "SGD"), lambda: attrs.evolve(ORDER, lines=(FOREIGN,)).total),
    (without_a_zone("at"), lambda: placed(at=NAIVE)),
    (
        without_a_zone("at"),
        lambda: Order.place_draft(id="1", at=NAIVE, shop=SHOP, currency="MYR", lines=[]),
    ),
]

ITEMS: list[WrongCall] = [
    (InvalidValue("quantity", 0, OF_A_LINE), lambda: LineItem("Kopi O", 0, myr("5.90"))),
    (InvalidValue("quantity", 10**9, OF_A_LINE), lambda: LineItem("Kopi O", 10**9, myr("5.90"))),
    (InvalidValue("unit_price", "5.90", "Money"), lambda: LineItem("Kopi O", 1, untyped("5.90"))),
    (
        InvalidValue("unit_price", "MYR -5.90", "zero or more"),
        lambda: LineItem("Kopi O", 1, myr("-5.90")),
    ),
    (
        InvalidValue("product", "", "a custom item's name of 1 to 50 characters"),
        lambda: LineItem("", 1, myr("5.90"), custom=True),
    ),
    (InvalidValue("text", 7, "a str"), lambda: LineItem(untyped(7), 1, myr("5.90"))),
    (
        InvalidValue("kind", "gift", "one of discount, shipping, tax, declared"),
        lambda: Adjustment("gift", myr("5")),
    ),
    (InvalidValue("amount", "5", "Money"), lambda: Adjustment("tax", untyped("5"))),
    (
        InvalidValue("amount", "MYR 5.00", "zero or less for a discount"),
        lambda: Adjustment("discount", myr("5")),
    ),
    (
        InvalidValue("amount", "MYR -5.00", "zero or more for shipping"),
        lambda: Adjustment("shipping", myr("-5")),
    ),
    (
        InvalidValue("type", "cash", "one of manual, alternative"),
        lambda: PaymentMethod("Cash on delivery", "cash"),
    ),
]

COMMANDS_AND_FACTS: list[WrongCall] = [
    (InvalidValue("command", "sell", COMMANDS), lambda: ORDER.blockers("sell")),
    (
        InvalidValue("status", Fulfillment.PACKED, "none, except for set_fulfillment"),
        lambda: ORDER.blockers("cancel", "packed"),
    ),
    (
        InvalidValue("status", "lost", FULFILLMENTS),
        lambda: ORDER.blockers("set_fulfillment", "lost"),
    ),
    (InvalidValue("status", "lost", FULFILLMENTS), lambda: ORDER.set_fulfillment("lost", at=NOON)),
    (
        InvalidValue("number", " ", "the parcel's tracking number"),
        lambda: ORDER.add_tracking("Pos Laju", " ", at=NOON),
    ),
    (
        InvalidValue("number", " ", "the parcel's tracking number"),
        lambda: ORDER.record_shipment("Pos Laju", " ", at=NOON),
    ),
    (InvalidValue("lines", (), A_LINE), lambda: ORDER.change_lines([], at=NOON)),
    (CurrencyMismatch("MYR", "SGD"), lambda: ORDER.change_lines([FOREIGN], at=NOON)),
    (InvalidValue("lines", (), A_LINE), lambda: ORDER.accept_offer([], at=NOON)),
    (
        CurrencyMismatch("MYR", "SGD"),
        lambda: ORDER.accept_offer(LINES, at=NOON, payment=("r", IN_DOLLARS)),
    ),
    (
        InvalidValue("customer", "Siti", "of type Customer"),
        lambda: ORDER.edit_customer(untyped("Siti"), at=NOON),
    ),
    (
        InvalidValue("shipping", "J", "of type Address"),
        lambda: ORDER.edit_address(shipping=untyped("J"), at=NOON),
    ),
    (
        InvalidValue("billing", "J", "of type Address"),
        lambda: ORDER.edit_address(billing=untyped("J"), at=NOON),
    ),
    (InvalidValue("tags", "vip", "a list of tags"), lambda: ORDER.set_tags("vip", at=NOON)),
    (InvalidValue("reason", " ", "why it is cancelled"), lambda: ORDER.cancel(reason=" ", at=NOON)),
    (
        InvalidValue("reference", "", "the gateway's reference of the payment"),
        lambda: ORDER.record_payment("", myr("1"), at=NOON),
    ),
    (
        InvalidValue("amount", "MYR 0.00", "Money above zero"),
        lambda: ORDER.record_refund("r", myr("0"), at=NOON),
    ),
    (
        InvalidValue("amount", 5, "Money above zero"),
        lambda: ORDER.record_refund("r", untyped(5), at=NOON),
    ),
    (InvalidValue("step", 0, FROM_1), lambda: ORDER.record_return(0, at=NOON)),
    (
        InvalidValue("outcome", "won", RECOVERIES),
        lambda: ORDER.record_outcome("won", purchase=None, at=NOON, recorded_at=NOON),
    ),
    (
        InvalidValue("outcome", "open", ENDS),
        lambda: ORDER.record_outcome("open", purchase=None, at=NOON, recorded_at=NOON),
    ),
    (
        InvalidValue("purchase", "2", "the id of what was bought; None for lost"),
        lambda: ORDER.record_outcome("lost", purchase="2", at=NOON, recorded_at=NOON),
    ),
    (without_a_zone("at"), lambda: ORDER.confirm(at=NAIVE)),
    (without_a_zone("at"), lambda: ORDER.record_payment("r", myr("1"), at=NAIVE, recorded_at=NOON)),
    (
        without_a_zone("recorded_at"),
        lambda: ORDER.record_payment("r", myr("1"), at=NOON, recorded_at=NAIVE),
    ),
    (without_a_zone("at"), lambda: ORDER.record_return(1, at=NAIVE)),
    (without_a_zone("at"), lambda: ORDER.record_return(1, at=NOON).record_return(1, at=NAIVE)),
    (
        without_a_zone("at"),
        lambda: ORDER.record_abandonment(policy="p", reasons=(), at=NAIVE, recorded_at=NOON),
    ),
    (
        CommandRefused("set_fulfillment", "1", (STEP_BACK,)),
        lambda: ORDER.set_fulfillment("packed", at=NOON).set_fulfillment("processing", at=NOON),
    ),
    (
        CommandRefused("edit_note", "1", (CANCELLED,)),
        lambda: ORDER.cancel(reason="sold out", at=NOON).edit_note("call", at=NOON),
    ),
]

HISTORIES: list[WrongCall] = [
    (BrokenHistory(None, "it has no events"), lambda: Order.replay([])),
    (BrokenHistory("1/2", "expected event 1/1"), lambda: Order.replay([NOTED])),
    (
        BrokenHistory("1/2", "expected event 1/3"),
        lambda: Order.replay([PLACED, NOTED, NOTED]),
    ),
    (
        BrokenHistory("1/1", "a history begins with 'placed'"),
        lambda: Order.replay([attrs.evolve(NOTED, id="1/1")]),
    ),
    (
        BrokenHistory("1/1", "there was no such order yet"),
        lambda: Order.replay([PLACED], as_of=NOON - timedelta(1)),
    ),
    (
        BrokenHistory("1/2", "an order is placed only once"),
        lambda: Order.replay([PLACED, attrs.evolve(PLACED, id="1/2")]),
    ),
    (without_a_zone("as_of"), lambda: Order.replay([PLACED], as_of=NAIVE)),
    (without_a_zone("known_at"), lambda: Order.replay([PLACED], known_at=NAIVE)),
    (
        without_a_zone("at"),
        lambda: anonymised_history([PLACED], pseudonym=str, at=NAIVE),
    ),
]

LINKS: list[WrongCall] = [
    (
        InvalidValue("variant", "a", "a variant's number, such as '57085'"),
        lambda: CartItem("a", 1),
    ),
    (InvalidValue("quantity", 0, OF_A_LINK), lambda: CartItem("57085", 0)),
    (InvalidValue("quantity", "1", OF_A_LINK), lambda: CartItem("57085", untyped("1"))),
    (InvalidValue("items", (), "1 to 3 variants"), lambda: CartLink([]).path),
    (InvalidValue("items", LINK.items * 4, "at most 3 variants"), lambda: CartLink(LINK.items * 4)),
    (
        InvalidValue("base", SHOP, "scheme and host, such as https://shop.example"),
        lambda: LINK.url(SHOP),
    ),
    (
        InvalidValue("utm", "source", "a parameter such as utm_source"),
        lambda: LINK.url(f"https://{SHOP}", source="tiktok"),
    ),
]

FILTERS_AND_PAGES: list[WrongCall] = [
    (InvalidValue("limit", 0, FROM_1), lambda: OrderQuery(limit=0)),
    (
        InvalidValue("life", "closed", "one of draft, open, cancelled"),
        lambda: OrderQuery(life="closed"),
    ),
    (InvalidValue("fulfillment", "lost", FULFILLMENTS), lambda: OrderQuery(fulfillment="lost")),
    (
        InvalidValue("payment_status", "free", PAYMENT_STATUSES),
        lambda: OrderQuery(payment_status="free"),
    ),
    (InvalidValue("recovery", "won", RECOVERIES), lambda: OrderQuery(recovery="won")),
    (
        InvalidValue("total_max", "MYR 1.00", "at least MYR 2.00"),
        lambda: OrderQuery(total_min=myr("2"), total_max=myr("1")),
    ),
    (
        CurrencyMismatch("SGD", "MYR"),
        lambda: OrderQuery(total_min=myr("2"), total_max=IN_DOLLARS),
    ),
    (without_a_zone("after"), lambda: OrderQuery(after=Cursor(NAIVE, "1"))),
    (InvalidValue("one", TEN, A_FILTER), lambda: both(TEN, OrderQuery())),
    (
        InvalidValue("other", TEN, A_FILTER),
        lambda: both(OrderQuery(), TEN),
    ),
    (
        InvalidValue("tag", "b", "none beside 'a', which is asked for already"),
        lambda: both(OrderQuery(tag="a"), OrderQuery(tag="b")),
    ),
    (
        InvalidValue("search", "b", "none beside 'a', which is asked for already"),
        lambda: both(OrderQuery(search="a"), OrderQuery(search="b")),
    ),
    (
        InvalidValue("size", 0, "a whole number from 1 to 500"),
        lambda: orders_page(STORE, size=0),
    ),
    (InvalidValue("after", "there", A_PLACE), lambda: orders_page(STORE, after="there")),
    (InvalidValue("after", "bnVsbA", A_PLACE), lambda: cursor_from_text("bnVsbA")),
    (InvalidValue("tab", "mine", TABS), lambda: orders_page(STORE, tab="mine")),
    (InvalidValue("tab", "mine", f"{TABS}, Raya"), lambda: RAYA.without("mine")),
    (
        InvalidValue("name", "", "1 to 50 characters"),
        lambda: SavedTabs().saved(" ", OrderQuery()),
    ),
    (
        InvalidValue("name", "All", "a name that is not one of the page's own tabs"),
        lambda: SavedTabs().saved("All", OrderQuery()),
    ),
    (
        InvalidValue("name", "raya", "a name that no saved tab has yet"),
        lambda: RAYA.saved("raya", OrderQuery()),
    ),
    (
        InvalidValue("query", TEN, A_FILTER),
        lambda: SavedTab("ten", TEN),
    ),
    (TooManySavedTabs(5), lambda: FIVE_TABS.saved("f", OrderQuery())),
    (without_a_zone("at"), lambda: moment(NAIVE)),
]

ERASURE: list[WrongCall] = [
    (
        InvalidValue("shop", " ", "the shop's domain"),
        lambda: customer_orders(STORE, ORDER.customer, shop=" "),
    ),
    (
        InvalidValue("customer", Customer(first_name="Siti"), KNOWN_BY),
        lambda: customer_orders(STORE, Customer(first_name="Siti"), shop=SHOP),
    ),
    (
        InvalidValue("shop", " ", "the shop's domain"),
        lambda: anonymise(STORE, ORDER.customer, shop=" ", at=NOON, pseudonym=str),
    ),
    (
        without_a_zone("at"),
        lambda: anonymise(STORE, ORDER.customer, shop=SHOP, at=NAIVE, pseudonym=str),
    ),
]


@pytest.mark.parametrize(
    ("error", "call"),
    [
        *PLACING,
        *ITEMS,
        *COMMANDS_AND_FACTS,
        *HISTORIES,
        *LINKS,
        *FILTERS_AND_PAGES,
        *ERASURE,
    ],
)
def test_a_wrong_call_is_told(error: OrdersError, call: Call) -> None:
    assert_told(error, call)
