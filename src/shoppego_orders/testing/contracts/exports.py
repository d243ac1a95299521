"""What a log of exports promises, as tests that a host runs on its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import attrs
import pytest

from shoppego_orders.errors import DuplicateExport, ExportNotFound, StaleExport
from shoppego_orders.ports import ExportLog, ExportStatus
from shoppego_orders.testing.contracts.racing import SharedContract, kind_of
from shoppego_orders.testing.samples import NOON, OTHER_SHOP, SHOP, an_export, sample_exports


class ExportLogContract(SharedContract):
    """What :class:`~shoppego_orders.ports.ExportLog` promises. Give it an ``export_log`` fixture.

    :cvar shared_by_threads: several threads may use one log at once; else that test is skipped.
    """

    def test_what_was_saved_is_loaded(self, export_log: ExportLog) -> None:
        """Every field comes back as it was, with a version that counts the saves."""
        for export in sample_exports():
            saved = export_log.save(export)
            assert saved == attrs.evolve(export, version=1)
            assert export_log.get(export.id) == saved
            changed = attrs.evolve(
                saved, status=ExportStatus.DELETED, url=None, ended_at=NOON, orders=3, total=4
            )
            again = export_log.save(changed)
            assert again == attrs.evolve(changed, version=2)
            assert export_log.get(export.id) == again

    def test_of_one_version_one_save_is_let_through(self, export_log: ExportLog) -> None:
        """Who loaded an older version is told so; what was saved first stays."""
        first = export_log.save(an_export("1"))
        second = export_log.save(attrs.evolve(first, status=ExportStatus.RUNNING))
        with pytest.raises(StaleExport) as refused:
            export_log.save(attrs.evolve(first, status=ExportStatus.DELETED))
        told = refused.value
        assert (told.export_id, told.version, told.stored_version) == ("1", 1, 2)
        assert export_log.get("1") == second

    def test_an_id_is_taken_once(self, export_log: ExportLog) -> None:
        """A new export replaces none, whatever has become of that."""
        saved = export_log.save(an_export("1"))
        for status in (ExportStatus.QUEUED, ExportStatus.DELETED):
            saved = export_log.save(attrs.evolve(saved, status=status))
            with pytest.raises(DuplicateExport) as refused:
                export_log.save(an_export("1", shop=OTHER_SHOP))
            assert refused.value.export_id == "1"
            assert export_log.get("1") == saved

    def test_an_unknown_export_is_not_found(self, export_log: ExportLog) -> None:
        """Neither loaded, nor saved as if it were there."""
        gone = attrs.evolve(an_export("2"), version=1)
        attempts: list[Callable[[], object]] = [
            lambda: export_log.get("2"),
            lambda: export_log.get("\ud800\x00"),
            lambda: export_log.save(gone),
        ]
        for attempt in attempts:
            with pytest.raises(ExportNotFound):
                attempt()
        assert list(export_log.exports()) == []

    def test_exports_come_newest_first_and_each_shop_sees_its_own(
        self, export_log: ExportLog
    ) -> None:
        """By the time of asking, then by id; of all shops, or one, or only what is open."""
        saved = [export_log.save(export) for export in sample_exports()]
        saved.sort(key=lambda export: (export.asked_at, export.id), reverse=True)
        assert list(export_log.exports()) == saved
        assert list(export_log.exports(open_only=True)) == [each for each in saved if each.open]
        for shop in (SHOP, OTHER_SHOP, SHOP.upper(), "", "\x00"):
            own = [export for export in saved if export.shop == shop]
            assert list(export_log.exports(shop=shop)) == own
            still_open = [export for export in own if export.open]
            assert list(export_log.exports(shop=shop, open_only=True)) == still_open

    def test_what_is_done_with_is_no_longer_open(self, export_log: ExportLog) -> None:
        """Workers are told what is left to do now."""
        saved = export_log.save(an_export("1"))
        export_log.save(attrs.evolve(saved, status=ExportStatus.FAILED))
        assert list(export_log.exports(open_only=True)) == []
        assert [export.id for export in export_log.exports()] == ["1"]

    def test_of_several_threads_that_save_one_wins(self, export_log: ExportLog) -> None:
        """Of those who start from one version, or bring one id, one is let through."""
        new = self._raced([partial(export_log.save, an_export("1"))] * 6)
        assert sorted(map(kind_of, new)) == 5 * ["DuplicateExport"] + ["Export"]
        loaded = export_log.get("1")
        running = attrs.evolve(loaded, status=ExportStatus.RUNNING)
        taken = self._raced([partial(export_log.save, running)] * 6)
        assert sorted(map(kind_of, taken)) == ["Export"] + 5 * ["StaleExport"]
        assert export_log.get("1").version == 2
