"""Goods are brought back to a store, or announced and received when they come."""

from collections.abc import Sequence

from msgspec import Struct, structs

from domain.foundation.callers import Caller, NotYours, Role
from domain.kernel.errors import WrongField
from domain.kernel.ids import OrderId, ReturnId, StoreId
from domain.kernel.money import Money
from domain.orders.orders import Order
from domain.orders.timeline import What, side_of
from domain.payments.refunds import refunds_of
from domain.returns.returns import (
    Asked,
    Return,
    ReturnChannel,
    ReturnState,
    lines_back,
    return_step,
)
from domain.stores.stores import NoSuchStore
from service.foundation.ports import RequestKey
from service.orders.queries import is_buyer
from service.returns.book_return import booked, by_sku, paid_back, paid_back_of
from service.shared.retry import tried_again
from service.shared.unit_of_work import Unit, Units


class Wish(Struct, frozen=True):
    """What comes back, how, and to which store where more than one may be meant."""

    asked: Sequence[Asked]
    channel: ReturnChannel
    store: StoreId | None = None
    note: str = ""


@tried_again
async def give_back(
    units: Units, *, caller: Caller, order: OrderId, wish: Wish, key: RequestKey
) -> Return:
    """A store takes goods of any store's order; its buyer announces what will come by post.

    Repeating a call with the same key returns the first return and takes nothing more.

    Raises:
        MoreThanGiven: with what may come back of each line.
        NotYours: neither the buyer nor somebody who works at the store.
        NoSuchStore, WrongField.
    """
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Return):
            return first
        if caller.is_staff and not _announces(caller, wish):
            back = await _taken(unit, caller, order, wish)
        else:
            back = await _announced(unit, caller, order, wish)
            await _tell(unit, caller, back, What.RETURN_ANNOUNCED)
        await unit.returns.add(back)
        await unit.requests.answer(key, back)
    return back


@tried_again
async def receive(
    units: Units, *, caller: Caller, back: ReturnId, wish: Wish, key: RequestKey
) -> Return:
    """What was announced has come, or something else: what counts is what came.

    Raises:
        MoreThanGiven: with what may come back of each line.
        ReturnOver: it was received before, or cancelled.
        NotYours, NoSuchStore, WrongField.
    """
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Return):
            return first
        found = await unit.returns.get(back)
        if not caller.works_at(found.store):
            raise NotYours(caller, back)
        found.must_be_expected()
        _must_be_disposed(wish.asked)
        store = await _place(unit, caller, wish.store or found.store)
        received = await booked(
            unit, caller, structs.replace(found, store=store, note=wish.note), wish.asked
        )
        await unit.returns.keep(received)
        await unit.requests.answer(key, received)
    return received


@tried_again
async def cancel(units: Units, *, caller: Caller, back: ReturnId, key: RequestKey | None) -> Return:
    """What was announced will not come; a repeat changes nothing. Raises ReturnOver, NotYours."""
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Return):
            return first
        taken, _ = await _taken_with_order(unit, back)
        if not caller.works_at(taken.store):
            await must_be_buyer(unit, caller, taken)
        cancelled = taken.cancelled(unit.now)
        if cancelled is not taken:
            await unit.returns.keep(cancelled)
            await _tell(unit, caller, cancelled, What.RETURN_CANCELLED)
        await unit.requests.answer(key, cancelled)
    return cancelled


@tried_again
async def decide(
    units: Units, *, caller: Caller, back: ReturnId, pays: bool, key: RequestKey
) -> Return:
    """The office pays back what was withheld, or does not. Raises NothingWithheld."""
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Return):
            return first
        taken, order = await _taken_with_order(unit, back)
        refunds = []
        if pays and order:
            before = paid_back(await unit.returns.of_order(order.id))
            refunds = refunds_of(taken.withheld.amount, order.tenders, before, at_till=False)
            await paid_back_of(unit, order, {}, refunds)
        decided = taken.decided(pays=pays, refunds=refunds, by=caller.id, now=unit.now)
        await unit.returns.keep(decided)
        paid = Money(decided.refund.amount - taken.refund.amount, taken.currency)
        await _tell(unit, caller, decided, What.RETURN_DECIDED, paid)
        await unit.requests.answer(key, decided)
    return decided


async def _taken_with_order(unit: Unit, back: ReturnId) -> tuple[Return, Order | None]:
    """The return, and its order first: every return of an order changes under the order's lock."""
    found = await unit.returns.get(back)
    order = await unit.orders.take(found.order) if found.order else None
    return await unit.returns.take(back), order


async def must_be_buyer(unit: Unit, caller: Caller, back: Return) -> None:
    """Raises NotYours."""
    if back.order is None or not is_buyer(caller, await unit.orders.get(back.order)):
        raise NotYours(caller, back.id)


async def _tell(
    unit: Unit, caller: Caller, back: Return, what: What, paid: Money | None = None
) -> None:
    if back.order:
        told = return_step(back, what, side_of(caller), caller.id, paid)
        await unit.outbox.add(told=[told])


def _announces(caller: Caller, wish: Wish) -> bool:
    """The office announces for a buyer what it says nothing more of."""
    unseen = all(one.disposition is None for one in wish.asked)
    return caller.role is Role.OFFICE and wish.channel is ReturnChannel.POST and unseen


async def _taken(unit: Unit, caller: Caller, order: OrderId, wish: Wish) -> Return:
    _must_be_disposed(wish.asked)
    store = await _place(unit, caller, wish.store)
    found = await unit.orders.get(order)
    return await booked(unit, caller, _draft(unit, caller, found, wish, store), wish.asked)


async def _announced(unit: Unit, caller: Caller, order: OrderId, wish: Wish) -> Return:
    found = await unit.orders.take(order)  # whoever takes the last of it back sees this one
    if not (caller.is_staff or is_buyer(caller, found)):
        raise NotYours(caller, order)
    if wish.channel is not ReturnChannel.POST:
        raise WrongField("channel", "not_allowed", "must be post; a store takes goods itself")
    for position, one in enumerate(wish.asked):
        if one.disposition is not None:
            rule = "is said by whoever takes the goods"
            raise WrongField(f"lines.{position}.disposition", "not_allowed", rule)
    lines = lines_back(found, await by_sku(unit, wish.asked))
    sent_from = {group.id: group.store for group in found.groups}
    group = next(line.group for line in found.lines if line.line == lines[0].line)
    store = await _existing(unit, wish.store or sent_from[group])
    draft = _draft(unit, caller, found, wish, store)
    return draft.changed(unit.now, lines=lines)


def _draft(unit: Unit, caller: Caller, order: Order, wish: Wish, store: StoreId) -> Return:
    """What the first version of a return begins from."""
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
            raise WrongField("store", "required", "must say which store has the goods")
        [named] = caller.stores
    if not caller.works_at(named):
        raise NotYours(caller, named)
    return await _existing(unit, named)


async def _existing(unit: Unit, store: StoreId) -> StoreId:
    if store not in await unit.stores.by_id([store]):
        raise NoSuchStore(store, {"pointer": "/store"})
    return store


def _must_be_disposed(asked: Sequence[Asked]) -> None:
    for position, one in enumerate(asked):
        if one.disposition is None:
            rule = "must say what becomes of the goods"
            raise WrongField(f"lines.{position}.disposition", "required", rule)
