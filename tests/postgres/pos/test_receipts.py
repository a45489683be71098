"""A sale and its return wait for each other, so that whoever comes second sees the first."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from adapters.postgres.db.pool import connect
from adapters.postgres.db.unit_of_work import PostgresUnits
from domain.foundation.callers import Caller, Role
from domain.inventory.stocktaking import Report
from domain.pos.receipts import BookedReceipt, Receipt, ReceiptKind, ReceiptLine
from domain.returns.dispositions import Disposition
from service.pos.record_receipts import record_receipts
from tests.support.examples import HARBOUR, MUG, NOON, open_shop, shelve

SALE = Receipt(
    id="r-1",
    kind=ReceiptKind.SALE,
    occurred_at=NOON,
    lines=(ReceiptLine(sku=MUG, quantity=3),),
)
BACK = Receipt(
    id="b-1",
    kind=ReceiptKind.RETURN,
    occurred_at=NOON,
    lines=(ReceiptLine(sku=MUG, quantity=1, disposition=Disposition.SELLABLE),),
    of="r-1",
)


@pytest.fixture
async def units(database_url) -> AsyncIterator[Any]:
    units = PostgresUnits(connect(database_url, pool_size=4))
    await open_shop(units)
    yield units
    await units.close()


def a_book(receipt: Receipt) -> BookedReceipt:
    return BookedReceipt(
        receipt=receipt,
        store=HARBOUR,
        terminal="T1",
        actor="test",
        occurred_at=NOON,
        digest=receipt.digest,
        lines=receipt.lines,
    )


async def seen_by_the_second(units: Any, first: Receipt, second: Receipt) -> tuple[str, set[str]]:
    """What the second finds of the sale and its returns, when the first is not done yet."""

    async def follow() -> tuple[str, set[str]]:
        async with units.begin() as unit:
            assert await unit.pos.receipts.add([a_book(second)]) == {second.id}
            return (await unit.pos.receipts.get_stored(["r-1"]))[
                "r-1"
            ].kind, await unit.pos.receipts.filter_returned(["r-1"])

    async with units.begin() as unit:
        assert await unit.pos.receipts.add([a_book(first)]) == {first.id}
        waiting = asyncio.create_task(follow())
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done
    return await waiting


async def test_a_return_waits_for_the_sale_that_is_being_written(units):
    assert await seen_by_the_second(units, SALE, BACK) == ("sale", {"r-1"})


async def test_a_sale_waits_for_the_return_that_is_being_written(units):
    assert await seen_by_the_second(units, BACK, SALE) == ("sale", {"r-1"})


async def test_a_receipt_that_is_being_written_twice_is_written_once(units):
    async def write() -> set[str]:
        async with units.begin() as unit:
            found: set[str] = await unit.pos.receipts.add([a_book(SALE), a_book(BACK)])
            await asyncio.sleep(0.1)
            return found

    both = await asyncio.gather(write(), write())

    assert sorted(both, key=len) == [set(), {"r-1", "b-1"}]


@pytest.mark.parametrize("is_new", [False, True])
async def test_a_sale_waits_for_the_count_that_is_being_written(units, is_new: bool):
    """It happened before the count, which has felt it: what was counted stays."""
    till, level = Caller(Role.TILL, "test", stores=frozenset([HARBOUR])), (HARBOUR, MUG)
    if not is_new:
        await shelve(units, mug=0)
    async with units.begin() as unit:
        await unit.inventory.stock_levels.get_for_update([level], shelve=True)
        await unit.inventory.stock_levels.save_reported(
            {level: Report(NOON + timedelta(minutes=1))}
        )
        waiting = asyncio.ensure_future(
            record_receipts(units, caller=till, store=HARBOUR, receipts=[SALE])
        )
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done
    await waiting

    async with units.read() as unit:
        assert (await unit.inventory.stock_levels.list_by_skus([MUG]))[level].on_hand == 0
