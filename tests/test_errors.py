"""Errors are leaves of one root; their fields are typed, and their messages are made of them."""

from __future__ import annotations

import copy
import inspect
import pickle
from datetime import datetime

import attrs
import pytest

from shoppego_orders import errors
from shoppego_orders.errors import OrdersError
from shoppego_orders.order import Blocker

LATER = errors.RefusedRecipient("a@example.com", 451, "later")

EXAMPLES: list[tuple[OrdersError, str]] = [
    (
        errors.InvalidValue("quantity", 0, "a whole number of at least 1"),
        "quantity is 0; expected a whole number of at least 1",
    ),
    (
        errors.NaiveDatetime("at", datetime(2026, 3, 3)),  # noqa: DTZ001 - the point
        (
            "at is 2026-03-03T00:00:00 without a time zone; "
            "give an aware datetime, for example datetime.now(UTC)"
        ),
    ),
    (errors.UnknownCurrency("RM"), "'RM' is not an ISO 4217 currency code such as 'MYR'"),
    (
        errors.CurrencyMismatch("MYR", "SGD"),
        "MYR and SGD can't be added or compared; convert first",
    ),
    (
        errors.UnknownTimeZone("KL"),
        "'KL' is not an IANA time zone such as 'Asia/Kuala_Lumpur'",
    ),
    (
        errors.InvalidPeriod("2026-03-03", "2026-03-01"),
        (
            "a period from 2026-03-03 until 2026-03-01 holds no time: its end is the first moment "
            "(or day) that no longer counts, and must be later than its start"
        ),
    ),
    (
        errors.CommandRefused("cancel", "1", (Blocker("a", "it is a"), Blocker("b", "it is b"))),
        "order 1 refuses cancel: it is a; it is b",
    ),
    (
        errors.BrokenHistory(None, "it has no events"),
        "the history can't be replayed: it has no events",
    ),
    (errors.BrokenHistory("1/2", "expected 1/3"), "event 1/2 can't be replayed: expected 1/3"),
    (errors.OrderNotFound("1"), "no order '1' is stored"),
    (
        errors.StaleOrder("1", 2, 3),
        "order 1 was loaded at version 2, and version 3 is stored; load it again",
    ),
    (
        errors.DuplicateOrder("1", "hartamas.myshoppegram.com", "#SA1"),
        "order 1 (#SA1 of hartamas.myshoppegram.com) is stored already",
    ),
    (
        errors.StoreUnusable("orders.sqlite", "disk full"),
        "the orders in orders.sqlite can't be used: disk full",
    ),
    (
        errors.StoreUnusable("db.example/orders", "the connection was lost", True),
        "nobody knows whether db.example/orders has kept what was saved: the connection was lost",
    ),
    (
        errors.MailNotSent(("a@example.com", "b@example.com"), "refused", errors.Retry.NEVER),
        "mail to a@example.com, b@example.com was not sent: refused",
    ),
    (
        errors.MailNotSent(("a@example.com",), "451 later", errors.Retry.AGAIN, (LATER,)),
        "mail to a@example.com was not sent, and may be tried again: 451 later",
    ),
    (
        errors.MailNotSent(("a@example.com",), "timed out", errors.Retry.UNKNOWN),
        "nobody knows whether mail to a@example.com was sent: timed out",
    ),
    (errors.InvalidDocument("items[0].price", "is 'x'"), "items[0].price: is 'x'"),
    (errors.InvalidDocument("", "is empty"), "the document: is empty"),
    (
        errors.UnknownDocumentVersion(9, 1),
        (
            "document version 9 is unknown here (1 to 1 are known); "
            "a newer shoppego_orders may have written it"
        ),
    ),
    (errors.InvalidTable("my.toml", "tiktok", 3, "twice"), "my.toml, line 3: tiktok: twice"),
    (errors.InvalidTable("my.toml", "tiktok", None, "twice"), "my.toml: tiktok: twice"),
    (
        errors.InvalidFrame({"created": "is missing", "total": "holds double"}),
        "the data frame can't be taken: created is missing; total holds double",
    ),
    (
        errors.InvalidParts("exports/march", "1.csv is not as it was written"),
        "the parts in exports/march can't be joined: 1.csv is not as it was written",
    ),
    (errors.OutputNotWritten("orders.csv", "no room"), "orders.csv was not written: no room"),
    (
        errors.InputNotRead("in.jsonl.gz", 7, "it ends in the middle"),
        "in.jsonl.gz can't be read after line 7: it ends in the middle",
    ),
    (
        errors.ExportPartlyMailed("orders.csv", 2, 5, "550 no", errors.Retry.NEVER),
        "of orders.csv, the mails 1 to 2 of 5 were sent, and the others were not: 550 no",
    ),
    (
        errors.ExportPartlyMailed("orders.csv", 2, 5, "cut", errors.Retry.UNKNOWN, (LATER,)),
        (
            "of orders.csv, the mails 1 to 2 of 5 and perhaps the next were sent, "
            "and the others were not: cut"
        ),
    ),
    (
        errors.FileNotRemoved("https://files.example.my/o.csv", "Permission denied"),
        "https://files.example.my/o.csv was not removed: Permission denied",
    ),
    (errors.ExportNotFound("e1"), "no export 'e1' was asked for"),
    (errors.DuplicateExport("e1"), "export 'e1' was asked for already"),
    (
        errors.StaleExport("e1", 2, 3),
        "export e1 was loaded at version 2, and version 3 is stored; load it again",
    ),
    (
        errors.ExportNotDue("e1", "completed"),
        (
            "export e1 is completed; only one that is queued, or whose worker has given no sign "
            "of life for long, is run"
        ),
    ),
    (
        errors.ExportTooLarge("orders.csv", 30_000_000, 20_000_000),
        (
            "a single record of orders.csv would take 30000000 bytes of a mail, and 20000000 "
            "are the limit; give a file shelf, or fewer columns"
        ),
    ),
    (
        errors.LineNotImported(7, "is no JSON"),
        "line 7 was not imported: is no JSON; the lines before it were",
    ),
    (
        errors.TooManySavedTabs(5),
        "at most 5 filters can be saved as tabs; remove one first",
    ),
    (
        errors.PortUnreachable("Store.get", "its event loop is closed"),
        "Store.get can't be called: its event loop is closed",
    ),
    (errors.TaskNotClaimed("k"), "task k was not claimed, so it can't be settled"),
    (errors.TaskSettled("k", "done"), "task k ended before, as done"),
    (errors.RecoveryLinkRefused("expired"), "the recovery link is refused: it has expired"),
    (
        errors.MissingExtra("SQLAlchemy", "sql"),
        "SQLAlchemy is not installed; install it with pip install 'shoppego-orders[sql]'",
    ),
]


def fields_of(kind: type[OrdersError]) -> list[str]:
    assert attrs.has(kind)
    return [field.name for field in attrs.fields(kind)]


@pytest.mark.parametrize(("error", "message"), EXAMPLES, ids=lambda value: type(value).__name__)
def test_the_message_is_made_of_the_fields(error: OrdersError, message: str) -> None:
    assert str(error) == message


@pytest.mark.parametrize(("error", "message"), EXAMPLES, ids=lambda value: type(value).__name__)
def test_an_error_survives_pickling_and_copying(error: OrdersError, message: str) -> None:
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is type(error)
        assert str(again) == message
        for field in fields_of(type(error)):
            assert getattr(again, field) == getattr(error, field)


def test_every_error_is_a_leaf_of_the_root_and_has_an_example() -> None:
    found = {
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, OrdersError) and kind is not OrdersError
    }
    for kind in found:
        assert OrdersError in kind.__bases__
        assert kind.__doc__
        assert fields_of(kind)
    assert found == {type(error) for error, _ in EXAMPLES}


def test_an_error_can_be_caught_as_what_python_would_raise() -> None:
    assert issubclass(errors.InvalidValue, ValueError)
    assert issubclass(errors.OrderNotFound, LookupError)
    assert issubclass(errors.MissingExtra, ImportError)


def test_a_long_value_is_cut_in_the_message_and_kept_in_the_field() -> None:
    error = errors.InvalidValue("note", "x" * 1000, "a short one")
    assert len(str(error)) < 150
    assert error.value == "x" * 1000


def test_a_number_that_python_does_not_print_has_a_message_too() -> None:
    error = errors.InvalidValue("quantity", 10**5000, "fewer")
    assert str(error) == "quantity is a number of very many digits; expected fewer"
