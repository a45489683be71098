"""How sure the shop is of its shelves, and what a pick in vain means for them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.api.audit import order, step
from tests.support.api.receipts import count, incidents, sale, sound
from tests.support.api.receipts import tell as ring_up
from tests.support.api.stocktaking import line, results
from tests.support.examples import HARBOUR, MUG, TEA_SET, TEAPOT, shelve
from tests.support.shop import Shop


def minutes(ahead: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=ahead)).isoformat()


async def at_the_harbour(shop: Shop, sku: str = MUG, query: str = "") -> Any:
    path = f"/v1/availability/{sku}?store={HARBOUR}{query}"
    answer = await shop.client.get(path, headers=await shop.office())
    assert answer.status_code == 200, answer.text
    return answer.json()["stores"][0]


async def sure(shop: Shop, sku: str = MUG) -> dict[str, Any]:
    found: dict[str, Any] = (await at_the_harbour(shop, sku, "&explain=true"))["explain"]
    return found["confidence"]  # type: ignore[no-any-return]


async def looked_in_vain(shop: Shop, units: int = 1) -> str:
    """Somebody orders so many mugs, and a picker finds none of them; the pickup."""
    pickup = await order(shop, await shop.customer(), {MUG: units})
    picked = {"lines": [{"sku": MUG, "quantity": 0, "short": True}]}
    await step(shop, pickup, "pick", picked, await shop.till(HARBOUR))
    return pickup


async def test_a_shop_that_was_just_loaded_is_sure_of_its_goods(shop: Shop):
    await shop.client.post(
        "/v1/imports/stock",
        content="store,sku,on_hand,counted_at\nharbour,MUG,5,2019-01-01T00:00:00Z\n",
        headers=await shop.office() | {"Content-Type": "text/csv"},
    )
    pickup = (await at_the_harbour(shop))["pickup"]

    assert (await sure(shop))["score"] == 0.5
    assert (pickup["eligible"], pickup["reasons"]) == (True, [])


async def test_after_two_picks_in_vain_the_store_looks_first(shop: Shop):
    await shelve(shop.units, mug=1, teapot=9)
    await looked_in_vain(shop)
    once = await sure(shop)
    await shelve(shop.units, mug=9)
    await looked_in_vain(shop)
    await shelve(shop.units, mug=9)
    twice = await sure(shop)
    doubtful = await at_the_harbour(shop)
    kit = await at_the_harbour(shop, TEA_SET)
    staff = await at_the_harbour(shop, query="&explain=true")

    assert (once["score"], once["misses"]) == (0.5, 1)
    assert (twice["score"], twice["misses"]) == (0.25, 2)
    assert doubtful["status"] == "in_stock"
    assert (doubtful["pickup"]["eligible"], doubtful["pickup"]["reasons"]) == (
        True,
        ["low_confidence"],
    )
    assert doubtful["pickup"]["ready_from"] is not None
    assert kit["pickup"]["reasons"] == ["low_confidence"]
    assert "low_confidence" in staff["explain"]["reasons"]


async def test_what_is_out_of_stock_says_so_and_not_that_it_is_doubtful(shop: Shop):
    for _ in range(2):
        await shelve(shop.units, mug=1)
        await looked_in_vain(shop)

    assert (await at_the_harbour(shop))["pickup"]["reasons"] == ["out_of_stock"]


async def test_whoever_finds_none_has_seen_an_empty_shelf(shop: Shop):
    await shelve(shop.units, mug=9)
    await looked_in_vain(shop, units=2)

    assert (await at_the_harbour(shop))["quantity"] == 0
    assert [one["kind"] for one in await incidents(shop)] == ["count_due"]
    assert await sound(shop)


async def test_a_decline_of_what_was_not_found_empties_the_shelf_and_names_who_waits(shop: Shop):
    await shelve(shop.units, mug=9, teapot=9)
    me, till = await shop.customer(), await shop.till(HARBOUR)
    ours = await order(shop, me, {MUG: 2, TEAPOT: 1})
    second = await order(shop, me, {MUG: 3})
    third = await order(shop, me, {TEA_SET: 1})
    has_its_own = await order(shop, me, {MUG: 1})
    picked = {"lines": [{"sku": MUG, "quantity": 1}]}
    for pickup in (second, has_its_own):
        await step(shop, pickup, "pick", picked, till)
    await step(shop, ours, "decline", {"reason": "not_found", "lines": [MUG]}, till)
    mugs, pots = await at_the_harbour(shop), await at_the_harbour(shop, TEAPOT)
    [incident] = await incidents(shop)

    assert (mugs["quantity"], pots["quantity"]) == (0, 7)
    assert incident["kind"] == "count_due"
    waiting = [(one["group"], one["units"]) for one in incident["orders"]]
    assert waiting == [(second, 2), (third, 2)]
    assert (await sure(shop))["misses"] == 1
    assert await sound(shop)


async def test_a_decline_for_any_other_reason_leaves_the_shelf_as_it_is(shop: Shop):
    await shelve(shop.units, mug=9)
    pickup = await order(shop, await shop.customer(), {MUG: 2})
    await step(shop, pickup, "decline", {"reason": "too_busy"}, await shop.till(HARBOUR))

    assert (await at_the_harbour(shop))["quantity"] == 9
    assert await incidents(shop) == []


async def test_a_decline_is_one_pick_in_vain_however_often_it_is_told(shop: Shop):
    await shelve(shop.units, mug=9)
    till = await shop.till(HARBOUR)
    pickup = await order(shop, await shop.customer(), {MUG: 2})
    for key in ("first", "second"):
        await shop.client.post(
            f"/v1/pickups/{pickup}/decline",
            json={"reason": "not_found"},
            headers=till | {"Idempotency-Key": key},
        )

    assert (await sure(shop))["misses"] == 1
    assert await sound(shop)


async def test_a_count_ends_the_doubt_even_where_it_agrees(shop: Shop):
    await shelve(shop.units, mug=1)
    await looked_in_vain(shop)
    before = await at_the_harbour(shop, query="&explain=true")
    await count(shop, 0, minutes(1))
    after = await at_the_harbour(shop, query="&explain=true")

    assert before["explain"]["confidence"]["misses"] == 1
    assert (after["explain"]["confidence"]["score"], after["explain"]["on_hand"]) == (1.0, 0)


async def test_whoever_shows_the_shelf_hears_that_a_doubt_has_ended_and_of_no_other_look(
    shop: Shop,
):
    async def told() -> list[str]:
        async with shop.units.read() as unit:
            rows = await unit.connection.fetch("select cause from feed_outbox order by id")
        return [row["cause"] for row in rows]

    await shelve(shop.units, mug=1)
    await looked_in_vain(shop)
    before = await told()
    await count(shop, 0, minutes(1))
    doubt_ended = await told()
    await count(shop, 0, minutes(2))

    assert [*before, "look"] == doubt_ended == await told()
    assert await sound(shop)


async def test_a_count_of_before_the_pick_does_not_end_the_doubt(shop: Shop):
    await shelve(shop.units, mug=1)
    await looked_in_vain(shop)
    await count(shop, 1, minutes(-5))

    assert (await sure(shop))["misses"] == 1


async def test_what_counts_find_lost_is_remembered_for_some_counts(shop: Shop):
    await shelve(shop.units, mug=10)
    await count(shop, 6, minutes(1))
    first = await sure(shop)
    await count(shop, 6, minutes(2))
    second = await sure(shop)

    assert (first["shrink"], second["shrink"]) == (0.2, 0.1)
    assert first["score"] == 0.8


async def test_goods_are_seen_when_a_till_sold_them_however_late_it_tells(shop: Shop):
    await results(shop, "adjustments", line(delta=5, reason="received", occurred_at=minutes(-90)))
    await ring_up(shop, sale("r-1", occurred_at=minutes(-60)))
    first = datetime.fromisoformat((await sure(shop))["seen_at"])
    await ring_up(shop, sale("r-2", occurred_at=minutes(-75)))
    second = datetime.fromisoformat((await sure(shop))["seen_at"])

    assert first == second
    assert timedelta(minutes=59) < datetime.now(UTC) - first < timedelta(minutes=65)
