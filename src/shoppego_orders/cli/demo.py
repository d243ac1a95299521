"""The whole job once, on the checkouts that ship with the package."""

from __future__ import annotations

import importlib.resources
from datetime import UTC, datetime
from pathlib import Path

from shoppego_orders.abandonment import AbandonmentPolicy, sweep
from shoppego_orders.adapters.maildir import EmlMailer
from shoppego_orders.adapters.sql import SqlOrderStore
from shoppego_orders.cli.screen import counted, orders_table, say, tab_line
from shoppego_orders.export.delivery import request_export
from shoppego_orders.export.files import write_file
from shoppego_orders.export.profiles import EXCEL
from shoppego_orders.export.request import ExportRequest, export_csv
from shoppego_orders.importing import import_checkouts
from shoppego_orders.page import orders_page
from shoppego_orders.periods import SHOP_TIME_ZONE, time_zone
from shoppego_orders.query import OrderQuery

SHOP = "hartamas.myshoppegram.com"
NOW = datetime(2026, 3, 14, 16, tzinfo=UTC)
"""When the demonstration happens: the midnight in Malaysia after the last checkout."""
MERCHANT = "merchant@hartamas.example"


def run_demo(store: SqlOrderStore, folder: Path) -> None:
    """Import, attribute, sweep, show, export and mail; done again, it changes nothing."""
    sample = importlib.resources.files("shoppego_orders") / "sample_checkouts.jsonl"
    lines = sample.read_text(encoding="utf-8").splitlines()
    report = import_checkouts(store, lines, batch=store.batch)
    say(f"1. Import: {counted(report.read, 'checkout')}, {report.imported} of them new.")

    result = sweep(store, AbandonmentPolicy(), NOW)
    found = store.count(OrderQuery(abandoned=True))
    say(
        f"2. Sweep: {counted(result.judged, 'order')} judged now; {found} abandoned in all, "
        "for they were not completed"
    )
    say("   within 60 minutes, and their customers bought nothing else meanwhile.")

    shown = orders_page(store, shop=SHOP, size=25)
    say(f"3. The Orders page of {SHOP}, its newest orders:")
    say()
    say(tab_line(shown.counts, shown.tab))
    say()
    orders_table(shown.rows, time_zone(SHOP_TIME_ZONE), SHOP_TIME_ZONE)
    say()

    request = ExportRequest(query=OrderQuery(shop=SHOP), profile=EXCEL)
    csv, outbox = folder / "orders.csv", folder / "outbox"
    stream = export_csv(store, request)
    write_file(csv, stream)
    say(f"4. Export: {counted(stream.summary.records, 'record')} in {csv}.")
    mailed = sorted(outbox.glob("*.eml"))
    if not mailed:
        request_export(store, EmlMailer(outbox), request, to=MERCHANT, now=NOW)
        mailed = sorted(outbox.glob("*.eml"))
    say(f"5. Mail to {MERCHANT}, with that file attached: {mailed[0]}.")

    say()
    say("Look at:")
    say(f"  {csv}  in a spreadsheet: phone numbers and names as they were typed")
    say(f"  {outbox}  in a mail program: the .eml with that very file attached")
    for command, what in (
        ("page --tab abandoned", "not completed within the hour"),
        ("page --search 017-2233445", "one customer, however the phone was written"),
        ("report --by source", "what was sold, and where the customers came from"),
        ("show 1262192", "one order with its history; its total was declared lower"),
    ):
        say(f"  shoppego-orders --db {store.database.name} {command}")
        say(f"      {what}")
