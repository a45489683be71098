"""The promise: complete, true to itself, kept, and shown without the internet."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from openapi import renew
from tests.support.shop import Shop

Document = dict[str, Any]


@pytest.fixture
async def document() -> Document:
    document: Document = yaml.safe_load(await renew.served())
    return document


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def fits(document: Document, schema: Document, example: object) -> list[str]:
    whole = {**schema, "components": document["components"]}
    return [error.message for error in OAS31Validator(whole).iter_errors(example)]


async def test_the_kept_promise_is_the_one_that_is_given():
    now = await renew.documents()
    kept = {name: (renew.HERE / name).read_text(encoding="utf-8") for name in now}

    assert kept == now, "the contract has changed: look at it, then `make openapi`"


async def test_it_is_openapi(document: Document):
    validate(document)

    assert document["openapi"].startswith("3.1")


async def test_every_operation_has_a_name_a_sentence_and_a_tag(document: Document):
    tags = {tag["name"] for tag in document["tags"]}
    names = [operation["operationId"] for _, _, operation in operations(document)]

    assert len(set(names)) == len(names)
    for method, path, operation in operations(document):
        assert re.fullmatch("[a-z][a-z_]+", operation["operationId"]), (method, path)
        assert operation["summary"], (method, path)
        assert operation["tags"], (method, path)
        assert set(operation["tags"]) <= tags, (method, path)


async def test_every_example_fits_its_schema(document: Document):
    wrong = [
        (operation["operationId"], where, fault)
        for _, _, operation in operations(document)
        for where, schema, example in examples_of(document, operation)
        for fault in fits(document, schema, example)
    ]

    assert wrong == []


def examples_of(document: Document, operation: Document) -> Iterator[tuple[str, Document, object]]:
    for parameter in operation["parameters"]:
        found = resolved(document, parameter)
        yield found["name"], found["schema"], found["example"]
    answers = operation["responses"].items()
    told = [("body", operation.get("requestBody", {})), *answers]
    for where, part in told:
        for media in resolved(document, part).get("content", {}).values():
            if media["schema"].get("type") != "string":
                yield str(where), media["schema"], media["example"]


def resolved(document: Document, part: Document) -> Document:
    if "$ref" not in part:
        return part
    found: Any = document
    for step in part["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    resolved_part: Document = found
    return resolved_part


async def test_every_answer_and_every_body_has_an_example(document: Document):
    for method, path, operation in operations(document):
        told = [operation.get("requestBody", {}), *operation["responses"].values()]
        for part in told:
            for media in resolved(document, part).get("content", {}).values():
                assert "example" in media or media["schema"].get("type") == "string", (method, path)


async def test_every_refusal_is_a_problem(document: Document):
    for method, path, operation in operations(document):
        for status, answer in operation["responses"].items():
            if int(status) >= 400 and "$ref" in answer:
                media = list(resolved(document, answer)["content"])
                assert media == ["application/problem+json"], (method, path, status)


async def test_who_needs_a_credential_is_told_so(document: Document):
    for method, path, operation in operations(document):
        needs = bool(operation["x-callers"])
        assert operation["security"] == ([{"bearer": []}] if needs else []), (method, path)
        assert ("401" in operation["responses"]) == needs, (method, path)


async def test_every_write_takes_an_idempotency_key(document: Document):
    """Imports and receipts need none, their ids are the key; a look-up by code writes nothing."""
    without = [
        operation["operationId"]
        for method, _, operation in operations(document)
        if method in {"POST", "PUT", "PATCH", "DELETE"}
        and not any("IdempotencyKey" in str(part) for part in operation["parameters"])
    ]

    assert sorted(without) == ["identify_pickup", "import_file", "record_sales"]


async def test_the_contract_is_served_in_both_spellings(shop: Shop):
    as_json = await shop.client.get("/schema/openapi.json")
    as_yaml = await shop.client.get("/schema/openapi.yaml")

    assert as_json.headers["content-type"] == "application/json"
    assert as_json.json() == yaml.safe_load(as_yaml.text)


async def test_the_docs_need_no_internet(shop: Shop):
    page = await shop.client.get("/docs")
    parts = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    answers = {part: await shop.client.get(part) for part in parts}

    assert page.headers["content-type"].startswith("text/html")
    assert len(parts) == 4
    assert [part for part in parts if not part.startswith("/docs/")] == []
    assert {answer.status_code for answer in answers.values()} == {200}
    assert outside(answers["/docs/swagger-ui.css"], r"url\(([^)]*)\)|@import (\S+)") == []
    assert outside(answers["/docs/start.js"], r'"(https?:[^"]*)"') == []
    assert "validatorUrl: null" in answers["/docs/start.js"].text
    for answer in [page, *answers.values()]:
        assert "http" not in answer.headers["content-security-policy"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def outside(answer: httpx.Response, pattern: str) -> list[str]:
    """What a style sheet or a script would load from elsewhere."""
    found = ("".join(match.groups("")).strip("\"'") for match in re.finditer(pattern, answer.text))
    return [address for address in found if not address.startswith("data:")]


async def test_only_the_docs_own_files_are_served(shop: Shop):
    answers = [
        await shop.client.get(f"/docs/{name}") for name in ("LICENSE", "__init__.py", "..%2Fapp.py")
    ]

    assert {answer.status_code for answer in answers} == {404}


async def test_every_event_has_a_schema(document: Document):
    events = renew.events()

    assert set(events["discriminator"]["mapping"]) >= {"order_placed", "pickup_ready"}
    assert set(events["$defs"]) >= {"OrderPlaced", "PickupReady", "PickupCollected", "PickupEnded"}


async def test_no_pattern_lets_a_line_break_through(document: Document):
    """What the contract says in JavaScript's rules must hold in Python's too."""
    found = sorted(set(patterns_in(document)))

    assert found
    for pattern in found:
        assert pattern.startswith("^"), pattern
        assert pattern.endswith(r"$(?!\n)"), pattern


def patterns_in(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(pattern := part.get("pattern"), str):
            yield pattern
        part = list(part.values())
    if isinstance(part, list):
        for below in part:
            yield from patterns_in(below)
