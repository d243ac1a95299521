"""Judge an order from its history: as it was, and as far as it was known.

A row tells what an order is now. The history also tells when each thing was learned of, so a
verdict can be given as somebody had to give it at the time, and as it turned out to be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import attrs

from shoppego_orders.abandonment.policy import AbandonmentPolicy
from shoppego_orders.abandonment.verdict import Verdict
from shoppego_orders.order import Order, OrderEvent
from shoppego_orders.periods import MICROSECOND, Period
from shoppego_orders.ports import OrderStore
from shoppego_orders.query import OrderQuery


def replay(
    events: Sequence[OrderEvent],
    others: Iterable[Sequence[OrderEvent]],
    policy: AbandonmentPolicy,
    *,
    as_of: datetime,
    known_at: datetime | None = None,
) -> Verdict:
    """Judge an order from its events, as of a moment, by what was known at another.

    :param events: the order's whole history, oldest event first.
    :param others: whole histories of orders among which the customer's other purchases are.
    :param as_of: the moment at which it is asked, aware.
    :param known_at: what was recorded later is not looked at, aware; all counts unless told.
    :returns: the verdict on the order as it was at its deadline.
    :raises BrokenHistory: for an order that was not known then, and for a history with a gap.
    :raises NaiveDatetime: for a time without a zone.
    """
    order = at_deadline(events, policy, known_at)
    return policy.judge(order, _known(others, known_at), as_of)


def replay_stored(
    store: OrderStore,
    order_id: str,
    policy: AbandonmentPolicy,
    *,
    as_of: datetime,
    known_at: datetime | None = None,
) -> Verdict:
    """Judge a stored order from its history and its customer's others, as :func:`replay` does.

    :raises OrderNotFound: if there is no such order.
    """
    events = store.events(order_id)
    order = at_deadline(events, policy, known_at)
    others: list[Sequence[OrderEvent]] = []
    if order.customer_key is not None:
        # Reports that come late move a purchase only to an earlier moment.
        query = OrderQuery(
            shop=order.shop,
            customer_keys=frozenset((order.customer_key,)),
            completed=Period.before(policy.due(order)),
        )
        others = [store.events(row.id) for row in store.rows(query) if row.id != order_id]
    return policy.judge(order, _known(others, known_at), as_of)


def at_deadline(
    events: Sequence[OrderEvent], policy: AbandonmentPolicy, known_at: datetime | None = None
) -> Order:
    """Make an order as it was right before its deadline.

    Who the customer is stays as it is known in the end: a correction says who it always was.

    :raises BrokenHistory: as :meth:`Order.replay` does.
    """
    known = Order.replay(events, known_at=known_at)
    as_it_was = Order.replay(events, as_of=policy.due(known) - MICROSECOND, known_at=known_at)
    return attrs.evolve(as_it_was, customer_key=known.customer_key)


def _known(histories: Iterable[Sequence[OrderEvent]], known_at: datetime | None) -> Iterator[Order]:
    for events in histories:
        if known_at is None or (events and events[0].recorded_at <= known_at):
            yield Order.replay(events, known_at=known_at)
