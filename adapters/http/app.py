"""The web application: every controller, and the dependencies that they are given."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, ControllerRouterHandler
from msgspec import Struct

from adapters.http.administration.controllers.audit import Audit
from adapters.http.administration.controllers.imports import Imports
from adapters.http.administration.controllers.webhooks import Webhooks
from adapters.http.carts.controllers.cart_terms import CartTerms
from adapters.http.carts.controllers.carts import Carts, MyCart, provide_cart_update
from adapters.http.carts.controllers.recently_viewed import CartRecentlyViewed, MyRecentlyViewed
from adapters.http.carts.controllers.saved_lines import SavedLines
from adapters.http.carts.controllers.store_options import CartStoreOptions
from adapters.http.carts.controllers.till_carts import CartCodes, TillCarts
from adapters.http.catalogue.controllers import Products
from adapters.http.customers.controllers.customers import Customers
from adapters.http.customers.controllers.me import Me
from adapters.http.follow_ups.controllers.messages import Messages
from adapters.http.follow_ups.controllers.unsubscribe import Unsubscribe
from adapters.http.foundation.controllers import ApiKeys
from adapters.http.fulfilment.controllers.pickups import Pickups, StorePickups
from adapters.http.fulfilment.controllers.shipments import OrderShipments, Shipments, StoreShipments
from adapters.http.inventory.controllers.availability import Availability
from adapters.http.inventory.controllers.deliveries import Deliveries
from adapters.http.inventory.controllers.holds import Holds
from adapters.http.inventory.controllers.sales_channels import SalesChannels
from adapters.http.inventory.controllers.stock_levels import StockLevels
from adapters.http.inventory.controllers.stocktaking import Stocktaking
from adapters.http.inventory.controllers.transfers import Transfers
from adapters.http.inventory.controllers.walk_ins import WalkIns
from adapters.http.inventory.fast_path import FastPath
from adapters.http.inventory.streams import provide_last_event_id
from adapters.http.loyalty.controllers import MyRewards, Rewards
from adapters.http.middleware import Middleware
from adapters.http.orders.controllers.cancellations import Cancellations
from adapters.http.orders.controllers.checkout import Checkouts
from adapters.http.orders.controllers.orders import MyOrders, Orders
from adapters.http.orders.controllers.payments import Payments
from adapters.http.orders.controllers.timeline import Timeline
from adapters.http.payments.controllers import ProviderWebhooks
from adapters.http.pos.controllers.incidents import Incidents
from adapters.http.pos.controllers.receipts import Receipts
from adapters.http.pricing.controllers.markets import Markets
from adapters.http.pricing.controllers.promotions import Promotions
from adapters.http.pricing.controllers.shipping_methods import ShippingMethods
from adapters.http.returns.controllers import OrderReturns, Returns, StoreReturns
from adapters.http.stores.controllers import Stores
from adapters.http.web.authentication import (
    authorize,
    ensure_callers_declared,
    provide_caller,
    provide_stock_display,
)
from adapters.http.web.bodies import JsonRequest
from adapters.http.web.cors import Cors
from adapters.http.web.docs import PAGES
from adapters.http.web.etags import provide_if_match
from adapters.http.web.health import get_liveness, get_readiness
from adapters.http.web.idempotency import provide_key, provide_optional_key
from adapters.http.web.locales import provide_locale
from adapters.http.web.metrics import Metrics, get_metrics
from adapters.http.web.parameters import reject_unknown_parameters
from adapters.http.web.problems import EXCEPTION_HANDLERS, get_problem_type, record_access_denial
from adapters.http.web.rate_limits import RateLimiter, RatePolicy
from service.foundation.authenticator import Authenticator
from service.foundation.ports import Codes, Secrets, TokenVerifier
from service.shared.unit_of_work import Units

CONTROLLERS: Final[Sequence[ControllerRouterHandler]] = (
    Products,
    Stores,
    SalesChannels,
    Markets,
    Promotions,
    ShippingMethods,
    Imports,
    Availability,
    Carts,
    Checkouts,
    SavedLines,
    CartStoreOptions,
    TillCarts,
    CartCodes,
    CartTerms,
    MyCart,
    MyRecentlyViewed,
    CartRecentlyViewed,
    Orders,
    MyOrders,
    Payments,
    Timeline,
    Cancellations,
    StockLevels,
    Stocktaking,
    Transfers,
    Deliveries,
    WalkIns,
    Incidents,
    Receipts,
    StorePickups,
    OrderReturns,
    StoreReturns,
    Returns,
    Pickups,
    StoreShipments,
    OrderShipments,
    Shipments,
    MyRewards,
    Rewards,
    Customers,
    Me,
    Messages,
    Unsubscribe,
    Audit,
    Holds,
    ProviderWebhooks,
    ApiKeys,
    Webhooks,
    get_problem_type,
    get_liveness,
    get_readiness,
    get_metrics,
    *PAGES,
)
MAX_BODY_BYTES: Final = 1_000_000
"""Bytes of a body; a handler that streams states its own limit."""


class HttpSettings(Struct, frozen=True):
    """Limits are each caller's; the strict one is for codes, PINs and look-ups of persons."""

    rate_per_second: int = 1000
    strict_per_minute: int = 60
    workers: int = 1
    origins: tuple[str, ...] = ("*",)


class AppComponents(Struct):
    """The components that the application is built from; `adapters/main.py` creates them.

    `ready` checks the service's dependencies and answers, by name, "ok" or the failure.
    `extra_dependencies` are further components that handlers ask for by name.
    """

    units: Units
    codes: Codes
    tokens: TokenVerifier
    secrets: Secrets
    check_readiness: Callable[[], Awaitable[Mapping[str, str]]]
    settings: HttpSettings = HttpSettings()
    lifespan: Sequence[Callable[[Litestar], AbstractAsyncContextManager[Any]]] = ()
    extra_dependencies: Mapping[str, Any] = {}


def build_http_app(parts: AppComponents) -> ASGIApp:
    """The ASGI application."""
    metrics = Metrics()
    rate_limiter = _build_rate_limiter(parts.settings)
    authenticator = Authenticator(parts.units, parts.tokens)
    more = parts.extra_dependencies
    return Middleware(
        build_litestar_app(parts, authenticator, rate_limiter, metrics),
        FastPath(more["window"], more["holding"], more["clock"]),
        authenticator=authenticator,
        rate_limiter=rate_limiter,
        cors=Cors(_build_cors_config(parts.settings)),
        metrics=metrics,
    )


def build_litestar_app(
    parts: AppComponents,
    authenticator: Authenticator,
    rate_limiter: RateLimiter,
    metrics: Metrics,
) -> Litestar:
    """Litestar's part of it, which knows the routes."""
    app = Litestar(
        CONTROLLERS,
        request_class=JsonRequest,
        guards=[authorize],
        before_request=reject_unknown_parameters,
        dependencies=_build_providers(parts),
        exception_handlers=EXCEPTION_HANDLERS,
        after_exception=[record_access_denial],
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=None,
        lifespan=list(parts.lifespan),
        logging_config=None,
        state=State(
            {
                "units": parts.units,
                "authenticator": authenticator,
                "rate_limiter": rate_limiter,
                "ready": parts.check_readiness,
                "metrics": metrics,
            }
        ),
    )
    ensure_callers_declared(app)
    _resolve_in_sequence(app)
    return app


def _resolve_in_sequence(app: Litestar) -> None:
    """Resolve the dependencies of handlers one after the other.

    Litestar starts a task for each dependency, all at once, and awaits them; ours await nothing, so
    the tasks took a tenth of the time of an answer.
    """
    routes = [route for route in app.routes if isinstance(route, HTTPRoute)]
    for _, model in (each for route in routes for each in route.route_handler_map.values()):
        batches = model.dependency_batches
        model.dependency_batches = [{one} for batch in batches for one in batch]


def _build_providers(parts: AppComponents) -> dict[str, Provide]:
    given = {
        "units": parts.units,
        "codes": parts.codes,
        "secrets": parts.secrets,
        **parts.extra_dependencies,
    }
    return {
        **{name: Provide(_provider(part), sync_to_thread=False) for name, part in given.items()},
        "caller": Provide(provide_caller),
        "stock_display": Provide(provide_stock_display),
        "key": Provide(provide_key),
        "optional_key": Provide(provide_optional_key),
        "if_match": Provide(provide_if_match),
        "last_event": Provide(provide_last_event_id),
        "locale": Provide(provide_locale, sync_to_thread=False),
        "change": Provide(provide_cart_update, sync_to_thread=False),
    }


def _provider(part: Any) -> Callable[[], Any]:
    def give() -> Any:
        return part

    return give


def _build_rate_limiter(settings: HttpSettings) -> RateLimiter:
    strict = max(1, settings.strict_per_minute // settings.workers)
    return RateLimiter(
        RatePolicy("default", settings.rate_per_second, 1), RatePolicy("strict", strict, 60)
    )


def _build_cors_config(settings: HttpSettings) -> CORSConfig:
    """A shop's page calls from its own origin. There are no cookies, so any origin may."""
    return CORSConfig(
        allow_origins=list(settings.origins),
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            "Accept-Language",
            "Idempotency-Key",
            "If-Match",
            "Cart-Token",
            "Order-Token",
            "X-Request-Id",
            "Last-Event-ID",
        ],
        expose_headers=[
            "ETag",
            "Idempotent-Replayed",
            "RateLimit",
            "RateLimit-Policy",
            "Retry-After",
            "X-Request-Id",
            "Location",
        ],
        max_age=86_400,
    )
