"""One visit to the API: what is known of a request while it is answered."""

import re
from typing import Any, Final
from uuid import uuid4

from litestar.connection import ASGIConnection
from msgspec import Struct

from domain.callers import Caller
from service.ports.requests import RequestKey

REQUEST_ID: Final = re.compile(r"[!-~]{1,128}")


class Visit(Struct):
    """`id` is the caller's own `X-Request-Id`, or one of ours; the rest is filled in on the way.

    `left` says that the client went away before it was answered.
    """

    id: str
    caller: Caller | None = None
    key: RequestKey | None = None
    headers: dict[str, str] = {}
    left: bool = False


def begin(asked: str) -> Visit:
    """A new visit under the id the client asked for, if that can be written into a log."""
    return Visit(asked if REQUEST_ID.fullmatch(asked) else uuid4().hex)


def visit_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Visit:
    visit: Visit = connection.scope["state"]["visit"]
    return visit
