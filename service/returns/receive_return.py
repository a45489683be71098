"""Goods are brought back to a store, or announced and received when they come."""

from collections.abc import Sequence

from msgspec import Struct, structs

from domain.foundation.callers import AccessDenied, Caller, Role
from domain.kernel.errors import InvalidField
from domain.kernel.ids import OrderId, ReturnId, StoreId
from domain.kernel.money import Money
from domain.orders.orders import Order
from domain.orders.timeline import TimelineEventKind, actor_kind_of
from domain.payments.refunds import split_refund
from domain.returns.returns import (
    RequestedLine,
    Return,
    ReturnChannel,
    ReturnState,
    return_entry,
    to_return_lines,
)
from domain.stores.stores import UnknownStore
from service.foundation.ports import IdempotencyKey
from service.orders.queries import is_buyer
from service.returns.book_return import book_return, by_sku, get_refunds, refunded_minor
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units


class ReturnRequest(Struct, frozen=True):
    """The returned lines, the way of the return, and the store where several are possible."""

    asked: Sequence[RequestedLine]
    channel: ReturnChannel
    store: StoreId | None = None
    note: str = ""


@retry_on_conflict
async def create_return(
    units: Units, *, caller: Caller, order: OrderId, wish: ReturnRequest, key: IdempotencyKey
) -> Return:
    """Creates a return: a store receives the goods of any store's order, or a buyer announces them.

    A repeat with the same key returns the first return and receives nothing more.

    Raises:
        ReturnTooLarge: with the units that may be returned of each line.
        AccessDenied: neither the buyer nor an employee of the store.
        UnknownStore, InvalidField.
    """
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, Return):
            return first
        if caller.is_staff and not _announces(caller, wish):
            back = await _taken(unit, caller, order, wish)
        else:
            back = await _announced(unit, caller, order, wish)
            await _notify(unit, caller, back, TimelineEventKind.RETURN_ANNOUNCED)
        await unit.returns.returns.add(back)
        await unit.foundation.idempotency.save_answer(key, back)
    return back


@retry_on_conflict
async def receive_return(
    units: Units, *, caller: Caller, back: ReturnId, wish: ReturnRequest, key: IdempotencyKey
) -> Return:
    """Receives an announced return; the units that arrived count, not those announced.

    Raises:
        ReturnTooLarge: with the units that may be returned of each line.
        ReturnClosed: it was received before, or cancelled.
        AccessDenied, UnknownStore, InvalidField.
    """
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, Return):
            return first
        found = await unit.returns.returns.get(back)
        if not caller.works_at(found.store):
            raise AccessDenied(caller, back)
        found.ensure_announced()
        _must_be_disposed(wish.asked)
        store = await _place(unit, caller, wish.store or found.store)
        received = await book_return(
            unit, caller, structs.replace(found, store=store, note=wish.note), wish.asked
        )
        await unit.returns.returns.update(received)
        await unit.foundation.idempotency.save_answer(key, received)
    return received


@retry_on_conflict
async def cancel_return(
    units: Units, *, caller: Caller, back: ReturnId, key: IdempotencyKey | None
) -> Return:
    """Cancels an announced return; a repeat changes nothing. Raises ReturnClosed, AccessDenied."""
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, Return):
            return first
        taken, _ = await _taken_with_order(unit, back)
        if not caller.works_at(taken.store):
            await ensure_buyer(unit, caller, taken)
        cancelled = taken.cancel(unit.now)
        if cancelled is not taken:
            await unit.returns.returns.update(cancelled)
            await _notify(unit, caller, cancelled, TimelineEventKind.RETURN_CANCELLED)
        await unit.foundation.idempotency.save_answer(key, cancelled)
    return cancelled


@retry_on_conflict
async def decide_return(
    units: Units, *, caller: Caller, back: ReturnId, pays: bool, key: IdempotencyKey
) -> Return:
    """Refunds a deduction that was withheld, or confirms it. Raises NothingToDecide."""
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, Return):
            return first
        taken, order = await _taken_with_order(unit, back)
        refunds = []
        if pays and order:
            before = refunded_minor(await unit.returns.returns.list_by_order(order.id))
            refunds = split_refund(taken.withheld.amount, order.tenders, before, at_till=False)
            await get_refunds(unit, order, {}, refunds)
        decided = taken.decide_withheld(pays=pays, refunds=refunds, by=caller.id, now=unit.now)
        await unit.returns.returns.update(decided)
        paid = Money(decided.refund.amount - taken.refund.amount, taken.currency)
        await _notify(unit, caller, decided, TimelineEventKind.RETURN_DECIDED, paid)
        await unit.foundation.idempotency.save_answer(key, decided)
    return decided


async def _taken_with_order(unit: Unit, back: ReturnId) -> tuple[Return, Order | None]:
    """The return, and its order first: every return of an order changes under the order's lock."""
    found = await unit.returns.returns.get(back)
    order = await unit.orders.orders.get_for_update(found.order) if found.order else None
    return await unit.returns.returns.get_for_update(back), order


async def ensure_buyer(unit: Unit, caller: Caller, back: Return) -> None:
    """Raises AccessDenied."""
    if back.order is None or not is_buyer(caller, await unit.orders.orders.get(back.order)):
        raise AccessDenied(caller, back.id)


async def _notify(
    unit: Unit, caller: Caller, back: Return, what: TimelineEventKind, paid: Money | None = None
) -> None:
    if back.order:
        told = return_entry(back, what, actor_kind_of(caller), caller.id, paid)
        await unit.administration.outbox.add(told=[told])


def _announces(caller: Caller, wish: ReturnRequest) -> bool:
    """Whether the office announces the return for its buyer."""
    unseen = all(one.disposition is None for one in wish.asked)
    return caller.role is Role.OFFICE and wish.channel is ReturnChannel.POST and unseen


async def _taken(unit: Unit, caller: Caller, order: OrderId, wish: ReturnRequest) -> Return:
    _must_be_disposed(wish.asked)
    store = await _place(unit, caller, wish.store)
    found = await unit.orders.orders.get(order)
    return await book_return(unit, caller, _draft(unit, caller, found, wish, store), wish.asked)


async def _announced(unit: Unit, caller: Caller, order: OrderId, wish: ReturnRequest) -> Return:
    found = await unit.orders.orders.get_for_update(
        order
    )  # whoever takes the last of it back sees this one
    if not (caller.is_staff or is_buyer(caller, found)):
        raise AccessDenied(caller, order)
    if wish.channel is not ReturnChannel.POST:
        raise InvalidField("channel", "not_allowed", "must be post; a store takes goods itself")
    for position, one in enumerate(wish.asked):
        if one.disposition is not None:
            rule = "is set by the store that receives the goods"
            raise InvalidField(f"lines.{position}.disposition", "not_allowed", rule)
    lines = to_return_lines(found, await by_sku(unit, wish.asked))
    sent_from = {group.id: group.store for group in found.groups}
    group = next(line.group for line in found.lines if line.line == lines[0].line)
    store = await _existing(unit, wish.store or sent_from[group])
    draft = _draft(unit, caller, found, wish, store)
    return draft.with_changes(unit.now, lines=lines)


def _draft(unit: Unit, caller: Caller, order: Order, wish: ReturnRequest, store: StoreId) -> Return:
    """Returns the first version of a return."""
    return Return(
        id=ReturnId(unit.new_id("ret")),
        order=order.id,
        customer=order.customer,
        store=store,
        channel=wish.channel,
        state=ReturnState.ANNOUNCED,
        currency=order.currency,
        lines=[],
        by=caller.id,
        note=wish.note,
        created_at=unit.now,
        changed_at=unit.now,
        version=0,
    )


async def _place(unit: Unit, caller: Caller, named: StoreId | None) -> StoreId:
    """Where the goods came to: the caller's own store, or the one of them that was named."""
    if named is None:
        if len(caller.stores) != 1:
            raise InvalidField("store", "required", "must say which store has the goods")
        [named] = caller.stores
    if not caller.works_at(named):
        raise AccessDenied(caller, named)
    return await _existing(unit, named)


async def _existing(unit: Unit, store: StoreId) -> StoreId:
    if store not in await unit.stores.stores.get_many([store]):
        raise UnknownStore(store, {"pointer": "/store"})
    return store


def _must_be_disposed(asked: Sequence[RequestedLine]) -> None:
    for position, one in enumerate(asked):
        if one.disposition is None:
            rule = "must say what becomes of the goods"
            raise InvalidField(f"lines.{position}.disposition", "required", rule)
