"""A store takes goods back without a receipt, where the office allows it."""

from collections.abc import Mapping, Sequence

from msgspec import structs

from domain.catalogue.products import Made
from domain.foundation.callers import Caller, NotYours
from domain.foundation.events import ReturnReceived
from domain.inventory.availability import all_parts
from domain.kernel.ids import ReturnId, Sku, StoreId
from domain.returns.non_receipted import Brought, ReceiptRequired, as_store_credit, worth
from domain.returns.returns import Return, ReturnChannel, ReturnLine, ReturnState
from service.foundation.ports import RequestKey
from service.returns.book_return import by_sku, proposals_of, shelved, to_shelves
from service.shared.retry import tried_again
from service.shared.unit_of_work import Unit, Units


@tried_again
async def take_unknown(
    units: Units,
    *,
    caller: Caller,
    store: StoreId,
    brought: Sequence[Brought],
    note: str,
    most: int,
    key: RequestKey,
) -> Return:
    """Take goods of nobody knows which order, worth at most `most` minor units: for store credit.

    Raises:
        ReceiptRequired: it is not allowed, or not for so much.
        NotYours, StoreMissing, WrongField.
    """
    if not caller.works_at(store):
        raise NotYours(caller, store)
    if not most:
        raise ReceiptRequired(most)
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Return):
            return first
        await unit.stores.get(store)
        back = await _taken(unit, caller, store, brought, note=note, most=most)
        await unit.returns.add(back)
        await unit.outbox.add(ReturnReceived(back=back.id, store=store, at=unit.now))
        await unit.requests.answer(key, back)
    return back


async def _taken(
    unit: Unit, caller: Caller, store: StoreId, brought: Sequence[Brought], *, note: str, most: int
) -> Return:
    told = await by_sku(unit, brought)
    skus = {one.name for one in told}
    made = await unit.products.made_of(skus)
    lines = worth(told, await unit.products.by_sku(skus), _parts(skus & made.keys(), made), most)
    goods = await shelved(unit, {line.sku: line.parts for line in lines}, made, store)
    lines = [structs.replace(line, parts=goods.parts[line.sku]) for line in lines]
    back = _received(unit, caller, store, lines, note)
    back = structs.replace(back, proposals=await proposals_of(unit, lines, goods.shelves, store))
    await to_shelves(unit, back, goods.shelves)
    return back


def _parts(skus: set[Sku], made: Mapping[Sku, Made]) -> dict[Sku, dict[Sku, int]]:
    return {sku: all_parts(made[sku], made) for sku in skus}


def _received(
    unit: Unit, caller: Caller, store: StoreId, lines: list[ReturnLine], note: str
) -> Return:
    return Return(
        id=ReturnId(unit.new_id("ret")),
        store=store,
        channel=ReturnChannel.STORE,
        state=ReturnState.RECEIVED,
        currency=lines[0].refund.currency,
        lines=lines,
        refunds=as_store_credit(lines),
        by=caller.id,
        note=note,
        created_at=unit.now,
        changed_at=unit.now,
        received_at=unit.now,
    )
