"""`Idempotency-Key`: a write that is sent twice is done once.

A handler asks for `key: NamedDependency[IdempotencyKey]` where money, stock or points move, and for
`optional_key: NamedDependency[IdempotencyKey | None]` on every other write.
"""

import re
from hashlib import sha256
from typing import Any, Final

from litestar import Request

from adapters.http.web.request_context import context_of
from domain.kernel.errors import IdempotencyKeyRequired, Invalid
from service.foundation.ports import IdempotencyKey

KEY_PATTERN: Final = re.compile(r"[!-~]{1,255}")
KEY_RULE: Final = "1 to 255 visible ASCII characters"


async def provide_optional_key(request: Request[Any, Any, Any]) -> IdempotencyKey | None:
    """The request under its key, if it has one.

    Raises:
        Invalid: the header is there but cannot be a key, or is there twice.
    """
    headers = request.headers.getall("idempotency-key", [])
    if not headers:
        return None
    [header, *more] = headers
    if more:
        raise _invalid_key("repeated", "given once")
    if not KEY_PATTERN.fullmatch(header):
        raise _invalid_key("pattern", KEY_RULE)
    context = context_of(request)
    context.key = IdempotencyKey(await _principal(request), header, await _compute_digest(request))
    return context.key


def _invalid_key(code: str, rule: str) -> Invalid:
    error = {"header": "Idempotency-Key", "code": code, "detail": rule}
    return Invalid(f"Idempotency-Key must be {rule}.", errors=[error])


async def provide_key(request: Request[Any, Any, Any]) -> IdempotencyKey:
    """Raises IdempotencyKeyRequired, Invalid."""
    key = await provide_optional_key(request)
    if key is None:
        raise IdempotencyKeyRequired("Send an Idempotency-Key: this moves money, stock or points.")
    return key


async def _principal(request: Request[Any, Any, Any]) -> str:
    """Return the owner of a key. Guests share the shop's key; their tokens distinguish them."""
    caller = context_of(request).caller
    name = caller.id if caller else ""
    given = [request.headers.get(header, "") for header in ("cart-token", "order-token")]
    token = "\n".join(one for one in given if one)
    return f"{name}:{sha256(token.encode()).hexdigest()[:32]}" if token else name


async def _compute_digest(request: Request[Any, Any, Any]) -> bytes:
    address = request.url.path
    if query := request.url.query:
        address = f"{address}?{query}"
    return request_digest(request.method, address, await request.body())


def request_digest(method: str, address: str, body: bytes) -> bytes:
    """The same for the same request."""
    return sha256(f"{method} {address}\n".encode() + body).digest()
