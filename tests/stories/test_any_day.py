"""Whatever stores and customers do to pickups, in whatever order, the books agree."""

import asyncio
from random import Random
from typing import Any

import pytest
from msgspec import Struct

from service.pickups import expire_overdue
from tests.examples import HARBOUR, HILL, MUG, TEA_SET, TEAPOT, shelve
from tests.http.shop import Shop

STEPS = 70


class Day(Struct):
    """A day of chance. What the shop refuses is allowed to be tried; what breaks it is not."""

    shop: Shop
    chance: Random
    buyers: list[dict[str, str]]
    staff: dict[str, str]
    pickups: list[str] = []
    tries: int = 0

    async def call(self, path: str, body: Any, who: dict[str, str], method: str = "POST") -> Any:
        self.tries += 1
        headers = who | {"Idempotency-Key": f"try-{self.tries}"}
        answer = await self.shop.client.request(method, path, json=body, headers=headers)
        assert answer.status_code < 500, answer.text
        return answer.json()

    async def order(self) -> None:
        me = self.chance.choice(self.buyers)
        cart = (await self.call("/v1/carts", {"currency": "SEK"}, me))["id"]
        for sku in self.chance.sample([MUG, TEAPOT, TEA_SET], self.chance.randint(1, 3)):
            here = {"method": "pickup", "store": self.chance.choice([HARBOUR, HILL])}
            line = {"quantity": self.chance.randint(1, 4), "fulfilment": here}
            await self.call(f"/v1/carts/{cart}/lines/{sku}", line, me, "PUT")
        checkout = {
            "contact": {"name": "Sample Customer", "email": "sample-1@example.com"},
            "payment": {"method": "pay_at_pickup"},
        }
        placed = await self.call(f"/v1/carts/{cart}/checkout", checkout, me)
        self.pickups += [group["pickup"] for group in placed.get("groups", [])]

    async def move(self) -> None:
        """One verb for one pickup, with some of its lines."""
        path = f"/v1/pickups/{self.chance.choice(self.pickups)}"
        pickup = await self.call(path, None, self.staff, "GET")
        some = self.chance.sample(pickup["lines"], self.chance.randint(1, len(pickup["lines"])))
        verb, body = self.chance.choice(
            [
                ("accept", {}),
                ("decline", {"reason": "damaged", "lines": [line["sku"] for line in some]}),
                *[("pick", {"lines": [self.found(line) for line in some]})] * 3,
                *[("ready", {})] * 3,
                *[("handover", {"proof": "passport", "lines": [self.part(line) for line in some]})]
                * 3,
                ("cancel", {}),
                ("put-back", {}),
            ]
        )
        await self.call(f"{path}/{verb}", body, self.staff)

    def found(self, line: Any) -> dict[str, Any]:
        most = line["quantity"] - line["cancelled"]
        quantity = self.chance.randint(line["picked"], max(line["picked"], most))
        return {"sku": line["sku"], "quantity": quantity, "short": self.chance.random() < 0.5}

    def part(self, line: Any) -> dict[str, Any]:
        most = line["quantity"] - line["cancelled"] - line["collected"]
        return {"sku": line["sku"], "quantity": self.chance.randint(1, max(1, most))}

    async def wait(self) -> None:
        """A week goes by for everything that lies ready, as it may for a forgetful customer."""
        async with self.shop.units.read() as unit:
            await unit.connection.execute(
                "update pickups set collect_by = now() - interval '1 day' where state = 'ready'"
            )
        await expire_overdue(self.shop.units)

    async def step(self) -> None:
        what = self.chance.random()
        if not self.pickups or what < 0.2:
            await self.order()
        elif what < 0.97:
            await self.move()
        else:
            await self.wait()


@pytest.mark.parametrize("seed", range(3))
async def test_the_books_agree_after_any_day(shop: Shop, seed: int):
    for store in (HARBOUR, HILL):
        await shelve(shop.units, store, mug=60, teapot=30)
    buyers = [await shop.customer(f"sample-{n}", member=n > 1) for n in range(1, 4)]
    day = Day(shop, Random(seed), buyers, await shop.office())

    for _ in range(STEPS):
        await asyncio.gather(*(day.step() for _ in range(2)))

    async with shop.units.read() as unit:
        report = await unit.audit.look()
        states = await unit.connection.fetchval("select count(distinct state) from pickups")
    assert [found for found in report if not found.ok] == []
    assert states >= 5, "a day on which hardly anything happened proves little"
