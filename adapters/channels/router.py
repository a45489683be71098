"""Which carrier takes which channel."""

from collections.abc import Mapping
from pathlib import Path

from adapters.channels.local import LocalCarrier
from domain.contact.channels import (
    DeliveryFault,
    DeliveryOutcome,
    MessageChannel,
    MessageRejected,
    OutgoingMessage,
)
from service.follow_ups.ports import MessageCarrier


class ChannelRouter:
    """Hands each message to the carrier of its channel.

    Without any provider the service is in trial mode: the local channel carries everything. With
    one, a channel that has none is closed, so that no customer's message goes only to a file.
    """

    def __init__(self, carriers: Mapping[MessageChannel, MessageCarrier], messages: Path) -> None:
        self.is_trial = not carriers
        local = LocalCarrier(messages)
        self._carriers = dict.fromkeys(MessageChannel, local) if self.is_trial else dict(carriers)

    @property
    def open(self) -> frozenset[MessageChannel]:
        return frozenset(self._carriers)

    async def close(self) -> None:
        for carrier in set(self._carriers.values()):
            await carrier.close()

    async def send(self, message: OutgoingMessage) -> DeliveryOutcome:
        carrier = self._carriers.get(message.channel)
        if carrier is None:
            return MessageRejected(DeliveryFault.CONFIG, "no_carrier")
        return await carrier.send(message)
