"""The service dies between the provider's yes and ours: the order is completed, and paid once."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from tests.support.api.crash import a_cart, as_served, opened
from tests.support.fake_stripe import GOOD, SECRET_KEY, SIGNING, FakeStripe, Fault, running
from tests.support.processes import Service, service, until

BODY = {
    "contact": {"name": "Sample Customer", "email": "sample@example.com"},
    "payment": {"method": "card", "card": GOOD},
}


def test_a_death_after_the_provider_took_the_card_loses_neither_money_nor_order(
    tmp_path: Path, monkeypatch: Any
):
    data = tmp_path / "shop"
    with running() as fake:
        monkeypatch.setenv("HYLLA_STRIPE_SECRET_KEY", SECRET_KEY)
        monkeypatch.setenv("HYLLA_STRIPE_WEBHOOK_SECRET", SIGNING)
        monkeypatch.setenv("HYLLA_STRIPE_URL", fake.url)
        with service(data, as_served) as shop:
            page, office = opened(data)
            cart = asyncio.run(started(shop, page))
            fake.will("create", Fault.HANGS)
            die_while_it_asks(shop, fake, cart)
        with service(data, as_served) as shop:
            asyncio.run(two_minutes_later(shop))
            until(lambda: ordered(shop, cart) == "placed", "the order is placed")
            again = check_out(shop.url, cart)
            audit = httpx.get(f"{shop.url}/v1/audit", headers=office).json()

        assert (again.status_code, again.json()["state"]) == (201, "placed")
        assert again.headers["Idempotent-Replayed"] == "true"
        assert list(fake.book().values()) == [("requires_capture", 1000, 0, 0)]
        assert audit["ok"], audit


async def started(shop: Service, page: dict[str, str]) -> tuple[str, dict[str, str]]:
    async with httpx.AsyncClient(base_url=shop.url, timeout=30) as api:
        return await a_cart(api, page)


def die_while_it_asks(shop: Service, fake: FakeStripe, cart: tuple[str, dict[str, str]]) -> None:
    def ask() -> None:
        try:
            check_out(shop.url, cart)
        except httpx.TransportError:
            return
        raise AssertionError("it was answered before it died")

    asking = threading.Thread(target=ask)
    asking.start()
    until(lambda: fake.intents, "the provider has taken the card")
    shop.kill_everything()
    asking.join()


async def two_minutes_later(shop: Service) -> None:
    """Whoever died holds nothing for longer than that."""
    socket = shop.data / "postgres"
    hosts = [str(path.parent) for path in socket.rglob(".s.PGSQL.*") if path.suffix != ".lock"]
    connection = await asyncpg.connect(host=hosts[0], user="hylla", database="hylla")
    await connection.execute(
        "update payment_transactions set due_at = due_at - interval '2 minutes'"
    )
    await connection.close()


def check_out(url: str, cart: tuple[str, dict[str, str]]) -> httpx.Response:
    return httpx.post(f"{url}/v1/carts/{cart[0]}/checkout", json=BODY, headers=cart[1], timeout=60)


def ordered(shop: Service, cart: tuple[str, dict[str, str]]) -> str:
    order = httpx.get(f"{shop.url}/v1/carts/{cart[0]}", headers=cart[1]).json()["order"]
    state: str = httpx.get(f"{shop.url}/v1/orders/{order}", headers=cart[1]).json()["state"]
    return state
