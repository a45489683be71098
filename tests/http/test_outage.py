"""What the shop says while its database is away, and that it recovers by itself."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.main import build_app, open_house
from adapters.settings import Role, Secret, Settings
from domain.refusals import Busy
from tests.conftest import tell
from tests.http.shop import SECRET, Shop

NOWHERE = "postgresql+asyncpg://nobody@127.0.0.1:1/nothing"
CUT = """
    select count(pg_terminate_backend(pid)) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
"""


async def test_a_shop_without_its_database_is_busy_and_says_so(tmp_path: Path):
    house = open_house(
        Settings(data=tmp_path, database_url=Secret(NOWHERE), secret=Secret(SECRET), role=Role.API)
    )
    app: Any = build_app(house)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        live = await client.get("/health/live")
        ready = await client.get("/health/ready")
        answer = await client.get("/v1/stores", headers={"Authorization": "Bearer pk_any"})
    await house.close()

    assert live.status_code == 200
    assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")
    assert ready.json()["checks"]["database"] == "ConnectionRefusedError"
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert answer.headers["retry-after"] == "1"


async def test_connections_that_were_cut_are_made_anew(shop: Shop, database_url: str):
    page = await shop.page()
    await asyncio.gather(*(shop.client.get("/v1/stores", headers=page) for _ in range(8)))
    await asyncio.to_thread(tell, database_url, CUT)
    await asyncio.sleep(0.2)
    answers = [await shop.client.get("/v1/stores", headers=page) for _ in range(12)]

    assert {answer.status_code for answer in answers} == {200}


async def test_what_takes_too_long_is_a_busy_shop_not_a_bug(shop: Shop):
    with pytest.raises(Busy):
        await dawdle(shop)


async def dawdle(shop: Shop) -> None:
    async with shop.units.begin() as unit:
        await unit.connection.execute("set local statement_timeout = '50ms'")
        await unit.connection.execute("select pg_sleep(5)")
