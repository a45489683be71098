"""A file of stock: the units in a store when a person or a system counted them."""

from typing import Any

from adapters.imports import values
from adapters.imports.kinds import ImportSchema, require_fields
from domain.inventory.stocktaking import StockCount


def _normalize(told: dict[str, Any]) -> dict[str, Any]:
    require_fields(told, "store", "sku", "on_hand")
    return told


STOCK = ImportSchema(
    key=("store", "sku", "counted_at"),
    record_type=StockCount,
    normalize=_normalize,
    fields={
        "store": values.store,
        "sku": values.sku,
        "on_hand": values.integer,
        "safety_stock": values.integer,
        "counted_at": values.timestamp,
    },
)
