"""Changes of stock as signed calls (Standard Webhooks).

The receiver gets `{"type": "stock.changed", "timestamp", "data": {"after", "until", "complete",
"changes"}}` with the headers `webhook-id` (the same on every try: its key against doubles),
`webhook-timestamp` and `webhook-signature`. Any 2xx means taken, 410 that it wants no more.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Final

import httpx
from msgspec.json import encode
from standardwebhooks import Webhook as Signer

from adapters.webhooks.channel import PrivateAddress, PublicAddressTransport, retry_after
from domain.administration.webhooks import ChangesPayload, DeliveryResult, WebhookDelivery

TIMEOUT_SECONDS: Final = 15.0
"""How long one try may take as a whole."""


class HttpWebhookSender:
    """Brings parcels to their receivers."""

    def __init__(self, *, clock: Callable[[], datetime], private: bool = False) -> None:
        """`private` allows an address inside the own network, which is refused otherwise."""
        self._clock = clock
        transport = httpx.AsyncHTTPTransport()
        self._client = httpx.AsyncClient(
            transport=transport if private else PublicAddressTransport(transport),
            timeout=TIMEOUT_SECONDS,
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def send(self, parcel: WebhookDelivery, changes: ChangesPayload) -> DeliveryResult:
        now = self._clock()
        last = changes.changes[-1].recorded_at if changes.changes else now
        body = encode({"type": "stock.changed", "timestamp": last, "data": changes})
        headers = {
            "content-type": "application/json",
            "webhook-id": parcel.delivery_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Signer(parcel.secret).sign(parcel.delivery_id, now, body.decode()),
        }
        try:
            async with (
                asyncio.timeout(TIMEOUT_SECONDS),
                self._client.stream("POST", parcel.url, content=body, headers=headers) as answer,
            ):
                return to_result(answer, now)  # the body is not read
        except PrivateAddress:
            return DeliveryResult(False, "private_address")
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as trouble:
            return DeliveryResult(False, type(trouble).__name__)


def to_result(answer: httpx.Response, now: datetime) -> DeliveryResult:
    if answer.is_success:
        return DeliveryResult(True)
    return DeliveryResult(
        False,
        str(answer.status_code),
        gone=answer.status_code == HTTPStatus.GONE,
        retry_after=retry_after(answer.headers.get("retry-after"), now),
    )
