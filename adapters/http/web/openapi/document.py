"""The whole contract as one OpenAPI 3.1 document."""

from collections.abc import Iterable
from typing import Any, Final

from litestar import Litestar

from adapters.http.web.openapi.examples import Examples
from adapters.http.web.openapi.headers import OF_ANSWERS, PARAMETERS
from adapters.http.web.openapi.info import INFO, TAGS
from adapters.http.web.openapi.operations import (
    WRITES,
    Operation,
    answer_headers,
    describe,
    header_references,
    operations_of,
    parameter_schema,
)
from adapters.http.web.openapi.schemas import Schema, schemas_of
from adapters.http.web.problem_titles import OF_STATUS
from adapters.http.web.problems import MEDIA_TYPE, OF_THE_DOOR, Problem

JSON: Final = "application/json"
CODES: Final = {
    **OF_THE_DOOR,
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


def contract(app: Litestar) -> Schema:
    """OpenAPI 3.1 of every operation in `app`."""
    operations = operations_of(app.routes)
    asked = [kind for operation in operations for kind in _asked(operation)]
    answered = [kind for operation in operations for kind in operation.answers.values() if kind]
    schemas, named = schemas_of(asked, [*answered, Problem])
    named["Problem"]["additionalProperties"] = True
    writer = Writer(schemas, named)
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
            "parameters": PARAMETERS,
            "headers": OF_ANSWERS,
            "responses": {f"Problem{status}": _problem(status) for status in sorted(OF_STATUS)},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key (`pk_…`, `sk_…`) or a person's token (JWT).",
                }
            },
        },
    }


def _asked(operation: Operation) -> Iterable[Any]:
    if operation.body:
        yield operation.body
    for _, _, field in operation.parameters.values():
        yield field.raw


class Writer:
    """Writes operations with the schemas of all types at hand."""

    def __init__(self, schemas: dict[int, Schema], named: dict[str, Schema]) -> None:
        self._schemas = schemas
        self._examples = Examples(named)

    def operation(self, operation: Operation) -> Schema:
        written = describe(operation)
        written["parameters"] = [
            *(self._parameter(name, *told) for name, told in operation.parameters.items()),
            *header_references(operation),
        ]
        if operation.body:
            written["requestBody"] = {"required": True, "content": self._content(operation.body)}
        elif raw := operation.handler.opt.get("body_types"):
            content = {media: _file(example) for media, example in raw.items()}
            written["requestBody"] = {"required": True, "content": content}
        written["responses"] = {
            **{str(status): self._answer(operation, status) for status in operation.answers},
            **{
                str(status): {"$ref": f"#/components/responses/Problem{status}"}
                for status in refused_with(operation)
                if status not in operation.answers
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
            "example": self._examples.of(schema, name),
        }

    def _answer(self, operation: Operation, status: int) -> Schema:
        kind = operation.answers[status]
        headers = dict(answer_headers(operation))
        answer: Schema = {"description": operation.said_of(status), "headers": headers}
        if operation.media_type != JSON and kind is not None:
            answer["content"] = {operation.media_type: {"schema": {"type": "string"}}}
        elif kind is not None:
            answer["content"] = self._content(kind)
        return answer

    def _content(self, kind: Any) -> Schema:
        schema = self._schemas[id(kind)]
        return {JSON: {"schema": schema, "example": self._examples.of(schema)}}


def _file(example: Any) -> Schema:
    """A body that is streamed: text, or a JSON array of objects."""
    text = {"type": "string"}
    rows = {"type": "array", "items": {"type": "object"}}
    return {"schema": text if isinstance(example, str) else rows, "example": example}


def refused_with(operation: Operation) -> list[int]:
    """Every status with which an operation may refuse."""
    places = {place for place, _, _ in operation.parameters.values()}
    reads_json = operation.body is not None
    writes = operation.method in WRITES
    streams = bool(operation.handler.opt.get("body_types"))
    may = {
        400: reads_json or streams,
        401: bool(operation.callers),
        403: bool(operation.callers),
        404: "path" in places or bool(operation.callers),
        409: writes or "query" in places,
        412: "if_match" in operation.needs,
        413: reads_json or streams,
        415: reads_json or streams,
        422: bool(operation.callers) or "query" in places,
        428: "key" in operation.needs,
        429: bool(operation.callers),
        500: True,
        503: True,
    }
    return [status for status, happens in may.items() if happens]


def _problem(status: int) -> Schema:
    code = CODES[status]
    example: dict[str, Any] = {
        "type": f"/problems/{code}",
        "title": OF_STATUS[status][0],
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
        "description": f"{OF_STATUS[status][0]}.",
        "headers": headers,
        "content": {MEDIA_TYPE: {"schema": schema, "example": example}},
    }
