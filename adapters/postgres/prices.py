"""What every cart is priced by, remembered by each process, and the coupons that orders use."""

from collections.abc import Collection
from typing import Any, Final

import msgspec

from adapters.postgres.price_rules import SHELVES
from domain.ids import CustomerId, OrderId
from domain.markets import Market
from domain.prices import Rules
from domain.promotions import Coupon, Promotion
from domain.shipping_methods import ShippingMethod


def _all(kind: type[msgspec.Struct], where: str = "") -> str:
    shelf = SHELVES[kind]
    return f"(select jsonb_agg({shelf.row}) from {shelf.table} {where})"


MINE: Final = """
    (select count(*) from coupon_uses as used
        where used.promotion = promotions.promotion and used.customer = {customer})
"""
RULES: Final = f"""
    select price_rules.version,
        case when price_rules.version is distinct from $1 then jsonb_build_object(
            'markets', coalesce({_all(Market)}, '[]'),
            'promotions', coalesce({
    _all(Promotion, "where code is null and terms ->> 'state' = 'active'")
}, '[]'),
            'methods', coalesce({_all(ShippingMethod)}, '[]')
        ) end as rules,
        case when cardinality($2::text[]) > 0 then (
            select jsonb_object_agg(code, jsonb_build_object(
                'code', code, 'promotion', {SHELVES[Promotion].row},
                'uses_of_customer', {MINE.format(customer="$3")}
            ))
            from promotions where code = any($2)
        ) end as coupons
    from price_rules
"""
USED_BY: Final = f"""
    select jsonb_build_object(
        'code', code, 'promotion', {SHELVES[Promotion].row} || jsonb_build_object('uses', uses - 1),
        'uses_of_customer', (
            select count(*) from coupon_uses as other
            where other.promotion = promotions.promotion and other.customer = used.customer
                and other.order_id <> $1
        )
    )
    from coupon_uses as used join promotions using (promotion)
    where used.order_id = $1
"""


class KnownRules:
    """The rules that a process has read last, and their version."""

    def __init__(self) -> None:
        self.version: int | None = None
        self.rules = Rules()


class PostgresPrices:
    def __init__(self, connection: Any, known: KnownRules) -> None:
        self._connection = connection
        self._known = known

    async def rules(
        self, codes: Collection[str] = (), customer: CustomerId | None = None
    ) -> tuple[Rules, dict[str, Coupon]]:
        row = await self._connection.fetchrow(RULES, self._known.version, list(codes), customer)
        rules = self._known.rules
        if row["rules"] is not None:
            rules = msgspec.json.decode(row["rules"], type=Rules)
            self._known.version, self._known.rules = row["version"], rules
        found = msgspec.json.decode(row["coupons"] or "{}", type=dict[str, Coupon])
        return rules, {code: found.get(code) or Coupon(code) for code in codes}

    async def used_by(self, order: OrderId) -> list[Coupon]:
        rows = await self._connection.fetch(USED_BY, order)
        return [msgspec.json.decode(row[0], type=Coupon) for row in rows]
