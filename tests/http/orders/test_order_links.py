from datetime import timedelta
from pathlib import Path
from typing import Any

from adapters.secrets.codes import DerivedCodes
from domain.follow_ups.messages import MessageKind
from service.follow_ups.send_messages import send_due
from tests.support.api.cancellations import cancel
from tests.support.api.carts import a_cart
from tests.support.api.order_edits import edit, of
from tests.support.api.orders import figures, order
from tests.support.api.pickups import Desk
from tests.support.examples import HARBOUR, MUG, NOON, shelve
from tests.support.shop import SECRET, Shop, a_shop


class Guest:
    """A guest with an order of two mugs, on another device than the one it was ordered on."""

    def __init__(self, shop: Shop, page: dict[str, str], placed: Any) -> None:
        self.shop, self.page, self.order = shop, page, placed["id"]
        self.pickup = placed["groups"][0]["pickup"]
        self.opens = page | {"Order-Token": placed["token"]}

    async def look(self, **headers: str) -> Any:
        return await self.shop.client.get(f"/v1/orders/{self.order}", headers=self.opens | headers)

    async def find(self, **told: str) -> Any:
        body = {"order": self.order, "email": "sample@example.com", **told}
        return await self.shop.client.post("/v1/orders/find", json=body, headers=self.page)


async def a_guest(shop: Shop, page: dict[str, str] | None = None) -> Guest:
    await shelve(shop.units, HARBOUR, mug=5)
    page = page or await shop.page()
    cart = await a_cart(shop, page, mug=2)
    return Guest(shop, page, (await order(shop, cart, key=cart["id"])).json())


async def links(shop: Shop) -> int:
    query = f"select count(*) from messages where kind = '{MessageKind.ORDER_LINK.value}'"
    return int(await figures(shop, query))


async def test_a_guest_opens_the_order_and_its_pickup_by_the_link(shop: Shop):
    guest = await a_guest(shop)
    desk = Desk(shop, guest.opens, await shop.till(HARBOUR), guest.pickup)
    code = await desk.make_ready(mug=2)
    told = await shop.client.get(f"/v1/orders/{guest.order}/timeline", headers=guest.opens)
    seen = await guest.look()
    collected = await desk.do("handover", {"code": code})

    assert (seen.status_code, seen.json()["token"]) == (200, guest.opens["Order-Token"])
    assert told.json()["items"][0]["what"] == "placed"
    assert collected.status_code == 200


async def test_a_guest_edits_and_cancels_by_the_link(shop: Shop):
    guest = await a_guest(shop)
    edited = await edit(shop, guest.opens, guest.order, lines=of(1))
    cancelled = await cancel(shop, guest.opens, guest.order)

    assert edited.json()["lines"][0]["cancelled"] == 1
    assert cancelled.json()["state"] == "cancelled"


async def test_a_link_opens_that_order_and_no_other(shop: Shop):
    mine, other = await a_guest(shop), await a_guest(shop)
    proof = mine.opens["Order-Token"].partition(".")[2]
    answers = [
        await other.look(**{"Order-Token": mine.opens["Order-Token"]}),
        await other.look(**{"Order-Token": f"{other.order}.{proof}"}),
        await other.look(**{"Order-Token": ""}),
        await shop.client.get(f"/v1/pickups/{other.pickup}", headers=mine.opens),
        await cancel(shop, mine.opens, other.order),
    ]

    assert [answer.status_code for answer in answers] == [404] * 5


async def test_a_customers_order_has_no_link(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=5)
    me = await shop.customer()
    placed = (await order(shop, await a_cart(shop, me, mug=1))).json()
    token = DerivedCodes(SECRET).order_token(placed["id"])
    answer = await shop.client.get(
        f"/v1/orders/{placed['id']}", headers=await shop.page() | {"Order-Token": token}
    )

    assert "token" not in placed
    assert answer.status_code == 404


async def test_staff_do_not_get_a_guests_link(shop: Shop):
    guest = await a_guest(shop)
    unopened = await shop.client.get(f"/v1/orders/{guest.order}", headers=await shop.office())
    found = await shop.client.get(f"/v1/orders?query={MUG}", headers=await shop.office())

    assert "token" not in unopened.json()
    assert "token" not in found.json()["items"][0]


async def test_two_guests_of_one_page_may_cancel_with_the_same_key(shop: Shop):
    page = await shop.page()
    mine, other = await a_guest(shop, page), await a_guest(shop, page)
    answers = [await cancel(shop, one.opens, one.order, "same") for one in (mine, other)]

    assert [answer.json()["id"] for answer in answers] == [mine.order, other.order]


async def test_a_guest_who_lost_the_link_gets_it_once_an_hour(shop: Shop):
    guest = await a_guest(shop)
    answers = []
    for minute in (0, 59, 60):
        shop.units._clock = lambda at=NOON + timedelta(minutes=minute): at
        email = "Sample@Example.com" if minute else "sample@example.com"
        answers.append(await guest.find(email=email))

    assert [(answer.status_code, answer.json()) for answer in answers] == [(202, {})] * 3
    assert await links(shop) == 2


def written(folder: Path) -> list[str]:
    """What the trial's channels wrote."""
    return [path.read_text() for path in folder.rglob("*") if path.is_file()]


async def test_the_letter_brings_the_link(database_url: str, tmp_path: Path):
    async with a_shop(database_url, tmp_path, shop_url="https://shop.example.com") as shop:
        guest = await a_guest(shop)
        await guest.find()
        await send_due(shop.units, shop.house.message_context)
        sent = written(tmp_path)
        state = await figures(shop, "select state from messages")

    url = f"https://shop.example.com/orders/{guest.order}#{guest.opens['Order-Token']}"
    assert state == "sent"
    assert any(url in text for text in sent)


async def test_nobody_learns_whether_there_is_such_an_order(shop: Shop):
    guest, other = await a_guest(shop), await a_guest(shop)
    await shelve(shop.units, HARBOUR, mug=5)
    me = await shop.customer()
    customers = (await order(shop, await a_cart(shop, me, mug=1), key="mine")).json()["id"]
    answers = [
        await guest.find(),
        await other.find(email="somebody@example.com"),
        await guest.find(order="ord_nothing"),
        await guest.find(order=customers),
    ]

    assert {(answer.status_code, answer.text) for answer in answers} == {(202, "{}")}
    assert answers[0].headers["RateLimit-Policy"].startswith('"strict"')
    assert await links(shop) == 1
