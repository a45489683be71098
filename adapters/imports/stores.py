"""A file of stores. Without a time zone, the coordinates give it."""

from typing import Any

from tzfpy import get_tz

from adapters.imports import values
from adapters.imports.kinds import ImportSchema, require_fields
from domain.stores import opening_hours
from domain.stores.stores import Store, StoreKind


def _country(value: object) -> str:
    return values.text(value).upper()


def _hours(value: object) -> str:
    return opening_hours.parse_hours(values.text(value))


def _store_kind(value: object) -> StoreKind:
    written = values.text(value).lower()
    if written not in set(StoreKind):
        raise ValueError(f"must be one of {', '.join(StoreKind)}")
    return StoreKind(written)


def _channels(value: object) -> list[str]:
    """Reads a list of words; `-` means none."""
    return [] if value == "-" else values.text_list(value)


def _normalize(told: dict[str, Any]) -> dict[str, Any]:
    require_fields(told, "store")
    kind = told.get("kind", StoreKind.STORE)
    return {
        "time_zone": _time_zone_at(told.get("latitude"), told.get("longitude")),
        "pickup": kind.offers_pickup,
    } | told


def _time_zone_at(latitude: float | None, longitude: float | None) -> str:
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:  # noqa: PLR2004
        return "UTC"
    return get_tz(longitude, latitude)


STORES = ImportSchema(
    key=("store",),
    record_type=Store,
    normalize=_normalize,
    default_fields=frozenset({"pickup"}),
    fields={
        "store": values.store,
        "name": values.text,
        "kind": _store_kind,
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
        "pickup": values.boolean,
        "prep_minutes": values.integer,
        "pickup_days": values.integer,
        "services": values.text_list,
        "channels": _channels,
    },
)
