"""Stripe's webhook events: signed, delivered at least once, in no order."""

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import msgspec
from msgspec import Struct

from domain.kernel.errors import Invalid
from domain.kernel.ids import AttemptId
from domain.payments.attempts import InvalidSignature
from service.payments.ports import ProviderEvent

SIGNATURE_HEADER: Final = "stripe-signature"
TIMESTAMP_TOLERANCE: Final = timedelta(minutes=5)


class _StripeEventData(Struct):
    object: dict[str, Any]


class _StripeEvent(Struct):
    id: str
    type: str
    data: _StripeEventData


class StripeEvents:
    """Reads calls that are signed with one of `secrets`: the newest, and those it replaces."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = [secret.encode() for secret in secrets]

    def parse(self, headers: Mapping[str, str], body: bytes, now: datetime) -> ProviderEvent | None:
        self._verify_signature(headers.get(SIGNATURE_HEADER, ""), body, now)
        try:
            event = msgspec.json.decode(body, type=_StripeEvent)
        except msgspec.MsgspecError:
            raise Invalid("This is no event of Stripe's.") from None
        return _to_provider_event(event)

    def _verify_signature(self, header: str, body: bytes, now: datetime) -> None:
        """Raises InvalidSignature."""
        parts = [part.partition("=")[::2] for part in header.split(",")]
        stamp = next((value for name, value in parts if name.strip() == "t"), "")
        if not stamp.isdecimal() or len(stamp) > len("9999999999"):
            raise InvalidSignature
        if abs(now.timestamp() - int(stamp)) > TIMESTAMP_TOLERANCE.total_seconds():
            raise InvalidSignature
        told = [value.encode() for name, value in parts if name.strip() == "v1"]
        signed = f"{stamp}.".encode() + body
        ours = [hmac.new(key, signed, sha256).hexdigest().encode() for key in self._secrets]
        # Every pair is compared, each in constant time: the time taken reveals nothing.
        if not sum(hmac.compare_digest(one, other) for one in ours for other in told):
            raise InvalidSignature


def _to_provider_event(event: _StripeEvent) -> ProviderEvent | None:
    """Of a payment, or of a charge, a refund or a dispute that names its payment."""
    thing = event.data.object
    kind = thing.get("object")
    payment = thing.get("id") if kind == "payment_intent" else thing.get("payment_intent")
    if not isinstance(payment, str) or not payment:
        return None
    metadata = thing.get("metadata")
    attempt = metadata.get("attempt") if isinstance(metadata, dict) else None
    return ProviderEvent(
        id=event.id,
        kind=event.type,
        payment=payment,
        attempt=AttemptId(attempt) if isinstance(attempt, str) else None,
    )
