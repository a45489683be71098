"""Requests to the public API that several tests make: crash."""

import json
from pathlib import Path
from typing import Any

import httpx

from tests.support.processes import HYLLA, hylla

ON_HAND = 30


def as_served(data: Path, port: int) -> list[str]:
    return [*HYLLA, "serve", "--data", str(data), "--port", str(port)]


def brought_in(data: Path, kind: str, **row: Any) -> None:
    file = data.with_name(f"{kind}.json")
    file.write_text(json.dumps([row]))
    done = hylla("import", kind, file, "--data", data)
    assert done.returncode == 0, done.stderr


def key(data: Path, role: str, *words: str) -> dict[str, str]:
    made = hylla("keys", "create", "--role", role, *words, "--data", data, "--json")
    return {"Authorization": f"Bearer {json.loads(made.stdout)['key']}"}


async def a_cart(api: httpx.AsyncClient, page: dict[str, str]) -> tuple[str, dict[str, str]]:
    cart = (await api.post("/v1/carts", json={"currency": "SEK"}, headers=page)).json()
    opens = page | {"Cart-Token": cart["token"]}
    line = {"quantity": 1, "fulfilment": {"method": "pickup", "store": "harbour"}}
    put = await api.put(f"/v1/carts/{cart['id']}/lines/MUG", json=line, headers=opens)
    assert put.status_code == 200, put.text
    return cart["id"], opens | {"Idempotency-Key": "checkout"}


def opened(data: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Headers of a page and of an office; there are ON_HAND mugs to be had."""
    hours = "Mo-Su 08:00-20:00"
    brought_in(data, "stores", store="harbour", name="Harbour", hours=hours, country="SE")
    brought_in(data, "products", sku="MUG", name="Mug", price="10", currency="SEK")
    brought_in(data, "stock", store="harbour", sku="MUG", on_hand=ON_HAND)
    return key(data, "shop"), key(data, "office")
