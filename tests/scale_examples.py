"""What the laws of many orders at once are tried on, over Arrow and on Spark."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from abandonment_examples import BEGAN, begun, minutes
from shoppego_orders import scale
from shoppego_orders.abandonment import AbandonmentPolicy, Verdict, judge_stream
from shoppego_orders.export import ACCOUNTING, SHOPIFY, SHOPPEGO, Column, ColumnSet
from shoppego_orders.money import Money
from shoppego_orders.order import Life, LineRow, Order, OrderRow, PaymentType

Frame = Any  # what PyArrow makes


def table(rows: Iterable[OrderRow]) -> Frame:
    return scale.order_batches(rows).read_all()


def line_items(orders: Iterable[Order]) -> list[LineRow]:
    return [
        LineRow.of(OrderRow.of(order), position, line)
        for order in orders
        for position, line in enumerate(order.lines, 1)
    ]


ROW = OrderRow.of(begun())
moments = st.integers(0, 12).map(lambda quarter: BEGAN + minutes(15 * quarter))
maybe = st.none() | moments


@st.composite
def histories(draw: st.DrawFn) -> list[OrderRow]:
    """Rows of a few customers in a few hours: customer by customer, and each in time."""
    rows = draw(
        st.lists(
            st.builds(
                ROW._replace,
                shop=st.sampled_from(("a", "b")),
                customer_key=st.sampled_from((None, "id:1", "id:2", "a", "b")),
                placed_at=moments,
                completed_at=maybe,
                paid_at=maybe,
                taken_up_at=st.none() | maybe,
                cancelled_at=st.none() | maybe,
                life=st.sampled_from((Life.OPEN, Life.OPEN, Life.DRAFT)),
                products=st.sampled_from(((), ("Kopi",), ("Kopi", "Teh"))),
                payment_method_name=st.sampled_from(("", "Billplz", "Cash on delivery")),
                payment_type=st.sampled_from((None, *PaymentType)),
                activity=st.lists(moments, max_size=3).map(lambda ats: tuple(sorted(ats))),
                total=st.sampled_from((Money("5", "MYR"), Money("500", "MYR"))),
                tags=st.sampled_from(((), ("vip",))),
            ),
            max_size=12,
        )
    )
    rows.sort(key=lambda row: (row.shop, row.customer_key or "", row.placed_at))
    return [row._replace(id=f"{number}") for number, row in enumerate(rows)]


def told(verdict: Verdict, shop: str) -> dict[str, object]:
    return {
        "order_id": verdict.order_id,
        "shop": shop,
        "policy": verdict.policy,
        "began": verdict.began,
        "due": verdict.due,
        "status": verdict.status,
        "abandoned_at": verdict.abandoned_at,
        "reasons": list(verdict.reasons),
    }


def judged(rows: Iterable[OrderRow], policy: AbandonmentPolicy, now: datetime) -> list[Any]:
    """What plain Python says, in the order of the rows."""
    rows = list(rows)
    in_time = sorted(rows, key=lambda row: row.placed_at)
    verdicts = {each.order_id: each for each in judge_stream(in_time, policy, now)}
    return [told(verdicts[row.id], row.shop) for row in rows]


def shouted(row: OrderRow) -> str:
    return row.customer_name.upper()


OWN = ColumnSet("own", (*SHOPPEGO.columns, Column[OrderRow]("loud", "Loud", "text", shouted)))
COLUMN_SETS = (SHOPPEGO, SHOPIFY, ACCOUNTING, OWN)
