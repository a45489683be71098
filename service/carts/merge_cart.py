"""At log-in a guest's cart becomes the customer's."""

from msgspec import Struct

from domain.carts.cart_merge import Merged, merged, merged_saved, moved, noticed
from domain.carts.carts import Cart, OtherCurrency
from domain.foundation.callers import Caller
from domain.kernel.ids import CartId
from service.carts.cart_holds import follow_owner, let_go, lock_kept, trim
from service.carts.queries import CartView, seen
from service.foundation.ports import RequestKey
from service.shared.retry import tried_again
from service.shared.unit_of_work import Unit, Units


class Claimed(Struct, frozen=True):
    """The customer's cart after a guest's cart was claimed, and what that changed."""

    cart: CartView
    changes: list[Merged]


@tried_again
async def claim(
    units: Units, *, caller: Caller, cart: CartId, locale: str, key: RequestKey | None
) -> Claimed:
    """Move a guest's cart to the customer who has its token, or merge it into the customer's own.

    A repeat by the same customer changes nothing; from now on the token opens nothing.

    Raises:
        Missing: the token is not this cart's, or somebody else has claimed it.
    """
    assert caller.customer is not None, "only a customer claims"
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Claimed):
            return first
        await unit.customers.take(caller.customer)  # two log-ins at once take turns
        guest, mine = await unit.carts.take_both(cart, caller.customer)
        mine, changes = await _claimed(unit, caller, guest, mine)
        claimed = Claimed(await seen(unit, mine, locale), changes)
        await unit.requests.answer(key, claimed)
    return claimed


async def _claimed(
    unit: Unit, caller: Caller, guest: Cart, mine: Cart | None
) -> tuple[Cart, list[Merged]]:
    assert caller.customer is not None
    if caller.customer in {guest.customer, guest.claimed_by}:
        return await unit.carts.get(guest.merged_into or guest.id), []
    guest.must_open_to(caller)
    guest.must_be_open()
    await unit.viewed.move(guest.id, caller.customer)
    catalogue = await unit.products.by_sku({line.sku for line in guest.lines})
    if mine is None:
        whole = guest.claimed(caller.customer, unit.now)
        await unit.carts.keep(whole)
        await follow_owner(unit, whole)
        return whole, [*moved(guest), *noticed(guest, guest.lines, catalogue)]
    if not mine.lines and mine.currency != guest.currency:
        mine = mine.switched(guest.currency, guest.market, unit.now)
    if guest.lines and mine.currency != guest.currency:
        raise OtherCurrency(guest.currency, mine.currency)
    lines, changes = merged(mine, guest, lambda sku: unit.cart_rules.most_of(catalogue.get(sku)))
    saved, left_out = merged_saved(mine, guest)
    await lock_kept(unit, [guest, mine])
    await let_go(unit, caller, guest)
    both = await trim(unit, caller, mine.with_lines_of(guest, lines, saved, unit.now))
    await unit.carts.keep(both)
    await unit.carts.keep(guest.merged_away(mine, unit.now))
    return both, [*changes, *left_out, *noticed(guest, lines, catalogue)]
