"""What prices are made by: markets, promotions and shipping methods, as the office writes them."""

import asyncio
from typing import Any

import pytest

from tests.support.api.price_rules import METHOD, money, put
from tests.support.shop import Shop

MARKET: dict[str, Any] = {
    "currency": "SEK",
    "countries": ["SE", "AX"],
    "locales": ["sv", "fi"],
    "prices_include_tax": True,
    "tax": {"default": "25", "categories": {"food": "12", "books": "6"}},
    "sending_hours": {"from": "08:00", "to": "21:00"},
}
PROMOTION: dict[str, Any] = {
    "kind": "percentage",
    "percent": "10",
    "names": {"sv": "Rea"},
    "code": "Spring-10",
    "uses_max": 100,
}
RULES = {
    "/v1/markets/se": MARKET,
    "/v1/promotions/spring": PROMOTION,
    "/v1/shipping-methods/post": METHOD,
}


async def ask(shop: Shop, path: str, headers: dict[str, str] | None = None) -> Any:
    return await shop.client.get(path, headers=headers or await shop.office())


def listed(path: str) -> str:
    return path.rpartition("/")[0]


@pytest.mark.parametrize("path", RULES)
async def test_what_the_office_writes_it_reads_again_and_takes_away(shop: Shop, path: str):
    office = await shop.office()
    written = await put(shop, path, RULES[path])
    read, listing = await ask(shop, path), await ask(shop, listed(path))
    gone = await shop.client.delete(path, headers=office)
    again = await shop.client.delete(path, headers=office)

    assert (written.status_code, written.headers["ETag"]) == (200, '"1"'), written.text
    assert read.json() == written.json()
    assert read.headers["ETag"] == '"1"'
    assert listing.json() == {"items": [written.json()], "next_cursor": None}
    assert gone.status_code == 204
    for answer in (again, await ask(shop, path)):
        assert answer.status_code == 404
        assert answer.json()["code"].startswith("unknown_")


@pytest.mark.parametrize("path", RULES)
async def test_the_same_told_again_changes_nothing_and_another_is_a_new_version(
    shop: Shop, path: str
):
    versions = [
        (await put(shop, path, RULES[path] | more)).json()["version"]
        for more in (
            {},
            {},
            {"countries": ["SE", "NO"]} if "countries" in RULES[path] else {"percent": "20"},
        )
    ]

    assert versions == [1, 1, 2]


@pytest.mark.parametrize("path", RULES)
async def test_nobody_overwrites_or_removes_what_was_decided_since(shop: Shop, path: str):
    early = await put(shop, path, RULES[path], **{"If-Match": '"3"'})
    await put(shop, path, RULES[path])
    late = await put(shop, path, RULES[path], **{"If-Match": '"2"'})
    gone = await shop.client.delete(path, headers=await shop.office() | {"If-Match": '"2"'})
    right = await put(shop, path, RULES[path], **{"If-Match": '"1"'})

    for answer in (early, late, gone):
        assert (answer.status_code, answer.json()["code"]) == (412, "version_conflict")
    assert (early.json()["version"], late.json()["version"]) == (0, 1)
    assert right.status_code == 200


@pytest.mark.parametrize("path", RULES)
async def test_a_write_that_is_sent_twice_is_answered_as_the_first_time(shop: Shop, path: str):
    office = await shop.office() | {"Idempotency-Key": "once"}
    first, again = [await shop.client.put(path, json=RULES[path], headers=office) for _ in range(2)]

    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("path", "more", "pointer"),
    [
        ("/v1/markets/SE", {}, "/market"),
        ("/v1/markets/se", {"currency": "XXQ"}, "/currency"),
        ("/v1/markets/se", {"countries": ["SE", "QQ"]}, "/countries/1"),
        ("/v1/markets/se", {"tax": {"default": "12,5"}}, "/tax/default"),
        ("/v1/markets/se", {"tax": {"default": "101"}}, "/tax/default"),
        ("/v1/markets/se", {"tax": {"rate": "10"}}, "/tax/rate"),
        (
            "/v1/markets/se",
            {"sending_hours": {"from": "9:00", "to": "21:00"}},
            "/sending_hours/from",
        ),
        (
            "/v1/markets/se",
            {"sending_hours": {"from": "21:00", "to": "08:00"}},
            "/sending_hours/to",
        ),
        ("/v1/markets/se", {"vat": "25"}, "/vat"),
        ("/v1/promotions/Spring", {}, "/promotion"),
        ("/v1/promotions/spring", {"kind": "gift"}, "/kind"),
        ("/v1/promotions/spring", {"percent": "-1"}, "/percent"),
        ("/v1/promotions/spring", {"percent": None}, "/percent"),
        ("/v1/promotions/spring", {"amount": money(100)}, "/amount"),
        ("/v1/promotions/spring", {"kind": "amount", "percent": None}, "/amount"),
        (
            "/v1/promotions/spring",
            {"kind": "amount", "percent": None, "amount": money(-1)},
            "/amount/amount",
        ),
        ("/v1/promotions/spring", {"kind": "n_for_m", "percent": None, "take": 3}, "/pay"),
        (
            "/v1/promotions/spring",
            {"kind": "n_for_m", "percent": None, "take": 3, "pay": 3},
            "/pay",
        ),
        (
            "/v1/promotions/spring",
            {"from": "2026-12-02T00:00:00Z", "until": "2026-12-01T00:00:00Z"},
            "/until",
        ),
        ("/v1/promotions/spring", {"from": "2026-12-02T00:00:00"}, "/from"),
        ("/v1/promotions/spring", {"least_spend": money(1, "QQQ")}, "/least_spend/currency"),
        ("/v1/promotions/spring", {"code": "a b"}, "/code"),
        ("/v1/promotions/spring", {"code": None}, "/uses_max"),
        ("/v1/promotions/spring", {"uses_max": 0}, "/uses_max"),
        ("/v1/shipping-methods/post", {"price": money(-1)}, "/price/amount"),
        ("/v1/shipping-methods/post", {"free_from": money(1, "NOK")}, "/free_from/currency"),
        ("/v1/shipping-methods/post", {"days_min": 5}, "/days_max"),
        ("/v1/shipping-methods/post", {"countries": ["XQ"]}, "/countries/0"),
    ],
)
async def test_what_cannot_be_names_its_field_and_is_not_kept(
    shop: Shop, path: str, more: dict[str, Any], pointer: str
):
    told = next(body for known, body in RULES.items() if listed(known) == listed(path))
    answer = await put(shop, path, told | more)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert (await ask(shop, listed(path))).json()["items"] == []


# --- codes ----------------------------------------------------------------------------------------


async def test_a_code_belongs_to_one_promotion_however_it_is_written(shop: Shop):
    await put(shop, "/v1/promotions/spring", PROMOTION)
    taken = await put(shop, "/v1/promotions/autumn", PROMOTION | {"code": "sPRING-10"})

    assert (taken.status_code, taken.json()["code"]) == (409, "code_taken")
    assert taken.json()["errors"][0]["pointer"] == "/code"


async def test_of_twenty_who_want_one_code_at_once_one_has_it(shop: Shop):
    answers = await asyncio.gather(
        *(put(shop, f"/v1/promotions/number-{number}", PROMOTION) for number in range(20))
    )

    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 19]


# --- what shops see -------------------------------------------------------------------------------


async def test_shoppers_see_what_is_sent_to_their_country_the_cheapest_first(shop: Shop):
    page = await shop.page()
    for name, price, more in (
        ("post", 4900, {}),
        ("express", 9900, {"countries": []}),
        ("drone", 100, {"state": "paused"}),
        ("boat", 200, {"countries": ["NO"]}),
        ("euro", 300, {"price": money(300, "EUR"), "free_from": None}),
    ):
        body: dict[str, Any] = METHOD | {"price": money(price)} | more
        assert (await put(shop, f"/v1/shipping-methods/{name}", body)).status_code == 200

    async def seen(query: str, headers: dict[str, str]) -> list[str]:
        answer = await ask(shop, f"/v1/shipping-methods{query}", headers)
        return [one["method"] for one in answer.json()["items"]]

    assert await seen("?country=SE&currency=SEK", page) == ["post", "express"]
    assert await seen("?country=NO", page) == ["boat", "express"]
    assert await seen("", page) == ["boat", "euro", "post", "express"]
    assert await seen("", await shop.office()) == ["boat", "drone", "euro", "express", "post"]
    assert (await ask(shop, "/v1/shipping-methods/post", page)).status_code == 200
    assert (await ask(shop, "/v1/shipping-methods/drone", page)).status_code == 404


async def test_methods_are_listed_page_by_page(shop: Shop):
    for name, price in (("a", 300), ("b", 100), ("c", 100)):
        await put(shop, f"/v1/shipping-methods/{name}", METHOD | {"price": money(price)})
    page, found, cursor = await shop.page(), [], ""
    for _ in range(3):
        answer = (await ask(shop, f"/v1/shipping-methods?limit=1{cursor}", page)).json()
        found += [one["method"] for one in answer["items"]]
        cursor = f"&cursor={answer['next_cursor']}"

    assert (found, cursor) == (["b", "c", "a"], "&cursor=None")


async def test_a_process_knows_at_once_what_was_changed_elsewhere(shop: Shop):
    page = await shop.page()
    await put(shop, "/v1/shipping-methods/post", METHOD)
    before = (await ask(shop, "/v1/shipping-methods", page)).json()["items"]
    async with shop.units.begin() as unit:
        await unit.connection.execute(
            "update shipping_methods set terms = terms || '{\"days_max\": 9}'"
        )
        await unit.connection.execute(
            "update price_rules set version = pg_current_xact_id()::text::bigint"
        )
    after = (await ask(shop, "/v1/shipping-methods", page)).json()["items"]

    assert [one["days_max"] for one in before + after] == [4, 9]
