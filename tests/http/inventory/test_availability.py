from datetime import datetime
from typing import Any

import pytest

from domain.catalogue.products import ProductState
from tests.support.examples import (
    ENGRAVING,
    HARBOUR,
    HILL,
    MUG,
    TEA_SET,
    TEAPOT,
    a_product,
    a_store,
    shelve,
)
from tests.support.shop import Shop

AT_THE_HARBOUR = "59.3233,18.0705"


async def ask(shop: Shop, path: str, headers: dict[str, str] | None = None) -> Any:
    answer = await shop.client.get(f"/v1/availability{path}", headers=headers or await shop.page())
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_one_sku_is_told_for_the_web_and_for_every_store_that_has_it(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=5)
    await shelve(shop.units, HILL, mug=2)
    answer = await ask(shop, f"/{MUG}")

    assert answer["ship"] == {"status": "in_stock", "quantity": 7}
    assert [(s["store"], s["status"], s["quantity"]) for s in answer["stores"]] == [
        (HARBOUR, "in_stock", 5),
        (HILL, "low_stock", 2),
    ]


async def test_it_is_told_from_when_it_can_be_collected_in_the_stores_own_time(shop: Shop):
    await shelve(shop.units, mug=5)
    pickup = (await ask(shop, f"/{MUG}"))["stores"][0]["pickup"]

    assert pickup["eligible"]
    assert pickup["reasons"] == []
    ready = datetime.fromisoformat(pickup["ready_from"])
    assert ready.utcoffset() is not None
    assert pickup["ready_from"][-6:] in {"+01:00", "+02:00"}
    assert 8 <= ready.hour <= 20


@pytest.mark.parametrize(
    ("store", "reason"),
    [({"pickup": False}, "pickup_unavailable"), ({"hours": "Mo-Su off"}, "store_never_open")],
)
async def test_why_it_cannot_be_collected_is_told_too(
    shop: Shop, store: dict[str, Any], reason: str
):
    await shelve(shop.units, mug=5)
    async with shop.units.begin() as unit:
        await unit.stores.stores.upsert([a_store(HARBOUR, **store)])
    pickup = (await ask(shop, f"/{MUG}"))["stores"][0]["pickup"]

    assert pickup == {"eligible": False, "ready_from": None, "reasons": [reason]}


async def test_near_a_place_come_the_stores_around_it_nearest_first(shop: Shop):
    await shelve(shop.units, HILL, mug=2)
    wide = await ask(shop, f"/{MUG}?near={AT_THE_HARBOUR}&radius_km=50")
    narrow = await ask(shop, f"/{MUG}?near={AT_THE_HARBOUR}&radius_km=0.5")

    assert [(s["store"], s["distance_km"], s["quantity"]) for s in wide["stores"]] == [
        (HARBOUR, 0.0, 0),
        (HILL, 0.9, 2),
    ]
    assert [s["store"] for s in narrow["stores"]] == [HARBOUR]
    assert narrow["ship"]["quantity"] == 2


async def test_many_skus_in_many_stores_come_in_the_order_asked(shop: Shop):
    await shelve(shop.units, mug=5, teapot=1)
    query = f"?sku={TEAPOT}&sku=GHOST&sku={MUG}&store={HARBOUR}&store={HILL}"
    answer = await ask(shop, query)

    assert [(item["sku"], item["reasons"]) for item in answer["items"]] == [
        (TEAPOT, []),
        ("GHOST", ["unknown_sku"]),
        (MUG, []),
    ]
    assert [[s["quantity"] for s in item["stores"]] for item in answer["items"]] == [
        [1, 0],
        [],
        [5, 0],
    ]
    assert answer["channel"] == "web"
    assert datetime.fromisoformat(answer["as_of"]).utcoffset() is not None


async def test_a_kit_is_there_as_often_as_its_scarcest_part_allows(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=5, teapot=9)
    await shelve(shop.units, HILL, mug=1, teapot=1)

    assert (await ask(shop, f"/{TEA_SET}"))["ship"]["quantity"] == 2


async def test_a_service_is_always_there_and_not_counted(shop: Shop):
    answer = await ask(shop, f"/{ENGRAVING}?store={HARBOUR}")

    assert answer["ship"] == {"status": "in_stock", "quantity": None}
    assert answer["stores"][0]["pickup"]["eligible"]


async def test_what_is_retired_is_not_sold_however_much_lies_there(shop: Shop):
    await shelve(shop.units, mug=5)
    async with shop.units.begin() as unit:
        await unit.catalogue.products.upsert([a_product(MUG, state=ProductState.RETIRED)])
    answer = await ask(shop, f"/{MUG}")

    assert (answer["reasons"], answer["ship"]["quantity"]) == (["retired"], 0)
    assert answer["stores"][0]["pickup"]["reasons"] == ["retired", "out_of_stock"]


async def test_safety_stock_is_kept_back_from_the_web(shop: Shop):
    await shelve(shop.units, mug=2)
    async with shop.units.begin() as unit:
        await unit.connection.execute("update stock_levels set safety_stock = 2")

    assert (await ask(shop, f"/{MUG}"))["ship"] == {"status": "out_of_stock", "quantity": 0}


async def test_staff_see_the_whole_sum_of_their_own_store(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=5)
    await shelve(shop.units, HILL, mug=5)
    async with shop.units.begin() as unit:
        await unit.connection.execute(
            "update stock_levels set unavailable = 1, allocated = 1, held = 1, safety_stock = 1"
        )
    at_harbour, at_hill = (
        await ask(shop, f"/{MUG}?explain=true", headers=await shop.associate(HARBOUR))
    )["stores"]

    sum_ = at_harbour["explain"]
    parts = ("unavailable", "allocated", "held", "safety_stock", "buffer")
    assert sum_["on_hand"] - sum(sum_[part] for part in parts) == sum_["sellable"] == 1
    assert sum_["reasons"] == ["held_by_carts", "promised_to_orders", "not_for_sale"]
    assert "explain" not in at_hill


async def test_a_shopper_may_not_see_the_sum(shop: Shop):
    for headers in (await shop.page(), await shop.customer()):
        answer = await shop.client.get(f"/v1/availability/{MUG}?explain=true", headers=headers)
        assert answer.status_code == 403


@pytest.mark.parametrize(
    "query", ["", "?sku=", "?sku=MUG&near=north", "?sku=MUG&near=91,0", "?sku=MUG&skew=1"]
)
async def test_a_question_that_cannot_be_answered_names_what_is_wrong(shop: Shop, query: str):
    answer = await shop.client.get(f"/v1/availability{query}", headers=await shop.page())

    assert answer.status_code == 422
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    "question",
    [
        "?sku=MUG&store=nowhere",
        f"?sku=MUG&store={HARBOUR}&store=nowhere&near=59,18",
        "/MUG?store=nowhere",
    ],
)
async def test_a_store_that_does_not_exist_is_named(shop: Shop, question: str):
    answer = await shop.client.get(f"/v1/availability{question}", headers=await shop.page())
    [error] = answer.json()["errors"]

    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_store")
    assert (error["parameter"], error["in"]) == ("store", "query")


async def test_an_unknown_sku_is_not_there(shop: Shop):
    answer = await shop.client.get("/v1/availability/GHOST", headers=await shop.page())

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_sku")


async def test_what_has_not_changed_is_not_sent_again(shop: Shop):
    await shelve(shop.units, mug=5)
    page = await shop.page()
    first = await shop.client.get(f"/v1/availability/{MUG}", headers=page)
    same = page | {"If-None-Match": first.headers["ETag"]}
    again = await shop.client.get(f"/v1/availability/{MUG}", headers=same)
    await shelve(shop.units, mug=1)
    changed = await shop.client.get(f"/v1/availability/{MUG}", headers=same)

    assert (again.status_code, changed.status_code) == (304, 200)


@pytest.mark.parametrize("question", [f"/{MUG}?", f"?sku={MUG}&"])
async def test_an_answer_says_how_fresh_it_is_and_whoever_keeps_it_asks_again(
    shop: Shop, question: str
):
    page = await shop.page()
    path = f"/v1/availability{question}"
    fresh = await shop.client.get(f"{path}max_staleness=0", headers=page)
    wrong = await shop.client.get(f"{path}max_staleness=-1", headers=page)

    assert fresh.json()["source"] == "live"
    assert datetime.fromisoformat(fresh.json()["as_of"]).utcoffset() is not None
    assert fresh.headers["cache-control"] == "private, no-cache"
    assert (wrong.status_code, wrong.json()["errors"][0]["parameter"]) == (422, "max_staleness")


async def test_a_kit_has_no_sum_of_its_own(shop: Shop):
    await shelve(shop.units, mug=5, teapot=9)
    answer = await ask(
        shop, f"/{TEA_SET}?explain=true&store={HARBOUR}", headers=await shop.associate(HARBOUR)
    )

    assert "explain" not in answer["stores"][0]
