"""Receipts of tills, a row each; a sale that a return names before it came is awaited there."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from adapters.postgres.db.statements import Statement
from domain.kernel.ids import ReceiptId
from domain.pos.receipts import (
    PENDING_RETURN,
    BookedReceipt,
    ReceiptKind,
    StoredReceipt,
    TradedLine,
    TradedReceipt,
)

RECORD: Final = Statement("""
    insert into receipts
        (id, kind, store, terminal, member, original_receipt, digest, lines, tenders, actor,
            occurred_at,
            recorded_at)
    select id, kind, store, terminal, member, original_receipt, digest, lines::jsonb,
        tenders::jsonb, actor,
        occurred_at, :now
    from unnest(
        :ids::text[], :kinds::text[], :stores::text[], :terminals::text[], :members::text[],
            :original_receipts::text[], :digests::bytea[],
        :lines::text[], :tenders::text[], :actors::text[], :occurred_ats::timestamptz[]
    ) as told
        (id, kind, store, terminal, member, original_receipt, digest, lines, tenders, actor,
            occurred_at)
    order by id
    on conflict (id) do update set
        kind = excluded.kind, store = excluded.store, terminal = excluded.terminal,
        member = excluded.member, original_receipt = excluded.original_receipt,
            digest = excluded.digest,
        lines = excluded.lines, tenders = excluded.tenders, actor = excluded.actor,
        occurred_at = excluded.occurred_at, recorded_at = excluded.recorded_at
    where receipts.kind = 'awaited' and excluded.kind <> 'awaited'
    returning id
""")
"""In the order of ids, each row locked even where it is known: so that two batches that name one
sale, one with the sale and one with its return, see each other."""
KEPT: Final = Statement(
    "select id, store, kind, digest from receipts where id = any(:receipts::text[])"
)
TRADES: Final = Statement("""
    select coalesce(original_receipt, id) as sale, kind, lines from receipts
    where (id = any(:sales::text[]) and kind = 'sale')
        or (original_receipt = any(:sales::text[]) and kind = 'return')
""")
RETURNED: Final = Statement(
    "select distinct original_receipt from receipts where original_receipt = any(:sales::text[])"
)


class PostgresReceipts:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def add(self, books: Collection[BookedReceipt]) -> set[ReceiptId]:
        told = {book.receipt.id: _row(book) for book in books}
        for book in books:
            if (sale := book.receipt.original_sale) is not None and sale not in told:
                told[sale] = _awaited(sale, book)
        rows = await self._connection.fetch(
            *RECORD(*zip(*told.values(), strict=True), now=self._now)
        )
        return {row["id"] for row in rows} & {book.receipt.id for book in books}

    async def get_stored(self, receipts: Collection[ReceiptId]) -> dict[ReceiptId, StoredReceipt]:
        rows = await self._connection.fetch(*KEPT(receipts=list(receipts)))
        return {row["id"]: StoredReceipt(row["store"], row["kind"], row["digest"]) for row in rows}

    async def filter_returned(self, sales: Collection[ReceiptId]) -> set[ReceiptId]:
        return {
            row["original_receipt"]
            for row in await self._connection.fetch(*RETURNED(sales=list(sales)))
        }

    async def list_trades(self, sales: Collection[ReceiptId]) -> Sequence[TradedReceipt]:
        rows = await self._connection.fetch(*TRADES(sales=list(sales)))
        return [
            TradedReceipt(
                sale, ReceiptKind(kind), msgspec.json.decode(lines, type=list[TradedLine])
            )
            for sale, kind, lines in rows
        ]


def _row(book: BookedReceipt) -> tuple[Any, ...]:
    receipt = book.receipt
    return (
        receipt.id,
        receipt.kind.value,
        book.store,
        book.terminal,
        receipt.member,
        receipt.of,
        book.digest,
        msgspec.json.encode(book.lines).decode(),
        msgspec.json.encode(receipt.tenders).decode(),
        book.actor,
        book.occurred_at,
    )


def _awaited(sale: ReceiptId, book: BookedReceipt) -> tuple[Any, ...]:
    actor, happened = book.actor, book.occurred_at
    return (sale, PENDING_RETURN, book.store, "", None, None, b"", "[]", "[]", actor, happened)
