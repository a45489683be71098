"""The fast path answers the most frequent requests without the framework.

Three operations, in their usual form: availability of a SKU, of a page of SKUs, and a hold. The
same callers may call them, the same use cases decide, and the answers are the same to the byte.
Any unusual request (an unknown caller, a parameter of any other kind, a body that cannot be read)
goes to the framework, which knows every rule and reports the error.
"""

import time
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import unquote_plus

import msgspec
from litestar.config.cors import CORSConfig
from litestar.exceptions import ClientException
from litestar.types import HTTPScope, Receive, Send
from msgspec import Struct

from adapters.http.inventory.controllers.availability import CACHE_CONTROL
from adapters.http.inventory.controllers.holds import NewHold, to_hold_view
from adapters.http.web.authentication import SHOPPER_ROLES
from adapters.http.web.bodies import decode_json
from adapters.http.web.idempotency import KEY_PATTERN, request_digest
from adapters.http.web.locales import negotiate_locale
from adapters.http.web.metrics import Metrics
from adapters.http.web.problems import (
    MEDIA_TYPE,
    encode_domain_error,
    encode_internal_error,
    error_headers,
    status_of,
)
from adapters.http.web.rate_limits import RateLimiter
from adapters.http.web.request_context import log_request, request_id_of
from domain.foundation.callers import Caller
from domain.inventory.availability import Freshness
from domain.inventory.holds import Hold
from domain.kernel.errors import DomainError, Invalid, RateLimited, Unavailable
from domain.kernel.ids import Sku, StoreId
from service.foundation.authenticator import Authenticator
from service.foundation.ports import IdempotencyKey
from service.inventory.holds import HoldRequest
from service.inventory.ports import AvailabilityCache, CacheMiss
from service.shared.batching import Batcher
from service.shared.clock import Clock

AVAILABILITY_PREFIX: Final = "/v1/availability/"
AVAILABILITY_PATH: Final = "/v1/availability"
HOLDS_PATH: Final = "/v1/holds"
MAX_SKUS: Final = 100
MAX_STORES: Final = 500
MAX_HOLD_BODY_BYTES: Final = 20_000
"""Bytes of a hold."""
JSON_HEADER: Final = (b"content-type", b"application/json")
PROBLEM_HEADER: Final = (b"content-type", MEDIA_TYPE.encode())
NOSNIFF_HEADER: Final = (b"x-content-type-options", b"nosniff")
NO_STORE_HEADER: Final = (b"cache-control", b"no-store")
VARY: Final = (b"cache-control", CACHE_CONTROL.encode())
LIST_TEMPLATE: Final = b'{"as_of":%b,"channel":"web","items":[%b],"source":%b}'
CACHE_SOURCE: Final = msgspec.json.encode(Freshness.CACHE)
LIVE_SOURCE: Final = msgspec.json.encode(Freshness.LIVE)
REPLAYED_HEADER: Final = (b"idempotent-replayed", b"true")
RawHeaders = Mapping[bytes, bytes]
HeaderList = list[tuple[bytes, bytes]]


class Principal(Struct):
    """The caller of a request, its id, and the time it began."""

    caller: Caller
    id: str
    started_at: float
    from_browser: bool


class FastPath:
    """Answers the requests that it can; the framework answers the rest."""

    def __init__(
        self,
        *,
        doorkeeper: Authenticator,
        limits: RateLimiter,
        metrics: Metrics,
        cors: CORSConfig,
        cache: AvailabilityCache[Any],
        holding: Batcher[HoldRequest, Hold],
        clock: Clock,
    ) -> None:
        self._authenticator = doorkeeper
        self._rate_limiter = limits
        self._metrics = metrics
        self._cache = cache
        self._hold_batcher = holding
        self._clock = clock
        self._cors = _cors_headers(cors)

    async def handle(self, scope: HTTPScope, receive: Receive, send: Send) -> Receive | None:
        """Return None where the request was answered; else the framework's input."""
        path = scope["path"]
        if scope["method"] == "POST":
            return await self._create_hold(scope, receive, send) if path == HOLDS_PATH else receive
        if scope["method"] != "GET" or not path.startswith(AVAILABILITY_PATH):
            return receive
        if path.startswith(AVAILABILITY_PREFIX):
            done = await self._get_availability(scope, path[len(AVAILABILITY_PREFIX) :], send)
        else:
            done = path == AVAILABILITY_PATH and await self._list_availability(scope, send)
        return None if done else receive

    async def _get_availability(self, scope: Any, sku: Sku, send: Send) -> bool:
        given = dict(scope["headers"])
        visitor = await self._parse_request(given)
        asked = _query(scope["query_string"])
        if visitor is None or asked is None or "sku" in asked:
            return False
        exact = visitor.caller.is_staff
        try:
            source, shown = await self._get_entries((sku,), exact=exact)
            if not shown:
                return False
            if asked:
                item = self._cache.encoded_for(shown[0], _parse_stores(asked), exact=exact)
                tag = blake2b(item, digest_size=12).hexdigest()
            else:
                item, tag = self._cache.encoded(shown[0], exact=exact)
            headers = self._response_headers(visitor)
        except (CacheMiss, Unavailable, RateLimited):
            return False
        etag = b'W/"%b"' % tag.encode()
        headers += [(b"etag", etag), VARY]
        known = given.get(b"if-none-match", b"")
        if known and not {etag, b"*"}.isdisjoint(map(bytes.strip, known.split(b","))):
            await self._respond(
                scope, send, AVAILABILITY_PREFIX + "{sku}", visitor, 304, headers, b""
            )
            return True
        as_of = msgspec.json.encode(self._cache.as_of(shown))
        body = b'%b,"as_of":%b,"source":%b}' % (item[:-1], as_of, source)
        await self._respond(
            scope, send, AVAILABILITY_PREFIX + "{sku}", visitor, 200, [JSON_HEADER, *headers], body
        )
        return True

    async def _list_availability(self, scope: Any, send: Send) -> bool:
        visitor = await self._parse_request(dict(scope["headers"]))
        asked = _query(scope["query_string"])
        if visitor is None or asked is None or not 0 < len(asked.get("sku", ())) <= MAX_SKUS:
            return False
        exact = visitor.caller.is_staff
        skus = list(dict.fromkeys(asked["sku"]))
        try:
            source, shown = await self._get_entries(skus, exact=exact)
            if len(shown) < len(skus):
                return False
            stores = (
                _parse_stores(asked)
                if "store" in asked
                else self._cache.stores_with_stock(shown, exact=exact)
            )
            as_of = msgspec.json.encode(self._cache.as_of(shown))
            items = b",".join([self._cache.encoded_for(one, stores, exact=exact) for one in shown])
            body = LIST_TEMPLATE % (as_of, items, source)
            headers = [JSON_HEADER, VARY, *self._response_headers(visitor)]
        except (CacheMiss, Unavailable, RateLimited):
            return False
        await self._respond(scope, send, AVAILABILITY_PATH, visitor, 200, headers, body)
        return True

    async def _get_entries(
        self, skus: Sequence[Sku], *, exact: bool
    ) -> tuple[bytes, Sequence[Any]]:
        if shown := self._cache.get(skus, exact=exact):
            return CACHE_SOURCE, shown
        return LIVE_SOURCE, await self._cache.load(skus, exact=exact)

    async def _create_hold(self, scope: Any, receive: Receive, send: Send) -> Receive | None:
        given = dict(scope["headers"])
        visitor = await self._parse_request(given)
        key = _parse_idempotency_key(scope["headers"])
        usual = (
            visitor is not None
            and visitor.caller.role in SHOPPER_ROLES
            and given.get(b"content-type") == JSON_HEADER[1]
            and not given.keys() & {b"cart-token", b"order-token"}
            and not scope["query_string"]
        )
        if not usual or visitor is None or key is None:
            return receive
        body, rest = await _read_body(receive)
        try:
            data = decode_json(body, NewHold)
            headers = self._response_headers(visitor)
        except (ClientException, Invalid, RateLimited):
            return rest
        request = IdempotencyKey(visitor.caller.id, key, request_digest("POST", HOLDS_PATH, body))
        wish = data.to_request(visitor.caller, request)
        status, more, written_out = await self._execute_hold(wish, given, visitor)
        headers += (
            [*more, NO_STORE_HEADER, REPLAYED_HEADER]
            if request.replayed
            else [*more, NO_STORE_HEADER]
        )
        await self._respond(scope, send, HOLDS_PATH, visitor, status, headers, written_out)
        return None

    async def _execute_hold(
        self, wish: HoldRequest, given: RawHeaders, visitor: Principal
    ) -> tuple[int, HeaderList, bytes]:
        """Return the status, headers and body of the answer to a request for a hold."""
        try:
            hold = await self._hold_batcher(wish)
        except DomainError as refusal:
            headers = [PROBLEM_HEADER, *_encode_headers(error_headers(refusal))]
            return (
                status_of(type(refusal)),
                headers,
                encode_domain_error(refusal, _parse_locale(given)),
            )
        except Exception as error:  # noqa: BLE001 - answered and logged as a bug
            return (
                500,
                [PROBLEM_HEADER],
                encode_internal_error(error, _parse_locale(given), visitor.id),
            )
        return 201, [JSON_HEADER], msgspec.json.encode(to_hold_view(hold, self._clock()))

    async def _parse_request(self, given: RawHeaders) -> Principal | None:
        """Return the caller; None where the headers do not identify one plainly."""
        credential = given.get(b"authorization", b"")
        page = b"origin" in given
        if credential[:7] != b"Bearer " or (page and (self._cors is None or b"cookie" in given)):
            return None
        caller = self._authenticator.remembers(credential[7:])
        if caller is None:
            try:
                caller = await self._authenticator.recognise(credential[7:].decode("latin-1"))
            except DomainError:
                return None
        asked = given.get(b"x-request-id", b"")
        return Principal(caller, request_id_of(asked), time.perf_counter(), page)

    def _response_headers(self, visitor: Principal) -> HeaderList:
        """The headers of an answer to them. Raises RateLimited: they ask too often."""
        left = self._rate_limiter.acquire("default", visitor.caller.id)
        headers = [*_encode_headers(left), NOSNIFF_HEADER, (b"x-request-id", visitor.id.encode())]
        return headers + (self._cors or []) if visitor.from_browser else headers

    async def _respond(
        self,
        scope: Any,
        send: Send,
        route: str,
        visitor: Principal,
        status: int,
        headers: HeaderList,
        body: bytes,
    ) -> None:
        seconds = time.perf_counter() - visitor.started_at
        self._metrics.observe(scope["method"], route, status, seconds)
        log_request(scope["method"], route, status, seconds, visitor.caller)
        headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})


def _query(query: bytes) -> dict[str, list[str]] | None:
    """Names and values of `sku` and `store`; None where there is any other."""
    asked: dict[str, list[str]] = {"sku": [], "store": []}
    text = query.decode("latin-1")
    escaped = "%" in text or "+" in text
    for part in text.split("&") if text else ():
        name, _, value = part.partition("=")
        if name not in asked:
            return None
        asked[name].append(unquote_plus(value) if escaped else value)
    return {name: values for name, values in asked.items() if values}


def _parse_stores(asked: Mapping[str, list[str]]) -> list[StoreId]:
    """Raises CacheMiss: there are more than anybody may ask for."""
    if len(asked["store"]) > MAX_STORES:
        raise CacheMiss
    return sorted(set(asked["store"]))


def _parse_idempotency_key(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """The one Idempotency-Key, where it may be one."""
    keys = [value for name, value in headers if name == b"idempotency-key"]
    if len(keys) != 1:
        return None
    key = keys[0].decode("latin-1")
    return key if KEY_PATTERN.fullmatch(key) else None


def _parse_locale(given: RawHeaders) -> str:
    return negotiate_locale(given.get(b"accept-language", b"").decode("latin-1"))


async def _read_body(receive: Receive) -> tuple[bytes, Receive]:
    """Return the body, up to a hold's limit, and a `receive` that replays it and then continues."""
    heard: list[Any] = []
    body, more = b"", True
    while more and len(body) <= MAX_HOLD_BODY_BYTES:
        message: Any = await receive()
        heard.insert(0, message)
        body += message.get("body", b"")
        more = message.get("more_body", False)

    async def again() -> Any:
        return heard.pop() if heard else await receive()

    return (b"" if more else body), again


def _cors_headers(cors: CORSConfig) -> HeaderList | None:
    """Return the CORS headers that all pages share; None where they depend on the page."""
    if not cors.is_allow_all_origins:
        return None
    headers = {
        **cors.simple_headers,
        "Access-Control-Allow-Headers": ", ".join(sorted(set(cors.allow_headers))),
        "Access-Control-Allow-Methods": ", ".join(sorted(set(cors.allow_methods))),
    }
    return _encode_headers(headers)


def _encode_headers(headers: Mapping[str, str]) -> HeaderList:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]
