"""The request context: the known facts of a request while it is answered."""

import logging
import re
import time
from collections.abc import Mapping
from random import getrandbits
from typing import Any, Final

import structlog
from litestar.connection import ASGIConnection
from msgspec import Struct

from adapters.http.web.locales import negotiate_locale
from domain.foundation.callers import Caller
from service.foundation.ports import IdempotencyKey

REQUEST_ID: Final = re.compile(rb"[!-~]{1,128}")

log = structlog.get_logger("hylla.http")
request_logger = logging.getLogger("hylla.http")


class RequestContext(Struct):
    """The facts of a request; middleware makes it, and the steps of the answer fill it in.

    `id` is the caller's own `X-Request-Id`, or one of ours. `given` are the raw request headers,
    `headers` those that the answer gets; `receive` reads the body. `disconnected` is set when the
    client went away early.
    """

    id: str
    given: Mapping[bytes, bytes]
    started_at: float
    caller: Caller | None = None
    key: IdempotencyKey | None = None
    headers: list[tuple[bytes, bytes]] = []
    disconnected: bool = False
    receive: Any = None

    @classmethod
    def of(cls, scope: Any) -> "RequestContext":
        """Returns the context of a new request."""
        given = dict(scope["headers"])
        return cls(request_id_of(given.get(b"x-request-id", b"")), given, time.perf_counter())

    @property
    def locale(self) -> str:
        """The locale of the reader, by `Accept-Language`."""
        return negotiate_locale(self.given.get(b"accept-language", b"").decode("latin-1"))


def request_id_of(asked: bytes) -> str:
    """The id the client asked for, if that can be written into a log; else one of ours."""
    if REQUEST_ID.fullmatch(asked):
        return asked.decode()
    return f"{getrandbits(128):032x}"  # no secret: it only distinguishes requests


def context_of(connection: ASGIConnection[Any, Any, Any, Any]) -> RequestContext:
    context: RequestContext = connection.scope["state"]["context"]
    return context


def log_request(
    method: str, route: str | None, status: int, seconds: float, caller: Caller | None
) -> None:
    """One line for each request."""
    if request_logger.isEnabledFor(logging.INFO):
        log.info(
            "request",
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            caller=_caller_name(caller) if caller else None,
        )


def _caller_name(caller: Caller) -> str:
    """An id of ours; whom an identity provider names is left to the provider."""
    return caller.id if caller.id.startswith(("key_", "cus_")) else caller.role.value
