"""Payments and their requests to providers, a row each; providers' events, once each."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from adapters.postgres.db.statements import Statement
from domain.kernel.errors import NotFound
from domain.kernel.ids import AttemptId, OrderId, TransactionId
from domain.kernel.money import Money
from domain.payments.attempts import PaymentAttempt
from domain.payments.transactions import Transaction
from service.payments.ports import (
    LeasedTransaction,
    ProviderEvent,
    TransactionBacklog,
    UnsettledTransaction,
)

NAMES: Final = {"order": "order_id", "amount": "amount_minor"}
FIELDS: Final = PaymentAttempt.__struct_fields__
COLUMNS: Final = ", ".join([*(NAMES.get(name, name) for name in FIELDS), "currency"])
ADD: Final = Statement(f"""
    insert into payment_attempts ({COLUMNS})
    values ({", ".join(f":{name}" for name in FIELDS)}, :currency)
""")
FIXED: Final = frozenset({"id", "order", "provider", "amount", "card", "deadline", "started_at"})
CHANGING: Final = [name for name in FIELDS if name not in FIXED]
KEEP: Final = Statement(f"""
    update payment_attempts set {", ".join(f"{name} = :{name}" for name in CHANGING)}
    where id = :id
""")
SELECT: Final = f"select {COLUMNS} from payment_attempts"
GET: Final = Statement(f"{SELECT} where id = :attempt")
GET_FOR_UPDATE: Final = Statement(f"{GET} for update")
GET_MANY: Final = Statement(f"{SELECT} where id = any(:attempts::text[])")
OF_ORDER: Final = Statement(f"{SELECT} where order_id = :order order by id")
OF_ORDER_FOR_UPDATE: Final = Statement(f"{OF_ORDER} for update")
LEASE: Final = Statement(f"""
    update payment_attempts set reconcile_count = reconcile_count + 1,
        reconcile_at = :now + :span::interval
    where id in (
        select id from payment_attempts where reconcile_at <= :now
        order by reconcile_at limit :limit
        for update skip locked
    )
    returning {COLUMNS}
""")
HEAR: Final = Statement("""
    insert into provider_events (provider, id, kind, payment, received_at)
    values (:provider, :event, :kind, :payment, :now)
    on conflict do nothing returning true
""")
LOOK_NOW: Final = Statement("""
    update payment_attempts set reconcile_at = :now, reconcile_count = 0, payment = :payment
    where provider = :provider and (payment = :payment or (id = :attempt and payment = ''))
""")
FORGET: Final = Statement("""
    delete from provider_events where (provider, id) in (
        select provider, id from provider_events where received_at < :before limit :limit
    )
""")
ASKED: Final = Transaction.__struct_fields__
ASKED_COLUMNS: Final = ", ".join("order_id" if name == "order" else name for name in ASKED)
TAKE_ASKED: Final = Statement(
    f"select {ASKED_COLUMNS} from payment_transactions where id = :transaction for update"
)
ASKED_OF: Final = Statement(f"""
    select {ASKED_COLUMNS} from payment_transactions where attempt = any(:attempts::text[])
    order by id
""")
PLAN: Final = Statement(f"""
    insert into payment_transactions ({ASKED_COLUMNS})
    values ({", ".join(f":{name}" for name in ASKED)})
    on conflict (kind, cause) do nothing returning true
""")
KEEP_ASKED: Final = Statement("""
    update payment_transactions set state = :state, tries = :tries, last_error = :last_error,
        receipt = :receipt,
        due_at = :due_at,
        changed_at = :changed_at
    where id = :id
""")
LEASE_ASKED: Final = Statement(f"""
    update payment_transactions set tries = tries + 1, due_at = :now + :span::interval
    where id in (
        select id from payment_transactions where state = 'planned' and due_at <= :now
        order by due_at limit :limit for update skip locked
    )
    returning {ASKED_COLUMNS}
""")
STANDING: Final = """
    select 'attempt' as what, state, count(*)::int as count, min(started_at) as oldest
    from payment_attempts where state in ('started', 'waiting', 'authorised') group by state
    union all
    select 'transaction', state, count(*)::int, min(planned_at)
    from payment_transactions where state in ('planned', 'refused') group by state
"""
UNSETTLED: Final = Statement("""
    select * from (
        select payment_transactions.id, payment_transactions.order_id as "order", attempt, kind,
            payment_transactions.amount, currency, payment_transactions.last_error as code,
            payment_transactions.changed_at as since
        from payment_transactions join payment_attempts on payment_attempts.id = attempt
        where payment_transactions.state = 'refused' and kind <> 'authorise'
            and not (kind = 'void' and captured > 0)
        union all
        select id, order_id, id, 'authorise', captured, currency, 'disputed', changed_at
        from payment_attempts where disputed
        union all
        select payment_attempts.id, order_id, payment_attempts.id, 'authorise',
            to_pay_minor - refunded_minor,
            payment_attempts.currency, 'lapsed', payment_attempts.changed_at
        from payment_attempts join orders on orders.attempt = payment_attempts.id
        where payment_attempts.state = 'voided' and orders.to_pay_minor > orders.refunded_minor
            and orders.state in ('placed', 'partly_fulfilled', 'fulfilled')
    ) as found
    where id > :after order by id, code limit :limit
""")


class PostgresPaymentAttempts:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def add(self, attempt: PaymentAttempt) -> None:
        await self._connection.execute(
            *ADD(*_values(attempt, FIELDS), currency=attempt.amount.currency)
        )

    async def get(self, attempt: AttemptId) -> PaymentAttempt:
        return _attempt(await self._connection.fetchrow(*GET(attempt=attempt)))

    async def get_for_update(self, attempt: AttemptId) -> PaymentAttempt:
        return _attempt(await self._connection.fetchrow(*GET_FOR_UPDATE(attempt=attempt)))

    async def update(self, attempt: PaymentAttempt) -> None:
        await self._connection.execute(*KEEP(*_values(attempt, CHANGING), id=attempt.id))

    async def get_many(self, attempts: Collection[AttemptId]) -> dict[AttemptId, PaymentAttempt]:
        found = await self._connection.fetch(*GET_MANY(attempts=list(attempts)))
        return {row["id"]: _attempt(row) for row in found}

    async def list_by_order(self, order: OrderId) -> Sequence[PaymentAttempt]:
        return [_attempt(row) for row in await self._connection.fetch(*OF_ORDER(order=order))]

    async def list_by_order_for_update(self, order: OrderId) -> Sequence[PaymentAttempt]:
        rows = await self._connection.fetch(*OF_ORDER_FOR_UPDATE(order=order))
        return [_attempt(row) for row in rows]

    async def lease(self, limit: int, span: timedelta) -> Sequence[PaymentAttempt]:
        rows = await self._connection.fetch(*LEASE(now=self._now, limit=limit, span=span))
        return [_attempt(row) for row in rows]

    async def record_event(self, provider: str, notice: ProviderEvent) -> bool:
        new = await self._connection.fetchval(
            *HEAR(
                provider=provider,
                event=notice.id,
                kind=notice.kind,
                payment=notice.payment,
                now=self._now,
            )
        )
        if new:
            await self._connection.execute(
                *LOOK_NOW(
                    provider=provider, payment=notice.payment, attempt=notice.attempt, now=self._now
                )
            )
        return bool(new)

    async def purge_events(self, before: datetime, limit: int) -> int:
        return int(
            (await self._connection.execute(*FORGET(before=before, limit=limit))).rpartition(" ")[2]
        )

    async def add_transaction(self, transaction: Transaction) -> bool:
        values = [getattr(transaction, name) for name in ASKED]
        return bool(await self._connection.fetchval(*PLAN(*values)))

    async def lease_transactions(self, limit: int, span: timedelta) -> Sequence[LeasedTransaction]:
        rows = await self._connection.fetch(*LEASE_ASKED(now=self._now, limit=limit, span=span))
        leased = [_transaction(row) for row in rows]
        attempts = await self.get_many({one.attempt for one in leased})
        return [LeasedTransaction(one, attempts[one.attempt]) for one in leased]

    async def get_transaction_for_update(self, transaction: TransactionId) -> Transaction:
        row = await self._connection.fetchrow(*TAKE_ASKED(transaction=transaction))
        if row is None:
            raise NotFound
        return _transaction(row)

    async def update_transaction(self, transaction: Transaction) -> None:
        await self._connection.execute(
            *KEEP_ASKED(
                id=transaction.id,
                state=transaction.state.value,
                tries=transaction.tries,
                last_error=transaction.last_error,
                receipt=transaction.receipt,
                due_at=transaction.due_at,
                changed_at=transaction.changed_at,
            ),
        )

    async def list_transactions(self, attempts: Collection[AttemptId]) -> Sequence[Transaction]:
        rows = await self._connection.fetch(*ASKED_OF(attempts=list(attempts)))
        return [_transaction(row) for row in rows]

    async def list_unsettled(self, after: str, limit: int) -> Sequence[UnsettledTransaction]:
        rows = await self._connection.fetch(*UNSETTLED(after=after, limit=limit))
        return [
            msgspec.convert(
                {**row, "amount": Money(row["amount"], row["currency"])}, UnsettledTransaction
            )
            for row in rows
        ]

    async def get_backlog(self) -> Sequence[TransactionBacklog]:
        rows = await self._connection.fetch(STANDING)
        return [
            TransactionBacklog(row["what"], row["state"], row["count"], row["oldest"])
            for row in rows
        ]


def _values(attempt: PaymentAttempt, names: Collection[str]) -> list[Any]:
    row = {name: getattr(attempt, name) for name in names}
    if "amount" in row:
        row["amount"] = attempt.amount.amount
    if attempt.next_action is not None:
        row["next_action"] = msgspec.json.encode(attempt.next_action).decode()
    return list(row.values())


def _attempt(row: Any) -> PaymentAttempt:
    if row is None:
        raise NotFound
    fields = dict(row)
    fields["order"] = fields.pop("order_id")
    fields["amount"] = Money(fields.pop("amount_minor"), fields.pop("currency"))
    action = fields["next_action"]
    fields["next_action"] = None if action is None else msgspec.json.decode(action)
    return msgspec.convert(fields, PaymentAttempt)


def _transaction(row: Any) -> Transaction:
    fields = dict(row)
    fields["order"] = fields.pop("order_id")
    return msgspec.convert(fields, Transaction)
