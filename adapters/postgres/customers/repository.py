"""The people the shop knows."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Final

from adapters.postgres.db.statements import Statement
from domain.customers.customers import Customer, CustomerNotFound, ExternalIdTaken, Profile
from domain.kernel.ids import CustomerId

COLUMNS: Final = "id, external_id, name, email, phone, nullif(locale, '') as locale"
KNOWN: Final = Statement("""
    select id, null from customers where id = any(:customers::text[])
    union all
    select id, external_id from customers where external_id = any(:external_ids::text[])
""")
LOCK: Final = Statement(f"""
    select {COLUMNS} from customers where external_id = any(:external_ids::text[])
    order by external_id for no key update
""")
PUT: Final = Statement("""
    insert into customers (id, external_id, name, email, phone, locale, created_at, changed_at)
    select id, external_id, name, email, phone, coalesce(locale, ''), :now, :now
    from unnest(:ids::text[], :external_ids::text[], :names::text[], :emails::text[],
        :phones::text[], :locales::text[])
        as told (id, external_id, name, email, phone, locale)
    order by external_id
    on conflict (external_id) do update set
        name = excluded.name, email = excluded.email, phone = excluded.phone,
        locale = excluded.locale, version = customers.version + 1, changed_at = :now
""")
ENROL: Final = Statement("""
    insert into loyalty_members (id, customer, joined_at)
    select told.id, customers.id, :now
    from unnest(:ids::text[], :external_ids::text[]) as told (id, external_id)
    join customers using (external_id)
    on conflict (customer) do nothing
""")
PROFILE: Final = """
    select customers.id, external_id, name, email, phone, nullif(locale, '') as locale, created_at,
        loyalty_members.id as member
    from customers left join loyalty_members on loyalty_members.customer = customers.id
"""
GET: Final = Statement(f"{PROFILE} where customers.id = :customer")
TAKE: Final = Statement(f"{GET} for no key update of customers")
PAGE: Final = Statement(f"""
    {PROFILE}
    where (:external_id::text is null or external_id = :external_id) and (:after::text is null
        or customers.id > :after)
    order by customers.id limit :limit
""")
ADD: Final = Statement("""
    insert into customers (id, external_id, name, email, phone, locale, created_at, changed_at)
    values (:id, :external_id, :name, :email, :phone, coalesce(:locale, ''), :now, :now)
    on conflict (external_id) do nothing returning true
""")
KEEP: Final = Statement("""
    update customers set name = :name, email = :email, phone = :phone, locale = coalesce(:locale,
        ''),
        version = version + 1, changed_at = :now
    where id = :id
""")


class PostgresCustomers:
    def __init__(self, connection: Any, now: datetime, new_id: Callable[[str], str]) -> None:
        self._connection = connection
        self._now = now
        self._new_id = new_id

    async def get_by_external_id(
        self, customers: Collection[CustomerId], external_ids: Collection[str]
    ) -> tuple[set[CustomerId], dict[str, CustomerId]]:
        rows = await self._connection.fetch(
            *KNOWN(customers=list(customers), external_ids=list(external_ids))
        )
        named = {external_id: customer for customer, external_id in rows if external_id}
        return {customer for customer, external_id in rows if not external_id}, named

    async def get(self, customer: CustomerId) -> Profile:
        return await self._one(GET(customer=customer))

    async def get_for_update(self, customer: CustomerId) -> Profile:
        return await self._one(TAKE(customer=customer))

    async def _one(self, query: tuple[Any, ...]) -> Profile:
        row = await self._connection.fetchrow(*query)
        if row is None:
            raise CustomerNotFound
        return Profile(**row)

    async def list_page(
        self, *, external_id: str | None, after: CustomerId | None, limit: int
    ) -> Sequence[Profile]:
        rows = await self._connection.fetch(
            *PAGE(external_id=external_id, after=after, limit=limit)
        )
        return [Profile(**row) for row in rows]

    async def add(self, told: Customer) -> None:
        values = (told.id, told.external_id, told.name, told.email, told.phone, told.locale)
        if not await self._connection.fetchval(*ADD(*values, now=self._now)):
            raise ExternalIdTaken(told.external_id)

    async def update(self, customer: Customer) -> None:
        values = (customer.name, customer.email, customer.phone, customer.locale)
        await self._connection.execute(*KEEP(*values, id=customer.id, now=self._now))

    async def lock(self, external_ids: Collection[str]) -> dict[str, Customer]:
        rows = await self._connection.fetch(*LOCK(external_ids=list(external_ids)))
        return {row["external_id"]: Customer(**row) for row in rows}

    async def upsert(self, customers: Sequence[Customer]) -> None:
        rows = [
            (told.id, told.external_id, told.name, told.email, told.phone, told.locale)
            for told in customers
        ]
        await self._connection.execute(*PUT(*zip(*rows, strict=True), now=self._now))

    async def enrol_members(self, external_ids: Collection[str]) -> None:
        ids = [self._new_id("mem") for _ in external_ids]
        await self._connection.execute(
            *ENROL(ids=ids, external_ids=list(external_ids), now=self._now)
        )
