"""How orders commonly go, as steps: states that steps at random would seldom reach."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

from hypothesis import strategies as st

from shoppego_orders.order import Delivery, Fulfillment, Order, Recovery
from shoppego_orders.testing.strategies.steps import Step

Story = Callable[[Order], Iterable[Step]]
"""What happens to an order; a command that it refuses is left out, as :func:`run` does."""

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)


@functools.cache
def stories() -> st.SearchStrategy[Story]:
    """Make stories: the order is paid, sent, given back, abandoned; often nothing happens."""
    told = st.sampled_from(_STORIES)
    return st.one_of(st.just(_nothing), told, told)


def _nothing(order: Order) -> Sequence[Step]:  # noqa: ARG001  # as every story
    return ()


def _paid(order: Order) -> Sequence[Step]:
    return (_step("mark_pending", _MINUTE), *_payment(order, 2 * _MINUTE))


def _refunded(order: Order) -> Sequence[Step]:
    """All of it is given back."""
    refund = {"reference": "ref-1", "amount": order.total}
    given_back = [_step("record_refund", _HOUR, **refund)] if order.total.minor else []
    return (*_paid(order), *given_back)


def _cancelled(order: Order) -> Sequence[Step]:  # noqa: ARG001  # as every story
    return (_step("mark_pending", _MINUTE), _step("cancel", 2 * _MINUTE, reason="out of stock"))


def _cancelled_too_late(order: Order) -> Sequence[Step]:
    """Money and a parcel are on their way already."""
    parcel = {"carrier": "J&T", "number": "JT1"}
    return (
        *_cancelled(order),
        *_payment(order, 3 * _MINUTE),
        _step("record_shipment", _HOUR, **parcel),
    )


def _differently_reported(order: Order) -> Sequence[Step]:
    """One payment is reported with two amounts."""
    again = {"reference": "pay-1", "amount": order.total * 2}
    contradicting = [_step("record_payment", _HOUR, **again)] if order.total.minor else []
    return (*_paid(order), *contradicting)


def _abandoned(order: Order) -> Sequence[Step]:  # noqa: ARG001  # as every story
    found = {"policy": "documented", "reasons": ["not paid"]}
    return (_step("mark_pending", _MINUTE), _late("record_abandonment", _HOUR, **found))


def _retracted(order: Order) -> Sequence[Step]:
    return (*_abandoned(order), _step("record_retraction", 2 * _HOUR, reasons=["paid in time"]))


def _recovered(order: Order) -> Sequence[Step]:
    return (*_abandoned(order), *_payment(order, 2 * _HOUR), _ended("recovered", order.id))


def _returned(order: Order) -> Sequence[Step]:
    """Through a recovery link."""
    came_back = _step("record_return", 2 * _HOUR, step=1)
    return (
        *_abandoned(order),
        came_back,
        *_payment(order, 3 * _HOUR),
        _ended("returned", order.id),
    )


def _substituted(order: Order) -> Sequence[Step]:
    return (*_abandoned(order), _ended("substituted", "2"))


def _lost(order: Order) -> Sequence[Step]:
    return (*_abandoned(order), _ended("lost", None))


def _handed_over(order: Order) -> Iterable[Step]:
    """The merchant's part is done: it waits at the counter, or is on its way."""
    pickup = order.delivery is Delivery.PICKUP
    return _set_to(Fulfillment.READY_FOR_PICKUP if pickup else Fulfillment.SHIPPED)(order)


def _set_to(status: Fulfillment) -> Story:
    def story(order: Order) -> Iterable[Step]:  # noqa: ARG001  # as every story
        moved = {"status": status, "reason": "corrected"}
        return (_step("mark_pending", _MINUTE), _step("set_fulfillment", _HOUR, **moved))

    return story


_STORIES: Final[Sequence[Story]] = (
    _paid,
    _cancelled,
    *map(_set_to, (Fulfillment.PROCESSING, Fulfillment.PACKED, Fulfillment.COMPLETED)),
    _handed_over,
    _refunded,
    _cancelled_too_late,
    _differently_reported,
    _abandoned,
    _retracted,
    _recovered,
    _returned,
    _substituted,
    _lost,
)


def _payment(order: Order, after: timedelta) -> Sequence[Step]:
    if not order.total.minor:
        return ()
    return (_step("record_payment", after, reference="pay-1", amount=order.total),)


def _ended(outcome: str, purchase: str | None) -> Step:
    told = {"outcome": Recovery(outcome), "purchase": purchase}
    return _late("record_outcome", timedelta(days=14), **told)


def _step(name: str, after: timedelta, **arguments: Any) -> Step:  # Any: of whichever method it is
    return Step(name, arguments, after, None)


def _late(name: str, after: timedelta, **arguments: Any) -> Step:  # Any: as above
    return Step(name, arguments, after, _HOUR)
