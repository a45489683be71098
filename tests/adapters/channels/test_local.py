"""What a retailer on trial finds in the data folder."""

import stat

from msgspec.json import decode

from adapters.channels.local import LocalCarrier
from adapters.channels.router import ChannelRouter
from domain.contact.channels import (
    DeliveryFault,
    DeliveryOutcome,
    MessageAccepted,
    MessageChannel,
    MessageRejected,
    OutgoingMessage,
)
from domain.kernel.ids import MessageId

READY = OutgoingMessage(
    id=MessageId("msg_01jd0000000000000000000000"),
    channel=MessageChannel.EMAIL,
    address="reader@example.com",
    locale="da",
    kind="pickup_ready",
    purpose="service",
    subject="Klar til afhentning",
    text="Din kode er 123 456.",
    html="<p>Din kode er 123 456.</p>",
)
TEXT = OutgoingMessage(
    id=MessageId("msg_01jd0000000000000000000001"),
    channel=MessageChannel.SMS,
    address="+4740000000",
    locale="nb",
    kind="pickup_ready",
    purpose="service",
    text="Koden er 123 456.",
)


class Recorder:
    """A carrier that only remembers."""

    def __init__(self) -> None:
        self.sent: list[OutgoingMessage] = []

    async def send(self, message: OutgoingMessage) -> DeliveryOutcome:
        self.sent.append(message)
        return MessageAccepted("taken")

    async def close(self) -> None: ...


async def test_a_message_can_be_opened_as_text_as_page_and_as_data(tmp_path):
    outcome = await LocalCarrier(tmp_path / "messages").send(READY)

    folder = tmp_path / "messages"
    assert outcome == MessageAccepted(f"local:{READY.id}")
    assert (folder / f"{READY.id}.txt").read_text() == "Klar til afhentning\n\nDin kode er 123 456."
    assert (folder / f"{READY.id}.html").read_text() == READY.html
    assert decode((folder / f"{READY.id}.json").read_bytes(), type=OutgoingMessage) == READY


async def test_only_the_owner_may_read_what_customers_were_told(tmp_path):
    await LocalCarrier(tmp_path / "messages").send(READY)

    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "messages").iterdir()}
    assert modes == {0o600}


async def test_a_second_try_leaves_one_message(tmp_path):
    local = LocalCarrier(tmp_path)
    for _ in range(2):
        await local.send(TEXT)

    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".txt"]


async def test_on_trial_every_channel_is_open_and_written_down(tmp_path):
    switchboard = ChannelRouter({}, tmp_path)
    await switchboard.send(TEXT)

    assert switchboard.open == frozenset(MessageChannel)
    assert decode((tmp_path / f"{TEXT.id}.json").read_bytes())["channel"] == "sms"


async def test_with_a_provider_only_its_channels_are_open(tmp_path):
    email = Recorder()
    switchboard = ChannelRouter({MessageChannel.EMAIL: email}, tmp_path)
    taken, refused = await switchboard.send(READY), await switchboard.send(TEXT)

    assert switchboard.open == {MessageChannel.EMAIL}
    assert email.sent == [READY]
    assert (taken, refused) == (
        MessageAccepted("taken"),
        MessageRejected(DeliveryFault.CONFIG, "no_carrier"),
    )
    assert list(tmp_path.iterdir()) == []
