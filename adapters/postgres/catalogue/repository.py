"""The catalogue: products with the components of kits and the related products."""

from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec

from adapters.postgres.db.statements import Statement
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
BY_SKU: Final = Statement(f"{PRODUCT} where sku = any(:skus::text[])")
LOCK: Final = Statement(f"{BY_SKU} order by sku for no key update")
SEARCH: Final = Statement(f"""
    {PRODUCT}
    where sku > :after and (:gtin::text is null or gtin = :gtin) and (
        :pattern::text is null or sku ilike :pattern or name ilike :pattern
            or category ilike :pattern
        or exists (select from jsonb_each_text(names) as other where other.value ilike :pattern)
    )
    order by sku limit :limit
""")
VARIANTS: Final = Statement(f"""
    {PRODUCT}
    where sku > :after and (
        sku = :sku or variant_group = (select mine.variant_group from products as mine
        where mine.sku = :sku)
    )
    order by sku limit :limit
""")
KITS_OF: Final = Statement(f"""
    {PRODUCT}
    where sku in (select kit_parts.kit from kit_parts where kit_parts.sku = any(:skus::text[]))
    order by sku
""")
MADE_OF: Final = Statement("""
    select sku, tracked, (
        select json_object_agg(kit_parts.sku, kit_parts.quantity order by kit_parts.sku)
        from kit_parts where kit_parts.kit = products.sku
    ) as parts, state = 'retired' as retired
    from products
    where sku = any(:skus::text[] || array(select kit_parts.sku from kit_parts
    where kit = any(:skus::text[])))
""")
CALLED: Final = Statement("""
    select distinct on (gtin) gtin, sku from products where gtin = any(:gtins::text[])
    order by gtin, state, sku
""")
KNOWN: Final = Statement("select sku from products where sku = any(:skus::text[])")
PUT: Final = Statement(f"""
    insert into products ({COLUMNS})
    select sku, name, names::jsonb, gtin, price_minor, currency, category, variant_group,
        options::jsonb, relations::jsonb, state, tracked, most_per_order
    from unnest(
        :skus::text[], :names::text[], :localised_names::text[], :gtins::text[],
            :price_minors::bigint[], :currencies::text[], :categories::text[],
        :variant_groups::text[], :options::text[], :relations::text[], :states::text[],
            :tracked::boolean[], :most_per_order::int[]
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
""")
FORGET_PARTS: Final = Statement("delete from kit_parts where kit = any(:kits::text[])")
PUT_PARTS: Final = Statement("""
    insert into kit_parts (kit, sku, quantity)
    select * from unnest(:kits::text[], :skus::text[], :quantities::int[])
""")


class PostgresProducts:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def get(self, sku: Sku) -> Product:
        found = await self.get_many([sku])
        if sku not in found:
            raise ProductNotFound(sku)
        return found[sku]

    async def get_many(self, skus: Collection[Sku]) -> dict[Sku, Product]:
        return {product.sku: product for product in await self._found(BY_SKU(skus=list(skus)))}

    async def lock(self, skus: Collection[Sku]) -> dict[Sku, Product]:
        return {product.sku: product for product in await self._found(LOCK(skus=list(skus)))}

    async def filter_known(self, skus: Collection[Sku]) -> set[Sku]:
        return {row["sku"] for row in await self._connection.fetch(*KNOWN(skus=list(skus)))}

    async def get_with_parts(self, skus: Collection[Sku]) -> dict[Sku, ProductWithParts]:
        return {
            sku: ProductWithParts(
                sku, tracked, msgspec.json.decode(parts) if parts else {}, retired
            )
            for sku, tracked, parts, retired in await self._connection.fetch(
                *MADE_OF(skus=list(skus))
            )
        }

    async def find_by_gtin(self, gtins: Collection[str]) -> dict[str, Sku]:
        return dict(await self._connection.fetch(*CALLED(gtins=list(gtins))))

    async def search(
        self, *, gtin: str | None, query: str | None, after: Sku, limit: int
    ) -> list[Product]:
        pattern = None if query is None else f"%{_literal(query)}%"
        return await self._found(SEARCH(after=after, gtin=gtin, pattern=pattern, limit=limit))

    async def list_variants(self, sku: Sku, *, after: Sku, limit: int) -> list[Product]:
        return await self._found(VARIANTS(sku=sku, after=after, limit=limit))

    async def list_kits_with(self, skus: Collection[Sku]) -> list[Product]:
        return await self._found(KITS_OF(skus=list(skus)))

    async def upsert(self, products: Sequence[Product]) -> None:
        columns = zip(*(_row(product) for product in products), strict=True)
        await self._connection.execute(*PUT(*columns))
        await self._connection.execute(*FORGET_PARTS(kits=[product.sku for product in products]))
        parts = [
            (product.sku, sku, quantity)
            for product in products
            for sku, quantity in sorted(product.parts.items())
        ]
        if parts:
            await self._connection.execute(*PUT_PARTS(*zip(*parts, strict=True)))

    async def _found(self, query: tuple[Any, ...]) -> list[Product]:
        return [_product(row) for row in await self._connection.fetch(*query)]


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
