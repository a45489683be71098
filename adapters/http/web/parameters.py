"""Query parameters: a misspelt one is refused with an error, not silently ignored."""

from datetime import datetime
from typing import Any

from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from msgspec import Struct, ValidationError, convert

from adapters.http.web.bodies import classify_error
from domain.kernel.errors import Invalid, NotFound
from domain.kernel.timestamps import RANGE_RULE, is_in_range


class QueryParameterRule(Struct):
    """The rule for a query parameter; with `many` it may be given more than once."""

    type_: Any
    many: bool
    is_text: bool

    def check(self, values: list[str]) -> str:
        """The broken rule, or nothing. Litestar itself overlooks the rules of a type."""
        if any("\0" in value for value in values):
            return "must not hold the character U+0000"
        if len(values) > 1 and not self.many:
            return "may be given once"
        if not self.is_text and "null" in values:
            return "Expected `value`, got `null`"
        try:
            convert(values if self.many else values[0], self.type_, strict=False)
        except ValidationError as error:
            return str(error).partition(" - at ")[0]
        return ""


class DeclaredParameters(Struct):
    """The declared parameters of each operation, and the methods of each path."""

    parameters: dict[HTTPRouteHandler, dict[str, QueryParameterRule]]
    methods: dict[str, frozenset[str]]


async def reject_unknown_parameters(request: Request[Any, Any, Any]) -> Response[None] | None:
    """Raises Invalid for a query parameter we do not know, Missing for a NUL in a path.

    Pages that people open from a message are lenient: mail programs add parameters of their own.
    """
    names = _get_declared_parameters(request)
    if request.method == "OPTIONS":
        allowed = names.methods[request.scope["path_template"]]
        return Response(None, status_code=204, headers={"Allow": ", ".join(sorted(allowed))})
    if "\0" in request.scope["path"]:
        raise NotFound
    if request.scope["path"].startswith("/v1/"):
        _check_query(request, names.parameters[request.route_handler])
    return None


def _check_query(request: Request[Any, Any, Any], known: dict[str, QueryParameterRule]) -> None:
    errors = []
    for name, values in request.query_params.dict().items():
        if name not in known:
            code, rule = "unknown_field", "no such parameter"
        else:
            rule = known[name].check(values)
            code = classify_error(rule)[0]
        if rule:
            detail = rule.replace("`", "")
            errors.append({"parameter": name, "in": "query", "code": code, "detail": detail})
    if errors:
        names = ", ".join(error["parameter"] for error in errors)
        raise Invalid(f"Not right: {names}.", errors=errors)


def _parameters(handler: HTTPRouteHandler, model: Any) -> dict[str, QueryParameterRule]:
    fields = handler.parsed_fn_signature.parameters
    return {
        parameter.field_alias: _parameter(fields[parameter.field_name], many=parameter.is_sequence)
        for parameter in model.expected_query_params
    }


def _parameter(field: Any, *, many: bool) -> QueryParameterRule:
    kinds = {field.annotation, *(inner.annotation for inner in field.inner_types)}
    return QueryParameterRule(type_=field.raw, many=many, is_text=str in kinds)


def _get_declared_parameters(request: Request[Any, Any, Any]) -> DeclaredParameters:
    """Asked of the routes once."""
    state = request.app.state
    if "names" not in state:
        routes = [route for route in request.app.routes if isinstance(route, HTTPRoute)]
        state.names = DeclaredParameters(
            {
                handler: _parameters(handler, model)
                for route in routes
                for handler, model in route.route_handler_map.values()
            },
            {route.path_format: frozenset(route.methods) for route in routes},
        )
    names: DeclaredParameters = state.names
    return names


def ensure_timestamp(parameter: str, moment: datetime | None) -> None:
    """Raises Invalid for a time without an offset or outside of all calendars."""
    if moment is None:
        return
    code, rule = "", ""
    if moment.tzinfo is None:
        code, rule = "offset", "needs an offset"
    elif not is_in_range(moment):
        code, rule = "out_of_range", RANGE_RULE
    if code:
        error = {"parameter": parameter, "in": "query", "code": code, "detail": rule}
        raise Invalid(f"{parameter} {rule}.", errors=[error])
