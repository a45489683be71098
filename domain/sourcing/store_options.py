"""Store options: one store, or two, that can serve a whole cart, with the pickup times.

Lines are served in the cart's order: the units that a line takes are not available to later lines,
so a set and its parts are never promised the same units twice. Units that the cart itself holds
count as its own.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import combinations

from msgspec import Struct

from domain.inventory.availability import NO_HELD_UNITS, StockLevelMap, sellable_units
from domain.inventory.stock_levels import StockKey
from domain.kernel.ids import WEB, Sku
from domain.stores.promises import PickupPromise
from domain.stores.stores import Store


class WantedItem(Struct, frozen=True):
    """Units of one SKU; `parts` are those that can run out, None for a SKU that is not sold."""

    sku: Sku
    quantity: int
    parts: Mapping[Sku, int] | None


class CandidateStore(Struct, frozen=True):
    """A store that hands over, with the promise for an order placed now."""

    store: Store
    promise: PickupPromise
    distance_km: float | None = None

    @property
    def sort_key(self) -> tuple[object, ...]:
        """The earliest first, then the nearest, then by name."""
        return (self.promise.since, self.distance_km or 0.0, self.store.store)


class StoreShare(Struct, frozen=True):
    """The lines that one of two stores serves."""

    candidate: CandidateStore
    units: Mapping[Sku, int]


class SplitOption(Struct, frozen=True):
    """Two stores that together serve `covered` units."""

    shares: tuple[StoreShare, StoreShare]

    @property
    def covered(self) -> int:
        return sum(sum(share.units.values()) for share in self.shares)

    @property
    def since(self) -> datetime:
        """The time when all of it is ready."""
        return max(share.candidate.promise.since for share in self.shares)

    @property
    def sort_key(self) -> tuple[object, ...]:
        """The most units first, then the earliest whole promise, then the shortest way."""
        stores = [share.candidate for share in self.shares]
        return (-self.covered, *_distance_key(stores[0], stores[1]))


class StockView(Struct, frozen=True):
    """Stock levels as the web sees them, and the units the cart holds of them."""

    levels: StockLevelMap
    own_held: Mapping[StockKey, int] = NO_HELD_UNITS

    def sellable_units(
        self, wish: WantedItem, store: Store, taken: Mapping[StockKey, int] = NO_HELD_UNITS
    ) -> int:
        """Units that `store` can serve beside those `taken`, at most the wanted quantity."""
        if wish.parts is None:
            return 0
        if wish.parts:
            free = sellable_units(wish.parts, store.store, self.levels, self.own_held, taken)
            return min(wish.quantity, free)
        is_held = any(place[0] == store.store for place in self.own_held)
        return wish.quantity if is_held or store.serves(WEB) else 0


def served_stores(
    wishes: Sequence[WantedItem], store: Store, lying: StockView, before: Sequence[int] = ()
) -> list[int]:
    """Units of each wish that `store` serves; `before` are those that another store serves."""
    taken, units = Counter[StockKey](), []
    for wish, elsewhere in zip(wishes, before or [0] * len(wishes), strict=True):
        rest = WantedItem(wish.sku, wish.quantity - elsewhere, wish.parts)
        count = lying.sellable_units(rest, store, taken)
        for sku, each in (wish.parts or {}).items():
            taken[store.store, sku] += each * count
        units.append(count)
    return units


def stores_with_everything(
    wishes: Sequence[WantedItem], candidates: Sequence[CandidateStore], lying: StockView
) -> list[CandidateStore]:
    """The stores that can serve every wish in full, by their rank."""
    wanted = [wish.quantity for wish in wishes]
    able = [one for one in candidates if served_stores(wishes, one.store, lying) == wanted]
    return sorted(able, key=lambda one: one.sort_key)


def find_best_split(
    wishes: Sequence[WantedItem], candidates: Sequence[CandidateStore], lying: StockView
) -> SplitOption | None:
    """The best two stores that each serve a part; None where no two do.

    A pair is computed in full only where its stock, line by line, could make it the best.
    """
    alone = {
        one.store.store: [lying.sellable_units(wish, one.store) for wish in wishes]
        for one in candidates
    }
    useful = sorted((one for one in candidates if any(alone[one.store.store])), key=_sort_key)
    best: SplitOption | None = None
    for first, second in combinations(useful, 2):
        most = sum(
            min(wish.quantity, here + there)
            for wish, here, there in zip(
                wishes, alone[first.store.store], alone[second.store.store], strict=True
            )
        )
        if best and (-most, *_distance_key(first, second)) >= best.sort_key:
            continue
        for split in _splits(wishes, first, second, lying):
            best = min(best or split, split, key=_sort_key)
    return best


def _splits(
    wishes: Sequence[WantedItem], first: CandidateStore, second: CandidateStore, lying: StockView
) -> Iterator[SplitOption]:
    """The first serves as much as it can and the second the rest, and the reverse."""
    for one, other in ((first, second), (second, first)):
        here = served_stores(wishes, one.store, lying)
        there = served_stores(wishes, other.store, lying, here)
        if any(here) and any(there):
            yield SplitOption(
                (StoreShare(one, _units(wishes, here)), StoreShare(other, _units(wishes, there)))
            )


def _units(wishes: Sequence[WantedItem], counts: Sequence[int]) -> dict[Sku, int]:
    return {wish.sku: count for wish, count in zip(wishes, counts, strict=True) if count}


def _distance_key(first: CandidateStore, second: CandidateStore) -> tuple[object, ...]:
    """The sort key of a pair: the later ready time, the sum of distances, and the names."""
    since = max(first.promise.since, second.promise.since)
    distance = (first.distance_km or 0.0) + (second.distance_km or 0.0)
    return (since, distance, *sorted((first.store.store, second.store.store)))


def _sort_key(one: CandidateStore | SplitOption) -> tuple[object, ...]:
    return one.sort_key
