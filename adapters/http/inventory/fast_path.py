"""The express lane: what is asked most is answered without a walk through the framework.

Three operations, in their usual form: availability of a SKU, of a page of SKUs, and a hold. The
same callers may call them, the same use cases decide, and the answers are the same to the byte.
Whatever is unusual (a caller nobody knows, a parameter of any other kind, a body that cannot be
read) is left to the framework, which knows every rule and says what is wrong.
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
from adapters.http.inventory.controllers.holds import NewHold, hold_view
from adapters.http.web.authentication import SHOPPERS
from adapters.http.web.bodies import read_json
from adapters.http.web.idempotency import VISIBLE, digest_of
from adapters.http.web.locales import best_locale
from adapters.http.web.metrics import Metrics
from adapters.http.web.problems import MEDIA_TYPE, bug, headers_of, status_of, written
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

ONE: Final = "/v1/availability/"
MANY: Final = "/v1/availability"
HOLDS: Final = "/v1/holds"
MOST_SKUS: Final = 100
MOST_STORES: Final = 500
LONGEST: Final = 20_000
"""Bytes of a hold."""
JSON: Final = (b"content-type", b"application/json")
PROBLEM: Final = (b"content-type", MEDIA_TYPE.encode())
NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
NO_STORE: Final = (b"cache-control", b"no-store")
VARY: Final = (b"cache-control", CACHE_CONTROL.encode())
MANY_ITEMS: Final = b'{"as_of":%b,"channel":"web","items":[%b],"source":%b}'
CACHE: Final = msgspec.json.encode(Freshness.CACHE)
LIVE: Final = msgspec.json.encode(Freshness.LIVE)
REPLAYED: Final = (b"idempotent-replayed", b"true")
Given = Mapping[bytes, bytes]
Headers = list[tuple[bytes, bytes]]


class Principal(Struct):
    """Who asks, by which id, and since when."""

    caller: Caller
    id: str
    since: float
    from_a_page: bool


class FastPath:
    """Answers what it can; the rest is the framework's."""

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
        self._doorkeeper = doorkeeper
        self._limits = limits
        self._metrics = metrics
        self._cache = cache
        self._holding = holding
        self._clock = clock
        self._cors = _cors_headers(cors)

    async def serves(self, scope: HTTPScope, receive: Receive, send: Send) -> Receive | None:
        """None where it was answered; else what the framework goes on with."""
        path = scope["path"]
        if scope["method"] == "POST":
            return await self._hold(scope, receive, send) if path == HOLDS else receive
        if scope["method"] != "GET" or not path.startswith(MANY):
            return receive
        if path.startswith(ONE):
            done = await self._one(scope, path[len(ONE) :], send)
        else:
            done = path == MANY and await self._many(scope, send)
        return None if done else receive

    async def _one(self, scope: Any, sku: Sku, send: Send) -> bool:
        given = dict(scope["headers"])
        visitor = await self._visitor(given)
        asked = _query(scope["query_string"])
        if visitor is None or asked is None or "sku" in asked:
            return False
        exact = visitor.caller.is_staff
        try:
            source, shown = await self._shown((sku,), exact=exact)
            if not shown:
                return False
            if asked:
                item = self._cache.encoded_for(shown[0], _stores(asked), exact=exact)
                tag = blake2b(item, digest_size=12).hexdigest()
            else:
                item, tag = self._cache.encoded(shown[0], exact=exact)
            headers = self._welcome(visitor)
        except (CacheMiss, Unavailable, RateLimited):
            return False
        etag = b'W/"%b"' % tag.encode()
        headers += [(b"etag", etag), VARY]
        known = given.get(b"if-none-match", b"")
        if known and not {etag, b"*"}.isdisjoint(map(bytes.strip, known.split(b","))):
            await self._answer(scope, send, ONE + "{sku}", visitor, 304, headers, b"")
            return True
        as_of = msgspec.json.encode(self._cache.as_of(shown))
        body = b'%b,"as_of":%b,"source":%b}' % (item[:-1], as_of, source)
        await self._answer(scope, send, ONE + "{sku}", visitor, 200, [JSON, *headers], body)
        return True

    async def _many(self, scope: Any, send: Send) -> bool:
        visitor = await self._visitor(dict(scope["headers"]))
        asked = _query(scope["query_string"])
        if visitor is None or asked is None or not 0 < len(asked.get("sku", ())) <= MOST_SKUS:
            return False
        exact = visitor.caller.is_staff
        skus = list(dict.fromkeys(asked["sku"]))
        try:
            source, shown = await self._shown(skus, exact=exact)
            if len(shown) < len(skus):
                return False
            stores = (
                _stores(asked) if "store" in asked else self._cache.stores_with_stock(shown, exact=exact)
            )
            as_of = msgspec.json.encode(self._cache.as_of(shown))
            items = b",".join([self._cache.encoded_for(one, stores, exact=exact) for one in shown])
            body = MANY_ITEMS % (as_of, items, source)
            headers = [JSON, VARY, *self._welcome(visitor)]
        except (CacheMiss, Unavailable, RateLimited):
            return False
        await self._answer(scope, send, MANY, visitor, 200, headers, body)
        return True

    async def _shown(self, skus: Sequence[Sku], *, exact: bool) -> tuple[bytes, Sequence[Any]]:
        if shown := self._cache.get(skus, exact=exact):
            return CACHE, shown
        return LIVE, await self._cache.load(skus, exact=exact)

    async def _hold(self, scope: Any, receive: Receive, send: Send) -> Receive | None:
        given = dict(scope["headers"])
        visitor = await self._visitor(given)
        key = _key(scope["headers"])
        usual = (
            visitor is not None
            and visitor.caller.role in SHOPPERS
            and given.get(b"content-type") == JSON[1]
            and not given.keys() & {b"cart-token", b"order-token"}
            and not scope["query_string"]
        )
        if not usual or visitor is None or key is None:
            return receive
        body, rest = await _body(receive)
        try:
            data = read_json(body, NewHold)
            headers = self._welcome(visitor)
        except (ClientException, Invalid, RateLimited):
            return rest
        request = IdempotencyKey(visitor.caller.id, key, digest_of("POST", HOLDS, body))
        wish = data.wish(visitor.caller, request)
        status, more, written_out = await self._held(wish, given, visitor)
        headers += [*more, NO_STORE, REPLAYED] if request.replayed else [*more, NO_STORE]
        await self._answer(scope, send, HOLDS, visitor, status, headers, written_out)
        return None

    async def _held(
        self, wish: HoldRequest, given: Given, visitor: Principal
    ) -> tuple[int, Headers, bytes]:
        """Status, headers and body of what became of a wish."""
        try:
            hold = await self._holding(wish)
        except DomainError as refusal:
            headers = [PROBLEM, *_encoded(headers_of(refusal))]
            return status_of(type(refusal)), headers, written(refusal, _locale(given))
        except Exception as error:  # noqa: BLE001 - told and logged as what it is, a bug
            return 500, [PROBLEM], bug(error, _locale(given), visitor.id)
        return 201, [JSON], msgspec.json.encode(hold_view(hold, self._clock()))

    async def _visitor(self, given: Given) -> Principal | None:
        """Who asks; None where that is not plain."""
        credential = given.get(b"authorization", b"")
        page = b"origin" in given
        if credential[:7] != b"Bearer " or (page and (self._cors is None or b"cookie" in given)):
            return None
        caller = self._doorkeeper.remembers(credential[7:])
        if caller is None:
            try:
                caller = await self._doorkeeper.recognise(credential[7:].decode("latin-1"))
            except DomainError:
                return None
        asked = given.get(b"x-request-id", b"")
        return Principal(caller, request_id_of(asked), time.perf_counter(), page)

    def _welcome(self, visitor: Principal) -> Headers:
        """The headers of an answer to them. Raises TooMany: they ask too often."""
        left = self._limits.take("default", visitor.caller.id)
        headers = [*_encoded(left), NOSNIFF, (b"x-request-id", visitor.id.encode())]
        return headers + (self._cors or []) if visitor.from_a_page else headers

    async def _answer(
        self,
        scope: Any,
        send: Send,
        route: str,
        visitor: Principal,
        status: int,
        headers: Headers,
        body: bytes,
    ) -> None:
        seconds = time.perf_counter() - visitor.since
        self._metrics.count(scope["method"], route, status, seconds)
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


def _stores(asked: Mapping[str, list[str]]) -> list[StoreId]:
    """Raises CacheMiss: there are more than anybody may ask for."""
    if len(asked["store"]) > MOST_STORES:
        raise CacheMiss
    return sorted(set(asked["store"]))


def _key(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """The one Idempotency-Key, where it may be one."""
    keys = [value for name, value in headers if name == b"idempotency-key"]
    if len(keys) != 1:
        return None
    key = keys[0].decode("latin-1")
    return key if VISIBLE.fullmatch(key) else None


def _locale(given: Given) -> str:
    return best_locale(given.get(b"accept-language", b"").decode("latin-1"))


async def _body(receive: Receive) -> tuple[bytes, Receive]:
    """The body, as far as a hold's may go; and what hears all of it once more, and then goes on."""
    heard: list[Any] = []
    body, more = b"", True
    while more and len(body) <= LONGEST:
        message: Any = await receive()
        heard.insert(0, message)
        body += message.get("body", b"")
        more = message.get("more_body", False)

    async def again() -> Any:
        return heard.pop() if heard else await receive()

    return (b"" if more else body), again


def _cors_headers(cors: CORSConfig) -> Headers | None:
    """What an answer to any page bears; None where it depends on the page."""
    if not cors.is_allow_all_origins:
        return None
    headers = {
        **cors.simple_headers,
        "Access-Control-Allow-Headers": ", ".join(sorted(set(cors.allow_headers))),
        "Access-Control-Allow-Methods": ", ".join(sorted(set(cors.allow_methods))),
    }
    return _encoded(headers)


def _encoded(headers: Mapping[str, str]) -> Headers:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]
