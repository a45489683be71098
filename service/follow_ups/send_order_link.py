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
"""The time after which a requested link is no longer sent."""


class OrderLinkRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The id of an order, and the e-mail address given with it."""

    order: Annotated[OrderId, Meta(min_length=1, max_length=64)]
    email: Annotated[str, Meta(min_length=3, max_length=254)]


@retry_on_conflict
async def send_order_link(
    units: Units, *, lost: OrderLinkRequest, key: IdempotencyKey | None
) -> None:
    """Plans the message with the link to the buyer, at most one an hour; none for another address.

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
