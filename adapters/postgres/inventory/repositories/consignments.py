"""Deliveries and transfers, a row each, and the units that each store still expects."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from adapters.postgres.db.columns import columns
from domain.inventory.consignments import Consignment, ConsignmentLine, Incoming
from domain.inventory.deliveries import Delivery
from domain.inventory.transfers import Transfer
from domain.kernel.errors import NotFound
from domain.kernel.ids import Sku, StoreId

C = TypeVar("C", bound=Consignment)


class Statements(Struct, Generic[C], frozen=True):
    """The SQL statements of one kind of consignment."""

    thing: type[C]
    add: str
    keep: str
    get: str
    page: str

    @classmethod
    def of(cls, thing: type[C], table: str, *ends: str) -> "Statements[C]":
        """Builds the statements; `ends` are the columns of the store or stores concerned."""
        names = ", ".join(thing.__struct_fields__)
        slots = ", ".join(f"${n}" for n in range(1, len(thing.__struct_fields__) + 1))
        mine = " or ".join(f"{end} = any($1)" for end in ends)
        return cls(
            thing,
            add=f"insert into {table} ({names}) values ({slots})",
            keep=f"update {table} set ({names}) = row({slots}) where id = $1",
            get=f"select {names} from {table} where id = $1",
            page=f"""
                select {names} from {table}
                where ($1::text[] is null or {mine})
                    and state = any($2::text[]) and ($3::text is null or id > $3)
                order by id limit $4
            """,
        )


TRANSFERS: Final = Statements.of(Transfer, "transfers", "origin", "destination")
DELIVERIES: Final = Statements.of(Delivery, "deliveries", "destination")
PUT: Final = f"""
    {DELIVERIES.add} on conflict (id) do update set {
    ", ".join(f"{name} = excluded.{name}" for name in Delivery.__struct_fields__)
}
"""
FORGET: Final = "delete from incoming_stock where source = any($1::text[])"
ONE_FILE: Final = "select pg_advisory_xact_lock(hashtext('deliveries'))"
TOLD: Final = "select * from deliveries where external_id = any($1::text[]) order by id for update"
AWAIT: Final = """
    insert into incoming_stock (store, sku, units, due_on, source)
    select * from unnest($1::text[], $2::text[], $3::int[], $4::date[], $5::text[])
"""
INCOMING: Final = """
    select incoming_stock.store, sku, units, due_on, source
    from incoming_stock join stores on stores.store = incoming_stock.store
    where sku = any($1::text[]) and ($2::text[] is null or incoming_stock.store = any($2))
        and ($3::date is null
            or due_on between ($4::timestamptz at time zone stores.time_zone)::date and $3)
    order by due_on nulls last, source, incoming_stock.store, sku
"""


class PostgresConsignments(Generic[C]):
    def __init__(self, connection: Any, statements: Statements[C]) -> None:
        self._connection = connection
        self._statements = statements

    async def add(self, consignment: C) -> None:
        await self._connection.execute(self._statements.add, *_values(consignment))
        await self._await([consignment])

    async def update(self, consignment: C) -> None:
        await self._connection.execute(self._statements.keep, *_values(consignment))
        await self._connection.execute(FORGET, [consignment.id])
        await self._await([consignment])

    async def _await(self, consignments: Collection[C]) -> None:
        rows = [
            (one.store, one.sku, one.units, one.due_on, one.source)
            for consignment in consignments
            for one in consignment.incoming
        ]
        if rows:
            await self._connection.execute(AWAIT, *columns(rows, 5))

    async def get(self, consignment: str) -> C:
        return self._read(await self._connection.fetchrow(self._statements.get, consignment))

    async def get_for_update(self, consignment: str) -> C:
        statement = f"{self._statements.get} for update"
        return self._read(await self._connection.fetchrow(statement, consignment))

    async def list_page(
        self,
        stores: Collection[StoreId] | None,
        states: Collection[StrEnum],
        *,
        after: str | None,
        limit: int,
    ) -> Sequence[C]:
        wanted = None if stores is None else list(stores)
        names = [state.value for state in states]
        rows = await self._connection.fetch(self._statements.page, wanted, names, after, limit)
        return [self._read(row) for row in rows]

    def _read(self, row: Any) -> C:
        if row is None:
            raise NotFound
        fields = dict(row)
        fields["lines"] = msgspec.json.decode(fields["lines"], type=list[ConsignmentLine])
        return msgspec.convert(fields, self._statements.thing)


class PostgresDeliveries(PostgresConsignments[Delivery]):
    async def get_reported_for_update(self, external_ids: Collection[str]) -> dict[str, Delivery]:
        await self._connection.execute(ONE_FILE)
        found = map(self._read, await self._connection.fetch(TOLD, list(external_ids)))
        return {one.external_id: one for one in found if one.external_id}

    async def upsert(self, deliveries: Mapping[str, Delivery]) -> None:
        told = sorted(deliveries.values(), key=lambda one: one.id)
        await self._connection.executemany(PUT, [_values(one) for one in told])
        await self._connection.execute(FORGET, [one.id for one in told])
        await self._await(told)


class PostgresSupply:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def list_incoming(
        self,
        skus: Collection[Sku],
        stores: Collection[StoreId] | None = None,
        *,
        by: date | None = None,
    ) -> list[Incoming]:
        wanted = None if stores is None else list(stores)
        rows = await self._connection.fetch(INCOMING, list(skus), wanted, by, self._now)
        return [Incoming(*row) for row in rows]


def _values(consignment: Consignment) -> list[Any]:
    values = msgspec.structs.asdict(consignment)
    values["state"] = consignment.state.value
    values["lines"] = msgspec.json.encode(consignment.lines).decode()
    return list(values.values())
