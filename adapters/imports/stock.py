"""A file of stock: what lay in a store when somebody, or some system, counted it."""

from typing import Any

from adapters.imports import values
from adapters.imports.kinds import KindOfFile, require
from domain.inventory.stocktaking import StockCount


def _settle(told: dict[str, Any]) -> dict[str, Any]:
    require(told, "store", "sku", "on_hand")
    return told


STOCK = KindOfFile(
    key=("store", "sku", "counted_at"),
    thing=StockCount,
    settle=_settle,
    fields={
        "store": values.store,
        "sku": values.sku,
        "on_hand": values.whole,
        "safety_stock": values.whole,
        "counted_at": values.instant,
    },
)
