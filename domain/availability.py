"""What a shopper may be told: how many, where, and when it can be collected.

A kit is available as often as its scarcest part allows. What is not tracked is always there.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from domain.catalogue import Made, Product, ProductState
from domain.ids import WEB, ChannelId, Sku, StoreId
from domain.stock import Place, Shelf, Status, status_of
from domain.stores import Store

Shelves = Mapping[Place, Shelf]
NOTHING_HELD: Final[Mapping[Place, int]] = {}


class Quantities(StrEnum):
    """How much shoppers learn of a number."""

    EXACT = "exact"
    CAPPED = "capped"
    HIDDEN = "hidden"


class Telling(Struct, frozen=True):
    """What is told of a number of units; staff always learn the exact one."""

    low_at: int = 3
    quantities: Quantities = Quantities.EXACT
    most: int = 10
    exact: bool = False
    """Whether it is told to staff, whatever shoppers learn."""

    @property
    def to_staff(self) -> "Telling":
        return replace(self, exact=True)

    def shown(self, units: int | None) -> int | None:
        """None for what is hidden or not counted; never more than `most` where that is the cap."""
        if units is None or self.exact:
            return units
        if self.quantities is Quantities.HIDDEN:
            return None
        return min(units, self.most) if self.quantities is Quantities.CAPPED else units


class Freshness(StrEnum):
    """Where an answer was read: in the shop's books, or in a copy that may be a little older."""

    LIVE = "live"
    CACHE = "cache"


class Offer(Struct, frozen=True):
    """`quantity` is null where it is not counted or not shown."""

    status: Status
    quantity: int | None


class PickupAnswer(Struct, frozen=True):
    """`ready_from` is in the store's own time; `reasons` say why not, for machines."""

    eligible: bool
    ready_from: datetime | None
    reasons: list[str]


class Explanation(Struct, frozen=True):
    """The whole sum, for staff: sellable = on_hand - the five parts, and never below zero.

    Where the location does not serve the channel, `reasons` say so and nothing is sellable.
    A kit has no shelf of its own; its parts are asked for by their names.
    """

    on_hand: int
    unavailable: int
    allocated: int
    held: int
    safety_stock: int
    buffer: int
    sellable: int
    reasons: list[str]


class AtStore(Struct, frozen=True, kw_only=True):
    store: StoreId
    name: str
    status: Status
    quantity: int | None
    pickup: PickupAnswer
    distance_km: float | UnsetType = UNSET
    explain: Explanation | UnsetType = UNSET


class Available(Struct, frozen=True):
    """One SKU: to be sent, and in each store that was asked for. `version` only grows."""

    sku: Sku
    version: int
    ship: Offer
    stores: list[AtStore]
    reasons: list[str] = []


class Nearby(Struct, frozen=True):
    """A store, and how far it is from where somebody asked."""

    store: Store
    distance_km: float | None = None


Catalogue = Mapping[Sku, Product]


def stocked_parts(
    product: Product | Made, catalogue: Mapping[Sku, Product] | Mapping[Sku, Made]
) -> dict[Sku, int]:
    """What has to be fetched for one unit: the parts of a kit, or the thing itself.

    Empty for what is not tracked, a service, which never runs out.
    """
    parts = product.parts or {product.sku: 1}
    return {sku: each for sku, each in parts.items() if sku in catalogue and catalogue[sku].tracked}


def by_sku(shelves: Shelves) -> dict[Sku, dict[Place, Shelf]]:
    """The shelves of each SKU."""
    found: dict[Sku, dict[Place, Shelf]] = {}
    for place, shelf in shelves.items():
        found.setdefault(shelf.sku, {})[place] = shelf
    return found


def sellable_units(
    parts: Mapping[Sku, int],
    store: StoreId,
    shelves: Shelves,
    own: Mapping[Place, int] = NOTHING_HELD,
) -> int:
    """Whole units made of `parts` that `store` may sell to somebody who holds `own` already."""
    return min(
        _sellable(shelves.get((store, sku)), own.get((store, sku), 0)) // each
        for sku, each in parts.items()
    )


def pickup_answer(product: Product, store: Store, offer: Offer, view: "View") -> PickupAnswer:
    """Whether one unit can be collected at `store`, and from when if it were ordered now."""
    ready = store.ready_at(view.now)
    against = store.reason_against(view.channel)
    reasons = [
        reason
        for reason, applies in (
            ("retired", product.state is ProductState.RETIRED),
            (against or "", against),
            ("pickup_unavailable", not store.pickup),
            ("store_never_open", ready is None),
            ("out_of_stock", offer.status is Status.OUT_OF_STOCK),
        )
        if applies
    ]
    return PickupAnswer(not reasons, None if reasons else ready, reasons)


def available(
    product: Product,
    catalogue: Catalogue,
    shelves: Mapping[Sku, Shelves],
    places: Iterable[Nearby],
    view: "View",
) -> Available:
    """What may be told of `product`, from all shelves of its parts, for the stores in `places`."""
    parts = stocked_parts(product, catalogue)
    mine = {place: shelf for part in parts for place, shelf in shelves.get(part, {}).items()}
    units = {store: sellable_units(parts, store, mine) for store in {store for store, _ in mine}}
    return Available(
        sku=product.sku,
        version=sum(shelf.version for shelf in mine.values()),
        ship=offered(product, sum(units.values()) if parts else None, view),
        stores=[
            _at_store(
                product, place, units.get(place.store.store, 0) if parts else None, mine, view
            )
            for place in places
        ],
        reasons=["retired"] if product.state is ProductState.RETIRED else [],
    )


class View(Struct, frozen=True):
    """Who looks, when and for which channel: staff may have the sum of their own stores."""

    now: datetime
    telling: Telling
    explain: Callable[[StoreId], bool] = lambda _: False
    channel: ChannelId = WEB


def unknown(sku: Sku) -> Available:
    """The answer for a SKU that nobody sells, in a list of others."""
    return Available(sku, 0, Offer(Status.OUT_OF_STOCK, 0), [], ["unknown_sku"])


def explained(shelf: Shelf, store: Store, channel: ChannelId) -> Explanation:
    """The sum of one shelf with the machine reasons for what is kept back."""
    against = store.reason_against(channel)
    reasons = [
        reason
        for reason, applies in (
            (against or "", against),
            ("below_safety_stock", 0 < shelf.available <= shelf.safety_stock),
            ("below_buffer", 0 < shelf.available - shelf.safety_stock <= shelf.buffer),
            ("held_by_carts", shelf.held > 0),
            ("promised_to_orders", shelf.allocated > 0),
            ("not_for_sale", shelf.unavailable > 0),
            ("oversold", shelf.available < 0),
        )
        if applies
    ]
    return Explanation(
        shelf.on_hand,
        shelf.unavailable,
        shelf.allocated,
        shelf.held,
        shelf.safety_stock,
        shelf.buffer,
        shelf.sellable,
        reasons,
    )


def _sellable(shelf: Shelf | None, own: int) -> int:
    if shelf is None:
        return 0
    return shelf.sellable_to(own) if own else shelf.sellable


def offered(product: Product, units: int | None, view: View) -> Offer:
    """What is told of `units`; None stands for what is not counted."""
    if product.state is ProductState.RETIRED:
        return Offer(Status.OUT_OF_STOCK, view.telling.shown(0))
    if units is None:
        return Offer(Status.IN_STOCK, None)
    return Offer(status_of(units, view.telling.low_at), view.telling.shown(units))


def _at_store(
    product: Product, place: Nearby, units: int | None, shelves: Shelves, view: View
) -> AtStore:
    store = place.store
    serves = store.serves(view.channel)
    offer = offered(product, units if serves else 0, view)
    shelf = shelves.get((store.store, product.sku), Shelf(store.store, product.sku, serves=serves))
    return AtStore(
        store=store.store,
        name=store.name,
        status=offer.status,
        quantity=offer.quantity,
        pickup=pickup_answer(product, store, offer, view),
        distance_km=UNSET if place.distance_km is None else round(place.distance_km, 1),
        explain=explained(shelf, store, view.channel)
        if view.explain(store.store) and not product.parts
        else UNSET,
    )
