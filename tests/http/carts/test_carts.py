import asyncio
import json
from typing import Any

import pytest

from tests.support.api.carts import HERE, a_cart, put
from tests.support.examples import ENGRAVING, HARBOUR, HILL, MUG, TEA_SET, TEAPOT, a_product, shelve
from tests.support.shop import Shop


async def test_a_line_is_set_and_not_added_to(shop: Shop):
    cart = await a_cart(shop, await shop.page())
    await put(shop, cart["id"], cart["headers"], MUG, 2)
    answer = await put(shop, cart["id"], cart["headers"], MUG, 3)

    assert [line["quantity"] for line in answer.json()["lines"]] == [3]
    assert answer.json()["totals"]["to_pay"] == {"amount": 3000, "currency": "SEK"}


async def test_the_same_line_twice_leaves_the_cart_as_it_is(shop: Shop):
    cart = await a_cart(shop, await shop.page(), mug=2)
    again = await put(shop, cart["id"], cart["headers"], MUG, 2)

    assert again.json()["version"] == 2


async def test_a_line_may_ask_for_more_than_there_is_and_says_so(shop: Shop):
    await shelve(shop.units, mug=3, teapot=1)
    cart = await a_cart(shop, await shop.page())
    line = (await put(shop, cart["id"], cart["headers"], TEA_SET, 2)).json()["lines"][0]

    assert [(problem["code"], problem["available"]) for problem in line["problems"]] == [
        ("insufficient_stock", 1)
    ]


async def test_a_service_never_runs_out(shop: Shop):
    cart = await a_cart(shop, await shop.page())
    answer = await put(shop, cart["id"], cart["headers"], ENGRAVING, 5)

    assert answer.json()["lines"][0]["problems"] == []


async def test_a_new_price_is_shown_beside_the_one_that_was_seen(shop: Shop):
    await shelve(shop.units, mug=3)
    cart = await a_cart(shop, await shop.page(), mug=1)
    async with shop.units.begin() as unit:
        await unit.catalogue.products.upsert([a_product(MUG, 1200)])
    answer = await shop.client.get(f"/v1/carts/{cart['id']}", headers=cart["headers"])

    problem = answer.json()["lines"][0]["problems"][0]
    assert problem["code"] == "price_changed"
    assert (problem["seen"]["amount"], problem["price"]["amount"]) == (1000, 1200)


async def test_the_promise_of_a_group_is_in_the_stores_own_time(shop: Shop):
    cart = await a_cart(shop, await shop.page(), mug=1)
    answer = await shop.client.get(f"/v1/carts/{cart['id']}", headers=cart["headers"])

    group = answer.json()["groups"][0]
    assert (group["method"], group["store"], group["lines"]) == ("pickup", HARBOUR, [MUG])
    assert group["promised_from"].endswith("+01:00")


@pytest.mark.parametrize(
    ("sku", "body", "status", "code"),
    [
        (MUG, {"quantity": 0}, 422, "invalid"),
        (MUG, {"quantity": 1.5}, 422, "invalid"),
        (MUG, {"quantity": 1000}, 422, "invalid"),
        (MUG, {"quantity": 1, "colour": "blue"}, 422, "invalid"),
        (MUG, {"quantity": 1, "fulfilment": {"method": "pickup"}}, 422, "invalid"),
        (MUG, {"quantity": 1, "fulfilment": {"method": "drone"}}, 422, "invalid"),
        ("GHOST", {"quantity": 1}, 404, "unknown_sku"),
    ],
)
async def test_what_cannot_be_in_a_cart_is_refused_with_its_reason(
    shop: Shop, sku: str, body: dict[str, Any], status: int, code: str
):
    cart = await a_cart(shop, await shop.page())
    answer = await shop.client.put(
        f"/v1/carts/{cart['id']}/lines/{sku}", json=body, headers=cart["headers"]
    )

    assert (answer.status_code, answer.json()["code"]) == (status, code)


MOON = {"method": "pickup", "store": "moon"}


@pytest.mark.parametrize(
    ("fulfilment", "field", "code"),
    [
        (MOON, "store", "unknown_store"),
        ({"method": "pickup"}, "store", "required"),
        ({"method": "ship", "store": HARBOUR}, "store", "unknown_field"),
    ],
)
async def test_a_way_to_the_buyer_that_cannot_be_names_its_field(
    shop: Shop, fulfilment: dict[str, str], field: str, code: str
):
    cart = await a_cart(shop, await shop.page())
    path, opens = f"/v1/carts/{cart['id']}", cart["headers"]
    of_all = await shop.client.put(f"{path}/fulfilment", json=fulfilment, headers=opens)
    of_one = await put(shop, cart["id"], opens, MUG, 1, fulfilment=fulfilment)

    assert [answer.status_code for answer in (of_all, of_one)] == [422, 422]
    assert named(of_all) == [(f"/{field}", code)]
    assert named(of_one) == [(f"/fulfilment/{field}", code)]


def named(answer: Any) -> list[tuple[str, str]]:
    return [(error["pointer"], error["code"]) for error in answer.json()["errors"]]


async def test_a_cart_has_one_currency(shop: Shop):
    page = await shop.page()
    started = await shop.client.post("/v1/carts", json={"currency": "NOK"}, headers=page)
    opens = page | {"Cart-Token": started.json()["token"]}
    answer = await put(shop, started.json()["id"], opens, MUG, 1)

    assert (answer.status_code, answer.json()["code"]) == (409, "currency_mismatch")


async def test_a_decision_on_an_old_version_is_refused(shop: Shop):
    cart = await a_cart(shop, await shop.page(), mug=1)
    stale = cart["headers"] | {"If-Match": '"1"'}
    answer = await put(shop, cart["id"], stale, MUG, 2)

    assert (answer.status_code, answer.json()["version"]) == (412, 2)


async def test_a_cart_opens_to_nobody_without_its_token_and_the_try_is_written_down(shop: Shop):
    page = await shop.page()
    mine, other = await a_cart(shop, page, mug=1), await a_cart(shop, page)
    path = f"/v1/carts/{mine['id']}"
    tries = [
        page,
        other["headers"],
        page | {"Cart-Token": mine["id"]},
        await shop.customer("nosy"),
    ]
    answers = [await shop.client.get(path, headers=headers) for headers in tries]
    async with shop.units.read() as unit:
        noted = await unit.connection.fetchval("select count(*) from access_denials")

    assert [answer.status_code for answer in answers] == [404] * 4
    assert noted == 4


async def test_a_claim_merges_the_guests_lines_into_the_customers_and_a_repeat_changes_nothing(
    shop: Shop,
):
    me = await shop.customer()
    mine = await a_cart(shop, me, mug=998)
    guest = await a_cart(shop, await shop.page(), mug=3, teapot=1)
    claim = f"/v1/carts/{guest['id']}/claim"
    token = {"Cart-Token": guest["headers"]["Cart-Token"]}
    first = await shop.client.post(claim, json={}, headers=me | token)
    second = await shop.client.post(claim, json={}, headers=me)

    assert first.json()["id"] == second.json()["id"] == mine["id"]
    assert {line["sku"]: line["quantity"] for line in first.json()["lines"]} == {
        MUG: 999,
        TEAPOT: 1,
    }
    assert first.json()["changes"] == [
        {"sku": MUG, "code": "limited", "quantity": 999, "not_added": 2, "fulfilment": HERE},
        {"sku": TEAPOT, "code": "added", "quantity": 1, "not_added": 0, "fulfilment": HERE},
    ]
    assert second.json()["lines"] == first.json()["lines"]


async def test_the_next_person_on_the_device_sees_nothing_of_a_claimed_cart(shop: Shop):
    guest = await a_cart(shop, await shop.page(), mug=1)
    claim = f"/v1/carts/{guest['id']}/claim"
    token = {"Cart-Token": guest["headers"]["Cart-Token"]}
    await shop.client.post(claim, json={}, headers=await shop.customer("first") | token)
    next_person = await shop.customer("second") | token

    assert (await shop.client.post(claim, json={}, headers=next_person)).status_code == 404
    assert (await shop.client.get(claim[:-6], headers=next_person)).status_code == 404
    assert (await shop.client.get(claim[:-6], headers=guest["headers"])).status_code == 404


async def test_a_customers_cart_is_the_same_on_every_device(shop: Shop):
    me = await shop.customer()
    empty = await shop.client.get("/v1/me/cart?currency=SEK", headers=me)
    await put(shop, empty.json()["id"], me, MUG, 1)
    started = await shop.client.post("/v1/carts", json={"currency": "SEK"}, headers=me)
    elsewhere = await shop.client.get("/v1/me/cart", headers=me)

    assert empty.json()["lines"] == []
    assert started.json()["id"] == elsewhere.json()["id"] == empty.json()["id"]
    assert [line["sku"] for line in elsewhere.json()["lines"]] == [MUG]


async def test_two_guests_who_think_of_the_same_key_do_not_share_a_cart(shop: Shop):
    same = await shop.page() | {"Idempotency-Key": "start"}
    first, second = [
        (await shop.client.post("/v1/carts", json={"currency": "SEK"}, headers=same)).json()
        for _ in range(2)
    ]

    assert first["id"] != second["id"]
    assert first["token"] != second["token"]


async def test_a_customer_who_starts_a_cart_again_gets_the_first_answer(shop: Shop):
    me = await shop.customer() | {"Idempotency-Key": "start"}
    first, second = [
        await shop.client.post("/v1/carts", json={"currency": "SEK"}, headers=me) for _ in range(2)
    ]

    assert first.json() == second.json()
    assert second.headers["Idempotent-Replayed"] == "true"


async def test_all_lines_can_be_moved_to_another_store_at_once(shop: Shop):
    cart = await a_cart(shop, await shop.page(), mug=1, teapot=1)
    answer = await shop.client.put(
        f"/v1/carts/{cart['id']}/fulfilment",
        json={"method": "pickup", "store": HILL},
        headers=cart["headers"],
    )

    assert [group["store"] for group in answer.json()["groups"]] == [HILL]


async def test_names_are_in_the_readers_language(shop: Shop):
    cart = await a_cart(shop, await shop.page(), mug=1)
    swedish = cart["headers"] | {"Accept-Language": "sv-FI, en;q=0.5"}
    answer = await shop.client.get(f"/v1/carts/{cart['id']}", headers=swedish)

    assert answer.json()["lines"][0]["name"] == "Mugg"


async def test_an_associate_has_no_carts(shop: Shop):
    staff = await shop.associate(HARBOUR)
    answer = await shop.client.post("/v1/carts", json={"currency": "SEK"}, headers=staff)

    assert answer.status_code == 403


async def test_a_claim_of_ones_own_cart_changes_nothing(shop: Shop):
    me = await shop.customer()
    mine = await a_cart(shop, me, mug=2)
    answer = await shop.client.post(f"/v1/carts/{mine['id']}/claim", json={}, headers=me)
    after = await shop.client.get("/v1/me/cart", headers=me)

    assert (answer.status_code, answer.json()["changes"]) == (200, [])
    assert after.json()["id"] == mine["id"]
    assert [line["quantity"] for line in after.json()["lines"]] == [2]


async def test_a_log_in_claims_and_looks_at_the_cart_at_once(shop: Shop):
    for number in range(8):
        me = await shop.customer(f"sample-{number}")
        guest = await a_cart(shop, await shop.page(), mug=2)
        token = {"Cart-Token": guest["headers"]["Cart-Token"]}

        claimed, *looks = await asyncio.gather(
            shop.client.post(f"/v1/carts/{guest['id']}/claim", json={}, headers=me | token),
            *(shop.client.get("/v1/me/cart?currency=SEK", headers=me) for _ in range(3)),
        )
        after = await shop.client.get("/v1/me/cart", headers=me)

        assert claimed.status_code == 200, claimed.text
        assert {look.status_code for look in looks} == {200}
        assert [line["quantity"] for line in after.json()["lines"]] == [2]


async def test_an_empty_cart_takes_the_currency_that_is_wanted(shop: Shop):
    me = await shop.customer()
    looked = await shop.client.get("/v1/me/cart", headers=me)
    guest = await a_cart(shop, await shop.page(), mug=2)
    token = {"Cart-Token": guest["headers"]["Cart-Token"]}
    claimed = await shop.client.post(f"/v1/carts/{guest['id']}/claim", json={}, headers=me | token)
    full = await shop.client.post("/v1/carts", json={"currency": "NOK"}, headers=me)

    assert (looked.json()["currency"], claimed.json()["currency"]) == ("EUR", "SEK")
    assert full.json()["currency"] == "SEK"


async def test_a_claim_names_the_lines_for_which_there_is_no_room(shop: Shop):
    me, page = await shop.customer(), await shop.page()
    async with shop.units.begin() as unit:
        await unit.catalogue.products.upsert([a_product(f"S{number}") for number in range(201)])
    mine, guest = await a_cart(shop, me), await a_cart(shop, page, mug=1)
    line = {"sku": "", "quantity": 1, "seen": {"amount": 1000, "currency": "SEK"}}
    full = [line | {"sku": f"S{number}"} for number in range(200)]
    async with shop.units.begin() as unit:
        await unit.connection.execute(
            "update carts set lines = $2 where id = $1", mine["id"], json.dumps(full)
        )
    token = {"Cart-Token": guest["headers"]["Cart-Token"]}
    claimed = await shop.client.post(f"/v1/carts/{guest['id']}/claim", json={}, headers=me | token)

    assert claimed.json()["changes"] == [
        {"sku": MUG, "code": "limited", "quantity": 0, "not_added": 1, "fulfilment": HERE}
    ]
    assert len(claimed.json()["lines"]) == 200


async def test_a_currency_that_does_not_exist_starts_no_cart(shop: Shop):
    me = await shop.customer()
    refused = await shop.client.get("/v1/me/cart?currency=ZZZ", headers=me)

    [error] = refused.json()["errors"]
    assert (refused.status_code, error["parameter"], error["code"]) == (
        422,
        "currency",
        "unknown_currency",
    )
    async with shop.units.read() as unit:
        assert await unit.connection.fetchval("select count(*) from carts") == 0


async def test_an_old_token_opens_nothing_even_for_an_answer_that_was_given_before(shop: Shop):
    me = await shop.customer()
    cart = await a_cart(shop, await shop.page())
    keyed = cart["headers"] | {"Idempotency-Key": "once"}
    await put(shop, cart["id"], keyed, MUG, 2)
    again = await put(shop, cart["id"], keyed, MUG, 2)
    claim = {"headers": cart["headers"] | me | {"Idempotency-Key": "mine"}, "json": {}}
    claims = [await shop.client.post(f"/v1/carts/{cart['id']}/claim", **claim) for _ in range(2)]
    late = await put(shop, cart["id"], keyed, MUG, 2)

    assert again.headers["Idempotent-Replayed"] == "true"
    assert [claimed.status_code for claimed in claims] == [200, 200]
    assert claims[1].headers["Idempotent-Replayed"] == "true"
    assert late.status_code == 404
    assert "Idempotent-Replayed" not in late.headers


async def test_an_old_token_gets_no_earlier_answer_about_what_was_held(shop: Shop):
    await shelve(shop.units, mug=9)
    cart = await a_cart(shop, await shop.page(), mug=2)
    hold = {"headers": cart["headers"] | {"Idempotency-Key": "once"}, "json": {}}
    path = f"/v1/carts/{cart['id']}"
    held = [await shop.client.post(f"{path}/hold", **hold) for _ in range(2)]
    mine = cart["headers"] | await shop.customer()
    claimed = await shop.client.post(f"{path}/claim", json={}, headers=mine)
    late = await shop.client.post(f"{path}/hold", **hold)

    assert held[1].headers["Idempotent-Replayed"] == "true"
    assert [answer.status_code for answer in (*held, claimed, late)] == [200, 200, 200, 404]
