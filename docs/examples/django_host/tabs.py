"""The merchants' saved tabs, one record for each shop."""

from __future__ import annotations

import json
from collections.abc import Callable

from django.db import transaction

from django_host.models import StoredTabs
from shoppego_orders.page import SavedTab, SavedTabs
from shoppego_orders.serialization import query_from_json, query_to_json


def tabs_of(shop: str) -> SavedTabs:
    """Load a shop's tabs."""
    kept = StoredTabs.objects.filter(shop=shop).first()
    return SavedTabs() if kept is None else _read(kept.document)


def change_tabs(shop: str, change: Callable[[SavedTabs], SavedTabs]) -> SavedTabs:
    """Load a shop's tabs, change them, and save them; who does it meanwhile waits.

    :returns: the tabs as they are then.
    """
    with transaction.atomic():
        kept, _ = StoredTabs.objects.select_for_update().get_or_create(shop=shop)
        tabs = change(_read(kept.document))
        kept.document = json.dumps([[tab.name, query_to_json(tab.query)] for tab in tabs.tabs])
        kept.save()
    return tabs


def _read(document: str) -> SavedTabs:
    kept = json.loads(document)
    return SavedTabs(tuple(SavedTab(name, query_from_json(query)) for name, query in kept))
