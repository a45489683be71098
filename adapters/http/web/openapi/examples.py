"""An example of everything on the wire, composed word by word: one word is one thing everywhere."""

from collections.abc import Mapping
from typing import Any, Final

Schema = dict[str, Any]

EXAMPLES_BY_NAME: Final[Mapping[str, Any]] = {
    "sku": "85123A",
    "store": "1000",
    "from": "1000",
    "to": "2000",
    "stores": ["1000"],
    "gtin": "2000000000015",
    "currency": "SEK",
    "amount": 24900,
    "quantity": 2,
    "locale": "sv",
    "name": "Sample mug",
    "email": "sample@example.com",
    "phone": "+46701740605",
    "terminal": "T1",
    "role": "till",
    "scopes": ["reports"],
    "hint": "x4Qs",
    "key": "sk_shown_once",
    "secret": "whsec_shown_once",
    "url": "https://erp.example.com/stock",
    "code": "7KQM2RXA",
    "token": "crt_01jd0000000000000000000000.5f2a",
    "version": 3,
    "status": "ok",
    "title": "There is too little in stock",
    "detail": "The request, and the reason for its refusal.",
    "pointer": "/lines/0/quantity",
    "type": "/problems/insufficient_stock",
    "reason": "damaged",
    "reasons": ["closed_today"],
    "bin": "A3",
    "carrier": "Sample Post",
    "tracking_number": "SP1234567890SE",
    "street": "Sample street 1",
    "region": "",
    "more": "2nd floor",
    "method": "pay_at_pickup",
    "distance_km": 1.2,
    "latitude": 59.3326,
    "longitude": 18.0649,
    "country": "SE",
    "city": "Stockholm",
    "address": "Sample street 1",
    "postal_code": "111 22",
    "time_zone": "Europe/Stockholm",
    "external_id": "customer-17",
    "near": "59.33,18.06",
    "radius_km": 50,
    "channel": "web",
    "channels": ["web"],
    "kind": "store",
    "state": "active",
    "buffer": 2,
    "market": "se",
    "countries": ["SE"],
    "locales": ["sv"],
    "category": "kitchen",
    "tax_category": "carriage",
    "promotion": "spring",
    "coupon": "SPRING-10",
    "most": 10,
    "low_at": 3,
    "limit": 50,
    "cursor": "ImtleV8wMSI",
    "next_cursor": None,
    "attempt": "pay-7101-1",
    "card": "pm_1Q0000000000000000000000",
    "payment": "pi_3Q0000000000000000000000",
    "provider": "stripe",
    "receipt": "re_3Q0000000000000000000000",
    "client_secret": "pi_3Q0000000000000000000000_secret_shown_to_the_buyer",
    "publishable_key": "pk_live_of_the_shop",
    "problem": "insufficient_funds",
    "pinned_until": None,
    "trace_id": "0c9d6985b67041c5ba86fe3769cdf8a8",
    "explain": False,
    "max_staleness": 0,
    "source": "live",
    "map": ["name=title"],
    "set": ["name=Sample"],
    "pattern": ["name=Sample.*"],
    "distinct": "external_id",
}
EXAMPLE_IDS: Final[Mapping[str, str]] = {
    "cart": "crt_01jd0000000000000000000001",
    "order": "ord_01jd0000000000000000000002",
    "pickup": "pku_01jd0000000000000000000003",
    "customer": "cus_01jd0000000000000000000004",
    "member": "mem_01jd0000000000000000000005",
    "message": "msg_01jd0000000000000000000006",
    "hold": "hld_01jd0000000000000000000007",
    "return_id": "ret_01jd0000000000000000000012",
    "incident": "inc_01jd0000000000000000000009",
    "receipt": "0192f0c1-7d2e-7c61-b5a0-4f6f2a9d1c11",
    "result": "0192f0c1-7d2e-7c61-b5a0-4f6f2a9d1c11",
    "webhook": "whk_01jd0000000000000000000009",
    "transfer": "trf_01jd0000000000000000000010",
    "delivery": "dlv_01jd0000000000000000000011",
    "key_id": "key_01jd0000000000000000000008",
}
EXAMPLES_BY_FORMAT: Final[Mapping[str, Any]] = {
    "date-time": "2026-11-23T10:30:00+01:00",
    "date": "2026-12-31",
    "time": "09:30:00",
}
EXAMPLES_BY_TYPE: Final[Mapping[str, Any]] = {
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "null": None,
    "string": "sample",
}


class ExampleBuilder:
    """Makes examples for schemas whose named parts are `named`."""

    def __init__(self, named: Mapping[str, Schema]) -> None:
        self._named = named

    def build(self, schema: Schema, word: str = "", owner: str = "") -> Any:
        """Build a value that fits `schema`, which has the name `word` in an `owner`."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return self.build(self._named[name], word, name)
        if "properties" in schema:
            return self._object(schema, owner)
        if "anyOf" in schema:
            return self.build(_first_non_null(schema["anyOf"]), word, owner)
        if schema.get("type") == "array":
            return self._list(schema, word, owner)
        if schema.get("type") == "object":
            return self._mapping(schema, word)
        return (
            _enum_example(schema, word)
            if "enum" in schema
            else _scalar_example(schema, word, owner)
        )

    def _object(self, schema: Schema, owner: str) -> dict[str, Any]:
        title = schema.get("title", owner)
        return {
            name: self.build(part, name, title)
            for name, part in schema["properties"].items()
            if name in schema.get("required", []) or part.get("default", ...) is not None
        }

    def _list(self, schema: Schema, word: str, owner: str) -> list[Any]:
        if "prefixItems" in schema:
            return [self.build(part, word, owner) for part in schema["prefixItems"]]
        items = schema.get("items", {})
        if isinstance(wish := EXAMPLES_BY_NAME.get(word), list) and items.get("type") == "string":
            return wish
        return [self.build(items, word.removesuffix("s"), owner)] if items else []

    def _mapping(self, schema: Schema, word: str) -> dict[str, Any]:
        part = schema.get("additionalProperties")
        name = {"names": "sv", "options": "size", "checks": "database"}.get(word, "sample")
        return {name: self.build(part, word.removesuffix("s"))} if isinstance(part, dict) else {}


def _first_non_null(options: list[Schema]) -> Schema:
    return next((option for option in options if option.get("type") != "null"), options[0])


def _enum_example(schema: Schema, word: str) -> Any:
    wish = EXAMPLES_BY_NAME.get(word)
    return wish if wish in schema["enum"] else schema["enum"][0]


def _scalar_example(schema: Schema, word: str, owner: str) -> Any:
    """A word's own example where its type fits, else one of its format or its type."""
    kind = schema.get("type")
    if word == "id" and kind == "string":
        return EXAMPLE_IDS.get(_resource_name(owner), EXAMPLE_IDS["order"])
    wish = schema.get("example", EXAMPLE_IDS.get(word, EXAMPLES_BY_NAME.get(word)))
    if wish is not None and _matches_type(wish, kind):
        return wish
    if schema.get("format") in EXAMPLES_BY_FORMAT:
        return EXAMPLES_BY_FORMAT[schema["format"]]
    if kind == "integer":
        return max(schema.get("minimum", 0), 1)
    return EXAMPLES_BY_TYPE.get(str(kind), {})


def _resource_name(owner: str) -> str:
    """Return the resource of an owner: a key for `CreatedApiKey`, a cart for `CreatedCart`."""
    lowered = owner.lower()
    found = [noun for noun in EXAMPLE_IDS if noun.removesuffix("_id") in lowered]
    return found[0] if found else "order"


def _matches_type(wish: Any, kind: Any) -> bool:
    of_kind: dict[str, Any] = {"string": str, "integer": int, "number": (int, float)}
    if isinstance(wish, bool):
        return bool(kind == "boolean")
    return kind is None or (str(kind) in of_kind and isinstance(wish, of_kind[str(kind)]))
