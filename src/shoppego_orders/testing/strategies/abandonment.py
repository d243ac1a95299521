"""Rules, policies and plans; what they find, and what sweeps and reminders answer."""

from __future__ import annotations

import functools
from datetime import datetime, time, timedelta

import attrs
from hypothesis import assume
from hypothesis import strategies as st

from shoppego_orders.abandonment import (
    AbandonmentPolicy,
    Context,
    Difference,
    Finding,
    NoOtherPurchase,
    RecoveryPlan,
    RecoveryReport,
    RecoveryVisit,
    RemindResult,
    Rule,
    SettleResult,
    Since,
    SweepResult,
    Unfulfilled,
    Verdict,
    compare_policies,
    recovery_report,
    remind,
    settle_recoveries,
    sweep,
)
from shoppego_orders.abandonment import rules as every
from shoppego_orders.adapters.memory import MemoryOrderStore, MemoryTaskLog, RecordingMailer
from shoppego_orders.order import Delivery, OrderRow, PaymentType
from shoppego_orders.testing.samples import order_of
from shoppego_orders.testing.strategies.jobs import ZONES, stores
from shoppego_orders.testing.strategies.orders import order_lists, order_rows, orders
from shoppego_orders.testing.strategies.values import (
    MOMENT,
    SHOPS,
    delays,
    keys,
    money,
    texts,
    utc_instants,
)

_DAYS = timedelta(days=60)


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
    return st.recursive(simple, joined_rules, max_leaves=5)


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


@st.composite
def contexts(draw: st.DrawFn) -> Context:
    """Make what a rule knows besides the order: the window, and what else the customer bought."""
    began = draw(utc_instants())
    window = draw(st.sampled_from((timedelta(hours=1), timedelta(minutes=30))))
    within = st.timedeltas(timedelta(0), window - timedelta(microseconds=1))
    before = st.timedeltas(-_DAYS, -timedelta(microseconds=1))

    def bought(offsets: st.SearchStrategy[timedelta]) -> list[OrderRow]:
        rows = draw(st.lists(st.tuples(order_rows(), offsets), max_size=2))
        made = [_purchase(row, began + offset) for row, offset in rows]
        return sorted(made, key=lambda row: (row.completed_at or began, row.id))

    return Context(began, began + window, bought(within), bought(before))


def _purchase(row: OrderRow, at: datetime) -> OrderRow:
    return row._replace(shop=SHOPS[0], customer_key="id:c1", completed_at=at)


@st.composite
def verdicts(draw: st.DrawFn) -> Verdict:
    """Make verdicts on orders, before their deadlines, at them and after."""
    policy, order = draw(policies()), draw(orders())
    return policy.judge(order, draw(order_lists(max_size=2)), policy.due(order) + draw(delays()))


@functools.cache
def findings() -> st.SearchStrategy[Finding]:
    """Make what rules found."""
    return verdicts().map(lambda verdict: verdict.finding)


@st.composite
def differences(draw: st.DrawFn) -> Difference:
    """Make an order on which two policies disagree."""
    row = draw(order_rows().filter(_may_be_abandoned))
    current = AbandonmentPolicy()
    candidate = draw(
        st.just(attrs.evolve(current, window=timedelta(minutes=30)))
        | policies().filter(lambda other: other.window != current.window)
    )
    (*found,) = compare_policies([row], current, candidate, row.placed_at + _DAYS)
    assume(found)  # Hypothesis's own word for "not this one"
    return found[0]


def _may_be_abandoned(row: OrderRow) -> bool:
    return row.completed_at is None and row.taken_up_at is None and row.life == "open"


@st.composite
def plans(draw: st.DrawFn) -> RecoveryPlan:
    """Make plans of reminders, with quiet hours by day and over midnight, and without."""
    hours = draw(st.lists(st.integers(1, 100), min_size=1, max_size=3, unique=True))
    last = timedelta(hours=max(hours))
    hour = st.sampled_from((time(22), time(8), time(12, 30)))
    return RecoveryPlan(
        steps=[timedelta(hours=each) for each in sorted(hours)],
        quiet_hours=draw(st.none() | st.lists(hour, min_size=2, max_size=2, unique=True)),
        tz=draw(st.sampled_from(ZONES)),
        cooldown=timedelta(hours=draw(st.integers(0, 24))),
        maximum_age=last + timedelta(hours=draw(st.integers(1, 200))),
        lost_after=last + timedelta(hours=draw(st.integers(1, 400))),
    )


# What the jobs answer, over stores with some orders in them


@functools.cache
def sweep_results() -> st.SearchStrategy[SweepResult]:
    """Make what sweeps answer."""
    return st.builds(sweep, stores(), st.builds(AbandonmentPolicy), _moments())


@st.composite
def remind_results(draw: st.DrawFn) -> RemindResult:
    """Make what runs of reminders answer."""
    plan = draw(st.builds(RecoveryPlan) | plans())
    store, now = draw(_swept_stores()), draw(_moments())
    return remind(store, MemoryTaskLog(), RecordingMailer(), plan, now)


@functools.cache
def settle_results() -> st.SearchStrategy[SettleResult]:
    """Make what is answered where the ends of abandoned checkouts are recorded."""
    return st.builds(settle_recoveries, _swept_stores(), st.just(timedelta(days=14)), _moments())


@functools.cache
def recovery_reports() -> st.SearchStrategy[RecoveryReport]:
    """Make reports on what became of abandoned checkouts."""
    logs = st.builds(MemoryTaskLog)
    return st.builds(recovery_report, _swept_stores(), tasks=st.none() | logs)


@functools.cache
def recovery_visits() -> st.SearchStrategy[RecoveryVisit]:
    """Make what recovery links tell of customers who followed them."""
    shops = st.sampled_from(SHOPS)
    return st.builds(RecoveryVisit, shops, keys(), st.integers(1, 3), utc_instants())


def _moments() -> st.SearchStrategy[datetime]:
    """Often just after the orders that are placed most often, sometimes long after all."""
    return st.sampled_from(_LATER) | utc_instants()


def _swept_stores() -> st.SearchStrategy[MemoryOrderStore]:
    return stores(max_size=2).map(_swept)


def _swept(store: MemoryOrderStore) -> MemoryOrderStore:
    # One that is certainly abandoned, and can be reminded of.
    store.save(order_of("certainly abandoned"))
    for now in _LATER:
        sweep(store, AbandonmentPolicy(), now)
    return store


_LATER = tuple(MOMENT + timedelta(hours=hours) for hours in (2, 26, 24 * 400))


def joined_rules(parts: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    """Rules that are joined of others: both, either, or not."""
    both = st.tuples(parts, parts)
    return st.one_of(
        both.map(lambda pair: pair[0] & pair[1]),
        both.map(lambda pair: pair[0] | pair[1]),
        parts.map(lambda rule: ~rule),
    )
