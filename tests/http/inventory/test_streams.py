"""Whoever listens hears how things stand, and then every change: each once, in order."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.drain import Drain
from adapters.http.inventory.streams import HEARTBEAT_INTERVAL_SECONDS, AvailabilityStreams
from adapters.main import build_app, build_components
from adapters.postgres.db.urls import for_asyncpg
from domain.catalogue.products import ProductState
from domain.inventory.availability import AvailableQuantities, StockDisplayPolicy
from domain.inventory.change_feed import Subscription
from tests.support.api.holds import hold
from tests.support.api.streams import Live, told
from tests.support.examples import ENGRAVING, HARBOUR, HILL, MUG, TEA_SET, TEAPOT, a_product, shelve
from tests.support.processes import hylla
from tests.support.server import serving
from tests.support.shop import Shop, a_shop
from tests.support.streams import Listener, listening

STREAM = "/v1/availability/stream"
OPEN_STREAMS = 200


async def test_a_stream_begins_with_how_things_stand_and_goes_on_with_every_change(live: Live):
    await live.put(mug=5)
    async with live.listen(f"?sku={MUG}&store={HARBOUR}") as stream:
        first = await stream.next()
        await live.put(mug=2)
        second = await stream.next()

    assert stream.answer.headers["content-type"].startswith("text/event-stream")
    assert [first.kind, second.kind] == ["availability", "availability"]
    assert first.data.keys() == {"sku", "store", "version", "status", "quantity", "as_of"}
    assert told([first, second]) == [(MUG, HARBOUR, 5), (MUG, HARBOUR, 7)]
    assert second.id == first.id + 1
    assert second.data["version"] == first.data["version"] + 1
    assert first.data["status"] == "in_stock"


async def test_only_what_was_asked_for_is_told(live: Live):
    await live.put(mug=1, teapot=1)
    await live.put(HILL, mug=1, teapot=1)
    async with (
        live.listen(f"?sku={MUG}") as mugs,
        live.listen(f"?store={HILL}") as hill,
        live.listen() as everything,
    ):
        await asyncio.gather(mugs.take(2), hill.take(4), everything.take(6))
        await live.put(HARBOUR, mug=1, teapot=1)
        await live.put(HILL, mug=1)
        heard = [await mugs.take(2), await hill.take(2), await everything.take(6)]

    assert told(heard[0]) == [(MUG, HARBOUR, 2), (MUG, HILL, 2)]
    assert told(heard[1]) == [(MUG, HILL, 2), (TEA_SET, HILL, 1)]
    assert [event.quantity[:2] for event in heard[2]] == [
        (MUG, HARBOUR),
        (TEA_SET, HARBOUR),
        (TEAPOT, HARBOUR),
        (TEA_SET, HARBOUR),
        (MUG, HILL),
        (TEA_SET, HILL),
    ]


async def test_a_shelf_that_is_named_is_told_though_it_is_empty(live: Live):
    async with live.listen(f"?sku={MUG}&sku=GHOST&store={HARBOUR}&store=nowhere") as stream:
        first = await stream.next()
        await live.put(mug=1)
        second = await stream.next()

    assert told([first, second]) == [(MUG, HARBOUR, 0), (MUG, HARBOUR, 1)]
    assert (first.data["status"], second.data["status"]) == ("out_of_stock", "low_stock")


async def test_a_change_of_a_part_is_one_of_the_kit(live: Live):
    await live.put(mug=4, teapot=1)
    async with live.listen(f"?sku={TEA_SET}") as stream:
        first = await stream.next()
        await live.put(teapot=1)
        second = await stream.next()
        cursor = stream.cursor
        await live.put(mug=2)
    await live.put(teapot=1)
    async with live.listen(f"?sku={TEA_SET}", cursor) as stream:
        missed = await stream.take(2)

    assert told([first, second, missed[-1]]) == [
        (TEA_SET, HARBOUR, 1),
        (TEA_SET, HARBOUR, 2),
        (TEA_SET, HARBOUR, 3),
    ]
    versions = [event.data["version"] for event in [first, second, *missed]]
    assert versions == sorted(versions)


async def test_a_repair_is_heard_as_a_newer_version_of_its_shelf(live: Live):
    await live.put(mug=5)
    async with live.listen(f"?sku={MUG}&store={HARBOUR}") as stream:
        first = await stream.next()
        async with live.shop.units.read() as unit:
            await unit.connection.execute("update stock_levels set on_hand = 12")
        settings = live.shop.house.settings
        options = ("--data", settings.data, "--database-url", for_asyncpg(settings.database_url))
        done = await asyncio.to_thread(hylla, "audit", "--repair", *options)
        await live.put(mug=1)
        repaired, next_ = await stream.take(2)

    assert done.returncode == 0, done.stdout + done.stderr
    assert told([first, repaired, next_]) == [(MUG, HARBOUR, n) for n in (5, 5, 6)]
    assert [event.data["version"] - first.data["version"] for event in (repaired, next_)] == [1, 2]


async def test_what_is_not_counted_has_no_quantity_and_what_is_retired_is_not_sold(live: Live):
    await live.put(mug=5)
    async with live.shop.units.begin() as unit:
        await unit.catalogue.products.upsert([a_product(MUG, state=ProductState.RETIRED)])
    async with live.listen(f"?sku={ENGRAVING}&sku={MUG}&store={HARBOUR}") as stream:
        events = await stream.take(2)

    assert [(event.data["status"], event.data["quantity"]) for event in events] == [
        ("in_stock", None),
        ("out_of_stock", 0),
    ]


async def import_product(live: Live, sku: str, **facts: Any) -> None:
    product = {"sku": sku, "name": sku, "price": "10", "currency": "SEK", **facts}
    async with httpx.AsyncClient(base_url=live.address) as client:
        answer = await client.post(
            "/v1/imports/products", json=[product], headers=await live.shop.office()
        )
    assert answer.json()["accepted"] == 1, answer.text


async def test_a_change_in_the_catalogue_is_told_where_it_changes_what_is_sold(live: Live):
    await live.put(mug=6, teapot=6)
    async with live.listen(f"?sku={TEA_SET}&sku={TEAPOT}") as stream:
        await stream.take(2)
        await import_product(live, TEAPOT, category="Kitchen")
        await import_product(live, TEA_SET, parts={TEAPOT: 1, MUG: 6})
        of_the_set = await stream.take(3)
        await import_product(live, TEAPOT, category="Kitchen", state="retired")
        retired = await stream.next()

    assert sorted(told(of_the_set)) == [
        (TEA_SET, HARBOUR, 1),
        (TEA_SET, HARBOUR, 1),
        (TEAPOT, HARBOUR, 6),
    ]
    assert (retired.quantity, retired.data["status"]) == ((TEAPOT, HARBOUR, 0), "out_of_stock")


async def test_who_comes_back_hears_everything_missed_once_and_in_order(live: Live):
    these = f"?store={HARBOUR}&sku={MUG}&sku={TEAPOT}"
    async with live.listen(these) as stream:
        await stream.take(2)
        await live.put(mug=1)
        await stream.next()
        cursor = stream.cursor
    await live.put(mug=1, teapot=1)
    await live.put(HILL, mug=9)
    await live.put(mug=1)
    async with live.listen(these, cursor) as stream:
        missed = await stream.take(3)
        await live.put(mug=1)
        live_one = await stream.next()

    assert told([*missed, live_one]) == [
        (MUG, HARBOUR, 2),
        (TEAPOT, HARBOUR, 1),
        (MUG, HARBOUR, 3),
        (MUG, HARBOUR, 4),
    ]
    ids = [event.id for event in [*missed, live_one]]
    assert ids == sorted(set(ids))


async def test_more_than_fits_one_page_is_caught_up_with(live: Live):
    await live.put(mug=1)
    async with live.listen(f"?sku={MUG}") as stream:
        await stream.next()
        cursor = stream.cursor
    async with live.shop.units.begin() as unit:
        await unit.connection.execute(
            """
            insert into feed_outbox (store, sku, on_hand, version, cause, recorded_at)
            select $1, $2, number, number, 'found', now() from generate_series(2, 2501) as number
            """,
            HARBOUR,
            MUG,
        )
    async with live.listen(f"?sku={MUG}", cursor) as stream:
        missed = await stream.take(2500)

    assert [event.data["version"] for event in missed] == list(range(2, 2502))


async def test_a_snapshot_that_was_cut_off_comes_again(live: Live):
    await live.put(mug=1, teapot=1)
    async with live.listen() as stream:
        await stream.next()
        cursor = stream.cursor
    async with live.listen(cursor=cursor) as stream:
        again = await stream.take(3)

    assert {event.quantity for event in again} == {
        (MUG, HARBOUR, 1),
        (TEAPOT, HARBOUR, 1),
        (TEA_SET, HARBOUR, 0),
    }


async def test_of_a_part_and_its_kit_only_the_last_bears_the_new_cursor(live: Live):
    await live.put(mug=1)
    async with live.listen(f"?sku={MUG}&sku={TEA_SET}&store={HARBOUR}") as stream:
        await stream.take(2)
        await live.put(mug=1)
        part, kit = await stream.take(2)

    assert (part.quantity[0], kit.quantity[0]) == (MUG, TEA_SET)
    assert part.id == kit.id - 1


@pytest.mark.parametrize("cursor", ["1", "999999", "yesterday"])
async def test_a_cursor_that_is_too_old_or_not_ours_begins_anew(live: Live, cursor: str):
    await live.put(mug=3, teapot=2)
    await live.shop.house.relay.caught_up()
    async with live.shop.units.begin() as unit:
        await unit.connection.execute("select setval('feed_position_seq', 100)")
    await live.put(mug=1)
    await live.shop.house.relay.caught_up()
    async with live.shop.units.begin() as unit:
        await unit.inventory.change_feed.purge(unit.now, keep=1, limit=9)
    async with live.listen(f"?sku={MUG}", cursor) as stream:
        reset, first = await stream.take(2)
        await live.put(mug=1)
        after = await stream.next()

    assert (reset.kind, reset.id) == ("reset", None)
    assert told([first, after]) == [(MUG, HARBOUR, 4), (MUG, HARBOUR, 5)]


async def test_many_listen_at_once_and_all_hear_the_same(live: Live):
    await live.put(mug=1)
    async with AsyncExitStack() as stack:
        streams: list[Listener] = [
            await stack.enter_async_context(live.listen(f"?sku={MUG}")) for _ in range(OPEN_STREAMS)
        ]
        await asyncio.gather(*(stream.next() for stream in streams))
        for _ in range(5):
            await live.put(mug=1)
        heard = await asyncio.gather(*(stream.take(5) for stream in streams))

    assert {tuple(event.data["quantity"] for event in events) for events in heard} == {
        (2, 3, 4, 5, 6)
    }


async def test_a_publishable_key_may_stand_in_the_address_and_no_other(live: Live):
    key = live.page["Authorization"].removeprefix("Bearer ")
    secret = (await live.shop.office())["Authorization"].removeprefix("Bearer ")
    async with (
        httpx.AsyncClient(base_url=live.address) as client,
        listening(live.address, {}, f"?sku={MUG}&store={HARBOUR}&key={key}") as stream,
    ):
        event = await stream.next()
        refused = await client.get(STREAM, params={"key": secret})
        wrong = await client.get(STREAM, params={"key": "pk_nobody"})
        elsewhere = await client.get("/v1/availability/MUG", params={"key": key})

    assert event.quantity == (MUG, HARBOUR, 0)
    assert [refused.status_code, wrong.status_code, elsewhere.status_code] == [401, 401, 401]


@pytest.mark.parametrize("query", ["sku=", "store=a/b", "skew=1"])
async def test_a_question_that_makes_no_sense_names_what_is_wrong(live: Live, query: str):
    async with httpx.AsyncClient(base_url=live.address) as client:
        answer = await client.get(f"{STREAM}?{query}", headers=live.page)

    assert answer.status_code == 422
    assert answer.json()["errors"]


# --- the reader's queue, the heart and the end ----------------------------------------------------


@asynccontextmanager
async def a_stream(
    shop: Shop, cursor: int | None = None, **settings: Any
) -> AsyncIterator[tuple[AsyncGenerator[bytes, None], Drain]]:
    """A stream of mugs at the harbour in this very process, and the drain that ends it."""
    drain, relay = Drain(), shop.house.relay
    streams = AvailabilityStreams(shop.units, relay, stock_display=StockDisplayPolicy(), **settings)
    following = Subscription(frozenset({MUG}), frozenset({HARBOUR}))
    async with relay.running(), streams.running(drain):
        await streams.wait_until_current()
        chunks = streams.subscribe(following, cursor)
        yield chunks, drain
        await chunks.aclose()


def numbers(chunks: Iterable[bytes], name: bytes) -> list[int]:
    """The numbers behind `name`, in order."""
    return [int(number) for number in re.findall(name + rb"(\d+)", b"".join(chunks))]


async def test_a_stream_shows_that_it_lives_while_nothing_changes(shop: Shop):
    async with a_stream(shop, heartbeat_s=0.05) as (chunks, _):
        beats = [await anext(chunks) for _ in range(5)][-2:]

    assert beats == [b":\n\n", b":\n\n"]
    assert HEARTBEAT_INTERVAL_SECONDS <= 15


async def test_a_slow_reader_is_sent_away_and_has_everything_when_it_comes_back(shop: Shop):
    async with a_stream(shop, queue_max=3) as (chunks, _):
        heard = [await anext(chunks) for _ in range(2)]
        await shelve(shop.units, mug=1)
        heard.append(await anext(chunks))
        for _ in range(5):  # nobody reads
            await shelve(shop.units, mug=1)
            await asyncio.sleep(0.1)
        heard += [chunk async for chunk in chunks]
    cursor = numbers(heard, b"id: ")[-1]
    async with a_stream(shop, cursor) as (chunks, _):
        missed = [await anext(chunks) for _ in range(2)]

    assert numbers(heard, b'"quantity":') == [0, 1]
    assert numbers(missed, b'"quantity":') == [2, 3, 4, 5, 6]


async def test_a_stop_ends_the_stream_behind_what_was_told(shop: Shop):
    async with a_stream(shop) as (chunks, drain):
        heard = [await anext(chunks) for _ in range(2)]
        reading = asyncio.ensure_future(anext(chunks))
        await shelve(shop.units, mug=1)
        heard.append(await asyncio.wait_for(reading, 5))
        drain.stopping.set()
        rest = [chunk async for chunk in chunks]

    assert numbers(heard, b'"quantity":') == [0, 1]
    assert rest == []


# --- what shoppers learn of a number --------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantities", "shown"),
    [
        (AvailableQuantities.EXACT, [137, 138]),
        (AvailableQuantities.CAPPED, [20, 20]),
        (AvailableQuantities.HIDDEN, [None] * 2),
    ],
)
async def test_shoppers_learn_what_the_retailer_shows_and_staff_the_number(
    database_url: str, tmp_path: Path, quantities: AvailableQuantities, shown: list[int | None]
):
    rule = {"stock_display": quantities, "stock_display_max": 20}
    async with a_shop(database_url, tmp_path, **rule) as shop:
        await shelve(shop.units, mug=137)
        here, page, staff = f"?sku={MUG}&store={HARBOUR}", await shop.page(), await shop.office()
        with serving(build_app(build_components(shop.house.settings))) as address:
            async with (
                shop.house.relay.running(),
                listening(address, page, here) as public,
                listening(address, staff, here) as inside,
            ):
                heard = [await public.next()], [await inside.next()]
                await shelve(shop.units, mug=1)
                heard[0].append(await public.next())
                heard[1].append(await inside.next())
                cursor = str(heard[0][0].id)
            async with listening(address, page, here, cursor) as again:
                heard[0].append(await again.next())
        answers = [
            (await shop.client.get(f"/v1/availability/{MUG}", headers=who)).json()
            for who in (page, staff)
        ]

    assert [event.data["quantity"] for event in heard[0]] == [*shown, shown[1]]
    assert [event.data["quantity"] for event in heard[1]] == [137, 138]
    assert [answer["ship"]["quantity"] for answer in answers] == [shown[1], 138]
    assert answers[0]["stores"][0]["quantity"] == shown[1]
    assert {event.data["status"] for event in heard[0]} == {"in_stock"}


async def test_a_page_is_told_before_its_hold_ends_and_again_when_it_was_extended(live: Live):
    await live.put(mug=5)
    streams = AvailabilityStreams(
        live.shop.units, live.shop.house.relay, stock_display=StockDisplayPolicy(), heartbeat_s=0.1
    )
    soon, later = [
        (await hold(live.shop, live.page, ttl_s=seconds)).json()["id"] for seconds in (30, 3600)
    ]
    following = Subscription(frozenset({MUG}), holds=frozenset({soon, later}))
    async with streams.running(Drain()), aclosing(streams.subscribe(following, None)) as stream:
        first = await beats(stream, 3)
        path = f"/v1/holds/{soon}/extend"
        await live.shop.client.post(path, json={"ttl_s": 40}, headers=live.page)
        second = await beats(stream, 3)

    assert [one["hold"] for one in first + second] == [soon, soon]
    assert first[0]["server_time"] < first[0]["held_until"] < second[0]["held_until"]


async def beats(stream: AsyncIterator[bytes], many: int) -> list[dict[str, Any]]:
    """What is told of holds until so many heartbeats were heard."""
    heard = b""
    async for events in stream:
        heard += events
        if heard.count(b":\n\n") >= many:
            break
    return [
        json.loads(said) for said in re.findall(rb"event: hold.expiring\ndata: (.*)\n\n", heard)
    ]
