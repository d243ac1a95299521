"""JSON documents and their versions, and Shoppego's checkout payload.

The only place that knows cattrs. A document is ``{"kind": …, "version": 1, "body": {…}}``;
every version that was ever written can be read for ever, and writing then reading gives an equal
value. What belongs to the store (an order's version, whether it is decided, its unsaved changes)
is in no document.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar, cast, get_args

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from cattrs.v import format_exception

from shoppego_orders.attribution import AttributionTable, Journey, Touch, default_table
from shoppego_orders.customers import Address, Customer
from shoppego_orders.errors import InvalidDocument, OrdersError, UnknownDocumentVersion, shown
from shoppego_orders.money import Money
from shoppego_orders.order import (
    Adjustment,
    AdjustmentKind,
    LineItem,
    Order,
    OrderEvent,
    PaymentMethod,
    PaymentType,
)
from shoppego_orders.order.events import EventData
from shoppego_orders.periods import duration_from_text, duration_text, instant_from_iso
from shoppego_orders.ports import Export
from shoppego_orders.query import Cursor, OrderQuery
from shoppego_orders.texts import word_of

DOCUMENT_VERSION = 1
"""The version that is written; 1 up to it can be read."""

Value = TypeVar("Value")


def order_to_json(order: Order) -> str:
    """Write an order's state as a JSON document, ASCII only."""
    return _written("order", order)


def order_from_json(text: str | bytes) -> Order:
    """Read an order's document; it comes at version 0, undecided, without changes.

    :raises InvalidDocument: for what is no such document; says where.
    :raises UnknownDocumentVersion: for one that a newer release wrote.
    """
    return _read("order", text, Order)


def event_to_json(event: OrderEvent) -> str:
    """Write an event as a JSON document, ASCII only."""
    return _written("event", event)


def event_from_json(text: str | bytes) -> OrderEvent:
    """Read an event's document; raises as :func:`order_from_json` does."""
    return _read("event", text, OrderEvent)


def query_to_json(query: OrderQuery) -> str:
    """Write a query as a JSON document, for a saved tab."""
    return _written("query", query)


def query_from_json(text: str | bytes) -> OrderQuery:
    """Read a query's document; raises as :func:`order_from_json` does."""
    return _read("query", text, OrderQuery)


def export_to_json(export: Export) -> str:
    """Write an asked export as a JSON document, ASCII only."""
    return _written("export", export)


def export_from_json(text: str | bytes) -> Export:
    """Read an asked export's document; it comes at version 0. Raises as
    :func:`order_from_json` does.
    """
    return _read("export", text, Export)


def checkout_from_json(text: str | bytes, *, table: AttributionTable | None = None) -> Order:
    """Read a checkout payload from its JSON text; otherwise as :func:`from_checkout_payload`.

    Numbers are read as decimals, so no amount passes through a float.
    """
    return from_checkout_payload(_parsed(text), table=table)


def from_checkout_payload(payload: object, *, table: AttributionTable | None = None) -> Order:
    """Make an order from a checkout as Shoppego's webhooks send it.

    Reads the documented keys (``checkout.id``, ``.domain``, ``.currency``, ``.total``,
    ``.shipping``, ``.rate``, ``.created_at``, ``.completed_at``, ``.items``, ``.customer``,
    ``.shipping_address``) and, where they are present, ``landing_url`` and ``referrer`` (a
    touch, which is attributed), ``gateway_name`` and ``gateway_type``. Other keys are ignored.

    A total that differs from items and shipping is kept, as an adjustment of kind ``declared``;
    so is the total of a payload without items. ``completed_at`` completes the checkout: with a
    payment under the reference ``checkout:ID`` where a gateway took it, else with a confirmation.

    :param payload: the parsed JSON. Amounts may be texts, ints, or Decimals; a float is read by
        its shortest notation, which is the text it was parsed from.
    :param table: attributes the touch; the table that ships unless told.
    :raises InvalidDocument: for a payload that is no checkout; says where, and what is wrong.
    """
    checkout = _Part("", payload).part("checkout")
    order_id = checkout.identifier("id")
    code = checkout.text("currency", required=True)
    currency = checkout.take("currency", lambda: Money.zero(code)).currency
    lines = tuple(_line(item, currency) for item in checkout.parts("items"))
    shipping = checkout.amount("shipping", currency)
    rate = checkout.text("rate")
    adjustments: list[Adjustment] = []
    if shipping.minor or rate:
        adjustments.append(
            checkout.take("shipping", lambda: Adjustment(AdjustmentKind.SHIPPING, shipping, rate))
        )
    if checkout.has("total"):
        total = checkout.amount("total", currency)
        told = Money.sum_of((line.total for line in lines), currency) + shipping
        if total != told or not lines:
            adjustments.append(Adjustment(AdjustmentKind.DECLARED, total - told, "declared total"))
    at = checkout.instant("created_at")
    journey = None
    if checkout.has("landing_url") or checkout.has("referrer"):
        touch = Touch(checkout.text("landing_url"), checkout.text("referrer") or None, at)
        journey = Journey.of([touch], table or default_table(), ordered_at=at)
    order = checkout.take(
        "",
        lambda: Order.place(
            id=order_id,
            at=at,
            shop=checkout.text("domain", required=True),
            currency=currency,
            lines=lines,
            adjustments=adjustments,
            customer=_customer(checkout.part("customer")),
            shipping_address=_address(checkout.part("shipping_address")),
            payment_method=_payment_method(checkout),
            touches=() if journey is None else (step.touch for step in journey.steps),
            ignored_touches=() if journey is None else journey.ignored,
            attribution=None if journey is None else journey.attribution,
        ),
    )
    if not checkout.has("completed_at"):
        return order
    completed_at = checkout.instant("completed_at")
    if order.can("confirm"):
        return order.confirm(at=completed_at, actor="checkout")
    return order.record_payment(
        f"checkout:{order_id}", order.total, at=completed_at, actor="checkout"
    )


def _line(item: _Part, currency: str) -> LineItem:
    product = item.part("product")
    name, variant = product.text("name"), item.text("name")
    if item.has("currency") and item.text("currency") != currency:
        raise InvalidDocument(
            item.path_of("currency"),
            f"{shown(item.text('currency'))} in an order in {currency}; expected one currency",
        )
    return item.take(
        "",
        lambda: LineItem(
            product=name or variant,
            variant=variant if name else "",
            sku=product.text("sku"),
            quantity=item.whole("quantity"),
            unit_price=item.amount("price", currency, required=True),
        ),
    )


def _customer(part: _Part) -> Customer:
    return Customer(
        id=part.identifier("id") if part.has("id") else None,
        first_name=part.text("first_name"),
        last_name=part.text("last_name"),
        email=part.text("email") or None,
        phone=part.text("phone") or None,
    )


def _address(part: _Part) -> Address | None:
    if not part.given:
        return None
    return Address(**{field.name: part.text(field.name) for field in attrs.fields(Address)})


def _payment_method(checkout: _Part) -> PaymentMethod | None:
    name, type_ = checkout.text("gateway_name"), checkout.text("gateway_type")
    if not name and not type_:
        return None
    return checkout.take(
        "gateway_type", lambda: PaymentMethod(name, type_ or PaymentType.ALTERNATIVE)
    )


class _Part:
    """A part of a payload, which knows its path, so that errors can name it."""

    def __init__(self, path: str, value: object) -> None:
        self.path = path
        self.given = value is not None
        self._values = _object(value if self.given else {}, path)

    def path_of(self, key: str) -> str:
        """The path of a key, as ``checkout.items[0].price``."""
        return f"{self.path}.{key}".strip(".")

    def has(self, key: str) -> bool:
        """Tell whether there is a value that is not null."""
        return self._values.get(key) is not None

    def part(self, key: str) -> _Part:
        """The object of a key; an empty one where it is missing or null."""
        return _Part(self.path_of(key), self._values.get(key))

    def parts(self, key: str) -> list[_Part]:
        """The objects of a key's list; none where it is missing or null."""
        values = self._values.get(key)
        if values is None:
            return []
        if not isinstance(values, list):
            raise InvalidDocument(self.path_of(key), f"{shown(values)}; expected a list")
        items = cast("list[object]", values)
        return [_Part(f"{self.path_of(key)}[{n}]", item) for n, item in enumerate(items)]

    def text(self, key: str, *, required: bool = False) -> str:
        """The text of a key; "" where it is missing or null. A number is taken by its digits."""
        value = self._values.get(key)
        if type(value) is int and abs(value) < _MANY_DIGITS:
            value = str(value)
        if value is None:
            value = ""
        if not isinstance(value, str) or (required and not value.strip()):
            expected = "a text that is not empty" if required else "a text"
            raise InvalidDocument(self.path_of(key), f"{self._said(key)}; expected {expected}")
        return value

    def identifier(self, key: str) -> str:
        """An id, which Shoppego writes as a number."""
        return self.text(key, required=True).strip()

    def amount(self, key: str, currency: str, *, required: bool = False) -> Money:
        """The amount of a key; zero where it is missing or null, unless required."""
        value = self._values.get(key)
        if value is None and not required:
            return Money.zero(currency)
        if isinstance(value, float):
            value = repr(value)
        if isinstance(value, str):
            value = value.strip()
        if type(value) not in (int, str, Decimal):
            raise InvalidDocument(self.path_of(key), f"{self._said(key)}; expected an amount")
        return self.take(key, lambda: Money(cast("int | str | Decimal", value), currency))

    def whole(self, key: str) -> int:
        """The whole number of a key, which may be written as a text, or as ``2.0``."""
        value = self._values.get(key)
        if type(value) in (int, float, str, Decimal):
            try:
                number = Decimal(str(value))
                if number == number.to_integral_value() and abs(number) < 10**9:
                    return int(number)
            except (ArithmeticError, ValueError):
                pass
        raise InvalidDocument(
            self.path_of(key), f"{self._said(key)}; expected a whole number below 10**9"
        )

    def instant(self, key: str) -> datetime:
        """The instant of a key, ISO 8601 with a zone."""
        value = self.text(key, required=True)
        return self.take(key, lambda: instant_from_iso(value, "instant"))

    def take(self, key: str, make: Callable[[], Value]) -> Value:
        """Make a value, and name this part in what it raises."""
        try:
            return make()
        except InvalidDocument:
            raise
        except (OrdersError, ValueError) as error:
            raise InvalidDocument(self.path_of(key), str(error)) from error

    def _said(self, key: str) -> str:
        return shown(self._values[key]) if key in self._values else "is missing"


# Python turns no int of thousands of digits into text, and no id or phone number is one.
_MANY_DIGITS = 10**100

# --- documents ---------------------------------------------------------------------------------

# Made once: json.dumps() makes one each time it is told how to separate.
_ENCODER = json.JSONEncoder(separators=(",", ":"))
_OMITTED = override(omit=True)
# Any: one class for each type of event
_EVENT_DATA: dict[str, type[Any]] = {data.type: data for data in get_args(EventData)}


def _object(value: object, path: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise InvalidDocument(path, f"{shown(value)}; expected an object")
    return cast("Mapping[str, object]", value)


def _exactly(value: Value, type_: type[Value]) -> Value:
    # cattrs would convert: bool("no") is True. It also asks here for the words that are texts.
    if issubclass(type_, StrEnum):
        return word_of(type_, str(value), "word")
    if type(value) is not type_:
        raise InvalidDocument("", f"{shown(value)}; expected {type_.__name__}")
    return value


def _money(value: object) -> Money:
    amount, _, currency = str(value).partition(" ")
    if not currency:
        raise InvalidDocument("", f"{shown(value)}; expected an amount such as '59.50 MYR'")
    return Money(amount, currency)


def written_document(kind: str, body: object) -> str:
    """Write a document of some kind, ASCII only.

    :param body: in values that JSON has.
    """
    return _ENCODER.encode({"kind": kind, "version": DOCUMENT_VERSION, "body": body})


# Any: whatever stands in the document
def read_document(kind: str, text: str | bytes, structured: Callable[[Any], Value]) -> Value:
    """Read a document of some kind.

    :param structured: makes the value of the body.
    :raises InvalidDocument: for what is no such document; says where.
    :raises UnknownDocumentVersion: for one that a newer release wrote.
    """
    document = _parsed(text)
    fields = cast("dict[str, Any]", document) if isinstance(document, dict) else {}
    if not {"kind", "version", "body"} <= fields.keys():
        raise InvalidDocument("", f"no document of kind {kind!r}, but {shown(text)}")
    if fields["kind"] != kind:
        raise InvalidDocument("kind", f"{shown(fields['kind'])}; expected {kind!r}")
    if fields["version"] not in range(1, DOCUMENT_VERSION + 1):
        raise UnknownDocumentVersion(fields["version"], DOCUMENT_VERSION)
    body = _object(fields["body"], "body")
    try:
        return structured(body)
    except Exception as error:
        problems = cattrs.transform_error(error, format_exception=_problem)
        problem, _, path = problems[0].rpartition(" @ ")
        raise InvalidDocument(path.replace("$", "body", 1), problem) from error


def new_converter() -> cattrs.Converter:
    """Make a converter that knows the values of this library, to be taught others."""
    converter = cattrs.Converter(
        forbid_extra_keys=True, unstruct_collection_overrides={frozenset: sorted}
    )
    for plain in (str, int, bool):
        converter.register_structure_hook(plain, _exactly)
    converter.register_unstructure_hook(datetime, datetime.isoformat)
    converter.register_structure_hook(datetime, lambda text, _: instant_from_iso(text, "instant"))
    converter.register_unstructure_hook(timedelta, duration_text)
    converter.register_structure_hook(
        timedelta, lambda text, _: duration_from_text(text, "duration")
    )
    converter.register_unstructure_hook(Money, lambda money: f"{money.text} {money.currency}")
    converter.register_structure_hook(Money, lambda text, _: _money(text))
    converter.register_structure_hook(
        Cursor, lambda pair, _: Cursor(instant_from_iso(pair[0], "after"), pair[1])
    )
    converter.register_unstructure_hook(
        Cursor, lambda cursor: [cursor.placed_at.isoformat(), cursor.id]
    )
    for kind, omitted in (
        (Order, ("version", "decided", "changes")),
        (Export, ("version",)),
    ):
        left_out: dict[str, Any] = dict.fromkeys(omitted, _OMITTED)  # Any: other arguments too
        write = make_dict_unstructure_fn(kind, converter, **left_out)
        read = make_dict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True, **left_out)
        converter.register_unstructure_hook(kind, write)
        converter.register_structure_hook(kind, read)
    _register_event_data(converter)
    return converter


def _register_event_data(converter: cattrs.Converter) -> None:
    """Write an event's data as ``{"type": …, …}``, and read it by that."""

    def write(data: EventData) -> dict[str, object]:
        return {"type": data.type, **converter.unstructure(data)}

    def read(document: object, _: object) -> Any:  # Any: one of EventData, which is no type
        fields = dict(_object(document, ""))
        name = fields.pop("type")
        if type(name) is not str or name not in _EVENT_DATA:
            raise InvalidDocument("", f"{shown(name)}; expected one of {', '.join(_EVENT_DATA)}")
        return converter.structure(fields, _EVENT_DATA[name])

    converter.register_unstructure_hook(EventData, write)
    converter.register_structure_hook(EventData, read)


_CONVERTER = new_converter()


def _written(kind: str, value: object) -> str:
    return written_document(kind, _CONVERTER.unstructure(value))


def _read(kind: str, text: str | bytes, type_: type[Value]) -> Value:
    return read_document(kind, text, lambda body: _CONVERTER.structure(body, type_))


def _problem(error: BaseException, type_: type | None) -> str:
    if isinstance(error, InvalidDocument):
        return error.problem
    if isinstance(error, AttributeError) and error.name == "keys":
        return "expected an object"
    return str(error) if isinstance(error, OrdersError) else format_exception(error, type_)


def _parsed(text: str | bytes) -> object:
    def refuse(constant: str) -> object:
        raise ValueError(f"{constant} is no number")

    try:
        return json.loads(text, parse_float=Decimal, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise InvalidDocument("", f"no JSON: {error}") from error
