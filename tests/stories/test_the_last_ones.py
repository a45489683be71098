"""Tills sell, and shoppers order and hold, the same few goods at the same moment."""

import asyncio
from collections import Counter
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from domain.inventory.stock_levels import StockLevel
from tests.support.api.carts import a_cart
from tests.support.api.orders import order
from tests.support.api.receipts import incidents, line, sale, sound, tell
from tests.support.examples import HARBOUR, MUG, TEAPOT, shelve
from tests.support.shop import Shop

MANY = 20
"""Tills, shoppers who order, and shoppers who hold."""
LEFT = 8
"""Mugs that are left when every till has sold one; of teapots there is none too many."""


async def hold(shop: Shop, page: dict[str, str]) -> Any:
    lines = [{"sku": sku, "store": HARBOUR, "quantity": 1} for sku in (TEAPOT, MUG)]
    headers = page | {"Idempotency-Key": shop.fresh()}
    return await shop.client.post("/v1/holds", json={"lines": lines}, headers=headers)


async def turns(shop: Shop, sku: str) -> list[StockLevel]:
    """A shelf after each of its changes."""
    figures = "store, sku, on_hand, unavailable, allocated, held, staged, safety_stock, version"
    async with shop.units.read() as unit:
        rows = await unit.connection.fetch(
            f"""
            select {figures} from (
                select {figures} from feed union all select {figures} from feed_outbox
            ) as told
            where sku = $1 order by version
            """,
            sku,
        )
    return [StockLevel(*row) for row in rows]


def promised(level: StockLevel) -> int:
    return level.allocated + level.held


@pytest.mark.parametrize("seed", range(3))
async def test_nobody_is_promised_what_a_till_has_just_sold(shop: Shop, seed: int):
    """Whoever was promised something found it free at that moment; every sale is booked."""
    await shelve(shop.units, mug=MANY + LEFT, teapot=MANY)
    page, till = await shop.page(), await shop.till(HARBOUR)
    carts = [await a_cart(shop, page, teapot=1, mug=1) for _ in range(MANY)]
    sales = [tell(shop, sale(f"r-{n}", line(MUG), line(TEAPOT)), headers=till) for n in range(MANY)]
    wishes = [*(order(shop, cart) for cart in carts), *(hold(shop, page) for _ in range(MANY))]
    everybody = [(number < MANY, one) for number, one in enumerate([*sales, *wishes])]
    Random(seed).shuffle(everybody)

    answers = await asyncio.gather(*(one for _, one in everybody))

    booked = [one for one, (sold, _) in zip(answers, everybody, strict=True) if sold]
    asked = [one.status_code for one, (sold, _) in zip(answers, everybody, strict=True) if not sold]
    assert [one[0]["status"] for one in booked] == ["applied"] * MANY
    assert set(asked) <= {201, 409}
    for sku, there in ((MUG, MANY + LEFT), (TEAPOT, MANY)):
        history = await turns(shop, sku)
        unfounded = [
            after
            for before, after in pairwise(history)
            if promised(after) > promised(before) and after.available < 0
        ]
        short = [one["units"] for one in await incidents(shop) if one["sku"] == sku]
        assert unfounded == []
        assert history[-1].on_hand == there - MANY
        assert promised(history[-1]) == Counter(asked)[201]
        assert short == ([-history[-1].available] if history[-1].available < 0 else [])
    assert await sound(shop)
