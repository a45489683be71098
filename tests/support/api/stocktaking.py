"""Requests to the public API that several tests make: stocktaking."""

from typing import Any

from tests.support.examples import HARBOUR, MUG
from tests.support.shop import Shop


def line(sku: str = MUG, store: str = HARBOUR, **more: Any) -> dict[str, Any]:
    return {"store": store, "sku": sku, **more}


async def tell(
    shop: Shop, verb: str, *lines: Any, key: str = "", headers: dict[str, str] | None = None
) -> Any:
    return await shop.client.post(
        f"/v1/stock/{verb}",
        json={"lines": lines},
        headers=(headers or await shop.office()) | {"Idempotency-Key": key or shop.fresh()},
    )


async def results(shop: Shop, verb: str, *lines: Any, **more: Any) -> list[dict[str, Any]]:
    answer = await tell(shop, verb, *lines, **more)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["results"]
    return found
