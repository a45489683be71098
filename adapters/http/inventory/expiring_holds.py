"""Holds that are about to end, told to the pages that show them.

A page names its holds when it opens a stream. With each heartbeat one question is asked for all
pages of this process; a hold that was extended since is told of again before its new end.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from domain.kernel.ids import HoldId
from service.shared.unit_of_work import Units

WARNING_PERIOD: Final = timedelta(minutes=1)
"""How long before its end a hold is told of, give or take a heartbeat."""


class ExpiringHold(Struct, frozen=True):
    """`server_time` tells a page how long it is by our clock until `held_until`."""

    hold: HoldId
    held_until: datetime
    server_time: datetime


class HoldWatcher(Protocol):
    """Who is told of holds: those it named, each of their ends once."""

    holds: Collection[HoldId]
    notified: set[tuple[HoldId, datetime]]


async def list_expiring_holds(
    units: Units, readers: Collection[HoldWatcher]
) -> dict[HoldId, ExpiringHold]:
    """The named holds that end soon."""
    named = {hold for reader in readers for hold in reader.holds}
    if not named:
        return {}
    async with units.read() as unit:
        ends = await unit.inventory.holds.get_ends(named, until=unit.now + WARNING_PERIOD)
        return {hold: ExpiringHold(hold, end, unit.now) for hold, end in ends.items()}


def expiry_events(reader: HoldWatcher, ends: dict[HoldId, ExpiringHold]) -> list[bytes]:
    """The events that a reader has not had yet; they bear no cursor."""
    fresh = [ends[hold] for hold in reader.holds if hold in ends]
    fresh = [one for one in fresh if (one.hold, one.held_until) not in reader.notified]
    reader.notified |= {(one.hold, one.held_until) for one in fresh}
    return [b"event: hold.expiring\ndata: %b\n\n" % msgspec.json.encode(one) for one in fresh]
