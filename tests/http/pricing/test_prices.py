"""What a cart costs, from its first line to an order of which something is given back."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from tests.support.api.carts import a_cart
from tests.support.api.carts import put as put_line
from tests.support.api.orders import figures, order
from tests.support.api.price_rules import METHOD, money
from tests.support.api.prices import MARKET, coupon, put, rule, take, uses
from tests.support.examples import HARBOUR, HILL, MUG, TEAPOT, a_product, shelve
from tests.support.shop import Shop

ON_ACCOUNT = {"method": "on_account"}
HOME = {"street": "Sample street 1", "city": "Stockholm", "country": "SE", "postal_code": "111 22"}


async def drop(shop: Shop, cart: dict[str, Any], code: str = "SPRING") -> Any:
    return await shop.client.delete(
        f"/v1/carts/{cart['id']}/coupons/{code}", headers=cart["headers"]
    )


async def look(shop: Shop, cart: dict[str, Any]) -> Any:
    return (await shop.client.get(f"/v1/carts/{cart['id']}", headers=cart["headers"])).json()


async def ship(shop: Shop, cart: dict[str, Any], sku: str = MUG, quantity: int = 1) -> Any:
    body = {"quantity": quantity, "fulfilment": {"method": "ship"}}
    return await put(shop, cart, f"lines/{sku}?method=ship", body)


async def cancel(shop: Shop, cart: dict[str, Any], path: str) -> Any:
    return await shop.client.post(
        f"/v1/{path}/cancel",
        json={"reason": "changed_mind"},
        headers=cart["headers"] | {"Idempotency-Key": shop.fresh()},
    )


def amounts(totals: dict[str, Any]) -> dict[str, int]:
    return {name: total["amount"] for name, total in totals.items() if total["amount"]}


def codes(view: Any) -> list[tuple[str, str | None]]:
    return [(one["code"], one.get("coupon")) for one in view["problems"]]


# --- markets --------------------------------------------------------------------------------------


async def test_with_markets_a_cart_begins_in_a_currency_that_one_of_them_has(shop: Shop):
    page = await shop.page()
    await rule(shop, "markets/se", **MARKET)
    await rule(shop, "markets/outlet", **MARKET)
    await rule(shop, "markets/no", **MARKET | {"currency": "NOK"})

    async def start(**body: Any) -> Any:
        return await shop.client.post("/v1/carts", json=body, headers=page)

    refused = await start(currency="GBP")
    named = await start(currency="SEK", market="no")

    assert (await start(currency="SEK")).json()["market"] == "outlet"
    assert (await start(currency="SEK", market="se")).json()["market"] == "se"
    assert (refused.status_code, refused.json()["code"]) == (422, "currency_not_sold")
    assert refused.json()["errors"][0]["pointer"] == "/currency"
    assert refused.json()["currencies"] == ["NOK", "SEK"]
    assert (named.status_code, named.json()["code"]) == (422, "unknown_market")


async def test_a_customer_for_whom_nobody_names_a_currency_has_one_that_is_sold(shop: Shop):
    await rule(shop, "markets/no", **MARKET | {"currency": "NOK"})
    mine = await shop.client.get("/v1/me/cart", headers=await shop.customer())

    assert (mine.json()["currency"], mine.json()["market"]) == ("NOK", "no")


async def test_an_empty_cart_goes_to_the_market_that_is_asked_for(shop: Shop):
    me = await shop.customer()
    await rule(shop, "markets/no", **MARKET | {"currency": "NOK"})
    await rule(shop, "markets/se", **MARKET)
    await shop.client.post("/v1/carts", json={"currency": "NOK"}, headers=me)
    other = await shop.client.post("/v1/carts", json={"currency": "SEK"}, headers=me)

    assert (other.json()["currency"], other.json()["market"]) == ("SEK", "se")


async def test_a_cart_whose_market_is_closed_says_so_and_is_not_ordered(shop: Shop):
    await shelve(shop.units, mug=3)
    await rule(shop, "markets/se", **MARKET)
    cart = await a_cart(shop, await shop.page(), mug=1)
    await rule(shop, "markets/no", **MARKET | {"currency": "NOK"})
    await shop.client.delete("/v1/markets/se", headers=await shop.office())
    refused = await order(shop, cart)

    assert codes(await look(shop, cart)) == [("market_closed", None)]
    assert (refused.status_code, refused.json()["code"]) == (409, "market_closed")


async def test_taxes_lie_in_the_prices_and_are_told_by_rate(shop: Shop):
    async with shop.units.begin() as unit:
        await unit.catalogue.products.upsert([a_product("TEA", 1120, category="food")])
    await rule(shop, "markets/se", **MARKET)
    view = await look(shop, await a_cart(shop, await shop.page(), mug=1, tea=1))
    sums = [(one["rate"], one["net"]["amount"], one["tax"]["amount"]) for one in view["taxes"]]

    assert sums == [("12", 1000, 120), ("25", 800, 200)]
    assert amounts(view["totals"]) == {"goods": 2120, "tax": 320, "to_pay": 2120}
    assert [line["tax_rate"] for line in view["lines"]] == ["25", "12"]


async def test_where_prices_come_without_tax_the_order_costs_it_too(shop: Shop):
    await shelve(shop.units, mug=3)
    await rule(shop, "markets/us", **MARKET | {"prices_include_tax": False})
    placed = (await order(shop, await a_cart(shop, await shop.page(), mug=3))).json()

    assert amounts(placed["totals"]) == {"goods": 3000, "tax": 750, "to_pay": 3750}
    assert placed["lines"][0]["to_pay"]["amount"] == 3750
    assert (placed["market"], placed["prices_include_tax"]) == ("us", False)


# --- promotions and coupons -----------------------------------------------------------------------


async def test_the_cart_and_its_order_show_the_same_discounts(shop: Shop):
    await shelve(shop.units, mug=3, teapot=3)
    await rule(shop, "promotions/three", kind="n_for_m", take=3, pay=2, names={"sv": "Tre för två"})
    cart = await a_cart(shop, await shop.page() | {"Accept-Language": "sv"}, mug=1, teapot=2)
    view, placed = await look(shop, cart), (await order(shop, cart)).json()
    mine = [
        [(line["discounts"], line["total"], line["to_pay"]) for line in one["lines"]]
        for one in (view, placed)
    ]

    assert mine[0] == mine[1]
    assert mine[0][0][0] == [
        {
            "promotion": "three",
            "name": "Tre för två",
            "amount": money(1000),
            "code": None,
        }
    ]
    assert amounts(view["totals"]) == {"goods": 51000, "discounts": 1000, "to_pay": 50000}
    assert placed["totals"] == view["totals"]


async def test_a_coupon_is_taken_however_it_is_written_and_given_back(shop: Shop):
    await coupon(shop, "Spring-10")
    cart = await a_cart(shop, await shop.page(), mug=1)
    taken, again = await take(shop, cart, "spring-10"), await take(shop, cart, "SPRING-10")
    dropped = [await drop(shop, cart, "sPring-10") for _ in range(2)]

    assert taken.json()["coupons"] == again.json()["coupons"] == ["SPRING-10"]
    assert taken.json()["version"] == again.json()["version"]
    assert amounts(taken.json()["totals"]) == {"goods": 1000, "discounts": 100, "to_pay": 900}
    assert taken.json()["lines"][0]["discounts"][0]["code"] == "SPRING-10"
    assert taken.json()["changed_totals"] == [
        {"total": "discounts", "before": money(0), "now": money(100)},
        {"total": "to_pay", "before": money(1000), "now": money(900)},
    ]
    assert [one.json()["totals"]["to_pay"]["amount"] for one in dropped] == [1000, 1000]
    assert dropped[0].json()["version"] == dropped[1].json()["version"]


@pytest.mark.parametrize(
    ("terms", "status", "code"),
    [
        ({"until": "2026-01-01T00:00:00Z"}, 409, "coupon_ended"),
        ({"state": "paused"}, 409, "coupon_ended"),
        ({"customer": "cus_other"}, 409, "coupon_not_yours"),
        ({"uses_per_customer": 1}, 409, "coupon_not_yours"),
    ],
)
async def test_a_coupon_that_will_never_do_is_not_taken(
    shop: Shop, terms: dict[str, Any], status: int, code: str
):
    await coupon(shop, **terms)
    cart = await a_cart(shop, await shop.page(), mug=1)
    refused = await take(shop, cart)

    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert (await look(shop, cart))["coupons"] == []


async def test_nobody_is_told_more_of_a_code_than_that_there_is_none(shop: Shop):
    cart = await a_cart(shop, await shop.page(), mug=1)
    answers = [await take(shop, cart, code) for code in ("GHOST", "a b", "%00", "x" * 200)]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert answers[0].json()["code"] == "unknown_coupon"


async def test_a_coupon_that_takes_nothing_off_yet_waits_and_says_so(shop: Shop):
    await shelve(shop.units, mug=3)
    await coupon(shop, least_spend=money(2000))
    cart = await a_cart(shop, await shop.page(), mug=1)
    taken = await take(shop, cart)
    refused = await order(shop, cart, key="too-early")
    more = await put_line(shop, cart["id"], cart["headers"], MUG, 2)

    assert codes(taken.json()) == [("coupon_not_applicable", "SPRING")]
    assert (refused.status_code, refused.json()["code"]) == (409, "coupon_not_applicable")
    assert refused.json()["errors"][0]["coupon"] == "SPRING"
    assert (codes(more.json()), more.json()["totals"]["to_pay"]["amount"]) == ([], 1800)


async def test_a_coupon_that_ends_meanwhile_stays_and_says_so(shop: Shop):
    await shelve(shop.units, mug=3)
    await coupon(shop)
    cart = await a_cart(shop, await shop.page(), mug=1)
    await take(shop, cart)
    await coupon(shop, state="paused")
    view, refused = await look(shop, cart), await order(shop, cart)

    assert (view["coupons"], codes(view)) == (["SPRING"], [("coupon_ended", "SPRING")])
    assert view["totals"]["to_pay"]["amount"] == 1000
    assert (refused.status_code, refused.json()["code"]) == (409, "coupon_ended")
    assert (await drop(shop, cart)).json()["problems"] == []
    assert (await order(shop, cart, key="without")).status_code == 201


async def test_a_cart_takes_three_coupons(shop: Shop):
    cart = await a_cart(shop, await shop.page(), mug=1)
    answers = []
    for number in range(4):
        await coupon(shop, f"CODE-{number}")
        answers.append(await take(shop, cart, f"CODE-{number}"))

    assert [answer.status_code for answer in answers] == [200, 200, 200, 409]
    assert answers[3].json()["code"] == "too_many_coupons"


async def test_at_log_in_the_coupons_of_both_carts_stay_and_what_is_too_much_says_so(shop: Shop):
    me, page = await shop.customer(), await shop.page()
    for number in range(4):
        await coupon(shop, f"CODE-{number}")
    mine, guest = await a_cart(shop, me, mug=1), await a_cart(shop, page, mug=1)
    for number in range(4):
        await take(shop, mine if number < 2 else guest, f"CODE-{number}")
    claimed = await shop.client.post(
        f"/v1/carts/{guest['id']}/claim",
        json={},
        headers=me | {"Cart-Token": guest["headers"]["Cart-Token"]},
    )

    assert claimed.json()["coupons"] == ["CODE-0", "CODE-1", "CODE-2", "CODE-3"]
    assert codes(claimed.json()) == [("too_many_coupons", "CODE-3")]


async def test_codes_are_guessed_as_slowly_as_any_other(shop: Shop):
    cart = await a_cart(shop, await shop.page(), mug=1)
    answers = [await take(shop, cart, f"GUESS-{number}") for number in range(2)]

    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"strict";q=60;w=60'}


async def test_the_last_use_of_a_coupon_goes_to_one_of_twenty_shoppers(shop: Shop):
    await shelve(shop.units, mug=40)
    await coupon(shop, uses_max=1)
    carts = [await a_cart(shop, await shop.page(), mug=1) for _ in range(20)]
    for cart in carts:
        assert (await take(shop, cart)).status_code == 200
    answers = await asyncio.gather(*(order(shop, cart, key=cart["id"]) for cart in carts))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 19}
    assert {one.json()["code"] for one in answers if one.status_code == 409} == {"coupon_used_up"}
    assert await uses(shop) == 1
    assert await figures(shop, "select sum(allocated) from stock_levels") == 1


async def test_a_customer_uses_a_coupon_as_often_as_it_says(shop: Shop):
    await shelve(shop.units, mug=9)
    await coupon(shop, uses_per_customer=1)
    me = await shop.customer()
    first = await a_cart(shop, me, mug=1)
    await take(shop, first)
    await order(shop, first, key="first")
    second = await a_cart(shop, me, mug=1)
    other = await a_cart(shop, await shop.customer("sample-2"), mug=1)

    assert (await take(shop, second)).json()["code"] == "coupon_used_up"
    assert (await take(shop, other)).status_code == 200


async def test_a_coupon_that_takes_nothing_off_beside_the_others_is_not_used_up(shop: Shop):
    await shelve(shop.units, mug=9)
    await rule(shop, "promotions/free", kind="percentage", percent="100")
    await coupon(shop, uses_max=1)
    cart = await a_cart(shop, await shop.page(), mug=1)
    await take(shop, cart)
    placed = await order(shop, cart)

    assert placed.json()["totals"]["to_pay"]["amount"] == 0
    assert placed.json()["coupons"] == []
    assert await uses(shop) == 0


async def test_a_coupon_comes_back_with_the_whole_order_and_not_with_a_part_of_it(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=5)
    await shelve(shop.units, HILL, teapot=5)
    await coupon(shop, uses_max=1)
    cart = await a_cart(shop, await shop.page(), mug=1)
    there = {"quantity": 1, "fulfilment": {"method": "pickup", "store": HILL}}
    await put(shop, cart, f"lines/{TEAPOT}", there)
    await take(shop, cart)
    placed = (await order(shop, cart)).json()
    first, second = [f"pickups/{group['pickup']}" for group in placed["groups"]]
    seen = [await uses(shop)]
    await cancel(shop, cart, first)
    seen.append(await uses(shop))
    await cancel(shop, cart, second)

    assert placed["coupons"] == [{"code": "SPRING", "promotion": "spring"}]
    assert [*seen, await uses(shop)] == [1, 1, 0]


async def test_what_orders_stand_with_is_paused_and_not_removed(shop: Shop):
    await shelve(shop.units, mug=5)
    await coupon(shop)
    cart = await a_cart(shop, await shop.page(), mug=1)
    await take(shop, cart)
    await order(shop, cart)
    gone = await shop.client.delete("/v1/promotions/spring", headers=await shop.office())

    assert (gone.status_code, gone.json()["code"]) == (409, "promotion_used")


# --- shipping -------------------------------------------------------------------------------------


async def test_a_switch_from_pickup_to_delivery_tells_all_that_it_changes(shop: Shop):
    await shelve(shop.units, mug=5)
    await rule(shop, "shipping-methods/post", **METHOD)
    cart = await a_cart(shop, await shop.page(), mug=1)
    await shop.client.post(
        f"/v1/carts/{cart['id']}/hold",
        json={},
        headers=cart["headers"] | {"Idempotency-Key": shop.fresh()},
    )
    answer = await shop.client.put(
        f"/v1/carts/{cart['id']}/lines/{MUG}?store={HARBOUR}",
        json={"quantity": 1, "fulfilment": {"method": "ship"}},
        headers=cart["headers"],
    )
    view = answer.json()
    refused = await order(shop, cart, payment=ON_ACCOUNT)

    assert view["requires"] == ["address"]
    assert [(group["method"], group["store"]) for group in view["groups"]] == [("ship", None)]
    assert view["changed_totals"] == [
        {"total": "shipping", "before": money(0), "now": money(4900)},
        {"total": "to_pay", "before": money(1000), "now": money(5900)},
    ]
    assert view["shipping"]["costs"]["method"] == "post"
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/address")


async def test_the_fee_is_paid_once_and_only_where_something_is_sent(shop: Shop):
    await shelve(shop.units, mug=5, teapot=5)
    await rule(shop, "shipping-methods/post", **METHOD | {"free_from": None})
    cart = await a_cart(shop, await shop.page(), mug=1)
    collected = await look(shop, cart)
    await ship(shop, cart, TEAPOT)
    mixed = (await ship(shop, cart, MUG, 2)).json()
    placed = (await order(shop, cart, address=HOME)).json()

    assert "shipping" not in amounts(collected["totals"])
    assert amounts(mixed["totals"]) == {"goods": 28000, "shipping": 4900, "to_pay": 32900}
    assert placed["totals"] == mixed["totals"]
    assert [group["method"] for group in placed["groups"]] == ["pickup", "ship"]
    assert placed["groups"][1]["promised_until"] is not None
    assert placed["shipping"]["method"] == "post"


async def test_a_method_is_chosen_and_left_again(shop: Shop):
    await rule(shop, "shipping-methods/post", **METHOD)
    await rule(shop, "shipping-methods/express", **METHOD | {"price": money(9900)})
    cart = await a_cart(shop, await shop.page())
    await ship(shop, cart)
    chosen = (await put(shop, cart, "shipping", {"method": "express"})).json()
    home = (await put(shop, cart, "shipping", {"address": HOME})).json()
    left = (await put(shop, cart, "shipping", {"method": None})).json()
    unknown = await put(shop, cart, "shipping", {"method": "drone"})

    assert [one["totals"]["shipping"]["amount"] for one in (chosen, home, left)] == [
        9900,
        9900,
        4900,
    ]
    assert (chosen["requires"], home["requires"]) == (["address"], [])
    assert (home["shipping"]["chosen"], home["shipping"]["address"]["city"]) == (
        "express",
        "Stockholm",
    )
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_shipping_method")


async def test_what_was_chosen_and_is_there_no_more_says_so(shop: Shop):
    await shelve(shop.units, mug=5)
    await rule(shop, "shipping-methods/post", **METHOD)
    cart = await a_cart(shop, await shop.page())
    await ship(shop, cart)
    await put(shop, cart, "shipping", {"method": "post", "address": HOME})
    await rule(shop, "shipping-methods/post", **METHOD | {"state": "paused"})
    refused = await order(shop, cart, payment=ON_ACCOUNT)

    paused = codes(await look(shop, cart))
    await shop.client.delete("/v1/shipping-methods/post", headers=await shop.office())

    assert paused == codes(await look(shop, cart)) == [("shipping_method_unavailable", None)]
    assert (refused.status_code, refused.json()["code"]) == (409, "shipping_method_unavailable")


async def test_nothing_is_sent_where_no_method_and_no_market_reaches(shop: Shop):
    await shelve(shop.units, mug=5)
    await rule(shop, "shipping-methods/post", **METHOD)
    cart = await a_cart(shop, await shop.page())
    await ship(shop, cart)
    abroad = (await put(shop, cart, "shipping", {"address": HOME | {"country": "NO"}})).json()
    refused = await order(shop, cart, payment=ON_ACCOUNT)

    assert codes(abroad) == [("shipping_unavailable", None)]
    assert (refused.status_code, refused.json()["code"]) == (409, "shipping_unavailable")
    assert (await order(shop, cart, key="home", address=HOME)).status_code == 201


async def test_cancelling_what_was_to_be_sent_gives_the_fee_back_and_leaves_the_rest(shop: Shop):
    await shelve(shop.units, mug=5, teapot=5)
    await rule(shop, "shipping-methods/post", **METHOD | {"free_from": None})
    await coupon(shop)
    cart = await a_cart(shop, await shop.page(), mug=2)
    await ship(shop, cart, TEAPOT)
    await take(shop, cart)
    placed = (await order(shop, cart, address=HOME)).json()
    [shipment] = [one["shipment"] for one in placed["groups"] if one["method"] == "ship"]
    await cancel(shop, cart, f"shipments/{shipment}")
    left = await shop.client.get(f"/v1/orders/{placed['id']}", headers=cart["headers"])

    assert placed["totals"]["to_pay"]["amount"] == 1800 + 22500 + 4900
    assert left.json()["totals"]["to_pay"]["amount"] == 1800
    assert left.json()["totals"]["shipping"] == money(4900)


# --- what is given back, and what is earned -------------------------------------------------------


async def test_units_that_are_not_found_cost_exactly_their_share(shop: Shop):
    await shelve(shop.units, mug=3)
    await rule(shop, "promotions/three", kind="n_for_m", take=3, pay=2)
    cart = await a_cart(shop, await shop.page(), mug=3)
    placed = (await order(shop, cart)).json()
    till = await shop.till(HARBOUR)
    pickup = f"/v1/pickups/{placed['groups'][0]['pickup']}"
    costs = [placed["totals"]["to_pay"]["amount"]]
    for verb, body in (
        ("accept", {}),
        ("pick", {"lines": [{"sku": MUG, "quantity": 2, "short": True}]}),
    ):
        await shop.client.post(
            f"{pickup}/{verb}", json=body, headers=till | {"Idempotency-Key": shop.fresh()}
        )
    left = await shop.client.get(f"/v1/orders/{placed['id']}", headers=cart["headers"])
    costs.append(left.json()["totals"]["to_pay"]["amount"])

    assert costs == [2000, 1333]  # two thirds of what was to be paid, rounded down


async def test_points_are_earned_on_what_is_paid_for_goods(shop: Shop):
    await shelve(shop.units, mug=5)
    await rule(shop, "shipping-methods/post", **METHOD)
    await coupon(shop)
    cart = await a_cart(shop, await shop.customer(), mug=1)
    await ship(shop, cart)
    await take(shop, cart)
    placed = (await order(shop, cart, address=HOME)).json()

    assert placed["totals"]["to_pay"]["amount"] == 1800 + 4900
    assert placed["points"] == {"to_earn": 18}


async def test_an_order_keeps_the_price_it_was_placed_with(shop: Shop):
    await shelve(shop.units, mug=5)
    await rule(shop, "markets/se", **MARKET)
    await coupon(shop)
    cart = await a_cart(shop, await shop.page(), mug=2)
    await take(shop, cart)
    placed = (await order(shop, cart)).json()
    await rule(shop, "markets/se", **MARKET | {"tax": {"default": "6"}})
    await coupon(shop, percent="90")
    later = (await shop.client.get(f"/v1/orders/{placed['id']}", headers=cart["headers"])).json()

    assert later == placed
    assert amounts(later["totals"]) == {"goods": 2000, "discounts": 200, "tax": 360, "to_pay": 1800}
    assert later["taxes"] == [
        {"rate": "25", "net": money(1440), "tax": money(360), "gross": money(1800)}
    ]


async def test_what_several_locations_send_of_one_line_adds_up_to_its_price(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=2)
    await shelve(shop.units, HILL, mug=1)
    await rule(shop, "markets/se", **MARKET)
    await coupon(shop, percent="12.5")
    cart = await a_cart(shop, await shop.page())
    view = (await ship(shop, cart, MUG, 3)).json()
    view = (await take(shop, cart)).json()
    placed = (await order(shop, cart, address=HOME)).json()
    lines = placed["lines"]

    assert sorted(line["quantity"] for line in lines) == [1, 2]
    assert placed["totals"] == view["totals"]
    assert sum(line["to_pay"]["amount"] for line in lines) == view["lines"][0]["to_pay"]["amount"]
    assert sum(line["tax"]["amount"] for line in lines) == view["lines"][0]["tax"]["amount"]


async def test_a_checkout_may_say_where_to_in_place_of_the_cart(shop: Shop):
    await shelve(shop.units, mug=5)
    cart = await a_cart(shop, await shop.page())
    await ship(shop, cart)
    await put(shop, cart, "shipping", {"address": HOME})
    placed = (await order(shop, cart, address=HOME | {"city": "Malmö"})).json()

    assert placed["address"]["city"] == "Malmö"
