"""The jobs of a shop, once: for cron, or whatever starts things in your project, every minute."""

from __future__ import annotations

from datetime import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from django_host import host
from shoppego_orders import AbandonmentPolicy, RecoveryPlan, remind, settle_recoveries, sweep
from shoppego_orders.errors import ExportNotDue, OrdersError


class Command(BaseCommand):
    """Sweep, settle what became of the abandoned, remind, export. Any number may run at once."""

    help = "Find abandoned checkouts, remind their customers, and make the exports that are due."

    def handle(self, *_args: Any, **_options: Any) -> None:  # Any: options of any command
        """Do each job; one that fails leaves the others to be done, and is tried another time."""
        failed: list[str] = []
        for job in (_sweep, _settle, _remind, _export):
            try:
                self.stdout.write(job())
            except OrdersError as problem:
                failed.append(f"{job.__name__.strip('_')}: {problem}")
        if failed:
            raise CommandError("; ".join(failed))


def _plan() -> RecoveryPlan:
    return RecoveryPlan(quiet_hours=(time(22), time(8)), tz=settings.TIME_ZONE)


def _sweep() -> str:
    swept = sweep(host.orders, AbandonmentPolicy(), timezone.now(), shop=settings.SHOP)
    return f"abandoned: {len(swept.abandoned)}"


def _settle() -> str:
    ended = settle_recoveries(host.orders, _plan().lost_after, timezone.now(), shop=settings.SHOP)
    return f"ended: {len(ended.outcomes)}"


def _remind() -> str:
    reminded = remind(
        host.orders, host.tasks, host.mailer, _plan(), timezone.now(), shop=settings.SHOP
    )
    return f"reminded: {len(reminded.sent)}"


def _export() -> str:
    done = 0
    for export in host.exports.due(timezone.now(), settings.SHOP):
        try:
            host.exports.run(export.id, timezone.now)
            done += 1
        except ExportNotDue:
            continue  # another worker was faster
    return f"exported: {done}"
