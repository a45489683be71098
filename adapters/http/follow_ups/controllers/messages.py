"""Messages, as the office sees them: those sent, those not sent, and the reasons."""

from datetime import datetime
from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from msgspec import Struct

from adapters.http.web.authentication import callers
from adapters.http.web.paging import Cursor, Limit, Page, decode_cursor, to_page
from domain.contact.channels import MessageChannel
from domain.contact.consent import Purpose
from domain.follow_ups.messages import (
    Message,
    MessageKind,
    MessageReference,
    MessageState,
    SendDecision,
)
from domain.foundation.callers import Role
from domain.kernel.ids import CustomerId, MessageId
from service.shared.unit_of_work import Units


class MessageItem(Struct, kw_only=True):
    """`channel`, `locale` and `subject` are set once it was written; `reason` is why it failed."""

    id: MessageId
    customer: CustomerId | None
    kind: MessageKind
    purpose: Purpose
    channel: MessageChannel | None
    locale: str | None
    state: MessageState
    reason: str | None
    subject: str | None
    planned_for: datetime
    sent_at: datetime | None
    about: MessageReference


class MessageTrace(MessageItem, kw_only=True):
    """The message with every decision about it, the first one first."""

    trace: list[SendDecision]


def to_message_item(message: Message) -> MessageItem:
    return MessageItem(**{name: getattr(message, name) for name in MessageItem.__struct_fields__})


class Messages(Controller):
    path = "/v1/messages"
    tags = ("messages",)

    @get(operation_id="list_messages", **callers(Role.OFFICE, scope="messages"))
    async def list_messages(
        self,
        units: NamedDependency[Units],
        customer: Annotated[CustomerId | None, QueryParameter(max_length=64)] = None,
        in_state: Annotated[
            MessageState | None, QueryParameter(name="state", description="In this state.")
        ] = None,
        kind: Annotated[MessageKind | None, QueryParameter(description="Of this kind.")] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[MessageItem]:
        """List messages, newest first, never with their text."""
        before = decode_cursor(cursor, MessageId)
        async with units.read() as unit:
            found = await unit.follow_ups.messages.list_page(
                customer=customer, state=in_state, kind=kind, before=before, limit=limit + 1
            )
        return to_page([to_message_item(message) for message in found], limit, lambda one: one.id)

    @get("/{message:str}", operation_id="get_message", **callers(Role.OFFICE, scope="messages"))
    async def get_message(
        self, message: FromPath[MessageId], units: NamedDependency[Units]
    ) -> MessageTrace:
        """Get a message, with the reasons for its content, its channel and its failure."""
        async with units.read() as unit:
            found = await unit.follow_ups.messages.get(message)
        names = MessageTrace.__struct_fields__
        return MessageTrace(**{name: getattr(found, name) for name in names})
