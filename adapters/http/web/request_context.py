"""The request context: the known facts of a request while it is answered."""

import logging
import re
from random import getrandbits
from typing import Any, Final

import structlog
from litestar.connection import ASGIConnection
from msgspec import Struct

from domain.foundation.callers import Caller
from service.foundation.ports import IdempotencyKey

REQUEST_ID: Final = re.compile(rb"[!-~]{1,128}")

log = structlog.get_logger("hylla.http")
request_logger = logging.getLogger("hylla.http")


class RequestContext(Struct):
    """`id` is the caller's own `X-Request-Id`, or one of ours; the rest is filled in on the way.

    `left` is set when the client went away before it was answered.
    """

    id: str
    caller: Caller | None = None
    key: IdempotencyKey | None = None
    headers: dict[str, str] = {}
    disconnected: bool = False


def request_id_of(asked: bytes) -> str:
    """The id the client asked for, if that can be written into a log; else one of ours."""
    if REQUEST_ID.fullmatch(asked):
        return asked.decode()
    return f"{getrandbits(128):032x}"  # no secret: it only distinguishes requests


def context_of(connection: ASGIConnection[Any, Any, Any, Any]) -> RequestContext:
    visit: RequestContext = connection.scope["state"]["visit"]
    return visit


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
