"""The service dies in the middle of fifty checkouts: nothing is half done, retries find theirs."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import httpx

from tests.support.api.crash import ON_HAND, a_cart, as_served, opened
from tests.support.processes import service, until

SHOPPERS = 50


async def check_out(api: httpx.AsyncClient, cart: tuple[str, dict[str, str]]) -> Any:
    """The answer, or None where the service died before it could answer."""
    body = {
        "contact": {"name": "Sample Customer", "email": "sample@example.com"},
        "payment": {"method": "pay_at_pickup"},
    }
    try:
        return await api.post(f"/v1/carts/{cart[0]}/checkout", json=body, headers=cart[1])
    except httpx.TransportError:
        return None


async def checked_out_until_death(
    url: str, page: dict[str, str], kill: Any
) -> tuple[list[Any], list[Any]]:
    """Carts, and what was answered to their checkouts before the service died."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as api:
        carts = [await a_cart(api, page) for _ in range(SHOPPERS)]
        tasks = [asyncio.create_task(check_out(api, cart)) for cart in carts]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        kill()
        return carts, await asyncio.gather(*tasks)


async def checked_out_again(url: str, carts: list[Any]) -> list[Any]:
    async with httpx.AsyncClient(base_url=url, timeout=30) as api:
        return list(await asyncio.gather(*(check_out(api, cart) for cart in carts)))


def test_a_death_in_the_middle_of_fifty_checkouts_leaves_no_half_order(tmp_path: Path):
    data = tmp_path / "shop"
    with service(data, as_served) as shop:
        page, office = opened(data)
        carts, before = asyncio.run(checked_out_until_death(shop.url, page, shop.kill_everything))
    assert None in before, "it died too late to show anything"
    with service(data, as_served) as shop:
        after_death = httpx.get(f"{shop.url}/v1/audit", headers=office).json()
        again = asyncio.run(checked_out_again(shop.url, carts))
        stock = httpx.get(f"{shop.url}/v1/availability/MUG", headers=page).json()
        audit = httpx.get(f"{shop.url}/v1/audit", headers=office).json()

    assert after_death["ok"], after_death
    assert audit["ok"], audit
    placed = [answer for answer in again if answer.status_code == 201]
    assert len(placed) == ON_HAND, [answer.text for answer in again]
    assert len({answer.json()["id"] for answer in placed}) == ON_HAND
    assert stock["ship"]["quantity"] == 0
    kept = {answer.json()["id"] for answer in before if answer and answer.status_code == 201}
    assert kept <= {answer.json()["id"] for answer in placed}
    assert all(
        answer.headers.get("Idempotent-Replayed") == "true"
        for answer in placed
        if answer.json()["id"] in kept
    )


def test_a_database_that_dies_under_a_service_comes_back_with_all_it_acknowledged(tmp_path: Path):
    data = tmp_path / "shop"
    with service(data, as_served) as shop:
        page, office = opened(data)
        carts, before = asyncio.run(
            checked_out_until_death(
                shop.url, page, lambda: os.kill(shop.postmaster(), signal.SIGKILL)
            )
        )
        until(shop.answers, "the database is back")
        again = asyncio.run(checked_out_again(shop.url, carts))
        audit = httpx.get(f"{shop.url}/v1/audit", headers=office).json()

    assert {answer.status_code for answer in before} <= {201, 409, 503}
    assert 503 in {answer.status_code for answer in before}, "it died too late to show anything"
    assert audit["ok"], audit
    placed = {answer.json()["id"] for answer in again if answer.status_code == 201}
    kept = {answer.json()["id"] for answer in before if answer.status_code == 201}
    assert len(placed) == ON_HAND
    assert kept <= placed
