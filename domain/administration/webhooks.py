"""Webhooks: other systems receive every change of stock, in order, until they accept it.

Each has a place in the feed, as the reader of a stream has its cursor. The next delivery begins
after that place, and the place moves on only when the delivery was accepted; so changes of one SKU
in one store stay in order, and none is left out.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from domain.administration.network import is_public
from domain.inventory.change_feed import StockChange
from domain.kernel.errors import Conflict, InvalidField
from domain.kernel.ids import Sku, StoreId, WebhookId

RETRY_DELAYS: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 30, 2 * 60, 10 * 60, 30 * 60, 3600, 3 * 3600, 6 * 3600)
)
"""Between tries; the last one stays."""
GIVE_UP_AFTER: Final = timedelta(days=5)
"""The time without an accepted delivery after which we stop trying."""


class WebhookState(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"


class Webhook(Struct, frozen=True, kw_only=True):
    """Every change up to `position` was accepted; `last_error` is why the last try failed."""

    id: WebhookId
    url: str
    state: WebhookState
    position: int
    attempts: int
    last_error: str
    failing_since: datetime | None
    created_at: datetime


class WebhookDelivery(Struct, frozen=True, kw_only=True):
    """The next delivery, leased until `due_at`: the changes after `position` up to `batch_end`."""

    id: WebhookId
    url: str
    secret: str
    position: int
    batch_end: int
    attempts: int
    failing_since: datetime | None
    due_at: datetime

    @property
    def delivery_id(self) -> str:
        """The same on every try, so that a receiver recognises a delivery it already accepted."""
        return f"{self.id}.{self.position}-{self.batch_end}"


class DeliveryResult(Struct, frozen=True):
    """The answer of a receiver; `gone` from one that wants no more deliveries."""

    accepted: bool
    error: str = ""
    gone: bool = False
    retry_after: timedelta | None = None


class WebhookUpdate(Struct, frozen=True):
    """The next state of a webhook after a try."""

    state: WebhookState
    position: int
    batch_end: int | None
    attempts: int
    last_error: str
    failing_since: datetime | None
    due_at: datetime


class ChangePayload(Struct, frozen=True):
    """A change of stock as another system receives it."""

    position: int
    sku: Sku
    store: StoreId
    version: int
    on_hand: int
    unavailable: int
    allocated: int
    held: int
    safety_stock: int
    available: int
    cause: str
    recorded_at: datetime


class ChangesPayload(Struct, frozen=True):
    """Changes behind `after` up to `until`; not `complete` where older ones were forgotten."""

    after: int
    until: int
    complete: bool
    changes: list[ChangePayload]


class CursorExpired(Conflict):
    code = "cursor_too_old"

    def __init__(self, oldest: int) -> None:
        super().__init__(
            f"The feed has changes from {oldest} on; read the stock again.",
            facts={"oldest": oldest},
        )


def apply_result(parcel: WebhookDelivery, receipt: DeliveryResult, now: datetime) -> WebhookUpdate:
    """The state after a try: the next delivery, the same later, or the end after 410 or days."""
    if receipt.accepted:
        return WebhookUpdate(WebhookState.ACTIVE, parcel.batch_end, None, 0, "", None, now)
    since = parcel.failing_since or now
    over = receipt.gone or now - since >= GIVE_UP_AFTER
    pause = RETRY_DELAYS[min(parcel.attempts, len(RETRY_DELAYS) - 1)]
    return WebhookUpdate(
        WebhookState.DISABLED if over else WebhookState.ACTIVE,
        parcel.position,
        parcel.batch_end,
        parcel.attempts + 1,
        receipt.error,
        since,
        now + max(pause, receipt.retry_after or pause),
    )


def to_payload(changed: StockChange) -> ChangePayload:
    level = changed.stock_level
    return ChangePayload(
        changed.position,
        level.sku,
        level.store,
        level.version,
        level.on_hand,
        level.unavailable,
        level.allocated,
        level.held,
        level.safety_stock,
        level.available,
        changed.cause,
        changed.recorded_at,
    )


def ensure_allowed_url(url: str, *, private: bool) -> None:
    """Raises InvalidField for an address that is not public, and one that is not safe.

    `private` allows both, for receivers in the retailer's own network.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in {"http", "https"} or port == 0:
        raise InvalidField("url", "not_an_address", "must be written as https://host/path")
    if parts.username or parts.password or parts.fragment:
        raise InvalidField("url", "not_an_address", "must hold no user, password or fragment")
    if private:
        return
    if parts.scheme != "https":
        raise InvalidField("url", "not_https", "must begin with https://")
    if _is_private_host(host):
        raise InvalidField("url", "private_address", "must lead into the public network")


def _is_private_host(host: str) -> bool:
    """Whether the name itself is a private one; other names are resolved on every try."""
    try:
        return not is_public(host)
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
