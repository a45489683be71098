"""Messages, a row each; a due one is locked by who sends it and passed over by everybody else."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from adapters.postgres.db.statements import Statement
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
ADD: Final = Statement(f"""
    insert into messages ({COLUMNS})
    values ({", ".join(f":{name}" for name in FIELDS)})
    on conflict (kind, key) do nothing
""")
CHANGING: Final = [name for name in FIELDS if name not in {"id", "kind", "key", "created_at"}]
KEEP: Final = Statement(f"""
    update messages set {", ".join(f"{name} = :{name}" for name in CHANGING)}
    where id = :id
""")
GET: Final = Statement(f"{SELECT} where id = :message")
TAKE: Final = Statement(f"{SELECT} where id = :message for update")
NEXT_DUE: Final = Statement(f"""
    {SELECT} where state = 'planned' and planned_for <= :now
    order by planned_for, id limit 1 for update skip locked
""")
NEXT_LOST: Final = Statement(f"""
    {SELECT} where state = 'claimed' and leased_until <= :now
    order by leased_until, id limit 1 for update skip locked
""")
PAGE: Final = Statement(f"""
    {SELECT}
    where (:customer::text is null or customer = :customer)
        and (:state::text is null or state = :state)
        and (:kind::text is null or kind = :kind)
        and (:before::text is null or id < :before)
    order by id desc limit :limit
""")
LOCK_READER: Final = Statement("select from customers where id = :customer for no key update")
MARKETING: Final = Statement("""
    select count(*) from messages
    where customer = :customer and purpose = 'marketing'
        and (sent_at > :since or (state in ('claimed', 'submitted', 'unknown')
            and changed_at > :since))
""")


class PostgresMessages:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def add(self, message: Message) -> None:
        await self._connection.execute(*ADD(*_values(message, FIELDS)))

    async def get(self, message: MessageId) -> Message:
        return await self._one(GET, message)

    async def get_for_update(self, message: MessageId) -> Message:
        return await self._one(TAKE, message)

    async def _one(self, query: Statement, message: MessageId) -> Message:
        row = await self._connection.fetchrow(*query(message=message))
        if row is None:
            raise MessageNotFound(message)
        return _message(row)

    async def get_due_for_update(self, now: datetime) -> Message | None:
        row = await self._connection.fetchrow(*NEXT_DUE(now=now))
        return _message(row) if row else None

    async def get_lost_for_update(self, now: datetime) -> Message | None:
        row = await self._connection.fetchrow(*NEXT_LOST(now=now))
        return _message(row) if row else None

    async def update(self, message: Message) -> None:
        await self._connection.execute(*KEEP(*_values(message, CHANGING), id=message.id))

    async def list_page(
        self,
        *,
        customer: CustomerId | None,
        state: MessageState | None,
        kind: MessageKind | None,
        before: MessageId | None,
        limit: int,
    ) -> Sequence[Message]:
        rows = await self._connection.fetch(
            *PAGE(customer=customer, state=state, kind=kind, before=before, limit=limit)
        )
        return [_message(row) for row in rows]

    async def count_marketing_since(self, customer: CustomerId, since: datetime) -> int:
        await self._connection.execute(*LOCK_READER(customer=customer))
        found: int = await self._connection.fetchval(*MARKETING(customer=customer, since=since))
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
