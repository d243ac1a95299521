"""Erasing a customer: the person goes, the money and the statistics stay.

What is left of each order says what was bought, paid, sent and decided, and when; who it was,
nothing tells any more. A customer's key becomes a random one that all their orders share, so a
report still counts one returning customer, and a verdict still sees their other purchases.
``SECURITY.md`` says, field by field, what goes and what stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

import attrs

from shoppego_orders.abandonment.claims import reminders_about, turns_of
from shoppego_orders.abandonment.recovery import reminded_customer
from shoppego_orders.customers import Customer, Identify, customer_key, phone_digits
from shoppego_orders.errors import InvalidValue, StaleExport, StaleOrder
from shoppego_orders.export.documents import request_without
from shoppego_orders.order import Order
from shoppego_orders.order.anonymity import anonymised_history
from shoppego_orders.periods import utc
from shoppego_orders.ports import (
    ErasingStore,
    ErasingTaskLog,
    Export,
    ExportLog,
    MailStatus,
    OrderStore,
    Outcome,
)
from shoppego_orders.query import OrderQuery
from shoppego_orders.texts import folded

TRIES: Final = 5
"""How often what others saved meanwhile is looked at again."""

_PREFIX: Final = "anonymous:"
"""Of the keys that stand for erased customers: no customer's key has it."""


@attrs.frozen(kw_only=True)
class Erasure:
    """What an erasure did.

    :ivar orders: ids of the orders that the customer was taken out of, by the time of placing.
    :ivar tasks: keys of the tasks that told of them, which are gone or have lost their note.
    :ivar exports: ids of the asked exports whose record named them.
    """

    orders: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    exports: tuple[str, ...] = ()


def anonymise(
    store: ErasingStore,
    customer: Customer,
    *,
    shop: str,
    at: datetime,
    pseudonym: Callable[[], str],
    tasks: ErasingTaskLog | None = None,
    exports: ExportLog | None = None,
    identify: Identify = customer_key,
    actor: str = "merchant",
) -> Erasure:
    """Take a customer out of all their orders in a shop, histories included. There is no way back.

    All orders are written in one transaction, and each gets an event that says so: whoever loaded
    one before is refused as stale. Repeating it finds nothing; a customer whom nobody knows is no
    error. Whoever orders again later is a new customer.

    Orders, tasks and exports are written one after the other; ``with store.batch():`` makes them
    one transaction where they share a SQL database. ``store.database.vacuum()`` then gives up the
    bytes of what was there. Files that were exported before, and mails, are yours to delete.

    :param customer: how they are known: by id, e-mail address, phone number, or all of these.
        An order of theirs is one that :func:`customer_orders` finds.
    :param shop: the shop's domain; in another shop it is another customer.
    :param at: the present, aware.
    :param pseudonym: makes a random text, another one each time, such as ``secrets.token_hex``:
        what stands for the customer from now on must not follow from who it was.
    :param tasks: where reminders were claimed.
    :param exports: where exports were asked for.
    :param identify: the same function that the orders were placed with.
    :param actor: who erases.
    :raises InvalidValue: for a customer whom nothing identifies, a shop without a name, and a
        pseudonym that is empty or comes twice.
    :raises NaiveDatetime: for a time without a zone.
    :raises StaleOrder: if others saved the orders again and again; nothing is written.
    """
    now = utc(at, "at")
    known = _Known(customer, identify, pseudonym)
    orders = _rewritten(store, known, shop, now, actor)
    told = () if tasks is None else _forgotten(tasks, known, orders, shop)
    unnamed = () if exports is None else _unnamed(exports, known, orders, shop)
    return Erasure(orders=tuple(order.id for order in orders), tasks=told, exports=unnamed)


def customer_orders(
    store: OrderStore, customer: Customer, *, shop: str, identify: Identify = customer_key
) -> list[Order]:
    """Find the orders of a customer in a shop, in any state, by the time of placing.

    Theirs is an order that is kept under their id, e-mail address or phone number, or on which
    they left that address or number; of an order of nobody known, the addressee's count too.
    So give only what is theirs alone: with a number that a family shares, its other members'
    orders are found.

    :param customer: how they are known: by id, e-mail address, phone number, or all of these.
    :param identify: the same function that the orders were placed with.
    :raises InvalidValue: for a customer whom nothing identifies, or a shop without a name.
    """
    return _found(store, _Known(customer, identify, str), shop)


class _Known:
    """By what a customer is known, and what stands for it from now on."""

    def __init__(
        self, customer: Customer, identify: Identify, pseudonym: Callable[[], str]
    ) -> None:
        self._identify, self._pseudonym = identify, pseudonym
        email = identify(Customer(email=customer.email))
        phone = identify(Customer(phone=customer.phone))
        own = {identify(customer), identify(Customer(id=customer.id)), email, phone}
        self.keys = frozenset(key for key in own if key is not None)
        if not self.keys:
            raise InvalidValue("customer", customer, "an id, an e-mail address or a phone number")
        self.email = None if email is None else customer.email
        self.phone = None if phone is None else customer.phone
        self._stand_ins: dict[str, str] = {}

    def names(self, text: str) -> bool:
        """Tell whether a text is their e-mail address or phone number."""
        alone = (Customer(email=text), Customer(phone=text))
        return any(self._identify(who) in self.keys for who in alone)

    def ordered(self, order: Order) -> bool:
        """Tell whether an order is theirs."""
        if order.customer_key is None:
            return self.names(order.email) or self.names(order.phone)
        left = (order.customer.email, order.customer.phone)
        return order.customer_key in self.keys or any(text and self.names(text) for text in left)

    def stand_in(self, key: str) -> str:
        """What stands for a key: the same each time, and nobody else's."""
        if key not in self._stand_ins:
            drawn: object = self._pseudonym()
            if type(drawn) is not str or not drawn or f"{_PREFIX}{drawn}" in self.stand_ins:
                raise InvalidValue("pseudonym", drawn, "a random text, another one each time")
            self._stand_ins[key] = f"{_PREFIX}{drawn}"
        return self._stand_ins[key]

    @property
    def stand_ins(self) -> frozenset[str]:
        """What stands for their keys so far."""
        return frozenset(self._stand_ins.values())

    @property
    def all_keys(self) -> frozenset[str]:
        """Their keys, and those that their orders had in the past."""
        return self.keys | self._stand_ins.keys()


def _found(store: OrderStore, known: _Known, shop: str) -> list[Order]:
    if not shop.strip():
        raise InvalidValue("shop", shop, "the shop's domain")
    asked = [OrderQuery(shop=shop, customer_keys=known.keys)]
    if known.email is not None:
        asked.append(OrderQuery(shop=shop, search=known.email))
    if known.phone is not None:
        asked.append(OrderQuery(shop=shop, search=phone_digits(known.phone) or known.phone))
    # Each is read to its end before the orders are loaded.
    places = sorted({(row.placed_at, row.id) for query in asked for row in store.rows(query)})
    return [order for _, id_ in places if known.ordered(order := store.get(id_))]


def _rewritten(
    store: ErasingStore, known: _Known, shop: str, now: datetime, actor: str
) -> Sequence[Order]:
    """Take the customer out of their orders, and return these as they were."""

    def once() -> Sequence[Order]:
        orders = _found(store, known, shop)
        histories = [
            anonymised_history(
                store.events(order.id), pseudonym=known.stand_in, at=now, actor=actor
            )
            for order in orders
        ]
        if histories:
            store.rewrite(histories)
        return orders

    for _ in range(TRIES - 1):
        with suppress(StaleOrder):
            return once()
    return once()


def _forgotten(
    tasks: ErasingTaskLog, known: _Known, orders: Sequence[Order], shop: str
) -> tuple[str, ...]:
    """Remove the turns of the customer, whose keys follow from theirs, and what notes tell."""
    customers = {*known.all_keys, *map(reminded_customer, orders)}
    turns = [task.key for key in sorted(customers) for task in tasks.tasks(turns_of(shop, key))]
    noted = [
        task.key
        for order in orders
        for task in tasks.tasks(reminders_about(shop, order.id))
        # Why one was skipped is counted, and says nothing of who it was; unless the host did.
        if task.note and (task.outcome is not Outcome.SKIPPED or _tells(task.note, order))
    ]
    tasks.forget(turns)
    tasks.empty_notes(noted)
    return (*turns, *noted)


def _tells(note: str, order: Order) -> bool:
    left = (folded(text).strip() for text in (order.email, order.phone, order.customer_name))
    return any(text and text in folded(note) for text in left)


def _unnamed(log: ExportLog, known: _Known, orders: Sequence[Order], shop: str) -> tuple[str, ...]:
    """Take the customer out of the records of exports: who is mailed, and what was asked for."""
    people = {folded(order.customer_name) for order in orders}

    def names(search: str) -> bool:
        return known.names(search) or search in people

    def key_of(key: str) -> str | None:
        return known.stand_in(key) if key in known.all_keys else None

    def unnamed(export: Export) -> Export:
        to = tuple(address for address in export.to if not known.names(address))
        request = request_without(export.request, key_of=key_of, names=names)
        if (to, request) == (export.to, export.request):
            return export
        mail = export.mail if to or export.mail is not MailStatus.DUE else MailStatus.NONE
        problem = export.problem if to == export.to else ""
        return attrs.evolve(export, to=to, request=request, mail=mail, problem=problem)

    return tuple(
        export.id
        for export in list(log.exports())
        if export.shop in (None, shop) and _replaced(log, export, unnamed)
    )


def _replaced(log: ExportLog, export: Export, unnamed: Callable[[Export], Export]) -> bool:
    """Write an export's record without the customer, whoever else writes it meanwhile."""
    while (changed := unnamed(export)) != export:
        try:
            log.save(changed)
        except StaleExport:
            export = log.get(export.id)
        else:
            return True
    return False
