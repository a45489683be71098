"""The places, by key and by where they are on the map."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from math import cos, radians
from typing import Any, Final

import msgspec

from adapters.postgres.db.statements import Statement
from domain.kernel.ids import StoreId
from domain.stores.stores import Store, StoreKind, StoreNotFound, StoreState

FIELDS: Final = Store.__struct_fields__
COLUMNS: Final = ", ".join(FIELDS)
BY_ID: Final = Statement(f"select {COLUMNS} from stores where store = any(:stores::text[])")
ALL: Final = f"select {COLUMNS} from stores"
STAMP: Final = "select coalesce(sum(version), 0)::bigint from stores"
"""Stores are never deleted, so it only grows."""
LOCK: Final = Statement(f"{BY_ID} order by store for no key update")
SHARE: Final = Statement(f"{BY_ID} order by store for share")
DRAINING: Final = "select store from stores where state = 'draining' order by store"
PAGE: Final = Statement(f"""
    select {COLUMNS} from stores
    where store > :after and (:pickup::boolean is null or pickup = :pickup)
    order by store limit :limit
""")
WITHIN: Final = Statement(f"""
    select {COLUMNS} from stores
    where latitude between :south and :north
        and (longitude between :west and :east or longitude - 360 >= :west
            or longitude + 360 <= :east)
""")
PUT: Final = Statement(f"""
    insert into stores ({COLUMNS})
    select store, name, kind, address, city, postal_code, country, latitude, longitude, time_zone,
        hours, exceptions, phone, pickup, prep_minutes, pickup_days, services::jsonb,
        case when channels is not null then
            array(select jsonb_array_elements_text(channels::jsonb)) end,
        state
    from unnest(
        :stores::text[], :kinds::text[], :names::text[], :addresses::text[], :cities::text[],
            :postal_codes::text[], :countries::text[],
        :latitudes::float8[], :longitudes::float8[], :time_zones::text[], :hours::text[],
            :exceptions::text[], :phones::text[],
        :pickup::boolean[], :prep_minutes::int[], :pickup_days::int[], :services::text[],
            :channels::text[], :states::text[]
    ) as told ({COLUMNS})
    order by store
    on conflict (store) do update set
        {", ".join(f"{field} = excluded.{field}" for field in FIELDS if field != "store")},
        version = stores.version + 1
""")
KM_PER_DEGREE: Final = 111.19


class PostgresStores:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def get(self, store: StoreId) -> Store:
        found = await self.get_many([store])
        if store not in found:
            raise StoreNotFound(store)
        return found[store]

    async def get_many(self, stores: Collection[StoreId]) -> dict[StoreId, Store]:
        return await self._found(BY_ID(stores=list(stores)))

    async def list_all(self) -> dict[StoreId, Store]:
        return await self._found((ALL,))

    async def get_version(self) -> int:
        stamp: int = await self._connection.fetchval(STAMP)
        return stamp

    async def lock(self, stores: Collection[StoreId]) -> dict[StoreId, Store]:
        return await self._found(LOCK(stores=list(stores)))

    async def lock_shared(self, stores: Collection[StoreId]) -> dict[StoreId, Store]:
        return await self._found(SHARE(stores=list(stores)))

    async def list_draining(self) -> list[StoreId]:
        return [row["store"] for row in await self._connection.fetch(DRAINING)]

    async def list_page(
        self, after: StoreId, limit: int, *, pickup: bool | None = None
    ) -> list[Store]:
        return list((await self._found(PAGE(after=after, pickup=pickup, limit=limit))).values())

    async def list_near(
        self, latitude: float, longitude: float, radius_km: float
    ) -> list[tuple[Store, float]]:
        box = _box(latitude, longitude, radius_km)
        stores = (await self._found(WITHIN(*box))).values()
        distances = [(store, store.distance_from(latitude, longitude)) for store in stores]
        within = [(store, km) for store, km in distances if km is not None and km <= radius_km]
        return sorted(within, key=lambda found: (found[1], found[0].store))

    async def upsert(self, stores: Sequence[Store]) -> None:
        columns = zip(*(_row(store) for store in stores), strict=True)
        await self._connection.execute(*PUT(*columns))

    async def _found(self, query: tuple[Any, ...]) -> dict[StoreId, Store]:
        rows = await self._connection.fetch(*query)
        return {row["store"]: _store(row) for row in rows}


def _box(latitude: float, longitude: float, radius_km: float) -> tuple[float, float, float, float]:
    """South, north, west and east of all that is within the radius; round the pole, everything."""
    high = radius_km / KM_PER_DEGREE
    south, north = latitude - high, latitude + high
    pole = 90
    if south <= -pole or north >= pole:
        return south, north, -180, 180
    wide = high / cos(radians(max(abs(south), abs(north))))
    return south, north, longitude - wide, longitude + wide


def _row(store: Store) -> tuple[Any, ...]:
    *plain, services, channels, state = (getattr(store, field) for field in FIELDS)
    told = None if channels is None else msgspec.json.encode(channels).decode()
    return (*plain, msgspec.json.encode(services).decode(), told, state.value)


def _store(row: Any) -> Store:
    *told, channels, state = row
    return _to_row(*told, None if channels is None else tuple(channels), state)


@lru_cache(maxsize=10_000)
def _to_row(*told: Any) -> Store:
    """Builds a store, once for equal rows: parsing opening hours takes longer than a query."""
    row = dict(zip(FIELDS, told, strict=True))
    services = msgspec.json.decode(row["services"], type=tuple[str, ...])
    kind, state = StoreKind(row["kind"]), StoreState(row["state"])
    return Store(**row | {"services": services, "kind": kind, "state": state})
