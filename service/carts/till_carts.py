"""A shopper's cart at a till: found by the member or by the code on the shopper's page.

The till may then change and order the cart for a while, with a token for this cart and store.
"""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from domain.foundation.callers import AccessDenied, Caller
from domain.kernel.errors import NotFound, RateLimited
from domain.kernel.ids import CartId, StoreId
from service.carts.queries import CartView, view_cart
from service.foundation.ports import Codes, IdempotencyKey
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Units

CODE_TTL: Final = timedelta(minutes=10)
TOKEN_TTL: Final = timedelta(minutes=30)
"""How long a till may go on with a shopper's cart before it asks for the code again."""
WALK_IN_TTL: Final = timedelta(days=1)
"""The same for a cart that the till started itself."""
MAX_TRIES: Final = 10
"""Wrong codes of one till in TRIES_LAST, after which it waits."""
TRIES_WINDOW: Final = timedelta(minutes=15)
INVALID_CODE: Final = "a cart's code"


class CartCode(Struct, frozen=True):
    """The code that the shopper's page shows to the till, and the time until which it is valid."""

    code: str
    until: datetime


@retry_on_conflict
async def create_cart_code(
    units: Units, codes: Codes, *, caller: Caller, cart: CartId, key: IdempotencyKey | None
) -> CartCode:
    """A new code for the cart; the one before opens nothing any more.

    Of a repeat no more is remembered than its end: the code is derived from it once more.

    Raises:
        NotFound, CartNotOpen: no such cart, or not the caller's; or it is an order already.
    """
    async with units.begin() as unit:
        taken = await unit.carts.carts.get_for_update(cart)
        taken.ensure_access(caller)
        taken.ensure_open()
        if first := await unit.foundation.idempotency.claim(key, datetime):
            return CartCode(codes.cart_code(cart, first), first)
        until = unit.now + CODE_TTL
        code = codes.cart_code(cart, until)
        await unit.carts.carts.set_code(cart, codes.hash(code), until)
        await unit.foundation.idempotency.save_answer(key, until)
    return CartCode(code, until)


@retry_on_conflict
async def find_cart_at_till(
    units: Units,
    codes: Codes,
    *,
    caller: Caller,
    store: StoreId,
    member: str | None,
    code: str | None,
    locale: str,
) -> CartView:
    """Returns the open cart of a member, or the one with the code that the shopper shows.

    Raises:
        NotFound: there is none; the answer does not reveal which of the two is wrong.
        RateLimited: this till has tried too many codes.
    """
    if not caller.works_at(store):
        raise AccessDenied(caller, store)
    async with units.begin() as unit:
        if code is None:
            found = await unit.carts.carts.find_by_member(member or "")
        else:
            since = unit.now - TRIES_WINDOW
            if (
                await unit.foundation.access_denials.count(caller, INVALID_CODE, since=since)
                >= MAX_TRIES
            ):
                wait = int(TRIES_WINDOW.total_seconds())
                raise RateLimited("Too many wrong codes.", facts={"retry_after_s": wait})
            found = await unit.carts.carts.find_by_code(codes.hash(code))
        if found:
            return await view_cart(unit, found, locale)
        if code is not None:
            await unit.foundation.access_denials.add(caller, "find_store_cart", INVALID_CODE)
    raise NotFound("No open cart is known by this.", code="no_open_cart")
