"""What the app and the till see of a member's points."""

import pytest

from domain.kernel.ids import CustomerId, OrderId
from tests.support.examples import HARBOUR, MUG, TEAPOT
from tests.support.points import promise
from tests.support.shop import Shop, a_shop

FRIEND = CustomerId("cus_sample-1")
ORDER = OrderId("ord_1")


@pytest.fixture
async def friend(shop: Shop) -> dict[str, str]:
    """A member with 15 pending points, of which 4 were confirmed."""
    headers = await shop.customer()
    async with shop.units.begin() as unit:
        await promise(unit.loyalty.points, FRIEND, ORDER, {MUG: 10, TEAPOT: 5})
        await unit.loyalty.points.confirm(ORDER, {MUG: 4}, "handover:1")
    return headers


async def test_the_app_shows_what_can_be_spent_and_what_will_be_earned(shop, friend):
    answer = await shop.client.get("/v1/me/rewards", headers=friend)
    rewards = answer.json()

    assert answer.status_code == 200
    assert rewards["member"].startswith("mem_")
    assert rewards["balance"] == {"available": 4, "pending": 11, "held": 0, "debt": 0}
    assert (rewards["expiring"], rewards["tier"]) == ([], None)
    assert sorted(rewards) == ["as_of", "balance", "expiring", "member", "tier"]


async def test_the_app_may_keep_the_balance_until_it_changes(shop, friend):
    first = await shop.client.get("/v1/me/rewards", headers=friend)
    known = {**friend, "If-None-Match": first.headers["etag"]}
    same = await shop.client.get("/v1/me/rewards", headers=known)
    async with shop.units.begin() as unit:
        await unit.loyalty.points.confirm(ORDER, {TEAPOT: 5}, "handover:2")
    changed = await shop.client.get("/v1/me/rewards", headers=known)

    assert first.headers["cache-control"] == "private, no-cache"
    assert (same.status_code, same.content) == (304, b"")
    assert changed.status_code == 200
    assert changed.json()["balance"]["available"] == 9


async def test_the_statement_tells_what_happened_latest_first_in_pages(shop, friend):
    first = await shop.client.get("/v1/me/rewards/entries?limit=1", headers=friend)
    cursor = first.json()["next_cursor"]
    second = await shop.client.get(
        "/v1/me/rewards/entries", headers=friend, params={"limit": 1, "cursor": cursor}
    )
    entries = [*first.json()["items"], *second.json()["items"]]

    assert [(entry["kind"], entry["purchase"]) for entry in entries] == [
        ("confirmed", "ord_1"),
        ("promised", "ord_1"),
    ]
    assert entries[0]["change"] == {"available": 4, "pending": -4, "held": 0, "debt": 0}
    assert second.json()["next_cursor"] is None


@pytest.mark.parametrize("path", ["/v1/me/rewards", "/v1/me/rewards/entries"])
async def test_who_is_not_a_member_is_told_so(shop, path):
    answer = await shop.client.get(path, headers=await shop.customer(member=False))

    assert (answer.status_code, answer.json()["code"]) == (404, "not_a_member")


async def test_the_till_sees_what_its_customer_has(shop, friend):
    mine = (await shop.client.get("/v1/me/rewards", headers=friend)).json()
    path = f"/v1/members/{mine['member']}/rewards"
    answer = await shop.client.get(path, headers=await shop.till(HARBOUR))
    nobody = await shop.client.get("/v1/members/mem_0/rewards", headers=await shop.till(HARBOUR))

    assert answer.json() | {"as_of": ""} == mine | {"as_of": ""}
    assert (nobody.status_code, nobody.json()["code"]) == (404, "not_a_member")


async def test_a_retailer_may_let_points_rest_before_they_can_be_spent(database_url, tmp_path):
    async with a_shop(database_url, tmp_path, activation_days=14) as shop:
        me = await shop.customer()
        async with shop.units.begin() as unit:
            await promise(unit.loyalty.points, FRIEND, ORDER, {MUG: 10})
            await unit.loyalty.points.confirm(ORDER, {MUG: 10}, "handover:1")
        answer = await shop.client.get("/v1/me/rewards", headers=me)

    assert answer.json()["balance"] == {"available": 0, "pending": 10, "held": 0, "debt": 0}


async def test_a_customer_may_not_look_at_another_member(shop, friend):
    answer = await shop.client.get("/v1/members/mem_0/rewards", headers=friend)

    assert answer.status_code == 403
