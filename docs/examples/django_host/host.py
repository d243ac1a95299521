"""What pages and jobs share: the ports, and the exports over them."""

from __future__ import annotations

from django.conf import settings

from django_host.logs import OrmExportLog, OrmTaskLog
from django_host.mail import DjangoMailer
from django_host.store import OrmOrderStore
from shoppego_orders import Exports
from shoppego_orders.adapters.shelf import DirectoryShelf

orders = OrmOrderStore()
tasks = OrmTaskLog()
mailer = DjangoMailer()
exports = Exports(
    orders,
    OrmExportLog(),
    DirectoryShelf(settings.SHOP_DOWNLOADS, f"{settings.SHOP_URL}/downloads/files"),
    mailer,
    sender=settings.DEFAULT_FROM_EMAIL,
)
