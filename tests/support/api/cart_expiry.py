"""Requests to the public API that several tests make: cart expiry."""

from typing import Any

from tests.support.shop import Shop


async def age(shop: Shop, cart: dict[str, Any], days: int) -> None:
    """So many days have gone by since the cart was changed."""
    async with shop.units.begin() as unit:
        await unit.connection.execute(
            "update carts set changed_at = changed_at - $2 * interval '1 day' where id = $1",
            cart["id"],
            days,
        )
