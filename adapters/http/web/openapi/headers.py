"""Headers of requests and answers, described once."""

from typing import Any, Final

from domain.kernel.patterns import anchored

Schema = dict[str, Any]

HEADER_PARAMETERS: Final[dict[str, Schema]] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": "Makes a repeat harmless: the same key and body get the first answer again.",
        "schema": {"type": "string", "pattern": anchored("[!-~]{1,255}")},
        "example": "6f1c1f0e-0d3b-4a52-9a54-3c2f0a1b7a11",
    },
    "OptionalIdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Makes a repeat harmless: the same key and body get the first answer again.",
        "schema": {"type": "string", "pattern": anchored("[!-~]{1,255}")},
        "example": "6f1c1f0e-0d3b-4a52-9a54-3c2f0a1b7a11",
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": "The `ETag` on which the caller decided; 412 if it is no longer the newest.",
        "schema": {"type": "string", "pattern": anchored(r'(\*|"[0-9]{1,18}")')},
        "example": '"3"',
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The `ETag` of what the caller has; 304 if it is still the newest.",
        "schema": {"type": "string"},
        "example": 'W/"5f2a7d0c9b1e4a6f8c3d2b10"',
    },
    "LastEventId": {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "The `id` of the last event that was read; every later one follows.",
        "schema": {"type": "string"},
        "example": "4711",
    },
    "CartToken": {
        "name": "Cart-Token",
        "in": "header",
        "description": "A guest's way to a cart, and to the order it became.",
        "schema": {"type": "string"},
        "example": "crt_01jd0000000000000000000000.5f2a",
    },
    "OrderToken": {
        "name": "Order-Token",
        "in": "header",
        "description": "A guest's way to one order and its pickups, as its link has it.",
        "schema": {"type": "string"},
        "example": "ord_01jd0000000000000000000002.5f2a",
    },
    "AcceptLanguage": {
        "name": "Accept-Language",
        "in": "header",
        "description": "For titles and names: en, nb, sv, da or ro; English when none fits.",
        "schema": {"type": "string"},
        "example": "sv-SE, en;q=0.5",
    },
    "RequestId": {
        "name": "X-Request-Id",
        "in": "header",
        "description": "Your own id of this request, for our logs; we make one if there is none.",
        "schema": {"type": "string"},
        "example": "till-7-000123",
    },
}

HEADERS_BY_DEPENDENCY: Final = {
    "key": "IdempotencyKey",
    "optional_key": "OptionalIdempotencyKey",
    "if_match": "IfMatch",
    "if_none_match": "IfNoneMatch",
    "last_event": "LastEventId",
}
"""The header of each dependency of a handler."""
COMMON_HEADERS: Final = ("AcceptLanguage", "RequestId")

RESPONSE_HEADERS: Final[dict[str, Schema]] = {
    "X-Request-Id": {
        "description": "The id under which our logs know this request.",
        "schema": {"type": "string"},
        "example": "till-7-000123",
    },
    "RateLimit": {
        "description": "What is left of the caller's limit, and in how many seconds it is whole.",
        "schema": {"type": "string"},
        "example": '"default";r=999;t=1',
    },
    "RateLimit-Policy": {
        "description": "The limit: so many requests in so many seconds.",
        "schema": {"type": "string"},
        "example": '"default";q=1000;w=1',
    },
    "Idempotent-Replayed": {
        "description": "`true` where the first answer is given again.",
        "schema": {"type": "string", "const": "true"},
        "example": "true",
    },
    "ETag": {
        "description": "The version of what was answered.",
        "schema": {"type": "string"},
        "example": '"3"',
    },
    "Retry-After": {
        "description": "Seconds to wait before the next try.",
        "schema": {"type": "string"},
        "example": "1",
    },
    "WWW-Authenticate": {
        "description": "How to say who is calling.",
        "schema": {"type": "string"},
        "example": "Bearer",
    },
}
