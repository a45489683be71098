"""JSON Schema of every type on the wire: msgspec's, completed where it has too little."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, get_args, get_origin

import msgspec
from msgspec import inspect

REF_TEMPLATE: Final = "#/components/schemas/{name}"
Schema = dict[str, Any]


def build_schemas(
    asked: Iterable[Any], answered: Iterable[Any]
) -> tuple[dict[int, Schema], dict[str, Schema]]:
    """The schema of each type, by its `id()`, and the named ones they refer to.

    `asked` are types of requests, `answered` those of answers: there, a field that has a default is
    always present, so it is required.
    """
    asked, answered = list(asked), list(answered)
    types = [*asked, *answered]
    found, named = msgspec.json.schema_components(types, ref_template=REF_TEMPLATE)
    structs = {_schema_title(struct.cls): struct for struct in _find_structs(types)}
    in_requests = set(_reachable_names(found[: len(asked)], named))
    for name, schema in named.items():
        if (struct := structs.get(schema.get("title", ""))) is None:
            continue
        _add_time_formats(struct, schema)
        plain = get_origin(struct.cls) or struct.cls
        if name not in in_requests and not plain.__struct_config__.omit_defaults:
            _require_defaults(schema)
    return {id(kind): schema for kind, schema in zip(types, found, strict=True)}, named


def _require_defaults(schema: Schema) -> None:
    certain = {name for name, field in schema["properties"].items() if "default" in field}
    certain |= set(schema.get("required", []))
    schema["required"] = [name for name in schema["properties"] if name in certain]
    for field in schema["properties"].values():
        field.pop("default", None)


def _reachable_names(schemas: Iterable[Schema], named: dict[str, Schema]) -> Iterator[str]:
    """The names that `schemas` lead to."""
    seen: set[str] = set()
    waiting = [name for schema in schemas for name in _referenced_names(schema)]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            yield name
            waiting.extend(_referenced_names(named[name]))


def _referenced_names(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(reference := schema.get("$ref"), str):
            yield reference.rpartition("/")[2]
        for part in schema.values():
            yield from _referenced_names(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _referenced_names(part)


def _add_time_formats(struct: inspect.StructType, schema: Schema) -> None:
    """To msgspec a time is a string; we say which kind of string."""
    for field in struct.fields:
        for kind, name in ((inspect.DateTimeType, "date-time"), (inspect.TimeType, "time")):
            if _contains_type(field.type, kind):
                _set_format(schema["properties"][field.encode_name], name)


def _schema_title(kind: Any) -> str:
    """Return msgspec's name of a struct: `Page[Key]`."""
    parts = ", ".join(_schema_title(part) for part in get_args(kind))
    return f"{kind.__name__}[{parts}]" if parts else str(kind.__name__)


def _find_structs(types: Iterable[Any]) -> Iterator[inspect.StructType]:
    return _walk_structs(inspect.multi_type_info(types), set())


def _walk_structs(types: Iterable[Any], seen: set[Any]) -> Iterator[inspect.StructType]:
    for kind in types:
        if isinstance(kind, inspect.StructType):
            if kind.cls in seen:
                continue
            seen.add(kind.cls)
            yield kind
        yield from _walk_structs(_inner_types(kind), seen)


def _inner_types(kind: Any) -> list[Any]:
    """The types that `kind` is made of."""
    match kind:
        case inspect.StructType():
            return [field.type for field in kind.fields]
        case inspect.UnionType():
            return list(kind.types)
        case inspect.Metadata():
            return [kind.type]
        case inspect.DictType():
            return [kind.value_type]
        case inspect.TupleType():
            return list(kind.item_types)
    item = getattr(kind, "item_type", None)
    return [item] if item else []


def _contains_type(kind: Any, wanted: type[Any]) -> bool:
    if isinstance(kind, inspect.StructType):
        return False
    return isinstance(kind, wanted) or any(
        _contains_type(part, wanted) for part in _inner_types(kind)
    )


def _set_format(schema: Schema, formats: str) -> None:
    """Name the format of the text in `schema`, itself, in a union or in a list."""
    if schema.get("type") == "string" and "enum" not in schema:
        schema["format"] = formats
    parts = [*schema.get("anyOf", []), schema.get("items")]
    for part in parts:
        if part:
            _set_format(part, formats)
