"""The tables. Each order is kept as its document, beside the columns that the database looks at."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

# What an attribute is of which type is said by annotations: Django's fields know it at run time
# only, and the stubs in their place are read without a plugin.
if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


class Text(_TextField):
    """A text of any length that sorts by code point, whatever language the database speaks."""

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        """Name the collation; in SQLite texts sort so by themselves."""
        parameters = super().db_parameters(connection)
        if connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters


class StoredOrder(models.Model):
    """An order. What the columns say is in the document too, which is what orders are read from."""

    id = Text(primary_key=True)
    shop = Text()
    number = Text()
    placed_at: models.DateTimeField[datetime, datetime] = models.DateTimeField()
    completed_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(
        null=True
    )
    abandoned_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(
        null=True
    )
    life = Text()
    archived: models.BooleanField[bool, bool] = models.BooleanField()
    fulfillment = Text()
    payment_status = Text()
    decided: models.BooleanField[bool, bool] = models.BooleanField()
    recovery = Text(null=True)
    source = Text(null=True)
    customer_key = Text(null=True)
    currency = Text()
    total: models.BigIntegerField[int, int] = models.BigIntegerField(help_text="in minor units")
    search_text = Text()
    phone_digits = Text()
    version: models.IntegerField[int, int] = models.IntegerField()
    document = Text()

    class Meta:
        """Numbers are unique within a shop; pages, sweeps and purchases each have their index."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["shop", "number"], name="one_order_of_a_number")
        ]
        indexes: ClassVar = [
            models.Index(fields=["placed_at", "id"], name="orders_by_time"),
            models.Index(fields=["shop", "placed_at", "id"], name="orders_by_shop_and_time"),
            models.Index(fields=["customer_key", "shop"], name="orders_by_customer"),
            models.Index(
                fields=["placed_at", "id"],
                name="undecided_orders",
                condition=models.Q(decided=False),
            ),
        ]


class StoredEvent(models.Model):
    """What happened to an order; its number is the version that it led to."""

    order: models.ForeignKey[StoredOrder, StoredOrder] = models.ForeignKey(
        StoredOrder, models.CASCADE, related_name="events"
    )
    number: models.IntegerField[int, int] = models.IntegerField()
    document = Text()

    class Meta:
        """An order has one history."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["order", "number"], name="one_event_of_a_number")
        ]


class StoredTask(models.Model):
    """What was claimed, and how it ended; the outcome is empty until somebody says."""

    key = Text(primary_key=True)
    claimed_at: models.DateTimeField[datetime, datetime] = models.DateTimeField()
    outcome = Text(default="")
    settled_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(
        null=True
    )
    note = Text(default="")


class StoredExport(models.Model):
    """An export that somebody asked for."""

    id = Text(primary_key=True)
    shop = Text(null=True)
    asked_at: models.DateTimeField[datetime, datetime] = models.DateTimeField()
    open: models.BooleanField[bool, bool] = models.BooleanField()
    version: models.IntegerField[int, int] = models.IntegerField()
    document = Text()

    class Meta:
        """Downloads are listed by time; workers look for what is open."""

        indexes: ClassVar = [
            models.Index(fields=["asked_at", "id"], name="exports_by_time"),
            models.Index(
                fields=["asked_at", "id"], name="open_exports", condition=models.Q(open=True)
            ),
        ]


class StoredTabs(models.Model):
    """A shop's saved tabs."""

    shop = Text(primary_key=True)
    document = Text(default="[]")
