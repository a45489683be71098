"""Promises of a store for an order: the earliest and the latest time of collection."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from domain.stores.stores import Store


class PickupPromise(Struct, frozen=True):
    """Both in the store's own time. Once stored with an order it never changes."""

    since: datetime
    until: datetime


def compute_promise(store: Store, now: datetime) -> PickupPromise | None:
    """Ready after the store's working minutes, at the latest after twice as many.

    None for a store that never opens again.
    """
    since = store.ready_at(now)
    if since is None:
        return None
    slower = structs.replace(store, prep_minutes=2 * store.prep_minutes)
    return PickupPromise(since, slower.ready_at(now) or since)


def compute_collect_by(store: Store, ready_at: datetime) -> datetime:
    """Until when goods wait: the end of the last of the store's pickup days, in its own time."""
    local = ready_at.astimezone(ZoneInfo(store.time_zone))
    last = local + timedelta(days=store.pickup_days)
    return last.replace(hour=23, minute=59, second=59, microsecond=0)
