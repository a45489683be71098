"""Expiry of carts that were left, and their deletion after the retention time."""

from datetime import timedelta
from typing import Final

from domain.carts.carts import CartState
from domain.inventory.holds import HoldState
from service.inventory.holds import end_holds
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Units

RETENTION: Final = timedelta(days=30)
"""The time for which an ended cart answers with its state, and its claim can be repeated."""


@retry_on_conflict
async def expire_carts(units: Units, *, limit: int = 100) -> int:
    """End open carts whose time is over, with all that they hold; how many were looked at.

    One that is being paid for stays.
    """
    async with units.begin() as unit:
        stale = await unit.carts.carts.get_stale_for_update(unit.cart_rules, limit)
        holds = await unit.inventory.holds.get_by_carts_for_update([cart.id for cart in stale])
        paying = {hold.cart for hold in holds if hold.state_at(unit.now) is HoldState.PINNED}
        over = [cart.id for cart in stale if cart.id not in paying]
        await end_holds(
            unit,
            [hold for hold in holds if hold.cart not in paying],
            HoldState.RELEASED,
            "hylla",
        )
        await unit.carts.carts.clear(over, CartState.EXPIRED)
        await unit.carts.recently_viewed.purge(over)
    return len(over)


@retry_on_conflict
async def purge_carts(units: Units, *, limit: int = 5_000) -> int:
    """Strike out carts that have long been over and that no order came from."""
    async with units.begin() as unit:
        return await unit.carts.carts.purge(unit.now - RETENTION, limit)
