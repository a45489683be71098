"""Booking of returns: goods go back to stock, leave the buyer's order, and are refunded."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct, structs

from domain.catalogue.products import ProductWithParts
from domain.foundation.callers import Caller, Role
from domain.foundation.events import ReturnReceived
from domain.fulfilment.fulfilments import Fulfilment
from domain.inventory.availability import all_components
from domain.inventory.stock_levels import StockKey, StockLevel
from domain.kernel.ids import Sku, StoreId
from domain.orders.order_lines import OrderLine
from domain.orders.orders import Order
from domain.orders.timeline import ActorKind, TimelineEventKind, actor_kind_of
from domain.payments.refunds import Refund, by_provider, split_refund
from domain.pos.receipts import ReceiptLine
from domain.returns.dispositions import Disposition, DispositionProposal, OtherLocation, propose
from domain.returns.non_receipted import BroughtItem
from domain.returns.returns import (
    RequestedLine,
    Return,
    ReturnChannel,
    ReturnLine,
    find_exhausted_returns,
    return_entry,
    to_return_lines,
)
from domain.stores.stores import StoreState
from service.orders.payment.apply_status import settle_payment
from service.shared.unit_of_work import Unit

Named = TypeVar("Named", RequestedLine, BroughtItem)


class ReturnedGoods(Struct, frozen=True):
    """Components that go back to stock for one unit of each line, and the stock levels before."""

    parts: Mapping[str, dict[Sku, int]]
    levels: Mapping[StockKey, StockLevel]


async def book_return(
    unit: Unit, caller: Caller, draft: Return, asked: Sequence[RequestedLine]
) -> Return:
    """Books a return that has arrived at its store: stock, order, points and money follow.

    Stock levels are locked before the order, in the same order as a handover. Under the order's
    lock no other return of it changes.

    Raises ReturnTooLarge, ReturnClosed, TooMuch.
    """
    assert draft.order, "it is a return of an order"
    told = await by_sku(unit, asked)
    goods = await _goods(unit, await unit.orders.orders.get(draft.order), told, draft.store)
    order = await unit.orders.orders.get_for_update(draft.order)
    others = await unit.returns.returns.list_by_order(order.id)
    for one in others:
        if one.id == draft.id:
            one.ensure_announced()
    lines = to_return_lines(order, told, goods.parts, pays_missing=caller.role is Role.OFFICE)
    back = draft.receive(caller.id, unit.now, lines=lines)
    at_till = back.channel is ReturnChannel.STORE
    back = structs.replace(
        back,
        customer=order.customer,
        refunds=split_refund(
            back.refund.amount, order.tenders, refunded_minor(others), at_till=at_till
        ),
        proposals=await propose_dispositions(unit, lines, goods.levels, back.store),
    )
    await to_stock_levels(unit, back, goods.levels)
    after = await settle_returned_units(unit, order, back, actor_kind_of(caller))
    await unit.loyalty.points.deduct({order.id: after.units_without_points()})
    return back


async def by_sku(unit: Unit, asked: Sequence[Named]) -> list[Named]:
    """The scanned units by the SKU of their barcode; by the barcode where no SKU has it."""
    scanned = [ReceiptLine(quantity=1, gtin=one.gtin).item_code for one in asked if one.gtin]
    called = await unit.catalogue.products.find_by_gtin(scanned) if scanned else {}
    names = iter(scanned)
    return [
        structs.replace(one, sku=called.get(name := next(names), name), gtin=None)
        if one.gtin
        else one
        for one in asked
    ]


def refunded_minor(returns: Iterable[Return]) -> Counter[str]:
    """Minor units of each tender that were paid back by the returns of a taken order."""
    paid = Counter[str]()
    for back in returns:
        for refund in back.refunds:
            paid[refund.type] += refund.amount.amount
    return paid


async def to_stock_levels(unit: Unit, back: Return, levels: Mapping[StockKey, StockLevel]) -> None:
    """Adds the goods to their locked stock levels. Raises TooMuch."""
    moves = back.to_postings(unit.now)
    for move in moves:
        levels[move.delta.key].ensure_capacity(move.delta)
    await unit.inventory.stock_levels.apply(moves)


async def settle_returned_units(unit: Unit, order: Order, back: Return, by: ActorKind) -> Order:
    """The locked order without the units that its buyer returned; its points are settled elsewhere.

    The refund is requested from its provider. `by` is the side that took the goods back.
    """
    after = await get_refunds(unit, order, back.units, back.refunds)
    await unit.administration.outbox.add(
        ReturnReceived(
            back=back.id,
            order=order.id,
            store=back.store,
            whole=not any(line.returnable for line in after.lines),
            customer=order.customer,
            at=unit.now,
        ),
        told=[return_entry(back, TimelineEventKind.RETURNED, by, back.by, back.refund)],
    )
    await _close_covered(unit, after, back, by)
    return after


async def _close_covered(unit: Unit, order: Order, back: Return, by: ActorKind) -> None:
    """Closes announced returns whose last units came back another way."""
    if all(line.returnable for line in order.lines if line.line in back.units):
        return
    for one in find_exhausted_returns(await unit.returns.returns.list_by_order(order.id), order):
        if one.id != back.id:
            closed = one.cancel(unit.now)
            await unit.returns.returns.update(closed)
            told = return_entry(closed, TimelineEventKind.RETURN_CANCELLED, by, back.by)
            await unit.administration.outbox.add(told=[told])


async def get_refunds(
    unit: Unit, order: Order, units: Mapping[str, int], refunds: Sequence[Refund]
) -> Order:
    """The taken order after these units of its lines came back, and these refunds."""
    after = order.record_return(units, unit.now, refunded_minor=by_provider(refunds))
    await unit.orders.orders.update(after)
    if after.is_paid_by_card:
        await settle_payment(unit, after)
    return after


async def restock(
    unit: Unit,
    parts: Mapping[str, Mapping[Sku, int]],
    made: Mapping[Sku, ProductWithParts],
    store: StoreId,
) -> ReturnedGoods:
    """The units of each line with a stock level here, all locked; a tracked SKU gets a new one."""
    places = {(store, sku) for units in parts.values() for sku in units}
    tracked = {place for place in places if made[place[1]].tracked}
    levels = await unit.inventory.stock_levels.get_for_update(places, shelve=tracked)
    return ReturnedGoods(
        {
            line: {sku: each for sku, each in units.items() if (store, sku) in levels}
            for line, units in parts.items()
        },
        levels,
    )


async def propose_dispositions(
    unit: Unit, lines: Sequence[ReturnLine], levels: Mapping[StockKey, StockLevel], store: StoreId
) -> list[DispositionProposal]:
    """Proposes a disposition for the returned goods, component by component."""
    others = await _elsewhere(unit, {sku for line in lines for sku in line.parts}, store)
    return [
        propose(line.disposition, each * line.quantity, levels[store, sku], others[sku])
        for line in lines
        if line.disposition
        for sku, each in line.parts.items()
    ]


async def _elsewhere(
    unit: Unit, skus: Collection[Sku], store: StoreId
) -> dict[Sku, list[OtherLocation]]:
    """Stock levels of other stores that have no units to sell, with the distance of each store."""
    found: dict[Sku, list[OtherLocation]] = {sku: [] for sku in skus}
    lacking = [
        level
        for level in (await unit.inventory.stock_levels.list_by_skus(skus)).values()
        if not level.sellable
    ]
    stores = await unit.stores.stores.get_many({store, *(level.store for level in lacking)})
    here = stores[store]
    for level in lacking:
        there = stores[level.store]
        if there is not here and there.state is StoreState.ACTIVE:
            far = (
                there.distance_from(here.latitude, here.longitude)
                if here.latitude is not None and here.longitude is not None
                else None
            )
            found[level.sku].append(OtherLocation(level, far))
    return found


async def _goods(
    unit: Unit, order: Order, asked: Sequence[RequestedLine], store: StoreId
) -> ReturnedGoods:
    coming = [
        line
        for line in order.lines
        if any(one.matches(line) and one.disposition is not Disposition.MISSING for one in asked)
    ]
    given = await _given_parts(unit, order)
    skus = {sku for line in coming for sku in (line.sku, *given.get((line.group, line.sku), ()))}
    made = await unit.catalogue.products.get_with_parts(skus)
    parts = {line.line: _parts_of(line, given, made) for line in coming}
    return await restock(unit, parts, made, store)


def _parts_of(
    line: OrderLine,
    given: Mapping[tuple[str, Sku], dict[Sku, int]],
    made: Mapping[Sku, ProductWithParts],
) -> dict[Sku, int]:
    """The components picked for a unit at the handover; otherwise those of the catalogue now."""
    fetched = given.get((line.group, line.sku)) or all_components(made[line.sku], made)
    return {sku: each for sku, each in fetched.items() if sku in made}


async def _given_parts(unit: Unit, order: Order) -> dict[tuple[str, Sku], dict[Sku, int]]:
    """The components picked for a unit of each line and group: a kit may have changed since."""
    groups: list[Fulfilment] = [
        *await unit.fulfilment.pickups.list_by_order(order.id),
        *await unit.fulfilment.shipments.list_by_order(order.id),
    ]
    return {(group.id, line.sku): line.parts for group in groups for line in group.lines}
