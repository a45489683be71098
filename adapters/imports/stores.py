"""A file of stores. Where no time zone is told, the place on the map tells it."""

from typing import Any

from tzfpy import get_tz

from adapters.imports import values
from adapters.imports.kinds import KindOfFile, require
from domain import opening_hours
from domain.stores import Store


def _country(value: object) -> str:
    return values.text(value).upper()


def _hours(value: object) -> str:
    return opening_hours.read(values.text(value))


def _settle(told: dict[str, Any]) -> dict[str, Any]:
    require(told, "store")
    return {"time_zone": _zone_at(told.get("latitude"), told.get("longitude"))} | told


def _zone_at(latitude: float | None, longitude: float | None) -> str:
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:  # noqa: PLR2004
        return "UTC"
    return get_tz(longitude, latitude)


STORES = KindOfFile(
    key=("store",),
    thing=Store,
    settle=_settle,
    fields={
        "store": values.store,
        "name": values.text,
        "kind": values.text,
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
    },
)
