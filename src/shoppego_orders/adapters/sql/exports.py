"""The SQL log of exports: each once as a document, beside it what is asked of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, final

import attrs
from sqlalchemy import bindparam, insert, select, true, update
from sqlalchemy.exc import IntegrityError

from shoppego_orders.adapters.sql.columns import Values
from shoppego_orders.adapters.sql.database import Opened
from shoppego_orders.adapters.sql.schema import exports
from shoppego_orders.errors import DuplicateExport, ExportNotFound, StaleExport
from shoppego_orders.periods import epoch_micros
from shoppego_orders.ports import Export
from shoppego_orders.serialization import export_from_json, export_to_json
from shoppego_orders.texts import UNSTORABLE

_OF_VERSION: Final = (
    update(exports)
    .where(exports.c.id == bindparam("of_id"), exports.c.version == bindparam("of_version"))
    .values(open=bindparam("open"), version=bindparam("version"), document=bindparam("document"))
)


@final
class SqlExportLog(Opened):
    """An :class:`~shoppego_orders.ports.ExportLog` in a SQL database.

    ``SqlExportLog(store.database)`` keeps the exports beside the orders.
    """

    def get(self, export_id: str) -> Export:
        """Load an export.

        :raises ExportNotFound: if there is none.
        """
        if UNSTORABLE.search(export_id):
            raise ExportNotFound(export_id)
        wanted = select(exports.c.document, exports.c.version).where(exports.c.id == export_id)
        with self.database.reading() as connection:
            found = connection.execute(wanted).one_or_none()
        if found is None:
            raise ExportNotFound(export_id)
        with self.database.decoding():
            return _export(found)

    def save(self, export: Export) -> Export:
        """Write an export, whole.

        :returns: the export at its new version.
        :raises DuplicateExport: if it is new, and its id is taken.
        :raises StaleExport: if someone saved it first; nothing is written.
        :raises ExportNotFound: if it was stored, and is no longer.
        """
        saved = attrs.evolve(export, version=export.version + 1)
        written = {
            "open": saved.open,
            "version": saved.version,
            "document": export_to_json(saved),
        }
        if not export.version:
            asked = {"id": saved.id, "shop": saved.shop, "asked_at": epoch_micros(saved.asked_at)}
            with self.database.writing() as connection:
                try:
                    connection.execute(insert(exports), asked | written)
                except IntegrityError:
                    raise DuplicateExport(export.id) from None
            return saved
        of = {"of_id": export.id, "of_version": export.version}
        with self.database.writing() as connection:
            if connection.execute(_OF_VERSION, of | written).rowcount:
                return saved
        stored = self.get(export.id).version
        raise StaleExport(export.id, export.version, stored)

    def exports(self, *, shop: str | None = None, open_only: bool = False) -> Iterator[Export]:
        """Yield the exports, by (asked_at, id), the newest first."""
        found = select(exports.c.document, exports.c.version).order_by(
            exports.c.asked_at.desc(), exports.c.id.desc()
        )
        if shop is not None:
            if UNSTORABLE.search(shop):
                return
            found = found.where(exports.c.shop == shop)
        if open_only:
            found = found.where(exports.c.open == true())
        yield from self.database.stream(found, _export)


def _export(values: Values) -> Export:
    document, version = values
    return attrs.evolve(export_from_json(document), version=version)
