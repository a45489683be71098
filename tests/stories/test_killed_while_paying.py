"""The service is killed again and again amid checkouts, payments and returns; Stripe misbehaves.

What shoppers and stores do goes on over every death: who got no answer asks again under the same
key, and some never come back. When all is over and the clock has run on, no order, charge, hold or
allocation is lost, doubled or left behind: every invariant holds, and our book is Stripe's.
"""

import asyncio
import json
import os
import random
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx
from msgspec import Struct, field

from adapters.postgres.db.embedded import running as postgres
from adapters.postgres.db.pool import connect
from adapters.postgres.db.unit_of_work import PostgresUnits
from adapters.postgres.db.urls import for_asyncpg
from adapters.stripe.provider import StripeProvider
from tests.support.api.crash import as_served, brought_in, key
from tests.support.card_shop import Sweeper
from tests.support.fake_stripe import (
    ASKS_THE_BANK,
    DECLINED,
    GOOD,
    SECRET_KEY,
    SIGNING,
    SLOW,
    FakeStripe,
    Fault,
    running,
)
from tests.support.processes import service

KILLS: Final = int(os.environ.get("KILLS", "5"))
SHOPPERS: Final = 6
"""At once; each begins anew when done."""
VERBS: Final = ("create", "capture", "cancel", "refund", "look", "search")
CARDS: Final = (GOOD, GOOD, GOOD, DECLINED, ASKS_THE_BANK, SLOW, None)
CONTACT: Final = {"name": "Sample Customer", "email": "sample@example.com"}


class Vanished(Exception):
    """A shopper who never comes back."""


class Town(Struct):
    """Shoppers and stores around a service that dies; `url` is where it lives now."""

    fake: FakeStripe
    chance: random.Random
    url: str = ""
    page: dict[str, str] = {}
    till: dict[str, str] = {}
    office: dict[str, str] = {}
    over: bool = False
    seen: Counter[str] = field(default_factory=Counter)
    orders: dict[str, set[str]] = {}
    """By cart, every order that was told of."""

    async def ask(
        self, api: httpx.AsyncClient, method: str, path: str, body: Any, who: dict[str, str]
    ) -> httpx.Response:
        """Asked under one key until somebody answers; some give up before."""
        headers = who | {"Idempotency-Key": f"key-{self.chance.getrandbits(64):x}"}
        while True:
            try:
                answer = await api.request(method, self.url + path, json=body, headers=headers)
            except httpx.TransportError:
                self.seen["unheard"] += 1
            else:
                if answer.status_code not in {500, 503} and answer.json() is not None:
                    return answer
                assert answer.status_code == 503, answer.text
            if self.over or self.chance.random() < 0.02:
                raise Vanished
            await asyncio.sleep(0.1)

    async def live(self) -> None:
        """One shopper after the other."""
        async with httpx.AsyncClient(timeout=10) as api:
            while not self.over:
                with suppress(Vanished):
                    await self._shop(api)

    async def _shop(self, api: httpx.AsyncClient) -> None:
        started = await self.ask(api, "POST", "/v1/carts", {"currency": "SEK"}, self.page)
        cart = started.json()
        me = self.page | {"Cart-Token": cart["token"]}
        path = f"/v1/carts/{cart['id']}"
        for sku in self.chance.sample(["MUG", "TEAPOT"], self.chance.randint(1, 2)):
            ways = [{"method": "pickup", "store": "harbour"}, {"method": "ship"}]
            line = {"quantity": self.chance.randint(1, 3), "fulfilment": self.chance.choice(ways)}
            await self.ask(api, "PUT", f"{path}/lines/{sku}", line, me)
        if self.chance.random() < 0.3:
            await self.ask(api, "POST", f"{path}/hold", {}, me)
        order = await self._check_out(api, cart["id"], path, me)
        if order is not None:
            await self._paid(api, order, me)
        else:
            await self._found_again(api)

    async def _found_again(self, api: httpx.AsyncClient) -> None:
        """What a picker did not find lies elsewhere: the office brings it back."""
        lines = [
            {"store": "harbour", "sku": sku, "delta": 20, "reason": "found"}
            for sku in ("MUG", "TEAPOT")
        ]
        found = await self.ask(api, "POST", "/v1/stock/adjustments", {"lines": lines}, self.office)
        self.seen[f"found again {_told(found)}"] += 1

    async def _check_out(
        self, api: httpx.AsyncClient, cart: str, path: str, me: dict[str, str]
    ) -> dict[str, Any] | None:
        card = self.chance.choice(CARDS)
        payment = {"method": "card"} | ({"card": card} if card else {})
        if self.chance.random() < 0.1:
            payment = {"method": "on_account"}
        body = {
            "contact": CONTACT,
            "payment": payment,
            "address": {"street": "Sample street 1", "city": "Stockholm", "country": "SE"},
        }
        clicks = [self.ask(api, "POST", f"{path}/checkout", body, me) for _ in range(2)]
        answers = await asyncio.gather(*clicks[: self.chance.randint(1, 2)], return_exceptions=True)
        for click in clicks:
            click.close()
        placed = [one for one in answers if isinstance(one, httpx.Response)]
        told = [one.json() for one in placed if one.status_code in {200, 201}]
        self.orders.setdefault(cart, set()).update(one["id"] for one in told)
        self.seen.update(f"checkout {_told(one)}" for one in placed)
        return told[0] if told else None

    async def _paid(
        self, api: httpx.AsyncClient, order: dict[str, Any], me: dict[str, str]
    ) -> None:
        """The shopper answers the bank, tries another card, cancels, comes to the store, or not."""
        path = f"/v1/orders/{order['id']}"
        for _ in range(self.chance.randint(0, 3)):
            order = (await self.ask(api, "GET", path, None, me)).json()
            if order["state"] != "pending_payment":
                break
            if self.chance.random() < 0.5:
                for payment, intent in list(self.fake.intents.items()):
                    if intent["metadata"].get("order") == order["id"]:
                        self.fake.pays(payment)
            else:
                again = {"method": "card", "card": GOOD}
                tried = await self.ask(api, "POST", f"{path}/payments", again, me)
                self.seen[f"another card {_told(tried)}"] += 1
        if order["state"] == "placed":
            await self._served(api, order, me)

    async def _served(
        self, api: httpx.AsyncClient, order: dict[str, Any], me: dict[str, str]
    ) -> None:
        await self._changed(api, order, me)
        for group in order["groups"]:
            if "pickup" in group:
                await self._collected(api, f"/v1/pickups/{group['pickup']}", me)
            elif self.chance.random() < 0.5:
                parcel = {"carrier": "Sample Post", "tracking_number": group["shipment"]}
                path = f"/v1/orders/{order['id']}/shipments"
                sent = await self.ask(api, "POST", path, parcel, self.till)
                self.seen[f"sent {_told(sent)}"] += 1
            else:
                path = f"/v1/shipments/{group['shipment']}/cancel"
                await self.ask(api, "POST", path, {}, me)
            if self.chance.random() < 0.3:
                await self._changed(api, order, me)
            await self._brought_back(api, order)

    async def _changed(
        self, api: httpx.AsyncClient, order: dict[str, Any], me: dict[str, str]
    ) -> None:
        """Now and then the buyer wants another quantity, or less than was ordered."""
        path, line = f"/v1/orders/{order['id']}", self.chance.choice(order["lines"])
        if self.chance.random() < 0.3:
            wish = {"line": line["line"], "quantity": self.chance.randint(0, line["quantity"])}
            edited = await self.ask(api, "PATCH", path, {"lines": [wish]}, me)
            self.seen[f"edited {_told(edited)}"] += 1
        if self.chance.random() < 0.3:
            one = {"lines": [{"line": line["line"], "quantity": 1}]}
            given_up = await self.ask(api, "POST", f"{path}/cancellations", one, me)
            self.seen[f"cancelled in part {_told(given_up)}"] += 1

    async def _brought_back(self, api: httpx.AsyncClient, order: dict[str, Any]) -> None:
        """Now and then something comes back to the till, or was said to and is not there."""
        path = f"/v1/orders/{order['id']}/returns"
        for line in order["lines"] * self.chance.randint(0, 2):
            units = self.chance.randint(1, line["quantity"])
            disposition = self.chance.choice(["sellable", "damaged", "missing"])
            came = {"line": line["line"], "quantity": units, "disposition": disposition}
            back = await self.ask(api, "POST", path, {"lines": [came]}, self.till)
            self.seen[f"returned {_told(back)}"] += 1
            if back.status_code == 201 and disposition == "missing":
                decide = f"/v1/returns/{back.json()['id']}/decide"
                pays = {"pay": self.chance.random() < 0.5}
                decided = await self.ask(api, "POST", decide, pays, self.office)
                self.seen[f"decided {_told(decided)}"] += 1

    async def _collected(self, api: httpx.AsyncClient, path: str, me: dict[str, str]) -> None:
        if self.chance.random() < 0.2:
            await self.ask(api, "POST", f"{path}/cancel", {}, me)
            return
        seen = (await self.ask(api, "GET", path, None, self.till)).json()
        lines = [
            {
                "sku": line["sku"],
                "quantity": self.chance.choice([line["quantity"]] * 3 + [0, 1]),
                "short": True,
            }
            for line in seen["lines"]
        ]
        await self.ask(api, "POST", f"{path}/pick", {"lines": lines}, self.till)
        await self.ask(api, "POST", f"{path}/ready", {}, self.till)
        code = (await self.ask(api, "GET", path, None, me)).json().get("code", "NONE")
        if self.chance.random() < 0.2:
            await self.ask(api, "POST", f"{path}/cancel", {}, me)
        given = await self.ask(api, "POST", f"{path}/handover", {"code": code}, self.till)
        self.seen[f"handover {_told(given)}"] += 1

    async def trouble(self) -> None:
        """Stripe goes wrong now and then, and tells what happened late, twice and shuffled."""
        async with httpx.AsyncClient(timeout=10) as api:
            while not self.over:
                await asyncio.sleep(self.chance.random() * 0.3)
                if self.chance.random() < 0.4:
                    faults = [fault for fault in Fault if fault is not Fault.HANGS]
                    self.fake.will(self.chance.choice(VERBS), self.chance.choice(faults))
                told = self.fake.take_events()
                self.chance.shuffle(told)
                for body, headers in told[: len(told) // 2] + told:
                    hook = f"{self.url}/v1/hooks/stripe"
                    with suppress(httpx.TransportError):
                        heard = await api.post(hook, content=body, headers=headers)
                        self.seen[f"notice {heard.status_code}"] += 1


def _told(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.json().get('code', '')}".strip()


def opened(data: Path) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Headers of a page, a till and an office, in a shop with plenty of two things."""
    hours = "Mo-Su 00:00-24:00"
    brought_in(data, "stores", store="harbour", name="Harbour", hours=hours, country="SE")
    for sku, price in (("MUG", "10"), ("TEAPOT", "25.50")):
        brought_in(data, "products", sku=sku, name=sku.title(), price=price, currency="SEK")
        brought_in(data, "stock", store="harbour", sku=sku, on_hand=4000)
    till = key(data, "till", "--store", "harbour", "--terminal", "T1")
    return key(data, "shop"), till, key(data, "office")


async def lived(data: Path, town: Town) -> None:
    """All go about their business while the service dies KILLS times."""
    tasks = [asyncio.create_task(town.live()) for _ in range(SHOPPERS)]
    tasks.append(asyncio.create_task(town.trouble()))
    for _ in range(KILLS):
        await asyncio.to_thread(_one_life, data, town, 1 + town.chance.random() * 3)
    town.over = True
    with service(data, as_served) as shop:
        town.url = shop.url
        await asyncio.gather(*tasks)


def _one_life(data: Path, town: Town, span_s: float) -> None:
    with service(data, as_served) as shop:
        town.url = shop.url
        time.sleep(span_s)
        shop.kill_everything()
        town.seen["killed"] += 1


def _ahead(span: timedelta) -> datetime:
    return datetime.now(UTC) + span


async def settled(data: Path, fake: FakeStripe) -> None:
    """The clock runs on, in the processes that sweep, until nothing is left to do."""
    fake.faults.clear()
    for payment, intent in fake.intents.items():
        if intent["status"] == "processing":
            intent["status"] = "requires_payment_method"
            fake.pays(payment)
    with postgres(data) as url:
        for hours in (1, 2, 3, 4):
            ahead = timedelta(hours=hours)
            units = PostgresUnits(connect(url, pool_size=4), clock=partial(_ahead, ahead))
            sweeper = Sweeper(units, StripeProvider(SECRET_KEY, base_url=fake.url, timeout_s=2))
            while await sweeper.round():
                pass
            await sweeper.close()


LEFT: Final = {
    "paying": "select count(*) from carts where state = 'paying'",
    "pending": "select count(*) from orders where state = 'pending_payment'",
    "held": "select coalesce(sum(held), 0) from stock_levels",
    "holding": "select count(*) from holds where state = 'active'",
    "planned": "select count(*) from payment_transactions where state = 'planned'",
    "in_flight": "select count(*) from payment_attempts where state in ('started', 'waiting')",
}
"""What must be over by the end."""


class Books(Struct):
    """What we have written down by the end."""

    attempts: list[Any]
    orders: list[Any]
    refunded_minor: dict[str, int]
    left: dict[str, int]

    @property
    def money(self) -> dict[str, tuple[int, int]]:
        """What was taken and given back, by the provider's name of a payment."""
        known = [row for row in self.attempts if row["payment"]]
        return {row["payment"]: (row["captured"], row["refunded"]) for row in known}

    @property
    def kept(self) -> dict[str, int]:
        """Minor units of each order that we keep."""
        kept = {row["id"]: 0 for row in self.orders}
        for row in self.attempts:
            kept[row["order_id"]] += row["captured"] - row["refunded"]
        return kept

    @property
    def wanted(self) -> dict[str, int]:
        """What it costs less what its returns paid back, once something of it has left.

        Before, nothing is taken.
        """
        return {
            row["id"]: row["to_pay_minor"] - self.refunded_minor.get(row["id"], 0)
            if _has_left(row)
            else 0
            for row in self.orders
        }

    def standing(self, cart: str) -> set[str]:
        rows = [row for row in self.orders if row["cart"] == cart]
        return {row["id"] for row in rows if row["state"] != "expired"}


def _has_left(order: Any) -> bool:
    lines = json.loads(order["lines"])
    by_card = order["method"] == "card" and order["state"] != "expired"
    return by_card and any(line["collected"] + line["shipped"] for line in lines)


PAID_BACK: Final = """
    select order_id, sum((line -> 'refund' ->> 'amount')::bigint)::bigint as amount
    from returns, jsonb_array_elements(lines) as line where state = 'received' group by order_id
"""


async def books(data: Path) -> Books:
    with postgres(data) as url:
        connection = await asyncpg.connect(for_asyncpg(url))
        attempts = await connection.fetch(
            "select order_id, payment, captured, refunded, state from payment_attempts"
        )
        orders = await connection.fetch(
            "select id, cart, state, to_pay_minor, payment ->> 'method' as method, lines"
            " from orders"
        )
        refunded_minor = {
            row["order_id"]: row["amount"] for row in await connection.fetch(PAID_BACK)
        }
        left = {name: await connection.fetchval(query) for name, query in LEFT.items()}
        await connection.close()
    return Books(attempts, orders, refunded_minor, left)


def serve_with_cards(monkeypatch: Any, fake: FakeStripe) -> None:
    for name, value in {
        "SECRET_KEY": SECRET_KEY,
        "WEBHOOK_SECRET": SIGNING,
        "PUBLISHABLE_KEY": "pk_test_sample",
        "URL": fake.url,
    }.items():
        monkeypatch.setenv(f"HYLLA_STRIPE_{name}", value)
    monkeypatch.setenv("HYLLA_ON_ACCOUNT", "true")


def test_whenever_it_dies_no_order_charge_hold_or_allocation_is_lost_doubled_or_left_behind(
    tmp_path: Path, monkeypatch: Any
):
    data, seed = tmp_path / "shop", int(os.environ.get("SEED", "1"))
    with running() as fake:
        serve_with_cards(monkeypatch, fake)
        town = Town(fake, random.Random(seed))
        with service(data, as_served):
            town.page, town.till, town.office = opened(data)
        asyncio.run(lived(data, town))
        asyncio.run(settled(data, fake))
        with service(data, as_served) as shop:
            audit = httpx.get(f"{shop.url}/v1/audit", headers=town.office, timeout=60).json()
        book = asyncio.run(books(data))
        theirs = fake.book()
    figures = tell(town, book, theirs)
    print(json.dumps(figures, indent=1))  # noqa: T201 - shown with `-s`

    assert town.seen["killed"] == KILLS
    assert [one for one in audit["invariants"] if one["broken"]] == []
    assert book.left == dict.fromkeys(LEFT, 0)
    assert book.money == {name: (taken, back) for name, (_, _, taken, back) in theirs.items()}
    assert book.kept == book.wanted
    for cart, told in town.orders.items():
        assert len(book.standing(cart)) <= 1, "one cart, one order"
        assert told <= {row["id"] for row in book.orders if row["cart"] == cart}


def tell(town: Town, book: Books, theirs: dict[str, Any]) -> dict[str, Any]:
    """The figures of the run."""
    return {
        "seen": dict(sorted(town.seen.items())),
        "orders": dict(Counter(row["state"] for row in book.orders)),
        "attempts": dict(Counter(row["state"] for row in book.attempts)),
        "at the provider": dict(Counter(status for status, *_ in theirs.values())),
        "taken": sum(taken for _, _, taken, _ in theirs.values()),
        "returns paid back": sum(book.refunded_minor.values()),
        "given back": sum(back for *_, back in theirs.values()),
        "asked of the provider": dict(town.fake.calls),
    }
