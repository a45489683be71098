"""A file of customers, or of sales whose lines name customers. Errors never repeat a value."""

from typing import Any

from adapters.imports import values
from adapters.imports.kinds import ImportSchema, require_fields
from domain.customers.customers import ReportedPerson, parse_email, parse_phone


def _email(value: object) -> str:
    return parse_email(values.text(value))


def _phone(value: object) -> str:
    return parse_phone(values.text(value))


def _normalize(told: dict[str, Any]) -> dict[str, Any]:
    require_fields(told, "external_id")
    return told


CUSTOMERS = ImportSchema(
    key=("external_id",),
    record_type=ReportedPerson,
    normalize=_normalize,
    fields={
        "external_id": values.key,
        "name": values.text,
        "email": _email,
        "phone": _phone,
        "locale": values.text,
        "member": values.boolean,
    },
)
