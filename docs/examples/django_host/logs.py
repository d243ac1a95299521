"""What was claimed, and what was exported: a ``TaskLog`` and an ``ExportLog`` over the ORM."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import takewhile

import attrs
from django.db import DEFAULT_DB_ALIAS, IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.timezone import is_naive

from django_host.database import usable
from django_host.models import StoredExport, StoredTask
from shoppego_orders import Export, Outcome, Task, storable
from shoppego_orders.errors import (
    DuplicateExport,
    ExportNotFound,
    NaiveDatetime,
    StaleExport,
    TaskNotClaimed,
    TaskSettled,
)
from shoppego_orders.serialization import export_from_json, export_to_json


@attrs.frozen
class OrmTaskLog:
    """A ``TaskLog``.

    A claim has to last whatever comes after it, so don't make one in a transaction that goes on.

    :ivar using: the alias of the database.
    """

    using: str = DEFAULT_DB_ALIAS

    def claim(self, key: str, at: datetime) -> bool:
        """Claim a task; of several who try, one gets True, and nobody ever again."""
        with usable(self.using):
            try:
                with transaction.atomic(using=self.using):
                    self._tasks.create(key=key, claimed_at=_aware(at))
            except IntegrityError:
                return False
        return True

    def settle(self, key: str, outcome: Outcome, at: datetime, note: str = "") -> None:
        """Say how a claimed task ended; repeating the same outcome changes nothing."""
        told = {"outcome": str(outcome), "settled_at": _aware(at), "note": storable(note)}
        of_key = self._tasks.filter(key=key)
        with usable(self.using):
            if of_key.filter(outcome="").update(**told):
                return
            before = of_key.values_list("outcome", flat=True).first()
        if before is None:
            raise TaskNotClaimed(key)
        if before != outcome:
            raise TaskSettled(key, before)

    def tasks(self, prefix: str = "") -> Iterator[Task]:
        """Yield the tasks whose key begins so, by key; with those never settled."""
        # Not `startswith`, which is LIKE: SQLite's takes capitals and small letters for the same.
        found = self._tasks.filter(key__gte=prefix).order_by("key")
        with usable(self.using):
            yield from takewhile(
                lambda task: task.key.startswith(prefix), map(_task, found.iterator())
            )

    def forget(self, keys: Iterable[str]) -> None:
        """Remove tasks, to erase a person; unknown keys are passed over."""
        with usable(self.using), transaction.atomic(using=self.using):
            for key in list(keys):  # they may be a stream of this very log
                self._tasks.filter(key=key).delete()

    def empty_notes(self, keys: Iterable[str]) -> None:
        """Take the notes of tasks away, and leave all else; unknown keys are passed over."""
        with usable(self.using), transaction.atomic(using=self.using):
            for key in list(keys):
                self._tasks.filter(key=key).update(note="")

    @property
    def _tasks(self) -> QuerySet[StoredTask]:
        return StoredTask.objects.using(self.using)


@attrs.frozen
class OrmExportLog:
    """An ``ExportLog``.

    :ivar using: the alias of the database.
    """

    using: str = DEFAULT_DB_ALIAS

    def get(self, export_id: str) -> Export:
        """Load an export."""
        with usable(self.using):
            kept = self._exports.filter(id=storable(export_id)).first()
        if kept is None:
            raise ExportNotFound(export_id)
        return _export(kept)

    def save(self, export: Export) -> Export:
        """Write an export, whole; of several who save one version, one is let through."""
        saved = attrs.evolve(export, version=export.version + 1)
        written: dict[str, object] = {
            "open": saved.open,
            "version": saved.version,
            "document": export_to_json(saved),
        }
        with usable(self.using):
            if not export.version:
                return self._added(saved, written)
            of_version = self._exports.filter(id=export.id, version=export.version)
            if of_version.update(**written):
                return saved
        raise StaleExport(export.id, export.version, self.get(export.id).version)

    def exports(self, *, shop: str | None = None, open_only: bool = False) -> Iterator[Export]:
        """Yield the exports, by (asked_at, id), the newest first."""
        found = self._exports.order_by("-asked_at", "-id")
        if shop is not None:
            found = found.filter(shop=storable(shop))
        if open_only:
            found = found.filter(open=True)
        with usable(self.using):
            yield from map(_export, found.iterator())

    @property
    def _exports(self) -> QuerySet[StoredExport]:
        return StoredExport.objects.using(self.using)

    def _added(self, saved: Export, written: dict[str, object]) -> Export:
        asked = {"id": saved.id, "shop": saved.shop, "asked_at": saved.asked_at}
        try:
            with transaction.atomic(using=self.using):
                self._exports.create(**asked, **written)
        except IntegrityError:
            raise DuplicateExport(saved.id) from None
        return saved


def _aware(at: datetime) -> datetime:
    if is_naive(at):
        raise NaiveDatetime("at", at)
    return at


def _task(kept: StoredTask) -> Task:
    outcome = Outcome(kept.outcome) if kept.outcome else None
    return Task(kept.key, kept.claimed_at, outcome, kept.settled_at, kept.note)


def _export(kept: StoredExport) -> Export:
    return attrs.evolve(export_from_json(kept.document), version=kept.version)
