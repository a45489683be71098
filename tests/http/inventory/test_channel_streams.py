"""Whoever listens hears of one channel, and anew of everything when something is decided of it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.support.api.sales_channels import own_buffer, put_channel
from tests.support.api.store_closing import disable, enable
from tests.support.api.streams import Live, live, told
from tests.support.examples import ENGRAVING, HARBOUR, HILL, MUG, TEA_SET, TEAPOT
from tests.support.shop import Shop
from tests.support.streams import Event

__all__ = ["live"]


async def serve_only(shop: Shop, store: str, channels: str) -> None:
    answer = await shop.client.post(
        "/v1/imports/stores",
        json=[{"store": store, "name": store, "channels": channels}],
        headers=await shop.office(),
    )
    assert answer.json()["accepted"] == 1, answer.text


def kinds(events: list[Event]) -> list[str]:
    return [event.kind for event in events]


async def test_each_hears_what_their_channel_may_sell(live: Live):
    await live.put(mug=5)
    await live.put(HILL, mug=5)
    await put_channel(live.shop, "app", buffer=3, quantities="capped", most=2, low_at=1)
    await serve_only(live.shop, HILL, "web")
    async with (
        live.listen(f"?sku={MUG}") as web,
        live.listen(f"?sku={MUG}&channel=app") as app,
    ):
        first = [await web.take(2), await app.take(2)]
        await live.put(mug=1)
        await live.put(HILL, mug=1)
        then = [await web.take(2), await app.take(2)]

    assert [[one.data["quantity"] for one in heard] for heard in first] == [[5, 5], [2, 0]]
    assert [[one.data["quantity"] for one in heard] for heard in then] == [[6, 6], [2, 0]]
    assert [one.data["status"] for one in then[1]] == ["in_stock", "out_of_stock"]


async def test_a_buffer_of_one_sku_is_told_of_it_and_of_its_kits(live: Live):
    await live.put(mug=5, teapot=5)
    async with live.listen(f"?sku={MUG}&sku={TEA_SET}&sku={TEAPOT}") as stream:
        first = await stream.take(3)
        await own_buffer(live.shop, MUG, 2)
        then = await stream.take(2)
        await live.put(teapot=1)
        last = await stream.take(2)

    assert told(first) == [(MUG, HARBOUR, 5), (TEA_SET, HARBOUR, 2), (TEAPOT, HARBOUR, 5)]
    assert told(then) == [(MUG, HARBOUR, 3), (TEA_SET, HARBOUR, 1)]
    assert then[0].data["version"] > first[0].data["version"]
    assert told(last) == [(TEAPOT, HARBOUR, 6), (TEA_SET, HARBOUR, 1)]


async def give_a_buffer(shop: Shop) -> None:
    await put_channel(shop, buffer=2)


async def limit_the_store(shop: Shop) -> None:
    await serve_only(shop, HARBOUR, "-")


async def close_the_store(shop: Shop) -> None:
    assert (await disable(shop)).status_code == 200


Decision = Callable[[Shop], Awaitable[None]]
DECISIONS = [(give_a_buffer, 3), (limit_the_store, 0), (close_the_store, 0)]


@pytest.mark.parametrize(("decide", "left"), DECISIONS)
async def test_what_is_decided_of_a_channel_or_a_store_is_told_at_once(
    live: Live, decide: Decision, left: int
):
    await live.put(mug=5)
    async with live.listen(f"?sku={MUG}&store={HARBOUR}") as stream:
        heard = [await stream.next()]
        await decide(live.shop)
        heard += await stream.take(2)
        await live.put(mug=1)
        heard.append(await stream.next())

    assert kinds(heard) == ["availability", "reset", "availability", "availability"]
    assert told([heard[0], heard[2]]) == [(MUG, HARBOUR, 5), (MUG, HARBOUR, left)]
    assert heard[3].data["quantity"] == (left + 1 if left else 0)


@pytest.mark.parametrize(("decide", "left"), DECISIONS)
async def test_who_was_away_meanwhile_is_told_so_and_how_things_stand(
    live: Live, decide: Decision, left: int
):
    await live.put(mug=5)
    async with live.listen(f"?sku={MUG}&store={HARBOUR}") as stream:
        await stream.next()
        cursor = stream.cursor
    await live.put(mug=1)
    await decide(live.shop)
    async with live.listen(f"?sku={MUG}&store={HARBOUR}", cursor) as stream:
        heard = await stream.take(2)
        cursor = stream.cursor
    async with live.listen(f"?sku={MUG}&store={HARBOUR}", cursor) as stream:
        await live.put(mug=1)
        after = await stream.next()

    assert kinds(heard) == ["reset", "availability"]
    assert heard[1].data["quantity"] == (left + 1 if left else 0)
    assert (after.kind, after.data["quantity"]) == ("availability", left + 2 if left else 0)


async def test_others_are_not_disturbed(live: Live):
    await live.put(mug=5)
    await live.put(HILL, mug=5)
    await put_channel(live.shop, "app")
    await live.shop.house.relay.caught_up()
    async with (
        live.listen(f"?sku={MUG}&store={HILL}") as elsewhere,
        live.listen(f"?sku={MUG}&store={HILL}&channel=app") as app,
    ):
        await asyncio.gather(elsewhere.next(), app.next())
        await close_the_store(live.shop)
        await put_channel(live.shop, "kiosk", buffer=1)
        await put_channel(live.shop, "app", buffer=1)
        heard = await app.take(2)
        await live.put(HILL, mug=1)
        heard += [await app.next(), await elsewhere.next()]

    assert kinds(heard) == ["reset", "availability", "availability", "availability"]
    assert [one.data["quantity"] for one in heard[1:]] == [4, 5, 6]


async def test_the_same_once_more_disturbs_nobody(live: Live):
    await live.put(mug=5)
    await put_channel(live.shop, buffer=2)
    await serve_only(live.shop, HARBOUR, "web")
    await live.shop.house.relay.caught_up()
    async with live.listen(f"?sku={MUG}") as stream:
        await stream.next()
        await put_channel(live.shop, buffer=2)
        await enable(live.shop)
        await live.shop.client.post(
            "/v1/imports/stores",
            json=[{"store": HARBOUR, "name": "Another name", "channels": "web"}],
            headers=await live.shop.office(),
        )
        await live.put(mug=1)
        heard = await stream.next()

    assert (heard.kind, heard.data["quantity"]) == ("availability", 4)


async def test_a_number_that_is_hidden_from_now_on_is_in_no_event_any_more(live: Live):
    await live.put(mug=137)
    async with live.listen(f"?sku={MUG}") as stream:
        first = await stream.next()
        await live.put(mug=1)
        await stream.next()
        await put_channel(live.shop, quantities="hidden")
        heard = await stream.take(2)
        await live.put(mug=1)
        heard.append(await stream.next())
    async with live.listen(f"?sku={MUG}", str(first.id)) as stream:
        heard += await stream.take(2)

    numbers = [one.data["quantity"] for one in heard if one.kind == "availability"]
    assert kinds(heard).count("reset") == 2
    assert numbers == [None] * 3


async def test_a_service_is_told_as_the_store_that_serves_it_or_not(live: Live):
    async with live.listen(f"?sku={ENGRAVING}&store={HARBOUR}") as stream:
        first = await stream.next()
        await close_the_store(live.shop)
        _, then = await stream.take(2)

    assert [one.data["status"] for one in (first, then)] == ["in_stock", "out_of_stock"]


async def test_a_store_that_drains_and_closes_is_told_once(live: Live):
    await live.put(mug=5)
    page = await live.shop.page()
    line = {"sku": MUG, "store": HARBOUR, "quantity": 1}
    held = await live.shop.client.post(
        "/v1/holds", json={"lines": [line]}, headers=page | {"Idempotency-Key": "once"}
    )
    await live.shop.house.relay.caught_up()
    async with live.listen(f"?sku={MUG}") as stream:
        await stream.next()
        await disable(live.shop, drain=True)
        drained = await stream.take(2)
        await live.shop.client.delete(f"/v1/holds/{held.json()['id']}", headers=page)
        await disable(live.shop)
        released = await stream.next()
        await enable(live.shop)
        enabled = await stream.take(2)

    assert kinds([*drained, released, *enabled]) == [
        "reset",
        "availability",
        "availability",
        "reset",
        "availability",
    ]
    assert [one.data["quantity"] for one in (drained[1], released, enabled[1])] == [0, 0, 5]
