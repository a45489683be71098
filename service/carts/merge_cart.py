"""At log-in a guest's cart becomes the customer's."""

from msgspec import Struct

from domain.carts.cart_merge import (
    MergedLine,
    find_line_notices,
    merge_carts,
    merge_saved_lines,
    report_added_lines,
)
from domain.carts.carts import Cart, CurrencyMismatch
from domain.foundation.callers import Caller
from domain.kernel.ids import CartId
from service.carts.cart_holds import (
    lock_held_stock,
    move_hold_to_owner,
    release_cart_hold,
    trim_hold,
)
from service.carts.queries import CartView, view_cart
from service.foundation.ports import IdempotencyKey
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units


class ClaimedCartView(Struct, frozen=True):
    """The customer's cart after a guest's cart was claimed, and the changes that followed."""

    cart: CartView
    changes: list[MergedLine]


@retry_on_conflict
async def claim_cart(
    units: Units, *, caller: Caller, cart: CartId, locale: str, key: IdempotencyKey | None
) -> ClaimedCartView:
    """Moves a guest's cart to the customer who has its token, or merges it with theirs.

    A repeat by the same customer changes nothing; the token is invalid afterwards.

    Raises:
        NotFound: the token is not this cart's, or another customer has claimed it.
    """
    assert caller.customer is not None, "only a customer claims"
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, ClaimedCartView):
            return first
        await unit.customers.customers.get_for_update(
            caller.customer
        )  # two log-ins at once take turns
        guest, mine = await unit.carts.carts.get_pair_for_update(cart, caller.customer)
        mine, changes = await _claimed(unit, caller, guest, mine)
        claimed = ClaimedCartView(await view_cart(unit, mine, locale), changes)
        await unit.foundation.idempotency.save_answer(key, claimed)
    return claimed


async def _claimed(
    unit: Unit, caller: Caller, guest: Cart, mine: Cart | None
) -> tuple[Cart, list[MergedLine]]:
    assert caller.customer is not None
    if caller.customer in {guest.customer, guest.claimed_by}:
        return await unit.carts.carts.get(guest.merged_into or guest.id), []
    guest.ensure_access(caller)
    guest.ensure_open()
    await unit.carts.recently_viewed.move(guest.id, caller.customer)
    catalogue = await unit.catalogue.products.get_many({line.sku for line in guest.lines})
    if mine is None:
        whole = guest.claim(caller.customer, unit.now)
        await unit.carts.carts.update(whole)
        await move_hold_to_owner(unit, whole)
        return whole, [
            *report_added_lines(guest),
            *find_line_notices(guest, guest.lines, catalogue),
        ]
    if not mine.lines and mine.currency != guest.currency:
        mine = mine.with_market(guest.currency, guest.market, unit.now)
    if guest.lines and mine.currency != guest.currency:
        raise CurrencyMismatch(guest.currency, mine.currency)
    lines, changes = merge_carts(
        mine, guest, lambda sku: unit.cart_rules.max_quantity_of(catalogue.get(sku))
    )
    saved, left_out = merge_saved_lines(mine, guest)
    await lock_held_stock(unit, [guest, mine])
    await release_cart_hold(unit, caller, guest)
    both = await trim_hold(unit, caller, mine.with_merged_lines(guest, lines, saved, unit.now))
    await unit.carts.carts.update(both)
    await unit.carts.carts.update(guest.mark_merged(mine, unit.now))
    return both, [*changes, *left_out, *find_line_notices(guest, lines, catalogue)]
