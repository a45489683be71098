"""Orders, a row each; lines and groups are read and written whole."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from adapters.postgres.db.columns import columns
from adapters.postgres.db.statements import Statement
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
SLOTS: Final = ", ".join(f":{name}" for name in COLUMNS.split(", "))
ADD: Final = Statement(f"""
    with known_by as (
        insert into order_search_terms (kind, term, order_id)
        select kind, term, :id from unnest(:kinds::text[], :terms::text[]) as known (kind, term)
    )
    insert into orders ({COLUMNS}) values ({SLOTS})
""")
RENAME: Final = Statement("""
    with gone as (
        delete from order_search_terms
        where order_id = :order and kind in ('email', 'phone', 'name')
            and (kind, term) not in (select * from unnest(:kinds::text[], :terms::text[]))
    )
    insert into order_search_terms (kind, term, order_id)
    select kind, term, :order from unnest(:kinds::text[], :terms::text[]) as known (kind, term)
    on conflict do nothing
""")
CHANGING: Final = [
    "customer",
    "state",
    "goods_minor",
    "to_pay_minor",
    "lines",
    "fulfilments",
    "version",
    "changed_at",
    "placed_at",
    "attempt",
    "contact",
    "address",
    "pricing",
    "refunded_minor",
]
KEEP: Final = Statement(f"""
    update orders set {", ".join(f"{name} = :{name}" for name in CHANGING)} where id = :id
""")
SELECT: Final = f"select {COLUMNS} from orders"
GET: Final = Statement(f"{SELECT} where id = :order")
GET_FOR_UPDATE: Final = Statement(f"{GET} for update")
GET_MANY: Final = Statement(f"{SELECT} where id = any(:orders::text[])")
OF_CUSTOMER: Final = Statement(f"""
    {SELECT} where customer = :customer and (:before::text is null or id < :before)
    order by id desc limit :limit
""")
BOUGHT: Final = Statement("""
    select distinct line ->> 'sku' as sku
    from orders cross join jsonb_array_elements(lines) as line
    where customer = :customer and line ->> 'sku' = any(:skus::text[])
        and state not in ('pending_payment', 'expired')
        and (line ->> 'cancelled')::int < (line ->> 'quantity')::int
""")
UNPAID: Final = Statement("""
    select id from orders
    where state = 'pending_payment' and payment_due_at <= :now
        and not exists (
            select from payment_attempts
            where order_id = orders.id and payment_attempts.state in ('started', 'waiting')
        )
        and not exists (
            select from payment_transactions
            where order_id = orders.id and payment_transactions.state = 'planned'
        )
    order by payment_due_at limit :limit
""")


OVER: Final = {OrderState.CANCELLED, OrderState.EXPIRED}
"""An ended order returns its coupons."""
USE: Final = Statement("""
    with used as (
        insert into coupon_uses (promotion, order_id, customer)
        values (:promotion, :order, :customer)
    )
    update promotions set uses = uses + 1 where promotion = :promotion
""")
LOCK_USED: Final = Statement("""
    select from promotions
    where promotion in (select promotion from coupon_uses where order_id = :id)
    order by promotion for update
""")
GIVE_BACK: Final = Statement("""
    with unused as (delete from coupon_uses where order_id = :id returning promotion)
    update promotions set uses = uses - 1 from unused
    where promotions.promotion = unused.promotion
""")


class PostgresOrders:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def add(self, *orders: Order) -> None:
        await self._connection.executemany(ADD.sql, [_new_row(order) for order in orders])
        used = [
            (coupon.promotion, order.id, order.customer)
            for order in orders
            for coupon in order.pricing.coupons
        ]
        if used:
            await self._connection.executemany(USE.sql, used)

    async def update_search_words(self, order: Order) -> None:
        await self._connection.execute(*RENAME(*columns(search_words(order), 2), order=order.id))

    async def search(
        self, wanted: OrderQuery, *, before: OrderId | None, limit: int
    ) -> Sequence[Order]:
        question = OrderSearchQuery(wanted, before, limit)
        rows = await self._connection.fetch(
            f"{SELECT} where id in ({question.text}) order by id desc", *question.values
        )
        return [_order(row) for row in rows]

    async def update(self, order: Order) -> None:
        values = _values(order)
        changes = {name: values[name] for name in CHANGING}
        await self._connection.execute(*KEEP(id=order.id, **changes))
        if order.state in OVER and order.pricing.coupons:
            await self._connection.execute(*LOCK_USED(id=order.id))
            await self._connection.execute(*GIVE_BACK(id=order.id))

    async def get(self, order: OrderId) -> Order:
        return _order(await self._connection.fetchrow(*GET(order=order)))

    async def get_many(self, orders: Collection[OrderId]) -> dict[OrderId, Order]:
        rows = await self._connection.fetch(*GET_MANY(orders=list(orders)))
        return {row["id"]: _order(row) for row in rows}

    async def get_for_update(self, order: OrderId) -> Order:
        return _order(await self._connection.fetchrow(*GET_FOR_UPDATE(order=order)))

    async def list_purchased(self, customer: CustomerId, skus: Collection[Sku]) -> set[Sku]:
        rows = await self._connection.fetch(*BOUGHT(customer=customer, skus=list(skus)))
        return {row["sku"] for row in rows}

    async def list_by_customer(
        self, customer: CustomerId, *, before: OrderId | None, limit: int
    ) -> Sequence[Order]:
        rows = await self._connection.fetch(
            *OF_CUSTOMER(customer=customer, before=before, limit=limit)
        )
        return [_order(row) for row in rows]

    async def list_unpaid(self, limit: int) -> list[OrderId]:
        return [
            row["id"] for row in await self._connection.fetch(*UNPAID(now=self._now, limit=limit))
        ]


def _new_row(order: Order) -> tuple[Any, ...]:
    kinds, terms = columns(search_words(order), 2)
    return ADD.arguments(kinds=kinds, terms=terms, **_values(order))


def _values(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "cart": order.cart,
        "customer": order.customer,
        "state": order.state.value,
        "locale": order.locale,
        "currency": order.currency,
        "goods_minor": order.totals.goods.amount,
        "to_pay_minor": order.totals.to_pay.amount,
        "contact": _text(order.contact),
        "lines": _text(order.lines),
        "fulfilments": _text(order.groups),
        "payment": _text(order.payment),
        "actor": order.actor,
        "version": order.version,
        "placed_at": order.placed_at,
        "changed_at": order.changed_at,
        "address": _text(order.address) if order.address else None,
        "attempt": order.attempt,
        "payment_due_at": order.payment_due_at,
        "pricing": _text(order.pricing),
        "refunded_minor": order.refunded_minor,
    }


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
