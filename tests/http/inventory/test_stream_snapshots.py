"""After a snapshot comes what it did not tell: every later change once, and nothing older."""

import asyncio
import random
import re
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import msgspec
import pytest

from adapters.drain import Drain
from adapters.http.inventory.streams import AvailabilityStreams
from domain.inventory.availability import StockDisplayPolicy
from domain.inventory.change_feed import Subscription, Update
from tests.support.api.streams import Live, live
from tests.support.examples import HARBOUR, HILL, MUG, TEA_SET, TEAPOT, a_product, shelve
from tests.support.shop import Shop
from tests.support.streams import Event, Listener

__all__ = ["live"]

CUPS = [f"CUP-{number:02}" for number in range(25)]
"""More than one question for a snapshot asks for."""
WRITERS = 4
BEGINNINGS = 12


async def put_cups(shop: Shop) -> None:
    async with shop.units.begin() as unit:
        await unit.catalogue.products.upsert([a_product(sku) for sku in CUPS])
    for sku in CUPS:
        await shelve(shop.units, HARBOUR, **{sku: 1})


async def listened(stream: Listener, seconds: float = 0.4) -> list[Event]:
    """What is heard until so long after the first event."""
    heard = [await stream.next()]
    try:
        async with asyncio.timeout(seconds):
            while True:
                heard.append(await stream.next())
    except TimeoutError:
        return heard


def versions(turns: list[Update]) -> dict[tuple[str, str], list[int]]:
    """Of each shelf, in the order in which they were told. A kit has none of its own."""
    told: dict[tuple[str, str], list[int]] = defaultdict(list)
    for turn in turns:
        if turn.sku != TEA_SET:
            told[turn.sku, turn.store].append(turn.version)
    return told


@pytest.mark.parametrize(
    "query", [f"?sku={MUG}&sku={TEA_SET}&sku={TEAPOT}", f"?store={HARBOUR}", ""]
)
async def test_whoever_begins_under_traffic_hears_each_shelf_step_by_step(live: Live, query: str):
    await put_cups(live.shop)
    await live.put(mug=1, teapot=1)
    chance, ended = random.Random(1), False

    async def write() -> None:
        while not ended:
            sku = chance.choice([MUG, MUG, TEAPOT, *CUPS])
            await live.put(chance.choice([HARBOUR, HILL]), **{sku: 1})

    async def begin() -> list[Update]:
        async with live.listen(query) as stream:
            heard = await listened(stream)
        return msgspec.convert([event.data for event in heard], list[Update])

    writers = [asyncio.create_task(write()) for _ in range(WRITERS)]
    heard = [
        turns
        for _ in range(BEGINNINGS // 3)
        for turns in await asyncio.gather(*(begin() for _ in range(3)))
    ]
    ended = True
    await asyncio.gather(*writers)

    for turns in heard:
        for told in versions(turns).values():
            assert told == list(range(told[0], told[0] + len(told)))
    assert any(len(told) > 1 for turns in heard for told in versions(turns).values())


@asynccontextmanager
async def beginning(shop: Shop, following: Subscription) -> AsyncIterator[AsyncIterator[bytes]]:
    """A stream in this very process, where changes wait for a position until somebody asks."""
    streams = AvailabilityStreams(shop.units, shop.house.relay, stock_display=StockDisplayPolicy())
    async with streams.running(Drain()):
        await streams.wait_until_current()
        async with aclosing(streams.subscribe(following, None)) as chunks:
            await anext(chunks)
            yield chunks


def turns_in(chunk: bytes) -> list[tuple[str, int | None]]:
    said = [msgspec.json.decode(data, type=Update) for data in re.findall(rb"data: (.*)\n", chunk)]
    return [(turn.sku, turn.quantity) for turn in said]


def cursors_in(chunk: bytes) -> list[int]:
    return [int(number) for number in re.findall(rb"id: (\d+)", chunk)]


async def test_what_waits_for_its_position_is_told_by_the_snapshot_alone(shop: Shop):
    await shelve(shop.units, mug=1, teapot=1)
    here = Subscription(frozenset({MUG, TEA_SET}), frozenset({HARBOUR}))
    async with beginning(shop, here) as chunks:
        await shelve(shop.units, mug=1)
        await shelve(shop.units, teapot=1)
        first = b"".join([await anext(chunks) for _ in range(2)])
        await shelve(shop.units, mug=5)
        await shop.house.relay.caught_up()
        then = await anext(chunks)

    assert turns_in(first) == [(MUG, 2), (TEA_SET, 1)]
    assert turns_in(then) == [(MUG, 7), (TEA_SET, 2)]
    assert cursors_in(then)[0] == cursors_in(first)[-1]


async def test_what_changes_between_two_pages_is_told_where_its_page_did_not(shop: Shop):
    await put_cups(shop)
    first, last = CUPS[0], CUPS[-1]
    async with beginning(shop, Subscription()) as chunks:
        heard = await anext(chunks)
        for sku in (first, last):
            await shelve(shop.units, HARBOUR, **{sku: 1})
        await shop.house.relay.caught_up()
        await shelve(shop.units, HARBOUR, **{CUPS[1]: 1})
        while not cursors_in(heard)[-1]:
            heard += await anext(chunks)
        before_the_end = cursors_in(heard)[:-1]
        await shelve(shop.units, HARBOUR, **{last: 1})
        await shop.house.relay.caught_up()
        then = await anext(chunks)

    told = turns_in(heard)
    assert [one for one in told if one[0] == first] == [(first, 1), (first, 2)]
    assert [one for one in told if one[0] == CUPS[1]] == [(CUPS[1], 1), (CUPS[1], 2)]
    assert [one for one in told if one[0] == last] == [(last, 2)]
    assert not any(before_the_end), "a cut anywhere before the end brings the snapshot again"
    assert turns_in(then) == [(last, 3)]
