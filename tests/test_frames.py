"""Our frames in pandas, Polars and DuckDB, and theirs in ours.

``nox -s readers`` brings the peers; those that are missing are skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("pyarrow")

from abandonment_examples import LATER, stored
from shoppego_orders import scale
from shoppego_orders.abandonment import AbandonmentPolicy
from shoppego_orders.export import By, sales_report
from shoppego_orders.page import orders_page
from shoppego_orders.query import OrderQuery
from shoppego_orders.testing.samples import sample_orders

STORE = stored(sample_orders())
ORDERS = scale.order_batches(
    sorted(
        STORE.rows(OrderQuery()), key=lambda row: (row.shop, row.customer_key or "", row.placed_at)
    )
).read_all()
Frame = Any  # of whichever peer


def through_pandas(frame: Frame) -> Frame:
    pandas: Any = pytest.importorskip("pandas", minversion="3")
    return pandas.DataFrame.from_arrow(frame)


def through_polars(frame: Frame) -> Frame:
    polars: Any = pytest.importorskip("polars")
    return polars.DataFrame(frame)


def through_duckdb(frame: Frame) -> Frame:
    duckdb: Any = pytest.importorskip("duckdb")
    return duckdb.connect().sql("FROM frame")


PEERS = pytest.mark.parametrize("through", [through_pandas, through_polars, through_duckdb])


@PEERS
def test_a_frame_that_went_through_a_peer_gives_the_same_answers(
    through: Callable[[Frame], Frame],
) -> None:
    policy = AbandonmentPolicy()
    assert (
        scale.judge(through(ORDERS), policy, LATER, reasons=True).read_all()
        == scale.judge(ORDERS, policy, LATER, reasons=True).read_all()
    )
    assert scale.report(through(ORDERS), By.CURRENCY) == scale.report(ORDERS, By.CURRENCY)
    assert b"".join(scale.export(through(ORDERS))) == b"".join(scale.export(ORDERS))


@PEERS
def test_pages_reports_and_verdicts_are_taken_as_they_are(
    through: Callable[[Frame], Frame],
) -> None:
    page, report = orders_page(STORE), sales_report(STORE)
    assert through(page).shape == (len(page.rows), len(scale.order_schema()))
    assert through(report).shape == (len(report.by(By.DAY)), report.to_arrow().num_columns)
    verdicts = through(scale.judge(ORDERS, AbandonmentPolicy(), LATER))
    assert verdicts.shape == (ORDERS.num_rows, 7)


@pytest.mark.parametrize("through", [through_polars, through_duckdb])
def test_rows_survive_peers(through: Callable[[Frame], Frame]) -> None:
    """Not pandas, whose lists of instants lose their zone."""
    assert list(scale.rows_of(through(ORDERS))) == list(scale.rows_of(ORDERS))
