"""Carts, a row each; its lines are read and written whole."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from domain.carts.cart_lines import CartLine
from domain.carts.cart_rules import CartRules
from domain.carts.carts import Cart, CartState
from domain.foundation.callers import Caller
from domain.kernel.addresses import Address
from domain.kernel.errors import NotFound
from domain.kernel.ids import CartId, CustomerId

COLUMNS: Final = (
    "id, currency, created_at, changed_at, state, customer, claimed_by, merged_into, "
    "order_id, hold, version, lines, saved, store, paying_until, market, coupons, method, address"
)
ADD: Final = """
    insert into carts
        (id, currency, created_at, changed_at, customer, version, lines, saved, store, market)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
GET: Final = f"select {COLUMNS} from carts where id = $1"
TAKE: Final = f"{GET} for update"
TAKE_ALL: Final = f"select {COLUMNS} from carts where id = any($1::text[]) order by id for update"
OPEN_OF_ANY: Final = f"select {COLUMNS} from carts where state = 'open'"
OPEN_OF: Final = f"select {COLUMNS} from carts where customer = $1 and state in ('open', 'paying')"
TAKE_BOTH: Final = f"""
    select {COLUMNS} from carts
    where id = $1 or customer = $2 and state in ('open', 'paying') order by id for update
"""
KEEP: Final = """
    update carts set currency = $10, changed_at = $2, state = $3, customer = $4, claimed_by = $5,
        merged_into = $6, order_id = $7, version = $8, lines = $9, hold = $11, saved = $12,
        paying_until = $13, market = $14, coupons = $15, method = $16, address = $17
    where id = $1
"""
TAKE_SAVED: Final = """
    with kept as (
        select id, saved from carts
        where id = case when $1::text is null then $2
            else (select cart from orders where customer = $1 order by id desc limit 1) end
            and state = 'ordered' and saved <> '[]' and customer is not distinct from $1::text
        for update
    ), given as (
        update carts set saved = '[]', version = version + 1 where id in (select id from kept)
    )
    select saved from kept
"""
OF_MEMBER: Final = f"""
    {OPEN_OF_ANY} and customer = (
        select loyalty_members.customer from loyalty_members
        join customers on customers.id = loyalty_members.customer
        where (loyalty_members.id = $1 or customers.external_id = $1)
            and loyalty_members.status <> 'closed'
        order by loyalty_members.id <> $1 limit 1
    )
"""
BY_CODE: Final = f"{OPEN_OF_ANY} and code_hash = $1 and code_until > $2 limit 1"
GIVE_CODE: Final = "update carts set code_hash = $2, code_until = $3 where id = $1"
STALE: Final = f"""
    select {COLUMNS} from carts
    where state = 'open' and changed_at < case
            when customer is not null then $2::timestamptz
            when store is not null then $3::timestamptz
            else $1::timestamptz
        end
        and changed_at < greatest($1::timestamptz, $2::timestamptz, $3::timestamptz)
        and not exists (
            select from holds
            where holds.id = carts.hold and holds.state = 'active' and pinned_until > $5
        )
    order by changed_at limit $4 for update skip locked
"""
EMPTY: Final = """
    update carts set state = $2, changed_at = $3, version = version + 1,
        lines = '[]', saved = '[]', coupons = '{}', address = null,
        code_hash = null, code_until = null
    where id = any($1::text[])
"""
FORGET: Final = """
    with gone as (
        delete from carts where id in (
            select id from carts
            where state in ('merged', 'expired') and changed_at < $1
                and not exists (select from orders where orders.cart = carts.id)
            order by changed_at limit $2 for update skip locked
        )
        returning true
    )
    select count(*) from gone
"""


class PostgresCarts:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def add(self, cart: Cart) -> None:
        await self._connection.execute(
            ADD,
            cart.id,
            cart.currency,
            cart.created_at,
            cart.changed_at,
            cart.customer,
            cart.version,
            _text(cart.lines),
            _text(cart.saved),
            cart.store,
            cart.market,
        )

    async def get(self, cart: CartId) -> Cart:
        return _cart(await self._connection.fetchrow(GET, cart))

    async def get_for_update(self, cart: CartId) -> Cart:
        return _cart(await self._connection.fetchrow(TAKE, cart))

    async def get_open_by_customer(self, customer: CustomerId) -> Cart | None:
        row = await self._connection.fetchrow(f"{OPEN_OF} for update", customer)
        return _cart(row) if row else None

    async def get_many_for_update(self, carts: Collection[CartId]) -> dict[CartId, Cart]:
        rows = await self._connection.fetch(TAKE_ALL, list(carts))
        return {row["id"]: _cart(row) for row in rows}

    async def get_pair_for_update(
        self, cart: CartId, customer: CustomerId
    ) -> tuple[Cart, Cart | None]:
        rows = await self._connection.fetch(TAKE_BOTH, cart, customer)
        taken = {row["id"]: _cart(row) for row in rows}
        if cart not in taken:
            raise NotFound
        named = taken.pop(cart)
        return named, next(iter(taken.values()), None)

    async def update(self, *carts: Cart) -> None:
        await self._connection.executemany(KEEP, [_values(cart) for cart in carts])

    async def get_saved_for_update(self, caller: Caller) -> list[CartLine]:
        text = await self._connection.fetchval(TAKE_SAVED, caller.customer, caller.cart)
        return msgspec.json.decode(text or "[]", type=list[CartLine])

    async def find_by_member(self, said: str) -> Cart | None:
        row = await self._connection.fetchrow(OF_MEMBER, said)
        return _cart(row) if row else None

    async def find_by_code(self, code_hash: bytes) -> Cart | None:
        row = await self._connection.fetchrow(BY_CODE, code_hash, self._now)
        return _cart(row) if row else None

    async def set_code(self, cart: CartId, code_hash: bytes, until: datetime) -> None:
        await self._connection.execute(GIVE_CODE, cart, code_hash, until)

    async def get_stale_for_update(self, rules: CartRules, limit: int) -> list[Cart]:
        days = (rules.guest_days, rules.customer_days, rules.till_days)
        ends = [self._now - timedelta(days=count) for count in days]
        return [_cart(row) for row in await self._connection.fetch(STALE, *ends, limit, self._now)]

    async def clear(self, carts: Collection[CartId], state: CartState) -> None:
        await self._connection.execute(EMPTY, list(carts), state.value, self._now)

    async def purge(self, before: datetime, limit: int) -> int:
        gone: int = await self._connection.fetchval(FORGET, before, limit)
        return gone


def _values(cart: Cart) -> tuple[Any, ...]:
    return (
        cart.id,
        cart.changed_at,
        cart.state.value,
        cart.customer,
        cart.claimed_by,
        cart.merged_into,
        cart.order,
        cart.version,
        _text(cart.lines),
        cart.currency,
        cart.hold,
        _text(cart.saved),
        cart.paying_until,
        cart.market,
        list(cart.coupons),
        cart.method,
        _text(cart.address) if cart.address else None,
    )


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _cart(row: Any) -> Cart:
    if row is None:
        raise NotFound
    columns = dict(row)
    columns["order"] = columns.pop("order_id")
    for name in ("lines", "saved"):
        columns[name] = msgspec.json.decode(columns[name], type=list[CartLine])
    if columns["address"]:
        columns["address"] = msgspec.json.decode(columns["address"], type=Address)
    return msgspec.convert(columns, Cart)
