"""The catalogue, as the shop's pages, the app and the tills look things up."""

from typing import Annotated

from litestar import Controller, get, patch
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Struct, UnsetType, structs

from adapters.http.web.authentication import ANYONE, callers
from adapters.http.web.geo import Near, RadiusKm, parse_search_area
from adapters.http.web.paging import Cursor, Limit, Page, decode_cursor, to_page
from domain.catalogue.products import MaxPerOrder, Product, parse_gtin
from domain.foundation.callers import Role
from domain.inventory.availability import SkuAvailability, StockDisplayPolicy
from domain.kernel.errors import Invalid, InvalidField
from domain.kernel.ids import Sku, StoreId
from service.catalogue.products import update_product
from service.foundation.ports import IdempotencyKey
from service.inventory.availability import AvailabilityQuery, get_availability
from service.shared.unit_of_work import Units

Barcode = Annotated[
    str | None, QueryParameter(max_length=32, description="A GTIN of 8, 12, 13 or 14 digits.")
]
ProductQuery = Annotated[
    str | None,
    QueryParameter(
        name="query",
        min_length=1,
        max_length=100,
        description="A part of the sku, the category or the name in any language.",
    ),
]
InStores = Annotated[
    list[StoreId] | None,
    QueryParameter(name="store", max_items=500, description="Availability in these stores."),
]


class Variant(Product, frozen=True, kw_only=True):
    """A product of a group, and where it can be had."""

    availability: SkuAvailability


class ProductUpdate(Struct, forbid_unknown_fields=True):
    """A field that is left out does not change.

    A product that is not `tracked` never runs out, but its stock levels are still recorded. An
    order has at most `most_per_order`; null for the shop's usual limit.
    """

    tracked: bool | UnsetType = UNSET
    most_per_order: MaxPerOrder | UnsetType | None = UNSET


class Products(Controller):
    path = "/v1/products"
    tags = ("products",)

    @get(operation_id="list_products", **callers(*ANYONE))
    async def list_products(
        self,
        units: NamedDependency[Units],
        gtin: Barcode = None,
        words: ProductQuery = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[Product]:
        """List products by barcode or by words, in the order of their SKUs; retired ones too."""
        barcode = None if gtin is None else _parse_gtin(gtin)
        after = decode_cursor(cursor, str) or ""
        async with units.read() as unit:
            found = await unit.catalogue.products.search(
                gtin=barcode, query=words, after=after, limit=limit + 1
            )
        return to_page(found, limit, lambda product: product.sku)

    @get("/{sku:str}", operation_id="get_product", **callers(*ANYONE))
    async def get_product(self, sku: FromPath[Sku], units: NamedDependency[Units]) -> Product:
        """Get a product with its options, the components of a kit, and the related products."""
        async with units.read() as unit:
            return await unit.catalogue.products.get(sku)

    @patch("/{sku:str}", operation_id="update_product", **callers(Role.OFFICE, scope="stock"))
    async def update_product(
        self,
        sku: FromPath[Sku],
        data: JSONBody[ProductUpdate],
        optional_key: NamedDependency[IdempotencyKey | None],
        units: NamedDependency[Units],
    ) -> Product:
        """Set stock tracking and the limit per order of a product. A retired one stays retired."""
        told = {name: value for name, value in structs.asdict(data).items() if value is not UNSET}
        return await update_product(units, sku, told, key=optional_key)

    @get("/{sku:str}/variants", operation_id="list_variants", **callers(*ANYONE))
    async def list_variants(
        self,
        sku: FromPath[Sku],
        units: NamedDependency[Units],
        stock_display: NamedDependency[StockDisplayPolicy],
        stores: InStores = None,
        near: Near = None,
        radius_km: RadiusKm = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[Variant]:
        """List the variants of a product, itself among them, with live availability."""
        async with units.read() as unit:
            await unit.catalogue.products.get(sku)
            after = decode_cursor(cursor, str) or ""
            family = await unit.catalogue.products.list_variants(sku, after=after, limit=limit + 1)
        skus = [product.sku for product in family]
        question = AvailabilityQuery(
            skus, stores, parse_search_area(near, radius_km), stock_display
        )
        answer = await get_availability(units, question)
        found = [
            Variant(**structs.asdict(product), availability=available)
            for product, available in zip(family, answer.items, strict=True)
        ]
        return to_page(found, limit, lambda variant: variant.sku)


def _parse_gtin(gtin: str) -> str:
    """Raise Invalid for a value that no scanner reads."""
    try:
        return parse_gtin(gtin)
    except InvalidField as wrong:
        error = {"parameter": "gtin", "in": "query", **wrong.errors[0]}
        del error["pointer"]
        raise Invalid(wrong.detail, errors=[error]) from None
