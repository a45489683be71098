"""Shipping methods: their prices, destinations and delivery times in days."""

from typing import Annotated

from litestar import Controller, Response, delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import structs

from adapters.http.web.authentication import ANYONE, callers
from adapters.http.web.etags import with_etag
from adapters.http.web.paging import Cursor, Limit, Page, decode_cursor, to_page
from domain.foundation.callers import Caller, Role
from domain.kernel.money import Currency
from domain.pricing.price_rules import CountryCode, PriceRuleNotFound
from domain.pricing.shipping_methods import (
    ShippingMethod,
    ShippingMethodState,
    ShippingTerms,
    list_offered,
)
from service.foundation.ports import IdempotencyKey
from service.pricing import price_rules
from service.shared.unit_of_work import Units

RESOURCE_NAME = "shipping_method"
ToCountry = Annotated[
    CountryCode | None, QueryParameter(name="country", description="Only what is sent there.")
]
InCurrency = Annotated[
    Currency | None, QueryParameter(name="currency", description="Only what is priced in it.")
]


class ShippingMethods(Controller):
    path = "/v1/shipping-methods"
    tags = ("prices",)

    @get(operation_id="list_shipping_methods", **callers(*ANYONE))
    async def list_shipping_methods(
        self,
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        country: ToCountry = None,
        priced_in: InCurrency = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[ShippingMethod]:
        """List shipping methods, the cheapest first; the office sees paused ones too, by name."""
        last = decode_cursor(cursor, tuple[int, str]) or (-1, "")
        if caller.role is Role.OFFICE and not (country or priced_in):
            async with units.read() as unit:
                every = await unit.pricing.price_rules(ShippingMethod).list_page(last[1], limit + 1)
            return to_page(every, limit, lambda method: (0, method.method))
        async with units.read() as unit:
            rules, _ = await unit.pricing.prices.get_rules()
        found = [
            method
            for method in list_offered(
                rules.methods, market=None, country=country, currency=priced_in
            )
            if (method.price.amount, method.method) > last
        ]
        return to_page(
            found[: limit + 1], limit, lambda method: (method.price.amount, method.method)
        )

    @get("/{method:str}", operation_id="get_shipping_method", **callers(*ANYONE))
    async def get_shipping_method(
        self,
        method: FromPath[str],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
    ) -> Response[ShippingMethod]:
        """Get a method; a paused one for the office only. 404 `unknown_shipping_method`."""
        async with units.read() as unit:
            found = await unit.pricing.price_rules(ShippingMethod).get(method)
        if found.state is ShippingMethodState.PAUSED and caller.role is not Role.OFFICE:
            raise PriceRuleNotFound(RESOURCE_NAME, method)
        return with_etag(found, found.version)

    @put(
        "/{method:str}",
        operation_id="put_shipping_method",
        **callers(Role.OFFICE, scope="rules"),
    )
    async def update_shipping_method(
        self,
        method: FromPath[str],
        data: JSONBody[ShippingTerms],
        units: NamedDependency[Units],
        if_match: NamedDependency[int | None],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> Response[ShippingMethod]:
        """Replace a method, or create it. Its price applies once per order with shipped goods."""
        told = ShippingMethod(method=method, **structs.asdict(data))
        made = await price_rules.put_price_rule(
            units, rule=told, if_version=if_match, key=optional_key
        )
        return with_etag(made, made.version)

    @delete(
        "/{method:str}",
        operation_id="remove_shipping_method",
        **callers(Role.OFFICE, scope="rules"),
    )
    async def delete_shipping_method(
        self,
        method: FromPath[str],
        units: NamedDependency[Units],
        if_match: NamedDependency[int | None],
        optional_key: NamedDependency[IdempotencyKey | None],  # noqa: ARG002 - the second finds none
    ) -> None:
        """Delete a shipping method. Carts that chose it report a problem."""
        await price_rules.delete_price_rule(
            units, ShippingMethod, method, thing=RESOURCE_NAME, if_version=if_match
        )
