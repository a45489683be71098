from datetime import timedelta
from typing import Any

from service.fulfilment.expire_pickups import expire_pickups
from tests.support.api.pickups import Desk, a_desk
from tests.support.api.receipts import back, line, tell
from tests.support.api.returns import SOUND, bought
from tests.support.examples import HARBOUR, HILL, MUG, TEAPOT
from tests.support.shop import Shop


async def steps(desk: Desk, headers: dict[str, str]) -> Any:
    order = (await desk.look())["order"]
    answer = await desk.shop.client.get(f"/v1/orders/{order}/timeline", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def words(told: Any) -> list[tuple[str, str]]:
    return [(one["what"], one["by"]) for one in told]


async def test_an_order_tells_each_step_and_which_side_took_it(shop: Shop):
    desk = await a_desk(shop, mug=2)
    code = await desk.make_ready(mug=2)
    await desk.do("handover", {"code": code, "lines": [{"sku": MUG, "quantity": 1}]})
    await desk.cancel()
    await desk.do("put-back")

    told = await steps(desk, desk.me)

    assert words(told) == [
        ("placed", "buyer"),
        ("accepted", "store"),
        ("picked", "store"),
        ("ready", "store"),
        ("collected", "store"),
        ("cancelled", "buyer"),
        ("put_back", "store"),
    ]
    assert [one.get("lines") for one in told[4:]] == [[{"sku": MUG, "quantity": 1}]] * 3
    assert {one.get("group") for one in told} == {None, desk.pickup}
    assert {one.get("store") for one in told} == {None, HARBOUR}


async def test_staff_see_who_it_was_and_buyers_do_not(shop: Shop):
    desk = await a_desk(shop, mug=2)
    await desk.do("accept")

    of_staff, of_buyer = await steps(desk, desk.till), await steps(desk, desk.me)

    assert [one["actor"][:4] for one in of_staff] == ["cus_", "key_"]
    assert all("actor" not in one for one in of_buyer)


async def test_what_was_not_found_and_what_was_declined_are_told_apart(shop: Shop):
    desk = await a_desk(shop, mug=3, teapot=1)
    await desk.do("decline", {"reason": "damaged", "lines": [TEAPOT]})
    await desk.do("accept")
    await desk.do("pick", {"lines": [{"sku": MUG, "quantity": 2, "short": True}]})

    told = await steps(desk, desk.me)

    assert words(told)[1:] == [
        ("declined", "store"),
        ("accepted", "store"),
        ("picked", "store"),
        ("short", "store"),
    ]
    assert (told[1]["reason"], told[1]["lines"]) == ("damaged", [{"sku": TEAPOT, "quantity": 1}])
    assert told[4]["lines"] == told[4]["missing"] == [{"sku": MUG, "quantity": 1}]


async def test_a_reason_in_somebodys_own_words_is_not_told(shop: Shop):
    desk = await a_desk(shop, mug=1)
    await desk.do("decline", {"reason": "Sample Customer called"})

    assert "Sample" not in str(await steps(desk, desk.till))


async def test_a_repeat_and_a_wrong_code_are_no_steps(shop: Shop):
    desk = await a_desk(shop, mug=1)
    await desk.make_ready(mug=1)
    before = await steps(desk, desk.me)
    await desk.do("ready", {"bin": "B2"})
    await desk.do("handover", {"code": "WRONG"})

    assert await steps(desk, desk.me) == before


async def test_what_the_clock_ends_is_told_of_the_clock(shop: Shop):
    desk = await a_desk(shop, mug=1)
    await desk.make_ready(mug=1)
    async with shop.units.begin() as unit:
        await unit.connection.execute("update pickups set collect_by = $1", unit.now - timedelta(1))
    await expire_pickups(shop.units)

    assert words(await steps(desk, desk.me))[-1] == ("expired", "clock")


async def test_an_order_tells_its_steps_page_by_page_to_whoever_may_see_it(shop: Shop):
    desk = await a_desk(shop, mug=1)
    await desk.make_ready(mug=1)
    path = f"/v1/orders/{(await desk.look())['order']}/timeline"
    first = (await shop.client.get(f"{path}?limit=3", headers=desk.me)).json()
    rest = await shop.client.get(f"{path}?cursor={first['next_cursor']}", headers=desk.me)
    stranger = await shop.client.get(path, headers=await shop.till(HILL))

    assert words(first["items"] + rest.json()["items"]) == words(await steps(desk, desk.me))
    assert [one["what"] for one in rest.json()["items"]] == ["ready"]
    assert stranger.status_code == 404


async def test_what_comes_back_is_told_from_the_announcement_to_the_decision(shop: Shop):
    desk = await bought(shop, mug=4)
    coming, other = await desk.announce(quantity=2), await desk.announce()
    came = [SOUND, SOUND | {"disposition": "missing"}]
    await desk.tell(coming["id"], "receive", {"lines": came})
    for _ in range(2):
        await desk.tell(other["id"], "cancel", by=desk.me)
    office = await shop.office()
    await desk.tell(coming["id"], "decide", {"pay": True}, by=office)
    till = await shop.till(HILL)
    for _ in range(2):
        await desk.give_back(SOUND, at=till, key="same")
    await tell(shop, back("r-1", line(MUG, 1), of=desk.order))

    told = [one for one in await steps(desk, desk.me) if "back" in one]

    assert words(told) == [
        ("return_announced", "buyer"),
        ("return_announced", "buyer"),
        ("returned", "store"),
        ("return_cancelled", "buyer"),
        ("return_decided", "office"),
        ("returned", "store"),
        ("returned", "store"),
    ]
    assert [one["store"] for one in told] == [HARBOUR] * 5 + [HILL, HARBOUR]
    assert [one["lines"][0]["quantity"] for one in told] == [2, 1, 2, 1, 2, 1, 1]
    paid = [one["amount"]["amount"] for one in told if "amount" in one]
    assert paid == [1000, 1000, 1000, 0]
    first, second = coming["id"], other["id"]
    assert [one["back"] for one in told[:5]] == [first, second, first, second, first]
    assert all("actor" not in one for one in told)
