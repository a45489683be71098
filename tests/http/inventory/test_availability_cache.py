"""What is asked most lies ready in a window: as true as what the books say, and no longer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import httpx
import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import replace

from adapters.availability_cache.cache import MAX_AGE, CacheEntry, InMemoryAvailabilityCache
from adapters.main import build_app, build_components
from adapters.postgres.db.pool import ConnectionPool, connect
from adapters.postgres.db.unit_of_work import PostgresUnits, utc_now
from adapters.postgres.inventory.repositories.holds import PostgresHolds
from adapters.postgres.inventory.repositories.sellable_stock import SOLD
from domain.catalogue.products import ProductState
from domain.inventory.availability import AvailableQuantities, StockDisplayPolicy
from service.shared.clock import Clock
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
from tests.support.server import serving
from tests.support.shop import Shop

PATIENCE_S = 10
LIVE = {"max_staleness": "0"}
"""Asks for what the books say, and passes the window by."""


class Page(Struct):
    """A page of the shop, which asks a worker of its own; `shop` is another worker."""

    shop: Shop
    client: httpx.AsyncClient

    async def ask(self, sku: str = MUG, **query: Any) -> Any:
        answer = await self.client.get(f"/v1/availability/{sku}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def from_the_window(self, sku: str = MUG) -> Any:
        """An answer that was not read for us, once there is one."""
        async with asyncio.timeout(PATIENCE_S):
            while (answer := await self.ask(sku))["source"] != "cache":
                await asyncio.sleep(0.01)
        return answer

    async def caught_up(self, *skus: str) -> None:
        """Wait until the worker has heard of every change: cached answers equal live ones."""
        for sku in skus or [MUG]:
            async with asyncio.timeout(PATIENCE_S):
                while but_for_the_moment(await self.from_the_window(sku)) != but_for_the_moment(
                    await self.ask(sku, **LIVE)
                ):
                    await asyncio.sleep(0.01)

    async def until(self, quantity: int, sku: str = MUG) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            while (answer := await self.from_the_window(sku))["ship"]["quantity"] != quantity:
                await asyncio.sleep(0.01)
        return answer


@pytest.fixture
async def page(shop: Shop) -> AsyncIterator[Page]:
    house = build_components(shop.house.settings)
    headers = await shop.page()
    with serving(build_app(house)) as address:
        async with (
            shop.house.relay.running(),
            httpx.AsyncClient(base_url=address, headers=headers) as client,
        ):
            yield Page(shop, client)


def but_for_the_moment(answer: Any) -> Any:
    return {name: said for name, said in answer.items() if name not in {"as_of", "source"}}


async def test_what_lies_there_is_what_the_books_say(page: Page):
    await shelve(page.shop.units, HARBOUR, mug=5, teapot=1)
    await shelve(page.shop.units, HILL, mug=2)
    await page.caught_up(MUG, TEAPOT, TEA_SET, ENGRAVING)
    for sku in (MUG, TEAPOT, TEA_SET, ENGRAVING):
        shown = await page.from_the_window(sku)
        read = await page.ask(sku, **LIVE)

        assert read["source"] == "live"
        assert but_for_the_moment(shown) == but_for_the_moment(read), sku


@pytest.mark.parametrize("stores", [[HARBOUR], [HILL], [HILL, HARBOUR], [HARBOUR, HARBOUR]])
async def test_some_stores_of_some_goods_are_told_as_the_books_say(page: Page, stores: list[str]):
    await shelve(page.shop.units, HARBOUR, mug=5)
    query = [("sku", sku) for sku in (TEA_SET, MUG, ENGRAVING)] + [("store", s) for s in stores]
    await page.caught_up(TEA_SET, MUG, ENGRAVING)
    answers = [
        (await page.client.get("/v1/availability", params=[*query, *more])).json()
        for more in ([], [], list(LIVE.items()))
    ]

    assert but_for_the_moment(answers[0]) == but_for_the_moment(answers[2])
    assert but_for_the_moment(answers[1]) == but_for_the_moment(answers[2])


async def test_answers_of_both_ways_bear_the_same_headers(page: Page):
    await shelve(page.shop.units, mug=5)
    await page.caught_up()
    shown = await page.client.get(f"/v1/availability/{MUG}")
    read = await page.client.get(f"/v1/availability/{MUG}", params=LIVE)
    ours = {"x-request-id", "ratelimit", "content-length", "date"}

    assert {*shown.headers.items()} - {(name, shown.headers[name]) for name in ours} == {
        *read.headers.items()
    } - {(name, read.headers[name]) for name in ours}
    assert shown.headers.keys() == read.headers.keys()


async def test_a_page_of_another_origin_may_read_both_ways(page: Page):
    await shelve(page.shop.units, mug=5)
    await page.caught_up()
    origin = {"Origin": "https://shop.example"}
    shown = await page.client.get(f"/v1/availability/{MUG}", headers=origin)
    read = await page.client.get(f"/v1/availability/{MUG}", params=LIVE, headers=origin)

    assert shown.headers["access-control-allow-origin"] == "*"
    assert {n: v for n, v in shown.headers.items() if n.startswith("access-")} == {
        n: v for n, v in read.headers.items() if n.startswith("access-")
    }


async def test_who_has_it_already_is_told_so_and_no_more(page: Page):
    await shelve(page.shop.units, mug=5)
    await page.caught_up()
    tag = (await page.client.get(f"/v1/availability/{MUG}")).headers["etag"]
    again = await page.client.get(f"/v1/availability/{MUG}", headers={"If-None-Match": tag})
    any_tag = await page.client.get(f"/v1/availability/{MUG}", headers={"If-None-Match": "*"})
    await shelve(page.shop.units, mug=1)
    await page.until(6)
    changed = await page.client.get(f"/v1/availability/{MUG}", headers={"If-None-Match": tag})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert any_tag.status_code == 304
    assert changed.status_code == 200


async def test_a_page_sees_what_it_has_done_itself_at_once(page: Page):
    await shelve(page.shop.units, mug=20)
    await page.caught_up()
    for left in range(19, -1, -1):
        await page.from_the_window()
        line = {"sku": MUG, "store": HARBOUR, "quantity": 1}
        held = await page.client.post(
            "/v1/holds", json={"lines": [line]}, headers={"Idempotency-Key": page.shop.fresh()}
        )
        answer = await page.ask()

        assert held.status_code == 201, held.text
        assert answer["ship"]["quantity"] == left


async def test_no_answer_is_older_than_it_says(page: Page):
    """Another worker sells while the page looks; `ended[n]` is when n units had been booked."""
    ended: dict[int, datetime] = {}
    done = False

    async def deliver() -> None:
        nonlocal done
        for count in range(1, 120):
            await shelve(page.shop.units, mug=1)
            ended[count] = datetime.now(UTC)
            await asyncio.sleep(0.005)
        done = True

    async def look() -> set[str]:
        sources = set()
        while not done:
            answer = await page.ask()
            count, as_of = answer["ship"]["quantity"], datetime.fromisoformat(answer["as_of"])
            sources.add(answer["source"])
            assert ended.get(count + 1, as_of) >= as_of, "the next one had been booked by then"
        return sources

    await shelve(page.shop.units, mug=0, teapot=1)
    _, *sources = await asyncio.gather(deliver(), look(), look())

    assert set().union(*sources) == {"live", "cache"}
    assert (await page.until(119))["ship"]["quantity"] == 119


async def test_units_of_a_hold_are_there_again_at_the_instant_it_ends(page: Page):
    await shelve(page.shop.units, mug=1)
    await page.caught_up()
    line = {"sku": MUG, "store": HARBOUR, "quantity": 1}
    hold = await page.client.post(
        "/v1/holds",
        json={"lines": [line], "ttl_s": 2},
        headers={"Idempotency-Key": page.shop.fresh()},
    )
    until = datetime.fromisoformat(hold.json()["held_until"])
    before = await page.from_the_window()
    while datetime.now(UTC) < until - timedelta(milliseconds=100):
        answer = await page.ask()
        if datetime.fromisoformat(answer["as_of"]) < until:  # a slow one may tell of what is after
            before = answer
    while datetime.now(UTC) < until:
        await asyncio.sleep(0.001)
    after = [await page.ask(), await page.from_the_window()]

    assert before["ship"]["quantity"] == 0
    assert [answer["ship"]["quantity"] for answer in after] == [1, 1]


async def test_a_store_that_changes_changes_every_answer(page: Page):
    await shelve(page.shop.units, mug=5)
    await page.caught_up()
    async with page.shop.units.begin() as unit:
        await unit.stores.stores.upsert([a_store(HARBOUR, name="New Harbour", pickup=False)])
    async with asyncio.timeout(PATIENCE_S):
        while (at := (await page.from_the_window())["stores"][0])["name"] != "New Harbour":
            await asyncio.sleep(0.01)

    assert at["pickup"]["reasons"] == ["pickup_unavailable"]


async def test_what_is_decided_of_the_web_changes_every_answer(page: Page):
    await shelve(page.shop.units, mug=5)
    await shelve(page.shop.units, HILL, mug=5)
    await page.caught_up()
    office = await page.shop.office()
    decided = await page.client.put(
        "/v1/channels/web", json={"buffer": 3, "quantities": "hidden"}, headers=office
    )
    at_once = await page.ask()
    elsewhere = await page.shop.client.put("/v1/channels/web", json={"buffer": 4}, headers=office)
    async with asyncio.timeout(PATIENCE_S):
        while (later := (await page.from_the_window())["ship"]["quantity"]) is None:
            await asyncio.sleep(0.01)

    assert (decided.status_code, elsewhere.status_code) == (200, 200)
    assert at_once["ship"] == {"status": "in_stock", "quantity": None}
    assert later == 2
    for query in ({}, {"store": HARBOUR}, {"store": "hill"}):
        shown = await page.ask(**query)
        assert but_for_the_moment(shown) == but_for_the_moment(await page.ask(**query, **LIVE))


async def test_a_buffer_of_a_part_takes_its_kit_out_of_the_window(page: Page):
    await shelve(page.shop.units, mug=6, teapot=3)
    await page.until(3, TEA_SET)
    told = await page.shop.client.post(
        "/v1/channels/web/buffers",
        json={"lines": [{"sku": MUG, "buffer": 4}]},
        headers=await page.shop.office(),
    )

    assert told.json()["results"] == [{"status": "applied"}]
    assert (await page.until(1, TEA_SET))["ship"]["status"] == "low_stock"


async def test_a_store_that_is_closed_leaves_every_answer(page: Page):
    await shelve(page.shop.units, mug=5)
    await page.caught_up()
    closed = await page.shop.client.post(
        f"/v1/stores/{HARBOUR}/disable", json={}, headers=await page.shop.office()
    )
    answer = await page.until(0)

    assert closed.json()["state"] == "closed"
    assert answer["stores"][0]["pickup"]["reasons"] == ["store_closed", "out_of_stock"]


async def test_another_channel_is_answered_from_the_books(page: Page):
    await shelve(page.shop.units, mug=5)
    await page.shop.client.put(
        "/v1/channels/app", json={"buffer": 2}, headers=await page.shop.office()
    )
    await page.caught_up()
    answer = await page.ask(channel="app")

    assert (answer["source"], answer["ship"]["quantity"]) == ("live", 3)


async def test_a_part_that_is_sold_takes_its_kit_out_of_the_window(page: Page):
    await shelve(page.shop.units, mug=4, teapot=2)
    await page.until(2, TEA_SET)
    await shelve(page.shop.units, mug=-3)

    assert (await page.until(0, TEA_SET))["ship"]["status"] == "out_of_stock"


async def test_what_is_retired_leaves_the_window(page: Page):
    await shelve(page.shop.units, mug=4)
    await page.caught_up()
    async with page.shop.units.begin() as unit:
        await unit.catalogue.products.upsert([a_product(MUG, state=ProductState.RETIRED)])
        await unit.inventory.stock_levels.republish([MUG])

    assert (await page.until(0))["reasons"] == ["retired"]


async def test_the_window_shows_shoppers_no_number_that_is_hidden_and_staff_every_one(
    shop: Shop,
):
    await shelve(shop.units, mug=137)
    settings = replace(shop.house.settings, stock_display=AvailableQuantities.CAPPED)
    till = await shop.till(HARBOUR)
    with serving(build_app(build_components(settings))) as address:
        async with httpx.AsyncClient(base_url=address) as client:
            shopper, staff = Page(shop, client), await shop.page()
            told = []
            for headers in (staff, till):
                client.headers = httpx.Headers(headers)
                told.append((await shopper.from_the_window())["stores"][0]["quantity"])

    assert told == [10, 137]


class Watched(ConnectionPool):
    """Connections that keep what the database was asked: the statement, and its arguments."""

    def __init__(self, url: str) -> None:
        super().__init__(url, max_size=3)
        self.asked: list[tuple[str, tuple[Any, ...]]] = []

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        async with super().acquire() as connection:
            with connection.query_logger(lambda told: self.asked.append((told.query, told.args))):
                yield connection

    def skus(self) -> list[set[str]]:
        """Whose shelves were asked for, in each statement that did."""
        place = SOLD.names.index("skus")
        return [set(args[place]) for query, args in self.asked if query == SOLD.sql]


class Slow(PostgresHolds):
    """Holds of a worker that is held up in its readings, after it has read the shelves."""

    reached: ClassVar[asyncio.Event]
    go_on: ClassVar[asyncio.Event]

    async def list_ending(self, after: datetime, until: datetime, skus: Any = None) -> Any:
        if skus is not None:
            self.reached.set()
            await self.go_on.wait()
        return await super().list_ending(after, until, skus)


def a_window(
    shop: Shop, units: Any, *, clock: Clock = utc_now, most_bytes: int = 2**20
) -> InMemoryAvailabilityCache:
    relay = shop.house.relay
    return InMemoryAvailabilityCache(
        units, relay, stock_display=StockDisplayPolicy(), clock=clock, most_bytes=most_bytes
    )


@pytest.fixture
async def watched(database_url: str) -> AsyncIterator[Watched]:
    connections = Watched(database_url)
    yield connections
    await connections.close()


@pytest.fixture
async def window(shop: Shop, watched: Watched) -> AsyncIterator[InMemoryAvailabilityCache]:
    made = a_window(shop, PostgresUnits(watched))
    shop.units.after_stock_change.append(made.invalidate)
    async with shop.house.relay.running(), made.running():
        await made._poll_loop.poll()
        yield made


@pytest.fixture
async def another(database_url: str) -> AsyncIterator[PostgresUnits]:
    """What another worker does; this one hears of it by the feed alone."""
    units = PostgresUnits(connect(database_url, pool_size=2))
    yield units
    await units.close()


async def told(window: InMemoryAvailabilityCache, sku: str = MUG) -> int:
    """What a reading says, without looking whether it lies there."""
    [shown] = await window.load([sku], exact=False)
    return quantity_of(window, shown)


def quantity_of(window: InMemoryAvailabilityCache, shown: CacheEntry) -> int:
    item, _ = window.encoded(shown, exact=False)
    return int(msgspec.json.decode(item)["ship"]["quantity"])


@pytest.mark.parametrize("whose", ["our own", "another's"])
async def test_a_change_in_the_middle_of_a_reading_leaves_nothing_behind(
    shop: Shop,
    window: InMemoryAvailabilityCache,
    another: PostgresUnits,
    monkeypatch: pytest.MonkeyPatch,
    whose: str,
):
    await shelve(shop.units, mug=5)
    await window._poll_loop.poll()
    Slow.reached, Slow.go_on = asyncio.Event(), asyncio.Event()
    monkeypatch.setattr("adapters.postgres.db.repositories.PostgresHolds", Slow)
    reading = asyncio.create_task(told(window))
    await Slow.reached.wait()
    await shelve(shop.units if whose == "our own" else another, mug=1)
    await window._poll_loop.poll()  # a look has heard of it
    Slow.go_on.set()
    answer = await reading

    assert answer == 5, "as it was read"
    assert window.get([MUG], exact=False) is None, "and not kept"
    assert await told(window) == 6


async def test_of_a_page_only_that_is_read_which_does_not_lie_there(
    shop: Shop, window: InMemoryAvailabilityCache, watched: Watched
):
    page = [MUG, TEAPOT, ENGRAVING]
    await shelve(shop.units, mug=5, teapot=3)
    await window._poll_loop.poll()
    await window.load([MUG], exact=False)
    watched.asked.clear()
    shown = await window.load(page, exact=False)
    first = watched.skus()
    confirmed = window.get(page, exact=False)
    again = await window.load(page, exact=False)

    assert [one.product.sku for one in shown] == page
    assert first == [{TEAPOT, ENGRAVING}]
    assert confirmed == shown == again, "all of them, for one moment"
    assert watched.skus() == first, "and nothing was read again"


async def test_what_lies_there_is_confirmed_before_it_is_part_of_a_page(
    shop: Shop, window: InMemoryAvailabilityCache, another: PostgresUnits
):
    await shelve(shop.units, mug=5, teapot=3)
    await window._poll_loop.poll()
    await window.load([MUG], exact=False)
    await shelve(another, mug=1)
    page = await window.load([MUG, TEAPOT], exact=False)

    assert [quantity_of(window, shown) for shown in page] == [6, 3]
    assert window.as_of(page) >= max(shown.read_at for shown in page)


async def test_a_window_that_nobody_confirms_shows_nothing(shop: Shop):
    later = timedelta()
    window = a_window(shop, shop.units, clock=lambda: utc_now() + later)
    await shelve(shop.units, mug=5)
    async with shop.house.relay.running(), window.running():
        async with asyncio.timeout(PATIENCE_S):
            while window.get([MUG], exact=False) is None:
                await told(window)
                await asyncio.sleep(0.01)
        later = MAX_AGE + timedelta(seconds=2)
        shown = window.get([MUG], exact=False)

    assert shown is None
    assert window.get([MUG], exact=False) is None, "closed"


async def test_a_full_window_makes_room(shop: Shop):
    await shelve(shop.units, mug=5, teapot=3)
    window = a_window(shop, shop.units, most_bytes=2000)
    async with shop.house.relay.running(), window.running():
        answers = [await told(window, sku) for sku in (MUG, TEAPOT, MUG)]
        async with asyncio.timeout(PATIENCE_S):
            while window.get([MUG], exact=False) is None:
                await told(window)
                await asyncio.sleep(0.01)
        both = window.get([MUG, TEAPOT], exact=False)

    assert answers == [5, 3, 5]
    assert both is None
