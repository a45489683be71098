"""What people and feeds tell of stock: adjust, set if unchanged, count as of a time.

All shelves are locked at once and in one order; then each line is decided on its own, in the order
it came, and answered on its own. A line that comes again with its reference changes nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Generic, Literal, Self, TypeVar

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from domain.catalogue.products import ProductMissing
from domain.foundation.callers import Caller
from domain.inventory.conditions import Conditions, added
from domain.inventory.stock_levels import Cause, Move, Place, Shelf, Source
from domain.inventory.stocktaking import (
    Adjustment,
    Count,
    ReferenceReused,
    Setting,
    Told,
    adjusted,
    already_counted,
    recounted,
    was_set,
)
from domain.kernel.errors import Refusal, WrongField
from domain.kernel.ids import Sku, StoreId
from domain.kernel.timestamps import happened_at
from domain.stores.stores import StoreMissing
from service.foundation.ports import RequestKey
from service.shared.retry import tried_again
from service.shared.unit_of_work import Unit, Units

CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""How far the clock of whoever tells us may be ahead of ours."""

Line = TypeVar("Line", Adjustment, Setting, Count)


class Result(Struct, frozen=True, omit_defaults=True):
    """What became of a line, and the shelf as it is after; `code` and `detail` say why not."""

    status: Literal["applied", "duplicate", "rejected"]
    code: str | UnsetType = UNSET
    detail: str | UnsetType = UNSET
    on_hand: int | UnsetType = UNSET
    version: int | UnsetType = UNSET


async def adjust(
    units: Units, *, caller: Caller, lines: Sequence[Adjustment | Refusal], key: RequestKey
) -> list[Result]:
    """Add to what is on hand, for a reason. A reference that is known is a `duplicate`."""
    return await _told(units, caller, lines, key, _Adjust)


async def set_if(
    units: Units, *, caller: Caller, lines: Sequence[Setting | Refusal], key: RequestKey
) -> list[Result]:
    """Set what is on hand where the version is still the one that was seen."""
    return await _told(units, caller, lines, key, _SetIf)


async def count(
    units: Units, *, caller: Caller, lines: Sequence[Count | Refusal], key: RequestKey
) -> list[Result]:
    """Make a shelf what was counted at a time; what moved since then is applied again."""
    return await _told(units, caller, lines, key, _Count)


def must_be_past(field: str, moment: datetime, now: datetime) -> None:
    """Raises WrongField."""
    if moment > now + CLOCKS_DIFFER:
        raise WrongField(field, "in_the_future", "lies in the future")


def past(field: str, told: datetime | None, now: datetime) -> datetime:
    """When it happened: `now` where nobody told. Raises WrongField."""
    if told is None:
        return now
    must_be_past(field, told, now)
    return happened_at(told, now)


class _Verb(ABC, Generic[Line]):
    """How lines of one kind are decided: what is read for all of them, then each in its turn."""

    def __init__(self, unit: Unit, actor: str) -> None:
        self.unit = unit
        self.actor = actor
        self.said: dict[Place, Told] = {}
        """Places of which the whole was told, so that an older count changes nothing."""

    async def read(self, lines: Sequence[Line]) -> None:
        """What the decisions need, in one look for all lines."""

    @abstractmethod
    def decide(self, line: Line, shelf: Shelf) -> list[Move]:
        """The moves a line makes; none where it was told before. Raises Refusal."""

    def source(self, cause: Cause, name: str, happened: datetime) -> Source:
        return Source(cause, name, self.actor, happened)


class _Adjust(_Verb[Adjustment]):
    async def read(self, lines: Sequence[Adjustment]) -> None:
        named = [(line.source_id, line.place) for line in lines if line.reference]
        self.known = await self.unit.stock.moved_by(named)
        self.counted = await self.unit.stock.told({line.place for line in lines})
        blocking = {line.place for line in lines if line.conditions}
        self.blocked: dict[Place, Conditions] = dict(
            await self.unit.stock.conditions(
                {sku for _, sku in blocking}, {store for store, _ in blocking}
            )
            if blocking
            else {}
        )

    def decide(self, line: Adjustment, shelf: Shelf) -> list[Move]:
        happened = past("occurred_at", line.occurred_at, self.unit.now)
        name = line.source_id if line.reference else self.unit.new_id("adj")
        if before := self.known.get((name, line.place)):
            if before != (line.reason, line.delta, line.conditions):
                raise ReferenceReused(line.reference)
            return []
        there = self.blocked.get(line.place, {})
        change = adjusted(line, there)
        shelf.must_hold(change)
        self.blocked[line.place] = added(there, line.conditions)
        self.known[name, line.place] = (line.reason, line.delta, line.conditions)
        move = Move(change, self.source(Cause(line.reason), name, happened), line.conditions)
        return already_counted([move], self.counted)


class _SetIf(_Verb[Setting]):
    def decide(self, line: Setting, shelf: Shelf) -> list[Move]:
        source = self.source(Cause.SET, self.unit.new_id("set"), self.unit.now)
        move = Move(was_set(line, shelf), source)
        self.said[line.place] = Told(self.unit.now)
        return [move]


class _Count(_Verb[Count]):
    async def read(self, lines: Sequence[Count]) -> None:
        self.last = await self.unit.stock.told({line.place for line in lines})
        now = self.unit.now
        moments = {
            (line.place, happened_at(line.counted_at, now)) for line in lines if line.counted_at
        }
        self.since = await self.unit.stock.moved_since(moments)

    def decide(self, line: Count, shelf: Shelf) -> list[Move]:
        as_of = past("counted_at", line.counted_at, self.unit.now)
        before = self.last.get(line.place)
        if before and before.has_heard(as_of, line.counted_at):
            return []
        self.last[line.place] = self.said[line.place] = Told(as_of, said_at=line.counted_at)
        moved = self.since.get((line.place, as_of), 0)
        source = self.source(Cause.COUNT, self.unit.new_id("cnt"), as_of)
        return [Move(recounted(line, shelf, moved), source)]


@tried_again
async def _told(
    units: Units,
    caller: Caller,
    lines: Sequence[Line | Refusal],
    key: RequestKey,
    kind: type[_Verb[Line]],
) -> list[Result]:
    told = [line for line in lines if not isinstance(line, Refusal) and caller.works_at(line.store)]
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, list[Result]):
            return first
        await _note_trespasses(unit, caller, lines)
        book = await _Book.open(unit, {line.place for line in told})
        verb = kind(unit, caller.id)
        await verb.read(told)
        entered = [book.enter(line, verb) for line in lines]
        after = await unit.stock.apply(book.moves)
        results = [
            _dated(result, line, book, after) for result, line in zip(entered, lines, strict=True)
        ]
        await unit.stock.remember(verb.said)
        await unit.requests.answer(key, results)
    return results


class _Book(Struct):
    """The shelves as the lines before have left them, and the moves that did it."""

    stores: Collection[StoreId]
    skus: Collection[Sku]
    shelves: dict[Place, Shelf]
    versions: dict[Place, int]
    moves: list[Move] = []

    @classmethod
    async def open(cls, unit: Unit, places: Collection[Place]) -> Self:
        stores = await unit.stores.by_id({store for store, _ in places})
        skus = await unit.products.known({sku for _, sku in places})
        real = [(store, sku) for store, sku in places if store in stores and sku in skus]
        shelves = await unit.stock.lock(real, shelve=True)
        return cls(stores, skus, shelves, {place: shelves[place].version for place in shelves})

    def enter(self, line: Line | Refusal, verb: _Verb[Line]) -> Result:
        if isinstance(line, Refusal):
            return _rejected(line)
        try:
            shelf = self._shelf(line.store, line.sku)
            moves = verb.decide(line, shelf)
            for move in moves:
                shelf.must_hold(move.change)
        except Refusal as no:
            return _rejected(no, self.shelves.get(line.place))
        if not moves:
            return Result("duplicate", on_hand=shelf.on_hand, version=shelf.version)
        self.moves += moves
        for move in moves:
            shelf = shelf.after(move.change)
        self.shelves[line.place] = shelf
        return Result("applied", on_hand=shelf.on_hand, version=shelf.version)

    def version(self, place: Place, after: Mapping[Place, Shelf]) -> int:
        """Of the shelf after the whole batch; the one before where its changes came to nothing."""
        return after[place].version if place in after else self.versions[place]

    def _shelf(self, store: StoreId, sku: Sku) -> Shelf:
        if store not in self.stores:
            raise StoreMissing(store)
        if sku not in self.skus:
            raise ProductMissing(sku)
        return self.shelves[store, sku]


def _dated(
    result: Result, line: Line | Refusal, book: "_Book", after: Mapping[Place, Shelf]
) -> Result:
    """The result with the version that the shelf has after the whole batch."""
    if isinstance(line, Refusal) or result.status == "rejected":
        return result
    return replace(result, version=book.version(line.place, after))


async def _note_trespasses(unit: Unit, caller: Caller, lines: Sequence[Line | Refusal]) -> None:
    """Write down lines of stores that are not the caller's; to them these do not exist."""
    named = {line.store for line in lines if not isinstance(line, Refusal)}
    for store in sorted(store for store in named if not caller.works_at(store)):
        await unit.trespasses.note(caller, "tell_stock", store)


def _rejected(refusal: Refusal, shelf: Shelf | None = None) -> Result:
    code = refusal.errors[0]["code"] if refusal.name == "invalid" else refusal.name
    return Result(
        "rejected",
        code=code,
        detail=refusal.detail,
        on_hand=shelf.on_hand if shelf else UNSET,
        version=shelf.version if shelf else UNSET,
    )
