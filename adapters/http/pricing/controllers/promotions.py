"""Promotions: price reductions for a limited time, for all customers or with a code."""

from litestar import Controller, Response, delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import structs

from adapters.http.web.authentication import callers
from adapters.http.web.etags import with_etag
from adapters.http.web.paging import Cursor, Limit, Page, decode_cursor, to_page
from domain.foundation.callers import Role
from domain.pricing.promotions import Promotion, PromotionTerms
from service.foundation.ports import IdempotencyKey
from service.pricing import price_rules
from service.shared.unit_of_work import Units


class Promotions(Controller):
    path = "/v1/promotions"
    tags = ("prices",)

    @get(operation_id="list_promotions", **callers(Role.OFFICE, scope="rules"))
    async def list_promotions(
        self, units: NamedDependency[Units], limit: Limit = 50, cursor: Cursor = None
    ) -> Page[Promotion]:
        """List every promotion by its name, with the number of orders that use its code."""
        after = decode_cursor(cursor, str) or ""
        async with units.read() as unit:
            found = await unit.pricing.price_rules(Promotion).list_page(after, limit + 1)
        return to_page(found, limit, lambda promotion: promotion.promotion)

    @get("/{promotion:str}", operation_id="get_promotion", **callers(Role.OFFICE, scope="rules"))
    async def get_promotion(
        self, promotion: FromPath[str], units: NamedDependency[Units]
    ) -> Response[Promotion]:
        """Get a promotion. 404 `unknown_promotion`."""
        async with units.read() as unit:
            found = await unit.pricing.price_rules(Promotion).get(promotion)
        return with_etag(found, found.version)

    @put("/{promotion:str}", operation_id="put_promotion", **callers(Role.OFFICE, scope="rules"))
    async def update_promotion(
        self,
        promotion: FromPath[str],
        data: JSONBody[PromotionTerms],
        units: NamedDependency[Units],
        if_match: NamedDependency[int | None],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> Response[Promotion]:
        """Replace a promotion, or create it. With a `code` it is a coupon.

        Each line of a cart gets the best promotion that needs no code; then each of at most three
        coupons reduces the remaining price. 409 `code_taken`.
        """
        told = Promotion(promotion=promotion, **structs.asdict(data))
        made = await price_rules.put_price_rule(
            units, rule=told, if_version=if_match, key=optional_key
        )
        return with_etag(made, made.version)

    @delete(
        "/{promotion:str}",
        operation_id="remove_promotion",
        **callers(Role.OFFICE, scope="rules"),
    )
    async def delete_promotion(
        self,
        promotion: FromPath[str],
        units: NamedDependency[Units],
        if_match: NamedDependency[int | None],
        optional_key: NamedDependency[IdempotencyKey | None],  # noqa: ARG002 - the second finds none
    ) -> None:
        """Delete a promotion. 409 `promotion_used` where orders use it: pause it instead."""
        await price_rules.delete_price_rule(
            units, Promotion, promotion, thing="promotion", if_version=if_match
        )
