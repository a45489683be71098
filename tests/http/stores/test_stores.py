"""Where the stores are."""

from tests.support.api.stores import walk
from tests.support.examples import HARBOUR, HILL, a_store
from tests.support.shop import Shop


async def test_a_store_says_where_it_is_and_when_it_is_open(shop: Shop):
    async with shop.units.begin() as unit:
        await unit.stores.stores.upsert(
            [a_store(exceptions="2026 Dec 25 off", services=("Repairs",))]
        )

    answer = await shop.client.get(f"/v1/stores/{HARBOUR}", headers=await shop.page())

    assert answer.json() == {
        "store": HARBOUR,
        "name": "Harbour",
        "kind": "store",
        "address": "",
        "city": "",
        "postal_code": "",
        "country": "SE",
        "latitude": 59.3232,
        "longitude": 18.0704,
        "time_zone": "Europe/Stockholm",
        "hours": "Mo-Su 08:00-20:00",
        "exceptions": "2026 Dec 25 off",
        "phone": "",
        "pickup": True,
        "prep_minutes": 60,
        "pickup_days": 7,
        "services": ["Repairs"],
        "channels": None,
        "state": "active",
    }


async def test_there_is_no_store_that_nobody_knows(shop: Shop):
    answer = await shop.client.get("/v1/stores/moon", headers=await shop.page())

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_store")


async def test_the_nearest_store_comes_first_on_every_page(shop: Shop):
    async with shop.units.begin() as unit:
        await unit.stores.stores.upsert([a_store("far", latitude=59.86, longitude=17.64)])

    near = await walk(shop, "/v1/stores", near="59.3152,18.0734", radius_km=100, limit=1)
    nearer = await walk(shop, "/v1/stores", near="59.3152,18.0734", radius_km=5)

    assert [(each["store"], round(each["distance_km"])) for each in near] == [
        (HILL, 0),
        (HARBOUR, 1),
        ("far", 65),
    ]
    assert [each["store"] for each in nearer] == [HILL, HARBOUR]


async def test_neighbours_across_the_date_line_and_round_the_pole_are_near(shop: Shop):
    async with shop.units.begin() as unit:
        await unit.stores.stores.upsert(
            [
                a_store("west", latitude=-17.0, longitude=179.9),
                a_store("east", latitude=-17.0, longitude=-179.9),
                a_store("pole", latitude=89.9, longitude=0.0),
                a_store("behind", latitude=89.9, longitude=180.0),
            ]
        )

    fiji = await walk(shop, "/v1/stores", near="-17.0,179.95", radius_km=50)
    pole = await walk(shop, "/v1/stores", near="89.95,0.0", radius_km=50)

    assert [each["store"] for each in fiji] == ["west", "east"]
    assert [each["store"] for each in pole] == ["pole", "behind"]


async def test_without_a_place_every_store_is_listed_once_by_its_key(shop: Shop):
    async with shop.units.begin() as unit:
        await unit.stores.stores.upsert([a_store("kiosk", pickup=False)])

    every = await walk(shop, "/v1/stores", limit=2)
    collecting = await walk(shop, "/v1/stores", pickup=True)

    assert [each["store"] for each in every] == [HARBOUR, HILL, "kiosk"]
    assert "distance_km" not in every[0]
    assert [each["store"] for each in collecting] == [HARBOUR, HILL]


async def test_a_place_that_is_not_on_earth_is_refused(shop: Shop):
    for near in ("north", "91,0", "0,181"):
        answer = await shop.client.get(
            "/v1/stores", params={"near": near}, headers=await shop.page()
        )

        assert answer.status_code == 422
