"""What came back of an order lies on its shelf, is no longer its buyer's, and is paid back."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct, structs

from domain.catalogue.products import Made
from domain.foundation.callers import Caller, Role
from domain.foundation.events import ReturnReceived
from domain.fulfilment.fulfilments import Group
from domain.inventory.availability import all_parts
from domain.inventory.stock_levels import Place, Shelf
from domain.kernel.ids import Sku, StoreId
from domain.orders.order_lines import OrderLine
from domain.orders.orders import Order
from domain.orders.timeline import By, What, side_of
from domain.payments.refunds import Refund, refunds_of, through_provider
from domain.pos.receipts import ReceiptLine
from domain.returns.dispositions import Disposition, Elsewhere, Proposal, proposed
from domain.returns.non_receipted import Brought
from domain.returns.returns import (
    Asked,
    Return,
    ReturnChannel,
    ReturnLine,
    covered,
    lines_back,
    return_step,
)
from domain.stores.stores import StoreState
from service.orders.payment.apply_status import settle
from service.shared.unit_of_work import Unit

Named = TypeVar("Named", Asked, Brought)


class Goods(Struct, frozen=True):
    """What of one unit of each line goes to the shelf, and the shelves as they were before."""

    parts: Mapping[str, dict[Sku, int]]
    shelves: Mapping[Place, Shelf]


async def booked(unit: Unit, caller: Caller, draft: Return, asked: Sequence[Asked]) -> Return:
    """The return once that came back to its store: shelves, order, points and money follow.

    Shelves are locked before the order, as whoever hands goods over does. Under the order's lock
    no other return of it changes.

    Raises MoreThanGiven, ReturnOver, TooMuch.
    """
    assert draft.order, "it is a return of an order"
    told = await by_sku(unit, asked)
    goods = await _goods(unit, await unit.orders.get(draft.order), told, draft.store)
    order = await unit.orders.take(draft.order)
    others = await unit.returns.of_order(order.id)
    for one in others:
        if one.id == draft.id:
            one.must_be_expected()
    lines = lines_back(order, told, goods.parts, pays_missing=caller.role is Role.OFFICE)
    back = draft.received(caller.id, unit.now, lines=lines)
    at_till = back.channel is ReturnChannel.STORE
    back = structs.replace(
        back,
        customer=order.customer,
        refunds=refunds_of(back.refund.amount, order.tenders, paid_back(others), at_till=at_till),
        proposals=await proposals_of(unit, lines, goods.shelves, back.store),
    )
    await to_shelves(unit, back, goods.shelves)
    after = await no_longer_with(unit, order, back, side_of(caller))
    await unit.points.take_back({order.id: after.unearned()})
    return back


async def by_sku(unit: Unit, asked: Sequence[Named]) -> list[Named]:
    """Those that were scanned by what their barcode stands for; the barcode where by nothing."""
    scanned = [ReceiptLine(quantity=1, gtin=one.gtin).name for one in asked if one.gtin]
    called = await unit.products.called(scanned) if scanned else {}
    names = iter(scanned)
    return [
        structs.replace(one, sku=called.get(name := next(names), name), gtin=None)
        if one.gtin
        else one
        for one in asked
    ]


def paid_back(returns: Iterable[Return]) -> Counter[str]:
    """Minor units of each tender that were paid back by the returns of a taken order."""
    paid = Counter[str]()
    for back in returns:
        for refund in back.refunds:
            paid[refund.type] += refund.amount.amount
    return paid


async def to_shelves(unit: Unit, back: Return, shelves: Mapping[Place, Shelf]) -> None:
    """The goods come to their locked shelves. Raises TooMuch."""
    moves = back.moves(unit.now)
    for move in moves:
        shelves[move.change.place].must_hold(move.change)
    await unit.stock.apply(moves)


async def no_longer_with(unit: Unit, order: Order, back: Return, by: By) -> Order:
    """The taken order, whose buyer no longer has what came back; its points are another matter.

    What its provider pays back is asked for. `by` is the side that took it back.
    """
    after = await paid_back_of(unit, order, back.units, back.refunds)
    await unit.outbox.add(
        ReturnReceived(
            back=back.id,
            order=order.id,
            store=back.store,
            whole=not any(line.returnable for line in after.lines),
            customer=order.customer,
            at=unit.now,
        ),
        told=[return_step(back, What.RETURNED, by, back.by, back.refund)],
    )
    await _close_covered(unit, after, back, by)
    return after


async def _close_covered(unit: Unit, order: Order, back: Return, by: By) -> None:
    """What was announced cannot come any more once the last of it came back in another way."""
    if all(line.returnable for line in order.lines if line.line in back.units):
        return
    for one in covered(await unit.returns.of_order(order.id), order):
        if one.id != back.id:
            closed = one.cancelled(unit.now)
            await unit.returns.keep(closed)
            told = return_step(closed, What.RETURN_CANCELLED, by, back.by)
            await unit.outbox.add(told=[told])


async def paid_back_of(
    unit: Unit, order: Order, units: Mapping[str, int], refunds: Sequence[Refund]
) -> Order:
    """The taken order after these units of its lines came back, and these refunds."""
    after = order.taken_back(units, unit.now, paid_back=through_provider(refunds))
    await unit.orders.keep(after)
    if after.by_card:
        await settle(unit, after)
    return after


async def shelved(
    unit: Unit, parts: Mapping[str, Mapping[Sku, int]], made: Mapping[Sku, Made], store: StoreId
) -> Goods:
    """What of each line has a shelf here, all of them locked; what can run out gets one."""
    places = {(store, sku) for units in parts.values() for sku in units}
    tracked = {place for place in places if made[place[1]].tracked}
    shelves = await unit.stock.lock(places, shelve=tracked)
    return Goods(
        {
            line: {sku: each for sku, each in units.items() if (store, sku) in shelves}
            for line, units in parts.items()
        },
        shelves,
    )


async def proposals_of(
    unit: Unit, lines: Sequence[ReturnLine], shelves: Mapping[Place, Shelf], store: StoreId
) -> list[Proposal]:
    """Where what came back belongs, part by part."""
    others = await _elsewhere(unit, {sku for line in lines for sku in line.parts}, store)
    return [
        proposed(line.disposition, each * line.quantity, shelves[store, sku], others[sku])
        for line in lines
        if line.disposition
        for sku, each in line.parts.items()
    ]


async def _elsewhere(
    unit: Unit, skus: Collection[Sku], store: StoreId
) -> dict[Sku, list[Elsewhere]]:
    """Shelves of other stores that have nothing to sell, with how far each is."""
    found: dict[Sku, list[Elsewhere]] = {sku: [] for sku in skus}
    lacking = [shelf for shelf in (await unit.stock.of(skus)).values() if not shelf.sellable]
    stores = await unit.stores.by_id({store, *(shelf.store for shelf in lacking)})
    here = stores[store]
    for shelf in lacking:
        there = stores[shelf.store]
        if there is not here and there.state is StoreState.ACTIVE:
            far = (
                there.km_from(here.latitude, here.longitude)
                if here.latitude is not None and here.longitude is not None
                else None
            )
            found[shelf.sku].append(Elsewhere(shelf, far))
    return found


async def _goods(unit: Unit, order: Order, asked: Sequence[Asked], store: StoreId) -> Goods:
    coming = [
        line
        for line in order.lines
        if any(one.means(line) and one.disposition is not Disposition.MISSING for one in asked)
    ]
    given = await _given_parts(unit, order)
    skus = {sku for line in coming for sku in (line.sku, *given.get((line.group, line.sku), ()))}
    made = await unit.products.made_of(skus)
    parts = {line.line: _parts_of(line, given, made) for line in coming}
    return await shelved(unit, parts, made, store)


def _parts_of(
    line: OrderLine, given: Mapping[tuple[str, Sku], dict[Sku, int]], made: Mapping[Sku, Made]
) -> dict[Sku, int]:
    """What was fetched for a unit when it was given; else what it is made of today."""
    fetched = given.get((line.group, line.sku)) or all_parts(made[line.sku], made)
    return {sku: each for sku, each in fetched.items() if sku in made}


async def _given_parts(unit: Unit, order: Order) -> dict[tuple[str, Sku], dict[Sku, int]]:
    """What was fetched for a unit of each line of each group: a kit may be another one by now."""
    groups: list[Group] = [
        *await unit.pickups.of_order(order.id),
        *await unit.shipments.of_order(order.id),
    ]
    return {(group.id, line.sku): line.parts for group in groups for line in group.lines}
