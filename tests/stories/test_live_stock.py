"""Somebody watches the stock of a shop of two processes, which is stopped and started meanwhile."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx

from tests.support.processes import HYLLA, Service, hylla, service
from tests.support.streams import Event, listening

WATCHERS = 8
SKUS = ("MUG", "TEAPOT")
CHANGES = 30


def as_served(data: Path, port: int) -> list[str]:
    return [*HYLLA, "serve", "--data", str(data), "--port", str(port), "--workers", "2"]


def brought_in(data: Path, kind: str, *rows: dict[str, Any]) -> None:
    file = data.with_name(f"{kind}.json")
    file.write_text(json.dumps(rows))
    done = hylla("import", kind, file, "--data", data)
    assert done.returncode == 0, done.stderr


def key(data: Path, role: str) -> dict[str, str]:
    made = hylla("keys", "create", "--role", role, "--data", data, "--json")
    return {"Authorization": f"Bearer {json.loads(made.stdout)['key']}"}


async def change(url: str, office: dict[str, str], numbers: range) -> None:
    """One unit more of one SKU after the other, each found in a request of its own."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        for number in numbers:
            sku = SKUS[number % 2]
            line = {"store": "harbour", "sku": sku, "delta": 1, "reason": "found"}
            answer = await client.post(
                "/v1/stock/adjustments",
                json={"lines": [line]},
                headers=office | {"Idempotency-Key": f"found-{number}"},
            )
            assert answer.status_code == 200, answer.text


class Watcher:
    """Keeps what it hears, and where it is."""

    def __init__(self, page: dict[str, str]) -> None:
        self._page = page
        self.cursor = ""
        self.heard: list[Event] = []
        self.started = asyncio.Event()

    async def watch(self, url: str, until: int) -> None:
        """Listen until the shop goes, or so many events are known."""
        try:
            async with listening(url, self._page, "", self.cursor) as stream:
                while len(self.heard) < until and (event := await stream.next()).kind:
                    self.heard.append(event)
                    self.cursor = stream.cursor
                    if len(self.heard) == len(SKUS):
                        self.started.set()
        except httpx.TransportError:
            pass

    def quantities(self, sku: str) -> list[int]:
        return [event.data["quantity"] for event in self.heard if event.data["sku"] == sku]


async def watch_until_it_stops(
    shop: Service, watchers: list[Watcher], office: dict[str, str]
) -> None:
    async with asyncio.TaskGroup() as group:
        for watcher in watchers:
            group.create_task(watcher.watch(shop.url, until=1000))
        await asyncio.gather(*(watcher.started.wait() for watcher in watchers))
        await change(shop.url, office, range(CHANGES))
        shop.process.terminate()  # in the middle: nobody waits for the last events to arrive
    await asyncio.to_thread(shop.process.wait, 30)


async def watch_on(shop: Service, watchers: list[Watcher], office: dict[str, str]) -> None:
    every = len(SKUS) + 2 * CHANGES
    async with asyncio.TaskGroup() as group:
        for watcher in watchers:
            group.create_task(watcher.watch(shop.url, until=every))
        await change(shop.url, office, range(CHANGES, 2 * CHANGES))


def test_watchers_hear_every_change_once_across_a_restart(tmp_path: Path):
    data = tmp_path / "shop"
    with service(data, as_served) as shop:
        brought_in(data, "stores", {"store": "harbour", "name": "Harbour", "country": "SE"})
        products = [{"sku": sku, "name": sku, "price": "10", "currency": "SEK"} for sku in SKUS]
        brought_in(data, "products", *products)
        levels = [{"store": "harbour", "sku": sku, "on_hand": 1} for sku in SKUS]
        brought_in(data, "stock", *levels)
        page, office = key(data, "shop"), key(data, "office")
        watchers = [Watcher(page) for _ in range(WATCHERS)]
        asyncio.run(watch_until_it_stops(shop, watchers, office))
    with service(data, as_served) as shop:
        asyncio.run(watch_on(shop, watchers, office))

    for watcher in watchers:
        for sku in SKUS:
            assert watcher.quantities(sku) == list(range(1, CHANGES + 2))
