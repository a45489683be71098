"""Recently viewed SKUs: a row for each owner (a customer or a guest's cart) and SKU."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from domain.carts.recently_viewed import MAX_VIEWED, ViewedProduct
from domain.kernel.ids import CartId, CustomerId, Sku

NOTE: Final = """
    insert into recently_viewed (owner, sku, viewed_at)
    select $1, sku, at from unnest($2::text[], $3::timestamptz[]) as seen (sku, at) order by sku
    on conflict (owner, sku) do update set viewed_at = excluded.viewed_at
"""
TRIM: Final = f"""
    delete from recently_viewed where owner = $1 and sku in (
        select sku from recently_viewed where owner = $1
        order by viewed_at desc, sku offset {MAX_VIEWED}
    )
"""
OF: Final = f"""
    select sku, viewed_at from recently_viewed where owner = $1
    order by viewed_at desc, sku limit {MAX_VIEWED}
"""
MOVE: Final = """
    with gone as (delete from recently_viewed where owner = $1 returning sku, viewed_at)
    insert into recently_viewed (owner, sku, viewed_at)
    select $2, sku, viewed_at from gone order by sku
    on conflict (owner, sku)
        do update set viewed_at = greatest(recently_viewed.viewed_at, excluded.viewed_at)
"""
FORGET: Final = "delete from recently_viewed where owner = any($1::text[])"


class PostgresRecentlyViewed:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def record(self, owner: CustomerId | CartId, skus: Sequence[Sku]) -> None:
        step = timedelta(microseconds=1)
        told = {sku: self._now - place * step for place, sku in enumerate(dict.fromkeys(skus))}
        await self._connection.execute(NOTE, owner, list(told), list(told.values()))
        await self._connection.execute(TRIM, owner)

    async def list_by_owner(self, owner: CustomerId | CartId) -> list[ViewedProduct]:
        return [ViewedProduct(*row) for row in await self._connection.fetch(OF, owner)]

    async def move(self, guest: CartId, customer: CustomerId) -> None:
        await self._connection.execute(MOVE, guest, customer)
        await self._connection.execute(TRIM, customer)

    async def purge(self, owners: Collection[CartId]) -> None:
        await self._connection.execute(FORGET, list(owners))
