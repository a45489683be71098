"""One handler as one operation of the contract."""

import inspect
import re
from collections.abc import Mapping
from typing import Any, Final, get_args, get_origin

from litestar.handlers import HTTPRouteHandler
from litestar.params import KwargDefinition
from litestar.response import Response, Stream
from msgspec import Struct

from adapters.http.web.openapi.headers import (
    COMMON_HEADERS,
    HEADERS_BY_DEPENDENCY,
    RESPONSE_HEADERS,
)
from domain.foundation.callers import Role

Schema = dict[str, Any]
ROLES: Final = list(Role)
CONSTRAINTS: Final = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "pattern": "pattern",
    "min_length": "minLength",
    "max_length": "maxLength",
    "min_items": "minItems",
    "max_items": "maxItems",
}
CART_TOKEN_TAGS: Final = frozenset({"carts", "orders", "pickups"})
"""Resources that guests open with their cart's token."""
ORDER_TOKEN_TAGS: Final = frozenset({"orders", "pickups"})
"""Resources that the link to an order opens."""
WRITE_METHODS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Operation(Struct):
    """Describes an operation by the declarations of its handler."""

    handler: Any
    method: str
    path: str
    parameters: dict[str, Any]
    dependencies: set[str]
    """Names of dependencies, its own and theirs."""

    @property
    def body(self) -> Any:
        field = self.handler.parsed_data_field
        return field.raw if field else None

    @property
    def responses(self) -> dict[int, Any]:
        """The type of the answer for each good status; None where there is nothing to say."""
        said = _response_type(self.handler.parsed_fn_signature.return_type.annotation)
        more = {
            status: spec.data_container for status, spec in (self.handler.responses or {}).items()
        }
        return {self.handler.status_code: said, **more}

    @property
    def has_etag(self) -> bool:
        """Return whether the answer has the version of the resource as its ETag."""
        annotation = self.handler.parsed_fn_signature.return_type.annotation
        fields = getattr(_response_type(annotation), "__struct_fields__", ())
        return get_origin(annotation) is Response and "version" in fields

    @property
    def roles(self) -> list[Role]:
        return [role for role in ROLES if role in (self.handler.opt.get("callers") or ())]

    def describe_status(self, status: int) -> str:
        spec = (self.handler.responses or {}).get(status)
        return str(spec.description) if spec else "Done."

    @property
    def media_type(self) -> str:
        media = self.handler.opt.get("media_type") or self.handler.media_type or "application/json"
        return str(getattr(media, "value", media))


def list_operations(routes: Any) -> list[Operation]:
    """Every operation that belongs to the contract, in the order of paths."""
    found = [
        Operation(
            handler=handler,
            method=method,
            path=route.path_format,
            parameters=_parameters(handler, model),
            dependencies=_dependencies_of(handler),
        )
        for route in routes
        for method, (handler, model) in getattr(route, "route_handler_map", {}).items()
        if handler.include_in_schema is not False and method not in {"OPTIONS", "HEAD"}
    ]
    return sorted(found, key=lambda operation: (operation.path, operation.method))


def _response_type(annotation: Any) -> Any:
    """`Order` of a `Response[Order]`."""
    if annotation is Stream:
        return str
    if get_origin(annotation) is Response:
        return get_args(annotation)[0]
    return None if annotation in {None, type(None), inspect.Signature.empty} else annotation


def _dependencies_of(handler: HTTPRouteHandler) -> set[str]:
    known = handler.resolve_dependencies()
    needed: set[str] = set()
    waiting = list(handler.parsed_fn_signature.parameters)
    while waiting:
        name = waiting.pop()
        if name in known and name not in needed:
            needed.add(name)
            waiting.extend(known[name].parsed_fn_signature.parameters)
    return needed


def _parameters(handler: HTTPRouteHandler, model: Any) -> dict[str, Any]:
    """Path and query parameters by their name on the wire: where, whether needed, and the field."""
    fields = handler.parsed_fn_signature.parameters
    asked = [("path", model.expected_path_params), ("query", model.expected_query_params)]
    return {
        parameter.field_alias: (place, parameter, fields.get(parameter.field_name))
        for place, parameters in asked
        for parameter in sorted(parameters, key=lambda parameter: str(parameter.field_alias))
        if parameter.field_name in fields
    }


def parameter_schema(field: Any, schema: Schema) -> Schema:
    """`schema` with the constraints of a query parameter, without null, which no URL can say."""
    rules = field.kwarg_definition
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    plain = options[0] if len(options) == 1 else schema
    plain = {name: value for name, value in plain.items() if name != "default"}
    if isinstance(rules, KwargDefinition):
        for ours, theirs in CONSTRAINTS.items():
            if (value := getattr(rules, ours, None)) is not None:
                plain[theirs] = value
    if field.has_default and field.default is not None:
        plain["default"] = field.default
    return plain


def describe_operation(operation: Operation) -> Schema:
    """Name, words, callers and headers of an operation."""
    handler = operation.handler
    callers = ", ".join(operation.roles) or "anybody, without a credential"
    scope = handler.opt.get("scope")
    who = f"Callers: {callers}." + (f" An office key needs the scope `{scope}`." if scope else "")
    text = inspect.cleandoc(handler.fn.__doc__ or "")
    return {
        "operationId": handler.operation_id,
        "summary": first_sentence(text),
        "description": "\n\n".join(part for part in (text, who) if part),
        "tags": _tags(handler),
        "security": [{"bearer": []}] if operation.roles else [],
        "x-callers": [role.value for role in operation.roles],
    }


def _tags(handler: HTTPRouteHandler) -> list[str]:
    return sorted(handler.tags or getattr(handler.owner, "tags", None) or [])


def first_sentence(text: str) -> str:
    """The first sentence."""
    return re.split(r"(?<=[.:;])\s|\n", text, maxsplit=1)[0].rstrip(".:;")


def header_references(operation: Operation) -> list[Schema]:
    names = [name for need, name in HEADERS_BY_DEPENDENCY.items() if need in operation.dependencies]
    if Role.SHOP in operation.roles and CART_TOKEN_TAGS & set(_tags(operation.handler)):
        names.append("CartToken")
    if Role.SHOP in operation.roles and ORDER_TOKEN_TAGS & set(_tags(operation.handler)):
        names.append("OrderToken")
    return [{"$ref": f"#/components/parameters/{name}"} for name in [*names, *COMMON_HEADERS]]


def response_headers(operation: Operation) -> Mapping[str, Schema]:
    names = ["X-Request-Id"]
    if operation.has_etag:
        names.append("ETag")
    if operation.roles:
        names += ["RateLimit", "RateLimit-Policy"]
    if {"key", "optional_key"} & operation.dependencies:
        names.append("Idempotent-Replayed")
    assert set(names) <= set(RESPONSE_HEADERS)
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
