"""Stocktaking: adjustments, settings and counts of stock, by people and feeds."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta, Struct

from adapters.http.web.authentication import callers
from domain.foundation.callers import Caller, Role
from domain.inventory.stocktaking import Adjustment, StockCount, StockSetting
from domain.kernel.errors import DomainError, Invalid
from domain.kernel.ids import Sku, StoreId
from domain.kernel.timestamps import Timestamp, ensure_representable
from service.foundation.ports import IdempotencyKey
from service.inventory import stocktaking
from service.inventory.stocktaking import StockReportResult
from service.shared.unit_of_work import Units

MAX_LINES: Final = 1000
"""Lines of one batch."""


class Adjustments(Struct, forbid_unknown_fields=True):
    lines: Annotated[list[Adjustment], Meta(min_length=1, max_length=MAX_LINES)]


class StockSettings(Struct, forbid_unknown_fields=True):
    lines: Annotated[list[StockSetting], Meta(min_length=1, max_length=MAX_LINES)]


class CountLine(Struct, forbid_unknown_fields=True):
    """The counted quantity, and the time at which the count ended."""

    store: StoreId
    sku: Sku
    counted: Annotated[int, Meta(ge=0, le=10**9)]
    counted_at: Timestamp

    def __post_init__(self) -> None:
        ensure_representable("counted_at", self.counted_at)

    @property
    def to_count(self) -> StockCount:
        return StockCount(
            store=self.store, sku=self.sku, on_hand=self.counted, counted_at=self.counted_at
        )


class Counts(Struct, forbid_unknown_fields=True):
    lines: Annotated[list[CountLine], Meta(min_length=1, max_length=MAX_LINES)]


class StockLineResults(Struct):
    """One for each line, in the order of the lines."""

    results: list[StockReportResult]


def _batch_options(*roles: Role) -> dict[str, Any]:
    said = callers(*roles, scope="stock")
    said["opt"]["item_by_item"] = "lines"
    return {"status_code": 200, **said}


class Stocktaking(Controller):
    path = "/v1/stock"
    tags = ("stock",)

    @post("/adjustments", operation_id="adjust_stock", **_batch_options(Role.OFFICE))
    async def adjust_stock(
        self,
        data: JSONBody[Adjustments],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        key: NamedDependency[IdempotencyKey],
    ) -> StockLineResults:
        """Adjust the stock on hand, for a reason. Each line is answered on its own."""
        ensure_any_readable(data.lines)
        return StockLineResults(
            await stocktaking.adjust_stock(units, caller=caller, lines=data.lines, key=key)
        )

    @post("/sets", operation_id="set_stock", **_batch_options(Role.OFFICE))
    async def set_stock(
        self,
        data: JSONBody[StockSettings],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        key: NamedDependency[IdempotencyKey],
    ) -> StockLineResults:
        """Set the stock on hand where the version is still the one that the caller read."""
        ensure_any_readable(data.lines)
        return StockLineResults(
            await stocktaking.set_stock(units, caller=caller, lines=data.lines, key=key)
        )

    @post("/counts", operation_id="count_stock", **_batch_options(Role.ASSOCIATE, Role.OFFICE))
    async def count_stock(
        self,
        data: JSONBody[Counts],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        key: NamedDependency[IdempotencyKey],
    ) -> StockLineResults:
        """Record a count made at a given time; later movements are applied on top of it."""
        ensure_any_readable(data.lines)
        lines = [line.to_count if isinstance(line, CountLine) else line for line in data.lines]
        return StockLineResults(
            await stocktaking.count_stock(units, caller=caller, lines=lines, key=key)
        )


def ensure_any_readable(lines: Sequence[object]) -> None:
    """Where no line can be read, the whole is refused with every reason."""
    refusals = [line for line in lines if isinstance(line, DomainError)]
    if len(refusals) < len(lines):
        return
    errors = [
        {**error, "pointer": f"/lines/{position}{error['pointer']}"}
        for position, refusal in enumerate(refusals)
        for error in refusal.errors
    ]
    raise Invalid("No line can be read.", errors=errors)
