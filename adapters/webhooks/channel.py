"""A signed webhook (Standard Webhooks) that carries messages to whoever really sends them.

The receiver gets `{"type": "message.pickup_ready", "timestamp", "data": {…}}` with the headers
`webhook-id` (the same on every try: the receiver's key against doubles), `webhook-timestamp`
and `webhook-signature`.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx
from msgspec.json import encode
from standardwebhooks import Webhook as Signer

from domain.administration.network import is_public
from domain.contact.channels import Accepted, Fault, Outcome, Outgoing, Rejected, Unclear

NEVER: dict[int, Fault] = {
    HTTPStatus.UNAUTHORIZED: Fault.AUTH,
    HTTPStatus.FORBIDDEN: Fault.AUTH,
    HTTPStatus.NOT_FOUND: Fault.CONFIG,
    HTTPStatus.METHOD_NOT_ALLOWED: Fault.CONFIG,
    HTTPStatus.GONE: Fault.CONFIG,
}
LONGEST_PAUSE = timedelta(days=1)


class Webhook:
    """Posts each message to one address."""

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        clock: Callable[[], datetime],
        private: bool = False,
        timeout_s: float = 20.0,
    ) -> None:
        """`private` allows an address inside the own network, which is refused otherwise."""
        self._url = url
        self._signer = Signer(secret)
        self._clock = clock
        transport = httpx.AsyncHTTPTransport()
        self._client = httpx.AsyncClient(
            transport=transport if private else PublicOnly(transport),
            timeout=timeout_s,
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def send(self, message: Outgoing) -> Outcome:
        now = self._clock()
        body = encode({"type": f"message.{message.kind}", "timestamp": now, "data": message})
        headers = {
            "content-type": "application/json",
            "webhook-id": message.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(message.id, now, body.decode()),
        }
        try:
            answer = await self._client.post(self._url, content=body, headers=headers)
        except (PrivateAddress, httpx.UnsupportedProtocol):
            return Rejected(Fault.CONFIG, "private_address")
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            return Rejected(Fault.TRANSIENT, "connection")
        except httpx.TransportError as lost:
            return Unclear(type(lost).__name__)
        return verdict(answer, message, now)


def verdict(answer: httpx.Response, message: Outgoing, now: datetime) -> Outcome:
    """2xx is taken; a redirect is a failure; 429 and 5xx ask for patience."""
    status = answer.status_code
    if answer.is_success:
        return Accepted(f"webhook:{message.id}")
    pause = pause_of(answer.headers.get("retry-after"), now)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Rejected(Fault.THROTTLED, str(status), pause)
    if answer.is_server_error or status == HTTPStatus.REQUEST_TIMEOUT:
        return Rejected(Fault.TRANSIENT, str(status), pause)
    if answer.is_redirect or status < HTTPStatus.BAD_REQUEST:
        return Rejected(Fault.CONFIG, str(status))
    return Rejected(NEVER.get(status, Fault.PERMANENT_CONTENT), str(status))


def pause_of(header: str | None, now: datetime) -> timedelta | None:
    """`Retry-After` as seconds or as a date (RFC 9110 10.2.3); nonsense counts as absent."""
    if header is None:
        return None
    try:
        if header.strip().isdigit():
            pause = timedelta(seconds=int(header))
        else:
            pause = parsedate_to_datetime(header).astimezone(UTC) - now
    except (ValueError, OverflowError):
        return None
    return min(max(pause, timedelta(0)), LONGEST_PAUSE)


class PrivateAddress(Exception):  # noqa: N818 - says what was found
    """The receiver's name leads into a network that is not the public one."""


class PublicOnly(httpx.AsyncBaseTransport):
    """Connects to public addresses only, and to the very address that was looked at.

    The name is resolved once, so that no second answer of the name service can lead elsewhere;
    TLS still speaks to the name.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        address = chosen(await _resolve(host, request.url.port))
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=address)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def chosen(addresses: Sequence[str]) -> str:
    """The first of `addresses`, if all of them are public."""
    if not addresses or not all(map(is_public, addresses)):
        raise PrivateAddress
    return addresses[0]


async def _resolve(host: str, port: int | None) -> list[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise httpx.ConnectError(str(error)) from error
    return [str(address[0]) for *_, address in found]
