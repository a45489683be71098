"""Whatever stores and customers do to pickups, in whatever order, the books agree."""

from random import Random
from typing import Any

import pytest
from msgspec import Struct

from service.fulfilment.expire_pickups import expire_pickups
from tests.support.examples import HARBOUR, HILL, MUG, TEA_SET, TEAPOT, shelve
from tests.support.shop import Shop

STEPS = 150
RASH = 0.05
"""How often somebody tries what makes no sense."""
VERBS = ("accept", "decline", "pick", "ready", "handover", "cancel", "put-back")
LIKELY = {
    "placed": ("accept",) * 8 + ("decline", "cancel"),
    "accepted": ("pick",) * 8 + ("decline", "cancel"),
    "picking": ("pick",) * 4 + ("ready",) * 8 + ("decline", "cancel"),
    "ready": ("handover",) * 8 + ("cancel",),
    "declined": ("put-back",),
    "cancelled": ("put-back",),
    "expired": ("put-back",),
}
"""What is tried otherwise, as often as it stands here."""
ENDED = ("collected", "put_back", "short")
"""States that are tried once more, and then left alone."""


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
        """One verb for one of the latest pickups, with some of its lines."""
        path = f"/v1/pickups/{self.chance.choice(self.pickups[-5:])}"
        pickup = await self.call(path, None, self.staff, "GET")
        if pickup["state"] in ENDED:
            self.pickups = [other for other in self.pickups if other != pickup["id"]]
        lines = pickup["lines"]
        some = lines if self.chance.random() < 0.5 else self.chance.sample(lines, 1)
        verbs = list(VERBS) if self.chance.random() < RASH else LIKELY.get(pickup["state"], VERBS)
        verb = self.chance.choice(verbs)
        bodies = {
            "decline": {"reason": "damaged", "lines": [line["sku"] for line in some]},
            "pick": {"lines": [self.found(line) for line in some]},
            "handover": {"proof": "passport", "lines": [self.part(line) for line in some]},
        }
        body = bodies.get(verb, {})
        await self.call(f"{path}/{verb}", body, self.staff)

    def found(self, line: Any) -> dict[str, Any]:
        most = line["quantity"] - line["cancelled"]
        all_there = self.chance.random() < 0.7
        quantity = most if all_there else self.chance.randint(min(line["picked"], most), most)
        return {"sku": line["sku"], "quantity": quantity, "short": not all_there}

    def part(self, line: Any) -> dict[str, Any]:
        most = line["quantity"] - line["cancelled"] - line["collected"]
        return {"sku": line["sku"], "quantity": self.chance.randint(1, max(1, most))}

    async def wait(self) -> None:
        """A week goes by for everything that lies ready, as it may for a forgetful customer."""
        async with self.shop.units.read() as unit:
            await unit.connection.execute(
                "update pickups set collect_by = now() - interval '1 day' where state = 'ready'"
            )
        await expire_pickups(self.shop.units)

    async def count(self) -> None:
        """What pickers did not find turns up again."""
        place = {"store": self.chance.choice([HARBOUR, HILL])}
        lines = [place | {"sku": sku, "counted": 60} for sku in (MUG, TEAPOT)]
        await self.call("/v1/stock/counts", {"lines": lines}, self.staff)

    async def step(self) -> None:
        what = self.chance.random()
        if not self.pickups or what < 0.12:
            await self.order()
        elif what < 0.16:
            await self.count()
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
        await day.step()

    async with shop.units.read() as unit:
        report = await unit.administration.audit.check()
        rows = await unit.connection.fetch("select distinct state from pickups")
    assert [found for found in report if not found.ok] == []
    assert {row["state"] for row in rows} >= {"collected", "put_back"}, "an empty day proves little"
