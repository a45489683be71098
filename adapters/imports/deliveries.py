"""A file of deliveries: what suppliers are expected to bring, a line for each SKU."""

from typing import Any

from adapters.imports import values
from adapters.imports.kinds import KindOfFile, require
from domain.inventory.deliveries import Expected
from domain.kernel.ids import check_key


def _id(value: object) -> str:
    return check_key("id", values.key(value))


def _settle(told: dict[str, Any]) -> dict[str, Any]:
    require(told, "id", "store", "sku", "quantity", "due_on")
    return told


DELIVERIES = KindOfFile(
    key=("id", "sku"),
    thing=Expected,
    settle=_settle,
    fields={
        "id": _id,
        "store": values.store,
        "sku": values.sku,
        "quantity": values.whole,
        "due_on": values.day,
        "reference": values.text,
    },
)
