"""The schema of a kind of file: its fields, their readers, and the entry they make."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from msgspec import Struct

from adapters.imports.values import Reader
from domain.kernel.errors import InvalidField

T = TypeVar("T", bound=Struct)


class ImportSchema(Struct, Generic[T], frozen=True, kw_only=True):
    """The schema of an import; `key` names the fields that identify an entry.

    `objects` are the fields whose parts may have columns of their own, as `options.size`.
    `settle` turns the values of a line into those of a `thing`, or raises a Refusal; the values it
    adds from `defaults` apply to a new thing only.
    """

    key: tuple[str, ...]
    record_type: type[T]
    fields: Mapping[str, Reader]
    normalize: Callable[[dict[str, Any]], dict[str, Any]]
    nested_fields: frozenset[str] = frozenset()
    default_fields: frozenset[str] = frozenset()

    def has_field(self, field: str) -> bool:
        """Whether `field`, or the object it is a part of, belongs to this kind."""
        head, dot, part = field.partition(".")
        return field in self.fields or bool(dot and part and head in self.nested_fields)


def require_fields(told: Mapping[str, Any], *fields: str) -> None:
    """Raises InvalidField for the first of `fields` that is empty."""
    for field in fields:
        if field not in told:
            raise InvalidField(field, "required", "is empty")
