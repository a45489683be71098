"""Price rules of every cart, cached by each process, and the coupons that orders use."""

from collections.abc import Collection
from typing import Any, Final

import msgspec

from adapters.postgres.db.columns import columns
from adapters.postgres.db.statements import Statement
from adapters.postgres.pricing.repositories.price_rules import RULE_TABLES
from domain.kernel.ids import CustomerId
from domain.pricing.markets import Market
from domain.pricing.prices import PricingRules
from domain.pricing.promotions import Coupon, Promotion
from domain.pricing.shipping_methods import ShippingMethod
from service.pricing.ports import PriceScope


def _all(kind: type[msgspec.Struct], where: str = "") -> str:
    table = RULE_TABLES[kind]
    return f"(select jsonb_agg({table.row}) from {table.table} {where})"


SHOWN: Final = f"""
    select jsonb_build_array(shown.code, shown.customer, jsonb_build_object(
        'code', shown.code, 'promotion', {RULE_TABLES[Promotion].row},
        'uses_of_customer', (
            select count(*) from coupon_uses as used
            where used.promotion = promotions.promotion and used.customer = shown.customer
        )
    )) as coupon
    from unnest(:codes::text[], :customers::text[]) as shown (code, customer)
    join promotions using (code)
"""
RULES: Final = Statement(f"""
    select price_rules.version,
        case when price_rules.version is distinct from :version then jsonb_build_object(
            'markets', coalesce({_all(Market)}, '[]'),
            'promotions', coalesce({
    _all(Promotion, "where code is null and terms ->> 'state' = 'active'")
}, '[]'),
            'methods', coalesce({_all(ShippingMethod)}, '[]')
        ) end as rules,
        case when cardinality(:codes::text[]) > 0 then (
            select jsonb_agg(coupon) from ({SHOWN}) as coupons
        ) end as coupons
    from price_rules
""")
LOCK: Final = Statement("""
    select from promotions where code = any(:codes::text[]) order by promotion for update
""")
NOW: Final = Statement(SHOWN)


_Coupon = tuple[str, CustomerId | None, Coupon]


class KnownRules:
    """The rules that a process has read last, and their version."""

    def __init__(self) -> None:
        self.version: int | None = None
        self.rules = PricingRules()


class PostgresPrices:
    def __init__(self, connection: Any, known: KnownRules) -> None:
        self._connection = connection
        self._known = known

    async def get_rules(
        self, shown: Collection[PriceScope] = ()
    ) -> tuple[PricingRules, dict[PriceScope, Coupon]]:
        version, rules = self._known.version, self._known.rules
        row = await self._connection.fetchrow(*RULES(*columns(shown, 2), version=version))
        if row["rules"] is not None:
            rules = msgspec.json.decode(row["rules"], type=PricingRules)
            self._known.version, self._known.rules = row["version"], rules
        found = msgspec.json.decode(row["coupons"] or "[]", type=list[_Coupon])
        return rules, _by_whom(shown, found)

    async def lock(self, shown: Collection[PriceScope]) -> dict[PriceScope, Coupon]:
        await self._connection.execute(*LOCK(codes=[code for code, _ in shown]))
        # A statement of its own, after the locks: it sees the uses of the transactions awaited.
        rows = await self._connection.fetch(*NOW(*columns(shown, 2)))
        return _by_whom(shown, [msgspec.json.decode(row[0], type=_Coupon) for row in rows])


def _by_whom(shown: Collection[PriceScope], found: Collection[_Coupon]) -> dict[PriceScope, Coupon]:
    there = {(code, customer): coupon for code, customer, coupon in found}
    return {one: there.get(one) or Coupon(one[0]) for one in shown}
