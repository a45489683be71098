"""Returns that tills report for orders: the order learns its returned units.

The receipt has moved the goods, and the till has refunded; only the order's lines and points
follow.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, structs

from domain.kernel.errors import NotFound
from domain.kernel.ids import OrderId, ReceiptId, ReturnId
from domain.kernel.money import Money
from domain.orders.orders import Order
from domain.orders.timeline import ActorKind
from domain.pos.receipts import BookedReceipt, ReceiptDiscrepancy
from domain.returns.returns import (
    RequestedLine,
    Return,
    ReturnChannel,
    ReturnState,
    clip_to_returnable,
    to_return_lines,
)
from service.returns.book_return import settle_returned_units
from service.shared.unit_of_work import Unit


class TillReturns(Struct):
    """Discrepancies by receipt, and units that earn no points any more, by order."""

    conflicts: dict[ReceiptId, list[ReceiptDiscrepancy]] = {}
    unearned: dict[str, Mapping[str, tuple[int, int]]] = {}


async def record_till_returns(unit: Unit, books: Iterable[BookedReceipt]) -> TillReturns:
    """Records the units that tills took back as returned, as far as the order has them."""
    noted = TillReturns()
    told: dict[OrderId, list[BookedReceipt]] = {}
    for book in books:
        if named := book.receipt.original_order:
            told.setdefault(named, []).append(book)
    for name in sorted(told):
        try:
            order = await unit.orders.orders.get_for_update(name)
        except NotFound:
            stranger = ReceiptDiscrepancy("/of", "unknown_order", f"There is no order {name!r}.")
            noted.conflicts |= {book.receipt.id: [stranger] for book in told[name]}
        else:
            await _note(unit, order, told[name], noted)
    return noted


async def _note(
    unit: Unit, order: Order, books: Sequence[BookedReceipt], noted: TillReturns
) -> None:
    for book in sorted(books, key=lambda book: book.receipt.id):
        asked = [
            RequestedLine(line.quantity, sku=line.item_code, disposition=line.disposition)
            for line in book.lines
        ]
        had = clip_to_returnable(order, asked)
        noted.conflicts[book.receipt.id] = [
            _too_many(position, one)
            for position, (one, known) in enumerate(zip(asked, had, strict=True))
            if known.quantity < one.quantity
        ]
        if some := [one for one in had if one.quantity]:
            back = _return(unit, order, book, some)
            await unit.returns.returns.add(back)
            order = await settle_returned_units(unit, order, back, ActorKind.STORE)
    noted.unearned[order.id] = order.units_without_points()


def _too_many(position: int, one: RequestedLine) -> ReceiptDiscrepancy:
    detail = f"Its buyer has not {one.quantity} of {one.sku}; the goods are booked all the same."
    return ReceiptDiscrepancy(f"/lines/{position}/quantity", "more_than_given", detail)


def _return(
    unit: Unit, order: Order, book: BookedReceipt, asked: Sequence[RequestedLine]
) -> Return:
    """Returns the return of a receipt; its refund is the one that the till paid."""
    nothing = Money(0, order.currency)
    return Return(
        id=ReturnId(unit.new_id("ret")),
        order=order.id,
        customer=order.customer,
        store=book.store,
        channel=ReturnChannel.STORE,
        state=ReturnState.RECEIVED,
        currency=order.currency,
        lines=[
            structs.replace(line, refund=nothing, withheld=nothing)
            for line in to_return_lines(order, asked)
        ],
        by=book.actor,
        receipt=book.receipt.id,
        created_at=unit.now,
        changed_at=unit.now,
        received_at=book.occurred_at,
    )
