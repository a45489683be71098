"""Requests to the public API that several tests make: holds."""

from datetime import timedelta
from typing import Any

from tests.support.examples import HARBOUR, MUG
from tests.support.shop import Shop


def line(sku: str = MUG, quantity: int = 1, store: str = HARBOUR) -> dict[str, Any]:
    return {"sku": sku, "store": store, "quantity": quantity}


async def hold(shop: Shop, headers: dict[str, str], *lines: Any, key: str = "", **more: Any) -> Any:
    return await shop.client.post(
        "/v1/holds",
        json={"lines": lines or [line()], **more},
        headers=headers | {"Idempotency-Key": key or shop.fresh()},
    )


async def held(shop: Shop, sku: str = MUG, store: str = HARBOUR) -> tuple[int, int]:
    """What the shelf's own figure says, and what a shopper may still have."""
    page = await shop.page()
    async with shop.units.read() as unit:
        figure: int = await unit.connection.fetchval(
            "select held from stock_levels where sku = $1 and store = $2", sku, store
        )
    answer = await shop.client.get(f"/v1/availability/{sku}?store={store}", headers=page)
    return figure, answer.json()["stores"][0]["quantity"]


async def let_time_pass(shop: Shop, minutes: int) -> None:
    async with shop.units.begin() as unit:
        for table in ("holds", "hold_units"):
            await unit.connection.execute(
                f"update {table} set held_until = held_until - $1::interval",
                timedelta(minutes=minutes),
            )
