"""A file of stores. Where no time zone is told, the place on the map tells it."""

from typing import Any

from tzfpy import get_tz

from adapters.imports import values
from adapters.imports.kinds import KindOfFile, require
from domain.stores import opening_hours
from domain.stores.stores import Store, StoreKind


def _country(value: object) -> str:
    return values.text(value).upper()


def _hours(value: object) -> str:
    return opening_hours.parse_hours(values.text(value))


def _kind(value: object) -> StoreKind:
    written = values.text(value).lower()
    if written not in set(StoreKind):
        raise ValueError(f"must be one of {', '.join(StoreKind)}")
    return StoreKind(written)


def _channels(value: object) -> list[str]:
    """As other words; `-` says that there is none."""
    return [] if value == "-" else values.words(value)


def _settle(told: dict[str, Any]) -> dict[str, Any]:
    require(told, "store")
    kind = told.get("kind", StoreKind.STORE)
    return {
        "time_zone": _zone_at(told.get("latitude"), told.get("longitude")),
        "pickup": kind.offers_pickup,
    } | told


def _zone_at(latitude: float | None, longitude: float | None) -> str:
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:  # noqa: PLR2004
        return "UTC"
    return get_tz(longitude, latitude)


STORES = KindOfFile(
    key=("store",),
    thing=Store,
    settle=_settle,
    defaults=frozenset({"pickup"}),
    fields={
        "store": values.store,
        "name": values.text,
        "kind": _kind,
        "address": values.text,
        "city": values.text,
        "postal_code": values.key,
        "country": _country,
        "latitude": values.number,
        "longitude": values.number,
        "time_zone": values.text,
        "hours": _hours,
        "exceptions": _hours,
        "phone": values.text,
        "pickup": values.flag,
        "prep_minutes": values.whole,
        "pickup_days": values.whole,
        "services": values.words,
        "channels": _channels,
    },
)
