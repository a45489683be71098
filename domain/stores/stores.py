"""Stores: the locations that hold stock, with their address, opening hours and channels.

    active → draining → closed → active

Nothing new is claimed of a location that is not active: no hold, no order, no transfer to it.
Earlier claims go on, and so do its tills.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from math import asin, cos, radians, sin, sqrt
from typing import Annotated, Final

from msgspec import Meta, Struct

from domain.kernel.addresses import country_codes
from domain.kernel.errors import Conflict, Invalid, InvalidField, NotFound
from domain.kernel.ids import ChannelId, StoreId, check_key
from domain.kernel.text import OptionalName
from domain.kernel.time_zones import is_time_zone
from domain.stores import opening_hours

_EARTH_RADIUS_KM: Final = 6371.0088  # mean radius, IUGG

Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Hours = Annotated[str, Meta(max_length=10_000)]
Services = Annotated[tuple[Annotated[str, Meta(max_length=200)], ...], Meta(max_length=100)]


class StoreKind(StrEnum):
    """A store has walk-ins; the others serve remote channels alone."""

    STORE = "store"
    WAREHOUSE = "warehouse"
    DARK_STORE = "dark_store"

    @property
    def has_tills(self) -> bool:
        return self is StoreKind.STORE

    @property
    def offers_pickup(self) -> bool:
        """The default."""
        return self is not StoreKind.WAREHOUSE


class StoreState(StrEnum):
    ACTIVE = "active"
    DRAINING = "draining"
    CLOSED = "closed"


class StoreNotFound(NotFound):
    code = "unknown_store"

    def __init__(self, store: StoreId) -> None:
        super().__init__(f"There is no store {store!r}.", facts={"store": store})


class UnknownStore(Invalid):
    """A store named in the input; `where` is the path of the field, for the sender."""

    def __init__(self, store: StoreId, where: Mapping[str, str]) -> None:
        detail = f"There is no store {store!r}."
        error = {**where, "code": StoreNotFound.code, "detail": detail}
        super().__init__(detail, errors=[error], facts={"store": store}, code=StoreNotFound.code)


class StoreDisabled(Conflict):
    code = "store_disabled"

    def __init__(self, store: "Store") -> None:
        super().__init__(
            f"{store.store} takes in nothing new: it is {store.state.value}.",
            facts={"store": store.store, "state": store.state.value},
        )


class Store(Struct, frozen=True, kw_only=True):
    """`hours` are the ordinary week, `exceptions` the days that differ, both OSM opening hours.

    A pickup prepared there takes `prep_minutes` of opening time and waits `pickup_days` for its
    customer. `channels` are the remote ones that sell from it; null for all of them.
    """

    store: StoreId
    name: OptionalName = ""
    kind: StoreKind = StoreKind.STORE
    address: Annotated[str, Meta(max_length=500)] = ""
    city: Annotated[str, Meta(max_length=200)] = ""
    postal_code: Annotated[str, Meta(max_length=32)] = ""
    country: str = ""
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    time_zone: str = "UTC"
    hours: Hours = ""
    exceptions: Hours = ""
    phone: Annotated[str, Meta(max_length=64)] = ""
    pickup: bool = True
    prep_minutes: Annotated[int, Meta(ge=0, le=60 * 24 * 30)] = 60
    pickup_days: Annotated[int, Meta(ge=1, le=365)] = 7
    services: Services = ()
    channels: Annotated[tuple[ChannelId, ...], Meta(max_length=100)] | None = None
    state: StoreState = StoreState.ACTIVE

    def __post_init__(self) -> None:
        check_key("store", self.store)
        if (self.latitude is None) != (self.longitude is None):
            lacking = "latitude" if self.latitude is None else "longitude"
            raise InvalidField(lacking, "required", "must be given when its companion is")
        if not is_time_zone(self.time_zone):
            raise InvalidField("time_zone", "unknown_time_zone", "must be a name of the IANA list")
        if self.country and self.country not in country_codes():
            raise InvalidField("country", "unknown_country", "must be two letters of ISO 3166")
        opening_hours.parse_hours(self.osm_hours)

    @property
    def osm_hours(self) -> str:
        """The ordinary week and its exceptions in one text; empty when the store has neither."""
        if not self.exceptions:
            return self.hours
        return f"{self.hours or '24/7'}; {self.exceptions}"

    def serves(self, channel: ChannelId) -> bool:
        """Whether something new may be sold from here through a remote channel."""
        return self.find_unavailable_reason(channel) is None

    def find_unavailable_reason(self, channel: ChannelId) -> str | None:
        """The code of the reason why a channel sells nothing new from here; None where it does."""
        if self.state is not StoreState.ACTIVE:
            return f"store_{self.state.value}"
        return None if self.channels is None or channel in self.channels else "not_served"

    def ensure_active(self) -> None:
        """Raises StoreDisabled where goods are no longer sent to."""
        if self.state is not StoreState.ACTIVE:
            raise StoreDisabled(self)

    def is_open(self, at: datetime) -> bool:
        return opening_hours.is_open(self.osm_hours, self.time_zone, at, self.country)

    def next_opening(self, at: datetime) -> datetime | None:
        """`at` itself while the store is open; None when it never opens again."""
        return opening_hours.next_opening_at(self.osm_hours, self.time_zone, at, self.country)

    def ready_at(self, now: datetime) -> datetime | None:
        """The time when an order placed `now` is ready to collect, to the full minute.

        None when the store never opens again.
        """
        minute = timedelta(minutes=1)
        begun = now.replace(second=0, microsecond=0)
        placed = begun if begun == now else begun + minute
        return opening_hours.ready_at(
            self.osm_hours, self.time_zone, placed, self.prep_minutes, self.country
        )

    def distance_from(self, latitude: float, longitude: float) -> float | None:
        """Great-circle distance; None for a store without coordinates."""
        if self.latitude is None or self.longitude is None:
            return None
        return distance_km(self.latitude, self.longitude, latitude, longitude)


def distance_km(
    latitude: float, longitude: float, to_latitude: float, to_longitude: float
) -> float:
    """Great-circle distance between two points in degrees (haversine)."""
    phi, to_phi = radians(latitude), radians(to_latitude)
    half_lat, half_lon = (to_phi - phi) / 2, radians(to_longitude - longitude) / 2
    chord = sin(half_lat) ** 2 + cos(phi) * cos(to_phi) * sin(half_lon) ** 2
    return 2 * _EARTH_RADIUS_KM * asin(min(1.0, sqrt(chord)))
