"""Authentication and authorization: every operation declares its callers with `callers`."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from litestar import Litestar, Request
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.exceptions import ImproperlyConfiguredException
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.routes import HTTPRoute
from msgspec.structs import replace

from adapters.http.web.cors import encode_headers
from adapters.http.web.rate_limits import RateLimiter
from adapters.http.web.request_context import RequestContext, context_of
from domain.foundation.callers import Caller, Role
from domain.inventory.availability import StockDisplayPolicy
from domain.kernel.errors import DomainError, RateLimited, Unauthenticated
from service.foundation.authenticator import Authenticator
from service.foundation.ports import Codes

ANYONE: Final = frozenset(Role)
STAFF_ROLES: Final = frozenset({Role.TILL, Role.ASSOCIATE, Role.OFFICE})
SHOPPER_ROLES: Final = frozenset({Role.SHOP, Role.CUSTOMER})
CART_ROLES: Final = SHOPPER_ROLES | {Role.TILL}
"""Roles that may open a cart with its token; a till has a token of its own."""
Clock = Callable[[], datetime]


def callers(
    *roles: Role, scope: str = "", strict: bool = False, key_in_address: bool = False
) -> dict[str, Any]:
    """Declare the callers of an operation: `@get("/…", **callers(Role.TILL))`.

    `scope` is the scope that an office key must have; `strict` is for codes, PINs and look-ups of
    persons. `key_in_address` is for pages that browsers open without headers: a publishable key as
    `?key=`.
    """
    return {
        "opt": {
            "callers": frozenset(roles),
            "scope": scope,
            "limit": "strict" if strict else "default",
            "key_in_address": key_in_address,
        },
        "security": [{"bearer": []}],
    }


def public() -> dict[str, Any]:
    """An operation that needs no credential."""
    return {"opt": {"callers": None}, "security": [{}]}


def ensure_callers_declared(app: Litestar) -> None:
    """Raise ImproperlyConfiguredException where an operation does not declare its callers."""
    for route in app.routes:
        handlers = route.route_handlers if isinstance(route, HTTPRoute) else [route.route_handler]
        for handler in handlers:
            if isinstance(handler, HTTPRouteHandler) and handler.http_methods == {"OPTIONS"}:
                handler.opt["callers"] = None  # Litestar's own; it lists a path's methods
            if "callers" not in handler.opt:
                raise ImproperlyConfiguredException(f"{handler} does not say who may call it.")


async def authorize(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """Authorize the caller of an operation; each operation has declared its callers at the start.

    Raises:
        Unauthenticated, Forbidden, RateLimited: an unknown caller; the wrong role; too often.
    """
    if handler.opt["callers"] is None:
        return
    context = context_of(connection)
    if context.caller is None:
        authenticator: Authenticator = connection.app.state.authenticator
        credential = _key_in_query(connection, handler) or _bearer_token(connection)
        context.caller = await authenticator.recognise(credential)
    acquire(context, connection.app.state.rate_limiter, handler.opt["limit"])
    context.caller.ensure_role(handler.opt["callers"])
    if scope := handler.opt.get("scope"):
        context.caller.ensure_scope(scope)


async def authenticate(context: RequestContext, authenticator: Authenticator) -> Caller | None:
    """Returns the caller of a request with a usual credential; None leaves it to `authorize`."""
    credential = context.given.get(b"authorization", b"")
    if credential[:7] != b"Bearer ":
        return None
    if caller := authenticator.remembers(credential[7:]):
        return caller
    try:
        return await authenticator.recognise(credential[7:].decode("latin-1"))
    except DomainError:
        return None


def acquire(context: RequestContext, limiter: RateLimiter, policy: str) -> None:
    """Counts a request of its caller once, and adds the headers that publish the limit.

    Raises:
        RateLimited: the caller has sent too many.
    """
    assert context.caller is not None, "the caller is known"
    if context.headers:
        return
    try:
        context.headers = encode_headers(limiter.acquire(policy, context.caller.id))
    except RateLimited:
        context.headers = encode_headers(limiter.headers(policy, context.caller.id))
        raise


def _key_in_query(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> str:
    """Raises Unauthenticated for a secret in an address, where it would be seen on its way."""
    if not handler.opt.get("key_in_address") or "authorization" in connection.headers:
        return ""
    key: str = connection.query_params.get("key", "")
    if key and not key.startswith("pk_"):
        raise Unauthenticated("Only a publishable key (pk_…) may be part of a URL.")
    return key


def _bearer_token(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    scheme, _, credential = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not credential.strip():
        raise Unauthenticated("Send Authorization: Bearer with a key or a token.")
    return credential.strip()


async def provide_stock_display(
    caller: NamedDependency[Caller], shoppers_learn: NamedDependency[StockDisplayPolicy]
) -> StockDisplayPolicy:
    """Provide the form in which the caller may see quantities."""
    return shoppers_learn.for_staff if caller.is_staff else shoppers_learn


async def provide_caller(
    request: Request[Any, Any, Any],
    codes: NamedDependency[Codes],
    clock: NamedDependency[Clock],
) -> Caller:
    """The caller, with the cart and the order whose `Cart-Token` and `Order-Token` came along.

    A till's token of a cart opens to its store only.
    """
    caller = context_of(request).caller
    if caller is None:
        raise ImproperlyConfiguredException("An operation open to all has no caller.")
    if token := request.headers.get("order-token"):
        caller = replace(caller, order=codes.order_from_token(token))
    token = request.headers.get("cart-token", "")
    if not token:
        return caller
    at_till = caller.role is Role.TILL
    cart = (
        codes.cart_from_till_token(token, caller.stores, clock())
        if at_till
        else codes.cart_from_token(token)
    )
    return replace(caller, cart=cart)
