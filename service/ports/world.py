"""Ways out of the house, and the clock."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, runtime_checkable

from domain.channels import Channel, Outcome, Outgoing
from domain.letters import Letter, Rendered
from domain.webhooks import ChangesTold, Parcel, Receipt


@runtime_checkable
class Clock(Protocol):
    def __call__(self) -> datetime:
        """Now, in UTC."""


class Carrier(Protocol):
    async def send(self, message: Outgoing) -> Outcome:
        """Hand a message over. The same id again is the same message."""


class Poster(Protocol):
    async def post(self, parcel: Parcel, changes: ChangesTold) -> Receipt:
        """Bring the changes to who is to be told; never raises for what the receiver does."""


class Relay(Protocol):
    """Gives changes their positions; calls `listeners` whenever the feed may have grown."""

    listeners: list[Callable[[], None]]

    async def caught_up(self) -> None:
        """Until everything that was committed before this has its position. Raises Busy."""


@runtime_checkable
class Channels(Carrier, Protocol):
    """Every way out of the house."""

    @property
    def open(self) -> frozenset[Channel]:
        """Channels that somebody carries."""


@runtime_checkable
class Rendering(Protocol):
    def render(self, letter: Letter, *, channel: Channel, locale: str) -> Rendered:
        """The letter in the language of a reader of `locale`, in the form `channel` shows."""
