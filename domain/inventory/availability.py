"""Availability as a shopper sees it: the quantity, the stores and the earliest pickup time.

A kit is available as often as its scarcest part allows. A product that is not tracked is always
available; its stock levels are still recorded, so that they are right when it is tracked again.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from domain.catalogue.products import Product, ProductState, ProductWithParts
from domain.inventory.conditions import Conditions
from domain.inventory.confidence import Confidence, assess_confidence, confidence_score
from domain.inventory.stock_levels import StockKey, StockLevel, StockStatus, stock_status
from domain.kernel.ids import WEB, ChannelId, Sku, StoreId
from domain.stores.stores import Store

StockLevelMap = Mapping[StockKey, StockLevel]
NO_HELD_UNITS: Final[Mapping[StockKey, int]] = {}


class AvailableQuantities(StrEnum):
    """The precision with which shoppers see a quantity."""

    EXACT = "exact"
    CAPPED = "capped"
    HIDDEN = "hidden"


class StockDisplayPolicy(Struct, frozen=True):
    """The rule by which a quantity is shown to shoppers; staff always see the exact one."""

    low_stock_threshold: int = 3
    display: AvailableQuantities = AvailableQuantities.EXACT
    max_quantity: int = 10
    low_confidence_threshold: float = 0.3
    """The confidence below which a person checks the stock before it is promised."""
    exact: bool = False
    """Whether staff see it, whatever shoppers see."""

    @property
    def for_staff(self) -> "StockDisplayPolicy":
        return replace(self, exact=True)

    def to_displayed(self, units: int | None) -> int | None:
        """None for a quantity that is hidden or not counted; at most `most` where capped."""
        if units is None or self.exact:
            return units
        if self.display is AvailableQuantities.HIDDEN:
            return None
        return (
            min(units, self.max_quantity) if self.display is AvailableQuantities.CAPPED else units
        )


class Freshness(StrEnum):
    """The source of an answer: the database, or a cached copy that may be a little older."""

    LIVE = "live"
    CACHE = "cache"


class Offer(Struct, frozen=True):
    """`quantity` is null where it is not counted or not shown."""

    status: StockStatus
    quantity: int | None


class PickupAvailability(Struct, frozen=True):
    """`ready_from` is in the store's own time; `reasons` say why not, for machines.

    With `low_confidence` it can be ordered all the same: the store looks first whether it is there.
    """

    eligible: bool
    ready_from: datetime | None
    reasons: list[str]


class AvailabilityBreakdown(Struct, frozen=True):
    """The whole sum, for staff: sellable = on_hand - the five parts, and never below zero.

    `conditions` give the reasons for unavailable units, `confidence` the estimate that they are
    there. Where the location does not serve the channel, `reasons` explain it and nothing is
    sellable. A kit has no stock level of its own; its parts are queried by their own SKUs.
    """

    on_hand: int
    unavailable: int
    allocated: int
    held: int
    safety_stock: int
    buffer: int
    sellable: int
    reasons: list[str]
    conditions: Conditions
    confidence: Confidence


class IncomingQuantity(Struct, frozen=True):
    """Units that are due on a day."""

    on: date
    quantity: int | None


class PromisableQuantity(Struct, frozen=True):
    """Counts the units to promise `by` a day: those sellable now, and those due until then.

    Units that are due first cover the claims that exceed the stock on hand.
    """

    by: date
    quantity: int | None
    incoming: list[IncomingQuantity]


class StoreAvailability(Struct, frozen=True, kw_only=True):
    store: StoreId
    name: str
    status: StockStatus
    quantity: int | None
    pickup: PickupAvailability
    distance_km: float | UnsetType = UNSET
    explain: AvailabilityBreakdown | UnsetType = UNSET
    promisable: PromisableQuantity | UnsetType = UNSET


class SkuAvailability(Struct, frozen=True):
    """One SKU: to be sent, and in each store that was asked for. `version` only grows."""

    sku: Sku
    version: int
    ship: Offer
    stores: list[StoreAvailability]
    reasons: list[str] = []
    promisable: PromisableQuantity | UnsetType = UNSET


class NearbyStore(Struct, frozen=True):
    """A store and its distance from the requested point."""

    store: Store
    distance_km: float | None = None


Catalogue = Mapping[Sku, Product]


def stocked_components(
    product: Product | ProductWithParts,
    catalogue: Mapping[Sku, Product] | Mapping[Sku, ProductWithParts],
) -> dict[Sku, int]:
    """Lists the parts of one unit that can run out: the parts of a kit, or the product itself.

    Empty for a product that is not tracked.
    """
    parts = all_components(product, catalogue)
    return {sku: each for sku, each in parts.items() if catalogue[sku].tracked}


def all_components(
    product: Product | ProductWithParts,
    catalogue: Mapping[Sku, Product] | Mapping[Sku, ProductWithParts],
) -> dict[Sku, int]:
    """Lists the parts to pick for one unit, whether they can run out or not."""
    parts = product.parts or {product.sku: 1}
    return {sku: each for sku, each in parts.items() if sku in catalogue}


def tracked_components(
    product: Product, catalogue: Catalogue, store: StoreId, levels: Collection[StockKey]
) -> dict[Sku, int]:
    """Lists the parts to book in `store`: those that can run out or have a stock level there."""
    return {
        sku: each
        for sku, each in all_components(product, catalogue).items()
        if catalogue[sku].tracked or (store, sku) in levels
    }


def component_skus(product: Product) -> Collection[Sku]:
    """Lists the SKUs whose stock levels decide the quantity."""
    return product.parts or (product.sku,)


def group_by_sku(levels: StockLevelMap) -> dict[Sku, dict[StockKey, StockLevel]]:
    """Groups the stock levels by SKU."""
    found: dict[Sku, dict[StockKey, StockLevel]] = {}
    for place, level in levels.items():
        found.setdefault(level.sku, {})[place] = level
    return found


def sellable_units(
    parts: Mapping[Sku, int],
    store: StoreId,
    levels: StockLevelMap,
    own: Mapping[StockKey, int] = NO_HELD_UNITS,
    taken: Mapping[StockKey, int] = NO_HELD_UNITS,
) -> int:
    """Counts whole units made of `parts` that `store` may sell to the owner of the claims in `own`.

    `taken` units are reserved for other lines of the same buyer.
    """
    return min(
        max(
            0,
            _sellable(levels.get((store, sku)), own.get((store, sku), 0))
            - taken.get((store, sku), 0),
        )
        // each
        for sku, each in parts.items()
    )


def compute_pickup(
    product: Product,
    store: Store,
    offer: Offer,
    view: "AvailabilityView",
    *,
    in_doubt: bool = False,
) -> PickupAvailability:
    """Whether one unit can be collected at `store`, and from when if it were ordered now.

    Goods that are `in_doubt` are not refused; the answer marks them.
    """
    ready = store.ready_at(view.now)
    against = store.find_unavailable_reason(view.channel)
    reasons = [
        reason
        for reason, applies in (
            ("retired", product.state is ProductState.RETIRED),
            (against or "", against),
            ("pickup_unavailable", not store.pickup),
            ("store_never_open", ready is None),
            ("out_of_stock", offer.status is StockStatus.OUT_OF_STOCK),
        )
        if applies
    ]
    if reasons or not in_doubt:
        return PickupAvailability(not reasons, None if reasons else ready, reasons)
    return PickupAvailability(eligible=True, ready_from=ready, reasons=["low_confidence"])


def compute_availability(
    product: Product,
    catalogue: Catalogue,
    levels: Mapping[Sku, StockLevelMap],
    places: Iterable[NearbyStore],
    view: "AvailabilityView",
) -> SkuAvailability:
    """Answers for `product`, from all stock levels of its parts, for the stores in `places`."""
    parts = stocked_components(product, catalogue)
    mine = {
        place: level
        for sku in component_skus(product)
        for place, level in levels.get(sku, {}).items()
    }
    units = (
        {store: sellable_units(parts, store, mine) for store in {store for store, _ in mine}}
        if parts
        else {}
    )
    return SkuAvailability(
        sku=product.sku,
        version=sum(level.version for level in mine.values()),
        ship=to_offers(product, sum(units.values()) if parts else None, view),
        stores=[
            _to_store_availability(
                product, place, units.get(place.store.store, 0) if parts else None, mine, view
            )
            for place in places
        ],
        reasons=["retired"] if product.state is ProductState.RETIRED else [],
    )


class AvailabilityView(Struct, frozen=True):
    """The caller, time and channel of a query; staff may have the sum of their own stores."""

    now: datetime
    display_policy: StockDisplayPolicy
    may_explain: Callable[[StoreId], bool] | None = None
    conditions: Mapping[StockKey, Conditions] = {}
    """The reasons for unavailable units, where the sum is explained."""
    channel: ChannelId = WEB


def unknown_availability(sku: Sku) -> SkuAvailability:
    """The answer, in a list, for a SKU that is not in the catalogue."""
    return SkuAvailability(sku, 0, Offer(StockStatus.OUT_OF_STOCK, 0), [], ["unknown_sku"])


def explain_availability(
    level: StockLevel, store: Store, view: AvailabilityView
) -> AvailabilityBreakdown:
    """Explains the sum of one stock level; the reasons for unsellable units are codes."""
    against = store.find_unavailable_reason(view.channel)
    sure = assess_confidence(level, view.now)
    reasons = [
        reason
        for reason, applies in (
            (against or "", against),
            ("below_safety_stock", 0 < level.available <= level.safety_stock),
            ("below_buffer", 0 < level.available - level.safety_stock <= level.buffer),
            ("held_by_carts", level.held > 0),
            ("promised_to_orders", level.allocated > 0),
            ("not_for_sale", level.unavailable > 0),
            ("oversold", level.available < 0),
            (
                "low_confidence",
                confidence_score(level, view.now) < view.display_policy.low_confidence_threshold,
            ),
        )
        if applies
    ]
    return AvailabilityBreakdown(
        level.on_hand,
        level.unavailable,
        level.allocated,
        level.held,
        level.safety_stock,
        level.buffer,
        level.sellable,
        reasons,
        view.conditions.get((level.store, level.sku), {}),
        sure,
    )


def _is_low_confidence(
    product: Product, store: Store, levels: StockLevelMap, view: AvailabilityView
) -> bool:
    """Whether the confidence in one of its parts is below the threshold."""
    lying = [levels.get((store.store, sku)) for sku in component_skus(product)]
    return any(
        level is not None
        and confidence_score(level, view.now) < view.display_policy.low_confidence_threshold
        for level in lying
    )


def _breakdown_if_allowed(
    level: StockLevel, store: Store, view: AvailabilityView
) -> AvailabilityBreakdown | UnsetType:
    """To whom it may be shown."""
    return (
        explain_availability(level, store, view)
        if view.may_explain and view.may_explain(level.store)
        else UNSET
    )


def _sellable(level: StockLevel | None, own: int) -> int:
    if level is None:
        return 0
    return level.sellable_for(own) if own else level.sellable


def to_offers(product: Product, units: int | None, view: AvailabilityView) -> Offer:
    """Shows `units` as the rule allows; None means that they are not counted."""
    if product.state is ProductState.RETIRED:
        return Offer(StockStatus.OUT_OF_STOCK, view.display_policy.to_displayed(0))
    if units is None:
        return Offer(StockStatus.IN_STOCK, None)
    return Offer(
        stock_status(units, view.display_policy.low_stock_threshold),
        view.display_policy.to_displayed(units),
    )


def _to_store_availability(
    product: Product,
    place: NearbyStore,
    units: int | None,
    levels: StockLevelMap,
    view: AvailabilityView,
) -> StoreAvailability:
    store = place.store
    serves = store.serves(view.channel)
    offer = to_offers(product, units if serves else 0, view)
    level = levels.get(
        (store.store, product.sku), StockLevel(store.store, product.sku, serves=serves)
    )
    return StoreAvailability(
        store=store.store,
        name=store.name,
        status=offer.status,
        quantity=offer.quantity,
        pickup=compute_pickup(
            product, store, offer, view, in_doubt=_is_low_confidence(product, store, levels, view)
        ),
        distance_km=UNSET if place.distance_km is None else round(place.distance_km, 1),
        explain=_breakdown_if_allowed(level, store, view) if not product.parts else UNSET,
    )
