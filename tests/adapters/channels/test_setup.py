"""What a retailer sets up is what carries the messages."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from adapters.main import Components, build_components
from adapters.settings import Secret, Settings
from domain.contact.channels import (
    DeliveryFault,
    MessageAccepted,
    MessageChannel,
    MessageRejected,
    OutgoingMessage,
)
from domain.kernel.ids import MessageId
from tests.support.fakes import Postmaster, Receiver, mail_server, web_server

SIGNED = Secret("whsec_" + base64.b64encode(b"twenty-four bytes of salt").decode())


def ready(channel: MessageChannel, address: str) -> OutgoingMessage:
    return OutgoingMessage(
        id=MessageId("msg_01jd0000000000000000000000"),
        channel=channel,
        address=address,
        locale="en",
        kind="pickup_ready",
        purpose="service",
        text="It is ready.",
    )


@asynccontextmanager
async def a_house(data: Path, **settings: Any) -> AsyncIterator[Components]:
    url = Secret("postgresql+asyncpg://nobody@127.0.0.1:1/nowhere")  # it is never asked
    house = build_components(
        Settings(data=data, database_url=url, secret=Secret("s" * 32), **settings)
    )
    try:
        yield house
    finally:
        await house.close()


async def test_nothing_set_up_is_a_trial_that_writes_files(tmp_path: Path):
    async with a_house(tmp_path) as house:
        await house.channel_router.send(ready(MessageChannel.SMS, "+46701740605"))

        assert house.channel_router.is_trial
        assert house.message_context.channels.open == frozenset(MessageChannel)
    assert [path.suffix for path in sorted((tmp_path / "messages").iterdir())] == [".json", ".txt"]


async def test_mail_goes_to_the_mail_server_and_texts_to_the_webhook(tmp_path: Path):
    postmaster, receiver = Postmaster(), Receiver()
    async with mail_server(postmaster) as port, web_server(receiver) as url:
        settings = {
            "smtp_url": Secret(f"smtp://127.0.0.1:{port}"),
            "smtp_from": "Shop <shop@example.com>",
            "webhook_url": url,
            "webhook_secret": SIGNED,
            "webhook_channels": "sms,whatsapp",
            "webhook_allow_private": True,
        }
        async with a_house(tmp_path, **settings) as house:
            mail = await house.channel_router.send(
                ready(MessageChannel.EMAIL, "reader@example.com")
            )
            text = await house.channel_router.send(ready(MessageChannel.SMS, "+46701740605"))
            call = await house.channel_router.send(ready(MessageChannel.CALL, "+46701740605"))

            assert house.channel_router.open == {
                MessageChannel.EMAIL,
                MessageChannel.SMS,
                MessageChannel.WHATSAPP,
            }
    assert mail == MessageAccepted("<msg_01jd0000000000000000000000@example.com>")
    assert text == MessageAccepted("webhook:msg_01jd0000000000000000000000")
    assert call == MessageRejected(DeliveryFault.CONFIG, "no_carrier")
    assert [letter["From"] for letter in postmaster.texts] == ["Shop <shop@example.com>"]
    assert len(receiver.requests) == 1
    assert not (tmp_path / "messages").exists()


async def test_messages_bear_the_name_and_the_addresses_of_the_retailer(tmp_path: Path):
    settings = {
        "retailer": "Mugs & More",
        "retailer_email": "help@example.com",
        "shop_url": "https://shop.example.com",
        "public_url": "https://hylla.example.com/",
        "thank_you_delay_minutes": 5,
    }
    async with a_house(tmp_path, **settings) as house:
        desk = house.message_context

    assert (desk.retailer.name, desk.retailer.email) == ("Mugs & More", "help@example.com")
    assert (desk.shop_url, desk.address) == (
        "https://shop.example.com",
        "https://hylla.example.com",
    )
    assert desk.thank_you_after.total_seconds() == 300
