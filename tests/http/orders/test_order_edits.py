from typing import Any

import pytest

from domain.kernel.ids import CartId, OrderId
from domain.kernel.money import Money
from domain.orders.edits import Edited, PaymentTooSmall, apply_edits
from domain.orders.order_lines import OrderLine
from domain.orders.orders import (
    Contact,
    Order,
    OrderPoints,
    OrderPricing,
    OrderState,
    compute_totals,
)
from domain.payments.tenders import Payment
from tests.support.api.audit import broken
from tests.support.api.cancellations import mixed, send
from tests.support.api.carts import a_cart
from tests.support.api.order_edits import edit, of
from tests.support.api.order_views import HOME, line_of, seen, sent_home
from tests.support.api.orders import figures, level, order
from tests.support.api.pickups import Desk, a_desk, points
from tests.support.api.prices import MARKET, coupon, rule, take
from tests.support.concurrency import queue
from tests.support.examples import HARBOUR, MUG, NOON, TEA_SET, TEAPOT, a_product, shelve
from tests.support.shop import Shop

ROWS = "select string_agg(t::text, ' ' order by store, sku) from stock_levels as t"


async def a_placed(shop: Shop, **lines: int) -> tuple[Desk, str]:
    desk = await a_desk(shop, **lines)
    return desk, (await desk.look())["order"]


async def test_three_do_not_become_five_where_one_is_free_and_the_three_stay(shop: Shop):
    await shelve(shop.units, mug=4)
    me = await shop.customer()
    placed = (await order(shop, await a_cart(shop, me, mug=3))).json()
    before = await figures(shop, ROWS)
    refused = await edit(shop, me, placed["id"], lines=of(5))
    rows = await figures(shop, ROWS)
    one_more = await edit(shop, me, placed["id"], lines=of(4))

    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_stock")
    assert [(one["wanted"], one["available"]) for one in refused.json()["errors"]] == [(2, 1)]
    assert rows == before
    assert line_of(one_more.json())["quantity"] == 4
    assert await level(shop) == (4, 4)


async def test_contact_and_price_are_edited_without_a_word_to_the_shelves(shop: Shop):
    desk, name = await a_placed(shop, mug=3, tea_set=1)
    rows, told = await figures(shop, ROWS), await figures(shop, "select count(*) from feed_outbox")
    answer = await edit(
        shop,
        await shop.office(),
        name,
        contact={"name": "Another Sample", "phone": "070-174 06 05"},
        lines=[{"sku": MUG, "quantity": 3, "unit_price": {"amount": 900, "currency": "SEK"}}],
    )

    assert answer.json()["contact"]["phone"] == "+46701740605"
    assert answer.json()["totals"]["to_pay"]["amount"] == 3 * 900 + 26500
    assert await points(desk) == (27 + 265, 0)
    assert await figures(shop, ROWS) == rows
    assert await figures(shop, "select count(*) from feed_outbox") == told
    assert await seen(shop, desk.me, name) == answer.json()
    assert await broken(shop) == set()


async def test_units_more_are_promised_and_units_fewer_are_free(shop: Shop):
    desk, name = await a_placed(shop, mug=3, teapot=1)
    more = await edit(shop, desk.me, name, lines=[*of(5), *of(0, TEAPOT)])
    allocated = (await level(shop), await level(shop, TEAPOT))
    fewer = await edit(shop, desk.me, name, lines=of(2))
    await desk.make_ready(mug=2)

    assert line_of(more.json())["quantity"] == 5
    assert line_of(more.json(), TEAPOT)["cancelled"] == 1
    assert more.json()["totals"]["to_pay"]["amount"] == 5000
    assert allocated == ((10, 5), (10, 0))
    assert line_of(fewer.json())["cancelled"] == 3
    assert (await level(shop), await points(desk)) == ((10, 2), (20, 0))
    assert await broken(shop) == set()


@pytest.mark.parametrize(
    ("included", "first", "grown", "repriced"),
    [
        (True, (2000, 200, 360, 1800), (3000, 200, 560, 2800), (2700, 0, 540, 2700)),
        (False, (2000, 200, 450, 2250), (3000, 200, 700, 3500), (2700, 0, 675, 3375)),
    ],
)
async def test_what_an_edit_makes_of_a_price_adds_up_with_its_discount_and_its_tax(
    shop: Shop,
    included: bool,
    first: tuple[int, ...],
    grown: tuple[int, ...],
    repriced: tuple[int, ...],
):
    await shelve(shop.units, mug=9)
    await rule(shop, "markets/se", **MARKET, prices_include_tax=included)
    await coupon(shop)
    me, office = await shop.customer(), await shop.office()
    cart = await a_cart(shop, me, mug=2)
    await take(shop, cart)
    placed = (await order(shop, cart)).json()
    more = (await edit(shop, me, placed["id"], lines=of(3))).json()
    price = {"amount": 900, "currency": "SEK"}
    cheaper = await edit(shop, office, placed["id"], lines=[{"sku": MUG, "unit_price": price}])

    assert [costs(one) for one in (placed, more, cheaper.json())] == [first, grown, repriced]
    assert await seen(shop, me, placed["id"]) == cheaper.json()
    assert await broken(shop) == set()


def costs(told: Any) -> tuple[int, ...]:
    """Goods, discounts, tax and what is to be paid, which lines and taxes tell alike."""
    words = ("goods", "discounts", "tax", "to_pay")
    goods, discounts, tax, to_pay = (told["totals"][word]["amount"] for word in words)
    assert sum(line["to_pay"]["amount"] for line in told["lines"]) == to_pay
    assert [(one["tax"]["amount"], one["gross"]["amount"]) for one in told["taxes"]] == [
        (tax, to_pay)
    ]
    return goods, discounts, tax, to_pay


async def test_what_was_given_up_whole_is_not_taken_up_again(shop: Shop):
    desk, name = await a_placed(shop, mug=2, teapot=1)
    await edit(shop, desk.me, name, lines=of(0))
    answer = await edit(shop, desk.me, name, lines=of(1))

    assert (answer.status_code, answer.json()["code"]) == (409, "too_late_to_change")


async def test_what_is_more_of_a_kit_is_promised_as_its_parts(shop: Shop):
    desk, name = await a_placed(shop, tea_set=1)
    await edit(shop, desk.me, name, lines=of(3, TEA_SET))

    assert (await level(shop), await level(shop, TEAPOT)) == ((10, 6), (10, 3))
    assert await broken(shop) == set()


async def test_points_grow_with_the_order_and_are_earned_with_the_goods(shop: Shop):
    desk, name = await a_placed(shop, mug=3)
    office = await shop.office()
    await edit(shop, office, name, lines=of(2))
    await edit(shop, office, name, lines=of(4))
    pending = await points(desk)
    code = await desk.make_ready(mug=4)
    await desk.do("handover", {"code": code})

    assert (pending, await points(desk)) == ((40, 0), (0, 40))
    assert await broken(shop) == set()


async def test_an_edit_that_changes_nothing_is_not_written(shop: Shop):
    desk, name = await a_placed(shop, mug=3)
    before = await seen(shop, desk.me, name)
    answer = await edit(shop, desk.me, name, lines=of(3), contact=before["contact"])

    assert answer.json() == before
    assert await figures(shop, "select count(*) from order_timeline") == 1


async def test_an_edit_is_told_with_what_it_made_of_each_line(shop: Shop):
    desk, name = await a_placed(shop, mug=3)
    await edit(
        shop, await shop.office(), name, lines=of(2), contact={"name": "N", "phone": "+46701740605"}
    )
    told = (await shop.client.get(f"/v1/orders/{name}/timeline", headers=desk.me)).json()

    assert [(one["what"], one["by"]) for one in told["items"]] == [
        ("placed", "buyer"),
        ("edited", "office"),
    ]
    assert told["items"][1]["edited"] == [{"line": MUG, "before": 3, "after": 2}]
    assert told["items"][1]["changed"] == ["contact"]


async def test_its_buyer_edits_until_somebody_fetches_it_and_the_office_until_it_is_ready(
    shop: Shop,
):
    desk, name = await a_placed(shop, mug=2)
    office = await shop.office()
    await desk.do("accept")
    accepted = await edit(shop, desk.me, name, lines=of(3))
    await desk.do("pick", {"lines": [{"sku": MUG, "quantity": 1}]})
    picking = await edit(shop, desk.me, name, lines=of(4))
    by_office = await edit(shop, office, name, lines=of(4))
    await desk.do("pick", {"lines": [{"sku": MUG, "quantity": 4}]})
    await desk.do("ready")
    ready = await edit(shop, office, name, lines=of(5))

    assert accepted.status_code == by_office.status_code == 200
    assert (picking.status_code, picking.json()["code"]) == (409, "too_late_to_change")
    assert (ready.status_code, ready.json()["code"]) == (409, "too_late_to_change")
    assert await broken(shop) == set()


async def test_a_price_is_the_offices_and_strangers_change_nothing(shop: Shop):
    desk, name = await a_placed(shop, mug=2)
    cheap = [{"sku": MUG, "unit_price": {"amount": 1, "currency": "SEK"}}]
    mine = await edit(shop, desk.me, name, lines=cheap)
    stranger = await edit(shop, await shop.customer("sample-2"), name, lines=of(1))
    foreign = await edit(
        shop,
        await shop.office(),
        name,
        lines=[{"sku": MUG, "unit_price": {"amount": 1, "currency": "GBP"}}],
    )

    assert [one.status_code for one in (mine, stranger, foreign)] == [403, 404, 422]
    assert (await seen(shop, desk.me, name))["version"] == 1


async def test_an_address_is_edited_until_a_parcel_has_left(shop: Shop):
    await shelve(shop.units, mug=9)
    me = await shop.customer()
    placed = await sent_home(shop, me, mug=2)
    elsewhere = HOME | {"street": "Sample street 2"}
    moved = await edit(shop, me, placed["id"], address=elsewhere)
    await send(shop, placed["groups"][0]["shipment"], 1)
    late = await edit(shop, await shop.office(), placed["id"], address=HOME)

    assert moved.json()["address"]["street"] == "Sample street 2"
    assert (late.status_code, late.json()["code"]) == (409, "too_late_to_change")


async def test_what_is_collected_has_no_address(shop: Shop):
    desk, name = await a_placed(shop, mug=1)
    answer = await edit(shop, desk.me, name, address=HOME)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/address"


async def test_who_decided_on_an_older_version_is_told(shop: Shop):
    desk, name = await a_placed(shop, mug=1)
    first = await edit(shop, desk.me | {"If-Match": '"1"'}, name, lines=of(2))
    stale = await edit(shop, desk.me | {"If-Match": '"1"'}, name, lines=of(3))

    assert (first.status_code, first.headers["ETag"]) == (200, '"2"')
    assert (stale.status_code, stale.json()["code"]) == (412, "version_conflict")


@pytest.mark.parametrize(
    ("price", "code"),
    [
        ({"amount": -1, "currency": "SEK"}, "out_of_range"),
        ({"amount": 10**15, "currency": "SEK"}, "out_of_range"),
        ({"amount": 900, "currency": "EUR"}, "other_currency"),
    ],
)
async def test_a_price_that_nothing_can_have_is_named(shop: Shop, price: Any, code: str):
    _, name = await a_placed(shop, mug=3, teapot=1)
    lines = [{"sku": TEAPOT}, {"sku": MUG, "quantity": 3, "unit_price": price}]
    answer = await edit(shop, await shop.office(), name, lines=lines)

    assert answer.status_code == 422, answer.text
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/lines/1/unit_price", code)


async def test_a_line_of_which_something_came_back_grows_no_more(shop: Shop):
    await shelve(shop.units, mug=9)
    placed = await sent_home(shop, await shop.customer(), mug=4)
    await send(shop, placed["groups"][0]["shipment"], 2)
    back = await shop.client.post(
        f"/v1/orders/{placed['id']}/returns",
        json={"lines": [{"sku": MUG, "quantity": 1, "disposition": "sellable"}]},
        headers=await shop.till(HARBOUR) | {"Idempotency-Key": shop.fresh()},
    )
    office = await shop.office()
    more = await edit(shop, office, placed["id"], lines=of(5))
    fewer = await edit(shop, office, placed["id"], lines=of(3))

    assert back.status_code == 201, back.text
    assert (more.status_code, more.json()["code"]) == (409, "too_late_to_change")
    assert (fewer.status_code, fewer.json()["totals"]["to_pay"]["amount"]) == (200, 3000)
    assert await level(shop) == (8, 1)
    assert await broken(shop) == set()


async def test_a_line_grows_to_what_a_cart_could_have_and_no_further(shop: Shop):
    _, name = await a_placed(shop, mug=3)
    answer = await edit(shop, await shop.office(), name, lines=of(1000))

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/lines/0/quantity")


async def test_an_edit_that_is_repeated_with_its_key_is_answered_again(shop: Shop):
    desk, name = await a_placed(shop, mug=1)
    first, second = [await edit(shop, desk.me, name, "same", lines=of(2)) for _ in range(2)]

    assert second.json() == first.json()
    assert await level(shop) == (10, 2)


async def test_the_last_free_unit_goes_to_one_of_two_who_edit(shop: Shop):
    await shelve(shop.units, mug=3)
    me = await shop.customer()
    names = [
        (await order(shop, await a_cart(shop, me, mug=1), key=key)).json()["id"] for key in "ab"
    ]
    answers = await queue(shop, *(edit(shop, me, name, lines=of(2)) for name in names))

    assert [answer.status_code for answer in answers] == [200, 409]
    assert await level(shop) == (3, 3)


async def test_a_buyer_keeps_to_what_one_order_takes_and_the_office_may_grant_more(shop: Shop):
    desk, name = await a_placed(shop, mug=2)
    async with shop.units.begin() as unit:
        await unit.catalogue.products.upsert([a_product(MUG, most_per_order=3)])
    mine = await edit(shop, desk.me, name, lines=of(4))
    fewer = await edit(shop, desk.me, name, lines=of(3))
    granted = await edit(shop, await shop.office(), name, lines=of(4))

    assert (mine.status_code, mine.json()["code"]) == (409, "quantity_limit")
    assert (fewer.status_code, granted.status_code) == (200, 200)


async def test_one_line_may_give_up_what_another_takes(shop: Shop):
    await shelve(shop.units, mug=3, teapot=1)
    me = await shop.customer()
    placed = (await order(shop, await a_cart(shop, me, tea_set=1, mug=1))).json()
    answer = await edit(shop, me, placed["id"], lines=[*of(0, TEA_SET), *of(3)])

    assert answer.status_code == 200, answer.text
    assert (await level(shop), await level(shop, TEAPOT)) == ((3, 3), (1, 0))


async def test_lines_of_several_groups_are_edited_together_or_not_at_all(shop: Shop):
    me = await shop.customer()
    placed = await mixed(shop, me)
    refused = await edit(shop, me, placed["id"], lines=[*of(3), *of(99, TEAPOT)])

    assert refused.status_code == 409
    assert (await level(shop), await level(shop, TEAPOT)) == ((9, 2), (9, 2))


def test_what_was_paid_by_card_does_not_grow_beyond_what_was_authorised():
    cost = Money(2000, "SEK")
    mugs = OrderLine(MUG, "Mug", 2, Money(1000, "SEK"), cost, Money(0, "SEK"), cost)
    paid = Order(
        id=OrderId("ord_1"),
        cart=CartId("crt_1"),
        state=OrderState.PLACED,
        placed_at=NOON,
        changed_at=NOON,
        currency="SEK",
        locale="sv",
        contact=Contact("Sample Customer", "sample@example.com"),
        lines=[mugs],
        groups=[],
        payment=Payment("card"),
        totals=compute_totals([mugs], OrderPricing(), cost),
        points=OrderPoints(0),
        tenders=[],
        actor="key_1",
    )

    with pytest.raises(PaymentTooSmall) as refused:
        apply_edits(paid, Edited(added_units={MUG: 1}), NOON)
    assert refused.value.facts["authorised"] == Money(2000, "SEK")
    cheaper = apply_edits(paid, Edited(prices={MUG: Money(900, "SEK")}), NOON)
    assert cheaper.totals.to_pay == Money(1800, "SEK")
