"""Deliveries and transfers, a row each, and the units that each store still expects."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from adapters.postgres.db.columns import columns
from adapters.postgres.db.statements import Statement
from domain.inventory.consignments import Consignment, ConsignmentLine, Incoming
from domain.inventory.deliveries import Delivery
from domain.inventory.transfers import Transfer
from domain.kernel.errors import NotFound
from domain.kernel.ids import Sku, StoreId

C = TypeVar("C", bound=Consignment)


class Statements(Struct, Generic[C], frozen=True):
    """The SQL statements of one kind of consignment."""

    thing: type[C]
    add: Statement
    keep: Statement
    get: Statement
    get_for_update: Statement
    page: Statement

    @classmethod
    def of(cls, thing: type[C], table: str, *ends: str) -> "Statements[C]":
        """Builds the statements; `ends` are the columns of the store or stores concerned."""
        names = ", ".join(thing.__struct_fields__)
        slots = ", ".join(f":{name}" for name in thing.__struct_fields__)
        mine = " or ".join(f"{end} = any(:stores)" for end in ends)
        get = f"select {names} from {table} where id = :id"
        return cls(
            thing,
            add=Statement(f"insert into {table} ({names}) values ({slots})"),
            keep=Statement(f"update {table} set ({names}) = row({slots}) where id = :id"),
            get=Statement(get),
            get_for_update=Statement(f"{get} for update"),
            page=Statement(f"""
                select {names} from {table}
                where (:stores::text[] is null or {mine})
                    and state = any(:states::text[]) and (:after::text is null or id > :after)
                order by id limit :limit
            """),
        )


TRANSFERS: Final = Statements.of(Transfer, "transfers", "origin", "destination")
DELIVERIES: Final = Statements.of(Delivery, "deliveries", "destination")
PUT: Final = Statement(f"""
    {DELIVERIES.add} on conflict (id) do update set {
    ", ".join(f"{name} = excluded.{name}" for name in Delivery.__struct_fields__)
}
""")
FORGET: Final = Statement("delete from incoming_stock where source = any(:sources::text[])")
ONE_FILE: Final = "select pg_advisory_xact_lock(hashtext('deliveries'))"
TOLD: Final = Statement(
    "select * from deliveries where external_id = any(:external_ids::text[]) order by id for update"
)
AWAIT: Final = Statement("""
    insert into incoming_stock (store, sku, units, due_on, source)
    select * from unnest(:stores::text[], :skus::text[], :units::int[], :due_ons::date[],
        :sources::text[])
""")
INCOMING: Final = Statement("""
    select incoming_stock.store, sku, units, due_on, source
    from incoming_stock join stores on stores.store = incoming_stock.store
    where sku = any(:skus::text[]) and (:stores::text[] is null
        or incoming_stock.store = any(:stores))
        and (:by::date is null
            or due_on between (:now::timestamptz at time zone stores.time_zone)::date and :by)
    order by due_on nulls last, source, incoming_stock.store, sku
""")


class PostgresConsignments(Generic[C]):
    def __init__(self, connection: Any, statements: Statements[C]) -> None:
        self._connection = connection
        self._statements = statements

    async def add(self, consignment: C) -> None:
        await self._connection.execute(*self._statements.add(**_values(consignment)))
        await self._await([consignment])

    async def update(self, consignment: C) -> None:
        await self._connection.execute(*self._statements.keep(**_values(consignment)))
        await self._connection.execute(*FORGET(sources=[consignment.id]))
        await self._await([consignment])

    async def _await(self, consignments: Collection[C]) -> None:
        rows = [
            (one.store, one.sku, one.units, one.due_on, one.source)
            for consignment in consignments
            for one in consignment.incoming
        ]
        if rows:
            await self._connection.execute(*AWAIT(*columns(rows, 5)))

    async def get(self, consignment: str) -> C:
        return self._read(await self._connection.fetchrow(*self._statements.get(id=consignment)))

    async def get_for_update(self, consignment: str) -> C:
        statement = self._statements.get_for_update
        return self._read(await self._connection.fetchrow(*statement(id=consignment)))

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
        query = self._statements.page(stores=wanted, states=names, after=after, limit=limit)
        rows = await self._connection.fetch(*query)
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
        rows = await self._connection.fetch(*TOLD(external_ids=list(external_ids)))
        found = map(self._read, rows)
        return {one.external_id: one for one in found if one.external_id}

    async def upsert(self, deliveries: Mapping[str, Delivery]) -> None:
        told = sorted(deliveries.values(), key=lambda one: one.id)
        await self._connection.executemany(PUT.sql, [PUT.arguments(**_values(one)) for one in told])
        await self._connection.execute(*FORGET(sources=[one.id for one in told]))
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
        rows = await self._connection.fetch(
            *INCOMING(skus=list(skus), stores=wanted, by=by, now=self._now)
        )
        return [Incoming(*row) for row in rows]


def _values(consignment: Consignment) -> dict[str, Any]:
    values = msgspec.structs.asdict(consignment)
    values["state"] = consignment.state.value
    values["lines"] = msgspec.json.encode(consignment.lines).decode()
    return values
