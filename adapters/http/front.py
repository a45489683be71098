"""The outermost layer: each request gets an id, a line in the log, its figures and its headers."""

import time
from typing import Any

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from adapters.http import metrics
from adapters.http.visits import Visit, begin

log = structlog.get_logger("hylla.http")

ALWAYS = {"x-content-type-options": "nosniff"}
"""Headers of every answer."""


class Front:
    """Around the whole app, so that an unknown address is answered in our manner too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        asked = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        visit = begin(asked)
        scope["state"] = {**scope.get("state", {}), "visit": visit}
        started = time.perf_counter()

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                _finish(message, visit, scope, time.perf_counter() - started)
            await send(message)

        metrics.UNDER_WAY.inc()
        try:
            await self._app(scope, receive, answer)
        finally:
            metrics.UNDER_WAY.dec()


def _finish(message: Any, visit: Visit, scope: Any, seconds: float) -> None:
    message["headers"] = [*message.get("headers", []), *_headers(message, visit)]
    metrics.measure(scope, message["status"], seconds)
    log.info(
        "request",
        request_id=visit.id,
        method=scope["method"],
        route=scope.get("path_template"),
        status=message["status"],
        ms=round(seconds * 1000, 1),
        caller=visit.caller.id if visit.caller else None,
    )


def _headers(message: Any, visit: Visit) -> list[tuple[bytes, bytes]]:
    headers = {**ALWAYS, "x-request-id": visit.id, **visit.headers}
    if visit.key and visit.key.replayed:
        headers["idempotent-replayed"] = "true"
    if not any(name.lower() == b"cache-control" for name, _ in message.get("headers", [])):
        headers["cache-control"] = "no-store"
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
