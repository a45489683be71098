"""A reader with a cursor misses nothing and hears nothing twice, whoever commits first."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from adapters.postgres.db.pool import connect
from adapters.postgres.db.unit_of_work import PostgresUnits
from adapters.postgres.inventory.relay import Relay
from domain.inventory.change_feed import StockChange
from domain.inventory.stock_levels import (
    MovementReason,
    PostingSource,
    StockDelta,
    StockKey,
    to_postings,
)
from tests.support.examples import HARBOUR, HILL, MUG, TEAPOT, open_shop, shelve

FIRST: StockKey = (HARBOUR, MUG)
SECOND: StockKey = (HILL, TEAPOT)
SHELVES = [FIRST, SECOND, (HARBOUR, TEAPOT), (HILL, MUG)]


@pytest.fixture
async def units(database_url: str) -> AsyncIterator[PostgresUnits]:
    opened = PostgresUnits(connect(database_url, pool_size=40))
    await open_shop(opened)
    async with opened.begin() as unit:
        await unit.inventory.stock_levels.get_for_update(SHELVES, shelve=True)
    yield opened
    await opened.close()


async def add_one(unit, place: StockKey) -> None:
    await unit.inventory.stock_levels.get_for_update([place])
    source = PostingSource(MovementReason.FOUND, unit.new_id("found"), "test", unit.now)
    await unit.inventory.stock_levels.apply(to_postings([StockDelta(*place, on_hand=1)], source))


async def relayed(units: PostgresUnits, limit: int = 1000) -> int:
    async with units.begin() as unit:
        return await unit.inventory.change_feed.relay(limit)


async def read(units: PostgresUnits, after: int = 0, limit: int = 1000) -> list[StockChange]:
    async with units.read() as unit:
        return await unit.inventory.change_feed.list_after(after, limit)


def place(change: StockChange) -> StockKey:
    return (change.stock_level.store, change.stock_level.sku)


async def test_a_change_that_commits_late_comes_behind_what_was_read_before(units: PostgresUnits):
    async with units.begin() as slow:
        await add_one(slow, FIRST)  # written first, so a reader of the inbox's ids would miss it
        async with units.begin() as quick:
            await add_one(quick, SECOND)
        await relayed(units)
        before = await read(units)
    await relayed(units)
    after = await read(units, before[-1].position)

    assert [place(change) for change in before] == [SECOND]
    assert [place(change) for change in after] == [FIRST]


async def test_a_change_that_is_taken_back_is_told_to_nobody(units: PostgresUnits):
    async def change_our_mind() -> None:
        async with units.begin() as unit:
            await add_one(unit, FIRST)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await change_our_mind()
    async with units.begin() as unit:
        await add_one(unit, SECOND)
    await relayed(units)

    assert [place(change) for change in await read(units)] == [SECOND]


async def test_a_change_says_how_it_left_the_shelf_and_why(units: PostgresUnits):
    await shelve(units, HARBOUR, mug=5)
    await relayed(units)
    [change] = await read(units)
    async with units.read() as unit:
        levels = await unit.inventory.stock_levels.list_by_skus([MUG], [HARBOUR])

    assert change.stock_level == levels[FIRST]
    assert (change.stock_level.on_hand, change.cause) == (5, "count")


@pytest.mark.parametrize("batch", [1, 7, 1000])
async def test_under_any_traffic_every_change_is_read_once_and_each_shelf_in_order(
    units: PostgresUnits, batch: int
):
    chance = random.Random(batch)
    done = False
    heard: list[StockChange] = []

    async def write() -> None:
        for _ in range(8):
            async with units.begin() as unit:
                await add_one(unit, chance.choice(SHELVES))
                await asyncio.sleep(chance.random() * 0.01)

    async def relay() -> None:
        """Until it finds nothing in a look that began after the last commit."""
        last = False
        while await relayed(units, batch) or not last:
            last = done

    async def listen() -> None:
        while not done:
            heard.extend(await read(units, heard[-1].position if heard else 0, limit=5))
            await asyncio.sleep(0.001)

    async with asyncio.TaskGroup() as group:
        relays = [group.create_task(relay()) for _ in range(3)]
        listener = group.create_task(listen())
        await asyncio.gather(*(write() for _ in range(16)))
        done = True
        await asyncio.gather(*relays, listener)
    heard += await read(units, heard[-1].position)

    assert len(heard) == 16 * 8
    for level in SHELVES:
        versions = [change.stock_level.version for change in heard if place(change) == level]
        assert versions == list(range(2, len(versions) + 2))


async def late_relay(units: PostgresUnits) -> list[StockChange]:
    """What a reader hears while two relays work at once, and the first of them commits last."""
    async with units.begin() as slow:
        await shelve(units, HARBOUR, mug=1)
        await slow.inventory.change_feed.relay(1)
        await shelve(units, HARBOUR, teapot=1)
        other = asyncio.create_task(relayed(units))
        await asyncio.wait({other}, timeout=0.3)
        heard = await read(units)
    await other
    return heard + await read(units, heard[-1].position if heard else 0)


async def test_relays_take_turns_so_that_no_position_comes_late(units: PostgresUnits):
    assert [change.stock_level.sku for change in await late_relay(units)] == [MUG, TEAPOT]


async def test_what_is_old_is_forgotten_but_never_where_the_feed_is(units: PostgresUnits):
    for _ in range(5):
        await shelve(units, HARBOUR, mug=1)
    await relayed(units)
    async with units.begin() as unit:
        oldest, newest = await unit.inventory.change_feed.get_span()
        await unit.inventory.change_feed.purge(unit.now - timedelta(hours=1), keep=3, limit=9)
        kept = await unit.inventory.change_feed.get_span()
        await unit.inventory.change_feed.purge(unit.now + timedelta(hours=1), keep=3, limit=9)
        last = await unit.inventory.change_feed.get_span()

    assert (newest - oldest, newest - kept[0], kept[1], last) == (4, 2, newest, (newest, newest))


async def test_a_relay_follows_its_own_process_at_once_and_hears_of_others(
    units: PostgresUnits, database_url: str
):
    elsewhere = PostgresUnits(connect(database_url))
    there, here = Relay(elsewhere, database_url), Relay(units, database_url)
    heard = asyncio.Event()
    there.listeners.append(heard.set)
    async with there.running(), here.running():
        await asyncio.sleep(0.3)  # until both listen
        began = asyncio.get_running_loop().time()
        await shelve(units, HARBOUR, mug=1)
        await asyncio.wait_for(heard.wait(), 5)
        took = asyncio.get_running_loop().time() - began
    await elsewhere.close()

    assert took < 0.5, "it should not have to wait for the clock"
    assert len(await read(units)) == 1


async def test_a_relay_catches_up_with_what_nobody_has_relayed(
    units: PostgresUnits, database_url: str
):
    await shelve(units, HARBOUR, mug=1)
    relay = Relay(units, database_url)
    async with relay.running():
        await relay.caught_up()

        assert len(await read(units)) == 1


async def test_a_flood_of_requests_does_not_keep_the_relay_waiting(
    units: PostgresUnits, database_url: str
):
    flooded = PostgresUnits(connect(database_url, pool_size=1))
    aside = PostgresUnits(connect(database_url, pool_size=1))
    relay = Relay(flooded, database_url, aside=aside)
    await shelve(units, HARBOUR, mug=1)
    async with flooded.begin(), relay.running():
        async with asyncio.timeout(5):
            await relay.caught_up()
        told = await read(units)
    await flooded.close()
    await aside.close()

    assert len(told) == 1
