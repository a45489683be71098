"""Carts, a row each; its lines are read and written whole."""

from typing import Any, Final

import msgspec

from domain.carts import Cart, CartLine
from domain.ids import CartId, CustomerId
from domain.refusals import Missing

COLUMNS: Final = (
    "id, currency, created_at, changed_at, state, customer, claimed_by, merged_into, "
    "order_id, hold, version, lines"
)
ADD: Final = """
    insert into carts (id, currency, created_at, changed_at, customer, version, lines)
    values ($1, $2, $3, $4, $5, $6, $7)
"""
GET: Final = f"select {COLUMNS} from carts where id = $1"
TAKE: Final = f"{GET} for update"
OPEN_OF: Final = f"select {COLUMNS} from carts where customer = $1 and state = 'open'"
KEEP: Final = """
    update carts set currency = $10, changed_at = $2, state = $3, customer = $4, claimed_by = $5,
        merged_into = $6, order_id = $7, version = $8, lines = $9, hold = $11
    where id = $1
"""


class PostgresCarts:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def add(self, cart: Cart) -> None:
        await self._connection.execute(
            ADD,
            cart.id,
            cart.currency,
            cart.created_at,
            cart.changed_at,
            cart.customer,
            cart.version,
            msgspec.json.encode(cart.lines).decode(),
        )

    async def get(self, cart: CartId) -> Cart:
        return _cart(await self._connection.fetchrow(GET, cart))

    async def take(self, cart: CartId) -> Cart:
        return _cart(await self._connection.fetchrow(TAKE, cart))

    async def open_of(self, customer: CustomerId) -> Cart | None:
        row = await self._connection.fetchrow(f"{OPEN_OF} for update", customer)
        return _cart(row) if row else None

    async def keep(self, cart: Cart) -> None:
        await self._connection.execute(
            KEEP,
            cart.id,
            cart.changed_at,
            cart.state.value,
            cart.customer,
            cart.claimed_by,
            cart.merged_into,
            cart.order,
            cart.version,
            msgspec.json.encode(cart.lines).decode(),
            cart.currency,
            cart.hold,
        )


def _cart(row: Any) -> Cart:
    if row is None:
        raise Missing
    columns = dict(row)
    columns["order"] = columns.pop("order_id")
    columns["lines"] = msgspec.json.decode(columns["lines"], type=list[CartLine])
    return msgspec.convert(columns, Cart)
