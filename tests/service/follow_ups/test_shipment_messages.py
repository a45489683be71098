"""What a buyer hears of goods that are sent, and of goods that do not come."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from domain.contact.channels import MessageChannel, OutgoingMessage
from domain.contact.consent import Consent, ConsentAction, Purpose
from domain.follow_ups.messages import MessageKind, MessageReference, MessageState
from service.administration.reactions import process_events, reactions
from service.follow_ups.send_messages import send_next
from tests.support.api.carts import a_cart as to_collect
from tests.support.api.shipments import a_cart, do, order
from tests.support.examples import HARBOUR, HILL, MUG, TEAPOT, shelve
from tests.support.messages import ME, SAUCER, Waiting, waiting

GUEST: dict[str, Any] = {"contact": {"name": "Sample Guest", "email": "guest@example.com"}}
TIMES = "\N{MULTIPLICATION SIGN}"
DELAY = timedelta(hours=2)


class Sender(Struct):
    """An order of mugs and teapots that the harbour is to send."""

    ready: Waiting
    order: str
    shipment: str
    headers: dict[str, str]

    async def send(self, number: str, till: dict[str, str] | None = None, **units: int) -> None:
        body: dict[str, Any] = {"carrier": "Sample Post", "tracking_number": number}
        if units:
            lines = [{"sku": sku.upper(), "quantity": count} for sku, count in units.items()]
            body |= {"lines": lines, "url": f"https://post.example.com/{number}"}
        path = f"/v1/orders/{self.order}/shipments"
        sent = await do(self.ready.shop, path, body, till or self.ready.till)
        assert sent.status_code in {200, 201}, sent.text

    async def step(self, verb: str, headers: dict[str, str] | None = None, **body: Any) -> None:
        path = f"/v1/shipments/{self.shipment}/{verb}"
        done = await do(self.ready.shop, path, body, headers or self.ready.till)
        assert done.status_code == 200, done.text

    async def hear(self, kind: MessageKind, *, later: timedelta = DELAY) -> list[OutgoingMessage]:
        """What goes out of a kind when everything is followed, `later` from now."""
        self.ready.clock.now = datetime.now(UTC) + timedelta(seconds=1)
        await process_events(self.ready.units, reactions(thank_after=DELAY))
        self.ready.clock.now += later
        while await send_next(self.ready.units, self.ready.desk):
            pass
        return [one for one in self.ready.post.sent if one.kind == kind]


@pytest.fixture
async def ready(database_url: str, tmp_path: Path) -> AsyncIterator[Waiting]:
    async with waiting(database_url, tmp_path) as ready:
        await shelve(ready.shop.units, HARBOUR, teapot=4)
        yield ready


async def a_sender(ready: Waiting, *, guest: bool = False, **units: int) -> Sender:
    who = await ready.shop.page() if guest else ready.headers
    wanted = {sku.upper(): count for sku, count in units.items()}
    cart = await a_cart(ready.shop, who, wanted)
    placed = await order(ready.shop, cart, **(GUEST if guest else {}))
    assert placed.status_code == 201, placed.text
    told = placed.json()
    return Sender(ready, told["id"], told["groups"][0]["shipment"], cart["headers"])


async def test_a_buyer_is_told_once_of_each_parcel_that_leaves(ready: Waiting):
    sender = await a_sender(ready, mug=2, teapot=1)
    await sender.send("SP1", mug=1)
    await sender.send("SP1", mug=1)
    [first] = await sender.hear(MessageKind.SHIPMENT_SENT)
    await sender.send("SP2")
    [_, second] = await sender.hear(MessageKind.SHIPMENT_SENT)

    assert first.subject == f"Din beställning {sender.order} är på väg"
    assert first.purpose is Purpose.SERVICE
    for fact in ("Sample Post", "SP1", "https://post.example.com/SP1", "Stockholm"):
        assert fact in first.text
    assert "Sample street" not in first.text
    inside, to_come = first.text.split("Skickas senare:")
    assert f"1 {TIMES} Mugg" in inside
    assert "Teapot" not in inside
    assert f"1 {TIMES} Mugg" in to_come
    assert f"1 {TIMES} Teapot" in to_come
    assert "SP2" in second.text
    assert "Skickas senare" not in second.text


async def test_what_another_location_is_still_to_send_is_still_to_come(ready: Waiting):
    await shelve(ready.shop.units, HILL, mug=3)
    sender = await a_sender(ready, mug=7)
    await sender.send("SP1")
    [letter] = await sender.hear(MessageKind.SHIPMENT_SENT)

    assert f"3 {TIMES} Mugg" in letter.text.split("Skickas senare:")[1]


async def test_the_same_number_of_two_locations_are_two_parcels(ready: Waiting):
    await shelve(ready.shop.units, HILL, mug=3)
    sender = await a_sender(ready, mug=7)
    await sender.send("SP1")
    await sender.send("SP1", await ready.shop.till(HILL))

    assert len(await sender.hear(MessageKind.SHIPMENT_SENT)) == 2


async def test_a_guest_is_told_of_the_parcel_by_mail(ready: Waiting):
    sender = await a_sender(ready, guest=True, mug=1)
    await sender.send("SP1")
    [letter] = await sender.hear(MessageKind.SHIPMENT_SENT)

    assert (letter.channel, letter.address) == (MessageChannel.EMAIL, "guest@example.com")


async def test_a_parcel_is_told_of_on_the_stated_channel(ready: Waiting):
    await ready.shop.client.patch("/v1/me", json={"phone": "+46701740605"}, headers=ready.headers)
    await ready.prefer(preferred_channels=[MessageChannel.WHATSAPP])
    sender = await a_sender(ready, mug=1)
    await sender.send("SP1", mug=1)
    [letter] = await sender.hear(MessageKind.SHIPMENT_SENT)

    assert letter.channel is MessageChannel.WHATSAPP
    assert "https://post.example.com/SP1" in letter.text


async def test_that_a_parcel_has_left_is_not_told_when_it_has_arrived(ready: Waiting):
    sender = await a_sender(ready, mug=1)
    await sender.send("SP1")
    await sender.step("delivered", tracking_number="SP1")

    assert await sender.hear(MessageKind.SHIPMENT_SENT) == []


async def test_the_office_sees_which_shipment_a_message_is_about(ready: Waiting):
    sender = await a_sender(ready, mug=1)
    await sender.send("SP1")
    await sender.hear(MessageKind.SHIPMENT_SENT)
    office = await ready.shop.office("messages")
    listed = await ready.shop.client.get("/v1/messages?kind=shipment_sent", headers=office)

    [item] = listed.json()["items"]
    assert item["about"] == {"order": sender.order, "shipment": sender.shipment}
    assert item["state"] == MessageState.SENT


async def test_thanks_follow_the_last_parcel_once_and_after_the_delay(ready: Waiting):
    sender = await a_sender(ready, mug=2)
    await sender.send("SP1", mug=1)
    await sender.send("SP2")
    await sender.step("delivered", tracking_number="SP1")
    half_there = await sender.hear(MessageKind.THANK_YOU)
    await sender.step("delivered", tracking_number="SP2")
    await sender.step("delivered", tracking_number="SP2")
    too_early = await sender.hear(MessageKind.THANK_YOU, later=DELAY - timedelta(minutes=1))
    [letter] = await sender.hear(MessageKind.THANK_YOU)

    assert (half_there, too_early) == ([], [])
    assert f"2 {TIMES} Mugg" in letter.text
    assert f"Beställning {sender.order} har kommit fram till dig." in letter.text
    assert "Köpet gav dig 20 poäng." in letter.text


async def test_what_was_sent_before_the_rest_was_not_found_is_thanked_for(ready: Waiting):
    sender = await a_sender(ready, mug=3)
    await sender.send("SP1", mug=2)
    await sender.step("delivered", tracking_number="SP1")
    await sender.step("decline", reason="not_found")
    [letter] = await sender.hear(MessageKind.THANK_YOU)

    assert f"2 {TIMES} Mugg" in letter.text


@pytest.mark.parametrize("arrived", [False, True])
async def test_of_the_rest_that_does_not_follow_its_buyer_hears(ready: Waiting, arrived: bool):
    sender = await a_sender(ready, mug=3)
    await sender.send("SP1", mug=2)
    if arrived:
        await sender.step("delivered", tracking_number="SP1")
    await sender.step("decline", reason="not_found")
    [letter] = await sender.hear(MessageKind.ORDER_SHORT)

    assert f"1 {TIMES} Mugg" in letter.text


@pytest.mark.parametrize("staff", [False, True])
async def test_who_gives_up_the_rest_is_not_told_that_it_is_lacking(ready: Waiting, staff: bool):
    sender = await a_sender(ready, mug=3)
    await sender.send("SP1", mug=2)
    await sender.step("cancel", ready.till if staff else sender.headers)
    await sender.hear(MessageKind.ORDER_SHORT)
    path = f"/v1/orders/{sender.order}/timeline"
    steps = await ready.shop.client.get(path, headers=sender.headers)

    assert MessageKind.ORDER_SHORT not in {message.kind for message in await ready.messages()}
    assert steps.json()["items"][-1]["what"] == "cancelled"


async def test_a_suggestion_after_a_parcel_lies_where_the_parcel_came_from(ready: Waiting):
    yes = Consent(
        purpose=Purpose.MARKETING,
        channel=MessageChannel.EMAIL,
        action=ConsentAction.GRANTED,
        at=ready.clock.now,
        source="test",
        actor=ME,
    )
    await ready.consent(yes)
    await shelve(ready.shop.units, HARBOUR, **{SAUCER.lower(): 1})
    sender = await a_sender(ready, mug=1)
    await sender.send("SP1")
    await sender.step("delivered", tracking_number="SP1")
    [letter] = await sender.hear(MessageKind.THANK_YOU)

    assert letter.purpose is Purpose.MARKETING
    assert "Finns i lager nu." in letter.text
    assert "Harbour" not in letter.text


async def test_goods_that_nobody_found_are_told_of_once_as_not_paid_for(ready: Waiting):
    sender = await a_sender(ready, mug=2, teapot=1)
    await sender.step("decline", reason="damaged", lines=[TEAPOT])
    await sender.step("pick", lines=[{"sku": MUG, "quantity": 0, "short": True}])
    [letter] = await sender.hear(MessageKind.ORDER_SHORT)
    again = await sender.hear(MessageKind.ORDER_SHORT)

    assert len(again) == 1
    assert letter.subject == f"Vi kan inte leverera allt i beställning {sender.order}"
    assert letter.purpose is Purpose.SERVICE
    assert f"2 {TIMES} Mugg" in letter.text
    assert f"1 {TIMES} Teapot" in letter.text
    assert "Du betalar inte för dem." in letter.text
    assert "kortet" not in letter.text


async def test_what_the_buyer_gave_up_is_not_said_to_be_lacking(ready: Waiting):
    sender = await a_sender(ready, mug=3)
    path = f"/v1/orders/{sender.order}/cancellations"
    gone = {"lines": [{"sku": MUG, "quantity": 1}]}
    fewer = await do(ready.shop, path, gone, sender.headers)
    await sender.step("decline", reason="damaged")
    [letter] = await sender.hear(MessageKind.ORDER_SHORT)

    assert fewer.status_code in {200, 201}, fewer.text
    assert f"2 {TIMES} Mugg" in letter.text


async def test_who_cancels_is_not_told_that_the_goods_are_lacking(ready: Waiting):
    sender = await a_sender(ready, mug=1)
    await sender.step("cancel", sender.headers)

    await sender.hear(MessageKind.ORDER_SHORT)

    told = {message.kind for message in await ready.messages()}
    assert not told & {MessageKind.ORDER_SHORT, MessageKind.THANK_YOU}


@pytest.mark.parametrize("reason", ["damaged", "not_found"])
async def test_a_buyer_who_was_to_collect_hears_that_the_store_declined(
    ready: Waiting, reason: str
):
    cart = await to_collect(ready.shop, await ready.shop.page(), mug=1)
    placed = (await order(ready.shop, cart, address=None, **GUEST)).json()
    pickup = placed["groups"][0]["pickup"]
    body = {"reason": reason}
    declined = await do(ready.shop, f"/v1/pickups/{pickup}/decline", body, ready.till)
    [letter] = await Sender(ready, placed["id"], "", cart["headers"]).hear(MessageKind.ORDER_SHORT)
    message = (await ready.messages())[-1]

    assert declined.status_code == 200, declined.text
    assert letter.address == "guest@example.com"
    assert f"1 {TIMES} Mug\n" in letter.text
    assert message.about == MessageReference(order=placed["id"], pickup=pickup)
