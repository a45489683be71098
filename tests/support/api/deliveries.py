"""Requests to the public API that several tests make: deliveries."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.examples import HARBOUR
from tests.support.shop import Shop

Headers = dict[str, str]
TODAY = datetime.now(UTC).date()


def in_days(days: int) -> str:
    return (TODAY + timedelta(days=days)).isoformat()


async def announce(
    shop: Shop, *, due: dict[str, Any] | None = None, headers: Headers | None = None, **lines: int
) -> Any:
    return await shop.client.post(
        "/v1/stock/deliveries",
        json={
            "store": HARBOUR,
            "reference": "PO-7",
            **(due or {"due_on": in_days(3)}),
            "lines": [{"sku": sku.upper(), "quantity": count} for sku, count in lines.items()],
        },
        headers=(headers or await shop.office()) | {"Idempotency-Key": shop.fresh()},
    )


async def announced(shop: Shop, **more: Any) -> str:
    answer = await announce(shop, **more)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def receive(
    shop: Shop, delivery: str, *, close: bool = False, headers: Headers | None = None, **totals: int
) -> Any:
    lines = [{"sku": sku.upper(), "received": total} for sku, total in totals.items()]
    return await shop.client.post(
        f"/v1/stock/deliveries/{delivery}/receive",
        json={"lines": lines, "close": close},
        headers=(headers or await shop.office()) | {"Idempotency-Key": shop.fresh()},
    )
