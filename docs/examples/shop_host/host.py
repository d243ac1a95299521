"""What the site and the worker share: a shop, its orders, its mail and its files."""

from __future__ import annotations

import secrets
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self
from urllib.parse import quote
from zoneinfo import ZoneInfo

import attrs
from sqlalchemy import create_engine

from shop_host.tabs import StoredTabs
from shoppego_orders import Exports, Mailer
from shoppego_orders.adapters.maildir import EmlMailer
from shoppego_orders.adapters.shelf import DirectoryShelf
from shoppego_orders.adapters.smtp import SmtpMailer
from shoppego_orders.adapters.sql import SqlExportLog, SqlOrderStore, SqlTaskLog


def present() -> datetime:
    """The clock of the site and of the worker."""
    return datetime.now(UTC)


@attrs.frozen(kw_only=True)
class Settings:
    """What differs from shop to shop, and from machine to machine.

    :ivar folder: of the database, the exported files, the schedules and the outbox.
    :ivar shop: the shop's domain; the site shows no other shop's orders.
    :ivar merchant: whom exports are mailed to.
    :ivar sender: From of all mail.
    :ivar url: where the site is reached, for the links in mails; cookies are kept to https where
        it begins so.
    :ivar smtp: the mail server as HOST:PORT; mail is put into the outbox where it is "".
    :ivar tz: the shop's time zone.
    :ivar secret_key: signs the session's cookie. Made at random unless told; several processes
        need to be told one, and forms that were shown before a restart are refused without.
    """

    folder: Path = attrs.field(converter=Path)
    shop: str = "hartamas.myshoppegram.com"
    merchant: str = "merchant@hartamas.example"
    sender: str = "orders@hartamas.example"
    url: str = "http://127.0.0.1:8000"
    smtp: str = ""
    tz: str = "Asia/Kuala_Lumpur"
    secret_key: str = attrs.field(factory=secrets.token_hex, repr=False)

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Self:
        """Read them from an environment: ``SHOP_FOLDER``, ``SHOP_MERCHANT`` and so on."""
        names = {"SHOP": "shop"} | {
            f"SHOP_{field.name.upper()}": field.name
            for field in attrs.fields(cls)
            if field.name != "shop"
        }
        told = {field: environ[name] for name, field in names.items() if environ.get(name)}
        return cls(**({"folder": "demo"} | told))

    @property
    def mailer(self) -> Mailer:
        """How mail leaves."""
        if not self.smtp:
            return EmlMailer(self.folder / "outbox", sender=self.sender)
        server, _, port = self.smtp.rpartition(":")
        return SmtpMailer(server, int(port), tls="none", sender=self.sender)


@attrs.frozen
class Host:
    """The settings, and what is open while the program runs."""

    settings: Settings
    mailer: Mailer
    store: SqlOrderStore
    tasks: SqlTaskLog
    exports: Exports
    tabs: StoredTabs
    zone: ZoneInfo

    @classmethod
    @contextmanager
    def opened(cls, settings: Settings) -> Generator[Self]:
        """Open the database in the folder; both are made where they are not there."""
        settings.folder.mkdir(parents=True, exist_ok=True)
        # One engine for the library's tables, and for the site's own.
        engine = create_engine(f"sqlite:///{settings.folder / 'orders.sqlite'}")
        try:
            store = SqlOrderStore(engine)
            store.create()
            shelf = DirectoryShelf(settings.folder / "downloads", f"{settings.url}/downloads/files")
            mailer = settings.mailer
            exports = Exports(
                store,
                SqlExportLog(store.database),
                shelf,
                mailer,
                sender=settings.sender,
            )
            yield cls(
                settings,
                mailer,
                store,
                SqlTaskLog(store.database),
                exports,
                StoredTabs(engine),
                ZoneInfo(settings.tz),
            )
        finally:
            engine.dispose()

    def file_url(self, name: str) -> str:
        """The address that the shelf gave a file."""
        return f"{self.settings.url}/downloads/files/{quote(name)}"
