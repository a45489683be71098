"""Requests to the public API that several tests make: shipments."""

from typing import Any

from domain.inventory.stock_levels import StockLevel
from tests.support.api.orders import CHECKOUT
from tests.support.examples import HARBOUR, MUG
from tests.support.shop import Shop

ADDRESS = {"street": "Sample street 1", "city": "Stockholm", "country": "SE"}
SHIP = {"method": "ship"}
ALL_SENT = {"carrier": "Sample Post", "tracking_number": "SP1"}
DEPOT = "depot"


async def a_cart(shop: Shop, who: dict[str, str], lines: dict[str, Any]) -> dict[str, Any]:
    """A cart with a number of each SKU to be sent, with the headers that open it."""
    started = await shop.client.post("/v1/carts", json={"currency": "SEK"}, headers=who)
    cart = started.json()
    headers = who | ({"Cart-Token": cart["token"]} if "token" in cart else {})
    for sku, quantity in lines.items():
        put = await shop.client.put(
            f"/v1/carts/{cart['id']}/lines/{sku}",
            json={"quantity": quantity, "fulfilment": SHIP},
            headers=headers,
        )
        assert put.status_code == 200, put.text
    return {"id": cart["id"], "headers": headers}


async def order(shop: Shop, cart: dict[str, Any], key: str = "once", **more: Any) -> Any:
    return await shop.client.post(
        f"/v1/carts/{cart['id']}/checkout",
        json=CHECKOUT | {"address": ADDRESS, "payment": {"method": "on_account"}} | more,
        headers=cart["headers"] | {"Idempotency-Key": key},
    )


async def level(shop: Shop, store: str = HARBOUR, sku: str = MUG) -> tuple[int, int, int]:
    """On hand, allocated and held."""
    async with shop.units.read() as unit:
        found = (await unit.inventory.stock_levels.list_by_skus([sku], [store])).get(
            (store, sku), StockLevel(store, sku)
        )
    return found.on_hand, found.allocated, found.held


async def do(
    shop: Shop, path: str, body: dict[str, Any], who: dict[str, str], key: str | None = None
) -> Any:
    headers = who | {"Idempotency-Key": key or shop.fresh()}
    return await shop.client.post(path, json=body, headers=headers)


async def audited(shop: Shop) -> bool:
    answer = await shop.client.get("/v1/audit", headers=await shop.office())
    return bool(answer.json()["ok"])
