"""What the office and customers can say and see about people."""

import asyncio

import pytest

from domain.kernel.ids import CustomerId
from tests.support.shop import Shop

PERSON = {
    "external_id": "crm-1",
    "name": "Sample Customer",
    "email": "Sample@Example.COM",
    "phone": "+46 70-174 06 05",
    "locale": "sv-SE",
}


async def add(shop: Shop, **told: object) -> dict[str, object]:
    made = await shop.client.post(
        "/v1/customers", json=PERSON | told, headers=await shop.office("customers")
    )
    assert made.status_code == 201, made.text
    profile: dict[str, object] = made.json()
    return profile


async def test_somebody_new_becomes_a_member(shop: Shop):
    profile = await add(shop)

    assert str(profile["id"]).startswith("cus_")
    assert str(profile["member"]).startswith("mem_")
    assert (profile["email"], profile["phone"]) == ("Sample@example.com", "+46701740605")
    seen = await shop.client.get(
        f"/v1/customers/{profile['id']}", headers=await shop.office("customers")
    )
    assert seen.json() == profile


async def test_who_says_no_is_not_made_a_member(shop: Shop):
    assert (await add(shop, member=False))["member"] is None


async def test_a_number_without_a_country_is_from_the_readers_region(shop: Shop):
    assert (await add(shop, phone="070-174 06 05"))["phone"] == "+46701740605"


@pytest.mark.parametrize(
    ("told", "pointer", "code"),
    [
        ({"email": "nobody"}, "/email", "not_an_email"),
        ({"phone": "12"}, "/phone", "not_a_phone"),
        ({"phone": "0701740605", "locale": "sv"}, "/phone", "not_a_phone"),
        ({"locale": "svenska"}, "/locale", "pattern"),
        ({"name": ""}, "/name", "length"),
        ({"name": " "}, "/name", "pattern"),
        ({"name": "Sample\r\nBcc: sample"}, "/name", "pattern"),
        ({"shoe_size": 44}, "/shoe_size", "unknown_field"),
    ],
)
async def test_what_cannot_be_right_is_named(
    shop: Shop, told: dict[str, object], pointer: str, code: str
):
    answer = await shop.client.post(
        "/v1/customers", json=PERSON | told, headers=await shop.office()
    )

    assert answer.status_code == 422
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]


async def test_the_retailers_key_is_one_persons_whoever_comes_first(shop: Shop):
    headers = await shop.office()
    answers = await asyncio.gather(
        *(shop.client.post("/v1/customers", json=PERSON, headers=headers) for _ in range(5))
    )

    codes = sorted(answer.status_code for answer in answers)
    assert codes == [201, 409, 409, 409, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["code"] == "external_id_taken"


async def test_a_repeat_makes_nobody_twice(shop: Shop):
    headers = (await shop.office()) | {"Idempotency-Key": "once"}
    first = await shop.client.post("/v1/customers", json=PERSON, headers=headers)
    again = await shop.client.post("/v1/customers", json=PERSON, headers=headers)
    other = await shop.client.post(
        "/v1/customers", json=PERSON | {"name": "Sample Other"}, headers=headers
    )

    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_the_office_leafs_through_customers_and_finds_one(shop: Shop):
    headers = await shop.office("customers")
    for number in range(5):
        await add(shop, external_id=f"crm-{number}")
    pages = [(await shop.client.get("/v1/customers?limit=2", headers=headers)).json()]
    while cursor := pages[-1]["next_cursor"]:
        address = f"/v1/customers?limit=2&cursor={cursor}"
        pages.append((await shop.client.get(address, headers=headers)).json())
    found = [one["external_id"] for page in pages for one in page["items"]]
    one = await shop.client.get("/v1/customers?external_id=crm-3", headers=headers)

    assert found == [f"crm-{number}" for number in range(5)]
    assert [item["external_id"] for item in one.json()["items"]] == ["crm-3"]


async def test_a_change_leaves_the_rest_and_null_takes_away(shop: Shop):
    profile = await add(shop)
    changed = await shop.client.patch(
        f"/v1/customers/{profile['id']}",
        json={"name": "Sample Renamed", "phone": None},
        headers=await shop.office(),
    )

    assert changed.status_code == 200, changed.text
    assert changed.json() == profile | {"name": "Sample Renamed", "phone": None}


async def test_nobody_is_answered_for_an_id_that_is_nobodys(shop: Shop):
    headers = await shop.office()
    seen = await shop.client.get("/v1/customers/cus_nobody", headers=headers)
    changed = await shop.client.patch("/v1/customers/cus_nobody", json={}, headers=headers)

    assert (seen.status_code, seen.json()["code"]) == (404, "customer_not_found")
    assert (changed.status_code, changed.json()["code"]) == (404, "customer_not_found")


async def test_customers_see_and_change_themselves(shop: Shop):
    profile = await add(shop)
    me = shop.logged_in(CustomerId(str(profile["id"])))
    changed = await shop.client.patch("/v1/me", json={"locale": "nb-NO"}, headers=me)
    wrong = await shop.client.patch("/v1/me", json={"external_id": "x"}, headers=me)

    assert (await shop.client.get("/v1/me", headers=me)).json() == changed.json()
    assert changed.json() == profile | {"locale": "nb-NO"}
    assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (422, "unknown_field")


STATED = {
    "preferred_channels": ["whatsapp", "email"],
    "locale": "da",
    "time_zone": "Europe/Copenhagen",
    "quiet_hours": {"from": "21:00", "to": "08:00"},
    "topics": ["coffee"],
    "snooze_until": "2026-12-24T12:00:00Z",
    "weekly_maximum": 2,
}
NOTHING: dict[str, object] = {
    "preferred_channels": [],
    "locale": "sv",
    "time_zone": None,
    "quiet_hours": None,
    "topics": [],
    "snooze_until": None,
    "weekly_maximum": None,
}


async def test_preferences_are_stated_as_a_whole(shop: Shop):
    me = await shop.customer()
    before = await shop.client.get("/v1/me/preferences", headers=me)
    stated = await shop.client.put("/v1/me/preferences", json=STATED, headers=me)
    kept = await shop.client.get("/v1/me/preferences", headers=me)
    emptied = await shop.client.put("/v1/me/preferences", json={}, headers=me)

    assert before.json() == NOTHING
    assert (stated.status_code, stated.json()) == (200, STATED)
    assert kept.json() == STATED
    assert emptied.json() == NOTHING | {"locale": "da"}
    assert (await shop.client.get("/v1/me", headers=me)).json()["locale"] == "da"


@pytest.mark.parametrize(
    ("stated", "pointer", "code"),
    [
        ({"preferred_channels": ["pigeon"]}, "/preferred_channels/0", "not_allowed"),
        ({"preferred_channels": ["sms", "sms"]}, "/preferred_channels", "repeated"),
        ({"time_zone": "Mars/Olympus"}, "/time_zone", "unknown_time_zone"),
        ({"quiet_hours": {"from": "21:00", "to": "21:00"}}, "/quiet_hours/to", "no_length"),
        ({"quiet_hours": {"from": "24:00", "to": "08:00"}}, "/quiet_hours/from", "pattern"),
        ({"snooze_until": "2026-12-24T12:00:00"}, "/snooze_until", "type"),
        ({"snooze_until": "9999-12-31T23:59:59-14:00"}, "/snooze_until", "out_of_range"),
        ({"time_zone": "localtime"}, "/time_zone", "unknown_time_zone"),
        ({"weekly_maximum": -1}, "/weekly_maximum", "minimum"),
        ({"colour": "blue"}, "/colour", "unknown_field"),
    ],
)
async def test_a_wrong_preference_is_named(
    shop: Shop, stated: dict[str, object], pointer: str, code: str
):
    answer = await shop.client.put("/v1/me/preferences", json=stated, headers=await shop.customer())

    assert answer.status_code == 422
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]


def said(action: str, channel: str = "email") -> dict[str, str]:
    return {"purpose": "marketing", "channel": channel, "action": action, "wording": "footer-3"}


async def test_the_latest_word_of_a_customer_counts_and_every_word_is_kept(shop: Shop):
    me = await shop.customer()
    for word in (said("granted"), said("granted", "sms"), said("withdrawn")):
        stated = await shop.client.post("/v1/me/consents", json=word, headers=me)
        assert stated.status_code == 201, stated.text
    consents = (await shop.client.get("/v1/me/consents", headers=me)).json()

    current = {one["channel"]: one["granted"] for one in consents["current"]}
    assert current == {"email": False, "sms": True}
    assert [(one["channel"], one["action"]) for one in consents["items"]] == [
        ("email", "withdrawn"),
        ("sms", "granted"),
        ("email", "granted"),
    ]
    assert {one["source"] for one in consents["items"]} == {"customer"}
    assert {one["basis"] for one in consents["items"]} == {"consent"}


async def test_saying_it_again_adds_nothing(shop: Shop):
    me = await shop.customer()
    first = await shop.client.post("/v1/me/consents", json=said("granted"), headers=me)
    again = await shop.client.post("/v1/me/consents", json=said("granted"), headers=me)
    consents = (await shop.client.get("/v1/me/consents", headers=me)).json()

    assert again.json() == first.json()
    assert len(consents["items"]) == 1


async def test_consents_are_read_in_pages(shop: Shop):
    me = await shop.customer()
    for action in ("granted", "withdrawn", "granted"):
        await shop.client.post("/v1/me/consents", json=said(action), headers=me)
    page = (await shop.client.get("/v1/me/consents?limit=2", headers=me)).json()
    rest = await shop.client.get(
        f"/v1/me/consents?limit=2&cursor={page['next_cursor']}", headers=me
    )

    assert [one["action"] for one in page["items"]] == ["granted", "withdrawn"]
    assert [one["action"] for one in rest.json()["items"]] == ["granted"]
    assert rest.json()["next_cursor"] is None


async def test_only_words_that_a_customer_can_say_are_understood(shop: Shop):
    me = await shop.customer()
    answer = await shop.client.post("/v1/me/consents", json=said("maybe"), headers=me)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/action"
