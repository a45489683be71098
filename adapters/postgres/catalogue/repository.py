"""The catalogue: products with the components of kits and the related products."""

from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec

from domain.catalogue.products import Product, ProductNotFound, ProductWithParts, Relation
from domain.kernel.ids import Sku
from domain.kernel.money import Money

COLUMNS: Final = """
    sku, name, names, gtin, price_minor, currency, category, variant_group, options, relations,
        state,
    tracked, most_per_order
"""
PRODUCT: Final = f"""
    select {COLUMNS}, (
        select json_object_agg(kit_parts.sku, kit_parts.quantity order by kit_parts.sku)
        from kit_parts where kit_parts.kit = products.sku
    ) as parts
    from products
"""
BY_SKU: Final = f"{PRODUCT} where sku = any($1::text[])"
LOCK: Final = f"{BY_SKU} order by sku for no key update"
SEARCH: Final = f"""
    {PRODUCT}
    where sku > $1 and ($2::text is null or gtin = $2) and (
        $3::text is null or sku ilike $3 or name ilike $3 or category ilike $3
        or exists (select from jsonb_each_text(names) as other where other.value ilike $3)
    )
    order by sku limit $4
"""
VARIANTS: Final = f"""
    {PRODUCT}
    where sku > $2 and (
        sku = $1 or variant_group = (select mine.variant_group from products as mine
        where mine.sku = $1)
    )
    order by sku limit $3
"""
KITS_OF: Final = f"""
    {PRODUCT}
    where sku in (select kit_parts.kit from kit_parts where kit_parts.sku = any($1::text[]))
    order by sku
"""
MADE_OF: Final = """
    select sku, tracked, (
        select json_object_agg(kit_parts.sku, kit_parts.quantity order by kit_parts.sku)
        from kit_parts where kit_parts.kit = products.sku
    ) as parts, state = 'retired' as retired
    from products
    where sku = any($1::text[] || array(select kit_parts.sku from kit_parts
    where kit = any($1::text[])))
"""
CALLED: Final = """
    select distinct on (gtin) gtin, sku from products where gtin = any($1::text[])
    order by gtin, state, sku
"""
KNOWN: Final = "select sku from products where sku = any($1::text[])"
PUT: Final = f"""
    insert into products ({COLUMNS})
    select sku, name, names::jsonb, gtin, price_minor, currency, category, variant_group,
        options::jsonb, relations::jsonb, state, tracked, most_per_order
    from unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[],
        $8::text[], $9::text[], $10::text[], $11::text[], $12::boolean[], $13::int[]
    ) as told ({COLUMNS})
    order by sku
    on conflict (sku) do update set
        name = excluded.name, names = excluded.names, gtin = excluded.gtin,
        price_minor = excluded.price_minor, currency = excluded.currency,
        category = excluded.category, variant_group = excluded.variant_group,
            options = excluded.options,
        relations = excluded.relations, state = excluded.state, tracked = excluded.tracked,
        most_per_order = excluded.most_per_order,
        version = products.version + 1
"""
FORGET_PARTS: Final = "delete from kit_parts where kit = any($1::text[])"
PUT_PARTS: Final = """
    insert into kit_parts (kit, sku, quantity)
    select * from unnest($1::text[], $2::text[], $3::int[])
"""


class PostgresProducts:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def get(self, sku: Sku) -> Product:
        found = await self.get_many([sku])
        if sku not in found:
            raise ProductNotFound(sku)
        return found[sku]

    async def get_many(self, skus: Collection[Sku]) -> dict[Sku, Product]:
        return {product.sku: product for product in await self._found(BY_SKU, list(skus))}

    async def lock(self, skus: Collection[Sku]) -> dict[Sku, Product]:
        return {product.sku: product for product in await self._found(LOCK, list(skus))}

    async def filter_known(self, skus: Collection[Sku]) -> set[Sku]:
        return {row["sku"] for row in await self._connection.fetch(KNOWN, list(skus))}

    async def get_with_parts(self, skus: Collection[Sku]) -> dict[Sku, ProductWithParts]:
        return {
            sku: ProductWithParts(
                sku, tracked, msgspec.json.decode(parts) if parts else {}, retired
            )
            for sku, tracked, parts, retired in await self._connection.fetch(MADE_OF, list(skus))
        }

    async def find_by_gtin(self, gtins: Collection[str]) -> dict[str, Sku]:
        return dict(await self._connection.fetch(CALLED, list(gtins)))

    async def search(
        self, *, gtin: str | None, query: str | None, after: Sku, limit: int
    ) -> list[Product]:
        pattern = None if query is None else f"%{_literal(query)}%"
        return await self._found(SEARCH, after, gtin, pattern, limit)

    async def list_variants(self, sku: Sku, *, after: Sku, limit: int) -> list[Product]:
        return await self._found(VARIANTS, sku, after, limit)

    async def list_kits_with(self, skus: Collection[Sku]) -> list[Product]:
        return await self._found(KITS_OF, list(skus))

    async def upsert(self, products: Sequence[Product]) -> None:
        columns = zip(*(_row(product) for product in products), strict=True)
        await self._connection.execute(PUT, *columns)
        await self._connection.execute(FORGET_PARTS, [product.sku for product in products])
        parts = [
            (product.sku, sku, quantity)
            for product in products
            for sku, quantity in sorted(product.parts.items())
        ]
        if parts:
            await self._connection.execute(PUT_PARTS, *zip(*parts, strict=True))

    async def _found(self, statement: str, *arguments: Any) -> list[Product]:
        return [_product(row) for row in await self._connection.fetch(statement, *arguments)]


def _literal(query: str) -> str:
    """`query` with the signs that mean something to `ilike` taken as they are written."""
    return query.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _row(product: Product) -> tuple[Any, ...]:
    return (
        product.sku,
        product.name,
        _json(product.names),
        product.gtin,
        product.price.amount,
        product.price.currency,
        product.category,
        product.group,
        _json(product.options),
        _json(product.relations),
        product.state.value,
        product.tracked,
        product.most_per_order,
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _product(row: Any) -> Product:
    told = dict(row)
    told["group"] = told.pop("variant_group")
    told["price"] = Money(told.pop("price_minor"), told.pop("currency"))
    for field in ("names", "options"):
        told[field] = msgspec.json.decode(told[field])
    told["relations"] = msgspec.json.decode(told["relations"], type=tuple[Relation, ...])
    told["parts"] = msgspec.json.decode(told["parts"] or "{}")
    return msgspec.convert(told, Product)
