"""A guest who lost the link to an order gets it again."""

from datetime import timedelta
from typing import Annotated, Final

from msgspec import Meta, Struct

from domain.follow_ups.messages import About, Kind, Message
from domain.kernel.errors import Missing
from domain.kernel.ids import MessageId, OrderId
from domain.orders.orders import Order
from service.foundation.ports import RequestKey
from service.shared.retry import tried_again
from service.shared.unit_of_work import Unit, Units

SENT_WITHIN: Final = timedelta(hours=6)
"""Whoever asked has given up by then."""


class LostLink(Struct, frozen=True, forbid_unknown_fields=True):
    """The number of the order, and the e-mail address that was told with it."""

    order: Annotated[OrderId, Meta(min_length=1, max_length=64)]
    email: Annotated[str, Meta(min_length=3, max_length=254)]


@tried_again
async def send_link(units: Units, *, lost: LostLink, key: RequestKey | None) -> None:
    """Plan to send the link to whoever ordered, once an hour; nothing where that is somebody else.

    Customers have no such link: they log in.
    """
    async with units.begin() as unit:
        if await unit.requests.claim(key, bool):
            return
        order = await _found(unit, lost.order)
        if order and order.customer is None and _is_theirs(order, lost.email):
            await unit.messages.plan(_message(unit, order))
        await unit.requests.answer(key, True)


async def _found(unit: Unit, order: OrderId) -> Order | None:
    try:
        return await unit.orders.get(order)
    except Missing:
        return None


def _is_theirs(order: Order, email: str) -> bool:
    return (order.contact.email or "").casefold() == email.strip().casefold()


def _message(unit: Unit, order: Order) -> Message:
    return Message(
        id=MessageId(unit.new_id("msg")),
        kind=Kind.ORDER_LINK,
        key=f"{order.id}:{unit.now:%Y%m%d%H}",
        about=About(order=order.id),
        planned_for=unit.now,
        not_after=unit.now + SENT_WITHIN,
        created_at=unit.now,
        changed_at=unit.now,
    )
