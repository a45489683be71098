"""Requests to the public API that several tests make: receipts."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.examples import HARBOUR, MUG
from tests.support.shop import Shop

NOW = datetime.now(UTC)


def ago(minutes: float) -> str:
    return (NOW - timedelta(minutes=minutes)).isoformat()


def line(sku: str = MUG, quantity: int = 1, **more: Any) -> dict[str, Any]:
    price = {"amount": 1000, "currency": "SEK"}
    return {"sku": sku, "quantity": quantity, "unit_price": price, **more}


def sale(name: str, *lines: dict[str, Any], minutes: float = 30, **more: Any) -> dict[str, Any]:
    told = {"id": name, "kind": "sale", "terminal": "T1", "occurred_at": ago(minutes)}
    return {**told, "lines": list(lines) or [line()], **more}


def back(name: str, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    sound = [{"disposition": "sellable", **one} for one in lines or [line()]]
    return sale(name, *sound, **{"kind": "return", **more})


async def post(
    shop: Shop, *sales: Any, store: str = HARBOUR, headers: dict[str, str] | None = None
) -> Any:
    return await shop.client.post(
        f"/v1/stores/{store}/sales",
        json={"sales": sales},
        headers=headers or await shop.till(store),
    )


async def tell(shop: Shop, *sales: Any, **more: Any) -> list[dict[str, Any]]:
    answer = await post(shop, *sales, **more)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


async def statuses(shop: Shop, *sales: Any, **more: Any) -> list[str]:
    return [one.get("code", one["status"]) for one in await tell(shop, *sales, **more)]


async def level(shop: Shop, sku: str = MUG, store: str = HARBOUR) -> tuple[int, int]:
    answer = await shop.client.get(f"/v1/stock/{sku}?store={store}", headers=await shop.office())
    [item] = answer.json()["items"] or [{"on_hand": 0, "unavailable": 0}]
    return item["on_hand"], item["unavailable"]


async def incidents(shop: Shop, state: str = "open", store: str = HARBOUR) -> list[dict[str, Any]]:
    answer = await shop.client.get(
        f"/v1/stores/{store}/incidents?state={state}", headers=await shop.till(store)
    )
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def count(shop: Shop, counted: int, at: str, sku: str = MUG) -> None:
    told = await shop.client.post(
        "/v1/stock/counts",
        json={"lines": [{"store": HARBOUR, "sku": sku, "counted": counted, "counted_at": at}]},
        headers=await shop.office() | {"Idempotency-Key": shop.fresh()},
    )
    assert told.json()["results"][0]["status"] == "applied", told.text


async def sound(shop: Shop) -> bool:
    """Whether every invariant holds."""
    answer = await shop.client.get("/v1/audit", headers=await shop.office())
    wrong = [found for found in answer.json()["invariants"] if not found["ok"]]
    assert wrong == []
    return True
