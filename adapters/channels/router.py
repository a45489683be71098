"""Which carrier takes which channel."""

from collections.abc import Mapping
from pathlib import Path

from adapters.channels.local import Local
from domain.contact.channels import Channel, Fault, Outcome, Outgoing, Rejected
from service.follow_ups.ports import Carrier


class Switchboard:
    """Hands each message to the carrier of its channel.

    Without any provider the shop is on trial: the local channel carries everything. With one,
    a channel that has none is closed, so that no customer waits for what only a file has seen.
    """

    def __init__(self, carriers: Mapping[Channel, Carrier], messages: Path) -> None:
        self.trial = not carriers
        local = Local(messages)
        self._carriers = dict.fromkeys(Channel, local) if self.trial else dict(carriers)

    @property
    def open(self) -> frozenset[Channel]:
        return frozenset(self._carriers)

    async def close(self) -> None:
        for carrier in set(self._carriers.values()):
            await carrier.close()

    async def send(self, message: Outgoing) -> Outcome:
        carrier = self._carriers.get(message.channel)
        if carrier is None:
            return Rejected(Fault.CONFIG, "no_carrier")
        return await carrier.send(message)
