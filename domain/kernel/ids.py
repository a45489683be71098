"""Identifiers.

Master data has the retailer's own keys, stored byte for byte. Objects that the service creates have
an opaque, time-ordered id: a prefix that names its kind, then 26 characters of Crockford's base 32.
"""

import re
from typing import Annotated, Final, NewType

from msgspec import Meta

from domain.kernel.errors import Invalid
from domain.kernel.patterns import anchored

ReceiptId = Annotated[
    str, Meta(min_length=1, max_length=100, pattern=anchored(r"[^\x00-\x1f\x7f]+"))
]
"""Made by the till, and never given to another receipt, in whatever store."""

KEY_PATTERN: Final = anchored(r"[^/\x00-\x1f\x7f]{1,64}")

KEY_META = Meta(pattern=KEY_PATTERN, min_length=1, max_length=64)
Sku = Annotated[str, KEY_META]
"""A sellable product's key; case counts. Words used in paths are refused, such as `stream`."""
StoreId = Annotated[str, KEY_META]
"""A place that holds stock."""
CHANNEL_PATTERN: Final = anchored(r"[a-z0-9][a-z0-9_-]{0,63}")
ChannelId = Annotated[str, Meta(pattern=CHANNEL_PATTERN, min_length=1, max_length=64)]
"""Key of a sales channel; written in small letters, digits, `-` and `_`."""
WEB: Final[ChannelId] = "web"
"""The channel that every retailer has."""

RULE_PATTERN: Final = CHANNEL_PATTERN
RULE_META = Meta(pattern=RULE_PATTERN, min_length=1, max_length=64)
MarketId = Annotated[str, RULE_META]
PromotionId = Annotated[str, RULE_META]
ShippingMethodId = Annotated[str, RULE_META]
"""The retailer's own names of price rules, written as channels are."""

CartId = NewType("CartId", str)
OrderId = NewType("OrderId", str)
PickupId = NewType("PickupId", str)
ShipmentId = NewType("ShipmentId", str)
CustomerId = NewType("CustomerId", str)
MemberId = NewType("MemberId", str)
MessageId = NewType("MessageId", str)
HoldId = NewType("HoldId", str)
ApiKeyId = NewType("ApiKeyId", str)
WebhookId = NewType("WebhookId", str)
TransferId = NewType("TransferId", str)
DeliveryId = NewType("DeliveryId", str)
AttemptId = NewType("AttemptId", str)
TransactionId = NewType("TransactionId", str)
ReturnId = NewType("ReturnId", str)

_CROCKFORD: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS: Final = [first + second for first in _CROCKFORD for second in _CROCKFORD]
_RESERVED_SKUS: Final = frozenset({"stream", "transfers", "deliveries"})


def format_id(prefix: str, number: int) -> str:
    """`number` (128 bits, time-ordered) as an id of the kind `prefix`: `ord_01jd…`."""
    digits = "".join([_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)])
    return f"{prefix}_{digits}"


def check_key(field: str, value: str) -> str:
    """`value` itself if it can name a SKU or a store.

    Raises:
        Invalid: it is empty, longer than 64 characters, or has a slash or unprintable characters.
    """
    if not re.match(KEY_PATTERN, value) or not value.isprintable():
        rule = "1 to 64 printable characters without a slash"
        raise Invalid(
            f"{field} must be {rule}.",
            errors=[{"pointer": f"/{field}", "code": "pattern", "detail": rule}],
        )
    if field == "sku" and value in _RESERVED_SKUS:
        raise Invalid(
            f"The sku {value!r} is reserved.",
            errors=[
                {"pointer": "/sku", "code": "reserved", "detail": "this name is a path of ours"}
            ],
        )
    return value
