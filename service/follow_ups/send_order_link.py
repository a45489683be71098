"""A guest who lost the link to an order gets it again."""

from datetime import timedelta
from typing import Annotated, Final

from msgspec import Meta, Struct

from domain.follow_ups.messages import Message, MessageKind, MessageReference
from domain.kernel.errors import NotFound
from domain.kernel.ids import MessageId, OrderId
from domain.orders.orders import Order
from service.foundation.ports import IdempotencyKey
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units

SENT_WITHIN: Final = timedelta(hours=6)
"""Whoever asked has given up by then."""


class OrderLinkRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The number of the order, and the e-mail address that was told with it."""

    order: Annotated[OrderId, Meta(min_length=1, max_length=64)]
    email: Annotated[str, Meta(min_length=3, max_length=254)]


@retry_on_conflict
async def send_order_link(
    units: Units, *, lost: OrderLinkRequest, key: IdempotencyKey | None
) -> None:
    """Plan to send the link to whoever ordered, once an hour; nothing where that is somebody else.

    Customers have no such link: they log in.
    """
    async with units.begin() as unit:
        if await unit.foundation.idempotency.claim(key, bool):
            return
        order = await _found(unit, lost.order)
        if order and order.customer is None and _is_theirs(order, lost.email):
            await unit.follow_ups.messages.add(_message(unit, order))
        await unit.foundation.idempotency.save_answer(key, True)


async def _found(unit: Unit, order: OrderId) -> Order | None:
    try:
        return await unit.orders.orders.get(order)
    except NotFound:
        return None


def _is_theirs(order: Order, email: str) -> bool:
    return (order.contact.email or "").casefold() == email.strip().casefold()


def _message(unit: Unit, order: Order) -> Message:
    return Message(
        id=MessageId(unit.new_id("msg")),
        kind=MessageKind.ORDER_LINK,
        key=f"{order.id}:{unit.now:%Y%m%d%H}",
        about=MessageReference(order=order.id),
        planned_for=unit.now,
        send_before=unit.now + SENT_WITHIN,
        created_at=unit.now,
        changed_at=unit.now,
    )
