"""The catalogue, looked up by sku, barcode and words."""

import pytest

from domain.catalogue.products import Relation, RelationKind
from tests.support.api.stores import walk
from tests.support.examples import HARBOUR, MUG, TEA_SET, TEAPOT, a_product, shelve
from tests.support.shop import Shop

GTIN = "04006381333931"


@pytest.fixture
async def mugs(shop: Shop) -> Shop:
    """Mugs in two colours, one with a barcode, and something that cleans them."""
    red = a_product(
        "MUG-RED",
        names={"sv": "Röd mugg"},
        gtin=GTIN,
        group="MUGS",
        options={"colour": "red"},
        relations=(Relation("SOAP", RelationKind.CONSUMABLE, 60),),
    )
    blue = a_product("MUG-BLUE", group="MUGS", options={"colour": "blue"}, category="100% blue")
    async with shop.units.begin() as unit:
        await unit.catalogue.products.upsert([red, blue])
    await shelve(shop.units, HARBOUR, mug_red=2)
    return shop


async def skus(shop: Shop, **params) -> list[str]:
    return [product["sku"] for product in await walk(shop, "/v1/products", **params)]


async def test_a_product_says_what_it_is_and_what_goes_with_it(mugs: Shop):
    answer = await mugs.client.get("/v1/products/MUG-RED", headers=await mugs.page())

    assert answer.json() == {
        "sku": "MUG-RED",
        "name": "Mug-Red",
        "names": {"sv": "Röd mugg"},
        "price": {"amount": 1000, "currency": "SEK"},
        "gtin": GTIN,
        "category": "",
        "group": "MUGS",
        "options": {"colour": "red"},
        "parts": {},
        "relations": [{"sku": "SOAP", "kind": "consumable", "replenish_after_days": 60}],
        "state": "active",
        "tracked": True,
        "most_per_order": None,
    }


async def test_a_kit_says_what_it_is_made_of(shop: Shop):
    answer = await shop.client.get(f"/v1/products/{TEA_SET}", headers=await shop.page())

    assert answer.json()["parts"] == {TEAPOT: 1, MUG: 2}


async def test_there_is_no_product_that_nobody_sells(shop: Shop):
    for path in ("/v1/products/moon", "/v1/products/moon/variants"):
        answer = await shop.client.get(path, headers=await shop.page())

        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_sku")


@pytest.mark.parametrize("scanned", ["4006381333931", GTIN])
async def test_every_spelling_of_a_barcode_finds_the_product(mugs: Shop, scanned: str):
    assert await skus(mugs, gtin=scanned) == ["MUG-RED"]


async def test_what_no_scanner_reads_is_refused_by_name(shop: Shop):
    answer = await shop.client.get(
        "/v1/products", params={"gtin": "4006381333930"}, headers=await shop.page()
    )

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "gtin"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("röd", ["MUG-RED"]),
        ("mug", [MUG, "MUG-BLUE", "MUG-RED"]),
        ("100%", ["MUG-BLUE"]),
        ("%", ["MUG-BLUE"]),
        ("_", []),
        ("\\", []),
    ],
)
async def test_words_are_looked_for_as_they_are_written(mugs: Shop, query, found):
    assert await skus(mugs, query=query, limit=2) == found


async def test_an_item_in_the_hand_shows_its_other_colours_and_where_they_are(mugs: Shop):
    variants = await walk(mugs, "/v1/products/MUG-RED/variants", store=HARBOUR, limit=1)

    assert [
        (each["options"]["colour"], each["availability"]["stores"][0]["quantity"])
        for each in variants
    ] == [("blue", 0), ("red", 2)]


async def test_what_has_no_siblings_is_its_only_variant(shop: Shop):
    variants = await walk(shop, f"/v1/products/{MUG}/variants")

    assert [each["sku"] for each in variants] == [MUG]
