"""The manner in which everything is answered, whatever was asked."""

import logging
import re
from typing import Any, cast

import httpx
import pytest
import structlog

from adapters.http.web.paging import encode_cursor
from domain.foundation.callers import AccessDenied, Role
from tests.support.shop import Shop

PROBLEM = "application/problem+json"


def problem(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == PROBLEM
    body: dict[str, Any] = answer.json()
    assert body["status"] == answer.status_code
    assert body["type"] == f"/problems/{body['code']}"
    return body


async def test_nobody_is_told_how_to_say_who_calls(shop: Shop):
    answer = await shop.client.get("/v1/keys")

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert problem(answer)["code"] == "unauthenticated"


@pytest.mark.parametrize(
    "header", ["", "Basic abc", "Bearer", "Bearer  ", "Bearer sk_wrong", "sk_x", "Bearer a.b.c"]
)
async def test_a_credential_that_does_not_hold_is_nobody(shop: Shop, header: str):
    answer = await shop.client.get("/v1/keys", headers={"Authorization": header})

    assert answer.status_code == 401


async def test_a_caller_of_the_wrong_kind_may_not(shop: Shop):
    answer = await shop.client.get("/v1/keys", headers=await shop.page())

    assert answer.status_code == 403
    assert problem(answer)["code"] == "forbidden"


async def test_an_office_key_may_do_what_its_scopes_say(shop: Shop):
    narrow = await shop.client.get("/v1/keys", headers=await shop.office("reports"))
    fitting = await shop.client.get("/v1/keys", headers=await shop.office("keys", "reports"))

    assert (narrow.status_code, problem(narrow)["scope"]) == (403, "keys")
    assert fitting.status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"role": "till", "colour": "red"}, "/colour", "unknown_field"),
        ({}, "/role", "required"),
        ({"role": 7}, "/role", "type"),
        ({"role": "owner"}, "/role", "not_allowed"),
        ({"role": "till", "stores": ["1", "a/b"]}, "/stores/1", "pattern"),
        ({"role": "till", "stores": "1"}, "/stores", "type"),
        ({"role": "till", "terminal": "T" * 65}, "/terminal", "length"),
        ({"role": "shop", "terminal": "T\0"}, "/terminal", "unprintable"),
        ({"role": "associate", "stores": ["nowhere"]}, "/stores/0", "unknown_store"),
        ([], "", "type"),
    ],
)
async def test_bad_input_is_told_which_field_and_which_rule(
    shop: Shop, body: object, pointer: str, code: str
):
    answer = await shop.client.post("/v1/keys", json=body, headers=await shop.office())

    assert answer.status_code == 422
    [error] = problem(answer)["errors"]
    assert (error["pointer"], error["code"]) == (pointer, code)
    assert error["detail"]


async def test_a_field_deep_inside_is_pointed_at(shop: Shop):
    page = await shop.page()
    cart = (await shop.client.post("/v1/carts", json={"currency": "SEK"}, headers=page)).json()
    line = {"quantity": 1, "fulfilment": {"method": "carry"}}
    answer = await shop.client.put(
        f"/v1/carts/{cart['id']}/lines/MUG",
        json=line,
        headers={**page, "Cart-Token": cart["token"]},
    )

    assert problem(answer)["errors"][0]["pointer"] == "/fulfilment/method"


@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff\xfe", b"{'role': 'till'}", b'{"role": "\\ud800"}', b"nul", b"null", b"[" * 5000],
)
async def test_what_is_no_json_is_unreadable(shop: Shop, body: bytes):
    headers = {**await shop.office(), "Content-Type": "application/json"}
    answer = await shop.client.post("/v1/keys", content=body, headers=headers)

    assert answer.status_code in {400, 422}
    assert problem(answer)["code"] in {"unreadable", "invalid"}


async def test_a_body_that_is_missing_is_asked_for(shop: Shop):
    answer = await shop.client.post("/v1/keys", headers=await shop.office())

    assert (answer.status_code, problem(answer)["code"]) == (400, "unreadable")


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_only_json_is_read(shop: Shop, media: str):
    headers = {**await shop.office(), "Content-Type": media}
    answer = await shop.client.post("/v1/keys", content=b'{"role":"shop"}', headers=headers)

    assert (answer.status_code, problem(answer)["code"]) == (415, "not_json")


async def test_a_charset_beside_the_media_type_does_no_harm(shop: Shop):
    headers = {**await shop.office(), "Content-Type": "Application/JSON; charset=utf-8"}
    answer = await shop.client.post("/v1/keys", content=b'{"role":"shop"}', headers=headers)

    assert answer.status_code == 201


async def test_a_body_over_a_megabyte_is_too_large(shop: Shop):
    body = {"role": "shop", "terminal": "x" * 1_000_001}
    answer = await shop.client.post("/v1/keys", json=body, headers=await shop.office())

    assert (answer.status_code, problem(answer)["code"]) == (413, "too_large")


async def test_an_address_nobody_has_is_a_problem_too(shop: Shop):
    answer = await shop.client.get("/v1/nothing")

    assert (answer.status_code, problem(answer)["code"]) == (404, "not_found")


async def test_a_method_that_is_not_there_names_those_that_are(shop: Shop):
    answer = await shop.client.put("/v1/keys", headers=await shop.office())

    assert (answer.status_code, problem(answer)["code"]) == (405, "method_not_allowed")
    assert {"GET", "POST"} <= set(re.split(", *", answer.headers["allow"]))


@pytest.mark.parametrize(
    ("wanted", "title"),
    [
        ("", "We do not know who is calling"),
        ("nb-NO", "Vi vet ikke hvem som spør"),
        ("nn, en;q=0.9", "Vi vet ikke hvem som spør"),
        ("sv-SE;q=0.3, da;q=0.8", "Vi ved ikke, hvem der spørger"),
        ("fr, ro;q=0.1", "Nu știm cine întreabă"),
        ("fr, *", "We do not know who is calling"),
        ("sv;q=0, en", "We do not know who is calling"),
        (";;q=,,x", "We do not know who is calling"),
    ],
)
async def test_a_title_is_in_the_readers_language(shop: Shop, wanted: str, title: str):
    answer = await shop.client.get("/v1/keys", headers={"Accept-Language": wanted})

    assert problem(answer)["title"] == title


async def test_the_type_of_a_problem_opens_its_description(shop: Shop):
    refused = problem(await shop.client.get("/v1/keys"))
    answer = await shop.client.get(refused["type"], headers={"Accept-Language": "sv"})

    assert answer.json() == {
        "code": "unauthenticated",
        "title": "Vi vet inte vem som frågar",
        "status": 401,
    }


@pytest.mark.parametrize(
    ("query", "name", "code"),
    [
        ("limit=0", "limit", "minimum"),
        ("limit=201", "limit", "maximum"),
        ("limit=many", "limit", "type"),
        ("cursor=nonsense", "cursor", "cursor"),
        ("cursor=%C3%B8", "cursor", "cursor"),
        ("limti=5", "limti", "unknown_field"),
        ("cursor=a%00b", "cursor", "unprintable"),
    ],
)
async def test_a_parameter_that_does_not_fit_is_named(shop: Shop, query: str, name: str, code: str):
    answer = await shop.client.get(f"/v1/keys?{query}", headers=await shop.office())

    assert answer.status_code == 422
    [error] = problem(answer)["errors"]
    assert (error["parameter"], error["in"], error["code"]) == (name, "query", code)


async def test_a_path_with_a_nul_names_nothing(shop: Shop):
    answer = await shop.client.get("/v1/orders/ord_%00", headers=await shop.office())

    assert answer.status_code == 404


async def test_pages_follow_each_other_without_gap_or_repeat(shop: Shop):
    office = await shop.office()
    for _ in range(6):
        await shop.page()
    whole = (await shop.client.get("/v1/keys", headers=office)).json()
    walked: list[Any] = []
    params: dict[str, Any] = {"limit": 3}
    while True:
        page = (await shop.client.get("/v1/keys", params=params, headers=office)).json()
        walked += page["items"]
        if page["next_cursor"] is None:
            break
        assert len(page["items"]) == 3
        params["cursor"] = page["next_cursor"]

    assert walked == whole["items"]
    assert len(walked) == 7


async def test_every_answer_says_how_often_one_may_ask(shop: Shop):
    office = await shop.office()
    first = await shop.client.get("/v1/keys", headers=office)

    assert first.headers["ratelimit-policy"] == '"default";q=1000;w=1'
    assert re.fullmatch(r'"default";r=\d+;t=\d', first.headers["ratelimit"])


async def test_a_request_keeps_the_id_it_came_with(shop: Shop):
    named = await shop.client.get("/health/live", headers={"X-Request-Id": "till-7-0001"})
    unnamed = await shop.client.get("/health/live")
    strange = await shop.client.get("/health/live", headers={"X-Request-Id": "a b"})

    assert named.headers["x-request-id"] == "till-7-0001"
    assert re.fullmatch("[0-9a-f]{32}", unnamed.headers["x-request-id"])
    assert re.fullmatch("[0-9a-f]{32}", strange.headers["x-request-id"])


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
async def test_health_answers_a_head(shop: Shop, path: str):
    answer = await shop.client.head(path)

    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_shop_whose_database_answers_is_ready(shop: Shop):
    answer = await shop.client.get("/health/ready")

    assert answer.json() == {"status": "ok", "checks": {"database": "ok"}}


async def test_metrics_count_by_route_not_by_path(shop: Shop):
    page = await shop.page()
    await shop.client.get("/v1/availability/A-SKU-THAT-IS-A-PATH", headers=page)
    text = (await shop.client.get("/metrics")).text

    assert 'hylla_http_requests_total{method="GET",route="/v1/availability/{sku}"' in text
    assert "A-SKU-THAT-IS-A-PATH" not in text


@pytest.mark.parametrize("key", ["", "a" * 256, "with space", "ø".encode().decode("latin-1")])
async def test_an_idempotency_key_is_visible_ascii(shop: Shop, key: str):
    page = await shop.page()
    headers = {**page, "Idempotency-Key": key}
    answer = await shop.client.post(
        "/v1/carts",
        json={"currency": "SEK"},
        headers={name.encode(): value.encode("latin-1") for name, value in headers.items()},
    )

    assert answer.status_code == 422
    assert problem(answer)["errors"][0]["header"] == "Idempotency-Key"


async def test_the_same_key_and_body_get_the_first_answer_again(shop: Shop):
    headers = {**await shop.customer(), "Idempotency-Key": "~" * 255}
    first = await shop.client.post("/v1/carts", json={"currency": "SEK"}, headers=headers)
    again = await shop.client.post("/v1/carts", json={"currency": "SEK"}, headers=headers)

    assert (first.status_code, again.status_code) == (201, 201)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == first.json()


async def test_the_same_key_with_another_body_is_refused(shop: Shop):
    headers = {**await shop.customer(), "Idempotency-Key": "one"}
    await shop.client.post("/v1/carts", json={"currency": "SEK"}, headers=headers)
    answer = await shop.client.post("/v1/carts", json={"currency": "NOK"}, headers=headers)

    assert (answer.status_code, problem(answer)["code"]) == (422, "idempotency_key_reused")


async def test_two_callers_may_use_the_same_key(shop: Shop):
    carts = set()
    for caller in (await shop.page(), await shop.page()):
        headers = {**caller, "Idempotency-Key": "one"}
        answer = await shop.client.post("/v1/carts", json={"currency": "SEK"}, headers=headers)
        carts.add(answer.json()["id"])

    assert len(carts) == 2


async def test_what_moves_stock_needs_a_key(shop: Shop):
    page = await shop.page()
    cart = (await shop.client.post("/v1/carts", json={"currency": "SEK"}, headers=page)).json()
    answer = await shop.client.post(
        f"/v1/carts/{cart['id']}/checkout",
        json={
            "contact": {"name": "Sample", "email": "sample@example.com"},
            "payment": {"method": "pay_at_pickup"},
        },
        headers={**page, "Cart-Token": cart["token"]},
    )

    assert (answer.status_code, problem(answer)["code"]) == (428, "idempotency_key_required")


async def test_a_write_on_an_old_version_is_stale(shop: Shop):
    page = await shop.page()
    started = await shop.client.post("/v1/carts", json={"currency": "SEK"}, headers=page)
    guest = {**page, "Cart-Token": started.json()["token"], "If-Match": started.headers["etag"]}
    line = f"/v1/carts/{started.json()['id']}/lines/MUG"
    first = await shop.client.put(line, json={"quantity": 1}, headers=guest)
    second = await shop.client.put(line, json={"quantity": 2}, headers=guest)

    assert first.status_code == 200
    assert first.headers["etag"] != started.headers["etag"]
    assert (second.status_code, problem(second)["code"]) == (412, "version_conflict")


async def test_somebody_elses_thing_is_not_there_and_leaves_a_trace(shop: Shop):
    stranger = await shop.page()
    owner = await shop.page()
    cart = (await shop.client.post("/v1/carts", json={"currency": "SEK"}, headers=owner)).json()
    theirs = await shop.client.get(f"/v1/carts/{cart['id']}", headers=stranger)
    nothing = await shop.client.get("/v1/carts/crt_nothing", headers=stranger)
    async with shop.units.read() as unit:
        rows = await unit.connection.fetch("select role, operation, resource from access_denials")

    assert theirs.status_code == nothing.status_code == 404
    assert problem(theirs)["code"] == problem(nothing)["code"]
    assert ("shop", "get_cart", cart["id"]) in [tuple(row) for row in rows]
    assert issubclass(AccessDenied, Exception)


async def test_a_page_of_a_shop_may_call_from_its_own_origin(shop: Shop):
    asked = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
    }
    allowed = await shop.client.options("/v1/carts", headers=asked)
    answer = await shop.client.get("/health/live", headers={"Origin": "https://shop.example"})

    assert allowed.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


async def test_a_revoked_key_opens_nothing_within_seconds(shop: Shop, monkeypatch):
    monkeypatch.setattr("service.foundation.authenticator.CACHE_TTL_SECONDS", 0.0)
    office = await shop.office()
    made = await shop.client.post("/v1/keys", json={"role": "office"}, headers=office)
    theirs = {"Authorization": f"Bearer {made.json()['key']}"}
    before = await shop.client.get("/v1/keys", headers=theirs)
    gone = await shop.client.delete(f"/v1/keys/{made.json()['id']}", headers=office)
    after = await shop.client.get("/v1/keys", headers=theirs)

    assert (before.status_code, gone.status_code, after.status_code) == (200, 204, 401)


async def test_a_repeated_request_for_a_key_shows_no_second_secret(shop: Shop):
    headers = {**await shop.office(), "Idempotency-Key": "one"}
    first = (await shop.client.post("/v1/keys", json={"role": "shop"}, headers=headers)).json()
    again = (await shop.client.post("/v1/keys", json={"role": "shop"}, headers=headers)).json()

    assert again == {**first, "key": None}


async def test_a_secret_is_shown_once_and_kept_as_a_hash(shop: Shop):
    office = await shop.office()
    body = {"role": "till", "stores": ["harbour"], "terminal": "T9"}
    made = (await shop.client.post("/v1/keys", json=body, headers=office)).json()
    listed = (await shop.client.get("/v1/keys", headers=office)).text
    async with shop.units.read() as unit:
        kept = await unit.connection.fetchval("select string_agg(api_keys::text, '') from api_keys")

    assert made["key"].startswith("sk_")
    assert made["role"] == Role.TILL
    assert made["key"] not in listed
    assert made["key"] not in kept
    assert made["id"] in listed


@pytest.mark.parametrize(
    ("query", "name", "code"),
    [
        ("sku=a%2Fb", "sku", "pattern"),
        ("sku=MUG&channel=web&channel=web", "channel", "repeated"),
        ("sku=MUG&explain=null", "explain", "type"),
        ("sku=" + "&sku=".join(["MUG"] * 101), "sku", "length"),
        ("", "sku", "required"),
    ],
)
async def test_the_rules_of_a_parameters_type_hold(shop: Shop, query: str, name: str, code: str):
    answer = await shop.client.get(f"/v1/availability?{query}", headers=await shop.page())

    assert answer.status_code == 422
    [error] = problem(answer)["errors"]
    assert (error["parameter"], error["code"]) == (name, code)


@pytest.mark.parametrize(
    ("path", "position"),
    [
        ("/v1/products", "\0"),
        ("/v1/stores", "\0"),
        ("/v1/stores?near=59.3,18.0", [1.0, "\0"]),
        ("/v1/customers", "\0"),
        ("/v1/keys", "\0"),
        ("/v1/messages", "\0"),
        ("/v1/stores/harbour/incidents", "\0"),
        ("/v1/stock/MUG/movements", 2**63),
        ("/v1/stock/MUG/movements", -(2**63) - 1),
    ],
)
async def test_a_cursor_that_no_list_of_ours_gave_is_named(shop: Shop, path: str, position: object):
    answer = await shop.client.get(
        path,
        params={**httpx.URL(path).params, "cursor": encode_cursor(position)},
        headers=await shop.office(),
    )

    [error] = problem(answer)["errors"]
    assert (answer.status_code, error["parameter"]) == (422, "cursor")


async def test_a_narrowed_key_makes_no_wider_key(shop: Shop):
    narrow = await shop.office("keys", "stock")
    made = [
        await shop.client.post("/v1/keys", json={"role": "office", "scopes": scopes}, headers=who)
        for who, scopes in [
            (narrow, []),
            (narrow, ["keys", "customers"]),
            (narrow, ["keys"]),
            (narrow, ["stock", "keys"]),
            (await shop.office(), []),
        ]
    ]

    assert [answer.status_code for answer in made] == [403, 403, 201, 201, 201]
    assert problem(made[1])["code"] == "forbidden"
    assert problem(made[1])["scopes"] == ["customers"]


async def test_a_key_that_may_only_make_keys_makes_those_of_machines(shop: Shop):
    narrow = await shop.office("keys")
    made = await shop.client.post("/v1/keys", json={"role": "shop"}, headers=narrow)

    assert made.status_code == 201


async def test_two_keys_of_one_request_are_refused(shop: Shop):
    headers = [*(await shop.office()).items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = await shop.client.post("/v1/keys", json={"role": "shop"}, headers=headers)

    [error] = problem(answer)["errors"]
    assert (answer.status_code, error["header"], error["code"]) == (
        422,
        "Idempotency-Key",
        "repeated",
    )


@pytest.mark.parametrize(
    "path", ["/v1/stores?", "/v1/availability?sku=MUG&", "/v1/availability/MUG?"]
)
async def test_a_radius_around_nowhere_is_refused(shop: Shop, path: str):
    answer = await shop.client.get(f"{path}radius_km=5", headers=await shop.page())

    [error] = problem(answer)["errors"]
    assert (answer.status_code, error["parameter"]) == (422, "radius_km")


async def test_whoever_leaves_in_the_middle_of_a_body_is_no_bug_of_ours(
    shop: Shop, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "hylla.http")
    headers = await shop.office() | {"Content-Type": "application/json", "Content-Length": "20"}
    said = iter(
        [
            {"type": "http.request", "body": b'{"role":', "more_body": True},
            {"type": "http.disconnect"},
        ]
    )
    answered: list[Any] = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "server": ("shop.test", 80),
        "client": ("127.0.0.1", 1),
        "method": "POST",
        "path": "/v1/keys",
        "raw_path": b"/v1/keys",
        "query_string": b"",
        "headers": [(name.lower().encode(), text.encode()) for name, text in headers.items()],
    }

    async def receive() -> Any:
        return next(said)

    async def send(message: Any) -> None:
        answered.append(message)

    app = cast(httpx.ASGITransport, shop.client._transport).app
    with structlog.testing.capture_logs() as lines:
        await app(scope, receive, send)

    assert answered[0]["status"] == 499
    assert [(line["event"], line["log_level"], line["status"]) for line in lines] == [
        ("request", "info", 499)
    ]
