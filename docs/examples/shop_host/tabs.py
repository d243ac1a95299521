"""Where the merchants' saved tabs are kept: a table of the host's own, beside the library's."""

from __future__ import annotations

import json
from collections.abc import Callable

from sqlalchemy import Column, Engine, MetaData, Table, Text, select, text, update

from shoppego_orders.page import SavedTab, SavedTabs
from shoppego_orders.serialization import query_from_json, query_to_json

_TABS = Table(
    "shop_host_tabs",
    MetaData(),
    Column("shop", Text, primary_key=True),
    Column("document", Text, nullable=False),
)
_BEGIN = text(
    "INSERT INTO shop_host_tabs (shop, document) VALUES (:shop, '[]') ON CONFLICT DO NOTHING"
)


class StoredTabs:
    """The saved tabs of each shop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        _TABS.create(engine, checkfirst=True)

    def of(self, shop: str) -> SavedTabs:
        """Load a shop's tabs."""
        with self._engine.connect() as connection:
            document = connection.scalar(select(_TABS.c.document).where(_TABS.c.shop == shop))
        return _read(document or "[]")

    def change(self, shop: str, change: Callable[[SavedTabs], SavedTabs]) -> SavedTabs:
        """Load a shop's tabs, change them, and save them; who does it meanwhile waits.

        :returns: the tabs as they are then.
        """
        of_shop = _TABS.c.shop == shop
        with self._engine.begin() as connection:
            # Writing comes first: it takes the lock before anything is read.
            connection.execute(_BEGIN, {"shop": shop})
            asked = select(_TABS.c.document).where(of_shop).with_for_update()
            tabs = change(_read(connection.execute(asked).scalar_one()))
            connection.execute(update(_TABS).where(of_shop).values(document=_written(tabs)))
        return tabs


def _written(tabs: SavedTabs) -> str:
    return json.dumps([[tab.name, query_to_json(tab.query)] for tab in tabs.tabs])


def _read(document: str) -> SavedTabs:
    kept = json.loads(document)
    return SavedTabs(tuple(SavedTab(name, query_from_json(query)) for name, query in kept))
