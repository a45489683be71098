"""What the shop says while its database is away, and that it recovers by itself."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from adapters.main import build_app, build_components
from adapters.settings import ProcessRole, Secret, Settings
from domain.kernel.errors import NotFound, Unavailable
from tests.support.api.unavailable_database import NOWHERE
from tests.support.database import tell
from tests.support.shop import SECRET, Shop

CUT = """
    select count(pg_terminate_backend(pid)) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
"""
TERMINATE = "select pg_terminate_backend($1)"
DIES_AT_COMMIT = """
    create function dies() returns trigger language plpgsql as $$
        begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$;
    create constraint trigger dies after insert or update on idempotency_keys
        deferrable initially deferred for each row execute function dies();
"""


async def test_a_shop_without_its_database_is_busy_and_says_so(tmp_path: Path):
    house = build_components(
        Settings(
            data=tmp_path, database_url=Secret(NOWHERE), secret=Secret(SECRET), role=ProcessRole.API
        )
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


@pytest.mark.parametrize("notices", [True, False])
@pytest.mark.parametrize("says", [None, NotFound, ConnectionResetError])
async def test_a_connection_lost_before_the_commit_is_a_busy_shop(
    shop: Shop, says: type[Exception] | None, *, notices: bool
):
    async def write_and_lose() -> None:
        async with shop.units.begin() as unit, shop.units.read() as other:
            await unit.connection.execute("delete from access_denials")
            await other.connection.execute(TERMINATE, unit.connection.get_server_pid())
            if notices:
                await asyncio.sleep(0.2)
            if says:
                raise says

    with pytest.raises(Unavailable):
        await write_and_lose()


async def test_a_repeat_after_a_commit_that_nobody_heard_of_is_safe(shop: Shop):
    me = await shop.customer() | {"Idempotency-Key": "start"}
    await change(shop, DIES_AT_COMMIT)
    lost = await shop.client.post("/v1/carts", json={"currency": "SEK"}, headers=me)
    await change(shop, "drop function dies cascade")
    repeated = await shop.client.post("/v1/carts", json={"currency": "SEK"}, headers=me)

    assert (lost.status_code, lost.json()["code"]) == (503, "busy")
    assert repeated.status_code == 201


async def test_a_bug_on_a_good_connection_stays_a_bug(shop: Shop):
    async def stumble() -> None:
        async with shop.units.begin() as unit:
            await unit.connection.execute("select 1 / 0")

    with pytest.raises(asyncpg.DivisionByZeroError):
        await stumble()


async def test_what_takes_too_long_is_a_busy_shop_not_a_bug(shop: Shop):
    with pytest.raises(Unavailable):
        await dawdle(shop)


async def dawdle(shop: Shop) -> None:
    async with shop.units.begin() as unit:
        await unit.connection.execute("set local statement_timeout = '50ms'")
        await unit.connection.execute("select pg_sleep(5)")


async def change(shop: Shop, statements: str) -> None:
    async with shop.units.read() as unit:
        await unit.connection.execute(statements)
