"""The fast path answers the most frequent requests without the framework.

Three operations, in their usual form: availability of a SKU, of a page of SKUs, and a hold. The
same callers may call them, the same use cases decide, and the answers are the same to the byte.
Any unusual request (a parameter of any other kind, a body that cannot be read) goes to the
framework, which knows every rule and reports the error.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import unquote_plus

import msgspec
from litestar.exceptions import ClientException
from msgspec import Struct

from adapters.http.inventory.controllers.availability import CACHE_CONTROL
from adapters.http.inventory.controllers.holds import NewHold, to_hold_view
from adapters.http.web.authentication import SHOPPER_ROLES
from adapters.http.web.bodies import decode_json
from adapters.http.web.cors import HeaderList
from adapters.http.web.idempotency import KEY_PATTERN, request_digest
from adapters.http.web.request_context import RequestContext
from domain.inventory.availability import Freshness
from domain.inventory.holds import Hold
from domain.kernel.errors import Invalid
from domain.kernel.ids import Sku, StoreId
from service.foundation.ports import IdempotencyKey
from service.inventory.holds import HoldRequest
from service.inventory.ports import AvailabilityCache, CacheMiss
from service.shared.batching import Batcher
from service.shared.clock import Clock

AVAILABILITY_PREFIX: Final = "/v1/availability/"
AVAILABILITY_PATH: Final = "/v1/availability"
AVAILABILITY_ROUTE: Final = "/v1/availability/{sku}"
HOLDS_PATH: Final = "/v1/holds"
MAX_SKUS: Final = 100
MAX_STORES: Final = 500
MAX_HOLD_BODY_BYTES: Final = 20_000
"""Bytes of a hold."""
JSON_HEADER: Final = (b"content-type", b"application/json")
NO_STORE_HEADER: Final = (b"cache-control", b"no-store")
VARY: Final = (b"cache-control", CACHE_CONTROL.encode())
LIST_TEMPLATE: Final = b'{"as_of":%b,"channel":"web","items":[%b],"source":%b}'
CACHE_SOURCE: Final = msgspec.json.encode(Freshness.CACHE)
LIVE_SOURCE: Final = msgspec.json.encode(Freshness.LIVE)
UNUSUAL_HEADERS: Final = frozenset({b"cart-token", b"order-token"})
Query = dict[str, list[str]]


class FastResponse(Struct, frozen=True):
    """An answer; `route` is the path template for metrics and the log."""

    route: str
    status: int
    headers: HeaderList
    body: bytes


class FastHandler(Struct, frozen=True):
    """A handler of one request; it returns None to leave the request to the framework."""

    route: str
    handle: Callable[[RequestContext], Awaitable[FastResponse | None]]

    def __call__(self, context: RequestContext) -> Awaitable[FastResponse | None]:
        return self.handle(context)


class FastPath:
    """Finds the handler of a request, and has the three handlers."""

    def __init__(
        self, cache: AvailabilityCache[Any], hold_batcher: Batcher[HoldRequest, Hold], clock: Clock
    ) -> None:
        self._cache = cache
        self._hold_batcher = hold_batcher
        self._clock = clock

    def find(self, scope: Any, context: RequestContext) -> FastHandler | None:
        """Returns the handler of a request in its usual form."""
        path, method = scope["path"], scope["method"]
        if method == "POST":
            return self._find_hold(scope, context) if path == HOLDS_PATH else None
        if method != "GET" or not path.startswith(AVAILABILITY_PATH):
            return None
        query = _query(scope["query_string"])
        if query is None:
            return None
        if path.startswith(AVAILABILITY_PREFIX):
            return self._find_availability(path[len(AVAILABILITY_PREFIX) :], query)
        usual = path == AVAILABILITY_PATH and 0 < len(query.get("sku", ())) <= MAX_SKUS
        return self._find_listing(query) if usual else None

    def _find_availability(self, sku: Sku, query: Query) -> FastHandler | None:
        async def handle(context: RequestContext) -> FastResponse | None:
            return await self._get_availability(context, sku, query)

        return None if "sku" in query else FastHandler(AVAILABILITY_ROUTE, handle)

    def _find_listing(self, query: Query) -> FastHandler:
        async def handle(context: RequestContext) -> FastResponse | None:
            return await self._list_availability(context, query)

        return FastHandler(AVAILABILITY_PATH, handle)

    def _find_hold(self, scope: Any, context: RequestContext) -> FastHandler | None:
        key = _parse_idempotency_key(scope["headers"])
        usual = (
            context.given.get(b"content-type") == JSON_HEADER[1]
            and UNUSUAL_HEADERS.isdisjoint(context.given)
            and not scope["query_string"]
        )
        if key is None or not usual:
            return None

        async def handle(context: RequestContext) -> FastResponse | None:
            return await self._create_hold(context, key)

        return FastHandler(HOLDS_PATH, handle)

    async def _get_availability(
        self, context: RequestContext, sku: Sku, query: Query
    ) -> FastResponse | None:
        exact = _is_staff(context)
        try:
            source, entries = await self._get_entries((sku,), exact=exact)
            if not entries:
                return None
            if query:
                item = self._cache.encoded_for(entries[0], _parse_stores(query), exact=exact)
                tag = blake2b(item, digest_size=12).hexdigest()
            else:
                item, tag = self._cache.encoded(entries[0], exact=exact)
        except CacheMiss:
            return None
        etag = b'W/"%b"' % tag.encode()
        known = context.given.get(b"if-none-match", b"")
        if known and not {etag, b"*"}.isdisjoint(map(bytes.strip, known.split(b","))):
            return FastResponse(AVAILABILITY_ROUTE, 304, [(b"etag", etag), VARY], b"")
        as_of = msgspec.json.encode(self._cache.as_of(entries))
        body = b'%b,"as_of":%b,"source":%b}' % (item[:-1], as_of, source)
        return FastResponse(AVAILABILITY_ROUTE, 200, [JSON_HEADER, (b"etag", etag), VARY], body)

    async def _list_availability(
        self, context: RequestContext, query: Query
    ) -> FastResponse | None:
        exact, skus = _is_staff(context), list(dict.fromkeys(query["sku"]))
        try:
            source, entries = await self._get_entries(skus, exact=exact)
            if len(entries) < len(skus):
                return None
            stores = (
                _parse_stores(query)
                if "store" in query
                else self._cache.stores_with_stock(entries, exact=exact)
            )
            items = [self._cache.encoded_for(one, stores, exact=exact) for one in entries]
        except CacheMiss:
            return None
        as_of = msgspec.json.encode(self._cache.as_of(entries))
        body = LIST_TEMPLATE % (as_of, b",".join(items), source)
        return FastResponse(AVAILABILITY_PATH, 200, [JSON_HEADER, VARY], body)

    async def _get_entries(self, skus: Sequence[Sku], *, exact: bool) -> tuple[bytes, Any]:
        if entries := self._cache.get(skus, exact=exact):
            return CACHE_SOURCE, entries
        return LIVE_SOURCE, await self._cache.load(skus, exact=exact)

    async def _create_hold(self, context: RequestContext, key: str) -> FastResponse | None:
        caller = context.caller
        if caller is None or caller.role not in SHOPPER_ROLES:
            return None
        body = await _read_body(context)
        try:
            data = decode_json(body, NewHold)
        except (ClientException, Invalid):
            return None
        context.key = IdempotencyKey(caller.id, key, request_digest("POST", HOLDS_PATH, body))
        hold = await self._hold_batcher(data.to_request(caller, context.key))
        view = msgspec.json.encode(to_hold_view(hold, self._clock()))
        return FastResponse(HOLDS_PATH, 201, [JSON_HEADER, NO_STORE_HEADER], view)


def _is_staff(context: RequestContext) -> bool:
    return context.caller is not None and context.caller.is_staff


def _query(query: bytes) -> Query | None:
    """Names and values of `sku` and `store`; None where there is any other."""
    given: Query = {"sku": [], "store": []}
    text = query.decode("latin-1")
    escaped = "%" in text or "+" in text
    for part in text.split("&") if text else ():
        name, _, value = part.partition("=")
        if name not in given:
            return None
        given[name].append(unquote_plus(value) if escaped else value)
    return {name: values for name, values in given.items() if values}


def _parse_stores(query: Mapping[str, list[str]]) -> list[StoreId]:
    """Raises CacheMiss: there are more stores than a request may name."""
    if len(query["store"]) > MAX_STORES:
        raise CacheMiss
    return sorted(set(query["store"]))


def _parse_idempotency_key(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """Returns the Idempotency-Key, where there is exactly one and it is valid."""
    keys = [value for name, value in headers if name == b"idempotency-key"]
    key = keys[0].decode("latin-1") if len(keys) == 1 else ""
    return key if KEY_PATTERN.fullmatch(key) else None


async def _read_body(context: RequestContext) -> bytes:
    """Returns the body, empty where it is too long; the context's `receive` replays it."""
    heard: list[Any] = []
    receive = context.receive
    body, more = b"", True
    while more and len(body) <= MAX_HOLD_BODY_BYTES:
        message: Any = await receive()
        heard.insert(0, message)
        body += message.get("body", b"")
        more = message.get("more_body", False)

    async def again() -> Any:
        return heard.pop() if heard else await receive()

    context.receive = again
    return b"" if more else body
