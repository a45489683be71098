"""One stack answers for the framework and the fast path: limits, metrics, CORS, problems."""

import re

import httpx
import pytest

from adapters.http.app import HttpSettings, _build_cors_config
from adapters.http.web.cors import Cors
from tests.support.examples import HARBOUR, MUG, shelve
from tests.support.shop import Shop, a_shop

FAST = [f"/v1/availability/{MUG}", f"/v1/availability?sku={MUG}"]
BY_THE_FRAMEWORK = [
    "/v1/availability/no-such-thing",
    f"/v1/availability/{MUG}?max_staleness=0",
    f"/v1/availability?sku={MUG}&sku=no-such-thing",
    "/v1/products?limit=1",
]


def left(answer: httpx.Response) -> int:
    """The requests that the caller has left in this second, as the answer says."""
    found = re.search(r"r=(\d+)", answer.headers["ratelimit"])
    assert found, answer.headers
    return int(found[1])


@pytest.mark.parametrize("path", [*FAST, *BY_THE_FRAMEWORK])
async def test_a_request_is_counted_once_whoever_answers_it(database_url: str, tmp_path, path: str):
    async with a_shop(database_url, tmp_path, rate_limit=5) as shop:
        await shelve(shop.units, mug=5)
        page = await shop.page()
        answers = [await shop.client.get(path, headers=page) for _ in range(2)]
        metrics = (await shop.client.get("/metrics")).text

    assert left(answers[0]) - left(answers[1]) in {0, 1}, "one, or refilled meanwhile"
    assert left(answers[0]) == 4
    counted = re.findall(r'hylla_http_requests_total\{.*route="/v1/.*\} ([0-9.]+)', metrics)
    assert sum(map(float, counted)) == 2


async def test_too_many_requests_are_a_problem_on_the_fast_path_too(database_url: str, tmp_path):
    async with a_shop(database_url, tmp_path, rate_limit=1) as shop:
        await shelve(shop.units, mug=5)
        page = await shop.page() | {"X-Request-Id": "mine", "Accept-Language": "sv"}
        answers = [await shop.client.get(FAST[0], headers=page) for _ in range(8)]
        refused = next(answer for answer in answers if answer.status_code == 429)

    assert refused.json()["code"] == "rate_limited"
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["x-request-id"] == "mine"
    assert refused.headers["cache-control"] == "no-store"
    assert left(refused) == 0


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer pk_wrong"}])
async def test_an_unknown_caller_gets_the_same_problem_everywhere(
    shop: Shop, headers: dict[str, str]
):
    fast, other = [
        await shop.client.get(path, headers=headers) for path in (FAST[0], BY_THE_FRAMEWORK[3])
    ]

    assert (fast.status_code, fast.json()["code"]) == (other.status_code, other.json()["code"])
    assert fast.status_code == 401
    assert fast.headers["www-authenticate"] == "Bearer"


async def test_an_error_of_a_hold_is_a_problem_with_the_headers_of_every_answer(shop: Shop):
    line = {"sku": MUG, "store": HARBOUR, "quantity": 1}
    headers = await shop.page() | {"Idempotency-Key": shop.fresh()}
    short = await shop.client.post("/v1/holds", json={"lines": [line]}, headers=headers)

    assert (short.status_code, short.json()["code"]) == (409, "insufficient_stock")
    assert short.headers["x-content-type-options"] == "nosniff"
    assert {"ratelimit", "x-request-id"} <= short.headers.keys()
    assert short.headers["cache-control"] == "no-store"


def preflight(cors: Cors, **more: str) -> tuple[int, dict[str, str], str]:
    given = {"origin": "https://shop.example", "access-control-request-method": "PUT", **more}
    raw = {name.replace("_", "-").encode(): value.encode() for name, value in given.items()}
    status, headers, body = cors.preflight(raw)
    return status, {name.decode(): value.decode() for name, value in headers}, body.decode()


def a_cors(*origins: str) -> Cors:
    return Cors(_build_cors_config(HttpSettings(origins=origins)))


def test_a_preflight_names_what_is_allowed():
    status, headers, body = preflight(
        a_cors("*"), access_control_request_headers="Authorization, if-match, content-type"
    )

    assert (status, body) == (204, "")
    assert headers["access-control-allow-origin"] == "*"
    assert "PUT" in headers["access-control-allow-methods"]
    assert headers["access-control-max-age"] == "86400"


@pytest.mark.parametrize(
    ("origins", "more", "refused"),
    [
        ("*", {"access_control_request_method": "TRACE"}, "method"),
        ("*", {"access_control_request_headers": "authorization, x-other"}, "headers"),
        ("https://other.example", {}, "Origin"),
    ],
)
def test_a_preflight_of_anything_else_is_refused(origins: str, more: dict[str, str], refused: str):
    status, headers, body = preflight(a_cors(origins), **more)

    assert (status, body) == (400, f"Disallowed CORS {refused}")
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    ("origins", "given", "allowed"),
    [
        (("*",), {b"origin": b"https://shop.example"}, b"*"),
        (("*",), {b"origin": b"https://shop.example", b"cookie": b"a=b"}, b"https://shop.example"),
        (("https://shop.example",), {b"origin": b"https://shop.example"}, b"https://shop.example"),
        (("https://shop.example",), {b"origin": b"https://evil.example"}, None),
    ],
)
def test_an_answer_names_the_origin_that_may_read_it(
    origins: tuple[str, ...], given: dict[bytes, bytes], allowed: bytes | None
):
    headers = dict(a_cors(*origins).response_headers(given))

    assert headers.get(b"access-control-allow-origin") == allowed
    assert (headers.get(b"vary") == b"Origin") == (allowed not in {None, b"*"})
