"""What is to be sent finds the locations that send it."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct

from domain.inventory.availability import NOTHING_HELD, Catalogue, stocked_parts
from domain.inventory.stock_levels import NotEnoughStock, Place, Shelf, Shortage
from domain.kernel.errors import GaveWay
from domain.kernel.ids import WEB, Sku, StoreId
from domain.sourcing.routing import Routed, Supply, route
from domain.stores.stores import Store
from service.shared.unit_of_work import Unit


class Senders(Struct, frozen=True):
    """Who could send which SKUs, as the shelves are now; nothing is locked."""

    parts: Mapping[Sku, Mapping[Sku, int]]
    shelves: Mapping[Place, Shelf]
    stores: Mapping[StoreId, Store]

    def route(
        self,
        wanted: Mapping[Sku, int],
        *,
        own: Mapping[Place, int] = NOTHING_HELD,
        taken: Mapping[Place, int] = NOTHING_HELD,
    ) -> Routed:
        """Who sends these units of each SKU.

        `own` is what the buyer holds, `taken` what is taken otherwise. A location that sells
        nothing new through the web still sends what is held there.
        """
        if not wanted:
            return Routed({}, {})
        held_at = {store for store, _ in own}
        serving = {
            name: one for name, one in self.stores.items() if one.serves(WEB) or name in held_at
        }
        parts = {sku: self.parts[sku] for sku in wanted}
        return route(wanted, Supply(parts, self.shelves, serving, own, taken))

    def can_spare(self, wanted: Mapping[Place, int]) -> bool:
        """Whether so many are free of what can be sent at all."""
        return all(
            self.shelves[place].sellable >= count
            for place, count in wanted.items()
            if place in self.shelves
        )

    def units(self, routed: Routed) -> Counter[Place]:
        """What is sent so takes of the shelves."""
        taken: Counter[Place] = Counter()
        for store, units in routed.sent.items():
            for sku, count in units.items():
                for part, each in self.parts[sku].items():
                    taken[store, part] += each * count
        return taken


async def senders(unit: Unit, skus: Collection[Sku], catalogue: Catalogue) -> Senders:
    """Who could send these; nobody is asked where nothing is to be sent."""
    if not skus:
        return Senders({}, {}, {})
    parts = {sku: stocked_parts(catalogue[sku], catalogue) for sku in skus}
    needed = {*skus, *(part for of_one in parts.values() for part in of_one)}
    sold = await unit.selling.sold(WEB, needed)
    assert sold is not None, "every retailer sells in the web"
    terms, shelves = sold
    if all(parts.values()):
        stores = await unit.stores.by_id({store for store, _ in shelves})
    else:
        stores = await unit.stores.all()
    return Senders(parts, terms.seen(shelves), stores)


def must_be_sent(found: Routed, wanted: Mapping[Sku, int]) -> None:
    """Raises NotEnoughStock: all locations together have too little."""
    if found.short:
        shortages = [
            Shortage(sku, None, wanted[sku], wanted[sku] - short)
            for sku, short in sorted(found.short.items())
        ]
        raise NotEnoughStock(shortages, {(None, sku): [sku] for sku in found.short})


def may_be_elsewhere(short: Iterable[Shortage], collected: Collection[Place]) -> None:
    """Raises GaveWay where nothing is short that is to be collected.

    What was to be sent from there went a moment ago; whoever looks again finds where else it is,
    or that it is nowhere.
    """
    if all((one.store, one.sku) not in collected for one in short):
        raise GaveWay("What was to be sent has just gone.")
