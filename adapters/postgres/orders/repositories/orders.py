"""Orders, a row each; lines and groups are read and written whole."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from adapters.postgres.db.columns import columns
from adapters.postgres.orders.search import OrderSearchQuery
from domain.kernel.addresses import Address
from domain.kernel.errors import NotFound
from domain.kernel.ids import CustomerId, OrderId, Sku
from domain.kernel.money import Money
from domain.orders.order_lines import OrderLine
from domain.orders.orders import (
    Contact,
    Order,
    OrderFulfilment,
    OrderPoints,
    OrderPricing,
    OrderState,
    compute_totals,
)
from domain.orders.search import search_words
from domain.payments.tenders import Payment, to_tenders
from service.orders.ports import OrderQuery

COLUMNS: Final = (
    "id, cart, customer, state, locale, currency, goods_minor, to_pay_minor, contact, lines, "
    "fulfilments, payment, actor, version, placed_at, changed_at, address, "
    "attempt, payment_due_at, pricing, refunded_minor"
)
KINDS: Final = COLUMNS.count(",") + 2
WORDS: Final = KINDS + 1
"""The slots behind those of an order's columns."""
ADD: Final = f"""
    with known_by as (
        insert into order_search_terms (kind, term, order_id)
        select kind, term, $1 from unnest(${KINDS}::text[], ${WORDS}::text[]) as known (kind, term)
    )
    insert into orders ({COLUMNS})
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
        $18, $19, $20, $21)
"""
RENAME: Final = """
    with gone as (
        delete from order_search_terms
        where order_id = $1 and kind in ('email', 'phone', 'name')
            and (kind, term) not in (select * from unnest($2::text[], $3::text[]))
    )
    insert into order_search_terms (kind, term, order_id)
    select kind, term, $1 from unnest($2::text[], $3::text[]) as known (kind, term)
    on conflict do nothing
"""
KEEP: Final = """
    update orders set customer = $2, state = $3, goods_minor = $4, to_pay_minor = $5, lines = $6,
        fulfilments = $7, version = $8, changed_at = $9, placed_at = $10, attempt = $11,
            contact = $12,
        address = $13, pricing = $14, refunded_minor = $15
    where id = $1
"""
SELECT: Final = f"select {COLUMNS} from orders"
OF_CUSTOMER: Final = f"""
    {SELECT} where customer = $1 and ($2::text is null or id < $2) order by id desc limit $3
"""
BOUGHT: Final = """
    select distinct line ->> 'sku' as sku
    from orders cross join jsonb_array_elements(lines) as line
    where customer = $1 and line ->> 'sku' = any($2::text[])
        and state not in ('pending_payment', 'expired')
        and (line ->> 'cancelled')::int < (line ->> 'quantity')::int
"""
UNPAID: Final = """
    select id from orders
    where state = 'pending_payment' and payment_due_at <= $1
        and not exists (
            select from payment_attempts
            where order_id = orders.id and payment_attempts.state in ('started', 'waiting')
        )
        and not exists (
            select from payment_transactions
            where order_id = orders.id and payment_transactions.state = 'planned'
        )
    order by payment_due_at limit $2
"""


OVER: Final = {OrderState.CANCELLED, OrderState.EXPIRED}
"""An ended order returns its coupons."""
USE: Final = """
    with used as (
        insert into coupon_uses (promotion, order_id, customer) values ($1, $2, $3)
    )
    update promotions set uses = uses + 1 where promotion = $1
"""
LOCK_USED: Final = """
    select from promotions
    where promotion in (select promotion from coupon_uses where order_id = $1)
    order by promotion for update
"""
GIVE_BACK: Final = """
    with unused as (delete from coupon_uses where order_id = $1 returning promotion)
    update promotions set uses = uses - 1 from unused
    where promotions.promotion = unused.promotion
"""


class PostgresOrders:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def add(self, *orders: Order) -> None:
        rows = [(*_values(order), *columns(search_words(order), 2)) for order in orders]
        await self._connection.executemany(ADD, rows)
        used = [
            (coupon.promotion, order.id, order.customer)
            for order in orders
            for coupon in order.pricing.coupons
        ]
        if used:
            await self._connection.executemany(USE, used)

    async def update_search_words(self, order: Order) -> None:
        await self._connection.execute(RENAME, order.id, *columns(search_words(order), 2))

    async def search(
        self, wanted: OrderQuery, *, before: OrderId | None, limit: int
    ) -> Sequence[Order]:
        question = OrderSearchQuery(wanted, before, limit)
        rows = await self._connection.fetch(
            f"{SELECT} where id in ({question.text}) order by id desc", *question.values
        )
        return [_order(row) for row in rows]

    async def update(self, order: Order) -> None:
        await self._connection.execute(
            KEEP,
            order.id,
            order.customer,
            order.state.value,
            order.totals.goods.amount,
            order.totals.to_pay.amount,
            _text(order.lines),
            _text(order.groups),
            order.version,
            order.changed_at,
            order.placed_at,
            order.attempt,
            _text(order.contact),
            _text(order.address) if order.address else None,
            _text(order.pricing),
            order.refunded_minor,
        )
        if order.state in OVER and order.pricing.coupons:
            await self._connection.execute(LOCK_USED, order.id)
            await self._connection.execute(GIVE_BACK, order.id)

    async def get(self, order: OrderId) -> Order:
        return _order(await self._connection.fetchrow(f"{SELECT} where id = $1", order))

    async def get_many(self, orders: Collection[OrderId]) -> dict[OrderId, Order]:
        rows = await self._connection.fetch(f"{SELECT} where id = any($1::text[])", list(orders))
        return {row["id"]: _order(row) for row in rows}

    async def get_for_update(self, order: OrderId) -> Order:
        return _order(await self._connection.fetchrow(f"{SELECT} where id = $1 for update", order))

    async def list_purchased(self, customer: CustomerId, skus: Collection[Sku]) -> set[Sku]:
        rows = await self._connection.fetch(BOUGHT, customer, list(skus))
        return {row["sku"] for row in rows}

    async def list_by_customer(
        self, customer: CustomerId, *, before: OrderId | None, limit: int
    ) -> Sequence[Order]:
        rows = await self._connection.fetch(OF_CUSTOMER, customer, before, limit)
        return [_order(row) for row in rows]

    async def list_unpaid(self, limit: int) -> list[OrderId]:
        return [row["id"] for row in await self._connection.fetch(UNPAID, self._now, limit)]


def _values(order: Order) -> tuple[Any, ...]:
    return (
        order.id,
        order.cart,
        order.customer,
        order.state.value,
        order.locale,
        order.currency,
        order.totals.goods.amount,
        order.totals.to_pay.amount,
        _text(order.contact),
        _text(order.lines),
        _text(order.groups),
        _text(order.payment),
        order.actor,
        order.version,
        order.placed_at,
        order.changed_at,
        _text(order.address) if order.address else None,
        order.attempt,
        order.payment_due_at,
        _text(order.pricing),
        order.refunded_minor,
    )


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _order(row: Any) -> Order:
    if row is None:
        raise NotFound
    lines = msgspec.json.decode(row["lines"], type=list[OrderLine])
    payment = msgspec.json.decode(row["payment"], type=Payment)
    currency = row["currency"]
    pricing = msgspec.json.decode(row["pricing"], type=OrderPricing)
    totals = compute_totals(lines, pricing, Money(row["to_pay_minor"], currency))
    plain = ("id", "cart", "customer", "state", "locale", "currency", "actor", "version")
    return msgspec.convert(
        {
            **{name: row[name] for name in plain},
            "placed_at": row["placed_at"],
            "changed_at": row["changed_at"],
            "attempt": row["attempt"],
            "payment_due_at": row["payment_due_at"],
            "contact": msgspec.json.decode(row["contact"], type=Contact),
            "lines": lines,
            "groups": msgspec.json.decode(row["fulfilments"], type=list[OrderFulfilment]),
            "payment": payment,
            "address": msgspec.json.decode(row["address"], type=Address)
            if row["address"]
            else None,
            "totals": totals,
            "pricing": pricing,
            "refunded_minor": row["refunded_minor"],
            "tenders": to_tenders(payment, totals),
            "points": OrderPoints(sum(line.pending_points for line in lines)),
        },
        Order,
    )
