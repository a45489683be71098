"""A shop that takes cards, its shoppers, and its sweepers at any hour."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from msgspec import Struct

from adapters.postgres.db.pool import connect
from adapters.postgres.db.unit_of_work import PostgresUnits
from adapters.stripe.provider import StripeProvider
from domain.kernel.ids import Sku, StoreId
from service.administration.reactions import process_events, reactions
from service.follow_ups.send_messages import send_due
from service.inventory import holds
from service.orders.payment.execute_transactions import execute_due_transactions
from service.orders.payment.expire_unpaid import expire_unpaid_orders
from service.orders.payment.reconcile_attempts import reconcile_due_attempts
from tests.support.examples import HARBOUR, MUG
from tests.support.fake_stripe import OLD_SIGNING, SECRET_KEY, SIGNING, FakeStripe, running
from tests.support.shop import Shop, a_shop

OF_CARDS: Final = {
    "a_pinned_hold_has_a_live_attempt",
    "orders_by_card_are_authorised",
    "captured_money_is_owed",
    "refunds_are_never_above_captures",
}

CONTACT = {"name": "Sample Customer", "email": "sample@example.com"}


class Sweeper(Struct):
    """The steps of a worker whose clock is so far ahead."""

    units: PostgresUnits
    stripe: StripeProvider

    async def round(self) -> int:
        """One round of every step; how much was done."""
        return sum(
            [
                await execute_due_transactions(self.units, self.stripe),
                await reconcile_due_attempts(self.units, self.stripe),
                await execute_due_transactions(self.units, self.stripe),
                await expire_unpaid_orders(self.units),
                await holds.expire_holds(self.units),
            ]
        )

    async def close(self) -> None:
        await self.stripe.close()
        await self.units.close()


class CardShop(Struct):
    shop: Shop
    fake: FakeStripe
    page: dict[str, str]
    database_url: str

    @asynccontextmanager
    async def later(self, **span: float) -> AsyncIterator[Sweeper]:
        """A worker, and what time it is to it: `minutes=31` from now."""
        ahead = timedelta(**span)
        units = PostgresUnits(
            connect(self.database_url, pool_size=4), clock=lambda: datetime.now(UTC) + ahead
        )
        sweeper = Sweeper(units, StripeProvider(SECRET_KEY, base_url=self.fake.url, timeout_s=2))
        yield sweeper
        await sweeper.close()

    async def sweep(self, rounds: int = 3, **span: float) -> None:
        async with self.later(**span) as sweeper:
            for _ in range(rounds):
                await sweeper.round()

    async def tell(self, *kinds: str, times: int = 1) -> list[int]:
        """Bring what Stripe has to tell, so often each; the statuses it got."""
        told = self.fake.take_events(*kinds) * times
        answers = [
            await self.shop.client.post("/v1/hooks/stripe", content=body, headers=headers)
            for body, headers in told
        ]
        return [answer.status_code for answer in answers]

    async def shopper(self, who: dict[str, str] | None = None, /, **lines: int) -> "Shopper":
        """Somebody with a cart: of a page's guest, or of a customer; `mug=2`."""
        headers = who or self.page
        started = await self.shop.client.post(
            "/v1/carts", json={"currency": "SEK"}, headers=headers
        )
        cart = started.json()
        if "token" in cart:
            headers = headers | {"Cart-Token": cart["token"]}
        shopper = Shopper(self, cart["id"], headers)
        for name, quantity in lines.items():
            await shopper.put(name.upper(), quantity)
        return shopper

    async def level(self, sku: Sku = MUG, store: StoreId = HARBOUR) -> tuple[int, int, int]:
        """On hand, allocated, held."""
        async with self.shop.units.read() as unit:
            level = (await unit.inventory.stock_levels.list_by_skus([sku], [store]))[store, sku]
        return level.on_hand, level.allocated, level.held

    async def book(self) -> list[tuple[int, int, int]]:
        """What we have of every attempt: authorised, captured, refunded."""
        async with self.shop.units.read() as unit:
            query = "select authorised, captured, refunded from payment_attempts order by id"
            return [tuple(row) for row in await unit.connection.fetch(query)]

    async def is_well(self) -> bool:
        """Every invariant holds, and our book is Stripe's."""
        async with self.shop.units.read() as unit:
            found = await unit.administration.audit.check()
            rows = await unit.connection.fetch(
                "select payment, captured, refunded - refund_failed from payment_attempts"
                " where payment <> ''"
            )
        ours = {row[0]: (row[1], row[2]) for row in rows}
        broken = {one.name: one.examples for one in found if not one.ok}
        assert broken == {}
        theirs = {name: (taken, back) for name, (_, _, taken, back) in self.fake.book().items()}
        assert ours == theirs
        return True

    async def work(self, pickup: str, verb: str, body: dict[str, Any]) -> httpx.Response:
        """One step of the store."""
        till = await self.shop.till(HARBOUR)
        key = {"Idempotency-Key": self.shop.fresh()}
        return await self.shop.client.post(
            f"/v1/pickups/{pickup}/{verb}", json=body, headers=till | key
        )

    async def ready(self, order: dict[str, Any], **picked: int) -> str:
        """The store picks so many of each line, finds no more, and makes it ready; the pickup."""
        pickup: str = order["groups"][0]["pickup"]
        lines = [
            {"sku": name.upper(), "quantity": count, "short": True}
            for name, count in picked.items()
        ]
        for verb, body in (("accept", {}), ("pick", {"lines": lines}), ("ready", {})):
            done = await self.work(pickup, verb, body)
            assert done.status_code == 200, done.text
        return pickup

    async def hand_over(self, buyer: "Shopper", pickup: str, **given: int) -> httpx.Response:
        mine = await self.shop.client.get(f"/v1/pickups/{pickup}", headers=buyer.headers)
        lines = [{"sku": name.upper(), "quantity": count} for name, count in given.items()]
        body = {"code": mine.json().get("code") or "NONE"} | ({"lines": lines} if lines else {})
        return await self.work(pickup, "handover", body)

    async def collect(self, buyer: "Shopper", order: dict[str, Any], **given: int) -> str:
        """Everything is picked, and so much of it handed over; the pickup."""
        wanted = {line["sku"].lower(): line["quantity"] for line in order["lines"]}
        pickup = await self.ready(order, **wanted)
        done = await self.hand_over(buyer, pickup, **given)
        assert done.status_code == 200, done.text
        return pickup

    async def facts(self) -> list[str]:
        """Kinds of the facts that wait to be followed."""
        async with self.shop.units.read() as unit:
            return [row[0] for row in await unit.connection.fetch("select kind from outbox_events")]

    async def messages(self) -> list[dict[str, Any]]:
        """What buyers were told, once everything that waits was followed and sent."""
        async with self.later(hours=1) as worker:
            while await process_events(worker.units, reactions(thank_after=timedelta(0))):
                pass
            await send_due(worker.units, self.shop.house.message_context)
        office = await self.shop.office("messages")
        listed = await self.shop.client.get("/v1/messages", headers=office)
        items: list[dict[str, Any]] = listed.json()["items"]
        return items


class Shopper(Struct):
    at: CardShop
    cart: str
    headers: dict[str, str]

    async def put(self, sku: Sku, quantity: int, store: StoreId | None = HARBOUR) -> httpx.Response:
        """To be collected at a store; to be sent where it names none."""
        way = {"method": "pickup", "store": store} if store else {"method": "ship"}
        return await self.at.shop.client.put(
            f"/v1/carts/{self.cart}/lines/{sku}",
            json={"quantity": quantity, "fulfilment": way},
            headers=self.headers,
        )

    async def check_out(
        self, card: str | None = None, key: str | None = None, **more: Any
    ) -> httpx.Response:
        payment = {"method": "card"} | ({"card": card} if card else {})
        return await self.at.shop.client.post(
            f"/v1/carts/{self.cart}/checkout",
            json={"contact": CONTACT, "payment": payment, **more},
            headers=self.headers | {"Idempotency-Key": key or self.at.shop.fresh()},
        )

    async def pay(self, order: str, card: str | None = None, key: str = "") -> httpx.Response:
        return await self.at.shop.client.post(
            f"/v1/orders/{order}/payments",
            json={"method": "card"} | ({"card": card} if card else {}),
            headers=self.headers | {"Idempotency-Key": key or self.at.shop.fresh()},
        )

    async def order(self, order: str) -> dict[str, Any]:
        seen = await self.at.shop.client.get(f"/v1/orders/{order}", headers=self.headers)
        assert seen.status_code == 200, seen.text
        answer: dict[str, Any] = seen.json()
        return answer

    async def cart_now(self) -> dict[str, Any]:
        seen = await self.at.shop.client.get(f"/v1/carts/{self.cart}", headers=self.headers)
        answer: dict[str, Any] = seen.json()
        return answer


@asynccontextmanager
async def a_card_shop(database_url: str, tmp_path: Path) -> AsyncIterator[CardShop]:
    """Everything is real: the shop, its database, and a Stripe that answers over the network."""
    with running() as fake:
        settings = {
            "stripe_secret_key": SECRET_KEY,
            "stripe_webhook_secret": f"{SIGNING},{OLD_SIGNING}",
            "stripe_publishable_key": "pk_test_sample",
            "stripe_url": fake.url,
        }
        async with a_shop(database_url, tmp_path, **settings) as shop:
            yield CardShop(shop, fake, await shop.page(), database_url)
