"""Saturday's walk-ins still find goods: each hour keeps back what its tills usually sell."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from adapters.postgres.db.pool import connect
from adapters.postgres.db.unit_of_work import PostgresUnits
from domain.inventory.stock_levels import MovementReason, PostingSource, StockDelta, to_postings
from domain.inventory.walk_ins import WalkInPolicy
from service.inventory.walk_ins import raise_safety_stock
from tests.support.examples import HARBOUR, HILL, MUG, TEAPOT, open_shop, shelve

SATURDAY = datetime(2026, 11, 21, 13, 20, tzinfo=UTC)
"""Twenty past two in the afternoon, in Stockholm."""
WEEK, HOUR = timedelta(days=7), timedelta(hours=1)


class Clock:
    now = SATURDAY

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def units(database_url: str, clock: Clock) -> AsyncIterator[PostgresUnits]:
    units = PostgresUnits(connect(database_url, pool_size=4), clock)
    await open_shop(units)
    await shelve(units, mug=100, teapot=100)
    yield units
    await units.close()


async def sell(units: PostgresUnits, at: datetime, sku: str = MUG, count: int = 1) -> None:
    async with units.begin() as unit:
        await unit.inventory.stock_levels.get_for_update([(HARBOUR, sku)])
        source = PostingSource(MovementReason.SALE, unit.new_id("receipt:r"), "test", at)
        await unit.inventory.stock_levels.apply(
            to_postings([StockDelta(HARBOUR, sku, on_hand=-count)], source)
        )


async def decide(units: PostgresUnits, **policy: object) -> None:
    decided = WalkInPolicy(**{"active": True, **policy})  # type: ignore[arg-type]
    async with units.begin() as unit:
        await unit.inventory.walk_ins.set_policy(HARBOUR, decided)


async def a_round(units: PostgresUnits) -> None:
    """The job, until every store has its due."""
    while await raise_safety_stock(units):
        pass


async def kept_back(units: PostgresUnits) -> dict[str, int]:
    async with units.read() as unit:
        levels = await unit.inventory.stock_levels.list_by_skus([MUG, TEAPOT], [HARBOUR])
    return {sku: level.safety_stock for (_, sku), level in levels.items() if level.safety_stock}


async def set_by_hand(units: PostgresUnits, safety_stock: int) -> None:
    async with units.begin() as unit:
        levels = await unit.inventory.stock_levels.get_for_update([(HARBOUR, MUG)])
        more = safety_stock - levels[HARBOUR, MUG].safety_stock
        source = PostingSource(MovementReason.COUNT, unit.new_id("imp"), "test", unit.now)
        await unit.inventory.stock_levels.apply(
            to_postings([StockDelta(HARBOUR, MUG, safety_stock=more)], source)
        )
        await unit.inventory.walk_ins.purge([(HARBOUR, MUG)])


async def test_an_hour_keeps_back_what_it_sold_on_average_in_the_weeks_before(units):
    await sell(units, SATURDAY - WEEK, count=2)
    await sell(units, SATURDAY - 2 * WEEK, count=5)
    await sell(units, SATURDAY - 2 * WEEK, TEAPOT)
    await sell(units, SATURDAY - WEEK - HOUR, count=50)
    await sell(units, SATURDAY - WEEK + timedelta(days=1), count=50)
    await sell(units, SATURDAY - 9 * WEEK, count=50)
    await decide(units)
    await a_round(units)

    assert await kept_back(units) == {MUG: 4, TEAPOT: 1}


async def test_nothing_is_kept_back_where_nobody_has_decided(units):
    await sell(units, SATURDAY - WEEK)
    await a_round(units)

    assert await kept_back(units) == {}


async def test_the_next_hour_has_its_own_and_a_round_more_changes_nothing(units, clock):
    await sell(units, SATURDAY - WEEK, count=3)
    await sell(units, SATURDAY - WEEK + HOUR, TEAPOT, count=2)
    await decide(units)
    await a_round(units)
    first = await kept_back(units)
    async with units.read() as unit:
        before = await unit.connection.fetchval("select sum(version) from stock_levels")
    await a_round(units)
    async with units.read() as unit:
        after = await unit.connection.fetchval("select sum(version) from stock_levels")
    clock.now = SATURDAY + HOUR
    await a_round(units)

    assert (first, before) == ({MUG: 3}, after)
    assert await kept_back(units) == {TEAPOT: 2}


async def test_hours_are_the_stores_own_also_when_its_clocks_have_changed(units, clock):
    summer = datetime(2026, 10, 24, 12, 20, tzinfo=UTC)  # twenty past two, in summer time
    clock.now = datetime(2026, 10, 31, 13, 20, tzinfo=UTC)  # a week later, in winter time
    await sell(units, summer, count=3)
    await decide(units)
    await a_round(units)

    assert await kept_back(units) == {MUG: 3}


async def test_a_safety_stock_by_hand_is_the_least_and_comes_back(units, clock):
    await sell(units, SATURDAY - WEEK, count=5)
    await set_by_hand(units, 2)
    await decide(units)
    await a_round(units)
    raised = await kept_back(units)
    await set_by_hand(units, 3)
    clock.now = SATURDAY + HOUR
    await a_round(units)

    assert raised == {MUG: 5}
    assert await kept_back(units) == {MUG: 3}


async def test_what_is_switched_off_keeps_back_by_hand_again(units):
    await sell(units, SATURDAY - WEEK, count=5)
    await set_by_hand(units, 2)
    await decide(units)
    await a_round(units)
    await decide(units, active=False)
    await a_round(units)

    assert await kept_back(units) == {MUG: 2}


async def test_followers_are_told_why_less_is_sold(units):
    await sell(units, SATURDAY - WEEK, count=5)
    await decide(units)
    await a_round(units)
    async with units.read() as unit:
        told = await unit.connection.fetchval(
            "select safety_stock from feed_outbox where cause = 'walk_ins'"
        )

    assert told == 5


async def test_a_store_that_sold_nothing_at_this_hour_is_done_too(units):
    async with units.begin() as unit:
        await unit.inventory.walk_ins.set_policy(HILL, WalkInPolicy(active=True))

    assert [await raise_safety_stock(units) for _ in range(2)] == [1, 0]
