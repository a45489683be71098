"""Where the retailer sells, in which currency, and by which taxes."""

from litestar import Controller, Response, delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import structs

from adapters.http.web.authentication import callers
from adapters.http.web.etags import with_etag
from adapters.http.web.paging import Cursor, Limit, Page, decode_cursor, to_page
from domain.foundation.callers import Role
from domain.pricing.markets import Market, MarketTerms
from service.foundation.ports import IdempotencyKey
from service.pricing import price_rules
from service.shared.unit_of_work import Units


class Markets(Controller):
    path = "/v1/markets"
    tags = ("prices",)

    @get(operation_id="list_markets", **callers(Role.OFFICE, scope="rules"))
    async def list_markets(
        self, units: NamedDependency[Units], limit: Limit = 50, cursor: Cursor = None
    ) -> Page[Market]:
        """List every market by its name. With none there is one: any currency, no tax stated."""
        after = decode_cursor(cursor, str) or ""
        async with units.read() as unit:
            found = await unit.pricing.price_rules(Market).list_page(after, limit + 1)
        return to_page(found, limit, lambda market: market.market)

    @get("/{market:str}", operation_id="get_market", **callers(Role.OFFICE, scope="rules"))
    async def get_market(
        self, market: FromPath[str], units: NamedDependency[Units]
    ) -> Response[Market]:
        """Get a market. 404 `unknown_market`."""
        async with units.read() as unit:
            found = await unit.pricing.price_rules(Market).get(market)
        return with_etag(found, found.version)

    @put("/{market:str}", operation_id="put_market", **callers(Role.OFFICE, scope="rules"))
    async def update_market(
        self,
        market: FromPath[str],
        data: JSONBody[MarketTerms],
        units: NamedDependency[Units],
        if_match: NamedDependency[int | None],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> Response[Market]:
        """Replace a market, or create it.

        From the first one on, no cart begins in a currency that no market has. Orders keep the
        taxes that they were placed with.
        """
        told = Market(market=market, **structs.asdict(data))
        made = await price_rules.put_price_rule(
            units, rule=told, if_version=if_match, key=optional_key
        )
        return with_etag(made, made.version)

    @delete("/{market:str}", operation_id="remove_market", **callers(Role.OFFICE, scope="rules"))
    async def delete_market(
        self,
        market: FromPath[str],
        units: NamedDependency[Units],
        if_match: NamedDependency[int | None],
        optional_key: NamedDependency[IdempotencyKey | None],  # noqa: ARG002 - the second finds none
    ) -> None:
        """Delete a market. Its carts move to another market of their currency, if there is one."""
        await price_rules.delete_price_rule(
            units, Market, market, thing="market", if_version=if_match
        )
