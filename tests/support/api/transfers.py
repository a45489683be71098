"""Requests to the public API that several tests make: transfers."""

from typing import Any

from tests.support.examples import HARBOUR, HILL
from tests.support.shop import Shop

Headers = dict[str, str]


async def send(
    shop: Shop,
    *,
    headers: Headers | None = None,
    key: str = "",
    to: str = HILL,
    origin: str = HARBOUR,
    **lines: int,
) -> Any:
    body = {
        "from": origin,
        "to": to,
        "lines": [{"sku": sku.upper(), "quantity": count} for sku, count in lines.items()],
    }
    return await shop.client.post(
        "/v1/stock/transfers",
        json=body,
        headers=(headers or await shop.office()) | {"Idempotency-Key": key or shop.fresh()},
    )


async def sent(shop: Shop, **more: Any) -> str:
    answer = await send(shop, **more)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def receive(
    shop: Shop,
    transfer: str,
    *,
    close: bool = False,
    headers: Headers | None = None,
    key: str = "",
    **totals: int,
) -> Any:
    lines = [{"sku": sku.upper(), "received": total} for sku, total in totals.items()]
    return await shop.client.post(
        f"/v1/stock/transfers/{transfer}/receive",
        json={"lines": lines, "close": close},
        headers=(headers or await shop.office()) | {"Idempotency-Key": key or shop.fresh()},
    )


async def is_well(shop: Shop) -> bool:
    report = (await shop.client.get("/v1/audit", headers=await shop.office("audit"))).json()
    return bool(report["ok"])
