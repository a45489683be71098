"""The whole contract as one OpenAPI 3.1 document."""

from collections.abc import Iterable
from typing import Any, Final

from litestar import Litestar

from adapters.http.web.openapi.examples import ExampleBuilder
from adapters.http.web.openapi.headers import HEADER_PARAMETERS, RESPONSE_HEADERS
from adapters.http.web.openapi.info import INFO, TAGS
from adapters.http.web.openapi.operations import (
    WRITE_METHODS,
    Operation,
    describe_operation,
    header_references,
    list_operations,
    parameter_schema,
    response_headers,
)
from adapters.http.web.openapi.schemas import Schema, build_schemas
from adapters.http.web.problem_titles import TITLES_BY_STATUS
from adapters.http.web.problems import FRAMEWORK_ERROR_CODES, MEDIA_TYPE, Problem

JSON_MEDIA_TYPE: Final = "application/json"
DEFAULT_CODES: Final = {
    **FRAMEWORK_ERROR_CODES,
    401: "unauthenticated",
    403: "forbidden",
    409: "conflict",
    412: "version_conflict",
    422: "invalid",
    428: "idempotency_key_required",
    429: "rate_limited",
    500: "internal_error",
    503: "busy",
}
STATUS_HEADERS: Final = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}


def build_openapi(app: Litestar) -> Schema:
    """OpenAPI 3.1 of every operation in `app`."""
    operations = list_operations(app.routes)
    asked = [kind for operation in operations for kind in _request_types(operation)]
    answered = [kind for operation in operations for kind in operation.responses.values() if kind]
    schemas, named = build_schemas(asked, [*answered, Problem])
    named["Problem"]["additionalProperties"] = True
    writer = OperationWriter(schemas, named)
    paths: dict[str, Schema] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = writer.operation(operation)
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "servers": [{"url": "/"}],
        "tags": TAGS,
        "paths": paths,
        "components": {
            "schemas": dict(sorted(named.items())),
            "parameters": HEADER_PARAMETERS,
            "headers": RESPONSE_HEADERS,
            "responses": {
                f"Problem{status}": _problem_response(status) for status in sorted(TITLES_BY_STATUS)
            },
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key (`pk_…`, `sk_…`) or a person's token (JWT).",
                }
            },
        },
    }


def _request_types(operation: Operation) -> Iterable[Any]:
    if operation.body:
        yield operation.body
    for _, _, field in operation.parameters.values():
        yield field.raw


class OperationWriter:
    """Writes operations with the schemas of all types at hand."""

    def __init__(self, schemas: dict[int, Schema], named: dict[str, Schema]) -> None:
        self._schemas = schemas
        self._examples = ExampleBuilder(named)

    def operation(self, operation: Operation) -> Schema:
        written = describe_operation(operation)
        written["parameters"] = [
            *(self._parameter(name, *told) for name, told in operation.parameters.items()),
            *header_references(operation),
        ]
        if operation.body:
            written["requestBody"] = {"required": True, "content": self._content(operation.body)}
        elif raw := operation.handler.opt.get("body_types"):
            content = {media: _file_body(example) for media, example in raw.items()}
            written["requestBody"] = {"required": True, "content": content}
        written["responses"] = {
            **{str(status): self._response(operation, status) for status in operation.responses},
            **{
                str(status): {"$ref": f"#/components/responses/Problem{status}"}
                for status in error_statuses(operation)
                if status not in operation.responses
            },
        }
        return written

    def _parameter(self, name: str, place: str, parameter: Any, field: Any) -> Schema:
        schema = parameter_schema(field, self._schemas[id(field.raw)])
        rules = field.kwarg_definition
        return {
            "name": name,
            "in": place,
            "required": place == "path" or bool(parameter.is_required),
            "description": getattr(rules, "description", None) or f"The {name}.".replace("_", " "),
            "schema": schema,
            "example": self._examples.build(schema, name),
        }

    def _response(self, operation: Operation, status: int) -> Schema:
        kind = operation.responses[status]
        headers = dict(response_headers(operation))
        answer: Schema = {"description": operation.describe_status(status), "headers": headers}
        if operation.media_type != JSON_MEDIA_TYPE and kind is not None:
            answer["content"] = {operation.media_type: {"schema": {"type": "string"}}}
        elif kind is not None:
            answer["content"] = self._content(kind)
        return answer

    def _content(self, kind: Any) -> Schema:
        schema = self._schemas[id(kind)]
        return {JSON_MEDIA_TYPE: {"schema": schema, "example": self._examples.build(schema)}}


def _file_body(example: Any) -> Schema:
    """A body that is streamed: text, or a JSON array of objects."""
    text = {"type": "string"}
    rows = {"type": "array", "items": {"type": "object"}}
    return {"schema": text if isinstance(example, str) else rows, "example": example}


def error_statuses(operation: Operation) -> list[int]:
    """Every status with which an operation may refuse."""
    places = {place for place, _, _ in operation.parameters.values()}
    reads_json = operation.body is not None
    writes = operation.method in WRITE_METHODS
    streams = bool(operation.handler.opt.get("body_types"))
    may = {
        400: reads_json or streams,
        401: bool(operation.roles),
        403: bool(operation.roles),
        404: "path" in places or bool(operation.roles),
        409: writes or "query" in places,
        412: "if_match" in operation.dependencies,
        413: reads_json or streams,
        415: reads_json or streams,
        422: bool(operation.roles) or "query" in places,
        428: "key" in operation.dependencies,
        429: bool(operation.roles),
        500: True,
        503: True,
    }
    return [status for status, happens in may.items() if happens]


def _problem_response(status: int) -> Schema:
    code = DEFAULT_CODES[status]
    example: dict[str, Any] = {
        "type": f"/problems/{code}",
        "title": TITLES_BY_STATUS[status][0],
        "status": status,
        "code": code,
    }
    if status == 422:  # noqa: PLR2004 - fields are named
        rule = {"pointer": "/lines/0/quantity", "code": "minimum", "detail": "Expected int >= 1"}
        example["errors"] = [rule]
    headers = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
    if name := STATUS_HEADERS.get(status):
        headers[name] = {"$ref": f"#/components/headers/{name}"}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": f"{TITLES_BY_STATUS[status][0]}.",
        "headers": headers,
        "content": {MEDIA_TYPE: {"schema": schema, "example": example}},
    }
