"""The web application: every controller, and what they are given to work with."""

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
from adapters.http.carts.controllers.carts import Carts, MyCart, provide_change
from adapters.http.carts.controllers.recently_viewed import CartViewed, MyViewed
from adapters.http.carts.controllers.saved_lines import SavedLines
from adapters.http.carts.controllers.store_options import BasketPlans
from adapters.http.carts.controllers.till_carts import CartCodes, TillCarts
from adapters.http.catalogue.controllers import Products
from adapters.http.customers.controllers.customers import Customers
from adapters.http.customers.controllers.me import Me
from adapters.http.follow_ups.controllers.messages import Messages
from adapters.http.follow_ups.controllers.unsubscribe import Stopping
from adapters.http.foundation.controllers import Keys
from adapters.http.fulfilment.controllers.pickups import Pickups, StorePickups
from adapters.http.fulfilment.controllers.shipments import OrderShipments, Shipments, StoreShipments
from adapters.http.inventory.controllers.availability import Availability
from adapters.http.inventory.controllers.deliveries import Deliveries
from adapters.http.inventory.controllers.holds import Holds
from adapters.http.inventory.controllers.sales_channels import SalesChannels
from adapters.http.inventory.controllers.stock_levels import Stock
from adapters.http.inventory.controllers.stocktaking import Stocktaking
from adapters.http.inventory.controllers.transfers import Transfers
from adapters.http.inventory.controllers.walk_ins import WalkIns
from adapters.http.inventory.fast_path import FastPath
from adapters.http.inventory.streams import provide_last_event
from adapters.http.loyalty.controllers import MyRewards, Rewards
from adapters.http.middleware import Middleware
from adapters.http.orders.controllers.cancellations import Cancellations
from adapters.http.orders.controllers.checkout import Checkouts
from adapters.http.orders.controllers.orders import MyOrders, Orders
from adapters.http.orders.controllers.payments import Payments
from adapters.http.orders.controllers.timeline import Timeline
from adapters.http.payments.controllers import Hooks
from adapters.http.pos.controllers.incidents import Incidents
from adapters.http.pos.controllers.receipts import Sales
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
from adapters.http.web.docs import PAGES
from adapters.http.web.etags import provide_if_match
from adapters.http.web.health import live, ready
from adapters.http.web.idempotency import provide_key, provide_optional_key
from adapters.http.web.locales import provide_locale
from adapters.http.web.metrics import Metrics, read_metrics
from adapters.http.web.parameters import refuse_strangers
from adapters.http.web.problems import HANDLERS, describe_problem, note_trespass
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
    BasketPlans,
    TillCarts,
    CartCodes,
    CartTerms,
    MyCart,
    MyViewed,
    CartViewed,
    Orders,
    MyOrders,
    Payments,
    Timeline,
    Cancellations,
    Stock,
    Stocktaking,
    Transfers,
    Deliveries,
    WalkIns,
    Incidents,
    Sales,
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
    Stopping,
    Audit,
    Holds,
    Hooks,
    Keys,
    Webhooks,
    describe_problem,
    live,
    ready,
    read_metrics,
    *PAGES,
)
BODY_MAX: Final = 1_000_000
"""Bytes of a body; a handler that streams states its own limit."""


class HttpSettings(Struct, frozen=True):
    """Limits are each caller's; the strict one is for codes, PINs and look-ups of persons."""

    rate_per_s: int = 1000
    strict_per_minute: int = 60
    workers: int = 1
    origins: tuple[str, ...] = ("*",)


class AppComponents(Struct):
    """What the application is made of; `adapters/main.py` makes them.

    `ready` asks what the service needs and answers "ok" or what is wrong, by name. `extras` are
    further parts that handlers ask for by name.
    """

    units: Units
    codes: Codes
    tokens: TokenVerifier
    secrets: Secrets
    ready: Callable[[], Awaitable[Mapping[str, str]]]
    settings: HttpSettings = HttpSettings()
    lifespan: Sequence[Callable[[Litestar], AbstractAsyncContextManager[Any]]] = ()
    extras: Mapping[str, Any] = {}


def build_http_app(parts: AppComponents) -> ASGIApp:
    """The ASGI application."""
    metrics = Metrics()
    limits = _limits(parts.settings)
    doorkeeper = Authenticator(parts.units, parts.tokens)
    express = FastPath(
        doorkeeper=doorkeeper,
        limits=limits,
        metrics=metrics,
        cors=_cors(parts.settings),
        cache=parts.extras["window"],
        holding=parts.extras["holding"],
        clock=parts.extras["clock"],
    )
    return Middleware(application(parts, doorkeeper, limits, metrics), express, metrics)


def application(
    parts: AppComponents, doorkeeper: Authenticator, limits: RateLimiter, metrics: Metrics
) -> Litestar:
    """Litestar's part of it, which knows the routes."""
    app = Litestar(
        CONTROLLERS,
        request_class=JsonRequest,
        guards=[authorize],
        before_request=refuse_strangers,
        dependencies=_dependencies(parts),
        exception_handlers=HANDLERS,
        after_exception=[note_trespass],
        request_max_body_size=BODY_MAX,
        cors_config=_cors(parts.settings),
        openapi_config=None,
        lifespan=list(parts.lifespan),
        logging_config=None,
        state=State(
            {
                "units": parts.units,
                "doorkeeper": doorkeeper,
                "limits": limits,
                "ready": parts.ready,
                "metrics": metrics,
            }
        ),
    )
    ensure_callers_declared(app)
    _resolve_in_sequence(app)
    return app


def _resolve_in_sequence(app: Litestar) -> None:
    """Give handlers what they ask for part by part.

    Litestar starts a task for each part, all at once, and waits for them; ours wait for nothing, so
    that this was a tenth of what an answer costs.
    """
    routes = [route for route in app.routes if isinstance(route, HTTPRoute)]
    for _, model in (each for route in routes for each in route.route_handler_map.values()):
        batches = model.dependency_batches
        model.dependency_batches = [{one} for batch in batches for one in batch]


def _dependencies(parts: AppComponents) -> dict[str, Provide]:
    given = {
        "units": parts.units,
        "codes": parts.codes,
        "secrets": parts.secrets,
        **parts.extras,
    }
    return {
        **{name: Provide(_provider(part), sync_to_thread=False) for name, part in given.items()},
        "caller": Provide(provide_caller),
        "telling": Provide(provide_stock_display),
        "key": Provide(provide_key),
        "optional_key": Provide(provide_optional_key),
        "if_match": Provide(provide_if_match),
        "last_event": Provide(provide_last_event),
        "locale": Provide(provide_locale, sync_to_thread=False),
        "change": Provide(provide_change, sync_to_thread=False),
    }


def _provider(part: Any) -> Callable[[], Any]:
    def give() -> Any:
        return part

    return give


def _limits(settings: HttpSettings) -> RateLimiter:
    strict = max(1, settings.strict_per_minute // settings.workers)
    return RateLimiter(
        RatePolicy("default", settings.rate_per_s, 1), RatePolicy("strict", strict, 60)
    )


def _cors(settings: HttpSettings) -> CORSConfig:
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
