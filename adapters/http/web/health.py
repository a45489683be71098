"""Whether the service lives, and whether it can do its work."""

from typing import Any

from litestar import Request, Response, route
from litestar.enums import HttpMethod
from litestar.openapi import ResponseSpec
from msgspec import Struct

from adapters.http.web.authentication import public


class Health(Struct):
    """`checks` names each dependency that was checked, with its answer."""

    status: str
    checks: dict[str, str] = {}


@route(
    "/health/live",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    operation_id="is_live",
    tags=["service"],
    **public(),
)
async def get_liveness() -> Health:
    """The process answers."""
    return Health("ok")


@route(
    "/health/ready",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    operation_id="is_ready",
    responses={503: ResponseSpec(Health, description="Not ready; `checks` has the reason.")},
    tags=["service"],
    **public(),
)
async def get_readiness(request: Request[Any, Any, Any]) -> Response[Health]:
    """The database answers, and its tables are there."""
    ask = request.app.state.ready
    checks: dict[str, str] = await ask()
    good = all(answer == "ok" for answer in checks.values())
    return Response(
        Health("ok" if good else "unavailable", checks), status_code=200 if good else 503
    )
