"""Logs of exports and shelves that are wrong in one way each. The contracts must notice them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from broken_stores import time_to_be_overtaken
from shoppego_orders.adapters.memory import MemoryExportLog, MemoryShelf
from shoppego_orders.errors import DuplicateExport, OrdersError, StaleExport
from shoppego_orders.ports import Export


class IgnoresTheVersion(MemoryExportLog):
    def save(self, export: Export) -> Export:
        try:
            return super().save(export)
        except StaleExport as stale:
            return super().save(attrs.evolve(export, version=stale.stored_version))


class ReplacesATakenId(MemoryExportLog):
    def save(self, export: Export) -> Export:
        try:
            return super().save(export)
        except DuplicateExport:
            return super().save(attrs.evolve(export, version=self.get(export.id).version))


class AddsWhatIsGone(MemoryExportLog):
    def save(self, export: Export) -> Export:
        new = export.id not in self._exports
        return super().save(attrs.evolve(export, version=0) if new else export)


class LooksBeforeItWrites(MemoryExportLog):
    def save(self, export: Export) -> Export:
        kept = self._exports.get(export.id)
        if kept is not None and kept.version == export.version:
            time_to_be_overtaken()
            return super().save(attrs.evolve(export, version=self.get(export.id).version))
        return super().save(export)


class ForgetsAField(MemoryExportLog):
    def save(self, export: Export) -> Export:
        return super().save(attrs.evolve(export, to=export.to[:1]))


class ShowsAllShops(MemoryExportLog):
    def exports(self, *, shop: str | None = None, open_only: bool = False) -> Iterator[Export]:
        for export in super().exports(open_only=open_only):
            if shop is None or export.shop in (None, shop):
                yield export


class OldestFirst(MemoryExportLog):
    def exports(self, *, shop: str | None = None, open_only: bool = False) -> Iterator[Export]:
        return reversed(list(super().exports(shop=shop, open_only=open_only)))


class OpenAsItWasAskedFor(MemoryExportLog):
    def __init__(self) -> None:
        super().__init__()
        self.opened: set[str] = set()

    def save(self, export: Export) -> Export:
        if export.open:
            self.opened.add(export.id)
        return super().save(export)

    def exports(self, *, shop: str | None = None, open_only: bool = False) -> Iterator[Export]:
        for export in super().exports(shop=shop):
            if not open_only or export.id in self.opened:
                yield export


BROKEN_EXPORT_LOGS = [
    (IgnoresTheVersion, "test_of_one_version_one_save_is_let_through"),
    (ReplacesATakenId, "test_an_id_is_taken_once"),
    (AddsWhatIsGone, "test_an_unknown_export_is_not_found"),
    (LooksBeforeItWrites, "test_of_several_threads_that_save_one_wins"),
    (ForgetsAField, "test_what_was_saved_is_loaded"),
    (ShowsAllShops, "test_exports_come_newest_first_and_each_shop_sees_its_own"),
    (OldestFirst, "test_exports_come_newest_first_and_each_shop_sees_its_own"),
    (OpenAsItWasAskedFor, "test_what_is_done_with_is_no_longer_open"),
]


class OneFileAName(MemoryShelf):
    def put(self, name: str, chunks: Iterable[bytes]) -> str:
        super().put(name, chunks)
        self.files = {f"memory:{name}": content for content in self.files.values()}
        return f"memory:{name}"


class KeepsHalfAFile(MemoryShelf):
    def put(self, name: str, chunks: Iterable[bytes]) -> str:
        begun: list[bytes] = []
        try:
            begun.extend(chunks)
        except OrdersError:
            super().put(name, begun)
            raise
        return super().put(name, begun)


class RemovesNothing(MemoryShelf):
    def remove(self, url: str) -> None:
        pass


class RemovesOnce(MemoryShelf):
    def remove(self, url: str) -> None:
        if url not in self.files:
            raise StaleExport(url, 0, 0)
        super().remove(url)


class RemovesByTheName(MemoryShelf):
    def remove(self, url: str) -> None:
        name = url.rpartition("/")[2]
        for other in [each for each in self.files if each.endswith(name)]:
            del self.files[other]


BROKEN_SHELVES = [
    (OneFileAName, "test_files_of_one_name_are_kept_apart"),
    (KeepsHalfAFile, "test_a_file_that_fails_midway_is_not_kept"),
    (RemovesNothing, "test_a_removed_file_is_gone"),
    (RemovesOnce, "test_a_removed_file_is_gone"),
    (RemovesByTheName, "test_an_address_of_something_else_is_refused"),
]
