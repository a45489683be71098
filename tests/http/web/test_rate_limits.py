"""How often a caller may ask."""

from pathlib import Path

import pytest

from adapters.http.web.rate_limits import RateLimiter, RatePolicy
from domain.kernel.errors import RateLimited
from tests.support.examples import HARBOUR
from tests.support.shop import a_shop


class Watch:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_is_emptied_and_fills_again():
    watch = Watch()
    limits = RateLimiter(RatePolicy("default", 3, 6), monotonic=watch)
    for left in (2, 1, 0):
        assert limits.acquire("default", "somebody")["RateLimit"].startswith(f'"default";r={left};')
    with pytest.raises(RateLimited) as refusal:
        limits.acquire("default", "somebody")
    watch.now += refusal.value.facts["retry_after_s"]

    assert refusal.value.facts["retry_after_s"] == 2
    assert limits.acquire("default", "somebody")["RateLimit"] == '"default";r=0;t=6'


def test_nobody_pays_for_another_or_for_another_limit():
    limits = RateLimiter(
        RatePolicy("default", 1, 1), RatePolicy("strict", 1, 60), monotonic=Watch()
    )
    limits.acquire("default", "one")

    assert limits.acquire("default", "two")["RateLimit-Policy"] == '"default";q=1;w=1'
    assert limits.acquire("strict", "one")["RateLimit-Policy"] == '"strict";q=1;w=60'


def test_a_bucket_never_holds_more_than_its_quota():
    watch = Watch()
    limits = RateLimiter(RatePolicy("default", 2, 1), monotonic=watch)
    limits.acquire("default", "somebody")
    watch.now += 3600

    assert limits.acquire("default", "somebody")["RateLimit"] == '"default";r=1;t=1'


async def test_who_asks_too_often_is_told_when_to_come_back(database_url: str, tmp_path: Path):
    async with a_shop(database_url, tmp_path, rate_limit=2) as shop:
        page = await shop.page()
        answers = [await shop.client.get("/v1/stores", headers=page) for _ in range(4)]
        others = await shop.client.get("/v1/stores", headers=await shop.page())

    refused = answers[-1]
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    assert refused.status_code == 429
    assert refused.json()["code"] == "rate_limited"
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["ratelimit"].startswith('"default";r=0;')
    assert others.status_code == 200


async def test_guessing_codes_is_slow(database_url: str, tmp_path: Path):
    async with a_shop(database_url, tmp_path) as shop:
        till = await shop.till(HARBOUR)
        path = f"/v1/stores/{HARBOUR}/pickups/identify"
        answers = [
            await shop.client.post(path, json={"code": f"2345678{last}"}, headers=till)
            for last in "ABCDEFGHJKMN" * 6
        ]

    assert answers[0].headers["ratelimit-policy"] == '"strict";q=60;w=60'
    assert answers[0].status_code == 404
    assert answers[-1].status_code == 429
