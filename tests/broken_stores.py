"""Stores that are wrong in one way each. The contract must notice every one of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from decimal import ROUND_DOWN, Decimal

import attrs

from shoppego_orders.adapters.memory import MemoryOrderStore
from shoppego_orders.errors import OrderNotFound, OrdersError, StaleOrder
from shoppego_orders.money import Money
from shoppego_orders.order import LineRow, Order, OrderEvent, OrderRow
from shoppego_orders.periods import SHOP_TIME_ZONE, time_zone
from shoppego_orders.ports import saved_or_refused
from shoppego_orders.query import OrderQuery
from shoppego_orders.serialization import event_to_json


class LosesAnEvent(MemoryOrderStore):
    def events(self, order_id: str) -> Sequence[OrderEvent]:
        events = super().events(order_id)
        return events if len(events) < 3 else (*events[:1], *events[2:])


class IgnoresTheVersion(MemoryOrderStore):
    def save(self, order: Order) -> Order:
        try:
            return super().save(order)
        except StaleOrder as stale:
            return super().save(attrs.evolve(order, version=stale.stored_version))


class KeepsEventsOfRefusedSaves(MemoryOrderStore):
    def __init__(self) -> None:
        super().__init__()
        self.refused: dict[str, tuple[OrderEvent, ...]] = {}

    def save(self, order: Order) -> Order:
        try:
            return super().save(order)
        except OrdersError:
            self.refused[order.id] = self.refused.get(order.id, ()) + order.changes
            raise

    def events(self, order_id: str) -> Sequence[OrderEvent]:
        return (*super().events(order_id), *self.refused.get(order_id, ()))


class OverwritesATakenId(MemoryOrderStore):
    def save(self, order: Order) -> Order:
        if order.version == 0 and order.id in self._kept:
            return attrs.evolve(order, version=len(order.changes), changes=())
        return super().save(order)


class SharesNumbersAcrossShops(MemoryOrderStore):
    def save(self, order: Order) -> Order:
        taken = {number for _, number in self._numbers}
        if order.version == 0 and order.number in taken:
            self._numbers.add((order.shop, order.number))
        return super().save(order)


class CountsSavesInsteadOfEvents(MemoryOrderStore):
    def save(self, order: Order) -> Order:
        saved = super().save(order)
        return attrs.evolve(saved, version=order.version + 1)


class KeepsChanges(MemoryOrderStore):
    def save(self, order: Order) -> Order:
        return attrs.evolve(super().save(order), changes=order.changes)


class DropsMicroseconds(MemoryOrderStore):
    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        for row in super().rows(query):
            yield row._replace(placed_at=row.placed_at.replace(microsecond=0))


class ForgetsTheZone(MemoryOrderStore):
    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        for row in super().rows(query):
            yield row._replace(placed_at=row.placed_at.replace(tzinfo=None))


class LeaksAShop(MemoryOrderStore):
    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        return super().rows(attrs.evolve(query, shop=None) if query.tag else query)


class LeaksAShopInLines(MemoryOrderStore):
    def lines(self, query: OrderQuery) -> Iterator[LineRow]:
        return super().lines(attrs.evolve(query, shop=None))


class FoldsTheShop(MemoryOrderStore):
    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        for row in super().rows(attrs.evolve(query, shop=None)):
            if query.shop is None or row.shop.lower().strip() == query.shop.lower().strip():
                yield row


class YieldsInNoOrder(MemoryOrderStore):
    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        return iter(sorted(super().rows(query), key=lambda row: hash(row.id)))


class SortsByTimeOnly(MemoryOrderStore):
    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        rows = list(super().rows(query))
        rows.reverse()
        return iter(sorted(rows, key=lambda row: row.placed_at, reverse=query.newest_first))


class SortsIdsByLocale(MemoryOrderStore):
    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        return iter(
            sorted(
                super().rows(query),
                key=lambda row: (row.placed_at, row.id.casefold()),
                reverse=query.newest_first,
            )
        )


class IncludesTheCursor(MemoryOrderStore):
    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        for row in super().rows(attrs.evolve(query, after=None)):
            after = query.after
            if after is None or (
                (row.placed_at, row.id) <= after
                if query.newest_first
                else (row.placed_at, row.id) >= after
            ):
                yield row


class LimitsTheCount(MemoryOrderStore):
    def count(self, query: OrderQuery) -> int:
        return min(super().count(query), query.limit or 10**9)


class LimitsLines(MemoryOrderStore):
    def lines(self, query: OrderQuery) -> Iterator[LineRow]:
        lines = list(super().lines(attrs.evolve(query, limit=None)))
        return iter(lines[: query.limit])


class SearchesWithWildcards(MemoryOrderStore):
    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        return super().rows(attrs.evolve(query, search=(query.search or "").strip("%_") or None))


class IncludesTheEndOfAPeriod(MemoryOrderStore):
    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        for row in super().rows(attrs.evolve(query, placed=None)):
            period = query.placed
            if period is None or period.start <= row.placed_at <= period.end:
                yield row


class ComparesMoneyOfAllCurrencies(MemoryOrderStore):
    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        for row in super().rows(attrs.evolve(query, total_min=None)):
            if query.total_min is None or row.total.minor >= query.total_min.minor:
                yield row


class ComparesMoneyAsFloat(MemoryOrderStore):
    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        for row in super().rows(query):
            yield row._replace(
                total=type(row.total).from_minor(
                    int(float(row.total.amount) * 10**row.total.digits), row.currency
                )
            )


class UndecidesOnSave(MemoryOrderStore):
    def save(self, order: Order) -> Order:
        with self._lock:
            kept = self._kept.get(order.id)
            if kept is not None and not order.decided:
                undecided = attrs.evolve(kept.order, decided=False)
                self._kept[order.id] = attrs.evolve(
                    kept, order=undecided, row=kept.row._replace(decided=False)
                )
            return super().save(order)


class SettlesWithANewVersion(MemoryOrderStore):
    def settle_kept(self, judged: Iterable[OrderRow]) -> None:
        settled = list(judged)
        super().settle_kept(settled)
        for row in settled:
            kept = self._kept.get(row.id)
            if kept is not None:
                newer = attrs.evolve(kept.order, version=kept.order.version + 1)
                self._kept[row.id] = attrs.evolve(kept, order=newer)


class SettlesByIdAlone(MemoryOrderStore):
    """What has become a purchase since it was judged is never looked at again."""

    def settle_kept(self, judged: Iterable[OrderRow]) -> None:
        ids = [row.id for row in judged]
        super().settle_kept(self.rows(OrderQuery(ids=ids)))


class KeepsMarksDecided(MemoryOrderStore):
    def save(self, order: Order) -> Order:
        kept = self._kept.get(order.id)
        decided = order.decided or (kept is not None and kept.order.decided)
        return super().save(attrs.evolve(order, decided=decided))


class StopsAtARefusal(MemoryOrderStore):
    def save_many(self, orders: Iterable[Order]) -> Sequence[Order | OrdersError]:
        outcomes: list[Order | OrdersError] = []
        for order in orders:
            outcomes.append(saved_or_refused(self, order))
            if isinstance(outcomes[-1], OrdersError):
                break
        return outcomes


class SavesManyWithoutTheirSequence(MemoryOrderStore):
    def save_many(self, orders: Iterable[Order]) -> Sequence[Order | OrdersError]:
        stored_first = sorted(orders, key=lambda order: order.version == 0)
        return [saved_or_refused(self, order) for order in stored_first]


class UndoesAllForOne(MemoryOrderStore):
    def save_many(self, orders: Iterable[Order]) -> Sequence[Order | OrdersError]:
        before = dict(self._kept)
        outcomes = [saved_or_refused(self, order) for order in orders]
        if any(isinstance(outcome, OrdersError) for outcome in outcomes):
            self._kept = before
        return outcomes


class LooksBeforeItWrites(MemoryOrderStore):
    """Select, then update: two writers come through between the two."""

    def save(self, order: Order) -> Order:
        known = self._kept.get(order.id)
        if known is not None and order.version == known.order.version:
            time_to_be_overtaken()
            current = self._kept[order.id].order.version
            return super().save(attrs.evolve(order, version=current))
        return super().save(order)


class CutsLongTexts(MemoryOrderStore):
    def get(self, order_id: str) -> Order:
        order = super().get(order_id)
        return attrs.evolve(order, note=order.note[:65_535])


class YieldsWhatIsThereNow(MemoryOrderStore):
    """Pages by offset: what is settled meanwhile makes the next page skip."""

    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        offset = 0
        limit = query.limit or 10**9
        while offset < limit:
            rows = list(super().rows(attrs.evolve(query, limit=None)))[offset : offset + 50]
            if not rows:
                return
            offset += len(rows)
            yield from rows


class RepeatsNothingFoundAsNone(MemoryOrderStore):
    def events(self, order_id: str) -> Sequence[OrderEvent]:
        return super().events(order_id) if order_id in self._kept else ()


class KeepsMillisecondsInTheState(MemoryOrderStore):
    def get(self, order_id: str) -> Order:
        order = super().get(order_id)
        placed_at = order.placed_at
        cut = placed_at.replace(microsecond=placed_at.microsecond // 1000 * 1000)
        return attrs.evolve(order, placed_at=cut)


class CommitsTheStateAlone(MemoryOrderStore):
    """The events are written after the state, in a transaction of their own."""

    def save(self, order: Order) -> Order:
        saved = super().save(order)
        for event in order.changes:
            event_to_json(event)
        return saved


class CommitsTheEventsAlone(MemoryOrderStore):
    """The events are there, and the state is not: its number was taken."""

    def __init__(self) -> None:
        super().__init__()
        self.events_alone: dict[str, tuple[OrderEvent, ...]] = {}

    def save(self, order: Order) -> Order:
        self.events_alone.setdefault(order.id, order.changes)
        return super().save(order)

    def events(self, order_id: str) -> Sequence[OrderEvent]:
        try:
            return super().events(order_id)
        except OrderNotFound:
            if order_id not in self.events_alone:
                raise
            return self.events_alone[order_id]


class ForgetsTheDecisionOfASave(MemoryOrderStore):
    def save(self, order: Order) -> Order:
        return super().save(attrs.evolve(order, decided=False))


class MatchesEmailByCase(MemoryOrderStore):
    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        for row in super().rows(query):
            if query.search is None or "@" not in query.search or query.search in row.email:
                yield row


class TellsLocalTime(MemoryOrderStore):
    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        for row in super().rows(query):
            yield row._replace(placed_at=row.placed_at.astimezone(time_zone(SHOP_TIME_ZONE)))


class KeepsWallTime(MemoryOrderStore):
    """What clocks show twice becomes the first of the two."""

    def get(self, order_id: str) -> Order:
        order = super().get(order_id)
        if not 1970 <= order.placed_at.year <= 2100:
            return order
        zone = time_zone("America/New_York")
        wall = order.placed_at.astimezone(zone).replace(fold=0)
        return attrs.evolve(order, placed_at=wall.astimezone(UTC))


class OrdersAnewEachTime(MemoryOrderStore):
    """Rows of one moment come in another order in every answer."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        self.asked += 1
        turned = self.asked % 2 == 1
        return iter(
            sorted(
                sorted(super().rows(query), key=lambda row: row.id, reverse=turned),
                key=lambda row: row.placed_at,
                reverse=query.newest_first,
            )
        )


class DropsEqualRows(MemoryOrderStore):
    """A join and a distinct: two lines of one order that say the same become one."""

    def lines(self, query: OrderQuery) -> Iterator[LineRow]:
        return iter(dict.fromkeys(line._replace(position=1) for line in super().lines(query)))


class RepeatsRowsForTheirTags(MemoryOrderStore):
    """A join without a distinct."""

    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        for row in super().rows(query):
            yield from [row] * max(1, len(row.tags))


class SkipsTheFirstOfAPage(MemoryOrderStore):
    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        rows = super().rows(query)
        if query.after is not None and query.limit is not None:
            next(rows, None)
        return rows


class RefusesWhatIsNull(MemoryOrderStore):
    """An order without a customer key is in no answer about customers, and in no other either."""

    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        return (row for row in super().rows(query) if row.customer_key is not None)


class KeepsTextsInLatin1(MemoryOrderStore):
    def get(self, order_id: str) -> Order:
        order = super().get(order_id)
        return attrs.evolve(order, note=order.note.encode("latin-1", "replace").decode("latin-1"))


class StripsTexts(MemoryOrderStore):
    def get(self, order_id: str) -> Order:
        order = super().get(order_id)
        return attrs.evolve(order, note=order.note.strip())


class RoundsLargeAmounts(MemoryOrderStore):
    """A column of floats: what is above 2**53 sen is not exact."""

    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        for row in super().rows(query):
            rounded = min(int(float(row.total.minor)), 10**18 - 1)
            yield row._replace(total=Money.from_minor(rounded, row.currency))


class ComparesAmountsAsFloats(MemoryOrderStore):
    def count(self, query: OrderQuery) -> int:
        least = query.total_min
        if least is None:
            return super().count(query)
        return sum(
            row.currency == least.currency and float(row.total.minor) >= float(least.minor)
            for row in super().rows(attrs.evolve(query, total_min=None))
        )


class TakesEveryNumberForTwoDigits(MemoryOrderStore):
    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        for row in super().rows(query):
            amount = row.total.amount.quantize(Decimal("0.01"), ROUND_DOWN)
            yield row._replace(total=Money.rounded(amount, row.currency))


class FindsPartsOfTags(MemoryOrderStore):
    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        for row in super().rows(attrs.evolve(query, tag=None)):
            if query.tag is None or query.tag in ",".join(row.tags):
                yield row


class GivesTextsForStatuses(MemoryOrderStore):
    def rows(self, query: OrderQuery) -> Iterator[OrderRow]:
        for row in super().rows(query):
            yield row._replace(life=row.life.value)  # type: ignore[arg-type]  # the fault


def time_to_be_overtaken() -> None:
    time.sleep(0.02)


BROKEN_STORES = [
    (LosesAnEvent, "test_the_whole_history_is_kept"),
    (IgnoresTheVersion, "test_a_stale_save_is_refused_and_writes_nothing"),
    (KeepsEventsOfRefusedSaves, "test_a_stale_save_is_refused_and_writes_nothing"),
    (OverwritesATakenId, "test_a_taken_id_is_refused_and_writes_nothing"),
    (CountsSavesInsteadOfEvents, "test_a_later_save_replaces_the_state"),
    (KeepsChanges, "test_what_was_saved_is_loaded"),
    (DropsMicroseconds, "test_instants_keep_their_microseconds_and_are_utc"),
    (ForgetsTheZone, "test_instants_keep_their_microseconds_and_are_utc"),
    (LeaksAShop, "test_a_shop_sees_nothing_of_another"),
    (LeaksAShopInLines, "test_a_shop_sees_nothing_of_another"),
    (FoldsTheShop, "test_a_shop_sees_nothing_of_another"),
    (YieldsInNoOrder, "test_rows_come_by_time_then_by_id"),
    (SortsByTimeOnly, "test_rows_come_by_time_then_by_id"),
    (SortsIdsByLocale, "test_rows_come_by_time_then_by_id"),
    (IncludesTheCursor, "test_pages_by_cursor_miss_nothing_and_repeat_nothing"),
    (LimitsTheCount, "test_every_field_of_a_query_means_what_matches_says"),
    (LimitsLines, "test_every_field_of_a_query_means_what_matches_says"),
    (SearchesWithWildcards, "test_every_field_of_a_query_means_what_matches_says"),
    (IncludesTheEndOfAPeriod, "test_every_field_of_a_query_means_what_matches_says"),
    (ComparesMoneyOfAllCurrencies, "test_every_field_of_a_query_means_what_matches_says"),
    (ComparesMoneyAsFloat, "test_rows_are_those_of_the_orders"),
    (UndecidesOnSave, "test_what_a_sweep_decided_stays_decided"),
    (SettlesWithANewVersion, "test_what_a_sweep_decided_stays_decided"),
    (SettlesByIdAlone, "test_what_has_become_a_purchase_since_it_was_judged_is_not_settled"),
    (KeepsMarksDecided, "test_a_mark_may_leave_an_order_undecided"),
    (StopsAtARefusal, "test_many_are_saved_as_one_by_one"),
    (SavesManyWithoutTheirSequence, "test_many_are_saved_as_one_by_one"),
    (UndoesAllForOne, "test_many_are_saved_as_one_by_one"),
    (LooksBeforeItWrites, "test_of_several_threads_that_save_one_wins"),
    (CutsLongTexts, "test_any_text_is_kept"),
    (YieldsWhatIsThereNow, "test_rows_are_stable_while_others_write"),
    (RepeatsNothingFoundAsNone, "test_an_unknown_order_is_not_found"),
    (KeepsMillisecondsInTheState, "test_instants_keep_their_microseconds_and_are_utc"),
    (CommitsTheStateAlone, "test_a_save_that_fails_midway_leaves_nothing_half_written"),
    (CommitsTheEventsAlone, "test_a_number_is_taken_within_its_shop_only"),
    (ForgetsTheDecisionOfASave, "test_what_was_saved_is_loaded"),
    (MatchesEmailByCase, "test_every_field_of_a_query_means_what_matches_says"),
    (TellsLocalTime, "test_instants_keep_their_microseconds_and_are_utc"),
    (KeepsWallTime, "test_instants_keep_their_microseconds_and_are_utc"),
    (OrdersAnewEachTime, "test_rows_come_by_time_then_by_id"),
    (DropsEqualRows, "test_every_field_of_a_query_means_what_matches_says"),
    (RepeatsRowsForTheirTags, "test_every_field_of_a_query_means_what_matches_says"),
    (SkipsTheFirstOfAPage, "test_pages_by_cursor_miss_nothing_and_repeat_nothing"),
    (RefusesWhatIsNull, "test_rows_are_those_of_the_orders"),
    (KeepsTextsInLatin1, "test_any_text_is_kept"),
    (StripsTexts, "test_any_text_is_kept"),
    (RoundsLargeAmounts, "test_amounts_are_exact"),
    (ComparesAmountsAsFloats, "test_amounts_are_exact"),
    (TakesEveryNumberForTwoDigits, "test_amounts_are_exact"),
    (FindsPartsOfTags, "test_every_field_of_a_query_means_what_matches_says"),
    (LosesAnEvent, "test_orders_in_any_state_are_kept"),
    (GivesTextsForStatuses, "test_rows_are_those_of_the_orders"),
]
