"""What is to be sent finds the locations that send it."""

from collections.abc import Collection, Iterable, Mapping

from domain.availability import NOTHING_HELD, Catalogue, stocked_parts
from domain.ids import WEB, Sku
from domain.refusals import GaveWay
from domain.routing import Routed, Supply, route
from domain.stock import NotEnoughStock, Place, Shortage
from service.ports.unit import Unit


async def routed(
    unit: Unit,
    wanted: Mapping[Sku, int],
    catalogue: Catalogue,
    *,
    own: Mapping[Place, int] = NOTHING_HELD,
    taken: Mapping[Place, int] = NOTHING_HELD,
) -> Routed:
    """Who sends these units of each SKU, as the shelves are now; nothing is locked.

    `own` is what the buyer holds, `taken` what the same buyer is to collect. A location that sells
    nothing new through the web still sends what is held there.
    """
    if not wanted:
        return Routed({}, {})
    parts = {sku: stocked_parts(catalogue[sku], catalogue) for sku in wanted}
    sold = await unit.selling.sold(WEB, catalogue)
    assert sold is not None, "every retailer sells in the web"
    terms, shelves = sold
    if all(parts.values()):
        stores = await unit.stores.by_id({store for store, _ in shelves})
    else:
        stores = await unit.stores.all()
    held_at = {store for store, _ in own}
    serving = {name: one for name, one in stores.items() if one.serves(WEB) or name in held_at}
    return route(wanted, Supply(parts, terms.seen(shelves), serving, own, taken))


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
