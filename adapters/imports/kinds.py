"""What a kind of file has to tell: its fields, how each is read, and the thing they make."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from msgspec import Struct

from adapters.imports.values import Reader
from domain.kernel.errors import InvalidField

T = TypeVar("T", bound=Struct)


class ImportSchema(Struct, Generic[T], frozen=True, kw_only=True):
    """`key` names the fields that tell one thing from another.

    `objects` are the fields whose parts may stand in columns of their own, as `options.size`.
    `settle` makes of the values that a line told those of a `thing`, or raises a Refusal; what it
    adds of `defaults` is for a thing that is new.
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
    """Raises WrongField for the first of `fields` that is empty."""
    for field in fields:
        if field not in told:
            raise InvalidField(field, "required", "is empty")
