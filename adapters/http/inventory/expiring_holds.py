"""Holds that are about to end, announced to the pages that show them.

A page names its holds when it opens a stream. With each heartbeat one query serves all pages of
this process; a hold that was extended since is announced again before its new end.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from domain.kernel.ids import HoldId
from service.shared.unit_of_work import Units

WARNING_PERIOD: Final = timedelta(minutes=1)
"""Time before its end at which a hold is announced, give or take a heartbeat."""


class ExpiringHold(Struct, frozen=True):
    """`server_time` lets a page compute the time left until `held_until` by the server's clock."""

    hold: HoldId
    held_until: datetime
    server_time: datetime


class HoldWatcher(Protocol):
    """A subscriber to the holds that it named; each of their ends is announced once."""

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
