"""What the shop and a receiver of its messages can rely on."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.json import decode
from standardwebhooks import Webhook as Verifier

from adapters.webhooks.channel import PrivateAddress, WebhookCarrier, choose_address, retry_after
from domain.contact.channels import (
    DeliveryFault,
    DeliveryUnknown,
    MessageAccepted,
    MessageChannel,
    MessageRejected,
    OutgoingMessage,
)
from domain.kernel.ids import MessageId
from tests.support.fakes import Receiver, web_server

SECRET = "whsec_" + base64.b64encode(b"twenty-four bytes of salt").decode()
READY = OutgoingMessage(
    id=MessageId("msg_01jd0000000000000000000000"),
    channel=MessageChannel.SMS,
    address="+4740000000",
    locale="nb",
    kind="pickup_ready",
    purpose="service",
    text="Pakken din er klar på Grünerløkka.",
)


async def send_to(receiver: Receiver, **options):
    async with web_server(receiver) as url:
        options = {"private": True, **options}
        webhook = WebhookCarrier(url, SECRET, clock=lambda: datetime.now(UTC), **options)
        try:
            return await webhook.send(READY)
        finally:
            await webhook.close()


async def test_a_receiver_can_check_who_speaks():
    receiver = Receiver()

    assert await send_to(receiver) == MessageAccepted(f"webhook:{READY.id}")

    [(headers, body)] = receiver.requests
    event = Verifier(SECRET).verify(body, headers)
    assert headers["webhook-id"] == READY.id
    assert headers["content-type"] == "application/json"
    assert event["type"] == "message.pickup_ready"
    assert decode(body)["data"] == {
        "id": READY.id,
        "channel": "sms",
        "address": "+4740000000",
        "locale": "nb",
        "kind": "pickup_ready",
        "purpose": "service",
        "text": READY.text,
    }


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("HTTP/1.1 202 Accepted", MessageAccepted(f"webhook:{READY.id}")),
        ("HTTP/1.1 302 Found\r\nLocation: /in", MessageRejected(DeliveryFault.CONFIG, "302")),
        ("HTTP/1.1 400 Bad Request", MessageRejected(DeliveryFault.PERMANENT_CONTENT, "400")),
        ("HTTP/1.1 401 Unauthorized", MessageRejected(DeliveryFault.AUTH, "401")),
        ("HTTP/1.1 404 Not Found", MessageRejected(DeliveryFault.CONFIG, "404")),
        ("HTTP/1.1 410 Gone", MessageRejected(DeliveryFault.CONFIG, "410")),
        ("HTTP/1.1 429 Slow", MessageRejected(DeliveryFault.THROTTLED, "429")),
        (
            "HTTP/1.1 429 Slow\r\nRetry-After: 30",
            MessageRejected(DeliveryFault.THROTTLED, "429", timedelta(seconds=30)),
        ),
        ("HTTP/1.1 500 Oops", MessageRejected(DeliveryFault.TRANSIENT, "500")),
        (
            "HTTP/1.1 503 Busy\r\nRetry-After: 5",
            MessageRejected(DeliveryFault.TRANSIENT, "503", timedelta(seconds=5)),
        ),
    ],
)
async def test_every_answer_has_its_meaning(answer, outcome):
    receiver = Receiver(answer)

    assert await send_to(receiver) == outcome
    assert len(receiver.requests) == 1


async def test_a_second_try_bears_the_same_id():
    receiver = Receiver("HTTP/1.1 500 Oops")
    async with web_server(receiver) as url:
        webhook = WebhookCarrier(url, SECRET, clock=lambda: datetime.now(UTC), private=True)
        outcomes = [await webhook.send(READY), await webhook.send(READY)]
        await webhook.close()

    ids = {headers["webhook-id"] for headers, _ in receiver.requests}
    assert outcomes == [
        MessageRejected(DeliveryFault.TRANSIENT, "500"),
        MessageAccepted(f"webhook:{READY.id}"),
    ]
    assert ids == {READY.id}


async def test_nobody_knows_what_became_of_a_post_without_an_answer():
    assert await send_to(Receiver(hang=True), timeout_s=0.3) == DeliveryUnknown("ReadTimeout")


async def test_a_receiver_that_is_away_is_asked_again_later():
    async with web_server(Receiver()) as url:
        pass
    webhook = WebhookCarrier(url, SECRET, clock=lambda: datetime.now(UTC), private=True)

    assert await webhook.send(READY) == MessageRejected(DeliveryFault.TRANSIENT, "connection")
    await webhook.close()


async def test_the_own_network_is_not_reached_by_mistake():
    receiver = Receiver()

    assert await send_to(receiver, private=False) == MessageRejected(
        DeliveryFault.CONFIG, "private_address"
    )
    assert receiver.requests == []


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.8"],
        ["169.254.169.254"],
        ["::1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        ["::7f00:1"],
        ["2001:0:4136:e378:8000:63bf:80ff:fffe"],
        ["224.0.0.1"],
        ["1.1.1.1", "192.168.0.1"],
        [],
    ],
)
def test_one_private_address_among_them_closes_the_way(addresses):
    with pytest.raises(PrivateAddress):
        choose_address(addresses)


def test_a_public_address_is_used_as_it_was_looked_up():
    assert choose_address(["1.1.1.1", "2606:4700:4700::1111"]) == "1.1.1.1"


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        (None, None),
        ("120", timedelta(minutes=2)),
        ("Mon, 23 Nov 2026 15:05:00 GMT", timedelta(minutes=1)),
        ("Mon, 23 Nov 2026 15:00:00 GMT", timedelta(0)),
        ("99999999", timedelta(days=1)),
        ("soon", None),
    ],
)
def test_the_pause_a_receiver_asks_for_is_understood(header, pause):
    assert retry_after(header, datetime(2026, 11, 23, 15, 4, tzinfo=UTC)) == pause
