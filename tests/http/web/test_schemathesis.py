"""Every operation is attacked, as every principal, by a program that only knows the contract."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.main import build_app, build_components
from domain.foundation.callers import Role
from tests.support.examples import HARBOUR, MUG, shelve
from tests.support.server import serving
from tests.support.shop import Shop

ROOT: Final = Path(__file__).parents[3]
CONFIG: Final = Path(__file__).with_name("schemathesis.toml")
SCHEMATHESIS: Final = Path(sys.executable).with_name("schemathesis")


@pytest.mark.parametrize("role", list(Role))
async def test_an_attack_on_every_operation_finds_nothing(shop: Shop, role: Role, tmp_path: Path):
    customer = await shop.customer()
    things = await an_order(shop, customer)
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG.read_text() + known(things))
    bearer = (await credential(shop, role, customer))["Authorization"]
    with serving(build_app(build_components(shop.house.settings))) as address:
        attack = await asyncio.create_subprocess_exec(
            *(SCHEMATHESIS, "--config-file", config, "run"),
            f"{address}/schema/openapi.json",
            *("--header", f"Authorization: {bearer}"),
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        told, _ = await asyncio.wait_for(attack.communicate(), 240)

    assert attack.returncode == 0, told.decode()


async def credential(shop: Shop, role: Role, customer: dict[str, str]) -> dict[str, str]:
    match role:
        case Role.SHOP:
            return await shop.page()
        case Role.CUSTOMER:
            return customer
        case Role.TILL:
            return await shop.till(HARBOUR)
        case Role.ASSOCIATE:
            return await shop.associate(HARBOUR)
    return await shop.office()


async def an_order(shop: Shop, customer: dict[str, str]) -> dict[str, str]:
    """One of each thing that a path can name, so that the attacks reach what lies behind."""
    await shelve(shop.units, mug=100, teapot=10)
    client = shop.client
    person = (await client.get("/v1/me", headers=customer)).json()
    cart = (await client.post("/v1/carts", json={"currency": "SEK"}, headers=customer)).json()
    line = {"quantity": 2, "fulfilment": {"method": "pickup", "store": HARBOUR}}
    await client.put(f"/v1/carts/{cart['id']}/lines/{MUG}", json=line, headers=customer)
    placed = await client.post(
        f"/v1/carts/{cart['id']}/checkout",
        json={
            "contact": {"name": "Sample Customer", "email": "sample@example.com"},
            "payment": {"method": "pay_at_pickup"},
        },
        headers={**customer, "Idempotency-Key": "checkout"},
    )
    order: Any = placed.raise_for_status().json()
    return {
        "sku": MUG,
        "store": HARBOUR,
        "cart": cart["id"],
        "order": order["id"],
        "pickup": order["groups"][0]["pickup"],
        "customer": person["id"],
        "code": "insufficient_stock",
        "kind": "stores",
    }


def known(things: dict[str, str]) -> str:
    """Names that are tried most of the time; the rest of the time they are made up."""
    words = [f'[dictionaries.{name}]\nvalues = ["{thing}"]' for name, thing in things.items()]
    paths = [f'"path.{name}" = {{ dictionary = "{name}", probability = 0.8 }}' for name in things]
    return "\n".join(["", *words, "[parameters]", *paths, ""])
