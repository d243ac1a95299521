"""What an erasure leaves of an order's history: everything but the person.

Gone are who it was, how to reach them, where they live, and what was typed about them: names,
e-mail addresses, phone numbers, the customer's id, addresses but for state and country, notes,
reasons in the merchant's words, click ids, search terms, a parcel's page, and of landing URLs and
referrers all but the page and its UTM tags. What was bought, paid, sent and decided, and when,
stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import attrs

from shoppego_orders.attribution import Attribution, IgnoredTouch
from shoppego_orders.customers import Address, Customer
from shoppego_orders.order.events import (
    AddressEdited,
    Anonymised,
    Cancelled,
    CustomerEdited,
    EventData,
    FulfillmentSet,
    NoteEdited,
    OrderEvent,
    Placed,
    ShipmentRecorded,
    Tracking,
    TrackingAdded,
)
from shoppego_orders.order.order import Order
from shoppego_orders.periods import utc

Pseudonym = Callable[[str], str]
"""Gives the key that stands for a customer's from now on; equal ones for equal keys."""


def anonymised_history(
    events: Iterable[OrderEvent],
    *,
    pseudonym: Pseudonym,
    at: datetime,
    actor: str = "merchant",
) -> tuple[OrderEvent, ...]:
    """Take the person out of an order's whole history, and note that at its end.

    ``Order.replay`` makes the order without the person from it, at a version that is higher by
    one: whoever holds the order as it was is refused as stale, and can't write the person back.

    :param events: the history, oldest first.
    :param at: the present, aware.
    :param actor: who erases.
    :raises BrokenHistory: for what is not one order's whole history.
    :raises NaiveDatetime: for a time without a zone.
    """
    whole = tuple(events)
    order = Order.replay(whole)
    names = _names(whole)
    now = utc(at, "at")
    kept = (
        attrs.evolve(
            event,
            data=_without_person(event.data, pseudonym),
            actor="customer" if event.actor in names else event.actor,
        )
        for event in whole
    )
    event_id = f"{order.id}/{order.version + 1}"
    return (*kept, OrderEvent(event_id, order.id, now, now, actor, (), Anonymised()))


def _names(events: Iterable[OrderEvent]) -> set[str | None]:
    """What the customer was called in any of the events."""
    return {
        name
        for event in events
        if isinstance(event.data, Placed | CustomerEdited)
        for who in (event.data.customer,)
        for name in (who.id, who.email, who.phone, who.name)
        if name
    }


def _without_person(data: EventData, pseudonym: Pseudonym) -> EventData:
    match data:
        case Placed():
            return attrs.evolve(
                data,
                customer=Customer(),
                customer_key=_stand_in(data.customer_key, pseudonym),
                shipping_address=_region(data.shipping_address),
                billing_address=_region(data.billing_address),
                touches=tuple(touch.anonymised() for touch in data.touches),
                ignored_touches=tuple(
                    IgnoredTouch(each.touch.anonymised(), each.reason)
                    for each in data.ignored_touches
                ),
                attribution=_impersonal(data.attribution),
                note="",
            )
        case CustomerEdited(_, key):
            return CustomerEdited(Customer(), _stand_in(key, pseudonym))
        case AddressEdited(shipping, billing):
            return AddressEdited(_region(shipping), _region(billing))
        case NoteEdited():
            return NoteEdited("")
        case FulfillmentSet(status, _):
            return FulfillmentSet(status, None)
        case Cancelled():
            return Cancelled("")
        case TrackingAdded(tracking):
            return TrackingAdded(_parcel(tracking))
        case ShipmentRecorded(tracking):
            return ShipmentRecorded(_parcel(tracking))
        case _:
            return data


def _stand_in(key: str | None, pseudonym: Pseudonym) -> str | None:
    return None if key is None else pseudonym(key)


def _region(address: Address | None) -> Address | None:
    return None if address is None else Address(state=address.state, country=address.country)


def _impersonal(attribution: Attribution | None) -> Attribution | None:
    if attribution is None:
        return None
    return attrs.evolve(attribution, click_ids=(), search_term=None)


def _parcel(tracking: Tracking) -> Tracking:
    # The number stays: a courier's late report has to be known as the same parcel's.
    return Tracking(tracking.carrier, tracking.number)
