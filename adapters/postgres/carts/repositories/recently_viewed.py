"""Recently viewed SKUs: a row for each owner (a customer or a guest's cart) and SKU."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.postgres.db.statements import Statement
from domain.carts.recently_viewed import MAX_VIEWED, ViewedProduct
from domain.kernel.ids import CartId, CustomerId, Sku

NOTE: Final = Statement("""
    insert into recently_viewed (owner, sku, viewed_at)
    select :owner, sku, at from unnest(:skus::text[], :viewed_ats::timestamptz[])
        as seen (sku, at) order by sku
    on conflict (owner, sku) do update set viewed_at = excluded.viewed_at
""")
TRIM: Final = Statement(f"""
    delete from recently_viewed where owner = :owner and sku in (
        select sku from recently_viewed where owner = :owner
        order by viewed_at desc, sku offset {MAX_VIEWED}
    )
""")
OF: Final = Statement(f"""
    select sku, viewed_at from recently_viewed where owner = :owner
    order by viewed_at desc, sku limit {MAX_VIEWED}
""")
MOVE: Final = Statement("""
    with gone as (delete from recently_viewed where owner = :guest returning sku, viewed_at)
    insert into recently_viewed (owner, sku, viewed_at)
    select :customer, sku, viewed_at from gone order by sku
    on conflict (owner, sku)
        do update set viewed_at = greatest(recently_viewed.viewed_at, excluded.viewed_at)
""")
FORGET: Final = Statement("delete from recently_viewed where owner = any(:owners::text[])")


class PostgresRecentlyViewed:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def record(self, owner: CustomerId | CartId, skus: Sequence[Sku]) -> None:
        step = timedelta(microseconds=1)
        told = {sku: self._now - place * step for place, sku in enumerate(dict.fromkeys(skus))}
        await self._connection.execute(
            *NOTE(owner=owner, skus=list(told), viewed_ats=list(told.values()))
        )
        await self._connection.execute(*TRIM(owner=owner))

    async def list_by_owner(self, owner: CustomerId | CartId) -> list[ViewedProduct]:
        return [ViewedProduct(*row) for row in await self._connection.fetch(*OF(owner=owner))]

    async def move(self, guest: CartId, customer: CustomerId) -> None:
        await self._connection.execute(*MOVE(guest=guest, customer=customer))
        await self._connection.execute(*TRIM(owner=customer))

    async def purge(self, owners: Collection[CartId]) -> None:
        await self._connection.execute(*FORGET(owners=list(owners)))
