"""Carts, a row each; its lines are read and written whole."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from adapters.postgres.db.statements import Statement
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
ADD: Final = Statement("""
    insert into carts
        (id, currency, created_at, changed_at, customer, version, lines, saved, store, market)
    values (:id, :currency, :created_at, :changed_at, :customer, :version, :lines, :saved, :store,
        :market)
""")
GET: Final = Statement(f"select {COLUMNS} from carts where id = :cart")
TAKE: Final = Statement(f"{GET} for update")
TAKE_ALL: Final = Statement(
    f"select {COLUMNS} from carts where id = any(:carts::text[]) order by id for update"
)
OPEN_OF_ANY: Final = f"select {COLUMNS} from carts where state = 'open'"
OPEN_OF: Final = Statement(
    f"select {COLUMNS} from carts where customer = :customer and state in ('open', 'paying')"
)
TAKE_OPEN_OF: Final = Statement(f"{OPEN_OF} for update")
TAKE_BOTH: Final = Statement(f"""
    select {COLUMNS} from carts
    where id = :cart or customer = :customer and state in ('open', 'paying') order by id for update
""")
CHANGING: Final = [
    "currency",
    "changed_at",
    "state",
    "customer",
    "claimed_by",
    "merged_into",
    "order_id",
    "version",
    "lines",
    "hold",
    "saved",
    "paying_until",
    "market",
    "coupons",
    "method",
    "address",
]
KEEP: Final = Statement(f"""
    update carts set {", ".join(f"{name} = :{name}" for name in CHANGING)} where id = :id
""")
TAKE_SAVED: Final = Statement("""
    with kept as (
        select id, saved from carts
        where id = case when :customer::text is null then :cart
            else (select cart from orders where customer = :customer order by id desc limit 1) end
            and state = 'ordered' and saved <> '[]' and customer is not distinct
            from :customer::text
        for update
    ), given as (
        update carts set saved = '[]', version = version + 1 where id in (select id from kept)
    )
    select saved from kept
""")
OF_MEMBER: Final = Statement(f"""
    {OPEN_OF_ANY} and customer = (
        select loyalty_members.customer from loyalty_members
        join customers on customers.id = loyalty_members.customer
        where (loyalty_members.id = :said or customers.external_id = :said)
            and loyalty_members.status <> 'closed'
        order by loyalty_members.id <> :said limit 1
    )
""")
BY_CODE: Final = Statement(
    f"{OPEN_OF_ANY} and code_hash = :code_hash and code_until > :now limit 1"
)
GIVE_CODE: Final = Statement(
    "update carts set code_hash = :code_hash, code_until = :until where id = :cart"
)
STALE: Final = Statement(f"""
    select {COLUMNS} from carts
    where state = 'open' and changed_at < case
            when customer is not null then :customer_end::timestamptz
            when store is not null then :till_end::timestamptz
            else :guest_end::timestamptz
        end
        and changed_at < greatest(:guest_end::timestamptz, :customer_end::timestamptz,
            :till_end::timestamptz)
        and not exists (
            select from holds
            where holds.id = carts.hold and holds.state = 'active' and pinned_until > :now
        )
    order by changed_at limit :limit for update skip locked
""")
EMPTY: Final = Statement("""
    update carts set state = :state, changed_at = :now, version = version + 1,
        lines = '[]', saved = '[]', coupons = '{}', address = null,
        code_hash = null, code_until = null
    where id = any(:carts::text[])
""")
FORGET: Final = Statement("""
    with gone as (
        delete from carts where id in (
            select id from carts
            where state in ('merged', 'expired') and changed_at < :before
                and not exists (select from orders where orders.cart = carts.id)
            order by changed_at limit :limit for update skip locked
        )
        returning true
    )
    select count(*) from gone
""")


class PostgresCarts:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def add(self, cart: Cart) -> None:
        await self._connection.execute(
            *ADD(
                id=cart.id,
                currency=cart.currency,
                created_at=cart.created_at,
                changed_at=cart.changed_at,
                customer=cart.customer,
                version=cart.version,
                lines=_text(cart.lines),
                saved=_text(cart.saved),
                store=cart.store,
                market=cart.market,
            ),
        )

    async def get(self, cart: CartId) -> Cart:
        return _cart(await self._connection.fetchrow(*GET(cart=cart)))

    async def get_for_update(self, cart: CartId) -> Cart:
        return _cart(await self._connection.fetchrow(*TAKE(cart=cart)))

    async def get_open_by_customer(self, customer: CustomerId) -> Cart | None:
        row = await self._connection.fetchrow(*TAKE_OPEN_OF(customer=customer))
        return _cart(row) if row else None

    async def get_many_for_update(self, carts: Collection[CartId]) -> dict[CartId, Cart]:
        rows = await self._connection.fetch(*TAKE_ALL(carts=list(carts)))
        return {row["id"]: _cart(row) for row in rows}

    async def get_pair_for_update(
        self, cart: CartId, customer: CustomerId
    ) -> tuple[Cart, Cart | None]:
        rows = await self._connection.fetch(*TAKE_BOTH(cart=cart, customer=customer))
        taken = {row["id"]: _cart(row) for row in rows}
        if cart not in taken:
            raise NotFound
        named = taken.pop(cart)
        return named, next(iter(taken.values()), None)

    async def update(self, *carts: Cart) -> None:
        await self._connection.executemany(
            KEEP.sql, [KEEP.arguments(**_values(cart)) for cart in carts]
        )

    async def get_saved_for_update(self, caller: Caller) -> list[CartLine]:
        text = await self._connection.fetchval(
            *TAKE_SAVED(customer=caller.customer, cart=caller.cart)
        )
        return msgspec.json.decode(text or "[]", type=list[CartLine])

    async def find_by_member(self, said: str) -> Cart | None:
        row = await self._connection.fetchrow(*OF_MEMBER(said=said))
        return _cart(row) if row else None

    async def find_by_code(self, code_hash: bytes) -> Cart | None:
        row = await self._connection.fetchrow(*BY_CODE(code_hash=code_hash, now=self._now))
        return _cart(row) if row else None

    async def set_code(self, cart: CartId, code_hash: bytes, until: datetime) -> None:
        await self._connection.execute(*GIVE_CODE(cart=cart, code_hash=code_hash, until=until))

    async def get_stale_for_update(self, rules: CartRules, limit: int) -> list[Cart]:
        days = (rules.guest_days, rules.customer_days, rules.till_days)
        guest, customer, till = [self._now - timedelta(days=count) for count in days]
        return [
            _cart(row)
            for row in await self._connection.fetch(
                *STALE(
                    guest_end=guest,
                    customer_end=customer,
                    till_end=till,
                    limit=limit,
                    now=self._now,
                )
            )
        ]

    async def clear(self, carts: Collection[CartId], state: CartState) -> None:
        await self._connection.execute(*EMPTY(carts=list(carts), state=state.value, now=self._now))

    async def purge(self, before: datetime, limit: int) -> int:
        gone: int = await self._connection.fetchval(*FORGET(before=before, limit=limit))
        return gone


def _values(cart: Cart) -> dict[str, Any]:
    return {
        "id": cart.id,
        "currency": cart.currency,
        "changed_at": cart.changed_at,
        "state": cart.state.value,
        "customer": cart.customer,
        "claimed_by": cart.claimed_by,
        "merged_into": cart.merged_into,
        "order_id": cart.order,
        "version": cart.version,
        "lines": _text(cart.lines),
        "hold": cart.hold,
        "saved": _text(cart.saved),
        "paying_until": cart.paying_until,
        "market": cart.market,
        "coupons": list(cart.coupons),
        "method": cart.method,
        "address": _text(cart.address) if cart.address else None,
    }


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
