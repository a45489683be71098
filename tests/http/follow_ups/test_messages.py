"""What the office sees of messages: where they went, and why not elsewhere."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.follow_ups.send_messages import send_due
from tests.support.messages import ME, Waiting, waiting


@pytest.fixture
async def ready(database_url: str, tmp_path: Path) -> AsyncIterator[Waiting]:
    async with waiting(database_url, tmp_path) as ready:
        yield ready


async def test_the_office_finds_a_message_and_reads_why_it_went_there(ready: Waiting):
    await ready.tell()
    await send_due(ready.units, ready.desk)
    office = await ready.shop.office("messages")
    page = await ready.shop.client.get(
        f"/v1/messages?customer={ME}&state=sent&kind=pickup_ready", headers=office
    )
    [item] = page.json()["items"]
    one = await ready.shop.client.get(f"/v1/messages/{item['id']}", headers=office)

    assert item == {
        "id": item["id"],
        "customer": ME,
        "kind": "pickup_ready",
        "purpose": "service",
        "channel": "email",
        "locale": "sv",
        "state": "sent",
        "reason": None,
        "subject": "Din beställning är klar att hämta hos Harbour",
        "planned_for": "2026-11-23T11:00:00Z",
        "sent_at": "2026-11-23T11:00:00Z",
        "about": {"order": ready.order, "pickup": ready.pickup},
    }
    trace = one.json().pop("trace")
    assert {
        "at": item["sent_at"],
        "what": "channel",
        "verdict": "chosen",
        "channel": "email",
    } in trace
    assert trace[-1]["verdict"] == "accepted"
    assert ready.desk.codes.handover_code(ready.pickup, 1) not in one.text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 2),
        ("?kind=thank_you", 1),
        ("?state=planned", 2),
        ("?state=sent", 0),
        ("?customer=cus_other", 0),
    ],
)
async def test_messages_are_found_by_customer_state_and_kind(
    ready: Waiting, query: str, found: int
):
    await ready.tell()
    await ready.thank()
    page = await ready.shop.client.get(f"/v1/messages{query}", headers=await ready.shop.office())

    assert len(page.json()["items"]) == found


async def test_messages_are_read_in_pages_newest_first(ready: Waiting):
    for revision in (1, 2, 3):
        await ready.tell(revision)
    office = await ready.shop.office()
    first = (await ready.shop.client.get("/v1/messages?limit=2", headers=office)).json()
    rest = (
        await ready.shop.client.get(
            f"/v1/messages?limit=2&cursor={first['next_cursor']}", headers=office
        )
    ).json()

    ids = [item["id"] for page in (first, rest) for item in page["items"]]
    assert len(ids) == 3
    assert ids == sorted(ids, reverse=True)
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/v1/messages?state=lost", 422),
        ("/v1/messages?shape=round", 422),
        ("/v1/messages?cursor=!", 422),
        ("/v1/messages/msg_nothing", 404),
    ],
)
async def test_what_is_not_there_or_not_right_is_said(ready: Waiting, address: str, status: int):
    answer = await ready.shop.client.get(address, headers=await ready.shop.office())

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
