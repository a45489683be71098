"""The outermost layer: each request gets an id, a line in the log, its figures and its headers."""

import time
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from adapters.http.inventory.fast_path import FastPath
from adapters.http.web.metrics import Metrics
from adapters.http.web.request_context import RequestContext, log_request, request_id_of

COMMON_HEADERS = {"x-content-type-options": "nosniff"}
"""Headers of every answer."""


class Middleware:
    """Around the whole app, so that an unknown address is answered in our manner too."""

    def __init__(self, app: ASGIApp, fast_path: FastPath, metrics: Metrics) -> None:
        self._app = app
        self._fast_path = fast_path
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
        elif further := await self._fast_path.handle(scope, receive, send):
            await self._handle(scope, further, send)

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Through the framework."""
        visit = RequestContext(request_id_of(dict(scope["headers"]).get(b"x-request-id", b"")))
        scope["state"] = {**scope.get("state", {}), "visit": visit}
        started = time.perf_counter()

        async def hear() -> Any:
            message = await receive()
            visit.disconnected = visit.disconnected or message["type"] == "http.disconnect"
            return message

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                seconds = time.perf_counter() - started
                self._metrics.observe_response(scope, message["status"], seconds)
                _finish_response(message, visit, scope, seconds)
            await send(message)

        with self._metrics.in_progress.track_inprogress(), bound_contextvars(request_id=visit.id):
            await self._app(scope, hear, answer)


def _finish_response(message: Any, visit: RequestContext, scope: Any, seconds: float) -> None:
    message["headers"] = [*message.get("headers", []), *_response_headers(message, visit)]
    log_request(
        scope["method"], scope.get("path_template"), message["status"], seconds, visit.caller
    )


def _response_headers(message: Any, visit: RequestContext) -> list[tuple[bytes, bytes]]:
    headers = {**COMMON_HEADERS, "x-request-id": visit.id, **visit.headers}
    if visit.key and visit.key.replayed:
        headers["idempotent-replayed"] = "true"
    if not any(name.lower() == b"cache-control" for name, _ in message.get("headers", [])):
        headers["cache-control"] = "no-store"
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
