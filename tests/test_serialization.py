"""Shoppego's checkout payload, as its webhooks send it, and the documents that stores keep."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest

from shoppego_orders.abandonment import policy_from_json
from shoppego_orders.attribution import IgnoredTouch, Source, Touch, default_table
from shoppego_orders.customers import Address, Customer
from shoppego_orders.errors import InvalidDocument, UnknownDocumentVersion
from shoppego_orders.export import request_from_json, schedule_from_json
from shoppego_orders.money import Money
from shoppego_orders.order import (
    Adjustment,
    AdjustmentKind,
    LedgerEntry,
    LineItem,
    Order,
    PaymentMethod,
    PaymentStatus,
    PaymentType,
)
from shoppego_orders.query import OrderQuery
from shoppego_orders.serialization import (
    checkout_from_json,
    event_from_json,
    event_to_json,
    export_from_json,
    from_checkout_payload,
    new_converter,
    order_from_json,
    order_to_json,
    query_from_json,
    query_to_json,
)
from wrong_calls import assert_told

OLD_DOCUMENTS = Path(__file__).parent / "data" / "documents"


def payload(**changes: object) -> dict[str, Any]:
    """The documented checkout, with some of its keys changed."""
    checkout: dict[str, object] = {
        "id": 1262140,
        "domain": "mirfaith.myshoppegram.com",
        "url": "https://mirfaith.myshoppegram.com",
        "currency": "MYR",
        "total": 10,
        "shipping": 0,
        "rate": "FREE SHIPPING COD",
        "completed_at": "2021-03-03T22:58:32+08:00",
        "created_at": "2021-03-03T22:58:17+08:00",
        "items": [
            {
                "product": {"name": "Tudung Bawal", "sku": "TB-01"},
                "name": "Merah",
                "currency": "MYR",
                "price": 5,
                "quantity": 2,
                "subtotal": 10,
            }
        ],
        "customer": {
            "first_name": "Siti",
            "last_name": "Aminah",
            "phone": 60123456789,
            "email": "siti@example.com",
        },
        "shipping_address": {
            "first_name": "Siti",
            "last_name": "Aminah",
            "phone": "60123456789",
            "email": "siti@example.com",
            "address1": "1 Jalan Ampang",
            "address2": "",
            "zip": "01000",
            "city": "Kangar",
            "state": "Perlis",
        },
    }
    return {"checkout": {**checkout, **changes}}


def test_the_documented_checkout_becomes_an_order() -> None:
    order = from_checkout_payload(payload())

    assert order.id == "1262140"
    assert order.number == "#1262140"
    assert order.shop == "mirfaith.myshoppegram.com"
    assert order.total == Money("10", "MYR")
    assert order.lines == (
        LineItem("Tudung Bawal", 2, Money("5.00", "MYR"), variant="Merah", sku="TB-01"),
    )
    assert order.placed_at == datetime(2021, 3, 3, 14, 58, 17, tzinfo=UTC)
    assert order.customer == Customer(
        first_name="Siti", last_name="Aminah", email="siti@example.com", phone="60123456789"
    )
    assert order.shipping_address == Address(
        first_name="Siti",
        last_name="Aminah",
        phone="60123456789",
        email="siti@example.com",
        address1="1 Jalan Ampang",
        zip="01000",
        city="Kangar",
        state="Perlis",
    )
    assert order.attribution is None
    assert order.adjustments == (Adjustment("shipping", Money("0", "MYR"), "FREE SHIPPING COD"),)
    assert [(event.type, event.actor) for event in order.changes] == [
        ("placed", "customer"),
        ("confirmed", "checkout"),
    ]


def test_a_completed_checkout_without_a_gateway_is_confirmed_and_not_paid() -> None:
    order = from_checkout_payload(payload())

    assert order.completed_at == datetime(2021, 3, 3, 14, 58, 32, tzinfo=UTC)
    assert order.payment_status is PaymentStatus.PENDING


def test_a_manual_method_is_confirmed_at_completed_at() -> None:
    order = from_checkout_payload(payload(gateway_name="Cash on delivery", gateway_type="manual"))

    assert order.payment_type is PaymentType.MANUAL
    assert order.completed_at == datetime(2021, 3, 3, 14, 58, 32, tzinfo=UTC)
    assert order.payments == ()


def test_a_gateway_is_paid_at_completed_at() -> None:
    order = from_checkout_payload(payload(gateway_name="Billplz", gateway_type="alternative"))

    at = datetime(2021, 3, 3, 14, 58, 32, tzinfo=UTC)
    assert order.payment_method == PaymentMethod("Billplz", PaymentType.ALTERNATIVE)
    assert order.payment_status is PaymentStatus.PAID
    assert order.payments == (LedgerEntry("checkout:1262140", Money("10", "MYR"), at),)
    assert (order.completed_at, order.changes[-1].actor) == (at, "checkout")


def test_a_gateway_without_its_type_is_a_gateway() -> None:
    order = from_checkout_payload(payload(gateway_name="FPX"))
    assert order.payment_method == PaymentMethod("FPX", PaymentType.ALTERNATIVE)
    assert from_checkout_payload(payload()).payment_method is None


def test_a_free_order_through_a_gateway_is_confirmed() -> None:
    order = from_checkout_payload(payload(total=0, gateway_type="alternative", items=[]))

    assert order.completed_at is not None
    assert order.payments == ()


def test_a_checkout_that_was_not_completed_waits() -> None:
    order = from_checkout_payload(payload(completed_at=None))

    assert order.completed_at is None
    assert [event.type for event in order.changes] == ["placed"]


def test_a_declared_total_that_differs_from_its_parts_is_kept_as_an_adjustment() -> None:
    order = from_checkout_payload(payload(total="9.50", shipping="1.00"))

    assert order.total == Money("9.50", "MYR")
    assert order.declared_difference == Money("-1.50", "MYR")
    assert order.adjustments[-1].kind is AdjustmentKind.DECLARED
    assert order.adjustments[-1].label == "declared total"


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"rate": None}, ()),
        (
            {"rate": None, "shipping": " 5.00 ", "total": 15},
            (Adjustment("shipping", Money("5", "MYR")),),
        ),
        (
            {"rate": "J&T", "shipping": Decimal(5), "total": None},
            (Adjustment("shipping", Money("5", "MYR"), "J&T"),),
        ),
    ],
)
def test_shipping_is_what_was_charged_or_has_a_name(
    changes: dict[str, object], kept: tuple[Adjustment, ...]
) -> None:
    assert from_checkout_payload(payload(**changes)).adjustments == kept


@pytest.mark.parametrize("quantity", [2, "2", 2.0, "2.0", Decimal("2.0"), "2e0"])
def test_a_quantity_may_be_written_as_any_whole_number(quantity: object) -> None:
    order = from_checkout_payload(
        payload(items=[{"name": "Kopi O", "price": 2, "quantity": quantity}])
    )

    assert order.units == 2


def test_blanks_around_an_id_do_not_count() -> None:
    assert from_checkout_payload(payload(id=" 1262140\n")).id == "1262140"


@pytest.mark.parametrize("items", [None, []])
def test_a_payload_without_items_keeps_its_total(items: object) -> None:
    order = from_checkout_payload(payload(items=items))

    assert order.lines == ()
    assert order.total == Money("10", "MYR")


def test_the_visit_is_a_touch_and_attributed() -> None:
    order = from_checkout_payload(
        payload(
            landing_url="http://mirfaith.myshoppegram.com/cart/2648:1?utm_source=tiktok",
            referrer=None,
        )
    )

    assert order.source == "tiktok"
    assert order.logo == "tiktok"
    url = "http://mirfaith.myshoppegram.com/cart/2648:1?utm_source=tiktok"
    assert order.touches == (Touch(url, None, order.placed_at),)
    assert order.ignored_touches == ()


def test_a_visit_without_referrer_and_tags_came_straight_to_the_site() -> None:
    order = from_checkout_payload(payload(landing_url="https://mirfaith.myshoppegram.com/"))

    assert (order.source, order.logo) == ("direct", "globe")


def test_a_visit_from_the_gateway_is_kept_and_is_no_touch() -> None:
    url, gateway = "https://mirfaith.myshoppegram.com/thanks", "https://www.billplz.com/"
    order = from_checkout_payload(payload(landing_url=url, referrer=gateway))

    assert order.touches == ()
    assert order.ignored_touches == (IgnoredTouch(Touch(url, gateway, order.placed_at), "payment"),)


def test_a_merchants_own_table_attributes() -> None:
    table = default_table().extended([Source("kopitiam", "Kopitiam", hosts="kopitiam.example")])
    order = from_checkout_payload(payload(referrer="https://kopitiam.example/x"), table=table)

    assert order.source == "kopitiam"


def test_an_amount_that_was_parsed_as_a_float_is_read_by_its_text() -> None:
    items = [{"product": {"name": "Kopi"}, "price": 59.5, "quantity": 2.0}]
    order = from_checkout_payload(payload(items=items, total=119.0))

    assert order.total == Money("119.00", "MYR")
    assert order.adjustments[-1].kind is AdjustmentKind.SHIPPING


def test_json_numbers_never_pass_through_a_float() -> None:
    text = json.dumps(payload(total=0)).replace('"total": 0', '"total": 1234567890123456.78')

    assert checkout_from_json(text).total == Money(Decimal("1234567890123456.78"), "MYR")


def test_an_item_of_a_product_with_one_variant_is_named_by_its_item() -> None:
    order = from_checkout_payload(payload(items=[{"name": "Kopi O", "price": 2, "quantity": 1}]))

    assert (order.lines[0].product, order.lines[0].variant) == ("Kopi O", "")


def test_missing_people_are_nobody() -> None:
    order = from_checkout_payload(payload(customer=None, shipping_address=None))

    assert order.customer == Customer()
    assert order.shipping_address is None


def test_a_customers_id_is_who_they_are() -> None:
    customer = {"id": 77, "first_name": None, "email": "", "phone": ""}
    order = from_checkout_payload(payload(customer=customer, shipping_address={}))

    assert order.customer == Customer(id="77")
    assert order.customer_key == "id:77"
    assert order.shipping_address == Address()


A_NUMBER = "expected a finite Decimal, a whole number or text like '59.50'"
IN_SIZE = "expected an amount below 10**18 minor units in size"
EXACT = "expected an amount with at most 2 digits after the point (or Money.rounded)"
NO_ZONE = "without a time zone; give an aware datetime, for example datetime.now(UTC)"
AN_INSTANT = "expected an ISO 8601 date and time with a zone, such as 2021-03-03T22:58:32+08:00"
DATA = (
    "expected one of placed, marked_pending, marked_paid, confirmed, fulfillment_set, "
    "tracking_added, lines_changed, offer_accepted, customer_edited, address_edited, "
    "note_edited, tags_set, cancelled, archived, payment_recorded, refund_recorded, "
    "shipment_recorded, abandoned, abandonment_retracted, customer_returned, recovery_settled, "
    "anonymised"
)


@pytest.mark.parametrize(
    ("changes", "path", "problem"),
    [
        ({"id": None}, "checkout.id", "None; expected a text that is not empty"),
        ({"id": ""}, "checkout.id", "''; expected a text that is not empty"),
        ({"id": {"a": 1}}, "checkout.id", "{'a': 1}; expected a text that is not empty"),
        ({"id": True}, "checkout.id", "True; expected a text that is not empty"),
        (
            {"id": "a\x00b"},
            "checkout",
            "id is 'a\\x00b'; expected a text that is not empty, without NUL and lone surrogates",
        ),
        ({"domain": " "}, "checkout.domain", "' '; expected a text that is not empty"),
        (
            {"currency": "XXY"},
            "checkout.currency",
            "'XXY' is not an ISO 4217 currency code such as 'MYR'",
        ),
        ({"currency": None}, "checkout.currency", "None; expected a text that is not empty"),
        (
            {"currency": 458},
            "checkout.currency",
            "'458' is not an ISO 4217 currency code such as 'MYR'",
        ),
        ({"created_at": None}, "checkout.created_at", "None; expected a text that is not empty"),
        (
            {"created_at": "2021-03-03T22:58:17"},
            "checkout.created_at",
            f"instant is 2021-03-03T22:58:17 {NO_ZONE}",
        ),
        (
            {"created_at": "yesterday"},
            "checkout.created_at",
            f"instant is 'yesterday'; {AN_INSTANT}",
        ),
        (
            {"completed_at": 1614783512},
            "checkout.completed_at",
            f"instant is '1614783512'; {AN_INSTANT}",
        ),
        (
            {"total": "ten"},
            "checkout.total",
            f"amount is 'ten'; {A_NUMBER}",
        ),
        (
            {"total": "10.005"},
            "checkout.total",
            f"amount is '10.005'; {EXACT}",
        ),
        (
            {"total": -1},
            "checkout",
            "total is 'MYR -1.00'; expected zero or more, after adjustments",
        ),
        ({"total": True}, "checkout.total", "True; expected an amount"),
        (
            {"total": float("nan")},
            "checkout.total",
            f"amount is 'nan'; {A_NUMBER}",
        ),
        (
            {"total": "1e999999999"},
            "checkout.total",
            f"amount is '1e999999999'; {A_NUMBER}",
        ),
        (
            {"total": Decimal("1E+999999999")},
            "checkout.total",
            f"amount is Decimal('1E+999999999'); {IN_SIZE}",
        ),
        (
            {"shipping": -5},
            "checkout.shipping",
            "amount is 'MYR -5.00'; expected zero or more for shipping",
        ),
        ({"shipping": []}, "checkout.shipping", "[]; expected an amount"),
        ({"rate": 5.5}, "checkout.rate", "5.5; expected a text"),
        ({"items": {}}, "checkout.items", "{}; expected a list"),
        ({"items": [None, 7]}, "checkout.items[1]", "7; expected an object"),
        (
            {"items": [{"price": 1}]},
            "checkout.items[0].quantity",
            "is missing; expected a whole number below 10**9",
        ),
        ({"items": [{"quantity": 1}]}, "checkout.items[0].price", "is missing; expected an amount"),
        (
            {"items": [{"price": -1, "quantity": 1}]},
            "checkout.items[0]",
            "unit_price is 'MYR -1.00'; expected zero or more",
        ),
        (
            {"items": [{"price": 1, "quantity": 0}]},
            "checkout.items[0]",
            "quantity is 0; expected a whole number from 1 to 999999999",
        ),
        (
            {"items": [{"price": 1, "quantity": -1}]},
            "checkout.items[0]",
            "quantity is -1; expected a whole number from 1 to 999999999",
        ),
        (
            {"items": [{"price": 1, "quantity": 10**9}]},
            "checkout.items[0].quantity",
            "1000000000; expected a whole number below 10**9",
        ),
        (
            {"items": [{"price": 1, "quantity": 1.5}]},
            "checkout.items[0].quantity",
            "1.5; expected a whole number below 10**9",
        ),
        (
            {"items": [{"price": 1, "quantity": "two"}]},
            "checkout.items[0].quantity",
            "'two'; expected a whole number below 10**9",
        ),
        (
            {"items": [{"price": 1, "quantity": "1e99"}]},
            "checkout.items[0].quantity",
            "'1e99'; expected a whole number below 10**9",
        ),
        (
            {"items": [{"price": 1, "quantity": "Infinity"}]},
            "checkout.items[0].quantity",
            "'Infinity'; expected a whole number below 10**9",
        ),
        (
            {"items": [{"price": 1, "quantity": True}]},
            "checkout.items[0].quantity",
            "True; expected a whole number below 10**9",
        ),
        (
            {"items": [{"price": 1, "quantity": 1, "currency": "SGD"}]},
            "checkout.items[0].currency",
            "'SGD' in an order in MYR; expected one currency",
        ),
        (
            {"items": [{"product": "x", "price": 1, "quantity": 1}]},
            "checkout.items[0].product",
            "'x'; expected an object",
        ),
        ({"customer": "Siti"}, "checkout.customer", "'Siti'; expected an object"),
        ({"customer": {"email": ["a"]}}, "checkout.customer.email", "['a']; expected a text"),
        (
            {"gateway_type": "barter"},
            "checkout.gateway_type",
            "type is 'barter'; expected one of manual, alternative",
        ),
        ({"landing_url": {}}, "checkout.landing_url", "{}; expected a text"),
    ],
)
def test_a_bad_payload_says_where_and_what(
    changes: dict[str, object], path: str, problem: str
) -> None:
    assert_told(InvalidDocument(path, problem), lambda: from_checkout_payload(payload(**changes)))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", "[]; expected an object"),
        ("7", "7; expected an object"),
        ('"x"', "'x'; expected an object"),
        ("NaN", "no JSON: NaN is no number"),
        ('{"checkout": NaN}', "no JSON: NaN is no number"),
    ],
)
def test_text_that_is_no_checkout_is_refused(text: str, problem: str) -> None:
    assert_told(InvalidDocument("", problem), lambda: checkout_from_json(text))


@pytest.mark.parametrize("text", ["", "{", "[" * 10**5, b'{"checkout": "\xff"}'])
def test_what_is_no_json_is_refused_in_the_parsers_words(text: str | bytes) -> None:
    with pytest.raises(InvalidDocument) as caught:
        checkout_from_json(text)
    assert str(caught.value) == f"the document: no JSON: {caught.value.__cause__}"


def test_a_long_value_is_shown_in_part() -> None:
    with pytest.raises(InvalidDocument) as caught:
        from_checkout_payload(payload(customer="x" * 1000))

    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("key", ["id", "created_at", "rate", "total", "customer", "items"])
def test_a_number_of_very_many_digits_is_refused_in_words(key: str) -> None:
    with pytest.raises(InvalidDocument, match="very many digits") as caught:
        from_checkout_payload(payload(**{key: 10**5000}))

    assert caught.value.path == f"checkout.{key}"


def test_a_quantity_of_very_many_digits_is_refused_in_words() -> None:
    with pytest.raises(InvalidDocument, match="very many digits"):
        from_checkout_payload(payload(items=[{"price": 1, "quantity": 10**5000}]))


def test_what_belongs_to_the_store_is_in_no_document() -> None:
    order = from_checkout_payload(payload())
    again = order_from_json(order_to_json(order))

    assert again == order
    assert (again.version, again.decided, again.changes) == (0, False, ())


def test_a_document_is_versioned_and_says_what_it_is() -> None:
    order = from_checkout_payload(payload())

    assert json.loads(order_to_json(order)).keys() == {"kind", "version", "body"}
    error = InvalidDocument("kind", "'order'; expected 'event'")
    assert_told(error, lambda: event_from_json(order_to_json(order)))


@pytest.mark.parametrize(
    ("written", "version"),
    [("2", 2), ("0", 0), ('"1"', "1"), ("null", None), ("1.5", Decimal("1.5")), ("[]", [])],
)
def test_a_document_of_an_unknown_version_is_refused(written: str, version: object) -> None:
    text = f'{{"kind": "order", "version": {written}, "body": {{}}}}'
    error = UnknownDocumentVersion(version, 1)
    assert_told(error, lambda: order_from_json(text))


@pytest.mark.parametrize("text", ["{}", "[]", "null", '{"kind": "order"}'])
def test_text_that_is_no_document_is_refused(text: str) -> None:
    error = InvalidDocument("", f"no document of kind 'order', but {text!r}")
    assert_told(error, lambda: order_from_json(text))


@pytest.mark.parametrize("body", ["[]", "7", "[[1, 2]]"])
@pytest.mark.parametrize(
    ("kind", "read"),
    [
        ("order", order_from_json),
        ("event", event_from_json),
        ("query", query_from_json),
        ("export", export_from_json),
        ("export_request", request_from_json),
        ("export_schedule", schedule_from_json),
        ("abandonment_policy", policy_from_json),
    ],
)
def test_the_body_of_a_document_is_an_object(
    body: str, kind: str, read: Callable[[str], object]
) -> None:
    text = f'{{"kind": "{kind}", "version": 1, "body": {body}}}'
    assert_told(InvalidDocument("body", f"{body}; expected an object"), lambda: read(text))


@pytest.mark.parametrize(
    ("old", "new", "path", "problem"),
    [
        ('"id":"1262140",', "", "body.id", "required field missing"),
        (
            '"id":"1262140",',
            '"id":"1262140","surprise":1,',
            "body",
            "extra fields found (surprise)",
        ),
        (
            '"life":"open"',
            '"life":"gone"',
            "body.life",
            "word is 'gone'; expected one of draft, open, cancelled",
        ),
        ('"archived":false', '"archived":"no"', "body.archived", "'no'; expected bool"),
        ('"note":""', '"note":7', "body.note", "7; expected str"),
        (
            '"placed_at":"2021-03-03T14:58:17',
            '"placed_at":"noon',
            "body.placed_at",
            f"instant is 'noon+00:00'; {AN_INSTANT}",
        ),
        ('"quantity":2', '"quantity":"2"', "body.lines[0].quantity", "'2'; expected int"),
        (
            '"quantity":2',
            '"quantity":0',
            "body.lines[0]",
            "quantity is 0; expected a whole number from 1 to 999999999",
        ),
        (
            '"unit_price":"5.00 MYR"',
            '"unit_price":"5.00"',
            "body.lines[0].unit_price",
            "'5.00'; expected an amount such as '59.50 MYR'",
        ),
        (
            '"payment_method":null',
            '"payment_method":7',
            "body.payment_method",
            "expected an object",
        ),
        ('"tags":[]', '"tags":7', "body.tags", "invalid value for type, expected tuple"),
    ],
)
def test_a_damaged_document_says_where_and_what(
    old: str, new: str, path: str, problem: str
) -> None:
    document = order_to_json(from_checkout_payload(payload()))
    damaged = document.replace(old, new, 1)
    assert damaged != document

    assert_told(InvalidDocument(path, problem), lambda: order_from_json(damaged))


def test_the_data_of_an_event_is_of_a_type_that_is_known() -> None:
    document = json.loads(event_to_json(from_checkout_payload(payload()).changes[0]))
    for data, problem in (
        ({"type": "exploded"}, f"'exploded'; {DATA}"),
        ({"type": ["placed"]}, f"['placed']; {DATA}"),
        ([["type", "placed"]], "[['type', 'placed']]; expected an object"),
    ):
        document["body"]["data"] = data
        error = InvalidDocument("body.data", problem)
        assert_told(error, partial(event_from_json, json.dumps(document)))


def test_a_converter_that_others_teach_knows_orders_and_their_events() -> None:
    order = from_checkout_payload(payload())
    converter = new_converter()
    for value, text in (
        (order, order_to_json(order)),
        *((event, event_to_json(event)) for event in order.changes),
    ):
        body = json.loads(text)["body"]
        assert converter.unstructure(value) == body
        assert converter.structure(body, type(value)) == value


def test_instants_are_written_in_utc() -> None:
    at = datetime(2021, 3, 3, 22, 58, 17, 5, tzinfo=timezone(timedelta(hours=8)))
    order = Order.place(
        id="1", shop="s", currency="MYR", lines=[LineItem("Kopi", 1, Money(2, "MYR"))], at=at
    )

    assert '"placed_at":"2021-03-03T14:58:17.000005+00:00"' in order_to_json(order)


def test_old_order_documents_can_be_read_for_ever() -> None:
    for file in sorted(OLD_DOCUMENTS.glob("order-v*.json")):
        history = [
            event_from_json(line)
            for line in file.with_name(file.name.replace("order", "events") + "l")
            .read_text(encoding="utf-8")
            .splitlines()
        ]

        order = order_from_json(file.read_text(encoding="utf-8"))
        replayed = Order.replay(history)
        if order.changed_at is None:  # the first documents did not tell all that a history does
            replayed = attrs.evolve(
                replayed, activity=(), changed_at=None, confirmed_at=None, abandoned_by=None
            )
        assert replayed == order


def test_old_query_documents_can_be_read_for_ever() -> None:
    for file in sorted(OLD_DOCUMENTS.glob("query-v*.json")):
        query = query_from_json(file.read_text(encoding="utf-8"))

        assert query != OrderQuery()
        assert query_from_json(query_to_json(query)) == query


def test_there_are_old_documents() -> None:
    assert {file.name for file in OLD_DOCUMENTS.iterdir()} >= {
        "order-v1.json",
        "events-v1.jsonl",
        "query-v1.json",
    }
