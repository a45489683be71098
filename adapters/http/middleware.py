"""The one HTTP stack, in front of the framework and of the fast path.

Middleware makes the request context, authenticates, counts against the rate limit, answers errors
as problems, adds the common headers and those for other origins, and records metrics and a log
line. Behind it the fast path answers its three operations, and the framework all others.
"""

import time
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from adapters.http.inventory.fast_path import FastPath, FastResponse
from adapters.http.web.authentication import acquire, authenticate
from adapters.http.web.cors import Cors, HeaderList, encode_headers
from adapters.http.web.metrics import Metrics
from adapters.http.web.problems import (
    MEDIA_TYPE,
    encode_domain_error,
    encode_internal_error,
    error_headers,
    status_of,
)
from adapters.http.web.rate_limits import RateLimiter
from adapters.http.web.request_context import RequestContext, log_request
from domain.kernel.errors import DomainError
from service.foundation.authenticator import Authenticator

NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
NO_STORE: Final = (b"cache-control", b"no-store")
REPLAYED: Final = (b"idempotent-replayed", b"true")
PROBLEM: Final = (b"content-type", MEDIA_TYPE.encode())


class Middleware:
    """Around the whole application, so that an unknown path is answered in the same way."""

    def __init__(
        self,
        app: ASGIApp,
        fast_path: FastPath,
        *,
        authenticator: Authenticator,
        rate_limiter: RateLimiter,
        cors: Cors,
        metrics: Metrics,
    ) -> None:
        self._app = app
        self._fast_path = fast_path
        self._authenticator = authenticator
        self._rate_limiter = rate_limiter
        self._cors = cors
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        context = RequestContext.of(scope)
        if scope["method"] == "OPTIONS" and b"origin" in context.given:
            preflight = FastResponse("unknown", *self._cors.preflight(context.given))
            await self._send(scope, context, preflight, send)
        elif response := await self._answer_fast(scope, context, receive):
            await self._send(scope, context, response, send)
        else:
            await self._answer(scope, context, send)

    async def _answer_fast(
        self, scope: Any, context: RequestContext, receive: Receive
    ) -> FastResponse | None:
        """Returns the fast path's answer; None leaves the request to the framework."""
        context.receive = receive
        handler = self._fast_path.find(scope, context)
        if handler is None:
            return None
        context.caller = await authenticate(context, self._authenticator)
        if context.caller is None:
            return None
        try:
            acquire(context, self._rate_limiter, "default")
            return await handler(context)
        except DomainError as error:
            headers = [PROBLEM, *encode_headers(error_headers(error))]
            body = encode_domain_error(error, context.locale)
            return FastResponse(handler.route, status_of(type(error)), headers, body)
        except Exception as error:  # noqa: BLE001 - answered and logged as a bug
            body = encode_internal_error(error, context.locale, context.id)
            return FastResponse(handler.route, 500, [PROBLEM], body)

    async def _answer(self, scope: Scope, context: RequestContext, send: Send) -> None:
        """Passes the request to the framework."""
        scope["state"] = {**scope.get("state", {}), "context": context}

        async def hear() -> Any:
            message: Any = await context.receive()
            context.disconnected = context.disconnected or message["type"] == "http.disconnect"
            return message

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", []))
                route = scope.get("path_template")
                message["headers"] = self._finish(scope, context, route, message["status"], headers)
            await send(message)

        with self._metrics.in_progress.track_inprogress(), bound_contextvars(request_id=context.id):
            await self._app(scope, hear, answer)

    async def _send(
        self, scope: Any, context: RequestContext, response: FastResponse, send: Send
    ) -> None:
        headers = [*response.headers, (b"content-length", b"%d" % len(response.body))]
        headers = self._finish(scope, context, response.route, response.status, headers)
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body, "more_body": False})

    def _finish(
        self,
        scope: Any,
        context: RequestContext,
        route: str | None,
        status: int,
        headers: HeaderList,
    ) -> HeaderList:
        """Records the answer, and returns its headers with the common ones."""
        seconds = time.perf_counter() - context.started_at
        self._metrics.observe(scope["method"], route or "unknown", status, seconds)
        log_request(scope["method"], route, status, seconds, context.caller)
        headers += (NOSNIFF, (b"x-request-id", context.id.encode()), *context.headers)
        if context.key and context.key.replayed:
            headers.append(REPLAYED)
        if not any(name.lower() == b"cache-control" for name, _ in headers):
            headers.append(NO_STORE)
        if b"origin" in context.given and scope["method"] != "OPTIONS":
            headers += self._cors.response_headers(context.given)
        return headers
