"""People who log in with the retailer's own identity provider."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.examples import HARBOUR, HILL, a_customer
from tests.support.identity_provider import AUDIENCE, Provider, a_provider
from tests.support.shop import Shop, a_shop


@pytest.fixture
def provider() -> Iterator[Provider]:
    with a_provider() as provider:
        yield provider


@pytest.fixture
async def shop(database_url: str, tmp_path: Path, provider: Provider) -> AsyncIterator[Shop]:
    settings = {"oidc_issuer": provider.issuer, "oidc_audience": AUDIENCE}
    async with a_shop(database_url, tmp_path, **settings) as shop:
        yield shop


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_customer_is_known_by_the_providers_subject(shop: Shop, provider: Provider):
    person = a_customer("sample-7")
    async with shop.units.begin() as unit:
        await unit.customers.customers.upsert([person])
    answer = await shop.client.get("/v1/me", headers=bearing(provider.token("sample-7")))

    assert answer.status_code == 200
    assert answer.json()["id"] == person.id


async def test_who_is_no_customer_yet_is_told_so(shop: Shop, provider: Provider):
    answer = await shop.client.get("/v1/me", headers=bearing(provider.token("a-stranger")))

    assert (answer.status_code, answer.json()["code"]) == (401, "token_subject_unknown")


async def test_a_token_that_is_over_asks_for_a_new_log_in(shop: Shop, provider: Provider):
    answer = await shop.client.get("/v1/me", headers=bearing(provider.token(exp=1)))

    assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")


async def test_an_associate_works_in_the_stores_of_the_token(shop: Shop, provider: Provider):
    associate = bearing(provider.token("staff-1", role="associate", stores=[HARBOUR]))
    own = await shop.client.get(f"/v1/stores/{HARBOUR}/pickups", headers=associate)
    other = await shop.client.get(f"/v1/stores/{HILL}/pickups", headers=associate)

    assert (own.status_code, other.status_code) == (200, 404)


async def test_the_office_may_do_what_the_token_says(shop: Shop, provider: Provider):
    office = bearing(provider.token("staff-2", role="office", scopes=["keys"]))
    keys = await shop.client.get("/v1/keys", headers=office)
    customers = await shop.client.get("/v1/customers", headers=office)

    assert (keys.status_code, customers.status_code) == (200, 403)


async def test_our_own_issuer_is_silent_beside_a_provider(shop: Shop):
    answer = await shop.client.get("/v1/me", headers=await shop.customer())

    assert (answer.status_code, answer.json()["code"]) == (401, "token_refused")


async def test_a_dead_provider_makes_us_busy(shop: Shop, provider: Provider):
    provider.dead = True
    answer = await shop.client.get("/v1/me", headers=bearing(provider.token()))

    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert answer.headers["retry-after"] == "1"
