"""The manner of the API: who may call, how a refusal looks, health, contract, metrics, limits."""

import re
from typing import Any, Final

import httpx

from tests.recording.recorder import NOBODY
from tests.recording.scenarios.shop import LONDON, MUG, Shop, bearer

LANGUAGES: Final = ("en", "nb", "sv", "da", "ro", "fr", "sv-FI;q=0.5, ro;q=0.9")


def refusals(shop: Shop) -> None:
    r = shop.recorder
    r.get("/health/live")
    r.get("/health/ready")
    r.get("/v1/stores")
    r.get("/v1/stores", bearer("garbage", "sk_garbage"))
    r.get("/v1/stores", bearer("a bad token", "eyJhbGciOiJub25lIn0.e30."))
    r.get("/v1/customers", shop.page)
    r.get("/v1/me", shop.office)
    r.get("/v1/audit", shop.till)
    r.get("/v1/nothing-here", shop.office)
    r.ask("TRACE", "/v1/stores", shop.office)
    r.delete("/v1/stores", shop.office)
    r.get("/v1/stores/{store}", shop.page, store="nowhere")
    _bodies(shop)


def _bodies(shop: Shop) -> None:
    """What cannot be read, and what can be read but is wrong."""
    r = shop.recorder
    json, text = {"Content-Type": "application/json"}, {"Content-Type": "text/plain"}
    r.ask("POST", "/v1/carts", shop.page, raw="{", headers=json)
    r.ask("POST", "/v1/carts", shop.page, raw='{"currency": "EUR"}', headers=text)
    r.ask("POST", "/v1/carts", shop.page, raw="[]", headers=json)
    r.post("/v1/carts", shop.page, {"currency": "euro"})
    r.post("/v1/carts", shop.page, {})
    r.post("/v1/carts", shop.page, {"currency": "EUR", "curency": "EUR"})
    r.post("/v1/carts", shop.page, {"currency": "EUR"}, key="with a blank")
    r.post("/v1/stock/adjustments", shop.office, {"lines": []})
    r.move("/v1/stock/adjustments", shop.office, {"lines": "none"})
    r.ask("POST", "/v1/carts", shop.page, raw='"' + "x" * 3_000_000 + '"', headers=json, show=_code)
    _replace_long_body(shop)
    r.get("/v1/products", shop.page, query={"limit": 201})
    r.get("/v1/products", shop.page, query={"limit": "many"})
    r.get("/v1/products", shop.page, query={"cursor": "garbage"})
    r.get("/v1/products", shop.page, query={"colour": "white"})
    r.get("/v1/availability", shop.page, query={"sku": "a/b"})
    r.get("/v1/availability", shop.page)


def _replace_long_body(shop: Shop) -> None:
    shop.recorder.entries["refusals"][-1]["sent"] = "<three million characters>"


def _code(answer: httpx.Response) -> Any:
    return answer.json() if answer.status_code >= httpx.codes.BAD_REQUEST else "accepted"


def languages(shop: Shop) -> None:
    r = shop.recorder
    for language in LANGUAGES:
        headers = {"Accept-Language": language}
        refused = r.get("/v1/stores/{store}", shop.page, headers=headers, store="nowhere")
        r.get("/v1/products/{sku}", shop.page, headers=headers, sku=MUG)
    kind = httpx.URL(refused.json()["type"]).path.rpartition("/")[2]
    for language in LANGUAGES[:5]:
        r.get("/problems/{code}", headers={"Accept-Language": language}, code=kind)
    r.get("/problems/{code}", code="no_such_problem")


def contract(shop: Shop) -> None:
    """Operation ids and names of schemas, each a sorted list; YAML by its beginning."""
    r = shop.recorder
    r.get("/schema/openapi.json", show=_names_of_contract)
    r.get("/schema/openapi.yaml", show=lambda answer: answer.text.splitlines()[0])
    r.get("/docs", show=lambda answer: answer.headers["content-type"])


def _names_of_contract(answer: httpx.Response) -> dict[str, list[str]]:
    document = answer.json()
    operations = {
        operation["operationId"]: f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if isinstance(operation, dict) and "operationId" in operation
    }
    return {
        "operations": sorted(f"{where} {name}" for name, where in operations.items()),
        "schemas": sorted(document["components"]["schemas"]),
    }


def audit(shop: Shop) -> None:
    """Every invariant after all that was done before."""
    r = shop.recorder
    r.get("/v1/audit", shop.office, until=lambda answer: answer.json().get("ok") is True)
    r.get("/v1/audit", shop.associate)


def limits(shop: Shop) -> None:
    """Guessing a pickup's code is slowed down; other requests of the same caller are not."""
    r = shop.recorder
    wrong = {"code": "ZZZZZZ"}
    identify = "/v1/stores/{store}/pickups/identify"
    r.post(identify, shop.till, wrong, until=_is_slowed_down, store=LONDON)
    r.get("/v1/stores/{store}", shop.till, store=LONDON)


def _is_slowed_down(answer: httpx.Response) -> bool:
    return answer.status_code == httpx.codes.TOO_MANY_REQUESTS


def metrics(shop: Shop) -> None:
    """Names and kinds alone: figures depend on time."""
    shop.recorder.get("/metrics", NOBODY, show=_metrics)


def _metrics(answer: httpx.Response) -> list[str]:
    return sorted(set(re.findall(r"^# TYPE (\S+ \S+)", answer.text, re.MULTILINE)))
