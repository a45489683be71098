"""Parameters nobody asked for: a misspelt one is named, not silently ignored."""

from typing import Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from domain.refusals import Invalid, Missing


async def refuse_strangers(request: Request[Any, Any, Any]) -> None:
    """Raises Invalid for a query parameter we do not know, Missing for a NUL in a path.

    Pages that people open from a message are lenient: mail programs add parameters of their own.
    """
    if "\0" in request.scope["path"]:
        raise Missing("There is no such thing.")
    if not request.scope["path"].startswith("/v1/"):
        return
    known = _query_names(request)
    errors = [
        {"parameter": name, "in": "query", "code": "unknown_field", "detail": "no such parameter"}
        for name in dict.fromkeys(request.query_params)
        if name not in known
    ]
    errors += [
        {"parameter": name, "in": "query", "code": "unprintable", "detail": "no U+0000, please"}
        for name, value in request.query_params.multi_items()
        if "\0" in value
    ]
    if errors:
        names = ", ".join(error["parameter"] for error in errors)
        raise Invalid(f"Not right: {names}.", errors=errors)


def _query_names(request: Request[Any, Any, Any]) -> frozenset[str]:
    names: dict[HTTPRouteHandler, frozenset[str]] = request.app.state.setdefault("queries", {})
    handler = request.route_handler
    if handler not in names:
        names.update(_names_of_all(request.app.routes))
    return names[handler]


def _names_of_all(routes: Any) -> dict[HTTPRouteHandler, frozenset[str]]:
    return {
        handler: frozenset(parameter.field_alias for parameter in model.expected_query_params)
        for route in routes
        if isinstance(route, HTTPRoute)
        for handler, model in route.route_handler_map.values()
    }
