"""A file of deliveries: the units expected from suppliers, a line for each SKU."""

from typing import Any

from adapters.imports import values
from adapters.imports.kinds import ImportSchema, require_fields
from domain.inventory.deliveries import ExpectedDeliveryLine
from domain.kernel.ids import check_key


def _delivery_id(value: object) -> str:
    return check_key("id", values.key(value))


def _normalize(told: dict[str, Any]) -> dict[str, Any]:
    require_fields(told, "id", "store", "sku", "quantity", "due_on")
    return told


DELIVERIES = ImportSchema(
    key=("id", "sku"),
    record_type=ExpectedDeliveryLine,
    normalize=_normalize,
    fields={
        "id": _delivery_id,
        "store": values.store,
        "sku": values.sku,
        "quantity": values.integer,
        "due_on": values.calendar_date,
        "reference": values.text,
    },
)
