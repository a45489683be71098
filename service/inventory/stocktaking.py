"""Stock reports from people and feeds: adjust, set if unchanged, count as of a time.

All stock levels are locked at once and in one order; then each line is decided separately, in
the order of arrival, and gets its own result. A line repeated with its reference changes nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Generic, Literal, Self, TypeVar

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from domain.catalogue.products import ProductNotFound
from domain.foundation.callers import Caller
from domain.inventory.conditions import Conditions, sum_conditions
from domain.inventory.stock_levels import (
    MovementReason,
    PostingSource,
    StockKey,
    StockLevel,
    StockPosting,
)
from domain.inventory.stocktaking import (
    Adjustment,
    ReferenceReused,
    Report,
    StockCount,
    StockSetting,
    apply_adjustment,
    apply_count,
    apply_late_report,
    apply_setting,
)
from domain.kernel.errors import DomainError, InvalidField
from domain.kernel.ids import Sku, StoreId
from domain.kernel.timestamps import clamp_to_now
from domain.stores.stores import StoreNotFound
from service.foundation.ports import IdempotencyKey
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""How far the clock of the reporting system may be ahead of ours."""

ReportT = TypeVar("ReportT", Adjustment, StockSetting, StockCount)


class StockReportResult(Struct, frozen=True, omit_defaults=True):
    """The result of a line, and the stock level after it; `code` and `detail` give the refusal."""

    status: Literal["applied", "duplicate", "rejected"]
    code: str | UnsetType = UNSET
    detail: str | UnsetType = UNSET
    on_hand: int | UnsetType = UNSET
    version: int | UnsetType = UNSET


async def adjust_stock(
    units: Units, *, caller: Caller, lines: Sequence[Adjustment | DomainError], key: IdempotencyKey
) -> list[StockReportResult]:
    """Adds to the units on hand, for a reason. A known reference gives `duplicate`."""
    return await _get_reported(units, caller, lines, key, _Adjust)


async def set_stock(
    units: Units,
    *,
    caller: Caller,
    lines: Sequence[StockSetting | DomainError],
    key: IdempotencyKey,
) -> list[StockReportResult]:
    """Sets the units on hand where the version is still the one that the caller read."""
    return await _get_reported(units, caller, lines, key, _SetIf)


async def count_stock(
    units: Units, *, caller: Caller, lines: Sequence[StockCount | DomainError], key: IdempotencyKey
) -> list[StockReportResult]:
    """Sets a stock level to the units counted at a time; later moves are applied again."""
    return await _get_reported(units, caller, lines, key, _Count)


def ensure_past(field: str, moment: datetime, now: datetime) -> None:
    """Raises InvalidField."""
    if moment > now + CLOCK_TOLERANCE:
        raise InvalidField(field, "in_the_future", "lies in the future")


def clamp_to_past(field: str, told: datetime | None, now: datetime) -> datetime:
    """The time of the event: `now` where none was given. Raises InvalidField."""
    if told is None:
        return now
    ensure_past(field, told, now)
    return clamp_to_now(told, now)


class _Verb(ABC, Generic[ReportT]):
    """Decides lines of one kind: reads the data for all of them, then decides each in order."""

    def __init__(self, unit: Unit, actor: str) -> None:
        self.unit = unit
        self.actor = actor
        self.said: dict[StockKey, Report] = {}
        """Locations with a complete report, so that an older count changes nothing."""

    async def read(self, lines: Sequence[ReportT]) -> None:
        """Reads the data for the decisions, once for all lines."""

    @abstractmethod
    def decide(self, line: ReportT, level: StockLevel) -> list[StockPosting]:
        """The moves a line makes; none where the line is a duplicate. Raises DomainError."""

    def source(self, cause: MovementReason, name: str, happened: datetime) -> PostingSource:
        return PostingSource(cause, name, self.actor, happened)


class _Adjust(_Verb[Adjustment]):
    async def read(self, lines: Sequence[Adjustment]) -> None:
        named = [(line.source_id, line.stock_key) for line in lines if line.reference]
        self.known = await self.unit.inventory.stock_levels.get_posted(named)
        self.counted = await self.unit.inventory.stock_levels.get_reported(
            {line.stock_key for line in lines}
        )
        blocking = {line.stock_key for line in lines if line.conditions}
        self.blocked: dict[StockKey, Conditions] = dict(
            await self.unit.inventory.stock_levels.get_conditions(
                {sku for _, sku in blocking}, {store for store, _ in blocking}
            )
            if blocking
            else {}
        )

    def decide(self, line: Adjustment, level: StockLevel) -> list[StockPosting]:
        happened = clamp_to_past("occurred_at", line.occurred_at, self.unit.now)
        name = line.source_id if line.reference else self.unit.new_id("adj")
        if before := self.known.get((name, line.stock_key)):
            if before != (line.reason, line.delta, line.conditions):
                raise ReferenceReused(line.reference)
            return []
        there = self.blocked.get(line.stock_key, {})
        change = apply_adjustment(line, there)
        level.ensure_capacity(change)
        self.blocked[line.stock_key] = sum_conditions(there, line.conditions)
        self.known[name, line.stock_key] = (line.reason, line.delta, line.conditions)
        move = StockPosting(
            change, self.source(MovementReason(line.reason), name, happened), line.conditions
        )
        return apply_late_report([move], self.counted)


class _SetIf(_Verb[StockSetting]):
    def decide(self, line: StockSetting, level: StockLevel) -> list[StockPosting]:
        source = self.source(MovementReason.SET, self.unit.new_id("set"), self.unit.now)
        move = StockPosting(apply_setting(line, level), source)
        self.said[line.stock_key] = Report(self.unit.now)
        return [move]


class _Count(_Verb[StockCount]):
    async def read(self, lines: Sequence[StockCount]) -> None:
        self.last = await self.unit.inventory.stock_levels.get_reported(
            {line.stock_key for line in lines}
        )
        now = self.unit.now
        moments = {
            (line.stock_key, clamp_to_now(line.counted_at, now))
            for line in lines
            if line.counted_at
        }
        self.since = await self.unit.inventory.stock_levels.sum_since(moments)

    def decide(self, line: StockCount, level: StockLevel) -> list[StockPosting]:
        as_of = clamp_to_past("counted_at", line.counted_at, self.unit.now)
        before = self.last.get(line.stock_key)
        if before and before.covers(as_of, line.counted_at):
            return []
        self.last[line.stock_key] = self.said[line.stock_key] = Report(
            as_of, stated_at=line.counted_at
        )
        moved = self.since.get((line.stock_key, as_of), 0)
        source = self.source(MovementReason.COUNT, self.unit.new_id("cnt"), as_of)
        return [StockPosting(apply_count(line, level, moved), source)]


@retry_on_conflict
async def _get_reported(
    units: Units,
    caller: Caller,
    lines: Sequence[ReportT | DomainError],
    key: IdempotencyKey,
    kind: type[_Verb[ReportT]],
) -> list[StockReportResult]:
    told = [
        line for line in lines if not isinstance(line, DomainError) and caller.works_at(line.store)
    ]
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, list[StockReportResult]):
            return first
        await _record_denials(unit, caller, lines)
        book = await _StockBook.open(unit, {line.stock_key for line in told})
        verb = kind(unit, caller.id)
        await verb.read(told)
        entered = [book.enter(line, verb) for line in lines]
        after = await unit.inventory.stock_levels.apply(book.moves)
        results = [
            _dated(result, line, book, after) for result, line in zip(entered, lines, strict=True)
        ]
        await unit.inventory.stock_levels.save_reported(verb.said)
        await unit.foundation.idempotency.save_answer(key, results)
    return results


class _StockBook(Struct):
    """The stock levels as the earlier lines left them, and the moves that changed them."""

    stores: Collection[StoreId]
    skus: Collection[Sku]
    levels: dict[StockKey, StockLevel]
    versions: dict[StockKey, int]
    moves: list[StockPosting] = []

    @classmethod
    async def open(cls, unit: Unit, places: Collection[StockKey]) -> Self:
        stores = await unit.stores.stores.get_many({store for store, _ in places})
        skus = await unit.catalogue.products.filter_known({sku for _, sku in places})
        real = [(store, sku) for store, sku in places if store in stores and sku in skus]
        levels = await unit.inventory.stock_levels.get_for_update(real, shelve=True)
        return cls(stores, skus, levels, {place: levels[place].version for place in levels})

    def enter(self, line: ReportT | DomainError, verb: _Verb[ReportT]) -> StockReportResult:
        if isinstance(line, DomainError):
            return _rejected(line)
        try:
            level = self._get_level(line.store, line.sku)
            moves = verb.decide(line, level)
            for move in moves:
                level.ensure_capacity(move.delta)
        except DomainError as no:
            return _rejected(no, self.levels.get(line.stock_key))
        if not moves:
            return StockReportResult("duplicate", on_hand=level.on_hand, version=level.version)
        self.moves += moves
        for move in moves:
            level = level.apply(move.delta)
        self.levels[line.stock_key] = level
        return StockReportResult("applied", on_hand=level.on_hand, version=level.version)

    def version(self, place: StockKey, after: Mapping[StockKey, StockLevel]) -> int:
        """The version after the whole batch; the earlier one where the net change is zero."""
        return after[place].version if place in after else self.versions[place]

    def _get_level(self, store: StoreId, sku: Sku) -> StockLevel:
        if store not in self.stores:
            raise StoreNotFound(store)
        if sku not in self.skus:
            raise ProductNotFound(sku)
        return self.levels[store, sku]


def _dated(
    result: StockReportResult,
    line: ReportT | DomainError,
    book: "_StockBook",
    after: Mapping[StockKey, StockLevel],
) -> StockReportResult:
    """The result with the version that the stock level has after the whole batch."""
    if isinstance(line, DomainError) or result.status == "rejected":
        return result
    return replace(result, version=book.version(line.stock_key, after))


async def _record_denials(
    unit: Unit, caller: Caller, lines: Sequence[ReportT | DomainError]
) -> None:
    """Write down lines of stores that are not the caller's; to them these do not exist."""
    named = {line.store for line in lines if not isinstance(line, DomainError)}
    for store in sorted(store for store in named if not caller.works_at(store)):
        await unit.foundation.access_denials.add(caller, "tell_stock", store)


def _rejected(refusal: DomainError, level: StockLevel | None = None) -> StockReportResult:
    code = refusal.errors[0]["code"] if refusal.error_code == "invalid" else refusal.error_code
    return StockReportResult(
        "rejected",
        code=code,
        detail=refusal.detail,
        on_hand=level.on_hand if level else UNSET,
        version=level.version if level else UNSET,
    )
