"""Refusals and bugs as `application/problem+json` (RFC 9457); the only place with status codes."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import structlog
from litestar import Request, Response, get
from litestar.exceptions import (
    HTTPException,
    InternalServerException,
    ValidationException,
)
from litestar.params import FromPath
from litestar.types import ExceptionHandlersMap, Scope
from msgspec import UNSET, Struct, UnsetType

from adapters.http.web.authentication import public
from adapters.http.web.bodies import to_invalid
from adapters.http.web.locales import get_locale
from adapters.http.web.problem_titles import TITLES_BY_CODE, TITLES_BY_STATUS, get_title
from adapters.http.web.request_context import context_of
from domain.foundation.callers import AccessDenied
from domain.kernel.errors import (
    Conflict,
    DomainError,
    Forbidden,
    IdempotencyKeyRequired,
    Invalid,
    NotFound,
    PreconditionFailed,
    RateLimited,
    Unauthenticated,
    Unavailable,
)
from service.shared.unit_of_work import Units

STATUS_BY_ERROR: Final[Mapping[type[DomainError], int]] = {
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    PreconditionFailed: 412,
    Invalid: 422,
    IdempotencyKeyRequired: 428,
    RateLimited: 429,
    Unavailable: 503,
}
FRAMEWORK_ERROR_CODES: Final[Mapping[int, str]] = {
    400: "unreadable",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "not_json",
}
"""Codes of requests that are refused before a use case runs."""
CLIENT_CLOSED_REQUEST: Final = 499
"""Web servers' status for a client that left while sending its body. No client reads it."""
MISSING_PARAMETER: Final = re.compile(r"Missing required (\w+) parameter '([^']+)'")
"""Litestar's message; the name is available nowhere else."""
MEDIA_TYPE: Final = "application/problem+json"

log = structlog.get_logger("hylla.http")


class Problem(Struct):
    """Explains a refusal to a program (`code`, `errors`) and to a reader (`title`, `detail`)."""

    type: str
    title: str
    status: int
    code: str
    detail: str | UnsetType = UNSET
    errors: list[dict[str, Any]] | UnsetType = UNSET
    trace_id: str | UnsetType = UNSET


def status_of(refusal: type[DomainError]) -> int:
    return next(STATUS_BY_ERROR[kind] for kind in refusal.__mro__ if kind in STATUS_BY_ERROR)


def problem_response(
    request: Request[Any, Any, Any],
    status: int,
    code: str,
    *,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> Response[bytes]:
    body = _encode_problem(status, code, get_locale(request), **members)
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def _encode_problem(
    status: int, code: str, locale: str, *, facts: Mapping[str, Any] | None = None, **members: Any
) -> bytes:
    problem = Problem(
        type=f"/problems/{code}",
        title=get_title(code, status, locale),
        status=status,
        code=code,
        **members,
    )
    known = msgspec.to_builtins(problem)
    return msgspec.json.encode({**msgspec.to_builtins(dict(facts or {})), **known})


def handle_domain_error(request: Request[Any, Any, Any], refusal: DomainError) -> Response[bytes]:
    """An expected "no"."""
    return Response(
        encode_domain_error(refusal, get_locale(request)),
        status_code=status_of(type(refusal)),
        media_type=MEDIA_TYPE,
        headers=error_headers(refusal),
    )


def encode_domain_error(refusal: DomainError, locale: str) -> bytes:
    """A refusal as a problem, for a reader of `locale`."""
    return _encode_problem(
        status_of(type(refusal)),
        refusal.error_code,
        locale,
        facts=refusal.facts,
        detail=refusal.detail,
        errors=msgspec.to_builtins(refusal.errors) or UNSET,
    )


def error_headers(refusal: DomainError) -> dict[str, str]:
    if isinstance(refusal, Unauthenticated):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(refusal, RateLimited | Unavailable):
        return {"Retry-After": str(refusal.facts.get("retry_after_s", 1))}
    return {}


def handle_http_exception(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Answer an error of the router, or of the reading of a request."""
    status = error.status_code
    if context_of(request).disconnected and isinstance(error, InternalServerException):
        return Response(b"", status_code=CLIENT_CLOSED_REQUEST)
    if status not in TITLES_BY_STATUS or status == 500:  # noqa: PLR2004 - a bug of ours
        return handle_unexpected_error(request, error)
    allow = {name: text for name, text in (error.headers or {}).items() if name.lower() == "allow"}
    detail = error.detail if type(error).__module__.startswith("adapters.") else UNSET
    return problem_response(
        request, status, FRAMEWORK_ERROR_CODES[status], headers=allow, detail=detail
    )


def handle_validation_exception(
    request: Request[Any, Any, Any], error: ValidationException
) -> Response[bytes]:
    """A parameter that does not fit: in the path it names nothing, elsewhere it is named."""
    extra = error.extra if isinstance(error.extra, list) else []
    if any(item.get("source") == "path" for item in extra):
        return handle_domain_error(request, NotFound())
    if any(item.get("key") == "data" for item in extra):
        return problem_response(request, 400, "unreadable", detail="A JSON body is needed.")
    if lacking := MISSING_PARAMETER.match(error.detail):
        errors = [{"parameter": lacking[2], "in": lacking[1], "code": "required"}]
        return handle_domain_error(request, Invalid(f"{lacking[2]} is required.", errors=errors))
    fields = request.route_handler.parsed_fn_signature.parameters
    errors = [_parameter_error(item, fields) for item in extra]
    names = ", ".join(str(error["parameter"]) for error in errors)
    return handle_domain_error(request, Invalid(f"Not right: {names}.", errors=errors))


def _parameter_error(item: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Names a parameter as it is written in an address, which may not be our name for it."""
    field = str(item.get("key", "")).partition(".")[0].partition("[")[0]
    rules = getattr(fields.get(field), "kwarg_definition", None)
    name = getattr(rules, "name", None) or field
    rule = to_invalid(str(item.get("message", ""))).errors[0]
    missing = "required" in rule["detail"].lower()
    return {
        "parameter": name,
        "in": str(getattr(item.get("source"), "value", item.get("source") or "query")),
        "code": "required" if missing else rule["code"],
        "detail": rule["detail"],
    }


def handle_unexpected_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer a bug: the client gets a trace id, the log its place; the values go to neither."""
    body = encode_internal_error(error, get_locale(request), context_of(request).id)
    return Response(body, status_code=500, media_type=MEDIA_TYPE)


def encode_internal_error(error: Exception, locale: str, trace_id: str) -> bytes:
    log.error("unhandled exception", exc_info=error)
    return _encode_problem(500, "internal_error", locale, trace_id=trace_id)


async def record_access_denial(error: Exception, scope: Scope) -> None:
    """Record the caller and the resource that it may not see; for the caller it does not exist."""
    if not isinstance(error, AccessDenied):
        return
    units: Units = scope["litestar_app"].state.units
    handler: Any = scope.get("route_handler")
    try:
        async with units.begin() as unit:
            await unit.foundation.access_denials.add(
                error.caller, handler.operation_id or "", error.resource
            )
    except Unavailable:
        log.warning("access denial not recorded", operation=handler.operation_id)


EXCEPTION_HANDLERS: Final[ExceptionHandlersMap] = {
    DomainError: handle_domain_error,
    ValidationException: handle_validation_exception,
    HTTPException: handle_http_exception,
    Exception: handle_unexpected_error,
}


class ProblemType(Struct):
    """The page that the `type` address of a problem opens."""

    code: str
    title: str
    status: int | None = None


@get("/problems/{code:str}", operation_id="describe_problem", tags=["service"], **public())
async def get_problem_type(code: FromPath[str], request: Request[Any, Any, Any]) -> ProblemType:
    """Get the meaning of a problem's `type`, in the reader's language."""
    kinds = {
        kind.code: status_of(kind) for kind in _subclasses(DomainError) if kind is not DomainError
    }
    kinds |= {name: status for status, name in FRAMEWORK_ERROR_CODES.items()} | {
        "internal_error": 500
    }
    if code not in kinds and code not in TITLES_BY_CODE:
        raise NotFound("There is no such problem.")
    status = kinds.get(code)
    return ProblemType(code, get_title(code, status or 400, get_locale(request)), status)


def _subclasses(kind: type[DomainError]) -> list[type[DomainError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _subclasses(child))]
