from datetime import timedelta
from typing import Any

import pytest

from adapters.postgres.db.unit_of_work import utc_now
from domain.orders.search import SearchKind, parse_search
from tests.support.api.cancellations import cancel, send
from tests.support.api.carts import a_cart, put
from tests.support.api.order_edits import edit
from tests.support.api.order_views import sent_home
from tests.support.api.orders import order
from tests.support.api.search import find
from tests.support.examples import HARBOUR, HILL, MUG, TEAPOT, shelve
from tests.support.shop import Shop

ANNA = {"name": "Anna  Maria Berg", "email": "Anna.Berg@example.com", "phone": "070-174 06 05"}


async def placed(shop: Shop, sku: str, store: str, key: str, **more: Any) -> str:
    cart = await a_cart(shop, await shop.page())
    there = {"method": "pickup", "store": store}
    await put(shop, cart["id"], cart["headers"], sku, 1, fulfilment=there)
    answer = await order(shop, cart, key=key, **more)
    assert answer.status_code == 201, answer.text
    name: str = answer.json()["id"]
    return name


@pytest.fixture
async def two(shop: Shop) -> tuple[str, str]:
    """A mug of Anna's at the harbour, and somebody else's teapot on the hill."""
    await shelve(shop.units, HARBOUR, mug=9)
    await shelve(shop.units, HILL, teapot=9)
    mug = await placed(shop, MUG, HARBOUR, "mug", contact=ANNA)
    return mug, await placed(shop, TEAPOT, HILL, "teapot")


@pytest.mark.parametrize(
    "query",
    [
        "anna.berg@EXAMPLE.com",
        "+46701740605",
        "070-174 06 05",
        "anna m",
        "BERG",
        "maria be",
        " MUG ",
    ],
)
async def test_an_order_is_found_by_what_people_say_of_it(
    shop: Shop, two: tuple[str, str], query: str
):
    assert await find(shop, await shop.office(), query=query) == [two[0]]


@pytest.mark.parametrize("query", ["nna", "berg%", "anna.berg", "MU", "mug", "070-174 06 06", "_"])
async def test_what_nobody_said_finds_nothing(shop: Shop, two: tuple[str, str], query: str):
    assert await find(shop, await shop.office(), query=query) == []


async def test_an_order_is_found_by_its_id_and_by_what_all_say_that_is_told(
    shop: Shop, two: tuple[str, str]
):
    office = await shop.office()

    assert await find(shop, office) == [two[1], two[0]]
    assert await find(shop, office, query=two[0]) == [two[0]]
    assert await find(shop, office, query="sample", store=HILL) == [two[1]]
    assert await find(shop, office, query="sample", store=HARBOUR) == []
    assert await find(shop, office, store=HARBOUR) == [two[0]]
    assert await find(shop, office, customer="cus_nobody") == []


async def test_a_store_finds_only_orders_that_it_has_a_part_of(shop: Shop, two: tuple[str, str]):
    harbour = await shop.till(HARBOUR)
    foreign = await shop.client.get(f"/v1/orders?store={HILL}", headers=harbour)

    assert await find(shop, harbour) == [two[0]]
    assert await find(shop, harbour, query="sample") == []
    assert await find(shop, harbour, query=two[1]) == []
    assert await find(shop, await shop.associate(HARBOUR, HILL)) == [two[1], two[0]]
    assert foreign.status_code == 404


async def test_orders_are_found_by_their_state_and_their_day(shop: Shop, two: tuple[str, str]):
    office, now = await shop.office(), utc_now()
    await cancel(shop, office, two[0])

    assert await find(shop, office, state="cancelled") == [two[0]]
    assert await find(shop, office, state="placed") == [two[1]]
    hour = timedelta(hours=1)
    assert await find(shop, office, placed_from=(now - hour).isoformat()) == [two[1], two[0]]
    assert await find(shop, office, placed_until=(now - hour).isoformat()) == []


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        ("0001-01-01T00:00:00+14:00", "out_of_range"),
        ("9999-12-31T23:59:59-12:00", "out_of_range"),
        ("2026-11-26T12:00:00", "offset"),
    ],
)
@pytest.mark.parametrize("parameter", ["placed_from", "placed_until"])
async def test_a_day_that_no_calendar_has_is_named(
    shop: Shop, parameter: str, moment: str, code: str
):
    answer = await shop.client.get(
        "/v1/orders", params={parameter: moment}, headers=await shop.office()
    )

    assert answer.status_code == 422, answer.text
    assert [(one["parameter"], one["code"]) for one in answer.json()["errors"]] == [
        (parameter, code)
    ]


async def test_what_is_found_comes_newest_first_page_by_page(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=9)
    names = [await placed(shop, MUG, HARBOUR, f"{number}") for number in range(5)]
    office, found = await shop.office(), []
    for asked in ({"query": MUG}, {"query": "sample"}, {"store": HARBOUR}, {}):
        pages, cursor = [], None
        while True:
            more: Any = {"cursor": cursor} if cursor else {}
            answer = await shop.client.get(
                "/v1/orders", params={"limit": 2, **asked, **more}, headers=office
            )
            page = answer.json()
            pages.append([one["id"] for one in page["items"]])
            cursor = page["next_cursor"]
            if cursor is None:
                break
        found.append(pages)

    assert found == [[names[4:2:-1], names[2:0:-1], names[:1]]] * 4


async def test_a_parcel_is_found_by_its_number(shop: Shop):
    await shelve(shop.units, mug=9)
    me = await shop.customer()
    sent = await sent_home(shop, me, mug=2)
    await send(shop, sent["groups"][0]["shipment"], 1)

    assert await find(shop, await shop.office(), query="SE-1") == [sent["id"]]
    assert await find(shop, await shop.office(), customer="cus_sample-1") == [sent["id"]]


async def test_who_is_reached_otherwise_is_found_otherwise(shop: Shop, two: tuple[str, str]):
    office = await shop.office()
    await edit(shop, office, two[0], contact={"name": "Bo Ek", "email": "bo@example.com"})

    assert await find(shop, office, query="bo ek") == [two[0]]
    assert await find(shop, office, query="berg") == []
    assert await find(shop, office, query="+46701740605") == []
    assert await find(shop, office, query=MUG) == [two[0]]


async def test_looking_for_people_is_slowed_down(shop: Shop):
    answer = await shop.client.get("/v1/orders", headers=await shop.office())

    assert answer.headers["RateLimit-Policy"].startswith('"strict"')


def test_a_number_may_be_from_any_country_with_a_store():
    sought = parse_search("22 22 55 55", {"NO", "RO"})

    assert (SearchKind.PHONE, "+4722225555") in sought.terms
