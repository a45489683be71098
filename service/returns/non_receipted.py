"""A store takes goods back without a receipt, where the office allows it."""

from collections.abc import Mapping, Sequence

from msgspec import structs

from domain.catalogue.products import ProductWithParts
from domain.foundation.callers import AccessDenied, Caller
from domain.foundation.events import ReturnReceived
from domain.inventory.availability import all_components
from domain.kernel.ids import ReturnId, Sku, StoreId
from domain.returns.non_receipted import BroughtItem, ReceiptRequired, to_store_credit, value_of
from domain.returns.returns import Return, ReturnChannel, ReturnLine, ReturnState
from service.foundation.ports import IdempotencyKey
from service.returns.book_return import by_sku, propose_dispositions, restock, to_stock_levels
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units


@retry_on_conflict
async def receive_without_receipt(
    units: Units,
    *,
    caller: Caller,
    store: StoreId,
    brought: Sequence[BroughtItem],
    note: str,
    most: int,
    key: IdempotencyKey,
) -> Return:
    """Accepts goods without a receipt, worth at most `most` minor units, for store credit.

    Raises:
        ReceiptRequired: it is not allowed, or not for this amount.
        AccessDenied, StoreNotFound, InvalidField.
    """
    if not caller.works_at(store):
        raise AccessDenied(caller, store)
    if not most:
        raise ReceiptRequired(most)
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, Return):
            return first
        await unit.stores.stores.get(store)
        back = await _taken(unit, caller, store, brought, note=note, most=most)
        await unit.returns.returns.add(back)
        await unit.administration.outbox.add(ReturnReceived(back=back.id, store=store, at=unit.now))
        await unit.foundation.idempotency.save_answer(key, back)
    return back


async def _taken(
    unit: Unit,
    caller: Caller,
    store: StoreId,
    brought: Sequence[BroughtItem],
    *,
    note: str,
    most: int,
) -> Return:
    told = await by_sku(unit, brought)
    skus = {one.name for one in told}
    made = await unit.catalogue.products.get_with_parts(skus)
    lines = value_of(
        told, await unit.catalogue.products.get_many(skus), _parts(skus & made.keys(), made), most
    )
    goods = await restock(unit, {line.sku: line.parts for line in lines}, made, store)
    lines = [structs.replace(line, parts=goods.parts[line.sku]) for line in lines]
    back = _received(unit, caller, store, lines, note)
    back = structs.replace(
        back, proposals=await propose_dispositions(unit, lines, goods.levels, store)
    )
    await to_stock_levels(unit, back, goods.levels)
    return back


def _parts(skus: set[Sku], made: Mapping[Sku, ProductWithParts]) -> dict[Sku, dict[Sku, int]]:
    return {sku: all_components(made[sku], made) for sku in skus}


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
        refunds=to_store_credit(lines),
        by=caller.id,
        note=note,
        created_at=unit.now,
        changed_at=unit.now,
        received_at=unit.now,
    )
