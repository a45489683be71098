"""Files sent as the body of a request."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.support.shop import Shop

CSV = {"Content-Type": "text/csv"}
JSON = {"Content-Type": "application/json"}
SALES = (
    "Code,Description,UnitPrice\n85123A,Heart,2.55\n85123A,Heart,2.95\n"
    "POST,Postage,9\n85123a,Star,0\n"
)


async def test_the_office_sends_a_file_and_hears_of_every_line(shop: Shop):
    answer = await shop.client.post(
        "/v1/imports/products",
        params={
            "map": ["sku=Code", "name=Description", "price=UnitPrice"],
            "set": "currency=GBP",
            "distinct": "sku",
            "pattern": r"sku=\d{5}.*",
        },
        content=SALES,
        headers=CSV | await shop.office("imports"),
    )

    assert answer.status_code == 200
    assert answer.json() == {
        "accepted": 1,
        "unchanged": 1,
        "refused": 2,
        "lines": [
            {"line": 4, "code": "pattern", "detail": "sku does not match '\\d{5}.*'."},
            {"line": 5, "code": "not_positive", "detail": "price must be more than 0."},
        ],
    }


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("text/csv; charset=utf-8", "external_id,name\n1,Sample 1\n"),
        ("application/json", json.dumps([{"external_id": 1, "name": "Sample 1"}])),
        ("application/x-ndjson", json.dumps({"external_id": 1, "name": "Sample 1"}) + "\n"),
    ],
)
async def test_a_file_may_be_csv_json_or_ndjson(shop: Shop, content_type: str, content: str):
    answer = await shop.client.post(
        "/v1/imports/customers",
        content=content,
        headers={"Content-Type": content_type} | await shop.office(),
    )

    assert answer.json() == {"accepted": 1, "unchanged": 0, "refused": 0, "lines": []}


async def test_a_long_file_arrives_in_pieces(shop: Shop):
    async def pieces() -> AsyncIterator[bytes]:
        yield b"external_id,name\n"
        for number in range(3000):
            yield f"{number},Sample {number}\n".encode()

    answer = await shop.client.post(
        "/v1/imports/customers", content=pieces(), headers=CSV | await shop.office()
    )

    assert answer.json()["accepted"] == 3000


@pytest.mark.parametrize(
    ("kind", "params", "headers", "content", "status", "code"),
    [
        ("products", {}, {"Content-Type": "text/plain"}, "sku\n", 415, "not_json"),
        ("products", {"map": "colour=C"}, CSV, "sku\n", 422, "invalid"),
        ("products", {"map": "sku"}, CSV, "sku\n", 422, "invalid"),
        ("products", {"distinct": "name"}, CSV, "sku\n", 422, "invalid"),
        ("products", {"pattern": "sku=("}, CSV, "sku\n", 422, "invalid"),
        ("products", {"colour": "blue"}, CSV, "sku\n", 422, "invalid"),
        ("products", {}, CSV, "", 422, "file_unreadable"),
        ("products", {}, CSV, "null", 422, "file_unreadable"),
        ("products", {}, CSV, b"PK\x03\x04", 422, "file_unreadable"),
        ("products", {}, JSON, "sku,name\n", 422, "file_unreadable"),
        ("products", {}, JSON, "null", 422, "file_unreadable"),
        ("products", {"map": "sku=Code"}, CSV, "Code\n", 200, None),
        ("products", {}, CSV | {"Content-Encoding": "gzip"}, b"\x1f\x8b", 415, "not_json"),
        ("products", {}, CSV | {"Content-Encoding": "identity"}, "sku\n", 200, None),
    ],
)
async def test_what_cannot_be_brought_in_at_all_is_a_problem(
    shop: Shop, *, kind, params, headers, content, status, code
):
    answer = await shop.client.post(
        f"/v1/imports/{kind}",
        params=params,
        content=content,
        headers=headers | await shop.office(),
    )

    assert (answer.status_code, answer.json().get("code")) == (status, code)


async def test_there_is_no_file_of_an_unknown_kind(shop: Shop):
    answer = await shop.client.post(
        "/v1/imports/elephants", content="sku\n", headers=CSV | await shop.office()
    )

    assert answer.status_code == 404


async def test_only_an_office_with_the_scope_may_send_files(shop: Shop):
    for headers in (await shop.page(), await shop.till("harbour"), await shop.office("stock")):
        answer = await shop.client.post(
            "/v1/imports/customers", content="external_id\n1\n", headers=CSV | headers
        )

        assert answer.status_code == 403
