"""Another system hears of every change of stock, in order, whatever happens to it meanwhile."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import Struct
from standardwebhooks import Webhook as Verifier

from adapters.webhooks.sender import HttpWebhookSender
from domain.administration.webhooks import ChangesPayload, DeliveryResult, ensure_allowed_url
from domain.kernel.errors import InvalidField
from service.administration.webhooks import deliver_changes
from tests.support.examples import HARBOUR, HILL, MUG, TEAPOT, a_parcel, shelve
from tests.support.fakes import Receiver, web_server
from tests.support.shop import Shop, a_shop

BUSY = "HTTP/1.1 503 Busy"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Told(Struct):
    """A webhook, its receiver, and the shop that tells."""

    shop: Shop
    receiver: Receiver
    office: dict[str, str]
    made: dict[str, Any]

    async def deliver(self) -> None:
        """Everything that is due."""
        await self.shop.house.relay.caught_up()
        while await deliver_changes(self.shop.units, self.shop.house.webhook_sender):
            pass

    async def later(self) -> None:
        """As if the pause after a failure were over."""
        async with self.shop.units.begin() as unit:
            await unit.connection.execute("update webhooks set due_at = now()")

    def events(self) -> list[dict[str, Any]]:
        """What came, checked with the published library."""
        verifier = Verifier(self.made["secret"])
        return [verifier.verify(body, headers) for headers, body in self.receiver.requests]

    def versions(self, sku: str, store: str = HARBOUR) -> list[int]:
        return [
            change["version"]
            for event in self.events()
            for change in event["data"]["changes"]
            if (change["sku"], change["store"]) == (sku, store)
        ]

    async def now(self) -> dict[str, Any]:
        answer = await self.shop.client.get(f"/v1/webhooks/{self.made['id']}", headers=self.office)
        found: dict[str, Any] = answer.json()
        return found

    async def replay(self, after: int) -> Any:
        return await self.shop.client.post(
            f"/v1/webhooks/{self.made['id']}/replay", json={"after": after}, headers=self.office
        )


@pytest.fixture
async def told(database_url: str, tmp_path) -> AsyncIterator[Told]:
    receiver = Receiver()
    async with (
        a_shop(database_url, tmp_path, webhook_allow_private=True) as shop,
        web_server(receiver) as url,
    ):
        office = await shop.office("webhooks")
        made = await shop.client.post("/v1/webhooks", json={"url": url}, headers=office)
        assert made.status_code == 201, made.text
        yield Told(shop, receiver, office, made.json())
        await shop.house.webhook_sender.close()


async def test_every_change_is_told_signed_and_in_order(told: Told):
    await shelve(told.shop.units, HARBOUR, mug=5)
    await shelve(told.shop.units, HARBOUR, mug=1, teapot=2)
    await told.deliver()

    [event] = told.events()
    assert event["type"] == "stock.changed"
    assert event["data"]["complete"] is True
    assert told.versions(MUG) == [2, 3]
    assert told.versions(TEAPOT) == [2]
    first = event["data"]["changes"][0]
    assert (first["on_hand"], first["available"], first["cause"]) == (5, 5, "count")
    assert (await told.now())["position"] == event["data"]["until"]


async def test_who_was_down_gets_everything_once_more_under_the_same_id(told: Told):
    told.receiver.answers = [BUSY, "HTTP/1.1 500 Broken"]
    await shelve(told.shop.units, HARBOUR, mug=1)
    await told.deliver()
    waiting = await told.now()
    await shelve(told.shop.units, HARBOUR, mug=1)  # goes out with the next one
    for _ in range(2):
        await told.later()
        await told.deliver()

    ids = [headers["webhook-id"] for headers, _ in told.receiver.requests]
    assert (waiting["attempts"], waiting["last_error"], waiting["state"]) == (1, "503", "active")
    assert told.versions(MUG) == [2, 2, 2, 3]
    assert len(set(ids[:3])) == 1
    assert ids[3] != ids[0]
    assert (await told.now())["attempts"] == 0


async def test_nothing_is_tried_before_the_pause_is_over(told: Told):
    told.receiver.answers = [f"{BUSY}\r\nRetry-After: 3600"]
    await shelve(told.shop.units, HARBOUR, mug=1)
    await told.deliver()
    await told.deliver()

    assert len(told.receiver.requests) == 1


async def test_many_changes_come_in_several_calls_and_keep_their_order(told: Told):
    async with told.shop.units.begin() as unit:
        await unit.connection.execute(
            """
            insert into feed_outbox (store, sku, on_hand, version, cause, recorded_at)
            select $1, $2, number, number, 'found', now() from generate_series(2, 251) as number
            """,
            HILL,
            MUG,
        )
    await told.deliver()

    assert [len(event["data"]["changes"]) for event in told.events()] == [100, 100, 50]
    assert told.versions(MUG, HILL) == list(range(2, 252))


async def test_who_says_gone_is_asked_no_more_until_it_is_sent_back_in_time(told: Told):
    told.receiver.answers = ["HTTP/1.1 410 Gone"]
    await shelve(told.shop.units, HARBOUR, mug=1)
    await told.deliver()
    await told.later()
    await told.deliver()
    disabled = await told.now()
    again = await told.replay(0)
    await told.deliver()

    assert (disabled["state"], disabled["last_error"]) == ("disabled", "410")
    assert (again.status_code, again.json()["state"]) == (200, "active")
    assert told.versions(MUG) == [2, 2]


async def test_a_replay_tells_everything_behind_a_position_once_more(told: Told):
    for _ in range(3):
        await shelve(told.shop.units, HARBOUR, mug=1)
    await told.deliver()
    first = told.events()[0]["data"]["changes"][0]["position"]
    await told.replay(first)
    await told.deliver()

    assert told.versions(MUG) == [2, 3, 4, 3, 4]


async def test_a_replay_from_where_nothing_is_kept_says_so(told: Told):
    for _ in range(3):
        await shelve(told.shop.units, HARBOUR, mug=1)
    await told.deliver()
    async with told.shop.units.begin() as unit:
        await unit.inventory.change_feed.purge(unit.now, keep=1, limit=9)
    old, never = await told.replay(0), await told.replay(999)

    assert (old.status_code, old.json()["code"], old.json()["oldest"]) == (409, "cursor_too_old", 2)
    assert (never.status_code, never.json()["errors"][0]["pointer"]) == (422, "/after")


async def test_what_a_webhook_waits_for_is_not_forgotten(told: Told):
    told.receiver.answers = [BUSY]
    for _ in range(3):
        await shelve(told.shop.units, HARBOUR, mug=1)
    await told.deliver()
    async with told.shop.units.begin() as unit:
        await unit.inventory.change_feed.purge(unit.now + timedelta(hours=1), keep=9, limit=9)
    await told.later()
    await told.deliver()

    assert told.versions(MUG) == [2, 3, 4, 2, 3, 4]


async def test_a_gap_is_told_where_too_much_came_to_keep(told: Told):
    for _ in range(3):
        await shelve(told.shop.units, HARBOUR, mug=1)
    await told.shop.house.relay.caught_up()
    async with told.shop.units.begin() as unit:
        await unit.inventory.change_feed.purge(unit.now, keep=2, limit=9)
    await told.deliver()

    assert told.events()[0]["data"]["complete"] is False
    assert told.versions(MUG) == [3, 4]


async def test_one_that_is_removed_hears_nothing_and_is_not_there(told: Told):
    address = f"/v1/webhooks/{told.made['id']}"
    removed = await told.shop.client.delete(address, headers=told.office)
    again = await told.shop.client.delete(address, headers=told.office)
    await shelve(told.shop.units, HARBOUR, mug=1)
    await told.deliver()
    listed = await told.shop.client.get("/v1/webhooks", headers=told.office)

    assert (removed.status_code, again.status_code) == (204, 404)
    assert told.receiver.requests == []
    assert listed.json()["items"] == []


async def test_a_repeat_makes_one_webhook_and_the_list_shows_no_secret(told: Told):
    headers = told.office | {"Idempotency-Key": "once"}
    body = {"url": "https://erp.example.com/stock"}
    first = await told.shop.client.post("/v1/webhooks", json=body, headers=headers)
    second = await told.shop.client.post("/v1/webhooks", json=body, headers=headers)
    listed = await told.shop.client.get("/v1/webhooks", headers=told.office)

    assert first.json() == second.json()
    assert second.headers["idempotent-replayed"] == "true"
    assert len(listed.json()["items"]) == 2
    assert "whsec_" not in listed.text


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://erp.example.com/", "not_https"),
        ("ftp://erp.example.com/", "not_an_address"),
        ("https://", "not_an_address"),
        ("https://user:word@erp.example.com/", "not_an_address"),
        ("https://[::1", "not_an_address"),
        ("https://127.0.0.1/", "private_address"),
        ("https://169.254.169.254/latest", "private_address"),
        ("https://[::1]/", "private_address"),
        ("https://[64:ff9b::7f00:1]/", "private_address"),
        ("https://[2002:7f00:1::]/", "private_address"),
        ("https://[::7f00:1]/", "private_address"),
        ("https://[ff0e::1]/", "private_address"),
        ("https://224.0.0.1/", "private_address"),
        ("https://localhost:8000/", "private_address"),
        ("https://db.internal/", "private_address"),
    ],
)
async def test_an_address_inside_is_refused_by_name(shop: Shop, url: str, code: str):
    with pytest.raises(InvalidField) as refused:
        ensure_allowed_url(url, private=False)
    answer = await shop.client.post(
        "/v1/webhooks", json={"url": url}, headers=await shop.office("webhooks")
    )

    assert refused.value.errors[0]["code"] == code
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/url")


async def test_a_name_that_leads_inside_is_found_out_on_the_way():
    post = HttpWebhookSender(clock=lambda: NOW)
    receiver = Receiver()
    async with web_server(receiver) as url:
        inside = a_parcel(url.replace("127.0.0.1", "localhost"))
        receipt = await post.send(inside, ChangesPayload(0, 1, True, []))
    await post.close()

    assert receipt == DeliveryResult(False, "private_address")
    assert receiver.requests == []


async def test_what_is_decided_of_a_channel_is_no_change_of_stock(told: Told):
    await shelve(told.shop.units, mug=1)
    office = await told.shop.office()
    await told.shop.client.put("/v1/channels/web", json={"buffer": 2}, headers=office)
    await shelve(told.shop.units, mug=1)
    await told.deliver()
    changes = [change for event in told.events() for change in event["data"]["changes"]]

    assert [(change["sku"], change["version"]) for change in changes] == [(MUG, 2), (MUG, 3)]
