"""Our sweep and our reminders keep every promise, and the checks notice whoever breaks one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from abandonment_contract import RemindContract, Reminds, SweepContract, Sweeps
from broken_abandonment import BROKEN_REMINDERS, BROKEN_SWEEPS, PlainReminder, PlainSweep
from shoppego_orders.abandonment import remind, sweep
from shoppego_orders.errors import OrdersError

SWEEPS = [name for name in vars(SweepContract) if name.startswith("check_")]
REMINDS = [name for name in vars(RemindContract) if name.startswith("check_")]


def check_of(contract: object, name: str) -> Callable[[object], None]:
    check: Callable[[object], None] = getattr(contract, name)
    return check


@pytest.mark.parametrize("name", SWEEPS)
def test_our_sweep_keeps_every_promise(name: str) -> None:
    check_of(SweepContract(), name)(sweep)


@pytest.mark.parametrize("name", REMINDS)
def test_our_reminders_keep_every_promise(name: str) -> None:
    check_of(RemindContract(), name)(remind)


@pytest.mark.once
@pytest.mark.parametrize(
    ("broken", "noticed_by"), BROKEN_SWEEPS, ids=[type(each).__name__ for each, _ in BROKEN_SWEEPS]
)
def test_a_broken_sweep_is_noticed(broken: Sweeps, noticed_by: str) -> None:
    check = check_of(SweepContract(), noticed_by)
    # It is what they changed that is noticed, not what they were made of.
    check(PlainSweep())
    with pytest.raises((AssertionError, OrdersError)):
        check(broken)


@pytest.mark.once
@pytest.mark.parametrize(("broken", "noticed_by"), BROKEN_REMINDERS)
def test_broken_reminders_are_noticed(broken: Callable[[], Reminds], noticed_by: str) -> None:
    check = check_of(RemindContract(), noticed_by)
    check(PlainReminder())
    with pytest.raises((AssertionError, OrdersError)):
        check(broken())


def test_a_sweep_that_never_looks_again_is_noticed() -> None:
    with pytest.raises(AssertionError):
        SweepContract().check_a_purchase_that_is_reported_late_counts(PlainSweep())


def test_every_check_notices_somebody() -> None:
    noticing = {name for _, name in BROKEN_SWEEPS}
    assert noticing | {"check_a_purchase_that_is_reported_late_counts"} == set(SWEEPS)
    assert {name for _, name in BROKEN_REMINDERS} == set(REMINDS)
