"""Through which channels goods are sold, from where, and what each keeps back and shows."""

import asyncio
from itertools import product
from typing import Any

import pytest

from domain.stores.stores import StoreKind, StoreState
from tests.support.api.cart_holds import hold as hold_cart
from tests.support.api.cart_holds import look as look_at_cart
from tests.support.api.carts import a_cart
from tests.support.api.holds import hold, let_time_pass, line
from tests.support.api.orders import order
from tests.support.api.receipts import sale, statuses
from tests.support.api.sales_channels import buffers, own_buffer, put_channel
from tests.support.examples import ENGRAVING, HARBOUR, HILL, MUG, TEA_SET, TEAPOT, a_store, shelve
from tests.support.shop import Shop


async def put_store(shop: Shop, store: str = HARBOUR, **more: Any) -> None:
    async with shop.units.begin() as unit:
        await unit.stores.stores.upsert([a_store(store, **more)])


async def look(shop: Shop, query: str = "", sku: str = MUG, staff: bool = False) -> Any:
    headers = await (shop.office() if staff else shop.page())
    answer = await shop.client.get(f"/v1/availability/{sku}{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def quantities(shop: Shop, channel: str = "web", sku: str = MUG) -> dict[str, int]:
    """What a channel may sell, in the network and in each store."""
    answer = await look(shop, f"?channel={channel}", sku)
    return {
        "ship": answer["ship"]["quantity"],
        **{store["store"]: store["quantity"] for store in answer["stores"]},
    }


# --- the policy of a channel ----------------------------------------------------------------------


async def test_the_web_is_there_from_the_beginning_and_others_are_opened(shop: Shop):
    await put_channel(shop, "app", buffer=2, quantities="capped", most=5, low_at=1)
    answer = await shop.client.get("/v1/channels", headers=await shop.associate(HARBOUR))

    assert answer.json() == {
        "items": [
            {"channel": "app", "buffer": 2, "quantities": "capped", "most": 5, "low_at": 1},
            {"channel": "web", "buffer": 0, "quantities": "exact", "most": 10, "low_at": 3},
        ],
        "next_cursor": None,
    }


async def test_channels_are_listed_page_by_page(shop: Shop):
    await put_channel(shop, "app")
    office = await shop.office()
    first = (await shop.client.get("/v1/channels?limit=1", headers=office)).json()
    cursor = first["next_cursor"]
    rest = (await shop.client.get(f"/v1/channels?cursor={cursor}", headers=office)).json()

    assert [one["channel"] for one in first["items"] + rest["items"]] == ["app", "web"]


@pytest.mark.parametrize(
    ("channel", "policy", "pointer"),
    [
        ("web", {"buffer": -1}, "/buffer"),
        ("web", {"quantities": "few"}, "/quantities"),
        ("web", {"most": 0}, "/most"),
        ("web", {"low_at": -1}, "/low_at"),
        ("web", {"bufer": 1}, "/bufer"),
        ("The Web", {}, "/channel"),
    ],
)
async def test_a_policy_that_cannot_be_names_its_field(
    shop: Shop, channel: str, policy: dict[str, Any], pointer: str
):
    answer = await shop.client.put(
        f"/v1/channels/{channel}", json=policy, headers=await shop.office()
    )

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert (await put_channel(shop, "web"))["buffer"] == 0


async def test_a_channel_keeps_its_buffer_back_at_every_location(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=5)
    await shelve(shop.units, HILL, mug=2)
    await put_channel(shop, "app", buffer=3)

    assert await quantities(shop, "app") == {"ship": 2, HARBOUR: 2, HILL: 0}
    assert await quantities(shop) == {"ship": 7, HARBOUR: 5, HILL: 2}


async def test_a_sku_may_have_a_buffer_of_its_own_and_lose_it_again(shop: Shop):
    await shelve(shop.units, mug=5, teapot=5)
    await put_channel(shop, buffer=1)
    await own_buffer(shop, MUG, 4)
    own = [await quantities(shop), await quantities(shop, sku=TEAPOT)]
    await own_buffer(shop, MUG, 0)
    none = await quantities(shop)
    await own_buffer(shop, MUG, None)

    assert [one[HARBOUR] for one in own] == [1, 4]
    assert [none[HARBOUR], (await quantities(shop))[HARBOUR]] == [5, 4]


async def test_a_kit_is_there_as_often_as_the_buffers_of_its_parts_allow(shop: Shop):
    await shelve(shop.units, mug=6, teapot=3)
    await own_buffer(shop, MUG, 3)

    assert (await quantities(shop, sku=TEA_SET))[HARBOUR] == 1


async def test_buffers_of_many_skus_are_told_at_once_and_each_is_answered(shop: Shop):
    lines = [
        {"sku": MUG, "buffer": 2},
        {"sku": "GHOST", "buffer": 2},
        {"sku": TEAPOT, "buffer": -1},
        {"sku": MUG, "buffer": 2},
        {"sku": TEAPOT, "buffer": None},
    ]
    results = (await buffers(shop, *lines)).json()["results"]
    kept = await shop.client.get("/v1/channels/web/buffers", headers=await shop.office())

    assert [one.get("code", one["status"]) for one in results] == [
        "applied",
        "unknown_sku",
        "minimum",
        "unchanged",
        "unchanged",
    ]
    assert kept.json()["items"] == [{"sku": MUG, "buffer": 2}]


async def test_there_are_no_buffers_in_a_channel_that_nobody_opened(shop: Shop):
    told = await buffers(shop, {"sku": MUG, "buffer": 2}, channel="app")
    asked = await shop.client.get("/v1/channels/app/buffers", headers=await shop.office())

    for answer in (told, asked):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_channel")


async def test_a_write_that_is_sent_twice_is_answered_as_the_first_time(shop: Shop):
    office = await shop.office() | {"Idempotency-Key": "once"}
    lines = {"lines": [{"sku": MUG, "buffer": 2}]}
    first, again = [
        await shop.client.post("/v1/channels/web/buffers", json=lines, headers=office)
        for _ in range(2)
    ]

    assert first.json() == again.json() == {"results": [{"status": "applied"}]}
    assert again.headers["Idempotent-Replayed"] == "true"


# --- what is shown --------------------------------------------------------------------------------


async def test_each_channel_shows_quantities_by_its_own_policy_and_staff_see_them_all(shop: Shop):
    await shelve(shop.units, mug=137)
    await put_channel(shop, "app", quantities="hidden")
    await put_channel(shop, "kiosk", quantities="capped", most=20)
    seen = [(await quantities(shop, one))[HARBOUR] for one in ("web", "app", "kiosk")]
    staff = [
        (await look(shop, f"?channel={one}", staff=True))["stores"][0]["quantity"]
        for one in ("web", "app", "kiosk")
    ]

    assert (seen, staff) == ([137, None, 20], [137, 137, 137])


async def test_each_channel_says_from_where_on_there_is_little(shop: Shop):
    await shelve(shop.units, mug=5)
    await put_channel(shop, "app", low_at=5)

    assert (await look(shop, "?channel=app"))["ship"]["status"] == "low_stock"
    assert (await look(shop))["ship"]["status"] == "in_stock"


@pytest.mark.parametrize(
    "path", [f"/{MUG}?channel=moon", f"?sku={MUG}&channel=moon", "/stream?channel=moon"]
)
async def test_a_channel_that_nobody_opened_is_named(shop: Shop, path: str):
    answer = await shop.client.get(f"/v1/availability{path}", headers=await shop.page())
    [error] = answer.json()["errors"]

    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_channel")
    assert (error["parameter"], error["in"]) == ("channel", "query")
    assert "moon" in answer.json()["detail"]


async def test_the_answer_to_a_list_names_its_channel(shop: Shop):
    await put_channel(shop, "app", buffer=1)
    await shelve(shop.units, mug=2)
    answer = await shop.client.get(
        f"/v1/availability?sku={MUG}&channel=app", headers=await shop.page()
    )

    assert answer.json()["channel"] == "app"
    assert answer.json()["items"][0]["ship"]["quantity"] == 1


async def test_staff_see_the_buffer_in_the_sum_and_what_it_does(shop: Shop):
    await shelve(shop.units, mug=5)
    await put_channel(shop, buffer=2)
    async with shop.units.begin() as unit:
        await unit.connection.execute("update stock_levels set unavailable = 1, safety_stock = 1")
    [roomy] = (await look(shop, "?explain=true", staff=True))["stores"]
    await put_channel(shop, buffer=3)
    [tight] = (await look(shop, "?explain=true", staff=True))["stores"]

    parts = ("unavailable", "allocated", "held", "safety_stock", "buffer")
    for store in (roomy, tight):
        told = store["explain"]
        assert told["on_hand"] - sum(told[part] for part in parts) == told["sellable"]
    assert [one["explain"]["buffer"] for one in (roomy, tight)] == [2, 3]
    assert [one["explain"]["sellable"] for one in (roomy, tight)] == [1, 0]
    assert "below_buffer" not in roomy["explain"]["reasons"]
    assert "below_buffer" in tight["explain"]["reasons"]


# --- which location serves which channel ----------------------------------------------------------


async def test_a_channel_sells_only_from_the_locations_that_serve_it(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=5)
    await shelve(shop.units, HILL, mug=2)
    await put_channel(shop, "app")
    await put_store(shop, HILL, channels=("app",))

    assert await quantities(shop) == {"ship": 5, HARBOUR: 5, HILL: 0}
    assert await quantities(shop, "app") == {"ship": 7, HARBOUR: 5, HILL: 2}


async def test_where_a_channel_is_not_served_it_says_so_of_goods_and_of_services(shop: Shop):
    await shelve(shop.units, mug=5)
    await put_store(shop, channels=())
    [mug] = (await look(shop, f"?store={HARBOUR}&explain=true", staff=True))["stores"]
    [service] = (await look(shop, f"?store={HARBOUR}", ENGRAVING))["stores"]

    assert mug["pickup"]["reasons"] == ["not_served", "out_of_stock"]
    assert (mug["explain"]["reasons"], mug["explain"]["sellable"]) == (["not_served"], 0)
    assert service["pickup"]["reasons"] == ["not_served", "out_of_stock"]


async def test_the_database_and_the_rule_agree_on_who_serves_whom(shop: Shop):
    await shelve(shop.units, mug=5)
    await put_channel(shop, "app")
    some: list[tuple[str, ...] | None] = [None, (), ("web",), ("app",), ("app", "web")]
    apart = []
    async with shop.units.begin() as unit:
        for state, channels in product(StoreState, some):
            store = a_store(state=state, channels=channels)
            await unit.stores.stores.upsert([store])
            terms = await unit.inventory.sellable_stock.get_terms([(HARBOUR, MUG)])
            for channel in ("web", "app"):
                sold, lying = await unit.inventory.sellable_stock.get_for_channel(channel, [MUG])
                found = [
                    one.apply_to_all(lying)[HARBOUR, MUG].serves for one in (sold, terms[channel])
                ]
                if found != [store.serves(channel)] * 2:
                    apart.append((state, channels, channel, found))

    assert apart == []


# --- holds, carts and tills -----------------------------------------------------------------------


async def test_a_hold_takes_nothing_of_the_buffer_of_its_channel(shop: Shop):
    await shelve(shop.units, mug=3)
    await put_channel(shop, "app", buffer=2)
    page = await shop.page()
    short = await hold(shop, page, line(quantity=2), channel="app")
    enough = await hold(shop, page, line(quantity=1), channel="app")
    web = await hold(shop, page, line(quantity=2))

    assert (short.status_code, short.json()["code"]) == (409, "insufficient_stock")
    assert short.json()["errors"][0]["available"] == 1
    assert (enough.status_code, enough.json()["channel"]) == (201, "app")
    assert (web.status_code, web.json()["channel"]) == (201, "web")


async def test_holds_of_two_channels_at_once_each_keep_to_their_own_terms(shop: Shop):
    await shelve(shop.units, mug=10)
    await put_channel(shop, "app", buffer=6)
    page = await shop.page()
    answers = await asyncio.gather(*(hold(shop, page, channel=one) for one in ["app", "web"] * 10))
    taken = [answer.json()["channel"] for answer in answers if answer.status_code == 201]

    assert len(taken) == 10
    assert taken.count("app") <= 4


async def test_a_hold_through_a_channel_that_nobody_opened_is_refused_and_holds_nothing(
    shop: Shop,
):
    await shelve(shop.units, mug=3)
    for goods in (line(), line(ENGRAVING)):
        answer = await hold(shop, await shop.page(), goods, channel="moon")
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_channel")
        assert answer.json()["errors"][0]["pointer"] == "/channel"

    assert (await quantities(shop))[HARBOUR] == 3


async def test_nothing_is_held_where_the_channel_is_not_served(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=3)
    await shelve(shop.units, HILL, mug=3)
    await put_store(shop, HILL, channels=())
    for goods in (line(store=HILL), line(ENGRAVING, store=HILL)):
        answer = await hold(shop, await shop.page(), line(), goods)

        assert (answer.status_code, answer.json()["code"]) == (409, "not_served")
        assert answer.json()["errors"] == [{"store": HILL, "code": "not_served"}]
    assert (await quantities(shop))[HARBOUR] == 3


async def test_a_cart_sells_through_the_web_and_keeps_to_its_buffer(shop: Shop):
    await shelve(shop.units, mug=3)
    cart = await a_cart(shop, await shop.page(), mug=2)
    await put_channel(shop, buffer=2)
    seen, held, placed = (
        await look_at_cart(shop, cart),
        await hold_cart(shop, cart),
        await order(shop, cart),
    )

    assert [one["code"] for one in seen["lines"][0]["problems"]] == ["insufficient_stock"]
    for answer in (held, placed):
        assert (answer.status_code, answer.json()["code"]) == (409, "insufficient_stock")
        assert answer.json()["errors"][0]["available"] == 1


async def test_what_a_cart_holds_may_be_ordered_though_a_buffer_was_raised_since(shop: Shop):
    await shelve(shop.units, mug=3)
    page = await shop.page()
    cart = await a_cart(shop, page, mug=2)
    await hold_cart(shop, cart)
    await own_buffer(shop, MUG, 3)
    seen = await look_at_cart(shop, cart)
    late = await hold(shop, page, line())

    assert seen["lines"][0]["problems"] == []
    assert late.json()["code"] == "insufficient_stock"
    assert (await order(shop, cart)).status_code == 201


async def test_what_a_cart_holds_may_be_ordered_though_the_store_serves_the_web_no_longer(
    shop: Shop,
):
    await shelve(shop.units, mug=3)
    page = await shop.page()
    holder = await a_cart(shop, page, mug=2, engraving=1)
    other = await a_cart(shop, page, mug=1)
    service = await a_cart(shop, page, engraving=1)
    await hold_cart(shop, holder)
    await put_store(shop, channels=())
    problems = [(await look_at_cart(shop, one))["lines"][0]["problems"] for one in (holder, other)]
    held = await hold_cart(shop, other)
    placed = [await order(shop, one, key=one["id"]) for one in (holder, other, service)]

    assert [[one["code"] for one in mine] for mine in problems] == [[], ["not_served"]]
    assert (held.status_code, held.json()["code"]) == (409, "not_served")
    assert [answer.status_code for answer in placed] == [201, 409, 409]
    assert placed[2].json()["code"] == "not_served"


async def test_a_hold_whose_time_is_over_keeps_nothing_of_a_store_that_serves_no_longer(
    shop: Shop,
):
    await shelve(shop.units, mug=3)
    cart = await a_cart(shop, await shop.page(), mug=2)
    await hold_cart(shop, cart)
    await put_store(shop, channels=())
    await let_time_pass(shop, 20)

    assert (await order(shop, cart)).json()["code"] == "not_served"


async def test_the_till_sells_what_is_kept_back_from_every_channel(shop: Shop):
    await shelve(shop.units, mug=2)
    await put_channel(shop, buffer=2)
    async with shop.units.begin() as unit:
        await unit.connection.execute("update stock_levels set safety_stock = 2")
    await put_store(shop, channels=())

    assert (await quantities(shop))[HARBOUR] == 0
    assert await statuses(shop, sale("r-1")) == ["applied"]


async def test_pickup_that_was_switched_off_stops_new_orders_and_no_old_one(shop: Shop):
    await shelve(shop.units, mug=3)
    page = await shop.page()
    old, new = await a_cart(shop, page, mug=1), await a_cart(shop, page, mug=1)
    placed = (await order(shop, old, key="old")).json()
    await put_store(shop, pickup=False)
    refused = await order(shop, new, key="new")
    pickup = placed["groups"][0]["pickup"]
    accepted = await shop.client.post(
        f"/v1/pickups/{pickup}/accept", json={}, headers=await shop.associate(HARBOUR)
    )

    assert (refused.status_code, refused.json()["code"]) == (409, "pickup_unavailable")
    assert accepted.status_code == 200


async def bring_in(shop: Shop, text: str) -> Any:
    answer = await shop.client.post(
        "/v1/imports/stores",
        content=text,
        headers=await shop.office() | {"Content-Type": "text/csv"},
    )
    return answer.json()


async def known(shop: Shop, store: str) -> Any:
    answer = await shop.client.get(f"/v1/stores/{store}", headers=await shop.page())
    return answer.json()


# --- kinds of location ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [StoreKind.WAREHOUSE, StoreKind.DARK_STORE])
async def test_only_where_people_walk_in_is_there_a_till(shop: Shop, kind: StoreKind):
    await put_store(shop, kind=kind)
    office = await shop.office()
    body = {"role": "till", "stores": [HARBOUR], "terminal": "T1"}
    answer = await shop.client.post("/v1/keys", json=body, headers=office)
    staff = await shop.client.post(
        "/v1/keys", json={"role": "associate", "stores": [HARBOUR]}, headers=office
    )

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "no_tills")
    assert staff.status_code == 201


async def test_a_file_says_what_a_location_is_and_what_it_serves(shop: Shop):
    await put_channel(shop, "app")
    report = await bring_in(
        shop, "store,kind,channels\nW,warehouse,app;web\nD,Dark_Store,\nS,,-\nX,,app\n"
    )
    found = [await known(shop, store) for store in "WDSX"]

    assert report["accepted"] == 4, report
    assert [(one["kind"], one["channels"], one["pickup"]) for one in found] == [
        ("warehouse", ["app", "web"], False),
        ("dark_store", None, True),
        ("store", [], True),
        ("store", ["app"], True),
    ]


async def test_a_kind_or_a_channel_that_there_is_not_is_refused_with_its_rule(shop: Shop):
    report = await bring_in(shop, "store,kind,channels\nA,kiosk,\nB,,moon\nC,,The Web\n")

    assert [(one["line"], one["code"]) for one in report["lines"]] == [
        (2, "unreadable"),
        (3, "unknown_channel"),
        (4, "invalid"),
    ]
    assert report["lines"][0]["detail"] == "kind must be one of store, warehouse, dark_store."
    assert "'moon'" in report["lines"][1]["detail"]


async def test_a_file_without_these_columns_leaves_them_as_they_are(shop: Shop):
    await bring_in(shop, "store,kind,channels,pickup\nW,warehouse,web,yes\n")
    again = await bring_in(shop, "store,name\nW,Warehouse\n")
    other_kind = await bring_in(shop, "store,kind\nW,store\n")
    found = await known(shop, "W")

    assert (again["accepted"], other_kind["accepted"]) == (1, 1)
    assert (found["name"], found["channels"], found["pickup"]) == ("Warehouse", ["web"], True)
