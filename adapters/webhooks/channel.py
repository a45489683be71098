"""A signed webhook (Standard Webhooks) that carries messages to the retailer's sender.

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
from domain.contact.channels import (
    DeliveryFault,
    DeliveryOutcome,
    DeliveryUnknown,
    MessageAccepted,
    MessageRejected,
    OutgoingMessage,
)

PERMANENT_STATUSES: dict[int, DeliveryFault] = {
    HTTPStatus.UNAUTHORIZED: DeliveryFault.AUTH,
    HTTPStatus.FORBIDDEN: DeliveryFault.AUTH,
    HTTPStatus.NOT_FOUND: DeliveryFault.CONFIG,
    HTTPStatus.METHOD_NOT_ALLOWED: DeliveryFault.CONFIG,
    HTTPStatus.GONE: DeliveryFault.CONFIG,
}
MAX_RETRY_AFTER = timedelta(days=1)


class WebhookCarrier:
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
            transport=transport if private else PublicAddressTransport(transport),
            timeout=timeout_s,
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def send(self, message: OutgoingMessage) -> DeliveryOutcome:
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
            return MessageRejected(DeliveryFault.CONFIG, "private_address")
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            return MessageRejected(DeliveryFault.TRANSIENT, "connection")
        except httpx.TransportError as lost:
            return DeliveryUnknown(type(lost).__name__)
        return to_outcome(answer, message, now)


def to_outcome(answer: httpx.Response, message: OutgoingMessage, now: datetime) -> DeliveryOutcome:
    """2xx is taken; a redirect is a failure; 429 and 5xx ask for patience."""
    status = answer.status_code
    if answer.is_success:
        return MessageAccepted(f"webhook:{message.id}")
    pause = retry_after(answer.headers.get("retry-after"), now)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return MessageRejected(DeliveryFault.THROTTLED, str(status), pause)
    if answer.is_server_error or status == HTTPStatus.REQUEST_TIMEOUT:
        return MessageRejected(DeliveryFault.TRANSIENT, str(status), pause)
    if answer.is_redirect or status < HTTPStatus.BAD_REQUEST:
        return MessageRejected(DeliveryFault.CONFIG, str(status))
    return MessageRejected(
        PERMANENT_STATUSES.get(status, DeliveryFault.PERMANENT_CONTENT), str(status)
    )


def retry_after(header: str | None, now: datetime) -> timedelta | None:
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
    return min(max(pause, timedelta(0)), MAX_RETRY_AFTER)


class PrivateAddress(Exception):
    """The receiver's name leads into a network that is not the public one."""


class PublicAddressTransport(httpx.AsyncBaseTransport):
    """Connects to public addresses only, and to the very address that was looked at.

    The name is resolved once, so that no second answer of the name service can lead elsewhere;
    TLS still speaks to the name.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        address = choose_address(await _resolve(host, request.url.port))
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=address)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def choose_address(addresses: Sequence[str]) -> str:
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
