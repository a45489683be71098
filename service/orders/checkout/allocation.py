"""Allocation of an order's stock, and the work orders for its locations."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from domain.foundation.events import OrderPlaced
from domain.fulfilment.fulfilments import Fulfilment, FulfilmentLine, deltas_between
from domain.fulfilment.pickups import Pickup, PickupState
from domain.fulfilment.shipments import Shipment, ShipmentState
from domain.inventory.availability import Catalogue, all_components, tracked_components
from domain.inventory.holds import HoldState, to_deltas
from domain.inventory.stock_levels import (
    InsufficientStock,
    MovementReason,
    PostingSource,
    StockDelta,
    StockKey,
    StockLevel,
    StockPosting,
    lines_by_stock_key,
    shortages,
    sum_by_key,
    to_postings,
)
from domain.kernel.ids import WEB, CustomerId, HoldId, MemberId
from domain.loyalty.points import Purchase
from domain.orders.orders import Order
from domain.orders.timeline import placed_entry
from service.carts.cart_holds import CartHold
from service.shared.unit_of_work import Unit
from service.sourcing.routing import may_be_elsewhere


class Allocator:
    """Locked stock levels as the earlier orders left them, and the allocations made.

    Orders are decided one after the other and written together.
    """

    def __init__(
        self,
        unit: Unit,
        catalogue: Catalogue,
        levels: Mapping[StockKey, StockLevel],
        buyers: Mapping[CustomerId, MemberId],
    ) -> None:
        self.levels = dict(levels)
        self._unit = unit
        self._catalogue = catalogue
        self._buyers = buyers
        self._orders: list[Order] = []
        self._groups: list[Fulfilment] = []
        self._moves: list[StockPosting] = []
        self._holds: dict[HoldState, list[HoldId]] = {}

    @classmethod
    async def open(
        cls, unit: Unit, orders: Collection[Order], catalogue: Catalogue, kept: Collection[CartHold]
    ) -> "Allocator":
        """Lock all that these orders take or keep, and then the members who earn by them."""
        places = {place for order in orders for place in stock_keys_of(order, catalogue)}
        places |= {place for one in kept for place in one.claimed}
        levels, terms = await unit.inventory.sellable_stock.get_for_update(sorted(places), [WEB])
        customers = {order.customer for order in orders if order.customer}
        buyers = await unit.loyalty.points.get_members(customers) if customers else {}
        return cls(unit, catalogue, terms[WEB].apply_to_all(levels), buyers)

    def promise(self, order: Order, kept: CartHold) -> Order:
        """Allocates an order's stock, starts its groups' preparation, and records pending points.

        The cart's hold becomes the order's in the same step. An expired hold is ignored. An order
        paid for earlier is already saved, and is retained.

        Raises:
            InsufficientStock: with every shortage; nothing is allocated.
            TransactionConflict: the units left their location just now; retry the routing.
        """
        groups = fulfilments_of(order, self._catalogue, self.levels)
        changes = self._changes(groups, kept)
        source = PostingSource(MovementReason.ORDER, order.id, order.actor, self._unit.now)
        self._moves += to_postings([*changes, *to_deltas(kept.claimed, sign=-1)], source)
        # Units that an expired hold still claims are already free on these stock levels.
        for change in sum_by_key([*changes, *to_deltas(kept.places, sign=-1)]):
            self.levels[change.key] = self.levels[change.key].apply(change)
        if kept.hold and kept.claimed:
            state = HoldState.CONVERTED if kept.places else HoldState.EXPIRED
            self._holds.setdefault(state, []).append(kept.hold.id)
        if order.customer in self._buyers:
            order = order.with_points()
        self._orders.append(order)
        self._groups += groups
        return order

    def _changes(self, groups: Sequence[Fulfilment], kept: CartHold) -> list[StockDelta]:
        """The units the groups take from stock. Raises InsufficientStock, TransactionConflict."""
        changes = [change for group in groups for change in deltas_between(None, group)]
        wanted = {
            change.key: change.allocated
            for change in sum_by_key(changes)
            if self._catalogue[change.sku].tracked
        }
        if short := shortages(wanted, self.levels, kept.places):
            may_be_elsewhere(short, _collected(groups))
            lines = [(one.store, line.sku, line.parts) for one in groups for line in one.lines]
            raise InsufficientStock(short, lines_by_stock_key(lines))
        return changes

    async def close(self) -> None:
        """Write all that was promised."""
        if not self._orders:
            return
        unit, orders, groups = self._unit, self._orders, self._groups
        await unit.inventory.stock_levels.apply(self._moves)
        for state, holds in self._holds.items():
            await unit.inventory.holds.close(holds, state)
        await unit.orders.orders.add(*(order for order in orders if not order.attempt))
        for order in orders:
            if order.attempt:
                await unit.orders.orders.update(order)
        await unit.fulfilment.pickups.add(*(group for group in groups if isinstance(group, Pickup)))
        await unit.fulfilment.shipments.add(
            *(group for group in groups if isinstance(group, Shipment))
        )
        await unit.fulfilment.allocations.upsert(
            [claim for group in groups for claim in group.allocations()]
        )
        await unit.loyalty.points.add_pending(
            [self._purchase(one) for one in orders if one.points.to_earn]
        )
        events = [OrderPlaced(order=one.id, customer=one.customer, at=unit.now) for one in orders]
        await unit.administration.outbox.add(
            *events, told=[placed_entry(order) for order in orders]
        )

    def _purchase(self, order: Order) -> Purchase:
        assert order.customer, "only members earn"
        points = {line.line: line.points for line in order.lines if line.points}
        return Purchase(order.id, self._buyers[order.customer], points, order.placed_at)


def stock_keys_of(order: Order, catalogue: Catalogue) -> set[StockKey]:
    """The stock keys of the order's goods, where the goods have a location."""
    return {
        (group.store, part)
        for group in order.groups
        for sku in order.lines_of(group.id)
        for part in all_components(catalogue[sku], catalogue)
    }


def fulfilments_of(
    order: Order, catalogue: Catalogue, levels: Mapping[StockKey, StockLevel]
) -> list[Pickup | Shipment]:
    """The pickups and shipments of an order, as its locations get them."""
    groups: list[Pickup | Shipment] = []
    for group in order.groups:
        facts: dict[str, Any] = {
            "order": order.id,
            "store": group.store,
            "lines": [
                FulfilmentLine(
                    sku=line.sku,
                    name=catalogue[line.sku].name,
                    quantity=line.quantity,
                    parts=tracked_components(catalogue[line.sku], catalogue, group.store, levels),
                    gtin=catalogue[line.sku].gtin,
                )
                for line in order.lines_of(group.id).values()
            ],
            "promised_from": group.promised_from,
            "promised_until": group.promised_until,
            "placed_at": order.placed_at,
            "changed_at": order.placed_at,
            "customer": order.customer,
        }
        if group.pickup:
            groups.append(Pickup(id=group.pickup, state=PickupState.PLACED, **facts))
        else:
            assert group.shipment, "a group is a pickup or a shipment"
            method = order.pricing.shipping.method if order.pricing.shipping else ""
            facts["method"] = method
            groups.append(Shipment(id=group.shipment, state=ShipmentState.PLACED, **facts))
    return groups


def _collected(groups: Sequence[Fulfilment]) -> set[StockKey]:
    """The stock keys of the goods to be collected."""
    pickups = [group for group in groups if isinstance(group, Pickup)]
    return {(one.store, part) for one in pickups for line in one.lines for part in line.parts}
