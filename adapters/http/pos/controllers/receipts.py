"""Tills: batches of receipts."""

from typing import Annotated, Any, Final

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from adapters.http.web.authentication import callers
from domain.foundation.callers import Caller, Role
from domain.kernel.ids import StoreId
from domain.pos.receipts import Receipt
from service.pos import record_receipts as sales
from service.pos.record_receipts import ReceiptResult
from service.shared.unit_of_work import Units

MAX_RECEIPTS: Final = 1000
"""Receipts of one batch."""
MAX_BODY_BYTES: Final = 100_000_000
"""Bytes of a batch: as many receipts as there may be, each with as many lines as there may be."""


class ReceiptBatch(Struct, forbid_unknown_fields=True):
    """Receipts in any order. Their ids make a repeat harmless, so no key is needed."""

    sales: Annotated[list[Receipt], Meta(min_length=1, max_length=MAX_RECEIPTS)]


class ReceiptResults(Struct):
    """One for each receipt, in the order of the receipts."""

    results: list[ReceiptResult]


def _batch_options() -> dict[str, Any]:
    said = callers(Role.TILL)
    said["opt"]["item_by_item"] = "sales"
    return said


class Receipts(Controller):
    path = "/v1/stores/{store:str}/sales"
    tags = ("tills",)

    @post(
        operation_id="record_sales",
        status_code=200,
        request_max_body_size=MAX_BODY_BYTES,
        **_batch_options(),
    )
    async def record_sales(
        self,
        store: FromPath[StoreId],
        data: JSONBody[ReceiptBatch],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
    ) -> ReceiptResults:
        """Record sales and returns of a till, late, repeated or in any order.

        Nothing that happened is refused: a conflict is named in `conflicts` and applied all the
        same. `rejected` are receipts that cannot be read, those of another store, and those whose
        id already belongs to another receipt.
        """
        return ReceiptResults(
            await sales.record_receipts(units, caller=caller, store=store, receipts=data.sales)
        )
