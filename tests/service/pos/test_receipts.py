"""In whatever order, split or doubled a day is told, the shop ends up the same."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count as numbers
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.postgres.db.pool import connect
from adapters.postgres.db.unit_of_work import PostgresUnits
from domain.foundation.callers import Caller, Role
from domain.inventory.stocktaking import StockCount
from domain.kernel.money import Money
from domain.pos.incidents import IncidentState
from domain.pos.receipts import Receipt, ReceiptKind, ReceiptLine
from domain.returns.dispositions import Disposition
from service.foundation.ports import IdempotencyKey
from service.inventory import stocktaking
from service.pos import incidents
from service.pos.record_receipts import record_receipts
from tests.support.examples import ENGRAVING, MUG, TEA_SET, TEAPOT, a_customer, a_store, open_shop

EVENING = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
MEMBERS = ("sample-1", "sample-1", "sample-2", None, "nobody")
"""Who a till names: mostly members."""
SOLD = (MUG, MUG, MUG, TEAPOT, TEA_SET, ENGRAVING, "GHOST")
STORES = (f"store-{number}" for number in numbers())

Happening = Receipt | StockCount


class Day(NamedTuple):
    """What happened, in its order; and the same, as the tills and the counters told it."""

    happened: list[Happening]
    told: list[list[Happening]]


@pytest.fixture
async def units(database_url) -> AsyncIterator[PostgresUnits]:
    units = PostgresUnits(connect(database_url, pool_size=4), lambda: EVENING)
    await open_shop(units)
    yield units
    await units.close()


lines = st.lists(
    st.builds(
        ReceiptLine,
        sku=st.sampled_from(SOLD),
        quantity=st.integers(1, 4),
        unit_price=st.builds(Money, st.integers(-300, 9000), st.just("SEK")),
    ),
    min_size=1,
    max_size=4,
)


@st.composite
def days(draw: Any) -> Day:
    """Sales, returns of some of them, and counts, each at a minute of its own."""
    minutes = draw(st.lists(st.integers(1, 600), min_size=6, max_size=16, unique=True))
    moments = [EVENING - timedelta(minutes=minute) for minute in sorted(minutes, reverse=True)]
    happened = [draw(happenings(number, at)) for number, at in enumerate(moments)]
    told = happened + draw(st.lists(st.sampled_from(happened), max_size=6))
    Random(draw(st.integers())).shuffle(told)
    return Day(happened, draw(split(told)))


@st.composite
def happenings(draw: Any, number: int, at: datetime) -> Happening:
    kind = draw(st.sampled_from(["sale", "sale", "return", "count"]))
    if kind == "count":
        sku, counted = draw(st.sampled_from([MUG, TEAPOT])), draw(st.integers(0, 9))
        return StockCount(store="", sku=sku, on_hand=counted, counted_at=at)
    if kind == "sale":
        return a_receipt(f"r-{number}", at, draw(lines), member=draw(st.sampled_from(MEMBERS)))
    sound = [replace(one, disposition=draw(st.sampled_from(Disposition))) for one in draw(lines)]
    before = [f"r-{earlier}" for earlier in range(number)]
    of = draw(st.sampled_from(before)) if before else None
    return a_receipt(f"r-{number}", at, sound, kind=ReceiptKind.RETURN, of=of)


@st.composite
def split(draw: Any, told: Sequence[Happening]) -> list[list[Happening]]:
    """Neighbours of one kind now and then in one batch."""
    batches: list[list[Happening]] = []
    for one in told:
        fits = batches and type(batches[-1][0]) is type(one)
        if fits and draw(st.booleans()):
            batches[-1].append(one)
        else:
            batches.append([one])
    return batches


def a_receipt(name: str, at: datetime, told: Sequence[ReceiptLine], **more: Any) -> Receipt:
    facts = {"kind": ReceiptKind.SALE, **more}
    return Receipt(id=name, occurred_at=at, lines=tuple(told), **facts)


class Told:
    """A store of its own, with members of its own, that is told a day."""

    def __init__(self, units: Any) -> None:
        self.units = units
        self.store = next(STORES)
        self.till = Caller(Role.TILL, "test", stores=frozenset({self.store}))

    async def open(self) -> None:
        async with self.units.begin() as unit:
            await unit.stores.stores.upsert([a_store(self.store)])
            names = [self.mine(name) for name in ("sample-1", "sample-2")]
            await unit.customers.customers.upsert([a_customer(name) for name in names])
            await unit.customers.customers.enrol_members(names)

    def mine(self, name: str) -> str:
        return f"{self.store}/{name}"

    async def tell(self, batch: Sequence[Happening]) -> None:
        receipts = [self.own(one) for one in batch if isinstance(one, Receipt)]
        if receipts:
            await record_receipts(self.units, caller=self.till, store=self.store, receipts=receipts)
        counts = [replace(one, store=self.store) for one in batch if isinstance(one, StockCount)]
        if counts:
            key = IdempotencyKey("test", f"{self.store} {next(numbers_)}", b"")
            await stocktaking.count_stock(self.units, caller=self.till, lines=counts, key=key)

    def own(self, receipt: Receipt) -> Receipt:
        return replace(
            receipt,
            id=self.mine(receipt.id),
            of=self.mine(receipt.of) if receipt.of else None,
            member=self.mine(receipt.member) if receipt.member else None,
        )

    async def state(self) -> dict[str, Any]:
        """Everything that a day leaves behind."""
        states = [IncidentState.OPEN]
        seen = await incidents.list_incidents(
            self.units, caller=self.till, store=self.store, states=states, after=None, limit=200
        )
        async with self.units.read() as unit:
            rows = await unit.connection.fetch(
                """
                select kind, sku, occurred_at, sum(on_hand), sum(unavailable) from stock_movements
                where store = $1 and kind <> 'count' group by 1, 2, 3
                """,
                self.store,
            )
            members = await unit.connection.fetch(
                """
                select available - debt, pending from loyalty_members
                join customers on customers.id = customer where external_id like $1
                order by external_id
                """,
                f"{self.store}/%",
            )
            levels = (
                await unit.inventory.stock_levels.list_by_skus([MUG, TEAPOT], [self.store])
            ).values()
        return {
            "shelves": {(one.sku, one.on_hand, one.unavailable) for one in levels},
            "ledger": Counter(tuple(row) for row in rows),
            "points": [tuple(row) for row in members],
            "incidents": {
                (one.incident.kind, one.incident.sku, one.units, one.incident.receipts)
                for one in seen
            },
        }


numbers_ = numbers()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(day=days())
async def test_a_day_told_in_any_order_is_the_same_day(units: Any, day: Day):
    in_order, any_order = Told(units), Told(units)
    for shop, batches in (
        (in_order, [[one] for one in day.happened]),
        (any_order, day.told),
    ):
        await shop.open()
        for batch in batches:
            await shop.tell(batch)

    assert await any_order.state() == await in_order.state()
    async with units.read() as unit:
        assert [found for found in await unit.administration.audit.check() if not found.ok] == []
