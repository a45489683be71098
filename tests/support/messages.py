"""A pickup that is ready, and a desk whose channels do as they are told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct

from adapters.content.rendering import JinjaRenderer
from adapters.postgres.db.pool import connect
from adapters.postgres.db.unit_of_work import PostgresUnits
from domain.catalogue.products import Relation, RelationKind
from domain.contact.channels import (
    DeliveryOutcome,
    MessageAccepted,
    MessageChannel,
    OutgoingMessage,
)
from domain.contact.consent import Consent
from domain.contact.preferences import Preferences
from domain.follow_ups.content import Retailer
from domain.follow_ups.messages import Message
from domain.foundation.events import PickupCollected, PickupReady
from domain.kernel.ids import CustomerId, OrderId, PickupId
from service.follow_ups.message_context import MessageContext
from service.follow_ups.plan_messages import plan_pickup_ready, plan_thank_you
from tests.support.examples import HARBOUR, MUG, a_customer, a_product, shelve
from tests.support.shop import Shop, a_shop

SAUCER = "SAUCER"
TRAY = "TRAY"
ME = a_customer().id
MONDAY_NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
"""Noon in Stockholm, where the stores are."""


class Clock(Struct):
    now: datetime

    def __call__(self) -> datetime:
        return self.now


class Post(Struct):
    """Channels of a test: `answers` are given in turn, then everything is accepted."""

    answers: list[DeliveryOutcome] = []
    sent: list[OutgoingMessage] = []
    open: frozenset[MessageChannel] = frozenset(
        {MessageChannel.EMAIL, MessageChannel.SMS, MessageChannel.WHATSAPP}
    )

    async def send(self, message: OutgoingMessage) -> DeliveryOutcome:
        self.sent.append(message)
        return self.answers.pop(0) if self.answers else MessageAccepted(f"taken:{message.id}")

    async def close(self) -> None: ...


class Waiting(Struct):
    """An order that lies ready at the harbour: one mug, whose accessories are saucer and tray."""

    shop: Shop
    units: PostgresUnits
    clock: Clock
    post: Post
    desk: MessageContext
    order: OrderId
    pickup: PickupId
    customer: CustomerId | None
    headers: dict[str, str]
    till: dict[str, str]

    async def tell(self, revision: int = 1) -> None:
        event = PickupReady(
            at=self.clock.now,
            pickup=self.pickup,
            order=self.order,
            store=HARBOUR,
            revision=revision,
            customer=self.customer,
        )
        async with self.units.begin() as unit:
            await plan_pickup_ready(unit, event)

    async def collect(self) -> None:
        """Hand the goods over, and plan to thank for it."""
        await self.hand_over()
        await self.thank()

    async def hand_over(self, **some: object) -> None:
        """Hand over everything, or only those `lines`."""
        code = self.desk.codes.handover_code(self.pickup, 1)
        done = await self.shop.client.post(
            f"/v1/pickups/{self.pickup}/handover",
            json={"code": code, **some},
            headers=self.till | {"Idempotency-Key": "give"},
        )
        assert done.status_code == 200, done.text

    async def cancel(self) -> None:
        done = await self.shop.client.post(
            f"/v1/pickups/{self.pickup}/cancel",
            json={},
            headers=self.headers | {"Idempotency-Key": "no"},
        )
        assert done.status_code == 200, done.text

    async def thank(self, after: timedelta = timedelta(0)) -> None:
        event = PickupCollected(
            at=self.clock.now,
            pickup=self.pickup,
            order=self.order,
            store=HARBOUR,
            customer=self.customer,
        )
        async with self.units.begin() as unit:
            await plan_thank_you(unit, event, after=after)

    async def prefer(self, **stated: Any) -> None:
        async with self.units.begin() as unit:
            await unit.contact.preferences.upsert(ME, Preferences(**stated))

    async def consent(self, consent: Consent) -> None:
        async with self.units.begin() as unit:
            await unit.contact.consents.record(ME, consent)

    async def messages(self) -> list[Message]:
        """Oldest first."""
        async with self.units.read() as unit:
            found = await unit.follow_ups.messages.list_page(
                customer=None, state=None, kind=None, before=None, limit=100
            )
        return list(reversed(found))

    async def message(self) -> Message:
        [message] = await self.messages()
        return message


@asynccontextmanager
async def waiting(
    database_url: str, data: Path, *, guest: bool = False, mugs: int = 1, **contact: str
) -> AsyncIterator[Waiting]:
    async with a_shop(database_url, data) as shop:
        await _stock(shop)
        clock = Clock(MONDAY_NOON)
        units = PostgresUnits(connect(database_url), clock=clock)
        post = Post(answers=[], sent=[])
        desk = MessageContext(
            channels=post,
            rendering=JinjaRenderer("sv"),
            codes=shop.house.codes,
            retailer=Retailer("Mugs & More", email="help@example.com"),
            address="https://hylla.example.com",
            shop_url="https://shop.example.com/",
        )
        till = await shop.till(HARBOUR)
        headers = await shop.page() if guest else await shop.customer()
        told = {"name": "Sample Customer", **(contact or {"email": "reader@example.com"})}
        order, pickup = await _order(shop, headers, till, told, mugs)
        yield Waiting(
            shop=shop,
            units=units,
            clock=clock,
            post=post,
            desk=desk,
            order=order,
            pickup=pickup,
            customer=None if guest else ME,
            headers=headers,
            till=till,
        )
        await units.close()


async def _stock(shop: Shop) -> None:
    async with shop.units.begin() as unit:
        await unit.catalogue.products.upsert([a_product(SAUCER, 2900), a_product(TRAY, 9900)])
        relations = tuple(Relation(sku, RelationKind.ACCESSORY) for sku in (SAUCER, TRAY))
        await unit.catalogue.products.upsert(
            [a_product(MUG, names={"sv": "Mugg"}, relations=relations)]
        )
    await shelve(shop.units, HARBOUR, mug=5)


async def _order(
    shop: Shop, headers: dict[str, str], till: dict[str, str], contact: dict[str, str], mugs: int
) -> tuple[OrderId, PickupId]:
    api = shop.client
    started = (await api.post("/v1/carts", json={"currency": "SEK"}, headers=headers)).json()
    mine = headers | ({"Cart-Token": started["token"]} if started.get("token") else {})
    line = {"quantity": mugs, "fulfilment": {"method": "pickup", "store": HARBOUR}}
    await api.put(f"/v1/carts/{started['id']}/lines/{MUG}", json=line, headers=mine)
    placed = await api.post(
        f"/v1/carts/{started['id']}/checkout",
        json={"contact": contact, "payment": {"method": "pay_at_pickup"}},
        headers=mine | {"Idempotency-Key": "order", "Accept-Language": "da"},
    )
    assert placed.status_code == 201, placed.text
    pickup = placed.json()["groups"][0]["pickup"]
    for verb, body in (
        ("accept", {}),
        ("pick", {"lines": [{"sku": MUG, "quantity": mugs}]}),
        ("ready", {}),
    ):
        done = await api.post(f"/v1/pickups/{pickup}/{verb}", json=body, headers=till)
        assert done.status_code == 200, done.text
    return OrderId(placed.json()["id"]), PickupId(pickup)
