import django.db.models.deletion
import django_host.models
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="StoredTabs",
            fields=[
                ("shop", django_host.models.Text(primary_key=True, serialize=False)),
                ("document", django_host.models.Text(default="[]")),
            ],
        ),
        migrations.CreateModel(
            name="StoredTask",
            fields=[
                ("key", django_host.models.Text(primary_key=True, serialize=False)),
                ("claimed_at", models.DateTimeField()),
                ("outcome", django_host.models.Text(default="")),
                ("settled_at", models.DateTimeField(null=True)),
                ("note", django_host.models.Text(default="")),
            ],
        ),
        migrations.CreateModel(
            name="StoredExport",
            fields=[
                ("id", django_host.models.Text(primary_key=True, serialize=False)),
                ("shop", django_host.models.Text(null=True)),
                ("asked_at", models.DateTimeField()),
                ("open", models.BooleanField()),
                ("version", models.IntegerField()),
                ("document", django_host.models.Text()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["asked_at", "id"], name="exports_by_time"),
                    models.Index(
                        condition=models.Q(("open", True)),
                        fields=["asked_at", "id"],
                        name="open_exports",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StoredOrder",
            fields=[
                ("id", django_host.models.Text(primary_key=True, serialize=False)),
                ("shop", django_host.models.Text()),
                ("number", django_host.models.Text()),
                ("placed_at", models.DateTimeField()),
                ("completed_at", models.DateTimeField(null=True)),
                ("abandoned_at", models.DateTimeField(null=True)),
                ("life", django_host.models.Text()),
                ("archived", models.BooleanField()),
                ("fulfillment", django_host.models.Text()),
                ("payment_status", django_host.models.Text()),
                ("decided", models.BooleanField()),
                ("recovery", django_host.models.Text(null=True)),
                ("source", django_host.models.Text(null=True)),
                ("customer_key", django_host.models.Text(null=True)),
                ("currency", django_host.models.Text()),
                ("total", models.BigIntegerField(help_text="in minor units")),
                ("search_text", django_host.models.Text()),
                ("phone_digits", django_host.models.Text()),
                ("version", models.IntegerField()),
                ("document", django_host.models.Text()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["placed_at", "id"], name="orders_by_time"),
                    models.Index(
                        fields=["shop", "placed_at", "id"], name="orders_by_shop_and_time"
                    ),
                    models.Index(fields=["customer_key", "shop"], name="orders_by_customer"),
                    models.Index(
                        condition=models.Q(("decided", False)),
                        fields=["placed_at", "id"],
                        name="undecided_orders",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("shop", "number"), name="one_order_of_a_number")
                ],
            },
        ),
        migrations.CreateModel(
            name="StoredEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.IntegerField()),
                ("document", django_host.models.Text()),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="django_host.storedorder",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("order", "number"), name="one_event_of_a_number"
                    )
                ],
            },
        ),
    ]
