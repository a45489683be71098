"""Messages, a row each; a due one is locked by who sends it and passed over by everybody else."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from domain.contact.channels import MessageChannel
from domain.follow_ups.messages import (
    Message,
    MessageKind,
    MessageNotFound,
    MessageReference,
    MessageState,
    SendDecision,
)
from domain.kernel.ids import CustomerId, MessageId

FIELDS: Final = Message.__struct_fields__
COLUMNS: Final = ", ".join(FIELDS)
DOCUMENTS: Final = {"about": MessageReference, "trace": list[SendDecision]}
SELECT: Final = f"select {COLUMNS} from messages"
ADD: Final = f"""
    insert into messages ({COLUMNS})
    values ({", ".join(f"${place}" for place in range(1, len(FIELDS) + 1))})
    on conflict (kind, key) do nothing
"""
CHANGING: Final = [name for name in FIELDS if name not in {"id", "kind", "key", "created_at"}]
KEEP: Final = f"""
    update messages set {", ".join(f"{name} = ${at}" for at, name in enumerate(CHANGING, 2))}
    where id = $1
"""
GET: Final = f"{SELECT} where id = $1"
TAKE: Final = f"{SELECT} where id = $1 for update"
NEXT_DUE: Final = f"""
    {SELECT} where state = 'planned' and planned_for <= $1
    order by planned_for, id limit 1 for update skip locked
"""
NEXT_LOST: Final = f"""
    {SELECT} where state = 'claimed' and leased_until <= $1
    order by leased_until, id limit 1 for update skip locked
"""
PAGE: Final = f"""
    {SELECT}
    where ($1::text is null or customer = $1)
        and ($2::text is null or state = $2)
        and ($3::text is null or kind = $3)
        and ($4::text is null or id < $4)
    order by id desc limit $5
"""
LOCK_READER: Final = "select from customers where id = $1 for no key update"
MARKETING: Final = """
    select count(*) from messages
    where customer = $1 and purpose = 'marketing'
        and (sent_at > $2 or (state in ('claimed', 'submitted', 'unknown') and changed_at > $2))
"""


class PostgresMessages:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def add(self, message: Message) -> None:
        await self._connection.execute(ADD, *_values(message, FIELDS))

    async def get(self, message: MessageId) -> Message:
        return await self._one(GET, message)

    async def get_for_update(self, message: MessageId) -> Message:
        return await self._one(TAKE, message)

    async def _one(self, query: str, message: MessageId) -> Message:
        row = await self._connection.fetchrow(query, message)
        if row is None:
            raise MessageNotFound(message)
        return _message(row)

    async def get_due_for_update(self, now: datetime) -> Message | None:
        row = await self._connection.fetchrow(NEXT_DUE, now)
        return _message(row) if row else None

    async def get_lost_for_update(self, now: datetime) -> Message | None:
        row = await self._connection.fetchrow(NEXT_LOST, now)
        return _message(row) if row else None

    async def update(self, message: Message) -> None:
        await self._connection.execute(KEEP, message.id, *_values(message, CHANGING))

    async def list_page(
        self,
        *,
        customer: CustomerId | None,
        state: MessageState | None,
        kind: MessageKind | None,
        before: MessageId | None,
        limit: int,
    ) -> Sequence[Message]:
        rows = await self._connection.fetch(PAGE, customer, state, kind, before, limit)
        return [_message(row) for row in rows]

    async def count_marketing_since(self, customer: CustomerId, since: datetime) -> int:
        await self._connection.execute(LOCK_READER, customer)
        found: int = await self._connection.fetchval(MARKETING, customer, since)
        return found


def _values(message: Message, names: Sequence[str]) -> list[Any]:
    values = [getattr(message, name) for name in names]
    return [
        msgspec.json.encode(value).decode() if name in DOCUMENTS else value
        for name, value in zip(names, values, strict=True)
    ]


def _message(row: Any) -> Message:
    told = dict(row)
    for name, kind in DOCUMENTS.items():
        told[name] = msgspec.json.decode(told[name], type=kind)
    told["failed_channels"] = [MessageChannel(name) for name in told["failed_channels"]]
    return msgspec.convert(told, Message)
